"""What each customer has bought so far, as histories a forecast reads: common-core SQL over the order facts.

A purchase is a day with a valid order: several orders of one day are one. Everything is read from one small
table of (customer, day, net), so a moment in the past is the same query over fewer days.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siyu_cli.customers.facts import has_divided_orders, order_facts
from siyu_cli.forecast.histories import Histories, Ints
from siyu_cli.forecast.rhythm import Gaps
from siyu_cli.forecast.special import Floats

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

_DAYS_SQL = """
SELECT customer_id, paid_day, CAST(SUM(net_fen) AS BIGINT) AS day_fen
FROM fact_orders WHERE is_order = 1 AND customer_id IS NOT NULL
GROUP BY customer_id, paid_day
"""

# Parameters: the cut, the cut. {came} holds who bought after it.
_HISTORIES_SQL = """
WITH came AS (SELECT DISTINCT customer_id AS came_customer_id FROM {came} WHERE paid_day > ?),
seen AS (
    SELECT customer_id, COUNT(*) AS day_count, MIN(paid_day) AS first_day, MAX(paid_day) AS last_day,
           CAST(SUM(day_fen) AS BIGINT) AS spent_fen
    FROM {days} WHERE paid_day <= ? GROUP BY customer_id
)
SELECT s.customer_id, s.day_count, s.first_day, s.last_day, s.spent_fen,
       CASE WHEN c.came_customer_id IS NULL THEN 0 ELSE 1 END AS has_come
FROM seen AS s LEFT JOIN came AS c ON c.came_customer_id = s.customer_id
ORDER BY s.customer_id
"""

_SPACED_SQL = """
WITH spaced AS (
    SELECT paid_day, LAG(paid_day) OVER (PARTITION BY customer_id ORDER BY paid_day) AS before_day,
           LAG(paid_day, 2) OVER (PARTITION BY customer_id ORDER BY paid_day) AS earlier_day,
           LEAD(paid_day) OVER (PARTITION BY customer_id ORDER BY paid_day) AS next_day
    FROM {days}
)
SELECT paid_day - before_day AS gap_days, before_day - earlier_day AS gap_before,
       CASE WHEN next_day IS NULL AND earlier_day IS NOT NULL THEN 1 ELSE 0 END AS is_last
