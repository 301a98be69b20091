"""Which tests of a workspace are run: all, those of some files, those with a word in their name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr
from siyu_cli.rules.cases import RuleTest
from siyu_cli.rules.load import load_rules, rule_files
from siyu_cli.rules.tree import RuleSet
from siyu_cli.words import fold
from siyu_cli.workspace import Workspace


@dataclass(frozen=True)
class Chosen:
    """The whole rule set, the tests to run, the tags they are about (None: all), and whether the stages are, too."""

    rules: RuleSet
    tests: tuple[RuleTest, ...]
    tags: tuple[str, ...] | None
    stages: bool = True


def choose_tests(workspace: Workspace, files: Sequence[Path], name: str) -> Chosen:
    """RulesRefused with every mistake of every file; UsageRefused where nothing is chosen.

    Files outside rules/ are read beside those in it. Named files are about the tags they define or, where
    they define none, those their tests speak of.
    """
    folder = workspace.root / "rules"
    known = {path.resolve(): workspace.shown(path) for path in rule_files(folder)}
    given = [one for path in files for one in (rule_files(path) if path.is_dir() else [path])]
    outside = [path for path in given if path.resolve() not in known]
    names = {known.get(path.resolve(), str(path)) for path in given}
    rules = load_rules(folder, lambda path: known.get(path.resolve(), str(path)), outside)
    tests = [test for test in rules.tests if not names or test.mark.file in names]
    found = tuple(test for test in tests if fold(name) in fold(test.name))
    if name and not found:
        there_are = "、".join(test.name for test in tests[:10])
        raise UsageRefused(
            "no-such-test",
            tr(f"没有名称含「{name}」的测试", f"No test has “{name}” in its name"),
            hint=tr(f"有:{there_are}", f"There are: {there_are}") if there_are else "",
        )
    tags, stages = _about(rules, found, names)
    return Chosen(rules, found, tags, stages)


def _about(rules: RuleSet, tests: Sequence[RuleTest], names: set[str]) -> tuple[tuple[str, ...] | None, bool]:
    """The tags, and whether the stages: of the files themselves or, where they define neither, of their tests."""
    if not names:
        return None, True
    defined = tuple(rule.name for rule in rules.tags if rule.mark.file in names)
    has_stages = any(stage.mark.file in names for stage in rules.stages)
    if defined or has_stages:
        return defined, has_stages
    expected = [one for test in tests for step in test.steps for one in step.expectations]
    spoken = {tag for one in expected for tag in (*one.has, *one.lacks, *(one.only or ()))}
    return tuple(sorted(spoken)), any(one.stage is not None for one in expected)
