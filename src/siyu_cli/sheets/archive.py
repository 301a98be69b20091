"""Zip archives of exports: their members, unpacked into a private folder within fixed limits."""

from __future__ import annotations

import re
import shutil
import struct
import zipfile
import zlib
from datetime import datetime, tzinfo
from os import utime
from pathlib import Path, PurePosixPath
from typing import Any

from siyu_cli.errors import InputRefused, Where
from siyu_cli.files import Skipped, reason_to_skip
from siyu_cli.language import tr
from siyu_cli.sheets.unlock import Passwords
from siyu_cli.words import file_stem, strip_control

_MOST_ENTRIES = 2_000
_MOST_BYTES = 4 << 30
"""What the members may hold together; zipfile stops a member at the size the archive declares for it."""
_MOST_RATIO = 200
_SMALL = 16 << 20
"""Below this size a high ratio says nothing: a short list of equal rows shrinks a lot."""
_IS_UTF8, _IS_LOCKED = 0x800, 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, IndexError, KeyError)


def unpack(
    path: Path, name: str, folder: Path, passwords: Passwords, tz: tzinfo
) -> tuple[list[tuple[Path, str]], list[Skipped]]:
    """The spreadsheets in an archive: (unpacked file, `七月.zip/订单.csv`) each, and the members left out.

    Nothing is written but below `folder`, whatever the members are called. InputRefused for archives
    beyond the limits, damaged ones, archives in archives, and where no password fits.
    """
    found: list[tuple[Path, str]] = []
    skipped: list[Skipped] = []
    with _open(path, name) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        _check(members, path, name)
        for number, info in enumerate(members):
            member = member_name(info)
            shown = f"{name}/{member}"
            reason = _reason_to_skip(member) or (None if info.file_size else "empty-file")
            if reason:
                skipped.append(Skipped(shown, reason))
                continue
            if member.lower().endswith(".zip"):
                raise nested(shown)
            # The member's own name is for messages; as a file name it is made harmless first.
            pure = PurePosixPath(member)
            target = folder / str(number) / f"{file_stem(pure.stem)}{pure.suffix}"
            target.parent.mkdir(parents=True)
            _extract(archive, info, shown, target, passwords)
            _set_time(target, info, path, tz)
            found.append((target, shown))
    return found, skipped


def member_name(info: Any) -> str:
    """A member's name with `/` between folders. Windows writes it in GBK and does not say so."""
    text: str = info.orig_filename
    if not info.flag_bits & _IS_UTF8:
        raw = text.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                text = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return strip_control(text).replace("\n", " ").replace("\r", " ").replace("\\", "/")


def _reason_to_skip(member: str) -> str | None:
    parts = PurePosixPath(member).parts
    if any(part == "__MACOSX" or part.startswith(".") for part in parts[:-1]):
        return "hidden-file"
    return reason_to_skip(member)


def _open(path: Path, name: str) -> Any:
    """The archive, opened by the library that knows its encryption."""
    try:
        archive = zipfile.ZipFile(path)
        if not any(info.flag_bits & _IS_LOCKED for info in archive.infolist()):
            return archive
        archive.close()
        import pyzipper

        return pyzipper.AESZipFile(path)
    except (*_DAMAGED, NotImplementedError) as error:
        raise _damaged(name, error) from None


def _check(members: list[Any], path: Path, name: str) -> None:
    """Refuse bombs by what the archive says of itself, and names that point out of the archive."""
    total = sum(info.file_size for info in members)
    is_bomb = (
        len(members) > _MOST_ENTRIES
        or total > _MOST_BYTES
        or (total > _SMALL and total > _MOST_RATIO * path.stat().st_size)
    )
    if is_bomb:
        raise InputRefused(
            "archive-too-large",
            tr(
                f"{name} 解开后太大({len(members):,} 个文件,{total / 2**20:,.0f} MB),不像导出的表格",
                f"{name} is too large once unpacked ({len(members):,} files, {total / 2**20:,.0f} MB)",
            ),
            hint=tr(
                "确认来源可靠后,自己解压,再导入里面的文件",
                "If you trust it, unpack it yourself and import the files",
            ),
            where=Where(file=name),
        )
    for info in members:
        member = member_name(info)
        if re.match(r"/|[A-Za-z]:", member) or ".." in PurePosixPath(member).parts:
            raise InputRefused(
                "archive-unsafe-name",
                tr(
                    f"{name} 里有指向压缩包外面的文件名:{member}",
                    f"{name} holds a name that points out of it: {member}",
                ),
                hint=tr("这个压缩包不可靠,什么也没有解开", "Do not trust this archive; nothing was unpacked"),
                where=Where(file=name),
            )


def _extract(archive: Any, info: Any, shown: str, target: Path, passwords: Passwords) -> None:
    def unpacks(password: bytes | None) -> None:
        with archive.open(info, pwd=password) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)

    def opens(password: str) -> bool:
        # A password in Chinese is a matter of the packing program's encoding.
        for encoded in dict.fromkeys((password.encode(), password.encode("gb18030", "replace"))):
            try:
                unpacks(encoded)
            except (RuntimeError, *_DAMAGED) as error:
                if isinstance(error, NotImplementedError):
                    raise
                continue
            return True
        return False

    if info.flag_bits & _IS_LOCKED:
        passwords.find(shown, opens)
    else:
        try:
            unpacks(None)
        except (*_DAMAGED, NotImplementedError) as error:
            raise _damaged(shown, error) from None


def _set_time(target: Path, info: Any, path: Path, tz: tzinfo) -> None:
    """The member's own time stamp says when it was exported; many packers leave it at 1980."""
    try:
        moment = datetime(*info.date_time).replace(tzinfo=tz).timestamp()
    except ValueError:
        moment = 0.0
    if info.date_time[0] < 2000:
        moment = path.stat().st_mtime
    utime(target, (moment, moment))


def _damaged(name: str, error: Exception) -> InputRefused:
    if isinstance(error, NotImplementedError):
        why, what = tr("压缩方式不认识", "its compression is unknown"), "unknown-compression"
    else:
        why, what = tr("压缩包不完整或已损坏", "the archive is incomplete or damaged"), "broken-archive"
    return InputRefused(
        what,
        f"{name}:{why}",
        hint=tr(
            "重新下载;或自己解压,再导入里面的文件", "Download it again; or unpack it and import the files"
        ),
        where=Where(file=name),
    )


def nested(shown: str) -> InputRefused:
    """The refusal of an archive in an archive."""
    return InputRefused(
        "nested-archive",
        tr(f"{shown} 是压缩包里的压缩包,不解第二层", f"{shown} is an archive in an archive"),
        hint=tr("先解开外面这一层,再导入里面的压缩包", "Unpack the outer one and import the inner one"),
        where=Where(file=shown),
    )
