"""Opt-outs: people who must never be pushed to, kept by phone, so they hold for every later customer too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HEADERS = ("手机号", "手机", "手机号码", "电话", "phone", "mobile")


@dataclass(frozen=True)
class Given:
    """A phone that was typed or read, and where."""

    text: str
    where: Where | None = None


@dataclass(frozen=True)
class Changed:
    """What became of the phones that were given."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptOut:
    """One person who must not be pushed to."""

    phone: str
    reason: str
    at_sec: int


def read_phones(given: Iterable[Given]) -> tuple[str, ...]:
    """Canonical phones, each once, in order; InputRefused names every text that is none."""
    import pyarrow as pa

    items = list(given)
    found, _ = clean_phones(pa.array([item.text for item in items], pa.string()))
    phones = found.to_pylist()
    bad = [item for item, phone in zip(items, phones, strict=True) if phone is None]
    if bad:
        shown = "、".join(
            f"{item.where} {item.text}".strip() if item.where else item.text for item in bad[:5]
        )
        more = tr(f" 等 {len(bad)} 处", f" and {len(bad) - 5} more") if len(bad) > 5 else ""
        raise InputRefused(
            "bad-phone",
            tr(f"不是完整的手机号:{shown}{more}", f"Not a full mobile number: {shown}{more}"),
            hint=tr(
                "写 11 位手机号;打码的号码认不出是谁", "Write all 11 digits; a masked number names nobody"
            ),
            where=bad[0].where,
        )
    return tuple(dict.fromkeys(phone for phone in phones if phone))


def phones_in_file(path: Path) -> list[Given]:
    """The phones of a list: the column 手机号 of a table, else the first column; blank rows are skipped."""
    rows = _rows_of(path)
    column, start = 0, 0
    for number, row in enumerate(rows[:10]):
        names = [fold(cell) for cell in row]
        found = next((names.index(header) for header in _HEADERS if header in names), None)
        if found is not None:
            column, start = found, number + 1
            break
    return [
        Given(row[column].strip(), Where(file=path.name, row=number))
        for number, row in enumerate(rows[start:], start=start + 1)
        if len(row) > column and row[column].strip()
    ]


def _rows_of(path: Path) -> list[list[str]]:
    raw = path.read_bytes()
    if raw[:2] == b"PK" or raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _workbook_rows(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    return [
        list(row)
        for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in text else ",")
    ]


def _workbook_rows(path: Path) -> list[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError) as error:
        raise InputRefused(
            "unreadable-file",
            tr(f"打不开表格 {path.name}", f"Cannot open {path.name}"),
            where=Where(file=path.name),
        ) from error
    return [
        [str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell) for cell in row]
        for row in rows
    ]


def add_opt_outs(
    con: DuckDBPyConnection, phones: Iterable[str], *, reason: str, at_sec: int, run_id: int
) -> Changed:
    """Put phones on the list; who is on it stays as he is."""
    known = {row.phone for row in list_opt_outs(con)}
    added = [phone for phone in phones if phone not in known]
    if added:
        con.executemany(
            "INSERT INTO opt_outs (phone, reason, at_sec, run_id) VALUES (?, ?, ?, ?)",
            [[phone, reason, at_sec, run_id] for phone in added],
        )
    return Changed(added=tuple(added), unchanged=tuple(phone for phone in phones if phone in known))


def remove_opt_outs(con: DuckDBPyConnection, phones: Iterable[str]) -> Changed:
    """Take phones off the list."""
    known = {row.phone for row in list_opt_outs(con)}
    removed = [phone for phone in phones if phone in known]
    for phone in removed:
        con.execute("DELETE FROM opt_outs WHERE phone = ?", [phone])
    return Changed(removed=tuple(removed), unchanged=tuple(phone for phone in phones if phone not in known))


def list_opt_outs(con: DuckDBPyConnection) -> list[OptOut]:
    """Everyone on the list, the newest first."""
    rows = con.execute(
        "SELECT phone, min(reason), min(at_sec) FROM opt_outs GROUP BY phone ORDER BY 3 DESC, 1"
    ).fetchall()
    return [OptOut(*row) for row in rows]
