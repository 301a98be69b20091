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
from siyu_cli.customers.churn_methods import PLAIN, Known, Lesson, rank
from siyu_cli.customers.cycle import Cycle, read_cycle
from siyu_cli.customers.histories import Buyers, read_buyers, read_gaps, write_days
from siyu_cli.forecast.ranking import Calibration
from siyu_cli.forecast.rhythm import late_by, own_rhythm
from siyu_cli.forecast.special import Floats
from siyu_cli.language import tr
from siyu_cli.store.scores import CHURN_COLUMNS, RISKS, score_runs

if TYPE_CHECKING:
    from siyu_cli.settings import ChurnSettings
    from siyu_cli.store.engine import Engine

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
class Choice:
    """What a backtest decided: the method, what its scores mean, the shop it was tested on, and who counts ahead."""

    method: str
    horizon: int
    base: float
    calibration: Calibration
    ahead_model: str | None

    @classmethod
    def of(cls, told: dict[str, Any]) -> Choice | None:
        """From a backtest as it is kept; None where it chose nothing, or was kept before its lines were."""
        if told["chosen"] is None or "lines" not in told:
            return None
        scores, chances = (tuple(column) for column in zip(*told["lines"], strict=True))
        return cls(
            told["chosen"],
            told["horizon_days"],
            told["bought"] / told["customers"],
            Calibration(scores, chances),
            told["ahead_model"],
        )


@dataclass(frozen=True)
class Churn:
    """What is known of leaving as of a moment; the customers' rows are in the engine's table `rfm_churned`.

    `told` is the backtest as it is kept; `backtest` is None where that was made on an earlier day and its choice
    only used. `cuts` are the lowest probabilities of 低, 中 and 高, None where no risk is shown. `sizes` are customers
    and net by risk.
    """

    cycle: Cycle
    told: dict[str, Any]
    backtest: Backtest | None
    cuts: tuple[float, float, float] | None
    sizes: tuple[tuple[str, int, int], ...]
    ahead: Ahead | None
    notes: tuple[str, ...] = ()

    @property
    def horizon(self) -> int:
        return int(self.told["horizon_days"])

    def as_dict(self) -> dict[str, Any]:
        """For `result.cycle`, `result.backtest`, `result.risk` and the store."""
        return {
            "cycle": self.cycle.as_dict(),
            "backtest": {key: value for key, value in self.told.items() if key != "lines"},
            "risk": self._risk_dict() if self.cuts else None,
            "ahead": self.ahead.as_dict() if self.ahead else None,
            "notes": list(self.notes),
        }

    @property
    def text(self) -> str:
        """The canonical form the store keeps: with the lines of the calibration, to be used again."""
        return json.dumps(self.as_dict() | {"backtest": self.told}, ensure_ascii=False, sort_keys=True)

    def _risk_dict(self) -> dict[str, Any]:
        assert self.cuts is not None
        found = {risk: (customers, fen) for risk, customers, fen in self.sizes}
        return {
            "horizon_days": self.horizon,
            "cuts": [round(cut, _PLACES) for cut in self.cuts],
            "levels": [
                {"risk": risk, "customers": found.get(risk, (0, 0))[0], "net_fen": found.get(risk, (0, 0))[1]}
                for risk in RISKS
            ],
        }


def assess_churn(engine: Engine, as_of: AsOf, settings: ChurnSettings, rules: Sequence[Path] = ()) -> Churn:
    """Everything about leaving as of a moment, tested first. Needs `rfm_scored`; leaves `rfm_churned`, its rows
    with risks.
    """
    horizon = settings.horizon_days
    now, then = _buyers(engine, as_of, horizon)
    gaps_then = read_gaps(engine, "churn_days_then")
    lesson = _earlier_lesson(engine, then, horizon)
    backtest = run_backtest(Known(then, gaps_then, lesson), horizon, settings.method)
    told = backtest.as_dict()
    if backtest.calibration is not None:
        told["lines"] = [
            list(line) for line in zip(backtest.calibration.scores, backtest.calibration.chances, strict=True)
        ]
    return _apply(engine, as_of, settings, rules, told, backtest, now, Lesson(then, horizon))


