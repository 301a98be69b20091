"""The shop's people: customers with a way of buying, and phone numbers that never meet twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siyu_cli.demo.catalog import GIVEN, NICK_WORDS, PHONE_STARTS, PLACES, SURNAMES
from siyu_cli.demo.dice import Dice, Flags, Ints

TAOBAO, YOUZAN = 0, 1
PLATFORMS = ("淘宝", "有赞")


@dataclass(frozen=True)
class Kind:
    """A way of buying: share of customers, how many orders, days since the last, most days between two."""

    name: str
    share: float
    orders: tuple[int, int]
    last_ago: tuple[int, int]
    gap: int = 1
    buys_gifts: bool = False
    is_spared_refunds: bool = False


KINDS = (
    Kind("忠实", 0.08, (6, 12), (0, 20), gap=28),
    Kind("新客", 0.12, (1, 1), (0, 14)),
    Kind("一次", 0.30, (1, 1), (45, 340)),
    Kind("普通", 0.22, (2, 4), (3, 110), gap=70),
    Kind("即将流失", 0.08, (3, 7), (30, 60), gap=45, buys_gifts=True, is_spared_refunds=True),
    Kind("流失", 0.16, (2, 6), (150, 300), gap=40),
    Kind("只看", 0.04, (0, 0), (0, 200)),
)
LOOKER = len(KINDS) - 1
ONE_TIME = 2


@dataclass(frozen=True)
class Edge:
    """A customer on a border of 重要客户·即将流失 (≥ 3 orders, the last 30–60 days ago, ≥ 500 元)."""

    name: str
    agos: tuple[int, ...]
    totals_fen: tuple[int, ...]
    refunds_fen: tuple[int, ...] = (0, 0, 0)
    unpaid: tuple[int, ...] = ()


EDGES = (
    Edge("整30天", (30, 60, 90), (20000, 15000, 15000)),
    Edge("整60天", (60, 90, 120), (20000, 15000, 15000)),
    Edge("29天", (29, 60, 90), (20000, 15000, 15000)),
    Edge("61天", (61, 90, 120), (20000, 15000, 15000)),
    Edge("差一分", (45, 60, 90), (20000, 15000, 14999)),
    Edge("只有两单", (45, 90), (50000, 50000), (0, 0)),
    Edge("部分退款后不足", (45, 60, 90), (22000, 15000, 15000), (3000, 0, 0)),
    Edge("全额退款后只剩两单", (45, 60, 90), (30000, 30000, 30000), (0, 30000, 0)),
    Edge("第三单没付款", (45, 60, 90), (30000, 30000, 30000), unpaid=(2,)),
    Edge("今天刚买", (0, 45, 90), (20000, 20000, 20000)),
)
# Edge customers come first: number 0 to len(EDGES) - 1.
EDGE_KIND = len(KINDS)
KIND_NAMES = (*(kind.name for kind in KINDS), "边界")


@dataclass(frozen=True)
class Customers:
    """One element per customer in every array."""

    kind: Ints
    platform: Ints
    likes_fruit: Flags
    place: Ints
    nick: list[str]
    name: list[str]
    phone: list[str]

    def __len__(self) -> int:
        return len(self.nick)


class Phones:
    """Made-up mobile numbers by position: never the same one twice within 25 million."""

    _SPACE = len(PHONE_STARTS) * 1_000_000
    _STEP = 15_485_863  # shares no factor with the space, so positions map one to one

    def __init__(self, dice: Dice) -> None:
        self._start = int(dice.between(1, 0, self._SPACE - 1)[0])
        self._used = 0

    def take(self, count: int) -> list[str]:
        """The next `count` numbers; the fourth and fifth digit are 0, as in few real ones."""
        first, self._used = self._used, self._used + count
        places = (self._start + self._STEP * np.arange(first, self._used, dtype=np.int64)) % self._SPACE
        return [f"{PHONE_STARTS[place // 1_000_000]}00{place % 1_000_000:06d}" for place in places.tolist()]


def make_customers(count: int, dice: Dice, phones: Phones) -> Customers:
    """Edge customers first, then everybody else by the shares of KINDS."""
    kind = dice.pick(count, [kind.share for kind in KINDS])
    kind[: len(EDGES)] = EDGE_KIND
    platform = np.where(dice.happens(count, 0.58), TAOBAO, YOUZAN).astype(np.int64)
    platform[: len(EDGES)] = np.arange(len(EDGES)) % 2
    # The step shares no factor with ten million, so no two customers get the same number.
    start = int(dice.between(1, 0, 9_999_999)[0])
    nick_number = (start + 7_368_787 * np.arange(count, dtype=np.int64)) % 10_000_000
    nick_word = dice.between(count, 0, len(NICK_WORDS) - 1)
    return Customers(
        kind=kind,
        platform=platform,
        likes_fruit=dice.happens(count, 0.45),
        place=dice.pick(count, [place[4] for place in PLACES]),
        nick=[
            f"{NICK_WORDS[word]}{number}"
            for word, number in zip(nick_word.tolist(), nick_number.tolist(), strict=True)
        ],
        name=make_names(count, dice),
        phone=phones.take(count),
    )


def make_names(count: int, dice: Dice) -> list[str]:
    """Chinese names, as often shared as in life."""
    surname, given = dice.between(count, 0, len(SURNAMES) - 1), dice.between(count, 0, len(GIVEN) - 1)
    return [SURNAMES[s] + GIVEN[g] for s, g in zip(surname.tolist(), given.tolist(), strict=True)]
