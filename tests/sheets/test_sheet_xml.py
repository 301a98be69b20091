"""Rows made column by column are the rows that xlsxwriter writes cell by cell."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from python_calamine import CalamineWorkbook

from siyu_cli.sheets import sheet_xml, write
from siyu_cli.sheets.cells import MAX_CELL, clean_text, shortened
from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

COLUMNS = (
    ListColumn("文", choices=("a", "b")),
    ListColumn("单", "count"),
    ListColumn("额", "yuan"),
    ListColumn("日", "date"),
)
NUMBER_FORMATS = {"count": "#,##0", "yuan": "#,##0.00"}
ODD_TEXTS = (
    *("", " ", "  两边  ", "\t", "a\tb", "末尾\n", "\n开头", "甲\r\n乙\r丙", "\u3000全角\u3000", "\xa0x"),
    *("=1+1", "'=1+1", "@SUM(1)", "+86", "-2", "http://e.x", "007", "1E5", "TRUE", "{=A1}"),
    *("<", "a&b", "]]>", "</t></is></c>", "<r>a&b</r>", "&amp;", "&#10;", '"', "--"),
    *("_x0041_", "_x005F_", "a_xFFFFb", "_x12_", "__x00e9__", "_\0x0041_", "\r\0\n", "<\0r>"),
    *("\0", "a\x01b\x1f", "\x7f", "\x80甲\x9f", "\ufffe\uffff", "·é\xad", "\u2028\u200b\ufeff"),
    *("🍎", "𬭚㐂", "👨‍👩‍👧", "，：（）", "字" * 40, "x" * MAX_CELL, "字" * MAX_CELL, "&" * MAX_CELL),
    *("🍎" * (MAX_CELL // 2), "x" * (MAX_CELL + 1), "🍎" * MAX_CELL, "\r\n" * 20_000, "\0" * MAX_CELL + "a"),
)
# xlsxwriter takes two escapes that share a sign for one; see test_escapes_side_by_side.
_texts = st.one_of(
    st.text(max_size=30).filter(lambda text: "_x" not in text),
    st.text("a =&<>\r\n\t\x00\x85_字🍎", max_size=8),
    st.sampled_from(ODD_TEXTS),
)
_numbers = st.one_of(
    st.integers(),
    st.integers(-(10**15) - 2, 10**15 + 2),
    st.sampled_from([0, -1, 1, 7, 99, 100, -100, 10**15 - 1, 10**15, 1 - 10**15, -(10**15), 2**63, -(2**63)]),
)
_others = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.decimals(),
    st.dates(date(1000, 1, 1)),
    st.datetimes(datetime(1000, 1, 1)),
)
_cell = st.one_of(_texts, _numbers, _others)
_rows = st.lists(st.tuples(_cell, _cell, _cell, _cell), min_size=1, max_size=6)


def save(path: Path, rows: Any) -> Path:
    write_list_workbook(path, [ListSheet("名单", COLUMNS, rows)], [], created=None)
    return path


def save_by_xlsxwriter(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """The same list cell by cell, as its library does it."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("名单")
    text = book.add_format({"num_format": "@"})
    for at, column in enumerate(COLUMNS):
        sheet.write_string(0, at, column.title, text)
    for number, row in enumerate(rows, start=1):
        for at, (value, column) in enumerate(zip(row, COLUMNS, strict=True)):
            shown = shortened(clean_text(value))
            if type(value) is int and column.kind in NUMBER_FORMATS:
                if abs(value) < 10**15:
                    form = book.add_format({"num_format": NUMBER_FORMATS[column.kind]})
                    sheet.write_number(number, at, value / 100 if column.kind == "yuan" else value, form)
                    continue
                if column.kind == "yuan":
                    shown = f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"
            if shown.startswith("<r>") and shown.endswith("</r>"):
                sheet.write_rich_string(number, at, "<", text, shown[1:], text)
            elif shown:
                assert sheet.write_string(number, at, shown, text) == 0
    book.close()
    return path


def by_openpyxl(path: Path) -> dict[str, tuple[Any, str, str]]:
    """Every cell that holds something: value, type, number format."""
    cells = [cell for row in openpyxl.load_workbook(path)["名单"].iter_rows(min_row=2) for cell in row]
    return {c.coordinate: (c.value, c.data_type, c.number_format) for c in cells if c.value is not None}


def by_calamine(path: Path) -> list[list[Any]]:
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("名单").to_python()
    while rows and not any(cell != "" for cell in rows[-1]):
        rows.pop()
    return rows[1:]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(_rows)
@example([(text, text, text, text) for text in ODD_TEXTS])
@example([("", 1, None, ""), ("", None, 1, ""), (None, None, None, None), ("x", "x", "x", "x")])
def test_every_cell_is_what_xlsxwriter_writes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("w")
    ours, theirs = save(folder / "a.xlsx", rows), save_by_xlsxwriter(folder / "b.xlsx", rows)
    assert by_openpyxl(ours) == by_openpyxl(theirs)
    assert by_calamine(ours) == by_calamine(theirs)


