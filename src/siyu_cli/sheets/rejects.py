"""The rejects workbook: refused rows as they stood, with reason and remedy; mended, it imports again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from siyu_cli.errors import Where
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.sheets.table import CleanTable, Reject

MORE_CELLS = "多出的内容"


FINGERPRINT = "文件指纹"
_IN_VIEW = 8
"""Columns that fit a screen: a wider list opens where the reasons are, or nobody would find them."""


def place_rejects(draft: Path, table: CleanTable, folder: Path, *, by_sheet: bool = False) -> Path:
    """Copy a rejects workbook written elsewhere to its place in `folder`."""
    target = rejects_path(table, folder, by_sheet=by_sheet)
    with replacing(target) as temporary:
        shutil.copyfile(draft, temporary)
    return target


def rejects_path(table: CleanTable, folder: Path, *, by_sheet: bool = False) -> Path:
    """`folder/<stem>-拒收.xlsx`; `…-拒收-2.xlsx` where that name holds the rejects of another file.

    `by_sheet`: several sheets of the file were read, each has a workbook named `<stem>-<sheet>-拒收.xlsx`.
    """
    from siyu_cli.words import file_stem

    name = f"{table.path.stem}-{table.sheet}" if by_sheet else table.path.stem
    stem = f"{file_stem(name)}-拒收"
    number, path = 1, folder / f"{stem}.xlsx"
    while path.exists() and _fingerprint_in(path) != _fingerprint(table):
        number += 1
        path = folder / f"{stem}-{number}.xlsx"
    return path


def _fingerprint(table: CleanTable) -> str:
    """What names the rows a rejects workbook comes from: the file's bytes and the sheet."""
    return f"{table.sha256[:16]} {table.sheet or ''}".strip()


def _fingerprint_in(path: Path) -> str | None:
    """The fingerprint that an existing rejects workbook carries; None where it is none of ours."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        rows = book.get_sheet_by_name(book.sheet_names[-1]).to_python()
    except (CalamineError, OSError):
        return None
    return next((str(row[1]) for row in rows if len(row) > 1 and row[0] == FINGERPRINT), None)


def write_rejects(
    table: CleanTable,
    folder: Path,
    more: Sequence[Reject] = (),
    *,
    created: datetime | None = None,
    about: Sequence[tuple[str, str]] = (),
) -> Path | None:
    """Write the table's rejects and `more`, the use case's own, to `folder`; None when there are none."""
    from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

    rejects = sorted((*table.rejects, *more), key=lambda reject: reject.row_no)
    if not rejects:
        return None
    originals = {
        original.row_no: original for original in table.originals([reject.row_no for reject in rejects])
    }
    header = table.header
    dropped = set(header.reject_columns) if header else set()
    kept = [
        at
        for at, name in enumerate(table.headers)
        if at not in dropped and not table.mapping.is_private(name)
    ]
    rows = []
    said: dict[tuple[str, str, str], tuple[str, str]] = {}  # many rows, few different sentences
    for reject in rejects:
        what = (reject.code, reject.detail, reject.near)
        if what not in said:
            said[what] = (reject.message, reject.fix)
        original = originals[reject.row_no]
        cells = [original.cells[at] for at in kept]
        extra = " | ".join(cell for cell in original.extra if cell.strip())
        rows.append([*cells, str(reject.row_no), reject.column, reject.code, *said[what], extra])
    # A file that was itself mended keeps one set of these columns.
    titles = [table.headers[at] for at in kept]
    columns = [
        ListColumn(title) for title in (*titles, "行号", "列", "原因代码", "原因", "怎么修", MORE_CELLS)
    ]
    path = rejects_path(table, folder)
    notes = [
        (tr("来自", "From"), str(Where(file=table.file, sheet=table.sheet))),
        (tr("行数", "Rows"), f"{len(rows):,}"),
        (
            tr("怎么用", "How to use"),
            tr(
                "改好原来的列,再导入这个文件;行号到多出的内容这几列不用管",
                "Mend the original columns and import this file",
            ),
        ),
        (FINGERPRINT, _fingerprint(table)),
        *about,
    ]
    write_list_workbook(
        path,
        [
            ListSheet(
                table.sheet or tr("拒收", "Rejects"),
                columns,
                rows,
                len(titles) if len(titles) > _IN_VIEW else 0,
            )
        ],
        notes,
        created=created,
    )
    return path
