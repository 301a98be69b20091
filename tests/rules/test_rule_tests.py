"""test-rules: made-up customers, what they should hold, why not, and how to read all of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.rules.case_reader import _ORDER_KEYS, STATUSES
from siyu_cli.rules.judging import judge
from siyu_cli.rules.problems import RulesRefused
from siyu_cli.rules.shares import divide, spread
from tests.conftest import Shop
from tests.rules.rule_facts import rules_of
from tests.rules.test_tag_commands import only_rule

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rule-tests.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LEAVING = """\
version: 1
tags:
  要走了:
    when: [订单数 3次 以上, 距上次购买天数 30 到 60天, 消费额 500元 以上]
"""
# The example of the specification, but for the names of its tags.
EDGE = """\
tests:
  - name: 流失边界
    as_of: 2025-03-15
    customers:
      - id: 刚好30天
        orders: [{ago: 30, paid: 200}, {ago: 90, paid: 200}, {ago: 120, paid: 100}]
        expect: {has: [要走了]}
      - id: 29天还不算
        orders: [{at: 2025-02-14 00:00, paid: 300}, {ago: 90, paid: 200}, {ago: 120, paid: 100}]
        expect: {lacks: [要走了]}
      - id: 退款后不足500
        orders: [{ago: 40, paid: 300, refund: 0.01}, {ago: 90, paid: 100}, {ago: 120, paid: 100}]
        expect: {lacks: [要走了]}
"""


def run_suite(shop: Shop, rules: str, *args: str, expect: int = 0) -> dict[str, Any]:
    """The result of test-rules on one file."""
    only_rule(shop, rules)
    return shop.json("test-rules", *args, expect=expect).result


def failed(result: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(one["case"], one["tag"], one["wanted"]) for one in result["failures"]]


def test_a_suite_that_passes_says_so_and_touches_no_data(shop: Shop) -> None:
    result = run_suite(shop, LEAVING + EDGE)
    assert (result["tests"], result["cases"], result["failed"]) == (1, 3, 0)
    assert result["failures"] == []
    assert "1 个测试、3 个用例,全部通过" in shop.run("test-rules").stderr
    assert shop.rows("SELECT count(*) FROM customers") == [(0,)]
    assert shop.rows("SELECT command FROM runs") == []


def test_a_failure_shows_every_line_with_its_value_and_exits_4(shop: Shop) -> None:
    result = run_suite(
        shop, LEAVING + EDGE.replace("expect: {lacks: [要走了]}", "expect: {has: [要走了]}"), expect=4
    )
    assert result["failed"] == 2
    assert failed(result) == [("29天还不算", "要走了", True), ("退款后不足500", "要走了", True)]
    first, second = result["failures"]
    assert first["where"] == {"file": "rules/规则.yaml", "line": 14, "column": 9}
    assert [
        (line["text"], line["is_true"], line["actual"], line["distance"])
        for line in second["trace"]["members"]
    ] == [
        ("订单数 3次 以上", True, "3", ""),
        ("距上次购买天数 30 到 60天", True, "40", ""),
        ("消费额 500元 以上", False, "499.99", "还差 0.01 元"),
    ]
    shown = shop.run("test-rules", expect=4).stdout
    assert "流失边界 · 29天还不算  rules/规则.yaml:14" in shown
    assert "应有「要走了」,实际没有" in shown
    assert "✗ 距上次购买天数 30 到 60天" in shown


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{id: 甲, expect: {has: [^要走]}}", "E204"),
        ("{id: 甲, expect: {only: [^亲友]}}", "E204"),
        ("{id: 甲, expect: {^hat: [要走了]}}", "E107"),
        ("{id: 甲, ^渠到: 抖音}", "E107"),
        ("{id: 甲, orders: [{ago: 1, paid: ^1.234}]}", "E303"),
        ("{id: 甲, orders: [{ago: 1, paid: ^-1}]}", "E307"),
        ("{id: 甲, orders: [^{ago: 1, at: 2025-01-01, paid: 1}]}", "E107"),
        ("{id: 甲, orders: [^{paid: 1}]}", "E107"),
        ("{id: 甲, orders: [^{ago: 1}]}", "E107"),
        ("{id: 甲, orders: [{ago: 1, paid: 5, refund: ^6}]}", "E307"),
        ("{id: 甲, orders: [{ago: 1, paid: ^5, items: [{净额: 6}]}]}", "E307"),
        ("{id: 甲, orders: [{at: ^2025-02-30, paid: 5}]}", "E307"),
        ("{id: 甲, orders: [{ago: 1, paid: 5, items: [{商品: 甲, ^色: 红}]}]}", "E107"),
        ("{id: 甲, events: [{event: ^看了看, ago: 1}]}", "E307"),
        ("{id: 甲, 已退订: ^是}", "E307"),
        ("{id: 甲, R分: ^很高}", "E307"),
        ("^{渠道: 抖音}", "E107"),
    ],
)
def test_every_wrong_name_and_value_is_shown_at_its_place(line: str, code: str) -> None:
    """`^` stands before the place that is wrong."""
    head = f"{LEAVING}manual_tags: [亲友]\ntests:\n  - name: 一\n    as_of: 2025-03-15\n    customers:\n"
    with pytest.raises(RulesRefused) as refused:
        rules_of(f"{head}      - {line.replace('^', '')}\n")
    (problem,) = refused.value.problems
    mark = problem.place.mark
    assert (problem.code, mark.line, mark.column) == (code, 10, 9 + line.index("^"))


def test_all_mistakes_of_all_tests_come_in_one_go(shop: Shop) -> None:
    text = (
        "tags: {甲: {when: 订单数 >= 1}}\n"
        "tests:\n"
        "  - {as_of: 2025-03-15, customers: []}\n"
        "  - {name: 一, customers: []}\n"
        "  - {name: 一, as_of: 2025-03-15}\n"
        "  - {name: 二, as_of: 昨天, customers: []}\n"
        "  - {name: 三, as_of: 2025-03-15, customers: [{id: 乙}, {id: 乙}]}\n"
        "  - name: 四\n"
        "    steps:\n"
        "      - {as_of: 2025-03-15, customers: [{id: 乙}]}\n"
        "      - {as_of: 2025-03-15, expect: {丙: {has: [甲]}}}\n"
        "  - name: 五\n"
        '    as_of: "2025-03-15 10:00"\n'
        "    customers: [{id: 乙, orders: [{ago: 0, paid: 1}]}]\n"
    )
    only_rule(shop, text)
    problems = shop.json("test-rules", expect=3).error["problems"]
    assert shop.json("check-rules", expect=3).error["problems"] == problems
    assert [(problem["where"]["line"], problem["code"]) for problem in problems] == [
        (3, "E107"), (4, "E107"), (5, "E206"), (6, "E307"), (7, "E206"), (9, "E307"), (11, "E307"), (14, "E307"),
    ]  # fmt: skip


def test_facts_go_through_the_store_as_real_ones_do(shop: Shop) -> None:
    rules = """\
