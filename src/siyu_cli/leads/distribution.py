"""Even sharing: who gets which lead, decided once from leads, staff and ledger; nothing is read or written.

Leads lie in one row by channel, then import time, then phone, and are dealt in a circle that starts
with the person owed most. So everyone gets within one lead of everyone else, in the whole batch and
in every channel of it; and because the circle starts where the ledger says, over all batches too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr


@dataclass(frozen=True)
class Dealt:
    """A staff member who takes part: all leads ever given to them, and those they hold now."""

    staff_id: str
    name: str
    given: int = 0
    holding: int = 0


@dataclass(frozen=True)
class Ledger:
    """What earlier batches left: given minus owed per person, exact, and who took part in the latest one."""

    balances: Mapping[str, Fraction]
    present: frozenset[str]


@dataclass(frozen=True)
class Share:
    """One person's part of a batch. `carry` moves the ledger where someone came in (see `level`)."""

    staff_id: str
    name: str
    before: int
    given: int
    holding: int
    balance_before: Fraction
    balance: Fraction
    carry: Fraction
    place: int

    @property
    def after(self) -> int:
        return self.before + self.given

    @property
    def owed(self) -> str:
        """The exact share so far, with one decimal."""
        return one_decimal(self.after - self.balance)

    @property
    def gap(self) -> str:
        """Given minus owed with its sign."""
        text = one_decimal(self.balance)
        return text if text.startswith("-") or text == "0.0" else f"+{text}"


@dataclass(frozen=True)
class DistributionPlan:
    """Shares by person, and `owners`: lead_id with the index of its share, in dealing order."""

    shares: tuple[Share, ...]
    lead_ids: pa.Array
    owners: np.ndarray[tuple[int], np.dtype[np.int64]]

    @property
    def assigned(self) -> int:
        return len(self.lead_ids)

    def assignments(self) -> pa.Table:
        """lead_id, staff_id and reason, one row per lead; the two texts are dictionary encoded."""
        owner = pa.array(self.owners, pa.int32())
        staff = pa.array([share.staff_id for share in self.shares], pa.string())
        reasons = pa.array([_reason(share, len(self.shares)) for share in self.shares], pa.string())
        return pa.table(
            {
                "lead_id": self.lead_ids,
                "staff_id": pa.DictionaryArray.from_arrays(owner, staff),
                "reason": pa.DictionaryArray.from_arrays(owner, reasons),
            }
        )


def plan_distribution(leads: pa.Table, staff: Sequence[Dealt], ledger: Ledger) -> DistributionPlan:
    """Deal `leads` (lead_id, phone, channel_key, imported_sec) evenly over `staff`, who are all active.

    Neither the order of leads nor that of staff matters. Without staff nothing is assigned.
    """
    people = sorted(staff, key=lambda person: person.staff_id)
    count, size = len(people), leads.num_rows if people else 0
    levels = level(ledger, [person.staff_id for person in people])
    circle = sorted(range(count), key=lambda index: levels[index])
    turns, rest = divmod(size, count) if count else (0, 0)
    places = {index: place for place, index in enumerate(circle)}
    due = Fraction(size, count) if count else Fraction(0)
    shares = []
    for index, person in enumerate(people):
        given = turns + (places[index] < rest)
        carry = ledger.balances.get(person.staff_id, Fraction(0)) - levels[index]
        shares.append(
            Share(
                person.staff_id, person.name, person.given, given, person.holding + given,
                levels[index], levels[index] + given - due, carry, places[index] + 1,
            )
        )  # fmt: skip
    order = dealing_order(leads)[:size]
    seats = np.asarray(circle, np.int64)
    owners = seats[np.arange(size) % count] if count else np.zeros(0, np.int64)
    return DistributionPlan(tuple(shares), leads["lead_id"].combine_chunks().take(pa.array(order)), owners)


def level(ledger: Ledger, staff_ids: Sequence[str]) -> list[Fraction]:
    """Balances to deal from: people who were in the latest batch keep theirs, all others start at zero.

    Balances of people who stay lie within one lead of each other. After many departures all of them
    can have drifted to one side; when someone comes in, they are then moved together, just so far
    that the newcomer at zero is within one lead too: neither flooded nor starved.
    """
    stay = [ledger.balances[one] for one in staff_ids if one in ledger.present]
    shift = Fraction(0)
    if stay and len(stay) < len(staff_ids):
        shift = max(Fraction(0), -1 - min(stay)) + min(Fraction(0), 1 - max(stay))
    return [ledger.balances[one] + shift if one in ledger.present else Fraction(0) for one in staff_ids]


def dealing_order(leads: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Positions of the leads by channel, import time and phone; leads without a channel come first."""
    channel = pc.fill_null(leads["channel_key"].combine_chunks(), "").dictionary_encode()
    ranks = np.argsort(np.argsort(np.asarray(channel.dictionary.to_pylist(), dtype=np.str_)))
    strata = ranks[np.asarray(channel.indices)] if len(ranks) else np.zeros(0, np.int64)
    phones = leads["phone"].cast(pa.int64()).to_numpy()
    result: np.ndarray[tuple[int], np.dtype[np.int64]] = np.lexsort(
        (phones, leads["imported_sec"].to_numpy(), strata)
    )
    return result


def one_decimal(value: Fraction) -> str:
    """A fraction with one decimal, rounded half up (away from zero)."""
    tenths = floor(abs(value) * 10 + Fraction(1, 2))
    whole, rest = divmod(tenths, 10)
    return f"{'-' if value < 0 and tenths else ''}{whole}.{rest}"


def _reason(share: Share, people: int) -> str:
    """Why this person: the same short text for every lead of the batch."""
    owed = -share.balance_before
    if owed > 0:
        state = tr(f"分前欠 {one_decimal(owed)} 条", f"owed {one_decimal(owed)} before")
    elif owed < 0:
        state = tr(f"分前多 {one_decimal(-owed)} 条", f"{one_decimal(-owed)} ahead before")
    else:
        state = tr("分前不欠不多", "level before")
    return tr(
        f"同渠道里轮流分,欠得最多的先:{state},{people} 人里第 {share.place} 位",
        f"dealt in turn within the channel, most owed first: {state}, place {share.place} of {people}",
    )
