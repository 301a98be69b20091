"""Which customer a row belongs to: buyer ids and phones become keys of one customer.

A key belongs to one customer. A buyer id names its customer within its namespace (a platform, or
`*` where shops share ids). A phone joins what it is seen with, unless that would give one customer
two buyer ids in one namespace: then the phone stays where it was, because a gift's receiver is not
the buyer. Every choice is by (first seen, namespace, buyer id), never by row order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Known buyers, and the customers that a new buyer could join because they hold its phone.
_BUYERS = """
CREATE OR REPLACE TEMP TABLE identity_buyers AS
SELECT c.namespace, c.buyer_id, min(c.first_sec) AS first_sec, any_value(k.customer_id) AS customer_id
FROM claims AS c
LEFT JOIN customer_keys AS k ON k.kind = 'buyer' AND k.namespace = c.namespace AND k.value = c.buyer_id
WHERE c.buyer_id IS NOT NULL
GROUP BY c.namespace, c.buyer_id
"""

# A buyer and a holder of one of its phones that may become one: the holder has no buyer id in any
# namespace in which the buyer's customer has one. Each side is used once, the oldest holder first.
_JOINABLE = """
CREATE OR REPLACE TEMP TABLE identity_joins AS
WITH pairs AS (
    SELECT b.namespace, b.buyer_id, b.first_sec, b.customer_id, k.customer_id AS holder_id, min(k.value) AS phone
    FROM identity_buyers AS b
    JOIN claims AS c ON c.namespace = b.namespace AND c.buyer_id = b.buyer_id
    JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = c.phone
    WHERE k.customer_id IS DISTINCT FROM b.customer_id
      AND NOT EXISTS (
          SELECT 1 FROM customer_keys AS theirs
          WHERE theirs.kind = 'buyer' AND theirs.customer_id = k.customer_id
            AND (theirs.namespace = b.namespace OR theirs.namespace IN (
                SELECT mine.namespace FROM customer_keys AS mine
                WHERE mine.kind = 'buyer' AND mine.customer_id = b.customer_id)))
    GROUP BY ALL
),
best_holder AS (
    SELECT * FROM pairs
    QUALIFY row_number() OVER (
        PARTITION BY namespace, buyer_id, customer_id ORDER BY holder_id) = 1
)
SELECT * FROM best_holder
QUALIFY row_number() OVER (PARTITION BY holder_id ORDER BY first_sec NULLS LAST, namespace, buyer_id) = 1
    AND (customer_id IS NULL
         OR row_number() OVER (PARTITION BY customer_id ORDER BY holder_id, namespace, buyer_id) = 1)
"""

_NEW_BUYER_KEYS = """
INSERT INTO customer_keys
SELECT 'buyer', b.namespace, b.buyer_id, coalesce(j.holder_id, n.customer_id), ?
FROM identity_buyers AS b
LEFT JOIN identity_joins AS j ON j.namespace = b.namespace AND j.buyer_id = b.buyer_id AND j.customer_id IS NULL
LEFT JOIN identity_new AS n ON n.namespace = b.namespace AND n.value = b.buyer_id
WHERE b.customer_id IS NULL
"""

_NEW_BUYERS = """
CREATE OR REPLACE TEMP TABLE identity_new AS
SELECT b.namespace, b.buyer_id AS value,
       (SELECT coalesce(max(customer_id), 0) FROM customers)
       + row_number() OVER (ORDER BY b.first_sec NULLS LAST, b.namespace, b.buyer_id) AS customer_id
FROM identity_buyers AS b
WHERE b.customer_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM identity_joins AS j
    WHERE j.namespace = b.namespace AND j.buyer_id = b.buyer_id AND j.customer_id IS NULL)
