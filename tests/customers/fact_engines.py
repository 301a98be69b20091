"""Order facts made by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from siyu_cli.clock import DAY_SECONDS


def orders_table(rows: list[dict[str, Any]]) -> pa.Table:
    """A `fact_orders` of rows with customer_id, paid_day, net_fen and perhaps line_count, is_order."""
    return pa.table(
        {
            "customer_id": pa.array([row["customer_id"] for row in rows], pa.int64()),
            "order_no": pa.array(range(1, len(rows) + 1), pa.int64()),
            "is_order": pa.array([row.get("is_order", 1) for row in rows], pa.int32()),
            "line_count": pa.array(
                [row.get("line_count", row.get("is_order", 1)) for row in rows], pa.int64()
            ),
            "paid_sec": pa.array(
                [row.get("paid_sec", row["paid_day"] * DAY_SECONDS) for row in rows], pa.int64()
            ),
            "paid_day": pa.array([row["paid_day"] for row in rows], pa.int32()),
            "net_fen": pa.array([row["net_fen"] for row in rows], pa.int64()),
        }
    )
