"""Planning and applying tags and stages: facts, one query, comparison with what is held, causes, guards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from siyu_cli.customers.facts import future_rows
from siyu_cli.customers.tables import build_tables
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.rules.causes import find_causes, last_rules
from siyu_cli.rules.compile import TagQuery, compile_tags
from siyu_cli.rules.guards import Stop, check_stops, tag_stop
from siyu_cli.rules.holding import Reason
from siyu_cli.rules.load import load_rules
from siyu_cli.rules.stages import StagePlan, apply_stages, check_removed, plan_stages, stage_names
from siyu_cli.rules.steps import write_flags
from siyu_cli.rules.tree import Condition, NumberValue, RuleSet, TextColumn
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.pins import Ended, end_pins, ended_pins
from siyu_cli.store.tag_causes import note_tag_run
from siyu_cli.store.tag_state import (
    HAND_TAGS_SQL,
    Renamed,
    TagSetting,
    build_tag_state,
    hide_renamed,
    pending_renames,
    rename_tags,
    show_renamed,
)
from siyu_cli.store.tags import TagCount, apply_changes, count_causes, plan_changes, sums_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine
    from siyu_cli.workspace import Workspace


@dataclass(frozen=True)
class TagPlan:
    """What applying would change; the changes themselves wait in the store's temporary tables.

    `several`: group → how many customers satisfy more than one of its tags. `causes`: (tag, action) → cause →
    how many. `ended`: tags without a rule whose hands are over.
    """

    counts: tuple[TagCount, ...]
    without_rule: tuple[str, ...]
    stopped: tuple[Stop, ...]
    future_rows: int
    several: dict[str, int]
    renamed: tuple[Renamed, ...]
    causes: dict[tuple[str, str], dict[str, int]]
    truths: tuple[tuple[str, str], ...]
    stages: StagePlan
    ended: tuple[Ended, ...] = ()


def workspace_rules(workspace: Workspace) -> RuleSet:
    """The checked rules of a workspace; RulesRefused with every mistake."""
    return load_rules(workspace.root / "rules", workspace.shown)


def settings_of(rules: RuleSet) -> list[TagSetting]:
    """What the store is told of the rules' tags."""
    return [
        TagSetting(rule.name, rule.rule_hash, bool(rule.keep), rule.by_hand.ttl, rule.was)
        for rule in rules.tags
    ]


def evaluate(
    con: DuckDBPyConnection,
    rules: RuleSet,
    as_of: AsOf,
    *,
    amend: Callable[[Engine], None] | None = None,
    watch: Sequence[Condition | NumberValue | TextColumn] = (),
    is_lean: bool = False,
) -> TagQuery:
    """Make the facts and, from them, `tag_flags`: one row per customer with the columns the query names.

    Pins and grace are in it. `amend` may change the facts before (tests of rules); what is in `watch` becomes
    columns, too (traces). With `is_lean` facts have only what the query looks at.
    """
    engine = DuckDbEngine(con)
    pinned = build_tag_state(con, settings_of(rules), as_of.day)
    query = compile_tags(rules, as_of, watch, pinned=pinned)
    if "fact_hand_tags" in query.tables:
        engine.write(HAND_TAGS_SQL, "fact_hand_tags")
    build_tables(engine, as_of, query.tables, stage_names(rules), query.words if is_lean else None)
    if amend is not None:
        amend(engine)
    if is_lean:
        write_flags(engine, query, "tag_flags")
    else:
        engine.write(query.text, "tag_flags", query.params)
    return query


def plan_tags(con: DuckDBPyConnection, rules: RuleSet, as_of: AsOf, *, writes: bool = False) -> TagPlan:
    """Evaluate every rule once and compare; nothing is written, but that with `writes` tags get their new names.

    A workspace without a single rule file is refused: all tags would go, and a lost folder is likelier.
    """
    if not rules.files:
        raise InputRefused(
            "no-rules",
            tr("rules/ 里没有规则文件", "There is no rule file in rules/"),
            hint=tr("siyu init . 会补上自带的规则", "siyu init . brings the shipped rules back"),
        )
    check_removed(con, rules)
    renamed = pending_renames(con, settings_of(rules))
    if writes:
        rename_tags(con, renamed)
        return _plan(con, rules, as_of, renamed)
    show_renamed(con, renamed)
    try:
        return _plan(con, rules, as_of, renamed)
    finally:
        hide_renamed(con, renamed)


