"""How long buyers take to come back: the shop's gaps, how regular they are, each customer's own rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from siyu_cli.forecast.histories import Ints
from siyu_cli.forecast.special import Floats

CYCLE, SOME_CYCLE = 2.0, 1.3
"""Regularity k from which there is a cycle, and k below which purchases fall as by chance."""
SHRINK = 2.0
"""κ: the shop's mean gap weighs as much as so many gaps of one's own."""


@dataclass(frozen=True)
class Gaps:
    """The gaps between one purchase day and the next: distinct lengths in days, rising, and how often each occurs."""

    days: Ints
    counts: Ints

    @classmethod
    def of(cls, days: Any, counts: Any | None = None) -> Gaps:
        """From gaps in any order, or distinct ones with counts. Gaps below a day are left out."""
        lengths = np.atleast_1d(np.asarray(days, np.int64))
        often = (
            np.ones(len(lengths), np.int64) if counts is None else np.atleast_1d(np.asarray(counts, np.int64))
        )
        kept = (lengths > 0) & (often > 0)
        distinct, place = np.unique(lengths[kept], return_inverse=True)
        totals = np.zeros(len(distinct), np.int64)
        np.add.at(totals, place, often[kept])
        return cls(distinct, totals)

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> float | None:
        """In days; None where nobody came back."""
        return int(self.days @ self.counts) / self.total if self.total else None

    def day_by(self, percent: int) -> int | None:
        """The first day by which at least so many % of the gaps are over; None where nobody came back."""
        if not self.total:
            return None
        reached = np.cumsum(self.counts) * 100 >= percent * self.total
        return int(self.days[int(np.argmax(reached))])

    def share_over(self, day: int) -> float:
        """The share of gaps that are over by this day; 0 where nobody came back."""
        return float(self.counts[self.days <= day].sum()) / self.total if self.total else 0.0


@dataclass(frozen=True)
class Regularity:
    """k of Wheat and Morrison: about 1 = purchases fall as by chance, 2 and more = there is a cycle.

    `customers` had two gaps or more. `k` is None where there are none of them, and infinite where all gaps are equal.
    """

    k: float | None
    customers: int


def regularity(previous: Any, last: Any) -> Regularity:
    """From each customer's last two gaps (Wheat, Morrison: Estimating purchase regularity with two
    interpurchase times, Journal of Marketing Research 27, 1990).

    M = previous / (previous + last) is Beta(k, k) where gaps have k stages: k = (1 − 4 Var M) / (8 Var M). The mean
    of M is known to be 1/2, so the variance is taken around it and it does not matter which gap is called first.
    """
    one, two = np.atleast_1d(np.asarray(previous, float)), np.atleast_1d(np.asarray(last, float))
    told = np.isfinite(one) & np.isfinite(two) & (one > 0) & (two > 0)
    if not told.any():
        return Regularity(None, 0)
    variance = float(np.mean((one[told] / (one[told] + two[told]) - 0.5) ** 2))
    k = (1 - 4 * variance) / (8 * variance) if variance else float("inf")
    return Regularity(k, int(told.sum()))


def own_rhythm(x: Any, t_x: Any, shop_gap: float, shrink: float = SHRINK) -> Floats:
    """Each customer's usual gap: (own gaps + κ · shop's mean gap) ÷ (their number + κ), in the unit of t_x.

    The gaps of one customer sum up to t_x. Who bought once has the shop's rhythm.
    """
    return np.asarray((np.asarray(t_x, float) + shrink * shop_gap) / (np.asarray(x, float) + shrink))


def late_by(t_x: Any, t: Any, rhythm: Any) -> Floats:
    """By how much the next purchase is overdue; below 0 it is not due yet."""
    return np.asarray(np.asarray(t, float) - np.asarray(t_x, float) - np.asarray(rhythm, float))