FROM spaced WHERE before_day IS NOT NULL
"""
_GAPS_ONLY_SQL = """
WITH spaced AS (
    SELECT paid_day - LAG(paid_day) OVER (PARTITION BY customer_id ORDER BY paid_day) AS gap_days FROM {days}
)
SELECT gap_days, COUNT(*) AS gap_count FROM spaced WHERE gap_days IS NOT NULL GROUP BY gap_days ORDER BY gap_days
"""
_GAPS_SQL = "SELECT gap_days, COUNT(*) AS gap_count FROM churn_gaps GROUP BY gap_days ORDER BY gap_days"
_LAST_TWO_SQL = """
SELECT gap_before, gap_days, COUNT(*) AS customers FROM churn_gaps WHERE is_last = 1
GROUP BY gap_before, gap_days ORDER BY gap_before, gap_days
"""

# Opened with order_facts. Two things of one category on one day are one purchase of it.
_CATEGORIES_SQL = """
category_days AS (
    SELECT DISTINCT customer_id, category_key, paid_day FROM fact_items
    WHERE customer_id IS NOT NULL AND category_key <> ''
),
category_gaps AS (
    SELECT category_key, paid_day - LAG(paid_day) OVER (PARTITION BY customer_id, category_key ORDER BY paid_day) AS gap_days
    FROM category_days
)
SELECT category_key, gap_days, COUNT(*) AS gap_count FROM category_gaps WHERE gap_days IS NOT NULL
GROUP BY category_key, gap_days ORDER BY category_key, gap_days
"""


_CATEGORY_NAMES_SQL = """
SELECT category_key, category, COUNT(*) AS line_count FROM order_lines
WHERE category_key IS NOT NULL AND category IS NOT NULL GROUP BY category_key, category
"""


@dataclass(frozen=True)
class Buyers:
    """Histories as of the close of `day`, one row per customer in the order of their numbers.

    `days` counts purchase days; `came` says who bought after `day`, up to the end of what is known.
    """

    day: int
    customer: Ints
    days: Ints
    first: Ints
    last: Ints
    spent_fen: Ints
    came: np.ndarray[tuple[int, ...], np.dtype[np.bool]]

    @property
    def size(self) -> int:
        return len(self.customer)

    @property
    def x(self) -> Floats:
        """Repeat purchases."""
        return np.asarray(self.days - 1, float)

    @property
    def t_x(self) -> Floats:
        """Days from the first purchase to the last."""
        return np.asarray(self.last - self.first, float)

    @property
    def t(self) -> Floats:
        """Days from the first purchase to the moment."""
        return np.asarray(self.day - self.first, float)

    @property
    def since(self) -> Floats:
        """Days since the last purchase."""
        return np.asarray(self.day - self.last, float)

    def histories(self, gaps: Gaps) -> Histories:
        """For the models, with the logarithms of the gaps."""
        log_gaps = float(np.log(np.asarray(gaps.days, float)) @ gaps.counts) if gaps.total else 0.0
        return Histories.of(self.x, self.t_x, self.t, log_gaps=log_gaps)


def write_days(engine: Engine, as_of: AsOf, target: str) -> None:
    """Make `target`: (customer_id, paid_day, day_fen) of every purchase day, as it was known at a moment."""
    opening, params = order_facts(as_of, is_divided=has_divided_orders(engine))
    engine.write(f"{opening} {_DAYS_SQL}", target, params)


def read_buyers(engine: Engine, day: int, days: str, came: str) -> Buyers:
    """The histories of table `days` up to the close of a day; who came after it is looked up in table `came`."""
    table = engine.query(_HISTORIES_SQL.format(days=days, came=came), (day, day))

    def column(name: str) -> Ints:
        return np.asarray(table.column(name).to_numpy(), np.int64)

    return Buyers(
        day,
        column("customer_id"),
        column("day_count"),
        column("first_day"),
        column("last_day"),
        column("spent_fen"),
        column("has_come") == 1,
    )


def read_gaps(engine: Engine, days: str) -> Gaps:
    """All gaps of table `days`."""
    table = engine.query(_GAPS_ONLY_SQL.format(days=days))
    return Gaps.of(table.column("gap_days").to_numpy(), table.column("gap_count").to_numpy())


def read_gaps_and_pairs(engine: Engine, days: str) -> tuple[Gaps, Any, Any]:
    """All gaps of table `days`, and each customer's last gap but one and last, for those who have two."""
    engine.write(_SPACED_SQL.format(days=days), "churn_gaps")
    table = engine.query(_GAPS_SQL)
    gaps = Gaps.of(table.column("gap_days").to_numpy(), table.column("gap_count").to_numpy())
    pairs = engine.query(_LAST_TWO_SQL)
    customers = pairs.column("customers").to_numpy()
    before, last = (
        np.repeat(pairs.column(name).to_numpy(), customers) for name in ("gap_before", "gap_days")
    )
    return gaps, before, last


def category_names(engine: Engine, keys: Collection[str]) -> dict[str, str]:
    """How the files most often write each of these categories."""
    rows = engine.rows(_CATEGORY_NAMES_SQL) if keys else []
    found: dict[str, str] = {}
    for key, name, _ in sorted(rows, key=lambda row: (-int(row[2]), row[1])):
        if key in keys:
            found.setdefault(key, name)
    return found


def read_category_gaps(engine: Engine, as_of: AsOf) -> dict[str, Gaps]:
    """The gaps between purchase days of one customer in one category, by category; those without a name left out."""
    opening, params = order_facts(as_of, is_divided=has_divided_orders(engine))
    table = engine.query(f"{opening}, {_CATEGORIES_SQL}", params)
    names = np.asarray(table.column("category_key").to_pylist(), object)
    days, counts = (table.column(name).to_numpy() for name in ("gap_days", "gap_count"))
    return {str(name): Gaps.of(days[names == name], counts[names == name]) for name in sorted(set(names))}
