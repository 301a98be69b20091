"""Small files for reader tests, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.mapping_file import available_mappings, resolve_mappings
from siyu_cli.sheets.orders import read_orders
from siyu_cli.sheets.table import CleanTable

TZ = timezone(timedelta(hours=8))
DATA = Path(__file__).parents[1] / "data"
Rows = Sequence[Sequence[Any]]


def xlsx(
    path: Path, rows: Rows, *, title: str = "订单", more: dict[str, Rows] | None = None, hidden: str = ""
) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = title
    for name, content in {title: rows, **(more or {})}.items():
        sheet = first if name == title else book.create_sheet(name)
        for row in content:
            sheet.append(list(row))
        if name == hidden:
            sheet.sheet_state = "hidden"
    book.save(path)
    return path


def xls(path: Path, rows: Rows) -> Path:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("订单")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if hasattr(value, "year"):
                sheet.write(at, column, value, moment)
            elif value is not None:
                sheet.write(at, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())
    return path


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def shipped(kind: str, name: str = "auto") -> list[PlatformMapping]:
    return resolve_mappings(name, available_mappings(None), [kind])


def orders(path: Path, mappings: Sequence[PlatformMapping] | None = None, **options: Any) -> CleanTable:
    """Read with the shipped mappings; the account of rows always balances."""
    table = read_orders(path, mappings or shipped("orders"), tz=TZ, **options)
    assert table.read == table.rows.num_rows + len(table.rejects) + table.blank
    return table


def codes(table: CleanTable) -> list[tuple[int, str]]:
    return [(reject.row_no, reject.code) for reject in table.rejects]
