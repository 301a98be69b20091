"""The doctor reads the whole ledger and names the first row that cannot follow."""

from __future__ import annotations

import duckdb
import pytest

from siyu_cli.leads.audit import check_ledger
from siyu_cli.store.migrations import MIGRATIONS
from tests.conftest import Shop
from tests.leads.desk import assign, fill, friend_file, staff_file


def test_a_shop_at_work_is_sound(shop: Shop) -> None:
    shop.run("import-staff", staff_file(shop, ["li:小李"]))
    assign(shop, range(6), "2025-03-15")
    path = fill(shop, "2025-03-15/小李.xlsx", {0: "已发申请", 1: "空号", 2: "退回"}, "a.xlsx")
    run = shop.json("import-feedback", path, "--as-of", "2025-03-16").document["run_id"]
    shop.run("import-contacts", friend_file(shop, [3]))
    shop.run("undo-import", str(run), "--yes")
    shop.run("reclaim-leads", "--reassign", "--as-of", "2025-04-01")
    checks = {check["name"]: check["level"] for check in shop.json("doctor").result["checks"]}
    assert checks["lead-ledger"] == "ok"


@pytest.mark.parametrize(
    ("told", "first"),
    [
        ([("assigned", "a")], 1),
        ([("imported", None), ("assigned", "a"), ("assigned", "b")], 3),
        ([("imported", None), ("assigned", "a"), ("declined", "a"), ("postponed", "a")], 4),
        ([("imported", None), ("undone", None), ("assigned", "a")], 3),
        ([("imported", None), ("reopened", None), ("requested", "a")], 3),
    ],
)
def test_a_row_that_cannot_follow_is_named(told: list[tuple[str, str | None]], first: int) -> None:
    con = duckdb.connect()
    for migrate in MIGRATIONS:
        migrate(con)
    con.executemany(
        "INSERT INTO lead_events VALUES (?, 7, 0, ?, ?, '', 1)",
        [(nth, kind, staff_id) for nth, (kind, staff_id) in enumerate(told, start=1)],
    )
    found = check_ledger(con)
    assert found.level == "failed"
    assert found.detail == f"线索的账本有 1 行接不上,第一行是 {first}"
