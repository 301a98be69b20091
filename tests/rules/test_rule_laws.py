"""Random data, random rules: the SQL on two engines = the naive meaning; complements; De Morgan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import AsOf
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.tree import RuleSet
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


# A group whose order says who wins keeps it: its members are one definition.
GROUPS = """
tag_groups:
  层次: {tags: [{高: {when: 消费额 >= 300元}}, {中: {when: 订单数 >= 2}}], default: 低}
  来路: {map: {field: 渠道, values: {抖音: 抖音粉, 甲: 甲粉}, else: 别处}}
  额度: {bands: {of: 消费额, cuts: [50, 200], names: [小额, 中额, 大额]}}
"""


def definitions_of(text: str) -> list[tuple[str, str]]:
    """(section, definition) of a rule file whose definitions begin two spaces in; a name in a list is one, too."""
    found: list[tuple[str, str]] = []
    section = ""
    for line in text.splitlines():
        if match := re.match(r"manual_tags: \[(.*)\]", line):
            found += [("manual_tags", f"  - {name}\n") for name in match[1].split(", ")]
        elif match := re.match(r"(\w+):$", line):
            section = match[1]
        elif re.match(r"  \S", line):
            found.append((section, f"{line}\n"))
        elif line.startswith("    "):
            found[-1] = (section, f"{found[-1][1]}{line}\n")
    return found


def files_of(definitions: Sequence[tuple[str, str]], chance: Random) -> RuleSet:
    """The rules of these definitions in some order, spread over files with some names."""
    many = chance.randint(1, 4)
    parts: list[dict[str, list[str]]] = [{} for _ in range(many)]
    for section, text in chance.sample(definitions, len(definitions)):
        parts[chance.randrange(many)].setdefault(section, []).append(text)
    names = chance.sample(["a.yaml", "z.yaml", "子/甲.yaml", "爱.yml", "10.yaml", "2.yaml"], many)
    return check_rules([
        (name, "".join(f"{section}:\n{''.join(texts)}" for section, texts in part.items()).encode())
        for name, part in zip(names, parts, strict=True)
    ])  # fmt: skip


@examples(25)
@given(busy_worlds(), st.lists(CONDITIONS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_definitions_and_the_names_of_files_change_nothing(
    world: World, conditions: list[str], chance: Random
) -> None:
    """I11."""
    tags = "".join(f"  标签{number}: {{when: {text}}}\n" for number, text in enumerate(conditions))
    text = f"{NAMES}{GROUPS}tags:\n  底层: {{when: 订单数(水果) >= 1, keep: 3d}}\n  看层次: {{when: 标签 有 高、别处}}\n{tags}"
    one, other = rules_of(text), files_of(definitions_of(text), chance)
    assert (other.digest, other.rules) == (one.digest, one.rules)
    assert {rule.name: rule.rule_hash for rule in other.tags} == {
        rule.name: rule.rule_hash for rule in one.tags
    }
    first, second = (compile_tags(rules, AS_OF, pinned=world.pinned) for rules in (one, other))
    assert (first.text, first.params, first.columns) == (second.text, second.params, second.columns)
    engine = both_engines()[1:]
    assert tags_of(world, one, engines=engine) == tags_of(world, other, engines=engine)


def test_a_file_is_taken_apart_into_all_its_definitions() -> None:
    found = definitions_of(f"{NAMES}{GROUPS}")
    assert {section for section, _ in found} == {"scopes", "metrics", "manual_tags", "tag_groups"}
    assert files_of(found, Random(1)).rules == rules_of(f"{NAMES}{GROUPS}").rules == 3
    assert len(found) == 7 + len(re.findall(r"^  \S+: \{(?:from|ratio)", NAMES, re.MULTILINE)) + 2 + 3
