"""线索: list-leads, explain-lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext, OutputFormat
from siyu_cli.language import tr

if TYPE_CHECKING:
    import pyarrow as pa

    from siyu_cli.leads.lookup import Story

_ON_SCREEN = 50
"""Rows a terminal shows; a pipe, csv and json hold all."""

RevealOption = Annotated[
    bool,
    typer.Option("--reveal", show_default=False, help=tr("显示完整手机号,会留下记录", "Show full phones; recorded")),
]  # fmt: skip
Several = list[str] | None


def _option(name: str, metavar: str, chinese: str, english: str) -> Any:
    return typer.Option(name, metavar=metavar, show_default=False, help=tr(chinese, english))


def register(app: typer.Typer) -> None:
    """Add these commands to the panel of leads."""

    @command(
        app,
        "list-leads",
        "leads",
        tr(
            "列出线索:在谁手里、什么状态、还剩几天;最急的在前。条件可以叠加,同一个选项可以写几次。\n\n"
            "例:\n\nsiyu list-leads --staff 小李 --due-within 2\n\nsiyu list-leads --state 待添加 --overdue --format csv",
            "List leads: whose, in which state, how many days left; the most urgent first. Filters add up.\n\n"
            "Examples:\n\nsiyu list-leads --staff 小李 --due-within 2\n\n"
            "siyu list-leads --state 待添加 --overdue --format csv",
        ),
        dated=True,
    )
    def list_leads(
        ctx: AppContext,
        state: Annotated[Several, _option("--state", "STATE", "状态:待分配、待添加、待通过、已添加……", "State, e.g. 待添加")] = None,
        staff: Annotated[Several, _option("--staff", "NAME", "员工账号或姓名", "Account or name")] = None,
        channel: Annotated[Several, _option("--channel", "TEXT", "渠道", "Channel")] = None,
        source: Annotated[Several, _option("--source", "TEXT", "来源", "Source")] = None,
        batch: Annotated[Several, _option("--batch", "TEXT", "批次(名单的名字)", "Batch, the list's name")] = None,
        overdue: Annotated[
            bool, typer.Option("--overdue", show_default=False, help=tr("已经过了最后一天的", "Past their last day"))
        ] = False,
        due_within: Annotated[
            int | None,
            typer.Option("--due-within", metavar="N", min=0, show_default=False,
                         help=tr("N 天之内到期的;0 是今天", "Whose last day is within N days; 0 is today")),
        ] = None,
        reveal: RevealOption = False,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.leads import lookup
        from siyu_cli.store.lead_lookup import LeadFilter
        from siyu_cli.words import fold

        wanted = LeadFilter(
            states=lookup.check_states(state or []), channel_keys=[fold(one) for one in channel or []],
            sources=source or [], batches=batch or [],
        )  # fmt: skip
        found, run_id = _find(
            ctx, wanted, staff or [], is_overdue=overdue, due_within=due_within, reveal=reveal
        )
        rows = _rows(found, reveal=reveal)
        columns = _columns(reveal=reveal)
        keys = [column.key for column in columns]
        cut = len(rows) > _ON_SCREEN and ctx.is_terminal and ctx.format is OutputFormat.TABLE
        table = Table(columns, rows[:_ON_SCREEN] if cut else rows)
        after = [tr(f"{len(rows):,} 条线索", f"{len(rows):,} leads")]
        if cut:
            after.append(
                tr(
                    f"这里只显示前 {_ON_SCREEN} 条;全部:加 --format csv,或用管道接走",
                    f"Only the first {_ON_SCREEN} are shown; all of them: --format csv, or a pipe",
                )
            )
        result = {"total": len(rows), "leads": [dict(zip(keys, row, strict=True)) for row in rows]}
        return Outcome(result, [table] if rows else [], after=after, run_id=run_id)

    @command(
        app,
        "explain-lead",
        "leads",
        tr(
            "一条线索的来龙去脉:谁、什么时候、为什么、哪次执行;现在归谁,到哪天,接下来会怎样。\n\n"
            "例:\n\nsiyu explain-lead 13800005671\n\nsiyu explain-lead 138****5671 --as-of 2025-03-20",
            "The whole story of a lead: who, when, why, which run; whose it is now, until when, what comes next.\n\n"
            "Examples:\n\nsiyu explain-lead 13800005671\n\nsiyu explain-lead 138****5671 --as-of 2025-03-20",
        ),
        dated=True,
    )
    def explain_lead(
        ctx: AppContext,
        who: Annotated[
            str,
            typer.Argument(metavar="PHONE", show_default=False,
                           help=tr("手机号(打码的也行)、线索编号 L12 或行标识", "Phone (masked is fine), lead L12 or row key")),
        ],
        reveal: RevealOption = False,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.leads import lookup

        settings = ctx.workspace.settings.leads
        if reveal:
            with ctx.run() as run:
                story = lookup.tell(run.con, lookup.find_lead(run.con, who), ctx.as_of, settings)
                run.counts = {"lead_id": story.lead.lead_id, "revealed": 1}
            return _explained(story, reveal=True, run_id=run.run_id)
        with ctx.read() as con:
            story = lookup.tell(con, lookup.find_lead(con, who), ctx.as_of, settings)
        return _explained(story, reveal=False)


def _find(
    ctx: AppContext, wanted: Any, staff: list[str], *, is_overdue: bool, due_within: int | None, reveal: bool
) -> tuple[pa.Table, int | None]:
    """The leads of the filter; showing full phones leaves a row in `runs`."""
    from dataclasses import replace

    from siyu_cli.leads import lookup

    def look(con: Any) -> pa.Table:
        asked = replace(wanted, staff_ids=lookup.staff_ids(con, staff))
        settings = ctx.workspace.settings.leads
        return lookup.list_leads(
            con, asked, ctx.as_of, settings, is_overdue=is_overdue, due_within=due_within
        )

    if not reveal:
        with ctx.read() as con:
            return look(con), None
    with ctx.run() as run:
        found = look(run.con)
        run.counts = {"revealed": found.num_rows}
    return found, run.run_id


def _columns(*, reveal: bool) -> list[Column]:
    return [
        Column("lead", tr("线索", "Lead")),
        Column("phone" if reveal else "phone_masked", tr("手机号", "Phone")),
        Column("name", tr("姓名", "Name")),
        Column("state", tr("状态", "State")),
        Column("staff", tr("员工", "Staff")),
        Column("due", tr("最后一天", "Last day")),
        Column("days_left", tr("还剩", "Left"), "count"),
        Column("owners", tr("第几人", "Nth"), "count"),
        Column("channel", tr("渠道", "Channel")),
        Column("source", tr("来源", "Source")),
        Column("last", tr("最近一次变动", "Last event")),
    ]


def _rows(found: pa.Table, *, reveal: bool) -> list[tuple[Any, ...]]:
    from siyu_cli.clock import date_of
    from siyu_cli.leads.lookup import moment_words
    from siyu_cli.leads.states import KIND_WORDS, Kind
    from siyu_cli.phone import mask_phones

    names = (
        "lead_id", "phone", "name", "state", "staff_name", "last_day", "days_left", "owners", "channel", "source",
        "last_kind", "last_sec",
    )  # fmt: skip
    rows = []
    for lead, phone, name, state, staff, day, left, owners, channel, source, kind, last in zip(
        *(found[one].to_pylist() for one in names), strict=True
    ):
        shown = phone if reveal else mask_phones(phone)
        due = None if day is None else date_of(day).isoformat()
        event = f"{moment_words(last)} {KIND_WORDS[Kind(kind)]}"
        named = name if reveal or name is None else mask_phones(name)
        rows.append((f"L{lead}", shown, named, state, staff, due, left, owners, channel, source, event))
    return rows


def _explained(story: Story, *, reveal: bool, run_id: int | None = None) -> Outcome:
    from siyu_cli.clock import date_of, format_seconds
    from siyu_cli.leads.lookup import moment_words
    from siyu_cli.phone import mask_phones

    def shown(text: str | None) -> str | None:
        return text if reveal or text is None else mask_phones(text)

    lead = story.lead
    result = {
        "lead_id": lead.lead_id,
        "phone" if reveal else "phone_masked": shown(lead.phone),
        "name": shown(lead.name),
        "channel": lead.channel,
        "source": lead.source,
        "batches": list(story.batches),
        "state": story.state,
        "staff_id": story.owner,
        "staff_name": story.owner_name,
        "owners": story.owners,
        "last_day": None if story.last_day is None else date_of(story.last_day).isoformat(),
        "days_left": story.days_left,
        "next": story.next_step,
        "later_than_as_of": story.later,
        "events": [
            {
                "event_id": one.event.event_id, "at": format_seconds(one.event.at_sec), "kind": one.event.kind,
                "staff_id": one.event.staff_id, "reason": shown(one.event.reason), "note": shown(one.event.note),
                "run_id": one.event.run_id, "text": shown(one.text),
            }
            for one in story.told
        ],
    }  # fmt: skip
    about = " · ".join(
        part for part in (shown(lead.phone), shown(lead.name), lead.channel, lead.source) if part
    )
    columns = (
        Column("at", tr("时间", "When")), Column("text", tr("发生了什么", "What happened")),
        Column("run_id", tr("执行", "Run"), "count"),
    )  # fmt: skip
    rows = [(moment_words(one.event.at_sec), shown(one.text), one.event.run_id) for one in story.told]
    stands = story.state or (
        tr("已撤回", "taken back") if story.told else tr("还没有这条线索", "no lead yet")
    )
    whose = tr(f",归 {story.owner_name}", f", {story.owner_name}'s") if story.owner_name else ""
    after = [tr(f"现在:{stands}{whose}。{story.next_step}", f"Now: {stands}{whose}. {story.next_step}")]
    if story.later:
        after.append(
            tr(f"截止时间之后还有 {story.later} 条变动,没有显示", f"{story.later} later events are not shown")
        )
    return Outcome(result, [Table(columns, rows, f"L{lead.lead_id}  {about}")], after=after, run_id=run_id)
