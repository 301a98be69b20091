"""Metrics as columns: one grouping per grain, equal aggregates computed once, scopes evaluated once per row.

Three things keep this fast. Distinct orders and days are counted in two steps, by (customer, order or day)
first: engines pay for every COUNT(DISTINCT) with a hash table of its own. Lines that are all of their order, most
of them in many shops, need no first step. And words are looked for once per distinct product text, not once per line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from siyu_cli.clock import AsOf
from siyu_cli.rules.atoms import Fraction, row_leaf, text_column, text_sql, tree_sql
from siyu_cli.rules.catalog import FACT_TABLES
from siyu_cli.rules.sql import Sql, bind, combine, flag, join, names_in, opened, sql
from siyu_cli.rules.tree import (
    Condition,
    Measure,
    Metric,
    NumberColumn,
    Ratio,
    Scope,
    Source,
    TextColumn,
    TextTest,
)

# …_by_…: rows put together per order or per day of a customer first, for amounts of whole orders within a
# scope and for counting orders and days.
Grain = Literal[
    "orders", "items", "events", "sends",
    "orders_by_day", "items_by_order", "items_by_day", "events_by_day", "sends_by_day",
]  # fmt: skip
_ALIAS: dict[Grain, str] = {
    "orders": "o", "orders_by_day": "od", "items": "i", "items_by_order": "io", "items_by_day": "iy",
    "events": "ev", "events_by_day": "vd", "sends": "sn", "sends_by_day": "nd",
}  # fmt: skip
_BY_DAY: dict[Source, Grain] = {
    "orders": "orders_by_day", "items": "items_by_day", "events": "events_by_day", "sends": "sends_by_day",
}  # fmt: skip
_SEARCHES = ("holds", "starts", "ends")
_TRUE = Sql("1 = 1")
# Times and ids take so many characters once these are added, so that texts sort as the numbers do.
_TIME_BASE, _ID_BASE = 10**11, 10**18
_VALUE_AT = len(str(_TIME_BASE)) + len(str(_ID_BASE)) + 1
# A function over the rows of an order or day; of a row that is all of it, none.
_Fold = Callable[[str], str]
# How an aggregate `{}` becomes a column of `base`.
_OR_ZERO = "COALESCE({}, 0)"
_AS_IS = "{}"
_TEXT = f"COALESCE(substr({{}}, {_VALUE_AT}), '')"
_NUMBER = f"CASE WHEN length({{}}) >= {_VALUE_AT} THEN CAST(substr({{}}, {_VALUE_AT}) AS BIGINT) END"
BEHIND: dict[Source, tuple[str, ...]] = {
    "orders": ("order_no", "net_fen"),
    "items": ("order_no", "line_no", "net_fen"),
    "events": ("kind", "product_key", "page_key"),
    "sends": ("push_key",),
}
"""What shows a row of a source to people, beside its time."""


@dataclass(frozen=True)
class _Cell:
    """One aggregate of one grain; `shown` makes the column of `base` of it."""

    grain: Grain
    expression: Sql
    shown: str


@dataclass(frozen=True)
class _Part:
    """One value per order or day of a customer, the same of a row that is all of its order, and which rows it is
    made of.
    """

    grain: Grain
    expression: Sql
    alone: Sql
    filtered: Sql


def _source(grain: Grain) -> Source:
    """The rows a grain is made of."""
    return grain.split("_")[0]  # type: ignore[return-value]


def _part_key(grain: Grain) -> str:
    """The column that rows are put together by."""
    return "order_no" if grain == "items_by_order" else FACT_TABLES[_source(grain)].day


class Measures:
    """Collects what the conditions need and writes the CTEs that compute it."""

    def __init__(self, as_of: AsOf) -> None:
        self.as_of = as_of
        self._cells: dict[_Cell, str] = {}
        self._scopes: dict[tuple[Source, Scope], str] = {}
        self._parts: dict[_Part, str] = {}
        self._used: dict[Source, set[str]] = {source: set() for source in FACT_TABLES}
        self._words: dict[tuple[Source, str], dict[TextTest, str]] = {}

    def value(self, value: Metric | Ratio) -> Fraction:
        """The value in terms of columns of `base`."""
        if isinstance(value, Ratio):
            return self._ratio(value)
        if value.aggregate == "avg":
            total, count = self._average(value)
            return Fraction(total, count, sql("{} > 0", count), divide=value.measure.scale)
        if value.aggregate == "avg_gap_days":
            return self._gap(value)
        return self._plain(value)

    def _ratio(self, ratio: Ratio) -> Fraction:
        """(a ÷ b) ÷ (c ÷ d) as a·d ÷ c·b, where b and d are those of average gaps."""
        upper, lower = self.value(ratio.upper), self.value(ratio.lower)
        known = [part for part in (upper.known, lower.known) if part is not None]
        # Shown = (upper ÷ its scale) ÷ (lower ÷ its scale), times 100 as a percentage.
        percent = 100 if ratio.measure is Measure.PERCENT else 1
        return Fraction(
            upper.upper if lower.lower is None else sql("{} * {}", upper.upper, lower.lower),
            lower.upper if upper.lower is None else sql("{} * {}", lower.upper, upper.lower),
            combine("AND", [*known, sql("{} > 0", lower.upper)]),
            multiply=percent * ratio.lower.measure.scale,
            divide=ratio.upper.measure.scale,
        )

    def text(self, metric: Metric) -> Sql:
        """A metric of texts as a column of `base`, '' where missing."""
        return self._edge(metric)

    def columns(self) -> list[tuple[str, str]]:
        """Column of `base` → its expression over the aggregates joined by `joins`."""
        found = []
        for cell, name in self._cells.items():
            found.append((name, cell.shown.replace("{}", f"{_ALIAS[cell.grain]}.a_{name}")))
        return found

    def sources(self) -> list[tuple[str, Sql]]:
        """The CTEs in order: rows with scope flags, parts of customers, then one aggregate per grain."""
        found: list[tuple[str, Sql]] = []
        for source in FACT_TABLES:
            made: list[tuple[str, Sql]] = []
            for grain in self._grains(source):
                if grain != source:
                    made.append((f"{grain}_parts", self._parts_of(grain)))
                made.append((f"{grain}_sums", self._sums(grain)))
            if made:
                rows = self._rows(source, names_in(*(body.text for _, body in made)))
                found += [*self._below(source), (f"{source}_rows", rows), *made]
        return found

    def apart(self) -> frozenset[str]:
        """The CTEs worth keeping where facts are long: every grouping, and rows that took a large join to make."""
        found = {f"{grain}_sums" for source in FACT_TABLES for grain in self._grains(source)}
        is_joined = {grain for grain, scope in self._scopes if grain != scope.source}
        return frozenset(found | {f"{source}_rows" for source in is_joined if len(self._grains(source)) > 1})

    def rows_behind(self, metric: Metric, limit: int) -> Sql:
        """The newest rows that count for a metric (the oldest, where it asks for the first): the columns of
        BEHIND[source], and `customer_id`.
        """
        grain = self._grain(metric)
        table = FACT_TABLES[grain]
        columns = [self._column(grain, name) for name in (*BEHIND[grain], table.sec, table.row_no)]
        where = self._filter(metric, orders_only=metric.aggregate != "sum")
        way = "ASC" if metric.aggregate in ("days_since_first", "first") else "DESC"
        chosen = ", ".join(dict.fromkeys(["customer_id", *columns]))
        newest = sql(
            f"SELECT {chosen} FROM {grain}_rows WHERE {{}}"
            f" ORDER BY {table.sec} {way}, {table.row_no} {way} LIMIT {limit:d}",
            where,
        )
        rows = self._rows(grain, names_in(newest.text))
        return opened([*self._below(grain), (f"{grain}_rows", rows)], newest)

    def joins(self) -> str:
        """How `base` reaches the aggregates from customers c."""
        return "".join(
            f" LEFT JOIN {grain}_sums AS {alias} ON {alias}.customer_id = c.customer_id"
            for grain, alias in _ALIAS.items()
            if self._has(grain)
        )

    def _grains(self, source: Source) -> list[Grain]:
        """The groupings of a source that are asked for."""
        return [grain for grain in _ALIAS if _source(grain) == source and self._has(grain)]

    def _has(self, grain: str) -> bool:
        return any(cell.grain == grain for cell in self._cells)

    def _cell(self, grain: Grain, expression: Sql, shown: str) -> Sql:
        name = self._cells.setdefault(_Cell(grain, expression, shown), f"m{len(self._cells) + 1}")
        return Sql(name)

    def _grain(self, metric: Metric) -> Source:
        """Of orders: their lines as soon as a scope speaks of lines."""
        return "items" if any(scope.source == "items" for scope in metric.scopes) else metric.source

    def _filter(self, metric: Metric, *, orders_only: bool = True) -> Sql:
        """The rows that count. Rows that are no order lower sums and are left out of everything else."""
        grain = self._grain(metric)
        parts = [Sql(f"{self._scope(grain, scope)} = 1") for scope in metric.scopes]
        if grain == "orders" and orders_only:
            parts.append(Sql(f"{self._column(grain, 'is_order')} = 1"))
        span = metric.window.span(self.as_of)
        if span is not None:
            table = FACT_TABLES[grain]
            column = self._column(grain, table.day if span.unit == "day" else table.sec)
            if span.low is not None:
                parts.append(sql(f"{column} >= {{}}", bind(span.low)))
            if span.high is not None:
                parts.append(sql(f"{column} <= {{}}", bind(span.high)))
        return combine("AND", parts) if parts else _TRUE

    def _column(self, grain: Source, name: str) -> str:
        """A column of the rows, which they then carry; the others stay behind."""
        self._used[grain].add(name)
        return name

    def _scope(self, grain: Source, scope: Scope) -> str:
        return self._scopes.setdefault((grain, scope), f"s{len(self._scopes) + 1}")

    def _plain(self, metric: Metric) -> Fraction:
        scale = metric.measure.scale
        match metric.aggregate:
            case "count":
                return Fraction(self._count(metric))
            case "days":
                return Fraction(self._days(metric))
            case "distinct":
                return Fraction(self._distinct(metric))
            case "sum":
                return Fraction(self._total(metric, self._filter(metric, orders_only=False)), divide=scale)
            case "min" | "max" | "first" | "last":
                extreme = self._extreme(metric) if metric.aggregate in ("min", "max") else self._edge(metric)
                return Fraction(extreme, known=sql("{} IS NOT NULL", extreme), divide=scale)
            case "days_since_first" | "days_since_last":
                day = self._edge_day(metric, "MIN" if metric.aggregate == "days_since_first" else "MAX")
                return Fraction(sql("({} - {})", bind(self.as_of.day), day), known=sql("{} IS NOT NULL", day))
            case _:
                raise AssertionError(metric.aggregate)

    def _count(self, metric: Metric) -> Sql:
        grain = self._grain(metric)
        if grain == "items" and metric.source == "orders":
            return self._how_many("items_by_order", metric)
        return self._cell(grain, _over("COUNT", self._filter(metric), Sql("1")), _OR_ZERO)

    def _days(self, metric: Metric) -> Sql:
        return self._how_many(_BY_DAY[self._grain(metric)], metric)

    def _how_many(self, grain: Grain, metric: Metric) -> Sql:
        """The orders or days that have rows that count."""
        filtered = self._filter(metric)
        return self._part(grain, filtered, lambda of: _over(of("MAX"), filtered, Sql("1")), "COUNT", _OR_ZERO)

    def _total(self, metric: Metric, filtered: Sql) -> Sql:
        return self._cell(self._grain(metric), _over("SUM", filtered, self._of(metric)), _OR_ZERO)

    def _part(
        self, grain: Grain, filtered: Sql, make: Callable[[_Fold], Sql], function: str, shown: str
    ) -> Sql:
        """A value per order or day of a customer, of its rows that count, and a function over those of the customer."""
        source: Source = _source(grain)
        self._used[source] |= {_part_key(grain), *(["is_whole"] if grain == "items_by_order" else [])}
        part = _Part(grain, make(lambda name: name), make(lambda _: ""), filtered)
        name = self._parts.setdefault(part, f"v{len(self._parts) + 1}")
        return self._cell(grain, Sql(f"{function}({name})"), shown)

    def _distinct(self, metric: Metric) -> Sql:
        assert isinstance(metric.of, TextColumn)
        grain = self._grain(metric)
        column = self._column(grain, metric.of.column)
        return self._cell(
            grain,
            sql(f"COUNT(DISTINCT CASE WHEN {{}} AND {column} <> '' THEN {column} END)", self._filter(metric)),
            _OR_ZERO,
        )

    def _edge_day(self, metric: Metric, function: str) -> Sql:
        grain = self._grain(metric)
        day = self._column(grain, FACT_TABLES[grain].day)
        return self._cell(grain, _over(function, self._filter(metric), Sql(day)), _AS_IS)

    def _extreme(self, metric: Metric) -> Sql:
        function = metric.aggregate.upper()
        filtered, value = self._filter(metric), self._of(metric)
        grain = self._grain(metric)
        if grain == "items" and metric.source == "orders":
            return self._part(
                "items_by_order", filtered, lambda of: _over(of("SUM"), filtered, value), function, _AS_IS
            )
        return self._cell(grain, _over(function, filtered, value), _AS_IS)

    def _edge(self, metric: Metric) -> Sql:
        """The value of the first or last row by (time, id), in one pass on every engine: time, id and value
        side by side as text of a fixed width, of which the least or greatest is taken."""
        function = "MIN" if metric.aggregate == "first" else "MAX"
        grain = self._grain(metric)
        time = self._column(grain, FACT_TABLES[grain].sec)
        if grain == "items" and metric.source == "orders" and not metric.is_text:
            filtered, worth = self._filter(metric), self._of(metric)

            def of_order(of: _Fold) -> Sql:
                moment, total = _over(of("MIN"), filtered, Sql(time)), _over(of("SUM"), filtered, worth)
                return _packed(moment, Sql("order_no"), total)

            return self._part("items_by_order", filtered, of_order, function, _NUMBER)
        number = self._column(grain, FACT_TABLES[grain].row_no)
        if metric.is_text:
            assert isinstance(metric.of, TextColumn)
            value, shown = Sql(self._column(grain, metric.of.column)), _TEXT
        else:
            value, shown = self._of(metric), _NUMBER
        packed = _packed(Sql(time), Sql(number), value)
        return self._cell(grain, _over(function, self._filter(metric), packed), shown)

    def _average(self, metric: Metric) -> tuple[Sql, Sql]:
        return self._total(metric, self._filter(metric)), self._count(metric)

    def _gap(self, metric: Metric) -> Fraction:
        first, last = self._edge_day(metric, "MIN"), self._edge_day(metric, "MAX")
        days = self._days(metric)
        return Fraction(sql("({} - {})", last, first), sql("({} - 1)", days), sql("{} >= 2", days))

    def _of(self, metric: Metric) -> Sql:
        assert isinstance(metric.of, NumberColumn)
        grain = self._grain(metric)
        # A line counts as one of its order's lines.
        if metric.of.column == "line_count" and grain == "items":
            return Sql("1")
        return Sql(self._column(grain, metric.of.column))

    def _rows(self, source: Source, asked: Collection[str]) -> Sql:
        """The rows of a source with those of its columns and scopes that are asked for."""
        prefix, table = f"{_ALIAS[source]}.", FACT_TABLES[source].name
        columns = [
            Sql(f"{prefix}{column}") for column in ("customer_id", *sorted(self._used[source] & {*asked}))
        ]
        joined = ""
        for (grain, scope), name in self._scopes.items():
            if grain != source or name not in asked:
                continue
            if scope.source == source:
                columns.append(
                    sql(f"CAST({{}} AS TINYINT) AS {name}", flag(self._row_condition(source, scope)))
                )
            else:
                columns.append(Sql(f"CAST(COALESCE(o.{name}, 0) AS TINYINT) AS {name}"))
                joined = f" LEFT JOIN {source}_orders AS o ON o.order_no = {prefix}order_no"
        listed = join(", ", columns)
        read = names_in(listed.text)
        for of, column in self._words:
            if of == source and f"w_{column}" in read:
                joined += (
                    f" LEFT JOIN {of}_words_{column} AS w_{column} ON w_{column}.word = {prefix}{column}"
                )
        return sql(
            f"SELECT {{}} FROM {table} AS {prefix[:-1]}{joined} WHERE {prefix}customer_id IS NOT NULL", listed
        )

    def _below(self, source: Source) -> list[tuple[str, Sql]]:
        """What the rows of a source join: the words searched in them, and the orders within scopes of orders.

        Lines need no others: few orders are within a scope.
        """
        found = [
            (f"{of}_words_{column}", self._words_of(of, column)) for of, column in self._words if of == source
        ]
        conditions = {
            name: self._row_condition(source, scope)
            for (grain, scope), name in self._scopes.items()
            if grain == source != scope.source
        }
        if conditions:
            flags = [sql(f"{{}} AS {name}", flag(condition)) for name, condition in conditions.items()]
            within = combine("OR", list(conditions.values()))
            orders = sql(
                "SELECT order_no, {} FROM fact_orders AS o WHERE is_order = 1 AND {}",
                join(", ", flags),
                within,
            )
            found.append((f"{source}_orders", orders))
        return found

    def _row_condition(self, source: Source, scope: Scope) -> Sql:
        """A scope over the columns of one row; words inside texts of lines by way of `_words`."""

        def leaf(atom: Condition) -> Sql:
            if source == scope.source != "orders" and isinstance(atom, TextTest) and atom.how in _SEARCHES:
                column = text_column(atom).text
                tests = self._words.setdefault((source, column), {})
                return Sql(f"w_{column}.{tests.setdefault(atom, f'w{len(tests) + 1}')} = 1")
            return row_leaf(atom, f"{_ALIAS[scope.source]}.")

        return tree_sql(scope.when, leaf)

    def _words_of(self, source: Source, column: str) -> Sql:
        """Every distinct text of a column once, with a 0/1 column per search.

        MAX over the one row of a text changes nothing but that no engine moves the search back to the lines.
        """
        tests = [
            sql(f"MAX({{}}) AS {name}", flag(text_sql(test, Sql(column))))
            for test, name in self._words[source, column].items()
        ]
        return sql(
            f"SELECT {column} AS word, {{}} FROM (SELECT DISTINCT {column} FROM {FACT_TABLES[source].name}) AS texts"
            f" GROUP BY {column}",
            join(", ", tests),
        )

    def _parts_of(self, grain: Grain) -> Sql:
        """The values per order or day. Rows that count for none of them are left out before they are grouped, and
        a row that is all of its order need not be grouped.
        """
        parts = {part: name for part, name in self._parts.items() if part.grain == grain}
        filters = list(dict.fromkeys(part.filtered for part in parts))
        counted = [] if _TRUE in filters else [combine("OR", filters)]

        def values(of: Callable[[_Part], Sql]) -> Sql:
            return join(", ", [sql(f"{{}} AS {name}", of(part)) for part, name in parts.items()])

        def rows(*conditions: Sql) -> Sql:
            where = sql(" WHERE {}", combine("AND", conditions)) if conditions else Sql("")
            return sql(f"FROM {_source(grain)}_rows{{}}", where)

        grouped = values(lambda part: part.expression)
        by = f"GROUP BY customer_id, {_part_key(grain)}"
        if grain != "items_by_order":
            return sql(f"SELECT customer_id, {{}} {{}} {by}", grouped, rows(*counted))
        return sql(
            f"SELECT customer_id, {{}} {{}} UNION ALL SELECT customer_id, {{}} {{}} {by}",
            values(lambda part: part.alone), rows(Sql("is_whole = 1"), *counted),
            grouped, rows(Sql("is_whole = 0"), *counted),
        )  # fmt: skip

    def _sums(self, grain: Grain) -> Sql:
        sums = [
            sql(f"{{}} AS a_{name}", cell.expression)
            for cell, name in self._cells.items()
            if cell.grain == grain
        ]
        below = f"{grain}_rows" if grain == _source(grain) else f"{grain}_parts"
        return sql(f"SELECT customer_id, {{}} FROM {below} GROUP BY customer_id", join(", ", sums))


def _over(function: str, filtered: Sql, value: Sql) -> Sql:
    """An aggregate of the rows that count. The others are NULL, which aggregates pass over faster than a 0."""
    return sql(f"{function}(CASE WHEN {{}} THEN {{}} END)", filtered, value)


def _packed(time: Sql, number: Sql, value: Sql) -> Sql:
    """Time, id and value as one text; a missing value leaves nothing behind the id."""
    return sql(
        f"CAST({_TIME_BASE} + {{}} AS VARCHAR) || CAST({_ID_BASE} + {{}} AS VARCHAR)"
        " || COALESCE(CAST({} AS VARCHAR), '')",
        time,
        number,
        value,
    )
