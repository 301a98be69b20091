"""CSV, TSV and other delimited text: decoded piece by piece, split into columns by the piece.

Two roads with one result. A piece of strictly quoted text whose rows all have the header's width
goes through pyarrow; any other piece goes through the csv module, record by record, where rows
that do not fit are kept as broken rows with their line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.asides import is_aside
from siyu_cli.sheets.clean import plain, repeats
from siyu_cli.sheets.header import SEARCH_ROWS, Header, Layout, trimmed
from siyu_cli.sheets.raw import BrokenRow, RawBatch
from siyu_cli.sheets.signs import is_ascii
from siyu_cli.sheets.sniff import Sniffed

if TYPE_CHECKING:
    from siyu_cli.sheets.grid import Merges

Bytes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"
Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

_BLOCK = 4 << 20
_NEAR = 1 << 18
_PREVIEW = 1 << 18
_PREVIEW_ROWS = SEARCH_ROWS + 60
_BATCH_ROWS = 32_768
_MAX_RECORD = 64 << 20
_DELIMITERS = (",", "\t", ";", "|")
SPACES = " "
"""The delimiter of text whose columns stand apart by runs of spaces."""
_BAD = "\udcff"
"""Stands for an undecodable byte while a file is split; no decoded text can hold half a surrogate pair."""
_SHOWN_BAD = "\ufffd"
_QUOTE, _NEWLINE, _RETURN = ord('"'), ord("\n"), ord("\r")
_ENDS_OF_LINE = re.compile(rb"(?m)^[ \t]+|[ \t]+$")
_RUNS = re.compile(rb"[ \t]+")


def _mark_bad(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _BAD, error.end


codecs.register_error("siyu-mark", _mark_bad)
csv.field_size_limit(_MAX_RECORD)


class _LooseQuotesError(Exception):
    """The quoting is not strict: the rest of the file needs the csv module."""


class DelimitedSource:
    """One text table."""

    sheet: str | None = None
    is_1904 = False
    merges: Merges = ()

    def __init__(self, path: Path, sniffed: Sniffed, sheet: str | None = None) -> None:
        self.path = path
        self.encoding: str | None = sniffed.encoding
        self.notes: Counter[str] = Counter()
        self._sniffed = sniffed
        # UTF-16 is split as UTF-8: its bytes are no signs by themselves.
        self._split_as = "gb18030" if sniffed.encoding == "gb18030" else "utf-8"
        self._bytes_read = 0
        self._is_mac: bool | None = None
        self._layouts: list[Layout] = []
        self._ends: dict[tuple[str, int], int] = {}

    def sheet_names(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing stays open between walks."""

    def layouts(self) -> list[Layout]:
        """The first rows under each delimiter, and by runs of spaces where no line has a delimiter."""
        if not self._layouts:
            block = next(self._blocks(_PREVIEW, self._split_as), b"")
            head = _decoded(_plain_ends(block, is_last=True), self._split_as).replace(_BAD, _SHOWN_BAD)
            if len(block) >= _PREVIEW // 4:
                head = head[: head.rfind("\n") + 1] or head
            self._layouts = [self._layout(head, delimiter) for delimiter in (*_DELIMITERS, SPACES)]
        return self._layouts

    def _layout(self, head: str, delimiter: str) -> Layout:
        rows: list[list[str]] = []
        starts: list[int] = []
        if delimiter == SPACES:
            for number, line in enumerate(head.split("\n")[:_PREVIEW_ROWS], start=1):
                rows.append([] if any(sign in line for sign in _DELIMITERS) else line.split())
                starts.append(number)
                self._ends[delimiter, number] = number
            return Layout(rows, starts, delimiter)
        reader = csv.reader(_lines_of(head), delimiter=delimiter)
        start = 1
        try:
            for row in islice(reader, _PREVIEW_ROWS):
                rows.append(row)
                starts.append(start)
                self._ends[delimiter, start] = reader.line_num
                start = reader.line_num + 1
        except csv.Error:
            pass  # the rows before the damage are enough to find a header
        return Layout(rows, starts, delimiter)

    def batches(self, header: Header) -> Iterator[RawBatch]:
        """The rows below the header, in columns."""
        self.notes.clear()
        first = self._ends[header.delimiter, header.row_no]
        # In GB18030 a | may be half of a sign; the other delimiters, quotes and line ends never are.
        encoding = "utf-8" if header.delimiter == "|" else self._split_as
        pieces = _Pieces(self.path.name, header, self._row_width(header), encoding)
        for batch in _walk(pieces, self._from_line(first, encoding), first + 1):
            yield replace(batch, bytes_read=self._bytes_read)

    def _row_width(self, header: Header) -> int:
        """How many cells a row has: the header's, or more where most rows end with spare separators."""
        layout = next(layout for layout in self.layouts() if layout.delimiter == header.delimiter)
        widths = Counter(
            len(row)
            for row, at in zip(layout.rows, layout.row_nos, strict=True)
            if at > header.row_no and row
        )
        usual = widths.most_common(1)[0][0] if widths else header.width
        return max(header.width, usual if usual > header.width else 0)

    def _from_line(self, skip: int, encoding: str) -> Iterator[bytes]:
        """The text after its first `skip` lines."""
        for block in self._blocks(_BLOCK, encoding):
            at = 0
            while skip and (end := block.find(b"\n", at)) >= 0:
                at, skip = end + 1, skip - 1
            if not skip:
                yield block[at:] if at else block

    def _blocks(self, size: int, encoding: str) -> Iterator[bytes]:
        """The file in `encoding` without byte order mark and NUL; line ends of old Macs become \\n."""
        own = self.encoding or "utf-8"
        decoder = None if encoding == own else codecs.getincrementaldecoder(own)(errors="siyu-mark")
        self._bytes_read = self._sniffed.skip
        with self.path.open("rb") as file:
            file.seek(self._sniffed.skip)
            while True:
                block = raw = file.read(size)
                self._bytes_read += len(raw)
                if decoder is not None:
                    block = decoder.decode(raw, final=not raw).encode("utf-8", "surrogatepass")
                if b"\0" in block:
                    self.notes["nul-removed"] += block.count(b"\0")
                    block = block.replace(b"\0", b"")
                if self._is_mac is None and b"\r" in block:
                    self._is_mac = b"\n" not in block
                if block:
                    yield block.replace(b"\r", b"\n") if self._is_mac else block
                if not raw:
                    return


