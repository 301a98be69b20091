"""`did` as columns: one grouping per distinct deed, `same`, window, `after` and `where`, whatever is asked of it.

deed1 …    the groups of deeds, with how often, on how many days, the first and the last moment
did1 …     the customers of whom a group is as asked, and not followed by what `without` forbids
deeds      one row per customer any of these holds for, with a 0/1 column each
"""

from __future__ import annotations

from dataclasses import dataclass

from siyu_cli.clock import AsOf
from siyu_cli.rules.atoms import row_leaf, tree_sql
from siyu_cli.rules.catalog import FACT_TABLES
from siyu_cli.rules.measures import BEHIND
from siyu_cli.rules.sql import Sql, bind, combine, sql
from siyu_cli.rules.tree import (
    DEED_DAYS,
    DEED_TIMES,
    After,
    Condition,
    Deed,
    Did,
    NumberTest,
    TextColumn,
    Without,
    members_of,
)
from siyu_cli.windows import Window

# An order of several lines was placed once.
_TIMES = {"events": "COUNT(*)", "items": "COUNT(DISTINCT order_no)"}


@dataclass(frozen=True)
class _Group:
    """The deeds that count, before anything is asked of their number."""

    deed: Deed
    same: TextColumn | None
    window: Window
    after: After | None
    where: Condition | None


