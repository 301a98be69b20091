"""Lists out: workbooks that a person opens, filters and fills in, and CSV for people.

Every text is a text cell, whatever it looks like: never a formula, a link or a number. Two calls
with the same rows give the same bytes.
"""

from __future__ import annotations

import csv
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.utility import xl_col_to_name

from siyu_cli.errors import SiyuError
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.words import strip_control

Kind = Literal["text", "count", "yuan", "date"]
Rows: TypeAlias = "pa.Table | Sequence[Sequence[object]]"

ABOUT_SHEET = "说明"
"""The last sheet of every list workbook: what is in it and where it comes from."""
MAX_ROWS = 1_000_000
"""Data rows per sheet; more go on in `name_2`. Excel ends at 1,048,576."""
MAX_CELL = 32_767
"""UTF-16 units per cell, Excel's limit."""
_MAX_NAME = 31
_MAX_INLINE_LIST = 255
_EXACT_DIGITS = 10**15
_SAMPLE_ROWS = 100
_NARROW, _WIDE = 6, 60
_FONT = "微软雅黑"
# Numbers stand at the right; the indent keeps them off the text of the next column.
_AIR = {"align": "right", "indent": 1}
_FIXED_CREATED = datetime(2000, 1, 1)

_BAD_IN_SHEET = re.compile(r"[\[\]:*?/\\]")
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS = re.compile(r"\r\n?")
_ODD = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
    """One list; `rows` match `columns` by position. `count` holds whole numbers, `yuan` integer fen."""

    name: str
    columns: Sequence[ListColumn]
    rows: Rows


def write_list_workbook(
    path: Path, sheets: Sequence[ListSheet], about: Sequence[tuple[str, str]], *, created: datetime | None
) -> None:
    """Write lists to `path`, with the sheet 说明 made of `about` last; all of the file or none of it.

    Sheet names are made valid and unique, long lists go on in a second sheet, cells that Excel cannot
    hold are cut with a mark and counted in 说明.
    """
    with replacing(path) as temporary, tempfile.TemporaryDirectory(prefix="siyu-") as scratch:
        book = _Book.open(temporary, scratch, created)
        try:
            _fill(book, sheets, about)
        except BaseException:
            # The half-made parts vanish with `scratch`; nothing must try to finish the file.
            for sheet in book.workbook.worksheets():
                sheet._opt_close()
            raise
        try:
            book.workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None


def write_csv(path: Path, columns: Sequence[ListColumn], rows: Rows) -> None:
    """A CSV that Excel opens rightly: BOM, CRLF, yuan with two decimals, no cell that runs as a formula."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([neutral(clean_text(column.title)) for column in columns])
        for row in _rows(rows, len(columns)):
            writer.writerow(
                [_csv_cell(value, column.kind) for value, column in zip(row, columns, strict=True)]
            )


def clean_text(value: object) -> str:
    """A value as the text of one cell: no control characters, line ends as LF, dates as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    text = value if isinstance(value, str) else str(value)
    if _ODD.search(text):
        text = _NOT_XML.sub("", strip_control(_LINE_ENDS.sub("\n", text)))
    return text


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
        base = _BAD_IN_SHEET.sub("_", strip_control(_NOT_XML.sub("", name))).strip("' \t\r\n") or "Sheet"
        base = re.sub(r"\s", " ", base)
        chosen, number = _cut(base, _MAX_NAME), 1
        while chosen.casefold() in seen:
            number += 1
            tail = f"_{number}"
            chosen = _cut(base, _MAX_NAME - len(tail)) + tail
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
    def open(cls, path: Path, scratch: str, created: datetime | None) -> _Book:
        options = {
            "constant_memory": True,
            "tmpdir": scratch,
            "default_format_properties": {"font_name": _FONT, "font_size": 11},
        }
        workbook = xlsxwriter.Workbook(str(path), options)
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
        if len(text) > MAX_CELL // 2 and _units(text) > MAX_CELL:
            text = _cut(text, MAX_CELL - 1) + "…"
            self.cut_cells += 1
        if text.startswith("<r>") and text.endswith("</r>"):
            # xlsxwriter takes such a text for its own markup and writes it raw; in two pieces it is text.
            _checked(sheet.write_rich_string(row, column, "<", self.text, text[1:], cell_format))
        else:
            _checked(sheet.write_string(row, column, text, cell_format))


