"""What the customers did: every order of twelve months, paid, unpaid, refunded, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.demo.catalog import FIRST_GIFT, FIRST_SNACK, FIRST_TRAP, FRUITS, MONTH_WEIGHTS, PRODUCTS
from siyu_cli.demo.dice import Dice, Flags, Ints
from siyu_cli.demo.people import EDGE_KIND, EDGES, KINDS, LOOKER, ONE_TIME, Customers

# All orders lie within the year that ends at as_of, so a window of 12 months and no window agree.
HISTORY_DAYS = 360
DONE, SHIPPED, PAID, WAITING, CLOSED, REFUNDED = range(6)
NOBODY = -1

_PRICES = np.array([product.price_fen for product in PRODUCTS], dtype=np.int64)
_DISCOUNTS = np.array([0, 0, 0, 0, 300, 500, 1000, 88, 199], dtype=np.int64)


@dataclass(frozen=True)
class Orders:
    """One element per order in every array; amounts in fen, moments in local seconds, -1 = none."""

    customer: Ints
    status: Ints
    created: Ints
    paid: Ints
    finished: Ints
    first: Ints
    first_count: Ints
    second: Ints
    second_count: Ints
    goods: Ints
    discount: Ints
    postage: Ints
    refund: Ints

    @property
    def total(self) -> Ints:
        """What the buyer was asked to pay."""
        return self.goods - self.discount + self.postage

    def __len__(self) -> int:
        return len(self.customer)


def make_orders(customers: Customers, as_of_day: int, dice: Dice) -> Orders:
    """Purchases of every kind of customer, orders never paid, refunds; edge customers exactly as written."""
    who, ago = _purchases(customers, as_of_day, dice)
    unpaid_who, unpaid_ago = _unpaid(customers, dice)
    edge_who, edge_ago = _edge_days()
    is_unpaid = np.repeat([False, True, False], [len(who), len(unpaid_who), len(edge_who)])
    who = np.concatenate([who, unpaid_who, edge_who])
    ago = np.concatenate([ago, unpaid_ago, edge_ago])
    return _set_edges(_orders_of(customers, who, ago, is_unpaid, as_of_day, dice), len(edge_who))


def _purchases(customers: Customers, as_of_day: int, dice: Dice) -> tuple[Ints, Ints]:
    """Customer and days ago of every purchase; one customer never buys twice on one day."""
    count = len(customers)
    orders, last_ago, gap = (np.zeros(count, dtype=np.int64) for _ in range(3))
    for number, kind in enumerate(KINDS):
        of_kind = np.flatnonzero(customers.kind == number)
        orders[of_kind] = dice.between(len(of_kind), *kind.orders)
        last_ago[of_kind] = (
            _busy_days(len(of_kind), *kind.last_ago, as_of_day, dice)
            if number == ONE_TIME
            else dice.between(len(of_kind), *kind.last_ago)
        )
        gap[of_kind] = kind.gap
    gap = np.minimum(gap, (HISTORY_DAYS - last_ago) // np.maximum(orders - 1, 1))
    who = np.repeat(np.arange(count, dtype=np.int64), orders)
    starts = np.repeat(np.cumsum(orders) - orders, orders)
    is_last = np.arange(len(who)) == starts
    steps = np.where(is_last, 0, dice.between(len(who), 1, gap[who]))
    walked = np.cumsum(steps)
    return who, last_ago[who] + walked - walked[starts]


def _busy_days(count: int, low: int, high: int, as_of_day: int, dice: Dice) -> Ints:
    """Days ago between low and high, more of them in the busy months."""
    agos = np.arange(low, high + 1)
    return low + dice.pick(count, np.array(MONTH_WEIGHTS)[_months(as_of_day - agos) - 1])


def _months(days: Ints) -> Ints:
    """Month 1 to 12 of day numbers."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1


def _unpaid(customers: Customers, dice: Dice) -> tuple[Ints, Ints]:
    """Orders that were never paid: all that lookers have, now and then one of the others."""
    count = len(customers)
    is_looker = customers.kind == LOOKER
    times = np.where(is_looker, dice.between(count, 1, 2), dice.happens(count, 0.06).astype(np.int64))
    times[customers.kind == EDGE_KIND] = 0
    who = np.repeat(np.arange(count, dtype=np.int64), times)
    latest = dice.happens(len(who), 0.2)
    return who, np.where(latest, 0, dice.between(len(who), 0, HISTORY_DAYS))


def _edge_days() -> tuple[Ints, Ints]:
    pairs = [(number, ago) for number, edge in enumerate(EDGES) for ago in edge.agos]
    return np.array([p[0] for p in pairs], dtype=np.int64), np.array([p[1] for p in pairs], dtype=np.int64)


