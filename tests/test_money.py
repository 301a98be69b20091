"""Fen as people read them."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.money import format_yuan


@given(st.integers(-(10**15), 10**15))
def test_printed_yuan_are_the_same_fen(fen: int) -> None:
    assert Decimal(format_yuan(fen, sign="").replace(",", "")) * 100 == fen


def test_display() -> None:
    assert [format_yuan(fen) for fen in (0, 5, -300, 129950)] == ["¥0.00", "¥0.05", "-¥3.00", "¥1,299.50"]
