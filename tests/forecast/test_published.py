"""The published figures on the public CDNOW data (reference: Fader, Hardie, Lee 2005; Fader and Hardie 2013)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from siyu_cli.forecast.gamma_gamma import Spending, fit_gamma_gamma
from siyu_cli.forecast.models import fit_model, forecast
from tests.forecast.shops import cdnow, cdnow_master

PUBLISHED = {
    "nbd": ({"r": 0.3848, "alpha": 12.0721}, -9763.66),
    "bg-nbd": ({"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}, -9582.43),
    "pareto-nbd": ({"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.668}, -9594.97),
    "mbg-nbd": ({"r": 0.5248, "alpha": 6.1830, "a": 0.8914, "b": 1.6140}, -9582.13),
}


@pytest.mark.parametrize("model", sorted(PUBLISHED))
def test_published_parameters(shared_data: Path, model: str) -> None:
    params, loglik = PUBLISHED[model]
    fit = fit_model(model, cdnow(shared_data).histories)
    assert fit.converged
    assert fit.message == ""
    assert fit.customers == 2357
    assert fit.params == pytest.approx(params, rel=0.001)
    assert fit.loglik == pytest.approx(loglik, abs=0.01)


def test_published_spending(shared_data: Path) -> None:
    buyers = cdnow(shared_data)
    fit = fit_gamma_gamma(Spending.of(buyers.x, buyers.mean))
    assert fit.customers == 946
    assert fit.params == pytest.approx({"p": 6.2488, "q": 3.7446, "v": 15.4477}, rel=0.001)
    assert fit.loglik == pytest.approx(-4055.92, abs=0.01)


def test_published_points(shared_data: Path) -> None:
    buyers = cdnow(shared_data)
    fit = fit_model("bg-nbd", buyers.histories)
    one = forecast(fit, 2, 30.43, 38.86, 39)
    assert one.purchases[0] == pytest.approx(1.2259, rel=0.0005)
    assert one.alive[0] == pytest.approx(0.7266, rel=0.0005)
    all_of_them = forecast(fit, buyers.x, buyers.t_x, buyers.t, 39)
    assert all_of_them.purchases.sum() == pytest.approx(1653.4, rel=0.0005)
    assert all_of_them.alive.mean() == pytest.approx(0.8134, rel=0.0005)


def test_master_file_and_its_irregularity(shared_data: Path) -> None:
    """23,570 customers; purchases are as irregular as can be: two stages to a purchase are far less likely."""
    buyers = cdnow_master(shared_data)
    bg = fit_model("bg-nbd", buyers.histories)
    mbg = fit_model("mbg-nbd", buyers.histories)
    two = fit_model("mbg-cnbd-2", buyers.histories)
    assert bg.params == pytest.approx({"r": 0.252, "alpha": 4.789, "a": 0.723, "b": 2.161}, rel=0.005)
    assert bg.loglik == pytest.approx(-95368.4, abs=0.05)
    assert mbg.params == pytest.approx({"r": 0.637, "alpha": 7.310, "a": 0.807, "b": 1.228}, rel=0.005)
    assert mbg.loglik == pytest.approx(-95337.0, abs=0.05)
    assert two.loglik == pytest.approx(-97678.9, abs=0.05)
    assert fit_model("mbg-cnbd", buyers.histories) == mbg


def test_what_came_true(shared_data: Path) -> None:
    """Purchase days in weeks 40 to 78, held out: 1,882 came, and no model is off by more than a fifth."""
    buyers = cdnow(shared_data)
    for model in ("bg-nbd", "mbg-nbd", "pareto-nbd"):
        fit = fit_model(model, buyers.histories)
        ahead = forecast(fit, buyers.x, buyers.t_x, buyers.t, 39)
        assert 0.8 < ahead.purchases.sum() / 1882 < 1.2
        assert np.all(ahead.buys <= ahead.alive + 1e-12)
