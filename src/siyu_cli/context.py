"""What a command is given: workspace, clock, consoles, output format, and the two ways into the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import AsOf, Clock
from siyu_cli.errors import ExitCode, SiyuError, StateUnavailable
from siyu_cli.phone import mask_phones
from siyu_cli.words import fold
from siyu_cli.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from rich.console import Console
    from rich.progress import Progress


class OutputFormat(StrEnum):
    """How data is printed on stdout."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass
class Run:
    """One writing command at work inside its transaction; what is set here goes into `runs`."""

    con: DuckDBPyConnection
    run_id: int
    now: int
    is_dry: bool
    counts: dict[str, Any] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = "done"
    exit_code: ExitCode = ExitCode.DONE


@dataclass
class Step:
    """Says which piece of work begins (`step("读取 订单.csv")`) and how far it is (`step.part(0.4)`)."""

    show: Callable[[str, float], None] = lambda what, begun: None
    what: str = ""
    begun: int = -1

    def __call__(self, what: str) -> None:
        self.what, self.begun = what, self.begun + 1
        self.show(what, self.begun)

    def part(self, share: float) -> None:
        """The piece at work is done to this share, 0 to 1."""
        share = min(max(share, 0.0), 1.0)
        self.show(f"{self.what} {share:.0%}", self.begun + share)


