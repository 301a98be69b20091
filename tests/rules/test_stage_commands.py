"""Lifecycle stages on a workspace: moved by rules and by hand, refused, released, seen by conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from siyu_cli.store.migrations import MIGRATIONS
from tests.conftest import Shop
from tests.rules.test_rule_errors import problems_of
from tests.rules.test_tag_commands import buyers, only_rule
from tests.shop_rows import add_lead, customer, insert, key, order, staff, writable

DAY = ("--as-of", "2025-03-15")
LATER = ("--as-of", "2025-03-20")
STAGES = """
stages:
  - {name: 新客户, remind_after: 7d}
  - name: 意向客户
    when: 标签 有 大单
  - {name: 成交客户, when: 订单数 >= 2}
  - {name: 无意向客户, lost: true}
tags:
  大单: {when: 消费额 >= 500元}
"""


def stages_of(result: dict[str, Any]) -> dict[str, tuple[int, int, int, int]]:
    return {
        one["stage"]: (one["before"], one["moved_in"], one["moved_out"], one["after"])
        for one in result["stages"]
    }


def standing(shop: Shop) -> dict[int, str]:
    return dict(shop.rows("SELECT customer_id, stage FROM stage_state"))


def history(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows("SELECT * FROM stage_moves ORDER BY move_no")


@pytest.fixture
def people(shop: Shop) -> Shop:
    """1 never bought, 2 bought once, 3 spent much, 4 bought twice and much; each with a phone."""
    with writable(shop) as con:
        for number in range(1, 5):
            insert(con, "customers", [customer(number, name=f"客{number}")])
            insert(con, "customer_keys", [key(number, f"1380000000{number}")])
        insert(con, "order_lines", [
            order(1, 2, "2025-03-01", 10.0), order(2, 3, "2025-03-01", 600.0), order(3, 4, "2025-03-01", 600.0),
            order(4, 4, "2025-03-02", 10.0),
        ])  # fmt: skip
    only_rule(shop, STAGES)
    return shop


def test_rules_move_everybody_to_the_last_stage_that_fits(people: Shop) -> None:
    planned = people.json("plan-tags", *DAY).result
    assert stages_of(planned) == {
        "新客户": (4, 0, 2, 2), "意向客户": (0, 1, 0, 1), "成交客户": (0, 1, 0, 1), "无意向客户": (0, 0, 0, 0),
    }  # fmt: skip
    assert history(people) == []
    assert people.json("apply-tags", "--dry-run", *DAY).result == planned
    assert people.json("apply-tags", *DAY).result == planned
    assert standing(people) == {1: "新客户", 2: "新客户", 3: "意向客户", 4: "成交客户"}


def test_a_plan_that_would_move_others_is_stale_though_the_counts_are_the_same(
    people: Shop, tmp_path: Path
) -> None:
    only_rule(people, STAGES.split("tags:")[0].replace("标签 有 大单", "消费额 >= 500元"))
    plan = tmp_path / "计划.json"
    planned = people.json("plan-tags", "--out", plan, *DAY).result
    with writable(people) as con:
        # 2, who bought once, now has what 3 bought, and 3 what 2 bought.
        con.execute("UPDATE order_lines SET customer_id = 5 - customer_id WHERE customer_id IN (2, 3)")
    assert people.json("plan-tags", *DAY).result["stages"] == planned["stages"]
    before = history(people)
    assert people.json("apply-tags", plan, expect=7).error["code"] == "stale-plan"
    assert history(people) == before
    people.run("plan-tags", "--out", plan, *DAY)
    people.run("apply-tags", plan)
    assert standing(people) == {1: "新客户", 2: "意向客户", 3: "新客户", 4: "成交客户"}


def test_applying_again_changes_nothing_the_same_day(people: Shop) -> None:
    only_rule(people, STAGES + "  看阶段: {when: [阶段 是 新客户, 订单数 >= 1]}\n")
    first = people.json("apply-tags", *DAY).result
    before = history(people), people.rows("SELECT * FROM tags ORDER BY ALL")
    second = people.json("apply-tags", *DAY).result
    assert (history(people), people.rows("SELECT * FROM tags ORDER BY ALL")) == before
    # The condition saw everybody as a new customer, both times; the next day it sees what became of them.
    assert next(one for one in first["tags"] if one["tag"] == "看阶段")["after"] == 3
    assert next(one for one in second["tags"] if one["tag"] == "看阶段")["after"] == 3
    third = people.json("apply-tags", *LATER).result
    assert next(one for one in third["tags"] if one["tag"] == "看阶段")["after"] == 1


def test_nobody_goes_back_by_rule(people: Shop) -> None:
    people.run("apply-tags", *DAY)
    with writable(people) as con:
        con.execute("UPDATE order_lines SET status = 'closed'")
    assert all(row[1:3] == (0, 0) for row in stages_of(people.json("apply-tags", *LATER).result).values())
    assert standing(people)[4] == "成交客户"


def test_hand_beats_rule_until_released(people: Shop) -> None:
    done = people.json("set-stage", "13800000004", "无意向客户", "--reason", "搬走了", *DAY).result
    assert (done["before"], done["after"], done["changed"]) == ("新客户", "无意向客户", True)
    people.json("set-stage", "1", "意向客户", *DAY)
    assert people.json("apply-tags", *DAY).result["stages_held"] == 0
    with writable(people) as con:
        insert(con, "order_lines", [order(8, 1, "2025-03-16", 10.0), order(9, 1, "2025-03-17", 10.0)])
    held = people.json("apply-tags", *LATER)
    assert held.result["stages_held"] == 1
    assert standing(people) == {1: "意向客户", 2: "新客户", 3: "意向客户", 4: "无意向客户"}
    assert people.json("set-stage", "1", "--release", *LATER).result["changed"]
    assert people.json("set-stage", "138****0004", "--release", *LATER).result["changed"]
    assert not people.json("set-stage", "2", "--release", *LATER).result["changed"]
    people.run("apply-tags", *LATER)
    # Released, customers go wherever the rules say, even back.
    assert standing(people) == {1: "成交客户", 2: "新客户", 3: "意向客户", 4: "成交客户"}
    people.run("apply-tags", *LATER)
    assert [row[3] for row in history(people) if row[1] == 4] == ["hand", "release", "rule"]


def test_setting_the_same_stage_again_is_no_move(people: Shop) -> None:
    people.run("set-stage", "1", "意向客户", *DAY)
    before = history(people)
    again = people.json("set-stage", "1", " 意向客户 ", *LATER).result
    assert (again["changed"], again["after"]) == (False, "意向客户")
    assert history(people) == before


@pytest.mark.parametrize(
    ("args", "code", "exit_code"),
    [
        (("1", "意象客户"), "unknown-stage", 3),
        (("99", "意向客户"), "unknown-customer", 3),
        (("1",), "usage", 2),
        ((), "usage", 2),
        (("1", "意向客户", "--release"), "usage", 2),
        (("1", "意向客户", "--file", "x.csv"), "usage", 2),
    ],
)
def test_what_cannot_be_set_is_said(people: Shop, args: tuple[str, ...], code: str, exit_code: int) -> None:
    assert people.json("set-stage", *args, expect=exit_code).error["code"] == code
    assert history(people) == []


def test_a_workspace_without_stages_has_none(people: Shop) -> None:
    only_rule(people, "tags: {买过: {when: 订单数 >= 1}}")
    assert people.json("apply-tags", *DAY).result["stages"] == []
    assert people.json("set-stage", "1", "意向客户", expect=3).error["code"] == "no-stages"
    assert people.json("set-stage", "1", "--release", expect=3).error["code"] == "no-stages"


def test_a_removed_stage_must_name_who_takes_its_customers(people: Shop) -> None:
    people.run("apply-tags", *DAY)
    people.run("set-stage", "1", "意向客户", *DAY)
    gone = STAGES.replace("  - name: 意向客户\n    when: 标签 有 大单\n", "")
    only_rule(people, gone)
    before = history(people)
    for command in ("check-rules", "plan-tags", "apply-tags"):
        error = people.json(command, expect=3).error
        assert error["code"] == "stage-removed"
        assert "「意向客户」2 人" in error["message"]
    assert people.json("set-stage", "2", "成交客户", expect=3).error["code"] == "stage-removed"
    assert history(people) == before
    only_rule(people, gone.replace("{name: 成交客户,", "{name: 成交客户, was: 意向客户,"))
    people.run("check-rules")
    result = people.json("apply-tags", *LATER).result
    assert stages_of(result)["成交客户"] == (3, 0, 0, 3)
    assert standing(people) == {1: "成交客户", 2: "新客户", 3: "成交客户", 4: "成交客户"}
    # They stay since the day they came, and who was set by hand still is.
    assert people.rows("SELECT customer_id, since_day, mode FROM stage_state WHERE source = 'rename' ORDER BY 1") == [
        (1, 20162, "hand"), (3, 20162, "rule"),
    ]  # fmt: skip
    people.run("apply-tags", *LATER)
    only_rule(people, gone)
    people.run("apply-tags", *LATER)  # everybody has moved: the old name may go


def test_guards_stop_what_is_more_likely_a_mistake(shop: Shop) -> None:
    rules = "stages: [{name: 甲}, {name: 乙, when: 消费额 >= 50元}, {name: 丙, when: 消费额 >= %d元%s}]"
    buyers(shop, 120)
    only_rule(shop, rules % (500, ""))
    people_in = stages_of(shop.json("apply-tags", *DAY).result)
    assert people_in["乙"] == (0, 120, 0, 120)  # a first run is all new customers
    only_rule(shop, rules % (80, ""))
    stopped = shop.json("apply-tags", *LATER, expect=7).error
    assert "阶段「乙」要移出 120 人(原有 120),上限 50%" in stopped["message"]
    assert "护栏会拦住" in shop.run("plan-tags", *LATER).stderr
    only_rule(shop, rules % (80, ", guard: {max_add: 7}"))
    assert "阶段「丙」要移入 120 人,上限 7" in shop.json("apply-tags", *LATER, expect=7).error["message"]
    only_rule(shop, rules % (80, ""))
    plan = shop.root / "计划.json"
    shop.run("plan-tags", *LATER, "--out", plan)
    past = shop.json("apply-tags", plan, "--past-guard", "乙", "--dry-run").result
    assert stages_of(past)["丙"] == (0, 120, 0, 120)
    allowed = (rules % (80, "")).replace("50元}", "50元, guard: {max_remove_pct: 100}}")
    only_rule(shop, allowed)
    assert stages_of(shop.json("apply-tags", *LATER).result)["丙"] == (0, 120, 0, 120)


def test_an_earlier_moment_leaves_later_histories_alone(people: Shop) -> None:
    people.run("set-stage", "2", "意向客户", *LATER)
    result = people.json("apply-tags", *DAY).result
    assert result["stages_later"] == 1
    assert [row[2] > row[6] for row in history(people) if row[1] == 2] == [False]
    assert standing(people)[2] == "意向客户"


def test_conditions_know_stage_and_days(people: Shop) -> None:
    people.run("set-stage", "1", "意向客户", "--as-of", "2025-03-05")
    only_rule(
        people,
        STAGES + "  久等: {when: [阶段 是 意向客户, 阶段停留天数 >= 10]}\n  才来: {when: 阶段停留天数 = 0}\n",
    )
    people.run("apply-tags", *DAY)
    assert people.rows("SELECT customer_id FROM tags WHERE tag = '久等'") == [(1,)]
    assert sorted(people.rows("SELECT customer_id FROM tags WHERE tag = '才来'")) == [(2,), (3,), (4,)]


def test_a_sheet_sets_many_and_refuses_row_by_row(people: Shop) -> None:
    sheet = people.file(
        "阶段.csv",
        "手机号,阶段,说明\n13800000001,意向客户,问过价\n13800000002,意象客户,\n13800000003,成交客户,\n13800000003,成交客户,\n"
        "13800000004,意向客户,\n13800000004,无意向客户,\n1380000,意向客户,\n13900000009,无意向客户,以后\n",
    )
    done = people.json("set-stage", "--file", sheet, *DAY, expect=4).result
    assert done["totals"] == {
        "read": 8, "new": 1, "updated": 3, "unchanged": 0, "duplicate": 1, "rejected": 3, "blank": 0,
    }  # fmt: skip
    assert done["reasons"]["unknown-stage"] == 1
    assert done["reasons"]["stage-differs"] == 1
    assert done["waiting"] == 1
    assert standing(people) == {1: "意向客户", 3: "成交客户", 4: "意向客户"}
    assert people.rows("SELECT reason FROM stage_moves WHERE customer_id = 1") == [("问过价",)]
    again = people.json("set-stage", "--file", sheet, *DAY, expect=4).result["totals"]
    assert (again["new"], again["updated"], again["unchanged"]) == (0, 0, 4)


def test_a_stage_waits_for_its_customer(people: Shop) -> None:
    sheet = people.file("阶段.csv", "手机号,阶段\n13900000009,无意向客户\n")
    people.run("set-stage", "--file", sheet, *DAY)
    people.run("apply-tags", *DAY)
    with writable(people) as con:
        insert(con, "customers", [customer(9)])
        insert(con, "customer_keys", [key(9, "13900000009")])
        insert(con, "order_lines", [order(20, 9, "2025-03-18", 999.0)])
    planned = people.json("plan-tags", *LATER).result
    assert stages_of(planned)["无意向客户"] == (0, 1, 0, 1)
    assert people.json("apply-tags", *LATER).result["stages"] == planned["stages"]
    assert standing(people)[9] == "无意向客户"
    assert people.json("apply-tags", *LATER).result["stages"][0]["moved_out"] == 0
    assert [row[3] for row in history(people) if row[1] == 9] == ["waited"]


def test_merged_customers_stand_where_a_person_put_one_of_them(people: Shop) -> None:
    people.run("set-stage", "4", "无意向客户", "--as-of", "2025-03-10")
    people.run("apply-tags", *DAY)
    people.run("merge-customers", "3", "4", "--yes")
    assert people.rows("SELECT stage, mode FROM stage_state WHERE customer_id = 3") == [
        ("无意向客户", "hand")
    ]
    people.run("apply-tags", *LATER)
    assert standing(people) == {1: "新客户", 2: "新客户", 3: "无意向客户"}


def test_an_older_store_gets_the_tables() -> None:
    import duckdb

    with duckdb.connect() as con:
        for step in MIGRATIONS[:10]:
            step(con)
        insert(con, "customers", [customer(1)])
        for step in MIGRATIONS[10:]:
            step(con)
        assert con.execute("SELECT count(*) FROM stage_state").fetchall() == [(0,)]
        assert con.execute("SELECT count(*) FROM customers").fetchall() == [(1,)]


def test_the_shipped_stages_do_what_operators_expect(shop: Shop) -> None:
    buyers(shop, 2)
    with writable(shop) as con:
        insert(con, "customers", [customer(3)])
    result = stages_of(shop.json("apply-tags", *DAY).result)
    assert list(result) == ["新客户", "初步沟通", "意向客户", "成交客户", "无意向客户"]
    assert result["成交客户"] == (0, 2, 0, 2)
    shop.run("set-stage", "1", "无意向客户", *DAY)
    shop.run("apply-tags", *LATER)
    assert standing(shop) == {1: "无意向客户", 2: "成交客户", 3: "新客户"}


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("stages: [{name: 甲}]\ntags: {乙: {when: 阶段 是 加}}", "E307", "加"),
        ("tags: {乙: {when: 阶段 属于 甲、乙}}", "E307", "甲"),
        ("stages: [{name: 甲}, {name: 甲}]", "E206", "甲"),
        ("stages: [{name: 甲}, {name: 乙, was: 甲}]", "E206", "甲"),
        ("stages: [{name: 甲, was: [丙]}, {name: 乙, was: 丙}]", "E206", "丙"),
        ("stages: [{name: 甲, when: 订单数 >= 1}]", "E107", "when"),
        ("stages: [{name: 甲}, {name: 乙, when: 定单数 >= 1}]", "E201", "定单数"),
        ("stages: [{name: 甲, remind_after: 7}]", "E307", "7"),
        ("stages: [{name: 甲, remind_after: 0d}]", "E307", "0d"),
        ("stages: [{name: 甲, lost: 是}]", "E307", "是"),
        ("stages: [{when: 订单数 >= 1}]", "E107", "stages"),
        ("stages: {甲: 1}", "E107", "{"),
        ("stages: []", "E107", "["),
        ("stages: [{name: 甲, then: 1}]", "E107", "then"),
        ("tags: {乙: {when: 阶段停留天数 >= 7次}}", "E302", "7次"),
        ("tags: {乙: {when: 阶段停留天数 是 甲}}", "E301", "是 甲"),
    ],
)
def test_every_mistake_in_the_list_is_placed(text: str, code: str, word: str) -> None:
    assert problems_of(text) == [(code, word)]


def test_one_list_in_the_whole_workspace() -> None:
    assert problems_of("stages: [{name: 甲}]", "stages: [{name: 乙}]") == [("E206", "stages")]


def lead_desk(people: Shop) -> Path:
    """A member of staff with the leads of customers 1 and 3 and of a phone that is no customer; their workbook."""
    with writable(people) as con:
        insert(con, "staff", [staff("xl", "小李")])
        add_lead(con, 1, "13800000001")
        add_lead(con, 2, "13800000003")
        add_lead(con, 3, "13900000009")
    people.run("distribute-leads", *DAY)
    return next((people.root / "outbox").rglob("小李.xlsx"))


def filled(people: Shop, path: Path, cells: dict[str, dict[str, str]], name: str = "小李填好.xlsx") -> Path:
    """The workbook with cells filled in: phone → header → text."""
    from openpyxl import load_workbook

    book = load_workbook(path)
    sheet = book["线索"]
    heads = {cell.value: cell.column for cell in sheet[1]}
    for row in sheet.iter_rows(min_row=2):
        for head, text in cells.get(str(row[heads["手机号"] - 1].value), {}).items():
            sheet.cell(row[0].row, heads[head]).value = text
    out = people.root / "inbox" / name
    out.parent.mkdir(exist_ok=True)
    book.save(out)
    return out


def test_staff_workbooks_offer_the_stages_and_bring_them_back(people: Shop) -> None:
    people.run("apply-tags", "--as-of", "2025-03-10")
    path = lead_desk(people)
    back = filled(people, path, {
        "13800000001": {"结果": "已添加", "阶段": "意向客户"}, "13800000003": {"阶段": " 无意向客户 "},
        "13900000009": {"阶段": "意向客户"},
    })  # fmt: skip
    when = ("--exported-at", "2025-03-16", "--as-of", "2025-03-17")
    dry = people.json("import-feedback", back, *when, "--dry-run").result
    done = people.json("import-feedback", back, *when)
    assert done.result["stages"] == {"意向客户": 1, "无意向客户": 1} == dry["stages"]
    assert done.result["waiting"] == 1
    assert (done.result["totals"]["new"], done.result["totals"]["updated"]) == (1, 2)
    assert people.rows("SELECT customer_id, stage, mode FROM stage_state WHERE source = 'hand' ORDER BY 1") == [
        (1, "意向客户", "hand"), (3, "无意向客户", "hand"),
    ]  # fmt: skip
    assert people.rows(
        "SELECT DISTINCT staff_id, at_sec // 86400 FROM stage_moves WHERE source = 'hand'"
    ) == [("xl", 20163)]
    before = history(people)
    again = people.json(
        "import-feedback", back, "--exported-at", "2025-03-18", "--as-of", "2025-03-18"
    ).result
    assert (again["stages"], again["waiting"], history(people)) == ({}, 0, before)


def test_taking_feedback_back_takes_its_stages_back(people: Shop) -> None:
    people.run("apply-tags", "--as-of", "2025-03-10")
    path = lead_desk(people)
    cells = {phone: {"阶段": "无意向客户"} for phone in ("13800000001", "13800000003", "13900000009")}
    back = filled(people, path, cells)
    before = people.rows("SELECT customer_id, stage, since_sec, mode FROM stage_state ORDER BY 1")
    run_id = people.json("import-feedback", back, "--exported-at", "2025-03-16", *LATER).document["run_id"]
    people.run("set-stage", "3", "意向客户", "--as-of", "2025-03-21")
    done = people.json("undo-import", str(run_id), "--yes").result
    assert (done["restored"], done["kept"]) == (1, {"changed-since": 1})
    after = people.rows("SELECT customer_id, stage, since_sec, mode FROM stage_state ORDER BY 1")
    assert [row for row in after if row[0] != 3] == [row for row in before if row[0] != 3]
    assert standing(people)[3] == "意向客户"
    assert people.rows("SELECT count(*) FROM stage_waiting") == [(0,)]
    # The same file can be imported again.
    people.run("import-feedback", back, "--exported-at", "2025-03-16", "--as-of", "2025-03-22")
    assert standing(people)[1] == "无意向客户"


def test_feedback_rows_with_stages_that_cannot_be(people: Shop) -> None:
    people.run("apply-tags", "--as-of", "2025-03-10")
    path = lead_desk(people)
    people.run("set-stage", "3", "成交客户", "--as-of", "2025-03-19")
    back = filled(people, path, {
        "13800000001": {"结果": "已添加", "阶段": "意象客户"}, "13800000003": {"阶段": "无意向客户"},
    })  # fmt: skip
    result = people.json("import-feedback", back, "--exported-at", "2025-03-16", *LATER, expect=4).result
    assert result["reasons"] == {"no-result": 2, "unknown-stage": 1}
    assert standing(people)[3] == "成交客户"  # what was said later stays
    with writable(people) as con:
        con.execute("UPDATE lead_events SET staff_id = 'xw' WHERE lead_id = 2 AND kind = 'assigned'")
        con.execute("DELETE FROM stage_moves WHERE source = 'hand'")
        con.execute("INSERT INTO lead_events SELECT 90, 2, 0, 'reclaimed', 'xw', '', 1")
    result = people.json("import-feedback", back, "--exported-at", "2025-03-16", *LATER, expect=4).result
    assert result["reasons"]["stage-not-theirs"] == 1


def test_a_workspace_that_never_applied_stages_has_no_column(people: Shop) -> None:
    from openpyxl import load_workbook

    heads = [cell.value for cell in load_workbook(lead_desk(people))["线索"][1]]
    assert "阶段" not in heads
    assert heads[-2:] == ["结果", "反馈备注"]


def test_show_customer_tells_the_stage_and_its_history(people: Shop) -> None:
    people.run(
        "set-stage", "13800000004", "意向客户", "--reason", "问过 13900001111 的价", "--as-of", "2025-03-10"
    )
    card = people.json("show-customer", "4", *DAY).result
    assert card["stage"] == {"stage": "意向客户", "since_day": "2025-03-10", "days": 5, "is_by_hand": True}
    assert [(one["source"], one["from_stage"], one["to_stage"]) for one in card["stage_moves"]] == [
        ("hand", "新客户", "意向客户")
    ]
    shown = people.run("show-customer", "4", *DAY).stdout
    assert "意向客户(2025-03-10 起,5 天,人定的)" in shown
    assert "13900001111" not in shown
    earlier = people.json("show-customer", "4", "--as-of", "2025-03-09").result
    assert (earlier["stage"], earlier["stage_moves"]) == (None, [])
    people.run("apply-tags", *DAY)
    assert people.json("show-customer", "1", *DAY).result["stage"]["stage"] == "新客户"
    assert people.json("doctor").result
