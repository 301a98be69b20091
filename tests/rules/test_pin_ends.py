"""Tags set by hand until a day: by command and by sheet, of rules and of people only."""

from __future__ import annotations

from typing import Any

import duckdb
import openpyxl
import pytest

from siyu_cli.store.migrations import MIGRATIONS
from tests.conftest import Shop
from tests.rules.test_tag_commands import held, only_rule, state
from tests.shop_rows import customer, insert, key, order, writable
from tests.store.test_tag_tables import older

RULES = """
manual_tags: [嘉宾]
tags:
  买过: {when: 订单数 >= 1}
  常来: {when: 订单数 >= 9, manual_ttl: 3d}
  请过: {when: 标签 有 嘉宾}
"""
DAY = ("--as-of", "2025-03-15")
ENDS = "2025-03-20"


def at(day: int) -> tuple[str, str]:
    return ("--as-of", f"2025-03-{day}")


@pytest.fixture
def people(shop: Shop) -> Shop:
    """1 to 3 bought once, each with a phone; the list of 3 calls them 嘉宾."""
    with writable(shop) as con:
        for number in range(1, 4):
            insert(con, "customers", [customer(number)])
            insert(con, "customer_keys", [key(number, f"1380000000{number}")])
            insert(con, "order_lines", [order(number, number, "2025-03-01", 100.0)])
        row = {"phone": "13800000003", "tag": "嘉宾", "batch": "", "set_day": 20_000, "run_id": 1}
        insert(con, "phone_tags", [row])
    only_rule(shop, RULES)
    shop.run("apply-tags", *DAY)
    assert held(shop, 1) == {"买过"}
    return shop


def log_of(shop: Shop, number: int, tag: str) -> list[tuple[Any, ...]]:
    return shop.rows(
        "SELECT action, day, cause FROM tag_log WHERE customer_id = ? AND tag = ? AND cause = 'ttl' ORDER BY action",
        [number, tag],
    )


def test_a_tag_of_a_rule_goes_back_to_it_on_the_day_after(people: Shop) -> None:
    people.run("set-tag", "1", "常来", "--until", ENDS, *DAY)
    people.run("set-tag", "2", "买过", "--off", "--until", ENDS, *DAY)
    # The end that was written counts, not the three days of the rule.
    people.run("apply-tags", *at(20))
    assert (held(people, 1), held(people, 2)) == ({"买过", "常来"}, set())
    planned = people.json("plan-tags", *at(21)).result
    causes = {row["tag"]: row["causes"] for row in planned["tags"]}
    assert causes["常来"] == {"added": {}, "removed": {"ttl": 1}}
    assert causes["买过"] == {"added": {"ttl": 1}, "removed": {}}
    people.run("apply-tags", *at(21))
    assert (held(people, 1), held(people, 2)) == ({"买过"}, {"买过"})
    assert log_of(people, 1, "常来") == [("remove", 20168, "ttl"), ("unpin", 20168, "ttl")]
    before = state(people)
    people.run("apply-tags", *at(21))
    assert state(people) == before


def test_a_tag_only_people_set_ends_and_what_rests_on_it_with_it(people: Shop) -> None:
    for who in ("1", "2"):
        people.run("set-tag", who, "嘉宾", *(("--until", ENDS) if who == "1" else ()), *DAY)
    people.run("apply-tags", *at(20))
    assert held(people, 1) == {"买过", "嘉宾", "请过"}
    before = state(people)
    planned = people.json("plan-tags", *at(21)).result
    assert planned["ended"] == [{"tag": "嘉宾", "removed": 1, "added": 0}]
    assert {row["tag"]: row["removed"] for row in planned["tags"]} == {"买过": 0, "常来": 0, "请过": 1}
    assert "人工的「嘉宾」到期:去掉 1 人" in people.run("plan-tags", *at(21)).stderr
    assert state(people) == before
    applied = people.json("apply-tags", *at(21)).result
    assert applied["ended"] == planned["ended"]
    assert (held(people, 1), held(people, 2)) == ({"买过"}, {"买过", "嘉宾", "请过"})
    assert log_of(people, 1, "嘉宾") == [("remove", 20168, "ttl"), ("unpin", 20168, "ttl")]
    assert people.json("apply-tags", *at(21)).result["ended"] == []


