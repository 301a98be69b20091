"""规则: test-rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import ExitCode
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.changes import Mutant
    from siyu_cli.rules.judging import Failure, Verdict

# In a table a keyword list of a rule is known by its beginning; JSON has all of it.
_LINE_WIDTH = 40


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "test-rules", "rules", tr(
        "运行规则文件里的 tests:用编出来的客户检查每个标签该有没有。不碰店里的数据。\n\n"
        "没通过的,逐行说明哪一条成立、实际是多少。--mutate 故意把规则改错一点,看有没有测试发现。\n\n"
        "例:\n\nsiyu test-rules\n\nsiyu test-rules rules/流失.yaml -k 边界\n\n"
        "siyu test-rules --coverage --mutate --min-coverage 100 --junit outbox/规则测试.xml",
        "Run the tests in rule files: made-up customers show which tags they should have. Touches no data.\n\n"
        "A failure shows every line with its actual value. --mutate puts small mistakes into the rules and "
        "lists those no test notices.\n\n"
        "Examples:\n\nsiyu test-rules\n\nsiyu test-rules rules/流失.yaml -k 边界\n\n"
        "siyu test-rules --coverage --mutate --min-coverage 100 --junit outbox/rules.xml"))  # fmt: skip
    def test_rules(
        ctx: AppContext,
        files: Annotated[
            list[Path] | None,
            typer.Argument(metavar="[FILES]...", show_default=False, help=tr(
                "只运行这些文件里的测试;可以在 rules/ 外面", "Only the tests in these files, inside rules/ or not")),
        ] = None,
        coverage: Annotated[
            bool, typer.Option("--coverage", show_default=False, help=tr(
                "每个标签、每一行条件测到了没有", "How much of each tag and line is tested")),
        ] = False,
        mutate: Annotated[
            bool, typer.Option("--mutate", show_default=False, help=tr(
                "改错一点点,列出没有测试发现的", "List small mistakes that no test notices")),
        ] = False,
        min_coverage: Annotated[
            int | None, typer.Option("--min-coverage", min=0, max=100, metavar="N", show_default=False, help=tr(
                "覆盖率(和 --mutate 的发现率)低于百分之 N 就算失败", "Fail below N percent covered (and noticed)")),
        ] = None,
        junit: Annotated[
            Path | None, typer.Option("--junit", metavar="FILE", show_default=False, help=tr(
                "另写一份 JUnit XML", "Also write JUnit XML")),
        ] = None,
        name: Annotated[
            str | None, typer.Option("-k", metavar="NAME", show_default=False, help=tr(
                "只运行名称里有这个词的测试", "Only tests with this word in their name")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules import choosing, judging

        chosen = choosing.choose_tests(ctx.workspace, files or [], name or "")
        verdict = judging.judge(
            chosen.rules, chosen.tests, with_coverage=coverage or min_coverage is not None,
            with_mutants=mutate, tags=chosen.tags, stages=chosen.stages,
        )  # fmt: skip
        if junit is not None:
            _write_junit(verdict, junit)
        return _word(verdict, min_coverage, with_mutants=mutate)


def _write_junit(verdict: Verdict, target: Path) -> None:
    from siyu_cli.files import replacing
    from siyu_cli.rules.junit import junit_xml

    with replacing(target) as temporary:
        temporary.write_bytes(junit_xml(verdict))


def _word(verdict: Verdict, minimum: int | None, *, with_mutants: bool) -> Outcome:
    """Failures first, then what is not covered, then what nobody noticed."""
    from siyu_cli.rules.judging import is_enough

    failed = len({failure.check.case for failure in verdict.failures})
    said = tr(
        f"{len(verdict.tests)} 个测试、{verdict.cases} 个用例,",
        f"{len(verdict.tests)} tests, {verdict.cases} cases, ",
    )
    said += tr("全部通过", "all passed") if not failed else tr(f"{failed} 个没通过", f"{failed} failed")
    after = [said]
    tables = _failure_tables(verdict)
    if verdict.coverage is not None:
        tables += _coverage_tables(verdict)
        after.append(tr(f"覆盖 {verdict.covered_pct}%", f"Covered {verdict.covered_pct}%"))
    if verdict.mutants is not None:
        tables += _mutant_tables(verdict)
        noticed = verdict.mutants - len(verdict.survivors)
        after.append(tr(f"故意改错 {verdict.mutants:,} 处,测试发现了 {noticed:,} 处({verdict.noticed_pct}%)",
                        f"{verdict.mutants:,} small mistakes, {noticed:,} noticed ({verdict.noticed_pct}%)"))  # fmt: skip
    elif with_mutants and failed:
        after.append(tr("有测试没通过,没有故意改错(--mutate):先把测试改到全部通过",
                        "Tests fail, so no mistakes were made on purpose (--mutate): make them pass first"))  # fmt: skip
    if not verdict.tests:
        after = [tr("还没有测试。在规则文件里写 tests:,见 docs/rule-tests.md",
                    "There are no tests yet: write tests: in a rule file, see docs/rule-tests.md")]  # fmt: skip
    enough = is_enough(verdict, minimum)
    if not enough:
        after.append(tr(f"没有达到 --min-coverage {minimum}", f"Below --min-coverage {minimum}"))
    code = ExitCode.PARTIAL if failed or not enough else ExitCode.DONE
    return Outcome(_document(verdict), tables, after=after, exit_code=code)


def _failure_tables(verdict: Verdict) -> list[Table]:
    """Every failed check, and below it the lines of its rule for that customer."""
    from siyu_cli.rules.junit import case_name, word_failure
    from siyu_cli.rules.trace import trace_rows

    columns = (
        Column("case", tr("没通过", "Failed")), Column("line", tr("条件", "Line")),
        Column("actual", tr("实际", "Actual")), Column("distance", tr("差", "Off by")),
    )  # fmt: skip
    rows: list[tuple[str, str, str, str]] = []
    for failure in verdict.failures:
        case, mark = failure.check.case, failure.check.mark
        name = f"{case.test} · {case_name(case, verdict)}  {mark.file}:{mark.line}"
        rows.append((name, word_failure(failure), "", ""))
        rows += [("", *row) for row in (trace_rows(failure.trace, 1) if failure.trace else [])]
    return [Table(columns, rows)] if rows else []


def _coverage_tables(verdict: Verdict) -> list[Table]:
    columns = (
        Column("tag", tr("标签", "Tag")), Column("covered", tr("覆盖", "Covered")),
        Column("missing", tr("缺", "Missing")),
    )  # fmt: skip
    rows = []
    for one in verdict.coverage or ():
        missing = [] if one.has_positive else [tr("该有的用例", "a case that has it")]
        missing += [] if one.has_negative else [tr("不该有的用例", "a case that lacks it")]
        for line in one.lines:
            text = _short(line.text)
            missing += [] if line.is_seen_true else [tr(f"「{text}」成立的用例", f"“{text}” true")]
            missing += [] if line.is_seen_false else [tr(f"「{text}」不成立的用例", f"“{text}” false")]
        name = tr(f"阶段「{one.tag}」", f"stage “{one.tag}”") if one.is_stage else one.tag
        rows.append((name, f"{one.found}/{one.wanted}", "、".join(missing)))
    return [Table(columns, rows, tr("覆盖", "Coverage"))] if rows else []


def _mutant_tables(verdict: Verdict) -> list[Table]:
    columns = (
        Column("where", tr("哪一行", "Where")), Column("tag", tr("标签", "Tag")), Column("line", tr("条件", "Line")),
        Column("change", tr("改错后测试仍全过", "Still passes after")), Column("missing", tr("缺", "Missing")),
    )  # fmt: skip
    rows = [
        (f"{mark.file}:{mark.line}", one.of, _short(one.change.text), one.change.change, one.change.missing)
        for one in verdict.survivors
        for mark in [one.change.mark]
    ]
    return [Table(columns, rows, tr("没有测试发现的改错", "Mistakes that no test notices"))] if rows else []


def _short(text: str) -> str:
    return text if len(text) <= _LINE_WIDTH else text[: _LINE_WIDTH - 1] + "…"


def _document(verdict: Verdict) -> dict[str, Any]:
    from siyu_cli.rules.junit import case_name

    def one_failure(failure: Failure) -> dict[str, Any]:
        check = failure.check
        return {
            "test": check.case.test, "customer": check.case.customer, "case": case_name(check.case, verdict),
            "step": check.case.step + 1, "tag": check.tag or None, "wanted": check.wanted, "held": check.is_held,
            "stage": check.stage or None, "stands": check.stands or None,
            "where": check.mark.where().as_dict(), "trace": failure.trace.as_dict() if failure.trace else None,
        }  # fmt: skip

    def one_mutant(mutant: Mutant) -> dict[str, Any]:
        change = mutant.change
        return {
            "tag": mutant.of, "text": change.text, "change": change.change, "missing": change.missing,
            "where": change.mark.where().as_dict(),
        }  # fmt: skip

    coverage = None
    if verdict.coverage is not None:
        coverage = {
            "percent": verdict.covered_pct,
            "tags": [
                {
                    "tag": one.tag, "is_stage": one.is_stage, "found": one.found, "wanted": one.wanted, "positive": one.has_positive,
                    "negative": one.has_negative,
                    "lines": [
                        {"text": line.text, "line": line.mark.line, "seen_true": line.is_seen_true,
                         "seen_false": line.is_seen_false}
                        for line in one.lines
                    ],
                }
                for one in verdict.coverage
            ],
        }  # fmt: skip
    mutants = None
    if verdict.mutants is not None:
        mutants = {
            "total": verdict.mutants, "noticed": verdict.mutants - len(verdict.survivors),
            "percent": verdict.noticed_pct, "survivors": [one_mutant(one) for one in verdict.survivors],
        }  # fmt: skip
    return {
        "tests": len(verdict.tests), "cases": verdict.cases, "checks": len(verdict.checks),
        "failed": len({failure.check.case for failure in verdict.failures}),
        "failures": [one_failure(failure) for failure in verdict.failures],
        "coverage": coverage, "mutants": mutants,
    }  # fmt: skip
