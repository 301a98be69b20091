"""Lints: rules that load and yet are hardly what was meant. Each is a warning with the place of its line.

What needs customers to be counted is in `data_lints`, W601 in `missing_lint`; here is what the words alone show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from siyu_cli.language import tr
from siyu_cli.rules.amounts import can_be_missing, step_of
from siyu_cli.rules.problems import Place, Report
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    AtLeast,
    CalendarTest,
    Condition,
    Did,
    FlagTest,
    HadTag,
    Metric,
    Not,
    NumberTest,
    Present,
    RuleSet,
    Scope,
    StageRule,
    TagRule,
    TagTest,
    TextTest,
    Written,
    members_of,
)

# What 企业微信 takes.
MAX_TAG_NAME = 30
MAX_TAGS = 3000
# More untested tags of one file than these are told together.
_TOLD_ONE_BY_ONE = 3


def lint_words(report: Report, rules: RuleSet) -> None:
    """Note every lint that needs no data, but W601: whether it matters, data may tell."""
    for condition in _conditions(rules):
        _lint_tree(report, condition)
    for entry in rules.defined:
        if not entry.is_used:
            what = tr("范围", "Scope") if isinstance(entry.value, Scope) else tr("指标", "Metric")
            message = tr(f"{what}「{entry.name}」没有地方用到", f"{what} “{entry.name}” is used nowhere")
            place = Place(entry.mark, len(entry.name))
            report.warn("W605", place, message, tr("用不着就删掉", "Delete it if nobody needs it"))
    _lint_never_missing(report, rules)
    _lint_tests(report, rules)
    _lint_names(report, rules)


def _conditions(rules: RuleSet) -> Iterator[Condition]:
    yield from (rule.when for rule in rules.tags)
    yield from (stage.when for stage in rules.stages if stage.when is not None)
    yield from (scope.when for scope in scopes_of(rules))


def scopes_of(rules: RuleSet) -> Iterator[Scope]:
    """Scopes with names, and those that a metric's own `when` makes."""
    for entry in rules.defined:
        match entry.value:
            case Scope():
                yield entry.value
            case Metric(scopes=scopes):
                yield from scopes


def _lint_tree(report: Report, condition: Condition) -> None:
    """All lists of a condition, each in the form in which `not` stands only before single tests."""
    seen: set[Condition] = set()

    def look(node: Condition) -> None:
        if isinstance(node, AllOf):
            _lint_all(report, node)
        if isinstance(node, AnyOf):
            _lint_any(report, node)
        if isinstance(node, TextTest) and node not in seen:
            seen.add(node)
            _lint_keywords(report, node)
        for member in members_of(node):
            look(member)

    look(pushed_in(condition))


def pushed_in(condition: Condition, *, negated: bool = False, line: Written | None = None) -> Condition:
    """The same meaning with `not` pushed in to the single tests (De Morgan); nested lists of a kind are one.

    What a line was made of (`30 到 60天`, `渠道 不是 甲`) remembers that line.
    """
    if condition.written and condition.written.is_line:
        line = condition.written
    match condition:
        case Not(member):
            return pushed_in(member, negated=not negated, line=line)
        case AllOf(members) | AnyOf(members):
            kind = AllOf if isinstance(condition, AllOf) is not negated else AnyOf
            flat: list[Condition] = []
            for member in members:
                inner = pushed_in(member, negated=negated, line=line)
                flat += inner.members if isinstance(inner, kind) else [inner]
            return flat[0] if len(flat) == 1 else kind(tuple(flat), written=condition.written)
        case AtLeast(n, members):
            inner = AtLeast(n, tuple(map(pushed_in, members)), written=condition.written)
            return Not(inner, written=condition.written) if negated else inner
        case _:
            test = replace(condition, written=line)
            return Not(test, written=line) if negated else test


def _lint_all(report: Report, condition: AllOf) -> None:
    """W602: two members of one `all` that no customer fits."""
    members = condition.members
    for first, second in _pairs(members):
        if first.written and second.written and _exclude(first, second):
            hint = tr(
                f"另一行是 {second.written.mark.file}:{second.written.mark.line}「{second.written.text}」;要其一就写 any",
                f"The other is {second.written.mark.file}:{second.written.mark.line} “{second.written.text}”; "
                "write any for either",
            )
            message = tr(
                "同一个 all 里的两行互相矛盾,谁也不满足", "Two lines of one all contradict each other"
            )
            # The later line is where the mistake was made.
            report.warn("W602", line_place(first.written), message, hint)


