"""What people say of customers' tags: pinned on, pinned off, or back to the rules; and what that changes at once.

Every function leaves the store so that nobody has two tags of an exclusive group: the newest pin has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Act = Literal["pin_on", "pin_off", "unpin"]


@dataclass(frozen=True)
class Touched:
    """One customer: whether anything was written, and whether the tag was and is held."""

    customer_id: int
    is_changed: bool
    was_held: bool
    is_held: bool


def note_tags(con: DuckDBPyConnection, rivals: Mapping[str, Sequence[str]], ruled: Collection[str]) -> None:
    """Make what `write_pins` and the judging of sheets need to know of tags that hands speak of.

    `pin_rivals(tag, rival)`: the other tags of its exclusive group. `ruled_tags(tag)`: a rule gives the tag; one
    that is unpinned waits for the next apply-tags then, and goes at once where there is none.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE pin_rivals (tag VARCHAR, rival VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE ruled_tags (tag VARCHAR)")
    pairs = [[tag, rival] for tag, others in rivals.items() for rival in others]
    if pairs:
        con.executemany("INSERT INTO pin_rivals VALUES (?, ?)", pairs)
    if ruled:
        con.executemany("INSERT INTO ruled_tags VALUES (?)", [[tag] for tag in ruled])


def set_pins(
    con: DuckDBPyConnection,
    people: Collection[int],
    tag: str,
    act: Act,
    *,
    day: int,
    run_id: int,
    reason: str = "",
    group: Sequence[str] = (),
    has_rule: bool = True,
    until_day: int | None = None,
) -> list[Touched]:
    """Do one act to one tag of several customers; `group` are the other tags of its exclusive group.

    A pin counts until `until_day`, that day included; without one until further notice.
    """
    note_tags(con, {tag: group}, [tag] if has_rule else [])
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hand_pins AS SELECT DISTINCT unnest($people::BIGINT[]) AS customer_id,"
        " $tag AS tag, $act AS act, $reason AS reason, CAST($until AS INTEGER) AS until_day",
        {"people": list(people), "tag": tag, "act": act, "reason": reason, "until": until_day},
    )
    write_pins(con, day=day, run_id=run_id)
    rows = con.execute("""
        SELECT h.customer_id, t.customer_id IS NOT NULL, b.customer_id IS NOT NULL, a.customer_id IS NOT NULL
        FROM hand_pins AS h
        LEFT JOIN touched_pins AS t ON t.customer_id = h.customer_id AND t.tag = h.tag
        LEFT JOIN held_before AS b ON b.customer_id = h.customer_id AND b.tag = h.tag
        LEFT JOIN held_after AS a ON a.customer_id = h.customer_id AND a.tag = h.tag
        ORDER BY h.customer_id
    """).fetchall()
    return [Touched(int(number), changed, was, now) for number, changed, was, now in rows]


def needed(pins: str) -> str:
    """The condition under which a row of `pins` (customer_id, tag, act, until_day) says something new; parameter `$day`.

    A pin of the same day and end says nothing new, and one with an end none on any day; a later one without an end
    starts its time afresh.
    """
    same = (
        f"t.pin_until IS NOT DISTINCT FROM {pins}.until_day AND (t.pin_day = $day OR t.pin_until IS NOT NULL)"
    )
    own = f"FROM tags AS t WHERE t.customer_id = {pins}.customer_id AND t.tag = {pins}.tag AND t.source = 'manual'"
    return f"""CASE {pins}.act
        WHEN 'pin_on' THEN NOT EXISTS (SELECT 1 {own} AND t.pin = 'on' AND t.is_held = 1 AND {same})
        WHEN 'pin_off' THEN NOT EXISTS (SELECT 1 {own} AND t.pin = 'off' AND {same})
        ELSE EXISTS (SELECT 1 {own}) END"""


def write_pins(con: DuckDBPyConnection, *, day: int, run_id: int) -> None:
    """Do what `hand_pins(customer_id, tag, act, reason, until_day)` says, one row per pair and at most one tag of a group on.

    A line goes into `tag_log` for each hand that says something new (they stay in `touched_pins`), and one for
    every tag that came or went by it. Reads what `note_tags` made.
    """
    # A tag's own reason counts, then that of the rival put on, then of the first rival in name.
    con.execute("""
        CREATE OR REPLACE TEMP TABLE watched_pins AS
        SELECT customer_id, tag, arg_min(reason, (turn, said_of)) AS reason FROM (
            SELECT customer_id, tag, reason, 0 AS turn, tag AS said_of FROM hand_pins
            UNION ALL
            SELECT h.customer_id, r.rival, h.reason, CASE h.act WHEN 'pin_on' THEN 1 ELSE 2 END, h.tag
            FROM hand_pins AS h JOIN pin_rivals AS r ON r.tag = h.tag)
        GROUP BY customer_id, tag
    """)
    _note_held(con, "held_before")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE touched_pins AS SELECT * FROM hand_pins WHERE {needed('hand_pins')}",
        {"day": day},
    )
    known = {"day": day, "run": run_id}
    con.execute(
        "INSERT INTO tag_log SELECT $run, customer_id, tag, act, $day, '', 'hand', reason FROM touched_pins"
        " ORDER BY tag, customer_id",
        known,
    )
    _release(con)
    _pin(con, known)
    _clear_groups(con, known)
    _note_held(con, "held_after")
    con.execute(
        "INSERT INTO tag_log SELECT $run, customer_id, tag, action, $day, '', 'hand', reason FROM ("
        " SELECT customer_id, tag, 'add' AS action FROM held_after ANTI JOIN held_before USING (customer_id, tag)"
        " UNION ALL"
        " SELECT customer_id, tag, 'remove' FROM held_before ANTI JOIN held_after USING (customer_id, tag))"
        " JOIN watched_pins USING (customer_id, tag) ORDER BY tag, customer_id",
        known,
    )


