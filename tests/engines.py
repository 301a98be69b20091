"""Two engines for the same SQL: DuckDB, and SQLite, which shares nothing with it but the common core."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from siyu_cli.store.engine import DuckDbEngine, Engine, Parameters


class SqliteEngine:
    """store.engine.Engine over SQLite, for comparing answers only."""

    def __init__(self) -> None:
        self.con = sqlite3.connect(":memory:")

    def register(self, name: str, table: pa.Table) -> None:
        columns = ", ".join(f'"{column}"' for column in table.column_names)
        self.con.execute(f"DROP TABLE IF EXISTS {name}")
        self.con.execute(f"CREATE TABLE {name} ({columns})")
        marks = ", ".join("?" * table.num_columns)
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        self.con.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    def query(self, sql: str, params: Parameters = ()) -> pa.Table:
        cursor = self.con.execute(sql, list(params))
        rows = cursor.fetchall()
        names = [column[0] for column in cursor.description]
        return pa.table({name: pa.array([row[at] for row in rows]) for at, name in enumerate(names)})

    def rows(self, sql: str, params: Parameters = ()) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(params)).fetchall()

    def write(self, sql: str, target: str, params: Parameters = ()) -> None:
        self.con.execute(f"DROP TABLE IF EXISTS {target}")
        self.con.execute(f"CREATE TABLE {target} AS {sql}", list(params))

    def drop(self, target: str) -> None:
        self.con.execute(f"DROP TABLE {target}")

    def coded(self, name: str, texts: str) -> str:
        assert self.rows(f"SELECT COUNT(*) FROM ({texts}) AS texts"), name
        return "COALESCE({}, '')"


@cache
def both_engines() -> list[Engine]:
    """One of each, shared by all tests: registering a table replaces the earlier one."""
    return [DuckDbEngine(duckdb.connect()), SqliteEngine()]


def fill(engine: Engine, tables: dict[str, tuple[pa.Schema, Iterable[dict[str, Any]]]]) -> None:
    """Register every table, empty ones with their columns."""
    for name, (schema, rows) in tables.items():
        engine.register(name, pa.Table.from_pylist(list(rows), schema))
