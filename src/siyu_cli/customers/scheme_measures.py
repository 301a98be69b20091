"""What a scheme file says of its values: R, F and M, their scores, and the line between the two sides."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import get_args

from siyu_cli.customers.scheme import (
    LETTERS,
    MEASURES,
    By,
    Compare,
    CutScore,
    Letter,
    Levels,
    Measure,
    QuantileScore,
)
from siyu_cli.customers.scheme_nodes import bad, choice_of, mapping_of, need, whole_of
from siyu_cli.language import tr
from siyu_cli.yamlfile import Items, Node, Scalar

_MAX_CLASSES = 20


def read_measure(letter: Letter, node: Node) -> Measure:
    """One of R, F, M: what is measured and how it is scored."""
    item = mapping_of(node, ("of", "score"), letter)
    of_node = need(item, "of")
    of = choice_of(of_node, MEASURES[letter], f"{letter}.of")
    score = item.get("score")
    return Measure(of, _score(letter, score) if score is not None else None)


def _score(letter: Letter, node: Node) -> CutScore | QuantileScore:
    item = mapping_of(node, ("cuts", "scores", "quantiles"), "score")
    quantiles, cuts, scores = item.get("quantiles"), item.get("cuts"), item.get("scores")
    if quantiles is not None:
        if cuts is not None or scores is not None:
            raise bad(node.mark, tr("quantiles 和 cuts 只能写一种", "Write quantiles or cuts, not both"))
        classes = whole_of(quantiles)
        if not 2 <= classes <= _MAX_CLASSES:
            raise bad(
                quantiles.mark,
                tr(f"quantiles 应在 2 到 {_MAX_CLASSES} 之间", f"quantiles must be 2 to {_MAX_CLASSES}"),
            )
        return QuantileScore(classes)
    if not isinstance(cuts, Items) or not isinstance(scores, Items) or not cuts.items:
        raise bad(
            node.mark,
            tr(
                "score 要有 cuts 和 scores(两个列表),或 quantiles: 5",
                "score needs the lists cuts and scores, or quantiles: 5",
            ),
        )
    if len(scores.items) > _MAX_CLASSES:
        raise bad(scores.mark, tr(f"最多 {_MAX_CLASSES} 档", f"At most {_MAX_CLASSES} classes"))
    found = CutScore(
        tuple(_amount(letter, cut) for cut in cuts.items), tuple(whole_of(score) for score in scores.items)
    )
    _check_cuts(letter, found, cuts, scores)
    return found


def _check_cuts(letter: Letter, score: CutScore, cuts: Items, scores: Items) -> None:
    for place in range(1, len(score.cuts)):
        if score.cuts[place] <= score.cuts[place - 1]:
            raise bad(cuts.items[place].mark, tr("cuts 要从小到大,不能相等", "cuts must rise, none equal"))
    if len(score.scores) != len(score.cuts) + 1:
        raise bad(
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
            raise bad(scores.items[place].mark, words)


def read_levels(node: Node) -> Levels:
    """Where the line between the two sides of every letter is drawn."""
    item = mapping_of(node, ("by", "compare", "values"), "levels")
    by = choice_of(need(item, "by"), get_args(By), "levels.by")
    compare_node = item.get("compare")
    compare = (
        choice_of(compare_node, get_args(Compare), "levels.compare") if compare_node is not None else ">"
    )
    values_node = item.get("values")
    if by != "fixed":
        if values_node is not None:
            raise bad(values_node.mark, tr("values 只用于 by: fixed", "values goes with by: fixed only"))
        return Levels(by, compare)  # type: ignore[arg-type]
    if values_node is None:
        raise bad(
            node.mark,
            tr(
                "by: fixed 要写 values: {recency: 天, frequency: 次, monetary: 元}",
                "by: fixed needs values: {recency: days, frequency: times, monetary: yuan}",
            ),
        )
    values = mapping_of(values_node, LETTERS, "values")
    r, f, m = (_amount(letter, need(values, letter)) for letter in LETTERS)
    return Levels("fixed", compare, (r, f, m))  # type: ignore[arg-type]


def _amount(letter: Letter, node: Node) -> int:
    """A bound in the unit things are kept in: days, times, fen."""
    if letter != "monetary":
        number = whole_of(node)
    else:
        try:
            fen = Decimal(node.text) * 100 if isinstance(node, Scalar) and not node.is_quoted else None
        except InvalidOperation:
            fen = None
        if fen is None or not fen.is_finite() or fen != fen.to_integral_value() or abs(fen) > 10**15:
            raise bad(
                node.mark,
                tr("这里应是金额(元,最多两位小数)", "An amount in yuan with at most two decimals is wanted"),
            )
        number = int(fen)
    if number < 0:
        raise bad(node.mark, tr("这里不能是负数", "A negative number is not possible here"))
    return number
