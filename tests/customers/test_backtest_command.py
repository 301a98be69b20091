"""score-customers --backtest through the app."""

from __future__ import annotations

import csv
from types import SimpleNamespace
from typing import Any

import pytest

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.commands.churn import _cycle_notes
from siyu_cli.customers.cycle import Cycle
from siyu_cli.forecast.rhythm import Gaps, Regularity
from tests.customers.churn_shop import END, order_rows, purchases
from tests.shop_rows import customer, insert, order, writable

AT = ("--as-of", "2025-03-15")


def fill(shop: Any, rows: list[tuple[int, int, int]]) -> None:
    with writable(shop) as con:
        con.execute("BEGIN")
        insert(con, "customers", [customer(number) for number in sorted({row[0] for row in rows})])
        insert(con, "order_lines", order_rows(rows))
        con.execute("COMMIT")


def kept(shop: Any) -> tuple[Any, Any]:
    return (
        shop.rows("SELECT * FROM scores ORDER BY ALL"),
        shop.rows("SELECT run_id, churn FROM score_runs ORDER BY ALL"),
    )


def test_the_risk_is_tested_kept_and_used(shop: Any) -> None:
    fill(shop, purchases(200))
    plain = shop.json("score-customers", *AT).result
    assert "backtest" not in plain
    assert shop.rows("SELECT count(*) FROM scores WHERE risk IS NOT NULL OR late_days IS NOT NULL") == [(0,)]
    result = shop.json("score-customers", "--backtest", *AT).result
    test = result["backtest"]
    assert test["horizon_days"] == 90
    assert {"name", "auc"} <= set(test["methods"][0])
    assert test["chosen"] in {one["name"] for one in test["methods"]}
    levels = {one["risk"]: one["customers"] for one in result["risk"]["levels"]}
    stored = dict(shop.rows("SELECT risk, count(*) FROM scores GROUP BY risk"))
    assert {risk: number for risk, number in levels.items() if number} == stored
    assert result["cycle"]["starter_rule_days"] == [30, 60]
    # Again, and without the test, changes nothing: what was found of the risk still holds.
    before = kept(shop)
    shop.run("score-customers", "--backtest", *AT)
    shop.run("score-customers", *AT)
    assert kept(shop) == before
    # Conditions see it.
    (shop.root / "rules").joinpath("风险.yaml").write_text(
        "tags: {快走: {when: 流失风险 属于 高、已流失}}", "utf-8"
    )
    tags = {one["tag"]: one["after"] for one in shop.json("apply-tags", *AT, "--yes").result["tags"]}
    assert tags["快走"] == levels["高"] + levels["已流失"] > 0
    # New orders are scored anew, by what was chosen.
    with writable(shop) as con:
        insert(con, "order_lines", [order(9_000, 1, "2025-03-14", 50)])
    again = shop.json("score-customers", *AT).result
    assert again["backtest"] == test
    assert shop.rows("SELECT count(*) FROM scores WHERE risk IS NOT NULL") == [(200,)]


LATER = ("--as-of", "2025-04-20")


def test_what_was_chosen_is_used_until_it_is_tested_again(shop: Any) -> None:
    fill(shop, purchases(200))
    (shop.root / "siyu.yaml").write_text("churn: {method: recency}\n", "utf-8")
    told = shop.run("score-customers", *AT)
    assert "还没有流失风险:运行一次 siyu score-customers --backtest" in told.stderr
    tested = shop.json("score-customers", "--backtest", *AT).result
    # Another day, another scheme: the same method, its chances, its cuts.
    later = shop.json("score-customers", "--scheme", "RF十格", *LATER).result
    assert later["backtest"] == tested["backtest"]
    assert later["backtest"]["as_of"] == "2025-03-15"
    assert later["risk"]["cuts"] == tested["risk"]["cuts"]
    assert sum(one["customers"] for one in later["risk"]["levels"]) == 200
    by_id = "SELECT p_buy FROM scores WHERE run_id = (SELECT {}(run_id) FROM score_runs) ORDER BY customer_id"
    then, now = (shop.rows(by_id.format(which)) for which in ("min", "max"))
    # 36 days later, nobody having bought, nobody is likelier to come.
    assert all(one <= other for one, other in zip(now, then, strict=True))
    assert now != then
    said = shop.run("score-customers", *LATER).stderr
    assert "沿用 2025-03-15 的回测(36 天前)" in said
    assert "再运行一次" not in said
    assert "AUC" not in shop.run("score-customers", *LATER).stdout
    assert "已经超过回测的天数,请再运行一次 siyu score-customers --backtest" in (
        shop.run("score-customers", "--as-of", "2025-07-01").stderr
    )
    # A day before the test knows nothing of it; another method must be tested first.
    assert "backtest" not in shop.json("score-customers", "--as-of", "2025-03-14").result
    (shop.root / "siyu.yaml").write_text("churn: {method: cadence}\n", "utf-8")
    assert "backtest" not in shop.json("score-customers", *LATER).result


