"""Whether the ledger of leads is one: every row may follow what stood before it, by the rules of states.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from siyu_cli.language import tr
from siyu_cli.leads.states import RULES, Kind, State
from siyu_cli.store.health import Check

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NOTHING = "-"
"""Stands for no state: before the import, after it was taken back."""

_BROKEN_SQL = """
WITH after AS (
    SELECT e.event_id, e.lead_id, e.kind,
           CASE WHEN e.kind = 'reopened' THEN CASE WHEN e.staff_id IS NULL THEN $pool ELSE $waiting END ELSE r.leads_to END
           AS sets
    FROM lead_events AS e LEFT JOIN (SELECT DISTINCT kind, leads_to FROM ledger_rules) AS r ON r.kind = e.kind
),
before AS (
    SELECT event_id, kind, coalesce(last_value(sets IGNORE NULLS) OVER (
               PARTITION BY lead_id ORDER BY event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), $nothing) AS stood
    FROM after
)
SELECT count(*), min(b.event_id) FROM before AS b
ANTI JOIN ledger_rules AS r ON r.kind = b.kind AND r.follows = b.stood
"""


def check_ledger(con: DuckDBPyConnection) -> Check:
    """One line of the doctor: every event of every lead could follow the one before."""
    rows = [
        {"kind": str(kind), "follows": state or _NOTHING, "leads_to": _leads_to(kind)}
        for kind, rule in RULES.items()
        for state in rule.before
    ]
    schema = pa.schema([(name, pa.string()) for name in ("kind", "follows", "leads_to")])
    con.register("ledger_rules", pa.Table.from_pylist(rows, schema))
    names = {"pool": State.POOL, "waiting": State.WAITING, "nothing": _NOTHING}
    broken, first = con.execute(_BROKEN_SQL, {key: str(value) for key, value in names.items()}).fetchall()[0]
    con.unregister("ledger_rules")
    if not broken:
        return Check(
            "lead-ledger",
            "ok",
            tr("线索的账本前后接得上", "every row of the lead ledger follows the one before"),
        )
    return Check(
        "lead-ledger",
        "failed",
        tr(
            f"线索的账本有 {broken:,} 行接不上,第一行是 {first}",
            f"{broken:,} rows of the lead ledger cannot follow, the first is {first}",
        ),
        tr("用备份恢复,或把 siyu doctor 的输出发给维护者", "Restore a backup, or report the doctor's output"),
    )


def _leads_to(kind: Kind) -> str | None:
    """The state an event sets; None where it leaves the state as it is (`reopened` is told apart above)."""
    if kind is Kind.UNDONE:
        return _NOTHING
    after = RULES[kind].after
    return None if after is None else str(after)
