"""Grace, pins and exclusive groups in the compiled query: two engines = the naive machine; the laws of groups."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import AsOf, Clock
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.holding import Reason
from tests.conftest import examples
from tests.engines import both_engines
from tests.rules.naive_rules import naive_tags
from tests.rules.random_rules import CONDITIONS, NAMES, worlds
from tests.rules.rule_facts import AS_OF, D, World, rules_of, tags_of

GROUPS = """
tag_groups:
  周期:
    exclusive: true
    tags:
      - 新客: {when: 首购距今天数 <= 30, keep: 7d}
      - 活跃: {when: 距上次购买天数 <= 60, keep: 30d}
      - 老客: {when: [订单数 >= 2, 标签 没有 亲友]}
    default: 没买过
  价值: {exclusive: true, bands: {of: 消费额, cuts: [50, 200.01], names: [低, 中, 高]}}
  来源: {exclusive: true, map: {field: 渠道, values: {甲: 甲粉, 乙: 乙粉, 淘宝: 甲粉}, else: 别的, missing: 待补}}
"""
MEMBERS = ["新客", "活跃", "老客", "没买过", "低", "中", "高", "甲粉", "乙粉", "别的", "待补"]
EXCLUSIVE = [set(MEMBERS[:4]), set(MEMBERS[4:7]), set(MEMBERS[7:])]


@st.composite
def marked_worlds(draw: Any) -> World:
    """Worlds with pins and days on which tags were last true."""
    world = draw(worlds())
    for customer in [row["customer_id"] for row in world.customers]:
        for tag in draw(st.lists(st.sampled_from([*MEMBERS, "底层", "标签0"]), max_size=4, unique=True)):
            pin = draw(st.sampled_from(["none", "on", "on", "off"]))
            world.mark(
                customer,
                tag,
                pin_rank=draw(st.integers(1, 3)) if pin == "on" else 0,
                is_off=int(pin == "off"),
                last_true_day=draw(st.sampled_from([None, D - 31, D - 30, D - 8, D - 7, D, D + 3])),
            )
    return world


@examples(30)
@given(
    marked_worlds(),
    CONDITIONS,
    st.sampled_from(["0d", "7d", "30d", "forever"]),
    st.sampled_from(MEMBERS),
)
def test_the_query_on_both_engines_equals_the_naive_machine(
    world: World, condition: str, keep: str, member: str
) -> None:
    rules = rules_of(
        f"{NAMES}{GROUPS}tags:\n  底层: {{when: 订单数(水果) >= 1, keep: {keep}}}\n"
        f"  标签0: {{when: {{any: [{condition}, 标签 有 {member}]}}, keep: 7d}}\n"
    )
    found = tags_of(world, rules)
    assert found == naive_tags(world, rules, AS_OF)
    for tags in found.values():
        assert all(len(tags & group) <= 1 for group in EXCLUSIVE)


@examples(20)
@given(marked_worlds(), st.permutations(["tags", "tag_groups"]), st.booleans())
def test_the_order_of_definitions_and_files_changes_nothing(
    world: World, order: list[str], together: bool
) -> None:
    """I11; inside `tags` of a group the order is the priority and means something."""
    from siyu_cli.rules.load import check_rules

    one = {
        "tags": "tags:\n  底层: {when: 标签 有 活跃, keep: 3d}\n  甲: {when: 标签 有 低}\n",
        "tag_groups": GROUPS,
    }
    two = one | {"tags": "tags:\n  甲: {when: 标签 有 低}\n  底层: {when: 标签 有 活跃, keep: 3d}\n"}
    first = check_rules([("a.yaml", f"{NAMES}{one['tags']}{one['tag_groups']}".encode())])
    parts = [two[part] for part in order]
    files = [NAMES + "".join(parts)] if together else [parts[0], NAMES, parts[1]]
    second = check_rules([(f"{9 - number}.yaml", text.encode()) for number, text in enumerate(files)])
    assert first.digest == second.digest
    one_engine = both_engines()[1:]
    assert tags_of(world, first, engines=one_engine) == tags_of(world, second, engines=one_engine)


def reasons_of(world: World, text: str, as_of: AsOf = AS_OF) -> dict[str, Reason]:
    """Tag → Reason of the first customer."""
    query = compile_tags(rules_of(text), as_of, pinned=world.pinned)
    world.load(both_engines()[0])
    row = both_engines()[0].query(query.text, query.params).to_pylist()[0]
    return {tag: Reason(row[column]) for column, tag in query.reasons}


def test_keep_30_days_is_present_to_the_30th_day_and_gone_on_the_31st() -> None:
    """The golden of section 5: last true on 03-01, present to 03-31, gone on 04-01."""
    world = World()
    customer = world.customer()
    world.mark(customer, "常客", last_true_day=Clock().as_of("2025-03-01").day)
    rules = rules_of("tags: {常客: {when: 订单数 >= 1, keep: 30d}}")
    held = [
        "常客" in tags_of(world, rules, Clock().as_of(day))[customer]
        for day in ("2025-03-01", "2025-03-31", "2025-04-01")
    ]
    assert held == [True, True, False]
    forever = rules_of("tags: {常客: {when: 订单数 >= 1, keep: forever}}")
    assert tags_of(world, forever, Clock().as_of("2035-03-01")) == {customer: {"常客"}}


def test_reasons_say_who_decided() -> None:
    text = """
