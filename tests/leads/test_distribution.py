"""Fairness, conservation and determinism of the distribution, over random histories."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.leads.dealing_order import dealing_order
from siyu_cli.leads.distribution import ABSENT, COOLDOWN, NOBODY, plan_distribution
from siyu_cli.leads.eligibility import Scope
from siyu_cli.leads.shares import Dealt, DistributionPlan, Ledger, one_decimal
from tests.conftest import examples

START = Ledger({}, frozenset())
Lead = tuple[int, str, str | None, int]


def lead_table(leads: list[Lead]) -> pa.Table:
    kinds = [
        ("lead_id", pa.int64()),
        ("phone", pa.string()),
        ("channel_key", pa.string()),
        ("imported_sec", pa.int64()),
    ]
    columns = list(zip(*leads, strict=True)) if leads else [(), (), (), ()]
    return pa.table(
        {name: pa.array(column, kind) for (name, kind), column in zip(kinds, columns, strict=True)}
    )


def some_leads(count: int, channels: list[str | None] | None = None, start: int = 0) -> list[Lead]:
    channels = channels or [None]
    return [
        (start + i, f"138{start + i:08d}", channels[i % len(channels)], i * 7919 % 13) for i in range(count)
    ]


def owners_of(plan: DistributionPlan) -> dict[int, str]:
    table = plan.assignments()
    return dict(zip(table["lead_id"].to_pylist(), table["staff_id"].to_pylist(), strict=True))


class Book:
    """A ledger kept by hand over many batches, as the store keeps it."""

    def __init__(self) -> None:
        self.given: Counter[str] = Counter()
        self.owed: dict[str, Fraction] = {}
        self.present: frozenset[str] = frozenset()
        self.next_id = 0

    @property
    def ledger(self) -> Ledger:
        return Ledger({one: self.given[one] - owed for one, owed in self.owed.items()}, self.present)

    def deal(
        self, count: int, active: list[str], channels: list[str | None] | None = None
    ) -> DistributionPlan:
        leads = some_leads(count, channels, self.next_id)
        self.next_id += count
        staff = [Dealt(one, one, self.given[one]) for one in active]
        plan = plan_distribution(lead_table(leads), staff, self.ledger)
        if plan.assigned:
            for share in plan.shares:
                assert share.owed_now == Fraction(plan.assigned, len(active))
                owed = share.owed_now + share.carry
                self.owed[share.staff_id] = self.owed.get(share.staff_id, Fraction(0)) + owed
                self.given[share.staff_id] += share.given
                assert self.given[share.staff_id] - self.owed[share.staff_id] == share.balance
            self.present = frozenset(active)
        return plan


def spread(values: list[int] | list[Fraction]) -> Fraction:
    return Fraction(max(values) - min(values))


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 9))
def test_the_same_staff_stay_within_one_over_all_batches(batches: list[int], people: int) -> None:
    book, active = Book(), [f"s{i}" for i in range(people)]
    for count in batches:
        plan = book.deal(count, active)
        assert spread([book.given[one] for one in active]) <= 1
        assert sum(share.given for share in plan.shares) == plan.assigned == count
        assert all(abs(share.balance) < 1 for share in plan.shares)


histories = st.lists(
    st.tuples(st.integers(0, 30), st.sets(st.sampled_from([f"s{i}" for i in range(8)]), min_size=1)),
    max_size=25,
)


@examples(300)
@given(histories)
def test_balances_stay_within_one_through_joins_and_leaves(history: list[tuple[int, set[str]]]) -> None:
    book = Book()
    for count, active in history:
        before, known = dict(book.given), book.ledger
        plan = book.deal(count, sorted(active))
        shares = {share.staff_id: share for share in plan.shares}
        assert set(shares) == active
        assert spread([share.balance for share in plan.shares]) <= 1
        assert spread([share.given for share in plan.shares]) <= 2
        for one in active - known.present:
            # neither flooded nor starved, and an absence is no debt
            if not known.present & active:
                assert shares[one].balance_before == known.balances.get(one, 0)
            assert abs(shares[one].given - Fraction(count, len(active))) < 2
        if count:
            assert all(book.given[one] == before.get(one, 0) for one in set(before) - active)


@examples(200)
@given(histories)
def test_any_two_people_differ_by_at_most_two_while_both_are_there(
    history: list[tuple[int, set[str]]],
) -> None:
    book = Book()
    together: dict[tuple[str, str], tuple[int, int]] = {}
    for count, active in history:
        pairs = {(a, b) for a in active for b in active if a < b}
        if not count:
            continue
        together = {pair: start for pair, start in together.items() if pair in pairs}
        for a, b in pairs:
            together.setdefault((a, b), (book.given[a], book.given[b]))
        book.deal(count, sorted(active))
        for (a, b), (start_a, start_b) in together.items():
            assert abs((book.given[a] - start_a) - (book.given[b] - start_b)) <= 2


def test_a_drift_after_many_departures_does_not_starve_a_newcomer() -> None:
    """The lucky one leaves each time: those who stay are owed ever more, together."""
    book, active = Book(), [f"s{i:02d}" for i in range(40)]
    while len(active) > 5:
        plan = book.deal(1, active)
        active.remove(next(share.staff_id for share in plan.shares if share.given))
    assert all(abs(book.ledger.balances[one]) < 2 for one in active)
    plan = book.deal(60, [*active, "zz"])
    assert {share.given for share in plan.shares} <= {9, 10, 11}
    assert spread([share.balance for share in plan.shares]) <= 1


@given(
    st.integers(0, 200),
    st.integers(1, 7),
    st.lists(st.sampled_from(["抖音", "快手", "公众号", None]), min_size=1),
)
def test_each_channel_is_dealt_within_one(count: int, people: int, channels: list[str | None]) -> None:
    leads = some_leads(count, channels)
    plan = plan_distribution(lead_table(leads), [Dealt(f"s{i}", "") for i in range(people)], START)
    owners = owners_of(plan)
    assert set(owners) == {lead[0] for lead in leads}
    for channel in set(channels):
        got = Counter(owners[lead[0]] for lead in leads if lead[2] == channel)
        assert spread([got[f"s{i}"] for i in range(people)]) <= 1


@given(st.integers(1, 60), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_leads_and_staff_decides_nothing(count: int, people: int, dice: random.Random) -> None:
    leads = some_leads(count, ["抖音", None, "快手"])
    staff = [Dealt(f"s{i}", "") for i in range(people)]
    ledger = Ledger(
        {one.staff_id: Fraction(dice.randint(-3, 3), 7) for one in staff[1:]}, frozenset({"s1", "s2"})
    )
    first = plan_distribution(lead_table(leads), staff, ledger)
    dice.shuffle(leads)
    dice.shuffle(staff)
    second = plan_distribution(lead_table(leads), staff, ledger)
    assert first.assignments().equals(second.assignments())
    assert first.shares == second.shares


def test_leads_are_ordered_by_channel_then_time_then_phone() -> None:
    leads: list[Lead] = [
        (1, "13800000003", "b", 5),
        (2, "13800000002", "b", 5),
        (3, "13800000001", "b", 9),
        (4, "13900000000", "a", 9),
        (5, "13700000000", None, 99),
    ]
    table = lead_table(leads)
    assert [leads[at][0] for at in dealing_order(table)] == [5, 4, 2, 1, 3]


def test_ties_go_to_the_most_owed_then_to_the_first_account() -> None:
    staff = [Dealt(one, "") for one in ("c", "a", "b")]
    plan = plan_distribution(lead_table(some_leads(1)), staff, START)
    assert list(owners_of(plan).values()) == ["a"]
    ledger = Ledger({"a": Fraction(1, 3), "b": Fraction(1, 3), "c": Fraction(-2, 3)}, frozenset("abc"))
    plan = plan_distribution(lead_table(some_leads(1)), staff, ledger)
    assert list(owners_of(plan).values()) == ["c"]
    assert "欠 0.7 条" in plan.assignments()["reason"][0].as_py()


def test_nobody_and_nothing() -> None:
    nobody = plan_distribution(lead_table(some_leads(3)), [], START)
    assert (nobody.assigned, nobody.shares) == (0, ())
    nothing = plan_distribution(lead_table([]), [Dealt("a", "")], START)
    assert (nothing.assigned, nothing.shares[0].given, nothing.shares[0].balance) == (0, 0, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(7221, 10), "722.1"),
        (Fraction(1, 20), "0.1"),
        (Fraction(-1, 20), "-0.1"),
        (Fraction(-1, 21), "0.0"),
        (Fraction(-9, 10), "-0.9"),
        (Fraction(2), "2.0"),
        (Fraction(199, 100), "2.0"),
    ],
)
def test_one_decimal(value: Fraction, text: str) -> None:
    assert one_decimal(value) == text


def test_a_large_pool_is_dealt_in_one_sweep() -> None:
    count, people = 200_000, 500
    table = pa.table(
        {
            "lead_id": np.arange(count),
            "phone": pa.array((np.arange(count) + 13_800_000_000).astype(str)),
            "channel_key": pa.array(np.array(["a", "b", "c"])[np.arange(count) % 3]),
            "imported_sec": np.zeros(count, np.int64),
        }
    )
    plan = plan_distribution(table, [Dealt(f"s{i:03d}", "") for i in range(people)], START)
    assert {share.given for share in plan.shares} == {count // people}
    assert sorted(plan.assignments()["lead_id"].to_pylist()) == sorted(table["lead_id"].to_pylist())


# Everything at once: weights, room, leave, eligibility, friends, cooldown.

CHANNELS = ["抖音", "快手", "公众号", None]
PROVINCES = ["浙江", "广东", "上海", None]


def random_desk(dice: random.Random) -> tuple[list[dict[str, object]], list[Dealt], Ledger]:
    """Leads with all their facts, people with all their limits, and a ledger of any past."""
    people = [
        Dealt(
            f"s{at}", f"员工{at}", dice.randint(0, 9), dice.randint(0, 5), dice.choice([500, 1000, 1000, 3000]),
            dice.choice([None, None, 0, 2, 6]),
            Scope(
                frozenset(dice.sample(["抖音", "快手"], dice.choice([0, 0, 1]))),
                frozenset(dice.sample(["浙江", "杭州", "广东"], dice.choice([0, 0, 2]))),
                frozenset(dice.sample(["一店", "二店"], dice.choice([0, 0, 1]))),
                frozenset(dice.sample(["英语", "大客"], dice.choice([0, 0, 1]))),
            ),
            dice.choice(["", "", "", "请假"]),
        )
        for at in range(dice.randint(1, 6))
    ]  # fmt: skip
    ids = [one.staff_id for one in people]
    leads = [
        {
            "lead_id": at,
            "phone": f"138{at:08d}",
            "channel_key": dice.choice(CHANNELS),
            "imported_sec": dice.randint(0, 5),
            "province": dice.choice(PROVINCES),
            "city": dice.choice(["杭州市", "深圳市", None]),
            "shop": dice.choice(["一店", "三店", None, None]),
            "tags": dice.choice(["英语,双11", "双11", None]),
            "sticky": dice.choice([None, None, None, None, *ids, "gone"]),
            "barred": dice.choice([None, None, None, [dice.choice(ids)], ids[:2]]),
        }
        for at in range(dice.randint(0, 40))
    ]
    ledger = Ledger({one: Fraction(dice.randint(-9, 9), 7) for one in ids[1:]}, frozenset(ids[1:4]))
    return leads, people, ledger


def facts_table(leads: list[dict[str, object]]) -> pa.Table:
    text = dict.fromkeys(("phone", "channel_key", "province", "city", "shop", "tags", "sticky"), pa.string())
    schema = pa.schema(
        {"lead_id": pa.int64(), "imported_sec": pa.int64(), **text, "barred": pa.list_(pa.string())}
    )
    return pa.Table.from_pylist(leads, schema=schema)


def may_take(lead: dict[str, object], person: Dealt, people: list[Dealt]) -> bool:
    """Eligibility again, one lead and one person at a time; a tag that is nobody's skill asks for nothing."""
    scope = person.scope
    places = {str(lead[name]).removesuffix("市") for name in ("province", "city") if lead[name]}
    tags = set(str(lead["tags"] or "").split(",")) & {skill for one in people for skill in one.scope.skills}
    return (
        (not scope.channels or lead["channel_key"] is None or lead["channel_key"] in scope.channels)
        and (not scope.regions or not places or bool(places & scope.regions))
        and (not scope.shops or lead["shop"] is None or lead["shop"] in scope.shops)
        and (not scope.skills or not tags or bool(tags & scope.skills))
    )


