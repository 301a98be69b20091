"""The lead desk at work: read pool, staff and ledger, plan a distribution, write it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.leads.distribution import Dealt, DistributionPlan, Ledger, plan_distribution
from siyu_cli.store import leads
from siyu_cli.store.leads import LedgerRow
from siyu_cli.store.staff import StaffRow, all_staff

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Absent:
    """A retired person who was given leads before: shown, never dealt to."""

    person: StaffRow
    given: int
    holding: int


@dataclass(frozen=True)
class Desk:
    """What a distribution would do, and what it leaves alone."""

    plan: DistributionPlan
    absent: tuple[Absent, ...]
    opted_out: int
    later: int


def look(con: DuckDBPyConnection, as_of_sec: int) -> Desk:
    """Plan the distribution of the pool as of a moment; InputRefused when nobody is active."""
    people = all_staff(con)
    counts = leads.given_and_holding(con)
    active = [person for person in people if person.is_active]
    if not active:
        raise InputRefused(
            "no-active-staff",
            tr("没有在岗的员工,线索没法分", "Nobody is active, leads cannot be dealt out"),
            hint=tr(
                "先导入员工表:siyu import-staff inbox/员工.xlsx",
                "Import a staff sheet: siyu import-staff inbox/staff.xlsx",
            ),
        )
    staff = [Dealt(person.staff_id, person.name, *counts.get(person.staff_id, (0, 0))) for person in active]
    plan = plan_distribution(leads.pool(con, as_of_sec), staff, ledger_of(leads.ledger_rows(con)))
    opted_out, later = leads.pool_rest(con, as_of_sec)
    absent = tuple(
        Absent(person, *counts[person.staff_id])
        for person in people
        if not person.is_active and person.staff_id in counts
    )
    return Desk(plan, absent, opted_out, later)


def ledger_of(rows: list[LedgerRow]) -> Ledger:
    """Stored sums as balances."""
    return Ledger(
        {row.staff_id: row.given - row.owed for row in rows},
        frozenset(row.staff_id for row in rows if row.is_present),
    )


def apply(
    con: DuckDBPyConnection, plan: DistributionPlan, run_id: int, at_sec: int, workbooks: Mapping[str, str]
) -> None:
    """Append the plan to the ledger in the caller's transaction: an event per lead, a share per person."""
    leads.append_assignments(con, plan.assignments(), run_id, at_sec)
    fixed = (plan.assigned, len(plan.shares))
    leads.append_shares(
        con,
        [
            (run_id, one.staff_id, one.given, *fixed, str(one.carry), workbooks.get(one.staff_id))
            for one in plan.shares
        ],
    )
