"""How good a forecast was: does it rank those who bought above those who did not, and are its percentages true?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from siyu_cli.forecast.special import Floats

FEW = 10
"""With fewer who bought, or fewer who did not, no bound is given: its approximation means nothing there."""


@dataclass(frozen=True)
class Auc:
    """The probability that one who bought has a higher score than one who did not; equal scores count half.

    `error` is its standard error (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988). Where nobody or
    everybody bought there is nothing to rank: value 0.5, error None.
    """

    value: float
    error: float | None
    bought: int
    others: int

    def lower_bound(self, confidence: float = 0.995) -> float:
        """One-sided; 0 where there are too FEW for it to mean anything."""
        if self.error is None or min(self.bought, self.others) < FEW:
            return 0.0
        return max(0.0, self.value - NormalDist().inv_cdf(confidence) * self.error)


@dataclass(frozen=True)
class Outcomes:
    """What came of customers by their score: distinct scores rising, how many had each, how many of them bought.

    Everything here is counted from these: sorted once, no customer is looked at again.
    """

    scores: Floats
    customers: Floats
    bought: Floats

    @classmethod
    def of(cls, score: Any, bought: Any, customers: Any | None = None) -> Outcomes:
        """From columns in any order; with `customers` each row stands for so many, of whom `bought` did."""
        score, came = np.asarray(score, float), np.asarray(bought, float)
        scores, place = np.unique(score, return_inverse=True)
        size = np.bincount(place, weights=customers, minlength=len(scores))
        gathered = np.bincount(place, weights=came, minlength=len(scores))
        return cls(scores, np.asarray(size, float), np.asarray(gathered, float))

    @property
    def total(self) -> float:
        return float(self.customers.sum())

    def area(self) -> Auc:
        """The AUC of the score, higher = likelier to buy."""
        ones, zeros = self.bought, self.customers - self.bought
        buyers, others = float(ones.sum()), float(zeros.sum())
        if not (buyers and others):
            return Auc(0.5, None, round(buyers), round(others))
        # For each who bought the share of the others below them, for each of the others that of buyers above.
        above = (np.cumsum(zeros) - zeros / 2) / others
        below = 1 - (np.cumsum(ones) - ones / 2) / buyers
        value = float(ones @ above) / buyers
        error = None
        if min(buyers, others) > 1:
            parts = (
                float(ones @ (above - value) ** 2) / (buyers - 1) / buyers,
                float(zeros @ (below - value) ** 2) / (others - 1) / others,
            )
            error = float(np.sqrt(sum(parts)))
        return Auc(value, error, round(buyers), round(others))

    def brier(self, chance: Any | None = None) -> float:
        """The mean squared distance from what happened, of `chance` by score or the scores themselves; 0 of nobody."""
        said = self.scores if chance is None else np.asarray(chance, float)
        missed = self.bought @ (1 - said) ** 2 + (self.customers - self.bought) @ said**2
        return float(missed) / self.total if self.total else 0.0

    def bands(self, most: int = 10) -> tuple[Band, ...]:
        """Bands of about equal size by rising score; equal scores are never parted, so there may be fewer."""
        if not len(self.scores):
            return ()
        # A score belongs to the band its middle customer falls into.
        middle = np.cumsum(self.customers) - self.customers / 2
        band = np.minimum((middle * most / self.total).astype(np.int64), most - 1)
        starts = np.flatnonzero(np.diff(band, prepend=-1))
        ends = np.append(starts[1:], len(band)) - 1
        size, came, said = (
            np.add.reduceat(one, starts)
            for one in (self.customers, self.bought, self.scores * self.customers)
        )
        return tuple(
            Band(float(low), float(high), float(said_of / of), float(came_of / of), round(float(of)))
            for low, high, said_of, came_of, of in zip(
                self.scores[starts], self.scores[ends], said, came, size, strict=True
            )
        )

    def calibration(self, bands: int = 200) -> Calibration:
        """The rising line nearest to what happened (pooled adjacent violators), from bands of about equal size.

        Higher scores never get a lower probability, so the ranking stays. Raises ValueError where there is nobody.
        """
        parts = self.bands(bands)
        if not parts:
            raise ValueError("nobody to calibrate with")
        pools: list[tuple[float, float, int]] = []  # mean score, share that bought, customers
        for part in parts:
            pools.append((part.expected, part.came, part.customers))
            while len(pools) > 1 and pools[-2][1] >= pools[-1][1]:
                (one, came, size), (other, also, more) = pools[-2:]
                whole = size + more
                pools[-2:] = [
                    ((one * size + other * more) / whole, (came * size + also * more) / whole, whole)
                ]
        return Calibration(tuple(one for one, _, _ in pools), tuple(came for _, came, _ in pools))


@dataclass(frozen=True)
class Band:
    """Customers with like probabilities: what was expected of them (mean), what came, and how many they are."""

    low: float
    high: float
    expected: float
    came: float
    customers: int


@dataclass(frozen=True)
class Calibration:
    """Turns a score into a probability: straight lines between (score, share that bought), never falling."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def apply(self, score: Any) -> Floats:
        """Probabilities in the order of the scores; ends are held beyond what was seen."""
        return np.asarray(np.interp(np.asarray(score, float), self.scores, self.chances))
