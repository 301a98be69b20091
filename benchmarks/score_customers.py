"""`score-customers` of 1,000,000 customers with 10,000,000 orders beside the bare aggregate and pandas.

Every side is a whole process over the same store: the command (valid orders, refunds known by the day, R, F, M,
scores, segments, the run kept), one GROUP BY of DuckDB that counts distinct orders (and one that trusts every row
to be an order), and the pandas program one would write: read the rows, groupby, qcut.

`ORDERS=1000000 python -m benchmarks score_customers` sets the size; there are a tenth as many customers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import show, time_processes
from siyu_cli.store.connection import open_store, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ORDERS = int(os.environ.get("ORDERS", "10000000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
AS_OF = "2025-03-15"

# Three years of orders. Half of the customers bought once or twice, a few very often; one order in fifty was sent
# back, one in fifty never paid.
FILL = """
INSERT INTO order_lines BY NAME
WITH dice AS (
    SELECT range AS n, hash(range) AS h, hash(range + 1000000007) AS g FROM range(?)
),
drawn AS (
    SELECT n, 1 + CAST(floor((h % 1000003) / 1000003.0 * ((g % 1000) / 1000.0) * ?) AS BIGINT) AS customer,
           CAST(19067 + (h // 7) % 1095 AS INTEGER) AS day, (h // 11) % 86400 AS second,
           990 + (g // 13) % 39000 AS fen, (g // 17) % 50 AS fate
    FROM dice
)
SELECT n + 1 AS line_no, n + 1 AS order_no, CAST(n + 1 AS UHUGEINT) AS line_hash, CAST(n + 1 AS UHUGEINT) AS order_hash,
       'sale' AS kind, customer AS customer_id, '淘宝天猫' AS platform, '淘宝天猫' AS platform_key,
       CAST(4900000000000000000 + n AS VARCHAR) AS order_id, '买家' || customer AS buyer_id,
       CAST(day AS BIGINT) * 86400 + second AS created_sec, CAST(day AS BIGINT) * 86400 + second AS paid_sec, day AS paid_day,
       CASE fate WHEN 0 THEN 'unpaid' WHEN 1 THEN 'refunded' ELSE 'paid' END AS status,
       fen AS amount_total_fen, fen AS paid_fen, CASE fate WHEN 1 THEN fen ELSE 0 END AS refund_fen,
       CASE fate WHEN 1 THEN CAST(day AS BIGINT) * 86400 + second + 200000 END AS refund_sec,
       0 AS is_zero_purchase, 1000 AS quantity_milli, 0 AS exported_sec, 1 AS first_run_id, 1 AS run_id,
       'order' AS level, 0 AS is_detail, 1 AS is_goods
FROM drawn
"""

BARE = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
con.execute('''CREATE TEMP TABLE rfm AS
    SELECT customer_id, 20162 - max(paid_day) AS r, count(DISTINCT order_no) AS f, sum(paid_fen - refund_fen) AS m
    FROM order_lines
    WHERE kind = 'sale' AND status IN ('paid', 'refunded') AND paid_sec < 20163 * 86400 AND paid_fen > refund_fen
    GROUP BY customer_id''')
print(con.execute("SELECT count(*) FROM rfm").fetchall())
"""

DAYS = BARE.replace("count(DISTINCT order_no)", "count(DISTINCT paid_day)")
COUNTED = BARE.replace("count(DISTINCT order_no)", "count(*)")

PANDAS = """
import sys, duckdb, pandas as pd
con = duckdb.connect(sys.argv[1], read_only=True)
orders = con.execute('''SELECT customer_id, order_no, paid_day, paid_fen, refund_fen, status FROM order_lines''').df()
orders = orders[orders.status.isin(["paid", "refunded"]) & (orders.paid_fen > orders.refund_fen)]
orders["net"] = orders.paid_fen - orders.refund_fen
rfm = orders.groupby("customer_id").agg(last=("paid_day", "max"), f=("order_no", "nunique"), m=("net", "sum"))
rfm["r"] = 20162 - rfm["last"]
for name, labels in (("r", [5, 4, 3, 2, 1]), ("f", [1, 2, 3, 4, 5]), ("m", [1, 2, 3, 4, 5])):
    # ties: qcut refuses them, rank(method="first") is what people write (and why equals score unequally)
    rfm[name + "_score"] = pd.qcut(rfm[name].rank(method="first"), 5, labels=labels).astype(int)
rfm["segment"] = rfm.r_score.astype(str) + rfm.f_score.astype(str)
print(len(rfm), rfm.groupby("segment").size().head(3))
"""


def fill_store(con: DuckDBPyConnection, orders: int) -> None:
    """Orders straight into the store, with their customers."""
    con.execute(FILL, [orders, orders // 10])
    con.execute(
        "INSERT INTO customers BY NAME SELECT DISTINCT customer_id, 1 AS run_id FROM order_lines ORDER BY customer_id"
    )


Script = Callable[[str, str], list[str]]
"""(name, program) → the command that runs the program over the store."""


@contextmanager
def filled_shop(orders: int) -> Iterator[tuple[list[str], Script]]:
    """A shop with so many orders for as long as it is measured: the start of a `siyu` command in it, and a `Script`."""
    siyu = str(Path(sys.executable).with_name("siyu"))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        shop = base / "shop"
        subprocess.run([siyu, "-q", "init", str(shop)], check=True)
        with open_store(shop / ".siyu", wait=5, write=True, memory_limit="2GB") as con, transaction(con):
            fill_store(con, orders)

        def script(name: str, text: str) -> list[str]:
            (base / f"{name}_side.py").write_text(text, encoding="utf-8")
            return [sys.executable, str(base / f"{name}_side.py"), str(shop / ".siyu" / "siyu.duckdb")]

        yield [siyu, "-q", "-w", str(shop)], script


def main() -> None:
    """Print the ratios."""
    with filled_shop(ORDERS) as (siyu, script):
        score = [*siyu, "score-customers", "--as-of", AS_OF, "--scheme"]
        bare = "bare aggregate (DuckDB, count distinct)"
        measured = time_processes(
            {
                bare: script("bare", BARE),
                "bare aggregate, count(*)": script("counted", COUNTED),
                "bare aggregate, count distinct days": script("days", DAYS),
                "score-customers 八分群, dry run": [*score, "八分群", "--dry-run"],
                "score-customers 八分群-购买天数, dry run": [*score, "八分群-购买天数", "--dry-run"],
                "score-customers R包v0.3, dry run": [*score, "R包v0.3", "--dry-run"],
                "score-customers R包v0.3, kept": [*score, "R包v0.3"],
                "pandas: groupby, qcut": script("pandas", PANDAS),
            },
            rounds=ROUNDS,
        )
        show(f"scores of {ORDERS:,} orders", measured, bare)


if __name__ == "__main__":
    main()
