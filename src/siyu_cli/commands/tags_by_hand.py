"""客户: set-tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.pins import Pinned


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "set-tag", "customers", tr(
        "人工给客户打上标签、去掉标签,或还给规则。人工改的规则从不改回去;同一组里以最后打的为准。\n\n"
        "例:\n\nsiyu set-tag 138****5671 员工亲友 --reason 门店同事\n\nsiyu set-tag 12 爱水果 --off\n\n"
        "siyu set-tag 12 爱水果 --unpin",
        "Give customers a tag by hand, take it away, or leave it to the rules again. Rules never undo a hand; in a group "
        "the last one counts.\n\n"
        "Examples:\n\nsiyu set-tag 138****5671 员工亲友 --reason staff\n\nsiyu set-tag 12 爱水果 --off\n\n"
        "siyu set-tag 12 爱水果 --unpin",
    ), writes=True, dated=True)  # fmt: skip
    def set_tag(
        ctx: AppContext,
        who: Annotated[list[str], typer.Argument(metavar="WHO…", show_default=False, help=tr(
            "一位或几位客户:编号、手机号(打码的也行)、平台:买家账号、名字",
            "One or several customers: id, phone (masked is fine), platform:buyer, name"))],
        tag: Annotated[str, typer.Argument(metavar="TAG", show_default=False, help=tr("标签", "Tag"))],
        off: Annotated[bool, typer.Option("--off", show_default=False, help=tr(
            "去掉,规则也不再打上", "Take it away; rules do not give it again"))] = False,
        unpin: Annotated[bool, typer.Option("--unpin", show_default=False, help=tr(
            "撤掉人工的决定,下次 apply-tags 由规则定", "Undo the hand; the rules decide at the next apply-tags"))] = False,
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", show_default=False, help=tr(
            "原因,记在标签日志里", "Why; kept in the tag log"))] = "",
    ) -> Outcome:  # fmt: skip
        from siyu_cli.customers.card import find_customer
        from siyu_cli.rules import pins
        from siyu_cli.rules.tagging import workspace_rules

        if off and unpin:
            raise UsageRefused("off-or-unpin", tr("--off 和 --unpin 只能写一个", "Either --off or --unpin"))
        rules, as_of = workspace_rules(ctx.workspace), ctx.as_of
        found = pins.find_tag(rules, tag)
        with ctx.run() as run:
            people = [find_customer(run.con, one) for one in who]
            done = pins.set_tag(
                run.con, rules, people, found, "pin_off" if off else "unpin" if unpin else "pin_on",
                run_id=run.run_id, as_of=as_of, reason=reason,
            )  # fmt: skip
            run.counts = {"customers": len(done.people), "changed": done.changed}
        return _word_pins(done, run.run_id)


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
