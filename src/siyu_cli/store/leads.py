"""Leads and their ledger: a lead is a phone, every change is an appended event, shares record fairness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

BETWEEN_TAGS = "[,，;；、|\n]"
"""What stands between the tags of one cell, as a regular expression."""

CONTENT = (
    "name", "source", "channel", "channel_key", "remark", "province", "city", "product", "tags", "attributes",
)  # fmt: skip


OUTCOMES = (
    "new", "already-friend", "in-pool", "already-lead", "already-customer", "opted-out", "duplicate",
)  # fmt: skip
"""What becomes of a phone; a row with several phones counts once, as the first of these."""

# Phones of people whom some member of staff has as a friend now.
_FRIENDS_SQL = """
SELECT phone FROM contacts WHERE lost_sec IS NULL AND phone IS NOT NULL
UNION
SELECT k.value FROM customer_keys AS k
SEMI JOIN (SELECT customer_id FROM contacts WHERE lost_sec IS NULL) AS c ON c.customer_id = k.customer_id
WHERE k.kind = 'phone'
"""


def stage_leads(con: DuckDBPyConnection, incoming: pa.Table) -> None:
    """Put cleaned rows (with channel_key, batch and file_no) beside the pool as `incoming_leads`, with outcomes.

    There is a row for every phone. Of equal phones the earlier file's counts, inside one file the row
    whose content sorts first: the order of rows in a file decides nothing.
    """
    con.register("incoming_lead_rows", incoming)
    order = ", ".join(f"i.{name} NULLS LAST" for name in CONTENT)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE incoming_leads AS
        WITH phones AS (
            SELECT * EXCLUDE (more_phones) FROM incoming_lead_rows
            UNION ALL BY NAME
            SELECT * EXCLUDE (more_phones) REPLACE (unnest(more_phones) AS phone) FROM incoming_lead_rows
            WHERE more_phones IS NOT NULL
        ),
        ranked AS (
            SELECT i.*, row_number() OVER (
                PARTITION BY i.phone ORDER BY i.file_no, {order}, i.row_no) AS nth
            FROM phones AS i
        )
        SELECT r.*, s.lead_id, c.customer_id,
               CASE WHEN r.nth > 1 THEN 'duplicate' WHEN o.phone IS NOT NULL THEN 'opted-out'
                    WHEN f.phone IS NOT NULL OR r.is_added = 1 OR s.state = '已添加' THEN 'already-friend'
                    WHEN s.state = '待分配' THEN 'in-pool' WHEN s.state = '已是客户' THEN 'already-customer'
                    WHEN s.lead_id IS NOT NULL THEN 'already-lead'
                    WHEN c.customer_id IS NOT NULL THEN 'already-customer' ELSE 'new' END AS outcome,
               o.phone IS NOT NULL AS is_opted_out
        FROM ranked AS r
        LEFT JOIN lead_state AS s ON s.phone = r.phone
        LEFT JOIN (SELECT value AS phone, min(customer_id) AS customer_id FROM customer_keys
                   WHERE kind = 'phone' GROUP BY value) AS c ON c.phone = r.phone
        LEFT JOIN (SELECT DISTINCT phone FROM opt_outs) AS o ON o.phone = r.phone
        LEFT JOIN ({_FRIENDS_SQL}) AS f ON f.phone = r.phone
    """)
    con.unregister("incoming_lead_rows")


def staged_outcomes(con: DuckDBPyConnection) -> dict[tuple[int, str], int]:
    """Rows per file number and outcome, the first of OUTCOMES among a row's phones."""
    rows = con.execute(
        """
        SELECT file_no, outcomes[place], count(*) FROM (
            SELECT file_no, min(list_position($outcomes, outcome)) AS place, $outcomes AS outcomes
            FROM incoming_leads GROUP BY file_no, row_no
        ) GROUP BY ALL
        """,
        {"outcomes": list(OUTCOMES)},
    ).fetchall()
    return {(file_no, outcome): count for file_no, outcome, count in rows}


def staged_counts(con: DuckDBPyConnection) -> tuple[int, int]:
    """Among the staged phones: distinct customers, and new leads."""
    row = con.execute(
        "SELECT count(DISTINCT customer_id), count(*) FILTER (outcome = 'new') FROM incoming_leads"
    ).fetchall()[0]
    return int(row[0]), int(row[1])


