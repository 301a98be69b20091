"""The sheet 流失: the gaps with the line through them, how true the percentages were, risks, whom to save and why."""

from __future__ import annotations

from typing import Any

from openpyxl.styles import Alignment
from openpyxl.worksheet.worksheet import Worksheet

from siyu_cli.customers.churn_methods import method_words
from siyu_cli.language import tr
from siyu_cli.reports.churn import ChurnReport
from siyu_cli.reports.layout import (
    BLUE,
    CHART_ROWS,
    ORANGE,
    PEOPLE,
    TEAL,
    Head,
    bar_chart,
    place_chart,
    put_cards,
    put_note,
    put_table,
    set_up_page,
)
from siyu_cli.reports.service import Report
from siyu_cli.sheets.write import display_width

_CHARTS_TOP = 9
_REASON_WIDTH = 76
"""Display cells of a reason that five columns of the grid hold."""


def put_churn(sheet: Worksheet, report: Report) -> None:
    """Everything of one backtest on one page; what could not be known is said instead."""
    set_up_page(sheet, report, tr("流失", "Churn"))
    churn = report.churn
    if churn is None:
        put_note(
            sheet,
            4,
            tr(
                "还没有验证过。先运行:siyu score-customers --backtest",
                "Not tested yet. Run: siyu score-customers --backtest",
            ),
        )
        return
    test, risk = churn.told["backtest"], churn.told["risk"]
    put_note(sheet, 3, _choice_words(churn))
    put_cards(sheet, 5, _cards(churn))
    top = _CHARTS_TOP + CHART_ROWS + 1
    bottom = _put_methods(sheet, top, test)
    if risk:
        _put_risks(sheet, top, churn)
        bottom = _put_people(sheet, bottom + 2, churn)
    _put_gaps(sheet, bottom + 2, churn)
    if test["calibration"]:
        _put_calibration(sheet, bottom + 2, test)
    if churn.told["cycle"]["categories"]:
        longest = max(len(churn.told["cycle"]["bars"]), len(test["calibration"]))
        _put_categories(sheet, bottom + 2 + 2 + longest + 1, churn)


def _choice_words(churn: ChurnReport) -> str:
    test = churn.told["backtest"]
    tested = test.get("as_of", churn.as_of[:10])
    head = tr(
        f"打分截止 {churn.as_of} · {tested} 留出最近 {test['horizon_days']} 天验证:{test['customers']:,} 位客户里 "
        f"{test['bought']:,} 位又买了 · ",
        f"as of {churn.as_of} · tested {tested}, last {test['horizon_days']} days held out: {test['bought']:,} of "
        f"{test['customers']:,} customers bought again · ",
    )
    if test["chosen"] is None:
        return head + tr(f"没有可用的信号:{test['reason']}", f"no usable signal: {test['reason']}")
    head += tr(f"风险用 {method_words(test['chosen'])}", f"risks by {method_words(test['chosen'])}")
    ahead = churn.told["ahead"]
    if ahead:
        head += tr(
            f" · 往后 365 天约 {ahead['expected_365']:,.0f} 次购买(模型 {method_words(ahead['model'])} 的估计,没有校正)",
            f" · about {ahead['expected_365']:,.0f} purchases in 365 days (as {method_words(ahead['model'])} says, "
            "not calibrated)",
        )
    return head


def _cards(churn: ChurnReport) -> list[tuple[str, Any, Any, str]]:
    cycle, test, risk = churn.told["cycle"], churn.told["backtest"], churn.told["risk"]
    chosen = next((one for one in test["methods"] if one["name"] == test["chosen"]), None)
    levels = {one["risk"]: one["customers"] for one in risk["levels"]} if risk else {}
    starter = cycle["starter_rule_days"]
    rule = (
        tr(f"规则 流失.yaml:{starter[0]}–{starter[1]} 天", f"rule 流失.yaml: {starter[0]}–{starter[1]} days")
        if starter
        else tr("这么久没买就算流失", "lost after so long")
    )
    return [
        (tr("流失线(天)", "Churn line (days)"), cycle["line_days"], "count", rule),
        (
            tr("复购间隔中位(天)", "Median gap (days)"),
            cycle["median_days"],
            "count",
            tr(f"{cycle['gaps']:,} 个间隔", f"{cycle['gaps']:,} gaps"),
        ),
        (
            tr("期内又买的", "Bought again"),
            test["base_rate"],
            "share",
            tr(f"{test['horizon_days']} 天", f"{test['horizon_days']} days"),
        ),
        (
            "AUC",
            None if chosen is None else chosen["auc"],
            "share",
            tr("50% 等于抛硬币", "50 % is a coin"),
        ),
        (
            tr("风险高", "High risk"),
            levels.get("高"),
            "count",
            tr("人 · 按再买的概率分", "people · by the chance to buy again"),
        ),
        (
            tr("已流失", "Lost"),
            levels.get("已流失"),
            "count",
            tr("人 · 按再买的概率分", "people · by the chance to buy again"),
        ),
    ]


def _put_methods(sheet: Worksheet, top: int, test: dict[str, Any]) -> int:
    """The right half: how each method ranked; the last row written."""
    heads = (
        Head(tr("方法(✓ 选用)", "Method (✓ chosen)"), "text", 3), Head("AUC", "share"),
        Head(tr("99.5% 下限", "lower 99.5 %"), "share", 2),
    )  # fmt: skip
    rows = [
        (
            method_words(one["name"]) + (" ✓" if one["name"] == test["chosen"] else ""),
            one["auc"],
            one["auc_lower"],
        )
        for one in test["methods"]
    ]
    first = put_table(sheet, top, 7, tr("各种方法排得好不好", "How well each method ranked"), heads, rows)
    return first + max(len(rows), 4) - 1


