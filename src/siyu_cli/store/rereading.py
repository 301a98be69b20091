"""A file read again in another way: what its first reading left in the store, beside the new rows."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def earlier_runs(con: DuckDBPyConnection, hashes: Collection[str], run_id: int) -> list[int]:
    """Imports of orders before `run_id`, not taken back, that read one of the files with these hashes."""
    taken_back = {
        json.loads(counts).get("undone_run")
        for (counts,) in con.execute(
            "SELECT counts FROM runs WHERE command = 'undo-import' AND outcome = 'done'"
        ).fetchall()
    }
    runs = con.execute(
        "SELECT run_id, inputs FROM runs WHERE command = 'import-orders' AND outcome IN ('done', 'partial') "
        "AND run_id < ? ORDER BY run_id",
        [run_id],
    ).fetchall()
    return [
        number
        for number, inputs in runs
        if number not in taken_back and any(one["sha256"] in hashes for one in json.loads(inputs))
    ]


def left_behind(con: DuckDBPyConnection, runs: Collection[int], run_id: int) -> dict[int, int]:
    """Lines of `runs` (run → lines) that `run_id` says nothing of, in orders to which it added lines.

    A row of the same file that is understood as before is confirmed; one that is now another row (its
    buyer is known, say) stands beside what the file was taken for then, and its money counts twice.
    """
    said = """
        SELECT line_no, run_id FROM order_lines UNION ALL SELECT line_no, run_id FROM order_lines_versions
        UNION ALL SELECT line_no, run_id FROM order_lines_confirmed
    """
    rows = con.execute(
        f"""
        WITH said AS ({said}),
        added AS (SELECT DISTINCT order_no FROM order_lines WHERE first_run_id = $run)
        SELECT s.run_id, count(DISTINCT s.line_no)
        FROM said AS s JOIN order_lines AS l USING (line_no) SEMI JOIN added USING (order_no)
        WHERE list_contains($runs, s.run_id) AND l.kind = 'sale' AND l.is_detail = 0
          AND NOT EXISTS (SELECT 1 FROM said AS now WHERE now.line_no = s.line_no AND now.run_id = $run)
        GROUP BY s.run_id ORDER BY s.run_id
        """,
        {"run": run_id, "runs": list(runs)},
    ).fetchall()
    return dict(rows)
