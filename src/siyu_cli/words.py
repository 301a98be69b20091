"""Text as people mean it: one folding for comparisons, safe names for files, no control characters."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BAD_IN_FILES = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


def fold(text: str) -> str:
    """The form in which texts are compared: NFKC, casefold, trimmed, without invisible format characters."""
    if text.isascii():
        return text.lower().strip()
    text = unicodedata.normalize("NFKC", text)
    if not text.isprintable():
        text = "".join(ch for ch in text if unicodedata.category(ch) != "Cf")
    return text.casefold().strip()


def fold_column(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A text column folded; each distinct text once, since products and shops repeat."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([fold_column(chunk) for chunk in column.chunks], pa.string())
    if column.null_count == len(column):
        return column.cast(pa.string())
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    folded = [fold(text) for text in texts]
    return (
        column.cast(pa.string()) if folded == texts else pa.array(folded, pa.string()).take(encoded.indices)
    )


def strip_control(text: str) -> str:
    """The text without control characters (TAB and line ends stay)."""
    return _CONTROL.sub("", text)


def file_stem(text: str, fallback: str = "未命名") -> str:
    """A name that every file system takes, as close to `text` as it can be."""
    stem = _BAD_IN_FILES.sub("_", strip_control(text)).strip(" .")[:80]
    return stem or fallback


def did_you_mean(word: str, known: list[str]) -> str | None:
    """The known word nearest to a mistyped one, or None when nothing is near."""
    from difflib import get_close_matches

    if len(word) > 200:
        return None  # comparing takes time, and nobody mistypes so much
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return near[0] if near else None
