"""Rows that set tags by hand, from sheets: judged one by one, then pinned all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.store.pins import needed, write_pins
from siyu_cli.store.sheet_people import place_people

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def judge_tags(con: DuckDBPyConnection, incoming: str, day: int) -> None:
    """Make `judged_tags` of the relation `incoming`, each row with a verdict.

    Its columns are file_no, row_no, phone, named_id (see place_people), tag, word_code, act, reason, until_day. `tag` is
    null and word_code says why where the word is none a hand may set; an end before `day` is none. Of the rows about one tag of one customer the first
    counts; of the tags of an exclusive group one customer is given at most one. Reads what `pins.note_tags` made.
    """
    place_people(con, incoming)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged_tags AS
        WITH named AS (
            SELECT *, coalesce(who_code, CASE WHEN customer_id IS NULL THEN 'unknown-customer' END, word_code,
                               CASE WHEN act = 'unpin' AND until_day IS NOT NULL THEN 'until-of-release'
                                    WHEN until_day < $day THEN 'until-past' END) AS bad
            FROM placed_rows
        ),
        ranked AS (
            SELECT *, row_number() OVER same AS place, first_value(act) OVER same AS first_act,
                   first_value(until_day) OVER same AS first_until
            FROM named
            WINDOW same AS (PARTITION BY customer_id, tag, bad IS NULL ORDER BY file_no, row_no)
        ),
        firsts AS (SELECT * FROM ranked WHERE bad IS NULL AND place = 1),
        beaten AS (
            SELECT o.file_no, o.row_no, arg_min(f.tag, f.file_no * 4294967296 + f.row_no) AS winner
            FROM firsts AS o JOIN pin_rivals AS r ON r.tag = o.tag
            JOIN firsts AS f ON f.customer_id = o.customer_id AND f.tag = r.rival AND f.act = 'pin_on'
              AND (f.file_no, f.row_no) < (o.file_no, o.row_no)
            WHERE o.act = 'pin_on' GROUP BY ALL
        ),
        said AS (
            SELECT p.*, b.winner, CASE
                WHEN bad IS NOT NULL THEN bad
                WHEN place > 1 AND act = first_act AND until_day IS NOT DISTINCT FROM first_until THEN 'duplicate-phone'
                WHEN place > 1 THEN 'tag-differs'
                WHEN b.winner IS NOT NULL THEN 'tag-group-differs'
                WHEN NOT {needed("p")} THEN 'tag-already' END AS code
            FROM ranked AS p LEFT JOIN beaten AS b ON b.file_no = p.file_no AND b.row_no = p.row_no
        )
        SELECT file_no, row_no, customer_id, tag, act, coalesce(reason, '') AS reason, until_day, winner, code,
               CASE WHEN code IS NULL THEN 'updated' WHEN code = 'duplicate-phone' THEN 'duplicate'
                    WHEN code = 'tag-already' THEN 'unchanged' ELSE 'rejected' END AS verdict
        FROM said
        """,
        {"day": day},
    )


def write_tags(con: DuckDBPyConnection, day: int, run_id: int) -> None:
    """Pin what `judge_tags` let through."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hand_pins AS SELECT customer_id, tag, act, reason, until_day FROM judged_tags"
        " WHERE verdict = 'updated'"
    )
    write_pins(con, day=day, run_id=run_id)


def tag_verdicts(con: DuckDBPyConnection) -> list[tuple[int, int, str, str | None]]:
    """(file number, row number, verdict, code) of every row."""
    return con.execute(
        "SELECT file_no, row_no, verdict, code FROM judged_tags ORDER BY file_no, row_no"
    ).fetchall()


def tag_winners(con: DuckDBPyConnection) -> dict[tuple[int, int], str]:
    """(file, row) → the tag of the same group that an earlier row gave the customer."""
    rows = con.execute(
        "SELECT file_no, row_no, winner FROM judged_tags WHERE code = 'tag-group-differs'"
    ).fetchall()
    return {(file_no, row_no): winner for file_no, row_no, winner in rows}


def tag_counts(con: DuckDBPyConnection) -> list[tuple[str, int, int, int]]:
    """(tag, customers given it, taken from, handed back to the rules) of the rows that changed something."""
    return con.execute(
        "SELECT tag, count(*) FILTER (act = 'pin_on'), count(*) FILTER (act = 'pin_off'),"
        " count(*) FILTER (act = 'unpin') FROM judged_tags WHERE verdict = 'updated' GROUP BY tag ORDER BY tag"
    ).fetchall()


def tag_customers(con: DuckDBPyConnection) -> int:
    """How many customers the rows that were understood speak of."""
    return int(
        con.execute(
            "SELECT count(DISTINCT customer_id) FROM judged_tags WHERE verdict IN ('updated', 'unchanged')"
        ).fetchall()[0][0]
    )
