"""What a distribution starts from and comes to: people, the ledger, shares, strata and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

import numpy as np
import pyarrow as pa

from siyu_cli.leads.dealing_order import Ints
from siyu_cli.leads.eligibility import Scope


@dataclass(frozen=True)
class Dealt:
    """A staff member: all leads ever given to them, those they hold now, what they take and how much room is left.

    `weight_milli` is above 0 for those who take part; `room` is how many leads more they may get today (None =
    any); `away` says why they do not take part, '' where they do.
    """

    staff_id: str
    name: str
    given: int = 0
    holding: int = 0
    weight_milli: int = 1000
    room: int | None = None
    scope: Scope = field(default_factory=Scope)
    away: str = ""


@dataclass(frozen=True)
class Ledger:
    """What earlier batches left: given minus owed per person, exact, who took part in the latest one, and given
    minus owed by person and stratum (`drift`, in leads).
    """

    balances: Mapping[str, Fraction]
    present: frozenset[str]
    drift: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """One person's part of a batch. `carry` moves the ledger where someone came in (see `level`).

    `given` counts all leads of the batch, `own` those that were theirs before (friend or owner); `owed_now` is
    what this batch owed them. Balances are given − owed over all batches.
    """

    staff_id: str
    name: str
    before: int
    given: int
    holding: int
    balance_before: Fraction
    balance: Fraction
    carry: Fraction
    place: int
    owed_now: Fraction = Fraction(0)
    own: int = 0
    weight_milli: int = 1000
    room: int | None = None

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

    @property
    def is_full(self) -> bool:
        return self.room is not None and self.given >= self.room


@dataclass(frozen=True)
class Mix:
    """One stratum of a batch: leads by person, what was owed them of it, and given − owed of it over all batches."""

    stratum: str
    given: Mapping[str, int]
    due: Mapping[str, Fraction]
    drift: Mapping[str, Fraction]

    @property
    def leads(self) -> int:
        return sum(self.given.values())

    @property
    def spread(self) -> int:
        """Most minus fewest of this batch."""
        return max(self.given.values(), default=0) - min(self.given.values(), default=0)

    @property
    def widest(self) -> Fraction:
        """Most minus least drift over all batches."""
        return max(self.drift.values(), default=Fraction(0)) - min(self.drift.values(), default=Fraction(0))


@dataclass(frozen=True)
class DistributionPlan:
    """Shares by person, and `owners`: lead_id with the index of its share, in dealing order.

    `reasons` holds, per lead, the index of its text in `why`; `left` says how many leads stay in the pool and
    why, `left_ids` which.
    """

    shares: tuple[Share, ...]
    lead_ids: pa.Array
    owners: Ints
    reasons: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    why: tuple[str, ...] = ()
    strata: tuple[Mix, ...] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    left_ids: Mapping[str, pa.Array] = field(default_factory=dict)

    @property
    def assigned(self) -> int:
        return len(self.lead_ids)

    def assignments(self) -> pa.Table:
        """lead_id, staff_id and reason, one row per lead; the two texts are dictionary encoded."""
        owner, reason = pa.array(self.owners, pa.int32()), pa.array(self.reasons, pa.int32())
        staff = pa.array([share.staff_id for share in self.shares], pa.string())
        return pa.table(
            {
                "lead_id": self.lead_ids,
                "staff_id": pa.DictionaryArray.from_arrays(owner, staff),
                "reason": pa.DictionaryArray.from_arrays(reason, pa.array(self.why, pa.string())),
            }
        )


def one_decimal(value: Fraction) -> str:
    """A fraction with one decimal, rounded half up (away from zero)."""
    tenths = floor(abs(value) * 10 + Fraction(1, 2))
    whole, rest = divmod(tenths, 10)
    return f"{'-' if value < 0 and tenths else ''}{whole}.{rest}"
