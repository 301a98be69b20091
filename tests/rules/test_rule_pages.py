"""docs/rules/: every metric, field, window, word, key and code has its section, and every example is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from siyu_cli.rules.data_lints import lint_rules
from siyu_cli.rules.judging import judge
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.problems import RulesRefused
from siyu_cli.rules.structure import STRUCTURE
from siyu_cli.rules.vocabulary import built_in_names
from siyu_cli.store.fixtures import memory_store

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "rules").glob("*.md"))
}
SECTIONS = [
    (page, match[1].strip(), match[2])
    for page, text in PAGES.items()
    for match in re.finditer(r"^## (.+?)\n(.*?)(?=^##? |\Z)", text, re.DOTALL | re.MULTILINE)
]
EXAMPLES = [
    (page, name, block)
    for page, name, body in SECTIONS
    for block in re.findall(r"^```yaml\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
]
# `W605` after the fence: the example is wrong on purpose, and this is what is said of it.
WRONG = [
    (code, block)
    for _, _, body in SECTIONS
    for code, block in re.findall(r"^```yaml ([EW]\d{3})\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
]


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    """One for all examples: what a test puts in is taken back."""
    with memory_store() as con:
        yield con


@pytest.mark.parametrize(
    ("page", "name", "block"), EXAMPLES, ids=[f"{page}-{name}" for page, name, _ in EXAMPLES]
)
def test_every_example_is_loaded_and_evaluated(page: str, name: str, block: str, store: Any) -> None:
    rules = check_rules([(f"{page}.md", block.encode())])
    verdict = judge(rules, rules.tests, store=store)
    assert verdict.checks
    assert verdict.failures == ()
    if page != "keys":
        assert name in block


@pytest.mark.parametrize(("code", "block"), WRONG)
def test_every_wrong_example_gets_its_code(code: str, block: str) -> None:
    try:
        found = [problem.code for problem in lint_rules(check_rules([("a.yaml", block.encode())])).problems]
    except RulesRefused as error:
        found = [problem.code for problem in error.problems]
    assert code in found
    assert {one[0] for one in found} == {code[0]}


@pytest.mark.parametrize("kind", ["metrics", "fields", "windows", "words"])
def test_every_name_has_its_section_with_an_example(kind: str) -> None:
    wanted = {entry.name for entry in built_in_names() if entry.kind == kind}
    assert wanted - {name for page, name, _ in EXAMPLES if page == kind} == set()


def test_every_key_has_its_section_and_stands_in_an_example() -> None:
    sections = {name for page, name, _ in SECTIONS if page == "keys"}
    keys = {key for known in STRUCTURE.values() for key in known}
    assert keys - sections == set()
    shown = "".join(block for page, _, block in EXAMPLES if page == "keys")
    assert [key for key in keys if not re.search(rf"(?<!\w){key}:", shown)] == []


def test_every_code_has_its_section() -> None:
    overview = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    codes = set(re.findall(r"^\| ([EW]\d{3}) \|", overview, re.MULTILINE))
    assert {name for page, name, _ in SECTIONS if page == "codes"} == codes
    # E101 is about bytes, W607 and W609 about a shop's data: tests/test_yamlfile.py and tests/rules/test_data_lints.py.
    assert {code for code, _ in WRONG} == codes - {"E101", "W607", "W609"}


def test_every_word_of_events_is_named() -> None:
    words = [entry.name for entry in built_in_names() if entry.kind == "events"]
    assert [word for word in words if word not in PAGES["fields"]] == []
