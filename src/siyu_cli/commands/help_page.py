"""Help pages in the operator's language: titles, usage line, examples; nothing cut off with an ellipsis.

Typer's own words are English constants, and Rich cuts what it takes for one long word, which Chinese
without spaces always is. Both are mended here, when a help page is asked for.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from siyu_cli.language import is_english, tr

if TYPE_CHECKING:
    from rich.text import Text

_OWN_WORDS = {
    "install_completion": tr("给当前的 shell 装上命令补全", "Install completion for the current shell"),
    "show_completion": tr("显示命令补全的脚本,不安装", "Show the completion script, install nothing"),
    "help": tr("显示帮助并退出", "Show this help and exit"),
}
# What a line may be broken after: one Chinese character or one word, with what belongs to it.
_WIDE = "\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef"
_WORD = r"\S+\s*"
_PIECE = rf"[(「“\"]*(?:[{_WIDE}]|[^\s{_WIDE}(「“]+)?[,.;:!?、。,;:)」”\"…]*\s*"


def line_breaks(text: str, width: int) -> list[int]:
    """Where to break one line of mixed text so that no part is wider than `width` cells."""
    from rich.cells import cell_len

    pieces = _WORD if text.startswith("siyu ") else _PIECE  # an example is broken where a shell would
    breaks, used = [], 0
    for match in re.finditer(pieces, text):
        size = cell_len(match[0].rstrip())
        if used and used + size > width:
            breaks.append(match.start())
            used = 0
        used += cell_len(match[0])
    return breaks


def compact_examples(help_text: str) -> str:
    """Example lines under their heading, without blank lines between them."""
    shown: list[str] = []
    for paragraph in help_text.split("\n\n"):
        if paragraph.startswith("siyu ") and shown:
            shown[-1] += f"\n{paragraph}"
        else:
            shown.append(paragraph)
    return "\n\n".join(shown)


def first_sentence(help_text: str) -> str:
    """What the list of commands says of one command."""
    opening = help_text.split("\n\n")[0].replace("\n", " ")
    return re.split(r"[。;;]|\.(?:\s|$)", opening)[0].strip()


class HelpPage:
    """Mixed into Typer's command classes."""

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False) and param.metavar is None:
                param.metavar = ""
            if param.param_type_name == "argument":
                param.display_type_rich = _no_type
            if param.name in _OWN_WORDS:
                param.help = _OWN_WORDS[param.name]
        return params

    def get_usage(self, ctx: Any) -> str:
        usage = super().get_usage(ctx).replace("{", "").replace("}", "")  # type: ignore[misc]
        usage = re.sub(r"(…\]?)\.\.\.", r"\1", usage)
        if is_english():
            return usage
        return (
            usage.replace("Usage:", "用法:")
            .replace("[OPTIONS]", "[选项]")
            .replace("COMMAND [ARGS]...", "命令 …")
            .replace("FILES…", "文件…")
        )

    def format_help(self, ctx: Any, formatter: Any) -> None:
        rich_utils = _rich_help()
        if not is_english():
            rich_utils.OPTIONS_PANEL_TITLE = "选项"
            rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
            rich_utils.COMMANDS_PANEL_TITLE = "命令"
            rich_utils.DEFAULT_STRING = "[默认:{}]"
            rich_utils.REQUIRED_LONG_STRING = "[必填]"
        _wrap_chinese(rich_utils)
        super().format_help(ctx, formatter)  # type: ignore[misc]


def _no_type(ctx: Any) -> None:
    """An argument's name says what it is; its Python type says nothing to an operator."""


def _rich_help() -> Any:
    """Typer's help module without Rich's Markdown, which it imports, we never use, and a start-up pays for.

    It is a quarter of the time of `--help`. Where another Typer wants more of it, it gets the real one.
    """
    if "typer.rich_utils" not in sys.modules and "rich.markdown" not in sys.modules:
        unused = ModuleType("rich.markdown")
        unused.Markdown = None  # type: ignore[attr-defined]
        sys.modules["rich.markdown"] = unused
        with suppress(ImportError):
            import_module("typer.rich_utils")
        del sys.modules["rich.markdown"]
    return import_module("typer.rich_utils")


def _wrap_chinese(rich_utils: Any) -> None:
    """Give Typer's help texts our line breaks, once; a Typer that makes its texts elsewhere keeps its own."""
    from rich.containers import Lines
    from rich.text import Text

    make = getattr(rich_utils, "_make_rich_text", None)
    if make is None or getattr(make, "breaks_chinese", False):
        return

    class HelpText(Text):
        def wrap(self, console: Any, width: int, **_: Any) -> Lines:
            wrapped = Lines()
            for line in self.split(allow_blank=True):
                wrapped.extend(_trimmed(part) for part in line.divide(line_breaks(line.plain, width)))
            return wrapped

    def make_text(**given: Any) -> Any:
        made = make(**given)
        if not isinstance(made, Text):
            return made
        text = HelpText(made.plain, made.style, overflow="fold")
        text.spans = made.spans
        return text

    make_text.breaks_chinese = True  # type: ignore[attr-defined]
    rich_utils._make_rich_text = make_text


def _trimmed(line: Text) -> Text:
    line.rstrip()
    return line


class SiyuCommand(HelpPage, TyperCommand):
    """A command with our help page."""


class HelpGroup(HelpPage, TyperGroup):
    """A group with our help page."""
