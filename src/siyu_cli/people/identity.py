"""Which customer a row belongs to: buyer ids, phones, unionids and external_userids are keys of one customer.

A key belongs to one customer. A buyer id names its customer within its namespace (a platform, or `*`
where shops share ids), an external_userid within its corp. A phone joins what it is seen with, unless
that would give one customer two buyer ids in one namespace, two unionids, or two external_userids of one
corp: then every key stays where it was, because a gift's receiver is not the buyer, and the contradiction
is kept as a conflict for a person to answer. What a platform says of its own ids comes before what a
phone says; every other choice is by (first seen, kind, namespace, value), never by row order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.people.joining import End, Joined, Link, Mark, Sets, join
from siyu_cli.people.moving import keep_table, move_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_SHARING = 5
"""A phone that one import sees with more customers than this is that of a parcel shop or a filler, and no
question of who is who: nobody is asked about it, and no conflict is kept."""

# Known keys carry their customer; new ones get one below. `rowid` is a number no other row of that table has (not
# 1, 2, …): to count the rows, one thread would have to see them all.
_KEYS_SQL = """
CREATE OR REPLACE TEMP TABLE identity_keys AS
SELECT s.rowid AS key_no, s.kind, s.namespace, s.value, s.first_sec, k.customer_id, k.born_id
FROM identity_seen AS s
LEFT JOIN customer_keys AS k ON k.kind = s.kind AND k.namespace = s.namespace AND k.value = s.value
"""

_ORDER_SEEN_SQL = """
CREATE OR REPLACE TEMP TABLE identity_seen AS
SELECT 'buyer' AS kind, namespace, buyer_id AS value, min(first_sec) AS first_sec
FROM claims WHERE buyer_id IS NOT NULL GROUP BY namespace, buyer_id
UNION ALL
SELECT 'phone', '', phone, min(first_sec) FROM claims WHERE phone IS NOT NULL GROUP BY phone
"""

# One row per claim; a link where it names both.
_ORDER_LINKS_SQL = """
CREATE OR REPLACE TEMP TABLE identity_links AS
SELECT c.namespace, c.buyer_id, c.phone, b.key_no AS left_no, p.key_no AS right_no, TRUE AS is_phone,
       FALSE AS is_phones, c.first_sec
FROM claims AS c
LEFT JOIN (SELECT namespace, value, key_no FROM identity_keys WHERE kind = 'buyer') AS b
  ON b.namespace = c.namespace AND b.value = c.buyer_id
LEFT JOIN (SELECT value, key_no FROM identity_keys WHERE kind = 'phone') AS p ON p.value = c.phone
"""

_CONTACT_SEEN_SQL = """
CREATE OR REPLACE TEMP TABLE identity_seen AS
SELECT kind, namespace, value, min(first_sec) AS first_sec FROM contact_claims GROUP BY kind, namespace, value
"""

# The keys of one row are held together by its anchor: its first id of a platform, else its first phone.
_CONTACT_CLAIMS_SQL = """
CREATE OR REPLACE TEMP TABLE numbered_claims AS
WITH numbered AS (
    SELECT c.claim_no, k.key_no, c.kind = 'phone' AS is_phone, c.kind, c.namespace, c.value, c.first_sec
    FROM contact_claims AS c
    JOIN identity_keys AS k ON k.kind = c.kind AND k.namespace = c.namespace AND k.value = c.value
)
SELECT claim_no, key_no, is_phone, first_sec, first_value(key_no) OVER w AS anchor_no,
       first_value(is_phone) OVER w AS is_anchor_phone
FROM numbered WINDOW w AS (PARTITION BY claim_no ORDER BY is_phone, kind, namespace, value)
"""

_CONTACT_LINKS_SQL = """
CREATE OR REPLACE TEMP TABLE identity_links AS
SELECT anchor_no AS left_no, key_no AS right_no, is_phone, is_anchor_phone AS is_phones, min(first_sec) AS first_sec
FROM numbered_claims WHERE key_no <> anchor_no
GROUP BY anchor_no, key_no, is_phone, is_anchor_phone
"""

# A new phone that only one link names belongs where that link points: it can contradict nothing.
_LEAVES_SQL = """
CREATE OR REPLACE TEMP TABLE identity_leaves AS
SELECT l.right_no AS key_no, any_value(l.left_no) AS left_no
FROM identity_links AS l JOIN identity_keys AS k ON k.key_no = l.right_no
WHERE l.is_phone AND l.left_no IS NOT NULL AND k.customer_id IS NULL
  AND l.right_no NOT IN (SELECT left_no FROM identity_links WHERE is_phones)
