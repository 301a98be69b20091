"""Resolving a line's names: row fields inside scopes; metrics, fields and tags of customers outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from siyu_cli.language import tr
from siyu_cli.rules.catalog import (
    CUSTOMER_FIELDS,
    FACT_TABLES,
    GROUPS,
    HAD_TAGS,
    HELD_DAYS,
    OPERANDS,
    ROW_FIELDS,
    STAGE,
    TAGS,
    field_named,
)
from siyu_cli.rules.did import DidReader
from siyu_cli.rules.grammar import Operand, Predicate, Word, WordTest, parse_line, parse_operand
from siyu_cli.rules.meant import window_meant, write_instead
from siyu_cli.rules.placed import Placed, SilentError
from siyu_cli.rules.predicates import (
    LineTypeError,
    flag_condition,
    number_condition,
    set_condition,
    text_condition,
)
from siyu_cli.rules.problems import Report, suggestion, tag_suggestion
from siyu_cli.rules.shapes import Leaf
from siyu_cli.rules.structure import WINDOWS
from siyu_cli.rules.tree import (
    Column,
    Condition,
    FlagColumn,
    HadTag,
    HeldDays,
    InGroup,
    Metric,
    NumberColumn,
    Ratio,
    Scope,
    Source,
    TagTest,
    TextColumn,
)
from siyu_cli.windows import Window, WindowError, read_window
from siyu_cli.words import did_you_mean, fold
from siyu_cli.yamlfile import Mapping, Scalar


@dataclass(frozen=True)
class Names:
    """Everything the files define, by folded name. A None stands for a definition that has mistakes."""

    scopes: dict[str, Scope | None]
    metrics: dict[str, Metric | Ratio | None]
    tags: dict[str, str]
    shown: dict[str, tuple[str, ...]]
    groups: dict[str, list[str]] = field(default_factory=dict)


class LineReader:
    """Turns lines into typed conditions and puts every complaint at its characters."""

    def __init__(self, report: Report, names: Names) -> None:
        self.report = report
        self.names = names
        # Folded names of scopes and metrics that some line or ratio refers to.
        self.used: set[str] = set()

    def row_leaf(self, source: Source) -> Leaf:
        """Reads lines over the rows of one source."""

        def read(node: Scalar | Mapping) -> Condition | None:
            if isinstance(node, Mapping):
                key = node.pairs[0][0]
                self.report.add(
                    "E107", key, tr("did 只能写在标签的条件里", "did belongs into conditions of customers")
                )
                return None
            return self._read(node, lambda operand, predicate: _row_test(source, operand, predicate))

        return read

    def customer_leaf(self, node: Scalar | Mapping) -> Condition | None:
        """Reads one line over a customer, or a `did`."""
        if isinstance(node, Mapping):
            return DidReader(self.report, self.row_leaf).read(node)
        return self._read(node, self._customer_test)

    def metric(self, scalar: Scalar) -> Metric | Ratio | None:
        """Reads a metric with its arguments, as `ratio` holds them."""
        with_place = Placed(self.report, scalar)
        with with_place:
            operand = parse_operand(scalar.text)
            return self._metric(operand)
        return None

    def _read(self, scalar: Scalar, test: Callable[[Operand, Predicate], Condition]) -> Condition | None:
        if not isinstance(scalar.value, str) or not scalar.text.strip():
            self.report.add("E108", scalar, tr("这里应是一行条件", "A condition belongs here"))
            return None
        with Placed(self.report, scalar):
            line = parse_line(scalar.text)
            return test(line.operand, line.predicate)
        return None

    def _customer_test(self, operand: Operand, predicate: Predicate) -> Condition:
        name = operand.name.text
        if name == TAGS:
            _refuse_arguments(operand)
            return set_condition(name, predicate, lambda word: TagTest(self._tag(word)))
        if name == HAD_TAGS:
            window = self._days_only(operand)
            return set_condition(name, predicate, lambda word: HadTag(self._tag(word), window))
        if name == HELD_DAYS:
            return number_condition(HeldDays(self._one_tag(operand)), name, predicate)
        if name == GROUPS:
            _refuse_arguments(operand)
            return set_condition(name, predicate, lambda word: InGroup(fold(word.text)))
        if (found := field_named(CUSTOMER_FIELDS, name)) is not None:
            _refuse_arguments(operand)
            if found[0] == STAGE:
                self._known_stages(predicate)
            return _test_column(found[1], found[0], predicate)
        metric = self._metric(operand)
        if isinstance(metric, Metric) and metric.is_text:
            return text_condition(metric, name, predicate)
        return number_condition(metric, name, predicate)

    def _metric(self, operand: Operand) -> Metric | Ratio:
        name = operand.name
        if fold(name.text) not in self.names.metrics:
            known = [*self.names.shown["metrics"], *CUSTOMER_FIELDS, *OPERANDS]
            row_field = any(field_named(fields, name.text) for fields in ROW_FIELDS.values())
            message = tr(f"没有叫「{name.text}」的指标", f"No metric “{name.text}”")
            if row_field:
                hint = tr("这是行的字段,写在 scopes 里", "This is a field of rows; write it in scopes")
                raise LineTypeError("E201", message, hint, name.start, name.end)
            raise _unknown("E201", name, message, known)
        self.used.add(fold(name.text))
        metric = self.names.metrics[fold(name.text)]
        if metric is None:
            raise SilentError
        window, scopes = self._arguments(operand)
        return narrow(metric, window, scopes, operand)

    def _arguments(self, operand: Operand) -> tuple[Window | None, tuple[Scope, ...]]:
        window: Window | None = None
        scopes: list[Scope] = []
        for word in operand.arguments:
            if word.is_window:
                if window is not None:
                    raise LineTypeError(
                        "E306", tr("只能有一个时间窗口", "One window only"), "", word.start, word.end
                    )
                window = self._window(word)
                continue
            if fold(word.text) not in self.names.scopes:
                message = tr(
                    f"没有叫「{word.text}」的范围,也不是时间窗口",
                    f"“{word.text}” is neither a scope nor a window",
                )
                raise LineTypeError("E203", message, self._hint_argument(word.text), word.start, word.end)
            self.used.add(fold(word.text))
            scope = self.names.scopes[fold(word.text)]
            if scope is None:
                raise SilentError
            scopes.append(scope)
        return window, tuple(scopes)

    def _hint_argument(self, text: str) -> str:
        """What to write instead of an argument that is neither a scope nor a window."""
        if meant := window_meant(text):
            return write_instead(meant)
        scopes = list(self.names.shown["scopes"])
        if did_you_mean(text, [*scopes, *WINDOWS]):
            return suggestion(text, [*scopes, *WINDOWS])
        first = tr(
            f"范围要先在 scopes 里写:{text}: {{on: items, when: 商品名 包含 …}}",
            f"A scope is first defined in scopes: {text}: {{on: items, when: 商品名 包含 …}}",
        )
        return first + (tr(";现有的:", "; there are: ") + "、".join(scopes) if 0 < len(scopes) <= 24 else "")

    def _known_stages(self, predicate: Predicate) -> None:
        """Whole names of stages must be there: a misspelt one would be true for nobody."""
        if not isinstance(predicate, WordTest) or predicate.word.text not in ("是", "不是", "属于", "不属于"):
            return
        known = self.names.shown["stages"]
        for word in predicate.texts:
            if fold(word.text) in map(fold, known):
                continue
            message = tr(f"没有叫「{word.text}」的阶段", f"No stage “{word.text}”")
            hint = suggestion(word.text, list(known)) or tr(
                "规则里还没有 stages", "No stages are defined in the rules"
            )
            raise LineTypeError("E307", message, hint, word.start, word.end)

    def _tag(self, word: Word) -> str:
        """A tag under its defined name."""
        if fold(word.text) not in self.names.tags:
            hint = tr(
                "只能人工打的标签也要写进 manual_tags",
                "Tags set by hand must be listed under manual_tags",
            )
            shown = self.names.shown
            near = tag_suggestion(word.text, shown["tags"], self.names.groups, shown["stages"])
            message = tr(f"没有叫「{word.text}」的标签", f"No tag “{word.text}”")
            raise LineTypeError("E204", message, near or hint, word.start, word.end)
        return self.names.tags[fold(word.text)]

    def _one_tag(self, operand: Operand) -> str:
        """The tag in brackets that 持有天数 is about."""
        if len(operand.arguments) != 1 or operand.arguments[0].is_window:
            words = operand.arguments or (operand.name,)
            message = tr(
                f"「{operand.name.text}」的括号里要写一个标签",
                f"“{operand.name.text}” takes one tag in brackets",
            )
            hint = tr("例:持有天数(老客) >= 7", "E.g. 持有天数(老客) >= 7")
            raise LineTypeError("E306", message, hint, words[0].start, words[-1].end)
        return self._tag(operand.arguments[0])

    def _days_only(self, operand: Operand) -> Window:
        """At most one window, of whole days; no scopes: tags have a day, but no time and no lines."""
        for word in operand.arguments:
            window = self._window(word) if word.is_window else None
            if window is None or window.kind in ("last_hours", "hours_ago") or len(operand.arguments) > 1:
                message = tr(
                    f"「{operand.name.text}」只能带一个按天的时间窗口",
                    f"“{operand.name.text}” takes one window of days",
                )
                raise LineTypeError("E306", message, tr("例:近45天", "E.g. 近45天"), word.start, word.end)
            return window
        return Window()

    def _window(self, word: Word) -> Window:
        try:
            return read_window(word.text)
        except WindowError as error:
            raise LineTypeError(
                error.code, tr(error.chinese, error.english), "", word.start, word.end
            ) from None


def _row_test(source: Source, operand: Operand, predicate: Predicate) -> Condition:
    """A line over the fields of a row."""
    fields = ROW_FIELDS[source]
    name = operand.name.text
    found = field_named(fields, name)
    if found is None:
        where = tr(*FACT_TABLES[source].shown)
        message = tr(f"{where}没有「{name}」这个字段", f"No field “{name}” of {where}")
        raise _unknown("E202", operand.name, message, list(fields))
    _refuse_arguments(operand)
    return _test_column(found[1], found[0], predicate)


def narrow(
    metric: Metric | Ratio, window: Window | None, scopes: tuple[Scope, ...], operand: Operand
) -> Metric | Ratio:
    """A metric with further scopes and a window; both sides of a ratio get them."""
    if isinstance(metric, Ratio):
        upper, lower = (
            narrow(metric.upper, window, scopes, operand),
            narrow(metric.lower, window, scopes, operand),
        )
        assert isinstance(upper, Metric)
        assert isinstance(lower, Metric)
        return replace(metric, upper=upper, lower=lower)
    if window is not None and metric.window != Window():
        name = operand.name
        message = tr(
            f"「{name.text}」的定义里已有时间窗口", f"“{name.text}” already has a window in its definition"
        )
        raise LineTypeError("E306", message, "", name.start, name.end)
    family = FACT_TABLES[metric.source].family
    for scope in scopes:
        if FACT_TABLES[scope.source].family != family:
            _refuse_scope(operand, scope, metric)
    every = sorted({*metric.scopes, *scopes}, key=repr)
    return replace(metric, window=window or metric.window, scopes=tuple(every))


def _refuse_scope(operand: Operand, scope: Scope, metric: Metric) -> None:
    """Rows of one kind cannot be narrowed by what is said of another kind."""
    first, last = operand.arguments[0], operand.arguments[-1]
    of, on = FACT_TABLES[metric.source].shown, FACT_TABLES[scope.source].shown
    message = tr(
        f"「{operand.name.text}」数的是{of[0]},不能用说{on[0]}的范围",
        f"“{operand.name.text}” is about {of[1]}; a scope on {on[1]} does not fit",
    )
    hint = tr(f"另写一个 on: {metric.source} 的范围", f"Write another scope with on: {metric.source}")
    raise LineTypeError("E306", message, hint, first.start, last.end)


def _test_column(column: Column, name: str, predicate: Predicate) -> Condition:
    match column:
        case TextColumn():
            return text_condition(column, name, predicate)
        case FlagColumn():
            return flag_condition(column, name, predicate)
        case NumberColumn():
            return number_condition(column, name, predicate)


def _refuse_arguments(operand: Operand) -> None:
    if operand.arguments:
        first, last = operand.arguments[0], operand.arguments[-1]
        message = tr(
            f"「{operand.name.text}」不能带时间窗口或范围", f"“{operand.name.text}” takes no window or scope"
        )
        raise LineTypeError("E306", message, "", first.start, last.end)


def _unknown(code: str, word: Word, message: str, known: list[str]) -> LineTypeError:
    return LineTypeError(code, message, suggestion(word.text, known), word.start, word.end)
