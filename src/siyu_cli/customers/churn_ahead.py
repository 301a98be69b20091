"""What lies ahead of each customer: expected purchases and their worth over 90 and 365 days, with 10-90 % lines.

Counted by the model of repeat buying that ranked best in the backtest, fitted to everything known now; worth by
Gamma-Gamma on the mean of each customer's purchase days. Where no model has a signal nothing is promised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from siyu_cli.customers.churn_methods import MOST_TAUGHT, Known, fit_of
from siyu_cli.forecast.gamma_gamma import Spending, fit_gamma_gamma, value_ahead
from siyu_cli.forecast.models import forecasts
from siyu_cli.forecast.special import Floats

HORIZONS = (90, 365)
LEVELS = (0.1, 0.9)


@dataclass(frozen=True)
class Ahead:
    """Columns of the score rows by name (store.scores.CHURN_COLUMNS), and their sums over the shop."""

    model: str
    params: Mapping[str, float]
    message: str
    worth_params: Mapping[str, float]
    worth_message: str
    columns: Mapping[str, Floats]

    def as_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "params": {name: round(value, 4) for name, value in self.params.items()},
            "message": self.message,
            "worth_params": {name: round(value, 4) for name, value in self.worth_params.items()},
            "worth_message": self.worth_message,
            "expected_90": round(float(self.columns["expected_90"].sum()), 1),
            "expected_365": round(float(self.columns["expected_365"].sum()), 1),
            "value_90_fen": self._sum("value_90_fen"),
            "value_365_fen": self._sum("value_365_fen"),
        }

    def _sum(self, name: str) -> int | None:
        return int(np.rint(self.columns[name]).sum()) if name in self.columns else None


def look_ahead(known: Known, model: str | None) -> Ahead | None:
    """The counts and worths of every buyer now; None without a model or where it does not fit the data of now."""
    if model is None:
        return None
    fit = fit_of(model, known)
    if not fit.converged:
        return None
    buyers = known.buyers
    bought = buyers.x + 1
    mean = np.asarray(buyers.spent_fen / bought, float)
    spending = Spending.of(bought, mean).thinned(MOST_TAUGHT)
    worth = fit_gamma_gamma(spending)
    columns: dict[str, Floats] = {}
    spans = [(days, LEVELS if days == HORIZONS[-1] else ()) for days in HORIZONS]
    found = forecasts(fit, buyers.x, buyers.t_x, buyers.t, spans)
    for (days, levels), ahead in zip(spans, found, strict=True):
        columns[f"expected_{days}"] = ahead.purchases
        if levels:
            columns[f"expected_{days}_low"], columns[f"expected_{days}_high"] = ahead.quantiles
        if not worth.converged:
            continue
        # Who has only bought for nothing has no mean to speak of: the shop's stands for theirs.
        counted = np.where(mean > 0, bought, 0.0)
        value = value_ahead(worth, counted, mean, ahead.count, levels)
        columns[f"value_{days}_fen"] = value.mean
        if levels:
            columns[f"value_{days}_low_fen"], columns[f"value_{days}_high_fen"] = value.quantiles
    return Ahead(fit.model, fit.params, fit.message, worth.params, worth.message, columns)
