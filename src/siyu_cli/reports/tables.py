"""export-table: the workspace's tables under English headers, for analysts and other programs.

Money is fen, moments are text in the workspace's time zone, days are dates. Phones are masked unless they
are asked for; the header says which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.customers.facts import build_facts
from siyu_cli.errors import UsageRefused
from siyu_cli.files import replacing
from siyu_cli.language import tr
from siyu_cli.store.engine import DuckDbEngine
from siyu_cli.store.scores import CHURN_COLUMNS, newest_score_run
from siyu_cli.words import did_you_mean

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.context import Run

SUFFIXES = (".csv", ".parquet", ".xlsx")
KIND = "table"


def _moment(column: str) -> str:
    return f"strftime(make_timestamp({column} * 1000000), '%Y-%m-%d %H:%M:%S')"


def _date(column: str) -> str:
    return f"CAST(DATE '1970-01-01' + CAST({column} AS INTEGER) AS VARCHAR)"


# {phone:column} becomes the phone column and {text:column} a text that may hold one, full or masked, {until} what is visible as of the moment, {score_run} the newest score run of then. Written for the store (DuckDB); the facts that
# customers and orders stand on are common-core SQL.
_TABLES: dict[str, str] = {
    "customers": f"""
WITH bought AS (
    SELECT customer_id, sum(is_order) AS orders,
           count(DISTINCT CASE WHEN is_order = 1 THEN paid_day END) AS days,
           sum(net_fen) AS net_fen, min(CASE WHEN is_order = 1 THEN paid_sec END) AS first_sec,
           max(CASE WHEN is_order = 1 THEN paid_sec END) AS last_sec
    FROM fact_orders WHERE customer_id IS NOT NULL GROUP BY customer_id
),
buyers AS (
    SELECT customer_id, string_agg(namespace || ':' || value, ';' ORDER BY namespace, value) AS buyer_ids
    FROM customer_keys WHERE kind = 'buyer' GROUP BY customer_id
),
phones AS (
    SELECT customer_id, min(value) AS phone FROM customer_keys WHERE kind = 'phone' GROUP BY customer_id
),
scored AS (
    SELECT customer_id, r_score, f_score, m_score, segment_code, segment, {", ".join(CHURN_COLUMNS)}
    FROM scores WHERE run_id = {{score_run}}
),
owners AS (
    SELECT k.customer_id, min_by(s.staff_id, s.lead_id) AS owner
    FROM customer_keys AS k JOIN lead_state AS s ON s.phone = k.value
    WHERE k.kind = 'phone' AND s.staff_id IS NOT NULL AND s.state IN ('待添加', '待通过', '已添加') GROUP BY k.customer_id
)
SELECT c.customer_id, coalesce(b.buyer_ids, '') AS buyer_ids, {{phone:p.phone}},
       coalesce(w.owner, '') AS owner, CAST(coalesce(o.orders, 0) AS BIGINT) AS orders,
       CAST(coalesce(o.days, 0) AS BIGINT) AS days,
       CAST(coalesce(o.net_fen, 0) AS BIGINT) AS net_fen,
       coalesce({_moment("o.first_sec")}, '') AS first_at, coalesce({_moment("o.last_sec")}, '') AS last_at,
       s.r_score, s.f_score, s.m_score, coalesce(s.segment_code, '') AS segment_code, coalesce(s.segment, '') AS segment,
       {", ".join(f"s.{name}" for name in CHURN_COLUMNS)}
FROM customers AS c
LEFT JOIN bought AS o USING (customer_id)
LEFT JOIN buyers AS b USING (customer_id)
LEFT JOIN phones AS p USING (customer_id)
LEFT JOIN owners AS w USING (customer_id)
LEFT JOIN scored AS s USING (customer_id)
ORDER BY c.customer_id
""",
    "orders": f"""
SELECT l.order_no, l.line_no, l.kind, l.is_detail, l.is_goods, l.customer_id, l.platform, l.shop, l.channel, l.order_id, l.line_id,
       l.buyer_id, {{phone:l.phone}}, l.province, l.city, {_moment("l.created_sec")} AS created_at,
       {_moment("l.paid_sec")} AS paid_at, {_moment("l.finished_sec")} AS finished_at,
       l.status,
       l.status_text, l.refund_status, l.product, l.product_id, l.sku, l.category, l.quantity_milli,
       l.unit_price_fen,
       l.amount_total_fen, l.paid_fen, l.refund_fen, {_moment("l.refund_sec")} AS refunded_at,
       CAST(f.net_fen AS BIGINT) AS net_fen, l.run_id
FROM order_lines AS l
LEFT JOIN fact_lines AS f ON f.line_no = l.line_no
WHERE {{until}}
ORDER BY l.order_no, l.line_no
""",
    "leads": f"""
