"""What was in an order: an order list holds the money, its lines and details say what it was spent on.

An order that is known as one row (level `order`) counts by that row. What else is known of it, lines with
money of their own (`line`) or a mere list of things (`detail`), is marked `is_detail`, and the order's net
is spread over it: over its lines where there are any, else over its details. Which rows those are follows
from what the store holds, so the order in which files come does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def settle_levels(con: DuckDBPyConnection) -> None:
    """Mark the lines of the orders in `changed_orders(order_no)` that are known as one row, and unmark the others."""
    if not _has_several_levels(con):
        return
    con.execute("""
        UPDATE order_lines SET is_detail = x.is_detail
        FROM (
            SELECT l.line_no, CASE WHEN l.level = 'line' AND w.order_no IS NOT NULL THEN 1
                                   WHEN l.level = 'detail' THEN 1 ELSE 0 END AS is_detail
            FROM order_lines AS l SEMI JOIN changed_orders AS c ON c.order_no = l.order_no
            LEFT JOIN (SELECT DISTINCT order_no FROM order_lines WHERE level = 'order') AS w ON w.order_no = l.order_no
        ) AS x WHERE x.line_no = order_lines.line_no AND x.is_detail <> order_lines.is_detail
    """)


def spread_nets(con: DuckDBPyConnection) -> None:
    """Spread the nets of the orders in `changed_orders` over what was in them, into `item_nets`.

    `item_nets` says what each item is worth from a moment on: at the payment, and again whenever money
    goes back. Exact to the fen by largest remainder; the weights are what each item is worth by its own
    row, else its price, else all are equal.
    """
    con.execute("DELETE FROM item_nets WHERE order_no IN (SELECT order_no FROM changed_orders)")
    if not _has_several_levels(con):
        return
    con.execute("""
        CREATE OR REPLACE TEMP TABLE wholes AS
        SELECT l.line_no, l.order_no, l.paid_sec, l.paid_fen, l.refund_fen, l.refund_sec
        FROM order_lines AS l SEMI JOIN changed_orders AS c ON c.order_no = l.order_no
        SEMI JOIN (SELECT order_no FROM order_lines WHERE is_detail = 1) AS d ON d.order_no = l.order_no
        WHERE l.level = 'order' AND l.kind = 'sale' AND l.status IN ('paid', 'refunded') AND l.paid_sec IS NOT NULL
    """)
    con.execute("""
        INSERT INTO item_nets
        WITH events AS (
            SELECT order_no, paid_sec AS from_sec, 0 AS back_fen FROM wholes
            UNION ALL
            SELECT order_no, greatest(refund_sec, paid_sec), refund_fen FROM wholes WHERE refund_fen > 0
            UNION ALL
            SELECT w.order_no, greatest(r.refund_sec, w.paid_sec), r.refund_fen
            FROM refunds AS r JOIN wholes AS w ON w.line_no = r.line_no
        ),
        moments AS (
            SELECT order_no, from_sec, sum(sum(back_fen)) OVER (PARTITION BY order_no ORDER BY from_sec) AS back_fen
            FROM events GROUP BY order_no, from_sec
        ),
        nets AS (
            SELECT m.order_no, m.from_sec, CAST(greatest(w.paid_fen - m.back_fen, 0) AS HUGEINT) AS net_fen
            FROM moments AS m JOIN wholes AS w ON w.order_no = m.order_no
        ),
        picked AS (
            SELECT l.order_no, l.line_no, l.line_hash, l.level,
                   CASE WHEN l.status IN ('paid', 'refunded') THEN greatest(l.paid_fen - l.refund_fen, 0) ELSE 0 END
                       AS worth_fen,
                   coalesce(nullif(greatest(l.paid_fen, 0), 0), l.amount_total_fen,
                            CAST(l.unit_price_fen AS HUGEINT) * l.quantity_milli // 1000, 0) AS price_fen
            FROM order_lines AS l SEMI JOIN wholes AS w ON w.order_no = l.order_no
            WHERE l.is_detail = 1 AND l.kind = 'sale'
            QUALIFY l.level = 'line' OR count(*) FILTER (l.level = 'line') OVER (PARTITION BY l.order_no) = 0
        ),
        weighed AS (
            SELECT order_no, line_no, line_hash,
                   CASE WHEN sum(worth_fen) OVER o > 0 THEN worth_fen WHEN sum(price_fen) OVER o > 0 THEN price_fen
                        ELSE 1 END AS weight
            FROM picked WINDOW o AS (PARTITION BY order_no)
        ),
        shared AS (
            SELECT n.order_no, n.from_sec, n.net_fen, i.line_no, i.line_hash, n.net_fen * i.weight AS product,
                   sum(i.weight) OVER (PARTITION BY n.order_no, n.from_sec) AS all_weight
            FROM nets AS n JOIN weighed AS i ON i.order_no = n.order_no
        )
        SELECT order_no, line_no, from_sec,
               product // all_weight + CASE WHEN row_number() OVER (PARTITION BY order_no, from_sec
                                                                    ORDER BY product % all_weight DESC, line_hash)
                   <= net_fen - sum(product // all_weight) OVER (PARTITION BY order_no, from_sec) THEN 1 ELSE 0 END
        FROM shared
    """)


def _has_several_levels(con: DuckDBPyConnection) -> bool:
    return bool(
        con.execute("SELECT count(DISTINCT level) > 1 OR max(is_detail) = 1 FROM order_lines").fetchall()[0][
            0
        ]
    )
