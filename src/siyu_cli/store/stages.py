"""The history of lifecycle stages: planning a run's moves, appending them, moves by hand and taking them back.

A customer without any row stands in the first stage of the list. No row is ever changed; one whose customer is
merged away follows the customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Listed:
    """A stage of the list as a run needs it; `column` is its 0/1 column among the flags, '' where no rule moves."""

    position: int
    stage: str
    column: str = ""
    remind_days: int | None = None
    is_lost: bool = False


@dataclass(frozen=True)
class StageCount:
    """One stage in a run: before + moved_in − moved_out = after.

    `by_rule_in` and `by_rule_out` are the moves that rules decide among customers met before (what guards look at),
    `standing` those customers before.
    """

    stage: str
    before: int
    moved_in: int
    moved_out: int
    standing: int = 0
    by_rule_in: int = 0
    by_rule_out: int = 0

    @property
    def after(self) -> int:
        return self.before + self.moved_in - self.moved_out


_STANDING = """
CREATE OR REPLACE TEMP TABLE stage_plan AS
WITH standing AS (
    SELECT c.customer_id, s.stage AS old_stage, coalesce(n.position, 1) AS position, s.since_sec, s.since_day,
           coalesce(s.mode, 'rule') AS mode, s.customer_id IS NOT NULL AS is_started,
           coalesce(s.at_sec, 0) AS last_sec, coalesce(s.at_sec > $at, FALSE) AS is_later
    FROM customers AS c
    LEFT JOIN stage_state AS s ON s.customer_id = c.customer_id
    LEFT JOIN (SELECT position, stage FROM stage_now UNION ALL
               SELECT n.position, w.known_as FROM stage_was AS w JOIN stage_now AS n ON n.stage = w.stage) AS n
      ON n.stage = s.stage
),
waiting AS (
    SELECT k.customer_id, n.position, w.staff_id, w.reason, w.at_sec
    FROM stage_waiting AS w
    JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = w.phone
    JOIN stage_now AS n ON n.stage = w.stage
    WHERE w.used_run_id IS NULL AND w.at_sec <= $at
    QUALIFY row_number() OVER (PARTITION BY k.customer_id ORDER BY w.at_sec DESC, w.run_id DESC, w.phone) = 1
),
wished AS (
    SELECT p.*, w.staff_id, w.reason,
           CASE WHEN p.is_later OR (p.mode <> 'rule' AND p.last_sec > w.at_sec) THEN NULL ELSE w.position END AS by_hand
    FROM standing AS p LEFT JOIN waiting AS w ON w.customer_id = p.customer_id
)
SELECT w.*, {top} AS top,
       CASE WHEN w.is_later OR w.mode = 'hand' OR w.by_hand IS NOT NULL THEN NULL
            WHEN {top} > w.position OR w.mode = 'released' AND {top} NOT IN (0, w.position) THEN {top} END AS by_rule
FROM wished AS w {flags}
"""

_COUNTS = """
WITH ends AS (
    SELECT position, coalesce(by_hand, by_rule, position) AS target, is_started, by_rule IS NOT NULL AS is_ruled
    FROM stage_plan
),
left_behind AS (
    SELECT position, count(*) AS before, count(*) FILTER (target <> position) AS moved_out,
           count(*) FILTER (is_started) AS standing, count(*) FILTER (is_started AND is_ruled) AS by_rule_out
    FROM ends GROUP BY position
),
reached AS (
    SELECT target AS position, count(*) AS moved_in, count(*) FILTER (is_started AND is_ruled) AS by_rule_in
    FROM ends WHERE target <> position GROUP BY target
)
SELECT n.stage, coalesce(l.before, 0), coalesce(r.moved_in, 0), coalesce(l.moved_out, 0), coalesce(l.standing, 0),
       coalesce(r.by_rule_in, 0), coalesce(l.by_rule_out, 0)
FROM stage_now AS n LEFT JOIN left_behind AS l ON l.position = n.position
LEFT JOIN reached AS r ON r.position = n.position ORDER BY n.position
"""

# One run's rows of a customer: what the stage is called now, what staff said before the customer was known, then
# where a rule moves to, or the beginning. Parameters: moment, run.
_MOVES = """
CREATE OR REPLACE TEMP TABLE new_moves AS
WITH named AS (
    SELECT p.*, n.stage, h.stage AS hand_stage, r.stage AS rule_stage
    FROM stage_plan AS p JOIN stage_now AS n ON n.position = p.position
    LEFT JOIN stage_now AS h ON h.position = p.by_hand LEFT JOIN stage_now AS r ON r.position = p.by_rule
)
SELECT 1 AS step, customer_id, 'rename' AS source, old_stage AS from_stage, stage AS to_stage, since_sec, since_day, mode,
       NULL AS staff_id, $renamed AS reason
