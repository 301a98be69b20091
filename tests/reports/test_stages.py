"""The sheet of stages says what the history says, on both engines."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.customers.profile import build_profiles
from siyu_cli.reports.stages import Stages, middle_and_mean, read_stages, todays_names
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import Shop
from tests.engines import SqliteEngine
from tests.rules.test_tag_commands import only_rule
from tests.shop_rows import add_lead, close_of, customer, insert, key, order, staff, writable

RULES = "stages: [{name: 新客户}, {name: 意向客户}, {name: 成交客户, when: 订单数 >= 1}, {name: 无意向客户, lost: true}]"
LAST = close_of("2025-03-31").seconds
TABLES = (
    "customers", "leads", "customer_keys", "lead_state", "staff", "opt_outs", "scores", "score_runs", "stage_moves", "stage_lists",
    "stage_renames",
)  # fmt: skip


@pytest.fixture
def shop_of_four(shop: Shop) -> Shop:
    """1 new → keen (5 days) → bought (10 days later); 2 keen → gone after 4; 3 bought at first sight; 4 stands still."""
    with writable(shop) as con:
        insert(con, "staff", [staff("xl", "小李")])
        for number in range(1, 5):
            insert(con, "customers", [customer(number)])
            insert(con, "customer_keys", [key(number, f"1380000000{number}")])
        for number in (1, 2):
            add_lead(con, number, f"1380000000{number}", held_by="xl")
        insert(con, "order_lines", [order(1, 3, "2025-02-20", 10.0)])
    only_rule(shop, RULES)
    shop.run("apply-tags", "--as-of", "2025-03-01")
    for who in "12":
        shop.run("set-stage", who, "意向客户", "--as-of", "2025-03-06")
    shop.run("set-stage", "2", "无意向客户", "--as-of", "2025-03-10")
    shop.run("set-stage", "1", "--release", "--as-of", "2025-03-12")
    with writable(shop) as con:
        insert(con, "order_lines", [order(2, 1, "2025-03-16", 10.0)])
    shop.run("apply-tags", "--as-of", "2025-03-16")
    return shop


def read(shop: Shop, first: int = 0, last: int = LAST, as_of: str = "2025-03-31") -> Stages:
    with shop.connect() as con:
        engine = DuckDbEngine(con)
        build_profiles(engine, close_of(as_of))
        found = read_stages(engine, first, last, close_of(as_of).seconds)
        lite = SqliteEngine()
        for name in TABLES:
            lite.register(name, engine.query(f"SELECT * FROM {name}"))
        build_profiles(lite, close_of(as_of))
        assert read_stages(lite, first, last, close_of(as_of).seconds) == found
    return found


def numbers(stages: Stages) -> dict[str, tuple[Any, ...]]:
    return {
        one.stage: (
            one.now,
            one.reached,
            one.passed,
            one.moved_in,
            one.moved_out,
            one.median_days,
            one.mean_days,
        )
        for one in stages.rows
    }


def test_the_worked_example(shop_of_four: Shop) -> None:
    stages = read(shop_of_four)
    assert numbers(stages) == {
        "新客户": (1, 4, 3, 0, 3, 5, 5),
        "意向客户": (0, 3, 2, 2, 2, 7, 7),
        "成交客户": (2, 2, None, 2, 0, None, None),
        "无意向客户": (1, 1, None, 1, 0, None, None),
    }
    assert [one.conversion for one in stages.rows] == [Fraction(3, 4), Fraction(2, 3), None, None]
    assert [(one.name, one.customers, one.now, one.won) for one in stages.staff] == [
        ("小李", 2, (0, 0, 1, 1), 1), ("没有负责员工", 2, (1, 0, 1, 0), 1),
    ]  # fmt: skip


def test_the_moment_and_the_period_decide(shop_of_four: Shop) -> None:
    early = read(shop_of_four, as_of="2025-03-08")
    assert [one.now for one in early.rows] == [1, 2, 1, 0]
    late = read(shop_of_four, first=close_of("2025-03-12").seconds)
    assert [(one.moved_in, one.moved_out) for one in late.rows] == [(0, 0), (0, 1), (1, 0), (0, 0)]
    assert late.rows[1].median_days == 10


def test_renamed_stages_go_by_their_name_of_today(shop_of_four: Shop) -> None:
    before = numbers(read(shop_of_four))
    only_rule(
        shop_of_four,
        RULES.replace("name: 意向客户", "name: 有意向, was: 意向客户").replace(
            "name: 成交客户,", "name: 买过, was: 成交客户,"
        ),
    )
    shop_of_four.run("apply-tags", "--as-of", "2025-03-20")
    after = numbers(read(shop_of_four))
    assert after["有意向"] == before["意向客户"]
    assert after["买过"] == before["成交客户"]


def test_the_numbers_reconcile_and_the_workbook_says_them(shop_of_four: Shop) -> None:
    done = shop_of_four.json("export-report", "--as-of", "2025-03-31").result
    book = openpyxl.load_workbook(shop_of_four.root / done["file"])
    sheet = book["客户阶段"]
    rows = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    table = {row[0]: row for row in rows if row}
    assert table["成交客户"][:4] == ["成交客户", 2, 0.5, 2]
    assert table["小李"][:6] == ["小李", 2, 0, 0, 1, 1]
    assert len(sheet._charts) == 2
    said = [str(row[0].value) for row in book["说明"].iter_rows()]
    assert any("[stage_conversion]" in one for one in said)
    stages = read(shop_of_four)
    states = dict(shop_of_four.rows("SELECT stage, count(*) FROM stage_state GROUP BY stage"))
    assert {one.stage: one.now for one in stages.rows if one.now} == states
    assert sum(one.now for one in stages.rows) == sum(one.customers for one in stages.staff) == 4
    # Everybody came in once more than they went out, into the stage they stand in now.
    assert all(one.now <= one.reached and (one.passed or 0) <= one.reached for one in stages.rows)


def test_no_stages_no_numbers(shop: Shop) -> None:
    assert read(shop) == Stages()
    done = shop.json("export-report", "--as-of", "2025-03-31").result
    sheet = openpyxl.load_workbook(shop.root / done["file"])["客户阶段"]
    assert sheet["A4"].value.startswith("还没有阶段")


@given(st.lists(st.integers(0, 400), max_size=40))
def test_median_and_mean_are_those_of_the_list(days: list[int]) -> None:
    import statistics

    counted = {day: days.count(day) for day in days}
    middle, mean = middle_and_mean(counted)
    if not days:
        assert (middle, mean) == (None, None)
        return
    assert middle == Fraction(statistics.median(map(Fraction, days)))
    assert mean == Fraction(sum(days), len(days))


def test_names_are_followed_through_several_renames() -> None:
    assert todays_names(["丙"], [("甲", "乙"), ("乙", "丙"), ("丁", "戊")]) == {
        "丙": "丙", "乙": "丙", "甲": "丙", "丁": "戊",
    }  # fmt: skip


def test_before_anybody_left_a_stage_there_is_a_sentence_and_no_empty_chart(shop_of_four: Shop) -> None:
    """At the end of the first day everybody stands where they started."""
    done = shop_of_four.json("export-report", "--as-of", "2025-03-01").result
    sheet = openpyxl.load_workbook(shop_of_four.root / done["file"])["客户阶段"]
    assert all(one.median_days is None for one in read(shop_of_four, as_of="2025-03-01").rows)
    assert len(sheet._charts) == 1
    assert "期内还没有人离开过一个阶段" in str(sheet["G5"].value)
