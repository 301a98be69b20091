"""数据: optout, export-table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr
from siyu_cli.phone import mask_phones

if TYPE_CHECKING:
    from siyu_cli.people.optout import Changed, Given


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(
        app,
        "optout",
        "data",
        tr(
            "退订名单:名单里的手机号永远不会出现在推送名单里。--remove 移出,--list 查看(打码)。\n\n"
            "例:\n\nsiyu optout 13800005671 --reason 客户要求\n\nsiyu optout --file inbox/退订.xlsx",
            "Opt-outs: these phones never appear in a push list. --remove takes them off, --list "
            "shows them (masked).\n\n"
            "Examples:\n\nsiyu optout 13800005671 --reason asked\n\nsiyu optout --file inbox/optouts.xlsx",
        ),
        writes=True,
    )
    def optout(
        ctx: AppContext,
        phones: Annotated[
            list[str] | None,
            typer.Argument(metavar="PHONE…", help=tr("手机号", "Phones"), show_default=False),
        ] = None,
        file: Annotated[
            Path | None,
            typer.Option(
                "--file",
                metavar="F",
                show_default=False,
                help=tr("手机号名单(表格或文本)", "A list of phones"),
            ),
        ] = None,
        remove: Annotated[
            bool, typer.Option("--remove", help=tr("移出退订名单", "Take them off the list"))
        ] = False,
        listed: Annotated[bool, typer.Option("--list", help=tr("列出退订名单", "Show the list"))] = False,
        reason: Annotated[
            str, typer.Option("--reason", metavar="TEXT", show_default=False, help=tr("为什么退订", "Why"))
        ] = "",
    ) -> Outcome:
        from siyu_cli.people import optout as people

        if listed:
            if phones or file or remove:
                raise UsageRefused(
                    "usage", tr("--list 不和手机号、--file、--remove 一起用", "--list goes alone")
                )
            return _list_opt_outs(ctx)
        given = _given_phones(phones or [], file)
        wanted = people.read_phones(given)
        with ctx.run() as run:
            if remove:
                changed = people.remove_opt_outs(run.con, wanted)
            else:
                changed = people.add_opt_outs(
                    run.con, wanted, reason=reason, at_sec=run.now, run_id=run.run_id
                )
            total = len(people.list_opt_outs(run.con))
            run.counts = {"added": len(changed.added), "removed": len(changed.removed), "total": total}
        return _word_optout(changed, total, run.run_id)

    @command(
        app,
        "export-table",
        "data",
        tr(
            "把工作区的一张表导出为 csv、parquet 或 xlsx(按文件名后缀):customers、orders、leads、"
            "ledger、scores、tags、runs。\n\n"
            "例:\n\nsiyu export-table customers --out 客户.csv\n\nsiyu export-table orders --out "
            "orders.parquet --reveal",
            "Export a table of the workspace as csv, parquet or xlsx (by suffix): customers, "
            "orders, leads, ledger, scores, "
            "tags, runs.\n\nExamples:\n\nsiyu export-table customers --out customers.csv\n\n"
            "siyu export-table orders --out orders.parquet --reveal",
        ),
        writes=True,
        dated=True,
    )
    def export_table(
        ctx: AppContext,
        name: Annotated[str, typer.Argument(metavar="NAME", help=tr("表名", "Table"))],
        out: Annotated[Path, typer.Option("--out", metavar="FILE", help=tr("写到哪个文件", "File to write"))],
        reveal: Annotated[
            bool,
            typer.Option("--reveal", help=tr("写完整手机号(会留下记录)", "Full phone numbers (recorded)")),
        ] = False,
    ) -> Outcome:
        from siyu_cli.reports.tables import TableExport, check_export
        from siyu_cli.reports.tables import export_table as export

        asked = TableExport(name, out, reveal)
        check_export(asked)
        as_of, shown = ctx.as_of, ctx.workspace.shown(out.resolve())
        with ctx.run() as run:
            written = export(run, asked, as_of, shown)
        result = {
            "table": name,
            "rows": written.rows,
            "columns": written.columns,
            "file": shown,
            "is_revealed": reveal,
            "later_than_as_of": written.later,
        }
        after = [tr(f"{name} {written.rows:,} 行 → {shown}", f"{name} {written.rows:,} rows → {shown}")]
        if written.later:
            after.append(
                tr(
                    f"注意:{written.later:,} 行在截止时间之后,没有写出",
                    f"Note: {written.later:,} rows lie after the cut-off and were left out",
                )
            )
        return Outcome(result, after=after, run_id=run.run_id)


def _given_phones(phones: list[str], file: Path | None) -> list[Given]:
    from siyu_cli.files import expand_paths
    from siyu_cli.people.optout import Given, phones_in_file

    given = [Given(phone) for phone in phones]
    for path in expand_paths([file])[0] if file else []:
        given += phones_in_file(path)
    if not given:
        raise UsageRefused(
            "no-phone",
            tr("没有给出手机号", "No phone was given"),
            hint=tr(
                "siyu optout 13800005671,或 --file 名单.xlsx,或 --list",
                "Name phones, or use --file, or --list",
            ),
        )
    return given


def _list_opt_outs(ctx: AppContext) -> Outcome:
    from siyu_cli.clock import format_seconds
    from siyu_cli.people.optout import list_opt_outs

    with ctx.read() as con:
        rows = [
            (mask_phones(row.phone), row.reason, format_seconds(row.at_sec)) for row in list_opt_outs(con)
        ]
    columns = (
        Column("phone_masked", tr("手机号", "Phone")),
        Column("reason", tr("原因", "Reason")),
        Column("at", tr("时间", "When")),
    )
    result = {
        "total": len(rows),
        "opt_outs": [dict(zip(("phone_masked", "reason", "at"), row, strict=True)) for row in rows],
    }
    return Outcome(
        result, [Table(columns, rows)], before=[tr(f"退订 {len(rows):,} 人", f"{len(rows):,} opted out")]
    )


def _word_optout(changed: Changed, total: int, run_id: int) -> Outcome:
    result = {
        "added": len(changed.added),
        "removed": len(changed.removed),
        "unchanged": len(changed.unchanged),
        "total": total,
    }
    line = tr(
        f"退订名单:加入 {len(changed.added):,} · 移出 {len(changed.removed):,} · 没变 "
        f"{len(changed.unchanged):,} · 现有 {total:,} 人",
        f"Opt-outs: added {len(changed.added):,} · removed {len(changed.removed):,} · "
        f"unchanged {len(changed.unchanged):,} · now {total:,}",
    )
    phones = [mask_phones(phone) for phone in (*changed.added, *changed.removed)]
    columns = (Column("phone_masked", tr("手机号", "Phone")),)
    tables = [Table(columns, [(phone,) for phone in phones])] if phones and len(phones) <= 20 else []
    return Outcome(result, tables, before=[line], run_id=run_id)