def apply_staged(con: DuckDBPyConnection, files: list[str], run_id: int, at_sec: int) -> None:
    """Append new leads in order of phone, their `imported` events, and which list named whom from where.

    A lead that was taken back and comes again is the same lead with the new list's content.
    """
    content = ", ".join(CONTENT)
    con.execute(
        f"""
        UPDATE leads SET {", ".join(f"{name} = i.{name}" for name in CONTENT)}, imported_sec = ?, run_id = ?
        FROM incoming_leads AS i WHERE i.outcome = 'new' AND i.phone = leads.phone
        """,
        [at_sec, run_id],
    )
    con.execute(
        f"""
        INSERT INTO leads (lead_id, phone, {content}, imported_sec, run_id)
        SELECT (SELECT coalesce(max(lead_id), 0) FROM leads) + row_number() OVER (ORDER BY phone),
               phone, {content}, ?, ?
        FROM incoming_leads AS i ANTI JOIN leads AS l ON l.phone = i.phone
        WHERE outcome = 'new' ORDER BY phone
        """,
        [at_sec, run_id],
    )
    con.execute(
        """
        INSERT INTO lead_events
        SELECT (SELECT coalesce(max(event_id), 0) FROM lead_events) + row_number() OVER (ORDER BY l.lead_id),
               l.lead_id, ?, 'imported', NULL,
               list_extract(?::VARCHAR[], i.file_no + 1) || ' 第 ' || i.row_no || ' 行', ?
        FROM incoming_leads AS i JOIN leads AS l ON l.phone = i.phone
        WHERE i.outcome = 'new' ORDER BY l.lead_id
        """,
        [at_sec, files, run_id],
    )
    # Every list that names a lead leaves one row per source, or one without: a lead lives by these rows.
    con.execute(
        """
        INSERT INTO lead_sources (lead_id, source, channel, file, row_no, run_id, batch)
        SELECT l.lead_id, i.source, i.channel, list_extract(?::VARCHAR[], i.file_no + 1), i.row_no, ?, i.batch
        FROM incoming_leads AS i JOIN lead_state AS l ON l.phone = i.phone
        WHERE NOT i.is_opted_out
          AND NOT EXISTS (SELECT 1 FROM lead_sources AS k WHERE k.lead_id = l.lead_id AND k.batch = i.batch
                          AND (i.source IS NULL OR k.source = i.source))
        QUALIFY row_number() OVER (PARTITION BY l.lead_id, i.batch, i.source ORDER BY i.nth) = 1
            AND (i.source IS NOT NULL OR count(i.source) OVER (PARTITION BY l.lead_id, i.batch) = 0)
        ORDER BY l.lead_id, i.nth
        """,
        [files, run_id],
    )


def put_phone_tags(con: DuckDBPyConnection, run_id: int, day: int) -> int:
    """Put the staged rows' tags on their phones; how many tags are new there. Opted-out phones take none.

    The tag is the lead's now and the customer's as soon as the phone is one's key (see `held_tags`).
    """
    con.execute(
        """
        INSERT INTO phone_tags
        SELECT phone, tag, min(batch), ?, ? FROM (
            SELECT phone, batch, trim(unnest(string_split_regex(tags, ?))) AS tag
            FROM incoming_leads WHERE tags IS NOT NULL AND NOT is_opted_out
        ) AS i
        WHERE tag <> '' AND NOT EXISTS (
            SELECT 1 FROM phone_tags AS k WHERE k.phone = i.phone AND k.tag = i.tag AND k.batch = i.batch)
        GROUP BY phone, tag, batch
        """,
        [day, run_id, BETWEEN_TAGS],
    )
    count = con.execute("SELECT count(DISTINCT (phone, tag)) FROM phone_tags WHERE run_id = ?", [run_id])
    return int(count.fetchall()[0][0])


def put_phone_traits(con: DuckDBPyConnection, run_id: int, at_sec: int) -> None:
    """Keep the staged rows' unmapped columns by phone, also of people who make no lead (see `customer_traits`).

    What a list of the same name said before is not said again.
    """
    con.execute(
        """
        INSERT INTO phone_traits (phone, attributes, batch, at_sec, run_id)
        SELECT i.phone, i.attributes, i.batch, ?, ? FROM incoming_leads AS i
        WHERE i.attributes IS NOT NULL AND NOT i.is_opted_out
          AND NOT EXISTS (SELECT 1 FROM phone_traits AS k WHERE k.phone = i.phone AND k.batch = i.batch
                          AND k.attributes = i.attributes)
        QUALIFY row_number() OVER (PARTITION BY i.phone ORDER BY i.nth) = 1
        ORDER BY i.phone
        """,
        [at_sec, run_id],
    )


