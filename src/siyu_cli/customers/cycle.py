"""The repurchase cycle of a shop: how long its buyers take to come back, how regular they are, where the line runs.

The 流失线 is the first day by which so many % of all repeat gaps are over: whoever stays away longer than that
is later than most who ever came back. It only looks at those who came back; a line is advice, no verdict.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siyu_cli.customers.histories import category_names, read_category_gaps, read_gaps_and_pairs
from siyu_cli.forecast.rhythm import Gaps, Regularity, regularity

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

FEWEST_GAPS = 20
"""A category with fewer gaps is not shown: its percentiles would be single customers."""
_MOST_CATEGORIES = 12
_MOST_BARS = 20
_STEPS = (1, 2, 5, 7, 10, 14, 15, 20, 30, 60, 90, 120, 180, 365)
_STARTER_FILE, _STARTER = "流失.yaml", re.compile(r"距上次购买天数\s+(\d+)\s*到\s*(\d+)\s*天")


@dataclass(frozen=True)
class Category:
    """The gaps of one category."""

    name: str
    gaps: Gaps


@dataclass(frozen=True)
class Cycle:
    """What the gaps of a shop say. `percent` of them are over by the day of the line."""

    gaps: Gaps
    regularity: Regularity
    categories: tuple[Category, ...]
    percent: int
    starter: tuple[int, int] | None = None

    @property
    def line(self) -> int | None:
        """The 流失线 in days; None where nobody ever came back."""
        return self.gaps.day_by(self.percent)

    @property
    def late_line(self) -> int | None:
        """The day by which 95 % of the gaps are over, or the line where that is later."""
        return self.gaps.day_by(max(95, self.percent))

    @property
    def bars(self) -> tuple[tuple[int, int, int, int], ...]:
        """The gaps as a histogram: (first day, last day, gaps up to the line, gaps beyond); the last bar holds all
        longer ones.
        """
        return histogram(self.gaps, self.line or 0)

    def as_dict(self) -> dict[str, Any]:
        """For `result.cycle` and the store."""
        k = self.regularity.k
        return {
            **_gap_words(self.gaps),
            "line_percent": self.percent,
            "line_days": self.line,
            "late_line_days": self.late_line,
            "starter_rule_days": list(self.starter) if self.starter else None,
            "starter_rule_share": [round(self.gaps.share_over(day), 4) for day in self.starter]
            if self.starter and self.gaps.total
            else None,
            "regularity": round(k, 3) if k is not None and k != float("inf") else None,
            "regularity_customers": self.regularity.customers,
            "bars": [list(bar) for bar in self.bars],
            "categories": [
                {"name": one.name, **_gap_words(one.gaps), "line_days": one.gaps.day_by(self.percent)}
                for one in self.categories
            ],
        }


def _gap_words(gaps: Gaps) -> dict[str, Any]:
    return {
        "gaps": gaps.total,
        "mean_days": round(gaps.mean, 1) if gaps.mean is not None else None,
        "median_days": gaps.day_by(50),
        "p80_days": gaps.day_by(80),
        "p90_days": gaps.day_by(90),
    }


def read_cycle(engine: Engine, as_of: AsOf, days: str, percent: int, rules: Sequence[Path]) -> Cycle:
    """The cycle of the purchase days in table `days`; `rules` are folders that may hold the starter rule."""
    gaps, before, last = read_gaps_and_pairs(engine, days)
    found = [
        Category(name, one)
        for name, one in read_category_gaps(engine, as_of).items()
        if one.total >= FEWEST_GAPS
    ]
    found.sort(key=lambda one: (-one.gaps.total, one.name))
    # The one category of a shop only says again what the shop says.
    shown = found[:_MOST_CATEGORIES] if [one.gaps.total for one in found] != [gaps.total] else []
    names = category_names(engine, {one.name for one in shown})
    shown = [replace(one, name=names.get(one.name, one.name)) for one in shown]
    return Cycle(gaps, regularity(before, last), tuple(shown), percent, starter_days(rules))


def starter_days(folders: Sequence[Path]) -> tuple[int, int] | None:
    """The days of the starter rule 流失.yaml as it now stands in the first folder that has it; None without one."""
    for folder in folders:
        path = folder / _STARTER_FILE
        if path.is_file():
            found = _STARTER.search(path.read_text("utf-8", errors="replace"))
            return (int(found[1]), int(found[2])) if found else None
    return None


def histogram(gaps: Gaps, line: int) -> tuple[tuple[int, int, int, int], ...]:
    """Bars of equal width up to the day by which 98 % of the gaps are over; the last one holds the rest."""
    end = gaps.day_by(98)
    if end is None:
        return ()
    step = next((step for step in _STEPS if end <= step * _MOST_BARS), 365)
    count = min(max(1, -(-end // step)), _MOST_BARS)
    longest = int(gaps.days[-1])
    bars = []
    for at in range(count):
        low, high = at * step + 1, (at + 1) * step
        if at == count - 1:
            high = max(high, longest)
        inside = (gaps.days >= low) & (gaps.days <= high)
        beyond = int(gaps.counts[inside & (gaps.days > line)].sum())
        bars.append((low, high, int(gaps.counts[inside].sum()) - beyond, beyond))
    return tuple(bars)