def _put_risks(sheet: Worksheet, top: int, churn: ChurnReport) -> None:
    risk = churn.told["risk"]
    low, middle, high = (f"{100 * cut:.1f}%" for cut in risk["cuts"])
    chances = (f"≥ {low}", f"{middle} – {low}", f"{high} – {middle}", f"< {high}")
    heads = (
        Head(tr("流失风险", "Churn risk"), "text"),
        Head(tr(f"{risk['horizon_days']} 天内再买的概率", f"P(buys in {risk['horizon_days']} days)"), "text", 2),
        Head(tr("人数", "Customers")), Head(tr("净额(元)", "Net (yuan)"), "yuan"),
    )  # fmt: skip
    rows = [
        (level["risk"], chance, level["customers"], level["net_fen"])
        for level, chance in zip(risk["levels"], chances, strict=True)
    ]
    put_table(sheet, top, 1, tr("风险:人数与净额", "Risks: customers and net"), heads, rows)


def _put_people(sheet: Worksheet, top: int, churn: ChurnReport) -> int:
    """Whom to save this week; the last row written."""
    heads = (
        Head(tr("客户编号", "Customer"), "text"), Head(tr("称呼", "Name"), "text", 2),
        Head(tr("手机号(打码)", "Phone (masked)"), "text"), Head(tr("负责人", "Owner"), "text"),
        Head(tr("风险", "Risk"), "text"), Head(tr("净额(元)", "Net (yuan)"), "yuan"), Head(tr("为什么", "Why"), "text", 5),
    )  # fmt: skip
    rows = [
        (str(one.customer_id), one.name, one.phone, one.owner, one.risk, one.net_fen, one.reason)
        for one in churn.to_save
    ]
    title = tr("本周先救谁", "Whom to save this week")
    first = put_table(sheet, top, 1, title, heads, rows)
    for row in range(first - 1, first + len(rows)):
        # Right beside a number the reason would stick to it; a long one takes a second line.
        reason = sheet.cell(row, 8)
        reason.alignment = Alignment("left", "center", indent=1, wrap_text=True)
        if display_width(str(reason.value)) > _REASON_WIDTH:
            sheet.row_dimensions[row].height = 30
    if not rows:
        put_note(sheet, first, tr("现在没有这样的客户。", "There is nobody like that now."))
    return first + max(len(rows), 1) - 1


def _put_gaps(sheet: Worksheet, top: int, churn: ChurnReport) -> None:
    cycle = churn.told["cycle"]
    bars = cycle["bars"]
    if not bars:
        put_note(
            sheet,
            _CHARTS_TOP,
            tr("还没有人买过第二次,看不出复购周期。", "Nobody has bought twice: no cycle yet."),
        )
        return
    heads = (
        Head(tr("间隔到(天)", "Gap up to (days)"), "text", 2),
        Head(tr(f"流失线 {cycle['line_days']} 天以内", f"within the line ({cycle['line_days']})"), "count", 2),
        Head(tr("流失线以后", "beyond the line"), "count"),
    )  # fmt: skip
    # Only the last day of a bar: two numbers would be broken into three lines under the chart.
    rows = [
        (tr("更久", "longer") if at == len(bars) - 1 else f"{high}", within, beyond)
        for at, (_, high, within, beyond) in enumerate(bars)
    ]
    first = put_table(sheet, top, 1, tr("复购间隔", "Repeat gaps"), heads, rows)
    chart = bar_chart(
        sheet, tr("隔多久回来:流失线在哪里", "Days between purchases, and the line"), tr("次", "gaps"),
        (first, first + len(rows) - 1), 1, [3, 5], colors=(BLUE, ORANGE), stacked=True, legend=True,
    )  # fmt: skip
    chart.gapWidth = 15
    place_chart(sheet, chart, f"A{_CHARTS_TOP}", 6)


def _put_calibration(sheet: Worksheet, top: int, test: dict[str, Any]) -> None:
    heads = (
        Head(tr("概率", "Chance"), "text", 2), Head(tr("说的", "Said"), "share"),
        Head(tr("真的又买了", "Came"), "share"), Head(tr("人数", "Customers"), "count", 2),
    )  # fmt: skip
    rows = [
        (f"{100 * band['expected']:.0f}%", band["expected"], band["came"], band["customers"])
        for band in test["calibration"]
    ]
    title = tr("说的概率准不准(回测)", "Were the percentages true (backtest)")
    first = put_table(sheet, top, 7, title, heads, rows)
    chart = bar_chart(
        sheet, tr("说的概率,和真的又买了的比例", "Chances said, and shares that came"), PEOPLE,
        (first, first + len(rows) - 1), 7, [9, 10], colors=(BLUE, TEAL), legend=True,
    )  # fmt: skip
    chart.y_axis.number_format, chart.y_axis.title = "0%", None
    place_chart(sheet, chart, f"G{_CHARTS_TOP}", 6)


def _put_categories(sheet: Worksheet, top: int, churn: ChurnReport) -> None:
    heads = (
        Head(tr("类目", "Category"), "text", 3), Head(tr("间隔数", "Gaps")), Head(tr("中位(天)", "Median")),
        Head(tr("80% 在几天内", "80 % within"), "count", 2), Head(tr("90% 在几天内", "90 % within"), "count", 2),
        Head(tr("流失线(天)", "Line"), "count"),
    )  # fmt: skip
    rows = [
        (one["name"], one["gaps"], one["median_days"], one["p80_days"], one["p90_days"], one["line_days"])
        for one in churn.told["cycle"]["categories"]
    ]
    put_table(sheet, top, 1, tr("各类目的复购间隔", "Repeat gaps by category"), heads, rows)
