"""Numbers of conditions in words: what the value is, and how far from the bound."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from siyu_cli.language import tr
from siyu_cli.rules.tree import AllOf, AnyOf, Condition, Measure, Metric, NumberTest, NumberValue, Ratio

_UNITS = {
    Measure.MONEY: "yuan", Measure.TIMES: "times", Measure.DAYS: "days", Measure.MONTH: "month", Measure.MONTH_DAY: "day",
    Measure.PIECES: "pieces", Measure.KINDS: "kinds", Measure.SCORE: "points",
}  # fmt: skip


# Aggregates over no rows that are 0; all others are missing then.
_ZERO = ("count", "days", "distinct", "sum")


def can_be_missing(value: NumberValue) -> bool:
    """Whether a number can be there for one customer and not for another; counts and sums are 0 instead."""
    return not (isinstance(value, Metric) and value.aggregate in _ZERO)


def unit_words(measure: Measure) -> str:
    """The unit for people; in a line of a rule it is always `measure.value`."""
    return tr(measure.value, _UNITS.get(measure, measure.value))


def step_of(value: NumberValue) -> int | None:
    """The smallest difference two values can have, in hundredths of the shown unit; None where there is none.

    Money differs by a fen, counts and days by one. Ratios and averages take any value, and so do pieces
    (half a kilo is a piece too).
    """
    if isinstance(value, Ratio) or (isinstance(value, Metric) and value.aggregate in ("avg", "avg_gap_days")):
        return None
    if value.measure in (Measure.PIECES, Measure.PERCENT, Measure.PLAIN):
        return None
    return 1 if value.measure is Measure.MONEY else 100


def amount_text(value: Fraction, measure: Measure) -> str:
    """`612.50`, `4`, `33.33%`: money with its fen, whole numbers as such, all else half up to two decimals."""
    if measure is not Measure.MONEY and value.denominator == 1:
        text = f"{value.numerator:,}"
    else:
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        text = f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
    return text + "%" if measure is Measure.PERCENT else text


def bound_text(hundredths: int, measure: Measure) -> str:
    """A bound as a person would type it: `500元`, `0.5`, `60%`."""
    value = Decimal(hundredths) / 100
    text = f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
    return text + measure.value


def distance_text(condition: Condition, value: Fraction | None) -> str:
    """How far a number is from making a condition true; '' where it is true or no single bound decides.

    `还差 2次` below a lower bound, `超上限 1天` above an upper one.
    """
    match condition:
        case NumberTest():
            return "" if value is None else _to_bound(condition, value)
        case AllOf(members) | AnyOf(members):
            said = [distance_text(member, value) for member in members]
            missing = [text for text in said if text]
            is_any = isinstance(condition, AnyOf)
            return "" if not missing or (is_any and len(missing) < len(said)) else missing[0]
        case _:
            return ""


def _to_bound(test: NumberTest, value: Fraction) -> str:
    bound, measure = Fraction(test.hundredths, 100), test.value.measure
    if holds(test, value):
        return ""
    if test.operator == "=":
        return tr("相差 ", "off by ") + _with_unit(abs(value - bound), measure)
    goal, is_strict = nearest_fit(test)
    if value == goal and is_strict:
        return tr("正好在边上,不含这个数", "exactly at the bound, which is excluded")
    apart = _with_unit(abs(goal - value), measure)
    more = tr("多一点", " and a little") if is_strict else ""
    is_low = test.operator in (">", ">=")
    return tr("还差 ", "short by ") + apart + more if is_low else tr("超上限 ", "over by ") + apart + more


def holds(test: NumberTest, value: Fraction) -> bool:
    """Whether a known value passes."""
    bound = Fraction(test.hundredths, 100)
    return {
        ">=": value >= bound,
        ">": value > bound,
        "<=": value <= bound,
        "<": value < bound,
        "=": value == bound,
    }[test.operator]


def nearest_fit(test: NumberTest) -> tuple[Fraction, bool]:
    """The bound a value must reach, and whether it must go beyond it.

    Where values come in steps the bound is the first one that passes: `> 30天` is reached at 31.
    """
    step, bound = step_of(test.value), Fraction(test.hundredths, 100)
    is_strict = test.operator in (">", "<")
    if step is None:
        return bound, is_strict
    size = Fraction(step, 100)
    if test.operator in (">=", ">"):
        first = -(-bound // size) * size
        return (first + size if is_strict and first == bound else first), False
    last = bound // size * size
    return (last - size if is_strict and last == bound else last), False


def _with_unit(value: Fraction, measure: Measure) -> str:
    text = amount_text(value, measure)
    return text if measure is Measure.PERCENT else f"{text} {unit_words(measure)}".rstrip()
