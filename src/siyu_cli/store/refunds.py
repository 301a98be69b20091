"""Money that goes back: return lists against known orders, and negative rows against earlier lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_RETURNED = (
    "line_no",
    "line_id",
    "customer_id",
    "platform",
    "shop",
    "shop_key",
    "paid_sec",
    "paid_fen",
    "refund_fen",
)


def stage_returns(
    con: DuckDBPyConnection,
    incoming: str,
    order_key: tuple[str, ...],
    platform: str | None,
    *,
    has_line_id: bool = False,
) -> int:
    """Make `staged` from the rows of a return list registered as `incoming`; how many rounds it takes.

    Rows that speak of one order take turns (`turn`), amounts before wholes and earlier days first: what
    one has taken is not there for the next.
    """
    named = (*order_key, "line_id") if has_line_id else order_key
    key = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(29))" for name in named)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged AS
        SELECT *, md5_number(concat_ws(chr(31), 'returns', {"platform, " if platform else ""}{key},
                                       coalesce(CAST(refund_amount_fen AS VARCHAR), ''),
                                       coalesce(CAST(refunded_sec AS VARCHAR), ''))) AS source_hash,
               dense_rank() OVER (PARTITION BY {", ".join(order_key)} ORDER BY refund_amount_fen IS NULL,
                                  {"line_id IS NULL," if has_line_id else ""} refunded_sec NULLS LAST, source_hash) AS turn,
               CAST(NULL AS VARCHAR) AS verdict, CAST(NULL AS VARCHAR) AS reason
        FROM {incoming}
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE return_candidates AS
        SELECT {", ".join(dict.fromkeys((*_RETURNED, *order_key)))}
        FROM order_lines SEMI JOIN staged USING ({", ".join(order_key)})
        WHERE kind = 'sale' AND status IN ('paid', 'refunded')
    """)
    con.execute("CREATE OR REPLACE TEMP TABLE all_return_lines (source_hash UHUGEINT, customer_id BIGINT)")
    return int(con.execute("SELECT coalesce(max(turn), 0) FROM staged").fetchall()[0][0])