WITH pre_tags AS (SELECT phone, string_agg(DISTINCT tag, ';' ORDER BY tag) AS tags FROM phone_tags GROUP BY phone),
batches AS (SELECT lead_id, string_agg(DISTINCT batch, ';' ORDER BY batch) AS batches FROM lead_sources GROUP BY lead_id)
SELECT s.lead_id, {{phone:s.phone}}, s.name, s.source, s.channel, b.batches, s.province, s.city, s.product, t.tags,
       s.remark, s.state, coalesce(s.staff_id, '') AS staff_id, s.owners, {_moment("s.assigned_sec")} AS assigned_at,
       {_moment("s.active_sec")} AS active_at, {_moment("s.imported_sec")} AS imported_at,
       s.last_kind, {_moment("s.last_sec")} AS last_at
FROM lead_state AS s
LEFT JOIN pre_tags AS t ON t.phone = s.phone
LEFT JOIN batches AS b ON b.lead_id = s.lead_id
WHERE {{until}}
ORDER BY s.lead_id
""",
    "ledger": f"""
SELECT e.event_id, e.lead_id, {_moment("e.at_sec")} AS at, e.kind, e.staff_id, e.reason, {{text:n.note}} AS note, e.run_id
FROM lead_events AS e LEFT JOIN lead_feedback AS n ON n.event_id = e.event_id
WHERE {{until}}
ORDER BY e.event_id
""",
    "contacts": f"""
SELECT c.contact_no, c.customer_id, c.staff_id, c.staff_name, c.corp, c.external_userid, c.unionid,
       {{text:c.name}} AS name, {{text:c.remark}} AS remark, {{text:c.description}} AS description, {{phone:c.phone}}, c.is_phone_noted, {_moment("c.added_sec")} AS added_at, c.source, c.tags,
       {_moment("c.lost_sec")} AS lost_at, c.run_id
FROM contacts AS c
WHERE {{until}}
ORDER BY c.contact_no
""",
    "events": f"""
SELECT e.event_no, {_moment("e.at_sec")} AS at, e.kind, e.customer_id, e.platform, e.event_id, e.buyer_id,
       {{phone:e.phone}}, e.external_userid, e.unionid, e.shop, e.channel, e.product, e.product_id, e.sku, e.category,
       e.page, e.remark, e.run_id
FROM events AS e
WHERE {{until}}
ORDER BY e.event_no
""",
    "scores": f"""
SELECT r.run_id, r.scheme, {_moment("r.as_of_sec")} AS as_of, s.customer_id, s.recency_days, s.frequency,
       s.monetary_fen, s.monetary_per, s.net_fen, s.r_score, s.f_score, s.m_score, s.segment_code, s.segment,
       {", ".join(f"s.{name}" for name in CHURN_COLUMNS)}
FROM score_runs AS r JOIN scores AS s ON s.run_id = r.run_id
ORDER BY r.as_of_sec, r.run_id, s.customer_id
""",
    "tags": f"""
SELECT t.customer_id, t.tag, t.source, t.pin, {_date("t.set_day")} AS set_day
FROM held_tags AS t
ORDER BY t.customer_id, t.tag
""",
    "runs": f"""
SELECT r.run_id, r.command, r.arguments, {_moment("r.as_of_sec")} AS as_of,
       {_moment("r.started_sec")} AS started_at, {_moment("r.finished_sec")} AS finished_at, r.outcome,
       r.exit_code, r.inputs, r.counts,
       r.message, r.version
