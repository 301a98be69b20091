"""Order lines in the store: cleaned rows are staged, deduplicated, compared with what is known, merged.

`cleaned` is a view of the rows of one file with what they would be in `order_lines`; the narrow table
`staged` holds the identity of each row and its `verdict`: new, updated, unchanged, duplicate or rejected.
Each step reads only the columns it needs, and windows only look at keys that come more than once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from siyu_cli.store import versions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.sheets.table import CleanTable

LINES = versions.Versioned("order_lines", "line_no")

Level = Literal["order", "line", "detail"]
"""What a row is: the order as a whole, a line of it with money of its own, or only what was in it."""

# What a line is, beyond its keys: a change in any of these is an update.
CONTENT = (
    "kind", "shop", "channel", "buyer_id", "phone", "receiver", "province", "city", "created_sec", "paid_sec",
    "finished_sec", "status", "status_text", "refund_status", "amount_total_fen", "paid_fen", "refund_fen",
    "refund_sec", "is_zero_purchase", "is_goods", "unit_price_fen", "quantity_milli", "product", "product_id",
    "sku", "category", "remark",
)  # fmt: skip

# What tells two rows of a line-level file apart besides their order: never a status, a refund or a net amount,
# which later exports change.
_STABLE = (
    "coalesce(buyer_id, phone)", "first_sec", "product", "product_id", "sku", "unit_price_fen", "quantity_milli",
    "coalesce(given_total_fen, gross_fen)",
)  # fmt: skip

# The namespace of buyer ids that all platforms and shops share.
GLOBAL_NAMESPACE = "*"

_COLUMNS = (
    "line_no", "order_no", "line_hash", "order_hash", "kind", "customer_id", "platform", "shop",
    "channel", "order_id", "line_id", "buyer_id", "phone", "receiver", "province", "city", "created_sec", "paid_sec",
    "paid_day", "finished_sec", "status", "status_text", "refund_status", "amount_total_fen", "paid_fen",
    "refund_fen", "refund_sec", "is_zero_purchase", "unit_price_fen", "quantity_milli", "product", "product_key",
    "product_id", "sku", "sku_key", "category", "category_key", "shop_key", "channel_key", "platform_key", "remark",
    "exported_sec", "first_run_id", "run_id", "level", "is_detail", "is_goods",
)  # fmt: skip

WRITING_MIB = 15 * len(_COLUMNS)
"""What DuckDB must be allowed while rows are written: of less it lets only one thread write, because it sets
4 MiB a column aside for each thread and takes no more than about a quarter of the limit for it."""


@dataclass(frozen=True)
class Staging:
    """What of a mapping decides the meaning of its rows."""

    amount: str
    order_key: tuple[str, ...]
    level: Level
    has_line_id: bool
    negative_rows: str
    status_refunds: bool
    zero_is_purchase: bool
    namespace: str | None
    repeated: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: CleanTable) -> Staging:
        """The table's own order key counts: it is () where the file lacks a column of the mapping's."""
        mapping, order_key = table.mapping, table.order_key
        has_line_id = "line_id" in table.used
        level: Level = "line"
        if mapping.kind == "details":
            level, order_key = "detail", order_key or ("order_id",)
        elif not order_key or (mapping.rows == "order" and not has_line_id):
            level = "order"
        return cls(
            amount=mapping.amount,
            order_key=order_key,
            level=level,
            has_line_id=has_line_id,
            negative_rows=mapping.refund_rows,
            status_refunds=mapping.refund_by_status,
            zero_is_purchase=mapping.zero_amount == "purchase",
            namespace=GLOBAL_NAMESPACE if mapping.buyer_identity == "global" else None,
            repeated=mapping.repeated if order_key else (),
        )

    @property
    def line_key(self) -> tuple[str, ...]:
        """What tells a line apart within its order: nothing where one row is the order."""
        if self.has_line_id:
            return ("line_id",)
        return () if self.level == "order" and self.order_key else _STABLE

    @property
    def counts_occurrences(self) -> bool:
        """Whether equal rows of one file are so many purchases."""
        return self.line_key == _STABLE


def joined(*columns: str) -> str:
    """Columns as one text: missing and empty stay apart, so do `a` beside `bc` and `ab` beside `c`."""
    parts = (f"coalesce(CAST({column} AS VARCHAR), chr(29))" for column in columns)
    return f"concat_ws(chr(31), {', '.join(parts)})"


@contextmanager
def as_written(con: DuckDBPyConnection) -> Iterator[None]:
    """Joins run as they are written: the narrow table on the right is held, the rows of the file flow past it.

    How many rows a file has is not known to DuckDB; left alone it would hold the wide rows in memory. After a
    failure nothing more is asked of the connection: its answer would stand before what went wrong.
    """
    con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    yield
    con.execute("RESET disabled_optimizers")


def stage(con: DuckDBPyConnection, incoming: str, staging: Staging) -> None:
    """Make `cleaned` and `staged` from the rows registered as `incoming`; rows that cannot count are rejected."""
    if staging.repeated:
        _share_repeated(con, incoming, staging)
    con.execute(f"CREATE OR REPLACE TEMP VIEW cleaned AS {_cleaned_sql(incoming, staging)}")
    no_order = "order_id IS NULL" if "order_id" in staging.order_key else "FALSE"
    negative = "kind = 'sale' AND (paid_fen < 0 OR quantity_milli < 0)"
    counts = "FALSE" if staging.level == "detail" else "status IN ('paid', 'refunded')"
    order_hash = f"md5_number({joined('platform', *staging.order_key)})" if staging.order_key else "NULL"
    line_key = _line_key(staging)
    line_hash = f"md5_number({_occurrence(line_key, '1') if staging.counts_occurrences else line_key})"
    if staging.order_key and not staging.line_key:
        line_hash = order_hash  # one row is the order: one hash, computed once
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged AS
        WITH reasoned AS (
            SELECT row_no, {order_hash} AS order_hash, {line_hash} AS line_hash,
                   CASE WHEN kind = 'negative' THEN paid_fen
                        WHEN {counts} THEN greatest(paid_fen - refund_fen, 0) ELSE 0 END AS net_fen,
                   CASE WHEN {no_order} THEN 'missing-order-id' WHEN {negative} THEN 'negative-amount'
                        WHEN {"has_conflict" if staging.repeated else "FALSE"} THEN 'repeated-amount-conflict'
                        WHEN {counts} AND base_fen IS NULL THEN 'missing-amount'
                        WHEN {counts} AND paid_sec IS NULL THEN 'missing-date' END AS reason
            FROM cleaned
        )
        SELECT row_no, coalesce(order_hash, line_hash) AS order_hash, line_hash, net_fen,
               CASE WHEN reason IS NULL THEN 'new' ELSE 'rejected' END AS verdict, reason
        FROM reasoned
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE repeated_keys AS
        SELECT line_hash FROM staged GROUP BY line_hash HAVING count(*) > 1
    """)
    if staging.counts_occurrences and has_any(con, "repeated_keys"):
        _count_occurrences(con, staging)


