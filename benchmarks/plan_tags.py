"""`plan-tags` of 50 and of 200 rules over 1,000,000 customers, beside SQL by hand and pandas.

Every side is a whole process over the same store of 10,000,000 order lines and 5,000,000 events: the command (valid
orders, every condition, the comparison with the tags held now, the counts), one statement of SQL written by hand
for the same fifty tags, and the pandas program one would write. All must find the same number of holders of every
tag, or nothing is measured. The statement by hand compares with nothing and explains nothing.

`CUSTOMERS=100000 ROUNDS=1 python -m benchmarks plan_tags` sets the size: ten lines and five events per customer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import show, time_processes
from benchmarks.tag_rules import fifty_rules, many_rules
from benchmarks.tag_sides import DAY, PANDAS_SIDE, SQL_SIDE
from siyu_cli.store.connection import open_store, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CUSTOMERS = int(os.environ.get("CUSTOMERS", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
AS_OF = "2025-03-15"

# Three thousand products: what they are decides name and category.
PRODUCTS = """
CREATE TEMP TABLE goods AS
SELECT range AS product_no, h % 3 AS pack_no,
       ['智利车厘子', '山竹', '金枕榴莲', '海南芒果', '红富士苹果', '每日坚果礼盒', '牛肉干', '山楂卷', '儿童饼干', '宝宝面条',
        '中秋伴手礼', '樱桃手机壳', '樱桃香薰', '纯棉毛巾', '洗衣液', '年货礼包'][CAST(1 + h % 16 AS INTEGER)]
           || ' ' || ['顺丰包邮', '产地直发', '新鲜现摘', '整箱', '尝鲜装'][CAST(1 + h // 16 % 5 AS INTEGER)]
           || ' ' || CAST(range AS VARCHAR) || '号' AS product_key,
       ['水果/樱桃', '水果/热带', '水果/热带', '水果/热带', '水果', '零食/坚果', '零食', '零食', '零食', '母婴',
        '礼品', '数码/配件', '家居', '家居', '家居', '礼品'][CAST(1 + h % 16 AS INTEGER)] AS category_key,
       ['500克', '2.5kg 5斤装', '10斤家庭装'][CAST(1 + h % 3 AS INTEGER)] AS sku_key
FROM (SELECT range, hash(range) AS h FROM range(3000))
"""
# Three years of orders in the order of their days, six to ten lines, each with the number of its first line: half of the customers bought once or twice, a few very
# often; of four lines one is of the three things the customer always buys. One line in fifty was sent back, one in fifty
# never paid, one in twenty-five is postage or a gift, one in a hundred has no buyer.
LINES = """
INSERT INTO order_lines BY NAME
WITH placed AS (
    SELECT range AS n, (range // 10) * 10 + [0, 1, 2, 3, 4, 4, 6, 6, 6, 6][CAST(1 + range % 10 AS INTEGER)] AS order_no
    FROM range($lines)
),
dice AS (
    SELECT n, order_no, hash(n) AS h, hash(order_no + 1000000007) AS g, hash(order_no + 7777) AS f FROM placed
),
drawn AS (
    SELECT *, 1 + CAST(floor((g % 1000003) / 1000003.0 * ((f % 1000) / 1000.0) * $customers) AS BIGINT) AS customer,
           CAST(19067 + order_no * 1097 // $lines AS INTEGER) AS day, (g // 11) % 86400 AS second,
           900 + (h // 13) % 19000 AS fen, (h // 17) % 50 AS fate
    FROM dice
)
SELECT n + 1 AS line_no, order_no + 1 AS order_no, CAST(n + 1 AS UHUGEINT) AS line_hash,
       CAST(order_no + 1 AS UHUGEINT) << 64 AS order_hash, 'sale' AS kind,
       CASE WHEN g % 100 <> 0 THEN customer END AS customer_id, '淘宝天猫' AS platform, '淘宝天猫' AS platform_key,
       ['甲店', '乙店', '丙店'][CAST(1 + g // 7 % 3 AS INTEGER)] AS shop, shop AS shop_key,
       ['直播', '商城', '私域', '小程序'][CAST(1 + g // 29 % 4 AS INTEGER)] AS channel, channel AS channel_key,
       CAST(4900000000000000000 + order_no AS VARCHAR) AS order_id, CAST(n AS VARCHAR) AS line_id,
       '买家' || customer AS buyer_id, CAST(day AS BIGINT) * 86400 + second AS created_sec, created_sec AS paid_sec,
       day AS paid_day, CASE fate WHEN 0 THEN 'unpaid' WHEN 1 THEN 'refunded' ELSE 'paid' END AS status,
       fen AS amount_total_fen, fen AS paid_fen, CASE fate WHEN 1 THEN fen WHEN 2 THEN fen // 3 ELSE 0 END AS refund_fen,
       CASE WHEN fate IN (1, 2) THEN created_sec + 200000 END AS refund_sec, 0 AS is_zero_purchase,
       1000 * (1 + (h // 19) % 3) AS quantity_milli, p.product_key AS product, p.product_key, p.category_key AS category,
       p.category_key, p.sku_key AS sku, p.sku_key, 0 AS exported_sec, 1 AS first_run_id, 1 AS run_id, 'line' AS level,
       0 AS is_detail, CASE WHEN fate IN (3, 4) THEN 0 ELSE 1 END AS is_goods
FROM drawn AS d JOIN goods AS p
  ON p.product_no = CASE WHEN h // 23 % 4 = 0 THEN (customer * 7 + h // 31 % 3) % 3000 ELSE h // 37 % 3000 END
ORDER BY line_no
"""
# Refunds that came in files of their own: of one line in seventy, and a few of orders nobody knows.
REFUNDS = """
INSERT INTO refunds BY NAME
SELECT 'returns' AS kind, CAST(line_no AS UHUGEINT) AS source_hash, line_no, customer_id, platform, shop, shop_key,
       paid_sec + 300000 AS refund_sec, CAST((paid_sec + 300000) // 86400 AS INTEGER) AS refund_day,
       paid_fen // 2 AS refund_fen, 1 AS run_id
FROM order_lines WHERE hash(line_no + 99) % 70 = 0
UNION ALL BY NAME
SELECT 'returns' AS kind, CAST(line_no AS UHUGEINT) AS source_hash, NULL AS line_no, customer_id, platform, shop, shop_key,
       paid_sec AS refund_sec, paid_day AS refund_day, paid_fen // 2 AS refund_fen, 1 AS run_id
FROM order_lines WHERE hash(line_no + 98) % 5000 = 0
"""
# A year of what people did, most of it about the few things they like; half of them are the buyers, some never bought.
EVENTS = """
INSERT INTO events BY NAME
WITH dice AS (
    SELECT range AS n, hash(range + 5) AS h, hash(range + 500000003) AS g FROM range($events)
),
drawn AS (
    SELECT *, 1 + CAST((g % 1000003) / 1000003.0 * ((h % 1000) / 1000.0) * $customers * 1.2 AS BIGINT) AS customer,
           CAST(19800 + n * 365 // $events AS INTEGER) AS day
    FROM dice
)
SELECT n + 1 AS event_no, CAST(n + 1 AS UHUGEINT) AS event_hash, least(customer, $customers) AS customer_id,
       ['view', 'view', 'view', 'view', 'view', 'click', 'click', 'add_to_cart', 'favorite', 'share', 'sign_in', 'coupon',
        'use_coupon', 'consult', 'review', 'group_message'][CAST(1 + h // 7 % 16 AS INTEGER)] AS kind,
       CAST(day AS BIGINT) * 86400 + (g // 11) % 86400 AS at_sec, day, p.product_key AS product, p.product_key,
       p.category_key AS category, p.category_key, p.sku_key AS sku, p.sku_key,
       ['水果一群', '好物群'][CAST(1 + g // 13 % 2 AS INTEGER)] AS page, page AS page_key, 1 AS first_run_id, 1 AS run_id
FROM drawn AS d JOIN goods AS p
  ON p.product_no = CASE WHEN h // 23 % 4 < 3 THEN (customer * 7 + h // 31 % 3) % 3000 ELSE h // 37 % 3000 END
ORDER BY event_no
"""
PEOPLE = """
INSERT INTO customers BY NAME
SELECT range + 1 AS customer_id, ['广东', '浙江', '江苏', '四川', '北京', '上海', '广西', '海南', '山东', '湖北']
       [CAST(1 + hash(range) % 10 AS INTEGER)] AS province, 1 AS run_id FROM range($customers) ORDER BY customer_id
"""
PUSHES = """
INSERT INTO push_members BY NAME
SELECT 1 AS run_id, '三月车厘子' AS push, '三月车厘子' AS push_key, customer_id, $day * 86400 - 200000 AS at_sec, $day - 3 AS day
FROM customers WHERE hash(customer_id + 3) % 5 = 0
"""


def fill_store(con: DuckDBPyConnection, customers: int) -> None:
    """Orders, refunds, events and pushes straight into the store."""
    size = {"customers": customers, "lines": customers * 10, "events": customers * 5}
    con.execute(PRODUCTS)
    con.execute(PEOPLE, {"customers": customers})
    con.execute(LINES, {"customers": customers, "lines": size["lines"]})
    con.execute(REFUNDS)
    con.execute(EVENTS, {"customers": customers, "events": size["events"]})
    con.execute(PUSHES, {"day": DAY})


def check_equal(siyu: list[str], sides: dict[str, list[str]]) -> None:
    """Every side finds the same holders of every tag, and nearly every tag has some."""
    said = json.loads(subprocess.run([*siyu, "--format", "json"], check=True, capture_output=True).stdout)
    ours = {tag["tag"]: tag["after"] for tag in said["result"]["tags"]}
    for name, side in sides.items():
        theirs = json.loads(subprocess.run(side, check=True, capture_output=True).stdout)
        wrong = {tag: (ours[tag], many) for tag, many in theirs.items() if ours[tag] != many}
        assert not wrong, f"{name}: {wrong}"
        assert len(theirs) == len(ours), name
    assert sum(many > 0 for many in ours.values()) >= len(ours) - 2, ours


def main() -> None:
    """Print the ratios."""
    siyu = str(Path(sys.executable).with_name("siyu"))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        shop, many = base / "shop", base / "many"
        for place, rules in ((shop, fifty_rules()), (many, many_rules())):
            subprocess.run([siyu, "-q", "init", str(place)], check=True)
            for shipped in (place / "rules").glob("*.yaml"):
                shipped.unlink()
            (place / "rules" / "rules.yaml").write_text(rules, encoding="utf-8")
        with open_store(shop / ".siyu", wait=5, write=True, memory_limit="2GB") as con, transaction(con):
            fill_store(con, CUSTOMERS)
        store = shop / ".siyu" / "siyu.duckdb"
        (many / ".siyu" / "siyu.duckdb").unlink()
        (many / ".siyu" / "siyu.duckdb").hardlink_to(store)

        def script(name: str, text: str) -> list[str]:
            (base / f"{name}_side.py").write_text(text, encoding="utf-8")
            return [sys.executable, str(base / f"{name}_side.py"), str(store)]

        by_hand, pandas = script("sql", SQL_SIDE), script("pandas", PANDAS_SIDE)
        plan, plan_many = ([siyu, "-w", str(place), "plan-tags", "--as-of", AS_OF] for place in (shop, many))
        check_equal(plan, {"SQL by hand": by_hand, "pandas": pandas})
        measured = time_processes(
            {
                "SQL by hand, 50 tags": by_hand,
                "plan-tags, 50 rules": plan,
                "plan-tags, 200 rules": plan_many,
                "pandas, 50 tags": pandas,
            },
            rounds=ROUNDS,
        )
        title = f"tags of {CUSTOMERS:,} customers, {CUSTOMERS * 10:,} order lines, {CUSTOMERS * 5:,} events"
        show(title, measured, "SQL by hand, 50 tags")


if __name__ == "__main__":
    main()
