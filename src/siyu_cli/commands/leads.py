"""线索: distribute-leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import ExitCode
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.leads.desk import Desk
    from siyu_cli.leads.workbooks import Written


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(
        app,
        "distribute-leads",
        "leads",
        tr(
            "把待分配的线索平均分给在岗员工,每人一张表。历次合计相差不超过 1。\n\n"
            "例:\n\nsiyu distribute-leads --dry-run\n\nsiyu distribute-leads --as-of 2025-03-15",
            "Deal the pool out evenly, one workbook each; within one lead over all batches.\n\n"
            "Examples:\n\nsiyu distribute-leads --dry-run\n\nsiyu distribute-leads --as-of 2025-03-15",
        ),
        writes=True,
        dated=True,
    )
    def distribute_leads(ctx: AppContext) -> Outcome:
        from siyu_cli.leads import desk, workbooks

        at_sec, folder = ctx.as_of.seconds, ctx.workspace.day_folder("线索", ctx.as_of.day)
        with ctx.run() as run:
            found = desk.look(run.con, at_sec)
            if found.plan.assigned and not run.is_dry:
                paths = workbooks.promise(run.con, run.run_id, folder, ctx.workspace.root, found.plan.shares)
                desk.apply(run.con, found.plan, run.run_id, at_sec, paths)
            run.counts = {"assigned": found.plan.assigned, "left_in_pool": found.opted_out}
        written = [] if ctx.dry_run else write_promised(ctx)
        outcome = Outcome(_result(found, written), run_id=run.run_id)
        if found.plan.assigned:
            outcome.tables.append(_share_table(found))
        outcome.after = _closing_words(found, written)
        if any(one.problem for one in written):
            outcome.exit_code = ExitCode.PARTIAL
        return outcome


def write_promised(ctx: AppContext) -> list[Written]:
    """Write this batch's files and those an interrupted run still owes; the store is closed meanwhile."""
    from siyu_cli.leads import workbooks
    from siyu_cli.store.connection import transaction
    from siyu_cli.store.leads import mark_written

    with ctx.read() as con:
        files, batches = workbooks.read_batches(con)
    if not files:
        return []
    root, settings = ctx.workspace.root, ctx.workspace.settings.leads
    written: list[Written] = []
    with ctx.progress(len(files)) as step:
        for file in files:
            step(file.path)
            written += workbooks.write_files(root, [file], batches, settings)
    with ctx.maintain() as con, transaction(con):
        mark_written(con, [one.file for one in written if not one.problem])
    return written


def _result(found: Desk, written: list[Written]) -> dict[str, Any]:
    names = {share.staff_id: share.name for share in found.plan.shares}
    return {
        "assigned": found.plan.assigned,
        "left_in_pool": found.opted_out,
        "left_reasons": {"opted-out": found.opted_out} if found.opted_out else {},
        "later_than_as_of": found.later,
        "staff": [
            {
                "staff_id": share.staff_id,
                "name": share.name,
                "before": share.before,
                "given": share.given,
                "after": share.after,
                "holding": share.holding,
                "owed": share.owed,
            }
            for share in found.plan.shares
        ],
        "inactive": [
            {
                "staff_id": one.person.staff_id,
                "name": one.person.name,
                "before": one.given,
                "holding": one.holding,
            }
            for one in found.absent
        ],
        "files": [
            {
                "file": one.file.path,
                "staff_id": one.file.staff_id,
                "name": names.get(one.file.staff_id or ""),
                "rows": one.rows,
                "run_id": one.file.run_id,
                "problem": one.problem or None,
            }
            for one in written
        ],
    }


def _share_table(found: Desk) -> Table:
    columns = (
        Column("name", tr("员工", "Staff")),
        Column("before", tr("之前", "Before"), "count"),
        Column("given", tr("本次", "Given"), "count"),
        Column("after", tr("之后", "After"), "count"),
        Column("owed", tr("应得", "Owed"), "count"),
        Column("gap", tr("差", "Gap"), "count"),
    )
    shares = found.plan.shares
    names = [share.name for share in shares]
    rows: list[tuple[Any, ...]] = [
        (
            share.name if names.count(share.name) == 1 else f"{share.name}({share.staff_id})",
            share.before,
            share.given,
            share.after,
            share.owed,
            share.gap,
        )
        for share in shares
    ]
    away = tr("(停用)", " (inactive)")
    rows += [(f"{one.person.name}{away}", one.given, 0, one.given, None, None) for one in found.absent]
    return Table(columns, rows)


def _closing_words(found: Desk, written: list[Written]) -> list[str]:
    """What happened, where the files are, what is left."""
    from siyu_cli.leads.distribution import one_decimal

    plan = found.plan
    lines = []
    if plan.assigned:
        given = [share.given for share in plan.shares]
        gaps = [share.balance for share in plan.shares]
        spread, widest, people = (
            max(given) - min(given),
            one_decimal(max(gaps) - min(gaps)),
            sum(map(bool, given)),
        )
        lines.append(
            tr(
                f"{plan.assigned:,} 条线索 → {people} 人;最多与最少:本次相差 {spread},"
                f"历次按应得算相差 {widest}(不计停用)",
                f"{plan.assigned:,} leads → {people} people; spread {spread} in this batch, "
                f"{widest} over all batches (active people)",
            )
        )
    else:
        lines.append(tr("没有待分配的线索,这次什么也没分", "No lead is waiting, nothing was dealt out"))
    done = [one.file.path for one in written if not one.problem]
    if done:
        first, more = done[0], " …" if len(done) > 2 else ""
        lines.append(
            tr(
                f"每人一张表:{first}{more}  汇总:{done[-1]}",
                f"One workbook each: {first}{more}  summary: {done[-1]}",
            )
        )
    lines += [
        tr(f"没写成 {one.file.path}:{one.problem}", f"Not written {one.file.path}: {one.problem}")
        for one in written
        if one.problem
    ]
    if len(done) < len(written):
        lines.append(
            tr(
                "线索已经分好。处理后再运行一次 siyu distribute-leads,会补写没写成的表",
                "The leads are dealt out. Run siyu distribute-leads again to write what is missing",
            )
        )
    if found.opted_out:
        lines.append(
            tr(
                f"未分出 {found.opted_out:,} 条:已退订,留在池里",
                f"{found.opted_out:,} stay in the pool: opted out",
            )
        )
    if found.later:
        lines.append(
            tr(
                f"注意:{found.later:,} 条是截止时间之后导入的,这次看不见",
                f"Note: {found.later:,} were imported after the cut-off",
            )
        )
    return lines
