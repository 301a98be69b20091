"""Resolving a line's names: row fields inside scopes; metrics, fields and tags of customers outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from siyu_cli.language import tr
from siyu_cli.rules.catalog import CUSTOMER_FIELDS, FACT_TABLES, ROW_FIELDS, TAGS, field_named
from siyu_cli.rules.grammar import LineSyntaxError, Operand, Predicate, Word, parse_line, parse_operand
from siyu_cli.rules.keys import TWINS
from siyu_cli.rules.predicates import (
    LineTypeError,
    flag_condition,
    number_condition,
    tags_condition,
    text_condition,
)
from siyu_cli.rules.problems import Place, Report, suggestion
from siyu_cli.rules.shapes import NESTING
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    Column,
    Condition,
    FlagColumn,
    Metric,
    Not,
    NumberColumn,
    Ratio,
    Scope,
    Source,
    TagTest,
    TextColumn,
)
from siyu_cli.windows import Window, WindowError, read_window
from siyu_cli.words import fold
from siyu_cli.yamlcauses import WIDE_COLON, WIDE_SIGNS, tight_colon, tight_dash, wide_colon, wide_sign
from siyu_cli.yamlfile import Scalar


@dataclass(frozen=True)
class Names:
    """Everything the files define, by folded name. A None stands for a definition that has mistakes."""

    scopes: Mapping[str, Scope | None]
    metrics: Mapping[str, Metric | Ratio | None]
    tags: Mapping[str, str]
    shown: Mapping[str, tuple[str, ...]]


class _SilentError(Exception):
    """A name whose definition was already reported: no second message."""


class LineReader:
    """Turns lines into typed conditions and puts every complaint at its characters."""

    def __init__(self, report: Report, names: Names) -> None:
        self.report = report
        self.names = names
        # Folded names of scopes and metrics that some line or ratio refers to.
        self.used: set[str] = set()

    def row_leaf(self, source: Source) -> Callable[[Scalar], Condition | None]:
        """Reads lines over the rows of one source."""

        def read(scalar: Scalar) -> Condition | None:
            return self._read(scalar, lambda operand, predicate: self._row_test(source, operand, predicate))

        return read

    def customer_leaf(self, scalar: Scalar) -> Condition | None:
        """Reads one line over a customer."""
        return self._read(scalar, self._customer_test)

    def metric(self, scalar: Scalar) -> Metric | Ratio | None:
        """Reads a metric with its arguments, as `ratio` holds them."""
        with_place = _Placed(self.report, scalar)
        with with_place:
            operand = parse_operand(scalar.text)
            return self._metric(operand)
        return None

    def _read(self, scalar: Scalar, test: Callable[[Operand, Predicate], Condition]) -> Condition | None:
        if not isinstance(scalar.value, str) or not scalar.text.strip():
            self.report.add("E108", scalar, tr("这里应是一行条件", "A condition belongs here"))
            return None
        with _Placed(self.report, scalar):
            line = parse_line(scalar.text)
            return test(line.operand, line.predicate)
        return None

    def _row_test(self, source: Source, operand: Operand, predicate: Predicate) -> Condition:
        fields = ROW_FIELDS[source]
        found = field_named(fields, operand.name.text)
        if found is None:
            where = tr(*FACT_TABLES[source].shown)
            raise _unknown(
                "E202",
                operand.name,
                tr(
                    f"{where}没有「{operand.name.text}」这个字段",
                    f"No field “{operand.name.text}” of {where}",
                ),
                list(fields),
            )
        _refuse_arguments(operand)
        name, column = found
        return _test_column(column, name, predicate)

    def _customer_test(self, operand: Operand, predicate: Predicate) -> Condition:
        name = operand.name.text
        if name == TAGS:
            _refuse_arguments(operand)
            return self._known_tags(tags_condition(name, predicate), predicate)
        if (found := field_named(CUSTOMER_FIELDS, name)) is not None:
            _refuse_arguments(operand)
            return _test_column(found[1], found[0], predicate)
        return number_condition(self._metric(operand), name, predicate)

    def _metric(self, operand: Operand) -> Metric | Ratio:
        name = operand.name
        if fold(name.text) not in self.names.metrics:
            known = [*self.names.shown["metrics"], *CUSTOMER_FIELDS, TAGS]
            row_field = any(field_named(fields, name.text) for fields in ROW_FIELDS.values())
            message = tr(f"没有叫「{name.text}」的指标", f"No metric “{name.text}”")
            if row_field:
                hint = tr("这是行的字段,写在 scopes 里", "This is a field of rows; write it in scopes")
                raise LineTypeError("E201", message, hint, name.start, name.end)
            raise _unknown("E201", name, message, known)
        self.used.add(fold(name.text))
        metric = self.names.metrics[fold(name.text)]
        if metric is None:
            raise _SilentError
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
                try:
                    window = read_window(word.text)
                except WindowError as error:
                    raise LineTypeError(
                        error.code, tr(error.chinese, error.english), "", word.start, word.end
                    ) from None
                continue
            if fold(word.text) not in self.names.scopes:
                message = tr(
                    f"没有叫「{word.text}」的范围,也不是时间窗口",
                    f"“{word.text}” is neither a scope nor a window",
                )
                raise _unknown("E203", word, message, [*self.names.shown["scopes"], "近30天", "本月", "全部"])
            self.used.add(fold(word.text))
            scope = self.names.scopes[fold(word.text)]
            if scope is None:
                raise _SilentError
            scopes.append(scope)
        return window, tuple(scopes)

    def _known_tags(self, condition: Condition, predicate: Predicate) -> Condition:
        """The same condition with every tag under its defined name."""
        for word in getattr(predicate, "texts", ()):
            if fold(word.text) not in self.names.tags:
                hint = tr(
                    "只能人工打的标签也要写进 manual_tags",
                    "Tags set by hand must be listed under manual_tags",
                )
                near = suggestion(word.text, list(self.names.shown["tags"]))
                message = tr(f"没有叫「{word.text}」的标签", f"No tag “{word.text}”")
                raise LineTypeError("E204", message, near or hint, word.start, word.end)
        return _rename(condition, self.names.tags)


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


class _Placed:
    """Catches a line's complaints and reports them at their characters."""

    def __init__(self, report: Report, scalar: Scalar) -> None:
        self.report, self.scalar = report, scalar

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, LineSyntaxError | LineTypeError):
            code = error.code if isinstance(error, LineTypeError) else "E108"
            found = (code, error.message, error.hint, error.start, error.end)
            code, message, hint, start, end = self._slip() or found
            place = self.report.place_in(self.scalar, start, end) if end > start else Place(self.scalar.mark)
            self.report.add(code, place, message, hint)
            return True
        return isinstance(error, _SilentError)

    def _slip(self) -> tuple[str, str, str, int, int] | None:
        """Slips of YAML that became text are named as such before any other message."""
        text = self.scalar.text
        if self.scalar.is_quoted:
            return None
        colon = text.find(WIDE_COLON)
        if colon >= 0 and (text[:colon].strip(" -") in NESTING or text[:colon].strip(" -") in TWINS):
            return "E102", *wide_colon(), colon, colon + 1
        if tight := re.match(rf"(?:{'|'.join(NESTING)}):", text):
            return "E103", *tight_colon(), 0, tight.end()
        if text[0] in WIDE_SIGNS:
            return "E102", *wide_sign(text[0]), 0, 1
        if re.match(r"-[^\s\d]", text):
            return "E103", *tight_dash(), 0, 1
        return None


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


def _rename(condition: Condition, tags: Mapping[str, str]) -> Condition:
    match condition:
        case TagTest(tag):
            return TagTest(tags[fold(tag)])
        case AllOf(members):
            return AllOf(tuple(_rename(member, tags) for member in members))
        case AnyOf(members):
            return AnyOf(tuple(_rename(member, tags) for member in members))
        case Not(member):
            return Not(_rename(member, tags))
        case _:
            return condition


def _unknown(code: str, word: Word, message: str, known: list[str]) -> LineTypeError:
    return LineTypeError(code, message, suggestion(word.text, known), word.start, word.end)
