"""Small staff sheets and lead lists for the tests of the lead desk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
