"""What is kept of one customer's tags: how they are held, and every change with its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class TagHeld:
    """A tag a customer holds: by rule (`auto`) or by a person, since which day, by which run."""

    tag: str
    source: str
    pin: str
    set_day: int
    run_id: int


@dataclass(frozen=True)
class TagEntry:
    """One line of the tag log; `command` is '' where the run is no longer known."""

    tag: str
    action: str
    day: int
    rule_hash: str
    cause: str
    reason: str
    run_id: int
    command: str
    at_sec: int | None


def tags_held(con: DuckDBPyConnection, customer_id: int) -> list[TagHeld]:
    """All tags a customer holds, by name."""
    rows = con.execute(
        "SELECT tag, source, pin, set_day, run_id FROM held_tags WHERE customer_id = ? ORDER BY tag",
        [customer_id],
    ).fetchall()
    return [TagHeld(tag, source, pin, int(day), int(run)) for tag, source, pin, day, run in rows]


def pin_of(con: DuckDBPyConnection, customer_id: int, tag: str) -> tuple[str, int | None]:
    """`on`, `off` or `none`: what a person said of a customer's tag; and the last day on which it counts, if any."""
    rows = con.execute(
        "SELECT pin, pin_until FROM tags WHERE customer_id = ? AND tag = ? AND pin <> 'none'",
        [customer_id, tag],
    ).fetchall()
    return (rows[0][0], rows[0][1]) if rows else ("none", None)


def tag_log_of(con: DuckDBPyConnection, customer_id: int, tag: str | None = None) -> list[TagEntry]:
    """What happened to a customer's tags (to one of them), the newest first."""
    rows = con.execute(
        """
        SELECT l.tag, l.action, l.day, l.rule_hash, l.cause, l.reason, l.run_id, coalesce(r.command, ''), r.finished_sec
        FROM tag_log AS l LEFT JOIN runs AS r ON r.run_id = l.run_id
        WHERE l.customer_id = $who AND ($tag IS NULL OR l.tag = $tag)
        ORDER BY l.run_id DESC, l.day DESC, l.tag, l.action
        """,
        {"who": customer_id, "tag": tag},
    ).fetchall()
    return [TagEntry(*row) for row in rows]


def orders_behind(con: DuckDBPyConnection, order_nos: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Order number of the store → what people know it by, and what was paid for it."""
    rows = con.execute(
        """
        SELECT order_no, min(order_id), min(platform), CAST(sum(paid_fen) AS BIGINT)
        FROM order_lines
        WHERE order_no IN (SELECT unnest($orders::BIGINT[])) AND kind = 'sale' AND is_detail = 0
          AND status IN ('paid', 'refunded')
        GROUP BY order_no
        """,
        {"orders": list(order_nos)},
    ).fetchall()
    return {
        no: {"order_id": name, "platform": platform, "paid_fen": paid} for no, name, platform, paid in rows
    }


def products_behind(con: DuckDBPyConnection, line_nos: Sequence[int]) -> dict[int, str]:
    """Line number of the store → what was bought."""
    rows = con.execute(
        "SELECT line_no, coalesce(product, product_key, '') FROM order_lines"
        " WHERE line_no IN (SELECT unnest(?::BIGINT[]))",
        [list(line_nos)],
    ).fetchall()
    return dict(rows)
