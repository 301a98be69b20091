"""The list of friends in 企业微信: buyers with a phone, people who never bought, and friends without any key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from siyu_cli.clock import DAY_SECONDS, AsOf, date_of
from siyu_cli.demo import catalog, headers
from siyu_cli.demo.dice import Dice, Flags, Ints
from siyu_cli.demo.orders import NOBODY, Orders
from siyu_cli.demo.people import TAOBAO, YOUZAN, Customers, Phones, make_names
from siyu_cli.demo.sheet import Sheet, table

_BAD_DAY = "2025-02-30 09:12:00"
_LEVELS = ("", "", "普通会员", "银卡会员", "金卡会员")
_PEOPLE_OF_STAFF = tuple(row for row in catalog.STAFF if row[4] == "在岗")
# Birthdays lie between these days: 1960-01-01 and 2004-12-31.
_BORN = (-3653, 12783)


@dataclass(frozen=True)
class Friends:
    """One element per friendship in every array; `person` counts the customers, then the strangers.

    A friend without a key (no phone anywhere) is person -1. A birthday is a day number, NO_DAY where unknown.
    """

    person: Ints
    name: list[str]
    staff: Ints
    added: Ints
    is_noted: Flags
    birthday: Ints
    gender: Ints
    level: Ints
    way: Ints
    strangers: list[str]
    """Phones of the friends who never bought."""

    def __len__(self) -> int:
        return len(self.person)


NO_DAY = -1_000_000


def make_friends(
    customers: Customers, orders: Orders, on_lists: Collection[str], phones: Phones, as_of: AsOf, dice: Dice
) -> Friends:
    """Every second 有赞 customer who is on no lead list, strangers, and 淘宝 buyers nobody can tell by a number.

    Some are friends of two members of staff: two friendships, one customer.
    """
    count = len(customers)
    first = np.full(count, as_of.day, dtype=np.int64)
    np.minimum.at(first, orders.customer, orders.created // DAY_SECONDS)
    is_free = np.array([phone not in on_lists for phone in customers.phone], dtype=bool)
    known = np.flatnonzero((customers.platform == YOUZAN) & is_free & dice.happens(count, 0.55))
    keyless = np.flatnonzero((customers.platform == TAOBAO) & dice.happens(count, 0.12))
    strangers = phones.take(max(6, count // 16))
    new = count + np.arange(len(strangers), dtype=np.int64)
    twice = known[dice.happens(len(known), 0.04)]
    people = np.concatenate([known, new, twice])
    who = np.concatenate([people, np.full(len(keyless), NOBODY)])
    # A friend after the first order, or lately; the second member of staff some days later.
    since = np.concatenate(
        [first[known], as_of.day - dice.between(len(new), 1, 60), first[twice] + 6, first[keyless]]
    )
    day = np.minimum(since + dice.between(len(who), 0, 5), as_of.day)
    staff = dice.between(len(who), 0, len(_PEOPLE_OF_STAFF) - 1)
    # Whoever added a customer second is another one than the first.
    again = slice(len(known) + len(new), len(people))
    staff[again] = (staff[np.searchsorted(known, twice)] + 1) % len(_PEOPLE_OF_STAFF)
    named = [*customers.name, *make_names(len(strangers), dice)]
    is_noted = dice.happens(len(who), 0.12) & (who != NOBODY)
    return Friends(
        person=who,
        name=[
            *(_wechat_name(person, named[person]) for person in people.tolist()),
            *(customers.nick[person] for person in keyless.tolist()),
        ],
        staff=staff,
        added=day * DAY_SECONDS + dice.between(len(who), 32_400, 75_600),
        is_noted=is_noted,
        birthday=_by_person(
            who, np.where(dice.happens(len(who), 0.7), dice.between(len(who), *_BORN), NO_DAY)
        ),
        gender=_by_person(who, dice.pick(len(who), (0.3, 0.5, 0.2))),
        level=dice.between(len(who), 0, len(_LEVELS) - 1),
        way=dice.between(len(who), 0, len(catalog.ADD_WAYS) - 1),
        strangers=strangers,
    )


def _by_person(who: Ints, values: Ints) -> Ints:
    """One value per person: that of the first friendship; each friend without a key keeps their own."""
    _, first, place = np.unique(who, return_index=True, return_inverse=True)
    return np.where(who == NOBODY, values, values[first][place])


def _wechat_name(person: int, name: str) -> str:
    """Most use a name of fancy, some their own."""
    return name if person % 3 == 0 else catalog.WECHAT_NAMES[person % len(catalog.WECHAT_NAMES)]


@dataclass(frozen=True)
class FriendTruth:
    """How the rows of the list must end, imported after the orders and the lead lists."""

    read: int
    new: int
    duplicate: int
    rejected: int
    blank: int
    customers: int
    new_customers: int
    without_key: int
    reasons: dict[str, int]


def friend_sheet(friends: Friends, phone_of: list[str]) -> tuple[Sheet, FriendTruth]:
    """客户列表, newest first; at its end a row twice, a row without a name and one with an impossible day."""
    newest_first = np.lexsort((np.arange(len(friends)), -friends.added)).tolist()
    rows = [_row(friends, at, phone_of) for at in newest_first]
    blank = ("",) * len(headers.FRIENDS)
    staff = _PEOPLE_OF_STAFF[0]
    nobody = (*blank[:3], staff[1], staff[0], staff[2], _moment(int(friends.added[0])), *blank[7:])
    undated = ("晴天", *blank[1:3], staff[1], staff[0], staff[2], _BAD_DAY, *blank[7:])
    people = np.unique(friends.person[friends.person != NOBODY])
    truth = FriendTruth(
        read=len(rows) + 3, new=len(rows), duplicate=1, rejected=2, blank=0, customers=len(people),
        new_customers=len(friends.strangers), without_key=int((friends.person == NOBODY).sum()),
        reasons={"没有姓名和手机号": 1, "添加时间看不懂": 1},
    )  # fmt: skip
    return table("客户列表", headers.FRIENDS, [*rows, rows[0], nobody, undated]), truth


def _row(friends: Friends, at: int, phone_of: list[str]) -> tuple[str, ...]:
    person = int(friends.person[at])
    phone = "" if person == NOBODY else phone_of[person]
    account, staff_name, department = _PEOPLE_OF_STAFF[friends.staff[at]][:3]
    birthday, is_noted = int(friends.birthday[at]), bool(friends.is_noted[at])
    return (
        friends.name[at], f"{friends.name[at]} {phone}" if is_noted else "", "", staff_name, account, department,
        _moment(int(friends.added[at])), catalog.ADD_WAYS[friends.way[at]], "" if is_noted else phone,
        "", "", "", "", "", _LEVELS[friends.level[at]], ("男", "女", "")[friends.gender[at]],
        "" if birthday == NO_DAY else str(date_of(birthday)),
    )  # fmt: skip


def _moment(seconds: int) -> str:
    hour, rest = divmod(seconds % DAY_SECONDS, 3600)
    return f"{date_of(seconds // DAY_SECONDS)} {hour:02}:{rest // 60:02}:{rest % 60:02}"
