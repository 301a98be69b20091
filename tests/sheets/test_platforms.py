"""Every platform in its own disguise: recognised by its verbatim header, read as worked out here by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import format_seconds
from siyu_cli.errors import InputRefused
from siyu_cli.sheets.mapping import choose_mapping
from siyu_cli.sheets.mapping_file import available_mappings, load_mapping
from siyu_cli.sheets.orders import read_orders
from siyu_cli.sheets.table import CleanTable
from tests.conftest import Shop, examples
from tests.sheets.makers import TZ, codes, text, xlsx
from tests.sheets.platform_headers import HEADERS

KINDS = ["orders", "returns", "details"]
RECOGNISED = {
    "淘宝 2016": "淘宝天猫",
    "淘宝 2019-2021": "淘宝天猫",
    "淘宝 新版": "淘宝天猫",
    "淘宝 宝贝报表": "淘宝宝贝明细",
    "淘宝 销售明细": "淘宝销售明细",
    "千牛 资金": "千牛资金",
    "京东": "京东",
    "拼多多 默认列": "拼多多",
    "拼多多 全部列": "拼多多",
    "抖店": "抖店",
    "快手": "快手",
    "有赞 订单": "有赞订单",
    "有赞 旧版": "有赞订单",
    "有赞 商品": "有赞商品明细",
    "微店": "微店",
    "微信小店": "微信小店",
    "小红书": "小红书",
    "Shopify": "Shopify",
}
# 手机 and 收货人 are chosen by the seller: they stand in some exports only.
ALL_HEADERS = {
    **HEADERS,
    "拼多多 全部列": [*HEADERS["拼多多 默认列"], *HEADERS["拼多多 可选列"], "收货人", "手机"],
}

Row = dict[str, str]
Writer = Callable[[Path, list[list[str]]], Path]


# --- disguises -------------------------------------------------------------------------------------


def delimited(encoding: str, dress: Callable[[str], str] = str) -> Writer:
    """A CSV in an encoding; `dress` is what the platform does to each cell below the header."""

    def write(path: Path, rows: list[list[str]]) -> Path:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(rows[0])
        writer.writerows([[dress(cell) for cell in row] for row in rows[1:]])
        return text(path, buffer.getvalue(), encoding)

    return write


def workbook(title: str) -> Writer:
    return lambda path, rows: xlsx(path, rows, title=title)


def tab_behind(cell: str) -> str:
    return f"{cell}\t" if cell else cell


def tab_before(cell: str) -> str:
    return f"\t{cell}" if cell else cell


def wrapped(cell: str) -> str:
    return f'="{cell}"'


# --- one table per platform ------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A file of one platform, and what is in it."""

    header: str
    file: str
    write: Writer
    rows: Sequence[Row]
    expected: Sequence[dict[str, Any]]
    rejected: Sequence[tuple[int, str]] = ()
    notes: dict[str, int] = field(default_factory=dict)
    net_fen: int = 0
    orders: int = 0
    customers: int = 0
    late: Sequence[tuple[int, str]] = ()
    """Rows refused when they meet the store, not by the reader."""

    def make(self, folder: Path) -> Path:
        headers = ALL_HEADERS[self.header]
        assert not [name for row in self.rows for name in row if name not in headers]
        return self.write(
            folder / self.file, [headers, *[[row.get(h, "") for h in headers] for row in self.rows]]
        )


TAOBAO = Case(
    "淘宝 2019-2021",
    "ExportOrderList202105151650.csv",
    delimited("gb18030"),
    [
        {
            "订单编号": wrapped("4900123456789012345"), "买家会员名": "小红", "总金额": "20.00",
            "买家实际支付金额": "15.00", "退款金额": "5.00", "订单状态": "交易成功", "联系手机": "'13800138000",
            "收货地址 ": "浙江省 杭州市 西湖区 某路1号(310000)", "订单创建时间": "2021-05-01 10:00:00",
            "订单付款时间 ": "2021-05-01 10:00:05", "宝贝标题 ": "苹果", "宝贝总数量": "2", "店铺名称": "果园",
            "确认收货时间": "2021-05-05 09:00:00", "订单备注": "'null", "主订单编号": wrapped("4900123456789012345"),
        },
        {
            "订单编号": wrapped("4900123456789012346"), "买家会员名": "小明", "总金额": "9.90",
            "买家实际支付金额": "0.00", "退款金额": "9.90", "订单状态": "付款以后用户退款成功,交易自动关闭",
            "联系手机": "138****8000", "订单创建时间": "2021/5/2 9:41", "订单付款时间 ": "2021/5/2 9:42", "宝贝标题 ": "梨",
        },
        {
            "订单编号": wrapped("4900123456789012347"), "买家会员名": "小刚", "总金额": "9.90",
            "买家实际支付金额": "0.00", "订单状态": "等待买家付款", "订单创建时间": "2021-05-02 10:00:00", "宝贝标题 ": "梨",
        },
        {
            "订单编号": wrapped("4900123456789012348"), "买家会员名": "小红", "总金额": "10.00",
            "买家实际支付金额": "10.00", "订单状态": "交易成功", "订单创建时间": "2021-05-03 10:00:00",
            "订单付款时间 ": "2021-05-03 10:00:05", "宝贝标题 ": "邮费", "联系手机": "13800138000-1234",
        },
        {
            "订单编号": wrapped("4900123456789012349"), "买家会员名": "小丽", "总金额": "10.00",
            "买家实际支付金额": "10.00", "订单状态": "待平台介入", "订单创建时间": "2021-05-03 10:00:00",
            "订单付款时间 ": "2021-05-03 10:00:05", "宝贝标题 ": "苹果",
        },
    ],
    [
        {
            "order_id": "4900123456789012345", "buyer_id": "小红", "phone": "13800138000", "status": "paid",
            "amount_total_fen": 2000, "amount_paid_fen": 1500, "refund_amount_fen": 500, "province": "浙江",
            "city": "杭州市", "paid_sec": "2021-05-01 10:00:05", "finished_sec": "2021-05-05 09:00:00",
            "product": "苹果", "quantity_milli": 2000, "shop": "果园", "is_goods": 1, "platform": "淘宝天猫",
        },
        {"status": "refunded", "amount_paid_fen": 0, "phone": None, "paid_sec": "2021-05-02 09:42:00"},
        {"status": "unpaid", "paid_sec": None, "is_goods": 1},
        {"status": "paid", "product": "邮费", "is_goods": 0, "amount_paid_fen": 1000, "phone": None},
    ],
    rejected=[(6, "unknown-status")],
    notes={"phone-masked": 1, "phone-virtual": 1},
    # What is left of the first order, and the postage: paid, but no order.
    net_fen=1500 + 1000,
    orders=1,
    customers=3,
)  # fmt: skip

