"""Files on disk: atomic writes, names nobody has yet, and the files behind what an operator typed."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from time import sleep

from siyu_cli.clock import seconds_ago
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.words import file_stem

SPREADSHEETS = frozenset(
    {".xlsx", ".xlsm", ".xlsb", ".xls", ".et", ".ods", ".numbers", ".csv", ".tsv", ".zip"}
)
"""Suffixes of what is looked into in a folder or an archive; what a file is, its bytes decide.

Some of them cannot be read: that is refused and says what to do, where leaving them out would lose their rows."""
_HALF_DONE = (".crdownload", ".part", ".tmp", ".download")
_FRESH = 10.0
"""A file touched so few seconds ago may still be in the making."""
_SHORT_LOOK = 0.5


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


def choose_names(people: Sequence[tuple[str, str]], taken: Iterable[str]) -> dict[str, str]:
    """A file name per (account, name): the name, with the account where two share it, `-2` where it is taken."""
    stems = {staff_id: file_stem(name, staff_id) for staff_id, name in people}
    shared = Counter(stem.casefold() for stem in stems.values())
    used = {name.casefold() for name in taken}
    names = {}
    for staff_id, name in people:
        stem = stems[staff_id]
        if shared[stem.casefold()] > 1:
            stem = file_stem(f"{name}({staff_id})")
        names[staff_id] = free_name(stem, used)
    return names


def free_name(stem: str, used: set[str]) -> str:
    """`stem.xlsx`, else `stem-2.xlsx` and so on; the name found is added to `used` (casefolded)."""
    name, number = f"{stem}.xlsx", 1
    while name.casefold() in used:
        number += 1
        name = f"{stem}-{number}.xlsx"
    used.add(name.casefold())
    return name


_NEVER_MEANT = ("lock-file", "unfinished-download", "own-summary")
"""Files that a shell's `*.xlsx` names and nobody wants read."""

SUMMARY_STEM = "_汇总"
"""How the summaries beside staff workbooks are called; a folder that comes back holds them, too."""


@dataclass(frozen=True)
class Skipped:
    """A file in a folder, glob or archive that is left out, and why (a code, see `why`)."""

    file: str
    reason: str

    @property
    def why(self) -> str:
        """The reason in words."""
        return {
            "lock-file": tr("Excel 打开文件时留下的锁文件", "the lock file of an open workbook"),
            "hidden-file": tr("隐藏文件", "a hidden file"),
            "unfinished-download": tr("还没有下载完", "not downloaded completely"),
            "empty-folder": tr("空文件夹", "an empty folder"),
            "empty-file": tr("空文件(0 字节)", "an empty file (0 bytes)"),
            "still-growing": tr("还在写入,写完再导入", "still being written, import it later"),
            "no-spreadsheet": tr("看后缀不是表格文件", "no spreadsheet by its suffix"),
            "own-summary": tr("siyu 自己写的汇总", "a summary that siyu wrote"),
        }[self.reason]


def reason_to_skip(name: str) -> str | None:
    """Why a file of this name is no spreadsheet to look into, where nobody named it; None for one that may be."""
    path = PurePath(name)
    if path.name.startswith("~$"):
        return "lock-file"
    if path.name.startswith("."):
        return "hidden-file"
    if path.suffix.lower() in _HALF_DONE:
        return "unfinished-download"
    if re.fullmatch(rf"{SUMMARY_STEM}(-\d+)?", path.stem):
        return "own-summary"
    return None if path.suffix.lower() in SPREADSHEETS else "no-spreadsheet"


def expand_paths(given: Sequence[Path]) -> tuple[list[Path], list[Skipped]]:
    """The files meant by files, folders and globs, in a stable order and each once; and what was left out.

    A folder means the spreadsheets directly in it. A file that was named is taken whatever it is called,
    unless it is plainly none to read (a shell expands `*.xlsx` to `~$订单.xlsx` and siyu's own summary, too). InputRefused for what
    is not there, and where nothing is left to read.
    """
    found: list[Path] = []
    skipped: list[Skipped] = []
    for path in given:
        if path.is_dir():
            files, left_out = _choose(sorted(one for one in path.iterdir() if one.is_file()))
            if not files and not left_out:
                left_out = [Skipped(str(path), "empty-folder")]
        elif path.exists():
            reason = reason_to_skip(path.name)
            left_out = [Skipped(str(path), reason)] if reason in _NEVER_MEANT else []
            files = [] if left_out else [path]
        else:
            files, left_out = _choose(sorted(one for one in _glob(path) if one.is_file()), is_named=True)
            if not files and not left_out:
                raise InputRefused(
                    "file-not-found",
                    tr(f"没有这个文件:{path}", f"No such file: {path}"),
                    hint=tr("检查路径;文件名里有空格时整个加引号", "Check the path; quote names with spaces"),
                )
        found.extend(files)
        skipped.extend(left_out)
    if not found:
        raise nothing_to_read(skipped)
    return list(dict.fromkeys(found)), list(dict.fromkeys(skipped))


def nothing_to_read(skipped: Sequence[Skipped]) -> InputRefused:
    """The refusal where every file was left out."""
    listed = [f"{one.file}({one.why})" for one in skipped[:5]]
    more = tr(" 等", " and others") if len(skipped) > 5 else ""
    return InputRefused(
        "nothing-to-read",
        tr("没有可以读的表格文件", "There is no spreadsheet to read"),
        hint=tr(f"跳过了 {'、'.join(listed)}{more}", f"Left out: {', '.join(listed)}{more}"),
    )


def _choose(files: Sequence[Path], *, is_named: bool = False) -> tuple[list[Path], list[Skipped]]:
    """Files nobody named one by one: those to read, and the others with the reason.

    `is_named`: a glob such as `*.txt` names the kind of file, so any suffix is right. Files touched
    this very moment are looked at twice: one that changes meanwhile is still being written.
    """
    found, skipped = [], []
    before = {path: _state(path) for path in files}
    if any(seconds_ago(changed) < _FRESH for _, changed in before.values()):
        sleep(_SHORT_LOOK)
    for path in files:
        reason = reason_to_skip(path.name)
        if reason == "no-spreadsheet" and is_named:
            reason = None
        now = _state(path)
        reason = reason or ("still-growing" if now != before[path] else "empty-file" if not now[0] else None)
        if reason:
            skipped.append(Skipped(str(path), reason))
        else:
            found.append(path)
    return found, skipped


def _state(path: Path) -> tuple[int, float]:
    """Size and time of the last change; of a file that is gone, nothing."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return 0, 0.0
    return seen.st_size, seen.st_mtime


def _glob(path: Path) -> list[Path]:
    if not any(char in str(path) for char in "*?["):
        return []
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
    return list(anchor.glob(pattern))