def use_choice(
    engine: Engine, as_of: AsOf, settings: ChurnSettings, told: dict[str, Any], rules: Sequence[Path] = ()
) -> Churn:
    """The same by what an earlier backtest chose (`told`): its method on the data of now, its chances, its cuts."""
    horizon = int(told["horizon_days"])
    if told["chosen"] == PLAIN:  # always taught on the last days
        now, then = _buyers(engine, as_of, horizon)
        return _apply(engine, as_of, settings, rules, told, None, now, Lesson(then, horizon))
    write_days(engine, as_of, "churn_days")
    now = read_buyers(engine, as_of.day, "churn_days", "churn_days")
    return _apply(engine, as_of, settings, rules, told, None, now, None)


def last_backtest(engine: Engine, as_of: AsOf) -> dict[str, Any] | None:
    """The newest backtest known at a moment, as it is kept; None where there was none."""
    run = next((run for run in score_runs(engine, as_of) if run.churn), None)
    return json.loads(run.churn)["backtest"] if run and run.churn else None


def _buyers(engine: Engine, as_of: AsOf, horizon: int) -> tuple[Buyers, Buyers]:
    """Now, and at the cut as it was known then; leaves `churn_days` and `churn_days_then`."""
    write_days(engine, as_of, "churn_days")
    cut_day = as_of.day - horizon
    write_days(engine, AsOf(cut_day * DAY_SECONDS + DAY_SECONDS - 1), "churn_days_then")
    now = read_buyers(engine, as_of.day, "churn_days", "churn_days")
    return now, read_buyers(engine, cut_day, "churn_days_then", "churn_days")


def _apply(
    engine: Engine,
    as_of: AsOf,
    settings: ChurnSettings,
    rules: Sequence[Path],
    told: dict[str, Any],
    backtest: Backtest | None,
    now: Buyers,
    lesson: Lesson | None,
) -> Churn:
    """Risks and what lies ahead of everybody now, by the choice of a backtest. Needs `churn_days`."""
    choice = Choice.of(told)
    cycle = read_cycle(engine, as_of, "churn_days", settings.line_percent, rules)
    known = Known(now, cycle.gaps, lesson)
    chance, note = _chances(known, choice)
    cuts = _cuts(choice, settings.cuts) if choice and chance is not None else None
    ahead = look_ahead(known, choice.ahead_model) if choice and cuts else None
    _write_rows(engine, known, chance, cuts, ahead)
    sizes = tuple((str(risk), int(customers), int(fen)) for risk, customers, fen in engine.rows(_SIZES_SQL))
    return Churn(cycle, told, backtest, cuts, sizes, ahead, (note,) if note else ())


def _earlier_lesson(engine: Engine, then: Buyers, horizon: int) -> Lesson | None:
    """The stretch before the cut: as long as the horizon, or half of what there is where that is shorter."""
    if not then.size:
        return None
    days = min(horizon, (then.day - int(then.first.min())) // 2)
    if days < 1:
        return None
    return Lesson(read_buyers(engine, then.day - days, "churn_days_then", "churn_days_then"), days)


def _chances(known: Known, choice: Choice | None) -> tuple[Floats | None, str]:
    """P(buys within the horizon) of every customer now, to four places; None without a method, and why."""
    if choice is None:
        return None, ""
    ranking = rank(choice.method, known, choice.horizon)
    if ranking.score is None:
        return None, tr(
            f"{choice.method} 在回测里选中,但用到今天的数据上没有算出来:{ranking.message}",
            f"{choice.method} was chosen, but failed on the data of now: {ranking.message}",
        )
    if choice.method == PLAIN:
        # Taught on exactly the days held out, its percentages are of them: nothing is left to translate.
        return np.round(ranking.score, _PLACES), ""
    return np.round(choice.calibration.apply(ranking.score), _PLACES), ""


def _cuts(choice: Choice, percents: tuple[int, ...]) -> tuple[float, float, float]:
    """The lowest probabilities of 低, 中, 高: as set, or what came of everybody, a half and a fifth of it."""
    if percents:
        low, middle, high = (percent / 100 for percent in percents)
        return low, middle, high
    base = min(choice.base, _HIGHEST_CUT)
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
