"""All tags as one SELECT over the fact tables: a 0/1 column per tag, in common-core SQL.

…_words_…                the distinct texts of lines and events, every search in them as a 0/1 column
items_orders             the orders within scopes of orders that lines are asked for
orders_rows, items_rows …  one scan per source, every scope as a 0/1 column
…_by_…_parts             orders and days of a customer, where they are counted
…_sums                   one grouping per grain, equal aggregates once
deed…, did…, deeds       what `did` asks (see deeds)
past                     tags of earlier days
joined                   groups that conditions refer to
hand                     tags set by hand that conditions refer to
base                     one row per customer: fields and metrics
tag_state                what people and earlier runs say of tags with keep or pins (see holding)
layer0, layer1 …         conditions and tags; a layer sees the tags of the layers before it
layer0_2, layer0_3 …     winners of groups and tags with keep or pins, where a layer has such
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from siyu_cli.clock import AsOf
from siyu_cli.rules.atoms import Fraction, calendar_sql, column_fraction, number_sql, text_sql, tree_sql
from siyu_cli.rules.deeds import Deeds
from siyu_cli.rules.fields import field_columns, field_joins
from siyu_cli.rules.history import History
from siyu_cli.rules.holding import Holding
from siyu_cli.rules.joined import Joined
from siyu_cli.rules.measures import Measures
from siyu_cli.rules.sql import Sql, bind, flag, join, names_in, opened, sql
from siyu_cli.rules.tree import (
    CalendarTest,
    Condition,
    Did,
    FlagColumn,
    FlagTest,
    HadTag,
    HeldDays,
    InGroup,
    Metric,
    NumberColumn,
    NumberTest,
    NumberValue,
    Present,
    Ratio,
    RuleSet,
    TagTest,
    TextColumn,
    TextTest,
    TextValue,
)

_NOTHING = Sql("")


@dataclass(frozen=True)
class TagQuery:
    """The tables on the way (`ctes`), the SELECT above them, and which column is which tag or stage.

    `apart` are those tables that are worth keeping by themselves where the facts are long (see steps).

    Tags with keep, pins or priorities (see holding) also have a column of their Reason and, with keep, one of
    their condition; a group with priorities has one that says whether several of its conditions are true.
    """

    ctes: tuple[tuple[str, Sql], ...] = ()
    select: Sql = _NOTHING
    columns: tuple[tuple[str, str], ...] = ()
    apart: frozenset[str] = frozenset()
    watched: tuple[Watched, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    truths: tuple[tuple[str, str], ...] = ()
    several: tuple[tuple[str, str], ...] = ()
    stages: tuple[tuple[str, str], ...] = ()
    pinned: frozenset[str] = frozenset()

    @cached_property
    def whole(self) -> Sql:
        """All of it as one statement."""
        return opened(self.ctes, self.select)

    @property
    def text(self) -> str:
        return self.whole.text

    @property
    def params(self) -> tuple[int | str, ...]:
        return self.whole.params

    @property
    def tables(self) -> frozenset[str]:
        """The fact tables the statement reads."""
        return frozenset(name for name in self.words if name.startswith("fact_"))

    @property
    def words(self) -> frozenset[str]:
        """Every name in the statement: a column of a fact table that is not among them is not looked at."""
        return names_in(self.text)


@dataclass(frozen=True)
class Watched:
    """Where the answer for something watched stands: `flag` of a condition, the parts of a number
    (shown value = upper ÷ lower · multiply ÷ divide where `known` is 1), or the column of a text.
    """

    flag: str = ""
    upper: str = ""
    lower: str = ""
    known: str = ""
    multiply: int = 1
    divide: int = 1
    text: str = ""


def compile_tags(
    rules: RuleSet,
    as_of: AsOf,
    watch: Sequence[Condition | NumberValue | TextValue] = (),
    *,
    pinned: Collection[str] = (),
) -> TagQuery:
    """One statement for all tags of a rule set, as of a moment; `pinned` are the tags that have pins.

    Reads fact_customers; as far as conditions speak of them fact_orders, fact_items, fact_events and
    fact_sends, the facts of further fields (catalog.FACTS_OF_FIELDS), and fact_tag_spans (customer_id, tag, from_day, to_day); where one refers to a tag that
    only people set, fact_hand_tags (customer_id, tag); and where a tag has keep or pins, fact_tag_state
    (see holding). What is in `watch` (conditions, numbers, texts of a customer) becomes further columns:
    they see the tags of the whole run.
    """
    return _Compiler(rules, as_of, pinned).compile(watch)


class _Compiler:
    def __init__(self, rules: RuleSet, as_of: AsOf, pinned: Collection[str]) -> None:
        self.rules = rules
        self.as_of = as_of
        self.measures = Measures(as_of)
        self.deeds = Deeds(as_of)
        self.history = History(as_of)
        self.joined = Joined()
        self.columns = {rule.name: f"t{number}" for number, rule in enumerate(rules.tags, start=1)}
        self.holding = Holding(rules, as_of.day, pinned, self.columns)
        self.hand: dict[str, str] = {}
        self.fields: dict[str, None] = {}

    def compile(self, watch: Sequence[Condition | NumberValue | TextValue]) -> TagQuery:
        layers = [
            [(self.holding.condition(rule.name), flag(self._condition(rule.when))) for rule in layer]
            for layer in self.rules.strata
        ]
        staged = [(one.name, one.when) for one in self.rules.stages if one.when is not None]
        # Stages see the tags of the whole run, and nothing sees them.
        stages = [
            sql(f"{{}} AS g{number}", flag(self._condition(when)))
            for number, (_, when) in enumerate(staged, start=1)
        ]
        looked_at = [self._look_at(f"w{number}", one) for number, one in enumerate(watch, start=1)]
        tables = [table for part in self._parts for table in part.sources()]
        tables += [*self._hand_table(), *self.holding.tables(), ("base", self._base())]
        carried = [
            "customer_id",
            *self.fields,
            *(name for part in self._parts for name, _ in part.columns()),
            *self.hand.values(),
            *(name for name, _, _ in self.holding.marks()),
        ]
        below = "base"
        for number, layer in enumerate(layers):
            for step, added in enumerate([layer, *self.holding.steps(self.rules.strata[number])], start=1):
                name = f"layer{number}" if step == 1 else f"layer{number}_{step}"
                columns = join(", ", [sql(f"{{}} AS {column}", value) for column, value in added])
                tables.append((name, sql(f"SELECT {', '.join(carried)}, {{}} FROM {below}", columns)))
                carried += [column for column, _ in added]
                below = name
        reasons, truths, several = self.holding.reasons(), self.holding.truths(), self.holding.several()
        named = ("customer_id", *self.columns.values(), *(name for name, _ in (*reasons, *truths, *several)))
        chosen = [Sql(name) for name in named]
        chosen += stages
        chosen += [column for _, columns in looked_at for column in columns]
        return TagQuery(
            tuple(tables),
            sql(f"SELECT {{}} FROM {below}", join(", ", chosen)),
            tuple((column, tag) for tag, column in self.columns.items()),
            self.measures.apart() | self.deeds.apart(),
            tuple(one for one, _ in looked_at),
            reasons,
            truths,
            several,
            tuple((f"g{number}", name) for number, (name, _) in enumerate(staged, start=1)),
            frozenset(self.holding.pinned),
        )

    @property
    def _parts(self) -> tuple[Measures, Deeds, History, Joined]:
        """What brings its own tables and columns."""
        return self.measures, self.deeds, self.history, self.joined

    def _look_at(self, name: str, watched: Condition | NumberValue | TextValue) -> tuple[Watched, list[Sql]]:
        """Where to find it, and the columns that hold it."""
        match watched:
            case TextColumn() | Metric(aggregate="first" | "last", of=TextColumn()):
                return Watched(text=name), [sql(f"{{}} AS {name}", self._text(watched))]
            case NumberColumn() | Metric() | Ratio() | HeldDays():
                return self._parts_of(name, self._number(watched))
            case _:
                return Watched(flag=name), [sql(f"{{}} AS {name}", flag(self._condition(watched)))]

    def _parts_of(self, name: str, value: Fraction) -> tuple[Watched, list[Sql]]:
        """The parts of a number as columns: dividing is left to whoever reads them, so nothing is rounded."""
        parts = [sql(f"{{}} AS {name}_u", value.upper)]
        if value.lower is not None:
            parts.append(sql(f"{{}} AS {name}_l", value.lower))
        if value.known is not None:
            parts.append(sql(f"{{}} AS {name}_k", flag(value.known)))
        place = Watched(
            upper=f"{name}_u", lower=f"{name}_l" if value.lower is not None else "",
            known=f"{name}_k" if value.known is not None else "", multiply=value.multiply, divide=value.divide,
        )  # fmt: skip
        return place, parts

    def _condition(self, condition: Condition) -> Sql:
        return tree_sql(condition, self._leaf)

    def _leaf(self, atom: Condition) -> Sql:
        match atom:
            case NumberTest(value, operator, hundredths):
                return number_sql(self._number(value), operator, hundredths)
            case TextTest(text):
                return text_sql(atom, self._text(text))
            case CalendarTest(NumberColumn(column)):
                self.fields[column] = None
                return calendar_sql(atom, self.as_of)
            case HadTag():
                return self.history.had(atom)
            case InGroup():
                return self.joined.holds(atom)
            case Did():
                return self.deeds.holds(atom)
            case FlagTest(FlagColumn(name)):
                self.fields[name] = None
                return Sql(f"{name} = 1")
            case Present(value):
                return self._present(value)
            case TagTest(tag):
                name = self.columns.get(tag) or self.hand.setdefault(tag, f"h{len(self.hand) + 1}")
                return Sql(f"{name} = 1")
            case _:
                raise AssertionError(atom)

    def _number(self, value: NumberValue) -> Fraction:
        match value:
            case NumberColumn(column):
                self.fields[column] = None
                return column_fraction(value)
            case HeldDays():
                return self.history.held_days(value)
            case _:
                return self.measures.value(value)

    def _text(self, value: TextValue) -> Sql:
        """A text that is '' where missing."""
        if isinstance(value, Metric):
            return self.measures.text(value)
        self.fields[value.column] = None
        return Sql(value.column)

    def _present(self, value: NumberValue | TextValue) -> Sql:
        if isinstance(value, TextColumn) or (isinstance(value, Metric) and value.is_text):
            return sql("{} <> ''", self._text(value))
        return self._number(value).known or Sql("1 = 1")

    def _hand_table(self) -> list[tuple[str, Sql]]:
        if not self.hand:
            return []
        flags = [
            sql(f"MAX(CASE WHEN tag = {{}} THEN 1 ELSE 0 END) AS a_{name}", bind(tag))
            for tag, name in self.hand.items()
        ]
        return [
            (
                "hand",
                sql("SELECT customer_id, {} FROM fact_hand_tags GROUP BY customer_id", join(", ", flags)),
            )
        ]

    def _base(self) -> Sql:
        columns = [Sql("c.customer_id"), *field_columns(self.fields)]
        columns += [
            Sql(f"{expression} AS {name}") for part in self._parts for name, expression in part.columns()
        ]
        columns += [Sql(f"COALESCE(h.a_{name}, 0) AS {name}") for name in self.hand.values()]
        columns += [Sql(f"{expression} AS {name}") for name, _, expression in self.holding.marks()]
        joins = field_joins(self.fields) + "".join(part.joins() for part in self._parts)
        if self.hand:
            joins += " LEFT JOIN hand AS h ON h.customer_id = c.customer_id"
        if self.holding.marks():
            joins += " LEFT JOIN tag_state AS st ON st.customer_id = c.customer_id"
        return sql(f"SELECT {{}} FROM fact_customers AS c{joins}", join(", ", columns))
