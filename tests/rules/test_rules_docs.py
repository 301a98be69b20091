"""docs/rules.md is held to the program: its examples load and run, its lists are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from siyu_cli import windows
from siyu_cli.rules import catalog, stage_list
from siyu_cli.rules.load import check_rules
from tests.rules.rule_facts import World, tags_of

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
SOURCES = [
    *sorted((ROOT / "src" / "siyu_cli" / "rules").glob("*.py")),
    *sorted((ROOT / "src" / "siyu_cli").glob("yaml*.py")),
]


STAGES = (ROOT / "docs" / "stages.md").read_text(encoding="utf-8")
STAGE_BLOCKS = re.findall(r"^```yaml\n(.*?)^```", STAGES, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", [*BLOCKS, *STAGE_BLOCKS])
def test_every_example_loads_and_runs(block: str) -> None:
    rules = check_rules([("docs/rules.md", block.encode())])
    world = World()
    world.order(world.customer(), 1, 100)
    if rules.tags:
        assert set(tags_of(world, rules)) == {1}


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 7
    assert len(STAGE_BLOCKS) >= 3


def test_every_key_of_a_stage_is_there() -> None:
    assert [key for key in stage_list.KEYS if f"| `{key}" not in STAGES] == []


def test_every_error_code_is_listed_and_no_other() -> None:
    used = {
        code for path in SOURCES for code in re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert set(re.findall(r"^\| ([EW]\d{3}) \|", TEXT, re.MULTILINE)) == used


def test_every_metric_field_and_window_word_is_there() -> None:
    names = [*catalog.METRICS, *catalog.AGGREGATES, *catalog.CUSTOMER_FIELDS, *windows.NAMED]
    names += [field for fields in catalog.ROW_FIELDS.values() for field in fields]
    assert [name for name in names if name not in TEXT] == []