@examples(400)
@given(st.randoms(use_true_random=False))
def test_every_lead_has_one_owner_who_may_have_it_or_a_reason_to_stay(dice: random.Random) -> None:
    leads, people, ledger = random_desk(dice)
    plan = plan_distribution(facts_table(leads), people, ledger, ("channel_key", "province"))
    owners = owners_of(plan)
    left = {one: reason for reason, ids in plan.left_ids.items() for one in ids.to_pylist()}
    assert set(owners) | set(left) == {one["lead_id"] for one in leads}
    assert not set(owners) & set(left)
    assert Counter(left.values()) == plan.left
    by_id = {one.staff_id: one for one in people}
    given = Counter(owners.values())
    for lead in leads:
        here = [one for one in people if not one.away]
        barred = lead["barred"] or []
        if (owner := owners.get(lead["lead_id"])) is not None:
            person = by_id[owner]
            assert not person.away
            if lead["sticky"] == owner:
                continue
            assert may_take(lead, person, people)
            assert owner not in barred
            continue
        reason = left[lead["lead_id"]]
        able = [one for one in people if may_take(lead, one, people)]
        able_here = [one for one in able if one in here]
        free = [one for one in able_here if one.staff_id not in barred]
        if reason == NOBODY:
            assert not able
        elif reason == ABSENT:
            assert able
            assert not able_here
        elif reason == COOLDOWN:
            assert able_here
            assert not free
        else:
            assert all(given[one.staff_id] == one.room for one in free)
    for share in plan.shares:
        room = by_id[share.staff_id].room
        assert room is None or share.given <= room
        assert share.balance == share.balance_before + share.given - share.owed_now
        assert share.balance_before == ledger.balances.get(share.staff_id, 0) - share.carry
        assert share.given == given[share.staff_id]
    assert sum(share.owed_now for share in plan.shares) == pytest.approx(plan.assigned, abs=1e-6)


