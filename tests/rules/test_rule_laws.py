"""Random data, random rules: the SQL on two engines = the naive meaning; complements; De Morgan."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import AsOf
from tests.conftest import examples
from tests.engines import both_engines
from tests.rules.naive_rules import naive_tags
from tests.rules.random_rules import CONDITIONS, NAMES, SINGLE, busy_worlds, worlds
from tests.rules.rule_facts import AS_OF, World, holders, rules_of, tags_of

# That the engines agree on such rules is what the first test shows; the laws then need only one of them.
CALM = examples(30)


def seen_at(world: World, as_of: AsOf) -> World:
    """The same world without what is later than the moment: it never reaches the facts."""
    return replace(
        world,
        orders=[row for row in world.orders if row["paid_sec"] <= as_of.seconds],
        items=[row for row in world.items if row["paid_sec"] <= as_of.seconds],
        events=[row for row in world.events if row["at_sec"] <= as_of.seconds],
        sends=[row for row in world.sends if row["sent_sec"] <= as_of.seconds],
    )


@CALM
@given(
    worlds(),
    st.lists(CONDITIONS, min_size=1, max_size=4),
    st.sampled_from([AS_OF, AsOf(AS_OF.seconds - 40_000)]),
)
def test_sql_on_both_engines_equals_the_naive_meaning(
    world: World, conditions: list[str], as_of: AsOf
) -> None:
    world = seen_at(world, as_of)
    tags = "".join(f"  标签{number}: {{when: {text}}}\n" for number, text in enumerate(conditions))
    rules = rules_of(f"{NAMES}tags:\n  底层: {{when: 订单数(水果) >= 1}}\n{tags}")
    assert tags_of(world, rules, as_of) == naive_tags(world, rules, as_of)


@CALM
@given(
    busy_worlds(),
    st.lists(SINGLE, min_size=8, max_size=16),
    st.sampled_from([AS_OF, AsOf(AS_OF.seconds - 40_000)]),
)
def test_deeds_and_the_past_on_both_engines_equal_the_naive_meaning(
    world: World, conditions: list[str], as_of: AsOf
) -> None:
    world = seen_at(world, as_of)
    tags = "".join(f"  标签{number}: {{when: {text}}}\n" for number, text in enumerate(conditions))
    rules = rules_of(f"{NAMES}tags:\n  底层: {{when: 订单数(水果) >= 1}}\n{tags}")
    assert tags_of(world, rules, as_of) == naive_tags(world, rules, as_of)


@CALM
@given(worlds(), CONDITIONS, CONDITIONS)
def test_not_is_the_exact_complement_and_de_morgan_holds(world: World, one: str, two: str) -> None:
    rules = rules_of(
        f"{NAMES}tags:\n  底层: {{when: 订单数(水果) >= 1}}\n"
        f"  甲: {{when: {{all: [{one}]}}}}\n  非甲: {{when: {{not: {{all: [{one}]}}}}}}\n"
        f"  左: {{when: {{not: {{any: [{one}, {two}]}}}}}}\n  中: {{when: {{none: [{one}, {two}]}}}}\n"
        f"  右: {{when: {{all: [not: {{all: [{one}]}}, not: {{all: [{two}]}}]}}}}\n"
    )
    for tags in tags_of(world, rules, engines=both_engines()[1:]).values():
        assert ("甲" in tags) != ("非甲" in tags)
        assert ("左" in tags) == ("中" in tags) == ("右" in tags)


@CALM
@given(worlds(), st.integers(1, 100), st.sampled_from(["", "水果", "甲店", "水果、甲店"]))
def test_no_order_in_the_last_n_days_means_the_last_was_n_days_ago_or_never(
    world: World, n: int, scope: str
) -> None:
    within = "、".join(filter(None, [f"近{n}天", scope]))
    whole = f"({scope})" if scope else ""
    one = both_engines()[1:]
    left = holders(world, f"订单数({within}) = 0", NAMES, engines=one)
    right = holders(
        world, f'{{any: ["距上次购买天数{whole} >= {n}", "订单数{whole} = 0"]}}', NAMES, engines=one
    )
    assert left == right
