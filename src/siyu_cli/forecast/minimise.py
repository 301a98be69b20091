"""The smallest value of a smooth function of a few variables, downhill by its slope (BFGS)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from siyu_cli.forecast.special import Floats

Objective = Callable[[Floats], tuple[float, Floats]]
"""Value and gradient at a point; a value that is not finite means: not here."""

TOLERANCE = 1e-8
_LONGEST_STEP = 2.0
_HALVINGS = 40
_NOISE = 1e-13


@dataclass(frozen=True)
class Minimum:
    """Where the search ended, and whether nothing is left to fall."""

    point: Floats
    value: float
    gradient: Floats
    evaluations: int
    converged: bool


def minimise(
    objective: Objective, start: Floats, *, spread: Floats | None = None, most: int = 200
) -> Minimum:
    """The local minimum downhill from `start`. Ends when no slope is left, never by an exception."""
    size = len(start)
    point = np.asarray(start, float)
    value, gradient = objective(point)
    evaluations = 1
    inverse = np.eye(size) if spread is None else spread
    is_fresh = spread is None
    while np.isfinite(value) and evaluations < most:
        if np.abs(gradient).max() < TOLERANCE:
            return Minimum(point, value, gradient, evaluations, True)
        direction = -inverse @ gradient
        slope = float(direction @ gradient)
        if not slope < 0:  # the picture of the valley is wrong: start it anew
            inverse, is_fresh = np.eye(size), True
            direction, slope = -gradient, -float(gradient @ gradient)
        longest = float(np.abs(direction).max())
        if longest > _LONGEST_STEP:
            direction, slope = direction * (_LONGEST_STEP / longest), slope * (_LONGEST_STEP / longest)
        step = 1.0
        for _ in range(_HALVINGS):
            there, slopes = objective(point + step * direction)
            evaluations += 1
            if np.isfinite(there) and _is_better(value, slope, step, there, float(slopes @ direction)):
                break
            step *= 0.5 if not np.isfinite(there) else _shrink(value, slope, step, there)
        else:
            if is_fresh:
                break
            inverse, is_fresh = np.eye(size), True
            continue
        moved, turned = step * direction, slopes - gradient
        point, value, gradient = point + moved, there, slopes
        along = float(moved @ turned)
        if along > 1e-12 * float(np.linalg.norm(moved) * np.linalg.norm(turned)):
            if is_fresh:
                inverse, is_fresh = np.eye(size) * (along / float(turned @ turned)), False
            left = np.eye(size) - np.outer(moved, turned) / along
            inverse = left @ inverse @ left.T + np.outer(moved, moved) / along
    is_flat = bool(np.isfinite(value) and np.abs(gradient).max() < 10 * TOLERANCE)
    return Minimum(point, value, gradient, evaluations, is_flat)


def second_derivatives(objective: Objective, point: Floats, step: float = 1e-4) -> Floats:
    """The matrix of second derivatives, from central differences of the gradient."""
    rows = []
    for at in range(len(point)):
        move = np.zeros(len(point))
        move[at] = step
        rows.append((objective(point + move)[1] - objective(point - move)[1]) / (2 * step))
    matrix = np.array(rows)
    return np.asarray(0.5 * (matrix + matrix.T))


def spread_of(matrix: Floats) -> Floats | None:
    """The inverse of a matrix of second derivatives that belongs to a minimum, else None."""
    if not np.isfinite(matrix).all():
        return None
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-10 * max(values[-1], 1e-300):
        return None
    return np.asarray((vectors / values) @ vectors.T)


def _is_better(value: float, slope: float, step: float, there: float, slope_there: float) -> bool:
    """Enough lower; or, where rounding hides it, no higher and less steep."""
    if there <= value + 1e-4 * step * slope:
        return True
    return there <= value + _NOISE * max(1.0, abs(value)) and abs(slope_there) <= 0.9 * abs(slope)


def _shrink(value: float, slope: float, step: float, there: float) -> float:
    """By how much to shorten a step that went too far: to the bottom of the parabola through both ends."""
    bend = 2 * (there - value - step * slope)
    return float(np.clip(-slope * step / bend, 0.1, 0.5)) if bend > 0 else 0.5
