"""Who is leaving: histories, the cycle, the backtest and its choice, the risks; below the app."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import AsOf
from siyu_cli.customers import histories
from siyu_cli.customers.backtest import AUTO, Trial, _choose
from siyu_cli.customers.churn import Churn, assess_churn
from siyu_cli.customers.churn_methods import BASELINES, METHODS, MODELS, PLAIN, Known, rank
from siyu_cli.customers.cycle import histogram, starter_days
from siyu_cli.customers.histories import (
    read_buyers,
    read_category_gaps,
    read_gaps,
    read_gaps_and_pairs,
    write_days,
)
from siyu_cli.forecast.ranking import Auc
from siyu_cli.forecast.rhythm import Gaps
from siyu_cli.settings import CHURN_METHODS, ChurnSettings
from siyu_cli.store.engine import DuckDbEngine, Engine
from siyu_cli.store.migrations import MIGRATIONS
from siyu_cli.store.scores import CHURN_COLUMNS
from tests.conftest import examples
from tests.customers.churn_shop import END, facts_of, purchases
from tests.shop_rows import close_of, day

Rows = list[tuple[int, int, int]]
AT = close_of("2025-03-15")


@pytest.fixture(autouse=True)
def _facts_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The facts are registered tables; only the moment is left to the query."""

    def opened(as_of: AsOf, *, is_divided: bool) -> tuple[str, tuple[int, ...]]:
        assert not is_divided
        return "WITH moment AS (SELECT ? AS at_sec)", (as_of.seconds,)

    monkeypatch.setattr(histories, "order_facts", opened)
    monkeypatch.setattr(histories, "has_divided_orders", lambda _: False)


def assess(
    rows: Rows, as_of: AsOf = AT, settings: ChurnSettings | None = None
) -> tuple[Churn, list[tuple[Any, ...]]]:
    """The churn of a shop and what it leaves for the store."""
    with duckdb.connect(config={"threads": 1}) as con:
        engine = DuckDbEngine(con)
        for name, table in facts_of(rows).items():
            engine.register(name, table)
        found = assess_churn(engine, as_of, settings or ChurnSettings())
        columns = ", ".join(("customer_id", *CHURN_COLUMNS))
        return found, con.execute(f"SELECT {columns} FROM rfm_churned ORDER BY customer_id").fetchall()


def test_the_methods_that_are_spoken_of_are_among_those_tried() -> None:
    assert CHURN_METHODS[0] == AUTO
    assert {*BASELINES, *MODELS, PLAIN} < set(METHODS)


bought = st.lists(
    st.tuples(st.integers(1, 6), st.integers(20_000, 20_060), st.integers(0, 5_000)), max_size=40
)


@examples(25)
@given(rows=bought, cut=st.integers(19_999, 20_061))
def test_histories_and_gaps_are_what_a_loop_finds(rows: Rows, cut: int) -> None:
    with duckdb.connect(config={"threads": 1}) as con:
        engine = DuckDbEngine(con)
        for name, table in facts_of(rows).items():
            engine.register(name, table)
        write_days(engine, AT, "days")
        found = read_buyers(engine, cut, "days", "days")
        gaps, before, last = read_gaps_and_pairs(engine, "days")
        alone = read_gaps(engine, "days")
    assert (alone.days.tolist(), alone.counts.tolist()) == (gaps.days.tolist(), gaps.counts.tolist())
    days = {one: sorted({when for who, when, _ in rows if who == one}) for one in range(1, 7)}
    expected = []
    for one, all_days in days.items():
        seen = [when for when in all_days if when <= cut]
        if seen:
            spent = sum(fen for who, when, fen in rows if who == one and when <= cut)
            expected.append((one, len(seen) - 1, seen[-1] - seen[0], cut - seen[0], spent, seen != all_days))
    assert list(
        zip(
            found.customer.tolist(), found.x.tolist(), found.t_x.tolist(), found.t.tolist(),
            found.spent_fen.tolist(), found.came.tolist(), strict=True,
        )
    ) == expected  # fmt: skip
    counted = Counter(b - a for all_days in days.values() for a, b in pairwise(all_days))
    assert dict(zip(gaps.days.tolist(), gaps.counts.tolist(), strict=True)) == dict(counted)
    lasts = [(b - a, c - b) for *_, a, b, c in (d for d in days.values() if len(d) > 2)]
    assert sorted(zip(before.tolist(), last.tolist(), strict=True)) == sorted(lasts)


