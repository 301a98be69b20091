"""From what a use case decided about staged rows to the account of their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from siyu_cli.sheets.account import FileAccount, reader_reasons
from siyu_cli.sheets.counts import Counts
from siyu_cli.sheets.table import CleanTable, Reject


def judged_account(
    table: CleanTable, judged: Iterable[tuple[str, str | None, int]], refused: Iterable[tuple[int, str]]
) -> FileAccount:
    """The verdicts, with what the reader refused, as one balanced account.

    `judged` are (verdict, reason, rows) with the verdicts new, updated, unchanged, duplicate and rejected;
    `refused` the (row number, reason) of those rejected.
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
    rejects = tuple(Reject(row_no, "", reason) for row_no, reason in refused)
    return FileAccount(table, counts, rejects, dict(sorted(reasons.items())))
