"""Money that goes back: return lists against known orders, and negative rows against earlier lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def stage_returns(
    con: DuckDBPyConnection,
    incoming: str,
    order_key: tuple[str, ...],
    platform: str | None,
    *,
    has_line_id: bool = False,
) -> None:
    """Make `staged` from the rows of a return list registered as `incoming`, and `matched`, the orders they name.

    A row speaks of every order with paid lines that matches its key (of a list with line ids, of the line
    it names).
    """
    named = (*order_key, "line_id") if has_line_id else order_key
    key = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(29))" for name in named)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged AS
        SELECT row_no, {", ".join(dict.fromkeys((*order_key, "line_id")))}, refund_amount_fen, refunded_sec,
               md5_number(concat_ws(chr(31), 'returns', {"platform, " if platform else ""}{key},
                                    coalesce(CAST(refund_amount_fen AS VARCHAR), ''),
                                    coalesce(CAST(refunded_sec AS VARCHAR), ''))) AS source_hash,
               CAST(NULL AS VARCHAR) AS verdict, CAST(NULL AS VARCHAR) AS reason
        FROM {incoming}
    """)
    same_order = " AND ".join(f"l.{name} = s.{name}" for name in order_key)
    line_id = "CAST(NULL AS VARCHAR)"
    if has_line_id:
        same_order += " AND (s.line_id IS NULL OR l.line_id IS NULL OR l.line_id = s.line_id)"
        line_id = "s.line_id"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE matched AS
        SELECT DISTINCT s.source_hash, l.order_hash, {line_id} AS line_id, s.refund_amount_fen, s.refunded_sec
        FROM staged AS s JOIN order_lines AS l ON {same_order}
        WHERE l.kind = 'sale' AND l.is_detail = 0 AND l.status IN ('paid', 'refunded')
          AND ($platform IS NULL OR l.platform = $platform)
        """,
        {"platform": platform},
    )


def merge_returns(con: DuckDBPyConnection, run_id: int) -> None:
    """Judge the staged rows (rejected where no order is known) and keep what they say of orders."""
    con.execute("""
        UPDATE staged SET verdict = x.verdict, reason = x.reason
        FROM (
            SELECT s.row_no,
                   CASE WHEN s.nth > 1 THEN 'duplicate' WHEN m.source_hash IS NULL THEN 'rejected'
                        WHEN r.source_hash IS NOT NULL THEN 'unchanged' ELSE 'new' END AS verdict,
                   CASE WHEN s.nth > 1 THEN 'same-row' WHEN m.source_hash IS NULL THEN 'no-such-order'
                        WHEN r.source_hash IS NOT NULL THEN 'known' END AS reason
            FROM (SELECT row_no, source_hash, row_number() OVER (PARTITION BY source_hash ORDER BY row_no) AS nth
                  FROM staged) AS s
            LEFT JOIN (SELECT DISTINCT source_hash FROM matched) AS m ON m.source_hash = s.source_hash
            LEFT JOIN (SELECT DISTINCT source_hash FROM return_rows) AS r ON r.source_hash = s.source_hash
        ) AS x WHERE x.row_no = staged.row_no
    """)
    # Every run that says it counts: what one import brought stays while another one says the same.
    con.execute(
        """
        INSERT INTO return_rows
        SELECT m.*, $run FROM matched AS m ANTI JOIN (SELECT * FROM return_rows WHERE run_id = $run) AS r
        ON r.source_hash = m.source_hash AND r.order_hash = m.order_hash
        """,
        {"run": run_id},
    )


def allocate_returns(con: DuckDBPyConnection) -> None:
    """Set what return lists say of the orders in `changed_orders(order_no)` against their paid lines.

    Always from the beginning, so the order in which files come does not matter. Rows that speak of one
    order take turns, amounts before wholes and earlier days first: what one has taken is not there for
    the next. Without an amount a row takes all that is left of its lines, with one that amount, spread by
    what is left of each. Orders that one row speaks of together are set together and join
    `changed_orders`. A line that has nothing left gets a row of 0.
    """
    returns = "SELECT 1 FROM return_rows UNION ALL SELECT 1 FROM refunds WHERE kind = 'returns' LIMIT 1"
    if not con.execute(returns).fetchall():
        return
    _join_orders(con)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE return_pairs AS
        SELECT row_number() OVER (ORDER BY refund_fen IS NULL, line_id IS NULL, refunded_sec NULLS LAST, source_hash,
                                  line_hash) AS place, dense_rank() OVER (ORDER BY source_hash) AS source_no, *
        FROM (
            SELECT r.source_hash, min(r.refund_fen) AS refund_fen, min(r.line_id) AS line_id, min(r.run_id) AS run_id,
                   min(r.refunded_sec) AS refunded_sec, l.line_no, l.line_hash, l.customer_id, l.platform, l.shop,
                   l.shop_key, l.paid_sec, greatest(l.paid_fen - l.refund_fen, 0) AS left_fen
            FROM return_rows AS r JOIN return_orders AS o ON o.order_hash = r.order_hash
            JOIN order_lines AS l ON l.order_hash = r.order_hash
                AND (r.line_id IS NULL OR l.line_id IS NULL OR l.line_id = r.line_id)
            WHERE l.kind = 'sale' AND l.is_detail = 0 AND l.status IN ('paid', 'refunded')
            GROUP BY ALL
        )
    """)
    pairs = con.execute(
        "SELECT place, source_no, refund_fen, line_no, left_fen FROM return_pairs ORDER BY place"
    ).fetchall()
    con.execute("""
        DELETE FROM refunds WHERE kind = 'returns' AND line_no IN (
            SELECT l.line_no FROM order_lines AS l SEMI JOIN changed_orders AS c ON c.order_no = l.order_no)
    """)
    _register_parts(con, list(_take_turns(pairs)))
    con.execute("""
        INSERT INTO refunds
        SELECT 'returns', p.source_hash, p.line_no, p.customer_id, p.platform, p.shop, p.shop_key,
               coalesce(p.refunded_sec, p.paid_sec),
               CAST(floor(coalesce(p.refunded_sec, p.paid_sec) / 86400) AS INTEGER), a.fen, p.run_id
        FROM parts AS a JOIN return_pairs AS p ON p.place = a.of_no
    """)
    con.unregister("parts")


