"""Importing orders and return lists: cleaned files become order lines, refunds and customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from siyu_cli.language import tr
from siyu_cli.people import identity, merging, moving
from siyu_cli.sheets.account import FileAccount, ImportAccount
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.store import (
    closing,
    connection,
    items,
    judging,
    ledger,
    order_people,
    orders,
    refunds,
    rereading,
    versions,
)
from siyu_cli.store.versions import Undone

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INCOMING = "incoming_rows"

_MEMORY_MIB = 448
"""An import of any length takes no more than this in DuckDB, as fast as with four times as much."""

_ACCEPTED = "SELECT line_hash, net_fen FROM staged WHERE verdict NOT IN ('rejected', 'duplicate')"
"""The rows of the file at work that count."""

_KINDS = ("orders", "details", "returns")
"""In the order in which files of one run are merged."""


def merge_orders(con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable]) -> ImportAccount:
    """Write the rows of order exports, details and return lists, and account for every one.

    Inside the caller's transaction. Orders come before their details and returns, and older exports
    before newer ones, whatever the order of the files.
    """
    memory = connection.Memory(con)
    memory.take_at_most(_MEMORY_MIB)
    con.execute("CREATE OR REPLACE TEMP TABLE seen_lines (line_hash UHUGEINT, net_fen BIGINT)")
    con.execute("CREATE OR REPLACE TEMP TABLE import_people (customer_id BIGINT)")
    accounts: dict[int, FileAccount] = {}
    returned_lines = overlap_fen = 0

    def turn(at: int) -> tuple[int, int, int]:
        return _KINDS.index(tables[at].mapping.kind), tables[at].exported_sec, at

    positions = sorted(range(len(tables)), key=turn)
    returns = [at for at in positions if tables[at].mapping.kind == "returns"]
    sold = positions[: len(positions) - len(returns)]
    for position in sold:
        if position != sold[0]:
            con.execute(f"INSERT INTO seen_lines {_ACCEPTED}")
        con.register(_INCOMING, tables[position].scan())
        accounts[position], twice_fen = _merge_orders(con, memory, run_id, tables[position])
        overlap_fen += twice_fen
        con.unregister(_INCOMING)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE changed_orders AS SELECT order_no FROM order_lines WHERE run_id = ?",
        [run_id],
    )
    # Customers that became one: their negative rows are set against the lines of both.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE changed_groups AS
        SELECT DISTINCT customer_id, coalesce(sku_key, product_key, '') AS item FROM order_lines
        SEMI JOIN (SELECT into_customer_id AS customer_id FROM customer_merges
                   WHERE run_id = $run AND from_run_id < $run) AS m USING (customer_id)
        """,
        {"run": run_id},
    )
    items.settle_levels(con)
    # The lines of an order that its own row counts were counted by their file, too.
    overlap_fen += con.execute(f"""
        SELECT coalesce(sum(net_fen), 0) FROM (FROM seen_lines {f"UNION ALL {_ACCEPTED}" if sold else ""})
        SEMI JOIN (SELECT line_hash FROM order_lines WHERE is_detail = 1) AS d USING (line_hash)
    """).fetchall()[0][0]
    refunds.allocate_returns(con)
    for position in returns:
        con.register(_INCOMING, tables[position].scan())
        accounts[position], lines = _merge_returns(con, run_id, tables[position])
        returned_lines += lines
        con.unregister(_INCOMING)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE changed_people AS SELECT DISTINCT customer_id FROM order_lines WHERE run_id = ?",
        [run_id],
    )
    order_people.refresh_customers(con)
    _set_against(con, run_id)
    versions.forget_old(con, [orders.LINES])
    # A customer met early in the run may have been merged by a later file.
    moving.current(con, "import_people", run_id)
    bought = closing.close_buyers(con, run_id)
    people, new_people, merges, details = con.execute(
        """
        SELECT (SELECT count(DISTINCT customer_id) FROM import_people),
               (SELECT count(*) FROM customers WHERE run_id = $run),
               (SELECT count(*) FROM customer_merges WHERE run_id = $run AND from_run_id < $run),
               (SELECT count(*) FROM order_lines WHERE run_id = $run AND is_detail = 1)
        """,
        {"run": run_id},
    ).fetchall()[0]
    extra = {
        "anonymous": _count_anonymous(accounts),
        "returned_lines": returned_lines,
        "merged_customers": merges,
        "detail_rows": details,
        "leads_bought": bought,
    }
    files = tuple(accounts[at] for at in range(len(tables)))
    extra["left_behind"] = _left_behind(con, files, run_id)
    return ImportAccount(files, people, new_people, extra, int(overlap_fen))


