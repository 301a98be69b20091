"""The allocation itself against a bare numpy sort of the same keys plus a cyclic deal, and its growth with leads.

1,000,000 leads × 500 staff × 20 strata with weights and room; then the same with channels that only some take.
Then the command without its workbooks: pool, staff and ledger read from a store, the allocation, the ledger
written. `LEADS=200000 python -m benchmarks distribute_leads` sets the size.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from benchmarks.measure import show, time_calls
from siyu_cli.leads import desk
from siyu_cli.leads.distribution import plan_distribution
from siyu_cli.leads.eligibility import Scope
from siyu_cli.leads.shares import Dealt, Ledger
from siyu_cli.store.connection import open_store, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.leads.desk import Desk

LEADS = int(os.environ.get("LEADS", "1000000"))
PEOPLE, STRATA, ROUNDS = 500, 20, 5
EMPTY = Ledger({}, frozenset())
NOW = 1_700_000_000 + 86_400 * 31


def make_leads(count: int) -> pa.Table:
    """Leads of a month in no order, 20 channels."""
    dice = np.random.default_rng(7)
    channels = np.array([f"渠道{at:02d}" for at in range(STRATA)])
    return pa.table(
        {
            "lead_id": np.arange(count),
            "phone": pa.array((dice.permutation(count) + 13_800_000_000).astype(str)),
            "channel_key": pa.array(channels[dice.integers(0, STRATA, count)]),
            "imported_sec": 1_700_000_000 + dice.integers(0, 86_400 * 30, count),
        }
    )


def make_staff(count: int, leads: int, *, choosy: bool = False) -> list[Dealt]:
    """Four weights, every third person with little room; `choosy` lets every second take five channels only."""
    dice = np.random.default_rng(8)
    room = 3 * leads // (2 * count)
    every = Scope()
    return [
        Dealt(
            f"s{at:03d}", f"员工{at}", 0, 0, (500, 1000, 1500, 2000)[at % 4], None if at % 3 else room + at,
            Scope(channels=frozenset(f"渠道{one:02d}" for one in dice.choice(STRATA, 5, replace=False)))
            if choosy and at % 2
            else every,
        )
        for at in range(count)
    ]  # fmt: skip


def bare(phones: np.ndarray, times: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """What any program has to do: sort by stratum, time and phone, and deal in a circle."""
    order = np.lexsort((phones, times, strata))
    owners = np.empty(len(order), np.int64)
    owners[order] = np.arange(len(order)) % PEOPLE
    return owners


def keys_of(leads: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three keys as numbers, ready for `bare`."""
    return (
        leads["phone"].cast(pa.int64()).to_numpy(),
        leads["imported_sec"].to_numpy(),
        np.asarray(leads["channel_key"].combine_chunks().dictionary_encode().indices),
    )


def fill_store(con: DuckDBPyConnection, leads: pa.Table) -> None:
    """A pool of these leads, and the same people as in `make_staff`."""
    con.register("bench_leads", leads)
    con.execute("""
        INSERT INTO leads BY NAME
        SELECT lead_id, phone, channel_key, channel_key AS channel, imported_sec, 1 AS run_id FROM bench_leads
    """)
    con.execute("""
        INSERT INTO lead_events BY NAME
        SELECT lead_id AS event_id, lead_id, imported_sec AS at_sec, 'imported' AS kind, '' AS reason, 1 AS run_id
        FROM bench_leads
    """)
    con.unregister("bench_leads")
    people = make_staff(PEOPLE, leads.num_rows)
    con.executemany(
        "INSERT INTO staff BY NAME SELECT ? AS staff_id, ? AS name, ? AS weight_milli, ? AS daily_cap, 1 AS is_active, "
        "1 AS first_run_id, 1 AS run_id",
        [(one.staff_id, one.name, one.weight_milli, one.room) for one in people],
    )


def time_store(leads: pa.Table) -> None:
    """Print what reading, deciding and writing take in a store, rolled back each time."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(Path(folder), wait=5, write=True, memory_limit="2GB") as con,
    ):
        with transaction(con):
            fill_store(con, leads)

        def look() -> Desk:
            return desk.look(con, NOW)

        def look_and_apply() -> None:
            with transaction(con, keep=False):
                desk.apply(con, look().plan, 2, NOW, {})

        calls = {
            "allocation": partial(plan_distribution, leads, make_staff(PEOPLE, leads.num_rows), EMPTY),
            "read and decide": look,
            "read, decide and write": look_and_apply,
        }
        show(f"{leads.num_rows:,} leads in a store", time_calls(calls, rounds=3), "allocation")


def main() -> None:
    """Print the ratios."""
    leads = make_leads(LEADS)
    fair, choosy = make_staff(PEOPLE, LEADS), make_staff(PEOPLE, LEADS, choosy=True)
    calls = {
        "bare sort and circle": partial(bare, *keys_of(leads)),
        "weights and room": partial(plan_distribution, leads, fair, EMPTY),
        "and eligibility": partial(plan_distribution, leads, choosy, EMPTY),
    }
    show(
        f"{LEADS:,} leads, {PEOPLE} people, {STRATA} strata",
        time_calls(calls, rounds=ROUNDS),
        "bare sort and circle",
    )
    sizes = {count: make_leads(count) for count in (LEADS // 100, LEADS // 10, LEADS)}
    growth = {
        f"{count:,} leads": partial(plan_distribution, table, make_staff(PEOPLE, count), EMPTY)
        for count, table in sizes.items()
    }
    for table in sizes.values():
        if table.num_rows * 10 >= LEADS:
            time_store(table)
    show("growth with leads", time_calls(growth, rounds=ROUNDS), f"{LEADS // 10:,} leads")


if __name__ == "__main__":
    main()
