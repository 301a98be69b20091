"""A plain model of buying again: logistic regression on recency, frequency, age and cadence, each bent at knots.

It is taught by what happened: histories at an earlier day, and who bought within the horizon after it. It needs
no story of how people buy, so it speaks of one-time buyers too; it knows nothing beyond the horizon it was taught.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from siyu_cli.forecast.histories import are_possible, distinct
from siyu_cli.forecast.rhythm import SHRINK, own_rhythm
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr

NAME = "plain"
_KNOTS = (0.2, 0.4, 0.6, 0.8)
_PULL = 1.0  # as of one customer per coefficient: decides only where the data do not
_MOST = 100


@dataclass(frozen=True)
class Plain:
    """A taught model; where `converged` is False it has no coefficients and `message` says why."""

    coefficients: tuple[float, ...] = ()
    knots: tuple[tuple[float, ...], ...] = ()
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    shop_gap: float = 1.0
    shrink: float = SHRINK
    converged: bool = False
    iterations: int = 0
    message: str = ""
    customers: int = 0

    def chance(self, x: Any, t_x: Any, t: Any) -> Floats:
        """P(buys within the horizon it was taught) of each customer; 0 of impossible histories.

        Raises ValueError where the model could not be taught.
        """
        if not self.converged:
            raise ValueError(f"{NAME}: {self.message}")
        x, t_x, t = (np.atleast_1d(np.asarray(one, float)) for one in (x, t_x, t))
        t_x = np.where(x == 0, 0.0, t_x)
        known = are_possible(x, t_x, t)
        bent = _bend(_measures(x[known], t_x[known], t[known], self.shop_gap, self.shrink), self.knots)
        whole = (bent - np.array(self.centre)) / np.array(self.scale)
        result = np.zeros(len(x))
        result[known] = _logistic(self.coefficients[0] + whole @ np.array(self.coefficients[1:]))
        return result


def teach_plain(x: Any, t_x: Any, t: Any, bought: Any, *, shop_gap: float, shrink: float = SHRINK) -> Plain:
    """The most likely coefficients, held by a weak pull to 0, so that they exist whatever the shop looks like."""
    x, t_x, t = (np.atleast_1d(np.asarray(one, float)) for one in (x, t_x, t))
    t_x = np.where(x == 0, 0.0, t_x)
    came = np.atleast_1d(np.asarray(bought, bool))
    possible = are_possible(x, t_x, t)
    x, t_x, t, came = x[possible], t_x[possible], t[possible], came[possible]
    if not came.any() or came.all():
        message = tr(
            "期内没有人买,或人人都买了,没有差别可学",
            "nobody bought in the period, or everybody did: there is no difference to learn from",
        )
        return Plain(message=message, customers=len(x))
    first, inverse = distinct(x, t_x, t)
    size = np.bincount(inverse, minlength=len(first)).astype(float)
    buyers = np.asarray(np.bincount(inverse, weights=came, minlength=len(first)), float)
    measures = _measures(x[first], t_x[first], t[first], shop_gap, shrink)
    knots = tuple(_knots_of(column, size) for column in measures.T)
    bent = _bend(measures, knots)
    centre = size @ bent / size.sum()
    scale = np.sqrt(size @ (bent - centre) ** 2 / size.sum())
    scale = np.where(scale > 1e-9, scale, 1.0)
    columns = np.column_stack([np.ones(len(bent)), (bent - centre) / scale])
    solution, iterations, is_done = _regress(columns, size, buyers)
    if not is_done:
        message = tr("逻辑回归没有收敛", "the logistic regression did not converge")
        return Plain(message=message, customers=len(x), iterations=iterations)
    return Plain(
        tuple(solution.tolist()),
        knots,
        tuple(centre.tolist()),
        tuple(scale.tolist()),
        shop_gap,
        shrink,
        True,
        iterations,
        "",
        len(x),
    )


def _measures(x: Floats, t_x: Floats, t: Floats, shop_gap: float, shrink: float) -> Floats:
    """Columns: since the last purchase, purchases, age, and the first against one's own rhythm; logarithms."""
    since = t - t_x
    rhythm = np.maximum(own_rhythm(x, t_x, shop_gap, shrink), 1e-9)
    unit = max(shop_gap, 1e-9)
    return np.column_stack(
        [np.log1p(30 * since / unit), np.log1p(x), np.log1p(30 * t / unit), np.log(since / rhythm + 0.05)]
    )


def _knots_of(column: Floats, size: Floats) -> tuple[float, ...]:
    """Distinct values inside the range at which the line may bend: quintiles of the customers."""
    order = np.argsort(column, kind="stable")
    ends = np.cumsum(size[order])
    places = np.searchsorted(ends, np.array(_KNOTS) * ends[-1])
    values = np.unique(column[order][np.minimum(places, len(order) - 1)])
    return tuple(float(one) for one in values if column.min() < one < column.max())


def _bend(measures: Floats, knots: tuple[tuple[float, ...], ...]) -> Floats:
    """Each column, and what it has beyond each of its knots."""
    parts = []
    for column, places in zip(measures.T, knots, strict=True):
        parts.append(column)
        parts.extend(np.maximum(column - place, 0) for place in places)
    return np.column_stack(parts)


def _logistic(line: Floats) -> Floats:
    small = np.exp(-np.abs(line))
    return np.asarray(np.where(line >= 0, 1.0, small) / (1 + small))


def _regress(columns: Floats, size: Floats, buyers: Floats) -> tuple[Floats, int, bool]:
    """Newton's steps (iteratively reweighted least squares), halved until the pulled likelihood rises."""
    pull = np.full(columns.shape[1], _PULL)
    pull[0] = 0.0
    share = float(buyers.sum() / size.sum())
    solution = np.zeros(columns.shape[1])
    solution[0] = np.log(share / (1 - share))

    def height(at: Floats) -> float:
        line = columns @ at
        return float(buyers @ line - size @ np.logaddexp(0, line)) - 0.5 * float(pull @ at**2)

    top = height(solution)
    for turn in range(1, _MOST + 1):
        chance = _logistic(columns @ solution)
        slope = columns.T @ (buyers - size * chance) - pull * solution
        bend = (columns.T * (size * chance * (1 - chance))) @ columns + np.diag(pull)
        step = np.linalg.lstsq(bend, slope, rcond=None)[0]
        if float(step @ slope) < 1e-10:
            return solution, turn, True
        length = 1.0
        while length > 1e-8 and not height(solution + length * step) > top:
            length /= 2
        if length <= 1e-8:
            return solution, turn, float(step @ slope) < 1e-6
        solution = solution + length * step
        top = height(solution)
    return solution, _MOST, False
