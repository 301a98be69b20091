"""Functions of mathematics that numpy does not bring: log-gamma, digamma, quadrature, small safe helpers.

Why not scipy: docs/decisions/models.md.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_HALF_LOG_TAU = 0.5 * float(np.log(2 * np.pi))
# B(2n) / (2n (2n − 1)) and B(2n) / 2n, the coefficients of Stirling's series and of its derivative (DLMF 5.11.1-2).
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_STIRLING_SLOPE = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_SHIFT = 10


def log_gamma(z: Floats | float) -> Floats:
    """ln Γ(z) for z > 0, to 1e-13 of max(1, its size): Stirling's series beyond 10, brought there by Γ(z + 1) = zΓ(z)."""
    value = np.asarray(z, float)
    product = np.ones_like(value)
    small = value < _SHIFT
    for step in range(_SHIFT):
        product = np.where(small, product * (value + step), product)
    large = np.where(small, value + _SHIFT, value)
    series = np.zeros_like(large)
    for one in reversed(_STIRLING):
        series = series / large**2 + one
    return np.asarray(
        (large - 0.5) * np.log(large) - large + _HALF_LOG_TAU + series / large - np.log(product)
    )


def digamma(z: Floats | float) -> Floats:
    """The slope of ln Γ(z) for z > 0, to 1e-13 of max(1, its size)."""
    value = np.asarray(z, float)
    small = value < _SHIFT
    before = np.zeros_like(value)
    for step in range(_SHIFT):
        before = np.where(small, before + 1 / (value + step), before)
    large = np.where(small, value + _SHIFT, value)
    series = np.zeros_like(large)
    for one in reversed(_STIRLING_SLOPE):
        series = series / large**2 + one
    return np.asarray(np.log(large) - 0.5 / large - series / large**2 - before)


def softplus(y: Floats) -> tuple[Floats, Floats]:
    """ln(1 + e^y) and its slope 1 / (1 + e^−y), without overflow."""
    small = np.exp(-np.abs(y))
    slope = np.where(y > 0, 1.0, small) / (1 + small)
    return np.maximum(y, 0) + np.log1p(small), slope


@lru_cache(maxsize=8)
def gauss_legendre(count: int) -> tuple[tuple[float, float], ...]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return tuple(
        (float(0.5 * (node + 1)), float(0.5 * weight)) for node, weight in zip(nodes, weights, strict=True)
    )


def tail_counts(values: Floats, weights: Floats) -> Floats:
    """How much weight stands above 0, above 1, … up to the largest value; values are whole numbers."""
    counts = np.bincount(values.astype(np.int64), weights=weights)
    return np.asarray(np.cumsum(counts[::-1])[::-1][1:], float)
