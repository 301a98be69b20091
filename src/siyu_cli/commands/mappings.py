"""What would be read from where: shown, written as a file to edit, proposed for a file nothing recognises."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siyu_cli.commands.render import Column, Outcome, Table
from siyu_cli.errors import InputRefused, UsageRefused, Where
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.context import AppContext
    from siyu_cli.sheets.column_uses import ColumnUse
    from siyu_cli.sheets.documents import Document
    from siyu_cli.sheets.mapping import PlatformMapping

_UNUSED = tr("(不用)", "(unused)")


@dataclass(frozen=True)
class Layout:
    """How one document would be read. `remarks` (field → how sure and why) only of a proposal."""

    document: Document
    sheet: str | None
    header_row: int
    mapping: PlatformMapping
    uses: Sequence[ColumnUse]
    remarks: dict[str, str]

    @property
    def is_proposal(self) -> bool:
        return bool(self.remarks)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.document.name,
            "sheet": self.sheet,
            "platform": self.mapping.name,
            "kind": self.mapping.kind,
            "is_proposal": self.is_proposal,
            "header_row": self.header_row,
            "columns": [
                {
                    "field": use.canonical or None,
                    "header": use.header,
                    "samples": list(use.samples),
                    "understood": list(use.understood),
                    "remark": self.remarks.get(use.canonical),
                }
                for use in self.uses
            ],
        }

    def table(self) -> Table:
        """A row per column: what it is, what stands in it, what it is read as."""
        from siyu_cli.sheets.column_uses import field_title

        columns = [
            Column("field", tr("字段", "Field")), Column("header", tr("列名", "Header")),
            Column("samples", tr("例", "Samples")), Column("understood", tr("读成", "Read as")),
        ]  # fmt: skip
        if self.is_proposal:
            columns.append(Column("remark", tr("为什么", "Why")))
        rows = [
            [
                f"{field_title(use.canonical)} {use.canonical}" if use.canonical else _UNUSED,
                use.header,
                " · ".join(use.samples),
                " · ".join(use.understood),
                *[self.remarks.get(use.canonical, "")] * self.is_proposal,
            ]
            for use in self.uses
        ]
        return Table(columns, rows, title=self.headline)

    @property
    def headline(self) -> str:
        place = str(Where(file=self.document.name, sheet=self.sheet))
        if self.is_proposal:
            return tr(f"{place}:没有现成的映射,提议这样读", f"{place}: unknown; proposed reading")
        return tr(f"{place}:按 {self.mapping.name} 读", f"{place}: read as {self.mapping.name}")


def layout_of(
    document: Document,
    sheet: str | None,
    mappings: Sequence[PlatformMapping],
    kinds: Sequence[str],
    known: Sequence[PlatformMapping],
) -> Layout:
    """How a document would be read by `mappings`; by a proposal where none of them recognises it.

    `known` are all mappings there are, which the proposal learns from. InputRefused where even that fails.
    """
    from siyu_cli.sheets.column_uses import describe
    from siyu_cli.sheets.header import find_header
    from siyu_cli.sheets.raw import open_source

    source = open_source(document.path, sheet)
    try:
        try:
            header = find_header(source.layouts(), mappings, document.name, source.sheet)
            remarks: dict[str, str] = {}
        except InputRefused as error:
            if error.code != "unknown-header":
                raise
            mapping, remarks = _proposal(document, source, kinds[0], known)
            if not remarks:
                raise
            header = find_header(source.layouts(), [mapping], document.name, source.sheet)
        uses = describe(source, header)
        return Layout(document, source.sheet, header.row_no, header.mapping, uses, remarks)
    finally:
        source.close()


def _proposal(
    document: Document, source: Any, kind: str, known: Sequence[PlatformMapping]
) -> tuple[PlatformMapping, dict[str, str]]:
    from siyu_cli.sheets.propose import likely_table, propose_mapping

    headers, columns = likely_table(source, [one for one in known if one.kind == kind])
    proposal = propose_mapping(headers, columns, kind, known, Path(document.name).stem)
    return proposal.mapping, proposal.remarks


def mapping_target(ctx: AppContext, document: Document) -> Path:
    """Where the mapping of an unknown file belongs: the workspace's platforms/, where it is found again."""
    from siyu_cli.words import file_stem

    return ctx.workspace.root / "platforms" / f"{file_stem(Path(document.name).stem)}.yaml"


