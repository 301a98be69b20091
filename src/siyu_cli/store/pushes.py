"""Who was on an exported push list, and when: one row per person, list and day, whatever is exported again."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def record_members(
    con: DuckDBPyConnection, run_id: int, push: str, people: Collection[int], at_sec: int
) -> None:
    """Note the people of an exported list. Whoever was on a list of that name that day already stays as noted."""
    con.execute(
        """
        INSERT INTO push_members (run_id, push, push_key, customer_id, at_sec, day)
        SELECT $run, $push, $key, p.customer_id, $at, $day
        FROM (SELECT DISTINCT unnest($people::BIGINT[]) AS customer_id) AS p
        ANTI JOIN (SELECT customer_id FROM push_members WHERE push_key = $key AND day = $day) AS known
          ON known.customer_id = p.customer_id
        ORDER BY p.customer_id
        """,
        {
            "run": run_id, "push": push, "key": fold(push), "at": at_sec, "day": at_sec // DAY_SECONDS,
            "people": list(people),
        },
    )  # fmt: skip


def exported_pushes(con: DuckDBPyConnection) -> dict[str, str]:
    """Folded name → name of every push that was ever exported."""
    return dict(
        con.execute(
            "SELECT push_key, max_by(push, run_id) FROM push_members GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )
