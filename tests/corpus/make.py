"""The corpus: one file for every way a spreadsheet goes wrong, made by script, its expected outcome beside it.

Names follow the rows of the list of hazards (T1 …): `WRITERS[name](path)` writes the file, and
`expected/<name>.json` says, worked out by hand, what importing it must give:

    file      the file's name                     command   the command and its options ({file}, {folder})
    exit      the exit code                       env       environment variables
    totals    counts (those left out are 0)       reasons   reason code → rows, exactly
    notes     note codes that must be there       error     code of the refusal
    net_fen, platform, encoding, sheet            order_ids, phones, names, products: what the store then holds

`python -m tests.corpus.make FOLDER` writes all of it to a folder for use by hand, with a file of each platform,
whose rows and outcome are worked out in `tests/sheets/test_platforms.py`.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

Writer = Callable[[Path], None]
WRITERS: dict[str, Writer] = {}
EXPECTED = Path(__file__).parent / "expected"

HEADER = [
    "订单编号",
    "买家会员名",
    "买家实际支付金额",
    "订单状态",
    "联系手机",
    "订单创建时间",
    "订单付款时间 ",
    "宝贝标题 ",
]
ORDERS = [
    ["4900123456789012345", "小雨", "100.00", "交易成功", "13800138001", "2025-03-01 10:00:00", "2025-03-01 10:05:00", "芒果"],
    ["4900123456789012346", "阿明", "20.50", "交易成功", "13800138002", "2025-03-02 11:00:00", "2025-03-02 11:05:00", "苹果"],
    ["4900123456789012347", "小雨", "30.00", "等待买家付款", "13800138001", "2025-03-03 12:00:00", "", "梨"],
]  # fmt: skip
TABLE = [HEADER, *ORDERS]
LEADS = [["手机号", "姓名"], ["13800138001", "小雨"], ["13800138002", "阿明"], ["13800138003", "老王"]]
Rows = Sequence[Sequence[Any]]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def case(name: str) -> Callable[[Writer], Writer]:
    """Registers the writer of a case."""

    def add(writer: Writer) -> Writer:
        WRITERS[name] = writer
        return writer

    return add


def expected(name: str) -> dict[str, Any]:
    """The outcome worked out for a case."""
    found: dict[str, Any] = json.loads((EXPECTED / f"{name}.json").read_text(encoding="utf-8"))
    return found


def csv_text(rows: Rows, delimiter: str = ",", end: str = "\r\n") -> str:
    """Rows as quoted text where a cell needs quotes."""

    def cell(value: Any) -> str:
        text = str(value)
        return (
            '"' + text.replace('"', '""') + '"'
            if any(sign in text for sign in (delimiter, '"', "\n"))
            else text
        )

    return "".join(delimiter.join(map(cell, row)) + end for row in rows)


def text(rows: Rows, encoding: str = "utf-8", delimiter: str = ",", mark: bytes = b"") -> Writer:
    """A writer of delimited text."""
    return lambda path: path.write_bytes(mark + csv_text(rows, delimiter).encode(encoding)) and None


def workbook(rows: Rows, **sheets: Rows) -> Writer:
    """A writer of an ordinary workbook; further sheets by name."""

    def write(path: Path) -> None:
        import openpyxl

        book = openpyxl.Workbook()
        first = book.active
        assert first is not None
        first.title = "订单"
        for name, content in {"订单": rows, **sheets}.items():
            sheet = first if name == "订单" else book.create_sheet(name)
            for row in content:
                sheet.append(list(row))
        # Whatever the suffix, the bytes are those of a workbook.
        buffer = io.BytesIO()
        book.save(buffer)
        path.write_bytes(buffer.getvalue())

    return write


def letters(number: int) -> str:
    """1 → A, 27 → AA."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def sheet_xml(
    rows: Rows,
    *,
    prefix: str = "",
    namespace: str = MAIN,
    dimension: str = "",
    strings: dict[str, int] | None = None,
) -> str:
    """A worksheet part: inline strings, or indexes of shared ones; a cell may be its own XML (`<c …`)."""
    tag = f"{prefix}:" if prefix else ""
    parts = []
    for row_no, row in enumerate(rows, start=1):
        cells = []
        for column, value in enumerate(row, start=1):
            place = f"{letters(column)}{row_no}"
            if isinstance(value, str) and value.startswith("<c"):
                cells.append(value.replace("<c", f'<{tag}c r="{place}"', 1))
            elif isinstance(value, str) and strings is not None:
                cells.append(
                    f'<{tag}c r="{place}" t="s"><{tag}v>{strings.setdefault(value, len(strings))}</{tag}v></{tag}c>'
                )
            elif isinstance(value, str):
                cells.append(
                    f'<{tag}c r="{place}" t="inlineStr"><{tag}is><{tag}t>{value}</{tag}t></{tag}is></{tag}c>'
                )
            elif value is not None:
                cells.append(f'<{tag}c r="{place}"><{tag}v>{value}</{tag}v></{tag}c>')
        parts.append(f'<{tag}row r="{row_no}">{"".join(cells)}</{tag}row>')
    space = f"xmlns:{prefix}" if prefix else "xmlns"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{tag}worksheet {space}="{namespace}">'
        f"{dimension}<{tag}sheetData>{''.join(parts)}</{tag}sheetData></{tag}worksheet>"
    )


