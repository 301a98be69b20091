"""NBD: purchases at random at rate λ, λ ~ Gamma(r, rate α) over customers, and nobody ever leaves.

Ehrenberg: The pattern of consumer purchases, Applied Statistics 8 (1959). The likelihood is that of the moments
of purchase, Γ(r + x)/Γ(r) · α^r / (α + T)^(r + x), so that it can be compared with the models that know of leaving.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from siyu_cli.forecast.ahead import Count, Phase, count_ahead
from siyu_cli.forecast.fit import Fit, fit_shop, too_little
from siyu_cli.forecast.histories import Histories
from siyu_cli.forecast.minimise import Objective
from siyu_cli.forecast.special import Floats, tail_counts

NAME = "nbd"
NAMES = ("r", "alpha")


def fit_negative_binomial(histories: Histories) -> Fit:
    """The most likely (r, α)."""
    little = too_little(NAME, histories)
    if little is not None:
        return little
    pace = histories.purchases / (float(histories.t @ histories.weight) or 1.0)
    return fit_shop(NAME, NAMES, histories, negative_loglik, [(0.5, 0.5 / pace), (3.0, 3.0 / pace)])


def negative_loglik(histories: Histories) -> Objective:
    """−loglik of all histories and its slope, at the logarithms of (r, α)."""
    rates = tail_counts(histories.x, histories.weight)
    places = np.arange(len(rates))
    until, codes = np.unique(histories.t, return_inverse=True)
    customers = np.bincount(codes, weights=histories.weight)
    purchases = np.bincount(codes, weights=histories.weight * histories.x)

    def at(point: Floats) -> tuple[float, Floats]:
        r, alpha = np.exp(point)
        rising, stretch = r + places, np.log1p(until / alpha)
        value = float(rates @ np.log(rising)) - float(purchases @ (np.log(alpha) + stretch))
        value -= r * float(customers @ stretch)
        d_r = float(rates @ (r / rising)) - r * float(customers @ stretch)
        d_alpha = float((r * customers * until - alpha * purchases) @ (1 / (alpha + until)))
        return -value, -np.array([d_r, d_alpha])

    return at


def count_purchases(fit: Fit, x: Floats, t: Floats, horizon: float, levels: Sequence[float] = ()) -> Count:
    """Purchases in (T, T + horizon]: negative binomial with shape r + x and rate α + T."""
    r, alpha = fit.values(*NAMES)
    shape, rate = r + x, alpha + t
    mean = shape * horizon / rate
    at_least_one = -np.expm1(-shape * np.log1p(horizon / rate))
    if not levels:
        return Count(mean, mean * (1 + horizon / rate), at_least_one, ())
    phase = Phase(np.ones(len(x)), shape, rate, np.full(len(x), float(horizon)))
    walked = count_ahead(np.ones(len(x)), [phase], levels=levels)
    return Count(mean, mean * (1 + horizon / rate), at_least_one, walked.quantiles)
