"""Leads that come to an end by themselves: lists of friends and orders close them, undo opens them again."""

from __future__ import annotations

import pytest

from tests.conftest import Shop
from tests.leads.desk import assign, fill, friend_file, lead_file, ledger, staff_file, states


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """小李 holds 0 and 2, 小王 1 and 3 since 1 March 09:00; 4 and 5 wait in the pool."""
    shop.run("import-staff", staff_file(shop, ["li:小李", "wang:小王"]))
    assign(shop, range(4), "2025-02-28")
    shop.run("import-leads", lead_file(shop, [4, 5], "later.csv"), "--as-of", "2025-02-28 11:00")
    return shop


def order_file(shop: Shop, numbers: list[int], day: str, name: str = "订单.csv") -> object:
    lines = ["订单编号,买家账号,收货人手机,下单时间,付款时间,订单状态,实付金额,商品名称"]
    lines += [
        f"{day}-{number},买家{number},{13_800_000_000 + number},{day} 08:00:00,{day} 08:00:00,交易成功,9.90,苹果"
        for number in numbers
    ]
    return shop.file(name, "\n".join(lines) + "\n")


def test_a_list_of_friends_closes_leads_in_hands_and_in_the_pool(desk: Shop) -> None:
    result = desk.json("import-contacts", friend_file(desk, [0, 1, 4], account="li")).result
    assert (result["leads_added"], result["leads_befriended"]) == (1, 2)
    assert states(desk) == {
        0: ("已添加", "li"), 1: ("已添加", "li"), 2: ("待添加", "li"), 3: ("待添加", "wang"),
        4: ("已添加", "li"), 5: ("待分配", None),
    }  # fmt: skip
    assert [row[1] for row in ledger(desk)].count("befriended") == 2
    again = desk.json("import-contacts", friend_file(desk, [0, 1, 4], account="li")).result
    assert (again["leads_added"], again["leads_befriended"]) == (0, 0)


def test_a_friend_of_the_owner_from_before_was_a_friend(desk: Shop) -> None:
    assign(desk, [9], "2025-03-10")
    owner = states(desk)[9][1]
    assert owner is not None
    desk.run("import-contacts", friend_file(desk, [9], account=owner))  # a friend since 1 March
    assert [row[1:4:2] for row in ledger(desk) if row[0] == "13800000009"][-1] == ("befriended", owner)


def test_friends_and_feedback_agree_or_are_questioned(desk: Shop) -> None:
    desk.run("import-contacts", friend_file(desk, [0, 2], account="li"))
    path = fill(desk, "2025-02-28/小李.xlsx", {0: "已添加", 2: "拒绝"}, "a.xlsx")
    result = desk.json("import-feedback", path, "--as-of", "2025-03-03", expect=4).result
    assert result["reasons"] == {"cannot-follow-added": 1, "known": 1}
    assert states(desk)[2] == ("已添加", "li")


def test_who_was_given_up_and_is_a_friend_after_all(desk: Shop) -> None:
    path = fill(desk, "2025-02-28/小李.xlsx", {0: "拒绝", 2: "空号"}, "a.xlsx")
    desk.run("import-feedback", path, "--as-of", "2025-03-03")
    older = desk.json(
        "import-contacts", friend_file(desk, [0], account="li"), "--exported-at", "2025-03-02"
    ).result
    assert (older["leads_added"], older["leads_befriended"]) == (0, 0)
    run = desk.json(
        "import-contacts", friend_file(desk, [0, 1], account="li"), "--exported-at", "2025-03-04"
    ).document["run_id"]
    assert (states(desk)[0], states(desk)[2]) == (("已添加", "li"), ("无效", "li"))
    kinds = [row[1] for row in ledger(desk) if row[0] == "13800000000"]
    assert kinds[-3:] == ["declined", "reopened", "befriended"]
    desk.run("undo-import", str(run), "--yes")
    assert (states(desk)[0], states(desk)[1]) == (("拒绝", "li"), ("待添加", "wang"))


def test_undoing_a_list_of_friends_opens_its_leads_again(desk: Shop) -> None:
    before = states(desk)
    run = desk.json("import-contacts", friend_file(desk, [0, 1, 4], account="li")).document["run_id"]
    desk.run("undo-import", str(run), "--yes")
    assert states(desk) == before


def test_who_buys_while_waiting_is_a_customer_and_an_owned_lead_stays(desk: Shop) -> None:
    result = desk.json("import-orders", order_file(desk, [0, 4, 5], "2025-03-05")).result
    assert result["leads_bought"] == 2
    assert states(desk)[4] == states(desk)[5] == ("已是客户", None)
    assert states(desk)[0] == ("待添加", "li")
    again = desk.json("import-leads", lead_file(desk, [4], "again.csv")).result
    assert again["reasons"] == {"already-customer": 1}
    run = desk.json("list-runs").result["runs"][1]["run_id"]
    desk.run("undo-import", str(run), "--yes")
    assert states(desk)[4] == states(desk)[5] == ("待分配", None)


def test_a_purchase_from_before_the_list_closes_nothing(desk: Shop) -> None:
    assert desk.json("import-orders", order_file(desk, [4], "2025-02-01")).result["leads_bought"] == 0
    assert states(desk)[4] == ("待分配", None)
