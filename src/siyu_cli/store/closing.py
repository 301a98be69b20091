"""Leads that come to an end by themselves: their phone is a friend's now, or a buyer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.store import versions
from siyu_cli.store.contacts import CONTACTS
from siyu_cli.store.ledger import append_events

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Friendships that stand, with the newest list that says so, by phone: their own, and those of the customer
# they belong to.
_FRIENDS_BY_PHONE = f"""
WITH standing AS (
    SELECT c.* REPLACE (greatest(c.exported_sec, coalesce(x.moment_sec, 0)) AS exported_sec)
    FROM contacts AS c LEFT JOIN ({versions.standing_sql(CONTACTS, "contacts")}) AS x ON x.contact_no = c.contact_no
    WHERE c.lost_sec IS NULL
)
SELECT phone, staff_id, staff_name, added_sec, exported_sec FROM standing WHERE phone IS NOT NULL
UNION ALL
SELECT k.value, c.staff_id, c.staff_name, c.added_sec, c.exported_sec
FROM standing AS c JOIN customer_keys AS k ON k.customer_id = c.customer_id AND k.kind = 'phone'
WHERE c.phone IS DISTINCT FROM k.value
"""


def close_friends(con: DuckDBPyConnection, run_id: int) -> tuple[int, int]:
    """Close leads in the pool or in somebody's hands whose phone is a friend's: (by their owner, by others).

    `added` where the owner added the person since the lead was theirs, else `befriended` by whoever was
    first. The moment is that of the friendship, never before the lead's last event. A lead given up as 拒绝,
    无效 or 死线索 is reopened first, if the list of friends is newer than that.
    """
    # Step by step: in one query DuckDB 2.0.0 fails with "dict-surviving join" from some 100,000 leads on.
    con.execute(f"CREATE OR REPLACE TEMP TABLE friends_by_phone AS {_FRIENDS_BY_PHONE}")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE leads_to_close AS
        SELECT lead_id, phone, state, staff_id, assigned_sec, last_sec FROM lead_state
        WHERE state IN ('待分配', '待添加', '待通过', '拒绝', '无效', '死线索')
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE befriended_leads AS
        WITH met AS (
            SELECT l.lead_id, l.last_sec, l.state IN ('拒绝', '无效', '死线索') AS is_closed, s.staff_id,
                   coalesce(s.name, f.staff_name, f.staff_id) AS who, coalesce(f.added_sec, f.exported_sec) AS met_sec,
                   s.staff_id IS NOT NULL AND s.staff_id = l.staff_id AS is_owner,
                   coalesce(f.added_sec >= l.assigned_sec, true) AS is_since
            FROM leads_to_close AS l JOIN friends_by_phone AS f ON f.phone = l.phone
            LEFT JOIN staff AS s ON s.staff_id = f.staff_id
            WHERE l.state IN ('待分配', '待添加', '待通过')
               OR l.state IN ('拒绝', '无效', '死线索') AND f.exported_sec > l.last_sec
        ),
        first_met AS (
            SELECT * FROM met
            QUALIFY row_number() OVER (PARTITION BY lead_id ORDER BY is_owner DESC, met_sec, staff_id, who) = 1
        )
        SELECT lead_id * 2 + 1 AS nth, lead_id, greatest(last_sec, met_sec) AS at_sec,
               CASE WHEN is_owner AND is_since AND NOT is_closed THEN 'added' ELSE 'befriended' END AS kind, staff_id,
               '好友列表:' || coalesce(who, '') AS reason
        FROM first_met
        UNION ALL
        SELECT lead_id * 2, lead_id, greatest(last_sec, met_sec), 'reopened', NULL, '好友列表里有这个人'
        FROM first_met WHERE is_closed
    """)
    append_events(con, "befriended_leads", run_id)
    added, others = con.execute(
        "SELECT count(*) FILTER (kind = 'added'), count(*) FILTER (kind = 'befriended') FROM befriended_leads"
    ).fetchall()[0]
    return int(added), int(others)


def close_buyers(con: DuckDBPyConnection, run_id: int) -> int:
    """Close leads that still wait in the pool and whose phone's customer paid for something after the list came.

    A lead that is somebody's stays so: adding a fresh buyer is what its owner is for. A purchase from before
    the list closes nothing: such a list asks for these people on purpose.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE bought_leads AS
        WITH waiting AS (
            SELECT l.lead_id, l.imported_sec, l.last_sec, k.customer_id
            FROM lead_state AS l JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = l.phone
            WHERE l.state = '待分配'
        ),
        bought AS (
            SELECT w.lead_id, min(o.paid_sec) AS paid_sec, any_value(w.last_sec) AS last_sec
            FROM waiting AS w JOIN order_lines AS o ON o.customer_id = w.customer_id
            WHERE o.status = 'paid' AND o.kind = 'sale' AND o.paid_sec > w.imported_sec GROUP BY w.lead_id
        )
        SELECT lead_id AS nth, lead_id, greatest(last_sec, paid_sec) AS at_sec, 'bought' AS kind,
               NULL::VARCHAR AS staff_id, '名单之后自己下了单' AS reason
        FROM bought
    """)
    return append_events(con, "bought_leads", run_id)
