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

    A lead whose ledger goes on after `at_sec` stays: what happened later decides about it.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE handed_over AS
        SELECT lead_id AS nth, lead_id, $at AS at_sec, 'handed_over' AS kind, staff_id, $reason AS reason
        FROM lead_state WHERE staff_id = $staff AND state IN ('待添加', '待通过') AND last_sec <= $at
        """,
        {"at": at_sec, "reason": reason, "staff": staff_id},
    )
    return append_events(con, "handed_over", run_id)


def handed_over(con: DuckDBPyConnection) -> list[int]:
    """The leads of the latest `hand_over`."""
    return [row[0] for row in con.execute("SELECT lead_id FROM handed_over ORDER BY lead_id").fetchall()]


_WORKED = (
    "SELECT lead_id, max(at_sec) AS last_sec FROM lead_events WHERE kind NOT IN ('reminded', 'escalated') "
    "GROUP BY lead_id"
)
_HANDED_OVER = (
    "SELECT lead_id, count(*) AS times FROM lead_events WHERE kind = 'handed_over' GROUP BY lead_id"
)


def held_leads(con: DuckDBPyConnection, as_of_sec: int) -> pa.Table:
    """Every lead somebody holds, by lead: who, since when, how it stands, how many have tried.

    Who handed it over on leaving did not try. A lead whose ledger goes on after `as_of_sec` is left out: what
    happened later decides about it. Reminders decide nothing: `last_sec` is the moment of the last other event.
    """
    relation: Any = con.sql(
        f"""
        SELECT lead_id, channel_key, staff_id, assigned_sec, w.last_sec, owners - coalesce(h.times, 0) AS tries
        FROM lead_state LEFT JOIN ({_HANDED_OVER}) AS h USING (lead_id)
        JOIN ({_WORKED}) AS w USING (lead_id)
        WHERE state IN ('待添加', '待通过') AND w.last_sec <= ? ORDER BY lead_id
        """,
        params=[as_of_sec],
    )
    return relation.to_arrow_table()


def tried_leads(con: DuckDBPyConnection, as_of_sec: int) -> pa.Table:
    """Leads back in the pool, by lead: how many have tried. Those whose ledger goes on later are left out."""
    relation: Any = con.sql(
        f"""
        SELECT lead_id, channel_key, last_sec, owners - coalesce(h.times, 0) AS tries
        FROM lead_state LEFT JOIN ({_HANDED_OVER}) AS h USING (lead_id)
        WHERE state = '待分配' AND owners > coalesce(h.times, 0) AND last_sec <= ? ORDER BY lead_id
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
        f"SELECT count(*) FROM lead_state JOIN ({_WORKED}) AS w USING (lead_id) "
        "WHERE state IN ('待添加', '待通过') AND w.last_sec > ?",
        [as_of_sec],
    ).fetchall()[0]
    return int(row[0])


def take_back_events(con: DuckDBPyConnection, run_id: int, undo_run_id: int, reason: str) -> tuple[int, int]:
    """Take what a run said of leads back: (leads that are as they were before it, leads that went on since).

    A lead goes back with `reopened`, then what had been true before is said again: signs of work, and its
    end if it had one. A lead that was changed by a later run stays.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE run_leads AS
        SELECT m.lead_id, m.first_id,
               EXISTS (SELECT 1 FROM lead_events AS o WHERE o.lead_id = m.lead_id AND o.event_id > m.last_id
                       AND o.kind NOT IN ('reminded', 'escalated')) AS went_on
        FROM (SELECT lead_id, min(event_id) AS first_id, max(event_id) AS last_id FROM lead_events
              WHERE run_id = ? GROUP BY lead_id) AS m
        """,
        [run_id],
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE events_back AS
        WITH before AS (
            SELECT r.lead_id, r.first_id, max(e.event_id) FILTER (e.kind IN ('assigned', 'reopened')) AS since_id,
                   max(e.event_id) FILTER (e.kind NOT IN ('postponed', 'reminded', 'escalated')) AS state_id
            FROM run_leads AS r JOIN lead_events AS e ON e.lead_id = r.lead_id AND e.event_id < r.first_id
            WHERE NOT r.went_on GROUP BY ALL
        ),
        stood AS (
            SELECT b.*, e.kind, e.at_sec, e.staff_id, e.reason,
                   CASE WHEN e.kind IN ('assigned', 'requested', 'declined', 'invalid', 'reopened') THEN e.staff_id
                   END AS holder
            FROM before AS b JOIN lead_events AS e ON e.event_id = b.state_id
        ),
        steps AS (
            SELECT s.lead_id, 0 AS step, 0 AS event_id, t.last_sec AS at_sec, 'reopened' AS kind, s.holder AS staff_id,
                   $reason AS reason
            FROM stood AS s JOIN lead_state AS t ON t.lead_id = s.lead_id
            UNION ALL
            SELECT e.lead_id, 1, e.event_id, e.at_sec, e.kind, e.staff_id, e.reason
            FROM stood AS s JOIN lead_events AS e ON e.lead_id = s.lead_id AND e.event_id > s.since_id
                 AND e.event_id < s.first_id AND e.kind IN ('requested', 'postponed')
            WHERE s.holder IS NOT NULL
            UNION ALL
            SELECT lead_id, 2, 0, at_sec, kind, staff_id, reason FROM stood
            WHERE kind IN ('added', 'befriended', 'declined', 'invalid', 'bought', 'dead')
        )
        SELECT row_number() OVER (ORDER BY lead_id, step, event_id) AS nth, lead_id, at_sec, kind, staff_id, reason
        FROM steps
        """,
        {"reason": reason},
    )
    append_events(con, "events_back", undo_run_id)
    con.execute(
        """
        DELETE FROM lead_feedback WHERE event_id IN (
            SELECT e.event_id FROM lead_events AS e JOIN run_leads AS r ON r.lead_id = e.lead_id
            WHERE e.run_id = ? AND NOT r.went_on)
        """,
        [run_id],
    )
    back, stays = con.execute(
        "SELECT count(*) FILTER (NOT went_on), count(*) FILTER (went_on) FROM run_leads"
    ).fetchall()[0]
    return int(back), int(stays)
