"""Conditions over what customers did and were sent: words, windows, scopes, metrics at their edges."""

from __future__ import annotations

import re

import pytest

from siyu_cli.clock import Clock
from siyu_cli.events import EVENT_KINDS, EVENT_WORDS
from siyu_cli.rules.catalog import FACT_TABLES, METRICS
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.problems import RulesRefused
from siyu_cli.sheets.mapping_file import load_mapping
from siyu_cli.words import fold
from siyu_cli.workspace import configs_dir
from tests.rules.rule_facts import AS_OF, DAY, World, holders, rules_of

LAST = DAY - 1


def complaints(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(RulesRefused) as caught:
        rules_of(text)
    return [(problem.code, problem.message, problem.hint) for problem in caught.value.problems]


def test_imports_and_rules_mean_the_same_words() -> None:
    mapping = load_mapping(configs_dir() / "platforms" / "行为.yaml")
    assert set(mapping.events.values()) == set(EVENT_KINDS)
    for kind, words in EVENT_WORDS.items():
        assert [mapping.events[fold(word)] for word in words] == [kind] * len(words)
        assert f"{words[0]}次数" in METRICS


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_kind_is_counted_by_its_own_metric(kind: str) -> None:
    world = World()
    for number, did in enumerate(EVENT_KINDS):
        customer = world.customer()
        for ago in range(number % 3 + 1):
            world.event(customer, did, ago)
    who, times = EVENT_KINDS.index(kind) + 1, EVENT_KINDS.index(kind) % 3 + 1
    name = f"{EVENT_WORDS[kind][0]}次数"
    assert holders(world, f"{name} >= 1") == {who}
    assert holders(world, f"{name} = {times}") == {who}
    assert holders(world, f"{name}(今天) = 1") == {who}
    assert holders(world, f"{name}(昨天) = 1") == ({who} if times > 1 else set())
    for word in EVENT_WORDS[kind]:
        scope = f"scopes: {{这种: {{on: events, when: 事件 是 {word}}}}}\nmetrics: {{几条: {{from: events, agg: count}}}}"
        assert holders(world, "几条(这种) >= 1", scope) == {who}


def test_windows_look_at_the_day_and_second_of_the_event() -> None:
    world = World()
    for ago, at in ((6, 0), (7, LAST), (0, LAST)):
        world.event(world.customer(), "view", ago, at=at)
    assert holders(world, "浏览次数(近7天) >= 1") == {1, 3}
    assert holders(world, "浏览次数(过去7个整天) >= 1") == {1, 2}
    assert holders(world, "浏览次数(近1小时) >= 1") == {3}
    assert holders(world, "浏览次数(24到168小时前) >= 1") == {1}
    noon = Clock().as_of("2025-03-15 12:00")
    world = World()
    for at in (DAY // 2 - 3600, DAY // 2 - 3599):
        world.event(world.customer(), "view", 0, at=at)
    assert holders(world, "浏览次数(近1小时) >= 1", as_of=noon) == {2}


FRUIT = """
scopes:
  看水果: {on: events, when: [事件 属于 浏览商品、加购, 品类 属于 水果]}
  一群: {on: events, when: 群 是 水果一群}
  三月: {on: sends, when: 推送 是 三月车厘子}
metrics:
  看的天数: {from: events, agg: days, when: 事件 是 浏览, unit: 天}
  看过几种: {from: events, agg: distinct, of: 商品}
  最近行为距今: {from: events, agg: days_since_last}
"""


def test_scopes_hold_of_one_event_and_page_is_also_a_group() -> None:
    world = World()
    one, two, three = (world.customer() for _ in range(3))
    world.event(one, "view", 1, category_key="水果/热带", product_key="芒果")
    world.event(two, "view", 1, category_key="水果刀")
    world.event(two, "click", 1, category_key="水果")
    world.event(three, "group_message", 0, page_key="水果一群")
    world.event(three, "group_message", 0, page_key="水果一群", at=LAST)
    world.event(three, "add_to_cart", 3, category_key="水果", product_key="芒果")
    world.event(three, "view", 5, product_key="苹果")
    assert holders(world, "浏览次数(看水果) >= 1", FRUIT) == {one}
    assert holders(world, "加购次数(看水果、近4天) = 1", FRUIT) == {three}
    assert holders(world, "加购次数(看水果、近3天) = 1", FRUIT) == set()
    assert holders(world, "群发言次数(一群) = 2", FRUIT) == {three}
    assert holders(world, "看过几种 = 2", FRUIT) == {three}
    assert holders(world, "看的天数 = 1", FRUIT) == {one, two, three}
    assert holders(world, "最近行为距今 = 0", FRUIT) == {three}


def test_sends_count_lists_and_days_since() -> None:
    world = World()
    one, two, never = (world.customer() for _ in range(3))
    world.send(one, "三月车厘子", 3)
    world.send(one, "三月车厘子", 3, at=LAST)
    world.send(one, "四月", 1)
    world.send(two, "三月车厘子", 0, at=LAST)
    assert holders(world, "触达次数 = 2") == {one}
    assert holders(world, "触达次数(三月) = 1", FRUIT) == {one, two}
    assert holders(world, "触达次数(近3天) >= 1") == {one, two}
    assert holders(world, "触达次数(近1天) = 0") == {one, never}
    assert holders(world, "距上次触达天数 = 1") == {one}
    assert holders(world, "距上次触达天数(三月) 3 到 3", FRUIT) == {one}
    assert holders(world, "距上次触达天数 为空") == {never}


def test_lines_of_orders_and_their_price() -> None:
    world = World()
    one, two = world.customer(), world.customer()
    world.order(one, 1, 1000, 2000)
    world.order(one, 2, 500)
    world.order(two, 40, 9900)
    world.adjust(two, 1, 100)
    assert holders(world, "行数 = 3") == {one}
    assert holders(world, "行数(近30天) = 0") == {two}
    # What no order explains lowers the sum and is no line.
    assert holders(world, "行数 = 1") == {two}
    assert holders(world, "笔单价 = 98元") == {two}
    assert holders(world, "笔单价 = 17.5元") == {one}
    assert holders(world, "行数(大行) = 1", "scopes: {大行: {on: items, when: 净额 >= 20元}}") == {one, two}


def test_what_cannot_be_meant_is_refused_with_the_word_that_was() -> None:
    scopes = "scopes:\n  水果: {on: items, when: 品类 属于 水果}\n  看: {on: events, when: 事件 是 浏览}\n"
    assert complaints(f"{scopes}tags: {{甲: {{when: 加购次数(水果) >= 1}}}}") == [
        ("E306", "「加购次数」数的是行为,不能用说商品行的范围", "另写一个 on: events 的范围")
    ]
    assert [c[0] for c in complaints(f"{scopes}tags: {{甲: {{when: 订单数(看) >= 1}}}}")] == ["E306"]
    assert [c[0] for c in complaints(f"{scopes}tags: {{甲: {{when: 触达次数(看) >= 1}}}}")] == ["E306"]
    wrong = "scopes: {甲: {on: events, when: 事件 是 加够}}"
    assert complaints(wrong) == [("E307", "「事件」没有「加够」这个值", "你是不是想写:加购 ?")]
    assert [c[0] for c in complaints("scopes: {甲: {on: events, when: 事件 包含 加购}}")] == ["E301"]
    assert complaints("scopes: {甲: {on: event, when: 事件 是 加购}}")[0][0] == "E307"
    assert complaints("scopes: {甲: {on: events, when: 净额 > 1}}")[0][:2] == (
        "E202",
        "行为没有「净额」这个字段",
    )
    assert complaints("metrics: {甲: {from: events, agg: sum, of: 商品}}")[0][0] == "E301"
    assert complaints("metrics: {加购次数: {from: events, agg: days}}")[0][0] == "E206"
    holders(World(), "加购次数 >= 1", "metrics: {加购次数: {from: events, agg: days, override: true}}")


def test_each_source_is_read_once_and_only_where_spoken_of() -> None:
    rules = rules_of(
        f"{FRUIT}tags:\n  甲: {{when: [浏览次数(近7天) >= 3, 看的天数 >= 2, 加购次数(看水果) = 0, 签到次数 < 2]}}\n"
        "  乙: {when: {any: [浏览次数(近7天) >= 5, 触达次数(三月) > 1, 距上次触达天数 >= 3]}}\n"
    )
    query = compile_tags(rules, AS_OF)
    for source in ("events", "sends"):
        assert len(re.findall(rf"FROM {FACT_TABLES[source].name} AS", query.text)) == 1  # type: ignore[index]
    assert query.tables == {"fact_customers", "fact_events", "fact_sends"}
    plain = compile_tags(rules_of("tags: {甲: {when: 订单数 >= 1}}"), AS_OF)
    assert plain.tables == {"fact_customers", "fact_orders"}
