"""Mapping files: strict, placed complaints; the most specific mapping wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from siyu_cli.errors import InputRefused
from siyu_cli.settings import Settings
from siyu_cli.setup_workspace import create_workspace
from siyu_cli.sheets.mapping import PlatformMapping, choose_mapping, header_key, meaning_of
from siyu_cli.sheets.mapping_file import available_mappings, load_mapping, resolve_mappings
from siyu_cli.workspace import Workspace
from tests.sheets.makers import text

FULL = """\
name: 零售示例
kind: orders
source: 卖家后台 2026-05 导出
match: {any_of: [[InvoiceNo, StockCode], [Invoice, StockCode]]}
constants: {platform: 自建站, shop: 伦敦店}
columns:
  order_id: [InvoiceNo, Invoice]
  buyer_id: Customer ID
  paid_at: InvoiceDate
  product: Description
  quantity: Quantity
  unit_price: Price
  amount_paid: Paid
  status: 状态
  refund_status: 售后
order_key: [order_id, buyer_id]
rows: line
amount: computed
zero_amount: gift
refunds: {rows: negative_quantity, status: true}
dates: ["%m/%d/%y %H:%M"]
status:
  paid: [交易成功]
  unpaid: [等待买家付款]
  closed: [交易关闭]
  refunded: [付款以后用户退款成功，交易自动关闭]
