"""Random histories of the desk: whatever happens in whatever order, the ledger stays a ledger."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.leads import care, desk, feedback, states
from siyu_cli.leads.states import CLOSED, OPEN, State
from siyu_cli.settings import LeadSettings, Protection
from siyu_cli.sheets.feedback import FEEDBACK_SCHEMA
from siyu_cli.store import closing, leads, ledger
from siyu_cli.store.migrations import MIGRATIONS
from tests.shop_rows import insert, order, staff

SETTINGS = LeadSettings(Protection(protect_days=3, extend_days=2, max_days=6, cooldown_days=2, max_owners=2))
STAFF = ("a", "b", "c")
FIRST = 20_000 * DAY_SECONDS
WORDS = (None, "requested", "added", "befriended", "declined", "invalid", "postponed", "returned")
_ROWS = FEEDBACK_SCHEMA.append(pa.field("file_no", pa.int64())).append(pa.field("moment_sec", pa.int64()))

Snapshot = dict[int, tuple[Any, ...]]


class Desk(RuleBasedStateMachine):
    """Import, deal, hear back, reclaim, befriend, buy, undo, and let days pass."""

    @initialize()
    def open(self) -> None:
        self.con = duckdb.connect()
        for migrate in MIGRATIONS:
            migrate(self.con)
        insert(self.con, "staff", [staff(one, one) for one in STAFF])
        self.now, self.run_id, self.phones = FIRST, 0, 0
        self.imports: list[int] = []
        self.kept: list[tuple[Any, ...]] = []
        self.heard: list[dict[str, Any]] = []

    def teardown(self) -> None:
        if hasattr(self, "con"):
            self.con.close()

    def begin(self) -> int:
        self.run_id += 1
        self.now += 600
        return self.run_id

    def stands(self) -> Snapshot:
        rows = self.con.execute(
            "SELECT lead_id, state, staff_id, owners, assigned_sec, active_sec FROM lead_state"
        ).fetchall()
        return {row[0]: row[1:] for row in rows}

    def events(self) -> list[tuple[Any, ...]]:
        return self.con.execute("SELECT * FROM lead_events ORDER BY event_id").fetchall()

    @rule(count=st.integers(1, 6), again=st.booleans())
    def import_leads(self, count: int, again: bool) -> None:
        run = self.begin()
        first = 0 if again else self.phones
        phones = [str(13_800_000_000 + first + at) for at in range(count)]
        self.phones = max(self.phones, first + count)
        nothing = pa.nulls(count, pa.string())
        leads.stage_leads(self.con, pa.table({
            "file_no": pa.array([0] * count, pa.int64()), "row_no": pa.array(range(2, count + 2), pa.int64()),
            "phone": phones, **dict.fromkeys(leads.CONTENT, nothing), "batch": [f"名单{run}"] * count,
            "more_phones": pa.nulls(count, pa.list_(pa.string())), "is_added": pa.array([0] * count, pa.int64()),
        }))  # fmt: skip
        leads.apply_staged(self.con, ["名单"], run, self.now)
        self.imports.append(run)

    @rule()
    def distribute(self) -> None:
        run = self.begin()
        plan = desk.look(self.con, self.now).plan
        if plan.assigned:
            desk.apply(self.con, plan, run, self.now, {})

    @rule(days=st.integers(1, 4))
    def days_pass(self, days: int) -> None:
        self.now += days * DAY_SECONDS

    @rule()
    def reclaim(self) -> None:
        run = self.begin()
        care.reclaim(self.con, run, AsOf(self.now), SETTINGS)
        held = care.read_held(self.con, AsOf(self.now), SETTINGS)
        assert (held.days_left(AsOf(self.now).day) >= 0).all()
        tried = Counter({lead: now[2] for lead, now in self.stands().items() if now[0] == State.POOL})
        tried.subtract(event[1] for event in self.events() if event[3] == "handed_over" and event[1] in tried)
        assert all(times < SETTINGS.protection.max_owners for times in tried.values())
        before = self.events()
        care.reclaim(self.con, run + 1, AsOf(self.now), SETTINGS)
        assert self.events() == before

    @rule(data=st.data(), is_old=st.booleans(), is_checked=st.booleans())
    def hear_back(self, data: st.DataObject, is_old: bool, is_checked: bool) -> None:
        keys = self.con.execute(
            "SELECT lead_id, count(*) FROM lead_events WHERE kind = 'assigned' GROUP BY lead_id ORDER BY lead_id"
        ).fetchall()
        if not keys:
            return
        some = data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=6))
        rows = [
            {
                "row_no": at + 2, "lead_id": lead, "nth": data.draw(st.integers(1, nth)), "phone": None,
                "kind": data.draw(st.sampled_from(WORDS)), "note": data.draw(st.sampled_from((None, "x", "y"))),
                "is_confirmed": data.draw(st.sampled_from((None, 1, 0))) if is_checked else None,
                "file_no": 0, "moment_sec": self.now - (DAY_SECONDS if is_old else 0),
            }
            for at, (lead, nth) in enumerate(some)
        ]  # fmt: skip
        self.hear(rows)
        after = self.events()
        feedback.apply_rows(self.con, self.begin(), pa.Table.from_pylist(rows, _ROWS), ["又来.xlsx"])
        assert self.events() == after
        self.heard = rows

    def hear(self, rows: list[dict[str, Any]]) -> int:
        run = self.begin()
        feedback.apply_rows(self.con, run, pa.Table.from_pylist(rows, _ROWS), ["小李.xlsx"])
        verdicts = Counter(
            verdict for (verdict,) in self.con.execute("SELECT verdict FROM staged_feedback").fetchall()
        )
        assert sum(verdicts.values()) == len(rows)
        assert set(verdicts) <= {"new", "updated", "unchanged", "duplicate", "rejected"}
        return run

    @precondition(lambda self: self.heard)
    @rule(kind=st.sampled_from(WORDS[1:]))
    def hear_and_undo(self, kind: str) -> None:
        before, told = self.stands(), self.con.execute("SELECT count(*) FROM lead_feedback").fetchall()
        rows = [
            {**row, "kind": kind, "note": "z", "moment_sec": self.now + 600, "is_confirmed": None}
            for row in self.heard
        ]
        run = self.hear(rows)
        back, stays = ledger.take_back_events(self.con, run, self.begin(), "撤回")
        assert stays == 0
        assert self.stands() == before
        assert self.con.execute("SELECT count(*) FROM lead_feedback").fetchall() == told
        assert back == len({event[1] for event in self.events() if event[6] == run})

    @precondition(lambda self: self.phones)
    @rule(data=st.data())
    def befriend_and_maybe_undo(self, data: st.DataObject) -> None:
        run, before = self.begin(), self.stands()
        number = data.draw(st.integers(0, self.phones - 1))
        insert(self.con, "contacts", [{
            "contact_no": run, "staff_id": data.draw(st.sampled_from((*STAFF, "stranger"))),
            "phone": str(13_800_000_000 + number), "is_phone_noted": 0, "exported_sec": self.now, "first_run_id": run,
            "added_sec": data.draw(st.sampled_from((None, FIRST, self.now))), "run_id": run,
        }])  # fmt: skip
        closing.close_friends(self.con, run)
        left = self.con.execute(
            "SELECT count(*) FROM lead_state JOIN contacts USING (phone) WHERE state IN ('待分配', '待添加', '待通过')"
        ).fetchall()[0][0]
        assert left == 0
        if data.draw(st.booleans()):
            self.con.execute("DELETE FROM contacts WHERE run_id = ?", [run])
            ledger.take_back_events(self.con, run, self.begin(), "撤回")
            assert self.stands() == before

    @rule(kind=st.sampled_from(("reminded", "escalated")))
    def remind(self, kind: str) -> None:
        run, before = self.begin(), self.stands()
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE reminding AS SELECT lead_id AS nth, lead_id, ? AS at_sec, ? AS kind, staff_id, "
            "'' AS reason FROM lead_state WHERE state IN ('待添加', '待通过') AND lead_id % 2 = 0",
            [self.now, kind],
        )
        ledger.append_events(self.con, "reminding", run)
        assert self.stands() == before

    @rule(gone=st.sampled_from(STAFF))
    def hand_over(self, gone: str) -> None:
        ledger.hand_over(self.con, gone, self.begin(), self.now, "离职")
        assert gone not in {now[1] for now in self.stands().values() if now[0] in OPEN}

    @precondition(lambda self: self.phones)
    @rule(data=st.data())
    def buy(self, data: st.DataObject) -> None:
        run, number = self.begin(), data.draw(st.integers(0, self.phones - 1))
        held = {lead: now for lead, now in self.stands().items() if now[0] in OPEN}
        phone = str(13_800_000_000 + number)
        insert(self.con, "customer_keys", [{
            "kind": "phone", "namespace": "", "value": phone, "customer_id": run, "run_id": run, "born_id": run,
        }])  # fmt: skip
        line = order(run, run, "2025-01-01", 100) | {"paid_sec": self.now, "customer_id": run}
        insert(self.con, "order_lines", [line])
        closing.close_buyers(self.con, run)
        assert {lead: now for lead, now in self.stands().items() if lead in held} == held

    @precondition(lambda self: self.imports)
    @rule(data=st.data())
    def undo_import(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.imports))
        self.imports.remove(run)
        given = {lead for lead, now in self.stands().items() if now[2] or now[0] != State.POOL}
        leads.take_back(self.con, run, self.begin())
        assert given <= set(self.stands())

    @invariant()
    def the_ledger_is_only_added_to(self) -> None:
        if hasattr(self, "con"):
            events = self.events()
            assert events[: len(self.kept)] == self.kept
            assert [event[0] for event in events] == sorted({event[0] for event in events})
            self.kept = events

    @invariant()
    def replaying_the_ledger_rebuilds_the_state(self) -> None:
        if not hasattr(self, "con"):
            return
        told: dict[int, list[tuple[str, str | None]]] = {}
        for _, lead, _, kind, staff_id, _, _ in self.events():
            told.setdefault(lead, []).append((kind, staff_id))
        found = {lead: now[:3] for lead, now in self.stands().items()}
        replayed = {lead: states.replay(each) for lead, each in told.items()}
        assert found == {
            lead: (now.state, None if now.state is State.POOL else now.staff_id, now.owners)
            for lead, now in replayed.items()
            if now.state is not None
        }

    @invariant()
    def one_owner_and_nothing_lost(self) -> None:
        if not hasattr(self, "con"):
            return
        now = self.stands()
        per_state = Counter(state for state, *_ in now.values())
        pool, owned = per_state[State.POOL], sum(per_state[one] for one in OPEN)
        assert pool + owned + sum(per_state[one] for one in CLOSED) == len(now)
        assert all(staff_id in STAFF for state, staff_id, *_ in now.values() if state in OPEN)
        holding = self.con.execute(
            "SELECT count(*) FROM lead_state WHERE state IN ('待添加', '待通过')"
        ).fetchall()[0][0]
        assert holding == owned


TestDeskHistories = Desk.TestCase
TestDeskHistories.settings = settings(
    max_examples=10, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)
)
