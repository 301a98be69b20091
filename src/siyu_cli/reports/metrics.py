"""The numbers of the report, as common-core SQL over the facts; every number has a definition id.

A period's orders are the valid orders paid in it, net of every refund known by the moment. Anonymous orders
are in the shop's totals (net, orders, aov, refunds) and in nothing that counts people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.reports.period import Month, Period
    from siyu_cli.store.engine import Engine


def definitions() -> dict[str, tuple[str, str]]:
    """Definition id → name and definition, in the order of the sheet 说明."""
    return {
        "net": (
            tr("净额", "Net"),
            tr(
                "期内付款的有效订单,实付减去截止时已知的退款;没有对应订单的负数行按它自己的日子扣",
                "valid orders paid in the period, minus refunds known by the cut-off; negative "
                "rows without an order on their own day",
            ),
        ),
        "orders": (
            tr("订单数", "Orders"),
            tr(
                "期内有效订单:已付款、未关闭、净额大于 0",
                "valid orders of the period: paid, not closed, net above 0",
            ),
        ),
        "buyers": (
            tr("买家数", "Buyers"),
            tr(
                "期内有有效订单的客户,每人算一次;没有买家信息的订单不算",
                "customers with a valid order in the period, each once; anonymous orders aside",
            ),
        ),
        "spend_per_buyer": (
            tr("客单价", "Spend per buyer"),
            tr("有买家信息的净额 ÷ 买家数", "net of orders with a buyer ÷ buyers"),
        ),
        "aov": (tr("笔单价", "Order value"), tr("有效订单净额 ÷ 订单数", "net of valid orders ÷ orders")),
        "refunds": (
            tr("退款", "Refunds"),
            tr(
                "期内付款的订单到截止时已退的金额,加没有对应订单的负数行;退款后整单关闭的订单不算付款,也不在这里",
                "refunded by the cut-off on orders paid in the period, plus negative rows without "
                "an order; orders closed after a full refund count as neither paid nor refunded",
            ),
        ),
        "new_buyers": (
            tr("新客", "New buyers"),
            tr("期内的买家里,第一笔有效订单在期内的", "buyers whose first valid order ever is in the period"),
        ),
        "returning_buyers": (
            tr("老客", "Returning buyers"),
            tr("期内的买家里,期前已有有效订单的", "buyers with a valid order before the period"),
        ),
        "R1": (
            tr("期内复购率·人(R1)", "Repurchase rate (R1)"),
            tr(
                "期内有 ≥ 2 个购买日的买家 ÷ 期内买家;范围:全渠道",
                "buyers with ≥ 2 purchase days in the period ÷ buyers; all channels",
            ),
        ),
        "R3": (
            tr("老客占比(R3)", "Returning share (R3)"),
            tr("老客 ÷ 期内买家;范围:全渠道", "returning buyers ÷ buyers; all channels"),
        ),
        "R6": (
            tr("累计复购率(R6)", "Lifetime repurchase rate (R6)"),
            tr(
                "到期末为止,有 ≥ 2 个购买日的客户 ÷ 买过的客户;范围:全渠道",
                "customers with ≥ 2 purchase days ever ÷ customers with ≥ 1, by the end of the "
                "period; all channels",
            ),
        ),
        "anonymous": (
            tr("匿名订单", "Anonymous orders"),
            tr(
                "没有买家信息的有效订单:计入净额、订单数、笔单价、退款,不计入任何按人的数字",
                "valid orders without a buyer: in net, orders, order value and refunds, in no "
                "number about people",
            ),
        ),
    }


def short_definitions() -> dict[str, str]:
    """Definition id → unit and how it is counted, short enough for a card; the whole is in `definitions`."""
    return {
        "net": tr("元 · 实付减退款", "yuan · paid less refunds"),
        "orders": tr("单 · 已付款、没关闭、净额大于 0", "orders · paid, not closed, net above 0"),
        "buyers": tr("人 · 每人算一次", "people · each once"),
        "spend_per_buyer": tr("元 · 净额 ÷ 买家数", "yuan · net ÷ buyers"),
        "aov": tr("元 · 净额 ÷ 订单数", "yuan · net ÷ orders"),
        "refunds": tr("元 · 到截止时已退的", "yuan · refunded by the cut-off"),
        "new_buyers": tr("人 · 第一单在期内", "people · first order in the period"),
        "returning_buyers": tr("人 · 期前已买过", "people · bought before the period"),
        "R1": tr("期内有 2 个以上购买日的 ÷ 买家数", "≥ 2 purchase days in the period ÷ buyers"),
        "R3": tr("老客 ÷ 买家数", "returning ÷ buyers"),
        "R6": tr("到期末有 2 个以上购买日的 ÷ 买过的人", "≥ 2 purchase days ever ÷ all who bought"),
        "anonymous": tr("单 · 没有买家信息", "orders · without a buyer"),
    }


# Parameters: first day, last day.
_TOTALS_SQL = """
SELECT COALESCE(SUM(net_fen), 0) AS total_fen, COALESCE(SUM(is_order), 0) AS orders,
       COALESCE(SUM(CASE WHEN is_order = 1 THEN net_fen ELSE 0 END), 0) AS order_fen,
       COALESCE(SUM(CASE WHEN is_order = 0 THEN net_fen ELSE 0 END), 0) AS leftover_fen,
       COALESCE(SUM(CASE WHEN customer_id IS NULL THEN is_order ELSE 0 END), 0) AS anonymous_orders,
       COALESCE(SUM(CASE WHEN customer_id IS NULL THEN net_fen ELSE 0 END), 0) AS anonymous_fen
