"""Leave of staff: one row per person and first day, with its last day; a leave called off stays as a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.store import versions
from siyu_cli.store.versions import Undone

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

LEAVES = versions.Versioned("staff_leaves", "leave_id", moment=None)

CONTENT = ("to_day", "reason", "is_active")


@dataclass(frozen=True)
class Leave:
    """Someone's leave, both days included."""

    staff_id: str
    from_day: int
    to_day: int
    reason: str | None = None


def stage_leaves(con: DuckDBPyConnection, incoming: pa.Table) -> None:
    """Put cleaned rows (with file_no) beside the table as `incoming_leaves`: whose each is, and what it would do.

    A row names an account, or a name that only one person has. Rows that name nobody are `rejected` with a
    reason; of rows about the same person and first day the first counts.
    """
    con.register("incoming_leave_rows", incoming)
    content = ", ".join(f"i.{name}" for name in CONTENT)
    changed = " OR ".join(f"i.{name} IS DISTINCT FROM s.{name}" for name in CONTENT)
    first = ", ".join(f"first_value(i.{name}) OVER by_leave" for name in CONTENT)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE incoming_leaves AS
        WITH named AS (
            SELECT r.* EXCLUDE (staff_id), coalesce(s.staff_id, n.staff_id) AS staff_id,
                   CASE WHEN coalesce(s.staff_id, n.staff_id) IS NOT NULL THEN NULL
                        WHEN n.people > 1 THEN 'several-staff' ELSE 'unknown-staff' END AS reason_code
            FROM incoming_leave_rows AS r
            LEFT JOIN staff AS s ON s.staff_id = r.staff_id
            LEFT JOIN (SELECT name, count(*) AS people, CASE WHEN count(*) = 1 THEN min(staff_id) END AS staff_id
                       FROM staff GROUP BY name) AS n ON r.staff_id IS NULL AND n.name = r.name
        ),
        keyed AS (SELECT *, staff_id || ' ' || from_day AS leave_id FROM named)
        SELECT i.file_no, i.row_no, i.leave_id, i.staff_id, i.from_day, {content},
               CASE WHEN i.reason_code IS NOT NULL THEN 'rejected'
                    WHEN row_number() OVER by_leave > 1 AND row({content}) IS DISTINCT FROM row({first}) THEN 'rejected'
                    WHEN row_number() OVER by_leave > 1 THEN 'duplicate' WHEN s.leave_id IS NULL THEN 'new'
                    WHEN {changed} THEN 'updated' ELSE 'unchanged' END AS outcome,
               coalesce(i.reason_code, CASE
                   WHEN row_number() OVER by_leave > 1 AND row({content}) IS DISTINCT FROM row({first})
                   THEN 'leave-differs' WHEN row_number() OVER by_leave > 1 THEN 'duplicate-leave' END) AS outcome_reason
        FROM keyed AS i LEFT JOIN staff_leaves AS s ON s.leave_id = i.leave_id
        WINDOW by_leave AS (PARTITION BY coalesce(i.leave_id, i.file_no || '/' || i.row_no) ORDER BY i.file_no, i.row_no)
    """)
    con.unregister("incoming_leave_rows")


def staged_outcomes(con: DuckDBPyConnection, file_no: int) -> list[tuple[str, str | None, int]]:
    """(outcome, reason, rows) of a file."""
    return con.execute(
        """
        SELECT outcome, outcome_reason, count(*) FROM incoming_leaves WHERE file_no = ? GROUP BY ALL ORDER BY ALL
        """,
        [file_no],
    ).fetchall()


def staged_rejects(con: DuckDBPyConnection, file_no: int) -> list[tuple[int, str]]:
    """(row number, reason) of the rows of a file that are refused."""
    return con.execute(
        "SELECT row_no, outcome_reason FROM incoming_leaves WHERE file_no = ? AND outcome = 'rejected' ORDER BY row_no",
        [file_no],
    ).fetchall()


def apply_staged(con: DuckDBPyConnection, run_id: int) -> None:
    """Write new and changed leaves; what stood before is kept for undo-import."""
    content = ", ".join(CONTENT)
    versions.confirm(
        con, LEAVES, "(SELECT leave_id FROM incoming_leaves WHERE outcome = 'unchanged')", run_id
    )
    versions.keep(con, LEAVES, "(SELECT leave_id FROM incoming_leaves WHERE outcome = 'updated')", run_id)
    con.execute(
        f"""
        UPDATE staff_leaves SET {", ".join(f"{name} = i.{name}" for name in CONTENT)}, run_id = ?
        FROM incoming_leaves AS i WHERE i.leave_id = staff_leaves.leave_id AND i.outcome = 'updated'
        """,
        [run_id],
    )
    con.execute(
        f"""
        INSERT INTO staff_leaves (leave_id, staff_id, from_day, {content}, first_run_id, run_id)
        SELECT leave_id, staff_id, from_day, {content}, ?, ? FROM incoming_leaves WHERE outcome = 'new'
        ORDER BY leave_id
        """,
        [run_id, run_id],
    )


def leaves_on(con: DuckDBPyConnection, day: int) -> dict[str, Leave]:
    """Who is away on a day; of overlapping leaves the one that lasts longest."""
    rows = con.execute(
        """
        SELECT staff_id, from_day, to_day, reason FROM staff_leaves
        WHERE is_active = 1 AND from_day <= $day AND to_day >= $day ORDER BY staff_id, to_day, from_day DESC
        """,
        {"day": day},
    ).fetchall()
    return {row[0]: Leave(*row) for row in rows}


def take_back(con: DuckDBPyConnection, run_id: int) -> Undone:
    """Take an import of leaves back."""
    return versions.take_back(con, LEAVES, run_id)
