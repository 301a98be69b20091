"""What every import reports: for each file its counts, reasons and rejects; the same for all files together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from siyu_cli.clock import format_seconds
from siyu_cli.sheets.counts import Counts
from siyu_cli.sheets.table import CleanTable, Reject


@dataclass(frozen=True)
class FileAccount:
    """One file of an import: where each of its rows went.

    `refused` are rows the use case rejected beyond the reader's own; `reasons` counts why rows were
    rejected, unchanged or duplicate, by code; `net_fen` and `customers` are those of the accepted rows.
    """

    table: CleanTable
    counts: Counts
    refused: tuple[Reject, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    net_fen: int = 0

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Every refused row: those of the reader and those of the use case."""
        return (*self.table.rejects, *self.refused)

    @property
    def unknown_words(self) -> dict[str, int]:
        """Words that the mapping gives no meaning → the rows held back for it, most first."""
        words = Counter(reject.detail for reject in self.rejects if reject.code.startswith("unknown-"))
        return dict(sorted(words.items(), key=lambda pair: (-pair[1], pair[0])))

    def as_dict(self, rejects_file: str | None) -> dict[str, Any]:
        """The file's entry in `result.files`."""
        table = self.table
        return {
            "file": table.file,
            "sheet": table.sheet,
            "platform": table.mapping.name or None,
            "encoding": table.encoding,
            "header_row": table.header_row,
            "columns_used": dict(table.used),
            "columns_unknown": list(table.unknown),
            "exported_at": format_seconds(table.exported_sec),
            "exported_from": table.exported_from,
            **self.counts.as_dict(),
            "reasons": self.reasons,
            "unknown_words": self.unknown_words,
            "notes": dict(table.notes),
            "net_fen": self.net_fen,
            "rejects_file": rejects_file,
        }


@dataclass(frozen=True)
class ImportAccount:
    """A whole import run: its files, and the customers that their accepted rows belong to."""

    files: tuple[FileAccount, ...]
    customers: int = 0
    new_customers: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    overlap_fen: int = 0
    """Net that two files count because the later one corrects a row of the earlier one."""

    @property
    def totals(self) -> Counts:
        return sum((file.counts for file in self.files), Counts()).check()

    @property
    def reasons(self) -> dict[str, int]:
        """Code → rows, over all files, most first."""
        counter: Counter[str] = Counter()
        for file in self.files:
            counter.update(file.reasons)
        return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def net_fen(self) -> int:
        return sum(file.net_fen for file in self.files) - self.overlap_fen

    def as_dict(self, rejects_files: Sequence[str | None]) -> dict[str, Any]:
        """`result` of the import commands."""
        return {
            "files": [file.as_dict(name) for file, name in zip(self.files, rejects_files, strict=True)],
            "totals": self.totals.as_dict(),
            "reasons": self.reasons,
            "customers": self.customers,
            "new_customers": self.new_customers,
            "net_fen": self.net_fen,
            **self.extra,
        }


def all_refused(table: CleanTable) -> FileAccount:
    """The account of a sheet that was not understood: every row of it went back."""
    counts = Counts(read=table.read, rejected=len(table.rejects), blank=table.blank).check()
    return FileAccount(table, counts, reasons=dict(reader_reasons(table)))


def reader_reasons(table: CleanTable) -> Counter[str]:
    """Why the reader itself refused rows, by code."""
    return Counter(reject.code for reject in table.rejects)