tag_groups:
  周期:
    tags: [{新客: {when: 首购距今天数 <= 30, keep: 9d}}, {活跃: {when: 距上次购买天数 <= 60}}]
tags: {买过: {when: 订单数 >= 1}}
"""
    world = World()
    customer = world.customer()
    world.order(customer, 5, 100)
    assert reasons_of(world, text) == {"新客": Reason.RULE, "活跃": Reason.OUTRANKED}
    world.mark(customer, "活跃", pin_rank=1)
    assert reasons_of(world, text) == {"新客": Reason.BLOCKED, "活跃": Reason.PIN}
    world.state.clear()
    world.mark(customer, "新客", is_off=1)
    assert reasons_of(world, text) == {"新客": Reason.BLOCKED, "活跃": Reason.RULE}
    world.state.clear()
    world.orders.clear()
    world.items.clear()
    world.mark(customer, "新客", last_true_day=D - 9)
    assert reasons_of(world, text) == {"新客": Reason.GRACE, "活跃": Reason.NONE}
    world.mark(customer, "买过", pin_rank=1)
    assert reasons_of(world, text)["买过"] is Reason.PIN


def test_several_true_members_are_counted_without_the_default() -> None:
    text = "tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1}}, {乙: {when: 订单数 >= 2}}], default: 丙}}"
    world = World()
    for orders in range(3):
        customer = world.customer()
        for _ in range(orders):
            world.order(customer, 1, 100)
    query = compile_tags(rules_of(text), AS_OF)
    ((column, group),) = query.several
    assert group == "组"
    for engine in both_engines():
        world.load(engine)
        rows = engine.query(query.text, query.params).to_pylist()
        assert [row[column] for row in sorted(rows, key=lambda row: row["customer_id"])] == [0, 0, 1]
    assert tags_of(world, rules_of(text)) == {1: {"丙"}, 2: {"甲"}, 3: {"甲"}}


def test_a_shop_without_keep_pins_and_priorities_pays_nothing() -> None:
    """Bands and maps exclude each other by themselves; only a pin makes them a contest."""
    text = "tags: {买过: {when: 订单数 >= 1}}" + GROUPS[GROUPS.index("  价值") :].join(
        ["\ntag_groups:\n", ""]
    )
    plain = compile_tags(rules_of(text), AS_OF)
    assert (plain.reasons, plain.truths, plain.several) == ((), (), ())
    assert "tag_state" not in plain.text
    assert "layer0_2" not in plain.text
    pinned = compile_tags(rules_of(text), AS_OF, pinned={"高", "没有这个标签"})
    assert {tag for _, tag in pinned.reasons} == {"低", "中", "高"}


@pytest.mark.parametrize(
    ("fen", "tag"), [(0, "低"), (29_999, "低"), (30_000, "中"), (199_999, "中"), (200_000, "高")]
)
def test_bands_are_half_open(fen: int, tag: str) -> None:
    world = World()
    world.order(world.customer(), 1, fen)
    text = "tag_groups: {价值: {bands: {of: 消费额(近12月), cuts: [300, 2000], names: [低, 中, 高]}}}"
    assert tags_of(world, rules_of(text)) == {1: {tag}}


def test_bands_of_a_ratio_compare_without_dividing_and_name_what_is_missing() -> None:
    text = "tag_groups: {均价: {bands: {of: 客单价, cuts: [33.33, 33.34元], names: [低, 中, 高], missing: 没买过}}}"
    world = World()
    for nets in [(), (3332, 3333), (3333, 3334), (3334,)]:
        customer = world.customer()
        for net in nets:
            world.order(customer, 1, net)
    # 33.325 < 33.33 <= 33.335 < 33.34
    assert tags_of(world, rules_of(text)) == {1: {"没买过"}, 2: {"低"}, 3: {"中"}, 4: {"高"}}
    score = "tag_groups: {活: {bands: {of: R分, cuts: [3], names: [远, 近]}}}"
    scored = World()
    for value in (None, 2, 3):
        scored.customer(r_score=value)
    assert tags_of(scored, rules_of(score)) == {1: set(), 2: {"远"}, 3: {"近"}}
