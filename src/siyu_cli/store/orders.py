"""Order lines in the store: cleaned rows are staged, deduplicated, compared with what is known, merged.

The staging table `staged` holds one row per cleaned row of one file with what it would be in
`order_lines`; `verdict` then says what becomes of it: new, updated, unchanged, duplicate or rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
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

# Of these, the columns that are taken over as they were cleaned.
_CARRIED = (
    "shop", "channel", "buyer_id", "phone", "receiver", "province", "city", "created_sec", "finished_sec",
    "status_text", "refund_status", "amount_total_fen", "unit_price_fen", "product", "product_id", "sku",
    "category", "remark",
)  # fmt: skip

# What tells two rows of a line-level file apart besides their order: never a status, a refund or a net amount,
# which later exports change.
_STABLE = (
    "coalesce(buyer_id, phone)", "first_sec", "product", "product_id", "sku", "unit_price_fen", "quantity_milli",
    "coalesce(amount_total_fen, gross_fen)",
)  # fmt: skip

# The namespace of buyer ids that all platforms and shops share.
GLOBAL_NAMESPACE = "*"

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
    empty: frozenset[str] = frozenset()

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
            namespace=GLOBAL_NAMESPACE if mapping.buyer_identity == "global" else None,
            empty=frozenset(name for name in _CARRIED if table.rows[name].null_count == table.rows.num_rows),
        )


def _joined(*columns: str, empty: frozenset[str] = frozenset()) -> str:
    """Columns as one text: missing and empty stay apart, so do `a` beside `bc` and `ab` beside `c`.

    `empty` names columns without any value, which need not be looked at.
    """
    parts = (
        "chr(29)" if column in empty else f"coalesce(CAST({column} AS VARCHAR), chr(29))"
        for column in columns
    )
    return f"concat_ws(chr(31), {', '.join(parts)})"


def stage(con: DuckDBPyConnection, incoming: str, staging: Staging) -> None:
    """Make `staged` from the cleaned rows registered as `incoming`; texts that only travel stay there."""
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
    order_key = _joined("platform", *staging.order_key)
    line_key = _joined("platform", *staging.order_key, *_line_key(staging))
    line_hash = f"md5_number({_NTH_KEY if _counts_occurrences(staging) else 'line_key'})"
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
            SELECT * REPLACE (coalesce(quantity_milli, 1000) AS quantity_milli),
                   coalesce(created_sec, paid_sec) AS first_sec, {gross} AS gross_fen,
                   CASE WHEN {negative} THEN 'negative' ELSE 'sale' END AS kind,
                   coalesce(base_fen, 0) AS paid_fen,
                   greatest(coalesce({refund}, 0), 0) AS refund_fen,
                   coalesce(refunded_sec, paid_sec) AS refund_sec,
                   {int(staging.zero_is_purchase)} AS is_zero_purchase,
                   {namespace} AS namespace
            FROM based
        ),
        keyed AS MATERIALIZED (
            SELECT row_no, namespace, order_id, buyer_id, phone, kind, status, first_sec, paid_sec, base_fen, paid_fen,
                   refund_fen, refund_sec, is_zero_purchase, quantity_milli,
                   md5_number({_joined(*_CONTENT, empty=staging.empty)}) AS content_hash,
                   {f"md5_number({order_key})" if staging.order_key else "NULL"} AS order_hash, {line_key} AS line_key
            FROM valued
        )
        SELECT * EXCLUDE (line_key) REPLACE (coalesce(order_hash, {line_hash}) AS order_hash), {line_hash} AS line_hash,
               CAST(NULL AS VARCHAR) AS verdict, CAST(NULL AS VARCHAR) AS reason
        FROM keyed
    """)


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
    """Say what becomes of every staged row; `seen_lines` holds the keys of earlier files of this run."""
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
    if staging.order_key:
        _leave_other_level(con, staging)
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
        FROM known AS k LEFT JOIN seen_lines AS h ON h.line_hash = k.line_hash
        WHERE staged.verdict IS NULL AND k.line_hash = staged.line_hash
        """,
        {"moment": exported_sec},
    )
    con.execute("UPDATE staged SET verdict = 'new' WHERE verdict IS NULL")


def _leave_other_level(con: DuckDBPyConnection, staging: Staging) -> None:
    """An order known as one row of an order list is not counted again by its lines, nor the other way round.

    A row that is a whole order carries the order's own identity as that of its line.
    """
    is_whole = staging.is_order_level and not staging.has_line_id
    con.execute(f"""
        UPDATE staged SET verdict = 'unchanged', reason = 'other-level'
        FROM (SELECT DISTINCT l.order_hash FROM order_lines AS l SEMI JOIN staged AS s ON s.order_hash = l.order_hash
              WHERE l.line_hash {"<>" if is_whole else "="} l.order_hash) AS k
        WHERE staged.verdict IS NULL AND staged.order_hash = k.order_hash
    """)


def claim_people(con: DuckDBPyConnection) -> None:
    """`claims` for people.identity: who the accepted rows speak of."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE claims AS
        SELECT namespace, buyer_id, phone, min(first_sec) AS first_sec
        FROM staged WHERE verdict <> 'rejected' AND (buyer_id IS NOT NULL OR phone IS NOT NULL)
        GROUP BY namespace, buyer_id, phone
    """)


def merge(con: DuckDBPyConnection, incoming: str, run_id: int, exported_sec: int) -> None:
    """Write the new and updated rows of `staged`; `resolved` says whose they are."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE arriving AS
        SELECT s.row_no, s.verdict, s.line_hash, s.order_hash, r.customer_id
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
    # Numbers are given on narrow rows; the wide ones only pass through.
    con.execute("""
        CREATE OR REPLACE TEMP TABLE numbered AS
        SELECT a.row_no, a.customer_id, n.order_no,
               (SELECT coalesce(max(line_no), 0) FROM order_lines) + row_number() OVER (ORDER BY a.line_hash) AS line_no
        FROM arriving AS a JOIN order_numbers AS n ON n.order_hash = a.order_hash
        WHERE a.verdict = 'new'
    """)
    moment = {"run": run_id, "moment": exported_sec}
    kept = ("line_no", "order_no", "line_hash", "first_run_id")
    changed = [name for name in _COLUMNS if name not in kept]
    if con.execute("SELECT 1 FROM arriving WHERE verdict = 'updated' LIMIT 1").fetchone():
        con.execute(
            f"UPDATE order_lines SET {', '.join(f'{name} = x.{name}' for name in changed)} FROM ("
            f"SELECT s.line_hash, {_values(changed)} FROM {incoming} AS i JOIN staged AS s ON s.row_no = i.row_no "
            "JOIN arriving AS n ON n.row_no = i.row_no WHERE n.verdict = 'updated'"
            ") AS x WHERE order_lines.line_hash = x.line_hash",
            moment,
        )
    con.execute(
        f"INSERT INTO order_lines ({', '.join(_COLUMNS)}) SELECT {_values(_COLUMNS)} FROM {incoming} AS i "
        "JOIN staged AS s ON s.row_no = i.row_no JOIN numbered AS n ON n.row_no = i.row_no",
        moment,
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


# Where a column of order_lines comes from: `n` the numbers given to it, `s` the staged row, else the cleaned row.
_MADE = {
    "line_no": "n.line_no", "order_no": "n.order_no", "customer_id": "n.customer_id",
    "paid_day": "CAST(floor(s.paid_sec / 86400) AS INTEGER)", "first_run_id": "$run", "run_id": "$run",
    "exported_sec": "$moment",
    **{name: f"s.{name}" for name in (
        "line_hash", "order_hash", "content_hash", "kind", "paid_sec", "paid_fen", "refund_fen", "refund_sec",
        "is_zero_purchase", "quantity_milli")},
}  # fmt: skip


def _values(columns: Sequence[str]) -> str:
    return ", ".join(f"{_MADE.get(name, 'i.' + name)} AS {name}" for name in columns)


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
