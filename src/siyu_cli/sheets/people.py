"""Lead lists and staff sheets as clean columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Unpack

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones, split_phones
from siyu_cli.sheets.clean import clean_codes, clean_ids, clean_quantities
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.pieces import Attributes, meanings, missing_column, side_phones, texts_of, where_null
from siyu_cli.sheets.places import clean_cities, clean_provinces
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.table import CleanTable

_LEAD_TEXTS = (
    "phone", "name", "source", "channel", "remark", "province", "city", "product", "tags", "attributes",
)  # fmt: skip
LEAD_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        *((name, pa.string()) for name in _LEAD_TEXTS),
        ("more_phones", pa.list_(pa.string())),
        ("is_added", pa.int64()),
    ]
)
"""Columns of a lead table; phone is never null, `more_phones` are the others of its cell or null, is_added
says that the person is somebody's friend already, attributes is a JSON object of the unmapped columns or null."""

SeveralPhones = Literal["reject", "split"]
"""What becomes of a cell with several phones: the row goes back, or it is so many leads."""

STAFF_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        *(
            (name, pa.string())
            for name in (
                "staff_id",
                "name",
                "department",
                "store",
                "phone",
                "channels",
                "regions",
                "skills",
                "reason",
            )
        ),
        ("weight_milli", pa.int64()),
        ("daily_cap", pa.int64()),
        ("holding_cap", pa.int64()),
        ("is_active", pa.int64()),
        ("from_day", pa.int64()),
        ("to_day", pa.int64()),
    ]
)
"""Columns of a staff table; staff_id and name are never null, empty weights are 1000, empty states 1.

A leave sheet has the same columns: staff_id or name, from_day, to_day (day numbers, both included), reason, and
is_active 0 where the leave was called off.
"""

ASSIGNMENT_SCHEMA = pa.schema(
    [("row_no", pa.int64()), *((name, pa.string()) for name in ("phone", "staff_id", "name"))]
)
"""Columns of a sheet that says who gets which lead; phone is never null, account or name is there."""


def read_leads(
    path: Path,
    mappings: Sequence[PlatformMapping],
    *,
    several: SeveralPhones = "reject",
    **how: Unpack[Reading],
) -> CleanTable:
    """A list of leads: a row with a bad phone is refused with its own reason."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("phone"):
            raise missing_column(work, "phone", tr("手机号", "phones"))
        return _LeadCleaner(work, several=several).clean

    return read_table(path, mappings, LEAD_SCHEMA, make_cleaner, **how)


def read_staff(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A staff sheet, or a leave sheet. InputRefused `duplicate-staff` when an account stands in two rows."""

    def make_cleaner(work: Work) -> Cleaner:
        if work.mapping.kind == "leave":
            return _leave_cleaner(work)
        if not work.has("staff_id"):
            raise missing_column(work, "staff_id", tr("员工账号", "accounts"))
        if not work.has("name"):
            raise missing_column(work, "name", tr("姓名", "names"))
        return _StaffCleaner(work).clean

    table = read_table(path, mappings, STAFF_SCHEMA, make_cleaner, **how)
    if table.mapping.kind == "staff":
        _refuse_duplicates(table)
    return table