@dataclass
class AppContext:
    """Everything a command may touch of the world outside its arguments."""

    stdout: Console
    stderr: Console
    format: OutputFormat = OutputFormat.TABLE
    quiet: bool = False
    verbose: bool = False
    wait: float = 30.0
    workspace_flag: Path | None = None
    as_of_text: str | None = None
    dry_run: bool = False
    yes: bool = False
    command: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    fixed_now: int | None = None
    _workspace: Workspace | None = None
    _as_of: AsOf | None = None
    _progress: Progress | None = None

    @property
    def workspace(self) -> Workspace:
        """The workspace; InputRefused when there is none."""
        if self._workspace is None:
            self._workspace = open_workspace(self.workspace_flag)
        return self._workspace

    @property
    def clock(self) -> Clock:
        return Clock(self.workspace.settings.timezone, self.fixed_now)

    @property
    def as_of(self) -> AsOf:
        """The moment this command speaks of; asked once, so one run has one moment."""
        if self._as_of is None:
            self._as_of = self.clock.as_of(self.as_of_text)
        return self._as_of

    def fix_as_of(self, as_of: AsOf) -> None:
        """The command speaks of this moment: a plan was made for it."""
        self._as_of = as_of

    @property
    def resolved_as_of(self) -> AsOf | None:
        """`as_of` where the command has asked for it."""
        return self._as_of

    @property
    def is_terminal(self) -> bool:
        return self.stdout.is_terminal

    def say(self, text: str) -> None:
        """Talk goes to stderr and is silent under --quiet; customer text is never markup."""
        if not self.quiet:
            self.stderr.print(text, markup=False, highlight=False, soft_wrap=True)

    @property
    def can_ask(self) -> bool:
        """A person sits there: questions go to stderr, answers come from the keyboard."""
        return sys.stdin is not None and sys.stdin.isatty() and self.stderr.is_terminal

    def confirm(self, question: str) -> bool:
        """Put a question whose answer is no unless it is plainly yes; ask only where `can_ask`."""
        with self._bare_screen():
            self.stderr.print(f"{question} [y/N] ", end="", markup=False, highlight=False, soft_wrap=True)
            return fold(sys.stdin.readline()) in ("y", "yes", "是", "好")

    def ask_hidden(self, question: str) -> str:
        """What is typed without being shown, for passwords; empty to give up."""
        from getpass import getpass

        with self._bare_screen(), suppress(EOFError):
            return getpass(f"{question} ", stream=sys.stderr)
        return ""

    @contextmanager
    def _bare_screen(self) -> Iterator[None]:
        """No moving progress while a person types."""
        shown = self._progress
        if shown is not None:
            shown.stop()
        yield
        if shown is not None:
            shown.start()

    @contextmanager
    def progress(self, total: int | None = None) -> Iterator[Step]:
        """`step(what)` names the piece of work that begins now; shown on a terminal only, gone at the end."""
        if self.quiet or not self.stderr.is_terminal or self.stderr.is_dumb_terminal:
            yield Step()
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn
        from rich.text import Text

        class What(SpinnerColumn):
            """The piece's name as it is: a file name is never markup."""

            def render(self, task: Any) -> Text:
                return Text(task.description)

        counted = [BarColumn(bar_width=20), MofNCompleteColumn()] if total and total > 1 else []
        with Progress(
            SpinnerColumn(), *counted, TimeElapsedColumn(), What(), console=self.stderr, transient=True
        ) as shown:
            task = shown.add_task("", total=total)
            self._progress = shown
            try:
                yield Step(lambda what, begun: shown.update(task, description=what, completed=begun))
            finally:
                self._progress = None

    @contextmanager
    def read(self) -> Iterator[DuckDBPyConnection]:
        """The store for reading, beside other readers."""
        with self._open(write=False) as con:
            yield con

    @contextmanager
    def run(self, *, preview: bool = False) -> Iterator[Run]:
        """The store for writing: one transaction, one row in `runs`.

        A dry run rolls all of it back, and so does a `preview`: the same work, to see what it would do.
        """
        from siyu_cli.store.connection import transaction
        from siyu_cli.store.runs import insert_run, next_run_id

        started = self.clock.now()
        is_dry = preview or self.dry_run
        with self._open(write=True) as con, transaction(con, keep=not is_dry):
            run = Run(con, next_run_id(con), started, is_dry)
            yield run
            if not is_dry:
                insert_run(
                    con, run.run_id, command=self.command, arguments=self.masked_arguments(), as_of=self._as_of,
                    started=started, finished=self.clock.now(), outcome=run.outcome, exit_code=run.exit_code,
                    inputs=run.inputs, counts=run.counts,
                )  # fmt: skip

    @contextmanager
    def maintain(self) -> Iterator[DuckDBPyConnection]:
        """The store alone and up to date, outside any transaction, for init and doctor."""
        with self._open(write=True) as con:
            yield con

    def record_failure(self, error: BaseException) -> None:
        """A refused or failed writing command leaves its row in `runs`, in a transaction of its own.

        Never hides the failure itself: where the store cannot be had, there is nothing to record in.
        """
        if self.dry_run or isinstance(error, StateUnavailable):
            return
        from siyu_cli.store.connection import transaction
        from siyu_cli.store.runs import insert_run, next_run_id

        code = error.exit_code if isinstance(error, SiyuError) else ExitCode.FAULT
        outcome = {ExitCode.STOPPED: "stopped", ExitCode.FAULT: "failed"}.get(code, "refused")
        message = error.message if isinstance(error, SiyuError) else type(error).__name__
        # Whatever stands in the way of the record (a lock nobody may write, a full disk) is not the news.
        with suppress(Exception):
            now = self.clock.now()
            with self._open(write=True) as con, transaction(con):
                insert_run(
                    con, next_run_id(con), command=self.command, arguments=self.masked_arguments(),
                    as_of=self._as_of, started=now, finished=now, outcome=outcome, exit_code=code,
                    inputs=[], counts={}, message=mask_phones(message.splitlines()[0]),
                )  # fmt: skip

    def masked_arguments(self) -> str:
        """The call's arguments as JSON, full phones masked."""
        import json

        plain = {key: value for key, value in self.arguments.items() if value not in (None, False, [], ())}
        return mask_phones(json.dumps(plain, ensure_ascii=False, default=str))

    @contextmanager
    def _open(self, *, write: bool) -> Iterator[DuckDBPyConnection]:
        from siyu_cli.store.connection import open_store

        workspace = self.workspace
        with open_store(
            workspace.state_dir, wait=self.wait, write=write, memory_limit=workspace.settings.memory_limit
        ) as con:
            yield con
