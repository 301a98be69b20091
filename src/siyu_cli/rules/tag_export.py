"""Tag changes for 企业微信: one workbook per member of staff with what to set on and take off which friend.

What a list says has been said: the next one says only what came after it. No list is ever overwritten, since one
that nobody has worked through yet is still true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused
from siyu_cli.files import choose_names
from siyu_cli.language import tr
from siyu_cli.rules.lints import MAX_TAG_NAME, MAX_TAGS
from siyu_cli.store import tag_exports as store

if TYPE_CHECKING:
    import pyarrow as pa

    from siyu_cli.clock import AsOf
    from siyu_cli.context import Run
    from siyu_cli.workspace import Workspace

KIND = "tags"
NO_STAFF = "员工不明"
_NAMED = 10


@dataclass(frozen=True)
class TagFile:
    """One workbook: whose it is, its friends, and how many tags they are to set and to take off."""

    staff_id: str
    staff: str
    path: Path
    friends: int
    to_set: int
    to_drop: int


@dataclass(frozen=True)
class TagExport:
    """What was written; `tags` are different tags of friends, `without_friend` customers with tags nobody can set."""

    files: tuple[TagFile, ...]
    tags: int
    without_friend: int
    is_full: bool


def export_tags(run: Run, workspace: Workspace, as_of: AsOf, *, is_full: bool, reveal: bool) -> TagExport:
    """Compare what friends should have with what staff were told, write the difference (`is_full`: also what was
    told before) and note it, inside the run's transaction; a dry run writes no file.
    """
    store.find_tag_diff(run.con)
    wanted = store.wanted_tags(run.con)
    refuse_beyond_limits(wanted)
    table = store.listed_friends(run.con, is_full=is_full, reveal=reveal)
    slices = _by_staff(table)
    folder = workspace.day_folder("标签", as_of.day)
    names = _file_names(run, folder, table, slices)
    files = []
    for key, part in slices.items():
        rows = table.slice(part.start, part.stop - part.start)
        head = rows.slice(0, 1).to_pylist()[0]
        sums = {name: sum(rows[name].to_pylist()) for name in ("set_count", "drop_count")}
        staff = head["staff"] or tr(NO_STAFF, "unknown staff")
        path = folder / names[key]
        file = TagFile(head["staff_id"], staff, path, rows.num_rows, sums["set_count"], sums["drop_count"])
        if not run.is_dry:
            _write(file, rows, run.run_id, as_of, is_full=is_full, reveal=reveal)
        store.note_file(run.con, run.run_id, KIND, workspace.shown(path), file.friends, reveal=reveal)
        files.append(file)
    store.note_exported(run.con, run.run_id)
    run.counts = {
        "files": len(files),
        "friends": table.num_rows,
        "to_set": sum(file.to_set for file in files),
        "to_drop": sum(file.to_drop for file in files),
    }
    return TagExport(tuple(files), len(wanted), store.holders_without_friend(run.con), is_full)


def refuse_beyond_limits(wanted: list[tuple[str, int]]) -> None:
    """InputRefused where 企业微信 would not take these (tag, friends), the most frequent first; it says which."""
    long = sorted(tag for tag, _ in wanted if len(tag) > MAX_TAG_NAME)
    if long:
        listed = "、".join(f"「{tag}」" + tr(f"({len(tag)} 字)", f" ({len(tag)})") for tag in long)
        raise InputRefused(
            "tag-name-too-long",
            tr(
                f"企业微信的标签名最多 {MAX_TAG_NAME} 个字,这 {len(long)} 个更长:{listed}",
                f"WeCom takes tag names of {MAX_TAG_NAME} characters, these {len(long)} are longer: {listed}",
            ),
            hint=tr(
                "在规则里改短,旧名写在 was 里;只由人打的标签改 manual_tags",
                "Shorten them in the rules, with the old name under was",
            ),
        )
    if len(wanted) > MAX_TAGS:
        beyond = wanted[MAX_TAGS:]
        listed = "、".join(f"「{tag}」" for tag, _ in beyond[:_NAMED])
        more = tr(" 等", " and others") if len(beyond) > _NAMED else ""
        raise InputRefused(
            "too-many-tags",
            tr(
                f"企业微信最多 {MAX_TAGS:,} 个标签,好友身上有 {len(wanted):,} 个;人最少的 {len(beyond):,} 个是{listed}{more}",
                f"WeCom takes {MAX_TAGS:,} tags, friends have {len(wanted):,}; the {len(beyond):,} rarest: {listed}{more}",
            ),
            hint=tr("删掉用不着的标签,或并成少数几个", "Delete tags nobody needs, or merge them"),
        )


def _by_staff(table: pa.Table) -> dict[str, slice]:
    """Member of staff → their rows; the table is ordered by them."""
    slices: dict[str, slice] = {}
    keys = table["staff_key"].combine_chunks().dictionary_encode()
    start = 0
    for entry in keys.value_counts().to_pylist():
        slices[entry["values"]] = slice(start, start + entry["counts"])
        start += entry["counts"]
    return slices


def _file_names(run: Run, folder: Path, table: pa.Table, slices: dict[str, slice]) -> dict[str, str]:
    """A file name per member of staff that no list has or ever had."""
    staff = table["staff"]
    people = [(key, staff[part.start].as_py() or NO_STAFF) for key, part in slices.items()]
    taken = {
        Path(path).name
        for path in store.exported_paths(run.con, KIND)
        if Path(path).parent.name == folder.name
    }
    if folder.is_dir():
        taken |= {file.name for file in folder.iterdir()}
    return choose_names(people, taken)


def _write(file: TagFile, rows: pa.Table, run_id: int, as_of: AsOf, *, is_full: bool, reveal: bool) -> None:
    from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

    columns = (
        ListColumn(tr("客户", "Customer")),
        ListColumn(tr("备注", "Remark")),
        ListColumn("外部联系人ID"),
        ListColumn(tr("手机号", "Phone") if reveal else tr("手机号(已打码)", "Phone (masked)")),
        ListColumn(tr("打上", "Set"), width=40),
        ListColumn(tr("去掉", "Take off"), width=40),
    )
    listed = rows.select(["name", "remark", "external_userid", "phones", "to_set", "to_drop"])
    said = (
        tr("客户现在该有的全部标签,和要去掉的", "All tags the friend should have now, and what to take off")
        if is_full
        else tr("上次导出以后变了的标签", "The tags that changed since the last export")
    )
    about = [
        (tr("员工", "Staff"), f"{file.staff}({file.staff_id})" if file.staff_id else file.staff),
        (tr("这张表", "Sheet"), said),
        (tr("客户", "Friends"), f"{file.friends:,}"),
        (tr("打上、去掉", "Set, take off"), f"{file.to_set:,} / {file.to_drop:,}"),
        (tr("统计截止", "As of"), str(as_of)),
        (tr("执行编号", "Run"), str(run_id)),
        (
            tr("怎么用", "How to"),
            tr(
                "在企业微信里照着改这些客户的企业标签。企业微信的标签是每位员工对每位客户的,别人的客户不用管。"
                "标签已经是这样的就跳过。改完这张表就没用了;没改完也别丢,下次导出不会再说一遍(siyu export-tags --all 可以重新列出全部)",
                "Change the tags of these friends in WeCom. Skip what is so already. Keep this list until it is done: the "
                "next export does not repeat it (siyu export-tags --all lists everything again)",
            ),
        ),
        (
            tr("手机号", "Phone"),
            tr("完整号码,用完请删除", "Full numbers; delete after use")
            if reveal
            else tr("已打码;要完整号码用 --reveal(会留下记录)", "Masked; --reveal gives full numbers (and is recorded)"),
        ),
    ]  # fmt: skip
    created = datetime.fromtimestamp(as_of.seconds, UTC).replace(tzinfo=None)
    write_list_workbook(file.path, [ListSheet(tr("标签", "Tags"), columns, listed)], about, created=created)
