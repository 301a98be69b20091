"""The shop's orders as 淘宝 and 有赞 export them, with the flaws such files have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.demo.catalog import MESSAGES, PLACES, PRODUCTS, SHOP, WECHAT_NAMES
from siyu_cli.demo.dice import Dice, Flags, Ints
from siyu_cli.demo.headers import TAOBAO_ORDERS, YOUZAN_ORDERS
from siyu_cli.demo.orders import CLOSED, DONE, NOBODY, PAID, REFUNDED, SHIPPED, WAITING, Orders
from siyu_cli.demo.people import Customers
from siyu_cli.demo.sheet import Sheet

SOUND, COPY, BAD_ID, BAD_DAY = range(4)
# What a spreadsheet makes of a long number, and a day that no calendar has.
_BROKEN_IDS = ("4.90012E+17", "4.90013E+17")
_BROKEN_DAY = "2025-02-30 10:12:07"
_TAOBAO_STATUS = {
    DONE: "交易成功", SHIPPED: "卖家已发货，等待买家确认", PAID: "买家已付款，等待卖家发货",
    WAITING: "等待买家付款", CLOSED: "交易关闭", REFUNDED: "交易关闭",
}  # fmt: skip
_TAOBAO_REASON = {DONE: "订单未关闭", SHIPPED: "订单未关闭", PAID: "订单未关闭", WAITING: "订单未关闭",
                  CLOSED: "买家未付款", REFUNDED: "退款"}  # fmt: skip
_YOUZAN_STATUS = {
    DONE: "交易完成", SHIPPED: "已发货", PAID: "待发货", WAITING: "待付款", CLOSED: "交易关闭",
    REFUNDED: "交易关闭",
}  # fmt: skip


@dataclass(frozen=True)
class Printed:
    """The rows of one file: which order each shows, newest first, and what is wrong with the row."""

    order: Ints
    fault: Ints

    def count(self, fault: int) -> int:
        return int((self.fault == fault).sum())


def print_rows(orders: Orders, chosen: Ints, *, copies: int, bad_ids: int, bad_days: int) -> Printed:
    """The chosen orders newest first; copies and broken rows follow the sound row they are made from."""
    delivered = chosen[orders.status[chosen] == DONE]
    wanted = [COPY] * copies + [BAD_ID] * bad_ids + [BAD_DAY] * bad_days
    # Evenly over the file.
    spots = len(delivered) * np.arange(1, len(wanted) + 1) // (len(wanted) + 1)
    order = np.concatenate([chosen, delivered[spots]])
    fault = np.array([SOUND] * len(chosen) + wanted, dtype=np.int64)
    by_age = np.lexsort((fault, order, -orders.created[order]))
    return Printed(order[by_age], fault[by_age])


def taobao_sheet(customers: Customers, orders: Orders, printed: Printed, dice: Dice) -> Sheet:
    """ExportOrderList: paid amounts net of refunds, phones masked, ids wrapped as ="…"."""
    row = printed.order
    who = orders.customer[row]
    status = orders.status[row]
    is_paid = orders.paid[row] != NOBODY
    total, refund = orders.total[row], orders.refund[row]
    net = np.where(is_paid, total - refund, 0)
    # Later orders have larger numbers; the free digits hide how many orders there are.
    rank = np.argsort(np.argsort(orders.created, kind="stable"), kind="stable")
    numbers = 4_210_000_000_000_000_000 + rank * 1_000_000_000 + dice.between(len(orders), 0, 999_999_000)
    number = _text(numbers[row] + np.where(printed.fault == BAD_DAY, 7, 0))
    filled = {
        "订单编号": _order_ids(number, printed),
        "买家会员名": _of_people(customers.nick, who),
        "支付单号": _text(numbers[row] + 20_000_000_000_000_000),
        "买家应付货款": _yuan(orders.goods[row] - orders.discount[row]),
        "买家应付邮费": _yuan(orders.postage[row]),
        "买家支付积分": "0",
        "总金额": _yuan(total),
        "返点积分": "0",
        "买家实际支付金额": _yuan(net),
        "买家实际支付积分": "0",
        "订单状态": _words(_TAOBAO_STATUS, status),
        "买家留言": _pick(MESSAGES, dice.between(len(orders), 0, len(MESSAGES) - 1)[row]),
        "收货人姓名": _of_people([f"{name[0]}**" for name in customers.name], who),
        "收货地址 ": _pick([f"{p[0]} {p[1]} {p[2]} ***({p[3]})" for p in PLACES], customers.place[who]),
        "运送方式": "快递",
        "联系手机": _of_people([f"'{phone[:3]}****{phone[-4:]}" for phone in customers.phone], who),
        "订单创建时间": _moment(orders.created[row]),
        "订单付款时间 ": _paid_moment(orders, printed),
        "宝贝标题 ": _titles(orders, row, "，"),
        "宝贝种类 ": _text(_kinds(orders, row)),
        "物流公司": _where(_was_sent(status), "中通快递"),
        "宝贝总数量": _text(orders.first_count[row] + orders.second_count[row]),
        "店铺Id": "0",
        "店铺名称": f"{SHOP}旗舰店",
        "订单关闭原因": _words(_TAOBAO_REASON, status),
        "卖家服务费": "0元",
        "买家服务费": "0元",
        "是否手机订单": "手机订单",
        "是否代付": "否",
        "退款金额": _yuan(refund),
        "确认收货时间": _moment(orders.finished[row]),
        "打款商家金额": pc.binary_join_element_wise(_yuan(np.where(status == DONE, net, 0)), "元", ""),
    }
    return _sheet("ExportOrderList", TAOBAO_ORDERS, filled, len(row))


def youzan_sheet(customers: Customers, orders: Orders, printed: Printed, gifts: dict[int, str]) -> Sheet:
    """有赞 订单列表: paid amounts before refunds, real phones; `gifts` go to another receiver's."""
    row = printed.order
    who = orders.customer[row]
    status = orders.status[row]
    is_paid = orders.paid[row] != NOBODY
    total, refund = orders.total[row], orders.refund[row]
    paid = _yuan(np.where(is_paid, total, 0))
    rank = np.argsort(np.argsort(orders.created, kind="stable"), kind="stable")
    serial = 1_000_000_000 + rank * 7
    number = pc.binary_join_element_wise(
        "E",
        pc.replace_substring_regex(_moment(orders.created[row]), r"\D", ""),
        _text(serial[row] + (printed.fault == BAD_DAY)),
        "",
    )
    refund_words = np.where(refund == 0, 0, np.where(status == REFUNDED, 1, 2))
    filled = {
        "订单号": number,
        "销售渠道": "网店",
        "归属店铺": f"{SHOP}小程序",
        "订单类型": "普通订单",
        "订单状态": _words(_YOUZAN_STATUS, status),
        "订单来源": "微信小程序",
        "订单创建时间": _moment(orders.created[row]),
        "买家付款时间": _paid_moment(orders, printed),
        "交易成功时间": _moment(orders.finished[row]),
        "付款方式": _where(is_paid, "微信支付"),
        "商品金额合计": _yuan(orders.goods[row]),
        "运费": _yuan(orders.postage[row]),
        "店铺优惠合计": _yuan(orders.discount[row]),
        "应收订单金额": _yuan(total),
        "订单实付金额": paid,
        "支付优惠合计": "0.00",
        "订单实收金额": paid,
        "全部商品名称": _titles(orders, row, ";"),
        "商品种类数": _text(_kinds(orders, row)),
        "订单配送方式": "快递发货",
        "收货人省份": _pick([p[0] for p in PLACES], customers.place[who]),
        "收货人城市": _pick([p[1] for p in PLACES], customers.place[who]),
        "收货人地区": _pick([p[2] for p in PLACES], customers.place[who]),
        "收货人/提货人": _of_people(customers.name, who),
        "收货人手机号/提货人手机号": pa.array(
            [
                gifts.get(order, customers.phone[person])
                for order, person in zip(row.tolist(), who.tolist(), strict=True)
            ]
        ),
        # WeChat names are shared by many: a key they are not.
        "买家昵称": _pick(WECHAT_NAMES, who % len(WECHAT_NAMES)),
        "买家是否会员": "是",
        "买家手机号": _of_people(customers.phone, who),
        "订单退款状态": _pick(("", "退款成功（全额退款）", "退款成功（部分退款）"), refund_words),
        "订单已退款金额": _yuan(refund),
    }
    return _sheet("订单列表", YOUZAN_ORDERS, filled, len(row))


