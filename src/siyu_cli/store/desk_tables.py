"""Steps of the store (see migrations) that the desk of leads stands on: their life, fair shares, reminders."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The whole life of a lead. An event's staff_id is whom it is about: who got it, reported, lost or escalated it;
# `reopened` goes back to a fresh assignment of staff_id, or to the pool where it is null. leads/states.py says
# which event may follow which state. lead_feedback names the events that a member of staff reported: of the
# how-many-th assignment of the lead, in a file of which moment, with what note.
_LEAD_DESK = """
DROP VIEW lead_state;
CREATE TABLE lead_ledger (
    event_id BIGINT NOT NULL, lead_id BIGINT NOT NULL, at_sec BIGINT NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN (
        'imported', 'undone', 'assigned', 'requested', 'added', 'befriended', 'declined', 'invalid', 'postponed',
        'reclaimed', 'returned', 'handed_over', 'bought', 'dead', 'reminded', 'escalated', 'reopened')),
    staff_id VARCHAR, reason VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
INSERT INTO lead_ledger SELECT * FROM lead_events ORDER BY event_id;
DROP TABLE lead_events;
ALTER TABLE lead_ledger RENAME TO lead_events;
CREATE TABLE lead_feedback (
    event_id BIGINT NOT NULL, assignment BIGINT NOT NULL, moment_sec BIGINT NOT NULL, note VARCHAR
);
CREATE VIEW lead_state AS
WITH told AS (
    SELECT lead_id, arg_max(kind, event_id) AS last_kind, arg_max(at_sec, event_id) AS last_sec,
           arg_max(run_id, event_id) AS run_id, count(*) FILTER (kind = 'assigned') AS owners,
           arg_max(kind, event_id) FILTER (kind NOT IN ('postponed', 'reminded', 'escalated')) AS state_kind,
           nullif(arg_max(coalesce(staff_id, ''), event_id)
                  FILTER (kind NOT IN ('postponed', 'reminded', 'escalated')), '') AS staff_id,
           arg_max(at_sec, event_id) FILTER (kind = 'assigned') AS given_sec,
           max(event_id) FILTER (kind IN ('assigned', 'reopened')) AS since_id,
           max(event_id) FILTER (kind IN ('requested', 'postponed')) AS active_id,
           arg_max(at_sec, event_id) FILTER (kind IN ('requested', 'postponed')) AS active_sec
    FROM lead_events GROUP BY lead_id
),
stands AS (
    SELECT * EXCLUDE (active_sec), CASE WHEN active_id > since_id THEN active_sec END AS active_sec,
           CASE state_kind
               WHEN 'assigned' THEN '待添加' WHEN 'requested' THEN '待通过'
               WHEN 'added' THEN '已添加' WHEN 'befriended' THEN '已添加'
               WHEN 'declined' THEN '拒绝' WHEN 'invalid' THEN '无效'
               WHEN 'bought' THEN '已是客户' WHEN 'dead' THEN '死线索'
               WHEN 'reopened' THEN CASE WHEN staff_id IS NULL THEN '待分配' ELSE '待添加' END
               ELSE '待分配' END AS state
    FROM told WHERE state_kind <> 'undone'
)
SELECT l.lead_id, l.phone, l.name, l.source, l.channel, l.channel_key, l.remark, l.province, l.city,
       l.product, l.tags, l.imported_sec, s.last_kind, s.last_sec,
       CASE WHEN s.state <> '待分配' THEN s.staff_id END AS staff_id, s.run_id, s.state,
       CASE WHEN s.state IN ('待添加', '待通过') THEN s.given_sec END AS assigned_sec,
       CASE WHEN s.state IN ('待添加', '待通过') THEN s.active_sec END AS active_sec, s.owners
FROM leads AS l JOIN stands AS s ON s.lead_id = l.lead_id;
"""

# What each batch gave and owed everyone at work, exact as a fraction (`owed`, `carry` where someone came in), and
# given − owed over all batches after it (`balance`), so that the ledger is its latest rows and can be replayed
# from the first. How far people lie from an even mix, by stratum. Leave, and skills of staff.
_FAIR_SHARES = """
CREATE TABLE shares_again (
    run_id BIGINT NOT NULL, staff_id VARCHAR NOT NULL, given BIGINT NOT NULL, own BIGINT NOT NULL,
    owed VARCHAR NOT NULL, carry VARCHAR NOT NULL, balance VARCHAR NOT NULL, weight_milli BIGINT NOT NULL,
    room BIGINT, workbook VARCHAR
);
CREATE TABLE lead_mixes (
    run_id BIGINT NOT NULL, staff_id VARCHAR NOT NULL, stratum VARCHAR NOT NULL, given BIGINT NOT NULL,
    due_micro BIGINT NOT NULL
);
ALTER TABLE staff ADD COLUMN skills VARCHAR;
ALTER TABLE staff_versions ADD COLUMN skills VARCHAR;
CREATE TABLE staff_leaves (
    leave_id VARCHAR NOT NULL, staff_id VARCHAR NOT NULL, from_day INTEGER NOT NULL, to_day INTEGER NOT NULL,
    reason VARCHAR, is_active INTEGER NOT NULL, first_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE staff_leaves_versions AS SELECT * FROM staff_leaves LIMIT 0;
CREATE TABLE staff_leaves_confirmed (
    leave_id VARCHAR NOT NULL, of_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL, exported_sec BIGINT NOT NULL
);
"""

# Lists of leads that staff are reminded of, one a day and person as it then stood (`digest`), and messages to
# send: they are noted with the run, sent after it, and one that was not sent the same day is never sent.
_REMINDERS = """
CREATE TABLE reminders (
    run_id BIGINT NOT NULL, day INTEGER NOT NULL, staff_id VARCHAR NOT NULL, digest VARCHAR NOT NULL,
    rows BIGINT NOT NULL, path VARCHAR NOT NULL, is_announced INTEGER NOT NULL
);
CREATE TABLE messages (
    message_no BIGINT NOT NULL, run_id BIGINT NOT NULL, day INTEGER NOT NULL, body VARCHAR NOT NULL,
    sent_sec BIGINT
);
"""


def lead_desk_step(con: DuckDBPyConnection) -> None:
    """The ledger takes every event of a lead's life, and the state follows from it."""
    con.execute(_LEAD_DESK)


def fair_shares_step(con: DuckDBPyConnection) -> None:
    """What was given and owed as exact fractions; the shares kept until now are carried over."""
    con.execute(_FAIR_SHARES)
    balances: dict[str, Fraction] = {}
    rows = []
    for run_id, staff_id, given, pool_rows, people, carry, workbook in con.execute(
        "SELECT * FROM lead_shares ORDER BY run_id, staff_id"
    ).fetchall():
        owed = Fraction(pool_rows, people)
        balances[staff_id] = balances.get(staff_id, Fraction(0)) + given - owed - Fraction(carry)
        rows.append(
            (run_id, staff_id, given, 0, str(owed), carry, str(balances[staff_id]), 1000, None, workbook)
        )
    if rows:
        con.executemany("INSERT INTO shares_again VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    con.execute("DROP TABLE lead_shares")
    con.execute("ALTER TABLE shares_again RENAME TO lead_shares")


def reminders_step(con: DuckDBPyConnection) -> None:
    """Lists of reminders and the messages that announce them."""
    con.execute(_REMINDERS)
