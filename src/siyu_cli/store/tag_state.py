"""What people and earlier runs left on customers' tags, as the tables the compiled query joins.

Made by `build_tag_state`, all temporary:

`tag_now`         one row per tag of the rules: tag, rule_hash, ttl (days a hand counts, or NULL), is_kept
`tag_hands`       one row per (customer, tag of the rules) with a hand on it: customer_id, tag, pin_day, run_id,
                  is_off, is_list (the tag is one of the customer's phones), is_ended (its own end is over, or
                  without one the ttl of the tag), is_held (the customer has the tag now)
`ended_tags`      one row per hand on a tag without a rule whose end is over: customer_id, tag, goes (the customer
                  has it no more), comes (has it again, since it was pinned off and is one of their phones)
`fact_tag_state`  see rules.holding
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class TagSetting:
    """What the store needs to know of a rule's tag; `was` is its earlier name or ''."""

    tag: str
    rule_hash: str
    is_kept: bool
    ttl: int | None
    was: str = ""


# The newest hand wins a group: by day, then by run.
_RANK = "pin_day::BIGINT * 4294967296 + run_id"

# `$day` is D. A tag of phones counts like one pinned on, unless a person or a group said otherwise in `tags`.
_HANDS_SQL = """
CREATE OR REPLACE TEMP TABLE tag_hands AS
WITH listed AS (
    SELECT k.customer_id, p.tag, min(p.set_day) AS pin_day, min(p.run_id) AS run_id
    FROM phone_tags AS p JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = p.phone
    WHERE p.tag IN (SELECT tag FROM tag_now)
    GROUP BY k.customer_id, p.tag
),
hands AS (
    SELECT t.customer_id, t.tag, coalesce(t.pin_day, t.set_day) AS pin_day, t.pin_until, t.run_id,
           CASE WHEN t.pin = 'off' THEN 1 ELSE 0 END AS is_off, 0 AS is_list,
           CASE WHEN t.pin <> 'off' AND t.is_held = 1 THEN 1 ELSE 0 END AS is_held
    FROM tags AS t WHERE t.source = 'manual'
    UNION ALL
    SELECT l.customer_id, l.tag, l.pin_day, NULL AS pin_until, l.run_id, 0 AS is_off, 1 AS is_list,
           CASE WHEN a.is_held = 0 THEN 0 ELSE 1 END AS is_held
    FROM listed AS l
    LEFT JOIN tags AS a ON a.customer_id = l.customer_id AND a.tag = l.tag AND a.source = 'auto'
    WHERE NOT EXISTS (SELECT 1 FROM tags AS t WHERE t.source = 'manual' AND t.customer_id = l.customer_id
                      AND t.tag = l.tag)
)
SELECT h.customer_id, h.tag, h.pin_day, h.run_id, h.is_off, h.is_list, h.is_held,
       CASE WHEN $day > COALESCE(h.pin_until, h.pin_day + n.ttl) THEN 1 ELSE 0 END AS is_ended
FROM hands AS h JOIN tag_now AS n ON n.tag = h.tag
"""

# `$day` is D. No rule decides on these tags: nothing but their phones can give them.
_ENDED_SQL = """
CREATE OR REPLACE TEMP TABLE ended_tags AS
SELECT customer_id, tag, CASE WHEN pin <> 'off' AND is_held = 1 AND is_listed = 0 THEN 1 ELSE 0 END AS goes,
       CASE WHEN pin = 'off' AND is_listed = 1 THEN 1 ELSE 0 END AS comes
FROM (
    SELECT t.customer_id, t.tag, t.pin, t.is_held,
           CASE WHEN EXISTS (SELECT 1 FROM phone_tags AS p JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = p.phone
                             WHERE k.customer_id = t.customer_id AND p.tag = t.tag) THEN 1 ELSE 0 END AS is_listed
    FROM tags AS t
    WHERE t.source = 'manual' AND t.pin_until < $day AND t.tag NOT IN (SELECT tag FROM tag_now)
)
"""

HAND_TAGS_SQL = """
SELECT h.customer_id, h.tag FROM held_tags AS h
WHERE h.source = 'manual'
  AND NOT EXISTS (SELECT 1 FROM ended_tags AS e WHERE e.customer_id = h.customer_id AND e.tag = h.tag AND e.goes = 1)
UNION ALL
SELECT customer_id, tag FROM ended_tags WHERE comes = 1
"""
"""Who has which tag by hand, without hands that are over. Reads what `build_tag_state` made."""

