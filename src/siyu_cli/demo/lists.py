"""The staff sheet and two lead lists, with what is known of every row."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

from siyu_cli.clock import date_of
from siyu_cli.demo import catalog, headers
from siyu_cli.demo.dice import Dice
from siyu_cli.demo.people import Phones, make_names
from siyu_cli.demo.sheet import Sheet, table

LEAD_FILES = (LIVE_FILE, CARD_FILE) = ("抖音直播间.xlsx", "包裹卡.csv")


@dataclass
class LeadTruth:
    """How each row of one list must end: 抖音直播间 before the orders are imported, 包裹卡 after them."""

    read: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    blank: int = 0
    already_customer: int = 0
    already_in_pool: int = 0
    later_customers: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def staff_sheet(phones: Phones) -> Sheet:
    """Nine people, one of them 停用; equal weights and no caps, so equal shares."""
    numbers = phones.take(len(catalog.STAFF))
    rows = [
        (account, name, department, store, phone, "1", "", "", "", "", state)
        for (account, name, department, store, state), phone in zip(catalog.STAFF, numbers, strict=True)
    ]
    return table("员工", headers.STAFF, rows)


def _bad_phones(phone: str) -> list[tuple[str, str]]:
    """Reason and cell of every kind of number that nobody can be called on."""
    return [
        ("脱敏", f"{phone[:3]}****{phone[-4:]}"),
        ("座机", "0571-88886666"),
        ("非法号段", "12345678901"),
        ("虚拟号", f"{phone}-4821"),
        ("精度丢失", "1.38001E+10"),
        ("空", ""),
    ]


def _worded(phone: str, number: int) -> str:
    """The same phone as people type it: every tenth with spaces, +86, an apostrophe."""
    parts = (phone[:3], phone[3:7], phone[7:])
    forms = {3: " ".join(parts), 13: f"+86 {phone}", 23: f"'{phone}", 33: "-".join(parts)}
    return forms.get(number % 40, phone)


@dataclass(frozen=True)
class LeadLists:
    """Both lists, and the truth of each by file name; `known` are the buyers on them, `card_new` new people."""

    live: Sheet
    card: Sheet
    truth: dict[str, LeadTruth]
    known: frozenset[str]
    card_new: list[str]


def lead_lists(
    customers: int, buyer_phones: list[str], phones: Phones, as_of_day: int, dice: Dice
) -> LeadLists:
    """抖音直播间.xlsx and 包裹卡.csv: new people, repeats, buyers, people of the other list, bad numbers.

    Every fourth 有赞 buyer came from the live room: a lead first, a customer later, with an owner and a
    channel. 包裹卡 comes when the orders are known: some of its numbers are customers already.
    """
    came_from_live = buyer_phones[::4]
    strangers = phones.take(max(24, customers // 5))
    live_new = [phone for pair in zip_longest(strangers, came_from_live) for phone in pair if phone]
    card_new = phones.take(max(15, customers // 8))
    known = buyer_phones[1::4][:3]
    live_truth, card_truth = LeadTruth(later_customers=len(came_from_live)), LeadTruth()
    pooled = strangers[:: max(1, len(strangers) // 4)][:4]
    live = _mix(live_new, [], [], phones.take(1)[0], live_truth)
    card = _mix(card_new, known, pooled, phones.take(1)[0], card_truth)
    day = date_of(as_of_day)
    names = iter(make_names(len(live) + len(card), dice))
    wishes = dice.between(len(live), 0, len(catalog.FRUITS) - 1).tolist()
    places = dice.pick(len(live), [place[4] for place in catalog.PLACES]).tolist()
    live_rows = [
        (cell, next(names), "抖音直播", catalog.PLACES[place][0], catalog.PLACES[place][1],
         catalog.FRUITS[wish].title, f"{day:%m月%d日}场", "")
        for cell, wish, place in zip(live, wishes, places, strict=True)
    ]  # fmt: skip
    card_rows = [
        (next(names), cell, "包裹卡", "扫码领券" if number % 3 == 0 else "", "")
        for number, cell in enumerate(card)
    ]
    # A gap in the middle and a total at the end, as people leave them.
    card_rows.insert(len(card_rows) // 2, ("", "", "", "", ""))
    card_rows.append(("合计", "", "", "", f"{len(card)}人"))
    card_truth.read += 2
    card_truth.blank = 2
    return LeadLists(
        table("线索", headers.LIVE_LEADS, live_rows),
        table("包裹卡", headers.CARD_LEADS, card_rows),
        {LIVE_FILE: live_truth, CARD_FILE: card_truth},
        frozenset((*came_from_live, *known)),
        card_new,
    )


def _mix(new: list[str], customers: list[str], pooled: list[str], spare: str, truth: LeadTruth) -> list[str]:
    """The phone cells of one list in the order of its rows; `truth` learns what each must become."""
    cells = [_worded(phone, number) for number, phone in enumerate(new)]
    repeats = new[: max(2, len(new) // 30)]
    bad = _bad_phones(spare)
    extra = [*customers, *pooled, *(cell for _, cell in bad)]
    step = max(1, len(cells) // (len(extra) + 1))
    for number, cell in enumerate(extra):
        cells.insert(min((number + 1) * (step + 1), len(cells)), cell)
    # Repeats stand at the end, after every first appearance.
    cells += repeats
    truth.read = len(cells)
    truth.new = len(new)
    truth.duplicate = len(repeats)
    truth.rejected = len(bad)
    truth.already_customer = len(customers)
    truth.already_in_pool = len(pooled)
    truth.reasons = {reason: 1 for reason, _ in bad}
    return cells
