"""From what a use case decided about staged rows to the account of their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from siyu_cli.sheets.account import FileAccount, reader_reasons
from siyu_cli.sheets.counts import Counts
from siyu_cli.sheets.table import CleanTable, Reject

_SPOKEN_OF = {
    "until-past": ("until",), "until-of-release": ("until",),
    "unknown-tag": ("tag",), "tag-by-rule-only": ("tag",), "tag-group-differs": ("tag",), "unknown-stage": ("stage",),
    "unknown-staff": ("staff_id", "name"), "several-staff": ("staff_id", "name"), "staff-inactive": ("staff_id", "name"),
    "unknown-customer": ("customer_id", "phone"), "not-a-lead": ("phone",), "lead-opted-out": ("phone",),
}  # fmt: skip
"""Fields a refusal may speak of, by its code; other refusals speak of the whole row."""


class Judged(NamedTuple):
    """One row of a file: new, updated, unchanged, duplicate or rejected, and why (a code)."""

    file_no: int
    row_no: int
    verdict: str
    code: str | None


class Word(NamedTuple):
    """A word that is none, and the known one nearest to it."""

    detail: str
    near: str = ""


def judged_account(
    table: CleanTable,
    judged: Iterable[tuple[str, str | None, int]],
    refused: Iterable[tuple[int, str]],
    words: Mapping[int, Word] | None = None,
) -> FileAccount:
    """The verdicts, with what the reader refused, as one balanced account.

    `judged` are (verdict, reason, rows) with the verdicts new, updated, unchanged, duplicate and rejected;
    `refused` the (row number, reason) of those rejected, `words` the word a refusal speaks of, by row number.
    """
    verdicts: Counter[str] = Counter()
    reasons = reader_reasons(table)
    for verdict, reason, rows in judged:
        verdicts[verdict] += rows
        if reason:
            reasons[reason] += rows
    counts = Counts(
        read=table.read,
        new=verdicts["new"],
        updated=verdicts["updated"],
        unchanged=verdicts["unchanged"],
        duplicate=verdicts["duplicate"],
        rejected=verdicts["rejected"] + len(table.rejects),
        blank=table.blank,
    ).check()
    said = words or {}
    rejects = tuple(
        Reject(row_no, _column(table, reason), reason, *said.get(row_no, ())) for row_no, reason in refused
    )
    return FileAccount(table, counts, rejects, dict(sorted(reasons.items())))


def _column(table: CleanTable, code: str) -> str:
    """The header of the column a refusal speaks of, '' where the file leaves open which it is."""
    headers = [table.used[field] for field in _SPOKEN_OF.get(code, ()) if field in table.used]
    return headers[0] if len(headers) == 1 else ""


def accounts_by_row(
    tables: Sequence[CleanTable], judged: Sequence[Judged], words: Mapping[tuple[int, int], Word]
) -> tuple[FileAccount, ...]:
    """The account of each file from the verdict on each row; `words` by file and row number."""
    files = []
    for at, table in enumerate(tables):
        mine = [one for one in judged if one.file_no == at]
        counted = Counter((one.verdict, one.code) for one in mine)
        refused = [(one.row_no, one.code) for one in mine if one.verdict == "rejected" and one.code]
        said = {row_no: word for (file_no, row_no), word in words.items() if file_no == at}
        files.append(judged_account(table, [(*key, rows) for key, rows in counted.items()], refused, said))
    return tuple(files)
