"""Predicates against typed operands: which words fit which type, units, decimals, negation."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from siyu_cli.language import tr
from siyu_cli.rules.catalog import UNITS
from siyu_cli.rules.complaints import LineSyntaxError
from siyu_cli.rules.grammar import (
    Between,
    CalendarWord,
    Comparison,
    Number,
    Predicate,
    Word,
    WordTest,
)
from siyu_cli.rules.meant import write_instead
from siyu_cli.rules.problems import suggestion
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    CalendarTest,
    Condition,
    FlagColumn,
    FlagTest,
    Measure,
    Not,
    NumberColumn,
    NumberTest,
    NumberValue,
    Present,
    Ratio,
    TextColumn,
    TextTest,
    TextValue,
)
from siyu_cli.words import fold

_NEGATIVE = {"不是": "是", "不属于": "属于", "不含": "包含", "为空": "有值", "为假": "为真"}
_HOW = {"是": "is", "属于": "is", "包含": "holds", "开头是": "starts", "结尾是": "ends"}
# What says of a set the same as of a text.
_OF_SETS = {
    "是": "有",
    "属于": "有",
    "包含": "有",
    "不是": "没有",
    "不属于": "没有",
    "不含": "没有",
    "包含全部": "有全部",
}
_CALENDAR: dict[Measure, dict[str, int]] = {
    Measure.MONTH: {"上月": -1, "本月": 0, "下月": 1},
    Measure.MONTH_DAY: {"今天": 0},
}
_LARGEST = {Measure.MONTH: 12, Measure.MONTH_DAY: 31}
# With these the products of a comparison stay inside 64 bits on every engine.
MAX_NUMBER = Decimal(10**9)
MAX_RATIO = Decimal(10**6)


class LineTypeError(Exception):
    """An E3 mistake at characters start…end of the line."""

    def __init__(self, code: str, message: str, hint: str, start: int, end: int) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.start, self.end = code, message, hint, start, end


def text_condition(value: TextValue, name: str, predicate: Predicate) -> Condition:
    """A text with 是 属于 包含 …; LineTypeError where the words do not fit a text."""
    fits = "是 不是 属于 不属于 包含 包含全部 不含 开头是 结尾是 有值 为空"
    column = value if isinstance(value, TextColumn) else value.of
    assert isinstance(column, TextColumn)
    if column.choices:
        return _choice(value, column.choices, name, predicate)
    if (
        not isinstance(predicate, WordTest)
        or predicate.kind == "set"
        or predicate.word.text in ("为真", "为假")
    ):
        raise _misfit(name, tr("文字", "text"), fits, predicate)
    word = predicate.word.text
    positive = _NEGATIVE.get(word, word)
    condition: Condition
    if positive == "有值":
        condition = Present(value)
    else:
        texts = _literals(predicate)
        if positive == "包含全部":
            return AllOf(tuple(TextTest(value, "holds", (text,)) for text in texts))
        if positive == "属于" and column.is_path:
            condition = TextTest(value, "under", tuple(text.rstrip("/") for text in texts))
        else:
            condition = TextTest(value, _HOW[positive], texts)  # type: ignore[arg-type]
    return Not(condition) if word in _NEGATIVE else condition


def _choice(
    value: TextValue, choices: tuple[tuple[str, str], ...], name: str, predicate: Predicate
) -> Condition:
    """One of few words: 是 不是 属于 不属于 有值 为空; a word that is none of them is E307, it would never be true."""
    word = predicate.word.text if isinstance(predicate, WordTest) else ""
    positive = _NEGATIVE.get(word, word)
    if not isinstance(predicate, WordTest) or positive not in ("是", "属于", "有值"):
        fits = "是 不是 属于 不属于 有值 为空"
        raise _misfit(name, tr("几个固定的词", "one of a few words"), fits, predicate)
    condition: Condition
    if positive == "有值":
        condition = Present(value)
    else:
        values = dict(choices)
        for text in predicate.texts:
            if fold(text.text) not in values:
                message = tr(f"「{name}」没有「{text.text}」这个值", f"“{name}” is never “{text.text}”")
                raise LineTypeError(
                    "E307", message, suggestion(text.text, list(values)), text.start, text.end
                )
        condition = TextTest(value, "is", tuple(sorted({values[fold(t.text)] for t in predicate.texts})))
    return Not(condition) if word in _NEGATIVE else condition


def flag_condition(column: FlagColumn, name: str, predicate: Predicate) -> Condition:
    """为真 or 为假."""
    if not isinstance(predicate, WordTest) or predicate.word.text not in ("为真", "为假"):
        raise _misfit(name, tr("真假值", "yes or no"), "为真 为假", predicate)
    test = FlagTest(column)
    return Not(test) if predicate.word.text == "为假" else test


def set_condition(name: str, predicate: Predicate, test: Callable[[Word], Condition]) -> Condition:
    """有 / 有任一 (any), 没有 (none), 有全部 (every) of what `test` makes of each member of a set."""
    if not isinstance(predicate, WordTest) or predicate.kind != "set":
        word = predicate.word.text if isinstance(predicate, WordTest) else ""
        kind = tr("一组名称", "a set of names")
        raise _misfit(name, kind, "有 没有 有任一 有全部", predicate, _OF_SETS.get(word, ""))
    tests = tuple(map(test, predicate.texts))
    if predicate.word.text == "有全部":
        return AllOf(tests)
    return Not(AnyOf(tests)) if predicate.word.text == "没有" else AnyOf(tests)


def number_condition(value: NumberValue, name: str, predicate: Predicate) -> Condition:
    """Comparisons, 到, 有值 and 为空."""
    match predicate:
        case Comparison(operator, number):
            bound = _bound(value, name, number)
            if operator == "!=":
                return Not(NumberTest(value, "=", bound))
            return NumberTest(value, operator, bound)
        case CalendarWord(operator, word):
            return _calendar(value, name, operator, word)
        case Between(low, high):
            return _between(value, name, low, high)
        case WordTest(word=word) if word.text in ("有值", "为空"):
            present = Present(value)
            return Not(present) if word.text == "为空" else present
        case WordTest(word=word, texts=(text,)) if word.text in ("是", "不是"):
            sign = "=" if word.text == "是" else "!="
            raise _misfit(name, tr("数字", "a number"), "", predicate, f"{sign} {text.text}")
        case _:
            raise _misfit(
                name,
                tr("数字", "a number"),
                ">= > <= < = != 以上 以下 以内 至少 至多 超过 不满 不足 到 有值 为空",
                predicate,
            )


def _calendar(value: NumberValue, name: str, operator: str, word: Word) -> Condition:
    """`= 本月` of a month, `= 今天` of a day of the month: what they mean moves with D."""
    words = _CALENDAR.get(value.measure, {})
    if not isinstance(value, NumberColumn) or word.text not in words or operator not in ("=", "!="):
        fits = "、".join(f"= {known}" for known in words) if isinstance(value, NumberColumn) else ""
        message = tr(
            f"「{name}」不能和「{word.text}」这样比较",
            f"“{name}” cannot be compared like this with “{word.text}”",
        )
        hint = tr(f"可用:{fits}", f"Fits: {fits}") if fits else ""
        raise LineTypeError("E301", message, hint, word.start, word.end)
    part: Literal["month", "day"] = "month" if value.measure is Measure.MONTH else "day"
    test = CalendarTest(value, part, words[word.text])
    return Not(test) if operator == "!=" else test


def _between(value: NumberValue, name: str, low: Number, high: Number) -> Condition:
    if high.has_wan and not low.has_wan:
        hint = tr("两边都写「万」", "Write 万 on both sides")
        raise LineTypeError(
            "E302",
            tr("前面的数没有写「万」,后面写了", "Only the second number has 万"),
            hint,
            low.start,
            high.end,
        )
    first, second = _bound(value, name, low, is_low=True), _bound(value, name, high)
    if first > second:
        raise LineTypeError(
            "E304",
            tr("「到」前面的数比后面大", "The number before 到 is the greater"),
            tr("小的写前面", "Write the smaller first"),
            low.start,
            high.end,
        )
    return AllOf((NumberTest(value, ">=", first), NumberTest(value, "<=", second)))


def _bound(value: NumberValue, name: str, number: Number, *, is_low: bool = False) -> int:
    """The bound in hundredths of the shown unit, exact."""
    measure = value.measure
    units = UNITS[measure]
    if number.unit and number.unit not in units:
        shown = tr("没有单位", "no unit") if not units else tr("单位是 ", "unit ") + "、".join(units)
        raise LineTypeError(
            "E302",
            tr(
                f"「{name}」{shown},这里写了「{number.unit}」",
                f"“{name}” has {shown}, here it is “{number.unit}”",
            ),
            _hint_unit(value, number, units),
            number.start,
            number.end,
        )
    if measure is Measure.PERCENT and not number.unit and not is_low:
        raise LineTypeError(
            "E302",
            tr(f"「{name}」要写百分号", f"“{name}” needs a percent sign"),
            tr("例:60%", "E.g. 60%"),
            number.start,
            number.end,
        )
    limit = (
        MAX_RATIO if isinstance(value, Ratio) and measure in (Measure.PERCENT, Measure.PLAIN) else MAX_NUMBER
    )
    if abs(number.value) > limit:
        raise LineTypeError(
            "E307",
            tr(f"数字太大,最多 {limit:,}", f"The number is too large, at most {limit:,}"),
            "",
            number.start,
            number.end,
        )
    largest = _LARGEST.get(measure)
    if largest and not (1 <= number.value <= largest and number.value == int(number.value)):
        message = tr(f"「{name}」是 1 到 {largest} 的整数", f"“{name}” is a whole number from 1 to {largest}")
        raise LineTypeError("E307", message, "", number.start, number.end)
    hundredths = _hundredths_of(number.value)
    if hundredths is None:
        raise LineTypeError(
            "E303",
            tr("小数最多两位", "At most two decimals"),
            tr("金额精确到分", "Money is exact to the fen"),
            number.start,
            number.end,
        )
    return hundredths


def _hint_unit(value: NumberValue, number: Number, units: tuple[str, ...]) -> str:
    """What to write for a number with a unit that does not fit."""
    if number.unit == "%" and isinstance(value, Ratio) and not units:
        share = (number.value / 100).normalize()
        return tr(
            f'写成 {share:f};要写百分号,就在这个指标里加 unit: "%"',
            f'Write {share:f}, or give the metric unit: "%"',
        )
    return tr(f"写成 {units[0]},或不写单位", f"Write {units[0]}, or no unit") if units else ""


def _hundredths_of(value: Decimal) -> int | None:
    """The value times 100, or None where that is no whole number; exact for any number of digits."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    shift = exponent + 2
    if shift < 0 and any(digits[shift:]):
        return None
    digits = digits[:shift] if shift < 0 else (*digits, *(0,) * shift)
    whole = int("".join(map(str, digits)) or "0")
    return -whole if sign else whole


def _literals(predicate: WordTest) -> tuple[str, ...]:
    """The folded texts, each once, in a fixed order."""
    found: dict[str, None] = {}
    for word in predicate.texts:
        text = fold(word.text)
        if not text.strip("/"):
            raise LineSyntaxError(tr("文字是空的", "The text is empty"), "", word.start, word.end)
        found[text] = None
    return tuple(sorted(found))


def _misfit(name: str, kind: str, fits: str, predicate: Predicate, instead: str = "") -> LineTypeError:
    """E301: what fits, or just what is written `instead`."""
    start, end = _extent(predicate)
    message = tr(f"「{name}」是{kind},不能这样比较", f"“{name}” is {kind} and cannot be compared like this")
    hint = write_instead(instead) if instead else tr("可用:", "Fits: ") + fits
    return LineTypeError("E301", message, hint, start, end)


def _extent(predicate: Predicate) -> tuple[int, int]:
    match predicate:
        case Comparison(_, number):
            return number.start, number.end
        case Between(low, high):
            return low.start, high.end
        case CalendarWord(_, word):
            return word.start, word.end
        case WordTest(word=word, texts=texts):
            last: Word = texts[-1] if texts else word
            return word.start, last.end
