"""Every W code: what is warned of, where, and what is not."""

from __future__ import annotations

import pytest

from siyu_cli.rules.data_lints import lint_rules
from siyu_cli.rules.lints import pushed_in
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.tree import AllOf, AnyOf, Not, TagTest

SCOPE = "scopes:\n  水果: {on: items, when: 品类 属于 水果}\n"


def warnings_of(text: str, *, untested: bool = False) -> list[tuple[str, str]]:
    """(code, words under the caret) of each warning that needs no data; tests are another matter."""
    linted = lint_rules(check_rules([("a.yaml", text.encode())]))
    found = []
    for problem in linted.problems:
        if problem.code == "W606" and not untested:
            continue
        assert problem.severity == "warning"
        assert "警告" in str(problem)
        start = problem.place.mark.column - 1
        found.append((problem.code, problem.source[start : start + problem.place.length]))
    return found


def when(*lines: str, key: str = "") -> str:
    body = "".join(f"        - {line}\n" for line in lines)
    nested = f"      {key}:\n" if key else ""
    return f"manual_tags: [甲, 乙]\ntags:\n  这个:\n    when:\n{nested}{body}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (when("not: 距上次购买天数 >= 30"), "距上次购买天数 >= 30"),
        (when("none: [距上次购买天数 >= 30, 已退订 为真]"), "距上次购买天数 >= 30"),
        (when("距上次购买天数 != 30"), "距上次购买天数 != 30"),
        (when("not: 客单价(近90天) > 100"), "客单价(近90天) > 100"),
        (when("not: R分 >= 4"), "R分 >= 4"),
        (when("any: [已退订 为真, not: 距上次购买天数 >= 30]"), "距上次购买天数 >= 30"),
        (when("订单数(近30天) = 0", "not: 距上次购买天数 >= 30"), "距上次购买天数 >= 30"),
    ],
)
def test_w601_a_not_that_takes_in_who_has_no_value(text: str, found: str) -> None:
    assert warnings_of(text) == [("W601", found)]


@pytest.mark.parametrize(
    "lines",
    [
        ["not: 订单数 >= 3"],
        ["not: 消费额 >= 30元"],
        ["距上次购买天数 < 30"],
        ["订单数 >= 1", "not: 距上次购买天数 >= 30"],
        ["距上次购买天数 有值", "not: 距上次购买天数 >= 30"],
        ["距上次购买天数 < 300", "not: 距上次购买天数 < 30"],
        ["not: {not: 距上次购买天数 >= 30}"],
        ["not: {any: [订单数 = 0, 距上次购买天数 >= 30]}", "订单数 > 0"],
    ],
)
def test_w601_is_not_said_where_nobody_is_taken_in(lines: list[str]) -> None:
    assert "W601" not in [code for code, _ in warnings_of(when(*lines))]


def test_w601_says_what_to_add() -> None:
    text = when("not: 距上次购买天数 >= 30", "not: 客单价(近90天、 水果 ) > 100")
    linted = lint_rules(check_rules([("a.yaml", (SCOPE + text).encode())]))
    hints = [problem.hint for problem in linted.problems if problem.code == "W601"]
    assert ["「订单数 >= 1」" in hints[0], "「客单价(近90天、 水果) 有值」" in hints[1]] == [True, True]


@pytest.mark.parametrize(
    "lines",
    [
        ["距上次购买天数 < 30", "距上次购买天数 > 60"],
        ["距上次购买天数 30 到 60", "距上次购买天数 61 到 90"],
        ["订单数 > 3", "订单数 < 4"],
        ["消费额 >= 500", "消费额 < 500"],
        ["消费额 >= 500.01", "消费额 <= 500"],
        ["订单数 = 3", "订单数 = 4"],
        ["订单数 = 3", "订单数 != 3"],
        ["客单价 > 5", "客单价 <= 5"],
        ["省 是 广东", "省 属于 广西、海南"],
        ["省 是 广东", "省 不属于 广东、广西"],
        ["省 为空", "省 是 广东"],
        ["R分 为空", "R分 >= 2"],
        ["已退订 为真", "已退订 为假"],
        ["标签 有 甲", "标签 没有 甲、乙"],
        ["all: [订单数 >= 5]", "订单数 < 5"],
        ["none: [订单数 >= 5]", "订单数 >= 5"],
        ["订单数 >= 1", "not: {any: [订单数 > 0, 已退订 为真]}"],
    ],
)
def test_w602_two_lines_nobody_fits(lines: list[str]) -> None:
    assert "W602" in [code for code, _ in warnings_of(when(*lines))]


