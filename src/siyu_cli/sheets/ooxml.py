"""What lies beside the cells of an xlsx: which sheets there are, and a quick look at a sheet's own XML.

The reader drops error values, formulas without a calculated value and hidden marks without a word, and
believes whatever size a file states. The look is at bytes, block by block: a parser that visits every
element would take longer than reading the cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeAlias
from xml.etree import ElementTree

import numpy as np

from siyu_cli.sheets.guards import (
    MAX_COLUMNS,
    MAX_ROW_BYTES,
    MAX_ROWS,
    Package,
    SheetFacts,
    check_area,
    too_large,
)
from siyu_cli.sheets.raw import NOT_CALCULATED
from siyu_cli.sheets.sniff import incomplete

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Bytes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"
Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

_PIECE = 1 << 20
"""Small enough to stay near the processor while it is looked at several times."""
_MAX_STRUCTURE = 16 << 20
"""Bytes of workbook.xml and its relations, which are read whole."""
_ROOT = re.compile(rb"<(?:([A-Za-z_][\w.-]*):)?worksheet\b")
_AFTER_NAME = np.frombuffer(b" \t\r\n/>", dtype=np.uint8)
_CONTENT = np.frombuffer(b"vfi", dtype=np.uint8)
"""First letters of what a cell can hold: v, f, is."""
_COUNT = re.compile(rb"""\b(?:uniqueCount|count)\s*=\s*["'](\d+)""")
_REFERENCE_LENGTH = 11
"""`XFD1048576"`: the longest cell reference with its closing quote."""


@dataclass(frozen=True)
class SheetEntry:
    """A sheet as workbook.xml lists it; `part` is None for chart, dialog and macro sheets."""

    name: str
    is_hidden: bool
    part: str | None


@dataclass(frozen=True)
class Structure:
    """The sheets of a workbook, and whether its day numbers count from 1904."""

    sheets: tuple[SheetEntry, ...]
    is_1904: bool


def read_structure(package: Package) -> Structure:
    """The sheets of a workbook. InputRefused when its own description is damaged or lies."""
    workbook = _parse(package, "xl/workbook.xml")
    relations = {
        one.get("Id", ""): (one.get("Type", ""), one.get("Target", ""))
        for one in _parse(package, "xl/_rels/workbook.xml.rels")
    }
    sheets = []
    for sheet in workbook.iterfind("{*}sheets/{*}sheet"):
        key = next((value for name, value in sheet.attrib.items() if name.endswith("}id")), "")
        kind, target = relations.get(key, ("", ""))
        part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        is_worksheet = kind.endswith("/worksheet") and part in package
        sheets.append(
            SheetEntry(
                sheet.get("name", ""), sheet.get("state", "visible") != "visible", part if is_worksheet else None
            )
        )  # fmt: skip
    properties = workbook.find("{*}workbookPr")
    is_1904 = properties is not None and properties.get("date1904", "").lower() in ("1", "true", "on")
    _check_strings(package)
    return Structure(tuple(sheets), is_1904)


def _parse(package: Package, part: str) -> Element:
    if part not in package:
        raise incomplete(package.name)
    if package.part_size(part) > _MAX_STRUCTURE:
        raise too_large(package.name, part)
    try:
        # Without a document type, which is refused before, there are no entities to expand.
        return ElementTree.fromstring(package.read(part))
    except ElementTree.ParseError:
        raise incomplete(package.name) from None


def _check_strings(package: Package) -> None:
    """The reader makes room for as many shared strings as the part says it has; each takes some bytes."""
    part = "xl/sharedStrings.xml"
    if part not in package:
        return
    stated = [int(number[:20]) for number in _COUNT.findall(next(package.blocks(part), b"")[:4096])]
    # `count` says how often they are used, `uniqueCount` how many there are: neither can be more than
    # the whole file has bytes.
    if max(stated, default=0) > package.size:
        raise too_large(package.name, f"uniqueCount={max(stated)}")


def has_content(package: Package, part: str) -> bool:
    """True when a cell of the sheet holds something."""
    last = b""
    for block in package.blocks(part):
        text = last + block
        if re.search(rb"</(?:\w+:)?(?:v|is|f)>|<(?:\w+:)?f\s[^<>]*/>", text):
            return True
        last = text[-256:]
    return False


def scan_sheet(package: Package, part: str, sheet: str) -> SheetFacts:
    """The facts of a sheet; InputRefused when it is damaged or its cells lie absurdly far apart."""
    facts = SheetFacts()
    scan: _Scan | None = None
    for piece in _pieces(package, part):
        if scan is None:
            root = _ROOT.search(piece)
            if root is None:
                raise incomplete(package.name)
            scan = _Scan(facts, root[1] + b":" if root[1] else b"")
        scan.look(_unmasked(piece) if b"<!" in piece else piece)
    check_area(facts, package.name, sheet)
    return facts


