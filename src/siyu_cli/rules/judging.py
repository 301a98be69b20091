"""What rule tests say: which expectations failed and why, how much of the rules they cover, what they miss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.rules.cases import RuleTest
from siyu_cli.rules.changes import Mutant
from siyu_cli.rules.mutants import mutants_of
from siyu_cli.rules.survival import survivors_of
from siyu_cli.rules.testing import Case, Check, checks_of, run_tests
from siyu_cli.rules.trace import Traced, Tracer, rule_of_stage, stage_key
from siyu_cli.rules.tree import RuleSet, TagRule
from siyu_cli.store.fixtures import memory_store
from siyu_cli.yamlfile import Mark

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Failure:
    """A check that was not met; no trace where the tag has no rule."""

    check: Check
    trace: Traced | None


@dataclass(frozen=True)
class LineCoverage:
    """A line among the customers for whom its tag is checked."""

    text: str
    mark: Mark
    is_seen_true: bool
    is_seen_false: bool


@dataclass(frozen=True)
class TagCoverage:
    """One tag or stage: is it expected and expected not, and was every line seen true and false?"""

    tag: str
    mark: Mark
    has_positive: bool
    has_negative: bool
    lines: tuple[LineCoverage, ...]
    is_stage: bool = False

    @property
    def wanted(self) -> int:
        return 2 + 2 * len(self.lines)

    @property
    def found(self) -> int:
        lines = sum(line.is_seen_true + line.is_seen_false for line in self.lines)
        return self.has_positive + self.has_negative + lines


@dataclass(frozen=True)
class Verdict:
    """All of it. `coverage` and `mutants` are None where they were not asked for."""

    tests: tuple[RuleTest, ...]
    cases: int
    checks: tuple[Check, ...]
    failures: tuple[Failure, ...]
    coverage: tuple[TagCoverage, ...] | None
    mutants: int | None
    survivors: tuple[Mutant, ...]

    @property
    def covered_pct(self) -> int | None:
        """Whole percent, rounded down: 100 is really all."""
        if self.coverage is None:
            return None
        wanted = sum(one.wanted for one in self.coverage)
        return sum(one.found for one in self.coverage) * 100 // wanted if wanted else 100

    @property
    def noticed_pct(self) -> int | None:
        """Whole percent of the mutants that a test notices, rounded down."""
        if self.mutants is None:
            return None
        return (self.mutants - len(self.survivors)) * 100 // self.mutants if self.mutants else 100


def judge(
    rules: RuleSet,
    tests: Sequence[RuleTest],
    *,
    with_coverage: bool = False,
    with_mutants: bool = False,
    tags: Iterable[str] | None = None,
    stages: bool = True,
    store: DuckDBPyConnection | None = None,
) -> Verdict:
    """Run tests, in an empty store (`store.fixtures.memory_store`) where one is given: it is empty again afterwards.

    Coverage and mutants are about `tags` (None: all of the rule set) and, with `stages`, the stages.

    Mutants are only tried where everything passes: of rules that fail, nobody knows what they should do.
    """
    automatic = [rule.name for rule in rules.tags]
    spoken_of = set(automatic if tags is None else tags)
    about = [rule for rule in rules.tags if rule.name in spoken_of]
    if stages:
        about += [rule for one in rules.stages if (rule := rule_of_stage(one)) is not None]
    tracer = Tracer(about) if with_coverage else None
    mutants: list[Mutant] | None = None
    survivors: list[Mutant] = []
    with memory_store() if store is None else nullcontext(store) as con:
        held, rows = run_tests(con, rules, tests, tracer)
        checks = tuple(checks_of(tests, held, automatic))
        failures = _explain(con, rules, tests, [check for check in checks if not check.is_met])
        if with_mutants and not failures:
            mutants = mutants_of(rules, spoken_of, stages=stages)
            survivors = survivors_of(con, rules, tests, checks, mutants)
    coverage = tuple(_covered(tracer, rule, checks, rows) for rule in about) if tracer else None
    return Verdict(
        tuple(tests),
        len({check.case for check in checks}),
        checks,
        failures,
        coverage,
        None if mutants is None else len(mutants),
        tuple(survivors),
    )


def is_enough(verdict: Verdict, minimum: int | None) -> bool:
    """Whether coverage, and the share of mutants noticed, reach a minimum in percent."""
    shares = (verdict.covered_pct, verdict.noticed_pct)
    return minimum is None or all(share >= minimum for share in shares if share is not None)


def _explain(
    con: DuckDBPyConnection, rules: RuleSet, tests: Sequence[RuleTest], unmet: Sequence[Check]
) -> tuple[Failure, ...]:
    """The failed checks with the traces of their tags, by running their tests once more."""
    if not unmet:
        return ()
    names, about = {check.case.test for check in unmet}, {check.about for check in unmet}
    every = [*rules.tags, *filter(None, map(rule_of_stage, rules.stages))]
    tracer = Tracer(rule for rule in every if rule.name in about)
    _, rows = run_tests(con, rules, [test for test in tests if test.name in names], tracer)
    return tuple(
        Failure(
            check, tracer.trace(check.about, rows[check.case]) if check.about in tracer.outlines else None
        )
        for check in unmet
    )


def _covered(
    tracer: Tracer, rule: TagRule, checks: Sequence[Check], rows: dict[Case, dict[str, Any]]
) -> TagCoverage:
    is_stage = rule.name.startswith(stage_key(""))
    own = [check for check in checks if (not check.tag if is_stage else check.tag == rule.name)]
    seen = [rows[check.case] for check in own]
    lines = []
    # What stands for no words of the file (a value of `map`, a default) is covered by its tag alone.
    written = [line for line in tracer.outlines[rule.name].lines() if line.condition.written is not None]
    for line in written:
        values = {tracer.is_true(line.condition, row) for row in seen}
        lines.append(LineCoverage(line.text, line.mark, True in values, False in values))
    wanted = {check.about == rule.name if is_stage else check.wanted for check in own}
    return TagCoverage(
        rule.name.removeprefix(stage_key("")),
        rule.mark,
        True in wanted,
        False in wanted,
        tuple(lines),
        is_stage,
    )