def take_back(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> tuple[int, dict[str, int]]:
    """Take what a list said of its phones back: (phones it no longer speaks of, rows that stay by reason).

    A lead lives by the lists that name it: one that only this list names is `undone` in the ledger, at the
    moment of its last event, as if it had not come. It stays `assigned-since` when somebody was given it or
    it has come to an end, `confirmed-since` when a later list names it, too.
    """
    run = {"run": run_id, "undo": undo_run_id}
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE leads_named AS
        SELECT s.lead_id, s.phone, s.owners > 0 OR s.state <> '待分配' AS is_assigned, s.last_sec,
               EXISTS (SELECT 1 FROM lead_sources AS o WHERE o.lead_id = s.lead_id AND o.run_id <> $run) AS is_named,
               EXISTS (SELECT 1 FROM lead_events AS e WHERE e.lead_id = s.lead_id AND e.run_id = $run
                       AND e.kind = 'imported') AS is_brought
        FROM lead_state AS s
        WHERE s.lead_id IN (SELECT lead_id FROM lead_sources WHERE run_id = $run)
        """,
        {"run": run_id},
    )
    stays = "is_assigned AND NOT is_named"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE phones_freed AS
        SELECT phone FROM leads_named WHERE NOT ({stays}) AND NOT (is_named AND is_brought)
    """)
    con.execute(
        """
        INSERT INTO phones_freed SELECT DISTINCT phone FROM phone_tags WHERE run_id = $run
          AND phone NOT IN (SELECT phone FROM leads_named)
        """,
        {"run": run_id},
    )
    con.execute(
        """
        INSERT INTO lead_events
        SELECT (SELECT coalesce(max(event_id), 0) FROM lead_events) + row_number() OVER (ORDER BY lead_id),
               lead_id, last_sec, 'undone', NULL, '撤回执行 ' || $run, $undo
        FROM leads_named WHERE NOT is_named AND NOT is_assigned ORDER BY lead_id
        """,
        run,
    )
    kept_leads = f"(SELECT lead_id FROM leads_named WHERE {stays})"
    con.execute(f"DELETE FROM lead_sources WHERE run_id = ? AND lead_id NOT IN {kept_leads}", [run_id])
    kept_phones = f"(SELECT phone FROM leads_named WHERE {stays})"
    for table in ("phone_tags", "phone_traits"):
        con.execute(f"DELETE FROM {table} WHERE run_id = ? AND phone NOT IN {kept_phones}", [run_id])
    freed, assigned, confirmed = con.execute(f"""
        SELECT (SELECT count(*) FROM phones_freed), count(*) FILTER ({stays}),
               count(*) FILTER (is_named AND is_brought) FROM leads_named
    """).fetchall()[0]
    kept = {"assigned-since": int(assigned), "confirmed-since": int(confirmed)}
    return int(freed), {reason: rows for reason, rows in kept.items() if rows}


def pool(con: DuckDBPyConnection, as_of_sec: int, cooldown_days: int = 0) -> pa.Table:
    """Leads to deal out: in the pool, imported by `as_of_sec` and not changed since, not opted out.

    With what may decide who gets one: province, city, source, product, tags, attributes, `last_owner` (whom
    it went to last, or null) and `barred`, the accounts it left less than `cooldown_days` days ago (or null).
    """
    relation: Any = con.sql(
        """
        WITH gone AS (
            SELECT lead_id, max_by(staff_id, event_id) AS last_owner,
                   list(DISTINCT staff_id ORDER BY staff_id)
                       FILTER (at_sec // 86400 > $as_of // 86400 - $cooldown) AS barred
            FROM lead_events WHERE kind IN ('reclaimed', 'returned', 'handed_over') GROUP BY lead_id
        )
        SELECT s.lead_id, s.phone, s.channel_key, s.imported_sec, s.province, s.city, s.source, s.product, s.tags,
               l.attributes, g.last_owner, g.barred
        FROM lead_state AS s JOIN leads AS l ON l.lead_id = s.lead_id LEFT JOIN gone AS g ON g.lead_id = s.lead_id
        WHERE s.state = '待分配' AND s.imported_sec <= $as_of AND s.last_sec <= $as_of
          AND NOT EXISTS (SELECT 1 FROM opt_outs AS o WHERE o.phone = s.phone)
        """,
        params={"as_of": as_of_sec, "cooldown": cooldown_days},
    )
    return relation.to_arrow_table()