class Deeds:
    """Collects every `did` of the conditions and writes the CTEs that answer them."""

    def __init__(self, as_of: AsOf) -> None:
        self.as_of = as_of
        self._groups: dict[_Group, str] = {}
        self._dids: dict[Did, str] = {}
        self._facts: dict[_Group, set[str]] = {}

    def holds(self, did: Did) -> Sql:
        """The test of a `did` in terms of a column of `base`."""
        group = _group_of(did)
        self._groups.setdefault(group, f"deed{len(self._groups) + 1}")
        facts = self._facts.setdefault(group, set())
        facts |= _columns_in(did.when)
        if did.without is not None:
            facts.add(f"{did.without.since}_sec")
        return Sql(f"{self._dids.setdefault(did, f'd{len(self._dids) + 1}')} = 1")

    def columns(self) -> list[tuple[str, str]]:
        """Column of `base` → its expression over what `joins` joins."""
        return [(name, f"COALESCE(e.a_{name}, 0)") for name in self._dids.values()]

    def joins(self) -> str:
        """How `base` reaches the answers from customers c."""
        return " LEFT JOIN deeds AS e ON e.customer_id = c.customer_id" if self._dids else ""

    def sources(self) -> list[tuple[str, Sql]]:
        """The CTEs in order."""
        if not self._dids:
            return []
        tables = [(name, self._rows(group)) for group, name in self._groups.items()]
        tables += [(f"did_{name}", self._answer(did)) for did, name in self._dids.items()]
        found = " UNION ALL ".join(
            f"SELECT customer_id, {number} AS did_no FROM did_{name}"
            for number, name in enumerate(self._dids.values(), start=1)
        )
        flags = ", ".join(
            f"MAX(CASE WHEN did_no = {number} THEN 1 ELSE 0 END) AS a_{name}"
            for number, name in enumerate(self._dids.values(), start=1)
        )
        tables.append(
            ("deeds", Sql(f"SELECT customer_id, {flags} FROM ({found}) AS found GROUP BY customer_id"))
        )
        return tables

    def apart(self) -> frozenset[str]:
        """The CTEs worth keeping where facts are long."""
        return frozenset({"deeds"} if self._dids else ())

    def rows_behind(self, did: Did, limit: int, *, is_met: bool) -> Sql:
        """The newest deeds that count for a `did`: the columns of BEHIND[source] and of their time.

        With `is_met` only those of groups (products, categories) of which it holds; without, all that it counts.
        """
        self.holds(did)
        group = _group_of(did)
        table = FACT_TABLES[group.deed.source]
        columns = ", ".join(dict.fromkeys((*BEHIND[group.deed.source], table.sec, table.row_no)))
        parts = self._filter(group)
        if is_met:
            same = f" AND met.same_key = r.{group.same.column}" if group.same else ""
            parts.append(
                sql(
                    f"EXISTS (SELECT 1 FROM ({{}}) AS met WHERE met.customer_id = r.customer_id{same})",
                    self._met(did),
                )
            )
        return sql(
            f"WITH {self._groups[group]} AS ({{}}) SELECT {columns} FROM {table.name} AS r WHERE {{}}"
            f" ORDER BY {table.sec} DESC, {table.row_no} DESC LIMIT {limit:d}",
            self._rows(group), combine("AND", parts),
        )  # fmt: skip

    def _rows(self, group: _Group) -> Sql:
        table = FACT_TABLES[group.deed.source]
        made = {
            "times": _TIMES[group.deed.source],
            "days": f"COUNT(DISTINCT {table.day})",
            "first_sec": f"MIN({table.sec})",
            "last_sec": f"MAX({table.sec})",
        }
        keys = ["customer_id", *([group.same.column] if group.same else [])]
        facts = [f"{made[name]} AS {name}" for name in made if name in self._facts[group]]
        named = ["customer_id", *([f"{group.same.column} AS same_key"] if group.same else []), *facts]
        return sql(
            f"SELECT {', '.join(named)} FROM {table.name} AS r WHERE {{}} GROUP BY {', '.join(keys)}",
            combine("AND", self._filter(group)),
        )

    def _filter(self, group: _Group) -> list[Sql]:
        table = FACT_TABLES[group.deed.source]
        parts = [_kind_sql(group.deed)]
        span = group.window.span(self.as_of)
        if span is not None:
            column = table.day if span.unit == "day" else table.sec
            if span.low is not None:
                parts.append(sql(f"{column} >= {{}}", bind(span.low)))
            if span.high is not None:
                parts.append(sql(f"{column} <= {{}}", bind(span.high)))
        if group.same is not None:
            parts.append(Sql(f"{group.same.column} <> ''"))
        if group.where is not None:
            parts.append(tree_sql(group.where, lambda atom: row_leaf(atom, "")))
        if group.after is not None:
            parts.append(
                sql(
                    "EXISTS (SELECT 1 FROM fact_sends AS s WHERE s.customer_id = r.customer_id"
                    f" AND s.push_key = {{}} AND s.sent_sec < r.{table.sec} AND s.sent_sec >= r.{table.sec} - {{}})",
                    bind(group.after.push),
                    bind(3600 * group.after.hours),
                )
            )
        return parts

    def _answer(self, did: Did) -> Sql:
        return sql("SELECT DISTINCT customer_id FROM ({}) AS met", self._met(did))

    def _met(self, did: Did) -> Sql:
        """The groups of deeds (customer_id and, with `same`, same_key) that are as asked."""
        group = self._groups[_group_of(did)]
        asked = sql(" WHERE {}", tree_sql(did.when, lambda atom: row_leaf(atom, ""))) if did.when else Sql("")
        same = ", same_key" if did.same else ""
        if did.without is None:
            return sql(f"SELECT customer_id{same} FROM {group}{{}}", asked)
        since = f"{did.without.since}_sec"
        return sql(
            f"SELECT g.customer_id{same} FROM (SELECT customer_id, {since}{same} FROM {group}{{}}) AS g"
            f" WHERE NOT EXISTS ({{}} AND r.{FACT_TABLES[did.without.deed.source].sec} >= g.{since})",
            asked,
            _later(did.without, did.same),
        )


def _later(without: Without, same: TextColumn | None) -> Sql:
    """The deeds of the group's customer, and product, that `without` forbids."""
    table = FACT_TABLES[without.deed.source].name
    product = f" AND r.{same.column} = g.same_key" if without.is_same and same else ""
    return sql(
        f"SELECT 1 FROM {table} AS r WHERE r.customer_id = g.customer_id{product} AND {{}}",
        _kind_sql(without.deed),
    )


def _group_of(did: Did) -> _Group:
    return _Group(did.deed, did.same, did.window, did.after, did.where)


def _kind_sql(deed: Deed) -> Sql:
    if deed.source == "items":
        # Lines without a buyer belong to nobody.
        return Sql("customer_id IS NOT NULL")
    return sql("kind = {}", bind(deed.kind))


def _columns_in(when: Condition | None) -> set[str]:
    """`times` and `days`, as far as a condition asks for them."""
    if when is None:
        return set()
    if isinstance(when, NumberTest):
        return {column.column for column in (DEED_TIMES, DEED_DAYS) if when.value == column}
    return {name for member in members_of(when) for name in _columns_in(member)}
