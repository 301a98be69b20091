"""导入: import-staff, import-leads, import-orders."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.importing import (
    FilesArgument,
    ImportOptions,
    run_import,
    takes_import_options,
)
from siyu_cli.commands.render import Outcome
from siyu_cli.context import AppContext
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.sheets.account import ImportAccount


class SeveralPhones(StrEnum):
    """What becomes of a cell with several phones."""

    REJECT = "reject"
    SPLIT = "split"


_WHY_UNCHANGED = {
    "already-friend": tr("已是好友", "friends"),
    "in-pool": tr("已在池中", "in the pool"),
    "already-lead": tr("已是线索", "already leads"),
    "already-customer": tr("已是客户", "customers"),
    "opted-out": tr("已退订", "opted out"),
}


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(
        app,
        "import-staff",
        "import",
        tr(
            "导入员工表,按员工账号认人。表里没有的人不动,加 --full 才停用。请假表(员工账号或姓名、开始日、结束日)也这样导入。\n\n"
            "例:\n\nsiyu import-staff inbox/员工.xlsx inbox/请假.xlsx\n\nsiyu import-staff inbox/员工.xlsx --full --dry-run",
            "Import staff by account. People missing from the sheet stay; --full retires them. Leave sheets (account or\n"
            "name, first and last day) are imported the same way.\n\n"
            "Examples:\n\nsiyu import-staff inbox/staff.xlsx inbox/leave.xlsx\n\n"
            "siyu import-staff inbox/staff.xlsx --full --dry-run",
        ),
        writes=True,
    )
    @takes_import_options
    def import_staff(
        ctx: AppContext,
        files: FilesArgument,
        options: ImportOptions,
        full: Annotated[
            bool,
            typer.Option(
                "--full",
                show_default=False,
                help=tr("这是全部员工:表里没有的人停用", "This is everyone: retire whom it leaves out"),
            ),
        ] = False,
    ) -> Outcome:
        from siyu_cli.leads.importing import merge_staff
        from siyu_cli.sheets.people import read_staff

        return run_import(
            ctx, files, ("staff", "leave"), read_staff,
            lambda run, tables: merge_staff(run.con, run.run_id, tables, is_full=full), _staff_words, options,
        )  # fmt: skip

    @command(
        app,
        "import-leads",
        "import",
        tr(
            "导入手机号名单,按手机号认线索。已知的号码不会重复,只补记来源。\n\n"
            "例:\n\nsiyu import-leads inbox/抖音直播间.xlsx --source 抖音直播\n\n"
            "siyu import-leads 'inbox/名单*.csv' --dry-run",
            "Import phone lists; a lead is a phone. Known phones are not doubled, a new source is noted.\n\n"
            "Examples:\n\nsiyu import-leads inbox/live.xlsx --source live\n\n"
            "siyu import-leads 'inbox/list*.csv' --dry-run",
        ),
        writes=True,
        dated=True,
    )
    @takes_import_options
    def import_leads(
        ctx: AppContext,
        files: FilesArgument,
        options: ImportOptions,
        source: Annotated[
            str | None,
            typer.Option("--source", metavar="TEXT", show_default=False, help=tr("来源;用于表里没写来源的行", "Source of rows that name none")),
        ] = None,
        channel: Annotated[
            str | None,
            typer.Option("--channel", metavar="TEXT", show_default=False, help=tr("渠道;用于表里没写渠道的行", "Channel of rows that name none")),
        ] = None,
        batch: Annotated[
            str | None,
            typer.Option("--batch", metavar="NAME", show_default=False, help=tr("批次;默认用文件名", "Batch; default: the file's name")),
        ] = None,
        tag: Annotated[
            list[str] | None,
            typer.Option("--tag", metavar="TAG", show_default=False,
                         help=tr("给名单里的每个号码打上这个标签,可写几次", "Put this tag on every phone of the list; repeatable")),
        ] = None,
        several_phones: Annotated[
            SeveralPhones,
            typer.Option("--several-phones", show_default=False,
                         help=tr("一格里有几个号码:reject 拒收(默认),split 拆成几条线索",
                                 "A cell with several phones: reject (default), or split into several leads")),
        ] = SeveralPhones.REJECT,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.leads.importing import LeadDefaults, merge_leads
        from siyu_cli.sheets.people import read_leads

        at_sec = ctx.as_of.seconds
        defaults = LeadDefaults(
            source, channel, batch, tuple(one for text in tag or () if (one := text.strip()))
        )
        return run_import(
            ctx, files, ("leads",), partial(read_leads, several=several_phones.value),
            lambda run, tables: merge_leads(run.con, run.run_id, at_sec, tables, defaults),
            _lead_words, options,
        )  # fmt: skip

    @command(
        app,
        "import-orders",
        "import",
        tr(
            "导入平台的订单导出或退货名单。订单按平台和订单号认,同一份再导入什么也不变;新的导出盖过旧的。\n\n"
            "例:\n\nsiyu import-orders inbox/ExportOrderList202503.csv\n\n"
            "siyu import-orders inbox/订单.xls --sheet 订单 --platform platforms/我的店.yaml --dry-run",
            "Import order exports or return lists. Orders are known by platform and order id; the same file again\n"
            "changes nothing, a newer export wins over an older one.\n\n"
            "Examples:\n\nsiyu import-orders inbox/ExportOrderList202503.csv\n\n"
            "siyu import-orders inbox/orders.xls --sheet orders --platform platforms/mine.yaml --dry-run",
        ),
        writes=True,
    )
    @takes_import_options
    def import_orders(
        ctx: AppContext,
        files: FilesArgument,
        options: ImportOptions,
    ) -> Outcome:
        from siyu_cli.customers.import_orders import merge_orders
        from siyu_cli.sheets.orders import read_orders

        return run_import(
            ctx, files, ("orders", "returns", "details"), read_orders,
            lambda run, tables: merge_orders(run.con, run.run_id, tables), _order_words, options,
        )  # fmt: skip


def _staff_words(account: ImportAccount) -> list[str]:
    extra = account.extra
    people, active, inactive = extra["staff"], extra["active"], extra["inactive"]
    lines = [
        tr(
            f"员工 {people:,} 人:新增 {extra['new_staff']:,}  ·  在岗 {active:,},停用 {inactive:,}",
            f"{people:,} people: {extra['new_staff']:,} new  ·  {active:,} active, {inactive:,} retired",
        )
    ]
    if extra["leaves"]:
        lines.append(
            tr(
                f"请假 {extra['leaves']:,} 条:新增 {extra['new_leaves']:,}",
                f"{extra['leaves']:,} leaves: {extra['new_leaves']:,} new",
            )
        )
    for key, word in (
        ("back", tr("从停用回到在岗", "On duty again")),
        ("missing", tr("表里没有、保持不动", "Not in the sheet, left as they are")),
        ("retired", tr("表里没有、已停用", "Not in the sheet, retired")),
    ):
        if left_out := extra[key]:
            names = "、".join(f"{one['name']}({one['staff_id']})" for one in left_out[:20])
            more = (
                tr(f" 等 {len(left_out):,} 人", f" and others, {len(left_out):,} in all")
                if len(left_out) > 20
                else ""
            )
            lines.append(f"  {word}:{names}{more}")
    return lines


def _lead_words(account: ImportAccount) -> list[str]:
    totals, reasons = account.totals, account.reasons
    lines = []
    known = [f"{word} {reasons[code]:,}" for code, word in _WHY_UNCHANGED.items() if reasons.get(code)]
    if known:
        lines.append(
            tr(f"未变 {totals.unchanged:,} = ", f"{totals.unchanged:,} unchanged = ") + " + ".join(known)
        )
    extra = account.extra
    if extra["new_leads"] != totals.new:
        lines.append(tr(f"新线索 {extra['new_leads']:,} 条", f"{extra['new_leads']:,} new leads"))
    if extra["new_tags"]:
        lines.append(
            tr(
                f"打上标签 {extra['new_tags']:,} 个;号码已经是客户的,客户现在就有,其余的等号码成为客户",
                f"{extra['new_tags']:,} tags put on phones; a customer has the tags of their phones",
            )
        )
    if totals.new:
        lines.append(tr("下一步:siyu distribute-leads --dry-run", "Next: siyu distribute-leads --dry-run"))
    return lines


def _order_words(account: ImportAccount) -> list[str]:
    from siyu_cli.money import format_yuan

    extra, reasons = account.extra, account.reasons
    net = format_yuan(account.net_fen)
    lines = [
        tr(
            f"客户 {account.customers:,}(新增 {account.new_customers:,})   这些行的净额 {net}(已付款,减去文件里的退款)",
            f"{account.customers:,} customers ({account.new_customers:,} new)   net of these rows {net} "
            "(paid, less the refunds the files name)",
        )
    ]
    if extra["anonymous"]:
        everyone = extra["anonymous"] == sum(file.table.rows.num_rows for file in account.files)
        lines.append(
            tr(
                f"{'全部' if everyone else ''} {extra['anonymous']:,} 行既没有买家也没有手机号:金额计入店铺合计和报表,不归到任何客户。",
                f"{extra['anonymous']:,} rows name neither buyer nor phone: their money counts for the shop, for no customer.",
            ).strip()
        )
        if everyone and any(file.table.unknown for file in account.files):
            lines.append(
                tr(
                    "其实有这样的列?加 --show-mapping 看每一列读成了什么,加 --save-mapping 存一份映射来改",
                    "There is such a column? --show-mapping shows what each is read as, --save-mapping writes a mapping to edit",
                )
            )
    if extra["left_behind"]:
        runs = [str(one["run_id"]) for one in extra["left_behind"]]
        count = max(one["lines"] for one in extra["left_behind"])
        undo = ";".join(f"siyu undo-import {run}" for run in runs)
        lines.append(
            tr(
                f"注意:执行 {'、'.join(runs)} 导入过同一份文件,当时读法不同,那时的 {count:,} 行还在,"
                f"这些订单的钱算了两遍。撤回:{undo}",
                f"Note: {', '.join(runs)} imported this very file and read it otherwise; {count:,} rows of then are still "
                f"there, and the money of these orders counts twice. Take back: {undo}",
            )
        )
    if extra["returned_lines"]:
        lines.append(
            tr(
                f"退货名单对上 {extra['returned_lines']:,} 个商品行",
                f"The return lists match {extra['returned_lines']:,} lines",
            )
        )
    if extra["merged_customers"]:
        lines.append(
            tr(
                f"手机号表明有 {extra['merged_customers']:,} 位客户其实是另一位,已合并",
                f"A phone shows {extra['merged_customers']:,} customers to be the same as others; merged",
            )
        )
    if extra["leads_bought"]:
        lines.append(
            tr(
                f"{extra['leads_bought']:,} 条还没分的线索自己下了单,算「已是客户」,不再分",
                f"{extra['leads_bought']:,} leads in the pool bought by themselves and are not dealt out",
            )
        )
    if extra["detail_rows"]:
        lines.append(
            tr(
                f"{extra['detail_rows']:,} 行只说明订单里有什么,金额以订单列表为准,没有再算一次",
                f"{extra['detail_rows']:,} rows say what was in orders; the order list holds their money, counted once",
            )
        )
    if reasons.get("older-export"):
        lines.append(
            tr(
                f"{reasons['older-export']:,} 行来自更旧的导出,没有盖过新的",
                f"{reasons['older-export']:,} rows come from an older export and changed nothing",
            )
        )
    return lines
