"""Would it have worked? Hold the last days out, rank by every method at their start, look at who came.

The area under the curve (AUC) of a method is how often it puts one who bought above one who did not: .5 is a coin.
A method counts only where the lower bound of its AUC (DeLong, one-sided 99.5 %) lies above .5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from siyu_cli.clock import date_of
from siyu_cli.customers.churn_methods import METHODS, MODELS, Known, Ranking, rank
from siyu_cli.customers.histories import Buyers
from siyu_cli.forecast.histories import Ints
from siyu_cli.forecast.ranking import (
    FEW,
    Auc,
    Band,
    Calibration,
    Outcomes,
)
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr

AUTO = "auto"
ALIKE = 0.005
"""Methods whose AUC lies so near below the highest rank alike: the simpler one is taken."""
CONFIDENCE = 0.995
_PER_BAND = 25


@dataclass(frozen=True)
class Trial:
    """One method on the days held out; `auc` is None where it could not rank, `message` says why.

    `own_chance` is the mean of its own probabilities, where it has some. `brier` and `bands` (of the chosen method
    only) are of those shown to people: what came of customers ranked alike, learnt from the other half of them.
    """

    name: str
    auc: Auc | None
    own_chance: float | None
    brier: float | None
    bands: tuple[Band, ...]
    message: str

    @property
    def lower(self) -> float:
        """The lower bound of the AUC; 0 where there is none."""
        return self.auc.lower_bound(CONFIDENCE) if self.auc else 0.0

    @property
    def has_signal(self) -> bool:
        return self.lower > 0.5

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "auc": round(self.auc.value, 4) if self.auc else None,
            "auc_lower": round(self.lower, 4) if self.lower else None,
            "own_chance": _rounded(self.own_chance),
            "brier": _rounded(self.brier),
            "message": self.message,
        }


@dataclass(frozen=True)
class Backtest:
    """The test of all methods. `chosen` is None where none has a signal, and `reason` says why."""

    horizon: int
    cut_day: int
    customers: int
    bought: int
    methods: tuple[Trial, ...]
    asked: str
    chosen: str | None
    reason: str
    calibration: Calibration | None

    @property
    def base(self) -> float:
        """The share of customers who bought in the days held out; 0 of nobody."""
        return self.bought / self.customers if self.customers else 0.0

    @property
    def is_automatic(self) -> bool:
        return self.asked == AUTO

    def of(self, name: str) -> Trial | None:
        """One method's test."""
        return next((one for one in self.methods if one.name == name), None)

    @property
    def ahead_model(self) -> str | None:
        """The model that counts what lies ahead: the chosen method where it can count, else of the models of repeat
        buying with a signal the one that ranks best.
        """
        if self.chosen in MODELS:
            return self.chosen
        found = [one for one in self.methods if one.name in MODELS and one.has_signal and one.auc]
        return max(found, key=_value, default=None).name if found else None  # type: ignore[union-attr]

    def as_dict(self) -> dict[str, Any]:
        """For `result.backtest` and the store."""
        chosen = self.of(self.chosen) if self.chosen else None
        return {
            "horizon_days": self.horizon,
            "as_of": date_of(self.cut_day + self.horizon).isoformat(),
            "cut": date_of(self.cut_day).isoformat(),
            "customers": self.customers,
            "bought": self.bought,
            "base_rate": round(self.base, 4),
            "methods": [one.as_dict() for one in self.methods],
            "asked": self.asked,
            "chosen": self.chosen,
            "ahead_model": self.ahead_model,
            "reason": self.reason,
            "calibration": [
                {
                    "low": _rounded(band.low),
                    "high": _rounded(band.high),
                    "expected": _rounded(band.expected),
                    "came": _rounded(band.came),
                    "customers": band.customers,
                }
                for band in (chosen.bands if chosen else ())
            ],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _value(one: Trial) -> float:
    return one.auc.value if one.auc else 0.0


def run_backtest(known: Known, horizon: int, asked: str = AUTO) -> Backtest:
    """Test every method on `known` (as of the cut, with who came after it), and choose."""
    buyers = known.buyers
    bought = int(buyers.came.sum())
    tested: list[Trial] = []
    rankings: dict[str, Ranking] = {}
    if buyers.size:
        # Regular timing first: where it is none, its fit is the plain one's.
        for name in sorted(METHODS, key=lambda one: one != "mbg-cnbd"):
            rankings[name] = rank(name, known, horizon)
        tested = [_test(rankings[name], buyers) for name in METHODS]
    chosen = _choose(tested, asked)
    reason = _reason(tested, asked, chosen, buyers.size, bought)
    ranking = rankings.get(chosen) if chosen else None
    calibration = None
    if ranking is not None and ranking.score is not None:
        bands = _true_bands(ranking.score, buyers)
        tested = [replace(one, bands=bands) if one.name == chosen else one for one in tested]
        calibration = Outcomes.of(ranking.score, buyers.came).calibration(_bands(buyers.size))
    return Backtest(
        horizon, buyers.day, buyers.size, bought, tuple(tested), asked, chosen, reason, calibration
    )


def _test(ranking: Ranking, buyers: Buyers) -> Trial:
    if ranking.score is None:
        return Trial(ranking.name, None, None, None, (), ranking.message)
    halves, chances = _by_halves(ranking.score, buyers)
    one, other = halves
    whole = Outcomes(one.scores, one.customers + other.customers, one.bought + other.bought)
    brier = sum(part.brier(chance) * part.total for part, chance in zip(halves, chances, strict=True))
    own = None if ranking.chance is None else float(ranking.chance.mean())
    area = whole.area()
    # Where everybody bought, or nobody, there is nothing to rank.
    auc = area if area.bought and area.others else None
    return Trial(ranking.name, auc, own, brier / whole.total, (), ranking.message)


def _by_halves(score: Floats, buyers: Buyers) -> tuple[list[Outcomes], list[Floats]]:
    """Both halves of the customers by score, and for each the chances that the other half's outcomes give a score:
    so nobody judges themselves.
    """
    scores, place = np.unique(score, return_inverse=True)
    half = buyers.customer % 2 == 0
    halves = [_outcomes(scores, place[chosen], buyers.came[chosen]) for chosen in (half, ~half)]
    base = float(buyers.came.mean())
    chances = [
        _seen(learnt).calibration(_bands(round(learnt.total))).apply(scores)
        if learnt.total
        else np.full(len(scores), base)
        for learnt in halves[::-1]
    ]
    return halves, chances


def _true_bands(score: Floats, buyers: Buyers) -> tuple[Band, ...]:
    """Were the probabilities true? Of ten groups what was said and what came."""
    halves, chances = _by_halves(score, buyers)
    return Outcomes.of(
        np.concatenate(chances),
        np.concatenate([part.bought for part in halves]),
        np.concatenate([part.customers for part in halves]),
    ).bands()


def _outcomes(scores: Floats, place: Ints, came: Any) -> Outcomes:
    """Of some customers, by all the scores there are."""
    size, bought = (
        np.bincount(place, weights=weights, minlength=len(scores)).astype(float) for weights in (None, came)
    )
    return Outcomes(scores, size, bought)


def _seen(outcomes: Outcomes) -> Outcomes:
    """Without the scores that nobody has."""
    chosen = outcomes.customers > 0
    return Outcomes(outcomes.scores[chosen], outcomes.customers[chosen], outcomes.bought[chosen])


def _bands(customers: int) -> int:
    """So many that each holds some customers: single ones would be learnt by heart."""
    return max(1, min(200, customers // _PER_BAND))


def _choose(tested: list[Trial], asked: str) -> str | None:
    """The simplest of those that rank alike; None where nothing has a signal."""
    able = [one for one in tested if one.has_signal and asked in (AUTO, one.name)]
    if not able:
        return None
    top = max(_value(one) for one in able)
    return next(one.name for one in able if _value(one) >= top - ALIKE)


def _reason(tested: list[Trial], asked: str, chosen: str | None, customers: int, bought: int) -> str:
    if chosen is not None:
        return ""
    if not customers:
        return tr("那之前还没有客户买过", "nobody had bought before that day")
    if min(bought, customers - bought) < FEW:
        return tr(
            f"这几天里买的 {bought:,} 人、没买的 {customers - bought:,} 人,少于 {FEW} 人的一边说明不了什么",
            f"{bought:,} bought and {customers - bought:,} did not: fewer than {FEW} on a side prove nothing",
        )
    if asked != AUTO and any(one.has_signal for one in tested):
        return tr(f"指定的方法 {asked} 排不出先后", f"the method asked for, {asked}, has no signal")
    return tr(
        "没有一种方法能可靠地把会再买的排在不会的前面(AUC 的 99.5% 下限都不到 0.5)",
        "no method reliably ranks those who come back above the others (99.5 % lower bounds of AUC are not above .5)",
    )
