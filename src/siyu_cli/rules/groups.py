"""Checking tag groups: `map` makes tags of a field's values. And the guards that tags and groups share."""

from __future__ import annotations

from siyu_cli.language import tr
from siyu_cli.rules.catalog import CUSTOMER_FIELDS, field_named
from siyu_cli.rules.definitions import Definition, report_twice
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.shapes import Pairs, is_true, needs, pairs_of, text_at, text_of, whole_number_of
from siyu_cli.rules.tree import AllOf, AnyOf, Condition, Guard, Not, Present, TagRule, TextColumn, TextTest
from siyu_cli.words import fold
from siyu_cli.yamlfile import Mapping, Node, Scalar


class GroupReader:
    """Reads a group into the rules of its tags, each with the place of its name."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def read(self, entry: Definition) -> list[tuple[Scalar, TagRule]]:
        """The tags of `map`: one value, one tag, so nobody gets two of them."""
        name = entry.name.text.strip()
        what = tr(f"标签组「{name}」", f"tag group “{name}”")
        pairs = pairs_of(self.report, entry.body, ("exclusive", "map", "guard", "note"), what)
        guard = read_guard(self.report, pairs)
        if "exclusive" in pairs and not is_true(pairs, "exclusive"):
            self.report.add(
                "E307",
                pairs["exclusive"][1],
                tr("map 的标签总是互斥的,写 true", "map is always exclusive: true"),
            )
        if not needs(self.report, pairs, "map", entry.name):
            return []
        inner = pairs_of(self.report, pairs["map"][1], ("field", "values", "else", "missing"), "map")
        column = self._map_field(inner, entry.name)
        if column is None or not needs(self.report, inner, "values", entry.name):
            return []
        return [
            (scalar, TagRule(tag, _either(conditions), scalar.mark, guard, group=name))
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
                give(tag, TextTest(column, "is", (fold(key.text),)))
        if not values:
            self.report.add("E107", node, tr("values 要写成 {字段值: 标签}", "values is {value: tag}"))
        if "else" in inner:
            none_of = Not(TextTest(column, "is", tuple(sorted(values)))) if values else Present(column)
            give(inner["else"][1], AllOf((Present(column), none_of)))
        if "missing" in inner:
            give(inner["missing"][1], Not(Present(column)))
        return tags


def _either(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def read_guard(report: Report, pairs: Pairs) -> Guard:
    """The `guard` of a tag or group."""
    if "guard" not in pairs:
        return Guard()
    inner = pairs_of(report, pairs["guard"][1], ("max_add", "max_remove_pct"), "guard")
    max_add = whole_number_of(report, inner["max_add"][1], 0, 10**9) if "max_add" in inner else None
    percent = (
        whole_number_of(report, inner["max_remove_pct"][1], 0, 100) if "max_remove_pct" in inner else None
    )
    return Guard(max_add, percent)
