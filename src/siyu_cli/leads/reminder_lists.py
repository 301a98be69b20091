"""Lists of reminders on disk: a workbook per person that can be filled in and sent back, one for the manager."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, date_of
from siyu_cli.errors import SiyuError, system_words
from siyu_cli.files import choose_names, free_name
from siyu_cli.language import tr
from siyu_cli.leads.reminders import MANAGER, Reminding, digest_of
from siyu_cli.leads.workbooks import RESULTS, about_stages, with_stages
from siyu_cli.sheets.row_keys import make_keys
from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

if TYPE_CHECKING:
    from siyu_cli.settings import ReminderSettings

MANAGER_STEM = "_主管"
_COLUMNS = (
    ListColumn("行标识"),
    ListColumn("提醒"),
    ListColumn("手机号", width=14),
    ListColumn("姓名"),
    ListColumn("来源"),
    ListColumn("渠道"),
    ListColumn("备注"),
    ListColumn("状态"),
    ListColumn("几天没动静", "count"),
    ListColumn("到期日", "date"),
    ListColumn("剩余天数", "count"),
    ListColumn("结果", choices=RESULTS),
    ListColumn("反馈备注", width=30),
)
_STALLED_COLUMNS = (
    ListColumn("行标识"),
    ListColumn("手机号", width=14),
    ListColumn("姓名"),
    ListColumn("现在的阶段"),
    ListColumn("停留天数", "count"),
    ListColumn("几天就提醒", "count"),
    ListColumn("结果", choices=RESULTS),
    ListColumn("反馈备注", width=30),
)
_MANAGER_COLUMNS = (
    ListColumn("员工账号"),
    ListColumn("员工"),
    ListColumn("手机号"),
    ListColumn("线索姓名"),
    ListColumn("渠道"),
    ListColumn("状态"),
    ListColumn("几天没动静", "count"),
    ListColumn("到期日", "date"),
)


@dataclass(frozen=True)
class WrittenList:
    """One list: in place, or why not; the manager's has no staff_id."""

    staff_id: str
    path: str
    rows: int
    problem: str = ""


def choose_paths(plan: Reminding, taken: set[str], folder: Path, root: Path) -> dict[str, str]:
    """A path below the workspace for every list that says something new, by account; never one that is taken."""
    below = folder.relative_to(root)
    used = {Path(path).name for path in taken if Path(path).parent == below}
    if folder.is_dir():
        used |= {file.name for file in folder.iterdir()}
    names = choose_names([(one.staff_id, one.name) for one in plan.people if one.is_new], used)
    if plan.told.num_rows and (plan.before is None or plan.before.digest != digest_of(plan.told)):
        names[MANAGER] = free_name(MANAGER_STEM, {name.casefold() for name in used})
    return {staff_id: (below / name).as_posix() for staff_id, name in names.items()}


def all_paths(plan: Reminding, new: dict[str, str]) -> dict[str, str]:
    """The path of every list of the day: those there were, and the new ones."""
    before = {one.staff_id: one.path for one in plan.people if one.path}
    if plan.before is not None and plan.told.num_rows:
        before[MANAGER] = plan.before.path
    return {**before, **new}


def write_lists(
    root: Path, plan: Reminding, paths: dict[str, str], day: int, settings: ReminderSettings
) -> list[WrittenList]:
    """Write every list that is not there; one that is there may be filled in and stays."""
    names = {one.staff_id: one.name for one in plan.people}
    parts = plan.parts()
    written = []
    for staff_id, path in sorted(paths.items()):
        part, stalled = parts.get(staff_id, (plan.told, plan.stalled.slice(0, 0)))
        problem = ""
        if (root / path).exists():
            continue
        try:
            if staff_id == MANAGER:
                _write_manager(root / path, part, names, day, settings)
            else:
                _write_list(root / path, part, stalled, plan.stages, names[staff_id], day)
        except SiyuError as error:
            problem = error.message
        except OSError as error:
            problem = system_words(error)
        written.append(WrittenList(staff_id, path, part.num_rows + stalled.num_rows, problem))
    return written


