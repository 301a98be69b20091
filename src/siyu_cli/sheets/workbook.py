"""Workbooks (xlsx, xls, et) as text cells, each worded by its own type: nothing is guessed from a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.sheets.biff import read_book
from siyu_cli.sheets.grid import Columns, Grid, choose_sheet, rows_per_batch
from siyu_cli.sheets.guards import Package, SheetFacts
from siyu_cli.sheets.ooxml import SheetEntry, has_content, read_structure, scan_sheet
from siyu_cli.sheets.sniff import FileKind, incomplete, not_a_workbook, password_protected

_EXACT = 10**15
"""Excel keeps 15 digits: a larger number has lost digits and is worded so that no id is made of it."""
_SMALL, _LARGE = 0.001, 1e9
"""Between these Arrow writes fractions without an exponent."""
_MIDNIGHT = time()
_FIRST_DAY = int((datetime(1900, 1, 1) - datetime(1970, 1, 1)).total_seconds()) * 1_000_000
_HEAD_ROWS = 256
"""Rows of the first batch. The header stands in it: beside its words numbers and dates take the slow road."""
_QUICK_LOOK = 8 << 20
"""A sheet of so few bytes is looked at before it is read, a longer one meanwhile: a small file that spreads
over the whole grid then never reaches the reader, which would ask for all of it at once."""


def number_text(value: float | int) -> str:
    """Plain digits of a number cell; beyond 15 digits `4.90012345678901E+17`, as a spreadsheet shows it."""
    if isinstance(value, float) and not value.is_integer():
        text = repr(value)
        return format(Decimal(text), "f") if "e" in text else text
    if abs(value) >= _EXACT:
        return f"{value:.14E}"
    return str(int(value))


def _moment_text(value: datetime) -> str:
    if value.microsecond:
        value = value.replace(microsecond=0) + timedelta(seconds=value.microsecond >= 500_000)
    return f"{value:%H:%M:%S}" if value.year < 1900 else _year_first(value)


def _year_first(value: datetime) -> str:
    # strftime does not pad years below 1000 on every system.
    return value.isoformat(sep=" ", timespec="seconds")


_TEXT_OF: dict[type, Callable[[Any], str]] = {
    str: str,
    float: number_text,
    int: number_text,
    bool: lambda value: "TRUE" if value else "FALSE",
    datetime: _moment_text,
    date: lambda value: f"{value.isoformat()} 00:00:00",
    time: lambda value: value.isoformat(timespec="seconds"),
    timedelta: str,
    type(None): lambda _: "",
}


def cell_text(value: object) -> str:
    """One cell as text."""
    return _TEXT_OF[type(value)](value)


def _column_text(cells: tuple[Any, ...]) -> pa.Array:
    """A column as text, by the quick road where all its cells are of one kind."""
    kinds = set(map(type, cells))
    quick = None
    if kinds == {str}:
        return pa.array(cells, pa.string())
    if kinds <= {datetime, date}:
        quick = _moments(cells)
    elif kinds == {float}:
        quick = _plain_numbers(cells)
    return quick or pa.array([_TEXT_OF[type(cell)](cell) for cell in cells], pa.string())


def _moments(cells: tuple[date, ...]) -> pa.Array | None:
    """Dates to the nearest second; None where some are only times of day."""
    full = [cell if type(cell) is datetime else datetime.combine(cell, _MIDNIGHT) for cell in cells]
    micros = pa.array(full, pa.timestamp("us")).cast(pa.int64()).to_numpy()
    if micros.min() < _FIRST_DAY:
        return None
    return pa.array((micros + 500_000) // 1_000_000, pa.timestamp("s")).cast(pa.string())


def _plain_numbers(cells: tuple[float, ...]) -> pa.Array | None:
    """Numbers in plain digits; None where some have too many or would be worded with an exponent."""
    numbers = np.array(cells)
    sizes = np.abs(numbers)
    if not (sizes < _EXACT).all():
        return None
    if (numbers % 1 == 0).all():
        return pc.cast(pa.array(numbers.astype(np.int64)), pa.string())
    if (sizes > _LARGE).any() or ((sizes > 0) & (sizes < _SMALL)).any():
        return None
    return pc.cast(pa.array(numbers + 0.0), pa.string())  # + 0.0: no -0


def read_workbook(path: Path, kind: FileKind, sheet: str | None) -> Grid:
    """One sheet of a workbook, in this process: see child.py for how commands read it."""
    if kind is FileKind.XLSX:
        package = Package(path)
        structure = read_structure(package)
        entry = choose_sheet(
            path.name,
            structure.sheets,
            sheet,
            lambda one: one.part is not None and has_content(package, one.part),
        )
        assert entry.part is not None
        facts, calamine = _read_beside(package, path, entry.part, entry.name)
        names, is_1904 = [one.name for one in structure.sheets if one.part], structure.is_1904
    else:
        with path.open("rb") as file:
            book = read_book(file, path.name)
        found = choose_sheet(path.name, book.sheets, sheet, lambda one: one.facts.cells > 0)
        facts, calamine = found.facts, _sheet(_open(path), found.name, path.name)
        names, is_1904 = [one.name for one in book.sheets if one.is_worksheet], book.is_1904
        entry = SheetEntry(found.name, found.is_hidden, found.name)
    notes = Counter({"hidden-rows": facts.hidden_rows, "formula-without-value": facts.uncalculated})
    width, batches = _width(calamine, facts), _batches(calamine, facts)
    return Grid(entry.name, names, is_1904, width, +notes, batches, facts.merges)


def filled_sheets(path: Path, kind: FileKind) -> list[str]:
    """The visible sheets of a workbook that hold something."""
    if kind is FileKind.XLSX:
        package = Package(path)
        return [
            one.name
            for one in read_structure(package).sheets
            if one.part and not one.is_hidden and has_content(package, one.part)
        ]
    with path.open("rb") as file:
        sheets = read_book(file, path.name).sheets
    return [one.name for one in sheets if one.facts.cells and not one.is_hidden]


def _read_beside(package: Package, path: Path, part: str, sheet: str) -> tuple[SheetFacts, Any]:
    """The facts of a sheet and the sheet as the reader gives it; a long sheet is looked at while it is read."""
    if package.part_size(part) <= _QUICK_LOOK:
        facts = scan_sheet(package, part, sheet)
        return facts, _sheet(_open(path), sheet, path.name)
    with ThreadPoolExecutor(1) as side:
        looking = side.submit(scan_sheet, package, part, sheet)
        calamine = _sheet(_open(path), sheet, path.name)
        return looking.result(), calamine


def _open(path: Path) -> Any:
    import python_calamine

    return _guarded(
        path.name, lambda: python_calamine.CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))
    )


def _sheet(book: Any, name: str, file: str) -> Any:
    return _guarded(file, lambda: book.get_sheet_by_name(name))


def _guarded(file: str, read: Callable[[], Any]) -> Any:
    """What the reader gives; its complaints, and its panics, become a refusal."""
    import python_calamine

    try:
        return read()
    except python_calamine.PasswordError:
        raise password_protected(file) from None
    except python_calamine.CalamineError as error:
        raise not_a_workbook(file, tr(f"打不开({error})", f"it cannot be opened ({error})")) from None
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # not exported anywhere; derives from BaseException
            raise incomplete(file) from None
        raise


def _width(sheet: Any, facts: SheetFacts) -> int:
    return max(sheet.end[1] + 1 if sheet.end else 0, *(column + 1 for _, column in facts.marks), 0)


def _batches(sheet: Any, facts: SheetFacts) -> Columns:
    """All rows from the first of the sheet on, as text columns from column A on, error texts in their cells."""
    width, left = _width(sheet, facts), sheet.start[1] if sheet.start else 0
    height = max(sheet.end[0] + 1 if sheet.end else 0, *(row + 1 for row, _ in facts.marks), 0)
    size = rows_per_batch(width)
    rows = sheet.iter_rows()
    marks = _by_column(facts)
    for first, end in pairwise(sorted({0, *range(min(_HEAD_ROWS, size), height, size), height})):
        count = end - first
        block: list[Sequence[Any]] = list(islice(rows, count))
        columns = [_column_text(cells) for cells in zip(*block, strict=True)]
        if len(block) < count:
            columns = [pa.concat_arrays([column, _blanks(count - len(block))]) for column in columns]
        blank = _blanks(count)
        columns = [*[blank] * left, *columns]
        columns += [blank] * (width - len(columns))
        for column, (at, texts) in marks.items():
            columns[column] = _marked(columns[column], at - first, texts)
        yield columns


def _blanks(count: int) -> pa.Array:
    return pa.repeat("", count).cast(pa.string())


def _by_column(facts: SheetFacts) -> dict[int, tuple[np.ndarray, pa.Array]]:
    """The marked cells of each column: their rows in order, and their texts."""
    rows: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in sorted(facts.marks.items()):
        rows.setdefault(column, []).append((row, text))
    return {
        column: (np.array([row for row, _ in found]), pa.array([text for _, text in found], pa.string()))
        for column, found in rows.items()
    }


def _marked(column: pa.Array, at: np.ndarray, texts: pa.Array) -> pa.Array:
    """A column with texts put in at rows; those beyond the column are left out."""
    inside = (at >= 0) & (at < len(column))
    if not inside.any():
        return column
    mask = np.zeros(len(column), dtype=bool)
    mask[at[inside]] = True
    return pc.replace_with_mask(column, pa.array(mask), texts.filter(pa.array(inside)))
