"""A week at the lead desk, day by day, as docs/week.md tells it; every number of the report is the ledger's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from siyu_cli.leads.states import replay
from siyu_cli.reports.fairness import read_fairness
from siyu_cli.reports.lead_board import read_board
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import Shop
from tests.leads.desk import assign, fill, lead_file, ledger, staff_file, states
from tests.shop_rows import close_of

PEOPLE = ["li:小李", "wang:小王", "zhao:小赵", "chen:小陈"]
CHANNELS = ("抖音", "快手")


def held_by(shop: Shop, account: str) -> list[int]:
    """The open leads of a person, by number."""
    open_states = ("待添加", "待通过")
    return [
        number for number, (state, who) in states(shop).items() if who == account and state in open_states
    ]


def check(shop: Shop) -> Counter[str]:
    """Nothing lost, one owner at most, and the state is what the ledger says; leads by state."""
    for number, (state, who) in states(shop).items():
        told = [
            (kind, staff)
            for phone, kind, _, staff, _ in ledger(shop)
            if phone == str(13_800_000_000 + number)
        ]
        standing = replay(told)
        assert (standing.state, standing.staff_id) == (state, who)
    return Counter(state for state, _ in states(shop).values())


def report(shop: Shop, until: str) -> None:
    """The board adds up to the ledger, the fairness sheet to the assignments, and the workbook says the same."""
    at = close_of(until).seconds
    with shop.connect() as con:
        board = read_board(DuckDbEngine(con), 0, at, at)
        fairness = read_fairness(DuckDbEngine(con), at)
    found = Counter(state for state, _ in states(shop).values())
    kinds = Counter(kind for _, kind, *_ in ledger(shop))
    assert (
        sum(one.dealt for one in board.staff) == kinds["assigned"] == sum(one.given for one in fairness.staff)
    )
    assert (
        sum(one.back for one in board.staff) == kinds["reclaimed"] + kinds["handed_over"] + kinds["returned"]
    )
    for counts in (board.batches, board.channels):
        assert sum(one.dealt for one in counts) == sum(found.values())
        assert sum(one.waiting for one in counts) == found["待添加"]
        assert sum(one.requested for one in counts) == found["待通过"]
        assert sum(one.added for one in counts) == found["已添加"]
        assert sum(one.declined for one in counts) == found["拒绝"]
        assert sum(one.invalid for one in counts) == found["无效"]
        assert sum(one.back for one in counts) == found["待分配"]
    done = shop.json("export-report", "--as-of", until).result
    assert done["leads"]["total"] == sum(found.values())
    assert done["leads"]["in_pool"] == found["待分配"]
    sheet = openpyxl.load_workbook(shop.root / done["file"])["线索看板"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(at for at, row in enumerate(rows) if row[:2] == ["员工", "分配"])
    people = {row[0]: row[1] for row in rows[head + 1 : head + 1 + len(board.staff)]}
    assert people == {one.label: one.dealt for one in board.staff}


def leave_file(shop: Shop, lines: list[str]) -> Path:
    return shop.file("请假.csv", "\n".join(["姓名,开始日,结束日,原因", *lines]) + "\n")


@pytest.fixture
def desk(shop: Shop) -> Shop:
    path = shop.root / "siyu.yaml"
    text = path.read_text(encoding="utf-8")
    for name, days in (("protect_days: 10", 3), ("extend_days: 3", 2), ("max_days: 20", 6)):
        text = text.replace(f"  {name}\n", f"  {name.split(':')[0]}: {days}\n")
    path.write_text(text, encoding="utf-8")
    shop.run("import-staff", staff_file(shop, PEOPLE))
    return shop


def test_a_week(desk: Shop) -> None:
    # Monday: forty numbers come in, ten for each, five of each channel.
    assign(desk, range(40), "2025-03-03", CHANNELS)
    assert [len(held_by(desk, person.split(":")[0])) for person in PEOPLE] == [10, 10, 10, 10]
    assert check(desk) == {"待添加": 40}

    # Tuesday: all four send their workbooks back, in one folder.
    said: dict[str, dict[int, str]] = {}
    for account, name in (person.split(":") for person in PEOPLE):
        mine = held_by(desk, account)
        said[account] = dict(
            zip(mine, ["已添加", "已添加", "已发申请", "拒绝", "空号", "稍后"], strict=False)
        )
        fill(desk, f"2025-03-03/{name}.xlsx", said[account], f"{name}.xlsx", "2025-03-04")
    desk.run("import-feedback", desk.root / "inbox" / "小李.xlsx", *(desk.root / "inbox" / f"{name}.xlsx" for name in ("小王", "小赵", "小陈")), "--as-of", "2025-03-04")  # fmt: skip
    assert check(desk) == {"已添加": 8, "待通过": 4, "拒绝": 4, "无效": 4, "待添加": 20}

    # Wednesday: 小王 is away until Friday; thirty more numbers go to the other three, and he owes nothing for it.
    desk.run("import-staff", leave_file(desk, ["小王,2025-03-05,2025-03-07,事假"]))
    desk.run(
        "import-leads", lead_file(desk, range(100, 130), "周三.csv", CHANNELS), "--as-of", "2025-03-05 09:00"
    )
    dealt = desk.json("distribute-leads", "--as-of", "2025-03-05").result
    assert {one["staff_id"]: one["given"] for one in dealt["staff"]} == {"li": 10, "zhao": 10, "chen": 10}
    assert [one["staff_id"] for one in dealt["absent"]] == ["wang"]
    assert len(held_by(desk, "wang")) == 6

    # Thursday: everybody is reminded of what ends today; nobody has been idle for three days before today.
    reminded = desk.json("remind-staff", "--as-of", "2025-03-06").result
    assert {one["staff_id"]: one["due_today"] for one in reminded["staff"]} == {
        "li": 6, "wang": 6, "zhao": 6, "chen": 6,
    }  # fmt: skip
    assert reminded["reminded"] == 16, "untouched since Monday"

    # Friday: what was due on Thursday comes back and goes to somebody else; 小王 is still away.
    monday = {
        number: who
        for number, (state, who) in states(desk).items()
        if number < 40 and state in ("待添加", "待通过")
    }
    back = desk.json("reclaim-leads", "--reassign", "--as-of", "2025-03-07").result
    assert (back["reclaimed"], back["dead"]) == (len(monday), 0) == (24, 0)
    assert back["assigned"] == 24
    for number, who in monday.items():
        assert states(desk)[number] in {("待添加", one) for one in ("li", "zhao", "chen")} - {("待添加", who)}
    assert held_by(desk, "wang") == []

    # Saturday: 小王 found the time on Thursday night after all: his late 已添加 is asked about, nothing moves.
    late = next(
        number for number, who in monday.items() if who == "wang" and said["wang"].get(number) is None
    )
    new_owner = states(desk)[late]
    path = fill(desk, "2025-03-03/小王.xlsx", {late: "已添加"}, "小王补.xlsx", "2025-03-08")
    asked = desk.json("import-feedback", path, "--as-of", "2025-03-08", expect=4).result
    assert asked["questions"] == 1
    assert states(desk)[late] == new_owner
    # The operator asks, and it is true.
    book = openpyxl.load_workbook(desk.root / asked["questions_file"])
    sheet = book.worksheets[0]
    sheet.cell(2, {cell.value: cell.column for cell in sheet[1]}["核对"]).value = "属实"
    answered = desk.root / "inbox" / "核对.xlsx"
    book.save(answered)
    desk.run("import-feedback", answered, "--as-of", "2025-03-08")
    assert states(desk)[late] == ("已添加", "wang")
    check(desk)

    # Sunday: 小赵 leaves; all she holds goes to the others, who end within one lead of each other.
    hers = held_by(desk, "zhao")
    desk.run("import-staff", staff_file(desk, ["zhao:小赵:停用"], "离职.csv"))
    handed = desk.json("distribute-leads", "--from", "小赵", "--as-of", "2025-03-09").result
    assert handed["assigned"] == len(hers)
    assert held_by(desk, "zhao") == []
    given = [one["given"] for one in handed["staff"]]
    assert sum(given) == len(hers)
    after = check(desk)
    assert sum(after.values()) == 70
    assert after["已添加"] == 9

    report(desk, "2025-03-09")
    # Looking back at Tuesday shows Tuesday.
    with desk.connect() as con:
        tuesday = close_of("2025-03-04").seconds
        board = read_board(DuckDbEngine(con), 0, tuesday, tuesday)
    assert sum(one.dealt for one in board.staff) == 40
    assert sum(one.added for one in board.staff) == 8
