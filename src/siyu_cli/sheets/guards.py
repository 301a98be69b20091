"""The limits that keep a hostile or broken file from taking the machine down, all in one place.

A file is looked at before a library is let near it; what still gets through meets the memory limit and the
clock of the reading child (see child.py).
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.sniff import incomplete, part_key

MAX_ENTRY = 512 << 20
"""Largest unpacked part of a workbook: 1,048,576 rows of 20 columns take about that."""
MAX_TOTAL = 1 << 30
MAX_RATIO = 100
"""Unpacked to packed. Order exports reach 7 to 12, a bomb 1,000."""
NOTEWORTHY = 8 << 20
"""Smaller parts may shrink as much as they like: they cannot hurt."""
MAX_ENTRIES = 2000
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""What a sheet of Excel holds."""
FREE_AREA, MAX_SPREAD = 20_000_000, 50
"""The reader lays a sheet out as a full grid of 32 bytes a place: 20 million places are 640 MB, which any machine
has; beyond them at most 50 places per cell that holds something."""
MAX_ROW_BYTES = 64 << 20
"""A row of 16,384 cells of 4,000 bytes each; without a limit a sheet without row ends would be held whole."""
MAX_MERGES = 100_000
"""So many blocks of merged cells of a sheet are remembered, to say what became of them; nobody merges more."""
BASE_MEMORY, MEMORY_PER_BYTE, MAX_MEMORY = 3 << 29, 8, 6 << 30
"""Address space of the reading child: for itself, per unpacked byte (measured: below 5), and at most."""
BASE_SECONDS, SECONDS_PER_MB = 30.0, 1.0
"""How long the child may stay silent; a slow laptop reads 10 MB a second."""

_BLOCK = 1 << 20
_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!(?:DOCTYPE|ENTITY)", re.I | re.S)
_LOCAL_HEADER = struct.Struct("<4s22xHH")


def too_large(name: str, why: str, where: Where | None = None) -> InputRefused:
    """The refusal of a file that would unpack to more than a spreadsheet can sensibly be."""
    return InputRefused(
        "workbook-too-large",
        tr(f"{name} 大得不正常:{why}", f"{name} is abnormally large: {why}"),
        hint=tr(
            "在 Excel/WPS 里把要导入的行复制到新工作簿再导入;行数很多就拆成几个文件",
            "Copy the rows into a new workbook and import that; split very long tables",
        ),
        where=where or Where(file=name),
    )


@dataclass
class SheetFacts:
    """What a look at a sheet's own bytes tells and its reader does not.

    `marks`: (row, column), both from 0 → the text of an error value or of a formula nobody calculated.
    `rows`, `columns`: how far the cells reach; `cells`: how many hold something. `merges`: the blocks of cells merged
    over several rows, as first and last row, first and last column, all from 0.
    """

    marks: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: int = 0
    uncalculated: int = 0
    rows: int = 0
    columns: int = 0
    cells: int = 0
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)

    def merge(self, top: int, bottom: int, left: int, right: int) -> None:
        """Remember a block of merged cells, where it takes several rows."""
        if bottom > top and len(self.merges) < MAX_MERGES:
            self.merges.append((top, bottom, left, right))

    def reach(self, row: int, column: int) -> None:
        """A cell stands at (row, column), both from 0."""
        self.rows = max(self.rows, row + 1)
        self.columns = max(self.columns, column + 1)


def check_area(facts: SheetFacts, name: str, sheet: str) -> None:
    """Refuse a sheet whose few cells lie so far apart that the grid between them would not fit in memory."""
    if facts.rows > MAX_ROWS or facts.columns > MAX_COLUMNS:
        raise too_large(
            name,
            tr(
                f"有格子在第 {facts.rows:,} 行、第 {facts.columns:,} 列之外",
                f"it has cells beyond row {facts.rows:,}, column {facts.columns:,}",
            ),
            Where(file=name, sheet=sheet),
        )
    if facts.rows * facts.columns > max(FREE_AREA, MAX_SPREAD * facts.cells):
        raise too_large(
            name,
            tr(
                f"内容只有 {facts.cells:,} 格,却一直铺到第 {facts.rows:,} 行、第 {facts.columns:,} 列",
                f"{facts.cells:,} cells are spread over {facts.rows:,} rows and {facts.columns:,} columns",
            ),
            Where(file=name, sheet=sheet),
        )


