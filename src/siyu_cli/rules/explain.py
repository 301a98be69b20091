"""Why a customer has a tag or not: the rule line by line, evidence, hands and grace, history, what comes next.

Everything is asked of the compiled query over the facts of this one customer, so it is the truth that
plan-tags goes by, and cheap in a store of any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import date_of
from siyu_cli.customers.persons import only_people
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.rules.evidence import Evidence, evidence_of_line
from siyu_cli.rules.holding import Reason
from siyu_cli.rules.pins import members_of_groups
from siyu_cli.rules.problems import tag_suggestion
from siyu_cli.rules.replay import Turn, only_needed, turns_of
from siyu_cli.rules.tagging import evaluate
from siyu_cli.rules.trace import Traced, Tracer
from siyu_cli.rules.tree import RuleSet, TagRule
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.tag_story import TagEntry, TagHeld, pin_of, tag_log_of, tags_held
from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf


@dataclass(frozen=True)
class Explained:
    """One tag of one customer as of a moment.

    `is_wanted` is what the rules give today, pins and grace included; `held` is what the customer has now, by
    the last apply-tags or a person. Without a rule (`rule` None) only `held` and `log` say anything.
    """

    customer_id: int
    tag: str
    rule: TagRule | None
    is_wanted: bool
    reason: Reason
    winner: str
    held: TagHeld | None
    pin: str
    trace: Traced | None
    evidence: tuple[tuple[str, tuple[Evidence, ...]], ...]
    referred: tuple[tuple[str, bool, Traced], ...]
    log: tuple[TagEntry, ...]
    turns: tuple[Turn, ...]
    pin_until_day: int | None = None


@dataclass(frozen=True)
class Story:
    """All tags a customer holds, and the last changes of any."""

    held: tuple[TagHeld, ...]
    log: tuple[TagEntry, ...]


def tell_story(con: DuckDBPyConnection, customer_id: int) -> Story:
    """What a customer holds, and all that ever happened to the tags, the newest first."""
    return Story(tuple(tags_held(con, customer_id)), tuple(tag_log_of(con, customer_id)))


def explain_tag(
    con: DuckDBPyConnection, rules: RuleSet, customer_id: int, name: str, as_of: AsOf
) -> Explained:
    """Everything about one tag; InputRefused `unknown-tag` where nobody ever heard of it."""
    tag = _named(con, rules, customer_id, name)
    held = next((one for one in tags_held(con, customer_id) if one.tag == tag), None)
    log = tuple(tag_log_of(con, customer_id, tag))
    pin, until_day = pin_of(con, customer_id, tag)
    rule = next((rule for rule in rules.tags if rule.name == tag), None)
    if rule is None:
        return Explained(
            customer_id=customer_id,
            tag=tag,
            rule=None,
            is_wanted=held is not None,
            reason=Reason.NONE,
            winner="",
            held=held,
            pin=pin,
            trace=None,
            evidence=(),
            referred=(),
            log=log,
            turns=(),
            pin_until_day=until_day,
        )
    needed = only_needed(rules, [tag])
    tracer = Tracer(needed.tags)
    with only_people(con, [customer_id]):
        query = evaluate(con, needed, as_of, watch=tracer.watch)
        tracer.place(query.watched)
        (row,) = DuckDbEngine(con).query("SELECT * FROM tag_flags").to_pylist()
        is_set = {name: row[column] == 1 for column, name in query.columns}
        why = {name: Reason(row[column]) for column, name in query.reasons}
        trace = tracer.trace(tag, row)
        evidence = tuple(
            (line.text, found)
            for line in tracer.outlines[tag].lines()
            for found in evidence_of_line(con, line.condition, as_of)
            if found
        )
        turns = turns_of(con, needed, tag, as_of, is_held=is_set[tag], pinned=query.pinned)
    return Explained(
        customer_id=customer_id,
        tag=tag,
        rule=rule,
        is_wanted=is_set[tag],
        reason=why.get(tag, Reason.RULE if is_set[tag] else Reason.NONE),
        winner=_winner(rules, rule, is_set),
        held=held,
        pin=pin,
        trace=trace,
        evidence=evidence,
        referred=tuple(
            (name, is_set[name], tracer.trace(name, row)) for name in _referred(trace, tracer, row)
        ),
        log=log,
        turns=tuple(turns),
        pin_until_day=until_day,
    )


def _named(con: DuckDBPyConnection, rules: RuleSet, customer_id: int, name: str) -> str:
    """The tag that is meant: of the rules, set by hand, or of the customer's past."""
    past = {entry.tag for entry in tag_log_of(con, customer_id)}
    past |= {one.tag for one in tags_held(con, customer_id)}
    known = [*(rule.name for rule in rules.tags), *rules.manual_tags, *sorted(past)]
    named = {fold(one): one for one in reversed(known)}
    if fold(name) in named:
        return named[fold(name)]
    stages = [stage.name for stage in rules.stages]
    raise InputRefused(
        "unknown-tag",
        tr(f"没有叫「{name}」的标签", f"There is no tag “{name}”"),
        hint=tag_suggestion(name, list(dict.fromkeys(known)), members_of_groups(rules), stages),
    )


