"""siyu.yaml: what a shop may set, and how the file is read; an unknown key or a wrong value names its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import date_of, day_of, zone
from siyu_cli.errors import InputRefused, UsageRefused, Where
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean, fold

if TYPE_CHECKING:
    from siyu_cli.yamlfile import Node, Scalar

    Pairs = Sequence[tuple[Scalar, Node]]


@dataclass(frozen=True)
class Protection:
    """How long a lead is its owner's: `protect_days` from its assignment; a sign of work moves the deadline to
    `extend_days` after it, if that is later; never past `max_days` from the assignment.

    Who lost it gets it back after `cooldown_days` at the earliest; `max_owners` people may try, then it is dead.
    """

    protect_days: int = 10
    extend_days: int = 3
    max_days: int = 20
    cooldown_days: int = 30
    max_owners: int = 3


@dataclass(frozen=True)
class LeadSettings:
    """Section `leads:`: the protection of leads, and what differs by channel (folded name)."""

    protection: Protection = Protection()
    channels: Mapping[str, Protection] = field(default_factory=dict)

    def of(self, channel_key: str | None) -> Protection:
        """The protection of a lead by its channel."""
        return self.channels.get(channel_key or "", self.protection)


@dataclass(frozen=True)
class ReminderSettings:
    """Section `reminders:`: after how many days without a sign of work an owner is reminded, and after how many
    the manager (员工账号) is told; the webhook of a group robot may also stand in SIYU_WEBHOOK.
    """

    remind_days: int = 3
    escalate_days: int = 5
    manager: str = ""
    webhook: str = field(default="", repr=False)


@dataclass(frozen=True)
class Distribution:
    """Section `distribution:`: on which days leads are dealt out, what is mixed, whether old friends come first.

    `workdays` are weekdays from 0 (Monday); `holidays` and `extra_workdays` are day numbers and win over them.
    `value_from` are the columns of lead lists that hold the value of a lead, the first one filled in counts.
    """

    workdays: frozenset[int] = frozenset(range(7))
    holidays: frozenset[int] = frozenset()
    extra_workdays: frozenset[int] = frozenset()
    strata: tuple[str, ...] = ("channel",)
    value_from: tuple[str, ...] = ("价值", "等级", "客户等级", "意向", "意向度")
    sticky: bool = True

    def is_working(self, day: int) -> bool:
        """True where leads are dealt out on that day."""
        if day in self.extra_workdays:
            return True
        return day not in self.holidays and date_of(day).weekday() in self.workdays


@dataclass(frozen=True)
class ChurnSettings:
    """Section `churn:`: how score-customers tests for it. Without cuts the shop's own share of returns sets them."""

    horizon_days: int = 90
    method: str = "auto"
    line_percent: int = 80
    cuts: tuple[int, ...] = ()
    always: bool = False


@dataclass(frozen=True)
class Settings:
    """What siyu.yaml may say; an unknown key is an error."""

    shop: str = ""
    timezone: str = "Asia/Shanghai"
    memory_limit: str = "2GB"
    lead_due_days: int = 10
    scheme: str = "八分群"
    leads: LeadSettings = LeadSettings()
    reminders: ReminderSettings = ReminderSettings()
    distribution: Distribution = Distribution()
    churn: ChurnSettings = ChurnSettings()


