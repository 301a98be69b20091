"""The one way a command that takes something away asks before it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from siyu_cli.context import AppContext
from siyu_cli.errors import StoppedByGuard, UsageRefused
from siyu_cli.language import tr


def ask_first(
    ctx: AppContext, what: str, call: str, question: str, preview: Callable[[], Sequence[str]]
) -> None:
    """Show what would happen and ask, unless --yes or --dry-run was given.

    `what` names the act in refusals, `call` is the command as typed, `preview` words the plan without
    writing. Off a terminal it refuses with exit 2, a no stops with exit 7.
    """
    if ctx.yes or ctx.dry_run:
        return
    if not ctx.can_ask:
        raise UsageRefused(
            "not-confirmed",
            tr(f"{what}要先确认", f"{what} must be confirmed"),
            hint=tr(
                f"先看会怎样:{call} --dry-run;确定就加 --yes",
                f"See what it does: {call} --dry-run; then add --yes",
            ),
        )
    for line in preview():
        ctx.say(line)
    if not ctx.confirm(question):
        raise StoppedByGuard(
            "not-confirmed",
            tr(f"没有{what}", f"Not done: {what}"),
            hint=tr("什么也没写", "Nothing was written"),
        )
