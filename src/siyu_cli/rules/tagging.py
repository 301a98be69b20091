"""Planning and applying tags and stages: facts, one query, comparison with what is held, guards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.customers.facts import future_rows
from siyu_cli.customers.tables import build_tables
from siyu_cli.errors import InputRefused, StoppedByGuard
from siyu_cli.language import tr
from siyu_cli.rules.compile import TagQuery, compile_tags
from siyu_cli.rules.load import load_rules
from siyu_cli.rules.stages import StagePlan, apply_stages, check_removed, plan_stages, stage_names
from siyu_cli.rules.tree import Condition, Guard, NumberValue, RuleSet, TextColumn
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.tags import TagCount, apply_changes, plan_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine
    from siyu_cli.workspace import Workspace

# A rule that suddenly takes its tag from a third of its holders is more often a mistake than a change.
DEFAULT_REMOVE_PCT = 30
# Below this many holders a third is a few people, and small shops would be stopped every day.
GUARDED_FROM = 20

_HAND_TAGS_SQL = "SELECT customer_id, tag FROM held_tags WHERE source = 'manual'"
# Nothing is remembered yet: every tag is its condition, groups have their winner.
_STATE_SQL = """
SELECT customer_id, tag, 0 AS pin_rank, 0 AS is_off, CAST(NULL AS INTEGER) AS last_true_day FROM tags LIMIT 0
"""


@dataclass(frozen=True)
class TagPlan:
    """What applying would change; the changes themselves wait in the store's temporary tables."""

    counts: tuple[TagCount, ...]
    without_rule: tuple[str, ...]
    stopped: tuple[str, ...]
    future_rows: int
    stages: StagePlan


def workspace_rules(workspace: Workspace) -> RuleSet:
    """The checked rules of a workspace; RulesRefused with every mistake."""
    return load_rules(workspace.root / "rules", workspace.shown)


def evaluate(
    con: DuckDBPyConnection,
    rules: RuleSet,
    as_of: AsOf,
    *,
    amend: Callable[[Engine], None] | None = None,
    watch: Sequence[Condition | NumberValue | TextColumn] = (),
) -> TagQuery:
    """Make the facts and, from them, `tag_flags`: one row per customer with the columns the query names.

    `amend` may change the facts before (tests of rules); what is in `watch` becomes columns, too (traces).
    """
    engine = DuckDbEngine(con)
    engine.write(_HAND_TAGS_SQL, "fact_hand_tags")
    engine.write(_STATE_SQL, "fact_tag_state")
    query = compile_tags(rules, as_of, watch)
    build_tables(engine, as_of, query.tables, stage_names(rules))
    if amend is not None:
        amend(engine)
    engine.write(query.text, "tag_flags", query.params)
    return query


def plan_tags(
    con: DuckDBPyConnection,
    rules: RuleSet,
    as_of: AsOf,
) -> TagPlan:
    """Evaluate every rule once and compare; nothing is written.

    A workspace without a single rule file is refused: all tags would go, and a lost folder is likelier.
    """
    if not rules.files:
        raise InputRefused(
            "no-rules",
            tr("rules/ 里没有规则文件", "There is no rule file in rules/"),
            hint=tr("siyu init . 会补上自带的规则", "siyu init . brings the shipped rules back"),
        )
    check_removed(con, rules)
    query = evaluate(con, rules, as_of) if rules.tags or rules.stages else None
    counts = {count.tag: count for count in plan_changes(con, "tag_flags", columns_of(rules, query))}
    for rule in rules.tags:
        counts.setdefault(rule.name, TagCount(rule.name, 0, 0, 0))
    ordered = tuple(counts[tag] for tag in sorted(counts))
    guards = {rule.name: rule.guard for rule in rules.tags}
    stopped = [
        reason
        for count in ordered
        if count.tag in guards and (reason := stop_reason(count, guards[count.tag]))
    ]
    gone = tuple(count.tag for count in ordered if count.tag not in guards)
    stages = plan_stages(con, rules, query.stages if query else (), "tag_flags", as_of)
    late = future_rows(DuckDbEngine(con), as_of)
    return TagPlan(ordered, gone, (*stopped, *stages.stopped), late, stages)


def columns_of(rules: RuleSet, query: TagQuery | None) -> list[tuple[str, str, str]]:
    """(column of `tag_flags`, tag, rule hash), as the comparison with what is held wants them."""
    hashes = {rule.name: rule.rule_hash for rule in rules.tags}
    return [(column, tag, hashes[tag]) for column, tag in query.columns] if query else []


def apply_plan(con: DuckDBPyConnection, plan: TagPlan, run_id: int, as_of: AsOf) -> None:
    """Carry a plan of this transaction out; StoppedByGuard where one of its tags changes too much."""
    if plan.stopped:
        raise StoppedByGuard(
            "tag-guard",
            tr("变化太大,什么也没写:", "Too much would change, nothing written: ") + ";".join(plan.stopped),
            hint=tr(
                "用 siyu plan-tags 核对;确实要改,就在标签下写 guard: {max_remove_pct: 100} 或更大的 max_add",
                "Check with siyu plan-tags; if right, write guard: {max_remove_pct: 100} or a larger max_add",
            ),
        )
    apply_changes(con, run_id, as_of.day)
    apply_stages(con, plan.stages, run_id, as_of)


def stop_reason(count: TagCount, guard: Guard) -> str:
    """Why a tag's change is too large, or ''."""
    if guard.max_add is not None and count.added > guard.max_add:
        return tr(
            f"「{count.tag}」要新增 {count.added:,} 人,上限 {guard.max_add:,}",
            f"“{count.tag}” would gain {count.added:,}, the limit is {guard.max_add:,}",
        )
    percent = guard.max_remove_pct
    if percent is None:
        percent = DEFAULT_REMOVE_PCT if count.before >= GUARDED_FROM else 100
    if count.removed * 100 > percent * count.before:
        return tr(
            f"「{count.tag}」要去掉 {count.removed:,} 人(原有 {count.before:,}),上限 {percent}%",
            f"“{count.tag}” would lose {count.removed:,} of {count.before:,}, the limit is {percent}%",
        )
    return ""
