"""What all commands share: the global options before and after the name, the error boundary, the help."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siyu_cli.commands.help_page import HelpGroup, SiyuCommand, compact_examples, first_sentence
from siyu_cli.context import AppContext, OutputFormat
from siyu_cli.errors import ExitCode, SiyuError, UsageRefused, interrupted_words, system_words
from siyu_cli.language import is_english, tr

if TYPE_CHECKING:
    from siyu_cli.commands.render import Outcome

PANELS = {
    "start": tr("起步", "Start"),
    "import": tr("导入", "Import"),
    "leads": tr("线索", "Leads"),
    "customers": tr("客户", "Customers"),
    "rules": tr("规则", "Rules"),
    "push": tr("触达", "Push"),
    "report": tr("报表", "Reports"),
    "data": tr("数据", "Data"),
}
_GLOBAL_PANEL = tr("通用选项", "Global options")

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", metavar="DIR", rich_help_panel=_GLOBAL_PANEL, show_default=False,
                 help=tr("工作区文件夹(默认:SIYU_WORKSPACE,再从当前文件夹往上找)",
                         "Workspace folder (default: SIYU_WORKSPACE, then upwards from here)")),
]  # fmt: skip
FormatOption = Annotated[
    OutputFormat | None,
    typer.Option("--format", rich_help_panel=_GLOBAL_PANEL, show_default=False,
                 help=tr("输出格式,默认 table;脚本用 json", "Output format, default table; scripts use json")),
]  # fmt: skip
QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", rich_help_panel=_GLOBAL_PANEL, show_default=False,
                 help=tr("只输出数据和错误,不说话", "Data and errors only, no talk")),
]  # fmt: skip
VerboseOption = Annotated[
    bool,
    typer.Option("-v", "--verbose", rich_help_panel=_GLOBAL_PANEL, show_default=False,
                 help=tr("多说细节;内部错误时打印堆栈", "More detail; a traceback on internal faults")),
]  # fmt: skip
NoColorOption = Annotated[
    bool,
    typer.Option("--no-color", rich_help_panel=_GLOBAL_PANEL, show_default=False,
                 help=tr("不用颜色(也认 NO_COLOR)", "No colours (NO_COLOR works too)")),
]  # fmt: skip
WaitOption = Annotated[
    float | None,
    typer.Option("--wait", min=0, metavar="SECONDS", rich_help_panel=_GLOBAL_PANEL, show_default=False,
                 help=tr("工作区被占用时最多等几秒,默认 30", "Seconds to wait for a workspace in use, default 30")),
]  # fmt: skip
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", show_default=False,
                 help=tr("统计截止:2025-03-15(当天结束)或 \"2025-03-15 10:00\";默认现在",
                         'Cut-off: 2025-03-15 (close of day) or "2025-03-15 10:00"; default now')),
]  # fmt: skip
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", show_default=False, help=tr("试运行:同样的计划和数字,什么也不写",
                                                          "Same plan and counts, nothing written")),
]  # fmt: skip
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", show_default=False, help=tr("不再询问", "Ask no question"))
]

_GLOBALS: dict[str, Any] = {
    "workspace": (WorkspaceOption, None),
    "format": (FormatOption, None),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
    "no_color": (NoColorOption, False),
    "wait": (WaitOption, None),
}


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def global_parameters() -> list[inspect.Parameter]:
    """The options every command takes, before and after its name."""
    return [
        _keyword(f"global_{name}", annotation, default) for name, (annotation, default) in _GLOBALS.items()
    ]


class SiyuGroup(HelpGroup):
    """The root: every way out of a command passes through `main`, tests included."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run and exit with a code of ExitCode; usage errors are worded here, in the asked format."""
        os.umask(0o077)
        _be_printable()
        given = list(sys.argv[1:] if args is None else args)
        standalone = extra.pop("standalone_mode", True)
        try:
            code = super().main(given, prog_name=prog_name or "siyu", standalone_mode=False, **extra)
        except typer.Abort:
            code = ExitCode.INTERRUPTED
        except BrokenPipeError:
            # `siyu … | head`: the reader has what it wanted.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = ExitCode.DONE
        except Exception as error:
            code = _report_usage(error, given)
        if code == ExitCode.INTERRUPTED:  # in a command, in a question, or before there was either
            sys.stderr.write(interrupted_words() + "\n")
        if not standalone:
            return code
        sys.exit(int(code) if isinstance(code, int) else 0)


