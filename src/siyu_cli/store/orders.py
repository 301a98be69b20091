"""Order lines in the store: cleaned rows are staged, deduplicated, compared with what is known, merged.

The staging table `staged` holds one row per cleaned row of one file with what it would be in
`order_lines`; `verdict` then says what becomes of it: new, updated, unchanged, duplicate or rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.sheets.table import CleanTable

# What a line is, beyond its keys: a change in any of these is an update.
_CONTENT = (
    "kind", "shop", "channel", "buyer_id", "phone", "receiver", "province", "city", "created_sec", "paid_sec",
    "finished_sec", "status", "status_text", "refund_status", "amount_total_fen", "paid_fen", "refund_fen",
    "refund_sec", "is_zero_purchase", "unit_price_fen", "quantity_milli", "product", "product_id", "sku",
    "category", "remark",
)  # fmt: skip

# What tells two rows of a line-level file apart besides their order: never a status, a refund or a net amount,
# which later exports change.
_STABLE = (
    "coalesce(buyer_id, phone)", "first_sec", "product", "product_id", "sku", "unit_price_fen", "quantity_milli",
    "coalesce(amount_total_fen, gross_fen)",
)  # fmt: skip

# Columns that arrive with a folded twin, `<name>_key`.
FOLDED = ("product", "sku", "category", "shop", "channel", "platform")

_COLUMNS = (
    "line_no", "order_no", "line_hash", "order_hash", "content_hash", "kind", "customer_id", "platform", "shop",
    "channel", "order_id", "line_id", "buyer_id", "phone", "receiver", "province", "city", "created_sec", "paid_sec",
    "paid_day", "finished_sec", "status", "status_text", "refund_status", "amount_total_fen", "paid_fen",
    "refund_fen", "refund_sec", "is_zero_purchase", "unit_price_fen", "quantity_milli", "product", "product_key",
    "product_id", "sku", "sku_key", "category", "category_key", "shop_key", "channel_key", "platform_key", "remark",
    "exported_sec", "first_run_id", "run_id",
)  # fmt: skip


@dataclass(frozen=True)
class Staging:
    """What of a mapping decides the meaning of its rows."""

    amount: str
    order_key: tuple[str, ...]
    is_order_level: bool
    has_line_id: bool
    negative_rows: str
    status_refunds: bool
    zero_is_purchase: bool
    namespace: str | None

    @classmethod
    def of(cls, table: CleanTable) -> Staging:
        """The table's own order key counts: it is () where the file lacks a column of the mapping's."""
        mapping, order_key = table.mapping, table.order_key
        return cls(
            amount=mapping.amount,
            order_key=order_key,
            is_order_level=mapping.rows == "order" and bool(order_key),
            has_line_id="line_id" in table.used,
            negative_rows=mapping.refund_rows,
            status_refunds=mapping.refund_by_status,
            zero_is_purchase=mapping.zero_amount == "purchase",
            namespace="*" if mapping.buyer_identity == "global" else None,
        )


def _joined(*columns: str) -> str:
    """Columns as one text: missing and empty stay apart, so do `a` beside `bc` and `ab` beside `c`."""
    parts = ", ".join(f"coalesce(CAST({column} AS VARCHAR), chr(29))" for column in columns)
    return f"concat_ws(chr(31), {parts})"


def _hash(*columns: str) -> str:
    """A stable 128-bit identity of columns. (A 128-bit number is never cast to text: that is slow.)"""
    return f"md5_number({_joined(*columns)})"


def stage(con: DuckDBPyConnection, incoming: str, staging: Staging) -> None:
    """Make `staged` from the cleaned rows registered as `incoming`."""
    negative = {
        "none": "FALSE",
        "negative_quantity": "coalesce(quantity_milli < 0 OR base_fen < 0, FALSE)",
        "negative_amount": "coalesce(base_fen < 0, FALSE)",
    }[staging.negative_rows]
    paid = "coalesce(amount_paid_fen, computed_fen)" if staging.amount != "computed" else "computed_fen"
    # A net amount already lacks its refund: what was paid is both together, and the refund is known, not subtracted twice.
    if staging.amount == "net_of_refunds":
        paid = f"({paid} + greatest(coalesce(refund_amount_fen, 0), 0))"
    refund = "coalesce(refund_amount_fen, 0)"
    if staging.status_refunds:
        refund = f"CASE WHEN status = 'refunded' OR refund_status = 'full' THEN base_fen ELSE {refund} END"
    gross = "NULL" if staging.amount == "net_of_refunds" else "base_fen"
    namespace = "platform" if staging.namespace is None else f"'{staging.namespace}'"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged AS
        WITH based AS (
            SELECT * RENAME (paid_sec AS given_paid_sec),
                   CASE WHEN status IN ('paid', 'refunded') THEN coalesce(paid_sec, created_sec) ELSE paid_sec END
                       AS paid_sec,
                   {paid} AS base_fen
            FROM {incoming}
        ),
        valued AS (
            SELECT *, coalesce(created_sec, paid_sec) AS first_sec, {gross} AS gross_fen,
                   CASE WHEN {negative} THEN 'negative' ELSE 'sale' END AS kind,
                   coalesce(base_fen, 0) AS paid_fen,
                   greatest(coalesce({refund}, 0), 0) AS refund_fen,
                   coalesce(refunded_sec, paid_sec) AS refund_sec,
                   {int(staging.zero_is_purchase)} AS is_zero_purchase,
                   {namespace} AS namespace
            FROM based
        ),
        keyed AS MATERIALIZED (
            SELECT *, {_hash("platform", *staging.order_key)} AS order_hash, {_hash(*_CONTENT)} AS content_hash,
                   {_joined("platform", *staging.order_key, *_line_key(staging))} AS line_key
            FROM (SELECT * REPLACE (coalesce(quantity_milli, 1000) AS quantity_milli) FROM valued)
        )
        SELECT * EXCLUDE (line_key), md5_number({_NTH_KEY if _counts_occurrences(staging) else "line_key"}) AS line_hash,
               CAST(NULL AS VARCHAR) AS verdict, CAST(NULL AS VARCHAR) AS reason
        FROM keyed
    """)
    if not staging.order_key:
        con.execute("UPDATE staged SET order_hash = line_hash")


