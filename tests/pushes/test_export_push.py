"""export-push through the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.shop_rows import add_lead, customer, insert, key, order, staff, writable

AT = ("--as-of", "2025-03-15")
DAY = "outbox/推送/2025-03-15"


@pytest.fixture
def full(shop: Any) -> Any:
    with writable(shop) as con:
        insert(con, "staff", [staff("xl", "小李"), staff("xl2", "小李"), staff("xw", "小王/东区")])
        insert(con, "customers", [customer(n, province="上海", city="浦东") for n in range(1, 7)])
        insert(con, "customer_keys", [key(n, f"1380000000{n}") for n in range(1, 6)])
        insert(con, "customer_keys", [key(1, "=1+1", "buyer", "淘宝")])
        for number, owner in ((1, "xl"), (2, "xl2"), (3, "xw"), (4, "xw")):
            add_lead(con, number, f"1380000000{number}", held_by=owner)
        insert(con, "order_lines", [order(n, n, "2025-03-10", n * 100) for n in range(1, 7)])
        insert(con, "order_lines", [order(9, 3, "2025-03-11", 5)])
        insert(con, "tags", [
            {"customer_id": n, "tag": "爱水果", "source": "auto", "pin": pin, "set_day": 20100,
             "rule_hash": "", "run_id": 1}
            for n, pin in ((1, "none"), (2, "none"), (3, "on"), (4, "none"), (5, "none"), (6, "off"))
        ])  # fmt: skip
    shop.run("optout", "13800000004")
    return shop


def sheet_rows(path: Path) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))


def test_one_workbook_per_owner(full: Any) -> None:
    called = full.json("export-push", "爱水果", "--reason", "三月", *AT)
    result = called.result
    assert (result["audience"], result["exported"], result["opted_out"]) == (5, 4, 1)
    assert result["files"] == [
        f"{DAY}/三月/{name}.xlsx" for name in ("小李", "小李(xl2)", "小王_东区", "无归属")
    ]
    rows = sheet_rows(full.root / result["files"][0])
    assert rows[0] == (
        "客户编号",
        "手机号(已打码)",
        "买家昵称/平台",
        "省市",
        "订单数",
        "最近购买",
        "消费额",
        "标签",
        "分群",
        "RFM分",
        "流失风险",
        "建议",
    )
    assert rows[1] == (
        "1",
        "138****0001",
        "=1+1(淘宝)",
        "上海 浦东",
        1,
        "2025-03-10",
        100,
        "爱水果",
        None,
        None,
        None,
        None,
    )
    everything = [cell for name in result["files"] for row in sheet_rows(full.root / name) for cell in row]
    assert "138****0004" not in everything
    assert sheet_rows(full.root / result["files"][2])[1][4:7] == (2, "2025-03-11", 305)
    assert full.rows("SELECT sum(rows), max(is_revealed) FROM exports WHERE kind = 'push'") == [(4, 0)]
    assert "5 人 → 可推 4 · 已退订 1" in full.run("export-push", "爱水果", "--reason", "三月", *AT).stderr


def test_the_risk_of_the_last_scores_stands_beside_the_person(full: Any) -> None:
    full.run("score-customers", *AT)
    with writable(full) as con:
        con.execute("UPDATE scores SET risk = '高' WHERE customer_id = 1")
    result = full.json("export-push", "爱水果", "--single", *AT).result
    head, *rows = sheet_rows(full.root / result["files"][0])
    risk = head.index("流失风险")
    assert {row[0]: row[risk] for row in rows if row[risk]} == {"1": "高"}


def test_reveal_single_and_what_an_older_export_left(full: Any) -> None:
    first = full.json("export-push", "爱水果", *AT).result
    result = full.json("export-push", "爱水果", "--single", "--reveal", *AT).result
    assert result["files"] == [f"{DAY}/爱水果/名单.xlsx"]
    assert sorted(result["removed_files"]) == sorted(first["files"])
    assert [path.name for path in (full.root / DAY / "爱水果").iterdir()] == ["名单.xlsx"]
    rows = sheet_rows(full.root / result["files"][0])
    assert rows[0][1] == "手机号"
    assert [row[1] for row in rows[1:]] == ["13800000005", "13800000003", "13800000002", "13800000001"]
    assert full.rows("SELECT is_revealed FROM exports ORDER BY run_id DESC LIMIT 1") == [(1,)]


def test_two_lists_of_one_reason_do_not_take_each_other_s_workbooks(full: Any) -> None:
    with writable(full) as con:
        row = {"customer_id": 1, "tag": "老客", "source": "auto", "pin": "none", "set_day": 20100}
        insert(con, "tags", [{**row, "rule_hash": "", "run_id": 1}])
    first = full.json("export-push", "爱水果", "--reason", "三月", *AT).result
    second = full.json("export-push", "老客", "--reason", "三月", *AT).result
    assert second["files"] == [f"{DAY}/三月-老客/小李.xlsx"]
    assert not second["removed_files"]
    assert all((full.root / file).is_file() for file in first["files"])
    assert full.json("export-push", "爱水果", "--reason", "三月", *AT).result["files"] == first["files"]
    assert full.json("export-push", "老客", "--reason", "三月", *AT).result["files"] == second["files"]


def test_a_segment_of_scores_shows_them(full: Any) -> None:
    full.run("score-customers", "--scheme", "RF十格", *AT)
    full.json("export-push", "爱水果", "--single", *AT)
    rows = sheet_rows(full.root / DAY / "爱水果" / "名单.xlsx")
    known = full.rows("SELECT customer_id, segment, r_score, f_score FROM scores ORDER BY customer_id")
    shown = {row[0]: row[8:10] for row in rows[1:]}
    for customer_id, segment, r, f in known:
        assert shown.get(str(customer_id), (segment, f"R{r} F{f}")) == (segment, f"R{r} F{f}")
    assert (known[0][1], f"R{known[0][2]} F{known[0][3]}") in shown.values()


def test_a_segment_with_its_advice(full: Any) -> None:
    full.run("score-customers", *AT)
    result = full.json("export-push", "一般挽留", "--single", *AT).result
    assert result["kind"] == "segment"
    assert result["audience"] == full.rows("SELECT count(*) FROM scores WHERE segment = '一般挽留'")[0][0]
    empty = full.json("export-push", "重要保持", *AT).result
    assert (empty["audience"], empty["files"]) == (0, [])


def test_same_bytes_twice_and_nothing_on_a_dry_run(full: Any) -> None:
    dry = full.json("export-push", "爱水果", "--dry-run", *AT)
    assert dry.result["exported"] == 4
    assert not (full.root / DAY).exists()
    assert full.rows("SELECT count(*) FROM exports WHERE kind = 'push'") == [(0,)]
    name = full.json("export-push", "爱水果", *AT).result["files"][0]
    before = openpyxl.load_workbook(full.root / name).worksheets[0]
    cells = [[cell.value for cell in row] for row in before.iter_rows()]
    full.run("export-push", "爱水果", *AT)
    after = openpyxl.load_workbook(full.root / name).worksheets[0]
    assert [[cell.value for cell in row] for row in after.iter_rows()] == cells


def test_an_unknown_name_is_refused(full: Any) -> None:
    error = full.json("export-push", "爱水里", *AT, expect=3).error
    assert error["code"] == "unknown-name"
    assert "爱水果" in error["hint"]


def test_an_empty_shop_says_what_to_do_first(shop: Any) -> None:
    assert "score-customers" in shop.json("export-push", "重要挽留", expect=3).error["hint"]
    nobody = shop.run("export-push", "爱水果")
    assert "siyu apply-tags" in nobody.stderr


def test_who_was_on_an_exported_list_is_kept(full: Any) -> None:
    members = "SELECT push, customer_id, at_sec // 86400 = day, day, run_id FROM push_members ORDER BY push, customer_id"
    full.run("export-push", "爱水果", *AT, "--dry-run")
    assert full.rows(members) == []
    full.run("export-push", "爱水果", *AT)
    full.run("export-push", "爱水果", "--reason", " 三月", *AT)
    noted = full.rows(members)
    assert [row[:4] for row in noted] == [
        (push, number, True, 20162) for push in ("三月", "爱水果") for number in (1, 2, 3, 5)
    ]
    full.run("export-push", "爱水果", "--reason", "三月", *AT)
    assert full.rows(members) == noted
