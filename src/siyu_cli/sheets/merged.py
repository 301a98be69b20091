"""Cells merged over several rows: the first of them holds the value, the others are empty and are read so.

Nothing is filled in by itself: of an order's number or its buyer every row is meant, of an amount the sum. A mapping
says it with `carried`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from siyu_cli.sheets.grid import Merges
    from siyu_cli.sheets.header import Header
    from siyu_cli.sheets.table import Reject


class MergedCells:
    """The merged blocks below a header in columns that are used; `count` says how many there are."""

    def __init__(self, merges: Merges, header: Header) -> None:
        blocks = np.array(merges, dtype=np.int64).reshape(-1, 4)
        blocks = blocks[blocks[:, 0] >= header.row_no]
        is_used = np.zeros(len(blocks), dtype=bool)
        self._in_column: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for canonical, places in header.columns.items():
            if canonical in header.mapping.carried:
                continue
            for at in places:
                hit = (blocks[:, 2] <= at) & (at <= blocks[:, 3])
                is_used |= hit
                found = blocks[hit][np.argsort(blocks[hit, 0], kind="stable")]
                title = header.used[canonical]
                self._in_column.setdefault(title, []).append((found[:, 0] + 1, found[:, 1] + 1))
        self.count = int(is_used.sum())

    def told(self, reject: Reject) -> Reject:
        """The refusal with the row that holds the value, where it speaks of a merged cell below that row."""
        for tops, bottoms in self._in_column.get(reject.column, ()):
            at = int(np.searchsorted(tops, reject.row_no)) - 1
            if at >= 0 and bottoms[at] >= reject.row_no:
                return replace(reject, merged=int(tops[at]))
        return reject
