"""Why tags change: the rule changed, time went by, or the data changed.

rule  the old rules, on today's data, still give the old state (or there was no such rule before, or is none now)
time  today's rules, on the facts the last run saw, give the new state today; looked at only where the old rules
      give the old state on those facts then, which shows that they could be rebuilt
data  everything else: orders, events, scores, fields and people that are other ones than at the last run

A pin whose time is over is a cause of its own (`ttl`), and so is a person's hand (`hand`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.customers.tables import build_tables
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.rules.compile import TagQuery, compile_tags
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.stages import stage_names
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.tag_causes import (
    TagRun,
    blame_new_rules,
    blame_old_rules,
    blame_time_or_data,
    keep_holders,
    last_tag_run,
    note_changed_people,
    rows_of_changed,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.customers.stages import StageNames
    from siyu_cli.rules.tree import RuleSet


def cause_words(cause: str) -> str:
    """A cause as people read it."""
    return {
        "rule": tr("规则变了", "rule changed"),
        "time": tr("时间推移", "time went by"),
        "data": tr("数据变了", "data changed"),
        "hand": tr("人工", "by hand"),
        "ttl": tr("人工到期", "hand ran out"),
    }.get(cause, "")


def last_rules(con: DuckDBPyConnection) -> tuple[TagRun, RuleSet] | None:
    """The last run and its rules; None before the first, and where this version no longer takes those rules: then
    every change comes of the rules.
    """
    run = last_tag_run(con)
    if run is None:
        return None
    try:
        return run, check_rules([(name, text.encode()) for name, text in run.files])
    except InputRefused:
        return None


def find_causes(
    con: DuckDBPyConnection,
    last_run: tuple[TagRun, RuleSet],
    rules: RuleSet,
    as_of: AsOf,
    pinned: frozenset[str],
) -> None:
    """Fill `cause` in `tag_changes` (see store.tags) from the last run. Facts of the plan are gone afterwards."""
    last, old = last_run
    former = {rule.was: rule.name for rule in rules.tags if rule.was}
    names = {rule.name: former.get(rule.name, rule.name) for rule in old.tags}
    blame_new_rules(con, [rule.name for rule in rules.tags if rule.name not in names.values()])
    if last.digest != rules.digest and note_changed_people(con):
        with rows_of_changed(con):
            _evaluate(
                con, compile_tags(old, as_of, pinned=pinned), as_of, names, "old_today", stage_names(old)
            )
        blame_old_rules(con)
    if not note_changed_people(con):
        return
    then, now = (compile_tags(one, day, pinned=pinned) for one, day in ((old, last.as_of), (rules, as_of)))
    with rows_of_changed(con, last.run_id):
        build_tables(
            DuckDbEngine(con),
            last.as_of,
            then.tables | now.tables,
            stage_names(rules),
            then.words | now.words,
        )
        _evaluate(con, then, None, names, "old_then")
        # As of an earlier moment than the last run's, less is seen of the same rows; a later one has no more.
        earlier = as_of if as_of.seconds < last.as_of.seconds else None
        own_names = {rule.name: rule.name for rule in rules.tags}
        _evaluate(con, now, earlier, own_names, "new_then", stage_names(rules))
    blame_time_or_data(con)


def _evaluate(
    con: DuckDBPyConnection,
    query: TagQuery,
    as_of: AsOf | None,
    names: dict[str, str],
    target: str,
    stages: StageNames | None = None,
) -> None:
    """Who gets which tag by a query, as a table of pairs; with `as_of` its facts are built first."""
    engine = DuckDbEngine(con)
    if as_of is not None:
        build_tables(engine, as_of, query.tables, stages, query.words)
    engine.write(query.text, "cause_flags", query.params)
    keep_holders(con, "cause_flags", [(column, names[tag]) for column, tag in query.columns], target)
