"""Every test has its own workspace and goes through the real app; nothing outside tmp_path is touched.

Property tests run under one of two profiles of hypothesis. `fixed`, the usual one, tries the same examples on
every machine, so that what passed once passes again. `search` (`make search`) looks for new failures: random
examples, ten times as many; a failure prints the line that reproduces it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from hypothesis import HealthCheck, settings

from siyu_cli.app import app
from siyu_cli.workspace import SETTINGS_NAME

# The first example pays for imports, and a store is dear: neither says anything about the example.
# A fixture lives as long as the test: tests whose examples would meet each other's leavings start afresh themselves.
_USUAL: dict[str, Any] = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
_SEARCHES = 10
settings.register_profile("fixed", derandomize=True, database=None, **_USUAL)
settings.register_profile("search", max_examples=100 * _SEARCHES, **_USUAL)
settings.load_profile("fixed")  # --hypothesis-profile comes later and wins


def examples(number: int) -> settings:
    """So many examples of a property whose examples are dear or rarely meet; ten times as many in a search."""
    is_search = settings.get_current_profile_name() == "search"
    return settings(max_examples=number * _SEARCHES if is_search else number)


# Building the tree of thirty commands takes longer than most of them; it is the same tree every time.
typer.testing._get_command = lru_cache(typer.testing._get_command)

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
        done = typer.testing.CliRunner().invoke(
            app, [*map(str, args), "-w", str(self.root)], catch_exceptions=False
        )
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


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as `siyu init` leaves it; it is copied, never used."""
    root = tmp_path_factory.mktemp("template") / "新店"
    Shop(root).run("init", root)
    return root


@pytest.fixture
def make_shop(tmp_path: Path, new_workspace: Path) -> Callable[[str], Shop]:
    """Workspaces by name, for tests that compare two."""

    def make(name: str) -> Shop:
        root = tmp_path / name
        shutil.copytree(new_workspace, root)
        chosen = root / SETTINGS_NAME
        written = chosen.read_text(encoding="utf-8")
        chosen.write_text(written.replace(f'"{new_workspace.name}"', f'"{name}"'), encoding="utf-8")
        return Shop(root)

    return make


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    """One fresh workspace."""
    return make_shop("shop")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SIYU_WORKSPACE", "SIYU_LANG", "SIYU_WEBHOOK"):
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
