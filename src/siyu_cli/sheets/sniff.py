"""What a file really is, from its bytes; the suffix is only used to tell the operator it was wrong."""

from __future__ import annotations

import codecs
import hashlib
import re
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader
from pathlib import Path

from siyu_cli.errors import InputRefused, Where, system_words
from siyu_cli.language import tr

_BLOCK = 4 << 20
_CLEARLY_NOT = 10_000
"""So many places that are no UTF-8, and hardly any that are, leave no doubt about the rest of a file."""
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROLOG = re.compile(
    r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^<>\[]*(?:\[.*?\]\s*)?>)*+<([a-z][\w.-]*:)?([a-z][\w.-]*)",
    re.I | re.S,
)
"""What may stand before the first element of a page or an XML file, and that element's name. It never goes back
over what it matched: a prolog of thousands of comments would otherwise take for ever to be refused."""
_PAGE = frozenset(
    {"html", "head", "meta", "title", "style", "link", "script", "body", "center", "div", "span", "p", "br", "font",
     "b", "table", "caption", "colgroup", "thead", "tbody", "tr", "td", "th"}
)  # fmt: skip
"""First elements of what platforms call .xls: whole pages, and tables without a page around them."""
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_FOREIGN = (
    (b"%PDF", "PDF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM\x36", "BMP"), (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"SQLite format 3", "SQLite"), (b"PAR1", "Parquet"), (b"{\\rtf", "RTF"), (b"MIME-Version:", "MHTML"),
)  # fmt: skip


class FileKind(StrEnum):
    """What the bytes are. ZIP is an archive that is no workbook; ENCRYPTED a workbook that needs a password."""

    XLSX = "xlsx"
    XLS = "xls"
    SPREADSHEETML = "spreadsheetml"
    HTML = "html"
    TEXT = "text"
    ZIP = "zip"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True)
class Sniffed:
    """A file's kind and, of text of any sort, its encoding and how many bytes stand before it."""

    kind: FileKind
    size: int
    encoding: str | None = None
    skip: int = 0


