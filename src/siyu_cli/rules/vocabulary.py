"""Every name a rule can use, with type, unit, where it is defined and one example: `list-names`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from siyu_cli.events import EVENT_WORDS
from siyu_cli.language import tr
from siyu_cli.rules.amounts import unit_words
from siyu_cli.rules.catalog import (
    CUSTOMER_FIELDS,
    FACT_TABLES,
    GROUPS,
    HAD_TAGS,
    HELD_DAYS,
    METRICS,
    ROW_FIELDS,
    STAGE,
    TAGS,
)
from siyu_cli.rules.metrics import shipped_metric
from siyu_cli.rules.structure import PLACES, STRUCTURE, WINDOWS, WORDS
from siyu_cli.rules.tree import (
    Column,
    FlagColumn,
    Measure,
    Metric,
    NumberColumn,
    Ratio,
    RuleSet,
    Scope,
    Source,
    TextColumn,
)

_SAMPLES = {
    "渠道": "抖音", "省": "广东", "市": "深圳", "负责员工": "张三", "平台": "淘宝天猫", "店铺": "甲店", "下单渠道": "小程序",
    "商品名": "苹果", "商品": "苹果", "品类": "水果", "规格": "5斤", "页面": "首页", "群": "老客群", "推送": "三月车厘子", "事件": "加购",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One name; `kind_of` is its type in words, `example` a line (or key) that loads."""

    kind: str
    name: str
    type: str
    unit: str
    where: str
    example: str

    def as_dict(self) -> dict[str, str]:
        return dict(vars(self))


def built_in_names() -> list[Entry]:
    """What needs no file."""
    inside = tr("内置", "built in")
    found = [
        *(Entry("fields", name, *_typed(column), tr("客户", "customer"), line_of(name, column)) for name, column in CUSTOMER_FIELDS.items()),
        *_row_fields(),
        *(_metric(name, shipped_metric(name), inside) for name in METRICS),
        *(Entry("windows", name, days, "", inside, f"订单数({name}) >= 1") for name, days in WINDOWS.items()),
        *(Entry("words", word, meaning, "", inside, line) for word, (meaning, line) in WORDS.items() if _has_field(line)),
        *(Entry("events", word, kind, "", inside, f"事件 是 {word}") for kind, words in EVENT_WORDS.items() for word in words),
        *(
            Entry("keys", key, meaning, "", PLACES[place], f"{key}:")
            for place, keys in STRUCTURE.items()
            for key, meaning in keys.items()
        ),
    ]  # fmt: skip
    return [*_tag_operands(), *found]


def _tag_operands() -> Iterator[Entry]:
    customer, tags = tr("客户", "customer"), tr("一组标签", "a set of tags")
    yield Entry("fields", TAGS, tags, "", customer, f"{TAGS} 有 甲")
    yield Entry("fields", HAD_TAGS, tags, "", customer, f"{HAD_TAGS}(近45天) 有 甲")
    groups = tr("一组群名", "a set of chat groups")
    yield Entry("fields", GROUPS, groups, "", customer, f"{GROUPS} 有 老客群")
    yield Entry(
        "fields",
        HELD_DAYS,
        tr("数字", "number"),
        unit_words(Measure.DAYS),
        customer,
        f"{HELD_DAYS}(甲) >= 7天",
    )


def _has_field(line: str) -> bool:
    """Whether customers have the field of a calendar word's line: 生日月, 生日日."""
    return not line.startswith("生日") or line.split()[0] in CUSTOMER_FIELDS


def own_names(rules: RuleSet) -> list[Entry]:
    """What the files of a workspace define."""
    found = []
    for entry in rules.defined:
        where = str(entry.mark.where())
        if isinstance(entry.value, Scope):
            metric = {"events": "浏览次数", "sends": "触达次数"}.get(entry.value.source, "订单数")
            shown = tr(*FACT_TABLES[entry.value.source].shown)
            found.append(
                Entry("scopes", entry.name, shown, "", where, f"{metric}({quoted(entry.name)}) >= 1")
            )
        else:
            found.append(_metric(entry.name, entry.value, where))
    groups = {group.name: group for group in rules.groups}
    for rule in rules.tags:
        what = (
            tr(f"组「{rule.group}」", f"of group “{rule.group}”") if rule.group else tr("自动", "automatic")
        )
        found.append(
            Entry("tags", rule.name, what, "", str(rule.mark.where()), f"{TAGS} 有 {quoted(rule.name)}")
        )
    by_hand = tr("人工", "by hand")
    found += [
        Entry("tags", tag, by_hand, "", "manual_tags", f"{TAGS} 有 {quoted(tag)}")
        for tag in rules.manual_tags
    ]
    for name, group in groups.items():
        line = f"{TAGS} 有任一 " + "、".join(map(quoted, group.members[:3]))
        found.append(Entry("groups", name, tr("互斥", "exclusive"), "", str(group.mark.where()), line))
    for number, stage in enumerate(rules.stages, start=1):
        what = tr(f"第 {number} 个", f"number {number}")
        line = f"{STAGE} 是 {quoted(stage.name)}"
        found.append(Entry("stages", stage.name, what, "", str(stage.mark.where()), line))
    return found


def quoted(name: str) -> str:
    """A name as it stands in a line: in 「」 where it holds a space, a separator or a bracket."""
    return f"「{name}」" if re.search(r"[\s、,，()（）<>=!≥≤≠\"“”]", name) else name


def line_of(name: str, value: Column | Metric | Ratio) -> str:
    """A condition about a field or metric that loads."""
    shown = quoted(name)
    match value:
        case TextColumn() if name == STAGE:
            # Which stages there are is the workspace's own affair.
            return f"{shown} 有值"
        case TextColumn(is_path=is_path, choices=choices):
            sample = _SAMPLES.get(name) or (choices[0][0] if choices else "甲")
            return f"{shown} {'属于' if is_path else '是'} {sample}"
        case Metric(is_text=True):
            return f"{shown} 是 甲"
        case FlagColumn():
            return f"{shown} 为真"
        case _:
            amount = {Measure.MONEY: "100元", Measure.PERCENT: "60%", Measure.PLAIN: "0.5"}
            return f"{shown} >= {amount.get(value.measure, f'3{value.measure.value}')}"


def _row_fields() -> Iterator[Entry]:
    for source, fields in ROW_FIELDS.items():
        for name, column in fields.items():
            yield Entry("fields", name, *_typed(column), rows_of(source), line_of(name, column))


def rows_of(source: Source) -> str:
    """The rows of a source as people call them."""
    return tr(
        f"{FACT_TABLES[source].shown[0]}(on: {source})", f"{FACT_TABLES[source].shown[1]} (on: {source})"
    )


def _metric(name: str, value: Metric | Ratio, where: str) -> Entry:
    is_text = isinstance(value, Metric) and value.is_text
    kind = tr("文字", "text") if is_text else tr("数字", "number")
    return Entry("metrics", name, kind, unit_words(value.measure), where, line_of(name, value))


def _typed(column: Column) -> tuple[str, str]:
    match column:
        case TextColumn(is_path=True):
            return tr("路径", "path"), ""
        case TextColumn():
            return tr("文字", "text"), ""
        case FlagColumn():
            return tr("是否", "yes or no"), ""
        case NumberColumn(measure=measure):
            return tr("数字", "number"), unit_words(measure)
