"""What a run may not change at once: the guards of tags and stages, and the one time a person lets one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.errors import StoppedByGuard, UsageRefused
from siyu_cli.language import tr
from siyu_cli.words import fold

if TYPE_CHECKING:
    from siyu_cli.rules.tree import Guard, StageRule
    from siyu_cli.store.stages import StageCount
    from siyu_cli.store.tags import TagCount

# A rule that suddenly takes its tag from a third of its holders is more often a mistake than a change.
TAG_REMOVE_PCT = 30
# Below this many holders a third is a few people, and small shops would be stopped every day.
TAG_GUARDED_FROM = 20
# A stage is left for good: nothing brings customers back by itself. But promotions do move many at once.
STAGE_OUT_PCT = 50
# Below this many a half is a good day's work.
STAGE_GUARDED_FROM = 100


@dataclass(frozen=True)
class Stop:
    """A tag or stage that changes too much, and the sentence that says so."""

    name: str
    reason: str


def tag_stop(count: TagCount, guard: Guard) -> Stop | None:
    """A tag's change that is too large, or None."""
    if guard.max_add is not None and count.added > guard.max_add:
        reason = tr(
            f"「{count.tag}」要新增 {count.added:,} 人,上限 {guard.max_add:,}",
            f"“{count.tag}” would gain {count.added:,}, the limit is {guard.max_add:,}",
        )
        return Stop(count.tag, reason)
    percent = guard.max_remove_pct
    if percent is None:
        percent = TAG_REMOVE_PCT if count.before >= TAG_GUARDED_FROM else 100
    if count.removed * 100 > percent * count.before:
        reason = tr(
            f"「{count.tag}」要去掉 {count.removed:,} 人(原有 {count.before:,}),上限 {percent}%",
            f"“{count.tag}” would lose {count.removed:,} of {count.before:,}, the limit is {percent}%",
        )
        return Stop(count.tag, reason)
    return None


def stage_stop(number: int, stage: StageRule, count: StageCount) -> Stop | None:
    """A stage's moves that are too many, or None. New customers, and what people said, are not looked at.

    The first stage (number 0) is there to be left: without a guard of its own it may empty.
    """
    guard = stage.guard
    if guard.max_add is not None and count.by_rule_in > guard.max_add:
        reason = tr(
            f"阶段「{stage.name}」要移入 {count.by_rule_in:,} 人,上限 {guard.max_add:,}",
            f"Stage “{stage.name}” would gain {count.by_rule_in:,}, the limit is {guard.max_add:,}",
        )
        return Stop(stage.name, reason)
    percent = guard.max_remove_pct
    if percent is None:
        percent = STAGE_OUT_PCT if number and count.standing >= STAGE_GUARDED_FROM else 100
    if count.by_rule_out * 100 > percent * count.standing:
        reason = tr(
            f"阶段「{stage.name}」要移出 {count.by_rule_out:,} 人(原有 {count.standing:,}),上限 {percent}%",
            f"Stage “{stage.name}” would lose {count.by_rule_out:,} of {count.standing:,}, the limit is {percent}%",
        )
        return Stop(stage.name, reason)
    return None


def check_stops(stops: Sequence[Stop], past: Sequence[str]) -> None:
    """StoppedByGuard unless a person let every stop pass by its name; `past` holds names, or several with 、.

    A name that nothing stops is refused, too: such an option, left in a script, would wait there for the day on
    which the guard is needed.
    """
    known = {fold(stop.name) for stop in stops}
    named = [name for text in past for name in ([text] if fold(text) in known else text.split("、"))]
    idle = [name for name in named if fold(name) not in known]
    if idle:
        names = "".join(f"「{name}」" for name in idle)
        stopped = "、".join(dict.fromkeys(stop.name for stop in stops))
        raise UsageRefused(
            "nothing-to-pass",
            tr(f"护栏没有拦{names},什么也没写", f"No guard stops {names}; nothing written"),
            hint=tr(f"这一次被拦的是:{stopped}", f"Stopped this time: {stopped}")
            if stops
            else tr("这一次什么也没被拦,去掉 --past-guard", "Nothing is stopped: leave --past-guard out"),
        )
    passed = {fold(name) for name in named}
    left = [stop for stop in stops if fold(stop.name) not in passed]
    if left:
        raise StoppedByGuard(
            "tag-guard",
            tr("变化太大,什么也没写:", "Too much would change, nothing written: ")
            + ";".join(stop.reason for stop in left),
            hint=tr("先用 siyu plan-tags 看原因。", "First see with siyu plan-tags why. ")
            + how_to_pass(stops),
        )


def how_to_pass(stops: Sequence[Stop], plan: str = "") -> str:
    """What to type to let these pass this once: a plan to look at, and their names. `plan`: the file is there already."""
    names = "、".join(dict.fromkeys(stop.name for stop in stops))
    quoted = f'"{names}"' if any(sign in names for sign in " \t&|;<>()$`'*?#!\\") else names
    file = plan or tr("计划.json", "plan.json")
    then = f"siyu apply-tags {file} --past-guard {quoted}"
    if plan:
        return tr(f"没有错、只放这一次:{then}", f"If it is right, this once: {then}")
    first = f"siyu plan-tags --out {file}"
    return tr(
        f"没有错、只放这一次:{first},看过再 {then}",
        f"If it is right, this once: {first}, look at it, then {then}",
    )
