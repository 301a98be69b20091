"""Push lists as workbooks: one per owner, or one for all, in a folder that holds no older list."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.phone import mask_phones
from siyu_cli.pushes.audience import Audience, Person, find_audience
from siyu_cli.pushes.names import Target, find_target
from siyu_cli.rules.tagging import workspace_rules
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.pushes import record_members
from siyu_cli.store.scores import newest_score_run
from siyu_cli.words import file_stem, fold

if TYPE_CHECKING:
    from pathlib import Path

    from siyu_cli.clock import AsOf
    from siyu_cli.context import Run
    from siyu_cli.sheets.write import ListSheet
    from siyu_cli.workspace import Workspace

NO_OWNER = "无归属"
KIND = "push"


@dataclass(frozen=True)
class PushFile:
    """One workbook of a push: whose it is and who is in it."""

    owner_id: str
    owner: str
    path: Path
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Push:
    """An exported push list."""

    target: Target
    audience: Audience
    files: tuple[PushFile, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class PushOrder:
    """What the operator asked for."""

    name: str
    reason: str = ""
    reveal: bool = False
    single: bool = False


def _rule_tags(workspace: Workspace) -> tuple[str, ...]:
    """The tags that rules give; none where the rules do not pass their check, which stops no push."""
    try:
        rules = workspace_rules(workspace)
    except InputRefused:
        return ()
    return (*(tag.name for tag in rules.tags), *rules.manual_tags)


def export_push(run: Run, workspace: Workspace, asked: PushOrder, as_of: AsOf) -> Push:
    """Find the people and write their workbooks, inside the run's transaction; a dry run writes no file."""
    engine = DuckDbEngine(run.con)
    target = find_target(engine, asked.name, as_of, _rule_tags(workspace))
    scores = newest_score_run(engine, as_of)
    audience = find_audience(engine, target, as_of, scores.run_id if scores else 0)
    names = {row[0]: row[1] for row in run.con.execute("SELECT staff_id, name FROM staff").fetchall()}
    folder = _folder(run, workspace, target, asked, as_of)
    files = plan_files(audience.people, names, folder, single=asked.single)
    if not run.is_dry:
        about = _about(run, target, asked, audience, as_of)
        created = datetime.fromtimestamp(as_of.seconds, UTC).replace(tzinfo=None)
        for file in files:
            _write(file, about, created, reveal=asked.reveal)
    removed = _drop_older(run, workspace, folder, files)
    for file in files:
        run.con.execute(
            "INSERT INTO exports (run_id, kind, path, rows, is_revealed, is_written) VALUES (?, ?,"
            " ?, ?, ?, 1)",
            [run.run_id, KIND, workspace.shown(file.path), len(file.people), int(asked.reveal)],
        )
    people = [person.customer_id for person in audience.people]
    record_members(run.con, run.run_id, asked.reason.strip() or target.name, people, as_of.seconds)
    run.counts = {
        "audience": audience.total,
        "exported": len(audience.people),
        "opted_out": audience.opted_out,
    }
    return Push(target, audience, files, removed)


def _folder(run: Run, workspace: Workspace, target: Target, asked: PushOrder, as_of: AsOf) -> Path:
    """The folder of the reason; where another list has it already, one with this list's name added."""
    day = workspace.day_folder("推送", as_of.day)
    folder = day / file_stem(asked.reason or target.name)
    known = run.con.execute(
        "SELECT DISTINCT e.path, r.arguments FROM exports AS e JOIN runs AS r ON r.run_id = e.run_id"
        " WHERE e.kind = ?",
        [KIND],
    ).fetchall()
    lists = {
        fold(str(json.loads(arguments).get("name", "")))
        for path, arguments in known
        if (workspace.root / path).parent == folder
    }
    return day / file_stem(f"{folder.name}-{target.name}") if lists - {fold(asked.name)} else folder


def plan_files(
    people: tuple[Person, ...], names: dict[str, str], folder: Path, *, single: bool
) -> tuple[PushFile, ...]:
    """Who goes into which workbook; two owners of one name get their account added to it."""
    if single:
        return (PushFile("", "", folder / "名单.xlsx", people),) if people else ()
    owners = sorted({person.owner_id for person in people}, key=lambda owner: (owner == "", owner))
    stems: dict[str, str] = {}
    taken = {fold(NO_OWNER)} if "" in owners else set[str]()
    for owner in owners:
        stem = file_stem(names.get(owner, owner)) if owner else NO_OWNER
        if owner and fold(stem) in taken:
            stem = f"{stem}({file_stem(owner)})"
        taken.add(fold(stem))
        stems[owner] = stem
    return tuple(
        PushFile(
            owner,
            names.get(owner, owner) if owner else NO_OWNER,
            folder / f"{stems[owner]}.xlsx",
            tuple(person for person in people if person.owner_id == owner),
        )
        for owner in owners
    )


