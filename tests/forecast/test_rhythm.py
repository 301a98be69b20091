"""Gaps, regularity and own rhythms, against hand-made tables and simulated buyers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.forecast.rhythm import Gaps, late_by, own_rhythm, regularity


def test_days_by_which_gaps_are_over() -> None:
    gaps = Gaps.of([30, 10, 20, 10, 0, 100])
    assert gaps.days.tolist() == [10, 20, 30, 100]
    assert gaps.counts.tolist() == [2, 1, 1, 1]
    assert (gaps.total, gaps.mean) == (5, 34)
    assert [gaps.day_by(percent) for percent in (1, 40, 41, 50, 60, 80, 81, 100)] == [
        10, 10, 20, 20, 20, 30, 100, 100,
    ]  # fmt: skip
    assert (gaps.share_over(9), gaps.share_over(30)) == (0, 0.8)


def test_nobody_came_back() -> None:
    gaps = Gaps.of([])
    assert (gaps.total, gaps.mean, gaps.day_by(90), gaps.share_over(30)) == (0, None, None, 0)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=50), st.integers(1, 100), st.randoms())
def test_lines_of_gaps(days: list[int], percent: int, dice: object) -> None:
    gaps = Gaps.of(days)
    line = gaps.day_by(percent)
    assert line in days
    assert sum(day <= line for day in days) * 100 >= percent * len(days)
    assert sum(day < line for day in days) * 100 < percent * len(days)
    shuffled = sorted(days, key=lambda _: dice.random())  # type: ignore[attr-defined]
    again = Gaps.of(shuffled)
    assert (again.days.tolist(), again.counts.tolist()) == (gaps.days.tolist(), gaps.counts.tolist())
    grouped = Gaps.of(gaps.days, gaps.counts)
    assert grouped.day_by(percent) == line


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_regularity_finds_the_stages(stages: int) -> None:
    dice = np.random.default_rng(stages)
    pace = dice.gamma(1, 1, 50_000)
    found = regularity(dice.gamma(stages, 1, 50_000) / pace, dice.gamma(stages, 1, 50_000) / pace)
    assert found.k == pytest.approx(stages, rel=0.03)
    assert found.customers == 50_000


def test_regularity_of_a_few() -> None:
    assert regularity([10], [30]).k == pytest.approx((1 - 4 / 16) / (8 / 16))  # M = ¼, 1/16 from the middle
    assert regularity([10, 5], [30, 5]) == regularity([30, 5], [10, 5])
    assert regularity([7, 7], [7, 7]).k == float("inf")
    assert regularity([], []).k is None
    assert regularity([0, np.nan], [5, 5]).customers == 0


def test_own_rhythm_leans_on_the_shop() -> None:
    rhythm = own_rhythm([0, 1, 3, 300], [0, 10, 30, 3000], 40.0, 2.0)
    assert rhythm.tolist() == pytest.approx([40, 30, 22, 3080 / 302])
    assert late_by([0, 10], [50, 20], rhythm[:2]).tolist() == pytest.approx([10, -20])
