"""The allocation itself against a bare numpy sort of the same keys plus a cyclic deal, and its growth with leads.

1,000,000 leads × 500 staff × 20 strata with weights and room; then the same with channels that only some take.
`LEADS=200000 python -m benchmarks distribute_leads` sets the size. Nothing is read from a store or written.
"""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pyarrow as pa

from benchmarks.measure import show, time_calls
from siyu_cli.leads.distribution import Dealt, Ledger, plan_distribution
from siyu_cli.leads.eligibility import Scope

LEADS = int(os.environ.get("LEADS", "1000000"))
PEOPLE, STRATA, ROUNDS = 500, 20, 5
EMPTY = Ledger({}, frozenset())


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
    show("growth with leads", time_calls(growth, rounds=ROUNDS), f"{LEADS // 10:,} leads")


if __name__ == "__main__":
    main()