def read_assignments(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A sheet that says who gets which lead: phones with accounts or names."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("phone"):
            raise missing_column(work, "phone", tr("手机号", "phones"))
        if not work.has("staff_id") and not work.has("name"):
            raise missing_column(work, "staff_id", tr("员工账号或姓名", "accounts or names"))
        return _clean_assignments

    return read_table(path, mappings, ASSIGNMENT_SCHEMA, make_cleaner, **how)


def _clean_assignments(rows: BatchRows) -> dict[str, pa.Array]:
    texts = rows.texts("phone")
    assert texts is not None
    phones, codes = clean_phones(texts)
    rows.refuse("phone", codes, texts)
    columns = {"phone": phones, "staff_id": _accounts(rows), "name": texts_of(rows, "name")}
    _refuse_nobody(rows, columns)
    return columns


def _accounts(rows: BatchRows) -> pa.Array:
    """A column of accounts, null where empty; rounded ones refuse the row."""
    texts = rows.texts("staff_id")
    if texts is None:
        return rows.nulls(pa.string())
    ids = clean_ids(texts)
    rows.refuse("staff_id", ids.codes)
    return ids.values


def _refuse_nobody(rows: BatchRows, columns: dict[str, pa.Array]) -> None:
    """Rows that name neither an account nor a person."""
    is_nobody = pc.and_(pc.is_null(columns["staff_id"]), pc.is_null(columns["name"]))
    rows.refuse("staff_id", pc.if_else(is_nobody, "missing-staff", pa.scalar(None, pa.string())))


def _leave_cleaner(work: Work) -> Cleaner:
    if not work.has("staff_id") and not work.has("name"):
        raise missing_column(work, "staff_id", tr("员工账号或姓名", "accounts or names"))
    if not work.has("from_day"):
        raise missing_column(work, "from_day", tr("开始日", "first days"))
    return _LeaveCleaner(work).clean


class _LeadCleaner:
    def __init__(self, work: Work, *, several: SeveralPhones) -> None:
        self.others = Attributes(work)
        self.several = several
        self.statuses = work.mapping.status

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        columns = {
            name: texts_of(rows, name) for name in ("name", "source", "channel", "remark", "product", "tags")
        }
        columns["phone"], columns["more_phones"] = self._phones(rows)
        columns["is_added"] = self._is_added(rows)
        columns["province"] = clean_provinces(texts_of(rows, "province"))
        columns["city"] = clean_cities(texts_of(rows, "city"), columns["province"])
        columns["attributes"] = self.others.of(rows)
        return columns

    def _phones(self, rows: BatchRows) -> tuple[pa.Array, pa.Array]:
        """(phone, the further ones of its cell): every row has one, or is refused with the reason."""
        texts = rows.texts("phone")
        assert texts is not None
        phones, codes = clean_phones(texts)
        more = rows.nulls(pa.list_(pa.string()))
        if self.several == "split" and pc.any(pc.equal(codes, "phone-several")).as_py():
            found = split_phones(pc.if_else(pc.equal(codes, "phone-several"), texts, ""))
            phones = pc.coalesce(phones, pc.list_element(found, 0))
            more = pc.list_slice(found, 1)
            codes = pc.if_else(pc.is_valid(found), pa.scalar(None, pa.string()), codes)
        rows.refuse("phone", codes, texts)
        rows.note("phones-split", pc.is_valid(more))
        return phones, more

    def _is_added(self, rows: BatchRows) -> pa.Array:
        """1 where the list itself says that somebody has added the person; an unknown word holds the row back."""
        texts = rows.texts("status")
        if texts is None:
            return pa.repeat(pa.scalar(0, pa.int64()), len(rows))
        found, is_unknown = meanings(clean_codes(texts), self.statuses)
        rows.refuse("status", pc.if_else(is_unknown, "unknown-lead-status", pa.scalar(None, pa.string())))
        return pc.cast(pc.fill_null(pc.equal(found, "added"), False), pa.int64())


class _StaffCleaner:
    def __init__(self, work: Work) -> None:
        self.work = work

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        texts = rows.texts("staff_id")
        assert texts is not None
        ids = clean_ids(texts)
        rows.refuse("staff_id", ids.codes)
        rows.refuse("staff_id", where_null(ids.values, "missing-staff-id"))
        columns = {
            name: texts_of(rows, name)
            for name in ("name", "department", "store", "channels", "regions", "skills")
        }
        rows.refuse("name", where_null(columns["name"], "missing-name"))
        columns["staff_id"] = ids.values
        columns["weight_milli"] = pc.fill_null(self._number(rows, "weight"), 1000)
        for name in ("daily_cap", "holding_cap"):
            columns[name] = pc.divide(self._number(rows, name, is_whole=True), 1000)
        columns["is_active"] = self._activity(rows)
        columns["phone"] = side_phones(rows, "phone")
        columns["reason"] = rows.nulls(pa.string())
        columns.update(dict.fromkeys(("from_day", "to_day"), rows.nulls(pa.int64())))
        return columns

    def _number(self, rows: BatchRows, name: str, *, is_whole: bool = False) -> pa.Array:
        texts = rows.texts(name)
        if texts is None:
            return rows.nulls(pa.int64())
        values, codes, is_rounded = clean_quantities(texts)
        is_bad = pc.or_(pc.is_valid(codes), pc.fill_null(pc.less(values, 0), False))
        is_bad = pc.or_(is_bad, is_rounded)
        if is_whole:
            whole = pc.multiply(pc.divide(values, 1000), 1000)
            is_bad = pc.or_(is_bad, pc.fill_null(pc.not_equal(whole, values), False))
            is_bad = pc.or_(is_bad, pc.fill_null(pc.greater(values, 2**31 * 999), False))
        rows.refuse(name, pc.if_else(is_bad, "bad-number", pa.scalar(None, pa.string())))
        return values

    def _activity(self, rows: BatchRows) -> pa.Array:
        """1 where the state is empty or says so, 0 where it says not; other words refuse the row."""
        texts = rows.texts("status")
        if texts is None:
            return pc.fill_null(rows.nulls(pa.int64()), 1)
        words, is_unknown = meanings(clean_codes(texts), self.work.mapping.status)
        rows.refuse("status", pc.if_else(is_unknown, "unknown-staff-status", pa.scalar(None, pa.string())))
        found = pc.cast(pc.equal(words, "active"), pa.int64())
        return pc.fill_null(found, 1)


class _LeaveCleaner:
    def __init__(self, work: Work) -> None:
        self.work = work

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        columns = {
            name: rows.nulls(pa.string())
            for name in ("department", "store", "phone", "channels", "regions", "skills")
        }
        columns.update(dict.fromkeys(("weight_milli", "daily_cap", "holding_cap"), rows.nulls(pa.int64())))
        columns["name"], columns["reason"] = texts_of(rows, "name"), texts_of(rows, "reason")
        columns["staff_id"] = _accounts(rows)
        _refuse_nobody(rows, columns)
        columns["from_day"] = self._days(rows, "from_day")
        rows.refuse("from_day", where_null(columns["from_day"], "missing-leave-day"))
        columns["to_day"] = pc.coalesce(self._days(rows, "to_day"), columns["from_day"])
        is_early = pc.fill_null(pc.less(columns["to_day"], columns["from_day"]), False)
        rows.refuse("to_day", pc.if_else(is_early, "leave-ends-early", pa.scalar(None, pa.string())))
        columns["is_active"] = self._activity(rows)
        return columns

    def _days(self, rows: BatchRows, name: str) -> pa.Array:
        texts = rows.texts(name)
        if texts is None:
            return rows.nulls(pa.int64())
        cleaned = clean_moments(texts, self.work.mapping.dates, self.work.tz, self.work.is_1904)
        rows.refuse(name, cleaned.codes)
        return pc.divide(cleaned.values.cast(pa.int64()), DAY_SECONDS)

    def _activity(self, rows: BatchRows) -> pa.Array:
        """0 where the leave was called off, 1 else."""
        texts = rows.texts("status")
        if texts is None:
            return pc.fill_null(rows.nulls(pa.int64()), 1)
        words, is_unknown = meanings(clean_codes(texts), self.work.mapping.status)
        rows.refuse("status", pc.if_else(is_unknown, "unknown-leave-status", pa.scalar(None, pa.string())))
        return pc.fill_null(pc.cast(pc.equal(words, "active"), pa.int64()), 1)


def _refuse_duplicates(table: CleanTable) -> None:
    """Two rows of one account leave open which is meant: the whole sheet is refused, naming both."""
    seen: dict[str, int] = {}
    rows = table.rows.select(["staff_id", "row_no"]).to_pydict()
    for staff_id, row_no in zip(rows["staff_id"], rows["row_no"], strict=True):
        if staff_id in seen:
            raise InputRefused(
                "duplicate-staff",
                tr(
                    f"员工账号「{staff_id}」出现了两次:第 {seen[staff_id]} 行和第 {row_no} 行",
                    f"Account “{staff_id}” stands twice: rows {seen[staff_id]} and {row_no}",
                ),
                hint=tr(
                    "删掉其中一行,或改成各自的账号", "Delete one of the rows or give each its own account"
                ),
                where=Where(file=table.file, sheet=table.sheet, row=row_no),
            )
        seen[staff_id] = row_no
