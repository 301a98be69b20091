"""`siyu demo`: a workspace with the sample shop in its inbox, and what to do next in words."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from siyu_cli.clock import DAY_SECONDS, AsOf, Clock
from siyu_cli.demo.lists import CARD_FILE, LEAD_FILES, LIVE_FILE
from siyu_cli.demo.make import (
    DOING_FILE,
    FRIEND_FILE,
    STAFF_FILE,
    TRUTH_NAME,
    YOUZAN_FILE,
    MadeShop,
    make_shop,
    taobao_file,
)
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.setup_workspace import create_workspace

DEFAULT_FOLDER, DEFAULT_AS_OF = "demo-shop", "2025-03-15"


@dataclass(frozen=True)
class Demo:
    """What was made, ready to be told."""

    folder: Path
    shop: MadeShop
    as_of: AsOf

    def as_dict(self) -> dict[str, Any]:
        """The result for scripts: absolute paths, in the order to import the files."""
        root = self.folder.resolve()
        return {
            "workspace": str(root),
            "as_of": str(self.as_of),
            "files": [str(root / "inbox" / path.name) for path in self.shop.files],
            "truth": str(root / TRUTH_NAME),
        }

    @property
    def rows(self) -> list[tuple[str, int, str]]:
        """File, rows and a word on each."""
        truth = self.shop.truth
        told = [(STAFF_FILE, truth["staff"]["read"], tr("员工", "staff"))]
        told += [
            (row["file"], row["read"], tr(f"{row['platform']}订单", f"orders of {row['platform']}"))
            for row in truth["order_files"]
        ]
        told += [(name, row["read"], tr("线索名单", "leads")) for name, row in truth["lead_files"].items()]
        told.append((FRIEND_FILE, truth["friends"]["read"], tr("企业微信好友", "friends in WeCom")))
        told.append((DOING_FILE, truth["behaviour"]["read"], tr("客户的行为", "what customers did")))
        return [(f"inbox/{name}", count, what) for name, count, what in told]

    @property
    def headline(self) -> str:
        people, day = self.shop.truth["customers"]["total"], self.as_of.date
        return tr(
            f"样板店 {self.folder}:{people:,} 位客户,截止 {day}(人和号码都是编的)",
            f"Sample shop {self.folder}: {people:,} customers as of {day} (all invented)",
        )

    @property
    def next_steps(self) -> list[str]:
        """The commands that do the whole main job on these files."""
        orders = " ".join(f"inbox/{row['file']}" for row in self.shop.truth["order_files"])
        dated = f"--as-of {self.as_of.date}"
        return [
            tr(f"标准答案:{self.folder / TRUTH_NAME}", f"The right answers: {self.folder / TRUTH_NAME}"),
            tr("下一步:", "Next:"),
            f"  cd {shlex.quote(str(self.folder))}",
            f"  siyu import-staff inbox/{STAFF_FILE}",
            f"  siyu import-leads inbox/{LIVE_FILE} --source 抖音直播间 {dated}",
            f"  siyu import-orders {orders}",
            f"  siyu import-leads inbox/{CARD_FILE} --source 包裹卡 {dated}",
            f"  siyu import-contacts inbox/{FRIEND_FILE}",
            f"  siyu import-events inbox/{DOING_FILE}",
            f"  siyu distribute-leads {dated}",
            f"  siyu score-customers {dated}",
            f"  siyu apply-tags {dated}",
            f"  siyu export-report {dated}",
        ]


def set_up_demo(given: Path | None, as_of_text: str, *, seed: int, customers: int, dry_run: bool) -> Demo:
    """Make or complete the workspace and write the shop; a dry run makes the same files and keeps none.

    InputRefused when a file of the same name lies in the inbox that no earlier demo made.
    """
    folder = (given or Path(DEFAULT_FOLDER)).expanduser()
    as_of = _close_of_day(Clock().as_of(as_of_text))
    _check_inbox(folder, as_of)
    create_workspace(folder, dry_run=dry_run)
    if not dry_run:
        return Demo(folder, make_shop(folder, seed=seed, customers=customers, as_of=as_of), as_of)
    with TemporaryDirectory(prefix="siyu-demo-") as scratch:
        shop = make_shop(Path(scratch), seed=seed, customers=customers, as_of=as_of)
    return Demo(
        folder, replace(shop, files=tuple(folder / "inbox" / path.name for path in shop.files)), as_of
    )


def _close_of_day(as_of: AsOf) -> AsOf:
    return AsOf(as_of.day * DAY_SECONDS + DAY_SECONDS - 1)


def _check_inbox(folder: Path, as_of: AsOf) -> None:
    """Files of an operator's own are never written over."""
    if (folder / TRUTH_NAME).exists():
        return
    for name in (STAFF_FILE, taobao_file(as_of), YOUZAN_FILE, *LEAD_FILES, FRIEND_FILE, DOING_FILE):
        if (folder / "inbox" / name).exists():
            raise InputRefused(
                "demo-would-overwrite",
                tr(
                    f"{folder}/inbox 里已有 {name},不是样板店写的",
                    f"{folder}/inbox holds {name}, no demo made it",
                ),
                hint=tr(
                    "换一个新文件夹,例如 siyu demo 我的试用", "Choose a new folder, e.g. siyu demo trial"
                ),
            )
