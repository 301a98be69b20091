"""The tag machine over random histories of days, orders and hands = a naive machine, row by row; and its laws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.rules.pins import set_tag
from siyu_cli.rules.tagging import apply_plan, plan_tags
from siyu_cli.rules.tree import RuleSet
from siyu_cli.store.tag_state import store_name
from tests.conftest import examples
from tests.rules.naive_rules import naive_final
from tests.rules.rule_facts import rules_of
from tests.shop_rows import customer, insert, key, order
from tests.stores import new_store

RULES = """
manual_tags: [亲友]
tags:
  常客: {when: 订单数(近3天) >= 1, keep: 4d, manual_ttl: 3d}
  来过: {when: 订单数(今天) >= 1, keep: forever}
  老客: {when: 订单数 >= 2, guard: {max_remove_pct: 100}}
  引用: {when: {any: [标签 有 活跃、亲友, 标签 有 多单]}}
tag_groups:
  周期:
    manual_ttl: 6d
    tags:
      - 新客: {when: 订单数(近2天) >= 1, keep: 2d}
      - 活跃: {when: 订单数(近6天) >= 1}
    default: 没买
  等级: {bands: {of: 订单数, cuts: [1, 3], names: [零单, 少单, 多单]}}
"""
# The same tags with other conditions and grace: 老客 only now gets `keep`.
OTHER = RULES.replace("订单数(近3天) >= 1, keep: 4d", "订单数(近2天) >= 1, keep: 8d").replace(
    "订单数 >= 2,", "订单数(近7天) >= 2, keep: 5d,"
)
SETS = [rules_of(RULES), rules_of(OTHER)]
GROUPS = {group.name: group.members for group in SETS[0].groups}
HANDLED = ["常客", "老客", "新客", "活跃", "没买", "少单", "多单", "亲友"]
PEOPLE = (1, 2)
START = 20_000


@dataclass
class Naive:
    """Every pair of customer and tag on its own."""

    orders: dict[int, list[int]] = field(default_factory=lambda: {one: [] for one in PEOPLE})
    pins: dict[tuple[int, str], tuple[str, int, int]] = field(default_factory=dict)
    lists: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    truths: dict[tuple[int, str], int] = field(default_factory=dict)
    held: set[tuple[int, str]] = field(default_factory=set)
    rules: RuleSet = SETS[0]
    last_day: int | None = None
    given: set[tuple[int, str]] = field(default_factory=set)

    def true(self, person: int, day: int, tags: set[str]) -> set[str]:
        days = [one for one in self.orders[person] if one <= day]

        def within(n: int) -> int:
            return sum(one > day - n for one in days)

        is_other = self.rules is SETS[1]
        return {
            tag
            for tag, fits in {
                "常客": within(2 if is_other else 3) >= 1,
                "来过": within(1) >= 1,
                "老客": (within(7) if is_other else len(days)) >= 2,
                "引用": bool(tags & {"活跃", "亲友", "多单"}),
                "新客": within(2) >= 1,
                "活跃": within(6) >= 1,
                "没买": True,
                "零单": not days,
                "少单": 1 <= len(days) < 3,
                "多单": len(days) >= 3,
            }.items()
            if fits
        }

    def apply(self, day: int) -> None:
        kept = {rule.name for rule in self.rules.tags if rule.keep}
        self.truths = {pair: last for pair, last in self.truths.items() if pair[1] in kept}
        for pair in self.given:
            if pair[1] in kept and pair not in self.truths and self.last_day is not None:
                self.truths[pair] = self.last_day
        ttl = {rule.name: rule.by_hand.ttl for rule in self.rules.tags}
        ended = {
            pair for pair, (_, since, _) in self.pins.items()
            if ttl.get(pair[1]) is not None and day - since > ttl[pair[1]]  # type: ignore[operator]
        }  # fmt: skip
        self.pins = {pair: pin for pair, pin in self.pins.items() if pair not in ended}
        now: set[tuple[int, str]] = set()
        self.given = set()
        for person in PEOPLE:
            marks: dict[str, Any] = {}
            for tag in ttl:
                kind, since, run = self.pins.get((person, tag), ("none", 0, 0))
                if kind == "none" and (person, tag) in self.lists and (person, tag) not in ended:
                    since, run = self.lists[person, tag]
                    limit = ttl[tag]
                    kind = "none" if limit is not None and day - since > limit else "on"
                marks[tag] = {
                    "pin_rank": since * 1000 + run if kind == "on" else 0,
                    "is_off": int(kind == "off"),
                    "last_true_day": self.truths.get((person, tag)),
                }
            tags = {tag for tag in ("亲友",) if self.pins.get((person, tag), ("",))[0] == "on"}
            tags |= {tag for one, tag in self.lists if one == person and tag == "亲友"}
            if self.pins.get((person, "亲友"), ("",))[0] == "off":
                tags.discard("亲友")
            got = set(tags)
            for layer in self.rules.strata:
                true = self.true(person, day, got) & {rule.name for rule in layer}
                final = naive_final(self.rules, layer, true, marks, day)
                got |= final
                self.given |= {(person, tag) for tag in final if not marks[tag]["pin_rank"]}
                for tag in true & kept:
                    self.truths[person, tag] = max(day, self.truths.get((person, tag), day))
            now |= {(person, tag) for tag in got}
        self.held = now
        self.last_day = day

    def hand(self, person: int, tag: str, act: str, day: int, run: int) -> None:
        group = next((members for members in GROUPS.values() if tag in members), (tag,))
        pair = (person, tag)
        if act == "unpin":
            pin = self.pins.pop(pair, None)
            if pin is None:
                return
            if tag == "亲友" and pin[0] == "on":
                self.held.discard(pair)
            if pair in self.lists:
                self.held.add(pair)
        else:
            known = self.pins.get(pair)
            if known is None or known[:2] != (act, day) or (act == "on" and pair not in self.held):
                self.pins[pair] = (act, day, run)
            self.given.discard(pair)
            self.held -= {(person, other) for other in group if act == "on" or other == tag}
            if act == "on":
                self.held.add(pair)
                self.given -= {(person, other) for other in group}


STEPS = st.one_of(
    st.tuples(st.just("apply"), st.sampled_from([0, 0, 1, 1, 2, 4, 9])),
    st.tuples(st.just("order"), st.sampled_from(PEOPLE), st.sampled_from([0, 0, 1, 3])),
    st.tuples(
        st.just("hand"),
        st.sampled_from(PEOPLE),
        st.sampled_from(HANDLED),
        st.sampled_from(["on", "on", "off", "unpin"]),
    ),
    st.tuples(st.just("rules"), st.sampled_from([0, 1])),
    st.tuples(st.just("wait"), st.sampled_from([1, 2, 5])),
)
HISTORY = st.lists(STEPS, min_size=5, max_size=12)


def everything(con: Any) -> dict[str, Any]:
    store = store_name(con)
    return {
        table: con.execute(f"SELECT * FROM {store}.{table} ORDER BY ALL").fetchall()
        for table in ("tags", "tag_truths", "tag_log")
    }


def held(con: Any) -> set[tuple[int, str]]:
    rows = con.execute("SELECT customer_id, tag FROM held_tags").fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)


def pins(con: Any) -> set[tuple[Any, ...]]:
    return set(
        con.execute("SELECT customer_id, tag, pin, pin_day FROM tags WHERE source = 'manual'").fetchall()
    )


def prepare(con: Any) -> None:
    insert(con, "customers", [customer(person) for person in PEOPLE])
    insert(con, "customer_keys", [key(person, f"1380000000{person}") for person in PEOPLE])


@examples(6)
@given(HISTORY)
def test_histories_equal_the_naive_machine_and_keep_the_laws(history: list[tuple[Any, ...]]) -> None:
    naive, day, run = Naive(), START, 0
    with new_store() as con:
        prepare(con)
        for number, (kind, *rest) in enumerate([*history, ("apply", 1)]):
            run += 1
            match kind:
                case "wait":
                    day += rest[0]
                case "order":
                    person, ago = rest
                    naive.orders[person].append(day - ago)
                    row = order(number + 1, person, "2025-01-01", 10.0)
                    paid = {"paid_day": day - ago, "paid_sec": (day - ago) * DAY_SECONDS + 99, "run_id": run}
                    insert(con, "order_lines", [row | paid | {"first_run_id": run}])
                case "rules":
                    naive.rules = SETS[rest[0]]
                case "hand":
                    person, tag, act = rest
                    before = held(con)
                    words = {"on": "pin_on", "off": "pin_off", "unpin": "unpin"}
                    set_tag(
                        con, naive.rules, [person], tag, words[act],  # type: ignore[arg-type]
                        run_id=run, as_of=AsOf(day * DAY_SECONDS),
                    )  # fmt: skip
                    naive.hand(person, tag, act, day, run)
                    assert held(con) == naive.held, (kind, rest, before)
                case "apply":
                    day += rest[0]
                    _apply_and_check(con, naive, day, run, is_last=number == len(history))
            _check_laws(con)


def _apply_and_check(con: Any, naive: Naive, day: int, run: int, *, is_last: bool) -> None:
    as_of = AsOf(day * DAY_SECONDS + DAY_SECONDS - 1)
    hands, store = pins(con), everything(con)
    plan = plan_tags(con, naive.rules, as_of)
    assert everything(con) == store, "a plan writes nothing"
    if is_last:
        assert plan_tags(con, naive.rules, as_of, writes=True) == plan, "a dry run is the real run"
    before = held(con)
    naive.apply(day)
    apply_plan(con, naive.rules, plan, run, as_of)
    after = held(con)
    assert after == naive.held
    for count in plan.counts:
        assert count.before == sum(tag == count.tag for _, tag in before)
        assert count.after == sum(tag == count.tag for _, tag in after)
        assert count.before + count.added - count.removed == count.after
        assert sum(sum(plan.causes.get((count.tag, act), {}).values()) for act in ("add", "remove")) == (
            count.added + count.removed
        )
    assert all(cause for causes in plan.causes.values() for cause in causes)
    # A pin is never changed by a rule; only its own time ends it.
    ttl = {rule.name: rule.by_hand.ttl for rule in naive.rules.tags}
    ended = {pin for pin in hands if ttl.get(pin[1]) is not None and day - pin[3] > ttl[pin[1]]}  # type: ignore[operator]
    assert pins(con) == hands - ended
    if not is_last:
        return
    done = everything(con)
    again = plan_tags(con, naive.rules, as_of, writes=True)
    apply_plan(con, naive.rules, again, run + 1, as_of)
    assert everything(con) == done, "a second apply changes nothing"


def _check_laws(con: Any) -> None:
    """At most one tag of a group, and the log tells of everything that came and went."""
    for person in PEOPLE:
        mine = {tag for one, tag in held(con) if one == person}
        assert all(len(mine & set(members)) <= 1 for members in GROUPS.values()), mine
    told: set[tuple[int, str]] = set()
    rows = con.execute(
        "SELECT customer_id, tag, action FROM tag_log WHERE action IN ('add', 'remove') ORDER BY rowid"
    ).fetchall()
    for person, tag, action in rows:
        assert (action == "add") == ((person, tag) not in told), (person, tag, action)
        told ^= {(person, tag)}
    assert told == held(con)
