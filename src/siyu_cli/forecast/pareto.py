"""Pareto/NBD: purchases at random at rate λ, and a life that may end at any moment, at rate μ.

λ ~ Gamma(r, rate α), μ ~ Gamma(s, rate β) over customers. Schmittlein, Morrison, Colombo: Counting your
customers, Management Science 33 (1987); Fader, Hardie: A note on deriving the Pareto/NBD model (2005).

With R = r + x one customer's likelihood is

    Γ(R)/Γ(r) · α^r β^s · [ (α + T)^−R (β + T)^−s  +  s ∫ from t_x to T of (α + τ)^−R (β + τ)^−(s + 1) dτ ]

the first part alive at T, the second dead since τ. The published forms write the integral as a difference of
two hypergeometric functions, which loses its digits where both are nearly equal and needs two cases for
α < β and α > β. Here the integral itself is taken, by Gauss and Legendre's rule in the logarithm of time:
the integrand is positive and smooth, and its slopes in r, α, s, β are averages over the same nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siyu_cli.forecast.ahead import Count, Phase, count_ahead
from siyu_cli.forecast.fit import Fit, fit_shop, too_little
from siyu_cli.forecast.histories import Histories, Ints
from siyu_cli.forecast.minimise import Objective
from siyu_cli.forecast.special import Floats, gauss_legendre, softplus, tail_counts

NAME = "pareto-nbd"
NAMES = ("r", "alpha", "s", "beta")

_BLOCK = 8_192
_NEGLIGIBLE = 40.0  # e^−40 of the largest value does not count
_EXPOSURES = 24
_LIVES = 8


def fit_pareto(histories: Histories) -> Fit:
    """The most likely (r, α, s, β)."""
    little = too_little(NAME, histories)
    if little is not None:
        return little
    pace = histories.purchases / (float(histories.t @ histories.weight) or 1.0)
    time = histories.mean_time or 1.0
    starts = [(0.5, 0.25 / pace, 0.5, 0.4 * time), (1.5, 1.0 / pace, 1.0, 2.0 * time)]
    return fit_shop(NAME, NAMES, histories, negative_loglik, starts)


def negative_loglik(histories: Histories) -> Objective:
    """−loglik of all histories and its slope, at the logarithms of (r, α, s, β)."""
    x, t_x, t, weight = histories.x, histories.t_x, histories.t, histories.weight
    rates = tail_counts(x, weight)
    places = np.arange(len(rates))

    def at(point: Floats) -> tuple[float, Floats]:
        r, alpha, s, beta = np.exp(point)
        rising = r + places
        value = float(rates @ np.log(rising))
        slope = np.array([float(rates @ (r / rising)), 0.0, 0.0, 0.0])
        for start in range(0, len(x), _BLOCK):
            block = slice(start, start + _BLOCK)
            share, bought, last, end = weight[block], x[block], t_x[block], t[block]
            shape = r + bought
            dead = dead_between(shape, alpha, s, beta, last, end, slopes=True)
            quiet_a, quiet_b = np.log1p((end - last) / (alpha + last)), np.log1p((end - last) / (beta + last))
            more, gone = softplus(dead.log + shape * quiet_a + s * quiet_b)
            gone = gone * share
            stretch_a, stretch_b = np.log1p(end / alpha), np.log1p(end / beta)
            near_a, near_b = alpha / (alpha + end), beta / (beta + end)
            value += float(
                share @ (more - bought * (np.log(alpha) + stretch_a) - r * stretch_a - s * stretch_b)
            )
            slope[0] += r * float(gone @ (quiet_a - dead.log_a)) - r * float(share @ stretch_a)
            slope[1] += float(gone @ (shape * (near_a - alpha * dead.inverse_a)))
            slope[1] += float(share @ (r * (1 - near_a) - bought * near_a))
            slope[2] += float(gone @ (1 + s * (quiet_b - dead.log_b))) - s * float(share @ stretch_b)
            slope[3] += float(gone @ (s * near_b - (s + 1) * beta * dead.inverse_b)) + s * float(
                share @ (1 - near_b)
            )
        return -value, -slope

    return at


@dataclass(frozen=True)
class Dead:
    """ln of the integral, and under its integrand the averages of ln((α + τ)/(α + low)), 1/(α + τ), and of β's."""

    log: Floats
    log_a: Floats
    inverse_a: Floats
    log_b: Floats
    inverse_b: Floats


