"""Order facts: what counts as a valid order as of a moment, as common-core SQL.

A **valid order** as of D: paid, paid at or before D, not closed, net of the refunds known by D above
zero (or a paid 0.00 row where the mapping says `zero_amount: purchase`). Two tables come of it:

`fact_orders`: one row per valid order (`is_order` 1); one per order of which only gift or postage lines
still hold money, and one per negative row that found no line to be set against (`is_order` 0: on its own
day it raises or lowers totals, but is never an order).
    customer_id (NULL where the file names no buyer), order_no, is_order, line_count, paid_sec, paid_day,
    net_fen, platform_key, shop_key, channel_key

`fact_items`: one row per thing bought in a valid order that still has a net above zero (or is a zero
purchase). An order known as one row whose lines or details are known too is divided into these
(store.items), so the nets of the items of an order always sum to the order's, but for its gift and
postage lines, which are no items.
    customer_id, order_no, line_no, paid_sec, paid_day, net_fen, quantity_milli,
    product_key, category_key, sku_key, platform_key, shop_key, channel_key, is_whole (1: all of its order)

`fact_lines`: one row per row that holds money, whatever is left of it.

Text columns are folded (words.fold) and '' where missing, so every engine compares them alike. Writing them is
most of what facts cost, so a caller can name those it looks at, each with the form it is kept in (Engine.coded), and
the tables have no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

FACTS_OF_ORDERS = ("fact_lines", "fact_items", "fact_orders")
"""What `build_facts` makes."""

# Texts of a line, and those that an order has as well.
_LINE_TEXTS = ("product_key", "category_key", "sku_key")
_ORDER_TEXTS = ("platform_key", "shop_key", "channel_key")
_AS_TEXT = dict.fromkeys((*_LINE_TEXTS, *_ORDER_TEXTS), "COALESCE({}, '')")
TEXTS_IN_ORDERS: dict[str, Mapping[str, str]] = {
    "order_lines": {name: name for name in _AS_TEXT},
    "refunds": {"platform_key": "platform", "shop_key": "shop_key"},
}
"""Where the texts of the facts come from: table → text column of the facts → its column there."""

# Parameters: as_of seconds, three times. In braces, here and below: the texts that are asked for. An order has the number
# of its first line: one of which no other line is known is that line, and need not be put together.
_LINE_NET_SQL = """
WITH refunded AS (
    SELECT line_no AS refunded_line_no, CAST(SUM(refund_fen) AS BIGINT) AS refunded_fen
    FROM refunds WHERE line_no IS NOT NULL AND refund_sec <= ?
    GROUP BY line_no
),
several AS (
    SELECT DISTINCT order_no AS several_no FROM order_lines WHERE line_no <> order_no AND level <> 'order' AND is_detail = 0
),
counted AS (
    SELECT l.line_no, l.order_no, l.customer_id, l.paid_sec, l.paid_day, l.quantity_milli,
           l.is_zero_purchase AS zero_counts, l.is_goods, l.paid_fen AS gross_fen,
           CASE WHEN s.several_no IS NULL THEN 1 ELSE 0 END AS is_whole,
           CASE WHEN l.refund_sec <= ? THEN l.refund_fen ELSE 0 END + COALESCE(r.refunded_fen, 0) AS returned_fen
           {own_texts}{order_texts_of_line}
    FROM order_lines AS l
    LEFT JOIN refunded AS r ON r.refunded_line_no = l.line_no
    LEFT JOIN several AS s ON s.several_no = l.order_no
    WHERE l.kind = 'sale' AND l.is_detail = 0 AND l.status IN ('paid', 'refunded') AND l.paid_sec <= ?
)
SELECT line_no, order_no, customer_id, paid_sec, paid_day, quantity_milli, is_goods, is_whole{texts},
       CASE WHEN returned_fen >= gross_fen THEN 0 ELSE gross_fen - returned_fen END AS net_fen,
       CASE WHEN zero_counts = 1 AND gross_fen = 0 AND returned_fen = 0 THEN 1 ELSE 0 END AS is_zero_purchase
