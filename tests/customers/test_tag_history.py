"""Spans of tags from the log and from what people set, alike on both engines."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.customers.tag_history import build_tag_spans
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import examples
from tests.engines import SqliteEngine

LOG = pa.schema(
    {
        "run_id": pa.int64(),
        "customer_id": pa.int64(),
        "tag": pa.string(),
        "action": pa.string(),
        "day": pa.int32(),
        "rule_hash": pa.string(),
        "cause": pa.string(),
    }
)
HELD = pa.schema(
    [("customer_id", pa.int64()), ("tag", pa.string()), ("source", pa.string()), ("set_day", pa.int32())]
)


def log(
    *told: tuple[int, str], customer: int = 1, tag: str = "甲", cause: str = "data"
) -> list[dict[str, Any]]:
    """Rows of the log in the order of their runs."""
    return [
        {
            "run_id": number,
            "customer_id": customer,
            "tag": tag,
            "action": action,
            "day": day,
            "rule_hash": "",
            "cause": cause,
        }
        for number, (day, action) in enumerate(told, start=1)
    ]


def spans(
    rows: list[dict[str, Any]], day: int, held: list[dict[str, Any]] | None = None
) -> list[tuple[Any, ...]]:
    """(customer, tag, from, to), which DuckDB and SQLite agree on."""
    answers = []
    for engine in (DuckDbEngine(duckdb.connect()), SqliteEngine()):
        engine.register("tag_log", pa.Table.from_pylist(rows, LOG))
        engine.register("held_tags", pa.Table.from_pylist(held or [], HELD))
        build_tag_spans(engine, AsOf(day * DAY_SECONDS))
        found = engine.query("SELECT customer_id, tag, from_day, to_day FROM fact_tag_spans").to_pylist()
        answers.append(sorted((tuple(row.values()) for row in found), key=repr))
    assert answers[0] == answers[1]
    return answers[0]


@pytest.mark.parametrize(
    ("told", "day", "expected"),
    [
        ([(5, "add")], 9, [(5, None)]),
        ([(5, "add")], 5, []),  # the run of D itself is not looked at
        ([(5, "add")], 6, [(5, None)]),
        ([(5, "add"), (8, "remove")], 8, [(5, None)]),
        ([(5, "add"), (8, "remove")], 9, [(5, 8)]),
        ([(5, "add"), (8, "remove"), (8, "add"), (9, "remove")], 20, [(5, 8), (8, 9)]),
        ([(5, "add"), (5, "remove"), (7, "add")], 20, [(7, None)]),
        ([(5, "add"), (8, "remove"), (12, "add")], 11, [(5, 8)]),
        ([(5, "remove")], 20, []),
        ([(8, "add"), (5, "add"), (9, "remove")], 20, [(5, 9), (8, 9)]),  # two customers who became one
    ],
)
def test_the_log_as_spans(
    told: list[tuple[int, str]], day: int, expected: list[tuple[int, int | None]]
) -> None:
    assert [(low, high) for _, _, low, high in spans(log(*told), day)] == expected


def test_customers_and_tags_stay_apart() -> None:
    rows = log((1, "add"), (9, "remove")) + log((2, "add"), customer=2) + log((3, "remove"), tag="乙")
    assert spans(rows, 20) == [(1, "甲", 1, 9), (2, "甲", 2, None)]


def test_tags_of_people_count_from_the_day_they_were_set() -> None:
    held = [
        {"customer_id": 1, "tag": "亲友", "source": "manual", "set_day": 5},
        {"customer_id": 1, "tag": "规则的", "source": "auto", "set_day": 3},
    ]
    assert spans([], 5, held) == [(1, "亲友", 5, None)]
    assert spans([], 4, held) == []


def test_what_people_took_away_on_a_day_is_no_longer_held_on_it() -> None:
    given_and_taken = log((5, "add")) + log((8, "remove"), cause="hand")
    assert spans(given_and_taken, 8) == [(1, "甲", 5, 8)]
    assert spans(given_and_taken, 7) == [(1, "甲", 5, None)]
    assert spans(log((5, "add")) + log((8, "remove"), cause="rule"), 8) == [(1, "甲", 5, None)]
    # Given by the run of the day, which is not looked at, and taken by hand on it: held on no day.
    assert spans(log((8, "add")) + log((8, "remove"), cause="hand"), 8) == []


@examples(20)
@given(st.lists(st.booleans(), max_size=12), st.integers(0, 14))
def test_day_by_day_a_span_covers_exactly_the_closes_with_the_tag(steps: list[bool], until: int) -> None:
    """One run a day, each setting the tag as the step says."""
    state, told, held_on = False, [], set()
    for day, wanted in enumerate(steps):
        if wanted != state:
            told.append((day, "add" if wanted else "remove"))
            state = wanted
        if state and day < until:
            held_on.add(day)
    found = spans(log(*told), until)
    last = min(until, len(steps))
    covered = {day for _, _, low, high in found for day in range(low, last if high is None else high)}
    assert covered == held_on
