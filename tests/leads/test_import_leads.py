"""import-leads through the real app: counts that add up, one lead per phone, further sources, rejects."""

from __future__ import annotations

import random
from typing import Any

import openpyxl

from tests.conftest import Shop
from tests.leads.desk import event_file, friend_file, lead_file, staff_file

TOTALS = ("read", "new", "updated", "unchanged", "duplicate", "rejected", "blank")


def totals(result: dict[str, Any]) -> tuple[int, ...]:
    counts = result["totals"]
    assert counts["read"] == sum(counts[name] for name in TOTALS[1:])
    for file in result["files"]:
        assert file["read"] == sum(file[name] for name in TOTALS[1:])
    return tuple(counts[name] for name in TOTALS)


def test_new_duplicate_rejected_and_blank_rows_add_up(shop: Shop) -> None:
    shop.file(
        "名单.csv",
        "手机号,姓名,来源,渠道,生日\n"
        "13800138001,甲,直播,抖音,1月\n"
        "138****8002,乙,,,\n"
        "13800138001,丙,海报,快手,\n"
        ",,,,\n"
        "+86 139-0013-8003,=1+1,,,\n",
    )
    called = shop.json("import-leads", shop.root / "inbox" / "名单.csv", "--source", "活动", expect=4)
    assert totals(called.result) == (5, 2, 0, 0, 1, 1, 1)
    file = called.result["files"][0]
    assert {name: file[name] for name in ("file", "platform", "sheet")}["file"] == "名单.csv"
    assert file["rejects_file"].endswith("名单-拒收.xlsx")
    assert (shop.root / file["rejects_file"]).is_file()
    assert called.result["reasons"]["duplicate-phone"] == 1
    assert (called.result["customers"], called.result["new_customers"], called.result["net_fen"]) == (0, 0, 0)
    assert shop.rows("SELECT phone, name, source, channel FROM leads ORDER BY lead_id") == [
        ("13800138001", "丙", "海报", "快手"),
        ("13900138003", "=1+1", "活动", None),
    ]
    assert shop.rows("SELECT lead_id, source FROM lead_sources ORDER BY ALL") == [
        (1, "海报"),
        (1, "直播"),
        (2, "活动"),
    ]
    assert shop.rows("SELECT DISTINCT kind FROM lead_events") == [("imported",)]


def test_allow_rejects_and_the_words_on_the_screen(shop: Shop) -> None:
    lead_file(shop, [1, 2, "12345"])
    tried = shop.run("import-leads", shop.root / "inbox" / "名单.csv", "--dry-run", expect=4)
    assert "真正导入时写成拒收表" in tried.stderr  # now there is none to mend
    called = shop.run("import-leads", shop.root / "inbox" / "名单.csv", expect=4)
    assert "识别为" in called.stderr
    assert "表头第 1 行" in called.stderr
    assert called.stdout.splitlines()[1].split() == ["名单.csv", "3", "2", "0", "0", "0", "1", "0"]
    assert "退出码 4" in called.stderr
    again = shop.run("import-leads", shop.root / "inbox" / "名单.csv", "--allow-rejects")
    assert "未变 2 = 已在池中 2" in again.stderr


def test_a_second_import_changes_nothing_but_the_run_list(shop: Shop) -> None:
    path = lead_file(shop, range(30))
    shop.run("import-leads", path, "--source", "直播")
    before = [
        shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in ("leads", "lead_sources", "lead_events")
    ]
    called = shop.json("import-leads", path, "--source", "直播")
    assert totals(called.result) == (30, 0, 0, 30, 0, 0, 0)
    assert called.result["reasons"] == {"in-pool": 30}
    after = [
        shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in ("leads", "lead_sources", "lead_events")
    ]
    assert before == after


def test_a_further_source_is_added_to_the_same_lead(shop: Shop) -> None:
    path = lead_file(shop, [1, 2])
    shop.run("import-leads", path, "--source", "直播")
    called = shop.json("import-leads", path, "--source", "海报")
    assert totals(called.result) == (2, 0, 0, 2, 0, 0, 0)
    assert shop.rows("SELECT lead_id, source FROM lead_sources ORDER BY ALL") == [
        (1, "海报"), (1, "直播"), (2, "海报"), (2, "直播"),
    ]  # fmt: skip