FROM counted
"""

# Parameters: as_of seconds, is_goods. A line without net (a gift, a line sent back) belongs to its order but
# was not bought; one of gifts or postage (is_goods 0) is no item, whatever it cost.
_ITEMS_SQL = """
WITH divided AS (
    SELECT line_no AS part_line_no, MIN(order_no) AS divided_order_no, MAX(from_sec) AS latest_sec
    FROM item_nets WHERE from_sec <= ? GROUP BY line_no
),
divided_orders AS (SELECT DISTINCT divided_order_no AS whole_order_no FROM divided),
parts AS (
    SELECT f.customer_id, f.order_no, f.line_no, f.paid_sec, f.paid_day, f.net_fen, f.quantity_milli, f.is_goods, f.is_whole,
           f.is_zero_purchase{texts_of_fact}
    FROM fact_lines AS f
    LEFT JOIN divided_orders AS w ON w.whole_order_no = f.order_no
    WHERE w.whole_order_no IS NULL
    UNION ALL
    SELECT f.customer_id, f.order_no, l.line_no, f.paid_sec, f.paid_day, n.net_fen, l.quantity_milli, l.is_goods, 0 AS is_whole,
           f.is_zero_purchase{own_texts}{order_texts_of_fact}
    FROM divided AS d
    JOIN item_nets AS n ON n.line_no = d.part_line_no AND n.from_sec = d.latest_sec
    JOIN order_lines AS l ON l.line_no = d.part_line_no
    JOIN fact_lines AS f ON f.order_no = d.divided_order_no
)
SELECT customer_id, order_no, line_no, paid_sec, paid_day, net_fen, quantity_milli, is_whole{texts}
FROM parts
WHERE is_goods = ? AND (net_fen > 0 OR is_zero_purchase = 1)
"""

# The same where no order is divided. Parameter: is_goods.
_UNDIVIDED_ITEMS_SQL = """
SELECT customer_id, order_no, line_no, paid_sec, paid_day, net_fen, quantity_milli, is_whole{texts}
FROM fact_lines
WHERE is_goods = ? AND (net_fen > 0 OR is_zero_purchase = 1)
"""

# Parameter: as_of seconds. An order is paid when its first line is. An order that is one row and not divided is
# that row: only the others are grouped, which spares most shops the largest grouping of all.
_ORDERS_SQL = """
WITH parts AS (
    SELECT customer_id, order_no, 1 AS is_item, paid_sec, paid_day, net_fen, is_whole{order_texts}
    FROM fact_items
    UNION ALL
    SELECT customer_id, order_no, 0 AS is_item, paid_sec, paid_day, net_fen, is_whole{order_texts}
    FROM fact_extras WHERE net_fen > 0
)
SELECT customer_id, order_no, is_item AS is_order, CAST(is_item AS BIGINT) AS line_count, paid_sec, paid_day, net_fen
       {order_texts}
FROM parts WHERE is_whole = 1
UNION ALL
SELECT MIN(customer_id) AS customer_id, order_no, MAX(is_item) AS is_order, COUNT(CASE WHEN is_item = 1 THEN 1 END) AS line_count,
       MIN(paid_sec) AS paid_sec, MIN(paid_day) AS paid_day, CAST(SUM(net_fen) AS BIGINT) AS net_fen
       {least_order_texts}
FROM parts WHERE is_whole = 0
GROUP BY order_no
UNION ALL
SELECT customer_id, 0 AS order_no, 0 AS is_order, 0 AS line_count, refund_sec AS paid_sec,
       refund_day AS paid_day, 0 - refund_fen AS net_fen{order_texts_of_refund}
