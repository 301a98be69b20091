"""status, list-runs and doctor say what happened in words, and scripts get stable names."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from siyu_cli.commands.frame import make_context
from tests.conftest import Shop

STAFF = "员工账号,姓名\nxl,小李\nxw,小王\n"
BAD_LEADS = "手机号,姓名\n13800005671,甲\n138****1234,乙\n"


def test_runs_are_told_in_words_and_csv_keeps_the_codes(shop: Shop) -> None:
    shop.run("import-staff", shop.file("员工.csv", STAFF))
    shop.run("import-leads", shop.file("名单.csv", BAD_LEADS), expect=4)
    shown = shop.run("list-runs").stdout
    assert "读取 2 · 新增 1 · 拒收 1" in shown
    assert "完成" in shown
    lines = shop.run("list-runs", "--format", "csv").stdout.splitlines()
    assert lines[0] == "run_id,started,command,outcome,exit_code,what"
    assert ",partial,4," in lines[1]
    assert ",done,0," in lines[2]


def test_no_runs_yet_is_said(shop: Shop) -> None:
    called = shop.run("list-runs")
    assert called.stdout == ""
    assert "还没有" in called.stderr


def test_status_names_the_last_command_and_a_step_that_is_open(shop: Shop) -> None:
    shop.run("import-staff", shop.file("员工.csv", STAFF))
    assert shop.json("status").result["last_command"] == "import-staff"
    assert "import-staff" in shop.run("status").stdout


def test_rules_put_into_a_shop_at_work_lead_to_the_plan(shop: Shop, tmp_path: Path) -> None:
    added = shop.run("init", shop.root, "--rules", "食品店").stderr
    assert "下一步:siyu plan-tags" in added
    assert "import-staff" not in added
    assert "import-staff" in shop.run("init", tmp_path / "新店", "--rules", "食品店").stderr


def test_checks_have_names_for_scripts(shop: Shop) -> None:
    checks = {one["name"]: one for one in shop.json("doctor").result["checks"]}
    assert {"permissions", "disk", "state", "reading", "integrity"} <= checks.keys()
    (shop.root / ".siyu" / "tmp" / "import-killed").mkdir(parents=True, mode=0o700)
    called = shop.run("doctor")
    assert "1 项要处理" in called.stderr
    assert "临时文件" in called.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("kind", ["table", "json", "csv"])
def test_a_full_stdout_is_a_sentence_and_what_was_done_stands(shop: Shop, kind: str) -> None:
    staff = shop.file("员工.csv", STAFF)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "siyu_cli", "import-staff", str(staff), "-w", str(shop.root), "--format", kind],
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "要做的已经做完" in done.stderr
    assert [run["outcome"] for run in shop.json("list-runs").result["runs"]] == ["done"]


def test_a_full_disk_under_the_store_is_no_bug(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError('Could not write file "siyu.duckdb.wal": No space left on device')

    monkeypatch.setattr("siyu_cli.leads.importing.merge_staff", full)
    error = shop.json("import-staff", shop.file("员工.csv", STAFF), expect=1).error
    assert error["code"] == "io-error"
    assert "磁盘满了" in error["message"]
    assert "磁盘满了" in shop.json("list-runs").result["runs"][0]["message"]


def test_progress_is_for_terminals_only() -> None:
    for is_terminal, quiet, shows in ((True, False, True), (False, False, False), (True, True, False)):
        ctx = make_context({"quiet": quiet})
        screen = io.StringIO()
        ctx.stderr = Console(file=screen, force_terminal=is_terminal, width=80, _environ={"TERM": "xterm"})
        with ctx.progress(2) as step:
            step("[bold]甲.csv")
            step("乙.csv")
        assert ("[bold]甲.csv" in screen.getvalue() or "乙.csv" in screen.getvalue()) is shows