FROM named WHERE is_started AND old_stage <> stage AND NOT is_later
UNION ALL
SELECT 2, customer_id, 'waited', CASE WHEN is_started THEN stage END, hand_stage,
       CASE WHEN is_started AND by_hand = position THEN since_sec ELSE $at END,
       CASE WHEN is_started AND by_hand = position THEN since_day ELSE $day END, 'hand', staff_id, reason
FROM named WHERE by_hand IS NOT NULL
UNION ALL
SELECT 3, customer_id, 'rule', stage, rule_stage, $at, $day, 'rule', NULL, '' FROM named WHERE by_rule IS NOT NULL
UNION ALL
SELECT 4, customer_id, 'start', NULL, stage, $at, $day, 'rule', NULL, '' FROM named
WHERE NOT is_started AND by_rule IS NULL AND by_hand IS NULL
"""


# Every row a run would write: who, from where, to where, whoever decides. Numbers of rules and of hands stay apart.
_DIGEST = """
SELECT count(*), coalesce(sum(md5_number_lower(concat_ws('|', p.customer_id, p.is_started, coalesce(p.old_stage, ''), n.stage,
                                                         coalesce(p.by_hand, 0), coalesce(p.by_rule, 0)))), 0)
FROM stage_plan AS p JOIN stage_now AS n ON n.position = p.position
WHERE p.by_hand IS NOT NULL OR p.by_rule IS NOT NULL OR NOT p.is_started OR (p.old_stage <> n.stage AND NOT p.is_later)
"""


def moves_digest(con: DuckDBPyConnection) -> str:
    """Of everything `plan_moves` would move, whatever its order."""
    count, total = con.execute(_DIGEST).fetchall()[0]
    return f"{count}-{int(total):x}"


def stage_of(con: DuckDBPyConnection, customer_id: int) -> str | None:
    """The stage a customer stands in now; None without a history."""
    found = con.execute("SELECT stage FROM stage_state WHERE customer_id = ?", [customer_id]).fetchall()
    return found[0][0] if found else None


def unknown_stages(con: DuckDBPyConnection, known: Sequence[str]) -> list[tuple[str, int]]:
    """Stages in which customers stand but that nobody knows any more, with how many customers each."""
    return con.execute(
        "SELECT stage, count(*) FROM stage_state WHERE NOT list_contains($known::VARCHAR[], stage) "
        "GROUP BY stage ORDER BY stage",
        {"known": list(known)},
    ).fetchall()


def plan_moves(
    con: DuckDBPyConnection, stages: Sequence[Listed], was: Sequence[tuple[str, str]], flags: str, at_sec: int
) -> list[StageCount]:
    """What a run at a moment moves; the plan stays in `stage_plan`.

    `flags` is a table of 0/1 columns by customer_id ('' where no stage has a rule). Rules move to the last stage that fits
    and lies behind the present one; who was released goes to the last that fits, wherever it lies. A customer
    whose history goes on after the moment is left alone.
    """
    _keep(con, "stage_now", "position INTEGER, stage VARCHAR", [(one.position, one.stage) for one in stages])
    _keep(con, "stage_was", "known_as VARCHAR, stage VARCHAR", list(was))
    fits = [f"CASE WHEN f.{one.column} = 1 THEN {one.position} ELSE 0 END" for one in stages if one.column]
    top = f"coalesce(greatest(0, {', '.join(fits)}), 0)" if fits else "0"
    joined = f"LEFT JOIN {flags} AS f ON f.customer_id = w.customer_id" if fits else ""
    con.execute(_STANDING.format(top=top, flags=joined), {"at": at_sec})
    return [StageCount(stage, *counts) for stage, *counts in con.execute(_COUNTS).fetchall()]


def plan_extras(con: DuckDBPyConnection) -> dict[str, int]:
    """What the plan leaves alone: `held` by hand although a rule would move on, `later` than the moment."""
    held, later = con.execute(
        "SELECT count(*) FILTER (mode = 'hand' AND by_hand IS NULL AND top > position), count(*) FILTER (is_later) "
        "FROM stage_plan"
    ).fetchall()[0]
    return {"held": held, "later": later}


def apply_moves(
    con: DuckDBPyConnection, stages: Sequence[Listed], run_id: int, at_sec: int, renamed: str
) -> int:
    """Append what `plan_moves` found and keep the list where it changed; how many rows."""
    con.execute(_MOVES, {"at": at_sec, "day": at_sec // 86400, "renamed": renamed})
    con.execute(
        """
        UPDATE stage_waiting SET used_run_id = ? WHERE used_run_id IS NULL AND at_sec <= ? AND phone IN (
            SELECT value FROM customer_keys WHERE kind = 'phone')
        """,
        [run_id, at_sec],
    )
    _keep_list(con, stages, run_id)
    con.execute(
        "INSERT INTO stage_renames SELECT ?, known_as, stage FROM stage_was "
        "ANTI JOIN stage_renames USING (known_as, stage) ORDER BY known_as",
        [run_id],
    )
    return _append(con, run_id, at_sec)


def kept_stages(con: DuckDBPyConnection) -> list[Listed]:
    """The list of stages as it was last applied, in order."""
    rows = con.execute(
        "SELECT position, stage, remind_days, is_lost FROM stage_lists "
        "WHERE run_id = (SELECT max(run_id) FROM stage_lists) ORDER BY position"
    ).fetchall()
    return [Listed(position, stage, "", days, bool(lost)) for position, stage, days, lost in rows]


def _keep_list(con: DuckDBPyConnection, stages: Sequence[Listed], run_id: int) -> None:
    plain = [Listed(one.position, one.stage, "", one.remind_days, one.is_lost) for one in stages]
    if plain != kept_stages(con):
        con.executemany(
            "INSERT INTO stage_lists VALUES (?, ?, ?, ?, ?)",
            [(run_id, one.position, one.stage, one.remind_days, int(one.is_lost)) for one in plain],
        )


def set_one(
    con: DuckDBPyConnection,
    customer_id: int,
    stage: str | None,
    first_stage: str,
    run_id: int,
    at_sec: int,
    reason: str,
) -> str | None:
    """Put one customer into a stage by hand, or (None) hand them back to the rules; their stage if anything changed."""
    _keep(
        con,
        "hand_moves",
        "customer_id BIGINT, stage VARCHAR, at_sec BIGINT, staff_id VARCHAR, reason VARCHAR",
        [(customer_id, stage, at_sec, None, reason)],
    )
    stage_by_hand(con, "hand_moves", first_stage, run_id, releases=stage is None)
    moved = con.execute("SELECT to_stage FROM new_moves").fetchall()
    return moved[0][0] if moved else None


def stage_by_hand(
    con: DuckDBPyConnection, moves: str, first_stage: str, run_id: int, *, releases: bool = False
) -> int:
    """Append moves by hand of the relation `moves` (customer_id, stage, at_sec, staff_id, reason), one per customer.

    How many. Who stands there by hand already is left out. A release keeps the stage and hands the customer back to
    the rules. Every move is as late as all before it.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE new_moves AS
        SELECT 1 AS step, h.customer_id, $source AS source, coalesce(s.stage, $first) AS from_stage, x.to_stage,
               CASE WHEN s.stage = x.to_stage THEN s.since_sec ELSE x.at_sec END AS since_sec,
               CASE WHEN s.stage = x.to_stage THEN s.since_day ELSE x.at_sec // 86400 END AS since_day,
               $mode AS mode, h.staff_id, h.reason, x.at_sec
        FROM {moves} AS h LEFT JOIN stage_state AS s ON s.customer_id = h.customer_id,
             LATERAL (SELECT coalesce(h.stage, s.stage, $first) AS to_stage,
                             greatest(h.at_sec, coalesce(s.at_sec, 0)) AS at_sec) AS x
        WHERE CASE WHEN $mode = 'released' THEN s.mode = 'hand' ELSE coalesce(s.stage, '') <> x.to_stage OR s.mode <> 'hand' END
        """,
        {"first": first_stage, "source": "release" if releases else "hand", "mode": "released" if releases else "hand"},
    )  # fmt: skip
    return _append(con, run_id, None)


def _append(con: DuckDBPyConnection, run_id: int, at_sec: int | None) -> int:
    moment = "at_sec" if at_sec is None else str(int(at_sec))
    done = con.execute(
        f"""
        INSERT INTO stage_moves (move_no, customer_id, at_sec, source, from_stage, to_stage, since_sec, since_day, mode,
                                 undoes, staff_id, reason, run_id)
        SELECT (SELECT coalesce(max(move_no), 0) FROM stage_moves) + row_number() OVER (ORDER BY customer_id, step),
               customer_id, {moment}, source, from_stage, to_stage, since_sec, since_day, mode, NULL, staff_id, reason, ?
        FROM new_moves ORDER BY customer_id, step
        """,
        [run_id],
    )
    return int(done.fetchall()[0][0])


def take_back_moves(con: DuckDBPyConnection, run_id: int, undo_run_id: int, reason: str) -> tuple[int, int]:
    """Take the moves a run made by hand back: (customers that stand as before it, customers that moved on since).

    A new row says how the customer stood before; what still waits for its customer is forgotten.
    """
    con.execute("DELETE FROM stage_waiting WHERE run_id = ? AND used_run_id IS NULL", [run_id])
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE moves_back AS
        WITH made AS (
            SELECT customer_id, min(move_no) AS first_no, max(move_no) AS last_no FROM stage_moves
            WHERE run_id = $run AND source = 'hand' GROUP BY customer_id
        )
        SELECT m.customer_id, m.first_no, s.move_no <> m.last_no AS went_on, s.at_sec, s.stage AS from_stage
        FROM made AS m JOIN stage_state AS s ON s.customer_id = m.customer_id
        """,
        {"run": run_id},
    )
    con.execute(
        """
        INSERT INTO stage_moves
        WITH before AS (
            SELECT b.customer_id, b.at_sec, b.first_no, b.from_stage, f.from_stage AS first_stage,
                   p.to_stage, p.since_sec, p.since_day, p.mode,
                   row_number() OVER (PARTITION BY b.customer_id ORDER BY CASE WHEN p.source = 'start' THEN 1 ELSE 0 END,
                                      p.at_sec DESC, p.move_no DESC) AS place
            FROM moves_back AS b JOIN stage_moves AS f ON f.move_no = b.first_no
            LEFT JOIN stage_moves AS p ON p.customer_id = b.customer_id AND p.move_no < b.first_no
            WHERE NOT b.went_on
        )
        SELECT (SELECT coalesce(max(move_no), 0) FROM stage_moves) + row_number() OVER (ORDER BY customer_id),
               customer_id, at_sec, 'undo', from_stage, coalesce(to_stage, first_stage), coalesce(since_sec, at_sec),
               coalesce(since_day, at_sec // 86400), coalesce(mode, 'rule'), first_no, NULL, $reason, $run
        FROM before WHERE place = 1 ORDER BY customer_id
        """,
        {"reason": reason, "run": undo_run_id},
    )
    back, stays = con.execute(
        "SELECT count(*) FILTER (NOT went_on), count(*) FILTER (went_on) FROM moves_back"
    ).fetchall()[0]
    return int(back), int(stays)


