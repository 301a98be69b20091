"""Finding the header row: by known names among the first rows, never by position."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.mapping import PlatformMapping, choose_mapping, header_key, unknown_header

SEARCH_ROWS = 20
REJECT_COLUMNS = ("行号", "列", "原因代码", "原因", "怎么修", "多出的内容")
"""Columns a rejects workbook adds; they are recognised and skipped when it is imported again."""


@dataclass(frozen=True)
class Layout:
    """The first rows of a source under one way of splitting them; `row_nos` are rows or physical lines."""

    rows: Sequence[Sequence[str]]
    row_nos: Sequence[int]
    delimiter: str = ""


@dataclass(frozen=True)
class Header:
    """The header row of a source and what its columns are.

    `names` are unique: a repeated header is kept as 名称_2. `columns` maps a name to the physical
    columns that carry it (several when the same mapped header stands twice). `above` are the rows above
    the header that hold something (`trimmed`): a title, mostly.
    """

    row_no: int
    width: int
    names: tuple[str, ...]
    mapping: PlatformMapping
    delimiter: str = ""
    used: dict[str, str] = field(default_factory=dict)
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    reject_columns: tuple[int, ...] = ()
    above: tuple[tuple[str, ...], ...] = ()


def clean_header(text: str) -> str:
    """A header cell as messages show it: NFKC, trimmed, without invisible or control characters."""
    text = unicodedata.normalize("NFKC", text)
    kept = "".join(ch for ch in text if unicodedata.category(ch) not in ("Cf", "Cc") or ch in "\t\n")
    return " ".join(kept.split())


def trimmed(row: Sequence[str]) -> tuple[str, ...]:
    """A row without white space around its cells and without empty cells at its end."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def find_header(
    layouts: Sequence[Layout], mappings: Sequence[PlatformMapping], file: str, sheet: str | None
) -> Header:
    """The header row and the mapping that reads it; InputRefused `unknown-header` when there is none."""
    best: tuple[tuple[int, ...], Layout, int] | None = None
    is_chosen = len(mappings) == 1
    known = [(mapping, mapping.known_headers()) for mapping in mappings]
    for layout in layouts:
        for at, row in enumerate(layout.rows[:SEARCH_ROWS]):
            keys = frozenset(header_key(cell) for cell in row if cell.strip())
            if is_chosen:
                hits = len(keys & known[0][1])
                score = (hits, hits)
            else:
                score = max((mapping.score(keys) for mapping in mappings), default=(0, 0))
            if score[0] and (best is None or score > best[0]):
                best = (score, layout, at)
    if best is None:
        raise _placed(_nearest_refusal(layouts, mappings), file, sheet)
    _, layout, at = best
    cells = [clean_header(cell) for cell in layout.rows[at]]
    mapping = mappings[0] if is_chosen else choose_mapping(cells, mappings, [m.kind for m in mappings])
    header = build_header(cells, layout.row_nos[at], mapping, layout.delimiter)
    above = map(trimmed, layout.rows[:at])
    return replace(header, above=tuple(row for row in above if row))


def _nearest_refusal(layouts: Sequence[Layout], mappings: Sequence[PlatformMapping]) -> InputRefused:
    """The complaint about the row that looks most like a header, or about an empty table."""
    known = frozenset().union(*(mapping.known_headers() for mapping in mappings))
    rows = [
        [clean_header(cell) for cell in row]
        for layout in layouts
        for row in layout.rows
        if any(map(str.strip, row))
    ]
    if not rows:
        return InputRefused(
            "empty-file",
            tr("表里没有内容", "The table is empty"),
            hint=tr("重新导出;多工作表时用 --sheet 指定", "Export it again; name the sheet with --sheet"),
        )
    first = next((row for row in layouts[0].rows if any(map(str.strip, row))), [])
    if len(first) == 1 and sum(header_key(cell) in known for cell in first[0].split("，")) > 1:
        return InputRefused(
            "fullwidth-comma",
            tr("列之间用的是中文逗号「，」", "The columns are separated by full-width commas"),
            hint=tr("把分隔的中文逗号换成半角逗号,或另存为 xlsx", "Use plain commas, or save it as xlsx"),
        )
    best = max(
        rows, key=lambda row: (sum(header_key(cell) in known for cell in row), sum(map(bool, row)) > 1)
    )
    return unknown_header(best, mappings)


def _placed(error: InputRefused, file: str, sheet: str | None) -> InputRefused:
    return InputRefused(error.code, error.message, hint=error.hint, where=Where(file=file, sheet=sheet))


def build_header(cells: Sequence[str], row_no: int, mapping: PlatformMapping, delimiter: str = "") -> Header:
    """What each column of a found header row is."""
    width = len(cells)
    while width and not cells[width - 1]:
        width -= 1
    names = _unique_names(cells)
    is_reject_file = {"原因代码", "怎么修"} <= set(cells)
    rejects = tuple(at for at, cell in enumerate(cells) if is_reject_file and cell in REJECT_COLUMNS)
    used = mapping.found_columns(cell for at, cell in enumerate(cells) if at not in rejects)
    taken = {header_key(name) for name in used.values()}
    columns = {
        canonical: tuple(
            at for at, cell in enumerate(cells) if header_key(cell) == header_key(name) and at not in rejects
        )
        for canonical, name in used.items()
    }
    unknown = tuple(
        names[at]
        for at, cell in enumerate(cells)
        if cell and header_key(cell) not in taken and at not in rejects
    )
    repeated = {key: [at for at, cell in enumerate(cells) if cell and header_key(cell) == key] for key in
                {header_key(cell) for cell in cells if cell}}  # fmt: skip
    duplicates = tuple(cells[places[0]] for places in repeated.values() if len(places) > 1)
    return Header(
        row_no,
        len(cells),
        names,
        mapping,
        delimiter,
        used,
        columns,
        unknown,
        tuple(sorted(duplicates)),
        rejects,
    )


def _unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Headers made unique: 分销员, 分销员_2; an unnamed column is called by its number."""
    taken: set[str] = set()
    names = []
    for number, cell in enumerate(cells, start=1):
        base = cell or tr(f"第{number}列", f"column {number}")
        name, again = base, 1
        while name in taken:
            again += 1
            name = f"{base}_{again}"
        taken.add(name)
        names.append(name)
    return tuple(names)