"""

# A phone nobody holds goes to the buyer it was first seen with; one seen without any buyer is a person.
_FREE_PHONES = """
CREATE OR REPLACE TEMP TABLE identity_phones AS
SELECT c.phone, k.customer_id, c.first_sec
FROM (
    SELECT phone, buyer_id, namespace, first_sec FROM claims WHERE phone IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY phone ORDER BY (buyer_id IS NULL), first_sec NULLS LAST, namespace, buyer_id) = 1
) AS c
LEFT JOIN customer_keys AS k ON k.kind = 'buyer' AND k.namespace = c.namespace AND k.value = c.buyer_id
WHERE NOT EXISTS (SELECT 1 FROM customer_keys AS held WHERE held.kind = 'phone' AND held.value = c.phone)
"""

_NEW_PHONE_PEOPLE = """
CREATE OR REPLACE TEMP TABLE identity_new AS
SELECT '' AS namespace, phone AS value,
       (SELECT coalesce(max(customer_id), 0) FROM customers)
       + row_number() OVER (ORDER BY first_sec NULLS LAST, phone) AS customer_id
FROM identity_phones WHERE customer_id IS NULL
"""

_NEW_PHONE_KEYS = """
INSERT INTO customer_keys
SELECT 'phone', '', p.phone, coalesce(p.customer_id, n.customer_id), ?
FROM identity_phones AS p LEFT JOIN identity_new AS n ON n.value = p.phone
"""

RESOLVED_SQL = """
SELECT c.namespace, c.buyer_id, c.phone, coalesce(b.customer_id, p.customer_id) AS customer_id
FROM claims AS c
LEFT JOIN customer_keys AS b ON b.kind = 'buyer' AND b.namespace = c.namespace AND b.value = c.buyer_id
LEFT JOIN customer_keys AS p ON p.kind = 'phone' AND p.value = c.phone
"""


def resolve(con: DuckDBPyConnection, run_id: int) -> None:
    """Give every claim a customer.

    Reads the temporary table `claims(namespace, buyer_id, phone, first_sec)`, distinct rows with a
    buyer id or a phone; makes `resolved(namespace, buyer_id, phone, customer_id)`. Customers, their
    keys and merges of customers that turn out to be one are written.
    """
    con.execute(_BUYERS)
    con.execute(_JOINABLE)
    con.execute(_NEW_BUYERS)
    _add_people(con, run_id)
    con.execute(_NEW_BUYER_KEYS, [run_id])
    _merge_known(con, run_id)
    con.execute(_FREE_PHONES)
    con.execute(_NEW_PHONE_PEOPLE)
    _add_people(con, run_id)
    con.execute(_NEW_PHONE_KEYS, [run_id])
    con.execute(f"CREATE OR REPLACE TEMP TABLE resolved AS {RESOLVED_SQL}")


def _add_people(con: DuckDBPyConnection, run_id: int) -> None:
    con.execute("INSERT INTO customers SELECT customer_id, NULL, NULL, NULL, ? FROM identity_new", [run_id])


def _merge_known(con: DuckDBPyConnection, run_id: int) -> None:
    """Customers that a phone shows to be one: the older id stays, everything of the other moves to it."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE identity_merges AS
        SELECT greatest(customer_id, holder_id) AS from_id, least(customer_id, holder_id) AS into_id, phone
        FROM identity_joins WHERE customer_id IS NOT NULL
    """)
    # A customer may stand on both sides only across rounds: the next import joins what is left.
    con.execute("DELETE FROM identity_merges WHERE into_id IN (SELECT from_id FROM identity_merges)")
    con.execute(
        "INSERT INTO customer_merges SELECT from_id, into_id, 'phone', phone, ? FROM identity_merges",
        [run_id],
    )
    # A tag both have is kept once; scores of the younger one are of half a person and go.
    con.execute("""
        DELETE FROM tags USING identity_merges AS m, tags AS kept
        WHERE tags.customer_id = m.from_id AND kept.customer_id = m.into_id AND kept.tag = tags.tag
    """)
    con.execute("DELETE FROM scores WHERE customer_id IN (SELECT from_id FROM identity_merges)")
    for table in ("customer_keys", "order_lines", "refunds", "tags"):
        con.execute(f"""
            UPDATE {table} SET customer_id = m.into_id
            FROM identity_merges AS m WHERE {table}.customer_id = m.from_id
        """)
    con.execute("DELETE FROM customers WHERE customer_id IN (SELECT from_id FROM identity_merges)")
