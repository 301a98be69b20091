"""Laws that hold for every shop and every customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.forecast import beta_geometric, gamma_gamma, negative_binomial, pareto
from siyu_cli.forecast.beta_geometric import Kind, kind_of
from siyu_cli.forecast.fit import Fit
from siyu_cli.forecast.histories import Histories
from siyu_cli.forecast.minimise import Objective
from siyu_cli.forecast.models import fit_model, forecast, rank_ahead
from tests.conftest import examples

PARAM = st.floats(-2.5, 2.5).map(lambda power: float(np.exp(power)))
MODELS = {
    "nbd": ("r", "alpha"),
    "pareto-nbd": ("r", "alpha", "s", "beta"),
    **{
        f"{head}-{tail}": ("r", "alpha", "a", "b")
        for head in ("bg", "mbg")
        for tail in ("nbd", "cnbd-2", "cnbd-3")
    },
}


@st.composite
def customers(draw: st.DrawFn, least: int = 1) -> list[tuple[int, int, int]]:
    """(x, t_x, T) in whole days; some buy a lot."""
    one = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3, 7, 40]), st.integers(1, 400), st.integers(0, 400))
    rows = draw(st.lists(one, min_size=least, max_size=20))
    return [(min(x, first), first if x else 0, first + more) for x, first, more in rows]


@st.composite
def fits(draw: st.DrawFn) -> Fit:
    model = draw(st.sampled_from(sorted(MODELS)))
    params = {name: draw(PARAM) for name in MODELS[model]}
    for name in ("alpha", "beta"):
        if name in params:
            params[name] *= 20
    return Fit(model, params, converged=True)


def columns(rows: list[tuple[int, int, int]]) -> Any:
    return np.array(rows, float).T


def check_slope(objective: Objective, point: np.ndarray) -> None:
    value, slope = objective(point)
    step = 1e-5
    measured = [
        (objective(point + move)[0] - objective(point - move)[0]) / (2 * step)
        for move in np.eye(len(point)) * step
    ]
    assert slope == pytest.approx(np.array(measured), rel=1e-4, abs=1e-4 + 1e-9 * abs(value))


@given(customers(), st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_slopes_are_slopes(rows: list[tuple[int, int, int]], at: list[float]) -> None:
    histories = Histories.of(*columns(rows))
    point = np.array(at)
    check_slope(negative_binomial.negative_loglik(histories), point[:2])
    check_slope(pareto.negative_loglik(histories), point)
    for stages in (1, 2, 4):
        for modified in (False, True):
            check_slope(beta_geometric.negative_loglik(histories, Kind(stages, modified)), point)
    spending = gamma_gamma.Spending.of(*columns([(x + 1, t + 1, 0) for x, _, t in rows])[:2])
    check_slope(gamma_gamma.negative_loglik(spending), point[:3])


@given(fits(), customers(), st.integers(1, 200), st.integers(0, 200))
@examples(40)
def test_probabilities_and_horizons(
    fit: Fit, rows: list[tuple[int, int, int]], horizon: int, longer: int
) -> None:
    near = forecast(fit, *columns(rows), horizon, (0.1, 0.5, 0.9))
    far = forecast(fit, *columns(rows), horizon + longer, (0.1, 0.5, 0.9))
    slack = 1e-9
    for one in (near.alive, near.buys, near.purchases, near.variance, *near.quantiles):
        assert np.isfinite(one).all()
        assert (one >= 0).all()
    assert (near.alive <= 1).all()
    assert (near.buys <= near.alive + slack).all()  # whoever buys is alive
    assert (near.buys <= near.purchases * (1 + slack) + slack).all()  # Markov
    assert (near.buys <= far.buys + slack).all()
    assert (near.purchases <= far.purchases * (1 + slack) + slack).all()
    low, middle, high = near.quantiles
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (high <= np.floor(near.purchases / 0.1 * (1 + slack))).all()  # Markov again: P(X > 10 means) < 0.1
    assert ((middle > 0) == (near.buys > 0.5)).all() or np.abs(near.buys - 0.5).min() < 1e-6


@given(fits(), customers(), st.integers(1, 200), st.randoms(use_true_random=False))
@examples(30)
def test_a_forecast_does_not_look_at_its_neighbours(
    fit: Fit, rows: list[tuple[int, int, int]], horizon: int, dice: Any
) -> None:
    places = list(range(len(rows)))
    dice.shuffle(places)
    whole = forecast(fit, *columns(rows), horizon)
    mixed = forecast(fit, *columns([rows[place] for place in places]), horizon)
    for name in ("alive", "buys", "purchases"):
        assert getattr(mixed, name) == pytest.approx(getattr(whole, name)[places], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("model", ["nbd", "bg-nbd", "mbg-nbd", "mbg-cnbd-2", "pareto-nbd"])
@given(rows=customers(least=3), dice=st.randoms(use_true_random=False))
@examples(6)
def test_order_and_grouping_change_nothing(model: str, rows: list[tuple[int, int, int]], dice: Any) -> None:
    """Bit for bit: the same fit from shuffled rows, and from rows with weights instead of repeated rows."""
    doubled = [*rows, *rows, rows[0]]
    dice.shuffle(doubled)
    weights = [3.0] + [2.0] * (len(rows) - 1)
    plain = fit_model(model, Histories.of(*columns([*rows, *rows, rows[0]])))
    assert fit_model(model, Histories.of(*columns(doubled))) == plain
    assert fit_model(model, Histories.of(*columns(rows), weights)) == plain


@given(customers(), st.floats(0.01, 100), fits())
@examples(30)
def test_units_do_not_matter(rows: list[tuple[int, int, int]], unit: float, fit: Fit) -> None:
    x, t_x, t = columns(rows)
    scaled = Fit(
        fit.model,
        {name: one * unit if name in ("alpha", "beta") else one for name, one in fit.params.items()},
        converged=True,
    )
    here, there = forecast(fit, x, t_x, t, 90), forecast(scaled, x, t_x * unit, t * unit, 90 * unit)
    for name in ("alive", "buys", "purchases"):
        assert getattr(there, name) == pytest.approx(getattr(here, name), rel=1e-7, abs=1e-9)


@given(fits(), customers(), st.integers(1, 200))
@examples(40)
def test_ranking_is_the_forecast_without_counting(
    fit: Fit, rows: list[tuple[int, int, int]], horizon: int
) -> None:
    if fit.model == "nbd":
        with pytest.raises(ValueError, match="rank"):
            rank_ahead(fit, *columns(rows), horizon)
        return
    x, t_x, t = columns(rows)
    score, buys = rank_ahead(fit, x, t_x, t, horizon)
    ahead = forecast(fit, x, t_x, t, horizon)
    assert buys == pytest.approx(ahead.buys, rel=1e-6, abs=1e-9)
    if fit.model == "pareto-nbd":
        assert score == pytest.approx(ahead.purchases)
    else:
        r, alpha = fit.values("r", "alpha")
        assert score == pytest.approx(ahead.alive * (r + kind_of(fit).stages * x) / (alpha + t))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=300), st.integers(1, 40))
def test_thinned_customers_stand_for_all(weights: list[int], most: int) -> None:
    size = len(weights)
    whole = Histories.of(np.arange(size), np.arange(size), np.full(size, size), weights)
    few = whole.thinned(most)
    if size <= most:
        assert few is whole
        return
    assert few.rows <= most
    assert few.customers == pytest.approx(whole.customers)
    # Up to every history there are as many customers as before, but for one of those kept.
    share = whole.customers / most
    kept = np.array([few.weight[few.x <= one].sum() for one in whole.x])
    assert np.abs(kept - np.cumsum(whole.weight)).max() <= share * (1 + 1e-9)
