"""The folder of rows at work: private, and never left behind for long."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from siyu_cli.store.spool import spool_folder

KILLED = """
import sys, os, signal
from pathlib import Path
from siyu_cli.store.spool import spool_folder
with spool_folder(Path(sys.argv[1])) as folder:
    (folder / "rows.arrow").write_text("13800138000")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with spool_folder(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list((tmp_path / "tmp").iterdir()) == []


def test_two_imports_leave_each_other_alone(tmp_path: Path) -> None:
    with spool_folder(tmp_path) as one:
        (one / "rows").write_text("x")
        with spool_folder(tmp_path) as other:
            assert one != other
        assert (one / "rows").exists()


def test_the_next_import_clears_what_a_killed_one_left(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -9
    assert len(list((tmp_path / "tmp").glob("import-*"))) == 1
    with spool_folder(tmp_path) as folder:
        assert list((tmp_path / "tmp").glob("import-*")) == [folder]
