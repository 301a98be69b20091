"""Whom rows of a sheet speak of: a customer by number or by phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def place_people(con: DuckDBPyConnection, incoming: str) -> None:
    """Make `placed_rows`: the rows of `incoming` (with phone, named_id) and their customer_id, who_code.

    A number counts also after its customer was merged into another, as long as it means one customer. who_code is
    `unknown-customer` for a number that is nobody's, `who-differs` where number and phone are two customers.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE placed_rows AS
        WITH born AS (
            SELECT born_id, min(customer_id) AS customer_id FROM customer_keys
            GROUP BY born_id HAVING min(customer_id) = max(customer_id)
        ),
        found AS (
            SELECT i.*, coalesce(c.customer_id, b.customer_id) AS by_number, k.customer_id AS by_phone
            FROM {incoming} AS i
            LEFT JOIN customers AS c ON c.customer_id = i.named_id
            LEFT JOIN born AS b ON b.born_id = i.named_id
            LEFT JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = i.phone
        )
        SELECT * EXCLUDE (by_number, by_phone), coalesce(by_number, by_phone) AS customer_id,
               CASE WHEN named_id IS NOT NULL AND by_number IS NULL THEN 'unknown-customer'
                    WHEN by_number <> by_phone THEN 'who-differs' END AS who_code
        FROM found
    """)
