"""The row key of a staff workbook, `L123-2-47`: lead 123, its second assignment, two check digits.

The check digits (ISO 7064, mod 97-10) notice a mistyped or swapped digit, so an edited key is refused
instead of meaning somebody else's lead.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Numbers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

_FORM = r"^L(?P<lead>[0-9]{1,13})-(?P<nth>[0-9]{1,3})-(?P<check>[0-9]{2})$"
_MODULUS, _NTHS = 97, 1000


def make_keys(lead_ids: Numbers, nths: Numbers) -> pa.Array:
    """The keys of leads at their `nth` assignment (1 to 999)."""
    texts = [pc.cast(pa.array(numbers), pa.string()) for numbers in (lead_ids, nths, _check(lead_ids, nths))]
    texts[2] = pc.utf8_lpad(texts[2], 2, "0")
    return pc.binary_join_element_wise(
        pc.binary_join_element_wise("L", texts[0], ""), texts[1], texts[2], "-"
    )


def read_keys(texts: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """(lead, nth, codes) of typed keys: the numbers are null where a code says what is wrong."""
    tidy = pc.utf8_upper(pc.utf8_trim_whitespace(pc.utf8_normalize(pc.fill_null(texts, ""), "NFKC")))
    tidy = pc.replace_substring_regex(tidy, "[‐-―−]", "-")
    parts = pc.extract_regex(tidy, _FORM)
    lead, nth, check = (
        pc.cast(pc.struct_field(parts, name), pa.int64()) for name in ("lead", "nth", "check")
    )
    expected = _check(pc.fill_null(lead, 0).to_numpy(), pc.fill_null(nth, 0).to_numpy())
    is_right = pc.fill_null(pc.equal(check, pa.array(expected)), False)
    none = pa.scalar(None, pa.string())
    codes = pc.if_else(is_right, none, pc.if_else(pc.equal(tidy, ""), "missing-row-key", "bad-row-key"))
    missing = pa.scalar(None, pa.int64())
    return pc.if_else(is_right, lead, missing), pc.if_else(is_right, nth, missing), codes


def _check(lead_ids: Numbers, nths: Numbers) -> Numbers:
    rest: Numbers = (lead_ids * _NTHS + nths) % _MODULUS * 100 % _MODULUS
    return 98 - rest
