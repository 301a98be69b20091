"""Rows as they stand in a file: text columns, physical row numbers, and the rows that could not be split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from siyu_cli.sheets.header import Header, Layout


@dataclass(frozen=True)
class BrokenRow:
    """A row whose cells do not fit the header or whose bytes cannot be read; never shifted, never lost."""

    row_no: int
    code: str
    detail: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class RawBatch:
    """Some rows: equally long text columns without nulls, their row numbers, and broken rows among them."""

    columns: list[pa.Array]
    row_nos: pa.Array
    broken: tuple[BrokenRow, ...] = ()


class Source(Protocol):
    """One table in a file. `batches` may be walked more than once and yields the same rows each time.

    `notes` counts, by code (see reasons.py), what was mended or noticed in the rows walked so far.
    `is_1904`: serial day numbers of this workbook count from 1904, not 1900.
    """

    sheet: str | None
    encoding: str | None
    notes: Counter[str]
    is_1904: bool

    def sheet_names(self) -> list[str]: ...

    def layouts(self) -> list[Layout]: ...

    def batches(self, header: Header) -> Iterator[RawBatch]: ...


def open_source(path: Path, sheet: str | None) -> tuple[Source, str]:
    """The table in a file and the file's SHA-256."""
    from siyu_cli.sheets.sniff import FileKind, sniff

    sniffed = sniff(path)
    if sniffed.kind is FileKind.TEXT:
        from siyu_cli.sheets.delimited import DelimitedSource

        return DelimitedSource(path, sniffed, sheet), sniffed.sha256
    from siyu_cli.sheets.workbook import WorkbookSource

    return WorkbookSource(path, sheet), sniffed.sha256
