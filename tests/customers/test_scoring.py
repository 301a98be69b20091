"""score-customers through the app."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.shop_rows import customer, insert, order, writable


def fill(shop: Any, orders: list[dict[str, Any]], customers: int = 3) -> None:
    with writable(shop) as con:
        insert(con, "customers", [customer(number) for number in range(1, customers + 1)])
        insert(con, "order_lines", orders)


ORDERS = [
    order(1, 1, "2025-03-14", 500), order(2, 1, "2025-03-10", 500), order(3, 1, "2025-03-01", 500),
    order(4, 2, "2024-06-01", 20), order(5, 3, "2025-03-13", 30), order(6, None, "2025-03-13", 99),
    order(7, 2, "2025-03-16", 1000), order(8, 2, "2025-01-01", 77, status="unpaid"),
]  # fmt: skip
AT = ("--as-of", "2025-03-15")


def test_scores_are_counted_printed_and_kept(shop: Any) -> None:
    fill(shop, ORDERS)
    result = shop.json("score-customers", *AT).result
    assert result["customers"] == 3
    segments = {row["code"]: (row["name"], row["customers"], row["net_fen"]) for row in result["segments"]}
    assert len(segments) == 8
    assert segments["111"] == ("重要价值", 1, 150_000)
    assert segments["100"] == ("一般发展", 1, 3_000)
    assert segments["000"] == ("一般挽留", 1, 2_000)
    assert result["thresholds"]["monetary"]["line"] == "516.6667"
    assert result["anonymous_orders"] == 1
    assert result["future_rows"] == 1
    stored = shop.rows("SELECT customer_id, segment, recency_days FROM scores ORDER BY customer_id")
    assert stored == [(1, "重要价值", 1), (2, "一般挽留", 287), (3, "一般发展", 2)]
    shown = shop.run("score-customers", *AT)
    assert "重要价值" in shown.stdout
    assert "¥1,500.00" in shown.stdout
    assert "M > ¥516.67" in shown.stdout
    assert "1 行付款时间晚于统计截止" in shown.stderr


def test_old_orders_scored_as_of_today_are_pointed_out(shop: Any) -> None:
    fill(shop, ORDERS)
    assert "最近一单是" not in shop.run("score-customers", "--as-of", "2025-09-11").stderr
    assert "最近一单是 2025-03-16,180 天以前" in shop.run("score-customers", "--as-of", "2025-09-12").stderr


def test_twice_changes_nothing_but_the_run_list(shop: Any) -> None:
    fill(shop, ORDERS)
    shop.run("score-customers", *AT)
    before = shop.rows("SELECT * FROM scores ORDER BY ALL"), shop.rows("SELECT * FROM score_runs")
    first = shop.json("score-customers", *AT).result
    assert (shop.rows("SELECT * FROM scores ORDER BY ALL"), shop.rows("SELECT * FROM score_runs")) == before
    assert shop.json("score-customers", *AT).result == first
    assert shop.rows("SELECT count(*) FROM runs WHERE command = 'score-customers'") == [(3,)]


def test_new_data_replace_the_run_of_the_same_moment(shop: Any) -> None:
    fill(shop, ORDERS)
    shop.run("score-customers", *AT)
    fill_more = [order(20, 3, "2025-03-14", 900)]
    with writable(shop) as con:
        insert(con, "order_lines", fill_more)
    shop.run("score-customers", *AT)
    assert shop.rows("SELECT run_id, count(*) FROM scores GROUP BY run_id") == [(2, 3)]


def test_another_scheme_is_newest_until_this_one_is_run_again(shop: Any) -> None:
    fill(shop, ORDERS)
    for scheme in ("八分群", "八分群-中位数", "八分群"):
        shop.run("score-customers", "--scheme", scheme, *AT)
    assert shop.rows("SELECT scheme FROM score_runs ORDER BY run_id") == [("八分群-中位数",), ("八分群",)]
    assert shop.rows("SELECT count(*) FROM scores") == [(6,)]


def test_change_since_the_last_time(shop: Any) -> None:
    fill(shop, ORDERS)
    shop.run("score-customers", "--as-of", "2025-03-01")
    shown = shop.run("score-customers", *AT, "--format", "csv").stdout.splitlines()
    assert shown[0] == "segment,customers,net_fen,change"
    assert "一般发展,1,3000,1" in shown
    assert "重要发展,0,0,-1" in shown


def matrix(result: dict[str, Any]) -> dict[tuple[str | None, str | None], int]:
    return {(move["from"], move["to"]): move["customers"] for move in result["migration"]["moves"]}


def test_cuts_and_lines_are_told_in_the_language_of_the_reader(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, [order(1, 1, "2025-01-10", 500), order(2, 2, "2025-03-10", 300)], customers=2)
    (shop.root / "segments" / "分数.yaml").write_text(
        "name: 分数\nrecency: {of: 距上次购买天数, score: {cuts: [30], scores: [2, 1]}}\n"
        "frequency: {of: 订单数, score: {cuts: [2], scores: [1, 2]}}\n"
        "monetary: {of: 消费额, score: {cuts: [400], scores: [1, 2]}}\n"
        "levels: {by: score_mean, compare: '>'}\nsegments: eight\n",
        "utf-8",
    )
    words = {"zh": (" 天", " 单", " 分"), "en": (" days", " orders", " points")}
    for language, other in (("zh", "en"), ("en", "zh")):
        monkeypatch.setenv("SIYU_LANG", language)
        shown = shop.run("score-customers", "--scheme", "分数", *AT, "--dry-run").stdout
        assert all(word in shown for word in words[language]), shown
        assert not any(word in shown for word in words[other]), shown


def test_who_moved_where(shop: Any) -> None:
    """1 stays, 2 falls, 3 is new, 4 leaves the window; every sum is a size."""
    orders = [
        order(1, 1, "2025-01-10", 500), order(2, 1, "2025-03-10", 500), order(3, 2, "2025-01-20", 900),
        order(4, 3, "2025-03-13", 30), order(5, 4, "2024-12-20", 10),
    ]  # fmt: skip
    fill(shop, orders, customers=4)
    own = shop.root / "segments" / "两群.yaml"
    own.write_text(
        "name: 两群\nwindow: 近60天\nrecency: {of: 距上次购买天数, score: {cuts: [30], scores: [2, 1]}}\n"
        "frequency: {of: 订单数}\nmonetary: {of: 消费额}\n"
        "segments: [{name: 新近, r: [2, 2]}, {name: 久远, r: [1, 1]}]\n",
        "utf-8",
    )
    first = shop.json("score-customers", "--scheme", "两群", "--as-of", "2025-02-01").result
    assert first["migration"] is None
    result = shop.json("score-customers", "--scheme", "两群", *AT).result
    assert matrix(result) == {("新近", "新近"): 1, ("新近", "久远"): 1, (None, "新近"): 1, ("久远", None): 1}
    found = result["migration"]
    names = ("before", "after", "stayed", "moved", "new", "gone", "previous_run_id", "is_scheme_changed")
    assert [found[name] for name in names] == [3, 3, 1, 1, 1, 1, 1, False]
    assert found["previous_as_of"] == "2025-02-01 23:59:59"
    assert [(move["from_code"], move["to_code"]) for move in found["moves"]] == [
        ("1", "1"), ("1", "2"), ("2", None), (None, "1"),
    ]  # fmt: skip
    sizes = {row["name"]: (row["customers"], row["net_fen"]) for row in result["segments"]}
    arrived = {
        name: tuple(
            sum(move[key] for move in found["moves"] if move["to"] == name)
            for key in ("customers", "net_fen")
        )
        for name in sizes
    }
    assert arrived == sizes
    shown = shop.run("score-customers", "--scheme", "两群", *AT, "--dry-run")
    assert "1 新近" in shown.stdout
    assert "留在原群 1 人,换群 1 人,新来 1 人,不在窗口里了 1 人" in shown.stderr
    # Another scheme has a past of its own; a segment of an edited one is known by its name.
    assert shop.json("score-customers", *AT).result["migration"] is None
    own.write_text(own.read_text("utf-8").replace("新近", "热").replace("近60天", "全部"), "utf-8")
    edited = shop.json("score-customers", "--scheme", "两群", "--as-of", "2025-03-16").result
    assert edited["migration"]["is_scheme_changed"]
    assert matrix(edited) == {
        ("新近", "热"): 2, ("久远", "久远"): 1, (None, "久远"): 1,
    }  # fmt: skip
    assert "改过" in shop.run("score-customers", "--scheme", "两群", "--as-of", "2025-03-16").stderr


def test_a_dry_run_writes_nothing(shop: Any) -> None:
    fill(shop, ORDERS)
    document = shop.json("score-customers", *AT, "--dry-run").document
    assert document["result"]["customers"] == 3
    assert document["run_id"] is None
    assert shop.rows("SELECT count(*) FROM scores") == [(0,)]
    assert shop.rows("SELECT count(*) FROM runs WHERE command = 'score-customers'") == [(0,)]


def test_a_dry_run_says_what_a_kept_one_says(shop: Any) -> None:
    fill(shop, ORDERS)
    shop.json("score-customers", "--as-of", "2025-03-01")
    dry = shop.json("score-customers", *AT, "--dry-run").result
    assert dry["migration"]["after"] == 3
    assert shop.json("score-customers", *AT).result == dry


@pytest.mark.parametrize(
    ("scheme", "spared"), [("八分群", {"pyarrow", "numpy", "pandas"}), ("R包v0.3", {"pandas"})]
)
def test_scoring_loads_no_library_it_can_do_without(shop: Any, scheme: str, spared: set[str]) -> None:
    """Each takes longer to load than the scoring of most shops."""
    fill(shop, ORDERS)
    code = (
        "import atexit, sys; from siyu_cli.app import main\n"
        f"sys.argv = ['siyu', '-w', {str(shop.root)!r}, 'score-customers', '--scheme', {scheme!r}]\n"
        "atexit.register(lambda: print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    loaded = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert "duckdb" in loaded
    assert not loaded & spared


@pytest.mark.parametrize("scheme", ["八分群", "R包v0.3", "RF十格", "Putler十一群"])
def test_an_empty_shop_and_a_moment_before_the_first_order(shop: Any, scheme: str) -> None:
    assert shop.json("score-customers", "--scheme", scheme).result["customers"] == 0
    fill(shop, ORDERS)
    assert shop.json("score-customers", "--scheme", scheme, "--as-of", "2020-01-01").result["customers"] == 0


def test_the_order_of_rows_changes_nothing(make_shop: Callable[[str], Any]) -> None:
    answers = []
    for name, rows in (("a", ORDERS), ("b", ORDERS[::-1])):
        shop = make_shop(name)
        fill(shop, rows)
        answers.append(
            (shop.json("score-customers", *AT).result, shop.rows("SELECT * FROM scores ORDER BY ALL"))
        )
    assert answers[0] == answers[1]


def test_refunds_above_sales_and_leftover_negatives(shop: Any) -> None:
    fill(
        shop, [order(1, 1, "2025-03-01", 100), order(2, 2, "2025-03-02", 50, refund_fen=9_000, refund_sec=1)]
    )
    with writable(shop) as con:
        insert(con, "refunds", [{
            "kind": "negative", "source_hash": 1, "customer_id": 1, "platform": "淘宝",
            "refund_sec": 1741000000, "refund_day": 20150, "refund_fen": 30_000, "run_id": 1,
        }])  # fmt: skip
    result = shop.json("score-customers", *AT).result
    assert result["customers"] == 1
    assert sum(row["net_fen"] for row in result["segments"]) == -20_000


def test_refusals(shop: Any) -> None:
    error = shop.json("score-customers", "--scheme", "八分裙", expect=3).error
    assert error["code"] == "unknown-scheme"
    assert "八分群" in error["hint"]
    own = shop.root / "segments" / "我的.yaml"
    own.write_text("name: 我的\nrecency: {of: 距上次购买天}\n", "utf-8")
    error = shop.json("score-customers", "--scheme", "我的", expect=3).error
    assert error["where"] == {"file": "segments/我的.yaml", "line": 2, "column": 15}
    assert shop.rows("SELECT count(*) FROM score_runs") == [(0,)]
