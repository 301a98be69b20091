"""Every window of the table in docs/rules.md, against dates counted by hand."""

from __future__ import annotations

from datetime import date

import pytest

from siyu_cli.clock import Clock, date_of, day_of
from siyu_cli.windows import NAMED, WindowError, add_months, read_window
from tests.rules.rule_facts import AS_OF, DAY, D, World, holders


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("今天", "2025-03-15", "2025-03-15"),
        ("昨天", "2025-03-14", "2025-03-14"),
        ("近30天", "2025-02-14", "2025-03-15"),
        ("近1天", "2025-03-15", "2025-03-15"),
        ("过去7个整天", "2025-03-08", "2025-03-14"),
        ("30到60天前", "2025-01-14", "2025-02-13"),
        ("本周", "2025-03-10", "2025-03-15"),
        ("上周", "2025-03-03", "2025-03-09"),
        ("本月", "2025-03-01", "2025-03-15"),
        ("上月", "2025-02-01", "2025-02-28"),
        ("本季", "2025-01-01", "2025-03-15"),
        ("上季", "2024-10-01", "2024-12-31"),
        ("今年", "2025-01-01", "2025-03-15"),
        ("去年", "2024-01-01", "2024-12-31"),
        ("近1月", "2025-02-16", "2025-03-15"),
        ("近12月", "2024-03-16", "2025-03-15"),
        ("2025-01-01~2025-03-31", "2025-01-01", "2025-03-31"),
    ],
)
def test_days(text: str, low: str, high: str) -> None:
    span = read_window(text).span(AS_OF)
    assert span is not None
    assert span.unit == "day"
    assert (span.low, span.high) == (day_of(date.fromisoformat(low)), day_of(date.fromisoformat(high)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((name, name) for name in NAMED),
        ("近 30 天", "近30天"), ("近3个月", "近3月"), ("近24小时", "近24小时"), ("过去 7 个整天", "过去7个整天"),
        ("30天到60天前", "30到60天前"), ("1到5小时前", "1到5小时前"),
        ("2025-1-1 ~ 2025-03-31", "2025-01-01~2025-03-31"),
    ],
)  # fmt: skip
def test_one_way_to_write_each(text: str, words: str) -> None:
    window = read_window(text)
    assert window.words == words
    assert read_window(words) == window


def test_golden_day_numbers() -> None:
    assert D == 20162
    assert [date_of(D - ago).isoformat() for ago in (30, 60)] == ["2025-02-13", "2025-01-14"]
    assert add_months(date(2025, 3, 31), -1) == date(2025, 2, 28)
    last_month = read_window("近1月").span(Clock().as_of("2025-03-31"))
    assert last_month is not None
    assert last_month.low == day_of(date(2025, 3, 1))


def test_hours_leave_their_older_edge_out() -> None:
    as_of = Clock().as_of("2025-03-15 10:00")
    assert read_window("全部").span(as_of) is None
    world = World()
    for second in (0, 1):
        customer = world.customer()
        world.order(customer, 1, 100, at=as_of.seconds - 24 * 3600 + second - (D - 1) * DAY)
    assert holders(world, "订单数(近24小时) >= 1", as_of=as_of) == {2}
    assert holders(world, "订单数(24到72小时前) >= 1", as_of=as_of) == {1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("60到30天前", "E304"),
        ("2025-03-31~2025-01-01", "E304"),
        ("近0天", "E306"),
        ("下7天", "E306"),
        ("上上周", "E306"),
        ("2025-02-30~2025-03-01", "E306"),
        ("近99999天", "E306"),
    ],
)
def test_windows_that_cannot_be_meant(text: str, code: str) -> None:
    with pytest.raises(WindowError) as caught:
        read_window(text)
    assert caught.value.code == code