# Equal rows of one file are told apart by their occurrence, counted in the order of content, so that
# shuffling a file changes nothing.
_NTH_KEY = """concat_ws(chr(31), line_key,
    CAST(row_number() OVER (PARTITION BY line_key ORDER BY content_hash, row_no) AS VARCHAR))"""


def _line_key(staging: Staging) -> tuple[str, ...]:
    """What tells a line apart within its order: nothing where one row is the order."""
    if staging.has_line_id:
        return ("line_id",)
    return () if staging.is_order_level else _STABLE


def _counts_occurrences(staging: Staging) -> bool:
    return not staging.has_line_id and not staging.is_order_level


def judge(con: DuckDBPyConnection, staging: Staging, exported_sec: int) -> None:
    """Say what becomes of every staged row; `seen_hashes` holds the keys of earlier files of this run."""
    no_order = "order_id IS NULL" if "order_id" in staging.order_key else "FALSE"
    con.execute(f"""
        UPDATE staged SET verdict = 'rejected', reason = CASE
            WHEN {no_order} THEN 'missing-order-id'
            WHEN kind = 'sale' AND (paid_fen < 0 OR quantity_milli < 0) THEN 'negative-amount'
            WHEN base_fen IS NULL THEN 'missing-amount'
            ELSE 'missing-date' END
        WHERE {no_order} OR (kind = 'sale' AND (paid_fen < 0 OR quantity_milli < 0))
           OR (status IN ('paid', 'refunded') AND (base_fen IS NULL OR paid_sec IS NULL))
    """)
    # Two rows of one file with one key: equal ones are one row written twice, of different ones the
    # most advanced stays (paid before unpaid, later, larger) and the other goes back to the operator.
    con.execute("""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT row_no, content_hash = first_value(content_hash) OVER w AS is_equal
        FROM staged WHERE verdict IS NULL
        WINDOW w AS (PARTITION BY line_hash ORDER BY (status = 'unpaid'), paid_sec DESC NULLS LAST,
                     paid_fen DESC, content_hash, row_no)
        QUALIFY row_number() OVER w > 1
    """)
    con.execute("""
        UPDATE staged SET verdict = CASE WHEN r.is_equal THEN 'duplicate' ELSE 'rejected' END,
                          reason = CASE WHEN r.is_equal THEN 'same-row' ELSE 'conflicting-rows' END
        FROM repeated AS r WHERE r.row_no = staged.row_no
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE known AS
        SELECT l.line_hash, l.content_hash, l.exported_sec, l.run_id
        FROM order_lines AS l SEMI JOIN staged AS s ON s.line_hash = l.line_hash
    """)
    con.execute(
        """
        UPDATE staged SET
            verdict = CASE
                WHEN k.content_hash = staged.content_hash AND h.line_hash IS NOT NULL THEN 'duplicate'
                WHEN k.content_hash = staged.content_hash THEN 'unchanged'
                WHEN k.exported_sec > $moment AND h.line_hash IS NOT NULL THEN 'duplicate'
                WHEN k.exported_sec > $moment THEN 'unchanged'
                ELSE 'updated' END,
            reason = CASE
                WHEN k.content_hash = staged.content_hash AND h.line_hash IS NOT NULL THEN 'same-row'
                WHEN k.content_hash = staged.content_hash THEN 'known'
                WHEN k.exported_sec > $moment THEN 'older-export' END
        FROM known AS k LEFT JOIN seen_hashes AS h ON h.line_hash = k.line_hash
        WHERE staged.verdict IS NULL AND k.line_hash = staged.line_hash
        """,
        {"moment": exported_sec},
    )
    con.execute("UPDATE staged SET verdict = 'new' WHERE verdict IS NULL")


