"""test-rules: stages that are expected, words of lists and orders of groups that no test looks at, tables of cases."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_cli.rules.mutants import mutants_of
from tests.conftest import Shop
from tests.rules.rule_facts import rules_of
from tests.rules.test_rule_errors import problems_of
from tests.rules.test_rule_tests import run_suite

STAGES = """\
scopes: {水果: {on: items, when: 品类 属于 水果}}
stages:
  - name: 新客户
  - {name: 意向客户, when: 订单数 >= 1}
  - {name: 成交客户, when: 订单数(水果) >= 2}
  - {name: 无意向客户, lost: true}
"""
FRUIT = "{paid: 50, items: [{品类: 水果}], "
WEEK = f"""\
tests:
  - name: 一周
    steps:
      - as_of: 2025-03-01
        customers:
          - {{id: 没买, expect: {{stage: 新客户}}}}
          - {{id: 买水果, orders: [{FRUIT}ago: 0}}], expect: {{stage: 意向客户}}}}
          - {{id: 人定, set_stage: {{无意向客户: 2}}, expect: {{stage: 无意向客户}}}}
      - as_of: 2025-03-02
        customers:
          - {{id: 买水果, orders: [{FRUIT}ago: 0}}]}}
          - {{id: 没买, orders: [{{paid: 9, items: [{{品类: 茶}}], ago: 0}}, {{paid: 9, items: [{{品类: 茶}}], ago: 0}}]}}
          - {{id: 人定, orders: [{FRUIT}ago: 0}}, {FRUIT}ago: 0}}]}}
        expect: {{买水果: {{stage: 成交客户}}, 没买: {{stage: 意向客户}}, 人定: {{stage: 无意向客户}}}}
"""


def survivors(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["tag"], one["change"]) for one in result["mutants"]["survivors"]]


def test_stages_move_over_days_and_hands_stay(shop: Shop) -> None:
    result = run_suite(shop, STAGES + WEEK, "--coverage", "--mutate")
    assert (result["failed"], result["checks"], result["coverage"]["percent"]) == (0, 6, 100)
    assert [(one["tag"], one["is_stage"]) for one in result["coverage"]["tags"]] == [
        ("意向客户", True), ("成交客户", True),
    ]  # fmt: skip
    # >= 1: > 1, left out; >= 2: > 2, >= 1, left out; the scope's line.
    assert (result["mutants"]["total"], survivors(result)) == (6, [])


RELEASED = """\
stages: [{name: 新客户}, {name: 意向客户, when: 订单数 >= 1}, {name: 成交客户, when: 订单数 >= 2}, {name: 无意向客户}]
tests:
  - name: 还给规则
    steps:
      - as_of: 2025-03-01
        customers:
          - {id: 甲, set_stage: 无意向客户, orders: [{ago: 0, paid: 9}], expect: {stage: 无意向客户}}
          - {id: 乙, set_stage: 无意向客户, orders: [{ago: 0, paid: 9}], expect: {stage: 无意向客户}}
          - {id: 丙, set_stage: {无意向客户: 3}, release_stage: true, orders: [{ago: 0, paid: 9}], expect: {stage: 意向客户}}
          - {id: 丁, each: {省: [广东, 海南]}, set_stage: 成交客户, expect: {stage: 成交客户}}
      - as_of: 2025-03-02
        customers:
          - {id: 甲, release_stage: true, expect: {stage: 意向客户}}
          - {id: 乙, orders: [{ago: 0, paid: 9}]}
          - {id: 丁·海南, release_stage: true}
        expect: {乙: {stage: 无意向客户}, 丁·海南: {stage: 成交客户}}
      - as_of: 2025-03-03
        customers:
          - {id: 甲, orders: [{ago: 0, paid: 9}]}
          - {id: 丙, set_stage: 无意向客户, orders: [{ago: 0, paid: 9}]}
        expect: {甲: {stage: 成交客户}, 乙: {stage: 无意向客户}, 丙: {stage: 无意向客户}}
