"""A store in memory that made-up customers are put into: rules are tested on the tables they really read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from siyu_cli.store.migrations import MIGRATIONS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Rows = Sequence[Mapping[str, Any]]


@contextmanager
def memory_store() -> Iterator[DuckDBPyConnection]:
    """An empty store that is gone afterwards."""
    import duckdb

    # A handful of rows: threads would only wait for each other.
    con = duckdb.connect(config={"threads": 1})
    try:
        for step in MIGRATIONS:
            step(con)
        yield con
    finally:
        con.close()


@contextmanager
def scratch(con: DuckDBPyConnection) -> Iterator[None]:
    """What is done inside is taken back afterwards."""
    con.execute("BEGIN")
    yield
    con.execute("ROLLBACK")


def add_rows(con: DuckDBPyConnection, table: str, rows: Rows) -> None:
    """Append rows that all have the same columns."""
    import pyarrow as pa

    if rows:
        con.register("fixture_rows", pa.Table.from_pylist([dict(row) for row in rows]))
        con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM fixture_rows")
        con.unregister("fixture_rows")


def set_values(
    con: DuckDBPyConnection, table: str, column: str, values: Mapping[int, int | str | None]
) -> None:
    """Give customers a value in a table of customers; who has no row there gets one.

    A table that nobody made is one that nobody reads: nothing happens.
    """
    import pyarrow as pa

    if not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall():
        return

    given = pa.table({"customer_id": list(values), "value": list(values.values())})
    con.register("fixture_values", given)
    con.execute(
        f"INSERT INTO {table} (customer_id) SELECT customer_id FROM fixture_values"
        f" ANTI JOIN {table} AS known USING (customer_id)"
    )
    con.execute(
        f"UPDATE {table} SET {column} = v.value FROM fixture_values AS v WHERE v.customer_id = {table}.customer_id"
    )
    con.unregister("fixture_values")


def held_now(con: DuckDBPyConnection) -> list[tuple[int, str, str]]:
    """(customer, tag, auto or manual) of all tags held."""
    return con.execute("SELECT customer_id, tag, source FROM held_tags").fetchall()


def stages_now(con: DuckDBPyConnection) -> dict[int, str]:
    """Customer → the stage they stand in."""
    return dict(con.execute("SELECT customer_id, stage FROM stage_state").fetchall())
