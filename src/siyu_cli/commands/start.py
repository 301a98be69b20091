"""起步: init, status, doctor, list-runs, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.language import tr


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "init", "start", tr(
        "建一个工作区:设置、规则、平台映射、收件箱和发件箱。已有的文件不动。\n\n例:\n\nsiyu init 我的店\n\nsiyu init . --dry-run",
        "Make a workspace: settings, rules, mappings, inbox, outbox. Existing files stay.\n\n"
        "Examples:\n\nsiyu init myshop\n\nsiyu init . --dry-run"), writes=True, records=False)  # fmt: skip
    def init(
        ctx: AppContext,
        folder: Annotated[Path, typer.Argument(metavar="[DIR]", help=tr("放工作区的文件夹", "Folder of the workspace"))] = Path(),
    ) -> Outcome:
        from siyu_cli.setup_workspace import create_workspace

        created = create_workspace(folder, dry_run=ctx.dry_run)
        if not ctx.dry_run:
            ctx.workspace_flag = created.root
            with ctx.maintain():
                pass
        names = " · ".join(name if "." in name else f"{name}/" for name in created.made if "/" not in name)
        shown = folder if str(folder) != "." else created.root
        if created.made:
            first = tr(f"已建好工作区 {shown}:{names}", f"Workspace {shown} is ready: {names}")
        else:
            first = tr(f"工作区 {shown} 早已建好,什么也没改", f"Workspace {shown} was complete already, nothing changed")
        step = tr(
            "下一步:把员工表、手机号名单、订单导出放进 inbox/,然后运行  siyu import-staff inbox/员工.xlsx",
            "Next: put staff sheet, phone lists and order exports into inbox/, then run  siyu import-staff inbox/staff.xlsx",
        )
        result = {"workspace": str(created.root), "made": list(created.made), "kept": list(created.kept)}
        return Outcome(result, before=[first, step])

    @command(app, "list-runs", "start", tr(
        "列出做过的每一次执行。\n\n例:\n\nsiyu list-runs\n\nsiyu list-runs --limit 100 --format json",
        "List what was done.\n\nExamples:\n\nsiyu list-runs\n\nsiyu list-runs --limit 100 --format json"))  # fmt: skip
    def list_runs(
        ctx: AppContext,
        limit: Annotated[int, typer.Option("--limit", min=1, help=tr("最多列几次", "How many at most"))] = 20,
    ) -> Outcome:
        from siyu_cli.clock import format_seconds
        from siyu_cli.store.runs import latest_runs

        with ctx.read() as con:
            runs = latest_runs(con, limit)
        columns = (
            Column("run_id", tr("编号", "Run"), "count"),
            Column("started", tr("时间", "When")),
            Column("command", tr("命令", "Command")),
            Column("outcome", tr("结果", "Outcome")),
            Column("message", tr("说明", "Message")),
        )
        rows = [(r["run_id"], format_seconds(r["started_sec"]), r["command"], r["outcome"], r["message"]) for r in runs]
        return Outcome({"runs": runs}, [Table(columns, rows)])
