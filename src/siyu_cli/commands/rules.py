"""规则: check-rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Outcome
from siyu_cli.context import AppContext
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.rules.data_lints import Linted
    from siyu_cli.rules.tree import RuleSet


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""

    @command(app, "check-rules", "rules", tr(
        "检查 rules/ 里的全部规则文件,一次列出所有错误和警告:文件、行、列、哪个词不对。错误拦下一切,警告不拦(--strict 拦)。"
        "--data 用现有数据再看:规则对多少人为真,关键词出现在多少商品行里。"
        "--to-utf8 把一个 GBK 或 UTF-16 的文件改存为 UTF-8(旧的留作 .bak),别的什么也不写。\n\n"
        "例:\n\nsiyu check-rules\n\nsiyu check-rules --data --strict\n\nsiyu check-rules --to-utf8 rules/流失.yaml",
        "Check every rule file in rules/ and list all mistakes and warnings with file, line, column. Warnings refuse "
        "nothing (with --strict they do). --data also counts: customers a rule is true for, lines a keyword finds. "
        "--to-utf8 saves a file of GBK or UTF-16 as UTF-8 (the old one stays as .bak); nothing else is written.\n\n"
        "Examples:\n\nsiyu check-rules\n\nsiyu check-rules --data --strict\n\n"
        "siyu check-rules --to-utf8 rules/流失.yaml"), dated=True)  # fmt: skip
    def check_rules(
        ctx: AppContext,
        data: Annotated[
            bool,
            typer.Option("--data", show_default=False, help=tr(
                "也做要数据的检查:W601 的人数、W604 的比例、W607", "Also the checks that count customers and lines")),
        ] = False,
        strict: Annotated[
            bool,
            typer.Option("--strict", show_default=False, help=tr(
                "有警告也算被拒(退出码 3)", "Warnings are refused, too (exit 3)")),
        ] = False,
        to_utf8: Annotated[
            Path | None,
            typer.Option("--to-utf8", metavar="FILE", show_default=False, help=tr(
                "先把这个文件改存为 UTF-8", "Save this file as UTF-8 first")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules.data_lints import lint_rules
        from siyu_cli.rules.problems import RulesRefused
        from siyu_cli.rules.tagging import workspace_rules

        if to_utf8 is not None:
            ctx.say(_resave(ctx, to_utf8))
        rules = workspace_rules(ctx.workspace)
        if data:
            with ctx.read() as con:
                linted = lint_rules(rules, con, ctx.as_of)
        else:
            linted = lint_rules(rules)
        if strict and linted.problems:
            raise RulesRefused(linted.problems)
        return _word_check(rules, linted)


def _word_check(rules: RuleSet, linted: Linted) -> Outcome:
    """The warnings, what was skipped, and the numbers of files and rules."""
    count = len(linted.problems)
    said = tr(
        f"{len(rules.files)} 个文件、{rules.rules} 条规则,没有错误" + (f",{count} 个警告" if count else ""),
        f"{len(rules.files)} files, {rules.rules} rules, no mistakes"
        + (f", {count} warnings" if count else ""),
    )
    result = {
        "files": list(rules.files),
        "rules": rules.rules,
        "tags": [rule.name for rule in rules.tags],
        "problems": [problem.as_dict() for problem in linted.problems],
        "skipped": list(linted.skipped),
    }
    return Outcome(result, before=[*map(str, linted.problems), *linted.skipped, said])


def _resave(ctx: AppContext, given: Path) -> str:
    """Do it and say so; a path is meant from here, or from the workspace as messages show it."""
    from siyu_cli.rules.resave import save_as_utf8

    done = save_as_utf8(given if given.exists() else ctx.workspace.root / given)
    name = ctx.workspace.shown(done.path)
    if done.backup is None:
        return tr(f"{name} 本来就是 UTF-8,没有动", f"{name} is UTF-8 already, left alone")
    return tr(
        f"{name} 已改存为 UTF-8,旧文件在 {ctx.workspace.shown(done.backup)}",
        f"{name} is saved as UTF-8, the old file is {ctx.workspace.shown(done.backup)}",
    )
