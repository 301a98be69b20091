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


def area_under_curve(score: Any, bought: Any) -> Auc:
    """The AUC of a score, higher = likelier to buy."""
    placed = _placements(np.asarray(score, float), np.asarray(bought, bool))
    ones, zeros = len(placed[0]), len(placed[1])
    if not (ones and zeros):
        return Auc(0.5, None, ones, zeros)
    error = float(np.sqrt(_covariance(placed, placed))) if min(ones, zeros) > 1 else None
    return Auc(float(placed[0].mean()), error, ones, zeros)


def auc_difference(score: Any, other: Any, bought: Any) -> tuple[float, float]:
    """(AUC of `score` − AUC of `other`, its standard error), both on the same customers. (0, 0) where nothing ranks."""
    labels = np.asarray(bought, bool)
    if min(int(labels.sum()), int((~labels).sum())) < 2:
        return 0.0, 0.0
    one, two = (_placements(np.asarray(values, float), labels) for values in (score, other))
    variance = _covariance(one, one) + _covariance(two, two) - 2 * _covariance(one, two)
    return float(one[0].mean() - two[0].mean()), float(np.sqrt(max(variance, 0.0)))


def _placements(score: Floats, bought: Any) -> tuple[Floats, Floats]:
    """For each who bought the share of the others below them, for each of the others the share of buyers above."""
    whole = _ranks(score)
    ones, zeros = score[bought], score[~bought]
    above = (whole[bought] - _ranks(ones)) / max(len(zeros), 1)
    below = 1 - (whole[~bought] - _ranks(zeros)) / max(len(ones), 1)
    return above, below


def _ranks(score: Floats) -> Floats:
    """Ranks from 1; equal scores share the middle."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])


def _covariance(one: tuple[Floats, Floats], two: tuple[Floats, Floats]) -> float:
    parts = [
        float((a - a.mean()) @ (b - b.mean())) / (len(a) - 1) / len(a) for a, b in zip(one, two, strict=True)
    ]
    return sum(parts)


def brier_score(chance: Any, bought: Any) -> float:
    """The mean squared distance of the probabilities from what happened; 0 of nobody."""
    chance, bought = np.asarray(chance, float), np.asarray(bought, float)
    return float(np.mean((chance - bought) ** 2)) if len(chance) else 0.0


@dataclass(frozen=True)
class Band:
    """Customers with like probabilities: what was expected of them (mean), what came, and how many they are."""

    low: float
    high: float
    expected: float
    came: float
    customers: int


def reliability(chance: Any, bought: Any, bands: int = 10) -> tuple[Band, ...]:
    """Bands of about equal size, by rising probability; equal probabilities are never parted, so there may be fewer."""
    chance, bought = np.asarray(chance, float), np.asarray(bought, float)
    if not len(chance):
        return ()
    values, place, count = np.unique(chance, return_inverse=True, return_counts=True)
    came = np.bincount(place, weights=bought)
    # A value belongs to the band its middle customer falls into.
    middle = np.cumsum(count) - count / 2
    band = np.minimum((middle * bands / len(chance)).astype(np.int64), bands - 1)
    return tuple(
        Band(
            float(values[chosen][0]),
            float(values[chosen][-1]),
            float(values[chosen] @ count[chosen] / count[chosen].sum()),
            float(came[chosen].sum() / count[chosen].sum()),
            int(count[chosen].sum()),
        )
        for chosen in (np.flatnonzero(band == one) for one in np.unique(band))
    )


@dataclass(frozen=True)
class Calibration:
    """Turns a score into a probability: straight lines between (score, share that bought), never falling."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def apply(self, score: Any) -> Floats:
        """Probabilities in the order of the scores; ends are held beyond what was seen."""
        return np.asarray(np.interp(np.asarray(score, float), self.scores, self.chances))


def calibrate(score: Any, bought: Any, bands: int = 200) -> Calibration:
    """The rising line nearest to what happened (pooled adjacent violators), from bands of about equal size.

    Higher scores never get a lower probability, so the ranking stays. Raises ValueError where there is nobody.
    """
    parts = reliability(score, bought, bands)
    if not parts:
        raise ValueError("nobody to calibrate with")
    pools: list[tuple[float, float, int]] = []  # mean score, share that bought, customers
    for part in parts:
        pools.append((part.expected, part.came, part.customers))
        while len(pools) > 1 and pools[-2][1] >= pools[-1][1]:
            (one, came, size), (other, also, more) = pools[-2:]
            whole = size + more
            pools[-2:] = [((one * size + other * more) / whole, (came * size + also * more) / whole, whole)]
    return Calibration(tuple(one for one, _, _ in pools), tuple(came for _, came, _ in pools))