FROM fact_orders WHERE paid_day >= ? AND paid_day <= ?
"""

# Parameters: first day, first day, last day (the period), last day (what is known by its end).
_PEOPLE_SQL = """
WITH days AS (
    SELECT DISTINCT customer_id, paid_day FROM fact_orders
    WHERE is_order = 1 AND customer_id IS NOT NULL AND paid_day <= ?
),
people AS (
    SELECT customer_id, MIN(paid_day) AS first_day, COUNT(*) AS all_days,
           SUM(CASE WHEN paid_day >= ? THEN 1 ELSE 0 END) AS period_days
    FROM days GROUP BY customer_id
)
SELECT COUNT(*) AS ever_buyers, COALESCE(SUM(CASE WHEN all_days >= 2 THEN 1 ELSE 0 END), 0) AS ever_repeaters,
       COALESCE(SUM(CASE WHEN period_days >= 1 THEN 1 ELSE 0 END), 0) AS buyers,
       COALESCE(SUM(CASE WHEN period_days >= 2 THEN 1 ELSE 0 END), 0) AS repeaters,
       COALESCE(SUM(CASE WHEN period_days >= 1 AND first_day >= ? THEN 1 ELSE 0 END), 0) AS new_buyers
FROM people
"""

# Parameters: first day, last day.
_REFUNDS_SQL = """
SELECT COALESCE(SUM(l.paid_fen - f.net_fen), 0) AS returned_fen
FROM fact_lines AS f JOIN order_lines AS l ON l.line_no = f.line_no
WHERE f.paid_day >= ? AND f.paid_day <= ?
"""

# Parameters: first day, last day.
_PLATFORMS_SQL = """
SELECT o.platform_key, SUM(o.net_fen) AS platform_fen, SUM(o.is_order) AS orders,
       COUNT(DISTINCT CASE WHEN o.is_order = 1 THEN o.customer_id END) AS buyers
FROM fact_orders AS o WHERE o.paid_day >= ? AND o.paid_day <= ?
GROUP BY o.platform_key
"""

_MONTHS_SQL = """
WITH firsts AS (
    SELECT customer_id, MIN(paid_day) AS first_paid_day FROM fact_orders
    WHERE is_order = 1 AND customer_id IS NOT NULL GROUP BY customer_id
)
SELECT m.label, SUM(o.net_fen) AS month_fen, SUM(o.is_order) AS orders,
       COUNT(DISTINCT CASE WHEN o.is_order = 1 THEN o.customer_id END) AS buyers,
       COUNT(DISTINCT CASE WHEN o.is_order = 1 AND f.first_paid_day >= m.first_day THEN o.customer_id END)
           AS new_buyers
FROM report_months AS m
JOIN fact_orders AS o ON o.paid_day >= m.first_day AND o.paid_day <= m.last_day
LEFT JOIN firsts AS f ON f.customer_id = o.customer_id
GROUP BY m.label
"""

_STATES_SQL = "SELECT state, COUNT(*) AS leads FROM lead_state GROUP BY state"
# Parameters: first and last second of the period.
_IMPORTED_SQL = "SELECT COUNT(*) AS leads FROM lead_state WHERE imported_sec >= ? AND imported_sec <= ?"
_BY_SQL = """
SELECT COALESCE({column}, '') AS label, COUNT(*) AS leads,
       SUM(CASE WHEN state <> ? THEN 1 ELSE 0 END) AS held
