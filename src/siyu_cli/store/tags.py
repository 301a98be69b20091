"""Tags held by customers: what a run would change, and changing it, as whole-table statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

# Only rows of the rules: what people set by hand is never touched here.
_CHANGES_SQL = """
CREATE OR REPLACE TEMP TABLE tag_changes AS
SELECT COALESCE(w.customer_id, h.customer_id) AS customer_id, COALESCE(w.tag, h.tag) AS tag,
       CASE WHEN h.customer_id IS NULL THEN 'add'
            WHEN w.customer_id IS NULL THEN 'remove' ELSE 'keep' END AS action,
       COALESCE(w.rule_hash, h.rule_hash) AS rule_hash
FROM wanted_tags AS w
FULL JOIN (SELECT customer_id, tag, rule_hash FROM tags WHERE source = 'auto') AS h
  ON h.customer_id = w.customer_id AND h.tag = w.tag
"""

_COUNTS_SQL = """
SELECT tag, sum(CASE WHEN action <> 'add' THEN 1 ELSE 0 END) AS before_count,
       sum(CASE WHEN action = 'add' THEN 1 ELSE 0 END) AS added,
       sum(CASE WHEN action = 'remove' THEN 1 ELSE 0 END) AS removed
FROM tag_changes GROUP BY tag ORDER BY tag
"""


@dataclass(frozen=True)
class TagCount:
    """One tag's holders by rule: before + added − removed = after."""

    tag: str
    before: int
    added: int
    removed: int

    @property
    def after(self) -> int:
        return self.before + self.added - self.removed


def plan_changes(
    con: DuckDBPyConnection, flags: str, columns: Sequence[tuple[str, str, str]]
) -> list[TagCount]:
    """Compare a table of 0/1 columns with the tags held now; the changes stay in `tag_changes`.

    `columns` are (column of `flags`, tag, rule hash). A tag that no column speaks of loses its holders.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE tag_columns (flag_name VARCHAR, tag VARCHAR, rule_hash VARCHAR)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE wanted_tags (customer_id BIGINT, tag VARCHAR, rule_hash VARCHAR)"
    )
    if columns:
        con.executemany("INSERT INTO tag_columns VALUES (?, ?, ?)", [list(column) for column in columns])
        names = ", ".join(column for column, _, _ in columns)
        con.execute(
            f"INSERT INTO wanted_tags SELECT u.customer_id, c.tag, c.rule_hash"
            f" FROM (UNPIVOT {flags} ON {names} INTO NAME flag_name VALUE is_set) AS u"
            f" JOIN tag_columns AS c ON c.flag_name = u.flag_name WHERE u.is_set = 1"
        )
    con.execute(_CHANGES_SQL)
    return [TagCount(tag, int(b), int(a), int(r)) for tag, b, a, r in con.execute(_COUNTS_SQL).fetchall()]


def apply_changes(con: DuckDBPyConnection, run_id: int, day: int) -> None:
    """Carry out what `plan_changes` found, with a line in `tag_log` per change."""
    con.execute(
        "INSERT INTO tag_log SELECT ?, customer_id, tag, action, ?, rule_hash FROM tag_changes"
        " WHERE action <> 'keep' ORDER BY tag, customer_id",
        [run_id, day],
    )
    con.execute(
        "DELETE FROM tags USING tag_changes AS c WHERE c.action = 'remove' AND tags.source = 'auto'"
        " AND tags.customer_id = c.customer_id AND tags.tag = c.tag"
    )
    # Whoever keeps a tag keeps it by today's rule; since when and by which run stays as it was.
    con.execute(
        "UPDATE tags SET rule_hash = c.rule_hash FROM tag_changes AS c WHERE c.action = 'keep'"
        " AND tags.source = 'auto' AND tags.customer_id = c.customer_id AND tags.tag = c.tag"
        " AND tags.rule_hash <> c.rule_hash"
    )
    con.execute(
        "INSERT INTO tags SELECT customer_id, tag, 'auto', 'none', ?, rule_hash, ? FROM tag_changes"
        " WHERE action = 'add' ORDER BY tag, customer_id",
        [day, run_id],
    )
