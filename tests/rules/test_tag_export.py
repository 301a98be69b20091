"""export-tags through the app: per member of staff, only what changed, nothing twice and nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from siyu_cli.errors import InputRefused
from siyu_cli.rules.lints import MAX_TAGS
from siyu_cli.rules.tag_export import refuse_beyond_limits
from tests.conftest import Shop
from tests.rules.test_tag_commands import only_rule
from tests.shop_rows import customer, insert, key, order, staff, writable

AT = ("--as-of", "2025-03-15")
DAY = "outbox/标签/2025-03-15"
RULES = """
manual_tags: [亲友]
tags:
  买过: {when: 订单数 >= 1}
  大单: {when: 消费额 >= 500元}
"""


def friend(number: int, customer_id: int | None, staff_id: str | None = "xl", **more: Any) -> dict[str, Any]:
    return {
        "contact_no": number, "customer_id": customer_id, "staff_id": staff_id, "external_userid": f"wm{number}",
        "name": f"客{number}", "is_phone_noted": 0, "exported_sec": 0, "first_run_id": 1, "run_id": 1,
    } | more  # fmt: skip


@pytest.fixture
def full(shop: Shop) -> Shop:
    """1 is a friend of both, 2 of 小李, 3 a lost friend, 4 nobody's; all bought, 2 a lot. 5 is a friend without tags."""
    with writable(shop) as con:
        insert(con, "staff", [staff("xl", "小李"), staff("xw", "小王")])
        insert(con, "customers", [customer(n) for n in range(1, 6)])
        insert(con, "customer_keys", [key(n, f"1380000000{n}") for n in range(1, 6)])
        insert(con, "order_lines", [order(n, n, "2025-03-01", 900 if n == 2 else 10) for n in range(1, 5)])
        insert(con, "contacts", [
            friend(1, 1, remark="老客 13800000001", phone="13800000001", phones="13800000001"), friend(2, 2),
            friend(3, 3, lost_sec=5), friend(4, 1, "xw"), friend(5, 5, "xw"),
        ])  # fmt: skip
    only_rule(shop, RULES)
    shop.run("apply-tags", *AT)
    return shop


def exported(shop: Shop, *args: str) -> dict[str, list[tuple[Any, ...]]]:
    """File → its rows (外部联系人ID, to set, to take off), of one export."""
    result = shop.json("export-tags", *args, *AT).result
    found = {}
    for file in result["files"]:
        rows = sheet(shop.root / file["file"])
        assert rows[0] == ("客户", "备注", "外部联系人ID", "手机号(已打码)", "打上", "去掉")
        assert file["friends"] == len(rows) - 1
        found[Path(file["file"]).name] = [(row[2], row[4], row[5]) for row in rows[1:]]
    assert all(file["file"].startswith(DAY) for file in result["files"])
    return found


def sheet(path: Path) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))


def buys(shop: Shop, line: int, customer_id: int, yuan: float) -> None:
    with writable(shop) as con:
        insert(con, "order_lines", [order(line, customer_id, "2025-03-02", yuan)])
    shop.run("apply-tags", *AT)


def test_every_member_of_staff_gets_their_own_friends(full: Shop) -> None:
    called = full.json("export-tags", *AT)
    result = called.result
    assert (result["friends"], result["to_set"], result["to_drop"], result["tags"]) == (3, 4, 0, 2)
    assert [
        (file["staff_id"], file["staff"], file["friends"], file["to_set"], file["file"])
        for file in result["files"]
    ] == [("xl", "小李", 2, 3, f"{DAY}/小李.xlsx"), ("xw", "小王", 1, 1, f"{DAY}/小王.xlsx")]
    # 3 is lost and 4 nobody's friend.
    assert result["without_friend"] == 2
    rows = sheet(full.root / DAY / "小李.xlsx")
    assert rows[1] == ("客1", "老客 138****0001", "wm1", "138****0001", "买过", None)
    # No phone of the friendship: that of the customer.
    assert rows[2] == ("客2", None, "wm2", "138****0002", "买过、大单", None)
    written = full.rows(
        "SELECT path, rows, is_revealed, is_written FROM exports WHERE kind = 'tags' ORDER BY path"
    )
    assert written == [(f"{DAY}/小李.xlsx", 2, 0, 1), (f"{DAY}/小王.xlsx", 1, 0, 1)]
    assert full.json("doctor").exit_code == 0


