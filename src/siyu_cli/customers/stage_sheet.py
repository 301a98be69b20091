"""Sheets of stages into the history: which row moves whom, and the account of every file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from siyu_cli.sheets.account import ImportAccount
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.store import stage_sheets
from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf


def merge_stages(
    con: DuckDBPyConnection, run_id: int, as_of: AsOf, stages: Sequence[str], tables: Sequence[CleanTable]
) -> ImportAccount:
    """Move customers as sheets say, inside the caller's transaction; `stages` is the list in order."""
    known = {fold(stage): stage for stage in stages}
    staged = [_columns(at, table, known, as_of) for at, table in enumerate(tables)]
    judged: list[tuple[int, int, str, str | None]] = []
    if staged:
        con.register("incoming_stages", pa.concat_tables(staged))
        stage_sheets.judge_rows(con, "incoming_stages")
        con.unregister("incoming_stages")
        stage_sheets.write_rows(con, stages[0], run_id)
        judged = stage_sheets.verdicts(con)
    files = []
    for at, table in enumerate(tables):
        mine = [(row_no, verdict, code) for file_no, row_no, verdict, code in judged if file_no == at]
        counted = Counter((verdict, code) for _, verdict, code in mine)
        refused = [(row_no, code) for row_no, verdict, code in mine if verdict == "rejected" and code]
        files.append(judged_account(table, [(*key, rows) for key, rows in counted.items()], refused))
    moved = stage_sheets.moves_of(con) if staged else {}
    return ImportAccount(tuple(files), extra={"waiting": moved.pop("", 0), "moved": moved})


def _columns(at: int, table: CleanTable, known: Mapping[str, str], as_of: AsOf) -> pa.Table:
    rows, size = table.rows, table.rows.num_rows
    return pa.table(
        {
            "file_no": pa.repeat(pa.scalar(at, pa.int64()), size),
            "row_no": rows["row_no"],
            "phone": rows["phone"],
            "stage": pa.array([known.get(fold(word)) for word in rows["stage"].to_pylist()], pa.string()),
            "staff_id": pa.nulls(size, pa.string()),
            "reason": rows["reason"],
            "moment_sec": pa.repeat(pa.scalar(as_of.seconds, pa.int64()), size),
        }
    )
