"""`did`: a group of deeds that exists, each part at its boundary, on DuckDB and SQLite."""

from __future__ import annotations

import re

import pytest

from siyu_cli.events import EVENT_WORDS
from siyu_cli.rules.compile import compile_tags
from tests.rules.rule_facts import AS_OF, DAY, D, World, holders, rules_of

HOUR = 3600


def fruit(product: str, category: str = "水果") -> list[dict[str, object]]:
    return [{"net_fen": 100, "product_key": product, "category_key": category}]


@pytest.mark.parametrize(("kind", "words"), EVENT_WORDS.items())
def test_every_word_for_what_customers_do(kind: str, words: tuple[str, ...]) -> None:
    world = World()
    for known in EVENT_WORDS:
        world.event(world.customer(), known, 1)
    for word in words:
        assert holders(world, f"{{did: {{event: {word}}}}}") == {list(EVENT_WORDS).index(kind) + 1}


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("{event: 加购}", {1, 2, 3, 4}),
        ('{event: 加购, times: ">= 3"}', {3, 4}),
        ('{event: 加购, times: "3次 以上"}', {3, 4}),
        ('{event: 加购, times: "> 3"}', {4}),
        ('{event: 加购, times: "< 3"}', {1, 2}),
        ('{event: 加购, times: "<= 2"}', {1, 2}),
        ('{event: 加购, times: "2 到 3次"}', {2, 3}),
        ('{event: 加购, times: "= 1"}', {1}),
        ('{event: 加购, times: "!= 2"}', {1, 3, 4}),
        ("{event: 浏览}", set()),
    ],
)
def test_times_and_a_group_has_at_least_one(body: str, counts: set[int]) -> None:
    world = World()
    for times in range(5):
        customer = world.customer()
        for _ in range(times):
            world.event(customer, "add_to_cart", 1)
    assert holders(world, f"{{did: {body}}}") == {times + 1 for times in counts}
    assert holders(world, f"{{not: {{did: {body}}}}}") == {1, 2, 3, 4, 5} - {times + 1 for times in counts}


def test_days_are_calendar_days() -> None:
    world = World()
    one, two = world.customer(), world.customer()
    for at in (0, DAY - 1):
        world.event(one, "view", 3, at=at)
    world.event(two, "view", 3, at=DAY - 1)
    world.event(two, "view", 2, at=0)
    assert holders(world, '{did: {event: 浏览, days: ">= 2"}}') == {two}
    assert holders(world, '{did: {event: 浏览, times: "= 2", days: "= 1天"}}') == {one}


def test_same_asks_one_product_for_everything_at_once() -> None:
    """Often enough with one product, on days enough with another: nobody."""
    world = World()
    apart, together, unnamed = world.customer(), world.customer(), world.customer()
    for customer, products in ((apart, ("苹果", "芒果")), (together, ("苹果", "苹果")), (unnamed, ("", ""))):
        for at in range(3):
            world.event(customer, "view", 1, at=at, product_key=products[0], category_key="水果")
        world.event(customer, "view", 2, product_key=products[1], category_key="水果")
    asked = 'times: ">= 3", days: ">= 2"'
    assert holders(world, f"{{did: {{event: 浏览, {asked}}}}}") == {apart, together, unnamed}
    assert holders(world, f"{{did: {{event: 浏览, same: 商品, {asked}}}}}") == {together}
    assert holders(world, f"{{did: {{event: 浏览, same: 品类, {asked}}}}}") == {apart, together, unnamed}


def test_some_product_is_enough_for_the_condition() -> None:
    """Two products are looked at; one of them is bought."""
    world = World()
    customer, buyer = world.customer(), world.customer()
    for product in ("苹果", "芒果"):
        world.event(customer, "view", 3, product_key=product)
    world.order(customer, 2, lines=fruit("苹果"))
    world.event(buyer, "view", 3, product_key="苹果")
    world.order(buyer, 2, lines=fruit("苹果"))
    same = "{did: {event: 浏览, same: 商品, without: {event: 订单, same: true, since: first}}}"
    any_order = "{did: {event: 浏览, same: 商品, without: {event: 订单, since: first}}}"
    assert holders(world, same) == {customer}
    assert holders(world, any_order) == set()


@pytest.mark.parametrize(
    ("since", "bought", "holds"),
    [
        ("first", -1, True),
        ("first", 0, False),
        ("first", 50, False),
        ("last", 50, True),
        ("last", 99, True),
        ("last", 100, False),
        ("last", 101, False),
    ],
)
def test_without_counts_from_the_very_second_of_the_first_or_last_deed(
    since: str, bought: int, holds: bool
) -> None:
    world = World()
    customer = world.customer()
    for second in (0, 100):
        world.event(customer, "view", 3, at=HOUR + second, product_key="苹果")
    world.order(customer, 3, lines=fruit("苹果"), at=HOUR + bought)
    for same in ("", "same: 商品, "):
        asked = f"{same}without: {{event: 订单, since: {since}}}"
        assert holders(world, f"{{did: {{event: 浏览, {asked}}}}}") == ({customer} if holds else set())