def claim_people(con: DuckDBPyConnection) -> None:
    """`claims` for people.identity: who the accepted rows speak of."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE claims AS
        SELECT namespace, buyer_id, phone, min(first_sec) AS first_sec
        FROM staged WHERE verdict <> 'rejected' AND (buyer_id IS NOT NULL OR phone IS NOT NULL)
        GROUP BY namespace, buyer_id, phone
    """)


def merge(con: DuckDBPyConnection, run_id: int, exported_sec: int) -> None:
    """Write the new and updated rows of `staged`; `resolved` says whose they are."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE arriving AS
        SELECT s.*, r.customer_id
        FROM staged AS s
        LEFT JOIN resolved AS r ON r.namespace = s.namespace
            AND r.buyer_id IS NOT DISTINCT FROM s.buyer_id AND r.phone IS NOT DISTINCT FROM s.phone
        WHERE s.verdict IN ('new', 'updated')
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE order_numbers AS
        WITH wanted AS (SELECT DISTINCT order_hash FROM arriving WHERE verdict = 'new'),
        known AS (
            SELECT l.order_hash, min(l.order_no) AS order_no
            FROM order_lines AS l SEMI JOIN wanted AS w ON w.order_hash = l.order_hash GROUP BY l.order_hash
        )
        SELECT w.order_hash, coalesce(k.order_no,
               (SELECT coalesce(max(order_no), 0) FROM order_lines)
               + row_number() OVER (PARTITION BY k.order_no IS NULL ORDER BY w.order_hash)) AS order_no
        FROM wanted AS w LEFT JOIN known AS k ON k.order_hash = w.order_hash
    """)
    changed = [name for name in _COLUMNS if name not in ("line_no", "order_no", "line_hash", "first_run_id")]
    con.execute(
        f"UPDATE order_lines SET {', '.join(f'{name} = a.{name}' for name in changed)} "
        f"FROM ({_lines('0', '0')}) AS a WHERE a.verdict = 'updated' AND order_lines.line_hash = a.line_hash",
        {"run": run_id, "moment": exported_sec},
    )
    line_no = "(SELECT coalesce(max(line_no), 0) FROM order_lines) + row_number() OVER (ORDER BY a.line_hash)"
    con.execute(
        f"INSERT INTO order_lines ({', '.join(_COLUMNS)}) "
        f"SELECT {', '.join(_COLUMNS)} FROM ({_lines(line_no, 'n.order_no')} "
        "JOIN order_numbers AS n ON n.order_hash = a.order_hash WHERE a.verdict = 'new')",
        {"run": run_id, "moment": exported_sec},
    )
    # Known again by a newer export: an export from in between must not undo it later.
    con.execute(
        """
        UPDATE order_lines SET exported_sec = $moment FROM staged AS s
        WHERE s.verdict = 'unchanged' AND s.reason = 'known' AND order_lines.line_hash = s.line_hash
          AND order_lines.exported_sec < $moment
        """,
        {"moment": exported_sec},
    )
    con.execute("INSERT INTO seen_hashes SELECT DISTINCT line_hash FROM staged WHERE verdict <> 'rejected'")


def _lines(line_no: str, order_no: str) -> str:
    """`arriving` in the shape of order_lines, with its verdict."""
    made = {
        "line_no": line_no, "order_no": order_no, "paid_day": "CAST(floor(a.paid_sec / 86400) AS INTEGER)",
        "first_run_id": "$run", "run_id": "$run", "exported_sec": "$moment",
    }  # fmt: skip
    columns = ", ".join(f"{made.get(name, 'a.' + name)} AS {name}" for name in _COLUMNS)
    return f"SELECT {columns}, a.verdict FROM arriving AS a"


def refresh_customers(con: DuckDBPyConnection, run_id: int) -> None:
    """Name and region of the customers of this run: those of their latest order that says so."""
    con.execute(
        """
        UPDATE customers SET name = coalesce(x.name, customers.name), province = coalesce(x.province, customers.province),
                             city = coalesce(x.city, customers.city)
        FROM (
            SELECT customer_id,
                   arg_max(coalesce(buyer_id, receiver), (coalesce(paid_sec, created_sec, 0), line_hash)) AS name,
                   arg_max(province, (coalesce(paid_sec, created_sec, 0), line_hash)) FILTER (province IS NOT NULL)
                       AS province,
                   arg_max(city, (coalesce(paid_sec, created_sec, 0), line_hash)) FILTER (city IS NOT NULL) AS city
            FROM order_lines SEMI JOIN (SELECT DISTINCT customer_id FROM order_lines WHERE run_id = $run) AS touched
              USING (customer_id)
            GROUP BY customer_id
        ) AS x
        WHERE customers.customer_id = x.customer_id
        """,
        {"run": run_id},
    )
