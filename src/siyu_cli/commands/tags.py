"""客户: plan-tags, apply-tags."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.commands.stages import stage_notes, stage_result, stage_table
from siyu_cli.context import AppContext, OutputFormat
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.tagging import TagPlan
    from siyu_cli.store.tags import TagCount


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "plan-tags", "customers", tr(
        "按 rules/ 里的规则算一遍,看每个标签会加给谁多少、去掉多少、为什么。库里什么也不写。\n\n"
        "--out 把计划(每一处变化和原因)存成文件,看过以后 siyu apply-tags 照着执行。\n\n"
        "例:\n\nsiyu plan-tags --as-of 2025-03-15\n\nsiyu plan-tags --out 计划.json",
        "Evaluate the rules and see how many customers each tag would gain and lose, and why. Writes nothing to the store.\n\n"
        "--out saves the plan, every change with its cause, for siyu apply-tags to carry out.\n\n"
        "Examples:\n\nsiyu plan-tags --as-of 2025-03-15\n\nsiyu plan-tags --out plan.json",
    ), dated=True)  # fmt: skip
    def plan_tags(
        ctx: AppContext,
        out: Annotated[
            Path | None,
            typer.Option("--out", metavar="FILE", show_default=False, help=tr(
                "把计划写成 JSON 文件", "Write the plan to this JSON file")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules import plan_file, tagging
        from siyu_cli.rules.data_lints import unknown_pushes
        from siyu_cli.rules.guards import how_to_pass

        rules, as_of = tagging.workspace_rules(ctx.workspace), ctx.as_of
        with ctx.read() as con:
            plan = tagging.plan_tags(con, rules, as_of)
            outcome = _word_tags(ctx, plan)
            unknown = unknown_pushes(rules, con)
            if out is not None:
                head = plan_file.plan_head(con, rules, as_of, plan.stages.counts)
                plan_file.write_plan(out, con, head, outcome.result)
                outcome.result |= {"plan": str(out), "plan_id": head.plan_id}
                outcome.after.append(
                    tr(f"计划写到 {out};照着执行:siyu apply-tags {out}",
                       f"Plan written to {out}; to carry it out: siyu apply-tags {out}"))  # fmt: skip
        outcome.after += [
            f"{one.place.mark.where()}  {one.code}  {one.message}。{one.hint}" for one in unknown
        ]
        if plan.stopped:
            outcome.after += [
                tr(f"护栏会拦住:{stop.reason}", f"A guard will stop: {stop.reason}") for stop in plan.stopped
            ]
            outcome.after.append(how_to_pass(plan.stopped, "" if out is None else str(out)))
        return outcome

    @command(app, "apply-tags", "customers", tr(
        "按 rules/ 里的规则打上和去掉自动标签。人工打的标签不动;删掉的规则,它的标签也去掉。\n\n"
        "给出 plan-tags 写的计划就照计划执行;规则或数据变了会停下(退出码 7)。一次变化太大也会停下(见 docs/rules.md 的护栏);"
        "看过计划、没有错,就写出被拦的标签放这一次:--past-guard。\n\n"
        "例:\n\nsiyu apply-tags --dry-run\n\nsiyu apply-tags 计划.json\n\nsiyu apply-tags 计划.json --past-guard 活跃、沉睡",
        "Set and remove automatic tags by the rules. Hand-set tags stay; a deleted rule takes its tag.\n\n"
        "With a plan of plan-tags it is carried out as it stands; changed rules or data stop it (exit 7), and so does "
        "too large a change (see guards in docs/rules.md); --past-guard names what may pass this once.\n\n"
        "Examples:\n\nsiyu apply-tags --dry-run\n\nsiyu apply-tags plan.json\n\nsiyu apply-tags plan.json --past-guard 活跃、沉睡",
    ), writes=True, dated=True)  # fmt: skip
    def apply_tags(
        ctx: AppContext,
        plan: Annotated[
            Path | None,
            typer.Argument(metavar="[PLAN]", show_default=False, help=tr(
                "plan-tags --out 写的计划;不写就当场计划并执行", "A plan of plan-tags --out; without it plan and apply")),
        ] = None,
        past_guard: Annotated[
            list[str] | None,
            typer.Option("--past-guard", metavar="TAG", show_default=False, help=tr(
                "护栏拦下的标签(阶段),看过计划以后放这一次;几个用 、 分开",
                "A tag (stage) that a guard stops, to let pass once with the plan that was looked at")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules import plan_file, tagging
        from siyu_cli.rules.schema import write_schema
        from siyu_cli.store.tag_causes import run_of_plan

        if past_guard and plan is None:
            raise UsageRefused(
                "past-guard-of-plan",
                tr("--past-guard 只和看过的计划一起用", "--past-guard goes with a plan that was looked at"),
                hint=tr("先 siyu plan-tags --out 计划.json,看过再 siyu apply-tags 计划.json --past-guard …",
                        "First siyu plan-tags --out plan.json, then siyu apply-tags plan.json --past-guard …"))  # fmt: skip
        rules = tagging.workspace_rules(ctx.workspace)
        planned = None if plan is None else plan_file.read_plan(plan, str(plan))
        if planned is not None:
            if ctx.as_of_text is not None and ctx.as_of != planned.as_of:
                raise UsageRefused(
                    "as-of-of-plan",
                    tr(f"计划的统计截止是 {planned.as_of},不要再写别的 --as-of",
                       f"The plan is as of {planned.as_of}; give no other --as-of"))  # fmt: skip
            ctx.fix_as_of(planned.as_of)
        as_of = ctx.as_of
        with ctx.run() as run:
            before = None if planned is None else run_of_plan(run.con, planned.plan_id)
            if before is not None:
                run.counts = {"tags": 0, "added": 0, "removed": 0, "applied_by": before}
                said = tr(f"这份计划在第 {before} 次执行里已经执行过,什么也没变",
                          f"Run {before} has applied this plan already; nothing changed")  # fmt: skip
                return Outcome({"tags": [], "applied_by": before}, after=[said], run_id=run.run_id)
            done = tagging.plan_tags(run.con, rules, as_of, writes=True)
            plan_id = ""
            if planned is not None:
                plan_file.refuse_stale(
                    planned, plan_file.plan_head(run.con, rules, as_of, done.stages.counts)
                )
                plan_id = planned.plan_id
            tagging.apply_plan(
                run.con, rules, done, run.run_id, as_of, plan_id=plan_id, past=past_guard or ()
            )
            run.counts = {
                "tags": len(done.counts),
                "added": sum(count.added for count in done.counts),
                "removed": sum(count.removed for count in done.counts),
                **(
                    {"stage_moves": sum(one.moved_in for one in done.stages.counts)}
                    if done.stages.counts
                    else {}
                ),
                **({"past_guard": len(done.stopped)} if done.stopped else {}),
            }
        if not ctx.dry_run:
            write_schema(ctx.workspace, rules)
        return _word_tags(ctx, done, run.run_id)


def _word_tags(ctx: AppContext, plan: TagPlan, run_id: int | None = None) -> Outcome:
    """Before, added, removed and after of every tag, with grace, hands and causes where there are any."""
    from siyu_cli.rules.causes import cause_words

    columns = [
        Column("tag", tr("标签", "Tag")), Column("before", tr("之前", "Before"), "count"),
        Column("added", tr("+加", "+Added"), "count"), Column("removed", tr("−去", "−Removed"), "count"),
        Column("after", tr("之后", "After"), "count"),
    ]  # fmt: skip
    special = (
        ("kept", tr("宽限", "Grace")),
        ("pinned", tr("人工", "By hand")),
        ("blocked", tr("拦下", "Blocked")),
    )
    keys = [column.key for column in columns] + [key for key, _ in special]
    columns += [
        Column(key, title, "count") for key, title in special if any(getattr(c, key) for c in plan.counts)
    ]
    if any(set(causes) - {"rule"} for causes in plan.causes.values()):
        columns.append(Column("causes", tr("原因", "Causes")))
    rows: list[list[Any]] = []
    listed: list[dict[str, Any]] = []
    # A screen is for what somebody holds; a pipe and a script get every tag.
    is_short = ctx.is_terminal and ctx.format is OutputFormat.TABLE
    idle = [count.tag for count in plan.counts if is_short and _is_idle(count)]
    for count in plan.counts:
        causes = {
            action: plan.causes.get((count.tag, done), {})
            for action, done in (("added", "add"), ("removed", "remove"))
        }
        words = [
            f"{sign}{many:,} {cause_words(cause)}"
            for sign, action in (("+", "added"), ("−", "removed"))
            for cause, many in sorted(causes[action].items())
        ]
        said = {**{key: getattr(count, key) for key in keys}, "causes": "、".join(words)}
        if not (is_short and _is_idle(count)):
            rows.append([said[column.key] for column in columns])
        listed.append({**{key: getattr(count, key) for key in keys}, "causes": causes})
    result: dict[str, Any] = {
        "stages": [],
        "tags": listed,
        "several": plan.several,
        "renamed": [{"from": one.old, "to": one.new, "customers": one.rows} for one in plan.renamed],
        "future_rows": plan.future_rows,
        "stopped": [{"name": stop.name, "reason": stop.reason} for stop in plan.stopped],
        "ended": [{"tag": one.tag, "removed": one.removed, "added": one.added} for one in plan.ended],
    }
    tables = [Table(columns, rows)]
    notes = []
    if idle:
        notes.append(tr(f"另有 {len(idle):,} 个标签没有人:{'、'.join(idle)}",
                        f"{len(idle):,} more tags that nobody holds: {', '.join(idle)}"))  # fmt: skip
    notes.append(tr(f"依据:截止 {ctx.as_of}", f"As of {ctx.as_of}"))
    if plan.stages.counts:
        result |= stage_result(plan.stages)
        tables.append(stage_table(plan.stages))
        notes += stage_notes(plan.stages)
    notes += [
        tr(
            f"人工的「{one.tag}」到期:去掉 {one.removed:,} 人",
            f"Hands on “{one.tag}” ended: {one.removed:,} lose it",
        )
        + (tr(f",又有了 {one.added:,} 人", f", {one.added:,} have it again") if one.added else "")
        for one in plan.ended
    ]
    if plan.without_rule:
        names = "、".join(plan.without_rule)
        notes.append(tr(f"没有规则的自动标签会去掉:{names}", f"Automatic tags without a rule go: {names}"))
    notes += [
        tr(
            f"改名:{one.old} → {one.new},{one.rows:,} 人",
            f"Renamed: {one.old} → {one.new}, {one.rows:,} customers",
        )
        for one in plan.renamed
    ]
    for group, many in plan.several.items():
        if many:
            notes.append(tr(f"「{group}」里有 {many:,} 人满足不止一个,取排在前面的",
                            f"“{group}”: {many:,} customers satisfy several, the first wins"))  # fmt: skip
    if plan.future_rows:
        chinese = f"提醒:{plan.future_rows:,} 行付款时间晚于统计截止,没有算进来"
        notes.append(tr(chinese, f"Note: {plan.future_rows:,} rows paid after the cut-off are not counted"))
    return Outcome(result, tables, after=notes, run_id=run_id)


def _is_idle(count: TagCount) -> bool:
    """Nobody holds it, nobody gets or loses it, and no hand keeps anybody from it."""
    return not (count.before or count.added or count.removed or count.after or count.pinned or count.blocked)
