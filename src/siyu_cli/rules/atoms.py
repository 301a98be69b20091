"""Tests as SQL, single and nested. Each is true or false for every row, never NULL: NOT is the exact complement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import gcd

from siyu_cli.clock import AsOf
from siyu_cli.rules.sql import Sql, bind, combine, flag, join, sql
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    CalendarTest,
    Condition,
    Not,
    NumberColumn,
    NumberTest,
    Operator,
    Present,
    TextColumn,
    TextTest,
)

LeafSql = Callable[[Condition], Sql]


@dataclass(frozen=True)
class Fraction:
    """A value as upper ÷ lower in stored units: shown value = upper / lower × scale, never divided.

    `known` is what must hold for the value to be there (None: it always is).
    """

    upper: Sql
    lower: Sql | None = None
    known: Sql | None = None
    multiply: int = 1
    divide: int = 1


def number_sql(value: Fraction, operator: Operator, hundredths: int) -> Sql:
    """`upper / lower · multiply / divide ○ hundredths / 100`, in whole numbers."""
    left, right = value.multiply * 100, hundredths * value.divide
    shared = gcd(left, right)
    left, right = left // shared, right // shared
    upper = value.upper if left == 1 else sql("{} * {}", value.upper, bind(left))
    bound = bind(right) if value.lower is None else sql("{} * {}", bind(right), value.lower)
    test = sql(f"{{}} {operator} {{}}", upper, bound)
    return test if value.known is None else sql("({} AND {})", value.known, test)


def column_fraction(column: NumberColumn, prefix: str = "") -> Fraction:
    """A column of a row; NULL is missing."""
    name = Sql(prefix + column.column)
    return Fraction(name, known=sql("{} IS NOT NULL", name), divide=column.measure.scale)


def calendar_sql(test: CalendarTest, as_of: AsOf, prefix: str = "") -> Sql:
    """A month or day of the month against D's; missing is false."""
    if test.part == "month":
        wanted = (as_of.date.month - 1 + test.shift) % 12 + 1
    else:
        wanted = as_of.date.day
    column = Sql(prefix + test.column.column)
    return sql("({} IS NOT NULL AND {} = {})", column, column, bind(wanted))


def text_column(test: TextTest, prefix: str = "") -> Sql:
    """The column of a row that a test is about."""
    assert isinstance(test.value, TextColumn)
    return Sql(prefix + test.value.column)


def text_sql(test: TextTest, column: Sql) -> Sql:
    """A text (never NULL, '' where missing) against folded literals (never empty)."""
    if test.how == "is":
        return _one_of(column, test.texts)
    if test.how == "under":
        below = [sql("instr({}, {}) = 1", column, bind(f"{text}/")) for text in test.texts]
        return combine("OR", [_one_of(column, test.texts), *below])
    if test.how == "holds":
        return combine("OR", [sql("instr({}, {}) > 0", column, bind(text)) for text in test.texts])
    if test.how == "starts":
        return combine("OR", [sql("instr({}, {}) = 1", column, bind(text)) for text in test.texts])
    return combine("OR", [_ends_with(column, text) for text in test.texts])


def _one_of(column: Sql, texts: tuple[str, ...]) -> Sql:
    if len(texts) == 1:
        return sql("{} = {}", column, bind(texts[0]))
    return sql("{} IN ({})", column, join(", ", [bind(text) for text in texts]))


def _ends_with(column: Sql, text: str) -> Sql:
    # A column shorter than the text would make substr start before its beginning.
    size = bind(len(text))
    tail = sql("substr({}, length({}) - {} + 1, {})", column, column, size, size)
    return sql("(length({}) >= {} AND {} = {})", column, size, tail, bind(text))


def row_leaf(atom: Condition, prefix: str) -> Sql:
    """One test of a scope over the columns of one row."""
    match atom:
        case NumberTest(NumberColumn() as column, operator, hundredths):
            return number_sql(column_fraction(column, prefix), operator, hundredths)
        case TextTest():
            return text_sql(atom, text_column(atom, prefix))
        case Present(TextColumn(column)):
            return Sql(f"{prefix}{column} <> ''")
        case Present(NumberColumn(column)):
            return Sql(f"{prefix}{column} IS NOT NULL")
        case _:
            raise AssertionError(atom)


def tree_sql(condition: Condition, leaf: LeafSql) -> Sql:
    """Nesting as SQL; leaves are never NULL, so neither is anything above them."""
    match condition:
        case AllOf(()):
            return Sql("1 = 1")
        case AllOf(members):
            return combine("AND", [tree_sql(member, leaf) for member in members])
        case AnyOf(members):
            return combine("OR", [tree_sql(member, leaf) for member in members])
        case Not(member):
            return sql("NOT ({})", tree_sql(member, leaf))
        case AtLeast(n, members):
            return sql(
                "({}) >= {}", combine("+", [flag(tree_sql(member, leaf)) for member in members]), bind(n)
            )
        case _:
            return leaf(condition)
