"""The fairness ledger: what every batch gave and owed everyone at work, and how far people lie from an even mix."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MICRO = 10**6
"""`due_micro` counts leads in this part."""


@dataclass(frozen=True)
class LedgerRow:
    """What one person was given and owed over all batches, and whether they took part in the latest."""

    staff_id: str
    given: int
    owed: Fraction
    is_present: bool

    @property
    def balance(self) -> Fraction:
        return self.given - self.owed


@dataclass(frozen=True)
class Load:
    """Leads ever given to a person, those held now, and those given on the day asked for."""

    given: int = 0
    holding: int = 0
    today: int = 0


def ledger_rows(con: DuckDBPyConnection, before_run: int | None = None) -> list[LedgerRow]:
    """The fairness ledger, exact; `before_run` leaves that run and later ones out.

    Present are those at work in the latest batch that dealt anything in turn: leads that went to their own people or
    were assigned by hand say nothing of who was there.
    """
    limit = before_run if before_run is not None else 2**62
    rows = con.execute(
        """
        SELECT staff_id, sum(given)::BIGINT, arg_max(balance, run_id),
               bool_or(run_id = (SELECT max(run_id) FROM lead_shares WHERE run_id < $limit AND given > own))
        FROM lead_shares WHERE run_id < $limit GROUP BY staff_id ORDER BY staff_id
        """,
        {"limit": limit},
    ).fetchall()
    return [
        LedgerRow(staff_id, given, given - Fraction(balance), bool(is_present))
        for staff_id, given, balance, is_present in rows
    ]


def mix_drift(con: DuckDBPyConnection) -> dict[tuple[str, str], Fraction]:
    """(account, stratum) → leads given − due over all batches."""
    rows = con.execute("""
        SELECT staff_id, stratum, (sum(given) * 1000000 - sum(due_micro))::BIGINT FROM lead_mixes GROUP BY ALL
    """).fetchall()
    return {(staff_id, stratum): Fraction(drift, MICRO) for staff_id, stratum, drift in rows}


def loads(con: DuckDBPyConnection, day: int) -> dict[str, Load]:
    """Per account: leads ever given, leads held now, leads given on a day."""
    rows = con.execute(
        """
        SELECT staff_id, sum(given)::BIGINT, sum(holding)::BIGINT, sum(today)::BIGINT FROM (
            SELECT staff_id, count(*) AS given, 0 AS holding, count(*) FILTER (at_sec // 86400 = $day) AS today
            FROM lead_events WHERE kind = 'assigned' GROUP BY staff_id
            UNION ALL
            SELECT staff_id, 0, count(*), 0 FROM lead_state WHERE state IN ('待添加', '待通过') GROUP BY staff_id
        ) WHERE staff_id IS NOT NULL GROUP BY staff_id
        """,
        {"day": day},
    ).fetchall()
    return {staff_id: Load(*counts) for staff_id, *counts in rows}


def with_facts(con: DuckDBPyConnection, pool: pa.Table, value_from: list[str]) -> pa.Table:
    """The pool with what distribution asks of a lead: province, city, source, product, tags, shop, value, sticky.

    `shop` and `value` come from further columns of the list, the first that has something. `sticky` is the
    account of who has the person as a friend (the latest to add them), else of who added another phone of the
    same customer.
    """
    con.register("pool_rows", pool.select(["lead_id"]))
    values = ", ".join("json_extract_string(l.attributes, ?)" for _ in value_from)
    relation: Any = con.sql(
        f"""
        WITH mine AS (
            SELECT l.* FROM leads AS l SEMI JOIN pool_rows AS p ON p.lead_id = l.lead_id
        ),
        people AS (
            SELECT m.lead_id, k.customer_id FROM mine AS m
            JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = m.phone
        ),
        friends AS (
            SELECT m.lead_id, c.staff_id, c.added_sec FROM mine AS m JOIN contacts AS c ON c.phone = m.phone
            WHERE c.lost_sec IS NULL AND c.staff_id IS NOT NULL
            UNION ALL
            SELECT p.lead_id, c.staff_id, c.added_sec FROM people AS p JOIN contacts AS c USING (customer_id)
            WHERE c.lost_sec IS NULL AND c.staff_id IS NOT NULL
        ),
        owners AS (
            SELECT p.lead_id, s.staff_id, s.last_sec FROM people AS p
            JOIN customer_keys AS k ON k.customer_id = p.customer_id AND k.kind = 'phone'
            JOIN lead_state AS s ON s.phone = k.value
            WHERE s.state = '已添加' AND s.staff_id IS NOT NULL AND s.lead_id <> p.lead_id
        ),
        sticky AS (
            SELECT lead_id, first(staff_id ORDER BY place, at_sec DESC, staff_id) AS staff_id FROM (
                SELECT lead_id, staff_id, coalesce(added_sec, 0) AS at_sec, 1 AS place FROM friends
                UNION ALL SELECT lead_id, staff_id, last_sec, 2 FROM owners
            ) GROUP BY lead_id
        )
        SELECT l.lead_id, l.province, l.city, l.source, l.product, l.tags,
               coalesce(json_extract_string(l.attributes, '$."门店"'), json_extract_string(l.attributes, '$."店铺"'))
                   AS shop,
               {f"coalesce({values}, NULL)" if values else "NULL::VARCHAR"} AS value, s.staff_id AS sticky
        FROM mine AS l LEFT JOIN sticky AS s ON s.lead_id = l.lead_id ORDER BY l.lead_id
        """,
        params=[f'$."{name}"' for name in value_from],
    )
    facts = relation.to_arrow_table()
    con.unregister("pool_rows")
    result = pool.sort_by("lead_id")
    for name in facts.column_names[1:]:
        if name in result.column_names:
            result = result.drop_columns([name])
        result = result.append_column(name, facts[name])
    return result


def append_shares(con: DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
    """Append lead_shares: run_id, staff_id, given, own, owed, carry, balance, weight_milli, room, workbook."""
    names = (
        "run_id", "staff_id", "given", "own", "owed", "carry", "balance", "weight_milli", "room", "workbook",
    )  # fmt: skip
    _append(con, "lead_shares", names, rows, {"room": "int64", "workbook": "string"})


def append_mixes(con: DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
    """Append lead_mixes: run_id, staff_id, stratum, given, due_micro."""
    _append(con, "lead_mixes", ("run_id", "staff_id", "stratum", "given", "due_micro"), rows, {})


def _append(
    con: DuckDBPyConnection,
    table: str,
    names: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    kinds: dict[str, str],
) -> None:
    """Rows as columns in one go; `kinds` names the types of columns that may be empty throughout."""
    import pyarrow as pa

    if not rows:
        return
    columns = zip(names, zip(*rows, strict=True), strict=True)
    con.register(
        "shares_to_append", pa.table({name: pa.array(values, kinds.get(name)) for name, values in columns})
    )
    listed = ", ".join(names)
    con.execute(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM shares_to_append")
    con.unregister("shares_to_append")


def run_shares(con: DuckDBPyConnection, run_id: int) -> list[tuple[str, int, str | None]]:
    """Who took part in a run: account, given, workbook."""
    return con.execute(
        "SELECT staff_id, given, workbook FROM lead_shares WHERE run_id = ? ORDER BY staff_id", [run_id]
    ).fetchall()
