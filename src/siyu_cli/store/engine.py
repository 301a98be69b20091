"""What runs the common-core SQL: a small protocol, and DuckDB as the engine every workspace has.

Facts and metrics are written once, in SQL that every engine understands in the same way (the rules
are in docs/decisions/engine.md). An engine therefore only registers tables, answers queries and
keeps results; nothing above it knows which engine it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

Parameters = Sequence[int | str | None]


class Engine(Protocol):
    """Three verbs over named tables. `params` fill the positional `?` of the text, never spliced."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name`, replacing an earlier one."""

    def query(self, sql: str, params: Parameters = ()) -> pa.Table:
        """The rows of a SELECT as an Arrow table."""

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

    def write(self, sql: str, target: str, params: Parameters = ()) -> None:
        # Temporary: results of a query never become state by themselves.
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS {sql}", list(params))
