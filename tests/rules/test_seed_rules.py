"""The shipped rules at their boundaries, from order lines to tags through the real commands."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_cli.rules.load import load_rules
from siyu_cli.words import fold
from siyu_cli.workspace import configs_dir
from tests.conftest import Shop
from tests.rules.rule_facts import World, tags_of
from tests.shop_rows import add_lead, customer, insert, key, order, writable

AS_OF = "2025-03-15"
LEAVING = "重要客户·即将流失"
EARLIER = [("2024-12-15", 200.0), ("2024-11-15", 100.0)]


def holders_of(shop: Shop, orders: dict[str, list[dict[str, Any]]], tag: str, as_of: str = AS_OF) -> set[str]:
    """Which of the named customers get the tag from these order lines."""
    names = {name: number for number, name in enumerate(orders, start=1)}
    number = 0
    with writable(shop) as con:
        insert(con, "customers", [customer(n, name=name) for name, n in names.items()])
        for name, lines in orders.items():
            for line in lines:
                number += 1
                more = dict(line)
                paid, yuan = more.pop("paid"), more.pop("yuan")
                insert(con, "order_lines", [order(number, names[name], paid, yuan, **more)])
    shop.run("apply-tags", "--as-of", as_of)
    held = {row[0] for row in shop.rows("SELECT customer_id FROM tags WHERE tag = ?", [tag])}
    return {name for name, n in names.items() if n in held}


def bought(*orders: tuple[str, float], **last: Any) -> list[dict[str, Any]]:
    """Orders by day and amount; the first one may carry more columns."""
    made = [{"paid": paid, "yuan": yuan} for paid, yuan in orders]
    return [made[0] | last, *made[1:]]


def test_about_to_leave_at_its_boundaries(shop: Shop) -> None:
    cases = {
        "29天": bought(("2025-02-14", 200), *EARLIER),
        "30天": bought(("2025-02-13", 200), *EARLIER),
        "30天当日最后一秒": bought(("2025-02-13", 200), *EARLIER, second=86_399),
        "29天零点": bought(("2025-02-14", 200), *EARLIER, second=0),
        "60天": bought(("2025-01-14", 200), *EARLIER),
        "60天零点": bought(("2025-01-14", 200), *EARLIER, second=0),
        "61天": bought(("2025-01-13", 200), *EARLIER),
        "499.99元": bought(("2025-02-01", 199.99), *EARLIER),
        "500.00元": bought(("2025-02-01", 200.00), *EARLIER),
        "两单": bought(("2025-02-01", 900), ("2024-12-15", 900)),
        "三单": bought(("2025-02-01", 900), ("2024-12-15", 900), ("2024-12-15", 1)),
        "今天最后一秒又买": [
            *bought(("2025-02-01", 500), *EARLIER),
            {"paid": AS_OF, "yuan": 1, "second": 86_399},
        ],
        "明天才买": [*bought(("2025-02-01", 500), *EARLIER), {"paid": "2025-03-16", "yuan": 1, "second": 0}],
        "退一分": bought(("2025-02-01", 200), *EARLIER, refund_fen=1, refund_sec=0),
        "截止后才退": bought(("2025-02-01", 200), *EARLIER, refund_fen=1, refund_sec=10**10),
        "退光一单只剩两单": bought(
            ("2025-02-01", 200), ("2024-12-15", 900), ("2024-11-15", 900), refund_fen=20000, refund_sec=0
        ),
        "未付款": bought(("2025-02-01", 200), *EARLIER, status="unpaid"),
    }
    expected = {"30天", "30天当日最后一秒", "60天", "60天零点", "500.00元", "三单", "明天才买", "截止后才退"}
    assert holders_of(shop, cases, LEAVING) == expected


@pytest.mark.parametrize(
    ("product", "category", "is_fruit"),
    [
        ("烟台红富士苹果5斤", "", True),
        ("智利车厘子JJJ级", "", True),
        ("海南贵妃芒", "水果/热带/芒果", True),
        ("进口香蕉", None, True),
        ("赣南脐橙 10斤", "", True),
        ("奶油草莓", "生鲜", True),
        ("当季礼盒", "水果", True),
        ("苹果手机壳", "数码/配件", False),
        ("Apple 苹果 手机 15", "数码", False),
        ("不锈钢水果刀", "厨具", False),
        ("芒果干 108g", "零食", False),
        ("草莓味面膜", "", False),
        ("草莓果酱", "水果", False),
        ("纯棉袜子", "", False),
        ("刀具套装", "水果刀", False),
        ("", "", False),
    ],
)
def test_fruit_lovers_bought_fruit_and_not_what_only_sounds_like_it(
    product: str, category: str | None, is_fruit: bool
) -> None:
    world = World()
    line = {"net_fen": 100, "product_key": fold(product), "category_key": fold(category or "")}
    world.order(world.customer(), 1, lines=[line])
    assert ("爱水果" in tags_of(world, load_rules(configs_dir() / "rules"))[1]) == is_fruit


def test_fruit_sent_back_is_not_bought(shop: Shop) -> None:
    fruit = {"product": "芒果", "product_key": "芒果"}
    cases = {
        "买了": bought((AS_OF, 10), **fruit, second=86_399),
        "退光": bought((AS_OF, 10), **fruit, refund_fen=1000, refund_sec=0),
        "退一半": bought((AS_OF, 10), **fruit, refund_fen=500, refund_sec=0),
        "明天": bought(("2025-03-16", 10), **fruit, second=0),
    }
    assert holders_of(shop, cases, "爱水果") == {"买了", "退一半"}


def test_channel_tags_come_from_the_lead_and_nobody_without_channel_gets_one(shop: Shop) -> None:
    channels = ["抖音直播", "包裹卡", "短信", "裂变", "地推", None]
    with writable(shop) as con:
        for number, channel in enumerate(channels, start=1):
            phone = f"1380000000{number}"
            insert(con, "customers", [customer(number)])
            insert(con, "customer_keys", [key(number, phone)])
            add_lead(con, number, phone, channel=channel)
        insert(con, "customers", [customer(9)])
    shop.run("apply-tags", "--as-of", AS_OF)
    found = dict(shop.rows("SELECT customer_id, tag FROM tags"))
    assert found == {1: "抖音粉", 2: "包裹卡粉", 3: "短信粉", 4: "裂变粉", 5: "其他渠道"}
