"""The life of a lead: its states, what can happen to it, and which of these may follow which.

The state is nowhere stored. It is what the ledger's events, in their order, make of it: `replay` says
it for one lead, the view `lead_state` for all; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from siyu_cli.language import tr


class State(StrEnum):
    """Where a lead stands."""

    POOL = "待分配"
    WAITING = "待添加"
    REQUESTED = "待通过"
    ADDED = "已添加"
    INVALID = "无效"
    DECLINED = "拒绝"
    CUSTOMER = "已是客户"
    DEAD = "死线索"


OPEN = frozenset({State.WAITING, State.REQUESTED})
"""Somebody holds it and has still to bring it to an end."""
CLOSED = frozenset(State) - OPEN - {State.POOL}
"""It has come to an end; only `reopened` takes that back."""


class Kind(StrEnum):
    """What can happen to a lead: the kinds of ledger rows."""

    IMPORTED = "imported"
    UNDONE = "undone"
    ASSIGNED = "assigned"
    REQUESTED = "requested"
    ADDED = "added"
    BEFRIENDED = "befriended"
    DECLINED = "declined"
    INVALID = "invalid"
    POSTPONED = "postponed"
    RECLAIMED = "reclaimed"
    RETURNED = "returned"
    HANDED_OVER = "handed_over"
    BOUGHT = "bought"
    DEAD = "dead"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    REOPENED = "reopened"


ACTIVITY = frozenset({Kind.REQUESTED, Kind.POSTPONED})
"""What shows that the owner is at work; it may move the deadline."""
BACK_TO_POOL = frozenset({Kind.RECLAIMED, Kind.RETURNED, Kind.HANDED_OVER})


@dataclass(frozen=True)
class Rule:
    """An event may follow these states (None: no lead, or one taken back) and leads to `after`.

    `after` None leaves the state as it is; `undone` and `reopened` are told apart in `step`.
    """

    before: frozenset[State | None]
    after: State | None


_POOL = frozenset[State | None]({State.POOL})
_ANY = frozenset[State | None](State)

RULES: Mapping[Kind, Rule] = {
    Kind.IMPORTED: Rule(frozenset({None}), State.POOL),
    Kind.UNDONE: Rule(_POOL, None),
    Kind.ASSIGNED: Rule(_POOL, State.WAITING),
    Kind.REQUESTED: Rule(frozenset(OPEN), State.REQUESTED),
    Kind.ADDED: Rule(_POOL | OPEN, State.ADDED),
    Kind.BEFRIENDED: Rule(_POOL | OPEN, State.ADDED),
    Kind.DECLINED: Rule(frozenset(OPEN), State.DECLINED),
    Kind.INVALID: Rule(frozenset(OPEN), State.INVALID),
    Kind.POSTPONED: Rule(frozenset(OPEN), None),
    Kind.RECLAIMED: Rule(frozenset(OPEN), State.POOL),
    Kind.RETURNED: Rule(frozenset(OPEN), State.POOL),
    Kind.HANDED_OVER: Rule(frozenset(OPEN), State.POOL),
    Kind.BOUGHT: Rule(_POOL, State.CUSTOMER),
    Kind.DEAD: Rule(_POOL, State.DEAD),
    Kind.REMINDED: Rule(frozenset(OPEN), None),
    Kind.ESCALATED: Rule(frozenset(OPEN), None),
    Kind.REOPENED: Rule(_ANY, None),
}


class CannotFollow(Exception):
    """An event that its lead's state does not allow; `code` is stable, `message` says it to people."""

    def __init__(self, kind: Kind, state: State | None) -> None:
        self.kind, self.state = kind, state
        self.code = f"cannot-follow-{state.name.lower() if state else 'nothing'}"
        stands = state or tr("不在线索里", "no lead")
        self.message = tr(
            f"现在是「{stands}」,不能再「{KIND_WORDS[kind]}」", f"It is {stands} now, {kind} cannot follow"
        )
        super().__init__(self.message)


KIND_WORDS: Mapping[Kind, str] = {
    Kind.IMPORTED: tr("导入", "imported"),
    Kind.UNDONE: tr("撤回导入", "import taken back"),
    Kind.ASSIGNED: tr("分配", "dealt"),
    Kind.REQUESTED: tr("已发申请", "request sent"),
    Kind.ADDED: tr("已添加", "added"),
    Kind.BEFRIENDED: tr("已是好友", "was a friend"),
    Kind.DECLINED: tr("拒绝", "declined"),
    Kind.INVALID: tr("空号", "invalid"),
    Kind.POSTPONED: tr("稍后", "later"),
    Kind.RECLAIMED: tr("回收", "reclaimed"),
    Kind.RETURNED: tr("退回", "given back"),
    Kind.HANDED_OVER: tr("移交", "handed over"),
    Kind.BOUGHT: tr("已是客户", "bought"),
    Kind.DEAD: tr("死线索", "dead"),
    Kind.REMINDED: tr("提醒", "reminded"),
    Kind.ESCALATED: tr("抄送主管", "escalated"),
    Kind.REOPENED: tr("更正", "reopened"),
}


@dataclass(frozen=True)
class Standing:
    """A lead at one moment: its state, who holds it or closed it, and how many were given it so far."""

    state: State | None = None
    staff_id: str | None = None
    owners: int = 0


def step(now: Standing, kind: Kind, staff_id: str | None) -> Standing:
    """What an event makes of a lead; CannotFollow where its state does not allow it."""
    rule = RULES[kind]
    if now.state not in rule.before:
        raise CannotFollow(kind, now.state)
    if kind is Kind.UNDONE:
        return Standing(None, None, now.owners)
    if kind is Kind.REOPENED:
        return Standing(State.WAITING if staff_id else State.POOL, staff_id, now.owners)
    if rule.after is None:
        return now
    owner = None if rule.after is State.POOL else staff_id
    return Standing(rule.after, owner, now.owners + (kind is Kind.ASSIGNED))


def replay(events: Iterable[tuple[str, str | None]]) -> Standing:
    """A lead as its ledger rows (kind, staff_id), in order, leave it."""
    now = Standing()
    for kind, staff_id in events:
        now = step(now, Kind(kind), staff_id)
    return now
