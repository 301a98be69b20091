"""Tags of earlier days as columns: what the customer held on some day of a window, and since when."""

from __future__ import annotations

from siyu_cli.clock import AsOf
from siyu_cli.rules.atoms import Fraction
from siyu_cli.rules.sql import Sql, bind, combine, join, sql
from siyu_cli.rules.tree import HadTag, HeldDays


class History:
    """Collects what conditions ask of the tags' past; one reading of fact_tag_spans answers all of it.

    A span from_day … to_day covers the days from_day … to_day − 1; to_day is NULL while the tag is held.
    """

    def __init__(self, as_of: AsOf) -> None:
        self.as_of = as_of
        self._had: dict[HadTag, str] = {}
        self._since: dict[HeldDays, str] = {}

    def had(self, test: HadTag) -> Sql:
        """The test in terms of a column of `base`."""
        return Sql(f"{self._had.setdefault(test, f'b{len(self._had) + 1}')} = 1")

    def held_days(self, value: HeldDays) -> Fraction:
        """The days in terms of a column of `base`."""
        name = Sql(self._since.setdefault(value, f"k{len(self._since) + 1}"))
        return Fraction(sql("({} - {})", bind(self.as_of.day), name), known=sql("{} IS NOT NULL", name))

    def columns(self) -> list[tuple[str, str]]:
        """Column of `base` → its expression over what `joins` joins."""
        had = [(name, f"COALESCE(p.a_{name}, 0)") for name in self._had.values()]
        return had + [(name, f"p.a_{name}") for name in self._since.values()]

    def joins(self) -> str:
        """How `base` reaches the spans from customers c."""
        return " LEFT JOIN past AS p ON p.customer_id = c.customer_id" if self._tags() else ""

    def sources(self) -> list[tuple[str, Sql]]:
        """The CTE, where it is needed."""
        tags = self._tags()
        if not tags:
            return []
        facts = [
            sql(f"MAX(CASE WHEN {{}} THEN 1 ELSE 0 END) AS a_{name}", self._covers(test))
            for test, name in self._had.items()
        ]
        facts += [
            sql(
                f"MIN(CASE WHEN tag = {{}} AND to_day IS NULL THEN from_day END) AS a_{name}", bind(value.tag)
            )
            for value, name in self._since.items()
        ]
        body = sql(
            "SELECT customer_id, {} FROM fact_tag_spans WHERE tag IN ({}) GROUP BY customer_id",
            join(", ", facts),
            join(", ", [bind(tag) for tag in tags]),
        )
        return [("past", body)]

    def _tags(self) -> list[str]:
        return sorted({*(test.tag for test in self._had), *(value.tag for value in self._since)})

    def _covers(self, test: HadTag) -> Sql:
        """Whether a span has a day in common with the window."""
        parts = [sql("tag = {}", bind(test.tag))]
        span = test.window.span(self.as_of)
        if span is not None and span.high is not None:
            parts.append(sql("from_day <= {}", bind(span.high)))
        if span is not None and span.low is not None:
            parts.append(sql("(to_day IS NULL OR to_day > {})", bind(span.low)))
        return combine("AND", parts)
