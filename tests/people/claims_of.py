"""Claims for tests: order rows as (platform, buyer, phone, second) and friends as keys, put into a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from siyu_cli.people import identity
from tests.shop_rows import SALE_DEFAULTS

Row = tuple[str, str | None, str | None, int | None]
"""platform, buyer id, phone, moment"""
Key = tuple[str, str, str]
Friend = tuple[tuple[Key, ...], int | None]


def import_rows(con: Any, run_id: int, rows: Sequence[Row]) -> dict[Row, int]:
    """An import of orders as the importer does it; the customer of every row."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE claims (namespace VARCHAR, buyer_id VARCHAR, phone VARCHAR, first_sec BIGINT)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE claim_rows AS SELECT * FROM claims")
    named = [row for row in rows if row[1] or row[2]]
    if named:
        con.executemany("INSERT INTO claim_rows VALUES (?, ?, ?, ?)", [list(row) for row in named])
    con.execute(
        "INSERT INTO claims SELECT namespace, buyer_id, phone, min(first_sec) FROM claim_rows GROUP BY ALL"
    )
    identity.resolve(con, run_id)
    found = {(row[0], row[1], row[2]): row[3] for row in con.execute("SELECT * FROM resolved").fetchall()}
    start = con.execute("SELECT coalesce(max(line_no), 0) FROM order_lines").fetchall()[0][0]
    for number, row in enumerate(sorted(named, key=repr), start=start + 1):
        line = SALE_DEFAULTS | {
            "line_no": number, "order_no": number, "line_hash": number, "order_hash": number,
            "customer_id": found[row[:3]], "platform": row[0], "platform_key": row[0], "buyer_id": row[1], "phone": row[2],
            "created_sec": row[3], "paid_sec": row[3], "paid_day": (row[3] or 0) // 86_400, "paid_fen": 100 + number,
            "sku_key": "a", "first_run_id": run_id, "run_id": run_id,
        }  # fmt: skip
        con.execute(
            f"INSERT INTO order_lines ({', '.join(line)}) VALUES ({', '.join('?' * len(line))})",
            list(line.values()),
        )
    return {row: found[row[:3]] for row in named}


def import_friends(con: Any, run_id: int, friends: Sequence[Friend]) -> list[int]:
    """An import of friends as the importer does it; the customer of each."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE contact_claims "
        "(claim_no BIGINT, kind VARCHAR, namespace VARCHAR, value VARCHAR, first_sec BIGINT)"
    )
    claims = [[number, *key, sec] for number, (keys, sec) in enumerate(friends) for key in keys]
    con.executemany("INSERT INTO contact_claims VALUES (?, ?, ?, ?, ?)", claims)
    identity.resolve_contacts(con, run_id)
    return [
        row[0]
        for row in con.execute("SELECT customer_id FROM resolved_contacts ORDER BY claim_no").fetchall()
    ]


def people(con: Any) -> set[frozenset[Key]]:
    """Who is who: the keys of every customer."""
    found: dict[int, set[Key]] = {}
    for customer_id, *key in con.execute(
        "SELECT customer_id, kind, namespace, value FROM customer_keys"
    ).fetchall():
        found.setdefault(customer_id, set()).add((key[0], key[1], key[2]))
    return {frozenset(keys) for keys in found.values()}


def conflicts(con: Any) -> set[frozenset[Key]]:
    """The pairs of keys that were seen together and not followed."""
    rows = con.execute(
        "SELECT kind, namespace, value, with_kind, with_namespace, with_value FROM identity_conflicts"
    ).fetchall()
    return {frozenset({(row[0], row[1], row[2]), (row[3], row[4], row[5])}) for row in rows}


def check_laws(con: Any, *, by_hand: bool = False) -> None:
    """What holds whatever was imported, merged and split."""
    assert con.execute(
        "SELECT count(*) - count(DISTINCT (kind, namespace, value)) FROM customer_keys"
    ).fetchall() == [(0,)]
    if not by_hand:
        assert (
            con.execute(
                "SELECT customer_id, kind, namespace FROM customer_keys WHERE kind <> 'phone' GROUP BY ALL HAVING count(*) > 1"
            ).fetchall()
            == []
        )
    held = {row[0] for row in con.execute("SELECT DISTINCT customer_id FROM customer_keys").fetchall()}
    assert held == {row[0] for row in con.execute("SELECT customer_id FROM customers").fetchall()}
    wrong = con.execute("""
        SELECT l.line_no FROM order_lines AS l
        LEFT JOIN customer_keys AS b ON b.kind = 'buyer' AND b.namespace = l.platform AND b.value = l.buyer_id
        LEFT JOIN customer_keys AS p ON p.kind = 'phone' AND p.value = l.phone
        WHERE l.customer_id IS DISTINCT FROM coalesce(b.customer_id, p.customer_id)
    """).fetchall()
    assert wrong == []


def dump(con: Any, *tables: str) -> dict[str, list[Any]]:
    """Rows of tables, sorted."""
    wanted = tables or ("customers", "customer_keys", "order_lines", "refunds", "contacts", "events")
    return {name: sorted(con.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in wanted}


def order_links(rows: Iterable[Row]) -> list[tuple[int | None, Key, Key]]:
    """(moment, buyer, phone) of rows that name both."""
    return [
        (sec, ("buyer", shop, buyer), ("phone", "", phone))
        for shop, buyer, phone, sec in rows
        if buyer and phone
    ]
