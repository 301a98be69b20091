"""The same mix for everybody: how many leads of each stratum a person gets, and in which order they are dealt."""

from __future__ import annotations

import numpy as np

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_PASSES = 3
_MANY_STRATA = 48


def mix(sizes: Ints, counts: Ints, drift: Floats, place: Ints) -> Ints:
    """Leads per stratum and person with the given sums: `sizes` per stratum, `counts` per person.

    Where people get equally many (within one), everybody gets the same of each stratum, within one. Else
    each gets size × count ÷ all, within one. Who gets the odd ones: whoever lies lowest in that stratum
    (`drift`, stratum × person: given before − owed with this batch), then by `place`.
    """
    result = np.zeros((len(sizes), len(counts)), np.int64)
    total, people = int(sizes.sum()), np.flatnonzero(counts > 0)
    if not total:
        return result
    level = counts.max() - counts.min() <= 1
    if level:
        people = np.arange(len(counts))
        base = np.repeat(sizes[:, None] // len(counts), len(counts), axis=1)
    else:
        base = sizes[:, None] * counts[people][None, :] // total
    odd = _odd_ones(
        sizes - base.sum(axis=1), counts[people] - base.sum(axis=0), drift[:, people] + base, place[people]
    )
    result[:, people] = base + odd
    return result


def _odd_ones(rows: Ints, columns: Ints, drift: Floats, place: Ints) -> Ints:
    """A matrix of 0 and 1 with these sums: in each row the people with most still to get, then the lowest drift.

    Then pairs of people change places in pairs of strata as long as that brings the drift nearer to zero.
    """
    odd = np.zeros(drift.shape, np.int64)
    left = columns.copy()
    for row in np.argsort(-rows, kind="stable"):
        chosen = np.lexsort((place, drift[row], -left))[: rows[row]]
        odd[row, chosen] = 1
        left[chosen] -= 1
    now = drift + odd
    strata = len(rows)
    for _ in range(_PASSES):
        moved = False
        for first in range(strata):
            far = strata if strata <= _MANY_STRATA else min(strata, first + 2)
            for second in range(first + 1, far):
                moved |= _exchange(odd, now, first, second, place)
        if not moved:
            break
    return odd


def _exchange(odd: Ints, now: Floats, first: int, second: int, place: Ints) -> bool:
    """Swap odd leads of two strata between people where the squares of the drift get smaller."""
    has, other = odd[first] == 1, odd[second] == 1
    givers, getters = np.flatnonzero(has & ~other), np.flatnonzero(other & ~has)
    if not len(givers) or not len(getters):
        return False
    difference = now[first] - now[second]
    givers = givers[np.lexsort((place[givers], -difference[givers]))]
    getters = getters[np.lexsort((place[getters], difference[getters]))]
    pairs = min(len(givers), len(getters))
    givers, getters = givers[:pairs], getters[:pairs]
    # A swap takes one from the giver's first and the getter's second stratum and gives the others one.
    gain = difference[givers] - difference[getters] > 2 + 1e-9
    givers, getters = givers[gain], getters[gain]
    for people, step in ((givers, -1), (getters, 1)):
        odd[first, people] += step
        odd[second, people] -= step
        now[first, people] += step
        now[second, people] -= step
    return len(givers) > 0


def sequence(counts: Ints, place: Ints) -> Ints:
    """Owners of a row of leads, each as often as `counts` says and evenly spread; in turn, the first place first."""
    if counts.max(initial=0) - counts.min(initial=0) <= 1 and counts.max(initial=0) > 0:
        order = np.argsort(place, kind="stable")
        order = order[counts[order] > 0] if counts.min() == 0 else order
        full = np.tile(order, int(counts.min()) or 1)
        extra = order[counts[order] > counts.min()] if counts.min() else order[:0]
        return np.concatenate([full, extra])
    owners = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    turn = (np.arange(len(owners)) - starts[owners] + 0.5) / counts[owners]
    result: Ints = owners[np.lexsort((place[owners], turn))]
    return result
