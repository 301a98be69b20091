"""Fields of customers in conditions, each at its edges; what is not asked for is not read."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_cli.rules.catalog import CUSTOMER_FIELDS, FACTS_OF_FIELDS
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.problems import RulesRefused
from siyu_cli.rules.testing import checks_of, run_tests
from siyu_cli.rules.tree import FlagColumn, NumberColumn
from siyu_cli.store.fixtures import memory_store
from tests.rules.rule_facts import AS_OF, FURTHER, World, holders, rules_of


@pytest.mark.parametrize("name", CUSTOMER_FIELDS)
def test_every_field_is_true_of_whom_it_is_said(name: str) -> None:
    column = CUSTOMER_FIELDS[name]
    world = World()
    world.customer()
    if isinstance(column, NumberColumn):
        for value in (4, 5, 6):
            world.customer(**{column.column: value})
        assert holders(world, f"{name} >= 5") == {3, 4}
        assert holders(world, f"{name} 为空") == {1}
    elif isinstance(column, FlagColumn):
        world.customer(**{column.column: 1})
        assert holders(world, f"{name} 为真") == {2}
        assert holders(world, f"{name} 为假") == {1}
    elif name != "阶段":
        word, value = column.choices[0] if column.choices else ("金卡", "金卡")
        world.customer(**{column.column: value})
        world.customer(**{column.column: "别的"})
        assert holders(world, f"{name} 是 {word}") == {2}
        assert holders(world, f"{name} 不是 {word}") == {1, 3}
        assert holders(world, f"{name} 为空") == {1}


def test_groups_are_a_set() -> None:
    world = World()
    one, two, three = (world.customer() for _ in range(3))
    world.event(one, "join_group", 3, page_key="水果一群")
    world.event(one, "join_group", 9, page_key="水果二群")
    world.event(two, "join_group", 0, page_key="水果一群")
    world.event(three, "group_message", 0, page_key="水果一群")
    assert holders(world, "群 有 水果一群") == {one, two}
    assert holders(world, "群 有任一 水果二群、没有的群") == {one}
    assert holders(world, "群 有全部 水果一群、水果二群") == {one}
    assert holders(world, "群 没有 水果一群、水果二群") == {three}
    assert holders(world, "群 有 「 水果一群 」") == {one, two}


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("tags: {甲: {when: 流失风险 是 偏高}}", "E307", "你是不是想写:高 ?"),
        ("tags: {甲: {when: 性别 属于 男、未知}}", "E307", "可用的:男、女"),
        ("tags: {甲: {when: 流失风险 包含 高}}", "E301", None),
        ("tags: {甲: {when: 群 是 水果一群}}", "E301", None),
        ("tags: {甲: {when: 群(近30天) 有 水果一群}}", "E306", None),
        ("tags: {甲: {when: 加粉天数(近30天) >= 1}}", "E306", None),
        ("tags: {甲: {when: 已流失 >= 1}}", "E301", None),
        ("metrics: {加粉天数: {from: orders, agg: count}}", "E206", None),
        ("metrics: {群: {from: orders, agg: count}}", "E206", None),
        (
            "tag_groups: {甲: {exclusive: true, map: {field: 流失风险, values: {高: 快走, 极高: 走}}}}",
            "E307", "你是不是想写:高 ?",
        ),
    ],
)  # fmt: skip
def test_what_no_customer_can_have_is_refused(text: str, code: str, hint: Any) -> None:
    with pytest.raises(RulesRefused) as caught:
        rules_of(text)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert hint is None or problem.hint == hint


def test_facts_of_fields_are_read_only_for_them() -> None:
    assert set(FACTS_OF_FIELDS) == set(FURTHER)
    for table, columns in FACTS_OF_FIELDS.items():
        assert set(columns) == set(FURTHER[table].names) - {"customer_id"}
        for name, column in CUSTOMER_FIELDS.items():
            test = "为真" if isinstance(column, FlagColumn) else "有值"
            query = compile_tags(rules_of(f"tags: {{甲: {{when: {name} {test}}}}}"), AS_OF)
            assert (table in query.tables) == (column.column in columns)


def test_rule_tests_can_give_any_field() -> None:
    given = {
        "生日月": 5, "生日日": 6, "会员等级": "金卡", "积分": 3, "加粉天数": 3, "已流失": "true", "订单已绑定": "true",
        "性别": "女", "流失风险": "高", "部门": "华东", "门店": "一店", "渠道明细": "包裹",
    }  # fmt: skip
    wanted = {name: f"{name} {'为真' if value == 'true' else f'= {value}' if isinstance(value, int) else f'是 {value}'}"
              for name, value in given.items()}  # fmt: skip
    tags = "".join(f"  有{name}: {{when: {line}}}\n" for name, line in wanted.items())
    fields = ", ".join(f"{name}: {value}" for name, value in given.items())
    every = "、".join(f"有{name}" for name in given).replace("、", ", ")
    text = (
        f"tags:\n{tags}tests:\n  - name: 都有\n    as_of: 2025-03-15\n    customers:\n"
        f"      - {{id: 甲, {fields}, expect: {{only: [{every}]}}}}\n"
        "      - {id: 乙, 生日月: null, expect: {only: []}}\n"
    )
    rules = rules_of(text)
    with memory_store() as con:
        held, _ = run_tests(con, rules, rules.tests)
    assert [
        check
        for check in checks_of(rules.tests, held, [rule.name for rule in rules.tags])
        if not check.is_met
    ] == []
    assert len(held) == 2