TAOBAO_LINES = Case(
    "淘宝 销售明细",
    "销售明细20210515120000.csv",
    delimited("gb18030"),
    [
        {
            "订单编号": "T1", "主订单编号": "T1", "子订单编号": "T1-1", "标题": "苹果", "价格": "10.00", "购买数量": "2",
            "买家应付货款": "20.00", "买家实际支付金额": "20.00", "订单状态": "交易成功", "退款状态": "没有申请退款",
            "订单创建时间": "2021-05-01 10:00:00", "订单付款时间": "2021-05-01 10:00:05", "商家编码": "AP-1",
        },
        {
            "订单编号": "T1", "主订单编号": "T1", "子订单编号": "T1-2", "标题": "梨", "价格": "5.00", "购买数量": "1",
            "买家应付货款": "5.00", "买家实际支付金额": "0.00", "退款金额": "5.00", "订单状态": "交易关闭",
            "退款状态": "退款成功", "订单创建时间": "2021-05-01 10:00:00", "订单付款时间": "2021-05-01 10:00:05",
        },
        {
            "订单编号": "T1", "主订单编号": "T1", "子订单编号": "T1-3", "标题": "补差价", "价格": "1.00", "购买数量": "3",
            "买家应付货款": "3.00", "买家实际支付金额": "3.00", "订单状态": "交易成功",
            "订单创建时间": "2021-05-01 10:00:00", "订单付款时间": "2021-05-01 10:00:05",
        },
    ],
    [
        {"line_id": "T1-1", "amount_paid_fen": 2000, "quantity_milli": 2000, "sku": "AP-1", "is_goods": 1},
        {"line_id": "T1-2", "status": "closed", "refund_status": "full", "is_goods": 1},
        {"line_id": "T1-3", "refund_status": None, "is_goods": 0, "computed_fen": 300},
    ],
    net_fen=2300,
    orders=1,
)  # fmt: skip

JD = Case(
    "京东",
    "京东订单.xlsx",
    workbook("订单"),
    [
        {
            "订单号": "271828182845", "商品ID": "1001", "商品名称": "壶", "订购数量": "1", "京东价": "80.00",
            "下单时间": "2024-03-01 10:00:00", "订单金额": "120.00", "结算金额": "110.00", "应付金额": "100.00",
            "订单状态": "完成", "下单帐号": "jd_a", "客户姓名": "张三", "客户地址": "北京朝阳区某路1号",
            "联系电话": "138****1234", "付款确认时间": "2024-03-01 10:01:00", "订单渠道": "APP",
        },
        {
            "订单号": "271828182845", "商品ID": "1002", "商品名称": "杯", "订购数量": "2", "京东价": "20.00",
            "下单时间": "2024-03-01 10:00:00", "订单金额": "120.00", "结算金额": "110.00", "应付金额": "100.00",
            "订单状态": "完成", "下单帐号": "jd_a", "客户地址": "北京朝阳区某路1号", "联系电话": "138****1234",
            "付款确认时间": "2024-03-01 10:01:00",
        },
        {
            "订单号": "271828182846", "商品ID": "1001", "商品名称": "壶", "订购数量": "1", "京东价": "80.00",
            "下单时间": "2024-03-02 10:00:00", "订单金额": "80.00", "应付金额": "80.00", "订单状态": "（删除）等待出库",
            "下单帐号": "jd_b", "付款确认时间": "2024-03-02 10:01:00",
        },
        {
            "订单号": "271828182847", "商品ID": "1001", "商品名称": "壶", "订购数量": "1", "京东价": "80.00",
            "下单时间": "2024-03-03 10:00:00", "订单金额": "80.00", "应付金额": "80.00", "订单状态": "等待付款",
            "下单帐号": "jd_b", "付款确认时间": "0001-01-01 00:00:00",
        },
        {
            "订单号": "271828182848", "商品ID": "1001", "商品名称": "壶", "订购数量": "1", "京东价": "80.00",
            "下单时间": "2024-03-03 10:00:00", "订单金额": "80.00", "应付金额": "80.00", "订单状态": "暂停",
            "下单帐号": "jd_c",
        },
    ],
    [
        {
            "order_id": "271828182845", "buyer_id": "jd_a", "phone": None, "province": "北京", "city": "北京市",
            "amount_paid_fen": 10_000, "amount_total_fen": 12_000, "unit_price_fen": 8000, "channel": "APP",
            "status": "paid", "product_id": "1001",
        },
        {"amount_paid_fen": 10_000, "unit_price_fen": 2000, "quantity_milli": 2000},
        {"status": "closed", "status_text": "（删除）等待出库"},
        {"status": "unpaid", "paid_sec": None},
    ],
    rejected=[(6, "unknown-status")],
    notes={"phone-masked": 2},
    # The amount stands on both lines and counts once; split parents and unpaid orders count nothing.
    net_fen=10_000,
    orders=1,
    customers=2,
)  # fmt: skip