def test_a_second_export_says_nothing_new_and_a_later_one_only_what_changed(full: Shop) -> None:
    first = exported(full)
    assert "上次导出以后没有变化" in full.run("export-tags", *AT).stderr
    assert exported(full) == {}
    buys(full, 9, 1, 1000)
    full.run("set-tag", "2", "大单", "--off", *AT)
    # The first lists may not be worked through yet: they stay as they are.
    assert exported(full) == {
        "小李-2.xlsx": [("wm1", "大单", None), ("wm2", None, "大单")],
        "小王-2.xlsx": [("wm4", "大单", None)],
    }
    assert sorted(path.name for path in (full.root / DAY).iterdir()) == [
        "小李-2.xlsx", "小李.xlsx", "小王-2.xlsx", "小王.xlsx",
    ]  # fmt: skip
    assert [(row[2], row[4], row[5]) for row in sheet(full.root / DAY / "小李.xlsx")[1:]] == first[
        "小李.xlsx"
    ]


def test_a_change_that_is_undone_before_the_next_export_is_none(full: Shop) -> None:
    exported(full)
    full.run("set-tag", "5", "亲友", *AT)
    full.run("set-tag", "5", "亲友", "--release", *AT)
    assert exported(full) == {}


def test_all_lists_the_full_state_and_counts_as_told(full: Shop) -> None:
    exported(full)
    full.run("set-tag", "2", "大单", "--off", *AT)
    assert exported(full, "--all") == {
        "小李-2.xlsx": [("wm1", "买过", None), ("wm2", "买过", "大单")],
        "小王-2.xlsx": [("wm4", "买过", None)],
    }
    assert exported(full) == {}
    assert list(exported(full, "--all")) == ["小李-3.xlsx", "小王-3.xlsx"]


def test_a_dry_run_says_the_same_and_leaves_nothing(full: Shop) -> None:
    dry = full.json("export-tags", "--dry-run", *AT).result
    assert not (full.root / DAY).exists()
    assert full.rows(
        "SELECT (SELECT count(*) FROM tag_exports), (SELECT count(*) FROM exports WHERE kind = 'tags')"
    ) == [(0, 0)]
    assert full.json("export-tags", *AT).result == dry


def test_whoever_opted_out_stays_in_and_phones_show_only_on_request(full: Shop) -> None:
    full.run("optout", "13800000002")
    full.json("export-tags", "--reveal", *AT)
    rows = sheet(full.root / DAY / "小李.xlsx")
    assert rows[0][3] == "手机号"
    assert [row[3] for row in rows[1:]] == ["13800000001", "13800000002"]
    assert rows[1][1] == "老客 13800000001"
    assert full.rows("SELECT DISTINCT is_revealed FROM exports WHERE kind = 'tags'") == [(1,)]


def test_a_lost_friend_is_told_what_changed_once_they_are_back(full: Shop) -> None:
    exported(full)
    with writable(full) as con:
        con.execute("UPDATE contacts SET lost_sec = 9 WHERE contact_no = 2")
        con.execute("UPDATE contacts SET lost_sec = NULL WHERE contact_no = 3")
    full.run("set-tag", "2", "大单", "--off", *AT)
    assert exported(full) == {"小李-2.xlsx": [("wm3", "买过", None)]}
    with writable(full) as con:
        con.execute("UPDATE contacts SET lost_sec = NULL WHERE contact_no = 2")
    assert exported(full) == {"小李-3.xlsx": [("wm2", None, "大单")]}