def note_merging(con: DuckDBPyConnection, moves: str) -> None:
    """Remember how the customers of `moves` (from_id, into_id) stand before their histories become one."""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE merging_stages AS
        SELECT m.into_id AS customer_id, s.* EXCLUDE (customer_id)
        FROM (SELECT from_id AS one, into_id FROM {moves} UNION SELECT into_id, into_id FROM {moves}) AS m
        JOIN stage_state AS s ON s.customer_id = m.one
    """)


def settle_merged(con: DuckDBPyConnection, run_id: int) -> None:
    """After histories became one: who was set by hand stays there, else the later of the two holds."""
    con.execute(
        """
        INSERT INTO stage_moves
        WITH held AS (
            SELECT * FROM merging_stages
            QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY mode = 'hand' DESC, source = 'start', at_sec DESC,
                                       move_no DESC) = 1
        )
        SELECT (SELECT coalesce(max(move_no), 0) FROM stage_moves) + row_number() OVER (ORDER BY h.customer_id),
               h.customer_id, s.at_sec, 'merged', s.stage, h.stage, h.since_sec, h.since_day, h.mode, NULL, NULL, '', ?
        FROM held AS h JOIN stage_state AS s ON s.customer_id = h.customer_id
        WHERE (h.stage, h.since_sec, h.mode) <> (s.stage, s.since_sec, s.mode) ORDER BY h.customer_id
        """,
        [run_id],
    )


def history_of(con: DuckDBPyConnection, customer_id: int, as_of_sec: int) -> list[dict[str, Any]]:
    """A customer's moves up to a moment, the oldest first; who of the staff said so, by name."""
    cursor = con.execute(
        """
        SELECT m.at_sec, m.source, m.from_stage, m.to_stage, m.since_day, m.mode, coalesce(p.name, m.staff_id) AS staff,
               nullif(m.reason, '') AS reason, m.run_id
        FROM stage_moves AS m LEFT JOIN staff AS p ON p.staff_id = m.staff_id
        WHERE m.customer_id = ? AND m.at_sec <= ? ORDER BY m.at_sec, m.move_no
        """,
        [customer_id, as_of_sec],
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _keep(con: DuckDBPyConnection, name: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        con.executemany(f"INSERT INTO {name} VALUES ({marks})", [list(row) for row in rows])