def _drop_older(run: Run, workspace: Workspace, folder: Path, files: tuple[PushFile, ...]) -> tuple[str, ...]:
    """Workbooks that an earlier export put into this folder and this one does not write: they are stale."""
    known = run.con.execute("SELECT DISTINCT path FROM exports WHERE kind = ?", [KIND]).fetchall()
    current = {file.path for file in files}
    older = [
        path
        for (shown,) in sorted(known)
        if (path := workspace.root / shown).parent == folder and path not in current and path.is_file()
    ]
    if not run.is_dry:
        for path in older:
            with suppress(OSError):
                path.unlink()
    return tuple(workspace.shown(path) for path in older)


def _write(file: PushFile, about: list[tuple[str, str]], created: datetime, *, reveal: bool) -> None:
    from siyu_cli.sheets.write import write_list_workbook

    owner = [(tr("归属", "Owner"), file.owner)] if file.owner else []
    write_list_workbook(
        file.path,
        [_sheet(file.people, reveal=reveal)],
        [*owner, (tr("人数", "Customers"), f"{len(file.people):,}"), *about],
        created=created,
    )


def _sheet(people: tuple[Person, ...], *, reveal: bool) -> ListSheet:
    from siyu_cli.sheets.write import ListColumn, ListSheet

    phone_title = tr("手机号", "Phone") if reveal else tr("手机号(已打码)", "Phone (masked)")
    columns = (
        ListColumn(tr("客户编号", "Customer")),
        ListColumn(phone_title),
        ListColumn(tr("买家昵称/平台", "Buyer / platform")),
        ListColumn(tr("省市", "Region")),
        ListColumn(tr("订单数", "Orders"), "count"),
        ListColumn(tr("最近购买", "Last bought")),
        ListColumn(tr("消费额", "Spent"), "yuan"),
        ListColumn(tr("标签", "Tags"), width=60),
        ListColumn(tr("分群", "Segment")),
        ListColumn(tr("RFM分", "RFM scores")),
        ListColumn(tr("流失风险", "Churn risk")),
        ListColumn(tr("建议", "Advice")),
    )
    rows = [
        (
            str(person.customer_id),
            "、".join(p if reveal else mask_phones(p) for p in person.phones),
            "、".join(mask_phones(b) if not reveal else b for b in person.buyers),
            person.place,
            person.orders,
            person.last_bought,
            person.net_fen,
            "、".join(person.tags),
            person.segment,
            person.scores,
            person.risk,
            person.advice,
        )
        for person in people
    ]
    return ListSheet(tr("名单", "List"), columns, rows)


def _about(
    run: Run, target: Target, asked: PushOrder, audience: Audience, as_of: AsOf
) -> list[tuple[str, str]]:
    return [
        (tr("名单", "List"), target.words),
        (tr("原因", "Reason"), asked.reason or target.name),
        (tr("统计截止", "As of"), str(as_of)),
        (tr("执行编号", "Run"), str(run.run_id)),
        (
            tr("筛选", "Filter"),
            tr(
                f"{audience.total:,} 人,去掉已退订 {audience.opted_out:,} 人,可推 "
                f"{len(audience.people):,} 人",
                f"{audience.total:,} people, {audience.opted_out:,} opted out, "
                f"{len(audience.people):,} in the lists",
            ),
        ),
        (
            tr("归属", "Owner"),
            tr(
                "持有客户手机号那条线索的员工;没有的在 无归属.xlsx",
                "Whoever holds the lead with the customer's phone; the others are in 无归属.xlsx",
            ),
        ),
        (
            tr("订单数", "Orders"),
            tr(
                "有效订单:已付款、未关闭、扣掉退款后大于 0",
                "Valid orders: paid, not closed, above 0 net of refunds",
            ),
        ),
        (
            tr("消费额", "Spent"),
            tr("有效订单实付减退款合计(元)", "Paid minus refunds of valid orders (yuan)"),
        ),
        (
            tr("分群、RFM分、流失风险", "Segment, RFM scores, churn risk"),
            tr(
                "最近一次 siyu score-customers 的结果;方案不打分时没有 RFM分,没有用 --backtest 验证过时没有流失风险",
                "From the last siyu score-customers; no scores where the scheme gives none, no risk before a --backtest",
            ),
        ),
        (
            tr("手机号", "Phone"),
            tr(
                "完整号码,只用于联系客户,用完请删除",
                "Full numbers, for contacting these customers only; delete after use",
            )
            if asked.reveal
            else tr(
                "已打码;要完整号码用 --reveal(会留下记录)",
                "Masked; --reveal gives full numbers (and is recorded)",
            ),
        ),
    ]
