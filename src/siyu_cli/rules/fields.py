"""Fields of customers as columns of `base`: what is not in fact_customers is joined only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from siyu_cli.rules.catalog import CUSTOMER_FIELDS, FACTS_OF_FIELDS
from siyu_cli.rules.sql import Sql
from siyu_cli.rules.tree import FlagColumn, TextColumn

_KINDS = {column.column: type(column) for column in CUSTOMER_FIELDS.values()}
_TABLES = {column: table for table, columns in FACTS_OF_FIELDS.items() for column in columns}
# What a customer has of whom a table knows nothing; a number stays missing.
_WITHOUT = {TextColumn: "''", FlagColumn: "0"}


def facts_of(column: str) -> str:
    """The fact table a field's column is in."""
    return _TABLES.get(column, "fact_customers")


def field_columns(fields: Iterable[str]) -> list[Sql]:
    """The columns of fields, from customers c and the tables that `field_joins` joins."""
    found = []
    for column in fields:
        table = _TABLES.get(column)
        without = _WITHOUT.get(_KINDS[column]) if table else None
        place = f"{table[5:] if table else 'c'}.{column}"
        found.append(Sql(f"COALESCE({place}, {without}) AS {column}" if without else place))
    return found


def field_joins(fields: Iterable[str]) -> str:
    """How `base` reaches the further tables of fields from customers c."""
    tables = sorted({_TABLES[column] for column in fields if column in _TABLES})
    return "".join(
        f" LEFT JOIN {table} AS {table[5:]} ON {table[5:]}.customer_id = c.customer_id" for table in tables
    )
