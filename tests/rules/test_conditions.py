"""What conditions mean, one small world each."""

from __future__ import annotations

import pytest

from siyu_cli.clock import Clock
from tests.rules.rule_facts import D, World, holders, rules_of, tags_of

SCOPES = """
scopes:
  水果: {on: items, when: 品类 属于 水果}
  芒果: {on: items, when: 商品名 包含 芒果}
  甲店: {on: orders, when: 店铺 是 甲}
"""


def fruit(*nets: int, category: str = "水果", product: str = "") -> list[dict[str, object]]:
    return [{"net_fen": net, "category_key": category, "product_key": product} for net in nets]


@pytest.mark.parametrize(
    ("condition", "counts"),
    [
        ("订单数 >= 3", {3, 4}),
        ("订单数 3次 以上", {3, 4}),
        ("订单数 至少 3单", {3, 4}),
        ("订单数 > 3", {4}),
        ("订单数 超过 3", {4}),
        ("订单数 <= 2", {0, 1, 2}),
        ("订单数 2次 以下", {0, 1, 2}),
        ("订单数 2次以内", {0, 1, 2}),
        ("订单数 至多 2", {0, 1, 2}),
        ("订单数 < 2", {0, 1}),
        ("订单数 不满 2", {0, 1}),
        ("订单数 不足 2次", {0, 1}),
        ("订单数 = 2", {2}),
        ("订单数 != 2", {0, 1, 3, 4}),
        ("订单数 1 到 3次", {1, 2, 3}),
        ("订单数 ≥ 4", {4}),
        ("订单数（全部） ＞＝ ４", {4}),
        ("订单数>=4", {4}),
        ("订单数 ≠ 0", {1, 2, 3, 4}),
        ("「订单数」 >= 4", {4}),
        ("订单数 >= 2.5", {3, 4}),
        ("订单数 有值", {0, 1, 2, 3, 4}),
        ("距上次购买天数 有值", {1, 2, 3, 4}),
        ("距上次购买天数 为空", {0}),
        ("距上次购买天数 != 5", {0}),
        ("客单价 为空", {0}),
        ("平均复购间隔 有值", set()),
    ],
)
def test_words_and_bounds(condition: str, counts: set[int]) -> None:
    world = World()
    for orders in range(5):
        customer = world.customer()
        for _ in range(orders):
            world.order(customer, 5, 100)
    assert holders(world, condition) == {orders + 1 for orders in counts}


@pytest.mark.parametrize(
    ("condition", "fens"),
    [
        ("消费额 500元 以上", {50000, 50001}),
        ("消费额 >= 0.05万", {50000, 50001}),
        ("消费额 > 500", {50001}),
        ("消费额 499.99 到 500元", {49999, 50000}),
        ("消费额 = 499.99元", {49999}),
        ("消费额 不满 500元", {49999}),
        ("客单价 >= 500.00", {50000, 50001}),
    ],
)
def test_money_is_exact_to_the_fen(condition: str, fens: set[int]) -> None:
    world = World()
    known = (49999, 50000, 50001)
    for fen in known:
        world.order(world.customer(), 1, fen)
    assert holders(world, condition) == {known.index(fen) + 1 for fen in fens}


@pytest.mark.parametrize(
    ("condition", "texts"),
    [
        ("渠道 是 抖音直播", {"抖音直播"}),
        ("渠道 不是 抖音直播", {"", "短信", "抖音小店"}),
        ("渠道 属于 短信、抖音小店", {"短信", "抖音小店"}),
        ("渠道 不属于 短信", {"", "抖音直播", "抖音小店"}),
        ("渠道 包含 直播、店", {"抖音直播", "抖音小店"}),
        ("渠道 包含全部 抖音、店", {"抖音小店"}),
        ("渠道 不含 抖音", {"", "短信"}),
        ("渠道 开头是 抖音", {"抖音直播", "抖音小店"}),
        ("渠道 结尾是 小店、信", {"短信", "抖音小店"}),
        ("渠道 有值", {"短信", "抖音直播", "抖音小店"}),
        ("渠道 为空", {""}),
        ("渠道 结尾是 很长很长的抖音小店", set()),
        ("渠道 是 「抖音直播」，短信", {"抖音直播", "短信"}),
    ],
)
def test_text(condition: str, texts: set[str]) -> None:
    world = World()
    known = ("", "短信", "抖音直播", "抖音小店")
    for text in known:
        world.customer(channel_key=text)
    assert holders(world, condition) == {known.index(text) + 1 for text in texts}


