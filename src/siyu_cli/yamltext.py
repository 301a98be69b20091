"""From the bytes of a YAML file to its text: UTF-8 and nothing invisible, else a sentence of its own."""

from __future__ import annotations

import re

from siyu_cli.language import tr

MAX_BYTES = 1_000_000
# Editors do not show these, and YAML parsers disagree whether some of them end a line.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ufffe\uffff]")
_HANZI = re.compile("[\u4e00-\u9fff]")


class TextProblem(Exception):
    """What is wrong with a text and where; line and column count from 1."""

    def __init__(self, code: str, line: int, column: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.line, self.column, self.message, self.hint = code, line, column, message, hint


def text_of(raw: bytes) -> str:
    """The text without a byte order mark, `\\n` at every line end; TextProblem where it is no YAML text."""
    if len(raw) > MAX_BYTES:
        message = tr(
            f"文件有 {len(raw) / 1e6:.1f} MB,最多 1 MB", f"The file has {len(raw) / 1e6:.1f} MB, at most 1 MB"
        )
        raise TextProblem("E101", 1, 1, message, tr("分成几个文件", "Split it into several files"))
    if is_utf16(raw):
        raise TextProblem(
            "E101", 1, 1, tr("这是 UTF-16 文件,要 UTF-8", "This is UTF-16, not UTF-8"), _resave()
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(raw, error.start) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := _INVISIBLE.search(text):
        line, column = place_of(text, found.start())
        raise TextProblem("E101", line, column, *_invisible(found[0]))
    return text


def place_of(text: str, index: int) -> tuple[int, int]:
    """Line and column of a character, counted from 1."""
    before = text[:index]
    return before.count("\n") + 1, index - before.rfind("\n")


def is_utf16(raw: bytes) -> bool:
    """Whether bytes begin with the mark of UTF-16, or NULs stand among them by twos."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    zeros = [index % 2 for index, byte in enumerate(raw[:64]) if byte == 0]
    return len(zeros) * 10 > len(raw[:64]) and len(set(zeros)) == 1 and len(zeros) > 1


def looks_like_gbk(raw: bytes) -> bool:
    """Whether bytes that are no UTF-8 read as Chinese in GBK: mostly common characters, nothing unassigned."""
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    high = [ch for ch in text if ord(ch) > 0x7F]
    return sum(bool(_HANZI.match(ch)) or ch in "，。：、「」（）《》“”！？—…·　" for ch in high) * 2 > len(
        high
    )


def _not_utf8(raw: bytes, start: int) -> TextProblem:
    before = raw[:start].decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    line, column = place_of(before, len(before))
    if looks_like_gbk(raw):
        message = tr("这个文件像是 GBK 编码,要 UTF-8", "This file looks like GBK, it must be UTF-8")
    else:
        message = tr(
            f"不是 UTF-8 文本:这里有字节 {raw[start]:02X}", f"Not UTF-8 text: here is byte {raw[start]:02X}"
        )
    return TextProblem("E101", line, column, message, _resave())


def _resave() -> str:
    return tr(
        "用 siyu check-rules --to-utf8 改存,或在编辑器里另存为 UTF-8(记事本里选「UTF-8」)",
        "Convert it with siyu check-rules --to-utf8, or save it as UTF-8 in your editor",
    )


def _invisible(char: str) -> tuple[str, str]:
    if char == "\0":
        return tr("这里有空字节(NUL),文件多半损坏了", "Here is a NUL byte, the file is probably damaged"), tr(
            "从备份里找回,或删掉这个字节", "Restore it from a backup, or delete the byte"
        )
    name = f"U+{ord(char):04X}"
    return tr(f"这里有看不见的字符 {name}", f"Here is the invisible character {name}"), tr(
        "多半是从网页或聊天里粘来的,删掉它", "Probably pasted from a web page or chat: delete it"
    )
