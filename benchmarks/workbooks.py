"""Which writer for lists: 500 staff workbooks of 200 rows and one list of 100,000 rows, as ratios.

Same cells for every writer: ten text columns. xlsxwriter (through `sheets.write`) and openpyxl also
carry the text format, frozen header, filter, widths and drop-down; pandas carries none of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation

from benchmarks.measure import show, time_calls
from siyu_cli.leads.workbooks import RESULTS
from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

CASES = ((500, 200), (1, 100_000))
TITLES = ("行标识", "手机号", "姓名", "来源", "渠道", "备注", "到期日", "加好友备注", "结果", "反馈备注")


def make_rows(count: int) -> list[tuple[str, ...]]:
    """Rows like those of a staff workbook; the last two columns are for the staff member."""
    return [
        (
            f"L{i}",
            f"138{i:08d}",
            f"顾客{i}",
            "抖音直播",
            "抖音",
            "想要优惠券",
            "2025-03-25",
            f"顾客{i}-抖音-0315",
            "",
            "",
        )
        for i in range(count)
    ]


def by_siyu(path: Path, rows: list[tuple[str, ...]]) -> None:
    """xlsxwriter in constant memory, as the program writes."""
    columns = [ListColumn(title, choices=RESULTS if title == "结果" else ()) for title in TITLES]
    table = pa.table(dict(zip(TITLES, map(pa.array, zip(*rows, strict=True)), strict=True)))
    write_list_workbook(path, [ListSheet("线索", columns, table)], [("批次", "1")], created=None)


def by_openpyxl(path: Path, rows: list[tuple[str, ...]]) -> None:
    """openpyxl write_only with the same layout."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("线索")
    sheet.freeze_panes = "A2"
    for index in range(len(TITLES)):
        sheet.column_dimensions["ABCDEFGHIJ"[index]].width = 16
    head = []
    for title in TITLES:
        cell = WriteOnlyCell(sheet, title)
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value or None)
            cell.number_format = "@"
            if cell.data_type == "f":
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    sheet.auto_filter.ref = f"A1:J{len(rows) + 1}"
    rule = DataValidation(type="list", formula1=f'"{",".join(RESULTS)}"')
    rule.add(f"I2:I{len(rows) + 1}")
    sheet.data_validations.append(rule)
    book.create_sheet("说明").append(["批次", "1"])
    book.save(path)


def by_pandas(path: Path, rows: list[tuple[str, ...]]) -> None:
    """DataFrame.to_excel with openpyxl: General cells, no layout."""
    pd.DataFrame(rows, columns=list(TITLES)).to_excel(path, sheet_name="线索", index=False, engine="openpyxl")


WRITERS: dict[str, Callable[[Path, list[tuple[str, ...]]], None]] = {
    "xlsxwriter (siyu)": by_siyu,
    "openpyxl write_only": by_openpyxl,
    "pandas.to_excel (openpyxl)": by_pandas,
}


def write_many(write: Callable[[Path, list[tuple[str, ...]]], None], files: int, rows: int) -> None:
    """`files` workbooks of `rows` rows in a folder that goes away."""
    data = make_rows(rows)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            write(Path(folder) / f"{index}.xlsx", data)


def main() -> None:
    """Print both cases."""
    for files, rows in CASES:
        calls = {name: partial(write_many, write, files, rows) for name, write in WRITERS.items()}
        show(f"{files:,} workbook(s) of {rows:,} rows", time_calls(calls, rounds=3), "xlsxwriter (siyu)")


if __name__ == "__main__":
    main()
