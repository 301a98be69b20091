"""Order exports: what each column means, which rows are refused and why."""

from __future__ import annotations

import os
from datetime import datetime

import openpyxl
import pyarrow.compute as pc
import pytest

from siyu_cli.clock import format_seconds, seconds_of
from siyu_cli.errors import InputRefused
from siyu_cli.sheets.counts import Counts
from siyu_cli.sheets.mapping_file import load_mapping
from siyu_cli.sheets.orders import ORDER_SCHEMA
from siyu_cli.sheets.rejects import write_rejects
from tests.sheets.makers import DATA, codes, orders, shipped, text, xlsx

TAOBAO = "订单编号,买家会员名,总金额,买家实际支付金额,退款金额,订单状态,收货地址 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 \n"


def taobao(tmp_path, *rows):
    return orders(text(tmp_path / "ExportOrderList201905151650.csv", TAOBAO + "\n".join(rows), "gb18030"))


def test_a_taobao_export(tmp_path):
    table = taobao(
        tmp_path,
        '"=""4900123456789012345""",小红,20.00,15.00,5.00,交易成功,浙江省 杭州市 西湖区,\'13800138000,2019-05-01 10:00:00,2019-05-01 10:00:05,苹果',
        "2,小明,9.9,0.00,9.9,付款以后用户退款成功，交易自动关闭,上海 上海市 x,138****8000,2019-05-02 10:00:00,2019-05-02 10:01:00,梨",
        '3,t**1,9.9,9.9,,"付款以后用户退款成功,交易自动关闭",,,2019-05-02 10:00:00,2019-05-02 10:01:00,梨',
        "4,小刚,9.9,,,等待买家付款,,,2019-05-02 10:00:00,,梨",
    )
    first = table.rows.slice(0, 1).to_pylist()[0]
    assert table.mapping.name == "淘宝天猫"
    assert first["order_id"] == "4900123456789012345"
    assert (first["status"], first["phone"]) == ("paid", "13800138000")
    assert (first["province"], first["city"], first["product"]) == ("浙江", "杭州市", "苹果")
    assert (first["amount_total_fen"], first["amount_paid_fen"], first["refund_amount_fen"]) == (
        2000,
        1500,
        500,
    )
    assert format_seconds(first["paid_sec"]) == "2019-05-01 10:00:05"
    assert table.rows["status"].to_pylist() == ["paid", "refunded", "refunded", "unpaid"]
    assert table.rows["buyer_id"].to_pylist() == ["小红", "小明", None, "小刚"]
    assert table.rows["phone"].to_pylist() == ["13800138000", None, None, None]
    assert table.notes == {"buyer-masked": 1, "phone-masked": 1}
    assert format_seconds(table.exported_sec) == "2019-05-15 16:50:00"
    assert [table.rows.schema.field(field.name) for field in ORDER_SCHEMA] == list(ORDER_SCHEMA)


def test_rows_are_refused_one_by_one(tmp_path):
    good = "{n},a,1,1,,交易成功,,,2019-05-01 10:00:00,2019-05-01 10:00:05,x"
    table = taobao(
        tmp_path,
        good.format(n=1),
        good.format(n=2).replace("交易成功", "神秘状态"),
        good.format(n=3).replace(",1,1,", ",1,一元,"),
        good.format(n=4).replace("2019-05-01 10:00:05", "2019-02-30 10:00:05"),
        good.format(n="4.90012E+17"),
        good.format(n=""),
        good.format(n=7).replace(",1,1,", ",1,,"),
        good.format(n=8).replace("交易成功", ""),
        good.format(n=9).replace("2019-05-01 10:00:05", "01/02/2019"),
        good.format(n=10).replace("2019-05-01 10:00:05", "").replace("2019-05-01 10:00:00", ""),
    )
    assert codes(table) == [
        (3, "unknown-status"),
        (4, "bad-money"),
        (5, "bad-date"),
        (6, "id-precision-lost"),
        (7, "missing-id"),
        (8, "missing-amount"),
        (9, "unknown-status"),
        (10, "ambiguous-date"),
        (11, "missing-date"),
    ]
    assert "神秘状态" in table.rejects[0].message
    assert table.rejects[0].column == "订单状态"
    assert table.rows["row_no"].to_pylist() == [2]
    for reject in table.rejects:
        assert reject.message != reject.code
        assert reject.fix


