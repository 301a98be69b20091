"""The ledger of leads: what happened to them, appended in order and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


def append_events(con: DuckDBPyConnection, events: str, run_id: int) -> int:
    """Append the rows of the relation `events` (nth, lead_id, at_sec, kind, staff_id, reason) in the order of nth.

    How many. The caller has seen to it that each may follow its lead's state.
    """
    done = con.execute(
        f"""
        INSERT INTO lead_events (event_id, lead_id, at_sec, kind, staff_id, reason, run_id)
        SELECT (SELECT coalesce(max(event_id), 0) FROM lead_events) + row_number() OVER (ORDER BY nth),
               lead_id, at_sec, kind, staff_id, reason, ?
        FROM {events} ORDER BY nth
        """,
        [run_id],
    )
    return int(done.fetchall()[0][0])


def hand_over(con: DuckDBPyConnection, staff_id: str, run_id: int, at_sec: int, reason: str) -> int:
    """Everything a person holds goes back to the pool, in order of lead; how many leads.

    `at_sec` before a lead's last event counts as that event's moment: a ledger never runs backwards.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE handed_over AS
        SELECT lead_id AS nth, lead_id, greatest(?, last_sec) AS at_sec, 'handed_over' AS kind, staff_id, ? AS reason
        FROM lead_state WHERE staff_id = ? AND state IN ('待添加', '待通过')
        """,
        [at_sec, reason, staff_id],
    )
    return append_events(con, "handed_over", run_id)


def held_leads(con: DuckDBPyConnection, as_of_sec: int) -> pa.Table:
    """Every lead somebody holds, by lead: who, since when, how it stands.

    A lead whose ledger goes on after `as_of_sec` is left out: what happened later decides about it.
    """
    relation: Any = con.sql(
        """
        SELECT lead_id, phone, channel_key, staff_id, state, assigned_sec, active_sec, last_sec, owners
        FROM lead_state WHERE state IN ('待添加', '待通过') AND last_sec <= ? ORDER BY lead_id
        """,
        params=[as_of_sec],
    )
    return relation.to_arrow_table()


def signs_of_work(con: DuckDBPyConnection) -> pa.Table:
    """(lead_id, day) of every sign of work in the assignments in force, by lead and day."""
    relation: Any = con.sql("""
        SELECT e.lead_id, e.at_sec // 86400 AS day
        FROM lead_events AS e
        JOIN (SELECT lead_id, max(event_id) AS since_id FROM lead_events WHERE kind IN ('assigned', 'reopened')
              GROUP BY lead_id) AS s ON s.lead_id = e.lead_id AND e.event_id > s.since_id
        WHERE e.kind IN ('requested', 'postponed') ORDER BY e.lead_id, day
    """)
    return relation.to_arrow_table()


def later_held(con: DuckDBPyConnection, as_of_sec: int) -> int:
    """Held leads that `held_leads` leaves out."""
    row = con.execute(
        "SELECT count(*) FROM lead_state WHERE state IN ('待添加', '待通过') AND last_sec > ?", [as_of_sec]
    ).fetchall()[0]
    return int(row[0])