FROM refunds
WHERE line_no IS NULL AND refund_sec <= ?
"""


def build_facts(
    engine: Engine,
    as_of: AsOf,
    tables: Collection[str] = FACTS_OF_ORDERS,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Make those of the tables that are asked for, as of a moment, from the orders and refunds of the store.

    With `texts` they have no texts but these, each in its form (see Engine.coded).
    """
    kept = set(tables)
    is_divided = has_divided_orders(engine)
    if is_divided:
        kept.add("fact_lines")  # read twice
    opening: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, (sql, params) in _queries(as_of, is_divided, texts).items():
        if name in kept:
            engine.write(
                f"{_opened(opening)} SELECT * FROM ({sql}) AS made" if opening else sql,
                name,
                (*_params(opening), *params),
            )
        else:
            opening[name] = (sql, params)


def order_facts(as_of: AsOf, *, is_divided: bool = True) -> tuple[str, tuple[int, ...]]:
    """`fact_orders` as the opening of one query (WITH …) and its parameters, for whoever needs it only once.

    The same texts as above: an engine then reads the columns that are asked for and keeps nothing. `is_divided` is
    what has_divided_orders says.
    """
    queries = _queries(as_of, is_divided)
    return _opened(queries), _params(queries)


def has_divided_orders(engine: Engine) -> bool:
    """Whether any order known as one row is divided into what was in it; in most stores none is."""
    return bool(engine.rows("SELECT order_no FROM item_nets LIMIT 1"))


def _opened(queries: dict[str, tuple[str, tuple[int, ...]]]) -> str:
    return f"WITH {', '.join(f'{name} AS ({sql})' for name, (sql, _) in queries.items())}"


def _params(queries: dict[str, tuple[str, tuple[int, ...]]]) -> tuple[int, ...]:
    return tuple(value for _, params in queries.values() for value in params)


def _queries(
    as_of: AsOf, is_divided: bool, texts: Mapping[str, str] | None = None
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Every table as its query and parameters, each reading those before it."""
    at = as_of.seconds
    forms = _AS_TEXT if texts is None else texts
    own = [name for name in _LINE_TEXTS if name in forms]
    shared = [name for name in _ORDER_TEXTS if name in forms]
    of_refund = {name: TEXTS_IN_ORDERS["refunds"].get(name, "''") for name in shared}
    places = {
        "texts": _listed("{0}", [*own, *shared]),
        "texts_of_fact": _listed("f.{0}", [*own, *shared]),
        "own_texts": "".join(f", {forms[name].format(f'l.{name}')} AS {name}" for name in own),
        "order_texts": _listed("{0}", shared),
        "order_texts_of_line": "".join(f", {forms[name].format(f'l.{name}')} AS {name}" for name in shared),
        "order_texts_of_fact": _listed("f.{0}", shared),
        "least_order_texts": _listed("MIN({0}) AS {0}", shared),
        "order_texts_of_refund": "".join(
            f", {forms[name].format(column)} AS {name}" for name, column in of_refund.items()
        ),
    }
    items, until = (_ITEMS_SQL, (at,)) if is_divided else (_UNDIVIDED_ITEMS_SQL, ())
    queries = {
        "fact_lines": (_LINE_NET_SQL, (at, at, at)),
        "fact_items": (items, (*until, 1)),
        "fact_extras": (items, (*until, 0)),
        "fact_orders": (_ORDERS_SQL, (at,)),
    }
    return {name: (sql.format_map(places), params) for name, (sql, params) in queries.items()}


def _listed(form: str, names: list[str]) -> str:
    """More columns of a SELECT."""
    return "".join(f", {form.format(name)}" for name in names)


def future_rows(engine: Engine, as_of: AsOf) -> int:
    """Paid rows later than the moment: invisible to every result, and said in one warning."""
    sql = "SELECT COUNT(*) AS n FROM order_lines WHERE kind = 'sale' AND is_detail = 0 AND paid_sec > ?"
    return int(engine.rows(sql, (as_of.seconds,))[0][0])
