"""A small world of customers, orders, lines, events, sends and tags of people in the shape of the fact tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from siyu_cli.clock import AsOf, Clock
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.steps import write_flags
from siyu_cli.rules.tree import RuleSet
from siyu_cli.store.engine import Engine
from tests.engines import both_engines, fill

CUSTOMER = pa.schema(
    [("customer_id", pa.int64())]
    + [(name, pa.string()) for name in ("channel_key", "source_key", "province_key", "city_key")]
    + [(name, pa.string()) for name in ("owner_key", "department_key", "store_key")]
    + [("is_opted_out", pa.int32())]
    + [(name, pa.int32()) for name in ("r_score", "f_score", "m_score")]
    + [(name, pa.string()) for name in ("segment_key", "risk_key", "stage_key")]
    + [("stage_days", pa.int32())]
)
# Facts that not every customer has.
FURTHER = {
    "fact_traits": pa.schema(
        [("gender_key", pa.string()), ("level_key", pa.string())]
        + [(name, pa.int64()) for name in ("customer_id", "birth_month", "birth_day", "points")]
    ),
    "fact_friends": pa.schema(
        [("customer_id", pa.int64()), ("is_lost", pa.int32()), ("friend_days", pa.int32())]
    ),
    "fact_bindings": pa.schema([("customer_id", pa.int64()), ("is_bound", pa.int32())]),
}
ORDER = pa.schema(
    [(name, pa.int64()) for name in ("customer_id", "order_no")]
    + [
        ("is_order", pa.int32()),
        ("line_count", pa.int64()),
        ("paid_sec", pa.int64()),
        ("paid_day", pa.int32()),
    ]
    + [("net_fen", pa.int64())]
    + [(name, pa.string()) for name in ("platform_key", "shop_key", "channel_key")]
)
ITEM = pa.schema(
    [(name, pa.int64()) for name in ("customer_id", "order_no", "line_no", "paid_sec")]
    + [
        ("paid_day", pa.int32()),
        ("net_fen", pa.int64()),
        ("quantity_milli", pa.int64()),
        ("is_whole", pa.int32()),
    ]
    + [
        (name, pa.string())
        for name in ("product_key", "category_key", "sku_key", "platform_key", "shop_key", "channel_key")
    ]
)
EVENT = pa.schema(
    [("customer_id", pa.int64()), ("event_no", pa.int64()), ("kind", pa.string())]
    + [("at_sec", pa.int64()), ("day", pa.int32())]
    + [
        (f"{name}_key", pa.string())
        for name in ("product", "category", "sku", "platform", "shop", "channel", "page")
    ]
)
SEND = pa.schema(
    [(name, pa.int64()) for name in ("customer_id", "send_no", "sent_sec")]
    + [("push_key", pa.string()), ("sent_day", pa.int32())]
)
# What a customer has of whom these facts know nothing.
MISSING: dict[str, Any] = {
    name: "" if name.endswith("_key") else 0 if name.startswith("is_") else None
    for schema in FURTHER.values() for name in schema.names if name != "customer_id"
}  # fmt: skip
HAND = pa.schema([("customer_id", pa.int64()), ("tag", pa.string())])
STATE = pa.schema(
    [
        ("customer_id", pa.int64()),
        ("tag", pa.string()),
        ("pin_rank", pa.int64()),
        ("is_off", pa.int32()),
        ("last_true_day", pa.int32()),
    ]
)
SPAN = pa.schema([*HAND, ("from_day", pa.int32()), ("to_day", pa.int32())])

DAY = 86_400
AS_OF = Clock().as_of("2025-03-15")
D = AS_OF.day


@dataclass
class World:
    """Facts as rows; `customer`, `order`, `adjust`, `event` and `send` add to them."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    sends: list[dict[str, Any]] = field(default_factory=list)
    hand: list[dict[str, Any]] = field(default_factory=list)
    state: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)

    def customer(self, **values: Any) -> int:
        """A customer with nothing known but what is given."""
        number = len(self.customers) + 1
        blank = dict.fromkeys((name for name in CUSTOMER.names if name.endswith("_key")), "")
        scores = dict.fromkeys(("r_score", "f_score", "m_score", "stage_days"))
        self.customers.append(
            {"customer_id": number, **MISSING, **blank, "is_opted_out": 0, **scores, **values}
        )
        return number

    def order(
        self,
        customer: int | None,
        ago: int,
        *nets: int,
        at: int = DAY // 2,
        lines: list[dict[str, Any]] | None = None,
        **values: Any,
    ) -> None:
        """An order `ago` days before D, `at` seconds into the day, with one line per net or as given."""
        number = len({order["order_no"] for order in self.orders if order["is_order"]}) + 1
        shared = {"platform_key": "", "shop_key": "", "channel_key": "", **values}
        when = {
            "customer_id": customer,
            "order_no": number,
            "paid_sec": (D - ago) * DAY + at,
            "paid_day": D - ago,
        }
        given = lines or [{"net_fen": net} for net in nets]
        made = [
            {
                **when,
                "is_whole": int(len(given) == 1),
                "line_no": number * 100 + position,
                "net_fen": 0,
                "quantity_milli": 1000,
                "product_key": "",
                "category_key": "",
                "sku_key": "",
                **shared,
                **line,
            }
            for position, line in enumerate(given)
        ]
        self.items += made
        total = sum(line["net_fen"] for line in made)
        self.orders.append({**when, "is_order": 1, "line_count": len(made), "net_fen": total, **shared})

    def adjust(self, customer: int, ago: int, fen: int) -> None:
        """A refund row that belongs to no order: it lowers sums on its own day."""
        row = {
            "customer_id": customer,
            "order_no": 0,
            "is_order": 0,
            "line_count": 0,
            "paid_sec": (D - ago) * DAY,
            "paid_day": D - ago,
            "net_fen": -fen,
            "platform_key": "",
            "shop_key": "",
            "channel_key": "",
        }
        self.orders.append(row)

    def event(self, customer: int, kind: str, ago: int, *, at: int = DAY // 2, **values: str) -> None:
        """Something a customer did `ago` days before D, `at` seconds into the day."""
        row = dict.fromkeys((name for name in EVENT.names if name.endswith("_key")), "")
        when = {"at_sec": (D - ago) * DAY + at, "day": D - ago}
        number = len(self.events) + 1
        self.events.append(
            {"customer_id": customer, "event_no": number, "kind": kind, **when, **row, **values}
        )

    def send(self, customer: int, push: str, ago: int, *, at: int = DAY // 2) -> None:
        """A push list the customer was on, once a day and push."""
        when = {"sent_sec": (D - ago) * DAY + at, "sent_day": D - ago}
        row = {"customer_id": customer, "send_no": len(self.sends) + 1, "push_key": push, **when}
        if not any(
            all(row[key] == known[key] for key in ("customer_id", "push_key", "sent_day"))
            for known in self.sends
        ):
            self.sends.append(row)

    def mark(
        self, customer: int, tag: str, *, pin_rank: int = 0, is_off: int = 0, last_true_day: int | None = None
    ) -> None:
        """What a person or an earlier run said of a customer and a tag."""
        mark = {"pin_rank": pin_rank, "is_off": is_off, "last_true_day": last_true_day}
        self.state.append({"customer_id": customer, "tag": tag, **mark})

    @property
    def pinned(self) -> set[str]:
        """The tags with a pin on anybody."""
        return {row["tag"] for row in self.state if row["pin_rank"] or row["is_off"]}

    def held(self, customer: int, tag: str, ago: int, until: int | None = None) -> None:
        """A tag held from `ago` days before D to `until` days before D, that day not included."""
        to_day = None if until is None else D - until
        self.spans.append({"customer_id": customer, "tag": tag, "from_day": D - ago, "to_day": to_day})

    def _told(self, schema: pa.Schema) -> list[dict[str, Any]]:
        """The rows of customers of whom anything is known."""
        return [
            row for row in self.customers
            if any(row[name] != MISSING[name] for name in schema.names if name != "customer_id")
        ]  # fmt: skip

    def load(self, engine: Engine) -> None:
        """The tables the compiled query reads."""
        fill(
            engine,
            {
                "fact_customers": (CUSTOMER, self.customers),
                **{table: (schema, self._told(schema)) for table, schema in FURTHER.items()},
                "fact_orders": (ORDER, self.orders),
                "fact_items": (ITEM, self.items),
                "fact_events": (EVENT, self.events),
                "fact_sends": (SEND, self.sends),
                "fact_hand_tags": (HAND, self.hand),
                "fact_tag_state": (STATE, self.state),
                "fact_tag_spans": (SPAN, self.spans),
            },
        )


def rules_of(text: str) -> RuleSet:
    """One file's rules."""
    return check_rules([("rules/测试.yaml", text.encode())])


def tags_of(
    world: World, rules: RuleSet, as_of: AsOf = AS_OF, *, engines: Sequence[Engine] = ()
) -> dict[int, set[str]]:
    """Customer → tags by the compiled SQL, which all engines (DuckDB and SQLite) must agree on.

    The first engine goes by steps, as plan-tags does; the others by one statement, as tests of rules do.
    """
    query = compile_tags(rules, as_of, pinned=world.pinned)
    answers = []
    for at, engine in enumerate(engines or both_engines()):
        world.load(engine)
        if at == 0:
            write_flags(engine, query, "stepped_flags")
            rows = engine.query("SELECT * FROM stepped_flags").to_pylist()
        else:
            rows = engine.query(query.text, query.params).to_pylist()
        answers.append(
            {row["customer_id"]: {tag for column, tag in query.columns if row[column] == 1} for row in rows}
        )
        assert all(row[column] in (0, 1) for row in rows for column, _ in query.columns)
    assert all(answer == answers[0] for answer in answers)
    return answers[0]


def holders(
    world: World,
    condition: str,
    extra: str = "",
    as_of: AsOf = AS_OF,
    *,
    engines: Sequence[Engine] = (),
) -> set[int]:
    """Who meets one condition (written as YAML on one line)."""
    rules = rules_of(
        f"{extra}\ntags:\n  这个: {{when: {condition}}}\n"
        if condition[0] in "[{"
        else f"{extra}\ntags:\n  这个:\n    when: {condition}\n"
    )
    return {
        customer for customer, tags in tags_of(world, rules, as_of, engines=engines).items() if "这个" in tags
    }
