"""The rows behind a number: the last orders, things bought, events or sends that count for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import format_seconds
from siyu_cli.events import EVENT_WORDS
from siyu_cli.language import tr
from siyu_cli.money import format_yuan
from siyu_cli.rules.catalog import FACT_TABLES
from siyu_cli.rules.deeds import Deeds
from siyu_cli.rules.measures import Measures
from siyu_cli.rules.trace import deeds_in, parts_in
from siyu_cli.rules.tree import Condition, Did, Metric, NumberValue, Ratio, Source
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.tag_story import orders_behind, products_behind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf

ROWS = 3


@dataclass(frozen=True)
class Evidence:
    """One row: when, in words, and as data."""

    at_sec: int
    words: str
    data: dict[str, Any] = field(hash=False)

    def as_dict(self) -> dict[str, Any]:
        return {"at": format_seconds(self.at_sec), **self.data}


def evidence_of_line(
    con: DuckDBPyConnection, condition: Condition, as_of: AsOf
) -> Iterator[tuple[Evidence, ...]]:
    """What lies behind each number and each `did` of a line, of the one customer the fact tables hold."""
    for value in parts_in(condition)[0]:
        yield evidence_of(con, value, as_of)
    for did in deeds_in(condition):
        yield evidence_of_did(con, did, as_of)


def evidence_of_did(con: DuckDBPyConnection, did: Did, as_of: AsOf) -> tuple[Evidence, ...]:
    """Up to three deeds: those that met a `did`, or where none did, those that count for it."""
    engine = DuckDbEngine(con)
    for is_met in (True, False):
        statement = Deeds(as_of).rows_behind(did, ROWS, is_met=is_met)
        if rows := engine.query(statement.text, statement.params).to_pylist():
            return _of_rows(con, rows, did.deed.source)
    return ()


def evidence_of(con: DuckDBPyConnection, value: NumberValue, as_of: AsOf) -> tuple[Evidence, ...]:
    """Up to three rows behind a number of the one customer the fact tables hold; of a ratio, of its upper part."""
    metric = value.upper if isinstance(value, Ratio) else value
    if not isinstance(metric, Metric):
        return ()
    # The days since something are those since one row.
    rows_wanted = 1 if metric.aggregate in ("days_since_first", "days_since_last") else ROWS
    statement = Measures(as_of).rows_behind(metric, rows_wanted)
    rows = DuckDbEngine(con).query(statement.text, statement.params).to_pylist()
    return _of_rows(con, rows, metric.source)


def _of_rows(con: DuckDBPyConnection, rows: list[dict[str, Any]], source: Source) -> tuple[Evidence, ...]:
    if rows and "order_no" in rows[0]:
        return _of_orders(con, rows)
    table = FACT_TABLES[source]
    return tuple(_of_deed(row, row[table.sec]) for row in rows)


def _of_orders(con: DuckDBPyConnection, rows: list[dict[str, Any]]) -> tuple[Evidence, ...]:
    known = orders_behind(con, [row["order_no"] for row in rows])
    products = products_behind(con, [row["line_no"] for row in rows if "line_no" in row])
    return tuple(
        _of_order(row, known.get(row["order_no"], {}), products.get(row.get("line_no", 0), ""))
        for row in rows
    )


def _of_order(row: dict[str, Any], order: dict[str, Any], product: str) -> Evidence:
    """`2025-01-13 淘宝 2001 苹果 612.50(付 680.00,退 67.50)`."""
    net = int(row["net_fen"])
    paid = order.get("paid_fen") if "line_no" not in row else None
    name = " ".join(filter(None, [order.get("platform"), order.get("order_id"), product]))
    words = name or tr("没有订单的退款", "a refund without an order")
    words += f" {format_yuan(net, sign='')}"
    if paid is not None and paid != net:
        back = format_yuan(paid - net, sign="")
        words += tr(
            f"(付 {format_yuan(paid, sign='')},退 {back})",
            f" (paid {format_yuan(paid, sign='')}, back {back})",
        )
    data = {"order_id": order.get("order_id"), "platform": order.get("platform"), "net_fen": net}
    if paid is not None:
        data["paid_fen"] = paid
    if product:
        data["product"] = product
    return Evidence(int(row["paid_sec"]), words, data)


def _of_deed(row: dict[str, Any], at_sec: int) -> Evidence:
    """An event or a send."""
    if "push_key" in row:
        return Evidence(int(at_sec), row["push_key"], {"push": row["push_key"]})
    what = row["product_key"] or row["page_key"]
    kind = EVENT_WORDS.get(row["kind"], (row["kind"],))[0]
    return Evidence(int(at_sec), f"{kind} {what}".strip(), {"event": row["kind"], "what": what})