def _be_printable() -> None:
    """A GBK or ASCII console shows what it can and never crashes on the rest."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _report_usage(error: Exception, args: list[str]) -> ExitCode:
    """Typer's own complaints in the operator's words; anything else is not ours to hide."""
    if getattr(error, "exit_code", None) != ExitCode.USAGE or not hasattr(error, "format_message"):
        raise error
    if not error.format_message():
        # A bare `siyu`: the help is on the screen, and there is nothing else to say.
        return ExitCode.USAGE
    from siyu_cli.commands.render import print_error

    wants_json = "--format=json" in args or ("--format", "json") in pairwise(args)
    ctx = make_context({"format": OutputFormat.JSON if wants_json else None})
    parent = getattr(getattr(error, "ctx", None), "command_path", "siyu")
    print_error(
        ctx,
        UsageRefused(
            "usage",
            _word_usage(error.format_message()),
            hint=tr(f"用法见 {parent} --help", f"See {parent} --help"),
        ),
    )
    return ExitCode.USAGE


_USAGE_WORDS = (
    (
        r"No such option: (\S+)(?: \((?:Possible options|Did you mean).*?: ?(.*?)\??\))?",
        "没有选项 {0}",
        "你是不是想写:{1}",
    ),
    (r"No such command '(.+?)'\.(?: Did you mean (.+)\?)?", "没有命令「{0}」", "你是不是想写:{1}"),
    (r"No such command '(.+?)'(?:. Did you mean (.+)\?)?", "没有命令「{0}」", "你是不是想写:{1}"),
    (r"Missing command\.", "缺少命令", ""),
    (r"Missing argument '(.+?)'.*", "缺少参数 {0}", ""),
    (r"Missing option '(.+?)'.*", "缺少选项 {0}", ""),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.+)\)", "多了参数:{0}", ""),
    (r"Option '(.+?)' requires an argument\.?", "选项 {0} 后面要跟一个值", ""),
    (r"Invalid value for '?(.+?)'?: [Pp]ath '(.+)' is not readable\.", "读不了 {1}:没有权限", ""),
    (r"Invalid value for '?(.+?)'?: (.+)", "{0} 的值不对:{1}", ""),
)


_VALUE_WORDS = (
    (r"Input should be a valid integer.*", "要写整数"),
    (r"Input should be a valid number.*", "要写数字"),
    (r"Input should be greater than or equal to (.+)", "不能小于 {0}"),
    (r"Input should be less than or equal to (.+)", "不能大于 {0}"),
    (r"(?:Value error, )?'(.*)' is not one of (.+?)\.?", "没有「{0}」,可以写 {1}"),
)
"""What Typer says of a value, and how we say it."""


def _word_usage(message: str) -> str:
    if is_english():
        return message
    for pattern, words, suggestion in _USAGE_WORDS:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match:
            groups = [_word_value(group or "") for group in match.groups()]
            text = words.format(*groups)
            if suggestion and len(groups) > 1 and groups[1]:
                text += "。" + suggestion.format(*groups)
            return text
    return message


def _word_value(text: str) -> str:
    """A piece of Typer's sentence: its own words in ours, its lists as ours."""
    for pattern, words in _VALUE_WORDS:
        match = re.fullmatch(pattern, text, re.DOTALL)
        if match:
            return words.format(*(_listed(group) for group in match.groups()))
    return _listed(text)


def _listed(text: str) -> str:
    """`'a', 'b'` or `a, b` as `a、b`; any other text as it is."""
    if re.fullmatch(r"'[^']+'(, '[^']+')*|--?[\w-]+(, --?[\w-]+)*", text):
        return "、".join(part.strip().strip("'") for part in text.split(","))
    return text


def make_context(values: dict[str, Any]) -> AppContext:
    """The context of a call from the global options given before and after the command's name."""
    from rich.console import Console

    no_color = True if values.get("no_color") else None
    # Off a terminal nothing may be folded or cut: Rich would assume 80 columns.
    width = None if sys.stdout.isatty() else 4096
    return AppContext(
        stdout=Console(no_color=no_color, width=width, highlight=False),
        stderr=Console(stderr=True, no_color=no_color, highlight=False),
        format=values.get("format") or OutputFormat.TABLE,
        quiet=bool(values.get("quiet")),
        verbose=bool(values.get("verbose")),
        wait=30.0 if values.get("wait") is None else float(values["wait"]),
        workspace_flag=values.get("workspace"),
    )


