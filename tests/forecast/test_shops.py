"""Whole shops: simulated ones whose parameters are known, and odd ones that must not break anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from siyu_cli.forecast.beta_geometric import Kind, fit_beta_geometric, negative_loglik
from siyu_cli.forecast.fit import Fit
from siyu_cli.forecast.gamma_gamma import Spending, fit_gamma_gamma, value_ahead
from siyu_cli.forecast.histories import Histories
from siyu_cli.forecast.models import MODELS, fit_model, forecast
from tests.forecast.shops import Buyers, simulate, simulate_pareto

TRUTH = (1.2, 12.0, 0.9, 2.5)


@pytest.mark.parametrize("stages", [1, 2, 4])
@pytest.mark.parametrize("modified", [False, True])
def test_parameters_come_back(stages: int, modified: bool) -> None:
    shop = simulate(3, 40_000, TRUTH, stages=stages, modified=modified, longest=150 * stages)
    fit = fit_beta_geometric(shop.histories, Kind(stages, modified))
    assert tuple(fit.params.values()) == pytest.approx(TRUTH, rel=0.12)
    r, alpha, a, b = fit.params.values()
    assert r / alpha == pytest.approx(0.1, rel=0.02)
    assert a / (a + b) == pytest.approx(0.9 / 3.4, rel=0.02)


def test_parameters_of_pareto_come_back() -> None:
    fit = fit_model("pareto-nbd", simulate_pareto(4, 20_000, (0.9, 8.0, 0.7, 15.0)).histories)
    assert tuple(fit.params.values()) == pytest.approx((0.9, 8.0, 0.7, 15.0), rel=0.2)


@pytest.mark.parametrize(("stages", "found"), [(1, "mbg-nbd"), (2, "mbg-cnbd-2"), (3, "mbg-cnbd-3")])
def test_the_number_of_stages_is_found(stages: int, found: str) -> None:
    shop = simulate(5, 4_000, TRUTH, stages=stages, modified=True, longest=150)
    assert fit_model("mbg-cnbd", shop.histories).model == found


def test_a_large_shop_is_fitted_as_exactly_as_a_small_one() -> None:
    """Above the size where some of the customers show the way the result is still the likelihood's own summit."""
    shop = simulate(6, 30_000, TRUTH)
    assert shop.histories.rows > 6_000
    fit = fit_model("bg-nbd", shop.histories)
    objective = negative_loglik(shop.histories, Kind())
    here = np.log(list(fit.params.values()))
    value, slope = objective(here)
    assert -value == pytest.approx(fit.loglik)
    assert np.abs(slope).max() / 30_000 < 1e-6
    for move in np.eye(4) * 0.01:
        assert objective(here + move)[0] > value
        assert objective(here - move)[0] > value
    assert fit.iterations < 15


@pytest.mark.parametrize("stages", [1, 2])
def test_forecasts_come_true(stages: int) -> None:
    """Of customers with one history, the share who buy again and how often, against the story played out."""
    shop, later = played_on(7, stages)
    fit = Fit(f"mbg-cnbd-{stages}", dict(zip(("r", "alpha", "a", "b"), TRUTH, strict=True)), converged=True)
    ahead = forecast(fit, shop.x, shop.t_x, shop.t, 40, (0.1, 0.9))
    size = len(later)
    noise = 4 / np.sqrt(size)
    assert abs(np.mean(later > 0) - ahead.buys.mean()) < noise * 0.5
    assert abs(np.mean(later) - ahead.purchases.mean()) < noise * np.std(later)
    deviation = (later - ahead.purchases) ** 2
    assert abs(np.mean(deviation) - ahead.variance.mean()) < noise * np.std(deviation)
    low, high = ahead.quantiles
    assert np.mean(later < low) < 0.1 + noise
    assert np.mean(later > high) < 0.1 + noise
    often = ahead.buys > np.quantile(ahead.buys, 0.8)
    assert abs(np.mean(later[often] > 0) - ahead.buys[often].mean()) < noise


