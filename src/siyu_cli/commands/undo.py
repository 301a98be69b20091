"""导入: undo-import, which takes a whole import back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.asking import ask_first
from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.store.forgetting import Forgotten
    from siyu_cli.store.versions import Undone

# Command → module and function that takes a run of it back, `(con, run_id, undo_run_id) -> Undone`.
_UNDO = {
    "import-orders": ("siyu_cli.customers.import_orders", "undo_orders"),
    "import-leads": ("siyu_cli.leads.importing", "undo_leads"),
    "import-staff": ("siyu_cli.leads.importing", "undo_staff"),
    "import-contacts": ("siyu_cli.people.contacts", "undo_contacts"),
    "import-feedback": ("siyu_cli.leads.feedback", "undo_feedback"),
    "import-events": ("siyu_cli.customers.import_events", "undo_events"),
}
_WHY_KEPT = {
    "changed-since": tr("后来又有变动", "changed since"),
    "confirmed-since": tr("后来的导入也这么说", "a later import says the same"),
    "no-earlier-version": tr("更早的版本已不再保留", "the earlier version is no longer kept"),
    "assigned-since": tr("后来分配过线索", "leads were dealt since"),
}


def register(app: typer.Typer) -> None:
    """Add this command to the panel of imports."""

    @command(
        app,
        "undo-import",
        "import",
        tr(
            "把一次导入整个撤回:它新增的行去掉,它盖过的行恢复原样;后来的工作依赖的留着,并说明为什么。编号见 siyu list-runs。\n\n"
            "例:\n\nsiyu undo-import 12 --dry-run\n\nsiyu undo-import 12 --yes",
            "Take a whole import back: rows it added go, rows it overwrote return; what later work rests on stays, "
            "with the reason. Numbers are in siyu list-runs.\n\n"
            "Examples:\n\nsiyu undo-import 12 --dry-run\n\nsiyu undo-import 12 --yes",
        ),
        writes=True,
    )
    def undo_import(
        ctx: AppContext,
        run: Annotated[
            int, typer.Argument(metavar="RUN", min=1, show_default=False, help=tr("那次导入的编号", "The import's number"))
        ],
    ) -> Outcome:  # fmt: skip
        ask_first(
            ctx, tr("撤回一次导入", "Taking an import back"), f"siyu undo-import {run}", tr("撤回吗?", "Take it back?"),
            lambda: _take_back(ctx, run, preview=True).words,
        )  # fmt: skip
        taken = _take_back(ctx, run)
        columns = (
            Column("undone_run", tr("执行", "Run"), "count"), Column("command", tr("命令", "Command")),
            Column("removed", tr("去掉", "Gone"), "count"), Column("restored", tr("恢复", "Restored"), "count"),
            Column("kept", tr("留着", "Kept"), "count"),
        )  # fmt: skip
        undone = taken.undone
        row = (run, taken.command, undone.removed, undone.restored, sum(undone.kept.values()))
        result = {
            "undone_run": run, "command": taken.command, "removed": undone.removed,
            "restored": undone.restored, "kept": undone.kept, "gone": _gone_counts(undone.forgotten),
        }  # fmt: skip
        after = [*taken.words, tr("同样的文件可以再导入。", "The same files can be imported again.")]
        return Outcome(result, [Table(columns, [row])], after=after, run_id=taken.undo_run_id)


@dataclass(frozen=True)
class _Taken:
    """One import taken back, or what that would do."""

    run_id: int
    command: str
    started_sec: int
    files: tuple[str, ...]
    undone: Undone
    undo_run_id: int

    @property
    def words(self) -> list[str]:
        """What goes, what returns, what stays and why."""
        from siyu_cli.clock import format_seconds

        files = "、".join(self.files[:5]) + tr(" 等", " …") * (len(self.files) > 5)
        when = format_seconds(self.started_sec)
        lines = [
            tr(f"执行 {self.run_id}({when} {self.command} {files})", f"Run {self.run_id} ({when} {self.command} {files})"),
            tr(
                f"  去掉 {self.undone.removed:,} 行,恢复原样 {self.undone.restored:,} 行",
                f"  {self.undone.removed:,} rows go, {self.undone.restored:,} return to what they were",
            ),
        ]  # fmt: skip
        lines += [
            tr(f"  留着 {rows:,} 行:{_WHY_KEPT.get(reason, reason)}", f"  {rows:,} rows stay: {_WHY_KEPT.get(reason, reason)}")
            for reason, rows in self.undone.kept.items()
        ]  # fmt: skip
        return lines + _gone_words(self.undone.forgotten)


def _gone_counts(gone: Forgotten) -> dict[str, int]:
    return {"customers": gone.customers, "pins": gone.pins, "stages": gone.stages}


def _gone_words(gone: Forgotten) -> list[str]:
    """The customers that go with their rows, and which decisions of people go with them."""
    if not gone.customers:
        return []
    lines = [
        tr(
            f"  连同 {gone.customers:,} 位只有这次导入认得的客户",
            f"  {gone.customers:,} customers only it knew go too",
        )
    ]
    if gone.decided:
        which = "、".join(map(str, gone.examples)) + tr(" 等", " …") * (gone.decided > len(gone.examples))
        lines.append(
            tr(
                f"  注意:其中 {gone.decided:,} 位有人做的决定,也一起没有:人工标签 {gone.pins:,} 个,"
                f"人定的阶段 {gone.stages:,} 个(客户 {which};先看:siyu show-customer {gone.examples[0]})",
                f"  Note: people decided about {gone.decided:,} of them and that goes too: {gone.pins:,} tags and "
                f"{gone.stages:,} stages set by hand (customers {which}; see: siyu show-customer {gone.examples[0]})",
            )
        )
    return lines


def _take_back(ctx: AppContext, run_id: int, *, preview: bool = False) -> _Taken:
    """Undo an import in one transaction; a preview does the same work and rolls it back."""
    with ctx.run(preview=preview) as run:
        target = _undoable(run.con, run_id)
        module, function = _UNDO[target["command"]]
        undo: Callable[[DuckDBPyConnection, int, int], Undone] = getattr(import_module(module), function)
        undone = undo(run.con, run_id, run.run_id)
        run.counts = {
            "undone_run": run_id, "removed": undone.removed, "restored": undone.restored, "kept": undone.kept,
            "gone": _gone_counts(undone.forgotten),
        }  # fmt: skip
    files = tuple(dict.fromkeys(str(one["file"]) for one in target["inputs"]))
    return _Taken(run_id, target["command"], target["started_sec"], files, undone, run.run_id)


def _undoable(con: DuckDBPyConnection, run_id: int) -> dict[str, Any]:
    """The run, where it is an import that stands and can be taken back; InputRefused says why it cannot."""
    from siyu_cli.store.runs import find_run, undone_by
    from siyu_cli.store.versions import KEPT_IMPORTS, oldest_undoable

    see_runs = tr("编号见 siyu list-runs", "Numbers are in siyu list-runs")
    found = find_run(con, run_id)
    if found is None:
        raise InputRefused(
            "unknown-run", tr(f"没有执行 {run_id}", f"There is no run {run_id}"), hint=see_runs
        )
    command, outcome = found["command"], found["outcome"]
    if command not in _UNDO:
        raise InputRefused(
            "not-an-import",
            tr(f"执行 {run_id} 是 {command},不是可以撤回的导入", f"Run {run_id} is {command}, no import to take back"),
            hint=tr("可以撤回的:", "Can be taken back: ") + "、".join(_UNDO),
        )  # fmt: skip
    if outcome not in ("done", "partial"):
        raise InputRefused(
            "nothing-to-undo",
            tr(f"执行 {run_id} 没有做成,什么也没写", f"Run {run_id} did not succeed and wrote nothing"),
            hint=see_runs,
        )
    if (by := undone_by(con, run_id)) is not None:
        raise InputRefused(
            "already-undone",
            tr(f"执行 {run_id} 已经撤回(执行 {by})", f"Run {run_id} was taken back already (run {by})"),
            hint=tr("想要回来就把那些文件再导入一次", "To have it back, import the files again"),
        )
    if run_id < oldest_undoable(con):
        raise InputRefused(
            "too-old-to-undo",
            tr(f"执行 {run_id} 太早了,撤不回", f"Run {run_id} is too old to be taken back"),
            hint=tr(
                f"只留着最近 {KEPT_IMPORTS} 次导入的旧版本",
                f"Earlier versions are kept for the last {KEPT_IMPORTS} imports",
            ),
        )
    return found
