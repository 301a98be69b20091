"""Who may take which lead: channel, region, shop and tags of leads against what staff sheets say of people.

A side that says nothing restricts nothing: a person without channels takes leads of every channel, a
lead without a channel may go to anybody. Where both say something, they must meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.words import fold

Codes = np.ndarray[tuple[int], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
_BETWEEN = re.compile(r"[,，;；、|/\s]+")
_PLACE_ENDING = re.compile(r"(?:壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市)$")
_FEW = 1 << 20


@dataclass(frozen=True)
class Scope:
    """What a person takes; an empty set stands for everything. Words are as `words_of`, places as `place_key`."""

    channels: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    shops: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()

    @property
    def is_everything(self) -> bool:
        return not (self.channels or self.regions or self.shops or self.skills)


def words_of(text: str | None) -> frozenset[str]:
    """The words of a staff cell such as 「抖音、快手」, folded."""
    return frozenset(word for part in _BETWEEN.split(text or "") if (word := fold(part)))


def places_of(text: str | None) -> frozenset[str]:
    """The provinces and cities of a staff cell such as 「广东省,杭州市」."""
    return frozenset(place_key(word) for word in words_of(text))


def place_key(text: str) -> str:
    """The form in which places are compared: 广西壮族自治区 → 广西, 杭州市 → 杭州."""
    word = fold(text)
    return _PLACE_ENDING.sub("", word) or word


def classes_of(leads: pa.Table, people: Sequence[Scope]) -> tuple[Codes, Flags]:
    """(class of each lead, class × person: may take it). Columns that `leads` lacks restrict nobody.

    Reads channel_key, province, city, shop and tags.
    """
    codes, may = np.zeros(leads.num_rows, np.int64), np.ones((1, len(people)), bool)
    for part_codes, part_may in _dimensions(leads, people):
        pattern, ids = np.unique(part_may, axis=0, return_inverse=True)
        ids = ids.reshape(-1)
        codes = codes * len(pattern) + ids[part_codes]
        may = (may[:, None, :] & pattern[None, :, :]).reshape(-1, len(people))
        codes, used = _compressed(codes, len(may))
        may = may[used]
    return codes, may


def _dimensions(leads: pa.Table, people: Sequence[Scope]) -> list[tuple[Codes, Flags]]:
    names = set(leads.column_names)
    found = []
    if "channel_key" in names and any(one.channels for one in people):
        found.append(_one_word(leads["channel_key"], [one.channels for one in people], fold))
    if {"province", "city"} <= names and any(one.regions for one in people):
        found.append(_places(leads, [one.regions for one in people]))
    if "shop" in names and any(one.shops for one in people):
        found.append(_one_word(leads["shop"], [one.shops for one in people], fold))
    if "tags" in names and any(one.skills for one in people):
        found.append(_tags(leads["tags"], [one.skills for one in people]))
    return found


def _one_word(
    column: pa.ChunkedArray, sets: Sequence[frozenset[str]], key: Callable[[str], str]
) -> tuple[Codes, Flags]:
    codes, values = encoded(column)
    return codes, _table(
        [[not mine or not value or key(value) in mine for mine in sets] for value in values], len(sets)
    )


def _places(leads: pa.Table, sets: Sequence[frozenset[str]]) -> tuple[Codes, Flags]:
    provinces, province_words = encoded(leads["province"])
    cities, city_words = encoded(leads["city"])
    codes, used = _compressed(provinces * len(city_words) + cities, len(province_words) * len(city_words))
    rows = []
    for at in used.tolist():
        said = {
            place_key(word)
            for word in (province_words[at // len(city_words)], city_words[at % len(city_words)])
            if word
        }
        rows.append([not mine or not said or bool(said & mine) for mine in sets])
    return codes, _table(rows, len(sets))


def _tags(column: pa.ChunkedArray, sets: Sequence[frozenset[str]]) -> tuple[Codes, Flags]:
    """Only tags that are somebody's skill ask for anything: 「双11」 alone restricts nobody."""
    skills = frozenset[str]().union(*sets)
    codes, values = encoded(column)
    rows = []
    for value in values:
        asked = words_of(value) & skills
        rows.append([not mine or not asked or bool(asked & mine) for mine in sets])
    return codes, _table(rows, len(sets))


def _table(rows: list[list[bool]], width: int) -> Flags:
    result: Flags = np.array(rows, bool).reshape(len(rows), width)
    return result


def encoded(column: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    """(position of each value, the distinct values in order); null counts as the empty text."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    found = pc.fill_null(array.cast(pa.string()), "").dictionary_encode()
    words = found.dictionary.to_pylist()
    order = sorted(range(len(words)), key=lambda at: words[at])
    ranks = np.zeros(max(len(words), 1), np.int64)
    ranks[order] = np.arange(len(words))
    codes = ranks[np.asarray(found.indices)] if len(words) else np.zeros(0, np.int64)
    return codes, [words[at] for at in order]


def _compressed(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """Codes without gaps, and what each stood for before."""
    if size > _FEW:
        used, codes = np.unique(codes, return_inverse=True)
        return codes.reshape(-1), used
    used = np.flatnonzero(np.bincount(codes, minlength=size))
    lookup = np.zeros(max(size, 1), np.int64)
    lookup[used] = np.arange(len(used))
    return lookup[codes], used
