"""Time: the only reader of the system clock, and the one meaning of day and instant.

Instants are *local seconds*: the wall time of the workspace's zone counted as if it were UTC
seconds since 1970-01-01 00:00. Days are local seconds // 86400. Both are plain integers, so all
day logic is subtraction.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1)
# Shanghai has had no daylight saving since 1991, so a machine without zone data can still be right.
_FIXED = {"Asia/Shanghai": timezone(timedelta(hours=8))}


def day_of(value: date) -> int:
    """Whole days since 1970-01-01."""
    return (value - _EPOCH).days


def date_of(day: int) -> date:
    """The calendar date of a day number."""
    return _EPOCH + timedelta(days=day)


def seconds_of(value: datetime) -> int:
    """Local seconds of a wall time without zone."""
    return int(value.replace(tzinfo=UTC).timestamp())


def format_seconds(seconds: int) -> str:
    """`2025-03-15 10:02:07` of local seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def seconds_ago(epoch: float) -> float:
    """How long ago something happened; negative for a time stamp from the future."""
    return time.time() - epoch


def moment_of(text: str, option: str) -> int:
    """Local seconds of `2025-03-15` (the close of that day) or `2025-03-15 10:00[:00]`, given to `option`."""
    match = re.fullmatch(
        r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*", text, re.ASCII
    )
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = match.groups()
        if hour is None:
            return day_of(date(int(year), int(month), int(day))) * DAY_SECONDS + DAY_SECONDS - 1
        return seconds_of(datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0)))
    except ValueError:
        raise UsageRefused(
            f"bad-{option.removeprefix('--')}",
            tr(f"{option} 看不懂「{text}」", f"{option} cannot be read: “{text}”"),
            hint=tr(
                '写成 2025-03-15(当天结束)或 "2025-03-15 10:00"',
                'Write 2025-03-15 (close of that day) or "2025-03-15 10:00"',
            ),
        ) from None


def zone(name: str) -> tzinfo:
    """The workspace's time zone; UsageRefused when the name is unknown."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name in _FIXED:
            return _FIXED[name]
        raise UsageRefused(
            "unknown-timezone",
            tr(f"不认识的时区「{name}」", f"Unknown time zone “{name}”"),
            hint=tr(
                "在 siyu.yaml 里写 timezone: Asia/Shanghai", "Write timezone: Asia/Shanghai in siyu.yaml"
            ),
        ) from None


@dataclass(frozen=True)
class AsOf:
    """The moment a result speaks of. Rows later than `seconds` are invisible; `day` is D of all day logic."""

    seconds: int

    @property
    def day(self) -> int:
        return self.seconds // DAY_SECONDS

    @property
    def date(self) -> date:
        return date_of(self.day)

    def __str__(self) -> str:
        return format_seconds(self.seconds)


@dataclass(frozen=True)
class Clock:
    """Wall time of one zone. Tests pass `fixed` local seconds instead of reading the system."""

    zone_name: str = "Asia/Shanghai"
    fixed: int | None = None

    def now(self) -> int:
        """Local seconds now."""
        if self.fixed is not None:
            return self.fixed
        return seconds_of(datetime.now(zone(self.zone_name)).replace(tzinfo=None, microsecond=0))

    def as_of(self, text: str | None) -> AsOf:
        """`None` is now; `2025-03-15` the close of that day; `2025-03-15 10:00[:00]` that instant."""
        if text is None:
            return AsOf(self.now())
        return AsOf(moment_of(text, "--as-of"))
