"""A plan on disk: what apply-tags would change, to be looked at and then carried out as it stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import AsOf
from siyu_cli.errors import InputRefused, StoppedByGuard, system_words
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.store.stages import moves_digest
from siyu_cli.store.tag_causes import last_tag_run
from siyu_cli.store.tags import changes_as_json, changes_digest

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.rules.tree import RuleSet

KIND = "siyu-tag-plan"
VERSION = 1


@dataclass(frozen=True)
class PlanFile:
    """The head of a plan: its moment and what must still hold when it is applied.

    `after_run` is the run of apply-tags it starts from, 0 before the first. What was done and undone since may
    have to be done once more, and that is another plan though all else is the same.
    """

    as_of: AsOf
    rules: str
    changes: str
    after_run: int

    @property
    def plan_id(self) -> str:
        """The same plan has the same id wherever the file lies."""
        told = (self.as_of.seconds, self.rules, self.changes, self.after_run)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def plan_head(
    con: DuckDBPyConnection, rules: RuleSet, as_of: AsOf, stages: Sequence[object] = ()
) -> PlanFile:
    """The head of what is planned now (see store.tags.plan_changes, store.stages.plan_moves); `stages` are the counts
    of their moves, none where the rules have no stages.
    """
    moved = (tuple(stages), moves_digest(con)) if stages else None
    moves = hashlib.sha256(repr(moved).encode()).hexdigest()[:8] if moved else ""
    last = last_tag_run(con)
    after_run = 0 if last is None else last.run_id
    return PlanFile(as_of, rules.digest, "-".join(filter(None, (changes_digest(con), moves))), after_run)


def write_plan(path: Path, con: DuckDBPyConnection, head: PlanFile, result: dict[str, Any]) -> None:
    """Write head, counts and every change; all of the file or none of it."""
    top = {
        "kind": KIND,
        "version": VERSION,
        "plan_id": head.plan_id,
        "as_of": str(head.as_of),
        "as_of_sec": head.as_of.seconds,
        "rules": head.rules,
        "digest": head.changes,
        "after_run": head.after_run,
        **result,
    }
    body = json.dumps(top, ensure_ascii=False, indent=1)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write(body.removesuffix("\n}") + ',\n "changes": [')
        separator = "\n  "
        for lines in changes_as_json(con):
            out.write(separator + ",\n  ".join(lines))
            separator = ",\n  "
        out.write("\n ]\n}\n")


def read_plan(path: Path, shown: str) -> PlanFile:
    """The head of a plan file; InputRefused where the file is none."""
    try:
        top = json.loads(path.read_text(encoding="utf-8"))
        if top["kind"] != KIND or top["version"] != VERSION:
            raise ValueError
        head = PlanFile(
            AsOf(int(top["as_of_sec"])), str(top["rules"]), str(top["digest"]), int(top["after_run"])
        )
    except OSError as error:
        raise InputRefused(
            "unreadable-file",
            tr(f"读不了文件 {shown}:{system_words(error)}", f"Cannot read {shown}: {system_words(error)}"),
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputRefused(
            "not-a-plan",
            tr(f"{shown} 不是 plan-tags 写出的计划", f"{shown} is no plan written by plan-tags"),
            hint=tr("先运行 siyu plan-tags --out 计划.json", "First run siyu plan-tags --out plan.json"),
        ) from None
    return head


def refuse_stale(planned: PlanFile, now: PlanFile) -> None:
    """StoppedByGuard where the rules are other ones, or what would change is."""
    if planned.rules != now.rules:
        what = tr("规则在计划之后改过", "The rules were changed after the plan")
    elif planned.changes != now.changes:
        what = tr(
            "数据在计划之后变了,要改的人和计划里不一样",
            "The data changed after the plan: others would change",
        )
    else:
        return
    raise StoppedByGuard(
        "stale-plan",
        tr(f"{what},什么也没写", f"{what}; nothing written"),
        hint=tr(
            "重新运行 siyu plan-tags --out 计划.json,看过再执行", "Run siyu plan-tags --out plan.json again"
        ),
    )
