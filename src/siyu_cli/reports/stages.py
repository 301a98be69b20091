"""Lifecycle stages in numbers: who stands where, how far customers came, how long they stayed, by stage and staff.

All of it follows from the history (stage_moves) as of a moment. Stages are counted under the names of today's list:
what was renamed since counts under its new name. Moves that were taken back never happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from siyu_cli.language import tr

if TYPE_CHECKING:
    from siyu_cli.store.engine import Engine


@dataclass(frozen=True)
class StageRow:
    """One stage: customers in it now, how many came this far and further, moves and finished stays of the period."""

    stage: str
    is_lost: bool
    now: int
    reached: int
    passed: int | None
    moved_in: int
    moved_out: int
    median_days: Fraction | None
    mean_days: Fraction | None

    @property
    def conversion(self) -> Fraction | None:
        """Of those who came this far the share that came further; None where there is nowhere further to come."""
        return Fraction(self.passed, self.reached) if self.passed is not None and self.reached else None


@dataclass(frozen=True)
class StaffStages:
    """One owner's customers: how many stand in each stage now, and how many came to the last stage that counts."""

    staff_id: str
    name: str
    customers: int
    now: tuple[int, ...]
    won: int

    @property
    def conversion(self) -> Fraction | None:
        return Fraction(self.won, self.customers) if self.customers else None


@dataclass(frozen=True)
class Stages:
    """The stages in order, and the owners with the most customers first; empty where there are no stages."""

    rows: tuple[StageRow, ...] = ()
    staff: tuple[StaffStages, ...] = ()


def stage_definitions() -> dict[str, tuple[str, str]]:
    """Definition id → name and definition."""
    return {
        "stage_now": (
            tr("现在", "Now"),
            tr(
                "截止时站在这个阶段的客户;各阶段相加等于全部客户,还没有记录的算在第一个阶段",
                "customers in this stage at the cut-off; the stages add up to all customers",
            ),
        ),
        "stage_reached": (
            tr("走到这一步", "Came this far"),
            tr(
                "到过这个阶段或更靠后的阶段的客户,截止前不论何时;不算转化的阶段(lost)只数到过它的",
                "customers who were ever in this stage or a later one; lost stages count only for themselves",
            ),
        ),
        "stage_conversion": (
            tr("转化率", "Conversion"),
            tr(
                "走到这一步的客户里,又走到更靠后阶段的比例;员工一行 = 他的客户里走到最后一个算转化的阶段的比例",
                "of those who came this far the share that came further; by staff: the share that came to the last stage",
            ),
        ),
        "stage_moves": (
            tr("移入、移出", "In, out"),
            tr(
                "期内换阶段的次数,规则移的和人定的都算;改名、撤回的不算",
                "changes of stage in the period, by rule or by hand; not renames or what was taken back",
            ),
        ),
        "stage_days": (
            tr("停留中位、停留平均", "Median, mean stay"),
            tr(
                "期内离开这个阶段的,从进来到离开的天数;第一次见到就在后面阶段的不算在前面停过",
                "of stays that ended in the period, days from coming to leaving",
            ),
        ),
    }


