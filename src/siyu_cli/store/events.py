"""What customers did, in the store: rows of a list are keyed, compared with what is known, and appended.

An event is a fact that does not change: known again it stays as it is. It is known by the platform's event
id, else by who, what, when and on what, and by its occurrence among equal rows of one file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.store import versions
from siyu_cli.store.orders import as_written
from siyu_cli.store.versions import Undone, Versioned

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVENTS = Versioned("events", "event_no", moment=None)

_WHO = ("buyer_id", "phone", "external_userid", "unionid")
_WHAT = ("kind", "at_sec", "shop", "channel", "product", "product_id", "sku", "category", "page", "remark")
_COLUMNS = (
    "event_no", "event_hash", "customer_id", "kind", "at_sec", "day", "event_id", *_WHO, "platform", "platform_key",
    "shop", "shop_key", "channel", "channel_key", "product", "product_key", "product_id", "sku", "sku_key",
    "category", "category_key", "page", "page_key", "remark", "first_run_id", "run_id",
)  # fmt: skip


def stage(con: DuckDBPyConnection, incoming: str, used: frozenset[str]) -> None:
    """Make `staged_events(row_no, event_hash, verdict, reason)` from the rows registered as `incoming`.

    `used` are the fields the file has; the others hold nothing.
    """
    facts = [name for name in (*_WHO, *_WHAT) if name in used or name in ("kind", "at_sec")]
    # An event without an id is known by all it says, each field under its name: a field more or less in a
    # later export is another event, a column that is merely empty is not.
    named = ", ".join(f"'{name}=' || {name}" for name in facts if name != "at_sec")
    key = f"concat_ws(chr(31), platform, CAST(at_sec AS VARCHAR), {named})"
    by_id = "CASE WHEN event_id IS NOT NULL THEN concat_ws(chr(31), platform, 'id', event_id) ELSE {} END"
    has_id = "event_id" in used
    line = f"md5_number({by_id.format(key) if has_id else key})"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE staged_events AS
        SELECT row_no, {line} AS event_hash, {"event_id IS NOT NULL" if has_id else "FALSE"} AS has_id,
               CAST(NULL AS VARCHAR) AS verdict, CAST(NULL AS VARCHAR) AS reason
        FROM {incoming}
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE repeated_events AS
        SELECT event_hash FROM staged_events GROUP BY event_hash HAVING count(*) > 1
    """)
    if not con.execute("SELECT 1 FROM repeated_events LIMIT 1").fetchall():
        return
    if has_id:
        _judge_repeated_ids(con, incoming)
    # Equal rows without an id are so many events: their content is their key, so any order of them will do.
    con.execute("""
        UPDATE staged_events SET event_hash = n.event_hash FROM (
            SELECT row_no, md5_number(CAST(event_hash AS VARCHAR) || chr(31) || CAST(row_number() OVER (
                PARTITION BY event_hash ORDER BY row_no) AS VARCHAR)) AS event_hash,
                row_number() OVER (PARTITION BY event_hash ORDER BY row_no) AS nth
            FROM staged_events SEMI JOIN repeated_events USING (event_hash) WHERE NOT has_id
        ) AS n WHERE n.row_no = staged_events.row_no AND n.nth > 1
    """)


def _judge_repeated_ids(con: DuckDBPyConnection, incoming: str) -> None:
    """Rows of one event id: equal ones are one event written twice, of different ones one stays."""
    con.execute(f"""
        UPDATE staged_events SET verdict = CASE WHEN r.is_equal THEN 'duplicate' ELSE 'rejected' END,
                                 reason = CASE WHEN r.is_equal THEN 'same-row' ELSE 'conflicting-rows' END
        FROM (
            SELECT row_no, content IS NOT DISTINCT FROM first_value(content) OVER w AS is_equal
            FROM (SELECT s.event_hash, i.row_no, row({", ".join((*_WHO, *_WHAT))}) AS content
                  FROM staged_events AS s SEMI JOIN repeated_events USING (event_hash)
                  JOIN {incoming} AS i ON i.row_no = s.row_no WHERE s.has_id)
            WINDOW w AS (PARTITION BY event_hash ORDER BY content, row_no)
            QUALIFY row_number() OVER w > 1
        ) AS r WHERE r.row_no = staged_events.row_no
    """)


