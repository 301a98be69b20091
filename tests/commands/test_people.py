"""show-customer, split-customer, merge-customers and the review of contradictions, through the real app."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from tests.conftest import Shop

HEADER = "订单编号,买家会员名,买家实际支付金额,订单状态,联系手机,订单创建时间,订单付款时间,宝贝标题\n"


def orders(shop: Shop, name: str, *rows: tuple[str, str, str]) -> Path:
    """(order id, buyer, phone) rows of 10.00 each."""
    lines = "".join(
        f"{order},{buyer},10.00,交易成功,{phone},2025-03-01 10:00:00,2025-03-01 10:05:00,芒果\n"
        for order, buyer, phone in rows
    )
    return shop.file(name, HEADER + lines)


def youzan(shop: Shop, name: str, *rows: tuple[str, str]) -> Path:
    head = "订单号,订单状态,订单创建时间,买家付款时间,订单实付金额,买家手机号\n"
    lines = "".join(
        f"{order},交易完成,2025-03-02 10:00:00,2025-03-02 10:05:00,20.00,{phone}\n" for order, phone in rows
    )
    return shop.file(name, head + lines)


@pytest.fixture
def known(shop: Shop) -> Shop:
    """One person on two platforms, merged by the phone that came later; a stranger beside."""
    shop.run("import-orders", youzan(shop, "有赞1.csv", ("E1", "13800138001")))
    shop.run("import-orders", orders(shop, "淘宝1.csv", ("T1", "小雨", ""), ("T2", "阿明", "13800138009")))
    shop.run("import-orders", orders(shop, "淘宝2.csv", ("T3", "小雨", "13800138001")))
    return shop


def test_a_card_shows_the_evidence_and_masks_phones(known: Shop) -> None:
    for who in ("13800138001", "138****8001", "淘宝天猫:小雨", "小雨", "1"):
        card = known.json("show-customer", who).result
        assert card["customer_id"] == 1
    assert {(key["kind"], key["value"]) for key in card["keys"]} == {
        ("buyer", "小雨"),
        ("phone", "138****8001"),
    }
    assert {tuple(key["files"]) for key in card["keys"]} == {("有赞1.csv",), ("淘宝1.csv",)}
    assert card["orders"] | {"first_at": 0, "last_at": 0} == {
        "orders": 3, "days": 2, "net_fen": 4000, "first_at": 0, "last_at": 0,
    }  # fmt: skip
    assert [merge["split_run_id"] for merge in card["merges"]] == [None]
    shown = known.run("show-customer", "1").stdout
    assert "13800138001" not in shown
    for word in ("买家账号", "手机号", "已付款"):
        assert word in shown
    assert not {"buyer", "phone", "paid"} & set(shown.split())
    assert "小雨" in shown
    runs = len(known.json("list-runs").result["runs"])
    revealed = known.json("show-customer", "1", "--reveal").result
    assert "13800138001" in {key["value"] for key in revealed["keys"]}
    assert len(known.json("list-runs").result["runs"]) == runs + 1


def test_nobody_and_several_are_refused_with_candidates(known: Shop) -> None:
    assert known.json("show-customer", "999", expect=3).error["code"] == "unknown-customer"
    known.run("import-orders", youzan(known, "有赞2.csv", ("E2", "13800148001"), ("E3", "13800158001")))
    error = known.json("show-customer", "138****8001", expect=3).error
    assert error["code"] == "several-customers"
    assert "3 位" in error["message"]


def test_a_merge_is_split_and_not_made_again(known: Shop) -> None:
    number = known.json("show-customer", "1").result["merges"][0]["merge_no"]
    assert (
        known.json("split-customer", "1", "--merge", str(number), expect=2).error["code"] == "not-confirmed"
    )
    planned = known.json("split-customer", "1", "--merge", str(number), "--dry-run").result
    done = known.json("split-customer", "1", "--merge", str(number), "--yes").result
    assert planned == done
    assert (
        known.json("show-customer", "小雨").result["customer_id"]
        != known.json("show-customer", "13800138001").result["customer_id"]
    )
    net = known.rows("SELECT sum(paid_fen) FROM order_lines")[0][0]
    again = known.json("import-orders", orders(known, "淘宝3.csv", ("T4", "小雨", "13800138001"))).result
    assert again["merged_customers"] == 0
    assert known.rows("SELECT sum(paid_fen) FROM order_lines")[0][0] == net + 1000
    assert (
        known.json("split-customer", "1", "--merge", str(number), "--yes", expect=3).error["code"]
        == "already-split"
    )
    assert (
        known.json("split-customer", "1", "--merge", "99", "--yes", expect=3).error["code"] == "unknown-merge"
    )


def test_two_customers_are_merged_by_hand_and_split_again(known: Shop) -> None:
    call = ("merge-customers", "小雨", "阿明")
    assert known.json(*call, expect=2).error["code"] == "not-confirmed"
    assert known.json(*call, "--dry-run").result == known.json(*call, "--yes").result
    card = known.json("show-customer", "阿明").result
    assert card["orders"]["orders"] == 4
    assert known.json(*call, "--yes").result["merged"] == 0
    number = card["merges"][-1]["merge_no"]
    known.run("split-customer", "阿明", "--merge", str(number), "--yes")
    assert known.json("show-customer", "阿明").result["orders"]["orders"] == 1
    assert known.json("merge-customers", "小雨", expect=2).error["code"] == "two-customers"


def fill(path: Path, *answers: str) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    column = [cell.value for cell in sheet[1]].index("结论") + 1
    for row, answer in enumerate(answers, start=2):
        sheet.cell(row, column).value = answer
    book.save(path)


def test_contradictions_are_asked_and_the_answers_read_back(shop: Shop) -> None:
    """Two buyers of one platform name the same phone: perhaps one person with two accounts, perhaps a gift."""
    rows = (
        ("T1", "小雨", "13800138001"),
        ("T2", "小红", "13800138001"),
        ("T3", "老王", "13800138002"),
        ("T4", "老李", "13800138002"),
    )
    path = orders(shop, "订单.csv", *rows)
    planned = shop.json("import-orders", path, "--dry-run").result
    assert (planned["identity_conflicts"], planned["review_file"]) == (2, None)
    result = shop.json("import-orders", path).result
    assert result["identity_conflicts"] == 2
    review = shop.root / result["review_file"]
    assert "13800138001" not in str([[*sheet.values] for sheet in openpyxl.load_workbook(review)])
    assert shop.json("merge-customers", review).result["left_open"] == 2
    fill(review, "是同一人", "不是同一人")
    done = shop.json("merge-customers", review).result
    assert (done["merged"], done["apart"], done["refused"]) == (1, 1, [])
    assert shop.rows("SELECT count(*) FROM customers")[0][0] == 3
    assert shop.json("merge-customers", review).result["unchanged"] == 2
    again = shop.json("import-orders", orders(shop, "订单2.csv", ("T5", "老李", "13800138002"))).result
    assert (again["identity_conflicts"], again["merged_customers"]) == (0, 0)
    fill(review, "不是同一人", "也许")
    refused = shop.json("merge-customers", review, expect=4).result["refused"]
    assert [(one["row"], one["code"]) for one in refused] == [(2, "already-one"), (3, "bad-answer")]
    assert shop.json("merge-customers", path, expect=3).error["code"] in (
        "unknown-header",
        "no-review-workbook",
    )
