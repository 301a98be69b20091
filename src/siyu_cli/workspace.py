"""The workspace: the folder with siyu.yaml that everything of one shop lives in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.clock import date_of
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.settings import Settings, read_settings

if TYPE_CHECKING:
    from siyu_cli.yamlfile import Node, Scalar

    Pairs = Sequence[tuple[Scalar, Node]]

SETTINGS_NAME = "siyu.yaml"
STATE_NAME = ".siyu"
EDITABLE = ("rules", "platforms", "segments")


@dataclass(frozen=True)
class Workspace:
    """One shop's folder and its settings."""

    root: Path
    settings: Settings

    @property
    def state_dir(self) -> Path:
        return self.root / STATE_NAME

    def outbox(self, *parts: str) -> Path:
        """A folder below outbox/; it is made when the first file is written there."""
        return self.root.joinpath("outbox", *parts)

    def day_folder(self, kind: str, day: int) -> Path:
        """`outbox/<kind>/2025-03-15`."""
        return self.outbox(kind, date_of(day).isoformat())

    def shown(self, path: Path) -> str:
        """A path as messages show it: relative to the workspace where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def configs_dir() -> Path:
    """The shipped defaults: beside the package in an installed wheel, at the root of a checkout."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "configs"


def find_root(given: Path | None, *, cwd: Path | None = None) -> Path:
    """The workspace folder: `--workspace`, else SIYU_WORKSPACE, else upwards from the current folder."""
    chosen = given or (Path(env) if (env := os.environ.get("SIYU_WORKSPACE")) else None)
    if chosen is not None:
        root = chosen.expanduser().resolve()
        if (root / SETTINGS_NAME).is_file():
            return root
        raise InputRefused(
            "no-workspace",
            tr(
                f"{chosen} 不是工作区(里面没有 {SETTINGS_NAME})",
                f"{chosen} is no workspace (no {SETTINGS_NAME} in it)",
            ),
            hint=tr(f"先建一个:siyu init {chosen}", f"Make one first: siyu init {chosen}"),
        )
    start = (cwd or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / SETTINGS_NAME).is_file():
            return folder
    raise InputRefused(
        "no-workspace",
        tr(
            "这里不是工作区:从当前文件夹往上都没有 siyu.yaml",
            "No workspace here: no siyu.yaml in this folder or above",
        ),
        hint=tr(
            "先建一个:siyu init 我的店,再进入那个文件夹", "Make one first: siyu init myshop, then cd into it"
        ),
    )


def open_workspace(given: Path | None, *, cwd: Path | None = None) -> Workspace:
    """The workspace with its settings read and checked."""
    root = find_root(given, cwd=cwd)
    return Workspace(root, read_settings(root / SETTINGS_NAME))
