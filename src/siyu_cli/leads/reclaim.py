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
    """`back` has a row per lead that is taken back (lead_id, staff_id, tries, last_day, at_sec, is_dead), earliest
    first; `tired` those in the pool that enough people have given back (lead_id, tries, at_sec).
    """

    back: pa.Table
    tired: pa.Table

    @property
    def reclaimed(self) -> int:
        return int(self.back.num_rows)

    @property
    def dead(self) -> int:
        return int(pc.sum(pc.cast(self.back["is_dead"], pa.int64())).as_py() or 0) + int(self.tired.num_rows)

    @property
    def to_pool(self) -> int:
        """Leads that go back and may be dealt out again."""
        return self.reclaimed - self.dead + int(self.tired.num_rows)

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
        back = _rows(
            self.back,
            pa.array(np.arange(size, dtype=np.int64) * 2),
            "reclaimed",
            [words[day] for day in days],
        )
        back = back.set_column(back.schema.get_field_index("staff_id"), "staff_id", self.back["staff_id"])
        dead = _rows(self.back, pc.add(back["nth"], 1), "dead", _why_dead(self.back))
        tired = _rows(
            self.tired, pa.array(np.arange(self.tired.num_rows) + size * 2), "dead", _why_dead(self.tired)
        )
        return pa.concat_tables([back, dead.filter(self.back["is_dead"]), tired])


def _rows(leads: pa.Table, nth: pa.Array | pa.ChunkedArray, kind: str, reasons: list[str]) -> pa.Table:
    size = leads.num_rows
    return pa.table(
        {
            "nth": nth, "lead_id": leads["lead_id"], "at_sec": leads["at_sec"], "kind": pa.repeat(kind, size),
            "staff_id": pa.nulls(size, pa.string()), "reason": pa.array(reasons, pa.string()),
        }
    )  # fmt: skip


def plan_reclaim(
    held: pa.Table, last_day: Days, held_most: Days, tried: pa.Table, tried_most: Days, as_of_day: int
) -> ReclaimPlan:
    """Of `held` (lead_id, staff_id, tries, last_sec) those whose `last_day` is over; of `tried` (lead_id, tries,
    last_sec), which wait in the pool, those that as many people have had as may (`…_most`).
    """
    is_over = last_day < as_of_day
    over = held.select(["lead_id", "staff_id", "tries"]).filter(pa.array(is_over))
    day = last_day[is_over]
    at_sec = np.maximum((day + 1) * DAY_SECONDS, held["last_sec"].to_numpy()[is_over])
    is_dead = over["tries"].to_numpy() >= held_most[is_over]
    back = (
        over.append_column("last_day", pa.array(day))
        .append_column("at_sec", pa.array(at_sec))
        .append_column("is_dead", pa.array(is_dead))
    )
    tired = tried.filter(pa.array(tried["tries"].to_numpy() >= tried_most)).select(
        ["lead_id", "tries", "last_sec"]
    )
    return ReclaimPlan(
        back.sort_by([("at_sec", "ascending"), ("lead_id", "ascending")]),
        tired.rename_columns(["lead_id", "tries", "at_sec"]),
    )


def _why_back(day: int) -> str:
    return tr(f"到 {date_of(day)} 没有加上,收回", f"not added by {date_of(day)}, taken back")


def _why_dead(leads: pa.Table) -> list[str]:
    counts = leads["tries"].to_pylist()
    words = {
        tries: tr(f"已经给过 {tries} 个人,都没有加上", f"{tries} people had it, nobody added it")
        for tries in set(counts)
    }
    return [words[tries] for tries in counts]
