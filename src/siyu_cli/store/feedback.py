"""Feedback of staff in the store: rows are held against the ledger, judged, and appended as events.

`staged_feedback` has all rows of a run with what becomes of each. Rows of one lead are judged in the
order of their files' moments, layer by layer, as if the files had come one after the other: a layer has
at most one assignment of a lead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siyu_cli.store import stage_sheets
from siyu_cli.store.ledger import append_events

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

QUESTIONS = ("late-added", "claimed-twice", "feedback-differs", "cannot-follow-added", "no-longer-owner")
"""Why a readable row is not applied: it contradicts the ledger or another row, and a person must look."""

_OPEN = "('待添加', '待通过')"
_CLOSING = "('added', 'befriended', 'declined', 'invalid')"
_FRIEND = "('added', 'befriended')"


def stage(con: DuckDBPyConnection, incoming: pa.Table) -> int:
    """Make `staged_feedback` from file_no, row_no, lead_id, nth, phone, kind, note, is_confirmed, moment_sec, stage.

    How many layers there are. Rows that name no lead, say nothing or are refuted are judged here; answers of
    the operator come in a last layer.
    """
    con.register("incoming_feedback", incoming)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE staged_feedback AS
        WITH given AS (
            SELECT lead_id, row_number() OVER (PARTITION BY lead_id ORDER BY event_id) AS nth, staff_id
            FROM lead_events WHERE kind = 'assigned' AND lead_id IN (SELECT lead_id FROM incoming_feedback)
        )
        SELECT i.* REPLACE (coalesce(trim(i.note), '') AS note), g.staff_id,
               CASE WHEN g.staff_id IS NULL OR s.lead_id IS NULL OR i.phone <> s.phone THEN 'rejected'
                    WHEN i.stage IS NOT NULL AND k.stage IS NULL THEN 'rejected'
                    WHEN i.kind IS NULL OR i.is_confirmed = 0 THEN 'unchanged'
                    WHEN i.is_confirmed = 1 AND i.kind NOT IN ('added', 'befriended') THEN 'rejected'
               END AS verdict,
               CASE WHEN g.staff_id IS NULL OR s.lead_id IS NULL THEN 'no-such-lead'
                    WHEN i.phone <> s.phone THEN 'key-phone-differs'
                    WHEN i.stage IS NOT NULL AND k.stage IS NULL THEN 'unknown-stage'
                    WHEN i.is_confirmed = 0 THEN 'refuted'
                    WHEN i.kind IS NULL THEN 'no-result'
                    WHEN i.is_confirmed = 1 AND i.kind NOT IN ('added', 'befriended') THEN 'verdict-without-claim'
               END AS reason,
               NULL::BIGINT AS layer
        FROM incoming_feedback AS i
        LEFT JOIN given AS g ON g.lead_id = i.lead_id AND g.nth = i.nth
        LEFT JOIN lead_state AS s ON s.lead_id = i.lead_id
        LEFT JOIN (SELECT stage FROM stage_lists WHERE run_id = (SELECT max(run_id) FROM stage_lists)) AS k
          ON k.stage = i.stage
    """)
    con.unregister("incoming_feedback")
    con.execute("""
        UPDATE staged_feedback SET layer = x.layer FROM (
            SELECT file_no, row_no, dense_rank() OVER (
                PARTITION BY is_confirmed IS NULL, lead_id ORDER BY moment_sec, nth) AS layer
            FROM staged_feedback WHERE verdict IS NULL
        ) AS x WHERE x.file_no = staged_feedback.file_no AND x.row_no = staged_feedback.row_no
    """)
    con.execute("""
        UPDATE staged_feedback SET layer = layer + (SELECT coalesce(max(layer), 0) FROM staged_feedback
                                                    WHERE is_confirmed IS NULL)
        WHERE is_confirmed = 1
    """)
    return int(con.execute("SELECT coalesce(max(layer), 0) FROM staged_feedback").fetchall()[0][0])


