"""Texts that are stored as they came, folded for comparison: each distinct one once, in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.words import fold

if TYPE_CHECKING:
    from siyu_cli.store.engine import Engine, Parameters


def register_words(engine: Engine, table: str, sql: str, params: Parameters = ()) -> None:
    """Make a table (word, word_key) of the few words that a query's column `word` holds."""
    import pyarrow as pa

    words = sorted(engine.query(sql, params).column("word").to_pylist())
    columns = {"word": words, "word_key": [fold(word) for word in words]}
    engine.register(table, pa.table(columns, pa.schema({"word": pa.string(), "word_key": pa.string()})))
