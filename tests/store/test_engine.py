"""Answers of the engine: as rows and as Arrow, and texts kept as numbers."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from siyu_cli.store.engine import DuckDbEngine


@pytest.fixture
def engine() -> Iterator[DuckDbEngine]:
    with duckdb.connect() as con:
        yield DuckDbEngine(con)


def test_rows_are_those_of_the_query(engine: DuckDbEngine) -> None:
    engine.write("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v(n, word)", "words")
    assert engine.rows("SELECT n, word FROM words WHERE n >= ? ORDER BY n", (1,)) == [(1, "a"), (2, None)]
    assert engine.rows("SELECT n FROM words WHERE n > ?", (5,)) == []


def test_few_texts_are_kept_as_numbers_and_compare_as_texts(
    engine: DuckDbEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.write("SELECT * FROM (VALUES ('山竹'), ('苹果'), (NULL), ('')) AS v(word)", "words")
    form = engine.coded("word", "SELECT word FROM words")
    engine.write(f"SELECT {form.format('word')} AS word FROM words", "facts")
    assert engine.rows("SELECT DISTINCT substr(typeof(word), 1, 4) FROM facts") == [("ENUM",)]
    assert engine.rows("SELECT word FROM facts ORDER BY word") == [("",), ("",), ("山竹",), ("苹果",)]
    assert engine.rows("SELECT min(word) FROM facts WHERE word <> ''") == [("山竹",)]
    assert engine.rows("SELECT word FROM facts WHERE word = ? OR instr(word, ?) = 1", ("芒果", "苹")) == [
        ("苹果",)
    ]
    # Another reading of other texts replaces the first; what is kept stays as it is.
    engine.coded("word", "SELECT '芒果'")
    assert engine.rows("SELECT count(DISTINCT word) FROM facts") == [(3,)]
    monkeypatch.setattr("siyu_cli.store.engine._MOST_CODED", 2)
    assert engine.coded("word", "SELECT word FROM words") == "COALESCE({}, '')"
