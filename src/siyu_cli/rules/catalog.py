"""What conditions can speak of without any file: fields of rows and customers, and the shipped metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from siyu_cli.events import EVENT_WORDS
from siyu_cli.rules.tree import (
    Aggregate,
    Column,
    FlagColumn,
    Measure,
    NumberColumn,
    Scope,
    Source,
    TextColumn,
    TextTest,
)
from siyu_cli.store.scores import RISKS
from siyu_cli.words import fold


@dataclass(frozen=True)
class FactTable:
    """The rows of a source and how its time is called there; `row_no` orders rows of one second.

    Scopes reach across sources of one `family`: those of orders and of their items.
    """

    name: str
    day: str
    sec: str
    row_no: str
    family: str
    shown: tuple[str, str]


FACT_TABLES: dict[Source, FactTable] = {
    "orders": FactTable("fact_orders", "paid_day", "paid_sec", "order_no", "orders", ("订单", "orders")),
    "items": FactTable("fact_items", "paid_day", "paid_sec", "line_no", "orders", ("商品行", "items")),
    "events": FactTable("fact_events", "day", "at_sec", "event_no", "events", ("行为", "events")),
    "sends": FactTable("fact_sends", "sent_day", "sent_sec", "send_no", "sends", ("触达", "sends")),
}

EVENT = TextColumn(
    "kind", choices=tuple((fold(word), kind) for kind, words in EVENT_WORDS.items() for word in words)
)
_SHARED: dict[str, Column] = {
    "平台": TextColumn("platform_key"),
    "店铺": TextColumn("shop_key"),
    "下单渠道": TextColumn("channel_key"),
    "净额": NumberColumn("net_fen", Measure.MONEY),
}

ROW_FIELDS: dict[Source, dict[str, Column]] = {
    "orders": {**_SHARED, "行数": NumberColumn("line_count", Measure.TIMES)},
    "items": {
        "商品名": TextColumn("product_key"),
        "商品": TextColumn("product_key"),
        "品类": TextColumn("category_key", is_path=True),
        "规格": TextColumn("sku_key"),
        "数量": NumberColumn("quantity_milli", Measure.PIECES),
        **_SHARED,
    },
    "events": {
        "事件": EVENT,
        "商品名": TextColumn("product_key"),
        "商品": TextColumn("product_key"),
        "品类": TextColumn("category_key", is_path=True),
        "规格": TextColumn("sku_key"),
        "平台": TextColumn("platform_key"),
        "店铺": TextColumn("shop_key"),
        "渠道": TextColumn("channel_key"),
        "页面": TextColumn("page_key"),
        "群": TextColumn("page_key"),
    },
    "sends": {"推送": TextColumn("push_key")},
}

CUSTOMER_FIELDS: dict[str, Column] = {
    "渠道": TextColumn("channel_key"),
    "渠道明细": TextColumn("source_key"),
    "省": TextColumn("province_key"),
    "市": TextColumn("city_key"),
    "负责员工": TextColumn("owner_key"),
    "部门": TextColumn("department_key"),
    "门店": TextColumn("store_key"),
    "性别": TextColumn("gender_key", choices=(("男", "男"), ("女", "女"))),
    "生日月": NumberColumn("birth_month", Measure.MONTH),
    "生日日": NumberColumn("birth_day", Measure.MONTH_DAY),
    "会员等级": TextColumn("level_key"),
    "积分": NumberColumn("points", Measure.SCORE),
    "加粉天数": NumberColumn("friend_days", Measure.DAYS),
    "已流失": FlagColumn("is_lost"),
    "订单已绑定": FlagColumn("is_bound"),
    "已退订": FlagColumn("is_opted_out"),
    "R分": NumberColumn("r_score", Measure.SCORE),
    "F分": NumberColumn("f_score", Measure.SCORE),
    "M分": NumberColumn("m_score", Measure.SCORE),
    "RFM分群": TextColumn("segment_key"),
    "流失风险": TextColumn("risk_key", choices=tuple((risk, risk) for risk in RISKS)),
    "阶段": TextColumn("stage_key"),
    "阶段停留天数": NumberColumn("stage_days", Measure.DAYS),
}


FACTS_OF_FIELDS: dict[str, tuple[str, ...]] = {
    "fact_traits": ("gender_key", "birth_month", "birth_day", "level_key", "points"),
    "fact_friends": ("friend_days", "is_lost"),
    "fact_bindings": ("is_bound",),
}
"""Which facts have the columns that are not in fact_customers; nobody pays for those no condition speaks of."""


def field_named(fields: Mapping[str, Column], name: str) -> tuple[str, Column] | None:
    """A field by its name as written or folded (`rfm分群`): its own name and column."""
    if name in fields:
        return name, fields[name]
    return next(((key, column) for key, column in fields.items() if fold(key) == fold(name)), None)


# The field whose values are the names of the workspace's stages.
STAGE = "阶段"
# The operand that reads the customer's own set of tags.
TAGS = "标签"
# What earlier runs and people did with tags: `曾有标签(近45天) 有 老客`, `持有天数(老客) >= 7`.
HAD_TAGS = "曾有标签"
HELD_DAYS = "持有天数"
# The operand that reads the groups the customer has joined.
GROUPS = "群"
OPERANDS = (TAGS, HAD_TAGS, HELD_DAYS, GROUPS)

UNITS: dict[Measure, tuple[str, ...]] = {
    Measure.MONEY: ("元",),
    Measure.TIMES: ("次", "单", "个"),
    Measure.DAYS: ("天",),
    Measure.MONTH: ("月",),
    Measure.MONTH_DAY: ("日",),
    Measure.PIECES: ("件",),
    Measure.KINDS: ("种", "个"),
    Measure.SCORE: ("分",),
    Measure.PERCENT: ("%",),
    Measure.PLAIN: (),
}

AGGREGATES: dict[Aggregate, Measure | None] = {
    "count": Measure.TIMES,
    "days": Measure.DAYS,
    "distinct": Measure.KINDS,
    "sum": None,
    "avg": None,
    "min": None,
    "max": None,
    "first": None,
    "last": None,
    "days_since_first": Measure.DAYS,
    "days_since_last": Measure.DAYS,
    "avg_gap_days": Measure.DAYS,
}


@dataclass(frozen=True)
class PlainMetric:
    """A shipped metric as a metrics: entry would write it; `event` is the kind of the events that count."""

    source: Source
    aggregate: Aggregate
    of: str = ""
    event: str = ""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The rows that count."""
        return (Scope(self.source, TextTest(EVENT, "is", (self.event,))),) if self.event else ()


@dataclass(frozen=True)
class RatioMetric:
    """A shipped ratio of two shipped metrics."""

    upper: str
    lower: str
    measure: Measure


METRICS: dict[str, PlainMetric | RatioMetric] = {
    "订单数": PlainMetric("orders", "count"),
    "消费额": PlainMetric("orders", "sum", "净额"),
    "客单价": RatioMetric("消费额", "订单数", Measure.MONEY),
    "购买天数": PlainMetric("orders", "days"),
    "距上次购买天数": PlainMetric("orders", "days_since_last"),
    "首购距今天数": PlainMetric("orders", "days_since_first"),
    "平均复购间隔": PlainMetric("orders", "avg_gap_days"),
    "件数": PlainMetric("items", "sum", "数量"),
    "行数": PlainMetric("orders", "sum", "行数"),
    "笔单价": RatioMetric("消费额", "订单数", Measure.MONEY),
    **{f"{words[0]}次数": PlainMetric("events", "count", event=kind) for kind, words in EVENT_WORDS.items()},
    "触达次数": PlainMetric("sends", "count"),
    "距上次触达天数": PlainMetric("sends", "days_since_last"),
}
