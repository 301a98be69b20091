"""The one way an import command runs: read first, open the store late, account for every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext, OutputFormat, Run
from siyu_cli.errors import ExitCode
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.sheets.account import FileAccount, ImportAccount
    from siyu_cli.sheets.table import CleanTable

FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILES…", show_default=False, help=tr("一个或多个表格文件,可用通配符", "Spreadsheets, globs allowed")),
]  # fmt: skip
SheetOption = Annotated[
    str | None,
    typer.Option("--sheet", metavar="NAME", show_default=False,
                 help=tr("读哪个工作表;默认第一个看得见又有内容的", "Which sheet; default: the first visible one with content")),
]  # fmt: skip
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="NAME|FILE.yaml", show_default=False,
                 help=tr("按哪个映射读:auto(默认)、名字或 .yaml 文件", "Mapping: auto (default), a name or a .yaml file")),
]  # fmt: skip
AllowRejectsOption = Annotated[
    bool,
    typer.Option("--allow-rejects", show_default=False,
                 help=tr("有拒收行也算成功(退出码 0 而不是 4)", "Rejected rows are fine (exit 0 instead of 4)")),
]  # fmt: skip

Merge = Callable[[Run, "Sequence[CleanTable]"], "ImportAccount"]
Words = Callable[["ImportAccount"], list[str]]

_COUNTS = (
    ("read", "读取", "Read"), ("new", "新增", "New"), ("updated", "更新", "Updated"), ("unchanged", "未变", "Unchanged"),
    ("duplicate", "重复", "Duplicate"), ("rejected", "拒收", "Rejected"), ("blank", "空行", "Blank"),
)  # fmt: skip


def run_import(
    ctx: AppContext,
    files: Sequence[Path],
    kinds: Sequence[str],
    reader: Callable[..., CleanTable],
    merge: Merge,
    words: Words,
    *,
    sheet: str | None,
    platform: str | None,
    allow_rejects: bool,
) -> Outcome:
    """Clean every file, then one transaction for all of them and their rejects workbooks; exit 4 where rows went back.

    `reader` cleans one file (sheets.orders.read_orders and its like), `merge` writes the cleaned files
    inside the transaction, `words` says in sentences what is particular to this kind of file.
    """
    from siyu_cli.store.spool import spool_folder

    with spool_folder(ctx.workspace.state_dir) as spool:
        tables = _read(ctx, files, kinds, reader, sheet=sheet, platform=platform, spool=spool)
        with ctx.run() as run, ctx.progress() as step:
            step(tr("写入状态", "Writing the state"))
            account = merge(run, tables)
            run.counts = {**account.totals.as_dict(), "reasons": account.reasons, **account.extra}
            run.inputs = [
                {"file": table.file, "sheet": table.sheet, "sha256": table.sha256} for table in tables
            ]
            if account.totals.rejected and not allow_rejects:
                run.exit_code, run.outcome = ExitCode.PARTIAL, "partial"
            # Before the commit: an import whose rejects cannot be written is no import.
            rejects = [_write_rejects(ctx, file) for file in account.files]
    after = words(account) + _reject_words(account, rejects)
    if run.exit_code is ExitCode.PARTIAL:
        after.append(
            tr("退出码 4:有拒收行。修好后把拒收表再导入一次即可。", "Exit 4: some rows were rejected. Mend them and import the rejects file.")
        )  # fmt: skip
    return Outcome(account.as_dict(rejects), [_counts_table(account)], after=after, run_id=run.run_id, exit_code=run.exit_code)  # fmt: skip


def _read(
    ctx: AppContext,
    files: Sequence[Path],
    kinds: Sequence[str],
    reader: Callable[..., CleanTable],
    *,
    sheet: str | None,
    platform: str | None,
    spool: Path,
) -> list[CleanTable]:
    """Every file cleaned before the store is opened, saying what each was understood as."""
    from siyu_cli.clock import zone
    from siyu_cli.files import expand_paths
    from siyu_cli.sheets.mapping import available_mappings, resolve_mappings
    from siyu_cli.sheets.reasons import note_text

    workspace = ctx.workspace
    mappings = resolve_mappings(platform, available_mappings(workspace), kinds)
    tz = zone(workspace.settings.timezone)
    tables = []
    paths = expand_paths(list(files))
    with ctx.progress(len(paths)) as step:
        for path in paths:
            step(tr(f"读取 {path.name}", f"Reading {path.name}"))
            table = reader(path, mappings, tz=tz, sheet=sheet, spool=spool)
            if ctx.format is not OutputFormat.JSON:
                ctx.say(_understood(table))
                for code, count in table.notes.items():
                    ctx.say(f"  {note_text(code, count)}")
            tables.append(table)
    return tables


def _understood(table: CleanTable) -> str:
    """`订单.csv  识别为 淘宝(GB18030,表头第 1 行,46 列中用到 17 列)`."""
    used = len(set(table.used.values()))
    parts = [
        part
        for part in (
            table.encoding and table.encoding.upper(),
            tr(f"「{table.sheet}」", f"“{table.sheet}”") if table.sheet else None,
        )
        if part
    ]
    parts.append(tr(f"表头第 {table.header_row} 行", f"header in row {table.header_row}"))
    parts.append(
        tr(f"{len(table.headers)} 列中用到 {used} 列", f"{used} of {len(table.headers)} columns used")
    )
    what = tr(
        f"识别为 {table.mapping.name}({','.join(parts)})",
        f"read as {table.mapping.name} ({', '.join(parts)})",
    )
    return f"{table.file}  {what}"


def _counts_table(account: ImportAccount) -> Table:
    """The conservation equation, a row per file."""
    columns = [Column("file", tr("文件", "File"))]
    columns += [Column(key, tr(chinese, english), "count") for key, chinese, english in _COUNTS]
    rows = [[file.table.file, *file.counts.as_dict().values()] for file in account.files]
    if len(rows) > 1:
        rows.append([tr("合计", "Total"), *account.totals.as_dict().values()])
    return Table(columns, rows)


def _write_rejects(ctx: AppContext, file: FileAccount) -> str | None:
    """The rejects workbook of one file, as shown to the operator; a dry run writes none."""
    from siyu_cli.clock import date_of
    from siyu_cli.sheets.rejects import write_rejects

    if ctx.dry_run or not file.counts.rejected:
        return None
    day = (ctx.resolved_as_of or ctx.clock.as_of(None)).day
    path = write_rejects(file.table, ctx.workspace.outbox(date_of(day).isoformat()), file.refused)
    return ctx.workspace.shown(path) if path else None


def _reject_words(account: ImportAccount, rejects: Sequence[str | None]) -> list[str]:
    """How many rows of each file were rejected, where they are, and why."""
    from siyu_cli.sheets.reasons import reason_text

    lines = []
    for file, path in zip(account.files, rejects, strict=True):
        if not file.counts.rejected:
            continue
        rows = f"{file.counts.rejected:,}"
        lines.append(tr(f"拒收 {rows} 行", f"{rows} rows rejected") + (f" → {path}" if path else ""))
        first = {reject.code: reject for reject in reversed((*file.table.rejects, *file.refused))}
        for code, reject in sorted(first.items(), key=lambda pair: (-file.reasons.get(pair[0], 0), pair[0])):
            column = tr(f"「{reject.column}」", f" “{reject.column}”") if reject.column else ""
            sample = tr(f"例:第 {reject.row_no:,} 行{column}", f"e.g. row {reject.row_no:,}{column}")
            lines.append(f"    {reason_text(code, reject.detail)} × {file.reasons.get(code, 0):,}({sample})")
    return lines
