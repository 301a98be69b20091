"""How the columns of nearly unique texts are packed: order ids, buyer ids, phones, the values of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_UNIQUE = {"order_lines": ("order_id", "line_id", "buyer_id", "phone"), "customer_keys": ("value",)}


def m017_unique_texts(con: DuckDBPyConnection) -> None:
    """Remake empty tables so that their nearly unique texts are packed by zstd; a table with rows stays as it is.

    DuckDB would look for words that come again, which takes two to three times as long as zstd and finds none.
    Reading is as quick either way.
    """
    for table, columns in _UNIQUE.items():
        if con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall():
            continue
        made_by = con.execute("SELECT sql FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall()[0][
            0
        ]
        for column in columns:
            name = '"value"' if column == "value" else column
            made_by = made_by.replace(f" {name} VARCHAR", f" {name} VARCHAR USING COMPRESSION zstd", 1)
        con.execute(f"DROP TABLE {table}")
        con.execute(made_by)
