"""The tables of the store, as numbered steps that are applied once and in order.

Append a step, never edit one that has been released. Conventions: `*_sec` local seconds, `*_day`
local day numbers (see clock), `*_fen` integer fen, `*_milli` thousandths, flags 0/1 integers,
`*_key` folded text for comparisons (see words.fold). Large tables carry no PRIMARY KEY: it costs
three times the load time, and every write goes through a deduplicated staging table instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIRST_TABLES = """
CREATE TABLE runs (
    run_id BIGINT NOT NULL, command VARCHAR NOT NULL, arguments VARCHAR NOT NULL,
    as_of_sec BIGINT, started_sec BIGINT NOT NULL, finished_sec BIGINT NOT NULL,
    outcome VARCHAR NOT NULL CHECK (outcome IN ('done', 'partial', 'refused', 'stopped', 'failed')),
    exit_code INTEGER NOT NULL, inputs VARCHAR NOT NULL, counts VARCHAR NOT NULL,
    message VARCHAR NOT NULL, version VARCHAR NOT NULL
);

CREATE TABLE staff (
    staff_id VARCHAR NOT NULL, name VARCHAR NOT NULL, department VARCHAR, store VARCHAR, phone VARCHAR,
    weight_milli BIGINT NOT NULL, daily_cap INTEGER, holding_cap INTEGER, channels VARCHAR, regions VARCHAR,
    is_active INTEGER NOT NULL, first_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);

