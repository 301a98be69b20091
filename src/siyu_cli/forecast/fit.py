"""What a fit says, and how it is found: maximum likelihood on the logarithms of the parameters.

Large shops are first fitted to some of their customers, spread evenly over all. That only says where to begin
and how the valley bends; the result is always the one of all histories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol, Self, TypeVar

import numpy as np

from siyu_cli.forecast.histories import Histories
from siyu_cli.forecast.minimise import Minimum, Objective, minimise, second_derivatives, spread_of
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr

_SKETCHES = (4_000, 32_000)
_MUCH_SMALLER = 3
_RELEASED = 40  # evaluations to find a summit once the pull is let go
_BOX = 18.0  # how far a logarithm may wander from where it began: a factor of 65 million
_EDGE = 5.0  # beyond a factor of 150 a parameter is on its way to 0 or to no limit
_PULL = 1e-7  # next to nothing for factors of ten, a wall for a million


class Grouped(Protocol):
    """Distinct observations with the number of customers who share each."""

    @property
    def customers(self) -> float: ...

    @property
    def rows(self) -> int: ...

    def thinned(self, most: int) -> Self:
        """Some customers, spread evenly, who stand for all."""
        ...


Observed = TypeVar("Observed", bound=Grouped)


@dataclass(frozen=True)
class Fit:
    """A fitted model. Where `converged` is False there are no params and no loglik, and `message` says why.

    A message beside a converged fit is a reservation that belongs next to its results. `iterations` counts
    evaluations of the likelihood of all histories; `customers` are those the fit rests on.
    """

    model: str
    params: Mapping[str, float] = field(default_factory=dict)
    loglik: float | None = None
    converged: bool = False
    iterations: int = 0
    message: str = ""
    customers: int = 0

    def values(self, *names: str) -> tuple[float, ...]:
        """Parameters by name. Raises ValueError where there are none: ask `converged` first."""
        if not self.converged:
            raise ValueError(f"{self.model}: {self.message}")
        return tuple(self.params[name] for name in names)


def failed(model: str, message: str, customers: float = 0, iterations: int = 0) -> Fit:
    """A fit that could not be had."""
    return Fit(model, message=message, customers=round(customers), iterations=iterations)


def too_little(model: str, histories: Histories) -> Fit | None:
    """The answer for shops where no model can learn anything; None where it can try."""
    if not histories.customers:
        return failed(model, tr("没有客户可以拟合", "there are no customers to fit"))
    if not histories.repeaters:
        return failed(
            model,
            tr(
                f"{histories.customers:.0f} 位客户都只买过一次,没有复购可学",
                f"all {histories.customers:.0f} customers bought once: there is no repeat purchase to learn from",
            ),
            histories.customers,
        )
    return None


def fit_shop(
    model: str,
    names: Sequence[str],
    observed: Observed,
    objective_of: Callable[[Observed], Objective],
    starts: Sequence[Sequence[float]],
) -> Fit:
    """The most likely positive parameters; the objective is −loglik and its slope in their logarithms.

    Where customers do not differ in some respect the likelihood has no summit: it only levels out while the
    parameters run to 0 or beyond all limits. Then a pull back to the start, far too weak to matter where there
    is a summit, chooses a place on the level part, and the message says so.
    """
    begin = np.log(np.array(starts, float))
    customers = observed.customers

    def averaged(of: Observed, pull: float) -> Objective:
        return _averaged(objective_of(of), customers, begin[0], pull)

    def is_inside(one: Minimum) -> bool:
        return one.converged and bool((np.abs(one.point - begin[0]) < _EDGE).all())

    def follow(near: Minimum, rougher: Observed, finer: Observed, pull: float) -> Minimum:
        bend = spread_of(second_derivatives(averaged(rougher, pull), near.point))
        return minimise(averaged(finer, pull), near.point, spread=bend)

    pictures = [*_sketches(observed), observed]
    found, pull = _search(averaged(pictures[0], 0.0), begin), 0.0
    for rougher, finer in pairwise(pictures):
        if pull or is_inside(found):
            found = follow(found, rougher, finer, pull)
        if not pull and not is_inside(found):
            # What a few say of an edge need not hold of all: from a place held by the pull it can still be left.
            pull = _PULL
            found = follow(_search(averaged(rougher, pull), begin), rougher, finer, pull)
    if pull and is_inside(found):
        free = minimise(averaged(observed, 0.0), found.point, most=_RELEASED)
        found, pull = (free, 0.0) if is_inside(free) else (found, pull)
    is_level = bool(pull) or not is_inside(found)
    if not found.converged:
        found = _search(averaged(observed, _PULL), begin)
    if not found.converged:
        message = tr(
            "似然没有最高点可找:数据太少,或和模型差得太远",
            "the likelihood has no summit to be found: too few data, or too far from the model",
        )
        return failed(model, message, customers, found.evaluations)
    params = {name: float(value) for name, value in zip(names, np.exp(found.point), strict=True)}
    loglik = -float(objective_of(observed)(found.point)[0])
    message = _reservation(names, found.point - begin[0], is_level=is_level)
    return Fit(model, params, loglik, True, found.evaluations, message, round(customers))


def _reservation(names: Sequence[str], moves: Floats, *, is_level: bool) -> str:
    far = [name for name, move in zip(names, moves, strict=True) if abs(move) > _EDGE]
    if far:
        return tr(
            f"参数 {'、'.join(far)} 跑到了边上:这些客户之间看不出这方面的差别",
            f"parameters {', '.join(far)} ran to the edge: customers show no difference in this respect",
        )
    if is_level:
        return tr(
            "数据太少,似然几乎是平的:参数只是许多同样好的里面的一组",
            "too few data, the likelihood is all but level: the parameters are one choice of many as good",
        )
    return ""


def _sketches(observed: Observed) -> list[Observed]:
    """A large shop by some of its customers, few before more, each much smaller than the next."""
    return [observed.thinned(most) for most in _SKETCHES if _MUCH_SMALLER * most <= observed.rows]


def _search(objective: Objective, begin: Floats) -> Minimum:
    """The lowest of the minima that the starts lead to; converged ones first."""
    found = [minimise(objective, start) for start in begin]
    evaluations = sum(one.evaluations for one in found)
    best = min(found, key=lambda one: (not one.converged, one.value))
    return Minimum(best.point, best.value, best.gradient, evaluations, best.converged)


def _averaged(objective: Objective, customers: float, begin: Floats, pull: float) -> Objective:
    """The objective per customer with a pull towards `begin`; infinite outside a wide box around it."""

    def of_one(point: Floats) -> tuple[float, Floats]:
        move = point - begin
        if not (np.abs(move) < _BOX).all():
            return np.inf, np.zeros(len(point))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, gradient = objective(point)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return np.inf, np.zeros(len(point))
        return value / customers + pull * float(
            np.sum(np.cosh(move) - 1)
        ), gradient / customers + pull * np.sinh(move)

    return of_one
