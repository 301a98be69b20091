"""客户: explain-tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.people import WhoArgument
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.explain import Explained, Story
    from siyu_cli.rules.tree import RuleSet
    from siyu_cli.store.tag_story import TagEntry

_LAST_CHANGES = 10


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "explain-tag", "customers", tr(
        "一位客户为什么有或没有一个标签:规则逐行的实际值和差多少、依据、谁在什么时候改的、不再购买会怎样。\n\n"
        "客户写编号、手机号(可以打码)、平台:买家账号或名字。不写标签就列出他有的全部标签和最近的变化。\n\n"
        "例:\n\nsiyu explain-tag 138****0001 重要客户·即将流失 --as-of 2025-03-15\n\nsiyu explain-tag 13800000001",
        "Why a customer has a tag or not: every line with its value and distance, the rows behind it, who changed "
        "it when, and what comes if nothing new happens.\n\n"
        "A customer is an id, a phone (masked works), platform:buyer or a name. Without a tag: all tags held.\n\n"
        "Examples:\n\nsiyu explain-tag 138****0001 重要客户·即将流失 --as-of 2025-03-15\n\nsiyu explain-tag 13800000001",
    ), dated=True)  # fmt: skip
    def explain_tag(
        ctx: AppContext,
        who: WhoArgument,
        tag: Annotated[str | None, typer.Argument(metavar="[TAG]", show_default=False, help=tr(
            "标签;不写就列出全部", "The tag; without it all are listed"))] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.customers.card import find_customer
        from siyu_cli.rules import explain, tagging

        rules, as_of = tagging.workspace_rules(ctx.workspace), ctx.as_of
        with ctx.read() as con:
            number = find_customer(con, who)
            if tag is None:
                return _word_story(rules, explain.tell_story(con, number), number)
            return _word_tag(explain.explain_tag(con, rules, number, tag, as_of))


def _word_story(rules: RuleSet, story: Story, customer_id: int) -> Outcome:
    """All tags held with their places, and the last changes."""
    from siyu_cli.clock import date_of
    from siyu_cli.rules.explain import entry_dict, held_dict

    by_name = {rule.name: rule for rule in rules.tags}
    held_columns = (
        Column("tag", tr("标签", "Tag")), Column("source", tr("谁打的", "By")), Column("since", tr("从", "Since")),
        Column("run_id", tr("执行", "Run")), Column("rule", tr("规则", "Rule")),
    )  # fmt: skip
    held = []
    for one in story.held:
        mark = by_name[one.tag].mark if one.tag in by_name else None
        source = tr("规则", "rule") if one.source == "auto" else tr("人工", "hand")
        held.append(
            (one.tag, source, date_of(one.set_day), one.run_id, f"{mark.file}:{mark.line}" if mark else None)
        )
    log = [(entry.tag, *_entry_row(entry)) for entry in story.log[:_LAST_CHANGES]]
    result = {
        "customer_id": customer_id,
        "held": [held_dict(one) for one in story.held],
        "log": [entry_dict(entry, by_name.get(entry.tag)) for entry in story.log],
    }
    tables = [Table(held_columns, held)]
    if log:
        tables.append(
            Table(
                (Column("tag", tr("标签", "Tag")), *_entry_columns()), log, tr("最近的变化", "Last changes")
            )
        )
    said = tr(f"客户 {customer_id}:{len(held)} 个标签", f"Customer {customer_id}: {len(held)} tags")
    return Outcome(result, tables, before=[said])


def _entry_columns() -> tuple[Column, ...]:
    return (
        Column("day", tr("日期", "Day")), Column("action", tr("变化", "Change")), Column("cause", tr("原因", "Cause")),
        Column("run_id", tr("执行", "Run")), Column("command", tr("命令", "Command")),
    )  # fmt: skip


def _entry_row(entry: TagEntry) -> tuple[Any, ...]:
    from siyu_cli.clock import date_of
    from siyu_cli.rules.causes import cause_words
    from siyu_cli.rules.explain import action_words

    cause = ",".join(filter(None, [cause_words(entry.cause), entry.reason]))
    return date_of(entry.day), action_words(entry), cause, entry.run_id, entry.command


def _word_tag(explained: Explained) -> Outcome:
    """The verdict, the lines, the rows behind them, the tags referred to, the history, what comes next."""
    from siyu_cli.rules.explain import reason_words

    notes = []
    if why := reason_words(explained):
        notes.append(why)
    if explained.rule is not None and (explained.held is not None) != explained.is_wanted:
        notes.append(
            tr("标签上次执行后变了:下次 apply-tags 会" + ("打上" if explained.is_wanted else "去掉"),
               "Changed since the last run: apply-tags will " + ("set it" if explained.is_wanted else "remove it"))
        )  # fmt: skip
    tables = [_line_table(explained), *_evidence_table(explained)]
    after = [_pin_words(explained) + _what_comes(explained)]
    if explained.rule is None:
        after = [_pin_words(explained)] if explained.pin != "none" else []
    if explained.log:
        rows = [_entry_row(entry) for entry in explained.log[:_LAST_CHANGES]]
        tables.append(Table(_entry_columns(), rows, tr("来龙去脉", "History")))
    return Outcome(_document(explained), tables, before=notes, after=after)


def _headline(explained: Explained) -> str:
    """`✗ 没有「…」  规则 rules/流失.yaml:6 版本 3f2a9c1`."""
    sign = "✓" if explained.is_wanted else "✗"
    has = tr("有", "has") if explained.is_wanted else tr("没有", "has not")
    if explained.rule is None:
        return tr(
            f"{sign} {has}「{explained.tag}」  没有规则,只由人打",
            f"{sign} {has} “{explained.tag}”  no rule, set by hand",
        )
    mark = explained.rule.mark
    place = f"{mark.file}:{mark.line}"
    version = explained.rule.rule_hash[:7]
    return tr(f"{sign} {has}「{explained.tag}」  规则 {place} 版本 {version}",
              f"{sign} {has} “{explained.tag}”  rule {place} version {version}")  # fmt: skip


def _line_table(explained: Explained) -> Table:
    from siyu_cli.rules.trace import trace_rows

    columns = (
        Column("line", tr("条件", "Line")), Column("actual", tr("实际", "Actual")), Column("distance", tr("差", "Off by")),
    )  # fmt: skip
    rows: list[tuple[str, str, str]] = list(trace_rows(explained.trace, 1)) if explained.trace else []
    for name, is_held, trace in explained.referred:
        rows.append((f"{'✓' if is_held else '✗'} {name}", tr("引用的标签", "a tag referred to"), ""))
        rows += trace_rows(trace, 1)
    return Table(columns, [(_headline(explained), "", ""), *rows])


def _evidence_table(explained: Explained) -> list[Table]:
    from siyu_cli.clock import format_seconds

    columns = (
        Column("line", tr("条件", "Line")),
        Column("at", tr("时间", "At")),
        Column("what", tr("依据", "Evidence")),
    )
    # Lines that rest on the same rows share them.
    lines: dict[Any, list[str]] = {}
    for text, found in explained.evidence:
        lines.setdefault(found, []).append(text)
    rows = [
        ("、".join(texts) if number == 0 else "", format_seconds(one.at_sec)[:16], one.words)
        for found, texts in lines.items()
        for number, one in enumerate(found)
    ]
    return [Table(columns, rows, tr("依据(最近三行)", "Evidence (up to three rows)"))] if rows else []


def _pin_words(explained: Explained) -> str:
    """`人工锁定:锁定打上(到 2026-12-31)`."""
    from siyu_cli.clock import date_of

    pins = {"on": tr("锁定打上", "pinned on"), "off": tr("锁定去掉", "pinned off")}
    pin = pins.get(explained.pin, tr("无", "none"))
    if explained.pin_until_day is not None:
        until = date_of(explained.pin_until_day)
        pin += tr(f"(到 {until})", f" (until {until})")
    return tr(f"人工锁定:{pin}", f"Pin: {pin}")


def _what_comes(explained: Explained) -> str:
    from siyu_cli.rules.replay import turn_words

    coming = turn_words(list(explained.turns), is_held=explained.is_wanted)
    return tr(f"   若不再购买:{coming}", f"   If nothing new happens: {coming}")


def _document(explained: Explained) -> dict[str, Any]:
    from siyu_cli.clock import date_of
    from siyu_cli.rules.explain import entry_dict, held_dict, reason_words
    from siyu_cli.rules.replay import DAYS

    rule = explained.rule
    return {
        "customer_id": explained.customer_id,
        "tag": explained.tag,
        "is_wanted": explained.is_wanted,
        "reason": explained.reason.name.lower(),
        "reason_words": reason_words(explained),
        "held": None if explained.held is None else held_dict(explained.held),
        "pin": explained.pin,
        "pin_until": None if (until := explained.pin_until_day) is None else date_of(until).isoformat(),
        "rule": None if rule is None else {
            **rule.mark.where().as_dict(), "hash": rule.rule_hash, "group": rule.group or None,
            "keep_days": rule.keep.days, "note": rule.note,
        },
        "winner": explained.winner or None,
        "trace": explained.trace.as_dict() if explained.trace else None,
        "evidence": [
            {"text": text, "rows": [one.as_dict() for one in found]} for text, found in explained.evidence
        ],
        "referred": [
            {"tag": name, "is_wanted": is_held, "trace": trace.as_dict()}
            for name, is_held, trace in explained.referred
        ],
        "log": [entry_dict(entry, rule) for entry in explained.log],
        "forecast": {
            "days": DAYS,
            "turns": [{"day": turn.date.isoformat(), "is_wanted": turn.is_held} for turn in explained.turns],
        },
    }  # fmt: skip
