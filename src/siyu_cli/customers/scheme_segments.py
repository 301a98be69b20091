"""What a scheme file says of its segments: the eight, a list of ranges, or a grid over two scores.

A list is read from the top, the first match wins. A grid names every cell of two scores, so nothing can
overlap; its cells become the same areas a list has. Neither may leave a cell without a segment (unless
there is a rest class), nor hold a segment that can never match (unless the file says it may).
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import cast

from siyu_cli.customers.scheme import (
    AXES,
    EIGHT,
    LETTERS,
    Area,
    Axis,
    Letter,
    Levels,
    Measure,
    Range,
    Scheme,
    Segment,
    axis_levels,
    blocked_segments,
    first_gap,
    show_cell,
)
from siyu_cli.customers.scheme_measures import read_levels
from siyu_cli.customers.scheme_nodes import bad, choice_of, items_of, mapping_of, need, text_of, whole_of
from siyu_cli.language import tr
from siyu_cli.yamlfile import Items, Mapping, Mark, Node, Scalar

Measures = MappingOf[Letter, Measure]

_NEEDED: dict[Axis, tuple[Letter, ...]] = {
    "r": ("recency",), "f": ("frequency",), "m": ("monetary",), "fm": ("frequency", "monetary"),
}  # fmt: skip
_FIELDS: dict[Axis, str] = {"r": "recency", "f": "frequency", "m": "monetary", "fm": "both"}


@dataclass(frozen=True)
class Classes:
    """The segments of a scheme, each with the place it was written at."""

    levels: Levels | None
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...] = ()
    rest: Segment | None = None


def read_classes(top: Mapping, measures: Measures) -> Classes:
    """Levels, segments and the rest class of a scheme file."""
    node = need(top, "segments")
    if isinstance(node, Scalar):
        return _eight(node, top, measures)
    levels = top.get("levels")
    if levels is not None:
        raise bad(levels.mark, tr("levels 只用于 segments: eight", "levels goes with segments: eight only"))
    named = _grid(node, top, measures) if isinstance(node, Mapping) else _list(node, top, measures)
    segments = tuple(Segment(str(at), name, areas) for at, (name, areas, _) in enumerate(named, start=1))
    rest_node = top.get("else")
    rest = None
    if rest_node is not None:
        rest = Segment(str(len(segments) + 1), text_of(rest_node))
        if rest.name in {segment.name for segment in segments}:
            raise _twice(rest_node.mark, rest.name)
    return Classes(None, segments, tuple(mark for *_, mark in named), rest)


def check_cells(scheme: Scheme, classes: Classes, top: Mapping) -> None:
    """Refuse a gap, and a segment nobody can fall into; both with the cell."""
    node, flag = need(top, "segments"), top.get("allow_unreachable")
    gap = first_gap(scheme)
    if gap is not None:
        raise bad(
            node.mark,
            tr(f"{show_cell(gap)} 不属于任何分群", f"{show_cell(gap)} belongs to no segment"),
            tr("补一个分群,或写 else: 其他", "Add a segment, or write else: 其他"),
        )
    if flag is not None and not (isinstance(flag, Scalar) and isinstance(flag.value, bool)):
        raise bad(
            flag.mark, tr("allow_unreachable 只能是 true 或 false", "allow_unreachable must be true or false")
        )
    if isinstance(flag, Scalar) and flag.value is True:
        return
    for blocked in blocked_segments(scheme):
        name = scheme.segments[blocked.place].name
        if blocked.cell is None:
            why = tr("没有这样的分数", "there are no such scores")
        else:
            cell = show_cell(blocked.cell)
            why = tr(f"{cell} 已归前面的「{blocked.taker}」", f"{cell} went to “{blocked.taker}” before")
        raise bad(
            classes.marks[blocked.place],
            tr(f"没有人能落进「{name}」:{why}", f"Nobody can fall into “{name}”: {why}"),
            tr(
                "改范围或次序;照抄公开表时写 allow_unreachable: true",
                "Change range or order; for published tables write allow_unreachable: true",
            ),
        )


def _eight(node: Scalar, top: Mapping, measures: Measures) -> Classes:
    if node.text != "eight":
        raise bad(
            node.mark,
            tr(f"segments 不认识「{node.text}」", f"segments does not know “{node.text}”"),
            tr("写 eight,列出各个分群,或写 grid", "Write eight, list the segments, or write a grid"),
        )
    rest, levels_node = top.get("else"), top.get("levels")
    if rest is not None:
        raise bad(rest.mark, tr("八分群没有剩余的人,不用写 else", "The eight leave no rest: drop else"))
    if levels_node is None:
        raise bad(
            node.mark, tr("segments: eight 要有 levels(好与不好的分界)", "segments: eight needs levels")
        )
    levels = read_levels(levels_node)
    if levels.by == "score_mean":
        for letter in LETTERS:
            _need_score(top, measures, letter)
    return Classes(levels, EIGHT)


Named = list[tuple[str, tuple[Area, ...], Mark]]


def _list(node: Node, top: Mapping, measures: Measures) -> Named:
    message = tr(
        "segments 应是 eight、一列分群或一张 grid", "segments must be eight, a list of segments or a grid"
    )
    found: Named = []
    for item in items_of(node, message):
        pairs = mapping_of(item, ("name", *AXES), tr("分群", "a segment"))
        name = text_of(need(pairs, "name"))
        if name in {other for other, *_ in found}:
            raise _twice(item.mark, name)
        ranges: dict[str, Range] = {}
        for axis in AXES:
            value = pairs.get(axis)
            if value is not None:
                ranges[_FIELDS[axis]] = _range(value)
                for letter in _NEEDED[axis]:
                    _need_score(top, measures, letter)
        found.append((name, (Area(**ranges),), item.mark))
    return found


def _range(node: Node) -> Range:
    if not isinstance(node, Items) or len(node.items) != 2:
        raise bad(node.mark, tr("范围写成 [低, 高],两头都含", "Write a range as [low, high], both included"))
    low, high = (whole_of(item) for item in node.items)
    if low > high:
        raise bad(
            node.mark, tr(f"范围写反了:{low} 大于 {high}", f"The range is reversed: {low} is over {high}")
        )
    return low, high


def _grid(node: Mapping, top: Mapping, measures: Measures) -> Named:
    """The areas of each name, in the order the names first appear."""
    mapping_of(node, ("grid", "cells"), tr("一张 grid", "a grid"))
    down, across = _axes(need(node, "grid"), top, measures)
    levels, columns = axis_levels(measures, down), axis_levels(measures, across)
    cells = need(node, "cells")
    rows = mapping_of(cells, [str(level) for level in levels], "cells")
    for level in levels:
        if rows.get(str(level)) is None:
            raise bad(
                cells.mark,
                tr(f"少了 {down.upper()} {level} 这一行", f"The row of {down.upper()} {level} is missing"),
                tr("没有分群的格写 ~,并写 else", "Write ~ for a cell without segment, and else"),
            )
    areas: dict[str, list[Area]] = {}
    marks: dict[str, Mark] = {}
    for key, value in rows.pairs:
        names = _row(value, f"{down.upper()} {key.text}", across, columns)
        for at, (name, mark) in enumerate(names):
            if name is None:
                if top.get("else") is None:
                    cell = f"{down.upper()} {key.text} {across.upper()} {columns[at]}"
                    raise bad(
                        mark,
                        tr(f"{cell} 不属于任何分群", f"{cell} belongs to no segment"),
                        tr("写上分群的名字,或写 else: 其他", "Name a segment, or write else: 其他"),
                    )
                continue
            marks.setdefault(name, mark)
            low = columns[at]
            boxes = areas.setdefault(name, [])
            if at and names[at - 1][0] == name:
                # The cell beside it has the same name: one box over both.
                low = boxes.pop().ranges[across][0]
            boxes.append(Area(**{_FIELDS[down]: (int(key.text),) * 2, _FIELDS[across]: (low, columns[at])}))
    if not areas:
        raise bad(cells.mark, tr("这张 grid 里没有一个分群", "This grid holds no segment"))
    return [(name, tuple(found), marks[name]) for name, found in areas.items()]


def _axes(node: Node, top: Mapping, measures: Measures) -> tuple[Axis, Axis]:
    hint = tr(
        "例:grid: [r, f] 或 [r, fm](fm = F 和 M 的平均)",
        "E.g. grid: [r, f] or [r, fm] (fm = mean of F and M)",
    )
    message = tr("grid 写两个分数:行、列", "A grid is over two scores: rows, columns")
    nodes = items_of(node, message, hint)
    if len(nodes) != 2:
        raise bad(node.mark, message, hint)
    down, across = (cast(Axis, choice_of(item, AXES, "grid")) for item in nodes)
    if set(_NEEDED[down]) & set(_NEEDED[across]):
        raise bad(node.mark, tr("grid 的两个分数要各看各的", "The two scores of a grid must differ"), hint)
    for axis in (down, across):
        for letter in _NEEDED[axis]:
            _need_score(top, measures, letter)
    return down, across


def _row(node: Node, row: str, across: Axis, columns: tuple[int, ...]) -> list[tuple[str | None, Mark]]:
    wanted = f"{across.upper()} {' '.join(map(str, columns))}"
    items = items_of(node, tr(f"{row} 这一行写成一列名字", f"Write the row of {row} as a list of names"))
    if len(items) != len(columns):
        raise bad(
            node.mark,
            tr(
                f"{row} 这一行要 {len(columns)} 个名字({wanted}),写了 {len(items)} 个",
                f"The row of {row} needs {len(columns)} names ({wanted}), it has {len(items)}",
            ),
        )
    return [
        (None if isinstance(item, Scalar) and item.value is None else text_of(item), item.mark)
        for item in items
    ]


def _need_score(top: Mapping, measures: Measures, letter: Letter) -> None:
    if measures[letter].score is None:
        raise bad(
            need(top, letter).mark,
            tr(
                f"这个方案用到 {letter} 的分数,却没有写 score",
                f"The scheme uses the score of {letter}, but it has none",
            ),
        )


def _twice(mark: Mark, name: str) -> Exception:
    return bad(mark, tr(f"有两个分群叫「{name}」", f"Two segments are called “{name}”"))