@pytest.mark.parametrize("sort", [pa.string(), pa.large_string(), pa.string_view()])
@settings(max_examples=30, deadline=None)
@given(st.lists(_texts, min_size=1, max_size=8), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_arrow_columns_are_the_same_list(
    tmp_path_factory: pytest.TempPathFactory, sort: pa.DataType, texts: list[str], numbers: list[int | None]
) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    numbers = (numbers + [None] * len(texts))[: len(texts)]
    table = pa.table(
        {
            "a": pa.chunked_array([[], texts[:2], texts[2:]], pa.string()).cast(sort),
            "b": pa.array(numbers, pa.int64()),
            "c": pa.array(numbers, pa.int64()),
            "d": pa.array(texts, pa.string()).dictionary_encode(),
        }
    )
    rows = list(zip(texts, numbers, numbers, texts, strict=True))
    folder = tmp_path_factory.mktemp("w")
    ours = save(folder / "a.xlsx", table)
    assert ours.read_bytes() == save(folder / "b.xlsx", rows).read_bytes()


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([1.5, None]), "1.5"),
        (pa.array([True, None]), "True"),
        (pa.array([date(2025, 3, 1), None]), "2025-03-01"),
        (pa.array([datetime(2025, 3, 1, 2, 3, 4, 5), None]), "2025-03-01 02:03:04"),
        (pa.array([2**64 - 1, None], pa.uint64()), "18446744073709551615"),
        (pa.array([["a"], None]), "['a']"),
    ],
)
def test_other_columns_are_text(tmp_path: Path, column: pa.Array, shown: str) -> None:
    blank = pa.nulls(2)
    path = save(tmp_path / "a.xlsx", pa.table([column, blank, blank, column], names=list("abcd")))
    assert {at: cell[0] for at, cell in by_openpyxl(path).items()} == {"A2": shown, "D2": shown}


def test_each_odd_text_alone(tmp_path: Path) -> None:
    """What a column needs is decided by looking at it whole; so each text has a column of its own here."""
    sheets = [ListSheet(str(at), [ListColumn("文")], [[text]]) for at, text in enumerate(ODD_TEXTS)]
    write_list_workbook(tmp_path / "a.xlsx", sheets, [], created=None)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as files:
        assert all(etree.fromstring(files.read(name)).tag for name in files.namelist()), "strict XML"
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    for at, text in enumerate(ODD_TEXTS):
        shown = shortened(clean_text(text))
        assert book.get_sheet_by_name(str(at)).to_python()[1:] == ([[shown]] if shown else []), repr(
            text[:20]
        )


def test_escapes_side_by_side(tmp_path: Path) -> None:
    """`_x0041_x0042_` is text too, where Excel would read a letter after the first escape is undone."""
    texts = ["_x0041_x0042_", "_x005F_x0041_", "__x0041__x0042__"]
    path = save(tmp_path / "a.xlsx", [(text, "", "", "") for text in texts])
    assert [row[0] for row in by_calamine(path)] == texts


def test_batches_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"顾客{i}" * (i % 7), i if i % 3 else "无", -i, ODD_TEXTS[i % 40]) for i in range(200)]
    whole = save(tmp_path / "a.xlsx", rows).read_bytes()
    monkeypatch.setattr(sheet_xml, "_BATCH_CELLS", 12)
    assert _same_parts(whole, save(tmp_path / "b.xlsx", rows).read_bytes())
    monkeypatch.setattr(sheet_xml, "_BATCH_BYTES", 100)
    assert _same_parts(whole, save(tmp_path / "c.xlsx", rows).read_bytes())


def test_a_sheet_beyond_two_gigabytes_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("甲", 1, 2, "")]
    plain = save(tmp_path / "a.xlsx", rows)
    monkeypatch.setattr(write, "ZIP64_LIMIT", 0)
    roomy = save(tmp_path / "b.xlsx", rows)
    assert by_calamine(roomy) == by_calamine(plain) == [["甲", 1, 0.02, ""]]
    with zipfile.ZipFile(roomy) as new, zipfile.ZipFile(plain) as old:
        versions = [file.getinfo("xl/worksheets/sheet1.xml").extract_version for file in (new, old)]
    assert versions == [zipfile.ZIP64_VERSION, zipfile.DEFAULT_VERSION]


def test_nothing_is_written_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed program leaves no phone numbers in the system's temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    save(tmp_path / "a.xlsx", [("13800138000", 1, 1, "")] * 3)
    assert [file.name for file in tmp_path.iterdir()] == ["a.xlsx"]


def test_nothing_is_left_of_a_workbook_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle: the old file stays, and no phone number beside it."""
    path = save(tmp_path / "a.xlsx", [("旧", 1, 1, "")])
    before = path.read_bytes()
    seen: list[int] = []

    def full_disk(*_: object, **__: object) -> Any:
        yield b"<row>"
        seen.append(len(list(tmp_path.iterdir())))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "rows_xml", full_disk)
    with pytest.raises(OSError, match="No space"):
        save(path, [("新", 1, 1, "")])
    assert path.read_bytes() == before
    assert seen == [2], "the old file and the new one's temporary name"
    assert [file.name for file in tmp_path.iterdir()] == ["a.xlsx"]


@pytest.mark.office
def test_libreoffice_sees_no_difference(tmp_path: Path, office: Callable[[Path, str], Path]) -> None:
    rows = [(text, number, number, text) for number, text in enumerate(ODD_TEXTS, start=-20)]
    kind = "xlsx:Calc MS Excel 2007 XML"
    ours = office(save(tmp_path / "a.xlsx", rows), kind)
    theirs = office(save_by_xlsxwriter(tmp_path / "b.xlsx", rows), kind)
    assert by_openpyxl(ours) == by_openpyxl(theirs)


def _same_parts(one: bytes, two: bytes) -> bool:
    """The same files inside; deflate may cut them elsewhere."""
    with zipfile.ZipFile(io.BytesIO(one)) as a, zipfile.ZipFile(io.BytesIO(two)) as b:
        return {name: a.read(name) for name in a.namelist()} == {name: b.read(name) for name in b.namelist()}
