"""线索: distribute-leads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.lead_shares import closing_words, file_words, files_of, result_of, share_table
from siyu_cli.commands.render import Outcome
from siyu_cli.context import AppContext
from siyu_cli.errors import ExitCode, UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.context import Run
    from siyu_cli.leads.desk import Desk
    from siyu_cli.leads.shares import Share
    from siyu_cli.leads.workbooks import Written
    from siyu_cli.sheets.account import ImportAccount
    from siyu_cli.sheets.table import CleanTable


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(
        app,
        "distribute-leads",
        "leads",
        tr(
            "把待分配的线索公平地分给在岗员工,每人一张表:看权重、上限、请假、渠道地区,历次合计相差不超过 1。\n\n"
            "例:\n\nsiyu distribute-leads --dry-run\n\nsiyu distribute-leads --as-of 2025-03-15\n\n"
            "siyu distribute-leads --from 小李",
            "Deal the pool out fairly, one workbook each, by weight, room, leave, channel and region; within one lead\n"
            "over all batches.\n\n"
            "Examples:\n\nsiyu distribute-leads --dry-run\n\nsiyu distribute-leads --as-of 2025-03-15\n\n"
            "siyu distribute-leads --from li",
        ),
        writes=True,
        dated=True,
    )
    def distribute_leads(
        ctx: AppContext,
        source: Annotated[
            str | None,
            typer.Option("--from", metavar="STAFF", show_default=False,
                         help=tr("把这个人手里还没结果的线索全部交出来,平均分给别人(账号或姓名)",
                                 "Hand all open leads of this person (account or name) to the others")),
        ] = None,
        by: Annotated[
            Path | None,
            typer.Option("--by", metavar="FILE", show_default=False,
                         help=tr("照表指定:手机号、员工账号或姓名;其余的留在池里",
                                 "Assign by sheet: phone, account or name; the rest stay in the pool")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        if by is not None:
            if source is not None:
                raise UsageRefused(
                    "from-and-by",
                    tr("--from 和 --by 只能用一个", "Use --from or --by, not both"),
                    hint=tr("分两次运行", "Run twice"),
                )
            return _by_sheet(ctx, by)
        with ctx.run() as run:
            handed = _hand_over(ctx, run, source) if source is not None else None
            found = deal_out(ctx, run, *(handed or ()))
            run.counts = {"assigned": found.plan.assigned, "left_in_pool": found.left_in_pool}
            if handed is not None:
                run.counts["handed_over"] = len(handed[0])
        written = [] if ctx.dry_run else write_promised(ctx)
        outcome = Outcome(result_of(found, written), run_id=run.run_id)
        if found.plan.assigned:
            outcome.tables.append(share_table(found))
        if handed is not None:
            outcome.result["handed_over"] = len(handed[0])
            outcome.after.append(
                tr(f"{source} 交出 {len(handed[0]):,} 条没有结果的线索", f"{source} hands over {len(handed[0]):,} open leads")
            )  # fmt: skip
        outcome.after += closing_words(found, written)
        if any(one.problem for one in written):
            outcome.exit_code = ExitCode.PARTIAL
        return outcome


def deal_out(
    ctx: AppContext, run: Run, only: Sequence[int] | None = None, without: str | None = None
) -> Desk:
    """Distribute the pool, or the leads `only`, inside the caller's transaction; a dry run only plans.

    `without` is an account that gets none. The workbooks are promised; call `write_promised` afterwards.
    """
    from siyu_cli.leads import desk

    settings = ctx.workspace.settings
    found = desk.look(
        run.con, ctx.as_of.seconds, settings.distribution, settings.leads, only=only, without=without
    )
    if found.plan.assigned and not run.is_dry:
        desk.apply(run.con, found.plan, run.run_id, ctx.as_of.seconds, _promise(ctx, run, found.plan.shares))
    return found


def _promise(ctx: AppContext, run: Run, people: Sequence[Share]) -> dict[str, str]:
    from siyu_cli.leads import workbooks

    folder = ctx.workspace.day_folder("线索", ctx.as_of.day)
    return workbooks.promise(run.con, run.run_id, folder, ctx.workspace.root, people)


def _hand_over(ctx: AppContext, run: Run, source: str) -> tuple[list[int], str]:
    """Everything the named person holds back to the pool; the leads, and the person's account."""
    from siyu_cli.leads import handing

    person = handing.find_person(run.con, source)
    return handing.hand_over(run.con, person, run.run_id, ctx.as_of.seconds), person.staff_id


def _by_sheet(ctx: AppContext, path: Path) -> Outcome:
    """Assign the leads of a sheet to the people it names; rows that cannot be are rejected one by one."""
    from siyu_cli.commands.importing import ImportOptions, run_import
    from siyu_cli.leads import assigning
    from siyu_cli.sheets.people import read_assignments

    people: list[Share] = []

    def merge(run: Run, tables: Sequence[CleanTable]) -> ImportAccount:
        account, shares = assigning.merge_assignments(run.con, ctx.as_of.seconds, tables)
        if shares and not run.is_dry:
            assigning.apply(run.con, shares, run.run_id, ctx.as_of.seconds, _promise(ctx, run, shares))
        people.extend(shares)
        return account

    outcome = run_import(
        ctx, [path], ("assignments",), read_assignments, merge, _sheet_words, ImportOptions()
    )
    written = [] if ctx.dry_run else write_promised(ctx)
    outcome.result["workbooks"] = files_of(written, {one.staff_id: one.name for one in people})
    outcome.after += file_words(written)
    if any(one.problem for one in written):
        outcome.exit_code = ExitCode.PARTIAL
    return outcome


def _sheet_words(account: ImportAccount) -> list[str]:
    extra = account.extra
    return [
        tr(
            f"指定 {extra['assigned']:,} 条 → {len(extra['staff']):,} 人;指定的不算在均分里",
            f"{extra['assigned']:,} leads assigned to {len(extra['staff']):,} people, beside the even shares",
        )
    ]


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
