"""Web pages and SpreadsheetML 2003 that platforms call .xls: every cell in its place, every cell as text."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused
from siyu_cli.sheets.raw import NOT_CALCULATED, list_sheets, open_source
from tests.conftest import examples
from tests.sheets.makers import codes, orders
from tests.sheets.raw_files import every_cell, spreadsheetml, walk

HEADER = ("订单号", "付款时间", "实付金额", "备注")
PAGE = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta charset="{charset}">
<style>td {{mso-number-format:'\\@'}}</style></head><body><table border="1">
<tr><td>订单号</td><td>付款时间</td><td>实付金额</td><td>备注</td></tr>
<tr><td style="mso-number-format:'\\@'">4900123456789012345</td><td>2025-03-15</td><td>￥1,299.00</td><td>NA</td></tr>
</table></body></html>"""


def write(folder, content: bytes, name="订单.xls"):
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        every_cell(path)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("declared", "written", "read_as"),
    [
        ("gb2312", "gb18030", "gb18030"), ("utf-8", "gb18030", "gb18030"), ("gb2312", "utf-8", "utf-8"),
        ("utf-8", "utf-8-sig", "utf-8"), ("utf-16", "utf-16", "utf-16-le"), ("big5", "big5", "big5"),
    ],
)  # fmt: skip
def test_pages_in_every_encoding(tmp_path, declared, written, read_as):
    page = PAGE.format(charset=declared)
    if written == "big5":
        page = (
            page.replace("订单号", "訂單號")
            .replace("付款时间", "付款時間")
            .replace("实付金额", "實付金額")
            .replace("备注", "備註")
        )
        page = page.replace("￥", "")
    path = write(tmp_path, page.encode(written))
    source = open_source(path, None)
    assert source.encoding == read_as
    rows = walk(source)
    assert rows[0][1] in ("付款时间", "付款時間")
    assert rows[1][0] == "4900123456789012345"
    if written != "big5":
        table = orders(path)
        assert table.rows["order_id"].to_pylist() == ["4900123456789012345"]
        assert table.rows["amount_paid_fen"].to_pylist() == [129900]
        assert table.rows["remark"].to_pylist() == ["NA"]


def test_cells_of_a_page(tmp_path):
    page = """<TABLE><TR><TH colspan=2>订单<BR>导出</TH><th>c</th></TR>
      <tr><td rowspan="2"> a &amp; b&nbsp;<td>&#x4e2d;&lt;b&gt;<td><b>粗</b> <i>斜</i>
      <tr><td>1</td><td><script>x=1</script><style>y</style>2<!-- <td>no</td> --></td></tr>
      <tr style="display:none"><td colspan="x">藏</td></tr></TABLE>"""
    path = write(tmp_path, page.encode())
    source = open_source(path, None)
    assert walk(source) == [
        ("订单\n导出", "", "c"),
        ("a & b", "中<b>", "粗 斜"),
        ("", "1", "2"),
        ("藏", "", ""),
    ]
    assert source.notes == {"hidden-rows": 1}
    assert (source.sheet, source.sheet_names()) == (None, [])


def test_the_largest_table_or_the_named_one(tmp_path):
    outer = "<table><tr><td>菜单</td><td><table><tr><td>甲<td>乙<tr><td>1<td>2</table></td></tr></table>"
    path = write(tmp_path, f"<html>{outer}<table></table><table><tr><td>页脚</table></html>".encode())
    assert every_cell(path) == [("甲", "乙"), ("1", "2")]
    assert every_cell(path, "表格1") == [("菜单", "")]
    assert list_sheets(path) == ["表格1", "表格2", "表格4"]


