"""What the models know of customers: distinct histories with the number of customers who share each.

The likelihood of a shop is a sum over customers, and equal histories give equal terms: a million customers
by day are a few hundred thousand histories, by week some ten thousand. Only equal histories are put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from siyu_cli.forecast.special import Floats

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

_MOST_PURCHASES = 1_000_000  # nobody buys so often; a table is made up to the largest x
_LARGEST_KEY = 2**62


@dataclass(frozen=True)
class Histories:
    """Distinct (x, t_x, T) in rising order, `weight` customers each.

    `log_gaps` is the sum of the natural logarithms of all gaps between purchases, where known: models of regular
    timing need it to be compared with others. `dropped` counts customers whose numbers cannot be true.
    """

    x: Floats
    t_x: Floats
    t: Floats
    weight: Floats
    log_gaps: float | None = None
    dropped: int = 0

    @classmethod
    def of(
        cls, x: Any, t_x: Any, t: Any, weight: Any | None = None, *, log_gaps: float | None = None
    ) -> Histories:
        """From columns in any order. Impossible rows are left out and counted, never an error.

        Impossible: not finite, negative, x not whole, t_x > T, repeat purchases without time between.
        A customer without repeat purchases has t_x = 0, whatever is said.
        """
        x, t_x, t = (np.atleast_1d(np.asarray(one, float)) for one in (x, t_x, t))
        t_x = np.where(x == 0, 0.0, t_x)
        count = np.ones(len(x)) if weight is None else np.atleast_1d(np.asarray(weight, float))
        possible = are_possible(x, t_x, t) & np.isfinite(count) & (count > 0)
        dropped = float(np.sum(count, where=~possible & np.isfinite(count)))
        if not possible.all():
            x, t_x, t, count = x[possible], t_x[possible], t[possible], count[possible]
        first, inverse = distinct(x, t_x, t)
        gathered = np.asarray(np.bincount(inverse, weights=count, minlength=len(first)), float)
        return cls(x[first], t_x[first], t[first], gathered, log_gaps, round(dropped))

    @property
    def rows(self) -> int:
        return len(self.x)

    @cached_property
    def customers(self) -> float:
        return float(self.weight.sum())

    @cached_property
    def purchases(self) -> float:
        """All repeat purchases."""
        return float(self.x @ self.weight)

    @cached_property
    def repeaters(self) -> float:
        """Customers with a repeat purchase."""
        return float(np.sum(self.weight, where=self.x > 0))

    @cached_property
    def mean_time(self) -> float:
        """The mean T; 0 of nobody."""
        return float(self.t @ self.weight) / self.customers if self.customers else 0.0

    def thinned(self, most: int) -> Histories:
        """The histories of `most` customers, spread evenly over all in rising order, who stand for all of them.

        Their number, their purchases and their times stay within a fraction of what one customer more or less makes.
        """
        if self.rows <= most:
            return self
        rows, weight = evenly(self.weight, most)
        return Histories(self.x[rows], self.t_x[rows], self.t[rows], weight, self.log_gaps, self.dropped)


def evenly(weight: Floats, most: int) -> tuple[Ints, Floats]:
    """Every so many-th customer of rows that stand for `weight` each: (the rows they are in, their new weights)."""
    ends = np.cumsum(weight)
    share = float(ends[-1]) / most
    places = np.minimum(np.searchsorted(ends, (np.arange(most) + 0.5) * share, side="right"), len(weight) - 1)
    rows, counts = np.unique(places, return_counts=True)
    return np.asarray(rows, np.int64), np.asarray(counts * share, float)


def are_possible(x: Floats, t_x: Floats, t: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool]]:
    """Whether each history can be true."""
    with np.errstate(invalid="ignore"):
        whole = (x >= 0) & (x <= _MOST_PURCHASES) & (x == np.rint(x))
        timed = np.isfinite(t) & (t_x >= 0) & (t_x <= t) & ((t_x > 0) | (x == 0))
        return np.asarray(whole & timed)


def distinct(*columns: Floats) -> tuple[Ints, Ints]:
    """(a row of each distinct combination, in rising order; for each row which of them it is)."""
    if not len(columns[0]):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    key: Ints = np.zeros(len(columns[0]), np.int64)
    span = 1
    for column in columns:
        codes, size = _codes(column)
        if span * size > _LARGEST_KEY:  # only of keys that are not already close together
            key, span = _codes(key)
        key, span = key * size + codes, span * size
    values, inverse = np.unique(key, return_inverse=True)
    row = np.empty(len(values), np.int64)
    row[inverse] = np.arange(len(key))  # equal rows: any will do
    return row, np.asarray(inverse, np.int64)


def _codes(column: Any) -> tuple[Ints, int]:
    """Whole numbers that rise with the values, and one more than their largest."""
    low, high = float(column.min()), float(column.max())
    if high - low < 2**20:
        whole = column.astype(np.int64)
        if (whole == column).all():
            return whole - int(low), int(high) - int(low) + 1
    values, codes = np.unique(column, return_inverse=True)
    return np.asarray(codes, np.int64), len(values)
