"""The lead desk at work: read pool, staff and ledger, plan a distribution, write it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, date_of
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.leads import care
from siyu_cli.leads.distribution import plan_distribution
from siyu_cli.leads.eligibility import Scope, places_of, words_of
from siyu_cli.leads.shares import Dealt, DistributionPlan, Ledger
from siyu_cli.settings import Distribution, LeadSettings
from siyu_cli.store import leads, leaves, shares
from siyu_cli.store.shares import LedgerRow, Load
from siyu_cli.store.staff import StaffRow, all_staff

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.store.leaves import Leave

OPTED_OUT, CLOSED_DAY, TRIED = "opted-out", "outside-working-days", "tried-enough"

_COLUMN_OF = {"channel": "channel_key", "region": "province"}


@dataclass(frozen=True)
class Absent:
    """Someone leads are not dealt to now: why, until which day (None: open), what they were given and hold."""

    person: StaffRow
    given: int
    holding: int
    why: str
    until_day: int | None = None

    @property
    def is_retired(self) -> bool:
        return not self.person.is_active


@dataclass(frozen=True)
class Desk:
    """What a distribution would do, and what it leaves alone.

    `absent` are active people who are away and retired ones who were given leads before; `left` says why leads
    stay in the pool; `later` were imported after the moment asked for.
    """

    plan: DistributionPlan
    absent: tuple[Absent, ...]
    opted_out: int
    later: int
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def left_in_pool(self) -> int:
        return sum(self.left.values())


def look(
    con: DuckDBPyConnection, as_of_sec: int, rules: Distribution | None = None, terms: LeadSettings | None = None,
    *, only: Sequence[int] | None = None, without: str | None = None,
) -> Desk:  # fmt: skip
    """Plan the distribution of the pool, or of the leads `only`, as of a moment.

    `terms` say how long a lead does not go back to whom it was taken from; `without` is an account that gets none. InputRefused when nobody is active.
    """
    rules = rules or Distribution()
    day = as_of_sec // DAY_SECONDS
    people = [person for person in all_staff(con) if person.staff_id != without]
    if not any(person.is_active for person in people):
        raise no_active_staff()
    loads, away = shares.loads(con, day), leaves.leaves_on(con, day)
    staff = [
        _dealt(person, loads.get(person.staff_id, Load()), away.get(person.staff_id))
        for person in people
        if person.is_active
    ]
    pool, tried_enough = _pool(con, as_of_sec, rules, terms or LeadSettings(), only)
    ledger = replace(ledger_of(shares.ledger_rows(con)), drift=shares.mix_drift(con))
    is_open = rules.is_working(day)
    plan = plan_distribution(
        pool if is_open else pool.slice(0, 0), staff, ledger,
        [_COLUMN_OF.get(name, name) for name in rules.strata],
    )  # fmt: skip
    opted_out, later = leads.pool_rest(con, as_of_sec)
    left = dict(plan.left) if is_open else {CLOSED_DAY: pool.num_rows}
    left = {
        reason: count
        for reason, count in {**left, TRIED: tried_enough, OPTED_OUT: opted_out}.items()
        if count
    }
    return Desk(plan, tuple(_absent(people, loads, away)), opted_out, later, left)


def no_active_staff() -> InputRefused:
    """The refusal where nobody could be given a lead."""
    return InputRefused(
        "no-active-staff",
        tr("没有在岗的员工,线索没法分", "Nobody is active, leads cannot be dealt out"),
        hint=tr(
            "先导入员工表:siyu import-staff inbox/员工.xlsx",
            "Import a staff sheet: siyu import-staff inbox/staff.xlsx",
        ),
    )


def _pool(
    con: DuckDBPyConnection,
    as_of_sec: int,
    rules: Distribution,
    terms: LeadSettings,
    only: Sequence[int] | None,
) -> tuple[pa.Table, int]:
    """The leads to deal out with all that decides about them, and how many have been with enough people."""
    pool = leads.pool(con, as_of_sec, terms.protection.cooldown_days)
    if only is not None:
        pool = pool.filter(pc.is_in(pool["lead_id"], value_set=pa.array(list(only), pa.int64())))
    # They are dead at the next reclaim; whichever command runs first, nobody gets them.
    enough = pc.is_in(pool["lead_id"], value_set=care.tried_enough(con, as_of_sec, terms))
    tried = int(pc.sum(pc.cast(enough, pa.int64())).as_py() or 0)
    pool = shares.with_facts(con, pool.filter(pc.invert(enough)) if tried else pool, list(rules.value_from))
    return (pool if rules.sticky else pool.drop_columns(["sticky"])), tried


def _dealt(person: StaffRow, load: Load, leave: Leave | None) -> Dealt:
    """A person as the distribution sees them."""
    rooms = []
    if person.daily_cap is not None:
        rooms.append(max(0, person.daily_cap - load.today))
    if person.holding_cap is not None:
        rooms.append(max(0, person.holding_cap - load.holding))
    return Dealt(
        person.staff_id, person.name, load.given, load.holding, person.weight_milli,
        min(rooms, default=None), _scope(person), _why_away(person, leave),
    )  # fmt: skip


def _scope(person: StaffRow) -> Scope:
    return Scope(
        words_of(person.channels), places_of(person.regions), words_of(person.store), words_of(person.skills)
    )


def _why_away(person: StaffRow, leave: Leave | None) -> str:
    """Why someone takes no part today; '' for those who do."""
    if not person.is_active:
        return tr("停用", "retired")
    if leave is not None:
        reason = f"({leave.reason})" if leave.reason else ""
        return tr(f"请假{reason}", f"on leave{reason}")
    if person.weight_milli == 0:
        return tr("权重为 0", "weight 0")
    return ""


def _absent(people: Sequence[StaffRow], loads: Mapping[str, Load], away: Mapping[str, Leave]) -> list[Absent]:
    found = []
    for person in people:
        load, leave = loads.get(person.staff_id, Load()), away.get(person.staff_id)
        why = _why_away(person, leave)
        if why and (person.is_active or load.given):
            until = leave.to_day if leave and person.is_active else None
            found.append(Absent(person, load.given, load.holding, why, until))
    return found


def until_text(absent: Absent) -> str:
    """「到 2025-03-20」 of a leave; '' where there is no end."""
    if absent.until_day is None:
        return ""
    day = date_of(absent.until_day).isoformat()
    return tr(f"到 {day}", f"until {day}")


def ledger_of(rows: list[LedgerRow]) -> Ledger:
    """Stored sums as balances."""
    return Ledger(
        {row.staff_id: row.balance for row in rows},
        frozenset(row.staff_id for row in rows if row.is_present),
    )


def apply(
    con: DuckDBPyConnection, plan: DistributionPlan, run_id: int, at_sec: int, workbooks: Mapping[str, str]
) -> None:
    """Append the plan to the ledger in the caller's transaction: an event per lead, a share per person."""
    leads.append_assignments(con, plan.assignments(), run_id, at_sec)
    shares.append_shares(
        con,
        [
            (
                run_id, one.staff_id, one.given, one.own, str(one.owed_now), str(one.carry), str(one.balance),
                one.weight_milli, one.room, workbooks.get(one.staff_id),
            )
            for one in plan.shares
        ],
    )  # fmt: skip
    shares.append_mixes(
        con,
        [
            (run_id, staff_id, mix.stratum, mix.given[staff_id], round(due * shares.MICRO))
            for mix in plan.strata
            for staff_id, due in mix.due.items()
        ],
    )