def command(
    app: typer.Typer,
    name: str,
    panel: str,
    help_text: str,
    *,
    writes: bool = False,
    dated: bool = False,
    records: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `function(ctx: AppContext, …) -> Outcome` as a command.

    Adds the global options, `--dry-run` and `--yes` where it writes, `--as-of` where it is dated; prints
    the outcome; turns every failure into a sentence and an exit code; records failed writing runs
    (`records=False` where there is no workspace yet to record in).
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = global_parameters()
        if writes:
            shared = [_keyword("dry_run", DryRunOption, False), _keyword("yes", YesOption, False), *shared]
        if dated:
            shared = [_keyword("as_of", AsOfOption, None), *shared]
        typer_context = inspect.Parameter(
            "typer_ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )

        @wraps(function)
        def call(typer_ctx: typer.Context, **values: Any) -> ExitCode:
            chosen = dict(typer_ctx.obj or {})
            for key in _GLOBALS:
                value = values.pop(f"global_{key}")
                if value not in (None, False):
                    chosen[key] = value
            ctx = make_context(chosen)
            ctx.command = name
            ctx.dry_run, ctx.yes = values.pop("dry_run", False), values.pop("yes", False)
            ctx.as_of_text = values.pop("as_of", None)
            ctx.arguments = {**values, "as_of": ctx.as_of_text}
            return _run_command(ctx, function, values, records=writes and records)

        call.__signature__ = inspect.Signature([typer_context, *own, *shared])  # type: ignore[attr-defined]
        call.__annotations__ = {}
        app.command(
            name,
            help=compact_examples(help_text),
            short_help=first_sentence(help_text),
            rich_help_panel=PANELS[panel],
            cls=SiyuCommand,
        )(call)
        return function

    return register


def _run_command(
    ctx: AppContext, function: Callable[..., Any], values: dict[str, Any], *, records: bool
) -> ExitCode:
    from siyu_cli.commands.render import print_error

    try:
        code = _print_all(ctx, function(ctx, **values))
    except SiyuError as error:
        if records:
            ctx.record_failure(error)
        print_error(ctx, error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # the boundary: a bug becomes a sentence, the traceback with -v
        if _is_interruption(error):
            return ExitCode.INTERRUPTED
        fault = _fault(error)
        if records:
            ctx.record_failure(fault)
        if ctx.verbose:
            ctx.stderr.print_exception(show_locals=False)
        print_error(ctx, fault)
        code = ExitCode.FAULT
    return code


def _is_interruption(error: Exception) -> bool:
    """True for what DuckDB makes of Ctrl-C while a query runs: it is no KeyboardInterrupt any more."""
    return type(error) is RuntimeError and str(error) == "Query interrupted"


def _print_all(ctx: AppContext, outcome: Outcome) -> ExitCode:
    """Show what was done; where stdout takes nothing more, say on stderr that the work itself stands."""
    from siyu_cli.commands.render import print_outcome

    try:
        print_outcome(ctx, outcome)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        done = outcome.run_id is not None and not ctx.dry_run
        stands = (
            tr(";要做的已经做完,见 siyu list-runs", "; the work itself is done, see siyu list-runs")
            if done
            else ""
        )
        ctx.stderr.print(
            tr("错误  结果写不出去:", "Error  The result cannot be printed: ") + f"{system_words(error)}{stands}",
            markup=False, soft_wrap=True,
        )  # fmt: skip
        # What is still buffered has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAULT
    return outcome.exit_code


def _fault(error: Exception) -> SiyuError:
    from siyu_cli.phone import mask_phones

    if isinstance(error, OSError) and error.strerror:
        path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
        # Files are written under a temporary name first: the operator knows only their folder.
        shown = path.parent if path and path.name.startswith(".siyu-") else path
        place = f"{shown}:" if shown else ""
        return SiyuError(
            "io-error",
            tr(
                f"读写失败:{place}{system_words(error)}",
                f"I/O failed: {place}{system_words(error)}",
            ),
            hint=tr(
                "检查磁盘空间和文件夹权限,再运行一次", "Check disk space and permissions, then run again"
            ),
        )
    if "No space left on device" in str(error):  # the store's own writes raise no OSError
        return SiyuError(
            "io-error",
            tr("磁盘满了,这次什么也没写进状态", "The disk is full; nothing was written to the state"),
            hint=tr("腾出空间,再运行一次", "Make room, then run again"),
        )
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":  # the store's own
        return SiyuError(
            "out-of-memory",
            tr("内存不够,这次什么也没写进状态", "Out of memory; nothing was written to the state"),
            hint=tr(
                "在 siyu.yaml 里调大 memory_limit,或关掉别的程序,再运行一次",
                "Raise memory_limit in siyu.yaml or close other programs, then run again",
            ),
        )
    text = mask_phones(f"{type(error).__name__}: {error}".splitlines()[0][:300])
    return SiyuError(
        "internal-fault",
        tr(f"程序内部错误:{text}", f"Internal fault: {text}"),
        hint=tr(
            "这是 siyu 的缺陷;请带上 -v 再运行一次并把输出发给维护者",
            "This is a bug; run again with -v and report the output",
        ),
    )
