"""More facts of customers, each made only where a condition asks for it. Common-core SQL; see `profile` for the rest.

`fact_traits`: what lists say of a customer (view customer_traits), one row per customer with any of it:
    customer_id, gender_key (男, 女), birth_month, birth_day, level_key, points
    A birthday on 29 February is on 28 February in common years.

`fact_friends`: one row per customer who was ever somebody's friend in 企业微信, as of a moment:
    customer_id, is_friend, is_lost (was a friend and is nobody's now),
    friend_days (days since the first friendship that still stands; NULL where none has a known day)

`fact_bindings`: one row per customer, as of a moment:
    customer_id, is_bound (a friend, or with a known phone, and with at least one row of an order)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.customers.words import register_words

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

# Parameter: 1 in leap years.
FACT_TRAITS_SQL = """
SELECT t.customer_id, COALESCE(t.gender, '') AS gender_key, t.birth_month,
       CASE WHEN t.birth_month = 2 AND t.birth_day = 29 AND ? = 0 THEN 28 ELSE t.birth_day END AS birth_day,
       COALESCE(w.word_key, '') AS level_key, t.points
FROM known_traits AS t
LEFT JOIN level_keys AS w ON w.word = t.level
"""

# Parameters: as_of seconds, as_of seconds, as_of day.
FACT_FRIENDS_SQL = """
WITH known AS (
    SELECT customer_id AS friend_customer_id, added_day,
           CASE WHEN lost_sec IS NULL OR lost_sec > ? THEN 1 ELSE 0 END AS stands
    FROM friendships WHERE added_sec IS NULL OR added_sec <= ?
)
SELECT friend_customer_id AS customer_id, MAX(stands) AS is_friend, 1 - MAX(stands) AS is_lost,
       ? - MIN(CASE WHEN stands = 1 THEN added_day END) AS friend_days
FROM known
GROUP BY friend_customer_id
"""

# Parameter: as_of seconds. Reads fact_friends.
FACT_BINDINGS_SQL = """
WITH reached AS (
    SELECT customer_id AS reached_customer_id FROM fact_friends WHERE is_friend = 1
    UNION
    SELECT customer_id AS reached_customer_id FROM customer_keys WHERE kind = 'phone'
),
ordered AS (
    SELECT DISTINCT customer_id AS ordered_customer_id FROM order_lines
    WHERE customer_id IS NOT NULL AND COALESCE(created_sec, paid_sec, 0) <= ?
)
SELECT c.customer_id,
       CASE WHEN r.reached_customer_id IS NOT NULL AND o.ordered_customer_id IS NOT NULL THEN 1 ELSE 0 END AS is_bound
FROM customers AS c
LEFT JOIN reached AS r ON r.reached_customer_id = c.customer_id
LEFT JOIN ordered AS o ON o.ordered_customer_id = c.customer_id
"""


def build_traits(engine: Engine, as_of: AsOf) -> None:
    """Make `fact_traits`; what was said later than the moment counts too, like every field of now."""
    from calendar import isleap

    engine.write(
        "SELECT customer_id, gender, birth_month, birth_day, level, points FROM customer_traits",
        "known_traits",
    )
    register_words(
        engine, "level_keys", "SELECT DISTINCT level AS word FROM known_traits WHERE level IS NOT NULL"
    )
    engine.write(FACT_TRAITS_SQL, "fact_traits", (int(isleap(as_of.date.year)),))


def build_friends(engine: Engine, as_of: AsOf) -> None:
    """Make `fact_friends` as of a moment."""
    engine.write(FACT_FRIENDS_SQL, "fact_friends", (as_of.seconds, as_of.seconds, as_of.day))


def build_bindings(engine: Engine, as_of: AsOf) -> None:
    """Make `fact_bindings` as of a moment."""
    build_friends(engine, as_of)
    engine.write(FACT_BINDINGS_SQL, "fact_bindings", (as_of.seconds,))
