"""What staff were reminded of: the lists of each day, and messages on their way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

LIST = "reminder-list"
"""Kind of `exports` of a list of reminders; it carries full phones."""


@dataclass(frozen=True)
class Message:
    """A message that is to go out."""

    message_no: int
    body: str


def held_content(con: DuckDBPyConnection, held: pa.Table) -> pa.Table:
    """What the leads of `held` are, by lead_id like it, and which steps of the ladder they have had."""
    con.register("held_now", held.select(["lead_id"]))
    relation: Any = con.sql(
        """
        WITH steps AS (
            SELECT e.lead_id, bool_or(e.kind = 'reminded') AS is_reminded, max(e.at_sec) FILTER (e.kind = 'escalated') AS escalated_sec
            FROM lead_events AS e
            JOIN (SELECT lead_id, max(event_id) AS since_id FROM lead_events WHERE kind IN ('assigned', 'reopened')
                  GROUP BY lead_id) AS s ON s.lead_id = e.lead_id AND e.event_id > s.since_id
            WHERE e.kind IN ('reminded', 'escalated') GROUP BY e.lead_id
        )
        SELECT s.lead_id, s.phone, s.state, s.owners, s.name, s.source, s.channel, s.remark, s.active_sec,
               coalesce(t.is_reminded, FALSE) AS is_reminded, t.escalated_sec
        FROM lead_state AS s SEMI JOIN held_now AS h ON h.lead_id = s.lead_id
        LEFT JOIN steps AS t ON t.lead_id = s.lead_id ORDER BY s.lead_id
        """
    )
    content = relation.to_arrow_table()
    con.unregister("held_now")
    return content


@dataclass(frozen=True)
class Listed:
    """A list there is: what it says, where it lies, whether a message speaks of it."""

    digest: str
    path: str
    is_announced: bool


def lists_of(con: DuckDBPyConnection, day: int) -> dict[str, Listed]:
    """The latest list of each person that day, by account."""
    rows = con.execute(
        """
        SELECT staff_id, arg_max(digest, run_id), arg_max(path, run_id), arg_max(is_announced, run_id) = 1
        FROM reminders WHERE day = ? GROUP BY staff_id
        """,
        [day],
    ).fetchall()
    return {staff_id: Listed(*listed) for staff_id, *listed in rows}


def paths_of(con: DuckDBPyConnection) -> set[str]:
    """Every path a list was ever promised."""
    return {row[0] for row in con.execute("SELECT path FROM reminders").fetchall()}


def note_lists(
    con: DuckDBPyConnection, run_id: int, day: int, lists: list[tuple[str, str, int, str]]
) -> None:
    """Note lists (staff_id, digest, rows, path) that this run writes."""
    con.executemany(
        "INSERT INTO reminders (run_id, day, staff_id, digest, rows, path, is_announced) VALUES (?, ?, ?, ?, ?, ?, 0)",
        [(run_id, day, *one) for one in lists],
    )
    con.executemany(
        "INSERT INTO exports (run_id, kind, path, rows, is_revealed, is_written) VALUES (?, ?, ?, ?, 1, 0)",
        [(run_id, LIST, path, rows) for _, _, rows, path in lists],
    )


def mark_written(con: DuckDBPyConnection, paths: list[str]) -> None:
    """The lists are in place."""
    con.executemany(
        f"UPDATE exports SET is_written = 1 WHERE kind = '{LIST}' AND path = ?", [(one,) for one in paths]
    )


def note_messages(con: DuckDBPyConnection, run_id: int, day: int, bodies: list[str]) -> None:
    """Note messages that are to go out after this run; they speak of every list of the day."""
    con.execute("UPDATE reminders SET is_announced = 1 WHERE day = ?", [day])
    first = con.execute("SELECT coalesce(max(message_no), 0) + 1 FROM messages").fetchall()[0][0]
    con.executemany(
        "INSERT INTO messages (message_no, run_id, day, body, sent_sec) VALUES (?, ?, ?, ?, NULL)",
        [(first + nth, run_id, day, body) for nth, body in enumerate(bodies)],
    )


def unsent(con: DuckDBPyConnection, day: int) -> list[Message]:
    """Messages of that day still to go out; those of earlier days are past their use."""
    rows = con.execute(
        "SELECT message_no, body FROM messages WHERE day = ? AND sent_sec IS NULL ORDER BY message_no", [day]
    ).fetchall()
    return [Message(*row) for row in rows]


def mark_sent(con: DuckDBPyConnection, message_no: int, at_sec: int) -> None:
    """The service has taken it."""
    con.execute("UPDATE messages SET sent_sec = ? WHERE message_no = ?", [at_sec, message_no])
