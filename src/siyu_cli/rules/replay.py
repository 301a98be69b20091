"""What becomes of a tag if nothing new happens: the rule again on each of the coming days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import DAY_SECONDS, AsOf, date_of
from siyu_cli.language import tr
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.fields import facts_of
from siyu_cli.rules.tree import RuleSet, tags_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAYS = 90
# Columns of facts that count days up to D.
_AGING = ("friend_days", "stage_days")


@dataclass(frozen=True)
class Turn:
    """A day on which a tag comes or goes."""

    day: int
    is_held: bool

    @property
    def date(self) -> date:
        return date_of(self.day)


def only_needed(rules: RuleSet, tags: Collection[str]) -> RuleSet:
    """The rules of some tags, of the tags they refer to, and of the groups any of these are in."""
    by_name = {rule.name: rule for rule in rules.tags}
    group_of = {name: group for group in rules.groups for name in group.members}
    needed: set[str] = set()
    waiting = [tag for tag in tags if tag in by_name]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        waiting += [tag for tag in tags_in(by_name[name].when) if tag in by_name]
        waiting += group_of[name].members if name in group_of else ()
    strata = tuple(tuple(rule for rule in layer if rule.name in needed) for layer in rules.strata)
    return RuleSet(
        files=rules.files,
        rules=len(needed),
        tags=tuple(rule for rule in rules.tags if rule.name in needed),
        strata=tuple(layer for layer in strata if layer),
        manual_tags=rules.manual_tags,
        groups=tuple(group for group in rules.groups if group.members and group.members[0] in needed),
    )


def turns_of(
    con: DuckDBPyConnection,
    rules: RuleSet,
    tag: str,
    as_of: AsOf,
    *,
    is_held: bool,
    pinned: Collection[str] = (),
    days: int = DAYS,
) -> list[Turn]:
    """The days up to D + `days` on which the tag of the one customer in the fact tables comes or goes.

    Facts stay as they are now, only days since something grow, and days of grace go on running.
    """
    turns: list[Turn] = []
    last: tuple[Any, ...] = ()
    row: dict[str, Any] = {}
    for day in range(as_of.day + 1, as_of.day + days + 1):
        query = compile_tags(rules, AsOf(day * DAY_SECONDS + DAY_SECONDS - 1), pinned=pinned)
        aging = [(facts_of(column), column) for column in _AGING if facts_of(column) in query.tables]
        for table, column in aging:
            con.execute(f"UPDATE {table} SET {column} = {column} + 1")
        # A rule that does not look at time asks the same every day.
        if aging or (query.text, query.params) != last:
            cursor = con.execute(query.text, list(query.params))
            names = [one[0] for one in cursor.description]
            row = dict(zip(names, cursor.fetchall()[0], strict=True))
            last = (query.text, query.params)
        now = row[next(column for column, name in query.columns if name == tag)] == 1
        if now != is_held:
            turns.append(Turn(day, now))
            is_held = now
        _remember(con, [name for column, name in query.truths if row[column] == 1], row["customer_id"], day)
    return turns


def _remember(con: DuckDBPyConnection, tags: Collection[str], customer_id: int, day: int) -> None:
    """These conditions were true on that day."""
    for tag in tags:
        key = [customer_id, tag]
        con.execute("INSERT INTO fact_tag_state VALUES (?, ?, 0, 0, ?)", [*key, day])


def turn_words(turns: list[Turn], *, is_held: bool, days: int = DAYS) -> str:
    """`2025-04-14 起去掉`, `90 天内不会恢复`."""
    if not turns:
        if is_held:
            return tr(f"{days} 天内一直有", f"stays for {days} days")
        return tr(f"{days} 天内不会打上", f"not within {days} days")
    first, *later = turns
    said = tr(f"{first.date} 起{'打上' if first.is_held else '去掉'}",
              f"{'set' if first.is_held else 'removed'} from {first.date}")  # fmt: skip
    for turn in later[:1]:
        said += tr(f",{turn.date} 起{'又打上' if turn.is_held else '去掉'}",
                   f", {'set again' if turn.is_held else 'removed'} from {turn.date}")  # fmt: skip
    return said
