"""The report as a workbook for people: A4 landscape, native charts, every number with its definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun
from openpyxl.drawing.text import Font as DrawingFont
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import coordinate_to_tuple, get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.reports.metrics import definitions
from siyu_cli.reports.service import Report
from siyu_cli.sheets.write import clean_text

Kind = Literal["text", "count", "yuan", "share"]
FONT = "微软雅黑"
INK, QUIET, LINE, BAND, CARD = "1F2937", "6B7280", "D1D5DB", "F3F6FB", "EEF3FA"
BLUE, TEAL, ORANGE = "2F6DB5", "2A9D8F", "E9A23B"
FORMATS: dict[Kind, str] = {"text": "@", "count": "#,##0", "yuan": "#,##0.00;[Red]-#,##0.00", "share": "0.0%"}
YUAN, PEOPLE, LEADS = tr("元", "yuan"), tr("人", "people"), tr("条", "leads")
COLUMNS = 12
COLUMN_WIDTH = 12.5
CHART_ROWS = 15


@dataclass(frozen=True)
class Head:
    """A table column: its title, how values are shown and how many grid columns it takes."""

    title: str
    kind: Kind = "count"
    span: int = 1


def write_report(path: Path, report: Report, created: datetime) -> None:
    """Write the whole report, all of it or none."""
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "siyu"
    book.properties.created = book.properties.modified = created
    book.properties.title = f"{report.shop} {report.period.words}"
    _overview(book.create_sheet(tr("总览", "Overview")), report)
    _leads(book.create_sheet(tr("线索", "Leads")), report)
    _segments(book.create_sheet(tr("客户分层", "Segments")), report)
    _staff(book.create_sheet(tr("员工", "Staff")), report)
    _about(book.create_sheet(tr("说明", "About")), report)
    with replacing(path) as temporary:
        book.save(temporary)


def _overview(sheet: Worksheet, report: Report) -> None:
    _page(sheet, report, tr("经营总览", "Overview"))
    o = report.overview
    _cards(
        sheet,
        4,
        [
            (_name("net"), o.net_fen, "yuan", _defined("net")),
            (_name("orders"), o.orders, "count", _defined("orders")),
            (_name("buyers"), o.buyers, "count", _defined("buyers")),
            (_name("spend_per_buyer"), o.spend_per_buyer_fen, "yuan", _defined("spend_per_buyer")),
            (_name("aov"), o.aov_fen, "yuan", _defined("aov")),
            (_name("refunds"), o.refund_fen, "yuan", _defined("refunds")),
        ],
    )
    _cards(
        sheet,
        8,
        [
            (_name("new_buyers"), o.new_buyers, "count", _defined("new_buyers")),
            (_name("returning_buyers"), o.returning_buyers, "count", _defined("returning_buyers")),
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
                tr(f"净额 {o.anonymous_fen / 100:,.2f} 元", f"net {o.anonymous_fen / 100:,.2f}"),
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
    first = _table(sheet, top, 1, tr("按月", "By month"), heads, rows)
    if rows:
        last = first + len(rows) - 1
        net = _bar(sheet, tr("每月净额", "Net by month"), YUAN, (first, last), 1, [2])
        _place(sheet, net, "A12", 6)
        people = _bar(
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
        _place(sheet, people, "G12", 6)
    else:
        _note(sheet, 12, tr("这段时间没有有效订单。", "No valid orders in this period."))
    platform_heads = (
        Head(tr("平台", "Platform"), "text", 2),
        Head(tr("净额(元)", "Net (yuan)"), "yuan"),
        Head(tr("订单数", "Orders")),
        Head(tr("买家数", "Buyers")),
    )
    platforms = [(p.label, p.net_fen, p.orders, p.buyers) for p in report.platforms]
    _table(sheet, top, 8, tr("按平台", "By platform"), platform_heads, platforms)


def _leads(sheet: Worksheet, report: Report) -> None:
    _page(sheet, report, tr("线索", "Leads"))
    leads = report.leads
    _cards(
        sheet,
        4,
        [
            (
                tr("线索总数", "Leads"),
                leads.total,
                "count",
                tr("导入过的手机号,每个一条", "phones ever imported"),
            ),
            (tr("待分配", "In the pool"), leads.in_pool, "count", tr("现在没有人持有", "held by nobody now")),
            (tr("已分出", "Held"), leads.held, "count", tr("现在在员工手里", "held by staff now")),
            (tr("期内导入", "Imported"), leads.imported, "count", report.period.words),
        ],
    )
    top = 8 + CHART_ROWS + 1
    heads = (
        Head(tr("来源", "Source"), "text", 2),
        Head(tr("线索", "Leads")),
        Head(tr("已分出", "Held")),
        Head(tr("待分配", "Pool")),
    )
    rows = [
        (g.label or tr("未注明", "not named"), g.leads, g.held, g.leads - g.held) for g in leads.sources[:30]
    ]
    first = _table(sheet, top, 1, tr("按来源", "By source"), heads, rows)
    if rows:
        chart = _bar(
            sheet,
            tr("各来源的线索", "Leads by source"),
            LEADS,
            (first, first + min(len(rows), 10) - 1),
            1,
            [4, 5],
            colors=(BLUE, ORANGE),
            stacked=True,
            legend=True,
        )
        _place(sheet, chart, "A8", 6)
    else:
        _note(sheet, 8, tr("还没有线索。", "No leads yet."))
    heads = (
        Head(tr("渠道", "Channel"), "text", 2),
        Head(tr("线索", "Leads")),
        Head(tr("已分出", "Held")),
        Head(tr("待分配", "Pool")),
    )
    rows = [
        (g.label or tr("未注明", "not named"), g.leads, g.held, g.leads - g.held) for g in leads.channels[:30]
    ]
    first = _table(sheet, top, 7, tr("按渠道", "By channel"), heads, rows)
    if rows:
        chart = _bar(
            sheet,
            tr("各渠道的线索", "Leads by channel"),
            LEADS,
            (first, first + min(len(rows), 10) - 1),
            7,
            [10, 11],
            colors=(BLUE, ORANGE),
            stacked=True,
            legend=True,
        )
        _place(sheet, chart, "G8", 6)


def _segments(sheet: Worksheet, report: Report) -> None:
    _page(sheet, report, tr("客户分层", "Segments"))
    scores = report.scores
    if scores is None:
        _note(
            sheet,
            4,
            tr("还没有分层。先运行:siyu score-customers", "No segments yet. Run: siyu score-customers"),
        )
        return
    _note(
        sheet,
        3,
        tr(
            f"方案 {scores.scheme} · 打分截止 {scores.as_of} · {scores.lines}",
            f"scheme {scores.scheme} · scored as of {scores.as_of} · {scores.lines}",
        ),
    )
    top = 5 + CHART_ROWS + 1
    heads = (
        Head(tr("分群", "Segment"), "text", 2),
        Head(tr("人数", "Customers"), "count", 2),
        Head(tr("人数占比", "Share"), "share", 2),
        Head(tr("净额(元)", "Net (yuan)"), "yuan", 2),
        Head(tr("净额占比", "Share of net"), "share", 2),
        Head(tr("人均(元)", "Per customer"), "yuan", 2),
    )
    people = sum(row.customers for row in scores.rows)
    money = sum(row.net_fen for row in scores.rows)
    rows = [
        (
            row.name,
            row.customers,
            row.customers / people if people else None,
            row.net_fen,
            row.net_fen / money if money > 0 else None,
            row.per_customer_fen,
        )
        for row in scores.rows
    ]
    first = _table(sheet, top, 1, tr("各群人数与净额", "Customers and net by segment"), heads, rows)
    if people:
        last = first + len(rows) - 1
        sizes = _bar(sheet, tr("各群人数", "Customers by segment"), PEOPLE, (first, last), 1, [3])
        _place(sheet, sizes, "A5", 6)
        net = _bar(sheet, tr("各群净额", "Net by segment"), YUAN, (first, last), 1, [7], colors=(TEAL,))
        _place(sheet, net, "G5", 6)
    else:
        _note(sheet, 5, tr("这次打分没有客户。", "The run scored nobody."))


def _staff(sheet: Worksheet, report: Report) -> None:
    _page(sheet, report, tr("员工", "Staff"))
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
    first = _table(sheet, top, 1, tr("每个员工", "Each staff member"), heads, rows)
    if not rows:
        _note(sheet, 4, tr("还没有员工。", "No staff yet."))
        return
    last = first + min(len(rows), 15) - 1
    title = tr("归属客户的期内净额", "Net of own customers in the period")
    _place(sheet, _bar(sheet, title, YUAN, (first, last), 1, [11], colors=(TEAL,)), "A4", 6)
    title = tr("线索:累计分到与现在持有", "Leads: given and holding")
    leads = _bar(sheet, title, LEADS, (first, last), 1, [6, 7], colors=(BLUE, ORANGE), legend=True)
    _place(sheet, leads, "G4", 6)


def _about(sheet: Worksheet, report: Report) -> None:
    _page(sheet, report, tr("说明", "About"), columns=2)
    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = 118
    row = 4
    for title, text in [*report.about, (tr("定义", "Definitions"), "")]:
        _put(sheet, row, 1, title, bold=True)
        _put(sheet, row, 2, text, wrap=True)
        row += 1
    for key, (name, text) in definitions().items():
        _put(sheet, row, 1, f"{name}  [{key}]" if f"({key})" not in name else name, color=QUIET)
        _put(sheet, row, 2, text, wrap=True)
        row += 1


def _defined(key: str) -> str:
    return tr(f"定义 {key}", f"definition {key}")


def _name(key: str) -> str:
    return definitions()[key][0]


def _page(sheet: Worksheet, report: Report, title: str, columns: int = COLUMNS) -> None:
    """Page set-up and the two title lines."""
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = sheet.page_margins.bottom = 0.5
    footer = sheet.oddFooter
    if footer is not None:
        footer.right.text, footer.left.text = "&P / &N", clean_text(report.shop).replace("&", "&&")
    for column in range(1, columns + 1):
        sheet.column_dimensions[get_column_letter(column)].width = COLUMN_WIDTH
    _put(sheet, 1, 1, title, bold=True, size=20)
    sheet.row_dimensions[1].height = 32
    line = " · ".join(
        filter(
            None, (report.shop, report.period.words, tr(f"统计截止 {report.as_of}", f"as of {report.as_of}"))
        )
    )
    _put(sheet, 2, 1, line, color=QUIET)


def _cards(sheet: Worksheet, top: int, cards: Sequence[tuple[str, Any, Kind, str]]) -> None:
    """Boxes of two columns: name, big number, definition id or the counts behind it."""
    for place, (name, value, kind, note) in enumerate(cards):
        left = 1 + 2 * place
        for offset in range(3):
            row = top + offset
            sheet.merge_cells(start_row=row, end_row=row, start_column=left, end_column=left + 1)
            for column in (left, left + 1):
                cell = sheet.cell(row, column)
                cell.fill = PatternFill("solid", fgColor=CARD)
                # A white edge keeps neighbouring boxes apart.
                cell.border = Border(right=Side("thick", color="FFFFFF")) if column > left else Border()
        _put(sheet, top, left, name, color=QUIET, indent=1)
        _value(sheet, top + 1, left, value, kind, size=17, bold=True, indent=1)
        _put(sheet, top + 2, left, note, color=QUIET, size=8, indent=1)
        sheet.row_dimensions[top].height, sheet.row_dimensions[top + 1].height = 20, 27


def _table(
    sheet: Worksheet, top: int, left: int, title: str, heads: Sequence[Head], rows: Sequence[Sequence[Any]]
) -> int:
    """A titled table on the grid; the row where its data start."""
    _put(sheet, top, left, title, bold=True, size=12)
    sheet.row_dimensions[top].height = 24
    column = left
    for at, head in enumerate(heads):
        end = column + head.span - 1
        is_text = head.kind == "text"
        _put(sheet, top + 1, column, head.title, bold=True, color=QUIET, right=not is_text)
        _merge(sheet, top + 1, column, end)
        for offset, row in enumerate(rows):
            line = top + 2 + offset
            sheet.row_dimensions[line].height = 17
            if is_text:
                _put(sheet, line, column, row[at])
            else:
                _value(sheet, line, column, row[at], head.kind)
            _merge(sheet, line, column, end)
        for line in range(top + 1, top + 2 + len(rows)):
            for inner in range(column, end + 1):
                cell = sheet.cell(line, inner)
                is_head = line == top + 1
                cell.border = Border(bottom=Side("medium" if is_head else "hair", color=LINE))
                if not is_head and (line - top) % 2:
                    cell.fill = PatternFill("solid", fgColor=BAND)
        column = end + 1
    return top + 2


def _merge(sheet: Worksheet, row: int, start: int, end: int) -> None:
    if end > start:
        sheet.merge_cells(start_row=row, end_row=row, start_column=start, end_column=end)


def _note(sheet: Worksheet, row: int, text: str) -> None:
    _put(sheet, row, 1, text, color=QUIET)


def _put(
    sheet: Worksheet,
    row: int,
    column: int,
    text: str,
    *,
    bold: bool = False,
    size: int = 10,
    color: str = INK,
    wrap: bool = False,
    right: bool = False,
    indent: int = 0,
) -> None:
    """A text cell: never a formula, whatever it begins with."""
    cell = sheet.cell(row, column)
    cell.value = clean_text(text)
    cell.data_type = "s"
    cell.number_format = "@"
    cell.font = Font(name=FONT, size=size, bold=bold, color=color)
    cell.alignment = Alignment(
        "right" if right else "left", "top" if wrap else "center", wrap_text=wrap, indent=indent
    )


def _value(
    sheet: Worksheet,
    row: int,
    column: int,
    value: Any,
    kind: Kind,
    *,
    size: int = 10,
    bold: bool = False,
    indent: int = 0,
) -> None:
    """A number cell; a missing value is a dash."""
    if value is None:
        _put(sheet, row, column, "–", size=size, bold=bold, right=not indent, indent=indent)
        return
    cell = sheet.cell(row, column)
    cell.value = value / 100 if kind == "yuan" else float(value) if kind == "share" else value
    cell.number_format = FORMATS[kind]
    cell.font = Font(name=FONT, size=size, bold=bold, color=INK)
    cell.alignment = Alignment("left" if indent else "right", "center", indent=indent)


def _bar(
    sheet: Worksheet,
    title: str,
    unit: str,
    rows: tuple[int, int],
    labels: int,
    columns: Sequence[int],
    *,
    colors: Sequence[str] = (BLUE,),
    stacked: bool = False,
    legend: bool = False,
) -> BarChart:
    """Columns over the labels of a table; the head row names the series."""
    chart = BarChart()
    chart.type, chart.style, chart.gapWidth = "col", 10, 60
    chart.title = _chart_text(title, 12, bold=True, color=INK)
    first, last = rows
    for column, color in zip(columns, colors, strict=True):
        chart.add_data(
            Reference(sheet, min_col=column, min_row=first - 1, max_row=last), titles_from_data=True
        )
        chart.series[-1].graphicalProperties = GraphicalProperties(
            solidFill=color, ln=LineProperties(noFill=True)
        )
    chart.set_categories(Reference(sheet, min_col=labels, min_row=first, max_row=last))
    if stacked:
        chart.grouping, chart.overlap = "stacked", 100
    if legend:
        chart.legend.position, chart.legend.txPr = "b", _axis_text()
    else:
        chart.legend = None
    x, y = chart.x_axis, chart.y_axis
    # openpyxl writes axes as deleted unless told otherwise: Excel would then show none.
    x.delete = y.delete = False
    x.txPr, y.txPr = _axis_text(), _axis_text()
    x.tickLblPos = "low"
    y.title = _chart_text(unit, 9, bold=False, color=QUIET)
    y.number_format, y.numFmt.sourceLinked = "#,##0", False
    y.majorGridlines = ChartLines(spPr=GraphicalProperties(ln=LineProperties(solidFill="E5E7EB")))
    y.graphicalProperties = GraphicalProperties(ln=LineProperties(noFill=True))
    x.graphicalProperties = GraphicalProperties(ln=LineProperties(solidFill=LINE))
    values = [sheet.cell(row, column).value for column in columns for row in range(first, last + 1)]
    if all(isinstance(value, int | float) and value >= 0 for value in values):
        y.scaling.min = 0
    chart.graphical_properties = GraphicalProperties(ln=LineProperties(solidFill="E5E7EB"))
    return chart


def _place(sheet: Worksheet, chart: Any, anchor: str, columns: int) -> None:
    """Over exactly these cells, whatever the widths of a program's fonts: a chart never lies on a table."""
    from_row, left = coordinate_to_tuple(anchor)
    start = AnchorMarker(col=left - 1, row=from_row - 1)
    # A little short of the next column, so that two charts do not touch; the last one ends with the grid.
    last = left + columns - 1
    bottom = from_row - 1 + CHART_ROWS
    end = (
        AnchorMarker(col=last, row=bottom)
        if last == COLUMNS
        else AnchorMarker(col=last - 1, colOff=780_000, row=bottom)
    )
    chart.anchor = TwoCellAnchor(editAs="oneCell", _from=start, to=end)
    sheet.add_chart(chart)


def _chart_text(text: str, size: int, *, bold: bool, color: str) -> Title:
    """A title in the report's font; sizes are in points."""
    style = CharacterProperties(
        sz=size * 100,
        b=bold,
        solidFill=color,
        latin=DrawingFont(typeface=FONT),
        ea=DrawingFont(typeface=FONT),
    )
    run = RegularTextRun(rPr=style, t=clean_text(text))
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=style), r=[run])
    return Title(tx=Text(rich=RichText(p=[paragraph])), overlay=False)


def _axis_text() -> RichText:
    style = CharacterProperties(
        sz=900, solidFill=QUIET, latin=DrawingFont(typeface=FONT), ea=DrawingFont(typeface=FONT)
    )
    return RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=style), endParaRPr=style)])