def _fill(book: _Book, sheets: Sequence[ListSheet], about: Sequence[tuple[str, str]]) -> None:
    about_name, choices_name = ABOUT_SHEET, "选项"
    parts = [(sheet, start) for sheet in sheets for start in range(0, max(_length(sheet.rows), 1), MAX_ROWS)]
    # `history` is reserved by Excel, 说明 and 选项 by this module.
    names = sheet_names([sheet.name for sheet, _ in parts], [about_name, choices_name])
    long = _long_lists([column for sheet in sheets for column in sheet.columns])
    for index, choices in enumerate(long):
        letter = xl_col_to_name(index)
        book.lists[choices] = f"='{choices_name}'!${letter}$1:${letter}${len(choices)}"
    for name, (sheet, start) in zip(names, parts, strict=True):
        _add_list(book, name, sheet.columns, sheet.rows[start : start + MAX_ROWS])
    if long:
        _add_choices(book, choices_name, long)
    _add_about(book, about_name, about)


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


def _add_list(book: _Book, name: str, columns: Sequence[ListColumn], rows: Rows) -> None:
    sheet = book.workbook.add_worksheet(name)
    count = _length(rows)
    sheet.freeze_panes(1, 0)
    _set_page(sheet)
    sheet.repeat_rows(0)
    for index, (column, width) in enumerate(zip(columns, _widths(columns, rows), strict=True)):
        sheet.set_column(index, index, width, book.format_of(column.kind))
        if column.choices and count:
            source = book.lists.get(column.choices) or [clean_text(choice) for choice in column.choices]
            _checked(sheet.data_validation(1, index, count, index, {"validate": "list", "source": source}))
    kinds = [column.kind for column in columns]
    if columns:
        sheet.autofilter(0, 0, count, len(columns) - 1)
    for index, column in enumerate(columns):
        book.put_text(sheet, 0, index, clean_text(column.title), book.head)
    for number, row in enumerate(_rows(rows, len(columns)), start=1):
        for index, value in enumerate(row):
            if value is not None and value != "":
                _put(book, sheet, number, index, value, kinds[index])


def _put(book: _Book, sheet: Any, row: int, column: int, value: object, kind: Kind) -> None:
    """One cell; numbers that a spreadsheet would round stay text."""
    if kind in _NUMBER_SCALE and type(value) is int:
        if abs(value) < _EXACT_DIGITS:
            number = value if kind == "count" else value / 100
            _checked(sheet.write_number(row, column, number, book.format_of(kind)))
        else:
            book.put_text(sheet, row, column, _csv_cell(value, kind), book.text)
    else:
        book.put_text(sheet, row, column, clean_text(value), book.text)


_NUMBER_SCALE: dict[Kind, int] = {"count": 1, "yuan": 100}


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
    width = max((display_width(title) for title, _ in lines), default=_NARROW)
    sheet.set_column(0, 0, min(max(width + 2, 10), 30), book.text)
    sheet.set_column(1, 1, 80, book.text)
    for row, (title, text) in enumerate(lines):
        book.put_text(sheet, row, 0, title, book.head)
        book.put_text(sheet, row, 1, text, wrapped)


def _set_page(sheet: Any) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _fits_inline(choices: tuple[str, ...]) -> bool:
    texts = [clean_text(choice) for choice in choices]
    return _units(",".join(texts)) <= _MAX_INLINE_LIST and not any(
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
        needed = max((display_width(_shown(row[index], column.kind)) for row in sample), default=0)
        choice = max((display_width(choice) + 2 for choice in column.choices), default=0)
        wanted = max(display_width(clean_text(column.title)) + 3, needed + 1, choice)
        widths.append(min(max(wanted, _NARROW), _WIDE))
    return widths


def _shown(value: object, kind: Kind) -> str:
    if isinstance(value, int) and kind in _NUMBER_SCALE:
        return f"{value // _NUMBER_SCALE[kind]:,}" + (".00" if kind == "yuan" else "")
    return clean_text(value)[:200]


def _csv_cell(value: object, kind: Kind) -> str:
    if kind == "yuan" and isinstance(value, int):
        yuan, rest = divmod(abs(value), 100)
        return f"{'-' if value < 0 else ''}{yuan}.{rest:02d}"
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


def _units(text: str) -> int:
    """Length as Excel counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, units: int) -> str:
    if _units(text) <= units:
        return text
    return text.encode("utf-16-le", "surrogatepass")[: units * 2].decode("utf-16-le", "ignore")


def _checked(code: int) -> None:
    """xlsxwriter answers a lost cell with a number, not with an error."""
    if code:
        raise SiyuError(
            "cell-lost", tr(f"写表时丢了一格(代码 {code})", f"A cell was lost while writing (code {code})")
        )
