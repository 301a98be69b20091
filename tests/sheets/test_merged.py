"""Merged cells: nothing is filled in by itself, and whoever reads the rejects learns where the value stands."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from siyu_cli.sheets import guards
from siyu_cli.sheets.guards import SheetFacts
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.table import CleanTable
from tests.sheets.makers import codes, orders, shipped
from tests.sheets.raw_files import package, rows_xml, text_cell

TITLE = ["三月", "", "", "", ""]
HEADER = ["订单号", "手机号", "付款时间", "实付金额", "商品"]
ROWS = [
    ["A1", "13800138001", "2025-03-15", "3.00", "梨"],
    ["", "", "", "2.00", "桃"],
    ["A2", "13800138002", "2025-03-16", "9.00", "梨"],
    ["A2", "13800138002", "2025-03-16", "", "桃"],
]
TABLE = [TITLE, HEADER, *ROWS]
BLOCKS = [(1, 1, 1, 5), (3, 4, 1, 1), (3, 4, 2, 2), (3, 4, 3, 3), (5, 6, 4, 4)]
"""First and last row, first and last column, from 1: the title over all columns, A1's cells, the sum of A2."""


ROW = ("Row", "tr")
"""What a row is called in SpreadsheetML and in HTML."""


def xlsx(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in TABLE:
        sheet.append([cell or None for cell in row])
    for top, bottom, left, right in BLOCKS:
        sheet.merge_cells(start_row=top, end_row=bottom, start_column=left, end_column=right)
    book.save(path)


def xls(path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("订单")
    merged = {(top - 1, left - 1): (bottom - 1, right - 1) for top, bottom, left, right in BLOCKS}
    for at, row in enumerate(TABLE):
        for column, cell in enumerate(row):
            if (at, column) in merged:
                bottom, right = merged[at, column]
                sheet.write_merge(at, bottom, column, right, cell)
            elif cell:
                sheet.write(at, column, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())


def _spanned(cell: str, least: int) -> str:
    """The rows of cells that are not covered; a span of one cell is said as `least`."""
    starts = {(top, left): (bottom - top, right - left) for top, bottom, left, right in BLOCKS}
    covered = {
        (row + down, column + across)
        for (row, column), (rows, columns) in starts.items()
        for down in range(rows + 1)
        for across in range(columns + 1)
        if down or across
    }
    lines = []
    for row, cells in enumerate(TABLE, start=1):
        parts = []
        for column, text in enumerate(cells, start=1):
            down, across = starts.get((row, column), (0, 0))
            if (row, column) not in covered:
                parts.append(cell.format(at=column, text=text, across=across + least, down=down + least))
        lines.append("".join(parts))
    return "".join(f"<{ROW[least]}>{line}</{ROW[least]}>" for line in lines)


def html(path: Path) -> None:
    body = _spanned("<td colspan={across} rowspan={down}>{text}</td>", 1)
    path.write_text(f'<meta charset="utf-8"><table>{body}</table>', encoding="utf-8")


def spreadsheetml(path: Path) -> None:
    cell = '<Cell ss:Index="{at}" ss:MergeAcross="{across}" ss:MergeDown="{down}"><Data ss:Type="String">{text}</Data></Cell>'
    body = _spanned(cell, 0)
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    path.write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="a"><Table>{body}</Table></Worksheet></Workbook>',
        encoding="utf-8",
    )


@pytest.fixture(params=[xlsx, xls, html, spreadsheetml])
def path(request, tmp_path) -> Path:
    file = tmp_path / "a.xls"
    request.param(file)
    return file


def fixes(table: CleanTable) -> list[str]:
    return [reject.fix for reject in table.rejects]


def test_rows_below_a_merged_value_say_where_it_stands(path):
    table = orders(path)
    assert codes(table) == [(4, "missing-id"), (6, "missing-amount")]
    assert table.notes["merged-cells"] == 4
    copied, divided = fixes(table)
    assert copied == "这一格和第 3 行的合并着,值只在那一行:照样填进来。补上订单编号"
    assert divided.startswith("这一格和第 5 行的合并着,金额是几行合在一起的:分开写")


def test_a_mapping_that_carries_them_needs_no_word(path):
    mapping = PlatformMapping(
        "合并", "orders",
        {"order_id": ("订单号",), "phone": ("手机号",), "paid_at": ("付款时间",), "amount_paid": ("实付金额",)},
        order_key=("order_id",), carried=("order_id", "phone", "paid_at"),
    )  # fmt: skip
    table = orders(path, [mapping])
    assert codes(table) == [(6, "missing-amount")]
    assert table.notes["merged-cells"] == 1
    assert table.rows["order_id"].to_pylist() == ["A1", "A1", "A2"]


def test_a_value_that_is_wrong_by_itself_keeps_its_own_words(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [HEADER, ["A1", "", "昨天", "1", ""], ["", "", "", "1", ""], ["A3", "", "昨天", "1", ""]]:
        sheet.append(row)
    sheet.merge_cells("C2:C3")
    book.save(tmp_path / "a.xlsx")
    first, merged, last = orders(tmp_path / "a.xlsx").rejects
    assert (first.merged, last.merged) == (0, 0)
    assert (merged.column, merged.merged) == ("订单号", 0)


def test_merges_above_the_data_and_across_are_no_news(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [["七月"], [], HEADER, ROWS[0]]:
        sheet.append(row)
    sheet.merge_cells("A1:E2")
    sheet.merge_cells("D4:E4")
    book.save(tmp_path / "a.xlsx")
    table = orders(tmp_path / "a.xlsx", shipped("orders"))
    assert (table.rows.num_rows, dict(table.notes)) == (1, {})


def test_only_so_many_blocks_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(guards, "MAX_MERGES", 3)
    facts = SheetFacts()
    for row in range(9):
        facts.merge(row, row + 1, 0, 0)
    assert len(facts.merges) == 3


def test_a_sheet_of_nothing_but_merges_is_read_in_a_moment(tmp_path):
    cells = "".join(text_cell(f"{'ABCDE'[at]}1", name) for at, name in enumerate(HEADER))
    first = "".join(text_cell(f"{'ABCDE'[at]}2", cell) for at, cell in enumerate(ROWS[0]))
    merges = "".join(f'<mergeCell ref="A{row}:XFD{row + 1}"/>' for row in range(3, 120_003))
    sheet = rows_xml(cells, first).replace("</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>")
    path = tmp_path / "a.xlsx"
    path.write_bytes(package(sheet))
    table = orders(path)
    assert (table.rows.num_rows, table.notes["merged-cells"]) == (1, guards.MAX_MERGES)