def _write_list(
    path: Path, part: pa.Table, stalled: pa.Table, stages: tuple[str, ...], name: str, day: int
) -> None:
    rows = pa.table(
        {
            "key": make_keys(part["lead_id"].to_numpy(), part["owners"].to_numpy()),
            **{
                one: part[one]
                for one in ("why", "phone", "name", "source", "channel", "remark", "state", "idle", "due")
            },
            "days_left": pc.subtract(part["last_day"], day),
            "result": pa.nulls(part.num_rows, pa.string()),
            "note": pa.nulls(part.num_rows, pa.string()),
        }
    )
    about = [
        (tr("这张表", "Sheet"), tr(f"{name} 今天要跟进的线索", f"What waits for {name} today")),
        (tr("日期", "Day"), date_of(day).isoformat()),
        (tr("条数", "Leads"), f"{part.num_rows:,}"),
        (
            tr("提醒", "Why"),
            tr(
                "已到期 = 过了到期日,随时会被收回;今天到期;该跟进 = 好几天没有动静;新分到 = 今天刚分的",
                "overdue, due today, waiting = untouched for days, new = dealt today",
            ),
        ),
        (
            tr("怎么填", "How to"),
            tr(
                "和线索表一样:「结果」用下拉选,不要改「行标识」,填好发回来",
                "As in the lead list: choose 结果, leave 行标识 alone, send it back",
            ),
        ),
    ]
    columns, rows = with_stages(_COLUMNS, rows, stages)
    sheets = [ListSheet("提醒", columns, rows)] if part.num_rows or not stalled.num_rows else []
    if stalled.num_rows:
        sheets.append(_stalled_sheet(stalled, stages))
        about += _about_stalled(stalled.num_rows)
    write_list_workbook(path, sheets, [*about, *about_stages(stages)], created=_moment(day))


def _stalled_sheet(stalled: pa.Table, stages: tuple[str, ...]) -> ListSheet:
    """Customers who stand still; it can be filled in and sent back like the leads."""
    rows = pa.table(
        {
            "key": make_keys(stalled["lead_id"].to_numpy(), stalled["owners"].to_numpy()),
            **{one: stalled[one] for one in ("phone", "name", "stage", "days", "remind_days")},
            "result": pa.nulls(stalled.num_rows, pa.string()),
            "note": pa.nulls(stalled.num_rows, pa.string()),
        }
    )
    return ListSheet(tr("阶段停留", "Standing still"), *with_stages(_STALLED_COLUMNS, rows, stages))


def _about_stalled(people: int) -> list[tuple[str, str]]:
    said = tr(
        f"{people:,} 位客户在一个阶段里停留太久:跟进一下,阶段有变化就填「阶段」。每次停留只提醒一次。"
        "填好发回来(siyu import-feedback 这张表 --sheet 阶段停留)",
        f"{people:,} customers have stood still for too long; each stay is brought up once. "
        "Fill in 阶段 where it changed (siyu import-feedback this file --sheet 阶段停留)",
    )
    return [(tr("阶段停留", "Standing still"), said)]


def _write_manager(
    path: Path, part: pa.Table, names: dict[str, str], day: int, settings: ReminderSettings
) -> None:
    accounts = part["staff_id"].to_pylist()
    rows = pa.table(
        {
            "staff_id": part["staff_id"],
            "staff": pa.array([names.get(one, one) for one in accounts], pa.string()),
            # The manager asks about people, not about numbers.
            "phone": pc.binary_join_element_wise(
                pc.utf8_slice_codeunits(part["phone"], 0, 3),
                pc.utf8_slice_codeunits(part["phone"], 7),
                "****",
            ),
            **{one: part[one] for one in ("name", "channel", "state", "idle", "due")},
        }
    )
    days = settings.escalate_days
    about = [
        (tr("这张表", "Sheet"), tr(f"{days} 天没有跟进的线索", f"Leads untouched for {days} days")),
        (tr("日期", "Day"), date_of(day).isoformat()),
        (tr("条数", "Leads"), f"{part.num_rows:,}"),
        (tr("说明", "Note"), tr("每条线索在一个人手里只抄送一次", "Each lead once per owner")),
    ]
    write_list_workbook(path, [ListSheet("抄送", _MANAGER_COLUMNS, rows)], about, created=_moment(day))


def _moment(day: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=day * DAY_SECONDS)
