"""Looking leads up: the list of those a filter means, and everything about one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class LeadFilter:
    """Which leads: every part that is given must fit; `channel_keys` are folded."""

    states: Sequence[str] = ()
    staff_ids: Sequence[str] = ()
    channel_keys: Sequence[str] = ()
    sources: Sequence[str] = ()
    batches: Sequence[str] = ()


def find_leads(con: DuckDBPyConnection, wanted: LeadFilter, as_of_sec: int) -> pa.Table:
    """The leads a filter means, by lead, imported by a moment; how they stand now."""
    relation: Any = con.sql(
        """
        SELECT s.lead_id, s.phone, s.name, s.state, s.staff_id, coalesce(p.name, s.staff_id) AS staff_name, s.channel,
               s.source, s.owners, s.assigned_sec, s.active_sec, s.imported_sec, s.last_kind, s.last_sec
        FROM lead_state AS s LEFT JOIN staff AS p ON p.staff_id = s.staff_id
        WHERE s.imported_sec <= $as_of
          AND (len($states) = 0 OR list_contains($states::VARCHAR[], s.state))
          AND (len($staff) = 0 OR list_contains($staff::VARCHAR[], s.staff_id))
          AND (len($channels) = 0 OR list_contains($channels::VARCHAR[], coalesce(s.channel_key, '')))
          AND (len($sources) = 0 OR s.lead_id IN (
               SELECT lead_id FROM lead_sources WHERE list_contains($sources::VARCHAR[], source)))
          AND (len($batches) = 0 OR s.lead_id IN (
               SELECT lead_id FROM lead_sources WHERE list_contains($batches::VARCHAR[], batch)))
        ORDER BY s.lead_id
        """,
        params={
            "as_of": as_of_sec, "states": list(wanted.states), "staff": list(wanted.staff_ids),
            "channels": list(wanted.channel_keys), "sources": list(wanted.sources), "batches": list(wanted.batches),
        },
    )  # fmt: skip
    return relation.to_arrow_table()


@dataclass(frozen=True)
class LeadRow:
    """One lead as the lists brought it."""

    lead_id: int
    phone: str
    name: str | None
    channel: str | None
    channel_key: str | None
    source: str | None
    is_opted_out: bool


@dataclass(frozen=True)
class EventRow:
    """One row of the ledger, with the name of the person and what the person wrote."""

    event_id: int
    at_sec: int
    kind: str
    staff_id: str | None
    staff_name: str | None
    reason: str
    note: str | None
    run_id: int


def leads_by_phone(con: DuckDBPyConnection, phone: str) -> list[LeadRow]:
    """The leads a phone means; `****` in it stands for any four digits. Also those that were taken back."""
    rows = con.execute(
        """
        SELECT l.lead_id, l.phone, l.name, l.channel, l.channel_key, l.source,
               EXISTS (SELECT 1 FROM opt_outs AS o WHERE o.phone = l.phone)
        FROM leads AS l WHERE l.phone LIKE ? ORDER BY l.lead_id LIMIT 20
        """,
        [phone.replace("*", "_")],
    ).fetchall()
    return [LeadRow(*row) for row in rows]


def lead_by_id(con: DuckDBPyConnection, lead_id: int) -> list[LeadRow]:
    """The lead of a number, or nothing."""
    phones = con.execute("SELECT phone FROM leads WHERE lead_id = ?", [lead_id]).fetchall()
    return leads_by_phone(con, phones[0][0]) if phones else []


def lead_events(con: DuckDBPyConnection, lead_id: int) -> list[EventRow]:
    """The whole ledger of a lead, in order."""
    rows = con.execute(
        """
        SELECT e.event_id, e.at_sec, e.kind, e.staff_id, coalesce(p.name, e.staff_id), e.reason, f.note, e.run_id
        FROM lead_events AS e LEFT JOIN staff AS p ON p.staff_id = e.staff_id
        LEFT JOIN lead_feedback AS f ON f.event_id = e.event_id
        WHERE e.lead_id = ? ORDER BY e.event_id
        """,
        [lead_id],
    ).fetchall()
    return [EventRow(*row) for row in rows]


def lead_batches(con: DuckDBPyConnection, lead_id: int) -> list[str]:
    """The lists that name a lead."""
    rows = con.execute(
        "SELECT DISTINCT batch FROM lead_sources WHERE lead_id = ? ORDER BY batch", [lead_id]
    ).fetchall()
    return [row[0] for row in rows]


def who_has(con: DuckDBPyConnection, phone: str) -> tuple[int | None, bool, bool]:
    """(customer, a friend now, opted out) of a phone that is no lead."""
    row = con.execute(
        """
        SELECT (SELECT min(customer_id) FROM customer_keys WHERE kind = 'phone' AND value = $phone),
               EXISTS (SELECT 1 FROM contacts WHERE phone = $phone AND lost_sec IS NULL),
               EXISTS (SELECT 1 FROM opt_outs WHERE phone = $phone)
        """,
        {"phone": phone},
    ).fetchall()[0]
    return row[0], bool(row[1]), bool(row[2])