@examples(100)
@given(st.randoms(use_true_random=False))
def test_shuffled_input_is_dealt_the_same(dice: random.Random) -> None:
    leads, people, ledger = random_desk(dice)
    first = plan_distribution(facts_table(leads), people, ledger)
    dice.shuffle(leads)
    dice.shuffle(people)
    second = plan_distribution(facts_table(leads), people, ledger)
    assert first.assignments().equals(second.assignments())
    assert first.shares == second.shares
    assert first.strata == second.strata
    assert {one: ids.to_pylist() for one, ids in first.left_ids.items()} == {
        one: ids.to_pylist() for one, ids in second.left_ids.items()
    }


@examples(100)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=25), min_size=1, max_size=12),
    st.integers(1, 7),
)
def test_strata_are_within_one_in_a_batch_and_their_drift_is_told(
    batches: list[list[str]], people: int
) -> None:
    staff = [f"s{at}" for at in range(people)]
    balances: dict[str, Fraction] = {}
    drift: dict[tuple[str, str], Fraction] = {}
    by_hand: Counter[tuple[str, str]] = Counter()
    due_by_hand: dict[tuple[str, str], Fraction] = {}
    total: Counter[str] = Counter()
    for number, channels in enumerate(batches):
        leads: list[Lead] = [
            (100 * number + at, f"138{100 * number + at:08d}", channel, at)
            for at, channel in enumerate(channels)
        ]
        ledger = Ledger(balances, frozenset(staff), drift)
        plan = plan_distribution(lead_table(leads), [Dealt(one, one) for one in staff], ledger)
        owners = owners_of(plan)
        batch = Counter((owners[lead[0]], lead[2] or "") for lead in leads)
        for channel in set(channels):
            assert spread([batch[one, channel] for one in staff]) <= 1
        total.update(owners.values())
        assert spread([total[one] for one in staff]) <= 1
        for one in staff:
            for channel, count in Counter(channels).items():
                by_hand[one, channel] += batch[one, channel]
                due = due_by_hand.get((one, channel), Fraction(0))
                due_by_hand[one, channel] = due + Fraction(count, people)
        balances = {share.staff_id: share.balance for share in plan.shares}
        for mix in plan.strata:
            for one, value in mix.drift.items():
                drift[one, mix.stratum] = value
                assert abs(value - (by_hand[one, mix.stratum] - due_by_hand[one, mix.stratum])) < Fraction(
                    1, 10**4
                )


