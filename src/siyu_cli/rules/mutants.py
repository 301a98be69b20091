"""Small mistakes put into rules on purpose: a test suite is good where every one of them is noticed.

Bounds move by one step or turn from inclusive to exclusive, windows grow and shrink by one, lines are left
out, words are left out of lists, all and any change places, `at_least` asks for one more or fewer, neighbours of a
group change places. Changes that mean the same (`> 29天`
and `>= 30天`) are no mistakes and are not made; of two where one is noticed whenever the other is, only the
finer one is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

from siyu_cli.language import tr
from siyu_cli.rules.amounts import bound_text, nearest_fit, step_of
from siyu_cli.rules.changes import Change, Mutant, without_words
from siyu_cli.rules.lints import exclude_each_other
from siyu_cli.rules.tree import (
    DEED_DAYS,
    DEED_TIMES,
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    Did,
    Keeping,
    Measure,
    Metric,
    Not,
    NumberTest,
    NumberValue,
    Operator,
    Ratio,
    RuleSet,
    Scope,
    StageRule,
    TagGroup,
    TagRule,
    members_of,
)
from siyu_cli.windows import Window
from siyu_cli.yamlfile import Mark

TRUE = AllOf(())
FALSE = Not(TRUE)
_FLIPPED: dict[Operator, Operator] = {">=": ">", ">": ">=", "<=": "<", "<": "<="}


def mutants_of(rules: RuleSet, names: set[str] | None = None, *, stages: bool = True) -> list[Mutant]:
    """Every mutant of the named tags (None: all), of the scopes they use and of the order of their groups; with
    `stages` also those of the stages. In the order of the files.
    """
    chosen = [rule for rule in rules.tags if names is None or rule.name in names]
    moving = [stage for stage in rules.stages if stage.when is not None] if stages else []
    found: list[Mutant] = []
    for rule in chosen:
        for condition, change in _distinct(rule.when, Change(rule.mark, rule.name, "", "")):
            found.append(Mutant(rule.name, change, (replace(rule, when=condition),)))
        found += [Mutant(rule.name, change, (other,)) for other, change in _other_keeping(rule)]
    for stage in moving:
        assert stage.when is not None
        for condition, change in _distinct(stage.when, Change(stage.mark, stage.name, "", "")):
            found.append(Mutant(_stage_words(stage), change, stages=(replace(stage, when=condition),)))
    found += _scope_mutants(
        rules, [*(rule.when for rule in chosen), *(one.when for one in moving if one.when)]
    )
    for group in rules.groups:
        if names is None or names & set(group.members):
            found += _other_orders(rules, group)
    return sorted(found, key=lambda one: (one.change.mark.file, one.change.mark.line, one.change.mark.column))


def _stage_words(stage: StageRule) -> str:
    return tr(f"阶段「{stage.name}」", f"stage “{stage.name}”")


def _scope_mutants(rules: RuleSet, chosen: list[Condition]) -> Iterator[Mutant]:
    """The mutants of every scope that some of the conditions count within, with whatever uses it."""
    for scope in dict.fromkeys(scope for when in chosen for scope in scopes_in(when)):
        users = [rule for rule in rules.tags if scope in scopes_in(rule.when)]
        stages = [one for one in rules.stages if one.when is not None and scope in scopes_in(one.when)]
        of = "、".join([*(rule.name for rule in users), *map(_stage_words, stages)])
        for condition, change in _distinct(scope.when, None):
            other = replace(scope, when=condition)
            yield Mutant(
                of,
                change,
                tuple(replace(rule, when=_swapped(rule.when, scope, other)) for rule in users),
                tuple(replace(one, when=_swapped(one.when, scope, other)) for one in stages),
            )


def _other_orders(rules: RuleSet, group: TagGroup) -> Iterator[Mutant]:
    """A group with two neighbours in the other order, where a customer can fit both."""
    by_name = {rule.name: rule for rule in rules.tags}
    for at in range(0 if group.is_disjoint else len(group.members) - 1):
        first, second = (by_name[name] for name in group.members[at : at + 2])
        if second.is_default or exclude_each_other(first.when, second.when):
            continue
        members = (*group.members[:at], second.name, first.name, *group.members[at + 2 :])
        what = tr(f"排到「{second.name}」后面", f"after “{second.name}”")
        missing = tr(
            f"缺同时满足「{first.name}」和「{second.name}」的用例",
            f"no case fits both “{first.name}” and “{second.name}”",
        )
        change = Change(first.mark, first.name, what, missing)
        yield Mutant(first.name, change, (first, second), group=replace(group, members=members))


def _other_keeping(rule: TagRule) -> Iterator[tuple[TagRule, Change]]:
    """A day more and a day less of `keep`; what is kept for good follows its condition instead."""
    days = rule.keep.days
    for other, at in (
        ((0, None),) if days is None else ((days + 1, days + 1), (days - 1, days)) if days else ()
    ):
        what = tr(f"keep 改成 {other}d", f"keep becomes {other}d")
        missing = (
            tr("缺条件不再成立以后的用例", "no case after the condition has ended")
            if at is None
            else tr(f"缺条件成立后第 {at} 天的用例", f"no case {at} days after the condition held")
        )
        yield replace(rule, keep=Keeping(other)), Change(rule.mark, rule.name, what, missing)


def scopes_in(node: object) -> list[Scope]:
    """Every scope that a condition counts within."""
    found: dict[Scope, None] = {}
    for one in _inside(node):
        if isinstance(one, Scope):
            found[one] = None
    return list(found)


def _inside(node: object) -> Iterator[object]:
    yield node
    if isinstance(node, tuple):
        for one in node:
            yield from _inside(one)
    elif is_dataclass(node) and not isinstance(node, Mark):
        for field in fields(node):
            yield from _inside(getattr(node, field.name))


def _swapped(node: Any, old: object, new: object) -> Any:
    """The same tree with one part in place of another, wherever it stands."""
    if type(node) is type(old) and node == old:
        return new
    if isinstance(node, tuple):
        return tuple(_swapped(one, old, new) for one in node)
    if is_dataclass(node) and not isinstance(node, type | Mark):
        changes = {
            field.name: swapped
            for field in fields(node)
            if (swapped := _swapped(value := getattr(node, field.name), old, new)) is not value
            and swapped != value
        }
        return replace(node, **changes) if changes else node
    return node


def _distinct(condition: Condition, place: Change | None) -> Iterator[tuple[Condition, Change]]:
    """Every changed condition once: none that means what the rule means, none that means what another does."""
    known = {_plain(condition)}
    own = condition.written
    if own is not None and own.is_line:
        yield TRUE, _left_out(condition)
        known.add(TRUE)
    for changed, change in _changed(condition, place):
        meaning = _plain(changed)
        if meaning not in known:
            known.add(meaning)
            yield changed, change


def _plain(condition: Condition) -> Condition:
    """A form in which equal meanings are equal: bounds of stepwise values as >= and <=, lists of one as their one."""
    match condition:
        case NumberTest(operator=">=" | ">" | "<=" | "<") if step_of(condition.value) is not None:
            goal, _ = nearest_fit(condition)
            if condition.operator in (">=", ">") and goal <= _least(condition.value):
                return TRUE
            operator: Operator = ">=" if condition.operator in (">=", ">") else "<="
            return NumberTest(condition.value, operator, int(goal * 100))
        case AllOf(members) | AnyOf(members):
            plain = tuple(dict.fromkeys(map(_plain, members)))
            if isinstance(condition, AllOf):
                plain = tuple(one for one in plain if one != TRUE)
            return plain[0] if len(plain) == 1 else type(condition)(plain)
        case Not(member):
            return Not(_plain(member))
        case AtLeast(n, members):
            if n == len(members):
                return _plain(AllOf(members))
            return _plain(AnyOf(members)) if n == 1 else AtLeast(n, tuple(map(_plain, members)))
        case Did():
            return replace(condition, when=None if condition.when is None else _plain(condition.when))
        case _:
            return condition


def _least(value: NumberValue) -> int:
    """The least a number can be, where it is never missing: counts are 0 at least, of a `did` 1; else very low."""
    if value in (DEED_TIMES, DEED_DAYS):
        return 1
    is_count = isinstance(value, Metric) and value.aggregate in ("count", "days", "distinct")
    return 0 if is_count else -(10**12)


def _changed(
    condition: Condition, place: Change | None, *, is_told: bool = False
) -> Iterator[tuple[Condition, Change]]:
    """One change at a time, anywhere in a tree; `place` is the nearest line around, or (not `is_told`) the rule."""
    written = condition.written
    is_told |= written is not None
    if written is not None:
        place = Change(written.mark, written.text, "", "")
    if written is not None and not written.is_line:
        yield from _changed_nesting(condition)
    elif isinstance(condition, NumberTest) and place is not None:
        yield from _moved_bound(condition, place)
    if isinstance(condition, Did) and place is not None:
        yield from _changed_did(condition, place)
    if place is not None and not members_of(condition):
        yield from _moved_windows(condition, place)
    # What `else` of a map leaves over is written nowhere as a list.
    if place is not None and (is_told or isinstance(condition, AnyOf)):
        yield from without_words(condition, place)
    for number, member in enumerate(members_of(condition)):
        for changed, change in _changed(member, place, is_told=is_told):
            yield _with_member(condition, number, changed), change


def _with_member(condition: Condition, number: int, member: Condition) -> Condition:
    if isinstance(condition, Not):
        return replace(condition, member=member)
    assert isinstance(condition, AllOf | AnyOf | AtLeast)
    members = condition.members
    return replace(condition, members=(*members[:number], member, *members[number + 1 :]))


def _changed_nesting(condition: Condition) -> Iterator[tuple[Condition, Change]]:
    """A written list without one of its members, with all for any, with one more or fewer to be met."""
    written = condition.written
    assert written is not None
    if isinstance(condition, Not):
        inner = condition.member
        if written.text == "none" and isinstance(inner, AnyOf):
            for changed, change in _changed_list(inner, written.text, written.mark):
                yield replace(condition, member=changed), change
        return
    if isinstance(condition, AtLeast):
        size = len(condition.members)
        for n in (condition.n - 1, condition.n + 1):
            if 1 <= n <= size:
                what = tr(f"n 改成 {n}", f"n becomes {n}")
                missing = tr(
                    f"缺刚好满足 {min(n, condition.n)} 个的用例",
                    f"no case meets exactly {min(n, condition.n)}",
                )
                yield replace(condition, n=n), Change(written.mark, "at_least", what, missing)
    yield from _changed_list(condition, written.text, written.mark)


def _changed_did(did: Did, place: Change) -> Iterator[tuple[Condition, Change]]:
    """Its counts, what it looks for in the deeds, how long after a push, and what must not follow."""
    for changed, change in _changed(did.when, place) if did.when is not None else ():
        yield replace(did, when=changed), change
    if did.where is not None:
        yield (
            replace(did, where=None),
            _of_did(place, "where", tr("缺只有 where 不符的用例", "no case fails only where")),
        )
        for changed, change in _changed(did.where, place):
            yield replace(did, where=changed), change
    if did.without is not None:
        missing = tr("缺后来又做了 without 那件事的用例", "no case does what without names")
        yield replace(did, without=None), _of_did(place, "without", missing)
    if did.after is not None:
        for hours in (did.after.hours + 1, did.after.hours - 1):
            if hours >= 1:
                what = tr(f"hours 改成 {hours}", f"hours becomes {hours}")
                at = max(hours, did.after.hours)
                missing = tr(f"缺推送后第 {at} 小时的用例", f"no case {at} hours after the push")
                changed_after = replace(did.after, hours=hours)
                yield replace(did, after=changed_after), replace(place, change=what, missing=missing)


def _of_did(place: Change, key: str, missing: str) -> Change:
    return replace(place, change=tr(f"去掉 {key}", f"without {key}"), missing=missing)


def _changed_list(condition: Condition, key: str, mark: Mark) -> Iterator[tuple[Condition, Change]]:
    assert isinstance(condition, AllOf | AnyOf | AtLeast)
    members = condition.members
    for number, member in enumerate(members):
        rest = (*members[:number], *members[number + 1 :])
        yield _without(condition, rest), _left_out(member, mark)
    if len(members) > 1 and not isinstance(condition, AtLeast):
        other = "any" if isinstance(condition, AllOf) else "all"
        changed = AnyOf(members) if isinstance(condition, AllOf) else AllOf(members)
        what = tr(f"{key} 改成{'任一' if other == 'any' else '全部'}满足", f"{key} becomes {other}")
        missing = tr("缺只满足其中一部分的用例", "no case meets only some of them")
        yield changed, Change(mark, key, what, missing)


def _without(condition: AllOf | AnyOf | AtLeast, rest: tuple[Condition, ...]) -> Condition:
    if isinstance(condition, AllOf):
        return AllOf(rest) if rest else TRUE
    if isinstance(condition, AnyOf):
        return AnyOf(rest) if rest else FALSE
    return AtLeast(condition.n, rest) if condition.n <= len(rest) else FALSE


def _left_out(condition: Condition, mark: Mark | None = None) -> Change:
    written = condition.written
    assert written is not None or mark is not None
    text = written.text if written is not None else ""
    place = written.mark if written is not None else cast(Mark, mark)
    missing = tr("缺只差这一条的用例", "no case differs in this line alone")
    return Change(place, text, tr("去掉这一条", "left out"), missing)


def _moved_bound(test: NumberTest, place: Change) -> Iterator[tuple[Condition, Change]]:
    """The bound turned between inclusive and exclusive, and moved to the looser or stricter side by a step."""
    step = nudge_of(test)

    def become(operator: Operator, hundredths: int, at: int) -> tuple[Condition, Change]:
        measure = test.value.measure
        what = tr("改成 ", "becomes ") + f"{operator} {bound_text(hundredths, measure)}"
        missing = tr(f"缺 {bound_text(at, measure)} 的边界用例", f"no case at {bound_text(at, measure)}")
        return replace(test, operator=operator, hundredths=hundredths), replace(
            place, change=what, missing=missing
        )

    bound = test.hundredths
    if test.operator == "=":
        for moved in (bound + step, bound - step):
            if moved >= 0:
                yield become("=", moved, moved)
        return
    yield become(_FLIPPED[test.operator], bound, bound)
    # Outwards where the bound itself counts, inwards where it does not: the other way the flip says more.
    sign = {">=": -1, "<=": 1, ">": 1, "<": -1}[test.operator]
    moved = bound + sign * step
    if moved >= 0:
        yield become(test.operator, moved, moved)


def nudge_of(test: NumberTest) -> int:
    """How far a bound is moved, in hundredths: a fen, a day, a count; one percent of a share in whole percents."""
    step = step_of(test.value)
    if step is not None:
        return step
    if test.value.measure is Measure.MONEY:
        return 1
    return 100 if test.hundredths % 100 == 0 else 1


def _moved_windows(leaf: Condition, place: Change) -> Iterator[tuple[Condition, Change]]:
    """The windows directly in a leaf's numbers, one longer and one shorter at either end."""
    windows = dict.fromkeys(
        one for one in _inside_numbers(leaf) if isinstance(one, Window) and one.kind in _WORDS
    )
    for window in windows:
        for other, at in _other_windows(window):
            what = tr("窗口改成 ", "the window becomes ") + _window_text(other)
            missing = tr(f"缺{at}的用例", f"no case {at}")
            yield _swapped_window(leaf, window, other), replace(place, change=what, missing=missing)