PINDUODUO = Case(
    "拼多多 全部列",
    "拼多多.csv",
    delimited("utf-8-sig", tab_behind),
    [
        {
            "商品": "草莓", "订单号": "260607-400011112222333", "订单状态": "已收货", "商品总价(元)": "25.00",
            "用户实付金额(元)": "20.00", "商家实收金额(元)": "24.00", "商品数量(件)": "1", "售后状态": "无售后或售后取消",
            "订单成交时间": "2026-06-07 10:00:00", "支付时间": "2026-06-07 10:00:03", "省": "****", "市": "****", "收货人": "**", "手机": "***",
        },
        {
            "商品": "草莓", "订单号": "260607-400011112222334", "订单状态": "已发货，退款成功", "用户实付金额(元)": "30.00",
            "商家实收金额(元)": "30.00", "商品数量(件)": "2", "售后状态": "退款成功", "订单成交时间": "2026/6/7 13:41",
            "省": "广西壮族自治区", "市": "南宁市",
        },
        {
            "商品": "草莓", "订单号": "260608-400011112222335", "订单状态": "待发货", "用户实付金额(元)": "5.00",
            "商家实收金额(元)": "5.00", "商品数量(件)": "1", "售后状态": "无售后或售后取消",
        },
        {
            "商品": "草莓", "订单号": "260608-400011112222336", "订单状态": "已收货", "用户实付金额(元)": "10.00",
            "商家实收金额(元)": "10.00", "商品数量(件)": "1", "售后状态": "部分退款成功",
            "订单成交时间": "2026-06-08 10:00:00",
        },
        {
            "商品": "草莓", "订单号": "260699-400011112222337", "订单状态": "待发货", "用户实付金额(元)": "10.00",
            "商家实收金额(元)": "10.00", "商品数量(件)": "1", "售后状态": "无售后",
        },
        {
            "商品": "草莓", "订单号": "260608-400011112222338", "订单状态": "已取消", "用户实付金额(元)": "10.00",
            "商家实收金额(元)": "10.00", "商品数量(件)": "1", "售后状态": "无售后",
        },
    ],
    [
        {
            "order_id": "260607-400011112222333", "amount_paid_fen": 2000, "amount_total_fen": 2500, "province": None,
            "city": None, "receiver": None, "phone": None, "refund_status": "none", "quantity_milli": 1000,
            "created_sec": "2026-06-07 10:00:00", "paid_sec": "2026-06-07 10:00:03",
        },
        {"status": "refunded", "refund_status": "full", "province": "广西", "city": "南宁市"},
        {"status": "paid", "created_sec": "2026-06-08 00:00:00", "paid_sec": None},
        {"status": "paid", "refund_status": "partial"},
        {"status": "closed", "created_sec": "2026-06-08 00:00:00"},
    ],
    # 260699 is no day: without one, a paid order counts nowhere.
    rejected=[(6, "missing-date")],
    notes={"date-from-order-id": 2, "partial-without-amount": 1},
    net_fen=2000 + 0 + 500 + 1000,
    orders=3,
)  # fmt: skip

DOUDIAN = Case(
    "抖店",
    "1791430000_订单.csv",
    delimited("utf-8-sig", tab_before),
    [
        {
            "主订单编号": "6917293847561029384", "子订单编号": "6917293847561029384", "选购商品": "面膜",
            "商品数量": "1", "商品ID": "3501", "商家编码": "MM-1", "商品单价": "168.99", "订单应付金额": "168.99",
            "收件人": "##9sXk3lq2mZ==", "收件人手机号": "$$AbCd1234efgh==", "省": "上海", "市": "上海市",
            "订单提交时间": "2026-09-22 00:54:10", "支付完成时间": "2026-09-22 00:54:20", "订单状态": "已完成",
            "售后状态": "-", "流量来源": "-", "达人昵称": "小王",
        },
        {
            "主订单编号": "6917293847561029384", "子订单编号": "6917293847561029385", "选购商品": "口红",
            "商品数量": "1", "商品ID": "3502", "商品单价": "31.01", "订单应付金额": "31.01",
            "订单提交时间": "2026-09-22 00:54:10", "支付完成时间": "2026-09-22 00:54:20", "订单状态": "已完成",
            "售后状态": "退款成功",
        },
        {
            "主订单编号": "6917293847561029390", "子订单编号": "6917293847561029391;6917293847561029392",
            "选购商品": "面膜;口红", "商品数量": "3", "商品ID": "3501;3502", "商家编码": "MM-1;KH-2",
            "商品单价": "10.00;20.00", "订单应付金额": "40.00", "订单提交时间": "2026-09-23 00:54:10",
            "支付完成时间": "2026-09-23 00:54:20", "订单状态": "已发货", "售后状态": "",
        },
        {
            "主订单编号": "6917293847561029393", "子订单编号": "6917293847561029393", "选购商品": "面膜",
            "商品数量": "1", "订单应付金额": "168.99", "订单提交时间": "2026-09-23 00:54:10", "订单状态": "待支付",
        },
    ],
    [
        {
            "order_id": "6917293847561029384", "line_id": "6917293847561029384", "amount_paid_fen": 16_899,
            "receiver": None, "phone": None, "buyer_id": None, "province": "上海", "refund_status": None,
            "channel": None, "sku": "MM-1",
        },
        {"line_id": "6917293847561029385", "refund_status": "full", "amount_paid_fen": 3101},
        {
            "line_id": "6917293847561029391;6917293847561029392", "product": "面膜;口红", "quantity_milli": 3000,
            "unit_price_fen": None, "amount_paid_fen": 4000,
        },
        {"status": "unpaid"},
    ],
    notes={"joined-cells": 1, "phone-masked": 1},
    net_fen=16_899 + 4000,
    orders=2,
)  # fmt: skip

