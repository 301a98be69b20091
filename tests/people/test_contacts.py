"""import-contacts through the real app: friends by their best evidence, newest wins, every row accounted for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Called, Shop, examples
from tests.leads.desk import lead_file, staff_file
from tests.leads.test_import_leads import totals
from tests.leads.test_lead_lists import undo

OFFICIAL = "客户名称,描述,添加人,添加人账号,添加人所属部门,添加时间,来源,手机,企业,邮箱,地址,职务,电话,标签组1(学员等级),标签组2(来源)"
FRIENDS = "SELECT name, staff_id, phone, remark, tags, lost_sec IS NOT NULL FROM contacts ORDER BY staff_id, name, phone"


def friends(shop: Shop, rows: Sequence[str], *, header: str = OFFICIAL, name: str = "客户列表.csv") -> Any:
    return shop.file(name, "\n".join([header, *rows]) + "\n")


def official(
    name: str,
    account: str,
    at: str = "01",
    *,
    phone: str = "",
    note: str = "",
    level: str = "",
    origin: str = "",
) -> str:
    """A row of the console's export; `at` is the day of March 2025."""
    staff = {"li": "小李", "wang": "小王"}.get(account, account)
    return f"{name},{note},{staff},{account},一部,2025-03-{at} 10:00:00,扫码,{phone},,,,,,{level},{origin}"


def imported(shop: Shop, *args: Any, expect: int = 0, day: str = "2025-03-20") -> Called:
    return shop.json("import-contacts", *args, "--exported-at", day, expect=expect)


def test_the_console_export(shop: Shop) -> None:
    path = friends(
        shop,
        [
            official("小美", "li", phone="13800000001", level='"VIP,老客"', origin="抖音", note="爱苹果"),
            official("小美", "wang", "02", phone="138-0000-0001"),
            official("阿强13900000002", "li", "03"),
            official("无名", "li", "04", note="电话 13900000003 或 13900000004"),
            official("无名", "li", "05"),
            ",,小李,li,,2025-03-04 10:00:00,,,,,,,,,",
            official("坏日期", "li", "45"),
            official("坏号", "li", "06", phone="138****0000"),
            ",,,,,,,,,,,,,,",
            official("小美", "wang", "02", phone="13800000001"),
        ],
    )
    called = imported(shop, path, expect=4)
    assert totals(called.result) == (10, 6, 0, 0, 1, 2, 1)
    assert called.result["reasons"] == {"bad-date": 1, "missing-contact": 1, "same-row": 1}
    assert (called.result["customers"], called.result["new_customers"], called.result["without_key"]) == (
        2,
        2,
        3,
    )
    assert called.result["files"][0]["notes"] == {"noted-phones-several": 1, "phone-masked": 1}
    assert shop.rows(FRIENDS) == [
        ("坏号", "li", None, None, None, False),
        ("小美", "li", "13800000001", None, "学员等级:VIP;学员等级:老客;来源:抖音", False),
        ("无名", "li", None, None, None, False),
        ("无名", "li", None, None, None, False),
        ("阿强13900000002", "li", "13900000002", None, None, False),
        ("小美", "wang", "13800000001", None, None, False),
    ]
    assert shop.rows("SELECT count(DISTINCT customer_id), sum(is_phone_noted) FROM contacts") == [(2, 1)]
    assert json.loads(shop.rows("SELECT attributes FROM contacts LIMIT 1")[0][0]) == {
        "添加人所属部门": "一部"
    }


def test_twice_changes_nothing_and_a_dry_run_is_the_real_run(shop: Shop) -> None:
    path = friends(
        shop, [official("a", "li", phone="13800000001"), official("b", "li"), official("c", "wang")]
    )
    dry = imported(shop, path, "--dry-run")
    assert shop.rows("SELECT count(*) FROM contacts") == [(0,)]
    real = imported(shop, path)
    assert dry.result == real.result
    before = shop.rows("SELECT * FROM contacts ORDER BY contact_no")
    again = imported(shop, path)
    assert totals(again.result) == (3, 0, 0, 3, 0, 0, 0)
    assert again.result["reasons"] == {"known": 3}
    assert (again.result["customers"], again.result["new_customers"]) == (1, 0)
    assert shop.rows("SELECT * FROM contacts ORDER BY contact_no") == before


def test_the_export_of_another_program_speaks_of_the_same_friends(shop: Shop) -> None:
    imported(
        shop,
        friends(shop, [official("小美", "li", level="VIP"), official("阿强", "li", phone="13900000002")]),
    )
    header = "客户名称,所属企微号,所属企业,添加时间,标签,客户系统备注,客户备注名,描述信息,企微手机号,系统手机,客户编号,企微编号"
    rows = [
        "小美,小李,某店,2025-03-01 10:00:00,熟客,,美美,,13800000001,,7,8",
        "新人,小李,某店,2025-03-07 10:00:00,,,,,,13800000003,9,10",
    ]
    called = imported(shop, friends(shop, rows, header=header, name="别家.csv"), day="2025-03-21")
    assert called.result["files"][0]["platform"] == "企业微信客户列表"
    assert totals(called.result) == (2, 1, 1, 0, 0, 0, 0)
    assert shop.rows(FRIENDS) == [
        ("小美", "li", "13800000001", "美美", "熟客", False),
        ("新人", "li", "13800000003", None, None, False),
        ("阿强", "li", "13900000002", None, None, False),
    ]


