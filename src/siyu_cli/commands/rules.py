"""规则: check-rules."""

from __future__ import annotations

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Outcome
from siyu_cli.context import AppContext
from siyu_cli.language import tr


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "check-rules", "rules", tr(
        "检查 rules/ 里的全部规则文件,一次列出所有错误:文件、行、列、哪个词不对。什么也不写。\n\n"
        "例:\n\nsiyu check-rules\n\nsiyu check-rules --format json",
        "Check every rule file in rules/ and list all mistakes with file, line, column. Writes nothing.\n\n"
        "Examples:\n\nsiyu check-rules\n\nsiyu check-rules --format json"))  # fmt: skip
    def check_rules(ctx: AppContext) -> Outcome:
        from siyu_cli.rules.tagging import workspace_rules

        rules = workspace_rules(ctx.workspace)
        said = tr(
            f"{len(rules.files)} 个文件、{rules.rules} 条规则,没有错误",
            f"{len(rules.files)} files, {rules.rules} rules, no mistakes",
        )
        result = {
            "files": list(rules.files),
            "rules": rules.rules,
            "tags": [rule.name for rule in rules.tags],
            "problems": [],
        }
        return Outcome(result, before=[said])
