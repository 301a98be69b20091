"""A parser's complaint about a line in the operator's words, by what would have fitted there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.language import tr
from siyu_cli.rules.meant import after_number_hint, number_hint, test_hint, word_hint

if TYPE_CHECKING:
    from lark import UnexpectedInput


class LineSyntaxError(Exception):
    """The line does not follow the grammar; start…end is what does not fit."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.hint, self.start, self.end = message, hint, start, end


def complaint(error: UnexpectedInput, text: str) -> LineSyntaxError:
    """What is wrong with `text`, where, and what to write instead."""
    token = getattr(error, "token", None)
    at_end = token is not None and token.type == "$END"
    start = len(text.rstrip()) if at_end else min(error.pos_in_stream or 0, len(text))
    rest = text[start:].split(maxsplit=1)
    end = start + (len(rest[0]) if rest and not at_end else 1)
    expected = set(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    if {"COMPARE", "STATE"} <= expected and at_end:
        message = tr("只有名称,没有条件", "A name without a condition")
        hint = tr("名称后空一格再写条件。", "Leave a space after the name. ") + _examples()
        return LineSyntaxError(message, hint, 0, start)
    found = tr("这里就结束了", "the line ends here") if at_end else f"「{text[start:end]}」"
    message, hint = _words(expected, found, text, start)
    return LineSyntaxError(message, hint, start, end)


def _words(expected: set[str], found: str, text: str, start: int) -> tuple[str, str]:
    """Message and hint, by what would have fitted; the first that applies."""
    if {"COMPARE", "STATE"} <= expected:
        return tr(f"看不懂 {found}", f"Cannot read {found}"), test_hint(text, start) or _examples()
    if "BOUND" in expected:
        return tr(f"数字之后看不懂:{found}", f"Cannot read what follows the number: {found}"), (
            after_number_hint(text, start)
            or tr(
                "数字后面写 以上、以下、以内 或 到;数字里不要逗号",
                "After a number: 以上, 以下, 以内 or 到; no commas in numbers",
            )
        )
    if "_RPAR" in expected:
        return tr(f"括号没有写完:{found}", f"The bracket is not closed: {found}"), tr(
            "括号里用 、 分开,最后写 )", "Separate with 、 and close with )"
        )
    if "NUMBER" in expected:
        return tr(f"这里应是数字:{found}", f"A number belongs here: {found}"), number_hint(text, start)
    if "TEXT" in expected:
        return tr(f"这里应是文字:{found}", f"Text belongs here: {found}"), tr(
            "用 、 分开;有空格的文字用「」括起来", "Separate with 、; quote text with spaces in 「」"
        )
    if "_SEP" in expected:
        return tr(f"文字之后看不懂:{found}", f"Cannot read what follows the text: {found}"), (
            word_hint(text, start)
            or tr(
                "几个文字用 、 分开;有空格的文字用「」括起来",
                "Separate texts with 、; quote text with spaces in 「」",
            )
        )
    if "$END" in expected:
        message = tr(f"条件后面多了:{found}", f"Too much after the condition: {found}")
        return message, word_hint(text, start)
    return tr(f"看不懂 {found}", f"Cannot read {found}"), test_hint(text, start) or _examples()


def _examples() -> str:
    return tr(
        "例:>= 3 · 3次 以上 · 30 到 60天 · 是 抖音 · 包含 苹果、香蕉 · 有值 · 为真",
        "E.g. >= 3 · 3次 以上 · 30 到 60天 · 是 抖音 · 包含 苹果、香蕉 · 有值 · 为真",
    )
