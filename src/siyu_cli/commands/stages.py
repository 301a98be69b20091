"""客户: set-stage; and the words of stages in plan-tags, apply-tags and show-customer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siyu_cli.context import Run
    from siyu_cli.rules.stages import StagePlan
    from siyu_cli.sheets.account import ImportAccount
    from siyu_cli.sheets.table import CleanTable


def register(app: typer.Typer) -> None:
    """Add this command to the panel of customers."""

    @command(app, "set-stage", "customers", tr(
        "手工定一位客户的阶段(或一张表:手机号或客户编号、阶段)。人定过的,规则不再动,直到 --release。每次变动都有记录。\n\n"
        "例:\n\nsiyu set-stage 13800005671 意向客户 --reason 问过礼盒价\n\nsiyu set-stage 138****5671 --release\n\n"
        "siyu set-stage --file inbox/阶段.xlsx",
        "Set a customer's stage by hand (or a sheet: phone, stage). Rules leave it alone until --release.\n\n"
        "Examples:\n\nsiyu set-stage 13800005671 意向客户 --reason asked\n\nsiyu set-stage 138****5671 --release\n\n"
        "siyu set-stage --file inbox/stages.xlsx",
    ), writes=True, dated=True)  # fmt: skip
    def set_stage(
        ctx: AppContext,
        who: Annotated[
            str | None,
            typer.Argument(metavar="WHO", show_default=False, help=tr(
                "客户编号、手机号(打码的也行)、平台:买家账号、外部联系人 id 或名字",
                "Customer id, phone (masked is fine), platform:buyer, external_userid or name")),
        ] = None,
        stage: Annotated[
            str | None, typer.Argument(metavar="STAGE", show_default=False, help=tr("阶段", "Stage"))
        ] = None,
        release: Annotated[
            bool, typer.Option("--release", show_default=False, help=tr("交还给规则,阶段先不变", "Back to the rules"))
        ] = False,
        reason: Annotated[
            str, typer.Option("--reason", metavar="TEXT", show_default=False, help=tr("为什么", "Why"))
        ] = "",
        file: Annotated[
            Path | None,
            typer.Option("--file", metavar="F", show_default=False,
                         help=tr("一张表:手机号或客户编号、阶段", "A sheet: phone or customer id, stage")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        if file is not None:
            if who or stage or release or reason:
                raise UsageRefused("usage", tr("--file 不和别的一起用", "--file goes alone"))
            return _by_sheet(ctx, file)
        if who is None or (stage is None) != release:
            raise UsageRefused(
                "usage",
                tr(
                    "写客户和阶段,或客户和 --release",
                    "Give a customer and a stage, or a customer and --release",
                ),
                hint=tr("例:siyu set-stage 13800005671 意向客户", "E.g. siyu set-stage 13800005671 意向客户"),
            )
        return _by_hand(ctx, who, stage, reason)


def _by_hand(ctx: AppContext, who: str, stage: str | None, reason: str) -> Outcome:
    from siyu_cli.customers.card import find_customer
    from siyu_cli.rules import stages, tagging

    rules = tagging.workspace_rules(ctx.workspace)
    wanted = None if stage is None else stages.find_stage(rules, stage)
    as_of = ctx.as_of
    with ctx.run() as run:
        stages.check_removed(run.con, rules)
        customer_id = find_customer(run.con, who)
        moved = stages.set_by_hand(run.con, rules, customer_id, wanted, run.run_id, as_of, reason)
        run.counts = {"customer_id": customer_id, "moved": int(moved.is_changed)}
    result = {
        "customer_id": customer_id, "before": moved.before, "after": moved.after, "changed": moved.is_changed,
        "released": wanted is None,
    }  # fmt: skip
    columns = (
        Column("customer_id", tr("客户", "Customer"), "count"), Column("before", tr("之前", "Before")),
        Column("after", tr("现在", "Now")),
    )  # fmt: skip
    return Outcome(
        result,
        [Table(columns, [(customer_id, moved.before, moved.after)])],
        after=[_said(moved.is_changed, wanted)],
        run_id=run.run_id,
    )


def _said(is_changed: bool, wanted: str | None) -> str:
    if wanted is None:
        if is_changed:
            return tr(
                "已交还给规则,下次 siyu apply-tags 按规则走",
                "Back to the rules: they decide at the next siyu apply-tags",
            )
        return tr("本来就没有人定过,什么也没变", "Nobody had set it by hand; nothing changed")
    if is_changed:
        return tr(
            "人定的阶段规则不会动;要交还给规则:--release", "Rules leave it alone; to hand it back: --release"
        )
    return tr("本来就是,什么也没变", "It stood there already; nothing changed")


SOURCE_WORDS = {
    "start": tr("开始", "start"), "rule": tr("规则", "rule"), "hand": tr("人", "hand"), "waited": tr("人(先记着的)", "hand, kept"),
    "release": tr("交还规则", "released"), "rename": tr("改名", "renamed"), "merged": tr("合并", "merged"), "undo": tr("撤回", "undone"),
}  # fmt: skip
"""Who decided a move of the history, as people read it."""


def stage_words(stage: dict[str, Any] | None) -> str:
    """A customer's stage on one line; empty where there are no stages."""
    if stage is None:
        return ""
    if stage["since_day"] is None:
        return str(stage["stage"])
    by_hand = tr(",人定的", ", set by hand") if stage["is_by_hand"] else ""
    return tr(
        f"{stage['stage']}({stage['since_day']} 起,{stage['days']:,} 天{by_hand})",
        f"{stage['stage']} (since {stage['since_day']}, {stage['days']:,} days{by_hand})",
    )


