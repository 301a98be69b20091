"""Stores of before the tag machine are carried over with their tags, pins and log."""

from __future__ import annotations

from typing import Any

import duckdb

from siyu_cli.store.migrations import MIGRATIONS
from siyu_cli.store.tag_exports import find_tag_diff, note_exported, wanted_tags
from tests.shop_rows import customer, insert, key


def tag(number: int, name: str, source: str = "auto", pin: str = "none", day: int = 100) -> dict[str, Any]:
    return {
        "customer_id": number, "tag": name, "source": source, "pin": pin, "set_day": day, "rule_hash": "h", "run_id": 3,
    }  # fmt: skip


def older(con: Any, until: int) -> None:
    """A store that has seen so many migrations: people with tags of rules, of hands and of their phones."""
    for step in MIGRATIONS[:until]:
        step(con)
    insert(con, "customers", [customer(number) for number in range(1, 5)])
    insert(con, "customer_keys", [key(4, "13800000004")])
    insert(con, "tags", [
        tag(1, "买过"), tag(2, "买过", "manual", "on", 90), tag(3, "买过", "manual", "off", 95), tag(1, "亲友", "manual"),
    ])  # fmt: skip
    insert(
        con,
        "phone_tags",
        [{"phone": "13800000004", "tag": "名单的", "batch": "", "set_day": 80, "run_id": 2}],
    )


LOG = [
    {"run_id": 3, "customer_id": 1, "tag": "买过", "action": "add", "day": 100, "rule_hash": "h"},
    {"run_id": 4, "customer_id": 3, "tag": "买过", "action": "remove", "day": 101, "rule_hash": "h"},
]


def test_tags_pins_and_log_of_an_older_store_are_carried_over() -> None:
    with duckdb.connect() as con:
        older(con, 11)
        insert(con, "tag_log", LOG)
        held = "SELECT customer_id, tag, source, pin, set_day FROM held_tags ORDER BY ALL"
        before = con.execute(held).fetchall()
        for step in MIGRATIONS[11:]:
            step(con)
        assert con.execute(held).fetchall() == before == [
            (1, "买过", "auto", "none", 100), (1, "亲友", "manual", "none", 100), (2, "买过", "manual", "on", 90),
            (4, "名单的", "manual", "none", 80),
        ]  # fmt: skip
        assert con.execute(
            "SELECT customer_id, pin, pin_day, is_held, rule_hash, run_id FROM tags WHERE tag = '买过' ORDER BY 1"
        ).fetchall() == [(1, "none", None, 1, "h", 3), (2, "on", 90, 1, "h", 3), (3, "off", 95, 0, "h", 3)]
        told = con.execute("SELECT * FROM tag_log ORDER BY run_id").fetchall()
        assert told == [(*row.values(), "", "") for row in LOG]
        # The log takes what hands do from now on.
        insert(con, "tag_log", [LOG[0] | {"action": "pin_on", "cause": "hand", "reason": "门店"}])
        for table in ("tag_truths", "tag_rules", "tag_runs"):
            assert con.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]


def test_an_older_store_has_told_nobody_anything_yet() -> None:
    with duckdb.connect() as con:
        older(con, 13)
        insert(con, "contacts", [{
            "contact_no": 1, "customer_id": 1, "staff_id": "xl", "is_phone_noted": 0, "exported_sec": 0,
            "first_run_id": 1, "run_id": 1,
        }])  # fmt: skip
        for step in MIGRATIONS[13:]:
            step(con)
        find_tag_diff(con)
        assert wanted_tags(con) == [("买过", 1), ("亲友", 1)]
        note_exported(con, 9)
        assert con.execute("SELECT contact_no, staff_key, tag, run_id FROM tag_exports ORDER BY tag").fetchall() == [
            (1, "xl", "买过", 9), (1, "xl", "亲友", 9),
        ]  # fmt: skip
        assert con.execute("SELECT count(*) FROM tags").fetchall() == [(4,)]