def dead_between(
    shape: Floats,
    alpha: float | Floats,
    s: float,
    beta: float | Floats,
    low: Floats,
    high: Floats,
    *,
    slopes: bool = False,
) -> Dead:
    """ln of s ∫ from low to high of ((α + τ)/(α + low))^−shape ((β + τ)/(β + low))^−s dτ / (β + τ); slopes if asked for.

    In u = ln((c + τ) / (c + low)), c the smaller of α and β, the integrand is e^−h(u) with h(0) = 0 and a slope
    that only rises; beyond h = 40 nothing is left, so the range ends there. −inf where low = high.
    """
    is_a = np.asarray(np.broadcast_to(np.asarray(alpha) <= np.asarray(beta), low.shape))
    near, far = np.where(is_a, alpha, beta), np.where(is_a, beta, alpha)
    curve = _Curve(
        np.where(is_a, shape, s + 1) - 1, near + low, np.where(is_a, s + 1, shape), (near + low) / (far + low)
    )
    reach = np.log1p((high - low) / curve.base)
    fall = curve.power + curve.other * curve.part
    reach = np.where(fall > 0, np.minimum(reach, _NEGLIGIBLE / np.where(fall > 0, fall, 1.0)), reach)
    for _ in range(3):  # Newton from the right of a rising curve stays on its right
        height, steep = curve.height(reach), curve.steepness(reach)
        too_far = (height > _NEGLIGIBLE) & (steep > 0)
        reach = np.where(too_far, reach - (height - _NEGLIGIBLE) / np.where(steep > 0, steep, 1.0), reach)
    is_easy = (np.abs(curve.height(reach)) < 2) & (reach < 1.5)
    sums = np.zeros((5 if slopes else 1, len(low)))
    for easy, nodes in ((True, 12), (False, 32)):
        rows = np.flatnonzero(is_easy == easy)
        if len(rows):
            sums[:, rows] = curve.only(rows).integrate(reach[rows], nodes, slopes)
    with np.errstate(divide="ignore"):
        log = np.log(s * sums[0] * reach * curve.base / (beta + low))
    if not slopes:
        nothing = np.zeros(0)
        return Dead(log, nothing, nothing, nothing, nothing)
    near_log, near_inverse, far_log, far_inverse = sums[1:] / np.where(sums[0] > 0, sums[0], 1.0)
    near_inverse, far_inverse = near_inverse / curve.base, far_inverse / (far + low)
    return Dead(
        log,
        np.where(is_a, near_log, far_log),
        np.where(is_a, near_inverse, far_inverse),
        np.where(is_a, far_log, near_log),
        np.where(is_a, far_inverse, near_inverse),
    )


@dataclass(frozen=True)
class _Curve:
    """h(u) = power · u + other · ln(1 + part · (e^u − 1)): how the integrand falls."""

    power: Floats
    base: Floats
    other: Floats
    part: Floats

    def only(self, rows: Ints) -> _Curve:
        return _Curve(self.power[rows], self.base[rows], self.other[rows], self.part[rows])

    def height(self, u: Floats) -> Floats:
        return np.asarray(self.power * u + self.other * np.log1p(self.part * np.expm1(u)))

    def steepness(self, u: Floats) -> Floats:
        grown = self.part * np.exp(u)
        return np.asarray(self.power + self.other * grown / (grown + 1 - self.part))

    def integrate(self, reach: Floats, nodes: int, slopes: bool) -> Floats:
        """Over [0, 1] of reach: e^−h, and times u, e^−u, ln(1 + part (e^u − 1)) and its 1 / (1 + part (e^u − 1))."""
        sums = np.zeros((5 if slopes else 1, len(reach)))
        for node, weight in gauss_legendre(nodes):
            u = reach * node
            more = np.expm1(u)
            far = self.part * more
            log_far = np.log1p(far)
            piece = weight * np.exp(-self.power * u - self.other * log_far)
            sums[0] += piece
            if slopes:
                sums[1] += piece * u
                sums[2] += piece / (1 + more)
                sums[3] += piece * log_far
                sums[4] += piece / (1 + far)
        return sums