def pool_rest(con: DuckDBPyConnection, as_of_sec: int) -> tuple[int, int]:
    """Leads in the pool that `pool` leaves out: opted out, and imported or changed after `as_of_sec`."""
    row = con.execute(
        """
        SELECT count(*) FILTER (WHERE NOT is_later), count(*) FILTER (WHERE is_later)
        FROM (SELECT phone, greatest(imported_sec, last_sec) > ? AS is_later FROM lead_state WHERE state = '待分配') AS s
        WHERE is_later OR EXISTS (SELECT 1 FROM opt_outs AS o WHERE o.phone = s.phone)
        """,
        [as_of_sec],
    ).fetchall()[0]
    return int(row[0]), int(row[1])


def append_assignments(con: DuckDBPyConnection, table: pa.Table, run_id: int, at_sec: int) -> None:
    """Append `assigned` events for a table of lead_id, staff_id and reason, in its order."""
    import numpy as np
    import pyarrow as pa

    numbered = table.append_column("nth", pa.array(np.arange(1, table.num_rows + 1)))
    con.register("planned_assignments", numbered)
    con.execute(
        """
        INSERT INTO lead_events
        SELECT (SELECT coalesce(max(event_id), 0) FROM lead_events) + nth,
               lead_id, ?, 'assigned', staff_id, reason, ?
        FROM planned_assignments ORDER BY nth
        """,
        [at_sec, run_id],
    )
    con.unregister("planned_assignments")


def run_leads(con: DuckDBPyConnection, run_id: int) -> pa.Table:
    """Every lead a run dealt out, by owner and in dealing order: what the staff workbooks show.

    `nth` says how many times the lead had been dealt out with it.
    """
    relation: Any = con.sql(
        """
        WITH given AS (
            SELECT lead_id, event_id, staff_id, at_sec, run_id,
                   row_number() OVER (PARTITION BY lead_id ORDER BY event_id) AS nth
            FROM lead_events WHERE kind = 'assigned'
        )
        SELECT e.staff_id, l.lead_id, e.nth, l.phone, l.name, l.source, l.channel, l.channel_key, l.remark, e.at_sec
        FROM given AS e JOIN leads AS l ON l.lead_id = e.lead_id
        WHERE e.run_id = ? ORDER BY e.staff_id, e.event_id
        """,
        params=[run_id],
    )
    return relation.to_arrow_table()


WORKBOOK, SUMMARY = "leads", "leads-summary"
"""Kinds of `exports` that a distribution promises."""


@dataclass(frozen=True)
class Promised:
    """A file a committed distribution promised and may not have written; the summary has no staff_id."""

    run_id: int
    path: str
    staff_id: str | None


def promise_files(con: DuckDBPyConnection, run_id: int, files: list[tuple[str, str, int]]) -> None:
    """Note files (kind, path, rows) to be written after the commit; workbooks carry full phones."""
    con.executemany(
        "INSERT INTO exports (run_id, kind, path, rows, is_revealed, is_written) VALUES (?, ?, ?, ?, ?, 0)",
        [(run_id, kind, path, rows, int(kind == WORKBOOK)) for kind, path, rows in files],
    )


def promised_files(con: DuckDBPyConnection) -> list[Promised]:
    """Files still owed, this run's and those of a run that was cut short."""
    rows = con.execute(
        """
        SELECT e.run_id, e.path, s.staff_id
        FROM exports AS e LEFT JOIN lead_shares AS s ON s.run_id = e.run_id AND s.workbook = e.path
        WHERE e.is_written = 0 AND e.kind IN (?, ?) ORDER BY e.run_id, s.staff_id NULLS LAST
        """,
        [WORKBOOK, SUMMARY],
    ).fetchall()
    return [Promised(*row) for row in rows]


def mark_written(con: DuckDBPyConnection, files: list[Promised]) -> None:
    """The files are in place."""
    con.executemany(
        "UPDATE exports SET is_written = 1 WHERE run_id = ? AND path = ?",
        [(one.run_id, one.path) for one in files],
    )


def promised_paths(con: DuckDBPyConnection) -> set[str]:
    """Every path a distribution has ever promised."""
    rows = con.execute("SELECT path FROM exports WHERE kind IN (?, ?)", [WORKBOOK, SUMMARY]).fetchall()
    return {row[0] for row in rows}
