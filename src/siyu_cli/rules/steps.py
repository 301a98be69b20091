"""The query of all tags in steps: each grouping of the long tables is a statement, what it finds a table.

In one statement an engine works on all groupings at once, and what they hold does not fit into memory together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from siyu_cli.rules.sql import Sql, names_in, opened

if TYPE_CHECKING:
    from siyu_cli.rules.compile import TagQuery
    from siyu_cli.store.engine import Engine


def write_flags(engine: Engine, query: TagQuery, target: str) -> None:
    """Keep the rows of a query as the table `target`; the tables on the way are gone afterwards."""
    steps = list(_steps(query, target))
    for at, (name, statement) in enumerate(steps, start=1):
        engine.write(statement.text, name, statement.params)
        read_later = names_in(*(later.text for _, later in steps[at:]))
        read_here = names_in(statement.text)
        for made, _ in steps[: at - 1]:
            if made in read_here - read_later:
                engine.drop(made)


def _steps(query: TagQuery, target: str) -> Iterator[tuple[str, Sql]]:
    """(table, what makes it): the tables that stand apart, in turn, and in the end the target."""
    inside: dict[str, Sql] = {}
    for name, body in (*query.ctes, (target, query.select)):
        if name in query.apart or name == target:
            below = _below(body, inside)
            yield name, opened([(one, inside[one]) for one in inside if one in below], body)
        else:
            inside[name] = body


def _below(body: Sql, tables: Mapping[str, Sql]) -> set[str]:
    """Those of the tables that a SELECT reads, and those that they read."""
    found: set[str] = set()
    reading = [body]
    while reading:
        read = set(names_in(reading.pop().text) & tables.keys()) - found
        found |= read
        reading += [tables[name] for name in read]
    return found
