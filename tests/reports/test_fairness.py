"""The fairness sheet says what the fairness ledger says: owed and given over all batches, the spread after each."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import openpyxl
import pytest

from siyu_cli.reports.fairness import BATCHES_SHOWN, Fairness, read_fairness
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import Shop
from tests.engines import SqliteEngine
from tests.leads.desk import assign, staff_file
from tests.shop_rows import close_of

LAST = close_of("2025-12-31").seconds


@pytest.fixture
def dealt(shop: Shop) -> Shop:
    """Three people, batches of 10, 4 and 7 leads: 21 leads, seven each in the end."""
    shop.run("import-staff", staff_file(shop, ["a:小李", "b:小王", "c:小赵"]))
    start = 0
    for day, size in (("2025-03-01", 10), ("2025-03-02", 4), ("2025-03-03", 7)):
        assign(shop, range(start, start + size), day)
        start += size
    return shop


def read(shop: Shop, until: int = LAST) -> Fairness:
    with shop.connect() as con:
        return read_fairness(DuckDbEngine(con), until)


def test_the_worked_example(dealt: Shop) -> None:
    fairness = read(dealt)
    assert [(one.name, one.given, one.owed, one.gap, one.batches) for one in fairness.staff] == [
        (name, 7, 7, 0, 3) for name in ("小李", "小王", "小赵")
    ]
    assert [(one.people, one.given) for one in fairness.batches] == [(3, 10), (3, 4), (3, 7)]
    assert [one.spread for one in fairness.batches] == [1, 1, 0]
    assert fairness.batches[0].most == Fraction(2, 3)


def test_the_cut_off_decides(dealt: Shop) -> None:
    fairness = read(dealt, close_of("2025-03-01").seconds)
    assert sum(one.given for one in fairness.staff) == 10
    assert len(fairness.batches) == 1
    assert read(dealt, 0) == Fairness((), ())


def test_gaps_add_up_and_engines_agree(dealt: Shop) -> None:
    fairness = read(dealt, close_of("2025-03-02").seconds)
    assert sum(one.gap for one in fairness.staff) == 0
    with dealt.connect() as con:
        other = SqliteEngine()
        for name in ("lead_shares", "staff", "runs"):
            table: Any = con.sql(f"SELECT * FROM {name}").to_arrow_table()
            other.register(name, table)
        assert read_fairness(other, LAST) == read_fairness(DuckDbEngine(con), LAST)


def test_a_batch_dated_back_does_not_mix_two_moments(shop: Shop) -> None:
    shop.run("import-staff", staff_file(shop, ["a:小李", "b:小王"]))
    assign(shop, range(5), "2025-03-10")
    assign(shop, range(50, 53), "2025-03-05")
    for until in ("2025-03-06", "2025-03-10"):
        fairness = read(shop, close_of(until).seconds)
        assert sum(one.gap for one in fairness.staff) == 0
        assert all(
            one.owed == Fraction(sum(each.given for each in fairness.staff), 2) for one in fairness.staff
        )


def test_only_the_latest_batches_are_listed(dealt: Shop) -> None:
    for at in range(BATCHES_SHOWN):
        assign(dealt, [100 + at], "2025-03-04")
    fairness = read(dealt)
    assert len(fairness.batches) == BATCHES_SHOWN
    assert all(one.given == 1 for one in fairness.batches)
    assert all(one.spread <= 1 for one in fairness.batches)


def test_the_sheet(dealt: Shop) -> None:
    done = dealt.json("export-report", "--as-of", "2025-03-02")
    sheet = openpyxl.load_workbook(dealt.root / done.result["file"])["公平"]
    rows = [[cell.value for cell in row[:5]] for row in sheet.iter_rows()]
    heads = rows.index(["员工", "权重", "分到", "应得", "差"])
    shown = {row[0]: (row[2], row[3], row[4]) for row in rows[heads + 1 : heads + 4]}
    for one in read(dealt, close_of("2025-03-02").seconds).staff:
        assert shown[one.name] == pytest.approx((one.given, float(one.owed), float(one.gap)))
    assert len(sheet._charts) == 2