def judge(con: DuckDBPyConnection, incoming: str, run_id: int) -> None:
    """Say of every staged row whether its event is known; makes `known_events(event_no, event_hash, …)`."""
    con.execute("""
        CREATE OR REPLACE TEMP TABLE known_events AS
        SELECT e.event_no, e.event_hash, e.customer_id, e.run_id
        FROM events AS e SEMI JOIN (SELECT event_hash FROM staged_events WHERE verdict IS NULL) AS s USING (event_hash)
    """)
    if con.execute("SELECT 1 FROM known_events LIMIT 1").fetchall():
        # The same event id that says something else: what is known stays, and it is said.
        differs = " OR ".join(f"i.{name} IS DISTINCT FROM e.{name}" for name in (*_WHO, *_WHAT))
        con.execute(f"""
            UPDATE staged_events SET verdict = 'unchanged', reason = 'event-differs' FROM (
                SELECT s.row_no FROM staged_events AS s
                JOIN known_events AS k ON k.event_hash = s.event_hash JOIN events AS e ON e.event_no = k.event_no
                JOIN {incoming} AS i ON i.row_no = s.row_no WHERE s.verdict IS NULL AND s.has_id AND ({differs})
            ) AS d WHERE d.row_no = staged_events.row_no
        """)
        con.execute(
            """
            UPDATE staged_events SET verdict = CASE WHEN k.run_id = $run OR h.event_no IS NOT NULL
                                                    THEN 'duplicate' ELSE 'unchanged' END,
                   reason = CASE WHEN k.run_id = $run OR h.event_no IS NOT NULL THEN 'same-row' ELSE 'known' END
            FROM known_events AS k LEFT JOIN (SELECT event_no FROM events_confirmed WHERE run_id = $run) AS h
              ON h.event_no = k.event_no
            WHERE staged_events.verdict IS NULL AND staged_events.event_hash = k.event_hash
            """,
            {"run": run_id},
        )
    con.execute("UPDATE staged_events SET verdict = 'new' WHERE verdict IS NULL")


def claim_people(con: DuckDBPyConnection, incoming: str, namespace: str) -> None:
    """`contact_claims` for people.identity, and `event_people`: each combination of keys once, as a claim.

    `namespace` is a buyer id's platform, or SQL for it. An id of 企业微信 belongs to the company it is known in.
    """
    who = ", ".join(_WHO)
    with as_written(con):
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE event_people AS
            SELECT row_number() OVER (ORDER BY namespace, {who}) AS claim_no, * FROM (
                SELECT {namespace} AS namespace, {who}, min(at_sec) AS first_sec
                FROM {incoming} ANTI JOIN (SELECT row_no FROM staged_events WHERE verdict = 'rejected') AS s USING (row_no)
                WHERE {" OR ".join(f"{name} IS NOT NULL" for name in _WHO)}
                GROUP BY ALL
            )
        """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE contact_claims AS
        WITH corps AS (SELECT value, min(namespace) AS namespace FROM customer_keys WHERE kind = 'external_userid' GROUP BY value)
        SELECT claim_no, 'buyer' AS kind, namespace, buyer_id AS value, first_sec FROM event_people WHERE buyer_id IS NOT NULL
        UNION ALL SELECT claim_no, 'phone', '', phone, first_sec FROM event_people WHERE phone IS NOT NULL
        UNION ALL SELECT claim_no, 'unionid', '', unionid, first_sec FROM event_people WHERE unionid IS NOT NULL
        UNION ALL SELECT p.claim_no, 'external_userid', coalesce(c.namespace, ''), p.external_userid, p.first_sec
            FROM event_people AS p LEFT JOIN corps AS c ON c.value = p.external_userid WHERE p.external_userid IS NOT NULL
    """)


def write(con: DuckDBPyConnection, incoming: str, run_id: int, namespace: str) -> None:
    """Append the new events; known ones are confirmed. `resolved_contacts` says whose the claims are."""
    versions.confirm(
        con, EVENTS,
        "(SELECT event_no FROM known_events SEMI JOIN (SELECT event_hash FROM staged_events WHERE verdict = 'unchanged') "
        "AS s USING (event_hash))",
        run_id,
    )  # fmt: skip
    first = con.execute("SELECT coalesce(max(event_no), 0) FROM events").fetchall()[0][0]
    values = {
        "event_no": "$first + i.row_no", "event_hash": "s.event_hash", "customer_id": "r.customer_id",
        "day": "CAST(floor(i.at_sec / 86400) AS INTEGER)", "first_run_id": "$run", "run_id": "$run",
    }  # fmt: skip
    columns = ", ".join(f"{values.get(name, 'i.' + name)} AS {name}" for name in _COLUMNS)
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM i.{name}" for name in _WHO)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE named_people AS
        SELECT p.* EXCLUDE (claim_no, first_sec), r.customer_id FROM event_people AS p JOIN resolved_contacts AS r USING (claim_no)
    """)
    with as_written(con):
        con.execute(
            f"""
            INSERT INTO events ({", ".join(_COLUMNS)})
            SELECT {columns} FROM {incoming} AS i
            JOIN (SELECT row_no, event_hash FROM staged_events WHERE verdict = 'new') AS s ON s.row_no = i.row_no
            LEFT JOIN named_people AS r ON r.namespace = {namespace} AND {same}
            """,
            {"run": run_id, "first": first},
        )


def take_back(con: DuckDBPyConnection, run_id: int) -> Undone:
    """The events that only this run knew go."""
    return versions.take_back(con, EVENTS, run_id)
