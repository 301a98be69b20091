"""Who is leaving: the repurchase cycle, the backtest, and a risk with a probability for every customer.

Three moments are read from the order facts: now (as of), the cut (the horizon before now, as it was known then)
and one stretch before the cut. The probability of a customer is what came, in the days held out, of customers
who were ranked as they are now; the cut-offs between the risks are shares of what came of everybody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.customers.backtest import Backtest, run_backtest
from siyu_cli.customers.churn_ahead import Ahead, look_ahead
from siyu_cli.customers.churn_methods import Known, Lesson, rank
from siyu_cli.customers.cycle import Cycle, read_cycle
from siyu_cli.customers.histories import Buyers, read_buyers, read_gaps, write_days
from siyu_cli.forecast.rhythm import late_by, own_rhythm
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr
from siyu_cli.store.scores import CHURN_COLUMNS

if TYPE_CHECKING:
    from siyu_cli.settings import ChurnSettings
    from siyu_cli.store.engine import Engine

RISKS = ("低", "中", "高", "已流失")
_SHARES = (1.0, 0.5, 0.2)
_HIGHEST_CUT = 0.5
_PLACES = 4
SCORED, JOINED = "rfm_scored", "rfm_churned"

# {columns} of the churn rows beside everything scored.
_JOIN_SQL = """
SELECT s.*, {columns} FROM rfm_scored AS s LEFT JOIN churn_rows AS c ON c.churn_customer_id = s.customer_id
"""
_SIZES_SQL = f"""
SELECT risk, COUNT(*) AS customers, CAST(SUM(net_fen) AS BIGINT) AS risk_fen FROM {JOINED}
WHERE risk IS NOT NULL GROUP BY risk ORDER BY risk
"""


@dataclass(frozen=True)
class Churn:
    """What is known of leaving as of a moment; the customers' rows are in the engine's table `rfm_churned`.

    `cuts` are the lowest probabilities of 低, 中 and 高, None where no risk is shown. `sizes` are customers and net
    by risk.
    """

    cycle: Cycle
    backtest: Backtest
    cuts: tuple[float, float, float] | None
    sizes: tuple[tuple[str, int, int], ...]
    ahead: Ahead | None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For `result.cycle`, `result.backtest`, `result.risk` and the store."""
        return {
            "cycle": self.cycle.as_dict(),
            "backtest": self.backtest.as_dict(),
            "risk": self._risk_dict() if self.cuts else None,
            "ahead": self.ahead.as_dict() if self.ahead else None,
            "notes": list(self.notes),
        }

    @property
    def text(self) -> str:
        """The canonical form the store keeps."""
        return json.dumps(self.as_dict(), ensure_ascii=False, sort_keys=True)

    def _risk_dict(self) -> dict[str, Any]:
        assert self.cuts is not None
        found = {risk: (customers, fen) for risk, customers, fen in self.sizes}
        return {
            "horizon_days": self.backtest.horizon,
            "cuts": [round(cut, _PLACES) for cut in self.cuts],
            "levels": [
                {"risk": risk, "customers": found.get(risk, (0, 0))[0], "net_fen": found.get(risk, (0, 0))[1]}
                for risk in RISKS
            ],
        }


def assess_churn(engine: Engine, as_of: AsOf, settings: ChurnSettings, rules: Sequence[Path] = ()) -> Churn:
    """Everything about leaving as of a moment. Needs `rfm_scored`; leaves `rfm_churned`, its rows with risks."""
    horizon = settings.horizon_days
    write_days(engine, as_of, "churn_days")
    now = read_buyers(engine, as_of.day, "churn_days", "churn_days")
    cut_day = as_of.day - horizon
    cut = AsOf(cut_day * DAY_SECONDS + DAY_SECONDS - 1)
    write_days(engine, cut, "churn_days_then")
    then = read_buyers(engine, cut_day, "churn_days_then", "churn_days")
    gaps_then = read_gaps(engine, "churn_days_then")
    lesson = _earlier_lesson(engine, then, horizon)
    backtest = run_backtest(Known(then, gaps_then, lesson), horizon, settings.method)
    cycle = read_cycle(engine, as_of, "churn_days", settings.line_percent, rules)
    known = Known(now, cycle.gaps, Lesson(then, horizon))
    chance, note = _chances(known, backtest, horizon)
    cuts = _cuts(backtest, settings.cuts) if chance is not None else None
    ahead = look_ahead(known, backtest.best_model) if cuts else None
    _write_rows(engine, known, chance, cuts, ahead)
    sizes = tuple(
        (str(row["risk"]), int(row["customers"]), int(row["risk_fen"]))
        for row in engine.query(_SIZES_SQL).to_pylist()
    )
    return Churn(cycle, backtest, cuts, sizes, ahead, (note,) if note else ())


