"""Taking imports of orders back: what the other imports say stays, whatever came and went in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.customers.import_orders import merge_orders, undo_orders
from siyu_cli.sheets.table import CleanTable
from siyu_cli.store import versions
from siyu_cli.store.forgetting import Forgotten
from siyu_cli.store.versions import Undone, oldest_undoable
from tests.conftest import examples
from tests.customers.orders_of import counts, mapping, meaning, net, order, table
from tests.shop_rows import insert
from tests.stores import new_store

RETURNS = mapping(kind="returns", name="退货")
LINES = mapping(rows="line")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_store() as connection:
        yield connection


def test_what_an_import_brought_goes_and_what_it_overwrote_returns(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1"), order("2", status="unpaid", paid_sec=None)])])
    before = meaning(con)
    newer = [order("2", buyer_id="乙", phone="13800000001"), order("3", buyer_id="丙")]
    merge_orders(con, 2, [table(newer, exported="2025-03-20")])
    after = meaning(con)
    assert undo_orders(con, 2, 3) == Undone(1, 1, forgotten=Forgotten(customers=2))
    assert meaning(con) == before
    again = merge_orders(con, 4, [table(newer, exported="2025-03-20")])
    assert counts(again) == (1, 1, 0, 0, 0)
    assert meaning(con) == after


def test_what_a_later_import_changed_or_confirmed_stays_until_that_is_undone(
    con: duckdb.DuckDBPyConnection,
) -> None:
    merge_orders(con, 1, [table([order("1"), order("2"), order("3")])])
    later = [order("1", amount_paid_fen=700), order("2")]
    merge_orders(con, 2, [table(later, exported="2025-03-20")])
    assert undo_orders(con, 1, 3) == Undone(1, 0, {"changed-since": 1, "confirmed-since": 1})
    with new_store() as other:
        merge_orders(other, 1, [table(later, exported="2025-03-20")])
        assert meaning(con) == meaning(other)
    assert undo_orders(con, 2, 4) == Undone(2, 0, forgotten=Forgotten(customers=1))
    assert not any(meaning(con).values())


def test_the_moment_of_an_undone_confirmation_counts_no_more(con: duckdb.DuckDBPyConnection) -> None:
    """Export of the 10th, confirmed by the 20th: without the 20th, the 15th is newer again."""
    merge_orders(con, 1, [table([order("1")], exported="2025-03-10")])
    merge_orders(con, 2, [table([order("1")], exported="2025-03-20")])
    undo_orders(con, 2, 3)
    closed = table([order("1", status="closed")], exported="2025-03-15")
    assert counts(merge_orders(con, 4, [closed])) == (0, 1, 0, 0, 0)
    assert net(con) == []


def test_an_older_export_that_was_beaten_counts_when_the_newer_one_goes(
    con: duckdb.DuckDBPyConnection,
) -> None:
    merge_orders(con, 1, [table([order("1")], exported="2025-03-10")])
    merge_orders(con, 2, [table([order("1", amount_paid_fen=900)], exported="2025-03-20")])
    beaten = merge_orders(con, 3, [table([order("1", amount_paid_fen=800)], exported="2025-03-15")])
    assert beaten.reasons == {"older-export": 1}
    assert net(con) == [(1, 1, 900)]
    assert undo_orders(con, 2, 4) == Undone(0, 1)
    assert net(con) == [(1, 1, 800)]


def test_an_order_list_leaves_its_lines_as_they_were(con: duckdb.DuckDBPyConnection) -> None:
    lines = [order("1", line_id="a", amount_paid_fen=400), order("1", line_id="b", amount_paid_fen=500)]
    merge_orders(con, 1, [table(lines, LINES)])
    before = meaning(con)
    merge_orders(con, 2, [table([order("1")])])
    assert net(con) == [(1, 1, 1000)]
    undo_orders(con, 2, 3)
    assert (meaning(con), net(con)) == (before, [(1, 1, 900)])


def test_returns_rest_on_orders_that_come_and_go(con: duckdb.DuckDBPyConnection) -> None:
    orders = table([order("1"), order("2")])
    merge_orders(con, 1, [orders])
    merge_orders(con, 2, [table([{"order_id": "1", "refund_amount_fen": 300}], RETURNS)])
    assert net(con) == [(1, 2, 1700)]
    undo_orders(con, 1, 3)
    assert (net(con), con.execute("SELECT count(*) FROM refunds").fetchall()) == ([], [(0,)])
    merge_orders(con, 4, [orders])
    assert [row[1:] for row in net(con)] == [(2, 1700)]
    assert undo_orders(con, 2, 5) == Undone(1)
    assert [row[1:] for row in net(con)] == [(2, 2000)]


def test_what_two_return_lists_say_stays_with_the_other(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1")])])
    rows = [{"order_id": "1", "refund_amount_fen": 300}]
    merge_orders(con, 2, [table(rows, RETURNS)])
    merge_orders(con, 3, [table([*rows, {"order_id": "1", "refund_amount_fen": 200}], RETURNS)])
    assert undo_orders(con, 2, 4) == Undone(0, 0, {"confirmed-since": 1})
    assert net(con) == [(1, 1, 500)]
    assert undo_orders(con, 3, 5) == Undone(2)
    assert net(con) == [(1, 1, 1000)]


def test_a_row_whose_earlier_version_is_not_kept_stays(con: duckdb.DuckDBPyConnection) -> None:
    """As in stores older than undo, or beyond the imports that are kept."""
    merge_orders(con, 1, [table([order("1")])])
    merge_orders(con, 2, [table([order("1", amount_paid_fen=700)], exported="2025-03-20")])
    con.execute("DELETE FROM order_lines_versions")
    assert undo_orders(con, 2, 3) == Undone(0, 0, {"no-earlier-version": 1})
    assert net(con) == [(1, 1, 700)]


def test_versions_are_kept_for_the_last_imports_only(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert versions.KEPT_IMPORTS == 30
    kept_imports = 6
    monkeypatch.setattr(versions, "KEPT_IMPORTS", kept_imports)
    for run_id in range(1, kept_imports + 4):
        merge_orders(con, run_id, [table([order("1", amount_paid_fen=100 + run_id)])])
        insert(con, "runs", [RUN | {"run_id": run_id}])
    oldest = oldest_undoable(con)
    assert oldest == 4
    # One version below the imports that can go is what stands when they all have gone.
    kept = con.execute("SELECT run_id FROM order_lines_versions ORDER BY 1").fetchall()
    assert [run_id for (run_id,) in kept if run_id >= oldest] == [*range(oldest, kept_imports + 3)]
    for undo_id, run_id in enumerate(range(oldest, kept_imports + 4), start=100):
        undo_orders(con, run_id, undo_id)
    assert net(con) == [(1, 1, 100 + oldest - 1)]


RUN = {
    "command": "import-orders", "arguments": "", "started_sec": 0, "finished_sec": 0, "outcome": "done", "exit_code": 0,
    "inputs": "[]", "counts": "{}", "message": "", "version": "",
}  # fmt: skip

ORDER = st.tuples(
    st.sampled_from("123"), st.sampled_from([500, 800, 1000]), st.sampled_from(["paid", "unpaid", "closed"])
)
FILES = st.one_of(
    st.tuples(st.just("order"), st.integers(10, 13), st.lists(ORDER, min_size=1, max_size=3, unique_by=lambda row: row[0])),
    st.tuples(st.just("line"), st.integers(10, 13), st.lists(ORDER, min_size=1, max_size=3, unique_by=lambda row: row[0])),
    st.tuples(st.just("detail"), st.integers(10, 13), st.lists(ORDER, min_size=1, max_size=2, unique_by=lambda row: row[0])),
    st.tuples(st.just("returns"), st.integers(10, 13), st.lists(ORDER, min_size=1, max_size=2, unique_by=lambda row: row[0])),
)  # fmt: skip


def file_of(kind: str, day: int, facts: Sequence[tuple[str, int, str]]) -> CleanTable:
    exported = f"2025-03-{day}"
    if kind == "returns":
        return table(
            [{"order_id": key, "refund_amount_fen": fen} for key, fen, _ in facts], RETURNS, exported=exported
        )
    if kind == "order":
        rows = [
            order(key, buyer_id=f"买{key}", amount_paid_fen=fen, status=status) for key, fen, status in facts
        ]
        return table(rows, exported=exported)
    if kind == "detail":
        used = mapping(kind="details", name="明细", constants={"platform": "测试平台"})
        rows = [
            {"order_id": key, "amount_paid_fen": fen, "product": f"货{fen}", "status": None}
            for key, fen, _ in facts
        ]
        return table(rows, used, exported=exported)
    rows = [
        order(key, buyer_id=f"买{key}", line_id=f"{key}{part}", amount_paid_fen=fen // part, status=status)
        for key, fen, status in facts
        for part in (1, 2)
    ]
    return table(rows, LINES, exported=exported)


@given(st.lists(st.one_of(FILES, st.integers(0, 5)), min_size=2, max_size=7))
@examples(12)
def test_any_sequence_of_imports_and_undos_is_that_of_the_imports_that_stand(steps: list[Any]) -> None:
    """A number undoes one of the imports so far. Details and returns need a known order, so they come last."""
    with new_store() as con, new_store() as fresh:
        standing: dict[int, tuple[str, int, Any]] = {}
        for run_id, step in enumerate(steps, start=1):
            if not isinstance(step, int):
                merge_orders(con, run_id, [file_of(*step)])
                standing[run_id] = step
            elif standing:
                undone = sorted(standing)[step % len(standing)]
                undo_orders(con, undone, run_id)
                del standing[undone]
        known = {run_id: step for run_id, step in standing.items() if step[0] in ("order", "line")}
        for run_id, step in known.items():
            merge_orders(fresh, run_id, [file_of(*step)])
        assert whole_orders(con) == newest(known)
        if known == standing:
            assert meaning(con) == meaning(fresh)


def whole_orders(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, str]]:
    sql = "SELECT order_id, paid_fen, status FROM order_lines WHERE level = 'order'"
    return {key: (fen, status) for key, fen, status in con.execute(sql).fetchall()}


def newest(standing: dict[int, tuple[str, int, Any]]) -> dict[str, tuple[int, str]]:
    """What each order is by the newest export that names it, of equal ones by the last import."""
    found: dict[str, tuple[int, str]] = {}
    for _, (kind, _, facts) in sorted(standing.items(), key=lambda item: (item[1][1], item[0])):
        if kind == "order":
            found |= {key: (fen, status) for key, fen, status in facts}
    return found
