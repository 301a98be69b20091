"""Leads assigned by sheet: what each row would do, judged against pool and staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


def stage(con: DuckDBPyConnection, incoming: pa.Table, files: list[str], as_of_sec: int) -> None:
    """Put cleaned rows (with file_no) beside pool and staff as `incoming_assignments`, each with its verdict.

    A row names an account, or a name that only one person has. Of usable rows about one phone the first counts;
    a later one that names somebody else is rejected, and so is a lead that changed after `as_of_sec`.
    """
    con.register("incoming_assignment_rows", incoming)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE incoming_assignments AS
        WITH named AS (
            SELECT r.file_no, r.row_no, r.phone, coalesce(s.staff_id, n.staff_id) AS staff_id,
                   coalesce(s.is_active, n.is_active) AS is_active, n.people
            FROM incoming_assignment_rows AS r
            LEFT JOIN staff AS s ON s.staff_id = r.staff_id
            LEFT JOIN (SELECT name, count(*) AS people, CASE WHEN count(*) = 1 THEN min(staff_id) END AS staff_id,
                              min(is_active) AS is_active
                       FROM staff GROUP BY name) AS n ON r.staff_id IS NULL AND n.name = r.name
        ),
        placed AS (
            SELECT n.*, l.lead_id, l.state, l.staff_id AS holder, l.last_sec, o.phone IS NOT NULL AS is_opted_out,
                   row_number() OVER w AS nth, first_value(n.staff_id) OVER w AS first_staff_id
            FROM named AS n LEFT JOIN lead_state AS l ON l.phone = n.phone
            LEFT JOIN (SELECT DISTINCT phone FROM opt_outs) AS o ON o.phone = n.phone
            WINDOW w AS (PARTITION BY n.phone, n.staff_id IS NULL ORDER BY n.file_no, n.row_no)
        ),
        told AS (
            SELECT *, CASE WHEN staff_id IS NULL AND people > 1 THEN 'several-staff'
                           WHEN staff_id IS NULL THEN 'unknown-staff' WHEN is_active = 0 THEN 'staff-inactive'
                           WHEN lead_id IS NULL THEN 'not-a-lead' WHEN is_opted_out THEN 'lead-opted-out'
                           WHEN nth > 1 AND staff_id IS DISTINCT FROM first_staff_id THEN 'assignment-differs'
                           WHEN nth > 1 THEN 'duplicate-phone'
                           WHEN state IN ('待添加', '待通过') AND holder = staff_id THEN 'already-theirs'
                           WHEN state <> '待分配' THEN 'not-in-pool' WHEN last_sec > $as_of THEN 'changed-later'
                           END AS reason
            FROM placed
        )
        SELECT file_no, row_no, lead_id, staff_id, reason,
               CASE WHEN reason IS NULL THEN 'new' WHEN reason = 'duplicate-phone' THEN 'duplicate'
                    WHEN reason = 'already-theirs' THEN 'unchanged' ELSE 'rejected' END AS verdict,
               list_extract($files::VARCHAR[], file_no + 1) || ' 第 ' || row_no || ' 行' AS place
        FROM told
        """,
        {"files": files, "as_of": as_of_sec},
    )
    con.unregister("incoming_assignment_rows")


def staged_verdicts(con: DuckDBPyConnection, file_no: int) -> list[tuple[str, str | None, int]]:
    """(verdict, reason, rows) of a file."""
    return con.execute(
        "SELECT verdict, reason, count(*) FROM incoming_assignments WHERE file_no = ? GROUP BY ALL ORDER BY ALL",
        [file_no],
    ).fetchall()


def staged_rejects(con: DuckDBPyConnection, file_no: int) -> list[tuple[int, str]]:
    """(row number, reason) of the rows of a file that are refused."""
    return con.execute(
        "SELECT row_no, reason FROM incoming_assignments WHERE file_no = ? AND verdict = 'rejected' ORDER BY row_no",
        [file_no],
    ).fetchall()


def staged_by_staff(con: DuckDBPyConnection) -> dict[str, int]:
    """Account → leads it gets."""
    rows = con.execute(
        "SELECT staff_id, count(*) FROM incoming_assignments WHERE verdict = 'new' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return dict(rows)


def staged_assignments(con: DuckDBPyConnection, why: str) -> pa.Table:
    """lead_id, staff_id and reason of the accepted rows; `why` comes before the place of the row."""
    relation: Any = con.sql(
        "SELECT lead_id, staff_id, ? || place AS reason FROM incoming_assignments WHERE verdict = 'new' "
        "ORDER BY file_no, row_no",
        params=[why],
    )
    return relation.to_arrow_table()
