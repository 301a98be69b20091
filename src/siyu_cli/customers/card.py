"""One customer with all evidence: which keys, seen where and when, what was merged, bought, tagged, opted out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import DAY_SECONDS, date_of, format_seconds
from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.phone import mask_phones
from siyu_cli.store.scores import CHURN_COLUMNS, newest_score_run
from siyu_cli.store.stages import history_of, kept_stages

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf

_LINES = 10
_CANDIDATES = 10

# Every way of naming a customer, in this order: the first that fits anyone counts.
_BY_ID = """
SELECT customer_id FROM customers WHERE customer_id = TRY_CAST($who AS BIGINT)
UNION SELECT customer_id FROM customer_keys WHERE born_id = TRY_CAST($who AS BIGINT)
"""
_BY_KEY = """
SELECT DISTINCT customer_id FROM customer_keys
WHERE value = $who OR (kind <> 'phone' AND (namespace || ':' || value) = $who)
"""
_BY_MASK = """
SELECT DISTINCT customer_id FROM customer_keys
WHERE kind = 'phone' AND value[:3] = $who[:3] AND value[-4:] = $who[-4:]
"""
_BY_NAME = "SELECT customer_id FROM customers WHERE name = $who"

_KEYS = """
SELECT k.kind, k.namespace, k.value, k.seen_sec, k.run_id, r.command, r.inputs
FROM customer_keys AS k LEFT JOIN runs AS r ON r.run_id = k.run_id
WHERE k.customer_id = $id ORDER BY k.kind, k.namespace, k.value
"""
_MERGES = """
SELECT m.merge_no, m.from_customer_id, m.into_customer_id, m.with_kind, m.with_namespace, m.with_value,
       m.kind, m.namespace, m.value, m.seen_sec, m.run_id, m.split_run_id
FROM customer_merges AS m
WHERE $id IN (m.from_customer_id, m.into_customer_id)
   OR m.from_born_id IN (SELECT born_id FROM customer_keys WHERE customer_id = $id)
ORDER BY m.merge_no
"""
_CONFLICTS = """
SELECT c.conflict_no, c.kind, c.value, o.customer_id AS other_id, c.against_kind, c.against_namespace, c.answer, c.run_id
FROM identity_conflicts AS c
JOIN customer_keys AS l ON l.kind = c.kind AND l.namespace = c.namespace AND l.value = c.value
JOIN customer_keys AS o ON o.kind = c.with_kind AND o.namespace = c.with_namespace AND o.value = c.with_value
WHERE l.customer_id = $id
UNION ALL
SELECT c.conflict_no, c.kind, c.value, l.customer_id, c.against_kind, c.against_namespace, c.answer, c.run_id
FROM identity_conflicts AS c
JOIN customer_keys AS l ON l.kind = c.kind AND l.namespace = c.namespace AND l.value = c.value
JOIN customer_keys AS o ON o.kind = c.with_kind AND o.namespace = c.with_namespace AND o.value = c.with_value
WHERE o.customer_id = $id AND l.customer_id <> $id
ORDER BY 1
"""
_CONTACTS = """
SELECT staff_id, staff_name, name, remark, added_sec, source, lost_sec IS NOT NULL AS is_lost
FROM contacts WHERE customer_id = $id ORDER BY added_sec NULLS LAST, staff_id
"""
_ORDERS = """
SELECT CAST(coalesce(sum(is_order), 0) AS BIGINT) AS orders,
       count(DISTINCT CASE WHEN is_order = 1 THEN paid_day END) AS days,
       CAST(coalesce(sum(net_fen), 0) AS BIGINT) AS net_fen,
       min(CASE WHEN is_order = 1 THEN paid_sec END) AS first_sec, max(CASE WHEN is_order = 1 THEN paid_sec END) AS last_sec
