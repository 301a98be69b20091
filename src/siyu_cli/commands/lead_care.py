"""线索: reclaim-leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.lead_shares import closing_words
from siyu_cli.commands.leads import deal_out, write_promised
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import ExitCode
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.leads.desk import Desk
    from siyu_cli.leads.reclaim import ReclaimPlan


def register(app: typer.Typer) -> None:
    """Add these commands to the panel of leads."""

    @command(
        app,
        "reclaim-leads",
        "leads",
        tr(
            "收回到期还没加上的线索,放回待分配;给过 max_owners 个人的算死线索。漏跑一晚、重复运行,结果一样。\n\n"
            "例:\n\nsiyu reclaim-leads --dry-run\n\nsiyu reclaim-leads --reassign --as-of 2025-03-25",
            "Take back leads whose protection is over; after max_owners people they are dead. A missed night or a\n"
            "second run makes no difference.\n\n"
            "Examples:\n\nsiyu reclaim-leads --dry-run\n\nsiyu reclaim-leads --reassign --as-of 2025-03-25",
        ),
        writes=True,
        dated=True,
    )
    def reclaim_leads(
        ctx: AppContext,
        reassign: Annotated[
            bool,
            typer.Option("--reassign", show_default=False,
                         help=tr("收回后马上和池里的一起再分", "Deal them out again at once, with the rest of the pool")),
        ] = False,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.leads import care
        from siyu_cli.store.staff import all_staff

        as_of = ctx.as_of
        with ctx.run() as run:
            plan, later = care.reclaim(run.con, run.run_id, as_of, ctx.workspace.settings.leads)
            dealt = deal_out(ctx, run) if reassign else None
            names = {person.staff_id: person.name for person in all_staff(run.con)}
            run.counts = {"reclaimed": plan.reclaimed, "dead": plan.dead}
            if dealt is not None:
                run.counts["assigned"] = dealt.plan.assigned
        written = write_promised(ctx) if reassign and not ctx.dry_run else []
        result: dict[str, Any] = {
            "reclaimed": plan.reclaimed,
            "dead": plan.dead,
            "later_than_as_of": later,
            "staff": [
                {"staff_id": staff_id, "name": names.get(staff_id), "reclaimed": back, "dead": dead}
                for staff_id, back, dead in plan.by_staff()
            ],
        }
        if dealt is not None:
            result["assigned"] = dealt.plan.assigned
            result["left_in_pool"] = dealt.left_in_pool
            result["left_reasons"] = dict(dealt.left)
            result["files"] = [
                {
                    "file": one.file.path,
                    "staff_id": one.file.staff_id,
                    "rows": one.rows,
                    "problem": one.problem or None,
                }
                for one in written
            ]
        outcome = Outcome(result, run_id=run.run_id, after=_words(plan, later, dealt))
        if plan.reclaimed:
            columns = (
                Column("name", tr("员工", "Staff")), Column("reclaimed", tr("收回", "Taken back"), "count"),
                Column("dead", tr("其中死线索", "Of these dead"), "count"),
            )  # fmt: skip
            rows = [(names.get(staff_id, staff_id), back, dead) for staff_id, back, dead in plan.by_staff()]
            outcome.tables.append(Table(columns, rows))
        broken = [one for one in written if one.problem]
        outcome.after += [
            tr(f"没写成 {one.file.path}:{one.problem}", f"Not written {one.file.path}: {one.problem}")
            for one in broken
        ]
        if broken:
            outcome.exit_code = ExitCode.PARTIAL
        return outcome


def _words(plan: ReclaimPlan, later: int, dealt: Desk | None) -> list[str]:
    lines = [tr("没有到期的线索", "No lead is overdue")]
    if plan.reclaimed:
        lines = [
            tr(
                f"收回 {plan.reclaimed:,} 条:{plan.to_pool:,} 条回到待分配,{plan.reclaimed - plan.to_pool:,} 条算死线索",
                f"{plan.reclaimed:,} taken back: {plan.to_pool:,} to the pool, {plan.reclaimed - plan.to_pool:,} dead",
            )
        ]
    if plan.tired.num_rows:
        lines.append(
            tr(
                f"池里 {plan.tired.num_rows:,} 条已经给过够多的人,算死线索",
                f"{plan.tired.num_rows:,} in the pool were tried by enough people and are dead",
            )
        )
    if later:
        lines.append(
            tr(
                f"注意:{later:,} 条在截止时间之后还有变动,这次不看",
                f"Note: {later:,} changed after the cut-off and were left alone",
            )
        )
    if dealt is not None and not dealt.plan.assigned:
        lines += closing_words(dealt, [])
    elif dealt is not None:
        lines.append(
            tr(
                f"重新分出 {dealt.plan.assigned:,} 条,每人一张表在 outbox/线索/",
                f"{dealt.plan.assigned:,} dealt out again, workbooks in outbox/线索/",
            )
        )
    elif plan.to_pool:
        lines.append(tr("再分:siyu distribute-leads", "Deal them out: siyu distribute-leads"))
    return lines