def sniff(path: Path) -> Sniffed:
    """What `path` holds. InputRefused for folders, lock files, empty, truncated and foreign files."""
    name = path.name
    if path.is_dir():
        raise InputRefused(
            "is-a-folder",
            tr(f"{path} 是文件夹,不是表格文件", f"{path} is a folder, not a spreadsheet"),
            hint=tr(f"写成 {path}/*.xlsx 或列出其中的文件", f"Write {path}/*.xlsx or name the files in it"),
        )
    if name.startswith(("~$", ".~")):
        raise InputRefused(
            "lock-file",
            tr(
                f"{name} 是 Excel/WPS 打开表格时的临时文件,里面没有表格",
                f"{name} is the lock file of an open workbook, it holds no table",
            ),
            hint=tr(f"改用 {name[2:]};正在编辑的话先保存并关闭", f"Use {name[2:]}; save and close it first"),
            where=Where(file=name),
        )
    with _readable(path), path.open("rb") as file:
        head = file.read(_BLOCK)
        file.seek(0)
        return _sniff(file, head, name)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in words why a file cannot be read."""
    try:
        yield
    except FileNotFoundError:
        raise InputRefused(
            "file-not-found",
            tr(f"没有这个文件:{path}", f"No such file: {path}"),
            hint=tr("检查路径", "Check the path"),
        ) from None
    except OSError as error:
        raise InputRefused(
            "unreadable-file",
            tr(f"读不了 {path}:{system_words(error)}", f"Cannot read {path}: {system_words(error)}"),
            hint=tr(
                "检查文件权限,或先关闭打开它的程序",
                "Check permissions, or close the program that has it open",
            ),
        ) from None


def sha256_of(path: Path) -> str:
    """What tells the content of a file from any other."""
    with _readable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def needs_password(path: Path) -> bool:
    """True when `path` is a workbook that opens only with a password."""
    return sniff(path).kind is FileKind.ENCRYPTED


def _sniff(file: BufferedReader, head: bytes, name: str) -> Sniffed:
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise InputRefused(
            "empty-file",
            tr(f"{name} 是空文件", f"{name} is an empty file"),
            hint=tr("重新下载或重新导出这个文件", "Download or export the file again"),
            where=Where(file=name),
        )
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return Sniffed(_zip_kind(file, name), file.seek(0, 2))
    if head.startswith(_OLE):
        return Sniffed(_ole_kind(file, name), file.seek(0, 2))
    return _sniff_text(file, head, name)


def incomplete(name: str) -> InputRefused:
    """The refusal of a container whose end is missing or whose inside is damaged."""
    return InputRefused(
        "broken-workbook",
        tr(f"{name} 文件不完整或已损坏,打不开", f"{name} is incomplete or damaged"),
        hint=tr(
            "多半是没有下载完:重新下载,或用 Excel/WPS 打开后另存为 xlsx",
            "Download it again, or re-save it as xlsx",
        ),
        where=Where(file=name),
    )


def not_a_workbook(name: str, why: str) -> InputRefused:
    """The refusal of a file that is no spreadsheet at all."""
    return InputRefused(
        "not-a-spreadsheet",
        tr(f"{name} 不是表格文件:{why}", f"{name} is no spreadsheet: {why}"),
        hint=tr("用 Excel/WPS 打开后另存为 xlsx,或从平台重新导出", "Re-save it as xlsx, or export it again"),
        where=Where(file=name),
    )


def password_protected(name: str) -> InputRefused:
    """The refusal of a workbook that was not unlocked before it came here."""
    return InputRefused(
        "password-protected",
        tr(f"{name} 有打开密码", f"{name} needs a password to open"),
        hint=tr("用 Excel/WPS 打开,去掉密码后另存", "Open it in Excel or WPS, remove the password and save"),
        where=Where(file=name),
    )


def _zip_kind(file: BufferedReader, name: str) -> FileKind:
    """A workbook is a whole zip with a workbook part in it; other office files are named for what they are."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = {part_key(entry) for entry in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        raise incomplete(name) from None
    if "xl/workbook.xml" in names:
        return FileKind.XLSX
    for part, kind in (
        ("xl/workbook.bin", tr("xlsb(二进制工作簿)", "xlsb (binary workbook)")),
        ("meta-inf/manifest.xml", "OpenDocument(ods)"),
        ("index/document.iwa", "Apple Numbers"),
    ):
        if part in names:
            raise _other_spreadsheet(name, kind)
    for part, kind in (("word/document.xml", "Word"), ("ppt/presentation.xml", "PowerPoint")):
        if part in names:
            raise not_a_workbook(name, tr(f"它是 {kind} 文件", f"it is a {kind} file"))
    return FileKind.ZIP


def _other_spreadsheet(name: str, kind: str) -> InputRefused:
    """The refusal of spreadsheets whose errors and hidden rows nobody could tell: better saved in another format."""
    return InputRefused(
        "not-a-spreadsheet",
        tr(f"{name} 是 {kind} 格式,siyu 不读", f"{name} is of the kind {kind}, which siyu does not read"),
        hint=tr(
            "用做它的软件打开(Excel、WPS、LibreOffice、Numbers),另存或导出为 xlsx,再导入",
            "Open it in the program that made it (Excel, WPS, LibreOffice, Numbers), save or export it as xlsx, import that",
        ),
        where=Where(file=name),
    )


def part_key(name: str) -> str:
    """The name of a zip entry as parts are looked up: some writers put backslashes or other cases."""
    return name.replace("\\", "/").lstrip("/").lower()


def _ole_kind(file: BufferedReader, name: str) -> FileKind:
    """BIFF workbooks (xls, et) and password containers; other office files are named for what they are."""
    from siyu_cli.sheets.biff import has_file_password, ole_streams

    streams = ole_streams(file, name)
    if "encryptedpackage" in streams:
        return FileKind.ENCRYPTED
    if streams & {"workbook", "book"}:
        return FileKind.ENCRYPTED if has_file_password(file, name) else FileKind.XLS
    kind = "Word" if "worddocument" in streams else "PowerPoint" if "powerpoint document" in streams else ""
    raise not_a_workbook(
        name,
        tr(f"它是 {kind} 文件", f"it is a {kind} file")
        if kind
        else tr("里面没有工作表", "there is no worksheet in it"),
    )


