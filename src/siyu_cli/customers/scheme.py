"""A segmentation scheme: which values are scored how, and which scores make which segment.

A scheme is data from a file (scheme_file.py) and is checked here without any customer: every cell of the
score grid has a segment, and no segment is left that can never match.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import product
from typing import Literal

Letter = Literal["recency", "frequency", "monetary"]
LETTERS: tuple[Letter, ...] = ("recency", "frequency", "monetary")
SHORT: dict[Letter, str] = {"recency": "r", "frequency": "f", "monetary": "m"}

RECENCY, FREQUENCIES, MONETARIES = (
    "距上次购买天数",
    ("订单数", "购买天数", "行数"),
    ("消费额", "笔单价", "次均金额"),
)
MEASURES: dict[Letter, tuple[str, ...]] = {
    "recency": (RECENCY,), "frequency": FREQUENCIES, "monetary": MONETARIES,
}  # fmt: skip
UNITS = {
    RECENCY: "天",
    "订单数": "单",
    "购买天数": "天",
    "行数": "行",
    "消费额": "元",
    "笔单价": "元",
    "次均金额": "元",
}

By = Literal["score_mean", "raw_mean", "raw_median", "fixed"]
Compare = Literal[">", ">="]
Cell = tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class CutScore:
    """`cuts` are the lower bounds of the next classes (days, times or fen); `scores` one more than cuts."""

    cuts: tuple[int, ...]
    scores: tuple[int, ...]


@dataclass(frozen=True)
class QuantileScore:
    """Scores 1…n by the tie-safe quantile rule of the R package rfm (see rfm.py)."""

    classes: int


@dataclass(frozen=True)
class Measure:
    """One of R, F, M: what is measured and, where a segment needs it, how it is scored."""

    of: str
    score: CutScore | QuantileScore | None = None

    @property
    def scores(self) -> tuple[int, ...]:
        """The scores a customer may get, rising."""
        match self.score:
            case CutScore(scores=scores):
                return tuple(sorted(set(scores)))
            case QuantileScore(classes=classes):
                return tuple(range(1, classes + 1))
            case None:
                return ()


@dataclass(frozen=True)
class Levels:
    """The line between the two sides of every letter; `values` are the fixed lines in LETTERS order."""

    by: By
    compare: Compare = ">"
    values: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Segment:
    """Customers whose level (score, or 0 and 1 of the eight) lies in every given range; None = any."""

    code: str
    name: str
    recency: tuple[int, int] | None = None
    frequency: tuple[int, int] | None = None
    monetary: tuple[int, int] | None = None

    @property
    def ranges(self) -> tuple[tuple[int, int] | None, ...]:
        return (self.recency, self.frequency, self.monetary)

    def matches(self, cell: Cell) -> bool:
        """Whether a customer of this cell belongs here (when no earlier segment took it)."""
        pairs = zip(self.ranges, cell, strict=True)
        return all(
            bounds is None or (level is not None and bounds[0] <= level <= bounds[1])
            for bounds, level in pairs
        )


# R, F, M: 1 = the better side of the line (recency: bought more recently).
EIGHT_NAMES = (
    ("111", "重要价值"), ("101", "重要发展"), ("011", "重要保持"), ("001", "重要挽留"),
    ("110", "一般价值"), ("100", "一般发展"), ("010", "一般保持"), ("000", "一般挽留"),
)  # fmt: skip
EIGHT = tuple(
    Segment(code, name, *((int(digit), int(digit)) for digit in code)) for code, name in EIGHT_NAMES
)


@dataclass(frozen=True)
class Scheme:
    """A whole scheme. With `levels` the segments are the eight; without, ranges over scores."""

    name: str
    window_days: int | None
    recency: Measure
    frequency: Measure
    monetary: Measure
    levels: Levels | None
    segments: tuple[Segment, ...]
    rest: Segment | None = None

    @property
    def measures(self) -> dict[Letter, Measure]:
        return {"recency": self.recency, "frequency": self.frequency, "monetary": self.monetary}

    @property
    def all_segments(self) -> tuple[Segment, ...]:
        """Every segment in the order it is shown."""
        return (*self.segments, self.rest) if self.rest else self.segments

    @property
    def window(self) -> str:
        return "全部" if self.window_days is None else f"近{self.window_days}天"

    @property
    def text(self) -> str:
        """One canonical text of everything that decides a result."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def cells(scheme: Scheme) -> list[Cell]:
    """Every combination of scores that can occur; a letter without a score is None."""
    axes = [measure.scores or (None,) for measure in scheme.measures.values()]
    return [(r, f, m) for r, f, m in product(*axes)]


def first_gap(scheme: Scheme) -> Cell | None:
    """A cell without segment, or None when every cell has one (or there is a rest class)."""
    if scheme.rest or scheme.levels:
        return None
    return next((cell for cell in cells(scheme) if not any(s.matches(cell) for s in scheme.segments)), None)


def unreachable(scheme: Scheme) -> list[int]:
    """Positions of segments that no customer can fall into: out of range, or taken by earlier ones."""
    if scheme.levels:
        return []
    taken = {
        next((place for place, segment in enumerate(scheme.segments) if segment.matches(cell)), None)
        for cell in cells(scheme)
    }
    return [place for place in range(len(scheme.segments)) if place not in taken]


def show_cell(cell: Cell) -> str:
    """`R 3 F 2 M 1` of a cell."""
    return " ".join(
        f"{letter} {level}" for letter, level in zip("RFM", cell, strict=True) if level is not None
    )
