"""Tags held by customers: what a run would change, and changing it, as whole-table statements.

Pairs of customer and tag with a hand on them (`tag_hands`, few) go a way of their own; all others are a
comparison of what the rules want with the rows of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.store.engine import DuckDbEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection

_NO_HAND = (
    "NOT EXISTS (SELECT 1 FROM tag_hands AS x WHERE x.customer_id = {0}.customer_id AND x.tag = {0}.tag)"
)

# Rows of the rules against what the rules want; {wanted} and {held} leave out what hands are on, if anything. What stays
# as it is, nearly all of a large shop on most days, is no row; 'keep' are those that only get another rule_hash.
_CHANGES_SQL = """
CREATE OR REPLACE TEMP TABLE tag_changes AS
SELECT COALESCE(w.customer_id, h.customer_id) AS customer_id, COALESCE(w.tag, h.tag) AS tag,
       CAST(CASE WHEN h.customer_id IS NULL THEN 'add'
                 WHEN w.customer_id IS NULL THEN 'remove' ELSE 'keep' END AS tag_actions) AS action,
       COALESCE(w.rule_hash, h.rule_hash) AS rule_hash, CAST(0 AS TINYINT) AS is_hand,
       CAST($cause AS tag_causes) AS cause
FROM (SELECT customer_id, tag, rule_hash FROM wanted_tags AS w {wanted}) AS w
FULL JOIN (SELECT customer_id, {tag} AS tag, {rule_hash} AS rule_hash FROM tags AS t
           WHERE source = 'auto' AND is_held = 1 {held}) AS h
  ON h.customer_id = w.customer_id AND h.tag = w.tag
WHERE h.customer_id IS NULL OR w.customer_id IS NULL OR h.rule_hash <> w.rule_hash
"""
_HAND_CHANGES_SQL = """
INSERT INTO tag_changes
SELECT h.customer_id, h.tag,
       CASE WHEN h.is_held = 1 AND w.customer_id IS NOT NULL THEN 'keep'
            WHEN h.is_held = 1 THEN 'remove' ELSE 'add' END AS action,
       n.rule_hash, 1 AS is_hand, CASE WHEN h.is_ended = 1 THEN 'ttl' ELSE $cause END AS cause
