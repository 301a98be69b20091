"""The road all kinds of sheets take: source → header → data rows → cleaned batches → one CleanTable."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import seconds_of
from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.asides import aside_masks
from siyu_cli.sheets.header import Header, find_header
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.raw import RawBatch, Source, open_source
from siyu_cli.sheets.table import CleanTable, Original, Reject

_EPOCH_IN_NAME = re.compile(r"(?<!\d)(1[5-9]\d{8})(?:\d{3})?(?!\d)")
_MOMENT_IN_NAME = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?!\d)")


@dataclass
class Tally:
    """Rows read so far. Blank rows count only once something follows them."""

    read: int = 0
    blank: int = 0
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


@dataclass
class Work:
    """What a kind's cleaner is given: where columns are, where reasons and notes go."""

    header: Header
    tz: tzinfo
    log: RejectLog
    notes: Counter[str] = field(default_factory=Counter)
    order_key: tuple[str, ...] = ()

    @property
    def mapping(self) -> PlatformMapping:
        return self.header.mapping

    def title(self, canonical: str) -> str:
        """The file's own name of a column, for messages."""
        return self.header.used.get(canonical, canonical)

    def has(self, canonical: str) -> bool:
        return canonical in self.header.columns


class BatchRows:
    """One batch under cleaning: columns by canonical name, and which rows are still good."""

    def __init__(self, work: Work, batch: RawBatch) -> None:
        self.work = work
        self.row_nos = batch.row_nos
        self.columns = batch.columns
        self.is_good = np.ones(len(batch.row_nos), dtype=bool)
        self._texts: dict[str, pa.Array] = {}

    def __len__(self) -> int:
        return len(self.row_nos)

    def texts(self, canonical: str) -> pa.Array | None:
        """The raw texts of a field; None when no column carries it. Twin columns are merged."""
        places = self.work.header.columns.get(canonical)
        if places is None:
            return None
        if canonical not in self._texts:
            merged = self.columns[places[0]]
            for place in places[1:]:
                merged = self._merge(canonical, merged, self.columns[place])
            self._texts[canonical] = merged
        return self._texts[canonical]

    def _merge(self, canonical: str, left: pa.Array, right: pa.Array) -> pa.Array:
        one, two = pc.utf8_trim_whitespace(left), pc.utf8_trim_whitespace(right)
        is_conflict = pc.and_(pc.and_(pc.not_equal(one, ""), pc.not_equal(two, "")), pc.not_equal(one, two))
        codes = pc.if_else(is_conflict, "duplicate-column-conflict", pa.scalar(None, pa.string()))
        self.refuse(canonical, codes, pc.binary_join_element_wise(one, two, " / "))
        return pc.if_else(pc.equal(one, ""), right, left)

    def refuse(self, canonical: str, codes: pa.Array, details: pa.Array | None = None) -> None:
        """Refuse the rows with a code that are still good."""
        hit = pc.is_valid(codes).to_numpy(zero_copy_only=False) & self.is_good
        if not hit.any():
            return
        self.is_good &= ~hit
        if details is None:
            details = self.texts(canonical)
        if details is None:
            details = pa.nulls(len(self), pa.string())
        rows = pa.array(hit)
        self.work.log.add(
            self.row_nos.filter(rows), self.work.title(canonical), codes.filter(rows), details.filter(rows)
        )

    def refuse_where(self, canonical: str, is_bad: np.ndarray, code: str) -> None:
        """Refuse rows by a mask."""
        if is_bad.any():
            self.refuse(canonical, pc.if_else(pa.array(is_bad), code, pa.scalar(None, pa.string())))

    def note(self, code: str, is_hit: pa.Array | np.ndarray) -> None:
        """Count a repair in rows that are still good (call it after all refusals)."""
        hits = (
            is_hit
            if isinstance(is_hit, np.ndarray)
            else pc.fill_null(is_hit, False).to_numpy(zero_copy_only=False)
        )
        count = int((hits & self.is_good).sum())
        if count:
            self.work.notes[code] += count

    def note_codes(self, codes: pa.Array, *, skip: frozenset[str] = frozenset()) -> None:
        """Count each code in rows that are still good."""
        kept = codes.filter(pa.array(self.is_good)).drop_null()
        for entry in pc.value_counts(kept).to_pylist():
            if entry["values"] not in skip:
                self.work.notes[entry["values"]] += entry["counts"]

    def nulls(self, kind: pa.DataType) -> pa.Array:
        return pa.nulls(len(self), kind)


Cleaner = Callable[[BatchRows], dict[str, pa.Array]]


class RowSink:
    """Cleaned batches, in memory or in a memory-mapped file below `folder`."""

    def __init__(self, schema: pa.Schema, folder: Path | None) -> None:
        self.schema = schema
        self._batches: list[pa.RecordBatch] = []
        self._path: Path | None = None
        if folder is not None:
            with tempfile.NamedTemporaryFile(
                dir=folder, prefix="rows-", suffix=".arrow", delete=False
            ) as file:
                self._path = Path(file.name)
            self._writer = pa.ipc.new_file(str(self._path), schema)

    def add(self, batch: pa.RecordBatch) -> None:
        if self._path is None:
            self._batches.append(batch)
        else:
            self._writer.write_batch(batch)

    def table(self) -> pa.Table:
        """All rows in file order."""
        if self._path is None:
            return pa.Table.from_batches(self._batches, self.schema)
        self._writer.close()
        return pa.ipc.open_file(pa.memory_map(str(self._path))).read_all()


