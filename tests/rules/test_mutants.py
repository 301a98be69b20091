"""--mutate: small mistakes are really mistakes, and a suite is told which of them it does not notice."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from siyu_cli.rules.amounts import holds
from siyu_cli.rules.changes import Mutant
from siyu_cli.rules.mutants import mutants_of
from siyu_cli.rules.survival import survivors_of
from siyu_cli.rules.testing import checks_of, run_tests
from siyu_cli.rules.tree import AllOf, Condition, NumberTest
from siyu_cli.store.fixtures import memory_store
from siyu_cli.workspace import configs_dir
from tests.conftest import Shop
from tests.rules.rule_facts import rules_of
from tests.rules.test_rule_tests import run_suite
from tests.rules.test_tag_commands import only_rule

NAMES = """\
scopes:
  水果: {on: items, when: [品类 属于 水果, 商品名 不含 果干]}
metrics:
  占比: {ratio: [消费额(水果), 消费额], unit: "%"}
"""


def changes_of(text: str) -> list[str]:
    """The mutants of a rule set in words."""
    return [f"{one.change.text} → {one.change.change}" for one in mutants_of(rules_of(text))]


def of_line(line: str) -> list[str]:
    found = changes_of(f"{NAMES}tags: {{甲: {{when: [{line}]}}}}")
    return [one.partition(" → ")[2] for one in found if one.startswith(line) and "去掉" not in one]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("订单数 >= 3", ["改成 > 3次", "改成 >= 2次"]),
        ("订单数 > 3", ["改成 >= 3次", "改成 > 4次"]),
        ("订单数 不满 3次", ["改成 <= 3次", "改成 < 2次"]),
        ("订单数 <= 3", ["改成 < 3次", "改成 <= 4次"]),
        ("订单数 = 0", ["改成 = 1次"]),
        ("订单数 != 2", ["改成 = 3次", "改成 = 1次"]),
        ("距上次购买天数 30 到 60天", ["改成 > 30天", "改成 >= 29天", "改成 < 60天", "改成 <= 61天"]),
        ("消费额 500元 以上", ["改成 > 500元", "改成 >= 499.99元"]),
        ("客单价 > 120", ["改成 >= 120元", "改成 > 120.01元"]),
        ("占比 >= 60%", ["改成 > 60%", "改成 >= 59%"]),
        ("占比 >= 33.33%", ["改成 > 33.33%", "改成 >= 33.32%"]),
        ("订单数(近90天) >= 1", ["改成 > 1次", "窗口改成 近91天", "窗口改成 近89天"]),
        ("订单数(近1天) 有值", ["窗口改成 近2天"]),
        (
            "订单数(30到60天前) 有值",
            [f"窗口改成 {one}天前" for one in ("29到60", "31到60", "30到61", "30到59")],
        ),
        ("占比(近7天) 有值", ["窗口改成 近8天", "窗口改成 近6天"]),
        ("渠道 是 甲、乙", []),
    ],
)
def test_bounds_and_windows_move_by_one_step(line: str, expected: list[str]) -> None:
    assert of_line(line) == expected


def test_lists_lose_a_line_change_their_kind_and_their_number() -> None:
    text = (
        "tags: {甲: {when: {any: [渠道 是 甲, all: [省 是 乙, 市 是 丙], none: [已退订 为真, 省 是 丁],"
        " not: 市 是 戊, at_least: {n: 2, of: [渠道 有值, 省 有值, 市 有值]}]}}}"
    )
    assert changes_of(text) == [
        "any → any 改成全部满足",
        "渠道 是 甲 → 去掉这一条",
        "all → 去掉这一条",
        "all → all 改成任一满足",
        "省 是 乙 → 去掉这一条",
        "市 是 丙 → 去掉这一条",
        "none → 去掉这一条",
        "none → none 改成全部满足",
        "已退订 为真 → 去掉这一条",
        "省 是 丁 → 去掉这一条",
        "not → 去掉这一条",
        "at_least → 去掉这一条",
        "at_least → n 改成 1",
        "at_least → n 改成 3",
        "渠道 有值 → 去掉这一条",
        "省 有值 → 去掉这一条",
        "市 有值 → 去掉这一条",
    ]


def test_a_scope_is_changed_once_for_all_rules_that_count_within_it() -> None:
    text = f"{NAMES}tags: {{甲: {{when: 订单数(水果) >= 1}}, 乙: {{when: [占比 > 5%]}}, 丙: {{when: 订单数 >= 1}}}}"
    found = [one for one in mutants_of(rules_of(text)) if one.change.mark.line == 2]
    assert [(one.of, one.change.text, one.change.change) for one in found] == [
        ("乙、甲", "all", "all 改成任一满足"),
        ("乙、甲", "品类 属于 水果", "去掉这一条"),
        ("乙、甲", "商品名 不含 果干", "去掉这一条"),
    ]
    assert {rule.name for rule in found[0].rules} == {"甲", "乙"}


def truths(condition: Condition, top: int) -> tuple[bool, ...]:
    """A condition on one stepwise number over all its values."""
    tests = condition.members if isinstance(condition, AllOf) else (condition,)
    return tuple(
        all(isinstance(test, NumberTest) and holds(test, Fraction(value)) for test in tests)
        for value in range(top)
    )


@pytest.mark.parametrize(
    "line", ["订单数 >= 3", "订单数 > 2", "订单数 3 到 5", "订单数 <= 4.5", "订单数 不满 4", "订单数 = 4"]
)
def test_no_mutant_means_what_the_rule_or_another_mutant_means(line: str) -> None:
    rules = rules_of(f"tags: {{甲: {{when: {line}}}}}")
    meanings = [truths(rules.tags[0].when, 12)]
    meanings += [truths(mutant.rules[0].when, 12) for mutant in mutants_of(rules)]
    assert len(meanings) >= 3
    assert len(set(meanings)) == len(meanings)


def survivors(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["tag"], one["change"]) for one in result["mutants"]["survivors"]}


CHAIN = """\
tags:
  常客: {when: 订单数(近30天) >= 2}
  该问候: {when: [标签 有 常客, 已退订 为假]}
