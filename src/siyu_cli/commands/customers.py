"""客户: score-customers, plan-tags, apply-tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.language import tr
from siyu_cli.workspace import configs_dir

if TYPE_CHECKING:
    from siyu_cli.customers.scoring import Scoring
    from siyu_cli.rules.tagging import TagPlan


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "score-customers", "customers", tr(
        "给每个下过单的客户打 R(最近)、F(频次)、M(金额),按方案分群;每条分界线都打印并存下来。\n\n"
        "方案是 segments/ 里的文件,可以照着改。\n\n"
        "例:\n\nsiyu score-customers\n\nsiyu score-customers --scheme 八分群-中位数 --as-of 2025-03-15",
        "Score every buyer's recency, frequency and money and put them into segments; "
        "every line is printed and kept.\n\n"
        "Schemes are files in segments/, to be edited.\n\n"
        "Examples:\n\nsiyu score-customers\n\nsiyu score-customers --scheme 八分群-中位数 --as-of 2025-03-15",
    ), writes=True, dated=True)  # fmt: skip
    def score_customers(
        ctx: AppContext,
        scheme: Annotated[
            str | None,
            typer.Option("--scheme", metavar="NAME|FILE", show_default=False, help=tr(
                "方案名或 .yaml 文件;默认用 siyu.yaml 里的 scheme",
                "Scheme name or .yaml file; default from siyu.yaml")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.customers.scheme_file import find_scheme
        from siyu_cli.customers.scoring import score_and_save

        settings = ctx.workspace.settings
        folders = (ctx.workspace.root / "segments", configs_dir() / "segments")
        chosen = find_scheme(scheme or settings.scheme, folders)
        as_of = ctx.as_of
        with ctx.run() as run:
            scoring = score_and_save(run, chosen, as_of)
        return _word_scores(scoring, run.run_id)

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

        rules, as_of = tagging.workspace_rules(ctx.workspace), ctx.as_of
        with ctx.run() as run:
            plan = tagging.plan_tags(run.con, rules, as_of)
            tagging.apply_plan(run.con, plan, run.run_id, as_of)
            run.counts = {
                "tags": len(plan.counts),
                "added": sum(count.added for count in plan.counts),
                "removed": sum(count.removed for count in plan.counts),
            }
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
    result = {"tags": [dict(zip(keys, row, strict=True)) for row in rows], "future_rows": plan.future_rows}
    notes = [tr(f"依据:截止 {ctx.as_of}", f"As of {ctx.as_of}")]
    if plan.without_rule:
        names = "、".join(plan.without_rule)
        notes.append(tr(f"没有规则的自动标签会去掉:{names}", f"Automatic tags without a rule go: {names}"))
    if plan.future_rows:
        chinese = f"提醒:{plan.future_rows:,} 行付款时间晚于统计截止,没有算进来"
        notes.append(tr(chinese, f"Note: {plan.future_rows:,} rows paid after the cut-off are not counted"))
    return Outcome(result, [Table(columns, rows)], after=notes, run_id=run_id)


def _word_scores(scoring: Scoring, run_id: int) -> Outcome:
    """Segments as a table, thresholds in its title, what was left out around it."""
    from siyu_cli.clock import format_seconds

    scored, before = scoring.scored, scoring.before
    result = {
        "scheme": scored.scheme.name,
        "window": scored.scheme.window.words,
        "customers": scored.customers,
        "segments": [
            {"code": segment.code, "name": segment.name, "customers": customers, "net_fen": net_fen}
            for segment, customers, net_fen in scored.segments
        ],
        "thresholds": scored.thresholds,
        "anonymous_orders": scoring.anonymous_orders,
        "future_rows": scoring.future_rows,
    }
    columns = (
        Column("segment", tr("分群", "Segment")), Column("customers", tr("人数", "Customers"), "count"),
        Column("net_fen", tr("净额", "Net"), "fen"), Column("change", tr("较上次", "Change"), "change"),
    )  # fmt: skip
    rows = [
        (
            segment.name,
            customers,
            net_fen,
            None if before is None else customers - before.get(segment.code, 0),
        )
        for segment, customers, net_fen in scored.segments
    ]
    line_columns = (
        Column("letter", tr("指标", "Letter")), Column("of", tr("怎么算", "Measured as")),
        Column("cuts", tr("打分分界", "Score cuts")), Column("line", tr("好的一边", "Better side")),
    )  # fmt: skip
    scheme = f"{scored.scheme.name} · {scored.scheme.window.words}"
    notes = [tr(f"{scheme} · 有有效订单的客户 {scored.customers:,} 人",
                f"{scheme} · {scored.customers:,} customers with valid orders")]  # fmt: skip
    late, anonymous = scoring.future_rows, scoring.anonymous_orders
    if late:
        notes.append(tr(f"提醒:{late:,} 行付款时间晚于统计截止,没有算进来",
                        f"Note: {late:,} rows were paid after the cut-off and are not counted"))  # fmt: skip
    if anonymous:
        notes.append(tr(f"{anonymous:,} 单没有买家信息,不参与分群(仍计入店铺合计)",
                        f"{anonymous:,} orders name no buyer: in no segment, but in the totals"))  # fmt: skip
    if scoring.before_as_of_sec is not None:
        moment = format_seconds(scoring.before_as_of_sec)
        notes.append(tr(f"较上次:与 {moment} 的同一方案相比", f"Change: against the same scheme of {moment}"))
    tables = [Table(columns, rows), Table(line_columns, scored.line_rows)]
    return Outcome(result, tables, before=notes, run_id=run_id)
