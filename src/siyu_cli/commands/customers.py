"""客户: plan-tags, apply-tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.commands.stages import stage_notes, stage_result, stage_table
from siyu_cli.context import AppContext
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.tagging import TagPlan


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "plan-tags", "customers", tr(
        "按 rules/ 里的规则算一遍,看每个标签会加给谁多少、去掉多少。什么也不写。\n\n"
        "例:\n\nsiyu plan-tags\n\nsiyu plan-tags --as-of 2025-03-15 --format json",
        "Evaluate the rules and see how many customers each tag would gain and lose. Writes nothing.\n\n"
        "Examples:\n\nsiyu plan-tags\n\nsiyu plan-tags --as-of 2025-03-15 --format json",
    ), dated=True)  # fmt: skip
    def plan_tags(ctx: AppContext) -> Outcome:
        from siyu_cli.rules import tagging

        rules, as_of = tagging.workspace_rules(ctx.workspace), ctx.as_of
        with ctx.read() as con:
            plan = tagging.plan_tags(con, rules, as_of)
        outcome = _word_tags(ctx, plan)
        outcome.after += [
            tr(f"护栏会拦住:{reason}", f"A guard will stop: {reason}") for reason in plan.stopped
        ]
        return outcome

    @command(app, "apply-tags", "customers", tr(
        "按 rules/ 里的规则打上和去掉自动标签。人工打的标签不动;删掉的规则,它的标签也去掉。\n\n"
        "一次变化太大会停下(见 docs/rules.md 的护栏)。\n\n"
        "例:\n\nsiyu apply-tags --dry-run\n\nsiyu apply-tags --as-of 2025-03-15",
        "Set and remove automatic tags by the rules. Hand-set tags stay; a deleted rule takes its tag.\n\n"
        "Too large a change stops (see guards in docs/rules.md).\n\n"
        "Examples:\n\nsiyu apply-tags --dry-run\n\nsiyu apply-tags --as-of 2025-03-15",
    ), writes=True, dated=True)  # fmt: skip
    def apply_tags(ctx: AppContext) -> Outcome:
        from siyu_cli.rules import tagging
        from siyu_cli.rules.schema import write_schema

        rules, as_of = tagging.workspace_rules(ctx.workspace), ctx.as_of
        with ctx.run() as run:
            plan = tagging.plan_tags(run.con, rules, as_of)
            tagging.apply_plan(run.con, plan, run.run_id, as_of)
            run.counts = {
                "tags": len(plan.counts),
                "added": sum(count.added for count in plan.counts),
                "removed": sum(count.removed for count in plan.counts),
                **(
                    {"stage_moves": sum(one.moved_in for one in plan.stages.counts)}
                    if plan.stages.counts
                    else {}
                ),
            }
        if not ctx.dry_run:
            write_schema(ctx.workspace, rules)
        return _word_tags(ctx, plan, run.run_id)


def _word_tags(ctx: AppContext, plan: TagPlan, run_id: int | None = None) -> Outcome:
    """Before, added, removed and after of every tag."""
    columns = (
        Column("tag", tr("标签", "Tag")), Column("before", tr("之前", "Before"), "count"),
        Column("added", tr("+加", "+Added"), "count"), Column("removed", tr("−去", "−Removed"), "count"),
        Column("after", tr("之后", "After"), "count"),
    )  # fmt: skip
    rows = [(count.tag, count.before, count.added, count.removed, count.after) for count in plan.counts]
    keys = [column.key for column in columns]
    result: dict[str, Any] = {"stages": []}
    result |= {"tags": [dict(zip(keys, row, strict=True)) for row in rows], "future_rows": plan.future_rows}
    tables = [Table(columns, rows)]
    notes = [tr(f"依据:截止 {ctx.as_of}", f"As of {ctx.as_of}")]
    if plan.stages.counts:
        result |= stage_result(plan.stages)
        tables.append(stage_table(plan.stages))
        notes += stage_notes(plan.stages)
    if plan.without_rule:
        names = "、".join(plan.without_rule)
        notes.append(tr(f"没有规则的自动标签会去掉:{names}", f"Automatic tags without a rule go: {names}"))
    if plan.future_rows:
        chinese = f"提醒:{plan.future_rows:,} 行付款时间晚于统计截止,没有算进来"
        notes.append(tr(chinese, f"Note: {plan.future_rows:,} rows paid after the cut-off are not counted"))
    return Outcome(result, tables, after=notes, run_id=run_id)