def _sniff_text(file: BufferedReader, head: bytes, name: str) -> Sniffed:
    """Text: byte order mark, then strict UTF-8, then GB18030; read as far as leaves a doubt.

    A file with a few damaged bytes keeps the encoding that fits the rest: UTF-8 decodes as GB18030
    without complaint (into nonsense), so UTF-8 wins unless most of its non-ASCII text is broken.
    A page says its encoding itself, but is believed only where it is no UTF-8: many say so wrongly.
    """
    encoding, skip = _by_mark(head)
    if encoding is None:
        _refuse_foreign(name, head)
    good = bad = 0
    carry = b""
    while encoding is None and (block := file.read(_BLOCK)):
        block = carry + block
        end = _whole_utf8(block)
        block, carry = block[:end], block[end:]
        good, bad = _count_utf8(block, good, bad)
        if bad > _CLEARLY_NOT and bad > 2 * good:
            encoding = "gb18030"
    if encoding is None:
        good, bad = _count_utf8(carry, good, bad)
        encoding = "utf-8" if bad == 0 or bad < good else "gb18030"
    kind = _markup_kind(head[skip : skip + 65536].decode(encoding, "replace"), name)
    if kind is not FileKind.TEXT and encoding == "gb18030":
        encoding = _declared(head[:4096]) or encoding
    return Sniffed(kind, file.seek(0, 2), encoding, skip)


def _markup_kind(text: str, name: str) -> FileKind:
    """Whether text is a web page, SpreadsheetML 2003 or plain; other XML is refused."""
    if not text.lstrip().startswith("<"):
        return FileKind.TEXT
    first = _PROLOG.match(text)
    root = first[2].lower() if first else ""
    if root == "workbook" and "urn:schemas-microsoft-com:office:spreadsheet" in text:
        return FileKind.SPREADSHEETML
    if root in _PAGE:
        return FileKind.HTML
    if text.lstrip().startswith(("<?xml", "<!")):
        raise not_a_workbook(
            name, tr("里面是别的 XML,没有工作表", "it holds some other XML without worksheets")
        )
    return FileKind.TEXT


def _declared(head: bytes) -> str | None:
    """The charset a page or XML file names, where it is one that is not tried anyway."""
    named = _CHARSET.search(head)
    if named is None:
        return None
    try:
        info = codecs.lookup(named[1].decode("ascii"))
    except (LookupError, UnicodeDecodeError, ValueError):
        return None
    is_text = info._is_text_encoding
    known = info.name in ("utf-8", "utf-16", "utf-7", "gb2312", "gbk", "gb18030", "hz", "ascii")
    return info.name if is_text and not known else None


def _by_mark(head: bytes) -> tuple[str | None, int]:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    sample = head[:4096]
    zeros = sample.count(0)
    if zeros > len(sample) // 4:
        return ("utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"), 0
    return None, 0


def _refuse_foreign(name: str, head: bytes) -> None:
    """PDFs, pictures and the like are named for what they are."""
    for magic, kind in _FOREIGN:
        if head.startswith(magic):
            raise not_a_workbook(name, tr(f"它是 {kind} 文件", f"it is a {kind} file"))
    if len(_BINARY.findall(head[:65536])) > len(head[:65536]) // 50:
        raise not_a_workbook(name, tr("里面不是文字", "it does not hold text"))


def _whole_utf8(block: bytes) -> int:
    """Where to cut so that no UTF-8 sequence is split: before a lead byte among the last three bytes."""
    for back in range(1, min(4, len(block)) + 1):
        byte = block[-back]
        if byte < 0x80:
            return len(block)
        if byte >= 0xC0:
            return len(block) - back
    return len(block)


def _count_utf8(block: bytes, good: int, bad: int) -> tuple[int, int]:
    """Non-ASCII signs of a block that are valid UTF-8, and places where it is not."""
    if block.isascii():
        return good, bad
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        text = block.decode("utf-8", "replace")
        damaged = text.count("\ufffd")
        return good + _count_beyond_ascii(text) - damaged, bad + damaged
    return good + _count_beyond_ascii(text), bad


def _count_beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))
