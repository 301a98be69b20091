"""Deadlines and taking back: the worked example, calendar days, missed nights, repeated runs."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import date_of, day_of
from siyu_cli.leads.deadlines import Terms, last_days
from siyu_cli.settings import Protection
from tests.conftest import Shop
from tests.leads.desk import assign, lead_file, ledger, staff_file


def last_day(assigned: date, active: list[date], terms: Protection) -> date:
    signs = np.array([day_of(day) for day in active], np.int64)
    found = last_days(np.array([day_of(assigned)]), Terms.of([terms]), np.zeros(len(signs), np.int64), signs)
    return date_of(int(found[0]))


def test_the_worked_example() -> None:
    """红圈's: 3/25 claimed → 4/4; 3/28 changes nothing; 4/2 → 4/5; 4/5 → 4/8; never past 4/14."""
    active: list[date] = []
    for day, until in (
        (None, (4, 4)), ((3, 28), (4, 4)), ((4, 2), (4, 5)), ((4, 5), (4, 8)),
        ((4, 8), (4, 11)), ((4, 11), (4, 14)), ((4, 14), (4, 14)),
    ):  # fmt: skip
        if day is not None:
            active.append(date(2025, *day))
        assert last_day(date(2025, 3, 25), active, Protection()) == date(2025, *until)


def test_what_comes_too_late_revives_nothing() -> None:
    # 4/4 is the last day: a sign on 4/5 comes too late, and so does everything after it.
    for active in ([date(2025, 4, 5)], [date(2025, 4, 5), date(2025, 4, 6)]):
        assert last_day(date(2025, 3, 25), active, Protection()) == date(2025, 4, 4)


days = st.lists(st.integers(0, 60), max_size=8).map(sorted)
terms = st.builds(
    Protection, protect_days=st.integers(1, 15), extend_days=st.integers(0, 8), max_days=st.integers(15, 40)
)


@given(st.lists(st.tuples(st.integers(0, 20), days, terms), min_size=1, max_size=6))
def test_one_sweep_over_all_leads_is_one_lead_after_the_other(
    told: list[tuple[int, list[int], Protection]],
) -> None:
    lead = [at for at, (_, active, _) in enumerate(told) for _ in active]
    day = [one for _, active, _ in told for one in active]
    found = last_days(
        np.array([assigned for assigned, _, _ in told], np.int64), Terms.of([one for _, _, one in told]),
        np.array(lead, np.int64), np.array(day, np.int64),
    )  # fmt: skip
    for at, (assigned, active, one) in enumerate(told):
        until = assigned + one.protect_days
        for sign in active:
            if sign > until:
                break
            until = min(max(until, sign + one.extend_days), assigned + one.max_days)
        assert found[at] == until


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """Two people with three leads each since 15 March."""
    shop.run("import-staff", staff_file(shop, ["li:小李", "wang:小王"]))
    assign(shop, range(6), "2025-03-15")
    return shop


def test_untouched_leads_go_back_after_the_last_day(desk: Shop) -> None:
    assert desk.json("reclaim-leads", "--as-of", "2025-03-25").result["reclaimed"] == 0
    done = desk.run("reclaim-leads", "--as-of", "2025-03-26")
    assert "收回 6 条:6 条回到待分配,0 条算死线索" in done.stderr
    assert done.stdout.splitlines()[1].split() == ["小李", "3", "0"]
    assert desk.rows("SELECT DISTINCT state, staff_id, assigned_sec FROM lead_state") == [
        ("待分配", None, None)
    ]
    assert desk.rows("SELECT DISTINCT at_sec, reason FROM lead_events WHERE kind = 'reclaimed'") == [
        (day_of(date(2025, 3, 26)) * 86400, "到 2025-03-25 没有加上,收回")
    ]


def test_a_dry_run_says_the_same_and_writes_nothing(desk: Shop) -> None:
    dry = desk.json("reclaim-leads", "--reassign", "--as-of", "2025-04-01", "--dry-run").result
    assert ledger(desk, "reclaimed") == []
    real = desk.json("reclaim-leads", "--reassign", "--as-of", "2025-04-01").result
    assert real.pop("files")
    assert dry.pop("files") == []
    assert dry == real


def test_missed_nights_and_repeated_runs_write_the_same_ledger(make_shop) -> None:  # type: ignore[no-untyped-def]
    ledgers = []
    for name, nights in (
        ("nightly", range(15, 32)),
        ("twice", (*range(15, 32), *range(28, 32))),
        ("once", (31,)),
    ):
        shop = make_shop(name)
        shop.run("import-staff", staff_file(shop, ["li:小李", "wang:小王"]))
        assign(shop, range(4), "2025-03-15")
        assign(shop, range(4, 8), "2025-03-18")
        for night in nights:
            shop.run("reclaim-leads", "--as-of", f"2025-03-{night}")
        ledgers.append(ledger(shop))
    assert ledgers[0] == ledgers[1] == ledgers[2]
    assert [row[1] for row in ledgers[0]].count("reclaimed") == 8


def test_after_so_many_owners_a_lead_is_dead(desk: Shop) -> None:
    settings = desk.root / "siyu.yaml"
    settings.write_text("leads: {protect_days: 2, max_owners: 2, cooldown_days: 0}\n", encoding="utf-8")
    first = desk.json("reclaim-leads", "--reassign", "--as-of", "2025-03-18").result
    assert (first["reclaimed"], first["dead"], first["assigned"]) == (6, 0, 6)
    assert {file["staff_id"] for file in first["files"]} == {"li", "wang", None}
    second = desk.json("reclaim-leads", "--reassign", "--as-of", "2025-03-21").result
    assert (second["reclaimed"], second["dead"], second["assigned"]) == (6, 6, 0)
    assert desk.rows("SELECT DISTINCT state, staff_id, owners FROM lead_state") == [("死线索", None, 2)]
    assert desk.rows("SELECT DISTINCT reason FROM lead_events WHERE kind = 'dead'") == [
        ("已经给过 2 个人,都没有加上",)
    ]
    again = desk.json("import-leads", lead_file(desk, range(6), "again.csv"), "--as-of", "2025-04-01").result
    assert (again["totals"]["new"], again["reasons"]) == (0, {"already-lead": 6})


def test_the_protection_follows_the_channel(shop: Shop) -> None:
    settings = shop.root / "siyu.yaml"
    settings.write_text("leads:\n  channels:\n    抖音: {protect_days: 2}\n", encoding="utf-8")
    shop.run("import-staff", staff_file(shop, ["li:小李"]))
    assign(shop, range(6), "2025-03-15", channels=("抖音", "快手"))
    assert shop.json("reclaim-leads", "--as-of", "2025-03-18").result["reclaimed"] == 3
    assert shop.rows("SELECT DISTINCT channel FROM lead_state WHERE state = '待分配'") == [("抖音",)]


def test_a_lead_with_a_later_history_is_left_alone(desk: Shop) -> None:
    desk.run("reclaim-leads", "--as-of", "2025-04-01")
    desk.run("distribute-leads", "--as-of", "2025-04-02")
    result = desk.json("reclaim-leads", "--as-of", "2025-04-01").result
    assert (result["reclaimed"], result["later_than_as_of"]) == (0, 6)
