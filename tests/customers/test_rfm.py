"""R, F, M and segments: published counts, both engines alike, no row order, no ties broken."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import DAY_SECONDS, AsOf, day_of
from siyu_cli.customers.distribution import Distribution, Totals, decimal_text
from siyu_cli.customers.rfm import Scored, score_customers
from siyu_cli.customers.scheme import Scheme
from siyu_cli.customers.scheme_file import find_scheme, parse_scheme, scheme_names
from siyu_cli.store.engine import DuckDbEngine, Engine
from siyu_cli.workspace import configs_dir
from tests.customers.naive_scores import quantile

SHIPPED = [configs_dir() / "segments"]
Rows = list[dict[str, Any]]
MakeTable = Callable[[Rows], pa.Table]

QUANTILES = """\
name: 五分
recency: {of: 距上次购买天数, score: {quantiles: 5}}
frequency: {of: 订单数, score: {quantiles: 5}}
monetary: {of: 消费额, score: {quantiles: 5}}
"""


def close(text: str) -> AsOf:
    return AsOf(day_of(date.fromisoformat(text)) * DAY_SECONDS + DAY_SECONDS - 1)


def shipped(name: str) -> Scheme:
    return find_scheme(name, SHIPPED)


def score(engine: Engine, table: pa.Table, scheme: Scheme, as_of: AsOf) -> Scored:
    engine.register("fact_orders", table)
    return score_customers(engine, scheme, as_of)


def counts(scored: Scored) -> dict[str, int]:
    return {segment.code: customers for segment, customers, _ in scored.segments}


def result_rows(engine: Engine) -> list[tuple[Any, ...]]:
    rows = engine.query("SELECT * FROM rfm_scored ORDER BY customer_id").to_pylist()
    return [tuple(row.values()) for row in rows]


@pytest.fixture
def cdnow(shared_data: Path, fact_orders: MakeTable) -> pa.Table:
    rows: Rows = []
    for line in (shared_data / "cdnow" / "CDNOW_master.txt").read_text().splitlines()[1:]:
        number, bought, _, yuan = line.split()
        on = date(int(bought[:4]), int(bought[4:6]), int(bought[6:]))
        rows.append({"customer_id": int(number), "paid_day": day_of(on), "net_fen": int(Decimal(yuan) * 100)})
    assert len(rows) == 69_659
    assert sum(row["net_fen"] for row in rows) == 250_031_563
    return fact_orders(rows)


CDNOW_ROWS = {
    "000": 13608,
    "001": 579,
    "010": 543,
    "011": 449,
    "100": 1532,
    "101": 268,
    "110": 1974,
    "111": 4617,
}
CDNOW_DAYS = {
    "000": 13659,
    "001": 593,
    "010": 492,
    "011": 435,
    "100": 1561,
    "101": 281,
    "110": 1945,
    "111": 4604,
}


def test_cdnow_eight_segments_by_raw_mean(duck: DuckDbEngine, cdnow: pa.Table) -> None:
    scored = score(duck, cdnow, shipped("八分群"), close("1998-07-01"))
    assert scored.customers == 23_570
    assert counts(scored) == CDNOW_ROWS
    assert sum(net for _, _, net in scored.segments) == 250_031_563
    lines = {letter: shown["line"] for letter, shown in scored.thresholds.items()}
    assert lines == {"recency": "368.2216", "frequency": "2.9554", "monetary": "106.0804"}
    scored = score(duck, cdnow, shipped("八分群-购买天数"), close("1998-07-01"))
    assert counts(scored) == CDNOW_DAYS
    assert scored.thresholds["frequency"]["line"] == "2.8677"


def test_cdnow_quantile_scores_are_the_published_ones(duck: DuckDbEngine, cdnow: pa.Table) -> None:
    scored = score(duck, cdnow, parse_scheme(QUANTILES + "segments: [{name: 全体}]\n"), close("1998-07-01"))
    assert score_counts(duck) == {
        "r": {1: 4539, 2: 4748, 3: 4844, 4: 4720, 5: 4719},
        "f": {1: 11908, 3: 4079, 4: 3658, 5: 3925},
        "m": {1: 5136, 2: 4490, 3: 4629, 4: 4636, 5: 4679},
    }
    # The package prints the quantiles; a cut is one unit above.
    assert scored.thresholds["recency"]["cuts"] == ["143", "434", "487", "514"]
    assert scored.thresholds["frequency"]["cuts"] == ["2", "2", "3", "5"]
    assert scored.thresholds["monetary"]["cuts"] == ["16.36", "32.35", "60.924", "134.95"]


def score_counts(engine: Engine) -> dict[str, dict[int, int]]:
    table = engine.query("SELECT r_score, f_score, m_score FROM rfm_scored")
    return {name[0]: dict(Counter(table.column(name).to_pylist())) for name in table.column_names}


@pytest.fixture
def r_orders(shared_data: Path, fact_orders: MakeTable) -> tuple[pa.Table, list[str]]:
    with (shared_data / "rfm_r_orders" / "rfm_data_orders.csv").open(encoding="utf-8") as file:
        orders = list(csv.DictReader(file))
    names = sorted({row["customer_id"] for row in orders})
    rows = [
        {
            "customer_id": names.index(row["customer_id"]),
            "paid_day": day_of(date.fromisoformat(row["order_date"])),
            "net_fen": int(Decimal(row["revenue"]) * 100),
        }
        for row in orders
    ]
    assert (len(rows), len(names)) == (4906, 995)
    return fact_orders(rows), names


def test_the_r_package_is_reproduced(duck: DuckDbEngine, r_orders: tuple[pa.Table, list[str]]) -> None:
    table, names = r_orders
    scored = score(duck, table, shipped("R包v0.3"), close("2006-12-31"))
    assert list(counts(scored).values()) == [35, 342, 170, 9, 104, 47, 28, 10, 102, 148, 0]
    shown = scored.thresholds
    assert shown["recency"]["cuts"] == ["115", "181", "297.4", "482"]
    assert shown["frequency"]["cuts"] == ["4", "5", "6", "8"]
    assert shown["monetary"]["cuts"] == ["255.8", "382", "506.4", "666"]
    rows = duck.query("SELECT * FROM rfm_scored").to_pylist()
    found = {names[row["customer_id"]]: row for row in rows}
    expected = {
        "Abbey O'Reilly": (205, 6, 47200, 343), "Add Senger": (140, 3, 34000, 412),
        "Aden Lesch": (194, 4, 40500, 323), "Aden Murphy": (98, 7, 59600, 544),
        "Admiral Senger": (132, 5, 44800, 433),
    }  # fmt: skip
    for name, values in expected.items():
        row = found[name]
        digits = row["r_score"] * 100 + row["f_score"] * 10 + row["m_score"]
        assert (row["recency_days"], row["frequency"], row["monetary_fen"], digits) == values
    scored = score(duck, table, shipped("R包v0.2"), close("2006-12-31"))
    by_name = {segment.name: customers for segment, customers, _ in scored.segments if customers}
    assert by_name == {
        "冠军": 158, "忠诚": 278, "潜力忠诚": 229, "流失": 111, "有风险": 86, "快要沉睡": 50, "其他": 48, "需要关注": 35,
    }  # fmt: skip


ALL_SCHEMES = [shipped(name) for name in scheme_names(SHIPPED)]


@pytest.mark.parametrize("scheme", ALL_SCHEMES, ids=lambda scheme: scheme.name)
def test_nobody_one_two_and_all_equal(duck: DuckDbEngine, fact_orders: MakeTable, scheme: Scheme) -> None:
    as_of = AsOf(10_000 * DAY_SECONDS)
    same = {"paid_day": 9_995, "net_fen": 5_000}
    for number in (0, 1, 2, 7):
        scored = score(
            duck, fact_orders([{"customer_id": at, **same} for at in range(number)]), scheme, as_of
        )
        assert scored.customers == number
        used = [customers for customers in counts(scored).values() if customers]
        assert used == ([number] if number else [])


def test_before_the_first_order_and_anonymous_ones(duck: DuckDbEngine, fact_orders: MakeTable) -> None:
    table = fact_orders([{"customer_id": None, "paid_day": 9_000, "net_fen": 500}])
    assert score(duck, table, shipped("八分群"), AsOf(9_500 * DAY_SECONDS)).customers == 0


def test_a_fixed_line_is_included_or_not(duck: DuckDbEngine, fact_orders: MakeTable) -> None:
    """10 days, 3 orders, 200.00 per order: exactly on the line is the better side in the shipped scheme."""
    rows: Rows = [{"customer_id": 1, "paid_day": 9_990, "net_fen": 20_000}] * 3
    rows += [{"customer_id": 2, "paid_day": 9_989, "net_fen": 19_999}] * 2
    rows += [{"customer_id": 3, "paid_day": 9_990, "net_fen": fen} for fen in (20_000, 20_000, 19_999)]
    scored = score(duck, fact_orders(rows), shipped("八分群-固定"), AsOf(10_000 * DAY_SECONDS))
    assert {code: number for code, number in counts(scored).items() if number} == {
        "111": 1,
        "110": 1,
        "000": 1,
    }


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 7)), min_size=1),
    st.fractions(-20, 20, max_denominator=9),
)
def test_a_cut_sorts_values_as_its_line_does(values: list[tuple[int, int]], line: Fraction) -> None:
    table = pa.table(
        {
            "value_num": [v[0] for v in values],
            "value_den": [v[1] for v in values],
            "customers": [1] * len(values),
        }
    )
    found = Distribution.of(table)
    least, over = found.at_least(line), found.above(line)
    for num, den in values:
        assert (num * least[1] >= least[0] * den) == (Fraction(num, den) >= line)
        assert (num * over[1] >= over[0] * den) == (Fraction(num, den) > line)
    assert found.mean == sum((Fraction(*value) for value in values), Fraction(0)) / len(values)
    wholes = [num for num, _ in values]
    sums = Totals(len(wholes), sum(wholes))
    assert sums.mean == Fraction(sum(wholes), len(wholes))
    for num in wholes:
        assert (num >= sums.at_least(line)[0]) == (num >= line)
        assert (num >= sums.above(line)[0]) == (num > line)
    fractions = [Fraction(*value) for value in values]
    for part in (1, 2, 3):
        assert found.quantile(part, 4) == quantile(fractions, part, 4)


def test_decimal_text() -> None:
    cases = {
        Fraction(1, 3): "0.33",
        Fraction(-1, 3): "-0.33",
        Fraction(5): "5",
        Fraction(1, 200): "0.01",
        Fraction(-1, 900): "0",
    }
    assert {value: decimal_text(value, 2) for value in cases} == cases