def _join_orders(con: DuckDBPyConnection) -> None:
    """Make `return_orders(order_hash)`: the changed orders with returns, and all that share a return with them."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE return_orders AS
        SELECT DISTINCT l.order_hash FROM order_lines AS l SEMI JOIN changed_orders AS c ON c.order_no = l.order_no
        SEMI JOIN return_rows AS r ON r.order_hash = l.order_hash
    """)
    found = True
    while found:
        found = bool(
            con.execute("""
                INSERT INTO return_orders
                SELECT DISTINCT order_hash FROM return_rows
                SEMI JOIN (SELECT source_hash FROM return_rows SEMI JOIN return_orders USING (order_hash)) AS s
                    USING (source_hash)
                ANTI JOIN return_orders USING (order_hash)
            """).fetchall()[0][0]
        )
    con.execute("""
        INSERT INTO changed_orders
        SELECT DISTINCT l.order_no FROM order_lines AS l SEMI JOIN return_orders AS o ON o.order_hash = l.order_hash
        ANTI JOIN changed_orders AS c ON c.order_no = l.order_no
    """)


def _take_turns(
    pairs: Iterable[tuple[int, int, int | None, int, int]],
) -> Iterable[tuple[int, int | None, int]]:
    """(place, line_no, fen) of (place, source, wanted fen or None, line_no, fen of the line), one source after another."""
    left: dict[int, int] = {}
    for _, rows in groupby(pairs, key=itemgetter(1)):
        turn = list(rows)
        free = [left.setdefault(line_no, fen) for *_, line_no, fen in turn]
        total = sum(free)
        wanted = total if turn[0][2] is None else min(max(turn[0][2], 0), total)
        shares = [wanted * fen // total if total else 0 for fen in free]
        # Largest remainders first; the sort is stable, so ties go by line.
        by_rest = sorted(range(len(turn)), key=lambda at: -(wanted * free[at] % total) if total else 0)
        for at in by_rest[: wanted - sum(shares)]:
            shares[at] += 1
        for (place, _, _, line_no, _), fen in zip(turn, shares, strict=True):
            left[line_no] -= fen
            yield place, line_no, fen


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


def find_changed_groups(con: DuckDBPyConnection) -> None:
    """Add the (customer, item) groups of the lines of `changed_orders` to `changed_groups`, if any row is negative."""
    if not con.execute("SELECT 1 FROM order_lines WHERE kind = 'negative' LIMIT 1").fetchall():
        return
    con.execute("""
        INSERT INTO changed_groups
        SELECT DISTINCT l.customer_id, coalesce(l.sku_key, l.product_key, '')
        FROM order_lines AS l SEMI JOIN changed_orders AS c ON c.order_no = l.order_no
    """)


def allocate_negatives(con: DuckDBPyConnection, run_id: int) -> None:
    """Set negative rows against the same buyer's latest earlier lines of the same item, again where they changed.

    Only the groups of `changed_groups(customer_id, item)` that hold negative rows are read. What finds no
    line stays as a refund without line: it lowers totals on its own day.
    """
    con.execute("""
        CREATE OR REPLACE TEMP TABLE negative_groups AS
        SELECT DISTINCT n.customer_id, n.item
        FROM (SELECT customer_id, coalesce(sku_key, product_key, '') AS item FROM order_lines WHERE kind = 'negative') AS n
        JOIN changed_groups AS t ON t.customer_id IS NOT DISTINCT FROM n.customer_id AND t.item = n.item
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE group_lines AS
        SELECT l.customer_id, g.item, l.line_no, l.kind, l.paid_sec, l.quantity_milli, l.paid_fen, l.refund_fen,
               l.status, l.line_hash, l.platform, l.shop, l.shop_key
        FROM order_lines AS l
        JOIN negative_groups AS g ON g.customer_id IS NOT DISTINCT FROM l.customer_id
                                 AND g.item = coalesce(l.sku_key, l.product_key, '')
        WHERE l.is_detail = 0 AND l.paid_sec IS NOT NULL AND (l.kind = 'negative' OR l.status IN ('paid', 'refunded'))
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
    _register_parts(con, list(_allocate(rows)))
    con.execute(
        """
        INSERT INTO refunds
        SELECT 'negative', g.line_hash, a.line_no, g.customer_id, g.platform, g.shop, g.shop_key, g.paid_sec,
               CAST(floor(g.paid_sec / 86400) AS INTEGER), a.fen, ?
        FROM parts AS a JOIN group_lines AS g ON g.line_no = a.of_no
        """,
        [run_id],
    )
    con.unregister("parts")


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


def _register_parts(con: DuckDBPyConnection, found: list[tuple[int, int | None, int]]) -> None:
    """`parts(of_no, line_no, fen)`: what each refund takes from which line."""
    import pyarrow as pa

    of_no, line_no, fen = zip(*found, strict=True) if found else ((), (), ())
    columns = {"of_no": of_no, "line_no": line_no, "fen": fen}
    con.register("parts", pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()}))


def forget_returns(con: DuckDBPyConnection, run_id: int) -> tuple[int, int]:
    """Take back what a run's return lists say: rows gone, and rows that stay because another run says the same.

    The orders they speak of join `changed_orders`, so that what is left is set against them again.
    """
    con.execute(
        """
        INSERT INTO changed_orders
        SELECT DISTINCT l.order_no FROM order_lines AS l
        SEMI JOIN (SELECT order_hash FROM return_rows WHERE run_id = ?) AS r ON r.order_hash = l.order_hash
        ANTI JOIN changed_orders AS c ON c.order_no = l.order_no
        """,
        [run_id],
    )
    gone, kept = con.execute(
        """
        SELECT count(*) FILTER (first_run_id = last_run_id), count(*) FILTER (first_run_id <> last_run_id)
        FROM (SELECT min(run_id) AS first_run_id, max(run_id) AS last_run_id FROM return_rows
              GROUP BY source_hash HAVING bool_or(run_id = ?))
        """,
        [run_id],
    ).fetchall()[0]
    con.execute("DELETE FROM return_rows WHERE run_id = ?", [run_id])
    return int(gone), int(kept)


def drop_orphans(con: DuckDBPyConnection) -> None:
    """Drop refunds whose line or negative row is gone."""
    con.execute("""
        DELETE FROM refunds WHERE line_no IS NOT NULL AND line_no NOT IN (SELECT line_no FROM order_lines)
           OR kind = 'negative' AND source_hash NOT IN (SELECT line_hash FROM order_lines WHERE kind = 'negative')
    """)
