"""What becomes of the staged rows of an order file, beside each other and beside what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.store import versions
from siyu_cli.store.orders import CONTENT, LINES, Staging, has_any, joined, unless_empty

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge(con: DuckDBPyConnection, staging: Staging, exported_sec: int) -> None:
    """Say what becomes of every staged row; `seen_lines` holds the keys of earlier files of this run."""
    if not staging.counts_occurrences and has_any(con, "repeated_keys"):
        _judge_repeated(con)
    if staging.level == "detail":
        con.execute("""
            UPDATE staged SET verdict = 'rejected', reason = 'no-such-order'
            WHERE verdict = 'new' AND order_hash NOT IN (SELECT order_hash FROM order_lines WHERE level <> 'detail')
        """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE known AS
        SELECT l.line_no, l.line_hash, l.order_no, l.first_run_id, l.run_id, l.exported_sec, FALSE AS is_equal,
               h.line_hash IS NOT NULL AS is_seen
        FROM order_lines AS l SEMI JOIN staged AS s ON s.line_hash = l.line_hash
        LEFT JOIN (SELECT DISTINCT line_hash FROM seen_lines) AS h ON h.line_hash = l.line_hash
        {unless_empty(con)}
    """)
    if has_any(con, "known"):
        _judge_known(con, exported_sec)


def _judge_repeated(con: DuckDBPyConnection) -> None:
    """Rows of one file with one key: equal ones are one row written twice.

    Of different ones the most advanced stays (paid before unpaid, later, larger) and the other goes back
    to the operator.
    """
    con.execute(f"""
        UPDATE staged SET verdict = CASE WHEN r.is_equal THEN 'duplicate' ELSE 'rejected' END,
                          reason = CASE WHEN r.is_equal THEN 'same-row' ELSE 'conflicting-rows' END
        FROM (
            SELECT row_no, content = first_value(content) OVER w AS is_equal
            FROM (SELECT s.line_hash, c.*, md5_number({joined(*CONTENT)}) AS content
                  FROM cleaned AS c
                  JOIN (FROM staged SEMI JOIN repeated_keys USING (line_hash)) AS s ON s.row_no = c.row_no
                  WHERE s.verdict = 'new')
            WINDOW w AS (PARTITION BY line_hash ORDER BY (status = 'unpaid'), paid_sec DESC NULLS LAST,
                         paid_fen DESC, content, row_no)
            QUALIFY row_number() OVER w > 1
        ) AS r WHERE r.row_no = staged.row_no
    """)


def _judge_known(con: DuckDBPyConnection, exported_sec: int) -> None:
    """Rows whose key is known: `known` gets whether they say the same, and how new what is known is."""
    said = f"hash({', '.join(CONTENT)}) AS said"
    con.execute(f"""
        UPDATE known SET is_equal = TRUE FROM (
            SELECT l.line_no
            FROM (SELECT line_no, line_hash, {said} FROM order_lines SEMI JOIN known USING (line_no)) AS l
            JOIN (SELECT s.line_hash, {said} FROM cleaned JOIN staged AS s USING (row_no)
                  WHERE s.verdict = 'new') AS c ON c.line_hash = l.line_hash AND c.said = l.said
        ) AS x WHERE x.line_no = known.line_no
    """)
    con.execute(f"""
        UPDATE known SET exported_sec = x.moment_sec FROM ({versions.standing_sql(LINES, "known")}) AS x
        WHERE x.line_no = known.line_no
    """)
    con.execute(
        """
        UPDATE staged SET
            verdict = CASE
                WHEN (k.is_equal OR k.exported_sec > $moment) AND k.is_seen THEN 'duplicate'
                WHEN k.is_equal OR k.exported_sec > $moment THEN 'unchanged'
                ELSE 'updated' END,
            reason = CASE
                WHEN k.is_equal AND k.is_seen THEN 'same-row'
                WHEN k.is_equal THEN 'known'
                WHEN k.exported_sec > $moment THEN 'older-export' END
        FROM known AS k WHERE staged.verdict = 'new' AND k.line_hash = staged.line_hash
        """,
        {"moment": exported_sec},
    )
