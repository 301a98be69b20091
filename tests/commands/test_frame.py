"""What all commands share: options before and after the name, formats, errors, exit codes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from typer.testing import CliRunner

from siyu_cli.__main__ import main as console_script
from siyu_cli.app import app
from siyu_cli.commands import frame
from siyu_cli.errors import ExitCode, Where
from tests.conftest import Shop


def call(*args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(args), catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_without_a_workspace_every_command_says_how_to_make_one() -> None:
    code, stdout, stderr = call("status")
    assert (code, stdout) == (3, "")
    assert "siyu init" in stderr


def test_a_named_folder_that_is_no_workspace(tmp_path: Path) -> None:
    code, _, stderr = call("status", "-w", str(tmp_path))
    assert code == 3
    assert str(tmp_path) in stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["statsu"], "没有命令「statsu」"),
        (["status", "--formt", "json"], "没有选项 --formt"),
        (["import-staff"], "缺少参数"),
        (["status", "extra"], "多了参数"),
        (["status", "--format", "xml"], "--format 的值不对"),
        (["status", "--wait"], "--wait 后面要跟一个值"),
        (["status", "--wait", "-1"], "--wait 的值不对:不能小于 0"),
        (["status", "--wait", "x"], "--wait 的值不对:要写数字"),
        (["undo-import", "上次"], "RUN 的值不对:要写整数"),
        (["demo", "x", "--customers", "9999999"], "--customers 的值不对:不能大于 1000000"),
        (["status", "--format", "xml"], "没有「xml」,可以写 table、json、csv"),
        (["import-lead"], "没有命令「import-lead」。你是不是想写:import-leads、"),
        (["status", "--frmat", "json"], "没有选项 --frmat。你是不是想写:--format"),
    ],
)
def test_usage_errors_are_chinese_and_exit_2(args: list[str], words: str) -> None:
    code, stdout, stderr = call(*args)
    assert (code, stdout) == (ExitCode.USAGE, "")
    assert words in stderr


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_bare_call_shows_the_help_and_no_error(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_LANG", language)
    code, stdout, stderr = call()
    assert (code, stderr) == (ExitCode.USAGE, "")
    assert "import-orders" in stdout


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "没有权限"), (errno.ENOSPC, "磁盘满了"), (errno.ENOENT, "没有这个文件或文件夹"),
        (errno.EROFS, "只能读"), (errno.EPIPE + 1000, "odd"),
    ],
)  # fmt: skip
def test_what_the_system_says_is_said_in_chinese(number: int, words: str) -> None:
    fault = frame._fault(OSError(number, "odd", "/店/outbox/报表/.siyu-x1.xlsx"))
    assert fault.message == f"读写失败:/店/outbox/报表:{words}" or words == "只能读"
    assert words in fault.message


def test_a_failure_that_cannot_be_recorded_is_still_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder nobody may write: one sentence, and no second failure about the record."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(shop.root / ".siyu" / "siyu.lock"))

    monkeypatch.setattr("siyu_cli.store.connection.open_store", refuse)
    done = shop.run("apply-tags", expect=1)
    assert "siyu.lock:没有权限" in done.stderr
    assert "Traceback" not in done.stderr


def test_usage_errors_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_LANG", "en")
    assert "No such command" in call("statsu")[2]


def test_global_options_stand_before_or_after_and_the_later_wins(shop: Shop) -> None:
    before = CliRunner().invoke(app, ["-w", str(shop.root), "--format", "json", "status"])
    after = shop.run("status", "--format", "json")
    assert before.stdout == after.stdout
    both = CliRunner().invoke(
        app, ["--format", "json", "-w", "/nowhere", "status", "--format", "csv", "-w", str(shop.root)]
    )
    assert both.stdout.startswith("what,value")


def test_json_errors_are_one_document_on_stdout() -> None:
    import json

    code, stdout, stderr = call("status", "--format", "json")
    assert (code, stderr) == (3, "")
    assert json.loads(stdout)["error"].keys() == {"code", "message", "hint", "where"}


def test_an_unknown_setting_is_refused_with_its_line(shop: Shop) -> None:
    (shop.root / "siyu.yaml").write_text("shop: x\ntimezon: Asia/Shanghai\n", encoding="utf-8")
    error = shop.json("status", expect=3).error
    assert error["where"] == {"file": "siyu.yaml", "line": 2, "column": 1}
    assert "timezone" in error["hint"]


@pytest.mark.parametrize(
    "line",
    ["timezone: Mars/Olympus", "lead_due_days: 三天", "lead_due_days: -1", "shop: [1]", "memory_limit: 很多"],
)
def test_wrong_settings_are_refused(shop: Shop, line: str) -> None:
    (shop.root / "siyu.yaml").write_text(line + "\n", encoding="utf-8")
    shop.run("status", expect=3)


def test_a_bug_becomes_a_sentence_exit_1_and_a_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("13800138000")

    monkeypatch.setattr("siyu_cli.reports.status.read_status", broken)
    called = shop.json("status", expect=1)
    assert called.error["code"] == "internal-fault"
    assert "13800138000" not in called.stdout
    assert "138****8000" in called.stdout


def test_ctrl_c_is_130(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("siyu_cli.reports.status.read_status", interrupted)
    assert "已中断" in shop.run("status", expect=130).stderr


def test_ctrl_c_while_the_store_computes_is_130_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB catches the signal and raises what looks like a bug."""

    def long_query(con: Any, *_: object) -> None:
        con.execute("SET threads = 1")  # the thread that hears the signal is the one that computes
        Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        con.execute("SELECT count(*) FROM range(1000000000000) AS big(n) WHERE n % 7 = 3").fetchall()

    monkeypatch.setattr("siyu_cli.reports.status.read_status", long_query)
    called = shop.run("status", expect=130)
    assert "已中断" in called.stderr
    assert "缺陷" not in called.stderr


