"""The report as a workbook for people: A4 landscape, native charts, every number with its definition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.reports.churn import churn_definitions
from siyu_cli.reports.churn_sheet import put_churn
from siyu_cli.reports.fairness import fairness_definitions
from siyu_cli.reports.layout import (
    BLUE,
    CHART_ROWS,
    LEADS,
    ORANGE,
    PEOPLE,
    QUIET,
    TEAL,
    YUAN,
    Head,
    bar_chart,
    place_chart,
    put_cards,
    put_cell,
    put_note,
    put_table,
    set_up_page,
)
from siyu_cli.reports.lead_board import board_definitions
from siyu_cli.reports.lead_sheets import put_board, put_fairness
from siyu_cli.reports.metrics import LeadGroup, definitions, short_definitions
from siyu_cli.reports.segment_sheets import put_heat_map, put_migration, put_segments
from siyu_cli.reports.segments import segment_definitions
from siyu_cli.reports.service import Report
from siyu_cli.reports.stage_sheet import put_stages
from siyu_cli.reports.stages import stage_definitions


def write_report(path: Path, report: Report, created: datetime) -> None:
    """Write the whole report, all of it or none."""
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "siyu"
    book.properties.created = book.properties.modified = created
    book.properties.title = f"{report.shop} {report.period.words}"
    _overview(book.create_sheet(tr("总览", "Overview")), report)
    _leads(book.create_sheet(tr("线索", "Leads")), report)
    put_board(book.create_sheet(tr("线索看板", "Lead board")), report)
    put_fairness(book.create_sheet(tr("公平", "Fairness")), report)
    put_stages(book.create_sheet(tr("客户阶段", "Stages")), report)
    put_segments(book.create_sheet(tr("客户分层", "Segments")), report)
    put_migration(book.create_sheet(tr("分群迁移", "Moves")), report)
    put_heat_map(book.create_sheet(tr("RF热力图", "RF heat map")), report)
    put_churn(book.create_sheet(tr("流失", "Churn")), report)
    _staff(book.create_sheet(tr("员工", "Staff")), report)
    _about(book.create_sheet(tr("说明", "About")), report)
    with replacing(path) as temporary:
        book.save(temporary)


def _overview(sheet: Worksheet, report: Report) -> None:
    set_up_page(sheet, report, tr("经营总览", "Overview"))
    o = report.overview
    put_cards(
        sheet,
        4,
        [
            (_name("net"), o.net_fen, "yuan", _short("net")),
            (_name("orders"), o.orders, "count", _short("orders")),
            (_name("buyers"), o.buyers, "count", _short("buyers")),
            (_name("spend_per_buyer"), o.spend_per_buyer_fen, "yuan", _short("spend_per_buyer")),
            (_name("aov"), o.aov_fen, "yuan", _short("aov")),
            (_name("refunds"), o.refund_fen, "yuan", _short("refunds")),
        ],
    )
    put_cards(
        sheet,
        8,
        [
            (_name("new_buyers"), o.new_buyers, "count", _short("new_buyers")),
            (_name("returning_buyers"), o.returning_buyers, "count", _short("returning_buyers")),
            (
                tr("期内复购率·人", "Repurchase rate"),
                o.r1.value,
                "share",
                f"R1 = {o.r1.part:,} / {o.r1.whole:,}",
            ),
            (tr("老客占比", "Returning share"), o.r3.value, "share", f"R3 = {o.r3.part:,} / {o.r3.whole:,}"),
            (tr("累计复购率", "Lifetime rate"), o.r6.value, "share", f"R6 = {o.r6.part:,} / {o.r6.whole:,}"),
            (
                _name("anonymous"),
                o.anonymous_orders,
                "count",
                tr(
                    f"单 · 净额 {o.anonymous_fen / 100:,.2f} 元", f"orders · net {o.anonymous_fen / 100:,.2f}"
                ),
            ),
        ],
    )
    top = 12 + CHART_ROWS + 1
    months = report.months
    heads = (
        Head(tr("月份", "Month"), "text"),
        Head(tr("净额(元)", "Net (yuan)"), "yuan"),
        Head(tr("订单数", "Orders")),
        Head(tr("买家数", "Buyers")),
        Head(tr("新客", "New")),
        Head(tr("老客", "Returning")),
    )
    rows = [(m.label, m.net_fen, m.orders, m.buyers, m.new_buyers, m.buyers - m.new_buyers) for m in months]
    first = put_table(sheet, top, 1, tr("按月", "By month"), heads, rows)
    if rows:
        last = first + len(rows) - 1
        net = bar_chart(sheet, tr("每月净额", "Net by month"), YUAN, (first, last), 1, [2])
        place_chart(sheet, net, "A12", 6)
        people = bar_chart(
            sheet,
            tr("每月买家:新客与老客", "Buyers by month: new and returning"),
            PEOPLE,
            (first, last),
            1,
            [5, 6],
            colors=(TEAL, ORANGE),
            stacked=True,
            legend=True,
        )
        place_chart(sheet, people, "G12", 6)
    else:
        put_note(sheet, 12, tr("这段时间没有有效订单。", "No valid orders in this period."))
    platform_heads = (
        Head(tr("平台", "Platform"), "text", 2),
        Head(tr("净额(元)", "Net (yuan)"), "yuan"),
        Head(tr("订单数", "Orders")),
        Head(tr("买家数", "Buyers")),
    )
    platforms = [(p.label, p.net_fen, p.orders, p.buyers) for p in report.platforms]
    put_table(sheet, top, 8, tr("按平台", "By platform"), platform_heads, platforms)


def _leads(sheet: Worksheet, report: Report) -> None:
    set_up_page(sheet, report, tr("线索", "Leads"))
    leads = report.leads
    put_cards(
        sheet,
        4,
        [
            (
                tr("线索总数", "Leads"),
                leads.total,
                "count",
                tr("导入过的手机号,每个一条", "phones ever imported"),
            ),
            (tr("待分配", "In the pool"), leads.in_pool, "count", tr("等着分配", "waiting to be dealt")),
            (
                tr("已分出", "Dealt"),
                leads.held,
                "count",
                tr("在员工手里或已有结果", "held by staff or closed"),
            ),
            (tr("期内导入", "Imported"), leads.imported, "count", report.period.words),
        ],
    )
    if not leads.sources:
        put_note(sheet, 8, tr("还没有线索。", "No leads yet."))
    by_source = (tr("来源", "Source"), tr("按来源", "By source"), tr("各来源的线索", "Leads by source"))
    by_channel = (tr("渠道", "Channel"), tr("按渠道", "By channel"), tr("各渠道的线索", "Leads by channel"))
    _lead_groups(sheet, 1, by_source, leads.sources)
    _lead_groups(sheet, 7, by_channel, leads.channels)


def _lead_groups(
    sheet: Worksheet, left: int, titles: tuple[str, str, str], groups: Sequence[LeadGroup]
) -> None:
    """One half of the page: the thirty largest groups as a table, the ten largest as a chart above it."""
    name, table_title, chart_title = titles
    heads = (
        Head(name, "text", 2),
        Head(tr("线索", "Leads")),
        Head(tr("已分出", "Dealt")),
        Head(tr("待分配", "Pool")),
    )
    rows = [(g.label or tr("未注明", "not named"), g.leads, g.held, g.leads - g.held) for g in groups[:30]]
    first = put_table(sheet, 8 + CHART_ROWS + 1, left, table_title, heads, rows)
    if rows:
        shown = (first, first + min(len(rows), 10) - 1)
        held_and_pool = [left + 3, left + 4]
        chart = bar_chart(
            sheet,
            chart_title,
            LEADS,
            shown,
            left,
            held_and_pool,
            colors=(BLUE, ORANGE),
            stacked=True,
            legend=True,
        )
        place_chart(sheet, chart, f"{get_column_letter(left)}8", 6)


def _staff(sheet: Worksheet, report: Report) -> None:
    set_up_page(sheet, report, tr("员工", "Staff"))
    top = 4 + CHART_ROWS + 1
    heads = (
        Head(tr("员工", "Name"), "text", 2),
        Head(tr("账号", "Account"), "text", 2),
        Head(tr("状态", "State"), "text"),
        Head(tr("累计分到", "Given")),
        Head(tr("现在持有", "Holding")),
        Head(tr("归属客户", "Customers")),
        Head(tr("期内订单", "Orders"), "count", 2),
        Head(tr("期内净额(元)", "Net (yuan)"), "yuan", 2),
    )
    rows = [
        (
            s.name,
            s.staff_id,
            tr("在岗", "active") if s.is_active else tr("停用", "retired"),
            s.given,
            s.holding,
            s.customers,
            s.orders,
            s.net_fen,
        )
        for s in report.staff
    ]
    first = put_table(sheet, top, 1, tr("每个员工", "Each staff member"), heads, rows)
    if not rows:
        put_note(sheet, 4, tr("还没有员工。", "No staff yet."))
        return
    last = first + min(len(rows), 15) - 1
    title = tr("归属客户的期内净额", "Net of own customers in the period")
    place_chart(sheet, bar_chart(sheet, title, YUAN, (first, last), 1, [11], colors=(TEAL,)), "A4", 6)
    title = tr("线索:累计分到与现在持有", "Leads: given and holding")
    leads = bar_chart(sheet, title, LEADS, (first, last), 1, [6, 7], colors=(BLUE, ORANGE), legend=True)
    place_chart(sheet, leads, "G4", 6)


def _about(sheet: Worksheet, report: Report) -> None:
    set_up_page(sheet, report, tr("说明", "About"), columns=2)
    sheet.column_dimensions["A"].width = 40
    sheet.column_dimensions["B"].width = 104
    row = 4
    for title, text in [*report.about, (tr("定义", "Definitions"), "")]:
        put_cell(sheet, row, 1, title, bold=True)
        put_cell(sheet, row, 2, text, wrap=True)
        row += 1
    for key, (name, text) in _all_definitions().items():
        put_cell(sheet, row, 1, f"{name}  [{key}]" if f"({key})" not in name else name, color=QUIET)
        put_cell(sheet, row, 2, text, wrap=True)
        row += 1


def _all_definitions() -> dict[str, tuple[str, str]]:
    return {
        **definitions(),
        **segment_definitions(),
        **churn_definitions(),
        **board_definitions(),
        **fairness_definitions(),
        **stage_definitions(),
    }


def _short(key: str) -> str:
    return short_definitions()[key]


def _name(key: str) -> str:
    return definitions()[key][0]
