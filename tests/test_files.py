"""Atomic writing and what a path on the command line means."""

from __future__ import annotations

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
    found = expand_paths([tmp_path / "*.xlsx*", tmp_path / "a.xlsx"])
    assert [path.name for path in found] == ["a.xlsx", "b.xlsx"]


@pytest.mark.parametrize(("name", "code"), [("", "is-a-folder"), ("missing.csv", "file-not-found")])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(InputRefused) as caught:
        expand_paths([tmp_path / name])
    assert caught.value.code == code
