"""Header rows among the data: the same header once more, its names in another language, or that of another table.

Pages joined by hand and exports put one below the other repeat the header; some programs write a second one with
the names of their fields. Such a row is no data. Where the names stand in other columns than above, the rows below
belong to another table, and would be read into the wrong columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.clean import plain
from siyu_cli.sheets.mapping import SHAPE_OF, header_key
from siyu_cli.sheets.signs import DIGITS, starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siyu_cli.sheets.header import Header

_NUMBERED = ("moment", "phone", "id", "money", "count")
"""Shapes whose values hold digits, the surest first; no header does, or hardly any."""
_BETWEEN = r"[\s\p{Cf}_.\-]+"
_LONGEST_NAME = 100
_DIGIT = re.compile("[0-9]")


class HeaderRows:
    """Finds the header rows below a header."""

    def __init__(self, header: Header) -> None:
        mapping = header.mapping
        self._above = header.above
        self._is_mended = bool(header.reject_columns)
        file_names = {_sound(name) for name in header.names} - {""}
        self._fields: list[tuple[int, pa.Array, pa.Array]] = []
        self._numbered: list[int] = []
        known = set(file_names)
        for canonical, places in header.columns.items():
            names = {_sound(name) for name in (*mapping.columns.get(canonical, ()), canonical)}
            known |= names
            if SHAPE_OF.get(canonical) in _NUMBERED:
                self._numbered += places
            for at in places:
                own = names | {_sound(header.used[canonical])}
                self._fields.append((at, _texts(own), _texts(file_names - own)))
        self._known = _texts(known)
        # Hardly a name holds a digit (`手机1`); where one does, it is known as it is written.
        self._numbered_names = _texts({name for name in header.names if _DIGIT.search(name)})
        shapes = {
            at: SHAPE_OF.get(canonical) for canonical, places in header.columns.items() for at in places
        }
        order = {shape: turn for turn, shape in enumerate(_NUMBERED)}
        # Where most values begin with a digit, hardly a row needs a second look.
        self._lead = min(shapes, key=lambda at: (order.get(shapes[at] or "", len(order)), at), default=None)

    def find(self, columns: Sequence[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
        """(is a header or a title again, is the header of another table) of some rows."""
        count = len(columns[0]) if columns else 0
        again, other = self._titles(columns, count), np.zeros(count, dtype=bool)
        if self._lead is None or not count:
            return again, other
        rows = self._suspicious(plain(columns[self._lead]))
        if not len(rows):
            return again, other
        taken = pa.array(rows)
        filled, own, moved, known, data = (np.zeros(len(rows), dtype=np.int64) for _ in range(5))
        for at, own_names, other_names in self._fields:
            texts = plain(columns[at].take(taken))
            sounds = _sounds(texts)
            is_known = _is_in(sounds, self._known)
            is_own = _is_in(sounds, own_names)
            filled += _mask(pc.not_equal(sounds, ""))
            own += is_own
            known += is_known
            moved += _is_in(sounds, other_names)
            data += ~is_known & _mask(pc.match_substring_regex(texts, "[0-9]"))
        is_header = (data == 0) & (2 * known >= filled) & (known >= np.minimum(filled, 2)) & (known > 0)
        is_again = is_header & (moved == 0) & (2 * own >= filled)
        again[rows] = is_again
        other[rows] = is_header & ~is_again & (known > 1)
        return again, other

    def is_like_one(self, first_row: Sequence[str]) -> bool:
        """True for the row directly below the header where it has words wherever numbers and dates belong.

        A row that came back in a rejects workbook is what it is: its reason stands beside it.
        """
        texts = [text for at in self._numbered if (text := first_row[at].strip())]
        return not self._is_mended and len(texts) > 1 and not any(map(_DIGIT.search, first_row))

    def _titles(self, columns: Sequence[pa.Array], count: int) -> np.ndarray:
        """The rows that stand above the header word for word: a page begins with them."""
        found = np.zeros(count, dtype=bool)
        for title in self._above:
            filled = [at for at, cell in enumerate(title) if cell]
            if filled[-1] >= len(columns):
                continue
            at = filled[0]
            rows = np.flatnonzero(_mask(pc.equal(pc.utf8_trim_whitespace(plain(columns[at])), title[at])))
            for place, column in enumerate(columns):
                cells = pc.utf8_trim_whitespace(plain(column.take(pa.array(rows))))
                rows = rows[_mask(pc.equal(cells, title[place] if place < len(title) else ""))]
            found[rows] = True
        return found

    def _suspicious(self, texts: pa.Array) -> np.ndarray:
        """The rows whose leading cell could be the name of a column."""
        rows = np.flatnonzero(~starts(texts, DIGITS))
        lead = texts.take(pa.array(rows))
        is_wordy = pc.and_(pc.invert(pc.match_substring_regex(lead, "[0-9]")), pc.not_equal(lead, ""))
        if len(self._numbered_names):
            is_wordy = pc.or_(
                is_wordy, pc.is_in(pc.utf8_trim_whitespace(lead), value_set=self._numbered_names)
            )
        rows, lead = rows[_mask(is_wordy)], lead.filter(is_wordy)
        found: np.ndarray = rows[_is_in(_sounds(lead), self._known)]
        return found


def _sound(name: str) -> str:
    """A name as it is compared: `Order ID` and `order_id` are one."""
    return re.sub(r"[_.-]", "", header_key(name))


def _sounds(texts: pa.Array) -> pa.Array:
    """The same of a column; longer texts are no names."""
    short = pc.utf8_slice_codeunits(texts, 0, _LONGEST_NAME)
    return pc.replace_substring_regex(pc.utf8_lower(pc.utf8_normalize(short, form="NFKC")), _BETWEEN, "")


def _texts(names: set[str]) -> pa.Array:
    return pa.array(sorted(names), pa.string())


def _is_in(texts: pa.Array, names: pa.Array) -> np.ndarray:
    return _mask(pc.is_in(texts, value_set=names))


def _mask(flags: pa.Array) -> np.ndarray:
    found: np.ndarray = flags.to_numpy(zero_copy_only=False)
    return found
