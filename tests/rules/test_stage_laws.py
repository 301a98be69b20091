"""Laws of the stage history: whatever happens in whatever order, it can be replayed and adds up."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from siyu_cli.store import stages
from siyu_cli.store.stages import Listed
from tests.conftest import examples
from tests.shop_rows import customer, insert
from tests.stores import new_store

LIST = tuple(
    Listed(number, name, column)
    for number, (name, column) in enumerate([("甲", ""), ("乙", "g1"), ("丙", "g2"), ("丁", "")], start=1)
)
RENAMED = tuple(Listed(one.position, f"新{one.stage}", one.column) for one in LIST)
WAS = tuple((one.stage, f"新{one.stage}") for one in LIST)
PEOPLE = range(1, 5)
DAY = 86_400

FITS = st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(["g1", "g2", "both"]), max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("apply"), FITS),
        st.tuples(st.just("hand"), st.tuples(st.sampled_from(PEOPLE), st.sampled_from([0, 1, 2, 3]))),
        st.tuples(st.just("release"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("undo"), st.none()),
        st.tuples(st.just("rename"), FITS),
    ),
    min_size=1,
    max_size=8,
)


def replay(rows: list[dict[str, Any]]) -> tuple[str, int, str]:
    """(stage, since, who decides next) from what was said and when alone, not from what the rows say of the state."""
    stood: dict[int, tuple[str | None, int, str]] = {}
    stage: str | None = None
    since, mode = 0, "rule"
    for row in rows:
        stood[row["move_no"]] = (stage, since, mode)
        match row["source"]:
            case "start" | "rule":
                stage, since, mode = row["to_stage"], row["at_sec"], "rule"
            case "hand":
                since = since if row["to_stage"] == stage else row["at_sec"]
                stage, mode = row["to_stage"], "hand"
            case "release":
                mode = "released"
            case "rename":
                stage = row["to_stage"]
            case "undo":
                stage, since, mode = stood[row["undoes"]]
                if stage is None:  # the very first thing said was taken back: a new customer as of then
                    stage, since = row["to_stage"], row["at_sec"]
    assert stage is not None
    return stage, since, mode


class Desk:
    """A store with four customers, a day per step."""

    def __init__(self, con: Any) -> None:
        self.con, self.day, self.run = con, 20_000, 10
        self.listed, self.was = LIST, ()
        insert(con, "customers", [customer(number) for number in PEOPLE])

    def apply(self, fits: dict[int, str]) -> None:
        self.con.execute("CREATE OR REPLACE TEMP TABLE flags (customer_id BIGINT, g1 INTEGER, g2 INTEGER)")
        for who in PEOPLE:
            fit = fits.get(who, "")
            self.con.execute(
                "INSERT INTO flags VALUES (?, ?, ?)",
                [who, int(fit in ("g1", "both")), int(fit in ("g2", "both"))],
            )
        before = self.states()
        at_sec = self.day * DAY + DAY - 1
        counts = stages.plan_moves(self.con, self.listed, self.was, "flags", at_sec)
        stages.apply_moves(self.con, self.listed, self.run, at_sec, "改名")
        after = self.states()
        # Conservation: everybody stands somewhere, and the counts are what the history says.
        assert sum(one.before for one in counts) == sum(one.after for one in counts) == len(PEOPLE)
        assert {one.stage: one.after for one in counts if one.after} == self.tally()
        new_name = dict(self.was)
        order = {one.stage: one.position for one in self.listed}
        for who, (stage, since, mode) in before.items():
            stage = new_name.get(stage, stage)
            if mode == "hand":
                assert after[who] == (stage, since, mode)
            elif mode == "rule":
                assert order[after[who][0]] >= order[stage]
            if after[who][0] == stage:
                assert after[who][1] == since  # standing still or renamed: the stay goes on
        # Once more changes nothing, not even with another moment of the day.
        rows = self.count()
        again = stages.plan_moves(self.con, self.listed, self.was, "flags", at_sec)
        assert all(one.moved_in == one.moved_out == 0 for one in again)
        stages.apply_moves(self.con, self.listed, self.run, at_sec, "改名")
        assert self.count() == rows

    def step(self, what: str, value: Any) -> None:
        self.day, self.run = self.day + 1, self.run + 1
        at_sec = self.day * DAY
        match what:
            case "apply":
                self.apply(value)
            case "rename":
                self.listed, self.was = RENAMED, WAS
                self.apply(value)
            case "hand":
                who, position = value
                stages.set_one(self.con, who, self.current(position), self.current(0), self.run, at_sec, "")
            case "release":
                stages.set_one(self.con, value, None, self.current(0), self.run, at_sec, "")
            case "undo":
                stages.take_back_moves(self.con, self.run - 1, self.run, "撤回")

    def current(self, position: int) -> str:
        return self.listed[position].stage

    def states(self) -> dict[int, tuple[str, int, str]]:
        rows = self.con.execute("SELECT customer_id, stage, since_sec, mode FROM stage_state").fetchall()
        return {who: (stage, since, mode) for who, stage, since, mode in rows}

    def tally(self) -> dict[str, int]:
        return dict(self.con.execute("SELECT stage, count(*) FROM stage_state GROUP BY stage").fetchall())

    def count(self) -> int:
        return int(self.con.execute("SELECT count(*) FROM stage_moves").fetchall()[0][0])

    def histories(self) -> dict[int, list[dict[str, Any]]]:
        cursor = self.con.execute("SELECT * FROM stage_moves ORDER BY customer_id, move_no")
        names = [column[0] for column in cursor.description]
        found: dict[int, list[dict[str, Any]]] = {}
        for row in cursor.fetchall():
            one = dict(zip(names, row, strict=True))
            found.setdefault(one["customer_id"], []).append(one)
        return found


@examples(15)
@given(STEPS)
def test_replaying_the_history_rebuilds_the_state(steps: list[tuple[str, Any]]) -> None:
    with new_store() as con:
        desk = Desk(con)
        seen: list[tuple[Any, ...]] = []
        for step in steps:
            desk.step(*step)
            rows = con.execute("SELECT * FROM stage_moves ORDER BY move_no").fetchall()
            assert rows[: len(seen)] == seen  # only ever added to
            seen = rows
        states = desk.states()
        for who, rows_of in desk.histories().items():
            assert replay(rows_of) == states[who]
            assert [row["at_sec"] for row in rows_of] == sorted(row["at_sec"] for row in rows_of)
            assert all(row["since_day"] == row["since_sec"] // DAY for row in rows_of)
