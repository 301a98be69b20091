"""The use case behind score-customers: facts, scores, the run in the store, the change since the last one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.customers.facts import future_rows, has_divided_orders, order_facts
from siyu_cli.customers.migration import Migration, read_migration
from siyu_cli.customers.rfm import Scored, score_customers
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.scores import ScoreRun, has_churn, previous_score_run, save_scores

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.context import Run
    from siyu_cli.customers.churn import Churn
    from siyu_cli.customers.scheme import Scheme
    from siyu_cli.settings import ChurnSettings
    from siyu_cli.store.engine import Engine


@dataclass(frozen=True)
class Scoring:
    """One score run as the command reports it; `migration` is None where the scheme was never run before,
    `churn` where there is no backtest to go by, and `is_silent` says that the last one found no signal.
    `quiet_days` is how long ago anybody bought, None where nobody did.
    """

    as_of_day: int
    scored: Scored
    migration: Migration | None
    future_rows: int
    quiet_days: int | None
    churn: Churn | None = None
    is_silent: bool = False


def score_and_save(
    run: Run,
    scheme: Scheme,
    as_of: AsOf,
    churn: ChurnSettings,
    *,
    is_tested: bool = False,
    rules: Sequence[Path] = (),
) -> Scoring:
    """Score as of a moment and keep the result, inside the run's transaction.

    With `is_tested` the backtest is run; without, the choice of the last one is used where there was one.
    `rules` are folders where the starter rule may be.
    """
    engine = DuckDbEngine(run.con)
    facts = order_facts(as_of, is_divided=has_divided_orders(engine))
    scored = score_customers(engine, scheme, as_of, facts)
    previous = previous_score_run(engine, as_of, scheme.name)
    thresholds = json.dumps(scored.thresholds, ensure_ascii=False, sort_keys=True)
    assessed, is_silent = _assess(engine, as_of, churn, is_tested, rules)
    table = "rfm_scored" if assessed is None else "rfm_churned"
    text = assessed.text if assessed else None
    kept = ScoreRun(run.run_id, scheme.name, as_of.seconds, thresholds, scheme.text, text)
    if not run.is_dry:  # a million rows written to be thrown away
        save_scores(run.con, kept, table)
    run.counts = {"customers": scored.customers} | {
        segment.name: customers for segment, customers, _ in scored.segments if customers
    }
    return Scoring(
        as_of.day,
        scored,
        read_migration(engine, previous, kept, table) if previous else None,
        future_rows(engine, as_of),
        engine.rows("SELECT MIN(recency_days) FROM rfm_scored")[0][0],
        assessed,
        is_silent,
    )


def _assess(
    engine: Engine, as_of: AsOf, churn: ChurnSettings, is_tested: bool, rules: Sequence[Path]
) -> tuple[Churn | None, bool]:
    """What is said of leaving, and whether nothing is because the last backtest had no signal."""
    if not is_tested and not has_churn(engine, as_of):
        return None, False
    from siyu_cli.customers.churn import assess_churn, last_backtest, use_choice

    if is_tested:
        return assess_churn(engine, as_of, churn, rules), False
    told = last_backtest(engine, as_of)
    if told is None or "lines" not in told or churn.method not in ("auto", told["chosen"]):
        return None, told is not None and told["chosen"] is None
    return use_choice(engine, as_of, churn, told, rules), False
