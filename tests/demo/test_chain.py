"""The whole main job on the sample shop, command by command, against truth.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Shop

DAY = ("--as-of", "2025-03-15")
COUNTS = ("read", "new", "duplicate", "rejected", "blank")


@pytest.fixture
def demo(tmp_path: Path) -> tuple[Shop, dict[str, Any]]:
    """A demo shop and its truth."""
    shop = Shop(tmp_path / "店")
    shop.run("demo", shop.root, "--customers", "200")
    return shop, json.loads((shop.root / "truth.json").read_text(encoding="utf-8"))


def inbox(shop: Shop, name: str) -> Path:
    return shop.root / "inbox" / name


def import_list(shop: Shop, truth: dict[str, Any], name: str) -> None:
    row = truth["lead_files"][name]
    leads = shop.json("import-leads", inbox(shop, name), *DAY, expect=4).result
    assert {key: leads["totals"][key] for key in COUNTS} == {key: row[key] for key in COUNTS}, name
    assert leads["reasons"].get("already-customer", 0) == row["already_customer"]
    assert leads["reasons"].get("in-pool", 0) == row["already_in_pool"]


def test_every_result_is_the_truth(demo: tuple[Shop, dict[str, Any]]) -> None:
    shop, truth = demo
    staff = shop.json("import-staff", inbox(shop, truth["staff"]["file"])).result
    assert {name: staff["totals"][name] for name in COUNTS} == {name: truth["staff"][name] for name in COUNTS}

    import_list(shop, truth, "抖音直播间.xlsx")
    files = [inbox(shop, row["file"]) for row in truth["order_files"]]
    orders = shop.json("import-orders", *files, expect=4).result
    told = {Path(row["file"]).name: row for row in orders["files"]}
    for row in truth["order_files"]:
        assert {name: told[row["file"]][name] for name in COUNTS} == {name: row[name] for name in COUNTS}
    assert orders["customers"] == orders["new_customers"] == truth["customers"]["total"]
    assert orders["net_fen"] == truth["orders"]["net_fen"]
    import_list(shop, truth, "包裹卡.csv")
    import_people(shop, truth)

    dealt = shop.json("distribute-leads", *DAY).result
    given = [person["given"] for person in dealt["staff"] if person["given"]]
    assert dealt["assigned"] == sum(given) == truth["leads"]["pool"]
    assert len(given) == truth["staff"]["active"]
    assert max(given) - min(given) <= 1

    scored = shop.json("score-customers", *DAY).result
    assert scored["customers"] == truth["customers"]["buyers"]
    cells = {
        row["code"]: {"customers": row["customers"], "net_fen": row["net_fen"]} for row in scored["segments"]
    }
    assert cells == truth["segments"]["codes"]

    shop.run("check-rules")
    tags = {row["tag"]: row["after"] for row in shop.json("apply-tags", *DAY).result["tags"]}
    assert tags["爱水果"] == sum(map(len, truth["likes_fruit"].values()))
    assert tags["重要客户·即将流失"] == sum(map(len, truth["leaving"].values()))

    assert tags["抖音粉"] == truth["lead_files"]["抖音直播间.xlsx"]["later_customers"]
    assert tags["包裹卡粉"] == truth["behaviour"]["new_customers"]

    push = shop.json("export-push", "重要客户·即将流失", "--reason", "三月挽留", *DAY).result
    assert push["audience"] == tags["重要客户·即将流失"]
    shop.run("export-report", *DAY)
    assert shop.json("status").result["events"] == truth["behaviour"]["new"]
    assert shop.json("status").result["contacts"] == truth["friends"]["new"]


def import_people(shop: Shop, truth: dict[str, Any]) -> None:
    """The friends, then what everybody did."""
    told = truth["friends"]
    friends = shop.json("import-contacts", inbox(shop, told["file"]), expect=4).result
    assert {name: friends["totals"][name] for name in COUNTS} == {name: told[name] for name in COUNTS}
    assert (friends["leads_known"], friends["without_key"]) == (0, told["without_key"])
    assert (friends["customers"], friends["new_customers"]) == (told["customers"], told["new_customers"])
    told = truth["behaviour"]
    events = shop.json("import-events", inbox(shop, told["file"]), expect=4).result
    assert {name: events["totals"][name] for name in COUNTS} == {name: told[name] for name in COUNTS}
    assert events["anonymous"] == told["anonymous"]
    assert (events["customers"], events["new_customers"]) == (told["customers"], told["new_customers"])
    assert sorted(events["events"].values()) == sorted(filter(None, told["kinds"].values()))


TAG_OF = {
    "wavering": "犹豫没买", "coupon_lovers": "券客", "coupons_only": "只领券不下单", "koc": "KOC候选",
    "birthday_this_month": "本月生日", "birthday_next_month": "下月生日",
}  # fmt: skip


@pytest.mark.parametrize("seed", [7, 8])
def test_the_starter_rules_find_exactly_the_people_of_the_truth(tmp_path: Path, seed: int) -> None:
    shop = Shop(tmp_path / "店")
    shop.run("demo", shop.root, "--customers", "400", "--seed", str(seed))
    truth = json.loads((shop.root / "truth.json").read_text(encoding="utf-8"))
    files = [inbox(shop, row["file"]) for row in truth["order_files"]]
    shop.run("import-orders", *files, "--allow-rejects")
    import_people(shop, truth)
    shop.run("init", shop.root, "--rules", "食品店")
    shop.run("apply-tags", *DAY)
    held = shop.rows(
        "SELECT tag, k.value FROM held_tags JOIN customer_keys AS k USING (customer_id) WHERE k.kind = 'phone'"
    )
    for name, tag in TAG_OF.items():
        assert sorted(phone for other, phone in held if other == tag) == truth["found"][name], tag
        assert truth["found"][name], tag
