"""The definitions of docs/scores.md again, customer by customer and in fractions; shares no code with the query."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from siyu_cli.clock import AsOf
from siyu_cli.customers.scheme import CutScore, Letter, Measure, QuantileScore, Scheme

Rows = list[dict[str, Any]]
NAMES: tuple[Letter, ...] = ("recency", "frequency", "monetary")


@dataclass(frozen=True)
class Naive:
    """What one customer should get; `scores` holds None where the scheme has none."""

    values: tuple[Fraction, Fraction, Fraction]
    net_fen: int
    scores: tuple[int | None, ...]
    code: str


def score_naively(rows: Rows, scheme: Scheme, as_of: AsOf) -> dict[int, Naive]:
    """Every customer with a valid order in the window."""
    span = scheme.window.span(as_of)
    if span is not None:
        low, high = (bound if bound is not None else Fraction(10**18) for bound in (span.low, span.high))
        rows = [row for row in rows if low <= row[f"paid_{span.unit}"] <= high]
    raw: dict[int, tuple[Fraction, Fraction, Fraction]] = {}
    nets: dict[int, int] = {}
    for number in {row["customer_id"] for row in rows} - {None}:
        own = [row for row in rows if row["customer_id"] == number]
        orders = [row for row in own if row["is_order"]]
        if orders:
            nets[number] = sum(row["net_fen"] for row in own)
            raw[number] = _values(orders, nets[number], scheme, as_of.day)
    scores = {number: _scores(raw, number, scheme) for number in raw}
    return {
        number: Naive(raw[number], nets[number], scores[number], _code(raw, scores, number, scheme))
        for number in raw
    }


def _values(orders: Rows, net: int, scheme: Scheme, day: int) -> tuple[Fraction, Fraction, Fraction]:
    counts = {
        "订单数": len(orders),
        "购买天数": len({row["paid_day"] for row in orders}),
        "行数": sum(row["line_count"] for row in orders),
    }
    times = counts[scheme.frequency.of]
    per = {"消费额": 1, "笔单价": len(orders), "次均金额": times}[scheme.monetary.of]
    last = max(row["paid_day"] for row in orders)
    return Fraction(day - last), Fraction(times), Fraction(net, per)


def _scores(raw: dict[int, Any], number: int, scheme: Scheme) -> tuple[int | None, ...]:
    return tuple(
        _score(measure, [values[at] for values in raw.values()], raw[number][at], is_days=at == 0)
        for at, measure in enumerate(getattr(scheme, name) for name in NAMES)
    )


def _score(measure: Measure, column: list[Fraction], value: Fraction, *, is_days: bool) -> int | None:
    match measure.score:
        case CutScore(cuts, scores):
            return scores[sum(value >= cut for cut in cuts)]
        case QuantileScore(classes):
            unit = 100 if measure.of in ("消费额", "笔单价", "次均金额") else 1
            passed = sum(value >= quantile(column, part, classes) + unit for part in range(1, classes))
            return classes - passed if is_days else 1 + passed
    return None


def quantile(values: list[Fraction], part: int, parts: int) -> Fraction:
    """Type 7: the place (n − 1) · p among the sorted values, linear between neighbours."""
    ordered = sorted(values)
    place = Fraction((len(ordered) - 1) * part, parts)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _code(raw: dict[int, Any], scores: dict[int, Any], number: int, scheme: Scheme) -> str:
    if scheme.levels is None:
        for segment in scheme.segments:
            if any(_lies_in(scores[number], area) for area in segment.areas):
                return segment.code
        return scheme.rest.code if scheme.rest else ""
    digits = ""
    for at in range(3):
        if scheme.levels.by == "score_mean":
            column, value, is_days = [Fraction(one[at]) for one in scores.values()], scores[number][at], False
        else:
            column, value, is_days = [one[at] for one in raw.values()], raw[number][at], at == 0
        line = {
            "score_mean": lambda column=column: sum(column) / len(column),
            "raw_mean": lambda column=column: sum(column) / len(column),
            "raw_median": lambda column=column: quantile(column, 1, 2),
            "fixed": lambda at=at: Fraction((scheme.levels.values or (0, 0, 0))[at]),
        }[scheme.levels.by]()
        is_better = value < line if is_days else value > line
        digits += str(int(is_better or (value == line and scheme.levels.compare == ">=")))
    return digits


def _lies_in(scores: tuple[int | None, ...], area: Any) -> bool:
    r, f, m = scores
    mean = Fraction(f + m, 2) if f is not None and m is not None else None
    for level, bounds in ((r, area.recency), (f, area.frequency), (m, area.monetary)):
        if bounds is not None and (level is None or level < bounds[0] or level > bounds[1]):
            return False
    if area.both is None:
        return True
    return mean is not None and area.both[0] <= mean < area.both[1] + 1