def test_a_list_gives_again_what_a_hand_kept_away(people: Shop) -> None:
    assert "嘉宾" in held(people, 3)
    people.run("set-tag", "3", "嘉宾", "--off", "--until", ENDS, *DAY)
    people.run("apply-tags", *DAY)
    assert held(people, 3) == {"买过"}
    assert people.json("apply-tags", *at(21)).result["ended"] == [{"tag": "嘉宾", "removed": 0, "added": 1}]
    assert held(people, 3) == {"买过", "嘉宾", "请过"}
    # A hand that says what the list says anyway takes nothing along when it ends.
    people.run("set-tag", "3", "嘉宾", "--until", "2025-03-22", *at(21))
    assert people.json("apply-tags", *at(23)).result["ended"] == [{"tag": "嘉宾", "removed": 0, "added": 0}]
    assert held(people, 3) == {"买过", "嘉宾", "请过"}
    assert log_of(people, 3, "嘉宾") == [
        ("add", 20168, "ttl"),
        ("unpin", 20168, "ttl"),
        ("unpin", 20170, "ttl"),
    ]


SHEET = """\
手机号,标签,操作,到期
13800000001,嘉宾,,2025-03-20
13800000002,嘉宾,,2025/3/14
13800000002,买过,去掉,2025年3月15日
13800000003,嘉宾,,下个月
13800000003,买过,还给规则,2025-03-20
13800000003,常来,,
13800000003,常来,,2025-03-20
13800000001,嘉宾,打上,2025-03-20
"""


def test_a_sheet_has_a_column_for_it(people: Shop) -> None:
    sheet = people.file("打标签.csv", SHEET)
    done = people.json("set-tag", "--file", sheet, *DAY, expect=4).result
    assert done["totals"] == {
        "read": 8, "new": 0, "updated": 3, "unchanged": 0, "duplicate": 1, "rejected": 4, "blank": 0,
    }  # fmt: skip
    assert done["reasons"] == {
        "bad-date": 1, "duplicate-phone": 1, "tag-differs": 1, "until-of-release": 1, "until-past": 1,
    }  # fmt: skip
    refused = openpyxl.load_workbook(people.root / done["files"][0]["rejects_file"])["拒收"]
    head = [cell.value for cell in refused[1]]
    said = {
        row[head.index("原因代码")]: row[head.index("列")]
        for row in refused.iter_rows(min_row=2, values_only=True)
    }
    assert said == {"until-past": "到期", "until-of-release": "到期", "bad-date": "到期", "tag-differs": None}
    until = "SELECT customer_id, tag, pin, pin_until FROM tags WHERE source = 'manual' ORDER BY ALL"
    kept = people.rows(until)
    assert kept == [(1, "嘉宾", "on", 20167), (2, "买过", "off", 20162), (3, "常来", "on", None)]
    # What has an end says nothing new on a later day either; what has none starts afresh.
    again = people.json("set-tag", "--file", sheet, *at(16), expect=4).result
    assert (again["totals"]["updated"], again["totals"]["unchanged"]) == (1, 1)
    assert again["reasons"]["until-past"] == 2
    assert people.rows(until) == kept
    people.run("set-tag", "1", "嘉宾", "--until", "2025-03-25", *at(16))
    assert people.rows(until)[0] == (1, "嘉宾", "on", 20172)
    people.run("set-tag", "1", "嘉宾", *at(16))
    assert people.rows(until)[0] == (1, "嘉宾", "on", None)


def test_the_rejects_say_what_to_write(people: Shop) -> None:
    said = people.run("set-tag", "--file", people.file("打标签.csv", SHEET), *DAY, expect=4).stderr
    assert "到期的日子已经过了" in said
    assert "还给规则没有到期的日子" in said
    assert "日期不存在或看不懂:下个月 × 1(例:第 5 行「到期」)" in said


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--until", "2025-03-14"), "until-past"),
        (("--until", "春节前"), "bad-until"),
        (("--until", ENDS, "--release"), "until-of-release"),
        (("--until", ENDS, "--file", "x.csv"), "usage"),
    ],
)
def test_ends_that_are_none_are_refused(people: Shop, args: tuple[str, ...], code: str) -> None:
    who = () if "--file" in args else ("1", "嘉宾")
    before = state(people)
    assert people.json("set-tag", *who, *args, *DAY, expect=2).error["code"] == code
    assert state(people) == before


def test_explain_tag_says_until_when(people: Shop) -> None:
    for tag in ("嘉宾", "常来"):
        people.run("set-tag", "1", tag, "--until", ENDS, *DAY)
        assert f"人工锁定:锁定打上(到 {ENDS})" in people.run("explain-tag", "1", tag, *DAY).stderr
    assert people.json("explain-tag", "1", "嘉宾", *DAY).result["pin_until"] == ENDS
    assert people.json("explain-tag", "1", "买过", *DAY).result["pin_until"] is None


def test_hands_of_an_older_store_have_no_end() -> None:
    with duckdb.connect() as con:
        older(con, 14)
        for step in MIGRATIONS[14:]:
            step(con)
        assert con.execute("SELECT DISTINCT pin_until FROM tags").fetchall() == [(None,)]
