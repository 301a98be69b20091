"""Tables in markup that platforms call .xls: web pages (HTML) and SpreadsheetML 2003.

Both are read event by event, without a tree, by libxml2 through lxml. Nothing is fetched, and a document type
that could define entities is refused or ignored.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.sheets.grid import Columns, Grid, choose_sheet, columns_of, rows_per_batch
from siyu_cli.sheets.guards import (
    FREE_AREA,
    MAX_COLUMNS,
    MAX_ENTRY,
    MAX_ROWS,
    MAX_SPREAD,
    SheetFacts,
    check_area,
    has_document_type,
    has_entities,
    too_large,
)
from siyu_cli.sheets.raw import NOT_CALCULATED
from siyu_cli.sheets.sniff import FileKind, Sniffed, incomplete, not_a_workbook
from siyu_cli.sheets.workbook import cell_text

_BLOCK = 1 << 20
_BREAK = "\0"
"""Stands for a line break of a page until white space is folded; no parsed text can hold it."""
_WHITE = re.compile(r"[ \t\r\n\f]+")
_AROUND_BREAK = re.compile(r" ?\0 ?")
_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_EXCEL = "{urn:schemas-microsoft-com:office:excel}"
_DIGITS = re.compile(r"[+-]?\d+")


class _Table:
    """One table while it is read; rows of any length, packed into columns every few thousand."""

    is_hidden = False

    def __init__(self, file: str, name: str) -> None:
        self.file, self.name = file, name
        self.facts = SheetFacts()
        self._rows: list[list[str]] = []
        self._chunks: list[tuple[int, list[pa.Array]]] = []
        self._chunk_width = self._places = 0

    def add(self, row: list[str], filled: int) -> None:
        """A row, and how many of its places are cells of the file (the others are gaps)."""
        self.facts.cells += filled
        self.facts.rows += 1
        self.facts.columns = max(self.facts.columns, len(row))
        self._places += len(row)
        self._chunk_width = max(self._chunk_width, len(row))
        if self._places > max(FREE_AREA, MAX_SPREAD * self.facts.cells):
            check_area(self.facts, self.file, self.name)
        self._rows.append(row)
        if len(self._rows) >= rows_per_batch(self._chunk_width):
            self._pack()

    def _pack(self) -> None:
        self._chunks.append((len(self._rows), columns_of(self._rows, self._chunk_width)))
        self._rows, self._chunk_width = [], 0

    def batches(self) -> Columns:
        """All rows at the width of the widest."""
        self._pack()
        for count, columns in self._chunks:
            blank = pa.array([""] * count, pa.string())
            yield [*columns, *[blank] * (self.facts.columns - len(columns))]

    def grid(self, name: str | None, names: list[str], *, is_1904: bool = False) -> Grid:
        check_area(self.facts, self.file, self.name)
        notes = Counter(
            {"hidden-rows": self.facts.hidden_rows, "formula-without-value": self.facts.uncalculated}
        )
        return Grid(name, names, is_1904, self.facts.columns, +notes, self.batches(), self.facts.merges)


def read_markup(path: Path, sniffed: Sniffed, sheet: str | None) -> Grid:
    """One table of a page or of a SpreadsheetML workbook, in this process."""
    if sniffed.kind is FileKind.SPREADSHEETML:
        book = _spreadsheetml(path, sniffed)
        chosen = choose_sheet(path.name, book.sheets, sheet, lambda one: one.facts.cells > 0)
        return chosen.grid(chosen.name, [one.name for one in book.sheets], is_1904=book.is_1904)
    tables = _page_tables(path, sniffed)
    if sheet is None:
        # A page has no order of importance: its menus and totals are tables too, and smaller.
        chosen = max(tables, key=lambda one: one.facts.cells)
    else:
        chosen = choose_sheet(path.name, tables, sheet, lambda one: one.facts.cells > 0)
    if len(tables) == 1:
        return chosen.grid(None, [])
    return chosen.grid(chosen.name, [one.name for one in tables])


def filled_tables(path: Path, sniffed: Sniffed) -> list[str]:
    """The visible tables that hold something; none where the file is just one table."""
    if sniffed.kind is FileKind.SPREADSHEETML:
        return [
            one.name for one in _spreadsheetml(path, sniffed).sheets if one.facts.cells and not one.is_hidden
        ]
    tables = _page_tables(path, sniffed)
    return [one.name for one in tables] if len(tables) > 1 else []


def _utf8_blocks(path: Path, sniffed: Sniffed) -> Iterator[bytes]:
    """The file as UTF-8, undecodable bytes marked, without NUL."""
    if sniffed.size > MAX_ENTRY:
        raise too_large(path.name, tr(f"有 {sniffed.size >> 20:,} MB", f"{sniffed.size >> 20:,} MB"))
    decoder = codecs.getincrementaldecoder(sniffed.encoding or "utf-8")(errors="siyu-mark-cell")
    with path.open("rb") as file:
        file.seek(sniffed.skip)
        while raw := file.read(_BLOCK):
            yield decoder.decode(raw).replace("\0", "").encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")


# --- web pages -----------------------------------------------------------------------------------


class _OpenTable:
    """A table of a page whose end is not reached yet."""

    def __init__(self, table: _Table) -> None:
        self.table = table
        self.row: list[str] | None = None
        self.cells = 0
        self.parts: list[str] | None = None
        self.spans: dict[int, int] = {}
        self.size = (1, 1)

    def start_row(self, attributes: Mapping[str, str]) -> None:
        self.end_row()
        self.row, self.cells = [], 0
        if re.search(r"display\s*:\s*none", attributes.get("style", ""), re.I):
            self.table.facts.hidden_rows += 1

    def start_cell(self, attributes: Mapping[str, str]) -> None:
        self.end_cell()
        if self.row is None:
            self.start_row({})
        self.parts = []
        self.size = _number(attributes.get("colspan")), _number(attributes.get("rowspan"))

    def end_cell(self) -> None:
        """Put the cell at the next free place; the other places it spans stay empty."""
        if self.parts is None or self.row is None:
            return
        text = _AROUND_BREAK.sub("\n", _WHITE.sub(" ", "".join(self.parts))).strip()
        across, down = self.size
        while len(self.row) in self.spans:
            self.row.append("")
        at = len(self.row)
        if at + across > MAX_COLUMNS:
            raise too_large(self.table.file, f"colspan={across}")
        self.row += [text, *[""] * (across - 1)]
        if down > 1:
            top = self.table.facts.rows
            self.table.facts.merge(top, top + down - 1, at, at + across - 1)
            self.spans.update(dict.fromkeys(range(at, at + across), down))
        self.cells += 1
        self.parts = None

    def end_row(self) -> None:
        if self.row is None:
            return
        self.end_cell()
        self.table.add(self.row, self.cells)
        self.spans = {at: left - 1 for at, left in self.spans.items() if left > 1}
        self.row = None


class _PageReader:
    """Takes the parser's events; a table inside a cell is a table of its own."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.tables: list[_Table] = []
        self._open: list[_OpenTable] = []
        self._silent = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "table":
            table = _Table(self.file, tr(f"表格{len(self.tables) + 1}", f"Table {len(self.tables) + 1}"))
            self.tables.append(table)
            self._open.append(_OpenTable(table))
        elif tag in ("script", "style"):
            self._silent += 1
        elif self._open:
            here = self._open[-1]
            if tag == "tr":
                here.start_row(attributes)
            elif tag in ("td", "th"):
                here.start_cell(attributes)
            elif tag in ("br", "p", "div", "li") and here.parts:
                here.parts.append(_BREAK)

    def end(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent -= 1
        elif not self._open:
            return
        elif tag in ("td", "th"):
            self._open[-1].end_cell()
        elif tag == "tr":
            self._open[-1].end_row()
        elif tag == "table":
            self._open.pop().end_row()

    def data(self, text: str) -> None:
        if self._open and not self._silent and (parts := self._open[-1].parts) is not None:
            parts.append(text)

    def close(self) -> list[_Table]:
        while self._open:
            self._open.pop().end_row()
        return [table for table in self.tables if table.facts.cells]


def _number(text: str | None) -> int:
    """A colspan or rowspan; nonsense counts as 1, as in browsers."""
    digits = re.match(r"\s*(\d{1,7})", text or "")
    return max(1, int(digits[1])) if digits else 1


def _page_tables(path: Path, sniffed: Sniffed) -> list[_Table]:
    """The tables of a page that hold cells. InputRefused where it has none or where the parser gave up."""
    from lxml import etree

    parser = etree.HTMLParser(
        target=_PageReader(path.name), encoding="utf-8", huge_tree=True, no_network=True, remove_comments=True
    )
    for block in _utf8_blocks(path, sniffed):
        parser.feed(block)
    tables: list[_Table] = parser.close()
    if not tables:
        raise not_a_workbook(
            path.name,
            tr(
                "里面是没有表格的网页,多半是登录过期后下载的", "it is a web page without a table, perhaps a login page"
            ),
        )  # fmt: skip
    return tables


# --- SpreadsheetML 2003 --------------------------------------------------------------------------


class _Book:
    def __init__(self) -> None:
        self.sheets: list[_Table] = []
        self.is_1904 = False


class _BookReader:
    """Takes the events of a SpreadsheetML workbook."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.book = _Book()
        self._row: list[str] = []
        self._filled = 0
        self._comment = 0
        self._parts: list[str] | None = None
        self._kind = ""
        self._has_formula = self._has_data = False
        self._skip = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        book = self.book
        if tag == _SS + "Cell" and book.sheets:
            self._start_cell(attributes)
        elif tag == _SS + "Data" and not self._comment and self._row:
            self._parts, self._kind, self._has_data = [], attributes.get(_SS + "Type", "String"), True
        elif tag == _SS + "Row" and book.sheets:
            self._start_row(book.sheets[-1], attributes)
        elif tag == _SS + "Comment":
            self._comment += 1
        elif tag == _SS + "Worksheet":
            book.sheets.append(
                _Table(self.file, attributes.get(_SS + "Name", f"Sheet{len(book.sheets) + 1}"))
            )
        elif tag == _EXCEL + "Date1904":
            book.is_1904 = True
        elif tag == _EXCEL + "Visible":
            self._parts = []

    def end(self, tag: str) -> None:
        if tag == _SS + "Data" and self._parts is not None and not self._comment:
            self._row[-1] += self._text("".join(self._parts))
            self._parts = None
        elif tag == _SS + "Cell" and self.book.sheets:
            self._end_cell()
        elif tag == _SS + "Row" and self.book.sheets:
            self.book.sheets[-1].add(self._row, self._filled)
            self._row = []
        elif tag == _SS + "Comment":
            self._comment -= 1
        elif tag == _EXCEL + "Visible" and self._parts is not None:
            if self.book.sheets:
                self.book.sheets[-1].is_hidden = "".join(self._parts).strip().lower().endswith("hidden")
            self._parts = None

    def data(self, text: str) -> None:
        if self._parts is not None and not self._comment:
            self._parts.append(text)

    def close(self) -> _Book:
        return self.book

    def _start_row(self, sheet: _Table, attributes: Mapping[str, str]) -> None:
        index = _index(attributes.get(_SS + "Index"), sheet.facts.rows + 1, MAX_ROWS, self.file)
        for _ in range(index - 1 - sheet.facts.rows):
            sheet.add([], 0)
        if attributes.get(_SS + "Hidden") == "1":
            sheet.facts.hidden_rows += 1
        self._row, self._filled, self._skip = [], 0, 0

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        index = _index(attributes.get(_SS + "Index"), len(self._row) + 1 + self._skip, MAX_COLUMNS, self.file)
        self._row += [""] * (index - len(self._row))
        self._skip = _index(attributes.get(_SS + "MergeAcross"), 0, MAX_COLUMNS, self.file)
        down = _index(attributes.get(_SS + "MergeDown"), 0, MAX_ROWS, self.file)
        facts = self.book.sheets[-1].facts
        facts.merge(facts.rows, facts.rows + down, index - 1, index - 1 + self._skip)
        self._has_formula, self._has_data = _SS + "Formula" in attributes, False

    def _end_cell(self) -> None:
        if self._has_formula and not self._has_data:
            self._row[-1] = NOT_CALCULATED
            self.book.sheets[-1].facts.uncalculated += 1
        self._filled += bool(self._row and self._row[-1])

    def _text(self, text: str) -> str:
        """The content of a cell worded by its type."""
        kind = self._kind
        if kind == "Error":
            return text if text.startswith("#") else NOT_CALCULATED
        if kind == "Boolean":
            return cell_text(text.strip() == "1")
        with suppress(ValueError, OverflowError):
            if kind == "DateTime":
                return cell_text(datetime.fromisoformat(text.strip()))
            if kind == "Number" and not _DIGITS.fullmatch(text.strip()):
                return cell_text(float(text))
        return text


def _index(text: str | None, otherwise: int, most: int, file: str) -> int:
    """A position or a count that an attribute states."""
    if text is None:
        return otherwise
    if not text.strip().isdecimal() or len(text) > 9:
        raise incomplete(file)
    number = int(text)
    if number > most:
        raise too_large(file, f"ss:Index={number}")
    return max(number, otherwise)


def _spreadsheetml(path: Path, sniffed: Sniffed) -> _Book:
    from lxml import etree

    parser: Any = etree.XMLParser(
        target=_BookReader(path.name), encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False,
    )  # fmt: skip
    is_first = True
    try:
        for block in _utf8_blocks(path, sniffed):
            if is_first and has_document_type(block):
                raise has_entities(path.name)
            is_first = False
            parser.feed(block)
        book: _Book = parser.close()
    except etree.XMLSyntaxError:
        raise incomplete(path.name) from None
    if not book.sheets:
        raise _no_sheets(path.name)
    return book


def _no_sheets(name: str) -> InputRefused:
    return not_a_workbook(name, tr("里面没有工作表", "there is no worksheet in it"))