def test_text_is_folded_and_percent_signs_are_plain() -> None:
    world = World()
    world.customer(channel_key="j级 100%_a")
    assert holders(world, "渠道 包含 Ｊ级") == {1}
    assert holders(world, "渠道 结尾是 %_A") == {1}
    assert holders(world, "渠道 包含 0%%") == set()


def test_fields_are_named_like_texts_whatever_case_or_width() -> None:
    world = World()
    one = world.customer(segment_key="重要价值", r_score=5)
    world.customer(segment_key="一般价值", r_score=1)
    assert holders(world, "rfm分群 是 重要价值") == {one}
    assert holders(world, "Ｒ分 >= 4") == {one}
    assert holders(world, "r分 >= 4") == {one}


def test_category_takes_in_what_lies_below_and_nothing_beside() -> None:
    world = World()
    for category in ("水果", "水果/热带/芒果", "水果刀", "", "生鲜/水果"):
        world.order(world.customer(), 1, lines=fruit(100, category=category))
    assert holders(world, "订单数(水果) >= 1", SCOPES) == {1, 2}


def test_items_scope_counts_orders_and_sums_matching_lines_only() -> None:
    world = World()
    customer = world.customer()
    world.order(customer, 1, lines=[*fruit(100, 200), *fruit(4000, category="数码")])
    world.order(customer, 2, lines=fruit(1000))
    world.order(customer, 3, lines=fruit(9000, category="数码"))
    extra = (
        SCOPES
        + """
metrics:
  最大单: {from: orders, agg: max, of: 净额}
  最小单: {from: orders, agg: min, of: 净额}
  笔均: {from: orders, agg: avg, of: 净额}
  水果占比: {ratio: [消费额(水果), 消费额], unit: "%"}
  行数合计: {from: orders, agg: sum, of: 行数}
"""
    )
    for condition in (
        "订单数(水果) = 2",
        "消费额(水果) = 13元",
        "消费额 = 143元",
        "最大单(水果) = 10元",
        "最小单(水果) = 3元",
        "笔均(水果) = 6.5元",
        "笔均 47.66 到 47.67元",
        "客单价(水果) = 6.5元",
        "水果占比 9.09% 到 9.1%",
        "购买天数(水果、近3天) = 2",
        "行数合计 = 5",
        "行数合计(水果) = 3",
        "件数(水果) = 3件",
        "距上次购买天数(水果) = 1",
        "首购距今天数(水果) = 2",
        "平均复购间隔 = 1",
    ):
        assert holders(world, condition, extra) == {1}, condition


def test_several_scopes_must_fit_the_same_line_and_order() -> None:
    world = World()
    one, two, three = world.customer(), world.customer(), world.customer()
    world.order(one, 1, lines=fruit(100, product="芒果"), shop_key="甲")
    world.order(
        two, 1, lines=[*fruit(100, product="苹果"), *fruit(100, category="", product="芒果干")], shop_key="甲"
    )
    world.order(three, 1, lines=fruit(100, product="芒果"), shop_key="乙")
    assert holders(world, "订单数(水果、芒果) >= 1", SCOPES) == {one, three}
    assert holders(world, "订单数(芒果、甲店、水果) >= 1", SCOPES) == {one}


def test_rows_that_are_no_order_lower_sums_and_nothing_else() -> None:
    world = World()
    customer = world.customer()
    world.order(customer, 40, 50000)
    world.adjust(customer, 3, 1)
    for condition in (
        "消费额 = 499.99元",
        "订单数 = 1",
        "购买天数 = 1",
        "距上次购买天数 = 40",
        "消费额(近30天) < 0",
    ):
        assert holders(world, condition) == {1}, condition


def test_ratio_is_missing_without_a_positive_lower_side() -> None:
    world = World()
    customer = world.customer()
    world.order(customer, 40, 100)
    world.adjust(customer, 3, 100)
    world.customer()
    extra = SCOPES + 'metrics: {占比: {ratio: [消费额(水果), 消费额], unit: "%"}}'
    assert holders(world, "占比 为空", extra) == {1, 2}
    assert holders(world, "占比 < 50%", extra) == set()