def _plan(con: DuckDBPyConnection, rules: RuleSet, as_of: AsOf, renamed: tuple[Renamed, ...]) -> TagPlan:
    query = evaluate(con, rules, as_of, is_lean=True) if rules.tags or rules.stages else None
    if query is None:
        build_tag_state(con, (), as_of.day)
        query = TagQuery()
    last = last_rules(con)
    changes = plan_changes(con, "tag_flags", columns_of(rules, query), "" if last else "rule")
    counts = {count.tag: count for count in changes}
    for rule in rules.tags:
        counts.setdefault(rule.name, TagCount(rule.name, 0, 0, 0))
    counts |= _by_reason(con, query, counts)
    several = sums_of(con, "tag_flags", [(column, 1) for column, _ in query.several])
    stages = plan_stages(con, rules, query.stages, "tag_flags", as_of)
    late = future_rows(DuckDbEngine(con), as_of)
    if last:
        find_causes(con, last, rules, as_of, query.pinned)
    ordered = tuple(counts[tag] for tag in in_file_order(rules, counts))
    guards = {rule.name: rule.guard for rule in rules.tags}
    stopped = [
        stop for count in ordered if count.tag in guards and (stop := tag_stop(count, guards[count.tag]))
    ]
    return TagPlan(
        counts=ordered,
        without_rule=tuple(count.tag for count in ordered if count.tag not in guards),
        stopped=(*stopped, *stages.stopped),
        future_rows=late,
        several={group: many for (_, group), many in zip(query.several, several, strict=True)},
        renamed=renamed,
        causes=count_causes(con),
        truths=query.truths,
        stages=stages,
        ended=ended_pins(con),
    )


def in_file_order(rules: RuleSet, tags: Iterable[str]) -> list[str]:
    """Tags as the files have them, those of a group together by its priority; at the end those without a rule."""
    places = {rule.name: (rule.mark.file, rule.mark.line, rule.mark.column, 0) for rule in rules.tags}
    for group in rules.groups:
        mark = group.mark
        for number, name in enumerate(group.members):
            places[name] = (mark.file, mark.line, mark.column, number)
    return sorted(tags, key=lambda tag: (tag not in places, places.get(tag, ("", 0, 0, 0)), tag))


def columns_of(rules: RuleSet, query: TagQuery) -> list[tuple[str, str, str]]:
    """(column of `tag_flags`, tag, rule hash), as the comparison with what is held wants them."""
    hashes = {rule.name: rule.rule_hash for rule in rules.tags}
    return [(column, tag, hashes[tag]) for column, tag in query.columns]


def _by_reason(con: DuckDBPyConnection, query: TagQuery, counts: dict[str, TagCount]) -> dict[str, TagCount]:
    """The counts of tags with keep, pins or priorities, with who has them by grace or a person's hand."""
    wanted = (Reason.GRACE, Reason.PIN, Reason.BLOCKED)
    tests = [(column, reason.value) for column, _ in query.reasons for reason in wanted]
    sums = iter(sums_of(con, "tag_flags", tests))
    return {
        tag: replace(counts[tag], kept=next(sums), pinned=next(sums), blocked=next(sums))
        for _, tag in query.reasons
    }


def apply_plan(
    con: DuckDBPyConnection,
    rules: RuleSet,
    plan: TagPlan,
    run_id: int,
    as_of: AsOf,
    *,
    plan_id: str = "",
    past: Sequence[str] = (),
) -> None:
    """Carry a plan of this transaction out; StoppedByGuard where a tag or stage that is not in `past` changes too much."""
    check_stops(plan.stopped, past)
    end_pins(con, run_id, as_of.day)
    apply_changes(con, run_id, as_of.day, "tag_flags", plan.truths)
    apply_stages(con, plan.stages, run_id, as_of)
    note_tag_run(con, run_id, as_of, rules.digest, rules.texts, plan_id)
