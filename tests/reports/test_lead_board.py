"""The lead board reconciles with the ledger: every assignment and every lead is in exactly one column."""

from __future__ import annotations

from datetime import date
from typing import Any

import openpyxl
import pytest

from siyu_cli.clock import DAY_SECONDS, day_of
from siyu_cli.reports.lead_board import LeadBoard, LeadCount, read_board
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import Shop
from tests.engines import SqliteEngine
from tests.leads.desk import assign, friend_file, staff_file

LAST = date(2025, 4, 30)
WHOLE = (0, (day_of(LAST) + 1) * DAY_SECONDS - 1, (day_of(LAST) + 1) * DAY_SECONDS - 1)


def report(shop: Shop, words: dict[str, str], until: str) -> None:
    """Fill `words` (phone → 结果) into the newest workbook that has the phone, and take them back."""
    for path in sorted((shop.root / "outbox/线索").rglob("*.xlsx"), key=lambda one: one.stat().st_mtime_ns):
        book = openpyxl.load_workbook(path)
        sheet = book.worksheets[0]
        columns = {cell.value: cell.column for cell in sheet[1]}
        if "结果" not in columns:
            continue
        for row in range(2, sheet.max_row + 1):
            phone = sheet.cell(row, columns["手机号"]).value
            sheet.cell(row, columns["结果"]).value = words.get(str(phone))
        book.save(path)
        shop.run("import-feedback", path, "--as-of", until, expect=None)


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Two people, eight leads of two channels: two added, one requested, one declined, one invalid, three reclaimed
    of which one is added by the other person after the second dealing."""
    shop.run("import-staff", staff_file(shop, ["a:小李", "b:小王"]))
    assign(shop, range(8), "2025-03-01", channels=("抖音", "快手"))
    phone = [str(13_800_000_000 + at) for at in range(8)]
    said = {phone[0]: "已添加", phone[1]: "已添加", phone[2]: "已发申请", phone[3]: "拒绝", phone[4]: "空号"}
    report(shop, said, "2025-03-03 12:00")
    shop.run("reclaim-leads", "--as-of", "2025-03-12")
    return shop


def read(shop: Shop, bounds: tuple[int, int, int] = WHOLE) -> LeadBoard:
    with shop.connect() as con:
        return read_board(DuckDbEngine(con), *bounds)


def parts(one: LeadCount) -> int:
    return one.waiting + one.requested + one.added + one.declined + one.invalid + one.back + one.other


def test_every_lead_is_in_one_column(busy: Shop) -> None:
    board = read(busy)
    for counts in (board.staff, board.batches, board.channels):
        assert counts
        assert all(parts(one) == one.dealt for one in counts)
    assert (
        sum(one.dealt for one in board.staff)
        == busy.rows("SELECT count(*) FROM lead_events WHERE kind = 'assigned'")[0][0]
    )
    for counts in (board.batches, board.channels):
        assert sum(one.dealt for one in counts) == 8
    assert {one.label: one.dealt for one in board.channels} == {"抖音": 4, "快手": 4}


def test_what_became_of_them(busy: Shop) -> None:
    staff = read(busy).staff
    assert sum(one.added for one in staff) == 2
    assert (sum(one.declined for one in staff), sum(one.invalid for one in staff)) == (1, 1)
    assert sum(one.back for one in staff) == 4
    assert sum(one.asked for one in staff) == 4
    for one in staff:
        assert one.done_share == one.added / one.dealt
        if one.days is not None:
            assert 2 <= one.days <= 2.2


def test_the_cut_off_decides(busy: Shop) -> None:
    before = (0, day_of(date(2025, 3, 2)) * DAY_SECONDS, day_of(date(2025, 3, 2)) * DAY_SECONDS)
    board = read(busy, before)
    assert sum(one.waiting for one in board.staff) == sum(one.dealt for one in board.staff) == 8


def test_a_second_owner_counts_beside_the_first(busy: Shop) -> None:
    busy.run("distribute-leads", "--as-of", "2025-03-13")
    board = read(busy)
    given = sum(one.dealt for one in board.staff)
    assert given == 8 + sum(one.waiting for one in board.staff)
    assert sum(one.dealt for one in board.batches) == 8
    assert all(parts(one) == one.dealt for one in (*board.staff, *board.batches))


def test_friends_found_in_the_contact_list_count_as_added(busy: Shop) -> None:
    busy.run("import-contacts", friend_file(busy, [5, 6]))
    board = read(busy)
    assert sum(one.added for one in board.channels) == 4
    assert sum(one.added for one in board.staff) == 2, (
        "they were back in the pool: nobody's assignment added them"
    )


def test_engines_agree(busy: Shop) -> None:
    with busy.connect() as con:
        other = SqliteEngine()
        for name in ("lead_events", "leads", "lead_sources", "staff"):
            table: Any = con.sql(f"SELECT * FROM {name}").to_arrow_table()
            other.register(name, table)
        assert read_board(other, *WHOLE) == read_board(DuckDbEngine(con), *WHOLE)


def test_the_sheet_says_the_same(busy: Shop) -> None:
    done = busy.json("export-report", "--as-of", "2025-04-30")
    path = busy.root / done.result["file"]
    sheet = openpyxl.load_workbook(path)["线索看板"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    heads = next(row for row in rows if row[:2] == ["员工", "分配"])
    people = {row[0]: dict(zip(heads, row, strict=True)) for row in rows[rows.index(heads) + 1 :][:2]}
    for one in read(busy).staff:
        assert people[one.label]["分配"] == one.dealt
        assert people[one.label]["收回"] == one.back
        assert people[one.label]["完成率"] == pytest.approx(one.done_share)
    assert len(sheet._charts) == 2
