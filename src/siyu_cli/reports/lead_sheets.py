"""The sheet 线索看板: what became of the leads of a period, by staff, batch and channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

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
            (tr("分配", "Dealt"), total.dealt, "count", "lead_dealt"),
            (tr("待添加", "Waiting"), total.waiting, "count", ""),
            (tr("待通过", "Requested"), total.requested, "count", ""),
            (tr("已添加", "Added"), total.added, "count", ""),
            (
                tr("完成率", "Done"),
                total.done_share,
                "share",
                f"lead_done = {total.added:,} / {total.dealt:,}",
            ),
            (
                tr("通过率", "Passed"),
                total.passed_share,
                "share",
                f"lead_passed = {total.added:,} / {total.asked:,}",
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
