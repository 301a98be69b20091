"""Checking `did`: what was done, how often, within which time, after which push, without what following."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from siyu_cli.events import EVENT_WORDS
from siyu_cli.language import tr
from siyu_cli.rules.catalog import ROW_FIELDS
from siyu_cli.rules.complaints import LineSyntaxError
from siyu_cli.rules.grammar import Between, Comparison, parse_counted, parse_window
from siyu_cli.rules.meant import window_meant, write_instead
from siyu_cli.rules.placed import Placed
from siyu_cli.rules.predicates import LineTypeError, number_condition
from siyu_cli.rules.problems import Report, place_of
from siyu_cli.rules.shapes import (
    Leaf,
    Pairs,
    needs,
    one_of,
    pairs_of,
    read_condition,
    text_at,
    text_of,
    whole_number_of,
)
from siyu_cli.rules.tree import (
    DEED_DAYS,
    DEED_TIMES,
    After,
    AllOf,
    Condition,
    Deed,
    DeedSource,
    Did,
    NumberColumn,
    Since,
    TextColumn,
    Without,
    Written,
)
from siyu_cli.windows import Window, WindowError, read_window
from siyu_cli.words import fold
from siyu_cli.yamlfile import Mapping, Node, Scalar

_KEYS = ("event", "times", "days", "same", "within", "after", "where", "without")
_KINDS = {word: kind for kind, words in EVENT_WORDS.items() for word in words}
# Valid orders are no events of their own: they are seen by their lines.
_ORDER = "订单"
_SAME = ("商品", "品类")
# An answer ten years after a push is none.
MAX_HOURS = 87_600


class DidReader:
    """Reads a `did`; `row_leaf` reads the lines of `where` over the rows of the deeds."""

    def __init__(self, report: Report, row_leaf: Callable[[DeedSource], Leaf]) -> None:
        self.report, self.row_leaf = report, row_leaf

    def read(self, node: Mapping) -> Did | None:
        """The checked `did`, or None with everything that is wrong in it."""
        key, body = node.pairs[0]
        before = self.report.noted
        pairs = pairs_of(self.report, body, _KEYS, "did")
        needs(self.report, pairs, "event", key)
        deed = self._deed(pairs["event"][1]) if "event" in pairs else None
        same = self._same(pairs, deed)
        parts = (self._window(pairs), self._after(pairs), self._where(pairs, deed), self._counts(pairs))
        without = self._without(pairs, deed)
        if deed is None or self.report.noted > before:
            return None
        return Did(deed, same, *parts, without)

    def _deed(self, node: Node) -> Deed | None:
        text = text_at(node).strip()
        if fold(text) == _ORDER:
            return Deed("items")
        word = one_of(self.report, node, [*_KINDS, _ORDER])
        return None if word is None else Deed("events", _KINDS[word])

    def _same(self, pairs: Pairs, deed: Deed | None) -> TextColumn | None:
        if "same" not in pairs:
            return None
        word = one_of(self.report, pairs["same"][1], list(_SAME))
        if word is None or deed is None:
            return None
        return cast(TextColumn, ROW_FIELDS[deed.source][word])

    def _window(self, pairs: Pairs) -> Window:
        if "within" not in pairs or (scalar := self._text(pairs["within"][1])) is None:
            return Window()
        with Placed(self.report, scalar):
            word = parse_window(scalar.text)
            try:
                if word is not None:
                    return read_window(word.text)
            except WindowError as error:
                message = tr(error.chinese, error.english)
                raise LineTypeError(error.code, message, "", 0, len(scalar.text)) from None
            message = tr(f"「{scalar.text}」不是时间窗口", f"“{scalar.text}” is no window")
            meant = window_meant(scalar.text)
            hint = (
                write_instead(meant)
                if meant
                else tr("例:近7天、24到72小时前、本月", "E.g. 近7天, 24到72小时前, 本月")
            )
            raise LineTypeError("E306", message, hint, 0, len(scalar.text))
        return Window()

    def _after(self, pairs: Pairs) -> After | None:
        if "after" not in pairs:
            return None
        inner = self._inner(pairs["after"], ("push", "hours"), ("push", "hours"))
        if inner is None:
            return None
        push = text_of(self.report, inner["push"][1])
        hours = whole_number_of(self.report, inner["hours"][1], 1, MAX_HOURS)
        if push is None or hours is None:
            return None
        return After(fold(push), hours, written=Written(push, place_of(inner["push"][1]).mark))

    def _where(self, pairs: Pairs, deed: Deed | None) -> Condition | None:
        if "where" not in pairs or deed is None:
            return None
        return read_condition(self.report, pairs["where"][1], self.row_leaf(deed.source))

    def _counts(self, pairs: Pairs) -> Condition | None:
        """`times` and `days` together; None where neither is asked for."""
        asked = [("times", DEED_TIMES), ("days", DEED_DAYS)]
        found = [self._count(pairs[key][1], key, column) for key, column in asked if key in pairs]
        whole = tuple(condition for condition in found if condition is not None)
        return AllOf(whole) if whole else None

    def _count(self, node: Node, key: str, column: NumberColumn) -> Condition | None:
        scalar = self._text(node)
        if scalar is None:
            return None
        with Placed(self.report, scalar):
            predicate = _counted(scalar.text, key)
            condition = number_condition(column, key, predicate)
            if _is_never(predicate):
                message = tr(f"{key} 至少是 1,这样永远不成立", f"{key} is at least 1, so this never holds")
                hint = tr("「没有做过」写成 not: {did: …}", "Write “never did” as not: {did: …}")
                raise LineTypeError("E307", message, hint, 0, len(scalar.text))
            return condition
        return None

    def _without(self, pairs: Pairs, deed: Deed | None) -> Without | None:
        if "without" not in pairs:
            return None
        inner = self._inner(pairs["without"], ("event", "same", "since"), ("event", "since"))
        if inner is None:
            return None
        other = self._deed(inner["event"][1])
        since = one_of(self.report, inner["since"][1], ["first", "last"])
        is_same = self._is_same(inner, pairs)
        if other is not None and other == deed:
            message = tr(
                "without 和 event 是同一种行为,这样永远不成立",
                "without names the event itself, so this never holds",
            )
            self.report.add("E307", inner["event"][1], message)
        if other is None or since is None:
            return None
        return Without(other, cast(Since, since), is_same)

    def _is_same(self, inner: Pairs, pairs: Pairs) -> bool:
        if "same" not in inner:
            return False
        node = inner["same"][1]
        if not isinstance(node, Scalar) or type(node.value) is not bool:
            self.report.add("E307", node, tr("这里写 true 或 false", "true or false belongs here"))
            return False
        if node.value and "same" not in pairs:
            message = tr("did 没有写 same,不知道和哪个相同", "The did has no same to be the same as")
            self.report.add("E107", node, message, tr("例:same: 商品", "E.g. same: 商品"))
        return node.value

    def _inner(
        self, pair: tuple[Scalar, Node], known: tuple[str, ...], needed: tuple[str, ...]
    ) -> Pairs | None:
        """The pairs below a key, or None where one that is needed is not there."""
        key, node = pair
        inner = pairs_of(self.report, node, known, key.text)
        missing = [name for name in needed if not needs(self.report, inner, name, key)]
        return None if missing else inner

    def _text(self, node: Node) -> Scalar | None:
        return node if text_of(self.report, node) is not None and isinstance(node, Scalar) else None


def _counted(text: str, key: str) -> Comparison | Between:
    try:
        return parse_counted(text)
    except LineSyntaxError:
        message = tr(f"{key} 看不懂「{text}」", f"{key}: cannot read “{text}”")
        hint = (
            tr(f'至少写成 ">= {text}",正好写成 "= {text}"', f'At least: ">= {text}"; exactly: "= {text}"')
            if text.isdecimal()
            else tr('例:">= 3"、"3 以上"、"2 到 5"', 'E.g. ">= 3", "3 以上", "2 到 5"')
        )
        raise LineSyntaxError(message, hint, 0, len(text)) from None


def _is_never(predicate: Comparison | Between) -> bool:
    """Whether no whole number from 1 on fits."""
    match predicate:
        case Between(_, high):
            return high.value < 1
        case Comparison("<", number):
            return number.value <= 1
        case Comparison("<=" | "=", number):
            return number.value < 1
        case _:
            return False
