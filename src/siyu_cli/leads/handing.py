"""A person's whole book handed over, as when they leave: back to the pool and dealt again in the same run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.store import ledger
from siyu_cli.store.staff import StaffRow, all_staff
from siyu_cli.words import did_you_mean

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def find_person(con: DuckDBPyConnection, text: str) -> StaffRow:
    """The member of staff with this account, or the only one with this name; InputRefused says what is wrong."""
    people = all_staff(con)
    found = [one for one in people if one.staff_id == text] or [one for one in people if one.name == text]
    if len(found) == 1:
        return found[0]
    if found:
        accounts = "、".join(one.staff_id for one in found)
        raise InputRefused(
            "several-staff",
            tr(f"有 {len(found)} 个人叫「{text}」", f"{len(found)} people are called “{text}”"),
            hint=tr(f"写员工账号:{accounts}", f"Write the account: {accounts}"),
        )
    near = did_you_mean(text, [word for one in people for word in (one.name, one.staff_id)])
    raise InputRefused(
        "unknown-staff",
        tr(f"员工表里没有「{text}」", f"The staff sheet knows no “{text}”"),
        hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}")
        if near
        else tr("写员工账号或姓名", "Write an account or a name"),
    )


def hand_over(con: DuckDBPyConnection, person: StaffRow, run_id: int, at_sec: int) -> list[int]:
    """Everything the person holds goes back to the pool, inside the caller's transaction; the leads."""
    reason = tr(f"{person.name} 的线索全部交出", f"all leads of {person.name} handed over")
    ledger.hand_over(con, person.staff_id, run_id, at_sec, reason)
    return ledger.handed_over(con)
