"""The tables of the store, as numbered steps that are applied once and in order.

Append a step, never edit one that has been released. Conventions: `*_sec` local seconds, `*_day`
local day numbers (see clock), `*_fen` integer fen, `*_milli` thousandths, flags 0/1 integers,
`*_key` folded text for comparisons (see words.fold). Large tables carry no PRIMARY KEY: it costs
three times the load time, and every write goes through a deduplicated staging table instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from siyu_cli.store import desk_tables, rule_tables
from siyu_cli.store.unique_texts import m017_unique_texts

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


# Orders that come again: what stood before and who said the same (see store.versions); rows that only say
# what was in an order (`is_detail`), and the order's net spread over them from each moment it changes at;
# return lists row by row and order by order, from which the refunds of kind `returns` follow.
_ORDERS_AGAIN = """
ALTER TABLE order_lines DROP COLUMN content_hash;
ALTER TABLE order_lines ADD COLUMN level VARCHAR DEFAULT 'line';
ALTER TABLE order_lines ADD COLUMN is_detail INTEGER DEFAULT 0;
ALTER TABLE order_lines ADD COLUMN is_goods INTEGER DEFAULT 1;
UPDATE order_lines SET level = 'order' WHERE line_hash = order_hash;
CREATE TABLE order_lines_versions AS SELECT * FROM order_lines LIMIT 0;
CREATE TABLE order_lines_confirmed (
    line_no BIGINT NOT NULL, of_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL, exported_sec BIGINT NOT NULL
);
CREATE TABLE item_nets (
    order_no BIGINT NOT NULL, line_no BIGINT NOT NULL, from_sec BIGINT NOT NULL, net_fen BIGINT NOT NULL
);
CREATE TABLE return_rows (
    source_hash UHUGEINT NOT NULL, order_hash UHUGEINT NOT NULL, line_id VARCHAR, refund_fen BIGINT,
    refunded_sec BIGINT, run_id BIGINT NOT NULL
);
INSERT INTO return_rows
SELECT f.source_hash, l.order_hash, NULL, s.refund_fen, f.refund_sec, s.run_id
FROM refunds AS f JOIN order_lines AS l USING (line_no)
JOIN (SELECT source_hash, sum(refund_fen) AS refund_fen, min(run_id) AS run_id FROM refunds GROUP BY source_hash) AS s
  USING (source_hash)
WHERE f.kind = 'returns' GROUP BY ALL;
"""


def _m003_orders_again(con: DuckDBPyConnection) -> None:
    con.execute(_ORDERS_AGAIN)


# One customer of many keys: `born_id` is the customer id a key came in under, and a customer is what active
# merges (split_run_id IS NULL) hold together of these, under the oldest of them. A merge is a link of two
# keys, (kind, namespace, value) on the side of into_born_id; both are NULL where a person merged by hand.
# Conflicts are links that were not followed, `against_*` saying of what there would be two; `answer` is a
# person's. identity_apart are keys that a person has said to belong to two people.
_PEOPLE = """
CREATE TABLE keys_again (
    kind VARCHAR NOT NULL CHECK (kind IN ('buyer', 'phone', 'unionid', 'external_userid')),
    namespace VARCHAR NOT NULL, value VARCHAR NOT NULL, customer_id BIGINT NOT NULL, run_id BIGINT NOT NULL,
    seen_sec BIGINT, born_id BIGINT NOT NULL
);
INSERT INTO keys_again SELECT kind, namespace, value, customer_id, run_id, NULL, customer_id FROM customer_keys;
DROP TABLE customer_keys;
ALTER TABLE keys_again RENAME TO customer_keys;

CREATE TABLE merges_again (
    merge_no BIGINT NOT NULL, from_customer_id BIGINT NOT NULL, into_customer_id BIGINT NOT NULL,
    from_born_id BIGINT NOT NULL, into_born_id BIGINT NOT NULL,
    kind VARCHAR, namespace VARCHAR, value VARCHAR, with_kind VARCHAR, with_namespace VARCHAR, with_value VARCHAR,
    seen_sec BIGINT, run_id BIGINT NOT NULL, from_run_id BIGINT NOT NULL,
    from_name VARCHAR, from_province VARCHAR, from_city VARCHAR, split_run_id BIGINT
);
INSERT INTO merges_again
SELECT row_number() OVER (ORDER BY run_id, from_customer_id), from_customer_id, into_customer_id,
       from_customer_id, into_customer_id, kind, '', value, NULL, NULL, NULL, NULL, run_id, 0, NULL, NULL, NULL, NULL
