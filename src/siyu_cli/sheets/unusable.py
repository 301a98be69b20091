"""A sheet that is not understood, among others that are: its rows are read and all of them refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.sheets.data_rows import RejectLog, Tally, data_batches
from siyu_cli.sheets.header import SEARCH_ROWS, Header, Layout, build_header, clean_header
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.raw import open_source
from siyu_cli.sheets.rejects import FINGERPRINT
from siyu_cli.sheets.table import CleanTable, Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE = "unusable-sheet"


def is_about_the_sheet(error: InputRefused) -> bool:
    """True for a refusal that says no more than that the columns of one sheet are not those wanted."""
    code = error.code
    return code in ("unknown-header", "fullwidth-comma") or (
        code.startswith("missing-") and code.endswith("-column")
    )


def is_unusable(table: CleanTable) -> bool:
    """True for a table that `refuse_sheet` made: no column of it is used."""
    return not table.used


def refuse_sheet(path: Path, sheet: str, like: CleanTable) -> CleanTable | None:
    """All rows of a sheet refused for one reason; what is not of the sheet is that of `like`, its neighbour.

    The row with most cells among the first counts as its header. None for the sheet 说明 that siyu adds to
    a rejects workbook: it holds no rows of anybody.
    """
    source = open_source(path, sheet)
    with closing(source):
        layout = source.layouts()[0]
        if any(row and row[0] == FINGERPRINT for row in layout.rows):
            return None
        header = _fullest_row(layout, like.mapping.kind)
        tally, log = Tally(), RejectLog()
        for batch in data_batches(source, header, tally, log):
            log.rejects.extend(Reject(row_no, "", CODE) for row_no in batch.row_nos.to_pylist())
    rows = sorted({reject.row_no for reject in log.rejects})
    return replace(
        like,
        sheet=source.sheet,
        mapping=header.mapping,
        header_row=header.row_no,
        headers=header.names,
        used={},
        unknown=header.unknown,
        rows=like.rows.slice(0, 0),
        rows_files=(),
        rejects=tuple(Reject(row_no, "", CODE) for row_no in rows),
        read=tally.read,
        blank=tally.blank,
        order_key=(),
        notes=dict(source.notes),
        header=header,
    )


def _fullest_row(layout: Layout, kind: str) -> Header:
    def cells_of(at: int) -> Sequence[str]:
        return [cell for cell in layout.rows[at] if cell.strip()]

    at = max(range(min(len(layout.rows), SEARCH_ROWS)), key=lambda at: (len(cells_of(at)), -at))
    names = [clean_header(cell) for cell in layout.rows[at]]
    return build_header(names, layout.row_nos[at], PlatformMapping("", kind, {}), layout.delimiter)