def _sheet(name: str, header: tuple[str, ...], filled: dict[str, Any], rows: int) -> Sheet:
    return Sheet(name, header, {header.index(title): column for title, column in filled.items()}, rows)


def _text(numbers: Ints) -> Any:
    return pa.array(numbers).cast(pa.string())


def _yuan(fen: Ints) -> Any:
    """`39.90` of 3990, never through a float."""
    return pc.binary_join_element_wise(
        _text(fen // 100), pc.utf8_lpad(_text(fen % 100), width=2, padding="0"), "."
    )


def _instants(seconds: Ints) -> Any:
    return pa.array(seconds, mask=seconds == NOBODY).cast(pa.timestamp("s"))


def _moment(seconds: Ints) -> Any:
    """`2025-03-15 10:02:07`, empty where there is none."""
    return pc.fill_null(_instants(seconds).cast(pa.string()), "")


def _paid_moment(orders: Orders, printed: Printed) -> Any:
    return pc.if_else(pa.array(printed.fault == BAD_DAY), _BROKEN_DAY, _moment(orders.paid[printed.order]))


def _order_ids(number: Any, printed: Printed) -> Any:
    """Wrapped ids; the destroyed ones stand bare, as a spreadsheet leaves them."""
    is_broken = printed.fault == BAD_ID
    broken = np.where(is_broken, np.cumsum(is_broken) - 1, 0) % len(_BROKEN_IDS)
    return pc.if_else(
        pa.array(is_broken), _pick(_BROKEN_IDS, broken), pc.binary_join_element_wise('="', number, '"', "")
    )


def _pick(texts: Any, positions: Ints) -> Any:
    return pa.array(list(texts), pa.string()).take(pa.array(positions))


def _of_people(texts: list[str], who: Ints) -> Any:
    return _pick(texts, who)


def _words(table: dict[int, str], status: Ints) -> Any:
    return _pick([table[number] for number in sorted(table)], status)


def _where(flags: Flags, text: str) -> Any:
    return pc.if_else(pa.array(flags), text, "")


def _was_sent(status: Ints) -> Flags:
    return np.asarray((status == DONE) | (status == SHIPPED))


def _kinds(orders: Orders, row: Ints) -> Ints:
    return np.asarray(1 + (orders.second[row] != NOBODY), dtype=np.int64)


def _titles(orders: Orders, row: Ints, between: str) -> Any:
    """One title, or two in one cell."""
    titles = [product.title for product in PRODUCTS]
    first, second = _pick(titles, orders.first[row]), _pick(titles, np.maximum(orders.second[row], 0))
    both = pc.binary_join_element_wise(first, second, between)
    return pc.if_else(pa.array(orders.second[row] == NOBODY), first, both)
