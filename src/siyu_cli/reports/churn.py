"""What the report says of leaving: the last backtest as it was stored, and whom to save this week, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import format_seconds
from siyu_cli.language import tr
from siyu_cli.phone import mask_phones
from siyu_cli.store.scores import ScoreRun, score_runs

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

SAVED = 20
_TO_SAVE = ("中", "高")

# Parameters: the latest day of a usual gap, run, two risks, how many.
_TO_SAVE_SQL = """
SELECT CASE WHEN s.recency_days <= ? THEN 0 ELSE 1 END AS is_far, s.customer_id, s.risk, s.p_buy, s.recency_days, s.rhythm_days, s.late_days, s.net_fen, p.owner_id, c.name
FROM scores AS s
JOIN fact_customers AS p ON p.customer_id = s.customer_id
JOIN customers AS c ON c.customer_id = s.customer_id
WHERE s.run_id = ? AND s.risk IN (?, ?) AND s.late_days > 0 AND p.is_opted_out = 0
ORDER BY is_far, s.net_fen DESC, s.customer_id
LIMIT ?
"""
_STAFF_SQL = "SELECT staff_id, name FROM staff"


@dataclass(frozen=True)
class ToSave:
    """One customer who is late but not gone; the phone is masked."""

    customer_id: int
    name: str
    phone: str
    owner: str
    risk: str
    chance: float
    net_fen: int
    reason: str


@dataclass(frozen=True)
class ChurnReport:
    """The newest score run with a backtest: `told` is what it stored (customers.churn.Churn.as_dict)."""

    scheme: str
    as_of: str
    told: dict[str, Any]
    to_save: tuple[ToSave, ...]


def read_churn(engine: Engine, as_of: AsOf) -> ChurnReport | None:
    """The newest backtest as of a moment; None where none was run. Needs `fact_customers`."""
    run = next((run for run in score_runs(engine, as_of) if run.churn), None)
    if run is None:
        return None
    told = json.loads(run.churn or "{}")
    people = _people_to_save(engine, run, told) if told["risk"] else ()
    return ChurnReport(run.scheme, format_seconds(run.as_of_sec), told, people)


def _people_to_save(engine: Engine, run: ScoreRun, told: dict[str, Any]) -> tuple[ToSave, ...]:
    last_day = told["cycle"]["late_line_days"]
    rows = engine.query(_TO_SAVE_SQL, (last_day or 0, run.run_id, *_TO_SAVE, SAVED)).to_pylist()
    names = {row["staff_id"]: row["name"] for row in engine.query(_STAFF_SQL).to_pylist()}
    phones = _phones(engine, [int(row["customer_id"]) for row in rows])
    days, base = told["backtest"]["horizon_days"], told["backtest"]["base_rate"]
    return tuple(
        ToSave(
            int(row["customer_id"]),
            mask_phones(row["name"] or ""),
            mask_phones(phones.get(int(row["customer_id"]), "")),
            names.get(row["owner_id"], row["owner_id"] or ""),
            row["risk"],
            float(row["p_buy"]),
            int(row["net_fen"]),
            tr(
                f"约 {row['rhythm_days']} 天来一次,已 {row['recency_days']} 天没来,晚 {row['late_days']} 天;"
                f"{days} 天内再买约 {row['p_buy']:.0%},全店 {base:.0%}"
                + (f";已晚过 95% 的复购间隔({last_day} 天)" if row["is_far"] else ""),
                f"comes about every {row['rhythm_days']} days, away for {row['recency_days']}, {row['late_days']} late; "
                f"buys within {days} days: {row['p_buy']:.0%}, everybody {base:.0%}"
                + (f"; later than 95 % of all gaps ({last_day} days)" if row["is_far"] else ""),
            ),
        )
        for row in rows
    )


def _phones(engine: Engine, customers: list[int]) -> dict[int, str]:
    """The first phone of each."""
    if not customers:
        return {}
    marks = ", ".join("?" * len(customers))
    sql = (
        "SELECT customer_id, MIN(value) AS phone FROM customer_keys "
        f"WHERE kind = 'phone' AND customer_id IN ({marks}) GROUP BY customer_id"
    )
    return {int(row["customer_id"]): row["phone"] for row in engine.query(sql, customers).to_pylist()}


def churn_definitions() -> dict[str, tuple[str, str]]:
    """Name and definition by id, as the 说明 sheet prints them."""
    return {
        "churn_gap": (
            tr("复购间隔、流失线", "Repeat gaps, churn line"),
            tr(
                "一位客户相邻两个购买日差几天(同一天几单算一次);流失线 = 指定比例的间隔已经过去的第一天",
                "days between a customer's neighbouring purchase days; the line is the first day by which the set "
                "share of them is over",
            ),
        ),
        "churn_rhythm": (
            tr("自己的节奏、晚了几天", "Own rhythm, lateness"),
            tr(
                "(自己的间隔之和 + 2 × 全店平均间隔) ÷ (间隔数 + 2);晚了几天 = 距上次购买 − 节奏",
                "(sum of own gaps + 2 × the shop's mean gap) ÷ (their number + 2); late = days since last − rhythm",
            ),
        ),
        "churn_auc": (
            tr("回测、AUC", "Backtest, AUC"),
            tr(
                "留出最近几天,只用之前的数据排先后;AUC = 又买的人排在没买的人前面的机会,0.5 等于抛硬币",
                "the last days held out, ranked by what was known before; AUC: how often one who bought stands "
                "above one who did not, .5 is a coin",
            ),
        ),
        "churn_risk": (
            tr("流失风险", "Churn risk"),
            tr(
                "按期内再买的概率分低、中、高、已流失,分界在表里;概率 = 回测里排在同样位置的客户真的又买了的比例",
                "by the probability to buy again, cut as the table says; it is what came of customers ranked alike",
            ),
        ),
        "churn_to_save": (
            tr("本周先救谁", "Whom to save"),
            tr(
                f"风险中或高、比自己的节奏晚、没有退订的客户取 {SAVED} 位:先是还没晚过 95% 的复购间隔的,再是其余的,各按净额",
                f"risk 中 or 高, later than their rhythm, not opted out: {SAVED}, first those within 95 % of all gaps, "
                "then the others, each by net",
            ),
        ),
    }