def test_without_sees_deeds_outside_the_window_of_the_counted_ones() -> None:
    world = World()
    customer, calm = world.customer(), world.customer()
    for each in (customer, calm):
        world.event(each, "add_to_cart", 2)
    world.event(customer, "consult", 0)
    asked = "{did: {event: 加购, within: 1到3天前, without: {event: 咨询, since: last}}}"
    assert holders(world, asked) == {calm}


@pytest.mark.parametrize(
    ("after_send", "holds"), [(-1, False), (0, False), (1, True), (72 * HOUR, True), (72 * HOUR + 1, False)]
)
def test_after_a_push_by_more_than_nothing_and_at_most_the_hours(after_send: int, holds: bool) -> None:
    world = World()
    customer, never_sent = world.customer(), world.customer()
    world.send(customer, "三月车厘子", 10, at=0)
    for each in (customer, never_sent):
        world.event(each, "click", 10, at=after_send)
    asked = "{did: {event: 点击, after: {push: 三月车厘子, hours: 72}}}"
    assert holders(world, asked) == ({customer} if holds else set())
    assert holders(world, asked.replace("三月", "四月")) == set()


def test_a_click_after_two_sends_is_one_click() -> None:
    world = World()
    customer = world.customer()
    for ago in (3, 2):
        world.send(customer, "push", ago, at=0)
    world.event(customer, "click", 2, at=10)
    asked = "{did: {event: 点击, after: {push: Push, hours: 72}, times: %s}}"
    assert holders(world, asked % '"= 1"') == {customer}
    assert holders(world, asked % '">= 2"') == set()


@pytest.mark.parametrize(
    ("where", "products"),
    [
        ("品类 属于 水果", {"苹果", "芒果"}),
        ("[品类 属于 水果, 商品 包含 苹]", {"苹果"}),
        ("{any: [商品 是 袜子, 商品名 开头是 芒]}", {"芒果", "袜子"}),
        ("{not: 品类 属于 水果}", {"袜子", ""}),
        ("商品 为空", {""}),
        ("群 是 老客群", {"袜子"}),
    ],
)
def test_where_picks_the_deeds(where: str, products: set[str]) -> None:
    world = World()
    known = {"苹果": "水果", "芒果": "水果/热带", "袜子": "", "": "水果刀"}
    for product, category in known.items():
        page = {"page_key": "老客群"} if product == "袜子" else {}
        world.event(world.customer(), "view", 1, product_key=product, category_key=category, **page)
    found = holders(world, f"{{did: {{event: 浏览, where: {where}}}}}")
    assert found == {list(known).index(product) + 1 for product in products}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_orders_are_counted_like_the_metrics_count_them(number: int) -> None:
    world = World()
    customer, stranger = world.customer(), world.customer()
    world.order(customer, 29, lines=[*fruit("苹果"), *fruit("芒果")])
    world.order(customer, 29, lines=fruit("苹果"))
    world.order(customer, 30, lines=fruit("苹果"))
    world.order(customer, 1, lines=fruit("袜子", "服饰"))
    world.order(stranger, 1, lines=fruit("袜子", "服饰"))
    world.order(None, 1, lines=fruit("苹果"))
    scope = "scopes: {水果: {on: items, when: 品类 属于 水果}}"
    did = f'{{did: {{event: 订单, times: ">= {number}", within: 近30天, where: 品类 属于 水果}}}}'
    assert holders(world, did) == holders(world, f"订单数(近30天、水果) >= {number}", scope)
    did = f'{{did: {{event: 订单, days: ">= {number}", where: 品类 属于 水果}}}}'
    assert holders(world, did) == holders(world, f"购买天数(水果) >= {number}", scope)


def test_bought_the_same_thing_twice() -> None:
    world = World()
    again, other = world.customer(), world.customer()
    for ago in (10, 5):
        world.order(again, ago, lines=fruit("苹果"))
    world.order(other, 10, lines=fruit("苹果"))
    world.order(other, 5, lines=fruit("芒果"))
    assert holders(world, '{did: {event: 订单, same: 商品, times: ">= 2"}}') == {again}
    assert holders(world, '{did: {event: 订单, same: 品类, times: ">= 2"}}') == {again, other}


# --- the examples of the rule language, at their boundaries -----------------------------------------------

WAVERING = """
tags:
  反复看未下单:
    when:
      did: {event: 浏览商品, same: 商品, times: ">= 3", days: ">= 2", within: 近7天, without: {event: 订单, same: true, since: first}}
"""


