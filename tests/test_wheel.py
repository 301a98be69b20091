"""The wheel carries the shipped mappings, rules and segments, and is built without a network."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="hatchling is not installed")
def test_the_wheel_carries_every_shipped_config(tmp_path: Path) -> None:
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "-w", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = set(wheel.namelist())
    shipped = {f"siyu_cli/configs/{path.relative_to(ROOT / 'configs').as_posix()}" for path in (ROOT / "configs").rglob("*.yaml")}  # fmt: skip
    assert {name.split("/")[2] for name in shipped} >= {"platforms", "rules", "rules-library", "segments"}
    assert shipped <= inside
    assert "siyu_cli/app.py" in inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/"))]


def test_the_lock_pins_every_dependency_and_names_no_address() -> None:
    import re
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE))
    names = {re.split(r"[<>=;\s]", one)[0].lower().replace("_", "-") for one in wanted}
    assert names <= pinned
    assert "://" not in lock
