"""The compiled statement keeps to the common core of SQL and does no work twice."""

from __future__ import annotations

import re

from siyu_cli.rules.compile import compile_tags
from tests.rules.random_rules import NAMES
from tests.rules.rule_facts import AS_OF, rules_of

RULES = rules_of(
    f"""{NAMES}
tags:
  甲: {{when: [订单数(水果、近30天) >= 2, 渠道 包含 「a' OR 1=1」]}}
  乙: {{when: [订单数(近30天、水果) >= 3, 水果占比 > 50%, 最大单(水果) >= 1]}}
  丙: {{when: [标签 有 甲, 标签 没有 亲友, 每件金额(大单) >= 2, 平均复购间隔 < 9]}}
"""
)
SCOPE = "scopes: {水果: {on: items, when: 品类 属于 水果}}\n"


def test_values_are_bound_and_nothing_is_dialect() -> None:
    query = compile_tags(RULES, AS_OF)
    assert query.text.count("?") == len(query.params)
    assert "a' or 1=1" in query.params
    assert not re.search(
        r"\b(LIKE|FILTER|QUALIFY|NTILE|IIF|IS TRUE)\b|/|水果|'[^']", query.text.replace("''", "")
    )
    for alias in re.findall(r" AS (\w+)", query.text):
        assert alias not in ("customer_id", "order_no", "paid_day", "paid_sec", "net_fen")


def test_each_source_is_read_once_and_equal_metrics_are_computed_once() -> None:
    query = compile_tags(RULES, AS_OF)
    assert query.text.count("FROM fact_items AS") == 1
    # Its own rows, and the few orders that are within the scopes lines are asked for.
    assert query.text.count("FROM fact_orders AS") == 2
    assert query.text.count("FROM fact_customers") == 1
    # Once for the value of an order, once for the rows that are looked at; both of orders of one line and of several.
    window = [param for param in query.params if param == AS_OF.day - 29]
    assert len(window) == 4
    assert len(re.findall(r"MAX\(CASE WHEN [^?]*paid_day >= \?", query.text)) == 1


def test_words_are_looked_for_once_per_distinct_text() -> None:
    query = compile_tags(RULES, AS_OF)
    words = re.findall(r"items_words_product_key AS \((.*?)\),\n", query.text)
    assert len(words) == 1
    assert "FROM (SELECT DISTINCT product_key FROM fact_items)" in words[0]
    rows = re.findall(r"items_rows AS \((.*?)\),\n", query.text)
    assert "instr(i.product_key" not in rows[0]
    assert query.text.count("instr(product_key") == words[0].count("instr(product_key") == 3


def test_orders_and_days_are_counted_without_count_distinct() -> None:
    query = compile_tags(rules_of("tags: {甲: {when: [购买天数(近30天) >= 2, 购买天数 >= 5]}}"), AS_OF)
    assert "DISTINCT" not in query.text
    assert query.text.count("GROUP BY customer_id, paid_day") == 1


def test_days_are_counted_of_the_rows_that_count_only() -> None:
    whole = rules_of("tags: {甲: {when: [订单数(水果) >= 2, 购买天数(近30天、水果) >= 2]}}\n" + SCOPE)
    parts = re.findall(r"items_by_(\w+)_parts AS \((.*?)\),\n", compile_tags(whole, AS_OF).text)
    assert {name: bool(re.search(r"WHERE .*s1 = 1.* GROUP BY", text)) for name, text in parts} == {
        "order": True, "day": True,
    }  # fmt: skip
    every = compile_tags(rules_of("tags: {甲: {when: [购买天数 >= 2, 购买天数(近30天) >= 5]}}"), AS_OF).text
    assert re.search(r"FROM orders_rows WHERE \(is_order = 1 OR .*\) GROUP BY customer_id, paid_day", every)


def test_only_what_is_needed_is_read() -> None:
    query = compile_tags(rules_of("tags: {甲: {when: 渠道 是 短信}}"), AS_OF)
    assert "fact_items" not in query.text
    assert "fact_orders" not in query.text
    assert "fact_hand_tags" not in query.text