_LIST_SQL = """
SELECT position, stage, is_lost FROM stage_lists WHERE run_id = (SELECT MAX(run_id) FROM stage_lists) ORDER BY position
"""
_RENAMES_SQL = "SELECT known_as, stage FROM stage_renames ORDER BY run_id, known_as"
# Parameter: the moment. What was taken back, and the taking back, are left out.
_CHANGES_SQL = """
SELECT m.customer_id, m.move_no, m.at_sec, m.source, m.since_day, COALESCE(t.position, 0) AS position,
       COALESCE(f.position, 1) AS from_position
FROM stage_moves AS m
LEFT JOIN stage_places AS t ON t.known_as = m.to_stage
LEFT JOIN stage_places AS f ON f.known_as = m.from_stage
WHERE m.at_sec <= ? AND m.source <> 'undo'
  AND m.move_no NOT IN (SELECT undoes FROM stage_moves WHERE undoes IS NOT NULL AND at_sec <= ?)
"""
_LEFT_SQL = """
WITH ordered AS (
    SELECT c.*, LAG(position) OVER w AS left_position, LAG(since_day) OVER w AS left_since
    FROM stage_changes AS c
    WINDOW w AS (PARTITION BY customer_id ORDER BY CASE WHEN source = 'start' THEN 0 ELSE 1 END, at_sec, move_no)
)
SELECT position, CASE WHEN left_position IS NULL THEN from_position ELSE left_position END AS left_position,
       CASE WHEN left_position IS NULL OR since_day < left_since THEN NULL ELSE since_day - left_since END AS days,
       COUNT(*) AS customers
FROM ordered
WHERE source IN ('rule', 'hand', 'waited') AND at_sec >= ? AND at_sec <= ?
  AND position <> CASE WHEN left_position IS NULL THEN from_position ELSE left_position END
GROUP BY position, CASE WHEN left_position IS NULL THEN from_position ELSE left_position END,
         CASE WHEN left_position IS NULL OR since_day < left_since THEN NULL ELSE since_day - left_since END
ORDER BY 1, 2, 3
"""
# One row per (owner, stage now, furthest stage that counts, furthest lost one): everything else is a sum of these.
_STANDING_SQL = """
WITH visits AS (
    SELECT customer_id, position FROM stage_changes
    UNION SELECT customer_id, from_position FROM stage_changes WHERE source <> 'start'
    UNION SELECT customer_id, 1 FROM fact_customers
),
furthest AS (
    SELECT v.customer_id AS far_customer_id, MAX(CASE WHEN p.is_lost = 0 THEN v.position ELSE 1 END) AS far_position
    FROM visits AS v JOIN stage_places AS p ON p.position = v.position GROUP BY v.customer_id
)
SELECT c.owner_id, COALESCE(s.name, c.owner_id) AS owner_name, f.far_position,
       CASE WHEN stood.stage IS NULL THEN 1 ELSE COALESCE(p.position, 0) END AS position, COUNT(*) AS customers
FROM fact_customers AS c
JOIN furthest AS f ON f.far_customer_id = c.customer_id
LEFT JOIN fact_stages AS stood ON stood.staged_customer_id = c.customer_id
LEFT JOIN stage_places AS p ON p.known_as = stood.stage
LEFT JOIN staff AS s ON s.staff_id = c.owner_id
GROUP BY c.owner_id, COALESCE(s.name, c.owner_id), f.far_position,
         CASE WHEN stood.stage IS NULL THEN 1 ELSE COALESCE(p.position, 0) END
ORDER BY c.owner_id, 3, 4
"""
_LOST_SQL = """
SELECT v.position, COUNT(DISTINCT v.customer_id) AS customers FROM stage_changes AS v
JOIN stage_places AS p ON p.position = v.position AND p.is_lost = 1 GROUP BY v.position ORDER BY v.position
"""


def read_stages(engine: Engine, first_sec: int, last_sec: int, as_of_sec: int) -> Stages:
    """The stages as of a moment, moves and stays of a period; fact_customers and fact_stages are of that moment."""
    listed = [
        (int(row["position"]), str(row["stage"]), bool(row["is_lost"]))
        for row in engine.query(_LIST_SQL).to_pylist()
    ]
    if not listed:
        return Stages()
    renames = [(row["known_as"], row["stage"]) for row in engine.query(_RENAMES_SQL).to_pylist()]
    _register_places(engine, listed, todays_names([stage for _, stage, _ in listed], renames))
    engine.write(_CHANGES_SQL, "stage_changes", (as_of_sec, as_of_sec))
    moved = engine.query(_LEFT_SQL, (first_sec, last_sec)).to_pylist()
    standing = engine.query(_STANDING_SQL).to_pylist()
    lost = {int(row["position"]): int(row["customers"]) for row in engine.query(_LOST_SQL).to_pylist()}
    now: Counter[int] = Counter()
    far: Counter[int] = Counter()
    for row in standing:
        now[int(row["position"])] += int(row["customers"])
        far[int(row["far_position"])] += int(row["customers"])
    last = max(position for position, _, is_lost in listed if not is_lost or position == 1)
    rows = [_row(stage, stage[0] < last, now, far, lost, moved) for stage in listed]
    if now[0]:
        gone = tr("已去掉的阶段", "stages that are gone")
        rows.append(StageRow(gone, True, now[0], now[0], None, 0, 0, None, None))
    return Stages(tuple(rows), _by_staff(standing, [position for position, _, _ in listed], last))


