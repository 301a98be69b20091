"""How fairly leads were dealt out: what everyone got and was owed over all batches, and how the gaps went.

The numbers are those of the fairness ledger (docs/leads-fairness.md), exact until they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.store.engine import Engine

BATCHES_SHOWN = 30


@dataclass(frozen=True)
class StaffFairness:
    """One person over all batches; `weight` is that of their latest one, `gap` is given − owed."""

    staff_id: str
    name: str
    weight: Fraction
    given: int
    gap: Fraction
    batches: int

    @property
    def owed(self) -> Fraction:
        return self.given - self.gap


@dataclass(frozen=True)
class BatchFairness:
    """One batch: when, how many people took part, how many leads, the smallest and largest gap after it."""

    run_id: int
    as_of_sec: int
    people: int
    given: int
    least: Fraction
    most: Fraction

    @property
    def spread(self) -> Fraction:
        return self.most - self.least


@dataclass(frozen=True)
class Fairness:
    """Everyone who ever took part, and the latest batches, oldest first."""

    staff: tuple[StaffFairness, ...]
    batches: tuple[BatchFairness, ...]


def fairness_definitions() -> dict[str, tuple[str, str]]:
    """Definition id → name and definition."""
    return {
        "lead_owed": (
            tr("应得", "Owed"),
            tr(
                "历次应得之和:每条线索的 1 按权重分给当时在岗、能接、有余地的人;精确到分数,显示一位小数",
                "sum over all batches: each lead shared by weight among those at work who could take it and had room",
            ),
        ),
        "lead_gap": (
            tr("差", "Gap"),
            tr(
                "历次分到 − 应得;没人变动时每个人不到一条",
                "given − owed; less than one while people stay the same",
            ),
        ),
        "lead_spread": (
            tr("最多与最少", "Spread"),
            tr(
                "这一批之后,参加的人里最大的差 − 最小的差",
                "largest − smallest gap of those in the batch, after it",
            ),
        ),
    }


# Parameter: cut-off.
_STAFF_SQL = """
WITH seen AS (
    -- The ledger goes on from run to run: it is cut before the first run that is later than the cut-off.
    SELECT s.* FROM lead_shares AS s WHERE s.run_id < COALESCE((
        SELECT MIN(r.run_id) FROM runs AS r JOIN lead_shares AS t ON t.run_id = r.run_id WHERE r.as_of_sec > ?),
        9223372036854775807)
),
total AS (
    SELECT staff_id, SUM(given) AS given, COUNT(*) AS batches, MAX(run_id) AS last_run FROM seen GROUP BY staff_id
)
SELECT t.staff_id, COALESCE(f.name, t.staff_id) AS name, t.given, t.batches, l.balance, l.weight_milli
FROM total AS t JOIN seen AS l ON l.staff_id = t.staff_id AND l.run_id = t.last_run
LEFT JOIN staff AS f ON f.staff_id = t.staff_id
ORDER BY t.given DESC, t.staff_id
"""
# Parameters: cut-off, how many batches.
_BATCHES_SQL = """
SELECT s.run_id, r.as_of_sec, s.given, s.balance FROM lead_shares AS s JOIN runs AS r ON r.run_id = s.run_id
WHERE s.run_id IN (
    SELECT run_id FROM lead_shares WHERE given > 0 AND run_id < COALESCE((
        SELECT MIN(r.run_id) FROM runs AS r JOIN lead_shares AS t ON t.run_id = r.run_id WHERE r.as_of_sec > ?),
        9223372036854775807)
    GROUP BY run_id ORDER BY run_id DESC LIMIT ?)
ORDER BY s.run_id, s.staff_id
"""


def read_fairness(engine: Engine, as_of_sec: int) -> Fairness:
    """The fairness ledger as it stood at a moment."""
    staff = tuple(
        StaffFairness(
            row["staff_id"],
            row["name"],
            Fraction(int(row["weight_milli"]), 1000),
            int(row["given"]),
            Fraction(row["balance"]),
            int(row["batches"]),
        )
        for row in engine.query(_STAFF_SQL, (as_of_sec,)).to_pylist()
    )
    batches: dict[int, BatchFairness] = {}
    for row in engine.query(_BATCHES_SQL, (as_of_sec, BATCHES_SHOWN)).to_pylist():
        run_id, balance, given = int(row["run_id"]), Fraction(row["balance"]), int(row["given"])
        one = batches.get(run_id, BatchFairness(run_id, int(row["as_of_sec"] or 0), 0, 0, balance, balance))
        batches[run_id] = BatchFairness(
            run_id,
            one.as_of_sec,
            one.people + 1,
            one.given + given,
            min(one.least, balance),
            max(one.most, balance),
        )
    return Fairness(staff, tuple(batches.values()))
