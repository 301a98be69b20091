"""Reminding staff of what waits for them: one list per person and day, the manager's list, short messages.

A lead is listed for the first of these that is true: its protection is over, it ends today, nobody has
touched it for `remind_days`, it came today. The ladder counts days without a sign of work: after
`remind_days` its owner is reminded, after `escalate_days` the manager is told, each once per owner.

Beside the leads a list names the customers who have stood still in a lifecycle stage for as many days as the list
of stages allows, each stay once.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, date_of
from siyu_cli.language import tr
from siyu_cli.leads import care
from siyu_cli.store import ledger
from siyu_cli.store import reminders as kept
from siyu_cli.store.reminders import Listed
from siyu_cli.store.staff import all_staff
from siyu_cli.store.stage_reminders import note_stalled, stalled_customers
from siyu_cli.store.stages import kept_stages

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.leads.care import Held
    from siyu_cli.leads.deadlines import Days
    from siyu_cli.settings import LeadSettings, ReminderSettings

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

MANAGER = ""
"""Stands for the manager where lists are kept by account."""
WHY = ("overdue", "due-today", "idle", "new")
"""Why a lead is on a list, the most urgent first."""


_CONTENT = ("lead_id", "phone", "state", "owners", "name", "source", "channel", "remark")


def why_words() -> tuple[str, ...]:
    """WHY as the lists and messages say it."""
    return (
        tr("已到期", "overdue"),
        tr("今天到期", "due today"),
        tr("该跟进", "waiting"),
        tr("新分到", "new"),
    )


def stalled_word() -> str:
    """What lists and messages call customers who stand still."""
    return tr("阶段停留", "standing still")


@dataclass(frozen=True)
class Due:
    """What the leads somebody holds ask for: an index into WHY (-1: nothing), and who is told this time.

    `idle` are whole days without a sign of work.
    """

    why: Days
    idle: Days
    is_reminder: Mask
    is_escalation: Mask


@dataclass(frozen=True)
class StaffDue:
    """One person's list: how many leads for each reason of WHY, of these told to the manager now; where the list of
    the day lies, whether this one says something new, and whether no message has spoken of it yet."""

    staff_id: str
    name: str
    counts: tuple[int, int, int, int]
    escalated: int
    path: str | None
    is_new: bool
    is_unsaid: bool
    stalled: int = 0
    """Customers who stand still."""

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Reminding:
    """A run of reminders: the people with something to do, by account, the rows of their lists, what the manager is
    told today (`before`: the list there is), and the ledger rows to append.
    """

    people: tuple[StaffDue, ...]
    rows: pa.Table
    told: pa.Table
    before: Listed | None
    steps: pa.Table
    reminded: int
    escalated: int
    later: int
    stalled: pa.Table
    """Customers who stand still, by owner (store.stage_reminders)."""
    unowned: int
    """Customers who stand still and whom nobody looks after."""
    stages: tuple[str, ...] = ()

    def parts(self) -> dict[str, tuple[pa.Table, pa.Table]]:
        """Each person's leads and customers, by account."""
        leads, people = dict(parts_of(self.rows)), dict(parts_of(self.stalled))
        none = self.rows.slice(0, 0), self.stalled.slice(0, 0)
        return {one: (leads.get(one, none[0]), people.get(one, none[1])) for one in sorted({*leads, *people})}


def judge(
    held: Held,
    active_sec: pa.ChunkedArray,
    is_reminded: Mask,
    is_escalated: Mask,
    as_of_day: int,
    settings: ReminderSettings,
) -> Due:
    """What is due on a day, from when each lead was given and last worked on (`active_sec`, null: never)."""
    assigned = held.leads["assigned_sec"].to_numpy() // DAY_SECONDS
    active = pc.fill_null(active_sec, 0).to_numpy() // DAY_SECONDS
    idle = as_of_day - np.maximum(assigned, active)
    left = held.days_left(as_of_day)
    is_idle = idle >= settings.remind_days
    why = np.select([left < 0, left == 0, is_idle, assigned == as_of_day], [0, 1, 2, 3], default=-1)
    return Due(
        why.astype(np.int64),
        idle,
        is_idle & ~is_reminded,
        (idle >= settings.escalate_days) & ~is_escalated,
    )


