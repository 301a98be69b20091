"""The rows of a sheet as SpreadsheetML, made column by column: all that stands below the header.

A text is an inline string, so nothing in it can run and no table of texts has to stay in memory; a blank
is no cell at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.utility import xl_col_to_name

from siyu_cli.sheets.cells import MAX_CELL, Column, Kind, number_texts, shortened
from siyu_cli.sheets.signs import has_empty, utf8

_BATCH_CELLS = 100_000
_BATCH_BYTES = 16 << 20

_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
# Bytes that ask for no work: all but those, CR, & < >, and the first byte of U+0080 to U+00BF.
_PLAIN = bytes(set(range(256)) - {*_CONTROLS, *b"\r&<>", 0xC2})
_NOT_ALLOWED = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{fffe}\x{ffff}]"
_NO_CHARACTERS = ("\ufffe".encode(), "\uffff".encode())
# In a sheet _x0041_ means A; so a text that says so itself has its _ written as _x005F_.
_ESCAPE = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def rows_xml(columns: Sequence[Column], styles: Mapping[Kind, int], *, first_row: int) -> Iterator[bytes]:
    """`<row>` elements in pieces of some megabytes; `styles` are the numbers of the cell formats."""
    length = len(columns[0].texts) if columns else 0
    step = max(1, _BATCH_CELLS // max(len(columns), 1))
    for start in range(0, length, step):
        part = [column.part(start, min(step, length - start)) for column in columns]
        yield from _pieces(part, styles, first_row + start)


def _pieces(columns: Sequence[Column], styles: Mapping[Kind, int], first_row: int) -> Iterator[bytes]:
    length = len(columns[0].texts)
    if length > 1 and sum(column.size for column in columns) > _BATCH_BYTES:
        half = length // 2
        yield from _pieces([column.part(0, half) for column in columns], styles, first_row)
        rest = [column.part(half, length - half) for column in columns]
        yield from _pieces(rest, styles, first_row + half)
        return
    numbers = pa.array(range(first_row, first_row + length)).cast(pa.string())
    cells: list[Any] = []
    for at, column in enumerate(columns):
        cells += _cells(column, xl_col_to_name(at), numbers, styles)
    rows = pc.binary_join_element_wise(
        '<row r="', numbers, '">', *cells, "</row>", "", null_handling="replace", null_replacement=""
    )
    # The rows stand one after the other in the array's own buffer.
    yield utf8(rows)


def _cells(column: Column, letters: str, rows: pa.Array, styles: Mapping[Kind, int]) -> list[Any]:
    """What to join into the cells of one column; a null leaves the cell out."""
    start = f'<c r="{letters}', rows
    found: list[Any] = []
    if column.numbers is not None:
        numbers = number_texts(column.numbers.combine_chunks(), column.kind)
        found += _filled([*start, f'" s="{styles[column.kind]}"><v>', numbers, "</v></c>"], numbers)
    texts = _ready(column.texts.combine_chunks())
    if texts.null_count < len(texts):
        opening = f'" s="{styles["text"]}" t="inlineStr"><is><t>'
        found += _filled([*start, _keeping_ends(opening, texts), texts, "</t></is></c>"], texts)
    return found


def _filled(pieces: list[Any], content: pa.Array) -> list[Any]:
    """The pieces as they are, or joined where a null has to take the whole cell away."""
    return [pc.binary_join_element_wise(*pieces, "")] if content.null_count else pieces


def _ready(texts: pa.Array) -> pa.Array:
    """Texts as they stand in XML: clean (see `cells.clean_text`), short enough, escaped; null for no cell."""
    data = utf8(texts)
    odd = set(data.translate(None, _PLAIN))
    if 0x0D in odd:
        texts = pc.replace_substring(pc.replace_substring(texts, "\r\n", "\n"), "\r", "\n")
    if not odd.isdisjoint((*_CONTROLS, 0xC2)) or any(sign in data for sign in _NO_CHARACTERS):
        texts = pc.replace_substring_regex(texts, _NOT_ALLOWED, "")
    texts = _changed(texts, pc.greater(pc.binary_length(texts), MAX_CELL), shortened)
    if b"_" in data:  # the rest may have come together only now
        texts = _changed(texts, pc.match_substring(texts, "_x"), lambda text: _ESCAPE.sub("_x005F_", text))
    for sign, entity in _ENTITIES.items():
        if ord(sign) in odd:
            texts = pc.replace_substring(texts, sign, entity)
    return pc.if_else(pc.equal(pc.binary_length(texts), 0), None, texts) if has_empty(texts) else texts


def _keeping_ends(opening: str, texts: pa.Array) -> Any:
    """The opening of the cells; blanks at the ends of a text are kept only where the element says so."""
    is_loose = pc.fill_null(pc.not_equal(texts, pc.utf8_trim_whitespace(texts)), False)
    if not pc.any(is_loose).as_py():
        return opening
    return pc.if_else(is_loose, f'{opening.removesuffix(">")} xml:space="preserve">', opening)


def _changed(texts: pa.Array, is_asked: pa.Array, change: Any) -> pa.Array:
    """The texts asked for, one by one: they are few, or long."""
    is_asked = pc.fill_null(is_asked, False)
    if not pc.any(is_asked).as_py():
        return texts
    new = [change(text) for text in texts.filter(is_asked).to_pylist()]
    return pc.replace_with_mask(texts, is_asked, pa.array(new, pa.string()))
