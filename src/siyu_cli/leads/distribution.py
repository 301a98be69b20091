"""Who gets which lead, decided once from leads, staff and ledger; nothing is read or written.

Leads whose person has a friend or owner among the staff go there first. The rest are put into classes by
who may take them (`eligibility`), how many each person gets of each class is decided (`fairness`), then how
many of each stratum (`mixing`), and then they are dealt in order: stratum, import time, phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.leads.dealing_order import Ints, by_age, strata_of
from siyu_cli.leads.eligibility import classes_of, encoded
from siyu_cli.leads.fairness import Counts, LeadClass, Taker, decide_counts, levelled, tidy
from siyu_cli.leads.mixing import mix, sequence
from siyu_cli.leads.shares import Dealt, DistributionPlan, Ledger, Mix, Share, one_decimal

NOBODY, ABSENT, FULL, COOLDOWN = "no-one-eligible", "all-absent", "all-full", "cooldown"
"""Why a lead stays in the pool: no one at all may take it; those who may are away today, or full; the only one who
could is the owner before."""

_LEFT = (NOBODY, ABSENT, FULL, COOLDOWN)
_DRIFT = 10**6
_NEAR = 2048


def plan_distribution(
    leads: pa.Table, staff: Sequence[Dealt], ledger: Ledger, strata: Sequence[str] = ("channel_key",)
) -> DistributionPlan:
    """Deal `leads` fairly over those of `staff` who take part.

    Leads have lead_id, phone, channel_key and imported_sec, and may have province, city, shop, tags, value,
    `sticky` (account of the friend or owner) and `barred` (accounts of owners before, in cooldown, as a list).
    `strata` names the columns to mix by. Neither the order of leads nor that of staff matters.
    """
    return _Batch(leads, staff, ledger, strata).plan()


def level(ledger: Ledger, people: Sequence[Dealt]) -> list[Fraction]:
    """Balances to deal from: what the ledger says, except that nobody comes in far from the others.

    People who leave take their balances with them, so those who stay can drift to one side together. Who was
    not in the latest batch is set within one lead of those who stay: neither flooded nor starved. And where
    somebody would be a whole lead off, all are moved by weight until they sum to zero, which keeps their order.
    """
    balances = [ledger.balances.get(one.staff_id, Fraction(0)) for one in people]
    stay = [at for at, one in enumerate(people) if one.staff_id in ledger.present]
    if not stay or len(stay) == len(people) == len(ledger.present):
        return balances
    weights = [one.weight_milli for one in people]
    middle = sum((balances[at] for at in stay), Fraction(0)) / sum(weights[at] for at in stay)
    apart = [one - weight * middle for one, weight in zip(balances, weights, strict=True)]
    staying = [apart[at] for at in stay]
    low, high = min(max(staying) - 1, Fraction(0)), max(min(staying) + 1, Fraction(0))
    there = set(stay)
    for at, one in enumerate(apart):
        if at not in there and not low <= one <= high:
            balances[at] = tidy(weights[at] * middle + min(max(one, low), high))
    if any(abs(one) >= 1 for one in balances):
        shift = sum(balances, Fraction(0)) / sum(weights)
        balances = [tidy(one - weight * shift) for one, weight in zip(balances, weights, strict=True)]
    return balances


class _Batch:
    """One distribution at work. Leads are held in order of age (import time, phone) throughout."""

    def __init__(
        self, leads: pa.Table, staff: Sequence[Dealt], ledger: Ledger, strata: Sequence[str]
    ) -> None:
        everyone = sorted(staff, key=lambda one: one.staff_id)
        self.away = [one for one in everyone if one.away]
        self.people = [one for one in everyone if not one.away]
        self.place_of = {one.staff_id: at for at, one in enumerate(self.people)}
        self.ledger = ledger
        self.age = by_age(leads)
        self.lead_ids = leads["lead_id"].combine_chunks()
        self.levels = level(ledger, self.people)
        self.room = [one.room for one in self.people]
        self.names = _names(everyone)
        self.strata, self.labels = strata_of(leads, strata)
        self.strata = self.strata[self.age]
        classes, may = classes_of(leads, [one.scope for one in (*self.people, *self.away)])
        self.classes, self.may = classes[self.age], may
        self.sticky = self._accounts(leads, "sticky")
        self.before_bars: dict[int, int] = {}
        self.cooling = self._bar_owners_before(leads)
        self.owners = np.full(len(self.age), -1, np.int64)
        self.own = np.zeros(len(self.age), bool)
        self.left: dict[str, list[Ints]] = {reason: [] for reason in _LEFT}

    def _accounts(self, leads: pa.Table, name: str) -> Ints | None:
        """A column of accounts as positions of people: −1 where empty, −2 where the account is away or unknown."""
        if name not in leads.column_names or leads[name].null_count == leads.num_rows:
            return None
        codes, words = encoded(leads[name])
        lookup = np.array([self.place_of.get(word, -2 if word else -1) for word in words], np.int64)
        result: Ints = lookup[codes][self.age]
        return result

    def _bar_owners_before(self, leads: pa.Table) -> Ints | None:
        """The owner before of each lead, in cooldown, as the position of a person; −1 where there is none.

        Leads with several such people become classes of their own, which leave them out.
        """
        if "barred" not in leads.column_names or leads["barred"].null_count == leads.num_rows:
            return None
        lists = leads["barred"].combine_chunks()
        codes, words = encoded(lists.flatten())
        positions = np.array([self.place_of.get(word, -1) for word in words], np.int64)[codes]
        rows = np.repeat(np.arange(len(lists)), pc.fill_null(pc.list_value_length(lists), 0).to_numpy())
        rows, positions = rows[positions >= 0], positions[positions >= 0]
        several = np.bincount(rows, minlength=len(lists)) > 1
        cooling = np.full(len(lists), -1, np.int64)
        cooling[rows[~several[rows]]] = positions[~several[rows]]
        rank = np.empty(len(self.age), np.int64)
        rank[self.age] = np.arange(len(self.age))
        sets: dict[tuple[int, ...], list[int]] = {}
        people: dict[int, set[int]] = {}
        for row, who in zip(rows[several[rows]].tolist(), positions[several[rows]].tolist(), strict=True):
            people.setdefault(row, set()).add(who)
        for row, barred in people.items():
            at = int(rank[row])
            sets.setdefault((int(self.classes[at]), *sorted(barred)), []).append(at)
        fresh = [self.may]
        for (old, *out), ats in sorted(sets.items()):
            may = self.may[old : old + 1].copy()
            may[0, out] = False
            self.classes[ats] = len(self.may) + len(fresh) - 1
            self.before_bars[len(self.may) + len(fresh) - 1] = old
            fresh.append(may)
        self.may = np.concatenate(fresh)
        result: Ints = cooling[self.age]
        return result

    def plan(self) -> DistributionPlan:
        self._deal_sticky()
        self.counts, members = self._decide()
        self.places = self._places()
        order = self._deal(members)
        return self._plan(order)

    def _deal_sticky(self) -> None:
        """Leads of a friend or owner who is there and has room go to them, the oldest first."""
        if self.sticky is None:
            return
        known = np.flatnonzero(self.sticky >= 0)
        owners = self.sticky[known]
        grouped = np.argsort(owners, kind="stable")
        counts = np.bincount(owners, minlength=len(self.people))
        nth = np.empty(len(known), np.int64)
        nth[grouped] = np.arange(len(known)) - np.repeat(np.cumsum(counts) - counts, counts)
        limit = np.array([len(known) if room is None else room for room in self.room], np.int64)
        mine = nth < limit[owners] if len(known) else np.zeros(0, bool)
        self.owners[known[mine]] = owners[mine]
        self.own[known[mine]] = True
        taken = np.bincount(owners[mine], minlength=len(self.people))
        self.room = [
            room if room is None else room - int(count) for room, count in zip(self.room, taken, strict=True)
        ]

    def _decide(self) -> tuple[Counts, list[Ints]]:
        """Counts per class and person, and the leads of each class in order of age."""
        free = np.flatnonzero(~self.own)
        here = self.may[:, : len(self.people)]
        codes = self.classes[free]
        grouped = np.argsort(codes.astype(np.uint16) if len(here) < 2**16 else codes, kind="stable")
        sizes = np.bincount(codes, minlength=len(here))
        parts = np.split(free[grouped], np.cumsum(sizes)[:-1])
        # Classes that differ only in who is away are one class of those who are here.
        merged: dict[bytes, list[int]] = {}
        for at in range(len(here)):
            if len(parts[at]):
                merged.setdefault(here[at].tobytes(), []).append(at)
        rows = [ats for ats in merged.values() if here[ats[0]].any()]
        for ats in merged.values():
            if not here[ats[0]].any():
                for at in ats:
                    self.left[self._why_nobody(at)].append(parts[at])
        members = [parts[ats[0]] if len(ats) == 1 else np.sort(np.concatenate([parts[at] for at in ats])) for ats in rows]  # fmt: skip
        classes = []
        for at, ats in enumerate(rows):
            takers = tuple(np.flatnonzero(here[ats[0]]).tolist())
            members[at] = self._without_hopeless(members[at], takers)
            classes.append(LeadClass(len(members[at]), takers, self._barred(members[at], takers)))
        turns = self._turns(free)
        self.lead_classes = classes
        self.takers = [
            Taker(one.weight_milli, room, balance, turn)
            for one, room, balance, turn in zip(self.people, self.room, self.levels, turns, strict=True)
        ]
        return decide_counts(classes, self.takers), members

    def _turns(self, leads: Ints) -> list[int]:
        """Who comes first where all else is equal: whoever is furthest behind in the strata of these leads."""
        if not len(leads):
            return [0] * len(self.people)
        sizes = np.bincount(self.strata[leads], minlength=len(self.labels))
        behind = np.round((sizes[:, None] * self._drift()).sum(axis=0) / len(leads), 6)
        turns = np.zeros(len(self.people), np.int64)
        turns[np.lexsort((np.arange(len(behind)), behind))] = np.arange(len(behind))
        return [int(one) for one in turns]

    def _why_nobody(self, row: int) -> str:
        """Why no one who is here may take the leads of a class."""
        if self.may[self.before_bars.get(row, row), : len(self.people)].any():
            return COOLDOWN
        return ABSENT if self.may[row].any() else NOBODY

    def _without_hopeless(self, members: Ints, takers: tuple[int, ...]) -> Ints:
        """Leave out leads whose owner before, in cooldown, is the only one with room who may take them."""
        open_to = [at for at in takers if self.room[at] != 0]
        if self.cooling is None or len(open_to) != 1:
            return members
        is_hopeless = self.cooling[members] == open_to[0]
        reason = COOLDOWN if len(takers) == 1 else FULL
        if is_hopeless.any():
            self.left[reason].append(members[is_hopeless])
        result: Ints = members[~is_hopeless]
        return result

    def _barred(self, members: Ints, takers: tuple[int, ...]) -> dict[int, int]:
        if self.cooling is None or not len(members):
            return {}
        owners = self.cooling[members]
        counts = np.bincount(owners[owners >= 0], minlength=len(self.people))
        return {at: int(counts[at]) for at in takers if counts[at]}

    def _deal(self, members: list[Ints]) -> Ints:
        """Give every class's leads their owners; the dealt leads in dealing order."""
        places, drift = self.places, self._drift()
        strata = len(self.labels)
        self.due = np.zeros((strata, len(self.people)))
        for at, (one, leads) in enumerate(zip(self.lead_classes, members, strict=True)):
            given = self.counts.given[at]
            dealt = int(given.sum())
            if dealt < len(leads):
                self.left[FULL].append(leads[dealt:])
            leads, spare = leads[:dealt], leads[dealt:]
            if not dealt:
                continue
            takers = np.array([who for who in one.takers if given[who] or self.room[who] != 0], np.int64)
            codes = self.strata[leads]
            grouped = np.argsort(codes.astype(np.uint16) if strata < 2**16 else codes, kind="stable")
            leads = leads[grouped]
            sizes = np.bincount(codes, minlength=strata)
            used = np.flatnonzero(sizes)
            counts = given[takers]
            owed = self.counts.parts[at][takers]
            due = sizes[used][:, None] * owed[None, :] / max(float(owed.sum()), 1e-9)
            drift[np.ix_(used, takers)] -= due
            table = mix(sizes[used], counts, drift[np.ix_(used, takers)], places[takers])
            drift[np.ix_(used, takers)] += table
            self.due[np.ix_(used, takers)] += due
            start = 0
            for row in table:
                size = int(row.sum())
                self.owners[leads[start : start + size]] = takers[sequence(row, places[takers])]
                start += size
            if one.barred:
                self._keep_cooldown(leads, spare)
        self.drift = drift
        order = np.flatnonzero(self.owners >= 0)
        codes = self.strata[order]
        result: Ints = order[np.argsort(codes.astype(np.uint16) if strata < 2**16 else codes, kind="stable")]
        return result

    def _keep_cooldown(self, leads: Ints, spare: Ints) -> None:
        """Where a lead came to its owner before, it changes places with another one, of its stratum if there is one.

        There always is another: nobody gets more leads of a class than there are that may go to them.
        """
        assert self.cooling is not None
        everything = np.concatenate([leads, spare])
        for nth in np.flatnonzero(self.owners[leads] == self.cooling[leads]).tolist():
            lead, person = leads[nth], self.owners[leads[nth]]
            if person != self.cooling[lead]:
                continue  # it was the other one of a pair
            near = self._partners(lead, leads[max(0, nth - _NEAR) : nth + _NEAR])
            others = near if len(near) else self._partners(lead, everything)
            other = others[0]
            self.owners[lead], self.owners[other] = self.owners[other], person
            if self.owners[lead] < 0:
                full = self.left[FULL]
                full[-1] = np.where(full[-1] == other, lead, full[-1])

    def _partners(self, lead: int, among: Ints) -> Ints:
        """Leads that could change places with one, the best first: dealt ones of its stratum, dealt ones, others."""
        assert self.cooling is not None
        person = self.owners[lead]
        fits = among[(self.owners[among] != person) & (self.cooling[among] != person)]
        is_dealt, is_same = self.owners[fits] >= 0, self.strata[fits] == self.strata[lead]
        result: Ints = fits[np.argsort(-(is_dealt * 2 + (is_dealt & is_same)), kind="stable")]
        return result

    def _places(self) -> Ints:
        """The circle: whose next lead falls due first comes first."""
        balances = levelled(self.lead_classes, self.takers)
        keys = [
            ((1 + balance - owed) / one.weight, one.turn, at)
            for at, (balance, owed, one) in enumerate(
                zip(balances, self.counts.owed, self.takers, strict=True)
            )
        ]
        places = np.zeros(len(keys), np.int64)
        for place, (*_, at) in enumerate(sorted(keys)):
            places[at] = place
        return places

    def _drift(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        result = np.zeros((len(self.labels), len(self.people)))
        rows = {label: at for at, label in enumerate(self.labels)}
        for (staff_id, label), value in self.ledger.drift.items():
            if staff_id in self.place_of and label in rows:
                result[rows[label], self.place_of[staff_id]] = float(value)
        return result

    def _plan(self, order: Ints) -> DistributionPlan:
        owners = self.owners[order]
        given = self._per_person(owners)
        own = self._per_person(self.owners[self.own])
        shares = []
        for at, one in enumerate(self.people):
            owed = self.counts.owed[at] + int(own[at])
            before = self.ledger.balances.get(one.staff_id, Fraction(0))
            owed = self.levels[at] - tidy(self.levels[at] - owed)
            shares.append(
                Share(
                    one.staff_id, one.name, one.given, int(given[at]), one.holding + int(given[at]),
                    self.levels[at], self.levels[at] + int(given[at]) - owed, before - self.levels[at],
                    int(self.places[at]) + 1, owed, int(own[at]), one.weight_milli, one.room,
                )
            )  # fmt: skip
        reasons, why = self._reasons(order, shares)
        left_ids = {
            reason: self.lead_ids.take(pa.array(self.age[np.sort(np.concatenate(parts))]))
            for reason, parts in self.left.items()
            if sum(map(len, parts))
        }
        return DistributionPlan(
            tuple(shares), self.lead_ids.take(pa.array(self.age[order])), owners, reasons, why,
            self._mixes(order), {reason: len(ids) for reason, ids in left_ids.items()}, left_ids,
        )  # fmt: skip

    def _per_person(self, owners: Ints) -> Ints:
        """How often each person stands there; nobody without leads."""
        people = len(self.people)
        result: Ints = np.bincount(owners, minlength=people) if len(owners) else np.zeros(people, np.int64)
        return result

    def _mixes(self, order: Ints) -> tuple[Mix, ...]:
        """What the batch dealt by turn did to each stratum; leads that went to their own people are no part of it."""
        if not self.people or not len(order):
            return ()
        turn = order[~self.own[order]]
        people = len(self.people)
        cells = np.bincount(
            self.strata[turn] * people + self.owners[turn], minlength=len(self.labels) * people
        ).reshape(len(self.labels), people)
        found = []
        for row in np.flatnonzero(cells.sum(axis=1)):
            takers = np.flatnonzero((self.due[row] > 0) | (cells[row] > 0))
            ids = [self.people[at].staff_id for at in takers]
            due = [Fraction(round(float(value) * _DRIFT), _DRIFT) for value in self.due[row, takers]]
            before = [self.ledger.drift.get((one, self.labels[row]), Fraction(0)) for one in ids]
            given = [int(count) for count in cells[row, takers]]
            found.append(
                Mix(
                    self.labels[row], dict(zip(ids, given, strict=True)), dict(zip(ids, due, strict=True)),
                    {one: was + count - part for one, was, count, part in zip(ids, before, given, due, strict=True)},
                )
            )  # fmt: skip
        return tuple(found)

    def _reasons(self, order: Ints, shares: Sequence[Share]) -> tuple[Ints, tuple[str, ...]]:
        """The text of every dealt lead: one per person, kind (own, after a missing owner, in turn) and class."""
        people, classes = len(self.people), len(self.may)
        kind = np.where(self.own[order], 0, 1)
        if self.sticky is not None:
            kind = np.where((kind == 1) & (self.sticky[order] != -1), 2, kind)
        codes = (kind * classes + self.classes[order]) * max(people, 1) + self.owners[order]
        size = 3 * classes * max(people, 1)
        used = np.flatnonzero(np.bincount(codes, minlength=size)) if len(codes) else np.zeros(0, np.int64)
        lookup = np.zeros(size, np.int64)
        lookup[used] = np.arange(len(used))
        rows = {code // max(people, 1) % classes for code in used.tolist()}
        self.missing = {row: self._missing(row) for row in rows}
        texts = [
            self._why(code // max(people, 1) // classes, code // max(people, 1) % classes, shares[code % max(people, 1)])
            for code in used.tolist()
        ]  # fmt: skip
        return lookup[codes], tuple(texts)

    def _why(self, kind: int, row: int, share: Share) -> str:
        """Why this person, in one line."""
        if kind == 0:
            return tr("老客归属:是他的好友或老客", "theirs already: friend or owner")
        owed = -share.balance_before
        if owed > 0:
            state = tr(f"分前欠 {one_decimal(owed)} 条", f"owed {one_decimal(owed)} before")
        elif owed < 0:
            state = tr(f"分前多 {one_decimal(-owed)} 条", f"{one_decimal(-owed)} ahead before")
        else:
            state = tr("分前不欠不多", "level before")
        places = self.places[self.may[row, : len(self.people)]]
        place = int((places < share.place).sum())
        text = tr(
            f"同渠道里轮流分,欠得最多的先:{state},能接的 {len(places)} 人里第 {place} 位",
            f"dealt in turn within the channel, most owed first: {state}, place {place} of {len(places)} who may",
        )
        if kind == 2:
            text += tr(";原归属人不在或已满", "; the owner is away or full")
        else:
            text += tr(";老客归属无", "; nobody's friend")
        return text + self.missing[row]

    def _missing(self, row: int) -> str:
        """Who could not take it today, up to three by name."""
        full = [
            (self.people[at], tr("已满", "full"))
            for at in np.flatnonzero(self.may[row, : len(self.people)])
            if self.people[at].room == 0
        ]
        away = [
            (one, one.away)
            for one, may in zip(self.away, self.may[row, len(self.people) :], strict=True)
            if may
        ]
        missing = [*away, *full]
        words = [f"{self.names[one.staff_id]}{why}" for one, why in missing[:3]]
        more = tr(f" 等 {len(missing)} 人", f" and others, {len(missing)} in all") if len(missing) > 3 else ""
        return (";" + "、".join(words) + more) if words else ""


def _names(people: Sequence[Dealt]) -> dict[str, str]:
    """How people are called: the name, with the account where two share it."""
    names = [one.name for one in people]
    return {
        one.staff_id: one.name if names.count(one.name) == 1 else f"{one.name}({one.staff_id})"
        for one in people
    }
