"""Merges by hand, splits and undone imports: nothing is lost, and what was apart before is apart again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused
from siyu_cli.people import merging
from siyu_cli.store.health import _INVARIANTS
from tests.conftest import examples
from tests.people.claims_of import (
    Row,
    check_laws,
    conflicts,
    dump,
    import_friends,
    import_rows,
    people,
)
from tests.people.test_identity import CHAIN, FRIENDS, PHONES, ROWS, again
from tests.shop_rows import insert
from tests.stores import new_store

QUIET = examples(10)


@pytest.fixture
def con() -> Any:
    with new_store() as store:
        yield store


def ids(con: Any) -> list[int]:
    return [row[0] for row in con.execute("SELECT customer_id FROM customers ORDER BY 1").fetchall()]


def name(con: Any) -> None:
    """Names and places of everyone, as after an import."""
    con.execute("CREATE OR REPLACE TEMP TABLE placed_people AS SELECT customer_id FROM customers")
    merging.note_orders(con, "placed_people")
    merging.settle_money(con, 1)


def money(con: Any) -> int:
    return con.execute("SELECT coalesce(sum(paid_fen), 0) FROM order_lines").fetchall()[0][0]


@QUIET
@given(rows=ROWS, friends=FRIENDS, pick=st.data())
def test_split_gives_back_what_was_before_the_merge(
    con: Any, rows: list[Row], friends: list[Any], pick: Any
) -> None:
    again(con)
    import_rows(con, 1, rows)
    if friends:
        import_friends(con, 2, friends)
    name(con)
    before, paid = dump(con), money(con)
    if len(ids(con)) < 2:
        return
    one, other = sorted(pick.draw(st.permutations(ids(con)))[:2])
    assert merging.merge_by_hand(con, 3, one, other) == one
    check_laws(con, by_hand=True)
    assert len(ids(con)) == len(before["customers"]) - 1
    [(merge_no,)] = con.execute("SELECT max(merge_no) FROM customer_merges").fetchall()
    done = merging.split(con, 4, one, merge_no)
    assert (done.customer_id, done.restored_id) == (one, other)
    assert dump(con) == before
    assert money(con) == paid
    # What was seen before does not make one of them again, and nobody is asked.
    asked = con.execute("SELECT count(*) FROM identity_conflicts WHERE answer IS NULL").fetchall()
    import_rows(con, 5, rows)
    assert one in ids(con)
    assert other in ids(con)
    assert con.execute("SELECT count(*) FROM identity_conflicts WHERE answer IS NULL").fetchall() == asked


@QUIET
@given(rows=ROWS, pick=st.data())
def test_all_merges_taken_apart_in_any_order_leave_single_people(
    con: Any, rows: list[Row], pick: Any
) -> None:
    again(con)
    for number, row in enumerate(rows, start=1):
        import_rows(con, number, [row])
    merges = [row[0] for row in con.execute("SELECT merge_no FROM customer_merges").fetchall()]
    start, paid = len(ids(con)), money(con)
    for count, merge_no in enumerate(pick.draw(st.permutations(merges)), start=1):
        [(customer,)] = con.execute(
            "SELECT DISTINCT customer_id FROM customer_keys JOIN customer_merges ON born_id = into_born_id WHERE merge_no = ?",
            [merge_no],
        ).fetchall()
        merging.split(con, 100, customer, merge_no)
        check_laws(con)
        assert len(ids(con)) == start + count
        assert money(con) == paid


def test_a_merge_in_the_middle_of_a_chain(con: Any) -> None:
    for number, row in enumerate(CHAIN, start=1):
        import_rows(con, number, [row])
    insert(con, "tags", [
        {"customer_id": 1, "tag": tag, "source": source, "pin": "none", "set_day": 1, "rule_hash": "", "run_id": 1}
        for tag, source in (("老客", "manual"), ("活跃", "auto"))
    ])  # fmt: skip
    split = merging.split(con, 9, 1, 1)
    assert people(con) == {
        frozenset({("buyer", "淘宝", "甲"), ("phone", "", PHONES[1])}),
        frozenset({("buyer", "有赞", "乙"), ("phone", "", PHONES[2]), ("buyer", "京东", "丙")}),
    }
    assert (split.customer_id, split.restored_id, split.lines) == (1, 2, 3)
    assert (split.manual_tags, split.auto_tags) == (1, 1)
    assert con.execute("SELECT DISTINCT customer_id FROM tags").fetchall() == [(1,)]
    check_laws(con)
    for number, row in enumerate(CHAIN, start=10):
        import_rows(con, number, [row])
    assert len(people(con)) == 2
    assert con.execute("SELECT DISTINCT answer FROM identity_conflicts").fetchall() == [("different",)]


@pytest.mark.parametrize(("merge_no", "code"), [(7, "unknown-merge"), (1, "already-split")])
def test_what_cannot_be_split_is_said(con: Any, merge_no: int, code: str) -> None:
    import_rows(con, 1, CHAIN)
    if code == "already-split":
        merging.split(con, 2, 1, 1)
    with pytest.raises(InputRefused) as refused:
        merging.split(con, 3, 1, merge_no)
    assert refused.value.code == code


def test_a_merge_of_an_older_version_is_not_guessed_at(con: Any) -> None:
    import_rows(con, 1, [("淘宝", "甲", PHONES[0], 1)])
    insert(con, "customer_merges", [{
        "merge_no": 1, "from_customer_id": 2, "into_customer_id": 1, "from_born_id": 2, "into_born_id": 1, "run_id": 1,
        "from_run_id": 0, "kind": "phone", "namespace": "", "value": PHONES[0],
    }])  # fmt: skip
    with pytest.raises(InputRefused) as refused:
        merging.split(con, 3, 1, 1)
    assert refused.value.code == "merge-without-keys"


def test_what_is_said_to_be_two_people_stays_two_even_on_new_evidence(con: Any) -> None:
    import_rows(con, 1, [("淘宝", "甲", PHONES[0], 1), ("淘宝", "乙", PHONES[0], 2)])
    merging.keep_apart(con, 2, [(1, 2)])
    assert con.execute("SELECT answer, answer_run_id FROM identity_conflicts").fetchall() == [
        ("different", 2)
    ]
    import_rows(
        con, 3, [("有赞", "甲", PHONES[1], 3), ("有赞", "甲", PHONES[0], 3), ("淘宝", "乙", PHONES[1], 3)]
    )
    assert len(people(con)) == 2
    assert con.execute("SELECT count(*) FROM identity_conflicts WHERE answer IS NULL").fetchall() == [(0,)]
    merging.keep_apart(con, 4, [(2, 1)])
    assert con.execute("SELECT count(*) FROM identity_apart").fetchall() == [(1,)]
    merging.merge_by_hand(con, 5, 2, 1)
    assert con.execute("SELECT count(*) FROM identity_apart").fetchall() == [(0,)]


def test_negative_rows_are_set_against_both_halves_and_apart_again(con: Any) -> None:
    import_rows(con, 1, [("淘宝", "甲", None, 86_400), ("有赞", "乙", None, 2 * 86_400)])
    con.execute(
        "UPDATE order_lines SET kind = 'negative', paid_fen = -50, quantity_milli = -1000 WHERE buyer_id = '乙'"
    )
    name(con)
    assert con.execute("SELECT line_no, refund_fen FROM refunds").fetchall() == [(None, 50)]
    merging.merge_by_hand(con, 2, 1, 2)
    [(line_no,)] = con.execute("SELECT line_no FROM order_lines WHERE buyer_id = '甲'").fetchall()
    assert con.execute("SELECT customer_id, line_no, refund_fen FROM refunds").fetchall() == [
        (1, line_no, 50)
    ]
    merging.split(con, 3, 1, 1)
    assert con.execute("SELECT customer_id, line_no, refund_fen FROM refunds").fetchall() == [(2, None, 50)]


def test_tags_of_both_are_kept_once_and_a_hand_wins(con: Any) -> None:
    import_rows(con, 1, [("淘宝", "甲", None, 1), ("有赞", "乙", None, 2)])
    insert(con, "tags", [
        {"customer_id": who, "tag": tag, "source": source, "pin": "none", "set_day": 1, "rule_hash": "", "run_id": 1}
        for who, tag, source in ((1, "老客", "auto"), (2, "老客", "manual"), (2, "投诉过", "manual"))
    ])  # fmt: skip
    merging.merge_by_hand(con, 2, 1, 2)
    assert con.execute("SELECT customer_id, tag, source FROM tags ORDER BY tag").fetchall() == [
        (1, "投诉过", "manual"), (1, "老客", "manual")
    ]  # fmt: skip


def undo(con: Any, run_id: int) -> merging.TakenBack:
    """Take an import of orders back as its undo does: the rows first."""
    con.execute("DELETE FROM order_lines WHERE run_id = ?", [run_id])
    insert(con, "runs", [{
        "run_id": 1 + con.execute("SELECT coalesce(max(run_id), 99) FROM runs").fetchall()[0][0], "command": "undo-import",
        "arguments": "", "started_sec": 0, "finished_sec": 0, "outcome": "done", "exit_code": 0, "inputs": "[]",
        "counts": "{}", "message": "", "version": "",
    }])  # fmt: skip
    return merging.take_back(con, run_id)


@QUIET
@given(first=ROWS, second=ROWS)
def test_taking_the_last_import_back_leaves_the_earlier_ones(
    con: Any, first: list[Row], second: list[Row]
) -> None:
    again(con)
    import_rows(con, 1, first)
    name(con)
    tables = ("customers", "customer_keys", "order_lines", "customer_merges", "identity_conflicts")
    before = dump(con, *tables)
    import_rows(con, 2, second)
    undo(con, 2)
    check_laws(con)
    assert dump(con, *tables) == before


@QUIET
@given(first=ROWS, second=ROWS)
def test_everything_taken_back_leaves_nothing(con: Any, first: list[Row], second: list[Row]) -> None:
    again(con)
    import_rows(con, 1, first)
    import_rows(con, 2, second)
    undo(con, 1)
    check_laws(con)
    undo(con, 2)
    assert not any(dump(con, "customers", "customer_keys", "order_lines").values())


@QUIET
@given(first=ROWS, second=ROWS)
def test_taking_an_earlier_import_back_loses_nothing_of_the_later(
    con: Any, first: list[Row], second: list[Row]
) -> None:
    again(con)
    import_rows(con, 1, first)
    import_rows(con, 2, second)
    undo(con, 1)
    check_laws(con)
    again(con)
    import_rows(con, 2, second)
    alone = people(con) if not conflicts(con) else None
    again(con)
    import_rows(con, 1, first)
    import_rows(con, 2, second)
    is_plain = not conflicts(con)
    undo(con, 1)
    if alone is not None and is_plain:
        left = people(con)
        assert {key for keys in left for key in keys} == {key for keys in alone for key in keys}
        # Whoever the later import makes one is one.
        assert all(any(one <= other for other in left) for one in alone)


def test_a_merge_with_other_evidence_survives_its_import(con: Any) -> None:
    import_rows(con, 1, [("淘宝", "甲", PHONES[0], 1), ("有赞", "乙", PHONES[1], 1)])
    import_rows(con, 2, [("有赞", "乙", PHONES[0], 2)])
    import_rows(con, 3, [("淘宝", "甲", PHONES[1], 3)])
    assert len(people(con)) == 1
    undo(con, 2)
    assert len(people(con)) == 1
    assert con.execute("SELECT value FROM customer_merges").fetchall() == [(PHONES[1],)]
    undo(con, 3)
    assert len(people(con)) == 2
    assert con.execute("SELECT count(*) FROM customer_merges").fetchall() == [(0,)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("import"), ROWS.filter(bool)),
        st.tuples(st.sampled_from(["undo", "merge", "split"]), st.integers(0, 1_000)),
    ),
    max_size=7,
)


@QUIET
@given(steps=STEPS)
def test_whatever_happens_in_whatever_order_the_store_is_sound(
    con: Any, steps: list[tuple[str, Any]]
) -> None:
    again(con)
    runs: list[int] = []
    for number, (what, given_) in enumerate(steps, start=1):
        if what == "import":
            import_rows(con, number, given_)
            runs.append(number)
        elif what == "undo" and runs:
            undo(con, runs.pop(given_ % len(runs)))
        elif what == "merge" and len(ids(con)) > 1:
            everyone = ids(con)
            first = given_ % len(everyone)
            merging.merge_by_hand(con, number, everyone[first], everyone[first - 1])
        elif what == "split":
            held = con.execute(
                "SELECT DISTINCT merge_no, customer_id FROM customer_merges JOIN customer_keys ON born_id = into_born_id "
                "WHERE split_run_id IS NULL ORDER BY 1"
            ).fetchall()
            if held:
                merge_no, customer = held[given_ % len(held)]
                merging.split(con, number, customer, merge_no)
        check_laws(con, by_hand=True)
        assert [name for name, sql in _INVARIANTS if con.execute(sql).fetchall()[0][0]] == []
    for run_id in runs:
        undo(con, run_id)
    assert not any(dump(con, "customers", "customer_keys", "order_lines").values())
