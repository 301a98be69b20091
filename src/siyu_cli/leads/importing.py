"""Importing staff sheets and lead lists: cleaned files become people, leads and their sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.account import FileAccount, ImportAccount, reader_reasons
from siyu_cli.sheets.counts import Counts
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import judged_account
from siyu_cli.store import leads, leaves, staff, versions
from siyu_cli.store.versions import Undone
from siyu_cli.words import fold_column

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNCHANGED_REASONS = ("already-friend", "in-pool", "already-lead", "already-customer", "opted-out")
"""Why an accepted row of a lead list makes no new lead; see docs/leads.md."""

_LEAD_TEXTS = (
    "phone", "name", "source", "channel", "remark", "province", "city", "product", "tags", "attributes",
)  # fmt: skip
_STAFF_TEXTS = ("staff_id", "name", "department", "store", "phone", "channels", "regions", "skills")
_STAFF_NUMBERS = ("weight_milli", "daily_cap", "holding_cap", "is_active")
_LEFT_ALONE = {
    "department": "department", "store": "store", "phone": "phone", "weight_milli": "weight", "daily_cap": "daily_cap",
    "holding_cap": "holding_cap", "channels": "channels", "regions": "regions", "skills": "skills",
}  # fmt: skip
"""What a sheet without such a column leaves as it was: our column → the field. Whoever is named without a state
is on duty."""
_LEAVE_TEXTS, _LEAVE_NUMBERS = ("staff_id", "name", "reason"), ("from_day", "to_day", "is_active")


def merge_staff(
    con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable], *, is_full: bool
) -> ImportAccount:
    """Write staff sheets by 员工账号 and leave sheets inside the caller's transaction.

    `is_full` retires whom the staff sheets leave out; leave sheets say nothing of that.
    """
    sheets = [at for at, table in enumerate(tables) if table.mapping.kind == "staff"]
    leave_sheets = [at for at, table in enumerate(tables) if table.mapping.kind == "leave"]
    accounts: dict[int, FileAccount] = {}
    missing: list[staff.StaffRow] = []
    back: list[staff.StaffRow] = []
    if sheets:
        missing, back = _merge_sheets(con, run_id, tables, sheets, accounts, is_full=is_full)
    if leave_sheets:
        _merge_leaves(con, run_id, tables, leave_sheets, accounts)
    versions.forget_old(con, [staff.STAFF, leaves.LEAVES])
    people = staff.all_staff(con)
    active = sum(person.is_active for person in people)
    left_out = [{"staff_id": person.staff_id, "name": person.name} for person in missing]
    returned = [{"staff_id": person.staff_id, "name": person.name} for person in back]
    return ImportAccount(
        tuple(accounts[at] for at in range(len(tables))),
        extra={
            "staff": len(people),
            "active": active,
            "inactive": len(people) - active,
            "missing": [] if is_full else left_out,
            "retired": left_out if is_full else [],
            "back": returned,
            "new_staff": sum(accounts[at].counts.new for at in sheets),
            "leaves": sum(accounts[at].counts.read - accounts[at].counts.blank for at in leave_sheets),
            "new_leaves": sum(accounts[at].counts.new for at in leave_sheets),
        },
    )


def _merge_sheets(
    con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable], sheets: Sequence[int],
    accounts: dict[int, FileAccount], *, is_full: bool,
) -> tuple[list[staff.StaffRow], list[staff.StaffRow]]:  # fmt: skip
    """Staff sheets into the table, their accounts by position; whom they leave out, and who is back on duty."""
    staff.stage_staff(con, pa.concat_tables(_staff_columns(at, tables[at]) for at in sheets))
    for staff_id, file_no, row_no in staff.staged_conflicts(con)[:1]:
        raise InputRefused(
            "staff-differs",
            tr(
                f"员工账号「{staff_id}」在两个文件里内容不同",
                f"Account “{staff_id}” differs between two files",
            ),
            hint=tr("留下对的那一行,再导入一次", "Keep the right row and import again"),
            where=Where(file=tables[file_no].file, sheet=tables[file_no].sheet, row=row_no),
        )
    outcomes = staff.staged_outcomes(con)
    missing, back = staff.missing_staff(con), staff.returning_staff(con)
    staff.apply_staged(con, run_id)
    if is_full:
        staff.retire_staff(con, [person.staff_id for person in missing], run_id)
    accounts.update({at: _account(at, tables[at], outcomes, "duplicate-account") for at in sheets})
    return missing, back


def _merge_leaves(
    con: DuckDBPyConnection, run_id: int, tables: Sequence[CleanTable], sheets: Sequence[int],
    accounts: dict[int, FileAccount],
) -> None:  # fmt: skip
    """Leave sheets into the table, after the staff sheets: they may speak of people who are new."""
    kinds: dict[str, pa.DataType] = {
        "row_no": pa.int64(),
        **dict.fromkeys(_LEAVE_TEXTS, pa.string()),
        **dict.fromkeys(_LEAVE_NUMBERS, pa.int64()),
    }
    leaves.stage_leaves(con, pa.concat_tables(_numbered(at, _columns(tables[at], kinds)) for at in sheets))
    for at in sheets:
        accounts[at] = judged_account(
            tables[at], leaves.staged_outcomes(con, at), leaves.staged_rejects(con, at)
        )
    leaves.apply_staged(con, run_id)


@dataclass(frozen=True)
class LeadDefaults:
    """What the operator says of a whole list: source and channel where a row names none, batch and tags of all."""

    source: str | None = None
    channel: str | None = None
    batch: str | None = None
    tags: tuple[str, ...] = ()


def merge_leads(
    con: DuckDBPyConnection, run_id: int, at_sec: int, tables: Sequence[CleanTable], defaults: LeadDefaults
) -> ImportAccount:
    """Write lead lists by phone inside the caller's transaction.

    A known lead gets a further source and tags, nothing else; people who are friends or customers or
    opted out make no lead.
    """
    leads.stage_leads(
        con, pa.concat_tables(_lead_columns(at, table, defaults) for at, table in enumerate(tables))
    )
    outcomes = leads.staged_outcomes(con)
    customers, new_leads = leads.staged_counts(con)
    leads.apply_staged(con, [table.file for table in tables], run_id, at_sec)
    tags = leads.put_phone_tags(con, run_id, at_sec // DAY_SECONDS)
    leads.put_phone_traits(con, run_id, at_sec)
    files = tuple(_account(at, table, outcomes, "duplicate-phone") for at, table in enumerate(tables))
    batches = list(dict.fromkeys(_batch(table, defaults) for table in tables))
    return ImportAccount(
        files, customers, extra={"new_leads": new_leads, "new_tags": tags, "batches": batches}
    )


def undo_leads(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> Undone:
    """Take an import of leads back, inside the caller's transaction; `undo_run_id` is the run that does it."""
    removed, kept = leads.take_back(con, run_id, undo_run_id)
    return Undone(removed, 0, kept)


