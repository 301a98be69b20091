"""The sheets 客户分层, 分群迁移 and RF热力图: how large the segments are, who moved, where people stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openpyxl.formatting.rule import ColorScaleRule, Rule
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from siyu_cli.customers.migration import Migration
from siyu_cli.language import tr
from siyu_cli.reports.layout import (
    CHART_ROWS,
    COLUMNS,
    PEOPLE,
    TEAL,
    YUAN,
    Head,
    Kind,
    bar_chart,
    place_chart,
    put_cards,
    put_note,
    put_table,
    set_up_page,
)
from siyu_cli.reports.segments import Scores
from siyu_cli.reports.service import Report

PALE, BLUE_HEAT, TEAL_HEAT, ORANGE_HEAT = "FFFFFF", "7FA9DB", "7CC9BF", "F3C27E"
_NOTHING = tr("还没有分层。先运行:siyu score-customers", "No segments yet. Run: siyu score-customers")
_LARGEST = 12


def put_segments(sheet: Worksheet, report: Report) -> None:
    """Sizes and money of every segment, what it means, and where the lines run."""
    set_up_page(sheet, report, tr("客户分层", "Segments"))
    scores = report.scores
    if scores is None:
        put_note(sheet, 4, _NOTHING)
        return
    put_note(sheet, 3, _run_words(scores))
    top = 5 + CHART_ROWS + 1
    heads = (
        Head(tr("分群", "Segment"), "text", 2),
        Head(tr("怎么定的", "Defined as"), "text", 3),
        Head(tr("人数", "Customers")),
        Head(tr("人数占比", "Share"), "share"),
        Head(tr("净额(元)", "Net (yuan)"), "yuan", 2),
        Head(tr("净额占比", "Share of net"), "share"),
        Head(tr("人均(元)", "Per customer"), "yuan", 2),
    )
    people = sum(row.customers for row in scores.rows)
    money = sum(row.net_fen for row in scores.rows)
    rows = [
        (
            row.name,
            row.meaning,
            row.customers,
            row.customers / people if people else None,
            row.net_fen,
            row.net_fen / money if money > 0 else None,
            row.per_customer_fen,
        )
        for row in scores.rows
    ]
    first = put_table(sheet, top, 1, tr("各群人数与净额", "Customers and net by segment"), heads, rows)
    last = first + len(rows) - 1
    line_heads = (
        Head(tr("字母", "Letter"), "text"),
        Head(tr("怎么算", "Measured as"), "text", 3),
        Head(tr("打分分界(下一档的下界)", "Score cuts (lower bound of the next class)"), "text", 5),
        Head(tr("好的一边", "Better side"), "text", 3),
    )
    put_table(sheet, last + 2, 1, tr("分界", "Lines"), line_heads, scores.lines)
    if people:
        sizes = bar_chart(sheet, tr("各群人数", "Customers by segment"), PEOPLE, (first, last), 1, [6])
        place_chart(sheet, sizes, "A5", 6)
        net = bar_chart(sheet, tr("各群净额", "Net by segment"), YUAN, (first, last), 1, [8], colors=(TEAL,))
        place_chart(sheet, net, "G5", 6)
    else:
        put_note(sheet, 5, tr("这次打分没有客户。", "The run scored nobody."))


def put_migration(sheet: Worksheet, report: Report) -> None:
    """The matrix of who moved where, and the largest moves in words."""
    set_up_page(sheet, report, tr("分群迁移", "Moves between segments"))
    scores = report.scores
    migration = scores.migration if scores else None
    if scores is None or migration is None:
        put_note(sheet, 4, _NOTHING if scores is None else tr(
            f"方案 {scores.scheme} 只打过一次分;下次打分之后这里会有对比。",
            f"The scheme {scores.scheme} was run once only; the next run is compared with it here.",
        ))  # fmt: skip
        return
    before = migration.as_dict()
    put_note(sheet, 3, tr(
        f"方案 {scores.scheme} · 从 {before['previous_as_of']} 到 {scores.as_of}"
        + (" · 方案在两次之间改过" if migration.is_scheme_changed else ""),
        f"scheme {scores.scheme} · from {before['previous_as_of']} to {scores.as_of}"
        + (" · the scheme was edited in between" if migration.is_scheme_changed else ""),
    ))  # fmt: skip
    both = before["stayed"] + before["moved"]
    put_cards(
        sheet,
        5,
        [
            (tr("留在原群", "Stayed"), before["stayed"], "count", _share_words(before["stayed"], both)),
            (tr("换了群", "Moved"), before["moved"], "count", _share_words(before["moved"], both)),
            (tr("新来的", "New"), before["new"], "count", tr("上次不在打分里", "not in the run before")),
            (
                tr("不在了", "Gone"),
                before["gone"],
                "count",
                tr("窗口里不再有有效订单", "no valid order in the window"),
            ),
            (tr("上次", "Before"), before["before"], "count", before["previous_as_of"]),
            (tr("这次", "Now"), before["after"], "count", scores.as_of),
        ],
    )
    bottom = _put_matrix(sheet, 9, migration)
    moves = sorted(
        (move for move in migration.moves if move.before != move.after), key=lambda move: -move.customers
    )
    heads = (
        Head(tr("从", "From"), "text", 3), Head(tr("到", "To"), "text", 3), Head(tr("人数", "Customers"), "count", 3),
        Head(tr("这些人这次的净额(元)", "Their net now (yuan)"), "yuan", 3),
    )  # fmt: skip
    rows = [
        (
            move.before or tr("新来的", "new"),
            move.after or tr("不在了", "gone"),
            move.customers,
            move.net_fen if move.after else None,
        )
        for move in moves[:_LARGEST]
    ]
    put_table(sheet, bottom + 2, 1, tr("最大的变动", "Largest moves"), heads, rows)


def _put_matrix(sheet: Worksheet, top: int, migration: Migration) -> int:
    """A row per segment before, a column per segment now; the last row written."""
    names = [name for _, name in migration.segments]
    outside = (tr("不在了", "Gone"), tr("上次", "Before"))
    heads = (
        Head(tr("上次 ↓ 这次 →", "Before ↓ now →"), "text", 2),
        *(Head(name) for name in (*names, *outside)),
    )
    ends = [*names, ""]
    rows: list[tuple[Any, ...]] = [
        (name, *(migration.count(name, end) or None for end in ends), migration.count(name, None))
        for name in names
    ]
    new = migration.count("", None)
    rows.append((tr("新来的", "New"), *(migration.count("", end) or None for end in names), None, new))
    rows.append((tr("这次", "Now"), *(migration.count(None, end) for end in ends), migration.after_total))
    first = put_table(sheet, top, 1, tr("谁去了哪里(人数)", "Who moved where (customers)"), heads, rows)
    # Columns 1 and 2 hold the names. Those who stayed would drown the others in any colour scale.
    moved = [
        f"{get_column_letter(3 + at)}{first + row}"
        for row in range(len(names) + 1)
        for at in range(len(ends))
        if row != at
    ]
    sheet.conditional_formatting.add(" ".join(moved), _heat(ORANGE_HEAT))
    return first + len(rows) - 1


def put_heat_map(sheet: Worksheet, report: Report) -> None:
    """Two grids in colours: how many customers stand where, and how much they spent."""
    set_up_page(sheet, report, tr("R × F 热力图", "R × F heat map"))
    scores = report.scores
    if scores is None:
        put_note(sheet, 4, _NOTHING)
        return
    heat = scores.heat
    put_note(sheet, 3, _run_words(scores))
    put_note(sheet, 4, tr(
        "行是最近一次购买(越上越近),列是买的次数(越右越多);"
        + ("分数按方案的分界。" if heat.is_scored else "方案不打分,用固定的天数和次数分档。")
        + "右上角是最好的客户,右下角是快要失去的老客。",
        "Rows: how recently they bought (top = lately); columns: how often. "
        + ("Scores by the scheme's cuts. " if heat.is_scored else "The scheme gives no scores: fixed classes. ")
        + "Top right are the best, bottom right the good ones about to be lost.",
    ))  # fmt: skip
    grids: list[tuple[str, Kind, tuple[tuple[int, ...], ...], str]] = [
        (tr("人数", "Customers"), "count", heat.customers, BLUE_HEAT),
        (tr("净额(元)", "Net (yuan)"), "yuan", heat.net_fen, TEAL_HEAT),
    ]
    top = 6
    span = max(1, (COLUMNS - 2) // len(heat.columns))
    for title, kind, values, color in grids:
        heads = (Head("R \\ F", "text", 2), *(Head(name, kind, span) for name in heat.columns))
        rows = [
            (name, *(value or None for value in row)) for name, row in zip(heat.rows, values, strict=True)
        ]
        first = put_table(sheet, top, 1, title, heads, rows)
        last, right = first + len(rows) - 1, 2 + span * len(heat.columns)
        _center(sheet, range(first - 1, last + 1), range(3, right + 1))
        sheet.conditional_formatting.add(f"C{first}:{get_column_letter(right)}{last}", _heat(color))
        top = last + 2


def _center(sheet: Worksheet, rows: Sequence[int], columns: Sequence[int]) -> None:
    for row in rows:
        sheet.row_dimensions[row].height = 24
        for column in columns:
            sheet.cell(row, column).alignment = Alignment("center", "center")


def _heat(color: str) -> Rule:
    rule: Rule = ColorScaleRule(  # type: ignore[no-untyped-call]
        start_type="num", start_value=0, start_color=PALE, end_type="max", end_color=color
    )
    return rule


def _share_words(part: int, whole: int) -> str:
    return tr(f"两次都在的 {whole:,} 人里", f"of {whole:,} in both runs") if whole and part >= 0 else "–"


def _run_words(scores: Scores) -> str:
    return tr(
        f"方案 {scores.scheme} · 打分截止 {scores.as_of}",
        f"scheme {scores.scheme} · scored as of {scores.as_of}",
    )
