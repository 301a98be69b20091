"""The meaning of a checked condition, customer by customer, row by row: slow, for comparison only."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from siyu_cli.clock import AsOf
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    FlagTest,
    Measure,
    Metric,
    Not,
    NumberColumn,
    NumberTest,
    Present,
    Ratio,
    RuleSet,
    TagRule,
    TagTest,
    TextColumn,
    TextTest,
)
from tests.rules.rule_facts import World

Row = dict[str, Any]
# What the day and the second of a row are called.
_TIMES = {
    "orders": ("paid_day", "paid_sec"), "items": ("paid_day", "paid_sec"),
    "events": ("day", "at_sec"), "sends": ("sent_day", "sent_sec"),
}  # fmt: skip


def naive_tags(world: World, rules: RuleSet, as_of: AsOf) -> dict[int, set[str]]:
    """Customer → tags."""
    found = {}
    for customer in world.customers:
        evaluator = _Customer(world, customer, as_of)
        evaluator.tags = {row["tag"] for row in world.hand if row["customer_id"] == customer["customer_id"]}
        marks = {row["tag"]: row for row in world.state if row["customer_id"] == customer["customer_id"]}
        got: set[str] = set()
        for layer in rules.strata:
            true = {rule.name for rule in layer if evaluator.holds(rule.when)}
            new = naive_final(rules, layer, true, marks, as_of.day)
            got |= new
            evaluator.tags |= new
        found[customer["customer_id"]] = got
    return found


def naive_final(
    rules: RuleSet, layer: tuple[TagRule, ...], true: set[str], marks: dict[str, Row], day: int
) -> set[str]:
    """The tags of a layer that a customer ends up with: grace, pins and winners of groups, one after another."""
    blank = {"pin_rank": 0, "is_off": 0, "last_true_day": None}
    held, on = set(), {}
    for rule in layer:
        mark = marks.get(rule.name, blank)
        last = mark["last_true_day"]
        graced = rule.keep.days != 0 and last is not None
        if rule.name in true or (graced and (rule.keep.days is None or day - last <= rule.keep.days)):
            held.add(rule.name)
        if mark["pin_rank"]:
            on[rule.name] = mark["pin_rank"]
    off = {name for name, mark in marks.items() if mark["is_off"]}
    final = {rule.name for rule in layer if not rule.group and (rule.name in on or rule.name in held - off)}
    for group in rules.groups:
        members = [name for name in group.members if name in {rule.name for rule in layer}]
        pins = [name for name in members if name in on]
        fits = [name for name in members if name in held - off]
        if pins:
            final.add(max(pins, key=lambda name: (on[name], -members.index(name))))
        elif fits:
            final.add(fits[0])
    return final


class _Customer:
    def __init__(self, world: World, customer: Row, as_of: AsOf) -> None:
        self.customer, self.as_of = customer, as_of
        mine = customer["customer_id"]
        every = {"orders": world.orders, "items": world.items, "events": world.events, "sends": world.sends}
        self.rows = {
            source: [row for row in rows if row["customer_id"] == mine] for source, rows in every.items()
        }
        self.order_of = {row["order_no"]: row for row in world.orders if row["is_order"]}
        self.tags: set[str] = set()

    def holds(self, condition: Condition) -> bool:
        match condition:
            case NumberTest((Metric() | Ratio()) as value, operator, hundredths):
                return _compare(self.value(value), operator, hundredths)
            case Present((Metric() | Ratio()) as value):
                return self.value(value) is not None
            case TagTest(tag):
                return tag in self.tags
            case AllOf(members):
                return all(self.holds(member) for member in members)
            case AnyOf(members):
                return any(self.holds(member) for member in members)
            case Not(member):
                return not self.holds(member)
            case AtLeast(n, members):
                return sum(self.holds(member) for member in members) >= n
            case _:
                return _row_holds(condition, self.customer)

    def value(self, value: Metric | Ratio) -> Fraction | None:
        if isinstance(value, Metric):
            return self.metric(value)
        upper, lower = self.metric(value.upper), self.metric(value.lower)
        if upper is None or lower is None or lower <= 0:
            return None
        return upper / lower * (100 if value.measure is Measure.PERCENT else 1)

    def metric(self, metric: Metric) -> Fraction | None:
        by_item = metric.source == "items" or any(scope.source == "items" for scope in metric.scopes)
        source = "items" if by_item else metric.source
        day = _TIMES[source][0]
        rows = [row for row in self.rows[source] if self._counts(row, metric, source)]
        orders = [row for row in rows if row.get("is_order", 1)]
        if by_item and metric.source == "orders" and metric.aggregate in ("count", "avg", "min", "max"):
            parts = _by_order(orders, metric)
        else:
            parts = [_amount(row, metric) for row in orders]
        days = sorted({row[day] for row in orders})
        today = self.as_of.day
        match metric.aggregate:
            case "count":
                return Fraction(len(parts))
            case "days":
                return Fraction(len(days))
            case "distinct":
                assert isinstance(metric.of, TextColumn)
                return Fraction(len({row[metric.of.column] for row in orders} - {""}))
            case "sum":
                return sum((_amount(row, metric) for row in rows), Fraction(0))
            case "avg":
                return sum(parts, Fraction(0)) / len(parts) if parts else None
            case "min":
                return min(parts, default=None)
            case "max":
                return max(parts, default=None)
            case "days_since_first":
                return Fraction(today - days[0]) if days else None
            case "days_since_last":
                return Fraction(today - days[-1]) if days else None
            case "avg_gap_days":
                return Fraction(days[-1] - days[0], len(days) - 1) if len(days) >= 2 else None

    def _counts(self, row: Row, metric: Metric, source: str) -> bool:
        for scope in metric.scopes:
            is_line = "line_no" in row
            seen = self.order_of[row["order_no"]] if is_line and scope.source == "orders" else row
            if not _row_holds(scope.when, seen):
                return False
        span = metric.window.span(self.as_of)
        if span is None:
            return True
        assert span.low is not None
        assert span.high is not None
        day, sec = _TIMES[source]
        return span.low <= row[day if span.unit == "day" else sec] <= span.high


def _by_order(rows: list[Row], metric: Metric) -> list[Fraction]:
    parts: dict[int, Fraction] = {}
    for row in rows:
        parts[row["order_no"]] = parts.get(row["order_no"], Fraction(0)) + _amount(row, metric)
    return list(parts.values())


def _amount(row: Row, metric: Metric) -> Fraction:
    if not isinstance(metric.of, NumberColumn):
        return Fraction(1)
    if metric.of.column == "line_count" and "line_no" in row:
        return Fraction(1)
    return Fraction(row[metric.of.column], metric.of.measure.scale)


def _row_holds(condition: Condition, row: Row) -> bool:
    match condition:
        case NumberTest(NumberColumn(column, measure), operator, hundredths):
            raw = row[column]
            return _compare(None if raw is None else Fraction(raw, measure.scale), operator, hundredths)
        case Present(NumberColumn(column) | TextColumn(column)):
            return row[column] not in (None, "")
        case FlagTest(column):
            return row[column.column] == 1
        case TextTest(column, how, texts):
            return any(_text_fits(row[column.column], how, text) for text in texts)
        case AllOf(members):
            return all(_row_holds(member, row) for member in members)
        case AnyOf(members):
            return any(_row_holds(member, row) for member in members)
        case Not(member):
            return not _row_holds(member, row)
        case AtLeast(n, members):
            return sum(_row_holds(member, row) for member in members) >= n
        case _:
            raise AssertionError(condition)


def _text_fits(value: str, how: str, text: str) -> bool:
    match how:
        case "is":
            return value == text
        case "under":
            return value == text or value.startswith(text + "/")
        case "holds":
            return text in value
        case "starts":
            return value.startswith(text)
        case _:
            return value.endswith(text)


def _compare(value: Fraction | None, operator: str, hundredths: int) -> bool:
    if value is None:
        return False
    bound = Fraction(hundredths, 100)
    return {
        ">=": value >= bound,
        "<=": value <= bound,
        ">": value > bound,
        "<": value < bound,
        "=": value == bound,
    }[operator]