FROM customer_merges;
DROP TABLE customer_merges;
ALTER TABLE merges_again RENAME TO customer_merges;

CREATE TABLE identity_conflicts (
    conflict_no BIGINT NOT NULL, kind VARCHAR NOT NULL, namespace VARCHAR NOT NULL, value VARCHAR NOT NULL,
    with_kind VARCHAR NOT NULL, with_namespace VARCHAR NOT NULL, with_value VARCHAR NOT NULL,
    against_kind VARCHAR NOT NULL, against_namespace VARCHAR NOT NULL, seen_sec BIGINT,
    answer VARCHAR CHECK (answer IN ('same', 'different')), run_id BIGINT NOT NULL, answer_run_id BIGINT
);
CREATE TABLE identity_apart (
    apart_no BIGINT NOT NULL, kind VARCHAR NOT NULL, namespace VARCHAR NOT NULL, value VARCHAR NOT NULL,
    with_kind VARCHAR NOT NULL, with_namespace VARCHAR NOT NULL, with_value VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
"""


def _m004_people(con: DuckDBPyConnection) -> None:
    con.execute(_PEOPLE)


# Friends of staff members (企业微信) and what customers did; versions of staff and friends for undo-import;
# which list named a lead (`batch`), tags put on phones, and ledger rows that take leads back. A lead that
# was taken back is in the ledger only: `lead_state` shows leads that are work. `held_tags` has every tag a
# customer holds once: those of rules, those set by hand and those of its phones; a hand wins over a rule.
_CONTACTS_AND_EVENTS = """
DROP VIEW lead_state;
CREATE TABLE lead_ledger (
    event_id BIGINT NOT NULL, lead_id BIGINT NOT NULL, at_sec BIGINT NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('imported', 'assigned', 'undone')),
    staff_id VARCHAR, reason VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
INSERT INTO lead_ledger SELECT * FROM lead_events ORDER BY event_id;
DROP TABLE lead_events;
ALTER TABLE lead_ledger RENAME TO lead_events;
CREATE VIEW lead_state AS
SELECT l.lead_id, l.phone, l.name, l.source, l.channel, l.channel_key, l.remark, l.province, l.city,
       l.product, l.tags, l.imported_sec, e.kind AS last_kind, e.at_sec AS last_sec, e.staff_id, e.run_id,
       CASE WHEN e.kind = 'assigned' THEN '待添加' ELSE '待分配' END AS state
FROM leads AS l
JOIN (SELECT lead_id, max(event_id) AS event_id FROM lead_events GROUP BY lead_id) AS last
  ON last.lead_id = l.lead_id
JOIN lead_events AS e ON e.event_id = last.event_id
WHERE e.kind <> 'undone';

ALTER TABLE lead_sources ADD COLUMN batch VARCHAR;
UPDATE lead_sources SET batch = file;
CREATE TABLE phone_tags (
    phone VARCHAR NOT NULL, tag VARCHAR NOT NULL, batch VARCHAR NOT NULL, set_day INTEGER NOT NULL,
    run_id BIGINT NOT NULL
);
INSERT INTO phone_tags
SELECT DISTINCT phone, tag, batch, set_day, run_id FROM (
    SELECT l.phone, trim(unnest(string_split_regex(l.tags, '[,，;；、|\n]'))) AS tag, s.batch,
           CAST(floor(l.imported_sec / 86400) AS INTEGER) AS set_day, l.run_id
    FROM leads AS l
    JOIN (SELECT lead_id, min(batch) AS batch FROM lead_sources GROUP BY lead_id) AS s ON s.lead_id = l.lead_id
) WHERE tag <> '';
CREATE VIEW held_tags AS
WITH by_phone AS (
    SELECT k.customer_id, p.tag, min(p.set_day) AS set_day, min(p.run_id) AS run_id
    FROM phone_tags AS p JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = p.phone
    WHERE NOT EXISTS (SELECT 1 FROM tags AS t WHERE t.customer_id = k.customer_id AND t.tag = p.tag
                      AND (t.source = 'manual' OR t.pin = 'off'))
    GROUP BY k.customer_id, p.tag
)
SELECT customer_id, tag, 'manual' AS source, 'none' AS pin, set_day, run_id FROM by_phone
UNION ALL
SELECT t.customer_id, t.tag, t.source, t.pin, t.set_day, t.run_id FROM tags AS t
WHERE t.pin <> 'off' AND NOT EXISTS (SELECT 1 FROM by_phone AS b WHERE b.customer_id = t.customer_id AND b.tag = t.tag);

CREATE TABLE staff_versions AS SELECT * FROM staff LIMIT 0;
CREATE TABLE staff_confirmed (
    staff_id VARCHAR NOT NULL, of_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL, exported_sec BIGINT NOT NULL
);

CREATE TABLE contacts (
    contact_no BIGINT NOT NULL, customer_id BIGINT, staff_id VARCHAR, staff_name VARCHAR, corp VARCHAR,
    external_userid VARCHAR, unionid VARCHAR, name VARCHAR, remark VARCHAR, description VARCHAR, phone VARCHAR,
    phones VARCHAR, is_phone_noted INTEGER NOT NULL, added_sec BIGINT, source VARCHAR, tags VARCHAR,
    attributes VARCHAR, lost_sec BIGINT, exported_sec BIGINT NOT NULL, first_run_id BIGINT NOT NULL,
    run_id BIGINT NOT NULL
);
CREATE TABLE contacts_versions AS SELECT * FROM contacts LIMIT 0;
CREATE TABLE contacts_confirmed (
    contact_no BIGINT NOT NULL, of_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL, exported_sec BIGINT NOT NULL
);

CREATE TABLE events (
    event_no BIGINT NOT NULL, event_hash UHUGEINT NOT NULL, customer_id BIGINT, kind VARCHAR NOT NULL,
    at_sec BIGINT NOT NULL, day INTEGER NOT NULL, event_id VARCHAR, buyer_id VARCHAR, phone VARCHAR,
    external_userid VARCHAR, unionid VARCHAR, platform VARCHAR, platform_key VARCHAR, shop VARCHAR,
    shop_key VARCHAR, channel VARCHAR, channel_key VARCHAR, product VARCHAR, product_key VARCHAR,
    product_id VARCHAR, sku VARCHAR, sku_key VARCHAR, category VARCHAR, category_key VARCHAR, page VARCHAR,
    remark VARCHAR, first_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL
);
CREATE TABLE events_versions AS SELECT * FROM events LIMIT 0;
CREATE TABLE events_confirmed (
    event_no BIGINT NOT NULL, of_run_id BIGINT NOT NULL, run_id BIGINT NOT NULL, exported_sec BIGINT NOT NULL
);
"""


def _m005_contacts_and_events(con: DuckDBPyConnection) -> None:
    con.execute(_CONTACTS_AND_EVENTS)


def _m006_lead_desk(con: DuckDBPyConnection) -> None:
    desk_tables.lead_desk_step(con)


def _m007_fair_shares(con: DuckDBPyConnection) -> None:
    desk_tables.fair_shares_step(con)


def _m008_reminders(con: DuckDBPyConnection) -> None:
    desk_tables.reminders_step(con)


def _m009_behaviour(con: DuckDBPyConnection) -> None:
    rule_tables.behaviour_step(con)


def _m010_traits(con: DuckDBPyConnection) -> None:
    rule_tables.traits_step(con)


def _m011_stages(con: DuckDBPyConnection) -> None:
    rule_tables.stages_step(con)


def _m012_tag_machine(con: DuckDBPyConnection) -> None:
    rule_tables.tag_machine_step(con)


def _m013_churn(con: DuckDBPyConnection) -> None:
    rule_tables.churn_step(con)


def _m014_tag_exports(con: DuckDBPyConnection) -> None:
    rule_tables.tag_exports_step(con)


def _m015_pin_ends(con: DuckDBPyConnection) -> None:
    rule_tables.pin_ends_step(con)


# The largest number ever given: numbers stand in sheets outside, which nobody can take back.
_GIVEN_NUMBERS = """
CREATE TABLE given_numbers (name VARCHAR NOT NULL, last BIGINT NOT NULL);
INSERT INTO given_numbers SELECT 'customer', coalesce(max(number), 0) FROM (
    SELECT max(customer_id) AS number FROM customers
    UNION ALL SELECT max(born_id) FROM customer_keys
    UNION ALL SELECT max(from_customer_id) FROM customer_merges);
"""


def _m016_given_numbers(con: DuckDBPyConnection) -> None:
    con.execute(_GIVEN_NUMBERS)


MIGRATIONS: tuple[Callable[[DuckDBPyConnection], None], ...] = (
    _m001_first_tables, _m002_lead_shares, _m003_orders_again, _m004_people, _m005_contacts_and_events,
    _m006_lead_desk, _m007_fair_shares, _m008_reminders, _m009_behaviour,
    _m010_traits, _m011_stages, _m012_tag_machine, _m013_churn, _m014_tag_exports,
    _m015_pin_ends, _m016_given_numbers,
    m017_unique_texts,
)  # fmt: skip
