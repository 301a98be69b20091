"""Order facts: what counts as a valid order as of a moment, as common-core SQL.

A **valid order** as of D: paid, paid at or before D, not closed, net of the refunds known by D above
zero (or a paid 0.00 row where the mapping says `zero_amount: purchase`). Two tables come of it:

`fact_orders`: one row per valid order (`is_order` 1), and one per negative row that found no line to
be set against (`is_order` 0, a negative `net_fen`, its own day: it lowers totals, is never an order).
    customer_id (NULL where the file names no buyer), order_no, is_order, line_count, paid_sec, paid_day,
    net_fen, platform_key, shop_key, channel_key

`fact_items`: one row per line of a valid order that still has a net above zero (or is a zero purchase).
    customer_id, order_no, line_no, paid_sec, paid_day, net_fen, quantity_milli,
    product_key, category_key, sku_key, platform_key, shop_key, channel_key

Text columns are folded (words.fold) and '' where missing, so every engine compares them alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

# Parameters: as_of seconds, three times.
LINE_NET_SQL = """
WITH refunded AS (
    SELECT line_no AS refunded_line_no, SUM(refund_fen) AS refunded_fen
    FROM refunds WHERE line_no IS NOT NULL AND refund_sec <= ?
    GROUP BY line_no
),
counted AS (
    SELECT l.line_no, l.order_no, l.customer_id, l.paid_sec, l.paid_day, l.quantity_milli,
           l.is_zero_purchase AS zero_counts, l.paid_fen AS gross_fen,
           CASE WHEN l.refund_sec <= ? THEN l.refund_fen ELSE 0 END + COALESCE(r.refunded_fen, 0) AS returned_fen,
           COALESCE(l.product_key, '') AS product_key, COALESCE(l.category_key, '') AS category_key,
           COALESCE(l.sku_key, '') AS sku_key, COALESCE(l.platform_key, '') AS platform_key,
           COALESCE(l.shop_key, '') AS shop_key, COALESCE(l.channel_key, '') AS channel_key
    FROM order_lines AS l
    LEFT JOIN refunded AS r ON r.refunded_line_no = l.line_no
    WHERE l.kind = 'sale' AND l.status IN ('paid', 'refunded') AND l.paid_sec <= ?
)
SELECT line_no, order_no, customer_id, paid_sec, paid_day, quantity_milli,
       product_key, category_key, sku_key, platform_key, shop_key, channel_key,
       CASE WHEN returned_fen >= gross_fen THEN 0 ELSE gross_fen - returned_fen END AS net_fen,
       CASE WHEN zero_counts = 1 AND gross_fen = 0 AND returned_fen = 0 THEN 1 ELSE 0 END AS is_zero_purchase
FROM counted
"""

# A line without net (a gift, a line sent back) belongs to its order but was not bought.
FACT_ITEMS_SQL = """
SELECT customer_id, order_no, line_no, paid_sec, paid_day, net_fen, quantity_milli,
       product_key, category_key, sku_key, platform_key, shop_key, channel_key
FROM fact_lines
WHERE net_fen > 0 OR is_zero_purchase = 1
"""

# Parameter: as_of seconds. An order is paid when its first line is.
FACT_ORDERS_SQL = """
SELECT MIN(customer_id) AS customer_id, order_no, 1 AS is_order, COUNT(*) AS line_count,
       MIN(paid_sec) AS paid_sec, MIN(paid_day) AS paid_day, SUM(net_fen) AS net_fen,
       MIN(platform_key) AS platform_key, MIN(shop_key) AS shop_key, MIN(channel_key) AS channel_key
FROM fact_items
GROUP BY order_no
UNION ALL
SELECT customer_id, 0 AS order_no, 0 AS is_order, 0 AS line_count, refund_sec AS paid_sec,
       refund_day AS paid_day, 0 - refund_fen AS net_fen, COALESCE(platform, '') AS platform_key,
       COALESCE(shop_key, '') AS shop_key, '' AS channel_key
FROM refunds
WHERE line_no IS NULL AND refund_sec <= ?
"""


def build_facts(engine: Engine, as_of: AsOf) -> None:
    """Make `fact_lines`, `fact_items` and `fact_orders` as of a moment from `order_lines` and `refunds`."""
    engine.write(LINE_NET_SQL, "fact_lines", (as_of.seconds,) * 3)
    engine.write(FACT_ITEMS_SQL, "fact_items")
    engine.write(FACT_ORDERS_SQL, "fact_orders", (as_of.seconds,))


def future_rows(engine: Engine, as_of: AsOf) -> int:
    """Paid rows later than the moment: invisible to every result, and said in one warning."""
    sql = "SELECT COUNT(*) AS n FROM order_lines WHERE kind = 'sale' AND paid_sec > ?"
    return int(engine.query(sql, (as_of.seconds,)).column("n")[0].as_py())
