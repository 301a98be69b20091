"""Mappings shown, proposed and written: a proposal is only ever a file to look at."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.events import EVENT_KINDS
from siyu_cli.sheets.column_uses import ColumnUse, describe, field_title
from siyu_cli.sheets.header import find_header
from siyu_cli.sheets.mapping import FIELDS, PlatformMapping, choose_mapping
from siyu_cli.sheets.mapping_file import available_mappings, load_mapping
from siyu_cli.sheets.mapping_yaml import mapping_yaml
from siyu_cli.sheets.propose import Proposal, likely_table, propose_mapping
from siyu_cli.sheets.raw import open_source
from siyu_cli.words import fold
from tests.conftest import examples
from tests.sheets.makers import orders, shipped, text, xlsx
from tests.sheets.platform_headers import HEADERS

KNOWN = available_mappings(None)


def uses(path: Path, name: str) -> dict[str, ColumnUse]:
    source = open_source(path, None)
    header = find_header(source.layouts(), shipped("orders", name), path.name, None)
    return {use.header: use for use in describe(source, header)}


def proposed(path: Path, kind: str = "orders") -> Proposal:
    source = open_source(path, None)
    headers, samples = likely_table(source, [mapping for mapping in KNOWN if mapping.kind == kind])
    return propose_mapping(headers, samples, kind, KNOWN, path.stem)


def found(proposal: Proposal) -> dict[str, str]:
    return {guess.canonical: guess.header for guess in proposal.guesses}


# --- describe --------------------------------------------------------------------------------------


def test_columns_are_shown_with_samples_and_how_they_are_read(tmp_path):
    path = text(
        tmp_path / "a.csv",
        "订单号,实付金额,付款时间,手机号,订单状态,我的列,空列\n"
        'A1,"¥1,299.9",2025-03-15,13800138000,已付款,x,\n'
        "A1,5,2025/3/16 9:41,138****0000,神秘,x,\n"
        "A2,一元,2025-13-01,,待付款,y,\n"
        "A3,6,,,待付款,z,\n",
    )
    shown = uses(path, "通用订单")
    assert shown["订单号"] == ColumnUse("order_id", "订单号", ("A1", "A2", "A3"), ("A1", "A2", "A3"))
    assert shown["实付金额"].understood == ("¥1299.90", "¥5.00", "看不懂")
    assert shown["付款时间"].understood == ("2025-03-15 00:00:00", "2025-03-16 09:41:00", "看不懂")
    assert shown["手机号"].samples == ("138****8000", "138****0000")
    assert shown["手机号"].understood[0] == "138****8000"
    assert shown["订单状态"].understood == ("已付款", "不认识", "未付款")
    assert shown["我的列"] == ColumnUse("", "我的列", ("x", "y", "z"), ())
    assert shown["空列"] == ColumnUse("", "空列", (), ())
    assert list(shown)[-2:] == ["我的列", "空列"]


def test_private_columns_show_no_values(tmp_path):
    headers = HEADERS["小红书"]
    row = {
        "订单号": "P1",
        "收件人身份证号": "440301199001010022",
        "用户应付金额(元)": "5",
        "是否为赠品": "是",
    }
    path = xlsx(tmp_path / "x.xlsx", [headers, [row.get(header, "") for header in headers]])
    shown = uses(path, "小红书")
    assert shown["收件人身份证号"].samples == ()
    assert shown["是否为赠品"].canonical == "gift"
    assert "440301199001010022" not in repr(shown)


def test_a_header_without_rows_can_be_shown(tmp_path):
    shown = uses(text(tmp_path / "a.csv", "订单号,实付金额,付款时间,别的\n"), "通用订单")
    assert {use.canonical for use in shown.values()} == {"order_id", "amount_paid", "paid_at", ""}


def test_every_field_has_a_title():
    for names in FIELDS.values():
        assert [name for name in names if field_title(name) == name] == []


# --- proposals -------------------------------------------------------------------------------------


def test_a_file_is_understood_by_how_its_headers_sound(tmp_path):
    path = text(
        tmp_path / "门店.csv",
        "第一季度流水,,,,,,\n订单编号(系统),买家会员名称,实付款金额,付款时间 ,收货手机号,订单状态,心情\n"
        "2025031500001,甲,12.50,2025-03-15 10:00:00,13800138000,已发货,好\n"
        "2025031500002,乙,8.00,2025-03-15 11:00:00,13900139000,已取消,坏\n"
        "2025031500002,乙,1.00,2025-03-15 11:00:00,13900139000,已取消,坏\n",
    )
    proposal = proposed(path)
    assert found(proposal) == {
        "order_id": "订单编号(系统)",
        "buyer_id": "买家会员名称",
        "amount_paid": "实付款金额",
        "paid_at": "付款时间",
        "phone": "收货手机号",
        "status": "订单状态",
    }
    assert proposal.left == ("心情",)
    assert (proposal.mapping.name, proposal.mapping.rows) == ("门店", "line")
    assert all(0.45 <= guess.confidence <= 1 and guess.reason for guess in proposal.guesses)
    # Read with the proposal, the file says what it says.
    written = load_mapping(text(tmp_path / "m.yaml", mapping_yaml(proposal.mapping, proposal.remarks)))
    table = orders(path, [written])
    assert table.rows["amount_paid_fen"].to_pylist() == [1250, 800, 100]
    assert table.rows["status"].to_pylist() == ["paid", "closed", "closed"]
    assert choose_mapping(table.headers, [*KNOWN, written], ["orders"]).name == "门店"


def test_values_speak_where_headers_do_not(tmp_path):
    path = text(
        tmp_path / "x.csv",
        "甲,乙,丙,丁\n2025-03-15 10:00,13800138000,已发货,红\n2025-03-16 10:00,13900139000,已取消,绿\n",
    )
    assert found(proposed(path)) == {"paid_at": "甲", "phone": "乙", "status": "丙"}
    assert found(proposed(path, "leads"))["phone"] == "乙"


@pytest.mark.parametrize("header", ["发货日期", "生日", "Ship Date", "预计送达"])
def test_a_moment_that_says_what_it_is_of_is_no_pay_time(tmp_path, header):
    path = text(tmp_path / "x.csv", f"订单号,{header},销售额\n1,2025-03-15,5\n2,2025-03-16,6\n")
    assert not {"paid_at", "created_at"} & found(proposed(path)).keys()


def test_a_name_that_its_values_deny_is_not_believed(tmp_path):
    path = text(tmp_path / "x.csv", "订单号,付款时间,备注\n1001,很快,a\n1002,不急,b\n")
    assert "paid_at" not in found(proposed(path))


def test_dates_with_one_possible_reading_get_their_form(tmp_path):
    head = "order_id,order date,amount\n"
    both = "1,5/6/11 10:00,5\n"
    american, european = "2,5/13/11 10:00,5\n", "3,13/5/11 10:00,5\n"
    for body, dates in (
        (both, ()),
        (both + american, ("%m/%d/%y %H:%M",)),
        (both + european, ("%d/%m/%y %H:%M",)),
        (american + european, ()),
    ):
        assert proposed(text(tmp_path / "x.csv", head + body)).mapping.dates == dates


def test_rows_with_a_minus_are_proposed_as_goods_that_come_back(tmp_path):
    path = text(
        tmp_path / "x.csv", "order_id,order date,unit_price,quantity\n1,2025-03-15,5,2\n2,2025-03-16,5,-1\n"
    )
    mapping = proposed(path).mapping
    assert (mapping.refund_rows, mapping.amount) == ("negative_quantity", "computed")


def test_nothing_is_proposed_for_nothing(tmp_path):
    assert found(proposed(text(tmp_path / "x.csv", "a\n1\n"))) == {}
    assert found(proposed(text(tmp_path / "y.csv", "甲,乙\n红,绿\n"))) == {}


def test_the_real_sets_are_proposed_right(shared_data, tmp_path):
    import gzip

    retail = tmp_path / "retail.csv"
    zipped = shared_data / "online_retail_2010_12_2011_06" / "online_retail_part1.csv.gz"
    retail.write_bytes(gzip.decompress(zipped.read_bytes())[:2_000_000])
    proposal = proposed(retail)
    assert found(proposal) == {
        "order_id": "InvoiceNo", "buyer_id": "CustomerID", "paid_at": "InvoiceDate", "product": "Description",
        "sku": "StockCode", "quantity": "Quantity", "unit_price": "UnitPrice",
    }  # fmt: skip
    assert (proposal.mapping.amount, proposal.mapping.refund_rows) == ("computed", "negative_quantity")
    rfm = proposed(shared_data / "rfm_r_orders" / "rfm_data_orders.csv")
    assert found(rfm) == {"buyer_id": "customer_id", "created_at": "order_date", "amount_paid": "revenue"}


# --- mappings as files -----------------------------------------------------------------------------


def same(mapping: PlatformMapping, folder: Path) -> bool:
    again = load_mapping(text(folder / "m.yaml", mapping_yaml(mapping)))
    return again == dataclasses.replace(mapping, file=again.file)


@pytest.mark.parametrize("mapping", KNOWN, ids=lambda mapping: mapping.name)
def test_shipped_mappings_are_written_and_read_back_equal(mapping, tmp_path):
    assert same(mapping, tmp_path)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
LISTS = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
MEANINGS = {"staff": ["active", "inactive"], "leads": ["open", "added"], "contacts": ["friend", "lost"]}
WORDS = TEXTS.map(fold).filter(lambda word: word.strip("* "))


@st.composite
def mappings(draw: st.DrawFn) -> PlatformMapping:
    """Any mapping the loader accepts."""
    kind = draw(st.sampled_from(["orders", "returns", "details", "leads", "staff", "contacts", "events"]))
    names = draw(st.lists(st.sampled_from(FIELDS[kind]), unique=True, min_size=1))
    columns = {name: draw(LISTS) for name in names}
    meanings = MEANINGS.get(kind, ["paid", "unpaid", "closed", "refunded"])
    status = draw(st.dictionaries(WORDS, st.sampled_from(meanings), min_size="status" in names))
    mapping = PlatformMapping(
        name=draw(TEXTS.filter(lambda name: name == name.strip())),
        kind=kind,
        columns=columns,
        source=draw(st.just("") | TEXTS),
        any_of=tuple(draw(st.lists(LISTS, max_size=2))),
        constants={name: draw(TEXTS) for name in draw(st.sets(st.sampled_from(["platform", *FIELDS[kind]])))},
        dates=tuple(draw(st.lists(st.sampled_from(["%Y-%m-%d", "%m/%d/%y %H:%M", "%d.%m.%Y"]), max_size=2))),
        status=status,
        buyer_identity=draw(st.sampled_from(["platform", "global"])),
        private=draw(st.just(()) | LISTS),
        tag_groups=draw(TEXTS) if kind == "contacts" else "",
        events=draw(st.dictionaries(WORDS, st.sampled_from(EVENT_KINDS), min_size=1))
        if kind == "events"
        else {},
    )
    refund_status = draw(
        st.dictionaries(
            WORDS, st.sampled_from(["full", "partial", "running", "none"]), min_size="refund_status" in names
        )
    )
    if kind not in ("orders", "returns", "details"):
        return mapping
    has_id = "order_id" in names
    figures = [name for name in names if name in ("amount_paid", "amount_total", "refund_amount")]
    gifts = draw(st.booleans())
    return dataclasses.replace(
        mapping,
        order_key=tuple(draw(st.lists(st.sampled_from(names), unique=True))),
        rows=draw(st.sampled_from(["line", "order"])),
        amount=draw(st.sampled_from(["gross", "net_of_refunds", "computed"])),
        zero_amount=draw(st.sampled_from(["gift", "purchase"])),
        refund_rows=draw(st.sampled_from(["none", "negative_quantity", "negative_amount"])),
        refund_by_status=draw(st.booleans()),
        refund_status=refund_status,
        repeated=tuple(draw(st.lists(st.sampled_from(figures), unique=True))) if has_id and figures else (),
        carried=tuple(draw(st.lists(st.sampled_from(names), unique=True))) if has_id else (),
        joined=draw(st.sampled_from(["", ";", "；", "|", '"', "\\", "#"])),
        gift_columns=draw(LISTS) if gifts else (),
        gift_words=tuple(map(fold, draw(LISTS))) if gifts else (),
        postage=tuple(map(fold, draw(st.just(()) | LISTS))),
        date_in_order_id=draw(st.sampled_from(["", "%y%m%d", "%Y%m%d"])) if has_id else "",
    )


@examples(120)
@given(mapping=mappings())
def test_any_mapping_is_written_and_read_back_equal(mapping, tmp_path_factory):
    assert same(mapping, tmp_path_factory.getbasetemp())


def test_remarks_stay_comments(tmp_path):
    mapping = PlatformMapping("m", "leads", {"phone": ("手机",)}, file="m.yaml")
    written = mapping_yaml(mapping, {"phone": "把握 90%:\n像 # 手机: [x]"})
    assert load_mapping(text(tmp_path / "m.yaml", written), "m.yaml") == mapping
    assert "把握 90%: 像 # 手机: [x]" in written
