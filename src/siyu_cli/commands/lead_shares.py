"""What distribute-leads shows: shares by person, who is away, what stays and why, how even it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siyu_cli.commands.render import Column, Table
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.leads.desk import Desk
    from siyu_cli.leads.workbooks import Written


def result_of(found: Desk, written: list[Written]) -> dict[str, Any]:
    from siyu_cli.leads.desk import until_text
    from siyu_cli.leads.shares import one_decimal

    names = {share.staff_id: share.name for share in found.plan.shares}
    return {
        "assigned": found.plan.assigned,
        "left_in_pool": found.left_in_pool,
        "left_reasons": dict(found.left),
        "later_than_as_of": found.later,
        "staff": [
            {
                "staff_id": share.staff_id,
                "name": share.name,
                "before": share.before,
                "given": share.given,
                "after": share.after,
                "holding": share.holding,
                "owed": share.owed,
                "gap": share.gap,
                "own": share.own,
                "weight_milli": share.weight_milli,
                "room": share.room,
                "is_full": share.is_full,
            }
            for share in found.plan.shares
        ],
        "absent": [
            {
                "staff_id": one.person.staff_id,
                "name": one.person.name,
                "why": one.why,
                "until": until_text(one) or None,
                "before": one.given,
                "holding": one.holding,
            }
            for one in found.absent
            if not one.is_retired
        ],
        "strata": [
            {
                "stratum": mix.stratum,
                "leads": mix.leads,
                "spread": mix.spread,
                "drift": one_decimal(mix.widest),
            }
            for mix in found.plan.strata
        ],
        "inactive": [
            {
                "staff_id": one.person.staff_id,
                "name": one.person.name,
                "before": one.given,
                "holding": one.holding,
            }
            for one in found.absent
            if one.is_retired
        ],
        "files": files_of(written, names),
    }


def files_of(written: list[Written], names: dict[str, str]) -> list[dict[str, Any]]:
    """The workbooks as JSON; `names` by account."""
    return [
        {
            "file": one.file.path,
            "staff_id": one.file.staff_id,
            "name": names.get(one.file.staff_id or ""),
            "rows": one.rows,
            "run_id": one.file.run_id,
            "problem": one.problem or None,
        }
        for one in written
    ]


def share_table(found: Desk) -> Table:
    """A row per person at work, then those who are away and why."""
    from siyu_cli.leads.desk import until_text

    columns = (
        Column("name", tr("员工", "Staff")),
        Column("before", tr("之前", "Before"), "count"),
        Column("given", tr("本次", "Given"), "count"),
        Column("after", tr("之后", "After"), "count"),
        Column("owed", tr("应得", "Owed"), "count"),
        Column("gap", tr("差", "Gap"), "count"),
    )
    shares = found.plan.shares
    names = [share.name for share in shares]
    rows: list[tuple[Any, ...]] = [
        (
            share.name if names.count(share.name) == 1 else f"{share.name}({share.staff_id})",
            share.before,
            share.given,
            share.after,
            share.owed,
            share.gap,
        )
        for share in shares
    ]
    for one in found.absent:
        why = one.why + until_text(one)
        rows.append(
            (
                tr(f"{one.person.name}({why})", f"{one.person.name} ({why})"),
                one.given,
                0,
                one.given,
                None,
                None,
            )
        )
    return Table(columns, rows)


def closing_words(found: Desk, written: list[Written]) -> list[str]:
    """What happened, where the files are, what is left."""
    lines = _fairness_words(found) if found.plan.assigned else [
        tr("没有待分配的线索,这次什么也没分", "No lead is waiting, nothing was dealt out")
        if not found.left_in_pool
        else tr("这次什么也没分", "Nothing was dealt out")
    ]  # fmt: skip
    lines += file_words(written)
    lines += [
        tr(f"未分出 {count:,} 条:{_left_words(reason)}", f"{count:,} stay in the pool: {_left_words(reason)}")
        for reason, count in found.left.items()
    ]
    if found.later:
        lines.append(
            tr(
                f"注意:{found.later:,} 条是截止时间之后导入或变动的,这次看不见",
                f"Note: {found.later:,} came or changed after the cut-off",
            )
        )
    return lines


def _left_words(reason: str) -> str:
    """Why leads stay in the pool, and what would change it."""
    return {
        "opted-out": tr("已退订,留在池里", "opted out"),
        "outside-working-days": tr(
            "今天不分(siyu.yaml 的 distribution 里不是工作日)", "no working day (distribution in siyu.yaml)"
        ),
        "tried-enough": tr(
            "已经给过够多的人,下一次 siyu reclaim-leads 算死线索",
            "enough people have tried, they are dead at the next siyu reclaim-leads",
        ),
        "no-one-eligible": tr(
            "没有人能接(渠道、地区、门店、技能对不上员工表)", "nobody takes them (channel, region, shop, skills)"
        ),
        "all-absent": tr("能接的人今天都不在", "those who take them are all away"),
        "all-full": tr("能接的人都满了(每日上限或持有上限)", "those who take them are full (daily or holding cap)"),
        "cooldown": tr("冷却期内不回原来的人,又没有别人能接", "in cooldown, and only the owner before could take them"),
    }[reason]  # fmt: skip


def _fairness_words(found: Desk) -> list[str]:
    """How even the batch is, how even all batches are, and the mix."""
    from siyu_cli.leads.shares import one_decimal

    plan = found.plan
    given = [share.given for share in plan.shares]
    gaps = [share.balance for share in plan.shares]
    spread, widest = max(given) - min(given), one_decimal(max(gaps) - min(gaps))
    people = sum(map(bool, given))
    lines = [
        tr(
            f"{plan.assigned:,} 条线索 → {people} 人;最多与最少:本次相差 {spread},"
            f"历次按应得算相差 {widest}(不计停用)",
            f"{plan.assigned:,} leads → {people} people; spread {spread} in this batch, "
            f"{widest} over all batches (active people)",
        )
    ]
    if len(plan.strata) > 1:
        mixed = max(plan.strata, key=lambda mix: mix.spread)
        drifted = max(plan.strata, key=lambda mix: mix.widest)
        lines.append(
            tr(
                f"{len(plan.strata):,} 层({_stratum(mixed.stratum)} 等):每层内本次最多相差 {mixed.spread};"
                f"历次偏离最大的是{_stratum(drifted.stratum)},相差 {one_decimal(drifted.widest)}",
                f"{len(plan.strata):,} strata: within {mixed.spread} of each in this batch; "
                f"widest over all batches {_stratum(drifted.stratum)}, {one_decimal(drifted.widest)}",
            )
        )
    if own := sum(share.own for share in plan.shares):
        lines.append(
            tr(f"其中 {own:,} 条是老客,回到原归属人", f"{own:,} of them went to their friend or owner")
        )
    return lines


def _stratum(label: str) -> str:
    return f"「{label or tr('(无)', '(none)')}」"


def file_words(written: list[Written]) -> list[str]:
    """Where the workbooks are, and which could not be written."""
    lines = []
    done = [one.file.path for one in written if not one.problem]
    if done:
        first, more = done[0], " …" if len(done) > 2 else ""
        lines.append(
            tr(
                f"每人一张表:{first}{more}  汇总:{done[-1]}",
                f"One workbook each: {first}{more}  summary: {done[-1]}",
            )
        )
    lines += [
        tr(f"没写成 {one.file.path}:{one.problem}", f"Not written {one.file.path}: {one.problem}")
        for one in written
        if one.problem
    ]
    if len(done) < len(written):
        lines.append(
            tr(
                "线索已经分好。处理后再运行一次 siyu distribute-leads,会补写没写成的表",
                "The leads are dealt out. Run siyu distribute-leads again to write what is missing",
            )
        )
    return lines
