"""Files written byte by byte: what spreadsheet libraries would not write, but platforms and attackers do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.raw import Source, open_source

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def package(
    *sheets: str,
    names: tuple[str, ...] = (),
    states: tuple[str, ...] = (),
    kinds: tuple[str, ...] = (),
    strings: str = "",
    styles: str = "",
    workbook: str = "",
    prefix: str = "",
    main: str = MAIN,
    relations: str = RELATIONS,
    slash: str = "/",
) -> bytes:
    """An xlsx whose sheets hold the given XML below their root."""
    p = f"{prefix}:" if prefix else ""
    space = f'xmlns{":" + prefix if prefix else ""}="{main}"'
    names = names or tuple(f"表{at}" for at in range(1, len(sheets) + 1))
    listed = related = ""
    parts: dict[str, str] = {}
    for at, content in enumerate(sheets):
        state = f' state="{states[at]}"' if states else ""
        kind = kinds[at] if kinds else "worksheet"
        listed += f'<{p}sheet name="{names[at]}" sheetId="{at + 1}"{state} r:id="r{at}"/>'
        related += f'<Relationship Id="r{at}" Type="{relations}/{kind}" Target="{kind}s/sheet{at}.xml"/>'
        parts[f"xl/{kind}s/sheet{at}.xml"] = f"<{p}{kind} {space}>{content}</{p}{kind}>"
    for part, content in (("sharedStrings", strings), ("styles", styles)):
        if content:
            related += f'<Relationship Id="{part}" Type="{relations}/{part}" Target="{part}.xml"/>'
            parts[f"xl/{part}.xml"] = content
    parts["xl/workbook.xml"] = (
        f'<{p}workbook {space} xmlns:r="{relations}">{workbook}<{p}sheets>{listed}</{p}sheets></{p}workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>'
    )
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" Type="{relations}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    )
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("/", slash), content)
    return buffer.getvalue()


def rows_xml(*rows: str) -> str:
    """`sheetData` of rows given as the XML of their cells."""
    body = "".join(f'<row r="{at}">{cells}</row>' for at, cells in enumerate(rows, start=1))
    return f"<sheetData>{body}</sheetData>"


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


BOOK = """<?xml version="1.0" encoding="{encoding}"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel">{sheets}
</Workbook>"""


def spreadsheetml(*sheets: str, encoding: str = "utf-8") -> bytes:
    """SpreadsheetML 2003; a sheet is the XML of its rows, a hidden one begins with `!`."""
    body = ""
    for at, rows in enumerate(sheets, start=1):
        state = "<x:Visible>SheetHidden</x:Visible>" if rows.startswith("!") else ""
        body += (
            f'<Worksheet ss:Name="表{at}"><Table>{rows.lstrip("!")}</Table>'
            f"<x:WorksheetOptions>{state}</x:WorksheetOptions></Worksheet>"
        )
    return BOOK.format(encoding=encoding, sheets=body).encode(encoding)


def every_cell(path: Path, sheet: str | None = None) -> list[tuple[str, ...]]:
    """All rows of a file's table, the header row with them."""
    source = open_source(path, sheet)
    return walk(source)


def walk(source: Source) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for batch in source.batches(everything()):
        cells: list[list[Any]] = [column.to_pylist() for column in batch.columns]
        assert batch.row_nos.to_pylist() == list(range(len(found) + 1, len(found) + 1 + len(batch.row_nos)))
        found.extend(zip(*cells, strict=True))
    source.close()
    return found


def everything() -> Any:
    """A header above the first row."""
    from siyu_cli.sheets.header import Header

    return Header(0, 0, (), PlatformMapping("测试", "leads", {"phone": ("h0",)}))
