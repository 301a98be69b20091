"""W601: rules that are also true for customers whose number is missing, because of a `not` around it."""

from __future__ import annotations

from dataclasses import dataclass

from siyu_cli.language import tr
from siyu_cli.rules.amounts import can_be_missing
from siyu_cli.rules.complaints import LineSyntaxError
from siyu_cli.rules.grammar import parse_line
from siyu_cli.rules.lints import bounds_of, line_place, pushed_in
from siyu_cli.rules.problems import Report
from siyu_cli.rules.tree import (
    AllOf,
    Condition,
    Metric,
    Not,
    NumberTest,
    NumberValue,
    Present,
    RuleSet,
    TagRule,
    TextColumn,
    Written,
    members_of,
)


@dataclass(frozen=True)
class MissingIncluded:
    """A rule that is true for customers whose `value` is missing, because of a `not` around `written`."""

    rule: TagRule
    value: NumberValue
    written: Written

    @property
    def included(self) -> Condition:
        """True for those customers."""
        return AllOf((self.rule.when, Not(Present(self.value))))


def missing_included(rules: RuleSet) -> list[MissingIncluded]:
    """Every W601: a number that can be missing under a `not`, and nothing beside it that asks for a value."""
    found: dict[tuple[str, NumberValue], MissingIncluded] = {}

    def look(rule: TagRule, node: Condition, asked: frozenset[NumberValue]) -> None:
        if isinstance(node, AllOf):
            asked |= {value for member in node.members for value in _asked_for(member)}
        if isinstance(node, Not) and isinstance(test := node.member, NumberTest):
            if can_be_missing(test.value) and not _is_there(test.value, asked) and node.written:
                found.setdefault((rule.name, test.value), MissingIncluded(rule, test.value, node.written))
        elif not isinstance(node, Not):
            for member in members_of(node):
                look(rule, member, asked)

    for rule in rules.tags:
        # Members of `map` and `bands` have no words of their own.
        look(rule, pushed_in(rule.when), frozenset())
    return list(found.values())


def _asked_for(condition: Condition) -> list[NumberValue]:
    """What a positive test needs to be there."""
    match condition:
        case NumberTest(value):
            is_above_zero = bounds_of(condition)[0] > 0
            return [value] if can_be_missing(value) or is_above_zero else []
        case Not(NumberTest(value, "=", 0)):
            return [value]
        case Present(value) if not isinstance(value, TextColumn):
            return [value]
        case _:
            return []


def _is_there(value: NumberValue, asked: frozenset[NumberValue]) -> bool:
    """Whether what is asked for includes the value: itself, or rows of the same kind above zero."""
    if value in asked:
        return True
    if not isinstance(value, Metric):
        return False
    rows = (value.source, value.scopes, value.window)
    return any(isinstance(one, Metric) and (one.source, one.scopes, one.window) == rows for one in asked)


def note_missing_included(report: Report, lint: MissingIncluded, customers: int | None) -> None:
    """W601, with the number of customers where data told."""
    operand = _operand_of(lint.written.text)
    who = tr("没有这个值的客户(例如从未购买)", "customers without the value (who never bought)")
    if customers is not None:
        who = tr(f" {customers:,} 位没有这个值的客户", f"{customers:,} customers without the value")
    message = tr(f"「{lint.rule.name}」也包含{who}", f"“{lint.rule.name}” takes in {who}")
    wanted = "订单数 >= 1" if _is_of_all_orders(lint.value) else f"{operand} 有值"
    hint = tr(f"不要他们就在同级加一行「{wanted}」", f"To leave them out, add a line {wanted} beside it")
    report.warn("W601", line_place(lint.written), message, hint)


def _is_of_all_orders(value: NumberValue) -> bool:
    plain = isinstance(value, Metric) and value.source == "orders" and not value.scopes
    return plain and isinstance(value, Metric) and value.window.kind == "all"


def _operand_of(line: str) -> str:
    """The name with its brackets, as typed."""
    try:
        operand = parse_line(line).operand
    except LineSyntaxError:
        return line
    end = operand.arguments[-1].end if operand.arguments else operand.name.end
    closing = line[end:].lstrip()[:1] if operand.arguments else ""
    return line[operand.name.start : end] + closing