GROUP BY l.right_no HAVING count(*) = 1
"""

# What is left to be thought about: links of keys that more than one customer could hold, and these keys in
# the order of all choices.
_OPEN_LINKS_SQL = """
CREATE OR REPLACE TEMP TABLE open_links AS
SELECT l.left_no, l.right_no, l.is_phone, l.is_phones, l.first_sec
FROM identity_links AS l
ANTI JOIN identity_leaves AS v ON v.key_no = l.right_no
JOIN identity_keys AS a ON a.key_no = l.left_no
JOIN identity_keys AS b ON b.key_no = l.right_no
WHERE a.customer_id IS NULL OR a.customer_id IS DISTINCT FROM b.customer_id
"""
# Phones all of whose holders have an id of one kind in one namespace (`kind`, `namespace`) can join no two of
# them, whatever else is joined: a new one belongs to whom it was first seen with, and that is all. Shops have
# many such phones, so they are decided here and not link by link. A phone beside another in one row is none
# of them: it brings that one along. `turn` orders links by moment, then anchor.
_SHARED_SQL = """
CREATE OR REPLACE TEMP TABLE shared_phones AS
WITH anchors AS (
    SELECT key_no, kind, namespace, coalesce(-customer_id, key_no) AS person, customer_id,
           row_number() OVER (ORDER BY kind, namespace, value) AS place
    FROM identity_keys SEMI JOIN (SELECT left_no AS key_no FROM open_links) AS o USING (key_no)
),
seen AS (
    SELECT l.right_no, l.left_no, a.person,
           coalesce(l.first_sec, 4611686018427387904)::HUGEINT * 1099511627776 + a.place AS turn
    FROM open_links AS l JOIN anchors AS a ON a.key_no = l.left_no
    WHERE l.is_phone AND l.right_no NOT IN (SELECT unnest([left_no, right_no]) FROM identity_links WHERE is_phones)
),
holders AS (
    SELECT DISTINCT right_no, person FROM seen
    UNION
    SELECT key_no, -customer_id FROM identity_keys SEMI JOIN seen ON seen.right_no = key_no WHERE customer_id IS NOT NULL
),
marks AS (
    SELECT person, kind, namespace FROM anchors WHERE customer_id IS NULL
    UNION
    SELECT -k.customer_id, k.kind, k.namespace FROM customer_keys AS k
    SEMI JOIN (SELECT DISTINCT -person AS customer_id FROM holders WHERE person < 0) AS h USING (customer_id)
    WHERE k.kind <> 'phone'
),
counted AS (SELECT right_no, count(*) AS people FROM holders GROUP BY right_no),
common AS (
    SELECT h.right_no, m.kind, m.namespace, count(*) AS people
    FROM holders AS h JOIN marks AS m ON m.person = h.person GROUP BY h.right_no, m.kind, m.namespace
)
SELECT c.right_no AS key_no, min(c.kind) AS kind, arg_min(c.namespace, (c.kind, c.namespace)) AS namespace,
       any_value(f.left_no) AS left_no, any_value(f.person) AS person, any_value(n.people) AS people
FROM common AS c JOIN counted AS n ON n.right_no = c.right_no AND n.people = c.people
JOIN (SELECT right_no, arg_min(left_no, turn) AS left_no, arg_min(person, turn) AS person FROM seen GROUP BY right_no) AS f
  ON f.right_no = c.right_no
WHERE c.right_no NOT IN (
    SELECT h.right_no FROM holders AS h JOIN apart_people AS a ON a.customer_id = -h.person)