def match_returns(
    con: DuckDBPyConnection, turn: int, order_key: tuple[str, ...], platform: str | None, *, has_line_id: bool
) -> None:
    """Make `return_lines` of the rows of one turn.

    A row returns every paid line of the orders that match its key (of a list with line ids, the line it
    names); without an amount of its own all that is left of them, with one that amount, spread over the
    lines by what is left of each.
    """
    same_order = " AND ".join(f"l.{name} = s.{name}" for name in order_key)
    if has_line_id:
        same_order += " AND (s.line_id IS NULL OR l.line_id IS NULL OR l.line_id = s.line_id)"
    same_platform = "AND l.platform = s.platform" if platform else ""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE return_lines AS
        WITH first_rows AS (
            SELECT * FROM staged WHERE turn = {turn}
            QUALIFY row_number() OVER (PARTITION BY source_hash ORDER BY row_no) = 1
        ),
        earlier AS (SELECT line_no, source_hash, refund_fen FROM refunds),
        matched AS (
            SELECT s.source_hash, s.refund_amount_fen, l.line_no, l.customer_id, l.platform, l.shop, l.shop_key,
                   coalesce(s.refunded_sec, l.paid_sec) AS refund_sec,
                   greatest(l.paid_fen - l.refund_fen - coalesce((
                       SELECT sum(e.refund_fen) FROM earlier AS e
                       WHERE e.line_no = l.line_no AND e.source_hash <> s.source_hash), 0), 0) AS left_fen
            FROM first_rows AS s
            JOIN return_candidates AS l ON {same_order} {same_platform}
        ),
        shared AS (
            SELECT *, sum(left_fen) OVER (PARTITION BY source_hash) AS all_fen,
                   least(coalesce(refund_amount_fen, sum(left_fen) OVER (PARTITION BY source_hash)),
                         sum(left_fen) OVER (PARTITION BY source_hash)) AS wanted_fen
            FROM matched
        ),
        floored AS (
            SELECT *, CASE WHEN all_fen = 0 THEN 0 ELSE CAST(wanted_fen * left_fen // all_fen AS BIGINT) END AS base_fen,
                   CASE WHEN all_fen = 0 THEN 0 ELSE CAST(wanted_fen * left_fen % all_fen AS BIGINT) END AS rest
            FROM shared
        )
        SELECT *, base_fen + CASE WHEN row_number() OVER (PARTITION BY source_hash ORDER BY rest DESC, line_no)
                       <= wanted_fen - sum(base_fen) OVER (PARTITION BY source_hash) THEN 1 ELSE 0 END AS refund_fen
        FROM floored
    """)


def judge_returns(con: DuckDBPyConnection, turn: int) -> None:
    """new where it takes money back for the first time, rejected where no order is known."""
    con.execute(
        """
        UPDATE staged SET verdict = 'duplicate', reason = 'same-row'
        WHERE turn = ? AND row_no NOT IN (SELECT min(row_no) FROM staged GROUP BY source_hash)
    """,
        [turn],
    )
    con.execute(
        """
        UPDATE staged SET
            verdict = CASE WHEN NOT EXISTS (SELECT 1 FROM return_lines AS r WHERE r.source_hash = staged.source_hash)
                           THEN 'rejected'
                           WHEN EXISTS (SELECT 1 FROM refunds AS f WHERE f.source_hash = staged.source_hash)
                           THEN 'unchanged' ELSE 'new' END
        WHERE verdict IS NULL AND turn = ?
    """,
        [turn],
    )
    con.execute("""
        UPDATE staged SET reason = CASE verdict WHEN 'rejected' THEN 'no-such-order' WHEN 'unchanged' THEN 'known' END
        WHERE verdict IN ('rejected', 'unchanged')
    """)


def merge_returns(con: DuckDBPyConnection, run_id: int) -> None:
    """Write the refunds of the new rows; a line that has nothing left gets a row of 0, which says it was seen."""
    con.execute(
        """
        INSERT INTO refunds
        SELECT 'returns', r.source_hash, r.line_no, r.customer_id, r.platform, r.shop, r.shop_key, r.refund_sec,
               CAST(floor(r.refund_sec / 86400) AS INTEGER), r.refund_fen, ?
        FROM return_lines AS r JOIN staged AS s ON s.source_hash = r.source_hash WHERE s.verdict = 'new'
        """,
        [run_id],
    )
    con.execute("INSERT INTO all_return_lines SELECT source_hash, customer_id FROM return_lines")


@dataclass
class _Line:
    """A paid line with what is left to be set against: thousandths of a piece, or fen where rows count no pieces."""

    line_no: int
    units_left: int
    fen_left: int


@dataclass
class _Stack:
    """The lines of one customer and item so far, latest last."""

    lines: list[_Line] = field(default_factory=list)

    def take(self, units: int, fen: int) -> tuple[list[tuple[int, int]], int]:
        """Set a negative row against the latest lines: [(line_no, fen)], and the fen no line took."""
        parts: list[tuple[int, int]] = []
        units_open, fen_open = units, fen
        for line in reversed(self.lines):
            if units_open <= 0 or fen_open <= 0:
                break
            if line.units_left <= 0:
                continue
            used = min(units_open, line.units_left)
            # The row's money goes with its pieces; the last part takes the rounding.
            share = fen_open if used == units_open else fen * used // units
            taken = min(share, line.fen_left)
            line.units_left -= used
            line.fen_left -= taken
            units_open -= used
            fen_open -= taken
            if taken:
                parts.append((line.line_no, taken))
        while self.lines and self.lines[-1].units_left <= 0:
            self.lines.pop()
        return parts, fen_open


def allocate_negatives(con: DuckDBPyConnection, run_id: int) -> None:
    """Set negative rows against the same buyer's latest earlier lines of the same item, again where they changed.

    Only the groups (customer, item) that this run touched and that hold negative rows are read. What
    finds no line stays as a refund without line: it lowers totals on its own day.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE negative_groups AS
        SELECT DISTINCT n.customer_id, n.item
        FROM (SELECT customer_id, coalesce(sku_key, product_key, '') AS item FROM order_lines WHERE kind = 'negative') AS n
        JOIN (SELECT DISTINCT customer_id, coalesce(sku_key, product_key, '') AS item
              FROM order_lines WHERE run_id = ?) AS t
          ON t.customer_id IS NOT DISTINCT FROM n.customer_id AND t.item = n.item
        """,
        [run_id],
    )
    con.execute("""
        CREATE OR REPLACE TEMP TABLE group_lines AS
        SELECT l.customer_id, g.item, l.line_no, l.kind, l.paid_sec, l.quantity_milli, l.paid_fen, l.refund_fen,
               l.status, l.line_hash, l.platform, l.shop, l.shop_key
        FROM order_lines AS l
        JOIN negative_groups AS g ON g.customer_id IS NOT DISTINCT FROM l.customer_id
                                 AND g.item = coalesce(l.sku_key, l.product_key, '')
        WHERE l.paid_sec IS NOT NULL AND (l.kind = 'negative' OR l.status IN ('paid', 'refunded'))
    """)
    con.execute("""
        DELETE FROM refunds USING group_lines AS g
        WHERE refunds.kind = 'negative' AND g.kind = 'negative' AND refunds.source_hash = g.line_hash
    """)
    rows = con.execute("""
        SELECT g.customer_id, g.item, g.line_no, g.kind, g.quantity_milli, g.paid_fen,
               g.paid_fen - g.refund_fen - coalesce(r.fen, 0)
        FROM group_lines AS g
        LEFT JOIN (SELECT line_no, sum(refund_fen) AS fen FROM refunds WHERE line_no IS NOT NULL GROUP BY line_no) AS r
          ON r.line_no = g.line_no
        ORDER BY g.customer_id, g.item, g.paid_sec, (g.kind = 'negative'), g.line_hash
    """).fetchall()
    _write_allocations(con, run_id, list(_allocate(rows)))


def _allocate(
    rows: Iterable[tuple[int | None, str, int, str, int, int, int]],
) -> Iterable[tuple[int, int | None, int]]:
    """(negative line_no, line_no or None, fen) of rows in the order (customer, item, time)."""
    group: tuple[int | None, str] | None = None
    stack = _Stack()
    for customer_id, item, line_no, kind, quantity, paid_fen, left_fen in rows:
        if group != (customer_id, item):
            group, stack = (customer_id, item), _Stack()
        if kind == "sale":
            stack.lines.append(_Line(line_no, max(quantity, 0), max(left_fen, 0)))
            continue
        fen = -paid_fen
        # Nobody's rows are set against nobody's lines: without a customer they lower the shop only.
        parts, rest = stack.take(abs(quantity), fen) if customer_id is not None and item else ([], fen)
        yield from ((line_no, taken_from, taken) for taken_from, taken in parts)
        if rest:
            yield line_no, None, rest


def _write_allocations(
    con: DuckDBPyConnection, run_id: int, parts: list[tuple[int, int | None, int]]
) -> None:
    import pyarrow as pa

    negative, line, fen = zip(*parts, strict=True) if parts else ((), (), ())
    table = pa.table(
        {"negative_line_no": pa.array(negative, pa.int64()), "taken_from": pa.array(line, pa.int64()),
         "fen": pa.array(fen, pa.int64())}
    )  # fmt: skip
    con.register("allocations", table)
    con.execute(
        """
        INSERT INTO refunds
        SELECT 'negative', g.line_hash, a.taken_from, g.customer_id, g.platform, g.shop, g.shop_key, g.paid_sec,
               CAST(floor(g.paid_sec / 86400) AS INTEGER), a.fen, ?
        FROM allocations AS a JOIN group_lines AS g ON g.line_no = a.negative_line_no
        """,
        [run_id],
    )
    con.unregister("allocations")
