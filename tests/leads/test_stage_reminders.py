"""remind-staff brings up customers who stand still in a stage: to their owner, once a stay, without phones in messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from siyu_cli.customers.profile import OWNED_STATES
from siyu_cli.store import stage_reminders
from tests.conftest import Shop
from tests.rules.test_tag_commands import only_rule
from tests.shop_rows import add_lead, customer, insert, key, staff, writable

RULES = "stages: [{name: 新客户, remind_after: 7d}, {name: 意向客户, remind_after: 3d}, {name: 无意向客户}]"
BEGIN = ("--as-of", "2025-03-01")


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """Customers 1 and 2 are 小李's, 3 opted out, 4 is nobody's; their leads are friends since long."""
    with writable(shop) as con:
        insert(con, "staff", [staff("xl", "小李")])
        for number in range(1, 5):
            insert(con, "customers", [customer(number, name=f"客{number}")])
            insert(con, "customer_keys", [key(number, f"1380000000{number}")])
        for number in range(1, 4):
            add_lead(con, number, f"1380000000{number}", held_by="xl", at="2025-02-01")
            con.execute(
                "INSERT INTO lead_events SELECT max(event_id) + 1, ?, max(at_sec), 'added', 'xl', '', 1 FROM lead_events",
                [number],
            )
        insert(con, "opt_outs", [{"phone": "13800000003", "reason": "", "at_sec": 1, "run_id": 1}])
    only_rule(shop, RULES)
    shop.run("apply-tags", *BEGIN)
    return shop


def remind(shop: Shop, day: str) -> dict[str, Any]:
    return shop.json("remind-staff", "--as-of", day, "--yes").result


def sheet_rows(shop: Shop, result: dict[str, Any]) -> list[tuple[Any, ...]]:
    path = shop.root / result["staff"][0]["file"]
    return [row[1:6] for row in load_workbook(path)["阶段停留"].iter_rows(min_row=2, values_only=True)]


def test_a_stay_is_brought_up_once(desk: Shop) -> None:
    assert remind(desk, "2025-03-07")["stalled"] == 0
    dry = desk.json("remind-staff", "--as-of", "2025-03-08", "--dry-run").result
    result = remind(desk, "2025-03-08")
    assert (result["stalled"], result["stalled_without_owner"]) == (2, 1)
    assert (dry["stalled"], dry["staff"]) == (2, result["staff"])
    assert [(one["staff_id"], one["stalled"]) for one in result["staff"]] == [("xl", 2)]
    assert sheet_rows(desk, result) == [
        ("13800000001", "客1", "新客户", 7, 7), ("13800000002", "客2", "新客户", 7, 7),
    ]  # fmt: skip
    again = remind(desk, "2025-03-08")
    assert (again["staff"], again["files"]) == (result["staff"], [])
    assert remind(desk, "2025-03-09")["stalled"] == 0


def test_a_new_stay_is_brought_up_again_and_a_renamed_one_is_not(desk: Shop) -> None:
    remind(desk, "2025-03-08")
    desk.run("set-stage", "1", "意向客户", "--as-of", "2025-03-10")
    only_rule(desk, RULES.replace("{name: 新客户,", "{name: 新来的, was: 新客户,"))
    desk.run("apply-tags", "--as-of", "2025-03-11")
    assert remind(desk, "2025-03-12")["stalled"] == 0
    result = remind(desk, "2025-03-14")
    assert sheet_rows(desk, result) == [("13800000001", "客1", "意向客户", 4, 3)]


def test_the_sheet_can_be_filled_in_and_sent_back(desk: Shop) -> None:
    result = remind(desk, "2025-03-08")
    path = desk.root / result["staff"][0]["file"]
    book = load_workbook(path)
    sheet = book["阶段停留"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, heads["阶段"]).value = "无意向客户"
    back = desk.root / "inbox" / "小李.xlsx"
    back.parent.mkdir(exist_ok=True)
    book.save(back)
    done = desk.json(
        "import-feedback", back, "--sheet", "阶段停留", "--exported-at", "2025-03-09", "--as-of", "2025-03-09"
    ).result
    assert done["stages"] == {"无意向客户": 1}
    assert desk.rows("SELECT stage, mode FROM stage_state WHERE customer_id = 1") == [("无意向客户", "hand")]


def test_the_owner_is_whom_fact_customers_names() -> None:
    source = Path(stage_reminders.__file__).read_text(encoding="utf-8")
    assert f"l.state IN {OWNED_STATES!r}" in source