CREATE TABLE leads (
    lead_id BIGINT NOT NULL, phone VARCHAR NOT NULL, name VARCHAR, source VARCHAR, channel VARCHAR,
    channel_key VARCHAR, remark VARCHAR, province VARCHAR, city VARCHAR, product VARCHAR, tags VARCHAR,
    attributes VARCHAR, imported_sec BIGINT NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE lead_sources (
    lead_id BIGINT NOT NULL, source VARCHAR, channel VARCHAR, file VARCHAR NOT NULL, row_no BIGINT NOT NULL,
    run_id BIGINT NOT NULL
);
CREATE TABLE lead_events (
    event_id BIGINT NOT NULL, lead_id BIGINT NOT NULL, at_sec BIGINT NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('imported', 'assigned')),
    staff_id VARCHAR, reason VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
CREATE VIEW lead_state AS
SELECT l.lead_id, l.phone, l.name, l.source, l.channel, l.channel_key, l.remark, l.province, l.city,
       l.product, l.tags, l.imported_sec, e.kind AS last_kind, e.at_sec AS last_sec, e.staff_id, e.run_id,
       CASE WHEN e.kind = 'assigned' THEN '待添加' ELSE '待分配' END AS state
FROM leads AS l
JOIN (SELECT lead_id, max(event_id) AS event_id FROM lead_events GROUP BY lead_id) AS last
  ON last.lead_id = l.lead_id
JOIN lead_events AS e ON e.event_id = last.event_id;

CREATE TABLE customers (
    customer_id BIGINT NOT NULL, name VARCHAR, province VARCHAR, city VARCHAR, run_id BIGINT NOT NULL
);
CREATE TABLE customer_keys (
    kind VARCHAR NOT NULL CHECK (kind IN ('buyer', 'phone')),
    namespace VARCHAR NOT NULL, value VARCHAR NOT NULL, customer_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE customer_merges (
    from_customer_id BIGINT NOT NULL, into_customer_id BIGINT NOT NULL,
    kind VARCHAR NOT NULL, value VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE opt_outs (phone VARCHAR NOT NULL, reason VARCHAR NOT NULL, at_sec BIGINT NOT NULL, run_id BIGINT NOT NULL);

CREATE TABLE order_lines (
    line_no BIGINT NOT NULL, order_no BIGINT NOT NULL, line_hash UHUGEINT NOT NULL, order_hash UHUGEINT NOT NULL,
    content_hash UHUGEINT NOT NULL, kind VARCHAR NOT NULL CHECK (kind IN ('sale', 'negative')),
    customer_id BIGINT, platform VARCHAR NOT NULL, shop VARCHAR, channel VARCHAR,
    order_id VARCHAR, line_id VARCHAR, buyer_id VARCHAR, phone VARCHAR, receiver VARCHAR,
    province VARCHAR, city VARCHAR, created_sec BIGINT, paid_sec BIGINT, paid_day INTEGER,
    finished_sec BIGINT,
    status VARCHAR NOT NULL CHECK (status IN ('unpaid', 'paid', 'closed', 'refunded')), status_text VARCHAR,
    refund_status VARCHAR, amount_total_fen BIGINT, paid_fen BIGINT NOT NULL, refund_fen BIGINT NOT NULL,
    refund_sec BIGINT, is_zero_purchase INTEGER NOT NULL, unit_price_fen BIGINT, quantity_milli BIGINT NOT NULL,
    product VARCHAR, product_key VARCHAR, product_id VARCHAR, sku VARCHAR, sku_key VARCHAR,
    category VARCHAR, category_key VARCHAR, shop_key VARCHAR, channel_key VARCHAR, platform_key VARCHAR,
    remark VARCHAR, exported_sec BIGINT NOT NULL, first_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE refunds (
    kind VARCHAR NOT NULL CHECK (kind IN ('returns', 'negative')), source_hash UHUGEINT NOT NULL,
    line_no BIGINT, customer_id BIGINT, platform VARCHAR, shop VARCHAR, shop_key VARCHAR,
    refund_sec BIGINT NOT NULL, refund_day INTEGER NOT NULL, refund_fen BIGINT NOT NULL, run_id BIGINT NOT NULL
);

CREATE TABLE tags (
    customer_id BIGINT NOT NULL, tag VARCHAR NOT NULL, source VARCHAR NOT NULL CHECK (source IN ('auto', 'manual')),
    pin VARCHAR NOT NULL CHECK (pin IN ('none', 'on', 'off')), set_day INTEGER NOT NULL,
    rule_hash VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE tag_log (
    run_id BIGINT NOT NULL, customer_id BIGINT NOT NULL, tag VARCHAR NOT NULL,
    action VARCHAR NOT NULL CHECK (action IN ('add', 'remove')), day INTEGER NOT NULL, rule_hash VARCHAR NOT NULL
);

CREATE TABLE score_runs (
    run_id BIGINT NOT NULL, scheme VARCHAR NOT NULL, as_of_sec BIGINT NOT NULL, thresholds VARCHAR NOT NULL,
    scheme_text VARCHAR NOT NULL
);
CREATE TABLE scores (
    run_id BIGINT NOT NULL, customer_id BIGINT NOT NULL, recency_days INTEGER NOT NULL,
    frequency BIGINT NOT NULL, monetary_fen BIGINT NOT NULL, monetary_per BIGINT NOT NULL,
    net_fen BIGINT NOT NULL, r_score INTEGER, f_score INTEGER, m_score INTEGER,
    segment_code VARCHAR NOT NULL, segment VARCHAR NOT NULL
);

CREATE TABLE exports (
    run_id BIGINT NOT NULL, kind VARCHAR NOT NULL, path VARCHAR NOT NULL, rows BIGINT NOT NULL,
    is_revealed INTEGER NOT NULL, is_written INTEGER NOT NULL
);
"""


def _m001_first_tables(con: DuckDBPyConnection) -> None:
    con.execute(_FIRST_TABLES)


# Who took part in a distribution, what each was given and owed: exact, so fairness holds over all
# batches. Owed is pool_rows/people plus `carry` (a fraction as text), which levels people who come in.
_LEAD_SHARES = """
CREATE TABLE lead_shares (
    run_id BIGINT NOT NULL, staff_id VARCHAR NOT NULL, given BIGINT NOT NULL, pool_rows BIGINT NOT NULL,
    people BIGINT NOT NULL, carry VARCHAR NOT NULL, workbook VARCHAR
)
"""


def _m002_lead_shares(con: DuckDBPyConnection) -> None:
    con.execute(_LEAD_SHARES)


# Orders that come again: previous versions for undo-import, details of orders, kinds of lines.
_ORDERS_AGAIN = """
SELECT 1
"""


def _m003_orders_again(con: DuckDBPyConnection) -> None:
    con.execute(_ORDERS_AGAIN)


# One customer of many keys: the merge log with its evidence, conflicts for review, keys kept apart.
_PEOPLE = """
SELECT 1
"""


def _m004_people(con: DuckDBPyConnection) -> None:
    con.execute(_PEOPLE)


# Friends of staff members (企业微信), what customers did, and ledger rows that take an import back.
_CONTACTS_AND_EVENTS = """
CREATE TABLE contacts (
    contact_no BIGINT NOT NULL, contact_hash UHUGEINT NOT NULL, content_hash UHUGEINT NOT NULL, customer_id BIGINT,
    staff_id VARCHAR, staff_name VARCHAR, external_userid VARCHAR, unionid VARCHAR, name VARCHAR, remark VARCHAR,
    phone VARCHAR, added_sec BIGINT, source VARCHAR, corp VARCHAR, tags VARCHAR, attributes VARCHAR,
    exported_sec BIGINT NOT NULL, first_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE events (
    event_no BIGINT NOT NULL, event_hash UHUGEINT NOT NULL, customer_id BIGINT, kind VARCHAR NOT NULL,
    at_sec BIGINT NOT NULL, day INTEGER NOT NULL, event_id VARCHAR, buyer_id VARCHAR, phone VARCHAR,
    platform VARCHAR, platform_key VARCHAR, shop VARCHAR, shop_key VARCHAR, channel VARCHAR, channel_key VARCHAR,
    product VARCHAR, product_key VARCHAR, sku VARCHAR, sku_key VARCHAR, category VARCHAR, category_key VARCHAR,
    page VARCHAR, remark VARCHAR, first_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);
"""


def _m005_contacts_and_events(con: DuckDBPyConnection) -> None:
    con.execute(_CONTACTS_AND_EVENTS)


MIGRATIONS: tuple[Callable[[DuckDBPyConnection], None], ...] = (
    _m001_first_tables, _m002_lead_shares, _m003_orders_again, _m004_people, _m005_contacts_and_events,
)  # fmt: skip
