"""Running rule tests: made-up customers in a store in memory, tagged by the program that tags real ones.

Tests with the same days share a store, so a hundred tests of one day are one run. On each day the new facts
of every customer are put in, tags are planned and applied, and what is held is noted; state (kept tags,
history) goes on to the next day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.rules.cases import CaseCustomer, CaseOrder, CaseStep, RuleTest
from siyu_cli.rules.compile import TagQuery
from siyu_cli.rules.fields import facts_of
from siyu_cli.rules.stages import apply_stages, plan_stages
from siyu_cli.rules.tagging import columns_of, evaluate
from siyu_cli.rules.trace import Tracer, stage_key
from siyu_cli.rules.tree import RuleSet
from siyu_cli.store.engine import DuckDbEngine, Engine
from siyu_cli.store.fixtures import add_rows, held_now, scratch, set_values, stages_now
from siyu_cli.store.stages import set_one
from siyu_cli.store.tags import apply_changes, plan_changes
from siyu_cli.words import fold
from siyu_cli.yamlfile import Mark

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_NONE: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True)
class Case:
    """One customer on one day of a test."""

    test: str
    step: int
    customer: str


@dataclass(frozen=True)
class Held:
    """The tags of a case: those of rules, and all; and the stage ('' where the rules have none)."""

    automatic: frozenset[str]
    all: frozenset[str]
    stage: str = ""


@dataclass(frozen=True)
class Check:
    """One tag a case should have or lack, and whether it has; or (tag '') the stage it should stand in, and where it
    does.
    """

    case: Case
    mark: Mark
    tag: str
    wanted: bool
    is_held: bool
    stage: str = ""
    stands: str = ""

    @property
    def is_met(self) -> bool:
        return self.wanted == self.is_held

    @property
    def about(self) -> str:
        """What names the rule behind it (see trace.rule_of_stage)."""
        return self.tag or stage_key(self.stage)


def run_tests(
    con: DuckDBPyConnection,
    rules: RuleSet,
    tests: Sequence[RuleTest],
    tracer: Tracer | None = None,
    aliases: Mapping[str, Sequence[str]] = _NONE,
) -> tuple[dict[Case, Held], dict[Case, dict[str, Any]]]:
    """What every case holds; with a tracer also the row from which its traces are read. The store is empty
    (`store.fixtures.memory_store`) and is so again afterwards.

    `aliases` are tags that get by hand or by history whatever the one they stand for gets.
    """
    groups: dict[tuple[AsOf, ...], list[RuleTest]] = {}
    for test in tests:
        groups.setdefault(test.days, []).append(test)
    held: dict[Case, Held] = {}
    rows: dict[Case, dict[str, Any]] = {}
    for group in groups.values():
        with scratch(con):
            _Bench(con, rules, group, tracer, aliases).run(held, rows)
    return held, rows


def checks_of(tests: Iterable[RuleTest], held: dict[Case, Held], automatic: Iterable[str]) -> Iterator[Check]:
    """Everything the tests expect, tag by tag; `only` speaks of every automatic tag."""
    every = sorted(automatic)
    for test in tests:
        for number, step in enumerate(test.steps):
            for expected in step.expectations:
                case = Case(test.name, number, expected.customer)
                has = held[case]
                if expected.stage is not None:
                    is_there = has.stage == expected.stage
                    yield Check(case, expected.mark, "", True, is_there, expected.stage, has.stage)
                for tag in expected.has:
                    yield Check(case, expected.mark, tag, True, tag in has.all)
                for tag in expected.lacks:
                    yield Check(case, expected.mark, tag, False, tag in has.all)
                for tag in every if expected.only is not None else ():
                    yield Check(case, expected.mark, tag, tag in (expected.only or ()), tag in has.automatic)


class _Bench:
    """Tests of the same days in one store."""

    def __init__(
        self,
        con: DuckDBPyConnection,
        rules: RuleSet,
        tests: Sequence[RuleTest],
        tracer: Tracer | None,
        aliases: Mapping[str, Sequence[str]],
    ) -> None:
        self.con, self.rules, self.tests, self.tracer, self.aliases = con, rules, tests, tracer, aliases
        names = [(test.name, customer) for test in tests for customer in test.customers]
        self.ids = {name: number for number, name in enumerate(names, start=1)}
        self.given: dict[str, dict[int, int | str | None]] = {}
        self.numbers = count(1)

    def run(self, held: dict[Case, Held], rows: dict[Case, dict[str, Any]]) -> None:
        add_rows(self.con, "customers", [{"customer_id": one, "run_id": 1} for one in self.ids.values()])
        for number, as_of in enumerate(self.tests[0].days):
            steps = [(test, test.steps[number]) for test in self.tests]
            self._put_in(steps)
            watch = self.tracer.watch if self.tracer is not None else ()
            query = evaluate(self.con, self.rules, as_of, amend=self._amend, watch=watch)
            seen = self._trace(query)
            plan_changes(self.con, "tag_flags", columns_of(self.rules, query))
            apply_changes(self.con, number + 1, as_of.day, "tag_flags", query.truths)
            plan = plan_stages(self.con, self.rules, query.stages, "tag_flags", as_of)
            apply_stages(self.con, plan, number + 1, as_of)
            stages = stages_now(self.con) if self.rules.stages else {}
            tags: dict[int, list[tuple[str, str]]] = {}
            for customer_id, tag, source in held_now(self.con):
                tags.setdefault(customer_id, []).append((tag, source))
            for test, step in steps:
                for customer in _seen_of(test, number, step):
                    case = Case(test.name, number, customer)
                    own = tags.get(self.ids[test.name, customer], [])
                    automatic = frozenset(tag for tag, source in own if source == "auto")
                    held[case] = Held(
                        automatic,
                        frozenset(tag for tag, _ in own),
                        stages.get(self.ids[test.name, customer], ""),
                    )
                    if self.tracer is not None:
                        rows[case] = seen[self.ids[test.name, customer]]

    def _trace(self, query: TagQuery) -> dict[int, dict[str, Any]]:
        if self.tracer is None:
            return {}
        self.tracer.place(query.watched)
        return {
            row["customer_id"]: row
            for row in DuckDbEngine(self.con).query("SELECT * FROM tag_flags").to_pylist()
        }

    def _amend(self, engine: Engine) -> None:
        """Given values stand in for computed ones."""
        for column, values in self.given.items():
            set_values(self.con, facts_of(column), column, values)

    def _put_in(self, steps: Sequence[tuple[RuleTest, CaseStep]]) -> None:
        """The new facts of a day into the tables of the store."""
        lines: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        sends: list[dict[str, Any]] = []
        tags: list[dict[str, Any]] = []
        past: list[dict[str, Any]] = []
        for test, step in steps:
            for customer in step.customers:
                who = self.ids[test.name, customer.name]
                lines += [line for order in customer.orders for line in self._lines(who, order)]
                events += self._events(who, customer)
                sends += [_send(who, one.push, one.at_sec) for one in customer.sends]
                for tag, ago in customer.hand_tags:
                    day = step.as_of.day - ago
                    tags += [_hand_tag(who, one, day) for one in (tag, *self.aliases.get(tag, ()))]
                for tag, ago in customer.past_tags:
                    past += _past_tag(who, tag, step.as_of.day - ago)
                for column, value in customer.given:
                    self.given.setdefault(column, {})[who] = value
                self._set_stage(who, customer, step.as_of)
        for table, rows in (
            ("order_lines", lines),
            ("events", events),
            ("push_members", sends),
            ("tags", tags),
            ("tag_log", past),
        ):
            add_rows(self.con, table, rows)

    def _set_stage(self, who: int, customer: CaseCustomer, as_of: AsOf) -> None:
        """Where people put the customer, and whether they handed them back to the rules."""
        first = self.rules.stages[0].name if self.rules.stages else ""
        if customer.stage is not None:
            stage, ago = customer.stage
            set_one(self.con, who, stage, first, 1, as_of.seconds - ago * DAY_SECONDS, "")
        if customer.is_stage_released:
            set_one(self.con, who, None, first, 1, as_of.seconds, "")

    def _lines(self, who: int, order: CaseOrder) -> Iterator[dict[str, Any]]:
        order_no = next(self.numbers)
        for line in order.lines:
            texts = dict.fromkeys(_LINE_TEXTS, "") | dict(order.texts) | dict(line.texts)
            yield {
                "line_no": next(self.numbers), "order_no": order_no, "line_hash": order_no, "order_hash": order_no,
                "kind": "sale", "customer_id": who, "platform": texts["platform_key"], "status": order.status,
                "order_id": f"{order_no}", "created_sec": order.paid_sec,
                "paid_sec": None if order.status in ("unpaid", "closed") else order.paid_sec,
                "paid_day": order.paid_sec // DAY_SECONDS, "paid_fen": line.paid_fen, "refund_fen": line.refund_fen,
                "refund_sec": order.paid_sec if order.refund_sec is None else order.refund_sec,
                "is_zero_purchase": 0, "quantity_milli": line.quantity_milli, "exported_sec": 0,
                "first_run_id": 1, "run_id": 1, "is_detail": 0, "is_goods": 1, "level": "line",
                **{column: fold(text) for column, text in texts.items()},
            }  # fmt: skip

    def _events(self, who: int, customer: CaseCustomer) -> Iterator[dict[str, Any]]:
        for event in customer.events:
            number = next(self.numbers)
            texts = dict.fromkeys(_EVENT_TEXTS, "") | dict(event.texts)
            yield {
                "event_no": number, "event_hash": number, "customer_id": who, "kind": event.kind,
                "at_sec": event.at_sec, "day": event.at_sec // DAY_SECONDS, "first_run_id": 1, "run_id": 1,
                **{column: fold(text) for column, text in texts.items()},
            }  # fmt: skip


_LINE_TEXTS = ("product_key", "category_key", "sku_key", "platform_key", "shop_key", "channel_key")
_EVENT_TEXTS = (*_LINE_TEXTS, "page_key")


def _seen_of(test: RuleTest, number: int, step: CaseStep) -> set[str]:
    """The customers of a test that are known on a day."""
    return {one.name for earlier in test.steps[: number + 1] for one in earlier.customers}


def _send(who: int, push: str, at_sec: int) -> dict[str, Any]:
    return {
        "run_id": 1, "push": push, "push_key": fold(push), "customer_id": who, "at_sec": at_sec,
        "day": at_sec // DAY_SECONDS,
    }  # fmt: skip


def _hand_tag(who: int, tag: str, day: int) -> dict[str, Any]:
    return {
        "customer_id": who, "tag": tag, "source": "manual", "pin": "on", "set_day": day, "rule_hash": "", "run_id": 1,
    }  # fmt: skip


def _past_tag(who: int, tag: str, day: int) -> list[dict[str, Any]]:
    """Held on that day, and on the next no longer: run 0 is before all runs of a test."""
    line = {"run_id": 0, "customer_id": who, "tag": tag, "rule_hash": "", "cause": "", "reason": ""}
    return [{**line, "action": "add", "day": day}, {**line, "action": "remove", "day": day + 1}]
