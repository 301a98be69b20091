"""The staff table: one row per 员工账号, never deleted, only retired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.store import versions
from siyu_cli.store.versions import Undone

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

STAFF = versions.Versioned("staff", "staff_id", moment=None)

CONTENT = (
    "name", "department", "store", "phone", "weight_milli", "daily_cap", "holding_cap", "channels", "regions",
    "skills", "is_active",
)  # fmt: skip


@dataclass(frozen=True)
class StaffRow:
    """A staff member by account and name, with what the sheet says of dealing leads to them.

    `weight_milli` is in thousandths; caps are None where there is none; channels, regions, store and skills
    are the cells as they stand.
    """

    staff_id: str
    name: str
    is_active: bool = True
    weight_milli: int = 1000
    daily_cap: int | None = None
    holding_cap: int | None = None
    channels: str | None = None
    regions: str | None = None
    store: str | None = None
    skills: str | None = None


def stage_staff(con: DuckDBPyConnection, incoming: pa.Table) -> None:
    """Put cleaned rows (with file_no) beside the table as `incoming_staff`, each with what it would do.

    `absent` names the columns a row's sheet does not have: what is known there stays. The first file that
    names an account counts; `differs` marks a later one that says something else.
    """
    con.register("incoming_staff_rows", incoming)
    content = ", ".join(f"i.{name}" for name in CONTENT)
    said = ", ".join(
        f"CASE WHEN s.staff_id IS NOT NULL AND list_contains(r.absent, '{name}') THEN s.{name} ELSE r.{name} END AS {name}"
        for name in CONTENT
    )
    changed = " OR ".join(f"i.{name} IS DISTINCT FROM s.{name}" for name in CONTENT)
    first = ", ".join(f"first_value(i.{name}) OVER by_account" for name in CONTENT)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE incoming_staff AS
        WITH said AS (
            SELECT r.file_no, r.row_no, r.staff_id, {said}
            FROM incoming_staff_rows AS r LEFT JOIN staff AS s ON s.staff_id = r.staff_id
        )
        SELECT i.file_no, i.row_no, i.staff_id, {content},
               CASE WHEN row_number() OVER by_account > 1 THEN 'duplicate' WHEN s.staff_id IS NULL THEN 'new'
                    WHEN {changed} THEN 'updated' ELSE 'unchanged' END AS outcome,
               (row({content}) IS DISTINCT FROM row({first})) AS differs
        FROM said AS i
        LEFT JOIN staff AS s ON s.staff_id = i.staff_id
        WINDOW by_account AS (PARTITION BY i.staff_id ORDER BY i.file_no, i.row_no)
    """)
    con.unregister("incoming_staff_rows")


def staged_conflicts(con: DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """Accounts that two files describe differently: account, file number and row of the later one."""
    return con.execute(
        "SELECT staff_id, file_no, row_no FROM incoming_staff WHERE differs ORDER BY file_no, row_no"
    ).fetchall()


def staged_outcomes(con: DuckDBPyConnection) -> dict[tuple[int, str], int]:
    """Rows per file number and outcome."""
    rows = con.execute("SELECT file_no, outcome, count(*) FROM incoming_staff GROUP BY ALL").fetchall()
    return {(file_no, outcome): count for file_no, outcome, count in rows}


def apply_staged(con: DuckDBPyConnection, run_id: int) -> None:
    """Write new and changed people; what stood before is kept for undo-import."""
    content = ", ".join(CONTENT)
    versions.confirm(con, STAFF, "(SELECT staff_id FROM incoming_staff WHERE outcome = 'unchanged')", run_id)
    versions.keep(con, STAFF, "(SELECT staff_id FROM incoming_staff WHERE outcome = 'updated')", run_id)
    con.execute(
        f"""
        UPDATE staff SET {", ".join(f"{name} = i.{name}" for name in CONTENT)}, run_id = ?
        FROM incoming_staff AS i WHERE i.staff_id = staff.staff_id AND i.outcome = 'updated'
        """,
        [run_id],
    )
    con.execute(
        f"""
        INSERT INTO staff (staff_id, {content}, first_run_id, run_id)
        SELECT staff_id, {content}, ?, ? FROM incoming_staff WHERE outcome = 'new' ORDER BY staff_id
        """,
        [run_id, run_id],
    )


def missing_staff(con: DuckDBPyConnection) -> list[StaffRow]:
    """Active people whom the staged files do not name."""
    rows = con.execute("""
        SELECT staff_id, name FROM staff AS s
        WHERE is_active = 1 AND NOT EXISTS (SELECT 1 FROM incoming_staff AS i WHERE i.staff_id = s.staff_id)
        ORDER BY staff_id
    """).fetchall()
    return [StaffRow(*row) for row in rows]


def returning_staff(con: DuckDBPyConnection) -> list[StaffRow]:
    """Retired people whom the staged files make active again."""
    rows = con.execute("""
        SELECT i.staff_id, i.name FROM incoming_staff AS i JOIN staff AS s ON s.staff_id = i.staff_id
        WHERE i.outcome = 'updated' AND i.is_active = 1 AND s.is_active = 0 ORDER BY i.staff_id
    """).fetchall()
    return [StaffRow(*row) for row in rows]


def retire_staff(con: DuckDBPyConnection, staff_ids: list[str], run_id: int) -> None:
    """Mark people as no longer active; what they hold stays theirs."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE retiring AS SELECT unnest(?::VARCHAR[]) AS staff_id", [staff_ids]
    )
    versions.keep(con, STAFF, "retiring", run_id)
    con.execute(
        "UPDATE staff SET is_active = 0, run_id = ? WHERE staff_id IN (SELECT staff_id FROM retiring)",
        [run_id],
    )


def all_staff(con: DuckDBPyConnection) -> list[StaffRow]:
    """Everyone, by account."""
    rows = con.execute("""
        SELECT staff_id, name, is_active = 1, weight_milli, daily_cap, holding_cap, channels, regions, store, skills
        FROM staff ORDER BY staff_id
    """).fetchall()
    return [StaffRow(*row) for row in rows]


def take_back(con: DuckDBPyConnection, run_id: int) -> Undone:
    """Take an import of staff back; whoever was given leads since stays, as `assigned-since`."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE staff_needed AS
        SELECT * FROM staff WHERE staff_id IN (SELECT staff_id FROM lead_events UNION SELECT staff_id FROM lead_shares)
    """)
    undone = versions.take_back(con, STAFF, run_id)
    back = con.execute(
        "INSERT INTO staff SELECT * FROM staff_needed ANTI JOIN staff USING (staff_id)"
    ).fetchall()
    kept = int(back[0][0])
    return undone + Undone(-kept, 0, {"assigned-since": kept} if kept else {})