def test_ctrl_c_before_a_command_has_begun_is_said_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While options are read, and while the program itself is still being loaded."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as early:
        early.setattr("siyu_cli.commands.frame.make_context", interrupted)
        assert "已中断" in shop.run("status", expect=130).stderr
    monkeypatch.setattr("siyu_cli.app.main", interrupted)
    with pytest.raises(SystemExit) as left:
        console_script()
    assert left.value.code == 130
    assert "已中断" in capsys.readouterr().err


def test_too_little_memory_is_said_with_the_setting_to_change(shop: Shop) -> None:
    settings = shop.root / "siyu.yaml"
    settings.write_text(
        settings.read_text("utf-8").replace("memory_limit: 2GB", "memory_limit: 1MB"), "utf-8"
    )
    called = shop.json("list-runs", expect=1)
    assert called.error["code"] == "out-of-memory"
    assert "memory_limit" in called.error["hint"]


def test_a_refused_writing_run_is_listed_and_a_dry_one_is_not(shop: Shop) -> None:
    shop.run("import-staff", shop.root / "inbox" / "没有.xlsx", expect=3)
    shop.run("import-staff", shop.root / "inbox" / "没有.xlsx", "--dry-run", expect=3)
    runs = shop.json("list-runs").result["runs"]
    assert [(run["command"], run["outcome"], run["exit_code"]) for run in runs] == [
        ("import-staff", "refused", 3)
    ]


def test_a_closed_pipe_is_no_error(shop: Shop) -> None:
    line = f"{sys.executable} -m siyu_cli doctor -w '{shop.root}' | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_an_ascii_console_shows_what_it_can(shop: Shop) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "siyu_cli", "status", "-w", str(shop.root)],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert done.returncode == 0


def test_usage_words_cover_all_of_typers_sentences() -> None:
    assert frame._word_usage("Missing command.") == "缺少命令"


def test_init_twice_changes_nothing(shop: Shop) -> None:
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in shop.root.rglob("*") if path.is_file()}

    (shop.root / "rules" / "我的.yaml").write_text("version: 1\n", encoding="utf-8")
    before = files()
    shop.run("init", shop.root)
    after = files()
    assert {name: data for name, data in after.items() if ".siyu" not in name} == {
        name: data for name, data in before.items() if ".siyu" not in name
    }


def test_init_dry_run_makes_nothing(tmp_path: Path) -> None:
    code, stdout, _ = call("init", str(tmp_path / "店"), "--dry-run", "--format", "json")
    assert code == 0
    assert '"dry_run": true' in stdout
    assert not (tmp_path / "店").exists()


def test_init_on_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "店").write_text("x")
    assert call("init", str(tmp_path / "店"))[0] == 3


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", "a.xlsx 「订单」 第 1,200 行「金额」"), ("en", "a.xlsx “订单” row 1,200 “金额”")],
)
def test_a_place_is_told_in_the_operators_language(
    language: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIYU_LANG", language)
    assert str(Where(file="a.xlsx", sheet="订单", row=1200, column="金额")) == words


def test_an_error_names_its_file_once(shop: Shop) -> None:
    empty, wrong = shop.file("空.csv", ""), shop.file("怪.csv", "甲,乙\n1,2\n")
    assert shop.run("import-leads", empty, expect=3).stderr.startswith("错误  空.csv 是空文件")
    assert shop.run("import-leads", wrong, expect=3).stderr.startswith("错误  怪.csv  认不出表头")


def test_a_piped_table_has_no_blanks_at_its_line_ends(shop: Shop) -> None:
    leads = shop.file("名单.csv", "手机号,姓名\n13800138001,小雨\n13800138001,\n123,短\n")
    mapping = shop.run("import-leads", leads, "--show-mapping").stdout
    shop.run("import-leads", leads, expect=4)
    for printed in (mapping, shop.run("list-runs").stdout, shop.run("status").stdout):
        assert printed.count("\n") >= 2
        assert not [line for line in printed.split("\n") if line != line.rstrip()]
