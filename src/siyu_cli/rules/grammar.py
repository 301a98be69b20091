"""One line of a condition, from text to syntax: the grammar and its complaints. No names are known here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache
from typing import Any, Literal

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from siyu_cli.language import tr

# Offsets into a line are columns in the file, so widths are folded one character for one.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x00A0: 0x20}

_GRAMMAR = r"""
line: operand _predicate
operand: name [_LPAR _arg (_SEP _arg)* _RPAR]
name: NAME | QUOTED
_arg: window | scope
window: WINDOW
counted: comparison | bounded | between
scope: NAME | QUOTED

_predicate: comparison | calendar_test | bounded | between | text_test | set_test | state_test
comparison: COMPARE number
calendar_test: COMPARE CALENDAR_WORD
bounded: number BOUND
between: number _TO number
text_test: TEXT_WORD _text (_SEP _text)*
set_test: SET_WORD _text (_SEP _text)*
state_test: STATE
number: NUMBER [WAN] [UNIT]
_text: TEXT | QUOTED

WINDOW.3: (CALENDAR | LAST | WHOLE_DAYS | AGO | DATES) /(?=\s*[、,)])/
CALENDAR: /全部|今天|昨天|[本上][周月季]|今年|去年/
LAST: /[近下]\s*\d+\s*个?(?:天|月|小时)/
WHOLE_DAYS: /过去\s*\d+\s*个整天/
AGO: /\d+\s*(?:天|小时)?\s*到\s*\d+\s*(?:天|小时)\s*前/
DATES: /\d{4}-\d{1,2}-\d{1,2}\s*~\s*\d{4}-\d{1,2}-\d{1,2}/
CALENDAR_WORD: /今天|[本上下]月/
COMPARE: />=|<=|!=|>|<|=|≥|≤|≠|至少|至多|超过|不满|不足/
BOUND: /以上|以下|以内/
_TO: "到"
TEXT_WORD: /(?:不是|是|不属于|属于|包含全部|包含|不含|开头是|结尾是)(?=[\s「"“]|$)/
SET_WORD: /(?:没有|有任一|有全部|有)(?=[\s「"“]|$)/
STATE.2: /(?:有值|为空|为真|为假)(?=\s|$)/
NUMBER: /[-+]?\d+(?:\.\d+)?/
WAN: "万"
UNIT: /%|小时|(?!万|到|以)[A-Za-z\u4e00-\u9fff]/
NAME.1: /[^\s()<>=!≥≤≠、,"「」“”]+/
TEXT: /[^\s、,"「」“”]+/
QUOTED.2: /「[^」]*」|"[^"]*"|“[^”]*”/
_LPAR: "("
_RPAR: ")"
_SEP: /[、,]/
WS: /\s+/
%ignore WS
"""

Operator = Literal[">=", "<=", ">", "<", "=", "!="]
_OPERATORS: dict[str, Operator] = {
    ">=": ">=",
    "≥": ">=",
    "至少": ">=",
    "以上": ">=",
    "<=": "<=",
    "≤": "<=",
    "至多": "<=",
    "以下": "<=",
    "以内": "<=",
    ">": ">",
    "超过": ">",
    "<": "<",
    "不满": "<",
    "不足": "<",
    "=": "=",
    "!=": "!=",
    "≠": "!=",
}


@dataclass(frozen=True)
class Word:
    """A word of the line and its characters start…end; `is_window` for a time window."""

    text: str
    start: int
    end: int
    is_window: bool = False


@dataclass(frozen=True)
class Operand:
    """A metric or field, with windows and scopes in brackets."""

    name: Word
    arguments: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Number:
    """A number as written; `value` already carries 万."""

    value: Decimal
    has_wan: bool
    unit: str
    start: int
    end: int


@dataclass(frozen=True)
class Comparison:
    """`>= 3次`, `3次 以上`."""

    operator: Operator
    number: Number


@dataclass(frozen=True)
class Between:
    """`30 到 60天`."""

    low: Number
    high: Number


@dataclass(frozen=True)
class CalendarWord:
    """`= 本月`, `!= 今天`."""

    operator: Operator
    word: Word


@dataclass(frozen=True)
class WordTest:
    """A text, set or state word with the texts after it: `包含 苹果、香蕉`, `没有 爱水果`, `有值`."""

    kind: Literal["text", "set", "state"]
    word: Word
    texts: tuple[Word, ...] = ()


Predicate = Comparison | Between | CalendarWord | WordTest


@dataclass(frozen=True)
class Line:
    """One condition."""

    operand: Operand
    predicate: Predicate


class LineSyntaxError(Exception):
    """The line does not follow the grammar; start…end is what does not fit."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.hint, self.start, self.end = message, hint, start, end


def parse_line(text: str) -> Line:
    """The syntax of one condition; LineSyntaxError where it is none."""
    return _parse(text, "line")  # type: ignore[no-any-return]


def parse_operand(text: str) -> Operand:
    """The syntax of a metric with its arguments, as `ratio` holds them."""
    return _parse(text, "operand")  # type: ignore[no-any-return]


def parse_counted(text: str) -> Comparison | Between:
    """The syntax of `>= 3`, `3次 以上`, `2 到 5`, as `times` and `days` hold them."""
    return _parse(text, "counted")  # type: ignore[no-any-return]


def parse_window(text: str) -> Word | None:
    """The window that a whole text is; None where it is none. Its numbers are not looked at."""
    try:
        arguments = parse_operand(f"x({text})").arguments
    except LineSyntaxError:
        return None
    return arguments[0] if len(arguments) == 1 and arguments[0].is_window else None


def _parse(text: str, start: str) -> Any:
    narrow = text.translate(_NARROW)
    try:
        return _Builder().transform(_parser().parse(narrow, start=start))
    except UnexpectedInput as error:
        raise _complaint(error, narrow) from None


@cache
def _parser() -> Lark:
    return Lark(
        _GRAMMAR,
        parser="lalr",
        lexer="contextual",
        start=["line", "operand", "counted"],
        propagate_positions=True,
    )


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Lark's tree into the dataclasses above."""

    def line(self, operand: Operand, predicate: Predicate) -> Line:
        return Line(operand, predicate)

    def operand(self, name: Word, *arguments: Word | None) -> Operand:
        return Operand(name, tuple(argument for argument in arguments if argument is not None))

    def name(self, token: Token) -> Word:
        return _word(token)

    def scope(self, token: Token) -> Word:
        return _word(token)

    def window(self, token: Token) -> Word:
        return Word(str(token), _start(token), _end(token), is_window=True)

    def counted(self, predicate: Predicate) -> Predicate:
        return predicate

    def calendar_test(self, token: Token, word: Token) -> CalendarWord:
        return CalendarWord(_OPERATORS[str(token)], _word(word))

    def comparison(self, token: Token, number: Number) -> Comparison:
        return Comparison(_OPERATORS[str(token)], number)

    def bounded(self, number: Number, token: Token) -> Comparison:
        return Comparison(_OPERATORS[str(token)], number)

    def between(self, low: Number, high: Number) -> Between:
        return Between(low, high)

    def text_test(self, token: Token, *texts: Token) -> WordTest:
        return WordTest("text", _word(token), tuple(map(_word, texts)))

    def set_test(self, token: Token, *texts: Token) -> WordTest:
        return WordTest("set", _word(token), tuple(map(_word, texts)))

    def state_test(self, token: Token) -> WordTest:
        return WordTest("state", _word(token))

    def number(self, digits: Token, wan: Token | None, unit: Token | None) -> Number:
        last = unit or wan or digits
        # Exact for any number of digits: the usual context would round to 28 of them.
        exact = Context(prec=len(digits) + 8)
        value = exact.multiply(exact.create_decimal(str(digits)), Decimal(10_000 if wan else 1))
        return Number(value, wan is not None, str(unit or ""), _start(digits), _end(last))


def _word(token: Token) -> Word:
    text = str(token)
    return Word(text[1:-1].strip() if token.type == "QUOTED" else text, _start(token), _end(token))


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


_PREDICATES = tr(
    "例:>= 3 · 3次 以上 · 30 到 60天 · 是 抖音 · 包含 苹果、香蕉 · 有值",
    "E.g. >= 3 · 3次 以上 · 30 到 60天 · 是 抖音 · 包含 苹果、香蕉 · 有值",
)


# Words people write that are none of the language's, and what they mean there.
_MEANT = {
    "大于等于": ">=", "不小于": ">=", "不低于": ">=", "不少于": ">=", "大于或等于": ">=", "小于等于": "<=", "小于或等于": "<=",
    "不大于": "<=", "不超过": "<=", "不多于": "<=", "不高于": "<=", "大于": ">", "高于": ">", "多于": ">", "小于": "<",
    "低于": "<", "少于": "<", "等于": "=", "不等于": "!=", "==": "=", "=>": ">=", "=<": "<=", "<>": "!=", "不包含": "不含",
    "不包括": "不含", "包括": "包含", "含有": "包含", "无": "没有", "is": "是", "in": "属于", "不为空": "有值", "非空": "有值", "空": "为空",
}  # fmt: skip
_JOINING = ("并且", "而且", "且", "和", "以及", "同时", "或者", "或", "and", "or", "&&", "||")
_NUMERALS = frozenset("零一二两三四五六七八九十百千万几")


def _hint_for(word: str, otherwise: str) -> str:
    """What the word that does not fit was probably meant to say."""
    meant = next((one for one in sorted(_MEANT, key=len, reverse=True) if word.startswith(one)), "")
    if meant:
        return tr(f"写成 {_MEANT[meant]}", f"Write {_MEANT[meant]}")
    if word.casefold().startswith(_JOINING):
        return tr(
            "一行只写一个条件:都要满足就各写一行,满足一个就行用 any",
            "One condition per line: each on its own where all must hold, under any where one is enough",
        )
    if word[:1] in _NUMERALS:
        return tr("数字用 0 到 9 写,例:3次 以上", "Numbers are written with digits, e.g. 3次 以上")
    return otherwise


def _ratio_hint(word: str) -> str:
    """Where a number is compared with a name: two metrics."""
    if not re.match(r"[^\W\d]", word):
        return ""
    return tr(
        "右边只能是数字。两个指标相比,先在 metrics 里写一个比值:比: {ratio: [甲, 乙]},再写 比 >= 1",
        "Only a number fits here. To compare two metrics define a ratio: 比: {ratio: [甲, 乙]}, then write 比 >= 1",
    )


def _complaint(error: UnexpectedInput, text: str) -> LineSyntaxError:
    """Lark's complaint in the operator's words, by what would have fitted."""
    token = getattr(error, "token", None)
    at_end = token is not None and token.type == "$END"
    start = len(text.rstrip()) if at_end else min(error.pos_in_stream or 0, len(text))
    rest = text[start:].split(maxsplit=1)
    end = start + (len(rest[0]) if rest and not at_end else 1)
    expected = set(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    found = tr("这里就结束了", "the line ends here") if at_end else f"「{text[start:end]}」"
    if "COMPARE" in expected and "STATE" in expected:
        if at_end:
            return LineSyntaxError(
                tr("只有名称,没有条件", "A name without a condition"),
                tr("名称后空一格再写条件。", "Leave a space after the name. ") + _PREDICATES,
                0,
                start,
            )
        hint = _hint_for(text[start:end], _PREDICATES)
        return LineSyntaxError(tr(f"看不懂 {found}", f"Cannot read {found}"), hint, start, end)
    if "BOUND" in expected:
        hint = _hint_for(
            text[start:end],
            tr(
                "数字后面写 以上、以下、以内 或 到;数字里不要逗号",
                "After a number: 以上, 以下, 以内 or 到; no commas in numbers",
            ),
        )
        return LineSyntaxError(
            tr(f"数字之后看不懂:{found}", f"Cannot read what follows the number: {found}"), hint, start, end
        )
    if "_RPAR" in expected:
        hint = tr("括号里用 、 分开,最后写 )", "Separate with 、 and close with )")
        return LineSyntaxError(
            tr(f"括号没有写完:{found}", f"The bracket is not closed: {found}"), hint, start, end
        )
    if "NUMBER" in expected:
        # `=>` and `==` were read as = before the rest.
        before = text[start - 1] if text[start : start + 1] in ("=", "<", ">") else ""
        hint = _hint_for(before + text[start:end], "") or _ratio_hint(text[start:end])
        return LineSyntaxError(
            tr(f"这里应是数字:{found}", f"A number belongs here: {found}"), hint, start, end
        )
    if "TEXT" in expected:
        hint = tr("用 、 分开;有空格的文字用「」括起来", "Separate with 、; quote text with spaces in 「」")
        return LineSyntaxError(tr(f"这里应是文字:{found}", f"Text belongs here: {found}"), hint, start, end)
    if "_SEP" in expected:
        hint = tr(
            "几个文字用 、 分开;有空格的文字用「」括起来",
            "Separate texts with 、; quote text with spaces in 「」",
        )
        return LineSyntaxError(
            tr(f"文字之后看不懂:{found}", f"Cannot read what follows the text: {found}"),
            _hint_for(text[start:end], hint),
            start,
            end,
        )
    if "$END" in expected:
        return LineSyntaxError(
            tr(f"条件后面多了:{found}", f"Too much after the condition: {found}"),
            _hint_for(text[start:end], ""),
            start,
            end,
        )
    hint = _hint_for(text[start:end], _PREDICATES)
    return LineSyntaxError(tr(f"看不懂 {found}", f"Cannot read {found}"), hint, start, end)
