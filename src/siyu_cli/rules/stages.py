"""Lifecycle stages in a run of the rules: what moves whom, what is refused, what a guard stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.customers.stages import StageNames
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.rules.guards import Stop, stage_stop
from siyu_cli.rules.problems import suggestion
from siyu_cli.store import stages as store
from siyu_cli.store.stages import Listed, StageCount
from siyu_cli.words import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.rules.tree import RuleSet


@dataclass(frozen=True)
class StagePlan:
    """What applying would move; the moves themselves wait in the store's temporary tables.

    `held`: customers whom a rule would move on if a person had not put them where they are. `later`: their history
    goes on after the moment, so they are left alone.
    """

    listed: tuple[Listed, ...] = ()
    counts: tuple[StageCount, ...] = ()
    stopped: tuple[Stop, ...] = ()
    held: int = 0
    later: int = 0


def stage_names(rules: RuleSet) -> StageNames:
    """The stages of the rule files, and what they were called before."""
    was = tuple((old, stage.name) for stage in rules.stages for old in stage.was)
    return StageNames(tuple(stage.name for stage in rules.stages), was)


def check_removed(con: DuckDBPyConnection, rules: RuleSet) -> None:
    """InputRefused where customers stand in a stage that the list no longer has and nobody took over."""
    if not rules.stages:
        return
    names = stage_names(rules)
    gone = store.unknown_stages(con, [*names.names, *(old for old, _ in names.was)])
    if not gone:
        return
    listed = "、".join(tr(f"「{stage}」{people:,} 人", f"“{stage}” {people:,}") for stage, people in gone)
    raise InputRefused(
        "stage-removed",
        tr(
            f"stages 里没有了这些阶段,可还有客户在里面:{listed}",
            f"Customers stand in stages that are gone: {listed}",
        ),
        hint=tr(
            f"改了名就在新的阶段下写 was: {gone[0][0]};去掉了就在接手的阶段下写,他们会移过去",
            f"Write was: {gone[0][0]} under the stage that takes them over",
        ),
    )


def plan_stages(
    con: DuckDBPyConnection, rules: RuleSet, columns: Sequence[tuple[str, str]], flags: str, as_of: AsOf
) -> StagePlan:
    """Where every customer goes; `columns` are (column of `flags`, stage). Nothing is written."""
    if not rules.stages:
        return StagePlan()
    by_stage = {stage: column for column, stage in columns}
    listed = tuple(
        Listed(number, stage.name, by_stage.get(stage.name, ""), stage.remind_days, stage.is_lost)
        for number, stage in enumerate(rules.stages, start=1)
    )
    counts = tuple(store.plan_moves(con, listed, stage_names(rules).was, flags, as_of.seconds))
    pairs = zip(rules.stages, counts, strict=True)
    stopped = tuple(filter(None, (stage_stop(number, *pair) for number, pair in enumerate(pairs))))
    extras = store.plan_extras(con)
    return StagePlan(listed, counts, stopped, extras["held"], extras["later"])


def apply_stages(con: DuckDBPyConnection, plan: StagePlan, run_id: int, as_of: AsOf) -> None:
    """Carry a plan of this transaction out."""
    if plan.listed:
        store.apply_moves(con, plan.listed, run_id, as_of.seconds, tr("阶段改名", "stage renamed"))


@dataclass(frozen=True)
class Moved:
    """What became of one customer set by hand."""

    before: str
    after: str
    is_changed: bool


def find_stage(rules: RuleSet, name: str) -> str:
    """The stage a word means; InputRefused `unknown-stage` with a suggestion."""
    names = {fold(known): known for known in names_or_refuse(rules)}
    found = names.get(fold(name))
    if found is None:
        raise InputRefused(
            "unknown-stage",
            tr(f"没有叫「{name}」的阶段", f"There is no stage “{name}”"),
            hint=suggestion(name, list(names.values())),
        )
    return found


def names_or_refuse(rules: RuleSet) -> tuple[str, ...]:
    """The stages in order; InputRefused where there are none."""
    if not rules.stages:
        raise InputRefused(
            "no-stages",
            tr("规则里还没有阶段", "There are no stages in the rules"),
            hint=tr(
                "在 rules/ 的文件里写 stages(siyu init . 会补上自带的)",
                "Write stages: into rules/ (siyu init . adds them)",
            ),
        )
    return tuple(stage.name for stage in rules.stages)


def set_by_hand(
    con: DuckDBPyConnection,
    rules: RuleSet,
    customer_id: int,
    stage: str | None,
    run_id: int,
    as_of: AsOf,
    reason: str,
) -> Moved:
    """Put one customer into a stage, or (None) hand them back to the rules, inside the caller's transaction."""
    first = names_or_refuse(rules)[0]
    before = store.stage_of(con, customer_id) or first
    after = store.set_one(con, customer_id, stage, first, run_id, as_of.seconds, reason)
    return Moved(before, after or before, after is not None)
