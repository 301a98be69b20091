"""From bytes to cells: every row of a file is somewhere, under its own number, and nothing is shifted."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused
from siyu_cli.sheets import delimited
from siyu_cli.sheets.header import build_header, clean_header
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.raw import open_source
from tests.conftest import examples
from tests.sheets.makers import codes, orders, text, xls, xlsx

HEADER = "订单号,手机号,付款时间,实付金额,备注"
ROW = "A{n},1380013800{n},2025-03-15 10:00:0{n},{n}.50,x"
MAPPING = PlatformMapping("测试", "leads", {"phone": ("h0",)})


def lines(count: int) -> str:
    return "\n".join([HEADER, *(ROW.format(n=n) for n in range(count))]) + "\n"


# --- encodings and delimiters --------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, ends):
    path = text(tmp_path / "订单.csv", lines(3).replace("\n", ends), encoding)
    table = orders(path)
    assert table.rows["order_id"].to_pylist() == ["A0", "A1", "A2"]
    assert table.rows["row_no"].to_pylist() == [2, 3, 4]
    assert table.read == 3
    assert table.headers[0] == "订单号"


def test_rare_signs_of_gb18030(tmp_path):
    path = text(tmp_path / "a.csv", lines(1).replace(",x", ",𬭚㐂€"), "gb18030")
    assert orders(path).rows["remark"].to_pylist() == ["𬭚㐂€"]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters(tmp_path, delimiter):
    table = orders(text(tmp_path / "a.txt", lines(2).replace(",", delimiter)))
    assert table.rows["amount_paid_fen"].to_pylist() == [50, 150]


def test_columns_by_runs_of_spaces(tmp_path):
    path = text(
        tmp_path / "a.txt", " 订单号  付款时间   实付金额\r\n A1 20250315   1.50\r\n  A2  20250316 2\r\n"
    )
    table = orders(path)
    assert table.rows.select(["order_id", "amount_paid_fen", "row_no"]).to_pylist() == [
        {"order_id": "A1", "amount_paid_fen": 150, "row_no": 2},
        {"order_id": "A2", "amount_paid_fen": 200, "row_no": 3},
    ]


def test_full_width_commas_are_named(tmp_path):
    with pytest.raises(InputRefused) as caught:
        orders(text(tmp_path / "a.csv", lines(2).replace(",", "，")))
    assert caught.value.code == "fullwidth-comma"


def test_the_suffix_does_not_matter(tmp_path):
    rows = [row.split(",") for row in lines(2).splitlines()]
    real = xlsx(tmp_path / "a.xlsx", rows)
    for name in ("b.xls", "b.csv"):
        (tmp_path / name).write_bytes(real.read_bytes())
        assert orders(tmp_path / name).read == 2
    assert orders(text(tmp_path / "c.xlsx", lines(2))).read == 2


# --- rows that do not fit ------------------------------------------------------------------------


def test_ragged_rows_are_rejected_with_their_line(tmp_path):
    content = (
        lines(3) + "A7,13800138007,2025-03-15,1\nA8,13800138008,2025-03-15,1,多,出\n" + ROW.format(n=9) + "\n"
    )
    table = orders(text(tmp_path / "a.csv", content))
    assert codes(table) == [(5, "row-too-short"), (6, "row-too-long")]
    assert table.rows["row_no"].to_pylist() == [2, 3, 4, 7]
    assert [original.extra for original in table.originals([5, 6])] == [(), ("出",)]


def test_spare_separators_at_the_end_of_rows_are_no_cells(tmp_path):
    """Every row ends with one separator more than the header: nothing may move a column to the left."""
    content = HEADER + "\n" + "".join(ROW.format(n=n) + ",\n" for n in range(4)) + ROW.format(n=5) + "\n"
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows["phone"].to_pylist() == [f"1380013800{n}" for n in (0, 1, 2, 3, 5)]
    assert not table.rejects


def test_undecodable_bytes_reject_their_row_only(tmp_path):
    for encoding in ("utf-8", "gb18030"):
        raw = lines(9).encode(encoding).replace(b"10:00:04,4.50,x", b"10:00:04,4.50,\xff\xfex")
        raw = raw.replace(b",x", ",中文备注".encode(encoding))
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(raw)
        table = orders(path)
        assert codes(table) == [(6, "bad-bytes")]
        assert table.encoding == encoding
        assert table.rows.num_rows == 8
        assert "�" in table.originals([6])[0].cells[4]
        assert table.rows["remark"][0].as_py() == "中文备注"


def test_quoted_line_breaks_and_numbers_of_lines(tmp_path):
    content = f'{HEADER}\nA1,,2025-03-15,1,"一\n二\n三"\nA2,,2025-03-15,2,"说""好"""\n\nA3,,2025-03-15,3,完\n'
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows["row_no"].to_pylist() == [2, 5, 7]
    assert table.rows["remark"].to_pylist() == ["一\n二\n三", '说"好"', "完"]
    assert (table.read, table.blank) == (4, 1)