FROM lead_state GROUP BY COALESCE({column}, '')
"""

# Parameters: the states of leads that somebody holds; first day, last day.
_STAFF_SQL = """
WITH given AS (
    SELECT staff_id AS given_id, COUNT(*) AS given_leads FROM lead_events WHERE kind = 'assigned'
    GROUP BY staff_id
),
holding AS (
    SELECT staff_id AS holding_id, COUNT(*) AS held_leads FROM lead_state
    WHERE state IN (?, ?) GROUP BY staff_id
),
owned AS (
    SELECT owner_id, COUNT(*) AS owned_customers FROM fact_customers WHERE owner_id <> '' GROUP BY owner_id
),
earned AS (
    SELECT p.owner_id AS earner_id, SUM(o.net_fen) AS earned_fen, SUM(o.is_order) AS earned_orders
    FROM fact_customers AS p JOIN fact_orders AS o ON o.customer_id = p.customer_id
    WHERE p.owner_id <> '' AND o.paid_day >= ? AND o.paid_day <= ?
    GROUP BY p.owner_id
)
SELECT s.staff_id, s.name, s.is_active, COALESCE(g.given_leads, 0) AS given,
       COALESCE(h.held_leads, 0) AS holding, COALESCE(w.owned_customers, 0) AS customers,
       COALESCE(e.earned_orders, 0) AS orders,
       COALESCE(e.earned_fen, 0) AS staff_fen
