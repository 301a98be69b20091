"""Small staff sheets and lead lists for the tests of the lead desk."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import openpyxl

from tests.conftest import Shop

STAFF_HEADER = "员工账号,姓名,部门,门店,手机,权重,每日上限,持有上限,渠道,地区,状态"


def staff_file(shop: Shop, people: Sequence[str], name: str = "员工.csv") -> Path:
    """People as `account:name` or `account:name:停用`."""
    lines = [STAFF_HEADER]
    for person in people:
        account, shown, *state = person.split(":")
        lines.append(f"{account},{shown},,,,,,,,,{state[0] if state else '在岗'}")
    return shop.file(name, "\n".join(lines) + "\n")


def lead_file(
    shop: Shop, phones: Sequence[int | str], name: str = "名单.csv", channels: Sequence[str] = ("",)
) -> Path:
    """Phones as numbers counted from 13800000000, or as text."""
    lines = ["手机号,姓名,渠道"]
    for at, phone in enumerate(phones):
        text = phone if isinstance(phone, str) else str(13_800_000_000 + phone)
        lines.append(f"{text},顾客{text[-4:]},{channels[at % len(channels)]}")
    return shop.file(name, "\n".join(lines) + "\n")


def friend_file(shop: Shop, numbers: Sequence[int], name: str = "好友.csv", account: str = "a") -> Path:
    """Friends of one member of staff by phone, counted from 13800000000."""
    lines = ["客户名称,添加人,添加人账号,添加时间,手机"]
    lines += [
        f"客户{number},甲,{account},2025-03-01 10:00:{number:02d},{13_800_000_000 + number}"
        for number in numbers
    ]
    return shop.file(name, "\n".join(lines) + "\n")


def event_file(shop: Shop, numbers: Sequence[int], name: str = "行为.csv") -> Path:
    """A view by each phone, counted from 13800000000."""
    lines = ["手机号,行为,时间,商品"]
    lines += [f"{13_800_000_000 + number},浏览,2025-03-01 10:00:00,苹果" for number in numbers]
    return shop.file(name, "\n".join(lines) + "\n")


def assign(shop: Shop, phones: Sequence[int | str], day: str, channels: Sequence[str] = ("",)) -> None:
    """Import and deal out leads on one day."""
    file = lead_file(shop, phones, f"名单{phones[0]}-{day}.csv", channels)
    shop.run("import-leads", file, "--as-of", f"{day} 09:00")
    shop.run("distribute-leads", "--as-of", f"{day} 10:00")


def ledger(shop: Shop, kind: str | None = None) -> list[tuple[object, ...]]:
    """The ledger without run ids: phone, kind, moment, account and reason in order."""
    return shop.rows(
        "SELECT l.phone, e.kind, e.at_sec, e.staff_id, e.reason FROM lead_events AS e JOIN leads AS l USING (lead_id) "
        "WHERE e.kind = coalesce(?, e.kind) ORDER BY e.lead_id, e.event_id",
        [kind],
    )


def fill(shop: Shop, workbook: str, results: Mapping[int, str], name: str, day: str | None = None) -> Path:
    """A staff workbook of outbox/线索 filled in by phone (counted from 13800000000) and sent back as `name`.

    A result may be `结果/反馈备注`; `day` is when the file was changed last.
    """
    book = openpyxl.load_workbook(shop.root / "outbox" / "线索" / workbook)
    sheet = book["线索"]
    head = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        word = results.get(int(row[1].value) - 13_800_000_000)
        if word is not None:
            result, _, note = word.partition("/")
            row[head.index("结果")].value, row[head.index("反馈备注")].value = result, note or None
    path = shop.root / "inbox" / name
    book.save(path)
    if day is not None:
        # The workspace's zone is Shanghai: eight hours east.
        moment = datetime.fromisoformat(f"{day}T12:00:00+08:00").timestamp()
        os.utime(path, (moment, moment))
    return path


def states(shop: Shop) -> dict[int, tuple[str, str | None]]:
    """Phone (counted from 13800000000) → state and account."""
    rows = shop.rows("SELECT phone, state, staff_id FROM lead_state ORDER BY phone")
    return {int(phone) - 13_800_000_000: (state, staff) for phone, state, staff in rows}
