"""Cleaned tables made by hand, for tests of what the import does with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from siyu_cli.clock import day_of
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.table import CleanTable

TEXTS = (
    "order_id", "line_id", "buyer_id", "phone", "receiver", "province", "city", "shop", "channel", "platform",
    "status", "status_text", "refund_status", "product", "product_id", "sku", "category", "remark",
)  # fmt: skip
NUMBERS = (
    "created_sec", "paid_sec", "finished_sec", "refunded_sec", "amount_total_fen", "amount_paid_fen",
    "refund_amount_fen", "unit_price_fen", "computed_fen", "quantity_milli",
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
    fields = {name: name for name in ("line_id",) if any(name in row for row in rows)}
    return CleanTable(
        path=Path("手工.csv"), file="手工.csv", sha256="0" * 64, sheet=None, mapping=used, encoding="UTF-8", header_row=1,
        headers=(), used=fields, unknown=(), rows=data, rejects=(), read=len(rows), blank=0, exported_sec=at(exported),
        order_key=used.order_key,
    )  # fmt: skip