def plan_reminders(
    con: DuckDBPyConnection, as_of: AsOf, leads: LeadSettings, settings: ReminderSettings
) -> Reminding:
    """What staff are to be reminded of as of a day; nothing is written."""
    held = care.read_held(con, as_of, leads)
    content = kept.held_content(con, held.leads)
    due = judge(
        held,
        content["active_sec"],
        content["is_reminded"].to_numpy(zero_copy_only=False),
        pc.is_valid(content["escalated_sec"]).to_numpy(zero_copy_only=False),
        as_of.day,
        settings,
    )
    table = _rows(held, content, due, as_of.day)
    # Most urgent first, then the older lead: the same leads always make the same list.
    table = table.sort_by([(name, "ascending") for name in ("staff_id", "place", "due", "lead_id")])
    told = table.filter(table["is_told"])
    table = table.filter(pc.less(table["place"], len(WHY)))
    names = {person.staff_id: person.name for person in all_staff(con)}
    before = kept.lists_of(con, as_of.day)
    found = stalled_customers(con, as_of)
    stalled = found.filter(pc.is_valid(found["staff_id"]))
    steps = _steps(held, due, as_of, settings)
    plan = Reminding(
        (), table, told, before.get(MANAGER), steps, int(due.is_reminder.sum()), int(due.is_escalation.sum()),
        held.later, stalled, found.num_rows - stalled.num_rows, tuple(one.stage for one in kept_stages(con)),
    )  # fmt: skip
    people = tuple(
        _person(staff_id, names.get(staff_id, staff_id), *parts, before.get(staff_id))
        for staff_id, parts in plan.parts().items()
    )
    return replace(plan, people=people)


def _rows(held: Held, content: pa.Table, due: Due, as_of_day: int) -> pa.Table:
    days = held.last_day.tolist()
    told = pc.fill_null(content["escalated_sec"], -DAY_SECONDS).to_numpy() // DAY_SECONDS == as_of_day
    dates = {day: date_of(day).isoformat() for day in set(days)}
    words = [*why_words(), ""]
    return pa.table(
        {
            "staff_id": held.leads["staff_id"],
            **{name: content[name] for name in _CONTENT},
            "why": pa.array([words[at] for at in due.why.tolist()], pa.string()),
            "place": pa.array(np.where(due.why < 0, len(WHY), due.why)),
            "idle": pa.array(due.idle),
            "due": pa.array([dates[day] for day in days], pa.string()),
            "last_day": pa.array(held.last_day),
            "is_escalation": pa.array(due.is_escalation),
            "is_told": pa.array(due.is_escalation | told),
        }
    )


def _steps(held: Held, due: Due, as_of: AsOf, settings: ReminderSettings) -> pa.Table:
    """The ledger rows of this run: `reminded`, then `escalated`."""
    tables = []
    for kind, mask, days in (
        ("reminded", due.is_reminder, settings.remind_days),
        ("escalated", due.is_escalation, settings.escalate_days),
    ):
        chosen = held.leads.filter(pa.array(mask))
        reason = tr(f"{days} 天没有跟进", f"{days} days without a sign of work")
        size = chosen.num_rows
        tables.append(
            pa.table(
                {
                    "lead_id": chosen["lead_id"],
                    "at_sec": pc.max_element_wise(chosen["last_sec"], pa.scalar(as_of.seconds, pa.int64())),
                    "kind": pa.repeat(kind, size),
                    "staff_id": chosen["staff_id"],
                    "reason": pa.repeat(reason, size),
                }
            )
        )
    both = pa.concat_tables(tables)
    return both.append_column("nth", pa.array(np.arange(both.num_rows)))


