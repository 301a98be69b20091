"""Numbers of customers are given once: sheets with them are still right after an import was undone."""

from __future__ import annotations

from pathlib import Path

import duckdb

from siyu_cli.store.migrations import MIGRATIONS
from tests.conftest import Shop
from tests.shop_rows import customer, insert, key

HEADER = "订单号,买家账号,付款时间,实付金额,商品"


def orders(shop: Shop, name: str, *buyers: str) -> Path:
    rows = [f"{name}{at},{buyer},2025-03-0{at} 10:00:00,9.90,茶" for at, buyer in enumerate(buyers, 1)]
    return shop.file(f"{name}.csv", "\n".join([HEADER, *rows]))


def numbers(shop: Shop) -> dict[str, int]:
    return dict(shop.rows("SELECT value, customer_id FROM customer_keys WHERE kind = 'buyer' ORDER BY 1"))


def bring(shop: Shop, file: Path) -> int:
    return int(shop.json("import-orders", file, "--platform", "通用订单").document["run_id"])


def test_an_old_sheet_never_means_somebody_else(shop: Shop) -> None:
    run = bring(shop, orders(shop, "一", "甲", "乙", "丙"))
    assert numbers(shop) == {"甲": 1, "乙": 2, "丙": 3}
    shop.run("undo-import", str(run), "--yes")
    bring(shop, orders(shop, "二", "丁", "戊"))
    assert numbers(shop) == {"丁": 4, "戊": 5}
    # 乙 was number 2: the sheet of those days is refused, not taken for another person.
    only_rule = "manual_tags: [亲友]\n"
    (shop.root / "rules" / "手工.yaml").write_text(only_rule, encoding="utf-8")
    sheet = shop.file("打标签.csv", "客户编号,标签\n2,亲友\n5,亲友\n")
    done = shop.json("set-tag", "--file", sheet, expect=4).result
    assert (done["reasons"], done["totals"]["updated"]) == ({"unknown-customer": 1}, 1)
    assert shop.rows("SELECT customer_id FROM held_tags") == [(5,)]


def test_undone_and_imported_again_is_the_same_shop_under_new_numbers(shop: Shop) -> None:
    file = orders(shop, "一", "甲", "乙")
    first = shop.json("import-orders", file, "--platform", "通用订单")
    shop.run("undo-import", str(first.document["run_id"]), "--yes")
    assert numbers(shop) == {}
    again = shop.json("import-orders", file, "--platform", "通用订单").result
    assert {**again, "files": 0} == {**first.result, "files": 0}
    assert numbers(shop) == {"甲": 3, "乙": 4}
    tables = ("customers", "customer_keys", "order_lines", "given_numbers")
    before = [shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables]
    third = shop.json("import-orders", file, "--platform", "通用订单").result
    assert (third["totals"]["new"], third["totals"]["unchanged"], third["new_customers"]) == (0, 2, 0)
    assert [shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables] == before


def test_a_dry_run_uses_no_number_up(shop: Shop) -> None:
    for _ in range(2):
        shop.run("import-orders", orders(shop, "一", "甲", "乙"), "--platform", "通用订单", "--dry-run")
    bring(shop, orders(shop, "一", "甲", "乙"))
    assert numbers(shop) == {"甲": 1, "乙": 2}


def test_friends_and_events_take_numbers_from_the_same_row(shop: Shop) -> None:
    friends = shop.file(
        "好友.csv", "客户名称,添加人,添加时间,手机\n甲,小李,2025-03-01 10:00:00,13800000001\n"
    )
    run = shop.json("import-contacts", friends).document["run_id"]
    shop.run("undo-import", str(run), "--yes")
    shop.run(
        "import-events", shop.file("行为.csv", "手机号,行为,时间\n13800000002,签到,2025-03-02 10:00:00\n")
    )
    assert shop.rows("SELECT customer_id, value FROM customer_keys") == [(2, "13800000002")]


def test_an_older_store_goes_on_after_its_largest_number() -> None:
    """The largest may be that of a customer who was merged away."""
    with duckdb.connect() as con:
        for step in MIGRATIONS[:15]:
            step(con)
        insert(con, "customers", [customer(1), customer(2)])
        insert(con, "customer_keys", [{**key(2, "13800000002"), "born_id": 7}])
        for step in MIGRATIONS[15:]:
            step(con)
        assert con.execute("SELECT name, last FROM given_numbers").fetchall() == [("customer", 7)]
    with duckdb.connect() as con:
        for step in MIGRATIONS:
            step(con)
        assert con.execute("SELECT name, last FROM given_numbers").fetchall() == [("customer", 0)]
