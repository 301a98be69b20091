"""Lists out: workbooks that a person opens, filters and fills in, and CSV for people.

Every text is a text cell, whatever it looks like: never a formula, a link or a number. Two calls
with the same rows give the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any
from zipfile import ZIP64_LIMIT, ZIP_DEFLATED, ZipFile

import pyarrow as pa
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_range

from siyu_cli.errors import SiyuError
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.sheets.cells import (
    MAX_CELL,
    SCALE,
    Column,
    Kind,
    Rows,
    allowed,
    clean_text,
    columns_of,
    cut,
    is_too_long,
    shortened,
    shown_number,
    units,
)
from siyu_cli.sheets.sheet_xml import rows_xml

ABOUT_SHEET = "说明"
"""The last sheet of every list workbook: what is in it and where it comes from."""
MAX_ROWS = 1_000_000
"""Data rows per sheet; more go on in `name_2`. Excel ends at 1,048,576."""
_CHOICES_SHEET = "选项"
_LEVEL = 3
"""Of deflate: half the time of the usual 6 for files a fifteenth larger (docs/decisions)."""
_MAX_NAME = 31
_MAX_INLINE_LIST = 255
_SAMPLE_ROWS = 100
_NARROW, _WIDE = 6, 60
_ABOUT_WIDTH, _ABOUT_LINE = 80, 17
"""Of the texts in 说明: display cells, and points of a line."""
_FONT = "微软雅黑"
# Numbers stand at the right; the indent keeps them off the text of the next column.
_AIR = {"align": "right", "indent": 1}
_FIXED_CREATED = datetime(2000, 1, 1)

_BAD_IN_SHEET = re.compile(r"[\[\]:*?/\\]")
# xlsxwriter writes one blank cell of each kind; so its files tell the number of each format and the place.
_SAMPLE_KINDS: tuple[Kind, ...] = ("text", "date", "count", "yuan")
_SAMPLES = re.compile(rb'<row r="2".*(?=</sheetData>)', re.DOTALL)
_SAMPLE_STYLE = re.compile(rb'<c r="A\d+" s="(\d+)"/>')
_EXTENT = re.compile(rb'(<dimension ref=")[^"]*')
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_DANGEROUS = tuple("=+-@\t\r\n\0'＝＋－＠＇")


@dataclass(frozen=True)
class ListColumn:
    """One column: `choices` makes a drop-down, `width` counts display cells (a Han sign is two)."""

    title: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    width: int | None = None


@dataclass(frozen=True)
class ListSheet:
    """One list; `rows` match `columns` by position. `count` holds whole numbers, `yuan` integer fen.

    With `opens_at` the first column stays in view and the list opens scrolled to that one beside it.
    """

    name: str
    columns: Sequence[ListColumn]
    rows: Rows
    opens_at: int = 0


def write_list_workbook(
    path: Path, sheets: Sequence[ListSheet], about: Sequence[tuple[str, str]], *, created: datetime | None
) -> None:
    """Write lists to `path`, with the sheet 说明 made of `about` last; all of the file or none of it.

    Sheet names are made valid and unique, long lists go on in a second sheet, cells that Excel cannot
    hold are cut with a mark and counted in 说明.
    """
    parts = _parts(sheets)
    frame = _frame(parts, about, created)
    with replacing(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as out:
        for name, content in frame.items():
            part = parts.get(name)
            with out.open(name, "w", force_zip64=part is not None and part.most_bytes > ZIP64_LIMIT) as file:
                for piece in [content] if part is None else _spliced(content, part):
                    file.write(piece)


def write_csv(path: Path, columns: Sequence[ListColumn], rows: Rows) -> None:
    """A CSV that Excel opens rightly: BOM, CRLF, yuan with two decimals, no cell that runs as a formula."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([neutral(clean_text(column.title)) for column in columns])
        for row in _rows(rows, len(columns)):
            writer.writerow(
                [_csv_cell(value, column.kind) for value, column in zip(row, columns, strict=True)]
            )


