"""The pieces a report sheet is made of: page, cards, tables, notes, bar charts, on a grid of equal columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

from siyu_cli.language import tr
from siyu_cli.reports.service import Report
from siyu_cli.sheets.cells import clean_text

Kind = Literal["text", "count", "yuan", "share", "days"]
FONT = "微软雅黑"
INK, QUIET, LINE, BAND, CARD = "1F2937", "6B7280", "D1D5DB", "F3F6FB", "EEF3FA"
BLUE, TEAL, ORANGE = "2F6DB5", "2A9D8F", "E9A23B"
FORMATS: dict[Kind, str] = {
    "text": "@",
    "count": "#,##0",
    "yuan": "#,##0.00;[Red]-#,##0.00",
    "share": "0.0%",
    "days": "0.0",
}
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


def set_up_page(sheet: Worksheet, report: Report, title: str, columns: int = COLUMNS) -> None:
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
    put_cell(sheet, 1, 1, title, bold=True, size=20)
    sheet.row_dimensions[1].height = 32
    line = " · ".join(
        filter(
            None, (report.shop, report.period.words, tr(f"统计截止 {report.as_of}", f"as of {report.as_of}"))
        )
    )
    put_cell(sheet, 2, 1, line, color=QUIET)


def put_cards(sheet: Worksheet, top: int, cards: Sequence[tuple[str, Any, Kind, str]]) -> None:
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
        put_cell(sheet, top, left, name, color=QUIET, indent=1)
        _value(sheet, top + 1, left, value, kind, size=17, bold=True, indent=1)
        put_cell(sheet, top + 2, left, note, color=QUIET, size=8, indent=1)
        sheet.row_dimensions[top].height, sheet.row_dimensions[top + 1].height = 20, 27


def put_table(
    sheet: Worksheet, top: int, left: int, title: str, heads: Sequence[Head], rows: Sequence[Sequence[Any]]
) -> int:
    """A titled table on the grid; the row where its data start."""
    put_cell(sheet, top, left, title, bold=True, size=12)
    sheet.row_dimensions[top].height = 24
    column = left
    for at, head in enumerate(heads):
        end = column + head.span - 1
        is_text = head.kind == "text"
        put_cell(sheet, top + 1, column, head.title, bold=True, color=QUIET, right=not is_text)
        _merge(sheet, top + 1, column, end)
        for offset, row in enumerate(rows):
            line = top + 2 + offset
            sheet.row_dimensions[line].height = 17
            if is_text:
                put_cell(sheet, line, column, row[at])
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


def put_note(sheet: Worksheet, row: int, text: str) -> None:
    put_cell(sheet, row, 1, text, color=QUIET)


def put_cell(
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
        put_cell(sheet, row, column, "–", size=size, bold=bold, right=not indent, indent=indent)
        return
    cell = sheet.cell(row, column)
    cell.value = value / 100 if kind == "yuan" else float(value) if kind in ("share", "days") else value
    cell.number_format = FORMATS[kind]
    cell.font = Font(name=FONT, size=size, bold=bold, color=INK)
    cell.alignment = Alignment("left" if indent else "right", "center", indent=indent)


def bar_chart(
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


def place_chart(sheet: Worksheet, chart: Any, anchor: str, columns: int) -> None:
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
