"""Chance that falls the same on every machine and with every numpy.

numpy promises the raw stream of a bit generator for ever, but not how a distribution uses it; so
everything here is made from raw bits with plain IEEE arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


class Dice:
    """A seeded source of uniform numbers, choices and yes/no draws, all as arrays."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, count: int) -> Floats:
        """Numbers in [0, 1)."""
        raw: Any = self._bits.random_raw(count)
        return np.asarray((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def between(self, count: int, low: int | Ints, high: int | Ints) -> Ints:
        """Whole numbers from low to high, both included; the bounds may differ by element."""
        spread = self.uniform(count) * (np.asarray(high) - np.asarray(low) + 1)
        return np.asarray(low + np.floor(spread).astype(np.int64), dtype=np.int64)

    def happens(self, count: int, chance: float | Floats) -> Flags:
        """True with the given chance."""
        return np.asarray(self.uniform(count) < chance)

    def pick(self, count: int, weights: Sequence[float] | Floats) -> Ints:
        """Positions in `weights`, each as likely as its weight."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        found = np.searchsorted(edges, self.uniform(count) * edges[-1], side="right")
        return np.asarray(np.minimum(found, len(edges) - 1), dtype=np.int64)
