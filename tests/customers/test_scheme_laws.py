"""Laws of every scheme: the naive evaluator agrees, row order and ties change nothing, nobody is left out or in twice."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.customers.rfm import score_customers
from siyu_cli.customers.scheme import Scheme, cells, show_cell
from siyu_cli.customers.scheme_file import parse_scheme
from siyu_cli.errors import InputRefused
from siyu_cli.store.engine import Engine
from tests.conftest import examples
from tests.customers.fact_engines import orders_table
from tests.customers.naive_scores import Rows, score_naively
from tests.customers.scheme_texts import scheme_texts
from tests.engines import both_engines

AS_OF = AsOf(10_000 * DAY_SECONDS + 50_000)

ORDER = st.fixed_dictionaries(
    {
        "customer_id": st.one_of(st.none(), st.integers(1, 8)),
        "paid_day": st.integers(9_850, 10_000),
        "net_fen": st.sampled_from([1, 100, 999, 1000, 1001, 3333, 5000, 20_000, 20_000, 123_456_789]),
        "line_count": st.integers(1, 3),
        "is_order": st.sampled_from([1, 1, 1, 0]),
    }
)


def finished(rows: Rows) -> Rows:
    """A row that is no order lowers the total; a paid day has its noon (the as-of day the moment before)."""
    return [
        row
        | {"paid_sec": min(row["paid_day"] * DAY_SECONDS + 43_200, AS_OF.seconds)}
        | ({} if row["is_order"] else {"net_fen": -row["net_fen"], "line_count": 0})
        for row in rows
    ]


ORDERS = st.lists(ORDER, max_size=40).map(finished)


def scored_rows(engine: Engine, rows: Rows, scheme: Scheme) -> tuple[Any, list[dict[str, Any]]]:
    """What is reported, and a row per customer."""
    engine.register("fact_orders", orders_table(rows))
    scored = score_customers(engine, scheme, AS_OF)
    assert scored.customers == sum(customers for _, customers, _ in scored.segments)
    return (scored.thresholds, scored.segments), engine.query(
        "SELECT * FROM rfm_scored ORDER BY customer_id"
    ).to_pylist()


@examples(80)
@given(rows=ORDERS, text=scheme_texts())
def test_every_customer_gets_what_the_definitions_say(rows: Rows, text: str) -> None:
    scheme = parse_scheme(text)
    expected = score_naively(rows, scheme, AS_OF)
    (_, segments), found = scored_rows(both_engines()[0], rows, scheme)
    assert {row["customer_id"] for row in found} == set(expected)
    for row in found:
        naive = expected[row["customer_id"]]
        days, times, money = naive.values
        assert (row["recency_days"], row["frequency"]) == (days, times)
        assert row["monetary_fen"] == money * row["monetary_per"]
        assert row["net_fen"] == naive.net_fen
        assert (row["r_score"], row["f_score"], row["m_score"]) == naive.scores
        assert row["segment_code"] == naive.code
    sizes = Counter(naive.code for naive in expected.values())
    assert {segment.code: customers for segment, customers, _ in segments if customers} == dict(sizes)
    assert sum(net for *_, net in segments) == sum(naive.net_fen for naive in expected.values())


@examples(25)
@given(rows=ORDERS, text=scheme_texts(), seed=st.integers(0, 9))
def test_row_order_and_engine_change_nothing(rows: Rows, text: str, seed: int) -> None:
    scheme = parse_scheme(text)
    duck, lite = both_engines()
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert scored_rows(duck, rows, scheme) == scored_rows(duck, shuffled, scheme)
    assert scored_rows(duck, rows, scheme) == scored_rows(lite, rows, scheme)


@examples(40)
@given(rows=ORDERS, text=scheme_texts())
def test_equals_score_equally_and_better_never_scores_less(rows: Rows, text: str) -> None:
    _, found = scored_rows(both_engines()[0], rows, parse_scheme(text))
    for one, other in product(found, found):
        pairs = [
            (other["recency_days"] - one["recency_days"], "r_score"),
            (one["frequency"] - other["frequency"], "f_score"),
            (
                one["monetary_fen"] * other["monetary_per"] - other["monetary_fen"] * one["monetary_per"],
                "m_score",
            ),
        ]
        for better, score in pairs:
            assert better < 0 or one[score] >= other[score]
        if all(better == 0 for better, _ in pairs):
            assert one["segment_code"] == other["segment_code"]


@given(text=scheme_texts(needs_rest=False))
@example(
    text="name: x\nrecency: {of: 距上次购买天数}\nfrequency: {of: 订单数}\nmonetary: {of: 消费额}\nsegments: [{name: 甲}]\n"
)
def test_a_list_without_rest_is_taken_only_where_every_cell_has_one_segment(text: str) -> None:
    """Refused with the first cell that is in no segment, or with the segment no cell falls into."""
    whole = parse_scheme(text + "else: 其他\nallow_unreachable: true\n")
    grid = cells(whole)
    homes = [next((s.code for s in whole.segments if s.matches(cell)), None) for cell in grid]
    gaps = [show_cell(cell) for cell, home in zip(grid, homes, strict=True) if home is None]
    empty = [segment.name for segment in whole.segments if segment.code not in homes]
    try:
        accepted = parse_scheme(text)
    except InputRefused as refusal:
        if gaps:
            assert refusal.message.startswith(gaps[0])
        else:
            assert f"「{empty[0]}」" in refusal.message
        assert refusal.where is not None
    else:
        assert not gaps
        assert not empty
        assert accepted.segments == whole.segments
