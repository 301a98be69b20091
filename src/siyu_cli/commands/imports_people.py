"""导入: import-contacts, import-events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.importing import FilesArgument, ImportOptions, run_import, takes_import_options
from siyu_cli.commands.render import Outcome
from siyu_cli.context import AppContext
from siyu_cli.events import EVENT_WORDS
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.sheets.account import ImportAccount

_ENGLISH = {
    "view": "view", "click": "click", "add_to_cart": "add to cart", "favorite": "favorite", "share": "share",
    "sign_in": "sign in", "join_group": "join group", "coupon": "coupon", "use_coupon": "coupon used",
    "consult": "consult", "follow": "follow", "review": "review", "group_message": "group message",
}  # fmt: skip
KIND_WORDS = {kind: tr(words[0], _ENGLISH[kind]) for kind, words in EVENT_WORDS.items()}


def register(app: typer.Typer) -> None:
    """Add these commands to the panel of imports."""

    @command(
        app,
        "import-contacts",
        "import",
        tr(
            "导入企业微信客户列表:谁是哪位员工的好友。同一份再导入什么也不变,新的导出盖过旧的;表里没有的好友不动,加 --full 才算流失。\n\n"
            "例:\n\nsiyu import-contacts inbox/客户列表.xlsx\n\nsiyu import-contacts inbox/客户列表.xlsx --full --dry-run",
            "Import lists of WeCom friends: who is a friend of which member of staff. The same file again changes\n"
            "nothing, a newer export wins; friends it leaves out stay, --full calls them lost.\n\n"
            "Examples:\n\nsiyu import-contacts inbox/friends.xlsx\n\nsiyu import-contacts inbox/friends.xlsx --full --dry-run",
        ),
        writes=True,
    )
    @takes_import_options
    def import_contacts(
        ctx: AppContext,
        files: FilesArgument,
        options: ImportOptions,
        full: Annotated[
            bool,
            typer.Option(
                "--full",
                show_default=False,
                help=tr(
                    "这是表里这些员工的全部好友:没有的算流失",
                    "These are all friends of the staff they name: others are lost",
                ),
            ),
        ] = False,
    ) -> Outcome:
        from siyu_cli.people.contacts import merge_contacts
        from siyu_cli.sheets.contacts import read_contacts

        return run_import(
            ctx, files, ("contacts",), read_contacts,
            lambda run, tables: merge_contacts(run.con, run.run_id, tables, is_full=full), _contact_words, options,
        )  # fmt: skip

    @command(
        app,
        "import-events",
        "import",
        tr(
            "导入客户的行为:浏览、点击、加购、收藏、分享、签到、进群、领券、用券、咨询、关注、晒单、群发言。同一份再导入什么也不变。\n\n"
            "例:\n\nsiyu import-events inbox/行为.csv\n\nsiyu import-events inbox/签到.xlsx --platform platforms/签到.yaml --dry-run",
            "Import what customers did: views, clicks, carts, favorites, shares, sign-ins, groups, coupons, questions,\n"
            "follows, reviews, group messages. The same file again changes nothing.\n\n"
            "Examples:\n\nsiyu import-events inbox/events.csv\n\n"
            "siyu import-events inbox/signins.xlsx --platform platforms/signins.yaml --dry-run",
        ),
        writes=True,
    )
    @takes_import_options
    def import_events(ctx: AppContext, files: FilesArgument, options: ImportOptions) -> Outcome:
        from siyu_cli.customers.import_events import merge_events
        from siyu_cli.sheets.events import read_events

        return run_import(
            ctx, files, ("events",), read_events,
            lambda run, tables: merge_events(run.con, run.run_id, tables), _event_words, options,
        )  # fmt: skip


def _contact_words(account: ImportAccount) -> list[str]:
    extra = account.extra
    lines = [_people_line(account)]
    if extra["leads_known"]:
        lines.append(
            tr(
                f"其中 {extra['leads_known']:,} 人是线索;这些号码再出现在名单里会算「已是好友」",
                f"{extra['leads_known']:,} of them are leads; a lead list will call these phones friends",
            )
        )
    if extra["leads_added"] or extra["leads_befriended"]:
        lines.append(
            tr(
                f"线索有了结果:归属人加上的 {extra['leads_added']:,} 条,早已是好友或别人加上的 {extra['leads_befriended']:,} 条",
                f"Leads that came to an end: {extra['leads_added']:,} added by their owner, "
                f"{extra['leads_befriended']:,} by others or friends before",
            )
        )
    if extra["without_key"]:
        lines.append(
            tr(
                f"{extra['without_key']:,} 位好友没有手机号也没有外部联系人 ID,还对不上客户;在企业微信里备注手机号后再导一次",
                f"{extra['without_key']:,} friends have neither phone nor external id and belong to no customer yet",
            )
        )
    if extra["lost"]:
        lines.append(
            tr(f"表里没有、算作流失:{extra['lost']:,} 位", f"Left out and called lost: {extra['lost']:,}")
        )
    if older := account.reasons.get("older-export"):
        lines.append(
            tr(
                f"{older:,} 行来自更旧的导出,没有盖过新的",
                f"{older:,} rows come from an older export and changed nothing",
            )
        )
    return lines + _merged_words(account)


def _event_words(account: ImportAccount) -> list[str]:
    extra, reasons = account.extra, account.reasons
    lines = [_people_line(account)]
    if extra["events"]:
        lines.append("  ".join(f"{KIND_WORDS[kind]} {rows:,}" for kind, rows in extra["events"].items()))
    if extra["anonymous"]:
        lines.append(
            tr(
                f"{extra['anonymous']:,} 行没有写是谁:记在店铺名下,不归到任何客户",
                f"{extra['anonymous']:,} rows name nobody: kept for the shop, for no customer",
            )
        )
    if reasons.get("event-differs"):
        lines.append(
            tr(
                f"{reasons['event-differs']:,} 行的事件编号已有,内容却不同:保留了先导入的",
                f"{reasons['event-differs']:,} rows repeat an event id with other content; what came first stays",
            )
        )
    return lines + _merged_words(account)


def _people_line(account: ImportAccount) -> str:
    return tr(
        f"客户 {account.customers:,}(新增 {account.new_customers:,})",
        f"{account.customers:,} customers ({account.new_customers:,} new)",
    )


def _merged_words(account: ImportAccount) -> list[str]:
    merged = account.extra["merged_customers"]
    return [
        tr(
            f"这些文件表明有 {merged:,} 位客户其实是另一位,已合并",
            f"These files show {merged:,} customers to be the same as others; merged",
        )
    ] * bool(merged)