def next_command(ctx: AppContext, document: Document, sheet: str | None) -> str:
    """The exact call that writes a proposal for an unknown file."""
    target, cwd = mapping_target(ctx, document), Path.cwd()
    shown = target.relative_to(cwd) if target.is_relative_to(cwd) else target
    words = ["siyu", ctx.command, str(document.given), "--save-mapping", str(shown)]
    words += ["--sheet", sheet] if sheet else []
    words += ["-w", str(ctx.workspace_flag)] if ctx.workspace_flag else []
    return shlex.join(words)


def show_mappings(ctx: AppContext, layouts: Sequence[Layout], target: Path | None) -> Outcome:
    """The layouts for people and scripts; with `target` the one mapping is written there as well."""
    result: dict[str, Any] = {"files": [layout.as_dict() for layout in layouts], "saved": None}
    after = []
    if target is not None:
        _save(ctx, layouts, target)
        result["saved"] = None if ctx.dry_run else str(target)
        if not ctx.dry_run:
            given = shlex.quote(str(layouts[0].document.given))
            after.append(tr(f"映射写进了 {target}。", f"The mapping is in {target}. ") + tr(
                f"核对、改好后:siyu {ctx.command} {given} --platform {shlex.quote(str(target))}",
                f"Check it, then: siyu {ctx.command} {given} --platform {shlex.quote(str(target))}",
            ))  # fmt: skip
            after += _lacking(layouts[0])
    elif any(layout.is_proposal for layout in layouts):
        after += [
            tr("存成文件来改:", "To edit it: ") + next_command(ctx, layout.document, None)
            for layout in layouts
            if layout.is_proposal
        ]
    return Outcome(result, [layout.table() for layout in layouts], after=after)


def _lacking(layout: Layout) -> list[str]:
    """What a file of this kind cannot do without and the mapping does not name."""
    from siyu_cli.sheets.column_uses import field_title
    from siyu_cli.sheets.mapping import REQUIRED

    lacking = [
        f"「{field_title(field)}」"
        for field in REQUIRED.get(layout.mapping.kind, ())
        if field not in layout.mapping.columns and field not in layout.mapping.constants
    ]
    listed = "、".join(lacking)
    return [
        tr(
            f"还缺必填的{listed}:在表里加这一列,或在映射里写明哪一列是它,不然不能导入",
            f"Missing and required: {listed}. Add the column, or name it in the mapping",
        )
    ] * bool(lacking)


def _save(ctx: AppContext, layouts: Sequence[Layout], target: Path) -> None:
    if target.suffix.lower() not in (".yaml", ".yml"):
        raise UsageRefused(
            "not-yaml",
            tr(f"--save-mapping 要写成 .yaml 文件:{target}", f"--save-mapping writes a .yaml file: {target}"),
            hint=tr("例:--save-mapping platforms/我的店.yaml", "E.g. --save-mapping platforms/mine.yaml"),
        )
    if len(layouts) != 1:
        raise UsageRefused(
            "one-file-per-mapping",
            tr(
                f"--save-mapping 一次存一份映射,这里有 {len(layouts)} 张表",
                f"--save-mapping writes one mapping, here are {len(layouts)} tables",
            ),
            hint=tr("只给一个文件,用 --sheet 选一张表", "Give one file, pick a sheet with --sheet"),
        )
    if target.exists() and not ctx.yes:
        raise InputRefused(
            "file-exists",
            tr(f"{target} 已经有了,没有覆盖", f"{target} exists and was left as it is"),
            hint=tr("换个名字,或加 --yes 覆盖", "Use another name, or --yes to replace it"),
        )
    write_mapping(ctx, layouts[0], target)


def write_mapping(ctx: AppContext, layout: Layout, target: Path) -> PlatformMapping:
    """The layout's mapping as a file, named after it: changed, it must not pass for the shipped one.

    Its rows keep the platform they had, so that buyers and orders known already stay the same ones.
    """
    from siyu_cli.files import replacing
    from siyu_cli.sheets.mapping_yaml import mapping_yaml

    mapping = replace(layout.mapping, name=target.stem)
    if not layout.is_proposal and mapping.kind in ("orders", "returns", "details"):
        mapping = replace(mapping, constants={"platform": layout.mapping.platform, **mapping.constants})
    if not ctx.dry_run:
        with replacing(target) as temporary:
            temporary.write_text(mapping_yaml(mapping, layout.remarks), encoding="utf-8")
    return mapping