def played_on(seed: int, stages: int, horizon: float = 40) -> tuple[Buyers, Any]:
    """A shop known to day 60, and each customer's purchases in the 40 days after."""
    dice = np.random.default_rng(seed)
    size = 40_000
    r, alpha, a, b = TRUTH
    pace, stop = dice.gamma(r, 1 / alpha, size), dice.beta(a, b, size)
    until = dice.uniform(20, 60, size)
    bought, last, later, now = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    alive = dice.random(size) >= stop
    while alive.any():
        now = now + dice.gamma(stages, 1, size) / pace
        alive &= now < until + horizon
        known = alive & (now <= until)
        bought, later = bought + known, later + (alive & ~known)
        last = np.where(known, now, last)
        alive &= dice.random(size) >= stop
    return Buyers(bought, last, until), later


@pytest.mark.parametrize(("p", "q", "v"), [(5.0, 4.0, 2000.0), (1.5, 3.0, 3000.0), (20.0, 6.0, 1000.0)])
def test_value_comes_true(p: float, q: float, v: float) -> None:
    """What simulated customers spend: the mean, and how many of them below and above the interval."""
    shop, later = played_on(8, 1)
    dice = np.random.default_rng(9)
    rate = dice.gamma(q, 1 / v, len(later))
    made = shop.x + 1
    mean = dice.gamma(p * made) / rate / made
    paid = np.where(later > 0, dice.gamma(p * np.maximum(later, 1)) / rate, 0)
    spending = fit_gamma_gamma(Spending.of(made, mean))
    assert tuple(spending.params.values()) == pytest.approx((p, q, v), rel=0.1)
    fit = Fit("mbg-nbd", dict(zip(("r", "alpha", "a", "b"), TRUTH, strict=True)), converged=True)
    ahead = forecast(fit, shop.x, shop.t_x, shop.t, 40)
    value = value_ahead(spending, made, mean, ahead.count, (0.1, 0.9))
    assert value.mean.sum() == pytest.approx(paid.sum(), rel=0.03)
    low, high = value.quantiles
    assert 0.09 < np.mean(paid > high) < 0.11
    assert np.mean(paid < low) < 0.11
    assert (low > 0).sum() > 400
    assert 0.07 < np.mean((paid < low)[low > 0]) < 0.16


ODD: dict[str, tuple[Any, Any, Any]] = {
    "nobody": ([], [], []),
    "one who bought once": ([0], [0], [10]),
    "one who came back": ([2], [10], [30]),
    "one who came today": ([1], [10], [10]),
    "two": ([2, 0], [10, 0], [30, 30]),
    "two alike": ([2, 2], [10, 10], [30, 30]),
    "all bought once": ([0] * 50, [0] * 50, list(range(50))),
    "all alike and here": ([3] * 80, [90] * 80, [100] * 80),
    "all alike and gone": ([3] * 80, [20] * 80, [400] * 80),
    "one of eighty came back": ([0] * 79 + [1], [0] * 79 + [20], list(range(30, 110))),
    "a whale": ([0] * 60 + [1] * 30 + [3000], [0] * 60 + [20] * 30 + [700], [100] * 90 + [700]),
    "all today": ([0, 0, 1, 2], [0, 0, 5, 6], [0, 0, 5, 6]),
    "clockwork": ([12] * 40, [360] * 40, [365] * 40),
    "impossible rows": (
        [np.nan, 1, -1, 1.5, 2, 2, 3],
        [1, 50, 2, 2, 3, 0, 9],
        [10, 20, 10, 10, np.inf, 9, 20],
    ),
    "seconds": ([2, 0, 1, 3] * 9, [1e9, 0, 2e9, 5e9] * 9, [9e9] * 36),
}


