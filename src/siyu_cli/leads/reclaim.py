"""What is taken back from its owner: leads whose protection is over, decided from the ledger alone.

A lead goes back at the first second after its last protected day, whenever somebody looks: nightly runs, a
missed night and one run at the end of the month write the same rows. Past `max_owners` it is dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS, date_of
from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.leads.deadlines import Days


@dataclass(frozen=True)
class ReclaimPlan:
    """`back` has a row per lead (lead_id, staff_id, last_day, at_sec, is_dead), earliest first."""

    back: pa.Table

    @property
    def reclaimed(self) -> int:
        return int(self.back.num_rows)

    @property
    def dead(self) -> int:
        return int(pc.sum(pc.cast(self.back["is_dead"], pa.int64())).as_py() or 0)

    def by_staff(self) -> list[tuple[str, int, int]]:
        """(account, leads that go back, of these dead), most first."""
        grouped = self.back.group_by("staff_id").aggregate([("lead_id", "count"), ("is_dead", "sum")])
        rows = zip(
            *(grouped[name].to_pylist() for name in ("staff_id", "lead_id_count", "is_dead_sum")), strict=True
        )
        return sorted(rows, key=lambda row: (-row[1], row[0]))

    def events(self) -> pa.Table:
        """The ledger rows: `reclaimed`, and `dead` right after it where nobody else may try."""
        size = self.back.num_rows
        days = self.back["last_day"].to_pylist()
        words = {day: _why_back(day) for day in set(days)}
        tried = self.back["owners"].to_pylist()
        back = {
            "nth": pa.array(np.arange(size, dtype=np.int64) * 2),
            "lead_id": self.back["lead_id"],
            "at_sec": self.back["at_sec"],
            "kind": pa.repeat("reclaimed", size),
            "staff_id": self.back["staff_id"],
            "reason": pa.array([words[day] for day in days], pa.string()),
        }
        dead = {
            **back,
            "nth": pc.add(back["nth"], 1),
            "kind": pa.repeat("dead", size),
            "staff_id": pa.nulls(size, pa.string()),
            "reason": pa.array([_why_dead(count) for count in tried], pa.string()),
        }
        return pa.concat_tables([pa.table(back), pa.table(dead).filter(self.back["is_dead"])])


def plan_reclaim(held: pa.Table, last_day: Days, max_owners: Days, as_of_day: int) -> ReclaimPlan:
    """Of `held` (lead_id, staff_id, owners, last_sec), those whose `last_day` is over on `as_of_day`."""
    is_over = last_day < as_of_day
    over = held.select(["lead_id", "staff_id", "owners"]).filter(pa.array(is_over))
    day = last_day[is_over]
    last_sec = held["last_sec"].to_numpy()[is_over]
    at_sec = np.maximum((day + 1) * DAY_SECONDS, last_sec)
    is_dead = over["owners"].to_numpy() >= max_owners[is_over]
    back = (
        over.append_column("last_day", pa.array(day))
        .append_column("at_sec", pa.array(at_sec))
        .append_column("is_dead", pa.array(is_dead))
    )
    return ReclaimPlan(back.sort_by([("at_sec", "ascending"), ("lead_id", "ascending")]))


def _why_back(day: int) -> str:
    return tr(f"到 {date_of(day)} 没有加上,收回", f"not added by {date_of(day)}, taken back")


def _why_dead(owners: int) -> str:
    return tr(f"已经给过 {owners} 个人,都没有加上", f"{owners} people had it, nobody added it")