GROUP BY c.right_no
"""
_APART_PEOPLE_SQL = """
CREATE OR REPLACE TEMP TABLE apart_people AS
SELECT k.customer_id, a.apart_no FROM identity_apart AS a
JOIN customer_keys AS k ON k.kind = a.kind AND k.namespace = a.namespace AND k.value = a.value
UNION
SELECT k.customer_id, a.apart_no FROM identity_apart AS a
JOIN customer_keys AS k ON k.kind = a.with_kind AND k.namespace = a.with_namespace AND k.value = a.with_value
"""
_SHARED_CONFLICTS_SQL = f"""
CREATE OR REPLACE TEMP TABLE found_conflicts AS
SELECT l.left_no, l.right_no, l.first_sec, s.kind, s.namespace
FROM open_links AS l JOIN shared_phones AS s ON s.key_no = l.right_no
JOIN identity_keys AS a ON a.key_no = l.left_no JOIN identity_keys AS p ON p.key_no = l.right_no
WHERE s.people <= {MOST_SHARING} AND (p.customer_id IS NOT NULL OR coalesce(-a.customer_id, a.key_no) <> s.person)
"""
_LEAVE_SHARED_SQL = """
INSERT INTO identity_leaves
SELECT s.key_no, s.left_no FROM shared_phones AS s JOIN identity_keys AS k ON k.key_no = s.key_no
WHERE k.customer_id IS NULL
"""

_OPEN_KEYS_SQL = """
CREATE OR REPLACE TEMP TABLE open_keys AS
SELECT k.*, row_number() OVER (
           ORDER BY k.kind = 'phone', k.first_sec NULLS LAST, k.kind, k.namespace, k.value) AS place
FROM identity_keys AS k
SEMI JOIN (SELECT left_no AS key_no FROM open_links UNION SELECT right_no FROM open_links) AS o ON o.key_no = k.key_no
"""

_MARKS_SQL = """
WITH held AS (SELECT DISTINCT customer_id FROM open_keys)
SELECT k.customer_id, k.kind, k.namespace FROM customer_keys AS k SEMI JOIN held USING (customer_id)
WHERE k.kind <> 'phone'
UNION
SELECT customer_id, 'apart', CAST(apart_no AS VARCHAR) FROM apart_people SEMI JOIN held USING (customer_id)
"""

_OPEN_BASES_SQL = """
CREATE OR REPLACE TEMP TABLE open_bases AS
SELECT k.key_no, coalesce(b.key_no, j.base) AS base_no
FROM joined_bases AS j JOIN open_keys AS k ON k.place = j.place LEFT JOIN open_keys AS b ON b.place = j.base
"""
_BASES_SQL = """
CREATE OR REPLACE TEMP TABLE identity_bases AS
WITH thought AS (
    SELECT k.key_no, coalesce(j.base_no, k.key_no) AS base_no
    FROM identity_keys AS k LEFT JOIN open_bases AS j ON j.key_no = k.key_no
    WHERE k.customer_id IS NULL AND k.key_no NOT IN (SELECT key_no FROM identity_leaves)
)
SELECT key_no, base_no FROM thought
UNION ALL
SELECT v.key_no, coalesce(-k.born_id, t.base_no)
FROM identity_leaves AS v
JOIN identity_keys AS k ON k.key_no = v.left_no LEFT JOIN thought AS t ON t.key_no = v.left_no
"""

# No number is given twice: a split brings that of a customer back who was merged away, and that of one whose import
# was undone still stands in sheets that people hand in. Sorting first and counting then takes less than half the
# time of a window with that order.
_NEW_CUSTOMERS_SQL = """
CREATE OR REPLACE TEMP TABLE identity_new AS
SELECT base_no, (SELECT greatest(
           (SELECT coalesce(max(customer_id), 0) FROM customers),
           (SELECT coalesce(max(born_id), 0) FROM customer_keys),
           (SELECT coalesce(max(from_customer_id), 0) FROM customer_merges),
           (SELECT coalesce(max(last), 0) FROM given_numbers WHERE name = 'customer')))
       + row_number() OVER () AS customer_id
