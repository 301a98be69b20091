"""One line of a condition, from text to syntax. No names are known here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cache
from typing import Any, Literal

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from siyu_cli.rules.complaints import LineSyntaxError, complaint

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
UNIT: /%|小时|(?!万|到|以|或|且|和)[A-Za-z\u4e00-\u9fff](?![^\W\d到以])/
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
        raise complaint(error, narrow) from None


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
