"""Writes the seeds: one small file of each kind and of each trick. Run again when a reader learns something new."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.sheets.makers import xls
from tests.sheets.raw_files import STRICT_MAIN, STRICT_RELATIONS, package, rows_xml, spreadsheetml, text_cell

TABLE = '订单号,手机号,金额\nA1,13800138000,1.50\n"A\n2",\'13800138001,"2,000"\n合计,,3\n'
CELLS = [["订单号", "时间", "金额"], ["A1", datetime(2025, 1, 1, 2, 3, 4), 1.5], [4.9e17, None, True]]
SHEET = rows_xml(
    text_cell("A1", "订单号") + text_cell("B1", "金额"),
    '<c r="A2" t="s"><v>0</v></c><c r="B2" t="e"><v>#N/A</v></c><c r="C2"><f>1</f></c>',
    '<c r="A3"><v>490012345678901234</v></c><c r="B3" t="b"><v>1</v></c><c r="C3" t="d"><v>2024-01-02</v></c>',
)
STRINGS = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1" uniqueCount="1"><si><t>A1</t></si></sst>'
FAR = '<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
PAGE = "<html><meta charset=gb2312><table><tr><td colspan=2>甲<br>乙<td rowspan=2>1<tr><td>a&amp;b<td>2</table></html>"
BOOK = '<Row><Cell><Data ss:Type="String">甲</Data></Cell></Row><Row ss:Index="3"><Cell ss:Index="2"><Data ss:Type="Number">1</Data></Cell></Row>'


def write_seeds(folder: Path) -> None:
    """All seeds, the readable ones named good-…"""
    folder.mkdir(parents=True, exist_ok=True)
    old = xls(folder / "good-xls.xls", CELLS).read_bytes()
    whole = package(SHEET, strings=STRINGS)
    # Its directory begins before the file does.
    shifted = bytearray(whole)
    place = whole.rindex(b"PK\x05\x06") + 16
    shifted[place : place + 4] = (int.from_bytes(whole[place : place + 4], "little") + 60).to_bytes(
        4, "little"
    )
    seeds = {
        "good-csv.csv": TABLE.encode("utf-8-sig"),
        "good-gb18030.csv": TABLE.encode("gb18030"),
        "good-tsv-utf16.xls": TABLE.replace(",", "\t").encode("utf-16"),
        "good-xlsx.xlsx": whole,
        "good-xlsx-strict.xlsx": package(
            SHEET, strings=STRINGS, main=STRICT_MAIN, relations=STRICT_RELATIONS
        ),
        "good-xlsx-prefixed.xlsx": package(
            '<x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row><x:row><x:c t="e"><x:v>#REF!</x:v></x:c></x:row></x:sheetData>',
            prefix="x",
        ),
        "good-html.xls": PAGE.encode("gb18030"),
        "good-spreadsheetml.xls": spreadsheetml(BOOK),
        "far.xlsx": package(FAR),
        "count.xlsx": package(SHEET, strings=STRINGS.replace('uniqueCount="1"', 'uniqueCount="9999999999"')),
        "entities.xlsx": package(SHEET, strings='<!DOCTYPE sst [<!ENTITY a "b">]>' + STRINGS),
        "cut.xlsx": whole[: len(whole) // 2],
        "cut.xls": old[: len(old) // 2],
        "shifted.xlsx": bytes(shifted),
        "quote.csv": b'a,b\n1,"x\n2,3\n',
        "nul.csv": b"a,b\n1\x00,2\n\xff\xfe,3\n",
        "empty.csv": b"",
    }
    for name, content in seeds.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write_seeds(Path(__file__).parent / "seeds")