def _note_held(con: DuckDBPyConnection, target: str) -> None:
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT customer_id, tag FROM held_tags"
        " SEMI JOIN watched_pins USING (customer_id, tag)"
    )


_MINE = "tags.customer_id = p.customer_id AND tags.tag = p.tag"


def _release(con: DuckDBPyConnection) -> None:
    con.execute(
        f"DELETE FROM tags USING touched_pins AS p WHERE {_MINE} AND p.act = 'unpin' AND tags.source = 'manual'"
        " AND (tags.pin = 'off' OR tags.is_held = 0 OR tags.tag NOT IN (SELECT tag FROM ruled_tags))"
    )
    # The rules decide at the next apply-tags; by no rule hash it is seen that none has spoken yet.
    con.execute(
        "UPDATE tags SET source = 'auto', pin = 'none', pin_day = NULL, pin_until = NULL, rule_hash = ''"
        " FROM touched_pins AS p"
        f" WHERE {_MINE} AND p.act = 'unpin' AND tags.source = 'manual'"
    )


def _pin(con: DuckDBPyConnection, known: Mapping[str, int]) -> None:
    con.execute("""
        CREATE OR REPLACE TEMP TABLE since_when AS
        SELECT customer_id, tag, min(set_day) AS set_day FROM held_tags
        SEMI JOIN touched_pins USING (customer_id, tag) GROUP BY customer_id, tag
    """)
    con.execute(f"DELETE FROM tags USING touched_pins AS p WHERE {_MINE} AND p.act <> 'unpin'")
    con.execute(
        "INSERT INTO tags (customer_id, tag, source, pin, set_day, rule_hash, run_id, pin_day, is_held, pin_until)"
        " SELECT p.customer_id, p.tag, 'manual', CASE p.act WHEN 'pin_on' THEN 'on' ELSE 'off' END,"
        " coalesce(s.set_day, $day), '', $run, $day, CASE p.act WHEN 'pin_on' THEN 1 ELSE 0 END,"
        " p.until_day FROM touched_pins AS p LEFT JOIN since_when AS s ON s.customer_id = p.customer_id AND s.tag = p.tag"
        " WHERE p.act <> 'unpin' ORDER BY p.tag, p.customer_id",
        known,
    )


def _clear_groups(con: DuckDBPyConnection, known: Mapping[str, int]) -> None:
    """The other tags of a group are no longer held: rows of rules go, pins and tags of phones are hidden."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE beaten_tags AS
        SELECT DISTINCT h.customer_id, r.rival AS tag FROM hand_pins AS h JOIN pin_rivals AS r ON r.tag = h.tag
        WHERE h.act = 'pin_on'
    """)
    con.execute(
        f"DELETE FROM tags USING beaten_tags AS p WHERE {_MINE} AND tags.source = 'auto' AND tags.is_held = 1"
    )
    con.execute(f"UPDATE tags SET is_held = 0 FROM beaten_tags AS p WHERE {_MINE} AND tags.source = 'manual'")
    con.execute(
        "INSERT INTO tags (customer_id, tag, source, pin, set_day, rule_hash, run_id, is_held)"
        " SELECT customer_id, tag, 'auto', 'none', $day, '', $run, 0 FROM held_tags"
        " SEMI JOIN beaten_tags USING (customer_id, tag) ORDER BY tag, customer_id",
        known,
    )


@dataclass(frozen=True)
class Ended:
    """A tag without a rule whose hands are over: how many customers lose it, and how many have it again."""

    tag: str
    removed: int
    added: int


def ended_pins(con: DuckDBPyConnection) -> tuple[Ended, ...]:
    """What `ended_tags` (see tag_state) means for each tag."""
    rows = con.execute(
        "SELECT tag, CAST(sum(goes) AS BIGINT), CAST(sum(comes) AS BIGINT) FROM ended_tags GROUP BY tag ORDER BY tag"
    ).fetchall()
    return tuple(Ended(*row) for row in rows)


def end_pins(con: DuckDBPyConnection, run_id: int, day: int) -> None:
    """Take the hands of `ended_tags` away, with their lines in `tag_log`."""
    con.execute(
        "INSERT INTO tag_log SELECT $run, customer_id, tag, action, $day, '', 'ttl', '' FROM ("
        " SELECT customer_id, tag, 'unpin' AS action FROM ended_tags"
        " UNION ALL SELECT customer_id, tag, CASE goes WHEN 1 THEN 'remove' ELSE 'add' END FROM ended_tags"
        " WHERE goes = 1 OR comes = 1) ORDER BY tag, customer_id, action DESC",
        {"run": run_id, "day": day},
    )
    con.execute(
        "DELETE FROM tags USING ended_tags AS e WHERE tags.customer_id = e.customer_id AND tags.tag = e.tag"
        " AND tags.source = 'manual'"
    )