def test_customers_who_become_one_have_all_their_tags_with_every_friend(full: Shop) -> None:
    exported(full)
    full.run("set-tag", "5", "亲友", *AT)
    exported(full)
    with writable(full) as con:
        # What a merge of 2 and 5 leaves.
        con.execute("UPDATE contacts SET customer_id = 2 WHERE customer_id = 5")
        con.execute("UPDATE tags SET customer_id = 2 WHERE customer_id = 5")
    assert exported(full) == {
        "小李-2.xlsx": [("wm2", "亲友", None)],
        "小王-3.xlsx": [("wm5", "买过、大单", None)],
    }
    with writable(full) as con:
        con.execute("UPDATE contacts SET customer_id = NULL WHERE contact_no = 5")
    assert exported(full) == {"小王-4.xlsx": [("wm5", None, "买过、亲友、大单")]}


FRIENDS = "外部联系人id,客户名称,添加人账号,添加时间,手机号\n"


def test_a_friendship_taken_back_and_imported_anew_goes_on_and_its_number_is_nobody_else_s(
    full: Shop,
) -> None:
    listed = full.file("好友.csv", FRIENDS + "wmA,阿甲,xl,2025-03-01 10:00,13800000004\n")
    done = full.json("import-contacts", listed, "--exported-at", "2025-03-10")
    assert exported(full)["小李.xlsx"][-1] == ("wmA", "买过", None)
    full.run("undo-import", str(done.document["run_id"]), "--yes")
    other = full.file("别人.csv", FRIENDS + "wmB,阿乙,xl,2025-03-02 10:00,13800000005\n")
    full.run("import-contacts", other, "--exported-at", "2025-03-11")
    assert exported(full) == {}
    full.run("set-tag", "4", "买过", "--off", *AT)
    full.run("import-contacts", listed, "--exported-at", "2025-03-12")
    assert exported(full) == {"小李-2.xlsx": [("wmA", None, "买过")]}


def test_friends_of_staff_who_are_not_known_have_their_own_list(full: Shop) -> None:
    with writable(full) as con:
        con.execute("UPDATE contacts SET staff_id = NULL WHERE contact_no = 1")
        con.execute("UPDATE contacts SET staff_id = NULL, staff_name = '小李' WHERE contact_no = 4")
    found = exported(full)
    assert {name: [row[0] for row in rows] for name, rows in found.items()} == {
        "小李(=小李).xlsx": ["wm4"], "小李(xl).xlsx": ["wm2"], "员工不明.xlsx": ["wm1"],
    }  # fmt: skip


def test_names_that_wecom_would_not_take_are_refused_before_anything_is_written(full: Shop) -> None:
    long = "很" * 31
    only_rule(full, f"tags: {{买过: {{when: 订单数 >= 1}}, {long}: {{when: 消费额 >= 1元}}}}")
    full.run("apply-tags", *AT)
    error = full.json("export-tags", *AT, expect=3).error
    assert error["code"] == "tag-name-too-long"
    assert f"「{long}」(31 字)" in error["message"]
    assert not (full.root / DAY).exists()
    only_rule(full, f"tags: {{{long[:30]}: {{when: 消费额 >= 1元, was: {long}}}}}")
    full.run("apply-tags", *AT)
    assert exported(full)["小王.xlsx"] == [("wm4", long[:30], None)]


def test_more_tags_than_wecom_takes_are_refused_and_named() -> None:
    wanted = [(f"标签{number:04}", 5) for number in range(MAX_TAGS)]
    refuse_beyond_limits(wanted)
    with pytest.raises(InputRefused) as refused:
        refuse_beyond_limits([*wanted, ("冷门", 1)])
    assert refused.value.code == "too-many-tags"
    assert "3,001" in refused.value.message
    assert "「冷门」" in refused.value.message


def test_nobody_with_tags_is_said(shop: Shop) -> None:
    called = shop.run("export-tags", "--all", *AT)
    assert "好友身上没有标签" in called.stderr
    assert shop.json("export-tags", *AT).result["files"] == []
