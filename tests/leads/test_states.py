"""The life of a lead: the table of rules, the fold over the ledger and the view in the store say the same."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_cli.leads import states
from siyu_cli.leads.states import CLOSED, OPEN, RULES, CannotFollow, Kind, Standing, State
from siyu_cli.store.migrations import MIGRATIONS

STAFF = ("a", "b", None)


def test_every_state_is_pool_open_or_closed() -> None:
    assert {State.POOL} | OPEN | CLOSED == set(State)
    assert not OPEN & CLOSED


def test_a_life() -> None:
    told = [
        ("imported", None, State.POOL),
        ("assigned", "a", State.WAITING),
        ("postponed", "a", State.WAITING),
        ("requested", "a", State.REQUESTED),
        ("reminded", "a", State.REQUESTED),
        ("reclaimed", "a", State.POOL),
        ("assigned", "b", State.WAITING),
        ("declined", "b", State.DECLINED),
        ("reopened", "b", State.WAITING),
        ("added", "b", State.ADDED),
    ]
    for count in range(1, len(told) + 1):
        now = states.replay((kind, staff) for kind, staff, _ in told[:count])
        assert now.state == told[count - 1][2]
    assert now == Standing(State.ADDED, "b", 2)


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        ((), Kind.ASSIGNED, "cannot-follow-nothing"),
        (("imported", "assigned"), Kind.ASSIGNED, "cannot-follow-waiting"),
        (("imported",), Kind.REQUESTED, "cannot-follow-pool"),
        (("imported", "assigned", "added"), Kind.DECLINED, "cannot-follow-added"),
        (("imported", "assigned", "declined"), Kind.RECLAIMED, "cannot-follow-declined"),
        (("imported", "dead"), Kind.ASSIGNED, "cannot-follow-dead"),
        (("imported", "assigned"), Kind.UNDONE, "cannot-follow-waiting"),
    ],
)
def test_what_cannot_follow_is_refused_with_a_code(told: tuple[str, ...], kind: Kind, code: str) -> None:
    now = states.replay((one, "a") for one in told)
    with pytest.raises(CannotFollow) as caught:
        states.step(now, kind, "a")
    assert caught.value.code == code
    assert states.KIND_WORDS[kind] in caught.value.message


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, str | None]]:
    """Any ledger of one lead that the rules allow."""
    now, told = Standing(), []
    for _ in range(draw(st.integers(1, 12))):
        kinds = [kind for kind, rule in RULES.items() if now.state in rule.before]
        kind, staff = draw(st.sampled_from(kinds)), draw(st.sampled_from(STAFF))
        if kind in {Kind.ASSIGNED, *states.BACK_TO_POOL} and staff is None:
            staff = "a"
        now = states.step(now, kind, staff)
        told.append((kind.value, staff))
    return told


@settings(max_examples=10, deadline=None)
@given(st.lists(lives(), min_size=60, max_size=60))
def test_the_view_and_the_fold_agree(ledgers: list[list[tuple[str, str | None]]]) -> None:
    con = duckdb.connect()
    for migrate in MIGRATIONS:
        migrate(con)
    con.executemany(
        "INSERT INTO leads (lead_id, phone, imported_sec, run_id) VALUES (?, ?, 0, 1)",
        [(lead, str(13_800_000_000 + lead)) for lead in range(len(ledgers))],
    )
    rows = [(lead, nth, *event) for lead, told in enumerate(ledgers) for nth, event in enumerate(told)]
    rows.sort(key=lambda row: (row[1], row[0]))
    con.executemany(
        "INSERT INTO lead_events VALUES (?, ?, ?, ?, ?, '', 1)",
        [(event_id, lead, nth, kind, staff) for event_id, (lead, nth, kind, staff) in enumerate(rows)],
    )
    found = {
        lead: (state, staff, owners, last, assigned, active)
        for lead, state, staff, owners, last, assigned, active in con.execute(
            "SELECT lead_id, state, staff_id, owners, last_kind, assigned_sec, active_sec FROM lead_state"
        ).fetchall()
    }
    for lead, told in enumerate(ledgers):
        now = states.replay(told)
        if now.state is None:
            assert lead not in found
            continue
        owner = now.staff_id if now.state is not State.POOL else None
        assert found[lead] == (
            now.state, owner, now.owners, told[-1][0],
            *(moments(told) if now.state in OPEN else (None, None)),
        )  # fmt: skip


def moments(told: list[tuple[str, str | None]]) -> tuple[int | None, int | None]:
    """When the lead was dealt last, and the owner's last sign of work since it was dealt or reopened."""
    kinds = [kind for kind, _ in told]
    given = max((at for at, kind in enumerate(kinds) if kind == "assigned"), default=None)
    since = max((at for at, kind in enumerate(kinds) if kind in ("assigned", "reopened")), default=0)
    active = max(
        (at for at, kind in enumerate(kinds) if kind in states.ACTIVITY and at > since), default=None
    )
    return given, active


def test_the_page_shows_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "leads.md").read_text(encoding="utf-8")
    shown = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[1].strip("`") in Kind.__members__.values():
            shown[Kind(cells[1].strip("`"))] = (cells[0], cells[2], cells[3])
    assert set(shown) == set(Kind)
    for kind, rule in RULES.items():
        word, before, after = shown[kind]
        assert word == states.KIND_WORDS[kind]
        if rule.before == frozenset(State):
            assert before == "任何状态"
        elif None not in rule.before:
            assert set(before.split("、")) == {str(state) for state in rule.before}
        if rule.after is not None:
            assert after == rule.after