@pytest.mark.parametrize(
    "lines",
    [
        ["距上次购买天数 >= 30", "距上次购买天数 <= 30"],
        ["订单数 > 3", "订单数 < 5"],
        ["客单价 > 3", "客单价 < 4"],
        ["消费额 > 500", "消费额 < 500.02"],
        ["订单数(近30天) < 3", "订单数 > 3"],
        ["省 属于 广东、广西", "省 属于 广西、海南"],
        ["any: [订单数 < 3, 订单数 > 5]"],
        ["省 是 广东", "市 是 深圳"],
        ["标签 有 甲", "标签 没有 乙"],
        ["消费额 500元 以上", "订单数 < 3"],
        ["渠道 是 甲", "渠道 包含 乙"],
    ],
)
def test_w602_is_not_said_of_what_can_be_true(lines: list[str]) -> None:
    assert [code for code, _ in warnings_of(when(*lines))] == []


def test_w602_stands_in_scopes_too_and_names_both_lines() -> None:
    text = "scopes:\n  大小单:\n    on: orders\n    when:\n      - 净额 < 10元\n      - 净额 > 20元\n" + when(
        "订单数(大小单) >= 1"
    )
    linted = lint_rules(check_rules([("a.yaml", text.encode())]))
    problem = next(problem for problem in linted.problems if problem.code != "W606")
    assert (problem.code, problem.place.mark.line) == ("W602", 6)
    assert "a.yaml:5「净额 < 10元」" in problem.hint


def test_w603_any_of_two_negatives() -> None:
    assert warnings_of(when("渠道 不是 抖音", "渠道 不是 短信", key="any")) == [("W603", "渠道 不是 短信")]
    assert warnings_of(when("标签 没有 甲", "标签 没有 乙", key="any")) == [("W603", "标签 没有 乙")]
    assert warnings_of(when("not: {all: [渠道 是 抖音, 渠道 是 短信]}"))[-1][0] == "W603"
    assert warnings_of(when("渠道 不是 抖音", "省 不是 广东", key="any")) == []
    assert warnings_of(when("渠道 不是 抖音", "渠道 不是 短信")) == []
    assert warnings_of(when("渠道 是 抖音", "渠道 是 短信", key="any")) == []


def test_w604_a_keyword_inside_another() -> None:
    scope = "scopes: {甲: {on: items, when: [商品名 包含 苹果、红苹果、芒果, 商品名 不含 苹果手机]}}\n"
    assert warnings_of(scope + when("订单数(甲) >= 1")) == [("W604", "红苹果")]


def test_w605_what_nobody_uses() -> None:
    text = (
        "scopes:\n  用到: {on: items, when: 品类 属于 水果}\n  没用: {on: items, when: 品类 属于 菜}\n"
        "metrics:\n  上: {from: orders, agg: count}\n  比: {ratio: [上(用到), 订单数]}\n  闲: {from: orders, agg: days}\n"
    )
    assert warnings_of(text + when("比 >= 0.5")) == [("W605", "没用"), ("W605", "闲")]


def test_w606_tags_without_a_test() -> None:
    tags = "tags: {甲: {when: 订单数 >= 1}, 乙: {when: 订单数 >= 2}, 丙: {when: 订单数 >= 3}}\n"
    tests = (
        "tests:\n  - name: 试\n    as_of: 2025-03-15\n    customers:\n"
        "      - {id: 一, orders: [{ago: 1, paid: 10}], expect: {has: [甲], lacks: [乙]}}\n"
    )
    assert warnings_of(tags, untested=True) == [("W606", "甲")]
    assert warnings_of(tags + tests, untested=True) == [("W606", "丙")]


