"""Conditions remember the operator's words and their place; the meaning does not depend on them."""

from __future__ import annotations

from siyu_cli.rules.tree import AllOf, Condition, members_of
from tests.rules.rule_facts import rules_of

RULES = """\
tags:
  要留住:
    when:
      - 距上次购买天数 30 到 60天
      - none: [渠道 不是 抖音、快手, not: 订单数 ≥ 2]
      - at_least: {n: 1, of: [消费额 500元 以上]}
"""


def told_of(condition: Condition) -> list[tuple[str, int, int, bool]]:
    """Everything written in a tree, from the outside in."""
    own = condition.written
    here = [(own.text, own.mark.line, own.mark.column, own.is_line)] if own else []
    return [*here, *(one for member in members_of(condition) for one in told_of(member))]


def test_every_line_and_nesting_is_kept_as_typed_with_its_place() -> None:
    (rule,) = rules_of(RULES).tags
    assert told_of(rule.when) == [
        ("all", 4, 7, False),
        ("距上次购买天数 30 到 60天", 4, 9, True),
        ("none", 5, 9, False),
        ("渠道 不是 抖音、快手", 5, 16, True),
        ("not", 5, 29, False),
        ("订单数 ≥ 2", 5, 34, True),
        ("at_least", 6, 9, False),
        ("消费额 500元 以上", 6, 31, True),
    ]


def test_words_and_places_change_neither_equality_nor_hash_nor_the_rule_hash() -> None:
    (first,) = rules_of("tags: {甲: {when: [订单数 3次 以上, 消费额 不满 500]}}").tags
    (second,) = rules_of("\n\ntags:\n  甲:\n    when: {all: [订单数 >= 3, 消费额 < 500元]}\n").tags
    assert isinstance(first.when, AllOf)
    assert first.when == second.when
    assert hash(first.when) == hash(second.when)
    assert first.rule_hash == second.rule_hash
    assert [told[0] for told in told_of(first.when)] != [told[0] for told in told_of(second.when)]
