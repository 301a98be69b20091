"""Facts of what customers did and were sent: up to the moment, of known customers, alike on both engines."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from siyu_cli.customers.behaviour import build_events, build_sends
from siyu_cli.customers.tables import build_tables
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.migrations import MIGRATIONS
from siyu_cli.store.pushes import record_members
from tests.engines import SqliteEngine
from tests.shop_rows import close_of, customer, insert
from tests.stores import make_store, new_store

NOON = close_of("2025-03-15").seconds - 43_199
DAY = close_of("2025-03-15").day


def event(number: int, who: int | None, at_sec: int, kind: str = "view", **more: Any) -> dict[str, Any]:
    return {
        "event_no": number, "event_hash": number, "customer_id": who, "kind": kind, "at_sec": at_sec,
        "day": at_sec // 86_400, "first_run_id": 1, "run_id": 1,
    } | more  # fmt: skip


def test_events_of_customers_up_to_the_moment() -> None:
    con = make_store()
    insert(con, "events", [
        event(1, 1, NOON, product="ＡＢ", product_key="ab", page="首页", page_key="首页"),
        event(2, 1, close_of("2025-03-15").seconds, "click"),
        event(3, 1, close_of("2025-03-15").seconds + 1),
        event(4, None, NOON),
    ])  # fmt: skip
    duck, lite = DuckDbEngine(con), SqliteEngine()
    lite.register("events", duck.query("SELECT * EXCLUDE (event_hash) FROM events"))
    answers = []
    for engine in (duck, lite):
        build_events(engine, close_of("2025-03-15"))
        answers.append(engine.query("SELECT * FROM fact_events ORDER BY event_no").to_pylist())
    assert answers[0] == answers[1]
    keys = dict.fromkeys((f"{name}_key" for name in ("category", "sku", "platform", "shop", "channel")), "")
    first = {"customer_id": 1, "event_no": 1, "kind": "view", "at_sec": NOON, "day": DAY, **keys}
    second = {**first, "event_no": 2, "kind": "click", "at_sec": NOON + 43_199}
    assert answers[0] == [
        {**first, "product_key": "ab", "page_key": "首页"},
        {**second, "product_key": "", "page_key": ""},
    ]


def test_a_send_counts_once_a_person_push_and_day() -> None:
    with new_store() as con:
        insert(con, "customers", [customer(number) for number in (1, 2, 3)])
        record_members(con, 5, "三月Ａ", [1, 2, 2], NOON)
        record_members(con, 6, "三月a ", [2, 3], NOON + 60)
        record_members(con, 7, "三月A", [1], NOON + 86_400)
        record_members(con, 8, "别的", [1], NOON + 5)
        stored = con.execute(
            "SELECT run_id, push, push_key, customer_id, at_sec, day FROM push_members ORDER BY ALL"
        ).fetchall()
        assert stored == [
            (5, "三月Ａ", "三月a", 1, NOON, DAY), (5, "三月Ａ", "三月a", 2, NOON, DAY),
            (6, "三月a ", "三月a", 3, NOON + 60, DAY), (7, "三月A", "三月a", 1, NOON + 86_400, DAY + 1),
            (8, "别的", "别的", 1, NOON + 5, DAY),
        ]  # fmt: skip
        # Two customers of one list who turn out to be one person were sent one message.
        con.execute("UPDATE push_members SET customer_id = 1 WHERE customer_id = 3")
        duck, lite = DuckDbEngine(con), SqliteEngine()
        lite.register("push_members", duck.query("SELECT * FROM push_members"))
        for engine in (duck, lite):
            build_sends(engine, close_of("2025-03-15"))
            sends = engine.query("SELECT * FROM fact_sends ORDER BY customer_id, push_key").to_pylist()
            assert [tuple(row.values()) for row in sends] == [
                (1, 5, "三月a", NOON, DAY), (1, 8, "别的", NOON + 5, DAY), (2, 5, "三月a", NOON, DAY),
            ]  # fmt: skip


@pytest.mark.parametrize("tables", [(), ("fact_sends",), ("fact_orders", "fact_customers"), ("elsewhere",)])
def test_only_the_tables_asked_for_are_made(tables: tuple[str, ...]) -> None:
    with new_store() as con:
        con.execute("CREATE TEMP TABLE before AS SELECT table_name FROM duckdb_tables()")
        build_tables(DuckDbEngine(con), close_of("2025-03-15"), tables)
        made = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'fact%' AND temporary"
        ).fetchall()
        wanted = set(tables) - {"elsewhere"}
        if "fact_customers" in wanted:
            wanted.add("fact_stages")
        assert {name for (name,) in made} == wanted


def test_pages_of_an_older_store_are_folded() -> None:
    with duckdb.connect() as con:
        for step in MIGRATIONS[:8]:
            step(con)
        insert(con, "events", [event(1, 1, NOON, page="ＡＢ群 "), event(2, 1, NOON)])
        insert(con, "events_versions", [event(1, 1, NOON, page="旧 群")])
        for step in MIGRATIONS[8:]:
            step(con)
        assert con.execute("SELECT page_key FROM events ORDER BY event_no").fetchall() == [("ab群",), (None,)]
        assert con.execute("SELECT page_key FROM events_versions").fetchall() == [("旧 群",)]
        assert con.execute("SELECT count(*) FROM push_members").fetchall() == [(0,)]
