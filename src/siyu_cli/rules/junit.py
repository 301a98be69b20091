"""Rule tests as JUnit XML, which every CI shows: one suite per file, one testcase per customer and day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.language import tr
from siyu_cli.rules.judging import Failure, Verdict
from siyu_cli.rules.testing import Case, Check
from siyu_cli.rules.trace import trace_lines
from siyu_cli.words import strip_control

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def junit_xml(verdict: Verdict) -> bytes:
    """The document, UTF-8."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    failed: dict[Case, list[Failure]] = {}
    for failure in verdict.failures:
        failed.setdefault(failure.check.case, []).append(failure)
    cases: dict[Case, Check] = {}
    for check in verdict.checks:
        cases.setdefault(check.case, check)
    files = {test.name: test.mark.file for test in verdict.tests}
    root = Element("testsuites", name="siyu test-rules", tests=str(len(cases)), failures=str(len(failed)))
    suites: dict[str, Element] = {}
    for case, check in cases.items():
        file = files[case.test]
        if file not in suites:
            own = [one for one in cases if files[one.test] == file]
            bad = sum(one in failed for one in own)
            suites[file] = SubElement(
                root, "testsuite", name=strip_control(file), tests=str(len(own)), failures=str(bad)
            )
        node = SubElement(
            suites[file], "testcase", classname=strip_control(case.test), name=strip_control(case_name(case, verdict)),
            file=strip_control(file), line=str(check.mark.line), time="0",
        )  # fmt: skip
        if case in failed:
            said = [word_failure(one) for one in failed[case]]
            whole = "\n".join(line for one in failed[case] for line in failure_lines(one))
            SubElement(node, "failure", message=strip_control(";".join(said))).text = strip_control(whole)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def case_name(case: Case, verdict: Verdict) -> str:
    """The customer, with the day where the test has several."""
    test = next(test for test in verdict.tests if test.name == case.test)
    day = f"({test.steps[case.step].as_of.date})" if len(test.steps) > 1 else ""
    return case.customer + day


def word_failure(failure: Failure) -> str:
    """What was wanted and what is."""
    check, tag = failure.check, failure.check.tag
    if not tag:
        return tr(
            f"应在阶段「{check.stage}」,实际在「{check.stands}」",
            f"should stand in “{check.stage}”, stands in “{check.stands}”",
        )
    if failure.check.wanted:
        return tr(f"应有「{tag}」,实际没有", f"should have “{tag}”, has not")
    return tr(f"不应有「{tag}」,实际有", f"should lack “{tag}”, has it")


def failure_lines(failure: Failure) -> list[str]:
    """The sentence and the trace below it."""
    return [word_failure(failure), *(trace_lines(failure.trace, 1) if failure.trace else [])]