FROM staff AS s
LEFT JOIN given AS g ON g.given_id = s.staff_id
LEFT JOIN holding AS h ON h.holding_id = s.staff_id
LEFT JOIN owned AS w ON w.owner_id = s.staff_id
LEFT JOIN earned AS e ON e.earner_id = s.staff_id
ORDER BY s.staff_id
"""

POOL_STATE = "待分配"
HELD_STATES = ("待添加", "待通过")


@dataclass(frozen=True)
class Share:
    """A part of a whole, kept as counts."""

    part: int
    whole: int

    @property
    def value(self) -> Fraction | None:
        return Fraction(self.part, self.whole) if self.whole else None


@dataclass(frozen=True)
class Overview:
    """The period in numbers; money in fen."""

    net_fen: int
    orders: int
    order_fen: int
    anonymous_orders: int
    anonymous_fen: int
    buyers: int
    new_buyers: int
    refund_fen: int
    r1: Share
    r3: Share
    r6: Share

    @property
    def returning_buyers(self) -> int:
        return self.buyers - self.new_buyers

    @property
    def spend_per_buyer_fen(self) -> int | None:
        return divide(self.net_fen - self.anonymous_fen, self.buyers)

    @property
    def aov_fen(self) -> int | None:
        return divide(self.order_fen, self.orders)


@dataclass(frozen=True)
class Group:
    """One row of a breakdown of orders."""

    label: str
    net_fen: int
    orders: int
    buyers: int
    new_buyers: int = 0

    @property
    def spend_per_buyer_fen(self) -> int | None:
        return divide(self.net_fen, self.buyers)


@dataclass(frozen=True)
class LeadGroup:
    """Leads of one source or channel; '' where the file named none."""

    label: str
    leads: int
    held: int


@dataclass(frozen=True)
class StaffRow:
    """One staff member; customers and money are those of the people whose lead they hold now."""

    staff_id: str
    name: str
    is_active: bool
    given: int
    holding: int
    customers: int
    orders: int
    net_fen: int


@dataclass(frozen=True)
class Leads:
    """The pool now, and what came in during the period."""

    total: int
    in_pool: int
    held: int
    imported: int
    sources: tuple[LeadGroup, ...]
    channels: tuple[LeadGroup, ...]


def divide(fen: int, count: int) -> int | None:
    """Fen per piece, rounded half away from zero; None of nothing."""
    if not count:
        return None
    whole = (2 * abs(fen) + count) // (2 * count)
    return -whole if fen < 0 else whole


def read_overview(engine: Engine, period: Period) -> Overview:
    """The numbers of a period; needs the order facts."""
    bounds = (period.first_day, period.last)
    totals = _one(engine, _TOTALS_SQL, bounds)
    people = _one(engine, _PEOPLE_SQL, (period.last, period.first_day, period.first_day))
    returned = _one(engine, _REFUNDS_SQL, bounds)["returned_fen"]
    buyers = people["buyers"]
    return Overview(
        net_fen=totals["total_fen"],
        orders=totals["orders"],
        order_fen=totals["order_fen"],
        anonymous_orders=totals["anonymous_orders"],
        anonymous_fen=totals["anonymous_fen"],
        buyers=buyers,
        new_buyers=people["new_buyers"],
        refund_fen=returned - totals["leftover_fen"],
        r1=Share(people["repeaters"], buyers),
        r3=Share(buyers - people["new_buyers"], buyers),
        r6=Share(people["ever_repeaters"], people["ever_buyers"]),
    )


def read_platforms(engine: Engine, period: Period) -> list[Group]:
    """Net, orders and buyers per platform, the largest first."""
    names = {
        row["platform_key"]: row["platform"]
        for row in engine.query(
            "SELECT platform_key, MIN(platform) AS platform FROM order_lines GROUP BY platform_key"
        ).to_pylist()
    }
    rows = engine.query(_PLATFORMS_SQL, (period.first_day, period.last)).to_pylist()
    groups = [
        Group(
            names.get(row["platform_key"]) or row["platform_key"] or tr("未注明", "not named"),
            int(row["platform_fen"]),
            int(row["orders"]),
            int(row["buyers"]),
        )
        for row in rows
    ]
    return sorted(groups, key=lambda group: (-group.net_fen, group.label))


def order_days(engine: Engine, as_of: AsOf) -> tuple[int | None, int | None]:
    """The first and the last day with an order fact."""
    sql = (
        "SELECT MIN(paid_day) AS first_seen, MAX(paid_day) AS last_seen FROM fact_orders WHERE paid_day <= ?"
    )
    row = engine.query(sql, (as_of.day,)).to_pylist()[0]
    return row["first_seen"], row["last_seen"]


def read_months(engine: Engine, months: Sequence[Month]) -> list[Group]:
    """One row per month, months without orders included."""
    import pyarrow as pa

    if not months:
        return []
    columns = {
        "label": [month.label for month in months],
        "first_day": pa.array([month.first for month in months], pa.int32()),
        "last_day": pa.array([month.last for month in months], pa.int32()),
    }
    engine.register("report_months", pa.table(columns))
    found = {row["label"]: row for row in engine.query(_MONTHS_SQL).to_pylist()}
    return [
        Group(
            month.label,
            *(
                int(found[month.label][name]) if month.label in found else 0
                for name in ("month_fen", "orders", "buyers", "new_buyers")
            ),
        )
        for month in months
    ]


def read_leads(engine: Engine, period: Period, first_sec: int, last_sec: int) -> Leads:
    """The pool as it is now, by source and channel, the largest first."""
    states = {row["state"]: int(row["leads"]) for row in engine.query(_STATES_SQL).to_pylist()}
    imported = _one(engine, _IMPORTED_SQL, (first_sec, last_sec))["leads"]
    total = sum(states.values())
    groups = []
    for column in ("source", "channel"):
        rows = engine.query(_BY_SQL.format(column=column), (POOL_STATE,)).to_pylist()
        found = [LeadGroup(row["label"], int(row["leads"]), int(row["held"])) for row in rows]
        groups.append(tuple(sorted(found, key=lambda group: (-group.leads, group.label))))
    in_pool = states.get(POOL_STATE, 0)
    return Leads(total, in_pool, total - in_pool, imported, *groups)


def read_staff(engine: Engine, period: Period) -> list[StaffRow]:
    """Everyone on the staff sheet, active ones first, by net of the customers they look after."""
    rows = engine.query(_STAFF_SQL, (*HELD_STATES, period.first_day, period.last)).to_pylist()
    staff = [
        StaffRow(
            row["staff_id"],
            row["name"],
            bool(row["is_active"]),
            int(row["given"]),
            int(row["holding"]),
            int(row["customers"]),
            int(row["orders"]),
            int(row["staff_fen"]),
        )
        for row in rows
    ]
    return sorted(
        staff, key=lambda person: (not person.is_active, -person.net_fen, -person.given, person.staff_id)
    )


def _one(engine: Engine, sql: str, params: tuple[int, ...]) -> dict[str, Any]:
    return {name: int(value or 0) for name, value in engine.query(sql, params).to_pylist()[0].items()}
