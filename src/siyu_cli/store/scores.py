"""Score runs: which scheme was applied when, with which thresholds, and what every customer got."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.clock import AsOf

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.store.engine import Engine

SCORE_COLUMNS = (
    "customer_id",
    "recency_days",
    "frequency",
    "monetary_fen",
    "monetary_per",
    "net_fen",
    "r_score",
    "f_score",
    "m_score",
    "segment_code",
    "segment",
)
RISKS = ("低", "中", "高", "已流失")
"""The churn risks, from the least to the greatest."""
CHURN_COLUMNS = (
    "risk",
    "p_buy",
    "rhythm_days",
    "late_days",
    "expected_90",
    "expected_365",
    "expected_365_low",
    "expected_365_high",
    "value_90_fen",
    "value_365_fen",
    "value_365_low_fen",
    "value_365_high_fen",
)
"""What a backtest adds: the risk, P(buys within the horizon), own rhythm and lateness, and what lies ahead."""
_COLUMNS = ", ".join(SCORE_COLUMNS)
_ALL_COLUMNS = ", ".join((*SCORE_COLUMNS, *CHURN_COLUMNS))


@dataclass(frozen=True)
class ScoreRun:
    """One application of one scheme; `thresholds` is JSON, `scheme_text` the scheme's canonical form.

    `churn` is JSON too: the cycle, the backtest and the risks, None where they were not asked for.
    """

    run_id: int
    scheme: str
    as_of_sec: int
    thresholds: str
    scheme_text: str
    churn: str | None = None

    @property
    def segments(self) -> list[tuple[str, str]]:
        """Code and name of every segment of the scheme as it was then, in the order they are shown."""
        scheme = json.loads(self.scheme_text)
        known = [*scheme.get("segments", []), scheme.get("rest")]
        return [(segment["code"], segment["name"]) for segment in known if segment]


def score_runs(engine: Engine, as_of: AsOf) -> list[ScoreRun]:
    """The runs known at a moment, newest first: by the day they speak of, then by when they were made."""
    sql = "SELECT run_id, scheme, as_of_sec, thresholds, scheme_text, churn FROM score_runs WHERE as_of_sec <= ?"
    rows = engine.rows(sql, (as_of.seconds,))
    return sorted((ScoreRun(*row) for row in rows), key=lambda run: (run.as_of_sec, run.run_id), reverse=True)


def has_churn(engine: Engine, as_of: AsOf) -> bool:
    """Whether any run known at a moment says something of leaving."""
    return any(run.churn for run in score_runs(engine, as_of))


def newest_score_run(engine: Engine, as_of: AsOf) -> ScoreRun | None:
    """The run whose scores and segments are the customers' fields as of a moment."""
    return next(iter(score_runs(engine, as_of)), None)


def previous_score_run(engine: Engine, as_of: AsOf, scheme: str) -> ScoreRun | None:
    """The last run of a scheme that speaks of an earlier moment: what a new one is compared with."""
    return next(
        (run for run in score_runs(engine, as_of) if run.scheme == scheme and run.as_of_sec < as_of.seconds),
        None,
    )


def run_before(engine: Engine, run: ScoreRun) -> ScoreRun | None:
    """The last run of the same scheme that speaks of an earlier moment than `run`."""
    return previous_score_run(engine, AsOf(run.as_of_sec), run.scheme)


def score_run_of(engine: Engine, as_of: AsOf, scheme: str) -> ScoreRun | None:
    """The run of a scheme that speaks of exactly this moment."""
    return next(
        (run for run in score_runs(engine, as_of) if run.scheme == scheme and run.as_of_sec == as_of.seconds),
        None,
    )


def save_scores(con: DuckDBPyConnection, run: ScoreRun, scored: str) -> bool:
    """Keep the rows of table `scored` as the run of its scheme and moment; True when anything was written.

    Scoring the same data again leaves the stored run as it is, unless another scheme has been scored
    for the same moment since: then this run becomes the newest again. A run with churn is left as it is too
    when it is scored without: what was found of the risk still holds.
    """
    columns = _COLUMNS if run.churn is None else _ALL_COLUMNS
    twins = con.execute(
        "SELECT run_id, scheme, thresholds, scheme_text, churn FROM score_runs WHERE as_of_sec = ? ORDER "
        "BY run_id DESC",
        [run.as_of_sec],
    ).fetchall()
    same = [row for row in twins if row[1] == run.scheme]
    is_newest = bool(same) and same[0] == twins[0]
    if (
        is_newest
        and same[0][2:4] == (run.thresholds, run.scheme_text)
        and run.churn in (None, same[0][4])
        and _holds_equal_rows(con, same[0][0], scored, columns)
    ):
        return False
    for row in same:
        con.execute("DELETE FROM score_runs WHERE run_id = ?", [row[0]])
        con.execute("DELETE FROM scores WHERE run_id = ?", [row[0]])
    con.execute(
        "INSERT INTO score_runs (run_id, scheme, as_of_sec, thresholds, scheme_text, churn) VALUES (?, ?, ?, ?, ?, ?)",
        [run.run_id, run.scheme, run.as_of_sec, run.thresholds, run.scheme_text, run.churn],
    )
    con.execute(
        f"INSERT INTO scores (run_id, {columns}) SELECT ?, {columns} FROM {scored} ORDER BY customer_id",
        [run.run_id],
    )
    return True


def _holds_equal_rows(con: DuckDBPyConnection, run_id: int, scored: str, columns: str) -> bool:
    stored = f"SELECT {columns} FROM scores WHERE run_id = ?"
    counts = con.execute(
        f"SELECT (SELECT count(*) FROM ({stored})), (SELECT count(*) FROM {scored}),"
        f" (SELECT count(*) FROM (SELECT {columns} FROM {scored} EXCEPT {stored}))",
        [run_id, run_id],
    ).fetchall()[0]
    return bool(counts[0] == counts[1] and counts[2] == 0)
