"""Whose order lines are, and what orders say of their customers: name, province, city."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.store.orders import GLOBAL_NAMESPACE, has_any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def name_customers(con: DuckDBPyConnection, lines: str = "taken_back") -> None:
    """Whose the lines of the relation `lines(line_no)` are: who holds their buyer id or phone now."""
    con.execute(f"""
        UPDATE order_lines SET customer_id = x.customer_id
        FROM (
            SELECT l.line_no, coalesce(b.customer_id, p.customer_id) AS customer_id
            FROM order_lines AS l SEMI JOIN {lines} AS t ON t.line_no = l.line_no
            LEFT JOIN customer_keys AS b ON b.kind = 'buyer' AND b.namespace IN (l.platform, '{GLOBAL_NAMESPACE}')
                AND b.value = l.buyer_id
            LEFT JOIN customer_keys AS p ON p.kind = 'phone' AND p.value = l.phone
            WHERE l.level <> 'detail'
        ) AS x WHERE x.line_no = order_lines.line_no
    """)


# What orders say of their customers. The moment, then the hash, as one number: half the work of comparing pairs.
_TOLD = {"name": "coalesce(buyer_id, receiver)", "province": "province", "city": "city"}
_TURN = "(CAST(coalesce(paid_sec, created_sec, 0) AS HUGEINT) << 64) + CAST(line_hash >> 64 AS HUGEINT)"


def refresh_customers(con: DuckDBPyConnection) -> None:
    """Name and region of the customers of `changed_people(customer_id)`: those of their latest order that says so.

    Most latest orders say it all: which line that is takes a third of the work of comparing what lines say.
    """
    # Where everyone changed, as in a first import, nobody need be looked up.
    has_others = has_any(con, "customers ANTI JOIN changed_people USING (customer_id)")
    changed = "SEMI JOIN changed_people USING (customer_id)" if has_others else ""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE told AS
        SELECT l.customer_id, {", ".join(f"{said} AS {name}" for name, said in _TOLD.items())}
        FROM order_lines AS l JOIN (
            SELECT arg_max(line_no, {_TURN}) AS line_no FROM order_lines {changed}
            WHERE customer_id IS NOT NULL GROUP BY customer_id
        ) AS n ON n.line_no = l.line_no
    """)
    for name, said in _TOLD.items():
        if has_any(con, f"told WHERE {name} IS NULL"):
            con.execute(f"""
                UPDATE told SET {name} = x.said FROM (
                    SELECT customer_id, arg_max({said}, {_TURN}) AS said FROM order_lines
                    SEMI JOIN (SELECT customer_id FROM told WHERE {name} IS NULL) AS t USING (customer_id)
                    WHERE {said} IS NOT NULL GROUP BY customer_id
                ) AS x WHERE x.customer_id = told.customer_id
            """)
    con.execute(f"""
        UPDATE customers SET {", ".join(f"{name} = coalesce(x.{name}, customers.{name})" for name in _TOLD)}
        FROM told AS x WHERE customers.customer_id = x.customer_id
    """)
