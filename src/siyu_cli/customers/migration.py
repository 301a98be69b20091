"""Who moved where between two runs of one scheme: from segment to segment, new ones and gone ones included.

Segments are told apart by name: a scheme that was edited in between may have renumbered them. The sum over
everything that arrives in a segment is its size now, the sum over everything that left it its size then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siyu_cli.store.engine import Engine
    from siyu_cli.store.scores import ScoreRun

# Parameters: the later run where {later} asks for it, the earlier run. '' stands for not being in a run.
_MOVES_SQL = """
WITH later AS (SELECT customer_id AS later_id, segment AS to_segment, net_fen FROM {later}),
earlier AS (SELECT customer_id AS earlier_id, segment AS from_segment FROM scores WHERE run_id = ?),
pairs AS (
    SELECT COALESCE(e.from_segment, '') AS from_segment, l.to_segment, l.net_fen
    FROM later AS l LEFT JOIN earlier AS e ON e.earlier_id = l.later_id
    UNION ALL
    SELECT e.from_segment, '' AS to_segment, 0 AS net_fen
    FROM earlier AS e LEFT JOIN later AS l ON l.later_id = e.earlier_id
    WHERE l.later_id IS NULL
)
SELECT from_segment, to_segment, COUNT(*) AS customers, CAST(SUM(net_fen) AS BIGINT) AS moved_fen
FROM pairs GROUP BY from_segment, to_segment
"""


@dataclass(frozen=True)
class Move:
    """So many customers went from one segment to another; '' is outside: new before, gone after."""

    before: str
    after: str
    customers: int
    net_fen: int


@dataclass(frozen=True)
class Migration:
    """All moves between two runs, and the segments of both in the order they are shown (code, name)."""

    earlier: ScoreRun
    later: ScoreRun
    moves: tuple[Move, ...]

    @property
    def is_scheme_changed(self) -> bool:
        """Whether the scheme was edited between the runs: then its segments mean something else."""
        return self.earlier.scheme_text != self.later.scheme_text

    @property
    def segments(self) -> list[tuple[str, str]]:
        """Code and name of the segments now, then of those that are no more."""
        now = self.later.segments
        return [*now, *(one for one in self.earlier.segments if one[1] not in {name for _, name in now})]

    def count(self, before: str | None, after: str | None) -> int:
        """Customers that went this way; None = wherever from or to."""
        return sum(
            move.customers
            for move in self.moves
            if before in (None, move.before) and after in (None, move.after)
        )

    @property
    def before_total(self) -> int:
        return sum(move.customers for move in self.moves if move.before)

    @property
    def after_total(self) -> int:
        return sum(move.customers for move in self.moves if move.after)

    @property
    def stayed(self) -> int:
        return sum(move.customers for move in self.moves if move.before == move.after)

    @property
    def moved(self) -> int:
        """Customers of both runs that are in another segment now."""
        return self.before_total - self.count(None, "") - self.stayed

    def sizes_before(self) -> dict[str, int]:
        """Customers per segment name of the earlier run."""
        return {name: self.count(name, None) for _, name in self.segments}

    def as_dict(self) -> dict[str, Any]:
        """For `result.migration`; a segment that is null stands for new (from) or gone (to) customers."""
        from siyu_cli.clock import format_seconds

        before, after = ({name: code for code, name in run.segments} for run in (self.earlier, self.later))
        return {
            "previous_as_of": format_seconds(self.earlier.as_of_sec),
            "previous_run_id": self.earlier.run_id,
            "is_scheme_changed": self.is_scheme_changed,
            "before": self.before_total,
            "after": self.after_total,
            "stayed": self.stayed,
            "moved": self.moved,
            "new": self.count("", None),
            "gone": self.count(None, ""),
            "moves": [
                {
                    "from": move.before or None,
                    "from_code": before.get(move.before),
                    "to": move.after or None,
                    "to_code": after.get(move.after),
                    "customers": move.customers,
                    "net_fen": move.net_fen,
                }
                for move in self.moves
            ],
        }


def read_migration(
    engine: Engine, earlier: ScoreRun, later: ScoreRun, scored: str | None = None
) -> Migration:
    """The moves between two runs, in the order of the segments, outside last.

    Both are read from the store, or the later one from table `scored`, where it is not kept (yet).
    """
    source, run = (scored, ()) if scored else ("scores WHERE run_id = ?", (later.run_id,))
    rows = engine.rows(_MOVES_SQL.format(later=source), (*run, earlier.run_id))
    found = Migration(
        earlier,
        later,
        tuple(Move(before, after, int(customers), int(fen)) for before, after, customers, fen in rows),
    )
    places = {name: at for at, (_, name) in enumerate(found.segments)} | {"": len(rows) + 1}
    ordered = sorted(found.moves, key=lambda move: (places[move.before], places[move.after]))
    return Migration(earlier, later, tuple(ordered))
