"""A table as a platform writes it: columns of text, then CSV or XLSX, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from siyu_cli.files import replacing

_CHUNK_ROWS = 50_000
# Sheets end at 1,048,576 rows; smaller files also open faster.
MAX_SHEET_ROWS = 400_000
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The parts of a workbook around its one sheet.
_FRAME = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">'
    '<sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
_SHEET_START = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'
_SHEET_END = "</sheetData></worksheet>"


@dataclass(frozen=True)
class Sheet:
    """Header and filled columns by position; a column is one text for all rows or a pyarrow string array."""

    name: str
    header: Sequence[str]
    columns: dict[int, Any]
    rows: int


def write_csv(path: Path, sheet: Sheet, encoding: str) -> None:
    """CRLF lines, filled cells quoted, in chunks."""
    import pyarrow.compute as pc

    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write((",".join(sheet.header) + "\r\n").encode(encoding))
        for start in range(0, sheet.rows, _CHUNK_ROWS):
            stop = min(start + _CHUNK_ROWS, sheet.rows)
            cells = [
                _quoted(sheet.columns[position], start, stop) if position in sheet.columns else ""
                for position in range(len(sheet.header))
            ]
            lines = pc.binary_join_element_wise(*cells, ",")
            file.write(("\r\n".join(lines.to_pylist()) + "\r\n").encode(encoding))


def _quoted(column: Any, start: int, stop: int) -> Any:
    import pyarrow.compute as pc

    if isinstance(column, str):
        return f'"{column}"' if column else ""
    part = pc.replace_substring(column[start:stop], '"', '""')
    return pc.if_else(pc.equal(part, ""), "", pc.binary_join_element_wise('"', part, '"', ""))


def write_xlsx(path: Path, sheet: Sheet) -> None:
    """One sheet of text cells, made column by column: a platform's workbook is plain and may be long.

    The bytes depend on the cells alone: no clock, no library version but zlib's.
    """
    with replacing(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
        for name, text in _FRAME.items():
            archive.writestr(_part(name), text.replace("{name}", sheet.name))
        with archive.open(_part("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as file:
            file.write(_SHEET_START.encode())
            header = table(sheet.name, sheet.header, [tuple(sheet.header)])
            file.write(_xml_rows(header, 0, 1, first_row=1))
            for start in range(0, sheet.rows, _CHUNK_ROWS):
                file.write(_xml_rows(sheet, start, min(start + _CHUNK_ROWS, sheet.rows), first_row=start + 2))
            file.write(_SHEET_END.encode())


def _part(name: str) -> ZipInfo:
    part = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    part.compress_type = ZIP_DEFLATED
    part.create_system = 3
    part.external_attr = 0o600 << 16
    return part


def _xml_rows(sheet: Sheet, start: int, stop: int, *, first_row: int) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pa.array(range(first_row, first_row + stop - start)).cast(pa.string())
    cells = [
        _xml_cells(column if isinstance(column, str) else column[start:stop], _letters(position), numbers)
        for position, column in sorted(sheet.columns.items())
    ]
    lines = pc.binary_join_element_wise('<row r="', numbers, '">', *cells, "</row>", "")
    return "".join(lines.to_pylist()).encode()


def _xml_cells(column: Any, letters: str, numbers: Any) -> Any:
    """Inline text cells; an empty text is no cell at all."""
    import pyarrow.compute as pc

    text = column
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = (
            text.replace(sign, entity) if isinstance(text, str) else pc.replace_substring(text, sign, entity)
        )
    opened = f'<c r="{letters}', numbers, '" t="inlineStr"><is><t>'
    cells = pc.binary_join_element_wise(*opened, text, "</t></is></c>", "")
    return pc.if_else(pc.equal(text, ""), "", cells)


def _letters(position: int) -> str:
    """Column letters of a position from 0: A, B, … Z, AA."""
    left, last = divmod(position, 26)
    return (_letters(left - 1) if left else "") + chr(ord("A") + last)


def table(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Sheet:
    """A small sheet from rows of text."""
    import pyarrow as pa

    columns = {at: pa.array([row[at] for row in rows], pa.string()) for at in range(len(header))}
    return Sheet(name, header, columns, len(rows))