def test_a_ratio_may_hold_average_gaps() -> None:
    """Longer away than usual: 40 days at a gap of 20 is 2, exactly; who bought on one day has no gap."""
    world = World()
    usual, once, recent = world.customer(), world.customer(), world.customer()
    for ago in (40, 60, 80):
        world.order(usual, ago, 100)
    world.order(once, 90, 100)
    for ago in (3, 10, 90, 170):
        world.order(recent, ago, 100)
    extra = """
metrics:
  倍数: {ratio: [距上次购买天数, 平均复购间隔]}
  变化: {ratio: [平均复购间隔(近30天), 平均复购间隔], unit: "%"}
  占: {ratio: [平均复购间隔, 首购距今天数], unit: "%"}
"""
    assert holders(world, "倍数 = 2", extra) == {usual}
    assert holders(world, "倍数 > 2", extra) == set()
    assert holders(world, "倍数 < 0.06", extra) == {recent}
    assert holders(world, "倍数 为空", extra) == {once}
    assert holders(world, "变化 = 12.57%", extra) == set()
    assert holders(world, "变化 12.57 到 12.58%", extra) == {recent}
    assert holders(world, "占 = 25%", extra) == {usual}


def test_nesting() -> None:
    world = World()
    for ago in (1, 10, 40):
        world.order(world.customer(), ago, 100)
    assert holders(world, "[距上次购买天数 >= 10, 距上次购买天数 < 40]") == {2}
    assert holders(world, "{any: [距上次购买天数 < 5, 距上次购买天数 > 20]}") == {1, 3}
    assert holders(world, "{none: [距上次购买天数 < 5, 距上次购买天数 > 20]}") == {2}
    assert holders(world, "{not: 距上次购买天数 >= 10}") == {1}
    three = "[距上次购买天数 >= 10, 距上次购买天数 >= 40, 渠道 为空]"
    assert holders(world, f"{{at_least: {{n: 2, of: {three}}}}}") == {2, 3}


def test_tags_refer_to_tags_of_this_run_and_to_hand_set_ones() -> None:
    world = World()
    friend, other = world.customer(), world.customer()
    for customer in (friend, other):
        world.order(customer, 1, 100)
    world.hand = [{"customer_id": friend, "tag": "亲友"}]
    rules = rules_of("""
manual_tags: [亲友]
tags:
  丙: {when: [标签 有全部 甲、乙]}
  乙: {when: 标签 没有 亲友}
  甲: {when: 订单数 >= 1}
  丁: {when: 标签 有任一 亲友、丙}
""")
    assert [[rule.name for rule in layer] for layer in rules.strata] == [["乙", "甲"], ["丙"], ["丁"]]
    assert tags_of(world, rules) == {friend: {"甲", "丁"}, other: {"甲", "乙", "丙", "丁"}}


def test_map_gives_each_customer_at_most_one_tag() -> None:
    world = World()
    for channel in ("抖音", "快手", "短信", "地推", ""):
        world.customer(channel_key=channel)
    text = """
tag_groups:
  来源:
    exclusive: true
    map: {field: 渠道, values: {抖音: 短视频, 快手: 短视频, 短信: 短信粉}, else: 其他, missing: 待补}
"""
    assert tags_of(world, rules_of(text)) == {
        1: {"短视频"},
        2: {"短视频"},
        3: {"短信粉"},
        4: {"其他"},
        5: {"待补"},
    }


def test_rule_hash_follows_the_meaning_not_the_place() -> None:
    first = rules_of(
        "scopes: {甲: {on: orders, when: 店铺 是 甲}}\ntags: {一: {when: 订单数(近30天、甲) >= 2}}"
    ).tags[0]
    moved = rules_of(
        "tags:\n  一:\n    note: 换了位置\n    when: 订单数(甲、近30天) 2次 以上\n"
        "scopes: {甲: {on: orders, when: 店铺 是 甲}}"
    ).tags[0]
    changed = rules_of(
        "scopes: {甲: {on: orders, when: 店铺 是 乙}}\ntags: {一: {when: 订单数(近30天、甲) >= 2}}"
    ).tags[0]
    assert first.rule_hash != changed.rule_hash
    # A list of one is still that one condition.
    assert first.rule_hash == moved.rule_hash


