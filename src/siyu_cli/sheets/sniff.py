"""What a file really is, from its bytes; the suffix is only used to tell the operator it was wrong."""

from __future__ import annotations

import codecs
import hashlib
import re
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr

_BLOCK = 4 << 20
_CLEARLY_NOT = 10_000
"""So many places that are no UTF-8, and hardly any that are, leave no doubt about the rest of a file."""
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = re.compile(rb"\s*(<\?xml|<!doctype|<html|<table|<meta|<head|<!--)", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class FileKind(StrEnum):
    """What the bytes are."""

    XLSX = "xlsx"
    XLS = "xls"
    TEXT = "text"


@dataclass(frozen=True)
class Sniffed:
    """A file's kind, its content hash and, of text, its encoding and how many bytes stand before the text."""

    kind: FileKind
    sha256: str
    size: int
    encoding: str | None = None
    skip: int = 0


def sniff(path: Path) -> Sniffed:
    """What `path` holds. InputRefused for folders, empty, truncated and foreign files."""
    name = path.name
    if path.is_dir():
        raise InputRefused(
            "is-a-folder",
            tr(f"{path} 是文件夹,不是表格文件", f"{path} is a folder, not a spreadsheet"),
            hint=tr(f"写成 {path}/*.xlsx 或列出其中的文件", f"Write {path}/*.xlsx or name the files in it"),
        )
    try:
        with path.open("rb") as file:
            head = file.read(_BLOCK)
    except FileNotFoundError:
        raise InputRefused(
            "file-not-found",
            tr(f"没有这个文件:{path}", f"No such file: {path}"),
            hint=tr("检查路径", "Check the path"),
        ) from None
    except OSError as error:
        raise InputRefused(
            "unreadable-file",
            tr(f"读不了 {path}:{error.strerror}", f"Cannot read {path}: {error.strerror}"),
            hint=tr(
                "检查文件权限,或先关闭打开它的程序",
                "Check permissions, or close the program that has it open",
            ),
        ) from None
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise InputRefused(
            "empty-file",
            tr(f"{name} 是空文件", f"{name} is an empty file"),
            hint=tr("重新下载或重新导出这个文件", "Download or export the file again"),
            where=Where(file=name),
        )
    if head.startswith(_ZIP):
        _check_zip(path)
        return Sniffed(FileKind.XLSX, _hash(path), path.stat().st_size)
    if head.startswith(_OLE):
        _check_ole(head, name)
        return Sniffed(FileKind.XLS, _hash(path), path.stat().st_size)
    return _sniff_text(path, head)


def _check_zip(path: Path) -> None:
    """A workbook is a whole zip with a workbook part in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise InputRefused(
            "broken-workbook",
            tr(f"{path.name} 不完整或已损坏,打不开", f"{path.name} is incomplete or damaged"),
            hint=tr(
                "多半是没有下载完:重新下载,或用 Excel/WPS 打开后另存为 xlsx",
                "Download it again, or re-save it as xlsx",
            ),
            where=Where(file=path.name),
        ) from None
    if not any(name.lower() in ("xl/workbook.xml", "xl/workbook.bin") for name in names):
        raise not_a_workbook(
            path.name, tr("它是压缩包,里面没有工作表", "it is an archive without worksheets")
        )


def _check_ole(head: bytes, name: str) -> None:
    if "EncryptedPackage".encode("utf-16-le") in head:
        raise InputRefused(
            "password-protected",
            tr(f"{name} 有打开密码", f"{name} needs a password to open"),
            hint=tr(
                "用 Excel/WPS 打开,去掉密码后另存", "Open it in Excel or WPS, remove the password and save"
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


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sniff_text(path: Path, head: bytes) -> Sniffed:
    """Text: byte order mark, then strict UTF-8, then GB18030; one pass, which hashes the file as well.

    A file with a few damaged bytes keeps the encoding that fits the rest: UTF-8 decodes as GB18030
    without complaint (into nonsense), so UTF-8 wins unless most of its non-ASCII text is broken.
    """
    encoding, skip = _by_mark(head)
    if encoding is None:
        _refuse_foreign(path, head)
    good = bad = 0
    digest = hashlib.sha256()
    with path.open("rb") as file:
        carry = b""
        while block := file.read(_BLOCK):
            digest.update(block)
            if encoding is not None:
                continue
            block = carry + block
            end = _whole_utf8(block)
            block, carry = block[:end], block[end:]
            good, bad = _count_utf8(block, good, bad)
            if bad > _CLEARLY_NOT and bad > 2 * good:
                encoding = "gb18030"
        if encoding is None:
            good, bad = _count_utf8(carry, good, bad)
            encoding = "utf-8" if bad == 0 or bad < good else "gb18030"
    return Sniffed(FileKind.TEXT, digest.hexdigest(), path.stat().st_size, encoding, skip)


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


def _refuse_foreign(path: Path, head: bytes) -> None:
    """Web pages, PDFs, pictures and the like are named for what they are."""
    if _MARKUP.match(head[:4096]):
        raise not_a_workbook(path.name, tr("里面是网页(HTML/XML)", "it holds a web page (HTML/XML)"))
    for magic, kind in ((b"%PDF", "PDF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"Rar!", "RAR"),
                        (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip")):  # fmt: skip
        if head.startswith(magic):
            raise not_a_workbook(path.name, tr(f"它是 {kind} 文件", f"it is a {kind} file"))
    if len(_BINARY.findall(head[:65536])) > len(head[:65536]) // 50:
        raise not_a_workbook(path.name, tr("里面不是文字", "it does not hold text"))


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