def parts_of(table: pa.Table) -> list[tuple[str, pa.Table]]:
    """A table sorted by staff_id, cut into the part of each person."""
    accounts = table["staff_id"].to_pylist()
    starts = [at for at, one in enumerate(accounts) if at == 0 or one != accounts[at - 1]]
    bounds = itertools.pairwise([*starts, len(accounts)]) if starts else ()
    return [(accounts[start], table.slice(start, end - start)) for start, end in bounds]


def _person(staff_id: str, name: str, part: pa.Table, stalled: pa.Table, before: Listed | None) -> StaffDue:
    counts = np.bincount(part["place"].to_numpy(), minlength=len(WHY))[: len(WHY)]
    is_new = before is None or before.digest != digest_of(part, stalled)
    return StaffDue(
        staff_id,
        name,
        (int(counts[0]), int(counts[1]), int(counts[2]), int(counts[3])),
        int(pc.sum(pc.cast(part["is_escalation"], pa.int64())).as_py() or 0),
        before.path if before else None,
        is_new,
        is_new or before is None or not before.is_announced,
        stalled.num_rows,
    )


def digest_of(part: pa.Table, stalled: pa.Table | None = None) -> str:
    """What a person's list says, as a short text: two lists with the same one are the same list."""
    said = list(zip(*(part[name].to_pylist() for name in ("lead_id", "place", "due", "state")), strict=True))
    if stalled is not None:
        said += list(
            zip(*(stalled[name].to_pylist() for name in ("customer_id", "since_sec", "stage")), strict=True)
        )
    return hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()[:16]


def note(
    con: DuckDBPyConnection,
    plan: Reminding,
    run_id: int,
    day: int,
    paths: Mapping[str, str],
    messages: Sequence[str],
) -> None:
    """Write the ladder's steps, the lists to come (account → path) and the messages, in the caller's transaction."""
    con.register("reminder_steps", plan.steps)
    ledger.append_events(con, "reminder_steps", run_id)
    con.unregister("reminder_steps")
    note_stalled(con, plan.stalled, run_id, day)
    parts = plan.parts()
    lists = [
        (MANAGER, digest_of(plan.told), plan.told.num_rows, path)
        if staff_id == MANAGER
        else (staff_id, digest_of(*parts[staff_id]), sum(one.num_rows for one in parts[staff_id]), path)
        for staff_id, path in paths.items()
    ]
    if lists:
        kept.note_lists(con, run_id, day, lists)
    if messages:
        kept.note_messages(con, run_id, day, list(messages))


def message_lines(people: Sequence[StaffDue], paths: Mapping[str, str]) -> list[str]:
    """A line per person for the group: whom it speaks to, how many of what, which file. Never a phone."""
    words = (*why_words(), stalled_word())
    lines = []
    for person in people:
        shown = zip(words, (*person.counts, person.stalled), strict=True)
        counts = " · ".join(f"{word} {count}" for word, count in shown if count)
        file = paths[person.staff_id].rsplit("/", 1)[-1]
        lines.append(f"<@{person.staff_id}> {plain(person.name)}:{counts}({plain(file)})")
    return lines


def escalation_line(people: Sequence[StaffDue], settings: ReminderSettings) -> str:
    """The manager's line: who leaves how many untouched; empty where there is none."""
    late = [person for person in people if person.escalated]
    if not late:
        return ""
    listed = tr("、", ", ").join(f"{plain(person.name)} {person.escalated}" for person in late)
    manager = f"<@{settings.manager}> " if settings.manager else ""
    return manager + tr(
        f"抄送主管:{settings.escalate_days} 天没有跟进的线索:{listed}",
        f"For the manager: untouched for {settings.escalate_days} days: {listed}",
    )


def plain(text: str) -> str:
    """A name without what markdown or a mention would make of it."""
    return "".join(" " if sign in "<>*`[]\n\r_#" else sign for sign in text).strip()