def p_alive(fit: Fit, x: Floats, t_x: Floats, t: Floats) -> Floats:
    """P(alive at T | history)."""
    r, alpha, s, beta = fit.values(*NAMES)
    shape = r + x
    dead = dead_between(shape, alpha, s, beta, t_x, t).log
    quiet = shape * np.log1p((t - t_x) / (alpha + t_x)) + s * np.log1p((t - t_x) / (beta + t_x))
    _, gone = softplus(dead + quiet)
    return np.asarray(1 - gone)


def count_purchases(
    fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float, levels: Sequence[float] = ()
) -> Count:
    """Purchases in (T, T + horizon].

    Mean and P(at least one) are exact: the published closed form, and 1 − P(stays without a purchase) with the
    integral above. Quantiles mix the counts of 9 lengths of life within the horizon.
    """
    r, alpha, s, beta = fit.values(*NAMES)
    alive, shape = p_alive(fit, x, t_x, t), r + x
    rate, life = alpha + t, beta + t
    stretch = np.log1p(horizon / life)
    mean, at_least_one = _mean_and_first(alive, shape, rate, s, life, horizon)
    variance = _variance(alive, mean, shape, rate, s, life, stretch)
    if not levels:
        return Count(mean, variance, at_least_one, ())
    phases = [Phase(np.exp(-s * stretch), shape, rate, np.full(len(x), float(horizon)))]
    for node, weight in gauss_legendre(_LIVES):
        until = stretch * node  # ln(1 + τ / life) at the moment of death
        share = weight * stretch * s * np.exp(-s * until)
        phases.append(Phase(share, shape, rate, life * np.expm1(until)))
    mixed = count_ahead(alive, phases, levels=levels)
    return Count(mean, variance, at_least_one, mixed.quantiles)


def rank_ahead(fit: Fit, x: Floats, t_x: Floats, t: Floats, horizon: float) -> tuple[Floats, Floats]:
    """(expected purchases, P(at least one)), without counting further."""
    r, alpha, s, beta = fit.values(*NAMES)
    return _mean_and_first(p_alive(fit, x, t_x, t), r + x, alpha + t, s, beta + t, horizon)


def _mean_and_first(
    alive: Floats, shape: Floats, rate: Floats, s: float, life: Floats, horizon: float
) -> tuple[Floats, Floats]:
    stretch = np.log1p(horizon / life)
    # (1 − e^−(s−1)L) / (s − 1), which is L at s = 1.
    bent = -(s - 1) * stretch
    mean = (
        alive
        * shape
        / rate
        * life
        * stretch
        * np.where(np.abs(bent) < 1e-12, 1.0, np.expm1(bent) / np.where(bent == 0, 1.0, bent))
    )
    none, ahead = np.zeros(len(alive)), np.full(len(alive), float(horizon))
    dies_first = np.exp(dead_between(shape, rate, s, life, none, ahead).log)
    outlives = np.exp(-shape * np.log1p(horizon / rate) - s * stretch)
    return np.asarray(mean), np.asarray(alive * np.clip(1 - dies_first - outlives, 0, 1))


def _variance(
    alive: Floats, mean: Floats, shape: Floats, rate: Floats, s: float, life: Floats, stretch: Floats
) -> Floats:
    """Of the count: E[X²] = E[X] + E[λ²] E[e²], e the part of the horizon that is lived, E[e²] = 2 ∫ τ P(lives τ) dτ."""
    squared = np.zeros(len(mean))
    for node, weight in gauss_legendre(_EXPOSURES):
        u = stretch * node
        squared += 2 * weight * stretch * life**2 * np.expm1(u) * np.exp((1 - s) * u)
    return np.asarray(np.maximum(mean + alive * shape * (shape + 1) / rate**2 * squared - mean**2, 0))
