"""Instants and days."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import AsOf, Clock, date_of, day_of, format_seconds, seconds_of
from siyu_cli.errors import UsageRefused


def test_as_of_of_a_date_is_the_close_of_that_day() -> None:
    as_of = Clock().as_of("2025-03-15")
    assert (as_of.day, str(as_of)) == (20162, "2025-03-15 23:59:59")


def test_as_of_of_an_instant_keeps_the_day() -> None:
    assert Clock().as_of("2025-03-15 10:00").day == 20162
    assert str(Clock().as_of("2025-03-15T10:00:07")) == "2025-03-15 10:00:07"


def test_as_of_defaults_to_the_given_now() -> None:
    assert Clock(fixed=86_400 * 3 + 5).as_of(None) == AsOf(86_400 * 3 + 5)


@pytest.mark.parametrize("text", ["2025-02-30", "昨天", "2025/03/15", "", "2025-03-15 25:00"])
def test_as_of_refuses_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageRefused) as caught:
        Clock().as_of(text)
    assert caught.value.code == "bad-as-of"


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)))
def test_days_and_dates_are_inverse(value: date) -> None:
    assert date_of(day_of(value)) == value


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))
def test_seconds_print_as_the_wall_time_they_came_from(value: datetime) -> None:
    value = value.replace(microsecond=0)
    assert format_seconds(seconds_of(value)) == str(value)


def test_now_is_wall_time_of_the_zone() -> None:
    apart = Clock("Asia/Shanghai").now() - Clock("UTC").now()
    assert abs(apart - 8 * 3600) <= 2
