"""What lies beside the cells of a BIFF workbook (xls, et): the reader drops error values and hidden marks.

A workbook stream is a chain of records, each `type, length, content`; walking it is quick, because an xls
sheet ends at 65,536 rows.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from siyu_cli.sheets.guards import SheetFacts, check_area, too_large
from siyu_cli.sheets.raw import NOT_CALCULATED
from siyu_cli.sheets.sniff import incomplete

_MAX_STREAM = 256 << 20
"""Four times what a full sheet of 65,536 × 256 numbers takes."""
_HEADER = struct.Struct("<HH")
_FIRST_RECORDS = 64
_BOF, _EOF, _FILEPASS, _BOUNDSHEET, _DATEMODE = 0x0809, 0x000A, 0x002F, 0x0085, 0x0022
_ROW, _FORMULA, _BOOLERR = 0x0208, 0x0006, 0x0205
_ONE_CELL = {0x0203, 0x027E, 0x00FD, 0x0204, 0x00D6, _FORMULA, _BOOLERR}
"""NUMBER, RK, LABELSST, LABEL, RSTRING, FORMULA, BOOLERR."""
_MULRK, _DIMENSIONS, _MERGED = 0x00BD, 0x0200, 0x00E5
_FULL_SHEET = 65_536 * 256
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip


@dataclass
class BiffSheet:
    """One sheet: `facts` is empty for chart and macro sheets."""

    name: str
    is_hidden: bool
    is_worksheet: bool
    facts: SheetFacts = field(default_factory=SheetFacts)


@dataclass
class BiffBook:
    sheets: list[BiffSheet] = field(default_factory=list)
    is_1904: bool = False


def ole_streams(file: BinaryIO, name: str) -> set[str]:
    """The streams at the top of an OLE container, in lower case. InputRefused for a damaged container."""
    with _opened(file, name) as ole:
        return {entry[0].lower() for entry in ole.listdir()}


def has_file_password(file: BinaryIO, name: str) -> bool:
    """True when the records of a workbook are encrypted: the mark stands among the first of them."""
    stream = _workbook_stream(file, name)
    records = islice(_records(stream, 0), _FIRST_RECORDS)
    return any(kind == _FILEPASS for kind, _, _ in records)


def read_book(file: BinaryIO, name: str) -> BiffBook:
    """The sheets of a BIFF8 workbook with their facts. InputRefused when it is cut off or spread absurdly."""
    stream = _workbook_stream(file, name)
    book = BiffBook()
    starts: list[int] = []
    for kind, at, length in _records(stream, 0):
        if kind == _BOUNDSHEET and length >= 8:
            start, visible, sort, size, wide = struct.unpack_from("<IBBBB", stream, at)
            raw = stream[at + 8 : at + 8 + size * (1 + (wide & 1))]
            title = raw.decode("utf-16-le" if wide & 1 else "latin-1", "replace")
            book.sheets.append(BiffSheet(title, bool(visible & 3), sort == 0))
            starts.append(start)
        elif kind == _DATEMODE and length >= 2:
            book.is_1904 = stream[at] == 1
    for sheet, start in zip(book.sheets, starts, strict=True):
        if sheet.is_worksheet:
            _look(stream, start, sheet.facts, name)
            check_area(sheet.facts, name, sheet.name)
    return book


def _look(stream: bytes, start: int, facts: SheetFacts, name: str) -> None:
    """The facts of the sheet whose records begin at `start`."""
    hidden: set[int] = set()
    filled: set[int] = set()
    depth = 0
    for kind, at, length in _records(stream, start):
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                break
        elif kind == _DIMENSIONS:
            _check_dimensions(stream[at : at + length], name)
        elif depth > 1:
            continue  # a chart inside the sheet
        elif kind in _ONE_CELL and length >= 6:
            row, column = struct.unpack_from("<HH", stream, at)
            facts.cells += 1
            facts.reach(row, column)
            filled.add(row)
            if text := _error_text(stream, kind, at, length):
                facts.marks[row, column] = text
        elif kind == _MULRK and length >= 6:
            row, first = struct.unpack_from("<HH", stream, at)
            facts.cells += (length - 6) // 6
            facts.reach(row, first + (length - 6) // 6 - 1)
            filled.add(row)
        elif kind == _MERGED and length >= 2:
            count = min(struct.unpack_from("<H", stream, at)[0], (length - 2) // 8)
            for block in struct.iter_unpack("<HHHH", stream[at + 2 : at + 2 + 8 * count]):
                facts.merge(*block)
        elif kind == _ROW and length >= 16 and stream[at + 12] & 0x20:
            hidden.add(int.from_bytes(stream[at : at + 2], "little"))
    else:
        raise incomplete(name)
    facts.hidden_rows = len(hidden & filled)


def _check_dimensions(content: bytes, name: str) -> None:
    """The reader makes room for as many cells as a sheet claims to have: more than fit are a lie."""
    shape = {14: "<IIHH", 10: "<HHHH"}.get(len(content))
    if shape is None:
        return
    top, bottom, left, right = struct.unpack_from(shape, content)
    if bottom and right and not 0 < (bottom - top) * (right - left) <= _FULL_SHEET:
        raise incomplete(name)


def _error_text(stream: bytes, kind: int, at: int, length: int) -> str:
    """The error value of a cell or of a formula's result; empty for anything else."""
    if kind == _BOOLERR and length >= 8 and stream[at + 7] == 1:
        return _ERRORS.get(stream[at + 6], NOT_CALCULATED)
    is_result = kind == _FORMULA and length >= 14 and stream[at + 12 : at + 14] == b"\xff\xff"
    return _ERRORS.get(stream[at + 8], NOT_CALCULATED) if is_result and stream[at + 6] == 2 else ""


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(type, where the content begins, its length) of the records from `at` on."""
    end = len(stream) - 4
    while at <= end:
        kind, length = _HEADER.unpack_from(stream, at)
        if at + 4 + length > len(stream):
            return
        yield kind, at + 4, length
        at += 4 + length


def _workbook_stream(file: BinaryIO, name: str) -> bytes:
    with _opened(file, name) as ole:
        for title in ("Workbook", "Book"):
            if ole.exists(title):
                if ole.get_size(title) > _MAX_STREAM:
                    raise too_large(name, title)
                if ole.get_size(title) > file.seek(0, os.SEEK_END):
                    raise incomplete(name)  # its sectors run in a circle
                return bytes(ole.openstream(title).read())
    raise incomplete(name)


@contextmanager
def _opened(file: BinaryIO, name: str) -> Iterator[Any]:
    import olefile

    file.seek(0)
    try:
        yield olefile.OleFileIO(file)
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RecursionError, struct.error):
        # What a damaged container does to its parser differs from byte to byte; folders may hold themselves.
        raise incomplete(name) from None