def judge(con: DuckDBPyConnection, layer: int) -> None:
    """Say what becomes of one layer's rows, from the ledger as it stands before it."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged_feedback AS
        WITH told AS (
            SELECT e.lead_id, f.assignment AS nth, arg_max(e.kind, e.event_id) AS kind,
                   arg_max(coalesce(f.note, ''), e.event_id) AS note, max(f.moment_sec) AS moment_sec
            FROM lead_feedback AS f JOIN lead_events AS e ON e.event_id = f.event_id GROUP BY ALL
        ),
        rows_now AS (
            SELECT r.*, row_number() OVER same AS place,
                   (min(r.kind || ' ' || r.note) OVER key) <> (max(r.kind || ' ' || r.note) OVER key) AS differs,
                   s.state, s.staff_id AS holder, t.kind AS told_kind,
                   t.kind = r.kind AND t.note = r.note AS is_known, t.moment_sec > r.moment_sec AS is_older
            FROM staged_feedback AS r JOIN lead_state AS s ON s.lead_id = r.lead_id
            LEFT JOIN told AS t ON t.lead_id = r.lead_id AND t.nth = r.nth
            WHERE r.layer = $layer
            WINDOW key AS (PARTITION BY r.lead_id, r.nth),
                   same AS (PARTITION BY r.lead_id, r.nth, r.kind, r.note ORDER BY r.file_no, r.row_no)
        )
        SELECT file_no, row_no, state, holder, told_kind, CASE
            WHEN differs THEN 'feedback-differs'
            WHEN place > 1 THEN 'repeated-row'
            WHEN is_confirmed = 1 AND state = '已添加' AND holder = staff_id THEN 'known'
            WHEN is_confirmed = 1 THEN 'apply'
            WHEN is_known THEN 'known'
            WHEN is_older THEN 'older-feedback'
            WHEN state IN {_OPEN} AND holder = staff_id THEN 'apply'
            WHEN told_kind IN {_CLOSING} AND state IN ('已添加', '拒绝', '无效') AND holder = staff_id
                THEN CASE WHEN told_kind = kind THEN 'known' ELSE 'apply' END
            WHEN kind IN {_FRIEND} AND state = '已添加' AND holder = staff_id THEN 'known'
            WHEN kind IN {_FRIEND} AND state = '已添加' THEN 'claimed-twice'
            WHEN kind IN {_FRIEND} THEN 'late-added'
            WHEN state = '已添加' AND holder = staff_id THEN 'cannot-follow-added'
            ELSE 'no-longer-owner' END AS reason
        FROM rows_now
        """,
        {"layer": layer},
    )
    con.execute("""
        UPDATE staged_feedback SET
            verdict = CASE WHEN j.reason = 'apply' AND j.told_kind IS NULL AND is_confirmed IS NULL THEN 'new'
                           WHEN j.reason = 'apply' THEN 'updated'
                           WHEN j.reason = 'repeated-row' THEN 'duplicate'
                           WHEN j.reason IN ('known', 'older-feedback') THEN 'unchanged' ELSE 'rejected' END,
            reason = CASE WHEN j.reason <> 'apply' THEN j.reason END
        FROM judged_feedback AS j WHERE j.file_no = staged_feedback.file_no AND j.row_no = staged_feedback.row_no
    """)


def write(
    con: DuckDBPyConnection, layer: int, files: list[str], run_id: int, reasons: dict[str, str]
) -> None:
    """Append the events of one judged layer.

    Feedback that corrects a closing is preceded by `reopened` and by the signs of work that remain true;
    a confirmed claim by what takes the lead from whoever has it. `reasons` words the two. An event's moment is
    that of its file, never before what happened to the lead; a reminder sent meanwhile makes no work later.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE applied_feedback AS
        SELECT r.lead_id, r.nth AS assignment, r.kind, r.note, r.staff_id, r.moment_sec, j.state, j.holder,
               coalesce(r.is_confirmed = 1, false) AS is_confirmed,
               greatest(r.moment_sec, b.at_sec) AS at_sec,
               list_extract($files::VARCHAR[], r.file_no + 1) || ' 第 ' || r.row_no || ' 行' AS place,
               row_number() OVER (ORDER BY r.lead_id) AS turn
        FROM staged_feedback AS r JOIN judged_feedback AS j ON j.file_no = r.file_no AND j.row_no = r.row_no
        JOIN (SELECT lead_id, max(at_sec) AS at_sec FROM lead_events WHERE kind NOT IN ('reminded', 'escalated')
              GROUP BY lead_id) AS b ON b.lead_id = r.lead_id
        WHERE r.layer = $layer AND j.reason = 'apply'
        """,
        {"files": files, "layer": layer},
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE feedback_events AS
        WITH steps AS (
            SELECT turn, 1 AS step, lead_id, at_sec, 'reopened' AS kind, CASE WHEN is_confirmed THEN NULL ELSE staff_id END
                   AS staff_id, $corrected || place AS reason
            FROM applied_feedback WHERE state IN ('已添加', '拒绝', '无效', '死线索', '已是客户')
            UNION ALL
            SELECT turn, 1, lead_id, at_sec, 'returned', holder, $confirmed || place
            FROM applied_feedback WHERE is_confirmed AND state IN {_OPEN}
            UNION ALL
            SELECT a.turn, 1 + row_number() OVER (PARTITION BY e.lead_id ORDER BY e.event_id), e.lead_id, e.at_sec,
                   e.kind, e.staff_id, e.reason
            FROM applied_feedback AS a
            JOIN (SELECT lead_id, max(event_id) AS since_id FROM lead_events WHERE kind IN ('assigned', 'reopened')
                  GROUP BY lead_id) AS s ON s.lead_id = a.lead_id
            JOIN lead_events AS e ON e.lead_id = a.lead_id AND e.event_id > s.since_id
                 AND e.kind IN ('requested', 'postponed')
            WHERE a.state IN ('已添加', '拒绝', '无效') AND a.kind IN ('requested', 'postponed') AND NOT a.is_confirmed
            UNION ALL
            SELECT turn, 1000000, lead_id, at_sec, kind, staff_id, place FROM applied_feedback
        )
        SELECT row_number() OVER (ORDER BY turn, step) AS nth, * EXCLUDE (turn, step) FROM steps
        """,
        reasons,
    )
    before = con.execute("SELECT coalesce(max(event_id), 0) FROM lead_events").fetchall()[0][0]
    append_events(con, "feedback_events", run_id)
    con.execute(
        """
        INSERT INTO lead_feedback
        SELECT max(e.event_id), any_value(a.assignment), any_value(a.moment_sec), nullif(any_value(a.note), '')
        FROM applied_feedback AS a JOIN lead_events AS e ON e.lead_id = a.lead_id AND e.event_id > ?
        GROUP BY a.lead_id
        """,
        [before],
    )


def move_stages(con: DuckDBPyConnection, files: list[str], first_stage: str, run_id: int) -> dict[str, int]:
    """Put the customers of applied rows into the stages these name, by hand; stage → how many, '' for those that wait.

    A row that says nothing else counts only from whoever has the lead now.
    """
    con.execute("""
        UPDATE staged_feedback SET verdict = 'rejected', reason = 'stage-not-theirs'
        FROM lead_state AS s
        WHERE s.lead_id = staged_feedback.lead_id AND stage IS NOT NULL AND verdict = 'unchanged' AND reason = 'no-result'
          AND s.staff_id IS DISTINCT FROM staged_feedback.staff_id
    """)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE feedback_stages AS
        SELECT f.file_no, f.row_no, l.phone, NULL::BIGINT AS named_id, f.stage, f.staff_id, f.moment_sec,
               list_extract($files::VARCHAR[], f.file_no + 1) || ' 第 ' || f.row_no || ' 行' AS reason
        FROM staged_feedback AS f JOIN leads AS l ON l.lead_id = f.lead_id
        WHERE f.stage IS NOT NULL AND f.verdict IN ('new', 'updated', 'unchanged')
          AND coalesce(f.reason, '') NOT IN ('older-feedback', 'refuted')
        """,
        {"files": files},
    )
    stage_sheets.judge_rows(con, "feedback_stages")
    stage_sheets.write_rows(con, first_stage, run_id)
    con.execute("""
        UPDATE staged_feedback SET verdict = CASE WHEN j.verdict = 'rejected' THEN 'rejected' ELSE 'updated' END,
                                   reason = CASE WHEN j.verdict = 'rejected' THEN j.code END
        FROM judged_stages AS j
        WHERE j.file_no = staged_feedback.file_no AND j.row_no = staged_feedback.row_no
          AND staged_feedback.verdict = 'unchanged' AND j.verdict IN ('new', 'updated', 'rejected')
    """)
    return stage_sheets.moves_of(con)