class Package:
    """The parts of an xlsx file, found by name and inflated within the limits.

    Opening it checks the central directory; InputRefused `broken-workbook` or `workbook-too-large`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        try:
            with zipfile.ZipFile(path) as archive:
                self._parts = self._checked(archive.infolist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error):
            raise incomplete(self.name) from None

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        if len(infos) > MAX_ENTRIES:
            raise too_large(self.name, tr(f"里面有 {len(infos):,} 个部件", f"it has {len(infos):,} parts"))
        parts: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            key = part_key(info.filename)
            is_bomb = info.file_size > NOTEWORTHY and info.file_size > MAX_RATIO * max(info.compress_size, 1)
            if info.file_size > MAX_ENTRY or is_bomb:
                raise too_large(self.name, _size_words(info.file_size))
            is_readable = (
                info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not info.flag_bits & 1
            )
            if key in parts or not is_readable or info.header_offset < 0:
                raise incomplete(self.name)
            parts[key] = info
        if self._total(parts) > MAX_TOTAL:
            raise too_large(self.name, _size_words(self._total(parts)))
        return parts

    @staticmethod
    def _total(parts: dict[str, zipfile.ZipInfo]) -> int:
        return sum(info.file_size for info in parts.values())

    @property
    def size(self) -> int:
        """Bytes of all parts, unpacked."""
        return self._total(self._parts)

    def __contains__(self, part: str) -> bool:
        return part_key(part) in self._parts

    def part_size(self, part: str) -> int:
        return self._parts[part_key(part)].file_size

    def read(self, part: str) -> bytes:
        """A small part, whole."""
        return b"".join(self.blocks(part))

    def blocks(self, part: str) -> Iterator[bytes]:
        """A part as UTF-8 XML without a document type, inflated block by block, never beyond its declared size."""
        info = self._parts[part_key(part)]
        left = info.file_size
        is_first = True
        for block in self._inflated(info):
            left -= len(block)
            if left < 0:
                raise incomplete(self.name)
            if is_first:
                self._check_prolog(block)
                is_first = False
            yield block
        if left:
            raise incomplete(self.name)

    def _inflated(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            packed = self._packed(file, info)
            if info.compress_type == zipfile.ZIP_STORED:
                yield from packed
                return
            unpack = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                for block in packed:
                    while block and not unpack.eof:
                        yield unpack.decompress(block, _BLOCK)
                        block = unpack.unconsumed_tail
                yield unpack.flush()
            except zlib.error:
                raise incomplete(self.name) from None
            if not unpack.eof:
                raise incomplete(self.name)

    def _packed(self, file: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """The compressed bytes of a part, which begin behind its local header."""
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise incomplete(self.name)
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        file.seek(name_length + extra_length, 1)
        left = info.compress_size
        while left and (block := file.read(min(_BLOCK // 4, left))):
            left -= len(block)
            yield block

    def _check_prolog(self, block: bytes) -> None:
        """No document type, so no entities to expand or fetch; and only the encoding that the scan can read."""
        if block[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in block[:64]:
            raise incomplete(self.name)
        if has_document_type(block):
            raise has_entities(self.name)


def has_document_type(block: bytes) -> bool:
    """True when XML begins with a document type."""
    return _DOCTYPE.match(block) is not None


def has_entities(name: str) -> InputRefused:
    """The refusal of XML with a document type: no spreadsheet program writes one, entity bombs need one."""
    return InputRefused(
        "unsafe-xml",
        tr(
            f"{name} 里有不该有的 XML 声明(DOCTYPE/ENTITY),不安全",
            f"{name} holds an XML document type, which is unsafe",
        ),
        hint=tr("用 Excel/WPS 打开后另存为 xlsx,再导入", "Re-save it as xlsx and import that"),
        where=Where(file=name),
    )


def _size_words(size: int) -> str:
    return tr(f"展开后有 {size >> 20:,} MB", f"it unpacks to {size >> 20:,} MB")
