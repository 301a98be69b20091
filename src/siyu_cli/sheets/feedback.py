"""Staff workbooks that come back, as clean columns: which lead, which assignment, what result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import clean_codes
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.pieces import meanings, missing_column, texts_of
from siyu_cli.sheets.row_keys import read_keys
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.table import CleanTable

CONFIRMED, REFUTED = "属实", "不属实"
"""What an operator may answer in the column 核对 of the list of open questions."""

FEEDBACK_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()), ("lead_id", pa.int64()), ("nth", pa.int64()), ("phone", pa.string()),
        ("kind", pa.string()), ("note", pa.string()), ("is_confirmed", pa.int64()), ("stage", pa.string()),
    ]
)  # fmt: skip
"""Columns of a feedback table. lead_id and nth (the assignment of the lead) are never null; kind is what the
word in 结果 means, null where the cell is empty; phone is null unless it is a whole number; is_confirmed is
the operator's answer to a claim that was questioned (1 true, 0 not), else null; stage is what stands in 阶段."""

_NONE = pa.scalar(None, pa.string())


def read_feedback(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A filled-in staff workbook; a row whose key was damaged is refused."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("row_key"):
            raise missing_column(work, "row_key", tr("行标识", "row keys"))
        if not work.has("status"):
            raise missing_column(work, "status", tr("结果", "results"))
        return _clean

    return read_table(path, mappings, FEEDBACK_SCHEMA, make_cleaner, **how)


def _clean(rows: BatchRows) -> dict[str, pa.Array]:
    keys, words = rows.texts("row_key"), rows.texts("status")
    assert keys is not None
    assert words is not None
    lead, nth, codes = read_keys(keys)
    rows.refuse("row_key", codes)
    kind, is_unknown = meanings(clean_codes(words), rows.work.mapping.status)
    rows.refuse("status", pc.if_else(is_unknown, "unknown-feedback", _NONE))
    phones = rows.texts("phone")
    return {
        "lead_id": lead,
        "nth": nth,
        "phone": rows.nulls(pa.string()) if phones is None else clean_phones(phones)[0],
        "kind": kind,
        "note": texts_of(rows, "note"),
        "is_confirmed": _answers(rows),
        "stage": texts_of(rows, "stage"),
    }


def _answers(rows: BatchRows) -> pa.Array:
    texts = rows.texts("verdict")
    if texts is None:
        return rows.nulls(pa.int64())
    words = clean_codes(texts)
    found = pc.index_in(words, value_set=pa.array([REFUTED, CONFIRMED]))
    is_unknown = pc.and_(pc.is_valid(words), pc.is_null(found))
    rows.refuse("verdict", pc.if_else(is_unknown, "unknown-verdict", _NONE))
    return pc.cast(found, pa.int64())
