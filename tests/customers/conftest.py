"""Engines that the common-core SQL must answer alike on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from siyu_cli.store.engine import DuckDbEngine, Engine
from tests.customers.fact_engines import orders_table
from tests.engines import SqliteEngine


@pytest.fixture
def engines() -> Callable[[dict[str, pa.Table]], list[Engine]]:
    """DuckDB and SQLite, each holding the same tables."""

    def make(tables: dict[str, pa.Table]) -> list[Engine]:
        made: list[Engine] = [DuckDbEngine(duckdb.connect()), SqliteEngine()]
        for engine in made:
            for name, table in tables.items():
                engine.register(name, table)
        return made

    return make


@pytest.fixture
def duck() -> DuckDbEngine:
    return DuckDbEngine(duckdb.connect())


@pytest.fixture
def fact_orders() -> Callable[[list[dict[str, Any]]], pa.Table]:
    return orders_table