def test_known_people_make_no_new_lead(shop: Shop) -> None:
    staff_file(shop, ["a:甲"])
    shop.run("import-staff", shop.root / "inbox" / "员工.csv")
    shop.run("import-leads", lead_file(shop, [1]))
    shop.run("distribute-leads")
    shop.run("import-leads", lead_file(shop, [2]))
    shop.run("import-events", event_file(shop, [3, 4]))
    shop.run("import-contacts", friend_file(shop, [6, 7]))
    shop.run("optout", "13800000004")
    called = shop.json("import-leads", lead_file(shop, [1, 2, 3, 4, 5, 5, 6]))
    assert totals(called.result) == (7, 1, 0, 5, 1, 0, 0)
    assert called.result["reasons"] == {
        "already-customer": 1, "already-friend": 1, "already-lead": 1, "in-pool": 1, "opted-out": 1,
        "duplicate-phone": 1,
    }  # fmt: skip
    assert called.result["customers"] == 3
    words = shop.run("import-leads", lead_file(shop, [1, 2, 3, 4, 6])).stderr
    assert "未变 5 = 已是好友 1 + 已在池中 1 + 已是线索 1 + 已是客户 1 + 已退订 1" in words


def test_several_files_and_the_same_phone_in_two(shop: Shop) -> None:
    lead_file(shop, [1, 2, 3], "名单1.csv")
    lead_file(shop, [3, 4], "名单2.csv")
    called = shop.json("import-leads", shop.root / "inbox" / "名单*.csv")
    assert totals(called.result) == (5, 4, 0, 0, 1, 0, 0)
    assert [(file["new"], file["duplicate"]) for file in called.result["files"]] == [(3, 0), (1, 1)]


def test_shuffling_the_rows_changes_nothing(make_shop: Any) -> None:
    header = "手机号,姓名,来源,渠道,备注"
    rows = [
        "13800000001,乙,b,快手,", "13800000001,甲,a,抖音,x", "13800000001,甲,,抖音,",
        "13700000009,丙,c,,", "13900000000,丁,,,y", "13700000009,丙,,,z",
    ]  # fmt: skip
    stored = []
    for number in range(3):
        random.Random(number).shuffle(rows)
        shop = make_shop(f"s{number}")
        shop.file("名单.csv", "\n".join([header, *rows]) + "\n")
        called = shop.json("import-leads", shop.root / "inbox" / "名单.csv", "--as-of", "2025-03-15")
        content = "SELECT * EXCLUDE (run_id) FROM leads ORDER BY lead_id"
        sources = "SELECT lead_id, source, channel FROM lead_sources ORDER BY ALL"
        stored.append((totals(called.result), shop.rows(content), shop.rows(sources)))
    assert stored[0] == stored[1] == stored[2]


def test_dry_run_gives_the_same_counts_and_writes_nothing(shop: Shop) -> None:
    lead_file(shop, [1, 2, 2, "12345"])
    dry = shop.json("import-leads", shop.root / "inbox" / "名单.csv", "--dry-run", expect=4)
    assert dry.document["dry_run"] is True
    assert shop.rows("SELECT count(*) FROM leads") == [(0,)]
    assert shop.rows("SELECT count(*) FROM runs") == [(0,)]
    assert not list((shop.root / "outbox").rglob("*.xlsx"))
    real = shop.json("import-leads", shop.root / "inbox" / "名单.csv", expect=4)
    assert real.result["totals"] == dry.result["totals"]
    assert real.result["reasons"] == dry.result["reasons"]


def test_the_mended_rejects_file_imports_again(shop: Shop) -> None:
    lead_file(shop, [1, "138****0002"], channels=("抖音",))
    called = shop.json("import-leads", shop.root / "inbox" / "名单.csv", expect=4)
    path = shop.root / called.result["files"][0]["rejects_file"]
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value == "138****0002":
                cell.value = "13800000002"
    book.save(path)
    again = shop.json("import-leads", path)
    assert totals(again.result)[:2] == (1, 1)
    assert shop.rows("SELECT phone, channel FROM leads ORDER BY phone")[1] == ("13800000002", "抖音")


def test_refusals_write_nothing(shop: Shop) -> None:
    shop.file("怪.csv", "甲,乙\n1,2\n")
    assert shop.json("import-leads", shop.root / "inbox" / "怪.csv", expect=3).error["code"]
    assert (
        shop.json("import-leads", shop.root / "inbox" / "没有.csv", expect=3).error["code"]
        == "file-not-found"
    )
    assert shop.json("import-leads", shop.root / "inbox", expect=3).error["code"] == "unknown-header"
    assert shop.rows("SELECT count(*) FROM leads") == [(0,)]
    assert {row[0] for row in shop.rows("SELECT outcome FROM runs")} == {"refused"}
