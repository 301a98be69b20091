"""The definitions of all rule files by kind and name, not yet checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, cast

from siyu_cli.language import tr
from siyu_cli.rules.problems import Report
from siyu_cli.rules.shapes import pairs_of, texts_of, whole_number_of
from siyu_cli.words import fold
from siyu_cli.yamlfile import Items, Mapping, Node, Scalar

_TOP = ("version", "scopes", "metrics", "manual_tags", "tag_groups", "tags", "stages", "tests")
T = TypeVar("T")


@dataclass(frozen=True)
class Definition:
    """A named entry of a file, not yet checked."""

    name: Scalar
    body: Node


@dataclass
class Definitions:
    """All entries of all files, by kind and folded name."""

    scopes: dict[str, Definition] = field(default_factory=dict)
    metrics: dict[str, Definition] = field(default_factory=dict)
    groups: dict[str, Definition] = field(default_factory=dict)
    tags: dict[str, Definition] = field(default_factory=dict)
    manual: dict[str, Scalar] = field(default_factory=dict)
    tests: list[Node] = field(default_factory=list)
    stages: Definition | None = None


def collect(report: Report, found: Definitions, node: Node | None) -> None:
    """Enter the definitions of one file."""
    top = pairs_of(report, node, _TOP, tr("规则文件", "a rule file"))
    if "version" in top:
        whole_number_of(report, top["version"][1], 1, 1)
    kinds = (
        ("scopes", found.scopes),
        ("metrics", found.metrics),
        ("tag_groups", found.groups),
        ("tags", found.tags),
    )
    for key, target in kinds:
        body = top[key][1] if key in top else None
        if body is None or (isinstance(body, Scalar) and body.value is None):
            continue
        if not isinstance(body, Mapping):
            what = tr(f"{key} 下面应是「名称: 内容」", f"{key} holds “name: content”")
            hint = tr("名称前面不写「- 」", "No “- ” before the names") if isinstance(body, Items) else ""
            report.add("E107", body, what, hint)
            continue
        for name, content in body.pairs:
            _define(report, target, name, Definition(name, content))
    if "tests" in top:
        found.tests.append(top["tests"][1])
    if "stages" in top:
        name, content = top["stages"]
        if found.stages is not None:
            report_twice(report, name, found.stages.name)
        else:
            found.stages = Definition(name, content)
    if "manual_tags" in top:
        for scalar in texts_of(report, top["manual_tags"][1]):
            _define(report, found.manual, scalar, scalar)


def _define(report: Report, target: dict[str, T], name: Scalar, entry: T) -> None:
    """Enter a definition; a name already there is E206 at the second place, naming the first."""
    key = fold(name.text)
    if not key:
        report.add("E107", name, tr("名称是空的", "The name is empty"))
        return
    if key in target:
        first = target[key]
        report_twice(report, name, first.name if isinstance(first, Definition) else cast(Scalar, first))
        return
    target[key] = entry


def report_twice(report: Report, name: Scalar, first: Scalar) -> None:
    """E206 at a name, with the place of the first."""
    hint = tr(f"另一处:{first.mark.where()}", f"The other: {first.mark.where()}")
    report.add("E206", name, tr(f"「{name.text}」定义了两次", f"“{name.text}” is defined twice"), hint)
