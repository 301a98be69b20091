"""Checking tag groups: exclusive tags by priority, `bands` of a number, `map` of a field's values."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from siyu_cli.language import tr
from siyu_cli.rules.catalog import CUSTOMER_FIELDS, field_named
from siyu_cli.rules.definitions import Definition, report_twice
from siyu_cli.rules.names import LineReader
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.settings import TAG_KEYS, read_by_hand, read_former_names, read_guard, read_tag
from siyu_cli.rules.shapes import Pairs, is_true, needs, pairs_of, text_at, text_of
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    Condition,
    Guard,
    Not,
    NumberTest,
    Present,
    TagGroup,
    TagRule,
    TextColumn,
    TextTest,
    Written,
)
from siyu_cli.words import fold
from siyu_cli.yamlfile import Items, Mapping, Node, Scalar

_KINDS = ("tags", "bands", "map")
_KEYS = ("exclusive", *_KINDS, "default", "guard", "manual", "manual_ttl", "was", "note")


class GroupReader:
    """Reads a group into its tags by priority, each with the place of its name.

    The names of all members come first (`members`), so that conditions anywhere may refer to them; the
    conditions of a plain group are read afterwards (`rules`).
    """

    def __init__(self, report: Report, reader: LineReader) -> None:
        self.report, self.reader = report, reader

    def kind(self, entry: Definition) -> tuple[str, Pairs]:
        """Which of tags, bands and map a group is, and its keys; '' where it is none, which is reported."""
        name = entry.name.text.strip()
        pairs = pairs_of(self.report, entry.body, _KEYS, tr(f"标签组「{name}」", f"tag group “{name}”"))
        if "exclusive" in pairs and not is_true(pairs, "exclusive"):
            self.report.add(
                "E307",
                pairs["exclusive"][1],
                tr("标签组总是互斥的,写 true", "A tag group is always exclusive: true"),
            )
        kinds = [kind for kind in _KINDS if kind in pairs]
        if len(kinds) != 1:
            what = tr(
                f"标签组「{name}」要写 tags、bands、map 中的一个",
                f"Tag group “{name}” needs tags, bands or map",
            )
            self.report.add("E107", entry.name, what)
            return "", pairs
        if "default" in pairs and kinds != ["tags"]:
            hint = tr(
                "map 用 else 和 missing,bands 用 missing", "map has else and missing, bands has missing"
            )
            self.report.add(
                "E107", pairs["default"][0], tr("default 只用于 tags", "default goes with tags"), hint
            )
        return kinds[0], pairs

    def members(self, kind: str, pairs: Pairs) -> list[Scalar]:
        """The names of a group's tags by priority; a value of `map` may name one several times."""
        named: list[Node | None] = []
        if kind == "tags":
            found = [name for name, _ in self._entries(pairs["tags"][1])]
            default = pairs["default"][1] if "default" in pairs else None
            if default is not None and text_of(self.report, default) is not None:
                named = [default]
        else:
            inner = pairs[kind][1]
            found = []
            if isinstance(inner, Mapping):
                known = inner.get("names" if kind == "bands" else "values")
                if isinstance(known, Mapping):
                    found = [tag for _, tag in known.pairs if isinstance(tag, Scalar)]
                elif isinstance(known, Items):
                    found = [item for item in known.items if isinstance(item, Scalar)]
                named = [inner.get(key) for key in ("else", "missing")]
        found += [name for name in named if isinstance(name, Scalar)]
        if kind != "map":
            return [name for name in found if name.text.strip()]
        # One tag for several values stands at the first of them.
        return list({name.text.strip(): name for name in reversed(found) if name.text.strip()}.values())[::-1]

    def rules(self, entry: Definition, kind: str, pairs: Pairs) -> tuple[list[TagRule], TagGroup]:
        """The tags of a group, without those that have mistakes."""
        name = entry.name.text.strip()
        match kind:
            case "tags":
                made = self._plain(pairs)
            case "bands":
                made = self._bands(pairs["bands"][1], entry.name)
            case _:
                made = self._map(pairs["map"][1], entry.name)
        guard, by_hand = read_guard(self.report, pairs), read_by_hand(self.report, pairs)
        former = read_former_names(self.report, pairs, [rule.name for rule in made])
        rules = [
            replace(
                rule,
                group=name,
                by_hand=by_hand,
                guard=rule.guard if rule.guard != Guard() else guard,
                was=former.get(fold(rule.name), rule.was),
            )
            for rule in made
        ]
        names = tuple(rule.name for rule in rules)
        return rules, TagGroup(name, names, kind != "tags", entry.name.mark)

    def _entries(self, node: Node) -> list[tuple[Scalar, Node]]:
        """`- 名称: {when: …}`: one tag per item, so that the order says what comes first."""
        found = []
        for item in node.items if isinstance(node, Items) else (node,):
            if isinstance(item, Mapping) and len(item.pairs) == 1:
                found.append(item.pairs[0])
            else:
                hint = tr("例:- 高价值: {when: 消费额 >= 2000元}", "E.g. - 高价值: {when: 消费额 >= 2000元}")
                what = tr(
                    "tags 下面每项写一个「- 名称: {when: …}」", "Each item of tags is “- name: {when: …}”"
                )
                self.report.add("E107", item, what, hint)
        return found

    def _plain(self, pairs: Pairs) -> list[TagRule]:
        made = [
            read_tag(self.report, self.reader, name, body, TAG_KEYS)
            for name, body in self._entries(pairs["tags"][1])
        ]
        if "default" in pairs and isinstance(pairs["default"][1], Scalar):
            name = pairs["default"][1]
            made.append(TagRule(name.text.strip(), AllOf(()), name.mark))
        return [rule for rule in made if rule is not None]

    def _bands(self, node: Node, name: Scalar) -> list[TagRule]:
        """x < c₁, c₁ ≤ x < c₂, …, x ≥ cₙ: no gaps, no overlap, nothing divided."""
        inner = pairs_of(self.report, node, ("of", "cuts", "names", "missing"), "bands")
        lacking = [key for key in ("of", "cuts", "names") if not needs(self.report, inner, key, name)]
        if lacking:
            return []
        of, cuts, names = (inner[key][1] for key in ("of", "cuts", "names"))
        if not isinstance(of, Scalar) or not of.text.strip():
            text_of(self.report, of)
            return []
        # The number and every cut go through the language itself: same units, same decimals, same messages.
        present = self.reader.customer_leaf(Scalar(f"{of.text} 有值", f"{of.text} 有值", False, of.mark))
        if not isinstance(present, Present) or isinstance(present.value, TextColumn):
            if present is not None:
                self.report.add("E301", of, tr("bands 只能分数字", "bands divides numbers only"))
            return []
        below = self._below(of, cuts)
        tags = [item for item in names.items if isinstance(item, Scalar)] if isinstance(names, Items) else []
        if below is None:
            return []
        if len(tags) != len(below) + 1:
            what = tr(
                f"{len(below)} 个分界要 {len(below) + 1} 个名称,这里有 {len(tags)} 个",
                f"{len(below)} cuts need {len(below) + 1} names, there are {len(tags)}",
            )
            self.report.add("E107", names, what)
            return []
        at_least = [_reversed(test) for test in below]
        conditions: list[Condition] = [below[0]]
        conditions += [AllOf((low, high)) for low, high in zip(at_least[:-1], below[1:], strict=True)]
        conditions.append(at_least[-1])
        made = [TagRule(tag.text.strip(), when, tag.mark) for tag, when in zip(tags, conditions, strict=True)]
        if "missing" in inner and isinstance(missing := inner["missing"][1], Scalar):
            made.append(TagRule(missing.text.strip(), Not(present), missing.mark))
        return made

    def _below(self, of: Scalar, cuts: Node) -> list[NumberTest] | None:
        """`x < cut` of every cut, ascending; None where something was reported."""
        items = cuts.items if isinstance(cuts, Items) else ()
        if not items or not all(isinstance(item, Scalar) for item in items):
            self.report.add(
                "E107", cuts, tr("cuts 应是数字的列表,例:[300, 2000]", "cuts is a list of numbers")
            )
            return None
        below: list[NumberTest] = []
        for item in items:
            line = f"{of.text} < {item.text}" if isinstance(item, Scalar) else ""
            test = self.reader.customer_leaf(Scalar(line, line, False, item.mark))
            if isinstance(test, NumberTest):
                below.append(replace(test, written=Written(line, item.mark)))
        if len(below) < len(items):
            return None
        for place, (low, high) in zip(items[1:], pairwise(below), strict=True):
            if low.hundredths >= high.hundredths:
                what = tr("分界要从小到大,不能相等", "Cuts ascend and differ")
                self.report.add("E304", place, what)
                return None
        return below

    def _map(self, node: Node, name: Scalar) -> list[TagRule]:
        """One value, one tag, so nobody gets two of them."""
        inner = pairs_of(self.report, node, ("field", "values", "else", "missing"), "map")
        column = self._map_field(inner, name)
        if column is None or not needs(self.report, inner, "values", name):
            return []
        return [
            TagRule(tag, _either(conditions), scalar.mark)
            for tag, (scalar, conditions) in self._mapped(inner, column).items()
        ]

    def _map_field(self, inner: Pairs, name: Scalar) -> TextColumn | None:
        if not needs(self.report, inner, "field", name):
            return None
        node = inner["field"][1]
        text = text_at(node)
        found = field_named(CUSTOMER_FIELDS, text)
        column = found[1] if found else None
        if isinstance(column, TextColumn):
            return column
        texts = [key for key, known in CUSTOMER_FIELDS.items() if isinstance(known, TextColumn)]
        code = "E301" if column else "E202"
        self.report.add(
            code, node, tr(f"map 不能用「{text}」", f"map does not take “{text}”"), suggestion(text, texts)
        )
        return None

    def _mapped(self, inner: Pairs, column: TextColumn) -> dict[str, tuple[Scalar, list[Condition]]]:
        """Tag → where it stands and the conditions that give it."""
        tags: dict[str, tuple[Scalar, list[Condition]]] = {}

        def give(tag: Node, condition: Condition) -> None:
            text = text_of(self.report, tag)
            if text is not None and isinstance(tag, Scalar):
                tags.setdefault(text, (tag, []))[1].append(condition)

        node = inner["values"][1]
        values: dict[str, Scalar] = {}
        for key, tag in node.pairs if isinstance(node, Mapping) else ():
            if fold(key.text) in values:
                report_twice(self.report, key, values[fold(key.text)])
            elif text_of(self.report, key) is not None:
                values[fold(key.text)] = key
                known = [word for word, _ in column.choices]
                if known and fold(key.text) not in known:
                    message = tr(f"没有「{key.text}」这个值", f"The value is never “{key.text}”")
                    self.report.add("E307", key, message, suggestion(key.text, known))
                give(tag, TextTest(column, "is", (fold(key.text),)))
        if not values:
            self.report.add("E107", node, tr("values 要写成 {字段值: 标签}", "values is {value: tag}"))
        if "else" in inner:
            none_of = Not(TextTest(column, "is", tuple(sorted(values)))) if values else Present(column)
            give(inner["else"][1], AllOf((Present(column), none_of)))
        if "missing" in inner:
            give(inner["missing"][1], Not(Present(column)))
        return tags


def _reversed(test: NumberTest) -> NumberTest:
    """`x >= cut` of `x < cut`, in the same words."""
    words = test.written and replace(test.written, text=test.written.text.replace(" < ", " >= "))
    return replace(test, operator=">=", written=words)


def _either(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))
