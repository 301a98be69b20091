"""Who may open the store: readers together or one writer alone, with a bounded wait.

The kernel holds the lock, so a killed process frees it; the PID file beside it only names the
holder for the message and is never trusted as a lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker

from siyu_cli.errors import StateUnavailable
from siyu_cli.language import tr


@contextmanager
def hold_lock(path: Path, *, wait: float, exclusive: bool) -> Iterator[None]:
    """Hold the sidecar lock; StateUnavailable after `wait` seconds, naming the holder where known."""
    flags = portalocker.LockFlags.EXCLUSIVE if exclusive else portalocker.LockFlags.SHARED
    holder = path.with_suffix(".holder")
    lock = portalocker.Lock(
        path,
        mode="a",
        timeout=max(wait, 0.001),
        check_interval=0.05,
        flags=flags | portalocker.LockFlags.NON_BLOCKING,
    )
    try:
        lock.acquire()
    except portalocker.LockException:
        raise busy(wait, _holder_text(holder)) from None
    try:
        if exclusive:
            holder.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        if exclusive:
            with suppress(OSError):
                holder.unlink()
        lock.release()


def busy(wait: float, holder: str) -> StateUnavailable:
    """The sentence for a store that stayed taken for `wait` seconds."""
    return StateUnavailable(
        "store-busy",
        tr(
            f"工作区正被另一个 siyu 使用{holder},等了 {wait:g} 秒",
            f"The workspace is in use{holder}; waited {wait:g} s",
        ),
        hint=tr(
            "等它结束再运行,或用 --wait 300 多等一会儿",
            "Run again when it has ended, or wait longer with --wait 300",
        ),
    )


def _holder_text(holder: Path) -> str:
    with suppress(OSError):
        pid = holder.read_text(encoding="ascii").strip()
        if pid.isdigit():
            return tr(f"(进程 {pid})", f" (process {pid})")
    return ""