def test_stray_quotes_inside_cells_stay(tmp_path):
    content = f'{HEADER}\nA1,,2025-03-15,1,19"屏\n="A2",,2025-03-15,2,"a,b"\nA3,,2025-03-15,3,"甲"乙\n'
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows["order_id"].to_pylist() == ["A1", "A2", "A3"]
    assert table.rows["remark"].to_pylist() == ['19"屏', "a,b", "甲乙"]


@pytest.mark.parametrize("rest", ["A2,,2025-03-15,2,y\nA3,,2025-03-15,3,z\n", 'A2,,2025-03-15,2,"y"\n', ""])
def test_a_quote_that_is_never_closed_refuses_the_file_with_its_line(tmp_path, rest):
    with pytest.raises(InputRefused) as caught:
        orders(text(tmp_path / "a.csv", f'{HEADER}\nA0,,2025-03-15,1,w\nA1,,2025-03-15,1,"x\n{rest}'))
    assert caught.value.code == "unbalanced-quote"
    assert caught.value.where is not None
    assert caught.value.where.line == 3


def test_nul_characters_are_removed_and_noted(tmp_path):
    table = orders(text(tmp_path / "a.csv", lines(2).replace("A1", "A\x001")))
    assert table.rows["order_id"].to_pylist() == ["A0", "A1"]
    assert table.notes["nul-removed"] == 1


def test_blank_rows_totals_and_notes(tmp_path):
    content = (
        f"店铺导出 2025年\n导出时间:2025-03-16\n{HEADER}\n{ROW.format(n=1)}\n,,,,\n{ROW.format(n=2)}\n"
        "合计,,,3.00,\n,,合计:,3.00,\n共 2 条\n注:金额单位为元\n\n , ,,,\n\n"
    )
    table = orders(text(tmp_path / "a.csv", content))
    assert table.header_row == 3
    assert (table.read, table.rows.num_rows, table.blank) == (7, 2, 5)
    assert table.rows["row_no"].to_pylist() == [4, 6]


def test_a_product_that_begins_like_a_total_is_data(tmp_path):
    content = "商品,订单号,付款时间,实付金额\n小计算器,A1,2025-03-15,9\n合计,,,9\n"
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows["product"].to_pylist() == ["小计算器"]
    assert (table.read, table.blank) == (2, 1)


@examples(60)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab,"\n 中\t='), max_size=6), min_size=3, max_size=3),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([7, 16, 64, 4096]),
    st.sampled_from(["utf-8", "gb18030", "utf-16"]),
    st.booleans(),
)
def test_both_roads_read_what_the_csv_module_reads(tmp_path, rows, block, encoding, is_all_quoted):
    """Small blocks put record borders, quotes and multi-byte signs on block borders."""
    buffer = io.StringIO()
    writer = csv.writer(
        buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if is_all_quoted else csv.QUOTE_MINIMAL
    )
    writer.writerow(["h0", "h1", "h2"])
    writer.writerows(rows)
    path = tmp_path / "a.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    source = open_source(path, None)
    source.layouts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", block)
        header = build_header(["h0", "h1", "h2"], 1, MAPPING, ",")
        batches = list(source.batches(header))
    found = [
        tuple(row) for batch in batches for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)
    ]
    assert found == [tuple(row) for row in rows]
    starts, line = [], 2
    for row in rows:
        starts.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    assert pa.concat_arrays([batch.row_nos for batch in batches]).to_pylist() == starts


