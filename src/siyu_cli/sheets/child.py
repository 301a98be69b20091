"""Workbooks and pages are read in a child process, so that no file can bring the command down.

A bomb, a sheet spread over the whole grid or a panic of the reader's library ends the child, which has a memory
limit; a hang ends at the clock. The parent says so in a sentence. A child serves one file after another.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.frames import Tag, read_frame
from siyu_cli.sheets.guards import (
    BASE_MEMORY,
    BASE_SECONDS,
    MAX_MEMORY,
    MEMORY_PER_BYTE,
    SECONDS_PER_MB,
    Package,
)
from siyu_cli.sheets.sniff import FileKind, Sniffed, not_a_workbook, password_protected

if TYPE_CHECKING:
    from siyu_cli.sheets.grid import Columns, Grid

_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xls", ".et"})


def start_early(files: Sequence[Path]) -> None:
    """Let a child load its libraries while the command loads its own, where a name is that of a workbook.

    It waits for work like any other; what a file is, and whether it may be read, is still asked of the file.
    """
    if not _idle and any(file.suffix.lower() in _WORKBOOKS for file in files):
        _idle.append(_Child())


def read_grid(path: Path, sniffed: Sniffed, sheet: str | None) -> Grid:
    """One table of a file. InputRefused when it cannot be read, also while its batches are walked."""
    from siyu_cli.sheets.grid import Grid

    frames = _ask(path, sniffed, {"sheet": sheet, "names_only": False})
    _, head = next(frames)
    told = json.loads(head)
    return Grid(
        told["sheet"], told["names"], told["is_1904"], told["width"], Counter(told["notes"]),
        _batches(frames, told["width"]), told["merges"],
    )  # fmt: skip


def read_names(path: Path, sniffed: Sniffed) -> list[str]:
    """The visible sheets of a file that hold something."""
    [(_, names)] = _ask(path, sniffed, {"sheet": None, "names_only": True})
    found: list[str] = json.loads(names)
    return found


def _batches(frames: Generator[tuple[Tag, bytes], None, None], width: int) -> Columns:
    import pyarrow as pa

    schema = pa.schema([pa.field(str(at), pa.string()) for at in range(width)])
    with closing(frames):
        for _, content in frames:
            yield pa.ipc.read_record_batch(pa.py_buffer(content), schema).columns


def _ask(path: Path, sniffed: Sniffed, request: dict[str, Any]) -> Generator[tuple[Tag, bytes], None, None]:
    """The frames of an answer up to its end; a child that is left in the middle of one is of no use any more."""
    size = _readable_size(path, sniffed)
    memory = min(BASE_MEMORY + MEMORY_PER_BYTE * size, MAX_MEMORY)
    seconds = BASE_SECONDS + SECONDS_PER_MB * (size >> 20)
    request |= {
        "path": str(path.resolve()), "kind": sniffed.kind, "size": sniffed.size, "encoding": sniffed.encoding,
        "skip": sniffed.skip, "memory": memory,
    }  # fmt: skip
    child = _living_child()
    is_done = False
    try:
        child.send(request)
        while not is_done:
            tag, content = child.receive(path.name, seconds)
            is_done = tag not in (Tag.HEAD, Tag.BATCH)
            if tag is Tag.REFUSED:
                raise _refusal(json.loads(content))
            if tag is Tag.FAULT:
                raise RuntimeError(json.loads(content))
            if tag is not Tag.END:
                yield tag, content
    finally:
        if is_done:
            _idle.append(child)
        else:
            child.kill()


def _readable_size(path: Path, sniffed: Sniffed) -> int:
    """Bytes that will be read, unpacked. InputRefused for what is no table, and for packages beyond the limits."""
    if sniffed.kind is FileKind.ENCRYPTED:
        raise password_protected(path.name)
    if sniffed.kind is FileKind.ZIP:
        raise not_a_workbook(
            path.name, tr("它是压缩包,里面没有工作表", "it is an archive without worksheets")
        )
    return Package(path).size if sniffed.kind is FileKind.XLSX else sniffed.size


def _refusal(told: dict[str, Any]) -> InputRefused:
    return InputRefused(told["code"], told["message"], hint=told["hint"], where=Where(**told["where"]))


class _Child:
    """One reading child."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # -P: a numpy.py in the operator's folder is none of ours.
            [sys.executable, "-P", "-m", "siyu_cli.sheets.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Arrow's own allocators reserve far more address space than they use, which the limit would count.
            env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
        )
        self._is_late = False

    def send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it died this very moment: `receive` says so

    def receive(self, file: str, seconds: float) -> tuple[Tag, bytes]:
        """The next frame. InputRefused when the child dies or is silent for too long."""
        assert self._process.stdout is not None
        clock = Timer(seconds, self._give_up)
        clock.daemon = True
        clock.start()
        try:
            return read_frame(self._process.stdout)
        except EOFError:
            self.kill()
            raise (_too_slow(file, seconds) if self._is_late else _brought_down(file)) from None
        finally:
            clock.cancel()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _give_up(self) -> None:
        self._is_late = True
        self._process.kill()

    def kill(self) -> None:
        """End the child and let go of its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


_idle: list[_Child] = []


def _living_child() -> _Child:
    """A child that waits for work, else a new one."""
    while _idle:
        child = _idle.pop()
        if child.is_alive():
            return child
        child.kill()
    return _Child()


@atexit.register
def _end_children() -> None:
    while _idle:
        _idle.pop().kill()


def _brought_down(file: str) -> InputRefused:
    return InputRefused(
        "unreadable-workbook",
        tr(
            f"{file} 读不下去:文件已损坏,或展开后大得不正常",
            f"{file} cannot be read: it is damaged or unpacks to an abnormal size",
        ),
        hint=_hint(),
        where=Where(file=file),
    )


def _too_slow(file: str, seconds: float) -> InputRefused:
    return InputRefused(
        "reading-timeout",
        tr(f"{file} 读了 {seconds:.0f} 秒没有进展,已停止", f"{file}: no progress for {seconds:.0f} seconds"),
        hint=_hint(),
        where=Where(file=file),
    )


def _hint() -> str:
    return tr(
        "用 Excel/WPS 打开后另存为 xlsx 再导入;还不行就把要导入的行复制到新工作簿",
        "Re-save it as xlsx; if that fails copy the rows into a new workbook",
    )