# A tag that has only now got `keep` was last true when it was last applied: whoever has it by rule had it then.
# Parameter: D. As of an earlier day than the last run's, what was true only later is not known yet.
_STATE_SQL = f"""
CREATE OR REPLACE TEMP TABLE fact_tag_state AS
WITH last_run AS (SELECT max_by(as_of_sec, run_id) // 86400 AS last_day FROM tag_runs),
truths AS (
    SELECT k.customer_id, k.tag, k.last_true_day FROM tag_truths AS k JOIN tag_now AS n ON n.tag = k.tag
    WHERE n.is_kept = 1
    UNION ALL
    SELECT t.customer_id, t.tag, CAST(coalesce(r.last_day, t.set_day) AS INTEGER) AS last_true_day
    FROM tags AS t JOIN tag_now AS n ON n.tag = t.tag CROSS JOIN last_run AS r
    WHERE n.is_kept = 1 AND t.source = 'auto' AND t.is_held = 1 AND t.rule_hash <> ''
      AND NOT EXISTS (SELECT 1 FROM tag_truths AS k WHERE k.customer_id = t.customer_id AND k.tag = t.tag)
)
SELECT customer_id, tag, max(pin_rank) AS pin_rank, max(is_off) AS is_off, max(last_true_day) AS last_true_day
FROM (
    SELECT customer_id, tag, CASE WHEN is_off = 0 THEN {_RANK} ELSE 0 END AS pin_rank, is_off,
           CAST(NULL AS INTEGER) AS last_true_day
    FROM tag_hands WHERE is_ended = 0
    UNION ALL
    SELECT customer_id, tag, 0 AS pin_rank, 0 AS is_off, last_true_day FROM truths WHERE last_true_day <= ?
)
GROUP BY customer_id, tag
"""


def build_tag_state(con: DuckDBPyConnection, settings: Sequence[TagSetting], day: int) -> frozenset[str]:
    """Make the tables above as of day D; the tags that have a pin on anybody."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE tag_now (tag VARCHAR, rule_hash VARCHAR, ttl INTEGER, is_kept INTEGER)"
    )
    if settings:
        rows = [[one.tag, one.rule_hash, one.ttl, int(one.is_kept)] for one in settings]
        con.executemany("INSERT INTO tag_now VALUES (?, ?, ?, ?)", rows)
    con.execute(_HANDS_SQL, {"day": day})
    con.execute(_ENDED_SQL, {"day": day})
    con.execute(_STATE_SQL, [day])
    found = con.execute("SELECT DISTINCT tag FROM fact_tag_state WHERE pin_rank > 0 OR is_off = 1").fetchall()
    return frozenset(tag for (tag,) in found)


@dataclass(frozen=True)
class Renamed:
    """Tags that go on under a new name, and how many rows of people carry the old one."""

    old: str
    new: str
    rows: int


def pending_renames(con: DuckDBPyConnection, settings: Sequence[TagSetting]) -> tuple[Renamed, ...]:
    """Renames whose old name somebody still has."""
    found = []
    for one in settings:
        if not one.was:
            continue
        rows = con.execute(
            "SELECT count(DISTINCT customer_id) FROM (SELECT customer_id FROM tags WHERE tag = $old"
            " UNION ALL SELECT customer_id FROM tag_truths WHERE tag = $old)",
            {"old": one.was},
        ).fetchall()[0][0]
        if rows:
            found.append(Renamed(one.was, one.tag, int(rows)))
    return tuple(found)


def rename_tags(con: DuckDBPyConnection, renames: Sequence[Renamed]) -> None:
    """The rows of an old name go on under the new one, with their history; where both stand the new one stays."""
    for one in renames:
        for table in ("tags", "tag_truths"):
            con.execute(
                f"DELETE FROM {table} WHERE tag = $old AND customer_id IN"
                f" (SELECT customer_id FROM {table} WHERE tag = $new)",
                {"old": one.old, "new": one.new},
            )
        for table in ("tags", "tag_truths", "tag_log"):
            con.execute(f"UPDATE {table} SET tag = ? WHERE tag = ?", [one.new, one.old])


def show_renamed(con: DuckDBPyConnection, renames: Sequence[Renamed]) -> None:
    """For a plan, which writes nothing: temporary tables with the new names stand before those of the store."""
    if not renames:
        return
    store = store_name(con)
    for table in ("tags", "tag_truths", "tag_log"):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {store}.{table}")
    rename_tags(con, renames)


def hide_renamed(con: DuckDBPyConnection, renames: Sequence[Renamed]) -> None:
    """Take away what `show_renamed` made."""
    for table in ("tags", "tag_truths", "tag_log") if renames else ():
        con.execute(f"DROP TABLE temp.main.{table}")


def store_name(con: DuckDBPyConnection) -> str:
    """The store's own tables, whatever temporary ones stand before them: `"name".main`."""
    name = str(con.execute("SELECT current_database()").fetchall()[0][0])
    quoted = name.replace('"', '""')
    return f'"{quoted}".main'