@examples(60)
@given(st.lists(st.text(st.sampled_from("ab,中 "), max_size=12), max_size=20), st.sampled_from([5, 4096]))
def test_every_line_is_accounted_for(tmp_path, body, block):
    path = text(tmp_path / "a.csv", "订单号,付款时间,实付金额\n" + "".join(f"{line}\n" for line in body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", block)
        table = orders(path)
    while body and not body[-1].replace(",", "").strip():
        body.pop()
    assert table.read == len(body)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\r\n"]), max_size=30).map(b"".join), st.integers(1, 5))
def test_line_ends_are_counted_across_borders(text_, near):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_NEAR", near)
        assert delimited._line_ends(text_) == (text_.count(b"\n"), text_.count(b"\r"), text_.count(b"\r\n"))


@pytest.mark.parametrize("cell", ["a\rb", "a\r\rb"])
def test_a_lone_return_in_quotes_is_a_space_whatever_the_lines_end_with(tmp_path, cell):
    """As many returns as lines, or more: neither makes a line end of the one within a cell."""
    body = (
        f'"订单号","付款时间","实付金额","备注"\r\n"1","2025-03-15","1","{cell}"\n"2","2025-03-15","1",""\r\n'
    )
    table = orders(text(tmp_path / "a.csv", body))
    assert table.rows["remark"].to_pylist() == [cell.replace("\r", " "), None]


# --- workbooks -----------------------------------------------------------------------------------

CELLS = [
    ["订单号", "手机号", "付款时间", "实付金额", "备注"],
    ["A1", 13981790993.0, datetime(2025, 3, 15, 10, 2, 7), 129.696, "x"],
    [20250315, "13800138000", date(2025, 3, 16), 12, True],
    [490012345678901234, None, datetime(2025, 3, 17), 1, None],
]


@pytest.mark.parametrize("make", [xlsx, xls])
def test_cells_are_worded_by_their_own_type(tmp_path, make):
    table = orders(make(tmp_path / "a.bin", CELLS))
    assert table.rows["order_id"].to_pylist() == ["A1", "20250315"]
    assert table.rows["phone"].to_pylist() == ["13981790993", "13800138000"]
    assert table.rows["amount_paid_fen"].to_pylist() == [12970, 1200]
    assert table.rows["remark"].to_pylist() == ["x", "TRUE"]
    assert table.notes == {"more-than-two-decimals": 1}
    assert codes(table) == [(4, "id-precision-lost")]
    assert table.originals([4])[0].cells[0] == "4.90012345678901E+17"


def test_title_rows_gaps_and_trailing_blanks(tmp_path):
    rows = [["2025年订单导出"], [], CELLS[0], CELLS[1], [], CELLS[2], ["合计", None, None, 99], [], ["", " "]]
    table = orders(xlsx(tmp_path / "a.xlsx", rows))
    assert (table.header_row, table.read, table.blank) == (3, 4, 2)
    assert table.rows["row_no"].to_pylist() == [4, 6]


def test_first_visible_sheet_with_content_or_the_named_one(tmp_path):
    path = xlsx(
        tmp_path / "a.xlsx",
        [["旧"]],
        title="藏",
        more={"空": [], "订单": CELLS, "第二": CELLS[:2]},
        hidden="藏",
    )
    assert orders(path).sheet == "订单"
    assert orders(path, sheet="第二").read == 1
    with pytest.raises(InputRefused) as caught:
        orders(path, sheet="第三")
    assert caught.value.code == "unknown-sheet"
    assert "第二" in caught.value.hint


def test_a_hint_names_the_other_sheets(tmp_path):
    path = xlsx(tmp_path / "a.xlsx", [["说明文字"]], title="首页", more={"订单": CELLS})
    with pytest.raises(InputRefused) as caught:
        orders(path)
    assert caught.value.code == "unknown-header"
    assert "订单" in caught.value.hint


# --- files that are none -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"\xef\xbb\xbf\r\n \r\n", "empty-file"),
        (b"PK\x03\x04 half a download", "broken-workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 900, "broken-workbook"),
        (b"%PDF-1.7 ...", "not-a-spreadsheet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not-a-spreadsheet"),
        (b"<html><p>1", "not-a-spreadsheet"),
        (bytes(range(1, 32)) * 50, "not-a-spreadsheet"),
        ("甲,乙\n1,2\n".encode(), "unknown-header"),
    ],
)
def test_foreign_files_are_refused_with_a_sentence(tmp_path, content, code):
    path = tmp_path / "订单.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputRefused) as caught:
        orders(path)
    assert caught.value.code == code
    assert caught.value.message
    assert caught.value.hint


def test_truncated_and_foreign_zips(tmp_path):
    import zipfile

    whole = xlsx(tmp_path / "a.xlsx", CELLS).read_bytes()
    (tmp_path / "b.xlsx").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "c.xlsx", "w") as archive:
        archive.writestr("readme.txt", "x")
    for name, code in (("b.xlsx", "broken-workbook"), ("c.xlsx", "not-a-spreadsheet")):
        with pytest.raises(InputRefused) as caught:
            orders(tmp_path / name)
        assert caught.value.code == code


