"""The ways to say who buys again, from the plainest to the most learned: each ranks customers, some give chances.

A method ranks from what is known at its moment alone: histories and gaps up to then, and for the taught one who
came in an earlier stretch of the same length. None takes 1 − P(alive): that says nothing of one-time buyers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from siyu_cli.customers.histories import Buyers
from siyu_cli.forecast.fit import Fit
from siyu_cli.forecast.histories import Histories
from siyu_cli.forecast.models import fit_model, rank_ahead
from siyu_cli.forecast.plain import teach_plain
from siyu_cli.forecast.rhythm import Gaps, own_rhythm
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr
from siyu_cli.settings import CHURN_METHODS

BASELINES = ("recency", "frequency-recency")
MODELS = ("bg-nbd", "mbg-nbd", "mbg-cnbd", "pareto-nbd")
PLAIN = "plain"
METHODS = CHURN_METHODS[1:]
"""From the simplest on: of two that rank alike the earlier is taken."""

MOST_TAUGHT = 50_000
"""Distinct histories the models are fitted to; beyond that so many customers stand for all. All are ranked."""

_FAR = 1_000_000  # days: more than any recency, so that frequency decides first


def method_words(name: str) -> str:
    """A method by a name people can read."""
    return {
        "recency": tr("最近购买(R)", "recency"),
        "frequency-recency": tr("先比次数再比最近", "frequency, then recency"),
        "rf-score": tr("R 分 + F 分", "R + F quintiles"),
        "cadence": tr("自己的节奏", "own cadence"),
        "plain": tr("逻辑回归", "logistic regression"),
        "bg-nbd": "BG/NBD",
        "mbg-nbd": "MBG/NBD",
        "mbg-cnbd": "MBG/CNBD-k",
        "pareto-nbd": "Pareto/NBD",
    }.get(name) or (f"MBG/CNBD-{name.rpartition('-')[2]}" if "cnbd" in name else name)


@dataclass(frozen=True)
class Lesson:
    """What the taught method learns from: buyers at an earlier day, who came within so many `days` after it."""

    buyers: Buyers
    days: int


@dataclass(frozen=True)
class Known:
    """Everything known at one moment: the buyers, the gaps up to then, and a lesson where there is one.

    Fits are kept: regular timing (mbg-cnbd) begins with the fit of mbg-nbd.
    """

    buyers: Buyers
    gaps: Gaps
    lesson: Lesson | None = None
    fits: dict[str, Fit] = field(default_factory=dict)

    @cached_property
    def histories(self) -> Histories:
        """What the models are fitted to. Of a large shop some: more would cost much and move no parameter by 1 %."""
        return self.buyers.histories(self.gaps).thinned(MOST_TAUGHT)

    @property
    def shop_gap(self) -> float | None:
        return self.gaps.mean


@dataclass(frozen=True)
class Ranking:
    """A score per buyer, higher = likelier to buy; `chance` is P(buys within the horizon) by the method's own story,
    where it has one.

    Where it could not rank, `score` is None and `message` says why.
    """

    name: str
    score: Floats | None = None
    chance: Floats | None = None
    message: str = ""


def rank(name: str, known: Known, horizon: int) -> Ranking:
    """The ranking of one of METHODS. Raises ValueError for another name."""
    buyers = known.buyers
    if name == "recency":
        return Ranking(name, -buyers.since)
    if name == "frequency-recency":
        return Ranking(name, buyers.x * _FAR - buyers.since)
    if name == "rf-score":
        return Ranking(name, _scores(-buyers.since) + _scores(buyers.x))
    if name == "cadence":
        if known.shop_gap is None:
            return Ranking(name, message=_nobody_came_back())
        return Ranking(name, -buyers.since / own_rhythm(buyers.x, buyers.t_x, known.shop_gap))
    if name == PLAIN:
        return _rank_plain(known, horizon)
    if name in MODELS:
        return _rank_model(name, known, horizon)
    raise ValueError(f"no such method: {name}")


def fit_of(name: str, known: Known) -> Fit:
    """The fit of one of MODELS, made once."""
    if name not in known.fits:
        fit = fit_model(name, known.histories)
        known.fits[name] = fit
        if name == "mbg-cnbd" and fit.model == "mbg-nbd":  # one stage after all: it is that model
            known.fits["mbg-nbd"] = fit
    return known.fits[name]


def _rank_model(name: str, known: Known, horizon: int) -> Ranking:
    fit = fit_of(name, known)
    if not fit.converged:
        return Ranking(name, message=fit.message)
    if name == "mbg-cnbd" and fit.model == "mbg-nbd":
        return Ranking(
            name,
            message=tr("间隔没有规律(k = 1),和 MBG/NBD 是同一个", "no regularity (k = 1): it is MBG/NBD"),
        )
    buyers = known.buyers
    score, buys = rank_ahead(fit, buyers.x, buyers.t_x, buyers.t, horizon)
    return Ranking(name, score, buys, fit.message)


def _rank_plain(known: Known, horizon: int) -> Ranking:
    lesson = known.lesson
    if lesson is None or not lesson.buyers.size:
        return Ranking(
            PLAIN, message=tr("历史太短,没有更早的一段可学", "the past is too short for an earlier lesson")
        )
    if known.shop_gap is None:
        return Ranking(PLAIN, message=_nobody_came_back())
    taught = lesson.buyers
    model = teach_plain(taught.x, taught.t_x, taught.t, taught.came, shop_gap=known.shop_gap)
    if not model.converged:
        return Ranking(PLAIN, message=model.message)
    buyers = known.buyers
    chance = model.chance(buyers.x, buyers.t_x, buyers.t)
    # Taught over another stretch it ranks, but its percentages are of that stretch.
    return Ranking(PLAIN, chance, chance if lesson.days == horizon else None)


def _scores(values: Floats) -> Floats:
    """Quintile scores 1 … 5; equal values get equal scores."""
    if not len(values):
        return values
    cuts = np.quantile(values, (0.2, 0.4, 0.6, 0.8))
    return np.asarray(1 + np.searchsorted(cuts, values, side="left"), float)


def _nobody_came_back() -> str:
    return tr("还没有人买过第二次", "nobody has bought twice yet")
