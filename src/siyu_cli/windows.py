"""Time windows: from words such as 近30天 to bounds in days or seconds. Every bound is included."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from siyu_cli.clock import AsOf, date_of, day_of

Kind = Literal[
    "all",
    "today",
    "yesterday",
    "this_week",
    "last_week",
    "this_month",
    "last_month",
    "this_quarter",
    "last_quarter",
    "this_year",
    "last_year",
    "last_days",
    "whole_days",
    "last_months",
    "last_hours",
    "days_ago",
    "hours_ago",
    "dates",
]

NAMED: dict[str, Kind] = {
    "全部": "all",
    "今天": "today",
    "昨天": "yesterday",
    "本周": "this_week",
    "上周": "last_week",
    "本月": "this_month",
    "上月": "last_month",
    "本季": "this_quarter",
    "上季": "last_quarter",
    "今年": "this_year",
    "去年": "last_year",
}
# Longer spans would leave the calendar; nobody means them.
MAX_NUMBER = 36_500


class WindowError(Exception):
    """A window that cannot be meant; `code` is E304 or E306."""

    def __init__(self, code: str, chinese: str, english: str) -> None:
        super().__init__(chinese)
        self.code, self.chinese, self.english = code, chinese, english


@dataclass(frozen=True)
class Span:
    """Bounds on the day or the second of a row, whatever its table calls them; None is open."""

    unit: Literal["day", "sec"]
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Window:
    """A window as written, before the day it is looked at is known."""

    kind: Kind = "all"
    first: int = 0
    second: int = 0

    def span(self, as_of: AsOf) -> Span | None:
        """The bounds as of a moment; None where nothing is cut. Later rows are invisible anyway."""
        if self.kind == "all":
            return None
        if self.kind == "last_hours":
            return Span("sec", as_of.seconds - 3600 * self.first + 1, as_of.seconds)
        if self.kind == "hours_ago":
            return Span("sec", as_of.seconds - 3600 * self.second + 1, as_of.seconds - 3600 * self.first)
        low, high = self._days(as_of)
        return Span("day", low, high)

    @property
    def words(self) -> str:
        """The one way to write it: `近30天`, whatever spaces or 个 were typed."""
        match self.kind:
            case "last_days":
                return f"近{self.first}天"
            case "last_months":
                return f"近{self.first}月"
            case "last_hours":
                return f"近{self.first}小时"
            case "whole_days":
                return f"过去{self.first}个整天"
            case "days_ago":
                return f"{self.first}到{self.second}天前"
            case "hours_ago":
                return f"{self.first}到{self.second}小时前"
            case "dates":
                return f"{date_of(self.first)}~{date_of(self.second)}"
            case _:
                return next(words for words, kind in NAMED.items() if kind == self.kind)

    def _days(self, as_of: AsOf) -> tuple[int, int]:
        today = as_of.day
        match self.kind:
            case "last_days":
                return today - self.first + 1, today
            case "whole_days":
                return today - self.first, today - 1
            case "days_ago":
                return today - self.second, today - self.first
            case "dates":
                return self.first, self.second
            case "last_months":
                return day_of(add_months(as_of.date, -self.first)) + 1, today
            case _:
                first, last = _CALENDAR[self.kind](as_of.date)
                return day_of(first), day_of(last)


def add_months(start: date, months: int) -> date:
    """The same day some months on, clipped to the month's end: 2025-03-31 − 1 month is 2025-02-28."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    year = max(1, year)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _month_start(day: date, months: int = 0) -> date:
    return add_months(day.replace(day=1), months)


def _quarter_start(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


_ONE = timedelta(days=1)
_CALENDAR: dict[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda d: (d, d),
    "yesterday": lambda d: (d - _ONE, d - _ONE),
    "this_week": lambda d: (d - _ONE * d.weekday(), d),
    "last_week": lambda d: (d - _ONE * (d.weekday() + 7), d - _ONE * (d.weekday() + 1)),
    "this_month": lambda d: (_month_start(d), d),
    "last_month": lambda d: (_month_start(d, -1), _month_start(d) - _ONE),
    "this_quarter": lambda d: (_quarter_start(d), d),
    "last_quarter": lambda d: (add_months(_quarter_start(d), -3), _quarter_start(d) - _ONE),
    "this_year": lambda d: (date(d.year, 1, 1), d),
    "last_year": lambda d: (date(d.year - 1, 1, 1), date(d.year - 1, 12, 31)),
}

_LAST: dict[str, Kind] = {"天": "last_days", "月": "last_months", "小时": "last_hours"}
_AGO: dict[str, Kind] = {"天": "days_ago", "小时": "hours_ago"}


def read_window(text: str) -> Window:
    """The window a text means, as conditions and schemes write it; WindowError where it means none."""
    plain = re.sub(r"\s+", "", text)
    if plain in NAMED:
        return Window(NAMED[plain])
    if match := re.fullmatch(r"近(\d+)(?:个)?(天|月|小时)", plain):
        return Window(_LAST[match[2]], _count(match[1]))
    if match := re.fullmatch(r"过去(\d+)个整天", plain):
        return Window("whole_days", _count(match[1]))
    if match := re.fullmatch(r"(\d+)(?:天|小时)?到(\d+)(天|小时)前", plain):
        low, high = _number(match[1]), _number(match[2])
        if low > high:
            raise WindowError(
                "E304", f"「{plain}」前面的数比后面大", f"In “{plain}” the first number is the greater"
            )
        return Window(_AGO[match[3]], low, high)
    if match := re.fullmatch(r"(\d{4}-\d{1,2}-\d{1,2})~(\d{4}-\d{1,2}-\d{1,2})", plain):
        low, high = _date(match[1]), _date(match[2])
        if low > high:
            raise WindowError("E304", f"「{plain}」开始晚于结束", f"“{plain}” ends before it starts")
        return Window("dates", low, high)
    if re.fullmatch(r"下\d+(?:个)?(?:天|月|小时)", plain):
        raise WindowError("E306", f"「{plain}」只用于到期日,这里不能用", f"“{plain}” is for due dates only")
    raise WindowError("E306", f"「{plain}」不是时间窗口", f"“{plain}” is no time window")


def _number(text: str) -> int:
    value = int(text) if len(text) <= 6 else MAX_NUMBER + 1
    if value > MAX_NUMBER:
        raise WindowError("E306", f"时间窗口太长:{text}", f"The window is too long: {text}")
    return value


def _count(text: str) -> int:
    value = _number(text)
    if value < 1:
        raise WindowError("E306", "时间窗口至少是 1", "A window is at least 1 long")
    return value


def _date(text: str) -> int:
    year, month, day = map(int, text.split("-"))
    try:
        return day_of(date(year, month, day))
    except ValueError:
        raise WindowError("E306", f"没有 {text} 这一天", f"There is no day {text}") from None
