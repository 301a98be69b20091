"""import-feedback through the real app: staff workbooks come back, whatever was done to them."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from tests.conftest import Shop
from tests.leads.desk import assign, fill, ledger, states

LI, WANG = "2025-03-15/小李.xlsx", "2025-03-15/小王.xlsx"
SOON = ("--as-of", "2025-03-18")


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """小李 holds 0, 2, 4 and 小王 1, 3, 5 since 15 March."""
    from tests.leads.desk import staff_file

    shop.run("import-staff", staff_file(shop, ["li:小李", "wang:小王"]))
    assign(shop, range(6), "2025-03-15")
    return shop


def rows_of(path: Path) -> list[list[object]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()


def questions(shop: Shop, result: dict[str, object]) -> list[tuple[object, ...]]:
    """(phone, staff, result, present owner, why) of the list of questions."""
    if result["questions_file"] is None:
        return []
    head, *rows = rows_of(shop.root / str(result["questions_file"]))
    at = [head.index(name) for name in ("手机号", "员工", "结果", "现在归", "为什么没有采用")]
    return [(int(str(row[at[0]])) - 13_800_000_000, *(row[one] for one in at[1:])) for row in rows]


def test_every_word_becomes_a_state(desk: Shop) -> None:
    li = fill(desk, LI, {0: "已发申请", 2: "已添加", 4: "拒绝/说不需要"}, "小李(1).xlsx")
    wang = fill(desk, WANG, {1: "空号", 3: "已是好友", 5: "稍后"}, "x.xlsx")
    done = desk.run("import-feedback", li, wang, *SOON)
    assert "有变化的线索:" in done.stderr
    assert states(desk) == {
        0: ("待通过", "li"), 1: ("无效", "wang"), 2: ("已添加", "li"), 3: ("已添加", "wang"),
        4: ("拒绝", "li"), 5: ("待添加", "wang"),
    }  # fmt: skip
    assert desk.rows("SELECT note FROM lead_feedback WHERE note IS NOT NULL") == [("说不需要",)]
    counts = desk.json("list-runs").result["runs"][0]["counts"]
    assert counts["changes"] == dict.fromkeys(
        ("added", "befriended", "declined", "invalid", "postponed", "requested"), 1
    )


def test_the_same_files_again_renamed_and_in_any_order_change_nothing(desk: Shop) -> None:
    li = fill(desk, LI, {0: "已发申请", 2: "已添加"}, "a.xlsx")
    wang = fill(desk, WANG, {1: "空号"}, "b.xlsx")
    first = desk.json("import-feedback", li, wang, *SOON).result
    assert first["totals"] == {
        "read": 6, "new": 3, "updated": 0, "unchanged": 3, "duplicate": 0, "rejected": 0, "blank": 0,
    }  # fmt: skip
    before = ledger(desk)
    shutil.copy2(li, desk.root / "inbox" / "改了名.xlsx")
    for files in ((wang, li), ("改了名.xlsx",), (desk.root / "inbox" / "改了名.xlsx", li, wang)):
        again = desk.json(
            "import-feedback", *(desk.root / "inbox" / file for file in files), "--as-of", "2025-03-20"
        ).result
        assert (again["totals"]["new"], again["totals"]["updated"], again["changes"]) == (0, 0, {})
        assert again["reasons"]["known"] + again["reasons"].get("repeated-row", 0) >= 2
    assert ledger(desk) == before


def test_the_order_of_files_decides_nothing_their_moments_do(desk: Shop) -> None:
    old = fill(desk, LI, {0: "已发申请", 2: "稍后"}, "old.xlsx", "2025-03-16")
    new = fill(desk, LI, {0: "已添加", 2: "拒绝"}, "new.xlsx", "2025-03-17")
    result = desk.json("import-feedback", new, old, *SOON).result
    assert (result["totals"]["new"], result["totals"]["updated"]) == (2, 2)
    assert {at: state for at, (state, _) in states(desk).items() if at in (0, 2)} == {0: "已添加", 2: "拒绝"}
    again = desk.json("import-feedback", old, *SOON).result
    assert again["reasons"] == {"no-result": 1, "older-feedback": 2}
    assert states(desk)[0] == ("已添加", "li")


def test_two_files_of_one_moment_that_differ_are_questioned(desk: Shop) -> None:
    one = fill(desk, LI, {0: "已添加", 2: "拒绝"}, "one.xlsx", "2025-03-16")
    two = fill(desk, LI, {0: "空号", 2: "拒绝"}, "two.xlsx", "2025-03-16")
    result = desk.json("import-feedback", one, two, *SOON, expect=4).result
    assert result["reasons"] == {"feedback-differs": 2, "no-result": 2, "repeated-row": 1}
    assert [row[:3] for row in questions(desk, result)] == [(0, "小李", "已添加"), (0, "小李", "空号")]
    assert states(desk)[0] == ("待添加", "li")


def test_edited_rows(desk: Shop) -> None:
    path = fill(desk, LI, {0: "已添加", 2: "已添加", 4: "已加微信"}, "li.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book["线索"]
    key = sheet["A2"].value
    sheet["A2"].value = key.replace("L1-", "L3-")  # a mistyped lead number
    sheet["A3"].value = sheet["A4"].value  # the key of another row
    sheet.append(["", "13800000009", *[None] * 7, "已添加"])
    sheet.append(["L77-1-52", "13800000009", *[None] * 7, "已添加"])
    sheet.append([])
    book.save(path)
    result = desk.json("import-feedback", path, *SOON, expect=4).result
    assert result["reasons"] == {
        "bad-row-key": 1, "key-phone-differs": 1, "missing-row-key": 1, "unknown-feedback": 1, "no-such-lead": 1,
    }  # fmt: skip
    assert result["files"][0]["unknown_words"] == {"已加微信": 1}
    assert result["questions"] == 0
    head, *rows = rows_of(desk.root / str(result["files"][0]["rejects_file"]))
    assert {row[head.index("原因代码")] for row in rows} == set(result["reasons"])
    assert set(states(desk).values()) == {("待添加", "li"), ("待添加", "wang")}


def test_deleted_rows_and_csv(desk: Shop) -> None:
    path = fill(desk, LI, {0: "已添加", 2: "空号"}, "li.xlsx")
    head, *rows = rows_of(path)
    lines = [",".join(str(cell) for cell in row) for row in (head, rows[1])]
    file = desk.file("小李回来的.csv", ("﻿" + "\r\n".join(lines)).encode("gb18030", "ignore"))
    assert desk.json("import-feedback", file, *SOON).result["totals"]["read"] == 1
    assert {at: state for at, (state, _) in states(desk).items()}[0] == "待添加"
    assert states(desk)[2] == ("无效", "li")


def test_a_folder_that_comes_back_with_its_summary(desk: Shop) -> None:
    folder = desk.root / "outbox" / "线索" / "2025-03-15"
    done = desk.json("import-feedback", folder, *SOON).result
    assert [file["file"] for file in done["files"]] == ["小李.xlsx", "小王.xlsx"]
    assert [one["reason"] for one in done["skipped"]] == ["own-summary"]
    assert done["reasons"] == {"no-result": 6}
    # A shell makes names of `*.xlsx`, the summary among them.
    named = desk.json("import-feedback", *sorted(folder.iterdir()), *SOON).result
    assert [one["reason"] for one in named["skipped"]] == ["own-summary"]


def test_a_correction_reopens(desk: Shop) -> None:
    desk.run("import-feedback", fill(desk, LI, {0: "已发申请", 2: "空号"}, "a.xlsx", "2025-03-16"), *SOON)
    desk.run("import-feedback", fill(desk, LI, {0: "拒绝"}, "b.xlsx", "2025-03-17"), *SOON)
    path = fill(desk, LI, {0: "稍后/周末再联系", 2: "已添加"}, "c.xlsx", "2025-03-18")
    result = desk.json("import-feedback", path, *SOON).result
    assert (result["totals"]["updated"], result["changes"]) == (2, {"added": 1, "postponed": 1})
    assert states(desk)[2] == ("已添加", "li")
    kinds = [row[1] for row in ledger(desk) if row[0] == "13800000000"]
    # What had been true before stays true: the request was sent.
    assert kinds == ["imported", "assigned", "requested", "declined", "reopened", "requested", "postponed"]
    assert states(desk)[0] == ("待通过", "li")


def test_a_new_note_is_a_new_sign_of_work(desk: Shop) -> None:
    for day, note in ((20, "没接"), (24, "没接"), (24, "还是没接")):
        path = fill(desk, LI, {0: f"稍后/{note}"}, "a.xlsx", f"2025-03-{day}")
        desk.run("import-feedback", path, "--as-of", "2025-03-24")
    assert [row[1] for row in ledger(desk, "postponed")] == ["postponed"] * 2
    result = desk.json("reclaim-leads", "--as-of", "2025-03-27").result
    assert result["reclaimed"] == 5  # 24 + 3 = 27 is the last day of the lead at work
    assert states(desk)[0] == ("待添加", "li")


def test_a_reminder_sent_meanwhile_makes_no_work_later(desk: Shop) -> None:
    desk.run("remind-staff", "--as-of", "2025-03-25")
    assert ledger(desk, "reminded")
    path = fill(desk, LI, {0: "已发申请"}, "a.xlsx", "2025-03-23")
    desk.run("import-feedback", path, "--as-of", "2025-03-26")
    story = desk.json("explain-lead", "L1", "--as-of", "2025-03-26").result
    assert (story["state"], story["last_day"]) == ("待通过", "2025-03-26")


def test_given_back_by_the_owner(desk: Shop) -> None:
    path = fill(desk, LI, {0: "退回/认识的人"}, "a.xlsx")
    assert desk.json("import-feedback", path, *SOON).result["changes"] == {"returned": 1}
    assert states(desk)[0] == ("待分配", None)
    assert desk.json("import-feedback", path, *SOON).result["reasons"]["known"] == 1


def test_late_feedback_of_a_previous_owner_is_questioned(desk: Shop) -> None:
    desk.run("reclaim-leads", "--as-of", "2025-03-26")
    late = fill(desk, LI, {0: "已添加", 2: "已发申请"}, "late.xlsx")
    result = desk.json("import-feedback", late, "--as-of", "2025-03-26", expect=4).result
    assert result["reasons"] == {"late-added": 1, "no-longer-owner": 1, "no-result": 1}
    assert questions(desk, result) == [
        (0, "小李", "已添加", "", "线索已经不在他手里,他说加上了"),
        (2, "小李", "已发申请", "", "线索已经不在他手里,没有采用"),
    ]
    assert states(desk)[0] == states(desk)[2] == ("待分配", None)


def swap(shop: Shop) -> None:
    """What 小李 had goes to 小王."""
    shop.run(
        "import-feedback", fill(shop, LI, {0: "退回", 2: "退回", 4: "退回"}, "back.xlsx", "2025-03-16"), *SOON
    )
    shop.file("员工2.csv", "员工账号,姓名,状态\nli,小李,停用\n")
    shop.run("import-staff", shop.root / "inbox" / "员工2.csv")
    shop.run("distribute-leads", "--as-of", "2025-03-17")


def test_two_people_claim_one_lead(desk: Shop) -> None:
    swap(desk)
    desk.run("import-feedback", fill(desk, "2025-03-17/小王.xlsx", {0: "已添加"}, "w.xlsx"), *SOON)
    claim = fill(desk, LI, {0: "已添加", 2: "已添加"}, "li2.xlsx", "2025-03-18")
    result = desk.json("import-feedback", claim, *SOON, expect=4).result
    assert result["reasons"] == {"claimed-twice": 1, "late-added": 1, "no-result": 1}
    assert [row[:4] for row in questions(desk, result)] == [
        (0, "小李", "已添加", "小王"), (2, "小李", "已添加", "小王"),
    ]  # fmt: skip
    assert states(desk)[2] == ("待添加", "wang")
    # The operator has asked: 小李 did add number 2.
    path = desk.root / str(result["questions_file"])
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    head = [cell.value for cell in sheet[1]]
    for row, answer in zip(sheet.iter_rows(min_row=2), ("不属实", "属实"), strict=True):
        row[head.index("核对")].value = answer
    book.save(path)
    settled = desk.json("import-feedback", path, *SOON).result
    assert (settled["totals"]["updated"], settled["reasons"]) == (1, {"refuted": 1})
    assert states(desk)[2] == ("已添加", "li")
    assert [row[1] for row in ledger(desk) if row[0] == "13800000002"][-2:] == ["returned", "added"]
    assert desk.json("import-feedback", path, *SOON).result["totals"]["updated"] == 0


def test_a_confirmed_claim_beats_the_other_one(desk: Shop) -> None:
    swap(desk)
    desk.run("import-feedback", fill(desk, "2025-03-17/小王.xlsx", {0: "已添加"}, "w.xlsx"), *SOON)
    claim = fill(desk, LI, {0: "已添加"}, "li2.xlsx", "2025-03-18")
    asked = desk.json("import-feedback", claim, *SOON, expect=4).result
    path = desk.root / str(asked["questions_file"])
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet.cell(2, [cell.value for cell in sheet[1]].index("核对") + 1).value = "属实"
    book.save(path)
    assert desk.json("import-feedback", path, *SOON).result["totals"]["updated"] == 1
    assert states(desk)[0] == ("已添加", "li")
    assert desk.json("import-feedback", path, *SOON).result["totals"]["updated"] == 0


def test_undo_takes_feedback_back_and_it_can_come_again(desk: Shop) -> None:
    first = fill(desk, LI, {0: "已发申请", 2: "稍后", 4: "空号"}, "a.xlsx", "2025-03-16")
    desk.run("import-feedback", first, *SOON)
    before = states(desk), desk.rows("SELECT lead_id, active_sec FROM lead_state ORDER BY ALL")
    second = fill(desk, LI, {0: "已添加", 2: "退回", 4: "已添加"}, "b.xlsx", "2025-03-17")
    run = desk.json("import-feedback", second, *SOON).document["run_id"]
    assert {states(desk)[at][0] for at in (0, 2, 4)} == {"已添加", "待分配"}
    rows = len(ledger(desk))
    undone = desk.json("undo-import", str(run), "--yes").result
    assert (undone["restored"], undone["kept"]) == (3, {})
    assert (states(desk), desk.rows("SELECT lead_id, active_sec FROM lead_state ORDER BY ALL")) == before
    assert len(ledger(desk)) > rows
    again = desk.json("import-feedback", second, *SOON).result
    assert again["totals"]["updated"] == 3
    assert states(desk)[2] == ("待分配", None)


def test_undo_leaves_what_went_on(desk: Shop) -> None:
    run = desk.json("import-feedback", fill(desk, LI, {0: "退回", 2: "已添加"}, "a.xlsx"), *SOON).document[
        "run_id"
    ]
    desk.run("distribute-leads", *SOON)
    undone = desk.json("undo-import", str(run), "--yes").result
    assert (undone["restored"], undone["kept"]) == (1, {"changed-since": 1})
    assert states(desk)[2] == ("待添加", "li")
    assert states(desk)[0][0] == "待添加"


def test_dry_run_counts_the_same_and_writes_nothing(desk: Shop) -> None:
    desk.run("reclaim-leads", "--as-of", "2025-03-26")
    path = fill(desk, LI, {0: "已添加"}, "a.xlsx")
    dry = desk.json("import-feedback", path, "--as-of", "2025-03-26", "--dry-run", expect=4).result
    assert (dry["questions"], dry["questions_file"], dry["totals"]["rejected"]) == (1, None, 1)
    assert not list(desk.root.glob("outbox/*/反馈待核对*"))
