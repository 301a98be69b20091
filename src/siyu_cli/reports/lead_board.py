"""The lead board: what became of the leads that were dealt out, by staff, batch and channel.

A row of `LeadCount` says where every one of its leads stands, so its numbers add up to `dealt`. By staff the
unit is the assignment (a lead that went to two people counts with both), by batch and channel the lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.store.engine import Engine


@dataclass(frozen=True)
class LeadCount:
    """One line of the board. `back` went back to the pool (reclaimed, given back, handed over; as leads: is there),
    `asked` had a request sent, `days` are the mean from the assignment to the friendship.
    """

    label: str
    dealt: int
    waiting: int
    requested: int
    added: int
    declined: int
    invalid: int
    back: int
    other: int
    asked: int
    days: float | None

    @property
    def done_share(self) -> float | None:
        """完成率: added ÷ dealt."""
        return self.added / self.dealt if self.dealt else None

    @property
    def passed_share(self) -> float | None:
        """通过率: added ÷ asked."""
        return self.added / self.asked if self.asked else None


@dataclass(frozen=True)
class LeadBoard:
    """The board of a period: assignments made in it, leads that came in it; both as they stood at the cut-off."""

    staff: tuple[LeadCount, ...]
    batches: tuple[LeadCount, ...]
    channels: tuple[LeadCount, ...]


def board_definitions() -> dict[str, tuple[str, str]]:
    """Definition id → name and definition."""
    return {
        "lead_dealt": (
            tr("分配", "Dealt"),
            tr(
                "期内分给员工的次数;一条线索先后分给两个人,两个人各算一次。每一次正好在 待添加、待通过、已添加、拒绝、"
                "空号、收回 之一里,加起来等于分配",
                "assignments made in the period; a lead that went to two people counts with both. Each is in exactly "
                "one of waiting, requested, added, declined, invalid, back",
            ),
        ),
        "lead_back": (
            tr("收回", "Back"),
            tr(
                "到期收回、退回、移交;之后归谁另算。批次和渠道里是现在待分配的",
                "reclaimed, given back or handed over; by batch and channel: in the pool now",
            ),
        ),
        "lead_done": (
            tr("完成率", "Done"),
            tr(
                "已添加 ÷ 分配;批次和渠道里是 已添加 ÷ 期内导入的线索",
                "added ÷ dealt; by batch and channel ÷ leads imported",
            ),
        ),
        "lead_passed": (
            tr("通过率", "Passed"),
            tr(
                "已添加 ÷ 发过申请的(填过已发申请、已添加、拒绝;本来就是好友的也算)",
                "added ÷ those that were asked (已发申请, 已添加, 拒绝; friends already count)",
            ),
        ),
        "lead_days": (
            tr("平均用时", "Mean time"),
            tr(
                "从分到加上平均几天,只看加上的;按反馈里的时间",
                "days from the assignment to the friendship, added ones only",
            ),
        ),
    }


# What happened in each assignment until the next one; parameters: cut-off, first and last moment of the period.
_ASSIGNMENTS = """
WITH seen AS (SELECT event_id, lead_id, at_sec, kind, staff_id FROM lead_events WHERE at_sec <= ?),
given AS (
    SELECT lead_id, event_id, staff_id, at_sec,
           LEAD(event_id) OVER (PARTITION BY lead_id ORDER BY event_id) AS next_id
    FROM seen WHERE kind = 'assigned'
),
told AS (
    SELECT g.event_id, g.lead_id, g.staff_id, g.at_sec,
           COALESCE(MAX(CASE WHEN e.kind IN ('requested', 'added', 'befriended', 'declined') AND e.staff_id = g.staff_id
                             THEN e.event_id END), 0) AS asked_id,
           COALESCE(MAX(CASE WHEN e.kind = 'reopened' THEN e.event_id END), 0) AS mended_id,
           COALESCE(MAX(CASE WHEN e.kind IN ('reclaimed', 'returned', 'handed_over')
                              OR (e.kind = 'reopened' AND e.staff_id IS NULL) THEN e.event_id END), 0) AS back_id,
           COALESCE(MAX(CASE WHEN e.kind = 'reopened' AND e.staff_id IS NOT NULL THEN e.event_id END), 0) AS again_id,
           COALESCE(MAX(CASE WHEN e.kind IN ('requested', 'added', 'befriended', 'declined', 'invalid')
                             THEN e.event_id END), 0) AS said_id
    FROM given AS g LEFT JOIN seen AS e
      ON e.lead_id = g.lead_id AND e.event_id > g.event_id AND (g.next_id IS NULL OR e.event_id < g.next_id)
    WHERE g.at_sec >= ? AND g.at_sec <= ?
    GROUP BY g.event_id, g.lead_id, g.staff_id, g.at_sec
),
ended AS (
    SELECT t.*, CASE WHEN t.back_id > t.again_id THEN 'back' WHEN t.said_id > t.again_id THEN s.kind
                     ELSE 'waiting' END AS outcome, s.at_sec AS said_sec,
           CASE WHEN t.asked_id > t.mended_id THEN 1 ELSE 0 END AS is_asked
    FROM told AS t LEFT JOIN seen AS s ON s.event_id = t.said_id
)
"""

_STAFF_SQL = f"""
{_ASSIGNMENTS}
SELECT e.staff_id, MAX(f.name) AS label, COUNT(*) AS dealt,
       SUM(CASE WHEN outcome = 'waiting' THEN 1 ELSE 0 END) AS waiting,
       SUM(CASE WHEN outcome = 'requested' THEN 1 ELSE 0 END) AS requested,
       SUM(CASE WHEN outcome IN ('added', 'befriended') THEN 1 ELSE 0 END) AS added,
       SUM(CASE WHEN outcome = 'declined' THEN 1 ELSE 0 END) AS declined,
       SUM(CASE WHEN outcome = 'invalid' THEN 1 ELSE 0 END) AS invalid,
       SUM(CASE WHEN outcome = 'back' THEN 1 ELSE 0 END) AS back, 0 AS other, SUM(is_asked) AS asked,
       SUM(CASE WHEN outcome IN ('added', 'befriended') AND said_sec > e.at_sec THEN said_sec - e.at_sec ELSE 0 END)
           AS wait_sec
