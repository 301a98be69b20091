"""Customers that nothing supports any more, and what goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SHOWN = 5

# tag_log too: nothing is left of people whom nothing supports. Their numbers are never given to others.
_OF_CUSTOMERS = ("tags", "tag_truths", "tag_log", "scores", "push_members", "stage_moves", "customers")


@dataclass(frozen=True)
class Forgotten:
    """Customers that are gone; of them the `decided` had `pins` (tags set by hand) and `stages` (set by hand).

    `examples` are the numbers of the first of these.
    """

    customers: int = 0
    decided: int = 0
    pins: int = 0
    stages: int = 0
    examples: tuple[int, ...] = ()

    def __add__(self, other: Forgotten) -> Forgotten:
        return Forgotten(
            self.customers + other.customers,
            self.decided + other.decided,
            self.pins + other.pins,
            self.stages + other.stages,
            (*self.examples, *other.examples)[:_SHOWN],
        )


def forget_people(con: DuckDBPyConnection) -> Forgotten:
    """Take those of `touched_people(customer_id)` away who have no key left, with all that is theirs."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE emptied AS SELECT customer_id FROM touched_people ANTI JOIN customer_keys USING (customer_id)"
    )
    con.execute("""
        CREATE OR REPLACE TEMP TABLE decided AS
        SELECT customer_id, 1 AS pins, 0 AS stages FROM tags SEMI JOIN emptied USING (customer_id) WHERE source = 'manual'
        UNION ALL
        SELECT customer_id, 0, 1 FROM stage_state SEMI JOIN emptied USING (customer_id) WHERE mode = 'hand'
    """)
    gone, people, pins, stages, examples = con.execute(
        f"""
        SELECT (SELECT count(*) FROM emptied), count(DISTINCT customer_id), coalesce(sum(pins), 0),
               coalesce(sum(stages), 0), coalesce(list_sort(list_distinct(list(customer_id)))[:{_SHOWN}], [])
        FROM decided
        """
    ).fetchall()[0]
    for table in _OF_CUSTOMERS:
        con.execute(f"DELETE FROM {table} WHERE customer_id IN (SELECT customer_id FROM emptied)")
    return Forgotten(int(gone), int(people), int(pins), int(stages), tuple(examples))