def test_w606_stages_with_a_condition_that_no_test_reaches() -> None:
    stages = "stages: [{name: 新来}, {name: 下过单, when: 订单数 >= 1}, {name: 常客, when: 订单数 >= 3}]\n"
    tests = "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 一, expect: {stage: 常客}}]}]\n"
    assert warnings_of(stages, untested=True) == [("W606", "下过单")]
    assert warnings_of(stages + tests, untested=True) == [("W606", "下过单")]
    assert warnings_of(stages + tests.replace("常客", "下过单"), untested=True) == [("W606", "常客")]
    # A stage that only people set is not the rules' business.
    assert warnings_of("stages: [{name: 新来}, {name: 问过}]\n", untested=True) == []
    said = [one.message for one in lint_rules(check_rules([("a.yaml", stages.encode())])).problems]
    assert said == ["2 个阶段,一个测试也没有"]


def test_w606_tags_and_stages_of_one_file_are_told_together() -> None:
    text = (
        "stages: [{name: 新来}, {name: 下过单, when: 订单数 >= 1}]\n"
        "tags: {甲: {when: 订单数 >= 1}, 乙: {when: 订单数 >= 2}, 丙: {when: 订单数 >= 3}}\n"
        "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 一, expect: {stage: 新来}}]}]\n"
    )
    (problem,) = lint_rules(check_rules([("a.yaml", text.encode())])).problems
    assert problem.message == "这个文件里 3 个标签、1 个阶段没有测试提到:下过单、甲、乙、丙"
    (problem,) = lint_rules(check_rules([("a.yaml", text.replace("新来}}", "下过单}}").encode())])).problems[
        :1
    ]
    assert problem.message == "标签「甲」没有测试提到"


def test_w606_many_of_one_file_are_told_together() -> None:
    tags = "".join(f"  标签{number}: {{when: 订单数 >= {number}}}\n" for number in range(1, 5))
    tests = "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 一, expect: {lacks: [别的]}}]}]\n"
    other = "tags: {别的: {when: 订单数 >= 9}, 落下: {when: 订单数 >= 8}}\n"
    linted = lint_rules(
        check_rules([("a.yaml", f"tags:\n{tags}".encode()), ("b.yaml", (other + tests).encode())])
    )
    assert [(one.place.mark.file, one.message) for one in linted.problems] == [
        ("a.yaml", "这个文件里 4 个标签没有测试提到:标签1、标签2、标签3、标签4"),
        ("b.yaml", "标签「落下」没有测试提到"),
    ]


@pytest.mark.parametrize(
    ("of", "found"),
    [
        ("订单数", [("W602", "没买过")]),
        ("消费额", [("W602", "没买过")]),
        ("距上次购买天数", []),
        ("客单价", []),
        ("积分", []),
    ],
)
def test_w602_what_is_never_missing_has_no_band_for_it(of: str, found: list[tuple[str, str]]) -> None:
    bands = f"tag_groups: {{档: {{bands: {{of: {of}, cuts: [1], names: [低, 高], missing: 没买过}}}}}}"
    assert warnings_of(bands) == found


def test_conditions_of_stages_are_looked_at_too() -> None:
    stages = "stages: [{name: 甲}, {name: 乙, when: [订单数 >= 3, 订单数 < 2]}]"
    assert warnings_of(stages) == [("W602", "订单数 < 2")]


def test_w608_names_too_long_for_wecom() -> None:
    name = "很" * 31
    assert warnings_of(f"tags: {{{name}: {{when: 订单数 >= 1}}}}") == [("W608", name)]
    assert warnings_of(f"tags: {{{name[:30]}: {{when: 订单数 >= 1}}}}") == []
    many = "tags:\n" + "".join(f"  标签{n}: {{when: 已退订 为假}}\n" for n in range(3_001))
    assert warnings_of(many) == [("W608", "标签3000")]


def test_not_is_pushed_in_to_the_single_tests() -> None:
    a, b, c = TagTest("a"), TagTest("b"), TagTest("c")
    assert pushed_in(Not(AllOf((a, Not(AnyOf((b, c))))))) == AnyOf((Not(a), b, c))


def test_shipped_rules_have_no_warnings() -> None:
    from siyu_cli.workspace import configs_dir

    files = [(path.name, path.read_bytes()) for path in sorted((configs_dir() / "rules").rglob("*.yaml"))]
    assert [str(problem) for problem in lint_rules(check_rules(files)).problems] == []
