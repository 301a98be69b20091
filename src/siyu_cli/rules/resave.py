"""A rule file in another encoding rewritten as UTF-8; the old bytes stay beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from siyu_cli.errors import InputRefused
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.yamlfile import bytes_of
from siyu_cli.yamltext import is_utf16, looks_like_gbk


@dataclass(frozen=True)
class Resaved:
    """What a file was, and where its old bytes are; `backup` is None where it was UTF-8 already."""

    path: Path
    encoding: str
    backup: Path | None


def save_as_utf8(path: Path) -> Resaved:
    """Rewrite a file of UTF-16 or GBK; one of UTF-8 is left alone, InputRefused for anything else."""
    raw = bytes_of(path, str(path))
    encoding = _encoding_of(raw)
    if encoding is None:
        message = tr(
            f"认不出 {path} 的编码,不像 UTF-16 或 GBK",
            f"Cannot tell the encoding of {path}: not UTF-16, not GBK",
        )
        hint = tr("用编辑器打开看看,再另存为 UTF-8", "Open it in an editor and save it as UTF-8")
        raise InputRefused("unknown-encoding", message, hint=hint)
    if encoding == "utf-8":
        return Resaved(path, encoding, None)
    backup = _free_name(path)
    with replacing(backup) as temporary:
        temporary.write_bytes(raw)
    with replacing(path) as temporary:
        temporary.write_bytes(raw.decode(encoding).removeprefix("\ufeff").encode())
    return Resaved(path, encoding, backup)


def _encoding_of(raw: bytes) -> str | None:
    """The encoding that a whole file reads in, or None."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        wanted = ["utf-16"]
    elif is_utf16(raw):
        wanted = ["utf-16-be" if raw[0] == 0 else "utf-16-le"]
    else:
        wanted = ["utf-8", *(["gb18030"] if looks_like_gbk(raw) else [])]
    for encoding in wanted:
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _free_name(path: Path) -> Path:
    """A name for the backup that no file has and no rule file ends in."""
    number = 1
    while (backup := path.with_name(f"{path.name}.bak{number if number > 1 else ''}")).exists():
        number += 1
    return backup
