"""The rows of a source that are data: blank rows, totals, notes and further headers are taken out and counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.asides import aside_masks, is_caption
from siyu_cli.sheets.header import Header
from siyu_cli.sheets.header_again import HeaderRows
from siyu_cli.sheets.merged import MergedCells
from siyu_cli.sheets.raw import RawBatch, Source
from siyu_cli.sheets.table import Reject

_BATCHES_AHEAD = 2


@dataclass
class Tally:
    """Rows read so far. Blank rows count only once something follows them.

    `headers` of those that count as blank are the header again; `like_a_header` is the number of the first row
    where it looks like one whose names nobody knows, else 0.
    """

    read: int = 0
    blank: int = 0
    headers: int = 0
    like_a_header: int = 0
    _pending: int = 0

    def add(self, row_nos: np.ndarray, blank: np.ndarray, aside: np.ndarray, broken: Sequence[int]) -> None:
        """One batch: its rows, which of them are blank or asides, and the numbers of its broken rows."""
        content = [int(nos[-1]) for nos in (row_nos[~blank], np.array(broken, dtype=np.int64)) if len(nos)]
        if not content:
            self._pending += int(blank.sum())
            return
        last = max(content)
        inner = int((blank & (row_nos < last)).sum())
        self.blank += self._pending + inner + int(aside.sum())
        self.read += self._pending + inner + int((~blank).sum()) + len(broken)
        self._pending = int(blank.sum()) - inner


class RejectLog:
    """Refused rows, one reason each: the first that was found."""

    def __init__(self) -> None:
        self.rejects: list[Reject] = []

    def add(self, row_nos: pa.Array, column: str, codes: pa.Array, details: pa.Array) -> None:
        """Rows with a code; the rest of the arrays is ignored."""
        has_code = pc.is_valid(codes)
        parts = [pc.filter(array, has_code).to_pylist() for array in (row_nos, codes, details)]
        self.rejects.extend(
            Reject(row_no, column, code, _short(detail)) for row_no, code, detail in zip(*parts, strict=True)
        )


def _short(detail: str | None) -> str:
    text = (detail or "").strip()
    return text if len(text) <= 60 else text[:59] + "…"


def data_batches(source: Source, header: Header, tally: Tally, log: RejectLog) -> Iterator[RawBatch]:
    """The data rows: blank rows, totals, notes and the header again are taken out and counted.

    Broken rows are refused, and so is another table below this one, from its header on.
    """
    headers = HeaderRows(header)
    other_table = 0
    for batch in _ahead(source.batches(header)):
        looked_at = [column for at, column in enumerate(batch.columns) if at not in header.reject_columns]
        blank, aside = aside_masks(looked_at)
        again, other = headers.find(batch.columns)
        row_nos = batch.row_nos.to_numpy(zero_copy_only=False)
        if not tally.read and not blank.all():
            first = int(np.flatnonzero(~blank)[0])
            cells = [column[first].as_py() for column in batch.columns]
            aside[first] |= row_nos[first] == header.row_no + 1 and is_caption(
                [cell for at, cell in enumerate(cells) if at not in header.reject_columns]
            )
            tally.like_a_header = int(row_nos[first]) if headers.is_like_one(cells) else 0
        tally.headers += int((again & ~aside).sum())
        aside |= again
        tally.add(row_nos, blank, aside, [row.row_no for row in batch.broken])
        log.rejects.extend(Reject(row.row_no, "", row.code, row.detail) for row in batch.broken)
        gone = blank | aside
        if other_table or other.any():
            governing = _governing(row_nos, again, other, other_table)
            other_table = int(governing[-1])
            foreign = (governing > 0) & ~gone
            log.rejects.extend(_foreign(row_nos[foreign].tolist(), governing[foreign].tolist()))
            gone |= foreign
        if gone.any():
            kept = pa.array(~gone)
            columns = [column.filter(kept) for column in batch.columns]
            batch = replace(batch, columns=columns, row_nos=batch.row_nos.filter(kept))
        if len(batch.row_nos):
            yield batch


def _governing(row_nos: np.ndarray, again: np.ndarray, other: np.ndarray, before: int) -> np.ndarray:
    """The number of the other table's header that each row stands below; 0 below the header of this one."""
    turns = np.flatnonzero(again | other)
    said = np.append(np.where(other[turns], row_nos[turns], 0), before)
    governing: np.ndarray = said[np.searchsorted(turns, np.arange(len(row_nos)), side="right") - 1]
    return governing


def _foreign(row_nos: Sequence[int], governing: Sequence[int]) -> Iterator[Reject]:
    for row_no, header in zip(row_nos, governing, strict=True):
        if row_no == header:
            yield Reject(row_no, "", "other-header")
        else:
            yield Reject(row_no, "", "below-other-header", str(header))


def told_plainly(rejects: Sequence[Reject], like_a_header: int, merged: MergedCells) -> Iterator[Reject]:
    """The refusals by row; that of a row like a second header says so, not which of its words is no date."""
    for reject in sorted(rejects, key=lambda reject: reject.row_no):
        is_header = reject.row_no == like_a_header
        yield Reject(reject.row_no, "", "like-a-header") if is_header else merged.told(reject)


def _ahead(batches: Iterator[RawBatch]) -> Iterator[RawBatch]:
    """The same batches, read in a thread while the caller works on earlier ones; errors come in their turn."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as reader:
        coming = deque(reader.submit(next, batches, None) for _ in range(_BATCHES_AHEAD))
        while (batch := coming.popleft().result()) is not None:
            coming.append(reader.submit(next, batches, None))
            yield batch