refund_status: {full: [退款成功], partial: [部分退款成功], running: [退款中], none: [无售后]}
identity: {buyer_id: global}
private: [身份证号]
repeated: [amount_paid]
carried: [paid_at, amount_paid]
joined: ";"
gifts: {column: [赠品, 是否赠品], values: [是, Ｙ]}
postage: [邮费]
date_in_order_id: "%y%m%d"
"""


def load(tmp_path: Path, content: str) -> PlatformMapping:
    return load_mapping(text(tmp_path / "m.yaml", content), "m.yaml")


def test_every_key_of_the_format(tmp_path):
    mapping = load(tmp_path, FULL)
    assert mapping.name == "零售示例"
    assert mapping.platform == "自建站"
    assert mapping.any_of == (("InvoiceNo", "StockCode"), ("Invoice", "StockCode"))
    assert mapping.columns["order_id"] == ("InvoiceNo", "Invoice")
    assert mapping.order_key == ("order_id", "buyer_id")
    assert (mapping.rows, mapping.amount, mapping.zero_amount) == ("line", "computed", "gift")
    assert (mapping.refund_rows, mapping.refund_by_status) == ("negative_quantity", True)
    assert mapping.dates == ("%m/%d/%y %H:%M",)
    assert mapping.status["付款以后用户退款成功,交易自动关闭"] == "refunded"
    assert mapping.refund_status["退款中"] == "running"
    assert mapping.buyer_identity == "global"
    assert (mapping.repeated, mapping.carried) == (("amount_paid",), ("paid_at", "amount_paid"))
    assert (mapping.joined, mapping.postage, mapping.date_in_order_id) == (";", ("邮费",), "%y%m%d")
    assert (mapping.gift_columns, mapping.gift_words) == (("赠品", "是否赠品"), ("是", "y"))
    assert mapping.found_columns(["是否赠品", "Price"]) == {"unit_price": "Price", "gift": "是否赠品"}
    assert mapping.is_private("身份证号 ")
    assert not mapping.is_private("Price")


def test_defaults(tmp_path):
    mapping = load(tmp_path, "kind: orders\ncolumns: {order_id: 单号, amount_paid: 钱}\n")
    assert mapping.name == "m"
    assert mapping.order_key == ("order_id",)
    assert (mapping.rows, mapping.amount, mapping.refund_rows, mapping.refund_by_status) == (
        "line",
        "gross",
        "none",
        False,
    )
    assert load(tmp_path, "kind: orders\ncolumns: {order_id: 单号}\norder_key: []\n").order_key == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("amount: computed", "amounts: computed", "amount"),
        ("  buyer_id: Customer ID", "  buyer: Customer ID", "buyer_id"),
        ("amount: computed", "amount: net", "net_of_refunds"),
        ("kind: orders", "kind: order", "orders"),
        (
            "refunds: {rows: negative_quantity, status: true}",
            "refunds: {rows: negative_quantity, status: 是}",
            "true",
        ),
        ("  paid: [交易成功]", "  payed: [交易成功]", "paid"),
        ('dates: ["%m/%d/%y %H:%M"]', 'dates: ["%m/%d %H:%M"]', "%Y"),
        ('dates: ["%m/%d/%y %H:%M"]', 'dates: ["%Q-%m-%d"]', "%Q"),
        ("order_key: [order_id, buyer_id]", "order_key: [order_id, buyer]", "buyer_id"),
        ("  unpaid: [等待买家付款]", "  unpaid: [交易成功]", "交易成功"),
        ("match: {any_of: [", "match: {all_of: [", "any_of"),
        ("identity: {buyer_id: global}", "identity: {buyer_id: shop}", "platform"),
        ("constants: {platform: 自建站", "constants: {plattform: 自建站", "platform"),
        ("  product: Description", "  product: {a: b}", "product"),
        ("repeated: [amount_paid]", "repeated: [amount_pay]", "amount_paid"),
        ("repeated: [amount_paid]", "repeated: [quantity]", "refund_amount"),
        ("repeated: [amount_paid]", "repeated: [amount_total]", "columns"),
        ("carried: [paid_at, amount_paid]", "carried: [paid]", "paid_at"),
        ('joined: ";"', 'joined: ";;"', "joined"),
        ('joined: ";"', "joined: .", "joined"),
        ("gifts: {column: [赠品, 是否赠品], values: [是, Ｙ]}", "gifts: {column: 赠品}", "values"),
        ("gifts: {column: [赠品, 是否赠品], values: [是, Ｙ]}", "gifts: {columns: 赠品}", "column"),
        ("postage: [邮费]", "postages: [邮费]", "postage"),
        ("postage: [邮费]", "postage: []", "postage"),
        ('date_in_order_id: "%y%m%d"', 'date_in_order_id: "%y-%m-%d"', "%Y%m%d"),
        ('date_in_order_id: "%y%m%d"', 'date_in_order_id: "%y%m%H"', "%Y%m%d"),
        ("  closed: [交易关闭]", '  closed: ["*"]', "status.closed"),
        ("private: [身份证号]", "privat: [身份证号]", "private"),
    ],
)
def test_complaints_name_the_line_and_the_way_out(tmp_path, old, new, words):
    line = FULL[: FULL.index(old)].count("\n") + 1
    with pytest.raises(InputRefused) as caught:
        load(tmp_path, FULL.replace(old, new))
    error = caught.value
    assert error.code == "bad-mapping"
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("m.yaml", line)
    assert error.where.column is not None
    assert words in error.message + error.hint


def test_keys_of_orders_are_no_keys_of_leads(tmp_path):
    with pytest.raises(InputRefused) as caught:
        load(tmp_path, "kind: leads\ncolumns: {phone: 手机}\nrepeated: [amount_paid]\n")
    assert "repeated" in caught.value.message


@pytest.mark.parametrize("key", ["repeated: [amount_paid]", 'date_in_order_id: "%y%m%d"'])
def test_what_is_told_by_order_needs_an_order_id(tmp_path, key):
    with pytest.raises(InputRefused) as caught:
        load(tmp_path, f"kind: orders\ncolumns: {{amount_paid: 钱}}\n{key}\n")
    assert "order_id" in caught.value.message


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("(删除)等待出库", "closed"),
        ("（删除）完成", "closed"),
        ("已删除", None),
        ("(删除)", "closed"),
        ("完成", "paid"),
        ("仅退款退款完成", "refunded"),
        ("退款完成了", "refunded"),
        ("等待审核", "unpaid"),
        ("审核", "unpaid"),
        ("(删除)退款完成", "closed"),
        ("(删除)例外", "paid"),
        ("a*b", "paid"),
        ("axb", None),
    ],
)
def test_status_words_with_an_open_end(tmp_path, word, meaning):
    """The whole word counts before an open one, a longer open one before a shorter."""
    mapping = load(
        tmp_path,
        "kind: orders\ncolumns: {order_id: 号, status: 态, amount_paid: 钱}\nstatus:\n"
        '  paid: [完成, "(删除)例外", "a*b"]\n  closed: ["(删除)*"]\n'
        '  refunded: ["*退款完*"]\n  unpaid: ["*审核"]\n',
    )
    assert meaning_of(word, mapping.status) == meaning


@pytest.mark.parametrize(
    "content",
    ["", "- a\n", "kind: orders\n", "columns: {order_id: a}\n", "kind: orders\ncolumns: {status: 状态}\n"],
)
def test_incomplete_files_are_refused(tmp_path, content):
    with pytest.raises(InputRefused):
        load(tmp_path, content)


def test_headers_are_compared_without_width_case_and_inner_space():
    assert header_key("订单 ID") == header_key("订单ｉｄ ")
    assert header_key("商家应收金额(元)（支付金额）") == header_key("商家应收金额（元）(支付金额)")


def test_the_workspace_wins_by_name(tmp_path):
    root = tmp_path / "shop"
    create_workspace(root)
    folder = root / "platforms"
    for path in folder.glob("*.yaml"):
        path.unlink()
    text(folder / "mine.yaml", "name: 有赞订单\nkind: orders\ncolumns: {order_id: 我的单号}\n")
    workspace = Workspace(root, Settings())
    found = {mapping.name: mapping for mapping in available_mappings(workspace)}
    assert found["有赞订单"].columns == {"order_id": ("我的单号",)}
    assert found["有赞订单"].file == str(Path("platforms/mine.yaml"))
    assert "淘宝天猫" in found
    text(folder / "again.yaml", "name: 有赞订单\nkind: orders\ncolumns: {order_id: 单号}\n")
    with pytest.raises(InputRefused) as caught:
        available_mappings(workspace)
    assert "again.yaml" in caught.value.message
    assert "mine.yaml" in caught.value.message


def test_a_mapping_is_read_again_when_its_file_has_changed(tmp_path):
    """Equal content is read once, whatever the file is called; what messages call the file stays its own."""
    path = text(tmp_path / "a.yaml", "kind: orders\ncolumns: {order_id: 单号}\n")
    other = text(tmp_path / "b.yaml", "kind: orders\ncolumns: {order_id: 单号}\n")
    one, two = load_mapping(path, "甲/a.yaml"), load_mapping(other, "b.yaml")
    assert [(each.name, each.file) for each in (one, two)] == [("a", "甲/a.yaml"), ("b", "b.yaml")]
    assert load_mapping(path, "乙/a.yaml").file == "乙/a.yaml"
    text(path, "kind: orders\ncolumns: {order_id: 编号}\n")
    assert load_mapping(path).columns == {"order_id": ("编号",)}


def test_resolve(tmp_path):
    shipped = available_mappings(None)
    assert {mapping.kind for mapping in resolve_mappings("auto", shipped, ["orders", "returns"])} == {
        "orders",
        "returns",
    }
    assert [mapping.name for mapping in resolve_mappings("有赞订单", shipped, ["orders"])] == ["有赞订单"]
    path = text(tmp_path / "m.yaml", FULL)
    assert resolve_mappings(str(path), shipped, ["orders"])[0].name == "零售示例"
    for chosen, code in (
        ("有赞订弹", "unknown-platform"),
        ("没有.yaml", "file-not-found"),
        ("员工", "wrong-mapping-kind"),
    ):
        with pytest.raises(InputRefused) as caught:
            resolve_mappings(chosen, shipped, ["orders"])
        assert caught.value.code == code
    with pytest.raises(InputRefused, match="有赞订弹") as caught:
        resolve_mappings("有赞订弹", shipped, ["orders"])
    assert "有赞订单" in caught.value.hint


TAOBAO_2016 = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,"
    "订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,"
    "物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因"
)
YOUZAN = "订单号,销售渠道,归属店铺,订单类型,订单状态,订单创建时间,买家付款时间,交易成功时间,商品金额合计,订单实付金额,订单已退款金额"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (TAOBAO_2016, "淘宝天猫"),
        ("订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额", "淘宝天猫"),
        (
            "订单编号,支付单号,买家应付货款,总金额,买家实付金额,订单创建时间,订单付款时间,商品标题,退款金额",
            "淘宝天猫",
        ),
        ("买家会员名,买家实际支付金额,收货人姓名,宝贝标题,订单付款时间 ", "淘宝天猫"),
        (
            "子订单编号,主订单编号,买家应付货款,买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间",
            "淘宝销售明细",
        ),
        (YOUZAN, "有赞订单"),
        ("订单号,买家,手机号,付款时间,实付金额", "通用订单"),
        ("order_id,customer_id,order_date,amount", "通用订单"),
        ("订单编号,商品,单价,数量,下单时间", "通用订单"),
    ],
)
def test_auto_recognises_the_platforms(headers, name):
    shipped = resolve_mappings("auto", available_mappings(None), ["orders", "returns"])
    assert choose_mapping(headers.split(","), shipped, ["orders", "returns"]).name == name


def test_shipped_mappings_are_dated_and_recognisable():
    for mapping in available_mappings(None):
        assert "20" in mapping.source
        assert mapping.any_of
