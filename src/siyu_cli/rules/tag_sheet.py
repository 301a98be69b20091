"""Sheets of tags set by hand: which row pins what, and the account of every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.customers.stage_sheet import unknown_words
from siyu_cli.rules.pins import forbidden_tags, known_tags, rivals_of
from siyu_cli.sheets.account import ImportAccount
from siyu_cli.sheets.pieces import known_words
from siyu_cli.sheets.table import CleanTable
from siyu_cli.sheets.verdicts import Judged, Word, accounts_by_row
from siyu_cli.store import tag_sheets
from siyu_cli.store.pins import note_tags

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.rules.tree import RuleSet

_ACTS = {"on": "pin_on", "off": "pin_off", "release": "unpin"}


def merge_tags(
    con: DuckDBPyConnection, rules: RuleSet, run_id: int, as_of: AsOf, tables: Sequence[CleanTable]
) -> ImportAccount:
    """Set tags as sheets say, inside the caller's transaction."""
    known, forbidden = known_tags(rules), forbidden_tags(rules)
    note_tags(con, rivals_of(rules), [rule.name for rule in rules.tags])
    words = {**unknown_words(tables, known), **_forbidden_words(tables, known, forbidden)}
    judged: list[Judged] = []
    counts: dict[str, dict[str, int]] = {}
    customers = 0
    if tables:
        staged = pa.concat_tables(_columns(at, table, known, forbidden) for at, table in enumerate(tables))
        con.register("incoming_tags", staged)
        tag_sheets.judge_tags(con, "incoming_tags", as_of.day)
        con.unregister("incoming_tags")
        tag_sheets.write_tags(con, as_of.day, run_id)
        judged = [Judged(*row) for row in tag_sheets.tag_verdicts(con)]
        words.update({place: Word(winner) for place, winner in tag_sheets.tag_winners(con).items()})
        customers = tag_sheets.tag_customers(con)
        counts = {
            tag: {"on": on, "off": off, "released": released}
            for tag, on, off, released in tag_sheets.tag_counts(con)
        }
    files = accounts_by_row(tables, judged, words)
    return ImportAccount(files, customers=customers, extra={"tags": counts})


def _forbidden_words(
    tables: Sequence[CleanTable], known: Mapping[str, str], forbidden: frozenset[str]
) -> dict[tuple[int, int], Word]:
    found = {}
    for at, table in enumerate(tables):
        tags = known_words(table.rows["word"], known)
        rows = (
            pa.table({"row_no": table.rows["row_no"], "tag": tags})
            .filter(_among(tags, forbidden))
            .to_pydict()
        )
        found.update({(at, no): Word(tag) for no, tag in zip(rows["row_no"], rows["tag"], strict=True)})
    return found


def _among(tags: pa.Array, some: frozenset[str]) -> pa.Array:
    return pc.is_in(tags, pa.array(sorted(some), pa.string()))


def _columns(at: int, table: CleanTable, known: Mapping[str, str], forbidden: frozenset[str]) -> pa.Table:
    rows, size = table.rows, table.rows.num_rows
    tags = known_words(rows["word"], known)
    codes = pc.if_else(_among(tags, forbidden), "tag-by-rule-only", pa.scalar(None, pa.string()))
    return pa.table(
        {
            "file_no": pa.repeat(pa.scalar(at, pa.int64()), size),
            "row_no": rows["row_no"],
            "phone": rows["phone"],
            "named_id": rows["named_id"],
            "tag": tags,
            "word_code": pc.if_else(pc.is_null(tags), "unknown-tag", codes),
            "act": known_words(rows["act"], _ACTS),
            "reason": rows["reason"],
            "until_day": pc.cast(pc.divide(rows["until_sec"], DAY_SECONDS), pa.int32()),
        }
    )
