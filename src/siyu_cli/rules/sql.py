"""Pieces of SQL that carry their parameters: text and values stay together until the statement is whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sql:
    """Text with positional `?` and what fills them, in order."""

    text: str
    params: tuple[int | str, ...] = ()


def sql(template: str, *parts: Sql) -> Sql:
    """The template with every `{}` replaced by a part, parameters in the order of the text."""
    return Sql(
        template.format(*(part.text for part in parts)), tuple(p for part in parts for p in part.params)
    )


def bind(value: int | str) -> Sql:
    """A value as a parameter; values never become text of the statement."""
    return Sql("?", (value,))


def join(separator: str, parts: Sequence[Sql]) -> Sql:
    """Parts side by side."""
    return Sql(separator.join(part.text for part in parts), tuple(p for part in parts for p in part.params))


def opened(ctes: Sequence[tuple[str, Sql]], select: Sql) -> Sql:
    """A SELECT with the tables it reads from."""
    if not ctes:
        return select
    return sql("WITH {}\n{}", join(",\n", [sql(f"{name} AS ({{}})", body) for name, body in ctes]), select)


def names_in(*texts: str) -> frozenset[str]:
    """Every name in texts of SQL, and every word that may be one."""
    return frozenset(name for text in texts for name in re.findall(r"\w+", text))


def combine(operator: str, parts: Sequence[Sql]) -> Sql:
    """`(a AND b) AND (c AND d)`: halved, because engines limit how deep a chain may hang."""
    if not parts:
        return Sql("1 = 1" if operator == "AND" else "1 = 0")
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return sql(
        f"({{}} {operator} {{}})", combine(operator, parts[:middle]), combine(operator, parts[middle:])
    )


def flag(condition: Sql) -> Sql:
    """0 or 1 of a condition that is never NULL."""
    return sql("CASE WHEN {} THEN 1 ELSE 0 END", condition)