def test_undecodable_bytes_of_a_page_reject_their_row(tmp_path):
    page = PAGE.format(charset="utf-8").replace("</table>", "<tr><td>A2<td>2025-03-15<td>1<td>坏!</table>")
    table = orders(write(tmp_path, page.encode().replace("坏!".encode(), b"\xff\xfe")))
    assert codes(table) == [(3, "bad-bytes")]
    assert table.rows.num_rows == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<html><body>login</body></html>", "not-a-spreadsheet"),
        (b"<table><tr><td colspan=9999999>x</table>", "workbook-too-large"),
        (b"<table>" + b"<tr><td colspan=16000>x" * 3000 + b"</table>", "workbook-too-large"),
        (b"<!DOCTYPE html [<!ENTITY a 'b'>]><html>&a;</html>", "not-a-spreadsheet"),
    ],
)
def test_pages_that_are_refused(tmp_path, content, code):
    assert refused(write(tmp_path, content)).code == code


@examples(40)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from("ab中<>&\"'1"), min_size=1, max_size=6), min_size=2, max_size=2),
        min_size=1, max_size=20,
    ),
    st.booleans(),
    st.integers(0, 1500),
)  # fmt: skip
def test_a_page_gives_back_what_was_written(tmp_path, rows, is_closed, depth):
    ends = ("</td>", "</tr>") if is_closed else ("", "")
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}{ends[0]}" for c in row) + ends[1] for row in rows)
    page = f"<html>{'<div>' * depth}<table>{body}</table></html>"
    assert every_cell(write(tmp_path, page.encode())) == [tuple(row) for row in rows]


# --- SpreadsheetML 2003 --------------------------------------------------------------------------


def data(text: str, kind: str = "String", **attributes: int) -> str:
    told = "".join(f' ss:{name}="{number}"' for name, number in attributes.items())
    return f'<Cell{told}><Data ss:Type="{kind}">{text}</Data></Cell>'


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312", "utf-16"])
def test_cells_of_spreadsheetml(tmp_path, encoding):
    rows = (
        f"<Row>{data('订单号')}{data('c', Index=3)}</Row>"
        f'<Row ss:Index="3" ss:Hidden="1">{data("4.9001234567890099E+17", "Number")}'
        f"{data('1', 'Boolean', MergeAcross=1)}{data('2024-01-05T03:04:05.600', 'DateTime')}</Row>"
        f"<Row>{data('490012345678901234', 'Number')}{data('#N/A', 'Error')}"
        '<Cell ss:Formula="=1"/><Cell><Data ss:Type="String">甲</Data><Comment><Data>no</Data></Comment></Cell></Row>'
    )
    path = write(tmp_path, spreadsheetml("!<Row>" + data("藏") + "</Row>", rows, encoding=encoding))
    source = open_source(path, None)
    assert source.sheet == "表2"
    assert walk(source) == [
        ("订单号", "", "c", ""),
        ("", "", "", ""),
        ("4.90012345678901E+17", "TRUE", "", "2024-01-05 03:04:06"),
        ("490012345678901234", "#N/A", NOT_CALCULATED, "甲"),
    ]
    assert source.notes == {"hidden-rows": 1, "formula-without-value": 1}
    assert list_sheets(path) == ["表2"]
    assert every_cell(path, "表1") == [("藏",)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("</Row>", ""), "broken-workbook"),
        (("<Row>", '<Row ss:Index="1048577">'), "workbook-too-large"),
        (("<Row>", '<Row ss:Index="-1">'), "broken-workbook"),
        (("<Workbook", '<!DOCTYPE x [<!ENTITY a "b">]><Workbook'), "unsafe-xml"),
        (("甲", "&xxe;"), "broken-workbook"),
    ],
)
def test_hostile_and_damaged_spreadsheetml(tmp_path, change, code):
    content = spreadsheetml(f"<Row>{data('甲')}</Row>").decode().replace(*change, 1)
    assert refused(write(tmp_path, content.encode())).code == code


def test_the_first_and_the_last_row_only(tmp_path):
    rows = f'<Row>{data("a", Index=16384)}</Row><Row ss:Index="1048576">{data("b")}</Row>'
    assert refused(write(tmp_path, spreadsheetml(rows))).code == "workbook-too-large"
