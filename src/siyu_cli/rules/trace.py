"""Why a customer has a tag or not: every line of its rule as written, true or false, with the actual value.

The values come from the compiled query that sets the tags, which then has a column for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from siyu_cli.language import tr
from siyu_cli.rules.amounts import amount_text, distance_text
from siyu_cli.rules.compile import Watched
from siyu_cli.rules.tree import (
    AtLeast,
    Condition,
    Did,
    HadTag,
    HeldDays,
    Metric,
    NumberColumn,
    NumberTest,
    NumberValue,
    Ratio,
    StageRule,
    TagRule,
    TagTest,
    TextColumn,
    TextValue,
    members_of,
)
from siyu_cli.yamlfile import Mark

if TYPE_CHECKING:
    pass

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outline:
    """A rule as written: its lines, and the nestings around them."""

    text: str
    mark: Mark
    is_line: bool
    condition: Condition
    members: tuple[Outline, ...] = ()

    def lines(self) -> Iterator[Outline]:
        """The lines, from top to bottom."""
        if self.is_line:
            yield self
        for member in self.members:
            yield from member.lines()

    def nodes(self) -> Iterator[Outline]:
        """Lines and nestings, the outer before the inner."""
        yield self
        for member in self.members:
            yield from member.nodes()


@dataclass(frozen=True)
class Traced:
    """One line or nesting for one customer. `actual` and `distance` are '' where there is no single number
    or text to show; `tags` are those a line refers to.
    """

    text: str
    mark: Mark
    is_line: bool
    is_true: bool
    actual: str
    distance: str
    tags: tuple[str, ...]
    members: tuple[Traced, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--format json`."""
        return {
            "text": self.text,
            "line": self.mark.line,
            "is_line": self.is_line,
            "is_true": self.is_true,
            "actual": self.actual,
            "distance": self.distance,
            "tags": list(self.tags),
            "members": [member.as_dict() for member in self.members],
        }


def stage_key(stage: str) -> str:
    """How the condition of a stage is called among those of tags: no tag can have this name."""
    return f"\x1f{stage}"


def rule_of_stage(stage: StageRule) -> TagRule | None:
    """The condition of a stage as if it gave a tag; None where no rule moves anybody there."""
    return None if stage.when is None else TagRule(stage_key(stage.name), stage.when, stage.mark)


def outline_of(rule: TagRule) -> Outline:
    """The rule as written.

    A condition without words of its own (a value of `map`) is one line with the words of its group, the bounds
    of a band are met together.
    """
    found = list(_written_below(rule.when))
    if len(found) == 1 and found[0].condition == rule.when:
        return found[0]
    if found:
        return Outline(_title("all", rule.when), rule.mark, False, rule.when, tuple(found))
    words = (
        tr(f"「{rule.group}」分到「{rule.name}」", f"“{rule.group}” gives “{rule.name}”")
        if rule.group
        else rule.name
    )
    return Outline(words, rule.mark, True, rule.when)


def _written_below(condition: Condition) -> Iterator[Outline]:
    """The nearest written nodes at or below a condition."""
    written = condition.written
    inner = tuple(one for member in members_of(condition) for one in _written_below(member))
    if written is None:
        yield from inner
    elif written.is_line:
        yield Outline(written.text, written.mark, True, condition)
    else:
        yield Outline(_title(written.text, condition), written.mark, False, condition, inner)


def _title(key: str, condition: Condition) -> str:
    n = condition.n if isinstance(condition, AtLeast) else 0
    return {
        "all": tr("全部满足", "all of"),
        "any": tr("满足任一", "any of"),
        "none": tr("一个也不满足", "none of"),
        "not": tr("不满足", "not"),
        "at_least": tr(f"至少满足 {n} 个", f"at least {n} of"),
    }[key]


def parts_in(condition: Condition) -> tuple[list[NumberValue], list[TextValue], list[TagTest]]:
    """The numbers, texts and tags that a condition looks at, each once, whatever kind of leaf holds them."""
    numbers: dict[NumberValue, None] = {}
    texts: dict[TextValue, None] = {}
    tags: dict[TagTest, None] = {}

    def look(node: Condition) -> None:
        for member in members_of(node):
            look(member)
        if isinstance(node, TagTest):
            tags[node] = None
        if isinstance(node, Did):
            return  # its columns are those of rows, not of the customer
        for value in (getattr(node, one.name) for one in fields(node)):
            if isinstance(value, TextColumn) or (isinstance(value, Metric) and value.is_text):
                texts[value] = None
            elif isinstance(value, NumberColumn | Metric | Ratio | HeldDays):
                numbers[value] = None

    look(condition)
    return list(numbers), list(texts), list(tags)


