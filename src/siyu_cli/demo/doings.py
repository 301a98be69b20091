"""What people did in the mini program and in the groups: events with a phone, and visits of nobody known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.demo import catalog, headers
from siyu_cli.demo.catalog import PRODUCTS
from siyu_cli.demo.dice import Dice, Flags, Ints
from siyu_cli.demo.friends import Friends
from siyu_cli.demo.orders import NOBODY, Orders
from siyu_cli.demo.people import KINDS, LOOKER, YOUZAN, Customers
from siyu_cli.demo.sheet import Sheet

WORDS = (
    "浏览", "点击", "加购", "收藏", "分享", "签到", "入群", "领券", "用券", "咨询", "关注", "晒单", "群发言",
)  # fmt: skip
(VIEW, CLICK, CART, FAVORITE, SHARE, SIGN_IN, JOIN, COUPON, USE_COUPON, ASK, FOLLOW, REVIEW, TALK) = range(
    len(WORDS)
)
# Positions in one list of pages: coupons, groups and cards that were pushed.
_PAGES = (*catalog.COUPONS, *catalog.CHAT_GROUPS, *catalog.CARDS)
_FIRST_GROUP = len(catalog.COUPONS)
_FIRST_CARD = _FIRST_GROUP + len(catalog.CHAT_GROUPS)
SOUND, COPY, ODD_WORD, BAD_DAY, MASKED = range(5)
_ODD_WORD, _BAD_DAY = "开屏曝光", "2025-02-30 10:12:07"
_REGULAR, _AVERAGE, _LOST = (
    next(number for number, kind in enumerate(KINDS) if kind.name == name)
    for name in ("忠实", "普通", "流失")
)


@dataclass(frozen=True)
class Doings:
    """One element per event in every array, oldest first; `person` counts customers, strangers, scanners.

    Person -1 is a visitor nobody knows; product and page are -1 where there is none.
    """

    person: Ints
    kind: Ints
    at: Ints
    product: Ints
    page: Ints

    def __len__(self) -> int:
        return len(self.person)


class _Diary:
    """Collects events part by part."""

    def __init__(self) -> None:
        self.parts: list[tuple[Ints, ...]] = []

    def add(
        self, who: Ints, kind: int, at: Ints, product: int | Ints = NOBODY, page: int | Ints = NOBODY
    ) -> None:
        shape = who.shape
        self.parts.append(
            (who, np.full(shape, kind), at, np.broadcast_to(product, shape), np.broadcast_to(page, shape))
        )

    def close(self, last_second: int) -> Doings:
        """Everything up to the moment, in order of time."""
        person, kind, at, product, page = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        order = np.lexsort((page, product, kind, person, at))
        order = order[at[order] <= last_second]
        return Doings(person[order], kind[order], at[order], product[order], page[order])


@dataclass(frozen=True)
class _Crowd:
    """Everybody with a phone: who likes coupons, who talks about the shop, when they bought last."""

    known: Ints
    coupon_lover: Flags
    fan: Flags
    last_order: Ints
    kind: Ints


def make_doings(
    customers: Customers, orders: Orders, friends: Friends, scanners: int, as_of: AsOf, dice: Dice
) -> Doings:
    """Visits around purchases, reviews after them, coupons, sign-ins, groups; and those who look and do not buy.

    `scanners` people of the 包裹卡 list scanned the card's code and took the coupon, nothing more.
    """
    crowd = _crowd(customers, orders, friends, scanners, dice)
    diary = _Diary()
    _around_orders(diary, crowd, customers, orders, as_of.day, dice)
    _after_orders(diary, crowd, customers, orders, dice)
    _in_groups(diary, crowd, friends, as_of.day, dice)
    _day_by_day(diary, crowd, as_of.day, dice)
    _without_buying(diary, crowd, as_of.day, dice)
    first_scanner = len(customers) + len(friends.strangers)
    who = first_scanner + np.arange(scanners, dtype=np.int64)
    _coupons(diary, who, as_of.day - dice.between(scanners, 0, 6), dice)
    return diary.close(as_of.seconds)


def _crowd(customers: Customers, orders: Orders, friends: Friends, scanners: int, dice: Dice) -> _Crowd:
    new = len(friends.strangers)
    count = len(customers) + new + scanners
    kind = np.concatenate([customers.kind, np.full(new + scanners, LOOKER)])
    has_phone = np.concatenate(
        [customers.platform == YOUZAN, np.ones(new, dtype=bool), np.zeros(scanners, dtype=bool)]
    )
    last_order = np.full(count, NOBODY, dtype=np.int64)
    np.maximum.at(last_order, orders.customer, orders.created)
    return _Crowd(
        known=np.flatnonzero(has_phone),
        coupon_lover=dice.happens(count, 0.18),
        fan=dice.happens(count, np.where(kind == _REGULAR, 0.45, np.where(kind == _AVERAGE, 0.1, 0.0))),
        last_order=last_order,
        kind=kind,
    )


def _around_orders(
    diary: _Diary, crowd: _Crowd, customers: Customers, orders: Orders, as_of_day: int, dice: Dice
) -> None:
    """Half a year of visits before an order, carts, and coupons taken and used."""
    is_recent = orders.created >= (as_of_day - 180) * DAY_SECONDS
    row = np.flatnonzero((customers.platform[orders.customer] == YOUZAN) & is_recent)
    # 有赞 writes the titles of two articles into one cell, in which nobody can tell the one that was looked at.
    alone = row[orders.second[row] == NOBODY]
    visits = np.repeat(alone, dice.between(len(alone), 1, 3))
    before = dice.between(len(visits), 60, 2 * DAY_SECONDS)
    diary.add(orders.customer[visits], VIEW, orders.created[visits] - before, orders.first[visits])
    carts = alone[dice.happens(len(alone), 0.5)]
    at = orders.created[carts] - dice.between(len(carts), 30, 3600)
    diary.add(orders.customer[carts], CART, at, orders.first[carts])
    paid = row[orders.paid[row] != NOBODY]
    uses = paid[dice.happens(len(paid), np.where(crowd.coupon_lover[orders.customer[paid]], 0.92, 0.08))]
    who, coupon = orders.customer[uses], dice.between(len(uses), 0, len(catalog.COUPONS) - 1)
    taken = orders.created[uses] - dice.between(len(uses), 60, 3 * DAY_SECONDS)
    diary.add(who, COUPON, taken, page=coupon)
    diary.add(who, USE_COUPON, orders.paid[uses], page=coupon)


def _after_orders(diary: _Diary, crowd: _Crowd, customers: Customers, orders: Orders, dice: Dice) -> None:
    """Reviews and shares within three days of delivery, mostly by those who like to talk."""
    row = np.flatnonzero((customers.platform[orders.customer] == YOUZAN) & (orders.finished != NOBODY))
    is_fan = crowd.fan[orders.customer[row]]
    for kind, often, seldom in ((REVIEW, 0.8, 0.05), (SHARE, 0.7, 0.03)):
        done = row[dice.happens(len(row), np.where(is_fan, often, seldom))]
        at = orders.finished[done] + dice.between(len(done), 3600, 3 * DAY_SECONDS)
        diary.add(orders.customer[done], kind, at, orders.first[done])


def _in_groups(diary: _Diary, crowd: _Crowd, friends: Friends, as_of_day: int, dice: Dice) -> None:
    """Every second friend joins a group soon after being added; some talk there, fans a lot."""
    people, first = np.unique(friends.person, return_index=True)
    is_in = (people != NOBODY) & dice.happens(len(people), 0.6)
    who, added = people[is_in], friends.added[first[is_in]]
    group = _FIRST_GROUP + dice.between(len(who), 0, len(catalog.CHAT_GROUPS) - 1)
    joined = added + dice.between(len(who), 60, 2 * DAY_SECONDS)
    diary.add(who, JOIN, joined, page=group)
    is_fan = crowd.fan[who]
    times = np.where(
        is_fan, dice.between(len(who), 8, 20), dice.between(len(who), 1, 5) * dice.happens(len(who), 0.3)
    )
    at = _moments(as_of_day - dice.between(int(times.sum()), 0, 29), dice)
    can_talk = at > np.repeat(joined, times)
    talker, page = np.repeat(who, times)[can_talk], np.repeat(group, times)[can_talk]
    diary.add(talker, TALK, at[can_talk], page=page)


def _day_by_day(diary: _Diary, crowd: _Crowd, as_of_day: int, dice: Dice) -> None:
    """Sign-ins on days in a row, and the usual looking around."""
    who = crowd.known
    is_keen = np.where(crowd.kind[who] == _REGULAR, 0.6, 0.08)
    keen = who[dice.happens(len(who), is_keen)]
    days = dice.between(len(keen), 1, 12)
    start = np.repeat(np.cumsum(days) - days, days)
    ago = np.repeat(dice.between(len(keen), 0, 15), days) + np.arange(int(days.sum())) - start
    diary.add(np.repeat(keen, days), SIGN_IN, _moments(as_of_day - ago, dice))
    for kind, chance, most in (
        (VIEW, 0.5, 4),
        (CLICK, 0.3, 2),
        (FAVORITE, 0.12, 2),
        (ASK, 0.08, 1),
        (FOLLOW, 0.15, 1),
    ):
        some = who[dice.happens(len(who), chance)]
        some = np.repeat(some, dice.between(len(some), 1, most))
        at = _moments(as_of_day - dice.between(len(some), 0, 89), dice)
        product = dice.between(len(some), 0, len(PRODUCTS) - 1) if kind in (VIEW, FAVORITE, ASK) else NOBODY
        page = _FIRST_CARD + dice.between(len(some), 0, len(catalog.CARDS) - 1) if kind == CLICK else NOBODY
        diary.add(some, kind, at, product, page)
    visitors = np.full(max(4, len(who) // 6), NOBODY, dtype=np.int64)
    at = _moments(as_of_day - dice.between(len(visitors), 0, 89), dice)
    diary.add(visitors, VIEW, at, dice.between(len(visitors), 0, len(PRODUCTS) - 1))


def _without_buying(diary: _Diary, crowd: _Crowd, as_of_day: int, dice: Dice) -> None:
    """Those who look at one thing again and again this week, and those who only take coupons."""
    who = crowd.known
    is_away = crowd.last_order[who] < (as_of_day - 7) * DAY_SECONDS
    wavering = who[is_away & dice.happens(len(who), 0.06)]
    product = dice.between(len(wavering), 0, len(PRODUCTS) - 1)
    early = dice.between(len(wavering), 2, 6)
    for ago, times in ((early, 2), (early - 2, dice.between(len(wavering), 1, 3))):
        at = _moments(np.repeat(as_of_day - ago, times), dice)
        diary.add(np.repeat(wavering, times), VIEW, at, np.repeat(product, times))
    chance = np.where(crowd.kind[who] == LOOKER, 0.4, np.where(crowd.kind[who] == _LOST, 0.12, 0.0))
    takers = who[dice.happens(len(who), chance)]
    takers = np.repeat(takers, dice.between(len(takers), 3, 5))
    _coupons(diary, takers, as_of_day - dice.between(len(takers), 0, 80), dice)


def _coupons(diary: _Diary, who: Ints, days: Ints, dice: Dice) -> None:
    diary.add(who, COUPON, _moments(days, dice), page=dice.between(len(who), 0, len(catalog.COUPONS) - 1))


def _moments(days: Ints, dice: Dice) -> Ints:
    """Moments of these days between 7:00 and 23:00."""
    return days * DAY_SECONDS + dice.between(len(days), 25_200, 82_799)


@dataclass(frozen=True)
class DoingTruth:
    """How the rows of the file must end, imported after the friends."""

    read: int
    new: int
    duplicate: int
    rejected: int
    blank: int
    anonymous: int
    customers: int
    new_customers: int
    kinds: dict[str, int]
    reasons: dict[str, int]


def doing_sheet(doings: Doings, phone_of: list[str], scanners: int) -> tuple[Sheet, DoingTruth]:
    """行为: three copies, two words nobody knows, an impossible day and a masked phone among the sound rows."""
    faults = [COPY] * 3 + [ODD_WORD] * 2 + [BAD_DAY, MASKED]
    known = np.flatnonzero(doings.person != NOBODY)
    spots = known[len(known) * np.arange(1, len(faults) + 1) // (len(faults) + 1)]
    row = np.concatenate([np.arange(len(doings), dtype=np.int64), spots])
    fault = np.concatenate([np.full(len(doings), SOUND), np.array(faults, dtype=np.int64)])
    by_age = np.lexsort((fault, row))
    row, fault = row[by_age], fault[by_age]
    # A copy repeats its number; every other row has one of its own.
    number = 700_000_000 + row * 10 + np.where(fault == COPY, 0, fault)
    phones = pa.array([*phone_of, ""]).take(pa.array(doings.person[row] % (len(phone_of) + 1)))
    masked = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(phones, 0, 3), "****", pc.utf8_slice_codeunits(phones, 7, 11), ""
    )
    titles, kinds = [product.title for product in PRODUCTS], [product.category for product in PRODUCTS]
    product = doings.product[row]
    filled: dict[str, Any] = {
        "流水号": pc.binary_join_element_wise("XW", pa.array(number).cast(pa.string()), ""),
        "事件名称": pc.if_else(pa.array(fault == ODD_WORD), _ODD_WORD, _pick(WORDS, doings.kind[row])),
        "事件时间": pc.if_else(
            pa.array(fault == BAD_DAY),
            _BAD_DAY,
            pa.array(doings.at[row]).cast(pa.timestamp("s")).cast(pa.string()),
        ),
        "手机号": pc.if_else(pa.array(fault == MASKED), masked, phones),
        "商品名称": _pick(titles, product),
        "类目": _pick(kinds, product),
        "页面": _pick(_PAGES, doings.page[row]),
        "渠道": "小程序",
    }
    columns = {headers.DOINGS.index(title): column for title, column in filled.items()}
    kept = doings.kind[row[(fault == SOUND) | (fault == MASKED)]]
    people = np.unique(doings.person[doings.person != NOBODY])
    truth = DoingTruth(
        read=len(row), new=len(kept), duplicate=3, rejected=3, blank=0,
        anonymous=int((doings.person == NOBODY).sum()) + 1, customers=len(people), new_customers=scanners,
        kinds={word: int((kept == kind).sum()) for kind, word in enumerate(WORDS)},
        reasons={"不认识的行为": 2, "时间看不懂": 1},
    )  # fmt: skip
    return Sheet("行为", headers.DOINGS, columns, len(row)), truth


def _pick(texts: Any, positions: Ints) -> Any:
    """The texts at these positions, empty at -1."""
    return pa.array([*texts, ""], pa.string()).take(pa.array(positions % (len(texts) + 1)))
