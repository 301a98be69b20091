"""Reading checked shapes out of YAML nodes: known keys, texts, and the nesting of conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import cast

from siyu_cli.language import tr
from siyu_cli.rules.catalog import ROW_FIELDS
from siyu_cli.rules.keys import hint_key
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.tree import AllOf, AnyOf, AtLeast, Condition, Did, Not, Source, Written
from siyu_cli.yamlfile import Items, Mapping, Mark, Node, Scalar

MAX_DEPTH = 20
NESTING = ("all", "any", "none", "not", "at_least", "did")

Leaf = Callable[[Scalar | Mapping], Condition | None]
"""Reads a line, or the mapping of a `did`."""


class Pairs(dict[str, tuple[Scalar, Node]]):
    """The known keys of a mapping. `is_whole` is False where something in it was reported: then what is
    missing is not said to be."""

    is_whole = True


def pairs_of(report: Report, node: Node | None, known: tuple[str, ...], what: str) -> Pairs:
    """A mapping with nothing but known keys (E107 for others); empty where it is no mapping."""
    if not isinstance(node, Mapping):
        if node is not None:
            is_condition = "when" in known and (isinstance(node, Items) or bool(text_at(node).strip()))
            report.add(
                "E107",
                node,
                tr(f"{_spaced(what)}应写成「键: 值」", f"{what} must be “key: value”"),
                tr("条件写在 when: 后面", "A condition is written behind when:")
                if is_condition
                else tr("可用的键:", "Keys: ") + "、".join(known),
            )
        broken = Pairs()
        broken.is_whole = node is None
        return broken
    found = Pairs()
    found.is_whole = not report_cut_pairs(report, node)
    for key, value in node.pairs:
        if key.text in known:
            found[key.text] = (key, value)
        elif not (is_cut(key.text) or (not found.is_whole and _is_rest_of_number(key))):
            found.is_whole = False
            report.add(
                "E107",
                key,
                tr(f"{_spaced(what)}里没有「{key.text}」这个键", f"{what}: unknown key “{key.text}”"),
                _hint_entry(key, value, known),
            )
    return found


def _spaced(what: str) -> str:
    """Chinese that follows an English word keeps a space from it."""
    return f"{what} " if what[-1:].isascii() else what


def _hint_entry(key: Scalar, value: Node, known: tuple[str, ...]) -> str:
    """What to write instead of an unknown key; a tag that stands beside `tags` is told where it belongs."""
    if "tags" in known and isinstance(value, Mapping):
        inner = {hint_key(name.text, ("when",)) for name, _ in value.pairs}
        if value.get("when") is not None or hint_key("条件", ("when",)) in inner:
            return tr("标签写在 tags: 下面,缩进两格", "A tag is written below tags:, two spaces in")
    return hint_key(key.text, known)


def text_of(report: Report, node: Node) -> str | None:
    """A non-empty text, or None with an E107."""
    if isinstance(node, Scalar) and node.text.strip():
        return node.text.strip()
    report.add("E107", node, tr("这里应是一段文字", "Text belongs here"))
    return None


def texts_of(report: Report, node: Node) -> list[Scalar]:
    """A list of non-empty texts; what is none is reported and left out."""
    if not isinstance(node, Items):
        report.add("E107", node, tr("这里应是列表,例:[甲, 乙]", "A list belongs here, e.g. [a, b]"))
        return []
    found = [item for item in node.items if text_of(report, item) is not None and isinstance(item, Scalar)]
    for item in found:
        wide = re.search("[，、]", "" if item.is_quoted else item.text)
        if wide:
            message = tr(
                f"这里是中文的「{wide[0]}」,名单没有分开", f"A full-width {wide[0]} separates nothing here"
            )
            hint = tr(
                "改成半角逗号加空格;名称里真有它就加引号",
                "Write a comma and a space; quote a name that holds it",
            )
            report.add("E102", report.place_in(item, wide.start(), wide.end()), message, hint)
    return found


def whole_number_of(report: Report, node: Node, low: int, high: int, what: str = "") -> int | None:
    """A whole number from low to high, or None with an E307; `what` says which number and why so."""
    if isinstance(node, Scalar) and type(node.value) is int and low <= node.value <= high:
        return node.value
    if low == high:
        said = tr(f"{what or '这里'}只能是 {low}", f"{what}{'can' if what else 'This can'} only be {low}")
    else:
        said = tr(
            f"{what or '这里'}应是 {low} 到 {high} 的整数",
            f"{what}{'must be a' if what else 'A'} whole number from {low} to {high}{'' if what else ' belongs here'}",
        )
    report.add("E307", node, said)
    return None


def needs(report: Report, pairs: Pairs, key: str, name: Scalar) -> bool:
    """Whether a definition has a key it cannot do without; E107 at its name where not."""
    if key not in pairs and pairs.is_whole:
        report.add("E107", name, tr(f"「{name.text}」少了 {key}", f"“{name.text}” lacks {key}"))
    return key in pairs


def one_of(report: Report, node: Node, known: list[str]) -> str | None:
    """One of the known words, or None with an E307."""
    text = text_at(node)
    if text in known:
        return text
    report.add("E307", node, tr(f"不认识「{text}」", f"Unknown “{text}”"), suggestion(text, known))
    return None


def source_of(report: Report, pairs: Pairs, key: str, name: Scalar) -> Source | None:
    """A source of rows under a key, or None with what is wrong."""
    if key not in pairs:
        if not pairs.is_whole:
            return None
        known = list(ROW_FIELDS)
        message = tr(
            f"「{name.text}」少了 {key}: {'、'.join(known[:-1])} 或 {known[-1]}",
            f"“{name.text}” lacks {key}: {', '.join(known[:-1])} or {known[-1]}",
        )
        report.add("E107", name, message)
        return None
    return cast(Source | None, one_of(report, pairs[key][1], list(ROW_FIELDS)))


def text_at(node: Node) -> str:
    """The text of a scalar, '' of anything else."""
    return node.text if isinstance(node, Scalar) else ""


def is_true(pairs: Pairs, key: str) -> bool:
    """Whether a key is there and says true."""
    node = pairs[key][1] if key in pairs else None
    return isinstance(node, Scalar) and node.value is True


def is_cut(text: str) -> bool:
    """One bracket of a pair is missing: a comma in a flow list or mapping has cut the line."""
    plain = text.translate({0xFF08: "(", 0xFF09: ")"})
    return plain.count("(") != plain.count(")")


def read_condition(report: Report, node: Node, leaf: Leaf, depth: int = 0) -> Condition | None:
    """The tree of a `when`; lines and `did` go to `leaf`. None where something in it was reported."""
    if depth > MAX_DEPTH:
        report.add(
            "E403", node, tr(f"条件嵌套超过 {MAX_DEPTH} 层", f"Conditions nested over {MAX_DEPTH} deep")
        )
        return None
    match node:
        case Scalar():
            found = None if report.has("E106", node) else leaf(node)
            return told(found, Written(node.text.strip(), node.mark))
        case Items():
            return _told_nesting(_all(_members(report, node, leaf, depth)), "all", node.mark)
        case Mapping():
            found = _nested(report, node, leaf, depth)
            if isinstance(found, Did):
                return told(found, Written(_flow(node), node.mark))
            return _told_nesting(found, node.pairs[0][0].text, node.mark) if found else None


def told(condition: Condition | None, written: Written) -> Condition | None:
    """The same condition, remembering how it was written; None stays None."""
    return None if condition is None else replace(condition, written=written)


def _told_nesting(condition: Condition | None, key: str, mark: Mark) -> Condition | None:
    return told(condition, Written(key, mark, is_line=False))


def _flow(node: Node) -> str:
    """A node on one line, as it could stand in a file: `did: {event: 加购, times: ">= 3"}`."""
    match node:
        case Scalar():
            return f'"{node.text}"' if node.is_quoted else node.text.strip()
        case Items(items):
            return f"[{', '.join(map(_flow, items))}]"
        case Mapping(pairs):
            inner = ", ".join(f"{key.text}: {_flow(value)}" for key, value in pairs)
            return inner if "did" in {key.text for key, _ in pairs} else f"{{{inner}}}"


def _nested(report: Report, node: Mapping, leaf: Leaf, depth: int) -> Condition | None:
    if report_cut_pairs(report, node):
        return None
    unknown = [key for key, _ in node.pairs if key.text not in NESTING]
    for key in unknown:
        hint = hint_key(key.text, NESTING)
        if re.search(r"[\s(]", key.text.strip()):
            hint = tr(
                "条件直接写成一行文字,不要花括号和冒号",
                "Write a condition as one line of text, without braces or colon",
            )
        report.add(
            "E107",
            key,
            tr(f"条件里没有「{key.text}」这个键", f"Unknown key “{key.text}” in a condition"),
            hint,
        )
    if unknown:
        return None
    if len(node.pairs) != 1:
        hint = tr("各占一个「-」列表项", "Give each its own list item with “-”")
        report.add(
            "E107",
            node,
            tr(
                "这里只能有 all、any、none、not、at_least、did 中的一个",
                "One of all, any, none, not, at_least, did",
            ),
            hint,
        )
        return None
    key, value = node.pairs[0]
    match key.text:
        case "all":
            return _all(_members(report, value, leaf, depth))
        case "any" | "none":
            members = _members(report, value, leaf, depth)
            if members is None:
                return None
            return AnyOf(members) if key.text == "any" else Not(AnyOf(members))
        case "not":
            return _negated(report, value, leaf, depth)
        case "did":
            return leaf(node)
        case _:
            return _at_least(report, value, leaf, depth)


def _all(members: tuple[Condition, ...] | None) -> Condition | None:
    return None if members is None else AllOf(members)


def _negated(report: Report, node: Node, leaf: Leaf, depth: int) -> Condition | None:
    if isinstance(node, Items):
        hint = tr(
            "一个都不成立写 none: […];不是全部成立写 not: {all: […]}",
            "None true: none: […]; not all true: not: {all: […]}",
        )
        report.add(
            "E305", node, tr("not 后面只能是一个条件,不能是列表", "not takes one condition, no list"), hint
        )
        return None
    member = read_condition(report, node, leaf, depth + 1)
    return None if member is None else Not(member)


def _at_least(report: Report, node: Node, leaf: Leaf, depth: int) -> Condition | None:
    pairs = pairs_of(report, node, ("n", "of"), "at_least")
    if set(pairs) != {"n", "of"}:
        if not pairs.is_whole:
            return None
        report.add("E107", node, tr("at_least 要写成 {n: 2, of: […]}", "Write at_least as {n: 2, of: […]}"))
        return None
    members = _members(report, pairs["of"][1], leaf, depth)
    if members is None:
        return None
    many = len(members)
    only = "只" * (many == 1)
    what = tr(f"of 里{only}有 {many} 条,n ", f"of has {many} condition{'s' * (many > 1)}: n ")
    n = whole_number_of(report, pairs["n"][1], 1, many, what)
    return None if n is None else AtLeast(n, members)


def _members(report: Report, node: Node, leaf: Leaf, depth: int) -> tuple[Condition, ...] | None:
    items = node.items if isinstance(node, Items) else (node,)
    if not items:
        report.add("E108", node, tr("条件是空的", "The condition is empty"))
        return None
    members: list[Condition | None] = []
    position = 0
    while position < len(items):
        item = items[position]
        end = _end_of_cut(items, position)
        if end > position and isinstance(item, Scalar):
            _report_cut(report, item)
            members.append(None)
            # What the comma cut off belongs to this mistake.
            position = end
        else:
            members.append(read_condition(report, item, leaf, depth + 1))
        position += 1
    whole = tuple(member for member in members if member is not None)
    return whole if len(whole) == len(members) else None


def report_cut_pairs(report: Report, node: Mapping) -> bool:
    """E106 where a comma has made a key of the rest of a line: `{when: 订单数(近90天, 水果) >= 2}`."""
    cut = [
        value
        for (_, value), (following, _) in pairwise(node.pairs)
        if isinstance(value, Scalar)
        and ((is_cut(value.text) and is_cut(following.text)) or _is_one_number(value, following))
    ]
    for value in cut:
        _report_cut(report, value)
    return bool(cut)


def _is_one_number(left: Node, right: Node) -> bool:
    """`… >= 1` and `000元`: a number was written with a comma."""
    is_open = isinstance(left, Scalar) and not left.is_quoted and bool(re.search(r"\d$", left.text))
    return is_open and _is_rest_of_number(right)


def _is_rest_of_number(node: Node) -> bool:
    """`000元`: what a comma has cut off a number."""
    return isinstance(node, Scalar) and not node.is_quoted and bool(re.match(r"\d{3}(?!\d)", node.text))


def _report_cut(report: Report, node: Scalar) -> None:
    if is_cut(node.text):
        hint = tr("括号里的逗号改成顿号「、」", "Write 、 instead of the comma inside the brackets")
    else:
        hint = tr(
            "数字里不写逗号:1000元,不是 1,000元;加引号也不行",
            "Write numbers without commas: 1000元, not 1,000元; quotes do not help",
        )
    report.add("E106", node, tr("逗号把这一行切断了", "A comma has cut this line"), hint)


def _end_of_cut(items: tuple[Node, ...], start: int) -> int:
    """Where the bracket that item `start` leaves open is closed; `start` itself where it leaves none open."""
    first = items[start]
    if start + 1 < len(items) and _is_one_number(first, items[start + 1]):
        return start + 1
    if not isinstance(first, Scalar) or first.is_quoted or not is_cut(first.text):
        return start
    for position in range(start + 1, len(items)):
        item = items[position]
        if not isinstance(item, Scalar):
            break
        if is_cut(item.text):
            return position
    return start
