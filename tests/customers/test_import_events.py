"""import-events through the real app: who did what when, nothing twice, nobody invented."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Shop, examples
from tests.leads.test_import_leads import totals
from tests.leads.test_lead_lists import undo

HEADER = "手机号,行为,时间,商品,类目,页面"
FACTS = "SELECT kind, phone, at_sec, product, customer_id FROM events ORDER BY ALL"


def events(shop: Shop, rows: Sequence[str], *, header: str = HEADER, name: str = "行为.csv") -> Any:
    return shop.file(name, "\n".join([header, *rows]) + "\n")


def did(word: str, number: int | str, *, at: str = "10:00:00", product: str = "苹果") -> str:
    phone = 13_800_000_000 + number if isinstance(number, int) else number
    return f"{phone},{word},2025-03-01 {at},{product},水果,首页Ａ"


def test_every_kind_of_event_and_who_did_it(shop: Shop) -> None:
    words = [
        "浏览",
        "点击",
        "加购",
        "收藏",
        "分享",
        "签到",
        "进群",
        "领券",
        "咨询",
        "关注",
        "核销优惠券",
        "晒图",
        "群消息",
    ]
    path = events(
        shop,
        [
            ",,,,,",
            *(did(word, 1) for word in words),
            did("view_item", 2),
            did("浏览", ""),
            did("浏览", "138****0001"),
            did("飞走", 1),
            did("飞走", 3),
            did("浏览", 1, at="25:00:00"),
            "13800000001,浏览,,苹果,,",
        ],
    )
    called = shop.json("import-events", path, expect=4)
    assert totals(called.result) == (21, 16, 0, 0, 0, 4, 1)
    assert called.result["reasons"] == {"unknown-event": 2, "bad-date": 1, "missing-event-time": 1}
    assert called.result["files"][0]["unknown_words"] == {"飞走": 2}
    assert called.result["files"][0]["notes"] == {"phone-masked": 1}
    assert (called.result["customers"], called.result["new_customers"], called.result["anonymous"]) == (
        2,
        2,
        2,
    )
    kinds = [
        "add_to_cart",
        "click",
        "consult",
        "coupon",
        "favorite",
        "follow",
        "group_message",
        "join_group",
        "review",
        "share",
        "sign_in",
        "use_coupon",
        "view",
    ]
    assert called.result["events"] == {**dict.fromkeys(kinds, 1), "view": 4}
    assert shop.rows("SELECT count(*) FROM events WHERE customer_id IS NULL AND phone IS NULL") == [(2,)]
    assert shop.rows("SELECT DISTINCT day, product_key, category_key, page, page_key FROM events") == [
        (20148, "苹果", "水果", "首页Ａ", "首页a")
    ]
    assert shop.json("status").result["events"] == 16
    words_said = shop.run("import-events", path, "--allow-rejects").stderr
    assert "不认识的行为:飞走 × 2" in words_said


def test_twice_and_longer_and_shuffled_change_nothing(make_shop: Callable[[str], Shop]) -> None:
    rows = [did("浏览", 1), did("浏览", 1), did("加购", 1), did("浏览", 2), did("签到", "")]
    shop = make_shop("甲")
    path = events(shop, rows)
    dry = shop.json("import-events", path, "--dry-run")
    assert shop.rows("SELECT count(*) FROM events") == [(0,)]
    real = shop.json("import-events", path)
    assert dry.result == real.result
    before, facts = shop.rows("SELECT * FROM events ORDER BY event_no"), shop.rows(FACTS)
    again = shop.json("import-events", path)
    assert (totals(again.result), again.result["reasons"]) == ((5, 0, 0, 5, 0, 0, 0), {"known": 5})
    assert again.result["customers"] == 2
    longer = shop.json("import-events", events(shop, [did("浏览", 1), *rows], name="长.csv"))
    assert totals(longer.result)[1:4] == (1, 0, 5)
    assert shop.rows("SELECT * FROM events ORDER BY event_no")[:5] == before
    other = make_shop("乙")
    random.Random(1).shuffle(rows)
    other.run("import-events", events(other, rows))
    assert other.rows(FACTS) == facts


def test_an_event_id_is_the_event(shop: Shop) -> None:
    header = "事件编号,买家账号,事件,时间,商品"
    rows = [
        "e1,甲,浏览,2025-03-01 10:00:00,苹果",
        "e1,甲,浏览,2025-03-01 10:00:00,苹果",
        "e2,甲,浏览,2025-03-01 10:00:00,苹果",
        "e3,乙,浏览,2025-03-01 10:00:00,苹果",
        "e3,乙,加购,2025-03-01 10:00:00,苹果",
        ",乙,签到,2025-03-01 10:00:00,",
        ",乙,签到,2025-03-01 10:00:00,",
    ]
    called = shop.json("import-events", events(shop, rows, header=header), expect=4)
    assert totals(called.result) == (7, 5, 0, 0, 1, 1, 0)
    assert called.result["reasons"] == {"same-row": 1, "conflicting-rows": 1}
    later = ["e1,甲,浏览,2025-03-01 10:00:00,梨", "e2,甲,浏览,2025-03-01 10:00:00,苹果"]
    called = shop.json("import-events", events(shop, later, header=header, name="后来.csv"))
    assert (totals(called.result)[3], called.result["reasons"]) == (2, {"event-differs": 1, "known": 1})
    assert shop.rows("SELECT DISTINCT product FROM events WHERE event_id IS NOT NULL") == [("苹果",)]


def test_two_files_of_one_run(shop: Shop) -> None:
    one = events(shop, [did("浏览", 1), did("加购", 1)], name="一.csv")
    two = events(shop, [did("加购", 1), did("签到", 2)], name="二.csv")
    called = shop.json("import-events", one, two)
    assert [(file["new"], file["duplicate"]) for file in called.result["files"]] == [(2, 0), (1, 1)]
    again = shop.json("import-events", one, two)
    assert [(file["unchanged"], file["duplicate"]) for file in again.result["files"]] == [(2, 0), (1, 1)]
    assert again.result["customers"] == 2


def test_events_meet_orders_and_friends_by_their_keys(shop: Shop) -> None:
    shop.file(
        "订单.csv",
        "订单号,买家账号,手机号,付款时间,实付金额,商品\n1,甲,13800000001,2025-03-01 10:00:00,9.90,苹果\n",
    )
    shop.run("import-orders", shop.root / "inbox" / "订单.csv")
    platform = shop.rows("SELECT namespace FROM customer_keys WHERE kind = 'buyer'")[0][0]
    shop.file(
        "客户列表.csv",
        "外部联系人ID,unionid,客户名称,添加人账号,添加时间,所属企业\nwm1,u1,丙,li,2025-03-01 10:00:00,某店\n",
    )
    shop.run("import-contacts", shop.root / "inbox" / "客户列表.csv")
    shop.file(
        "我的.yaml",
        f"name: 我的行为\nkind: events\nmatch: {{any_of: [[动作, 谁]]}}\nconstants: {{platform: {platform}}}\n"
        "columns: {event: 动作, at: 何时, buyer_id: 谁, external_userid: 企微, unionid: 微信}\n"
        "events: {view: [看], share: [转]}\n",
    )
    rows = [
        "看,甲,,,2025-03-02 10:00:00", "转,,wm1,,2025-03-02 10:00:00", "转,,,u1,2025-03-02 10:00:00",
        "看,新人,,,2025-03-02 10:00:00", "看,**人,,,2025-03-02 10:00:00",
    ]  # fmt: skip
    path = events(shop, rows, header="动作,谁,企微,微信,何时")
    called = shop.json("import-events", path, "--platform", shop.root / "inbox" / "我的.yaml")
    assert (called.result["customers"], called.result["new_customers"], called.result["anonymous"]) == (
        3,
        1,
        1,
    )
    assert called.result["files"][0]["notes"] == {"id-masked": 1}
    assert Counter(shop.rows("SELECT customer_id FROM events")) == {(1,): 1, (2,): 2, (3,): 1, (None,): 1}


def test_a_file_of_one_kind_needs_no_word(shop: Shop) -> None:
    shop.file(
        "签到.yaml",
        "name: 签到\nkind: events\nmatch: {any_of: [[手机号, 签到日期]]}\nconstants: {event: sign_in}\n"
        "columns: {phone: 手机号, at: 签到日期}\n",
    )
    path = events(shop, ["13800000001,2025-03-01", "13800000001,2025-03-02"], header="手机号,签到日期")
    called = shop.json("import-events", path, "--platform", shop.root / "inbox" / "签到.yaml")
    assert called.result["events"] == {"sign_in": 2}


def test_undo_leaves_what_others_say(shop: Shop) -> None:
    shop.run("import-events", events(shop, [did("浏览", 1), did("加购", 1)], name="一.csv"))
    shop.run("import-events", events(shop, [did("加购", 1), did("签到", 2)], name="二.csv"))
    assert undo(shop, 1) == {
        "undone_run": 1, "command": "import-events", "removed": 1, "restored": 0, "kept": {"confirmed-since": 1},
        "gone": {"customers": 0, "pins": 0, "stages": 0},
    }  # fmt: skip
    assert [row[0] for row in shop.rows(FACTS)] == ["add_to_cart", "sign_in"]
    assert shop.rows("SELECT count(*) FROM customers") == [(2,)]
    assert undo(shop, 2)["removed"] == 2
    assert shop.rows("SELECT count(*) FROM customers") == [(0,)]
    assert totals(shop.json("import-events", shop.root / "inbox" / "一.csv").result)[1] == 2
    shop.run("doctor")


def test_the_mended_rejects_file_imports_again(shop: Shop) -> None:
    called = shop.json("import-events", events(shop, [did("浏览", 1), did("飞走", 1)]), expect=4)
    path = shop.root / called.result["files"][0]["rejects_file"]
    book = openpyxl.load_workbook(path)
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            if cell.value == "飞走":
                cell.value = "加购"
    book.save(path)
    assert totals(shop.json("import-events", path).result)[1] == 1
    assert [row[0] for row in shop.rows(FACTS)] == ["add_to_cart", "view"]


def test_refusals(shop: Shop) -> None:
    for header, code in (("手机号,行为", "missing-at-column"), ("手机号,时间", "missing-event-column")):
        path = events(shop, ["13800000001,浏览"], header=header)
        assert shop.json("import-events", path, "--platform", "行为", expect=3).error["code"] == code
    assert shop.rows("SELECT count(*) FROM events") == [(0,)]


ROWS = st.lists(
    st.tuples(st.sampled_from(["浏览", "加购", "飞走"]), st.integers(1, 3), st.integers(0, 1)),
    min_size=1,
    max_size=15,
)
SHOPS = count()


@given(rows=ROWS, more=ROWS, seed=st.randoms())
@examples(6)
def test_each_row_is_one_event_once(
    make_shop: Callable[[str], Shop], rows: list[Any], more: list[Any], seed: random.Random
) -> None:
    def lines(of: list[Any]) -> list[str]:
        return [did(word, number, at=f"10:00:0{second}") for word, number, second in of]

    shop = make_shop(f"e{next(SHOPS)}")
    path = events(shop, lines(rows))
    first = totals(shop.json("import-events", path, "--allow-rejects").result)
    good = Counter(row for row in rows if row[0] != "飞走")
    assert first[1] == good.total()
    assert first[5] == len(rows) - good.total()
    seed.shuffle(rows)
    again = totals(shop.json("import-events", events(shop, lines(rows)), "--allow-rejects").result)
    assert again[1] == 0
    before = shop.rows("SELECT * EXCLUDE (run_id) FROM events ORDER BY event_no")
    shop.run("import-events", events(shop, lines(more), name="后来.csv"), "--allow-rejects")
    theirs = Counter(row for row in more if row[0] != "飞走")
    assert shop.rows("SELECT count(*) FROM events") == [((good | theirs).total(),)]
    undo(shop, 3)
    assert shop.rows("SELECT * EXCLUDE (run_id) FROM events ORDER BY event_no") == before