@pytest.mark.parametrize(
    ("views", "bought", "holds"),
    [
        ([(6, "苹果"), (1, "苹果"), (0, "苹果")], None, True),
        ([(7, "苹果"), (1, "苹果"), (0, "苹果")], None, False),  # the first lies a day outside
        ([(1, "苹果"), (0, "苹果")], None, False),
        ([(0, "苹果"), (0, "苹果"), (0, "苹果")], None, False),  # one day only
        ([(6, "苹果"), (1, "芒果"), (0, "苹果")], None, False),
        ([(6, "苹果"), (1, "苹果"), (0, "苹果")], (3, "芒果"), True),
        ([(6, "苹果"), (1, "苹果"), (0, "苹果")], (3, "苹果"), False),
        ([(6, "苹果"), (1, "苹果"), (0, "苹果")], (7, "苹果"), True),  # bought before looking
    ],
)
def test_example_5_wavering(
    views: list[tuple[int, str]], bought: tuple[int, str] | None, holds: bool
) -> None:
    world = World()
    customer = world.customer()
    for ago, product in views:
        world.event(customer, "view", ago, product_key=product)
    if bought:
        world.order(customer, bought[0], lines=fruit(bought[1]))
    assert holders_of(world, WAVERING, "反复看未下单") == ({customer} if holds else set())


@pytest.mark.parametrize(
    ("seconds_ago", "ordered", "holds"),
    [
        (24 * HOUR, None, True),
        (24 * HOUR - 1, None, False),
        (72 * HOUR - 1, None, True),
        (72 * HOUR, None, False),
        (30 * HOUR, 31 * HOUR, True),
        (30 * HOUR, 30 * HOUR, False),
        (30 * HOUR, 1, False),
    ],
)
def test_example_6_added_to_the_cart_a_day_ago_and_not_paid(
    seconds_ago: int, ordered: int | None, holds: bool
) -> None:
    text = """
tags:
  加购超一天未付:
    when:
      did: {event: 加购, within: 24到72小时前, without: {event: 订单, since: last}}
"""
    world = World()
    customer = world.customer()
    at = AS_OF.seconds - seconds_ago
    world.event(customer, "add_to_cart", D - at // DAY, at=at % DAY)
    if ordered is not None:
        paid = AS_OF.seconds - ordered
        world.order(customer, D - paid // DAY, lines=fruit("别的"), at=paid % DAY)
    assert holders_of(world, text, "加购超一天未付") == ({customer} if holds else set())


def test_example_7_interest_after_a_push() -> None:
    text = """
tags:
  车厘子推送有兴趣:
    when: {any: [did: {event: 点击, after: {push: 三月车厘子, hours: 72}}, did: {event: 加购, after: {push: 三月车厘子, hours: 72}, where: 品类 属于 水果}]}
"""
    world = World()
    clicked, carted, sock, late, unsent = (world.customer() for _ in range(5))
    for customer in (clicked, carted, sock, late):
        world.send(customer, "三月车厘子", 5, at=0)
    world.event(clicked, "click", 5, at=1)
    world.event(carted, "add_to_cart", 2, at=0, category_key="水果/樱桃")
    world.event(sock, "add_to_cart", 2, at=0, category_key="服饰")
    world.event(late, "click", 2, at=1)
    world.event(unsent, "click", 5, at=1)
    assert holders_of(world, text, "车厘子推送有兴趣") == {clicked, carted}


def holders_of(world: World, text: str, tag: str) -> set[int]:
    from tests.rules.rule_facts import tags_of

    return {customer for customer, tags in tags_of(world, rules_of(text)).items() if tag in tags}


# --- the statement ----------------------------------------------------------------------------------------

SEVERAL = rules_of("""
tags:
  甲: {when: {did: {event: 浏览, same: 商品, within: 近7天, times: ">= 3"}}}
  乙: {when: {did: {event: 浏览, same: 商品, within: 近7天, days: ">= 2", without: {event: 订单, since: last}}}}
  丙: {when: {did: {event: 浏览, within: 近7天, after: {push: 某次, hours: 2}, where: 商品 包含 o'neil}}}
  丁: {when: [{did: {event: 浏览, within: 近7天}}, 订单数 >= 1]}
""")


def test_equal_groups_are_made_once_and_values_are_bound() -> None:
    query = compile_tags(SEVERAL, AS_OF)
    assert query.text.count("?") == len(query.params)
    assert {"某次", "o'neil", "view", D - 6, 2 * HOUR} <= set(query.params)
    assert not re.search(r"\b(LIKE|FILTER|QUALIFY)\b|/|浏览|'[^']", query.text.replace("''", ""))
    groups = re.findall(r"^(?:WITH )?(deed\d+) AS ", query.text, re.MULTILINE)
    assert groups == ["deed1", "deed2", "deed3"]
    assert query.text.count("COUNT(*) AS times") == query.text.count("COUNT(DISTINCT day) AS days") == 1
    assert query.tables == {"fact_customers", "fact_events", "fact_items", "fact_orders", "fact_sends"}


def test_what_is_not_asked_for_is_not_counted() -> None:
    query = compile_tags(rules_of("tags: {甲: {when: {did: {event: 签到}}}}"), AS_OF)
    assert "COUNT" not in query.text
    assert "fact_items" not in query.text