tests:
  - name: 一
    as_of: 2025-03-15
    customers:
      - {id: 两单, orders: [{ago: 0, paid: 1}, {ago: 29, paid: 1}], expect: {has: [TAG]}}
      - {id: 一单, orders: [{ago: 0, paid: 1}, {ago: 40, paid: 1}], expect: {lacks: [TAG]}}
"""


def test_a_tag_is_also_tested_through_the_tags_that_refer_to_it(shop: Shop) -> None:
    for tag in ("常客", "该问候"):
        result = run_suite(shop, CHAIN.replace("TAG", tag), "--mutate")
        found = survivors(result)
        # Nobody bought exactly 30 days ago, and nobody in the suite opted out.
        assert ("常客", "窗口改成 近31天") in found
        assert not {("常客", "改成 > 2次"), ("常客", "改成 >= 1次"), ("常客", "窗口改成 近29天")} & found
        assert (("该问候", "去掉这一条") in found) == (tag == "常客") or tag == "该问候"
    assert {change for tag, change in found if tag == "该问候"} == {"去掉这一条"}


def test_survivors_are_listed_with_the_case_that_is_missing(shop: Shop) -> None:
    only_rule(shop, CHAIN.replace("TAG", "常客"))
    done = shop.run("test-rules", "--mutate")
    row = next(line for line in done.stdout.splitlines() if "近31天" in line)
    assert "rules/规则.yaml:2" in row
    assert "缺 30 天前的用例" in row
    assert "故意改错" in done.stderr
    shop.run("test-rules", "--mutate", "--min-coverage", "10")
    assert shop.run("test-rules", "-k", "一", "--mutate", "--min-coverage", "99", expect=4)


def test_nothing_is_mutated_while_a_test_fails(shop: Shop) -> None:
    result = run_suite(shop, CHAIN.replace("TAG", "常客").replace("lacks", "has"), "--mutate", expect=4)
    assert result["mutants"] is None


def test_mutants_keep_the_tags_people_set(shop: Shop) -> None:
    rules = """\
tags: {常客: {when: 订单数 >= 2}}
tests:
  - name: 一
    as_of: 2025-03-15
    customers: [{id: 手打的, 标签: [常客], expect: {has: [常客]}}]
