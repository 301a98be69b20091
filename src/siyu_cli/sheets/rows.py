"""The road all kinds of sheets take: source → header → data rows → cleaned batches → one CleanTable."""

from __future__ import annotations

import re
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Required, TypedDict, TypeVar, Unpack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import seconds_of
from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.clean import plain
from siyu_cli.sheets.data_rows import RejectLog, Tally, data_batches, told_plainly
from siyu_cli.sheets.header import Header, find_header
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.merged import MergedCells
from siyu_cli.sheets.raw import ERROR_TEXTS, RawBatch, Source, open_source
from siyu_cli.sheets.signs import holds
from siyu_cli.sheets.sniff import sha256_of
from siyu_cli.sheets.table import CleanTable, ExportedFrom, Original, mapped
from siyu_cli.words import fold_column

_CLEANERS = 2
"""Batches cleaned at a time: columns are cleaned outside the interpreter's lock."""
_LONGEST_CELL = 32_767
"""As many characters as a spreadsheet cell holds; longer texts are cut there, and it is said."""
_ERROR_TEXTS = pa.array(sorted(ERROR_TEXTS), pa.string())
_EPOCH_IN_NAME = re.compile(r"(?<!\d)(1[5-9]\d{8})(?:\d{3})?(?!\d)")
_MOMENT_IN_NAME = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?!\d)")

_GROUP_ROWS = 122_880
"""Rows of a batch in a file of cleaned rows: a row group of the store. From batches of any other size the store
makes row groups that it writes a second time when it closes."""
_FILE_ROWS = 2 * _GROUP_ROWS
"""Rows of one file of cleaned rows: what a writer has in hand at a time."""
_One = TypeVar("_One")
_Made = TypeVar("_Made")


@dataclass
class Work:
    """What a kind's cleaner is given: where columns are, and where reasons and notes of the file go."""

    header: Header
    tz: tzinfo
    log: RejectLog
    file: str = ""
    sheet: str | None = None
    is_1904: bool = False
    notes: Counter[str] = field(default_factory=Counter)
    order_key: tuple[str, ...] = ()
    is_chained: bool = False  # a batch needs what the one before it said

    @property
    def mapping(self) -> PlatformMapping:
        return self.header.mapping

    def title(self, canonical: str) -> str:
        """The file's own name of a column, for messages."""
        return self.header.used.get(canonical, canonical)

    def has(self, canonical: str) -> bool:
        return canonical in self.header.columns


