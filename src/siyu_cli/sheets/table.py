"""What reading a file yields: clean rows, refused rows with reasons, an account of every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.dataset import Dataset

    from siyu_cli.sheets.header import Header
    from siyu_cli.sheets.mapping import PlatformMapping


ExportedFrom = Literal["file-name", "option", "file-time"]
"""What says when a file was exported: its name, the operator, or its time stamp."""


@dataclass(frozen=True)
class Reject:
    """One refused row: where, which column, why (code), the value or word the reason speaks of, and for an unknown
    word the known one nearest to it. `merged` is the row that holds the value of the column, where its cell is merged
    with that of this row, else 0.
    """

    row_no: int
    column: str
    code: str
    detail: str = ""
    near: str = ""
    merged: int = 0

    @property
    def message(self) -> str:
        """The reason as a sentence for the operator."""
        from siyu_cli.sheets.reasons import reason_text

        return reason_text(self.code, self.detail)

    @property
    def fix(self) -> str:
        """How the operator mends it."""
        from siyu_cli.sheets.reasons import fix_text, merged_text, near_text

        return near_text(self.near) + merged_text(self.merged, self.code) + fix_text(self.code)


@dataclass(frozen=True)
class Original:
    """A refused row as it stood in the file: one text per header, and cells beyond the header."""

    row_no: int
    cells: tuple[str, ...]
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class CleanTable:
    """A file after cleaning. read == rows.num_rows + len(rejects) + blank, always.

    `used` says which header carries which canonical field; `unknown` are the headers nothing uses.
    `order_key` is the mapping's, or () when the file has none of its columns (note `order-key-missing`).
    `notes` counts what was repaired or dropped without refusing the row, by code (see repairs.py).
    `rows_files` hold the rows one after the other where they live on disk: `rows` is then a view of them.
    """

    path: Path
    file: str
    sha256: str
    sheet: str | None
    mapping: PlatformMapping
    encoding: str | None
    header_row: int
    headers: tuple[str, ...]
    used: Mapping[str, str]
    unknown: tuple[str, ...]
    rows: pa.Table
    rejects: tuple[Reject, ...]
    read: int
    blank: int
    exported_sec: int
    exported_from: ExportedFrom = "file-time"
    order_key: tuple[str, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)
    header: Header | None = field(default=None, repr=False)
    rows_files: tuple[Path, ...] = ()

    def scan(self) -> pa.Table | Dataset:
        """What SQL reads the rows from (DuckDB's `register`), as often as it likes, in no certain order."""
        return _dataset(self.rows_files) if self.rows_files else self.rows

    def pieces(self) -> Iterator[tuple[int, int, pa.RecordBatchReader]]:
        """The same some rows at a time, in the order of the file: (first row_no, last row_no, rows to walk once).

        DuckDB keeps what is registered until the transaction ends, but a reader that was walked to its end
        holds nothing any more.
        """
        import pyarrow as pa

        for rows in map(mapped, self.rows_files) if self.rows_files else [self.rows]:
            if rows.num_rows:
                numbers = rows["row_no"]
                reader = pa.RecordBatchReader.from_batches(rows.schema, iter(rows.to_batches()))
                yield numbers[0].as_py(), numbers[-1].as_py(), reader

    def originals(self, row_nos: Sequence[int]) -> list[Original]:
        """The cells of rows as they stand in the file, read again; rows may be rejected or accepted ones."""
        from siyu_cli.sheets.rows import read_originals

        return read_originals(self, row_nos)


def _dataset(files: Sequence[Path]) -> Dataset:
    import pyarrow.dataset as ds

    return ds.dataset([str(file) for file in files], format="ipc")


def mapped(file: Path) -> pa.Table:
    """The rows of a file where they are; only what is looked at is read."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()
