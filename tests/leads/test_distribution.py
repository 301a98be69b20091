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

from siyu_cli.leads.distribution import (
    Dealt,
    DistributionPlan,
    Ledger,
    dealing_order,
    one_decimal,
    plan_distribution,
)
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
    assert max(book.ledger.balances[one] for one in active) < -1
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
