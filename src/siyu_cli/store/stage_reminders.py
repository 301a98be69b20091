"""Customers who have stood still for too long in a stage, and of which of them staff were reminded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf

# Parameters: moment, day. Each stay is brought up once; asked again the same day it is still on the list. The owner
# is whoever holds the oldest lead with a phone of the customer, as in fact_customers. Who opted out is left alone.
_STALLED = """
WITH listed AS (
    SELECT stage, position, remind_days FROM stage_lists
    WHERE run_id = (SELECT max(run_id) FROM stage_lists) AND remind_days IS NOT NULL
),
stood AS (
    SELECT customer_id, to_stage AS stage, since_sec, since_day FROM stage_moves WHERE at_sec <= $at
    QUALIFY row_number() OVER (PARTITION BY customer_id
        ORDER BY CASE WHEN source = 'start' THEN 1 ELSE 0 END, at_sec DESC, move_no DESC) = 1
),
due AS (
    SELECT s.customer_id, s.stage, s.since_sec, l.position, l.remind_days, $day - s.since_day AS days
    FROM stood AS s JOIN listed AS l ON l.stage = s.stage AND $day - s.since_day >= l.remind_days
    WHERE NOT EXISTS (SELECT 1 FROM stage_reminders AS r
                      WHERE r.customer_id = s.customer_id AND r.since_sec = s.since_sec AND r.day <> $day)
),
phones AS (
    SELECT k.customer_id, k.value AS phone FROM customer_keys AS k SEMI JOIN due USING (customer_id) WHERE k.kind = 'phone'
),
held AS (
    SELECT p.customer_id, l.staff_id, l.phone, l.lead_id, l.owners, l.name
    FROM phones AS p JOIN lead_state AS l ON l.phone = p.phone
    WHERE l.state IN ('待添加', '待通过', '已添加') AND l.staff_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY p.customer_id ORDER BY l.lead_id) = 1
)
SELECT h.staff_id, d.customer_id, h.phone, coalesce(c.name, h.name) AS name, d.stage, d.days, d.remind_days,
       d.since_sec, h.lead_id, h.owners
FROM due AS d JOIN customers AS c ON c.customer_id = d.customer_id LEFT JOIN held AS h ON h.customer_id = d.customer_id
WHERE d.customer_id NOT IN (SELECT p.customer_id FROM phones AS p JOIN opt_outs AS o ON o.phone = p.phone)
ORDER BY h.staff_id, d.days - d.remind_days DESC, d.position, d.customer_id
"""


def stalled_customers(con: DuckDBPyConnection, as_of: AsOf) -> pa.Table:
    """Whom to remind of as of a day, by owner (null where nobody looks after the customer), the longest overdue first.

    staff_id, customer_id, phone, name, stage, days, remind_days, since_sec, lead_id, owners (the assignment).
    """
    relation: Any = con.sql(_STALLED, params={"at": as_of.seconds, "day": as_of.day})
    return relation.to_arrow_table()


def note_stalled(con: DuckDBPyConnection, stalled: pa.Table, run_id: int, day: int) -> None:
    """These stays have been brought up with their owners on this day."""
    con.register("stalled_now", stalled.select(["customer_id", "since_sec", "staff_id"]))
    con.execute(
        """
        INSERT INTO stage_reminders
        SELECT s.customer_id, s.since_sec, $day, s.staff_id, $run FROM stalled_now AS s
        WHERE NOT EXISTS (SELECT 1 FROM stage_reminders AS r WHERE r.customer_id = s.customer_id AND r.since_sec = s.since_sec)
        ORDER BY s.customer_id
        """,
        {"day": day, "run": run_id},
    )
    con.unregister("stalled_now")
