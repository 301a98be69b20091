"""distribute-leads with weights, caps, leave, working days, eligibility and friends; the ledger; many at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Shop
from tests.leads.desk import friend_file, lead_file

SATURDAY = ("--as-of", "2025-03-15")
SUNDAY = ("--as-of", "2025-03-16")
SRC = str(Path(__file__).resolve().parents[2] / "src")

STAFF = """员工账号,姓名,权重,每日上限,持有上限,渠道,地区,门店,技能,状态
li,小李,2,,,,,,,在岗
wang,小王,1,3,,,,,,在岗
zhao,小赵,1,,4,抖音,,,,在岗
"""


def staff(shop: Shop, text: str = STAFF) -> None:
    shop.run("import-staff", shop.file("员工.csv", text))


def leave(shop: Shop, rows: str, *, expect: int = 0) -> Any:
    path = shop.file("请假.csv", "员工账号,姓名,开始日,结束日,原因,状态\n" + rows)
    return shop.json("import-staff", path, expect=expect)


def given(called: Any) -> dict[str, int]:
    return {one["staff_id"]: one["given"] for one in called.result["staff"]}


def settings(shop: Shop, text: str) -> None:
    """The section `distribution:` of siyu.yaml, in place of the one that init writes."""
    path = shop.root / "siyu.yaml"
    shipped = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"^distribution:\n(  .*\n)+", "", shipped, flags=re.MULTILINE) + text, encoding="utf-8"
    )


def replayed(shop: Shop) -> dict[str, Fraction]:
    """given − owed of everyone, summed from the first batch; what is stored with each row must be the same."""
    balances: dict[str, Fraction] = {}
    for staff_id, count, owed, carry, balance in shop.rows(
        "SELECT staff_id, given, owed, carry, balance FROM lead_shares ORDER BY run_id, staff_id"
    ):
        balances[staff_id] = balances.get(staff_id, Fraction(0)) + count - Fraction(owed) - Fraction(carry)
        assert balances[staff_id] == Fraction(balance)
    return balances


def test_weights_and_caps(shop: Shop) -> None:
    staff(shop)
    shop.run("import-leads", lead_file(shop, range(12), channels=("抖音", "快手")), *SATURDAY)
    dry = shop.json("distribute-leads", "--dry-run", *SATURDAY).result
    called = shop.json("distribute-leads", *SATURDAY)
    assert {**called.result, "files": []} == dry
    assert given(called) == {"li": 8, "wang": 3, "zhao": 1}
    rooms = {one["staff_id"]: (one["room"], one["is_full"]) for one in called.result["staff"]}
    assert rooms == {"li": (None, False), "wang": (3, True), "zhao": (4, False)}
    # the same day again: 小王 has had three, 小赵 holds one of four
    shop.run("import-leads", lead_file(shop, range(100, 110), "二.csv", channels=("抖音",)), *SATURDAY)
    again = shop.json("distribute-leads", *SATURDAY)
    assert given(again)["wang"] == 0
    assert given(again)["zhao"] <= 3
    assert shop.rows("SELECT count(*) FROM lead_state WHERE staff_id = 'zhao' AND channel = '快手'") == [(0,)]
    # the next day 小王 takes part again, and is owed nothing for the leads he had no room for
    shop.run("import-leads", lead_file(shop, range(200, 203), "三.csv", channels=("快手",)), *SUNDAY)
    third = shop.json("distribute-leads", *SUNDAY)
    assert given(third)["wang"] in (1, 2)
    balances = replayed(shop)
    assert {
        one["staff_id"]: one["gap"].lstrip("+") for one in third.result["staff"]
    }.keys() == balances.keys()
    assert all(abs(one) < 2 for one in balances.values())


def test_full_people_leave_leads_in_the_pool_with_the_reason(shop: Shop) -> None:
    staff(shop, "员工账号,姓名,每日上限\na,甲,1\nb,乙,2\n")
    shop.run("import-leads", lead_file(shop, range(5)), *SATURDAY)
    called = shop.json("distribute-leads", *SATURDAY)
    assert given(called) == {"a": 1, "b": 2}
    assert (called.result["left_in_pool"], called.result["left_reasons"]) == (2, {"all-full": 2})
    # the oldest went first
    assert shop.rows("SELECT right(phone, 1) FROM lead_state WHERE state = '待分配' ORDER BY 1") == [
        ("3",),
        ("4",),
    ]
    assert "都满了" in shop.run("distribute-leads", *SATURDAY).stderr
    assert given(shop.json("distribute-leads", *SUNDAY)) == {"a": 1, "b": 1}


def test_leave_is_no_debt(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\nb,乙\nc,丙\n")
    called = leave(shop, "a,,2025-03-14,2025-03-16,年假,\n,乙,2025-03-15,,,\n")
    assert (called.result["new_leaves"], called.result["leaves"]) == (2, 2)
    shop.run("import-leads", lead_file(shop, range(6)), *SATURDAY)
    first = shop.json("distribute-leads", *SATURDAY)
    assert given(first) == {"c": 6}
    assert [(one["name"], one["why"], one["until"]) for one in first.result["absent"]] == [
        ("甲", "请假(年假)", "到 2025-03-16"), ("乙", "请假", "到 2025-03-15"),
    ]  # fmt: skip
    reason = shop.rows("SELECT DISTINCT reason FROM lead_events WHERE kind = 'assigned'")[0][0]
    assert "甲请假(年假)、乙请假" in reason
    shop.run("import-leads", lead_file(shop, range(100, 104), "二.csv"), *SUNDAY)
    assert "甲(请假(年假)到 2025-03-16)" in shop.run("distribute-leads", "--dry-run", *SUNDAY).stdout
    assert given(shop.json("distribute-leads", *SUNDAY)) == {"b": 2, "c": 2}
    shop.run("import-leads", lead_file(shop, range(200, 209), "三.csv"), "--as-of", "2025-03-17")
    assert given(shop.json("distribute-leads", "--as-of", "2025-03-17")) == {"a": 3, "b": 3, "c": 3}
    assert set(replayed(shop).values()) == {0}


def test_everyone_away(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\n")
    leave(shop, "a,,2025-03-15,2025-03-15,,\n")
    shop.run("import-leads", lead_file(shop, range(2)), *SATURDAY)
    called = shop.json("distribute-leads", *SATURDAY).result
    assert (called["assigned"], called["left_reasons"]) == (0, {"all-absent": 2})
    assert given(shop.json("distribute-leads", *SUNDAY)) == {"a": 2}


def test_a_leave_sheet_again_changed_called_off_and_taken_back(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\nb,乙\nc,同名\nd,同名\n")
    rows = "a,,2025-03-14,2025-03-16,年假,\n"
    leave(shop, rows)
    assert leave(shop, rows).result["totals"]["unchanged"] == 1
    changed = leave(shop, "a,,2025/3/14,2025-03-20,年假,\n")
    assert changed.result["totals"]["updated"] == 1
    found = "SELECT staff_id, to_day - from_day, is_active FROM staff_leaves"
    assert shop.rows(found) == [("a", 6, 1)]
    run = shop.rows("SELECT max(run_id) FROM runs")[0][0]
    shop.run("undo-import", str(run), "--yes")
    assert shop.rows(found) == [("a", 2, 1)]
    leave(shop, "a,,2025-03-14,2025-03-16,年假,取消\n")
    assert shop.rows(found) == [("a", 2, 0)]
    shop.run("import-leads", lead_file(shop, range(4)), *SATURDAY)
    assert given(shop.json("distribute-leads", *SATURDAY))["a"] == 1
    bad = leave(
        shop,
        "nobody,,2025-03-14,,,\n,同名,2025-03-14,,,\na,,2025-03-20,2025-03-19,,\nb,,,,,\nb,,2025-04-01,,,不知道\n"
        "b,,2025-05-01,2025-05-02,,\nb,,2025-05-01,2025-05-03,,\n",
        expect=4,
    )
    assert bad.result["reasons"] == {
        "unknown-staff": 1, "several-staff": 1, "leave-ends-early": 1, "missing-leave-day": 1,
        "unknown-leave-status": 1, "leave-differs": 1,
    }  # fmt: skip
    assert bad.result["totals"]["new"] == 1
    shop.run("doctor")


def test_staff_and_leave_in_one_import(shop: Shop) -> None:
    people = shop.file("员工.csv", "员工账号,姓名\na,甲\n")
    away = shop.file("请假.csv", "员工账号,开始日,结束日\na,2025-03-14,2025-03-16\n")
    called = shop.json("import-staff", away, people, "--full")
    assert [(file["platform"], file["new"]) for file in called.result["files"]] == [("请假", 1), ("员工", 1)]
    assert (called.result["new_staff"], called.result["retired"]) == (1, [])
    # a leave sheet alone says nothing of who has left
    assert shop.json("import-staff", away, "--full").result["retired"] == []
    assert shop.json("import-staff", away).result["missing"] == []
    shop.run("undo-import", "1", "--yes")


def test_working_days(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\n")
    settings(
        shop,
        "distribution:\n  workdays: [周一, 周二, 周三, 周四, 周五]\n  holidays: [2025-03-17]\n  extra_workdays: [2025-03-16]\n",
    )
    shop.run("import-leads", lead_file(shop, range(3)), *SATURDAY)
    closed = shop.json("distribute-leads", *SATURDAY).result
    assert (closed["assigned"], closed["left_reasons"]) == (0, {"outside-working-days": 3})
    assert "不是工作日" in shop.run("distribute-leads", *SATURDAY).stderr
    assert shop.json("distribute-leads", "--as-of", "2025-03-17").result["assigned"] == 0
    assert shop.json("distribute-leads", *SUNDAY).result["assigned"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("distribution:\n  workday: [周一]\n", "workdays"),
        ("distribution:\n  workdays: [星期八]\n", "周一、周二"),
        ("distribution:\n  holidays: [2025-13-01]\n", "2025-10-01"),
        ("distribution:\n  strata: [chanel]\n", "channel、region"),
        ("distribution:\n  sticky: maybe\n", "true 或 false"),
    ],
)
def test_settings_that_cannot_be_read(shop: Shop, text: str, words: str) -> None:
    staff(shop, "员工账号,姓名\na,甲\n")
    settings(shop, text)
    refused = shop.run("distribute-leads", expect=3)
    assert words in refused.stderr
    assert "siyu.yaml" in refused.stderr


def test_who_takes_what_and_what_nobody_takes(shop: Shop) -> None:
    staff(
        shop,
        "员工账号,姓名,渠道,地区,门店,技能\na,甲,抖音、快手,,,\nb,乙,,浙江省,,\nc,丙,,,一店,高意向\n",
    )
    path = shop.file(
        "名单.csv",
        "手机号,渠道,省,市,门店,标签\n"
        "13800000001,抖音,广东,深圳,二店,双11\n13800000002,公众号,浙江省,杭州市,二店,\n"
        "13800000003,公众号,广东,深圳,一店,高意向\n13800000004,公众号,广东,,二店,\n",
    )
    shop.run("import-leads", path, *SATURDAY)
    called = shop.json("distribute-leads", *SATURDAY).result
    assert shop.rows("SELECT right(phone, 1), staff_id FROM lead_state ORDER BY 1") == [
        ("1", "a"), ("2", "b"), ("3", "c"), ("4", None),
    ]  # fmt: skip
    assert called["left_reasons"] == {"no-one-eligible": 1}
    assert "没有人能接" in shop.run("distribute-leads", *SATURDAY).stderr
    assert set(replayed(shop).values()) == {0}


def test_a_lead_does_not_go_back_in_its_cooldown(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\n")
    shop.run("import-leads", lead_file(shop, range(4)), *SATURDAY)
    shop.run("distribute-leads", *SATURDAY)
    later = ("--as-of", "2025-04-10")
    assert shop.json("reclaim-leads", *later).result["reclaimed"] == 4
    called = shop.json("distribute-leads", *later).result
    assert (called["assigned"], called["left_reasons"]) == (0, {"cooldown": 4})
    assert "冷却期" in shop.run("distribute-leads", *later).stderr
    staff(shop, "员工账号,姓名\na,甲\nb,乙\n")
    assert given(shop.json("distribute-leads", *later)) == {"a": 0, "b": 4}
    assert set(replayed(shop).values()) == {0}


def test_strata_by_value(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\nb,乙\n")
    settings(shop, "distribution:\n  strata: [channel, value]\n  value_from: [级别]\n")
    rows = "".join(
        f"138{at:08d},{'抖音' if at % 2 else '快手'},{'高' if at % 4 < 2 else '低'}\n" for at in range(16)
    )
    shop.run("import-leads", shop.file("名单.csv", "手机号,渠道,级别\n" + rows), *SATURDAY)
    called = shop.json("distribute-leads", *SATURDAY).result
    assert [(one["stratum"], one["leads"], one["spread"]) for one in called["strata"]] == [
        ("快手·低", 4, 0), ("快手·高", 4, 0), ("抖音·低", 4, 0), ("抖音·高", 4, 0),
    ]  # fmt: skip
    assert shop.rows("SELECT DISTINCT given * 1000000 - due_micro FROM lead_mixes") == [(0,)]


def test_an_old_friend_comes_first(shop: Shop) -> None:
    staff(shop, "员工账号,姓名\na,甲\nb,乙\n")
    shop.run("import-leads", lead_file(shop, range(4)), *SATURDAY)
    shop.run("import-contacts", friend_file(shop, [3], account="b"))
    import duckdb

    with duckdb.connect(str(shop.root / ".siyu" / "siyu.duckdb")) as con:
        # as if the list had come after the friend was made, under another phone of the same person
        con.execute("DELETE FROM lead_events WHERE lead_id = 4 AND kind <> 'imported'")
    called = shop.json("distribute-leads", *SATURDAY)
    assert shop.rows("SELECT staff_id FROM lead_state WHERE lead_id = 4") == [("b",)]
    assert {one["staff_id"]: (one["given"], one["own"]) for one in called.result["staff"]} == {
        "a": (2, 0), "b": (2, 1),
    }  # fmt: skip
    assert (
        "老客归属"
        in shop.rows("SELECT reason FROM lead_events WHERE lead_id = 4 AND kind = 'assigned'")[0][0]
    )


def test_the_ledger_is_replayed_from_its_first_row(shop: Shop) -> None:
    staff(shop)
    for batch, (day, away) in enumerate(
        [("2025-03-10", ""), ("2025-03-11", "li,,2025-03-11,,,\n"), ("2025-03-12", ""), ("2025-03-12", "")]
    ):
        if away:
            leave(shop, away)
        phones = range(batch * 100, batch * 100 + 5 + batch)
        shop.run(
            "import-leads",
            lead_file(shop, phones, f"{batch}.csv", channels=("抖音", "快手", "")),
            "--as-of",
            day,
        )
        shop.run("distribute-leads", "--as-of", day)
    balances = replayed(shop)
    counted = dict(
        shop.rows("SELECT staff_id, count(*) FROM lead_events WHERE kind = 'assigned' GROUP BY ALL")
    )
    assert dict(shop.rows("SELECT staff_id, sum(given)::INT FROM lead_shares GROUP BY ALL")) == counted
    assert set(balances) == set(counted) == {"li", "wang", "zhao"}
    mixes = "SELECT sum(given)::INT, round(sum(due_micro) / 1e6)::INT FROM lead_mixes"
    assert shop.rows(mixes) == [(sum(counted.values()),) * 2]


def test_shares_of_an_older_store_are_taken_over(tmp_path: Path) -> None:
    """Equal shares of pool_rows ÷ people become exact fractions with their running balance."""
    import duckdb

    from siyu_cli.store.migrations import MIGRATIONS
    from siyu_cli.store.shares import ledger_rows, run_shares

    with duckdb.connect(str(tmp_path / "old.duckdb")) as con:
        for step in MIGRATIONS[:6]:
            step(con)
        con.execute("""
            INSERT INTO lead_shares VALUES
                (1, 'a', 4, 10, 3, '0', 'x/a.xlsx'), (1, 'b', 3, 10, 3, '0', NULL), (1, 'c', 3, 10, 3, '0', NULL),
                (2, 'a', 2, 3, 2, '0', NULL), (2, 'd', 1, 3, 2, '-1/6', NULL)
        """)
        for step in MIGRATIONS[6:]:
            step(con)
        rows = {row.staff_id: (row.given, row.owed, row.is_present) for row in ledger_rows(con)}
        assert rows == {
            "a": (6, Fraction(10, 3) + Fraction(3, 2), True), "b": (3, Fraction(10, 3), False),
            "c": (3, Fraction(10, 3), False), "d": (1, Fraction(3, 2) - Fraction(1, 6), True),
        }  # fmt: skip
        assert {row.staff_id: row.owed for row in ledger_rows(con, 2)}["a"] == Fraction(10, 3)
        assert run_shares(con, 1)[0] == ("a", 4, "x/a.xlsx")


def test_eight_at_once(shop: Shop) -> None:
    """Eight processes import and distribute at the same time: each lead one owner, the bounds as if in a row."""
    staff(shop, "员工账号,姓名\na,甲\nb,乙\nc,丙\n")
    files = [
        lead_file(shop, range(at * 30, at * 30 + 40), f"名单{at}.csv", channels=("抖音", "快手"))
        for at in range(4)
    ]
    calls = [("import-leads", str(file), *SATURDAY) for file in files]
    calls += [("distribute-leads", *SATURDAY)] * 4
    env = {**os.environ, "PYTHONPATH": SRC}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "siyu_cli", *call, "-w", str(shop.root), "--wait", "120", "--quiet"],
            env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for call in calls
    ]  # fmt: skip
    for one in running:
        _, errors = one.communicate(timeout=150)
        assert one.returncode == 0, errors.decode()
    shop.run("distribute-leads", *SATURDAY)
    owners = shop.rows(
        "SELECT lead_id, count(*), count(DISTINCT staff_id) FROM lead_events WHERE kind = 'assigned' GROUP BY ALL"
    )
    assert len(owners) == 130
    assert {one[1:] for one in owners} == {(1, 1)}
    assert shop.rows("SELECT count(*) FROM leads") == [(130,)]
    assert shop.rows("SELECT DISTINCT state FROM lead_state") == [("待添加",)]
    total: Counter[str] = Counter()
    for _, batch in sorted(_by_run(shop).items()):
        total.update(batch)
        assert max(total[one] for one in "abc") - min(total[one] for one in "abc") <= 1
    assert sum(total.values()) == 130
    assert all(abs(one) < 1 for one in replayed(shop).values())
    shop.run("doctor")


def _by_run(shop: Shop) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = {}
    for run_id, staff_id, count in shop.rows("SELECT run_id, staff_id, given FROM lead_shares"):
        found.setdefault(run_id, Counter())[staff_id] += count
    return found
