"""Rows at work on disk: a private folder for one import, gone when it ends, however it ends."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siyu_cli.errors import StateUnavailable
from siyu_cli.store.lock import hold_lock

_PREFIX = "import-"
_LOCK = "in-use.lock"


@contextmanager
def spool_folder(state_dir: Path) -> Iterator[Path]:
    """A folder in `.siyu/tmp` for cleaned rows. What killed imports left, full phones among it, goes first."""
    scratch = state_dir / "tmp"
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear_left(scratch)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=_PREFIX) as name:
        folder = Path(name)
        with hold_lock(folder / _LOCK, wait=0, exclusive=True):
            yield folder


def _clear_left(scratch: Path) -> None:
    """Remove folders whose process is gone: the kernel let go of their lock."""
    for folder in scratch.glob(f"{_PREFIX}*"):
        lock = folder / _LOCK
        if not lock.exists():
            continue  # made this moment by another import, which has not locked it yet
        try:
            with hold_lock(lock, wait=0, exclusive=True):
                pass
        except (StateUnavailable, FileNotFoundError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
