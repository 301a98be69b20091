"""Why a tag is there or not: lines as written, actual values, distances; against the naive meaning."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.rules.amounts import amount_text, distance_text
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.trace import Outline, Traced, Tracer, outline_of, parts_in, trace_lines
from siyu_cli.rules.tree import Measure, Metric, Ratio
from tests.conftest import examples
from tests.engines import both_engines
from tests.rules.naive_rules import _Customer
from tests.rules.random_rules import CONDITIONS, NAMES, worlds
from tests.rules.rule_facts import AS_OF, World, rules_of


def traces_of(world: World, text: str, *tags: str) -> dict[tuple[int, str], Traced]:
    """(customer, tag) → its trace by DuckDB and SQLite, which must agree."""
    answers = []
    rules = rules_of(text)
    for engine in both_engines():
        world.load(engine)
        tracer = Tracer(rule for rule in rules.tags if rule.name in tags)
        query = compile_tags(rules, AS_OF, tracer.watch)
        tracer.place(query.watched)
        rows = engine.query(query.text, query.params).to_pylist()
        answers.append(
            {(row["customer_id"], tag): tracer.trace(tag, row) for row in rows for tag in tracer.outlines}
        )
    assert answers[0] == answers[1]
    return answers[0]


LEAVING = """\
tags:
  要走了:
    when:
      - 订单数 3次 以上
      - 距上次购买天数 30 到 60天
      - any: [消费额 >= 500元, 标签 有 熟客]
      - none: [渠道 是 短信, 已退订 为真]
      - at_least: {n: 2, of: [客单价 > 120, R分 有值, not: 省 是 广东]}
  熟客: {when: 购买天数 >= 9}
"""


def test_every_line_shows_its_actual_value_and_how_far_it_is_off() -> None:
    world = World()
    customer = world.customer(channel_key="抖音直播", r_score=4, province_key="广东")
    for ago in (61, 75, 90):
        world.order(customer, ago, 10_000)
    traced = traces_of(world, LEAVING, "要走了")[customer, "要走了"]
    assert trace_lines(traced, 0) == [
        "✗ 全部满足",
        "  ✓ 订单数 3次 以上  实际 3",
        "  ✗ 距上次购买天数 30 到 60天  实际 61,超上限 1 天",
        "  ✗ 满足任一",
        "    ✗ 消费额 >= 500元  实际 300.00,还差 200.00 元",
        "    ✗ 标签 有 熟客  实际 没有「熟客」",
        "  ✓ 一个也不满足",
        "    ✗ 渠道 是 短信  实际 抖音直播",
        "    ✗ 已退订 为真",
        "  ✗ 至少满足 2 个",
        "    ✗ 客单价 > 120  实际 100.00,还差 20.00 元多一点",
        "    ✓ R分 有值  实际 4",
        "    ✗ 不满足",
        "      ✓ 省 是 广东  实际 广东",
    ]


def test_what_was_done_and_had_and_first_values_are_lines_like_others() -> None:
    text = """\
manual_tags: [亲友]
metrics: {首单渠道: {from: orders, agg: first, of: 下单渠道}}
tags:
  犹豫:
    when:
      - did:
          event: 浏览
          times: ">= 2"
          where: [品类 属于 水果]
      - 曾有标签(近9天) 有 亲友
      - 持有天数(亲友) >= 7
      - 首单渠道 是 抖音
      - 生日月 = 本月
