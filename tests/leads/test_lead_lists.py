"""import-leads in detail: batches, tags, several phones in a cell, batch-add states, and taking a list back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Shop, examples
from tests.leads.desk import event_file, friend_file, lead_file, staff_file
from tests.leads.test_import_leads import totals

HELD = "SELECT customer_id, tag, source FROM held_tags ORDER BY ALL"
POOL = "SELECT phone, state FROM lead_state ORDER BY phone"


def undo(shop: Shop, run: int) -> dict[str, Any]:
    """Take a run back; the dry run foretells it."""
    dry = shop.json("undo-import", str(run), "--dry-run").result
    real = shop.json("undo-import", str(run), "--yes").result
    assert dry == real
    return real


def test_a_list_is_a_batch_and_every_list_that_names_a_lead_is_noted(shop: Shop) -> None:
    shop.run("import-leads", lead_file(shop, [1, 2], "一.csv"), "--source", "直播")
    called = shop.json(
        "import-leads", lead_file(shop, [2, 3], "二.csv"), "--source", "直播", "--batch", "双11"
    )
    assert called.result["batches"] == ["双11"]
    assert called.result["new_leads"] == 1
    sources = "SELECT right(phone, 1), s.source, batch FROM lead_sources AS s JOIN leads USING (lead_id) ORDER BY ALL"
    noted = [("1", "直播", "一.csv"), ("2", "直播", "一.csv"), ("2", "直播", "双11"), ("3", "直播", "双11")]
    assert shop.rows(sources) == noted
    shop.run("import-leads", shop.root / "inbox" / "二.csv", "--source", "直播", "--batch", "双11")
    shop.run("import-leads", shop.root / "inbox" / "一.csv")
    assert shop.rows(sources) == noted


def test_tags_wait_on_the_phone_and_are_the_customers_once(shop: Shop) -> None:
    shop.file("名单.csv", '手机号,标签\n13800000001,"高意向,老客 "\n13800000002,\n')
    path = shop.root / "inbox" / "名单.csv"
    called = shop.json("import-leads", path, "--tag", "双11", "--tag", "老客")
    assert called.result["new_tags"] == 5
    assert shop.rows(HELD) == []
    shop.run("import-events", event_file(shop, [1]))
    mine = [(1, "双11", "manual"), (1, "老客", "manual"), (1, "高意向", "manual")]
    assert shop.rows(HELD) == mine
    again = shop.json("import-leads", path, "--tag", "双11", "--tag", "老客", "--batch", "别的批次")
    assert again.result["reasons"] == {"in-pool": 2}
    assert shop.rows(HELD) == mine
    out = shop.root / "tags.csv"
    shop.run("export-table", "tags", "--out", out)
    assert out.read_text(encoding="utf-8").count("manual") == 3
    shop.run("optout", "13800000009")
    shop.run("import-leads", lead_file(shop, [9], "退订.csv"), "--tag", "不该有")
    assert shop.rows("SELECT count(*) FROM phone_tags WHERE tag = '不该有'") == [(0,)]


def test_a_tag_of_a_rule_and_of_a_hand_is_held_once(shop: Shop) -> None:
    shop.file(
        "订单.csv", "订单号,手机号,付款时间,实付金额,商品\n1,13800000001,2025-03-01 10:00:00,9.90,苹果\n"
    )
    shop.run("import-orders", shop.root / "inbox" / "订单.csv")
    for path in (shop.root / "rules").glob("*.yaml"):
        path.unlink()
    (shop.root / "rules" / "老客.yaml").write_text(
        "version: 1\ntags:\n  老客:\n    when:\n      - 订单数 1次 以上\n", encoding="utf-8"
    )
    shop.run("import-leads", lead_file(shop, [1]), "--tag", "老客")
    shop.run("apply-tags", "--as-of", "2025-03-15", "--yes")
    assert shop.rows(HELD) == [(1, "老客", "manual")]
    shop.run("undo-import", "2", "--yes")
    assert shop.rows(HELD) == [(1, "老客", "auto")]


def test_several_phones_in_a_cell(shop: Shop) -> None:
    shop.file(
        "名单.csv",
        "手机号,姓名\n13800000001/13800000002,甲\n13800000002、13800000003 13800000004,乙\n13800000004,丙\n"
        "13800000005/座机,丁\n",
    )
    path = shop.root / "inbox" / "名单.csv"
    rejected = shop.json("import-leads", path, "--dry-run", expect=4)
    assert totals(rejected.result) == (4, 1, 0, 0, 0, 3, 0)
    assert rejected.result["reasons"]["phone-several"] >= 2
    called = shop.json("import-leads", path, "--several-phones", "split", expect=4)
    assert totals(called.result) == (4, 3, 0, 0, 0, 1, 0)
    assert called.result["new_leads"] == 4
    assert called.result["files"][0]["notes"]["phones-split"] == 2
    assert [row[0][-1] for row in shop.rows("SELECT phone FROM leads ORDER BY phone")] == ["1", "2", "3", "4"]
    again = shop.json("import-leads", path, "--several-phones", "split", expect=4)
    assert totals(again.result) == (4, 0, 0, 3, 0, 1, 0)


def test_states_of_a_batch_add(shop: Shop) -> None:
    shop.file(
        "批量加好友.csv",
        "手机号,添加状态\n13800000001,待通过\n13800000002,已添加\n13800000003,3\n13800000004,飞走了\n13800000005,\n",
    )
    called = shop.json("import-leads", shop.root / "inbox" / "批量加好友.csv", expect=4)
    assert totals(called.result) == (5, 2, 0, 2, 0, 1, 0)
    assert called.result["reasons"] == {"already-friend": 2, "unknown-lead-status": 1}
    assert called.result["files"][0]["unknown_words"] == {"飞走了": 1}


def test_the_customer_list_of_youzan_is_a_lead_list(shop: Shop) -> None:
    shop.file(
        "客户列表.csv",
        "客户姓名,客户昵称,客户手机号,客户生日,标签,消费次数,消费金额,来源渠道,来源方式,成为客户时间,\n"
        '张三,三三, 138 0000 0001 ,1月,"熟客,爱果",3,99.00,公众号,扫码,2024-01-01 10:00:00,\n'
        "李四,,138****0002,,,,,,,,\n,, ,,,,,,,,\n",
    )
    called = shop.json("import-leads", shop.root / "inbox" / "客户列表.csv", expect=4)
    assert called.result["files"][0]["platform"] == "有赞客户"
    assert totals(called.result)[1] == 1
    assert called.result["reasons"]["phone-masked"] == 1
    assert shop.rows('SELECT name, source, channel, attributes LIKE \'%"消费次数": "3"%\' FROM leads') == [
        ("张三", "扫码", "公众号", True)
    ]
    assert shop.rows("SELECT tag FROM phone_tags ORDER BY ALL") == [("熟客",), ("爱果",)]


def test_undo_takes_back_what_only_this_list_says(shop: Shop) -> None:
    staff_file(shop, ["a:甲"])
    shop.run("import-staff", shop.root / "inbox" / "员工.csv")
    shop.run("import-leads", lead_file(shop, [1, 2], "一.csv"), "--tag", "旧")  # 2
    shop.run("import-leads", lead_file(shop, [2, 3, 4], "二.csv"), "--tag", "新", "--source", "直播")  # 3
    shop.run("import-leads", lead_file(shop, [4], "三.csv"))  # 4
    taken = undo(shop, 3)
    # 3 goes; 2 loses what the second list said; 4 is named by the third list, too.
    assert (taken["removed"], taken["restored"], taken["kept"]) == (2, 0, {"confirmed-since": 1})
    assert [row[0][-1] for row in shop.rows(POOL)] == ["1", "2", "4"]
    assert shop.rows("SELECT DISTINCT tag FROM phone_tags") == [("旧",)]
    assert shop.rows("SELECT kind, run_id FROM lead_events WHERE lead_id = 3 ORDER BY event_id") == [
        ("imported", 3), ("undone", 5),
    ]  # fmt: skip
    assert shop.json("status").result["leads"] == 3
    assert undo(shop, 4)["removed"] == 1
    assert [row[0][-1] for row in shop.rows(POOL)] == ["1", "2"]
    back = shop.json("import-leads", shop.root / "inbox" / "二.csv", "--source", "直播")
    assert totals(back.result) == (3, 2, 0, 1, 0, 0, 0)
    assert [row[0][-1] for row in shop.rows(POOL)] == ["1", "2", "3", "4"]
    assert shop.rows("SELECT count(*), count(DISTINCT phone) FROM leads") == [(4, 4)]
    shop.run("doctor")


def test_undo_keeps_leads_that_somebody_was_given(shop: Shop) -> None:
    staff_file(shop, ["a:甲"])
    shop.run("import-staff", shop.root / "inbox" / "员工.csv")
    shop.run("import-leads", lead_file(shop, [1, 2]), "--tag", "双11")  # 2
    shop.run("distribute-leads")
    shop.run("import-leads", lead_file(shop, [2, 3], "二.csv"))  # 4
    taken = undo(shop, 2)
    assert (taken["removed"], taken["kept"]) == (0, {"assigned-since": 1, "confirmed-since": 1})
    assert [row[1] for row in shop.rows(POOL)] == ["待添加", "待添加", "待分配"]
    assert shop.rows("SELECT right(phone, 1) FROM phone_tags ORDER BY ALL") == [("1",)]
    taken = undo(shop, 4)
    assert (taken["removed"], taken["kept"]) == (1, {"assigned-since": 1})


def test_staff_comes_back_as_it_was(shop: Shop) -> None:
    shop.run("import-staff", staff_file(shop, ["a:甲", "b:乙"], "1.csv"))
    before = shop.rows("SELECT * FROM staff ORDER BY ALL")
    shop.run("import-staff", staff_file(shop, ["a:甲甲", "c:丙"], "2.csv"), "--full")
    taken = undo(shop, 2)
    assert (taken["removed"], taken["restored"], taken["kept"]) == (1, 2, {})
    assert shop.rows("SELECT * FROM staff ORDER BY ALL") == before
    shop.run("import-leads", lead_file(shop, [1]))
    shop.run("distribute-leads")
    taken = undo(shop, 1)
    assert (taken["removed"], taken["kept"]) == (0, {"assigned-since": 2})
    assert shop.rows("SELECT * FROM staff ORDER BY ALL") == before
    shop.run("doctor")


def test_a_friend_who_is_lost_is_no_friend(shop: Shop) -> None:
    shop.run("import-contacts", friend_file(shop, [1, 2]), "--exported-at", "2025-03-10")
    shop.run("import-contacts", friend_file(shop, [1], "后来.csv"), "--full", "--exported-at", "2025-03-11")
    called = shop.json("import-leads", lead_file(shop, [1, 2]))
    assert called.result["reasons"] == {"already-friend": 1, "already-customer": 1}


NUMBERS = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), min_size=1, max_size=12)


@given(rows=NUMBERS, known=st.lists(st.integers(0, 12), max_size=5), seed=st.randoms())
@examples(8)
def test_rows_and_phones_are_conserved(
    make_shop: Callable[[str], Shop], rows: list[list[int]], known: list[int], seed: random.Random
) -> None:
    shop = make_shop(f"h{next(SHOPS)}")
    if known:
        shop.run("import-leads", lead_file(shop, known, "旧.csv"))
    cells = ["/".join(str(13_800_000_000 + one) for one in row) for row in rows]
    seed.shuffle(cells)
    shop.file("名单.csv", "手机号\n" + "\n".join(cells) + "\n")
    path = shop.root / "inbox" / "名单.csv"
    dry = shop.json("import-leads", path, "--several-phones", "split", "--dry-run").result
    called = shop.json("import-leads", path, "--several-phones", "split").result
    assert dry["totals"] == called["totals"]
    counts = totals(called)
    phones = {one for row in rows for one in row}
    assert counts[0] == len(rows)
    assert called["new_leads"] == len(phones - set(known))
    assert shop.rows("SELECT count(*) FROM lead_state") == [(len(phones | set(known)),)]
    again = totals(shop.json("import-leads", path, "--several-phones", "split").result)
    assert again[1:3] == (0, 0)
    run = shop.rows("SELECT max(run_id) - 1 FROM runs")[0][0]
    undo(shop, run)
    left = Counter(shop.rows("SELECT right(phone, 2)::INT FROM lead_state"))
    # The second import of the same list left no row of its own, so nothing else names them.
    assert left == Counter((one,) for one in set(known))


SHOPS = count()
