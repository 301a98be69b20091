"""报表: export-report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table, word_value
from siyu_cli.context import AppContext
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.reports.metrics import Share
    from siyu_cli.reports.service import Report


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(
        app,
        "export-report",
        "report",
        tr(
            "导出经营报表(xlsx):总览、线索、客户分层、员工、说明,带图;每个数字都写明怎么算。\n\n"
            "例:\n\nsiyu export-report --month 2025-03\n\nsiyu export-report --from 2025-03-01 "
            "--to 2025-03-15 --out 半月.xlsx",
            "Export the report (xlsx): overview, leads, segments, staff, about, with charts; "
            "every number says how it is made."
            "\n\nExamples:\n\nsiyu export-report --month 2025-03\n\n"
            "siyu export-report --from 2025-03-01 --to 2025-03-15 --out half.xlsx",
        ),
        writes=True,
        dated=True,
    )
    def export_report(
        ctx: AppContext,
        month: Annotated[
            str | None,
            typer.Option("--month", metavar="2025-03", show_default=False, help=tr("哪个月", "Which month")),
        ] = None,
        start: Annotated[
            str | None,
            typer.Option("--from", metavar="DATE", show_default=False, help=tr("从哪天起(含)", "First day")),
        ] = None,
        end: Annotated[
            str | None,
            typer.Option("--to", metavar="DATE", show_default=False, help=tr("到哪天止(含)", "Last day")),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(
                "--out", metavar="FILE", show_default=False, help=tr("写到哪个文件", "File to write")
            ),
        ] = None,
    ) -> Outcome:
        from siyu_cli.reports.period import read_period
        from siyu_cli.reports.service import export_report as export

        if out is not None and out.suffix.lower() != ".xlsx":
            raise UsageRefused("unknown-suffix", tr("报表写成 .xlsx", "The report is an .xlsx"))
        workspace, as_of = ctx.workspace, ctx.as_of
        period = read_period(month, start, end, as_of)
        target = out.resolve() if out else workspace.outbox("报表", f"{period.stem}.xlsx")
        with ctx.run() as run:
            report = export(run, workspace, period, as_of, target)
        return _word_report(report, workspace.shown(target), run.run_id)


def _word_report(report: Report, shown: str, run_id: int) -> Outcome:
    o = report.overview
    metrics: dict[str, Any] = {
        "net": o.net_fen,
        "orders": o.orders,
        "buyers": o.buyers,
        "spend_per_buyer": o.spend_per_buyer_fen,
        "aov": o.aov_fen,
        "refunds": o.refund_fen,
        "new_buyers": o.new_buyers,
        "returning_buyers": o.returning_buyers,
        "R1": _share(o.r1),
        "R3": _share(o.r3),
        "R6": _share(o.r6),
        "anonymous": o.anonymous_orders,
    }
    from siyu_cli.clock import date_of
    from siyu_cli.reports.metrics import definitions, short_definitions

    first = report.period.first
    result = {
        "file": shown,
        "period": {
            "from": date_of(first).isoformat() if first is not None else None,
            "to": date_of(report.period.last).isoformat(),
        },
        "metrics": metrics,
        "leads": {"total": report.leads.total, "in_pool": report.leads.in_pool, "held": report.leads.held},
        "future_rows": report.future_rows,
    }
    fen = {"net", "spend_per_buyer", "aov", "refunds"}
    rows = [
        (definitions()[key][0], _word(value, is_fen=key in fen), short_definitions()[key], key)
        for key, value in metrics.items()
    ]
    columns = (
        Column("name", tr("指标", "Metric")),
        Column("value", tr("数值", "Value")),
        Column("definition", tr("怎么算", "How it is counted")),
        Column("id", tr("编号", "Id")),
    )
    after = [shown]
    if report.future_rows:
        after.insert(
            0,
            tr(
                f"提醒:{report.future_rows:,} 行付款时间晚于统计截止,没有算进来",
                f"Note: {report.future_rows:,} rows were paid after the cut-off and are not counted",
            ),
        )
    return Outcome(result, [Table(columns, rows)], before=[report.period.words], after=after, run_id=run_id)


def _share(share: Share) -> dict[str, int]:
    return {"part": share.part, "whole": share.whole}


def _word(value: Any, *, is_fen: bool) -> str:
    if isinstance(value, dict):
        tenths = round(value["part"] * 1000 / value["whole"]) if value["whole"] else 0
        return (
            f"{tenths // 10}.{tenths % 10}% ({value['part']:,}/{value['whole']:,})" if value["whole"] else "–"
        )
    return word_value(value, "fen" if is_fen else "count")