"""


def test_a_released_stage_goes_with_the_rules_again(shop: Shop) -> None:
    result = run_suite(shop, RELEASED)
    assert (result["failed"], result["checks"]) == (0, 5 + 3 + 3)
    # Nobody who is not released moves: without the release 甲 stays where the hand put them.
    held = run_suite(shop, RELEASED.replace("甲, release_stage: true, expect", "甲, expect"), expect=4)
    assert [(one["customer"], one["stands"]) for one in held["failures"]] == [
        ("甲", "无意向客户"), ("甲", "无意向客户"),
    ]  # fmt: skip


def test_only_what_a_hand_set_can_be_released_and_only_once() -> None:
    step = "{as_of: 2025-03-02, customers: [{id: 甲, release_stage: true}]}"
    again = step.replace("03-02", "03-03")
    first = "{as_of: 2025-03-01, customers: [{id: 甲, set_stage: 意向客户}, {id: 乙}]}"
    rules_of(f"{STAGES}tests: [{{name: 测, steps: [{first}, {step}]}}]")
    for steps in (f"{first}, {step}, {again}", f"{first}, {step.replace('甲', '乙')}"):
        problems = problems_of(f"{STAGES}tests: [{{name: 测, steps: [{steps}]}}]")
        assert problems == [("E307", "release_stage")]
    # Another test starts afresh.
    other = f"{{name: 别的, steps: [{step}]}}"
    tests = f"{STAGES}tests: [{{name: 测, steps: [{first}]}}, {other}]"
    assert problems_of(tests) == [("E307", "release_stage")]


@pytest.mark.parametrize(
    ("old", "new", "missed"),
    [
        ("买水果: {stage: 成交客户}, ", "", ("阶段「成交客户」", "改成 > 2次")),
        (", 没买: {stage: 意向客户}", "", ("阶段「成交客户」", "去掉这一条")),
    ],
)
def test_a_stage_that_no_test_expects_is_found_out(
    shop: Shop, old: str, new: str, missed: tuple[str, str]
) -> None:
    result = run_suite(shop, STAGES + WEEK.replace(old, new), "--mutate")
    assert missed in survivors(result)


def test_a_wrong_stage_is_told_with_the_lines_that_lead_there(shop: Shop) -> None:
    result = run_suite(
        shop, STAGES + WEEK.replace("买水果: {stage: 成交客户}", "买水果: {stage: 意向客户}"), expect=4
    )
    (failure,) = result["failures"]
    assert (failure["tag"], failure["stage"], failure["stands"]) == (None, "意向客户", "成交客户")
    assert failure["trace"]["text"] == "订单数 >= 1"
    assert failure["trace"]["actual"] == "2"
    assert "应在阶段「意向客户」,实际在「成交客户」" in shop.run("test-rules", expect=4).stdout
    # Nothing leads to a stage without a condition.
    text = STAGES + WEEK.replace("没买, expect: {stage: 新客户}", "没买, expect: {stage: 无意向客户}")
    assert run_suite(shop, text, expect=4)["failures"][0]["trace"] is None


def test_a_file_that_only_lists_stages_is_judged_by_its_stages(shop: Shop) -> None:
    shop.run("test-rules", "--min-coverage", "100")
    result = shop.json("test-rules", shop.root / "rules" / "阶段.yaml", "--coverage").result
    assert [one["tag"] for one in result["coverage"]["tags"]] == ["成交客户"]
    other = shop.json("test-rules", shop.root / "rules" / "爱水果.yaml", "--coverage").result
    assert [one["tag"] for one in other["coverage"]["tags"]] == ["爱水果"]


@pytest.mark.parametrize(
    ("case", "code", "word"),
    [
        ("{id: 甲, expect: {stage: 成交}}", "E307", "成交"),
        ("{id: 甲, set_stage: 成交}", "E307", "成交"),
        ("{id: 甲, set_stage: {成交客户: 早上}}", "E307", "早上"),
        ("{id: 甲, set_stage: {成交客户: 1, 新客户: 2}}", "E107", "{"),
        ("{id: 甲, release_stage: true}", "E307", "release_stage"),
        ("{id: 甲, set_stage: 成交客户, release_stage: 昨天}", "E307", "昨天"),
        ("{id: 甲, each: {商品: [甲], 品类: [乙]}}", "E107", "{"),
        ("{id: 甲, each: {爱好: [甲]}}", "E107", "爱好"),
    ],
)
def test_mistakes_are_placed(case: str, code: str, word: str) -> None:
    tests = f"tests: [{{name: 测, as_of: 2025-03-01, customers: [{case}]}}]"
    assert problems_of(f"{STAGES}{tests}") == [(code, word)]


WORDS = "tags: {甲: {when: 订单数(茶) >= 1}}\nscopes: {茶: {on: items, when: [商品名 包含 红茶、茶、绿茶、奶, 商品名 不含 茶具、茶杯]}}\n"


def test_words_are_left_out_unless_another_finds_what_they_find() -> None:
    found = [one.change.change for one in mutants_of(rules_of(WORDS))]
    # 茶 finds 红茶 and 绿茶 too: without these nobody is missed.
    assert {one for one in found if "」" in one} == {
        "去掉「茶」",
        "去掉「奶」",
        "去掉「茶具」",
        "去掉「茶杯」",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("渠道 是 甲、乙", ["去掉「甲」", "去掉「乙」"]),
        ("标签 有 亲友、员工", ["去掉「亲友」", "去掉「员工」"]),
        ("标签 没有 亲友、员工", ["去掉「亲友」", "去掉「员工」"]),
        ("渠道 开头是 抖、抖音、淘", ["去掉「抖」", "去掉「淘」"]),
        ("渠道 结尾是 播、直播", ["去掉「播」"]),
        ("渠道 是 甲", []),
    ],
)
def test_every_kind_of_list_loses_a_word(line: str, expected: list[str]) -> None:
    found = mutants_of(rules_of(f"manual_tags: [亲友, 员工]\ntags: {{丙: {{when: [{line}]}}}}"))
    assert sorted(one.change.change for one in found if "」" in one.change.change) == sorted(expected)


def test_one_customer_per_value_shows_every_word(shop: Shop) -> None:
    each = """\