def read_settings(path: Path) -> Settings:
    """siyu.yaml as Settings; InputRefused names the line of an unknown key or a wrong value."""
    from siyu_cli.yamlfile import Mapping, read_yaml

    node = read_yaml(path, path.name)
    if node is None:
        return Settings()
    if not isinstance(node, Mapping):
        raise InputRefused(
            "bad-settings",
            tr("siyu.yaml 应是「键: 值」", "siyu.yaml must be “key: value”"),
            where=node.mark.where(),
        )
    known = {field.name: field.default for field in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in node.pairs:
        if key.text not in known:
            raise _unknown(key, list(known))
        if key.text in _SECTIONS:
            continue
        values[key.text] = _setting(key, value, is_number=isinstance(known[key.text], int))
    settings = Settings(**values)
    for key, value in node.pairs:
        if key.text in _SECTIONS:
            section = _SECTIONS[key.text](_pairs_of(key, value), settings)
            settings = replace(settings, **{key.text: section})
    if node.get("leads") is None:
        settings = replace(settings, leads=_read_leads([], settings))
    try:
        zone(settings.timezone)
    except UsageRefused as error:
        raise InputRefused(error.code, error.message, hint=error.hint, where=Where(file=path.name)) from None
    if not re.fullmatch(r"[1-9]\d*\s*[MGT]i?B", settings.memory_limit, re.ASCII | re.IGNORECASE):
        raise InputRefused(
            "bad-setting",
            tr(
                f"memory_limit 看不懂「{settings.memory_limit}」",
                f"memory_limit cannot be read: “{settings.memory_limit}”",
            ),
            hint=tr("写成 2GB 或 800MB", "Write 2GB or 800MB"),
            where=Where(file=path.name),
        )
    return settings


def _read_leads(pairs: Pairs, settings: Settings) -> LeadSettings:
    """Section `leads:`; `lead_due_days` is the older name of its protect_days."""
    own = [(key, value) for key, value in pairs if key.text != "channels"]
    common = _read_protection(own, Protection(protect_days=settings.lead_due_days), ("channels",))
    channels: dict[str, Protection] = {}
    for key, value in pairs:
        if key.text == "channels":
            for name, entry in _pairs_of(key, value):
                channels[fold(name.text)] = _read_protection(_pairs_of(name, entry), common)
    return LeadSettings(common, channels)


def _read_protection(pairs: Pairs, default: Protection, more: tuple[str, ...] = ()) -> Protection:
    """The numbers of a protection, over those of `default`; the cooldown is the same in every channel."""
    known = [field.name for field in fields(Protection) if more or field.name != "cooldown_days"]
    values: dict[str, int] = {}
    for key, value in pairs:
        if key.text not in known:
            raise _unknown(key, [*known, *more])
        values[key.text] = int(_setting(key, value, is_number=True, least=int(key.text not in _MAY_BE_ZERO)))
    found = replace(default, **values)
    if found.max_days < found.protect_days:
        if "max_days" not in values:
            return replace(found, max_days=found.protect_days)
        raise InputRefused(
            "bad-setting",
            tr(
                f"max_days({found.max_days})比 protect_days({found.protect_days})还短",
                f"max_days ({found.max_days}) is shorter than protect_days ({found.protect_days})",
            ),
            hint=tr("把 max_days 改成不小于 protect_days", "Make max_days at least protect_days"),
            where=pairs[0][0].mark.where(),
        )
    return found


def _read_reminders(pairs: Pairs, settings: Settings) -> ReminderSettings:
    """Section `reminders:`; the manager is told after the owner, never before."""
    known = {one.name: one.default for one in fields(ReminderSettings)}
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key.text not in known:
            raise _unknown(key, list(known))
        values[key.text] = _setting(key, value, is_number=isinstance(known[key.text], int))
    found = ReminderSettings(**values)
    if found.escalate_days <= found.remind_days:
        if "escalate_days" not in values:
            return replace(found, escalate_days=found.remind_days + 2)
        raise InputRefused(
            "bad-setting",
            tr(
                f"escalate_days({found.escalate_days})应比 remind_days({found.remind_days})大",
                f"escalate_days ({found.escalate_days}) must be greater than remind_days ({found.remind_days})",
            ),
            hint=tr("先提醒本人,再抄送主管", "The owner is reminded first, then the manager is told"),
            where=pairs[0][0].mark.where(),
        )
    return found


WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
STRATA = ("channel", "region", "value", "source", "product")
"""What leads can be mixed by; `region` is the province."""


def _read_distribution(pairs: Pairs, settings: Settings) -> Distribution:
    """Section `distribution:` over the defaults."""
    known = [field.name for field in fields(Distribution)]
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key.text not in known:
            raise _unknown(key, known)
        if key.text == "sticky":
            values["sticky"] = _flag(key, value)
        elif key.text == "workdays":
            values["workdays"] = frozenset(_choice(key, one, WEEKDAYS) for one in _items(key, value))
        elif key.text == "strata":
            values["strata"] = tuple(STRATA[_choice(key, one, STRATA)] for one in _items(key, value))
        elif key.text == "value_from":
            values["value_from"] = tuple(one.text for one in _items(key, value))
        else:
            values[key.text] = frozenset(_day(key, one) for one in _items(key, value))
    return replace(Distribution(), **values)


CHURN_METHODS = ("auto", "recency", "frequency-recency", "rf-score", "cadence", "bg-nbd", "mbg-nbd", "mbg-cnbd",
                 "pareto-nbd", "plain")  # fmt: skip


def _read_churn(pairs: Pairs, settings: Settings) -> ChurnSettings:
    """Section `churn:` over the defaults."""
    known = [field.name for field in fields(ChurnSettings)]
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key.text not in known:
            raise _unknown(key, known)
        if key.text == "always":
            values["always"] = _flag(key, value)
        elif key.text == "method":
            values["method"] = CHURN_METHODS[_choice(key, _items(key, value)[0], CHURN_METHODS)]
        elif key.text == "cuts":
            values["cuts"] = tuple(int(_setting(key, one, is_number=True)) for one in _items(key, value))
        else:
            values[key.text] = _setting(key, value, is_number=True)
    found = ChurnSettings(**values)
    is_falling = all(high > low for high, low in pairwise((100, *found.cuts)))
    if len(found.cuts) not in (0, 3) or not is_falling or found.line_percent > 99:
        raise InputRefused(
            "bad-setting",
            tr("cuts 应是三个从大到小、小于 100 的百分数,line_percent 应在 1 到 99",
               "cuts must be three falling percentages below 100, line_percent 1 to 99"),
            hint=tr("写成 cuts: [30, 15, 5] 或不写", "Write cuts: [30, 15, 5], or leave it out"),
            where=pairs[0][0].mark.where(),
        )  # fmt: skip
    return found


def _items(key: Scalar, value: object) -> list[Scalar]:
    """A list of words; one word alone is a list of one."""
    from siyu_cli.yamlfile import Items
    from siyu_cli.yamlfile import Scalar as YamlScalar

    items = value.items if isinstance(value, Items) else (value,)
    if all(isinstance(item, YamlScalar) and item.text and '"' not in item.text for item in items):
        return [item for item in items if isinstance(item, YamlScalar)]
    raise InputRefused(
        "bad-setting",
        tr(f"设置「{key.text}」应是列表,如 [甲, 乙]", f"Setting “{key.text}” must be a list such as [a, b]"),
        where=key.mark.where(),
    )


def _choice(key: Scalar, value: Scalar, allowed: Sequence[str]) -> int:
    """The position of a word among those allowed."""
    if value.text in allowed:
        return allowed.index(value.text)
    raise InputRefused(
        "bad-setting",
        tr(f"设置「{key.text}」里不能有「{value.text}」", f"Setting “{key.text}” cannot hold “{value.text}”"),
        hint=tr(f"可写:{'、'.join(allowed)}", f"One of: {', '.join(allowed)}"),
        where=value.mark.where(),
    )


def _day(key: Scalar, value: Scalar) -> int:
    """The day number of a date such as 2025-10-01."""
    try:
        return day_of(date.fromisoformat(value.text))
    except ValueError:
        raise InputRefused(
            "bad-setting",
            tr(
                f"设置「{key.text}」里的「{value.text}」不是日期",
                f"“{value.text}” of “{key.text}” is no date",
            ),
            hint=tr("写成 2025-10-01", "Write it like 2025-10-01"),
            where=value.mark.where(),
        ) from None


def _flag(key: Scalar, value: object) -> bool:
    from siyu_cli.yamlfile import Scalar as YamlScalar

    if isinstance(value, YamlScalar) and isinstance(value.value, bool):
        return value.value
    raise InputRefused(
        "bad-setting",
        tr(f"设置「{key.text}」应是 true 或 false", f"Setting “{key.text}” must be true or false"),
        where=key.mark.where(),
    )


_MAY_BE_ZERO = ("extend_days", "cooldown_days")
_SECTIONS: Mapping[str, Callable[[Pairs, Settings], Any]] = {
    "leads": _read_leads,
    "reminders": _read_reminders,
    "distribution": _read_distribution,
    "churn": _read_churn,
}
"""Settings that are sections of their own, each with its reader."""


def _unknown(key: Scalar, known: list[str]) -> InputRefused:
    near = did_you_mean(key.text, known)
    return InputRefused(
        "unknown-setting",
        tr(f"siyu.yaml 里没有「{key.text}」这个设置", f"siyu.yaml knows no setting “{key.text}”"),
        hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}") if near else "",
        where=key.mark.where(),
    )


def _pairs_of(key: Scalar, value: object) -> Pairs:
    """The entries of a section; an empty one has none."""
    from siyu_cli.yamlfile import Mapping as YamlMapping
    from siyu_cli.yamlfile import Scalar

    if isinstance(value, YamlMapping):
        return value.pairs
    if value is None or (isinstance(value, Scalar) and value.value is None):
        return ()
    raise InputRefused(
        "bad-setting",
        tr(f"设置「{key.text}」下面应是「键: 值」", f"Setting “{key.text}” must hold “key: value”"),
        where=key.mark.where(),
    )


def _setting(key: Scalar, value: object, *, is_number: bool, least: int = 1) -> str | int:
    from siyu_cli.yamlfile import Scalar

    if isinstance(value, Scalar):
        if is_number and type(value.value) is int and value.value >= least:
            return value.value
        if not is_number:
            return value.text
    wanted = tr("正整数", "a positive whole number") if is_number else tr("一段文字", "text")
    raise InputRefused(
        "bad-setting",
        tr(f"设置「{key.text}」应是{wanted}", f"Setting “{key.text}” must be {wanted}"),
        where=key.mark.where(),
    )