def deeds_in(condition: Condition) -> list[Did]:
    """The `did` of a condition, from top to bottom."""
    if isinstance(condition, Did):
        return [condition]
    return [did for member in members_of(condition) for did in deeds_in(member)]


def tags_spoken_of(condition: Condition) -> tuple[str, ...]:
    """Every tag that a line names: held, held before, or held for so many days."""
    found: dict[str, None] = {}

    def look(node: Condition) -> None:
        for member in members_of(node):
            look(member)
        match node:
            case TagTest(tag) | HadTag(tag=tag) | NumberTest(value=HeldDays(tag=tag)):
                found[tag] = None

    look(condition)
    return tuple(found)


class Tracer:
    """What to watch for the traces of some rules, and reading them from the rows that come back."""

    def __init__(self, rules: Iterable[TagRule]) -> None:
        self.outlines = {rule.name: outline_of(rule) for rule in rules}
        self._watch: dict[object, Any] = {}
        for outline in self.outlines.values():
            for node in outline.nodes():
                self._add(node.condition)
                if node.is_line:
                    for part in (part for parts in parts_in(node.condition) for part in parts):
                        self._add(part)
        self._places: dict[object, Watched] = {}

    def _add(self, watched: Condition | NumberValue | TextValue) -> None:
        self._watch.setdefault(watched, watched)

    @property
    def watch(self) -> list[Condition | NumberValue | TextValue]:
        """What the compiled query should look at."""
        return list(self._watch.values())

    def place(self, watched: tuple[Watched, ...]) -> None:
        """Where the answers stand, as `TagQuery.watched` says."""
        self._places = dict(zip(self._watch, watched, strict=True))

    def is_true(self, condition: Condition, row: Row) -> bool:
        """Whether a watched condition holds for the customer of a row."""
        return bool(row[self._places[condition].flag] == 1)

    def number(self, value: NumberValue, row: Row) -> Fraction | None:
        """A watched number in its shown unit, exact; None where it is missing."""
        place = self._places[value]
        if place.known and row[place.known] != 1:
            return None
        lower = row[place.lower] if place.lower else 1
        return Fraction(int(row[place.upper]) * place.multiply, int(lower) * place.divide)

    def trace(self, tag: str, row: Row) -> Traced:
        """A rule's lines for the customer of a row."""
        return self._trace(self.outlines[tag], row)

    def _trace(self, outline: Outline, row: Row) -> Traced:
        actual = distance = ""
        tags: tuple[str, ...] = ()
        is_true = self.is_true(outline.condition, row)
        if outline.is_line:
            numbers, texts, tests = parts_in(outline.condition)
            tags = tags_spoken_of(outline.condition)
            said = [self._number_text(value, row) for value in numbers]
            said += [row[self._places[text].text] or tr("没有值", "missing") for text in texts]
            said += [self._tag_text(test, row) for test in tests]
            actual = "、".join(said)
            if len(numbers) == 1 and not is_true:
                distance = distance_text(outline.condition, self.number(numbers[0], row))
        members = tuple(self._trace(member, row) for member in outline.members)
        return Traced(outline.text, outline.mark, outline.is_line, is_true, actual, distance, tags, members)

    def _number_text(self, value: NumberValue, row: Row) -> str:
        number = self.number(value, row)
        return tr("没有值", "missing") if number is None else amount_text(number, value.measure)

    def _tag_text(self, test: TagTest, row: Row) -> str:
        has = self.is_true(test, row)
        return (
            tr(f"有「{test.tag}」", f"has “{test.tag}”")
            if has
            else tr(f"没有「{test.tag}」", f"not “{test.tag}”")
        )


def trace_rows(traced: Traced, indent: int = 0) -> list[tuple[str, str, str]]:
    """A trace as rows: the line with its sign, the actual value, the distance."""
    sign = "✓" if traced.is_true else "✗"
    own = (f"{'  ' * indent}{sign} {traced.text}", traced.actual, traced.distance)
    return [own, *(row for member in traced.members for row in trace_rows(member, indent + 1))]


def trace_lines(traced: Traced, indent: int = 0) -> list[str]:
    """A trace for people, one line each: `✗ 距上次购买天数 30 到 60天  实际 61,超上限 1 天`."""
    return [
        text
        + (tr(f"  实际 {actual}", f"  actual {actual}") if actual else "")
        + (f",{apart}" if apart else "")
        for text, actual, apart in trace_rows(traced, indent)
    ]
