"""`score-customers --backtest` of 1,000,000 customers with 10,000,000 orders beside a bare read and lifetimes.

Every side is a whole process over the same store: the command with nine methods, their AUC with DeLong's bounds,
calibrated risks and forecasts; the same without the backtest; one query that reads every customer's purchase
days; and the program one would write with pandas and the library lifetimes: histories at the cut, two of its
models (its Pareto/NBD alone takes minutes), who came, the AUC of each.

`ORDERS=1000000 python -m benchmarks backtest` sets the size; there are a tenth as many customers.
"""

from __future__ import annotations

import os

from benchmarks.measure import show, time_processes
from benchmarks.score_customers import filled_shop

ORDERS = int(os.environ.get("ORDERS", "10000000"))
ROUNDS = int(os.environ.get("ROUNDS", "1"))
AS_OF = "2025-03-15"

DAYS = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
con.execute('''CREATE TEMP TABLE days AS SELECT DISTINCT customer_id, paid_day FROM order_lines
    WHERE kind = 'sale' AND status IN ('paid', 'refunded') AND paid_fen > refund_fen''')
print(con.execute("SELECT count(*) FROM days").fetchall())
"""

LIFETIMES = """
import sys, warnings
warnings.simplefilter("ignore")
import duckdb, numpy as np
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter
from scipy.stats import mannwhitneyu
con = duckdb.connect(sys.argv[1], read_only=True)
days = con.execute('''SELECT DISTINCT customer_id, paid_day FROM order_lines
    WHERE kind = 'sale' AND status IN ('paid', 'refunded') AND paid_fen > refund_fen''').df()
cut = 20162 - 90
seen = days[days.paid_day <= cut].groupby("customer_id").paid_day.agg(["min", "max", "count"])
came = seen.index.isin(days[days.paid_day > cut].customer_id.unique())
x, t_x, t = seen["count"] - 1, seen["max"] - seen["min"], cut - seen["min"]
for fitter in (BetaGeoFitter(), ModifiedBetaGeoFitter()):
    try:
        fitter.fit(x, t_x, t)
        score = np.asarray(fitter.conditional_expected_number_of_purchases_up_to_time(90, x, t_x, t))
    except Exception as error:
        print(type(fitter).__name__, error)
        continue
    ones = score[came]
    print(type(fitter).__name__, mannwhitneyu(ones, score[~came]).statistic / len(ones) / (~came).sum())
"""


def main() -> None:
    """Print the ratios and the memory."""
    with filled_shop(ORDERS) as (siyu, script):
        score = [*siyu, "score-customers", "--as-of", AS_OF, "--dry-run"]
        bare = "bare read of the purchase days (DuckDB)"
        measured = time_processes(
            {
                bare: script("days", DAYS),
                "score-customers": score,
                "score-customers --backtest": [*score, "--backtest"],
                "lifetimes: BG/NBD, MBG/NBD, AUC": script("lifetimes", LIFETIMES),
            },
            rounds=ROUNDS,
        )
        show(f"backtest of {ORDERS:,} orders", measured, bare)


if __name__ == "__main__":
    main()