def _cleaned_sql(incoming: str, staging: Staging) -> str:
    """The rows with the columns of `order_lines` that follow from one row alone."""
    negative = {
        "none": "FALSE",
        "negative_quantity": "coalesce(quantity_milli < 0 OR base_fen < 0, FALSE)",
        "negative_amount": "coalesce(base_fen < 0, FALSE)",
    }[staging.negative_rows]
    paid = "coalesce(amount_paid_fen, computed_fen)" if staging.amount != "computed" else "computed_fen"
    gross = paid
    # A net amount already lacks its refund: what was paid is both together, and the refund is known, not subtracted twice.
    if staging.amount == "net_of_refunds":
        paid, gross = f"({paid} + greatest(coalesce(refund_amount_fen, 0), 0))", "NULL"
    refund = "coalesce(refund_amount_fen, 0)"
    if staging.status_refunds:
        refund = f"CASE WHEN status = 'refunded' OR refund_status = 'full' THEN base_fen ELSE {refund} END"
    namespace = "platform" if staging.namespace is None else f"'{staging.namespace}'"
    # A details row need not say how its order stands; the order does.
    status = "coalesce(status, 'paid')" if staging.level == "detail" else "status"
    shares, given = incoming, "amount_total_fen AS given_total_fen, amount_paid_fen AS given_paid_fen"
    if staging.repeated:
        replaced = ", ".join(f"s.{name}_fen AS {name}_fen" for name in staging.repeated)
        shares = (
            f"(SELECT i.* REPLACE ({replaced}), s.has_conflict, i.amount_total_fen AS given_total_fen, "
            f"i.amount_paid_fen AS given_paid_fen FROM {incoming} AS i JOIN shares AS s ON s.row_no = i.row_no)"
        )
        given = ""
        gross = gross.replace("amount_paid_fen", "given_paid_fen")
    return f"""
        WITH based AS (
            SELECT * REPLACE ({status} AS status,
                              CASE WHEN status IN ('paid', 'refunded') THEN coalesce(paid_sec, created_sec)
                                   ELSE paid_sec END AS paid_sec),
                   {paid} AS base_fen{f", {given}" if given else ""}
            FROM {shares}
        )
        SELECT * REPLACE (coalesce(quantity_milli, 1000) AS quantity_milli, CAST(coalesce(is_goods, 1) AS INTEGER) AS is_goods),
               coalesce(created_sec, paid_sec) AS first_sec, {gross} AS gross_fen,
               CASE WHEN {negative} THEN 'negative' ELSE 'sale' END AS kind,
               coalesce(base_fen, 0) AS paid_fen,
               greatest(coalesce({refund}, 0), 0) AS refund_fen,
               coalesce(refunded_sec, paid_sec) AS refund_sec,
               {int(staging.zero_is_purchase)} AS is_zero_purchase,
               {namespace} AS namespace
        FROM based
    """