"""
    world = World()
    customer = world.customer(birth_month=4)
    world.event(customer, "view", 1, category_key="水果")
    world.held(customer, "亲友", 5)
    world.order(customer, 1, 100, channel_key="快手")
    assert trace_lines(traces_of(world, text, "犹豫")[customer, "犹豫"], 0) == [
        "✗ 全部满足",
        '  ✗ did: {event: 浏览, times: ">= 2", where: [品类 属于 水果]}',
        "  ✓ 曾有标签(近9天) 有 亲友",
        "  ✗ 持有天数(亲友) >= 7  实际 5,还差 2 天",
        "  ✗ 首单渠道 是 抖音  实际 快手",
        "  ✗ 生日月 = 本月  实际 4",
    ]


def test_a_customer_without_orders_has_zeros_and_missing_values() -> None:
    world = World()
    customer = world.customer()
    lines = trace_lines(traces_of(world, LEAVING, "要走了")[customer, "要走了"], 0)
    assert "  ✗ 订单数 3次 以上  实际 0,还差 3 次" in lines
    assert "  ✗ 距上次购买天数 30 到 60天  实际 没有值" in lines
    assert "    ✗ 渠道 是 短信  实际 没有值" in lines


def test_a_mapped_tag_is_one_line_under_its_own_name() -> None:
    world = World()
    customer = world.customer(channel_key="短信")
    text = "tag_groups: {来源: {map: {field: 渠道, values: {短信: 短信粉}, else: 其他渠道}}}"
    traced = traces_of(world, text, "短信粉", "其他渠道")
    assert traced[customer, "短信粉"].is_true
    assert not traced[customer, "其他渠道"].is_true


@pytest.mark.parametrize(
    ("line", "value", "expected"),
    [
        ("订单数 >= 3", Fraction(3), ""),
        ("订单数 > 3", Fraction(3), "还差 1 次"),
        ("订单数 < 3", Fraction(5), "超上限 3 次"),
        ("订单数 >= 2.5", Fraction(2), "还差 1 次"),
        ("订单数 = 3", Fraction(5), "相差 2 次"),
        ("消费额 > 100", Fraction(100), "还差 0.01 元"),
        ("消费额 0.05万 以上", Fraction(49999, 100), "还差 0.01 元"),
        ("客单价 > 120", Fraction(120), "正好在边上,不含这个数"),
        ("客单价 <= 120", Fraction(361, 3), "超上限 0.33 元"),
        ("距上次购买天数 30 到 60天", Fraction(29), "还差 1 天"),
        ("距上次购买天数 30 到 60天", None, ""),
        ("占比 >= 60%", Fraction(100, 3), "还差 26.67%"),
    ],
)
def test_distance_is_counted_to_the_first_value_that_fits(
    line: str, value: Fraction | None, expected: str
) -> None:
    names = "metrics: {占比: {ratio: [消费额, 消费额], unit: '%'}}\n"
    (rule,) = rules_of(f"{names}tags: {{甲: {{when: {line}}}}}").tags
    assert distance_text(rule.when, value) == expected


@pytest.mark.parametrize(
    ("value", "measure", "expected"),
    [
        (Fraction(612500, 1000), Measure.MONEY, "612.50"),
        (Fraction(1, 3), Measure.PERCENT, "0.33%"),
        (Fraction(5, 1000), Measure.PIECES, "0.01"),
        (Fraction(12345), Measure.TIMES, "12,345"),
        (Fraction(-1, 200), Measure.MONEY, "-0.01"),
    ],
)
def test_amounts_are_exact_to_two_decimals_half_up(value: Fraction, measure: Measure, expected: str) -> None:
    assert amount_text(value, measure) == expected


def agrees(outline: Outline, traced: Traced, naive: _Customer) -> None:
    """Every node of a trace against the naive evaluator."""
    assert traced.is_true == naive.holds(outline.condition), outline.text
    numbers = [value for value in parts_in(outline.condition)[0] if isinstance(value, Metric | Ratio)]
    if outline.is_line and numbers:
        value = naive.value(numbers[0])
        assert traced.actual == ("没有值" if value is None else amount_text(value, numbers[0].measure))
    for inner, told in zip(outline.members, traced.members, strict=True):
        agrees(inner, told, naive)


@examples(20)
@given(worlds(), st.lists(CONDITIONS, min_size=1, max_size=3))
def test_traces_equal_the_naive_meaning_of_every_node(world: World, conditions: list[str]) -> None:
    tags = "".join(f"  标签{number}: {{when: {text}}}\n" for number, text in enumerate(conditions))
    text = f"{NAMES}tags:\n  底层: {{when: 订单数(水果) >= 1}}\n{tags}"
    rules = rules_of(text)
    traces = traces_of(world, text, *(rule.name for rule in rules.tags))
    bottom = next(rule for rule in rules.tags if rule.name == "底层")
    for customer in world.customers:
        naive = _Customer(world, customer, AS_OF)
        naive.tags = {row["tag"] for row in world.hand if row["customer_id"] == customer["customer_id"]}
        naive.tags |= {"底层"} if naive.holds(bottom.when) else set()
        for rule in rules.tags:
            agrees(outline_of(rule), traces[customer["customer_id"], rule.name], naive)
