"""Gamma-Gamma: what a purchase of a customer is worth, learnt from the mean of the few they made.

A customer's purchases are Gamma(p, rate ν), ν ~ Gamma(q, rate v) over customers, apart from how often they buy.
Fader, Hardie: The Gamma-Gamma model of monetary value (2013). The density of the mean m of x purchases is

    1 / (m · B(px, q)) · (xm / (v + xm))^(px) · (v / (v + xm))^q

and the expected worth of a further purchase p (v + xm) / (px + q − 1), between the customer's mean and the shop's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np

from siyu_cli.forecast.ahead import Count
from siyu_cli.forecast.fit import Fit, failed, fit_shop
from siyu_cli.forecast.histories import distinct, evenly
from siyu_cli.forecast.minimise import Objective
from siyu_cli.forecast.special import Floats, digamma, log_gamma
from siyu_cli.language import tr

NAME = "gamma-gamma"
NAMES = ("p", "q", "v")


@dataclass(frozen=True)
class Spending:
    """Distinct (purchases, mean worth) in rising order, `weight` customers each."""

    x: Floats
    mean: Floats
    weight: Floats
    dropped: int = 0

    @classmethod
    def of(cls, x: Any, mean: Any, weight: Any | None = None) -> Spending:
        """From columns in any order; customers without a purchase or with nothing (or less) paid are left out.

        `x` counts the purchases `mean` is the mean of: with the published data the repeat purchases.
        """
        x, mean = (np.atleast_1d(np.asarray(one, float)) for one in (x, mean))
        count = np.ones(len(x)) if weight is None else np.atleast_1d(np.asarray(weight, float))
        possible = (
            np.isfinite(x) & (x > 0) & np.isfinite(mean) & (mean > 0) & np.isfinite(count) & (count > 0)
        )
        dropped = float(np.sum(count, where=~possible & np.isfinite(count)))
        x, mean, count = x[possible], mean[possible], count[possible]
        first, inverse = distinct(x, mean)
        gathered = np.asarray(np.bincount(inverse, weights=count, minlength=len(first)), float)
        return cls(x[first], mean[first], gathered, round(dropped))

    @property
    def rows(self) -> int:
        return len(self.x)

    @cached_property
    def customers(self) -> float:
        return float(self.weight.sum())

    def thinned(self, most: int) -> Spending:
        """Of `most` customers, spread evenly over all in rising order, who stand for all of them."""
        if self.rows <= most:
            return self
        rows, weight = evenly(self.weight, most)
        return Spending(self.x[rows], self.mean[rows], weight, self.dropped)


def fit_gamma_gamma(spending: Spending) -> Fit:
    """The most likely (p, q, v). Not to be had where every customer pays the same, or so wildly that no mean exists."""
    customers = spending.customers
    if spending.rows < 2 or spending.mean.min() == spending.mean.max():
        message = tr(
            "客户每次的金额没有差别可学(不到两位客户,或人人一样)",
            "there is no difference in spending to learn from (fewer than two customers, or all alike)",
        )
        return failed(NAME, message, customers)
    average = float(spending.mean @ spending.weight) / customers
    starts = [(4.0, 4.0, 0.75 * average), (1.0, 3.0, 2.0 * average)]
    fit = fit_shop(NAME, NAMES, spending, negative_loglik, starts)
    if fit.converged and fit.params["q"] <= 1:
        message = tr(
            "金额的差别大到平均值没有意义(q ≤ 1),不估计客户价值",
            "spending differs so wildly that its mean has no meaning (q ≤ 1): no values are estimated",
        )
        return failed(NAME, message, customers, fit.iterations)
    return fit


def negative_loglik(spending: Spending) -> Objective:
    """−loglik and its slope, at the logarithms of (p, q, v)."""
    x, mean, weight = spending.x, spending.mean, spending.weight
    counts, codes = np.unique(x, return_inverse=True)
    customers = np.bincount(codes, weights=weight)
    total, paid, log_paid = float(weight.sum()), x * mean, np.log(x * mean)
    constant = float(weight @ np.log(mean))
    logs = np.bincount(codes, weights=weight * log_paid)
    log_total = float(counts @ logs)

    def at(point: Floats) -> tuple[float, Floats]:
        p, q, v = np.exp(point)
        shape = p * counts
        log_all = np.log(v + paid)
        whole = float(customers @ (log_gamma(shape + q) - log_gamma(shape))) - total * float(log_gamma(q))
        value = (
            whole + q * total * np.log(v) + p * log_total - float((weight * (p * x + q)) @ log_all) - constant
        )
        both = digamma(shape + q)
        d_p = (
            float((customers * counts) @ (both - digamma(shape))) + log_total - float((weight * x) @ log_all)
        )
        d_q = (
            float(customers @ both) - total * float(digamma(q)) + total * np.log(v) - float(weight @ log_all)
        )
        d_v = q * total / v - float((weight * (p * x + q)) @ (1 / (v + paid)))
        return -value, -np.array([d_p * p, d_q * q, d_v * v])

    return at


def expected_worth(fit: Fit, x: Floats, mean: Floats) -> Floats:
    """The expected worth of a further purchase; of customers with x = 0 (mean ignored) the shop's mean."""
    p, q, v = fit.values(*NAMES)
    return np.asarray(p * (v + x * np.where(x > 0, mean, 0.0)) / (p * x + q - 1))