"""
    result = run_suite(shop, rules, "--mutate")
    assert len(survivors(result)) == result["mutants"]["total"] == 3


def test_the_shipped_rules_are_covered_and_every_mistake_in_them_is_noticed(shop: Shop) -> None:
    assert (configs_dir() / "rules").is_dir()
    result = shop.json("test-rules", "--coverage", "--mutate", "--min-coverage", "100").result
    assert result["failed"] == 0
    assert result["coverage"]["percent"] == 100
    assert result["mutants"]["survivors"] == []
    assert result["mutants"]["total"] >= 20


def test_mutants_come_in_the_order_of_the_files() -> None:
    found: list[Mutant] = mutants_of(rules_of(CHAIN.replace("TAG", "常客")))
    marks = [(one.change.mark.line, one.change.mark.column) for one in found]
    assert marks == sorted(marks)


GROUPS = """\
tag_groups:
  层次:
    exclusive: true
    tags:
      - 大客: {when: 消费额 >= 100元}
      - 小客: {when: 订单数 >= 1}
    default: 路人
  档位:
    exclusive: true
    bands: {of: 消费额, cuts: [50, 100], names: [低, 中, 高]}
tests:
  - name: 层次
    as_of: 2025-03-15
    customers:
      - {id: 没买, expect: {only: [路人, 低]}}
      - {id: 四九九九, orders: [{ago: 1, paid: 49.99}], expect: {only: [小客, 低]}}
      - {id: 五十, orders: [{ago: 1, paid: 50}], expect: {only: [小客, 中]}}
      - {id: 九九九九, orders: [{ago: 1, paid: 99.99}], expect: {only: [小客, 中]}}
      - {id: 一百, orders: [{ago: 1, paid: 100}], expect: {only: [大客, 高]}}
"""


def test_members_of_groups_are_changed_inside_their_group(shop: Shop) -> None:
    result = run_suite(shop, GROUPS, "--coverage", "--mutate")
    assert result["coverage"]["percent"] == 100
    assert survivors(result) == set()
    # 大客 wins over 小客, so only the edge of 大客 tells the two apart.
    without = GROUPS.replace(
        "      - {id: 一百, orders: [{ago: 1, paid: 100}], expect: {only: [大客, 高]}}\n", ""
    )
    assert {("大客", "改成 > 100元"), ("高", "改成 > 100元")} <= survivors(
        run_suite(shop, without, "--mutate")
    )


DEEDS = """\
tags:
  反复看:
    keep: 2d
    when:
      did: {event: 浏览, same: 商品, times: ">= 3", days: ">= 2", within: 近7天, without: {event: 订单, same: true, since: first}}
  有兴趣:
    when: {did: {event: 加购, after: {push: 三月, hours: 72}, where: [品类 属于 水果, 商品 不含 果干]}}
  快走了: {when: 距上次购买天数 >= 30}
  回来了:
    keep: 30d
    when: [曾有标签(近45天) 有 快走了, 标签 没有 快走了]
  走了很久: {when: 持有天数(快走了) >= 7}
"""


def test_what_customers_did_and_which_tags_they_had_is_changed_too() -> None:
    found = [(one.of, one.change.change) for one in mutants_of(rules_of(DEEDS))]
    # At least one view is always there: `>= 1天` is what is left without days.
    assert [change for of, change in found if of == "反复看"] == [
        "keep 改成 3d", "keep 改成 1d", "去掉这一条", "改成 > 3次", "改成 >= 2次", "改成 > 2天", "改成 >= 1天",
        "去掉 without", "窗口改成 近8天", "窗口改成 近6天",
    ]  # fmt: skip
    assert [change for of, change in found if of == "有兴趣"] == [
        "去掉这一条", "去掉 where", "hours 改成 73", "hours 改成 71", "all 改成任一满足", "去掉这一条", "去掉这一条",
    ]  # fmt: skip
    assert ("回来了", "窗口改成 近46天") in found
    assert ("走了很久", "改成 > 7天") in found


STORY = (
    DEEDS
    + """\
