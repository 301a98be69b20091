"""Buyers who buy at random and may stop after any purchase: BG/NBD, MBG/NBD and their regular kin, (M)BG/CNBD-k.

While a customer is alive, purchases follow each other after a waiting time of k stages, each of rate λ
(k = 1: memoryless). After every repeat purchase they stop with probability p; in the modified models (MBG)
also after the first purchase. λ ~ Gamma(r, rate α), p ~ Beta(a, b) over customers.

Fader, Hardie, Lee: "Counting your customers" the easy way, Marketing Science 24 (2005), BG/NBD.
Batislam, Denizel, Filiztekin: Empirical validation and comparison of models for customer base analysis,
International Journal of Research in Marketing 24 (2007), MBG/NBD.
Reutterer, Platzer, Schröder: Leveraging purchase regularity for predicting customer behavior the easy way,
International Journal of Research in Marketing 38 (2021), (M)BG/CNBD-k.

Let R = r + kx, v = (T − t_x) / (α + T), m = 1 in modified models, else 0. One customer's likelihood is

    Π gaps^(k−1) / Γ(k)^x · Γ(R)/Γ(r) · α^r / (α + T)^R · B(a, b + x + m) / B(a, b) · (S1 + S2)
    S1 = a / (b + x − 1 + m) · ((α + T) / (α + t_x))^R     (stopped at the last purchase; 0 if x + m = 0)
    S2 = Σ_{j<k} (R)_j / j! · v^j                            (alive, j stages into the next gap)

so P(alive) = S2 / (S1 + S2). Γ ratios of whole steps are sums of logarithms: no special function is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma
from typing import Any

import numpy as np

from siyu_cli.forecast.ahead import Count, Phase, count_ahead, first_ahead
from siyu_cli.forecast.fit import Fit, fit_shop, too_little
from siyu_cli.forecast.histories import Histories, Ints
from siyu_cli.forecast.minimise import Objective
from siyu_cli.forecast.special import Floats, softplus, tail_counts

NAMES = ("r", "alpha", "a", "b")
_SOME = 2_000


@dataclass(frozen=True)
class Kind:
    """Which of the family: k stages to a purchase, and whether customers may stop after the first purchase."""

    stages: int = 1
    modified: bool = False

    @property
    def name(self) -> str:
        head = "mbg" if self.modified else "bg"
        return f"{head}-nbd" if self.stages == 1 else f"{head}-cnbd-{self.stages}"


def kind_of(fit: Fit) -> Kind:
    """The member of the family a fit belongs to."""
    head, _, tail = fit.model.partition("-")
    return Kind(1 if tail == "nbd" else int(tail.rpartition("-")[2]), head == "mbg")


def fit_beta_geometric(histories: Histories, kind: Kind = Kind()) -> Fit:
    """The most likely (r, α, a, b). The loglik of k > 1 counts the gaps where `log_gaps` is known."""
    little = too_little(kind.name, histories)
    if little is not None:
        return little
    pace = histories.purchases / (float(histories.t @ histories.weight) or 1.0) * kind.stages
    starts = [(0.5, 0.25 / pace, 0.7, 2.5), (2.0, 1.0 / pace, 0.3, 3.0)]
    fit = fit_shop(kind.name, NAMES, histories, lambda of: negative_loglik(of, kind), starts)
    if fit.loglik is None or kind.stages == 1:
        return fit
    k = kind.stages
    constant = (k - 1) * (histories.log_gaps or 0.0) - histories.purchases * lgamma(k)
    return Fit(fit.model, fit.params, fit.loglik + constant, True, fit.iterations, fit.message, fit.customers)


def negative_loglik(histories: Histories, kind: Kind) -> Objective:
    """−loglik of all histories (without the gaps) and its slope, at the logarithms of (r, α, a, b)."""
    k, m = kind.stages, int(kind.modified)
    x, weight = histories.x, histories.weight
    rates = tail_counts(k * x, weight)
    stops = tail_counts(x + m, weight)
    until = _Times(histories.t)
    at_end, bought_by = until.sums(weight), k * until.sums(weight * x)
    # A history without a purchase that cannot have stopped either says nothing more than the sums above.
    told = np.flatnonzero((x + m > 0) | (k > 1))
    bought, share = x[told], weight[told]
    ends, lasts = until.only(told), _Times(histories.t_x[told])
    quiet = histories.t[told] - histories.t_x[told]
    places, stages = np.arange(len(rates)), np.arange(len(stops))
    can_stop, chances = bought + m > 0, bought - 1 + m

    def at(point: Floats) -> tuple[float, Floats]:
        # α and r may grow together without limit; ln(1 + T/α) keeps the digits that ln α − ln(α + T) loses.
        r, alpha, a, b = np.exp(point)
        stretch, near = np.log1p(until.values / alpha), alpha / (alpha + until.values)
        rising, all_stops, stays = r + places, a + b + stages, b + stages
        value = float(rates @ np.log(rising)) + float(stops @ np.log1p(-a / all_stops))
        value -= r * float(at_end @ stretch) + float(bought_by @ (np.log(alpha) + stretch))
        d_r = float(rates @ (r / rising)) - r * float(at_end @ stretch)
        d_alpha = float(at_end @ (r * (1 - near))) - float(bought_by @ near)
        d_a = -float(stops @ (a / all_stops))
        d_b = float(stops @ (a * b / (all_stops * stays)))
        shape = r + k * bought
        grown = ends.spread(stretch) - lasts.spread(np.log1p(lasts.values / alpha))
        log_stopped = np.log(a) - np.log(np.where(can_stop, b + chances, 1.0)) + shape * grown
        if k == 1:
            more, stopped = softplus(log_stopped)
        else:
            v = quiet * ends.spread(near / alpha)
            alive, alive_r, alive_v = _alive_terms(shape, v, k)
            log_alive = np.log(alive)
            more, stopped = softplus(np.where(can_stop, log_stopped - log_alive, -np.inf))
            more = more + log_alive
            kept = share * (1 - stopped) / alive
            d_r += r * float(kept @ alive_r)
            d_alpha -= float(kept @ (alive_v * v * ends.spread(near)))
        value += float(share @ more)
        gone = share * stopped
        d_r += r * float(gone @ grown)
        d_alpha += float(gone @ (shape * (ends.spread(near) - lasts.spread(alpha / (alpha + lasts.values)))))
        d_a += float(gone.sum())
        d_b -= float(gone @ (b / np.where(can_stop, b + chances, 1.0)))
        return -value, -np.array([d_r, d_alpha, d_a, d_b])

    return at


class _Times:
    """Distinct times and where each row's stands, so that logarithms are taken once; where few are equal, the rows."""

    def __init__(self, times: Floats) -> None:
        self.values: Floats = times
        self.codes: Ints | None = None
        some = times[:: max(1, len(times) // _SOME)]
        if 2 * len(np.unique(some)) < len(some) or len(times) < _SOME:
            self.values, codes = np.unique(times, return_inverse=True)
            self.codes = np.asarray(codes, np.int64)

    def only(self, rows: Ints) -> _Times:
        """The same times, of these rows."""
        part = object.__new__(_Times)
        part.values, part.codes = self.values, rows if self.codes is None else self.codes[rows]
        return part

    def sums(self, weights: Floats) -> Floats:
        """What the rows of each time weigh together."""
        if self.codes is None:
            return weights
        return np.asarray(np.bincount(self.codes, weights=weights, minlength=len(self.values)), float)

    def spread(self, of_values: Floats) -> Floats:
        return of_values if self.codes is None else np.asarray(of_values[self.codes])


def _alive_terms(shape: Floats, v: Floats, k: int) -> tuple[Floats, Floats, Floats]:
    """S2 and its slopes in R and in v."""
    term, term_r = np.ones_like(v), np.zeros_like(v)
    total, slope_r, slope_v = term, term_r, np.zeros_like(v)
    for j in range(1, k):
        slope_v = slope_v + term * (
            shape + j - 1
        )  # d/dv of (R)_j v^j / j! = (R)_{j−1} v^{j−1} (R + j − 1) / (j − 1)!
        term_r = (term_r * (shape + j - 1) + term) * v / j
        term = term * (shape + j - 1) * v / j
        total, slope_r = total + term, slope_r + term_r
    return total, slope_r, slope_v


def p_alive(fit: Fit, x: Floats, t_x: Floats, t: Floats) -> Floats:
    """P(alive at T | history). In BG models it is 1 for everyone who bought once: it says nothing about them."""
    kind = kind_of(fit)
    r, alpha, a, b = fit.values(*NAMES)
    k, m = kind.stages, int(kind.modified)
    shape = r + k * x
    alive, _, _ = _alive_terms(shape, (t - t_x) / (alpha + t), k)
    base = np.where(x + m > 0, b + x - 1 + m, 1.0)
    log_stopped = np.log(a / base) + shape * np.log1p((t - t_x) / (alpha + t_x))
    _, stopped = softplus(np.where(x + m > 0, log_stopped - np.log(alive), -np.inf))
    return np.asarray(1 - stopped)


def stage_shares(fit: Fit, x: Floats, t_x: Floats, t: Floats) -> list[Floats]:
    """Given alive: the probability of being j = 0 … k − 1 stages into the next gap."""
    kind = kind_of(fit)
    r, alpha = fit.values("r", "alpha")
    v = (t - t_x) / (alpha + t)
    term: Any = np.ones_like(v)
    terms = [term]
    for j in range(1, kind.stages):
        term = term * (r + kind.stages * x + j - 1) * v / j
        terms.append(term)
    total = np.sum(terms, axis=0)
    return [np.asarray(one / total) for one in terms]


def count_purchases(
    fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float, levels: Sequence[float] = ()
) -> Count:
    """Purchases in (T, T + horizon]: exact for every k. For k = 1 the mean is the published closed form."""
    kind = kind_of(fit)
    a, b = fit.values("a", "b")
    stop = (a, b + x + int(kind.modified))
    phases = _phases(fit, x, t_x, t, horizon)
    return count_ahead(p_alive(fit, x, t_x, t), phases, stages=kind.stages, stop=stop, levels=levels)


def rank_ahead(fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float) -> tuple[Floats, Floats]:
    """(P(alive) · rate, P(at least one purchase)), without counting further.

    Every purchase is a chance to stop, which presses P(buys) together at the top: P(alive) · rate ranks better
    (CDNOW .765, not .755).
    """
    r, alpha = fit.values("r", "alpha")
    alive = p_alive(fit, x, t_x, t)
    rate = (r + kind_of(fit).stages * x) / (alpha + t)
    return alive * rate, first_ahead(alive, _phases(fit, x, t_x, t, horizon))


def _phases(fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float) -> list[Phase]:
    """By how many stages of the next gap are over."""
    r, alpha = fit.values("r", "alpha")
    k, ahead = kind_of(fit).stages, np.full(len(x), float(horizon))
    return [
        Phase(share, r + k * x + j, alpha + t, ahead, k - j)
        for j, share in enumerate(stage_shares(fit, x, t_x, t))
    ]