@pytest.mark.parametrize("method", ["recency", "plain", "mbg-nbd"])
def test_every_kind_of_method_is_used_as_it_was_tested(shop: Any, method: str) -> None:
    """Scoring the tested moment again by the kept choice gives what the test gave, to the last digit."""
    fill(shop, purchases(200))
    (shop.root / "siyu.yaml").write_text(f"churn: {{method: {method}}}\n", "utf-8")
    tested = shop.json("score-customers", "--backtest", *AT).result
    assert tested["backtest"]["chosen"] == method
    before = kept(shop)
    assert shop.json("score-customers", *AT).result == tested
    assert kept(shop) == before
    # Counted by the method itself where it can count; else it is said by which.
    ahead = tested["ahead"]
    said = shop.run("score-customers", *LATER).stderr
    if method == "mbg-nbd":
        assert (tested["backtest"]["ahead_model"], ahead["model"]) == ("mbg-nbd", "mbg-nbd")
        assert "数不出次数" not in said
    else:
        assert tested["backtest"]["ahead_model"] not in (None, method)
        assert "只排先后,数不出次数" in said


def test_one_customer_s_risk_in_the_card_and_in_the_table(shop: Any) -> None:
    fill(shop, purchases(200))
    shop.run("score-customers", "--backtest", *AT)
    score = shop.json("show-customer", "3", *AT).result["score"]
    out = shop.root / "客户.csv"
    shop.run("export-table", "customers", "--out", out, *AT)
    with out.open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["customer_id"] == "3")
    names = ("risk", "rhythm_days", "late_days", "expected_365_high", "value_365_fen")
    assert [str(score[name]) for name in names] == [row[name] for name in names]
    assert (score["as_of"], score["horizon_days"]) == ("2025-03-15", 90)
    shown = shop.run("show-customer", "3", *AT).stdout
    assert f"{score['risk']}:90 天内再买约 {100 * score['p_buy']:.1f}%" in shown
    assert f"约 {score['rhythm_days']} 天来一次" in shown
    assert f"约 {score['expected_365']:.1f} 次" in shown
    # A moment before the test has no score yet.
    assert shop.json("show-customer", "3", "--as-of", "2025-03-01").result["score"] is None


def test_two_customers_are_told_what_two_can_tell(shop: Any) -> None:
    fill(shop, [(1, END - 10, 5_000), (2, END - 100, 5_000), (2, END - 50, 5_000)])
    called = shop.run("score-customers", "--backtest", *AT)
    assert "0.500" not in called.stdout
    assert "流失线 50 天" in called.stderr
    assert "只有 1 个间隔,还不足以照着改规则" in called.stderr
    assert "可以写成" not in called.stderr
    assert "所有客户都在" not in called.stderr


def test_all_alike_are_not_called_bad_without_a_word(shop: Any) -> None:
    fill(shop, [(number, END - 10, 5_000) for number in range(1, 4)])
    called = shop.run("score-customers", "--backtest", *AT)
    assert "所有客户都在「一般挽留」,这一次没有分出高低" in called.stderr
    assert "AUC" not in called.stdout  # nobody had bought before the cut: no method to show


def test_without_a_signal_nothing_is_used(shop: Any) -> None:
    fill(shop, [(number, END - 200 + number, 100) for number in range(1, 60)])
    shop.run("score-customers", "--backtest", *AT)
    called = shop.run("score-customers", *LATER)
    assert "没有流失风险:上一次回测里没有可用的信号" in called.stderr
    assert shop.rows("SELECT count(*) FROM scores WHERE risk IS NOT NULL") == [(0,)]


