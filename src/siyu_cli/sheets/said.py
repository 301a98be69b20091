"""Sheets of what people say of customers by hand: who, and a word (a stage or a tag)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import clean_codes, clean_ids
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.pieces import meanings, missing_column, texts_of, where_null
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.table import CleanTable

SAID_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        ("phone", pa.string()),
        ("named_id", pa.int64()),
        *((name, pa.string()) for name in ("word", "act", "reason")),
        ("until_sec", pa.int64()),
    ]
)
"""Columns of such a sheet; phone or named_id (a customer's number) is there, word (still as written) is never null,
act is what a row of tags asks for (on, off, release), on where it says nothing;
until_sec lies on the last day on which it counts, null where it has no end.
"""

_WORDS = {"stages": ("stage", tr("阶段", "stages")), "tags": ("tag", tr("标签", "tags"))}
_NONE = pa.scalar(None, pa.string())


def read_said(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A sheet of customers with stages or tags; a row that names nobody or says nothing is refused."""

    def make_cleaner(work: Work) -> Cleaner:
        field, what = _WORDS[work.mapping.kind]
        if not work.has("phone") and not work.has("customer_id"):
            raise missing_column(work, "phone", tr("手机号", "phones"))
        if not work.has(field):
            raise missing_column(work, field, what)
        return _clean

    return read_table(path, mappings, SAID_SCHEMA, make_cleaner, **how)


def _clean(rows: BatchRows) -> dict[str, pa.Array]:
    field, _ = _WORDS[rows.work.mapping.kind]
    columns = {"named_id": _numbers(rows)}
    columns["phone"] = _phones(rows, pc.is_valid(columns["named_id"]))
    columns["word"] = texts_of(rows, field)
    rows.refuse(field, where_null(columns["word"], f"missing-{field}"))
    columns["act"] = _acts(rows)
    columns["reason"] = texts_of(rows, "reason")
    columns["until_sec"] = _ends(rows)
    return columns


def _numbers(rows: BatchRows) -> pa.Array:
    """Customers by their number, null where empty; what is no number refuses the row."""
    texts = rows.texts("customer_id")
    if texts is None:
        return rows.nulls(pa.int64())
    ids = clean_ids(texts).values
    is_number = pc.fill_null(pc.match_substring_regex(ids, "^[0-9]{1,15}$"), False)
    is_bad = pc.and_(pc.is_valid(ids), pc.invert(is_number))
    rows.refuse("customer_id", pc.if_else(is_bad, "bad-customer-id", _NONE), texts)
    return pc.cast(pc.if_else(is_number, ids, _NONE), pa.int64())


def _phones(rows: BatchRows, is_named: pa.Array) -> pa.Array:
    """Phones; a bad one refuses the row only where nothing else says who is meant."""
    texts = rows.texts("phone")
    if texts is None:
        rows.refuse("customer_id", pc.if_else(is_named, _NONE, "missing-customer"))
        return rows.nulls(pa.string())
    phones, codes = clean_phones(texts)
    rows.refuse("phone", pc.if_else(is_named, _NONE, codes), texts)
    return phones


def _ends(rows: BatchRows) -> pa.Array:
    """Until when it counts; a date that cannot be read refuses the row."""
    texts = rows.texts("until")
    if texts is None:
        return rows.nulls(pa.int64())
    cleaned = clean_moments(texts, rows.work.mapping.dates, rows.work.tz, rows.work.is_1904)
    rows.refuse("until", cleaned.codes)
    return cleaned.values


def _acts(rows: BatchRows) -> pa.Array:
    """What the row asks for; words the mapping does not know refuse it."""
    texts = rows.texts("status")
    if texts is None:
        return pa.repeat("on", len(rows))
    words, is_unknown = meanings(clean_codes(texts), rows.work.mapping.status)
    rows.refuse("status", pc.if_else(is_unknown, "unknown-tag-act", _NONE), texts)
    return pc.fill_null(words, "on")
