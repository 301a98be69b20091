"""AUC, its error, Brier, reliability and calibration, against counting pair by pair and against scipy."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from siyu_cli.forecast.ranking import Auc, Outcomes

SCORED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40)


def wins(score: Any, bought: Any) -> Any:
    """Pair by pair: 1 where the buyer is above, ½ where both are equal. Rows buyers, columns others."""
    return np.array(
        [
            [1.0 if one > other else 0.5 if one == other else 0.0 for other in score[~bought]]
            for one in score[bought]
        ]
    )


def variance(table: Any) -> float:
    """DeLong's, written out: over buyers, and over others."""
    means = [table.mean(axis=axis) for axis in (1, 0)]
    return sum(float(sum((a - a.mean()) ** 2)) / (len(a) - 1) / len(a) for a in means)


def area(score: Any, bought: Any) -> Auc:
    return Outcomes.of(score, bought).area()


@given(SCORED)
def test_auc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    score, bought = (np.array(column) for column in zip(*rows, strict=True))
    auc = area(score, bought)
    ones, zeros = int(bought.sum()), int((~bought).sum())
    assert (auc.bought, auc.others) == (ones, zeros)
    if not (ones and zeros):
        assert auc == Auc(0.5, None, ones, zeros)
        assert auc.lower_bound() == 0
        return
    table = wins(score, bought)
    assert auc.value == pytest.approx(table.mean())
    assert auc.value == pytest.approx(mannwhitneyu(score[bought], score[~bought]).statistic / ones / zeros)
    assert area(-score, bought).value == pytest.approx(1 - auc.value)
    assert area(np.exp(score) * 3, bought) == auc
    if min(ones, zeros) > 1:
        assert auc.error == pytest.approx(np.sqrt(variance(table)), abs=1e-9)


def test_the_lower_bound_is_kept() -> None:
    """Scores that say nothing exceed ½ by their bound about once in two hundred; good ones nearly always."""
    dice = np.random.default_rng(1)
    bought = np.arange(300) < 100
    empty = [area(dice.normal(size=300), bought).lower_bound() > 0.5 for _ in range(2000)]
    assert 0.001 < np.mean(empty) < 0.012
    good = [area(dice.normal(size=300) + bought, bought).lower_bound() > 0.5 for _ in range(200)]
    assert np.mean(good) > 0.98


def test_few_customers_have_no_bound() -> None:
    perfect = area(np.arange(12), np.arange(12) >= 9)
    assert perfect.value == 1
    assert perfect.lower_bound() == 0


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=80), st.integers(1, 12))
def test_bands_hold_everybody_once(rows: list[tuple[int, bool]], bands: int) -> None:
    chance, bought = np.array([one / 20 for one, _ in rows]), np.array([one for _, one in rows])
    parts = Outcomes.of(chance, bought).bands(bands)
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
    line = Outcomes.of(score, bought).calibration(bands=1000)
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
    assert Outcomes.of([], []).brier() == 0
    assert Outcomes.of([], []).bands() == ()
    with pytest.raises(ValueError, match="nobody"):
        Outcomes.of([], []).calibration()


def test_brier_of_certainty() -> None:
    assert Outcomes.of([1, 0, 0.5], [True, False, True]).brier() == pytest.approx(0.25 / 3)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=60))
def test_customers_together_are_customers_one_by_one(rows: list[tuple[int, bool]]) -> None:
    score, bought = np.array([one for one, _ in rows], float), np.array([one for _, one in rows])
    whole = Outcomes.of(score, bought)
    again = Outcomes.of(whole.scores, whole.bought, whole.customers)
    assert (again.area(), again.bands(3), again.calibration(4)) == (
        whole.area(), whole.bands(3), whole.calibration(4),
    )  # fmt: skip
    chance = whole.scores / 10
    assert whole.brier(chance) == pytest.approx(float(np.mean((score / 10 - bought) ** 2)))
