"""Checking the metrics of rule files: plain aggregates first, then ratios of them."""

from __future__ import annotations

from typing import cast

from siyu_cli.language import tr
from siyu_cli.rules.catalog import (
    AGGREGATES,
    CUSTOMER_FIELDS,
    METRICS,
    OPERANDS,
    ROW_FIELDS,
    UNITS,
    RatioMetric,
    field_named,
)
from siyu_cli.rules.definitions import Definition
from siyu_cli.rules.names import LineReader
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.shapes import (
    Pairs,
    is_true,
    needs,
    one_of,
    pairs_of,
    read_condition,
    source_of,
    text_at,
    texts_of,
)
from siyu_cli.rules.tree import Aggregate, Measure, Metric, NumberColumn, Ratio, Scope, Source, TextColumn
from siyu_cli.windows import Window
from siyu_cli.words import fold
from siyu_cli.yamlfile import Items, Scalar

_OF: dict[Aggregate, type[NumberColumn] | type[TextColumn] | tuple[type, ...]] = {
    "distinct": TextColumn,
    **dict.fromkeys(("sum", "avg", "min", "max"), NumberColumn),
    **dict.fromkeys(("first", "last"), (NumberColumn, TextColumn)),
}
"""Which columns an aggregate is `of`; the others take none."""