def test_total_and_strata_cannot_both_stay_even_and_the_total_wins() -> None:
    """X→a, Y→b, Z→a, W→b, then X, then Z, a lead at a time: nobody can deal these evenly both ways."""
    balances: dict[str, Fraction] = {}
    drift: dict[tuple[str, str], Fraction] = {}
    got = []
    for number, channel in enumerate("XYZWXZ"):
        plan = plan_distribution(
            lead_table([(number, f"138{number:08d}", channel, number)]), [Dealt("a", ""), Dealt("b", "")],
            Ledger(balances, frozenset("ab"), drift),
        )  # fmt: skip
        balances = {share.staff_id: share.balance for share in plan.shares}
        drift |= {(one, mix.stratum): value for mix in plan.strata for one, value in mix.drift.items()}
        got.append(channel + owners_of(plan)[number])
    # the second X goes to b, who has none; the second Z must go to a, or b would be two ahead
    assert got == ["Xa", "Yb", "Za", "Wb", "Xb", "Za"]
    assert drift["a", "Z"] - drift["b", "Z"] == 2


@examples(150)
@given(
    st.lists(st.sampled_from([500, 1000, 2000, 5000]), min_size=8, max_size=8),
    st.lists(
        st.tuples(st.integers(1, 30), st.sets(st.sampled_from([f"s{i}" for i in range(8)]), min_size=1)),
        max_size=15,
    ),
)
def test_gaps_stay_small_through_joins_and_leaves_of_all_weights(
    weights: list[int], history: list[tuple[int, set[str]]]
) -> None:
    weight = {f"s{at}": one for at, one in enumerate(weights)}
    balances: dict[str, Fraction] = {}
    present: frozenset[str] = frozenset()
    for number, (count, active) in enumerate(history):
        leads = some_leads(count, None, 100 * number)
        staff = [Dealt(one, one, weight_milli=weight[one]) for one in sorted(active)]
        plan = plan_distribution(lead_table(leads), staff, Ledger(balances, present))
        for share in plan.shares:
            balances[share.staff_id] = share.balance
            assert abs(share.balance) < 2
            exact = Fraction(count * share.weight_milli, sum(weight[one] for one in active))
            assert abs(share.given - exact) < 2
        present = frozenset(active)


