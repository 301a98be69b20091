"""Customer facts beside their orders: who owns them, where they came from, how they were scored.

`fact_customers`: one row per customer as of a moment, text folded (words.fold) and '' where missing:
    customer_id, channel_key, source_key, province_key, city_key, owner_key (the owner's name), owner_id,
    department_key, store_key, is_opted_out, r_score, f_score, m_score (NULL where the scheme has no scores),
    segment_key, risk_key, stage_key, stage_days (customers/stages.py)

Owner and channel come from the leads with one of the customer's phones: the owner is the staff member
holding the oldest of those that are held, the channel and the source (来源) are those of the oldest. Owner and opt-out are those
of now, whatever the moment: a list always goes to whoever looks after the customer today. Scores are those
of the newest score run that speaks of the moment or an earlier one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.customers.stages import StageNames, build_stages
from siyu_cli.customers.words import register_words
from siyu_cli.store.scores import newest_score_run

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

OWNED_STATES = ("待添加", "待通过", "已添加")
"""States of a lead whose holder looks after the customer of its phone: nobody does after 拒绝 or 无效."""

# Words whose folded form is not stored; few even among millions of customers. Parameter: score run id.
_WORDS_SQL = """
SELECT province AS word FROM customers WHERE province IS NOT NULL
UNION SELECT city AS word FROM customers WHERE city IS NOT NULL
UNION SELECT name AS word FROM staff
UNION SELECT department AS word FROM staff WHERE department IS NOT NULL
UNION SELECT store AS word FROM staff WHERE store IS NOT NULL
UNION SELECT source AS word FROM leads WHERE source IS NOT NULL
UNION SELECT segment AS word FROM scores WHERE run_id = ?
"""

# Parameters: the states of leads that are somebody's; score run id.
PROFILE_SQL = """
WITH phones AS (
    SELECT customer_id AS phone_customer_id, value AS known_phone FROM customer_keys WHERE kind = 'phone'
),
known_leads AS (
    SELECT lead_id, phone, COALESCE(channel_key, '') AS lead_channel_key, source AS lead_source,
           CASE WHEN state IN (?, ?, ?) THEN COALESCE(staff_id, '') ELSE '' END AS holder_id
    FROM lead_state
),
own_leads AS (
    SELECT p.phone_customer_id AS lead_customer_id, MIN(l.lead_id) AS oldest_lead_id,
           MIN(CASE WHEN l.holder_id <> '' THEN l.lead_id END) AS held_lead_id
    FROM phones AS p
    JOIN known_leads AS l ON l.phone = p.known_phone
    GROUP BY p.phone_customer_id
),
opted AS (
    SELECT DISTINCT p.phone_customer_id AS opted_customer_id
    FROM phones AS p
    JOIN opt_outs AS o ON o.phone = p.known_phone
),
scored AS (
    SELECT customer_id AS scored_customer_id, r_score, f_score, m_score, segment, risk FROM scores WHERE run_id = ?
),
owners AS (
    SELECT s.staff_id AS owner_staff_id, name_words.word_key AS name_key,
           department_words.word_key AS department_key, store_words.word_key AS store_key
    FROM staff AS s
    LEFT JOIN word_keys AS name_words ON name_words.word = s.name
    LEFT JOIN word_keys AS department_words ON department_words.word = s.department
    LEFT JOIN word_keys AS store_words ON store_words.word = s.store
)
SELECT c.customer_id, COALESCE(first_lead.lead_channel_key, '') AS channel_key,
       COALESCE(source_words.word_key, '') AS source_key,
       COALESCE(province_words.word_key, '') AS province_key, COALESCE(city_words.word_key, '') AS city_key,
       COALESCE(o.name_key, '') AS owner_key, COALESCE(held.holder_id, '') AS owner_id,
       COALESCE(o.department_key, '') AS department_key, COALESCE(o.store_key, '') AS store_key,
       CASE WHEN x.opted_customer_id IS NOT NULL THEN 1 ELSE 0 END AS is_opted_out,
       s.r_score, s.f_score, s.m_score, COALESCE(segment_words.word_key, '') AS segment_key,
       COALESCE(s.risk, '') AS risk_key,
       COALESCE(stages.stage_key, '') AS stage_key,
       CASE WHEN stages.stage_key IS NOT NULL THEN COALESCE(stood.stage_days, 0) END AS stage_days
FROM customers AS c
LEFT JOIN own_leads AS own ON own.lead_customer_id = c.customer_id
LEFT JOIN known_leads AS first_lead ON first_lead.lead_id = own.oldest_lead_id
LEFT JOIN known_leads AS held ON held.lead_id = own.held_lead_id
LEFT JOIN word_keys AS source_words ON source_words.word = first_lead.lead_source
LEFT JOIN owners AS o ON o.owner_staff_id = held.holder_id
LEFT JOIN opted AS x ON x.opted_customer_id = c.customer_id
LEFT JOIN scored AS s ON s.scored_customer_id = c.customer_id
LEFT JOIN word_keys AS segment_words ON segment_words.word = s.segment
LEFT JOIN word_keys AS province_words ON province_words.word = c.province
LEFT JOIN word_keys AS city_words ON city_words.word = c.city
LEFT JOIN fact_stages AS stood ON stood.staged_customer_id = c.customer_id
LEFT JOIN stage_names AS stages ON stages.known_as = COALESCE(stood.stage, '')
"""


def build_profiles(engine: Engine, as_of: AsOf, stages: StageNames | None = None) -> None:
    """Make `fact_customers` as of a moment (and the small tables it is joined with).

    With the `stages` of the rule files the stages are those that a run of the rules starts from; without, those
    that hold.
    """
    build_stages(engine, as_of, stages)
    run = newest_score_run(engine, as_of)
    run_id = run.run_id if run else 0
    register_words(engine, "word_keys", _WORDS_SQL, (run_id,))
    engine.write(PROFILE_SQL, "fact_customers", (*OWNED_STATES, run_id))