FROM (
    SELECT b.base_no FROM identity_bases AS b JOIN identity_keys AS k ON k.key_no = b.key_no WHERE b.base_no = b.key_no
    ORDER BY k.kind = 'phone', k.first_sec NULLS LAST, k.kind, k.namespace, k.value
)
"""

_FINAL_SQL = """
CREATE OR REPLACE TEMP TABLE identity_final AS
WITH homes AS (SELECT DISTINCT born_id, customer_id FROM identity_keys WHERE born_id IS NOT NULL),
placed AS (
    SELECT b.key_no, coalesce(n.customer_id, -b.base_no) AS born_id, coalesce(n.customer_id, h.customer_id) AS customer_id
    FROM identity_bases AS b
    LEFT JOIN identity_new AS n ON n.base_no = b.base_no
    LEFT JOIN homes AS h ON h.born_id = -b.base_no
    UNION ALL
    SELECT key_no, born_id, customer_id FROM identity_keys WHERE customer_id IS NOT NULL
)
SELECT p.key_no, p.born_id, coalesce(m.into_id, p.customer_id) AS customer_id
FROM placed AS p LEFT JOIN identity_moves AS m ON m.from_id = p.customer_id
"""

# What was worked with, as large as all keys together: the rows that are written next need the room.
_THOUGHTS = (
    "identity_seen",
    "identity_keys",
    "identity_links",
    "identity_leaves",
    "identity_bases",
    "identity_final",
)


def resolve(con: DuckDBPyConnection, run_id: int) -> None:
    """Give every claim of orders a customer.

    Reads the temporary table `claims(namespace, buyer_id, phone, first_sec)`, distinct rows with a buyer id
    or a phone; makes `resolved(namespace, buyer_id, phone, customer_id)`: the buyer's customer, else that
    of the phone. Customers, their keys, merges and conflicts are written.
    """
    con.execute(_ORDER_SEEN_SQL)
    con.execute(_KEYS_SQL)
    con.execute(_ORDER_LINKS_SQL)
    _settle(con, run_id)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE resolved AS
        SELECT c.namespace, c.buyer_id, c.phone, f.customer_id
        FROM identity_links AS c JOIN identity_final AS f ON f.key_no = coalesce(c.left_no, c.right_no)
    """)
    for table in ("claims", *_THOUGHTS):
        con.execute(f"DROP TABLE {table}")


