"""Fitting BG/NBD and Pareto/NBD on 1,000,000 synthetic customers, beside the library lifetimes.

Three shops of the same customers: times in whole days and in weeks of whole days, as real shops have them
(equal histories are put together), and exact to the second, where hardly two are equal. lifetimes gets the
rows as they are, and once the histories put together with its `weights=`, which no tutorial does.
`CUSTOMERS=100000 python -m benchmarks fit_models` sets the size; Pareto/NBD of lifetimes takes minutes.
"""

from __future__ import annotations

import os
import time
import warnings
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import show, time_calls
from siyu_cli.forecast.histories import Histories
from siyu_cli.forecast.models import fit_model, forecast

CUSTOMERS = int(os.environ.get("CUSTOMERS", "1000000"))
TRUTH = (0.45, 40.0, 0.7, 2.5)  # r, alpha in days, a, b
FITTERS = {"bg-nbd": "BetaGeoFitter", "pareto-nbd": "ParetoNBDFitter"}


def make_customers(count: int) -> tuple[Any, Any, Any]:
    """(x, t_x, T) of BG/NBD customers won over two years, in days with fractions; t_x and T exact."""
    dice = np.random.default_rng(7)
    r, alpha, a, b = TRUTH
    pace, stop = dice.gamma(r, 1 / alpha, count), dice.beta(a, b, count)
    until = dice.uniform(1, 730, count)
    bought, last = np.zeros(count), np.zeros(count)
    rows = np.arange(count)
    while len(rows):
        now = last[rows] + dice.exponential(1, len(rows)) / pace[rows]
        came = now < until[rows]
        rows, now = rows[came], now[came]
        bought[rows] += 1
        last[rows] = now
        rows = rows[dice.random(len(rows)) >= stop[rows]]
    return bought, last, until


def in_days(x: Any, t_x: Any, t: Any) -> tuple[Any, Any, Any]:
    """The same by calendar day."""
    until = np.ceil(t)
    return x, np.where(x > 0, np.clip(np.ceil(t_x), 1, until), 0), until


def in_weeks(x: Any, t_x: Any, t: Any) -> tuple[Any, Any, Any]:
    """The same by week."""
    until = np.ceil(t / 7)
    return x, np.where(x > 0, np.clip(np.ceil(t_x / 7), 1, until), 0), until


def own(model: str, columns: tuple[Any, Any, Any]) -> object:
    """From rows to parameters, putting equal histories together included."""
    fit = fit_model(model, Histories.of(*columns))
    assert fit.converged, fit.message
    return fit


def theirs(model: str, columns: tuple[Any, Any, Any], weights: Any = None) -> object:
    """The library's fit."""
    import lifetimes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(lifetimes, FITTERS[model])().fit(*columns, weights=weights)


def main() -> None:
    """Print the ratios, and what a forecast costs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes  # noqa: F401  its import is not part of the claim
    exact = make_customers(CUSTOMERS)
    shops = {"days": in_days(*exact), "weeks": in_weeks(*exact), "seconds": exact}
    for model in FITTERS:
        rounds = 3 if model == "bg-nbd" else 1
        for name, columns in shops.items():
            histories = Histories.of(*columns)
            calls = {"siyu": partial(own, model, columns), "lifetimes, rows": partial(theirs, model, columns)}
            if name != "seconds":
                together = (histories.x, histories.t_x, histories.t)
                calls["lifetimes, histories with weights"] = partial(
                    theirs, model, together, histories.weight
                )
            if (
                model == "pareto-nbd" and name != "days"
            ):  # the library's time is that of the rows, whatever they are
                del calls["lifetimes, rows"]
            measured = time_calls(calls, rounds=rounds)
            show(
                f"{model}: {CUSTOMERS:,} customers in {name}, {histories.rows:,} distinct histories",
                measured,
                "siyu",
            )
    for model in FITTERS:
        fit = fit_model(model, Histories.of(*shops["days"]))
        print(f"\n{model} of days: {fit.params}, {fit.iterations} evaluations")
        for horizon in (30, 90, 365):
            started = time.perf_counter()
            forecast(fit, *shops["days"], horizon)
            print(f"forecast {horizon} days: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