def test_both_engines_read_the_same(engines: Callable[[dict[str, Any]], list[Engine]]) -> None:
    rows = purchases(40)
    categories = [random.Random(at).choice(["茶", "糖", ""]) for at in range(len(rows))]
    answers = []
    for engine in engines(facts_of(rows, categories)):
        write_days(engine, AT, "days")
        buyers = read_buyers(engine, END - 90, "days", "days")
        gaps, before, last = read_gaps_and_pairs(engine, "days")
        found = read_category_gaps(engine, AT)
        answers.append(
            (
                *(getattr(buyers, name).tolist() for name in ("customer", "days", "first", "last", "came")),
                gaps.days.tolist(), gaps.counts.tolist(), read_gaps(engine, "days").counts.tolist(), before.tolist(), last.tolist(),
                {name: (one.days.tolist(), one.counts.tolist()) for name, one in found.items()},
            )
        )  # fmt: skip
    assert answers[0] == answers[1]
    of_tea: Counter[int] = Counter()
    for customer in {row[0] for row in rows}:
        days = sorted(
            {row[1] for row, one in zip(rows, categories, strict=True) if row[0] == customer and one == "茶"}
        )
        of_tea.update(b - a for a, b in pairwise(days))
    assert set(answers[0][-1]) == {"茶", "糖"}
    assert dict(zip(*answers[0][-1]["茶"], strict=True)) == dict(of_tea)


def test_a_shop_with_a_signal() -> None:
    """Every risk rests on a probability: the levels are its cut-offs, in every row."""
    churn, rows = assess(purchases())
    test = churn.backtest
    assert [one.name for one in test.methods] == list(METHODS)
    assert test.chosen is not None
    assert churn.cuts is not None
    low, middle, high = churn.cuts
    assert (low, middle) == (round(test.base, 4), round(test.base / 2, 4))
    at = {name: 1 + place for place, name in enumerate(CHURN_COLUMNS)}
    for row in rows:
        chance = row[at["p_buy"]]
        said = "低" if chance >= low else "中" if chance >= middle else "高" if chance >= high else "已流失"
        assert row[at["risk"]] == said
        assert 0 <= chance <= 1
        assert 0 <= row[at["expected_90"]] <= row[at["expected_365"]]
        assert row[at["expected_365_low"]] <= row[at["expected_365_high"]]
    assert sum(customers for _, customers, _ in churn.sizes) == len(rows) == 300
    assert len({row[at["risk"]] for row in rows}) >= 3
    # Many bought once, and BG's P(alive) = 1 for all of these: still they do not all look the same, nor safe.
    once = {row[at["p_buy"]] for row in rows if row[at["rhythm_days"]] and row[0] % 3}
    assert len(once) > 1
    assert churn.ahead is not None
    assert churn.ahead.as_dict()["value_365_fen"] > 0


def test_what_is_held_out_is_not_known_to_the_methods() -> None:
    """Scores at the cut are the same whoever comes after it; only the verdict on them changes."""
    rows = purchases(120)
    cut = END - 90
    scores = []
    for later in (True, False):
        kept = [row for row in rows if later or row[1] <= cut]
        with duckdb.connect() as con:
            engine = DuckDbEngine(con)
            for name, table in facts_of(kept).items():
                engine.register(name, table)
            write_days(engine, AT, "days")
            con.execute("CREATE TABLE days_then AS SELECT * FROM days WHERE paid_day <= ?", [cut])
            buyers = read_buyers(engine, cut, "days_then", "days")
            gaps = read_gaps(engine, "days_then")
        known = Known(buyers, gaps)
        rankings = [rank(name, known, 90).score for name in METHODS]
        scores.append([None if one is None else one.tolist() for one in rankings])
        assert buyers.came.any() == later
    assert scores[0] == scores[1]


@examples(4)
@given(seed=st.integers(0, 1_000), customers=st.sampled_from([3, 40, 150]))
def test_the_order_of_rows_changes_nothing(seed: int, customers: int) -> None:
    rows = purchases(customers, seed)
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    one, other = assess(rows), assess(shuffled)
    assert one[0].text == other[0].text
    assert one[1] == other[1]


BEFORE = END - 200
EVERY_WAY: dict[str, Rows] = {
    "nobody": [],
    "one": [(1, BEFORE, 100)],
    "one who came back": [(1, BEFORE, 100), (1, END - 3, 100)],
    "two": [(1, BEFORE, 100), (2, BEFORE + 3, 0)],
    "all on the last day": [(number, END, 100) for number in range(1, 40)],
    "all once": [(number, BEFORE + number % 50, 100) for number in range(1, 200)],
    "all alike": [(number, when, 100) for number in range(1, 60) for when in range(BEFORE, END, 20)],
    "for nothing": [(number, BEFORE + 7 * at, 0) for number in range(1, 60) for at in range(number % 20)],
    "more returned than sold": [
        (number, BEFORE + at, -50) for number in range(1, 60) for at in range(number % 9)
    ],
    "before the first": [(1, END + 40, 100), (2, END + 90, 100)],
}


