"""Taking filled-in staff workbooks back: results become events of the ledger, contradictions a list of questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import format_seconds
from siyu_cli.language import tr
from siyu_cli.leads.states import KIND_WORDS, Kind
from siyu_cli.sheets.account import FileAccount, ImportAccount
from siyu_cli.sheets.feedback import CONFIRMED, REFUTED
from siyu_cli.sheets.reasons import reason_text
from siyu_cli.sheets.row_keys import make_keys
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook
from siyu_cli.store import feedback, ledger
from siyu_cli.store.stages import kept_stages, take_back_moves
from siyu_cli.store.versions import Undone
from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf


def merge_feedback(
    con: DuckDBPyConnection, run_id: int, as_of: AsOf, tables: Sequence[CleanTable]
) -> ImportAccount:
    """Apply feedback inside the caller's transaction and account for every row.

    Each file speaks of its own moment (see `exported_moment`), never of one after `as_of`.
    """
    stages = [one.stage for one in kept_stages(con)]
    known = {fold(stage): stage for stage in stages}
    staged = [_columns(at, table, known, as_of) for at, table in enumerate(tables)]
    files = [table.file for table in tables]
    moved: dict[str, int] = {}
    if staged:
        apply_rows(con, run_id, pa.concat_tables(staged), files)
    if staged and stages:
        moved = feedback.move_stages(con, files, stages[0], run_id)
    judged = feedback.verdicts(con) if staged else []
    refused = feedback.refused(con) if staged else []
    changed = feedback.changes(con, run_id)
    asked = sum(rows for _, _, reason, rows in judged if reason in feedback.QUESTIONS)
    return ImportAccount(
        tuple(_account(at, table, judged, refused) for at, table in enumerate(tables)),
        extra={"changes": changed, "questions": asked, "waiting": moved.pop("", 0), "stages": moved},
    )


def apply_rows(con: DuckDBPyConnection, run_id: int, rows: pa.Table, files: Sequence[str]) -> None:
    """Judge rows (FEEDBACK_SCHEMA with file_no and moment_sec) in the order of their moments, append what holds."""
    words = {"corrected": tr("更正:", "corrected: "), "confirmed": tr("核对后改归:", "after a check: ")}
    for layer in range(1, feedback.stage(con, rows) + 1):
        feedback.judge(con, layer)
        feedback.write(con, layer, list(files), run_id, words)


def undo_feedback(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> Undone:
    """Take an import of feedback back by ledger rows, inside the caller's transaction."""
    reason = tr(f"撤回执行 {run_id}", f"run {run_id} undone")
    back, stays = ledger.take_back_events(con, run_id, undo_run_id, reason)
    moved_back, moved_on = take_back_moves(con, run_id, undo_run_id, reason)
    stays += moved_on
    return Undone(0, back + moved_back, {"changed-since": stays} if stays else {})


def write_questions(con: DuckDBPyConnection, tables: Sequence[CleanTable], path: Path, as_of: AsOf) -> None:
    """The rows that contradict the ledger or each other, with both sides, for a person to answer and send back."""
    found = feedback.questions(con, [table.file for table in tables])
    kinds, reasons, moments = (found[name].to_pylist() for name in ("kind", "reason", "last_sec"))
    last = [
        f"{format_seconds(moment)} {KIND_WORDS[Kind(kind)]}"
        for moment, kind in zip(moments, found["last_kind"].to_pylist(), strict=True)
    ]
    sheet = pa.table(
        {
            "key": make_keys(found["lead_id"].to_numpy(), found["nth"].to_numpy()),
            "phone": found["phone"],
            "name": found["name"],
            "staff": found["staff_name"],
            "result": pa.array([KIND_WORDS[Kind(kind)] for kind in kinds], pa.string()),
            "note": found["note"],
            "file": found["file"],
            "row": pc.cast(found["row_no"], pa.string()),
            "state": found["state"],
            "holder": found["holder_name"],
            "last": pa.array(last, pa.string()),
            "why": pa.array([reason_text(reason) for reason in reasons], pa.string()),
            "answer": pa.nulls(found.num_rows, pa.string()),
        }
    )
    about = [
        (
            tr("这张表", "Sheet"),
            tr("员工反馈里和记录对不上的行,都没有采用", "Feedback that contradicts the record; not used"),
        ),
        (tr("统计截止", "As of"), str(as_of)),
        (
            tr("怎么填", "How to"),
            tr(
                f"问清楚后在「核对」里选:{CONFIRMED} = 确实是他加上的,线索改记到他名下;{REFUTED} = 没有。"
                "只有「已添加」「已是好友」可以写属实。填好后:siyu import-feedback 这张表",
                f"Answer in 核对: {CONFIRMED} moves the lead to the person who claims it, {REFUTED} leaves it. "
                "Then: siyu import-feedback this file",
            ),
        ),
    ]
    write_list_workbook(
        path, [ListSheet(tr("待核对", "Questions"), _QUESTION_COLUMNS, sheet)], about, created=None
    )


_QUESTION_COLUMNS = (
    ListColumn("行标识"),
    ListColumn("手机号", width=14),
    ListColumn("姓名"),
    ListColumn("员工"),
    ListColumn("结果"),
    ListColumn("反馈备注"),
    ListColumn("文件"),
    ListColumn("行号"),
    ListColumn("现在的状态"),
    ListColumn("现在归"),
    ListColumn("最近一次变动"),
    ListColumn("为什么没有采用"),
    ListColumn("核对", choices=(CONFIRMED, REFUTED)),
)


def _columns(at: int, table: CleanTable, stages: Mapping[str, str], as_of: AsOf) -> pa.Table:
    """The rows with their file and moment; stages as the list spells them (`stages`: by folded name)."""
    moment = min(table.exported_sec, as_of.seconds)
    size = table.rows.num_rows
    words = table.rows["stage"].to_pylist()
    named = pa.array([stages.get(fold(word), word) if word else None for word in words], pa.string())
    rows = table.rows.set_column(table.rows.schema.get_field_index("stage"), "stage", named)
    return rows.append_column("file_no", pa.repeat(pa.scalar(at, pa.int64()), size)).append_column(
        "moment_sec", pa.repeat(pa.scalar(moment, pa.int64()), size)
    )


def _account(
    at: int,
    table: CleanTable,
    judged: Sequence[tuple[int, str, str | None, int]],
    refused: Sequence[tuple[int, int, str]],
) -> FileAccount:
    mine: Counter[tuple[str, str | None]] = Counter()
    for file_no, verdict, reason, rows in judged:
        if file_no == at:
            mine[verdict, reason] += rows
    return judged_account(
        table,
        [(verdict, reason, rows) for (verdict, reason), rows in mine.items()],
        [(row_no, reason) for file_no, row_no, reason in refused if file_no == at],
    )
