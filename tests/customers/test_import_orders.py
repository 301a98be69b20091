"""What an import makes of cleaned rows: every row accounted for, nothing twice, newest wins, order irrelevant."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.customers.import_orders import merge_orders
from siyu_cli.sheets.account import ImportAccount
from tests.conftest import examples
from tests.customers.orders_of import at, counts, dump, item_nets, mapping, net, order, table
from tests.stores import new_store

Rows = list[dict[str, Any]]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_store() as connection:
        yield connection


def test_the_same_file_again_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    rows = [order("1"), order("2", status="unpaid", paid_sec=None), order("3", buyer_id="乙")]
    first = merge_orders(con, 1, [table(rows)])
    before = dump(con)
    again = merge_orders(con, 2, [table(rows)])
    assert (counts(first), counts(again)) == ((3, 0, 0, 0, 0), (0, 0, 3, 0, 0))
    assert dump(con) == before
    assert (first.customers, first.new_customers, again.customers, again.new_customers) == (2, 2, 2, 0)
    assert first.net_fen == again.net_fen == 2000


def test_a_newer_export_wins_and_an_older_one_never(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1", status="unpaid", paid_sec=None)], exported="2025-03-10")])
    assert counts(merge_orders(con, 2, [table([order("1")], exported="2025-03-12")])) == (0, 1, 0, 0, 0)
    old = merge_orders(con, 3, [table([order("1", status="unpaid", paid_sec=None)], exported="2025-03-11")])
    assert counts(old) == (0, 0, 1, 0, 0)
    assert old.reasons == {"older-export": 1}
    assert net(con) == [(1, 1, 1000)]


def test_what_a_newer_export_confirms_an_older_one_cannot_undo(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1")], exported="2025-03-10")])
    merge_orders(con, 2, [table([order("1")], exported="2025-03-20")])
    assert counts(merge_orders(con, 3, [table([order("1", status="closed")], exported="2025-03-15")])) == (
        0,
        0,
        1,
        0,
        0,
    )


def test_equal_order_rows_are_duplicates_and_different_ones_go_back(con: duckdb.DuckDBPyConnection) -> None:
    rows = [order("1"), order("1"), order("2"), order("2", amount_paid_fen=900)]
    account = merge_orders(con, 1, [table(rows)])
    assert counts(account) == (2, 0, 0, 1, 1)
    assert account.reasons == {"conflicting-rows": 1, "same-row": 1}
    assert net(con) == [(1, 2, 2000)]


def test_equal_rows_without_order_key_are_purchases(con: duckdb.DuckDBPyConnection) -> None:
    rows = [order("x"), order("x")]
    used = mapping(order_key=(), rows="line")
    assert counts(merge_orders(con, 1, [table(rows, used)])) == (2, 0, 0, 0, 0)
    assert counts(merge_orders(con, 2, [table([*rows, order("x")], used)])) == (1, 0, 2, 0, 0)
    assert net(con) == [(1, 3, 3000)]


def test_two_files_of_one_run_that_overlap(con: duckdb.DuckDBPyConnection) -> None:
    account = merge_orders(con, 1, [table([order("1"), order("2")]), table([order("2"), order("3")])])
    assert counts(account) == (3, 0, 0, 1, 0)


def test_files_of_one_run_come_oldest_first_and_a_corrected_row_counts_once() -> None:
    paid, half = order("1"), order("1", refund_amount_fen=400)
    old, new = table([paid], exported="2025-03-10"), table([half, order("2")], exported="2025-03-12")
    with new_store() as one, new_store() as other:
        first, second = merge_orders(one, 1, [old, new]), merge_orders(other, 1, [new, old])
        assert [file.net_fen for file in first.files] == [1000, 1600]
        assert first.net_fen == second.net_fen == 1600
        assert first.totals == second.totals
        assert net(one) == [(1, 2, 1600)]
        assert dump(one) == dump(other)


@pytest.mark.parametrize("has_line_ids", [True, False])
@pytest.mark.parametrize("list_first", [True, False])
@pytest.mark.parametrize("runs", [1, 2])
def test_an_order_list_and_its_lines_count_once(has_line_ids: bool, list_first: bool, runs: int) -> None:
    """The same orders as one row each and line by line: the list holds the money, the lines what was bought."""
    whole = table([order("1"), order("2")])
    ids = [{"line_id": "a"}, {"line_id": "b"}] if has_line_ids else [{"product": "a"}, {"product": "b"}]
    lines = table(
        [order("1", amount_paid_fen=400, **ids[0]), order("1", amount_paid_fen=500, **ids[1])],
        mapping(rows="line"),
    )
    files = [whole, lines] if list_first else [lines, whole]
    with new_store() as con:
        batches = [files] if runs == 1 else [[file] for file in files]
        accounts = [merge_orders(con, at_, batch) for at_, batch in enumerate(batches, start=1)]
        assert sum(account.totals.new for account in accounts) == 4
        # An order list that comes later makes details of lines that an earlier run brought.
        assert accounts[-1].extra["detail_rows"] == (0 if runs == 2 and not list_first else 2)
        assert net(con) == [(1, 2, 2000)]
        # 1000 by 400 : 500, and the order without lines is its own item.
        assert item_nets(con) == [("1", 444), ("1", 556), ("2", 1000)]
        expected = [2000] if runs == 1 else [2000, 0] if list_first else [900, 2000]
        assert [account.net_fen for account in accounts] == expected
        again = merge_orders(con, 3, files)
        assert counts(again)[:2] == (0, 0)
        assert again.net_fen == 2000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (order(None), "missing-order-id"),  # type: ignore[arg-type]
        (order("1", amount_paid_fen=-5), "negative-amount"),
        (order("1", quantity_milli=-1000), "negative-amount"),
        (order("1", amount_paid_fen=None), "missing-amount"),
        (order("1", paid_sec=None, created_sec=None), "missing-date"),
    ],
)
def test_rows_that_cannot_count_go_back_with_a_reason(
    con: duckdb.DuckDBPyConnection, row: dict[str, Any], reason: str
) -> None:
    account = merge_orders(con, 1, [table([row, order("9")])])
    assert counts(account) == (1, 0, 0, 0, 1)
    assert account.reasons == {reason: 1}
    assert [reject.row_no for reject in account.files[0].refused] == [2]


def test_paid_without_a_time_counts_from_its_creation(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1", paid_sec=None)])])
    assert net(con, "2025-02-28") == []
    assert net(con, "2025-03-01") == [(1, 1, 1000)]


@pytest.mark.parametrize(
    ("amount", "row", "expected"),
    [
        ("gross", {"refund_amount_fen": 300}, 700),
        ("net_of_refunds", {"refund_amount_fen": 300}, 1000),
        ("computed", {"computed_fen": 2500, "refund_amount_fen": 300}, 2200),
        ("gross", {"amount_paid_fen": None, "computed_fen": 2500}, 2500),
    ],
)
def test_refunds_are_subtracted_once(
    con: duckdb.DuckDBPyConnection, amount: str, row: dict[str, Any], expected: int
) -> None:
    account = merge_orders(con, 1, [table([order("1", **row)], mapping(amount=amount))])
    assert (net(con), account.net_fen) == ([(1, 1, expected)], expected)


def test_a_refund_counts_from_its_own_day_else_from_the_payment(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        order("1", refund_amount_fen=400, refunded_sec=at("2025-03-10")),
        order("2", refund_amount_fen=400),
    ]
    merge_orders(con, 1, [table(rows)])
    assert net(con, "2025-03-09") == [(1, 2, 1600)]
    assert net(con, "2025-03-10") == [(1, 2, 1200)]


def test_a_refunded_status_returns_all_where_the_mapping_says_so(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1", status="refunded")], mapping(refund_by_status=True))])
    merge_orders(con, 2, [table([order("2", status="refunded")])])
    assert net(con) == [(1, 1, 1000)]


def test_closed_unpaid_and_gift_rows_are_no_orders(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        order("1", status="closed"),
        order("2", status="unpaid", paid_sec=None),
        order("3", amount_paid_fen=0),
    ]
    merge_orders(con, 1, [table(rows)])
    assert net(con) == []


def test_a_zero_row_is_a_purchase_where_the_mapping_says_so(con: duckdb.DuckDBPyConnection) -> None:
    rows = [order("1", amount_paid_fen=0), order("2", amount_paid_fen=500, refund_amount_fen=500)]
    merge_orders(con, 1, [table(rows, mapping(zero_amount="purchase"))])
    assert net(con) == [(1, 1, 0)]


class TestReturns:
    """Return lists against known orders."""

    ORDERS = mapping(
        order_key=("order_id", "buyer_id"), rows="line", columns={"order_id": ("a",), "buyer_id": ("b",)}
    )
    RETURNS = mapping(kind="returns", name="退货")

    def lines(self) -> Rows:
        return [
            order("1", line_id="a", amount_paid_fen=1000), order("1", line_id="b", amount_paid_fen=500),
            order("1", line_id="c", buyer_id="乙", amount_paid_fen=300), order("2", line_id="d", amount_paid_fen=200),
        ]  # fmt: skip

    def test_every_line_that_matches_goes_back(self, con: duckdb.DuckDBPyConnection) -> None:
        merge_orders(con, 1, [table(self.lines(), self.ORDERS)])
        account = merge_orders(
            con, 2, [table([{"order_id": "1"}, {"order_id": "9"}, {"order_id": "1"}], self.RETURNS)]
        )
        assert counts(account) == (1, 0, 0, 1, 1)
        assert (account.net_fen, account.extra["returned_lines"], account.customers) == (-1800, 3, 2)
        assert account.reasons == {"no-such-order": 1, "same-row": 1}
        assert net(con) == [(2, 1, 200)]

    def test_again_is_unchanged(self, con: duckdb.DuckDBPyConnection) -> None:
        merge_orders(con, 1, [table(self.lines(), self.ORDERS)])
        merge_orders(con, 2, [table([{"order_id": "1"}], self.RETURNS)])
        before = dump(con)
        again = merge_orders(con, 3, [table([{"order_id": "1"}], self.RETURNS)])
        assert (counts(again), again.net_fen) == ((0, 0, 1, 0, 0), -1800)
        assert dump(con) == before

    def test_rows_of_one_order_share_what_is_left(self, con: duckdb.DuckDBPyConnection) -> None:
        merge_orders(con, 1, [table([order("1")])])
        rows = [{"order_id": "1"}, {"order_id": "1", "refund_amount_fen": 300}]
        account = merge_orders(con, 2, [table(rows, self.RETURNS)])
        assert (counts(account), account.net_fen) == ((2, 0, 0, 0, 0), -1000)
        assert con.execute("SELECT refund_fen FROM refunds ORDER BY 1").fetchall() == [(300,), (700,)]
        again = merge_orders(con, 3, [table(rows[::-1], self.RETURNS)])
        assert (counts(again), again.net_fen) == ((0, 0, 2, 0, 0), -1000)

    def test_a_list_with_line_ids_returns_these_lines_only(self, con: duckdb.DuckDBPyConnection) -> None:
        merge_orders(con, 1, [table(self.lines(), self.ORDERS)])
        rows = [{"order_id": "1", "line_id": "b"}, {"order_id": "1", "line_id": "c"}]
        account = merge_orders(con, 2, [table(rows, self.RETURNS)])
        assert (counts(account), account.net_fen) == ((2, 0, 0, 0, 0), -800)
        assert net(con) == [(2, 2, 1200)]

    @given(st.lists(st.integers(1, 10_000), min_size=1, max_size=6), st.integers(0, 80_000))
    @examples(8)
    def test_an_amount_is_spread_to_the_fen_and_never_beyond(self, paid: list[int], refund: int) -> None:
        with new_store() as con:
            rows = [order("1", line_id=str(at_), amount_paid_fen=fen) for at_, fen in enumerate(paid)]
            merge_orders(con, 1, [table(rows, mapping(rows="line"))])
            merge_orders(con, 2, [table([{"order_id": "1", "refund_amount_fen": refund}], self.RETURNS)])
            parts = con.execute("SELECT refund_fen FROM refunds ORDER BY line_no").fetchall()
            assert sum(part for (part,) in parts) == min(refund, sum(paid))
            left = con.execute(
                "SELECT min(l.paid_fen - r.refund_fen) FROM order_lines l JOIN refunds r USING (line_no)"
            )
            assert left.fetchall()[0][0] >= 0

    def test_many_rows_of_one_order_take_no_more_than_was_paid(self, con: duckdb.DuckDBPyConnection) -> None:
        merge_orders(
            con, 1, [table([order("1", line_id=str(at_)) for at_ in range(20)], mapping(rows="line"))]
        )
        rows = [{"order_id": "1", "refund_amount_fen": fen} for fen in range(1, 251)]
        account = merge_orders(con, 2, [table(rows, self.RETURNS)])
        assert (counts(account), account.net_fen) == ((250, 0, 0, 0, 0), -20 * 1000)
        assert net(con) == []

    def test_orders_come_before_returns_whatever_the_files_order(
        self, con: duckdb.DuckDBPyConnection
    ) -> None:
        account = merge_orders(
            con, 1, [table([{"order_id": "1"}], self.RETURNS), table(self.lines(), self.ORDERS)]
        )
        assert [file.counts.new for file in account.files] == [1, 4]


class TestNegativeRows:
    """Rows with negative quantity against the buyer's earlier lines of the same item."""

    USED = mapping(order_key=("order_id",), rows="line", amount="computed", refund_rows="negative_quantity")

    def line(
        self, order_id: str, day: str, quantity: int, price: int = 100, sku: str = "A", **more: Any
    ) -> dict[str, Any]:
        return order(
            order_id, day, sku=sku, quantity_milli=quantity * 1000, unit_price_fen=price,
            computed_fen=quantity * price, amount_paid_fen=None, **more,
        )  # fmt: skip

    def run(self, con: duckdb.DuckDBPyConnection, *rows: dict[str, Any], run_id: int = 1) -> ImportAccount:
        return merge_orders(con, run_id, [table(list(rows), self.USED)])

    def test_the_latest_earlier_line_gives_first(self, con: duckdb.DuckDBPyConnection) -> None:
        self.run(con, self.line("1", "2025-01-01", 5), self.line("2", "2025-01-05", 2), self.line("3", "2025-01-20", 9),
                 self.line("C4", "2025-01-10", -3))  # fmt: skip
        taken = con.execute(
            "SELECT l.order_id, r.refund_fen FROM refunds r JOIN order_lines l USING (line_no) ORDER BY 1"
        )
        assert taken.fetchall() == [("1", 100), ("2", 200)]
        assert net(con, "2025-01-09") == [(1, 2, 700)]
        assert net(con, "2025-01-15") == [(1, 1, 400)]

    def test_what_finds_no_line_lowers_totals_on_its_own_day(self, con: duckdb.DuckDBPyConnection) -> None:
        self.run(con, self.line("1", "2025-01-05", 2), self.line("C2", "2025-01-10", -3))
        assert net(con, "2025-01-09") == [(1, 1, 200)]
        assert net(con, "2025-01-10") == [(1, 0, -100)]

    def test_nobodys_negative_row_lowers_the_shop_only(self, con: duckdb.DuckDBPyConnection) -> None:
        self.run(con, self.line("1", "2025-01-05", 2), self.line("C2", "2025-01-10", -1, buyer_id=None))
        assert net(con) == [(1, 1, 200), (None, 0, -100)]

    def test_a_dearer_return_than_purchase_keeps_the_total(self, con: duckdb.DuckDBPyConnection) -> None:
        account = self.run(con, self.line("1", "2025-01-05", 1, 100), self.line("C2", "2025-01-10", -1, 150))
        assert account.net_fen == -50
        assert sum(row[2] for row in net(con)) == -50

    def test_again_is_unchanged_and_later_lines_are_set_against(self, con: duckdb.DuckDBPyConnection) -> None:
        self.run(con, self.line("C2", "2025-01-10", -1))
        assert net(con) == [(1, 0, -100)]
        late = self.run(con, self.line("1", "2025-01-05", 2), run_id=2)
        assert counts(late) == (1, 0, 0, 0, 0)
        assert net(con) == [(1, 1, 100)]
        before = dump(con)
        assert counts(self.run(con, self.line("C2", "2025-01-10", -1), run_id=3)) == (0, 0, 1, 0, 0)
        assert dump(con) == before

    def test_negative_rows_are_rejected_where_the_mapping_does_not_name_them(
        self, con: duckdb.DuckDBPyConnection
    ) -> None:
        used = mapping(rows="line", amount="computed")
        account = merge_orders(con, 1, [table([self.line("1", "2025-01-01", -1)], used)])
        assert account.reasons == {"negative-amount": 1}

    @given(st.lists(st.tuples(st.integers(1, 28), st.integers(-6, 6).filter(bool), st.integers(1, 500), st.sampled_from("AB"),
                              st.sampled_from(["甲", "乙", None])), min_size=1, max_size=14), st.randoms())  # fmt: skip
    @examples(8)
    def test_totals_hold_and_order_of_rows_does_not_matter(
        self, facts: list[Any], shuffle: random.Random
    ) -> None:
        rows = [
            self.line(f"{at_}", f"2025-01-{day:02d}", quantity, price, sku, buyer_id=buyer)
            for at_, (day, quantity, price, sku, buyer) in enumerate(facts)
        ]
        mixed = list(rows)
        shuffle.shuffle(mixed)
        with new_store() as one, new_store() as other:
            account = self.run(one, *rows)
            self.run(other, *mixed)
            total = sum(quantity * price for _, quantity, price, _, _ in facts)
            assert account.net_fen == total
            assert sum(row[2] for row in net(one)) == total
            assert dump(one) == dump(other)


