"""list-leads and explain-lead through the real app."""

from __future__ import annotations

import csv
import io

import pytest

from tests.conftest import Shop
from tests.leads.desk import assign, fill, lead_file, staff_file

LI = "2025-03-15/小李.xlsx"


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """小李 holds 0, 2, 4 and 小王 1, 3, 5 since 15 March, from two channels; 6 waits."""
    shop.run("import-staff", staff_file(shop, ["li:小李", "wang:小王"]))
    assign(shop, range(6), "2025-03-15", channels=("抖音", "抖音", "快手", "快手"))
    shop.run("import-leads", lead_file(shop, [6], "后来.csv"), "--batch", "第二批", "--as-of", "2025-03-16")
    return shop


def listed(shop: Shop, *args: str) -> list[str]:
    result = shop.json("list-leads", "--reveal", *args).result
    assert result["total"] == len(result["leads"])
    return [lead["phone"][-1] for lead in result["leads"]]


def test_filters_add_up(desk: Shop) -> None:
    at = ("--as-of", "2025-03-20")
    path = fill(desk, LI, {0: "已发申请", 2: "已添加"}, "a.xlsx", "2025-03-18")
    desk.run("import-feedback", path, *at)
    assert set(listed(desk, *at)) == set("0123456")
    assert listed(desk, "--state", "待通过", "--state", "已添加", *at) == ["0", "2"]
    assert set(listed(desk, "--staff", "小李", *at)) == set(listed(desk, "--staff", "li", *at)) == set("024")
    assert listed(desk, "--staff", "小李", "--channel", "抖音", "--state", "待添加", *at) == ["4"]
    assert listed(desk, "--batch", "第二批", *at) == ["6"]
    assert listed(desk, "--source", "没有的来源", *at) == []
    assert listed(desk, "--due-within", "4", *at) == []
    assert set(listed(desk, "--due-within", "5", *at)) == set("01345")
    assert set(listed(desk, "--overdue", "--as-of", "2025-03-26")) == set("01345")


def test_phones_are_masked_and_showing_them_is_recorded(desk: Shop) -> None:
    done = desk.run("list-leads", "--state", "待添加", "--as-of", "2025-03-20", "--format", "csv")
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head[:8] == ["lead", "phone_masked", "name", "state", "staff", "due", "days_left", "owners"]
    assert len(rows) == 6
    assert rows[0][:8] == ["L1", "138****0000", "顾客0000", "待添加", "小李", "2025-03-25", "5", "1"]
    assert "13800000000" not in done.stdout + desk.run("list-leads").stdout
    before = len(desk.json("list-runs").result["runs"])
    desk.run("list-leads", "--reveal")
    runs = desk.json("list-runs").result["runs"]
    assert (len(runs), runs[0]["command"], runs[0]["counts"]) == (before + 1, "list-leads", {"revealed": 7})


def test_unknown_words_are_refused(desk: Shop) -> None:
    assert desk.json("list-leads", "--state", "待加", expect=2).error["code"] == "unknown-state"
    error = desk.json("list-leads", "--staff", "小季", expect=3).error
    assert error["code"] == "unknown-staff"


def test_the_story_of_a_lead(desk: Shop) -> None:
    path = fill(desk, LI, {0: "已发申请/加了没回"}, "小李.xlsx", "2025-03-24")
    desk.run("import-feedback", path, "--as-of", "2025-03-24")
    story = desk.run("explain-lead", "138****0000", "--as-of", "2025-03-25")
    head, *lines = story.stdout.splitlines()
    assert head.rstrip() == "L1  138****0000 · 顾客0000 · 抖音"
    assert [line.split()[0] for line in lines[1:]] == ["2025-03-15", "2025-03-15", "2025-03-24"]
    assert "导入:名单0-2025-03-15.csv 第 2 行" in lines[1]
    assert "分给 小李:" in lines[2]
    assert "小李 已发申请(小李.xlsx 第 3 行)「加了没回」" in lines[3]
    assert "现在:待通过,归 小李。最后一天 2025-03-27(还有 2 天),到时还没加上就收回再分" in story.stderr
    desk.run("reclaim-leads", "--as-of", "2025-03-30")
    result = desk.json("explain-lead", "13800000000", "--as-of", "2025-03-30").result
    assert (result["state"], result["staff_id"], result["last_day"]) == ("待分配", None, None)
    assert result["next"] == "等下一次 siyu distribute-leads;不会分给 小李(2025-04-27 之前)"
    assert [one["kind"] for one in result["events"]] == ["imported", "assigned", "requested", "reclaimed"]
    assert result["events"][-1]["text"] == "从 小李 收回:到 2025-03-27 没有加上,收回"
    earlier = desk.json("explain-lead", "L1", "--as-of", "2025-03-20").result
    assert (earlier["state"], earlier["days_left"], earlier["later_than_as_of"]) == ("待添加", 5, 2)


def test_a_phone_that_is_no_lead_says_why(desk: Shop) -> None:
    def refusal(who: str) -> tuple[str, str]:
        error = desk.json("explain-lead", who, expect=3).error
        return error["code"], error["message"]

    assert refusal("13900000001") == ("unknown-lead", "139****0001 不是线索:没有哪份名单提到过它")
    desk.run("optout", "13900000002")
    assert refusal("13900000002")[1] == "139****0002 不是线索:它退订了,名单里有也不进池"
    assert refusal("12345678901")[0] == "bad-phone"
    assert refusal("L99")[0] == "unknown-lead"
    desk.run("import-leads", lead_file(desk, ["13812340000"], "又.csv"))
    code, message = refusal("138****0000")
    assert code == "several-leads"
    assert message == "138****0000 可能是几条线索:L1 顾客0000、L8 顾客0000"


def test_the_story_ends_dead_or_taken_back(shop: Shop) -> None:
    (shop.root / "siyu.yaml").write_text("leads: {protect_days: 2, max_owners: 1}\n", encoding="utf-8")
    shop.run("import-staff", staff_file(shop, ["li:小李"]))
    assign(shop, [0], "2025-03-15")
    assert "算死线索" in shop.json("explain-lead", "L1", "--as-of", "2025-03-16").result["next"]
    overdue = shop.json("explain-lead", "L1", "--as-of", "2025-03-18").result
    assert (overdue["days_left"], overdue["next"]) == (
        -1,
        "2025-03-17 已到期,下一次 siyu reclaim-leads 算死线索",
    )
    shop.run("reclaim-leads", "--as-of", "2025-03-18")
    assert shop.json("explain-lead", "L1").result["state"] == "死线索"
    run = shop.json("import-leads", lead_file(shop, [1], "b.csv")).document["run_id"]
    shop.run("undo-import", str(run), "--yes")
    assert shop.json("explain-lead", "13800000001").result["state"] is None