def _unmasked(piece: bytes) -> bytes:
    """A piece without comments and CDATA, in which anything may stand that looks like a cell."""
    kept, at = [], 0
    while (start := piece.find(b"<!", at)) >= 0:
        close = b"-->" if piece.startswith(b"<!--", start) else b"]]>"
        end = piece.find(close, start)
        if end < 0:
            break
        kept.append(piece[at:start])
        at = end + len(close)
    return b"".join([*kept, piece[at:]])


def _pieces(package: Package, part: str) -> Iterator[bytes]:
    """The sheet in pieces of whole rows."""
    waiting: list[bytes] = []
    size = 0
    for block in package.blocks(part):
        waiting.append(block)
        size += len(block)
        if size >= _PIECE:
            text = b"".join(waiting)
            cut = text.rfind(b"row>") + 4
            if cut < 4 and size > MAX_ROW_BYTES:
                raise too_large(package.name, part)
            if cut >= 4:
                yield text[:cut]
                text = text[cut:]
            waiting, size = [text], len(text)
    yield b"".join(waiting)


class _Scan:
    """Looks at pieces of a sheet whose elements carry one namespace prefix."""

    def __init__(self, facts: SheetFacts, prefix: bytes) -> None:
        self.facts = facts
        self.rows_before = 0
        p = re.escape(prefix)
        self.row_tag, self.cell_tag, self.formula_tag = (
            b"<" + prefix + name for name in (b"row", b"c", b"f")
        )
        self.ends = tuple(b"</" + prefix + name for name in (b"v>", b"is>"))
        self.cell = re.compile(rb"<%sc(?=[\s/>])([^<>]*)>" % p)
        self.row = re.compile(rb"<%srow(?=[\s/>])([^<>]*)>" % p)
        self.row_place = re.compile(rb"""<%srow\s(?:[^<>]*?\s)?r\s*=\s*["'](\d+)""" % p)
        self.value = re.compile(rb"<%sv(?:\s[^<>]*)?>([^<]*)<" % p)
        self.error = re.compile(rb"""<%sc\s(?=[^<>]*\bt\s*=\s*["']e["'])[^<>]*>""" % p)
        self.no_value = re.compile(
            rb"(?:</%sf\s*>|<%sf(?:\s[^<>]*)?/>)\s*(?:(</%sc\s*>)|<%sv\s*/>|<%sv\s*>\s*</%sv\s*>)"
            % ((p,) * 6)
        )
        self.merge = re.compile(
            rb"""<%smergeCell\s+ref\s*=\s*["']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["']""" % p
        )
        self.hidden = re.compile(rb"""<%srow\s(?=[^<>]*\bhidden\s*=\s*["'](?:1|true)["'])[^<>]*[^/<>]>""" % p)
        self.misplaced = re.compile(rb"""<%sc(\s[^<>]*?["'])\s+r\s*=\s*["']([A-Za-z]+\d+)["']""" % p)
        self.oddly_placed = re.compile(rb"""<%sc\s+r\s*=\s*["']([A-Za-z]+\d+)["']""" % p)

    def look(self, piece: bytes) -> None:
        """Add what a piece of whole rows tells."""
        facts = self.facts
        names = self._measure(piece)
        if b'"e"' in piece or (b"'" in piece and b"'e'" in piece):
            for found in self.error.finditer(piece):
                value = self.value.search(piece, found.end(), found.end() + 200)
                text = value[1].decode("ascii", "replace").strip() if value else ""
                self._mark(piece, found.start(), text if text.startswith("#") else NOT_CALCULATED)
        if ord("f") in names:
            for found in self.no_value.finditer(piece):
                self._no_value(piece, found)
        if b"hidden" in piece:
            facts.hidden_rows += sum(1 for _ in self._hidden_rows(piece))
        if b"mergeCell" in piece:
            for found in self.merge.finditer(piece):
                left, top, right, bottom = found.groups()
                facts.merge(int(top) - 1, int(bottom) - 1, _column_no(left), _column_no(right))
        self.rows_before += piece.count(self.row_tag)

    def _no_value(self, piece: bytes, found: re.Match[bytes]) -> None:
        """A formula without a value; a text formula with an empty value has one: the empty text."""
        at = self._cell_start(piece, found.start())
        opening = self.cell.match(piece, at)
        is_text = opening is not None and re.search(rb"""\bt\s*=\s*["'](?:str|e)["']""", opening[1])
        if at >= 0 and (found[1] is not None or not is_text):
            self._mark(piece, at, NOT_CALCULATED)
            self.facts.uncalculated += 1

    def _hidden_rows(self, piece: bytes) -> Iterator[int]:
        """Hidden rows in which something stands."""
        for found in self.hidden.finditer(piece):
            end = piece.find(self.row_tag, found.end())
            end = len(piece) if end < 0 else end
            if any(piece.find(tag, found.end(), end) >= 0 for tag in self.ends):
                yield found.start()

    def _cell_start(self, piece: bytes, at: int) -> int:
        while (at := piece.rfind(self.cell_tag, 0, at)) >= 0:
            if self.cell.match(piece, at):
                return at
        return at

    def _mark(self, piece: bytes, at: int, text: str) -> None:
        """Remember the text of the cell that begins at `at`."""
        row, column = self._place(piece, at)
        self.facts.marks[row, column] = text
        self.facts.reach(row, column)
        self.facts.cells += 1

    def _place(self, piece: bytes, at: int) -> tuple[int, int]:
        """Row and column of a cell, from 0; where it does not say so it follows the one before."""
        if reference := _reference_of(self.cell, piece, at):
            return reference
        start = max(piece.rfind(self.row_tag, 0, at), 0)
        row, column = -1, -1
        for cell in self.cell.finditer(piece, start, at):
            row, column = _reference_of(self.cell, piece, cell.start()) or (row, column + 1)
        column += 1
        opening = self.row.match(piece, start)
        stated = re.search(rb"""\br\s*=\s*["'](\d+)""", opening[1]) if opening else None
        if stated:
            row = int(stated[1]) - 1
        elif row < 0:
            row = self.rows_before + piece.count(self.row_tag, 0, at) - 1
        return row, column

    def _measure(self, piece: bytes, *, is_tidied: bool = False) -> set[int]:
        """How many cells hold something and how far those reach; and the first letters of all elements."""
        codes, tags = self._tags(piece)
        letters = codes[tags]
        cells = np.flatnonzero((letters == ord("c")) & np.isin(codes[tags + 1], _AFTER_NAME))
        has_place = np.ones(len(cells), dtype=bool)
        for step, sign in enumerate(b' r="', start=1):
            has_place &= codes[tags[cells] + step] == sign
        if not has_place.all():
            if not is_tidied:
                # Some writers put the reference behind other attributes, or leave it out.
                piece = self.misplaced.sub(self.cell_tag + rb' r="\2"\1', piece)
                piece = self.oddly_placed.sub(self.cell_tag + rb' r="\1"', piece)
                return self._measure(piece, is_tidied=True)
            rows = tags[letters == ord("r")]
            most = np.diff(np.searchsorted(tags[cells], np.append(rows, len(codes)))).max(initial=0)
            self.facts.reach(self.rows_before + len(rows) - 1, int(most) - 1)
            # Such cells stand in the row that says which one it is, however far down that may be.
            stated = max((int(number[:20]) for number in self.row_place.findall(piece)), default=0)
            self.facts.reach(stated - 1, 0)
        # `<c r="A1" s="3"/>` and `<c r="A1"></c>` only look like something.
        is_filled = np.isin(np.append(letters, 0)[cells + 1], _CONTENT)
        self.facts.cells += int(is_filled.sum())
        placed = tags[cells[is_filled & has_place]]
        if len(placed):
            row, column = _furthest(codes, placed + len(b'c r="'))
            self.facts.reach(row - 1, column - 1)
        return set(np.unique(letters).tolist())

    def _tags(self, piece: bytes) -> tuple[Bytes, Places]:
        """The bytes of a piece, and where the names of its opening tags begin, their prefix aside."""
        codes = np.frombuffer(piece + bytes(_REFERENCE_LENGTH + 8), dtype=np.uint8)
        tags = np.flatnonzero(codes == ord("<")) + 1
        prefix = self.cell_tag[1:-1]
        for sign in prefix:
            tags = tags[codes[tags] == sign] + 1
        return codes, tags


