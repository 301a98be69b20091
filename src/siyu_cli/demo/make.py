"""Makes the sample shop: the files an operator would have, and truth.json with what must come of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from siyu_cli.clock import AsOf
from siyu_cli.demo import doings, exports, friends, lists
from siyu_cli.demo.dice import Dice, Ints
from siyu_cli.demo.exports import BAD_DAY, BAD_ID, COPY, SOUND, Printed
from siyu_cli.demo.orders import DONE, NOBODY, Orders, make_orders
from siyu_cli.demo.people import PLATFORMS, TAOBAO, YOUZAN, Customers, Phones, make_customers
from siyu_cli.demo.sheet import MAX_SHEET_ROWS, write_csv, write_xlsx
from siyu_cli.demo.truth import count_shop
from siyu_cli.demo.truth_doings import count_doings
from siyu_cli.files import replacing
from siyu_cli.words import fold

TRUTH_NAME = "truth.json"
STAFF_FILE = "员工.xlsx"
YOUZAN_FILE = "有赞订单.xlsx"
FRIEND_FILE, DOING_FILE = "客户列表.xlsx", "行为.csv"
_ABOUT = (
    "siyu demo 造的样板店的标准答案:按 员工 → 抖音直播间 → 订单 → 包裹卡 → 客户列表 → 行为 的顺序导入后应得到的结果。"
    "金额单位是分。人名、昵称、手机号都是编的。字段说明见 docs/walkthrough.md。"
)
# Seeds of friends and behaviour lie this far from those of the orders.
_OTHER_CHANCES = 1_000_003


def taobao_file(as_of: AsOf) -> str:
    """The name 淘宝 gives an export of that evening; the moment in it decides which export is newer."""
    return f"ExportOrderList{as_of.date:%Y%m%d}2359.csv"


@dataclass(frozen=True)
class MadeShop:
    """The files made (in the order to import them) and the truth about them."""

    files: tuple[Path, ...]
    truth_path: Path
    truth: dict[str, Any]


def make_shop(root: Path, *, seed: int, customers: int, as_of: AsOf) -> MadeShop:
    """Write staff, orders, leads, friends and behaviour into root/inbox, and truth.json.

    Equal arguments give equal bytes. Friends and behaviour have chances of their own, so orders and leads
    are those of the same seed without them.
    """
    dice = Dice(seed)
    phones = Phones(dice)
    people = make_customers(customers, dice, phones)
    orders = make_orders(people, as_of.day, dice)
    inbox = root / "inbox"
    truth: dict[str, Any] = {"about": _ABOUT, "seed": seed, "asked_customers": customers, "as_of": str(as_of)}
    counted = count_shop(people, orders, as_of.day)

    staff = lists.staff_sheet(phones)
    write_xlsx(inbox / STAFF_FILE, staff)
    taobao = _write_taobao(inbox, people, orders, as_of, dice)
    youzan = _write_youzan(inbox, people, orders, phones, dice)
    leads = lists.lead_lists(customers, _buyer_phones(people, orders), phones, as_of.day, dice)
    write_xlsx(inbox / lists.LIVE_FILE, leads.live)
    write_csv(inbox / lists.CARD_FILE, leads.card, "gbk")
    later = _write_friends_and_doings(
        inbox, people, orders, leads, phones, as_of, Dice(seed + _OTHER_CHANCES)
    )

    order_files = taobao + youzan
    truth["staff"] = {
        "file": STAFF_FILE, "read": staff.rows, "new": staff.rows, "active": staff.rows - 1, "inactive": 1,
        "duplicate": 0, "rejected": 0, "blank": 0,
    }  # fmt: skip
    truth["order_files"] = order_files
    truth |= counted
    truth["lead_files"] = {name: asdict(row) for name, row in leads.truth.items()}
    truth["leads"] = {"pool": sum(row.new for row in leads.truth.values())}
    truth |= later
    names = [
        STAFF_FILE, lists.LIVE_FILE, *(row["file"] for row in order_files), lists.CARD_FILE, FRIEND_FILE, DOING_FILE,
    ]  # fmt: skip
    truth["files"] = names
    _clear_former(root, names)
    with replacing(root / TRUTH_NAME) as temporary:
        temporary.write_bytes((json.dumps(truth, ensure_ascii=False, indent=1) + "\n").encode())
    return MadeShop(tuple(inbox / name for name in names), root / TRUTH_NAME, truth)


def _write_friends_and_doings(
    inbox: Path,
    people: Customers,
    orders: Orders,
    leads: lists.LeadLists,
    phones: Phones,
    as_of: AsOf,
    dice: Dice,
) -> dict[str, Any]:
    """客户列表 and 行为, and the truth about both; every eighth new person of 包裹卡 scanned the code."""
    made = friends.make_friends(people, orders, leads.known, phones, as_of, dice)
    scanners = leads.card_new[::8]
    phone_of = [*people.phone, *made.strangers, *scanners]
    done = doings.make_doings(people, orders, made, len(scanners), as_of, dice)
    friend_sheet, friend_truth = friends.friend_sheet(made, phone_of)
    write_xlsx(inbox / FRIEND_FILE, friend_sheet)
    doing_sheet, doing_truth = doings.doing_sheet(done, phone_of, len(scanners))
    write_csv(inbox / DOING_FILE, doing_sheet, "utf-8")
    return {
        "friends": {"file": FRIEND_FILE, **asdict(friend_truth)},
        "behaviour": {"file": DOING_FILE, **asdict(doing_truth)},
        "found": count_doings(people, orders, made, done, phone_of, as_of.day),
    }


def _write_taobao(
    inbox: Path, people: Customers, orders: Orders, as_of: AsOf, dice: Dice
) -> list[dict[str, Any]]:
    chosen = np.flatnonzero(people.platform[orders.customer] == TAOBAO)
    printed = exports.print_rows(orders, chosen, copies=3, bad_ids=2, bad_days=2)
    name = taobao_file(as_of)
    write_csv(inbox / name, exports.taobao_sheet(people, orders, printed, dice), "gb18030")
    return [_file_truth(name, TAOBAO, orders, printed)]


def _write_youzan(
    inbox: Path, people: Customers, orders: Orders, phones: Phones, dice: Dice
) -> list[dict[str, Any]]:
    """One workbook, or several where a sheet would get too long."""
    chosen = np.flatnonzero(people.platform[orders.customer] == YOUZAN)
    sent_to_others = chosen[dice.happens(len(chosen), 0.05)].tolist()
    gifts = dict(zip(sent_to_others, phones.take(len(sent_to_others)), strict=True))
    printed = exports.print_rows(orders, chosen, copies=2, bad_ids=0, bad_days=1)
    truths = []
    for number, start in enumerate(range(0, max(len(printed.order), 1), MAX_SHEET_ROWS), 1):
        part = _cut(printed, start)
        name = YOUZAN_FILE if number == 1 else f"有赞订单-{number}.xlsx"
        write_xlsx(inbox / name, exports.youzan_sheet(people, orders, part, gifts))
        truths.append(_file_truth(name, YOUZAN, orders, part))
    return truths


def _cut(printed: Printed, start: int) -> Printed:
    rows = slice(start, start + MAX_SHEET_ROWS)
    return Printed(printed.order[rows], printed.fault[rows])


def _file_truth(name: str, platform: int, orders: Orders, printed: Printed) -> dict[str, Any]:
    """What an import of one file must count."""
    sound: Ints = printed.order[printed.fault == SOUND]
    is_paid = orders.paid[sound] != NOBODY
    net = np.where(is_paid, orders.total[sound] - orders.refund[sound], 0)
    return {
        "file": name, "platform": PLATFORMS[platform], "read": len(printed.order), "new": len(sound),
        "duplicate": printed.count(COPY),
        "rejected": printed.count(BAD_ID) + printed.count(BAD_DAY), "blank": 0,
        "reasons": {"订单号精度丢失": printed.count(BAD_ID), "付款时间看不懂": printed.count(BAD_DAY)},
        "paid": int(is_paid.sum()), "unpaid": int((~is_paid).sum()),
        "customers": len(np.unique(orders.customer[sound])), "net_fen": int(net.sum()),
    }  # fmt: skip


def _buyer_phones(people: Customers, orders: Orders) -> list[str]:
    """Phones of 有赞 customers with at least one delivered order."""
    done = np.unique(orders.customer[orders.status == DONE])
    return [people.phone[person] for person in done[people.platform[done] == YOUZAN].tolist()]


def _clear_former(root: Path, names: list[str]) -> None:
    """Take away inbox files that an earlier demo listed in truth.json and this one did not make again."""
    try:
        former = json.loads((root / TRUTH_NAME).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    kept = {fold(name) for name in names}
    for name in former:
        if isinstance(name, str) and Path(name).name == name and fold(name) not in kept:
            (root / "inbox" / name).unlink(missing_ok=True)
