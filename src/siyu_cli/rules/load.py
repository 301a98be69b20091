"""Rule files into one checked RuleSet: definitions of all files first, then every line against all names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from siyu_cli.errors import InputRefused, system_words
from siyu_cli.language import tr
from siyu_cli.rules.case_reader import CaseReader
from siyu_cli.rules.catalog import METRICS
from siyu_cli.rules.definitions import Definition, Definitions, collect, report_twice
from siyu_cli.rules.grammar import parse_window
from siyu_cli.rules.graph import arrange
from siyu_cli.rules.groups import GroupReader
from siyu_cli.rules.metrics import MetricReader
from siyu_cli.rules.names import LineReader, Names
from siyu_cli.rules.problems import Report
from siyu_cli.rules.settings import TAG_KEYS, check_former_names, read_tag
from siyu_cli.rules.shapes import needs, pairs_of, read_condition, source_of
from siyu_cli.rules.stage_list import StageReader
from siyu_cli.rules.tree import Defined, Metric, Ratio, RuleSet, Scope, StageRule, TagGroup, TagRule
from siyu_cli.words import fold
from siyu_cli.yamlfile import Scalar, parse_yaml


def rule_files(folder: Path) -> list[Path]:
    """Every rule file below a folder, in a stable order; what editors hide beside them is none."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in (".yaml", ".yml") and not path.name.startswith(".") and path.is_file()
    )


def load_rules(folder: Path, shown_as: Callable[[Path], str] = str, beside: Sequence[Path] = ()) -> RuleSet:
    """The checked rules of a folder, and of files beside it; RulesRefused with every mistake of every file."""
    raw: list[tuple[str, bytes]] = []
    for path in (*rule_files(folder), *beside):
        try:
            raw.append((shown_as(path), path.read_bytes()))
        except OSError as error:
            name = shown_as(path)
            message = tr(
                f"读不了文件 {name}:{system_words(error)}", f"Cannot read {name}: {system_words(error)}"
            )
            raise InputRefused("unreadable-file", message) from None
    return check_rules(raw)


def check_rules(files: list[tuple[str, bytes]]) -> RuleSet:
    """The checked rules of named bytes; RulesRefused with every mistake of every file."""
    report = Report()
    found = Definitions()
    for name, content in files:
        report.add_file(name, content)
        try:
            node = parse_yaml(content, name)
        except InputRefused as error:
            report.add_yaml(name, error)
            continue
        collect(report, found, node)
    checker = _Checker(report, found)
    rules, groups = checker.check()
    strata = arrange(report, rules, groups)
    tests = CaseReader(report, checker.tag_names, found.manual, checker.shown["stages"]).read(found.tests)
    report.finish()
    return RuleSet(
        files=tuple(name for name, _ in files),
        rules=len(found.tags) + len(found.groups),
        tags=tuple(sorted(rules, key=lambda rule: rule.name)),
        strata=strata,
        manual_tags=tuple(sorted(scalar.text.strip() for scalar in found.manual.values())),
        groups=tuple(sorted(groups, key=lambda group: group.name)),
        texts=tuple((name, content.decode("utf-8-sig")) for name, content in files),
        tests=tests,
        defined=checker.defined(),
        stages=checker.stages,
    )


def _reads_as_window(name: str) -> bool:
    """Whether the grammar takes a name in brackets for a time window: such a scope could never be meant."""
    return parse_window(name) is not None


class _Checker:
    """Checks definitions in the order they need each other: scopes, metrics, ratios, tags."""

    def __init__(self, report: Report, found: Definitions) -> None:
        self.report = report
        self.found = found
        self.scopes: dict[str, Scope | None] = {}
        self.metrics: dict[str, Metric | Ratio | None] = {}
        self.tag_names: dict[str, str] = {}
        self.places: dict[str, Scalar] = {}
        self.shown: dict[str, tuple[str, ...]] = {
            "scopes": tuple(entry.name.text for entry in found.scopes.values()),
            "metrics": (*METRICS, *(entry.name.text for entry in found.metrics.values())),
            "tags": (),
            "stages": (),
        }
        self.stages: tuple[StageRule, ...] = ()
        self.names = Names(self.scopes, self.metrics, self.tag_names, self.shown)
        self.reader = LineReader(report, self.names)

    def check(self) -> tuple[list[TagRule], list[TagGroup]]:
        """Every tag rule without mistakes, and the groups; the rest is in the report."""
        for key, entry in self.found.scopes.items():
            self.scopes[key] = self._scope(entry)
        MetricReader(self.report, self.reader, self.metrics).read(self.found.metrics)
        reader = GroupReader(self.report, self.reader)
        kinds = [(entry, *reader.kind(entry)) for entry in self.found.groups.values()]
        for entry, kind, pairs in kinds:
            members = reader.members(kind, pairs) if kind else []
            self.names.groups[entry.name.text.strip()] = list(
                dict.fromkeys(scalar.text.strip() for scalar in members)
            )
            for scalar in members:
                self._name_tag(fold(scalar.text), scalar)
        for key, entry in self.found.tags.items():
            self._name_tag(key, entry.name)
        for key, scalar in self.found.manual.items():
            self._name_tag(key, scalar)
        self.shown["tags"] = tuple(self.tag_names.values())
        stages = StageReader(self.report)
        listed = stages.read_list(self.found.stages)
        self.shown["stages"] = tuple(name.text.strip() for name, _ in listed)
        self.stages = tuple(stages.read(name, pairs, self.reader.customer_leaf) for name, pairs in listed)
        made = [reader.rules(entry, kind, pairs) for entry, kind, pairs in kinds if kind]
        groups = [group for _, group in made]
        keys = (*TAG_KEYS, "manual", "manual_ttl")
        alone = [
            read_tag(self.report, self.reader, entry.name, entry.body, keys)
            for entry in self.found.tags.values()
        ]
        # A name that stands twice is reported above; the strata want each once.
        rules = {
            rule.name: rule for rule in [*filter(None, alone), *(rule for some, _ in made for rule in some)]
        }
        check_former_names(self.report, list(rules.values()), self.tag_names)
        return list(rules.values()), groups

    def defined(self) -> tuple[Defined, ...]:
        """The scopes and metrics of the files, once everything is checked."""
        known: list[tuple[Definition, Scope | Metric | Ratio | None]] = [
            *((entry, self.scopes[key]) for key, entry in self.found.scopes.items()),
            *((entry, self.metrics.get(key)) for key, entry in self.found.metrics.items()),
        ]
        return tuple(
            Defined(
                entry.name.text.strip(), entry.name.mark, fold(entry.name.text) in self.reader.used, value
            )
            for entry, value in sorted(known, key=lambda one: one[0].name.text)
            if value is not None
        )

    def _name_tag(self, key: str, name: Scalar) -> None:
        if key in self.tag_names:
            report_twice(self.report, name, self.places[key])
            return
        self.tag_names[key], self.places[key] = name.text.strip(), name

    def _scope(self, entry: Definition) -> Scope | None:
        name = entry.name.text
        if _reads_as_window(name):
            self.report.add(
                "E206", entry.name, tr(f"「{name}」是时间窗口的写法,范围换个名字", f"“{name}” is a window")
            )
        pairs = pairs_of(
            self.report, entry.body, ("on", "when", "note"), tr(f"范围「{name}」", f"scope “{name}”")
        )
        source = source_of(self.report, pairs, "on", entry.name)
        if source is None or not needs(self.report, pairs, "when", entry.name):
            return None
        when = read_condition(self.report, pairs["when"][1], self.reader.row_leaf(source))
        return None if when is None else Scope(source, when)
