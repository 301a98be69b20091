"""规则: check-rules, list-names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siyu_cli.commands.frame import command
from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.context import AppContext, OutputFormat
from siyu_cli.errors import StateUnavailable, UsageRefused
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean, fold

if TYPE_CHECKING:
    from siyu_cli.rules.data_lints import Linted
    from siyu_cli.rules.tree import RuleSet


KINDS = {
    "fields": "字段", "metrics": "指标", "scopes": "范围", "tags": "标签", "groups": "标签组", "stages": "阶段", "windows": "时间窗口",
    "words": "判断的词", "events": "行为", "keys": "键",
}  # fmt: skip
"""Kind of a name for scripts → in words; the command takes either."""
_LISTED = tr("、".join(KINDS.values()), ", ".join(KINDS))


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
        from siyu_cli.rules.schema import write_schema
        from siyu_cli.rules.stages import check_removed
        from siyu_cli.rules.tagging import workspace_rules

        if to_utf8 is not None:
            ctx.say(_resave(ctx, to_utf8))
        rules = workspace_rules(ctx.workspace)
        write_schema(ctx.workspace, rules)
        skipped: list[str] = []
        if rules.stages:
            try:
                with ctx.read() as con:
                    check_removed(con, rules)
            except StateUnavailable as error:
                skipped = [
                    tr(
                        f"没有核对客户所在的阶段:{error.message}",
                        f"Stages in use not checked: {error.message}",
                    )
                ]
        if data:
            with ctx.read() as con:
                linted = lint_rules(rules, con, ctx.as_of)
        else:
            linted = lint_rules(rules)
        if strict and linted.problems:
            raise RulesRefused(linted.problems)
        return _word_check(rules, linted, skipped)

    @command(app, "list-names", "rules", tr(
        "列出规则里能用的名称:字段、指标、范围、标签、标签组、阶段、时间窗口、判断的词、行为、键;每个都有类型、单位、在哪里定义、一个例子。"
        "--schema 写出编辑器用的 JSON Schema:边写边补全名称,写错的键马上标出来。\n\n"
        "例:\n\nsiyu list-names\n\nsiyu list-names 指标\n\nsiyu list-names --schema --out 规则.schema.json",
        "List every name a rule can use: fields, metrics, scopes, tags, groups, stages, windows, words, events, keys; each with "
        "type, unit, where it is defined and an example. --schema writes a JSON Schema for editors.\n\n"
        "Examples:\n\nsiyu list-names\n\nsiyu list-names metrics\n\nsiyu list-names --schema --out rules.schema.json"))  # fmt: skip
    def list_names(
        ctx: AppContext,
        kind: Annotated[
            str | None,
            typer.Argument(metavar="[KIND]", show_default=False, help=tr(
                f"只列一类:{_LISTED}(也可以写 JSON 里的英文)", f"One kind only: {_LISTED}")),
        ] = None,
        schema: Annotated[
            bool,
            typer.Option("--schema", show_default=False, help=tr(
                "写出 JSON Schema(draft-07)", "The JSON Schema (draft-07)")),
        ] = False,
        out: Annotated[
            Path | None,
            typer.Option("--out", metavar="FILE", show_default=False, help=tr(
                "Schema 写到这个文件,不写就打印", "Write the schema to this file instead of printing it")),
        ] = None,
    ) -> Outcome:  # fmt: skip
        from siyu_cli.rules.problems import RulesRefused
        from siyu_cli.rules.tagging import workspace_rules
        from siyu_cli.rules.vocabulary import built_in_names, own_names

        if out is not None and not schema:
            raise UsageRefused("usage", tr("--out 和 --schema 一起用", "--out goes with --schema"))
        wanted = None if kind is None else _kind_of(kind)
        notes = []
        rules: RuleSet | None = None
        try:
            rules = workspace_rules(ctx.workspace)
        except RulesRefused as error:
            many = len(error.problems)
            notes.append(
                tr(
                    f"规则里有 {many} 个错误(siyu check-rules),自己的名称没有列出",
                    f"{many} mistakes in the rules (siyu check-rules): names of your own are not listed",
                )
            )
        if schema:
            return _give_schema(ctx, rules, out, notes)
        entries = [*built_in_names(), *(own_names(rules) if rules else ())]
        shown = sorted(
            (entry for entry in entries if wanted in (None, entry.kind)),
            key=lambda entry: list(KINDS).index(entry.kind),
        )
        columns = (
            Column("kind", tr("类", "Kind")), Column("name", tr("名称", "Name")), Column("type", tr("类型", "Type")),
            Column("unit", tr("单位", "Unit")), Column("where", tr("在哪里", "Where")),
            Column("example", tr("例子", "Example")),
        )  # fmt: skip
        rows = [(tr(KINDS[one.kind], one.kind), *list(one.as_dict().values())[1:]) for one in shown]
        return Outcome({"names": [entry.as_dict() for entry in shown]}, [Table(columns, rows)], after=notes)


def _kind_of(text: str) -> str:
    """The kind that a word means, Chinese or English; UsageRefused with the nearest one."""
    found = next((kind for kind, word in KINDS.items() if fold(text) in (kind, word)), None)
    if found is None:
        near = did_you_mean(fold(text), [*KINDS, *KINDS.values()])
        raise UsageRefused(
            "unknown-kind",
            tr(f"没有叫「{text}」的一类", f"There is no kind “{text}”"),
            hint=(tr(f"你是不是想写:{near} ? ", f"Did you mean: {near} ? ") if near else "")
            + tr(f"可以写:{_LISTED}", f"One of: {_LISTED}"),
        )
    return found


def _give_schema(ctx: AppContext, rules: RuleSet | None, out: Path | None, notes: list[str]) -> Outcome:
    """To a file, or to stdout as it is: what is printed can be put into a file."""
    from siyu_cli.files import replacing
    from siyu_cli.rules.schema import schema_of, schema_text

    schema = schema_of(rules)
    if out is not None:
        with replacing(out) as temporary:
            temporary.write_text(schema_text(schema), encoding="utf-8")
        return Outcome({"file": str(out)}, after=[*notes, tr(f"写好了:{out}", f"Written: {out}")])
    if ctx.format is not OutputFormat.JSON:
        ctx.stdout.print(schema_text(schema), markup=False, highlight=False, soft_wrap=True, end="")
    return Outcome({"schema": schema}, after=notes)


def _word_check(rules: RuleSet, linted: Linted, skipped: list[str]) -> Outcome:
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
        "stages": [stage.name for stage in rules.stages],
        "problems": [problem.as_dict() for problem in linted.problems],
        "skipped": [*skipped, *linted.skipped],
    }
    return Outcome(result, before=[*map(str, linted.problems), *skipped, *linted.skipped, said])


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
