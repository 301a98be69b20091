"""In which lifecycle stage each customer stands as of a moment, and since when.

`fact_stages`: one row per customer with a history: staged_customer_id, stage (as the history calls it),
stage_days (whole days since this stay began). `stage_names`: known_as → stage, stage_key (folded); known_as ''
is whoever has no history yet and stands in the first stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.words import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

_NEVER = 2**62

# Parameters: moment, from when on a rule's own moves are not looked at, day. A start gives way to all else, as in
# the view stage_state.
STAGE_SQL = """
WITH seen AS (
    SELECT customer_id AS staged_customer_id, to_stage AS stage, since_day,
           ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY CASE WHEN source = 'start' THEN 1 ELSE 0 END,
                              at_sec DESC, move_no DESC) AS place
    FROM stage_moves
    WHERE at_sec <= ? AND (at_sec < ? OR source NOT IN ('start', 'rule', 'rename', 'waited'))
)
SELECT staged_customer_id, stage, ? - since_day AS stage_days FROM seen WHERE place = 1
"""


@dataclass(frozen=True)
class StageNames:
    """The stages of the rule files in order, and (earlier name, stage) of those that were renamed or removed."""

    names: tuple[str, ...] = ()
    was: tuple[tuple[str, str], ...] = ()


def build_stages(engine: Engine, as_of: AsOf, names: StageNames | None = None) -> None:
    """Make `fact_stages` and `stage_names` as of a moment.

    Without `names` they are the stages as they hold, under the list that was last applied. With the names of the
    rule files they are what the rules of that day start from: what the rules themselves moved on this day is not
    looked at, so that applying them again finds the same conditions.
    """
    hidden_from = _NEVER if names is None else as_of.day * DAY_SECONDS
    engine.write(STAGE_SQL, "fact_stages", (as_of.seconds, hidden_from, as_of.day))
    if names is None:
        listed = engine.query(_LIST_SQL).column("stage").to_pylist()
        # As of an earlier day the history may speak of stages that are gone: they keep their names.
        past = engine.query(_PAST_SQL).column("stage").to_pylist() if listed else []
        names = StageNames(tuple(listed), tuple((one, one) for one in past if one not in set(listed)))
    register_names(engine, names)


_LIST_SQL = (
    "SELECT stage FROM stage_lists WHERE run_id = (SELECT MAX(run_id) FROM stage_lists) ORDER BY position"
)
_PAST_SQL = "SELECT DISTINCT to_stage AS stage FROM stage_moves ORDER BY to_stage"


def register_names(engine: Engine, names: StageNames) -> None:
    """Make `stage_names`; empty where there are no stages."""
    import pyarrow as pa

    rows: Sequence[tuple[str, str]] = [*((one, one) for one in names.names), *names.was]
    if names.names:
        rows = [("", names.names[0]), *rows]
    table = {
        "known_as": [known for known, _ in rows],
        "stage": [stage for _, stage in rows],
        "stage_key": [fold(stage) for _, stage in rows],
    }
    engine.register("stage_names", pa.table(table, pa.schema([(name, pa.string()) for name in table])))
