"""线索: remind-staff."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.asking import ask_first
from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import ExitCode, RemoteFailed
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.leads.reminder_lists import WrittenList
    from siyu_cli.leads.reminders import Reminding

WEBHOOK_VARIABLE = "SIYU_WEBHOOK"


def register(app: typer.Typer) -> None:
    """Add this command to the panel of leads."""

    @command(
        app,
        "remind-staff",
        "leads",
        tr(
            "提醒员工:新分到的、今天到期的、已到期的、好几天没动静的,每人一张表;再久就抄送主管。"
            "设了群机器人就发到群里,消息里没有号码。\n\n"
            "例:\n\nsiyu remind-staff --dry-run\n\nsiyu remind-staff --as-of 2025-03-18 --yes",
            "Remind staff of what is new, due, overdue or untouched, one workbook each; later the manager is told.\n"
            "With a group robot configured it is sent there, never with a phone number.\n\n"
            "Examples:\n\nsiyu remind-staff --dry-run\n\nsiyu remind-staff --as-of 2025-03-18 --yes",
        ),
        writes=True,
        dated=True,
    )
    def remind_staff(
        ctx: AppContext,
        no_send: Annotated[
            bool,
            typer.Option("--no-send", show_default=False,
                         help=tr("只写表,不发群消息", "Write the lists, send nothing")),
        ] = False,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.leads import reminder_lists, reminders
        from siyu_cli.store import reminders as kept

        settings, as_of = ctx.workspace.settings, ctx.as_of
        webhook = "" if no_send else os.environ.get(WEBHOOK_VARIABLE, "") or settings.reminders.webhook
        if webhook:
            _may_send(ctx, webhook)
        folder, root = ctx.workspace.day_folder("提醒", as_of.day), ctx.workspace.root
        with ctx.run() as run:
            plan = reminders.plan_reminders(run.con, as_of, settings.leads, settings.reminders)
            new = reminder_lists.choose_paths(plan, kept.paths_of(run.con), folder, root)
            paths = reminder_lists.all_paths(plan, new)
            messages = _messages(plan, paths, ctx) if webhook else []
            if not run.is_dry:
                reminders.note(run.con, plan, run.run_id, as_of.day, new, messages)
            run.counts = {"reminded": plan.reminded, "escalated": plan.escalated, "lists": len(new)}
            if plan.stalled.num_rows:
                run.counts["stalled"] = plan.stalled.num_rows
        outcome = Outcome(_result(plan, paths), run_id=run.run_id)
        if plan.people:
            outcome.tables.append(_table(plan))
        if ctx.dry_run:
            outcome.result["messages"] = {"sent": 0, "left": len(messages)}
            outcome.after = _words(plan, [], 0)
            return outcome
        written = reminder_lists.write_lists(root, plan, paths, as_of.day, settings.reminders)
        _mark_written(ctx, [one.path for one in written if not one.problem])
        is_whole = not any(one.problem for one in written)
        # A message speaks of lists that are there: those of a run that could not write wait for the next.
        sent, left, problem = _send(ctx, webhook, as_of.day) if is_whole else (0, len(messages), None)
        outcome.result["files"] = [
            {
                "file": one.path,
                "staff_id": one.staff_id or None,
                "rows": one.rows,
                "problem": one.problem or None,
            }
            for one in written
        ]
        outcome.result["messages"] = {"sent": sent, "left": left}
        outcome.after = _words(plan, written, sent)
        if not is_whole:
            outcome.exit_code = ExitCode.PARTIAL
        if problem is not None:
            outcome.after += [problem.message, problem.hint]
            outcome.exit_code = ExitCode.REMOTE
        return outcome


def _may_send(ctx: AppContext, webhook: str) -> None:
    """Check the address before anything is done, and ask: a message cannot be called back."""
    from siyu_cli.leads import reminders
    from siyu_cli.wecom.robot import check_webhook

    check_webhook(webhook)

    def preview() -> list[str]:
        settings = ctx.workspace.settings
        with ctx.read() as con:
            plan = reminders.plan_reminders(con, ctx.as_of, settings.leads, settings.reminders)
        return _words(plan, [], 0)

    ask_first(
        ctx,
        tr("发群消息", "sending to the group"),
        "siyu remind-staff",
        tr("把提醒发到企业微信群?", "Send the reminders to the 企业微信 group?"),
        preview,
    )


def _messages(plan: Reminding, paths: dict[str, str], ctx: AppContext) -> list[str]:
    """What goes to the group: a line for every list no message has spoken of."""
    from siyu_cli.leads import reminders
    from siyu_cli.wecom.robot import split_lines

    people = [one for one in plan.people if one.is_unsaid]
    shop = reminders.plain(ctx.workspace.settings.shop)
    head = f"**{shop} {tr('线索提醒', 'Leads')} {ctx.as_of.date.isoformat()}**".replace("** ", "**")
    return split_lines(
        head,
        reminders.message_lines(people, paths),
        reminders.escalation_line(plan.people, ctx.workspace.settings.reminders),
    )


def _mark_written(ctx: AppContext, paths: list[str]) -> None:
    from siyu_cli.store import reminders as kept
    from siyu_cli.store.connection import transaction

    if paths:
        with ctx.maintain() as con, transaction(con):
            kept.mark_written(con, paths)


def _send(ctx: AppContext, webhook: str, day: int) -> tuple[int, int, RemoteFailed | None]:
    """Send what is noted for the day, each marked as soon as it is taken: (sent, left, what went wrong).

    A message whose mark was lost to a kill in that moment goes out twice; none is lost.
    """
    from siyu_cli.store import reminders as kept
    from siyu_cli.store.connection import transaction
    from siyu_cli.wecom.robot import Robot

    if not webhook:
        return 0, 0, None
    with ctx.read() as con:
        waiting = kept.unsent(con, day)
    robot, sent = Robot(webhook), 0
    with ctx.progress(len(waiting)) as step:
        for message in waiting:
            step(tr("发群消息", "sending"))
            try:
                robot.send(message.body)
            except RemoteFailed as error:
                return sent, len(waiting) - sent, error
            with ctx.maintain() as con, transaction(con):
                kept.mark_sent(con, message.message_no, ctx.clock.now())
            sent += 1
    return sent, 0, None


def _result(plan: Reminding, paths: dict[str, str]) -> dict[str, Any]:
    return {
        "reminded": plan.reminded,
        "escalated": plan.escalated,
        "later_than_as_of": plan.later,
        "stalled": plan.stalled.num_rows,
        "stalled_without_owner": plan.unowned,
        "staff": [
            {
                "staff_id": one.staff_id,
                "name": one.name,
                "overdue": one.counts[0],
                "due_today": one.counts[1],
                "idle": one.counts[2],
                "new": one.counts[3],
                "escalated": one.escalated,
                "stalled": one.stalled,
                "file": paths[one.staff_id],
            }
            for one in plan.people
        ],
        "files": [],
    }


def _table(plan: Reminding) -> Table:
    from siyu_cli.leads.reminders import WHY, stalled_word, why_words

    columns = [
        Column("name", tr("员工", "Staff")),
        *(Column(code, word, "count") for code, word in zip(WHY, why_words(), strict=True)),
        Column("escalated", tr("抄送主管", "Manager told"), "count"),
    ]
    rows: list[tuple[Any, ...]] = [(one.name, *one.counts, one.escalated) for one in plan.people]
    if plan.stages:
        columns.append(Column("stalled", stalled_word(), "count"))
        rows = [(*row, one.stalled) for row, one in zip(rows, plan.people, strict=True)]
    return Table(columns, rows)


def _words(plan: Reminding, written: list[WrittenList], sent: int) -> list[str]:
    if not plan.people and not plan.told.num_rows and not plan.unowned:
        return [tr("今天没有要提醒的", "Nothing to remind anybody of today")]
    lines = [
        tr(
            f"{len(plan.people)} 人有线索要跟进;这次提醒 {plan.reminded:,} 条,抄送主管 {plan.escalated:,} 条",
            f"{len(plan.people)} people have something to do; {plan.reminded:,} reminded, {plan.escalated:,} escalated",
        )
    ]
    if plan.later:
        lines.append(
            tr(
                f"注意:{plan.later:,} 条在截止时间之后还有变动,这次不看",
                f"Note: {plan.later:,} changed after the cut-off and were left alone",
            )
        )
    if plan.stalled.num_rows:
        people = plan.stalled.num_rows
        lines.append(
            tr(
                f"阶段停留太久的客户 {people:,} 位,在各人的表里",
                f"{people:,} customers stand still, in the lists",
            )
        )
    if plan.unowned:
        lines.append(
            tr(
                f"另有 {plan.unowned:,} 位停留太久的客户没有负责员工,没有提醒",
                f"{plan.unowned:,} more stand still and have no owner: nobody was reminded",
            )
        )
    good = [one for one in written if not one.problem]
    if good:
        lines.append(tr(f"名单 {len(good)} 张:{good[0].path} …", f"{len(good)} lists: {good[0].path} …"))
    if sent:
        lines.append(tr(f"群消息 {sent} 条已发出", f"{sent} messages sent"))
    return lines + [
        tr(f"没写成 {one.path}:{one.problem}", f"Not written {one.path}: {one.problem}")
        for one in written
        if one.problem
    ]
