"""export-report: golden rates, both engines alike, every sheet there, an empty shop included."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from siyu_cli.clock import date_of
from siyu_cli.customers.facts import build_facts
from siyu_cli.reports.metrics import (
    divide,
    read_leads,
    read_months,
    read_overview,
    read_platforms,
    read_staff,
)
from siyu_cli.reports.period import Period, month_of, months_shown, read_period
from siyu_cli.store.engine import DuckDbEngine
from tests.conftest import Shop
from tests.engines import SqliteEngine
from tests.shop_rows import add_lead, close_of, customer, day, insert, key, order, staff, writable
from tests.stores import make_store

AT = ("--as-of", "2025-03-15")
SHEETS = [
    "总览",
    "线索",
    "线索看板",
    "公平",
    "客户阶段",
    "客户分层",
    "分群迁移",
    "RF热力图",
    "流失",
    "员工",
    "说明",
]

# 甲 01-03 ×2; 乙 01-05, 01-25, 02-10; 丙 01-31; 丁 2024-11-20, 02-14; 戊 01-10, 02-09; 己 02-20
GOLDEN = [
    (1, "2025-01-03"), (1, "2025-01-03"), (2, "2025-01-05"), (2, "2025-01-25"), (2, "2025-02-10"),
    (3, "2025-01-31"),
    (4, "2024-11-20"), (4, "2025-02-14"), (5, "2025-01-10"), (5, "2025-02-09"), (6, "2025-02-20"),
]  # fmt: skip


def test_the_golden_rates() -> None:
    con = make_store()
    insert(con, "order_lines", [order(n, who, on, 10) for n, (who, on) in enumerate(GOLDEN, start=1)])
    engine = DuckDbEngine(con)
    as_of = close_of("2025-03-01")
    build_facts(engine, as_of)
    overview = read_overview(engine, read_period("2025-01", None, None, as_of))
    assert (overview.r1.part, overview.r1.whole) == (1, 4)
    assert (overview.r3.part, overview.r3.whole) == (0, 4)
    assert (overview.orders, overview.buyers, overview.new_buyers) == (6, 4, 4)
    whole = read_overview(engine, read_period(None, None, None, as_of))
    assert (whole.r6.part, whole.r6.whole) == (3, 6)
    february = read_overview(engine, read_period("2025-02", None, None, as_of))
    assert (february.new_buyers, february.returning_buyers, february.buyers) == (1, 3, 4)


def mixed() -> Any:
    con = make_store()
    insert(con, "customers", [customer(n) for n in (1, 2, 3)])
    insert(con, "customer_keys", [key(n, f"1380000000{n}") for n in (1, 2, 3)])
    insert(con, "staff", [staff("xl", "小李"), staff("xw", "小王", active=0)])
    add_lead(con, 1, "13800000001", held_by="xl", channel="抖音")
    add_lead(con, 2, "13800000002", held_by="xw", channel="抖音")
    add_lead(con, 3, "13800000009")
    insert(con, "order_lines", [
        order(1, 1, "2025-03-01", 100), order(2, 1, "2025-03-05", 60, refund_fen=1_000, refund_sec=1),
        order(3, 2, "2025-02-01", 40, platform="有赞", platform_key="有赞"), order(4, 2, "2025-03-31", 20),
        order(5, None, "2025-03-09", 7), order(6, 3, "2025-03-02", 30, refund_fen=3_000, refund_sec=1),
    ])  # fmt: skip
    insert(con, "refunds", [{
        "kind": "negative", "source_hash": 1, "customer_id": 1, "platform": "淘宝",
        "refund_sec": day("2025-03-03") * 86_400,
        "refund_day": day("2025-03-03"), "refund_fen": 500, "run_id": 1,
    }])  # fmt: skip
    return con


TABLES = ("order_lines", "item_nets", "refunds", "lead_state", "leads", "lead_events", "staff", "customers",
          "customer_keys",
          "opt_outs", "scores", "score_runs", "stage_moves", "stage_lists")  # fmt: skip


def test_both_engines_give_the_same_report() -> None:
    from siyu_cli.customers.profile import build_profiles

    duck, lite = DuckDbEngine(mixed()), SqliteEngine()
    for name in TABLES:
        columns = "* EXCLUDE (line_hash, order_hash)" if name == "order_lines" else "*"
        columns = "* EXCLUDE (source_hash)" if name == "refunds" else columns
        lite.register(name, duck.query(f"SELECT {columns} FROM {name}"))
    as_of = close_of("2025-03-15")
    answers = []
    for engine in (duck, lite):
        build_facts(engine, as_of)
        build_profiles(engine, as_of)
        for period in (read_period("2025-03", None, None, as_of), read_period(None, None, None, as_of)):
            months = [month_of(2025, 2), month_of(2025, 3)]
            answers.append((
                read_overview(engine, period), read_platforms(engine, period), read_months(engine, months),
                read_leads(engine, period, 0, 2**40), read_staff(engine, period),
            ))  # fmt: skip
    assert answers[:2] == answers[2:]
    overview, platforms, months, leads, people = answers[0]
    # 100.00 + 50.00 + 7.00 anonymous − 5.00 left over; the order of 03-31 is not known yet.
    assert (overview.net_fen, overview.orders, overview.buyers) == (15_200, 3, 1)
    assert (overview.spend_per_buyer_fen, overview.aov_fen) == (14_500, 5_233)
    assert overview.refund_fen == 1_000 + 3_000 + 500
    assert (overview.anonymous_orders, overview.anonymous_fen) == (1, 700)
    assert [(row.label, row.net_fen) for row in platforms] == [("淘宝", 15_200)]
    assert [(row.label, row.net_fen, row.new_buyers) for row in months] == [
        ("2025-02", 4_000, 1),
        ("2025-03", 15_200, 1),
    ]
    assert (leads.total, leads.in_pool, leads.channels[0].label) == (3, 1, "抖音")
    assert [(row.name, row.given, row.customers, row.net_fen) for row in people] == [
        ("小李", 1, 1, 14_500),
        ("小王", 1, 1, 0),
    ]


def test_the_workbook(shop: Any) -> None:
    with writable(shop) as con:
        insert(con, "staff", [staff("xl", "=1+1")])
        insert(con, "customers", [customer(n) for n in (1, 2)])
        insert(con, "customer_keys", [key(1, "13800000001")])
        add_lead(con, 1, "13800000001", held_by="xl", channel="抖音")
        insert(con, "order_lines", [order(n, 1 + n % 2, "2025-03-02", n * 10) for n in range(1, 9)])
    shop.run("score-customers", *AT)
    called = shop.json("export-report", "--month", "2025-03", *AT)
    result = called.result
    assert result["file"] == "outbox/报表/2025-03.xlsx"
    assert result["period"] == {"from": "2025-03-01", "to": "2025-03-31"}
    assert result["metrics"]["net"] == 36_000
    assert result["metrics"]["R1"] == {"part": 0, "whole": 2}
    book = openpyxl.load_workbook(shop.root / result["file"])
    assert book.sheetnames == SHEETS
    assert [len(book[name]._charts) for name in SHEETS] == [2, 2, 2, 0, 0, 2, 0, 0, 0, 2, 0]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert "=1+1" in texts
    assert not [text for text in texts if "13800000001" in text]
    for sheet in book:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        for chart in sheet._charts:
            assert chart.x_axis.delete is False
            assert chart.y_axis.delete is False
    assert "净额" in shop.run("export-report", "--month", "2025-03", *AT).stdout


def test_the_sheets_speak_chinese_and_name_units(shop: Any) -> None:
    """Definition ids stand in 说明 alone; a big number says on its card what it counts."""
    with writable(shop) as con:
        insert(con, "customers", [customer(1)])
        insert(con, "order_lines", [order(1, 1, "2025-03-02", 10)])
    shop.run("score-customers", *AT)
    book = openpyxl.load_workbook(shop.root / shop.json("export-report", *AT).result["file"])
    words = [
        re.sub(r"siyu [a-z-]+( --[a-z-]+)*", "", str(cell.value))
        for sheet in book
        if sheet.title != "说明"
        for row in sheet.iter_rows(min_row=3)
        for cell in row
        if cell.value is not None
    ]
    assert not [word for word in words if re.search("[a-z]{3}", word)]
    overview = book["总览"]
    assert [overview.cell(6, column).value.split(" · ")[0] for column in (1, 3, 5, 7, 9, 11)] == [
        "元", "单", "人", "元", "元", "元",
    ]  # fmt: skip
    about = book["说明"]
    labels = [str(cell.value) for cell in about["A"][3:] if cell.value]
    widths = [sum(2 if ord(sign) > 0x2E7F else 1 for sign in label) for label in labels]
    assert max(widths) < about.column_dimensions["A"].width
    table = shop.run("export-report", *AT).stdout
    assert "元 · 净额 ÷ 买家数" in table


def table_under(sheet: Any, title: str) -> list[list[Any]]:
    """The rows of a titled table, its head first, without the empty cells of wide columns."""
    column = [cell.value for cell in sheet["A"]]
    start = column.index(title) + 2
    rows = []
    for row in sheet.iter_rows(min_row=start, values_only=True):
        if row[0] is None:
            break
        rows.append([value for value in row if value is not None])
    return rows


def test_segments_moves_and_heat_of_two_runs(shop: Any) -> None:
    """1 stays where she is, 2 falls asleep, 3 is new: the sums are the sizes of both runs."""
    with writable(shop) as con:
        insert(con, "customers", [customer(n) for n in (1, 2, 3)])
        insert(con, "order_lines", [
            order(1, 1, "2025-01-20", 100), order(2, 1, "2025-03-14", 100), order(3, 2, "2025-01-20", 40),
            order(4, 3, "2025-03-10", 30),
        ])  # fmt: skip
    (shop.root / "segments" / "两群.yaml").write_text(
        "name: 两群\nrecency: {of: 距上次购买天数, score: {cuts: [30], scores: [2, 1]}}\n"
        "frequency: {of: 订单数, score: {cuts: [2], scores: [1, 2]}}\nmonetary: {of: 消费额}\n"
        "segments: {grid: [r, f], cells: {2: [新近, 新近], 1: [久远, 久远]}}\n",
        "utf-8",
    )
    shop.run("score-customers", "--scheme", "两群", "--as-of", "2025-01-31")
    shop.run("export-report", "--as-of", "2025-01-31")
    once = openpyxl.load_workbook(shop.root / "outbox" / "报表" / "2025-01-31.xlsx")
    assert "只打过一次分" in once["分群迁移"]["A4"].value
    shop.run("score-customers", "--scheme", "两群", *AT)
    result = shop.json("export-report", *AT).result
    book = openpyxl.load_workbook(shop.root / result["file"])
    sizes = table_under(book["客户分层"], "各群人数与净额")
    assert [row[:2] for row in sizes[1:]] == [["新近", "R 2 · F 1–2"], ["久远", "R 1 · F 1–2"]]
    assert [pytest.approx(row[2:]) for row in sizes[1:]] == [
        [2, 2 / 3, 230, 230 / 270, 115],
        [1, 1 / 3, 40, 40 / 270, 40],
    ]
    assert table_under(book["客户分层"], "分界")[1] == ["R", "距上次购买天数(天)", "30 天", "–"]
    assert table_under(book["分群迁移"], "谁去了哪里(人数)") == [
        ["上次 ↓ 这次 →", "新近", "久远", "不在了", "上次"],
        ["新近", 1, 1, "–", 2],
        ["久远", "–", "–", "–", 0],
        ["新来的", 1, "–", "–", 1],
        ["这次", 2, 1, 0, 3],
    ]
    moves = table_under(book["分群迁移"], "最大的变动")[1:]
    assert sorted(moves) == sorted([["新近", "久远", 1, 40], ["新来的", "新近", 1, 30]])
    heat = book["RF热力图"]
    assert table_under(heat, "人数") == [["R \\ F", "F 1", "F 2"], ["R 2", 1, 1], ["R 1", 1, "–"]]
    assert table_under(heat, "净额(元)")[1:] == [["R 2", 30, 200], ["R 1", 40, "–"]]
    assert len(heat.conditional_formatting) == 2
    assert len(book["分群迁移"].conditional_formatting) == 1
    # The eight give no scores: fixed classes, which hold everybody.
    shop.run("score-customers", *AT)
    book = openpyxl.load_workbook(shop.root / shop.json("export-report", *AT).result["file"])
    counted = [
        value for row in table_under(book["RF热力图"], "人数")[1:] for value in row[1:] if value != "–"
    ]
    assert sum(counted) == 3
    assert table_under(book["RF热力图"], "人数")[1] == ["0–30 天", 1, 1, *["–"] * 4]
    assert table_under(book["客户分层"], "各群人数与净额")[1][1] == "R 好 · F 好 · M 好"


def test_charts_never_lie_on_cells(shop: Any) -> None:
    with writable(shop) as con:
        insert(con, "staff", [staff(f"s{n}", f"员工{n}") for n in range(20)])
        insert(con, "order_lines", [
            order(n, n, date_of(day("2023-01-01") + 13 * n).isoformat(), 10) for n in range(1, 60)
        ])  # fmt: skip
        for n in range(40):
            add_lead(con, n + 1, f"138000000{n:02d}", channel=f"渠道{n}", held_by=f"s{n % 20}")
    shop.run("score-customers", *AT)
    shop.run("export-report", *AT)
    book = openpyxl.load_workbook(shop.root / "outbox" / "报表" / "2025-03-15.xlsx")
    for sheet in book:
        boxes = []
        for chart in sheet._charts:
            start, end = chart.anchor._from, chart.anchor.to
            boxes.append((start.col, end.col, start.row, end.row))
            covered = sheet.iter_rows(start.row + 1, end.row, start.col + 1, end.col + 1)
            assert [cell.coordinate for row in covered for cell in row if cell.value is not None] == []
        assert len(set(boxes)) == len(boxes)


@pytest.mark.office
def test_an_office_suite_prints_every_sheet(tmp_path: Path, office: Callable[[Path, str], Path]) -> None:
    """The whole workbook, charts included, becomes pages: one for each of the five sheets at least."""
    shop = Shop(tmp_path / "店")
    day = ("--as-of", "2025-03-15")
    shop.run("demo", shop.root, "--customers", "60")
    shop.run("import-orders", *sorted((shop.root / "inbox").glob("Export*.csv")), "--allow-rejects")
    shop.run("score-customers", *day)
    report = shop.root / shop.json("export-report", *day).result["file"]
    pages = office(report, "pdf").read_bytes()
    assert pages.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pages)) >= 5


def test_an_empty_shop_has_a_report_too(shop: Any) -> None:
    result = shop.json("export-report", *AT).result
    assert result["metrics"]["net"] == 0
    assert result["metrics"]["aov"] is None
    assert openpyxl.load_workbook(shop.root / result["file"]).sheetnames == SHEETS
    assert shop.json("export-report", "--as-of", "2000-01-01").result["metrics"]["orders"] == 0


def test_another_file_and_a_dry_run(shop: Any, tmp_path: Path) -> None:
    out = tmp_path / "半月.xlsx"
    shop.run("export-report", "--from", "2025-03-01", "--to", "2025-03-15", "--out", out, "--dry-run", *AT)
    assert not out.exists()
    shop.run("export-report", "--from", "2025-03-01", "--to", "2025-03-15", "--out", out, *AT)
    assert out.exists()
    assert shop.rows("SELECT kind, rows FROM exports") == [("report", 0)]


@pytest.mark.parametrize(
    "args",
    [
        ("--month", "2025-13"), ("--month", "三月"), ("--month", "2025-03", "--from", "2025-03-01"),
        ("--from", "2025-03-02", "--to", "2025-03-01"), ("--from", "2025-02-30"), ("--out", "a.csv"),
    ],
)  # fmt: skip
def test_refusals(shop: Any, args: tuple[str, ...]) -> None:
    assert shop.json("export-report", *args, expect=2).error["hint"] or args[0] == "--out"


def test_months_of_the_trend() -> None:
    year = Period(day("2024-01-01"), day("2025-03-15"), "x")
    assert [month.label for month in months_shown(year, day("2024-11-02"), day("2025-02-01"))] == [
        "2024-11", "2024-12", "2025-01", "2025-02",
    ]  # fmt: skip
    month = Period(day("2025-03-01"), day("2025-03-31"), "2025-03")
    assert months_shown(month, day("2020-01-01"), day("2025-03-02"))[0].label == "2024-04"
    assert months_shown(month, None, None) == []
    assert (month_of(2024, 2).last - month_of(2024, 2).first, month_of(2024, 12).label) == (28, "2024-12")


def test_division_rounds_half_away_from_zero() -> None:
    assert [divide(5, 2), divide(-5, 2), divide(1, 3), divide(1, 0)] == [3, -3, 0, None]