def test_a_youzan_export(tmp_path):
    rows = [
        ["订单号", "归属店铺", "销售渠道", "订单状态", "订单创建时间", "买家付款时间", "订单实付金额", "订单已退款金额",
         "订单退款状态", "买家手机号", "收货人手机号/提货人手机号", "收货人省份", "收货人城市", "分销员", "分销员"],
        ["E20250315100000001", "总店", "微商城", "交易完成", "2025-03-15 10:00:00", "2025-03-15 10:00:09", "20.00", "5.00",
         "退款成功（部分退款）", "13800138000", "13900139000", "浙江省", "杭州市", "", ""],
        ["E20250315100000002", "总店", "微商城", "待付款", "2025-03-15 10:00:00", "", "20.00", "0", "——", " ", "", "", "", "", ""],
    ]  # fmt: skip
    table = orders(xlsx(tmp_path / "有赞.xlsx", rows, title="Sheet1"))
    assert table.mapping.name == "有赞订单"
    assert table.rows["platform"].to_pylist() == ["有赞", "有赞"]
    assert table.rows["status"].to_pylist() == ["paid", "unpaid"]
    assert table.rows["refund_status"].to_pylist() == ["partial", None]
    assert table.rows["phone"].to_pylist() == ["13800138000", None]
    assert table.rows["shop"].to_pylist() == ["总店", "总店"]
    assert table.notes == {"duplicate-headers": 1}


def test_amounts_are_computed_from_price_and_quantity(tmp_path):
    content = "订单号,单价,数量,付款时间\nA1,2.555,3,2025-03-15\nA2,1.25,-2,2025-03-15\nA3,,2,2025-03-15\n"
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows["computed_fen"].to_pylist() == [767, -250]
    assert table.rows["quantity_milli"].to_pylist() == [3000, -2000]
    assert table.rows["unit_price_fen"].to_pylist() == [256, 125]
    assert codes(table) == [(4, "missing-amount")]


def test_without_a_status_column_the_pay_time_decides(tmp_path):
    content = "订单号,实付金额,下单时间,付款时间\nA1,1,2025-03-15,2025-03-15\nA2,1,2025-03-15,\n"
    assert orders(text(tmp_path / "a.csv", content)).rows["status"].to_pylist() == ["paid", "unpaid"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("买家会员名,订单付款时间,宝贝标题", "missing-amount-column"),
        ("订单编号,买家实际支付金额,宝贝标题", "missing-date-column"),
    ],
)
def test_files_without_money_or_dates_are_refused(tmp_path, header, code):
    path = text(tmp_path / "a.csv", f"{header}\n1,2,3\n")
    with pytest.raises(InputRefused) as caught:
        orders(path, shipped("orders", "淘宝天猫"))
    assert caught.value.code == code
    assert "--platform" in caught.value.hint


def test_a_file_without_its_order_key_says_so(tmp_path):
    table = orders(text(tmp_path / "a.csv", "买家会员名,买家实际支付金额,订单付款时间\na,1,2025-03-15\n"))
    assert table.order_key == ()
    assert table.notes == {"order-key-missing": 1}


def test_lost_product_codes_and_minor_dates_do_not_cost_the_row(tmp_path):
    content = "订单号,实付金额,付款时间,完成时间,SKU\nA1,1,2025-03-15,不详,6.90123E+12\n"
    table = orders(text(tmp_path / "a.csv", content))
    assert table.rows.select(["sku", "finished_sec"]).to_pylist() == [{"sku": None, "finished_sec": None}]
    assert table.notes == {"bad-side-date": 1, "code-precision-lost": 1}


def test_the_export_moment(tmp_path):
    path = text(tmp_path / "1791430000_x.csv", "订单号,实付金额,付款时间\nA1,1,2025-03-15\n")
    assert format_seconds(orders(path).exported_sec) == "2026-10-08 11:26:40"
    plain = path.rename(tmp_path / "订单.csv")
    os.utime(plain, (1_700_000_000, 1_700_000_000))
    assert format_seconds(orders(plain).exported_sec) == "2023-11-15 06:13:20"
    given = seconds_of(datetime(2025, 1, 1))
    assert orders(plain, exported_sec=given).exported_sec == given


