"""distribute-leads --from and --by: a whole book handed over, and leads assigned by sheet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Shop
from tests.leads.desk import lead_file, staff_file

DAY = ("--as-of", "2025-03-15")
NEXT = ("--as-of", "2025-03-16")
HELD = "SELECT staff_id, count(*) FROM lead_state WHERE state = '待添加' GROUP BY ALL ORDER BY ALL"


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """Four people who hold three leads each, and one who left."""
    shop.run("import-staff", staff_file(shop, ["a:甲", "b:乙", "c:丙", "d:丁", "old:老张:停用"]))
    shop.run("import-leads", lead_file(shop, range(12)), *DAY)
    shop.run("distribute-leads", *DAY)
    return shop


def by_sheet(shop: Shop, rows: str, *more: str, expect: int = 0) -> Any:
    path = shop.file("指定.csv", "手机号,员工账号,姓名\n" + rows)
    return shop.json("distribute-leads", "--by", path, *DAY, *more, expect=expect)


def test_a_book_is_handed_over_evenly(desk: Shop) -> None:
    shares = desk.rows("SELECT count(*) FROM lead_shares")
    dry = desk.json("distribute-leads", "--from", "甲", "--dry-run", *NEXT).result
    assert desk.rows(HELD) == [("a", 3), ("b", 3), ("c", 3), ("d", 3)]
    assert desk.rows("SELECT count(*) FROM lead_shares") == shares
    called = desk.json("distribute-leads", "--from", "甲", *NEXT).result
    assert {**called, "files": []} == dry
    assert (called["handed_over"], called["assigned"], called["left_in_pool"]) == (3, 3, 0)
    assert desk.rows(HELD) == [("b", 4), ("c", 4), ("d", 4)]
    told = "SELECT kind, staff_id FROM lead_events WHERE lead_id = 1 ORDER BY event_id"
    assert [kind for kind, _ in desk.rows(told)] == ["imported", "assigned", "handed_over", "assigned"]
    assert "甲 的线索全部交出" in desk.rows("SELECT reason FROM lead_events WHERE kind = 'handed_over'")[0][0]
    again = desk.run("distribute-leads", "--from", "a", *NEXT)
    assert "交出 0 条" in again.stderr
    assert desk.rows(HELD) == [("b", 4), ("c", 4), ("d", 4)]


def test_only_the_book_is_dealt_and_nothing_comes_back(desk: Shop) -> None:
    desk.run("import-leads", lead_file(desk, range(50, 54), "二.csv"), *DAY)
    called = desk.json("distribute-leads", "--from", "b", *NEXT).result
    assert (called["handed_over"], called["assigned"]) == (3, 3)
    assert "b" not in {one["staff_id"] for one in called["staff"]}
    assert desk.rows("SELECT count(*) FROM lead_state WHERE state = '待分配'") == [(4,)]
    # a person who was out of one batch takes part in the next as before
    assert {one["staff_id"]: one["given"] for one in desk.json("distribute-leads", *NEXT).result["staff"]} == {
        "a": 1, "b": 1, "c": 1, "d": 1,
    }  # fmt: skip


def test_a_retired_person_can_hand_over(desk: Shop) -> None:
    desk.run("import-staff", staff_file(desk, ["d:丁:停用"]))
    assert desk.json("distribute-leads", "--from", "丁", *NEXT).result["assigned"] == 3
    assert desk.rows(HELD) == [("a", 4), ("b", 4), ("c", 4)]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("甲甲", "unknown-staff", "甲"), ("nobody", "unknown-staff", ""), ("同", "several-staff", "x")],
)
def test_who_is_meant(desk: Shop, name: str, code: str, words: str) -> None:
    desk.run("import-staff", staff_file(desk, ["x:同", "y:同"], "二.csv"))
    refused = desk.json("distribute-leads", "--from", name, expect=3).error
    assert refused["code"] == code
    assert words in refused["hint"]


def test_leads_assigned_by_sheet(desk: Shop) -> None:
    desk.run("import-leads", lead_file(desk, range(50, 60), "二.csv"), *DAY)
    rows = "13800000050,a,\n13800000051,,乙\n13800000052,a,\n"
    dry = by_sheet(desk, rows, "--dry-run").result
    called = by_sheet(desk, rows).result
    assert (called["assigned"], dry["assigned"]) == (3, 3)
    assert dry["staff"] == called["staff"]
    assert [(one["staff_id"], one["before"], one["given"], one["after"]) for one in called["staff"]] == [
        ("a", 3, 2, 5), ("b", 3, 1, 4),
    ]  # fmt: skip
    assert desk.rows(HELD) == [("a", 5), ("b", 4), ("c", 3), ("d", 3)]
    reasons = desk.rows("SELECT reason FROM lead_events WHERE reason LIKE '手工指定%' ORDER BY event_id")
    assert reasons[0] == ("手工指定:指定.csv 第 2 行",)
    names = {path.name for path in (desk.root / "outbox/线索/2025-03-15").iterdir()}
    assert {"甲-2.xlsx", "乙-2.xlsx", "_汇总-2.xlsx"} <= names
    # beside the even shares: the seven left are dealt as if nothing had happened
    even = desk.json("distribute-leads", *DAY).result["staff"]
    assert sorted(one["given"] for one in even) == [1, 2, 2, 2]
    assert max(abs(float(one["gap"])) for one in even) < 1
    assert by_sheet(desk, rows).result["totals"]["unchanged"] == 3


def test_rows_that_cannot_be_assigned(desk: Shop) -> None:
    desk.run("import-leads", lead_file(desk, range(50, 54), "二.csv"), *DAY)
    called = by_sheet(
        desk,
        "13800000050,nobody,\n13800000051,old,\n13800000099,a,\n13800000000,b,\n13800000052,,\n13800000053,a,\n"
        "13800000053,b,\n13800000053,a,\n1380,a,\n",
        expect=4,
    )
    reasons = {one: count for one, count in called.result["reasons"].items() if not one.startswith("phone")}
    assert reasons == {
        "unknown-staff": 1, "staff-inactive": 1, "not-a-lead": 1, "not-in-pool": 1, "missing-staff": 1,
        "assignment-differs": 1, "duplicate-phone": 1,
    }  # fmt: skip
    assert called.result["assigned"] == 1
    totals = called.result["totals"]
    assert totals["read"] == 9 == totals["new"] + totals["duplicate"] + totals["rejected"]


def test_from_and_by_are_two_things(desk: Shop) -> None:
    assert (
        desk.json("distribute-leads", "--from", "a", "--by", "x.csv", expect=2).error["code"] == "from-and-by"
    )