@pytest.mark.parametrize("away", [("s1",), ("s1", "s2")])
def test_an_absence_adds_nothing_to_what_is_owed(away: tuple[str, ...]) -> None:
    book = Book()
    book.deal(9, ["s0", "s1", "s2"])
    before = {one: book.owed[one] for one in away}
    book.deal(50, [one for one in ("s0", "s1", "s2") if one not in away])
    assert {one: book.owed[one] for one in away} == before
    plan = book.deal(30, ["s0", "s1", "s2"])
    assert {share.given for share in plan.shares} == {10}


def test_where_the_lead_goes_and_why() -> None:
    rows: list[dict[str, object]] = [
        {"lead_id": 1, "phone": "13800000001", "channel_key": "抖音", "imported_sec": 0, "sticky": "b"},
        {"lead_id": 2, "phone": "13800000002", "channel_key": "抖音", "imported_sec": 0, "sticky": "c"},
        {"lead_id": 3, "phone": "13800000003", "channel_key": "快手", "imported_sec": 0},
        {"lead_id": 4, "phone": "13800000004", "channel_key": "快手", "imported_sec": 0, "barred": ["b"]},
    ]
    staff = [
        Dealt("a", "小李", scope=Scope(frozenset({"抖音"}))),
        Dealt("b", "小王"),
        Dealt("c", "小赵", away="请假(年假)"),
    ]
    plan = plan_distribution(facts_table(rows), staff, START)
    reasons = dict(zip(plan.lead_ids.to_pylist(), plan.assignments()["reason"].to_pylist(), strict=True))
    assert owners_of(plan) == {1: "b", 2: "a", 3: "b"}
    assert "老客归属" in reasons[1]
    assert "原归属人不在或已满" in reasons[2]
    assert "小赵请假(年假)" in reasons[2]
    assert "能接的 1 人里第 1 位" in reasons[3]
    assert plan.left == {COOLDOWN: 1}
    assert [(share.own, share.gap) for share in plan.shares] == [(0, "+0.5"), (1, "-0.5")]
