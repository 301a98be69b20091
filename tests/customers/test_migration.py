"""The matrix between two runs: every customer is in it once, its sums are the sizes, both engines alike."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.customers.migration import read_migration
from siyu_cli.store.scores import ScoreRun
from tests.conftest import examples
from tests.engines import both_engines

TEXT = '{"segments": [{"code": "1", "name": "甲"}, {"code": "2", "name": "乙"}], "rest": {"code": "3", "name": "丙"}}'
RUN = st.dictionaries(st.integers(1, 9), st.sampled_from("甲乙丙"))


def table(runs: dict[int, dict[int, str]]) -> pa.Table:
    rows = [(run, one, name, one * 7) for run, found in runs.items() for one, name in found.items()]
    columns = {"run_id": pa.int64(), "customer_id": pa.int64(), "segment": pa.string(), "net_fen": pa.int64()}
    return pa.table(
        {name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(columns.items())}
    )


@examples(60)
@given(before=RUN, after=RUN)
def test_every_customer_is_in_the_matrix_once(before: dict[int, str], after: dict[int, str]) -> None:
    earlier, later = ScoreRun(1, "x", 10, "{}", TEXT), ScoreRun(2, "x", 20, "{}", TEXT)
    answers: list[Any] = []
    for engine in both_engines():
        engine.register("scores", table({1: before, 2: after}))
        answers.append(read_migration(engine, earlier, later))
    found = answers[0]
    assert found == answers[1]
    expected = Counter((before.get(one, ""), after.get(one, "")) for one in {*before, *after})
    assert {(move.before, move.after): move.customers for move in found.moves} == expected
    assert (found.before_total, found.after_total) == (len(before), len(after))
    assert found.sizes_before() == {name: list(before.values()).count(name) for name in "甲乙丙"}
    assert found.stayed + found.moved + found.count(None, "") == len(before)
    assert sum(move.net_fen for move in found.moves) == 7 * sum(after)