FROM ended AS e LEFT JOIN staff AS f ON f.staff_id = e.staff_id
GROUP BY e.staff_id ORDER BY dealt DESC, e.staff_id
"""

# A lead is of the list that named it first. Where it stands is what its events up to the cut-off say; parameters:
# cut-off, first and last moment of the period.
_LEADS_SQL = """
WITH seen AS (SELECT event_id, lead_id, at_sec, kind, staff_id FROM lead_events WHERE at_sec <= ?),
last AS (
    SELECT lead_id, MAX(CASE WHEN kind NOT IN ('postponed', 'reminded', 'escalated') THEN event_id END) AS state_id,
           MAX(CASE WHEN kind = 'assigned' THEN event_id END) AS given_id,
           COALESCE(MAX(CASE WHEN kind IN ('requested', 'added', 'befriended', 'declined') THEN event_id END), 0)
               AS asked_id,
           COALESCE(MAX(CASE WHEN kind = 'reopened' THEN event_id END), 0) AS mended_id
    FROM seen GROUP BY lead_id
),
stands AS (
    SELECT l.lead_id, CASE WHEN l.asked_id > l.mended_id THEN 1 ELSE 0 END AS is_asked, e.at_sec, g.at_sec AS given_sec,
           CASE WHEN e.kind = 'reopened' AND e.staff_id IS NULL THEN 'pool'
                WHEN e.kind IN ('assigned', 'reopened') THEN 'waiting'
                WHEN e.kind IN ('imported', 'reclaimed', 'returned', 'handed_over') THEN 'pool'
                WHEN e.kind = 'befriended' THEN 'added' ELSE e.kind END AS state
    FROM last AS l JOIN seen AS e ON e.event_id = l.state_id LEFT JOIN seen AS g ON g.event_id = l.given_id
    WHERE e.kind <> 'undone'
),
named AS (
    SELECT lead_id, batch, ROW_NUMBER() OVER (PARTITION BY lead_id ORDER BY run_id, row_no, batch) AS nth
    FROM lead_sources
)
SELECT {label} AS label, COUNT(*) AS dealt,
       SUM(CASE WHEN s.state = 'waiting' THEN 1 ELSE 0 END) AS waiting,
       SUM(CASE WHEN s.state = 'requested' THEN 1 ELSE 0 END) AS requested,
       SUM(CASE WHEN s.state = 'added' THEN 1 ELSE 0 END) AS added,
       SUM(CASE WHEN s.state = 'declined' THEN 1 ELSE 0 END) AS declined,
       SUM(CASE WHEN s.state = 'invalid' THEN 1 ELSE 0 END) AS invalid,
       SUM(CASE WHEN s.state = 'pool' THEN 1 ELSE 0 END) AS back,
       SUM(CASE WHEN s.state IN ('bought', 'dead') THEN 1 ELSE 0 END) AS other, SUM(s.is_asked) AS asked,
       SUM(CASE WHEN s.state = 'added' AND s.at_sec > s.given_sec THEN s.at_sec - s.given_sec ELSE 0 END) AS wait_sec
FROM stands AS s JOIN leads AS l ON l.lead_id = s.lead_id
LEFT JOIN named AS n ON n.lead_id = s.lead_id AND n.nth = 1
WHERE l.imported_sec >= ? AND l.imported_sec <= ?
GROUP BY label ORDER BY dealt DESC, label
"""


def read_board(engine: Engine, first_sec: int, last_sec: int, as_of_sec: int) -> LeadBoard:
    """The board of the period from `first_sec` to `last_sec`, as the ledger stood at `as_of_sec`."""
    bounds = (as_of_sec, first_sec, last_sec)

    def counts(sql: str) -> tuple[LeadCount, ...]:
        return tuple(_count(row) for row in engine.query(sql, bounds).to_pylist())

    return LeadBoard(
        counts(_STAFF_SQL),
        counts(_LEADS_SQL.format(label="COALESCE(n.batch, '')")),
        counts(_LEADS_SQL.format(label="COALESCE(l.channel, '')")),
    )


def _count(row: dict[str, Any]) -> LeadCount:
    names = ("dealt", "waiting", "requested", "added", "declined", "invalid", "back", "other", "asked")
    numbers = {name: int(row[name] or 0) for name in names}
    label = row["label"] or row.get("staff_id") or ""
    days = int(row["wait_sec"] or 0) / numbers["added"] / DAY_SECONDS if numbers["added"] else None
    return LeadCount(label=label, days=days, **numbers)
