"""The order in which leads are dealt: by stratum, import time and phone, whatever the order they came in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from siyu_cli.leads.eligibility import encoded

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


def dealing_order(leads: pa.Table, strata: Sequence[str] = ("channel_key",)) -> Ints:
    """Positions of the leads by stratum, import time and phone; leads without a channel come first."""
    age = by_age(leads)
    codes, _ = strata_of(leads, strata)
    result: Ints = age[np.argsort(codes[age], kind="stable")]
    return result


def by_age(leads: pa.Table) -> Ints:
    """Positions by import time, then phone."""
    phones = leads["phone"].cast(pa.int64()).to_numpy()
    times = leads["imported_sec"].to_numpy()
    if not len(phones):
        return np.zeros(0, np.int64)
    first, width = int(times.min()), int(phones.max()) + 1
    if (int(times.max()) - first + 1) * width < 2**63:
        return np.argsort((times - first) * width + phones, kind="stable").astype(np.int64)
    return np.lexsort((phones, times))


def strata_of(leads: pa.Table, names: Sequence[str]) -> tuple[Ints, list[str]]:
    """(stratum of each lead, label of each stratum), in order of the labels' words; '' where a lead says nothing."""
    codes, labels = np.zeros(leads.num_rows, np.int64), [""]
    for at, name in enumerate(names):
        if name not in leads.column_names:
            continue
        more, words = encoded(leads[name])
        words = words or [""]
        codes = codes * len(words) + more
        labels = [
            f"{label}·{word or '-'}" if at and labels != [""] else word for label in labels for word in words
        ]
    used = np.flatnonzero(np.bincount(codes, minlength=len(labels))) if len(codes) else np.zeros(0, np.int64)
    lookup = np.zeros(len(labels), np.int64)
    lookup[used] = np.arange(len(used))
    return lookup[codes], [labels[one] for one in used.tolist()]