FROM tag_hands AS h JOIN tag_now AS n ON n.tag = h.tag
LEFT JOIN wanted_tags AS w ON w.customer_id = h.customer_id AND w.tag = h.tag
WHERE h.is_held = 1 OR w.customer_id IS NOT NULL
"""

_COUNTS_SQL = """
SELECT tag, sum(before_count) AS before_count, sum(added) AS added, sum(removed) AS removed
FROM (
    SELECT tag, holders AS before_count, 0 AS added, 0 AS removed FROM tags_before
    UNION ALL
    SELECT CAST(tag AS VARCHAR) AS tag, sum(CASE WHEN action <> 'add' AND is_hand = 1 THEN 1 ELSE 0 END) AS before_count,
           sum(CASE WHEN action = 'add' THEN 1 ELSE 0 END) AS added,
           sum(CASE WHEN action = 'remove' THEN 1 ELSE 0 END) AS removed
    FROM tag_changes GROUP BY tag
)
GROUP BY tag ORDER BY tag
"""


@dataclass(frozen=True)
class TagCount:
    """One tag's holders: before + added − removed = after. Of those after, `kept` have it by grace and
    `pinned` from a person; `blocked` would have it, but a person said otherwise.
    """

    tag: str
    before: int
    added: int
    removed: int
    kept: int = 0
    pinned: int = 0
    blocked: int = 0

    @property
    def after(self) -> int:
        return self.before + self.added - self.removed


def plan_changes(
    con: DuckDBPyConnection, flags: str, columns: Sequence[tuple[str, str, str]], cause: str = ""
) -> list[TagCount]:
    """Compare a table of 0/1 columns with the tags held now; the changes stay in `tag_changes`.

    `columns` are (column of `flags`, tag, rule hash). A tag that no column speaks of loses its holders, but for
    those a person pinned. `cause` is what all changes come of, where that is known beforehand: giving it to tens
    of millions of rows later would write them all again. Reads `tag_now` and `tag_hands` (see tag_state).
    """
    hands = con.execute("SELECT count(*) FROM tag_hands").fetchall()[0][0]
    left_out = (
        {"wanted": f"WHERE {_NO_HAND.format('w')}", "held": f"AND {_NO_HAND.format('t')}"} if hands else {}
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE tags_before AS SELECT tag, rule_hash, count(*) AS holders FROM tags AS t"
        f" WHERE source = 'auto' AND is_held = 1 {left_out.get('held', '')} GROUP BY tag, rule_hash"
    )
    coded = _name_wanted(con, flags, columns)
    con.execute(
        _CHANGES_SQL.format(wanted=left_out.get("wanted", ""), held=left_out.get("held", ""), **coded),
        {"cause": cause},
    )
    if hands:
        con.execute(_HAND_CHANGES_SQL, {"cause": cause})
    return [TagCount(tag, int(b), int(a), int(r)) for tag, b, a, r in con.execute(_COUNTS_SQL).fetchall()]


def _name_wanted(
    con: DuckDBPyConnection, flags: str, columns: Sequence[tuple[str, str, str]]
) -> dict[str, str]:
    """Make `wanted_tags`, the (customer, tag, rule hash) that the rules want; how else names and hashes are coded.

    Tens of millions of pairs are compared and kept: their names are numbers for DuckDB (Engine.coded).
    """
    engine = DuckDbEngine(con)
    con.execute("CREATE OR REPLACE TEMP TABLE tag_columns (number INTEGER, tag VARCHAR, rule_hash VARCHAR)")
    if columns:
        rows = [[number, tag, rule_hash] for number, (_, tag, rule_hash) in enumerate(columns)]
        con.executemany("INSERT INTO tag_columns VALUES (?, ?, ?)", rows)
    coded = {}
    for name in ("tag", "rule_hash"):
        known = " UNION ".join(
            f"SELECT {name} FROM {table}" for table in ("tag_columns", "tags_before", "tag_now")
        )
        coded[name] = engine.coded(f"tags_{name}", known).format(name)
    con.execute("CREATE OR REPLACE TEMP TYPE tag_actions AS ENUM ('add', 'keep', 'remove')")
    con.execute("CREATE OR REPLACE TEMP TYPE tag_causes AS ENUM ('', 'data', 'rule', 'time', 'ttl')")
    engine.write(
        f"SELECT number, {coded['tag']} AS tag, {coded['rule_hash']} AS rule_hash FROM tag_columns",
        "coded_columns",
    )
    held = [
        f"SELECT customer_id, {number} AS number FROM {flags} WHERE {column} = 1"
        for number, (column, _, _) in enumerate(columns)
    ]
    pairs = " UNION ALL ".join(
        held or ["SELECT CAST(NULL AS BIGINT) AS customer_id, 0 AS number WHERE FALSE"]
    )
    # A view: the pairs are looked at as they come, and kept once, as changes.
    con.execute(
        "CREATE OR REPLACE TEMP VIEW wanted_tags AS SELECT u.customer_id, c.tag, c.rule_hash"
        f" FROM ({pairs}) AS u JOIN coded_columns AS c ON c.number = u.number"
    )
    return coded


def sums_of(con: DuckDBPyConnection, flags: str, tests: Sequence[tuple[str, int]]) -> list[int]:
    """How many rows of `flags` have each (column, value)."""
    if not tests:
        return []
    sums = ", ".join(f"count(*) FILTER (WHERE {column} = {value})" for column, value in tests)
    return [int(count) for count in con.execute(f"SELECT {sums} FROM {flags}").fetchall()[0]]


def count_causes(con: DuckDBPyConnection) -> dict[tuple[str, str], dict[str, int]]:
    """(tag, add or remove) → cause → how many changes."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for tag, action, cause, many in con.execute(
        "SELECT tag, action, cause, count(*) FROM tag_changes WHERE action <> 'keep' GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        found.setdefault((tag, action), {})[cause] = int(many)
    return found


def changes_digest(con: DuckDBPyConnection) -> str:
    """Of everything `plan_changes` would change, whatever its order."""
    count, total = con.execute(
        "SELECT count(*), coalesce(sum(md5_number_lower(concat_ws('|', customer_id, tag, action))), 0)"
        " FROM tag_changes WHERE action <> 'keep'"
    ).fetchall()[0]
    return f"{count}-{int(total):x}"


def changes_as_json(con: DuckDBPyConnection) -> Iterator[list[str]]:
    """What would change as JSON texts, by tag and customer, in pieces that fit into memory."""
    reader = con.execute("""
        SELECT '{"customer_id": ' || customer_id || ', "tag": ' || CAST(to_json(tag) AS VARCHAR) || ', "action": "'
               || action || '", "cause": "' || cause || '"}' AS line
        FROM tag_changes WHERE action <> 'keep' ORDER BY tag, customer_id
    """)
    while lines := reader.fetchmany(50_000):
        yield [line for (line,) in lines]


