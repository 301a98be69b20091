"""AUC, its error, Brier, reliability and calibration, against counting pair by pair and against scipy."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from siyu_cli.forecast.ranking import (
    Auc,
    area_under_curve,
    auc_difference,
    brier_score,
    calibrate,
    reliability,
)

SCORED = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), min_size=2, max_size=40)


def wins(score: Any, bought: Any) -> Any:
    """Pair by pair: 1 where the buyer is above, ½ where both are equal. Rows buyers, columns others."""
    return np.array(
        [
            [1.0 if one > other else 0.5 if one == other else 0.0 for other in score[~bought]]
            for one in score[bought]
        ]
    )


def covariance(one: Any, two: Any) -> float:
    """DeLong's, written out: over buyers, and over others."""
    parts = []
    for axis in (1, 0):
        a, b = one.mean(axis=axis), two.mean(axis=axis)
        parts.append(sum((a - a.mean()) * (b - b.mean())) / (len(a) - 1) / len(a))
    return sum(parts)


@given(SCORED)
def test_auc_counts_pairs(rows: list[tuple[int, int, bool]]) -> None:
    score, other, bought = (np.array(column) for column in zip(*rows, strict=True))
    auc = area_under_curve(score, bought)
    ones, zeros = int(bought.sum()), int((~bought).sum())
    assert (auc.bought, auc.others) == (ones, zeros)
    if not (ones and zeros):
        assert auc == Auc(0.5, None, ones, zeros)
        assert auc.lower_bound() == 0
        return
    table = wins(score, bought)
    assert auc.value == pytest.approx(table.mean())
    assert auc.value == pytest.approx(mannwhitneyu(score[bought], score[~bought]).statistic / ones / zeros)
    assert area_under_curve(-score, bought).value == pytest.approx(1 - auc.value)
    assert area_under_curve(np.exp(score) * 3, bought) == auc
    if min(ones, zeros) > 1:
        second = wins(other, bought)
        assert auc.error == pytest.approx(np.sqrt(covariance(table, table)), abs=1e-9)
        gap, error = auc_difference(score, other, bought)
        assert gap == pytest.approx(table.mean() - second.mean())
        whole = covariance(table, table) + covariance(second, second) - 2 * covariance(table, second)
        assert error == pytest.approx(np.sqrt(max(whole, 0)), abs=1e-7)


def test_the_lower_bound_is_kept() -> None:
    """Scores that say nothing exceed ½ by their bound about once in two hundred; good ones nearly always."""
    dice = np.random.default_rng(1)
    bought = np.arange(300) < 100
    empty = [area_under_curve(dice.normal(size=300), bought).lower_bound() > 0.5 for _ in range(2000)]
    assert 0.001 < np.mean(empty) < 0.012
    good = [area_under_curve(dice.normal(size=300) + bought, bought).lower_bound() > 0.5 for _ in range(200)]
    assert np.mean(good) > 0.98


def test_few_customers_have_no_bound() -> None:
    perfect = area_under_curve(np.arange(12), np.arange(12) >= 9)
    assert perfect.value == 1
    assert perfect.lower_bound() == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=80), st.integers(1, 12))
def test_bands_hold_everybody_once(rows: list[tuple[int, bool]], bands: int) -> None:
    chance, bought = np.array([one / 20 for one, _ in rows]), np.array([one for _, one in rows])
    parts = reliability(chance, bought, bands)
    assert len(parts) <= bands
    assert sum(part.customers for part in parts) == len(rows)
    assert sum(part.came * part.customers for part in parts) == pytest.approx(bought.sum())
    assert sum(part.expected * part.customers for part in parts) == pytest.approx(chance.sum())
    for one, two in pairwise(parts):
        assert one.high < two.low
    for part in parts:
        inside = (chance >= part.low) & (chance <= part.high)
        assert part.customers == inside.sum()
        assert part.came == pytest.approx(bought[inside].mean())


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60))
def test_calibration_is_the_nearest_rising_line(rows: list[tuple[int, bool]]) -> None:
    """Against the minimax formula of isotonic regression, and never falling."""
    score, bought = np.array([one for one, _ in rows]), np.array([one for _, one in rows], float)
    line = calibrate(score, bought, bands=1000)
    values = np.unique(score)
    fitted = [
        max(
            min(bought[(score >= low) & (score <= high)].mean() for high in values if high >= at)
            for low in values
            if low <= at
        )
        for at in values
    ]
    assert list(line.chances) == pytest.approx(sorted(set(np.round(fitted, 12))))
    assert (np.diff(line.apply(np.linspace(-1, 21, 100))) >= 0).all()
    pooled = sum(
        chance
        * sum(
            1 for at, fit in product(score, [chance]) if fitted[list(values).index(at)] == pytest.approx(fit)
        )
        for chance in line.chances
    )
    assert pooled == pytest.approx(bought.sum())


def test_nobody() -> None:
    assert brier_score([], []) == 0
    assert reliability([], []) == ()
    with pytest.raises(ValueError, match="nobody"):
        calibrate([], [])


def test_brier_of_certainty() -> None:
    assert brier_score([1, 0, 0.5], [True, False, True]) == pytest.approx(0.25 / 3)