@pytest.mark.parametrize("shop", sorted(ODD))
def test_odd_shops_converge_or_say_so(shop: str) -> None:
    """Never an exception, never a NaN: parameters with a reservation, or a reason and no parameters."""
    histories = Histories.of(*ODD[shop], log_gaps=float(np.nansum(ODD[shop][0])))
    has_repeats = histories.repeaters > 0
    for model in MODELS:
        fit = fit_model(model, histories)
        assert fit.converged == has_repeats
        if not fit.converged:
            assert fit.message
            assert (fit.params, fit.loglik) == ({}, None)
            with pytest.raises(ValueError, match=fit.message):
                forecast(fit, *ODD[shop], 90)
            continue
        assert np.isfinite([fit.loglik, *fit.params.values()]).all()
        ahead = forecast(fit, *ODD[shop], 90)
        for numbers in (ahead.alive, ahead.buys, ahead.purchases, ahead.variance):
            assert len(numbers) == len(ODD[shop][0])
            assert np.isfinite(numbers).all()
            assert (numbers >= 0).all()


def test_customers_without_differences_are_poisson() -> None:
    """All alike and nobody leaves: every model says what the plain rate says, and says that it sees no difference."""
    dice = np.random.default_rng(11)
    x = dice.poisson(3, 3000)
    shop = Histories.of(x, np.where(x > 0, 49.0, 0.0), np.full(3000, 50.0))
    for model in ("nbd", "bg-nbd", "mbg-nbd", "pareto-nbd"):
        ahead = forecast(fit_model(model, shop), x, np.where(x > 0, 49.0, 0.0), np.full(3000, 50.0), 50)
        assert ahead.purchases.mean() == pytest.approx(3, rel=0.05)
    alike = fit_model("bg-nbd", Histories.of([3] * 80, [90] * 80, [100] * 80))
    assert "看不出" in alike.message
    assert forecast(alike, 3, 90, 100, 100).purchases[0] == pytest.approx(3, rel=0.01)


def test_impossible_rows_are_counted_and_known() -> None:
    columns = ODD["impossible rows"]
    histories = Histories.of(*columns)
    assert (histories.customers, histories.dropped) == (1, 6)
    ahead = forecast(fit_model("nbd", histories), *columns, 30)
    assert ahead.known.tolist() == [False] * 6 + [True]
    assert ahead.purchases[:6].tolist() == [0] * 6


@pytest.mark.parametrize("mean", [[], [500], [500, 500, 500]])
def test_spending_without_differences(mean: list[float]) -> None:
    fit = fit_gamma_gamma(Spending.of([2] * len(mean), mean))
    assert not fit.converged
    assert fit.message
    assert fit.params == {}


def test_spending_beyond_all_means_says_so() -> None:
    wild = np.exp(np.random.default_rng(1).normal(0, 4, 200))
    fit = fit_gamma_gamma(Spending.of(np.ones(200), wild))
    assert not fit.converged
    assert "q" in fit.message


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ValueError, match="bg-bb"):
        fit_model("bg-bb", Histories.of([1], [2], [3]))


def test_forecasts_of_pareto_come_true() -> None:
    """One history, its rates and lives drawn from what the model says of it, purchases played out."""
    r, alpha, s, beta = 1.2, 8.0, 0.9, 20.0
    fit = Fit("pareto-nbd", {"r": r, "alpha": alpha, "s": s, "beta": beta}, converged=True)
    ahead = forecast(fit, 3, 20, 30, 40, (0.1, 0.5, 0.9, 0.99))
    dice, size = np.random.default_rng(12), 400_000
    pace, death = dice.gamma(r + 3, 1 / (alpha + 30), size), dice.gamma(s, 1 / (beta + 30), size)
    lives = np.minimum(40, dice.exponential(1, size) / death)
    later = dice.poisson(pace * lives) * (dice.random(size) < ahead.alive[0])
    assert ahead.purchases[0] == pytest.approx(later.mean(), rel=0.01)
    assert ahead.variance[0] == pytest.approx(later.var(), rel=0.02)
    assert ahead.buys[0] == pytest.approx(np.mean(later > 0), abs=0.004)
    lines = np.quantile(later, [0.1, 0.5, 0.9, 0.99], method="inverted_cdf")
    assert [float(one[0]) for one in ahead.quantiles] == lines.tolist()