def undo_staff(con: DuckDBPyConnection, run_id: int, undo_run_id: int) -> Undone:
    """Take an import of staff back, inside the caller's transaction."""
    return staff.take_back(con, run_id) + leaves.take_back(con, run_id)


def _account(
    at: int, table: CleanTable, outcomes: Mapping[tuple[int, str], int], duplicate_reason: str
) -> FileAccount:
    """The outcomes of one file's rows, with what the reader refused, as one balanced account."""
    mine: Counter[str] = Counter(
        {outcome: rows for (file_no, outcome), rows in outcomes.items() if file_no == at}
    )
    reasons = reader_reasons(table)
    reasons.update({reason: mine[reason] for reason in UNCHANGED_REASONS if mine[reason]})
    if mine["duplicate"]:
        reasons[duplicate_reason] += mine["duplicate"]
    counts = Counts(
        read=table.read,
        new=mine["new"],
        updated=mine["updated"],
        unchanged=mine["unchanged"] + sum(mine[reason] for reason in UNCHANGED_REASONS),
        duplicate=mine["duplicate"],
        rejected=len(table.rejects),
        blank=table.blank,
    ).check()
    return FileAccount(table, counts, reasons=dict(sorted(reasons.items())))


def _staff_columns(file_no: int, table: CleanTable) -> pa.Table:
    kinds: dict[str, pa.DataType] = {
        "row_no": pa.int64(),
        **dict.fromkeys(_STAFF_TEXTS, pa.string()),
        **dict.fromkeys(_STAFF_NUMBERS, pa.int64()),
    }
    columns = _columns(table, kinds)
    said = {*table.used, *table.mapping.constants}
    absent = [name for name, field in _LEFT_ALONE.items() if field not in said]
    columns["absent"] = pa.array([absent] * table.rows.num_rows, pa.list_(pa.string()))
    return _numbered(file_no, columns)


def _lead_columns(file_no: int, table: CleanTable, defaults: LeadDefaults) -> pa.Table:
    kinds: dict[str, pa.DataType] = {
        "row_no": pa.int64(),
        **dict.fromkeys(_LEAD_TEXTS, pa.string()),
        "more_phones": pa.list_(pa.string()),
        "is_added": pa.int64(),
    }
    columns = _columns(table, kinds)
    for name, default in (("source", defaults.source), ("channel", defaults.channel)):
        if default:
            columns[name] = pc.fill_null(columns[name], default)
    if defaults.tags:
        given = ";".join(defaults.tags)
        columns["tags"] = pc.binary_join_element_wise(columns["tags"], given, ";", null_handling="skip")
    columns["channel_key"] = fold_column(columns["channel"])
    columns["batch"] = pa.chunked_array(
        [pa.repeat(_batch(table, defaults), table.rows.num_rows)], pa.string()
    )
    return _numbered(file_no, columns)


def _batch(table: CleanTable, defaults: LeadDefaults) -> str:
    return defaults.batch or table.file


def _columns(table: CleanTable, kinds: Mapping[str, pa.DataType]) -> dict[str, pa.ChunkedArray]:
    return {name: table.rows[name].cast(kind) for name, kind in kinds.items()}


def _numbered(file_no: int, columns: dict[str, pa.ChunkedArray]) -> pa.Table:
    result = pa.table(columns)
    return result.append_column("file_no", pa.repeat(pa.scalar(file_no, pa.int64()), result.num_rows))
