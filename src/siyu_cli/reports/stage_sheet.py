"""The report's sheet of lifecycle stages: the funnel and the stays of every stage, the customers of every owner."""

from __future__ import annotations

from openpyxl.worksheet.worksheet import Worksheet

from siyu_cli.language import tr
from siyu_cli.reports.layout import (
    BLUE,
    CHART_ROWS,
    PEOPLE,
    QUIET,
    TEAL,
    Head,
    bar_chart,
    place_chart,
    put_cell,
    put_note,
    put_table,
    set_up_page,
)
from siyu_cli.reports.service import Report

_STAGES_SHOWN = 8
"""As many stages as fit beside a name on the grid; the first table has all of them."""
_STAFF_SHOWN = 60


def put_stages(sheet: Worksheet, report: Report) -> None:
    """How many stand in each stage, how far customers come, how long they stay, and the same by owner."""
    set_up_page(sheet, report, tr("客户阶段", "Lifecycle stages"))
    stages = report.stages
    if not stages.rows:
        put_note(sheet, 4, tr("还没有阶段:运行 siyu apply-tags", "No stages yet: run siyu apply-tags"))
        return
    put_note(
        sheet,
        3,
        tr(
            "各阶段的「现在」相加等于全部客户;移入、移出和停留是期内的;怎么算见最后的「说明」",
            "“now” adds up to all customers; moves and stays are the period's; defined in the last sheet",
        ),
    )
    top = 5 + CHART_ROWS + 1
    heads = (
        Head(tr("阶段", "Stage"), "text", 2), Head(tr("现在", "Now")), Head(tr("占比", "Share"), "share"),
        Head(tr("走到这一步", "Came this far")), Head(tr("又往后走", "Came further")),
        Head(tr("转化率", "Conversion"), "share"), Head(tr("期内移入", "In")), Head(tr("期内移出", "Out")),
        Head(tr("停留中位(天)", "Median stay"), "days"), Head(tr("停留平均(天)", "Mean stay"), "days"),
    )  # fmt: skip
    everybody = sum(one.now for one in stages.rows)
    rows = [
        (
            one.stage, one.now, one.now / everybody if everybody else None, one.reached,
            one.passed, one.conversion, one.moved_in, one.moved_out, one.median_days, one.mean_days,
        )
        for one in stages.rows
    ]  # fmt: skip
    first = put_table(sheet, top, 1, tr("每个阶段", "Each stage"), heads, rows)
    last = first + len(rows) - 1
    funnel = bar_chart(
        sheet, tr("现在站在哪里,走到过哪里", "Where customers stand, how far they came"), PEOPLE, (first, last), 1, [3, 5],
        colors=(BLUE, TEAL), legend=True,
    )  # fmt: skip
    place_chart(sheet, funnel, "A5", 6)
    if all(one.median_days is None for one in stages.rows):
        waiting = tr(
            "停留几天还画不出来:期内还没有人离开过一个阶段",
            "no stay to draw yet: nobody has left a stage in the period",
        )
        put_cell(sheet, 5, 7, waiting, color=QUIET)
    else:
        stay = bar_chart(
            sheet,
            tr("停留几天:中位", "Median stay"),
            tr("天", "days"),
            (first, last),
            1,
            [10],
            colors=(TEAL,),
        )
        stay.y_axis.number_format = "0"
        place_chart(sheet, stay, "G5", 6)
    _put_staff(sheet, last + 2, report)


def _put_staff(sheet: Worksheet, top: int, report: Report) -> None:
    """The owners with the most customers, each with where these stand."""
    stages = report.stages
    names = [one.stage for one in stages.rows[:_STAGES_SHOWN]]
    heads = (
        Head(tr("员工", "Name"), "text", 2),
        Head(tr("客户", "Customers")),
        *(Head(name) for name in names),
        Head(tr("转化率", "Conversion"), "share"),
    )
    rows = [
        (one.name, one.customers, *one.now[: len(names)], one.conversion)
        for one in stages.staff[:_STAFF_SHOWN]
    ]
    title = tr("每位员工的客户现在在哪里", "Where each owner's customers stand")
    first = put_table(sheet, top, 1, title, heads, rows)
    if len(stages.rows) > _STAGES_SHOWN or len(stages.staff) > _STAFF_SHOWN:
        said = tr(
            f"只列前 {_STAGES_SHOWN} 个阶段、客户最多的 {_STAFF_SHOWN} 位员工",
            f"only the first {_STAGES_SHOWN} stages and the {_STAFF_SHOWN} owners with the most customers",
        )
        put_note(sheet, first + len(rows), said)
