"""All models of repeat buying under one roof: fit by name, then ask about customers.

histories = Histories.of(x, t_x, t)
fit = fit_model("bg-nbd", histories)
ahead = forecast(fit, x, t_x, t, horizon=90, levels=(0.1, 0.9))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from siyu_cli.forecast import beta_geometric, negative_binomial, pareto
from siyu_cli.forecast.ahead import Count
from siyu_cli.forecast.beta_geometric import Kind
from siyu_cli.forecast.fit import Fit, failed
from siyu_cli.forecast.histories import Histories, are_possible, distinct
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr

BG, MBG = Kind(), Kind(modified=True)
MODELS = (negative_binomial.NAME, BG.name, MBG.name, "bg-cnbd", "mbg-cnbd", pareto.NAME)
"""Names `fit_model` takes; of a cnbd the number of stages is found, or given as in "mbg-cnbd-2"."""

MOST_STAGES = 6


@dataclass(frozen=True)
class Forecast:
    """One number per customer, in the order they were given.

    `alive` is P(still a customer); `purchases` the expected number within the horizon, `buys` the probability of
    at least one; `quantiles` of the number, one column per level. Customers whose history cannot be true
    have 0 everywhere and False in `known`.
    """

    known: np.ndarray[tuple[int, ...], np.dtype[np.bool]]
    alive: Floats
    purchases: Floats
    variance: Floats
    buys: Floats
    quantiles: tuple[Floats, ...]

    @property
    def count(self) -> Count:
        return Count(self.purchases, self.variance, self.buys, self.quantiles)


def fit_model(model: str, histories: Histories) -> Fit:
    """The fit of one of MODELS. Raises ValueError for a name that is none of them."""
    if model == negative_binomial.NAME:
        return negative_binomial.fit_negative_binomial(histories)
    if model == pareto.NAME:
        return pareto.fit_pareto(histories)
    head, _, tail = model.partition("-")
    if head not in ("bg", "mbg") or not (tail in ("nbd", "cnbd") or tail.removeprefix("cnbd-").isdecimal()):
        raise ValueError(f"no such model: {model}")
    if tail == "nbd":
        return beta_geometric.fit_beta_geometric(histories, Kind(1, head == "mbg"))
    if tail == "cnbd":
        return fit_regular(histories, modified=head == "mbg")
    return beta_geometric.fit_beta_geometric(histories, Kind(int(tail.removeprefix("cnbd-")), head == "mbg"))


def fit_regular(histories: Histories, *, modified: bool = True) -> Fit:
    """(M)BG/CNBD-k with the k that the data like best: k rises as long as the likelihood does.

    Needs `log_gaps`, the sum of the logarithms of all gaps: without it models of different k cannot be compared.
    """
    best = beta_geometric.fit_beta_geometric(histories, Kind(1, modified))
    if not best.converged:
        return best
    if histories.log_gaps is None or not np.isfinite(histories.log_gaps):
        message = tr("没有每次间隔的长短,看不出规律", "the gaps are not known: regularity cannot be seen")
        return failed(f"{'mbg' if modified else 'bg'}-cnbd", message, histories.customers)
    for stages in range(2, MOST_STAGES + 1):
        fit = beta_geometric.fit_beta_geometric(histories, Kind(stages, modified))
        if fit.loglik is None or best.loglik is None or fit.loglik <= best.loglik:
            break
        best = fit
    return best


def forecast(fit: Fit, x: Any, t_x: Any, t: Any, horizon: float, levels: Sequence[float] = ()) -> Forecast:
    """What the model expects of each customer in the `horizon` after their T. Equal histories are computed once.

    Raises ValueError where the fit did not converge: it has nothing to say.
    """
    return forecasts(fit, x, t_x, t, [(horizon, levels)])[0]


def forecasts(
    fit: Fit, x: Any, t_x: Any, t: Any, spans: Sequence[tuple[float, Sequence[float]]]
) -> list[Forecast]:
    """The same for several horizons with their levels; the histories are put together once."""
    fit.values()
    x, t_x, t = (np.atleast_1d(np.asarray(one, float)) for one in (x, t_x, t))
    t_x = np.where(x == 0, 0.0, t_x)
    known = are_possible(x, t_x, t)
    x, t_x, t = x[known], t_x[known], t[known]
    first, inverse = distinct(x, t_x, t)

    def spread(values: Floats) -> Floats:
        result = np.zeros(len(known))
        result[known] = values[inverse]
        return result

    found = []
    for horizon, levels in spans:
        alive, count = _of_distinct(fit, x[first], t_x[first], t[first], horizon, levels)
        found.append(
            Forecast(
                known,
                spread(alive),
                spread(count.mean),
                spread(count.variance),
                spread(count.at_least_one),
                tuple(spread(one) for one in count.quantiles),
            )
        )
    return found


def rank_ahead(fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float) -> tuple[Floats, Floats]:
    """(a score, higher = likelier to buy; P(at least one purchase)) of each customer, much faster than a forecast.

    Histories must be possible ones. Raises ValueError where the fit did not converge, or for a model without a life.
    """
    fit.values()
    if fit.model == negative_binomial.NAME:
        raise ValueError(f"{fit.model} does not rank")
    first, inverse = distinct(x, t_x, t)
    model = pareto if fit.model == pareto.NAME else beta_geometric
    score, buys = model.rank_ahead(fit, x[first], t_x[first], t[first], horizon)
    return score[inverse], buys[inverse]


def _of_distinct(
    fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float, levels: Sequence[float]
) -> tuple[Floats, Count]:
    if fit.model == negative_binomial.NAME:
        return np.ones(len(x)), negative_binomial.count_purchases(fit, x, t, horizon, levels)
    if fit.model == pareto.NAME:
        return pareto.p_alive(fit, x, t_x, t), pareto.count_purchases(fit, x, t_x, t, horizon, levels)
    return (
        beta_geometric.p_alive(fit, x, t_x, t),
        beta_geometric.count_purchases(fit, x, t_x, t, horizon, levels),
    )