PEOPLE = st.tuples(
    st.sampled_from("甲乙丙丁"), st.sampled_from([None, "13800000001", "13800000002", "13800000003"])
)


@given(
    st.lists(
        st.tuples(PEOPLE, st.integers(1, 28), st.sampled_from(["paid", "unpaid", "closed"])),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
@examples(8)
def test_shuffling_rows_changes_nothing(facts: list[Any], shuffle: random.Random) -> None:
    rows = [
        order(
            str(at_ % 7),
            f"2025-01-{day:02d}",
            buyer_id=buyer,
            phone=phone,
            status=status,
            amount_paid_fen=day * 100,
        )
        for at_, ((buyer, phone), day, status) in enumerate(facts)
    ]
    mixed = list(rows)
    shuffle.shuffle(mixed)
    with new_store() as one, new_store() as other:
        first, second = merge_orders(one, 1, [table(rows)]), merge_orders(other, 1, [table(mixed)])
        assert first.totals == second.totals
        assert first.customers == second.customers
        assert dump(one) == dump(other)


SAID = st.sampled_from([None, "甲", "乙"])


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), SAID, SAID, SAID), min_size=1, max_size=14),
    st.integers(0, 14),
)
@examples(10)
def test_customers_are_called_what_their_latest_order_that_says_so_calls_them(
    facts: list[Any], cut: int
) -> None:
    rows = [
        order(str(number), f"2025-01-0{day}", phone=f"1380000000{who}", buyer_id=None, receiver=name, province=province,
              city=city)
        for number, (who, day, name, province, city) in enumerate(facts)
    ]  # fmt: skip
    with new_store() as con:
        for run_id, part in enumerate((rows[:cut], rows[cut:]), start=1):
            if part:
                merge_orders(con, run_id, [table(part)])
        lines = con.execute(
            "SELECT customer_id, paid_sec, line_hash, receiver, province, city FROM order_lines ORDER BY paid_sec, line_hash"
        ).fetchall()
        expected: dict[int, list[str | None]] = {}
        for customer_id, _, _, *said in lines:
            told = expected.setdefault(customer_id, [None] * 3)
            expected[customer_id] = [new or old for new, old in zip(said, told, strict=True)]
        found = con.execute("SELECT customer_id, name, province, city FROM customers").fetchall()
        assert {customer_id: said for customer_id, *said in found} == expected
