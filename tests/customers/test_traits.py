"""What lists say of people, who is a friend, whose orders are bound: exact, alike on both engines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from siyu_cli.clock import AsOf
from siyu_cli.customers.traits import build_bindings, build_friends, build_traits
from siyu_cli.store.engine import DuckDbEngine, Engine
from siyu_cli.store.migrations import MIGRATIONS
from tests.conftest import Shop
from tests.engines import SqliteEngine
from tests.shop_rows import add_lead, close_of, customer, day, insert, key, order, writable
from tests.stores import new_store

AS_OF = ("--as-of", "2025-03-15")
AT = close_of("2025-03-15")


@pytest.fixture
def con() -> Iterator[Any]:
    with new_store() as con:
        yield con


def on_both(
    con: Any, build: Callable[[Engine, AsOf], None], table: str, as_of: AsOf = AT
) -> list[dict[str, Any]]:
    """The rows of a fact, which both engines must agree on."""
    duck, lite = DuckDbEngine(con), SqliteEngine()
    names = {"order_lines": "line_no, customer_id, created_sec, paid_sec"}
    for name in ("customer_traits", "friendships", "customers", "customer_keys", "order_lines"):
        lite.register(name, duck.query(f"SELECT {names.get(name, '*')} FROM {name}"))
    answers = []
    for engine in (duck, lite):
        build(engine, as_of)
        answers.append(engine.query(f"SELECT * FROM {table} ORDER BY customer_id").to_pylist())
    assert answers[0] == answers[1]
    return answers[0]


def friend(number: int, who: int | None, **more: Any) -> dict[str, Any]:
    return {
        "contact_no": number, "customer_id": who, "is_phone_noted": 0, "exported_sec": 0, "first_run_id": 1,
        "run_id": 1,
    } | more  # fmt: skip


def person(con: Any, number: int, attributes: dict[str, str] | None = None, at: str = "2025-03-01") -> None:
    """A customer, and a list that says this of the phone."""
    phone = f"138{number:08}"
    insert(con, "customers", [customer(number)])
    insert(con, "customer_keys", [key(number, phone)])
    if attributes is not None:
        say(con, phone, attributes, at)


def say(con: Any, phone: str, attributes: dict[str, str], at: str) -> None:
    said = json.dumps(attributes, ensure_ascii=False)
    row = {"phone": phone, "attributes": said, "batch": "名单", "at_sec": day(at) * 86_400, "run_id": 1}
    insert(con, "phone_traits", [row])


@pytest.mark.parametrize(
    ("text", "month", "date"),
    [
        ("1990-05-06", 5, 6), ("1990/5/6", 5, 6), ("1990.05.06", 5, 6), ("1990年5月6日", 5, 6), ("19900506", 5, 6),
        ("05-06", 5, 6), ("5月6日", 5, 6), ("5/6", 5, 6), ("12月31号", 12, 31), ("1990-05-06 00:00:00", 5, 6),
        (" 1990-05-06 ", 5, 6), ("2000-02-29", 2, 28), ("2-30", None, None), ("13-01", None, None),
        ("04-31", None, None), ("00-10", None, None), ("19901345", None, None), ("保密", None, None),
        ("06/05/1990", None, None), ("1990", None, None), ("", None, None),
    ],
)  # fmt: skip
def test_birthdays_as_people_write_them(con: Any, text: str, month: int | None, date: int | None) -> None:
    person(con, 1, {"生日": text, "积分": "0"})
    (row,) = on_both(con, build_traits, "fact_traits")
    assert (row["birth_month"], row["birth_day"]) == (month, date)


def test_29_february_is_kept_in_leap_years(con: Any) -> None:
    person(con, 1, {"出生日期": "02-29"})
    days = [
        on_both(con, build_traits, "fact_traits", close_of(f"{year}-01-01"))[0]["birth_day"]
        for year in (2024, 2025)
    ]
    assert days == [29, 28]


@pytest.mark.parametrize(
    ("header", "text", "column", "value"),
    [
        ("性别", "男", "gender_key", "男"), ("客户性别", "女士", "gender_key", "女"), ("性别", "F", "gender_key", "女"),
        ("性别", "未知", "gender_key", ""), ("会员等级", " ＶＩＰ ", "level_key", "vip"), ("等级", "金卡", "level_key", "金卡"),
        ("客户积分", "1,234", "points", 1234), ("积分", "88.00", "points", 88), ("可用积分", "-5", "points", -5),
        ("积分", "60分", "points", 60), ("积分", "很多", "points", None), ("积分", "1" * 13, "points", None),
    ],
)  # fmt: skip
def test_traits_by_the_words_of_lists(con: Any, header: str, text: str, column: str, value: Any) -> None:
    person(con, 1, {header: text, "生日": "5-6", "别的": "x"})
    (row,) = on_both(con, build_traits, "fact_traits")
    assert row[column] == value
    assert row["birth_month"] == 5


def test_the_newest_that_can_be_read_wins_and_each_trait_by_itself(con: Any) -> None:
    person(con, 1, {"性别": "男", "会员等级": "银卡", "积分": "10"}, at="2025-03-02")
    insert(con, "customer_keys", [key(1, "13900000009")])
    say(con, "13900000009", {"会员等级": "金卡", "性别": "保密"}, "2025-03-05")
    later = close_of("2025-03-09").seconds
    insert(con, "contacts", [
        friend(1, 1, attributes='{"积分": "30", "会员等级": " "}', exported_sec=later),
        friend(2, None, attributes='{"积分": "99"}', exported_sec=later),
    ])  # fmt: skip
    person(con, 2, {"部门": "x"})
    person(con, 3)
    assert on_both(con, build_traits, "fact_traits") == [{
        "customer_id": 1, "gender_key": "男", "birth_month": None, "birth_day": None, "level_key": "金卡", "points": 30,
    }]  # fmt: skip


def test_friends_lost_friends_and_days_since(con: Any) -> None:
    def at(text: str) -> int:
        return day(text) * 86_400 + 100

    insert(con, "contacts", [
        friend(1, 1, added_sec=at("2025-03-12")), friend(2, 1, added_sec=at("2025-03-01"), lost_sec=at("2025-03-10")),
        friend(3, 2, added_sec=at("2025-03-01"), lost_sec=AT.seconds),
        friend(4, 3, added_sec=at("2025-03-01"), lost_sec=AT.seconds + 1),
        friend(5, 4, added_sec=AT.seconds + 1), friend(6, 5), friend(7, None, added_sec=at("2025-03-01")),
        friend(8, 6, added_sec=AT.seconds), friend(9, 6, added_sec=at("2025-03-14")),
    ])  # fmt: skip
    found = [tuple(row.values()) for row in on_both(con, build_friends, "fact_friends")]
    assert found == [(1, 1, 0, 3), (2, 0, 1, None), (3, 1, 0, 14), (5, 1, 0, None), (6, 1, 0, 1)]


def test_an_order_is_bound_to_whoever_can_be_reached(con: Any) -> None:
    insert(con, "customers", [customer(number) for number in range(1, 8)])
    insert(
        con, "customer_keys", [key(1, "13800000001"), key(2, "n2", "buyer", "淘宝"), key(5, "13800000005")]
    )
    insert(con, "contacts", [
        friend(1, 3, added_sec=1), friend(2, 4, added_sec=1, lost_sec=5), friend(3, 7, added_sec=1),
    ])  # fmt: skip
    insert(con, "order_lines", [
        order(1, 1, "2025-03-15", 10), order(2, 2, "2025-03-10", 10), order(3, 3, "2025-03-10", 10, status="closed"),
        order(4, 4, "2025-03-10", 10), order(5, 5, "2025-03-16", 10), order(6, None, "2025-03-10", 10),
        order(7, 7, "2025-03-10", 10, created_sec=None, paid_sec=None, paid_day=None, status="unpaid"),
    ])  # fmt: skip
    bound = {row["customer_id"] for row in on_both(con, build_bindings, "fact_bindings") if row["is_bound"]}
    # 2 has no phone and is nobody's friend, 4 is a friend no more, 5 ordered after the moment, 6 never did.
    assert bound == {1, 3, 7}


def test_lists_tell_of_customers_too_and_can_be_taken_back(shop: Shop) -> None:
    """Whoever has ordered makes no lead, but has a birthday."""
    head = "手机号,生日,会员等级,积分\n"
    with writable(shop) as con:
        insert(con, "customers", [customer(1)])
        insert(con, "customer_keys", [key(1, "13800000001")])
    shop.run(
        "import-leads",
        shop.file("会员.csv", head + "13800000001,1990-05-06,金卡,10\n13800000002,,银卡,\n"),
        *AS_OF,
    )
    seen = "SELECT customer_id, birth_month, level, points FROM customer_traits"
    assert shop.rows(seen) == [(1, 5, "金卡", 10)]
    shop.run(
        "import-leads",
        shop.file("会员.csv", head + "13800000001,1990-05-06,金卡,10\n13800000002,,银卡,\n"),
        *AS_OF,
    )
    assert shop.rows("SELECT count(*) FROM phone_traits") == [(2,)]
    shop.run("import-leads", shop.file("会员二.csv", head + "13800000001,,钻石,7\n"), "--as-of", "2025-03-16")
    assert shop.rows(seen) == [(1, 5, "钻石", 7)]
    shop.run("undo-import", "3", "--yes")
    assert shop.rows(seen) == [(1, 5, "金卡", 10)]


def test_traits_of_an_older_store_come_from_its_leads() -> None:
    with duckdb.connect() as con:
        for step in MIGRATIONS[:9]:
            step(con)
        insert(con, "customer_keys", [key(1, "13800000001")])
        for number in (1, 2):
            add_lead(con, number, f"1380000000{number}")
        con.execute('UPDATE leads SET attributes = \'{"生日": "5月6日"}\'')
        last = con.execute("SELECT max(event_id) FROM lead_events").fetchall()[0][0]
        insert(con, "lead_events", [
            {"event_id": last + 1, "lead_id": 2, "at_sec": 9, "kind": "undone", "reason": "", "run_id": 2},
        ])  # fmt: skip
        for step in MIGRATIONS[9:]:
            step(con)
        assert con.execute("SELECT phone, run_id FROM phone_traits").fetchall() == [("13800000001", 1)]
        assert con.execute("SELECT customer_id, birth_month, birth_day FROM customer_traits").fetchall() == [
            (1, 5, 6)
        ]
