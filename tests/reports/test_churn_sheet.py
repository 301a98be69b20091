"""The sheet of leaving says what the last backtest found, and names whom to save."""

from __future__ import annotations

from typing import Any

import openpyxl
import pytest

from tests.conftest import Shop
from tests.customers.churn_shop import order_rows, purchases
from tests.shop_rows import add_lead, customer, insert, key, staff, writable

AT = ("--as-of", "2025-03-15")


@pytest.fixture
def tested_shop(shop: Shop) -> Shop:
    rows = purchases(200)
    with writable(shop) as con:
        con.execute("BEGIN")
        insert(con, "staff", [staff("xl", "小李")])
        insert(con, "customers", [customer(number, name=f"客{number}") for number in range(1, 201)])
        insert(con, "customer_keys", [key(number, f"138{number:08d}") for number in range(1, 201)])
        insert(con, "order_lines", order_rows(rows))
        add_lead(con, 1, "13800000003", held_by="xl")
        con.execute("COMMIT")
    shop.run("score-customers", "--backtest", *AT)
    return shop


def cells(shop: Shop) -> tuple[Any, list[list[str]]]:
    path = shop.root / shop.json("export-report", *AT).result["file"]
    sheet = openpyxl.load_workbook(path)["流失"]
    rows = [[str(value) for value in row if value is not None] for row in sheet.iter_rows(values_only=True)]
    return sheet, [row for row in rows if row]


def test_whom_to_save_and_why(tested_shop: Shop) -> None:
    sheet, rows = cells(tested_shop)
    late_line = tested_shop.rows("SELECT (churn::JSON -> 'cycle' ->> 'late_line_days')::INT FROM score_runs")[
        0
    ][0]
    wanted = tested_shop.rows(
        "SELECT customer_id, risk, net_fen, rhythm_days, recency_days, late_days FROM scores "
        "WHERE risk IN ('中', '高') AND late_days > 0 AND recency_days <= ? ORDER BY net_fen DESC, customer_id LIMIT 20",
        [late_line],
    )
    assert wanted
    start = next(at for at, row in enumerate(rows) if row[0].startswith("本周先救谁")) + 2
    listed = rows[start : start + len(wanted)]
    for row, (customer_id, risk, fen, rhythm, recency, late) in zip(listed, wanted, strict=True):
        assert row[:3] == [str(customer_id), f"客{customer_id}", f"138****{customer_id:04d}"]
        assert risk in row
        assert str(fen / 100) in (row[-2], f"{row[-2]}.0", row[-2].removesuffix(".0"))
        assert row[-1].startswith(f"约 {rhythm} 天来一次,已 {recency} 天没来,晚 {late} 天;90 天内再买约")
    # Who opted out is on no list.
    tested_shop.run("optout", f"138{wanted[0][0]:08d}", "--yes")
    _, again = cells(tested_shop)
    assert [row for row in again if row[0] == str(wanted[0][0])] == []
    texts = " ".join(text for row in rows for text in row)
    assert f"138{wanted[0][0]:08d}" not in texts
    assert len(sheet._charts) == 2
    for chart in sheet._charts:
        begin, end = chart.anchor._from, chart.anchor.to
        covered = sheet.iter_rows(begin.row + 1, end.row, begin.col + 1, end.col + 1)
        assert [cell.coordinate for row in covered for cell in row if cell.value is not None] == []


def test_sizes_and_gaps_add_up(tested_shop: Shop) -> None:
    _, rows = cells(tested_shop)
    stored = dict(tested_shop.rows("SELECT risk, count(*) FROM scores GROUP BY risk"))
    for risk in ("低", "中", "高", "已流失"):
        row = next(row for row in rows if row[0] == risk)
        assert int(row[2]) == stored.get(risk, 0)
    gaps = tested_shop.rows("SELECT (churn::JSON -> 'cycle' ->> 'gaps')::INT FROM score_runs")[0][0]
    start = next(at for at, row in enumerate(rows) if row[0] == "间隔到(天)") + 1
    counted = 0
    for row in rows[start:]:
        counted += int(row[1]) + int(row[2])
        if row[0] == "更久":
            break
    assert counted == gaps > 100


def test_without_a_test_and_without_a_signal(shop: Shop) -> None:
    _, rows = cells(shop)
    assert any("--backtest" in text for row in rows for text in row)
    with writable(shop) as con:
        insert(con, "customers", [customer(1)])
        insert(con, "order_lines", order_rows([(1, 20_000, 100)]))
    shop.run("score-customers", "--backtest", *AT)
    _, rows = cells(shop)
    texts = " ".join(text for row in rows for text in row)
    assert "没有可用的信号" in texts
    assert "看不出复购周期" in texts
