"""Which mutants no test notices: all of them are tagged beside the real rules, in a few runs of the tests.

A mutant's rules, and the rules that refer to them, enter the rule set again under names of their own. So one
compiled query evaluates many mutants, and what they share with the real rules is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from siyu_cli.rules.cases import RuleTest
from siyu_cli.rules.changes import Mutant
from siyu_cli.rules.testing import Check, checks_of, run_tests
from siyu_cli.rules.tree import RuleSet, TagGroup, TagRule, TagTest, tags_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Copies of rules in one query: planning a statement costs more than in proportion to its columns.
_COPIES = 150


@dataclass(frozen=True)
class _Copies:
    """The rules a mutant makes different, by the names of what they stand for."""

    mutant: Mutant
    rules: dict[str, TagRule]
    groups: tuple[TagGroup, ...]

    def name(self, tag: str) -> str:
        return self.rules[tag].name


def survivors_of(
    con: DuckDBPyConnection,
    rules: RuleSet,
    tests: Sequence[RuleTest],
    checks: Sequence[Check],
    mutants: Sequence[Mutant],
) -> list[Mutant]:
    """The mutants under which every check that was met is still met."""
    found = [
        mutant for mutant in mutants if mutant.stages and not _notices(con, rules, tests, checks, mutant)
    ]
    for batch in _batches(rules, [mutant for mutant in mutants if not mutant.stages]):
        many = _with_copies(rules, batch)
        aliases: dict[str, list[str]] = {}
        for copies in batch:
            for tag, rule in copies.rules.items():
                aliases.setdefault(tag, []).append(rule.name)
        # A test that checks none of these tags notices nothing: it is not run.
        noticing = {check.case.test for check in checks if check.tag in aliases}
        held = run_tests(con, many, [test for test in tests if test.name in noticing], aliases=aliases)[0]
        for copies in batch:
            noticed = any(
                (copies.name(check.tag) in held[check.case].all) != check.is_held
                for check in checks
                if check.tag in copies.rules
            )
            if not noticed:
                found.append(copies.mutant)
    return found


def _notices(
    con: DuckDBPyConnection,
    rules: RuleSet,
    tests: Sequence[RuleTest],
    checks: Sequence[Check],
    mutant: Mutant,
) -> bool:
    """Whether a test fails with other stages: there is one list of them, so each takes a run of its own."""
    changed = {rule.name: rule for rule in mutant.rules}
    stages = {stage.name: stage for stage in mutant.stages}
    many = replace(
        rules,
        tags=tuple(changed.get(rule.name, rule) for rule in rules.tags),
        strata=tuple(tuple(changed.get(rule.name, rule) for rule in layer) for layer in rules.strata),
        stages=tuple(stages.get(stage.name, stage) for stage in rules.stages),
    )
    own = {check.case.test for check in checks if not check.tag or check.tag in changed}
    noticing = [test for test in tests if test.name in own]
    held = run_tests(con, many, noticing)[0]
    return any(not check.is_met for check in checks_of(noticing, held, [rule.name for rule in rules.tags]))


def _batches(rules: RuleSet, mutants: Sequence[Mutant]) -> Iterator[list[_Copies]]:
    batch: list[_Copies] = []
    size = 0
    for number, mutant in enumerate(mutants):
        copies = _copies_of(rules, mutant, f"\x1f{number}")
        if batch and size + len(copies.rules) > _COPIES:
            yield batch
            batch, size = [], 0
        batch.append(copies)
        size += len(copies.rules)
    if batch:
        yield batch


def _copies_of(rules: RuleSet, mutant: Mutant, ending: str) -> _Copies:
    """The changed rules, the rest of their groups, and all that refers to them: renamed, referring to one another."""
    group_of = {name: group for group in rules.groups for name in group.members}
    by_name = {rule.name: rule for rule in rules.tags}
    changed = {rule.name: rule for rule in mutant.rules}

    def complete() -> None:
        """Who else of a group wins depends on every member."""
        for name in [name for name in changed if name in group_of]:
            for member in group_of[name].members:
                changed.setdefault(member, by_name[member])

    complete()
    for layer in rules.strata:
        for rule in layer:
            if rule.name not in changed and tags_in(rule.when) & changed.keys():
                changed[rule.name] = rule
        complete()
    names = {name: name + ending for name in changed}
    groups = tuple(
        replace(group, name=group.name + ending, members=tuple(names[one] for one in group.members))
        for group in (_as_changed(one, mutant) for one in rules.groups)
        if group.members and group.members[0] in names
    )
    copies = {name: _renamed(rule, names, ending) for name, rule in changed.items()}
    return _Copies(mutant, copies, groups)


def _as_changed(group: TagGroup, mutant: Mutant) -> TagGroup:
    return mutant.group if mutant.group is not None and mutant.group.name == group.name else group


def _renamed(rule: TagRule, names: dict[str, str], ending: str) -> TagRule:
    group = rule.group + ending if rule.group else ""
    return replace(rule, name=names[rule.name], when=_referring(rule.when, names), group=group, was="")


def _referring(node: Any, names: dict[str, str]) -> Any:
    """The same condition with references to the tags that have new names."""
    if isinstance(node, TagTest):
        return replace(node, tag=names.get(node.tag, node.tag))
    if isinstance(node, tuple):
        return tuple(_referring(one, names) for one in node)
    if is_dataclass(node) and not isinstance(node, type) and tags_in(node):  # type: ignore[arg-type]
        return replace(node, **{one.name: _referring(getattr(node, one.name), names) for one in fields(node)})
    return node


def _with_copies(rules: RuleSet, batch: Sequence[_Copies]) -> RuleSet:
    """The rule set with all copies, each in the layer of what it stands for."""
    strata = tuple(
        (
            *layer,
            *(copies.rules[rule.name] for copies in batch for rule in layer if rule.name in copies.rules),
        )
        for layer in rules.strata
    )
    every = sorted((rule for layer in strata for rule in layer), key=lambda rule: rule.name)
    groups = (*rules.groups, *(group for copies in batch for group in copies.groups))
    return replace(rules, tags=tuple(every), strata=strata, groups=groups)