KUAISHOU = Case(
    "快手",
    "快手.xlsx",
    workbook("Sheet1"),
    [
        {
            "订单号": "2400000000000000001", "赠品订单号": "-", "订单创建时间": "2025-11-11 00:00:01",
            "订单支付时间": "2025-11-11 00:00:09", "订单状态": "交易成功", "实付款": "¥1,299.90", "快递费": "0元",
            "成交数量": "1", "售后状态": "--", "商品名称": "手机壳", "商品单价": "￥1,299.90", "渠道": "自营",
            "CPS达人昵称": "—", "预估推广者分佣比例": "30.0%", "收货人姓名": "/", "收货人电话": "186******05",
            "收货地址-省": "内蒙古自治区", "收货地址-市": "包头市", "实名姓名": "李四",
        },
        {
            "订单号": "2400000000000000002", "订单创建时间": "2025-11-11 00:00:01", "订单支付时间": "2025-11-11 00:00:09",
            "订单状态": "交易成功", "实付款": "0元", "成交数量": "1", "售后状态": "-", "商品名称": "贴纸", "渠道": "—",
        },
        {
            "订单号": "2400000000000000003", "订单创建时间": "2025-11-12 00:00:01", "订单支付时间": "2025-11-12 00:00:09",
            "订单状态": "已收货", "实付款": "99元", "成交数量": "1", "售后状态": "退款成功", "商品名称": "手机壳",
        },
        {
            "订单号": "2400000000000000004", "订单创建时间": "2025-11-12 00:00:01", "订单支付时间": "—",
            "订单状态": "交易关闭", "实付款": "99.00", "成交数量": "1", "售后状态": "/", "商品名称": "手机壳",
        },
    ],
    [
        {
            "amount_paid_fen": 129_990, "unit_price_fen": 129_990, "refund_status": None, "province": "内蒙古",
            "city": "包头市", "receiver": None, "phone": None, "channel": "自营", "status": "paid",
        },
        {"amount_paid_fen": 0, "channel": None},
        {"amount_paid_fen": 9900, "refund_status": "full"},
        {"status": "closed", "paid_sec": None},
    ],
    notes={"phone-masked": 1},
    # A gift at 0 is no valid order; what was refunded in full is none either.
    net_fen=129_990,
    orders=1,
)  # fmt: skip

YOUZAN = Case(
    "有赞 订单",
    "有赞订单.xlsx",
    workbook("Sheet1"),
    [
        {
            "订单号": "E20250315100000001", "订单状态": "交易完成", "订单创建时间": "2025-03-15 10:00:00",
            "买家付款时间": "2025-03-15 10:00:09", "商品金额合计": "22.00", "订单实付金额": "20.00",
            "订单已退款金额": "5.00", "订单退款状态": "退款成功（部分退款）", "买家手机号": " 138 0013 8000 ",
            "买家昵称": "微信用户", "归属店铺": "总店", "收货人省份": "浙江省", "收货人城市": "杭州市",
            "商品种类数": "2", "全部商品名称": "苹果,梨",
        },
        {
            "订单号": "E20250315100000002", "订单状态": "已发货", "订单创建时间": "2025-03-15 11:00:00",
            "买家付款时间": "2025-03-15 11:00:09", "订单实付金额": "30.00", "订单已退款金额": "30.00",
            "订单退款状态": "退款成功（全额退款）", "买家手机号": "13900139000", "买家昵称": "微信用户",
        },
        {
            "订单号": "E20250315100000003", "订单状态": "待付款", "订单创建时间": "2025-03-15 12:00:00",
            "买家付款时间": " ", "订单实付金额": "9.00", "订单已退款金额": "0.00", "订单退款状态": "——",
            "买家手机号": " ", "买家昵称": "微信用户",
        },
        {
            "订单号": "E20250315100000004", "订单状态": "待发货", "订单创建时间": "2025-03-16 12:00:00",
            "买家付款时间": "2025-03-16 12:00:09", "订单实付金额": "40.00", "订单已退款金额": "0",
            "订单退款状态": "退款中", "买家手机号": "13800138000",
        },
    ],
    [
        {
            "phone": "13800138000", "buyer_id": None, "amount_paid_fen": 2000, "refund_amount_fen": 500,
            "refund_status": "partial", "quantity_milli": None, "province": "浙江",
        },
        {"refund_status": "full"},
        {"status": "unpaid", "refund_status": None, "phone": None},
        {"status": "paid", "refund_status": "running"},
    ],
    notes={"duplicate-headers": 1},
    net_fen=(2000 - 500) + 0 + 4000,
    orders=2,
    customers=2,
)  # fmt: skip

WEIDIAN = Case(
    "微店",
    "微店.xlsx",
    workbook("excelReport"),
    [
        {
            "订单编号": "8001", "订单状态": "已完成", "下单时间": "2023-08-01 10:00:00", "付款时间": "2023-08-01 10:00:30",
            "商品名称": "花茶;茶杯", "商品型号": "100g;白", "型号编码": "HC1;CB2", "商品件数": "1;2", "实付金额": "30.00",
            "省": "北京", "市": "朝阳区", "下单账号": "wd_1", "收货人/提货人手机号": "13800138000", "身份证号": "11010119900101001X",
            "网店名称": "茶铺",
        },
        {
            "订单编号": "8002", "订单状态": "已发货", "下单时间": "2023-08-02 10:00:00", "付款时间": "2023-08-02 10:00:30",
            "商品名称": "花茶", "型号编码": "HC1", "商品件数": "2", "实付金额": "20.00", "退款状态": "退款成功",
            "下单账号": "wd_2",
        },
        {
            "订单编号": "8003", "订单状态": "已发货", "下单时间": "2023-08-02 10:00:00", "付款时间": "2023-08-02 10:00:30",
            "商品名称": "花茶;茶杯", "商品件数": "1;若干", "实付金额": "20.00", "下单账号": "wd_3",
        },
    ],
    [
        {
            "product": "花茶;茶杯", "sku": "HC1;CB2", "quantity_milli": 3000, "amount_paid_fen": 3000,
            "province": "北京", "city": "北京市", "buyer_id": "wd_1", "shop": "茶铺",
        },
        {"quantity_milli": 2000, "refund_status": "full"},
    ],
    rejected=[(4, "bad-quantity")],
    notes={"joined-cells": 1},
    net_fen=3000,
    orders=1,
    customers=2,
)  # fmt: skip

