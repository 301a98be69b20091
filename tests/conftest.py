"""Every test has its own workspace and goes through the real app; nothing outside tmp_path is touched."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from siyu_cli.app import app
from siyu_cli.setup_workspace import create_workspace

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """Real data sets beside the checkout; a test that needs one is skipped where the folder is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no ../shared/data on this machine")
    return SHARED_DATA


@dataclass
class Called:
    """How one command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def result(self) -> dict[str, Any]:
        return self.document["result"]

    @property
    def error(self) -> dict[str, Any]:
        return self.document["error"]


@dataclass
class Shop:
    """A workspace under test: `shop.run(...)` calls the app in it, `shop.json(...)` with --format json."""

    root: Path

    def run(self, *args: str | Path, expect: int | None = 0) -> Called:
        done = CliRunner().invoke(app, [*map(str, args), "-w", str(self.root)], catch_exceptions=False)
        if expect is not None:
            assert done.exit_code == expect, f"{args} → {done.exit_code}\n{done.stdout}\n{done.stderr}"
        return Called(done.exit_code, done.stdout, done.stderr)

    def json(self, *args: str | Path, expect: int | None = 0) -> Called:
        return self.run(*args, "--format", "json", expect=expect)

    def connect(self) -> Any:
        """A DuckDB connection to the store for looking inside; close it before the next command."""
        import duckdb

        return duckdb.connect(str(self.root / ".siyu" / "siyu.duckdb"), read_only=True)

    def rows(self, sql: str, params: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query on the store."""
        with self.connect() as con:
            return con.execute(sql, params or []).fetchall()

    def file(self, name: str, content: str | bytes) -> Path:
        """A file in the inbox."""
        path = self.root / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[[str], Shop]:
    """Workspaces by name, for tests that compare two."""

    def make(name: str) -> Shop:
        root = tmp_path / name
        create_workspace(root)
        shop = Shop(root)
        shop.run("init", root)
        return shop

    return make


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    """One fresh workspace."""
    return make_shop("shop")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SIYU_WORKSPACE", "SIYU_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def office(tmp_path: Path) -> Callable[[Path, str], Path]:
    """Converts a file with LibreOffice, (path, filter) → the new file; skipped with a clear line where it is missing."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice (soffice) is not installed: the conversion tests did not run")

    def convert(path: Path, kind: str) -> Path:
        out = tmp_path / "converted"
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        call = [program, "--headless", profile, "--convert-to", kind, "--outdir", str(out), str(path)]
        subprocess.run(call, check=True, capture_output=True, timeout=180)
        return out / f"{path.stem}.{kind.partition(':')[0]}"

    return convert