@pytest.mark.parametrize("name", EVERY_WAY)
def test_shops_that_teach_nothing_get_a_sentence(name: str) -> None:
    rows = [row for row in EVERY_WAY[name] if row[1] <= END]
    churn, kept = assess(rows)
    said = churn.as_dict()
    assert len(kept) == len({row[0] for row in rows})
    if name in ("for nothing", "more returned than sold"):
        return
    assert said["risk"] is None
    assert said["backtest"]["chosen"] is None
    assert said["backtest"]["reason"]
    assert all(row[1] is None and row[2] is None for row in kept)


def test_someone_with_whales_and_a_horizon_longer_than_the_past() -> None:
    rows = purchases(100) + [(1_000, when, 900_000_000) for when in range(END - 400, END)]
    churn, kept = assess(rows)
    assert len(kept) == 101
    churn, kept = assess(rows, settings=ChurnSettings(horizon_days=3_000))
    assert churn.backtest.reason == "那之前还没有客户买过"


def trial(name: str, value: float) -> Trial:
    return Trial(name, Auc(value, 0.01, 500, 500), None, None, (), "")


@pytest.mark.parametrize(
    ("methods", "asked", "chosen"),
    [
        ([("recency", 0.7), ("frequency-recency", 0.7051), ("plain", 0.7)], "auto", "frequency-recency"),
        ([("recency", 0.7), ("frequency-recency", 0.704), ("plain", 0.705)], "auto", "recency"),
        ([("recency", 0.52), ("plain", 0.6)], "auto", "plain"),
        ([("recency", 0.52), ("plain", 0.525)], "auto", None),
        ([("recency", 0.7), ("plain", 0.6)], "plain", "plain"),
        ([("recency", 0.7), ("plain", 0.51)], "plain", None),
        ([], "auto", None),
    ],
)
def test_the_choice(methods: list[tuple[str, float]], asked: str, chosen: str | None) -> None:
    assert _choose([trial(*one) for one in methods], asked) == chosen


def test_cuts_that_were_set_are_kept_to() -> None:
    churn, rows = assess(purchases(), settings=ChurnSettings(cuts=(40, 20, 1)))
    assert churn.cuts == (0.4, 0.2, 0.01)
    assert {row[1] for row in rows if row[2] >= 0.4} == {"低"}


@given(lengths=st.lists(st.integers(1, 2_000), max_size=60), line=st.integers(0, 2_100))
def test_the_histogram_holds_every_gap_once(lengths: list[int], line: int) -> None:
    bars = histogram(Gaps.of(lengths), line)
    assert sum(within for *_, within, _ in bars) == sum(one <= line for one in lengths)
    assert sum(beyond for *_, beyond in bars) == sum(one > line for one in lengths)
    assert len(bars) <= 20
    assert all(one[1] + 1 == two[0] for one, two in pairwise(bars))


def test_the_starter_rule_as_it_now_stands(tmp_path: Path) -> None:
    assert starter_days([tmp_path]) is None
    shipped = Path(__file__).parents[2] / "configs" / "rules" / "流失.yaml"
    (tmp_path / "流失.yaml").write_text(shipped.read_text("utf-8"), "utf-8")
    assert starter_days([tmp_path]) == (30, 60)
    (tmp_path / "流失.yaml").write_text("tags: {甲: {when: [距上次购买天数 45 到 90天]}}", "utf-8")
    assert starter_days([tmp_path]) == (45, 90)
    (tmp_path / "流失.yaml").write_text("tags: {}", "utf-8")
    assert starter_days([tmp_path]) is None


def test_an_older_store_gets_the_columns() -> None:
    at = next(place for place, step in enumerate(MIGRATIONS) if step.__name__.endswith("_churn"))
    with duckdb.connect() as con:
        for step in MIGRATIONS[:at]:
            step(con)
        con.execute("INSERT INTO score_runs (run_id, scheme, as_of_sec, thresholds, scheme_text) "
                    "VALUES (1, '八分群', 1, '{}', '{}')")  # fmt: skip
        for step in MIGRATIONS[at:]:
            step(con)
        assert con.execute("SELECT run_id, churn FROM score_runs").fetchall() == [(1, None)]
        assert con.execute(f"SELECT {', '.join(CHURN_COLUMNS)} FROM scores").fetchall() == []
        assert day("1970-01-02") == 1
