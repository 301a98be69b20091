"""Help pages: whole texts, Chinese throughout, examples on lines of their own, no Python types."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from siyu_cli.app import app
from siyu_cli.commands.help_page import compact_examples, first_sentence, line_breaks

COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]
ENGLISH = ("Usage:", "[OPTIONS]", "[required]", "[default", "Show ", "Install ", "<bool>", "<path>", "list[")
PAGES = """
import sys
from itertools import pairwise
from typer.testing import CliRunner
from siyu_cli.app import app
for name in sys.argv[1:]:
    print(CliRunner().invoke(app, [*name.split(), "--help"]).stdout)
"""


def help_pages(*names: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PAGES, *names],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1", **env},
        check=True,
    )
    return done.stdout


def test_nothing_is_cut_off_and_nothing_is_typers_english_at_80_columns() -> None:
    shown = help_pages("", *COMMANDS)
    assert not [line for line in shown.splitlines() if "… │" in line]
    assert not [word for word in ENGLISH if word in shown]
    assert "用法: siyu import-orders [选项] 文件…" in shown
    assert "\n siyu import-staff inbox/员工.xlsx" in shown


def test_english_pages_keep_typers_words() -> None:
    shown = help_pages("import-orders", SIYU_LANG="en")
    assert "Usage: siyu import-orders [OPTIONS] FILES…" in shown
    assert "[required]" in shown


def test_examples_stand_together() -> None:
    text = "做什么。\n\n例:\n\nsiyu a\n\nsiyu b --x"
    assert compact_examples(text) == "做什么。\n\n例:\nsiyu a\nsiyu b --x"
    assert first_sentence(text) == "做什么"
    assert first_sentence("Do it (--as-of 2025.03.15). Then rest.") == "Do it (--as-of 2025.03.15)"


@pytest.mark.parametrize("width", [7, 10, 20, 58])
def test_lines_break_between_characters_but_not_in_words(width: int) -> None:
    text = "按 rules/ 里的规则算一遍(什么也不写),看 ABC 会加给谁。"
    at = [0, *line_breaks(text, width), len(text)]
    parts = [text[a:b] for a, b in pairwise(at)]
    assert "".join(parts) == text
    assert not [part for part in parts[1:] if part[0] in ",。)"]
    assert not [part for part in parts if part.rstrip().endswith("(")]
    assert any("rules/" in part for part in parts)


def test_an_example_breaks_at_spaces_only() -> None:
    text = "siyu import-orders inbox/订单.xls --platform platforms/我的店.yaml"
    assert all(text[at - 1] == " " for at in line_breaks(text, 30))


def test_help_leaves_richs_markdown_alone(tmp_path: Path) -> None:
    code = (
        "from typer.testing import CliRunner; from siyu_cli.app import app\n"
        "CliRunner().invoke(app, ['--help'])\n"
        "from rich.markdown import Markdown; Markdown('# x')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
