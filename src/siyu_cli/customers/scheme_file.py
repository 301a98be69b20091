"""Scheme files: `segments/*.yaml` of the workspace, else the shipped ones, read strictly."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from siyu_cli.customers.scheme import LETTERS, Letter, Measure, Scheme
from siyu_cli.customers.scheme_measures import read_measure
from siyu_cli.customers.scheme_nodes import bad, mapping_of, need, text_of
from siyu_cli.customers.scheme_segments import check_cells, read_classes
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.windows import Window, WindowError, read_window
from siyu_cli.words import did_you_mean
from siyu_cli.yamlfile import Mark, Node, parse_yaml, read_yaml

_TOP = ("name", "window", *LETTERS, "levels", "segments", "else", "allow_unreachable")


def scheme_names(folders: Sequence[Path]) -> list[str]:
    """The schemes that can be named, workspace and shipped ones together."""
    return sorted({file.stem for folder in folders for file in folder.glob("*.yaml")})


def find_scheme(wanted: str, folders: Sequence[Path]) -> Scheme:
    """The scheme called `wanted` in the first folder that has it, or the scheme in the file `wanted`."""
    for folder in folders:
        file = folder / f"{wanted}.yaml"
        if "/" not in wanted and file.is_file():
            return load_scheme(file, f"{folder.name}/{file.name}")
    path = Path(wanted)
    if path.suffix in (".yaml", ".yml"):
        return load_scheme(path)
    names = scheme_names(folders)
    near = did_you_mean(wanted, names)
    raise InputRefused(
        "unknown-scheme",
        tr(f"没有叫「{wanted}」的分层方案", f"There is no scheme “{wanted}”"),
        hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}")
        if near
        else tr(
            f"现有方案:{'、'.join(names)};或给出 .yaml 文件",
            f"Known: {', '.join(names)}; or give a .yaml file",
        ),
    )


def load_scheme(path: Path, shown_as: str | None = None) -> Scheme:
    """The scheme in a file; InputRefused names line and column of the first mistake."""
    return _scheme(read_yaml(path, shown_as), shown_as or str(path))


def parse_scheme(text: str, name: str = "scheme.yaml") -> Scheme:
    """The scheme in a text."""
    return _scheme(parse_yaml(text.encode(), name), name)


def _scheme(node: Node | None, file: str) -> Scheme:
    if node is None:
        raise bad(Mark(file, 1, 1), tr("方案文件是空的", "The scheme file is empty"))
    top = mapping_of(node, _TOP, tr("方案", "a scheme"))
    measures: dict[Letter, Measure] = {letter: read_measure(letter, need(top, letter)) for letter in LETTERS}
    classes = read_classes(top, measures)
    scheme = Scheme(
        name=text_of(need(top, "name")),
        window=_window(top.get("window")),
        **measures,
        levels=classes.levels,
        segments=classes.segments,
        rest=classes.rest,
    )
    check_cells(scheme, classes, top)
    return scheme


def _window(node: Node | None) -> Window:
    """Any window that a condition could have; no window is 全部."""
    if node is None:
        return Window()
    text = unicodedata.normalize("NFKC", text_of(node))
    try:
        return read_window(text)
    except WindowError as error:
        raise bad(
            node.mark,
            tr(f"window:{error.chinese}", f"window: {error.english}"),
            tr(
                "例:全部、近365天、近12月、今年、上月、2025-01-01~2025-03-31",
                "E.g. 全部, 近365天, 近12月, 今年, 上月, 2025-01-01~2025-03-31",
            ),
        ) from None
