"""Nearly unique texts of a new store are packed by zstd; a store with rows is left as it is."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from siyu_cli.store.connection import STORAGE_FORMAT, open_store
from siyu_cli.store.migrations import MIGRATIONS
from tests.shop_rows import customer, insert, key
from tests.stores import new_store

AT = next(place for place, step in enumerate(MIGRATIONS) if step.__name__ == "m017_unique_texts")
TABLES = ("order_lines", "customer_keys")


def packed(con: duckdb.DuckDBPyConnection, table: str, column: str) -> set[str]:
    """How the texts of a column lie in the file."""
    return {
        how
        for (how,) in con.execute(
            f"SELECT DISTINCT compression FROM pragma_storage_info('{table}') "
            "WHERE column_name = ? AND segment_type = 'VARCHAR'",
            [column],
        ).fetchall()
    }


def test_values_of_keys_are_packed_by_zstd_in_a_new_store(tmp_path: Path) -> None:
    with open_store(tmp_path, wait=1, write=True, memory_limit="1GB") as con:
        con.execute(
            "INSERT INTO customer_keys SELECT 'phone', '', '138' || (10000000 + range), range, 1, NULL, range "
            "FROM range(20000)"
        )
        con.execute("CHECKPOINT")
        assert packed(con, "customer_keys", "value") == {"ZSTD"}
        assert "ZSTD" not in packed(con, "customer_keys", "kind")
        [(made_by,)] = con.execute(
            "SELECT sql FROM duckdb_tables() WHERE table_name = 'order_lines'"
        ).fetchall()
        assert made_by.count("VARCHAR USING COMPRESSION ZSTD") == 4


def test_the_tables_are_what_they_were_but_for_the_packing() -> None:
    with duckdb.connect() as con, new_store() as now:
        for step in MIGRATIONS[:AT]:
            step(con)
        for table in TABLES:
            about = f"SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE table_name = '{table}'"
            assert now.execute(about).fetchall() == con.execute(about).fetchall()
        with pytest.raises(duckdb.ConstraintException):
            insert(now, "customer_keys", [key(1, "13800000001") | {"kind": "fax"}])


def test_a_store_with_rows_keeps_them_and_its_packing(tmp_path: Path) -> None:
    path = str(tmp_path / "old.duckdb")
    with duckdb.connect(path, config={"storage_compatibility_version": STORAGE_FORMAT}) as con:
        for step in MIGRATIONS[:AT]:
            step(con)
        insert(con, "customers", [customer(1)])
        insert(con, "customer_keys", [key(1, "13800000001")])
        before = con.execute("FROM customer_keys").fetchall()
        for step in MIGRATIONS[AT:]:
            step(con)
        assert con.execute("FROM customer_keys").fetchall() == before
        con.execute("CHECKPOINT")
        assert "ZSTD" not in packed(con, "customer_keys", "value")
