"""Making a workspace: folders, editable copies of the shipped defaults, an empty store."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from siyu_cli.errors import InputRefused, UsageRefused
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.workspace import EDITABLE, SETTINGS_NAME, STATE_NAME, configs_dir

_SETTINGS = """\
# siyu 的设置。每一项都可以删掉,删掉就用默认值;写错的键会被指出来。
shop: {shop}
# 所有「天」都按这个时区的日历日算
timezone: Asia/Shanghai
# 分出去的线索是谁的、到哪天为止(docs/leads.md)
leads:
  # 几天内要加上
  protect_days: 10
  # 有跟进(已发申请、稍后)就延到跟进后几天,只会往后延
  extend_days: 3
  # 从分到那天算,最长几天
  max_days: 20
  # 收回的线索几天之内不再分给原来的人
  cooldown_days: 30
  # 最多换几个人,再收回就是死线索
  max_owners: 3
# 几天没动静就提醒本人、抄送主管(员工账号);群机器人的地址也可以放在环境变量 SIYU_WEBHOOK 里(docs/leads.md)
reminders:
  remind_days: 3
  escalate_days: 5
  # manager: wanglei
  # webhook: https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=……
# 怎么分线索(docs/leads-fairness.md);默认每天都分,按渠道让每人拿到一样的搭配,老客先归原来的人
distribution:
  workdays: [周一, 周二, 周三, 周四, 周五, 周六, 周日]
  strata: [channel]
  sticky: true
# score-customers 默认用的分层方案:segments/ 里的文件名
scheme: 八分群
# 数据库最多用多少内存
memory_limit: 2GB
"""


_LIBRARY = "rules-library"
# What every kind of shop needs; the other folders of the library are one kind each.
_COMMON = "共用"


@dataclass(frozen=True)
class Created:
    """What init made and what it left as it was (names relative to the workspace)."""

    root: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]


def create_workspace(root: Path, *, rules_for: str | None = None, dry_run: bool = False) -> Created:
    """Make or complete a workspace; existing files are never touched. The store is made on first use.

    `rules_for` names a kind of shop (`shop_kinds`) whose starter rules go into rules/ beside the defaults.
    UsageRefused for a kind there is not; InputRefused where rules/ has those of another kind.
    """
    root = root.expanduser().resolve()
    if root.exists() and not root.is_dir():
        raise InputRefused(
            "not-a-folder",
            tr(f"{root} 是一个文件,不能当工作区", f"{root} is a file, it cannot be a workspace"),
            hint=tr("换一个文件夹名", "Choose another folder name"),
        )
    wanted = _wanted(root)
    if rules_for is not None:
        _check_kind(root, rules_for)
        wanted |= _library(rules_for)
    made = tuple(name for name in wanted if not (root / name).exists())
    if not dry_run:
        for name in made:
            _make(root, name, wanted[name])
    return Created(root, made, tuple(name for name in wanted if name not in made))


def _wanted(root: Path) -> dict[str, Path | str | None]:
    """Name → shipped file to copy, text to write, or None for a folder."""
    wanted: dict[str, Path | str | None] = {SETTINGS_NAME: _SETTINGS.format(shop=f'"{root.name}"')}
    for folder in EDITABLE:
        shipped = configs_dir() / folder
        wanted[folder] = None
        for file in sorted(shipped.rglob("*.yaml")):
            wanted[str(Path(folder) / file.relative_to(shipped))] = file
    wanted |= {"inbox": None, "outbox": None, STATE_NAME: None}
    return wanted


def shop_kinds() -> tuple[str, ...]:
    """The kinds of shop that there are starter rules for."""
    folders = (path.name for path in (configs_dir() / _LIBRARY).iterdir() if path.is_dir())
    return tuple(sorted(name for name in folders if name != _COMMON))


def _check_kind(root: Path, kind: str) -> None:
    kinds = shop_kinds()
    if kind not in kinds:
        raise UsageRefused(
            "usage",
            tr(f"没有「{kind}」的规则", f"There are no rules for “{kind}”"),
            hint=tr(f"有:{'、'.join(kinds)}", f"There are: {', '.join(kinds)}"),
        )
    other = next((name for name in kinds if name != kind and (root / "rules" / name).exists()), None)
    if other is not None:
        raise InputRefused(
            "other-shop-rules",
            tr(
                f"rules/ 里已有「{other}」的规则,和「{kind}」的标签同名,只能用一套",
                f"rules/ has the rules for “{other}”, whose tags have the names of those for “{kind}”",
            ),
            hint=tr(
                f"要换成「{kind}」,先删掉 rules/{other}/(rules/{_COMMON}/ 留着)",
                f"To change to “{kind}”, delete rules/{other}/ first (keep rules/{_COMMON}/)",
            ),
        )


def _library(kind: str) -> dict[str, Path | str | None]:
    """The common rules and those of a kind of shop, each in a folder of its own below rules/."""
    shipped = configs_dir() / _LIBRARY
    files = [file for folder in (_COMMON, kind) for file in sorted((shipped / folder).glob("*.yaml"))]
    return {str(Path("rules") / file.relative_to(shipped)): file for file in files}


def _make(root: Path, name: str, content: Path | str | None) -> None:
    target = root / name
    if content is None:
        # The workspace holds phone numbers: nobody else on the machine may look in.
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        return
    with replacing(target) as temporary:
        if isinstance(content, str):
            temporary.write_text(content, encoding="utf-8")
        elif Path(name).parts[0] == "rules":
            temporary.write_text(schema_line(name) + content.read_text(encoding="utf-8"), encoding="utf-8")
        else:
            shutil.copyfile(content, temporary)


def schema_line(name: str) -> str:
    """The first line of a rule file (relative to the workspace): editors complete names after the schema."""
    up = "../" * (len(Path(name).parts) - 1)
    return f"# yaml-language-server: $schema={up}{STATE_NAME}/rules.schema.json\n"