def neutral(text: str) -> str:
    """CSV only: one leading ' before what a spreadsheet would run; plain numbers and phones stay.

    Reversible: taking exactly one leading ' off gives the text back.
    """
    if text.startswith(_DANGEROUS) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def sheet_names(wanted: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names that Excel accepts, as near to the wanted ones as they can be, each one different."""
    seen = {"history", *(name.casefold() for name in taken)}
    names = []
    for name in wanted:
        base = _BAD_IN_SHEET.sub("_", allowed(name)).strip("' \t\r\n") or "Sheet"
        base = re.sub(r"\s", " ", base)
        chosen, number = cut(base, _MAX_NAME), 1
        while chosen.casefold() in seen:
            number += 1
            tail = f"_{number}"
            chosen = cut(base, _MAX_NAME - len(tail)) + tail
        seen.add(chosen.casefold())
        names.append(chosen)
    return names


def display_width(text: str) -> int:
    """Cells a text takes on screen, its longest line: wide characters count two."""
    if text.isascii() and "\n" not in text:
        return len(text)
    return max(
        sum(2 if unicodedata.east_asian_width(ch) in "WFA" else 1 for ch in line) for line in text.split("\n")
    )


@dataclass(frozen=True)
class _Part:
    """What one sheet holds: a list, or as much of it as fits."""

    name: str
    columns: Sequence[ListColumn]
    rows: Rows
    cells: Sequence[Column]
    opens_at: int = 0

    @property
    def length(self) -> int:
        return _length(self.rows)

    @property
    def most_bytes(self) -> int:
        """More than its XML ever takes, but for texts full of signs that XML writes as words."""
        return 2 * sum(column.size for column in self.cells) + 100 * self.length * len(self.columns)


def _parts(sheets: Sequence[ListSheet]) -> dict[str, _Part]:
    """The sheets of all lists, by the name of their file in the workbook."""
    pieces = [(sheet, start) for sheet in sheets for start in range(0, max(_length(sheet.rows), 1), MAX_ROWS)]
    # `history` is reserved by Excel, 说明 and 选项 by this module.
    names = sheet_names([sheet.name for sheet, _ in pieces], [ABOUT_SHEET, _CHOICES_SHEET])
    parts = {}
    for number, (name, (sheet, start)) in enumerate(zip(names, pieces, strict=True), start=1):
        rows = sheet.rows[start : start + MAX_ROWS]
        cells = columns_of(rows, [column.kind for column in sheet.columns])
        parts[f"xl/worksheets/sheet{number}.xml"] = _Part(name, sheet.columns, rows, cells, sheet.opens_at)
    return parts


def _frame(
    parts: Mapping[str, _Part], about: Sequence[tuple[str, str]], created: datetime | None
) -> dict[str, bytes]:
    """The files of the workbook, made by xlsxwriter; below the headers of the lists stand samples only."""
    whole = io.BytesIO()
    book = _Book.open(whole, created)
    long = _long_lists([column for part in parts.values() for column in part.columns])
    for index, choices in enumerate(long):
        letter = xl_col_to_name(index)
        book.lists[choices] = f"='{_CHOICES_SHEET}'!${letter}$1:${letter}${len(choices)}"
    for part in parts.values():
        _add_list(book, part)
    if long:
        _add_choices(book, _CHOICES_SHEET, long)
    _add_about(book, ABOUT_SHEET, about)
    book.workbook.close()
    with ZipFile(whole) as files:
        return {name: files.read(name) for name in files.namelist()}


def _spliced(content: bytes, part: _Part) -> Iterator[bytes]:
    """A sheet with its rows where the samples stood."""
    samples = _SAMPLES.search(content)
    if samples is None:
        yield content
        return
    numbers = map(int, _SAMPLE_STYLE.findall(samples[0]))
    styles = dict(zip(_SAMPLE_KINDS, numbers, strict=True))
    extent = xl_range(0, 0, part.length, len(part.columns) - 1)
    yield _EXTENT.sub(rf"\g<1>{extent}".encode(), content[: samples.start()], count=1)
    yield from rows_xml(part.cells, styles, first_row=2)
    yield content[samples.end() :]


@dataclass
class _Book:
    """A workbook being written, its cell formats and what had to be cut."""

    workbook: Any
    text: Any
    count: Any
    yuan: Any
    head: Any
    cut_cells: int = 0
    lists: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def open(cls, target: io.BytesIO, created: datetime | None) -> _Book:
        options = {"in_memory": True, "default_format_properties": {"font_name": _FONT, "font_size": 11}}
        workbook = xlsxwriter.Workbook(target, options)
        workbook.set_properties({"created": created or _FIXED_CREATED})
        add = workbook.add_format
        return cls(
            workbook, text=add({"num_format": "@"}), count=add({"num_format": "#,##0", **_AIR}),
            yuan=add({"num_format": "#,##0.00", **_AIR}), head=add({"bold": True, "num_format": "@", "bottom": 1}),
        )  # fmt: skip

    def format_of(self, kind: Kind) -> Any:
        return {"count": self.count, "yuan": self.yuan}.get(kind, self.text)

    def put_text(self, sheet: Any, row: int, column: int, text: str, cell_format: Any) -> None:
        if not text:
            return
        self.cut_cells += is_too_long(text)
        text = shortened(text)
        if text.startswith("<r>") and text.endswith("</r>"):
            # xlsxwriter takes such a text for its own markup and writes it raw; in two pieces it is text.
            _checked(sheet.write_rich_string(row, column, "<", self.text, text[1:], cell_format))
        else:
            _checked(sheet.write_string(row, column, text, cell_format))


def _long_lists(columns: Sequence[ListColumn]) -> list[tuple[str, ...]]:
    """Choices that are too long to stand in a cell's rule, each once."""
    lists = dict.fromkeys(column.choices for column in columns)
    return [choices for choices in lists if choices and not _fits_inline(choices)]


def _add_choices(book: _Book, name: str, lists: Sequence[tuple[str, ...]]) -> None:
    """A hidden sheet with one column of choices per list."""
    hidden = book.workbook.add_worksheet(name)
    hidden.hide()
    for row in range(max(map(len, lists))):
        for column, choices in enumerate(lists):
            if row < len(choices):
                book.put_text(hidden, row, column, clean_text(choices[row]), book.text)


def _add_list(book: _Book, part: _Part) -> None:
    """A list without its rows: below the header stands a sample of each kind of cell, where there are rows."""
    sheet = book.workbook.add_worksheet(part.name)
    count = part.length
    if part.opens_at:
        sheet.freeze_panes(1, 1, 1, part.opens_at)
    else:
        sheet.freeze_panes(1, 0)
    _set_page(sheet)
    sheet.repeat_rows(0)
    for index, (column, width) in enumerate(zip(part.columns, _widths(part.columns, part.rows), strict=True)):
        sheet.set_column(index, index, width, book.format_of(column.kind))
        if column.choices and count:
            source = book.lists.get(column.choices) or [clean_text(choice) for choice in column.choices]
            _checked(sheet.data_validation(1, index, count, index, {"validate": "list", "source": source}))
    if part.columns:
        sheet.autofilter(0, 0, count, len(part.columns) - 1)
    for index, column in enumerate(part.columns):
        book.put_text(sheet, 0, index, clean_text(column.title), book.head)
    if part.columns and count:
        for row, kind in enumerate(_SAMPLE_KINDS, start=1):
            _checked(sheet.write_blank(row, 0, None, book.format_of(kind)))
    book.cut_cells += sum(column.too_long for column in part.cells)


def _add_about(book: _Book, name: str, about: Sequence[tuple[str, str]]) -> None:
    lines = [(clean_text(title), clean_text(text)) for title, text in about]
    if book.cut_cells:
        cut = tr(
            f"{book.cut_cells} 个单元格超过 {MAX_CELL:,} 字,末尾以 … 截断",
            f"{book.cut_cells} cells were longer than {MAX_CELL:,} and end in …",
        )
        lines.append((tr("截断", "Cut"), cut))
    sheet = book.workbook.add_worksheet(name)
    _set_page(sheet)
    wrapped = book.workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    label = book.workbook.add_format({"bold": True, "num_format": "@", "valign": "top"})
    width = max((display_width(title) for title, _ in lines), default=_NARROW)
    sheet.set_column(0, 0, min(max(width + 2, 10), 30), book.text)
    sheet.set_column(1, 1, _ABOUT_WIDTH, book.text)
    for row, (title, text) in enumerate(lines):
        rows = sum(ceil(display_width(line) / (_ABOUT_WIDTH - 4)) or 1 for line in text.split("\n"))
        if rows > 1:  # not every program makes room for wrapped text by itself
            sheet.set_row(row, rows * _ABOUT_LINE)
        book.put_text(sheet, row, 0, title, label)
        book.put_text(sheet, row, 1, text, wrapped)


def _set_page(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _fits_inline(choices: tuple[str, ...]) -> bool:
    texts = [clean_text(choice) for choice in choices]
    return units(",".join(texts)) <= _MAX_INLINE_LIST and not any(
        "," in text or '"' in text for text in texts
    )


def _widths(columns: Sequence[ListColumn], rows: Rows) -> list[int]:
    """Two more than the title (the filter's button), or what the first rows need."""
    sample = list(_rows(rows[:_SAMPLE_ROWS], len(columns)))
    widths = []
    for index, column in enumerate(columns):
        if column.width is not None:
            widths.append(column.width)
            continue
        texts = {_shown(row[index], column.kind) for row in sample}
        needed = max(map(display_width, texts), default=0)
        choice = max((display_width(choice) + 2 for choice in column.choices), default=0)
        wanted = max(display_width(clean_text(column.title)) + 3, needed + 1, choice)
        widths.append(min(max(wanted, _NARROW), _WIDE))
    return widths


def _shown(value: object, kind: Kind) -> str:
    if isinstance(value, int) and kind in SCALE:
        return f"{value // SCALE[kind]:,}" + (".00" if kind == "yuan" else "")
    return clean_text(value)[:200]


def _csv_cell(value: object, kind: Kind) -> str:
    if kind == "yuan" and isinstance(value, int):
        return shown_number(value, kind)
    return neutral(clean_text(value))


def _length(rows: Rows) -> int:
    return rows.num_rows if isinstance(rows, pa.Table) else len(rows)


def _rows(rows: Rows, width: int) -> Iterator[Sequence[object]]:
    """Rows of either kind, in order; a row of another width is a mistake of the caller."""
    if not isinstance(rows, pa.Table):
        for row in rows:
            if len(row) != width:
                raise ValueError(f"row of {len(row)} cells in a list of {width} columns")
            yield row
        return
    if rows.num_columns != width:
        raise ValueError(f"table of {rows.num_columns} columns in a list of {width}")
    for batch in rows.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _checked(code: int) -> None:
    """xlsxwriter answers a lost cell with a number, not with an error."""
    if code:
        raise SiyuError(
            "cell-lost", tr(f"写表时丢了一格(代码 {code})", f"A cell was lost while writing (code {code})")
        )