def _reference_of(cell: re.Pattern[bytes], piece: bytes, at: int) -> tuple[int, int] | None:
    """What a cell says of its own place."""
    opening = cell.match(piece, at)
    found = (
        re.search(rb"""(?:^|\s)r\s*=\s*["']([A-Za-z]{1,3})(\d{1,9})["']""", opening[1]) if opening else None
    )
    if found is None:
        return None
    return int(found[2]) - 1, _column_no(found[1])


def _column_no(letters: bytes) -> int:
    """A is 0, AA is 26."""
    column = 0
    for letter in letters.upper():
        column = column * 26 + letter - 64
    return column - 1


def _furthest(codes: Bytes, starts: Places) -> tuple[int, int]:
    """The largest row and column, from 1, among references that begin at `starts`."""
    rows = np.zeros(len(starts), dtype=np.int32)
    columns = np.zeros(len(starts), dtype=np.int32)
    is_open = np.ones(len(starts), dtype=bool)
    for step in range(_REFERENCE_LENGTH):
        sign = codes[starts + step].astype(np.int32)
        is_digit, letter = (sign >= 48) & (sign <= 57) & is_open, sign & 0xDF
        is_letter = (letter >= 65) & (letter <= 90) & is_open
        rows = np.where(is_digit, rows * 10 + sign - 48, rows)
        columns = np.where(is_letter, columns * 26 + letter - 64, columns)
        is_open &= is_digit | is_letter
        if not is_open.any():
            break
    if is_open.any():  # a reference that is longer than any can be
        return MAX_ROWS + 1, MAX_COLUMNS + 1
    return int(rows.max()), int(columns.max())
