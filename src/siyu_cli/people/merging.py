"""Making one of two customers by hand, and taking them apart again: a merge is a link that can be undone.

A customer is what active merges hold together of what came in under different ids (`born_id` of a key),
and goes by the oldest of these ids. So taking one merge away tells who goes with whom, however many
merges came later on top of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.people import identity
from siyu_cli.people.joining import Sets
from siyu_cli.people.moving import keep_table, move_rows, note_orders, place_rows, settle_money
from siyu_cli.store.forgetting import Forgotten, forget_people
from siyu_cli.store.runs import next_run_id

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Key = tuple[str, str, str]
"""kind, namespace, value"""


@dataclass(frozen=True)
class Split:
    """What taking a merge apart does: who stays, who comes back with what."""

    merge_no: int
    customer_id: int
    restored_id: int
    keys: tuple[Key, ...]
    lines: int
    contacts: int
    manual_tags: int
    auto_tags: int


@dataclass(frozen=True)
class TakenBack:
    """What a run had brought that nothing else supports."""

    keys: int = 0
    merges: int = 0
    forgotten: Forgotten = field(default_factory=Forgotten)


_APART_PAIRS = """
SELECT least(l.customer_id, r.customer_id) AS one, greatest(l.customer_id, r.customer_id) AS other
FROM identity_apart AS a
JOIN customer_keys AS l ON l.kind = a.kind AND l.namespace = a.namespace AND l.value = a.value
JOIN customer_keys AS r ON r.kind = a.with_kind AND r.namespace = a.with_namespace AND r.value = a.with_value
"""

# The key that stands for a customer: the ids of platforms before phones.
_FIRST_KEYS = """
SELECT customer_id, kind, namespace, value FROM customer_keys
SEMI JOIN (SELECT one AS customer_id FROM new_apart UNION SELECT other FROM new_apart) USING (customer_id)
QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY kind = 'phone', kind, namespace, value) = 1
"""


def merge_by_hand(con: DuckDBPyConnection, run_id: int, one: int, other: int) -> int:
    """Make one customer of two; the older id stays and is returned."""
    merge_pairs(con, run_id, [(one, other)])
    return min(one, other)


def merge_pairs(con: DuckDBPyConnection, run_id: int, pairs: Sequence[tuple[int, int]]) -> None:
    """Make one customer of each pair, because a person says so; what was said to be apart there is forgotten."""
    people = Sets()
    logged: list[tuple[int, int]] = []
    for one, other in pairs:
        into, away = sorted((people.find(one), people.find(other)))
        if into != away:
            logged.append((away, into))
            people.union(into, away)
    away_ids = [away for away, _ in logged]
    keep_table(con, "logged_merges", {"from_id": away_ids, "into_id": [into for _, into in logged]})
    keep_table(
        con, "identity_moves", {"from_id": away_ids, "into_id": [people.find(one) for one in away_ids]}
    )
    _place(con, {one for pair in logged for one in pair})
    con.execute(
        """
        INSERT INTO customer_merges
        SELECT (SELECT coalesce(max(merge_no), 0) FROM customer_merges) + m.nth, m.from_id, m.into_id, m.from_id, m.into_id,
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, ?, c.run_id, c.name, c.province, c.city, NULL
        FROM logged_merges AS m JOIN customers AS c ON c.customer_id = m.from_id ORDER BY m.nth
        """,
        [run_id],
    )
    note_orders(con, "placed_people")
    move_rows(con, run_id)
    con.execute(f"""
        DELETE FROM identity_apart WHERE apart_no IN (
            SELECT apart_no FROM ({_APART_PAIRS.replace("SELECT", "SELECT a.apart_no,", 1)}) WHERE one = other)
    """)
    _answer(con, run_id, "same", "o.one = o.other AND o.one IN (SELECT customer_id FROM placed_people)")
    settle_money(con, run_id)


def keep_apart(con: DuckDBPyConnection, run_id: int, pairs: Sequence[tuple[int, int]]) -> None:
    """A person says that the two of each pair are two people.

    Nothing seen later makes one of them, and nobody is asked about them again.
    """
    known = apart_pairs(con)
    ordered = dict.fromkeys((min(pair), max(pair)) for pair in pairs)
    for name, listed in (
        ("apart_now", list(ordered)),
        ("new_apart", [pair for pair in ordered if pair not in known]),
    ):
        keep_table(con, name, {"one": [one for one, _ in listed], "other": [other for _, other in listed]})
    con.execute(
        f"""
        INSERT INTO identity_apart
        WITH firsts AS ({_FIRST_KEYS})
        SELECT (SELECT coalesce(max(apart_no), 0) FROM identity_apart) + n.nth, l.kind, l.namespace, l.value,
               r.kind, r.namespace, r.value, ?
        FROM new_apart AS n JOIN firsts AS l ON l.customer_id = n.one JOIN firsts AS r ON r.customer_id = n.other
        """,
        [run_id],
    )
    _answer(con, run_id, "different", "(o.one, o.other) IN (SELECT (one, other) FROM apart_now)")


def apart_pairs(con: DuckDBPyConnection) -> set[tuple[int, int]]:
    """The customers that a person has said to be two people, the older id first."""
    return {(one, other) for one, other in con.execute(_APART_PAIRS).fetchall()}


def _answer(con: DuckDBPyConnection, run_id: int, answer: str, condition: str) -> None:
    """Answer the open conflicts whose two owners `o.one` and `o.other` fulfil a condition."""
    con.execute(
        f"""
        UPDATE identity_conflicts SET answer = $answer, answer_run_id = $run
        FROM (
            SELECT c.conflict_no, least(l.customer_id, r.customer_id) AS one, greatest(l.customer_id, r.customer_id) AS other
            FROM identity_conflicts AS c
            JOIN customer_keys AS l ON l.kind = c.kind AND l.namespace = c.namespace AND l.value = c.value
            JOIN customer_keys AS r ON r.kind = c.with_kind AND r.namespace = c.with_namespace AND r.value = c.with_value
            WHERE c.answer IS NULL
        ) AS o
        WHERE o.conflict_no = identity_conflicts.conflict_no AND {condition}
        """,
        {"answer": answer, "run": run_id},
    )


def split(con: DuckDBPyConnection, run_id: int, customer_id: int, merge_no: int) -> Split:
    """Take one merge of a customer apart, inside the caller's transaction.

    Each side goes by its oldest id; orders, contacts and events follow their keys, money is set against
    each other again. Tags and scores stay with the customer that keeps the id: those of rules follow at
    their next run. The two sides are remembered as two people. InputRefused where it cannot be done.
    """
    from_born, into_born = _checked_merge(con, customer_id, merge_no)
    _place(con, [customer_id])
    note_orders(con, "placed_people")
    con.execute("UPDATE customer_merges SET split_run_id = ? WHERE merge_no = ?", [run_id, merge_no])
    _divide(con)
    settle_money(con, run_id)
    sides = dict(
        con.execute(
            "SELECT DISTINCT born_id, customer_id FROM customer_keys WHERE born_id IN (?, ?)",
            [from_born, into_born],
        ).fetchall()
    )
    restored = sides[from_born] if sides[from_born] != customer_id else sides[into_born]
    keep_apart(con, run_id, [(customer_id, restored)])
    keys = con.execute(
        "SELECT kind, namespace, value FROM customer_keys WHERE customer_id = ? ORDER BY kind, namespace, value",
        [restored],
    ).fetchall()
    lines, contacts, manual, auto = con.execute(
        """
        SELECT (SELECT count(*) FROM order_lines WHERE customer_id = $new),
               (SELECT count(*) FROM contacts WHERE customer_id = $new),
               (SELECT count(*) FROM tags WHERE customer_id = $old AND source = 'manual'),
               (SELECT count(*) FROM tags WHERE customer_id = $old AND source = 'auto')
        """,
        {"new": restored, "old": customer_id},
    ).fetchall()[0]
    return Split(
        merge_no, customer_id, restored, tuple((kind, space, value) for kind, space, value in keys),
        int(lines), int(contacts), int(manual), int(auto),
    )  # fmt: skip


def _checked_merge(con: DuckDBPyConnection, customer_id: int, merge_no: int) -> tuple[int, int]:
    """The two ids that a merge holds together, where it is one of this customer and can be taken apart."""
    found = con.execute(
        "SELECT from_born_id, into_born_id, from_customer_id, into_customer_id, split_run_id FROM customer_merges "
        "WHERE merge_no = ?",
        [merge_no],
    ).fetchall()
    borns = {
        born
        for (born,) in con.execute(
            "SELECT DISTINCT born_id FROM customer_keys WHERE customer_id = ?", [customer_id]
        ).fetchall()
    }
    row = next(iter(found), None)
    if row is None or not {*row[:4]} & {customer_id, *borns}:
        raise InputRefused(
            "unknown-merge",
            tr(
                f"客户 {customer_id} 没有编号 {merge_no} 的合并",
                f"Customer {customer_id} has no merge {merge_no}",
            ),
            hint=tr(
                f"合并的编号见 siyu show-customer {customer_id}", f"See siyu show-customer {customer_id}"
            ),
        )
    if row[4] is not None:
        raise InputRefused(
            "already-split",
            tr(
                f"合并 {merge_no} 已经在执行 {row[4]} 拆开了",
                f"Merge {merge_no} was taken apart by run {row[4]}",
            ),
            hint=tr(
                f"现在的样子见 siyu show-customer {customer_id}", f"See siyu show-customer {customer_id}"
            ),
        )
    if not {row[0], row[1]} <= borns:
        raise InputRefused(
            "merge-without-keys",
            tr(
                f"合并 {merge_no} 是旧版本做的,没有记下哪些键原来是谁的,拆不开",
                f"Merge {merge_no} was made by an older version that did not note whose keys were whose",
            ),
            hint=tr("撤回那次导入再导入一遍,就会记下", "Undo that import and import again"),
        )
    return row[0], row[1]


def _place(con: DuckDBPyConnection, people: Collection[int]) -> None:
    keep_table(con, "placed_people", {"customer_id": people})


def _divide(con: DuckDBPyConnection) -> None:
    """Divide the customers of `placed_people` by the merges that are left; their rows follow their keys.

    Every part goes by its oldest id; where the id of a customer is no part's any more, its oldest part
    takes it over. Customers that come back are put into `placed_people`, too.
    """
    rows = con.execute(
        "SELECT DISTINCT customer_id, born_id FROM customer_keys SEMI JOIN placed_people USING (customer_id) ORDER BY ALL"
    ).fetchall()
    parts = Sets()
    keep_table(con, "placed_borns", {"born_id": [born for _, born in rows]})
    for one, other in con.execute("""
        SELECT from_born_id, into_born_id FROM customer_merges
        WHERE split_run_id IS NULL AND from_born_id IN (SELECT born_id FROM placed_borns)
          AND into_born_id IN (SELECT born_id FROM placed_borns)
    """).fetchall():
        parts.union(one, other)
    own = {customer_id for customer_id, born in rows if parts.find(born) == customer_id}
    takes_over: dict[int, int] = {}
    for customer_id, born in rows:
        if customer_id not in own:
            takes_over[parts.find(born)] = customer_id
            own.add(customer_id)
    borns = [born for _, born in rows]
    homes = [takes_over.get(parts.find(born), parts.find(born)) for born in borns]
    new_borns = [takes_over.get(born, born) for born in borns]
    keep_table(con, "born_homes", {"born_id": borns, "customer_id": homes, "new_born_id": new_borns})
    con.execute("""
        UPDATE customer_keys SET customer_id = h.customer_id, born_id = h.new_born_id
        FROM born_homes AS h WHERE customer_keys.born_id = h.born_id
    """)
    for side in ("from_born_id", "into_born_id"):
        con.execute(f"""
            UPDATE customer_merges SET {side} = h.new_born_id FROM born_homes AS h
            WHERE customer_merges.{side} = h.born_id AND h.new_born_id <> h.born_id
        """)
    con.execute("""
        INSERT INTO customers
        SELECT h.customer_id, arg_max(m.from_name, m.merge_no), arg_max(m.from_province, m.merge_no),
               arg_max(m.from_city, m.merge_no), arg_max(m.from_run_id, m.merge_no)
        FROM (SELECT DISTINCT customer_id FROM born_homes ANTI JOIN customers USING (customer_id)) AS h
        JOIN customer_merges AS m ON m.from_customer_id = h.customer_id
        GROUP BY h.customer_id ORDER BY h.customer_id
    """)
    con.execute(
        "INSERT INTO placed_people (customer_id) SELECT DISTINCT customer_id FROM born_homes ANTI JOIN placed_people USING (customer_id)"
    )
    place_rows(con)


_SUPPORT_SQL = """
CREATE OR REPLACE TEMP TABLE supported_keys AS
WITH lines AS (
    SELECT platform, buyer_id, phone, first_run_id FROM order_lines WHERE level <> 'detail'
    UNION ALL SELECT platform, buyer_id, phone, first_run_id FROM order_lines_versions WHERE level <> 'detail'
),
friends AS (
    SELECT external_userid, unionid, phones, first_run_id FROM contacts
    UNION ALL SELECT external_userid, unionid, phones, first_run_id FROM contacts_versions
),
named AS (
    SELECT 'buyer' AS kind, platform AS namespace, buyer_id AS value, first_run_id FROM lines
    UNION ALL SELECT 'buyer', '*', buyer_id, first_run_id FROM lines
    UNION ALL SELECT 'phone', '', phone, first_run_id FROM lines
    UNION ALL SELECT 'external_userid', NULL, external_userid, first_run_id FROM friends
    UNION ALL SELECT 'unionid', '', unionid, first_run_id FROM friends
    UNION ALL SELECT 'phone', '', unnest(string_split(phones, ';')), first_run_id FROM friends
    UNION ALL SELECT 'buyer', platform, buyer_id, first_run_id FROM events
    UNION ALL SELECT 'buyer', '*', buyer_id, first_run_id FROM events
    UNION ALL SELECT 'external_userid', NULL, external_userid, first_run_id FROM events
    UNION ALL SELECT 'unionid', '', unionid, first_run_id FROM events
    UNION ALL SELECT 'phone', '', phone, first_run_id FROM events
)
SELECT k.kind, k.namespace, k.value, min(n.first_run_id) AS run_id
FROM named AS n
JOIN customer_keys AS k ON k.kind = n.kind AND k.value = n.value AND k.namespace = coalesce(n.namespace, k.namespace)
WHERE k.run_id = $run GROUP BY k.kind, k.namespace, k.value
"""

# What the rows of customers say of who is who: the known keys that each row names, and the run that brought it.
_REMAINING_CLAIMS = """
CREATE OR REPLACE TEMP TABLE contact_claims AS
WITH rows AS (
    SELECT platform, buyer_id, NULL AS external_userid, NULL AS unionid, phone AS phones,
           min(coalesce(created_sec, paid_sec)) AS first_sec, min(first_run_id) AS run_id
    FROM order_lines SEMI JOIN placed_people USING (customer_id) WHERE level <> 'detail' GROUP BY ALL
    UNION ALL
    SELECT NULL, NULL, external_userid, unionid, phones, added_sec, first_run_id
    FROM contacts SEMI JOIN placed_people USING (customer_id)
    UNION ALL
    SELECT platform, buyer_id, external_userid, unionid, phone, min(at_sec), min(first_run_id) FROM events
    SEMI JOIN placed_people USING (customer_id) GROUP BY ALL
),
numbered AS (SELECT row_number() OVER () AS claim_no, * FROM rows),
named AS (
    SELECT claim_no, 'buyer' AS kind, platform, buyer_id AS value, first_sec, run_id FROM numbered
    UNION ALL SELECT claim_no, 'external_userid', NULL, external_userid, first_sec, run_id FROM numbered
    UNION ALL SELECT claim_no, 'unionid', NULL, unionid, first_sec, run_id FROM numbered
    UNION ALL SELECT claim_no, 'phone', NULL, unnest(string_split(phones, ';')), first_sec, run_id FROM numbered
)
SELECT n.claim_no, k.kind, k.namespace, k.value, n.first_sec, n.run_id
FROM named AS n
JOIN customer_keys AS k ON k.kind = n.kind AND k.value = n.value AND (n.platform IS NULL OR k.namespace IN (n.platform, '*'))
"""


def _think_again(con: DuckDBPyConnection, undo_run_id: int) -> None:
    """Follow what the rows of `placed_people` say; what comes of it belongs to the run that brought the rows."""
    con.execute(_REMAINING_CLAIMS)
    identity.resolve_contacts(con, undo_run_id)
    same = " AND ".join(
        f"{end}.{name} = t.{prefix}{name}"
        for end, prefix in (("a", ""), ("b", "with_"))
        for name in ("kind", "namespace", "value")
    )
    for table, number in (("customer_merges", "merge_no"), ("identity_conflicts", "conflict_no")):
        con.execute(
            f"""
            UPDATE {table} SET run_id = e.run_id FROM (
                SELECT t.{number}, min(a.run_id) AS run_id
                FROM {table} AS t, contact_claims AS a, contact_claims AS b
                WHERE a.claim_no = b.claim_no AND t.run_id = ? AND {same} GROUP BY t.{number}
            ) AS e WHERE e.{number} = {table}.{number}
            """,
            [undo_run_id],
        )


def take_back(con: DuckDBPyConnection, run_id: int) -> TakenBack:
    """Take back what a run brought, once its rows are gone: keys that no row names, its merges, its customers.

    What the remaining rows say of the customers it had joined is followed again, so a merge that other
    evidence supports stays. Customers that stay keep their ids. Leads and opt-outs hold by phone, with or
    without a customer.
    """
    undo_run_id = next_run_id(con)
    run = {"run": run_id}
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_people AS
        SELECT customer_id FROM customer_keys WHERE run_id = $run
        UNION
        SELECT k.customer_id FROM customer_keys AS k
        SEMI JOIN (SELECT from_born_id AS born_id FROM customer_merges WHERE run_id = $run AND split_run_id IS NULL
                   UNION SELECT into_born_id FROM customer_merges WHERE run_id = $run AND split_run_id IS NULL) AS m
          ON m.born_id = k.born_id
        """,
        run,
    )
    # Those who were made of several may come apart.
    con.execute("""
        CREATE OR REPLACE TEMP TABLE placed_people AS
        SELECT customer_id FROM customer_keys SEMI JOIN touched_people USING (customer_id)
        GROUP BY customer_id HAVING count(DISTINCT born_id) > 1
    """)
    merges = con.execute(
        "SELECT count(*) FROM customer_merges WHERE run_id = $run AND split_run_id IS NULL", run
    ).fetchall()[0][0]
    is_divided = bool(con.execute("SELECT 1 FROM placed_people LIMIT 1").fetchall())
    if is_divided:
        note_orders(con, "placed_people")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE touched_borns AS "
        "SELECT DISTINCT born_id FROM customer_keys SEMI JOIN placed_people USING (customer_id)"
    )
    con.execute(_SUPPORT_SQL, run)
    con.execute("""
        UPDATE customer_keys SET run_id = s.run_id FROM supported_keys AS s
        WHERE customer_keys.kind = s.kind AND customer_keys.namespace = s.namespace AND customer_keys.value = s.value
    """)
    keys = con.execute(
        """
        DELETE FROM customer_keys WHERE run_id = $run AND NOT EXISTS (
            SELECT 1 FROM supported_keys AS s WHERE s.kind = customer_keys.kind
            AND s.namespace = customer_keys.namespace AND s.value = customer_keys.value)
        """,
        run,
    ).fetchall()[0][0]
    # A merge that held on to keys that are gone holds nothing any more.
    con.execute(
        """
        UPDATE customer_merges SET split_run_id = $undo
        WHERE split_run_id IS NULL AND (run_id = $run OR EXISTS (
            SELECT 1 FROM touched_borns AS t ANTI JOIN customer_keys AS k ON k.born_id = t.born_id
            WHERE t.born_id IN (from_born_id, into_born_id)))
        """,
        {"undo": undo_run_id, **run},
    )
    if is_divided:
        _divide(con)
    con.execute("DELETE FROM customer_merges WHERE run_id = $run", run)
    con.execute("DELETE FROM identity_conflicts WHERE run_id = $run AND answer IS NULL", run)
    forgotten = forget_people(con)
    con.execute("""
        UPDATE customers SET run_id = k.run_id
        FROM (SELECT customer_id, min(run_id) AS run_id FROM customer_keys SEMI JOIN touched_people USING (customer_id)
              GROUP BY customer_id) AS k WHERE k.customer_id = customers.customer_id AND k.run_id > customers.run_id
    """)
    if is_divided:
        _think_again(con, undo_run_id)
        settle_money(con, undo_run_id)
    return TakenBack(int(keys), int(merges), forgotten)
