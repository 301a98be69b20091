"""A made-up shop whose customers differ: the more often they came, the likelier they come again."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

from siyu_cli.clock import DAY_SECONDS
from tests.shop_rows import day

START, END = day("2024-01-01"), day("2025-03-15")


def purchases(customers: int = 300, seed: int = 1) -> list[tuple[int, int, int]]:
    """(customer, day, fen): a third come every three weeks or so until they stop, the others once or seldom."""
    dice = random.Random(seed)
    rows = []
    for customer in range(1, customers + 1):
        gap, stop = (20, 0.06) if customer % 3 == 0 else (200, 0.5)
        when = START + dice.randrange(200)
        while when <= END:
            rows.append((customer, when, 100 * dice.randrange(20, 400)))
            when += 1 + round(dice.expovariate(1 / gap))
            if dice.random() < stop:
                break
    return rows


def facts_of(rows: list[tuple[int, int, int]], categories: list[str] | None = None) -> dict[str, pa.Table]:
    """`fact_orders` and `fact_items` of these purchases, and `rfm_scored` with a row for each customer."""
    customers, days, fen = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    orders = pa.table({
        "customer_id": pa.array(customers, pa.int64()), "paid_day": pa.array(days, pa.int32()),
        "paid_sec": pa.array([one * DAY_SECONDS for one in days], pa.int64()), "net_fen": pa.array(fen, pa.int64()),
        "is_order": pa.array([1] * len(rows), pa.int32()),
    })  # fmt: skip
    known = sorted(set(customers))
    return {
        "fact_orders": orders,
        "fact_items": orders.append_column(
            "category_key", pa.array(categories or [""] * len(rows), pa.string())
        ),
        "rfm_scored": pa.table(
            {"customer_id": pa.array(known, pa.int64()), "net_fen": pa.array([100] * len(known), pa.int64())}
        ),
    }


def order_rows(rows: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
    """The same as rows of order_lines, one order each."""
    from tests.shop_rows import SALE_DEFAULTS

    return [
        SALE_DEFAULTS | {
            "line_no": number, "order_no": number, "line_hash": number, "order_hash": number, "customer_id": customer,
            "order_id": f"{number}", "paid_sec": when * DAY_SECONDS + 36_000, "paid_day": when,
            "created_sec": when * DAY_SECONDS, "paid_fen": fen,
        }
        for number, (customer, when, fen) in enumerate(rows, start=1)
    ]  # fmt: skip
