"""Leads assigned by hand, from a sheet of phones and people.

What is assigned by hand counts as given and as owed: it is no part of the even shares and changes no balance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import pyarrow as pa

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.language import tr
from siyu_cli.leads.shares import Share
from siyu_cli.sheets.account import ImportAccount
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.store import assigning, leads, shares
from siyu_cli.store.shares import Load
from siyu_cli.store.staff import all_staff

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def merge_assignments(
    con: DuckDBPyConnection, at_sec: int, tables: Sequence[CleanTable]
) -> tuple[ImportAccount, tuple[Share, ...]]:
    """Judge the rows inside the caller's transaction: the account of the files, and who gets how many."""
    columns = [
        table.rows.select(["row_no", "phone", "staff_id", "name"]).append_column(
            "file_no", pa.repeat(pa.scalar(at, pa.int64()), table.rows.num_rows)
        )
        for at, table in enumerate(tables)
    ]
    assigning.stage(con, pa.concat_tables(columns), [table.file for table in tables], at_sec)
    files = tuple(
        judged_account(table, assigning.staged_verdicts(con, at), assigning.staged_rejects(con, at))
        for at, table in enumerate(tables)
    )
    people = {person.staff_id: person for person in all_staff(con)}
    balances = {row.staff_id: row.balance for row in shares.ledger_rows(con)}
    loads = shares.loads(con, at_sec // DAY_SECONDS)
    found = []
    for place, (staff_id, count) in enumerate(assigning.staged_by_staff(con).items(), start=1):
        load, balance = loads.get(staff_id, Load()), balances.get(staff_id, Fraction(0))
        found.append(
            Share(
                staff_id, people[staff_id].name, load.given, count, load.holding + count, balance, balance,
                Fraction(0), place, Fraction(count), count, people[staff_id].weight_milli,
            )
        )  # fmt: skip
    extra = {
        "assigned": sum(one.given for one in found),
        "staff": [
            {
                "staff_id": one.staff_id, "name": one.name, "before": one.before, "given": one.given,
                "after": one.after, "holding": one.holding,
            }
            for one in found
        ],
    }  # fmt: skip
    return ImportAccount(files, extra=extra), tuple(found)


def apply(
    con: DuckDBPyConnection, people: Sequence[Share], run_id: int, at_sec: int, workbooks: Mapping[str, str]
) -> None:
    """Append what `merge_assignments` judged: an event per lead, a share per person."""
    rows = assigning.staged_assignments(con, tr("手工指定:", "assigned by hand: "))
    leads.append_assignments(con, rows, run_id, at_sec)
    shares.append_shares(
        con,
        [
            (
                run_id, one.staff_id, one.given, one.own, str(one.owed_now), "0", str(one.balance), one.weight_milli,
                None, workbooks.get(one.staff_id),
            )
            for one in people
        ],
    )  # fmt: skip