FROM fact_orders WHERE customer_id = $id
"""
_LAST_LINES = f"""
SELECT platform, order_id, status, coalesce(paid_sec, created_sec) AS at_sec, product, paid_fen, refund_fen
FROM order_lines WHERE customer_id = $id AND is_detail = 0
ORDER BY at_sec DESC NULLS LAST, line_no DESC LIMIT {_LINES}
"""
_TAGS = "SELECT tag, source, set_day FROM held_tags WHERE customer_id = $id ORDER BY tag"
_SCORE_COLUMNS = (
    "segment", "recency_days", "frequency", "monetary_fen", "r_score", "f_score", "m_score", *CHURN_COLUMNS,
)  # fmt: skip
_LEADS = """
SELECT s.lead_id, s.state, s.staff_id, f.name AS staff_name, s.source, s.channel, s.last_sec
FROM lead_state AS s JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = s.phone AND k.customer_id = $id
LEFT JOIN staff AS f ON f.staff_id = s.staff_id
ORDER BY s.lead_id
"""
_OPT_OUTS = """
SELECT o.reason, o.at_sec FROM opt_outs AS o
JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = o.phone AND k.customer_id = $id ORDER BY o.at_sec
"""


def find_customer(con: DuckDBPyConnection, who: str) -> int:
    """The customer an id, a phone (masked where it is unique), `platform:buyer`, another key or a name means.

    InputRefused `unknown-customer`, or `several-customers` with the candidates.
    """
    who = who.strip()
    ways = [_BY_ID] if who.isascii() and who.isdigit() and len(who) < 11 else []
    ways += [_BY_MASK] if "*" in who and len(who) == 11 else []
    for sql in (*ways, _BY_KEY, _BY_NAME):
        found = sorted(row[0] for row in con.execute(sql, {"who": who}).fetchall())
        if len(found) == 1:
            return int(found[0])
        if found:
            raise _several(con, who, found)
    raise InputRefused(
        "unknown-customer",
        tr(f"没有找到客户「{mask_phones(who)}」", f"No customer is known as “{mask_phones(who)}”"),
        hint=tr(
            "写客户编号、完整手机号、平台:买家账号、外部联系人 id 或名字",
            "Give a customer id, a full phone, platform:buyer, an external_userid or a name",
        ),
    )


def _several(con: DuckDBPyConnection, who: str, found: list[int]) -> InputRefused:
    names = dict(
        con.execute(
            "SELECT customer_id, coalesce(name, '') FROM customers WHERE customer_id IN (SELECT unnest(?::BIGINT[]))",
            [found[:_CANDIDATES]],
        ).fetchall()
    )
    listed = "、".join(f"{one} {names.get(one, '')}".strip() for one in found[:_CANDIDATES])
    more = (
        tr(f" 等 {len(found):,} 位", f" and others, {len(found):,} in all")
        if len(found) > _CANDIDATES
        else ""
    )
    return InputRefused(
        "several-customers",
        tr(
            f"「{mask_phones(who)}」可以是 {len(found):,} 位客户",
            f"“{mask_phones(who)}” fits {len(found):,} customers",
        ),
        hint=tr(f"写客户编号:{listed}{more}", f"Give a customer id: {listed}{more}"),
    )


def read_card(con: DuckDBPyConnection, customer_id: int, as_of: AsOf, *, reveal: bool) -> dict[str, Any]:
    """All that is held about a customer; moments as text, money in fen, phones masked unless `reveal`."""
    from siyu_cli.customers.persons import build_facts_of

    build_facts_of(con, [customer_id], as_of)
    name, province, city = con.execute(
        "SELECT name, province, city FROM customers WHERE customer_id = ?", [customer_id]
    ).fetchall()[0]

    def shown(text: str | None) -> str | None:
        return text if reveal or text is None else mask_phones(text)

    def rows(sql: str) -> list[dict[str, Any]]:
        cursor = con.execute(sql, {"id": customer_id})
        names = [column[0] for column in cursor.description]
        return [_worded(dict(zip(names, row, strict=True)), shown) for row in cursor.fetchall()]

    keys = rows(_KEYS)
    for key in keys:
        key["files"] = [one["file"] for one in json.loads(key.pop("inputs") or "[]")]
    moves = history_of(con, customer_id, as_of.seconds)
    return {
        "customer_id": customer_id,
        "name": shown(name),
        "province": province,
        "city": city,
        "keys": keys,
        "merges": rows(_MERGES),
        "conflicts": rows(_CONFLICTS),
        "contacts": rows(_CONTACTS),
        "orders": rows(_ORDERS)[0],
        "last_lines": rows(_LAST_LINES),
        "tags": rows(_TAGS),
        "stage": _stage(con, moves, as_of),
        "stage_moves": [_worded(move, shown) for move in moves],
        "score": _score(con, customer_id, as_of),
        "leads": rows(_LEADS),
        "opt_outs": rows(_OPT_OUTS),
    }


def _score(con: DuckDBPyConnection, customer_id: int, as_of: AsOf) -> dict[str, Any] | None:
    """What the newest score run as of the moment says of the customer; None where it says nothing."""
    from siyu_cli.store.engine import DuckDbEngine

    run = newest_score_run(DuckDbEngine(con), as_of)
    if run is None:
        return None
    sql = f"SELECT {', '.join(_SCORE_COLUMNS)} FROM scores WHERE run_id = ? AND customer_id = ?"
    found = con.execute(sql, [run.run_id, customer_id]).fetchall()
    if not found:
        return None
    told = json.loads(run.churn) if run.churn else {}
    return {
        "scheme": run.scheme,
        "as_of": date_of(run.as_of_sec // DAY_SECONDS).isoformat(),
        **dict(zip(_SCORE_COLUMNS, found[0], strict=True)),
        "horizon_days": told["backtest"]["horizon_days"] if told else None,
        "ahead_model": told["ahead"]["model"] if told and told["ahead"] else None,
    }


def _stage(con: DuckDBPyConnection, moves: list[dict[str, Any]], as_of: AsOf) -> dict[str, Any] | None:
    """The stage as of the moment, since which day, and whether a person set it; None where there are no stages."""
    # A beginning gives way to whatever else was said, as in the view stage_state.
    said = [move for move in moves if move["source"] != "start"] or moves
    if not said:
        listed = kept_stages(con)
        return (
            {"stage": listed[0].stage, "since_day": None, "days": 0, "is_by_hand": False} if listed else None
        )
    last = said[-1]
    return {
        "stage": last["to_stage"],
        "since_day": date_of(last["since_day"]).isoformat(),
        "days": as_of.day - last["since_day"],
        "is_by_hand": last["mode"] == "hand",
    }


def _worded(row: dict[str, Any], shown: Callable[[str | None], str | None]) -> dict[str, Any]:
    """`*_sec` becomes `*_at` in words, `*_day` a date; texts that hold a phone are masked."""
    worded: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_sec"):
            worded["at" if name == "at_sec" else f"{name[:-4]}_at"] = (
                None if value is None else format_seconds(value)
            )
        elif name.endswith("_day"):
            worded[name] = None if value is None else date_of(value).isoformat()
        else:
            worded[name] = shown(value) if isinstance(value, str) and name != "inputs" else value
    return worded
