"""`曾有标签` and `持有天数`: what earlier runs and people did, at its boundaries."""

from __future__ import annotations

import pytest

from siyu_cli.rules.compile import compile_tags
from tests.conftest import Shop
from tests.rules.rule_facts import AS_OF, World, holders, rules_of, tags_of
from tests.rules.test_tag_commands import buyers, counts, only_rule

TAGS = "manual_tags: [甲, 乙]"


@pytest.mark.parametrize(
    ("span", "window", "holds"),
    [
        ((44, 43), "近45天", True),
        ((45, 44), "近45天", False),  # the 45th day back is outside
        ((45, 43), "近45天", True),
        ((60, None), "近45天", True),
        ((0, None), "近1天", True),
        ((3, 0), "今天", False),  # taken away today
        ((3, 0), "昨天", True),
        ((10, 5), "5到6天前", True),
        ((10, 5), "4到5天前", False),
        ((10, 5), "10到12天前", True),
        ((10, 5), "11到12天前", False),
        ((400, 399), "全部", True),
        ((40, 10), "2025-02-01~2025-02-03", True),
        ((40, 10), "2025-03-05~2025-03-10", False),
    ],
)
def test_some_day_of_the_window(span: tuple[int, int | None], window: str, holds: bool) -> None:
    world = World()
    customer, _never = world.customer(), world.customer()
    world.held(customer, "甲", *span)
    assert holders(world, f"曾有标签({window}) 有 甲", TAGS) == ({customer} if holds else set())
    assert (customer in holders(world, f"曾有标签({window}) 没有 甲", TAGS)) is not holds


def test_any_none_and_all_of_several_tags() -> None:
    world = World()
    one, both, none = (world.customer() for _ in range(3))
    world.held(one, "甲", 9, 3)
    world.held(both, "甲", 9)
    world.held(both, "乙", 9, 8)
    assert holders(world, "曾有标签 有 甲、乙", TAGS) == {one, both}
    assert holders(world, "曾有标签 有全部 甲、乙", TAGS) == {both}
    assert holders(world, "曾有标签(近3天) 有任一 甲、乙", TAGS) == {both}
    assert holders(world, "曾有标签 没有 甲、乙", TAGS) == {none}


@pytest.mark.parametrize(
    ("condition", "customers"),
    [
        ("持有天数(甲) >= 7", {1}),
        ("持有天数(甲) < 7天", {2, 3}),
        ("持有天数(甲) = 0", {3}),
        ("持有天数(甲) 有值", {1, 2, 3}),
        ("持有天数(甲) 为空", {4, 5}),
        ("{not: 持有天数(甲) >= 7}", {2, 3, 4, 5}),
        ("持有天数(乙) = 2", {3}),
    ],
)
def test_days_of_the_present_holding(condition: str, customers: set[int]) -> None:
    world = World()
    for ago in (7, 6, 0):
        world.held(world.customer(), "甲", ago)
    world.held(world.customer(), "甲", 30, 2)
    world.customer()
    world.held(2, "甲", 40, 20)  # an earlier holding does not count
    world.held(3, "乙", 2)
    assert holders(world, condition, TAGS) == customers


def test_history_adds_no_edge_and_may_go_round() -> None:
    text = """
tags:
  甲: {when: [曾有标签(近30天) 有 乙, 持有天数(甲) < 90]}
  乙: {when: 曾有标签 没有 甲}
"""
    rules = rules_of(text)
    assert [[rule.name for rule in layer] for layer in rules.strata] == [["乙", "甲"]]
    world = World()
    for tag in ("甲", "乙"):
        world.held(world.customer(), tag, 5)
    both = world.customer()
    world.held(both, "甲", 89)
    world.held(both, "乙", 9, 3)
    assert tags_of(world, rules) == {1: set(), 2: {"乙"}, both: {"甲"}}


def test_the_past_is_read_once_and_only_where_it_is_asked_for() -> None:
    rules = rules_of(
        f"{TAGS}\ntags: {{一: {{when: [曾有标签(近9天) 有 甲、乙, 持有天数(甲) > 3]}}, 二: {{when: 曾有标签(近9天) 有 甲}}}}"
    )
    query = compile_tags(rules, AS_OF)
    assert query.text.count("fact_tag_spans") == 1
    assert query.text.count("a_b") == 4  # two facts, each made and read once
    assert (
        "fact_tag_spans"
        not in compile_tags(rules_of(f"{TAGS}\ntags: {{一: {{when: 标签 有 甲}}}}"), AS_OF).text
    )


WON_BACK = """
version: 1
tags:
  重要客户·即将流失:
    when:
      - 订单数 3次 以上
      - 距上次购买天数 30 到 60天
      - 消费额 500元 以上
  挽回成功:
    when:
      - 曾有标签(近45天) 有 重要客户·即将流失
      - 标签 没有 重要客户·即将流失
      - 订单数(近14天) >= 1
"""


@pytest.mark.parametrize(
    ("lost", "bought", "holds"),
    [
        ((44, 3), 3, True),
        ((46, 43), 3, True),
        ((46, 44), 3, False),
        ((44, 3), 13, True),
        ((44, 3), 14, False),
    ],
)
def test_example_12_won_back(lost: tuple[int, int], bought: int, holds: bool) -> None:
    world = World()
    customer = world.customer()
    world.held(customer, "重要客户·即将流失", *lost)
    world.order(customer, bought, 5000)
    assert tags_of(world, rules_of(WON_BACK))[customer] == ({"挽回成功"} if holds else set())


def test_over_days_through_the_real_commands_and_twice_a_day_alike(shop: Shop) -> None:
    """买过 is given on 03-15; the run of that day must not see itself, the next one does."""
    buyers(shop, 2)
    only_rule(
        shop,
        "tags: {买过: {when: 订单数 >= 1}, 老标签: {when: 曾有标签 有 买过}, 满两天: {when: 持有天数(买过) >= 2}}",
    )
    for day, old, two_days in (("15", 0, 0), ("15", 0, 0), ("16", 2, 0), ("17", 2, 2)):
        result = shop.json("apply-tags", "--as-of", f"2025-03-{day}").result
        assert counts(result, "老标签")[3] == old, day
        assert counts(result, "满两天")[3] == two_days, day
