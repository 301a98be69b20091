"""What the rows of an order export say in words: names, products, places, and words of state with their meaning.

Each function works on texts alone, so that of a column of few different texts these are enough (`clean.Distinct`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.clean import clean_text
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.pieces import meanings
from siyu_cli.sheets.places import clean_provinces, places_in, places_of
from siyu_cli.words import fold_column

FOLDED = ("product", "sku", "category", "shop", "channel", "platform")
"""Columns that conditions compare: each has a folded twin, `<name>_key`, beside it."""

_CIPHERS = ("##", "$$", "**")
_DASHES = ("-", "--", "---", "—", "——", "－", "/", "*")
_NONE = pa.scalar(None, pa.string())


def text_columns(name: str, cells: pa.Array, mapping: PlatformMapping) -> dict[str, pa.Array]:
    """A field of text for people, clean, beside what follows from it; the mapping's constant where a cell is empty."""
    found = _undashed(clean_text(cells))
    if name in mapping.constants:
        found = pc.fill_null(found, mapping.constants[name])
    return followed(name, found, mapping)


def followed(name: str, found: pa.Array, mapping: PlatformMapping) -> dict[str, pa.Array]:
    """A clean text column and what follows from it: its folded twin, and of products which ones are `postage`."""
    if name == "receiver":
        found = _unciphered(found)
    elif name == "province":
        found = clean_provinces(found)
    made = {name: found}
    if name in FOLDED:
        made[f"{name}_key"] = fold_column(found)
    if name == "product":
        made["postage"] = naming(found, mapping.postage)
    return made


def place_columns(addresses: pa.Array) -> Callable[[pa.Array], dict[str, pa.Array]]:
    """What makes the province and city of the texts of a column; a dictionary's need not be told apart again."""
    read = places_in if isinstance(addresses, pa.DictionaryArray) else places_of
    return lambda cells: dict(zip(("province", "city"), read(clean_text(cells)), strict=True))


def word_columns(words: pa.Array, known: Mapping[str, str]) -> dict[str, pa.Array]:
    """Clean words of state (`word`), what each means (`meaning`), and which ones are not known (`is_unknown`)."""
    meaning, is_unknown = meanings(words, known)
    return {"word": words, "meaning": meaning, "is_unknown": is_unknown}


def naming(texts: pa.Array, words: Sequence[str]) -> pa.Array:
    """Not null where a text is one of the words."""
    if not words:
        return pa.nulls(len(texts), pa.string())
    return meanings(texts, dict.fromkeys(words, "0"))[0]


def _undashed(texts: pa.Array) -> pa.Array:
    """Platforms write an empty cell as dashes or a slash; no name, shop or region is called that."""
    is_short = pc.less_equal(pc.binary_length(texts), max(len(dash.encode()) for dash in _DASHES))
    if not pc.any(is_short, min_count=0).as_py():
        return texts
    is_dash = pc.is_in(texts, value_set=pa.array(_DASHES, pa.string()))
    return pc.if_else(is_dash, _NONE, texts)


def _unciphered(names: pa.Array) -> pa.Array:
    """A receiver of stars or in cipher is no name."""
    for sign in _CIPHERS:
        is_cipher = pc.fill_null(pc.starts_with(names, sign), False)
        names = pc.if_else(is_cipher, _NONE, names)
    return names
