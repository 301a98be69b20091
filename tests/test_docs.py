"""README and docs are held to the program: every `siyu …` line exists with its options, every YAML block loads."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from siyu_cli.app import app
from siyu_cli.settings import read_settings
from siyu_cli.sheets.mapping_file import load_mapping

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
# These pages have tests of their own beside what they describe.
RULE_PAGES = {path.name for path in (ROOT / "docs" / "rules").glob("*.md")}
OWN_YAML_TESTS = {"rule-tests.md", "rules.md", "scores.md", "stages.md", *RULE_PAGES}


def option_names(name: str) -> set[str]:
    return {"--help", *(opt for param in COMMANDS[name].params for opt in param.opts if opt.startswith("-"))}


def calls_of(text: str) -> list[list[str]]:
    """The `siyu …` calls of code blocks and inline code, as words."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    calls = []
    for line in lines:
        # `cd x && siyu a && siyu b`, `$ siyu a`, `30 6 * * *  cd … && siyu a`
        for part in re.split(r"&&|\|(?!\S)", line):
            match = re.search(r"(?:^|[$\s])siyu(\s.*)?$", part.strip())
            if match and re.match(r"^(?:\$ )?siyu\b", part.strip()):
                calls.append(shlex.split(part.strip().removeprefix("$ "), comments=True)[1:])
    return calls


def problems_of(words: list[str]) -> list[str]:
    options = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    root = {opt for param in get_command(app).params for opt in param.opts} | {"--help"}
    name = next((word for word in words if word in COMMANDS), None)
    if name is None:
        first = next((word for word in words if not word.startswith("-")), "")
        wrong = [f"no command {first}"] if re.fullmatch(r"[a-z]+(-[a-z]+)*", first) else []
        return wrong + [f"no option {one}" for one in options if one not in root]
    return [f"{name} has no {one}" for one in options if one not in option_names(name) | root]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_call_exists_with_its_options(page: Path) -> None:
    wrong = {
        " ".join(words): found
        for words in calls_of(page.read_text(encoding="utf-8"))
        if (found := problems_of(words))
    }
    assert not wrong


def test_calls_are_found_and_judged() -> None:
    calls = calls_of("```\n$ siyu status --frmt json\ncd x && siyu no-such\n```\nand `siyu init 我的店`")
    assert [problems_of(words) for words in calls] == [["status has no --frmt"], ["no command no-such"], []]
    assert len(calls_of((ROOT / "README.md").read_text(encoding="utf-8"))) >= 15


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in OWN_YAML_TESTS], ids=lambda page: page.name
)
def test_every_yaml_block_loads(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        file = tmp_path / "block.yaml"
        file.write_text(block, encoding="utf-8")
        load_mapping(file) if "columns:" in block else read_settings(file)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_of_a_command_is_in_its_section(name: str) -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section
    shared = {opt for param in get_command(app).params for opt in param.opts} | {
        "--dry-run",
        "--yes",
        "--as-of",
    }
    longs = {opt for opt in option_names(name) if opt.startswith("--")} - shared - {"--help"}
    assert not [opt for opt in longs if opt not in section[1]]


def sessions_of(text: str) -> list[tuple[list[str], list[str]]]:
    """The `$ siyu …` calls of a page's blocks with the output lines printed under each."""
    found: list[tuple[list[str], list[str]]] = []
    for block in re.findall(r"^```\n(\$ siyu .*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ siyu "):
                found.append((shlex.split(line)[2:], []))
            elif line.strip() and "…" not in line and "<今天>" not in line:
                found[-1][1].append(line.rstrip())
    return found


def test_what_the_walk_shows_is_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole walk on the sample shop; README shows parts of the same."""
    printed: dict[str, set[str]] = {}
    for words, shown in sessions_of((ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")):
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code in (0, 4), done.stderr
        lines = {line.rstrip() for line in (done.stdout + done.stderr).splitlines()}
        printed[words[0]] = printed.get(words[0], set()) | lines
        assert not [line for line in shown if line not in lines], words
        if words[0] == "demo":
            monkeypatch.chdir(tmp_path / words[1])
    assert len(printed) >= 10
    for words, shown in sessions_of((ROOT / "README.md").read_text(encoding="utf-8")):
        assert not [line for line in shown if line not in printed[words[0]]], words
