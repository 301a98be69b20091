"""What the readers of lists of people share: texts with constants, words, ids, phones, columns nothing uses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import clean_ids, clean_text
from siyu_cli.sheets.mapping import header_key, meaning_of
from siyu_cli.sheets.rows import BatchRows, Work
from siyu_cli.words import fold

_MASKED = r"\*{2,}|^.\*.?$|^##|^\$\$"
_NONE = pa.scalar(None, pa.string())


def missing_column(work: Work, canonical: str, what: str) -> InputRefused:
    """The refusal of a file that lacks a column it cannot do without; `what` in the operator's words."""
    file, names = work.file, "、".join(work.mapping.columns.get(canonical, ()))
    return InputRefused(
        f"missing-{canonical.replace('_', '-')}-column",
        tr(f"{file} 没有{what}的列", f"{file} has no column of {what}"),
        hint=tr(f"列名应是:{names}", f"Expected one of: {names}")
        if names
        else tr(
            f"在表里加一列「{what}」,并写进映射的 columns:{canonical}",
            f"Add a column of {what} and name it in columns of the mapping: {canonical}",
        ),
        where=Where(file=file, row=work.header.row_no),
    )


def texts_of(rows: BatchRows, name: str) -> pa.Array:
    """A field as text for people; the mapping's constant where no column or cell says anything."""
    texts, constant = rows.texts(name), rows.work.mapping.constants.get(name)
    given = rows.nulls(pa.string()) if texts is None else clean_text(texts)
    return given if constant is None else pc.fill_null(given, constant)


def ids_of(rows: BatchRows, name: str) -> pa.Array:
    """A field of ids: rounded ones refuse the row, masked ones would join strangers and are dropped."""
    texts, constant = rows.texts(name), rows.work.mapping.constants.get(name)
    if texts is None:
        return rows.nulls(pa.string()) if constant is None else pa.repeat(constant, len(rows))
    cleaned = clean_ids(texts)
    rows.refuse(name, cleaned.codes)
    is_masked = pc.fill_null(pc.match_substring_regex(cleaned.values, _MASKED), False)
    rows.note("id-masked", is_masked)
    return pc.if_else(is_masked, _NONE, cleaned.values)


def side_phones(rows: BatchRows, name: str) -> pa.Array:
    """Phones of a sheet that is not about phones: a bad one is dropped and counted, the row stays."""
    texts = rows.texts(name)
    if texts is None:
        return rows.nulls(pa.string())
    phones, codes = clean_phones(texts)
    rows.note_codes(codes, skip=frozenset({"phone-empty"}))
    return phones


def meanings(words: pa.Array, known: Mapping[str, str]) -> tuple[pa.Array, pa.Array]:
    """(meaning, is an unknown word) of words; each distinct word is looked up once."""
    encoded = pc.dictionary_encode(words)
    found = pa.array([meaning_of(word, known) for word in encoded.dictionary.to_pylist()], pa.string())
    taken = pc.take(found, encoded.indices)
    return taken, pc.and_(pc.is_valid(words), pc.is_null(taken))


def known_words(words: pa.ChunkedArray, known: Mapping[str, str]) -> pa.Array:
    """Words as `known` spells them (its keys are folded), null where it does not know them."""
    encoded = words.combine_chunks().dictionary_encode()
    found = pa.array([known.get(fold(word)) for word in encoded.dictionary.to_pylist()], pa.string())
    return pc.take(found, encoded.indices)


def where_null(values: pa.Array, code: str) -> pa.Array:
    """The code where a value is missing."""
    return pc.if_else(pc.is_null(values), code, _NONE)


class Attributes:
    """The columns nothing else uses, kept as one JSON object per row; private columns are never kept."""

    def __init__(self, work: Work, leave_out: Sequence[str] = ()) -> None:
        header = work.header
        taken = {header_key(name) for name in (*header.used.values(), *leave_out)}
        self.others = [
            (at, name)
            for at, name in enumerate(header.names)
            if name in header.unknown and header_key(name) not in taken and not work.mapping.is_private(name)
        ]

    def of(self, rows: BatchRows) -> pa.Array:
        """`{"意向": "高", …}` without empty cells; null when all are."""
        if not self.others:
            return rows.nulls(pa.string())
        parts = []
        for at, name in self.others:
            key = json.dumps(name, ensure_ascii=False)
            part = pc.binary_join_element_wise(f", {key}: ", _json_texts(clean_text(rows.column(at))), "")
            parts.append(pc.fill_null(part, ""))
        body = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*parts, ""), 2)
        whole = pc.binary_join_element_wise("{", body, "}", "")
        return pc.if_else(pc.equal(body, ""), _NONE, whole)


def _json_texts(texts: pa.Array) -> pa.Array:
    """Texts as JSON strings; control characters other than line ends and TAB are gone (clean_text)."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        texts = pc.replace_substring(texts, plain, escaped)
    return pc.binary_join_element_wise('"', texts, '"', "")
