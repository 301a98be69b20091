"""Rows put straight into a store, for tests that start where the importers have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from siyu_cli.clock import DAY_SECONDS, AsOf, day_of
from siyu_cli.words import fold

SALE_DEFAULTS: dict[str, Any] = {
    "kind": "sale", "platform": "淘宝", "platform_key": "淘宝", "status": "paid", "refund_fen": 0,
    "is_zero_purchase": 0, "quantity_milli": 1000, "exported_sec": 0, "first_run_id": 1, "run_id": 1,
}  # fmt: skip


def day(text: str) -> int:
    """The day number of `2025-03-15`."""
    return day_of(date.fromisoformat(text))


def close_of(text: str) -> AsOf:
    """The close of a day."""
    return AsOf(day(text) * DAY_SECONDS + DAY_SECONDS - 1)


@contextmanager
def writable(shop: Any) -> Any:
    """The store of a test shop, open for writing."""
    con = duckdb.connect(str(Path(shop.root) / ".siyu" / "siyu.duckdb"))
    try:
        yield con
    finally:
        con.close()


def insert(con: Any, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows by column name."""
    for row in rows:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def order(
    number: int, customer: int | None, paid: str, yuan: float, *, second: int = 36_000, **more: Any
) -> dict[str, Any]:
    """One order of one line, paid on a day at 10:00."""
    paid_day = day(paid)
    return SALE_DEFAULTS | {
        "line_no": number, "order_no": more.pop("order_no", number), "line_hash": number,
        "order_hash": number, "customer_id": customer, "order_id": f"{number}",
        "paid_sec": paid_day * DAY_SECONDS + second, "paid_day": paid_day,
        "created_sec": paid_day * DAY_SECONDS, "paid_fen": round(yuan * 100),
    } | more  # fmt: skip


def customer(
    number: int, *, name: str | None = None, province: str | None = None, city: str | None = None
) -> dict[str, Any]:
    return {"customer_id": number, "name": name, "province": province, "city": city, "run_id": 1}


def key(number: int, value: str, kind: str = "phone", namespace: str = "") -> dict[str, Any]:
    return {
        "kind": kind, "namespace": namespace, "value": value, "customer_id": number, "run_id": 1, "born_id": number,
    }  # fmt: skip


def staff(staff_id: str, name: str, *, active: int = 1) -> dict[str, Any]:
    return {
        "staff_id": staff_id,
        "name": name,
        "weight_milli": 1000,
        "is_active": active,
        "first_run_id": 1,
        "run_id": 1,
    }


def add_lead(
    con: Any,
    lead_id: int,
    phone: str,
    *,
    held_by: str | None = None,
    channel: str | None = None,
    at: str = "2025-03-01",
) -> None:
    """A lead, imported and (with `held_by`) assigned the same day."""
    at_sec = day(at) * DAY_SECONDS
    row = {
        "lead_id": lead_id, "phone": phone, "channel": channel,
        "channel_key": fold(channel) if channel else None, "source": channel,
        "imported_sec": at_sec, "run_id": 1,
    }  # fmt: skip
    insert(con, "leads", [row])
    next_id = con.execute("SELECT coalesce(max(event_id), 0) + 1 FROM lead_events").fetchall()[0][0]
    events: list[Sequence[Any]] = [("imported", None), *([("assigned", held_by)] if held_by else [])]
    for offset, (kind, staff_id) in enumerate(events):
        insert(con, "lead_events", [{
            "event_id": next_id + offset, "lead_id": lead_id, "at_sec": at_sec + offset, "kind": kind,
            "staff_id": staff_id, "reason": "", "run_id": 1,
        }])  # fmt: skip
