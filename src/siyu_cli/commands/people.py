"""客户: show-customer, split-customer, merge-customers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.asking import ask_first
from siyu_cli.commands.churn import score_words
from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.commands.stages import SOURCE_WORDS, stage_words
from siyu_cli.context import AppContext
from siyu_cli.errors import ExitCode, UsageRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.people.merging import Split

WhoArgument = Annotated[
    str,
    typer.Argument(metavar="WHO", show_default=False, help=tr(
        "客户编号、手机号(打码的也行)、平台:买家账号、外部联系人 id 或名字",
        "Customer id, phone (masked is fine), platform:buyer, external_userid or name")),
]  # fmt: skip
_SHEETS = (".xlsx", ".xls", ".et", ".csv", ".tsv", ".txt")


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "show-customer", "customers", tr(
        "一位客户的全部依据:有哪些键、从哪次导入来的、合并过谁、谁的好友、买过什么、有什么标签。\n\n"
        "例:\n\nsiyu show-customer 138****5671\n\nsiyu show-customer 淘宝天猫:小雨 --format json",
        "All evidence of one customer: its keys and where they came from, merges, whose friend, orders, tags.\n\n"
        "Examples:\n\nsiyu show-customer 138****5671\n\nsiyu show-customer 淘宝天猫:amy --format json",
    ), dated=True)  # fmt: skip
    def show_customer(
        ctx: AppContext,
        who: WhoArgument,
        reveal: Annotated[
            bool,
            typer.Option("--reveal", show_default=False, help=tr("显示完整手机号,会留下记录", "Show full phones; recorded")),
        ] = False,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.customers.card import find_customer, read_card

        if not reveal:
            with ctx.read() as con:
                card = read_card(con, find_customer(con, who), ctx.as_of, reveal=False)
            return Outcome(card, _card_tables(card))
        with ctx.run() as run:
            card = read_card(run.con, find_customer(run.con, who), ctx.as_of, reveal=True)
            run.counts = {"customer_id": card["customer_id"], "revealed": 1}
        return Outcome(card, _card_tables(card), run_id=run.run_id)

    @command(app, "split-customer", "customers", tr(
        "把一次合错的合并拆开:键回到各自的客户,订单和好友跟着键走;以后不会再合。编号见 siyu show-customer。\n\n"
        "例:\n\nsiyu split-customer 12 --merge 3 --dry-run\n\nsiyu split-customer 138****5671 --merge 3 --yes",
        "Take a wrong merge apart: keys go back, orders and friends follow their keys, and it is not merged again. "
        "Numbers are in siyu show-customer.\n\n"
        "Examples:\n\nsiyu split-customer 12 --merge 3 --dry-run\n\nsiyu split-customer 138****5671 --merge 3 --yes",
    ), writes=True)  # fmt: skip
    def split_customer(
        ctx: AppContext,
        who: WhoArgument,
        merge: Annotated[
            int, typer.Option("--merge", metavar="N", min=1, show_default=False, help=tr("合并的编号", "The merge's number"))
        ],
    ) -> Outcome:  # fmt: skip
        ask_first(
            ctx, tr("拆开一位客户", "Splitting a customer"), f"siyu split-customer {who} --merge {merge}",
            tr("拆开吗?", "Split?"), lambda: _split_words(_split(ctx, who, merge, preview=True)[0]),
        )  # fmt: skip
        done, run_id = _split(ctx, who, merge)
        result = {
            "merge_no": done.merge_no, "customer_id": done.customer_id, "restored_id": done.restored_id,
            "keys": len(done.keys), "lines": done.lines, "contacts": done.contacts,
            "manual_tags_stay": done.manual_tags, "auto_tags_stay": done.auto_tags,
        }  # fmt: skip
        columns = (
            Column("customer_id", tr("留下的", "Stays"), "count"), Column("restored_id", tr("分出的", "Restored"), "count"),
            Column("keys", tr("键", "Keys"), "count"), Column("lines", tr("订单行", "Order lines"), "count"),
            Column("contacts", tr("好友", "Friends"), "count"),
        )  # fmt: skip
        row = [result[column.key] for column in columns]
        return Outcome(result, [Table(columns, [row])], after=_split_words(done), run_id=run_id)

    @command(app, "merge-customers", "customers", tr(
        "照填好的「身份待查」工作簿合并或分开;也可以写两位客户,直接合成一位。\n\n"
        "例:\n\nsiyu merge-customers outbox/2025-03-15/身份待查.xlsx\n\nsiyu merge-customers 12 淘宝天猫:小雨 --dry-run",
        "Merge or keep apart as a filled review workbook says; or name two customers to make them one.\n\n"
        "Examples:\n\nsiyu merge-customers outbox/2025-03-15/身份待查.xlsx\n\nsiyu merge-customers 12 淘宝天猫:amy --dry-run",
    ), writes=True)  # fmt: skip
    def merge_customers(
        ctx: AppContext,
        given: Annotated[
            list[str],
            typer.Argument(metavar="FILE…|A B", show_default=False, help=tr("填好的工作簿,或两位客户", "Filled workbooks, or two customers")),
        ],
    ) -> Outcome:  # fmt: skip
        if any(one.lower().endswith(_SHEETS) for one in given):
            return _merge_files(ctx, [Path(one) for one in given])
        if len(given) != 2:
            raise UsageRefused(
                "two-customers",
                tr("要写两位客户,或填好的工作簿", "Name two customers, or filled workbooks"),
                hint=tr("例:siyu merge-customers 12 35", "e.g. siyu merge-customers 12 35"),
            )
        one, other = given
        ask_first(
            ctx, tr("合并两位客户", "Merging two customers"), f"siyu merge-customers {one} {other}",
            tr("合并吗?", "Merge?"), lambda: [_merge_words(*_merge(ctx, one, other, preview=True)[:2])],
        )  # fmt: skip
        away, into, run_id = _merge(ctx, one, other)
        columns = (
            Column("from_id", tr("并入", "Merged"), "count"),
            Column("customer_id", tr("留下的", "Stays"), "count"),
        )
        result = {"from_id": away, "customer_id": into, "merged": int(away != into)}
        return Outcome(
            result, [Table(columns, [(away, into)])], after=[_merge_words(away, into)], run_id=run_id
        )


def _split(ctx: AppContext, who: str, merge: int, *, preview: bool = False) -> tuple[Split, int]:
    from siyu_cli.customers.card import find_customer
    from siyu_cli.people import merging

    with ctx.run(preview=preview) as run:
        done = merging.split(run.con, run.run_id, find_customer(run.con, who), merge)
        run.counts = {"merge_no": merge, "customer_id": done.customer_id, "restored_id": done.restored_id}
    return done, run.run_id


def _split_words(done: Split) -> list[str]:
    lines = [
        tr(
            f"客户 {done.restored_id} 从客户 {done.customer_id} 分出:{len(done.keys):,} 个键,{done.lines:,} 行订单,{done.contacts:,} 位好友",
            f"Customer {done.restored_id} comes out of {done.customer_id}: {len(done.keys):,} keys, {done.lines:,} order lines, "
            f"{done.contacts:,} friends",
        )
    ]  # fmt: skip
    if done.manual_tags or done.auto_tags:
        lines.append(
            tr(
                f"标签留在客户 {done.customer_id}(人工 {done.manual_tags:,},规则 {done.auto_tags:,});规则打的下次 apply-tags 会重算",
                f"Tags stay with customer {done.customer_id} ({done.manual_tags:,} by hand, {done.auto_tags:,} by rules); "
                "those of rules follow at the next apply-tags",
            )
        )
    return lines


def _merge(ctx: AppContext, one: str, other: str, *, preview: bool = False) -> tuple[int, int, int]:
    """(id that goes, id that stays, run); equal ids where both are one customer already."""
    from siyu_cli.customers.card import find_customer
    from siyu_cli.people import merging

    with ctx.run(preview=preview) as run:
        left, right = find_customer(run.con, one), find_customer(run.con, other)
        into = left if left == right else merging.merge_by_hand(run.con, run.run_id, left, right)
        away = right if into == left else left
        run.counts = {"from_id": away, "customer_id": into}
    return away, into, run.run_id


def _merge_words(away: int, into: int) -> str:
    if away == into:
        return tr(f"已经是同一位客户({into}),什么也没变", f"Already one customer ({into}); nothing changed")
    return tr(
        f"客户 {away} 并入客户 {into};合错了:siyu split-customer {into} --merge 编号(见 siyu show-customer {into})",
        f"Customer {away} becomes customer {into}; to undo: siyu split-customer {into} --merge N "
        f"(see siyu show-customer {into})",
    )


def _merge_files(ctx: AppContext, paths: list[Path]) -> Outcome:
    """Follow filled review workbooks; rows that cannot be followed are listed, exit 4."""
    from siyu_cli.customers.review import follow_answers, read_answers
    from siyu_cli.files import expand_paths

    answers = [answer for path in expand_paths(paths)[0] for answer in read_answers(path)]
    with ctx.run() as run:
        done = follow_answers(run.con, run.run_id, answers)
        run.counts = {
            "read": done.read, "merged": done.merged, "apart": done.apart, "unchanged": done.unchanged,
            "left_open": done.left_open, "refused": len(done.refused),
        }  # fmt: skip
        if done.refused:
            run.exit_code, run.outcome = ExitCode.PARTIAL, "partial"
    columns = (
        Column("read", tr("读取", "Read"), "count"), Column("merged", tr("合并", "Merged"), "count"),
        Column("apart", tr("不是同一人", "Kept apart"), "count"), Column("unchanged", tr("未变", "Unchanged"), "count"),
        Column("left_open", tr("还没结论", "Open"), "count"), Column("refused", tr("没有采用", "Not followed"), "count"),
    )  # fmt: skip
    refused = [
        {"file": one.where.file, "sheet": one.where.sheet, "row": one.where.row, "question": one.mark,
         "code": one.code, "message": one.why}
        for one in done.refused
    ]  # fmt: skip
    after = [
        tr(f"{one.where} 没有采用:{one.why}", f"{one.where} not followed: {one.why}") for one in done.refused
    ]
    result = {**run.counts, "refused": refused}
    table = Table(columns, [[run.counts[column.key] for column in columns]])
    return Outcome(result, [table], after=after, run_id=run.run_id, exit_code=run.exit_code)


def _card_tables(card: dict[str, Any]) -> list[Table]:
    """The card as people read it: a table per sort of evidence, empty ones left out."""
    orders = card["orders"]
    score = card["score"] or {}
    place = " ".join(part for part in (card["province"], card["city"]) if part)
    facts = [
        (tr("客户", "Customer"), f"{card['customer_id']} {card['name'] or ''}".strip()),
        (tr("地区", "Region"), place),
        (tr("有效订单 / 购买天数", "Valid orders / days"), f"{orders['orders']:,} / {orders['days']:,}"),
        (tr("净额(减去退款)", "Net of refunds"), _yuan(orders["net_fen"])),
        (
            tr("首次 / 最近购买", "First / last purchase"),
            f"{orders['first_at'] or '–'} / {orders['last_at'] or '–'}",
        ),
        (tr("分层", "Segment"), f"{score['segment']}({score['scheme']},{score['as_of']})" if score else ""),
        *(score_words(score) if score else ()),
        (tr("阶段", "Stage"), stage_words(card["stage"])),
        (tr("标签", "Tags"), "、".join(tag["tag"] for tag in card["tags"])),
        (tr("退订", "Opted out"), "、".join(one["reason"] or one["at"] for one in card["opt_outs"])),
    ]
    tables = [
        Table(
            (Column("what", tr("项", "What")), Column("value", tr("内容", "Value"))),
            [fact for fact in facts if fact[1]],
        )
    ]
    for title, key, columns in (
        (tr("键:凭什么认出", "Keys"), "keys", _columns(kind=tr("种类", "Kind"), namespace=tr("平台", "Platform"), value=tr("值", "Value"),
            seen_at=tr("首次见到", "First seen"), run_id=tr("执行", "Run"), files=tr("文件", "Files"))),
        (tr("合并", "Merges"), "merges", _columns(merge_no=tr("编号", "No."), from_customer_id=tr("并入的", "Merged"),
            into_customer_id=tr("留下的", "Into"), value=tr("凭", "By"), with_value=tr("和", "With"), run_id=tr("执行", "Run"),
            split_run_id=tr("拆开于", "Split by"))),
        (tr("分不清的", "Conflicts"), "conflicts", _columns(conflict_no=tr("编号", "No."), value=tr("键", "Key"),
            other_id=tr("另一位", "Other"), answer=tr("结论", "Answer"))),
        (tr("好友", "Friends"), "contacts", _columns(staff_id=tr("员工账号", "Account"), staff_name=tr("员工", "Staff"), name=tr("昵称", "Name"),
            remark=tr("备注", "Remark"), added_at=tr("添加时间", "Added"))),
        (tr("线索", "Leads"), "leads", _columns(lead_id=tr("编号", "No."), state=tr("状态", "State"), staff_name=tr("员工", "Staff"),
            source=tr("来源", "Source"), last_at=tr("时间", "When"))),
        (tr("阶段的历史", "Stages"), "stage_moves", _columns(at=tr("时间", "When"), from_stage=tr("从", "From"), to_stage=tr("到", "To"),
            source=tr("由谁", "By"), staff=tr("员工", "Staff"), reason=tr("为什么", "Why"), run_id=tr("执行", "Run"))),
        (tr("最近的订单行", "Latest order lines"), "last_lines", _columns(at=tr("时间", "When"), platform=tr("平台", "Platform"),
            order_id=tr("订单号", "Order"), product=tr("商品", "Product"), status=tr("状态", "Status"), paid_fen=tr("实付", "Paid"))),
    ):  # fmt: skip
        if card[key]:
            rows = [
                [_cell(_worded(key, column.key, row[column.key])) for column in columns]
                for row in card[key]
            ]  # fmt: skip
            tables.append(Table(columns, rows, title))
    return tables


def _worded(table: str, column: str, value: Any) -> Any:
    """A stored word (a kind of key, a status, an answer) as people say it; anything else as it is."""
    if (table, column) == ("leads", "lead_id"):
        return f"L{value}"  # as explain-lead takes it
    known: dict[tuple[str, str], dict[Any, str]] = {
        ("keys", "kind"): {
            "buyer": tr("买家账号", "buyer id"), "phone": tr("手机号", "phone"),
            "unionid": tr("微信 unionid", "unionid"), "external_userid": tr("外部联系人 ID", "external_userid"),
        },
        ("conflicts", "answer"): {
            "same": tr("是同一人", "one person"), "different": tr("不是同一人", "two people"), None: tr("还没结论", "open"),
        },
        ("last_lines", "status"): {
            "paid": tr("已付款", "paid"), "unpaid": tr("未付款", "unpaid"), "closed": tr("已关闭", "closed"),
            "refunded": tr("已退款", "refunded"),
        },
        ("stage_moves", "source"): dict(SOURCE_WORDS),
    }  # fmt: skip
    words = known.get((table, column))
    return value if words is None else words.get(value, value)


def _columns(**titles: str) -> tuple[Column, ...]:
    return tuple(
        Column(key, title, "fen" if key.endswith("_fen") else "text") for key, title in titles.items()
    )


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "、".join(value)
    return "" if value is None else value


def _yuan(fen: int) -> str:
    from siyu_cli.money import format_yuan

    return format_yuan(fen)
