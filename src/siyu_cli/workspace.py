"""The workspace: the folder with siyu.yaml that everything of one shop lives in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.clock import date_of, zone
from siyu_cli.errors import InputRefused, UsageRefused, Where
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean

if TYPE_CHECKING:
    from siyu_cli.yamlfile import Scalar

SETTINGS_NAME = "siyu.yaml"
STATE_NAME = ".siyu"
EDITABLE = ("rules", "platforms", "segments")


@dataclass(frozen=True)
class Settings:
    """What siyu.yaml may say; an unknown key is an error."""

    shop: str = ""
    timezone: str = "Asia/Shanghai"
    memory_limit: str = "2GB"
    lead_due_days: int = 10
    scheme: str = "八分群"


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


def read_settings(path: Path) -> Settings:
    """siyu.yaml as Settings; InputRefused names the line of an unknown key or a wrong value."""
    from siyu_cli.yamlfile import Mapping, read_yaml

    node = read_yaml(path, path.name)
    if node is None:
        return Settings()
    if not isinstance(node, Mapping):
        raise InputRefused(
            "bad-settings",
            tr("siyu.yaml 应是「键: 值」", "siyu.yaml must be “key: value”"),
            where=node.mark.where(),
        )
    known = {field.name: field.default for field in fields(Settings)}
    values: dict[str, str | int] = {}
    for key, value in node.pairs:
        if key.text not in known:
            near = did_you_mean(key.text, list(known))
            raise InputRefused(
                "unknown-setting",
                tr(f"siyu.yaml 里没有「{key.text}」这个设置", f"siyu.yaml knows no setting “{key.text}”"),
                hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}") if near else "",
                where=key.mark.where(),
            )
        values[key.text] = _setting(key, value, is_number=isinstance(known[key.text], int))
    settings = Settings(**values)  # type: ignore[arg-type]
    try:
        zone(settings.timezone)
    except UsageRefused as error:
        raise InputRefused(error.code, error.message, hint=error.hint, where=Where(file=path.name)) from None
    if not re.fullmatch(r"[1-9]\d*\s*[MGT]i?B", settings.memory_limit, re.ASCII | re.IGNORECASE):
        raise InputRefused(
            "bad-setting",
            tr(
                f"memory_limit 看不懂「{settings.memory_limit}」",
                f"memory_limit cannot be read: “{settings.memory_limit}”",
            ),
            hint=tr("写成 2GB 或 800MB", "Write 2GB or 800MB"),
            where=Where(file=path.name),
        )
    return settings


def _setting(key: Scalar, value: object, *, is_number: bool) -> str | int:
    from siyu_cli.yamlfile import Scalar

    if isinstance(value, Scalar):
        if is_number and type(value.value) is int and value.value > 0:
            return value.value
        if not is_number:
            return value.text
    wanted = tr("正整数", "a positive whole number") if is_number else tr("一段文字", "text")
    raise InputRefused(
        "bad-setting",
        tr(f"设置「{key.text}」应是{wanted}", f"Setting “{key.text}” must be {wanted}"),
        where=key.mark.where(),
    )