def _walk(pieces: _Pieces, blocks: Iterator[bytes], line: int) -> Iterator[RawBatch]:
    """Blocks cut into pieces and split, each piece by the quickest road that is safe for it."""
    buffer, is_last = b"", False
    try:
        while not is_last:
            block = next(blocks, None)
            is_last = block is None
            buffer = _plain_ends(buffer, is_last=True) if block is None else buffer + block
            # The last piece may hold an open quote, which only the strict look at it finds.
            quick = None if is_last else pieces.split_lines(buffer, line)
            if quick is not None:
                yield quick
                line += len(quick.row_nos)
                buffer = buffer[buffer.rfind(b"\n") + 1 :]
                continue
            buffer = _plain_ends(buffer, is_last=is_last)
            cut = pieces.cut(buffer, is_last=is_last, line=line)
            yield from pieces.split(buffer[:cut], line)
            line += buffer.count(b"\n", 0, cut)
            buffer = buffer[cut:]
    except _LooseQuotesError:
        yield from pieces.split_loosely(_lines_from(buffer, blocks, pieces.encoding), line)


def _plain_ends(text: bytes, *, is_last: bool) -> bytes:
    """Text with \\n line ends; a lone \\r within a line is a space."""
    if b"\r" not in text:
        return text
    text = text.replace(b"\r\n", b"\n")
    end = len(text) if is_last else len(text) - text.endswith(b"\r")
    return text[:end].replace(b"\r", b" ") + text[end:]


def _decoded(text: bytes, encoding: str) -> str:
    """Text in which each sign that is none stands as _BAD."""
    return text.decode(encoding, "siyu-mark")


def _lines_of(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline="\n"))


def _lines_from(buffer: bytes, blocks: Iterator[bytes], encoding: str) -> Iterator[str]:
    """Lines with their ends, across blocks."""
    for block in blocks:
        buffer += block
        end = buffer.rfind(b"\n") + 1
        yield from _lines_of(_decoded(_plain_ends(buffer[:end], is_last=True), encoding))
        buffer = buffer[end:]
    yield from _lines_of(_decoded(_plain_ends(buffer, is_last=True), encoding))


