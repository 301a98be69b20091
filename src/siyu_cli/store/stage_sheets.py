"""Rows that put customers into stages by hand, from sheets or from staff: judged one by one, then appended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.store.sheet_people import place_people
from siyu_cli.store.stages import stage_by_hand

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge_rows(con: DuckDBPyConnection, incoming: str) -> None:
    """Make `judged_stages` of the relation `incoming`, each row with a verdict.

    Its columns are file_no, row_no, phone, named_id (see place_people), stage, staff_id, reason, moment_sec.

    `stage` is a stage of the list, null where the word is none. Of the rows about one customer the newest counts, the
    first of equally new ones. A person is moved unless they stand there by hand, or this member of staff said so
    before, or somebody said something later. A phone that is nobody's yet waits for its customer.
    """
    place_people(con, incoming)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE judged_stages AS
        WITH told AS (
            SELECT customer_id, staff_id, arg_max(to_stage, move_no) AS stage FROM stage_moves
            WHERE source IN ('hand', 'waited') AND staff_id IS NOT NULL
              AND move_no NOT IN (SELECT undoes FROM stage_moves WHERE undoes IS NOT NULL)
            GROUP BY ALL
        ),
        waits AS (
            SELECT phone, arg_max(stage, at_sec) AS stage FROM stage_waiting WHERE used_run_id IS NULL GROUP BY phone
        ),
        placed AS (
            SELECT i.*, s.stage AS now_stage, s.mode, s.at_sec AS last_sec, t.stage AS told_stage,
                   w.stage AS waiting_stage, coalesce(CAST(i.customer_id AS VARCHAR), i.phone) AS who
            FROM placed_rows AS i
            LEFT JOIN stage_state AS s ON s.customer_id = i.customer_id
            LEFT JOIN told AS t ON t.customer_id = i.customer_id AND t.staff_id = i.staff_id
            LEFT JOIN waits AS w ON w.phone = i.phone
        ),
        ranked AS (
            SELECT *, row_number() OVER newest AS place, first_value(stage) OVER newest AS chosen,
                   first_value(moment_sec) OVER newest AS chosen_sec
            FROM placed
            WINDOW newest AS (PARTITION BY who, stage IS NULL, who_code ORDER BY moment_sec DESC, file_no, row_no)
        ),
        said AS (
            SELECT *, CASE
                WHEN who_code IS NOT NULL THEN who_code
                WHEN stage IS NULL THEN 'unknown-stage'
                WHEN place > 1 AND stage = chosen THEN 'duplicate-phone'
                WHEN place > 1 AND moment_sec = chosen_sec THEN 'stage-differs'
                WHEN place > 1 THEN 'older-stage'
                WHEN customer_id IS NULL AND waiting_stage = stage THEN 'waits-already'
                WHEN customer_id IS NULL THEN 'waits-for-customer'
                WHEN mode = 'hand' AND now_stage = stage THEN 'there-already'
                WHEN told_stage = stage THEN 'said-already'
                WHEN mode <> 'rule' AND last_sec > moment_sec THEN 'older-stage' END AS code
            FROM ranked
        )
        SELECT file_no, row_no, phone, customer_id, stage, staff_id, coalesce(reason, '') AS reason, moment_sec AS at_sec,
               code, CASE WHEN code IS NULL THEN 'updated' WHEN code = 'waits-for-customer' THEN 'new'
                          WHEN code = 'duplicate-phone' THEN 'duplicate'
                          WHEN code = who_code OR code IN ('unknown-stage', 'stage-differs') THEN 'rejected'
                          ELSE 'unchanged' END AS verdict
        FROM said
    """)


def write_rows(con: DuckDBPyConnection, first_stage: str, run_id: int) -> int:
    """Append what `judge_rows` let through; how many customers moved."""
    con.execute(
        "INSERT INTO stage_waiting SELECT phone, stage, at_sec, staff_id, reason, ?, NULL FROM judged_stages "
        "WHERE verdict = 'new' ORDER BY file_no, row_no",
        [run_id],
    )
    return stage_by_hand(con, "(SELECT * FROM judged_stages WHERE verdict = 'updated')", first_stage, run_id)


def verdicts(con: DuckDBPyConnection) -> list[tuple[int, int, str, str | None]]:
    """(file number, row number, verdict, code) of every row."""
    return con.execute(
        "SELECT file_no, row_no, verdict, code FROM judged_stages ORDER BY file_no, row_no"
    ).fetchall()


def moves_of(con: DuckDBPyConnection) -> dict[str, int]:
    """Stage → how many customers the rows put there; '' → how many wait."""
    return dict(
        con.execute(
            "SELECT CASE WHEN verdict = 'new' THEN '' ELSE stage END, count(*) FROM judged_stages "
            "WHERE verdict IN ('new', 'updated') GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )
