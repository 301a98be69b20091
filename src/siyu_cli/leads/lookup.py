"""What list-leads and explain-lead say: the leads of a filter with their deadlines, the story of one lead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, date_of, format_seconds
from siyu_cli.errors import InputRefused, UsageRefused
from siyu_cli.language import tr
from siyu_cli.leads import states
from siyu_cli.leads.care import read_held
from siyu_cli.leads.deadlines import Terms, last_days
from siyu_cli.leads.states import ACTIVITY, BACK_TO_POOL, CLOSED, KIND_WORDS, OPEN, Kind, State
from siyu_cli.phone import clean_phones, mask_phones
from siyu_cli.sheets.row_keys import read_keys
from siyu_cli.store import lead_lookup
from siyu_cli.store.lead_lookup import EventRow, LeadFilter, LeadRow
from siyu_cli.store.staff import all_staff
from siyu_cli.words import did_you_mean

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.settings import LeadSettings, Protection


def check_states(words: Sequence[str]) -> tuple[State, ...]:
    """States by their Chinese words; UsageRefused names an unknown one."""
    known = [state.value for state in State]
    for word in words:
        if word not in known:
            near = did_you_mean(word, known)
            raise UsageRefused(
                "unknown-state",
                tr(f"没有「{word}」这个状态", f"There is no state “{word}”"),
                hint=(tr(f"你是不是想写:{near};", f"Did you mean: {near}; ") if near else "")
                + "、".join(known),
            )
    return tuple(State(word) for word in words)


def staff_ids(con: DuckDBPyConnection, given: Sequence[str]) -> tuple[str, ...]:
    """Accounts by account or name (everyone of that name); InputRefused names an unknown one."""
    people = all_staff(con)
    found: list[str] = []
    for word in given:
        mine = [one.staff_id for one in people if one.staff_id == word] or [
            one.staff_id for one in people if one.name == word
        ]
        if not mine:
            near = did_you_mean(word, [name for one in people for name in (one.staff_id, one.name)])
            raise InputRefused(
                "unknown-staff",
                tr(f"没有员工「{word}」", f"There is no member of staff “{word}”"),
                hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}") if near else "",
            )
        found += mine
    return tuple(dict.fromkeys(found))


def list_leads(
    con: DuckDBPyConnection,
    wanted: LeadFilter,
    as_of: AsOf,
    settings: LeadSettings,
    *,
    is_overdue: bool = False,
    due_within: int | None = None,
) -> pa.Table:
    """The leads of a filter with last_day and days_left (null where nobody holds them), the most urgent first."""
    found = lead_lookup.find_leads(con, wanted, as_of.seconds)
    held = read_held(con, as_of, settings)
    at = pc.index_in(found["lead_id"], value_set=held.leads["lead_id"].combine_chunks())
    last_day = pa.array(held.last_day).take(at.combine_chunks())
    found = found.append_column("last_day", last_day)
    left = pc.subtract(found["last_day"], as_of.day)
    found = found.append_column("days_left", left)
    if is_overdue or due_within is not None:
        most = -1 if due_within is None else due_within
        least = -(10**9) if is_overdue else 0
        found = found.filter(pc.and_(pc.less_equal(left, most), pc.greater_equal(left, least)))
    return found.sort_by([("last_day", "ascending"), ("lead_id", "ascending")])


def find_lead(con: DuckDBPyConnection, who: str) -> LeadRow:
    """The lead that a phone (full or masked), a number `L12` or a row key means.

    InputRefused `unknown-lead`, `several-leads` or `bad-phone` with what to do.
    """
    text = who.strip()
    lead, _, codes = read_keys(pa.array([text]))
    if codes[0].as_py() is None:
        found = lead_lookup.lead_by_id(con, lead[0].as_py())
    elif re.fullmatch(r"[Ll]?[0-9]{1,10}", text):
        found = lead_lookup.lead_by_id(con, int(text.lstrip("Ll")))
    elif re.fullmatch(r"1[0-9]{2}\*{4}[0-9]{4}", text):
        found = lead_lookup.leads_by_phone(con, text)
    else:
        phones, _ = clean_phones(pa.array([text]))
        phone = phones[0].as_py()
        if phone is None:
            raise InputRefused(
                "bad-phone",
                tr(f"不是手机号:{mask_phones(text)}", f"Not a mobile number: {mask_phones(text)}"),
                hint=tr(
                    "写 11 位手机号、打码的 138****5671,或线索编号 L12",
                    "Write 11 digits, 138****5671, or L12",
                ),
            )
        found = lead_lookup.leads_by_phone(con, phone)
        if not found:
            raise _no_lead(con, phone)
    if not found:
        raise InputRefused(
            "unknown-lead",
            tr(f"没有这条线索:{mask_phones(text)}", f"There is no such lead: {mask_phones(text)}"),
            hint=tr("编号和号码见 siyu list-leads", "See siyu list-leads"),
        )
    if len(found) > 1:
        listed = "、".join(f"L{one.lead_id} {one.name or ''}".strip() for one in found[:8])
        raise InputRefused(
            "several-leads",
            tr(f"{text} 可能是几条线索:{listed}", f"{text} may be several leads: {listed}"),
            hint=tr("写完整号码,或用编号:siyu explain-lead L12", "Write the full number, or the lead: L12"),
        )
    return found[0]


def _no_lead(con: DuckDBPyConnection, phone: str) -> InputRefused:
    """Why a phone is no lead, as far as the workspace knows."""
    customer, is_friend, is_opted_out = lead_lookup.who_has(con, phone)
    masked = mask_phones(phone)
    why = tr("没有哪份名单提到过它", "no list has named it")
    hint = tr(
        "先导入名单:siyu import-leads inbox/名单.xlsx", "Import a list: siyu import-leads inbox/list.xlsx"
    )
    if is_opted_out:
        why, hint = (
            tr("它退订了,名单里有也不进池", "it opted out"),
            tr("见 siyu optout --list", "See siyu optout --list"),
        )
    elif is_friend:
        why, hint = tr("它已经是好友", "it is a friend's"), f"siyu show-customer {masked}"
    elif customer is not None:
        why = tr(f"它已经是客户 {customer} 的", f"it is customer {customer}'s")
        hint = f"siyu show-customer {customer}"
    return InputRefused(
        "unknown-lead", tr(f"{masked} 不是线索:{why}", f"{masked} is no lead: {why}"), hint=hint
    )


@dataclass(frozen=True)
class Told:
    """One event as a sentence."""

    event: EventRow
    text: str


@dataclass(frozen=True)
class Story:
    """A lead from its import to a moment, and what happens next; `later` events lie after the moment."""

    lead: LeadRow
    batches: tuple[str, ...]
    told: tuple[Told, ...]
    state: State | None
    owner: str | None
    owner_name: str | None
    owners: int
    last_day: int | None
    days_left: int | None
    next_step: str
    later: int


def tell(con: DuckDBPyConnection, lead: LeadRow, as_of: AsOf, settings: LeadSettings) -> Story:
    """The story of one lead as of a moment."""
    events = lead_lookup.lead_events(con, lead.lead_id)
    size = next((at for at, event in enumerate(events) if event.at_sec > as_of.seconds), len(events))
    seen = events[:size]
    now = states.replay((event.kind, event.staff_id) for event in seen)
    terms = settings.of(lead.channel_key)
    last_day = _last_day(seen, terms) if now.state in OPEN else None
    left = None if last_day is None else last_day - as_of.day
    owner = now.staff_id if now.state is not State.POOL else None
    name = next((event.staff_name for event in reversed(seen) if event.staff_id == owner), owner)
    return Story(
        lead, tuple(lead_lookup.lead_batches(con, lead.lead_id)),
        tuple(Told(event, sentence(event)) for event in seen), now.state, owner, name if owner else None, now.owners,
        last_day, left, _next_step(now, seen, lead, last_day, left, terms, as_of), len(events) - size,
    )  # fmt: skip


def _last_day(seen: Sequence[EventRow], terms: Protection) -> int:
    assigned = next(event.at_sec for event in reversed(seen) if event.kind == Kind.ASSIGNED)
    since = max(at for at, event in enumerate(seen) if event.kind in (Kind.ASSIGNED, Kind.REOPENED))
    signs = sorted(event.at_sec // DAY_SECONDS for event in seen[since:] if event.kind in ACTIVITY)
    days = last_days(
        np.array([assigned // DAY_SECONDS]),
        Terms.of([terms]),
        np.zeros(len(signs), np.int64),
        np.array(signs, np.int64),
    )
    return int(days[0])


def sentence(event: EventRow) -> str:
    """One event in words: what happened, who, why."""
    who = event.staff_name or tr("(没写是谁)", "(nobody named)")
    why = event.reason
    text = {
        Kind.IMPORTED: tr(f"导入:{why}", f"imported: {why}"),
        Kind.UNDONE: tr(f"线索撤回:{why}", f"taken back: {why}"),
        Kind.ASSIGNED: tr(f"分给 {who}:{why}", f"dealt to {who}: {why}"),
        Kind.RECLAIMED: tr(f"从 {who} 收回:{why}", f"taken back from {who}: {why}"),
        Kind.RETURNED: tr(f"{who} 退回:{why}", f"given back by {who}: {why}"),
        Kind.HANDED_OVER: tr(f"{who} 移交:{why}", f"handed over by {who}: {why}"),
        Kind.BOUGHT: tr(f"已是客户:{why}", f"bought: {why}"),
        Kind.DEAD: tr(f"成为死线索:{why}", f"dead: {why}"),
        Kind.REMINDED: tr(f"提醒了 {who}:{why}", f"{who} was reminded: {why}"),
        Kind.ESCALATED: tr(f"抄送了主管({who} 的线索):{why}", f"escalated ({who}'s): {why}"),
        Kind.REOPENED: (
            tr(f"重新打开,归 {who}:{why}", f"reopened for {who}: {why}")
            if event.staff_id
            else tr(f"重新打开,回到待分配:{why}", f"reopened to the pool: {why}")
        ),
    }.get(Kind(event.kind))
    if text is None:
        text = f"{who} {KIND_WORDS[Kind(event.kind)]}({why})"
    return f"{text}「{event.note}」" if event.note else text


def _next_step(
    now: states.Standing,
    seen: Sequence[EventRow],
    lead: LeadRow,
    last_day: int | None,
    left: int | None,
    terms: Protection,
    as_of: AsOf,
) -> str:
    if not seen:
        return tr("那时还没有导入", "It had not come yet")
    if now.state is None:
        return tr("不在线索里;名单再导入就又是新线索", "No lead now; importing it again makes a new one")
    if now.state is State.POOL:
        if lead.is_opted_out:
            return tr("已退订,留在池里不分", "Opted out, it stays in the pool")
        cooling = {
            event.staff_name: event.at_sec // DAY_SECONDS + terms.cooldown_days
            for event in seen
            if event.kind in BACK_TO_POOL and event.at_sec // DAY_SECONDS > as_of.day - terms.cooldown_days
        }
        barred = "、".join(
            tr(f"{name}({date_of(day)} 之前)", f"{name} (before {date_of(day)})")
            for name, day in cooling.items()
        )
        return tr("等下一次 siyu distribute-leads", "Waits for siyu distribute-leads") + (
            tr(f";不会分给 {barred}", f"; not to {barred}") if barred else ""
        )
    if now.state in CLOSED:
        return tr("已有结果,不会再分", "It has come to an end and is not dealt out again")
    assert last_day is not None
    assert left is not None
    # Who handed it over on leaving did not try.
    tries = now.owners - sum(event.kind == Kind.HANDED_OVER for event in seen)
    is_last = tries >= terms.max_owners
    then = tr("算死线索", "it is dead") if is_last else tr("收回再分", "it goes back to the pool")
    if left < 0:
        return tr(
            f"{date_of(last_day)} 已到期,下一次 siyu reclaim-leads {then}",
            f"Overdue since {date_of(last_day)}; at the next siyu reclaim-leads {then}",
        )
    return tr(
        f"最后一天 {date_of(last_day)}(还有 {left} 天),到时还没加上就{then}",
        f"Last day {date_of(last_day)} ({left} days left); not added by then, {then}",
    )


def moment_words(seconds: int) -> str:
    """`2025-03-15 10:02`."""
    return format_seconds(seconds)[:16]
