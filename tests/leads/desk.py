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
