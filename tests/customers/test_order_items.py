"""What was in an order: lists, lines and details end in the same facts; whole-order figures count once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import Clock
from siyu_cli.customers.facts import build_facts
from siyu_cli.customers.import_orders import merge_orders
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import examples
from tests.customers.orders_of import (
    at,
    counts,
    dump,
    item_nets,
    mapping,
    meaning,
    net,
    order,
    table,
)
from tests.stores import new_store

LINES = mapping(rows="line")
DETAILS = mapping(kind="details", name="商品明细", constants={"platform": "测试平台"})
REPEATED = mapping(rows="line", repeated=("amount_paid", "refund_amount"))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_store() as connection:
        yield connection


def detail(order_id: str, product: str, fen: int | None = None, **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "product": product, "amount_paid_fen": fen, "status": None, **more}


def products(con: duckdb.DuckDBPyConnection, as_of: str = "2030-01-01") -> list[tuple[Any, ...]]:
    """(product, net) of what was bought."""
    build_facts(DuckDbEngine(con), Clock().as_of(as_of))
    rows = con.execute("SELECT product_key, net_fen FROM fact_items ORDER BY ALL").fetchall()
    return [(product, int(fen)) for product, fen in rows]


def orders(con: duckdb.DuckDBPyConnection) -> list[tuple[int, ...]]:
    """(is_order, line_count, net) after `products` or `net`."""
    rows = con.execute("SELECT is_order, line_count, net_fen FROM fact_orders ORDER BY ALL").fetchall()
    return [tuple(map(int, row)) for row in rows]


def test_details_say_what_was_in_an_order_and_the_order_holds_the_money(
    con: duckdb.DuckDBPyConnection,
) -> None:
    merge_orders(con, 1, [table([order("1"), order("2", buyer_id="乙")])])
    account = merge_orders(
        con, 2, [table([detail("1", "茶", 2000), detail("1", "杯", 1000), detail("9", "壶")], DETAILS)]
    )
    assert (counts(account), account.net_fen, account.customers) == ((2, 0, 0, 0, 1), 0, 0)
    assert account.reasons == {"no-such-order": 1}
    assert products(con) == [("", 1000), ("杯", 333), ("茶", 667)]
    assert orders(con) == [(1, 1, 1000), (1, 2, 1000)]
    again = merge_orders(con, 3, [table([detail("1", "茶", 2000), detail("1", "杯", 1000)], DETAILS)])
    assert counts(again) == (0, 0, 2, 0, 0)


def test_details_of_one_run_come_after_the_orders(con: duckdb.DuckDBPyConnection) -> None:
    account = merge_orders(con, 1, [table([detail("1", "茶")], DETAILS), table([order("1")])])
    assert [file.counts.new for file in account.files] == [1, 1]
    assert products(con) == [("茶", 1000)]


def test_lines_say_more_than_details(con: duckdb.DuckDBPyConnection) -> None:
    merge_orders(con, 1, [table([order("1")]), table([detail("1", "茶")], DETAILS)])
    merge_orders(con, 2, [table([order("1", line_id="a", product="绿茶")], LINES)])
    assert products(con) == [("绿茶", 1000)]


def test_a_refund_lowers_the_items_from_its_day_on(con: duckdb.DuckDBPyConnection) -> None:
    whole = order("1", refund_amount_fen=400, refunded_sec=at("2025-03-10"))
    merge_orders(con, 1, [table([whole]), table([detail("1", "茶", 3), detail("1", "杯", 1)], DETAILS)])
    assert products(con, "2025-03-09") == [("杯", 250), ("茶", 750)]
    assert products(con, "2025-03-10") == [("杯", 150), ("茶", 450)]
    merge_orders(con, 2, [table([{"order_id": "1"}], mapping(kind="returns", name="退货"))])
    assert products(con) == []


def test_gifts_and_postage_are_no_items_and_make_no_order(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        order("1", line_id="a", product="茶", amount_paid_fen=900, is_goods=1),
        order("1", line_id="b", product="邮费", amount_paid_fen=100, is_goods=0),
        order("2", line_id="c", product="邮费", amount_paid_fen=50, is_goods=0),
        order("3", line_id="d", product="赠品", amount_paid_fen=0, is_goods=0),
    ]
    account = merge_orders(con, 1, [table(rows, LINES)])
    assert account.net_fen == 1050
    assert products(con) == [("茶", 900)]
    assert orders(con) == [(0, 0, 50), (1, 1, 1000)]


def test_figures_of_the_whole_order_on_each_line_count_once(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        order("1", product="茶", unit_price_fen=200, quantity_milli=2000, refund_amount_fen=100),
        order("1", product="杯", unit_price_fen=200, quantity_milli=1000, refund_amount_fen=100),
        order("2", product="壶", amount_paid_fen=700, refund_amount_fen=0),
        order("3", product="茶", amount_paid_fen=100), order("3", product="杯", amount_paid_fen=101),
    ]  # fmt: skip
    account = merge_orders(con, 1, [table(rows, REPEATED)])
    assert account.reasons == {"repeated-amount-conflict": 2}
    assert (account.net_fen, counts(account)) == (1600, (3, 0, 0, 0, 2))
    assert products(con) == [("壶", 700), ("杯", 300), ("茶", 600)]
    assert counts(merge_orders(con, 2, [table(rows[::-1], REPEATED)])) == (0, 0, 3, 0, 2)


PARTS = st.lists(
    st.tuples(st.integers(0, 900), st.sampled_from([1000, 2000]), st.sampled_from("茶杯壶")),
    min_size=1,
    max_size=4,
)
SHOP = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000), PARTS), min_size=1, max_size=4)


@given(SHOP, st.randoms(use_true_random=False))
@examples(4)
def test_lists_lines_and_details_end_in_the_same_facts(shop: list[Any], dice: random.Random) -> None:
    """In one run or several, in every order of the files: the same state, and items that sum to their order."""
    whole, lines, details = [], [], []
    for key, (paid, refund, parts) in enumerate(shop):
        whole.append(order(f"{key}", amount_paid_fen=paid, refund_amount_fen=min(paid, refund)))
        for nth, (fen, quantity, product) in enumerate(parts):
            line = order(
                f"{key}",
                line_id=f"{key}-{nth}",
                amount_paid_fen=fen,
                quantity_milli=quantity,
                product=product,
            )
            lines.append(line)
            details.append(detail(f"{key}", product, fen, quantity_milli=quantity))
    dice.shuffle(lines)
    files = {"order": table(whole), "line": table(lines, LINES)}
    answers = []
    for names in permutations(files):
        for runs in (1, 2):
            with new_store() as con:
                picked = [files[name] for name in names]
                for run_id, batch in enumerate(
                    [picked] if runs == 1 else [[file] for file in picked], start=1
                ):
                    merge_orders(con, run_id, batch)
                answers.append((meaning(con), net(con), item_nets(con)))
                check_sums(con)
    assert all(answer == answers[0] for answer in answers)
    with new_store() as one, new_store() as two:
        merge_orders(one, 1, [files["order"], table(details, DETAILS)])
        merge_orders(two, 1, [files["order"]])
        merge_orders(two, 2, [table(details, DETAILS)])
        check_sums(one)
        assert meaning(one) == meaning(two)
        assert net(one) == answers[0][1]


def check_sums(con: duckdb.DuckDBPyConnection) -> None:
    """Items of an order sum to its net, to the fen; no item is below zero."""
    build_facts(DuckDbEngine(con), Clock().as_of("2030-01-01"))
    wrong = con.execute("""
        SELECT o.order_no FROM (SELECT order_no, sum(net_fen) AS fen, min(net_fen) AS least FROM fact_items GROUP BY 1) AS i
        FULL JOIN (SELECT order_no, sum(net_fen) AS fen FROM fact_lines GROUP BY 1 HAVING sum(net_fen) > 0) AS o
        ON o.order_no = i.order_no WHERE o.fen IS DISTINCT FROM i.fen OR i.least < 0
    """).fetchall()
    assert wrong == []


@given(SHOP, st.randoms(use_true_random=False))
@examples(6)
def test_repeated_figures_spread_the_same_in_any_order_and_any_parts(
    shop: list[Any], dice: random.Random
) -> None:
    """Shuffled, or split into files that keep the rows of an order together: the same lines and sums."""
    rows = []
    for key, (paid, refund, parts) in enumerate(shop):
        shared = {"amount_paid_fen": paid, "refund_amount_fen": min(paid, refund)}
        rows += [
            order(f"{key}", **shared, product=product, unit_price_fen=fen, quantity_milli=quantity)
            for fen, quantity, product in parts
        ]
    mixed = list(rows)
    dice.shuffle(mixed)
    halves = [[row for row in mixed if int(row["order_id"]) % 2 == half] for half in (0, 1)]
    with new_store() as one, new_store() as other, new_store() as split:
        account = merge_orders(one, 1, [table(rows, REPEATED)])
        merge_orders(other, 1, [table(mixed, REPEATED)])
        merge_orders(split, 1, [table(half, REPEATED) for half in halves if half])
        assert account.net_fen == sum(paid - min(paid, refund) for paid, refund, _ in shop)
        assert dump(one) == dump(other) == dump(split)
        check_sums(one)
