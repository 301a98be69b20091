"""distribute-leads through the real app: fair over batches, one workbook each, safe against crashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from siyu_cli.leads import workbooks
from tests.conftest import Shop
from tests.leads.desk import lead_file, staff_file

DAY = ("--as-of", "2025-03-15")
FOLDER = "outbox/线索/2025-03-15"


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """A shop with three people at work and one who left."""
    shop.run("import-staff", staff_file(shop, ["li:小李", "wang:小王", "zhao:小赵", "old:老张:停用"]))
    return shop


def add_leads(shop: Shop, phones: Any, **more: Any) -> None:
    shop.run("import-leads", lead_file(shop, phones, **more), *DAY)


def sheet_of(path: Path, name: str = "线索") -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(name).to_python()


def test_equal_shares_over_three_batches(desk: Shop) -> None:
    after: dict[str, int] = {}
    for batch, count in enumerate((10, 4, 7)):
        add_leads(desk, range(batch * 100, batch * 100 + count), channels=("抖音", "快手"))
        result = desk.json("distribute-leads", *DAY).result
        assert (result["assigned"], result["left_in_pool"]) == (count, 0)
        assert [one["staff_id"] for one in result["staff"]] == ["li", "wang", "zhao"]
        assert {one["staff_id"]: one["before"] for one in result["staff"]} == {
            **dict.fromkeys(("li", "wang", "zhao"), 0),
            **after,
        }
        after = {one["staff_id"]: one["after"] for one in result["staff"]}
        assert max(after.values()) - min(after.values()) <= 1
        assert all(one["after"] == one["before"] + one["given"] == one["holding"] for one in result["staff"])
    assert {one["owed"] for one in result["staff"]} == {"7.0"}
    assert desk.rows("SELECT count(*), count(DISTINCT lead_id) FROM lead_events WHERE kind = 'assigned'") == [
        (21, 21)
    ]
    assert desk.rows("SELECT count(*) FROM lead_state WHERE state = '待分配'") == [(0,)]


def test_the_table_and_the_words(desk: Shop) -> None:
    add_leads(desk, range(10))
    called = desk.run("distribute-leads", *DAY)
    head, first, *_ = called.stdout.splitlines()
    assert head.split() == ["员工", "之前", "本次", "之后", "应得", "差"]
    assert first.split() == ["小李", "0", "4", "4", "3.3", "+0.7"]
    assert "10 条线索 → 3 人" in called.stderr
    assert f"{FOLDER}/小李.xlsx" in called.stderr
    assert f"{FOLDER}/_汇总.xlsx" in called.stderr
    assert "还没" not in desk.run("distribute-leads", "--quiet", *DAY).stderr


def test_a_staff_workbook(desk: Shop) -> None:
    desk.file(
        "名单.csv", "手机号,姓名,来源,备注\n13800000001,=1+1,直播,@x\n13800000002,,,\n13800000003,丙,,\n"
    )
    desk.run("import-leads", desk.root / "inbox" / "名单.csv", "--channel", "抖音", *DAY)
    desk.run("distribute-leads", *DAY)
    assert sorted(path.name for path in (desk.root / FOLDER).iterdir()) == [
        "_汇总.xlsx", "小李.xlsx", "小王.xlsx", "小赵.xlsx",
    ]  # fmt: skip
    rows = sheet_of(desk.root / FOLDER / "小李.xlsx")
    assert rows == [
        [
            "行标识",
            "手机号",
            "姓名",
            "来源",
            "渠道",
            "备注",
            "到期日",
            "剩余天数",
            "加好友备注",
            "结果",
            "反馈备注",
        ],
        ["L1-1-05", "13800000001", "=1+1", "直播", "抖音", "@x", "2025-03-25", 10, "=1+1-直播-0315", "", ""],
    ]
    assert sheet_of(desk.root / FOLDER / "小王.xlsx")[1][8] == "抖音-0315"
    book = openpyxl.load_workbook(desk.root / FOLDER / "小李.xlsx")
    sheet = book["线索"]
    assert {cell.number_format for cell in sheet[2] if cell.value} == {"@", "#,##0"}
    assert sheet.column_dimensions["K"].number_format == "@"
    rule = sheet.data_validations.dataValidation[0]
    assert (str(rule.sqref), rule.formula1) == ("J2", '"已发申请,已添加,拒绝,空号,已是好友,稍后,退回"')
    assert book.sheetnames == ["线索", "说明"]
    assert (desk.root / FOLDER / "小李.xlsx").stat().st_mode & 0o077 == 0


def test_rows_that_hold_nothing_but_a_phone(desk: Shop) -> None:
    lines = [
        "手机号,姓名,来源",
        "13800000001,,",
        "13800000002,一个特别特别特别特别长的名字,来源",
        "13800000003,,直播",
    ]
    desk.file("名单.csv", "\n".join(lines))
    desk.run("import-leads", desk.root / "inbox" / "名单.csv", *DAY)
    desk.run("import-staff", staff_file(desk, ["li:小李"]), "--full")
    desk.run("distribute-leads", *DAY)
    rows = sheet_of(desk.root / FOLDER / "小李.xlsx")[1:]
    assert [row[8] for row in rows] == ["0315", "一个特别特别特别特别长的名字-0315", "直播-0315"]
    assert [row[1] for row in rows] == ["13800000001", "13800000002", "13800000003"]


def test_the_summary_workbook(desk: Shop) -> None:
    add_leads(desk, range(7), channels=("抖音", "快手"))
    desk.run("distribute-leads", *DAY)
    path = desk.root / FOLDER / "_汇总.xlsx"
    head, *rows = sheet_of(path, "汇总")
    assert head == ["员工账号", "姓名", "之前", "本次", "之后", "现持有", "应得", "差", "文件"]
    assert [row[:8] for row in rows] == [
        ["li", "小李", 0, 3, 3, 3, "2.3", "+0.7"],
        ["wang", "小王", 0, 2, 2, 2, "2.3", "-0.3"],
        ["zhao", "小赵", 0, 2, 2, 2, "2.3", "-0.3"],
    ]
    assert sum(row[3] for row in sheet_of(path, "渠道")[1:]) == 7
    assert sheet_of(path, "说明")


def test_a_second_batch_of_a_day_leaves_filled_in_workbooks_alone(desk: Shop) -> None:
    add_leads(desk, range(3))
    desk.run("distribute-leads", *DAY)
    filled = desk.root / FOLDER / "小李.xlsx"
    filled.write_bytes(b"filled in by hand")
    add_leads(desk, range(10, 16))
    desk.run("distribute-leads", *DAY)
    assert filled.read_bytes() == b"filled in by hand"
    assert [row[1] for row in sheet_of(desk.root / FOLDER / "小李-2.xlsx")[1:]] == [
        "13800000010",
        "13800000013",
    ]
    assert (desk.root / FOLDER / "_汇总-2.xlsx").is_file()


def test_people_of_one_name_get_their_account_in_the_file_name(shop: Shop) -> None:
    shop.run("import-staff", staff_file(shop, ["a:李/雷", "b:李雷", "c:李雷"]))
    add_leads(shop, range(3))
    called = shop.run("distribute-leads", *DAY)
    names = sorted(path.name for path in (shop.root / FOLDER).iterdir())
    assert names == ["_汇总.xlsx", "李_雷.xlsx", "李雷(b).xlsx", "李雷(c).xlsx"]
    assert "李雷(b)" in called.stdout


def test_dry_run_shows_the_same_plan_and_writes_nothing(desk: Shop) -> None:
    add_leads(desk, range(10))
    runs = desk.rows("SELECT count(*) FROM runs")
    dry = desk.json("distribute-leads", "--dry-run", *DAY)
    assert desk.rows("SELECT count(*) FROM runs") == runs
    assert desk.rows("SELECT count(*) FROM lead_events WHERE kind = 'assigned'") == [(0,)]
    assert not (desk.root / "outbox" / "线索").exists()
    real = desk.json("distribute-leads", *DAY)
    for key in ("assigned", "left_in_pool", "staff"):
        assert dry.result[key] == real.result[key]


def test_a_newcomer_and_a_returner_start_level(desk: Shop) -> None:
    add_leads(desk, range(10))
    desk.run("distribute-leads", *DAY)
    desk.run("import-staff", staff_file(desk, ["li:小李", "wang:小王:停用", "zhao:小赵", "new:新人"]))
    add_leads(desk, range(100, 109))
    second = {one["staff_id"]: one for one in desk.json("distribute-leads", *DAY).result["staff"]}
    assert {one: (share["given"], share["owed"]) for one, share in second.items()} == {
        "li": (3, "6.3"), "new": (3, "3.0"), "zhao": (3, "6.3"),
    }  # fmt: skip
    desk.run("import-staff", staff_file(desk, ["li:小李", "wang:小王", "zhao:小赵", "new:新人"]))
    add_leads(desk, range(200, 208))
    third = {one["staff_id"]: one for one in desk.json("distribute-leads", *DAY).result["staff"]}
    assert {one: share["given"] for one, share in third.items()} == dict.fromkeys(
        ("li", "new", "wang", "zhao"), 2
    )
    # absent for a batch: owed goes on from the ledger, 10/3 before and 8/4 now, nothing for the batch between
    assert (third["wang"]["before"], third["wang"]["owed"]) == (3, "5.3")


def test_retired_people_get_nothing_and_are_shown(desk: Shop) -> None:
    add_leads(desk, range(3))
    desk.run("distribute-leads", *DAY)
    desk.run("import-staff", staff_file(desk, ["li:小李:停用"]))
    add_leads(desk, range(10, 14))
    called = desk.json("distribute-leads", *DAY).result
    assert [one["given"] for one in called["staff"]] == [2, 2]
    assert called["inactive"] == [{"staff_id": "li", "name": "小李", "before": 1, "holding": 1}]
    add_leads(desk, range(20, 22))
    assert "小李(停用)" in desk.run("distribute-leads", *DAY).stdout


def test_nobody_active_is_refused_and_an_empty_pool_is_not(shop: Shop) -> None:
    add_leads(shop, range(3))
    refused = shop.json("distribute-leads", expect=3)
    assert refused.error["code"] == "no-active-staff"
    assert shop.rows("SELECT count(*) FROM lead_events WHERE kind = 'assigned'") == [(0,)]
    shop.run("import-staff", staff_file(shop, ["a:甲"]))
    shop.run("distribute-leads")
    again = shop.run("distribute-leads")
    assert "没有待分配的线索" in again.stderr
    empty = shop.json("distribute-leads").result
    assert (empty["assigned"], empty["files"]) == (0, [])
    assert [one["given"] for one in empty["staff"]] == [0]


def test_leads_after_the_cut_off_and_opted_out_people_stay(desk: Shop) -> None:
    add_leads(desk, range(3))
    desk.run("import-leads", lead_file(desk, range(10, 14)), "--as-of", "2025-03-20")
    import duckdb

    with duckdb.connect(str(desk.root / ".siyu" / "siyu.duckdb")) as con:
        con.execute("INSERT INTO opt_outs VALUES ('13800000000', '退订', 0, 1)")
    called = desk.json("distribute-leads", *DAY).result
    assert (called["assigned"], called["left_in_pool"], called["later_than_as_of"]) == (2, 1, 4)
    words = desk.run("distribute-leads", *DAY).stderr
    assert "4 条是截止时间之后导入或变动的" in words
    assert "已退订" in words


def test_files_of_an_interrupted_run_are_written_by_the_next(
    desk: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_leads(desk, range(6))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(workbooks, "write_files", crash)
        desk.run("distribute-leads", *DAY, expect=130)
    assert desk.rows("SELECT count(*) FROM lead_events WHERE kind = 'assigned'") == [(6,)]
    assert desk.rows("SELECT DISTINCT is_written FROM exports") == [(0,)]
    assert not (desk.root / FOLDER).exists()
    called = desk.json("distribute-leads", *DAY).result
    assert called["assigned"] == 0
    assert [(one["name"], one["rows"], one["problem"]) for one in called["files"]] == [
        ("小李", 2, None), ("小王", 2, None), ("小赵", 2, None), (None, 3, None),
    ]  # fmt: skip
    assert len(sheet_of(desk.root / FOLDER / "小李.xlsx")) == 3
    assert desk.rows("SELECT DISTINCT is_written, is_revealed FROM exports ORDER BY ALL") == [(1, 0), (1, 1)]
    assert desk.json("distribute-leads", *DAY).result["files"] == []


def test_a_file_that_cannot_be_written_is_said_and_made_up_for(
    desk: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_leads(desk, range(6))
    write = workbooks.write_list_workbook

    def full_disk(path: Path, *args: Any, **more: Any) -> None:
        if path.name == "小王.xlsx":
            raise OSError(28, "No space left on device")
        write(path, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(workbooks, "write_list_workbook", full_disk)
        called = desk.run("distribute-leads", *DAY, expect=4)
    assert "没写成" in called.stderr
    assert "小王.xlsx" in called.stderr
    assert not (desk.root / FOLDER / "小王.xlsx").exists()
    again = desk.json("distribute-leads", *DAY).result
    assert [one["file"] for one in again["files"]] == [f"{FOLDER}/小王.xlsx"]


def test_shuffled_staff_and_leads_give_the_same_workbooks(make_shop: Any) -> None:
    made = []
    for name, step in (("one", 1), ("two", -1)):
        shop = make_shop(name)
        shop.run("import-staff", staff_file(shop, ["a:甲", "b:乙", "c:丙"][::step]))
        add_leads(shop, list(range(20))[::step])
        shop.run("distribute-leads", *DAY)
        made.append({path.name: path.read_bytes() for path in (shop.root / FOLDER).iterdir()})
    assert made[0] == made[1]
