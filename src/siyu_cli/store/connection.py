"""Opening the store: lock, versions, migrations with a backup, one transaction."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.errors import StateUnavailable
from siyu_cli.language import tr
from siyu_cli.store.lock import busy, hold_lock
from siyu_cli.store.migrations import MIGRATIONS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STORAGE_FORMAT = "v1.5.0"
_MIB = {"bytes": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10, "TiB": 2**20}
STORE_NAME = "siyu.duckdb"


@contextmanager
def open_store(
    state_dir: Path, *, wait: float, write: bool, memory_limit: str, threads: int | None = None
) -> Iterator[DuckDBPyConnection]:
    """A connection to the state in `state_dir` (`.siyu/`), up to date, closed at the end.

    Readers share the file; a writer has it alone. An old store is migrated first, whoever opens it.
    """
    path = state_dir / STORE_NAME
    with hold_lock(state_dir / "siyu.lock", wait=wait, exclusive=write):
        if write or not path.exists():
            con = _connect(path, wait, memory_limit, threads, read_only=False)
        else:
            con = _connect(path, wait, memory_limit, threads, read_only=True)
        try:
            if schema_version(con) != len(MIGRATIONS):
                if not write:
                    raise _needs_writer()
                _migrate(con, path)
            yield con
        finally:
            con.close()


@contextmanager
def transaction(con: DuckDBPyConnection, *, keep: bool = True) -> Iterator[None]:
    """All of the block or nothing; with `keep=False` (a dry run) nothing even when it succeeds."""
    import duckdb

    con.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        # A store that lost its disk cannot even roll back, and need not: nothing was committed.
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT" if keep else "ROLLBACK")


def schema_version(con: DuckDBPyConnection) -> int:
    """How many migrations the store has seen; 0 for an empty file."""
    import duckdb

    try:
        return int(con.execute("SELECT count(*) FROM migrations").fetchall()[0][0])
    except duckdb.CatalogException:  # asking the catalogue first would take longer than opening the store
        return 0


def _connect(
    path: Path, wait: float, memory_limit: str, threads: int | None, *, read_only: bool
) -> DuckDBPyConnection:
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(path.parent / "tmp"),
    }
    if not read_only:
        config["storage_compatibility_version"] = STORAGE_FORMAT
    if threads:
        config["threads"] = threads
    is_new = not path.exists()
    try:
        con = duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise busy(wait, "") from None
        raise damaged(path, error) from None
    except duckdb.Error as error:
        raise damaged(path, error) from None
    if is_new:
        os.chmod(path, 0o600)  # noqa: PTH101 - DuckDB refuses a file made beforehand with the right mode
    return con


def damaged(path: Path, error: Exception) -> StateUnavailable:
    """The sentence for a store that DuckDB cannot read."""
    first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return StateUnavailable(
        "store-damaged",
        tr(f"状态文件打不开:{path}({first_line})", f"The state file cannot be opened: {path} ({first_line})"),
        hint=tr(
            "先别删任何文件;运行 siyu doctor,备份在 .siyu/backups/",
            "Do not delete anything; run siyu doctor, backups are in .siyu/backups/",
        ),
    )


class Memory:
    """What DuckDB may take, of what the workspace allows: work beyond it goes through its files on disk."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        number, unit = con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0].split()
        self._con = con
        self._allowed_mib = float(number) * _MIB[unit]

    def take_at_most(self, mib: int) -> None:
        """From here on no more than this, and never more than the workspace allows."""
        self._con.execute(f"SET memory_limit = '{min(float(mib), self._allowed_mib):.1f}MiB'")


def _needs_writer() -> StateUnavailable:
    return StateUnavailable(
        "store-old",
        tr(
            "工作区是旧版本建的,需要升级一次",
            "The workspace was made by an older version and needs one upgrade",
        ),
        hint=tr("运行 siyu doctor,它会先备份再升级", "Run siyu doctor; it backs up first, then upgrades"),
    )


def _migrate(con: DuckDBPyConnection, path: Path) -> None:
    """Bring the store up to this program's version, all or nothing, with a backup of what was there."""
    seen = schema_version(con)
    if seen > len(MIGRATIONS):
        raise StateUnavailable(
            "store-newer",
            tr(
                f"工作区由更新的 siyu 建立(状态版本 {seen},本程序只认到 {len(MIGRATIONS)})",
                f"The workspace was made by a newer siyu (state version {seen}, this program knows {len(MIGRATIONS)})",
            ),
            hint=tr("请升级 siyu:pipx upgrade siyu-cli", "Upgrade siyu: pipx upgrade siyu-cli"),
        )
    if seen:
        _backup(con, path, seen)
    with transaction(con):
        con.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER NOT NULL, name VARCHAR NOT NULL)")
        for number, step in enumerate(MIGRATIONS[seen:], start=seen + 1):
            step(con)
            con.execute("INSERT INTO migrations VALUES (?, ?)", [number, step.__name__])


def _backup(con: DuckDBPyConnection, path: Path, version: int) -> None:
    """A copy of the closed-over state: after CHECKPOINT the file alone is the whole store."""
    backups = path.parent / "backups"
    backups.mkdir(mode=0o700, exist_ok=True)
    con.execute("CHECKPOINT")
    target = backups / f"before-version-{version + 1}.duckdb"
    shutil.copyfile(path, target)
    target.chmod(0o600)
