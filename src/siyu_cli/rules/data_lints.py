"""Lints that count: how many customers a rule is true for, and how many order lines a keyword finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.customers.tables import build_tables
from siyu_cli.language import tr
from siyu_cli.rules.atoms import text_column
from siyu_cli.rules.lints import lint_words, pushed_in, scopes_of, word_place
from siyu_cli.rules.missing_lint import missing_included, note_missing_included
from siyu_cli.rules.problems import Place, Problem, Report, suggestion
from siyu_cli.rules.sql import Sql, bind, join, sql
from siyu_cli.rules.tagging import evaluate
from siyu_cli.rules.tree import After, Condition, Did, Not, RuleSet, TextTest, Written, members_of
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.pushes import exported_pushes

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

# Shares of fewer than these say nothing.
MIN_CUSTOMERS = 20
MIN_LINES = 50
# A keyword on fewer lines is mistyped or gone from the shop; on more it says nothing about who buys.
FEW_LINES = 3
MANY_LINES_PCT = 60
MANY_CUSTOMERS_PCT = 95
_KEYWORDS_AT_ONCE = 200


@dataclass(frozen=True)
class Linted:
    """All warnings, in the order of the files, and what was skipped for lack of data."""

    problems: tuple[Problem, ...]
    skipped: tuple[str, ...] = ()


def lint_rules(rules: RuleSet, con: DuckDBPyConnection | None = None, as_of: AsOf | None = None) -> Linted:
    """Every lint of checked rules; with a store also those that count, as of a moment."""
    report = _report_of(rules)
    lint_words(report, rules)
    skipped: list[str] = []
    if con is None or as_of is None:
        for lint in missing_included(rules):
            note_missing_included(report, lint, None)
    else:
        skipped = _lint_customers(report, rules, con, as_of) if rules.tags else []
        skipped += _lint_lines(report, rules, DuckDbEngine(con), as_of)
        _lint_pushes(report, rules, con)
    return Linted(report.found(), tuple(skipped))


def unknown_pushes(rules: RuleSet, con: DuckDBPyConnection) -> tuple[Problem, ...]:
    """Every W609 alone, in the order of the files."""
    report = _report_of(rules)
    _lint_pushes(report, rules, con)
    return report.found()


def _report_of(rules: RuleSet) -> Report:
    """An empty report that can show the lines of the rules' files."""
    report = Report()
    for name, text in rules.texts:
        report.add_file(name, text.encode())
    return report


def _lint_pushes(report: Report, rules: RuleSet, con: DuckDBPyConnection) -> None:
    """W609: `after` a push that nobody ever exported, so that nothing is ever after it."""
    stages = (stage.when for stage in rules.stages if stage.when is not None)
    wanted = [after for when in (*(rule.when for rule in rules.tags), *stages) for after in _afters(when)]
    known = exported_pushes(con) if wanted else {}
    for after in wanted:
        if after.push in known or after.written is None:
            continue
        name = after.written.text
        message = tr(f"没有导出过叫「{name}」的推送", f"No push “{name}” was ever exported")
        hint = suggestion(name, list(known.values())) or tr(
            "还没有导出过推送;名字是 siyu export-push 的 --reason,不写就是标签或分群名",
            "No push was exported yet; its name is the --reason of siyu export-push, else the tag or segment",
        )
        report.warn("W609", Place(after.written.mark, len(name)), message, hint)


def _afters(condition: Condition) -> Iterator[After]:
    if isinstance(condition, Did) and condition.after is not None:
        yield condition.after
    for member in members_of(condition):
        yield from _afters(member)


def _lint_customers(report: Report, rules: RuleSet, con: DuckDBPyConnection, as_of: AsOf) -> list[str]:
    """W601 with numbers, and W607."""
    missing = missing_included(rules)
    true_for = [rule for rule in rules.tags if not rule.is_default]
    watch = [*(lint.included for lint in missing), *(rule.when for rule in true_for)]
    query = evaluate(con, rules, as_of, watch=watch)
    sums = "".join(f", CAST(SUM({one.flag}) AS BIGINT) AS {one.flag}" for one in query.watched)
    row = DuckDbEngine(con).query(f"SELECT COUNT(*) AS customers{sums} FROM tag_flags").to_pylist()[0]
    customers = int(row["customers"])
    if customers < MIN_CUSTOMERS:
        for lint in missing:
            note_missing_included(report, lint, None)
        return [
            tr(
                f"只有 {customers} 位客户,按人数的检查(W601 的人数、W607)跳过",
                f"Only {customers} customers: the checks that count them (numbers of W601, W607) are skipped",
            )
        ]
    counts = [int(row[one.flag]) for one in query.watched]
    for lint, count in zip(missing, counts, strict=False):
        if count:
            note_missing_included(report, lint, count)
    for rule, count in zip(true_for, counts[len(missing) :], strict=True):
        if count and count * 100 <= MANY_CUSTOMERS_PCT * customers:
            continue
        if count:
            message = tr(
                f"「{rule.name}」的条件 {customers:,} 位客户里有 {count:,} 位满足,几乎人人都是",
                f"“{rule.name}” is true for {count:,} of {customers:,} customers",
            )
        else:
            message = tr(f"「{rule.name}」的条件没有一位客户满足", f"“{rule.name}” is true for no customer")
        hint = tr(
            "核对数字、单位和名称;确实如此就不用管",
            "Check numbers, units and names; if it is so, ignore this",
        )
        report.warn("W607", Place(rule.mark, len(rule.name)), message, hint)
    return []


