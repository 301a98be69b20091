"""What a file's columns are under a mapping: which header means what, samples, and what the cleaners make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import islice

import pyarrow as pa

from siyu_cli.clock import format_seconds
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones, mask_phones, phone_reason
from siyu_cli.sheets.asides import aside_masks, is_caption
from siyu_cli.sheets.clean import clean_ids, clean_money, clean_quantities, clean_text, plain
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.header import Header
from siyu_cli.sheets.header_again import HeaderRows
from siyu_cli.sheets.mapping import GIFT, SHAPE_OF, PlatformMapping, meaning_of
from siyu_cli.sheets.raw import Source

SAMPLES = 3
LOOKED_AT = 2_000
"""Rows at the beginning of a file that samples and proposals are taken from."""


@dataclass(frozen=True)
class ColumnUse:
    """One header of a file under a mapping: what it is, up to three of its values, and what they became.

    `canonical` is '' for a header nothing uses. Phones in `samples` and `understood` are masked; a
    private column shows no values.
    """

    canonical: str
    header: str
    samples: tuple[str, ...]
    understood: tuple[str, ...]


def field_title(canonical: str) -> str:
    """What a canonical field is called in messages."""
    titles = {
        "order_id": tr("订单号", "order id"), "line_id": tr("子订单号", "line id"),
        "created_at": tr("下单时间", "order time"), "paid_at": tr("付款时间", "pay time"),
        "finished_at": tr("完成时间", "finish time"), "buyer_id": tr("买家账号", "buyer id"),
        "phone": tr("手机号", "phone"), "receiver": tr("收货人", "receiver"), "province": tr("省", "province"),
        "city": tr("市", "city"), "stage": tr("阶段", "stage"), "address": tr("地址", "address"), "amount_total": tr("总金额", "total"),
        "amount_paid": tr("实付金额", "paid amount"), "refund_amount": tr("退款金额", "refund"),
        "refunded_at": tr("退款时间", "refund time"), "unit_price": tr("单价", "unit price"), "customer_id": tr("客户编号", "customer number"),
        "quantity": tr("数量", "quantity"), "status": tr("状态", "status"),
        "refund_status": tr("退款状态", "refund status"), "product": tr("商品", "product"),
        "product_id": tr("商品编号", "product id"), "sku": tr("规格编码", "sku"),
        "category": tr("类目", "category"), "shop": tr("店铺", "shop"), "channel": tr("渠道", "channel"),
        "remark": tr("备注", "remark"), "name": tr("姓名", "name"), "source": tr("来源", "source"),
        "tags": tr("标签", "tags"), "tag": tr("标签", "the tag"), "staff_id": tr("员工账号", "staff account"),
        "department": tr("部门", "department"), "store": tr("门店", "store"), "weight": tr("权重", "weight"),
        "daily_cap": tr("每日上限", "daily cap"), "holding_cap": tr("持有上限", "holding cap"),
        "channels": tr("渠道", "channels"), "regions": tr("地区", "regions"), GIFT: tr("赠品", "gift"),
        "external_userid": tr("外部联系人 ID", "external_userid"), "unionid": tr("微信 unionid", "unionid of 微信"), "corp": tr("企业", "corp"),
        "description": tr("描述", "description"), "other_phone": tr("另一个手机号", "other phone"),
        "staff_name": tr("添加人", "staff name"), "added_at": tr("添加时间", "added at"),
        "lost_at": tr("流失时间", "lost at"), "event_id": tr("事件编号", "event id"), "event": tr("行为", "event"),
        "at": tr("时间", "time"), "page": tr("页面", "page"), "row_key": tr("行标识", "row key"),
        "note": tr("反馈备注", "note"), "verdict": tr("核对", "answer"),
        "skills": tr("技能", "skills"), "from_day": tr("开始日", "first day"), "to_day": tr("结束日", "last day"),
        "reason": tr("原因", "reason"), "until": tr("到期", "end"),
    }  # fmt: skip
    return titles.get(canonical, canonical)


def describe(source: Source, header: Header) -> list[ColumnUse]:
    """What a file's header under its mapping reads from where: used columns first, then the unused ones.

    Looks at the first rows only. `header` comes from `find_header(source.layouts(), …)`.
    """
    columns = first_columns(source, header)
    mapping = header.mapping
    uses = []
    for canonical, title in header.used.items():
        texts = columns[header.columns[canonical][0]] if columns else []
        uses.append(_use(canonical, title, texts, mapping))
    for at, name in enumerate(header.names):
        if name in header.unknown:
            uses.append(_use("", name, columns[at] if columns else [], mapping))
    return uses


def first_columns(source: Source, header: Header) -> list[list[str]]:
    """The data among the first `LOOKED_AT` rows of a source, by column; empty for a source without rows."""
    for batch in islice(source.batches(header), 1):
        columns = [plain(column[:LOOKED_AT]) for column in batch.columns]
        blank, aside = aside_masks(columns)
        again, other = HeaderRows(header).find(columns)
        is_data = ~(blank | aside | again | other)
        if len(is_data):
            is_data[0] &= not is_caption([column[0].as_py() for column in columns])
        return [column.filter(pa.array(is_data)).to_pylist() for column in columns]
    return []


def _use(canonical: str, title: str, texts: Sequence[str], mapping: PlatformMapping) -> ColumnUse:
    if mapping.is_private(title):
        return ColumnUse(canonical, title, (), (tr("从不保存", "never kept"),))
    samples = [*dict.fromkeys(text for text in texts if text.strip())][:SAMPLES]
    understood = _understood(canonical, samples, mapping) if canonical else []
    return ColumnUse(
        canonical, title, tuple(_shown(text) for text in samples), tuple(_shown(text) for text in understood)
    )


def _shown(text: str) -> str:
    text = mask_phones(" ".join(text.split()))
    return text if len(text) <= 40 else text[:39] + "…"


def _understood(canonical: str, samples: Sequence[str], mapping: PlatformMapping) -> list[str]:
    """What the cleaners make of the samples, in words."""
    texts = pa.array(samples, pa.string())
    unclear = tr("看不懂", "not understood")
    match SHAPE_OF.get(canonical, "text"):
        case "phone":
            phones, codes = clean_phones(texts)
            return [
                phone or phone_reason(code)
                for phone, code in zip(phones.to_pylist(), codes.to_pylist(), strict=True)
            ]
        case "moment":
            moments = clean_moments(texts, mapping.dates, UTC)
            return [
                format_seconds(value) if value is not None else _unread_moment(code)
                for value, code in zip(moments.values.to_pylist(), moments.codes.to_pylist(), strict=True)
            ]
        case "money":
            return [
                unclear if value is None else f"{'-' * (value < 0)}¥{abs(value) // 100}.{abs(value) % 100:02}"
                for value in clean_money(texts).values.to_pylist()
            ]
        case "count":
            return [
                unclear if value is None else f"{value / 1000:g}"
                for value in clean_quantities(texts).values.to_pylist()
            ]
        case "word":
            words = mapping.status if canonical == "status" else mapping.refund_status
            return [_word_shown(word, words) for word in samples]
        case "id":
            ids = clean_ids(texts)
            return [value or tr("精度已丢失", "digits lost") for value in ids.values.to_pylist()]
        case _:
            return [text or tr("空", "empty") for text in clean_text(texts).to_pylist()]


def _unread_moment(code: str | None) -> str:
    """Why there is no moment: nothing stands there, or what stands there leaves open what is meant."""
    if code is None:
        return tr("空", "empty")
    if code == "ambiguous-date":
        return tr("分不清日和月:在映射里写 dates:", "day or month? say so in dates: of the mapping")
    return tr("看不懂", "not understood")


def _word_shown(word: str, words: Mapping[str, str]) -> str:
    meanings = {
        "paid": tr("已付款", "paid"), "unpaid": tr("未付款", "unpaid"), "closed": tr("已关闭", "closed"),
        "refunded": tr("已退款", "refunded"), "full": tr("全额退款", "refunded in full"),
        "partial": tr("部分退款", "refunded in part"), "running": tr("退款中", "refund running"),
        "none": tr("没有退款", "no refund"), "active": tr("在岗", "active"), "inactive": tr("停用", "inactive"),
    }  # fmt: skip
    meaning = meaning_of(word, words)
    return tr("不认识", "unknown") if meaning is None else meanings.get(meaning, meaning)
