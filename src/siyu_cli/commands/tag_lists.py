"""客户: export-tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.tag_export import TagExport


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "export-tags", "customers", tr(
        "导出企业微信的标签改动:每位员工一张表,他的哪些好友要打上、去掉哪些标签。只列上次导出以后变了的。\n\n"
        "例:\n\nsiyu export-tags\n\nsiyu export-tags --all --dry-run",
        "Export tag changes for WeCom: one workbook per member of staff, with the tags to set on and take off which "
        "friends. Only what changed since the last export.\n\n"
        "Examples:\n\nsiyu export-tags\n\nsiyu export-tags --all --dry-run",
    ), writes=True, dated=True)  # fmt: skip
    def export_tags(
        ctx: AppContext,
        everything: Annotated[bool, typer.Option("--all", show_default=False, help=tr(
            "列出每位好友现在该有的全部标签,不只是变了的", "All tags of every friend, not only what changed"))] = False,
        reveal: Annotated[bool, typer.Option("--reveal", show_default=False, help=tr(
            "写完整手机号(会留下记录)", "Full phone numbers (recorded)"))] = False,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules import tag_export

        workspace, as_of = ctx.workspace, ctx.as_of
        with ctx.run() as run:
            done = tag_export.export_tags(run, workspace, as_of, is_full=everything, reveal=reveal)
        return _word_export(ctx, done, run.run_id)


def _word_export(ctx: AppContext, done: TagExport, run_id: int) -> Outcome:
    shown = ctx.workspace.shown
    columns = (
        Column("staff", tr("员工", "Staff")), Column("friends", tr("客户", "Friends"), "count"),
        Column("to_set", tr("打上", "Set"), "count"), Column("to_drop", tr("去掉", "Take off"), "count"),
        Column("file", tr("文件", "File")),
    )  # fmt: skip
    rows = [(file.staff, file.friends, file.to_set, file.to_drop, shown(file.path)) for file in done.files]
    keys = [column.key for column in columns]
    result = {
        "is_full": done.is_full,
        "friends": sum(file.friends for file in done.files),
        "to_set": sum(file.to_set for file in done.files),
        "to_drop": sum(file.to_drop for file in done.files),
        "tags": done.tags,
        "without_friend": done.without_friend,
        "files": [
            {"staff_id": file.staff_id, **dict(zip(keys, row, strict=True))}
            for file, row in zip(done.files, rows, strict=True)
        ],
    }
    after = []
    if not rows:
        after.append(
            tr("好友身上没有标签", "No friend has a tag")
            if done.is_full
            else tr("上次导出以后没有变化", "Nothing changed since the last export")
        )
    if done.without_friend:
        after.append(tr(f"另有 {done.without_friend:,} 位有标签的客户不是谁的好友,企业微信里打不上",
                        f"{done.without_friend:,} more customers with tags are nobody's friend"))  # fmt: skip
    return Outcome(result, [Table(columns, rows)] if rows else [], after=after, run_id=run_id)