@dataclass(frozen=True)
class Value:
    """Worth of the purchases ahead: mean, and quantiles by level where they were asked for."""

    mean: Floats
    quantiles: tuple[Floats, ...]


def value_ahead(fit: Fit, x: Floats, mean: Floats, count: Count, levels: tuple[float, ...] = ()) -> Value:
    """Purchases ahead times their worth. Quantiles need `count` with its variance.

    They are of the total that will be spent, not of its mean. It is 0 with probability 1 − P(at least one). Given a
    purchase it is taken as gamma with the exact mean and variance (where q + px <= 2 the variance does not exist and
    that of q + px = 2.1 stands for it), its quantiles by Wilson and Hilferty's cube. Of simulated customers 9.5 to
    10.5 % spend more than the line of 90 %, and 9 to 14 % less than that of 10 % where it is above 0.
    """
    p, q, v = fit.values(*NAMES)
    worth = expected_worth(fit, x, mean)
    total = count.mean * worth
    if not levels:
        return Value(total, ())
    rate, shape = v + x * np.where(x > 0, mean, 0.0), np.maximum(q + p * x, 2.1)
    # E[N²] p² + E[N] p purchases' squares, each times E[1/ν²] with ν ~ Gamma(shape, rate).
    squares = (
        (p * p * (count.variance + count.mean**2) + p * count.mean) * rate**2 / ((shape - 1) * (shape - 2))
    )
    chance = np.maximum(count.at_least_one, 1e-300)
    first, second = total / chance, squares / chance
    # 1 / (9 shape) of that gamma: a ninth of the variance over the squared mean.
    bend = np.maximum(second / np.maximum(first, 1e-300) ** 2 - 1, 0) / 9
    quantiles = []
    for level in levels:
        inside = (level - (1 - chance)) / chance
        z = _normal_quantile(np.clip(inside, 1e-12, 1 - 1e-12))
        spent = first * np.maximum(1 - bend + z * np.sqrt(bend), 0) ** 3
        quantiles.append(np.where(inside <= 0, 0.0, spent))
    return Value(total, tuple(quantiles))


_TABLE_Z = np.linspace(-7.2, 7.2, 2881)
_TABLE_P = np.array([NormalDist().cdf(float(z)) for z in _TABLE_Z])


def _normal_quantile(level: Floats) -> Floats:
    """The standard normal quantile, to 1e-4, from a table of the distribution."""
    return np.asarray(np.interp(level, _TABLE_P, _TABLE_Z))