class MetricReader:
    """Reads definitions into `metrics`, which line readers look names up in."""

    def __init__(self, report: Report, reader: LineReader, metrics: dict[str, Metric | Ratio | None]) -> None:
        self.report, self.reader, self.metrics = report, reader, metrics

    def read(self, found: dict[str, Definition]) -> None:
        """Fill `metrics` with the shipped and the defined ones; None for those with mistakes."""
        for name in METRICS:
            self.metrics[fold(name)] = shipped_metric(name)
        ratios: list[tuple[str, Definition, Pairs]] = []
        for key, entry in found.items():
            keys = ("from", "agg", "of", "when", "ratio", "unit", "override", "note")
            pairs = pairs_of(
                self.report, entry.body, keys, tr(f"指标「{entry.name.text}」", f"metric “{entry.name.text}”")
            )
            self._check_override(entry.name, pairs)
            if "ratio" in pairs:
                ratios.append((key, entry, pairs))
            else:
                self.metrics[key] = self._plain(entry.name, pairs)
        for key, _, _ in ratios:
            # Any ratio will do while they are read: as a side of another one it is refused.
            self.metrics[key] = shipped_metric("客单价")
        read = {key: self._ratio(entry.name, pairs) for key, entry, pairs in ratios}
        self.metrics.update(read)

    def _check_override(self, name: Scalar, pairs: Pairs) -> None:
        text = name.text.strip()
        if field_named(CUSTOMER_FIELDS, text) or text in OPERANDS:
            self.report.add(
                "E206", name, tr(f"「{text}」已是客户字段", f"“{text}” is a customer field already")
            )
        if fold(text) in map(fold, METRICS) and not is_true(pairs, "override"):
            hint = tr("真要改它的定义就加 override: true", "To redefine it add override: true")
            self.report.add("E206", name, tr(f"「{text}」是内置指标", f"“{text}” is built in"), hint)

    def _plain(self, name: Scalar, pairs: Pairs) -> Metric | None:
        source = source_of(self.report, pairs, "from", name)
        if not needs(self.report, pairs, "agg", name) or source is None:
            return None
        aggregate = cast(Aggregate | None, one_of(self.report, pairs["agg"][1], list(AGGREGATES)))
        if aggregate is None:
            return None
        of = self._of(name, source, aggregate, pairs)
        if aggregate in _OF and of is None:
            return None
        measure = AGGREGATES[aggregate] or (of.measure if isinstance(of, NumberColumn) else Measure.PLAIN)
        self._check_unit(pairs, measure)
        scopes: tuple[Scope, ...] = ()
        if "when" in pairs:
            when = read_condition(self.report, pairs["when"][1], self.reader.row_leaf(source))
            if when is None:
                return None
            scopes = (Scope(source, when),)
        return Metric(source, aggregate, of, scopes, Window(), measure)

    def _of(
        self, name: Scalar, source: Source, aggregate: Aggregate, pairs: Pairs
    ) -> NumberColumn | TextColumn | None:
        if aggregate not in _OF:
            if "of" in pairs:
                self.report.add(
                    "E107", pairs["of"][0], tr(f"{aggregate} 不用 of", f"{aggregate} takes no of")
                )
            return None
        if not needs(self.report, pairs, "of", name):
            return None
        node = pairs["of"][1]
        text = text_at(node)
        kinds = _OF[aggregate]
        fitting = {key: column for key, column in ROW_FIELDS[source].items() if isinstance(column, kinds)}
        found = field_named(fitting, text)
        if found is None:
            code = "E301" if field_named(ROW_FIELDS[source], text) else "E202"
            message = tr(f"{aggregate} 不能用在「{text}」上", f"{aggregate} does not take “{text}”")
            self.report.add(code, node, message, suggestion(text, list(fitting)))
            return None
        column = found[1]
        assert isinstance(column, NumberColumn | TextColumn)
        return column

    def _check_unit(self, pairs: Pairs, measure: Measure) -> None:
        if "unit" not in pairs:
            return
        node = pairs["unit"][1]
        text = text_at(node)
        if text not in UNITS[measure]:
            fits = "、".join(UNITS[measure]) or tr("(没有)", "(none)")
            self.report.add(
                "E302",
                node,
                tr(f"这个指标的单位不能是「{text}」", f"The unit cannot be “{text}”"),
                tr(f"可用:{fits}", f"Fits: {fits}"),
            )

    def _ratio(self, name: Scalar, pairs: Pairs) -> Ratio | None:
        for key in ("from", "agg", "of", "when"):
            if key in pairs:
                self.report.add("E107", pairs[key][0], tr(f"ratio 不用 {key}", f"ratio takes no {key}"))
        node = pairs["ratio"][1]
        sides = texts_of(self.report, node) if isinstance(node, Items) else []
        if len(sides) != 2:
            self.report.add(
                "E107", node, tr("ratio 要写两个指标:[上面, 下面]", "ratio holds two metrics: [upper, lower]")
            )
            return None
        read = [self.reader.metric(side) for side in sides]
        metrics = [metric for metric in read if isinstance(metric, Metric)]
        for side, metric in zip(sides, read, strict=True):
            if metric is not None and not _may_be_side(metric):
                message = tr(
                    "ratio 里不能再用比值、平均(avg)或文字",
                    "ratio cannot hold ratios, averages (avg) or texts",
                )
                self.report.add("E301", side, message)
        if len(metrics) != 2 or not all(map(_may_be_side, metrics)):
            return None
        for side, metric, other in zip(sides, metrics, reversed(metrics), strict=True):
            # Amounts times days would leave 64 bits.
            if metric.aggregate == "avg_gap_days" and other.measure is not Measure.DAYS:
                message = tr("平均间隔只能和天数相比", "Average gaps only go with days")
                self.report.add(
                    "E301",
                    side,
                    message,
                    tr("例:[距上次购买天数, 平均复购间隔]", "E.g. [距上次购买天数, 平均复购间隔]"),
                )
                return None
        measure = self._ratio_measure(pairs, metrics[0].measure, metrics[1].measure)
        return None if measure is None else Ratio(metrics[0], metrics[1], measure)

    def _ratio_measure(self, pairs: Pairs, upper: Measure, lower: Measure) -> Measure | None:
        """Same over same is a plain number or a percentage; something over a count keeps its unit."""
        same = upper is lower
        if "unit" not in pairs:
            return Measure.PLAIN if same else upper
        node = pairs["unit"][1]
        text = text_at(node)
        if same and text == "%":
            return Measure.PERCENT
        if text in UNITS[upper] and not same:
            return upper
        fits = "%" if same else "、".join(UNITS[upper])
        self.report.add(
            "E302",
            node,
            tr(f"这个比值的单位不能是「{text}」", f"The unit cannot be “{text}”"),
            tr(f"可用:{fits}", f"Fits: {fits}"),
        )
        return None


def _may_be_side(metric: Metric | Ratio) -> bool:
    """Whether a ratio can be made of it: a number that is not divided itself, or an average gap."""
    return isinstance(metric, Metric) and not metric.is_text and metric.aggregate != "avg"


def shipped_metric(name: str) -> Metric | Ratio:
    """A built-in metric."""
    entry = METRICS[name]
    if isinstance(entry, RatioMetric):
        upper, lower = shipped_metric(entry.upper), shipped_metric(entry.lower)
        assert isinstance(upper, Metric)
        assert isinstance(lower, Metric)
        return Ratio(upper, lower, entry.measure)
    of = ROW_FIELDS[entry.source].get(entry.of)
    assert of is None or isinstance(of, NumberColumn)
    measure = AGGREGATES[entry.aggregate] or (of.measure if of else Measure.PLAIN)
    return Metric(entry.source, entry.aggregate, of, entry.scopes, Window(), measure)
