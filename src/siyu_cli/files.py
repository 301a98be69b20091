"""Files on disk: atomic writes, and the files behind what an operator typed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr

_HALF_DONE = (".crdownload", ".part", ".tmp", ".download")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path beside `target` that takes its place, flushed and atomically, when the block succeeds.

    A full disk or an error leaves the old file untouched. Folders are made 0700, files 0600.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".siyu-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        try:
            temporary.replace(target)
        except PermissionError:
            raise InputRefused(
                "file-in-use",
                tr(
                    f"写不了 {target}:文件可能正在 Excel 里开着",
                    f"Cannot write {target}: it may be open in Excel",
                ),
                hint=tr("请先关闭它,再运行一次", "Close it and run again"),
            ) from None
        _sync_folder(target.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; not every system lets a folder be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_unfinished(path: Path) -> bool:
    """Excel's lock files and half-downloaded files, which are skipped in folders and globs."""
    return path.name.startswith(("~$", ".")) or path.suffix.lower() in _HALF_DONE


def expand_paths(given: list[Path]) -> list[Path]:
    """The files meant by files and globs, in a stable order and each once.

    A folder is refused here with the call that would work; InputRefused for anything that is not there.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            raise InputRefused(
                "is-a-folder",
                tr(f"{path} 是文件夹,不是表格文件", f"{path} is a folder, not a spreadsheet"),
                hint=tr(
                    f"写成 {path}/*.xlsx 或列出其中的文件", f"Write {path}/*.xlsx or name the files in it"
                ),
            )
        if path.exists():
            found.append(path)
            continue
        matches = sorted(match for match in _glob(path) if match.is_file() and not is_unfinished(match))
        if not matches:
            raise InputRefused(
                "file-not-found",
                tr(f"没有这个文件:{path}", f"No such file: {path}"),
                hint=tr("检查路径;文件名里有空格时整个加引号", "Check the path; quote names with spaces"),
            )
        found.extend(matches)
    return list(dict.fromkeys(found))


def _glob(path: Path) -> list[Path]:
    if not any(char in str(path) for char in "*?["):
        return []
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
    return list(anchor.glob(pattern))
