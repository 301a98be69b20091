"""客户: score-customers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.churn import churn_notes, churn_tables, no_churn_note
from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.language import tr
from siyu_cli.workspace import configs_dir

if TYPE_CHECKING:
    from siyu_cli.customers.migration import Migration
    from siyu_cli.customers.scoring import Scoring

_QUIET_DAYS = 180
"""A shop where nobody bought for so long is hardly looked at as of the right day."""


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "score-customers", "customers", tr(
        "给每个下过单的客户打 R(最近)、F(频次)、M(金额),按方案分群;每条分界线都打印并存下来,和上次比谁去了哪里。\n\n"
        "方案是 segments/ 里的文件,可以照着改。加 --backtest:谁快要流失,先在最近这段日子上验证过再说。\n\n"
        "例:\n\nsiyu score-customers\n\nsiyu score-customers --scheme RF十格 --as-of 2025-03-15\n\n"
        "siyu score-customers --backtest --horizon 90",
        "Score every buyer's recency, frequency and money and put them into segments; "
        "every line is printed and kept, and who moved where since the last run.\n\n"
        "Schemes are files in segments/, to be edited. With --backtest: who is leaving, by what would have "
        "worked on the last days.\n\n"
        "Examples:\n\nsiyu score-customers\n\nsiyu score-customers --scheme RF十格 --as-of 2025-03-15\n\n"
        "siyu score-customers --backtest --horizon 90",
    ), writes=True, dated=True)  # fmt: skip
    def score_customers(
        ctx: AppContext,
        scheme: Annotated[
            str | None,
            typer.Option("--scheme", metavar="NAME|FILE", show_default=False, help=tr(
                "方案名或 .yaml 文件;默认用 siyu.yaml 里的 scheme",
                "Scheme name or .yaml file; default from siyu.yaml")),
        ] = None,
        backtest: Annotated[
            bool,
            typer.Option("--backtest", help=tr(
                "留出最近几天验证各种方法,再给每个客户流失风险",
                "Hold the last days out, test every method, give every customer a risk")),
        ] = False,
        horizon: Annotated[
            int | None,
            typer.Option("--horizon", metavar="DAYS", min=1, max=3650, show_default=False, help=tr(
                "留出几天,也是「多少天内再买」;默认 90 或 siyu.yaml 里的 churn.horizon_days;写了就等于 --backtest",
                "Days held out, and within which to buy again; default 90 or siyu.yaml; implies --backtest")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.customers.scheme_file import find_scheme
        from siyu_cli.customers.scoring import score_and_save

        settings = ctx.workspace.settings
        folders = (ctx.workspace.root / "segments", configs_dir() / "segments")
        chosen = find_scheme(scheme or settings.scheme, folders)
        churn = replace(settings.churn, horizon_days=horizon or settings.churn.horizon_days)
        as_of = ctx.as_of
        with ctx.run() as run:
            scoring = score_and_save(
                run, chosen, as_of, churn, rules=(ctx.workspace.root / "rules",),
                is_tested=backtest or horizon is not None or churn.always,
            )  # fmt: skip
        return _word_scores(scoring, run.run_id)


def _word_scores(scoring: Scoring, run_id: int) -> Outcome:
    """Segments as a table, thresholds in its title, what was left out around it."""
    scored, migration = scoring.scored, scoring.migration
    before = migration.sizes_before() if migration else None
    result = {
        "scheme": scored.scheme.name,
        "window": scored.scheme.window.words,
        "customers": scored.customers,
        "segments": [
            {"code": segment.code, "name": segment.name, "customers": customers, "net_fen": net_fen}
            for segment, customers, net_fen in scored.segments
        ],
        "thresholds": scored.thresholds,
        "migration": migration.as_dict() if migration else None,
        "anonymous_orders": scored.anonymous_orders,
        "future_rows": scoring.future_rows,
    }
    columns = (
        Column("segment", tr("分群", "Segment")), Column("customers", tr("人数", "Customers"), "count"),
        Column("net_fen", tr("净额", "Net"), "fen"), Column("change", tr("较上次", "Change"), "change"),
    )  # fmt: skip
    rows = [
        (
            segment.name,
            customers,
            net_fen,
            None if before is None else customers - before[segment.name],
        )
        for segment, customers, net_fen in scored.segments
    ]
    line_columns = (
        Column("letter", tr("指标", "Letter")), Column("of", tr("怎么算", "Measured as")),
        Column("cuts", tr("打分分界", "Score cuts")), Column("line", tr("好的一边", "Better side")),
    )  # fmt: skip
    scheme = f"{scored.scheme.name} · {scored.scheme.window.words}"
    notes = [tr(f"{scheme} · 有有效订单的客户 {scored.customers:,} 人",
                f"{scheme} · {scored.customers:,} customers with valid orders")]  # fmt: skip
    late, anonymous = scoring.future_rows, scored.anonymous_orders
    if late:
        notes.append(tr(f"提醒:{late:,} 行付款时间晚于统计截止,没有算进来",
                        f"Note: {late:,} rows were paid after the cut-off and are not counted"))  # fmt: skip
    from siyu_cli.clock import date_of

    quiet = scoring.quiet_days
    if quiet is not None and quiet >= _QUIET_DAYS:
        last = date_of(scoring.as_of_day - quiet).isoformat()
        notes.append(tr(f"注意:最近一单是 {last},{quiet:,} 天以前。要看那时候的情况,加 --as-of {last};有新的订单,先导入",
                        f"Note: the last order is of {last}, {quiet:,} days ago. To see that time add --as-of {last}; "
                        "import what is newer first"))  # fmt: skip
    if anonymous:
        notes.append(tr(f"{anonymous:,} 单没有买家信息,不参与分群(仍计入店铺合计)",
                        f"{anonymous:,} orders name no buyer: in no segment, but in the totals"))  # fmt: skip
    if scored.only_segment:
        notes.append(tr(
            f"注意:所有客户都在「{scored.only_segment.name}」,这一次没有分出高低,别照群名办事",
            f"Note: everybody is in {scored.only_segment.name}: nothing tells them apart this time",
        ))  # fmt: skip
    tables = [Table(columns, rows), Table(line_columns, scored.line_rows)]
    after = []
    if migration:
        tables.append(_migration_table(migration))
        after = _migration_notes(migration)
    if scoring.churn:
        result |= scoring.churn.as_dict()
        tables += churn_tables(scoring.churn)
        after += churn_notes(scoring.churn, scoring.as_of_day)
    elif scored.customers:
        after.append(no_churn_note(is_silent=scoring.is_silent))
    return Outcome(result, tables, before=notes, after=after, run_id=run_id)


def _migration_table(migration: Migration) -> Table:
    """The matrix: a row per segment of last time, a column per segment now, under its code."""
    segments = migration.segments
    names = [name for _, name in segments]
    columns = [
        Column("from", tr("上次 ↓ 这次 →", "before ↓ now →")),
        *(Column(f"to_{code}_{at}", code, "count") for at, (code, _) in enumerate(segments)),
        Column("gone", tr("不在了", "gone"), "count"),
        Column("before", tr("上次", "before"), "count"),
    ]
    ends = [*names, ""]
    rows = [
        (
            f"{code} {name}",
            *(migration.count(name, end) or None for end in ends),
            migration.count(name, None),
        )
        for code, name in segments
    ]
    rows.append(
        (
            tr("新来的", "new"),
            *(migration.count("", end) or None for end in names),
            None,
            migration.count("", None),
        )
    )
    rows.append((tr("这次", "now"), *(migration.count(None, end) for end in ends), migration.after_total))
    return Table(columns, rows, title=tr("谁去了哪里", "Who moved where"))


def _migration_notes(migration: Migration) -> list[str]:
    from siyu_cli.clock import format_seconds

    moment = format_seconds(migration.earlier.as_of_sec)
    new, gone = migration.count("", None), migration.count(None, "")
    notes = [tr(
        f"较上次:与 {moment} 的同一方案相比,留在原群 {migration.stayed:,} 人,换群 {migration.moved:,} 人,"
        f"新来 {new:,} 人,不在窗口里了 {gone:,} 人",
        f"Change: against the same scheme of {moment}: {migration.stayed:,} stayed, {migration.moved:,} moved, "
        f"{new:,} new, {gone:,} gone from the window",
    )]  # fmt: skip
    if migration.is_scheme_changed:
        notes.append(tr("注意:方案文件在两次之间改过,同名的群意思可能不同",
                        "Note: the scheme was edited in between; a segment may mean something else"))  # fmt: skip
    return notes
