"""Shops for the tests of the models: simulated customers and the public CDNOW data."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siyu_cli.forecast.histories import Histories


@dataclass(frozen=True)
class Buyers:
    """One row per customer; `log_gaps` is the sum of the logarithms of all gaps."""

    x: Any
    t_x: Any
    t: Any
    mean: Any = None
    log_gaps: float | None = None

    @property
    def histories(self) -> Histories:
        return Histories.of(self.x, self.t_x, self.t, log_gaps=self.log_gaps)


def cdnow(shared_data: Path) -> Buyers:
    """The 2,357 customers of the published tables, 39 weeks, with the mean worth of their repeat purchases."""
    with (shared_data / "cdnow" / "cdnow_customers_summary_with_transactions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Buyers(*(np.array([float(row[name]) for row in rows]) for name in ("x", "t_x", "T", "zbar")))


def cdnow_days(shared_data: Path) -> tuple[Any, Any]:
    """(customer, day since 1970) of every row of the master file."""
    lines = (shared_data / "cdnow" / "CDNOW_master.txt").read_text().split("\n")[1:]
    pairs = [line.split()[:2] for line in lines if line.strip()]
    days = np.array([f"{day[:4]}-{day[4:6]}-{day[6:]}" for _, day in pairs], "datetime64[D]")
    return np.array([int(one) for one, _ in pairs]), days.astype(np.int64)


def cdnow_master(shared_data: Path) -> Buyers:
    """All 23,570 customers to 1997-09-30, distinct days, in weeks."""
    ids, days = cdnow_days(shared_data)
    end = int(np.datetime64("1997-09-30").astype(np.int64))
    return summary(ids[days <= end], days[days <= end], end, unit=7.0)


def summary(ids: Any, days: Any, end: float, unit: float = 1.0) -> Buyers:
    """(x, t_x, T) of purchase days, several purchases on one day counted once."""
    pairs = np.unique(np.stack([ids, days], axis=1), axis=0)
    owner, when = pairs[:, 0], pairs[:, 1]
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    last = np.r_[first[1:], len(owner)] - 1
    gaps = np.diff(when)[owner[1:] == owner[:-1]]
    return Buyers(
        (last - first).astype(float),
        (when[last] - when[first]) / unit,
        (end - when[first]) / unit,
        log_gaps=float(np.sum(np.log(gaps / unit))),
    )


def simulate(
    seed: int,
    size: int,
    params: tuple[float, float, float, float],
    *,
    stages: int = 1,
    modified: bool = False,
    longest: float = 100.0,
    by_day: bool = False,
) -> Buyers:
    """Customers who live by the story of (M)BG/CNBD-k: buy, toss the coin, wait for k stages, buy."""
    dice = np.random.default_rng(seed)
    r, alpha, a, b = params
    pace, stop = dice.gamma(r, 1 / alpha, size), dice.beta(a, b, size)
    until = dice.uniform(longest / 2, longest, size)
    if by_day:
        until = np.ceil(until)
    bought, last, log_gaps = np.zeros(size), np.zeros(size), 0.0
    alive = dice.random(size) >= stop if modified else np.ones(size, bool)
    while alive.any():
        gap = dice.gamma(stages, 1, size) / pace
        now = last + gap
        alive &= now < until
        log_gaps += float(np.sum(np.log(gap[alive])))
        bought, last = bought + alive, np.where(alive, now, last)
        alive &= dice.random(size) >= stop
    if by_day:
        last = np.where(bought > 0, np.clip(np.ceil(last), 1, until), 0)
    return Buyers(bought, last, until, log_gaps=log_gaps)


def simulate_pareto(
    seed: int, size: int, params: tuple[float, float, float, float], longest: float = 100.0
) -> Buyers:
    """Customers who buy at random until their life ends, at random."""
    dice = np.random.default_rng(seed)
    r, alpha, s, beta = params
    pace, death = dice.gamma(r, 1 / alpha, size), dice.gamma(s, 1 / beta, size)
    until = dice.uniform(longest / 2, longest, size)
    lives = np.minimum(until, dice.exponential(1, size) / death)
    bought, last = np.zeros(size), np.zeros(size)
    buying = np.ones(size, bool)
    while buying.any():
        now = last + dice.exponential(1, size) / pace
        buying &= now < lives
        bought, last = bought + buying, np.where(buying, now, last)
    return Buyers(bought, last, until)
