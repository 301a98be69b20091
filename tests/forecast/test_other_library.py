"""Against the library lifetimes and against scipy, on random data. Both are there for the tests only."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from scipy.integrate import quad

from siyu_cli.forecast.fit import Fit
from siyu_cli.forecast.gamma_gamma import Spending, expected_worth, fit_gamma_gamma
from siyu_cli.forecast.models import fit_model, forecast
from siyu_cli.forecast.pareto import dead_between
from siyu_cli.forecast.special import digamma, log_gamma
from tests.conftest import examples
from tests.forecast.shops import simulate, simulate_pareto

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lifetimes

POSITIVE = st.floats(0.01, 1000)


def test_log_gamma_and_digamma() -> None:
    z = np.r_[np.geomspace(1e-6, 1e8, 4001), np.linspace(0.5, 3.5, 601)]
    for own, other in ((log_gamma(z), special.gammaln(z)), (digamma(z), special.digamma(z))):
        assert np.max(np.abs(own - other) / np.maximum(1, np.abs(other))) < 1e-12


@given(
    st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE),
    st.integers(0, 3000),
    st.floats(0.01, 1000),
    st.floats(0, 1),
)
@examples(60)
def test_the_integral_of_pareto(
    params: tuple[float, float, float, float], x: int, t: float, place: float
) -> None:
    """Steep, flat, α far from β: the rule with few nodes agrees with an adaptive one to twelve digits."""
    r, alpha, s, beta = params
    low = t * place if x else 0.0
    if low == t:
        return
    own = float(dead_between(np.array([r + x]), alpha, s, beta, np.array([low]), np.array([t])).log[0])

    def inside(tau: float) -> float:
        fall = (r + x) * np.log1p((tau - low) / (alpha + low)) + (s + 1) * np.log1p(
            (tau - low) / (beta + low)
        )
        return float(np.exp(-fall))

    scale = min(alpha, beta) + low
    edges = [low, *(low + scale * 10**power for power in np.arange(-6, 6, 0.5)), t]
    edges = [edge for edge in edges if low <= edge <= t]
    total = sum(quad(inside, *pair, epsabs=0, epsrel=1e-12)[0] for pair in itertools.pairwise(edges))
    assert own == pytest.approx(np.log(total * s / (beta + low)), abs=1e-9)


def close_to_lifetimes(model: str, seed: int) -> tuple[Fit, Any, Any]:
    """Both fits on the same shop; the own one must be at least as likely."""
    shop = (
        simulate_pareto(seed, 600, (0.7, 8.0, 0.8, 20.0))
        if model == "pareto-nbd"
        else simulate(seed, 1500, (0.6, 6.0, 0.9, 2.0), modified=model == "mbg-nbd")
    )
    fitter = {
        "bg-nbd": lifetimes.BetaGeoFitter,
        "mbg-nbd": lifetimes.ModifiedBetaGeoFitter,
        "pareto-nbd": lifetimes.ParetoNBDFitter,
    }[model]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter.fit(shop.x, shop.t_x, shop.t, tol=1e-6)
    return fit_model(model, shop.histories), fitter, shop


@pytest.mark.parametrize(
    ("model", "seed"),
    [*[(model, seed) for model in ("bg-nbd", "mbg-nbd") for seed in (1, 2, 3)], ("pareto-nbd", 1)],
)
def test_fits_agree_with_lifetimes(model: str, seed: int) -> None:
    fit, fitter, shop = close_to_lifetimes(model, seed)
    theirs = {name: float(value) for name, value in fitter.params_.items()}
    assert fit.params == pytest.approx(theirs, rel=0.01)
    alive = fitter.conditional_probability_alive(shop.x, shop.t_x, shop.t)
    expected = fitter.conditional_expected_number_of_purchases_up_to_time(30, shop.x, shop.t_x, shop.t)
    same = forecast(Fit(model, theirs, converged=True), shop.x, shop.t_x, shop.t, 30)
    assert same.alive == pytest.approx(np.asarray(alive), rel=1e-6)
    assert same.purchases == pytest.approx(np.asarray(expected), rel=1e-6)


@given(
    st.sampled_from(["bg-nbd", "mbg-nbd"]),
    st.tuples(*[st.floats(0.05, 20)] * 4),
    st.integers(0, 60),
    st.floats(1, 500),
    st.floats(0.01, 1),
    st.floats(0.1, 400),
)
def test_the_sum_is_the_hypergeometric_function(
    model: str, params: tuple[float, ...], x: int, t: float, place: float, horizon: float
) -> None:
    r, alpha, a, b = params
    if abs(a - 1) < 1e-3:
        a += 0.01  # the published form divides by a − 1
    fit = Fit(model, {"r": r, "alpha": alpha, "a": a, "b": b}, converged=True)
    own = forecast(fit, x, t * place, t, horizon)
    more = 1 if model == "mbg-nbd" else 0
    z = horizon / (alpha + t + horizon)
    series = special.hyp2f1(r + x, b + x + more, a + b + x - 1 + more, z)
    share = (a + b + x - 1 + more) / (a - 1)
    closed = own.alive[0] * share * (1 - ((alpha + t) / (alpha + t + horizon)) ** (r + x) * series)
    assert own.purchases[0] == pytest.approx(closed, rel=1e-7, abs=1e-9 * abs(share))


def test_spending_agrees_with_lifetimes() -> None:
    dice = np.random.default_rng(5)
    x = dice.geometric(0.3, 2000).astype(float)
    mean = dice.gamma(6 * x, 1 / (x * dice.gamma(4, 1 / 15.0, 2000)))
    fit = fit_gamma_gamma(Spending.of(x, mean))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = lifetimes.GammaGammaFitter().fit(x, mean, tol=1e-6)
    assert fit.params == pytest.approx({name: float(one) for name, one in fitter.params_.items()}, rel=0.01)
    theirs = np.asarray(fitter.conditional_expected_average_profit(x, mean))
    assert expected_worth(fit, x, mean) == pytest.approx(theirs, rel=0.001)
