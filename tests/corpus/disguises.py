"""One table in many disguises: containers, encodings, wrappers, spellings. The facts in it stay the same."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from hypothesis import strategies as st

from tests.corpus.make import csv_text

Rows = list[list[str]]


@dataclass(frozen=True)
class Sale:
    """What a row says: the facts that every disguise must give back."""

    order_id: str
    buyer: str
    fen: int
    paid_sec: int
    phone: str
    product: str


HEADER = ["订单号", "买家", "实付金额", "付款时间", "手机号", "商品"]
_LETTERS = '芒果苹梨桃海南箱ABxyz127,;|"、。&<>'
_FIRST = "芒果苹梨桃ABxyz"
products = st.builds("".join, st.tuples(st.sampled_from(_FIRST), st.text(_LETTERS, max_size=8)))
sales = st.builds(
    Sale,
    order_id=st.integers(10**18, 10**18 + 40).map(str),
    buyer=st.sampled_from(["小雨", "阿明", "老王", "buyer-7"]),
    fen=st.integers(1, 9_999_999),
    paid_sec=st.integers(1_546_300_800, 1_767_225_599),
    phone=st.integers(13_000_000_000, 19_999_999_999).map(str),
    product=products,
)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _grouped(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _moment(pattern: str) -> Callable[[int], str]:
    return lambda seconds: datetime.fromtimestamp(seconds, UTC).strftime(pattern)


IDS: list[Callable[[str], str]] = [
    str,
    '="{}"'.format,
    "'{}".format,
    "\t{}".format,
    "{}\t".format,
    "\u200b{}".format,
    _wide,
]
AMOUNTS: list[Callable[[int], str]] = [
    _yuan, lambda fen: f"¥{_grouped(fen)}", lambda fen: f"￥{_yuan(fen)}", lambda fen: f"{_yuan(fen)}元",
    lambda fen: _wide(_yuan(fen)), lambda fen: f" {_grouped(fen)} ",
]  # fmt: skip
MOMENTS: list[Callable[[int], str]] = [
    _moment("%Y-%m-%d %H:%M:%S"), _moment("%Y/%m/%d %H:%M:%S"), _moment("%Y年%m月%d日 %H时%M分%S秒"),
    _moment("%Y%m%d%H%M%S"), _moment("%Y.%m.%d %H:%M:%S"), lambda seconds: str(seconds - 8 * 3600),
]  # fmt: skip
PHONES: list[Callable[[str], str]] = [str, "'{}".format, "+86 {}".format, "{}.0".format, _wide, lambda phone: f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"]  # fmt: skip


def _html(path: Path, rows: Rows) -> None:
    cells = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    path.write_text(
        f'<html><head><meta charset="utf-8"></head><body><table>{cells}</table></body></html>',
        encoding="utf-8",
    )


def _spreadsheetml(path: Path, rows: Rows) -> None:
    body = "".join(
        "<Row>"
        + "".join(f'<Cell><Data ss:Type="String">{escape(cell)}</Data></Cell>' for cell in row)
        + "</Row>"
        for row in rows
    )
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    path.write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="a"><Table>{body}</Table></Worksheet></Workbook>',
        encoding="utf-8",
    )


def _xlsx(path: Path, rows: Rows) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row_no, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(row_no, column)
            cell.value, cell.data_type = value, "s"
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())


def _xls(path: Path, rows: Rows) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    for row_no, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(row_no, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())


def _text(encoding: str, mark: bytes, delimiter: str, end: str) -> Callable[[Path, Rows], None]:
    return lambda path, rows: (
        path.write_bytes(mark + csv_text(rows, delimiter, end).encode(encoding)) and None
    )


CONTAINERS: list[Callable[[Path, Rows], None]] = [
    *(_text(encoding, mark, delimiter, end)
      for encoding, mark in (("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("gb18030", b""), ("utf-16-le", b"\xff\xfe"))
      for delimiter, end in ((",", "\r\n"), ("\t", "\n"), (";", "\r"))),
    _xlsx, _xls, _html, _spreadsheetml,
]  # fmt: skip


@dataclass(frozen=True)
class Disguise:
    """How a table looks; `write` puts it on."""

    write_rows: Callable[[Path, Rows], None]
    order_id: Callable[[str], str]
    amount: Callable[[int], str]
    moment: Callable[[int], str]
    phone: Callable[[str], str]
    header_tail: str
    title: bool
    total: bool
    suffix: str
    shift: int
    pages: int

    @property
    def blank(self) -> int:
        """The rows that say nothing."""
        return self.total + self.pages * (1 + self.title)

    def write(self, path: Path, rows: Sequence[Sale]) -> Path:
        """The file; its columns stand in another order, its suffix says nothing."""
        turn = [*range(self.shift, len(HEADER)), *range(self.shift)]
        cells = [
            [
                self.order_id(row.order_id),
                row.buyer,
                self.amount(row.fen),
                self.moment(row.paid_sec),
                self.phone(row.phone),
                row.product,
            ]
            for row in rows
        ]
        header, *table = [
            [row[at] for at in turn] for row in ([name + self.header_tail for name in HEADER], *cells)
        ]
        top = [["三月订单导出", *[""] * (len(HEADER) - 1)]] * self.title + [header]
        for page in range(self.pages):
            at = (page + 1) * len(table) // (self.pages + 1)
            table[at:at] = top
        table = top + table
        if self.total:
            table.append(["合计", *[""] * (len(HEADER) - 1)])
        path = path.with_suffix(self.suffix)
        self.write_rows(path, table)
        return path


disguises = st.builds(
    Disguise,
    st.sampled_from(CONTAINERS), st.sampled_from(IDS), st.sampled_from(AMOUNTS), st.sampled_from(MOMENTS),
    st.sampled_from(PHONES), st.sampled_from(["", " ", "\t", "\u200b"]), st.booleans(), st.booleans(),
    st.sampled_from([".csv", ".xls", ".xlsx", ".txt"]), st.integers(0, len(HEADER) - 1),
    st.integers(0, 2),
)  # fmt: skip