def _earlier_lesson(engine: Engine, then: Buyers, horizon: int) -> Lesson | None:
    """The stretch before the cut: as long as the horizon, or half of what there is where that is shorter."""
    if not then.size:
        return None
    days = min(horizon, (then.day - int(then.first.min())) // 2)
    if days < 1:
        return None
    return Lesson(read_buyers(engine, then.day - days, "churn_days_then", "churn_days_then"), days)


def _chances(known: Known, backtest: Backtest, horizon: int) -> tuple[Floats | None, str]:
    """P(buys within the horizon) of every customer now, to four places; None without a method, and why."""
    if backtest.chosen is None:
        return None, ""
    ranking = rank(backtest.chosen, known, horizon)
    if ranking.score is None:
        return None, tr(
            f"{backtest.chosen} 在回测里选中,但用到今天的数据上没有算出来:{ranking.message}",
            f"{backtest.chosen} was chosen, but failed on the data of now: {ranking.message}",
        )
    if backtest.chosen == "plain":
        # Taught on exactly the days held out, its percentages are of them: nothing is left to translate.
        return np.round(ranking.score, _PLACES), ""
    assert backtest.calibration is not None
    return np.round(backtest.calibration.apply(ranking.score), _PLACES), ""


def _cuts(backtest: Backtest, percents: tuple[int, ...]) -> tuple[float, float, float]:
    """The lowest probabilities of 低, 中, 高: as set, or what came of everybody, a half and a fifth of it."""
    if percents:
        low, middle, high = (percent / 100 for percent in percents)
        return low, middle, high
    base = min(backtest.base, _HIGHEST_CUT)
    low, middle, high = (round(share * base, _PLACES) for share in _SHARES)
    return low, middle, high


def _write_rows(
    engine: Engine,
    known: Known,
    chance: Floats | None,
    cuts: tuple[float, float, float] | None,
    ahead: Ahead | None,
) -> None:
    """`churn_rows` beside `rfm_scored` as `rfm_churned`; what is not known is missing."""
    import pyarrow as pa

    buyers = known.buyers
    nothing = np.ones(buyers.size, bool)

    def whole(values: Floats | None) -> pa.Array:
        if values is None:
            return pa.nulls(buyers.size, pa.int64())
        return pa.array(np.rint(values).astype(np.int64))

    rhythm = None
    if known.shop_gap is not None:
        rhythm = own_rhythm(buyers.x, buyers.t_x, known.shop_gap)
    late = None if rhythm is None else late_by(buyers.t_x, buyers.t, rhythm)
    risk = np.full(buyers.size, -1)
    if chance is not None and cuts is not None:
        nothing = np.zeros(buyers.size, bool)
        risk = np.sum([chance < cut for cut in cuts], axis=0)
    words = np.asarray([*RISKS, ""], object)[risk] if buyers.size else np.asarray([], object)
    columns: dict[str, Any] = {
        "churn_customer_id": pa.array(buyers.customer),
        "risk": pa.array(words, pa.string(), mask=nothing),
        "p_buy": pa.array(
            chance if chance is not None else np.zeros(buyers.size), pa.float64(), mask=nothing
        ),
        "rhythm_days": whole(rhythm),
        "late_days": whole(late),
    }
    for name in CHURN_COLUMNS:
        if name in columns:
            continue
        values = ahead.columns.get(name) if ahead else None
        if name.startswith("value") or name.endswith(("low", "high")):
            columns[name] = whole(values)
        else:
            columns[name] = pa.array(
                np.zeros(buyers.size) if values is None else np.round(values, _PLACES),
                pa.float64(),
                mask=np.full(buyers.size, values is None),
            )
    engine.register("churn_rows", pa.table(columns))
    listed = ", ".join(f"c.{name}" for name in CHURN_COLUMNS)
    engine.write(_JOIN_SQL.format(columns=listed), JOINED)