def _orders_of(
    customers: Customers, who: Ints, ago: Ints, is_unpaid: Flags, as_of_day: int, dice: Dice
) -> Orders:
    """Baskets, money, states and moments of orders whose customer and day are known."""
    count = len(who)
    day = as_of_day - ago
    first, second = _baskets(customers, who, _months(day), dice)
    first_count, second_count = 1 + dice.pick(count, (0.76, 0.19, 0.05)), 1 + dice.pick(count, (0.85, 0.15))
    second_count[second == NOBODY] = 0
    goods = _PRICES[first] * first_count + np.where(second == NOBODY, 0, _PRICES[second] * second_count)
    discount = _DISCOUNTS[dice.between(count, 0, len(_DISCOUNTS) - 1)]
    discount[discount * 3 > goods] = 0
    postage = np.where(goods < 5900, 600, 0).astype(np.int64)
    status = np.where(ago <= 2, PAID, np.where(ago <= 9, SHIPPED, DONE)).astype(np.int64)
    status[is_unpaid] = np.where(ago[is_unpaid] <= 1, WAITING, CLOSED)
    created = day * DAY_SECONDS + dice.between(count, 25_200, 83_200)
    paid = np.where(is_unpaid, NOBODY, created + dice.between(count, 5, 600))
    finished = np.where(status == DONE, paid + dice.between(count, 3 * DAY_SECONDS, 9 * DAY_SECONDS), NOBODY)
    refund = _refunds(customers.kind[who], status, goods - discount + postage, dice)
    status[(refund > 0) & (refund == goods - discount + postage)] = REFUNDED
    finished[status == REFUNDED] = NOBODY
    return Orders(
        who, status, created, paid, finished, first, first_count, second, second_count,
        goods, discount, postage, refund,
    )  # fmt: skip


def _baskets(customers: Customers, who: Ints, month: Ints, dice: Dice) -> tuple[Ints, Ints]:
    """One or two articles; something with fruit only in its name is always bought alone."""
    count = len(who)
    fond = customers.likes_fruit[who]
    wants_fruit = dice.happens(count, np.where(fond, 0.75, 0.04))
    fruit = _fruit_in_season(month, dice)
    snack = dice.between(count, FIRST_SNACK, FIRST_TRAP - 1)
    trap = dice.between(count, FIRST_TRAP, FIRST_GIFT - 1)
    first = np.where(wants_fruit, fruit, np.where(dice.happens(count, 0.12), trap, snack))
    gifts = np.array([kind.buys_gifts for kind in KINDS] + [False])[customers.kind[who]]
    gift = FIRST_GIFT + dice.between(count, 0, 1) + np.where(wants_fruit, 0, 2)
    first = np.where(gifts, gift, first)
    has_second = dice.happens(count, 0.25) & ~((first >= FIRST_TRAP) & (first < FIRST_GIFT))
    other = np.where(fond & dice.happens(count, 0.5), _fruit_in_season(month, dice), snack)
    return first, np.where(has_second & (other != first), other, NOBODY)


def _fruit_in_season(month: Ints, dice: Dice) -> Ints:
    chosen = np.zeros(len(month), dtype=np.int64)
    for number in range(1, 13):
        here = np.flatnonzero(month == number)
        weights = [1.0 if not fruit.months or number in fruit.months else 0.05 for fruit in FRUITS]
        chosen[here] = dice.pick(len(here), weights)
    return chosen


def _refunds(kind: Ints, status: Ints, total: Ints, dice: Dice) -> Ints:
    """Nothing for most, the whole for one in fifty, a part for three in a hundred delivered orders."""
    count = len(total)
    chance = dice.uniform(count)
    part = dice.between(count, 100, np.maximum(total // 2, 100))
    refund = np.where(chance < 0.02, total, np.where(chance < 0.05, part, 0))
    spared = np.array([kind.is_spared_refunds for kind in KINDS] + [True])[kind]
    refund[spared | (status != DONE)] = 0
    return refund.astype(np.int64)


def _set_edges(orders: Orders, edge_count: int) -> Orders:
    """The last `edge_count` orders become what EDGES says, to the fen."""
    changed = (
        "first", "first_count", "second", "second_count", "goods", "discount", "postage", "refund",
        "status", "paid", "finished",
    )  # fmt: skip
    columns = {name: getattr(orders, name).copy() for name in changed}
    row = len(orders) - edge_count
    gift = FIRST_GIFT + 2
    for edge in EDGES:
        for number, total in enumerate(edge.totals_fen):
            refund = edge.refunds_fen[number]
            pieces = -(-total // PRODUCTS[gift].price_fen)
            goods = pieces * PRODUCTS[gift].price_fen
            values = {
                "first": gift, "first_count": pieces, "second": NOBODY, "second_count": 0, "goods": goods,
                "discount": goods - total, "postage": 0, "refund": refund,
            }  # fmt: skip
            if number in edge.unpaid:
                values |= {"status": CLOSED, "paid": NOBODY, "finished": NOBODY}
            elif refund == total:
                values |= {"status": REFUNDED, "finished": NOBODY}
            for name, value in values.items():
                columns[name][row] = value
            row += 1
    return replace(orders, **columns)
