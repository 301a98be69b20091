"""`siyu demo`: what it says, what it leaves alone, how it refuses."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siyu_cli.app import app


def call(*args: str, expect: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["demo", *args], catch_exceptions=False)
    assert done.exit_code == expect, done.output
    return done.stdout, done.stderr


def test_makes_a_workspace_and_says_what_comes_next(tmp_path: Path) -> None:
    stdout, stderr = call("店", "--customers", "60")
    assert "inbox/员工.xlsx" in stdout
    assert "siyu import-staff inbox/员工.xlsx" in stderr
    assert "--as-of 2025-03-15" in stderr
    assert (tmp_path / "店" / "siyu.yaml").is_file()
    if os.name == "posix":
        for path in (tmp_path / "店" / "inbox").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_json_result_and_default_folder(tmp_path: Path) -> None:
    document = json.loads(call("--customers", "60", "--format", "json")[0])
    assert document["as_of"] == "2025-03-15 23:59:59"
    result = document["result"]
    assert result["workspace"] == str(tmp_path.resolve() / "demo-shop")
    assert all(Path(file).is_file() for file in result["files"])
    assert [Path(file).name for file in result["files"]] == json.loads(Path(result["truth"]).read_text())[
        "files"
    ]


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    wet, _ = call("甲", "--customers", "60")
    dry, stderr = call("乙", "--customers", "60", "--dry-run")
    assert dry == wet
    assert "试运行" in stderr
    assert not (tmp_path / "乙").exists()


def test_another_day_moves_the_shop(tmp_path: Path) -> None:
    call("店", "--customers", "60", "--as-of", "2024-11-11")
    assert (tmp_path / "店" / "inbox" / "ExportOrderList202411112359.csv").is_file()


def test_again_is_fine_but_own_files_are_not_overwritten(tmp_path: Path) -> None:
    call("店", "--customers", "60")
    call("店", "--customers", "60")
    own = tmp_path / "我的店" / "inbox" / "员工.xlsx"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    document = json.loads(call("我的店", "--format", "json", expect=3)[0])
    assert document["error"]["code"] == "demo-would-overwrite"
    assert own.read_bytes() == b"mine"
    assert not (tmp_path / "我的店" / "siyu.yaml").exists()


@pytest.mark.parametrize("count", ["39", "1000001", "many"])
def test_sizes_outside_the_range_are_refused(count: str) -> None:
    call("店", "--customers", count, expect=2)
