"""导入: import-feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.importing import FilesArgument, ImportOptions, run_import, takes_import_options
from siyu_cli.commands.render import Outcome
from siyu_cli.commands.stages import waiting_words
from siyu_cli.context import AppContext, Run
from siyu_cli.language import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siyu_cli.sheets.account import ImportAccount
    from siyu_cli.sheets.table import CleanTable


def register(app: typer.Typer) -> None:
    """Add this command to the panel of imports."""

    @command(
        app,
        "import-feedback",
        "import",
        tr(
            "收回员工填好的线索表:几张都行,改名、乱序、删行、重复导入都没关系。和记录对不上的行不采用,另列一张表待核对。\n\n"
            "例:\n\nsiyu import-feedback inbox/反馈/\n\nsiyu import-feedback inbox/小李.xlsx inbox/小王.xlsx --dry-run",
            "Take filled-in staff workbooks back: any number, renamed, in any order, twice, with rows deleted. Rows\n"
            "that contradict the record are not applied but listed for a person to look at.\n\n"
            "Examples:\n\nsiyu import-feedback inbox/feedback/\n\nsiyu import-feedback inbox/li.xlsx inbox/wang.xlsx --dry-run",
        ),
        writes=True,
        dated=True,
    )
    @takes_import_options
    def import_feedback(ctx: AppContext, files: FilesArgument, options: ImportOptions) -> Outcome:
        from siyu_cli.sheets.feedback import read_feedback

        def merge(run: Run, tables: Sequence[CleanTable]) -> ImportAccount:
            from siyu_cli.leads.feedback import merge_feedback, write_questions

            account = merge_feedback(run.con, run.run_id, ctx.as_of, tables)
            account.extra["questions_file"] = None
            if account.extra["questions"] and not run.is_dry:
                path = ctx.workspace.outbox(ctx.as_of.date.isoformat(), f"反馈待核对-{run.run_id}.xlsx")
                write_questions(run.con, tables, path, ctx.as_of)
                account.extra["questions_file"] = ctx.workspace.shown(path)
            return account

        return run_import(ctx, files, ("feedback",), read_feedback, merge, _words, options)


def _words(account: ImportAccount) -> list[str]:
    from siyu_cli.leads.states import KIND_WORDS, Kind

    extra = account.extra
    lines = []
    if extra["changes"]:
        changed = "  ".join(f"{KIND_WORDS[Kind(kind)]} {leads:,}" for kind, leads in extra["changes"].items())
        lines.append(tr(f"有变化的线索:{changed}", f"Leads that changed: {changed}"))
    else:
        lines.append(tr("没有线索变化", "No lead changed"))
    if extra["stages"]:
        moved = "  ".join(f"{stage} {people:,}" for stage, people in extra["stages"].items())
        lines.append(tr(f"定了阶段:{moved}", f"Stages set: {moved}"))
    lines += waiting_words(extra["waiting"])
    empty = account.reasons.get("no-result")
    if empty:
        lines.append(tr(f"{empty:,} 行还没填结果", f"{empty:,} rows have no result yet"))
    if extra["questions"]:
        where = f" → {extra['questions_file']}" if extra["questions_file"] else ""
        lines.append(
            tr(
                f"{extra['questions']:,} 行和记录对不上,没有采用,待核对{where}",
                f"{extra['questions']:,} rows contradict the record and were not used{where}",
            )
        )
    if extra["questions_file"]:
        lines.append(
            tr(
                f"  填好「核对」再运行:siyu import-feedback {extra['questions_file']}",
                f"  Fill in 核对, then: siyu import-feedback {extra['questions_file']}",
            )
        )
    return lines