def _pairs(members: tuple[Condition, ...]) -> Iterable[tuple[Condition, Condition]]:
    """(later, earlier) of every two members about the same thing, so that a thousand others cost nothing."""
    by_subject: dict[object, list[Condition]] = {}
    for member in members:
        by_subject.setdefault(_subject(member), []).append(member)
    for subject, group in by_subject.items():
        if subject is not None:
            yield from ((second, first) for first, second in combinations(group[:200], 2))


def _subject(condition: Condition) -> object:
    """What a single test is about; None where it is no single test."""
    match condition:
        case Not(member):
            return _subject(member)
        case NumberTest(value) | Present(value):
            return value
        case TextTest(value=text):
            return text
        case FlagTest() | TagTest() | HadTag() | CalendarTest() | Did():
            return condition
        case _:
            return None


def exclude_each_other(first: Condition, second: Condition) -> bool:
    """Whether it is plain from two conditions that no customer fits both; False where it is not plain."""
    ones = first.members if isinstance(first, AllOf) else (first,)
    others = second.members if isinstance(second, AllOf) else (second,)
    return any(
        _subject(one) is not None and _subject(one) == _subject(other) and _exclude(one, other)
        for one in ones
        for other in others
    )


def _exclude(first: Condition, second: Condition) -> bool:
    """Whether no customer fits both single tests, which are about the same thing."""
    if Not(first) == second or Not(second) == first:
        return True
    match first, second:
        case (NumberTest() as one, NumberTest() as other):
            return not _meet(one, other)
        case (NumberTest() as one, Not(NumberTest() as other)) | (
            Not(NumberTest() as other),
            NumberTest() as one,
        ):
            (low, high), (from_, to) = bounds_of(one), bounds_of(other)
            return from_ <= low and high <= to
        case (Not(Present()), (NumberTest() | TextTest())) | ((NumberTest() | TextTest()), Not(Present())):
            return True
        case (TextTest(how="is", texts=one_of), TextTest(how="is", texts=other_of)):
            return set(one_of).isdisjoint(other_of)
        case (TextTest(how="is", texts=some), Not(TextTest(how="is", texts=none))) | (
            Not(TextTest(how="is", texts=none)),
            TextTest(how="is", texts=some),
        ):
            return set(some) <= set(none)
        case _:
            return False


def _meet(one: NumberTest, other: NumberTest) -> bool:
    """Whether some value of the same number fits both; values of counts and money lie in steps."""
    lows, highs = zip(bounds_of(one), bounds_of(other), strict=True)
    low, high = max(lows), min(highs)
    return low <= high


def bounds_of(test: NumberTest) -> tuple[int, int]:
    """Lowest and highest value that fits, in thousandths of hundredths, so that `>` and `<` leave the bound out."""
    fine, most = 1000, 10**18
    bound, step = test.hundredths * fine, step_of(test.value)
    if step is None:
        below, above = bound - 1, bound + 1
        floor, ceiling = bound, bound
    else:
        size = step * fine
        floor, ceiling = bound // size * size, -(-bound // size) * size
        below, above = (bound - 1) // size * size, -(-(bound + 1) // size) * size
    match test.operator:
        case ">=":
            return ceiling, most
        case ">":
            return above, most
        case "<=":
            return -most, floor
        case "<":
            return -most, below
        case _:
            # With steps an odd bound is met by nothing: ceiling > floor.
            return ceiling, floor


def _lint_any(report: Report, condition: AnyOf) -> None:
    """W603: `不是 甲` or `不是 乙` holds for everybody but who is both."""
    negatives: dict[object, Condition] = {}
    for member in condition.members:
        if not isinstance(member, Not) or not isinstance(member.member, TextTest | TagTest | NumberTest):
            continue
        inner = member.member
        if isinstance(inner, NumberTest) and inner.operator != "=":
            continue
        subject = "tags" if isinstance(inner, TagTest) else _subject(inner)
        first = negatives.setdefault(subject, member)
        if first != member and member.written:
            message = tr(
                "any 里对同一个名称写了两个「不…」,几乎人人满足",
                "Two negatives about one name in any: true for nearly everybody",
            )
            hint = tr(
                "都不要就分两行写在 all 里,或写成一行「不属于 甲、乙」",
                "For neither, use all, or one line 不属于 甲、乙",
            )
            report.warn("W603", line_place(member.written), message, hint)


def _lint_keywords(report: Report, test: TextTest) -> None:
    """W604: what holds 苹果手机 holds 苹果."""
    if test.how != "holds" or not test.written or len(test.texts) > 2000:
        return
    by_length = sorted(test.texts, key=len)
    for position, long in enumerate(by_length):
        short = next((text for text in by_length[:position] if text in long), None)
        if short is not None:
            message = tr(
                f"「{long}」里已有「{short}」,写不写「{long}」都一样",
                f"“{long}” holds “{short}”: it adds nothing",
            )
            hint = tr("去掉长的,或去掉太宽的短词", "Leave the longer out, or the shorter if it is too wide")
            report.warn("W604", word_place(test.written, long), message, hint)


