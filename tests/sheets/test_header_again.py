"""Header rows among the data: counted as blank, named, or the border of another table; never taken for data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.sheets.column_uses import describe
from siyu_cli.sheets.header import find_header
from siyu_cli.sheets.people import read_leads
from siyu_cli.sheets.raw import open_source
from siyu_cli.sheets.table import CleanTable
from tests.conftest import examples
from tests.sheets.makers import TZ, codes, orders, shipped, text, xlsx

HEADER = ["订单号", "手机号", "付款时间", "实付金额", "商品", "备注"]
FIELDS = ["order_id", "phone", "paid_at", "amount_paid", "product", "remark"]
TITLE = ["七月订单"]
KNOWN = shipped("orders")


def row(number: int) -> list[str]:
    return [f"A{number}", f"1380013800{number}", "2025-03-15 10:00:00", f"{number}.50", "芒果", "x"]


def ids(table: CleanTable) -> list[str]:
    found: list[str] = table.rows["order_id"].to_pylist()
    return found


@pytest.fixture(params=["xlsx", "csv"])
def read(request, tmp_path):
    def reading(rows: list[list[str]]) -> CleanTable:
        if request.param == "xlsx":
            return orders(xlsx(tmp_path / "a.xlsx", rows))
        return orders(text(tmp_path / "a.csv", "".join(",".join(cells) + "\n" for cells in rows)))

    return reading


@pytest.mark.parametrize(
    "second",
    [
        HEADER,
        [" 订单号 ", "手机号", "付款时间\u200b", "实付金额", "商品", "备注"],
        FIELDS,
        ["Order ID", "Mobile", "Paid At", "AMOUNT", "product", "说明"],
        ["", "手机", "付款日期", "金额", "", ""],
    ],
)
def test_the_header_again_is_a_blank_row_wherever_it_stands(read, second):
    table = read([HEADER, second, row(1), second, row(2), second])
    assert ids(table) == ["A1", "A2"]
    assert (table.read, table.blank, table.rejects) == (5, 3, ())
    assert table.notes["header-again"] == 3


def test_pages_with_their_title_and_number(read):
    pages = [TITLE, HEADER, row(1), ["第 1 页,共 2 页".replace(",", " ")], TITLE, HEADER, row(2)]
    table = read(pages)
    assert ids(table) == ["A1", "A2"]
    assert (table.header_row, table.read, table.blank, table.rejects) == (2, 5, 3, ())


def test_names_nobody_knows_below_the_header_are_called_what_they_look_like(read):
    table = read([HEADER, ["Bestellung", "Handy", "Wann", "Betrag", "Ware", ""], row(1)])
    assert ids(table) == ["A1"]
    assert codes(table) == [(2, "like-a-header")]
    assert "列名" in table.rejects[0].message
    assert table.rejects[0].fix


def test_a_first_row_of_words_that_is_an_order_stays_one(read):
    header = ["订单号", "订单状态", "手机号", "确认收货时间", "付款时间", "实付金额"]
    table = read([header, ["甲乙", "交易关闭", "无", "未收货", "", ""], ["A1", "交易关闭", "", "", "", "1"]])
    assert (ids(table), table.rejects) == (["甲乙", "A1"], ())


def test_a_row_of_two_words_is_no_header(tmp_path):
    path = text(tmp_path / "名单.csv", "手机号,姓名\n电话,小雨\n13800138001,姓名\n")
    table = read_leads(path, shipped("leads"), tz=TZ)
    assert [reject.code[:6] for reject in table.rejects] == ["phone-"]
    assert table.rows["name"].to_pylist() == ["姓名"]


def test_another_table_below_is_held_back_until_the_header_comes_again(read):
    def turned(cells: list[str]) -> list[str]:
        return [cells[0], cells[1], cells[4], cells[5], cells[2], cells[3]]

    rows = [HEADER, row(1), turned(HEADER), turned(row(2)), [], turned(row(3)), HEADER, row(4)]
    table = read(rows)
    assert ids(table) == ["A1", "A4"]
    assert codes(table) == [(3, "other-header"), (4, "below-other-header"), (6, "below-other-header")]
    assert (table.read, table.blank) == (7, 2)
    assert "第 3 行" in table.rejects[1].message


def test_swapped_columns_under_the_same_names_are_another_table(read):
    """Order and pay time, paid and total: nothing in the cells would tell."""
    header = ["订单号", "下单时间", "付款时间", "总金额", "实付金额"]
    swapped = ["订单号", "付款时间", "下单时间", "实付金额", "总金额"]
    sale = ["A1", "2025-03-15", "2025-03-16", "10", "9"]
    table = read([header, sale, swapped, ["A2", *sale[1:]]])
    assert ids(table) == ["A1"]
    assert codes(table) == [(3, "other-header"), (4, "below-other-header")]


def test_samples_of_a_mapping_are_data(tmp_path):
    path = xlsx(
        tmp_path / "a.xlsx", [TITLE, HEADER, FIELDS, row(1), HEADER, row(2), ["合计", "", "", "4.00"]]
    )
    source = open_source(path, None)
    uses = {
        use.canonical: use.samples
        for use in describe(source, find_header(source.layouts(), shipped("orders"), "a.xlsx", None))
    }
    source.close()
    assert uses["order_id"] == ("A1", "A2")
    assert uses["amount_paid"] == ("1.50", "2.50")


cells = st.sampled_from([*HEADER, *FIELDS, "1", "甲", "2025-03-15", "13800138001", "A7", ""])


@examples(40)
@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=8))
def test_no_row_is_lost_and_none_with_a_number_is_called_a_header(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    path = text(Path(folder) / "a.csv", "".join(",".join(cells) + "\n" for cells in [HEADER, *rows, row(1)]))
    table = orders(path, KNOWN)
    numbered = [
        number
        for number, found in enumerate(rows, start=2)
        if any(cell.isascii() and any(map(str.isdigit, cell)) for cell in found)
    ]
    told = {*table.rows["row_no"].to_pylist(), *(reject.row_no for reject in table.rejects)}
    assert told >= set(numbered)
    assert not {reject.row_no for reject in table.rejects if reject.code == "other-header"} & set(numbered)
