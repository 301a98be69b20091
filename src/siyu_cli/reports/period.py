"""The days a report speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from siyu_cli.clock import AsOf, date_of, day_of
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

NO_FIRST_DAY = -(2**31)
MAX_MONTHS = 24
_TREND_MONTHS = 12


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included; without `first` everything up to `last`."""

    first: int | None
    last: int
    stem: str

    @property
    def first_day(self) -> int:
        """A lower bound that queries can use."""
        return NO_FIRST_DAY if self.first is None else self.first

    @property
    def words(self) -> str:
        last = date_of(self.last).isoformat()
        if self.first is None:
            return tr(f"截至 {last} 的全部", f"everything up to {last}")
        return tr(
            f"{date_of(self.first).isoformat()} 至 {last}", f"{date_of(self.first).isoformat()} to {last}"
        )


@dataclass(frozen=True)
class Month:
    """One calendar month as days."""

    label: str
    first: int
    last: int


def read_period(month: str | None, start: str | None, end: str | None, as_of: AsOf) -> Period:
    """The period of `--month`, or `--from` and `--to`, or everything; UsageRefused for what is none."""
    if month and (start or end):
        raise _refused(tr("--month 和 --from/--to 只能用一种", "Use --month or --from/--to, not both"))
    if month:
        match = re.fullmatch(r"(\d{4})-(\d{1,2})", month, re.ASCII)
        if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) == 0:
            raise _refused(tr(f"--month 看不懂「{month}」", f"--month cannot be read: “{month}”"))
        found = month_of(int(match[1]), int(match[2]))
        return Period(found.first, found.last, found.label)
    if start or end:
        first = _day(start, "--from") if start else None
        last = _day(end, "--to") if end else as_of.day
        if first is not None and first > last:
            raise _refused(tr("--from 晚于 --to", "--from is later than --to"))
        names = [date_of(first).isoformat() if first is not None else "", date_of(last).isoformat()]
        return Period(first, last, "_".join(filter(None, names)))
    return Period(None, as_of.day, as_of.date.isoformat())


def month_of(year: int, month: int) -> Month:
    """A calendar month."""
    first = date(year, month, 1)
    after = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else date(9999, 12, 31)
    return Month(f"{year:04d}-{month:02d}", day_of(first), day_of(after) - 1)


def months_shown(period: Period, first_order_day: int | None, last_order_day: int | None) -> list[Month]:
    """The months of the trend: those of the period, at most 24; for one month the 12 that end with it."""
    if first_order_day is None or last_order_day is None:
        return []
    last = date_of(min(period.last, max(last_order_day, period.first_day)))
    span = MAX_MONTHS
    first_day = max(period.first_day, first_order_day)
    if period.first is not None and _month_number(date_of(period.first)) == _month_number(
        date_of(period.last)
    ):
        last, span, first_day = date_of(period.last), _TREND_MONTHS, first_order_day
    numbers = range(_month_number(date_of(first_day)), _month_number(last) + 1)
    return [month_of(*divmod_month(number)) for number in list(numbers)[-span:]]


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def divmod_month(number: int) -> tuple[int, int]:
    """Year and month of a running month number."""
    return number // 12, number % 12 + 1


def _day(text: str, option: str) -> int:
    try:
        return day_of(date.fromisoformat(text))
    except ValueError:
        raise _refused(tr(f"{option} 看不懂「{text}」", f"{option} cannot be read: “{text}”")) from None


def _refused(message: str) -> UsageRefused:
    return UsageRefused(
        "bad-period",
        message,
        hint=tr(
            "写 --month 2025-03,或 --from 2025-03-01 --to 2025-03-15",
            "Write --month 2025-03, or --from 2025-03-01 --to 2025-03-15",
        ),
    )