def _lint_lines(report: Report, rules: RuleSet, engine: Engine, as_of: AsOf) -> list[str]:
    """W604: keywords that find hardly any order line, or most of them."""
    wanted = {
        (text_column(test).text, text, is_positive): written
        for test, written, is_positive in _keywords(rules)
        for text in test.texts
    }
    if not wanted:
        return []
    build_tables(engine, as_of, {"fact_items"})
    lines = int(engine.query("SELECT COUNT(*) AS n FROM fact_items").column("n")[0].as_py())
    if lines < MIN_LINES:
        return [
            tr(
                f"只有 {lines} 行商品,按商品行的检查(W604 的比例)跳过",
                f"Only {lines} order lines: the shares of W604 are skipped",
            )
        ]
    found = _count_lines(engine, sorted({(column, text) for column, text, _ in wanted}))
    rare: dict[Written, list[tuple[str, int]]] = {}
    for (column, text, is_positive), written in wanted.items():
        count = found[column, text]
        if is_positive and count < FEW_LINES:
            rare.setdefault(written, []).append((text, count))
        elif count * 100 > MANY_LINES_PCT * lines:
            share = f"{count * 100 // lines}%"
            message = tr(
                f"「{text}」出现在 {share} 的商品行里,太宽了",
                f"“{text}” is on {share} of the lines: too wide",
            )
            hint = tr("换成更具体的词", "Use a more specific word")
            report.warn("W604", word_place(written, text), message, hint)
    for written, words in rare.items():
        _warn_rare(report, written, words)
    return []


def _warn_rare(report: Report, written: Written, words: list[tuple[str, int]]) -> None:
    """W604 for all the words of one line that hardly any order line holds: a long list is shown once."""
    first, count = words[0]
    listed = tr("、", ", ").join(f"{text}({count})" if count else text for text, count in words)
    if len(words) > 1:
        message = tr(
            f"这里有 {len(words)} 个词没有或几乎没有商品行用到:{listed}",
            f"{len(words)} words here are on hardly any order line: {listed}",
        )
    elif count:
        message = tr(
            f"「{first}」只出现在 {count} 行商品里", f"“{first}” is found on {count} order lines only"
        )
    else:
        message = tr(f"「{first}」没有出现在哪一行商品里", f"“{first}” is on no order line")
    hint = tr("核对写法;不卖的可以删掉,也可以留着", "Check the spelling; what is not sold may go or stay")
    report.warn("W604", word_place(written, first), message, hint)


def _keywords(rules: RuleSet) -> Iterator[tuple[TextTest, Written, bool]]:
    """Every search for words in lines, and whether it is not one that keeps lines out."""
    for scope in scopes_of(rules):
        if scope.source == "items":
            yield from _searches(pushed_in(scope.when))


def _searches(condition: Condition, *, is_positive: bool = True) -> Iterator[tuple[TextTest, Written, bool]]:
    if isinstance(condition, TextTest) and condition.how == "holds" and condition.written:
        yield condition, condition.written, is_positive
    for member in members_of(condition):
        yield from _searches(member, is_positive=is_positive and not isinstance(condition, Not))


def _count_lines(engine: Engine, keywords: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """(column, folded text) → lines that hold it; each distinct text of the column is searched once."""
    found: dict[tuple[str, str], int] = {}
    for column in sorted({column for column, _ in keywords}):
        texts = [text for one, text in keywords if one == column]
        for start in range(0, len(texts), _KEYWORDS_AT_ONCE):
            chunk = texts[start : start + _KEYWORDS_AT_ONCE]
            sums = [
                sql(
                    f"CAST(SUM(CASE WHEN instr(word, {{}}) > 0 THEN n ELSE 0 END) AS BIGINT) AS k{number}",
                    bind(text),
                )
                for number, text in enumerate(chunk)
            ]
            source = Sql(
                f"(SELECT {column} AS word, COUNT(*) AS n FROM fact_items GROUP BY {column}) AS words"
            )
            query = sql("SELECT {} FROM {}", join(", ", sums), source)
            row = engine.query(query.text, query.params).to_pylist()[0]
            found |= {(column, text): int(row[f"k{number}"]) for number, text in enumerate(chunk)}
    return found
