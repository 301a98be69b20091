"""Workbooks as they really are: what the reader's library drops, misreads or dies of must be told or refused."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused
from siyu_cli.sheets import child, guards
from siyu_cli.sheets.raw import NOT_CALCULATED, list_sheets, open_source
from siyu_cli.sheets.sniff import FileKind, needs_password, sniff
from siyu_cli.sheets.workbook import cell_text, number_text
from tests.conftest import examples
from tests.sheets.makers import orders, xls, xlsx
from tests.sheets.raw_files import (
    STRICT_MAIN,
    STRICT_RELATIONS,
    every_cell,
    package,
    rows_xml,
    text_cell,
    walk,
)

TWO_ROWS = rows_xml(
    text_cell("A1", "甲") + text_cell("B1", "乙"), '<c r="A2"><v>1</v></c><c r="B2"><v>2.5</v></c>'
)
CELLS = [("甲", "乙"), ("1", "2.5")]


def write(folder: Path, content: bytes, name: str = "a.xlsx") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path: Path, sheet: str | None = None) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        every_cell(path, sheet)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


# --- cells ---------------------------------------------------------------------------------------


def test_errors_and_uncalculated_formulas_arrive_as_text_in_their_cell(tmp_path):
    content = package(
        rows_xml(
            text_cell("B1", "a") + '<c r="D1" t="e"><v>#N/A</v></c>',
            '<c r="B2"><f>SUM(1)</f></c><c r="C2"><f>SUM(1)</f><v></v></c><c r="D2"><f>1+1</f><v>2</v></c>',
            '<c r="B3" t="str"><f>IF(1,"")</f><v></v></c><c t=\'e\' r=\'C3\' ><f>1/0</f><v>#DIV/0!</v></c>',
            '<c r="A4" t="s"><f t="shared" si="0"/></c>',
            '<c r="F5" t="e"><v>#REF!</v></c>',
        )
    )
    path = write(tmp_path, content)
    assert every_cell(path) == [
        ("", "a", "", "#N/A", "", ""),
        ("", NOT_CALCULATED, NOT_CALCULATED, "2", "", ""),
        ("", "", "#DIV/0!", "", "", ""),
        (NOT_CALCULATED, "", "", "", "", ""),
        ("", "", "", "", "", "#REF!"),
    ]
    source = open_source(path, None)
    walk(source)
    assert source.notes["formula-without-value"] == 3


def test_cells_without_references_keep_their_places(tmp_path):
    content = package(
        "<sheetData><row><c t='inlineStr'><is><t>a</t></is></c><c t=\"e\"><v>#N/A</v></c></row>"
        "<row/><row><c><v>3</v></c><c/><c><f>x</f></c></row></sheetData>"
    )
    assert every_cell(write(tmp_path, content)) == [
        ("a", "#N/A", ""),
        ("", "", ""),
        ("3", "", NOT_CALCULATED),
    ]


def test_marks_inside_text_are_text(tmp_path):
    quoted = '&lt;c r="A1" t="e"&gt; <![CDATA[<c r="A2" t="e"><v>#N/A</v></c>]]>'
    content = package(rows_xml(text_cell("A1", quoted), '<!-- <c r="A2" t="e"/> --><c r="A2"><v>1</v></c>'))
    assert every_cell(write(tmp_path, content)) == [
        ('<c r="A1" t="e"> <c r="A2" t="e"><v>#N/A</v></c>',),
        ("1",),
    ]


@pytest.mark.parametrize(
    ("options", "before"),
    [
        ({}, '<dimension ref="A1"/>'),
        ({"main": STRICT_MAIN, "relations": STRICT_RELATIONS}, ""),
        ({"slash": "\\"}, ""),
        ({"styles": f'<styleSheet xmlns="{STRICT_MAIN}"><fills count="1"><fill/></fills></styleSheet>'}, ""),
    ],
    ids=["stale dimension", "strict", "backslashes", "empty fill"],
)
def test_odd_packages_are_read_completely(tmp_path, options, before):
    assert every_cell(write(tmp_path, package(before + TWO_ROWS, **options))) == CELLS


def test_a_prefixed_namespace(tmp_path):
    cells = (
        '<x:c r="A1"><x:v>1</x:v></x:c><x:c r="B1" t="e"><x:v>#N/A</x:v></x:c><x:c r="C1"><x:f>1</x:f></x:c>'
    )
    hidden = '<x:row r="2" hidden="1"><x:c r="A2"><x:v>2</x:v></x:c></x:row>'
    path = write(
        tmp_path, package(f'<x:sheetData><x:row r="1">{cells}</x:row>{hidden}</x:sheetData>', prefix="x")
    )
    source = open_source(path, None)
    assert walk(source) == [("1", "#N/A", NOT_CALCULATED), ("2", "", "")]
    assert source.notes == {"hidden-rows": 1, "formula-without-value": 1}


def test_hidden_rows_are_read_and_counted(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in [["订单号", "付款时间", "实付金额"], ["A1", "2025-03-15", 1], ["A2", "2025-03-15", 2]]:
        book.active.append(row)
    book.active.row_dimensions[2].hidden = True
    book.active.row_dimensions[90].hidden = True
    book.save(tmp_path / "a.xlsx")
    table = orders(tmp_path / "a.xlsx")
    assert table.rows["order_id"].to_pylist() == ["A1", "A2"]
    assert table.notes["hidden-rows"] == 1


def test_dates_of_1904_workbooks(tmp_path):
    """A cell formatted as a date is right by itself; a bare day number needs to know where days begin."""
    import openpyxl
    import xlwt
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append([datetime(2024, 1, 2, 3, 4, 5), 43831])
    book.save(tmp_path / "a.xlsx")
    old = xlwt.Workbook()
    old.dates_1904 = True
    sheet = old.add_sheet("a")
    sheet.write(0, 0, datetime(2024, 1, 2, 3, 4, 5), xlwt.easyxf(num_format_str="yyyy-mm-dd"))
    sheet.write(0, 1, 43831)
    old.save(str(tmp_path / "a.xls"))
    for name in ("a.xlsx", "a.xls"):
        source = open_source(tmp_path / name, None)
        assert source.is_1904
        assert walk(source) == [("2024-01-02 03:04:05", "43831")]


def test_xls_errors_and_hidden_rows(tmp_path):
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    sheet.write(0, 0, "x")
    sheet.row(1).set_cell_error(2, "#REF!")
    sheet.write(2, 1, 5)
    sheet.row(2).hidden = True
    book.save(str(tmp_path / "a.xls"))
    source = open_source(tmp_path / "a.xls", None)
    assert walk(source) == [("x", "", ""), ("", "", "#REF!"), ("", "5", "")]
    assert source.notes == {"hidden-rows": 1}


def test_the_error_result_of_an_xls_formula(tmp_path):
    import xlwt

    book = xlwt.Workbook()
    book.add_sheet("a").write(0, 1, xlwt.Formula("1/0"))
    buffer = io.BytesIO()
    book.save(buffer)
    raw = bytearray(buffer.getvalue())
    at = raw.index(struct.pack("<H", 0x0006), raw.index(b"\x09\x08", 600))
    while raw[at + 4 : at + 8] != struct.pack("<HH", 0, 1):
        at = raw.index(struct.pack("<H", 0x0006), at + 1)
    raw[at + 10 : at + 18] = bytes([2, 0, 0x07, 0, 0, 0, 0xFF, 0xFF])
    assert every_cell(write(tmp_path, bytes(raw), "a.xls")) == [("", "#DIV/0!")]


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**17), 10**17).map(float)))
def test_numbers_are_worded_the_same_on_both_roads(number):
    from siyu_cli.sheets.workbook import _column_text

    assert _column_text((number, number))[1].as_py() == number_text(number)
    if abs(number) < 10**15:
        assert float(number_text(number)) == number
        assert "e" not in number_text(number).lower()


@given(st.one_of(st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1)), st.dates(date(1900, 1, 1))))
def test_moments_are_worded_the_same_on_both_roads(moment):
    from siyu_cli.sheets.workbook import _column_text

    assert _column_text((moment, date(2024, 1, 2))).to_pylist() == [cell_text(moment), "2024-01-02 00:00:00"]


# --- sheets --------------------------------------------------------------------------------------


def test_which_sheet_is_read(tmp_path):
    content = package(
        TWO_ROWS, "", "<sheetData/>", TWO_ROWS.replace("甲", "丙"), TWO_ROWS.replace("甲", "丁"),
        names=("藏", "图", "空", "订单", "二"), states=("hidden", "visible", "visible", "visible", "veryHidden"),
        kinds=("worksheet", "chartsheet", "worksheet", "worksheet", "worksheet"),
    )  # fmt: skip
    path = write(tmp_path, content)
    source = open_source(path, None)
    assert source.sheet == "订单"
    assert walk(source)[0] == ("丙", "乙")
    assert list_sheets(path) == ["订单"]
    assert every_cell(path, "藏") == CELLS
    assert every_cell(path, " 二 ")[0] == ("丁", "乙")
    assert refused(path, "空").code == "empty-file"
    assert "藏" in refused(path, "没有").hint


def test_a_workbook_whose_only_content_is_hidden_names_the_sheet(tmp_path):
    error = refused(write(tmp_path, package(TWO_ROWS, states=("hidden",), names=("藏",))))
    assert error.code == "empty-file"
    assert "藏" in error.message
    assert "--sheet" in error.hint


def test_list_sheets_of_other_files(tmp_path):
    assert list_sheets(xls(tmp_path / "a.xls", [["x"]])) == ["订单"]
    assert list_sheets(write(tmp_path, b"a,b\n1,2\n", "a.csv")) == []


def test_a_merged_title_stands_in_its_first_cell(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in [
        ["2024年订单导出"],
        ["订单号", "付款时间", "实付金额"],
        ["A1", "2025-03-15", 1],
        ["合计", None, 1],
    ]:
        book.active.append(row)
    book.active.merge_cells("A1:C1")
    book.save(tmp_path / "a.xlsx")
    table = orders(tmp_path / "a.xlsx")
    assert (table.header_row, table.rows.num_rows, table.blank) == (2, 1, 1)


def test_a_source_can_be_walked_twice_and_left_in_the_middle(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [[f"行{n}", n] for n in range(40_000)])
    source = open_source(path, None)
    assert len(source.layouts()[0].rows) == 20
    assert walk(source) == walk(source)
    assert source.layouts()[0].rows[0] == ("行0", "0")
    other = open_source(path, None)
    other.layouts()
    other.close()
    assert len(every_cell(path)) == 40_000


# --- hostile files -------------------------------------------------------------------------------


def test_a_sheet_spread_over_the_whole_grid(tmp_path):
    far = '<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    beyond = far.replace("XFD1048576", "XFDA99999999")
    unplaced = (
        "<sheetData><row>" + "<c><v>1</v></c>" * 16_000 + "</row>" + "<row><c><v>1</v></c></row>" * 20_000
    )
    for content in (far, beyond, f"{unplaced}</sheetData>"):
        assert refused(write(tmp_path, package(content))).code == "workbook-too-large"


def test_a_spread_that_only_the_reader_meets_ends_the_child_and_not_the_command(tmp_path):
    """A long sheet is looked at while it is read: the memory limit of the child holds then."""
    pytest.importorskip("resource")
    dice = random.Random(1)
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{dice.random()}</v></c></row>' for n in range(1, 160_000))
    path = write(
        tmp_path,
        package(f'<sheetData>{rows}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'),
    )
    assert refused(path).code in ("unreadable-workbook", "workbook-too-large")
    assert every_cell(write(tmp_path, package(TWO_ROWS))) == CELLS


def test_blank_formatted_rows_to_the_end_of_the_sheet(tmp_path):
    blank = "".join(
        f'<row r="{n}"><c r="A{n}" s="1"/><c r="B{n}" s="1"></c></row>' for n in range(3, 1_048_577)
    )
    content = package(TWO_ROWS.replace("</sheetData>", f"{blank}</sheetData>"))
    assert every_cell(write(tmp_path, content)) == CELLS


def strings(text: str, start: str = "") -> str:
    return f'{start}<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1" uniqueCount="1">{text}</sst>'


SHARED = '<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData>'


@pytest.mark.parametrize(
    ("text", "start", "code"),
    [
        ("<si><t>" + "a" * 60_000_000 + "</t></si>", "", "workbook-too-large"),
        ("<si><t>&a;</t></si>", '<!DOCTYPE sst [<!ENTITY a "xx">]>', "unsafe-xml"),
        (
            "<si><t>&a;</t></si>",
            '<?xml version="1.0"?><!-- x --><!DOCTYPE sst SYSTEM "http://x/">',
            "unsafe-xml",
        ),
        ("", "\ufeff\x00", "broken-workbook"),
    ],
    ids=["bomb", "entities", "external", "binary"],
)
def test_hostile_shared_strings(tmp_path, text, start, code):
    assert refused(write(tmp_path, package(SHARED, strings=strings(text, start)))).code == code


def test_a_stated_number_of_strings_that_cannot_be(tmp_path):
    lie = strings("<si><t>a</t></si>").replace('uniqueCount="1"', 'uniqueCount="9999999999"')
    assert refused(write(tmp_path, package(SHARED, strings=lie))).code == "workbook-too-large"
    assert every_cell(write(tmp_path, package(SHARED, strings=strings("<si><t>a</t></si>")))) == [("a",)]


def test_sizes_that_lie(tmp_path):
    """The central directory says 100 bytes; the part goes on."""
    content = bytearray(package(TWO_ROWS))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo("xl/worksheets/sheet0.xml")
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet0.xml"))
    assert int.from_bytes(content[entry + 24 : entry + 28], "little") == info.file_size
    content[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    assert refused(write(tmp_path, bytes(content))).code == "broken-workbook"


def test_limits_of_a_package(tmp_path, monkeypatch):
    path = write(tmp_path, package(TWO_ROWS))
    for limit in ("MAX_ENTRIES", "MAX_ENTRY", "MAX_TOTAL"):
        with monkeypatch.context() as patch:
            patch.setattr(guards, limit, 3)
            assert refused(path).code == "workbook-too-large"
    assert every_cell(path) == CELLS


def test_a_child_that_hangs_is_given_up(tmp_path, monkeypatch):
    path = write(tmp_path, package(TWO_ROWS))
    monkeypatch.setattr(child, "BASE_SECONDS", 0.0)
    monkeypatch.setattr(child, "_idle", [])
    assert refused(path).code == "reading-timeout"


def test_a_child_that_dies_between_files_is_replaced(tmp_path):
    path = write(tmp_path, package(TWO_ROWS))
    assert every_cell(path) == CELLS
    child._idle[-1]._process.kill()
    child._idle[-1]._process.wait()
    assert every_cell(path) == CELLS


def test_a_child_that_dies_at_work_is_told(tmp_path, monkeypatch):
    def hang_up(source):
        raise EOFError

    path = write(tmp_path, package(TWO_ROWS))
    monkeypatch.setattr(child, "read_frame", hang_up)
    assert refused(path).code == "unreadable-workbook"
    monkeypatch.undo()
    assert every_cell(path) == CELLS


def test_the_child_runs_nothing_from_the_folder_it_is_called_in(tmp_path):
    path = write(tmp_path, package(TWO_ROWS))
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)", encoding="utf-8")
    code = f"from tests.sheets.raw_files import every_cell; from pathlib import Path; print(every_cell(Path({str(path)!r})))"
    root = Path(__file__).parents[2]
    env = {"PYTHONPATH": str(root), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.stdout.strip() == str(CELLS), done.stderr


# --- what a file is ------------------------------------------------------------------------------


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (zipped("word/document.xml"), "Word"),
        (zipped("xl/workbook.bin"), "xlsb"),
        (zipped("META-INF/manifest.xml", "content.xml"), "OpenDocument"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "MHTML"),
        (b"<?xml version='1.0'?><rss><a/></rss>", "XML"),
    ],
)
def test_foreign_files_are_named(tmp_path, content, word):
    error = refused(write(tmp_path, content, "订单.xls"))
    assert error.code == "not-a-spreadsheet"
    assert word in error.message


@pytest.mark.parametrize("part", ["xl/workbook.bin", "META-INF/manifest.xml", "Index/Document.iwa"])
def test_other_spreadsheets_are_to_be_saved_as_xlsx(tmp_path, part):
    """They are spreadsheets: to say that they are none would be wrong."""
    error = refused(write(tmp_path, zipped(part), "订单.ods"))
    assert "不是表格" not in error.message
    assert "另存或导出为 xlsx" in error.hint


def test_archives_and_locked_workbooks_are_told_apart(tmp_path):
    from msoffcrypto.format.ooxml import OOXMLFile

    archive = write(tmp_path, zipped("订单.csv"), "a.zip")
    assert sniff(archive).kind is FileKind.ZIP
    assert refused(archive).code == "not-a-spreadsheet"
    plain = write(tmp_path, package(TWO_ROWS))
    with plain.open("rb") as file, (tmp_path / "locked.xlsx").open("wb") as out:
        OOXMLFile(file).encrypt("1234", out)
    assert needs_password(tmp_path / "locked.xlsx")
    assert not needs_password(plain)
    assert refused(tmp_path / "locked.xlsx").code == "password-protected"


def test_lock_files_and_cut_files(tmp_path):
    lock = write(tmp_path, b"\x05admin" + b" " * 159, "~$订单.xlsx")
    assert refused(lock).code == "lock-file"
    whole = xls(tmp_path / "a.xls", [["订单号"], *[[f"A{n}"] for n in range(2000)]]).read_bytes()
    for content in (package(TWO_ROWS)[:-40], package(TWO_ROWS)[:300], whole[: len(whole) // 2]):
        error = refused(write(tmp_path, content, "半.xlsx"))
        assert error.code == "broken-workbook"
        assert "文件不完整" in error.message


@pytest.mark.parametrize("piece", ["<?a?>", "<!-- a -->", "<!---->", "<!--", "<?a", "<!doctype a>"])
def test_a_prolog_that_never_ends_is_soon_refused(tmp_path, piece):
    prolog = piece * 9_000
    assert refused(write(tmp_path, f"<?xml version='1.0'?>{prolog}<1".encode(), "a.xls")).code
    content = package(SHARED, strings=f"{prolog}<1")
    assert refused(write(tmp_path, content)).code in ("broken-workbook", "not-a-spreadsheet", "unsafe-xml")


@examples(150)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(tmp_path, data):
    make = data.draw(st.sampled_from(["xlsx", "xls"]))
    path = tmp_path / f"a.{make}"
    if not path.exists():
        (xls if make == "xls" else xlsx)(path, [["订单号", "金额"], ["A1", 1.5], ["A2", 2]])
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    try:
        every_cell(write(tmp_path, bytes(raw), "b.xlsx"))
    except InputRefused as error:
        assert error.message
        assert error.hint


def test_a_child_waits_for_workbooks_before_they_are_looked_at_and_for_nothing_else(monkeypatch):
    started = []
    monkeypatch.setattr(child, "_idle", [])
    monkeypatch.setattr(child, "_Child", lambda: started.append(1) or "a child")
    child.start_early([Path("订单.csv"), Path("inbox"), Path("名单*.zip")])
    assert child._idle == []
    for _ in range(2):
        child.start_early([Path("订单.csv"), Path("订单.XLSX")])
    assert child._idle == ["a child"]
    assert started == [1]
