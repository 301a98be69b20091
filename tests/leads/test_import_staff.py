"""import-staff through the real app: idempotent by account, missing people stay, --full retires them."""

from __future__ import annotations

from tests.conftest import Shop
from tests.leads.desk import staff_file


def test_new_changed_and_unchanged_people(shop: Shop) -> None:
    path = staff_file(shop, ["a:小李", "b:小王", "c:小赵:停用"])
    called = shop.run("import-staff", path)
    assert "员工 3 人:新增 3" in called.stderr
    assert "在岗 2,停用 1" in called.stderr
    again = shop.json("import-staff", path)
    assert (again.result["totals"]["unchanged"], again.result["totals"]["new"]) == (3, 0)
    changed = shop.json("import-staff", staff_file(shop, ["a:小李", "b:王二", "c:小赵"]))
    assert (changed.result["totals"]["updated"], changed.result["totals"]["unchanged"]) == (2, 1)
    assert shop.rows("SELECT staff_id, name, is_active, first_run_id FROM staff ORDER BY ALL") == [
        ("a", "小李", 1, 1), ("b", "王二", 1, 1), ("c", "小赵", 1, 1),
    ]  # fmt: skip


def test_missing_people_stay_and_are_listed_and_full_retires_them(shop: Shop) -> None:
    shop.run("import-staff", staff_file(shop, ["a:小李", "b:小王"]))
    path = staff_file(shop, ["a:小李"])
    kept = shop.json("import-staff", path)
    assert kept.result["missing"] == [{"staff_id": "b", "name": "小王"}]
    assert (kept.result["active"], kept.result["retired"]) == (2, [])
    assert "小王(b)" in shop.run("import-staff", path).stderr
    dry = shop.json("import-staff", path, "--full", "--dry-run")
    assert dry.result["active"] == 1
    full = shop.json("import-staff", path, "--full")
    assert full.result["retired"] == [{"staff_id": "b", "name": "小王"}]
    assert shop.rows("SELECT staff_id, is_active FROM staff ORDER BY ALL") == [("a", 1), ("b", 0)]


def test_a_column_the_sheet_lacks_stays_as_it_was(shop: Shop) -> None:
    full = "员工账号,姓名,权重,每日上限,持有上限,渠道,部门,手机,状态\na,小李,2,30,90,抖音,一部,13800000001,在岗\nb,小王,1,,,,,,停用\n"
    shop.run("import-staff", shop.file("全.csv", full))
    kept = "SELECT weight_milli, daily_cap, holding_cap, channels, department, phone FROM staff WHERE staff_id = 'a'"
    before = shop.rows(kept)
    two = shop.file("两列.csv", "员工账号,姓名\na,李一\nb,小王\nc,小赵\n")
    called = shop.run("import-staff", two)
    assert "从停用回到在岗:小王(b)" in called.stderr
    assert shop.rows(kept) == before == [(2000, 30, 90, "抖音", "一部", "13800000001")]
    assert shop.rows("SELECT staff_id, name, weight_milli, is_active FROM staff ORDER BY ALL") == [
        ("a", "李一", 2000, 1), ("b", "小王", 1000, 1), ("c", "小赵", 1000, 1),
    ]  # fmt: skip
    again = shop.json("import-staff", two).result
    assert (again["totals"]["unchanged"], again["back"]) == (3, [])
    # A column that is there and empty says something: no cap, weight 1.
    shop.run("import-staff", shop.file("空.csv", "员工账号,姓名,权重,每日上限\na,李一,,\n"))
    assert shop.rows(kept) == [(1000, None, 90, "抖音", "一部", "13800000001")]


def test_an_account_twice_is_refused(shop: Shop) -> None:
    path = staff_file(shop, ["a:小李", "a:小王"])
    refused = shop.json("import-staff", path, expect=3)
    assert "a" in refused.error["message"]
    assert shop.rows("SELECT count(*) FROM staff") == [(0,)]


def test_two_files_may_repeat_a_person_but_not_contradict(shop: Shop) -> None:
    one, two = (
        staff_file(shop, ["a:小李", "b:小王"], "1.csv"),
        staff_file(shop, ["b:小王", "c:小赵"], "2.csv"),
    )
    called = shop.json("import-staff", one, two)
    assert [(file["new"], file["duplicate"]) for file in called.result["files"]] == [(2, 0), (1, 1)]
    three = staff_file(shop, ["b:王二"], "3.csv")
    refused = shop.json("import-staff", one, three, expect=3)
    assert refused.error["code"] == "staff-differs"
    assert refused.error["where"]["file"] == "3.csv"
    assert shop.rows("SELECT name FROM staff WHERE staff_id = 'b'") == [("小王",)]
