"""The plain model: the same solution as a general optimiser's, true percentages, odd shops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from siyu_cli.forecast.plain import _regress, teach_plain
from siyu_cli.forecast.ranking import Outcomes
from tests.conftest import examples
from tests.forecast.shops import cdnow_days, simulate, summary


def halves(seed: int) -> tuple[Any, Any]:
    """One shop at day 60 with who bought in the 40 days after, cut into two by customer."""
    dice = np.random.default_rng(seed)
    size = 20_000
    pace, stop, first = dice.gamma(1.2, 1 / 12, size), dice.beta(0.9, 2.5, size), dice.uniform(0, 55, size)
    x, last, later, now = np.zeros(size), np.zeros(size), np.zeros(size, bool), first.copy()
    alive = np.ones(size, bool)
    while alive.any():
        now = now + dice.exponential(1, size) / pace
        alive &= now < 100
        known = alive & (now <= 60)
        x, last, later = x + known, np.where(known, now - first, last), later | (alive & ~known)
        alive &= dice.random(size) >= stop
    columns = (x, last, 60 - first, later)
    half = size // 2
    return tuple(one[:half] for one in columns), tuple(one[half:] for one in columns)


def test_percentages_are_true_of_other_customers() -> None:
    (*known, bought), (*others, came) = halves(1)
    model = teach_plain(*known, bought, shop_gap=12.0)
    assert model.converged
    chance = model.chance(*others)
    assert chance.mean() == pytest.approx(came.mean(), rel=0.03)
    for band in Outcomes.of(chance, came).bands():
        assert abs(band.expected - band.came) < 4 * np.sqrt(0.25 / band.customers)
    since = others[2] - others[1]
    assert Outcomes.of(chance, came).area().value > Outcomes.of(-since, came).area().value + 0.01
    assert model.chance(*known).mean() == pytest.approx(bought.mean(), rel=1e-6)  # the intercept is free


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(5, 60))
@examples(40)
def test_regression_finds_the_summit(seed: int, width: int, rows: int) -> None:
    dice = np.random.default_rng(seed)
    columns = np.column_stack([np.ones(rows), dice.normal(size=(rows, width))])
    size = dice.integers(1, 5, rows).astype(float)
    buyers = np.floor(dice.random(rows) * (size + 1))
    buyers[0], buyers[1] = 0, size[1]

    def depth(at: Any) -> float:
        line = columns @ at
        return float(size @ np.logaddexp(0, line) - buyers @ line + 0.5 * at[1:] @ at[1:])

    solution, _, is_done = _regress(columns, size, buyers)
    assert is_done
    assert depth(solution) <= minimize(depth, np.zeros(width + 1), tol=1e-10).fun + 1e-7


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 90), st.integers(0, 90), st.booleans()),
        min_size=1,
        max_size=25,
    ),
    st.randoms(use_true_random=False),
)
@examples(60)
def test_any_shop_and_any_order(rows: list[tuple[int, int, int, bool]], dice: Any) -> None:
    def columns(of: list[tuple[int, int, int, bool]]) -> Any:
        return [
            np.array(one) for one in zip(*[(x, a if x else 0, a + b, z) for x, a, b, z in of], strict=True)
        ]

    model = teach_plain(*columns(rows), shop_gap=20.0)
    x, t_x, t, bought = columns(rows)
    assert model.converged == (bought.any() and not bought.all())
    if not model.converged:
        assert model.message
        with pytest.raises(ValueError, match="没有差别"):
            model.chance(x, t_x, t)
        return
    chance = model.chance(x, t_x, t)
    assert ((chance > 0) & (chance < 1)).all()
    assert model.chance([0], [0], [1e6]).item() <= 1
    shuffled = list(rows)
    dice.shuffle(shuffled)
    assert teach_plain(*columns(shuffled), shop_gap=20.0) == model


def test_impossible_rows_do_not_teach() -> None:
    shop = simulate(1, 500, (1.2, 12.0, 0.9, 2.5))
    bought = np.arange(500) % 3 == 0
    model = teach_plain(shop.x, shop.t_x, shop.t, bought, shop_gap=10)
    spoilt = teach_plain(
        np.r_[shop.x, np.nan, 2],
        np.r_[shop.t_x, 1, 9],
        np.r_[shop.t, 5, 3],
        np.r_[bought, True, True],
        shop_gap=10,
    )
    assert spoilt == model
    assert model.chance([np.nan, 1], [1, 2], [5, 30])[0] == 0


def test_it_ranks_real_customers(shared_data: Path) -> None:
    """CDNOW: taught at week 26 with the 13 weeks after, asked at week 39 about weeks 40 to 78."""
    ids, days = cdnow_days(shared_data)
    start = int(days.min())
    taught, asked, end = start + 26 * 7 - 1, start + 39 * 7 - 1, start + 78 * 7 - 1

    def known(until: int, later: int) -> tuple[Any, Any]:
        shop = summary(ids[days <= until], days[days <= until], until)
        after = np.unique(ids[(days > until) & (days <= later)])
        return shop, np.isin(np.unique(ids[days <= until]), after)

    shop, bought = known(taught, asked)
    gap = float(shop.t_x.sum() / shop.x.sum())
    model = teach_plain(shop.x, shop.t_x, shop.t, bought, shop_gap=gap)
    later, came = known(asked, end)
    auc = Outcomes.of(model.chance(later.x, later.t_x, later.t), came).area().value
    recency = Outcomes.of(later.t_x - later.t, came).area().value
    assert came.sum() == pytest.approx(0.299 * 23570, rel=0.005)
    assert recency == pytest.approx(0.759, abs=0.001)
    assert auc > 0.764
