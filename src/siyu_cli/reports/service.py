"""The use case behind export-report: read the numbers as of a moment, put them into one workbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.clock import DAY_SECONDS, AsOf
from siyu_cli.customers.facts import build_facts, future_rows
from siyu_cli.customers.profile import build_profiles
from siyu_cli.language import tr
from siyu_cli.reports.churn import ChurnReport, read_churn
from siyu_cli.reports.fairness import Fairness, read_fairness
from siyu_cli.reports.lead_board import LeadBoard, read_board
from siyu_cli.reports.metrics import (
    Group,
    Leads,
    Overview,
    StaffRow,
    order_days,
    read_leads,
    read_months,
    read_overview,
    read_platforms,
    read_staff,
)
from siyu_cli.reports.period import Period, months_shown
from siyu_cli.reports.segments import Scores, read_scores
from siyu_cli.reports.stages import Stages, read_stages
from siyu_cli.store.engine import DuckDbEngine

if TYPE_CHECKING:
    from siyu_cli.context import Run
    from siyu_cli.store.engine import Engine
    from siyu_cli.workspace import Workspace

KIND = "report"


@dataclass(frozen=True)
class Report:
    """Everything the workbook says."""

    shop: str
    period: Period
    as_of: str
    overview: Overview
    platforms: tuple[Group, ...]
    months: tuple[Group, ...]
    leads: Leads
    board: LeadBoard
    fairness: Fairness
    stages: Stages
    staff: tuple[StaffRow, ...]
    scores: Scores | None
    churn: ChurnReport | None
    future_rows: int
    about: tuple[tuple[str, str], ...]


def export_report(run: Run, workspace: Workspace, period: Period, as_of: AsOf, out: Path) -> Report:
    """Read and write the report inside the run's transaction; a dry run writes no file."""
    report = read_report(DuckDbEngine(run.con), workspace.settings.shop, period, as_of, run.run_id)
    if not run.is_dry:
        from siyu_cli.reports.workbook import write_report

        write_report(out, report, datetime.fromtimestamp(as_of.seconds, UTC).replace(tzinfo=None))
    run.con.execute(
        "INSERT INTO exports (run_id, kind, path, rows, is_revealed, is_written) VALUES (?, ?, ?, ?, 0, 1)",
        [run.run_id, KIND, workspace.shown(out), report.overview.orders],
    )
    run.counts = {"orders": report.overview.orders, "net_fen": report.overview.net_fen}
    return report


def read_report(engine: Engine, shop: str, period: Period, as_of: AsOf, run_id: int) -> Report:
    """Every number of the report."""
    build_facts(engine, as_of)
    build_profiles(engine, as_of)
    first_sec = period.first_day * DAY_SECONDS
    last_sec = min(period.last * DAY_SECONDS + DAY_SECONDS - 1, as_of.seconds)
    late = future_rows(engine, as_of)
    return Report(
        shop=shop,
        period=period,
        as_of=str(as_of),
        overview=read_overview(engine, period),
        platforms=tuple(read_platforms(engine, period)),
        months=tuple(read_months(engine, months_shown(period, *order_days(engine, as_of)))),
        leads=read_leads(engine, period, first_sec, last_sec),
        board=read_board(engine, first_sec, last_sec, as_of.seconds),
        fairness=read_fairness(engine, as_of.seconds),
        stages=read_stages(engine, first_sec, last_sec, as_of.seconds),
        staff=tuple(read_staff(engine, period)),
        scores=read_scores(engine, as_of),
        churn=read_churn(engine, as_of),
        future_rows=late,
        about=_about(shop, period, as_of, run_id, late),
    )


def _about(shop: str, period: Period, as_of: AsOf, run_id: int, late: int) -> tuple[tuple[str, str], ...]:
    rows = [
        (tr("店铺", "Shop"), shop),
        (tr("期间", "Period"), period.words),
        (tr("统计截止", "As of"), str(as_of)),
        (tr("执行编号", "Run"), str(run_id)),
        (
            tr("范围", "Scope"),
            tr("工作区里全部平台和店铺的订单(全渠道)", "orders of every platform and shop in the workspace"),
        ),
        (
            tr("金额", "Money"),
            tr("单位元;内部按分计算,显示时四舍五入", "yuan; kept in fen, rounded half up for display"),
        ),
        (
            tr("线索与归属", "Leads and owners"),
            tr(
                "线索表是现在的状态;归属客户 = 现在持有该客户手机号那条线索的员工的客户;累计分到含后来收回的",
                "the pool is as it is now; a customer belongs to whoever holds the lead with "
                "their phone now; given counts later reclaimed ones",
            ),
        ),
    ]
    if late:
        rows.append(
            (
                tr("没有算进来", "Left out"),
                tr(f"{late:,} 行付款时间晚于统计截止", f"{late:,} rows paid after the cut-off"),
            )
        )
    return tuple(rows)
