"""Before the store is opened: from the operator's arguments to clean tables, and what is said and asked meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.commands.render import print_table, rich_table
from siyu_cli.context import AppContext, OutputFormat, Step
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.commands.importing import ImportOptions
    from siyu_cli.commands.mappings import Layout
    from siyu_cli.files import Skipped
    from siyu_cli.sheets.documents import Document
    from siyu_cli.sheets.mapping import PlatformMapping
    from siyu_cli.sheets.table import CleanTable

Reader = Callable[..., "CleanTable"]
_UNDATED = ("staff", "leave", "assignments", "stages", "tags", "leads")
"""Kinds of files where it does not matter when they were exported."""
_LISTS_UNUSED, _FEW = ("orders", "returns", "details", "events", "staff", "tags", "stages"), 6
"""Kinds that drop the columns they do not use; so many are named, more are what platforms always send."""
_EXPORTED_WORDS = {
    "file-name": tr("导出时间 {}(文件名里写的)", "exported {} (says its name)"),
    "option": tr("导出时间 {}(--exported-at)", "exported {} (--exported-at)"),
    "file-time": tr(
        "导出时间 {}(文件的修改时间;不对就加 --exported-at)",
        "exported {} (the file's time stamp; if wrong use --exported-at)",
    ),
}


class Reading:
    """Everything before the store is opened: documents from arguments, clean tables from documents."""

    def __init__(
        self, ctx: AppContext, kinds: Sequence[str], reader: Reader, options: ImportOptions, spool: Path
    ) -> None:
        from siyu_cli.clock import moment_of, zone
        from siyu_cli.sheets.mapping_file import available_mappings, resolve_mappings

        self.ctx, self.kinds, self.options, self.spool = ctx, kinds, options, spool
        self._reader = reader
        self._known = available_mappings(ctx.workspace)
        self._mappings = resolve_mappings(options.platform, self._known, kinds)
        self._step = Step()
        self._tz = zone(ctx.workspace.settings.timezone)
        self._exported_sec = options.exported_at and moment_of(options.exported_at, "--exported-at")

    def open(self, files: Sequence[Path]) -> tuple[list[Document], list[Skipped]]:
        """The documents to read, unlocked and unpacked; what is left out is said."""
        from siyu_cli.sheets.documents import open_documents
        from siyu_cli.sheets.unlock import Passwords, given_passwords, is_open_to_others

        ctx, password_file = self.ctx, self.options.password_file
        known = given_passwords(password_file)
        if password_file is not None and is_open_to_others(password_file):
            ctx.say(
                tr(
                    f"注意:这台机器上的其他用户也能读密码文件 {password_file};改成只有自己能读:chmod 600",
                    f"Note: other users of this machine can read {password_file}; make it yours: chmod 600",
                )
            )
        passwords = Passwords(known, self._ask_password if ctx.can_ask else None)
        documents, skipped = open_documents(files, self.spool, passwords, self._tz)
        for one in skipped:
            self._say(tr(f"跳过 {one.file}:{one.why}", f"Left out {one.file}: {one.why}"))
        return documents, skipped

    def _ask_password(self, file: str, was_wrong: bool) -> str:
        again = tr("密码不对,再输一次。", "That was not it. ") if was_wrong else ""
        return self.ctx.ask_hidden(
            again + tr(f"{file} 的打开密码(输入时不显示):", f"Password of {file} (not shown):")
        )

    def read(self, documents: Sequence[Document]) -> list[CleanTable]:
        """Every sheet that is asked for, cleaned, saying what each was understood as."""
        tables: list[CleanTable] = []
        with self.ctx.progress(len(documents)) as step:
            for document in documents:
                step(tr(f"读取 {document.name}", f"Reading {document.name}"))
                self._step = step
                found = self._all_sheets(document) if self.options.all_sheets else [self._one_sheet(document)]
                for table in found:
                    self._say_understood(table)
                tables += found
        return tables

    def _one_sheet(self, document: Document) -> CleanTable:
        from siyu_cli.sheets.raw import list_sheets
        from siyu_cli.sheets.write import ABOUT_SHEET

        table = self._table(document, self.options.sheet)
        if self.options.sheet and table.sheet is None:
            self._say(
                tr(
                    f"{document.name} 是文本,没有工作表:--sheet 没有用上",
                    f"{document.name} is text and has no sheets: --sheet was not used",
                )
            )
        elif not self.options.sheet and table.sheet is not None:
            others = [name for name in list_sheets(document.path) if name not in (table.sheet, ABOUT_SHEET)]
            if others:
                listed = "、".join(others)
                self._say(
                    tr(
                        f"{document.name} 还有别的工作表:{listed},没有读;--all-sheets 全读,--sheet 选一个",
                        f"{document.name} has other sheets, not read: {listed}; --all-sheets reads them, --sheet picks one",
                    )
                )
        return table

    def _all_sheets(self, document: Document) -> list[CleanTable]:
        """Every visible sheet with content; those that are not understood with all their rows refused."""
        from siyu_cli.sheets.raw import list_sheets
        from siyu_cli.sheets.unusable import is_about_the_sheet, refuse_sheet

        names = list_sheets(document.path)
        if len(names) < 2:
            return [self._table(document, None)]
        found: dict[str, CleanTable] = {}
        refusals: list[InputRefused] = []
        for name in names:
            try:
                found[name] = self._table(document, name)
            except InputRefused as error:
                if not is_about_the_sheet(error):
                    raise
                refusals.append(error)
        if not found:
            raise refusals[0]
        like = next(iter(found.values()))
        tables = [found.get(name) or refuse_sheet(document.path, name, like) for name in names]
        return [table for table in tables if table is not None]

    def _table(self, document: Document, sheet: str | None) -> CleanTable:
        """One sheet, cleaned. A file nothing recognises may be read by a proposal a person agrees to."""
        try:
            return self._cleaned(document, sheet, self._mappings)
        except InputRefused as error:
            if error.code != "unknown-header" or self.options.platform or self.options.all_sheets:
                raise
            agreed = self._agreed_mapping(document, sheet, error)
        self._mappings.append(agreed)  # the next file may look the same
        return self._cleaned(document, sheet, [agreed])

    def _cleaned(
        self, document: Document, sheet: str | None, mappings: Sequence[PlatformMapping]
    ) -> CleanTable:
        from siyu_cli.sheets.documents import named

        def progress(bytes_read: int) -> None:
            self._step.part(bytes_read / document.path.stat().st_size)

        try:
            return self._reader(
                document.path, mappings, tz=self._tz, sheet=sheet, exported_sec=self._exported_sec,
                spool=self.spool, name=document.name, progress=progress,
            )  # fmt: skip
        except InputRefused as error:
            raise named(error, document) from None

    def _agreed_mapping(self, document: Document, sheet: str | None, error: InputRefused) -> PlatformMapping:
        """The proposal for an unknown file, once a person has seen it and said yes; else the refusal."""
        from siyu_cli.commands.mappings import layout_of, mapping_target, next_command, write_mapping

        hint = tr("看一份提议并存成文件来改:", "For a proposal to edit: ") + next_command(
            self.ctx, document, sheet
        )
        refused = InputRefused(error.code, error.message, hint=hint, where=error.where)
        try:
            layout = layout_of(document, sheet, self._mappings, self.kinds, self._known)
        except InputRefused:
            raise error from None  # nothing can be proposed: what the reader advises stands
        if not self.ctx.can_ask:
            raise refused
        target = mapping_target(self.ctx, document)
        if not layout.is_proposal or target.exists():
            raise refused
        print_table(self.ctx.stderr, rich_table(self.ctx, layout.table()))
        shown = self.ctx.workspace.shown(target)
        if not self.ctx.confirm(
            tr(f"按这样读,并把映射存进 {shown} 吗?", f"Read it like this and keep the mapping in {shown}?")
        ):
            raise refused
        return write_mapping(self.ctx, layout, target)

    def layouts(self, documents: Sequence[Document]) -> list[Layout]:
        """How each document would be read, sheet by sheet; nothing is cleaned or written."""
        from siyu_cli.commands.mappings import layout_of
        from siyu_cli.sheets.raw import list_sheets

        def sheets(document: Document) -> Sequence[str | None]:
            every = list_sheets(document.path) if self.options.all_sheets else []
            return every or [self.options.sheet]

        return [
            layout_of(document, sheet, self._mappings, self.kinds, self._known)
            for document in documents
            for sheet in sheets(document)
        ]

    def _say(self, text: str) -> None:
        if self.ctx.format is not OutputFormat.JSON:
            self.ctx.say(text)

    def _say_understood(self, table: CleanTable) -> None:
        """`订单.csv  识别为 淘宝(GB18030,表头第 1 行,46 列中用到 17 列)`, with notes and the export moment."""
        from siyu_cli.clock import format_seconds
        from siyu_cli.sheets.mapping_file import missed_headers
        from siyu_cli.sheets.repairs import note_text
        from siyu_cli.sheets.unusable import is_unusable

        if is_unusable(table):
            self._say(
                tr(
                    f"{table.file}「{table.sheet}」认不出表头:{table.read:,} 行全部拒收",
                    f"{table.file} “{table.sheet}” has no header we know: its {table.read:,} rows are rejected",
                )
            )
            return
        self._say(_understood(table))
        if table.mapping.kind not in _UNDATED:
            moment = format_seconds(table.exported_sec)
            self._say("  " + _EXPORTED_WORDS[table.exported_from].format(moment))
        for code, count in table.notes.items():
            self._say(f"  {note_text(code, count)}")
        if table.mapping.kind in _LISTS_UNUSED and 0 < len(table.unknown) <= _FEW:
            self._say("  " + tr("没有用到的列:", "Columns not used: ") + "、".join(table.unknown))
        if missed := missed_headers(table.mapping, table.unknown):
            listed = "".join(f"「{header}」" for header in missed)
            self._say(
                "  "
                + tr(
                    f"注意:{table.mapping.file} 是以前的一份,不认得{listed},现在出厂的认得;没有改过就删掉这个文件(改用出厂的),"
                    "改过就照出厂的补上这几列,再导入一次",
                    f"Note: {table.mapping.file} is an older copy that does not know {listed}; the shipped one does. "
                    "Delete the file to use the shipped one, or add these columns, and import again",
                )
            )


def _understood(table: CleanTable) -> str:
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