FROM runs AS r
ORDER BY r.run_id
""",
}
NAMES = tuple(_TABLES)
# The moment from which a row of a table exists; later ones are invisible and counted.
_MOMENTS = {
    "orders": ("order_lines AS l", "coalesce(l.created_sec, l.paid_sec, 0)"),
    "leads": ("lead_state AS s", "s.imported_sec"),
    "ledger": ("lead_events AS e", "e.at_sec"),
    "contacts": ("contacts AS c", "coalesce(c.added_sec, 0)"),
    "events": ("events AS e", "e.at_sec"),
}
_NEEDS_FACTS = ("customers", "orders")


@dataclass(frozen=True)
class TableExport:
    """A table to write: which, where to, with full phones or without."""

    name: str
    out: Path
    reveal: bool = False


def check_export(asked: TableExport) -> None:
    """UsageRefused for a table or a kind of file that does not exist, before the store is opened."""
    if asked.name not in _TABLES:
        near = did_you_mean(asked.name, list(NAMES))
        raise UsageRefused(
            "unknown-table",
            tr(f"没有叫「{asked.name}」的表", f"There is no table “{asked.name}”"),
            hint=tr(f"你是不是想写:{near}", f"Did you mean: {near}")
            if near
            else tr(f"可以写:{'、'.join(NAMES)}", f"Known: {', '.join(NAMES)}"),
        )
    if asked.out.suffix.lower() not in SUFFIXES:
        raise UsageRefused(
            "unknown-suffix",
            tr(f"不会写「{asked.out.name}」这种文件", f"Cannot write a file like “{asked.out.name}”"),
            hint=tr("文件名以 .csv、.parquet 或 .xlsx 结尾", "The name ends in .csv, .parquet or .xlsx"),
        )
    if asked.out.is_dir():
        raise UsageRefused("is-a-folder", tr(f"{asked.out} 是文件夹", f"{asked.out} is a folder"))


@dataclass(frozen=True)
class Exported:
    """What was written; `later` rows lie after the moment and were left out."""

    rows: int
    columns: tuple[str, ...]
    later: int


def export_table(run: Run, asked: TableExport, as_of: AsOf, shown: str) -> Exported:
    """Write the table, streamed where it may be large. A dry run only counts."""
    engine = DuckDbEngine(run.con)
    if asked.name in _NEEDS_FACTS:
        build_facts(engine, as_of)
    table, moment = _MOMENTS.get(asked.name, ("", ""))
    visible = f"{moment} <= {as_of.seconds:d}"
    sql = _with_phones(_TABLES[asked.name], reveal=asked.reveal).replace("{until}", visible)
    scores = newest_score_run(engine, as_of)
    sql = sql.replace("{score_run}", str(scores.run_id if scores else 0))
    later = 0
    if table:
        later = int(run.con.execute(f"SELECT count(*) FROM {table} WHERE NOT ({visible})").fetchall()[0][0])
    columns = [row[0] for row in run.con.execute(f"DESCRIBE {sql}").fetchall()]
    rows = int(run.con.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0][0])
    run.con.execute(
        "INSERT INTO exports (run_id, kind, path, rows, is_revealed, is_written) VALUES (?, ?, ?, ?, ?, 1)",
        [run.run_id, KIND, shown, rows, int(asked.reveal)],
    )
    run.counts = {"rows": rows}
    if not run.is_dry:
        _write(run, sql, asked, as_of)
    return Exported(rows, tuple(columns), later)


def _with_phones(sql: str, *, reveal: bool) -> str:
    """The query with its phones, and the phones that staff wrote into texts, full or masked."""
    masked_text = r"regexp_replace(\1, '(1[3-9][0-9])[0-9]{4}([0-9]{4})', '\\1****\\2', 'g')"
    sql = re.sub(r"\{text:([a-z_.]+)\}", r"\1" if reveal else masked_text, sql)
    start = sql.find("{phone:")
    if start < 0:
        return sql
    end = sql.index("}", start)
    column = sql[start + len("{phone:") : end]
    masked = f"coalesce(left({column}, 3) || '****' || right({column}, 4), '') AS phone_masked"
    return sql[:start] + (f"coalesce({column}, '') AS phone" if reveal else masked) + sql[end + 1 :]


def _write(run: Run, sql: str, asked: TableExport, as_of: AsOf) -> None:
    suffix = asked.out.suffix.lower()
    if suffix == ".xlsx":
        _write_workbook(run, sql, asked, as_of)
        return
    options = "FORMAT parquet, COMPRESSION zstd" if suffix == ".parquet" else "FORMAT csv, HEADER true"
    with replacing(asked.out) as temporary:
        target = str(temporary).replace("'", "''")
        run.con.execute(f"COPY ({sql}) TO '{target}' ({options})")


def _write_workbook(run: Run, sql: str, asked: TableExport, as_of: AsOf) -> None:
    from datetime import UTC, datetime

    from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

    table = DuckDbEngine(run.con).query(sql)
    # Ids are text so that no spreadsheet rounds them; counts and fen are numbers.
    numbers = {
        "orders",
        "days",
        "frequency",
        "recency_days",
        "r_score",
        "f_score",
        "m_score",
        "rhythm_days",
        "late_days",
    }
    columns = [
        ListColumn(name, "count" if name in numbers or name.endswith("_fen") else "text")
        for name in table.column_names
    ]
    about = [
        (tr("表", "Table"), asked.name),
        (tr("统计截止", "As of"), str(as_of)),
        (tr("执行编号", "Run"), str(run.run_id)),
        (
            tr("单位", "Units"),
            tr("*_fen 是分;时间是工作区时区的本地时间", "*_fen are fen; times are local to the workspace"),
        ),
    ]
    created = datetime.fromtimestamp(as_of.seconds, UTC).replace(tzinfo=None)
    write_list_workbook(asked.out, [ListSheet(asked.name, columns, table)], about, created=created)
