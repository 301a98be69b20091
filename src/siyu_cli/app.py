"""The root of the command line: panels, global options, version. Nothing is computed here."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from siyu_cli.commands import (
    data,
    explaining,
    imports,
    imports_feedback,
    imports_people,
    lead_care,
    lead_lists,
    leads,
    people,
    pushes,
    reminders,
    reports,
    rule_tests,
    rules,
    scores,
    stages,
    start,
    tag_lists,
    tags,
    tags_by_hand,
    undo,
)
from siyu_cli.commands.frame import (
    FormatOption,
    NoColorOption,
    QuietOption,
    SiyuGroup,
    VerboseOption,
    WaitOption,
    WorkspaceOption,
)
from siyu_cli.language import tr
from siyu_cli.unneeded import leave_pandas_out

app = typer.Typer(
    name="siyu",
    cls=SiyuGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
    help=tr(
        "私域团队的后台:导入名单和订单,均分线索,打标签,分层,推送名单,报表。\n\n"
        "第一次用:siyu demo 我的试用 看看全过程;或 siyu init 我的店 建工作区。",
        "The back office of a private-domain team: import lists and orders, deal leads out, tag, score, push, report.\n\n"
        "First time: siyu demo trial shows it all; or siyu init myshop makes a workspace.",
    ),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"siyu {version('siyu-cli')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    workspace: WorkspaceOption = None,
    format: FormatOption = None,  # noqa: A002 - the option's name
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
    wait: WaitOption = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help=tr("显示版本并退出", "Show the version")
        ),
    ] = False,
) -> None:
    """Keep what was given before the command's name; the command's own options win over it."""
    given: dict[str, Any] = {
        "workspace": workspace, "format": format, "quiet": quiet, "verbose": verbose, "no_color": no_color, "wait": wait,
    }  # fmt: skip
    ctx.obj = {key: value for key, value in given.items() if value not in (None, False)}


for panel in (
    start,
    imports,
    imports_feedback,
    imports_people,
    undo,
    leads,
    lead_care,
    lead_lists,
    reminders,
    scores,
    tags,
    tags_by_hand,
    tag_lists,
    explaining,
    people,
    stages,
    rules,
    rule_tests,
    pushes,
    reports,
    data,
):
    panel.register(app)


def main() -> None:
    """Run the command line of this process."""
    # Arrow's own pool keeps what it frees; an import works beside DuckDB and needs that memory back.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    leave_pandas_out()
    app()
