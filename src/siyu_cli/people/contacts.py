"""Importing lists of friends (企业微信 客户列表): cleaned rows become friendships, keys and customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from siyu_cli.language import tr
from siyu_cli.people import identity, merging, moving
from siyu_cli.sheets.account import FileAccount, ImportAccount
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.store import closing, contacts, ledger, versions
from siyu_cli.store.versions import Undone

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INCOMING = "incoming_contacts"


def merge_contacts(
    con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable], *, is_full: bool
) -> ImportAccount:
    """Write lists of friends inside the caller's transaction and account for every row.

    Older exports come before newer ones, whatever the order of the files. With `is_full` the lists are
    all friends of the staff they name: others of these are lost.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE seen_contacts (contact_no BIGINT)")
    con.execute("CREATE OR REPLACE TEMP TABLE seen_staff (staff_key VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE import_people (customer_id BIGINT)")
    con.execute("CREATE OR REPLACE TEMP TABLE import_phones (phone VARCHAR)")
    accounts: dict[int, FileAccount] = {}
    for at in sorted(range(len(tables)), key=lambda at: (tables[at].exported_sec, at)):
        accounts[at] = _merge_file(con, run_id, tables[at])
    lost = 0
    if is_full and tables:
        lost = contacts.mark_lost(con, run_id, max(table.exported_sec for table in tables))
    versions.forget_old(con, [contacts.CONTACTS])
    moving.current(con, "import_people", run_id)
    added, befriended = closing.close_friends(con, run_id)
    people, new_people, merged, leads_known, unknown = con.execute(
        """
        SELECT (SELECT count(DISTINCT customer_id) FROM import_people),
               (SELECT count(*) FROM customers WHERE run_id = $run),
               (SELECT count(*) FROM customer_merges WHERE run_id = $run AND from_run_id <> $run),
               (SELECT count(DISTINCT lead_id) FROM lead_state SEMI JOIN import_phones USING (phone)),
               (SELECT count(*) FROM seen_contacts SEMI JOIN
                   (SELECT contact_no FROM contacts WHERE customer_id IS NULL) AS c USING (contact_no))
        """,
        {"run": run_id},
    ).fetchall()[0]
    extra = {
        "leads_known": leads_known, "leads_added": added, "leads_befriended": befriended,
        "merged_customers": merged, "without_key": unknown, "lost": lost,
    }  # fmt: skip
    return ImportAccount(tuple(accounts[at] for at in range(len(tables))), people, new_people, extra)


def undo_contacts(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> Undone:
    """Take an import of friends back, inside the caller's transaction, with the people only it knew."""
    undone = contacts.take_back(con, run_id)
    forgotten = merging.take_back(con, run_id).forgotten
    contacts.name_customers(con)
    ledger.take_back_events(con, run_id, undo_run_id, tr(f"撤回执行 {run_id}", f"run {run_id} undone"))
    return undone + Undone(forgotten=forgotten)


def _merge_file(con: DuckDBPyConnection, run_id: int, table: CleanTable) -> FileAccount:
    con.register(_INCOMING, table.rows)
    contacts.stage(con, _INCOMING)
    con.unregister(_INCOMING)
    contacts.match(con)
    contacts.judge(con, _given(table), table.exported_sec)
    contacts.claim_people(con)
    identity.resolve_contacts(con, run_id)
    contacts.write(con, run_id, table.exported_sec)
    con.execute("INSERT INTO import_people SELECT DISTINCT customer_id FROM resolved_contacts")
    con.execute("INSERT INTO import_phones SELECT DISTINCT value FROM contact_claims WHERE kind = 'phone'")
    judged = con.execute("SELECT verdict, reason, count(*) FROM effective_contacts GROUP BY ALL").fetchall()
    refused = con.execute(
        "SELECT row_no, reason FROM effective_contacts WHERE verdict = 'rejected' ORDER BY row_no"
    ).fetchall()
    return judged_account(table, judged, refused)


def _given(table: CleanTable) -> set[str]:
    """The columns of a friendship that this file speaks of."""
    given = {*table.used, *table.mapping.constants}
    if "added_at" in given:
        given.add("added_sec")
    # Tags and attributes come from any number of columns.
    given |= {name for name in ("tags", "attributes") if table.rows[name].null_count < table.rows.num_rows}
    return given
