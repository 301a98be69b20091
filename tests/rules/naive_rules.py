"""The meaning of a checked condition, customer by customer, row by row: slow, for comparison only."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from siyu_cli.clock import AsOf
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    CalendarTest,
    Condition,
    Deed,
    Did,
    FlagTest,
    HadTag,
    HeldDays,
    InGroup,
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
from siyu_cli.windows import Window
from tests.rules.rule_facts import World

Row = dict[str, Any]
# What the day, the second and the number of a row are called.
_TIMES = {
    "orders": ("paid_day", "paid_sec", "order_no"), "items": ("paid_day", "paid_sec", "line_no"),
    "events": ("day", "at_sec", "event_no"), "sends": ("sent_day", "sent_sec", "send_no"),
}  # fmt: skip
BY_ORDER = ("count", "avg", "min", "max", "first", "last")


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
        self.spans = [row for row in world.spans if row["customer_id"] == mine]
        self.order_of = {row["order_no"]: row for row in world.orders if row["is_order"]}
        self.tags: set[str] = set()

    def holds(self, condition: Condition) -> bool:
        match condition:
            case NumberTest((Metric() | Ratio() | HeldDays()) as value, operator, hundredths):
                return _compare(self.value(value), operator, hundredths)
            case TextTest(Metric() as metric, how, texts):
                text = self.edge_text(metric)
                return any(_text_fits(text, how, wanted) for wanted in texts)
            case Present(Metric() as metric) if metric.is_text:
                return self.edge_text(metric) != ""
            case Present((Metric() | Ratio() | HeldDays()) as value):
                return self.value(value) is not None
            case CalendarTest(column, part, shift):
                today = self.as_of.date
                wanted = (today.month + shift - 1) % 12 + 1 if part == "month" else today.day
                return bool(self.customer[column.column] == wanted)
            case HadTag():
                return self.had(condition)
            case Did():
                return self.did(condition)
            case TagTest(tag):
                return tag in self.tags
            case InGroup(group):
                joined = {row["page_key"] for row in self.rows["events"] if row["kind"] == "join_group"}
                return group in joined
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

    def value(self, value: Metric | Ratio | HeldDays) -> Fraction | None:
        if isinstance(value, HeldDays):
            since = [
                row["from_day"] for row in self.spans if row["tag"] == value.tag and row["to_day"] is None
            ]
            return Fraction(self.as_of.day - min(since)) if since else None
        if isinstance(value, Metric):
            return self.metric(value)
        upper, lower = self.metric(value.upper), self.metric(value.lower)
        if upper is None or lower is None or lower <= 0:
            return None
        return upper / lower * (100 if value.measure is Measure.PERCENT else 1)

    def had(self, test: HadTag) -> bool:
        """Day by day: is there one of the window on which a span of the tag lies?"""
        span = test.window.span(self.as_of)
        low, high = (span.low, span.high) if span else (0, self.as_of.day)
        assert low is not None
        assert high is not None
        return any(
            row["from_day"] <= day and (row["to_day"] is None or day < row["to_day"])
            for row in self.spans
            if row["tag"] == test.tag
            for day in range(max(low, row["from_day"]), high + 1)
        )

    def did(self, did: Did) -> bool:
        is_event = did.deed.source == "events"
        day_of, moment, _ = _TIMES[did.deed.source]
        rows = [row for row in self.deeds(did.deed) if _within(row, did.window, did.deed.source, self.as_of)]
        if did.where is not None:
            rows = [row for row in rows if _row_holds(did.where, row)]
        if did.after is not None:
            sent = [row["sent_sec"] for row in self.rows["sends"] if row["push_key"] == did.after.push]
            longest = 3600 * did.after.hours
            rows = [row for row in rows if any(0 < row[moment] - at <= longest for at in sent)]
        groups: dict[str, list[Row]] = {}
        for row in rows:
            key = row[did.same.column] if did.same else "所有"
            if key:
                groups.setdefault(key, []).append(row)
        for key, group in groups.items():
            counted = len(group) if is_event else len({row["order_no"] for row in group})
            counts = {"times": counted, "days": len({row[day_of] for row in group})}
            if did.when is not None and not _row_holds(did.when, counts):
                continue
            moments = sorted(row[moment] for row in group)
            if not self.followed(did, key, moments):
                return True
        return False

    def followed(self, did: Did, key: str, moments: list[int]) -> bool:
        """Whether what `without` forbids happened."""
        if did.without is None:
            return False
        since = moments[0] if did.without.since == "first" else moments[-1]
        _, moment, _ = _TIMES[did.without.deed.source]
        return any(
            row[moment] >= since and (not did.without.is_same or not did.same or row[did.same.column] == key)
            for row in self.deeds(did.without.deed)
        )

    def deeds(self, deed: Deed) -> list[Row]:
        rows = self.rows[deed.source]
        return rows if deed.source == "items" else [row for row in rows if row["kind"] == deed.kind]

    def edge_text(self, metric: Metric) -> str:
        """The text of the first or last row that counts."""
        assert isinstance(metric.of, TextColumn)
        by_item = any(scope.source == "items" for scope in metric.scopes)
        source = "items" if by_item else metric.source
        rows = [row for row in self.rows[source] if self._counts(row, metric, source)]
        rows = _in_order([row for row in rows if row.get("is_order", 1)], source)
        return str(rows[0 if metric.aggregate == "first" else -1][metric.of.column]) if rows else ""

    def metric(self, metric: Metric) -> Fraction | None:
        by_item = metric.source == "items" or any(scope.source == "items" for scope in metric.scopes)
        source = "items" if by_item else metric.source
        day = _TIMES[source][0]
        rows = [row for row in self.rows[source] if self._counts(row, metric, source)]
        orders = _in_order([row for row in rows if row.get("is_order", 1)], source)
        if by_item and metric.source == "orders" and metric.aggregate in BY_ORDER:
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
            case "first":
                return parts[0] if parts else None
            case "last":
                return parts[-1] if parts else None
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
        return _within(row, metric.window, source, self.as_of)


def _within(row: Row, window: Window, source: str, as_of: AsOf) -> bool:
    span = window.span(as_of)
    if span is None:
        return True
    assert span.low is not None
    assert span.high is not None
    day, sec, _ = _TIMES[source]
    return span.low <= row[day if span.unit == "day" else sec] <= span.high


def _in_order(rows: list[Row], source: str) -> list[Row]:
    """By time, then by number."""
    _, sec, number = _TIMES[source]
    return sorted(rows, key=lambda row: (row[sec], row[number]))


def _by_order(rows: list[Row], metric: Metric) -> list[Fraction]:
    """The amounts of orders, by the time of their first row and their number."""
    parts: dict[int, Fraction] = {}
    for row in sorted(rows, key=lambda row: (row["paid_sec"], row["order_no"])):
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
