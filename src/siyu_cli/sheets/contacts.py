"""Lists of friends (企业微信 客户列表) as clean columns: who, whose friend, since when, with which tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.phone import clean_phones, split_phones
from siyu_cli.sheets.clean import clean_codes
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.mapping import PlatformMapping, header_key
from siyu_cli.sheets.mobiles import mobiles_in
from siyu_cli.sheets.pieces import Attributes, ids_of, meanings, missing_column, texts_of
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.table import CleanTable

_TEXTS = (
    "external_userid", "unionid", "corp", "name", "remark", "description", "phones", "noted_phone", "staff_id",
    "staff_name", "source", "tags", "attributes",
)  # fmt: skip
CONTACT_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        *((name, pa.string()) for name in _TEXTS),
        ("added_sec", pa.int64()),
        ("lost_sec", pa.int64()),
        ("is_lost", pa.int64()),
    ]
)
"""Columns of a list of friends. `phones` are those of phone columns, joined by `;`; `noted_phone` is the only
mobile that stands in name, remark or description, where phones is null. Tags are joined by `;`, those of a
group as `组:标签`; is_lost is 1 where the list says that the friendship is over."""

_WHO = ("external_userid", "unionid", "phone", "name")
_NONE = pa.scalar(None, pa.string())
_BETWEEN_TAGS = r"[\s,，;；、|]*[,，;；、|\n][\s,，;；、|]*"


def read_contacts(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """A list of friends; a row that names nobody is refused."""

    def make_cleaner(work: Work) -> Cleaner:
        if not any(work.has(field) for field in _WHO):
            raise missing_column(work, "name", tr("客户名称", "names"))
        return _ContactCleaner(work).clean

    return read_table(path, mappings, CONTACT_SCHEMA, make_cleaner, **how)


class _ContactCleaner:
    def __init__(self, work: Work) -> None:
        self.work = work
        prefix = header_key(work.mapping.tag_groups)
        header = work.header
        # 标签组1(学员等级): a group of tags per column, the group's name in brackets.
        self.groups = [
            (at, title)
            for at, title in enumerate(header.names)
            if prefix and title in header.unknown and header_key(title).startswith(prefix)
        ]
        self.others = Attributes(work, [title for _, title in self.groups])

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        columns = {"added_sec": self._moment(rows, "added_at"), "lost_sec": self._moment(rows, "lost_at")}
        columns["is_lost"] = self._is_lost(rows, columns["lost_sec"])
        columns.update({name: ids_of(rows, name) for name in ("external_userid", "unionid", "staff_id")})
        for name in ("corp", "name", "remark", "description", "staff_name", "source"):
            columns[name] = texts_of(rows, name)
        columns["phones"] = self._phones(rows)
        is_nobody = np.ones(len(rows), dtype=bool)
        for name in ("external_userid", "unionid", "name", "phones"):
            is_nobody &= pc.is_null(columns[name]).to_numpy(zero_copy_only=False)
        rows.refuse_where("name", is_nobody, "missing-contact")
        columns["noted_phone"] = self._noted_phone(rows, columns)
        columns["tags"] = self._tags(rows)
        columns["attributes"] = self.others.of(rows)
        return columns

    def _moment(self, rows: BatchRows, name: str) -> pa.Array:
        """When the friendship began refuses the row when unreadable: it tells friends of one name apart."""
        texts = rows.texts(name)
        if texts is None:
            return rows.nulls(pa.int64())
        cleaned = clean_moments(texts, self.work.mapping.dates, self.work.tz, self.work.is_1904)
        rows.refuse(name, cleaned.codes)
        return cleaned.values

    def _is_lost(self, rows: BatchRows, lost_sec: pa.Array) -> pa.Array:
        is_lost = pc.is_valid(lost_sec)
        texts = rows.texts("status")
        if texts is not None:
            found, is_unknown = meanings(clean_codes(texts), self.work.mapping.status)
            rows.refuse("status", pc.if_else(is_unknown, "unknown-contact-status", _NONE))
            is_lost = pc.or_(is_lost, pc.fill_null(pc.equal(found, "lost"), False))
        return pc.cast(is_lost, pa.int64())

    def _phones(self, rows: BatchRows) -> pa.Array:
        """The phones of all phone columns, joined by `;`; of several in a cell each counts, bad ones are dropped."""
        found = []
        for name in ("phone", "other_phone"):
            texts = rows.texts(name)
            if texts is not None:
                several = split_phones(texts)
                phones, codes = clean_phones(pc.if_else(pc.is_valid(several), "", texts))
                rows.note_codes(codes, skip=frozenset({"phone-empty"}))
                found.append(pc.coalesce(pc.binary_join(several, ";"), phones))
        return _joined(found) if found else rows.nulls(pa.string())

    def _noted_phone(self, rows: BatchRows, columns: dict[str, pa.Array]) -> pa.Array:
        """The one mobile that stands in name, remark and description, where no phone column has any.

        Two of them leave open which is the person's own.
        """
        written = (pc.fill_null(columns[name], "") for name in ("name", "remark", "description"))
        found = pc.binary_join(mobiles_in(pc.binary_join_element_wise(*written, "\n")), ";")
        found = pc.if_else(pc.is_null(columns["phones"]), found, _NONE)
        has_several = pc.match_substring(found, ";")
        rows.note("noted-phones-several", has_several)
        return pc.if_else(has_several, _NONE, found)

    def _tags(self, rows: BatchRows) -> pa.Array:
        """All tags of a row as `标签;组:标签`."""
        parts = [_tag_list(texts_of(rows, "tags"), "")]
        for at, title in self.groups:
            parts.append(_tag_list(clean_codes(rows.column(at)), f"{group_name(title)}:"))
        return _joined(parts)


def group_name(title: str) -> str:
    """What a column of tags calls its group: 学员等级 of `标签组1(学员等级)`, else the whole header."""
    found = re.search(r"[((](.+)[))]\s*$", title)
    return found.group(1).strip() if found else title


def _tag_list(texts: pa.Array, prefix: str) -> pa.Array:
    """`a,b、c` → `组:a;组:b;组:c`."""
    bare = pc.replace_substring_regex(texts, f"^{_BETWEEN_TAGS}|{_BETWEEN_TAGS}$", "")
    bare = pc.if_else(pc.equal(bare, ""), _NONE, bare)
    listed = pc.replace_substring(pc.replace_substring_regex(bare, _BETWEEN_TAGS, ";"), ";", f";{prefix}")
    return pc.binary_join_element_wise(prefix, listed, "")


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    """The texts of a row with `;` between those that are there; null where none is."""
    ended = [pc.fill_null(pc.binary_join_element_wise(part, "", ";"), "") for part in parts]
    joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*ended, ""), 0, -1)
    return pc.if_else(pc.equal(joined, ""), _NONE, joined)
