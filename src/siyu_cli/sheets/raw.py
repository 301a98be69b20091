"""Rows as they stand in a file: text columns, physical row numbers, and the rows that could not be split."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from siyu_cli.sheets.grid import Grid, Merges
    from siyu_cli.sheets.header import Header, Layout


BAD, SHOWN_BAD = "\ufdd0", "\ufffd"
"""Stands for an undecodable byte while a file is split (no real text can hold it), and in messages."""


def _mark_bad(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return BAD, error.end


codecs.register_error("siyu-mark-cell", _mark_bad)

NOT_CALCULATED = "#公式未计算"
"""Stands in a cell whose formula was never calculated: the file holds no value for it."""
ERROR_TEXTS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!",
     "#FIELD!", "#BLOCKED!", "#CONNECT!", "#BUSY!", "#UNKNOWN!", "#PYTHON!", NOT_CALCULATED}
)  # fmt: skip
"""What stands in a workbook's cell that holds an error instead of a value."""


@dataclass(frozen=True)
class BrokenRow:
    """A row whose cells do not fit the header or whose bytes cannot be read; never shifted, never lost."""

    row_no: int
    code: str
    detail: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class RawBatch:
    """Some rows: equally long text columns without nulls, their row numbers, and broken rows among them.

    A column of few different texts may come as a dictionary.
    `bytes_read`: how much of the file is read so far, for progress; 0 where it is not known.
    """

    columns: list[pa.Array]
    row_nos: pa.Array
    broken: tuple[BrokenRow, ...] = ()
    bytes_read: int = 0


class Source(Protocol):
    """One table in a file. `batches` may be walked more than once and yields the same rows each time.

    `notes` counts, by code (see repairs.py), what was mended or noticed in the rows walked so far.
    `is_1904`: serial day numbers of this workbook count from 1904, not 1900. `merges`: blocks of merged cells, of
    which only the first cell holds a value.
    """

    sheet: str | None
    encoding: str | None
    notes: Counter[str]
    is_1904: bool
    merges: Merges

    def sheet_names(self) -> list[str]: ...

    def layouts(self) -> list[Layout]: ...

    def batches(self, header: Header) -> Iterator[RawBatch]: ...

    def close(self) -> None: ...


class GridSource:
    """A table that arrives in whole text columns: a sheet of a workbook, a table of a web page.

    `read` starts one walk over the file and gives its Grid, in this process or in the reading child.
    """

    def __init__(self, path: Path, encoding: str | None, read: Callable[[], Grid]) -> None:
        self.path = path
        self.encoding = encoding
        self.notes: Counter[str] = Counter()
        self._read = read
        self._grid = read()
        self._first: list[pa.Array] | None = None
        self._is_walked = False
        self.sheet = self._grid.sheet
        self.is_1904 = self._grid.is_1904
        self.merges = self._grid.merges

    def sheet_names(self) -> list[str]:
        return self._grid.names

    def layouts(self) -> list[Layout]:
        """The first rows; a sheet has one way of splitting them."""
        from siyu_cli.sheets.header import SEARCH_ROWS, Layout

        if self._is_walked:
            self._restart()
        if self._first is None:
            self._first = next(self._grid.batches, [])
        head = [column.slice(0, SEARCH_ROWS).to_pylist() for column in self._first]
        rows = list(zip(*head, strict=True))
        return [Layout(rows, range(1, len(rows) + 1))]

    def batches(self, header: Header) -> Iterator[RawBatch]:
        """The rows below the header; a row with undecodable bytes is a broken one."""
        if self._is_walked:
            self._restart()
        self._is_walked = True
        self.notes.clear()
        self.notes.update(self._grid.notes)
        first = 1
        while columns := self._first or next(self._grid.batches, None):
            self._first = None
            count = len(columns[0])
            below = max(0, min(header.row_no + 1 - first, count))
            yield _whole_rows([column.slice(below) for column in columns], first + below)
            first += count

    def _restart(self) -> None:
        self.close()
        self._grid, self._first, self._is_walked = self._read(), None, False

    def close(self) -> None:
        """Let go of a walk that is not at its end."""
        self._grid.batches.close()


def _whole_rows(columns: list[pa.Array], first: int) -> RawBatch:
    row_nos = pa.array(range(first, first + len(columns[0])), pa.int64())
    bad = [pc.match_substring(column, BAD) for column in columns]
    is_bad = reduce(pc.or_, bad)
    if not pc.any(is_bad, min_count=0).as_py():
        return RawBatch(columns, row_nos)
    cells = zip(*(column.filter(is_bad).to_pylist() for column in columns), strict=True)
    broken = tuple(
        BrokenRow(row_no, "bad-bytes", "", tuple(cell.replace(BAD, SHOWN_BAD) for cell in row))
        for row_no, row in zip(row_nos.filter(is_bad).to_pylist(), cells, strict=True)
    )
    kept = pc.invert(is_bad)
    return RawBatch([column.filter(kept) for column in columns], row_nos.filter(kept), broken)


def open_source(path: Path, sheet: str | None) -> Source:
    """The table in a file. Whoever opens a source closes it.

    Text is read here; workbooks and pages, whose readers can be brought down by a hostile file, in a child.
    """
    from siyu_cli.sheets.sniff import FileKind, sniff

    sniffed = sniff(path)
    if sniffed.kind is FileKind.TEXT:
        from siyu_cli.sheets.delimited import DelimitedSource

        return DelimitedSource(path, sniffed, sheet)
    from siyu_cli.sheets.child import read_grid

    return GridSource(path, sniffed.encoding, lambda: read_grid(path, sniffed, sheet))


def list_sheets(path: Path) -> list[str]:
    """The visible sheets of a workbook that hold something; none of a file that is just one table."""
    from siyu_cli.sheets.sniff import FileKind, sniff

    sniffed = sniff(path)
    if sniffed.kind is FileKind.TEXT:
        return []
    from siyu_cli.sheets.child import read_names

    return read_names(path, sniffed)
