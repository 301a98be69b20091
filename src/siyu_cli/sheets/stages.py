"""Sheets that say in which stage customers are: phones with stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.pieces import missing_column, texts_of
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.table import CleanTable

STAGE_SCHEMA = pa.schema(
    [("row_no", pa.int64()), *((name, pa.string()) for name in ("phone", "stage", "reason"))]
)
"""Columns of a stage sheet; phone and stage (still as written) are never null."""


def read_stages(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A sheet of phones and stages; a row without a whole phone or without a stage is refused."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("phone"):
            raise missing_column(work, "phone", tr("手机号", "phones"))
        if not work.has("stage"):
            raise missing_column(work, "stage", tr("阶段", "stages"))
        return _clean

    return read_table(path, mappings, STAGE_SCHEMA, make_cleaner, **how)


def _clean(rows: BatchRows) -> dict[str, pa.Array]:
    texts = rows.texts("phone")
    assert texts is not None
    phones, codes = clean_phones(texts)
    rows.refuse("phone", codes, texts)
    stages = texts_of(rows, "stage")
    rows.refuse("stage", pc.if_else(pc.is_null(stages), "missing-stage", pa.scalar(None, pa.string())))
    return {"phone": phones, "stage": stages, "reason": texts_of(rows, "reason")}