def resolve_contacts(con: DuckDBPyConnection, run_id: int) -> None:
    """Give every claim of several keys (a friend, an event) a customer.

    Reads the temporary table `contact_claims(claim_no, kind, namespace, value, first_sec)`, all keys of each
    claim; makes `resolved_contacts(claim_no, customer_id)`: the customer of the claim's buyer id, else of its
    external_userid, else of its unionid, else of its first phone.
    """
    con.execute(_CONTACT_SEEN_SQL)
    con.execute(_KEYS_SQL)
    con.execute(_CONTACT_CLAIMS_SQL)
    con.execute(_CONTACT_LINKS_SQL)
    _settle(con, run_id)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE resolved_contacts AS
        SELECT DISTINCT c.claim_no, f.customer_id
        FROM numbered_claims AS c JOIN identity_final AS f ON f.key_no = c.anchor_no
    """)


def _settle(con: DuckDBPyConnection, run_id: int) -> None:
    """From `identity_keys` and `identity_links` to customers, keys, merges and conflicts; makes `identity_final`."""
    con.execute(_LEAVES_SQL)
    con.execute(_OPEN_LINKS_SQL)
    joined = _think(con, run_id)
    con.execute(_BASES_SQL)
    con.execute(_NEW_CUSTOMERS_SQL)
    con.execute(
        "UPDATE given_numbers SET last = (SELECT max(customer_id) FROM identity_new)"
        " WHERE name = 'customer' AND EXISTS (SELECT 1 FROM identity_new)"
    )
    _log_merges(con, run_id, joined.merges)
    con.execute(_FINAL_SQL)
    con.execute(
        """
        INSERT INTO customers SELECT customer_id, NULL, NULL, NULL, ? FROM identity_new
        WHERE customer_id NOT IN (SELECT from_id FROM identity_moves) ORDER BY customer_id
        """,
        [run_id],
    )
    con.execute(
        """
        INSERT INTO customer_keys (kind, namespace, value, customer_id, run_id, seen_sec, born_id)
        SELECT k.kind, k.namespace, k.value, f.customer_id, ?, k.first_sec, f.born_id
        FROM identity_keys AS k JOIN identity_final AS f ON f.key_no = k.key_no WHERE k.customer_id IS NULL
        """,
        [run_id],
    )
    if joined.merges:
        move_rows(con, run_id)


def _think(con: DuckDBPyConnection, run_id: int) -> Joined:
    """Which keys of `open_links` belong together, as `open_bases(key_no, base_no)`; what contradicts is written.

    Most files have no such link, and then nothing is asked that costs as much for ten rows as for ten thousand.
    """
    if not con.execute("SELECT 1 FROM open_links LIMIT 1").fetchall():
        con.execute("CREATE OR REPLACE TEMP TABLE open_bases (key_no BIGINT, base_no BIGINT)")
        return Joined({})
    con.execute("CREATE OR REPLACE TEMP TABLE found_conflicts (left_no BIGINT, right_no BIGINT, first_sec BIGINT, "
                "kind VARCHAR, namespace VARCHAR)")  # fmt: skip
    con.execute(_APART_PEOPLE_SQL)
    con.execute(_SHARED_SQL)
    con.execute(_SHARED_CONFLICTS_SQL)
    con.execute(_LEAVE_SHARED_SQL)
    con.execute("DELETE FROM open_links WHERE right_no IN (SELECT key_no FROM shared_phones)")
    con.execute(_OPEN_KEYS_SQL)
    joined = _join_open(con)
    keep_table(con, "joined_bases", {"place": joined.bases.keys(), "base": joined.bases.values()})
    con.execute(_OPEN_BASES_SQL)
    _log_conflicts(con, run_id, joined.conflicts)
    return joined


def _join_open(con: DuckDBPyConnection) -> Joined:
    ends = {
        place: End(place, None if kind == "phone" else (kind, namespace), customer_id, born_id)
        for place, kind, namespace, customer_id, born_id in con.execute(
            "SELECT place, kind, namespace, customer_id, born_id FROM open_keys"
        ).fetchall()
    }
    rows = con.execute("""
        SELECT a.place, b.place, l.is_phone
        FROM open_links AS l JOIN open_keys AS a ON a.key_no = l.left_no JOIN open_keys AS b ON b.key_no = l.right_no
        ORDER BY l.is_phone, l.first_sec NULLS LAST, b.kind, b.namespace, b.value, a.kind, a.namespace, a.value
    """).fetchall()
    if not rows:
        return Joined({})
    marks: dict[int, set[Mark]] = {}
    for customer_id, kind, namespace in con.execute(_MARKS_SQL).fetchall():
        marks.setdefault(customer_id, set()).add((kind, namespace))
    return join(
        (Link(ends[left], ends[right], is_phone) for left, right, is_phone in rows),
        {customer_id: frozenset(found) for customer_id, found in marks.items()},
    )


def _log_merges(con: DuckDBPyConnection, run_id: int, merges: list[Link]) -> None:
    """Write the merges in the order in which they came about; makes `identity_moves(from_id, into_id)`.

    The older customer stays. Also two new ids that a phone joins at once are logged, so that they can be
    taken apart: then the younger id has never stood in `customers`.
    """
    if not merges:
        con.execute("CREATE OR REPLACE TEMP TABLE identity_moves (from_id BIGINT, into_id BIGINT)")
        return
    ends = {end.place for link in merges for end in (link.left, link.right)}
    keep_table(con, "merge_ends", {"place": ends})
    born = {
        place: (born_id, customer_id)
        for place, born_id, customer_id in con.execute("""
            SELECT e.place, coalesce(k.born_id, n.customer_id, -b.base_no),
                   coalesce(k.customer_id, n.customer_id, h.customer_id)
            FROM merge_ends AS e JOIN open_keys AS k ON k.place = e.place
            LEFT JOIN identity_bases AS b ON b.key_no = k.key_no
            LEFT JOIN identity_new AS n ON n.base_no = b.base_no
            LEFT JOIN (SELECT DISTINCT born_id, customer_id FROM identity_keys) AS h ON h.born_id = -b.base_no
        """).fetchall()
    }
    people = Sets()
    names = ("from_id", "into_id", "from_place", "into_place", "from_born_id", "into_born_id")
    logged: dict[str, list[int]] = {name: [] for name in names}
    for link in merges:
        one, other = link.left.place, link.right.place
        if people.find(born[one][1]) > people.find(born[other][1]):
            one, other = other, one
        row = (
            people.find(born[other][1]),
            people.find(born[one][1]),
            other,
            one,
            born[other][0],
            born[one][0],
        )
        for column, value in zip(logged.values(), row, strict=True):
            column.append(value)
        people.union(row[0], row[1])
    keep_table(con, "logged_merges", logged)
    final = {one: people.find(one) for one in logged["from_id"]}
    keep_table(con, "identity_moves", {"from_id": final.keys(), "into_id": final.values()})
    con.execute(
        """
        INSERT INTO customer_merges
        SELECT (SELECT coalesce(max(merge_no), 0) FROM customer_merges) + m.nth, m.from_id, m.into_id,
               m.from_born_id, m.into_born_id, i.kind, i.namespace, i.value, f.kind, f.namespace, f.value,
               o.first_sec, $run, coalesce(c.run_id, $run), c.name, c.province, c.city, NULL
        FROM logged_merges AS m
        JOIN open_keys AS i ON i.place = m.into_place
        JOIN open_keys AS f ON f.place = m.from_place
        JOIN (SELECT least(left_no, right_no) AS one, greatest(left_no, right_no) AS other, min(first_sec) AS first_sec
              FROM open_links GROUP BY one, other) AS o
          ON o.one = least(i.key_no, f.key_no) AND o.other = greatest(i.key_no, f.key_no)
        LEFT JOIN customers AS c ON c.customer_id = m.from_id
        ORDER BY m.nth
        """,
        {"run": run_id},
    )


def _log_conflicts(con: DuckDBPyConnection, run_id: int, conflicts: list[tuple[Link, Mark]]) -> None:
    """Keep what contradicts and is not known yet; what a person has said to be apart needs no new answer."""
    columns: dict[str, list[int | str]] = {"left": [], "right": [], "kind": [], "namespace": []}
    for link, (kind, namespace) in conflicts:
        row: tuple[int | str, ...] = (link.left.place, link.right.place, kind, namespace)
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    if conflicts:
        keep_table(con, "open_conflicts", columns)
        con.execute("""
            INSERT INTO found_conflicts
            SELECT l.key_no, r.key_no, o.first_sec, f.kind, f.namespace
            FROM open_conflicts AS f
            JOIN open_keys AS l ON l.place = f."left"
            JOIN open_keys AS r ON r.place = f."right"
            JOIN open_links AS o ON o.left_no = l.key_no AND o.right_no = r.key_no
        """)
    con.execute(
        """
        INSERT INTO identity_conflicts
        SELECT (SELECT coalesce(max(conflict_no), 0) FROM identity_conflicts)
               + row_number() OVER (ORDER BY f.first_sec NULLS LAST, r.kind, r.namespace, r.value, l.kind, l.namespace, l.value),
               r.kind, r.namespace, r.value, l.kind, l.namespace, l.value, f.kind, f.namespace, f.first_sec,
               CASE WHEN f.kind = 'apart' THEN 'different' END, $run, CASE WHEN f.kind = 'apart' THEN $run END
        FROM found_conflicts AS f
        JOIN identity_keys AS l ON l.key_no = f.left_no
        JOIN identity_keys AS r ON r.key_no = f.right_no
        ANTI JOIN identity_conflicts AS k
          ON k.kind = r.kind AND k.namespace = r.namespace AND k.value = r.value
         AND k.with_kind = l.kind AND k.with_namespace = l.namespace AND k.with_value = l.value
        """,
        {"run": run_id},
    )
