"""Groups as columns: which of those that conditions speak of the customer has joined."""

from __future__ import annotations

from siyu_cli.rules.sql import Sql, bind, join, sql
from siyu_cli.rules.tree import InGroup


class Joined:
    """Collects the groups of the conditions; one reading of fact_events answers all of them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def holds(self, test: InGroup) -> Sql:
        """The test in terms of a column of `base`."""
        return Sql(f"{self._names.setdefault(test.group, f'q{len(self._names) + 1}')} = 1")

    def columns(self) -> list[tuple[str, str]]:
        """Column of `base` → its expression over what `joins` joins."""
        return [(name, f"COALESCE(jg.a_{name}, 0)") for name in self._names.values()]

    def joins(self) -> str:
        """How `base` reaches the answers from customers c."""
        return " LEFT JOIN joined AS jg ON jg.customer_id = c.customer_id" if self._names else ""

    def sources(self) -> list[tuple[str, Sql]]:
        """The CTE, where it is needed."""
        if not self._names:
            return []
        flags = [
            sql(f"MAX(CASE WHEN page_key = {{}} THEN 1 ELSE 0 END) AS a_{name}", bind(group))
            for group, name in self._names.items()
        ]
        body = sql(
            "SELECT customer_id, {} FROM fact_events WHERE kind = {} AND page_key IN ({}) GROUP BY customer_id",
            join(", ", flags),
            bind("join_group"),
            join(", ", [bind(group) for group in self._names]),
        )
        return [("joined", body)]
