"""Lead lists and staff sheets as clean columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import clean_codes, clean_ids, clean_quantities, clean_text
from siyu_cli.sheets.mapping import PlatformMapping, header_key
from siyu_cli.sheets.places import clean_cities, clean_provinces
from siyu_cli.sheets.rows import BatchRows, Cleaner, Work, read_table
from siyu_cli.sheets.table import CleanTable
from siyu_cli.words import fold

_LEAD_TEXTS = (
    "phone", "name", "source", "channel", "remark", "province", "city", "product", "tags", "attributes",
)  # fmt: skip
LEAD_SCHEMA = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in _LEAD_TEXTS)])
"""Columns of a lead table; phone is never null, attributes a JSON object of the unmapped columns or null."""

STAFF_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        *(
            (name, pa.string())
            for name in ("staff_id", "name", "department", "store", "phone", "channels", "regions")
        ),
        ("weight_milli", pa.int64()),
        ("daily_cap", pa.int64()),
        ("holding_cap", pa.int64()),
        ("is_active", pa.int64()),
    ]
)
"""Columns of a staff table; staff_id and name are never null, empty weights are 1000, empty states 1."""


def read_leads(
    path: Path,
    mappings: Sequence[PlatformMapping],
    *,
    tz: tzinfo,
    sheet: str | None = None,
    exported_sec: int | None = None,
    spool: Path | None = None,
    name: str | None = None,
) -> CleanTable:
    """A list of leads: a row with a bad phone is refused with its own reason."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("phone"):
            raise _missing_column(work, name or path.name, "phone", tr("手机号", "phones"))
        return _LeadCleaner(work).clean

    return read_table(
        path,
        mappings,
        LEAD_SCHEMA,
        make_cleaner,
        tz=tz,
        sheet=sheet,
        exported_sec=exported_sec,
        spool=spool,
        name=name,
    )


def read_staff(
    path: Path,
    mappings: Sequence[PlatformMapping],
    *,
    tz: tzinfo,
    sheet: str | None = None,
    exported_sec: int | None = None,
    spool: Path | None = None,
    name: str | None = None,
) -> CleanTable:
    """A staff sheet. InputRefused `duplicate-staff` when an account stands in two rows."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("staff_id"):
            raise _missing_column(work, name or path.name, "staff_id", tr("员工账号", "accounts"))
        if not work.has("name"):
            raise _missing_column(work, name or path.name, "name", tr("姓名", "names"))
        return _StaffCleaner(work).clean

    table = read_table(
        path,
        mappings,
        STAFF_SCHEMA,
        make_cleaner,
        tz=tz,
        sheet=sheet,
        exported_sec=exported_sec,
        spool=spool,
        name=name,
    )
    _refuse_duplicates(table)
    return table


def _missing_column(work: Work, file: str, canonical: str, what: str) -> InputRefused:
    names = "、".join(work.mapping.columns.get(canonical, (canonical,)))
    return InputRefused(
        f"missing-{canonical.replace('_', '-')}-column",
        tr(f"{file} 没有{what}的列", f"{file} has no column of {what}"),
        hint=tr(f"列名应是:{names}", f"Expected one of: {names}"),
        where=Where(file=file, row=work.header.row_no),
    )


def _text(rows: BatchRows, name: str) -> pa.Array:
    texts, constant = rows.texts(name), rows.work.mapping.constants.get(name)
    given = rows.nulls(pa.string()) if texts is None else clean_text(texts)
    return given if constant is None else pc.fill_null(given, constant)


class _LeadCleaner:
    def __init__(self, work: Work) -> None:
        taken = {header_key(name) for name in work.header.used.values()}
        self.others = [
            (at, name)
            for at, name in enumerate(work.header.names)
            if name in work.header.unknown and header_key(name) not in taken
        ]

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        texts = rows.texts("phone")
        assert texts is not None
        phones, codes = clean_phones(texts)
        rows.refuse("phone", codes, texts)
        columns = {
            name: _text(rows, name) for name in ("name", "source", "channel", "remark", "product", "tags")
        }
        columns["province"] = clean_provinces(_text(rows, "province"))
        columns["city"] = clean_cities(_text(rows, "city"))
        columns["phone"] = phones
        columns["attributes"] = self._attributes(rows)
        return columns

    def _attributes(self, rows: BatchRows) -> pa.Array:
        """`{"意向": "高", …}` of the columns nothing else uses, without empty cells; null when all are."""
        if not self.others:
            return rows.nulls(pa.string())
        parts = []
        for at, name in self.others:
            texts = clean_text(rows.columns[at])
            key = json.dumps(name, ensure_ascii=False)
            part = pc.binary_join_element_wise(f", {key}: ", _json_texts(texts), "")
            parts.append(pc.fill_null(part, ""))
        body = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*parts, ""), 2)
        whole = pc.binary_join_element_wise("{", body, "}", "")
        return pc.if_else(pc.equal(body, ""), pa.scalar(None, pa.string()), whole)


def _json_texts(texts: pa.Array) -> pa.Array:
    """Texts as JSON strings; control characters other than line ends and TAB are gone (clean_text)."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        texts = pc.replace_substring(texts, plain, escaped)
    return pc.binary_join_element_wise('"', texts, '"', "")


class _StaffCleaner:
    def __init__(self, work: Work) -> None:
        self.work = work

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        texts = rows.texts("staff_id")
        assert texts is not None
        ids = clean_ids(texts)
        rows.refuse("staff_id", ids.codes)
        rows.refuse("staff_id", _where_null(ids.values, "missing-staff-id"))
        columns = {name: _text(rows, name) for name in ("name", "department", "store", "channels", "regions")}
        rows.refuse("name", _where_null(columns["name"], "missing-name"))
        columns["staff_id"] = ids.values
        columns["weight_milli"] = pc.fill_null(self._number(rows, "weight"), 1000)
        for name in ("daily_cap", "holding_cap"):
            columns[name] = pc.divide(self._number(rows, name, is_whole=True), 1000)
        columns["is_active"] = self._activity(rows)
        columns["phone"] = self._phone(rows)
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
        words = clean_codes(texts)
        encoded = pc.dictionary_encode(words)
        states = {"active": 1, "inactive": 0}
        known = [
            states.get(self.work.mapping.status.get(fold(word), ""))
            for word in encoded.dictionary.to_pylist()
        ]
        found = pc.take(pa.array(known, pa.int64()), encoded.indices)
        is_unknown = pc.and_(pc.is_valid(words), pc.is_null(found))
        rows.refuse("status", pc.if_else(is_unknown, "unknown-staff-status", pa.scalar(None, pa.string())))
        return pc.fill_null(found, 1)

    def _phone(self, rows: BatchRows) -> pa.Array:
        texts = rows.texts("phone")
        if texts is None:
            return rows.nulls(pa.string())
        phones, codes = clean_phones(texts)
        rows.note_codes(codes, skip=frozenset({"phone-empty"}))
        return phones


def _where_null(values: pa.Array, code: str) -> pa.Array:
    return pc.if_else(pc.is_null(values), code, pa.scalar(None, pa.string()))


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