def test_categories_by_the_name_in_the_files(shop: Any) -> None:
    rows = order_rows([(number, END - 300 + 7 * at, 100) for number in range(1, 4) for at in range(12)])
    for at, row in enumerate(rows):
        is_tea = row["customer_id"] < 3
        row |= {
            "category": ("Tea 茶" if at else "TEA 茶") if is_tea else "糖",
            "category_key": "tea 茶" if is_tea else "糖",
        }
    with writable(shop) as con:
        insert(con, "customers", [customer(number) for number in range(1, 4)])
        insert(con, "order_lines", rows)
    cycle = shop.json("score-customers", "--backtest", *AT).result["cycle"]
    assert [one["name"] for one in cycle["categories"]] == ["Tea 茶"]
    with writable(shop) as con:  # the only category would say again what the shop says
        con.execute("UPDATE order_lines SET category = '茶', category_key = '茶'")
    assert shop.json("score-customers", "--backtest", *AT).result["cycle"]["categories"] == []


@pytest.mark.parametrize(
    ("k", "words"),
    [
        (2.0, "有固定的周期"),
        (1.996, "有固定的周期"),
        (1.98, "还说不上周期"),
        (1.3, "还说不上周期"),
        (1.1, "来得随机"),
    ],
)
def test_regularity_in_words(k: float, words: str) -> None:
    gaps = Gaps.of([10, 20, 30])
    churn: Any = SimpleNamespace(cycle=Cycle(gaps, Regularity(k, 50), (), 80))
    assert words in _cycle_notes(churn)[1]


def test_what_is_said(shop: Any) -> None:
    fill(shop, purchases(200))
    (shop.root / "siyu.yaml").write_text(
        "shop: 店\nchurn: {always: true, horizon_days: 60, method: recency, line_percent: 90, cuts: [60, 30, 10]}\n",
        "utf-8",
    )
    shown = shop.run("score-customers", *AT, "--dry-run")
    assert "留出最近 60 天" in shown.stdout
    assert "最近购买(R) ← 选用" in shown.stdout
    assert "30.0% – 60.0%" in shown.stdout
    assert "siyu.yaml 指定" in shown.stderr
    assert "规则 流失.yaml 里写的是 30 到 60 天" in shown.stderr
    assert "90% 的复购间隔到这天为止" in shown.stderr
    assert "留出最近 20 天" in shop.run("score-customers", "--horizon", "20", *AT, "--dry-run").stdout


@pytest.mark.parametrize(
    "text",
    ["cuts: [10, 20, 30]", "cuts: [50]", "line_percent: 100", "method: 猜", "horizon_days: 0", "weite: 3"],
)
def test_settings_that_make_no_sense(shop: Any, text: str) -> None:
    (shop.root / "siyu.yaml").write_text(f"churn: {{{text}}}\n", "utf-8")
    assert shop.json("score-customers", *AT, expect=3).error["where"]["line"] == 1


def test_a_refund_that_came_later_was_not_known_at_the_cut(shop: Any) -> None:
    """The same shop, once with all early orders returned within the days held out: the test sees the same past."""
    fill(shop, purchases(100))
    before = shop.json("score-customers", "--backtest", *AT, "--dry-run").result["backtest"]
    with writable(shop) as con:
        con.execute(
            "UPDATE order_lines SET refund_fen = paid_fen, refund_sec = ? WHERE paid_day <= ? AND customer_id % 2 = 0",
            [(END - 10) * DAY_SECONDS, END - 90],
        )
    after = shop.json("score-customers", "--backtest", *AT, "--dry-run").result
    assert after["backtest"] | {"chosen": ""} == before | {"chosen": ""}
    assert after["customers"] < 100


def test_empty_shops_and_strange_moments(shop: Any) -> None:
    called = shop.json("score-customers", "--backtest")
    assert (called.result["backtest"]["chosen"], called.result["risk"]) == (None, None)
    fill(shop, [(1, END, 100), (2, END + 30, 100)])
    for moment in ("2025-03-15", "2020-01-01", "2025-06-01"):
        called = shop.run("score-customers", "--backtest", "--as-of", moment)
        assert "没有可用的信号" in called.stderr
        assert "看不出复购周期" in called.stderr
