"""What people say of customers' tags: pinned on, pinned off, or back to the rules; and what that changes at once.

`named_people(customer_id)` are the customers that are meant. Every function leaves the store so that nobody has
two tags of `group` (the other tags of an exclusive group): the newest pin has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
) -> list[Touched]:
    """Do it, with a line in `tag_log` for the hand and one for every tag that came or went by it.

    `has_rule` is whether a rule gives the tag: one that is unpinned waits for the next apply-tags then, and goes
    at once where there is none.
    """
    names = [tag, *group]
    con.execute("CREATE OR REPLACE TEMP TABLE named_people AS SELECT DISTINCT unnest(?::BIGINT[]) AS customer_id", [
        list(people)
    ])  # fmt: skip
    _note_held(con, names, "held_before")
    known = {"tag": tag, "day": day, "run": run_id}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE touched_people AS SELECT customer_id FROM named_people WHERE {_NEEDS[act]}",
        {"tag": tag} if act == "unpin" else {"tag": tag, "day": day},
    )
    con.execute(
        "INSERT INTO tag_log SELECT $run, customer_id, $tag, $act, $day, '', 'hand', $reason FROM touched_people"
        " ORDER BY customer_id",
        {**known, "act": act, "reason": reason},
    )
    if act == "unpin":
        _unpin(con, tag, has_rule=has_rule)
    else:
        _pin(con, tag, is_on=act == "pin_on", day=day, run_id=run_id)
    if act == "pin_on" and group:
        _clear_group(con, group, day=day, run_id=run_id)
    _note_held(con, names, "held_after")
    con.execute(
        "INSERT INTO tag_log SELECT $run, customer_id, tag, action, $day, '', 'hand', $reason FROM ("
        " SELECT customer_id, tag, 'add' AS action FROM held_after ANTI JOIN held_before USING (customer_id, tag)"
        " UNION ALL"
        " SELECT customer_id, tag, 'remove' FROM held_before ANTI JOIN held_after USING (customer_id, tag))"
        " ORDER BY tag, customer_id",
        {"run": run_id, "day": day, "reason": reason},
    )
    rows = con.execute(
        """
        SELECT n.customer_id, t.customer_id IS NOT NULL, b.customer_id IS NOT NULL, a.customer_id IS NOT NULL
        FROM named_people AS n LEFT JOIN touched_people AS t ON t.customer_id = n.customer_id
        LEFT JOIN (SELECT customer_id FROM held_before WHERE tag = $tag) AS b ON b.customer_id = n.customer_id
        LEFT JOIN (SELECT customer_id FROM held_after WHERE tag = $tag) AS a ON a.customer_id = n.customer_id
        ORDER BY n.customer_id
        """,
        {"tag": tag},
    ).fetchall()
    return [Touched(int(number), changed, was, now) for number, changed, was, now in rows]


_OWN = (
    "FROM tags AS t WHERE t.customer_id = named_people.customer_id AND t.tag = $tag AND t.source = 'manual'"
)
# A pin of the same day says nothing new; a later one starts its time afresh.
_NEEDS: dict[Act, str] = {
    "pin_on": f"NOT EXISTS (SELECT 1 {_OWN} AND t.pin = 'on' AND t.is_held = 1 AND t.pin_day = $day)",
    "pin_off": f"NOT EXISTS (SELECT 1 {_OWN} AND t.pin = 'off' AND t.pin_day = $day)",
    "unpin": f"EXISTS (SELECT 1 {_OWN})",
}


def _note_held(con: DuckDBPyConnection, names: Sequence[str], target: str) -> None:
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {target} AS SELECT customer_id, tag FROM held_tags"
        " SEMI JOIN named_people USING (customer_id) WHERE list_contains($names::VARCHAR[], tag)",
        {"names": list(names)},
    )


def _pin(con: DuckDBPyConnection, tag: str, *, is_on: bool, day: int, run_id: int) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE since_when AS SELECT customer_id, min(set_day) AS set_day FROM held_tags"
        " SEMI JOIN touched_people USING (customer_id) WHERE tag = ? GROUP BY customer_id",
        [tag],
    )
    con.execute(
        "DELETE FROM tags WHERE tag = ? AND customer_id IN (SELECT customer_id FROM touched_people)", [tag]
    )
    con.execute(
        "INSERT INTO tags (customer_id, tag, source, pin, set_day, rule_hash, run_id, pin_day, is_held)"
        " SELECT p.customer_id, $tag, 'manual', $pin, coalesce(s.set_day, $day), '', $run, $day, $held"
        " FROM touched_people AS p LEFT JOIN since_when AS s ON s.customer_id = p.customer_id ORDER BY 1",
        {"tag": tag, "pin": "on" if is_on else "off", "day": day, "run": run_id, "held": int(is_on)},
    )


def _unpin(con: DuckDBPyConnection, tag: str, *, has_rule: bool) -> None:
    mine = "tag = ? AND source = 'manual' AND customer_id IN (SELECT customer_id FROM touched_people)"
    gone = " AND (pin = 'off' OR is_held = 0)" if has_rule else ""
    con.execute(f"DELETE FROM tags WHERE {mine}{gone}", [tag])
    # The rules decide at the next apply-tags; by no rule hash it is seen that none has spoken yet.
    con.execute(
        f"UPDATE tags SET source = 'auto', pin = 'none', pin_day = NULL, rule_hash = '' WHERE {mine}", [tag]
    )


def _clear_group(con: DuckDBPyConnection, group: Sequence[str], *, day: int, run_id: int) -> None:
    """The other tags of the group are no longer held: rows of rules go, pins and tags of phones are hidden."""
    others = {"group": list(group)}
    mine = "list_contains($group::VARCHAR[], tag) AND customer_id IN (SELECT customer_id FROM named_people)"
    con.execute(f"DELETE FROM tags WHERE source = 'auto' AND is_held = 1 AND {mine}", others)
    con.execute(f"UPDATE tags SET is_held = 0 WHERE source = 'manual' AND {mine}", others)
    con.execute(
        "INSERT INTO tags (customer_id, tag, source, pin, set_day, rule_hash, run_id, is_held)"
        " SELECT customer_id, tag, 'auto', 'none', $day, '', $run, 0 FROM held_tags"
        f" WHERE {mine} ORDER BY tag, customer_id",
        {**others, "day": day, "run": run_id},
    )
