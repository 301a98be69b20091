"""Reminders: who is told of what on which day, each step once, lists that are never overwritten, the group robot."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest

from tests.conftest import Shop
from tests.leads.desk import assign, staff_file
from tests.wecom.robot_server import robot_server

GIVEN = date(2025, 3, 15)


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """Two people with three leads each, given on 3/15; protected until 3/25."""
    shop.run("import-staff", staff_file(shop, ["a:小李", "b:小王"]))
    assign(shop, range(6), GIVEN.isoformat())
    return shop


def on(days: int) -> str:
    return (GIVEN + timedelta(days=days)).isoformat()


def remind(shop: Shop, days: int, *more: str, expect: int = 0) -> dict:
    return shop.json("remind-staff", "--as-of", on(days), *more, expect=expect).result


def rows_of(path: Path) -> list[tuple]:
    return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(min_row=2, values_only=True))


def steps(shop: Shop) -> dict[str, int]:
    return dict(
        shop.rows(
            "SELECT kind, count(*) FROM lead_events WHERE kind IN ('reminded', 'escalated') GROUP BY kind"
        )
    )


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (0, {"new": 3}), (1, {}), (2, {}), (3, {"idle": 3}), (9, {"idle": 3}), (10, {"due_today": 3}), (11, {"overdue": 3}),
    ],
)  # fmt: skip
def test_why_a_lead_is_on_the_list(desk: Shop, days: int, found: dict[str, int]) -> None:
    staff = remind(desk, days)["staff"]
    assert len(staff) == (2 if found else 0)
    for one in staff:
        assert {key: one[key] for key in ("overdue", "due_today", "idle", "new") if one[key]} == found
        assert len(rows_of(desk.root / one["file"])) == 3


def test_the_ladder_takes_each_step_once(desk: Shop) -> None:
    told = [(done["reminded"], done["escalated"]) for done in (remind(desk, days) for days in range(9))]
    assert told == [(0, 0), (0, 0), (0, 0), (6, 0), (0, 0), (0, 6), (0, 0), (0, 0), (0, 0)]
    assert steps(desk) == {"reminded": 6, "escalated": 6}


def test_a_missed_week_takes_both_steps_at_once(desk: Shop) -> None:
    done = remind(desk, 7)
    assert (done["reminded"], done["escalated"]) == (6, 6)
    manager = desk.root / f"outbox/提醒/{on(7)}/_主管.xlsx"
    rows = rows_of(manager)
    assert len(rows) == 6
    assert all(row[2][3:7] == "****" for row in rows), "the manager's list masks phones"


def test_work_on_a_lead_puts_the_ladder_off(desk: Shop) -> None:
    mine = remind(desk, 0)["staff"][0]
    path = desk.root / mine["file"]
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    column = {cell.value: cell.column for cell in sheet[1]}["结果"]
    sheet.cell(2, column).value = "已发申请"
    book.save(path)
    desk.run("import-feedback", path, "--as-of", on(2))
    assert remind(desk, 3)["reminded"] == 5
    assert remind(desk, 5)["reminded"] == 1


def test_running_again_writes_nothing(desk: Shop) -> None:
    first = remind(desk, 3)
    path = desk.root / first["staff"][0]["file"]
    path.write_bytes(b"filled in")
    again = remind(desk, 3)
    assert [one["file"] for one in again["staff"]] == [one["file"] for one in first["staff"]]
    assert (again["files"], again["reminded"]) == ([], 0)
    assert path.read_bytes() == b"filled in"
    assert steps(desk) == {"reminded": 6}


def test_what_came_since_makes_a_second_list(desk: Shop) -> None:
    first = remind(desk, 3)
    assign(desk, range(900, 902), on(3))
    again = remind(desk, 3)
    assert {one["file"] for one in again["files"]} == {
        one["file"].replace(".xlsx", "-2.xlsx") for one in first["staff"]
    }
    assert all(one["new"] == 1 and one["idle"] == 3 for one in again["staff"])


def test_a_list_that_was_not_written_is_written_next_time(desk: Shop) -> None:
    folder = desk.root / f"outbox/提醒/{on(3)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    assert all(one["problem"] for one in remind(desk, 3, expect=4)["files"])
    folder.unlink()
    done = remind(desk, 3)
    assert len(done["files"]) == 2
    assert done["reminded"] == 0
    assert desk.rows("SELECT count(*) FROM exports WHERE kind = 'reminder-list' AND is_written = 0") == [(0,)]


def test_a_dry_run_says_the_same_and_writes_nothing(desk: Shop) -> None:
    planned = remind(desk, 3, "--dry-run")
    assert not (desk.root / "outbox/提醒").exists()
    done = remind(desk, 3)
    assert planned["staff"] == done["staff"]
    assert steps(desk) == {"reminded": 6}


class TestGroup:
    def configure(self, desk: Shop, url: str) -> None:
        path = desk.root / "siyu.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("  escalate_days: 5", f"  escalate_days: 5\n  manager: boss\n  webhook: {url}"),
            encoding="utf-8",
        )

    def test_the_group_is_told_without_numbers(self, desk: Shop) -> None:
        with robot_server() as robot:
            self.configure(desk, robot.url)
            assert remind(desk, 5, "--yes")["messages"] == {"sent": 1, "left": 0}
            assert remind(desk, 5, "--yes")["messages"] == {"sent": 0, "left": 0}, "once is enough"
        [message] = robot.received
        text = message["markdown"]["content"]
        assert "<@boss>" in text
        assert text.count("该跟进 3") == 2
        phones = [phone for (phone,) in desk.rows("SELECT phone FROM leads")]
        assert not [phone for phone in phones if phone in text or phone[-4:] in text]

    def test_what_the_service_did_not_take_goes_out_next_time(self, desk: Shop) -> None:
        with robot_server(93000) as robot:
            self.configure(desk, robot.url)
            done = remind(desk, 3, "--yes", expect=6)
            assert done["messages"] == {"sent": 0, "left": 1}
            assert len(done["files"]) == 2, "the lists are there all the same"
            assert remind(desk, 3, "--yes")["messages"] == {"sent": 1, "left": 0}
        assert len(robot.received) == 1

    def test_yesterdays_message_is_not_sent_today(self, desk: Shop) -> None:
        with robot_server(93000) as robot:
            self.configure(desk, robot.url)
            remind(desk, 3, "--yes", expect=6)
            assert remind(desk, 4, "--yes")["messages"] == {"sent": 1, "left": 0}
        assert on(4) in robot.received[0]["markdown"]["content"]

    def test_lists_written_without_a_message_are_announced_later(self, desk: Shop) -> None:
        remind(desk, 3, "--no-send")
        with robot_server() as robot:
            self.configure(desk, robot.url)
            done = remind(desk, 3, "--yes")
            assert (done["files"], done["messages"]) == ([], {"sent": 1, "left": 0})
            assert remind(desk, 3, "--yes")["messages"] == {"sent": 0, "left": 0}
        assert robot.received[0]["markdown"]["content"].count("该跟进 3") == 2

    def test_no_message_speaks_of_a_list_that_is_not_there(self, desk: Shop) -> None:
        folder = desk.root / "outbox/提醒"
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("in the way")
        with robot_server() as robot:
            self.configure(desk, robot.url)
            assert remind(desk, 3, "--yes", expect=4)["messages"] == {"sent": 0, "left": 1}
            folder.unlink()
            assert remind(desk, 3, "--yes")["messages"] == {"sent": 1, "left": 0}

    def test_sending_needs_a_yes(self, desk: Shop) -> None:
        with robot_server() as robot:
            self.configure(desk, robot.url)
            assert desk.json("remind-staff", "--as-of", on(3), expect=2).error["code"] == "not-confirmed"
            assert steps(desk) == {}
            assert remind(desk, 3, "--no-send")["messages"] == {"sent": 0, "left": 0}
        assert robot.received == []

    def test_a_wrong_address_stops_before_anything_is_written(self, desk: Shop) -> None:
        self.configure(desk, "https://example.com/secret")
        refused = desk.json("remind-staff", "--as-of", on(3), "--yes", expect=3)
        assert refused.error["code"] == "bad-webhook"
        assert "secret" not in refused.stdout + refused.stderr
        assert steps(desk) == {}

    def test_the_address_may_stand_in_the_environment(
        self, desk: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with robot_server() as robot:
            monkeypatch.setenv("SIYU_WEBHOOK", robot.url)
            assert remind(desk, 3, "--yes")["messages"]["sent"] == 1
        stored = desk.rows("SELECT arguments FROM runs") + desk.rows("SELECT body FROM messages")
        assert "secret-key" not in str(stored)


def test_a_reminder_decides_nothing_about_the_deadline(desk: Shop) -> None:
    """A lead that was reminded after its last day goes back at the moment it would have gone back anyway."""
    remind(desk, 12)
    desk.run("reclaim-leads", "--as-of", on(20))
    [(at_sec,)] = desk.rows("SELECT DISTINCT at_sec FROM lead_events WHERE kind = 'reclaimed'")
    assert at_sec == (GIVEN + timedelta(days=11) - date(1970, 1, 1)).days * 86_400


def test_people_who_have_nothing_get_no_list(desk: Shop) -> None:
    desk.run("reclaim-leads", "--as-of", on(20))
    assert remind(desk, 20)["staff"] == []