WECHAT = Case(
    "微信小店",
    "微信小店.csv",
    delimited("utf-8-sig"),
    [
        {
            "订单号": "3700000000000000001", "订单下单时间": "2025-01-01 10:00:00", "支付时间": "2025-01-01 10:00:20",
            "订单状态": "已完成", "省": "重庆", "市": "重庆市", "收件人手机": "1**********", "商品总价": "110.00",
            "订单实际支付金额": "100.00", "订单实际收款金额": "98.00", "商品名称": "锅", "SKU编码(自定义)": "G1",
            "商品价格(单件)": "66.00", "商品实际价格(单件)": "60.00", "商品数量": "1", "商品售后": "仅退款退款完成",
            "商品已退款金额": "60.00",
        },
        {
            "订单号": "3700000000000000001", "订单下单时间": "2025-01-01 10:00:00", "支付时间": "2025-01-01 10:00:20",
            "订单状态": "已完成", "商品总价": "110.00", "订单实际支付金额": "100.00", "商品名称": "铲",
            "商品价格(单件)": "22.00", "商品实际价格(单件)": "20.00", "商品数量": "2", "商品售后": "无", "商品已退款金额": "0",
        },
        {
            "订单号": "3700000000000000002", "订单下单时间": "2025-01-02 10:00:00", "支付时间": "2025-01-02 10:00:20",
            "订单状态": "待发货", "商品总价": "50.00", "订单实际支付金额": "50.00", "商品名称": "锅",
            "商品实际价格(单件)": "50.00", "商品数量": "1", "商品售后": "无",
        },
        {
            "订单号": "3700000000000000003", "订单下单时间": "2025-01-02 10:00:00", "支付时间": "2025-01-02 10:00:20",
            "订单状态": "待发货", "商品总价": "31.00", "订单实际支付金额": "30.00", "商品名称": "锅",
            "商品实际价格(单件)": "15.00", "商品数量": "1", "商品售后": "无",
        },
        {
            "订单号": "3700000000000000003", "订单下单时间": "2025-01-02 10:00:00", "支付时间": "2025-01-02 10:00:20",
            "订单状态": "待发货", "商品总价": "31.00", "订单实际支付金额": "31.00", "商品名称": "铲",
            "商品实际价格(单件)": "15.00", "商品数量": "1", "商品售后": "无",
        },
    ],
    [
        {
            "amount_paid_fen": 10_000, "amount_total_fen": 11_000, "unit_price_fen": 6000, "refund_amount_fen": 6000,
            "refund_status": "partial", "phone": None, "sku": "G1", "province": "重庆",
        },
        {"refund_status": "none", "refund_amount_fen": 0, "unit_price_fen": 2000},
        {"amount_paid_fen": 5000},
        {"amount_paid_fen": 3000},
        {"amount_paid_fen": 3100},
    ],
    notes={"phone-masked": 1},
    # 100.00 once, less the 60.00 given back for the pan, and the second order.
    net_fen=4000 + 5000,
    orders=2,
    late=[(5, "repeated-amount-conflict"), (6, "repeated-amount-conflict")],
)  # fmt: skip

XIAOHONGSHU = Case(
    "小红书",
    "小红书.xlsx",
    workbook("订单信息"),
    [
        {
            "订单号": "P700000000000000001", "订单状态": "已完成", "售后状态": "无售后", "收件人姓名": "王*",
            "收件人电话": "1**********", "省": "广东省", "市": "深圳市", "SKU名称": "香水", "规格ID": "S1", "SKU件数": "1",
            "是否为赠品": "否", "商品总价(元)": "60.00", "用户应付金额(元)": "50.00", "支付时间": "2025-05-20 10:00:00",
            "订单创建时间": "2025-05-20 09:59:00", "用户编号": "u_1", "店铺名称": "香铺",
            "收件人身份证姓名": "王小美", "收件人身份证号": "440301199001010022",
        },
        {
            "订单号": "P700000000000000001", "订单状态": "已完成", "售后状态": "无售后", "SKU名称": "香皂", "规格ID": "S2",
            "SKU件数": "2", "是否为赠品": "否", "用户应付金额(元)": "30.00", "支付时间": "2025-05-20 10:00:00",
            "订单创建时间": "2025-05-20 09:59:00", "用户编号": "u_1",
        },
        {
            "订单号": "P700000000000000001", "订单状态": "已完成", "售后状态": "无售后", "SKU名称": "小样", "规格ID": "S3",
            "SKU件数": "1", "是否为赠品": "是", "用户应付金额(元)": "0.00", "支付时间": "2025-05-20 10:00:00",
            "订单创建时间": "2025-05-20 09:59:00", "用户编号": "u_1",
        },
        {
            "订单号": "P700000000000000002", "订单状态": "已发货", "售后状态": "退款成功", "SKU名称": "香皂", "SKU件数": "1",
            "是否为赠品": "否", "用户应付金额(元)": "30.00", "支付时间": "2025-05-21 10:00:00",
            "订单创建时间": "2025-05-21 09:59:00", "用户编号": "u_2",
        },
        {
            "订单号": "P700000000000000003", "订单状态": "已完成", "售后状态": "售后完成", "SKU名称": "香皂", "SKU件数": "1",
            "是否为赠品": "否", "用户应付金额(元)": "30.00", "支付时间": "2025-05-21 10:00:00",
            "订单创建时间": "2025-05-21 09:59:00", "用户编号": "u_3", "收件人身份证号": "440301199001010023",
        },
    ],
    [
        {
            "order_id": "P700000000000000001", "buyer_id": "u_1", "amount_paid_fen": 5000, "amount_total_fen": 6000,
            "is_goods": 1, "sku": "S1", "province": "广东", "phone": None, "refund_status": "none",
        },
        {"amount_paid_fen": 3000, "quantity_milli": 2000, "is_goods": 1},
        {"amount_paid_fen": 0, "is_goods": 0, "product": "小样"},
        {"refund_status": "full"},
    ],
    rejected=[(6, "unknown-refund-status")],
    notes={"phone-masked": 1},
    net_fen=5000 + 3000,
    orders=1,
    customers=2,
)  # fmt: skip

