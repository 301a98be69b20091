"""Rows follow their customer: what a merge moves, and whose rows are whose when customers are taken apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from siyu_cli.people.joining import Sets
from siyu_cli.store import contacts, items, order_people, refunds, stages

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOVED = (
    "customer_keys",
    "order_lines",
    "refunds",
    "contacts",
    "events",
    "tags",
    "tag_truths",
    "tag_log",
    "push_members",
    "stage_moves",
)

# Whose an event is: as when it was imported.
_EVENT_HOLDERS = """
SELECT r.event_no, coalesce(b.customer_id, e.customer_id, u.customer_id, p.customer_id) AS customer_id
FROM events AS r SEMI JOIN placed_people AS a ON a.customer_id = r.customer_id
LEFT JOIN customer_keys AS b ON b.kind = 'buyer' AND b.namespace IN (r.platform, '*') AND b.value = r.buyer_id
LEFT JOIN customer_keys AS e ON e.kind = 'external_userid' AND e.value = r.external_userid
LEFT JOIN customer_keys AS u ON u.kind = 'unionid' AND u.value = r.unionid
LEFT JOIN customer_keys AS p ON p.kind = 'phone' AND p.value = r.phone
"""


def keep_table(con: DuckDBPyConnection, name: str, columns: Mapping[str, Collection[int | str]]) -> None:
    """A temporary table of whole numbers and texts from Python, with `nth` = 1, 2, … in the given order."""
    import pyarrow as pa

    arrays: dict[str, pa.Array] = {}
    for column, values in columns.items():
        listed = list(values)
        is_text = bool(listed) and isinstance(listed[0], str)
        arrays[column] = pa.array(listed, pa.string() if is_text else pa.int64())
    size = len(next(iter(arrays.values())))
    con.register("kept_rows", pa.table({**arrays, "nth": pa.array(range(1, size + 1), pa.int64())}))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM kept_rows")
    con.unregister("kept_rows")


def move_rows(con: DuckDBPyConnection, run_id: int) -> None:
    """Everything of the known customers in `identity_moves(from_id, into_id)` goes to the other customer.

    A tag that both have is kept once, one set by hand before one of a rule, the newer hand before the older (until
    the next apply-tags they may have two of a group); so it is with their stages. Scores of the younger one are
    of half a person and go.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE known_moves AS
        SELECT from_id, into_id FROM identity_moves SEMI JOIN customers ON customers.customer_id = identity_moves.from_id
    """)
    if not con.execute("SELECT 1 FROM known_moves LIMIT 1").fetchall():
        return
    stages.note_merging(con, "known_moves")
    for table in _MOVED:
        con.execute(f"""
            UPDATE {table} SET customer_id = m.into_id FROM known_moves AS m WHERE {table}.customer_id = m.from_id
        """)
    con.execute("""
        DELETE FROM tags WHERE rowid IN (
            SELECT tags.rowid FROM tags SEMI JOIN (SELECT into_id AS customer_id FROM known_moves) USING (customer_id)
            QUALIFY row_number() OVER (PARTITION BY customer_id, tag
                ORDER BY source = 'auto', pin = 'none', pin_day DESC NULLS LAST, set_day, run_id, rule_hash) > 1)
    """)
    con.execute("""
        DELETE FROM tag_truths WHERE rowid IN (
            SELECT tag_truths.rowid FROM tag_truths
            SEMI JOIN (SELECT into_id AS customer_id FROM known_moves) USING (customer_id)
            QUALIFY row_number() OVER (PARTITION BY customer_id, tag ORDER BY last_true_day DESC) > 1)
    """)
    stages.settle_merged(con, run_id)
    con.execute("DELETE FROM scores WHERE customer_id IN (SELECT from_id FROM known_moves)")
    con.execute("DELETE FROM customers WHERE customer_id IN (SELECT from_id FROM known_moves)")


def note_orders(con: DuckDBPyConnection, people: str) -> None:
    """Orders and item groups of customers whose rows are about to move: their money is set against each other again."""
    con.execute("CREATE TEMP TABLE IF NOT EXISTS changed_orders (order_no BIGINT)")
    con.execute("CREATE TEMP TABLE IF NOT EXISTS changed_groups (customer_id BIGINT, item VARCHAR)")
    con.execute(f"""
        INSERT INTO changed_orders SELECT DISTINCT order_no FROM order_lines SEMI JOIN {people} USING (customer_id)
        EXCEPT SELECT order_no FROM changed_orders
    """)
    refunds.find_changed_groups(con)


def place_rows(con: DuckDBPyConnection) -> None:
    """Orders, contacts and events of `placed_people(customer_id)` go to whoever holds their keys now."""
    for rows, table, key in (
        ("placed_lines", "order_lines", "line_no"),
        ("placed_friends", "contacts", "contact_no"),
    ):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {rows} AS SELECT {key} FROM {table} SEMI JOIN placed_people USING (customer_id)"
        )
    order_people.name_customers(con, "placed_lines")
    contacts.name_customers(con, "placed_friends")
    con.execute(
        f"UPDATE events SET customer_id = x.customer_id FROM ({_EVENT_HOLDERS}) AS x WHERE x.event_no = events.event_no"
    )
    con.execute("""
        UPDATE refunds SET customer_id = l.customer_id
        FROM order_lines AS l SEMI JOIN placed_lines USING (line_no)
        WHERE refunds.kind = 'returns' AND refunds.line_no = l.line_no
           OR refunds.kind = 'negative' AND refunds.source_hash = l.line_hash
    """)


def settle_money(con: DuckDBPyConnection, run_id: int) -> None:
    """After rows moved: negative rows and item nets of the noted orders, names and places of `placed_people`."""
    refunds.find_changed_groups(con)
    con.execute("CREATE OR REPLACE TEMP TABLE changed_people AS SELECT customer_id FROM placed_people")
    order_people.refresh_customers(con)
    refunds.allocate_negatives(con, run_id)
    items.spread_nets(con)


def current(con: DuckDBPyConnection, table: str, run_id: int) -> None:
    """Bring `customer_id` of a temporary table up to date after the merges of a run."""
    homes = Sets()
    merged = con.execute(
        "SELECT from_customer_id, into_customer_id FROM customer_merges WHERE run_id = ?", [run_id]
    ).fetchall()
    for one, other in merged:
        homes.union(one, other)
    gone = [one for one, _ in merged]
    keep_table(con, "gone_ids", {"from_id": gone, "into_id": [homes.find(one) for one in gone]})
    con.execute(
        f"UPDATE {table} SET customer_id = g.into_id FROM gone_ids AS g WHERE {table}.customer_id = g.from_id"
    )
