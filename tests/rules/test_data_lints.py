"""Lints that count customers and lines, and check-rules with --data and --strict."""

from __future__ import annotations

from tests.conftest import Shop
from tests.rules.test_tag_commands import only_rule
from tests.shop_rows import customer, insert, order, writable

RULES = """\
scopes:
  水果: {on: items, when: {all: [商品名 包含 苹果、榴莲、盒, 商品名 不含 手机壳]}}
tags:
  爱水果: {when: 订单数(水果) >= 1}
  人人: {when: 已退订 为假}
  没人: {when: 订单数 >= 1000}
  离开: {when: {not: 距上次购买天数 < 30}}
  离开买家: {when: [订单数 >= 1, {not: 距上次购买天数 < 30}]}
tests:
  - name: 都提到
    as_of: 2025-03-15
    customers: [{id: 甲, expect: {has: [人人, 离开], lacks: [爱水果, 没人, 离开买家]}}]
"""


def fill(shop: Shop, buyers: int, others: int) -> None:
    """Buyers with three lines of 苹果盒 each, and customers who never bought."""
    with writable(shop) as con:
        insert(con, "customers", [customer(n) for n in range(1, buyers + others + 1)])
        insert(
            con,
            "order_lines",
            [
                order(3 * n + k, n, "2025-03-01", 50.0, product_key="苹果盒" if k else "纸巾")
                for n in range(1, buyers + 1)
                for k in range(3)
            ],
        )


def test_counts_of_customers_and_lines(shop: Shop) -> None:
    fill(shop, 20, 7)
    only_rule(shop, RULES)
    plain = shop.json("check-rules").result["problems"]
    assert [problem["code"] for problem in plain] == ["W601"]
    result = shop.json("check-rules", "--data", "--as-of", "2025-03-15").result
    found = {(problem["code"], problem["message"]) for problem in result["problems"]}
    assert found == {
        ("W601", "「离开」也包含 7 位没有这个值的客户"),
        ("W604", "「榴莲」没有出现在哪一行商品里"),
        ("W604", "「盒」出现在 66% 的商品行里,太宽了"),
        ("W604", "「苹果」出现在 66% 的商品行里,太宽了"),
        ("W607", "「人人」的条件 27 位客户里有 27 位满足,几乎人人都是"),
        ("W607", "「没人」的条件没有一位客户满足"),
        ("W607", "「离开买家」的条件没有一位客户满足"),
    }
    assert all(problem["severity"] == "warning" for problem in result["problems"])
    places = [(problem["where"]["line"], problem["where"]["column"]) for problem in result["problems"]]
    assert places == sorted(places)
    assert result["skipped"] == []


def test_too_little_data_is_said_and_skipped(shop: Shop) -> None:
    only_rule(shop, RULES)
    done = shop.run("check-rules", "--data")
    assert "只有 0 位客户" in done.stderr
    assert "只有 0 行商品" in done.stderr
    assert "5 条规则,没有错误,1 个警告" in done.stderr


def test_warnings_refuse_nothing_unless_strict(shop: Shop) -> None:
    only_rule(shop, RULES)
    done = shop.run("check-rules")
    assert "rules/规则.yaml:7:20  警告 W601  「离开」也包含没有这个值的客户" in done.stderr
    assert "订单数 >= 1" in done.stderr
    refused = shop.run("check-rules", "--strict", expect=3)
    assert "规则里有 1 个警告(1 个文件),--strict 不放过" in refused.stderr
    error = shop.json("check-rules", "--strict", expect=3).error
    assert [(p["code"], p["severity"]) for p in error["problems"]] == [("W601", "warning")]
    test = "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 甲, expect: {lacks: [买过]}}]}]"
    only_rule(shop, "tags: {买过: {when: 订单数 >= 1}}\n" + test)
    shop.run("check-rules", "--strict")


AFTER = """\
tags:
  有兴趣:
    when:
      any:
        - did: {event: 点击, after: {push: 三月车厘, hours: 72}}
        - did: {event: 加购, after: {push: 三月车厘子, hours: 72}}
"""


def test_a_push_that_nobody_ever_exported(shop: Shop) -> None:
    only_rule(shop, AFTER)
    fill(shop, 1, 0)
    said = [one for one in shop.json("check-rules", "--data").result["problems"] if one["code"] == "W609"]
    assert len(said) == 2
    assert "还没有导出过推送" in said[0]["hint"]
    send = {
        "run_id": 1,
        "push": "三月车厘子",
        "push_key": "三月车厘子",
        "customer_id": 1,
        "at_sec": 0,
        "day": 0,
    }
    with writable(shop) as con:
        insert(con, "push_members", [send])
    (one,) = [one for one in shop.json("check-rules", "--data").result["problems"] if one["code"] == "W609"]
    assert one["message"] == "没有导出过叫「三月车厘」的推送"
    assert one["hint"] == "你是不是想写:三月车厘子 ?"
    assert AFTER.splitlines()[one["where"]["line"] - 1][one["where"]["column"] - 1 :].startswith("三月车厘, ")
    assert "W609" not in {one["code"] for one in shop.json("check-rules").result["problems"]}
    planned = shop.run("plan-tags").stderr
    assert "W609  没有导出过叫「三月车厘」的推送" in planned
    assert planned.count("W609") == 1


def test_a_long_list_of_words_is_shown_once(shop: Shop) -> None:
    """A list of fruit in a shop of tea: one warning for the line, not one per word."""
    only_rule(shop, RULES.replace("苹果、榴莲、盒", "苹果、榴莲、山竹、盒、荔枝"))
    fill(shop, 20, 0)
    with writable(shop) as con:
        insert(con, "order_lines", [order(900, 1, "2025-03-01", 5.0, product_key="荔枝一斤")])
    found = shop.json("check-rules", "--data", "--as-of", "2025-03-15").result["problems"]
    rare = [one for one in found if one["code"] == "W604" and "太宽" not in one["message"]]
    assert [one["message"] for one in rare] == ["这里有 3 个词没有或几乎没有商品行用到:山竹、榴莲、荔枝(1)"]
    line = RULES.splitlines()[1]
    assert rare[0]["where"]["column"] == line.index("榴莲") + len("榴莲、") + 1
