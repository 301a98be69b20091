"""Tags on their way to 企业微信: what each friendship should have, what it was told, and the difference.

In 企业微信 a tag belongs to a member of staff and their friend. `tag_exports` holds, per friendship, the tags that
lists told staff to set and none has told them to take off since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

# Friends of today. A friend nobody knows as a customer holds no tags, but may have been told some.
_FRIENDS_SQL = """
CREATE OR REPLACE TEMP TABLE tag_friends AS
SELECT c.contact_no, c.customer_id, coalesce(c.staff_id, '=' || c.staff_name, '') AS staff_key,
       coalesce(c.staff_id, '') AS staff_id, coalesce(s.name, c.staff_name, c.staff_id, '') AS staff,
       c.name, c.remark, c.external_userid, c.phones
FROM contacts AS c LEFT JOIN staff AS s ON s.staff_id = c.staff_id WHERE c.lost_sec IS NULL
"""

# A friendship that was taken back and imported anew has another number: known by staff and external_userid.
_FOLLOW_SQL = """
UPDATE tag_exports SET contact_no = x.contact_no FROM (
    SELECT staff_key, external_userid, min(contact_no) AS contact_no FROM tag_friends
    WHERE external_userid IS NOT NULL GROUP BY ALL) AS x
WHERE x.external_userid = tag_exports.external_userid AND x.staff_key = tag_exports.staff_key
  AND tag_exports.contact_no NOT IN (SELECT contact_no FROM contacts)
  AND NOT EXISTS (SELECT 1 FROM tag_exports AS t WHERE t.contact_no = x.contact_no)
"""

_DIFF_SQL = """
CREATE OR REPLACE TEMP TABLE tag_diff AS
SELECT coalesce(w.contact_no, e.contact_no) AS contact_no, coalesce(w.tag, e.tag) AS tag,
       CASE WHEN e.tag IS NULL THEN 'add' WHEN w.tag IS NULL THEN 'remove' ELSE 'keep' END AS action
FROM (SELECT DISTINCT f.contact_no, h.tag FROM tag_friends AS f JOIN held_tags AS h ON h.customer_id = f.customer_id) AS w
FULL JOIN (SELECT contact_no, tag FROM tag_exports SEMI JOIN tag_friends USING (contact_no)) AS e
  ON e.contact_no = w.contact_no AND e.tag = w.tag
"""

_MASKED = r"regexp_replace({0}, '(1[3-9][0-9])[0-9]{{4}}([0-9]{{4}})', '\1****\2', 'g')"

# A friend's own phones, else those of the customer.
_LIST_SQL = """
WITH changed AS (
    SELECT contact_no, string_agg(tag, '、' ORDER BY tag) FILTER (action IN ({to_set})) AS to_set,
           string_agg(tag, '、' ORDER BY tag) FILTER (action = 'remove') AS to_drop,
           count(*) FILTER (action IN ({to_set})) AS set_count, count(*) FILTER (action = 'remove') AS drop_count
    FROM tag_diff GROUP BY contact_no
),
known AS (
    SELECT customer_id, string_agg(value, '、' ORDER BY value) AS phones FROM customer_keys WHERE kind = 'phone'
    GROUP BY customer_id
)
SELECT f.staff_key, f.staff_id, f.staff, {name} AS name, {remark} AS remark, f.external_userid, {phones} AS phones,
       d.to_set, d.to_drop, d.set_count, d.drop_count
FROM changed AS d JOIN tag_friends AS f ON f.contact_no = d.contact_no
LEFT JOIN known AS k ON k.customer_id = f.customer_id
WHERE d.set_count + d.drop_count > 0
ORDER BY f.staff_key = '', f.staff_key, f.name, f.contact_no
"""


def find_tag_diff(con: DuckDBPyConnection) -> None:
    """Make `tag_friends` and `tag_diff(contact_no, tag, action)`: add, remove, or keep what was told already."""
    con.execute(_FRIENDS_SQL)
    con.execute(_FOLLOW_SQL)
    con.execute(_DIFF_SQL)


def wanted_tags(con: DuckDBPyConnection) -> list[tuple[str, int]]:
    """(tag, friendships that should have it), the most frequent first."""
    return [
        (tag, int(friends))
        for tag, friends in con.execute(
            "SELECT tag, count(*) FROM tag_diff WHERE action <> 'remove' GROUP BY tag ORDER BY count(*) DESC, tag"
        ).fetchall()
    ]


def listed_friends(con: DuckDBPyConnection, *, is_full: bool, reveal: bool) -> pa.Table:
    """A row per friend something changes for (`is_full`: also for whom it does not), by staff; friends of nobody last.

    Columns: staff_key, staff_id, staff, name, remark, external_userid, phones, to_set, to_drop, set_count, drop_count.
    """
    columns = {
        "name": "f.name",
        "remark": "f.remark",
        "phones": "coalesce(replace(f.phones, ';', '、'), k.phones)",
    }
    if not reveal:
        columns = {name: _MASKED.format(column) for name, column in columns.items()}
    to_set = "'add', 'keep'" if is_full else "'add'"
    return con.sql(_LIST_SQL.format(to_set=to_set, **columns)).to_arrow_table()


def holders_without_friend(con: DuckDBPyConnection) -> int:
    """Customers with a tag who are nobody's friend: there is nobody to set it on."""
    return int(
        con.execute(
            "SELECT count(DISTINCT customer_id) FROM held_tags ANTI JOIN tag_friends USING (customer_id)"
        ).fetchall()[0][0]
    )


def note_exported(con: DuckDBPyConnection, run_id: int) -> None:
    """What `find_tag_diff` found has been told."""
    con.execute(
        "DELETE FROM tag_exports USING tag_diff AS d WHERE d.action = 'remove'"
        " AND tag_exports.contact_no = d.contact_no AND tag_exports.tag = d.tag"
    )
    con.execute(
        "INSERT INTO tag_exports (contact_no, staff_key, external_userid, tag, run_id)"
        " SELECT d.contact_no, f.staff_key, f.external_userid, d.tag, ? FROM tag_diff AS d"
        " JOIN tag_friends AS f ON f.contact_no = d.contact_no WHERE d.action = 'add' ORDER BY d.contact_no, d.tag",
        [run_id],
    )


def exported_paths(con: DuckDBPyConnection, kind: str) -> list[str]:
    """Every file that exports of this kind have written, below the workspace."""
    rows = con.execute("SELECT DISTINCT path FROM exports WHERE kind = ? ORDER BY path", [kind]).fetchall()
    return [path for (path,) in rows]


def note_file(con: DuckDBPyConnection, run_id: int, kind: str, path: str, rows: int, *, reveal: bool) -> None:
    """A file of this run, in `exports`."""
    con.execute(
        "INSERT INTO exports (run_id, kind, path, rows, is_revealed, is_written) VALUES (?, ?, ?, ?, ?, 1)",
        [run_id, kind, path, rows, int(reveal)],
    )