def _share_repeated(con: DuckDBPyConnection, incoming: str, staging: Staging) -> None:
    """Make `shares`: the figures of a whole order that stand on each of its lines, spread over the lines.

    By unit price × quantity where every line says both, else equally; exact to the fen by largest
    remainder. Lines of one order that disagree about a figure have `has_conflict`.
    """
    figures = [f"{name}_fen" for name in staging.repeated]
    order = ", ".join(("platform", *staging.order_key))
    # Rows of one line id are one line; otherwise every row is one.
    line = "line_id" if staging.has_line_id else "row_no"
    ties = "product, product_id, sku, unit_price_fen, quantity_milli, line_id, row_no"
    conflict = " OR ".join(f"min({name}) OVER o IS DISTINCT FROM max({name}) OVER o" for name in figures)
    missing = " OR ".join(f"(count({name}) OVER o NOT IN (0, count(*) OVER o))" for name in figures)
    shares = ", ".join(
        f"CAST({name} * weight // all_weight AS BIGINT) + CASE WHEN row_number() OVER "
        f"(PARTITION BY order_place ORDER BY {name} * weight % all_weight DESC, place) <= {name} - "
        f"sum({name} * weight // all_weight) OVER (PARTITION BY order_place) THEN 1 ELSE 0 END AS {name}"
        for name in figures
    )
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE shares AS
        WITH weighed AS (
            SELECT row_no, platform, {", ".join(dict.fromkeys((*staging.order_key, "line_id")))}, {", ".join(figures)},
                   greatest(CAST(unit_price_fen AS HUGEINT) * quantity_milli, 0) AS given_weight,
                   dense_rank() OVER (ORDER BY {order}) AS order_place,
                   row_number() OVER (PARTITION BY {order}, {line} ORDER BY row_no) AS nth,
                   row_number() OVER (ORDER BY {ties}) AS place,
                   {conflict} OR {missing} AS has_conflict
            FROM {incoming} WINDOW o AS (PARTITION BY {order})
        ),
        first_rows AS (
            SELECT *, CASE WHEN count(given_weight) OVER o = count(*) OVER o AND sum(given_weight) OVER o > 0
                           THEN given_weight ELSE 1 END AS weight
            FROM weighed WHERE nth = 1 WINDOW o AS (PARTITION BY order_place)
        ),
        totalled AS (SELECT *, sum(weight) OVER (PARTITION BY order_place) AS all_weight FROM first_rows),
        shared AS (SELECT order_place, {line} AS line, {shares} FROM totalled)
        SELECT w.row_no, w.has_conflict, {", ".join(f"s.{name}" for name in figures)}
        FROM weighed AS w JOIN shared AS s ON s.order_place = w.order_place AND s.line IS NOT DISTINCT FROM w.{line}
    """)


def _line_key(staging: Staging) -> str:
    apart = ("'detail'",) if staging.level == "detail" else ()
    return joined("platform", *staging.order_key, *staging.line_key, *apart)


def _occurrence(line_key: str, nth: str) -> str:
    return f"concat_ws(chr(31), {line_key}, {nth})"


def _count_occurrences(con: DuckDBPyConnection, staging: Staging) -> None:
    """Tell equal rows of one file apart by their occurrence, counted in the order of content.

    So shuffling a file changes nothing.
    """
    order_hash = "" if staging.order_key else ", order_hash = n.line_hash"
    content = f"md5_number({joined(*CONTENT)})"
    nth = f"CAST(row_number() OVER (PARTITION BY s.line_hash ORDER BY {content}, c.row_no) AS VARCHAR)"
    con.execute(f"""
        UPDATE staged SET line_hash = n.line_hash{order_hash}
        FROM (
            SELECT c.row_no, md5_number({_occurrence(_line_key(staging), nth)}) AS line_hash
            FROM cleaned AS c JOIN (FROM staged SEMI JOIN repeated_keys USING (line_hash)) AS s ON s.row_no = c.row_no
        ) AS n WHERE n.row_no = staged.row_no
    """)


def claim_people(con: DuckDBPyConnection, staging: Staging) -> None:
    """`claims` for people.identity: who the accepted rows speak of; what was in an order names nobody."""
    accepted = "SEMI JOIN (SELECT row_no FROM staged WHERE verdict <> 'rejected') AS s USING (row_no)"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE claims AS
        SELECT namespace, buyer_id, phone, min(first_sec) AS first_sec FROM cleaned
        {accepted if has_any(con, "staged WHERE verdict = 'rejected'") else ""}
        WHERE (buyer_id IS NOT NULL OR phone IS NOT NULL) AND {staging.level != "detail"}
        GROUP BY namespace, buyer_id, phone
    """)