def apply_changes(
    con: DuckDBPyConnection, run_id: int, day: int, flags: str, truths: Sequence[tuple[str, str]]
) -> None:
    """Carry out what `plan_changes` found, with a line in `tag_log` per change.

    `truths` are (0/1 column of `flags`, tag): whose condition is true today, of the tags with `keep` or pins.
    """
    con.execute(
        "INSERT INTO tag_log SELECT ?, customer_id, tag, action, ?, rule_hash, cause, '' FROM tag_changes"
        " WHERE action <> 'keep' ORDER BY tag, customer_id",
        [run_id, day],
    )
    _settle_hands(con, run_id, day, flags, truths)
    con.execute(
        "DELETE FROM tags USING tag_changes AS c WHERE c.action = 'remove' AND c.is_hand = 0"
        " AND tags.source = 'auto' AND tags.customer_id = c.customer_id AND tags.tag = c.tag"
    )
    # Whoever keeps a tag keeps it by today's rule; since when and by which run stays as it was.
    con.execute(
        "UPDATE tags SET rule_hash = c.rule_hash FROM tag_changes AS c WHERE c.action = 'keep' AND c.is_hand = 0"
        " AND tags.source = 'auto' AND tags.customer_id = c.customer_id AND tags.tag = c.tag"
        " AND tags.rule_hash <> c.rule_hash"
    )
    con.execute(
        "INSERT INTO tags (customer_id, tag, source, pin, set_day, rule_hash, run_id)"
        " SELECT customer_id, tag, 'auto', 'none', ?, rule_hash, ? FROM tag_changes"
        " WHERE action = 'add' AND is_hand = 0 ORDER BY tag, customer_id",
        [day, run_id],
    )
    _note_truths(con, day, flags, truths)


def _settle_hands(
    con: DuckDBPyConnection, run_id: int, day: int, flags: str, truths: Sequence[tuple[str, str]]
) -> None:
    """Pins whose time is over go back to the rules; pins and tags of phones say whether they won their group."""
    # A tag that is no longer one of the phones needs nothing that hides it.
    con.execute(f"DELETE FROM tags WHERE source = 'auto' AND is_held = 0 AND {_NO_HAND.format('tags')}")
    # A pin that had lost its group, and the group is gone.
    con.execute(
        "UPDATE tags SET is_held = 1 WHERE pin = 'on' AND is_held = 0 AND tag NOT IN (SELECT tag FROM tag_now)"
    )
    if not con.execute("SELECT 1 FROM tag_hands LIMIT 1").fetchall():
        return
    con.execute(
        "INSERT INTO tag_log SELECT ?, customer_id, tag, 'unpin', ?, '', 'ttl', '' FROM tag_hands"
        " WHERE is_ended = 1 AND is_list = 0 ORDER BY tag, customer_id",
        [run_id, day],
    )
    con.execute("""
        CREATE OR REPLACE TEMP TABLE settled_hands AS
        SELECT h.*, n.rule_hash, CASE WHEN w.customer_id IS NULL THEN 0 ELSE 1 END AS is_wanted
        FROM tag_hands AS h JOIN tag_now AS n ON n.tag = h.tag
        LEFT JOIN wanted_tags AS w ON w.customer_id = h.customer_id AND w.tag = h.tag
    """)
    pair = "tags.customer_id = s.customer_id AND tags.tag = s.tag"
    con.execute(
        f"DELETE FROM tags USING settled_hands AS s WHERE {pair} AND tags.source = 'manual'"
        " AND s.is_ended = 1 AND s.is_list = 0 AND s.is_wanted = 0"
    )
    con.execute(
        "UPDATE tags SET source = 'auto', pin = 'none', pin_day = NULL, is_held = 1, rule_hash = s.rule_hash,"
        " set_day = CASE WHEN s.is_held = 1 THEN tags.set_day ELSE $day END, run_id = $run"
        f" FROM settled_hands AS s WHERE {pair} AND tags.source = 'manual'"
        " AND s.is_ended = 1 AND s.is_list = 0 AND s.is_wanted = 1",
        {"day": day, "run": run_id},
    )
    con.execute(
        f"UPDATE tags SET is_held = s.is_wanted FROM settled_hands AS s WHERE {pair} AND tags.source = 'manual'"
        " AND tags.pin = 'on' AND s.is_ended = 0 AND tags.is_held <> s.is_wanted"
    )
    _settle_lists(con, run_id, day, flags, truths)