def test_staff_is_known_by_a_name_only_where_one_account_bears_it(shop: Shop) -> None:
    shop.run("import-staff", staff_file(shop, ["li:小李", "w1:小王", "w2:小王"]))
    header = "客户名称,添加人,添加时间"
    rows = ["甲,小李,2025-03-01 10:00:00", "乙,小王,2025-03-01 10:00:00", "丙,老赵,2025-03-01 10:00:00"]
    path = friends(shop, rows, header=header)
    imported(shop, path)
    named = "SELECT name, staff_id, staff_name FROM contacts ORDER BY ALL"
    known = [("丙", None, "老赵"), ("乙", None, "小王"), ("甲", "li", "小李")]
    assert shop.rows(named) == known
    assert totals(imported(shop, path).result)[3] == 3
    assert shop.rows(named) == known


def test_ids_of_wecom_name_the_person_across_staff_and_phones(shop: Shop) -> None:
    header = "external_userid,unionid,客户名称,添加人账号,添加时间,手机"
    rows = [
        "wm1,u1,甲,li,2025-03-01 10:00:00,",
        "wm1,u1,甲甲,wang,2025-03-02 10:00:00,13800000001",
        "wm2,,乙,li,2025-03-03 10:00:00,13800000002;13800000003",
        "wm2,,乙,li,2025-03-04 10:00:00,13800000002",
    ]
    called = imported(shop, friends(shop, rows, header=header), expect=4)
    # Two rows about one friendship that differ: the later one stays, the other goes back.
    assert totals(called.result) == (4, 3, 0, 0, 0, 1, 0)
    assert called.result["reasons"] == {"conflicting-rows": 1}
    assert called.result["customers"] == 2
    keys = "SELECT customer_id, kind, value FROM customer_keys ORDER BY ALL"
    assert shop.rows(keys) == [
        (1, "external_userid", "wm1"), (1, "phone", "13800000001"), (1, "unionid", "u1"),
        (2, "external_userid", "wm2"), (2, "phone", "13800000002"),
    ]  # fmt: skip
    # An export without ids keeps what is known of them; a phone finds the friend.
    later = friends(shop, [official("甲二", "wang", "09", phone="13800000001")], name="后来.csv")
    assert totals(imported(shop, later, day="2025-03-25").result) == (1, 0, 1, 0, 0, 0, 0)
    assert shop.rows("SELECT external_userid, unionid FROM contacts WHERE name = '甲二'") == [("wm1", "u1")]


def test_an_older_export_never_wins(shop: Shop) -> None:
    new = friends(shop, [official("小美", "li", phone="13800000001", note="新")], name="新.csv")
    old = friends(shop, [official("小美", "li", phone="13800000001", note="旧")], name="旧.csv")
    imported(shop, new, day="2025-03-20")
    late = imported(shop, old, day="2025-03-10")
    assert (totals(late.result)[3], late.result["reasons"]) == (1, {"older-export": 1})
    assert shop.rows("SELECT description FROM contacts") == [("新",)]
    # Taken back, the newer word leaves the older one.
    taken = undo(shop, 1)
    assert (taken["removed"], taken["restored"]) == (0, 1)
    assert shop.rows("SELECT description, customer_id FROM contacts") == [("旧", 1)]


def test_full_lists_lose_those_they_leave_out(shop: Shop) -> None:
    both = [
        official("甲", "li", phone="13800000001"),
        official("乙", "li", "02"),
        official("丙", "wang", "03"),
    ]
    imported(shop, friends(shop, both))
    before = shop.rows("SELECT * FROM contacts ORDER BY contact_no")
    later = friends(shop, [official("甲", "li", phone="13800000001")], name="后来.csv")
    plain = imported(shop, later, "--dry-run", day="2025-03-21")
    assert plain.result["lost"] == 0
    called = imported(shop, later, "--full", day="2025-03-21")
    assert (called.result["lost"], totals(called.result)) == (1, (1, 0, 0, 1, 0, 0, 0))
    assert [(row[0], row[5]) for row in shop.rows(FRIENDS)] == [("乙", True), ("甲", False), ("丙", False)]
    back = imported(shop, friends(shop, both, name="回来.csv"), day="2025-03-22")
    assert totals(back.result) == (3, 0, 1, 2, 0, 0, 0)
    assert not any(row[5] for row in shop.rows(FRIENDS))
    undo(shop, 3)
    assert undo(shop, 2)["restored"] == 1
    assert shop.rows("SELECT * FROM contacts ORDER BY contact_no") == before