def undo_orders(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> Undone:
    """Take an import of orders, details or returns back, inside the caller's transaction.

    Every row becomes what the other imports say of it, refunds are set against what is left, and the
    people only this import knew go. `undo_run_id` is the run that does it.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE changed_groups (customer_id BIGINT, item VARCHAR)")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE changed_orders AS {orders.touched_orders_sql()}", {"run": run_id}
    )
    gone, kept = refunds.forget_returns(con, run_id)
    refunds.find_changed_groups(con)
    lines = versions.take_back(con, orders.LINES, run_id)
    refunds.drop_orphans(con)
    taken = merging.take_back(con, run_id)
    order_people.name_customers(con)
    items.settle_levels(con)
    refunds.find_changed_groups(con)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE changed_people AS SELECT DISTINCT customer_id FROM changed_groups"
    )
    order_people.refresh_customers(con)
    refunds.allocate_returns(con)
    _set_against(con, undo_run_id)
    ledger.take_back_events(con, run_id, undo_run_id, tr(f"撤回执行 {run_id}", f"run {run_id} undone"))
    return lines + Undone(gone, 0, {"confirmed-since": kept} if kept else {}, taken.forgotten)


def _set_against(con: DuckDBPyConnection, run_id: int) -> None:
    """Negative rows and item nets of `changed_orders`, once returns have been set against their lines."""
    refunds.find_changed_groups(con)
    refunds.allocate_negatives(con, run_id)
    items.spread_nets(con)


def _merge_orders(
    con: DuckDBPyConnection, memory: connection.Memory, run_id: int, table: CleanTable
) -> tuple[FileAccount, int]:
    """The file's account, and what of its net replaces that of an earlier file of this run."""
    staging = orders.Staging.of(table)
    with orders.as_written(con):
        orders.stage(con, _INCOMING, staging)
        judging.judge(con, staging, table.exported_sec)
        orders.claim_people(con, staging)
    identity.resolve(con, run_id)
    memory.take_at_most(orders.WRITING_MIB)
    with orders.as_written(con):
        orders.merge(con, staging, _INCOMING, table, run_id)
    memory.take_at_most(_MEMORY_MIB)
    con.execute(
        "INSERT INTO import_people SELECT DISTINCT customer_id FROM resolved WHERE customer_id IS NOT NULL"
    )
    replaced = "(SELECT line_hash FROM staged WHERE verdict = 'updated')"
    twice_fen = con.execute(
        f"SELECT coalesce(sum(net_fen), 0) FROM seen_lines SEMI JOIN {replaced} AS u USING (line_hash)"
    ).fetchall()[0][0]
    con.execute(f"DELETE FROM seen_lines WHERE line_hash IN {replaced}")
    judged = con.execute(
        "SELECT verdict, reason, count(*), coalesce(sum(net_fen), 0) FROM staged GROUP BY ALL"
    ).fetchall()
    net_fen = sum(fen for verdict, *_, fen in judged if verdict not in ("rejected", "duplicate"))
    return _account(con, table, [tuple(one[:3]) for one in judged], int(net_fen)), int(twice_fen)


def _merge_returns(con: DuckDBPyConnection, run_id: int, table: CleanTable) -> tuple[FileAccount, int]:
    platform = table.mapping.constants.get("platform")
    has_line_id = "line_id" in table.used
    refunds.stage_returns(con, _INCOMING, table.order_key, platform, has_line_id=has_line_id)
    refunds.merge_returns(con, run_id)
    con.execute("""
        INSERT INTO changed_orders
        SELECT DISTINCT l.order_no FROM order_lines AS l SEMI JOIN matched AS m ON m.order_hash = l.order_hash
        ANTI JOIN changed_orders AS c ON c.order_no = l.order_no
    """)
    refunds.allocate_returns(con)
    net_fen, lines = con.execute("""
        SELECT -coalesce(sum(refund_fen), 0), count(*) FROM refunds SEMI JOIN matched USING (source_hash)
    """).fetchall()[0]
    con.execute(
        "INSERT INTO import_people SELECT DISTINCT customer_id FROM refunds SEMI JOIN matched USING (source_hash) "
        "WHERE customer_id IS NOT NULL"
    )
    judged = con.execute("SELECT verdict, reason, count(*) FROM staged GROUP BY ALL").fetchall()
    return _account(con, table, judged, int(net_fen)), int(lines)


def _account(
    con: DuckDBPyConnection, table: CleanTable, judged: Sequence[tuple[str, str | None, int]], net_fen: int
) -> FileAccount:
    """The verdicts of `staged`, counted, with what the reader refused, as one balanced account."""
    refused = con.execute(
        "SELECT row_no, reason FROM staged WHERE verdict = 'rejected' ORDER BY row_no"
    ).fetchall()
    return replace(judged_account(table, judged, refused), net_fen=net_fen)


def _left_behind(con: DuckDBPyConnection, files: Sequence[FileAccount], run_id: int) -> list[dict[str, int]]:
    """Per earlier run that read one of these very files otherwise: how many of its lines now count beside new ones."""
    added = {file.table.sha256 for file in files if file.counts.new and file.table.mapping.kind == "orders"}
    runs = rereading.earlier_runs(con, added, run_id) if added else []
    if not runs:
        return []
    found = rereading.left_behind(con, runs, run_id)
    return [{"run_id": run, "lines": lines} for run, lines in found.items()]


def _count_anonymous(accounts: dict[int, FileAccount]) -> int:
    """Accepted rows of the run's order files that name neither buyer nor phone."""
    import pyarrow.compute as pc

    total = 0
    for account in accounts.values():
        rows = account.table.rows
        if account.table.mapping.kind == "orders":
            nobody = pc.and_(pc.is_null(rows["buyer_id"]), pc.is_null(rows["phone"]))
            total += int(pc.sum(pc.cast(nobody, "int64")).as_py() or 0)
    return total
