"""触达: export-push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.pushes.export import Push


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(
        app,
        "export-push",
        "push",
        tr(
            "导出推送名单:有某个标签或在某个分群里的客户,按归属员工每人一张表;已退订的人永远不在里面。\n\n"
            "例:\n\nsiyu export-push 重要挽留 --reason 三月挽留\n\nsiyu export-push 重要客户·"
            "即将流失 --single --reveal",
            "Export a push list: the customers with a tag or in a segment, one workbook per owner;"
            " opted-out people never.\n\n"
            "Examples:\n\nsiyu export-push 重要挽留 --reason march\n\nsiyu export-push 重要客户·"
            "即将流失 --single --reveal",
        ),
        writes=True,
        dated=True,
    )
    def export_push(
        ctx: AppContext,
        name: Annotated[
            str, typer.Argument(metavar="NAME", help=tr("标签名或分群名", "Name of a tag or segment"))
        ],
        reason: Annotated[
            str,
            typer.Option(
                "--reason",
                metavar="TEXT",
                show_default=False,
                help=tr("这次推送为什么做;也是文件夹的名字", "Why this push is made; names the folder too"),
            ),
        ] = "",
        reveal: Annotated[
            bool,
            typer.Option(
                "--reveal",
                show_default=False,
                help=tr("写完整手机号(会留下记录)", "Full phone numbers (recorded)"),
            ),
        ] = False,
        single: Annotated[
            bool,
            typer.Option(
                "--single",
                show_default=False,
                help=tr("不分归属,只出一张表", "One list instead of one per owner"),
            ),
        ] = False,
    ) -> Outcome:
        from siyu_cli.pushes.export import PushOrder
        from siyu_cli.pushes.export import export_push as export

        workspace, as_of = ctx.workspace, ctx.as_of
        with ctx.run() as run:
            push = export(run, workspace, PushOrder(name, reason, reveal, single), as_of)
        return _word_push(ctx, push, run.run_id)


def _word_push(ctx: AppContext, push: Push, run_id: int) -> Outcome:
    audience, shown = push.audience, ctx.workspace.shown
    result = {
        "kind": push.target.kind,
        "name": push.target.name,
        "audience": audience.total,
        "exported": len(audience.people),
        "opted_out": audience.opted_out,
        "files": [shown(file.path) for file in push.files],
        "owners": [
            {
                "owner_id": file.owner_id,
                "owner": file.owner,
                "customers": len(file.people),
                "file": shown(file.path),
            }
            for file in push.files
        ],
        "removed_files": list(push.removed),
    }
    columns = (
        Column("owner", tr("归属", "Owner")),
        Column("customers", tr("人数", "Customers"), "count"),
        Column("file", tr("文件", "File")),
    )
    rows = [(file.owner or tr("全部", "All"), len(file.people), shown(file.path)) for file in push.files]
    first = tr(
        f"{push.target.words}:{audience.total:,} 人 → 可推 {len(audience.people):,} · 已退订 "
        f"{audience.opted_out:,}",
        f"{push.target.words}: {audience.total:,} people → {len(audience.people):,} in the lists · "
        f"{audience.opted_out:,} opted out",
    )
    after = []
    if not audience.total:
        after.append(
            tr(
                "现在没有人符合。刚导入订单的话,先运行 siyu apply-tags 或 siyu score-customers",
                "Nobody fits now. After an import, run siyu apply-tags or siyu score-customers first",
            )
        )
    if push.removed:
        after.append(
            tr(
                f"删掉了这个名单上次留下、这次用不着的 {len(push.removed)} 张表",
                f"Removed {len(push.removed)} workbooks that an earlier export of this list left",
            )
        )
    return Outcome(result, [Table(columns, rows)] if rows else [], before=[first], after=after, run_id=run_id)
