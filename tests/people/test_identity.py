"""Who is who: the SQL agrees with a plain model, and neither order nor splitting of files decides anything."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import examples
from tests.people.claims_of import (
    Friend,
    Key,
    Row,
    check_laws,
    conflicts,
    import_friends,
    import_rows,
    order_links,
    people,
)
from tests.stores import new_store

PHONES = [f"1380000000{n}" for n in range(5)]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["淘宝", "有赞", "京东"]),
        st.sampled_from([None, "甲", "乙", "丙"]),
        st.sampled_from([None, *PHONES]),
        st.sampled_from([None, 1, 2, 3, 4]),
    ),
    max_size=9,
)
KEYS = st.sampled_from(
    [
        *(("phone", "", phone) for phone in PHONES[:3]),
        *(("unionid", "", one) for one in "uv"),
        *(("external_userid", corp, one) for corp in ("", "总店") for one in "xy"),
    ]
)
FRIENDS = st.lists(
    st.tuples(st.frozensets(KEYS, min_size=1, max_size=4).map(tuple), st.sampled_from([None, 1, 2])),
    max_size=5,
)
# A friend with two phones beside one who has only one of them.
_FIRST, _SECOND, _UNION = ("phone", "", PHONES[0]), ("phone", "", PHONES[1]), ("unionid", "", "u")
_TWO_PHONES = ((_SECOND, _FIRST), None)
QUIET = examples(15)


@pytest.fixture
def con() -> Any:
    with new_store() as store:
        yield store


def again(con: Any) -> Any:
    """An empty store, inside one test."""
    con.execute("ROLLBACK")
    con.execute("BEGIN")
    return con


class Model:
    """The rules, key by key: sets of keys, at most one id of a kind and namespace in each."""

    def __init__(self) -> None:
        self.people: list[set[Key]] = []
        self.conflicts: set[frozenset[Key]] = set()

    def of(self, key: Key) -> set[Key]:
        return next(one for one in self.people if key in one)

    def see(self, keys: set[Key], links: list[tuple[int | None, Key, Key]]) -> None:
        """One import: `links` are (moment, anchor, key); the earliest moment of a pair counts."""
        for key in keys:
            if not any(key in one for one in self.people):
                self.people.append({key})
        first: dict[tuple[Key, Key], float] = {}
        for sec, anchor, key in links:
            moment = float("inf") if sec is None else sec
            first[anchor, key] = min(moment, first.get((anchor, key), moment))

        def turn(pair: tuple[Key, Key]) -> tuple[Any, ...]:
            return any(key[0] == "phone" for key in pair), first[pair], pair[1], pair[0]

        for anchor, key in sorted(first, key=turn):
            one, other = self.of(anchor), self.of(key)
            if one is other:
                continue
            ids = [{key[:2] for key in side if key[0] != "phone"} for side in (one, other)]
            if ids[0] & ids[1]:
                self.conflicts.add(frozenset({anchor, key}))
            else:
                one |= other
                self.people.remove(other)

    def import_rows(self, rows: list[Row]) -> None:
        keys: set[Key] = {("buyer", shop, buyer) for shop, buyer, _, _ in rows if buyer}
        self.see(keys | {("phone", "", phone) for _, _, phone, _ in rows if phone}, order_links(rows))

    def import_friends(self, friends: list[Friend]) -> None:
        links = []
        for keys, sec in friends:
            anchor, *rest = sorted(keys, key=lambda key: (key[0] == "phone", key))
            links += [(sec, anchor, key) for key in rest]
        self.see({key for keys, _ in friends for key in keys}, links)

    @property
    def partition(self) -> set[frozenset[Key]]:
        return {frozenset(one) for one in self.people}


@QUIET
@given(
    runs=st.lists(
        st.one_of(ROWS.map(lambda rows: ("rows", rows)), FRIENDS.map(lambda one: ("friends", one))),
        max_size=4,
    )
)
@example(runs=[("friends", [_TWO_PHONES, ((_UNION, _SECOND), None)])])
@example(runs=[("friends", [_TWO_PHONES, ((_UNION, _FIRST), None)])])
def test_the_store_agrees_with_the_model(con: Any, runs: list[tuple[str, Any]]) -> None:
    con, model = again(con), Model()
    for number, (kind, what) in enumerate(runs, start=1):
        if kind == "rows":
            found = import_rows(con, number, what)
            model.import_rows(what)
            for (shop, buyer, phone, _), customer in found.items():
                key = ("buyer", shop, buyer) if buyer else ("phone", "", phone)
                assert frozenset(model.of(key)) == keys_of(con, customer)
        elif what:
            customers = import_friends(con, number, what)
            model.import_friends(what)
            for (keys, _), customer in zip(what, customers, strict=True):
                anchor = min(keys, key=lambda key: (key[0] == "phone", key))
                assert frozenset(model.of(anchor)) == keys_of(con, customer)
        assert people(con) == model.partition
        assert conflicts(con) == model.conflicts
        check_laws(con)


def keys_of(con: Any, customer: int) -> frozenset[Key]:
    rows = con.execute(
        "SELECT kind, namespace, value FROM customer_keys WHERE customer_id = ?", [customer]
    ).fetchall()
    return frozenset(rows)


@QUIET
@given(rows=ROWS, mixed=st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(con: Any, rows: list[Row], mixed: Any) -> None:
    tables = ("customers", "customer_keys", "customer_merges", "identity_conflicts")
    again(con)
    import_rows(con, 1, rows)
    first = {name: sorted(con.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables}
    shuffled = list(rows)
    mixed.shuffle(shuffled)
    again(con)
    import_rows(con, 1, shuffled)
    assert {
        name: sorted(con.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables
    } == first


@QUIET
@given(rows=ROWS, cuts=st.lists(st.integers(0, 9), max_size=3), mixed=st.randoms(use_true_random=False))
def test_without_contradictions_imports_can_be_cut_anywhere(
    con: Any, rows: list[Row], cuts: list[int], mixed: Any
) -> None:
    again(con)
    import_rows(con, 1, rows)
    whole, contradictions = people(con), conflicts(con)
    shuffled = list(rows)
    mixed.shuffle(shuffled)
    again(con)
    edges = [0, *sorted(cuts), len(rows)]
    for number, (start, stop) in enumerate(itertools.pairwise(edges), start=1):
        import_rows(con, number, shuffled[start:stop])
    assert bool(conflicts(con)) == bool(contradictions)
    if not contradictions:
        assert people(con) == whole
    check_laws(con)


CHAIN: list[Row] = [
    ("淘宝", "甲", PHONES[1], 1), ("有赞", "乙", PHONES[1], 2), ("有赞", "乙", PHONES[2], 3), ("京东", "丙", PHONES[2], 4),
]  # fmt: skip


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_chain_of_phones_makes_one_customer(con: Any, order: tuple[int, ...], size: int) -> None:
    rows = [CHAIN[at] for at in order]
    for number, start in enumerate(range(0, 4, size), start=1):
        import_rows(con, number, rows[start : start + size])
    assert people(con) == {frozenset(
        {("buyer", "淘宝", "甲"), ("buyer", "有赞", "乙"), ("buyer", "京东", "丙"),
         ("phone", "", PHONES[1]), ("phone", "", PHONES[2])})}  # fmt: skip
    assert con.execute("SELECT count(*) FROM customer_merges").fetchall() == [(2,)]


def test_the_receiver_of_a_gift_is_not_the_buyer_and_it_is_asked_once(con: Any) -> None:
    rows: list[Row] = [("淘宝", "甲", PHONES[0], 1), ("淘宝", "乙", PHONES[0], 2)]
    import_rows(con, 1, rows)
    assert people(con) == {
        frozenset({("buyer", "淘宝", "甲"), ("phone", "", PHONES[0])}),
        frozenset({("buyer", "淘宝", "乙")}),
    }
    import_rows(con, 2, rows)
    assert con.execute(
        "SELECT kind, value, with_value, against_kind, against_namespace, run_id, answer FROM identity_conflicts"
    ).fetchall() == [("phone", PHONES[0], "乙", "buyer", "淘宝", 1, None)]


def test_the_older_customer_stays_and_the_log_says_why(con: Any) -> None:
    import_rows(con, 1, [("淘宝", "甲", PHONES[0], 5), ("有赞", "乙", PHONES[1], 3)])
    import_rows(con, 2, [("淘宝", "甲", PHONES[1], 9)])
    (merge,) = con.execute(
        "SELECT from_customer_id, into_customer_id, kind, value, with_kind, with_value, seen_sec, run_id, from_run_id "
        "FROM customer_merges"
    ).fetchall()
    assert merge == (2, 1, "phone", PHONES[1], "buyer", "甲", 9, 2, 1)
    assert len(people(con)) == 1


def test_a_platforms_word_comes_before_a_phones(con: Any) -> None:
    """The friend's unionid says who it is; the phone in the remark is somebody else's."""
    import_friends(con, 1, [((("external_userid", "", "x"), ("phone", "", PHONES[0])), 1)])
    import_friends(
        con, 2, [((("external_userid", "", "y"), ("unionid", "", "u"), ("phone", "", PHONES[0])), 2)]
    )
    assert people(con) == {
        frozenset({("external_userid", "", "x"), ("phone", "", PHONES[0])}),
        frozenset({("external_userid", "", "y"), ("unionid", "", "u")}),
    }
    assert len(conflicts(con)) == 1
