"""The list writer: what is written is what every reader reads, and nothing in it runs."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from siyu_cli.sheets import write
from siyu_cli.sheets.write import (
    ListColumn,
    ListSheet,
    clean_text,
    display_width,
    neutral,
    sheet_names,
    write_csv,
    write_list_workbook,
)
from tests.conftest import examples

ATTACKS = [
    "=cmd|'/c calc'!A1",
    '=HYPERLINK("http://e.x","x")',
    "@SUM(1)",
    "\t=1+1",
    "+1+cmd|'/c calc'!A1",
    "-2+3",
    "＝1+1",
    "'=1+1",
    "{=1+1}",
    "http://e.x",
    "mailto:a@b.c",
    "internal:Sheet1!A1",
    "<r>a&b</r>",
    "</t></is></c>",
    "1E5",
    "007",
    "4900123456789012345",
    "+8613800138000",
    "张三[vip]",
    "NA",
    "TRUE",
    "2025-01-01",
    "  两边有空格  ",
    "甲\n乙",
    "𬭚㐂🍎",
]


def save(path: Path, columns: list[ListColumn], rows: Any, **extra: Any) -> Path:
    write_list_workbook(path, [ListSheet("名单", columns, rows)], [("说", "明")], created=None, **extra)
    return path


def by_openpyxl(path: Path, sheet: str = "名单") -> list[list[Any]]:
    cells = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [["" if cell is None else cell for cell in row] for row in cells]


def by_calamine(path: Path, sheet: str = "名单") -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()


def test_attack_strings_are_text_in_both_readers(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", [ListColumn("昵称")], [[text] for text in ATTACKS])
    assert [row[0] for row in by_openpyxl(path)[1:]] == ATTACKS
    assert [row[0] for row in by_calamine(path)[1:]] == ATTACKS
    cells = [row[0] for row in openpyxl.load_workbook(path)["名单"].iter_rows(min_row=2)]
    assert {cell.number_format for cell in cells} == {"@"}
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in cells)


def test_attack_strings_as_titles_sheet_names_and_about(tmp_path: Path) -> None:
    sheets = [ListSheet(text, [ListColumn(text, choices=(text,))], [[text]]) for text in ATTACKS]
    write_list_workbook(tmp_path / "a.xlsx", sheets, [(text, text) for text in ATTACKS], created=None)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert [book.worksheets[i]["A1"].value for i in range(len(ATTACKS))] == ATTACKS
    assert [row[1].value for row in book["说明"].iter_rows()] == ATTACKS


@examples(40)
@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1, max_size=5))
def test_every_text_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = save(tmp_path_factory.mktemp("w") / "a.xlsx", [ListColumn("甲"), ListColumn("乙")], rows)
    wanted = [["甲", "乙"], *([clean_text(cell) for cell in row] for row in rows)]
    assert by_calamine(path)[: len(wanted)] == _trimmed(wanted)
    # openpyxl leaves Excel's own escape of a literal _x0041_ as it stands in the file.
    if not any("_x" in cell for row in wanted for cell in row):
        assert _trimmed(by_openpyxl(path)) == _trimmed(wanted)


def _trimmed(rows: list[list[str]]) -> list[list[str]]:
    """calamine ends at the last cell that holds something."""
    while not any(rows[-1]):
        rows = rows[:-1]
    return rows


def test_numbers_money_and_dates(tmp_path: Path) -> None:
    columns = [ListColumn("单", "count"), ListColumn("额", "yuan"), ListColumn("日", "date")]
    rows = [
        (3, 129_950, "2025-03-15"),
        (10**16, -1, date(2025, 3, 16)),
        (None, 10**17, datetime(2025, 3, 16, 1, 2, 3)),
    ]
    path = save(tmp_path / "a.xlsx", columns, rows)
    assert by_openpyxl(path)[1:] == [
        [3, 1299.5, "2025-03-15"],
        ["10000000000000000", -0.01, "2025-03-16"],
        ["", "1000000000000000.00", "2025-03-16 01:02:03"],
    ]
    assert openpyxl.load_workbook(path)["名单"]["B2"].number_format == "#,##0.00"


def test_arrow_tables_and_sequences_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [(f"1380013{i:04d}", i) for i in range(25)]
    table = pa.table({"p": [row[0] for row in rows], "n": [row[1] for row in rows]})
    columns = [ListColumn("手机"), ListColumn("数", "count")]
    one, two = save(tmp_path / "1.xlsx", columns, rows), save(tmp_path / "2.xlsx", columns, table)
    assert one.read_bytes() == two.read_bytes()


def test_long_notes_have_room_and_wide_lists_open_where_they_should(tmp_path: Path) -> None:
    columns = [ListColumn(f"列{number}") for number in range(20)]
    path, note = tmp_path / "a.xlsx", "怎么填:" + "照着填" * 40
    sheets = [ListSheet("宽", columns, [["x"] * 20], opens_at=15), ListSheet("窄", columns[:3], [["x"] * 3])]
    write_list_workbook(path, sheets, [("短", "一行"), ("长", note)], created=None)
    book = openpyxl.load_workbook(path)
    pane = book["宽"].sheet_view.pane
    assert (pane.xSplit, pane.ySplit, pane.topLeftCell) == (1, 1, "P2")
    assert book["窄"].freeze_panes == "A2"
    heights = {row: book["说明"].row_dimensions[row].height for row in (1, 2)}
    lines = -(-display_width(note) // 80)
    assert heights[2] >= 15 * lines > 15
    assert book["说明"]["A2"].alignment.vertical == "top"
    assert heights[1] is None or heights[1] < 20


def test_the_layout_a_person_expects(tmp_path: Path) -> None:
    columns = [
        ListColumn("手机号"),
        ListColumn("结果", choices=("已添加", "拒绝")),
        ListColumn("备注", width=33),
    ]
    path = save(tmp_path / "a.xlsx", columns, [["13800138000", "", ""]])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["名单", "说明"]
    sheet = book["名单"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet["A1"].font.b) == ("A2", "A1:C2", True)
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    rule = sheet.data_validations.dataValidation[0]
    assert (str(rule.sqref), rule.formula1) == ("B2", '"已添加,拒绝"')
    assert sheet.column_dimensions["C"].width > 33 > sheet.column_dimensions["A"].width > 11


def test_a_long_drop_down_stands_on_a_hidden_sheet(tmp_path: Path) -> None:
    choices = tuple(f"第{i}个选择" for i in range(100))
    columns = [
        ListColumn("甲", choices=choices),
        ListColumn("乙", choices=("a,b", "c")),
        ListColumn("丙", choices=choices),
    ]
    book = openpyxl.load_workbook(save(tmp_path / "a.xlsx", columns, [["", "", "x"]]))
    assert book.sheetnames == ["名单", "选项", "说明"]
    assert book["选项"].sheet_state == "hidden"
    rules = {str(rule.sqref): rule.formula1 for rule in book["名单"].data_validations.dataValidation}
    assert rules == {"A2": "'选项'!$A$1:$A$100", "B2": "'选项'!$B$1:$B$2", "C2": "'选项'!$A$1:$A$100"}
    assert [book["选项"]["A100"].value, book["选项"]["B1"].value] == [choices[-1], "a,b"]


def test_what_excel_cannot_hold_is_cut_and_said(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.xlsx",
        [ListColumn("备注")],
        [["字" * 40_000], ["🍎" * 20_000], ["a\x00b\x1f\ud83d\uffff"]],
    )
    long, fruit, plain = (row[0] for row in by_openpyxl(path)[1:])
    assert (len(long), long[-1], fruit, plain) == (32_767, "…", "🍎" * 16_383 + "…", "ab")
    assert "2 个单元格" in by_openpyxl(path, "说明")[1][1]


def test_long_lists_go_on_in_a_second_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MAX_ROWS", 10)
    path = save(tmp_path / "a.xlsx", [ListColumn("n", "count")], [[i] for i in range(25)])
    assert openpyxl.load_workbook(path).sheetnames == ["名单", "名单_2", "名单_3", "说明"]
    assert [row[0] for row in by_openpyxl(path, "名单_3")] == ["n", 20, 21, 22, 23, 24]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["张三/李四", "张三/李四"], ["张三_李四", "张三_李四_2"]),
        (["Amy", "amy", "AMY"], ["Amy", "amy_2", "AMY_3"]),
        (["History", "", "'x'", "a\tb"], ["History_2", "Sheet", "x", "a b"]),
        (["字" * 40, "字" * 40], ["字" * 31, "字" * 29 + "_2"]),
        (["说明"], ["说明_2"]),
    ],
)
def test_sheet_names(wanted: list[str], names: list[str]) -> None:
    assert sheet_names(wanted, ["说明"]) == names


@examples(60)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_any_sheet_names_make_a_valid_workbook(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = tmp_path_factory.mktemp("w") / "a.xlsx"
    write_list_workbook(path, [ListSheet(name, [ListColumn("甲")], []) for name in names], [], created=None)
    assert len(openpyxl.load_workbook(path).sheetnames) == len(names) + 1


def test_the_same_rows_give_the_same_bytes_and_the_given_day(tmp_path: Path) -> None:
    rows = [["13800138000"]]
    made = datetime(2025, 3, 15, 10)
    for name in ("1.xlsx", "2.xlsx"):
        write_list_workbook(
            tmp_path / name, [ListSheet("名单", [ListColumn("手机")], rows)], [], created=made
        )
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()
    assert openpyxl.load_workbook(tmp_path / "1.xlsx").properties.created == made


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", [ListColumn("甲")], [["旧"]])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="row of 2 cells"):
        save(path, [ListColumn("甲")], [["新"], ["多", "余"]])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.xlsx"]
    assert path.stat().st_mode & 0o077 == 0


def test_rows_that_excel_would_lose_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="丢了一格"):
        save(tmp_path / "a.xlsx", [ListColumn(str(i)) for i in range(16_385)], [["x"] * 16_385])
    assert not list(tmp_path.iterdir())


def test_display_width_counts_wide_characters_twice() -> None:
    assert [display_width(text) for text in ("", "abc", "张三", "a\n张三丰", "ｱＡ")] == [0, 3, 4, 6, 3]


@given(st.text())
def test_neutral_is_reversible_and_safe(text: str) -> None:
    shown = neutral(text)
    assert (shown.removeprefix("'") if shown.startswith("'") else shown) == text
    assert shown[:1] not in tuple("=@\t\r\n\0＝＋－＠")


def test_csv_for_people(tmp_path: Path) -> None:
    columns = [ListColumn("昵称"), ListColumn("手机"), ListColumn("额", "yuan")]
    rows = [[text, "+8613800138000", -129_950] for text in ATTACKS]
    write_csv(tmp_path / "a.csv", columns, rows)
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith("\ufeff昵称,手机,额\r\n".encode())
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.reader(file))[1:]
    assert {(row[1], row[2]) for row in read} == {("+8613800138000", "-1299.50")}
    assert [row[0].removeprefix("'") if row[0].startswith("''") else row[0] for row in read][7] == "'=1+1"
    assert [row[0] for row in read][:3] == [
        "'=cmd|'/c calc'!A1",
        '\'=HYPERLINK("http://e.x","x")',
        "'@SUM(1)",
    ]


@pytest.mark.office
def test_libreoffice_reads_the_same_cells(tmp_path: Path, office: Callable[[Path, str], Path]) -> None:
    path = save(
        tmp_path / "a.xlsx",
        [ListColumn("昵称"), ListColumn("号")],
        [[text, "13800138000"] for text in ATTACKS],
    )
    assert by_calamine(office(path, "xlsx:Calc MS Excel 2007 XML")) == by_calamine(path)


def test_the_file_holds_no_formula_and_no_link(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", [ListColumn("昵称")], [[text] for text in ATTACKS])
    with zipfile.ZipFile(path) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