def _settle_lists(
    con: DuckDBPyConnection, run_id: int, day: int, flags: str, truths: Sequence[tuple[str, str]]
) -> None:
    """Beside a tag of the customer's phones stands a row of the rules: held where its rule gives it too, so that
    it stays when the list is taken back; not held, and so hiding it, where it lost its group.
    """
    listed = {
        tag for (tag,) in con.execute("SELECT DISTINCT tag FROM tag_hands WHERE is_list = 1").fetchall()
    }
    if not listed:
        return
    con.execute("CREATE OR REPLACE TEMP TABLE true_pairs (customer_id BIGINT, tag VARCHAR)")
    for column, tag in truths:
        if tag in listed:
            con.execute(
                f"INSERT INTO true_pairs SELECT customer_id, ? FROM {flags} WHERE {column} = 1", [tag]
            )
    con.execute("""
        CREATE OR REPLACE TEMP TABLE settled_lists AS
        SELECT s.customer_id, s.tag, s.is_wanted AS is_held, CASE WHEN s.is_wanted = 1 THEN s.rule_hash ELSE '' END
               AS rule_hash
        FROM settled_hands AS s LEFT JOIN true_pairs AS t ON t.customer_id = s.customer_id AND t.tag = s.tag
        WHERE s.is_list = 1 AND (s.is_wanted = 0 OR t.customer_id IS NOT NULL)
    """)
    con.execute(
        "DELETE FROM tags USING settled_hands AS h WHERE h.is_list = 1 AND tags.source = 'auto'"
        " AND tags.customer_id = h.customer_id AND tags.tag = h.tag AND NOT EXISTS (SELECT 1 FROM settled_lists AS s"
        " WHERE s.customer_id = h.customer_id AND s.tag = h.tag)"
    )
    pair = "tags.customer_id = s.customer_id AND tags.tag = s.tag"
    con.execute(
        "UPDATE tags SET is_held = s.is_held, rule_hash = s.rule_hash FROM settled_lists AS s"
        f" WHERE {pair} AND tags.source = 'auto' AND (tags.is_held <> s.is_held OR tags.rule_hash <> s.rule_hash)"
    )
    con.execute(
        "INSERT INTO tags (customer_id, tag, source, pin, set_day, rule_hash, run_id, is_held)"
        " SELECT customer_id, tag, 'auto', 'none', $day, rule_hash, $run, is_held FROM settled_lists AS s"
        f" WHERE NOT EXISTS (SELECT 1 FROM tags WHERE {pair}) ORDER BY tag, customer_id",
        {"day": day, "run": run_id},
    )


def _note_truths(con: DuckDBPyConnection, day: int, flags: str, truths: Sequence[tuple[str, str]]) -> None:
    """Today is an applied day: where a condition with `keep` is true, it was last true today."""
    con.execute("DELETE FROM tag_truths WHERE tag NOT IN (SELECT tag FROM tag_now WHERE is_kept = 1)")
    kept = {tag for (tag,) in con.execute("SELECT tag FROM tag_now WHERE is_kept = 1").fetchall()}
    truths = [(column, tag) for column, tag in truths if tag in kept]
    if not truths:
        return
    today = " UNION ALL ".join(
        f"SELECT customer_id, CAST(? AS VARCHAR) AS tag, CAST(? AS INTEGER) AS last_true_day FROM {flags}"
        f" WHERE {column} = 1"
        for column, _ in truths
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE new_truths AS SELECT customer_id, tag, max(last_true_day) AS last_true_day FROM ("
        " SELECT customer_id, tag, last_true_day FROM fact_tag_state WHERE last_true_day IS NOT NULL"
        f" UNION ALL {today}) GROUP BY customer_id, tag",
        [value for _, tag in truths for value in (tag, day)],
    )
    con.execute("""
        MERGE INTO tag_truths AS t USING new_truths AS n ON n.customer_id = t.customer_id AND n.tag = t.tag
        WHEN MATCHED AND t.last_true_day < n.last_true_day THEN UPDATE SET last_true_day = n.last_true_day
        WHEN NOT MATCHED THEN INSERT (customer_id, tag, last_true_day) VALUES (n.customer_id, n.tag, n.last_true_day)
    """)