def _lint_tests(report: Report, rules: RuleSet) -> None:
    """W606: a tag that no test expects or rules out, a stage with a `when` that no test expects.

    Many of one file, or no test at all, are said once.
    """
    expectations = [one for test in rules.tests for step in test.steps for one in step.expectations]
    tested = {tag for one in expectations for tag in (*one.has, *one.lacks, *(one.only or ()))}
    reached = {one.stage for one in expectations}
    untested: list[TagRule | StageRule] = [rule for rule in rules.tags if rule.name not in tested]
    untested += [stage for stage in rules.stages if stage.when is not None and stage.name not in reached]
    untested.sort(key=lambda rule: (rule.mark.file, rule.mark.line, rule.mark.column))
    hint = tr("写法见 docs/rule-tests.md", "See docs/rule-tests.md")
    if untested and not rules.tests:
        many = _tags_and_stages(untested)
        message = tr(f"{many},一个测试也没有", f"{many} and no test at all")
        report.warn("W606", Place(untested[0].mark, len(untested[0].name)), message, hint)
        return
    by_file: dict[str, list[TagRule | StageRule]] = {}
    for rule in untested:
        by_file.setdefault(rule.mark.file, []).append(rule)
    for rules_of in by_file.values():
        if len(rules_of) <= _TOLD_ONE_BY_ONE:
            for rule in rules_of:
                what = tr("标签", "the tag") if isinstance(rule, TagRule) else tr("阶段", "the stage")
                message = tr(f"{what}「{rule.name}」没有测试提到", f"No test speaks of {what} “{rule.name}”")
                report.warn("W606", Place(rule.mark, len(rule.name)), message, hint)
            continue
        many, names = _tags_and_stages(rules_of), "、".join(rule.name for rule in rules_of)
        message = tr(
            f"这个文件里 {many}没有测试提到:{names}", f"{many} of this file that no test speaks of: {names}"
        )
        report.warn("W606", Place(rules_of[0].mark, len(rules_of[0].name)), message, hint)


def _tags_and_stages(rules: Sequence[TagRule | StageRule]) -> str:
    """`3 个标签、1 个阶段`, whatever there is of both."""
    tags = sum(isinstance(rule, TagRule) for rule in rules)
    stages = len(rules) - tags
    parts = [tr(f"{tags} 个标签", f"{tags} tags")] * bool(tags)
    parts += [tr(f"{stages} 个阶段", f"{stages} stages")] * bool(stages)
    return tr("、", ", ").join(parts)


def _lint_never_missing(report: Report, rules: RuleSet) -> None:
    """W602: `missing` of bands over a number that is 0 where there is nothing, never missing."""
    for rule in rules.tags:
        match rule.when:
            case Not(Present(value)) if (
                rule.group and isinstance(value, Metric) and not can_be_missing(value)
            ):
                message = tr(
                    f"分段的数从不缺(一单也没有时是 0),「{rule.name}」谁也轮不到",
                    f"This number is 0 where there is nothing, never missing: nobody gets “{rule.name}”",
                )
                hint = tr(
                    "去掉 missing;没有的人算在最低一段",
                    "Leave missing out: these people are in the lowest band",
                )
                report.warn("W602", Place(rule.mark, len(rule.name)), message, hint)


def _lint_names(report: Report, rules: RuleSet) -> None:
    """W608: what cannot be brought over to 企业微信."""
    for rule in rules.tags:
        if len(rule.name) > MAX_TAG_NAME:
            message = tr(
                f"标签名有 {len(rule.name)} 个字,企业微信最多 {MAX_TAG_NAME} 个",
                f"The name has {len(rule.name)} characters, WeCom takes {MAX_TAG_NAME}",
            )
            report.warn("W608", Place(rule.mark, len(rule.name)), message, tr("改短些", "Shorten it"))
    if len(rules.tags) > MAX_TAGS:
        last = max(rules.tags, key=lambda rule: (rule.mark.file, rule.mark.line))
        message = tr(
            f"有 {len(rules.tags):,} 个标签,企业微信最多 {MAX_TAGS:,} 个",
            f"{len(rules.tags):,} tags, WeCom takes {MAX_TAGS:,}",
        )
        report.warn("W608", Place(last.mark, len(last.name)), message)


def line_place(written: Written) -> Place:
    return Place(written.mark, max(1, len(written.text)))


def word_place(written: Written, word: str) -> Place:
    """A word of a line; the whole line where it is written in another width or case."""
    start = written.text.find(word)
    if start < 0:
        return line_place(written)
    mark = replace(written.mark, column=written.mark.column + start)
    return Place(mark, len(word))