def todays_names(listed: Iterable[str], renames: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Every name a stage has had → the name it has now; `renames` oldest first."""
    names = {stage: stage for stage in listed}
    for old, new in reversed(list(renames)):
        if old not in names:
            names[old] = names.get(new, new)
    return names


def middle_and_mean(days: Mapping[int, int]) -> tuple[Fraction | None, Fraction | None]:
    """Median and mean of how many stays took how many days, exact; None where there is no stay."""
    count = sum(days.values())
    if not count:
        return None, None
    middle = [_nth(days, (count - 1) // 2), _nth(days, count // 2)]
    return Fraction(sum(middle), 2), Fraction(sum(day * times for day, times in days.items()), count)


def _nth(days: Mapping[int, int], place: int) -> int:
    """The value at a place of the sorted row, from 0."""
    for day, times in sorted(days.items()):
        if place < times:
            return day
        place -= times
    raise AssertionError(place)


def _register_places(engine: Engine, listed: list[tuple[int, str, bool]], names: Mapping[str, str]) -> None:
    import pyarrow as pa

    places = {stage: (position, int(is_lost)) for position, stage, is_lost in listed}
    known = sorted(old for old, stage in names.items() if stage in places)
    table = {
        "known_as": pa.array(known, pa.string()),
        "position": pa.array([places[names[one]][0] for one in known], pa.int64()),
        "is_lost": pa.array([places[names[one]][1] for one in known], pa.int64()),
    }
    engine.register("stage_places", pa.table(table))


def _row(
    listed: tuple[int, str, bool],
    leads_on: bool,
    now: Mapping[int, int],
    far: Mapping[int, int],
    lost: Mapping[int, int],
    moved: list[dict[str, int]],
) -> StageRow:
    position, stage, is_lost = listed
    days: Counter[int] = Counter()
    for row in moved:
        if row["left_position"] == position and row["days"] is not None:
            days[int(row["days"])] += int(row["customers"])
    passed = sum(people for place, people in far.items() if place > position)
    reached = lost.get(position, 0) if is_lost else passed + far.get(position, 0)
    return StageRow(
        stage,
        is_lost,
        now.get(position, 0),
        reached,
        passed if leads_on and not is_lost else None,
        sum(int(row["customers"]) for row in moved if row["position"] == position),
        sum(int(row["customers"]) for row in moved if row["left_position"] == position),
        *middle_and_mean(days),
    )


def _by_staff(
    standing: list[dict[str, str | int]], positions: list[int], last: int
) -> tuple[StaffStages, ...]:
    names: dict[str, str] = {}
    now: dict[str, Counter[int]] = {}
    won: Counter[str] = Counter()
    for row in standing:
        owner, people = str(row["owner_id"]), int(row["customers"])
        names[owner] = str(row["owner_name"])
        now.setdefault(owner, Counter())[int(row["position"])] += people
        if int(row["far_position"]) >= last:
            won[owner] += people
    found = [
        StaffStages(
            owner,
            names[owner] or tr("没有负责员工", "no owner"),
            sum(counts.values()),
            tuple(counts[position] for position in positions),
            won[owner],
        )
        for owner, counts in now.items()
    ]
    # Whoever nobody looks after comes last.
    return tuple(sorted(found, key=lambda one: (not one.staff_id, -one.customers, one.staff_id)))
