"""Importing what customers did (浏览, 点击, 加购, 签到 …): cleaned rows become events of customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from siyu_cli.people import identity, merging, moving
from siyu_cli.sheets.account import FileAccount, ImportAccount
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.store import events, versions
from siyu_cli.store.orders import GLOBAL_NAMESPACE
from siyu_cli.store.versions import Undone

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INCOMING = "incoming_events"


def merge_events(con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable]) -> ImportAccount:
    """Write lists of events inside the caller's transaction and account for every row.

    Whoever an event names becomes known, as a customer without orders; an event of nobody is kept for the
    shop and counted as `anonymous`.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE import_people (customer_id BIGINT)")
    accounts: dict[int, FileAccount] = {}
    for at in sorted(range(len(tables)), key=lambda at: (tables[at].exported_sec, at)):
        accounts[at] = _merge_file(con, run_id, tables[at])
    versions.forget_old(con, [events.EVENTS])
    moving.current(con, "import_people", run_id)
    people, new_people, merged, anonymous = con.execute(
        """
        SELECT (SELECT count(DISTINCT customer_id) FROM import_people),
               (SELECT count(*) FROM customers WHERE run_id = $run),
               (SELECT count(*) FROM customer_merges WHERE run_id = $run AND from_run_id <> $run),
               (SELECT count(*) FROM events WHERE run_id = $run AND customer_id IS NULL)
        """,
        {"run": run_id},
    ).fetchall()[0]
    kinds = dict(
        con.execute(
            "SELECT kind, count(*) FROM events WHERE run_id = ? GROUP BY kind ORDER BY kind", [run_id]
        ).fetchall()
    )
    extra = {"events": kinds, "anonymous": anonymous, "merged_customers": merged}
    return ImportAccount(tuple(accounts[at] for at in range(len(tables))), people, new_people, extra)


def undo_events(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> Undone:
    """Take an import of events back, inside the caller's transaction, with the people only it knew."""
    undone = events.take_back(con, run_id)
    return undone + Undone(forgotten=merging.take_back(con, run_id).forgotten)


def _merge_file(con: DuckDBPyConnection, run_id: int, table: CleanTable) -> FileAccount:
    is_global = table.mapping.buyer_identity == "global"
    namespace = f"'{GLOBAL_NAMESPACE}'" if is_global else "platform"
    con.register(_INCOMING, table.scan())
    events.stage(con, _INCOMING, frozenset({*table.used, *table.mapping.constants}))
    events.judge(con, _INCOMING, run_id)
    events.claim_people(con, _INCOMING, namespace)
    identity.resolve_contacts(con, run_id)
    events.write(con, _INCOMING, run_id, namespace)
    con.execute("INSERT INTO import_people SELECT DISTINCT customer_id FROM resolved_contacts")
    con.unregister(_INCOMING)
    judged = con.execute("SELECT verdict, reason, count(*) FROM staged_events GROUP BY ALL").fetchall()
    refused = con.execute(
        "SELECT row_no, reason FROM staged_events WHERE verdict = 'rejected' ORDER BY row_no"
    ).fetchall()
    return judged_account(table, judged, refused)
