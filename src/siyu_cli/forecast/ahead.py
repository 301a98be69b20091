"""How many purchases lie ahead: the whole distribution of the count, as a mixture of negative binomials.

A customer who is alive passes M stages within the horizon, M negative binomial; each k-th stage is a purchase,
and before purchase n + 1 they survive n chances to stop. So

    P(X >= n) = P(alive) · Σ_phases share · P(M >= stages that n purchases need) · E[(1 − p)^(n − 1)]

and the expectation is the sum of these over n. All terms are positive and fall: nothing cancels, whatever the
parameters, and the count's quantiles come from the same walk. It replaces the hypergeometric function of the
published closed forms, which is the same number where that can be computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from siyu_cli.forecast.special import Floats

_CLOSE = 1e-13
_UNDERFLOW = -650.0
_BLOCK = 8_192  # rows walked together: their columns stay in the cache
_MOST_STEPS = 20_000
"""The walk ends here: nobody is promised more than so many purchases."""


@dataclass(frozen=True)
class Phase:
    """One part of the mixture: M ~ NB(shape, horizon ÷ (rate + horizon)), `first` stages to the first purchase."""

    share: Floats
    shape: Floats
    rate: Floats
    horizon: Floats
    first: int = 1


@dataclass(frozen=True)
class Count:
    """Of the purchases ahead: their mean, their variance, P(at least one), and quantiles by level."""

    mean: Floats
    variance: Floats
    at_least_one: Floats
    quantiles: tuple[Floats, ...]


def count_ahead(
    alive: Floats,
    phases: Sequence[Phase],
    *,
    stages: int = 1,
    stop: tuple[float, Floats] | None = None,
    levels: Sequence[float] = (),
) -> Count:
    """The count of purchases. `stop` = (a, b) of p ~ Beta(a, b) after each purchase, None: never.

    A quantile of level u is the smallest n with P(X <= n) >= u.
    """
    size = len(alive)
    a, b = stop if stop is not None else (0.0, np.ones(size))
    total = np.zeros((3 + len(levels), size))
    # exp(-650) still is a number; a customer whose chance of no stage at all is smaller is walked in logarithms.
    faint = np.min([-one.shape * np.log1p(one.horizon / one.rate) for one in phases], axis=0) < _UNDERFLOW
    for in_logs in (False, True):
        all_rows = np.flatnonzero(faint == in_logs)
        for start in range(0, len(all_rows), _BLOCK):
            rows = all_rows[start : start + _BLOCK]
            total[:, rows] = _walk(
                alive[rows], [_only(one, rows) for one in phases], stages, a, b[rows], levels, in_logs
            )
    mean, squares, one = total[:3]
    return Count(mean, np.maximum(squares - mean**2, 0), one, tuple(total[3:]))


def first_ahead(alive: Floats, phases: Sequence[Phase]) -> Floats:
    """P(at least one purchase): the first term of the count, without the walk."""
    total = np.zeros(len(alive))
    for phase in phases:
        state = _State(phase, in_logs=True)
        state.advance(phase.first)
        total += phase.share * state.above
    return alive * total


def _only(phase: Phase, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Phase:
    return Phase(phase.share[rows], phase.shape[rows], phase.rate[rows], phase.horizon[rows], phase.first)


def _walk(
    alive: Floats,
    phases: Sequence[Phase],
    stages: int,
    a: float,
    b: Floats,
    levels: Sequence[float],
    in_logs: bool,
) -> Floats:
    """Rows: Σ P(X >= n), Σ (2n − 1) P(X >= n), P(X >= 1), then for each level how many n have P(X >= n) > 1 − level."""
    result = np.zeros((3 + len(levels), len(alive)))
    states = [_State(one, in_logs) for one in phases]
    rows = np.arange(len(alive))
    chance = alive.copy()
    totals = result.copy()
    for n in range(1, _MOST_STEPS + 1):
        for state in states:
            state.advance(state.first if n == 1 else stages)
        reach = chance * np.sum([state.share * state.above for state in states], axis=0)
        totals[0] += reach
        totals[1] += (2 * n - 1) * reach
        if n == 1:
            totals[2] = reach
        for at, level in enumerate(levels):
            totals[3 + at] += reach > 1 - level
        if n % 8 == 0 or n < 4:
            # What is still to come of the squares is less than a geometric series: (2n + 1) reach ÷ (1 − ratio)².
            ratio = np.max([state.ratio() for state in states], axis=0)
            left = np.maximum(1 - ratio, 1e-300)
            going = (ratio >= 1) | ((2 * n + 1) * reach > _CLOSE * left**2 * totals[1])
            for level in levels:
                going |= reach > 1 - level
            going &= reach > 1e-300
            if not going.all():
                result[:, rows[~going]] = totals[:, ~going]
                rows, chance, totals, b = rows[going], chance[going], totals[:, going], b[going]
                for state in states:
                    state.keep(going)
                if not len(rows):
                    return result
        chance = chance * ((b + n - 1) / (a + b + n - 1))
    result[:, rows] = totals
    return result


class _State:
    """Where one phase stands: `above` = P(M >= m), after m stages."""

    def __init__(self, phase: Phase, in_logs: bool) -> None:
        none = -phase.shape * np.log1p(phase.horizon / phase.rate)
        self.first, self.share, self.shape = phase.first, phase.share, phase.shape
        self.step = phase.horizon / (phase.rate + phase.horizon)
        self.in_logs, self.m = in_logs, 0
        self.point = none if in_logs else np.exp(none)  # P(M = m), or its logarithm
        self.above = -np.expm1(none)

    def advance(self, stages: int) -> None:
        for _ in range(stages):
            self.m += 1
            if self.m == 1:
                continue  # `above` begins at P(M >= 1), where it is exact
            grown = self.step * ((self.shape + self.m - 2) / (self.m - 1))
            if self.in_logs:
                self.point = self.point + np.log(grown)
                self.above = np.maximum(self.above - np.exp(self.point), 0)
            else:
                self.point = self.point * grown
                self.above = np.maximum(self.above - self.point, 0)

    def ratio(self) -> Floats:
        """By how much the next P(M = m) is smaller; it falls towards `step` where shape > 1, else rises to it."""
        return np.asarray(np.maximum(self.step * ((self.shape + self.m) / (self.m + 1)), self.step))

    def keep(self, chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool]]) -> None:
        for name in ("share", "shape", "step", "point", "above"):
            setattr(self, name, getattr(self, name)[chosen])
