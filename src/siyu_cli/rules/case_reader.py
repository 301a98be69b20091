"""Reading `tests:` of rule files: every wrong name or value at its place, like everything else in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from siyu_cli.clock import DAY_SECONDS, AsOf, moment_of
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr
from siyu_cli.rules.case_stages import MAX_AGO, CaseStages
from siyu_cli.rules.cases import (
    CaseCustomer,
    CaseEvent,
    CaseLine,
    CaseOrder,
    CaseSend,
    CaseStep,
    Expectation,
    RuleTest,
    TagDays,
    Values,
)
from siyu_cli.rules.catalog import CUSTOMER_FIELDS, EVENT, GROUPS, HAD_TAGS, ROW_FIELDS, TAGS
from siyu_cli.rules.definitions import report_twice
from siyu_cli.rules.predicates import MAX_NUMBER
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.shapes import Pairs, one_of, pairs_of, text_at, text_of, texts_of, whole_number_of
from siyu_cli.rules.shares import divide, spread
from siyu_cli.rules.tree import Column, FlagColumn, NumberColumn, TextColumn
from siyu_cli.words import fold
from siyu_cli.yamlfile import Items, Node, Scalar
from siyu_cli.yamlfile import Mapping as YamlMapping

STATUSES = ("paid", "unpaid", "closed", "refunded")
_TIMES = ("ago", "at")
_ORDER_KEYS = (*_TIMES, "paid", "refund", "refund_ago", "refund_at", "status", "items")
_NOON = DAY_SECONDS // 2
T = TypeVar("T")


class CaseReader:
    """Reads test entries; `tags` are the known tags by folded name, `by_hand` those that only people set, `stages`
    the stages in order.
    """

    def __init__(
        self, report: Report, tags: Mapping[str, str], by_hand: Collection[str], stages: Sequence[str] = ()
    ) -> None:
        self.report, self.tags, self.by_hand = report, tags, by_hand
        self.stages = CaseStages(report, stages)
        self._places: dict[str, Scalar] = {}

    def read(self, nodes: list[Node]) -> tuple[RuleTest, ...]:
        """Every test without mistakes, in the order of the files."""
        found = [self._test(item) for node in nodes for item in self._items(node)]
        return tuple(test for test in found if test is not None)

    def _items(self, node: Node) -> tuple[Node, ...]:
        if isinstance(node, Items):
            return node.items
        if not (isinstance(node, Scalar) and node.value is None):
            self.report.add("E107", node, tr("这里应是列表,每项以「- 」开头", "A list belongs here"))
        return ()

    def _test(self, node: Node) -> RuleTest | None:
        is_plain = isinstance(node, YamlMapping) and node.get("steps") is None
        keys = ("name", "as_of", "customers", "note") if is_plain else ("name", "steps", "note")
        pairs = pairs_of(self.report, node, keys, tr("测试", "a test"))
        if "name" not in pairs:
            self.report.add("E107", node, tr("测试少了 name", "The test lacks a name"))
            return None
        name = pairs["name"][1]
        if not isinstance(name, Scalar) or text_of(self.report, name) is None:
            return None
        self.stages.start_test()
        first = self._places.setdefault(fold(name.text), name)
        if first is not name:
            report_twice(self.report, name, first)
            return None
        if is_plain:
            steps = [self._step(pairs, name, set())]
        else:
            known: set[str] = set()
            steps = [
                self._step(
                    pairs_of(self.report, step, ("as_of", "customers", "expect", "note"), "steps"),
                    step,
                    known,
                )
                for step in self._items(pairs["steps"][1])
            ]
            self._check_order(pairs["steps"][0], steps)
        whole = tuple(step for step in steps if step is not None)
        return RuleTest(name.text.strip(), name.mark, whole) if whole and len(whole) == len(steps) else None

    def _check_order(self, key: Scalar, steps: list[CaseStep | None]) -> None:
        days = [step.as_of.seconds for step in steps if step is not None]
        if not steps:
            self.report.add("E107", key, tr("steps 是空的", "steps is empty"))
        if days != sorted(set(days)):
            self.report.add(
                "E307", key, tr("steps 的 as_of 要一步比一步晚", "The as_of of steps must ascend")
            )

    def _step(self, pairs: Pairs, place: Node, known: set[str]) -> CaseStep | None:
        """One day; `known` are the customers of this test so far."""
        if "as_of" not in pairs:
            self.report.add("E107", place, tr("测试少了 as_of", "The test lacks as_of"))
            return None
        as_of = self._as_of(pairs["as_of"][1])
        if as_of is None:
            return None
        entries = self._items(pairs["customers"][1]) if "customers" in pairs else ()
        expectations: list[Expectation] = []
        customers = []
        here: dict[str, Scalar] = {}
        for entry in entries:
            for customer in self._customers(entry, as_of, here, expectations):
                customers.append(customer)
                known.add(customer.name)
        expected = pairs["expect"][1] if "expect" in pairs else None
        for key, body in expected.pairs if isinstance(expected, YamlMapping) else ():
            if key.text.strip() in known:
                expectations.append(self._expectation(key.text.strip(), key, body))
            else:
                hint = suggestion(key.text, sorted(known))
                self.report.add(
                    "E307",
                    key,
                    tr(f"前面没有叫「{key.text}」的客户", f"No customer “{key.text}” so far"),
                    hint,
                )
        return CaseStep(as_of, tuple(customers), tuple(expectations))

    def _customers(
        self, node: Node, as_of: AsOf, here: dict[str, Scalar], expectations: list[Expectation]
    ) -> list[CaseCustomer]:
        """The customer of an entry, or with `each` one for every value; their expectations are appended."""
        keys = (
            "id", "each", "orders", "events", "sends", TAGS, HAD_TAGS, GROUPS, "set_stage", "release_stage", "expect", "note",
            *CUSTOMER_FIELDS,
        )  # fmt: skip
        pairs = pairs_of(self.report, node, keys, tr("测试的客户", "a customer of a test"))
        name = pairs["id"][1] if "id" in pairs else None
        if not isinstance(name, Scalar) or not name.text.strip():
            self.report.add("E107", node, tr("客户少了 id", "The customer lacks an id"))
            return []
        text = name.text.strip()
        if text in here:
            report_twice(self.report, name, here[text])
            return []
        here[text] = name
        given = [
            (column, value)
            for key, (_, value_node) in pairs.items()
            if key in CUSTOMER_FIELDS
            for column, value in self._value(CUSTOMER_FIELDS[key], value_node)
        ]
        one = CaseCustomer(
            text,
            name.mark,
            self._each(pairs, "orders", lambda one: self._order(one, as_of)),
            (*self._each(pairs, "events", lambda one: self._event(one, as_of)), *self._groups(pairs, as_of)),
            self._each(pairs, "sends", lambda one: self._send(one, as_of)),
            tuple(given),
            self._tag_days(pairs, TAGS, 0),
            self._tag_days(pairs, HAD_TAGS, 1),
            self.stages.set_stage(pairs["set_stage"][1]) if "set_stage" in pairs else None,
        )
        made = self._each_of(one, pairs["each"][1]) if "each" in pairs else [one]
        if self.stages.is_released(pairs, one, {each.name for each in made}):
            made = [replace(each, is_stage_released=True) for each in made]
        if "expect" in pairs:
            expected = self._expectation(text, pairs["expect"][0], pairs["expect"][1])
            expectations += [replace(expected, customer=customer.name) for customer in made]
        return made

    def _each_of(self, one: CaseCustomer, node: Node) -> list[CaseCustomer]:
        """`{商品名: [苹果, 香蕉]}`: a customer `id·苹果` whose goods and deeds are all of 苹果, and so on; a field of
        customers is given to them.
        """
        texts = _texts(ROW_FIELDS["items"]) | _texts(ROW_FIELDS["events"])
        pairs = pairs_of(self.report, node, (*texts, *CUSTOMER_FIELDS), "each")
        if len(pairs) != 1:
            if len(pairs) > 1:
                self.report.add("E107", node, tr("each 只写一个字段", "each holds one field"))
            return [one]
        ((field, (_, node)),) = pairs.items()
        values = texts_of(self.report, node)
        made = [replace(one, name=f"{one.name}·{value.text}") for value in values]
        # 渠道 is a field of customers and of what they do: it is meant wherever it can be.
        if field in texts:
            made = [
                _with_text(each, texts[field], value.text) for each, value in zip(made, values, strict=True)
            ]
        if field in CUSTOMER_FIELDS:
            column = CUSTOMER_FIELDS[field]
            made = [
                replace(each, given=(*each.given, *self._value(column, value)))
                for each, value in zip(made, values, strict=True)
            ]
        return made

    def _each(self, pairs: Pairs, key: str, read: Callable[[Node], list[T]]) -> tuple[T, ...]:
        return tuple(one for node in self._items(pairs[key][1]) for one in read(node)) if key in pairs else ()

    def _expectation(self, customer: str, key: Scalar, node: Node) -> Expectation:
        pairs = pairs_of(self.report, node, ("has", "lacks", "only", "stage"), "expect")
        only = self._tags(pairs, "only") if "only" in pairs else None
        for scalar in texts_of(self.report, pairs["only"][1]) if "only" in pairs else ():
            named = self.tags.get(fold(scalar.text))
            if fold(scalar.text) in self.by_hand:
                message = tr(
                    f"「{named}」只由人打,only 只写自动标签",
                    f"“{named}” is set by hand; only holds automatic tags",
                )
                self.report.add("E204", scalar, message)
        stage = self.stages.find(pairs["stage"][1]) if "stage" in pairs else None
        return Expectation(
            customer, key.mark, self._tags(pairs, "has"), self._tags(pairs, "lacks"), only, stage
        )

    def _tag_days(self, pairs: Pairs, key: str, least: int) -> TagDays:
        """`[甲, 乙]`, as of `least` days before; `{甲: 10}`, ten days before."""
        node = pairs[key][1] if key in pairs else None
        if not isinstance(node, YamlMapping):
            return tuple((tag, least) for tag in self._tags(pairs, key))
        found = []
        for name, days in node.pairs:
            tag = self._tag(name)
            ago = whole_number_of(self.report, days, least, MAX_AGO)
            if tag is not None and ago is not None:
                found.append((tag, ago))
        return tuple(found)

    def _tag(self, scalar: Scalar) -> str | None:
        """A tag under its defined name, or None with an E204."""
        if fold(scalar.text) not in self.tags:
            message = tr(f"没有叫「{scalar.text}」的标签", f"No tag “{scalar.text}”")
            self.report.add("E204", scalar, message, suggestion(scalar.text, sorted(self.tags.values())))
        return self.tags.get(fold(scalar.text))

    def _tags(self, pairs: Pairs, key: str) -> tuple[str, ...]:
        if key not in pairs:
            return ()
        named = [self._tag(scalar) for scalar in texts_of(self.report, pairs[key][1])]
        return tuple(dict.fromkeys(tag for tag in named if tag is not None))

    def _order(self, node: Node, as_of: AsOf) -> list[CaseOrder]:
        texts = _texts(ROW_FIELDS["orders"])
        pairs = pairs_of(self.report, node, (*_ORDER_KEYS, *texts), tr("测试的订单", "an order of a test"))
        paid_sec = self._moment(pairs, node, as_of)
        total = self._fen(pairs, "paid")
        refund = self._fen(pairs, "refund") or 0
        refunded = self._moment(pairs, node, as_of, "refund_") if refund else None
        status = one_of(self.report, pairs["status"][1], list(STATUSES)) if "status" in pairs else "paid"
        items = self._each(pairs, "items", self._item)
        if total is None and not any(fen is not None for _, fen in items) and "paid" not in pairs:
            self.report.add("E107", node, tr("订单少了 paid", "The order lacks paid"))
        if paid_sec is None or status is None:
            return []
        nets = spread(total, [fen for _, fen in items] or [None])
        if nets is None:
            self.report.add(
                "E307",
                pairs["paid"][1],
                tr("商品的净额加起来不等于 paid", "The nets of the items do not sum to paid"),
            )
            return []
        if refund > sum(nets):
            self.report.add("E307", pairs["refund"][1], tr("退款比付的多", "More was refunded than was paid"))
            return []
        backs = divide(refund, nets)
        bought = [item for item, _ in items] or [(1000, ())]
        lines = tuple(
            CaseLine(net, back, quantity, own)
            for net, back, (quantity, own) in zip(nets, backs, bought, strict=True)
        )
        return [CaseOrder(paid_sec, refunded, status, lines, self._own_texts(pairs, texts))]

    def _item(self, node: Node) -> list[tuple[tuple[int, tuple[tuple[str, str], ...]], int | None]]:
        """((quantity, texts), net or None where it is left to the order)."""
        fields = ROW_FIELDS["items"]
        texts = {name: column for name, column in _texts(fields).items() if name not in ROW_FIELDS["orders"]}
        pairs = pairs_of(self.report, node, (*texts, "数量", "净额"), tr("测试的商品", "an item of a test"))
        quantity = self._scaled(pairs["数量"][1], 1000) if "数量" in pairs else 1000
        return [
            (
                (1000 if quantity is None else quantity, self._own_texts(pairs, texts)),
                self._fen(pairs, "净额"),
            )
        ]

    def _event(self, node: Node, as_of: AsOf) -> list[CaseEvent]:
        texts = _texts(ROW_FIELDS["events"])
        keys = ("event", "times", *_TIMES, *texts)
        pairs = pairs_of(self.report, node, keys, tr("测试的行为", "an event of a test"))
        at_sec = self._moment(pairs, node, as_of)
        times = whole_number_of(self.report, pairs["times"][1], 1, 1000) if "times" in pairs else 1
        if "event" not in pairs:
            self.report.add("E107", node, tr("行为少了 event", "The event lacks “event”"))
            return []
        kind = self._choice(EVENT, pairs["event"][1])
        if at_sec is None or kind is None or times is None:
            return []
        return [CaseEvent(kind, at_sec, self._own_texts(pairs, texts))] * times

    def _groups(self, pairs: Pairs, as_of: AsOf) -> tuple[CaseEvent, ...]:
        """`群: [甲]`: joined a group, just now."""
        names = texts_of(self.report, pairs[GROUPS][1]) if GROUPS in pairs else []
        return tuple(CaseEvent("join_group", as_of.seconds, (("page_key", one.text),)) for one in names)

    def _send(self, node: Node, as_of: AsOf) -> list[CaseSend]:
        pairs = pairs_of(self.report, node, ("push", *_TIMES), tr("测试的推送", "a send of a test"))
        at_sec = self._moment(pairs, node, as_of)
        push = text_of(self.report, pairs["push"][1]) if "push" in pairs else None
        if "push" not in pairs:
            self.report.add("E107", node, tr("推送少了 push", "The send lacks “push”"))
        return [] if push is None or at_sec is None else [CaseSend(push, at_sec)]

    def _own_texts(self, pairs: Pairs, texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """(column, text as typed) of the text fields that are given."""
        found = {}
        for name, column in texts.items():
            if name in pairs and (text := text_of(self.report, pairs[name][1])) is not None:
                found[column] = text
        return tuple(found.items())

    def _value(self, column: Column, node: Node) -> Values:
        """The (column, value) of a customer field, () where it is wrong."""
        is_missing = isinstance(node, Scalar) and node.value is None
        match column:
            case FlagColumn(name):
                if isinstance(node, Scalar) and isinstance(node.value, bool):
                    return ((name, int(node.value)),)
                self.report.add("E307", node, tr("这里写 true 或 false", "true or false belongs here"))
                return ()
            case TextColumn(name):
                if is_missing:
                    return ((name, ""),)
                text = self._choice(column, node) if column.choices else text_of(self.report, node)
                return () if text is None else ((name, text if column.choices else fold(text)),)
            case NumberColumn(name, measure):
                if is_missing:
                    return ((name, None),)
                value = self._scaled(node, measure.scale)
                return () if value is None else ((name, value),)

    def _choice(self, column: TextColumn, node: Node) -> str | None:
        """The value that one of a column's few words stands for."""
        values = dict(column.choices)
        word = fold(text_at(node))
        if word in values:
            return values[word]
        what = tr(f"不认识「{text_at(node)}」", f"Unknown “{text_at(node)}”")
        self.report.add("E307", node, what, suggestion(word, list(values)))
        return None

    def _as_of(self, node: Node) -> AsOf | None:
        seconds = self._seconds(node)
        return None if seconds is None else AsOf(seconds)

    def _seconds(self, node: Node) -> int | None:
        """`2025-03-15` as the close of that day, or a moment."""
        try:
            return moment_of(text_at(node), "as_of")
        except UsageRefused:
            self.report.add(
                "E307",
                node,
                tr("这里应是日期或时刻", "A day or a moment belongs here"),
                tr("例:2025-03-15,2025-03-15 10:00", "E.g. 2025-03-15, 2025-03-15 10:00"),
            )
            return None

    def _moment(self, pairs: Pairs, node: Node, as_of: AsOf, prefix: str = "") -> int | None:
        """`ago: k` is noon of D−k, `at` a moment; a day alone is its noon. A refund without either: None."""
        ago, at = f"{prefix}ago", f"{prefix}at"
        if (ago in pairs) == (at in pairs):
            if not prefix or ago in pairs:
                self.report.add("E107", node, tr(f"{ago} 和 {at} 写一个", f"Write one of {ago} and {at}"))
            return None
        if ago in pairs:
            days = whole_number_of(self.report, pairs[ago][1], 0, MAX_AGO)
            moment = None if days is None else (as_of.day - days) * DAY_SECONDS + _NOON
            if moment is not None and moment > as_of.seconds:
                self.report.add(
                    "E307",
                    pairs[ago][1],
                    tr(f"{ago}: 0 是当天中午,晚于 as_of,看不见", f"{ago}: 0 is noon, later than as_of"),
                    tr(f"改用 {at} 写明时刻", f"Write the moment with {at}"),
                )
            return moment
        seconds = self._seconds(pairs[at][1])
        if seconds is not None and ":" not in text_at(pairs[at][1]):
            return seconds // DAY_SECONDS * DAY_SECONDS + _NOON
        return seconds

    def _fen(self, pairs: Pairs, key: str) -> int | None:
        return self._scaled(pairs[key][1], 100) if key in pairs else None

    def _scaled(self, node: Node, scale: int) -> int | None:
        """A number not below zero in stored units: exact, or None with what is wrong."""
        text = text_at(node)
        try:
            value = Decimal(text) if isinstance(node, Scalar) and not node.is_quoted else Decimal("nan")
        except InvalidOperation:
            value = Decimal("nan")
        if not value.is_finite() or not 0 <= value <= MAX_NUMBER:
            self.report.add("E307", node, tr("这里应是不小于 0 的数", "A number not below 0 belongs here"))
            return None
        if value * scale != int(value * scale):
            self.report.add("E303", node, tr("小数位太多", "Too many decimals"))
            return None
        return int(value * scale)


def _with_text(one: CaseCustomer, column: str, text: str) -> CaseCustomer:
    """The customer with the text in everything bought and done."""
    own = ((column, text),)
    orders = tuple(
        replace(order, lines=tuple(replace(line, texts=(*line.texts, *own)) for line in order.lines))
        for order in one.orders
    )
    events = tuple(replace(event, texts=(*event.texts, *own)) for event in one.events)
    return replace(one, orders=orders, events=events)


def _texts(fields: Mapping[str, Column]) -> dict[str, str]:
    """Name → column of the free texts; one of few words has a key of its own."""
    return {
        name: column.column
        for name, column in fields.items()
        if isinstance(column, TextColumn) and not column.choices
    }