def read_table(
    path: Path,
    mappings: Sequence[PlatformMapping],
    schema: pa.Schema,
    make_cleaner: Callable[[Work], Cleaner],
    *,
    tz: tzinfo,
    sheet: str | None,
    exported_sec: int | None,
    spool: Path | None,
    name: str | None = None,
) -> CleanTable:
    """Read, find the header, clean batch by batch, and account for every row.

    `make_cleaner` may refuse the whole file (missing columns) and returns the function that turns a
    batch into the columns of `schema` (all but row_no), refusing single rows through BatchRows.
    `name` is what the operator calls the file where its bytes lie elsewhere (`七月.zip/订单.csv`).
    """
    source, digest = open_source(path, sheet)
    header = _find_header(source, mappings, name or path.name)
    work = Work(header, tz, RejectLog())
    clean = make_cleaner(work)
    tally, sink = Tally(), RowSink(schema, spool)
    for batch in data_batches(source, header, tally, work.log):
        rows = BatchRows(work, batch)
        columns = {"row_no": batch.row_nos, **clean(rows)}
        kept = pa.array(rows.is_good)
        arrays = [columns[name].cast(schema.field(name).type).filter(kept) for name in schema.names]
        sink.add(pa.RecordBatch.from_arrays(arrays, schema=schema))
    if not tally.read:
        work.notes["no-rows"] = 1
    work.notes.update(source.notes)
    if header.duplicates:
        work.notes["duplicate-headers"] = len(header.duplicates)
    return CleanTable(
        path=path,
        file=name or path.name,
        sha256=digest,
        sheet=source.sheet,
        mapping=header.mapping,
        encoding=source.encoding,
        header_row=header.row_no,
        headers=header.names,
        used=header.used,
        unknown=header.unknown,
        rows=sink.table(),
        rejects=tuple(sorted(work.log.rejects, key=lambda reject: reject.row_no)),
        read=tally.read,
        blank=tally.blank,
        exported_sec=exported_moment(path, tz, exported_sec, name),
        order_key=work.order_key,
        notes=dict(sorted(work.notes.items())),
        header=header,
    )


def _find_header(source: Source, mappings: Sequence[PlatformMapping], file: str) -> Header:
    try:
        return find_header(source.layouts(), mappings, file, source.sheet)
    except InputRefused as error:
        others = [name for name in source.sheet_names() if name != source.sheet]
        if error.code == "unknown-header" and others:
            listed = "、".join(others)
            hint = (
                tr(f"还有别的工作表:{listed}(--sheet 指定);", f"Other sheets: {listed} (--sheet); ")
                + error.hint
            )
            raise InputRefused(error.code, error.message, hint=hint, where=error.where) from None
        raise


def data_batches(source: Source, header: Header, tally: Tally, log: RejectLog) -> Iterator[RawBatch]:
    """The data rows: blank rows, totals and notes are taken out and counted, broken rows refused."""
    for batch in source.batches(header):
        looked_at = [column for at, column in enumerate(batch.columns) if at not in header.reject_columns]
        blank, aside = aside_masks(looked_at)
        row_nos = batch.row_nos.to_numpy(zero_copy_only=False)
        tally.add(row_nos, blank, aside, [row.row_no for row in batch.broken])
        log.rejects.extend(Reject(row.row_no, "", row.code, row.detail) for row in batch.broken)
        gone = blank | aside
        if gone.any():
            kept = pa.array(~gone)
            batch = RawBatch([column.filter(kept) for column in batch.columns], batch.row_nos.filter(kept))
        if len(batch.row_nos):
            yield batch


def read_originals(table: CleanTable, row_nos: Sequence[int]) -> list[Original]:
    """Rows of a table's file as they stand there, in the order of their numbers."""
    wanted = set(row_nos)
    if not wanted:
        return []
    source, digest = open_source(table.path, table.sheet)
    if digest != table.sha256 or table.header is None:
        raise InputRefused(
            "file-changed",
            tr(f"{table.file} 在导入过程中变了", f"{table.file} changed while it was being imported"),
            hint=tr("等文件写完,再导入一次", "Import it again when it is complete"),
            where=Where(file=table.file),
        )
    source.layouts()
    width = len(table.headers)
    numbers = pa.array(sorted(wanted), pa.int64())
    found: list[Original] = []
    for batch in source.batches(table.header):
        hit = pc.is_in(batch.row_nos, value_set=numbers)
        if pc.any(hit, min_count=0).as_py():
            cells = [column.filter(hit).to_pylist() for column in batch.columns[:width]]
            lines = batch.row_nos.filter(hit).to_pylist()
            found.extend(
                Original(line, tuple(row)) for line, row in zip(lines, zip(*cells, strict=True), strict=True)
            )
        found.extend(
            Original(row.row_no, (*row.cells, *[""] * width)[:width], row.cells[width:])
            for row in batch.broken
            if row.row_no in wanted
        )
    return sorted(found, key=lambda original: original.row_no)


def exported_moment(path: Path, tz: tzinfo, given: int | None, name: str | None = None) -> int:
    """Local seconds at which a file was exported: its name says so, else the caller, else its time stamp.

    A file in an archive may leave it to the archive's name: the innermost name that says a moment counts.
    """
    for part in reversed((name or path.name).split("/")):
        stem = Path(part).stem
        if match := _MOMENT_IN_NAME.search(stem):
            try:
                return seconds_of(datetime(*map(int, match.groups("0"))))  # type: ignore[arg-type]
            except ValueError:
                pass
        if match := _EPOCH_IN_NAME.search(stem):
            return _local(int(match.group(1)), tz)
    return given if given is not None else _local(int(path.stat().st_mtime), tz)


def _local(epoch: int, tz: tzinfo) -> int:
    return seconds_of(datetime.fromtimestamp(epoch, tz).replace(tzinfo=None))