def parts_of(
    sheet: str, *, strings: str = "", styles: str = "", namespace: str = MAIN, workbook_more: str = ""
) -> dict[str, str]:
    """The parts of a minimal workbook with one sheet."""
    kind = "http://purl.oclc.org/ooxml/officeDocument/relationships" if namespace == STRICT else RELATIONS
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    overrides = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relations = f'<Relationship Id="r1" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/>'
    types = (
        f'<Override PartName="/xl/workbook.xml" ContentType="{overrides}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{overrides}.worksheet+xml"/>'
    )
    found = {"xl/worksheets/sheet1.xml": sheet}
    for name, content in (("sharedStrings", strings), ("styles", styles)):
        if content:
            relations += f'<Relationship Id="{name}" Type="{kind}/{name}" Target="{name}.xml"/>'
            types += f'<Override PartName="/xl/{name}.xml" ContentType="{overrides}.{name}+xml"/>'
            found[f"xl/{name}.xml"] = content
    return {
        "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        "_rels/.rels": f'<?xml version="1.0"?><Relationships xmlns="{package}">'
        f'<Relationship Id="r1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{namespace}" xmlns:r="{kind}">{workbook_more}'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<?xml version="1.0"?><Relationships xmlns="{package}">{relations}</Relationships>',
        **found,
    }  # fmt: skip


def zipped(path: Path, parts: dict[str, str | bytes]) -> None:
    """Parts as a deflated archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def raw_workbook(sheet: str, **more: Any) -> Writer:
    """A writer of a workbook from its sheet part."""
    return lambda path: zipped(path, dict(parts_of(sheet, **more)))


# --- containers ---------------------------------------------------------------------------------

HTML = (
    '<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta http-equiv="Content-Type" '
    'content="text/html; charset=gb2312"><style>td{mso-number-format:"\\@"}</style></head><body><table border=1>'
    + "".join(
        "<tr>" + "".join(f"<td style=\"mso-number-format:'\\@'\">{cell}</td>" for cell in row) + "</tr>\r\n"
        for row in TABLE
    )
    + "</table></body></html>"
)
WRITERS["T01-html-named-xls"] = lambda path: path.write_bytes(HTML.encode("gb18030")) and None
WRITERS["T02-gbk-csv-named-xls"] = text(TABLE, "gb18030")
WRITERS["T02-utf16-tsv-named-xls"] = text(TABLE, "utf-16-le", "\t", b"\xff\xfe")
WRITERS["T03-xlsx-named-xls"] = workbook(TABLE)
WRITERS["T03-xlsx-named-csv"] = workbook(TABLE)
WRITERS["T03-csv-named-xlsx"] = text(TABLE)


@case("T04-spreadsheetml-2003")
def _(path: Path) -> None:
    rows = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) + "</Row>"
        for row in TABLE
    )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Worksheet ss:Name="订单"><Table>{rows}</Table></Worksheet></Workbook>',
        encoding="utf-8",
    )


def _biff(path: Path) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("订单")
    for row_no, row in enumerate(TABLE):
        for column, value in enumerate(row):
            sheet.write(row_no, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())


WRITERS["T05-biff-xls"] = WRITERS["T05-wps-et"] = _biff


def _encrypted(path: Path) -> None:
    from msoffcrypto.format.ooxml import OOXMLFile

    plain = io.BytesIO()
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in TABLE:
        sheet.append(row)
    book.save(plain)
    plain.seek(0)
    with path.open("wb") as file:
        OOXMLFile(plain).encrypt("芝麻开门1", file)


for _name in ("T06-password", "T06-password-missing", "T06-password-wrong"):
    WRITERS[_name] = _encrypted
WRITERS["T07-empty"] = lambda path: path.write_bytes(b"") and None


@case("T07-half-downloaded")
def _(path: Path) -> None:
    workbook(TABLE)(path)
    path.write_bytes(path.read_bytes()[:-400])


@case("T07-lock-file")
def _(path: Path) -> None:
    path.write_bytes(b"\x05Amy  " + b" " * 48 + b"\x05\x00A\x00m\x00y\x00" + b" \x00" * 51)


@case("T08-zip-bomb")
def _(path: Path) -> None:
    """600 MB of one shared string in half a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = f'<?xml version="1.0"?><sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>'.encode()
    tail = b"</t></si></sst>"
    block = b"A" * (1 << 20)
    data, crc, size = packer.compress(head), zlib.crc32(head), len(head)
    for _number in range(600):
        data += packer.compress(block)
        crc, size = zlib.crc32(block, crc), size + len(block)
    data += packer.compress(tail) + packer.flush()
    crc, size = zlib.crc32(tail, crc), size + len(tail)
    parts: dict[str, str | bytes] = dict(parts_of(sheet_xml(TABLE, strings={}), strings="x"))
    parts.pop("xl/sharedStrings.xml")
    zipped(path, parts)
    _append_packed(path, "xl/sharedStrings.xml", data, crc, size)