class BatchRows:
    """One batch under cleaning: columns by canonical name, which rows are still good, and what was found."""

    def __init__(self, work: Work, batch: RawBatch) -> None:
        self.work = work
        self.log = RejectLog()
        self.notes: Counter[str] = Counter()
        self.bytes_read = batch.bytes_read
        self.row_nos = batch.row_nos
        self.columns = batch.columns
        self.is_good = np.ones(len(batch.row_nos), dtype=bool)
        self._texts: dict[str, pa.Array] = {}

    def __len__(self) -> int:
        return len(self.row_nos)

    def check_cells(self) -> None:
        """Refuse rows in which a column the mapping uses shows a formula's error; cut texts of absurd length."""
        for at, column in enumerate(self.columns):
            if (pc.max(pc.binary_length(_words(column))).as_py() or 0) > _LONGEST_CELL:
                cells = plain(column)
                is_long = pc.greater(pc.utf8_length(cells), _LONGEST_CELL)
                self.columns[at] = pc.utf8_slice_codeunits(cells, 0, _LONGEST_CELL)
                self.note("long-cell-cut", is_long)
        sheet = f"{self.work.sheet}!" if self.work.sheet else ""
        for canonical, places in self.work.header.columns.items():
            for at in places:
                if not holds(_words(self.columns[at]), b"#"):
                    continue
                cells = plain(self.columns[at])
                words = pc.utf8_upper(pc.utf8_trim_whitespace(cells))
                is_error = pc.is_in(words, value_set=_ERROR_TEXTS)
                where = pc.binary_join_element_wise(
                    f"{sheet}{column_letters(at)}", pc.cast(self.row_nos, pa.string()), ""
                )
                codes = pc.if_else(is_error, "error-cell", pa.scalar(None, pa.string()))
                self.refuse(canonical, codes, pc.binary_join_element_wise(where, words, " "))

    def column(self, at: int) -> pa.Array:
        """The texts of a column by its place."""
        return plain(self.columns[at])

    def given(self, canonical: str) -> pa.Array | None:
        """The raw texts of a field as the reader gave them, a dictionary perhaps; None when no column carries it."""
        places = self.work.header.columns.get(canonical)
        return self.columns[places[0]] if places is not None and len(places) == 1 else self.texts(canonical)

    def texts(self, canonical: str) -> pa.Array | None:
        """The raw texts of a field; None when no column carries it. Twin columns are merged."""
        places = self.work.header.columns.get(canonical)
        if places is None:
            return None
        if canonical not in self._texts:
            merged = self.column(places[0])
            for place in places[1:]:
                merged = self._merge(canonical, merged, self.column(place))
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
        self.log.add(
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
            self.notes[code] += count

    def note_codes(self, codes: pa.Array, *, skip: frozenset[str] = frozenset()) -> None:
        """Count each code in rows that are still good."""
        kept = codes.filter(pa.array(self.is_good)).drop_null()
        for entry in pc.value_counts(kept).to_pylist():
            if entry["values"] not in skip:
                self.notes[entry["values"]] += entry["counts"]

    def nulls(self, kind: pa.DataType) -> pa.Array:
        return pa.nulls(len(self), kind)


def _words(column: pa.Array) -> pa.Array:
    """Texts among which are all that stand in a column."""
    return column.dictionary if isinstance(column, pa.DictionaryArray) else column


Cleaner = Callable[[BatchRows], dict[str, pa.Array]]


def column_letters(at: int) -> str:
    """A column's name in a spreadsheet: 0 is A, 26 is AA."""
    letters = ""
    while at >= 0:
        at, rest = divmod(at, 26)
        letters = chr(ord("A") + rest) + letters
        at -= 1
    return letters


class RowSink:
    """Cleaned batches, in memory or in files below `folder`; `folded` columns without a twin `<name>_key` get one."""

    def __init__(self, schema: pa.Schema, folder: Path | None, folded: Sequence[str] = ()) -> None:
        self.folded = folded
        self.schema = pa.schema([*schema, *((f"{name}_key", pa.string()) for name in folded)])
        self.files: list[Path] = []
        self._folder = folder
        self._writer: pa.RecordBatchFileWriter | None = None
        self._rows_in_file = 0
        self._batches: list[pa.RecordBatch] = []
        self._rows_waiting = 0

    def pack(self, columns: Mapping[str, pa.Array], is_good: np.ndarray) -> pa.RecordBatch:
        """The good rows of a batch with all columns of the schema."""
        columns = dict(columns)
        if not is_good.all():
            kept = pa.array(is_good)
            columns = {name: column.filter(kept) for name, column in columns.items()}
        for name in self.folded:
            if f"{name}_key" not in columns:
                columns[f"{name}_key"] = fold_column(columns[name])
        arrays = [columns[field.name] for field in self.schema]
        arrays = [
            array if array.type.equals(field.type) else array.cast(field.type)
            for array, field in zip(arrays, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a packed batch, in the order of the file."""
        if self._folder is None:
            self._batches.append(batch)
            return
        while batch.num_rows:
            part = batch.slice(0, _GROUP_ROWS - self._rows_waiting)
            self._batches.append(part)
            self._rows_waiting += part.num_rows
            batch = batch.slice(part.num_rows)
            if self._rows_waiting == _GROUP_ROWS:
                self._write_group(self._folder)

    def _write_group(self, folder: Path) -> None:
        """Put the waiting rows into the file as one batch."""
        if self._writer is None:
            self._writer = self._next_file(folder)
        self._writer.write_batch(pa.concat_batches(self._batches))
        self._rows_in_file += self._rows_waiting
        self._batches, self._rows_waiting = [], 0
        if self._rows_in_file >= _FILE_ROWS:
            self._close_file()

    def table(self) -> pa.Table:
        """All rows in file order; of files only what is looked at is read."""
        if self._folder is not None and self._rows_waiting:
            self._write_group(self._folder)
        self._close_file()
        if not self.files:
            return pa.Table.from_batches(self._batches, self.schema)
        return pa.concat_tables(map(mapped, self.files))

    def _next_file(self, folder: Path) -> pa.RecordBatchFileWriter:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="rows-", suffix=".arrow", delete=False) as file:
            self.files.append(Path(file.name))
        return pa.ipc.new_file(str(self.files[-1]), self.schema)

    def _close_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._rows_in_file = None, 0


class Reading(TypedDict, total=False):
    """How a file is read, the same for every kind of sheet.

    `name` is what the operator calls the file where its bytes lie elsewhere (`七月.zip/订单.csv`), `spool` a
    folder for the cleaned rows. `progress` is told the bytes of the file read so far, after each batch; kinds
    of files that cannot say are silent.
    """

    tz: Required[tzinfo]
    sheet: str | None
    exported_sec: int | None
    spool: Path | None
    name: str | None
    progress: Callable[[int], None] | None


def read_table(
    path: Path,
    mappings: Sequence[PlatformMapping],
    schema: pa.Schema,
    make_cleaner: Callable[[Work], Cleaner],
    folded: Sequence[str] = (),
    **how: Unpack[Reading],
) -> CleanTable:
    """Read, find the header, clean batch by batch, and account for every row.

    `make_cleaner` may refuse the whole file (missing columns) and returns the function that turns a
    batch into the columns of `schema` (all but row_no), refusing single rows through BatchRows.
    `folded` names text columns that get a twin `<name>_key` in the form in which texts are compared.
    """
    file, progress = how.get("name") or path.name, how.get("progress")
    source = open_source(path, how.get("sheet"))
    with closing(source), ThreadPoolExecutor(1, thread_name_prefix="hash") as hashing:
        header = _find_header(source, mappings, file)
        work = Work(header, how["tz"], RejectLog(), file, source.sheet, source.is_1904)
        clean = make_cleaner(work)
        digest = hashing.submit(sha256_of, path)  # outside the interpreter's lock, beside the reading
        tally, sink = Tally(), RowSink(schema, how.get("spool"), folded)

        def cleaned(batch: RawBatch) -> tuple[BatchRows, pa.RecordBatch]:
            rows = BatchRows(work, batch)
            rows.check_cells()
            return rows, sink.pack({"row_no": batch.row_nos, **clean(rows)}, rows.is_good)

        batches = data_batches(source, header, tally, work.log)
        for rows, packed in _in_threads(cleaned, batches, 1 if work.is_chained else _CLEANERS):
            sink.add(packed)
            work.log.rejects.extend(rows.log.rejects)
            work.notes.update(rows.notes)
            if progress is not None and rows.bytes_read:
                progress(rows.bytes_read)
        notes = work.notes + source.notes
    if not tally.read:
        notes["no-rows"] = 1
    if tally.headers:
        notes["header-again"] = tally.headers
    merged = MergedCells(source.merges, header)
    if merged.count:
        notes["merged-cells"] = merged.count
    if header.duplicates:
        notes["duplicate-headers"] = len(header.duplicates)
    moment, exported_from = exported_moment(path, how["tz"], how.get("exported_sec"), how.get("name"))
    return CleanTable(
        path=path,
        file=file,
        sha256=digest.result(),
        sheet=source.sheet,
        mapping=header.mapping,
        encoding=source.encoding,
        header_row=header.row_no,
        headers=header.names,
        used=header.used,
        unknown=header.unknown,
        rows=sink.table(),
        rows_files=tuple(sink.files),
        rejects=tuple(told_plainly(work.log.rejects, tally.like_a_header, merged)),
        read=tally.read,
        blank=tally.blank,
        exported_sec=moment,
        exported_from=exported_from,
        order_key=work.order_key,
        notes=dict(sorted(notes.items())),
        header=header,
    )


def _in_threads(make: Callable[[_One], _Made], ones: Iterator[_One], threads: int) -> Iterator[_Made]:
    """What `make` makes of each, in turn; as many at a time as there are threads. Errors come in their turn."""
    with ThreadPoolExecutor(threads, thread_name_prefix="clean") as pool:
        coming = deque(pool.submit(make, one) for one in islice(ones, threads))
        while coming:
            made = coming.popleft().result()
            coming.extend(pool.submit(make, one) for one in islice(ones, 1))
            yield made


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


def read_originals(table: CleanTable, row_nos: Sequence[int]) -> list[Original]:
    """Rows of a table's file as they stand there, in the order of their numbers."""
    wanted = set(row_nos)
    if not wanted:
        return []
    source = open_source(table.path, table.sheet)
    if table.header is None or sha256_of(table.path) != table.sha256:
        raise InputRefused(
            "file-changed",
            tr(f"{table.file} 在导入过程中变了", f"{table.file} changed while it was being imported"),
            hint=tr("等文件写完,再导入一次", "Import it again when it is complete"),
            where=Where(file=table.file),
        )
    with closing(source):
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
                    Original(line, tuple(row))
                    for line, row in zip(lines, zip(*cells, strict=True), strict=True)
                )
            found.extend(
                Original(row.row_no, (*row.cells, *[""] * width)[:width], row.cells[width:])
                for row in batch.broken
                if row.row_no in wanted
            )
    return sorted(found, key=lambda original: original.row_no)


def exported_moment(
    path: Path, tz: tzinfo, given: int | None, name: str | None = None
) -> tuple[int, ExportedFrom]:
    """Local seconds at which a file was exported, and what says so: its name, else the caller, else its time stamp.

    A file in an archive may leave it to the archive's name: the innermost name that says a moment counts.
    """
    for part in reversed((name or path.name).split("/")):
        stem = Path(part).stem
        if match := _MOMENT_IN_NAME.search(stem):
            try:
                return seconds_of(datetime(*map(int, match.groups("0")))), "file-name"  # type: ignore[arg-type]
            except ValueError:
                pass
        if match := _EPOCH_IN_NAME.search(stem):
            return _local(int(match.group(1)), tz), "file-name"
    if given is not None:
        return given, "option"
    return _local(int(path.stat().st_mtime), tz), "file-time"


def _local(epoch: int, tz: tzinfo) -> int:
    return seconds_of(datetime.fromtimestamp(epoch, tz).replace(tzinfo=None))
