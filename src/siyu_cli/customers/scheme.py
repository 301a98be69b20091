"""A segmentation scheme: which values are scored how, and which scores make which segment.

A scheme is data from a file (scheme_file.py) and is checked here without any customer: every cell of the
score grid has a segment, and no segment is left that can never match.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Literal

from siyu_cli.language import tr
from siyu_cli.windows import Window

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
_ENGLISH = {"天": "days", "单": "orders", "行": "lines", "元": "yuan"}


def unit_words(of: str) -> str:
    """The unit of a measure for people; in files and in what is kept it is always that of `UNITS`."""
    return tr(UNITS[of], _ENGLISH[UNITS[of]])


By = Literal["score_mean", "raw_mean", "raw_median", "fixed"]
Compare = Literal[">", ">="]
Axis = Literal["r", "f", "m", "fm"]
AXES: tuple[Axis, ...] = ("r", "f", "m", "fm")
Range = tuple[int, int]
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
class Area:
    """A box of levels (scores, or 0 and 1 of the eight), both ends included; None = any.

    `both` is over the mean of F and M, which may end in a half: [lo, hi] means lo <= mean < hi + 1.
    """

    recency: Range | None = None
    frequency: Range | None = None
    monetary: Range | None = None
    both: Range | None = None

    @property
    def ranges(self) -> dict[Axis, Range]:
        """The ranges given, by the axis they are over."""
        given = zip(AXES, (self.recency, self.frequency, self.monetary, self.both), strict=True)
        return {axis: bounds for axis, bounds in given if bounds is not None}

    def holds(self, cell: Cell) -> bool:
        """Whether a cell of levels lies inside."""
        for axis, (low, high) in self.ranges.items():
            level = level_of(cell, axis)
            if level is None or not low <= level <= high:
                return False
        return True


@dataclass(frozen=True)
class Segment:
    """Customers whose levels lie in one of the areas and in no earlier segment's."""

    code: str
    name: str
    areas: tuple[Area, ...] = (Area(),)

    def matches(self, cell: Cell) -> bool:
        """Whether a customer of this cell belongs here (when no earlier segment took it)."""
        return any(area.holds(cell) for area in self.areas)


# R, F, M: 1 = the better side of the line (recency: bought more recently).
EIGHT_NAMES = (
    ("111", "重要价值"), ("101", "重要发展"), ("011", "重要保持"), ("001", "重要挽留"),
    ("110", "一般价值"), ("100", "一般发展"), ("010", "一般保持"), ("000", "一般挽留"),
)  # fmt: skip
EIGHT = tuple(
    Segment(code, name, (Area(*((int(digit), int(digit)) for digit in code)),)) for code, name in EIGHT_NAMES
)


@dataclass(frozen=True)
class Scheme:
    """A whole scheme. With `levels` the segments are the eight; without, areas of scores."""

    name: str
    window: Window
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
    def text(self) -> str:
        """One canonical text of everything that decides a result."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True)
class Blocked:
    """Why nobody can fall into a segment: no cell lies in it, or the first that does is taken by `taker`."""

    place: int
    cell: Cell | None = None
    taker: str = ""


def level_of(cell: Cell, axis: Axis) -> int | None:
    """A cell's level on an axis; the mean of F and M counts as the whole number below it."""
    if axis != "fm":
        return cell[AXES.index(axis)]
    _, frequency, monetary = cell
    return None if frequency is None or monetary is None else (frequency + monetary) // 2


def axis_levels(measures: Mapping[Letter, Measure], axis: Axis) -> tuple[int, ...]:
    """The levels that occur on an axis, rising; none where a score it needs is missing."""
    if axis != "fm":
        return measures[LETTERS[AXES.index(axis)]].scores
    pairs = product(measures["frequency"].scores, measures["monetary"].scores)
    return tuple(sorted({(frequency + monetary) // 2 for frequency, monetary in pairs}))


def cells(scheme: Scheme) -> list[Cell]:
    """Every combination of scores that can occur; a letter without a score is None."""
    axes = [measure.scores or (None,) for measure in scheme.measures.values()]
    return [(r, f, m) for r, f, m in product(*axes)]


def first_gap(scheme: Scheme) -> Cell | None:
    """A cell without segment, or None when every cell has one (or there is a rest class)."""
    if scheme.rest or scheme.levels:
        return None
    return next((cell for cell in cells(scheme) if not any(s.matches(cell) for s in scheme.segments)), None)


def blocked_segments(scheme: Scheme) -> list[Blocked]:
    """The segments that no customer can fall into: out of reach, or taken by earlier ones."""
    if scheme.levels:
        return []
    segments = scheme.segments
    own: dict[int, Cell] = {}
    reached: set[int] = set()
    for cell in cells(scheme):
        matching = [place for place, segment in enumerate(segments) if segment.matches(cell)]
        reached |= set(matching[:1])
        for place in matching:
            own.setdefault(place, cell)
    found = []
    for place in range(len(segments)):
        if place not in reached:
            first = own.get(place)
            taker = next((s.name for s in segments if first and s.matches(first)), "")
            found.append(Blocked(place, first, taker))
    return found


def show_cell(cell: Cell) -> str:
    """`R 3 F 2 M 1` of a cell."""
    return " ".join(
        f"{letter} {level}" for letter, level in zip("RFM", cell, strict=True) if level is not None
    )
