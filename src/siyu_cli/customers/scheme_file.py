"""Scheme files: `segments/*.yaml` of the workspace, else the shipped ones, read strictly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import get_args

from siyu_cli.customers.scheme import (
    EIGHT,
    LETTERS,
    MEASURES,
    SHORT,
    By,
    Compare,
    CutScore,
    Letter,
    Levels,
    Measure,
    QuantileScore,
    Scheme,
    Segment,
    first_gap,
    show_cell,
    unreachable,
)
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean
from siyu_cli.yamlfile import Items, Mapping, Mark, Node, Scalar, parse_yaml, read_yaml

_TOP = ("name", "window", *LETTERS, "levels", "segments", "else", "allow_unreachable")
_MAX_CLASSES = 20


def scheme_names(folders: Sequence[Path]) -> list[str]:
    """The schemes that can be named, workspace and shipped ones together."""
    return sorted({file.stem for folder in folders for file in folder.glob("*.yaml")})


def find_scheme(wanted: str, folders: Sequence[Path]) -> Scheme:
    """The scheme called `wanted` in the first folder that has it, or the scheme in the file `wanted`."""
    for folder in folders:
        file = folder / f"{wanted}.yaml"
        if "/" not in wanted and file.is_file():
            return load_scheme(file, f"{folder.name}/{file.name}")
    path = Path(wanted)
    if path.suffix in (".yaml", ".yml"):
        return load_scheme(path)
    names = scheme_names(folders)
    near = did_you_mean(wanted, names)
    raise InputRefused(
        "unknown-scheme",
        tr(f"没有叫「{wanted}」的分层方案", f"There is no scheme “{wanted}”"),
        hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}")
        if near
        else tr(
            f"现有方案:{'、'.join(names)};或给出 .yaml 文件",
            f"Known: {', '.join(names)}; or give a .yaml file",
        ),
    )


def load_scheme(path: Path, shown_as: str | None = None) -> Scheme:
    """The scheme in a file; InputRefused names line and column of the first mistake."""
    return _scheme(read_yaml(path, shown_as), shown_as or str(path))


def parse_scheme(text: str, name: str = "scheme.yaml") -> Scheme:
    """The scheme in a text."""
    return _scheme(parse_yaml(text.encode(), name), name)


def _bad(mark: Mark, message: str, hint: str = "") -> InputRefused:
    return InputRefused("bad-scheme", message, hint=hint, where=mark.where())


def _scheme(node: Node | None, file: str) -> Scheme:
    if node is None:
        raise _bad(Mark(file, 1, 1), tr("方案文件是空的", "The scheme file is empty"))
    top = _mapping(node, _TOP, tr("方案", "a scheme"))
    measures = {letter: _measure(letter, _need(top, letter)) for letter in LETTERS}
    levels, segments, rest = _classes(top)
    scheme = Scheme(
        name=_text(_need(top, "name")),
        window_days=_window(top.get("window")),
        **measures,
        levels=levels,
        segments=segments,
        rest=rest,
    )
    _check_levels(scheme, top)
    if levels is None:
        _check_grid(scheme, top)
    return scheme


def _classes(top: Mapping) -> tuple[Levels | None, tuple[Segment, ...], Segment | None]:
    node = _need(top, "segments")
    rest_node, levels_node = top.get("else"), top.get("levels")
    if isinstance(node, Scalar):
        if node.text != "eight":
            raise _bad(
                node.mark,
                tr(f"segments 不认识「{node.text}」", f"segments does not know “{node.text}”"),
                tr("写 eight,或列出各个分群", "Write eight, or list the segments"),
            )
        if rest_node is not None:
            raise _bad(
                rest_node.mark, tr("八分群没有剩余的人,不用写 else", "The eight leave no rest: drop else")
            )
        if levels_node is None:
            raise _bad(
                node.mark, tr("segments: eight 要有 levels(好与不好的分界)", "segments: eight needs levels")
            )
        return _levels(levels_node), EIGHT, None
    if levels_node is not None:
        raise _bad(
            levels_node.mark, tr("levels 只用于 segments: eight", "levels goes with segments: eight only")
        )
    if not isinstance(node, Items) or not node.items:
        raise _bad(node.mark, tr("segments 应是 eight 或一列分群", "segments must be eight or a list"))
    segments = tuple(_segment(place, item) for place, item in enumerate(node.items, start=1))
    rest = Segment(str(len(segments) + 1), _text(rest_node)) if rest_node is not None else None
    _check_names(node, segments, rest, rest_node)
    return None, segments, rest


def _segment(place: int, node: Node) -> Segment:
    item = _mapping(node, ("name", *SHORT.values()), tr("分群", "a segment"))
    ranges = {letter: _range(value) for letter in LETTERS if (value := item.get(SHORT[letter])) is not None}
    return Segment(str(place), _text(_need(item, "name")), **ranges)


def _range(node: Node) -> tuple[int, int]:
    if not isinstance(node, Items) or len(node.items) != 2:
        raise _bad(node.mark, tr("范围写成 [低, 高],两头都含", "Write a range as [low, high], both included"))
    low, high = (_whole(item) for item in node.items)
    if low > high:
        raise _bad(
            node.mark, tr(f"范围写反了:{low} 大于 {high}", f"The range is reversed: {low} is over {high}")
        )
    return low, high


def _check_names(
    node: Items, segments: tuple[Segment, ...], rest: Segment | None, rest_node: Node | None
) -> None:
    seen: set[str] = set()
    marks = [item.mark for item in node.items] + ([rest_node.mark] if rest_node else [])
    for mark, segment in zip(marks, [*segments, *([rest] if rest else [])], strict=True):
        if segment.name in seen:
            raise _bad(
                mark, tr(f"有两个分群叫「{segment.name}」", f"Two segments are called “{segment.name}”")
            )
        seen.add(segment.name)


def _check_levels(scheme: Scheme, top: Mapping) -> None:
    """score_mean needs every score; a range over a letter without score can never be read."""
    for letter, measure in scheme.measures.items():
        is_used = scheme.levels is not None and scheme.levels.by == "score_mean"
        is_used = is_used or any(
            segment.ranges[LETTERS.index(letter)] for segment in scheme.segments if not scheme.levels
        )
        if is_used and measure.score is None:
            raise _bad(
                _need(top, letter).mark,
                tr(
                    f"这个方案用到 {letter} 的分数,却没有写 score",
                    f"The scheme uses the score of {letter}, but it has none",
                ),
            )


def _check_grid(scheme: Scheme, top: Mapping) -> None:
    node = _need(top, "segments")
    assert isinstance(node, Items)
    gap = first_gap(scheme)
    if gap is not None:
        raise _bad(
            node.mark,
            tr(f"{show_cell(gap)} 不属于任何分群", f"{show_cell(gap)} belongs to no segment"),
            tr("补一个分群,或写 else: 其他", "Add a segment, or write else: 其他"),
        )
    flag = top.get("allow_unreachable")
    if flag is not None and not (isinstance(flag, Scalar) and isinstance(flag.value, bool)):
        raise _bad(
            flag.mark, tr("allow_unreachable 只能是 true 或 false", "allow_unreachable must be true or false")
        )
    if isinstance(flag, Scalar) and flag.value is True:
        return
    for place in unreachable(scheme):
        name = scheme.segments[place].name
        raise _bad(
            node.items[place].mark,
            tr(
                f"没有人能落进「{name}」:分数够不到,或都被前面的分群取走了",
                f"Nobody can fall into “{name}”: out of reach, or taken by earlier segments",
            ),
            tr(
                "改范围或次序;照抄公开表时写 allow_unreachable: true",
                "Change range or order; for published tables write allow_unreachable: true",
            ),
        )


def _window(node: Node | None) -> int | None:
    if node is None:
        return None
    text = unicodedata.normalize("NFKC", _text(node)).replace(" ", "")
    match = re.fullmatch(r"近([1-9][0-9]{0,4})天", text)
    if text == "全部":
        return None
    if match is None:
        raise _bad(
            node.mark,
            tr(f"window 看不懂「{text}」", f"window cannot be read: “{text}”"),
            tr("写 全部 或 近365天", "Write 全部 or 近365天"),
        )
    return int(match[1])


def _measure(letter: Letter, node: Node) -> Measure:
    item = _mapping(node, ("of", "score"), letter)
    of_node = _need(item, "of")
    of = _choice(of_node, MEASURES[letter], f"{letter}.of")
    score = item.get("score")
    return Measure(of, _score(letter, score) if score is not None else None)


def _score(letter: Letter, node: Node) -> CutScore | QuantileScore:
    item = _mapping(node, ("cuts", "scores", "quantiles"), "score")
    quantiles, cuts, scores = item.get("quantiles"), item.get("cuts"), item.get("scores")
    if quantiles is not None:
        if cuts is not None or scores is not None:
            raise _bad(node.mark, tr("quantiles 和 cuts 只能写一种", "Write quantiles or cuts, not both"))
        classes = _whole(quantiles)
        if not 2 <= classes <= _MAX_CLASSES:
            raise _bad(
                quantiles.mark,
                tr(f"quantiles 应在 2 到 {_MAX_CLASSES} 之间", f"quantiles must be 2 to {_MAX_CLASSES}"),
            )
        return QuantileScore(classes)
    if not isinstance(cuts, Items) or not isinstance(scores, Items) or not cuts.items:
        raise _bad(
            node.mark,
            tr(
                "score 要有 cuts 和 scores(两个列表),或 quantiles: 5",
                "score needs the lists cuts and scores, or quantiles: 5",
            ),
        )
    found = CutScore(
        tuple(_amount(letter, cut) for cut in cuts.items), tuple(_whole(score) for score in scores.items)
    )
    _check_cuts(letter, found, cuts, scores)
    return found


def _check_cuts(letter: Letter, score: CutScore, cuts: Items, scores: Items) -> None:
    for place in range(1, len(score.cuts)):
        if score.cuts[place] <= score.cuts[place - 1]:
            raise _bad(cuts.items[place].mark, tr("cuts 要从小到大,不能相等", "cuts must rise, none equal"))
    if len(score.scores) != len(score.cuts) + 1:
        raise _bad(
            scores.mark,
            tr(
                f"{len(score.cuts)} 个 cuts 分出 {len(score.cuts) + 1} 档,scores 却有 {len(score.scores)} 个",
                f"{len(score.cuts)} cuts make {len(score.cuts) + 1} classes, "
                f"but there are {len(score.scores)} scores",
            ),
        )
    falling = letter == "recency"
    for place in range(1, len(score.scores)):
        step = score.scores[place] - score.scores[place - 1]
        if (step >= 0) if falling else (step <= 0):
            words = (
                tr("越久没买分越低:scores 要从大到小", "Longer ago scores lower: scores must fall")
                if falling
                else tr("越多分越高:scores 要从小到大", "More scores higher: scores must rise")
            )
            raise _bad(scores.items[place].mark, words)


def _levels(node: Node) -> Levels:
    item = _mapping(node, ("by", "compare", "values"), "levels")
    by = _choice(_need(item, "by"), get_args(By), "levels.by")
    compare_node = item.get("compare")
    compare = _choice(compare_node, get_args(Compare), "levels.compare") if compare_node is not None else ">"
    values_node = item.get("values")
    if by != "fixed":
        if values_node is not None:
            raise _bad(values_node.mark, tr("values 只用于 by: fixed", "values goes with by: fixed only"))
        return Levels(by, compare)  # type: ignore[arg-type]
    if values_node is None:
        raise _bad(
            node.mark,
            tr(
                "by: fixed 要写 values: {recency: 天, frequency: 次, monetary: 元}",
                "by: fixed needs values: {recency: days, frequency: times, monetary: yuan}",
            ),
        )
    values = _mapping(values_node, LETTERS, "values")
    r, f, m = (_amount(letter, _need(values, letter)) for letter in LETTERS)
    return Levels("fixed", compare, (r, f, m))  # type: ignore[arg-type]


def _mapping(node: Node, known: Sequence[str], what: str) -> Mapping:
    if not isinstance(node, Mapping):
        raise _bad(node.mark, tr(f"{what}应是「键: 值」", f"{what} must be “key: value”"))
    for key, _ in node.pairs:
        if key.text not in known:
            near = did_you_mean(key.text, list(known))
            raise _bad(
                key.mark,
                tr(f"这里没有「{key.text}」这个键", f"There is no key “{key.text}” here"),
                tr(f"你是不是想写:{near}", f"Did you mean: {near}")
                if near
                else tr(f"可以写:{'、'.join(known)}", f"Known: {', '.join(known)}"),
            )
    return node


def _need(mapping: Mapping, key: str) -> Node:
    value = mapping.get(key)
    if value is None:
        raise _bad(mapping.mark, tr(f"少了「{key}」", f"“{key}” is missing"))
    return value


def _text(node: Node) -> str:
    if not isinstance(node, Scalar) or not node.text.strip():
        raise _bad(node.mark, tr("这里应是一段文字", "Text is wanted here"))
    return node.text.strip()


def _choice(node: Node, known: Sequence[str], what: str) -> str:
    text = _text(node)
    if text not in known:
        near = did_you_mean(text, list(known))
        raise _bad(
            node.mark,
            tr(f"{what} 不认识「{text}」", f"{what} does not know “{text}”"),
            tr(f"你是不是想写:{near}", f"Did you mean: {near}")
            if near
            else tr(f"可以写:{'、'.join(known)}", f"Known: {', '.join(known)}"),
        )
    return text


def _whole(node: Node) -> int:
    if not isinstance(node, Scalar) or type(node.value) is not int:
        raise _bad(node.mark, tr("这里应是整数", "A whole number is wanted here"))
    return node.value


def _amount(letter: Letter, node: Node) -> int:
    """A bound in the unit things are kept in: days, times, fen."""
    if letter != "monetary":
        number = _whole(node)
    else:
        try:
            fen = Decimal(node.text) * 100 if isinstance(node, Scalar) and not node.is_quoted else None
        except InvalidOperation:
            fen = None
        if fen is None or not fen.is_finite() or fen != fen.to_integral_value() or abs(fen) > 10**15:
            raise _bad(
                node.mark,
                tr("这里应是金额(元,最多两位小数)", "An amount in yuan with at most two decimals is wanted"),
            )
        number = int(fen)
    if number < 0:
        raise _bad(node.mark, tr("这里不能是负数", "A negative number is not possible here"))
    return number
