"""Fen and yuan."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.money import format_yuan, yuan_to_fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0.005", 1), ("0.004", 0), ("-0.005", -1), ("129.696", 12970), ("1299.5", 129950), ("2.675", 268)],
)
def test_rounding_is_half_up(text: str, fen: int) -> None:
    assert yuan_to_fen(text) == fen


@given(st.integers(-(10**15), 10**15))
def test_printed_yuan_read_back_as_the_same_fen(fen: int) -> None:
    assert yuan_to_fen(format_yuan(fen, sign="").replace(",", "")) == fen


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounding_agrees_with_decimal(value: Decimal) -> None:
    assert yuan_to_fen(str(value)) == int((value * 100).to_integral_value(ROUND_HALF_UP))


def test_display() -> None:
    assert [format_yuan(fen) for fen in (0, 5, -300, 129950)] == ["¥0.00", "¥0.05", "-¥3.00", "¥1,299.50"]
