"""Empty stores in memory, for tests below the app; making one takes longer than most tests do with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from siyu_cli.store.migrations import MIGRATIONS

_idle: list[duckdb.DuckDBPyConnection] = []


def make_store() -> duckdb.DuckDBPyConnection:
    """A store with all its tables; the caller closes it."""
    # A handful of rows: threads would only wait for each other.
    connection = duckdb.connect(config={"threads": 1})
    for step in MIGRATIONS:
        step(connection)
    return connection


@contextmanager
def new_store() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty store of its own. All that is done in it is one transaction, taken back at the end."""
    connection = _idle.pop() if _idle else make_store()
    connection.execute("BEGIN")
    yield connection
    connection.execute("ROLLBACK")  # where the block raised, nobody gets this store again
    _idle.append(connection)