def test_a_thousand_keywords_run_on_both_engines() -> None:
    world = World()
    world.order(world.customer(), 1, lines=fruit(100, product="词999号"))
    words = "、".join(f"词{number}号" for number in range(2000))
    scope = f"scopes: {{很多: {{on: items, when: 商品名 包含 {words}}}}}"
    assert holders(world, "订单数(很多) >= 1", scope) == {1}
    assert D == 20162


@pytest.mark.parametrize(
    ("condition", "day", "months"),
    [
        ("生日月 = 本月", "2025-03-15", {3}),
        ("生日月 = 本月", "2025-03-31", {3}),
        ("生日月 = 本月", "2025-04-01", {4}),
        ("生日月 != 本月", "2025-03-15", {None, 1, 2, 4, 12}),
        ("生日月 = 下月", "2025-12-31", {1}),
        ("生日月 = 上月", "2025-01-01", {12}),
        ("生日月 ＝ 下月", "2025-03-15", {4}),
        ("生日月 = 12月", "2025-03-15", {12}),
        ("生日月 1 到 3月", "2025-03-15", {1, 2, 3}),
        ("{not: 生日月 = 本月}", "2025-03-15", {None, 1, 2, 4, 12}),
    ],
)
def test_months_that_move_with_the_day(condition: str, day: str, months: set[int | None]) -> None:
    world = World()
    known = (None, 1, 2, 3, 4, 12)
    for month in known:
        world.customer(birth_month=month)
    assert holders(world, condition, as_of=Clock().as_of(day)) == {known.index(month) + 1 for month in months}


def test_birthday_today() -> None:
    world = World()
    today = world.customer(birth_month=3, birth_day=15)
    for month, day in ((3, 14), (4, 15), (3, None)):
        world.customer(birth_month=month, birth_day=day)
    assert holders(world, "[生日月 = 本月, 生日日 = 今天]") == {today}
    assert holders(world, "[生日月 = 3月, 生日日 >= 15日]") == {today}


EDGES = """
scopes:
  水果: {on: items, when: 品类 属于 水果}
metrics:
  首单渠道: {from: orders, agg: first, of: 下单渠道}
  末单渠道: {from: orders, agg: last, of: 下单渠道}
  首行品类: {from: items, agg: first, of: 品类}
  首单额: {from: orders, agg: first, of: 净额}
  末单额: {from: orders, agg: last, of: 净额}
  末单占比: {ratio: [末单额, 消费额], unit: "%"}
"""


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("首单渠道 是 抖音", True),
        ("末单渠道 是 快手", True),
        ("末单渠道 不是 抖音", True),
        ("末单渠道(近3天) 为空", True),
        ("首单渠道(近6天) 是 小程序", True),  # two of one second: the smaller number
        ("首单额 = 12.34元", True),
        ("首单额(水果) = 2元", True),  # of the order's lines only those in the scope
        ("末单额(水果) = 5元", True),
        ("首单额(近3天) 有值", False),
        ("末单占比 34.01% 到 34.02%", True),
        ("首行品类 属于 水果", True),
        ("首行品类(近6天) 属于 水果", False),
    ],
)
def test_first_and_last_by_time_then_number(condition: str, holds: bool) -> None:
    world = World()
    customer, nobody = world.customer(), world.customer()
    # The row of a later number may be the earlier one.
    world.order(customer, 5, 1000, channel_key="小程序")
    world.order(customer, 5, lines=[*fruit(500), *fruit(600, category="水果刀")], channel_key="快手")
    world.order(
        customer,
        9,
        lines=[*fruit(200, category="水果/热带"), *fruit(1034, category="数码")],
        channel_key="抖音",
    )
    world.adjust(customer, 1, 100)
    assert holders(world, condition, EDGES) & {customer} == ({customer} if holds else set())
    assert (
        nobody in holders(world, f"{{not: {condition}}}", EDGES) or "为空" in condition or "不是" in condition
    )


def test_a_first_row_without_the_value_has_none() -> None:
    world = World()
    customer = world.customer()
    world.order(customer, 9, 100)
    world.order(customer, 5, 100, channel_key="抖音")
    assert holders(world, "首单渠道 为空", EDGES) == {customer}
    assert holders(world, "末单渠道 有值", EDGES) == {customer}