class _Pieces:
    """Splits pieces of text, each of whole records, into columns of one width."""

    def __init__(self, file: str, header: Header, width: int, encoding: str) -> None:
        self.file = file
        self.header = header
        self.width = width
        self.encoding = encoding
        self.is_spaced = header.delimiter == SPACES
        self.delimiter = "\t" if self.is_spaced else header.delimiter
        self.has_breaks = False

    def split_lines(self, buffer: bytes, line: int) -> RawBatch | None:
        """The whole lines of a buffer as columns, where each line is one row of the usual width; else None.

        Quotes need no look here: a cell that swallows a line end makes fewer rows than lines.
        """
        piece = buffer[: buffer.rfind(b"\n") + 1]
        if not piece or self.has_breaks:
            return None
        lines, returns, both = _line_ends(piece)
        if returns and not returns == both == lines:
            return None
        columns = self._columns(piece)
        if columns is None:
            return None
        if len(columns[0]) != lines or any("\n" in column[-1].as_py() for column in columns):
            self.has_breaks = True
            return None
        return RawBatch(columns[: self.header.width], pa.array(np.arange(line, line + lines)))

    def cut(self, buffer: bytes, *, is_last: bool, line: int) -> int:
        """How much of the buffer is whole records. Raises _LooseQuotesError where quotes are not strict."""
        if self.is_spaced or b'"' not in buffer:
            return len(buffer) if is_last else buffer.rfind(b"\n") + 1
        codes = np.frombuffer(buffer, dtype=np.uint8)
        quotes = np.flatnonzero(codes == _QUOTE)
        newlines = np.flatnonzero(codes == _NEWLINE)
        safe = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        end = len(buffer) if is_last else (int(safe[-1]) + 1 if len(safe) else 0)
        inside = quotes[quotes < end]
        if len(inside) % 2 or not _is_strict(codes, inside, ord(self.delimiter)):
            raise _LooseQuotesError
        if len(buffer) - end > _MAX_RECORD:
            raise _unbalanced(self.file, line + buffer.count(b"\n", 0, end))
        return end

    def split(self, piece: bytes, line: int) -> Iterator[RawBatch]:
        """A piece of strictly quoted records, by columns where every row fits."""
        columns = self._columns(piece) if piece else []
        if columns is None:
            yield from self.split_loosely(_lines_of(_decoded(piece, self.encoding)), line)
        elif columns:
            row_nos = _lines_with_breaks(columns, line)
            yield RawBatch(columns[: self.header.width], row_nos)

    def _columns(self, piece: bytes) -> list[pa.Array] | None:
        """Columns of a piece in which each row has the usual width and all text is sound; None otherwise."""
        if self.is_spaced:
            piece = _RUNS.sub(b"\t", _ENDS_OF_LINE.sub(b"", piece))
        if piece.startswith(codecs.BOM_UTF8):
            # The file's own mark is gone by now; Arrow would take these bytes of a cell for another one.
            piece = codecs.BOM_UTF8 + piece
        is_utf8 = self.encoding == "utf-8"
        names = [f"c{number}" for number in range(self.width)]
        kind = pa.string() if is_utf8 else pa.binary()
        try:
            table = arrow_csv.read_csv(
                pa.py_buffer(piece),
                read_options=arrow_csv.ReadOptions(
                    column_names=names, block_size=len(piece) + 1, use_threads=False
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.delimiter, quote_char=False if self.is_spaced else '"',
                    newlines_in_values=not self.is_spaced,
                    ignore_empty_lines=False,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, kind), strings_can_be_null=False, check_utf8=is_utf8,
                ),
            )  # fmt: skip
            columns = [column.combine_chunks() for column in table.columns]
            columns = [_text_column(column, self.encoding) for column in columns]
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        extra = columns[self.header.width :]
        if any(pc.any(pc.not_equal(pc.utf8_trim_whitespace(plain(column)), "")).as_py() for column in extra):
            return None
        return columns

    def split_loosely(self, lines: Iterator[str], line: int) -> Iterator[RawBatch]:
        """Record by record; a quote that is never closed refuses the file with its line."""
        kept: list[str] = []
        is_over = False

        def watched() -> Iterator[str]:
            nonlocal is_over
            for text in lines:
                kept.append(text)
                yield text
            is_over = True

        if self.is_spaced:
            reader = csv.reader(watched(), delimiter="\t", quoting=csv.QUOTE_NONE)
        else:
            reader = csv.reader(watched(), delimiter=self.delimiter)
        start = line
        rows: list[list[str]] = []
        row_nos: list[int] = []
        broken: list[BrokenRow] = []
        while True:
            kept.clear()
            try:
                cells = next(reader, None)
            except csv.Error:
                raise _unbalanced(self.file, start) from None
            if cells is None:
                break
            # Asking for a line after the last one means that a quote is still open.
            if is_over or (len(kept) > 1 and not self._is_strict_record(kept)):
                raise _unbalanced(self.file, start)
            fitted = self._fit(cells, start)
            if isinstance(fitted, BrokenRow):
                broken.append(fitted)
            else:
                rows.append(fitted)
                row_nos.append(start)
            start += len(kept)
            if len(rows) + len(broken) >= _BATCH_ROWS:
                yield _batch(rows, row_nos, broken, self.header.width)
                rows, row_nos, broken = [], [], []
        if rows or broken:
            yield _batch(rows, row_nos, broken, self.header.width)

    def _is_strict_record(self, kept: Sequence[str]) -> bool:
        """A record that spans lines is believed only when it is strictly quoted."""
        try:
            next(csv.reader(list(kept), delimiter=self.delimiter, strict=True))
        except csv.Error:
            return False
        return True

    def _fit(self, cells: list[str], line: int) -> list[str] | BrokenRow:
        """The row at the header's width, or why it has another one."""
        width = self.header.width
        if any(_BAD in cell for cell in cells):
            return BrokenRow(line, "bad-bytes", "", tuple(cell.replace(_BAD, _SHOWN_BAD) for cell in cells))
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            return cells[:width]
        if len(cells) == width:
            return cells
        if is_aside(cells) or (len(cells) < width and trimmed(cells) in self.header.above):
            return [*cells, *[""] * width][:width]
        code = "row-too-short" if len(cells) < width else "row-too-long"
        return BrokenRow(line, code, f"{len(cells)}/{width}", tuple(cells))


