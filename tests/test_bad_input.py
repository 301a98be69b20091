"""Bad input of every kind ends in its own sentence and exit code, and nothing is written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.conftest import Shop

STATE = (
    "staff",
    "leads",
    "lead_events",
    "order_lines",
    "customers",
    "customer_keys",
    "refunds",
    "tags",
    "scores",
    "exports",
)


def xlsx(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


ORDERS = "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间,订单付款时间\n"
CASES: dict[str, tuple[str, bytes, str]] = {
    "an unknown header": ("import-orders", "甲,乙,丙\n1,2,3\n".encode(), "unknown-header"),
    "an empty file": ("import-orders", b"", "empty-file"),
    "only white space": ("import-orders", b"\n\n  \n", ""),
    "a zip that is no workbook": ("import-orders", zipped("a.txt"), ""),
    "half a workbook": ("import-orders", xlsx([["订单编号"]])[:700], ""),
    "a picture": ("import-leads", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, ""),
    "a workbook without cells": ("import-leads", xlsx([]), ""),
    "staff with one account twice": (
        "import-staff", xlsx([["员工账号", "姓名"], ["li", "小李"], ["wang", "小王"], ["li", "小李子"]]), ""),
    "orders without any amount": ("import-orders", "订单编号,买家会员名,订单付款时间\n1,甲,2025-01-01\n".encode(), ""),
    "orders without any date": ("import-orders", "订单编号,买家会员名,买家实际支付金额\n1,甲,5.00\n".encode(), ""),
}  # fmt: skip


def everything(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    return {table: shop.rows(f"SELECT count(*) FROM {table}") for table in STATE}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_refused_and_nothing_is_written(shop: Shop, case: str) -> None:
    command, content, code = CASES[case]
    path = shop.file("坏文件.xlsx" if content[:2] == b"PK" else "坏文件.csv", content)
    before = everything(shop)
    called = shop.json(command, path, expect=3)
    if code:
        assert called.error["code"] == code
    assert called.error["message"]
    assert called.error["hint"]
    spoken = shop.run(command, path, expect=3)
    assert spoken.stdout == ""
    assert "错误" in spoken.stderr
    assert "→" in spoken.stderr
    assert everything(shop) == before
    assert not list((shop.root / "outbox").rglob("*.*"))


def test_staff_with_one_account_twice_names_both_rows(shop: Shop) -> None:
    _, content, _ = CASES["staff with one account twice"]
    message = shop.json("import-staff", shop.file("员工.xlsx", content), expect=3).error["message"]
    assert "li" in message
    assert "2" in message
    assert "4" in message


def test_an_empty_folder_and_a_missing_file(shop: Shop) -> None:
    assert shop.json("import-orders", shop.root / "inbox", expect=3).error["code"] == "nothing-to-read"
    assert (
        shop.json("import-orders", shop.root / "inbox" / "没有.csv", expect=3).error["code"]
        == "file-not-found"
    )


def test_one_bad_file_among_good_ones_writes_nothing(shop: Shop) -> None:
    good = shop.file("好.csv", ORDERS + "1,甲,5.00,交易成功,2025-01-01 10:00:00,2025-01-01 10:01:00\n")
    bad = shop.file("坏.csv", "甲,乙\n1,2\n")
    before = everything(shop)
    shop.run("import-orders", good, bad, expect=3)
    assert everything(shop) == before
    shop.run("import-orders", good)


def test_a_rule_with_a_mistyped_metric(shop: Shop) -> None:
    (shop.root / "rules" / "流失.yaml").write_text(
        "version: 1\ntags:\n  快走了:\n    when:\n      - 定单数 3次 以上\n", encoding="utf-8"
    )
    for command in ("check-rules", "plan-tags", "apply-tags"):
        spoken = shop.run(command, expect=3)
        assert "rules/流失.yaml:5:9" in spoken.stderr
        assert "E201" in spoken.stderr
        assert "订单数" in spoken.stderr
    assert shop.rows("SELECT count(*) FROM tags") == [(0,)]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("score-customers", "--scheme", "八分裙"), 3),
        (("export-push", "没有这个标签"), 3),
        (("export-table", "orderz", "--out", "x.csv"), 2),
        (("export-table", "orders", "--out", "x.docx"), 2),
        (("score-customers", "--as-of", "昨天"), 2),
        (("export-report", "--month", "2025-13"), 2),
        (("distribute-leads",), 3),
    ],
)
def test_wrong_names_are_refused(shop: Shop, args: tuple[str, ...], code: int) -> None:
    shop.file("名单.csv", "手机号\n13800138000\n")
    if args == ("distribute-leads",):
        shop.run("import-leads", shop.root / "inbox" / "名单.csv")
    before = everything(shop)
    called = shop.json(*args, expect=None)
    assert called.exit_code == code, called.stdout + called.stderr
    assert called.error["hint"]
    assert everything(shop) == before


def test_bad_rows_go_back_and_come_in_once_mended(shop: Shop, make_shop: Callable[[str], Shop]) -> None:
    from openpyxl import load_workbook

    path = shop.file(
        "订单.csv",
        ORDERS
        + "1001,甲,5.00,交易成功,2025-01-01 10:00:00,2025-01-01 10:01:00\n"
        + "1002,乙,8.00,交易成功,2025-02-30 10:00:00,2025-02-30 10:01:00\n"
        + "1003,丙,七块,交易成功,2025-01-03 10:00:00,2025-01-03 10:01:00\n"
        + "1004,丁,9.00,神秘状态,2025-01-04 10:00:00,2025-01-04 10:01:00\n",
    )
    called = shop.json("import-orders", path, expect=4)
    assert called.result["totals"] == {
        "read": 4, "new": 1, "updated": 0, "unchanged": 0, "duplicate": 0, "rejected": 3, "blank": 0,
    }  # fmt: skip
    rejects = shop.root / called.result["files"][0]["rejects_file"]
    book = load_workbook(rejects)
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    where = {str(name).strip(): at for at, name in enumerate(header)}
    for row in sheet.iter_rows(min_row=2):
        for name in ("订单创建时间", "订单付款时间"):
            row[where[name]].value = "2025-01-05 10:00:00"
        row[where["买家实际支付金额"]].value = "7.00"
        row[where["订单状态"]].value = "交易成功"
    mended = shop.root / "inbox" / "修好.xlsx"
    book.save(mended)
    again = shop.json("import-orders", mended).result
    assert again["totals"]["new"] == 3
    assert shop.rows("SELECT order_id, paid_fen FROM order_lines ORDER BY 1") == [
        ("1001", 500), ("1002", 700), ("1003", 700), ("1004", 700),
    ]  # fmt: skip
    assert shop.run("import-orders", path, "--allow-rejects").exit_code == 0


def test_running_every_command_twice_changes_nothing_but_the_runs(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "店")
    shop.run("demo", shop.root, "--customers", "60")
    day = ("--as-of", "2025-03-15")
    inbox = shop.root / "inbox"
    orders = sorted([*inbox.glob("Export*.csv"), *inbox.glob("有赞*.xlsx")])
    steps: list[tuple[tuple[object, ...], int]] = [
        (("import-staff", inbox / "员工.xlsx"), 0),
        (("import-leads", inbox / "抖音直播间.xlsx", *day), 4),
        (("import-orders", *orders), 4),
        (("import-leads", inbox / "包裹卡.csv", *day), 4),
        (("import-contacts", inbox / "客户列表.xlsx"), 4),
        (("import-events", inbox / "行为.csv"), 4),
        (("distribute-leads", *day), 0),
        (("score-customers", *day), 0),
        (("apply-tags", *day), 0),
        (("export-push", "爱水果", *day), 0),
        (("export-report", *day), 0),
    ]
    for args, code in steps:
        dry = shop.json(*args, "--dry-run", expect=None) if args[0] != "export-report" else None  # type: ignore[arg-type]
        real = shop.json(*args, expect=code)  # type: ignore[arg-type]
        if dry is not None and args[0] not in ("distribute-leads", "export-push"):
            assert without_files(dry.result) == without_files(real.result), args[0]
    # Which runs said the same of a row (undo-import needs it) and which rules a run went by (causes of tags do)
    # are parts of the list of runs.
    tables = [
        row[0]
        for row in shop.rows("SELECT table_name FROM duckdb_tables()")
        if row[0] not in ("runs", "exports", "tag_runs") and not row[0].endswith("_confirmed")
    ]

    def state() -> dict[str, object]:
        return {table: sorted(shop.rows(f"SELECT * FROM {table}"), key=repr) for table in tables} | {
            str(path.relative_to(shop.root)): content(path)
            for path in sorted((shop.root / "outbox").rglob("*.xlsx"))
        }

    before = state()
    for args, code in steps:
        shop.json(*args, expect=code)  # type: ignore[arg-type]
    after = state()
    assert [name for name in before | after if before.get(name) != after.get(name)] == []


def without_files(result: dict[str, object]) -> dict[str, object]:
    """A result without the names of files, which a dry run does not write."""
    plain = {key: value for key, value in result.items() if key != "files"}
    plain["counts"] = [
        {key: value for key, value in file.items() if key != "rejects_file"}
        for file in result.get("files", [])  # type: ignore[attr-defined]
        if isinstance(file, dict)
    ]
    return plain


def content(path: Path) -> list[list[tuple[object, ...]]]:
    """All cells of a workbook, the run it names aside."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    return [
        [row for row in sheet.iter_rows(values_only=True) if "执行" not in str(row)]
        for sheet in book.worksheets
    ]
