"""When customers held which tag, by the log of earlier runs and by what people did, in common-core SQL.

`fact_tag_spans`: one row per time a customer held a tag:
    customer_id, tag, from_day, to_day

The tag was held on the days from_day … to_day − 1: on the day it was taken away no longer. to_day is NULL
while it is held. What runs did counts up to the day before D, what people did, giving or taking, up to D: the run
of D changes nothing it has seen itself, so it can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

# Parameters: D, D, D. A tag given and taken on one day was held on no day.
FACT_TAG_SPANS_SQL = """
WITH told AS (
    SELECT customer_id, tag, action, day AS from_day,
           MIN(CASE WHEN action = 'remove' THEN day END) OVER (
               PARTITION BY customer_id, tag ORDER BY day, run_id, action
               ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS to_day
    FROM tag_log
    WHERE day < ? OR (cause = 'hand' AND day <= ?)
)
SELECT customer_id, tag, from_day, to_day
FROM told
WHERE action = 'add' AND (to_day IS NULL OR to_day > from_day)
UNION ALL
SELECT customer_id, tag, set_day AS from_day, NULL AS to_day
FROM held_tags
WHERE source = 'manual' AND set_day <= ?
"""


def build_tag_spans(engine: Engine, as_of: AsOf) -> None:
    """Make `fact_tag_spans` as of a moment."""
    engine.write(FACT_TAG_SPANS_SQL, "fact_tag_spans", (as_of.day,) * 3)
