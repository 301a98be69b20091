"""What runs the common-core SQL: a small protocol, and DuckDB as the engine every workspace has.

Facts and metrics are written once, in SQL that every engine understands in the same way (the rules
are in docs/decisions/engine.md). An engine therefore only registers tables, answers queries and
keeps results; nothing above it knows which engine it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

Parameters = Sequence[int | str | None]


class Engine(Protocol):
    """Four verbs over named tables. `params` fill the positional `?` of the text, never spliced."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name`, replacing an earlier one."""

    def query(self, sql: str, params: Parameters = ()) -> pa.Table:
        """The rows of a SELECT as an Arrow table."""

    def rows(self, sql: str, params: Parameters = ()) -> list[tuple[Any, ...]]:
        """The few rows of a SELECT as plain values: no Arrow, whose import takes longer than a small answer."""

    def write(self, sql: str, target: str, params: Parameters = ()) -> None:
        """Keep the rows of a SELECT as the table `target`, replacing an earlier one."""


class DuckDbEngine:
    """The embedded engine: the connection of an open store, or of a database in memory."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        self.con = con

    def register(self, name: str, table: pa.Table) -> None:
        self.con.register(name, table)

    def query(self, sql: str, params: Parameters = ()) -> pa.Table:
        # to_arrow_table exists on both DuckDB 1.5 and 2.0; the relation is read at once.
        relation: Any = self.con.sql(sql, params=list(params))
        return relation.to_arrow_table()

    def rows(self, sql: str, params: Parameters = ()) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(params)).fetchall()

    def write(self, sql: str, target: str, params: Parameters = ()) -> None:
        # Temporary: results of a query never become state by themselves.
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS {sql}", list(params))


def numbers(table: pa.Table, name: str) -> np.ndarray[tuple[int, ...], Any]:
    """A column of numbers without gaps as an array. Arrow's own way imports pandas, which takes 0.4 s."""
    import numpy as np

    column = table.column(name)
    if column.null_count:
        raise ValueError(f"{name} has missing values")
    if not len(column):
        return np.zeros(0, np.int64)
    kind = np.dtype(column.type.to_pandas_dtype())
    return np.concatenate(
        [
            np.frombuffer(chunk.buffers()[1], kind, len(chunk), chunk.offset * kind.itemsize)
            for chunk in column.chunks
            if len(chunk)
        ]
    )
