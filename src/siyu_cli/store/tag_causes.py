"""What the last run of apply-tags went by, and the store's rows as they then were, for some customers only.

Facts are computed by SQL over the store's tables, by name. Temporary tables of the same names stand before
them: so the same SQL gives the facts of a few customers, or those of an earlier run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siyu_cli.clock import AsOf
from siyu_cli.store.tag_state import store_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class TagRun:
    """One run of apply-tags: the moment it spoke of and the rule files it went by, name and content."""

    run_id: int
    as_of: AsOf
    digest: str
    files: tuple[tuple[str, str], ...]


def last_tag_run(con: DuckDBPyConnection) -> TagRun | None:
    """The newest run, None before the first."""
    found = con.execute("""
        SELECT r.run_id, r.as_of_sec, r.digest, t.files
        FROM tag_runs AS r JOIN tag_rules AS t ON t.digest = r.digest
        ORDER BY r.run_id DESC, t.run_id DESC LIMIT 1
    """).fetchall()
    if not found:
        return None
    run_id, as_of_sec, digest, files = found[0]
    return TagRun(
        int(run_id), AsOf(int(as_of_sec)), digest, tuple((name, text) for name, text in json.loads(files))
    )


def run_of_plan(con: DuckDBPyConnection, plan_id: str) -> int | None:
    """The run that has applied a plan already."""
    found = con.execute("SELECT min(run_id) FROM tag_runs WHERE plan_id = ?", [plan_id]).fetchall()
    return None if found[0][0] is None else int(found[0][0])


def note_tag_run(
    con: DuckDBPyConnection,
    run_id: int,
    as_of: AsOf,
    digest: str,
    files: Sequence[tuple[str, str]],
    plan_id: str,
) -> None:
    """Keep what a run went by; equal rules are kept once."""
    if not con.execute("SELECT 1 FROM tag_rules WHERE digest = ?", [digest]).fetchall():
        text = json.dumps([list(file) for file in files], ensure_ascii=False)
        con.execute("INSERT INTO tag_rules VALUES (?, ?, ?)", [digest, text, run_id])
    con.execute("INSERT INTO tag_runs VALUES (?, ?, ?, ?)", [run_id, as_of.seconds, digest, plan_id])


def note_changed_people(con: DuckDBPyConnection) -> int:
    """The customers of `tag_changes` whose cause is still open, as `changed_people`; how many there are."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE changed_people AS
        SELECT DISTINCT customer_id FROM tag_changes WHERE action <> 'keep' AND cause = ''
    """)
    return int(con.execute("SELECT count(*) FROM changed_people").fetchall()[0][0])


# {store} is the store's schema, {run} the last run of apply-tags. An order line is as its newest export up to
# that run said; whose it is, is as of now.
_THEN = {
    "order_lines": """
        SELECT v.* REPLACE (o.holder_id AS customer_id)
        FROM (SELECT * FROM {store}.order_lines UNION ALL BY NAME SELECT * FROM {store}.order_lines_versions) AS v
        JOIN (SELECT line_no AS own_line_no, customer_id AS holder_id FROM {store}.order_lines
              SEMI JOIN changed_people USING (customer_id)) AS o ON o.own_line_no = v.line_no
        WHERE v.run_id <= {run}
        QUALIFY row_number() OVER (PARTITION BY v.line_no ORDER BY v.exported_sec DESC, v.run_id DESC) = 1""",
    "refunds": "SELECT * FROM {store}.refunds SEMI JOIN changed_people USING (customer_id) WHERE run_id <= {run}",
    "events": "SELECT * FROM {store}.events SEMI JOIN changed_people USING (customer_id) WHERE first_run_id <= {run}",
    "push_members": "SELECT * FROM {store}.push_members SEMI JOIN changed_people USING (customer_id) "
                    "WHERE run_id <= {run}",
    "customers": "SELECT * FROM {store}.customers SEMI JOIN changed_people USING (customer_id)",
    "score_runs": "SELECT * FROM {store}.score_runs WHERE run_id <= {run}",
}  # fmt: skip
_NOW = tuple(table for table in _THEN if table != "score_runs")


@contextmanager
def rows_of_changed(con: DuckDBPyConnection, run_id: int | None = None) -> Iterator[None]:
    """Inside, the store's tables hold only the rows of `changed_people`, and with `run_id` only what was known
    at that run, as far as the kept versions reach. After a failure the transaction takes them away.
    """
    store = store_name(con)
    tables = _NOW if run_id is None else tuple(_THEN)
    for table in tables:
        sql = f"SELECT * FROM {store}.{table} SEMI JOIN changed_people USING (customer_id)"
        if run_id is not None:
            sql = _THEN[table].format(store=store, run=int(run_id))
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql}")
    yield
    for table in tables:
        con.execute(f"DROP TABLE temp.main.{table}")


def keep_holders(
    con: DuckDBPyConnection, flags: str, columns: Sequence[tuple[str, str]], target: str
) -> None:
    """The (customer, tag) pairs whose 0/1 column is 1, as the temporary table `target`."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {target} (customer_id BIGINT, tag VARCHAR)")
    for column, tag in columns:
        con.execute(f"INSERT INTO {target} SELECT customer_id, ? FROM {flags} WHERE {column} = 1", [tag])


_OPEN = "action <> 'keep' AND cause = ''"
_HOLDS = "EXISTS (SELECT 1 FROM {0} AS x WHERE x.customer_id = tag_changes.customer_id AND x.tag = tag_changes.tag)"


def blame_new_rules(con: DuckDBPyConnection, new_tags: Sequence[str]) -> None:
    """Open changes of tags that had no rule at the last run, or have none now, come of the rules."""
    con.execute(
        f"UPDATE tag_changes SET cause = 'rule' WHERE {_OPEN}"
        " AND (list_contains($new::VARCHAR[], tag) OR tag NOT IN (SELECT tag FROM tag_now))",
        {"new": list(new_tags)},
    )


def blame_old_rules(con: DuckDBPyConnection) -> None:
    """Where the old rules give the old state still (`old_today`), the new rules made the change."""
    con.execute(
        f"UPDATE tag_changes SET cause = 'rule' WHERE {_OPEN} AND {_HOLDS.format('old_today')} = (action = 'remove')"
    )


def blame_time_or_data(con: DuckDBPyConnection) -> None:
    """Time, where the last run's facts gave the old state then (`old_then`) and give the new one today
    (`new_then`); what could not be rebuilt (imports taken back, people merged, fields) does not give the old one.
    """
    con.execute(
        "UPDATE tag_changes SET cause = CASE"
        f" WHEN {_HOLDS.format('old_then')} = (action = 'remove')"
        f" AND {_HOLDS.format('new_then')} = (action = 'add')"
        f" THEN 'time' ELSE 'data' END WHERE {_OPEN}"
    )
