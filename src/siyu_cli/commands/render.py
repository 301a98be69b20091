"""From a command's outcome to the screen, a pipe or a script: the one place that prints data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from siyu_cli.context import AppContext, OutputFormat
from siyu_cli.errors import ExitCode, SiyuError
from siyu_cli.language import tr
from siyu_cli.money import format_yuan
from siyu_cli.words import strip_control

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

Kind = Literal["text", "count", "change", "fen"]


@dataclass(frozen=True)
class Column:
    """`key` heads CSV output, `title` the table; `kind` says how a value is shown and aligned."""

    key: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Rows for people and pipes; values are raw (fen, counts), the renderer words them."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    title: str = ""


@dataclass
class Outcome:
    """What a command has to say: `result` for scripts, `tables` for people, `notes` as talk around them."""

    result: dict[str, Any]
    tables: list[Table] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    run_id: int | None = None
    exit_code: ExitCode = ExitCode.DONE


def print_outcome(ctx: AppContext, outcome: Outcome) -> None:
    """Data to stdout in the asked format, talk to stderr."""
    if ctx.format is OutputFormat.JSON:
        as_of = ctx.resolved_as_of
        print_json(
            {
                "command": ctx.command,
                "run_id": None if ctx.dry_run else outcome.run_id,
                "as_of": str(as_of) if as_of else None,
                "dry_run": ctx.dry_run,
                "result": outcome.result,
            }
        )
        return
    for line in outcome.before:
        ctx.say(line)
    if ctx.format is OutputFormat.CSV:
        for table in outcome.tables[:1]:
            _print_csv(table)
    else:
        for table in outcome.tables:
            print_table(ctx.stdout, rich_table(ctx, table))
    for line in outcome.after:
        ctx.say(line)
    if ctx.dry_run:
        ctx.say(
            tr(
                "试运行,什么也没写。去掉 --dry-run 执行。",
                "Dry run, nothing written. Leave out --dry-run to do it.",
            )
        )


def print_table(console: Console, table: RichTable) -> None:
    """A table on a screen, or for a pipe: there without the blanks that fill up its last column."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as shown:
        console.print(table)
    lines = [line.rstrip(" ") for line in shown.get().rstrip("\n").split("\n")]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def print_error(ctx: AppContext, error: SiyuError) -> None:
    """One clear sentence on stderr, or one JSON document on stdout."""
    if ctx.format is OutputFormat.JSON:
        print_json({"error": error.as_dict()})
        return
    where = str(error.where or "")
    # Many a sentence begins with the name of the file already.
    where = "" if error.message.startswith(where) else f"{where}  "
    lines = [f"{tr('错误', 'Error')}  {where}{error.message}"]
    if error.hint:
        lines.append(f"  → {error.hint}")
    # Errors are said under --quiet too: cron mails them.
    ctx.stderr.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """One document; written as UTF-8 even where the terminal speaks something else."""
    import json

    text = json.dumps(document, ensure_ascii=False, default=str)
    _write_utf8(text + "\n")


def _print_csv(table: Table) -> None:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    writer.writerows([["" if value is None else value for value in row] for row in table.rows])
    _write_utf8(buffer.getvalue())


def _write_utf8(text: str) -> None:
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()


def rich_table(ctx: AppContext, table: Table) -> RichTable:
    """A table for people; customer text is escaped."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        box=box.SIMPLE_HEAD if ctx.is_terminal else None,
        title=Text(table.title) if table.title else None,
        title_justify="left",
        pad_edge=False,
    )
    for column in table.columns:
        is_number = column.kind != "text"
        shown.add_column(
            Text(column.title), justify="right" if is_number else "left", no_wrap=not ctx.is_terminal or is_number,
            overflow="fold",
        )  # fmt: skip
    for row in table.rows:
        cells = [word_value(value, column.kind) for value, column in zip(row, table.columns, strict=True)]
        shown.add_row(*(Text(cell) for cell in cells))
    return shown


def word_value(value: Any, kind: Kind) -> str:
    """A raw value as people read it; a missing one is a dash."""
    if value is None:
        return "–"
    if kind == "fen":
        return format_yuan(value)
    if kind == "count":
        return f"{value:,}" if isinstance(value, int) else str(value)
    if kind == "change":
        return f"{value:+,}" if value else "0"
    return strip_control(str(value))
