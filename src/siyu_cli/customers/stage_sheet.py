"""Sheets of stages into the history: which row moves whom, and the account of every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.account import ImportAccount
from siyu_cli.sheets.pieces import known_words
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import Judged, Word, accounts_by_row
from siyu_cli.store import stage_sheets
from siyu_cli.words import did_you_mean, fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf


def merge_stages(
    con: DuckDBPyConnection, run_id: int, as_of: AsOf, stages: Sequence[str], tables: Sequence[CleanTable]
) -> ImportAccount:
    """Move customers as sheets say, inside the caller's transaction; `stages` is the list in order."""
    known = {fold(stage): stage for stage in stages}
    staged = [_columns(at, table, known, as_of) for at, table in enumerate(tables)]
    judged: list[Judged] = []
    if staged:
        con.register("incoming_stages", pa.concat_tables(staged))
        stage_sheets.judge_rows(con, "incoming_stages")
        con.unregister("incoming_stages")
        stage_sheets.write_rows(con, stages[0], run_id)
        judged = [Judged(*row) for row in stage_sheets.verdicts(con)]
    moved = stage_sheets.moves_of(con) if staged else {}
    files = accounts_by_row(tables, judged, unknown_words(tables, known))
    return ImportAccount(files, extra={"waiting": moved.pop("", 0), "moved": moved})


def unknown_words(tables: Sequence[CleanTable], known: Mapping[str, str]) -> dict[tuple[int, int], Word]:
    """(file, row) → its word, where that is none of `known` (by folded name), with the nearest one."""
    found: dict[tuple[int, int], Word] = {}
    names = list(known.values())
    for at, table in enumerate(tables):
        rows = table.rows.select(["row_no", "word"])
        missing = rows.filter(pc.is_null(known_words(rows["word"], known))).to_pydict()
        words = {word: Word(word, did_you_mean(word, names) or "") for word in set(missing["word"])}
        for row_no, word in zip(missing["row_no"], missing["word"], strict=True):
            found[at, row_no] = words[word]
    return found


def _columns(at: int, table: CleanTable, known: Mapping[str, str], as_of: AsOf) -> pa.Table:
    rows, size = table.rows, table.rows.num_rows
    return pa.table(
        {
            "file_no": pa.repeat(pa.scalar(at, pa.int64()), size),
            "row_no": rows["row_no"],
            "phone": rows["phone"],
            "named_id": rows["named_id"],
            "stage": known_words(rows["word"], known),
            "staff_id": pa.nulls(size, pa.string()),
            "reason": rows["reason"],
            "moment_sec": pa.repeat(pa.scalar(as_of.seconds, pa.int64()), size),
        }
    )