def verdicts(con: DuckDBPyConnection) -> list[tuple[int, str, str | None, int]]:
    """(file number, verdict, reason, rows)."""
    return con.execute(
        "SELECT file_no, verdict, reason, count(*) FROM staged_feedback GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def refused(con: DuckDBPyConnection) -> list[tuple[int, int, str]]:
    """(file number, row number, reason) of rows that are not applied."""
    return con.execute(
        "SELECT file_no, row_no, reason FROM staged_feedback WHERE verdict = 'rejected' ORDER BY ALL"
    ).fetchall()


def changes(con: DuckDBPyConnection, run_id: int) -> dict[str, int]:
    """Kind of event → how many leads this run's feedback says it of."""
    rows = con.execute(
        """
        SELECT e.kind, count(DISTINCT e.lead_id) FROM lead_events AS e JOIN lead_feedback AS f USING (event_id)
        WHERE e.run_id = ? GROUP BY e.kind ORDER BY 2 DESC, 1
        """,
        [run_id],
    ).fetchall()
    return dict(rows)


def questions(con: DuckDBPyConnection, files: list[str]) -> pa.Table:
    """Every row that a person must look at, with what the ledger says of its lead now."""
    relation: Any = con.sql(
        """
        SELECT q.lead_id, q.nth, l.phone, l.name, q.staff_id, coalesce(p.name, q.staff_id) AS staff_name, q.kind,
               nullif(q.note, '') AS note, list_extract($files::VARCHAR[], q.file_no + 1) AS file, q.row_no,
               s.state, s.staff_id AS holder, coalesce(h.name, s.staff_id) AS holder_name, s.last_kind, s.last_sec,
               q.reason
        FROM staged_feedback AS q JOIN leads AS l ON l.lead_id = q.lead_id
        JOIN lead_state AS s ON s.lead_id = q.lead_id
        LEFT JOIN staff AS p ON p.staff_id = q.staff_id LEFT JOIN staff AS h ON h.staff_id = s.staff_id
        WHERE q.verdict = 'rejected' AND list_contains($questions, q.reason)
        ORDER BY q.lead_id, q.nth, q.file_no, q.row_no
        """,
        params={"files": files, "questions": list(QUESTIONS)},
    )
    return relation.to_arrow_table()
