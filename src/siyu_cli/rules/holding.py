"""Who holds a tag in the end: conditions, grace (`keep`), pins, and the one winner of an exclusive group.

    held  = condition, or last_true_day is there and D − last_true_day <= keep
    final = pinned on, or held and not pinned off
    group = the member pinned on last; else the first held one that is not pinned off

Only tags with something of this take the further steps: a tag without keep, pins and priorities is its
condition. `fact_tag_state` has one row per (customer, tag) that people or earlier runs have left a mark on:
    customer_id, tag, pin_rank (0: not pinned on; the greater the newer), is_off (0/1), last_true_day (or NULL)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntEnum

from siyu_cli.rules.sql import Sql, bind, combine, flag, join, sql
from siyu_cli.rules.tree import RuleSet, TagGroup, TagRule

STATE_TABLE = "fact_tag_state"


class Reason(IntEnum):
    """Why a customer has a tag (the first three) or has it not although the rule held."""

    NONE = 0
    RULE = 1
    GRACE = 2
    PIN = 3
    BLOCKED = 4
    """A person took it away, or gave another tag of the group."""
    OUTRANKED = 5
    """An earlier tag of the group won."""


class Holding:
    """The columns between a rule's condition and its tag; `columns` names each tag's final column."""

    def __init__(self, rules: RuleSet, day: int, pinned: Collection[str], columns: dict[str, str]) -> None:
        self.day = day
        self.columns = columns
        self.rules = {rule.name: rule for rule in rules.tags}
        self.pinned = {name for name in pinned if name in self.rules}
        self.groups = {group.name: group for group in rules.groups if self._is_contest(group)}
        in_groups = {name for group in self.groups.values() for name in group.members}
        self.special = {
            name for name, rule in self.rules.items() if name in in_groups or name in self.pinned or rule.keep
        }
        self.winners = {name: f"x{number}" for number, name in enumerate(self.groups, start=1)}

    def _is_contest(self, group: TagGroup) -> bool:
        """Whether several members can be held at once, so that somebody has to win."""
        return not group.is_disjoint or any(name in self.pinned for name in group.members)

    def condition(self, name: str) -> str:
        """The 0/1 column of a tag's condition today."""
        return f"c_{self.columns[name]}" if name in self.special else self.columns[name]

    def reasons(self) -> tuple[tuple[str, str], ...]:
        """(column of a Reason, tag) of the tags that take the further steps."""
        return tuple((f"y_{self.columns[name]}", name) for name in sorted(self.special))

    def truths(self) -> tuple[tuple[str, str], ...]:
        """(0/1 column of the condition today, tag) of the tags with `keep` or pins."""
        told = sorted(name for name in self.special if self.rules[name].keep or name in self.pinned)
        return tuple((self.condition(name), name) for name in told)

    def several(self) -> tuple[tuple[str, str], ...]:
        """(0/1 column: several members' conditions are true, group) of the groups with priorities."""
        return tuple(
            (f"s_{self.winners[name]}", name) for name, group in self.groups.items() if not group.is_disjoint
        )

    def marks(self) -> list[tuple[str, Sql, str]]:
        """(column of base, its aggregate over fact_tag_state, its expression after the join)."""
        found: list[tuple[str, Sql, str]] = []
        for name in sorted(self.special):
            column = self.columns[name]
            if name in self.pinned:
                rank = sql("MAX(CASE WHEN tag = {} THEN pin_rank ELSE 0 END)", bind(name))
                off = sql("MAX(CASE WHEN tag = {} THEN is_off ELSE 0 END)", bind(name))
                found.append((f"p_{column}", rank, f"COALESCE(st.a_p_{column}, 0)"))
                found.append((f"o_{column}", off, f"COALESCE(st.a_o_{column}, 0)"))
            if self.rules[name].keep:
                last = sql("MAX(CASE WHEN tag = {} THEN last_true_day END)", bind(name))
                found.append((f"k_{column}", last, f"st.a_k_{column}"))
        return found

    def tables(self) -> list[tuple[str, Sql]]:
        """The CTE that puts a customer's marks into one row."""
        marks = [sql(f"{{}} AS a_{name}", aggregate) for name, aggregate, _ in self.marks()]
        if not marks:
            return []
        body = sql(f"SELECT customer_id, {{}} FROM {STATE_TABLE} GROUP BY customer_id", join(", ", marks))
        return [("tag_state", body)]

    def steps(self, layer: Iterable[TagRule]) -> list[list[tuple[str, Sql]]]:
        """What comes after a layer's conditions: winners of groups, then tags with their reasons."""
        members = [rule.name for rule in layer if rule.name in self.special]
        groups = [group for group in self.groups.values() if group.members and group.members[0] in members]
        winners = [(self.winners[group.name], self._winner(group)) for group in groups]
        winners += [(f"s_{self.winners[g.name]}", self._several(g)) for g in groups if not g.is_disjoint]
        final = [(self.columns[name], flag(self._is_final(name))) for name in members]
        final += [(f"y_{self.columns[name]}", self._reason(name)) for name in members]
        return [step for step in (winners, final) if step]

    def _held(self, name: str) -> Sql:
        rule = self.rules[name]
        condition = Sql(f"{self.condition(name)} = 1")
        if not rule.keep:
            return condition
        last = f"k_{self.columns[name]}"
        if rule.keep.days is None:
            return sql(f"({{}} OR {last} IS NOT NULL)", condition)
        return sql(
            f"({{}} OR ({last} IS NOT NULL AND {{}} - {last} <= {{}}))",
            condition, bind(self.day), bind(rule.keep.days),
        )  # fmt: skip

    def _may(self, name: str) -> Sql:
        """Held and not pinned off."""
        held = self._held(name)
        return sql(f"({{}} AND o_{self.columns[name]} = 0)", held) if name in self.pinned else held

    def _winner(self, group: TagGroup) -> Sql:
        """The place of the winner among the members, from 1; 0 for none."""
        pinned = [name for name in group.members if name in self.pinned]
        cases = [
            sql(f"WHEN {{}} THEN {group.members.index(name) + 1}", self._is_newest(name, pinned))
            for name in pinned
        ]
        cases += [
            sql(f"WHEN {{}} THEN {place}", self._may(name)) for place, name in enumerate(group.members, 1)
        ]
        return sql("CASE {} ELSE 0 END", join(" ", cases))

    def _is_newest(self, name: str, pinned: list[str]) -> Sql:
        """Pinned on after every other member; among equals the earlier member."""
        own, place = f"p_{self.columns[name]}", pinned.index(name)
        beaten = [
            Sql(f"{own} {'>' if other < place else '>='} p_{self.columns[rival]}")
            for other, rival in enumerate(pinned)
            if other != place
        ]
        return combine("AND", [Sql(f"{own} > 0"), *beaten])

    def _several(self, group: TagGroup) -> Sql:
        """The default stands behind every member and does not count."""
        conditions = [Sql(self.condition(name)) for name in group.members if not self.rules[name].is_default]
        return flag(sql("({}) >= 2", combine("+", conditions)))

    def _is_final(self, name: str) -> Sql:
        group = self.groups.get(self.rules[name].group)
        if group is not None:
            return Sql(f"{self.winners[group.name]} = {group.members.index(name) + 1}")
        if name in self.pinned:
            return sql(f"(p_{self.columns[name]} > 0 OR {{}})", self._may(name))
        return self._held(name)

    def _reason(self, name: str) -> Sql:
        column, group = self.columns[name], self.groups.get(self.rules[name].group)
        pinned = name in self.pinned
        cases = (
            [sql(f"WHEN {{}} AND p_{column} > 0 THEN {Reason.PIN.value}", self._is_final(name))]
            if pinned
            else []
        )
        true = Sql(f"{self.condition(name)} = 1")
        cases.append(sql(f"WHEN {{}} AND {{}} THEN {Reason.RULE.value}", self._is_final(name), true))
        if self.rules[name].keep:
            cases.append(sql(f"WHEN {{}} THEN {Reason.GRACE.value}", self._is_final(name)))
        if group is None and not pinned:
            return sql("CASE {} ELSE 0 END", join(" ", cases))
        rivals = (
            [f"p_{self.columns[other]}" for other in group.members if other in self.pinned] if group else []
        )
        hands = [Sql(f"o_{column} = 1")] if pinned else []
        hands += [Sql(f"{rival} > 0") for rival in rivals if rival != f"p_{column}"]
        if hands:
            blocked = sql(
                f"WHEN {{}} AND {{}} THEN {Reason.BLOCKED.value}", self._held(name), combine("OR", hands)
            )
            cases.append(blocked)
        if group is not None:
            cases.append(sql(f"WHEN {{}} THEN {Reason.OUTRANKED.value}", self._held(name)))
        return sql("CASE {} ELSE 0 END", join(" ", cases))