SHOPIFY = Case(
    "Shopify",
    "orders_export_1.csv",
    delimited("utf-8"),
    [
        {
            "Name": "#1001", "Email": "ann@example.com", "Financial Status": "partially_refunded",
            "Paid at": "2024-03-01 10:02:11 +0800", "Created at": "2024-03-01 10:02:09 +0800", "Currency": "CNY",
            "Subtotal": "90.00", "Shipping": "10.00", "Total": "100.00", "Refunded Amount": "20.00",
            "Lineitem quantity": "1", "Lineitem name": "Kettle", "Lineitem price": "60.00", "Lineitem sku": "K-1",
            "Shipping Name": "Ann", "Shipping City": "Hangzhou", "Phone": "+8613800138000", "Source": "web",
        },
        {
            "Name": "#1001", "Email": "ann@example.com", "Created at": "2024-03-01 10:02:09 +0800",
            "Lineitem quantity": "2", "Lineitem name": "Cup", "Lineitem price": "15.00", "Lineitem sku": "C-1",
        },
        {
            "Name": "#1002", "Email": "bob@example.com", "Financial Status": "refunded",
            "Paid at": "2024-03-02 10:02:11 +0800", "Created at": "2024-03-02 10:02:09 +0800", "Total": "60.00",
            "Refunded Amount": "60.00", "Lineitem quantity": "1", "Lineitem name": "Kettle", "Lineitem price": "60.00",
        },
        {
            "Name": "#1003", "Email": "bob@example.com", "Financial Status": "pending", "Total": "60.00",
            "Created at": "2024-03-03 10:02:09 +0800", "Lineitem quantity": "1", "Lineitem name": "Kettle",
            "Lineitem price": "60.00",
        },
        {
            "Name": "#1004", "Email": "cat@example.com", "Financial Status": "partially_paid", "Total": "75.00",
            "Created at": "2024-03-03 10:02:09 +0800", "Lineitem quantity": "1", "Lineitem name": "Kettle",
            "Lineitem price": "60.00",
        },
        {
            "Name": "#1004", "Email": "cat@example.com", "Created at": "2024-03-03 10:02:09 +0800",
            "Lineitem quantity": "1", "Lineitem name": "Cup", "Lineitem price": "15.00",
        },
    ],
    [
        {
            "order_id": "#1001", "buyer_id": "ann@example.com", "phone": "13800138000", "status": "paid",
            "paid_sec": "2024-03-01 10:02:11", "amount_paid_fen": 10_000, "refund_amount_fen": 2000, "channel": "web",
            "receiver": "Ann", "city": "Hangzhou", "unit_price_fen": 6000,
        },
        {
            "order_id": "#1001", "status": "paid", "paid_sec": "2024-03-01 10:02:11", "amount_paid_fen": 10_000,
            "refund_amount_fen": 2000, "product": "Cup", "quantity_milli": 2000, "phone": "13800138000", "channel": "web",
        },
        {"order_id": "#1002", "status": "refunded", "phone": None, "channel": None},
        {"order_id": "#1003", "status": "unpaid", "paid_sec": None, "refund_amount_fen": None},
    ],
    # Held back whole: what was paid of #1004 is not said, on none of its rows.
    rejected=[(6, "unknown-status"), (7, "unknown-status")],
    net_fen=10_000 - 2000,
    orders=1,
    customers=2,
)  # fmt: skip

CASES = [
    TAOBAO, TAOBAO_LINES, JD, PINDUODUO, DOUDIAN, KUAISHOU, YOUZAN, WEIDIAN, WECHAT, XIAOHONGSHU, SHOPIFY,
]  # fmt: skip


def read(path: Path) -> CleanTable:
    """Read as `auto` does; the account of rows balances."""
    known = [mapping for mapping in available_mappings(None) if mapping.kind in KINDS]
    table = read_orders(path, known, tz=TZ)
    assert table.read == table.rows.num_rows + len(table.rejects) + table.blank
    return table


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A clean row with its moments as people write them."""
    return {
        name: format_seconds(value) if name.endswith("_sec") and value is not None else value
        for name, value in row.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.header)
def test_rows_are_read_as_worked_out_by_hand(case: Case, tmp_path: Path) -> None:
    table = read(case.make(tmp_path))
    assert table.mapping.name == RECOGNISED[case.header]
    assert codes(table) == list(case.rejected)
    rows = [shown(row) for row in table.rows.to_pylist()]
    assert len(rows) == len(case.expected)
    for row, wanted in zip(rows, case.expected, strict=True):
        assert {name: row[name] for name in wanted} == wanted
    assert {code: count for code, count in table.notes.items() if not code.startswith("file-")} == case.notes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.header)
def test_the_command_counts_what_is_worth_counting(case: Case, shop: Shop) -> None:
    """Net, orders and customers of the whole import; a second import changes nothing."""
    path = case.make(shop.root / "inbox")
    late = [code for _, code in case.late]
    code = 4 if case.rejected or late else 0
    result = shop.json("import-orders", path, expect=code).result
    totals = result["totals"]
    assert totals["read"] == len(case.rows)
    assert totals["rejected"] == len(case.rejected) + len(late)
    assert totals["new"] == len(case.rows) - totals["rejected"]
    for reason in {reason for _, reason in (*case.rejected, *case.late)}:
        assert result["reasons"][reason] == sum(reason == one for _, one in (*case.rejected, *case.late))
    assert (result["net_fen"], result["customers"]) == (case.net_fen, case.customers)
    assert facts(shop) == (case.orders, case.net_fen)
    again = shop.json("import-orders", path, expect=code).result["totals"]
    assert (again["unchanged"], again["rejected"]) == (totals["new"], totals["rejected"])
    assert facts(shop) == (case.orders, case.net_fen)


def facts(shop: Shop) -> tuple[int, int]:
    """(valid orders, net of all facts) in the store."""
    from siyu_cli.clock import Clock
    from siyu_cli.customers.facts import build_facts
    from siyu_cli.store.connection import open_store
    from siyu_cli.store.engine import DuckDbEngine

    with open_store(shop.root / ".siyu", wait=5, write=True, memory_limit="1GB") as con:
        build_facts(DuckDbEngine(con), Clock().as_of("2030-01-01"))
        orders, net = con.execute(
            "SELECT sum(is_order), coalesce(sum(net_fen), 0) FROM fact_orders"
        ).fetchall()[0]
    return int(orders or 0), int(net)


# --- recognition -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RECOGNISED))
def test_every_verbatim_header_is_recognised(name: str) -> None:
    known = available_mappings(None)
    assert choose_mapping(ALL_HEADERS[name], known, KINDS).name == RECOGNISED[name]


@examples(200)
@given(st.data())
def test_headers_are_recognised_in_any_order_and_without_a_few_columns(data: st.DataObject) -> None:
    """Sellers choose and move columns, spreadsheets trim headers and widen brackets."""
    name = data.draw(st.sampled_from(sorted(RECOGNISED)))
    known = available_mappings(None)
    mapping = next(one for one in known if one.name == RECOGNISED[name])
    telling = {header for names in mapping.any_of for header in names}
    telling |= {header.strip() for header in telling}
    others = [header for header in ALL_HEADERS[name] if header.strip() not in telling]
    gone = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    headers = data.draw(st.permutations([header for header in ALL_HEADERS[name] if header not in gone]))
    if data.draw(st.booleans()):
        headers = [header.strip().replace("(", "（").replace(")", "）") for header in headers]
    assert choose_mapping(headers, known, KINDS).name == RECOGNISED[name]


def test_every_shipped_order_mapping_has_a_header_here() -> None:
    shipped = {mapping.name for mapping in available_mappings(None) if mapping.kind in KINDS}
    assert shipped - set(RECOGNISED.values()) == {"通用订单", "通用退货"}


def test_lists_of_after_sales_are_not_taken_for_orders() -> None:
    """拼多多's after-sales file shares its column names, but names no paid amount of the buyer."""
    headers = ["售后编号", "订单号", "商品id", "订单状态", "售后状态", "退款金额", "申请时间"]
    with pytest.raises(InputRefused) as caught:
        choose_mapping(headers, available_mappings(None), KINDS)
    assert caught.value.code == "unknown-header"


