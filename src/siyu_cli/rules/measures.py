"""Metrics as columns: one scan per source, equal aggregates computed once, scopes evaluated once per row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from siyu_cli.clock import AsOf
from siyu_cli.rules.atoms import Fraction, column_fraction, number_sql, text_sql
from siyu_cli.rules.sql import Sql, bind, combine, flag, join, sql
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    Measure,
    Metric,
    Not,
    NumberColumn,
    NumberTest,
    Present,
    Ratio,
    Scope,
    Source,
    TextColumn,
    TextTest,
)

# items_by_order: lines summed per order first, for the largest or smallest order amount within a scope.
Grain = Literal["orders", "items", "items_by_order"]
_ROW_COLUMNS: dict[Source, tuple[str, ...]] = {
    "orders": (
        "customer_id",
        "order_no",
        "is_order",
        "line_count",
        "paid_sec",
        "paid_day",
        "net_fen",
        "platform_key",
        "shop_key",
        "channel_key",
    ),
    "items": (
        "customer_id",
        "order_no",
        "paid_sec",
        "paid_day",
        "net_fen",
        "quantity_milli",
        "product_key",
        "category_key",
        "sku_key",
        "platform_key",
        "shop_key",
        "channel_key",
    ),
}
_TRUE = Sql("1 = 1")
LeafSql = Callable[[Condition], Sql]


@dataclass(frozen=True)
class _Cell:
    """One aggregate of one grain; `zero` where no rows mean 0 instead of missing."""

    grain: Grain
    expression: Sql
    zero: bool


class Measures:
    """Collects what the conditions need and writes the CTEs that compute it."""

    def __init__(self, as_of: AsOf) -> None:
        self.as_of = as_of
        self._cells: dict[_Cell, str] = {}
        self._scopes: dict[tuple[Source, Scope], str] = {}
        self._per_order: dict[Sql, str] = {}
        self._joins_orders = False

    def value(self, value: Metric | Ratio) -> Fraction:
        """The value in terms of columns of `base`."""
        if isinstance(value, Ratio):
            upper, lower = self._plain(value.upper), self._plain(value.lower)
            # Shown = (upper ÷ its scale) ÷ (lower ÷ its scale), times 100 as a percentage.
            percent = 100 if value.measure is Measure.PERCENT else 1
            known = [part for part in (upper.known, lower.known) if part is not None]
            return Fraction(
                upper.upper,
                lower.upper,
                combine("AND", [*known, sql("{} > 0", lower.upper)]),
                multiply=percent * value.lower.measure.scale,
                divide=value.upper.measure.scale,
            )
        if value.aggregate == "avg":
            total, count = self._average(value)
            return Fraction(total, count, sql("{} > 0", count), divide=value.measure.scale)
        if value.aggregate == "avg_gap_days":
            return self._gap(value)
        return self._plain(value)

    def columns(self) -> list[tuple[str, str]]:
        """Column of `base` → its expression over o (orders), i (items), p (items by order)."""
        alias = {"orders": "o", "items": "i", "items_by_order": "p"}
        found = []
        for cell, name in self._cells.items():
            column = f"{alias[cell.grain]}.a_{name}"
            found.append((name, f"COALESCE({column}, 0)" if cell.zero else column))
        return found

    def sources(self) -> list[tuple[str, Sql]]:
        """The CTEs in order: rows with scope flags, then one aggregate per source."""
        found: list[tuple[str, Sql]] = []
        if self._has("orders"):
            found += [
                ("order_rows", self._rows("orders")),
                ("order_sums", self._sums("orders", "order_rows")),
            ]
        if self._has("items") or self._has("items_by_order"):
            found.append(("item_rows", self._rows("items")))
        if self._has("items"):
            found.append(("item_sums", self._sums("items", "item_rows")))
        if self._has("items_by_order"):
            picked = [sql(f"{{}} AS {name}", expression) for expression, name in self._per_order.items()]
            grouped = sql(
                "SELECT customer_id, order_no, {} FROM item_rows GROUP BY customer_id, order_no",
                join(", ", picked),
            )
            found += [("order_parts", grouped), ("part_sums", self._sums("items_by_order", "order_parts"))]
        return found

    def joins(self) -> str:
        """How `base` reaches the aggregates from customers c."""
        tables = (
            ("orders", "order_sums", "o"),
            ("items", "item_sums", "i"),
            ("items_by_order", "part_sums", "p"),
        )
        return "".join(
            f" LEFT JOIN {table} AS {alias} ON {alias}.customer_id = c.customer_id"
            for grain, table, alias in tables
            if self._has(grain)
        )

    def _has(self, grain: str) -> bool:
        return any(cell.grain == grain for cell in self._cells)

    def _cell(self, grain: Grain, expression: Sql, *, zero: bool) -> Sql:
        name = self._cells.setdefault(_Cell(grain, expression, zero), f"m{len(self._cells) + 1}")
        return Sql(name)

    def _grain(self, metric: Metric) -> Source:
        """Lines as soon as a scope or the metric itself speaks of lines."""
        return (
            "items"
            if metric.source == "items" or any(s.source == "items" for s in metric.scopes)
            else "orders"
        )

    def _filter(self, metric: Metric, *, orders_only: bool = True) -> Sql:
        """The rows that count. Rows that are no order lower sums and are left out of everything else."""
        grain = self._grain(metric)
        parts = [Sql(f"{self._scope(grain, scope)} = 1") for scope in metric.scopes]
        if grain == "orders" and orders_only:
            parts.append(Sql("is_order = 1"))
        span = metric.window.span(self.as_of)
        if span is not None and span.low is not None:
            parts.append(sql(f"{span.column} >= {{}}", bind(span.low)))
        if span is not None and span.high is not None:
            parts.append(sql(f"{span.column} <= {{}}", bind(span.high)))
        return combine("AND", parts) if parts else _TRUE

    def _scope(self, grain: Source, scope: Scope) -> str:
        if grain != scope.source:
            self._joins_orders = True
        return self._scopes.setdefault((grain, scope), f"s{len(self._scopes) + 1}")

    def _plain(self, metric: Metric) -> Fraction:
        grain, scale = self._grain(metric), metric.measure.scale
        match metric.aggregate:
            case "count":
                return Fraction(self._count(metric))
            case "days":
                return Fraction(self._distinct(metric, Sql("paid_day")))
            case "distinct":
                assert isinstance(metric.of, TextColumn)
                column = metric.of.column
                return Fraction(self._distinct(metric, Sql(column), sql("{} <> ''", Sql(column))))
            case "sum":
                total = sql(
                    "SUM(CASE WHEN {} THEN {} ELSE 0 END)",
                    self._filter(metric, orders_only=False),
                    self._of(metric),
                )
                return Fraction(self._cell(grain, total, zero=True), divide=scale)
            case "min" | "max":
                extreme = self._extreme(metric)
                return Fraction(extreme, known=sql("{} IS NOT NULL", extreme), divide=scale)
            case "days_since_first" | "days_since_last":
                day = self._edge_day(metric, "MIN" if metric.aggregate == "days_since_first" else "MAX")
                return Fraction(sql("({} - {})", bind(self.as_of.day), day), known=sql("{} IS NOT NULL", day))
            case _:
                raise AssertionError(metric.aggregate)

    def _count(self, metric: Metric) -> Sql:
        grain = self._grain(metric)
        if grain == "items" and metric.source == "orders":
            return self._distinct(metric, Sql("order_no"))
        return self._cell(grain, sql("SUM({})", flag(self._filter(metric))), zero=True)

    def _distinct(self, metric: Metric, column: Sql, condition: Sql | None = None) -> Sql:
        rows = self._filter(metric)
        if condition is not None:
            rows = sql("{} AND {}", rows, condition)
        return self._cell(
            self._grain(metric), sql("COUNT(DISTINCT CASE WHEN {} THEN {} END)", rows, column), zero=True
        )

    def _edge_day(self, metric: Metric, function: str) -> Sql:
        expression = sql(f"{function}(CASE WHEN {{}} THEN paid_day END)", self._filter(metric))
        return self._cell(self._grain(metric), expression, zero=False)

    def _extreme(self, metric: Metric) -> Sql:
        function = metric.aggregate.upper()
        picked = sql("CASE WHEN {} THEN {} END", self._filter(metric), self._of(metric))
        grain = self._grain(metric)
        if grain == "items" and metric.source == "orders":
            per_order = sql("SUM({})", picked)
            name = self._per_order.setdefault(per_order, f"v{len(self._per_order) + 1}")
            return self._cell("items_by_order", Sql(f"{function}({name})"), zero=False)
        return self._cell(grain, sql(f"{function}({{}})", picked), zero=False)

    def _average(self, metric: Metric) -> tuple[Sql, Sql]:
        picked = sql("SUM(CASE WHEN {} THEN {} ELSE 0 END)", self._filter(metric), self._of(metric))
        return self._cell(self._grain(metric), picked, zero=True), self._count(metric)

    def _gap(self, metric: Metric) -> Fraction:
        first, last = self._edge_day(metric, "MIN"), self._edge_day(metric, "MAX")
        days = self._distinct(metric, Sql("paid_day"))
        return Fraction(sql("({} - {})", last, first), sql("({} - 1)", days), sql("{} >= 2", days))

    def _of(self, metric: Metric) -> Sql:
        assert isinstance(metric.of, NumberColumn)
        # A line counts as one of its order's lines.
        return Sql(
            "1" if metric.of.column == "line_count" and self._grain(metric) == "items" else metric.of.column
        )

    def _rows(self, source: Source) -> Sql:
        prefix, table = ("o.", "fact_orders") if source == "orders" else ("i.", "fact_items")
        columns = [Sql(prefix + column) for column in _ROW_COLUMNS[source]]
        for (grain, scope), name in self._scopes.items():
            if grain == source:
                condition = row_sql(scope.when, "o." if scope.source == "orders" else "i.")
                columns.append(sql(f"{{}} AS {name}", flag(condition)))
        joined = ""
        if source == "items" and self._joins_orders:
            joined = " JOIN fact_orders AS o ON o.order_no = i.order_no AND o.is_order = 1"
        return sql(
            f"SELECT {{}} FROM {table} AS {prefix[0]}{joined} WHERE {prefix}customer_id IS NOT NULL",
            join(", ", columns),
        )

    def _sums(self, grain: Grain, rows: str) -> Sql:
        sums = [
            sql(f"{{}} AS a_{name}", cell.expression)
            for cell, name in self._cells.items()
            if cell.grain == grain
        ]
        return sql(f"SELECT customer_id, {{}} FROM {rows} GROUP BY customer_id", join(", ", sums))


def row_sql(condition: Condition, prefix: str) -> Sql:
    """A scope's condition over the columns of one row."""

    def leaf(atom: Condition) -> Sql:
        match atom:
            case NumberTest(NumberColumn() as column, operator, hundredths):
                return number_sql(column_fraction(column, prefix), operator, hundredths)
            case TextTest():
                return text_sql(atom, prefix)
            case Present(TextColumn(column)):
                return Sql(f"{prefix}{column} <> ''")
            case Present(NumberColumn(column)):
                return Sql(f"{prefix}{column} IS NOT NULL")
            case _:
                raise AssertionError(atom)

    return tree_sql(condition, leaf)


def tree_sql(condition: Condition, leaf: LeafSql) -> Sql:
    """Nesting as SQL; leaves are never NULL, so neither is anything above them."""
    match condition:
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