scopes:
  水果: {on: items, when: 品类 属于 水果}
  甲店: {on: orders, when: 店铺 是 甲店}
tags:
  水果百元: {when: 消费额(水果) >= 100元}
  甲店客: {when: 订单数(甲店) >= 1}
  买过: {when: 订单数 >= 1}
  三件: {when: 件数 >= 3件}
tests:
  - name: 订单
    as_of: 2025-03-15
    customers:
      - id: 分给各件
        orders: [{ago: 1, paid: 200, 店铺: 甲店, items: [{品类: 水果/苹果}, {品类: 数码, 数量: 2}]}]
        expect: {only: [水果百元, 甲店客, 买过, 三件]}
      - id: 写明净额
        orders: [{ago: 1, paid: 200, items: [{品类: 水果, 净额: 99.99}, {品类: 数码}]}]
        expect: {only: [买过]}
      - id: 退款也分
        orders: [{ago: 1, paid: 200, refund: 0.01, items: [{品类: 水果}, {品类: 数码}]}]
        expect: {only: [买过]}
      - id: 截止后才退
        orders: [{ago: 5, paid: 10, refund: 10, refund_at: 2025-03-16 00:00}]
        expect: {only: [买过]}
      - id: 截止前退光
        orders: [{ago: 5, paid: 10, refund: 10, refund_ago: 0}]
        expect: {only: []}
      - id: 没付款
        orders: [{ago: 5, paid: 10, status: unpaid}]
        expect: {only: []}
      - id: 明天才买
        orders: [{at: 2025-03-16 00:00, paid: 10}]
        expect: {only: []}
      - id: 今天最后一秒
        orders: [{at: 2025-03-15 23:59:59, paid: 10}]
        expect: {only: [买过]}
"""
    assert failed(run_suite(shop, rules)) == []


def test_given_values_stand_in_for_computed_ones_and_hands_set_tags(shop: Shop) -> None:
    rules = """\
manual_tags: [亲友]
tags:
  直播高分: {when: [渠道 是 抖音直播, R分 >= 4, 已退订 为假]}
  外人: {when: 标签 没有 亲友}
tests:
  - name: 字段
    as_of: 2025-03-15
    customers:
      - {id: 甲, 渠道: 抖音直播, R分: 4, expect: {has: [直播高分], lacks: [亲友]}}
      - {id: 乙, 渠道: 抖音直播, R分: 4, 已退订: true, expect: {only: [外人]}}
      - {id: 丙, 渠道: ＤＯＵ, R分: null, 标签: [亲友], expect: {only: [], has: [亲友]}}
