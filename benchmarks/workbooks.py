"""Which writer for lists: staff workbooks of 2,000 × 10 and one list of 100,000 × 12, as ratios.

Every side gets the rows in the form it likes best (Arrow columns, a DataFrame, a list of rows) and writes the
same cells, flushed to disk. All but the bare ones carry the same layout: text format, frozen bold header,
filter, widths, a drop-down. FILES in the environment sets the number of workbooks (default 20: the
cost is per workbook), ROWS the rows of the long list.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pandas as pd
import pyarrow as pa
import xlsxwriter
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from benchmarks.measure import show, time_calls
from siyu_cli.leads.workbooks import RESULTS
from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

SIYU, BARE = "siyu", "the same bytes through zipfile (the limit)"
COLUMNS = (
    *(
        ListColumn(title)
        for title in ("行标识", "手机号", "姓名", "来源", "渠道", "备注", "到期日", "加好友备注")
    ),
    *(ListColumn("结果", choices=RESULTS), ListColumn("反馈备注")),
    *(ListColumn("订单数", "count"), ListColumn("消费额", "yuan")),
)
WIDTH = 16


@dataclass
class Case:
    """One list in the forms that the sides take; columns beyond `columns` are left out."""

    columns: Sequence[ListColumn]
    rows: list[tuple[object, ...]]
    table: pa.Table = field(init=False)
    frame: pd.DataFrame = field(init=False)
    parts: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        titles = [column.title for column in self.columns]
        self.rows = [row[: len(titles)] for row in self.rows]
        self.table = pa.table(dict(zip(titles, map(pa.array, zip(*self.rows, strict=True)), strict=True)))
        shown = [
            [value / 100 if column.kind == "yuan" else value for value in values]
            for column, values in zip(self.columns, zip(*self.rows, strict=True), strict=True)
        ]
        self.frame = pd.DataFrame(dict(zip(titles, shown, strict=True)))
        with tempfile.TemporaryDirectory() as folder:
            by_siyu(Path(folder) / "a.xlsx", self)
            with ZipFile(Path(folder) / "a.xlsx") as book:
                self.parts = {name: book.read(name) for name in book.namelist()}


def make_rows(count: int) -> list[tuple[object, ...]]:
    """Believable leads: names and remarks vary, sources repeat; the staff member's columns are empty."""
    dice = random.Random(7)
    signs = [chr(code) for code in range(0x4E00, 0x6800, 7)]
    remarks = ["", "", *("".join(dice.choices(signs, k=dice.randint(6, 20))) for _ in range(300))]
    rows: list[tuple[object, ...]] = []
    for at in range(count):
        name = "".join(dice.choices(signs, k=dice.randint(2, 4)))
        source = dice.choice(("抖音直播", "小红书私信", "线下门店", "老客转介绍"))
        phone = f"1{dice.choice('35789')}{dice.randrange(10**9):09d}"
        lead = (f"L{at}", phone, name, source, source[:2], dice.choice(remarks), "2025-03-25")
        rows.append((*lead, f"{name}-{source}-0315", "", "", dice.randrange(30), dice.randrange(10**6)))
    return rows


def by_siyu(path: Path, case: Case) -> None:
    """As the program writes: columns to XML, the frame by xlsxwriter."""
    write_list_workbook(path, [ListSheet("线索", case.columns, case.table)], [("批次", "1")], created=None)


def by_xlsxwriter(path: Path, case: Case) -> None:
    """Cell by cell in constant memory, as the program wrote before."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    text, head = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bold": True})
    formats = {
        "count": book.add_format({"num_format": "#,##0"}),
        "yuan": book.add_format({"num_format": "#,##0.00"}),
    }
    sheet = book.add_worksheet("线索")
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(case.rows), len(case.columns) - 1)
    for at, column in enumerate(case.columns):
        sheet.set_column(at, at, WIDTH, formats.get(column.kind, text))
        sheet.write_string(0, at, column.title, head)
        if column.choices:
            sheet.data_validation(
                1, at, len(case.rows), at, {"validate": "list", "source": list(column.choices)}
            )
    kinds = [column.kind for column in case.columns]
    for number, row in enumerate(case.rows, start=1):
        for at, value in enumerate(row):
            if isinstance(value, int):
                shown = value / 100 if kinds[at] == "yuan" else value
                sheet.write_number(number, at, shown, formats[kinds[at]])
            elif value:
                sheet.write_string(number, at, str(value), text)
    book.add_worksheet("说明").write_row(0, 0, ["批次", "1"])
    book.close()
    flush(path)


def by_pandas(path: Path, case: Case) -> None:
    """What one would write: DataFrame.to_excel, then the layout with openpyxl."""
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        case.frame.to_excel(writer, sheet_name="线索", index=False)
        sheet = writer.sheets["线索"]
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = sheet.dimensions
        for at, column in enumerate(case.columns, start=1):
            letter = get_column_letter(at)
            sheet.column_dimensions[letter].width = WIDTH
            sheet.cell(1, at).font = Font(bold=True)
            if column.choices:
                rule = DataValidation(type="list", formula1=f'"{",".join(column.choices)}"')
                rule.add(f"{letter}2:{letter}{len(case.rows) + 1}")
                sheet.add_data_validation(rule)
        formats = [{"count": "#,##0", "yuan": "#,##0.00"}.get(column.kind, "@") for column in case.columns]
        for cells in sheet.iter_rows(min_row=2):
            for cell, number_format in zip(cells, formats, strict=True):
                cell.number_format = number_format
        pd.DataFrame([["批次", "1"]]).to_excel(writer, sheet_name="说明", index=False, header=False)
    flush(path)


def by_pandas_alone(path: Path, case: Case) -> None:
    """DataFrame.to_excel and nothing else: General cells, no layout."""
    case.frame.to_excel(path, sheet_name="线索", index=False, engine="openpyxl")
    flush(path)


def by_zipfile(path: Path, case: Case) -> None:
    """What cannot be saved: the finished XML packed and flushed."""
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=3) as book:
        for name, content in case.parts.items():
            book.writestr(name, content)
    flush(path)


def flush(path: Path) -> None:
    """To the disk, as siyu does."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


WRITERS: dict[str, Callable[[Path, Case], None]] = {
    SIYU: by_siyu,
    "pandas + openpyxl, with the layout": by_pandas,
    "pandas.to_excel alone": by_pandas_alone,
    "xlsxwriter cell by cell": by_xlsxwriter,
    BARE: by_zipfile,
}


def write_many(write: Callable[[Path, Case], None], files: int, case: Case) -> None:
    """`files` workbooks in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        for index in range(files):
            write(Path(folder) / f"{index}.xlsx", case)


def main() -> None:
    """Print both cases."""
    files, rows = int(os.environ.get("FILES", "20")), int(os.environ.get("ROWS", "100000"))
    for count, case in (
        (files, Case(COLUMNS[:10], make_rows(2_000))),
        (1, Case(COLUMNS, make_rows(rows))),
    ):
        calls: dict[str, Callable[[], object]] = {
            name: partial(write_many, write, count, case) for name, write in WRITERS.items()
        }
        title = f"{count:,} workbook(s) of {len(case.rows):,} × {len(case.columns)}"
        show(title, time_calls(calls, rounds=3), SIYU)


if __name__ == "__main__":
    main()
