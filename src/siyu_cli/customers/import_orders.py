"""Importing orders and return lists: cleaned files become order lines, refunds and customers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from siyu_cli.people import identity
from siyu_cli.sheets.account import FileAccount, ImportAccount, reader_reasons
from siyu_cli.sheets.counts import Counts
from siyu_cli.sheets.table import CleanTable, Reject
from siyu_cli.store import orders, refunds
from siyu_cli.words import fold_column

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_INCOMING = "incoming_rows"

# What the accepted sales and negative rows of the file are worth, by the meaning of a valid order.
_NET_SQL = """
CREATE OR REPLACE TEMP TABLE worth AS
SELECT line_hash, verdict, CASE WHEN kind = 'negative' THEN paid_fen
           WHEN status IN ('paid', 'refunded') THEN greatest(paid_fen - refund_fen, 0) ELSE 0 END AS net_fen
FROM staged WHERE verdict NOT IN ('rejected', 'duplicate') AND reason IS DISTINCT FROM 'other-level'
"""


def merge_orders(con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable]) -> ImportAccount:
    """Write the rows of order exports and return lists, in this order, and account for every one.

    Inside the caller's transaction. Orders come before returns and older exports before newer ones,
    whatever the order of the files.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE seen_lines (line_hash UHUGEINT, net_fen BIGINT)")
    con.execute("CREATE OR REPLACE TEMP TABLE import_people (customer_id BIGINT)")
    known_people = con.execute("SELECT count(*) FROM customers").fetchall()[0][0]
    merged = con.execute("SELECT count(*) FROM customer_merges").fetchall()[0][0]
    accounts: dict[int, FileAccount] = {}
    returned_lines = overlap_fen = 0

    def turn(at: int) -> tuple[bool, int, int]:
        return tables[at].mapping.kind == "returns", tables[at].exported_sec, at

    for position in sorted(range(len(tables)), key=turn):
        table = tables[position]
        con.register(_INCOMING, _with_keys(table.rows))
        if table.mapping.kind == "returns":
            accounts[position], lines = _merge_returns(con, run_id, table)
            returned_lines += lines
        else:
            accounts[position], twice_fen = _merge_orders(con, run_id, table)
            overlap_fen += twice_fen
        con.unregister(_INCOMING)
    orders.refresh_customers(con, run_id)
    refunds.allocate_negatives(con, run_id)
    # A customer met early in the run may have been merged by a later file.
    people = con.execute("""
        SELECT count(DISTINCT coalesce(m.into_customer_id, p.customer_id))
        FROM import_people AS p LEFT JOIN customer_merges AS m ON m.from_customer_id = p.customer_id
    """).fetchall()[0][0]
    merges = con.execute("SELECT count(*) FROM customer_merges").fetchall()[0][0] - merged
    new_people = con.execute("SELECT count(*) FROM customers").fetchall()[0][0] - known_people + merges
    extra = {
        "anonymous": _count_anonymous(accounts),
        "returned_lines": returned_lines,
        "merged_customers": merges,
    }
    files = tuple(accounts[at] for at in range(len(tables)))
    return ImportAccount(files, people, new_people, extra, overlap_fen)


def _with_keys(rows: pa.Table) -> pa.Table:
    """The rows with the folded columns that conditions compare (`product` → `product_key`)."""
    for name in orders.FOLDED:
        if name in rows.column_names:
            rows = rows.append_column(f"{name}_key", fold_column(rows[name]))
    return rows


def _merge_orders(con: DuckDBPyConnection, run_id: int, table: CleanTable) -> tuple[FileAccount, int]:
    """The file's account, and what of its net replaces that of an earlier file of this run."""
    staging = orders.Staging.of(table)
    orders.stage(con, _INCOMING, staging)
    orders.judge(con, staging, table.exported_sec)
    orders.claim_people(con)
    identity.resolve(con, run_id)
    orders.merge(con, _INCOMING, run_id, table.exported_sec)
    con.execute(
        "INSERT INTO import_people SELECT DISTINCT customer_id FROM resolved WHERE customer_id IS NOT NULL"
    )
    con.execute(_NET_SQL)
    net_fen = con.execute("SELECT coalesce(sum(net_fen), 0) FROM worth").fetchall()[0][0]
    replaced = (
        "FROM seen_lines SEMI JOIN (SELECT line_hash FROM worth WHERE verdict = 'updated') USING (line_hash)"
    )
    twice_fen = con.execute(f"SELECT coalesce(sum(net_fen), 0) {replaced}").fetchall()[0][0]
    con.execute(
        "DELETE FROM seen_lines WHERE line_hash IN (SELECT line_hash FROM worth WHERE verdict = 'updated')"
    )
    con.execute("INSERT INTO seen_lines SELECT line_hash, net_fen FROM worth")
    return _account(con, table, int(net_fen)), int(twice_fen)


def _merge_returns(con: DuckDBPyConnection, run_id: int, table: CleanTable) -> tuple[FileAccount, int]:
    platform = table.mapping.constants.get("platform")
    has_line_id = "line_id" in table.used
    turns = refunds.stage_returns(con, _INCOMING, table.order_key, platform, has_line_id=has_line_id)
    for turn in range(1, turns + 1):
        refunds.match_returns(con, turn, table.order_key, platform, has_line_id=has_line_id)
        refunds.judge_returns(con, turn)
        refunds.merge_returns(con, run_id)
    con.execute(
        "INSERT INTO import_people SELECT DISTINCT customer_id FROM all_return_lines WHERE customer_id IS NOT NULL"
    )
    net_fen, lines = con.execute("""
        SELECT -coalesce(sum(f.refund_fen), 0), count(*) FROM refunds AS f
        SEMI JOIN (SELECT source_hash FROM staged WHERE verdict IN ('new', 'unchanged')) AS s USING (source_hash)
    """).fetchall()[0]
    return _account(con, table, int(net_fen)), int(lines)


def _account(con: DuckDBPyConnection, table: CleanTable, net_fen: int) -> FileAccount:
    """The verdicts of `staged`, with what the reader refused, as one balanced account."""
    verdicts: Counter[str] = Counter()
    reasons = reader_reasons(table)
    for verdict, reason, rows in con.execute(
        "SELECT verdict, reason, count(*) FROM staged GROUP BY ALL"
    ).fetchall():
        verdicts[verdict] += rows
        if reason:
            reasons[reason] += rows
    refused = tuple(
        Reject(row_no, "", reason)
        for row_no, reason in con.execute(
            "SELECT row_no, reason FROM staged WHERE verdict = 'rejected' ORDER BY row_no"
        ).fetchall()
    )
    counts = Counts(
        read=table.read,
        new=verdicts["new"],
        updated=verdicts["updated"],
        unchanged=verdicts["unchanged"],
        duplicate=verdicts["duplicate"],
        rejected=verdicts["rejected"] + len(table.rejects),
        blank=table.blank,
    ).check()
    return FileAccount(table, counts, refused, dict(sorted(reasons.items())), net_fen)


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
