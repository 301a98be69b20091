"""Workbooks (xlsx, xls) as text cells, each worded by its own type: nothing is guessed from a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.header import SEARCH_ROWS, Header, Layout
from siyu_cli.sheets.raw import RawBatch
from siyu_cli.sheets.sniff import not_a_workbook

_BATCH_ROWS = 32_768
_EXACT = 10**15
"""Excel keeps 15 digits: a larger number has lost digits and is worded so that no id is made of it."""


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


def _column_text(cells: tuple[object, ...]) -> pa.Array:
    kinds = set(map(type, cells))
    if kinds == {str}:
        return pa.array(cells, pa.string())
    return pa.array([_TEXT_OF[type(cell)](cell) for cell in cells], pa.string())


class WorkbookSource:
    """One sheet of a workbook."""

    encoding: str | None = None
    is_1904 = False

    def __init__(self, path: Path, sheet: str | None) -> None:
        self.path = path
        self.notes: Counter[str] = Counter()
        self._book = _open(path)
        self.sheet: str | None = self._choose(sheet)

    def sheet_names(self) -> list[str]:
        return list(self._book.sheet_names)

    def layouts(self) -> list[Layout]:
        """The first rows; a sheet has one way of splitting them."""
        rows = [[cell_text(cell) for cell in row] for row in islice(self._rows(), SEARCH_ROWS)]
        return [Layout(rows, range(1, len(rows) + 1))]

    def batches(self, header: Header) -> Iterator[RawBatch]:
        """The rows below the header, in columns."""
        rows = islice(self._rows(), header.row_no, None)
        first = header.row_no + 1
        while block := list(islice(rows, _BATCH_ROWS)):
            columns = [_column_text(cells) for cells in zip(*block, strict=True)]
            yield RawBatch(columns, pa.array(range(first, first + len(block)), pa.int64()))
            first += len(block)

    def _rows(self) -> Iterator[Sequence[Any]]:
        rows: Iterator[Sequence[Any]] = self._book.get_sheet_by_name(self.sheet).iter_rows()
        return rows

    def _choose(self, wanted: str | None) -> str:
        """The sheet by name, else the first visible one with content."""
        from python_calamine import SheetTypeEnum, SheetVisibleEnum

        names = self.sheet_names()
        if wanted is not None:
            for name in names:
                if name.strip().casefold() == wanted.strip().casefold():
                    return name
            raise InputRefused(
                "unknown-sheet",
                tr(f"{self.path.name} 里没有工作表「{wanted}」", f"{self.path.name} has no sheet “{wanted}”"),
                hint=tr(f"有:{'、'.join(names)}", f"There are: {', '.join(names)}"),
                where=Where(file=self.path.name),
            )
        for meta in self._book.sheets_metadata:
            if meta.visible != SheetVisibleEnum.Visible or meta.typ != SheetTypeEnum.WorkSheet:
                continue
            if self._book.get_sheet_by_name(meta.name).end is not None:
                return str(meta.name)
        raise InputRefused(
            "empty-file",
            tr(f"{self.path.name} 里没有带内容的工作表", f"{self.path.name} has no sheet with content"),
            hint=tr(
                "重新导出;隐藏的工作表用 --sheet 指定", "Export it again; name a hidden sheet with --sheet"
            ),
            where=Where(file=self.path.name),
        )


def _open(path: Path) -> Any:
    import python_calamine as calamine

    try:
        return calamine.CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))
    except calamine.PasswordError:
        raise InputRefused(
            "password-protected",
            tr(f"{path.name} 有打开密码", f"{path.name} needs a password to open"),
            hint=tr(
                "用 Excel/WPS 打开,去掉密码后另存", "Open it in Excel or WPS, remove the password and save"
            ),
            where=Where(file=path.name),
        ) from None
    except calamine.CalamineError as error:
        raise not_a_workbook(path.name, tr(f"打不开({error})", f"it cannot be opened ({error})")) from None