"""
    assert failed(run_suite(shop, rules)) == []


def test_fields_of_other_facts_and_groups_can_be_given(shop: Shop) -> None:
    rules = """\
tags:
  老友: {when: [加粉天数 >= 30, 已流失 为假, 订单已绑定 为真]}
  本月寿星: {when: [生日月 = 本月, 性别 是 女]}
  高危: {when: 流失风险 是 高}
  群里的: {when: 群 有 福利一群}
tests:
  - name: 字段
    as_of: 2025-03-15
    customers:
      - {id: 甲, 加粉天数: 30, 订单已绑定: true, 生日月: 3, 性别: 女, expect: {only: [老友, 本月寿星]}}
      - {id: 乙, 加粉天数: 30, 已流失: true, 订单已绑定: true, 生日月: 4, 性别: 女, expect: {only: []}}
      - {id: 丙, 流失风险: 高, 群: [福利一群], expect: {only: [高危, 群里的]}}
      - {id: 丁, 流失风险: 低, 生日月: 3, 性别: 男, 群: [福利二群], expect: {only: []}}
"""
    assert failed(run_suite(shop, rules)) == []


def test_events_and_sends_go_through_the_store_too(shop: Shop) -> None:
    rules = """\
scopes:
  看芒果: {on: events, when: [事件 是 浏览, 商品 包含 芒果]}
tags:
  反复看: {when: 浏览次数(看芒果、近7天) >= 3}
  发过: {when: 触达次数(近7天) >= 1}
tests:
  - name: 行为
    as_of: 2025-03-15
    customers:
      - {id: 看了三次, events: [{event: 浏览, ago: 6, 商品: 大芒果, times: 3}], expect: {only: [反复看]}}
      - {id: 有一次太早, events: [{event: 浏览, ago: 6, 商品: 芒果, times: 2}, {event: 浏览商品, ago: 7, 商品: 芒果}], expect: {only: []}}
      - {id: 看的是别的, events: [{event: 浏览, ago: 0, 商品: 苹果, times: 3}], expect: {only: []}}
      - {id: 加购不算, events: [{event: 加购, ago: 0, 商品: 芒果, times: 5}], expect: {only: []}}
      - {id: 发过一次, sends: [{push: 三月, ago: 6}], expect: {only: [发过]}}
      - {id: 发得太早, sends: [{push: 三月, at: 2025-03-08 23:59}], expect: {only: []}}
"""
    result = run_suite(shop, rules, "--mutate")
    assert failed(result) == []
    # The metric counts nothing else, so this line says nothing new.
    assert {one["text"] for one in result["mutants"]["survivors"]} == {"事件 是 浏览"}


def test_failing_tests_are_mended_before_mistakes_are_made_on_purpose(shop: Shop) -> None:
    failing = EDGE.replace("expect: {lacks: [要走了]}", "expect: {has: [要走了]}")
    only_rule(shop, LEAVING + failing)
    assert "没有故意改错(--mutate)" in shop.run("test-rules", "--mutate", expect=4).stderr
    assert "没有故意改错" not in shop.run("test-rules", expect=4).stderr


def test_steps_carry_facts_and_values_on(shop: Shop) -> None:
    rules = """\
tags:
  最近买过: {when: 订单数(近30天) >= 1}
  短信来的: {when: 渠道 是 短信}
tests:
  - name: 三十天
    steps:
      - {as_of: 2025-03-01, customers: [{id: 丁, 渠道: 短信, orders: [{ago: 0, paid: 50}]}], expect: {丁: {only: [最近买过, 短信来的]}}}
      - {as_of: 2025-03-30, expect: {丁: {has: [最近买过]}}}
      - {as_of: 2025-03-31, customers: [{id: 丁, 渠道: 抖音}], expect: {丁: {only: []}}}
      - {as_of: 2025-04-30, customers: [{id: 丁, orders: [{ago: 29, paid: 1}]}], expect: {丁: {only: [最近买过]}}}
  - name: 另一个测试里的丁不是同一个人
    as_of: 2025-03-30
    customers: [{id: 丁, expect: {only: []}}]
