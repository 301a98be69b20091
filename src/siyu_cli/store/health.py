"""Is the workspace sound? Read-only checks, each with what is wrong and what to do."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from siyu_cli.language import tr
from siyu_cli.store.connection import STORE_NAME, schema_version

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.workspace import Workspace

Level = Literal["ok", "warning", "failed"]
_PACKAGES = ("siyu-cli", "duckdb", "pyarrow", "python-calamine", "xlsxwriter", "openpyxl", "pandas", "typer")
# Folders that programs copy behind our back while the store is open.
_SYNCED = ("onedrive", "dropbox", "坚果云", "nutstore", "baidunetdisk", "百度网盘", "icloud", "google drive")
_LOW_DISK = 500_000_000

# Each query counts rows that must not exist.
_INVARIANTS = (
    ("order_lines", "SELECT count(*) - count(DISTINCT line_hash) FROM order_lines"),
    ("order_lines.line_no", "SELECT count(*) - count(DISTINCT line_no) FROM order_lines"),
    ("order_lines.customer_id", "SELECT count(*) FROM order_lines ANTI JOIN customers USING (customer_id) "
                                "WHERE customer_id IS NOT NULL"),
    ("customer_keys", "SELECT count(*) - count(DISTINCT (kind, namespace, value)) FROM customer_keys"),
    ("customer_keys.customer_id", "SELECT count(*) FROM customer_keys ANTI JOIN customers USING (customer_id)"),
    ("customer_keys.born_id", "SELECT count(*) FROM (SELECT customer_id FROM customer_keys GROUP BY customer_id "
                              "HAVING min(born_id) <> customer_id)"),
    # Two ids of one kind and namespace only where a person said so.
    ("customer_keys.kind", "SELECT count(*) FROM (SELECT customer_id FROM customer_keys WHERE kind <> 'phone' "
                           "GROUP BY customer_id, kind, namespace HAVING count(*) > 1) AS t WHERE customer_id NOT IN ("
                           "SELECT k.customer_id FROM customer_merges AS m JOIN customer_keys AS k "
                           "ON k.born_id IN (m.from_born_id, m.into_born_id) "
                           "WHERE m.kind IS NULL AND m.split_run_id IS NULL)"),
    ("customers", "SELECT count(*) FROM customers ANTI JOIN customer_keys USING (customer_id)"),
    ("customer_merges", "SELECT count(*) - count(DISTINCT merge_no) FROM customer_merges"),
    ("customer_merges.born_id", "SELECT count(*) FROM customer_merges AS m "
                                "JOIN (SELECT DISTINCT born_id, customer_id FROM customer_keys) AS f ON f.born_id = m.from_born_id "
                                "JOIN (SELECT DISTINCT born_id, customer_id FROM customer_keys) AS i ON i.born_id = m.into_born_id "
                                "WHERE m.split_run_id IS NULL AND f.customer_id <> i.customer_id"),
    ("identity_conflicts", "SELECT count(*) - count(DISTINCT conflict_no) FROM identity_conflicts"),
    ("contacts.customer_id", "SELECT count(*) FROM contacts ANTI JOIN customers USING (customer_id) "
                             "WHERE customer_id IS NOT NULL"),
    ("events.customer_id", "SELECT count(*) FROM events ANTI JOIN customers USING (customer_id) "
                           "WHERE customer_id IS NOT NULL"),
    ("leads", "SELECT count(*) - count(DISTINCT phone) FROM leads"),
    ("lead_events", "SELECT count(*) FROM leads ANTI JOIN lead_events USING (lead_id)"),
    ("lead_events.staff_id", "SELECT count(*) FROM lead_events ANTI JOIN staff USING (staff_id) "
                             "WHERE staff_id IS NOT NULL"),
    ("staff", "SELECT count(*) - count(DISTINCT staff_id) FROM staff"),
    ("tags", "SELECT count(*) - count(DISTINCT (customer_id, tag)) FROM tags"),
    ("tag_truths", "SELECT count(*) - count(DISTINCT (customer_id, tag)) FROM tag_truths"),
    ("tag_exports", "SELECT count(*) - count(DISTINCT (contact_no, tag)) FROM tag_exports"),
    ("tags.customer_id", "SELECT count(*) FROM tags ANTI JOIN customers USING (customer_id)"),
    ("stage_moves", "SELECT count(*) - count(DISTINCT move_no) FROM stage_moves"),
    ("stage_moves.customer_id", "SELECT count(*) FROM stage_moves ANTI JOIN customers USING (customer_id)"),
    ("scores.customer_id", "SELECT count(*) FROM scores ANTI JOIN customers USING (customer_id)"),
    ("refunds.line_no", "SELECT count(*) FROM refunds ANTI JOIN order_lines USING (line_no) "
                        "WHERE line_no IS NOT NULL"),
    ("runs", "SELECT count(*) - count(DISTINCT run_id) FROM runs"),
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, under a name for scripts; `hint` says what to do where it is not ok."""

    name: str
    level: Level
    detail: str
    hint: str = ""


