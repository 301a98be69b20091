"""The mobiles that stand somewhere in free text, as in the remark a staff member wrote on a friend."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_MOBILE = "1[3-9][0-9]{9}"
_MAY_HOLD_ONE = "1[-. ]*[3-9](?:[-. ]*[0-9]){9}"
# Tried in turn on the normalised text; what is left are runs of digits with one space between.
_REWRITES = (
    ("[‐‑‒–—−]", "-"),
    # A number with an extension is nobody's own phone.
    ("1[0-9]{10} *(?:[-_#转]|(?i:ext[.]?)|分机) *[0-9]{1,6}(?:[^0-9]|$)", " "),
    ("(1[3-9][0-9])[- .]([0-9]{4})[- .]([0-9]{4})", "\\1\\2\\3"),
    ("[^0-9]+", " "),
    ("^ | $", ""),
)


def mobiles_in(texts: pa.Array) -> pa.Array:
    """list<string> of the canonical mobiles in each text, each once; null where there is none.

    Eleven digits count only when no digit stands beside them: a long order number holds no phone.
    """
    texts = pc.utf8_normalize(texts, "NFKC")
    may = pc.fill_null(pc.match_substring_regex(texts, _MAY_HOLD_ONE), False)
    rows = np.flatnonzero(may.to_numpy(zero_copy_only=False))
    text = pc.replace_substring_regex(texts.take(pa.array(rows)), "\\p{Cf}+", "")
    for pattern, replacement in _REWRITES:
        text = pc.replace_substring_regex(text, pattern, replacement)
    runs = pc.split_pattern(text, " ")
    values = pc.replace_substring_regex(pc.list_flatten(runs), f"^(?:00)?86({_MOBILE})$", "\\1")
    is_mobile = pc.match_substring_regex(values, f"^{_MOBILE}$")
    owners = (
        pc.filter(pc.list_parent_indices(runs), is_mobile).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    encoded = pc.filter(values, is_mobile).dictionary_encode()
    # Each once per text: a pair of text and value is one number.
    many = max(len(encoded.dictionary), 1)
    pairs = np.unique(owners * many + encoded.indices.to_numpy(zero_copy_only=False))
    counts = np.bincount(rows[pairs // many], minlength=len(texts)).astype(np.int32)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))), pa.int32())
    return pa.ListArray.from_arrays(
        offsets, encoded.dictionary.take(pa.array(pairs % many)), mask=pa.array(counts == 0)
    )