def test_returns(tmp_path):
    path = text(tmp_path / "退货.csv", "订单号,退货时间,退款金额\nA1,2025-03-15,3.50\n,2025-03-15,1\nA2,,\n")
    table = orders(path, shipped("returns"))
    assert table.mapping.kind == "returns"
    assert table.order_key == ("order_id",)
    assert table.rows["order_id"].to_pylist() == ["A1", "A2"]
    assert table.rows["refund_amount_fen"].to_pylist() == [350, None]
    assert codes(table) == [(3, "missing-id")]


def test_a_return_list_with_minus_amounts_and_unreadable_days(tmp_path):
    path = text(tmp_path / "退货.csv", "订单号,退款时间,退款金额\n1,2025-03-05,-3\n2,某天,3\n3,,\n")
    table = orders(path, shipped("returns"))
    assert table.rows["refund_amount_fen"].to_pylist() == [300, None]
    assert codes(table) == [(3, "bad-date")]
    assert table.notes == {"refund-with-minus": 1}


def test_a_partial_refund_without_its_amount_is_said(tmp_path):
    rows = (
        "1,5,2025-01-01,交易成功,部分退款,\n2,5,2025-01-01,交易成功,部分退款,2\n3,5,2025-01-01,交易成功,无,\n"
    )
    table = orders(text(tmp_path / "a.csv", "订单号,实付金额,付款时间,订单状态,退款状态,退款金额\n" + rows))
    assert (table.rows.num_rows, table.notes) == (3, {"partial-without-amount": 1})


def test_an_unpaid_or_closed_order_needs_no_day(tmp_path):
    rows = "1,5,,待付款\n2,5,,已取消\n3,5,,已发货\n"
    table = orders(text(tmp_path / "a.csv", "订单号,实付金额,付款时间,订单状态\n" + rows))
    assert table.rows["status"].to_pylist() == ["unpaid", "closed"]
    assert codes(table) == [(4, "missing-date")]


def test_a_header_without_rows_is_said(tmp_path):
    table = orders(text(tmp_path / "a.csv", TAOBAO))
    assert (table.read, table.notes) == (0, {"no-rows": 1})


