"""Staff workbooks: one per person and batch, never overwritten, and a summary of each batch.

Files are promised inside the distribution's transaction and written after it. A run that is cut
short in between leaves promises, which the next distribution keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, date_of, format_seconds
from siyu_cli.errors import SiyuError, system_words
from siyu_cli.files import SUMMARY_STEM, choose_names, free_name
from siyu_cli.language import tr
from siyu_cli.leads.care import protections
from siyu_cli.leads.desk import ledger_of
from siyu_cli.leads.shares import Share, one_decimal
from siyu_cli.sheets.row_keys import make_keys
from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook
from siyu_cli.store import leads, shares
from siyu_cli.store.leads import Promised
from siyu_cli.store.staff import all_staff
from siyu_cli.store.stages import kept_stages

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.settings import LeadSettings

RESULTS = ("已发申请", "已添加", "拒绝", "空号", "已是好友", "稍后", "退回")
"""What a staff member may report; import-feedback reads these words and more (platforms/反馈.yaml)."""

_PASTE_LENGTH = 20  # a friend's remark in 企业微信 holds 20 characters

_COLUMNS = (
    ListColumn("行标识"),
    ListColumn("手机号", width=14),
    ListColumn("姓名"),
    ListColumn("来源"),
    ListColumn("渠道"),
    ListColumn("备注"),
    ListColumn("到期日", "date"),
    ListColumn("剩余天数", "count"),
    ListColumn("加好友备注"),
    ListColumn("结果", choices=RESULTS),
    ListColumn("反馈备注", width=30),
)
_SUMMARY_COLUMNS = (
    ListColumn("员工账号"),
    ListColumn("姓名"),
    ListColumn("之前", "count"),
    ListColumn("本次", "count"),
    ListColumn("之后", "count"),
    ListColumn("现持有", "count"),
    ListColumn("应得"),
    ListColumn("差"),
    ListColumn("文件"),
)


@dataclass(frozen=True)
class Written:
    """One promised file: in place, or why not."""

    file: Promised
    rows: int
    problem: str = ""


def promise(
    con: DuckDBPyConnection, run_id: int, folder: Path, root: Path, shares: Sequence[Share]
) -> dict[str, str]:
    """Choose and note this batch's files; account → path below the workspace, the summary under ''."""
    below = folder.relative_to(root)
    taken = {Path(path).name for path in leads.promised_paths(con) if Path(path).parent == below}
    if folder.is_dir():
        taken |= {file.name for file in folder.iterdir()}
    summary = free_name(SUMMARY_STEM, {name.casefold() for name in taken})
    names = choose_names([(one.staff_id, one.name) for one in shares if one.given], {*taken, summary})
    paths = {staff_id: (below / name).as_posix() for staff_id, name in {**names, "": summary}.items()}
    given = {share.staff_id: share.given for share in shares}
    leads.promise_files(
        con,
        run_id,
        [(leads.WORKBOOK if one else leads.SUMMARY, path, given.get(one, 0)) for one, path in paths.items()],
    )
    return paths


@dataclass(frozen=True)
class Batch:
    """What the files of one run say, read from the store in one go."""

    run_id: int
    rows: pa.Table
    by_staff: Mapping[str, slice]
    shares: tuple[Share, ...]
    workbooks: Mapping[str, str]
    at_sec: int
    stages: tuple[str, ...] = ()


def read_batches(con: DuckDBPyConnection) -> tuple[list[Promised], dict[int, Batch]]:
    """The files still to be written and the batches they belong to."""
    files = leads.promised_files(con)
    return files, {run_id: _read_batch(con, run_id) for run_id in {file.run_id for file in files}}


def write_files(
    root: Path, files: Sequence[Promised], batches: Mapping[int, Batch], settings: LeadSettings
) -> list[Written]:
    """Write what is promised; a file that is already there is complete, maybe filled in, and stays."""
    return [_write(root, file, batches[file.run_id], settings) for file in files]


def _write(root: Path, file: Promised, batch: Batch, settings: LeadSettings) -> Written:
    rows = len(batch.shares)
    if file.staff_id is not None:
        part = batch.by_staff[file.staff_id]
        rows = part.stop - part.start
    path = root / file.path
    try:
        if not path.exists():
            if file.staff_id is None:
                _write_summary(path, batch)
            else:
                _write_staff_workbook(path, batch, file.staff_id, settings)
    except SiyuError as error:
        return Written(file, rows, error.message)
    except OSError as error:
        return Written(file, rows, system_words(error))
    return Written(file, rows)


