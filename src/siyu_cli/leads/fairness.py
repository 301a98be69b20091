"""How many leads each person gets of each class of leads: what is owed, and the fairest whole numbers.

A *class* is all leads that the same people may take. What a batch owes is a share of each lead, by weight,
among those who may take it and still have room; given are whole leads. Of all ways to deal as many
leads as can be dealt, the fairest is the one whose list of

    (one whole lead or more above owed?, (given − owed) ÷ weight), largest first

is lexicographically smallest. With one class and nobody full this is the quota method: among people
below their share the one whose next lead falls due first. Nothing here is read or written.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

import numpy as np

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

GRID = 10**9
"""Where classes overlap, owed is rounded to this part of a lead; with one class it is an exact fraction."""

_LONGEST = 10**24
_SAME = 1e-13  # levels nearer than this are one: (given − owed) ÷ weight in thousandths, from floats
_ENDLESS = 2**40


@dataclass(frozen=True)
class Taker:
    """A person at work: weight in thousandths (above 0), room for so many leads (None = any), and their balance.

    `balance` is given − owed before this batch, in leads. Where all else is equal the lower `turn` comes first.
    """

    weight: int = 1000
    room: int | None = None
    balance: Fraction = Fraction(0)
    turn: int = 0


@dataclass(frozen=True)
class LeadClass:
    """So many leads that exactly `takers` (positions) may take.

    `barred` says how many of them may not go to one of the takers, their owner before (cooldown).
    """

    leads: int
    takers: tuple[int, ...]
    barred: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """`given[c, i]` leads of class c for person i, and what the batch owed each person, in leads.

    `parts[c, i]` is about how much of that was owed for leads of class c.
    """

    given: Ints
    owed: tuple[Fraction, ...]
    parts: Floats


def decide_counts(classes: Sequence[LeadClass], takers: Sequence[Taker]) -> Counts:
    """The fairest counts. Leads that nobody has room for are left over: row sums may stay below `leads`."""
    live = [at for at, one in enumerate(classes) if one.leads and one.takers]
    if len(live) == 1 and not classes[live[0]].barred:
        row, owed = _one_class(classes[live[0]], takers)
        given = np.zeros((len(classes), len(takers)), np.int64)
        given[live[0]] = row
        parts = np.zeros(given.shape)
        parts[live[0]] = [float(one) for one in owed]
        return Counts(given, tuple(owed), parts)
    return _Overlap(classes, takers).decide()


def tidy(value: Fraction) -> Fraction:
    """The value itself; one whose fraction has grown beyond all use rounded to a billionth of a lead."""
    return value if value.denominator <= _LONGEST else Fraction(round(value * GRID), GRID)


def shared_out(leads: int, weights: Sequence[int], rooms: Sequence[int | None]) -> list[Fraction]:
    """What each is owed of leads that all may take: by weight, nobody more than their room, exact."""
    owed = [Fraction(0)] * len(weights)
    left, weight = Fraction(leads), sum(weights)
    limited = [at for at, room in enumerate(rooms) if room is not None]
    full = 0
    limited.sort(key=lambda at: (Fraction(rooms[at] or 0, weights[at]), at))
    for at in limited:
        room = rooms[at] or 0
        if left * weights[at] < room * weight:
            break
        owed[at], left, weight, full = Fraction(room), left - room, weight - weights[at], full + 1
    done = set(limited[:full])
    for at, one in enumerate(weights):
        if at not in done:
            owed[at] = left * one / weight
    return owed


def levelled(classes: Sequence[LeadClass], takers: Sequence[Taker]) -> list[Fraction]:
    """Balances to compare by: of people who share leads they sum to zero, moved by weight all alike.

    People who left took their balances with them; what they left behind is nobody's in particular.
    """
    group = _groups(classes, len(takers))
    totals: dict[int, tuple[Fraction, int]] = {}
    for at, one in enumerate(takers):
        balance, weight = totals.get(group[at], (Fraction(0), 0))
        totals[group[at]] = (balance + one.balance, weight + one.weight)
    levels = {key: balance / weight for key, (balance, weight) in totals.items()}
    return [one.balance - one.weight * levels[group[at]] for at, one in enumerate(takers)]


def _groups(classes: Sequence[LeadClass], people: int) -> list[int]:
    """Who is connected with whom by leads that both may take: the smallest position of each group."""
    root = list(range(people))

    def find(at: int) -> int:
        while root[at] != at:
            root[at] = root[root[at]]
            at = root[at]
        return at

    for one in classes:
        if one.leads:
            for other in one.takers[1:]:
                a, b = find(one.takers[0]), find(other)
                root[max(a, b)] = min(a, b)
    return [find(at) for at in range(people)]


def _one_class(leads: LeadClass, takers: Sequence[Taker]) -> tuple[Ints, list[Fraction]]:
    """Exact counts and owed where one class is all there is."""
    mine = [at for at in leads.takers if takers[at].room != 0]
    row, owed = np.zeros(len(takers), np.int64), [Fraction(0)] * len(takers)
    if not mine:
        return row, owed
    weights, rooms = [takers[at].weight for at in mine], [takers[at].room for at in mine]
    size = leads.leads
    if all(room is not None for room in rooms):
        size = min(size, sum(room or 0 for room in rooms))
    parts = shared_out(size, weights, rooms)
    total = sum((takers[at].balance for at in mine), Fraction(0)) / sum(weights)
    due = [
        part - takers[at].balance + takers[at].weight * total for at, part in zip(mine, parts, strict=True)
    ]
    caps = [size if room is None else min(room, size) for room in rooms]
    below = [min(cap, max(0, ceil(one))) for cap, one in zip(caps, due, strict=True)]
    turns = [takers[at].turn for at in mine]
    if sum(below) >= size:
        counts = earliest_due(size, weights, due, below, turns)
    else:
        more = earliest_due(
            size - sum(below), weights, [one - base for one, base in zip(due, below, strict=True)],
            [cap - base for cap, base in zip(caps, below, strict=True)], turns,
        )  # fmt: skip
        counts = [base + one for base, one in zip(below, more, strict=True)]
    for at, count, part in zip(mine, counts, parts, strict=True):
        row[at], owed[at] = count, part
    return row, owed


def earliest_due(
    leads: int, weights: Sequence[int], due: Sequence[Fraction], caps: Sequence[int], turns: Sequence[int]
) -> list[int]:
    """Whole leads by due time: lead k of person i falls due at (k − due_i) ÷ weight_i; the first `leads` of them.

    Ties go to the larger weight, then to fewer leads of this batch, then by turn and position. Nobody gets more
    than their cap.
    """
    few = leads <= 4 * len(weights)
    counts = [0] * len(weights) if few else _safely_due(leads, weights, due, caps)
    left = leads - sum(counts)

    def turn(at: int) -> tuple[Fraction, int, int, int, int]:
        return (counts[at] + 1 - due[at]) / weights[at], -weights[at], counts[at], turns[at], at

    queue = [turn(at) for at in range(len(weights)) if counts[at] < caps[at]]
    heapq.heapify(queue)
    for _ in range(left):
        at = heapq.heappop(queue)[-1]
        counts[at] += 1
        if counts[at] < caps[at]:
            heapq.heappush(queue, turn(at))
    return counts


def _safely_due(
    leads: int, weights: Sequence[int], due: Sequence[Fraction], caps: Sequence[int]
) -> list[int]:
    """Counts of all leads due by a moment just early enough that they are not more than `leads`."""
    weight = np.array(weights, np.float64)
    start = np.array([float(one) for one in due])
    cap = np.array(caps, np.float64)
    low = float(np.min((1 - start) / weight)) - 1 if len(weights) else 0.0
    high = float(np.max((cap + 1 - start) / weight)) + 1 if len(weights) else 0.0
    for _ in range(100):
        middle = (low + high) / 2
        if float(np.clip(np.floor(start + weight * middle), 0, cap).sum()) <= leads:
            low = middle
        else:
            high = middle
        if high - low < 1e-12 * max(1.0, abs(low)):
            break
    # A float may call a lead due that is not quite: exact counts, a hair earlier where they are too many.
    moment = Fraction(low)
    step = Fraction(1, 10**6 * max(weights, default=1))
    while True:
        counts = [
            min(cap, max(0, floor(one + weight * moment)))
            for one, weight, cap in zip(due, weights, caps, strict=True)
        ]
        if sum(counts) <= leads:
            return counts
        moment, step = moment - step, step * 2


class _Overlap:
    """Several classes, or leads in cooldown: owed by a flow of all classes at once, counts by exchange.

    The flow runs at an even pace through all classes: a person who is full leaves the others their share.
    Whole leads start from its rounded-down part; the rest is dealt along chains of exchange (a gives up
    a lead of class 1 to b, who gives up one of class 2 to c) as long as the criterion gets better.
    """

    def __init__(self, classes: Sequence[LeadClass], takers: Sequence[Taker]) -> None:
        rows, people = len(classes), len(takers)
        self.leads = np.array([one.leads for one in classes], np.int64)
        self.may = np.zeros((rows, people), bool)
        self.barred = np.zeros((rows, people), np.int64)
        for at, one in enumerate(classes):
            self.may[at, list(one.takers)] = True
            for person, count in one.barred.items():
                self.barred[at, person] = count
        self.room = np.array([_ENDLESS if one.room is None else one.room for one in takers], np.int64)
        self.weight = np.array([one.weight for one in takers], np.float64)
        self.turn = np.array([one.turn for one in takers], np.int64)
        self.may[:, self.room == 0] = False
        self._leave_out_hopeless()
        self.limits = np.where(self.may, self.leads[:, None] - self.barred, 0)
        live = [
            LeadClass(int(count), tuple(np.flatnonzero(row).tolist()))
            for count, row in zip(self.leads, self.may, strict=True)
        ]
        self.balances = levelled(live, takers)

    def _leave_out_hopeless(self) -> None:
        """Leads whose only taker may not have them are not dealt at all."""
        self.barred[~self.may] = 0
        alone = self.may.sum(axis=1) == 1
        self.leads = self.leads - np.where(alone, self.barred.sum(axis=1), 0)
        self.barred[alone] = 0

    def decide(self) -> Counts:
        cells = self._flow()
        flowed = cells.sum(axis=0)
        due = np.array([float(one) for one in self.balances])
        due = flowed - due
        self.start = due
        self.given = np.minimum(np.floor(cells).astype(np.int64), self.limits)
        self.left = self.leads - self.given.sum(axis=1)
        below = np.clip(np.ceil(due - 0.5 / GRID), 0, self.room).astype(np.int64)
        # A first part that is more than due is put back: what is dealt below comes in order of due.
        self._put_back(below)
        self._settle(below, np.zeros_like(below))
        self._settle(self.room, self.given.sum(axis=0))
        return Counts(self.given, tuple(self._owed(flowed)), cells)

    def _put_back(self, below: Ints) -> None:
        for at in np.flatnonzero(self.given.sum(axis=0) > below):
            over = int(self.given[:, at].sum() - below[at])
            for row in np.flatnonzero(self.given[:, at]):
                back = min(over, int(self.given[row, at]))
                self.given[row, at] -= back
                self.left[row] += back
                over -= back

    def _flow(self) -> Floats:
        """Leads as a flow: how much of each class each person is owed before anybody's room is exceeded."""
        cells = np.zeros(self.may.shape)
        room = self.room.astype(np.float64)
        active = self.may.any(axis=0)
        leads, barred = self.leads.astype(np.float64), self.barred.astype(np.float64)
        at = 0.0
        while at < 1.0:
            may = self.may & active
            weight = (may * self.weight).sum(axis=1)
            others = weight[:, None] - np.where(may, self.weight, 0.0)
            per = np.divide(barred, others, out=np.zeros_like(cells), where=others > 0)
            free = leads - barred.sum(axis=1)
            pace = np.divide(free, weight, out=np.zeros_like(weight), where=weight > 0) + per.sum(axis=1)
            rate = np.where(may, self.weight * (pace[:, None] - per), 0.0)
            total = rate.sum(axis=0)
            lasts = np.divide(
                room - cells.sum(axis=0), total, out=np.full(len(total), np.inf), where=total > 0
            )
            step = min(1.0 - at, float(lasts.min(initial=np.inf)))
            cells += rate * max(step, 0.0)
            at += max(step, 0.0)
            full = active & (lasts <= step * (1 + 1e-12) + 1e-12)
            if at >= 1.0 or not full.any():
                break
            active = active & ~full
        return cells

    def _settle(self, cap: Ints, base: Ints) -> None:
        """Deal what is left up to `cap` per person, then exchange while it helps; `base` leads stay where they are."""
        while self.left.any():
            found = self._reach(np.flatnonzero(self.left > 0), None)
            person = self._next(found.people & (self.given.sum(axis=0) < cap))
            if person is None:
                break
            self.left[self._pass_on(found, person, None)] -= 1
        moved = True
        while moved:
            moved = False
            totals = self.given.sum(axis=0)
            for giver in np.lexsort((np.arange(len(totals)), -self._level(totals))):
                while totals[giver] > base[giver]:
                    found = self._reach(np.flatnonzero(self.given[:, giver] > 0), int(giver))
                    open_to = found.people & (totals < cap)
                    open_to[giver] = False
                    person = self._next(open_to)
                    if person is None or not self._is_better(totals, int(giver), person):
                        break
                    self._pass_on(found, person, int(giver))
                    totals = self.given.sum(axis=0)
                    moved = True

    def _is_better(self, totals: Ints, giver: int, person: int) -> bool:
        """True where one lead from `giver` to `person` makes the sorted list smaller; at equal levels the larger
        weight should have it, who then stood higher before.
        """
        gain = self._level(totals)[giver] - self._level(totals + 1)[person]
        return bool(gain > _SAME or (gain > -_SAME and self.weight[person] > self.weight[giver]))

    def _level(self, totals: Ints) -> Floats:
        """(given − owed) ÷ weight for counts of this batch."""
        result: Floats = (totals - self.start) / self.weight
        return result

    def _next(self, people: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int | None:
        """Whose next lead falls due first; ties as in `earliest_due`."""
        if not people.any():
            return None
        totals = self.given.sum(axis=0)
        level = np.where(people, self._level(totals + 1), np.inf)
        ties = np.flatnonzero(level <= level.min() + _SAME)
        return int(ties[np.lexsort((self.turn[ties], totals[ties], -self.weight[ties]))[0]])

    def _reach(self, rows: Ints, giver: int | None) -> _Found:
        """Who can get one lead more when one of these classes is free, over chains of exchange."""
        may = self.may & (self.given < self.limits)
        people = np.zeros(may.shape[1], bool)
        seen = np.zeros(may.shape[0], bool)
        by_class = np.full(may.shape[1], -1)
        by_person = np.full(may.shape[0], -1)
        if giver is not None:
            people[giver] = True
        while len(rows):
            seen[rows] = True
            fresh = may[rows].any(axis=0) & ~people
            new = np.flatnonzero(fresh)
            by_class[new] = rows[np.argmax(may[rows][:, new], axis=0)]
            people |= fresh
            held = self.given[:, new] > 0
            rows = np.flatnonzero(held.any(axis=1) & ~seen)
            by_person[rows] = new[np.argmax(held[rows], axis=1)] if len(rows) else rows
        return _Found(people, by_class, by_person)

    def _pass_on(self, found: _Found, person: int, giver: int | None) -> int:
        """Give `person` one lead more along the chain found; the class it begins with."""
        while True:
            row = int(found.by_class[person])
            self.given[row, person] += 1
            before = int(found.by_person[row])
            if before < 0:
                if giver is not None:
                    self.given[row, giver] -= 1
                return row
            self.given[row, before] -= 1
            person = before

    def _owed(self, flowed: Floats) -> list[Fraction]:
        """The flow on the grid, and so that as much is owed as was given.

        Leads that the flow left behind, because somebody was full by then, are owed to those who took them.
        """
        totals = self.given.sum(axis=0)
        owed = [Fraction(round(float(one) * GRID), GRID) for one in flowed]
        missing = int(totals.sum()) - sum(owed, Fraction(0))
        above = [max(Fraction(0), int(count) - one) for count, one in zip(totals, owed, strict=True)]
        if missing > 0 and sum(above, Fraction(0)) >= missing:
            all_above = sum(above, Fraction(0))
            owed = [
                one + Fraction(round(missing * part / all_above * GRID), GRID)
                for one, part in zip(owed, above, strict=True)
            ]
        return owed


@dataclass(frozen=True)
class _Found:
    """Reached people, and for each person the class, for each class the person, that led there (-1: the start)."""

    people: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    by_class: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    by_person: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
