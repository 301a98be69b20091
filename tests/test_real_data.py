"""Real data sets through the real app, against the figures known of them from elsewhere."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Shop

DATA = Path(__file__).parent / "data"


def test_superstore_counts_money_and_returns(shop: Shop, shared_data: Path) -> None:
    """10,000 rows; the order key is order + customer, because 1,407 order ids hold several customers."""
    workbook = shared_data / "superstore_cn" / "示例 - 超市.xls"
    result = shop.json(
        "import-orders", workbook, "--sheet", "订单", "--platform", DATA / "superstore.yaml"
    ).result
    assert result["totals"] | {"read": 0, "new": 0} == dict.fromkeys(result["totals"], 0)
    assert (result["totals"]["read"], result["totals"]["new"]) == (10_000, 10_000)
    assert (result["customers"], result["net_fen"]) == (790, 1_611_754_834)
    # Unrounded the lines sum to 16,117,548.24: the file says where the ten fen come from.
    assert result["files"][0]["notes"]["more-than-two-decimals"] > 0
    returned = shop.json(
        "import-orders", workbook, "--sheet", "退货", "--platform", DATA / "superstore_returns.yaml"
    ).result
    assert (returned["totals"]["read"], returned["totals"]["new"]) == (296, 296)
    assert (returned["net_fen"], returned["returned_lines"]) == (-196_195_504, 1_163)
    assert shop_net(shop) == 1_611_754_834 - 196_195_504
    again = shop.json(
        "import-orders", workbook, "--sheet", "退货", "--platform", DATA / "superstore_returns.yaml"
    ).result
    assert again["totals"]["unchanged"] == 296
    assert shop_net(shop) == 1_611_754_834 - 196_195_504


def test_cdnow_rows_customers_and_published_segments(shop: Shop, shared_data: Path) -> None:
    """Equal rows are purchases, zero amounts too; the eight segments have the published counts."""
    master = shared_data / "cdnow" / "CDNOW_master.txt"
    result = shop.json("import-orders", master, "--platform", DATA / "cdnow.yaml").result
    assert (result["totals"]["read"], result["totals"]["new"]) == (69_659, 69_659)
    assert (result["customers"], result["net_fen"]) == (23_570, 250_031_563)
    codes = ("000", "001", "010", "011", "100", "101", "110", "111")
    published = {
        "八分群": (13_608, 579, 543, 449, 1_532, 268, 1_974, 4_617),
        "八分群-购买天数": (13_659, 593, 492, 435, 1_561, 281, 1_945, 4_604),
    }
    for scheme, counts in published.items():
        scored = shop.json("score-customers", "--scheme", scheme, "--as-of", "1998-07-01").result
        found = {row["code"]: row["customers"] for row in scored["segments"]}
        assert found == dict(zip(codes, counts, strict=True)), scheme
        assert scored["customers"] == 23_570
    scored = shop.json("score-customers", "--scheme", "R包v0.3", "--as-of", "1998-07-01").result
    assert scored["thresholds"]["frequency"]["cuts"] == ["2", "2", "3", "5"]
    assert scored["thresholds"]["monetary"]["cuts"] == ["16.36", "32.35", "60.924", "134.95"]
    assert quantile_counts(shop) == {
        "r": {1: 4_539, 2: 4_748, 3: 4_844, 4: 4_720, 5: 4_719},
        "f": {1: 11_908, 3: 4_079, 4: 3_658, 5: 3_925},
        "m": {1: 5_136, 2: 4_490, 3: 4_629, 4: 4_636, 5: 4_679},
    }
    again = shop.json("import-orders", master, "--platform", DATA / "cdnow.yaml").result
    assert again["totals"]["unchanged"] == 69_659


def quantile_counts(shop: Shop) -> dict[str, dict[int, int]]:
    """Customers by score of the last run, letter by letter."""
    newest = "(SELECT max(run_id) FROM score_runs)"
    return {
        letter: dict(
            shop.rows(
                f"SELECT {letter}_score, count(*) FROM scores WHERE run_id = {newest} GROUP BY ALL ORDER BY ALL"
            )
        )
        for letter in "rfm"
    }


def test_tmall_has_no_people_and_its_refunds_are_not_subtracted_twice(shop: Shop, shared_data: Path) -> None:
    report = shared_data / "tmall_order_report" / "tmall_order_report.csv"
    spoken = shop.run("import-orders", report)
    assert "28,010 行既没有买家也没有手机号" in spoken.stderr
    assert "¥1,902,487.15" in spoken.stderr
    result = shop.json("import-orders", report).result
    assert (result["customers"], result["anonymous"], result["net_fen"]) == (0, 28_010, 190_248_715)
    assert result["files"][0]["platform"] == "淘宝天猫"
    assert shop_net(shop) == 190_248_715
    metrics = shop.json("export-report", "--as-of", "2020-03-02").result["metrics"]
    assert metrics["net"] == 190_248_715
    # Known refunds of paid orders: every row with a refund has paid + refund = total.
    assert metrics["refunds"] > 0
    scored = shop.json("score-customers", "--as-of", "2020-03-02").result
    assert scored["customers"] == 0


def test_masked_phones_of_the_bookshop_are_no_keys(shop: Shop, shared_data: Path) -> None:
    """1,783 unique masks would pass for 1,783 phones; 317 rows are unpaid; nine sold postage only."""
    workbook = shared_data / "mingri_taobao_2018" / "TB2018.xls"
    result = shop.json("import-orders", workbook).result
    file = result["files"][0]
    assert (file["platform"], file["read"], file["new"]) == ("淘宝天猫", 1_783, 1_783)
    assert file["notes"] == {"order-key-missing": 1, "phone-masked": 1_783}
    assert (result["customers"], result["new_customers"], result["net_fen"]) == (1_783, 1_783, 21_871_161)
    assert shop.rows("SELECT kind, count(*) FROM customer_keys GROUP BY kind") == [("buyer", 1_783)]
    assert shop.rows("SELECT status, count(*) FROM order_lines GROUP BY status ORDER BY status") == [
        ("paid", 1_466),
        ("unpaid", 317),
    ]
    assert shop.rows("SELECT count(*) FROM order_lines WHERE is_goods = 0") == [(9,)]
    assert shop_net(shop) == 21_871_161


@pytest.mark.parametrize("name", ["1月_gbk.csv", "1月_gbk_tab.txt"])
def test_the_same_rows_in_commas_and_tabs(shop: Shop, shared_data: Path, name: str) -> None:
    result = shop.json("import-orders", shared_data / "mingri_taobao_2018" / name).result
    assert (result["totals"]["new"], result["customers"]) == (50, 50)
    assert result["files"][0]["encoding"] == "gb18030"


def test_online_retail_cancellations_dates_and_nobody(shop: Shop, shared_data: Path, tmp_path: Path) -> None:
    """The sum of price × quantity over all rows, cancellations included, is what remains in the shop."""
    path = tmp_path / "online.csv"
    zipped = shared_data / "online_retail_2010_12_2011_06" / "online_retail_part1.csv.gz"
    path.write_bytes(gzip.decompress(zipped.read_bytes()))
    result = shop.json("import-orders", path, "--platform", DATA / "online_retail.yaml").result
    assert (result["totals"]["read"], result["totals"]["new"]) == (240_007, 240_007)
    assert (result["customers"], result["anonymous"], result["net_fen"]) == (2_974, 67_225, 427_514_393)
    notes = result["files"][0]["notes"]
    assert (notes["negative-rows"], notes["negative-rows-free"]) == (4_350, 737)
    cancelled = "SELECT count(*) FROM order_lines WHERE kind = 'negative' AND order_id LIKE 'C%'"
    assert shop.rows(cancelled) == [(4_350,)]
    # 5/6/11 is 6 May: 2,051 rows; 6/5/11 is 5 June: 1,561.
    days = "SELECT count(*) FROM order_lines WHERE paid_day = CAST(? AS DATE) - DATE '1970-01-01'"
    assert shop.rows(days, ["2011-05-06"]) == [(2_051,)]
    assert shop.rows(days, ["2011-06-05"]) == [(1_561,)]
    assert shop_net(shop) == 427_514_393


def test_rfm_example_rows_have_the_published_values(shop: Shop, shared_data: Path) -> None:
    orders = shared_data / "rfm_r_orders" / "rfm_data_orders.csv"
    result = shop.json("import-orders", orders, "--platform", DATA / "rfm_r_orders.yaml").result
    assert (result["totals"]["new"], result["customers"], result["net_fen"]) == (4_906, 995, 46_415_800)
    shop.json("score-customers", "--as-of", "2006-12-31")
    published = {
        "Abbey O'Reilly": (205, 6, 47_200),
        "Add Senger": (140, 3, 34_000),
        "Aden Lesch": (194, 4, 40_500),
        "Aden Murphy": (98, 7, 59_600),
        "Admiral Senger": (132, 5, 44_800),
    }
    scored = shop.rows(
        "SELECT k.value, s.recency_days, s.frequency, s.net_fen FROM scores AS s "
        "JOIN customer_keys AS k USING (customer_id) WHERE k.kind = 'buyer'"
    )
    assert {name: tuple(values) for name, *values in scored if name in published} == published


def test_the_tables_of_the_r_package_have_the_published_counts(shop: Shop, shared_data: Path) -> None:
    orders = shared_data / "rfm_r_orders" / "rfm_data_orders.csv"
    shop.json("import-orders", orders, "--platform", DATA / "rfm_r_orders.yaml")
    at = ("--as-of", "2006-12-31")
    result = shop.json("score-customers", "--scheme", "R包v0.3", *at).result
    counts = [row["customers"] for row in result["segments"]]
    assert counts == [35, 342, 170, 9, 104, 47, 28, 10, 102, 148, 0]
    assert [row["code"] for row in result["segments"]] == [str(place) for place in range(1, 12)]
    assert result["thresholds"]["recency"]["cuts"] == ["115", "181", "297.4", "482"]
    assert result["thresholds"]["frequency"]["cuts"] == ["4", "5", "6", "8"]
    assert result["thresholds"]["monetary"]["cuts"] == ["255.8", "382", "506.4", "666"]
    published = {
        "Abbey O'Reilly": 343, "Add Senger": 412, "Aden Lesch": 323, "Aden Murphy": 544, "Admiral Senger": 433,
    }  # fmt: skip
    scored = shop.rows(
        "SELECT k.value, s.r_score * 100 + s.f_score * 10 + s.m_score FROM scores AS s "
        "JOIN customer_keys AS k USING (customer_id) WHERE k.kind = 'buyer'"
    )
    assert {name: digits for name, digits in scored if name in published} == published
    result = shop.json("score-customers", "--scheme", "R包v0.2", *at).result
    assert {row["name"]: row["customers"] for row in result["segments"] if row["customers"]} == {
        "冠军": 158, "忠诚": 278, "潜力忠诚": 229, "流失": 111, "有风险": 86, "快要沉睡": 50, "其他": 48, "需要关注": 35,
    }  # fmt: skip


def test_orders_of_several_customers_are_told_apart(shop: Shop, shared_data: Path) -> None:
    """1,407 of the 2,773 order ids hold lines of more than one customer: the key is id and customer."""
    workbook = shared_data / "superstore_cn" / "示例 - 超市.xls"
    shop.json("import-orders", workbook, "--sheet", "订单", "--platform", DATA / "superstore.yaml")
    shared = "SELECT order_id FROM order_lines GROUP BY order_id HAVING count(DISTINCT buyer_id) > 1"
    assert shop.rows(f"SELECT count(*) FROM ({shared})") == [(1_407,)]
    assert shop.rows("SELECT count(DISTINCT order_id) FROM order_lines") == [(2_773,)]
    pairs = "SELECT count(DISTINCT (order_id, buyer_id)) FROM order_lines"
    assert shop.rows("SELECT count(DISTINCT order_no) FROM order_lines") == shop.rows(pairs)


def test_shuffled_rows_give_the_same_answers(make_shop: Callable[[str], Shop], shared_data: Path) -> None:
    import random

    lines = (shared_data / "cdnow" / "CDNOW_master.txt").read_text().splitlines()
    head, rows = lines[0], lines[1:6001]
    mixed = list(rows)
    random.Random(7).shuffle(mixed)
    answers = []
    for name, body in (("one", rows), ("other", mixed)):
        shop = make_shop(name)
        path = shop.file("订单.txt", "\n".join([head, *body]) + "\n")
        imported = shop.json("import-orders", path, "--platform", DATA / "cdnow.yaml").result
        scored = shop.json("score-customers", "--as-of", "1998-07-01").result
        shop.run("export-table", "scores", "--out", shop.root / "scores.csv")
        shop.run("export-table", "customers", "--out", shop.root / "customers.csv")
        tables = [(shop.root / f"{table}.csv").read_text() for table in ("scores", "customers")]
        answers.append(
            (imported["totals"], imported["net_fen"], scored["segments"], scored["thresholds"], tables)
        )
    assert answers[0] == answers[1]


def shop_net(shop: Shop) -> int:
    """Net of all valid orders in the store, by the shop's own facts."""
    from siyu_cli.clock import Clock
    from siyu_cli.customers.facts import build_facts
    from siyu_cli.store.connection import open_store
    from siyu_cli.store.engine import DuckDbEngine

    with open_store(shop.root / ".siyu", wait=5, write=True, memory_limit="2GB") as con:
        build_facts(DuckDbEngine(con), Clock().as_of("2030-01-01"))
        return int(con.execute("SELECT sum(net_fen) FROM fact_orders").fetchall()[0][0])
