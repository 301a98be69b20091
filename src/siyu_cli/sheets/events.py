"""What customers did (浏览, 点击, 加购, 签到 …) as clean columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.events import EVENT_WORDS
from siyu_cli.language import tr
from siyu_cli.sheets.clean import clean_ids
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.pieces import ids_of, meanings, missing_column, side_phones, texts_of, where_null
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.table import CleanTable

_IDS = ("event_id", "buyer_id", "external_userid", "unionid")
_CODES = ("product_id", "sku")
_TEXTS = ("shop", "channel", "product", "category", "page", "remark")
FOLDED = ("platform", "shop", "channel", "product", "sku", "category", "page")
"""Columns that come with a folded twin, `<name>_key`."""
EVENT_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        ("kind", pa.string()),
        ("at_sec", pa.int64()),
        *((name, pa.string()) for name in (*_IDS, "phone", "platform", *_CODES, *_TEXTS)),
    ]
)
"""Columns of a list of events: kind is one of events.EVENT_KINDS and at_sec never null."""


def read_events(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A list of events: a row without a time or with an unknown word is held back."""

    def make_cleaner(work: Work) -> Cleaner:
        if not work.has("at"):
            raise missing_column(work, "at", tr("时间", "times"))
        if not work.has("event") and "event" not in work.mapping.constants:
            raise missing_column(work, "event", tr("行为", "events"))
        return _EventCleaner(work).clean

    return read_table(path, mappings, EVENT_SCHEMA, make_cleaner, folded=FOLDED, **how)


class _EventCleaner:
    def __init__(self, work: Work) -> None:
        self.work = work
        # The kinds themselves and the words of rules are words everybody may use.
        known = {word: kind for kind, words in EVENT_WORDS.items() for word in (kind, *words)}
        self.words = {**known, **work.mapping.events}

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        columns = {"kind": self._kind(rows), "at_sec": self._moment(rows)}
        columns.update({name: ids_of(rows, name) for name in _IDS})
        columns.update({name: self._code(rows, name) for name in _CODES})
        columns.update({name: texts_of(rows, name) for name in _TEXTS})
        columns["phone"] = side_phones(rows, "phone")
        columns["platform"] = pa.repeat(self.work.mapping.platform, len(rows))
        return columns

    def _kind(self, rows: BatchRows) -> pa.Array:
        kinds, _ = meanings(texts_of(rows, "event"), self.words)
        rows.refuse("event", where_null(kinds, "unknown-event"))
        return kinds

    def _moment(self, rows: BatchRows) -> pa.Array:
        texts = rows.texts("at")
        assert texts is not None
        cleaned = clean_moments(texts, self.work.mapping.dates, self.work.tz, self.work.is_1904)
        rows.refuse("at", cleaned.codes)
        rows.refuse("at", where_null(cleaned.values, "missing-event-time"))
        return cleaned.values

    def _code(self, rows: BatchRows, name: str) -> pa.Array:
        """Product codes that lost digits are dropped and counted; they are no key."""
        texts = rows.texts(name)
        if texts is None:
            return rows.nulls(pa.string())
        cleaned = clean_ids(texts)
        rows.note("code-precision-lost", pc.is_valid(cleaned.codes))
        return cleaned.values
