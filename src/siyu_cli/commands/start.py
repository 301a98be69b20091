"""起步: init, status, doctor, list-runs, demo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext, OutputFormat
from siyu_cli.errors import ExitCode
from siyu_cli.language import tr

_CHECK_WORDS = {
    "permissions": tr("权限", "permissions"), "disk": tr("磁盘", "disk"), "sync-folder": tr("同步盘", "sync folder"), "leftovers": tr("临时文件", "leftovers"),
    "state": tr("状态", "state"), "reading": tr("读取", "reading"), "integrity": tr("一致性", "integrity"),
    "lead-ledger": tr("线索账本", "lead ledger"),
}  # fmt: skip
_OUTCOME_WORDS = {
    "done": tr("完成", "done"), "partial": tr("完成,有未成的", "done in part"), "refused": tr("被拒", "refused"),
    "stopped": tr("停下", "stopped"), "failed": tr("出错", "failed"),
}  # fmt: skip
# The counts of a run that a person looks for, in this order; others stay in the JSON.
_COUNT_WORDS = {
    "read": tr("读取", "read"), "new": tr("新增", "new"), "updated": tr("更新", "updated"),
    "unchanged": tr("未变", "unchanged"), "duplicate": tr("重复", "duplicate"), "rejected": tr("拒收", "rejected"),
    "assigned": tr("分出", "dealt"), "left_in_pool": tr("留在池里", "left in the pool"),
    "customers": tr("客户", "customers"), "tags": tr("标签", "tags"), "added": tr("加", "added"),
    "removed": tr("去", "removed"), "past_guard": tr("放过护栏", "let past the guard"), "audience": tr("符合", "fit"), "exported": tr("导出", "exported"),
    "opted_out": tr("已退订", "opted out"), "orders": tr("订单", "orders"), "rows": tr("行", "rows"),
}  # fmt: skip


def _count_words(counts: dict[str, Any]) -> str:
    """`读取 92 · 新增 75 · 拒收 6`; nothing where nothing was counted."""
    return " · ".join(f"{word} {counts[key]:,}" for key, word in _COUNT_WORDS.items() if counts.get(key))


def _by_folder(names: tuple[str, ...]) -> str:
    """`rules/共用/ 8 · rules/流失.yaml`: files of one folder together, with their number."""
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    return " · ".join(
        f"{folder}/ {len(some)}" if folder and len(some) > 1 else some[0] for folder, some in folders.items()
    )


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "init", "start", tr(
        "建一个工作区:设置、规则、平台映射、收件箱和发件箱。已有的文件不动。\n\n--rules 再放进一套现成的规则:食品店、服装店、美妆店。\n\n"
        "例:\n\nsiyu init 我的店 --rules 食品店\n\nsiyu init . --dry-run",
        "Make a workspace: settings, rules, mappings, inbox, outbox. Existing files stay. "
        "--rules adds starter rules for a kind of shop: 食品店 (food), 服装店 (apparel), 美妆店 (cosmetics).\n\n"
        "Examples:\n\nsiyu init myshop --rules 食品店\n\nsiyu init . --dry-run"), writes=True, records=False)  # fmt: skip
    def init(
        ctx: AppContext,
        folder: Annotated[
            Path, typer.Argument(metavar="DIR", help=tr("放工作区的文件夹", "Folder of the workspace"))
        ] = Path(),
        rules_for: Annotated[
            str | None, typer.Option("--rules", metavar="KIND", show_default=False, help=tr(
                "再放进哪种店的规则:食品店、服装店、美妆店",
                "Also put in the rules for this kind of shop: 食品店, 服装店, 美妆店")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules.schema import write_schema
        from siyu_cli.setup_workspace import create_workspace

        created = create_workspace(folder, rules_for=rules_for, dry_run=ctx.dry_run)
        if not ctx.dry_run:
            ctx.workspace_flag = created.root
            with ctx.maintain():
                write_schema(ctx.workspace)
        tops = [name for name in created.made if "/" not in name and not name.startswith(".")]
        names = " · ".join(name if "." in name else f"{name}/" for name in tops)
        shown = folder if str(folder) != "." else created.root
        if tops:
            first = tr(f"已建好工作区 {shown}:{names}", f"Workspace {shown} is ready: {names}")
        elif created.made:
            first = tr(f"工作区 {shown} 补上了 {_by_folder(created.made)}",
                       f"Added to workspace {shown}: {_by_folder(created.made)}")  # fmt: skip
        else:
            first = tr(
                f"工作区 {shown} 早已建好,什么也没改",
                f"Workspace {shown} was complete already, nothing changed",
            )
        step = tr(
            "下一步:把员工表、手机号名单、订单导出放进 inbox/,然后运行  siyu import-staff inbox/员工.xlsx",
            "Next: put staff sheet, phone lists and order exports into inbox/, then run  siyu import-staff inbox/staff.xlsx",
        )
        if rules_for is not None and not tops:
            step = tr(
                "下一步:siyu plan-tags 看谁会得到什么标签,再 siyu apply-tags",
                "Next: siyu plan-tags shows who would get which tag, then siyu apply-tags",
            )
        said = [first]
        if rules_for is not None:
            said.append(
                tr(
                    f"「{rules_for}」的规则在 rules/ 里,每个文件开头写着什么时候用、改哪里;siyu test-rules 看它们怎么算",
                    f"The rules for “{rules_for}” are in rules/; siyu test-rules shows what they do",
                )
            )
        result = {
            "workspace": str(created.root), "rules": rules_for,
            "made": list(created.made), "kept": list(created.kept),
        }  # fmt: skip
        return Outcome(result, before=[*said, step])

    @command(app, "demo", "start", tr(
        "造一家样板店来试用:员工表、淘宝和有赞订单、两份线索名单、企业微信好友、客户的行为,还有一份标准答案 truth.json。"
        "同样的参数,同样的文件。--as-of 默认 2025-03-15。\n\n"
        "例:\n\nsiyu demo 我的试用\n\nsiyu demo 大店 --seed 8 --customers 100000",
        "Make a sample shop: staff, Taobao and Youzan orders, two lead lists, friends, behaviour, and truth.json with "
        "the right answers. "
        "Same options, same files. --as-of is 2025-03-15 unless given.\n\n"
        "Examples:\n\nsiyu demo trial\n\nsiyu demo big --seed 8 --customers 100000"),
        dated=True, writes=True, records=False)  # fmt: skip
    def demo(
        ctx: AppContext,
        folder: Annotated[
            Path | None,
            typer.Argument(
                metavar="DIR", show_default=False,
                help=tr("放样板店的文件夹,默认 demo-shop", "Folder of the shop, default demo-shop"),
            ),
        ] = None,
        seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help=tr("随机种子", "Random seed"))] = 7,
        customers: Annotated[
            int, typer.Option("--customers", min=40, max=1_000_000, metavar="N", help=tr("多少位客户", "How many customers"))
        ] = 600,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.demo.service import DEFAULT_AS_OF, set_up_demo
        from siyu_cli.rules.schema import write_schema

        ctx.as_of_text = ctx.as_of_text or DEFAULT_AS_OF
        made = set_up_demo(
            folder or ctx.workspace_flag, ctx.as_of_text, seed=seed, customers=customers, dry_run=ctx.dry_run
        )
        if not ctx.dry_run:
            ctx.workspace_flag = made.folder
            _ = ctx.as_of  # the moment goes out with the result
            with ctx.maintain():
                write_schema(ctx.workspace)
        columns = (
            Column("file", tr("文件", "File")), Column("rows", tr("行", "Rows"), "count"),
            Column("what", tr("内容", "What is in it")),
        )  # fmt: skip
        return Outcome(
            made.as_dict(), [Table(columns, made.rows)], before=[made.headline], after=made.next_steps
        )

    @command(app, "list-runs", "start", tr(
        "列出做过的每一次执行。\n\n例:\n\nsiyu list-runs\n\nsiyu list-runs --limit 100 --format json",
        "List what was done.\n\nExamples:\n\nsiyu list-runs\n\nsiyu list-runs --limit 100 --format json"))  # fmt: skip
    def list_runs(
        ctx: AppContext,
        limit: Annotated[
            int, typer.Option("--limit", min=1, metavar="N", help=tr("最多列几次", "How many at most"))
        ] = 20,
    ) -> Outcome:
        from siyu_cli.clock import format_seconds
        from siyu_cli.store.runs import latest_runs

        with ctx.read() as con:
            runs = latest_runs(con, limit)
        columns = (
            Column("run_id", tr("编号", "Run"), "count"),
            Column("started", tr("时间", "When")),
            Column("command", tr("命令", "Command")),
            Column("outcome", tr("结果", "Outcome")),
            Column("exit_code", tr("退出码", "Exit"), "count"),
            Column("what", tr("说明", "What")),
        )
        is_csv = ctx.format is OutputFormat.CSV
        rows = [
            (
                r["run_id"], format_seconds(r["started_sec"]), r["command"],
                r["outcome"] if is_csv else _OUTCOME_WORDS.get(r["outcome"], r["outcome"]),
                r["exit_code"], r["message"] or _count_words(r["counts"]),
            )
            for r in runs
        ]  # fmt: skip
        after = [] if runs else [tr("还没有做过什么", "Nothing was done yet")]
        return Outcome({"runs": runs}, [Table(columns, rows)] if runs or is_csv else [], after=after)

    @command(app, "status", "start", tr(
        "这家店现在怎样:员工、线索、客户、订单、标签,和下一步。\n\n例:\n\nsiyu status\n\nsiyu status --format json",
        "Where the shop stands and what comes next.\n\nExamples:\n\nsiyu status\n\nsiyu status --format json"))  # fmt: skip
    def status(ctx: AppContext) -> Outcome:
        from siyu_cli.clock import format_seconds
        from siyu_cli.reports.status import next_step, read_status

        with ctx.read() as con:
            now = read_status(con)
        days = "–"
        if now.first_paid_sec is not None and now.last_paid_sec is not None:
            days = f"{format_seconds(now.first_paid_sec)[:10]} ~ {format_seconds(now.last_paid_sec)[:10]}"
        rows = (
            (
                tr("员工(在岗 / 停用)", "Staff (active / retired)"),
                f"{now.staff_active:,} / {now.staff_retired:,}",
            ),
            (
                tr("线索(待分配 / 持有中)", "Leads (in pool / held)"),
                f"{now.leads_in_pool:,} / {now.leads_held:,}",
            ),
            (tr("客户", "Customers"), f"{now.customers:,}"),
            (
                tr("订单行(其中没有客户)", "Order lines (without customer)"),
                f"{now.order_lines:,} ({now.anonymous_lines:,})",
            ),
            (tr("付款日期", "Paid between"), days),
            (tr("好友 / 行为", "Friends / events"), f"{now.contacts:,} / {now.events:,}"),
            (tr("标签(人次)", "Tags held"), f"{now.tags_held:,}"),
            (tr("已分层客户", "Scored customers"), f"{now.scored_customers:,}"),
            (tr("已退订", "Opted out"), f"{now.opted_out:,}"),
            (
                tr("上次写入", "Last change"),
                f"{format_seconds(now.last_run_sec)} {now.last_command}" if now.last_run_sec else "–",
            ),
        )
        columns = (Column("what", tr("项目", "Item")), Column("value", tr("现在", "Now")))
        step = next_step(now)
        title = ctx.workspace.settings.shop or ctx.workspace.root.name
        return Outcome(
            {**now.as_dict(), "next": step},
            [Table(columns, rows, title)],
            after=[tr(f"下一步:{step}", f"Next: {step}")],
        )

    @command(app, "doctor", "start", tr(
        "体检:版本、设置、权限、磁盘、状态是否完好;旧版本的状态先备份再升级。\n\n例:\n\nsiyu doctor\n\nsiyu doctor --format json",
        "Check versions, settings, permissions, disk and the state; an old state is backed up and upgraded.\n\n"
        "Examples:\n\nsiyu doctor\n\nsiyu doctor --format json"))  # fmt: skip
    def doctor(ctx: AppContext) -> Outcome:
        from siyu_cli.leads.audit import check_ledger
        from siyu_cli.store.health import check_folder, check_machine, check_store

        workspace = ctx.workspace
        with ctx.maintain() as con:
            checks = [*check_machine(), *check_folder(workspace), *check_store(con, workspace.state_dir)]
            checks.append(check_ledger(con))
        words = {"ok": tr("好", "ok"), "warning": tr("注意", "warning"), "failed": tr("坏了", "failed")}
        columns = (
            Column("check", tr("检查", "Check")), Column("level", tr("结果", "Result")),
            Column("detail", tr("说明", "Detail")), Column("hint", tr("怎么办", "What to do")),
        )  # fmt: skip
        rows = [
            (_CHECK_WORDS.get(check.name, check.name), words[check.level], check.detail, check.hint)
            for check in checks
        ]
        failed = any(check.level == "failed" for check in checks)
        amiss = sum(check.level != "ok" for check in checks)
        if amiss:
            verdict = tr(f"{amiss} 项要处理,见上面的「怎么办」", f"{amiss} to look after, see “What to do”")
        else:
            verdict = tr(f"{len(checks)} 项都好", f"All {len(checks)} checks are fine")
        return Outcome(
            {"checks": [asdict(check) for check in checks], "healthy": not failed},
            [Table(columns if amiss else columns[:3], rows if amiss else [row[:3] for row in rows])],
            after=[verdict],
            exit_code=ExitCode.STATE if failed else ExitCode.DONE,
        )