_COLUMNS = (
    Column("stage", tr("阶段", "Stage")), Column("before", tr("之前", "Before"), "count"),
    Column("moved_in", tr("+移入", "+In"), "count"), Column("moved_out", tr("−移出", "−Out"), "count"),
    Column("after", tr("之后", "After"), "count"),
)  # fmt: skip


def _stage_rows(plan: StagePlan) -> list[tuple[Any, ...]]:
    return [(one.stage, one.before, one.moved_in, one.moved_out, one.after) for one in plan.counts]


def stage_table(plan: StagePlan) -> Table:
    """Before, in, out and after of every stage."""
    return Table(_COLUMNS, _stage_rows(plan))


def stage_result(plan: StagePlan) -> dict[str, Any]:
    """What plan-tags and apply-tags say of stages to scripts."""
    keys = [column.key for column in _COLUMNS]
    return {
        "stages": [dict(zip(keys, row, strict=True)) for row in _stage_rows(plan)],
        "stages_held": plan.held,
        "stages_later": plan.later,
    }


def stage_notes(plan: StagePlan) -> list[str]:
    """What the numbers do not say."""
    notes = []
    if plan.held:
        notes.append(
            tr(
                f"{plan.held:,} 人的阶段是人定的,规则本来会移动,没有动(siyu set-stage 谁 --release 交还给规则)",
                f"{plan.held:,} customers were set by hand and stay, though a rule would move them",
            )
        )
    if plan.later:
        notes.append(
            tr(
                f"注意:{plan.later:,} 人的阶段在统计截止之后还有变动,这次不看",
                f"Note: {plan.later:,} customers moved after the cut-off and were left alone",
            )
        )
    return notes


def _by_sheet(ctx: AppContext, path: Path) -> Outcome:
    """Every row its own move by hand; rows that cannot be are rejected one by one."""
    from siyu_cli.commands.importing import ImportOptions, run_import
    from siyu_cli.rules import stages, tagging
    from siyu_cli.sheets.said import read_said

    rules = tagging.workspace_rules(ctx.workspace)
    names = stages.names_or_refuse(rules)
    as_of = ctx.as_of

    def merge(run: Run, tables: Sequence[CleanTable]) -> ImportAccount:
        from siyu_cli.customers.stage_sheet import merge_stages

        stages.check_removed(run.con, rules)
        return merge_stages(run.con, run.run_id, as_of, names, tables)

    return run_import(ctx, [path], ("stages",), read_said, merge, _sheet_words, ImportOptions())


def _sheet_words(account: ImportAccount) -> list[str]:
    moved = "  ".join(f"{stage} {people:,}" for stage, people in account.extra["moved"].items())
    lines = [
        tr(f"定了阶段:{moved}", f"Set: {moved}") if moved else tr("没有人的阶段变化", "No stage changed")
    ]
    return lines + waiting_words(account.extra["waiting"])


def waiting_words(waiting: int) -> list[str]:
    """What becomes of stages of phones that are nobody's yet."""
    if not waiting:
        return []
    return [
        tr(
            f"{waiting:,} 个号码还不是客户(没下过单也不是好友),先记着,成了客户后下次 apply-tags 生效",
            f"{waiting:,} phones are no customers yet; kept until they are",
        )
    ]