def _read_batch(con: DuckDBPyConnection, run_id: int) -> Batch:
    rows = leads.run_leads(con, run_id)
    by_staff, start = {}, 0
    kept = shares.run_shares(con, run_id)
    for staff_id, given, _ in kept:
        by_staff[staff_id] = slice(start, start + given)
        start += given
    names = {person.staff_id: person.name for person in all_staff(con)}
    earlier = {row.staff_id: row for row in shares.ledger_rows(con, run_id)}
    balances = ledger_of(shares.ledger_rows(con, run_id + 1)).balances
    counts = shares.loads(con, 0)
    people = tuple(
        Share(
            staff_id,
            names[staff_id],
            earlier[staff_id].given if staff_id in earlier else 0,
            given,
            counts[staff_id].holding if staff_id in counts else 0,
            balances[staff_id],
            balances[staff_id],
            balances[staff_id] * 0,
            place,
        )
        for place, (staff_id, given, _) in enumerate(kept, start=1)
    )
    workbooks = {staff_id: path for staff_id, _, path in kept if path}
    at_sec = rows["at_sec"][0].as_py() if rows.num_rows else 0
    return Batch(run_id, rows, by_staff, people, workbooks, at_sec, stages_offered(con))


def stages_offered(con: DuckDBPyConnection) -> tuple[str, ...]:
    """The stages staff may choose from; none where the workspace has not applied any."""
    return tuple(one.stage for one in kept_stages(con))


def with_stages(
    columns: Sequence[ListColumn], rows: pa.Table, stages: Sequence[str]
) -> tuple[list[ListColumn], pa.Table]:
    """A list with an empty column 阶段 to choose from before its last one; as it was where there are no stages."""
    if not stages:
        return list(columns), rows
    at = len(columns) - 1
    listed = [*columns[:at], ListColumn("阶段", choices=tuple(stages)), *columns[at:]]
    return listed, rows.add_column(at, "stage", pa.nulls(rows.num_rows, pa.string()))


def about_stages(stages: Sequence[str]) -> list[tuple[str, str]]:
    """How to fill the column 阶段, where there is one."""
    said = tr(
        "有变化才填,从下拉里选;空着就是不变。填了以后规则不再动它",
        "Choose one only where it changed; empty leaves it. Rules leave it alone then",
    )
    return [(tr("阶段", "Stage"), said)] if stages else []


def _write_staff_workbook(path: Path, batch: Batch, staff_id: str, settings: LeadSettings) -> None:
    part = batch.by_staff[staff_id]
    name = next(share.name for share in batch.shares if share.staff_id == staff_id)
    day = batch.at_sec // DAY_SECONDS
    rows = batch.rows.slice(part.start, part.stop - part.start)
    columns, table = with_stages(_COLUMNS, staff_rows(rows, day, settings), batch.stages)
    about = [
        (tr("这张表", "Sheet"), tr(f"分给 {name}({staff_id})的线索", f"Leads of {name} ({staff_id})")),
        (tr("条数", "Leads"), f"{table.num_rows:,}"),
        (tr("分配时间", "Dealt"), format_seconds(batch.at_sec)),
        (tr("批次", "Run"), str(batch.run_id)),
        (tr("到期日", "Due"), _about_due(settings)),
        (
            tr("剩余天数", "Days left"),
            tr(f"从 {date_of(day)} 算还有几天,0 是最后一天", f"from {date_of(day)}, 0 is the last day"),
        ),
        (tr("怎么填", "How to"), _how_to_fill()),
        *about_stages(batch.stages),
        (
            tr("加好友备注", "Remark"),
            tr("复制到企业微信里当备注", "Paste it as the friend's remark in 企业微信"),
        ),
    ]
    write_list_workbook(path, [ListSheet("线索", columns, table)], about, created=_moment(batch.at_sec))


def _about_due(settings: LeadSettings) -> str:
    terms = settings.protection
    return tr(
        f"到这天还没加上就收回,分给别人。一般是分到后 {terms.protect_days} 天;填了「已发申请」或「稍后」,"
        f"可以延到那天后 {terms.extend_days} 天,最长 {terms.max_days} 天"
        + (";有的渠道另有规定,以这一列为准" if settings.channels else ""),
        f"Not added by then, it goes to somebody else: {terms.protect_days} days after dealing; 已发申请 or 稍后 move it "
        f"to {terms.extend_days} days later, {terms.max_days} days at most",
    )