tests:
  - name: 保留
    steps:
      - {as_of: 2025-03-01, customers: [{id: 丁, 曾有标签: [快走了], orders: [{ago: 0, paid: 50}]}], expect: {丁: {has: [回来了]}}}
      - {as_of: 2025-03-30, expect: {丁: {has: [回来了]}}}
      - {as_of: 2025-03-31, expect: {丁: {has: [回来了, 快走了], lacks: [走了很久]}}}
      - {as_of: 2025-04-07, expect: {丁: {has: [走了很久]}}}
      - {as_of: 2025-04-29, expect: {丁: {has: [回来了]}}}
      - {as_of: 2025-04-30, expect: {丁: {lacks: [回来了]}}}
  - name: 历史
    as_of: 2025-03-01
    customers:
      - {id: 四十四天前, 曾有标签: {快走了: 44}, orders: [{ago: 13, paid: 50}], expect: {has: [回来了]}}
      - {id: 四十五天前, 曾有标签: {快走了: 45}, orders: [{ago: 13, paid: 50}], expect: {lacks: [回来了]}}
      - {id: 还在走, 曾有标签: [快走了], orders: [{ago: 40, paid: 5}], expect: {lacks: [回来了]}}
      - {id: 没走过, orders: [{ago: 29, paid: 50}], expect: {only: []}}
      - {id: 手打七天, 标签: {快走了: 7}, expect: {has: [走了很久]}}
      - {id: 手打六天, 标签: {快走了: 6}, expect: {lacks: [走了很久]}}
  - name: 行为
    as_of: 2025-03-15
    customers:
      - {id: 三次两天, events: [{event: 浏览, ago: 6, 商品: 芒果, times: 2}, {event: 浏览, ago: 0, 商品: 芒果}], expect: {has: [反复看]}}
      - {id: 买了, events: [{event: 浏览, ago: 6, 商品: 芒果, times: 2}, {event: 浏览, ago: 1, 商品: 芒果}], orders: [{ago: 0, paid: 10, items: [{商品名: 芒果}]}], expect: {lacks: [反复看]}}
      - {id: 加了, sends: [{push: 三月, at: 2025-03-10 10:00}], events: [{event: 加购, at: 2025-03-13 10:00, 品类: 水果}], expect: {has: [有兴趣]}}
      - {id: 加晚了, sends: [{push: 三月, at: 2025-03-10 10:00}], events: [{event: 加购, at: 2025-03-13 10:01, 品类: 水果}], expect: {lacks: [有兴趣]}}
"""
)


def test_tests_follow_grace_and_history_over_days(shop: Shop) -> None:
    result = run_suite(shop, STORY, "--mutate")
    assert result["failures"] == []
    left = survivors(result)
    assert not {one for one in left if one[0] in ("走了很久", "快走了")}
    # Who was a leaver 44 days ago had it on the last day of the window, who was 45 days ago on the day before.
    assert {change for of, change in left if of == "回来了"} == set()
    assert ("反复看", "去掉 without") not in left
    assert ("有兴趣", "hours 改成 73") not in left or ("有兴趣", "hours 改成 71") not in left


def test_keep_is_made_longer_and_shorter() -> None:
    found = mutants_of(
        rules_of("tags: {甲: {when: 订单数 >= 1, keep: 30d}, 乙: {when: 订单数 >= 1, keep: forever}}")
    )
    words = {(one.of, one.change.change, one.change.missing) for one in found if "keep" in one.change.change}
    assert words == {
        ("甲", "keep 改成 31d", "缺条件成立后第 31 天的用例"),
        ("甲", "keep 改成 29d", "缺条件成立后第 30 天的用例"),
        ("乙", "keep 改成 0d", "缺条件不再成立以后的用例"),
    }


@pytest.mark.parametrize("text", [CHAIN.replace("TAG", "该问候"), GROUPS], ids=["references", "groups"])
def test_many_mutants_in_one_query_live_as_each_does_alone(text: str) -> None:
    rules = rules_of(text)
    mutants = mutants_of(rules)
    automatic = [rule.name for rule in rules.tags]
    with memory_store() as con:
        held, _ = run_tests(con, rules, rules.tests)
        checks = list(checks_of(rules.tests, held, automatic))
        together = survivors_of(con, rules, rules.tests, checks, mutants)
        alone = []
        for mutant in mutants:
            changed = {rule.name: rule for rule in mutant.rules}
            other = replace(
                rules,
                tags=tuple(changed.get(rule.name, rule) for rule in rules.tags),
                strata=tuple(tuple(changed.get(rule.name, rule) for rule in layer) for layer in rules.strata),
                groups=rules.groups if mutant.group is None else (mutant.group,),
            )
            if list(checks_of(other.tests, run_tests(con, other, other.tests)[0], automatic)) == checks:
                alone.append(mutant)
    assert len(mutants) > len(alone)
    assert together == alone
