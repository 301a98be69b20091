"""The ledger of leads: what happened to them, appended in order and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