def _append_packed(path: Path, name: str, data: bytes, crc: int, size: int) -> None:
    """Add an entry that is packed already: the bomb need not be unpacked to be written."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.CRC, info.compress_size, info.file_size = crc, len(data), size
        file: Any = archive.fp
        file.seek(archive.start_dir)
        info.header_offset = file.tell()
        file.write(info.FileHeader(False) + data)
        archive.start_dir = file.tell()
        archive.filelist.append(info)
        archive.NameToInfo[name] = info
        archive._didModify = True  # type: ignore[attr-defined]


WRITERS["T09-far-cell"] = raw_workbook(
    f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
    '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'
)
WRITERS["T09-lying-count"] = raw_workbook(
    sheet_xml([['<c t="s"><v>0</v></c>']]),
    strings=f'<?xml version="1.0"?><sst xmlns="{MAIN}" count="9999999999" uniqueCount="9999999999"><si><t>订单编号</t></si></sst>',
)
_BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
WRITERS["T10-entity-bomb"] = raw_workbook(
    sheet_xml([['<c t="s"><v>0</v></c>']]),
    strings=f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a0 "哈哈哈哈">{_BOMB}]><sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>&a9;</t></si></sst>',
)
WRITERS["T10-foreign-entity"] = raw_workbook(
    sheet_xml([['<c t="s"><v>0</v></c>']]),
    strings=f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>&x;</t></si></sst>',
)


@case("T11-million-blank-rows")
def _(path: Path) -> None:
    head = sheet_xml(TABLE).removesuffix("</sheetData></worksheet>")
    blank = "".join(f'<row r="{number}"><c r="A{number}" s="0"/></row>' for number in range(5, 1_048_577))
    zipped(path, dict(parts_of(f"{head}{blank}</sheetData></worksheet>")))


WRITERS["T12-stale-dimension"] = raw_workbook(sheet_xml(TABLE, dimension='<dimension ref="A1"/>'))
WRITERS["T12-strict"] = raw_workbook(sheet_xml(TABLE, namespace=STRICT), namespace=STRICT)
WRITERS["T12-empty-fill"] = raw_workbook(
    sheet_xml(TABLE),
    styles=f'<?xml version="1.0"?><styleSheet xmlns="{MAIN}"><fonts><font/></fonts><fills><fill/></fills>'
    "<borders><border/></borders><cellXfs><xf/></cellXfs></styleSheet>",
)
WRITERS["T12-prefixed"] = raw_workbook(sheet_xml(TABLE, prefix="x"))


def _with_hidden(path: Path, sheet: str | None, rows: Sequence[int]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "隐藏"
    first.append(["别的", "东西"])
    second = book.create_sheet("订单")
    for row in TABLE:
        second.append(row)
    if sheet:
        book[sheet].sheet_state = "hidden"
    else:
        book.remove(first)
    for row_no in rows:
        second.row_dimensions[row_no].hidden = True
    book.save(path)


WRITERS["T13-hidden-sheet"] = lambda path: _with_hidden(path, "隐藏", ())
WRITERS["T13-hidden-rows"] = lambda path: _with_hidden(path, None, (3, 4))

# --- cells, headers, ids ------------------------------------------------------------------------


@case("T20-title-and-total")
def _(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["2024年订单导出"])
    sheet.merge_cells("A1:H1")
    for row in TABLE:
        sheet.append(row)
    sheet.append([])
    sheet.append(["合计", "", "150.50"])
    book.save(path)


WRITERS["T20-header-on-each-page"] = workbook(
    [["2024年订单导出"], HEADER, ORDERS[0], [], ["2024年订单导出"], HEADER, *ORDERS[1:], ["第 2 页"]]
)
WRITERS["T20-two-tables-in-one"] = text(
    [HEADER, ORDERS[0], *([*row[:5], row[6], row[5], row[7]] for row in [HEADER, *ORDERS[1:]])]
)
WRITERS["T21-id-as-number"] = workbook(
    [
        HEADER,
        [490012345678901234, *ORDERS[0][1:]],
        [4.90012e17, *ORDERS[1][1:]],
        [123456789012345, *ORDERS[2][1:]],
    ]
)
_WRAPPED = [
    '="4900123456789012345"',
    "'4900123456789012346",
    "`4900123456789012347",
    "4900123456789012348\t",
    "﻿４９００１２３４５６７８９０１２３４９",
]
WRITERS["T22-wrapped-ids"] = text([HEADER, *([wrapped, *ORDERS[0][1:]] for wrapped in _WRAPPED)], "gb18030")
_PHONES = [
    "13800138000.0",
    "+86 138-0013-8001",
    "008613800138002",
    "１３８００１３８００３",
    "​138\u200e00138004",
    "138 0013 8005",
    "'13800138006",
    "13800138007",
]
WRITERS["T23-phones-in-disguise"] = text([["手机号", "姓名"], *([phone, "甲"] for phone in _PHONES)])
_NO_PHONES = [
    "138****8000",
    "13800138000-1234",
    "1.38001E+10",
    "13800138000/13900139000",
    "12345678901",
    "0571-88888888",
    "",
    "1380013800",
]
WRITERS["T24-no-phones"] = text([["手机号", "姓名"], *([phone, "甲"] for phone in _NO_PHONES)])
WRITERS["T25-names-like-nothing"] = text(
    [
        ["手机号", "姓名"],
        *([f"1380013800{at}", name] for at, name in enumerate(["NA", "null", "None", "nan"])),
    ]
)
WRITERS["T26-numbers-and-blanks"] = workbook(
    [["手机号", "姓名"], [13800138001, "甲"], [None, "乙"], [13800138002.0, "丙"], ["0571123", "丁"]]
)


def _dated(*moments: Any) -> Rows:
    return [
        HEADER,
        *(
            [str(7000 + at), "小雨", "10.00", "交易成功", "", moment, moment, "梨"]
            for at, moment in enumerate(moments)
        ),
    ]


WRITERS["T27-dates"] = workbook(
    _dated(
        45293,
        45293.5,
        "2024年1月5日 3时4分",
        "1704412800000",
        "0000-00-00 00:00:00",
        "01/02/2024",
        60,
        "2025-02-30",
        datetime(2025, 3, 1, 10, 5),
        "2018/5/16 9:41",
    )
)
WRITERS["T27-date1904"] = raw_workbook(sheet_xml(_dated(43831.5)), workbook_more='<workbookPr date1904="1"/>')
WRITERS["T28-amounts"] = text(
    [HEADER, *([str(8000 + at), "小雨", amount, "交易成功", "", *ORDERS[0][5:]] for at, amount in enumerate(
        ["￥1,299.00", "99元", "－5", "１２", "1.2万", "5美元", "¥ 0.10", "abc"]))]
)  # fmt: skip
WRITERS["T29-same-header-twice"] = text(
    [
        ["手机", "手机", "姓名"],
        ["13800138001", "", "甲"],
        ["", "13800138002", "乙"],
        ["13800138003", "13800138004", "丙"],
        ["13800138005", "13800138005", "丁"],
    ]
)
WRITERS["T29-no-header"] = text([row[:] for row in ORDERS])
WRITERS["T29-extra-column"] = text([[*HEADER, "新列"], *([*row, "新"] for row in ORDERS)])
WRITERS["T30-error-cells"] = raw_workbook(
    sheet_xml(
        [
            HEADER,
            ORDERS[0],
            [ORDERS[1][0], "阿明", '<c t="e"><v>#N/A</v></c>', *ORDERS[1][3:]],
            [ORDERS[2][0], "小雨", "<c><f>1+1</f></c>", *ORDERS[2][3:]],
        ]
    )
)

# --- delimited text -----------------------------------------------------------------------------

_RARE = [[*row[:7], "𬭚㐂芒果"] for row in ORDERS]
WRITERS["T40-gb18030-rare-signs"] = text([HEADER, *_RARE], "gb18030")
WRITERS["T40-utf8-mark"] = text(TABLE, mark=b"\xef\xbb\xbf")
WRITERS["T40-utf16-mark"] = text(TABLE, "utf-16-be", mark=b"\xfe\xff")
WRITERS["T40-two-lines-gbk"] = text([["手机号", "姓名"], ["13800138001", "小雨"]], "gbk")


@case("T41-one-bad-byte")
def _(path: Path) -> None:
    lines = csv_text(TABLE).encode("gb18030").split(b"\r\n")
    lines[2] = lines[2].replace("苹果".encode("gb18030"), b"\xff\xff")
    path.write_bytes(b"\r\n".join(lines))


WRITERS["T42-nul"] = lambda path: (
    path.write_bytes(csv_text(TABLE).replace("芒果", "芒\0果").encode()) and None
)
WRITERS["T43-open-quote"] = lambda path: (
    path.write_bytes(csv_text(TABLE).replace("苹果", '"苹果').encode()) and None
)
WRITERS["T44-trailing-commas"] = lambda path: (
    path.write_bytes(
        (",".join(HEADER) + "\r\n" + "".join(",".join(row) + ",\r\n" for row in ORDERS)).encode()
    )
    and None
)
WRITERS["T45-line-break-in-cell"] = text([HEADER, [*ORDERS[0][:7], "芒果\n大箱"], *ORDERS[1:]])
WRITERS["T45-over-long-cell"] = text([HEADER, [*ORDERS[0][:7], "长" * 200_000], *ORDERS[1:]])
for _word, _sign in (
    ("comma", ","),
    ("semicolon", ";"),
    ("tab", "\t"),
    ("bar", "|"),
    ("fullwidth-comma", "，"),
):
    WRITERS[f"T46-{_word}"] = text(TABLE, delimiter=_sign)


def write_platforms(folder: Path) -> None:
    """An export of each platform in its own disguise, its expected counts beside it."""
    from tests.sheets.test_platforms import CASES

    for platform in CASES:
        place = folder / f"平台-{platform.header}"
        place.mkdir(parents=True, exist_ok=True)
        path = platform.make(place)
        refused = [*platform.rejected, *platform.late]
        outcome = {
            "file": path.name,
            "command": ["import-orders", "{file}"],
            "exit": 4 if refused else 0,
            "totals": {
                "read": len(platform.rows),
                "new": len(platform.rows) - len(refused),
                "rejected": len(refused),
            },
            "rejected": refused,
            "net_fen": platform.net_fen,
            "orders": platform.orders,
            "customers": platform.customers,
        }
        _write_outcome(place, outcome)


def _write_outcome(folder: Path, outcome: dict[str, Any]) -> None:
    text = json.dumps(outcome, ensure_ascii=False, indent=2) + "\n"
    (folder / "expected.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Write every file and its expected outcome to the folder given."""
    folder = Path(sys.argv[1])
    for name, write in WRITERS.items():
        outcome = expected(name)
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        write(place / outcome["file"])
        _write_outcome(place, outcome)
    write_platforms(folder)


if __name__ == "__main__":
    main()