# --- details ---------------------------------------------------------------------------------------

YOUZAN_DETAILS: list[Row] = [
    {
        "订单号": "E20250315100000001", "订单商品状态": "交易完成", "商品名称": "苹果", "商品类目": "水果",
        "规格编码": "AP-1", "商品单价": "13.00", "商品数量": "1", "商品金额小计": "13.00",
        "商品实际成交金额": "12.00", "商品已退款金额": "0.00",
    },
    {
        "订单号": "E20250315100000001", "订单商品状态": "交易完成", "商品名称": "梨", "商品类目": "水果",
        "规格编码": "PE-1", "商品单价": "4.50", "商品数量": "2", "商品金额小计": "9.00",
        "商品实际成交金额": "8.00", "商品已退款金额": "5.00",
    },
    {"订单号": "E20250315199999999", "商品名称": "葡萄", "商品数量": "1", "商品实际成交金额": "3.00"},
]  # fmt: skip


def youzan_details(folder: Path) -> Path:
    headers = HEADERS["有赞 商品"]
    rows = [headers, *[[row.get(header, "") for header in headers] for row in YOUZAN_DETAILS]]
    return xlsx(folder / "有赞商品.xlsx", rows)


def test_details_need_neither_dates_nor_status(tmp_path: Path) -> None:
    table = read(youzan_details(tmp_path))
    assert (table.mapping.name, table.mapping.kind, table.rejects) == ("有赞商品明细", "details", ())
    first = table.rows.to_pylist()[0]
    assert (first["order_id"], first["product"], first["sku"], first["category"]) == (
        "E20250315100000001", "苹果", "AP-1", "水果",
    )  # fmt: skip
    assert (first["amount_paid_fen"], first["quantity_milli"], first["status"], first["paid_sec"]) == (
        1200, 1000, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("order_first", [True, False])
def test_details_say_what_was_in_an_order_and_change_no_money(shop: Shop, order_first: bool) -> None:
    """Whatever the order of import: the order holds the money, the details name the products."""
    order, details = YOUZAN.make(shop.root / "inbox"), youzan_details(shop.root / "inbox")
    if order_first:
        shop.json("import-orders", order)
        result = shop.json("import-orders", details, expect=4).result
    else:
        result = shop.json("import-orders", details, order, expect=4).result
    assert result["reasons"]["no-such-order"] == 1
    assert facts(shop) == (YOUZAN.orders, YOUZAN.net_fen)


def test_taobao_item_lists_and_fund_exports_are_details(tmp_path: Path) -> None:
    headers = HEADERS["淘宝 宝贝报表"]
    row = {
        "订单编号": wrapped("4900123456789012345"),
        "标题": "苹果",
        "价格": "10.00",
        "购买数量": "2",
        "商家编码": "AP-1",
    }
    postage = {"订单编号": "'4900123456789012345", "标题": "邮费", "价格": "1.00", "购买数量": "5"}
    rows = [headers, *[[cells.get(header, "") for header in headers] for cells in (row, postage)]]
    table = read(delimited("gb18030")(tmp_path / "ExportOrderDetailList202105151650.csv", rows))
    found = table.rows.select(["order_id", "computed_fen", "sku", "is_goods", "platform"]).to_pylist()
    order = {"order_id": "4900123456789012345", "platform": "淘宝天猫"}
    assert found == [
        {**order, "computed_fen": 2000, "sku": "AP-1", "is_goods": 1},
        {**order, "computed_fen": 500, "sku": None, "is_goods": 0},
    ]
    headers = HEADERS["千牛 资金"]
    row = {
        "订单编号": "490012",
        "买家实付金额": "20.00",
        "商品标题": "苹果",
        "订单付款时间": "2024-01-01 10:00:00",
    }
    table = read(xlsx(tmp_path / "资金.xlsx", [headers, [row.get(header, "") for header in headers]]))
    assert (table.mapping.name, table.mapping.kind, table.mapping.platform) == (
        "千牛资金",
        "details",
        "淘宝天猫",
    )
    assert table.rows["product"].to_pylist() == ["苹果"]


def test_details_without_order_ids_are_refused(tmp_path: Path) -> None:
    mapping = load_mapping(
        text(tmp_path / "m.yaml", "kind: details\ncolumns: {order_id: 单号, product: 品名}\n")
    )
    path = text(tmp_path / "a.csv", "品名,数量\n苹果,1\n")
    with pytest.raises(InputRefused) as caught:
        read_orders(path, [mapping], tz=TZ)
    assert caught.value.code == "missing-order-column"


# --- meaning ---------------------------------------------------------------------------------------


def test_identity_cards_go_nowhere(shop: Shop) -> None:
    """小红书, 微店 and 快手 carry identity cards and real names: no table of the store holds one."""
    for case in (XIAOHONGSHU, WEIDIAN, KUAISHOU):
        shop.run("import-orders", case.make(shop.root / "inbox"), "--allow-rejects")
    secrets = ("440301199001010022", "440301199001010023", "王小美", "11010119900101001X", "李四")
    with shop.connect() as con:
        for (table,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            everything = "\n".join(map(str, con.execute(f"SELECT * FROM {table}").fetchall()))
            assert not [secret for secret in secrets if secret in everything], table
    books = [*(shop.root / "outbox").rglob("*-拒收.xlsx")]
    assert books
    for book in books:
        everything = str([[*sheet.values] for sheet in openpyxl.load_workbook(book)])
        assert not [secret for secret in secrets if secret in everything], book.name


def test_private_columns_are_named_by_the_mapping() -> None:
    known = {mapping.name: mapping for mapping in available_mappings(None)}
    for header in (
        "订购人身份证姓名/ID Name",
        "订购人身份证号/ID Number",
        "收件人身份证姓名",
        "收件人身份证号",
    ):
        assert header in HEADERS["小红书"]
        assert known["小红书"].is_private(header)
    for mapping in known.values():
        mapped = {name for names in mapping.columns.values() for name in names}
        assert not [name for name in mapped if mapping.is_private(name)]
    for name, headers in ALL_HEADERS.items():
        if name in RECOGNISED:
            mapping = known[RECOGNISED[name]]
            assert not [one for one in headers if "身份证" in one and not mapping.is_private(one)]


@pytest.mark.parametrize("mask", ["t**1", "***", "##密文abc", "$$aGVsbG8=", "小****", "*"])
def test_masked_values_never_become_keys(shop: Shop, mask: str) -> None:
    """Two strangers under one mask stay strangers: no customer comes of a mask."""
    header = "订单编号,买家会员名,联系手机,买家实际支付金额,订单状态,订单创建时间,订单付款时间 ,收货人姓名\n"
    row = "{n},{mask},138****0000,9.90,交易成功,2021-05-01 10:00:00,2021-05-01 10:00:05,张**\n"
    path = shop.file("a.csv", header + "".join(row.format(n=n, mask=mask) for n in range(3)))
    result = shop.json("import-orders", path).result
    assert (result["customers"], result["anonymous"], result["net_fen"]) == (0, 3, 2970)
    assert result["files"][0]["notes"] == {"buyer-masked": 3, "phone-masked": 3}
    assert shop.rows("SELECT count(*) FROM customers") == [(0,)]


def test_buyers_of_different_platforms_are_different_people(shop: Shop) -> None:
    """京东's jd_a and 淘宝's jd_a share a name only; a phone both give joins them."""
    taobao = {
        "订单编号": "1", "买家会员名": "jd_a", "买家实际支付金额": "5.00", "订单状态": "交易成功",
        "订单创建时间": "2021-05-01 10:00:00", "订单付款时间 ": "2021-05-01 10:00:05", "宝贝标题 ": "苹果",
    }  # fmt: skip
    headers = HEADERS["淘宝 2016"]
    inbox = shop.root / "inbox"
    one = delimited("gb18030")(inbox / "t.csv", [headers, [taobao.get(header, "") for header in headers]])
    shop.json("import-orders", one)
    result = shop.json("import-orders", JD.make(inbox), expect=4).result
    assert result["new_customers"] == 2
    assert shop.rows("SELECT count(*) FROM customers") == [(3,)]


def test_an_unknown_status_is_counted_by_its_word_and_held_back(shop: Shop) -> None:
    header = "订单号,下单帐号,京东价,应付金额,订购数量,下单时间,付款确认时间,订单状态\n"
    row = "{n},a,5.00,5.00,1,2024-03-01 10:00:00,2024-03-01 10:00:00,{word}\n"
    words = ["完成", "暂停", "暂停", "等待客户回执"]
    path = shop.file("jd.csv", header + "".join(row.format(n=n, word=word) for n, word in enumerate(words)))
    result = shop.json("import-orders", path, expect=4).result
    assert result["reasons"]["unknown-status"] == 3
    assert result["files"][0]["unknown_words"] == {"暂停": 2, "等待客户回执": 1}
    assert facts(shop) == (1, 500)
    own = (shop.root / "platforms" / "京东.yaml").read_text(encoding="utf-8")
    mended = own.replace("unpaid: [等待付款, 待付款]", "unpaid: [等待付款, 待付款, 暂停, 等待客户回执]")
    assert mended != own
    (shop.root / "platforms" / "京东.yaml").write_text(mended, encoding="utf-8")
    totals = shop.json("import-orders", path).result["totals"]
    assert (totals["new"], totals["unchanged"], totals["rejected"]) == (3, 1, 0)


def test_a_later_export_moves_an_order_on_and_an_older_one_never_back(shop: Shop) -> None:
    """A 拼多多 order paid, then refunded; the old file again, under a newer look, changes nothing."""
    headers = HEADERS["拼多多 默认列"]
    row = {
        "商品": "草莓", "订单号": "260607-1", "订单状态": "待发货", "用户实付金额(元)": "20.00", "商家实收金额(元)": "20.00",
        "商品数量(件)": "1", "售后状态": "无售后", "订单成交时间": "2026-06-07 10:00:00",
    }  # fmt: skip
    write = delimited("utf-8-sig", tab_behind)
    inbox = shop.root / "inbox"
    old = write(inbox / "20260607120000.csv", [headers, [row.get(header, "") for header in headers]])
    row |= {"订单状态": "未发货，退款成功", "售后状态": "退款成功"}
    new = write(inbox / "20260609120000.csv", [headers, [row.get(header, "") for header in headers]])
    shop.json("import-orders", old)
    assert facts(shop) == (1, 2000)
    assert shop.json("import-orders", new).result["totals"]["updated"] == 1
    assert facts(shop) == (0, 0)
    assert shop.json("import-orders", old).result["totals"]["updated"] == 0
    assert facts(shop) == (0, 0)
