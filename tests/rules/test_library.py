"""The starter rules: every kind of shop's set loads beside the defaults, is wholly tested and tags the sample shop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from siyu_cli.setup_workspace import shop_kinds
from siyu_cli.workspace import configs_dir
from tests.conftest import Shop

LIBRARY = configs_dir() / "rules-library"
DAY = ("--as-of", "2025-03-15")
KINDS = ("服装店", "美妆店", "食品店")
# What a team needs from the first day, by the name of a tag or of a group of tags.
WANTED = {
    "tags": {
        "KOC候选", "下月生日", "犹豫没买", "待绑定订单", "快要流失", "挽回成功", "券客", "只领券不下单", "本月生日",
    },
    "groups": {"价值等级", "活跃度", "新老客", "地区", "渠道来源"},
}  # fmt: skip


def kept(counts: dict[str, int], *tags: str) -> int:
    return sum(counts[tag] for tag in tags)


def counts_of(shop: Shop) -> dict[str, int]:
    """How many hold each tag; tags of rules that nobody holds count 0."""
    done = shop.json("apply-tags", *DAY).result
    return {row["tag"]: row["after"] for row in done["tags"]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The sample shop with its orders, leads, friends and behaviour, and its truth; it is copied, never used."""
    shop = Shop(tmp_path_factory.mktemp("demo") / "店")
    shop.run("demo", shop.root, "--customers", "200")
    truth = json.loads((shop.root / "truth.json").read_text(encoding="utf-8"))
    inbox = shop.root / "inbox"
    shop.run("import-leads", inbox / "抖音直播间.xlsx", *DAY, expect=4)
    shop.run("import-orders", *(inbox / row["file"] for row in truth["order_files"]), expect=4)
    shop.run("import-contacts", inbox / truth["friends"]["file"], expect=4)
    shop.run("import-events", inbox / truth["behaviour"]["file"], expect=4)
    return shop.root, truth


def test_the_kinds_are_the_folders() -> None:
    assert shop_kinds() == KINDS


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_loads_without_a_warning_and_no_small_mistake_goes_unnoticed(shop: Shop, kind: str | None) -> None:
    if kind:
        made = shop.json("init", shop.root, "--rules", kind).result["made"]
        assert {Path(name).parts[1] for name in made} == {"共用", kind}
    checked = shop.json("check-rules").result
    assert checked["problems"] == []
    if kind:
        assert set(checked["tags"]) >= WANTED["tags"]
        names = shop.json("list-names").result["names"]
        assert {one["name"] for one in names} >= WANTED["groups"] | WANTED["tags"]
        assert sum(tag.startswith("爱") for tag in checked["tags"]) >= 4
    # What the kinds have in common is tried with one of them.
    files = [shop.root / "rules" / kind] if kind in KINDS[1:] else []
    judged = shop.json("test-rules", *files, "--coverage", "--mutate", "--min-coverage", "100").result
    assert judged["failed"] == 0
    assert judged["coverage"]["percent"] == 100
    assert judged["mutants"]["survivors"] == []
    assert judged["mutants"]["total"] >= (80 if files else 200 if kind else 20)


@pytest.mark.parametrize(
    "path", sorted(LIBRARY.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_file_says_when_to_use_it_and_what_to_change(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    comment = "".join(line for line in text.splitlines() if line.startswith("#"))
    assert "什么时候用:" in comment
    assert "改哪里:" in comment
    assert "\ntests:\n" in text


def test_nothing_stands_in_two_folders() -> None:
    """What is the same for all kinds of shop is in the common folder, once."""
    bodies = [
        "".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
        for path in LIBRARY.rglob("*.yaml")
    ]
    assert len(bodies) == len(set(bodies)) >= 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_shop_is_tagged(tmp_path: Path, demo: tuple[Path, dict[str, Any]], kind: str) -> None:
    root, truth = demo
    shop = Shop(tmp_path / "店")
    shutil.copytree(root, shop.root)
    shop.run("init", shop.root, "--rules", kind)
    counts = counts_of(shop)
    everybody, buyers = truth["customers"]["total"], truth["customers"]["buyers"]
    everybody += truth["friends"]["new_customers"] + truth["behaviour"]["new_customers"]
    newness = ("忠实老客", "回头客", "首单新客", "买过一次")
    assert kept(counts, *newness) == buyers
    assert kept(counts, *newness, "还没下单") == everybody
    assert kept(counts, "近一年没消费", "普通客户", "优质客户", "高价值客户", "顶级客户") == everybody
    assert kept(counts, "活跃客户", "变冷客户", "沉睡客户", "流失客户") == buyers
    usual = (*newness, "近一年没消费", "普通客户", "优质客户", "活跃客户", "变冷客户", "沉睡客户")
    usual += ("犹豫没买", "券客", "只领券不下单", "KOC候选", "本月生日", "下月生日")
    usual += ("快要流失", "抖音粉", "华东客户", "华南客户", "华北客户", "华中客户", "西南客户", "爱水果")
    usual += {
        "食品店": ("流失客户", "爱坚果", "爱零食", "高价值客户"),
        "服装店": ("该换季了",),
        "美妆店": ("流失客户",),
    }[kind]
    assert [tag for tag in usual if not 0 < counts[tag] < everybody] == []


def test_wavering_and_coupons_from_an_events_file(shop: Shop) -> None:
    """The two sets of rows that people import by themselves reach the tags."""
    shop.run("init", shop.root, "--rules", "食品店")
    rows = ["手机号,事件,商品,时间"]
    rows += [f"13800000001,浏览,车厘子礼盒,2025-03-{day:02} 10:00:00" for day in (12, 13, 14)]
    rows += [f"13800000002,领券,,2025-03-{day:02} 10:00:00" for day in (1, 2, 3)]
    shop.run("import-events", shop.file("行为.csv", "\n".join(rows)))
    assert {tag for tag, count in counts_of(shop).items() if count == 1} >= {"犹豫没买", "只领券不下单"}


def test_one_kind_at_a_time_and_files_stay_as_they_are(shop: Shop) -> None:
    shop.run("init", shop.root, "--rules", "食品店")
    own = shop.root / "rules" / "食品店" / "价值.yaml"
    own.write_text("# 我的\nversion: 1\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in (shop.root / "rules").rglob("*.yaml")}
    said = shop.json("init", shop.root, "--rules", "食品店").result
    assert (said["rules"], said["made"]) == ("食品店", [])
    refused = shop.json("init", shop.root, "--rules", "服装店", expect=3).error
    assert refused["code"] == "other-shop-rules"
    assert "rules/食品店/" in refused["hint"]
    unknown = shop.json("init", shop.root, "--rules", "花店", expect=2).error
    assert "美妆店" in unknown["hint"]
    assert {path: path.read_bytes() for path in (shop.root / "rules").rglob("*.yaml")} == before


def test_added_later_it_says_what_was_added(shop: Shop) -> None:
    asked = shop.run("init", shop.root, "--rules", "美妆店", "--dry-run")
    assert not (shop.root / "rules" / "共用").exists()
    said = shop.run("init", shop.root, "--rules", "美妆店")
    assert "补上了 rules/共用/ 8 · rules/美妆店/ 5" in said.stderr
    assert "什么时候用" in said.stderr
    assert "补上了" in asked.stderr
