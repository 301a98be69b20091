"""What must come out, counted one order at a time in plain Python and without any of siyu's own code.

This is the ruler the tests lay beside the commands, so it shares nothing with them: no SQL, no rules,
no cleaning; only the generator's own records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from siyu_cli.demo.catalog import PRODUCTS
from siyu_cli.demo.orders import CLOSED, NOBODY, REFUNDED, WAITING, Orders
from siyu_cli.demo.people import KIND_NAMES, PLATFORMS, TAOBAO, Customers

# The seed rule 重要客户·即将流失.
_CHURN_ORDERS, _CHURN_DAYS, _CHURN_FEN = 3, (30, 60), 50_000
_CODES = ("111", "101", "011", "001", "110", "100", "010", "000")


@dataclass
class Buyer:
    """What one customer has in the books: valid orders only."""

    days: set[int] = field(default_factory=set)
    orders: int = 0
    net_fen: int = 0
    last_day: int = -1
    has_fruit: bool = False


def count_shop(customers: Customers, orders: Orders, as_of_day: int) -> dict[str, Any]:
    """Totals of the whole shop: money, orders by state, who likes fruit, who is leaving, eight segments."""
    buyers: dict[int, Buyer] = {}
    net_fen = dict.fromkeys(PLATFORMS, 0)
    states = {"valid": 0, "unpaid": 0, "closed_unpaid": 0, "refunded_in_full": 0, "refunded_in_part": 0}
    seen: set[int] = set()
    columns = zip(
        orders.customer.tolist(), orders.status.tolist(), orders.paid.tolist(), orders.total.tolist(),
        orders.refund.tolist(), orders.first.tolist(), orders.second.tolist(), strict=True,
    )  # fmt: skip
    platform_of = customers.platform.tolist()
    for person, status, paid, total, refund, first, second in columns:
        seen.add(person)
        if status == WAITING:
            states["unpaid"] += 1
            continue
        if status == CLOSED:
            states["closed_unpaid"] += 1
            continue
        if status == REFUNDED:
            states["refunded_in_full"] += 1
            continue
        states["refunded_in_part"] += refund > 0
        states["valid"] += 1
        net = total - refund
        net_fen[PLATFORMS[platform_of[person]]] += net
        buyer = buyers.setdefault(person, Buyer())
        day = paid // 86_400
        buyer.orders += 1
        buyer.days.add(day)
        buyer.net_fen += net
        buyer.last_day = max(buyer.last_day, day)
        buyer.has_fruit |= PRODUCTS[first].is_fruit or (second != NOBODY and PRODUCTS[second].is_fruit)
    return {
        "customers": {
            "total": len(seen),
            "by_platform": _by_platform(customers, seen),
            "buyers": len(buyers),
            "buyers_by_platform": _by_platform(customers, buyers),
        },
        "orders": {**states, "net_fen": sum(net_fen.values()), "net_fen_by_platform": net_fen},
        "likes_fruit": _named(customers, (person for person, buyer in buyers.items() if buyer.has_fruit)),
        "leaving": _named(customers, (p for p, buyer in buyers.items() if _is_leaving(buyer, as_of_day))),
        "segments": count_segments(buyers, as_of_day),
        "kinds": _kinds(customers, seen),
    }


def _is_leaving(buyer: Buyer, as_of_day: int) -> bool:
    ago = as_of_day - buyer.last_day
    is_due = _CHURN_DAYS[0] <= ago <= _CHURN_DAYS[1]
    return buyer.orders >= _CHURN_ORDERS and is_due and buyer.net_fen >= _CHURN_FEN


def count_segments(buyers: dict[int, Buyer], as_of_day: int) -> dict[str, Any]:
    """Eight segments by the mean of raw values: R = days ≤ mean, F = days bought > mean, M = net > mean.

    A value is set against the mean by multiplication, so nothing is rounded. Nobody buys twice on a day
    here, therefore counting orders or days gives the same F.
    """
    count = len(buyers)
    ago_sum = sum(as_of_day - buyer.last_day for buyer in buyers.values())
    day_sum = sum(len(buyer.days) for buyer in buyers.values())
    fen_sum = sum(buyer.net_fen for buyer in buyers.values())
    segments = {code: {"customers": 0, "net_fen": 0} for code in _CODES}
    for buyer in buyers.values():
        is_recent = (as_of_day - buyer.last_day) * count <= ago_sum
        is_frequent = len(buyer.days) * count > day_sum
        is_rich = buyer.net_fen * count > fen_sum
        cell = segments[f"{is_recent:d}{is_frequent:d}{is_rich:d}"]
        cell["customers"] += 1
        cell["net_fen"] += buyer.net_fen
    sums = {"recency_days_sum": ago_sum, "frequency_days_sum": day_sum, "monetary_fen_sum": fen_sum}
    return {"customers": count, **sums, "codes": segments}


def _by_platform(customers: Customers, people: Any) -> dict[str, int]:
    counts = dict.fromkeys(PLATFORMS, 0)
    for person in people:
        counts[PLATFORMS[customers.platform[person]]] += 1
    return counts


def _named(customers: Customers, people: Any) -> dict[str, list[str]]:
    """Customers by platform under the key siyu must know them by: nickname at 淘宝, phone at 有赞."""
    names: dict[str, list[str]] = {name: [] for name in PLATFORMS}
    for person in people:
        platform = customers.platform[person]
        key = customers.nick[person] if platform == TAOBAO else customers.phone[person]
        names[PLATFORMS[platform]].append(key)
    return {name: sorted(keys) for name, keys in names.items()}


def _kinds(customers: Customers, seen: set[int]) -> dict[str, int]:
    """How many customers were made of each kind (the intention, not a measurement)."""
    counts = dict.fromkeys(KIND_NAMES, 0)
    for person in seen:
        counts[KIND_NAMES[customers.kind[person]]] += 1
    return counts