def merge(con: DuckDBPyConnection, staging: Staging, incoming: str, table: CleanTable, run_id: int) -> None:
    """Write what `staged` found new, updated, confirmed or beaten; `resolved` says whose the rows are.

    `table` are the rows registered as `incoming`.
    """
    exported_sec = table.exported_sec
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE known_orders AS
        SELECT order_hash, min(order_no) AS order_no FROM order_lines
        SEMI JOIN (SELECT order_hash FROM staged WHERE verdict = 'new') AS s USING (order_hash)
        {unless_empty(con)} GROUP BY order_hash
    """)
    # Known again by a newer export: an export from in between must not undo it later.
    if has_any(con, "known WHERE is_equal"):
        con.execute("CREATE OR REPLACE TEMP TABLE confirming AS SELECT line_no FROM known WHERE is_equal")
        versions.confirm(con, LINES, "confirming", run_id, exported_sec)
    if has_any(con, "staged WHERE reason = 'older-export'"):
        _keep_beaten(con, staging, run_id, exported_sec)
    if has_any(con, "staged WHERE verdict = 'updated'"):
        _update(con, staging, run_id, exported_sec)
    if has_any(con, "staged WHERE verdict = 'new'"):
        _insert(con, staging, incoming, table, run_id)


def _keep_beaten(con: DuckDBPyConnection, staging: Staging, run_id: int, exported_sec: int) -> None:
    beaten = _known_rows(staging, _COLUMNS, "s.reason = 'older-export'")
    con.execute(f"CREATE OR REPLACE TEMP TABLE beaten AS {beaten}", {"run": run_id, "moment": exported_sec})
    versions.keep_beaten(con, LINES, "beaten", run_id)


def _update(con: DuckDBPyConnection, staging: Staging, run_id: int, exported_sec: int) -> None:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE changing AS SELECT line_no FROM known "
        "SEMI JOIN (SELECT line_hash FROM staged WHERE verdict = 'updated') AS s USING (line_hash)"
    )
    versions.keep(con, LINES, "changing", run_id)
    changed = [name for name in _COLUMNS if name not in _LASTING]
    con.execute(
        f"UPDATE order_lines SET {', '.join(f'{name} = x.{name}' for name in changed)} "
        f"FROM ({_known_rows(staging, ('line_no', *changed), _IS_UPDATE)}) AS x "
        "WHERE order_lines.line_no = x.line_no",
        {"run": run_id, "moment": exported_sec},
    )


# Columns that an update leaves alone.
_LASTING = ("line_no", "order_no", "line_hash", "order_hash", "level", "is_detail", "first_run_id")
_IS_UPDATE = "s.verdict = 'updated'"


def _known_rows(staging: Staging, columns: Sequence[str], condition: str) -> str:
    """A SELECT of rows of the file whose key is known, with the numbers they have in the store."""
    return (
        f"SELECT {_values(staging, columns)} FROM cleaned AS i JOIN staged AS s ON s.row_no = i.row_no "
        f"JOIN known AS k ON k.line_hash = s.line_hash LEFT JOIN resolved AS r {_IS_RESOLVED} WHERE {condition}"
    )


_IS_RESOLVED = """ON r.namespace = i.namespace
    AND r.buyer_id IS NOT DISTINCT FROM i.buyer_id AND r.phone IS NOT DISTINCT FROM i.phone"""


def _insert(con: DuckDBPyConnection, staging: Staging, incoming: str, table: CleanTable, run_id: int) -> None:
    """The new rows in the order of the file; an order has the number of its first line.

    Numbers and customers are given to narrow rows first. Then the wide rows go in piece by piece, so that
    what a join holds does not grow with the file.
    """
    numbers = {"first": con.execute("SELECT coalesce(max(line_no), 0) FROM order_lines").fetchall()[0][0]}
    made = {"line_no": "$first + s.row_no", "order_no": "$first + s.row_no", "first_run_id": "$run"}
    here = "row_no BETWEEN $low AND $high"
    joins = f"JOIN (FROM staged WHERE verdict = 'new' AND {here}) AS s ON s.row_no = i.row_no"
    if staging.level != "order" or has_any(con, "known_orders"):
        _number_orders(con, numbers["first"])
        joins += f" JOIN (FROM numbered WHERE {here}) AS n ON n.row_no = i.row_no"
        made["order_no"] = "n.order_no"
    if staging.level != "detail":
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE owners AS
            SELECT i.row_no, r.customer_id FROM cleaned AS i JOIN resolved AS r {_IS_RESOLVED}
        """)
        joins += f" LEFT JOIN (FROM owners WHERE {here}) AS r ON r.row_no = i.row_no"
    insert = (
        f"INSERT INTO order_lines ({', '.join(_COLUMNS)}) "
        f"SELECT {_values(staging, _COLUMNS, made)} FROM cleaned AS i {joins}"
    )
    numbers |= {"run": run_id, "moment": table.exported_sec}
    for low, high, piece in table.pieces():
        con.register(incoming, piece)
        con.execute(insert, {**numbers, "low": low, "high": high})
    con.register(incoming, table.scan())


