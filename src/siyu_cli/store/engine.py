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

# A column of more different texts than this has hardly two equal ones in a block, and its list takes memory, too.
_MOST_CODED = 100_000


class Engine(Protocol):
    """A few verbs over named tables. `params` fill the positional `?` of the text, never spliced."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name`, replacing an earlier one."""

    def query(self, sql: str, params: Parameters = ()) -> pa.Table:
        """The rows of a SELECT as an Arrow table."""

    def rows(self, sql: str, params: Parameters = ()) -> list[tuple[Any, ...]]:
        """The few rows of a SELECT as plain values: no Arrow, whose import takes longer than a small answer."""

    def write(self, sql: str, target: str, params: Parameters = ()) -> None:
        """Keep the rows of a SELECT as the table `target`, replacing an earlier one."""

    def drop(self, target: str) -> None:
        """Forget a table that `write` has kept."""

    def coded(self, name: str, texts: str) -> str:
        """How facts keep the texts of a column, '' where missing: a form with {} for the column.

        `texts` is a SELECT of all of them; an engine that keeps equal texts once needs them beforehand. Whatever the
        form, the column compares, sorts and joins as text.
        """


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

    def drop(self, target: str) -> None:
        self.con.execute(f"DROP TABLE {target}")

    def coded(self, name: str, texts: str) -> str:
        """Few texts become an ENUM: a number per row instead of the text, in the order of the texts."""
        plain = "COALESCE({}, '')"
        self.write(f"SELECT t FROM ({texts}) AS texts(t) WHERE t IS NOT NULL UNION SELECT ''", "coded_texts")
        if self.rows("SELECT count(*) FROM coded_texts")[0][0] > _MOST_CODED:
            return plain
        self.con.execute(
            f"CREATE OR REPLACE TEMP TYPE {name}_texts AS ENUM (SELECT t FROM coded_texts ORDER BY t)"
        )
        # TRY_CAST, which cannot fail, is asked once per different text of a block; CAST once per row.
        return f"TRY_CAST({plain} AS {name}_texts)"
