"""Cleaned tables made by hand, for tests of what the import does with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from siyu_cli.clock import Clock, day_of
from siyu_cli.customers.facts import build_facts
from siyu_cli.sheets.account import ImportAccount
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.orders import FOLDED
from siyu_cli.sheets.table import CleanTable
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.words import fold_column

TEXTS = (
    "order_id", "line_id", "buyer_id", "phone", "receiver", "province", "city", "shop", "channel", "platform",
    "status", "status_text", "refund_status", "product", "product_id", "sku", "category", "remark",
)  # fmt: skip
NUMBERS = (
    "created_sec", "paid_sec", "finished_sec", "refunded_sec", "amount_total_fen", "amount_paid_fen",
    "refund_amount_fen", "unit_price_fen", "computed_fen", "quantity_milli", "is_goods",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        *((name, pa.string()) for name in TEXTS),
        *((name, pa.int64()) for name in NUMBERS),
    ]
)


def at(text: str) -> int:
    """Local seconds of `2025-03-15` (noon) or `2025-03-15 23:59:59`."""
    from datetime import date, datetime

    from siyu_cli.clock import seconds_of

    if len(text) == 10:
        return day_of(date.fromisoformat(text)) * 86_400 + 43_200
    return seconds_of(datetime.fromisoformat(text))


def mapping(**changes: Any) -> PlatformMapping:
    """An order-level gross mapping of one platform; `changes` replace its keys."""
    keys: dict[str, Any] = {
        "name": "测试平台", "kind": "orders", "columns": {"order_id": ("订单号",)}, "order_key": ("order_id",),
        "rows": "order", "amount": "gross",
    }  # fmt: skip
    return PlatformMapping(**(keys | changes))


def table(
    rows: list[dict[str, Any]], used: PlatformMapping | None = None, *, exported: str = "2025-03-15"
) -> CleanTable:
    """The rows as a cleaned file; a row without status is paid, without platform of the mapping's."""
    used = used or mapping()
    filled = [
        {"row_no": number, "platform": used.platform, "status": "paid", "quantity_milli": 1000, **row}
        for number, row in enumerate(rows, start=2)
    ]
    data = pa.Table.from_pylist(
        [{name: row.get(name) for name in SCHEMA.names} for row in filled], schema=SCHEMA
    )
    for name in FOLDED:
        data = data.append_column(f"{name}_key", fold_column(data[name]))
    fields = {name: name for name in ("line_id",) if any(name in row for row in rows)}
    return CleanTable(
        path=Path("手工.csv"), file="手工.csv", sha256="0" * 64, sheet=None, mapping=used, encoding="UTF-8", header_row=1,
        headers=(), used=fields, unknown=(), rows=data, rejects=(), read=len(rows), blank=0, exported_sec=at(exported),
        order_key=used.order_key,
    )  # fmt: skip


# What the import wrote, by what it means: numbers given to lines and orders go by the order of a file's rows.
DUMPED = {
    "order_lines": "SELECT * EXCLUDE (line_no, order_no, run_id, first_run_id) FROM order_lines",
    "orders": "SELECT order_hash, count(DISTINCT order_no) FROM order_lines GROUP BY order_hash",
    "refunds": "SELECT f.* EXCLUDE (line_no, run_id), l.line_hash FROM refunds AS f "
               "LEFT JOIN order_lines AS l USING (line_no)",
    "item_nets": "SELECT l.line_hash, n.from_sec, n.net_fen FROM item_nets AS n JOIN order_lines AS l USING (line_no)",
    "customers": "SELECT * EXCLUDE (run_id) FROM customers",
    "customer_keys": "SELECT kind, namespace, value, customer_id FROM customer_keys",
    "customer_merges": "SELECT from_customer_id, into_customer_id, kind, value FROM customer_merges",
}  # fmt: skip


def dump(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the import wrote, in no particular order, without the runs that wrote it."""
    return {name: sorted(con.execute(sql).fetchall(), key=repr) for name, sql in DUMPED.items()}


def meaning(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """What the store says, whatever numbers its customers have and whichever file said it last."""
    named = "(SELECT min(kind || namespace || value) FROM customer_keys AS k WHERE k.customer_id = {}.customer_id) AS who"
    sqls = {
        "order_lines": "SELECT l.* EXCLUDE (line_no, order_no, run_id, first_run_id, exported_sec, customer_id), "
                       f"{named.format('l')} FROM order_lines AS l",
        "refunds": f"SELECT f.* EXCLUDE (line_no, run_id, customer_id), l.line_hash, {named.format('f')} "
                   "FROM refunds AS f LEFT JOIN order_lines AS l USING (line_no)",
        "item_nets": DUMPED["item_nets"],
        "customers": f"SELECT c.name, c.province, c.city, {named.format('c')} FROM customers AS c",
        "customer_keys": "SELECT kind, namespace, value FROM customer_keys",
    }  # fmt: skip
    return {name: sorted(con.execute(sql).fetchall(), key=repr) for name, sql in sqls.items()}


def net(con: duckdb.DuckDBPyConnection, as_of: str = "2030-01-01") -> list[tuple[Any, ...]]:
    """(customer, orders, net) of the valid orders as of a day."""
    build_facts(DuckDbEngine(con), Clock().as_of(as_of))
    sql = "SELECT customer_id, sum(is_order), sum(net_fen) FROM fact_orders GROUP BY customer_id ORDER BY customer_id"
    return [tuple(int(v) if v is not None else None for v in row) for row in con.execute(sql).fetchall()]


def item_nets(con: duckdb.DuckDBPyConnection, as_of: str = "2030-01-01") -> list[tuple[str, int]]:
    """(order id, net) of what was bought, as of a day."""
    build_facts(DuckDbEngine(con), Clock().as_of(as_of))
    sql = (
        "SELECT l.order_id, f.net_fen FROM fact_items AS f JOIN order_lines AS l USING (line_no) ORDER BY ALL"
    )
    return [(order_id, int(fen)) for order_id, fen in con.execute(sql).fetchall()]


def order(order_id: str, day: str = "2025-03-01", **more: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "buyer_id": "甲",
        "created_sec": at(day),
        "paid_sec": at(day),
        "amount_paid_fen": 1000,
        **more,
    }


def counts(account: ImportAccount) -> tuple[int, ...]:
    """(new, updated, unchanged, duplicate, rejected)."""
    totals = account.totals
    return totals.new, totals.updated, totals.unchanged, totals.duplicate, totals.rejected
