"""One table of a spreadsheet as the reading child hands it over: text columns, batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

import pyarrow as pa

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr

Columns: TypeAlias = "Generator[list[pa.Array], None, None]"
"""Batches of text columns; closing it lets go of the file."""

Merges: TypeAlias = "Sequence[tuple[int, int, int, int]]"
"""Blocks of cells merged over several rows: first and last row, first and last column, all from 0."""

_BATCH_ROWS, _BATCH_CELLS = 32_768, 1_000_000


@dataclass
class Grid:
    """A table from its first row on. Every batch has `width` text columns without nulls.

    `sheet` and `names` are None and empty where the file holds just one table without a name.
    """

    sheet: str | None
    names: list[str]
    is_1904: bool
    width: int
    notes: Counter[str]
    batches: Columns
    merges: Merges = field(default=())


class Named(Protocol):
    """A sheet to choose from."""

    @property
    def name(self) -> str: ...

    @property
    def is_hidden(self) -> bool: ...


Sheet = TypeVar("Sheet", bound=Named)


def choose_sheet(
    file: str, sheets: Sequence[Sheet], wanted: str | None, has_content: Callable[[Sheet], bool]
) -> Sheet:
    """The sheet by name, hidden ones too; else the first visible one with content. InputRefused if there is none."""
    if wanted is not None:
        for sheet in sheets:
            if sheet.name.strip().casefold() == wanted.strip().casefold():
                if has_content(sheet):
                    return sheet
                raise _empty(
                    file, tr(f"工作表「{sheet.name}」没有内容", f"the sheet “{sheet.name}” is empty")
                )
        names = [sheet.name for sheet in sheets]
        raise InputRefused(
            "unknown-sheet",
            tr(f"{file} 里没有工作表「{wanted}」", f"{file} has no sheet “{wanted}”"),
            hint=tr(f"有:{'、'.join(names)}", f"There are: {', '.join(names)}"),
            where=Where(file=file),
        )
    for sheet in sheets:
        if not sheet.is_hidden and has_content(sheet):
            return sheet
    hidden = [sheet.name for sheet in sheets if sheet.is_hidden]
    why = tr("没有带内容的工作表", "no sheet has content")
    if hidden:
        why += tr(f"(隐藏的:{'、'.join(hidden)})", f" (hidden: {', '.join(hidden)})")
    raise _empty(file, why)


def _empty(file: str, why: str) -> InputRefused:
    return InputRefused(
        "empty-file",
        tr(f"{file} 里{why}", f"{file}: {why}"),
        hint=tr("重新导出;隐藏的工作表用 --sheet 指定", "Export it again; name a hidden sheet with --sheet"),
        where=Where(file=file),
    )


def rows_per_batch(width: int) -> int:
    """Rows of one batch: fewer where rows are wide, so that a batch stays small."""
    return max(1, min(_BATCH_ROWS, _BATCH_CELLS // max(width, 1)))


def columns_of(rows: Sequence[Sequence[str]], width: int) -> list[pa.Array]:
    """Rows of any length as text columns; what a row lacks is empty."""
    return [pa.array([row[at] if at < len(row) else "" for row in rows], pa.string()) for at in range(width)]
