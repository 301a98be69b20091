"""Atomic writing and what a path on the command line means."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from siyu_cli.errors import InputRefused
from siyu_cli.files import expand_paths, replacing


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "报表.txt"
    target.write_text("yesterday")
    with pytest.raises(OSError, match="full"), replacing(target) as temporary:
        temporary.write_text("half")
        raise OSError("disk full")
    assert target.read_text() == "yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["报表.txt"]


def test_a_new_file_is_private(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b.txt"
    with replacing(target) as temporary:
        temporary.write_text("x")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_globs_skip_unfinished_files_and_keep_order(tmp_path: Path) -> None:
    for name in ("b.xlsx", "a.xlsx", "~$a.xlsx", "c.xlsx.crdownload"):
        (tmp_path / name).write_text("x")
    found, skipped = expand_paths([tmp_path / "*.xlsx*", tmp_path / "a.xlsx"])
    assert [path.name for path in found] == ["a.xlsx", "b.xlsx"]
    assert {(Path(one.file).name, one.reason) for one in skipped} == {
        ("~$a.xlsx", "lock-file"), ("c.xlsx.crdownload", "unfinished-download"),
    }  # fmt: skip


def test_a_folder_means_its_spreadsheets_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    for name in (
        "b.csv",
        "a.XLS",
        "c.zip",
        "d.tsv",
        ".hidden.csv",
        "读我.txt",
        "图.png",
        "e.csv.part",
        "~$f.xlsx",
    ):
        (tmp_path / name).write_text("x")
    (tmp_path / "零.csv").touch()
    (tmp_path / "里面").mkdir()
    (tmp_path / "里面" / "深.csv").write_text("x")
    found, skipped = expand_paths([tmp_path])
    assert [path.name for path in found] == ["a.XLS", "b.csv", "c.zip", "d.tsv"]
    assert {Path(one.file).name: one.reason for one in skipped} == {
        ".hidden.csv": "hidden-file", "读我.txt": "no-spreadsheet", "图.png": "no-spreadsheet",
        "e.csv.part": "unfinished-download", "~$f.xlsx": "lock-file", "零.csv": "empty-file",
    }  # fmt: skip
    assert all(one.why for one in skipped)


def test_a_file_that_grows_while_it_is_looked_at_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing, whole = tmp_path / "下载中.csv", tmp_path / "好.csv"
    growing.write_text("半")
    whole.write_text("全")

    def download(_: float) -> None:
        growing.write_text("半行又半行")

    monkeypatch.setattr("siyu_cli.files.sleep", download)
    found, skipped = expand_paths([tmp_path])
    assert found == [whole]
    assert [(one.file, one.reason) for one in skipped] == [(str(growing), "still-growing")]


def test_old_files_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "去年.csv"
    path.write_text("x")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    monkeypatch.setattr("siyu_cli.files.sleep", lambda _: pytest.fail("it slept"))
    assert expand_paths([tmp_path]) == ([path], [])


def test_a_named_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("订单.dat", "订单.txt", "~$订单.xlsx"):
        (tmp_path / name).write_text("x")
    # A shell expands `*` to the lock file too: it is left out, not refused.
    found, skipped = expand_paths([tmp_path / "订单.dat", tmp_path / "~$订单.xlsx"])
    assert [path.name for path in found] == ["订单.dat"]
    assert [one.reason for one in skipped] == ["lock-file"]
    assert expand_paths([tmp_path / "*.txt"]) == ([tmp_path / "订单.txt"], [])


@pytest.mark.parametrize(
    ("name", "code"),
    [("空", "nothing-to-read"), ("~$锁.xlsx", "nothing-to-read"), ("missing.csv", "file-not-found")],
)
def test_what_leaves_nothing_to_read_is_refused(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "空").mkdir()
    (tmp_path / "~$锁.xlsx").write_text("x")
    with pytest.raises(InputRefused) as caught:
        expand_paths([tmp_path / name])
    assert caught.value.code == code
    assert caught.value.hint