def test_states_and_times_of_the_lost(shop: Shop) -> None:
    header = "客户名称,添加人账号,添加时间,好友状态,流失时间"
    rows = [
        "甲,li,2025-03-01 10:00:00,正常,",
        "乙,li,2025-03-02 10:00:00,已流失,2025-03-05 10:00:00",
        "丙,li,2025-03-03 10:00:00,被删除,",
        "丁,li,2025-03-03 10:00:00,拉黑了,",
    ]
    path = friends(shop, rows, header=header)
    called = imported(shop, path, expect=4)
    assert called.result["files"][0]["unknown_words"] == {"拉黑了": 1}
    lost = "SELECT name, lost_sec IS NOT NULL FROM contacts ORDER BY added_sec"
    assert shop.rows(lost) == [("甲", False), ("乙", True), ("丙", True)]
    assert totals(imported(shop, path, day="2025-04-01", expect=4).result)[1:4] == (0, 0, 3)


def test_a_friend_meets_orders_and_leads(shop: Shop) -> None:
    shop.file(
        "订单.csv", "订单号,手机号,付款时间,实付金额,商品\n1,13800000001,2025-03-01 10:00:00,9.90,苹果\n"
    )
    shop.run("import-orders", shop.root / "inbox" / "订单.csv")
    shop.run("import-leads", lead_file(shop, [2]))
    path = friends(
        shop, [official("甲", "li", phone="13800000001"), official("乙", "li", "02", phone="13800000002")]
    )
    called = imported(shop, path)
    assert (called.result["customers"], called.result["new_customers"], called.result["leads_known"]) == (
        2,
        1,
        1,
    )
    assert shop.rows("SELECT customer_id FROM contacts WHERE phone = '13800000001'") == [(1,)]
    assert shop.json("import-leads", lead_file(shop, [1, 2])).result["reasons"] == {"already-friend": 2}
    taken = undo(shop, 3)
    assert taken == {
        "undone_run": 3, "command": "import-contacts", "removed": 2, "restored": 0, "kept": {},
        "gone": {"customers": 1, "pins": 0, "stages": 0},
    }  # fmt: skip
    assert shop.rows("SELECT customer_id FROM customers") == [(1,)]
    assert totals(imported(shop, path).result)[1] == 2


def test_exports_show_no_full_phone_unless_asked(shop: Shop) -> None:
    note = "老公 13900000003"
    imported(
        shop,
        friends(
            shop, [official("阿强13900000002", "li", note=note), official("乙", "li", phone="13800000001")]
        ),
    )
    out = shop.root / "好友.csv"
    assert shop.json("export-table", "contacts", "--out", out).result["rows"] == 2
    text = out.read_text(encoding="utf-8")
    assert not [phone for phone in ("13900000002", "13900000003", "13800000001") if phone in text]
    assert "阿强139****0002" in text
    shop.run("export-table", "contacts", "--out", out, "--reveal")
    assert note in out.read_text(encoding="utf-8")
    assert shop.json("status").result["contacts"] == 2


def test_refusals(shop: Shop) -> None:
    shop.file("怪.csv", "甲,乙\n1,2\n")
    refused = shop.json("import-contacts", shop.root / "inbox" / "怪.csv", expect=3)
    assert refused.error["code"] == "unknown-header"
    lost_id = "external_userid,客户名称,添加人账号\n=1,甲,li\n1.23457E+17,乙,li\n"
    shop.file("号.csv", lost_id)
    called = imported(shop, shop.root / "inbox" / "号.csv", expect=4)
    assert called.result["reasons"] == {"id-precision-lost": 1}


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["甲", "乙", "丙"]), st.sampled_from(["li", "wang"]), st.integers(1, 4),
        st.sampled_from(["", "13800000001", "13800000002"]), st.sampled_from(["", "x", "y"]),
    ),
    min_size=1, max_size=10,
)  # fmt: skip
SHOPS = count()


@given(people=PEOPLE, later=PEOPLE, seed=st.randoms())
@examples(8)
def test_any_list_is_conserved_and_order_decides_nothing(
    make_shop: Callable[[str], Shop],
    people: list[tuple[Any, ...]],
    later: list[tuple[Any, ...]],
    seed: random.Random,
) -> None:
    def rows(of: list[tuple[Any, ...]]) -> list[str]:
        return [official(name, who, f"0{day}", phone=phone, note=note) for name, who, day, phone, note in of]

    stored = []
    for is_shuffled in (False, True):
        shop = make_shop(f"c{next(SHOPS)}")
        first = rows(people)
        if is_shuffled:
            seed.shuffle(first)
        path = friends(shop, first)
        called = imported(shop, path, "--allow-rejects").result
        counts = totals(called)
        friends_sql = "SELECT * EXCLUDE (run_id, first_run_id) FROM contacts ORDER BY contact_no"
        stored.append((counts, called["reasons"], shop.rows(friends_sql)))
        assert counts[1] == len(stored[-1][2])
        assert totals(imported(shop, path, "--allow-rejects").result)[1:3] == (0, 0)
        assert shop.rows(friends_sql) == stored[-1][2]
    assert stored[0] == stored[1]
    before = shop.rows("SELECT * FROM contacts ORDER BY contact_no")
    imported(shop, friends(shop, rows(later), name="后来.csv"), "--allow-rejects", "--full", day="2025-04-01")
    undo(shop, 3)
    assert shop.rows("SELECT * FROM contacts ORDER BY contact_no") == before
    shop.run("doctor")
