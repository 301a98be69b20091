"""Exact lines through a set of values: means, quantiles and the cut that stands for a line.

Values are fractions numerator ÷ denominator (days and counts over 1, money per order over the orders).
Nothing here is rounded: a line is a Fraction, and a cut is a pair of integers that sorts the values of
this set exactly as the line does, so the query compares `numerator * cut_den >= cut_num * denominator`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Cut = tuple[int, int]


@dataclass(frozen=True)
class Totals:
    """Of whole numbers only how many there are and what they sum up to: enough for a mean, and for any cut."""

    size: int
    total: int

    @property
    def mean(self) -> Fraction:
        """The mean over customers; 0 of nobody."""
        return Fraction(self.total, self.size) if self.size else Fraction(0)

    def at_least(self, line: Fraction) -> Cut:
        """The cut that whole numbers >= line reach, and no other."""
        return (ceil(line), 1)

    def above(self, line: Fraction) -> Cut:
        """The cut that whole numbers > line reach, and no other."""
        return (floor(line) + 1, 1)


@dataclass(frozen=True)
class Distribution:
    """Distinct values in rising order with how often each occurs (numpy int64 arrays)."""

    numerators: Any
    denominators: Any
    counts: Any

    @classmethod
    def of(cls, table: pa.Table) -> Distribution:
        """From columns value_num, value_den, customers; rows may come in any order."""
        import numpy as np

        num, den, count = (
            table.column(name).to_numpy().astype(np.int64) for name in ("value_num", "value_den", "customers")
        )
        # Equal fractions give equal (quotient, remainder ÷ denominator); unequal ones differ by more than a
        # double's step as long as denominators stay below 2^26, far above the orders of one customer.
        order = np.lexsort(((num % den) / den, num // den))
        return cls(num[order], den[order], count[order])

    @property
    def size(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> Fraction:
        """The mean over customers; 0 of nobody."""
        import numpy as np

        total = Fraction(0)
        for den in np.unique(self.denominators):
            chosen = self.denominators == den
            total += Fraction(int(np.dot(self.numerators[chosen], self.counts[chosen])), int(den))
        return total / self.size if self.size else total

    def quantile(self, part: int, parts: int) -> Fraction:
        """The `part`/`parts` quantile, linear between neighbours (type 7 of R); 0 of nobody."""
        import numpy as np

        if not self.size:
            return Fraction(0)
        position, rest = divmod((self.size - 1) * part, parts)
        ends = np.cumsum(self.counts)
        low, high = (
            self._value(int(np.searchsorted(ends, place, side="right")))
            for place in (position, min(position + 1, self.size - 1))
        )
        return low + (high - low) * Fraction(rest, parts)

    def _value(self, place: int) -> Fraction:
        return Fraction(int(self.numerators[place]), int(self.denominators[place]))

    def at_least(self, line: Fraction) -> Cut:
        """The cut that the values >= line reach, and no other."""
        return self._cut(lambda value: value >= line, ceil(line))

    def above(self, line: Fraction) -> Cut:
        """The cut that the values > line reach, and no other."""
        return self._cut(lambda value: value > line, floor(line) + 1)

    def _cut(self, reaches: Callable[[Fraction], bool], whole: int) -> Cut:
        """The smallest value of the set that reaches the line; beyond them all the next whole number does."""
        low, high = 0, len(self.counts)
        while low < high:
            middle = (low + high) // 2
            if reaches(self._value(middle)):
                high = middle
            else:
                low = middle + 1
        if low == len(self.counts):
            return (whole, 1)
        value = self._value(low)
        return (value.numerator, value.denominator)


def decimal_text(value: Fraction, places: int) -> str:
    """A fraction as a decimal text, rounded half up, without trailing zeros."""
    scaled = floor(abs(value) * 10**places + Fraction(1, 2))
    whole, rest = divmod(scaled, 10**places)
    digits = f"{rest:0{places}d}".rstrip("0")
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{whole}" + (f".{digits}" if digits else "")