def _number_orders(con: DuckDBPyConnection, first: int) -> None:
    """Make `numbered(row_no, order_no)` of the new rows: a known order keeps its number."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE numbered AS
        WITH first_lines AS (
            SELECT order_hash, min(row_no) AS row_no FROM staged WHERE verdict = 'new' GROUP BY order_hash
        )
        SELECT s.row_no, coalesce(o.order_no, $first + f.row_no) AS order_no
        FROM staged AS s JOIN first_lines AS f ON f.order_hash = s.order_hash
        LEFT JOIN known_orders AS o ON o.order_hash = s.order_hash WHERE s.verdict = 'new'
        """,
        {"first": first},
    )


# Where a column of order_lines comes from: `k` what is known, `s` the staged row, else the cleaned row.
_MADE = {
    "line_no": "k.line_no", "order_no": "k.order_no", "first_run_id": "k.first_run_id", "line_hash": "s.line_hash",
    "order_hash": "s.order_hash", "paid_day": "CAST(floor(i.paid_sec / 86400) AS INTEGER)", "run_id": "$run",
    "exported_sec": "$moment",
}  # fmt: skip


def _values(staging: Staging, columns: Sequence[str], made: dict[str, str] | None = None) -> str:
    sources = {
        **_MADE,
        "level": f"'{staging.level}'",
        "is_detail": str(int(staging.level == "detail")),
        "customer_id": _customer(staging),
        **(made or {}),
    }
    return ", ".join(f"{sources.get(name, 'i.' + name)} AS {name}" for name in columns)


def _customer(staging: Staging) -> str:
    """What was in an order is its buyer's; only the order names one."""
    return "NULL" if staging.level == "detail" else "r.customer_id"


def unless_empty(con: DuckDBPyConnection) -> str:
    """A condition for what is looked up in `order_lines`: nothing need be made ready where there is nothing to find."""
    return "" if has_any(con, "order_lines") else "WHERE FALSE"


def has_any(con: DuckDBPyConnection, relation: str) -> bool:
    return bool(con.execute(f"SELECT 1 FROM {relation} LIMIT 1").fetchall())


def touched_orders_sql() -> str:
    """A SELECT of order_no: the orders of the rows that the run `$run` says anything of."""
    return """
        SELECT DISTINCT order_no FROM order_lines WHERE run_id = $run OR line_no IN (
            SELECT line_no FROM order_lines_versions WHERE run_id = $run
            UNION ALL SELECT line_no FROM order_lines_confirmed SEMI JOIN order_lines_versions USING (line_no)
            WHERE order_lines_confirmed.run_id = $run)
    """