def test_the_rejects_workbook_imports_again_when_mended(tmp_path):
    table = taobao(
        tmp_path,
        "1,a,1,1,,交易成功,,,2019-05-01 10:00:00,2019-05-01 10:00:05,=1+1",
        "2,a,1,一元,,交易成功,,13800138000,2019-05-01 10:00:00,2019-05-01 10:00:05,=1+1",
        "3,a,1,1,,交易成功,,,2019-05-01 10:00:00,2019-05-01 10:00:05,x,多,出",
    )
    path = write_rejects(table, tmp_path / "outbox")
    assert path is not None
    assert path.name == "ExportOrderList201905151650-拒收.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    titles = [cell.value for cell in sheet[1]]
    assert titles[-6:] == ["行号", "列", "原因代码", "原因", "怎么修", "多出的内容"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [row[-6] for row in rows] == ["3", "4"]
    assert rows[0][-4] == "bad-money"
    assert rows[1][-1] == "多 | 出"
    assert all(
        cell.data_type == "s" for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None
    )
    still_bad = orders(path)
    assert [reject.code for reject in still_bad.rejects] == ["bad-money"]
    sheet.cell(2, 4).value = "1.00"
    book.save(path)
    mended = orders(path)
    assert mended.rows["order_id"].to_pylist() == ["2", "3"]
    assert mended.unknown == ()
    assert not mended.rejects


CARRIED = """\
kind: orders
columns: {order_id: 单号, paid_at: 付款时间, status: 状态, amount_paid: 实付, buyer_id: 买家, product: 商品, unit_price: 单价, quantity: 数量}
rows: line
carried: [paid_at, status, amount_paid, buyer_id]
repeated: [amount_paid]
status: {paid: [已付款], unpaid: [待付款]}
"""


def carrying(tmp_path, content, mapping=CARRIED):
    known = load_mapping(text(tmp_path / "m.yaml", mapping))
    return orders(text(tmp_path / "a.csv", content), [known])


def test_cells_of_the_first_row_go_for_the_whole_order(tmp_path):
    table = carrying(
        tmp_path,
        "单号,付款时间,状态,实付,买家,商品,单价,数量\n"
        "1,2025-03-15,已付款,30,甲,A,10,1\n"
        "1,,,,,B,20,1\n"
        "2,2025-03-16,已付款,5,,C,5,1\n"  # names no buyer: its second row has none either
        "2,,,,,D,0,1\n"
        "1,,,,,E,1,1\n"  # the same id again, but not below its first row: nothing to take over
        "3,2025-03-17,已付款,7,乙,F,7,1\n"
        "3,2025-03-18,,,丙,G,7,1\n",  # a cell of its own stays
    )
    assert codes(table) == [(6, "unknown-status")]
    assert table.rows.select(["order_id", "buyer_id", "amount_paid_fen", "product"]).to_pylist() == [
        {"order_id": "1", "buyer_id": "甲", "amount_paid_fen": 3000, "product": "A"},
        {"order_id": "1", "buyer_id": "甲", "amount_paid_fen": 3000, "product": "B"},
        {"order_id": "2", "buyer_id": None, "amount_paid_fen": 500, "product": "C"},
        {"order_id": "2", "buyer_id": None, "amount_paid_fen": 500, "product": "D"},
        {"order_id": "3", "buyer_id": "乙", "amount_paid_fen": 700, "product": "F"},
        {"order_id": "3", "buyer_id": "丙", "amount_paid_fen": 700, "product": "G"},
    ]
    days = [format_seconds(value)[:10] for value in table.rows["paid_sec"].to_pylist()]
    assert days == ["2025-03-15", "2025-03-15", "2025-03-16", "2025-03-16", "2025-03-17", "2025-03-18"]


def test_what_the_first_row_says_wrong_is_wrong_for_all(tmp_path):
    table = carrying(
        tmp_path,
        "单号,付款时间,状态,实付,买家,商品,单价,数量\n1,2025-03-15,已付款,三十,甲,A,10,1\n1,,,,,B,20,1\n",
    )
    assert codes(table) == [(2, "bad-money"), (3, "bad-money")]
    assert [reject.detail for reject in table.rejects] == ["三十", "三十"]


def test_order_ids_themselves_may_stand_on_the_first_row_only(tmp_path):
    """Merged cells: an empty id belongs to the order above."""
    table = carrying(
        tmp_path,
        "单号,付款时间,状态,实付,买家,商品,单价,数量\n"
        "1,2025-03-15,已付款,30,甲,A,10,1\n,,,,,B,20,1\n2,2025-03-15,已付款,5,乙,C,5,1\n,,,,,D,5,1\n",
        CARRIED.replace("carried: [", "carried: [order_id, "),
    )
    assert table.rows["order_id"].to_pylist() == ["1", "1", "2", "2"]
    assert table.rows["buyer_id"].to_pylist() == ["甲", "甲", "乙", "乙"]


def test_orders_go_on_from_batch_to_batch(tmp_path):
    """A file of several batches: each line carries its own order's cells, wherever a batch ends."""
    lines = ["单号,付款时间,状态,实付,买家,商品,单价,数量"]
    wanted = []
    pad = "长" * 40
    for n in range(30_000):
        lines.append(f"{n},2025-03-15,已付款,{n % 97}.5,买{n},{pad},1,1")
        size = 1 + n % 4
        lines.extend([f"{n},,,,,{pad},1,1"] * (size - 1))
        wanted.extend([(f"买{n}", n % 97 * 100 + 50)] * size)
    table = carrying(tmp_path, "\n".join(lines) + "\n")
    assert table.rows["buyer_id"].num_chunks > 1
    found = table.rows.select(["buyer_id", "amount_paid_fen"]).to_pydict()
    assert list(zip(*found.values(), strict=True)) == wanted


def test_items_joined_in_one_cell(tmp_path):
    mapping = (
        "kind: orders\ncolumns: {order_id: 单号, paid_at: 付款时间, amount_paid: 实付, product: 商品, quantity: 数量, "
        'unit_price: 单价}\nrows: order\njoined: ";"\n'
    )
    table = carrying(
        tmp_path,
        "单号,付款时间,实付,商品,数量,单价\n"
        "1,2025-03-15,30,A;B,1;2,10;10\n"
        "2,2025-03-15,30,A;B,3,10\n"  # a title may hold the sign: the quantity is one number
        "3,2025-03-15,30,A;B,1; 2 ;,10;10\n"
        "4,2025-03-15,30,A;B,1;;2,10;10\n"
        "5,2025-03-15,15;15,A;B,1;1,15;15\n",  # an amount is never split, nor summed
        mapping,
    )
    assert codes(table) == [(5, "bad-quantity"), (6, "bad-money")]
    rows = table.rows.select(["product", "quantity_milli", "unit_price_fen", "computed_fen"]).to_pylist()
    assert rows == [
        {"product": "A;B", "quantity_milli": 3000, "unit_price_fen": None, "computed_fen": None},
        {"product": "A;B", "quantity_milli": 3000, "unit_price_fen": 1000, "computed_fen": 3000},
        {"product": "A;B", "quantity_milli": 3000, "unit_price_fen": None, "computed_fen": None},
    ]
    assert table.notes == {"joined-cells": 2}


@pytest.mark.parametrize(("form", "number"), [("%y%m%d", "250315"), ("%Y%m%d", "20250315")])
def test_days_in_order_ids(tmp_path, form, number):
    mapping = f'kind: orders\ncolumns: {{order_id: 单号, amount_paid: 实付}}\ndate_in_order_id: "{form}"\n'
    content = f"单号,实付\n{number}-1,5\n{number[:-2]}99-2,5\nX{number},5\n"
    table = carrying(tmp_path, content, mapping)
    assert [format_seconds(value) for value in table.rows["created_sec"].to_pylist()] == [
        "2025-03-15 00:00:00"
    ]
    assert codes(table) == [(3, "missing-date"), (4, "missing-date")]
    assert table.notes == {"assumed-paid": 1, "date-from-order-id": 1}


def test_gifts_and_postage_are_no_goods(tmp_path):
    mapping = (
        "kind: orders\ncolumns: {order_id: 单号, amount_paid: 实付, paid_at: 付款时间, product: 商品}\n"
        "gifts: {column: 赠品, values: [是, Y]}\npostage: [邮费, 补差价]\n"
    )
    rows = [
        ("苹果", "否", 1),
        ("苹果", "是", 0),
        ("苹果", " y ", 0),
        (" 邮费 ", "", 0),
        ("邮费说明", "", 1),
        ("", "", 1),
    ]
    content = "".join(f"{n},1,2025-03-15,{title},{gift}\n" for n, (title, gift, _) in enumerate(rows))
    table = carrying(tmp_path, "单号,实付,付款时间,商品,赠品\n" + content, mapping)
    assert table.rows["is_goods"].to_pylist() == [is_goods for *_, is_goods in rows]
    assert table.unknown == ()


def test_dashes_are_empty_cells_and_words_are_not(tmp_path):
    """Platforms write nothing as - or /; somebody may really be called null."""
    content = "订单号,实付金额,付款时间,收货人,省,渠道\n"
    cells = ["-", "--", "—", "——", "/", " - ", "null", "NA", "None"]
    content += "".join(f"{n},1,2025-03-15,{cell},{cell},{cell}\n" for n, cell in enumerate(cells))
    table = orders(text(tmp_path / "a.csv", content))
    for name in ("receiver", "province", "channel"):
        assert table.rows[name].to_pylist() == [None] * 6 + ["null", "NA", "None"]


def test_nothing_refused_writes_nothing(tmp_path):
    assert (
        write_rejects(taobao(tmp_path, "1,a,1,1,,交易成功,,,2019-05-01,2019-05-01,x"), tmp_path / "outbox")
        is None
    )
    assert not (tmp_path / "outbox").exists()


def test_a_file_that_changed_meanwhile_is_noticed(tmp_path):
    table = taobao(tmp_path, "1,a,1,一元,,交易成功,,,2019-05-01,2019-05-01,x")
    table.path.write_bytes(b"x,y\n")
    with pytest.raises(InputRefused) as caught:
        table.originals([2])
    assert caught.value.code == "file-changed"


def test_counts_balance():
    one = Counts(read=5, new=2, updated=1, rejected=1, blank=1).check()
    assert (one + one).check().as_dict()["read"] == 10
    with pytest.raises(AssertionError):
        Counts(read=2, new=1).check()


# --- the real sets -------------------------------------------------------------------------------


def test_superstore(shared_data):
    path = shared_data / "superstore_cn" / "示例 - 超市.xls"
    table = orders(path, [load_mapping(DATA / "superstore.yaml")])
    assert (table.sheet, table.read, table.rows.num_rows) == ("订单", 10_000, 10_000)
    assert pc.sum(table.rows["amount_paid_fen"]).as_py() == 1_611_754_834
    assert pc.count_distinct(table.rows["buyer_id"]).as_py() == 790
    assert table.notes["more-than-two-decimals"] == 5_401
    returns = orders(path, [load_mapping(DATA / "superstore_returns.yaml")], sheet="退货")
    assert returns.rows.num_rows == 296


def test_cdnow(shared_data):
    table = orders(shared_data / "cdnow" / "CDNOW_master.txt", [load_mapping(DATA / "cdnow.yaml")])
    assert (table.read, table.rows.num_rows) == (69_659, 69_659)
    assert pc.sum(table.rows["amount_paid_fen"]).as_py() == 250_031_563
    assert pc.count_distinct(table.rows["buyer_id"]).as_py() == 23_570
    assert table.rows["buyer_id"][0].as_py() == "00001"
    assert format_seconds(pc.min(table.rows["paid_sec"]).as_py()) == "1997-01-01 00:00:00"
    assert format_seconds(pc.max(table.rows["paid_sec"]).as_py()) == "1998-06-30 00:00:00"


def test_tmall(shared_data):
    table = orders(shared_data / "tmall_order_report" / "tmall_order_report.csv")
    assert table.mapping.name == "淘宝天猫"
    assert (table.read, table.rows.num_rows) == (28_010, 28_010)
    sums = [
        pc.sum(table.rows[name]).as_py()
        for name in ("amount_total_fen", "amount_paid_fen", "refund_amount_fen")
    ]
    assert sums == [299_576_061, 190_248_715, 57_233_592]
    assert table.rows["status"].to_pylist().count("unpaid") == 3_923
    assert table.rows["buyer_id"].null_count == table.rows["phone"].null_count == 28_010
    assert pc.count_distinct(table.rows["province"]).as_py() == 31


@pytest.mark.parametrize(
    ("name", "rows", "paid"),
    [("TB2018.xls", 1_783, 1_466), ("1月_gbk.csv", 50, 50), ("1月_gbk_tab.txt", 50, 50)],
)
def test_masked_bookshop(shared_data, name, rows, paid):
    table = orders(shared_data / "mingri_taobao_2018" / name)
    assert (table.mapping.name, table.read, table.rows.num_rows) == ("淘宝天猫", rows, rows)
    assert table.rows["status"].to_pylist().count("paid") == paid
    assert table.rows["phone"].null_count == rows
    assert table.order_key == ()


def test_online_retail(shared_data, tmp_path):
    import gzip

    path = tmp_path / "online.csv"
    path.write_bytes(
        gzip.decompress(
            (shared_data / "online_retail_2010_12_2011_06" / "online_retail_part1.csv.gz").read_bytes()
        )
    )
    table = orders(path, [load_mapping(DATA / "online_retail.yaml")], spool=tmp_path)
    assert (table.read, table.rows.num_rows) == (240_007, 240_007)
    assert pc.count_distinct(table.rows["order_id"]).as_py() == 12_468
    assert pc.count_distinct(table.rows["buyer_id"]).as_py() == 2_974
    assert table.rows["buyer_id"].null_count == 67_225
    assert format_seconds(pc.max(table.rows["paid_sec"]).as_py()) == "2011-06-26 10:59:00"
    assert sum(value < 0 for value in table.rows["quantity_milli"].to_pylist()) == 5_087
    assert (table.notes["negative-rows"], table.notes["negative-rows-free"]) == (4_350, 5_087 - 4_350)


def test_rfm_orders(shared_data):
    table = orders(
        shared_data / "rfm_r_orders" / "rfm_data_orders.csv", [load_mapping(DATA / "rfm_r_orders.yaml")]
    )
    assert table.rows.num_rows == 4_906
    assert pc.count_distinct(table.rows["buyer_id"]).as_py() == 995
    ours = table.rows.filter(pc.equal(table.rows["buyer_id"], "Abbey O'Reilly"))
    assert (ours.num_rows, pc.sum(ours["amount_paid_fen"]).as_py()) == (6, 47_200)
