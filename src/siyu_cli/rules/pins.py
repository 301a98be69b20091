"""Setting tags by hand: which tag is meant, whether a hand may touch it, and the pins themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.rules.problems import tag_suggestion
from siyu_cli.store.pins import Act, Touched, set_pins
from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.rules.tree import RuleSet


@dataclass(frozen=True)
class Pinned:
    """What one hand did: to which tag, and what became of each customer."""

    tag: str
    act: Act
    people: tuple[Touched, ...]

    @property
    def changed(self) -> int:
        return sum(one.is_changed for one in self.people)


def known_tags(rules: RuleSet) -> dict[str, str]:
    """Every tag of the rules by its folded name, those only people set among them."""
    return {fold(tag): tag for tag in (*rules.manual_tags, *(rule.name for rule in rules.tags))}


def forbidden_tags(rules: RuleSet) -> frozenset[str]:
    """The tags no hand may touch."""
    return frozenset(rule.name for rule in rules.tags if rule.by_hand.is_forbidden)


def members_of_groups(rules: RuleSet) -> dict[str, tuple[str, ...]]:
    """Exclusive group → its tags."""
    return {group.name: group.members for group in rules.groups}


def rivals_of(rules: RuleSet) -> dict[str, list[str]]:
    """Tag → the other tags of its exclusive group."""
    return {
        name: [other for other in members if other != name]
        for members in members_of_groups(rules).values()
        for name in members
    }


def find_tag(rules: RuleSet, name: str) -> str:
    """The tag of the rules that is meant; InputRefused for an unknown one, or one no hand may touch."""
    known = known_tags(rules)
    tag = known.get(fold(name))
    if tag is None:
        hint = tr(
            "只由人打的标签先写进规则的 manual_tags", "Tags only people set are listed in manual_tags first"
        )
        stages = [stage.name for stage in rules.stages]
        near = tag_suggestion(name, sorted(known.values()), members_of_groups(rules), stages)
        raise InputRefused(
            "unknown-tag",
            tr(f"规则里没有叫「{name}」的标签", f"The rules have no tag “{name}”"),
            hint=f"{near};{hint}" if near else hint,
        )
    if tag in forbidden_tags(rules):
        rule = next(rule for rule in rules.tags if rule.name == tag)
        where = tr(f"标签组「{rule.group}」", f"tag group “{rule.group}”") if rule.group else f"「{tag}」"
        raise InputRefused(
            "tag-by-rule-only",
            tr(
                f"「{tag}」不许人工改({where}写着 manual: forbid)",
                f"“{tag}” is not to be set by hand ({where})",
            ),
            hint=tr("要改就改规则,或去掉 manual: forbid", "Change the rule, or take manual: forbid out"),
        )
    return tag


def set_tag(
    con: DuckDBPyConnection,
    rules: RuleSet,
    people: Collection[int],
    tag: str,
    act: Act,
    *,
    run_id: int,
    as_of: AsOf,
    reason: str = "",
    until_day: int | None = None,
) -> Pinned:
    """Pin a tag on or off customers (until a day, that day included), or give it back to the rules."""
    touched = set_pins(
        con,
        people,
        tag,
        act,
        day=as_of.day,
        run_id=run_id,
        reason=reason,
        group=rivals_of(rules).get(tag, ()),
        has_rule=any(rule.name == tag for rule in rules.tags),
        until_day=until_day,
    )
    return Pinned(tag, act, tuple(touched))
