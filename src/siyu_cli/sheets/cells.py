"""What a list is made of before it is a file: values as the text of cells, one by one and by column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.words import strip_control

Kind = Literal["text", "count", "yuan", "date"]
Rows: TypeAlias = "pa.Table | Sequence[Sequence[object]]"

MAX_CELL = 32_767
"""UTF-16 units per cell, Excel's limit."""
SCALE: dict[Kind, int] = {"count": 1, "yuan": 100}
"""The kinds that are numbers, and how many of their whole units (one, fen) make what is shown."""
_EXACT = 10**15
"""Numbers from here on would be rounded by a spreadsheet."""

_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS = re.compile(r"\r\n?")
_ODD = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(value: object) -> str:
    """A value as the text of one cell: no control characters, line ends as LF, dates as YYYY-MM-DD."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    text = value if isinstance(value, str) else str(value)
    if _ODD.search(text):
        text = allowed(_LINE_ENDS.sub("\n", text))
    return text


def allowed(text: str) -> str:
    """The text without what XML or Excel cannot hold; TAB and line ends stay."""
    return _NOT_XML.sub("", strip_control(text))


def shown_number(value: int, kind: Kind) -> str:
    """A number as text with all its digits, fen as yuan: `-1299.50`."""
    if kind != "yuan":
        return str(value)
    yuan, rest = divmod(abs(value), SCALE[kind])
    return f"{'-' if value < 0 else ''}{yuan}.{rest:02d}"


def is_too_long(text: str) -> bool:
    """True for a clean text that Excel's cell cannot hold."""
    return len(text) > MAX_CELL // 2 and units(text) > MAX_CELL


def shortened(text: str) -> str:
    """A clean text as Excel can hold it: what is too long is cut and ends in …"""
    return cut(text, MAX_CELL - 1) + "…" if is_too_long(text) else text


def units(text: str) -> int:
    """Length as Excel counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, length: int) -> str:
    """The first `length` units of a text, no character torn apart."""
    if units(text) <= length:
        return text
    return text.encode("utf-16-le", "surrogatepass")[: length * 2].decode("utf-16-le", "ignore")


@dataclass(frozen=True)
class Column:
    """One column of a list. Where `numbers` is null the cell is `texts`; where both are null there is none.

    Texts are as they were given; `sheet_xml` cleans and shortens them a batch at a time.
    """

    texts: pa.ChunkedArray
    numbers: pa.ChunkedArray | None = None
    kind: Kind = "text"

    def part(self, start: int, length: int) -> Column:
        """Some of the rows, without a copy."""
        numbers = None if self.numbers is None else self.numbers.slice(start, length)
        return Column(self.texts.slice(start, length), numbers, self.kind)

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.texts.nbytes) + (0 if self.numbers is None else int(self.numbers.nbytes))

    @property
    def too_long(self) -> int:
        """How many cells Excel cannot hold whole."""
        return sum(
            is_too_long(clean_text(text))
            for chunk in self.texts.chunks
            # A text never has more UTF-16 units than UTF-8 bytes.
            for text in chunk.filter(pc.greater(pc.binary_length(chunk), MAX_CELL)).to_pylist()
        )


def columns_of(rows: Rows, kinds: Sequence[Kind]) -> list[Column]:
    """Rows of either sort as columns; rows of another width are a mistake of the caller."""
    if isinstance(rows, pa.Table):
        if rows.num_columns != len(kinds):
            raise ValueError(f"table of {rows.num_columns} columns in a list of {len(kinds)}")
        return [_of_arrow(column, kind) for column, kind in zip(rows.columns, kinds, strict=True)]
    for row in rows:
        if len(row) != len(kinds):
            raise ValueError(f"row of {len(row)} cells in a list of {len(kinds)} columns")
    return [_of_values([row[at] for row in rows], kind) for at, kind in enumerate(kinds)]


def _of_arrow(column: pa.ChunkedArray, kind: Kind) -> Column:
    sort = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if _is_text(sort) or pa.types.is_null(sort) or pa.types.is_date32(sort):
        return Column(column.cast(pa.string()))
    if pa.types.is_signed_integer(sort):
        numbers = column.cast(pa.int64())
        if kind not in SCALE:
            return Column(numbers.cast(pa.string()))
        # Each end by itself: the amount of the smallest of all numbers is none.
        is_exact = pc.and_(pc.greater(numbers, -_EXACT), pc.less(numbers, _EXACT))
        texts = number_texts(pc.if_else(is_exact, None, numbers), kind)
        return Column(texts, pc.if_else(is_exact, numbers, None), kind)
    return _of_values(column.to_pylist(), kind)


def _of_values(values: list[Any], kind: Kind) -> Column:
    if kind not in SCALE:
        return Column(_texts(values))
    is_exact = [type(value) is int and abs(value) < _EXACT for value in values]
    pairs = list(zip(values, is_exact, strict=True))
    texts = [None if exact else _number_text(value, kind) for value, exact in pairs]
    numbers = pa.chunked_array([pa.array((value if exact else None for value, exact in pairs), pa.int64())])
    return Column(_texts(texts), numbers, kind)


def _number_text(value: object, kind: Kind) -> object:
    return shown_number(value, kind) if type(value) is int else value


def _texts(values: list[Any]) -> pa.ChunkedArray:
    try:
        found = pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        found = pa.array([clean_text(value) for value in values], pa.string())
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _is_text(sort: pa.DataType) -> bool:
    return bool(pa.types.is_string(sort) or pa.types.is_large_string(sort) or pa.types.is_string_view(sort))


def number_texts(numbers: Any, kind: Kind) -> Any:
    """`shown_number` of a whole column."""
    if kind != "yuan":
        return numbers.cast(pa.string())
    whole = numbers.cast(pa.decimal128(19))
    return pc.multiply(whole, pa.scalar(Decimal("0.01"))).cast(pa.string())