def _text_column(column: pa.Array, encoding: str) -> pa.Array:
    """Bytes as text: ASCII is taken as it is, a repetitive column becomes a dictionary, decoded once a text."""
    texts = pa.Array.from_buffers(pa.string(), len(column), column.buffers(), offset=column.offset)
    if is_ascii(texts):
        return texts
    if (encoded := repeats(column)) is not None:
        words = _decoded_cells(encoded.dictionary, encoding)
        return pa.DictionaryArray.from_arrays(encoded.indices, words)
    return _decoded_cells(column, encoding)


def _decoded_cells(cells: pa.Array, encoding: str) -> pa.Array:
    """All cells decoded as one text, in which NUL divides them: no cell holds one, they were removed."""
    if encoding == "utf-8":
        return cells
    bounds = pa.array([0, len(cells)], pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(bounds, cells), b"\0")[0].as_py()
    signs = np.frombuffer(joined.decode(encoding).encode() + b"\0", dtype=np.uint8)
    is_end = signs == 0
    offsets = np.zeros(len(cells) + 1, dtype=np.int32)
    offsets[1:] = np.flatnonzero(is_end) - np.arange(len(cells))
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(signs[~is_end])]
    return pa.Array.from_buffers(pa.string(), len(cells), buffers)


def _line_ends(text: bytes) -> tuple[int, int, int]:
    """How many \\n, \\r and \\r\\n; some at a time, which stay near the processor: bytes.count takes four times as long."""
    codes = np.frombuffer(text, dtype=np.uint8)
    newlines = returns = both = 0
    for at in range(0, len(codes), _NEAR):
        part = codes[at : at + _NEAR + 1]
        is_newline, is_return = part == _NEWLINE, part == _RETURN
        both += int(np.count_nonzero(is_return[:-1] & is_newline[1:]))
        newlines += int(np.count_nonzero(is_newline[:_NEAR]))
        returns += int(np.count_nonzero(is_return[:_NEAR]))
    return newlines, returns, both


def _is_strict(codes: Bytes, quotes: Places, delimiter: int) -> bool:
    """True when each opening quote begins a cell and each closing one ends it (a doubled quote does both)."""
    opening, closing = quotes[::2], quotes[1::2]
    before = codes[np.maximum(opening - 1, 0)]
    begins = (opening == 0) | (before == delimiter) | (before == _NEWLINE)
    begins[1:] |= opening[1:] == closing[:-1] + 1
    after = codes[np.minimum(closing + 1, len(codes) - 1)]
    ends = (closing == len(codes) - 1) | (after == delimiter) | (after == _NEWLINE)
    ends[:-1] |= closing[:-1] + 1 == opening[1:]
    return bool(begins.all() and ends.all())


def _lines_with_breaks(columns: list[pa.Array], line: int) -> pa.Array:
    """Starting lines of rows some of which hold line breaks inside quotes."""
    extra = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        extra += pc.count_substring(plain(column), "\n").to_numpy(zero_copy_only=False)
    lengths = extra + 1
    return pa.array(line + np.cumsum(lengths) - lengths)


def _batch(rows: list[list[str]], row_nos: list[int], broken: list[BrokenRow], width: int) -> RawBatch:
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    columns = columns or [pa.array([], pa.string())] * width
    return RawBatch(columns, pa.array(row_nos, pa.int64()), tuple(broken))


def _unbalanced(file: str, line: int) -> InputRefused:
    return InputRefused(
        "unbalanced-quote",
        tr(
            f"{file} 第 {line} 行的引号没有配对,后面的行分不清",
            f"{file}: a quote on line {line} is never closed",
        ),
        hint=tr(
            "补上或删掉那一行多出的双引号,再导入", "Close or remove the quote on that line and import again"
        ),
        where=Where(file=file, line=line),
    )