def _referred(trace: Traced, tracer: Tracer, row: Mapping[str, Any]) -> list[str]:
    """The tags with rules that a rule looks at, and those that they look at."""
    found: dict[str, None] = {}

    def look(traced: Traced) -> None:
        for name in traced.tags:
            if name in tracer.outlines and name not in found:
                found[name] = None
                look(tracer.trace(name, row))
        for member in traced.members:
            look(member)

    look(trace)
    return list(found)


def _winner(rules: RuleSet, rule: TagRule, is_set: Mapping[str, bool]) -> str:
    """Who has the place of a tag in its group; '' for nobody else."""
    group = next((group for group in rules.groups if group.name == rule.group), None)
    others = [name for name in group.members if name != rule.name] if group else []
    return next((name for name in others if is_set.get(name)), "")


def reason_words(explained: Explained) -> str:
    """Why the tag is wanted although its condition is not true, or the other way round; '' where it is plain."""
    match explained.reason:
        case Reason.GRACE:
            keep = explained.rule.keep.days if explained.rule else 0
            shown = (
                tr("一直保留", "kept for good")
                if keep is None
                else tr(f"保留 {keep} 天", f"kept {keep} days")
            )
            return tr(f"条件已不成立,还在保留期({shown})", f"the condition no longer holds, {shown}")
        case Reason.PIN:
            return tr("有人打上的,规则不动它", "set by a person; rules leave it")
        case Reason.BLOCKED:
            if explained.winner and explained.pin != "off":
                return tr(
                    f"有人打了同组的「{explained.winner}」",
                    f"a person gave “{explained.winner}” of the group",
                )
            return tr("条件成立,但有人去掉了它", "the condition holds, but a person took it away")
        case Reason.OUTRANKED:
            return tr(
                f"条件成立,但同组的「{explained.winner}」在前",
                f"outranked by “{explained.winner}” of its group",
            )
        case _:
            return ""


def action_words(entry: TagEntry) -> str:
    """A line of the log as people read it."""
    return {
        "add": tr("打上", "set"),
        "remove": tr("去掉", "removed"),
        "pin_on": tr("人工打上", "set by hand"),
        "pin_off": tr("人工去掉", "removed by hand"),
        "unpin": tr("交还给规则", "given back to the rules"),
    }.get(entry.action, entry.action)


def entry_dict(entry: TagEntry, rule: TagRule | None = None) -> dict[str, Any]:
    """A line of the log for `--format json`; `is_todays_rule` says whether the rule still means the same."""
    return {
        "tag": entry.tag,
        "action": entry.action,
        "day": date_of(entry.day).isoformat(),
        "cause": entry.cause,
        "reason": entry.reason,
        "run_id": entry.run_id,
        "command": entry.command,
        "rule_hash": entry.rule_hash,
        "is_todays_rule": rule is not None and entry.rule_hash == rule.rule_hash,
    }


def held_dict(held: TagHeld) -> dict[str, Any]:
    """How a tag is held for `--format json`."""
    return {
        "tag": held.tag,
        "source": held.source,
        "pin": held.pin,
        "since": date_of(held.set_day).isoformat(),
        "run_id": held.run_id,
    }
