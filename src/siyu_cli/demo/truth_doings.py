"""What friends and behaviour must come to, counted person by person like `truth`: without siyu's own code.

The windows are those of the starter rules for a food shop; the day of the count is their last day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from siyu_cli.demo import doings as did
from siyu_cli.demo.doings import Doings
from siyu_cli.demo.friends import NO_DAY, Friends
from siyu_cli.demo.orders import CLOSED, NOBODY, REFUNDED, WAITING, Orders
from siyu_cli.demo.people import YOUZAN, Customers

# Days of each rule, the day of the count included.
_WAVERING, _COUPONS, _ORDERS, _TALK = 7, 90, 180, 30
_EPOCH = date(1970, 1, 1)


@dataclass
class _Person:
    """Bought (day, moment, article) and did (day, moment, article) by kind."""

    bought: list[tuple[int, int, set[int]]] = field(default_factory=list)
    did: dict[int, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))

    def times(self, kind: int, after_day: int) -> int:
        return sum(day > after_day for day, _, _ in self.did[kind])


def count_doings(
    customers: Customers,
    orders: Orders,
    friends: Friends,
    doings: Doings,
    phone_of: list[str],
    as_of_day: int,
) -> dict[str, Any]:
    """The phones of everybody each rule must find, in order."""
    people = _people(customers, orders, doings)
    tests = {
        "wavering": _is_wavering,
        "coupon_lovers": _is_coupon_lover,
        "coupons_only": _takes_coupons_only,
        "koc": _is_koc,
    }
    found = {
        name: sorted(phone_of[at] for at, person in people.items() if test(person, as_of_day))
        for name, test in tests.items()
    }
    month = _month(as_of_day)
    return found | {
        "birthday_this_month": _born_in(friends, phone_of, month),
        "birthday_next_month": _born_in(friends, phone_of, month % 12 + 1),
    }


def _people(customers: Customers, orders: Orders, doings: Doings) -> dict[int, _Person]:
    people: dict[int, _Person] = defaultdict(_Person)
    has_phone = (customers.platform == YOUZAN).tolist()
    bought = (orders.customer, orders.status, orders.paid, orders.first, orders.second)
    for person, status, paid, first, second in zip(*(column.tolist() for column in bought), strict=True):
        if has_phone[person] and status not in (WAITING, CLOSED, REFUNDED):
            people[person].bought.append((paid // 86_400, paid, {first, second} - {NOBODY}))
    done = (doings.person, doings.kind, doings.at, doings.product)
    for person, kind, at, product in zip(*(column.tolist() for column in done), strict=True):
        if person != NOBODY:
            people[person].did[kind].append((at // 86_400, at, product))
    return people


def _is_wavering(person: _Person, today: int) -> bool:
    """One article seen three times on two days of this week, and not bought since the first of these."""
    seen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for day, at, product in person.did[did.VIEW]:
        if day > today - _WAVERING:
            seen[product].append((day, at))
    return any(
        len(times) >= 3
        and len({day for day, _ in times}) >= 2
        and not any(
            paid >= min(at for _, at in times) and product in basket for _, paid, basket in person.bought
        )
        for product, times in seen.items()
    )


def _is_coupon_lover(person: _Person, today: int) -> bool:
    """Three orders in half a year, a coupon used with seven in ten."""
    orders = sum(day > today - _ORDERS for day, _, _ in person.bought)
    return orders >= 3 and person.times(did.USE_COUPON, today - _ORDERS) * 10 >= orders * 7


def _takes_coupons_only(person: _Person, today: int) -> bool:
    is_buyer = any(day > today - _COUPONS for day, _, _ in person.bought)
    return not is_buyer and person.times(did.COUPON, today - _COUPONS) >= 3


def _is_koc(person: _Person, today: int) -> bool:
    """Bought on three days; two of: two reviews, three shares in half a year, ten messages in a month."""
    talks = (
        person.times(did.REVIEW, today - _ORDERS) >= 2,
        person.times(did.SHARE, today - _ORDERS) >= 3,
        person.times(did.TALK, today - _TALK) >= 10,
    )
    return len({day for day, _, _ in person.bought}) >= 3 and sum(talks) >= 2


def _born_in(friends: Friends, phone_of: list[str], month: int) -> list[str]:
    return sorted(
        {
            phone_of[person]
            for person, day in zip(friends.person.tolist(), friends.birthday.tolist(), strict=True)
            if person != NOBODY and day != NO_DAY and _month(day) == month
        }
    )


def _month(day: int) -> int:
    return (_EPOCH + timedelta(days=day)).month
