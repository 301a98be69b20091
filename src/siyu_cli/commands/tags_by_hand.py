"""客户: set-tag."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siyu_cli.context import Run
    from siyu_cli.rules.pins import Pinned
    from siyu_cli.sheets.account import ImportAccount
    from siyu_cli.sheets.table import CleanTable
    from siyu_cli.store.pins import Act


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "set-tag", "customers", tr(
        "人工给客户打上标签、去掉标签,或还给规则(或照一张表:手机号、标签)。人工改的规则从不改回去,直到 --release 或到期;"
        "同一组里以最后打的为准。\n\n"
        "例:\n\nsiyu set-tag 138****5671 员工亲友 --reason 门店同事\n\nsiyu set-tag 12 爱水果 --off\n\n"
        "siyu set-tag 12 爱水果 --release\n\nsiyu set-tag 12 活动嘉宾 --until 2026-12-31\n\nsiyu set-tag --file inbox/打标签.xlsx",
        "Give customers a tag by hand, take it away, or leave it to the rules again (or by a sheet: phone, tag). Rules "
        "never undo a hand until --release or its end; in a group the last one counts.\n\n"
        "Examples:\n\nsiyu set-tag 138****5671 员工亲友 --reason staff\n\nsiyu set-tag 12 爱水果 --off\n\n"
        "siyu set-tag 12 爱水果 --release\n\nsiyu set-tag 12 活动嘉宾 --until 2026-12-31\n\nsiyu set-tag --file inbox/tags.xlsx",
    ), writes=True, dated=True)  # fmt: skip
    def set_tag(
        ctx: AppContext,
        who: Annotated[list[str] | None, typer.Argument(metavar="WHO…", show_default=False, help=tr(
            "一位或几位客户:编号、手机号(打码的也行)、平台:买家账号、名字",
            "One or several customers: id, phone (masked is fine), platform:buyer, name"))] = None,
        tag: Annotated[str | None, typer.Argument(metavar="TAG", show_default=False, help=tr("标签", "Tag"))] = None,
        off: Annotated[bool, typer.Option("--off", show_default=False, help=tr(
            "去掉,规则也不再打上", "Take it away; rules do not give it again"))] = False,
        release: Annotated[bool, typer.Option("--release", show_default=False, help=tr(
            "交还给规则,下次 apply-tags 由规则定", "Back to the rules, which decide at the next apply-tags"))] = False,
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", show_default=False, help=tr(
            "原因,记在标签日志里", "Why; kept in the tag log"))] = "",
        until: Annotated[str | None, typer.Option("--until", metavar="DATE", show_default=False, help=tr(
            "算到哪一天为止(含),过了还给规则", "The last day it counts, then back to the rules"))] = None,
        file: Annotated[Path | None, typer.Option("--file", metavar="F", show_default=False, help=tr(
            "一张表:手机号或客户编号、标签,可以有 操作、原因、到期",
            "A sheet: phone or customer id, tag; action, reason and until if wanted",
        ))] = None,
    ) -> Outcome:  # fmt: skip
        if file is not None:
            if who or tag or off or release or reason or until:
                raise UsageRefused("usage", tr("--file 不和别的一起用", "--file goes alone"))
            return _by_sheet(ctx, file)
        if not who or tag is None:
            raise UsageRefused(
                "usage",
                tr("写客户,再写标签;或 --file 加一张表", "Give customers and then the tag, or --file with a sheet"),
                hint=tr("例:siyu set-tag 13800005671 员工亲友", "E.g. siyu set-tag 13800005671 员工亲友"),
            )  # fmt: skip
        if off and release:
            raise UsageRefused(
                "off-or-release", tr("--off 和 --release 只能写一个", "Either --off or --release")
            )
        act: Act = "pin_off" if off else "unpin" if release else "pin_on"
        return _by_hand(ctx, who, tag, act, reason, _last_day(ctx, until, act))


def _last_day(ctx: AppContext, until: str | None, act: Act) -> int | None:
    """The day of `--until`; UsageRefused where it is past, or has nothing to end."""
    from siyu_cli.clock import DAY_SECONDS, moment_of

    if until is None:
        return None
    if act == "unpin":
        raise UsageRefused(
            "until-of-release",
            tr("--release 没有到期的日子,去掉 --until", "A release has no end: leave --until out"),
        )
    day = moment_of(until, "--until") // DAY_SECONDS
    if day < ctx.as_of.day:
        raise UsageRefused(
            "until-past",
            tr(f"--until {until} 已经过了", f"--until {until} is past"),
            hint=tr(
                "写今天或以后的日子;不要这个标签了,用 --off",
                "Give today or a later day; to take the tag away use --off",
            ),
        )
    return day


def _by_hand(
    ctx: AppContext, who: list[str], tag: str, act: Act, reason: str, until_day: int | None
) -> Outcome:
    from siyu_cli.customers.card import find_customer
    from siyu_cli.rules import pins
    from siyu_cli.rules.tagging import workspace_rules

    rules, as_of = workspace_rules(ctx.workspace), ctx.as_of
    found = pins.find_tag(rules, tag)
    with ctx.run() as run:
        people = [find_customer(run.con, one) for one in who]
        done = pins.set_tag(
            run.con, rules, people, found, act,
            run_id=run.run_id, as_of=as_of, reason=reason, until_day=until_day,
        )  # fmt: skip
        run.counts = {"customers": len(done.people), "changed": done.changed}
    return _word_pins(done, run.run_id)


def _by_sheet(ctx: AppContext, path: Path) -> Outcome:
    """Every row its own hand; rows that cannot be are rejected one by one."""
    from siyu_cli.commands.importing import ImportOptions, run_import
    from siyu_cli.rules.tagging import workspace_rules
    from siyu_cli.sheets.said import read_said

    rules, as_of = workspace_rules(ctx.workspace), ctx.as_of

    def merge(run: Run, tables: Sequence[CleanTable]) -> ImportAccount:
        from siyu_cli.rules.tag_sheet import merge_tags

        return merge_tags(run.con, rules, run.run_id, as_of, tables)

    return run_import(ctx, [path], ("tags",), read_said, merge, _sheet_words, ImportOptions())


def _sheet_words(account: ImportAccount) -> list[str]:
    acts = (
        ("on", tr("打上", "on")), ("off", tr("去掉", "off")), ("released", tr("交还给规则", "released")),
    )  # fmt: skip
    lines = [
        f"  {tag}:" + tr("、", ", ").join(f"{word} {done[key]:,}" for key, word in acts if done[key])
        for tag, done in account.extra["tags"].items()
    ]
    return [tr("人工标签:", "Tags by hand:"), *lines] if lines else [tr("没有标签变化", "No tag changed")]


def _word_pins(done: Pinned, run_id: int) -> Outcome:
    columns = (
        Column("customer_id", tr("客户编号", "Customer")), Column("before", tr("之前", "Before")),
        Column("after", tr("之后", "After")),
    )  # fmt: skip
    words = {True: tr("有", "yes"), False: tr("没有", "no")}
    rows = [(str(one.customer_id), words[one.was_held], words[one.is_held]) for one in done.people]
    result = {
        "tag": done.tag,
        "action": done.act,
        "changed": done.changed,
        "customers": [
            {"customer_id": one.customer_id, "changed": one.is_changed, "was_held": one.was_held, "is_held": one.is_held}
            for one in done.people
        ],
    }  # fmt: skip
    acts = {
        "pin_on": tr("人工打上", "set by hand"),
        "pin_off": tr("人工去掉", "taken away by hand"),
        "unpin": tr(
            "还给规则,下次 apply-tags 由规则定", "back to the rules, which decide at the next apply-tags"
        ),
    }
    many, same = done.changed, len(done.people) - done.changed
    said = tr(f"「{done.tag}」{acts[done.act]}:{many:,} 人", f"“{done.tag}” {acts[done.act]}: {many:,}")
    if same:
        said += tr(f";{same:,} 人本来就是", f"; {same:,} already so")
    return Outcome(result, [Table(columns, rows)], after=[said], run_id=run_id)