def _inside_numbers(leaf: Condition) -> Iterator[object]:
    """Windows of a leaf, leaving out what its scopes hold."""
    for field in fields(leaf):
        value = getattr(leaf, field.name)
        for metric in (value.upper, value.lower) if isinstance(value, Ratio) else (value,):
            if isinstance(metric, Metric):
                yield metric.window
            elif isinstance(metric, Window):
                yield metric


def _swapped_window(leaf: Condition, window: Window, other: Window) -> Condition:
    return cast(Condition, _swapped(leaf, window, other))


_WORDS: Mapping[str, tuple[str, str]] = {
    "last_days": ("近{0}天", "天"),
    "whole_days": ("过去{0}个整天", "天"),
    "last_months": ("近{0}月", "月"),
    "last_hours": ("近{0}小时", "小时"),
    "days_ago": ("{0}到{1}天前", "天"),
    "hours_ago": ("{0}到{1}小时前", "小时"),
}


def _window_text(window: Window) -> str:
    return _WORDS[window.kind][0].format(window.first, window.second)


def _other_windows(window: Window) -> Iterator[tuple[Window, str]]:
    """One longer and one shorter, with the age of the row that tells them from the window."""
    unit = _WORDS[window.kind][1]
    first, second = window.first, window.second
    # 近N天 holds today, so its oldest day is N − 1 ago.
    oldest = -1 if window.kind in ("last_days", "last_hours", "last_months") else 0
    if window.kind in ("days_ago", "hours_ago"):
        near = [(first - 1, second, first - 1), (first + 1, second, first)]
        far = [(first, second + 1, second + 1), (first, second - 1, second)]
        for low, high, at in (*near, *far):
            if 0 <= low <= high:
                yield replace(window, first=low, second=high), tr(f" {at} {unit}前", f" {at} {unit} ago")
        return
    for size, at in ((first + 1, first + 1 + oldest), (first - 1, first + oldest)):
        if size >= 1:
            yield replace(window, first=size), tr(f" {at} {unit}前", f" {at} {unit} ago")