"""
    assert failed(run_suite(shop, rules)) == []
    wrong = run_suite(shop, rules.replace("丁: {has: [最近买过]}", "丁: {lacks: [最近买过]}"), expect=4)
    assert failed(wrong) == [("丁(2025-03-30)", "最近买过", False)]
    assert wrong["failures"][0]["step"] == 2


def test_files_and_names_choose_tests(shop: Shop) -> None:
    only_rule(shop, LEAVING + EDGE)
    outside = shop.root / "更多.yaml"
    outside.write_text(
        "tests: [{name: 别的边界, as_of: 2025-03-15, customers: [{id: 空, expect: {has: [要走了]}}]}]",
        encoding="utf-8",
    )
    inside = shop.root / "rules" / "规则.yaml"
    assert shop.json("test-rules", inside).result["cases"] == 3
    assert shop.json("test-rules", shop.root / "rules").result["cases"] == 3
    assert failed(shop.json("test-rules", outside, expect=4).result) == [("空", "要走了", True)]
    assert shop.json("test-rules", inside, outside, "-k", "流失").result["tests"] == 1
    error = shop.json("test-rules", "-k", "没有的", expect=2).error
    assert (error["code"], error["hint"]) == ("no-such-test", "有:流失边界")
    assert shop.json("test-rules", shop.root / "无.yaml", expect=3).error["code"] == "unreadable-file"


def test_a_workspace_without_tests_is_told_where_to_write_them(shop: Shop) -> None:
    only_rule(shop, LEAVING)
    assert "还没有测试" in shop.run("test-rules").stderr


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_the_docs_passes_its_tests(block: str) -> None:
    rules = rules_of(block)
    verdict = judge(rules, rules.tests)
    assert verdict.checks
    assert verdict.failures == ()


def test_the_docs_name_every_key() -> None:
    for key in (
        *_ORDER_KEYS,
        *STATUSES,
        "has",
        "lacks",
        "only",
        "stage",
        "set_stage",
        "release_stage",
        "each",
        "steps",
        "as_of",
        "sends",
        "events",
        "times",
    ):
        assert f"`{key}" in PAGE or f"`{key}:" in PAGE or f"{key}:" in PAGE, key


def test_junit_is_xml_with_one_case_per_customer_and_day(shop: Shop) -> None:
    report = shop.root / "outbox" / "规则.xml"
    rules = LEAVING + EDGE.replace("刚好30天", "<三十&天>").replace("has: [要走了]", "lacks: [要走了]")
    run_suite(shop, rules, "--junit", str(report), expect=4)
    root = ElementTree.fromstring(report.read_bytes())
    (suite,) = root.findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("rules/规则.yaml", "3", "1")
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["<三十&天>", "29天还不算", "退款后不足500"]
    failure = cases[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "不应有「要走了」,实际有"
    assert "✓ 消费额 500元 以上  实际 500.00" in (failure.text or "")


def test_coverage_counts_cases_and_both_sides_of_every_line(shop: Shop) -> None:
    result = run_suite(shop, LEAVING + EDGE, "--coverage")["coverage"]
    (tag,) = result["tags"]
    assert (tag["positive"], tag["negative"]) == (True, True)
    assert [(line["text"][:3], line["seen_true"], line["seen_false"]) for line in tag["lines"]] == [
        ("订单数", True, False), ("距上次", True, True), ("消费额", True, True),
    ]  # fmt: skip
    assert result["percent"] == 7 * 100 // 8
    done = shop.run("test-rules", "--min-coverage", "88", expect=4)
    assert "覆盖 87%" in done.stderr
    assert "没有达到 --min-coverage 88" in done.stderr
    assert "「订单数 3次 以上」不成立的用例" in done.stdout
    shop.run("test-rules", "--min-coverage", "87")


def test_only_customers_whose_tag_is_checked_cover_its_lines(shop: Shop) -> None:
    rules = """\
tags:
  甲: {when: 订单数 >= 1}
  乙: {when: 订单数 >= 1}
tests:
  - name: 一
    as_of: 2025-03-15
    customers:
      - {id: 买过, orders: [{ago: 1, paid: 1}], expect: {has: [甲]}}
      - {id: 没买, expect: {lacks: [甲]}}
"""
    tags = {one["tag"]: one["found"] for one in run_suite(shop, rules, "--coverage")["coverage"]["tags"]}
    assert tags == {"甲": 4, "乙": 0}


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1000), min_size=1, max_size=6))
def test_amounts_are_divided_without_losing_a_fen(amount: int, weights: list[int]) -> None:
    parts = divide(amount, weights)
    if any(weights):
        assert sum(parts) == amount
        assert all(
            abs(part - amount * weight / sum(weights)) < 1
            for part, weight in zip(parts, weights, strict=True)
        )
    nets = spread(amount, [None] * len(weights))
    assert nets is not None
    assert sum(nets) == amount


def test_what_is_left_of_an_order_goes_to_the_items_without_a_net() -> None:
    assert spread(1000, [300, None, None]) == [300, 350, 350]
    assert spread(None, [300, None]) == [300, 0]
    assert spread(1000, [300]) is None
    assert spread(100, [300, None]) is None
