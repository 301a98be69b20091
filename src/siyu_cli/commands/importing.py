"""The one way an import command runs: read first, open the store late, account for every row."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from siyu_cli.commands.mappings import show_mappings
from siyu_cli.commands.reading import Reader, Reading
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext, Run
from siyu_cli.errors import ExitCode, UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.sheets.account import FileAccount, ImportAccount
    from siyu_cli.sheets.table import CleanTable

FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILES…", show_default=False,
                   help=tr("表格文件、文件夹、压缩包,可以几个,可用通配符", "Spreadsheets, folders, zip archives; globs allowed")),
]  # fmt: skip


@dataclass(frozen=True)
class ImportOptions:
    """What every import command can be told; see `takes_import_options`."""

    sheet: Annotated[
        str | None,
        typer.Option("--sheet", metavar="NAME", show_default=False,
                     help=tr("读哪个工作表;默认第一个看得见又有内容的", "Which sheet; default: the first visible one with content")),
    ] = None  # fmt: skip
    all_sheets: Annotated[
        bool,
        typer.Option("--all-sheets", show_default=False,
                     help=tr("看得见又有内容的工作表全读,各算各的", "Read every visible sheet with content, each on its own")),
    ] = False  # fmt: skip
    platform: Annotated[
        str | None,
        typer.Option("--platform", metavar="NAME|FILE.yaml", show_default=False,
                     help=tr("按哪个映射读:auto(默认)、名字或 .yaml 文件", "Mapping: auto (default), a name or a .yaml file")),
    ] = None  # fmt: skip
    exported_at: Annotated[
        str | None,
        typer.Option("--exported-at", metavar="DATE", show_default=False,
                     help=tr('什么时候导出的:2025-03-15 或 "2025-03-15 10:00";文件名里写了的以文件名为准',
                             'When it was exported: 2025-03-15 or "2025-03-15 10:00"; a moment in the file name wins')),
    ] = None  # fmt: skip
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", show_default=False,
                     help=tr("写着打开密码的文件,一行一个;也可用环境变量 SIYU_FILE_PASSWORD",
                             "File with the passwords to open files, one per line; or set SIYU_FILE_PASSWORD")),
    ] = None  # fmt: skip
    show_mapping: Annotated[
        bool,
        typer.Option("--show-mapping", show_default=False,
                     help=tr("只看会从哪一列读什么,不导入", "Only show what would be read from where, import nothing")),
    ] = False  # fmt: skip
    save_mapping: Annotated[
        Path | None,
        typer.Option("--save-mapping", metavar="FILE.yaml", show_default=False,
                     help=tr("把这份映射写成文件来改,不导入", "Write the mapping to a file to edit, import nothing")),
    ] = None  # fmt: skip
    allow_rejects: Annotated[
        bool,
        typer.Option("--allow-rejects", show_default=False,
                     help=tr("有拒收行也算成功(退出码 0 而不是 4)", "Rejected rows are fine (exit 0 instead of 4)")),
    ] = False  # fmt: skip


def takes_import_options(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Give a command `f(ctx, files, options: ImportOptions, …)` one option per field of ImportOptions."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())
    hints = get_type_hints(ImportOptions, include_extras=True)
    shared = [
        inspect.Parameter(
            one.name, inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name], default=one.default
        )
        for one in fields(ImportOptions)
    ]

    @wraps(function)
    def call(ctx: AppContext, **values: Any) -> Outcome:
        from siyu_cli.sheets.child import start_early

        start_early(values["files"])
        options = ImportOptions(**{one.name: values.pop(one.name) for one in fields(ImportOptions)})
        return function(ctx, options=options, **values)

    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY) if at else one for at, one in enumerate(own)
    ]
    kept = [one for one in parameters if one.name != "options"]
    call.__signature__ = inspect.Signature([*kept, *shared])  # type: ignore[attr-defined]
    return call


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
    reader: Reader,
    merge: Merge,
    words: Words,
    options: ImportOptions,
) -> Outcome:
    """Clean every file, then one transaction for all of them and their rejects workbooks; exit 4 where rows went back.

    `reader` cleans one sheet (sheets.orders.read_orders and its like), `merge` writes the cleaned sheets
    inside the transaction, `words` says in sentences what is particular to this kind of file.
    """
    from siyu_cli.store.spool import spool_folder

    if options.sheet and options.all_sheets:
        raise UsageRefused(
            "sheet-and-all-sheets",
            tr("--sheet 和 --all-sheets 只能用一个", "Use --sheet or --all-sheets, not both"),
            hint=tr("去掉其中一个", "Leave one of them out"),
        )
    with spool_folder(ctx.workspace.state_dir) as spool:
        reading = Reading(ctx, kinds, reader, options, spool)
        documents, skipped = reading.open(files)
        if options.show_mapping or options.save_mapping:
            return show_mappings(ctx, reading.layouts(documents), options.save_mapping)
        tables = reading.read(documents)
        with ctx.run() as run, ctx.progress() as step:
            step(tr("写入状态", "Writing the state"))
            account = _merge_usable(run, merge, tables)
            run.counts = {**account.totals.as_dict(), "reasons": account.reasons, **account.extra}
            run.inputs = [
                {"file": table.file, "sheet": table.sheet, "sha256": table.sha256} for table in tables
            ]
            if account.totals.rejected and not options.allow_rejects:
                run.exit_code, run.outcome = ExitCode.PARTIAL, "partial"
            # Before the commit: an import whose rejects cannot be written is no import.
            rejects = _write_rejects(ctx, account.files, spool)
            asked, review = _write_review(ctx, run)
    after = words(account) + _reject_words(account, rejects)
    if asked:
        after.append(
            tr(f"{asked:,} 处说不清是不是同一人,没有合并", f"{asked:,} questions whether two customers are one; not merged")
            + (f" → {review}" if review else "")
        )  # fmt: skip
    if review:
        after.append(tr(f"  填好「结论」再运行:siyu merge-customers {review}", f"  Fill in 结论, then: siyu merge-customers {review}"))  # fmt: skip
    if run.exit_code is ExitCode.PARTIAL:
        after.append(
            tr("退出码 4:有拒收行。真正导入时写成拒收表,修好再导入一次。", "Exit 4: some rows were rejected. The import itself writes them to a rejects file to mend.")
            if ctx.dry_run else
            tr("退出码 4:有拒收行。修好后把拒收表再导入一次即可。", "Exit 4: some rows were rejected. Mend them and import the rejects file.")
        )  # fmt: skip
    result = account.as_dict(rejects)
    result["identity_conflicts"], result["review_file"] = asked, review
    result["skipped"] = [{"file": one.file, "reason": one.reason} for one in skipped]
    return Outcome(result, [_counts_table(account)], after=after, run_id=run.run_id, exit_code=run.exit_code)


def _write_review(ctx: AppContext, run: Run) -> tuple[int, str | None]:
    """How many questions of identity this run raised, and the workbook that asks them; a dry run writes none."""
    from siyu_cli.clock import date_of
    from siyu_cli.customers.review import new_conflicts, write_review

    asked = new_conflicts(run.con, run.run_id)
    if not asked or run.is_dry:
        return asked, None
    as_of = ctx.clock.as_of(None)
    day = (ctx.resolved_as_of or as_of).day
    path = write_review(run.con, run.run_id, ctx.workspace.outbox(date_of(day).isoformat()), as_of)
    return asked, ctx.workspace.shown(path) if path else None


def _merge_usable(run: Run, merge: Merge, tables: Sequence[CleanTable]) -> ImportAccount:
    """What `merge` made of the sheets that were understood, and the others with all rows refused."""
    from siyu_cli.sheets.account import all_refused
    from siyu_cli.sheets.unusable import is_unusable

    account = merge(run, [table for table in tables if not is_unusable(table)])
    merged = iter(account.files)
    files = tuple(all_refused(table) if is_unusable(table) else next(merged) for table in tables)
    return replace(account, files=files)


def _counts_table(account: ImportAccount) -> Table:
    """The conservation equation, a row per file, or per sheet where a file has several."""
    has_sheets = len({file.table.file for file in account.files}) < len(account.files)
    columns = [Column("file", tr("文件", "File"))]
    columns += [Column("sheet", tr("工作表", "Sheet"))] * has_sheets
    columns += [Column(key, tr(chinese, english), "count") for key, chinese, english in _COUNTS]
    rows = [
        [file.table.file, *[file.table.sheet] * has_sheets, *file.counts.as_dict().values()]
        for file in account.files
    ]
    if len(rows) > 1:
        rows.append([tr("合计", "Total"), *[None] * has_sheets, *account.totals.as_dict().values()])
    return Table(columns, rows)


def _write_rejects(ctx: AppContext, files: Sequence[FileAccount], spool: Path) -> list[str | None]:
    """The rejects workbook of each file, as shown to the operator; a dry run writes none.

    All are made before the first is put in its place: where one cannot be, there is none at all.
    """
    from siyu_cli.clock import date_of
    from siyu_cli.sheets.rejects import place_rejects, write_rejects

    if ctx.dry_run:
        return [None] * len(files)
    drafts = [
        write_rejects(file.table, spool / f"rejects-{number}", file.refused)
        for number, file in enumerate(files)
    ]
    day = (ctx.resolved_as_of or ctx.clock.as_of(None)).day
    folder = ctx.workspace.outbox(date_of(day).isoformat())
    sheets = Counter(file.table.file for file in files)
    return [
        ctx.workspace.shown(place_rejects(draft, file.table, folder, by_sheet=sheets[file.table.file] > 1))
        if draft
        else None
        for draft, file in zip(drafts, files, strict=True)
    ]


def _reject_words(account: ImportAccount, rejects: Sequence[str | None]) -> list[str]:
    """How many rows of each file were rejected, where they are, and why."""
    from siyu_cli.sheets.reasons import fix_text, near_text, reason_text

    lines = []
    for file, path in zip(account.files, rejects, strict=True):
        if not file.counts.rejected:
            continue
        rows = f"{file.counts.rejected:,}"
        lines.append(tr(f"拒收 {rows} 行", f"{rows} rows rejected") + (f" → {path}" if path else ""))
        # Status words that no mapping knows are told one by one, everything else by its reason.
        unknown = file.unknown_words
        first = {
            (reject.code, reject.detail if reject.detail in unknown else ""): reject
            for reject in reversed(file.rejects)
        }
        rows_of = {key: unknown.get(key[1]) or file.reasons.get(key[0], 0) for key in first}
        for key, reject in sorted(first.items(), key=lambda pair: (-rows_of[pair[0]], pair[0])):
            column = tr(f"「{reject.column}」", f" “{reject.column}”") if reject.column else ""
            sample = tr(f"例:第 {reject.row_no:,} 行{column}", f"e.g. row {reject.row_no:,}{column}")
            near = f" {near_text(reject.near).strip()}" if reject.near else ""
            lines.append(f"    {reason_text(reject.code, reject.detail)} × {rows_of[key]:,}({sample}){near}")
            if 2 * rows_of[key] > file.counts.read:
                # What befell most of the rows is hardly mended row by row.
                lines.append(f"      → {fix_text(reject.code)}")
    return lines