def _how_to_fill() -> str:
    return tr(
        "「结果」用下拉选:已发申请 = 加好友申请发出了;已添加 = 对方通过了;拒绝;空号;已是好友;稍后 = 还在跟,晚点再加;退回 = 不归我加,还回去。"
        "其他想说的写在「反馈备注」。不要改「行标识」和「手机号」,填好把整张表发回来。",
        "Choose 结果 from the list, add a note, leave 行标识 and 手机号 alone, send the file back.",
    )


def staff_rows(rows: pa.Table, day: int, settings: LeadSettings) -> pa.Table:
    """Leads dealt out on a day as the rows of a staff workbook."""
    size = rows.num_rows
    stamp = date_of(day).strftime("%m%d")
    name, source = rows["name"], pc.coalesce(rows["source"], rows["channel"])
    label = pc.utf8_slice_codeunits(_joined(name, source), 0, _PASTE_LENGTH - len(stamp) - 1)
    label = pc.utf8_rtrim(label, "-")
    left = [min(one.protect_days, one.max_days) for one in protections(rows["channel_key"], settings)]
    dates = {days: date_of(day + days).isoformat() for days in set(left)}
    return pa.table(
        {
            "key": make_keys(rows["lead_id"].to_numpy(), rows["nth"].to_numpy()),
            "phone": rows["phone"],
            "name": name,
            "source": rows["source"],
            "channel": rows["channel"],
            "remark": rows["remark"],
            "due": pa.array([dates[days] for days in left], pa.string()),
            "days_left": pa.array(left, pa.int64()),
            "paste": _joined(label, pa.repeat(stamp, size)),
            "result": pa.nulls(size, pa.string()),
            "feedback": pa.nulls(size, pa.string()),
        }
    )


def _joined(left: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.ChunkedArray:
    """`left-right`, or the one there is. Arrow's null_handling="skip" loses rows where both are null."""
    both = pc.binary_join_element_wise(left, right, "-")
    return pc.coalesce(both, left, right)


def _write_summary(path: Path, batch: Batch) -> None:
    people = [
        (
            share.staff_id,
            share.name,
            share.before,
            share.given,
            share.after,
            share.holding,
            share.owed,
            share.gap,
            Path(batch.workbooks.get(share.staff_id, "")).name,
        )
        for share in batch.shares
    ]
    names = {share.staff_id: share.name for share in batch.shares}
    mix = batch.rows.group_by(["channel", "staff_id"]).aggregate([([], "count_all")]).to_pylist()
    channels = sorted((row["channel"] or "", row["staff_id"], row["count_all"]) for row in mix)
    sheets = [
        ListSheet("汇总", _SUMMARY_COLUMNS, people),
        ListSheet(
            "渠道",
            (ListColumn("渠道"), ListColumn("员工账号"), ListColumn("姓名"), ListColumn("本次", "count")),
            [(channel or "(无)", staff_id, names[staff_id], count) for channel, staff_id, count in channels],
        ),
    ]
    write_list_workbook(path, sheets, _summary_about(batch), created=_moment(batch.at_sec))


def _summary_about(batch: Batch) -> list[tuple[str, str]]:
    gaps = [share.balance for share in batch.shares]
    return [
        (tr("分配时间", "Dealt"), format_seconds(batch.at_sec)),
        (tr("批次", "Run"), str(batch.run_id)),
        (tr("条数", "Leads"), f"{batch.rows.num_rows:,}"),
        (tr("最大差距", "Widest gap"), one_decimal(max(gaps) - min(gaps))),
        (
            tr("之前 / 本次 / 之后", "Before / given / after"),
            tr("历次一共分到的条数,到这次为止", "All leads ever given, up to this batch"),
        ),
        (tr("现持有", "Holding"), tr("写表时还没有结果的条数", "Open when this was written")),
        (
            tr("应得", "Owed"),
            tr(
                "每条线索按权重分给当时在岗、能接、有余地的人,历次相加;不在的日子不算",
                "Each lead by weight among those at work who may take it and have room, summed",
            ),
        ),
        (
            tr("差", "Gap"),
            tr(
                "之后 − 应得;条件相同的人之间相差不超过 1,见 docs/leads-fairness.md",
                "After − owed; within 1 between people of equal weight who take the same leads",
            ),
        ),
    ]


def _moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=seconds)
