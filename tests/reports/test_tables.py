"""export-table through the app."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from siyu_cli.store.scores import CHURN_COLUMNS
from tests.shop_rows import add_lead, customer, insert, key, order, staff, writable

AT = ("--as-of", "2025-03-15")
CUSTOMERS = [
    "customer_id",
    "buyer_ids",
    "phone_masked",
    "owner",
    "orders",
    "days",
    "net_fen",
    "first_at",
    "last_at",
    "r_score",
    "f_score",
    "m_score",
    "segment_code",
    "segment",
    *CHURN_COLUMNS,
]
END = len(CUSTOMERS) - len(CHURN_COLUMNS)


@pytest.fixture
def full(shop: Any) -> Any:
    with writable(shop) as con:
        insert(con, "staff", [staff("xl", "小李")])
        insert(con, "customers", [customer(1), customer(2)])
        insert(con, "customer_keys", [
            key(1, "13800000001"), key(1, "买家,一", "buyer", "淘宝"), key(1, "b2", "buyer", "有赞"),
        ])  # fmt: skip
        add_lead(con, 1, "13800000001", held_by="xl")
        insert(con, "order_lines", [
            order(1, 1, "2025-03-10", 100), order(2, 1, "2025-03-10", 50, second=40_000),
            order(3, 1, "2025-03-12", 30, refund_fen=500, refund_sec=1), order(4, 1, "2025-04-01", 30),
        ])  # fmt: skip
        insert(con, "tags", [
            {"customer_id": 1, "tag": tag, "source": "auto", "pin": pin, "set_day": 20100,
             "rule_hash": "", "run_id": 1}
            for tag, pin in (("爱水果", "none"), ("老客", "off"))
        ])  # fmt: skip
    return shop


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_customers(full: Any, tmp_path: Path) -> None:
    out = tmp_path / "客户's.csv"
    result = full.json("export-table", "customers", "--out", out, *AT).result
    assert (result["rows"], result["columns"]) == (2, CUSTOMERS)
    assert read_csv(out) == [
        CUSTOMERS,
        ["1", "有赞:b2;淘宝:买家,一", "138****0001", "xl", "3", "2", "17500", "2025-03-10 10:00:00",
         "2025-03-12 10:00:00", *[""] * 5, *[""] * len(CHURN_COLUMNS)],
        ["2", "", "", "", "0", "0", "0", "", "", *[""] * 5, *[""] * len(CHURN_COLUMNS)],
    ]  # fmt: skip
    full.run("export-table", "customers", "--out", out, "--reveal", *AT)
    assert read_csv(out)[0][2] == "phone"
    assert read_csv(out)[1][2] == "13800000001"
    assert full.rows("SELECT rows, is_revealed FROM exports ORDER BY run_id") == [(2, 0), (2, 1)]


def test_customers_and_scores_carry_the_last_run_s_results(full: Any, tmp_path: Path) -> None:
    out, scores = tmp_path / "customers.csv", tmp_path / "scores.csv"
    full.run("score-customers", "--scheme", "RF十格", "--as-of", "2025-03-11")
    full.run("score-customers", "--scheme", "R包v0.3", *AT)
    full.run("export-table", "customers", "--out", out, *AT)
    # One customer alone: every quantile is her own value, so she is below every cut of F and M.
    assert [row[END - 5 : END] for row in read_csv(out)[1:]] == [["5", "1", "1", "5", "新客"], [""] * 5]
    full.run("export-table", "customers", "--out", out, "--as-of", "2025-03-11")
    assert read_csv(out)[1][END - 5 : END] == ["5", "1", "", "1", "新客"]
    full.run("export-table", "scores", "--out", scores, *AT)
    table = read_csv(scores)
    end = table[0].index("risk")
    assert table[0][end - 5 :] == [
        "r_score", "f_score", "m_score", "segment_code", "segment", *CHURN_COLUMNS,
    ]  # fmt: skip
    assert [row[end - 5 : end] for row in table[1:]] == [
        ["5", "1", "", "1", "新客"],
        ["5", "1", "1", "5", "新客"],
    ]
    assert {value for row in table[1:] for value in row[end:]} == {""}


def test_tags_are_only_those_held_now(full: Any, tmp_path: Path) -> None:
    out = tmp_path / "tags.csv"
    full.run("export-table", "tags", "--out", out)
    assert read_csv(out) == [
        ["customer_id", "tag", "source", "pin", "set_day"],
        ["1", "爱水果", "auto", "none", "2025-01-12"],
    ]


@pytest.mark.parametrize("name", ["customers", "orders", "leads", "ledger", "scores", "tags", "runs"])
@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_every_table_in_every_form(full: Any, tmp_path: Path, name: str, suffix: str) -> None:
    full.run("score-customers", *AT)
    out = tmp_path / f"{name}.{suffix}"
    result = full.json("export-table", name, "--out", out, *AT).result
    assert result["rows"] > 0
    if suffix == "csv":
        rows = len(read_csv(out)) - 1
    elif suffix == "parquet":
        rows = pq.read_table(out).num_rows
    else:
        rows = openpyxl.load_workbook(out).worksheets[0].max_row - 1
    assert rows == result["rows"]
    assert b"13800000001" not in out.read_bytes()


def test_refusals_leave_nothing(shop: Any, tmp_path: Path) -> None:
    error = shop.json("export-table", "customer", "--out", tmp_path / "a.csv", expect=2).error
    assert error["code"] == "unknown-table"
    assert "customers" in error["hint"]
    assert (
        shop.json("export-table", "customers", "--out", tmp_path / "a.xls", expect=2).error["code"]
        == "unknown-suffix"
    )
    assert list(tmp_path.glob("a.*")) == []
    assert shop.json("export-table", "customers", "--out", tmp_path / "e.csv").result["rows"] == 0
    shop.run("export-table", "customers", "--out", tmp_path / "d.csv", "--dry-run")
    assert not (tmp_path / "d.csv").exists()


def test_rows_after_the_cut_off_are_left_out_and_counted(shop: Any) -> None:
    shop.file("名单.csv", "手机号\n13800138000\n")
    shop.run("import-leads", shop.root / "inbox" / "名单.csv", "--as-of", "2025-03-20")
    out = shop.root / "leads.csv"
    early = shop.json("export-table", "leads", "--out", out, "--as-of", "2025-03-19").result
    assert (early["rows"], early["later_than_as_of"]) == (0, 1)
    late = shop.json("export-table", "leads", "--out", out, "--as-of", "2025-03-20").result
    assert (late["rows"], late["later_than_as_of"]) == (1, 0)