tests:
  - name: 每个词
    as_of: 2025-03-15
    customers:
      - {id: 算, each: {商品名: [茶, 奶]}, orders: [{ago: 1, paid: 9}], expect: {has: [甲]}}
      - {id: 不算, each: {商品名: [茶具, 茶杯]}, orders: [{ago: 1, paid: 9}], expect: {lacks: [甲]}}
      - {id: 别的, orders: [{ago: 1, paid: 9}], expect: {lacks: [甲]}}
"""
    result = run_suite(shop, WORDS + each, "--mutate")
    assert (result["cases"], result["failed"], survivors(result)) == (5, 0, [])
    fewer = run_suite(shop, WORDS + each.replace("[茶, 奶]", "[茶]"), "--mutate")
    assert survivors(fewer) == [("甲", "去掉「奶」")]
    wrong = run_suite(shop, WORDS + each.replace("[茶, 奶]", "[茶, 酒]"), expect=4)
    assert [one["customer"] for one in wrong["failures"]] == ["算·酒"]


def test_a_field_of_customers_can_be_given_value_by_value(shop: Shop) -> None:
    rules = "tag_groups: {区: {map: {field: 省, values: {广东: 南, 海南: 南, 北京: 北}, else: 其他}}}\n"
    case = """\
tests:
  - name: 每个省
    as_of: 2025-03-15
    customers:
      - {id: 南方, each: {省: [广东, 海南]}, expect: {has: [南], lacks: [北, 其他]}}
      - {id: 北方, 省: 北京, expect: {has: [北], lacks: [南]}}
      - {id: 外面, 省: 法国, expect: {has: [其他]}}
"""
    assert survivors(run_suite(shop, rules + case, "--mutate")) == []
    assert survivors(run_suite(shop, rules + case.replace("广东, 海南", "海南"), "--mutate")) == [
        ("南", "去掉「广东」")
    ]


GROUP = """\
tag_groups:
  档:
    tags:
      - 贵: {when: 消费额 >= 100元}
      - 常来: {when: 订单数 >= 2}
      - 来过: {when: 订单数 >= 1}
    default: 没来过
"""


def test_the_order_of_a_group_is_a_rule_like_any_other(shop: Shop) -> None:
    tests = """\
tests:
  - name: 档
    as_of: 2025-03-15
    customers:
      - {id: 又贵又常, orders: [{ago: 1, paid: 99}, {ago: 1, paid: 1}], expect: {has: [贵]}}
      - {id: 九十九, orders: [{ago: 1, paid: 99.99}], expect: {has: [来过]}}
      - {id: 两单, orders: [{ago: 1, paid: 1}, {ago: 1, paid: 1}], expect: {has: [常来]}}
      - {id: 没来, expect: {has: [没来过]}}
"""
    assert survivors(run_suite(shop, GROUP + tests, "--mutate")) == []
    single = tests.replace("[{ago: 1, paid: 99}, {ago: 1, paid: 1}]", "[{ago: 1, paid: 100}]")
    assert survivors(run_suite(shop, GROUP + single, "--mutate")) == [("贵", "排到「常来」后面")]


def test_neighbours_that_exclude_each_other_are_in_no_order() -> None:
    text = GROUP.replace("消费额 >= 100元", "[订单数 < 2, 消费额 >= 100元]")
    found = [one.change.change for one in mutants_of(rules_of(text)) if "排到" in one.change.change]
    assert found == ["排到「来过」后面"]