def test_folders_and_missing_files(tmp_path):
    for path, code in ((tmp_path, "is-a-folder"), (tmp_path / "没有.csv", "file-not-found")):
        with pytest.raises(InputRefused) as caught:
            orders(path)
        assert caught.value.code == code


def test_an_unknown_header_is_listed_with_near_names(tmp_path):
    with pytest.raises(InputRefused) as caught:
        orders(text(tmp_path / "a.csv", "订单号码,付款时刻,实付的钱\n1,2,3\n"))
    assert caught.value.code == "unknown-header"
    assert "订单号码" in caught.value.message
    assert "--platform" in caught.value.hint
    assert "订单号" in caught.value.hint


def test_empty_table_under_a_header(tmp_path):
    table = orders(text(tmp_path / "a.csv", HEADER + "\n"))
    assert (table.read, table.rows.num_rows) == (0, 0)


# --- headers -------------------------------------------------------------------------------------


def test_header_cells_are_normalised():
    assert clean_header("\ufeff 付款时间\u200b ") == "付款时间"
    assert clean_header("商家应收金额（元）") == "商家应收金额(元)"


def test_repeated_headers(tmp_path):
    content = "订单号,付款时间,实付金额,分销员,分销员,手机号,手机号 \n" + "".join(
        f"A{n},2025-03-15,1,甲,乙,{left},{right}\n"
        for n, (left, right) in enumerate(
            [("13800138000", ""), ("", "13800138001"), ("13800138002", "13800138003")]
        )
    )
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows["phone"].to_pylist() == ["13800138000", "13800138001"]
    assert codes(table) == [(4, "duplicate-column-conflict")]
    assert table.unknown == ("分销员", "分销员_2")
    assert table.notes["duplicate-headers"] == 2


def test_an_unnamed_last_column_shifts_nothing(tmp_path):
    table = orders(text(tmp_path / "a.csv", HEADER + ",\n" + ROW.format(n=1) + ",\n"))
    assert table.rows["amount_paid_fen"].to_pylist() == [150]


def test_spooled_rows_equal_rows_in_memory(tmp_path):
    path = text(tmp_path / "a.csv", lines(9))
    (tmp_path / "spool").mkdir()
    spooled = orders(path, spool=tmp_path / "spool")
    assert spooled.rows.equals(orders(path).rows)
    assert list(Path(tmp_path / "spool").iterdir())
