"""The sheets 线索看板 and 公平: what became of the leads of a period, and how fairly they were dealt out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

from siyu_cli.clock import format_seconds
from siyu_cli.language import tr
from siyu_cli.reports.layout import (
    BLUE,
    CHART_ROWS,
    LEADS,
    ORANGE,
    TEAL,
    Head,
    bar_chart,
    place_chart,
    put_cards,
    put_note,
    put_table,
    set_up_page,
)
from siyu_cli.reports.lead_board import LeadCount
from siyu_cli.reports.service import Report

_SHOWN, _CHARTED = 500, 15
_ENDED = ("D98880", "B9AFA7", "D9DDE3")
"""Colours of declined, invalid and back."""


def put_board(sheet: Worksheet, report: Report) -> None:
    """The board: totals, a chart of the people who were given most, the three tables one below the other."""
    set_up_page(sheet, report, tr("线索看板", "Lead board"))
    board = report.board
    total = _sum(board.staff)
    put_cards(
        sheet,
        4,
        [
            (
                tr("分配", "Dealt"),
                total.dealt,
                "count",
                tr("次 · 分给一个人算一次", "times · each person counts"),
            ),
            (tr("待添加", "Waiting"), total.waiting, "count", ""),
            (tr("待通过", "Requested"), total.requested, "count", ""),
            (tr("已添加", "Added"), total.added, "count", ""),
            (
                tr("完成率", "Done"),
                total.done_share,
                "share",
                tr("已添加 ÷ 分配", "added ÷ dealt") + f" = {total.added:,} / {total.dealt:,}",
            ),
            (
                tr("通过率", "Passed"),
                total.passed_share,
                "share",
                tr("已添加 ÷ 发过申请的", "added ÷ asked") + f" = {total.added:,} / {total.asked:,}",
            ),
        ],
    )
    top = 8 + CHART_ROWS + 1
    if not board.staff:
        put_note(sheet, 8, tr("这段时间没有分配线索。", "No leads were dealt out in this period."))
        top = 10
    heads = _heads(tr("员工", "Name"), tr("分配", "Dealt"), tr("收回", "Back"))
    rows = [_row(one) for one in board.staff]
    first = put_table(
        sheet, top, 1, tr("每个员工:期内分到的线索", "Each person: leads dealt in the period"), heads, rows
    )
    if rows:
        last = first + min(len(rows), _CHARTED) - 1
        title = tr("分到的线索现在怎样", "What became of the leads")
        ends = bar_chart(
            sheet, title, LEADS, (first, last), 1, [5, 4, 3, 6, 7, 8], colors=(TEAL, BLUE, ORANGE, *_ENDED),
            stacked=True, legend=True,
        )  # fmt: skip
        place_chart(sheet, ends, "A8", 6)
        done = bar_chart(sheet, tr("完成率", "Done"), "%", (first, last), 1, [9], colors=(TEAL,))
        done.y_axis.number_format = "0%"
        place_chart(sheet, done, "G8", 6)
    top = first + len(rows) + 2
    for counts, name, title in (
        (
            board.batches,
            tr("批次", "Batch"),
            tr("每个批次:期内导入的线索", "Each batch: leads imported in the period"),
        ),
        (
            board.channels,
            tr("渠道", "Channel"),
            tr("每个渠道:期内导入的线索", "Each channel: leads imported in the period"),
        ),
    ):
        shown = [(*_row(one), one.other) for one in counts[:_SHOWN]]
        heads = (
            *_heads(name, tr("导入", "Imported"), tr("待分配", "Pool")),
            Head(tr("客户或死线索", "Bought or dead")),
        )
        first = put_table(sheet, top, 1, title, heads, shown)
        top = first + len(shown) + 1
        if len(counts) > _SHOWN:
            put_note(sheet, top - 1, tr(f"只列最大的 {_SHOWN} 个", f"only the {_SHOWN} largest"))
        top += 1


def put_fairness(sheet: Worksheet, report: Report) -> None:
    """Everyone's owed, given and gap over all batches, and the spread after each of the latest ones."""
    set_up_page(sheet, report, tr("分得公平吗", "Fairness"))
    fairness = report.fairness
    if not fairness.staff:
        put_note(sheet, 4, tr("还没有分过线索。", "No leads were dealt out yet."))
        return
    put_note(
        sheet,
        3,
        tr(
            "历次合计,不只是期内;应得、差、最多与最少怎么算,见最后的「说明」",
            "over all batches, not only the period's; owed, gap and spread are defined in the last sheet",
        ),
    )
    heads = (
        Head(tr("员工", "Name"), "text"), Head(tr("权重", "Weight"), "days"),
        Head(tr("分到", "Given")), Head(tr("应得", "Owed"), "days"), Head(tr("差", "Gap"), "days"),
    )  # fmt: skip
    rows = [(one.name, one.weight, one.given, one.owed, one.gap) for one in fairness.staff[:_SHOWN]]
    top = 5 + CHART_ROWS + 1
    first = put_table(sheet, top, 1, tr("每个人", "Each person"), heads, rows)
    gaps = bar_chart(
        sheet, tr("差:历次分到 − 应得", "Gap: given − owed"), LEADS, (first, first + min(len(rows), _CHARTED) - 1),
        1, [5],
    )  # fmt: skip
    gaps.y_axis.number_format = "0.0"
    place_chart(sheet, gaps, "A5", 6)
    batch_heads = (
        Head(tr("截止", "As of"), "text", 2), Head(tr("人数", "People")), Head(tr("条数", "Leads")),
        Head(tr("最大的差", "Largest gap"), "days"), Head(tr("最多与最少", "Spread"), "days"),
    )  # fmt: skip
    batches = [
        (
            format_seconds(one.as_of_sec)[:16],
            one.people,
            one.given,
            max(abs(one.least), abs(one.most)),
            one.spread,
        )
        for one in fairness.batches
    ]
    first = put_table(sheet, top, 7, tr("最近的批次", "Latest batches"), batch_heads, batches)
    if batches:
        title = tr("每批之后:最多与最少相差几条", "After each batch: largest − smallest gap")
        trend = bar_chart(sheet, title, LEADS, (first, first + len(batches) - 1), 7, [12], colors=(TEAL,))
        trend.y_axis.number_format = "0.0"
        place_chart(sheet, trend, "G5", 6)


def _heads(name: str, whole: str, back: str) -> tuple[Head, ...]:
    return (
        Head(name, "text"),
        Head(whole),
        Head(tr("待添加", "Waiting")),
        Head(tr("待通过", "Requested")),
        Head(tr("已添加", "Added")),
        Head(tr("拒绝", "Declined")),
        Head(tr("空号", "Invalid")),
        Head(back),
        Head(tr("完成率", "Done"), "share"),
        Head(tr("通过率", "Passed"), "share"),
        Head(tr("平均用时(天)", "Mean days"), "days"),
    )


def _row(one: LeadCount) -> tuple[Any, ...]:
    return (
        one.label or tr("未注明", "not named"), one.dealt, one.waiting, one.requested, one.added, one.declined,
        one.invalid, one.back, one.done_share, one.passed_share, one.days,
    )  # fmt: skip


def _sum(counts: Sequence[LeadCount]) -> LeadCount:
    names = ("dealt", "waiting", "requested", "added", "declined", "invalid", "back", "other", "asked")
    return LeadCount(
        label="", days=None, **{name: sum(getattr(one, name) for one in counts) for name in names}
    )