def check_machine() -> Iterator[Check]:
    """Versions of what siyu runs on."""
    yield Check("python", "ok", sys.version.split()[0])
    for package in _PACKAGES:
        yield Check(package, "ok", version(package))


def check_folder(workspace: Workspace) -> Iterator[Check]:
    """Settings, permissions, room on the disk, and whether something syncs the folder."""
    settings = workspace.settings
    yield Check("siyu.yaml", "ok", tr(f"时区 {settings.timezone}", f"time zone {settings.timezone}"))
    yield _permissions(workspace.state_dir)
    free = shutil.disk_usage(workspace.root).free
    room = tr(f"剩余 {free / 1e9:.1f} GB", f"{free / 1e9:.1f} GB free")
    hint = tr("磁盘快满了,先腾出空间", "The disk is nearly full; make room first")
    yield Check("disk", "ok", room) if free >= _LOW_DISK else Check("disk", "warning", room, hint)
    left = sorted((workspace.state_dir / "tmp").glob("import-*"))
    if left:
        yield Check(
            "leftovers",
            "warning",
            tr(f"被打断的导入留下 {len(left)} 份临时文件", f"Interrupted imports left {len(left)} temporary folders"),
            tr(
                "里面有完整手机号;下一次导入会自动清掉",
                "They hold full phones; the next import clears them",
            ),
        )  # fmt: skip
    parts = str(workspace.root).lower()
    synced = next((name for name in _SYNCED if name in parts), None)
    if synced:
        yield Check(
            "sync-folder",
            "warning",
            tr(f"工作区在同步盘里({synced})", f"The workspace lies in a synced folder ({synced})"),
            tr(
                "同步程序会弄坏打开着的状态文件;请移到普通文件夹",
                "Sync tools damage open state files; move it elsewhere",
            ),
        )


def _permissions(state_dir: Path) -> Check:
    name = "permissions"
    if os.name != "posix":
        return Check(name, "ok", tr("由系统账户控制", "left to the system account"))
    loose = [
        path.name
        for path in (state_dir, *sorted(state_dir.rglob("*")))
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if not loose:
        return Check(name, "ok", tr("只有本人能读", "readable by the owner only"))
    shown = "、".join(loose[:3])
    return Check(
        name,
        "warning",
        tr(f"其他账户能读:{shown}", f"Other accounts can read: {shown}"),
        tr(f"chmod -R go-rwx {state_dir}", f"chmod -R go-rwx {state_dir}"),
    )


def check_store(con: DuckDBPyConnection, state_dir: Path) -> Iterator[Check]:
    """Every table is read whole, and what must hold between tables holds."""
    size = (state_dir / STORE_NAME).stat().st_size
    yield Check(
        "state", "ok", tr(f"版本 {schema_version(con)},{size / 1e6:.1f} MB", f"version {schema_version(con)}, {size / 1e6:.1f} MB")
    )  # fmt: skip
    rows = 0
    tables = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
    for table in tables:
        # Reading a hash of every row touches every block; a damaged block raises.
        rows += con.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {table} AS t").fetchall()[0][0]
    yield Check(
        "reading",
        "ok",
        tr(f"{len(tables)} 张表 {rows:,} 行都读得出", f"{len(tables)} tables, {rows:,} rows readable"),
    )
    bad = [name for name, sql in _INVARIANTS if con.execute(sql).fetchall()[0][0]]
    if bad:
        yield Check(
            "integrity", "failed", tr(f"这些地方对不上:{'、'.join(bad)}", f"Broken: {', '.join(bad)}"),
            tr("请把 siyu doctor -v 的输出发给维护者,先不要再写入", "Send the output of siyu doctor -v; write nothing more"),
        )  # fmt: skip
    else:
        yield Check(
            "integrity",
            "ok",
            tr(f"{len(_INVARIANTS)} 项都对得上", f"{len(_INVARIANTS)} invariants hold"),
        )
