"""Until when a lead is its owner's: the last day of its protection, as calendar days.

An assignment protects for `protect_days`. A sign of work while it lasts moves the last day to `extend_days`
after it, if that is later; never past `max_days` from the assignment. What comes after the last day
revives nothing, so it does not matter how many nights passed before somebody looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from siyu_cli.settings import Protection

Days: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"


@dataclass(frozen=True)
class Terms:
    """The numbers of `Protection`, one of each per lead."""

    protect: Days
    extend: Days
    longest: Days

    @classmethod
    def of(cls, found: Sequence[Protection]) -> Terms:
        return cls(
            np.array([one.protect_days for one in found], np.int64),
            np.array([one.extend_days for one in found], np.int64),
            np.array([one.max_days for one in found], np.int64),
        )


def last_days(assigned: Days, terms: Terms, active_lead: Days, active_day: Days) -> Days:
    """The last protected day of each lead, assigned on day `assigned[i]`.

    Signs of work are pairs (index of the lead, day), sorted by lead, then day.
    """
    first, longest = assigned + terms.protect, assigned + terms.longest
    result: Days = np.minimum(first, longest)
    if not len(active_lead):
        return result
    extend = terms.extend[active_lead]
    before = np.empty_like(active_day)
    before[0] = np.iinfo(np.int64).min // 2
    before[1:] = np.where(active_lead[1:] == active_lead[:-1], active_day[:-1], before[0])
    in_force = np.minimum(np.maximum(first[active_lead], before + extend), longest[active_lead])
    # The first sign that came too late ends the chain; those after it count for nothing either.
    place = np.arange(len(active_lead))
    too_late = np.full(len(assigned), len(place), np.int64)
    np.minimum.at(too_late, active_lead, np.where(active_day > in_force, place, len(place)))
    counts = place < too_late[active_lead]
    np.maximum.at(result, active_lead[counts], (active_day + extend)[counts])
    np.minimum(result, longest, out=result)
    return result
