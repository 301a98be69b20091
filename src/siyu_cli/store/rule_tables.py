"""Steps of the store (see migrations) that give conditions more to speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Pages and groups of events folded like everything conditions compare; who was on an exported push list
# (`day` of at_sec); the churn risk of a scored customer, missing where a scheme says nothing of it.
_BEHAVIOUR = """
ALTER TABLE events ADD COLUMN page_key VARCHAR;
ALTER TABLE events_versions ADD COLUMN page_key VARCHAR;
CREATE TABLE push_members (
    run_id BIGINT NOT NULL, push VARCHAR NOT NULL, push_key VARCHAR NOT NULL, customer_id BIGINT NOT NULL,
    at_sec BIGINT NOT NULL, day INTEGER NOT NULL
);
ALTER TABLE scores ADD COLUMN risk VARCHAR;
"""

# The tag machine. `tags`: on which day a person pinned, and whether the customer has the tag in the end
# (`is_held` 0: pinned off, a pin that lost its group, or a row of the rules that says a tag of the customer's
# phones is not held because its group has another winner). `tag_truths`: the last applied day on which the
# condition of a tag with `keep` was true. `tag_runs`: the rules each run went by. `tag_log` says why.
_TAG_MACHINE = """
DROP VIEW held_tags;
ALTER TABLE tags ADD COLUMN pin_day INTEGER;
ALTER TABLE tags ADD COLUMN is_held INTEGER DEFAULT 1;
UPDATE tags SET pin_day = set_day WHERE pin <> 'none';
UPDATE tags SET is_held = 0 WHERE pin = 'off';
CREATE VIEW held_tags AS
WITH by_phone AS (
    SELECT k.customer_id, p.tag, min(p.set_day) AS set_day, min(p.run_id) AS run_id
    FROM phone_tags AS p JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = p.phone
    WHERE NOT EXISTS (SELECT 1 FROM tags AS t WHERE t.customer_id = k.customer_id AND t.tag = p.tag
                      AND (t.source = 'manual' OR t.pin = 'off' OR t.is_held = 0))
    GROUP BY k.customer_id, p.tag
)
SELECT customer_id, tag, 'manual' AS source, 'none' AS pin, set_day, run_id FROM by_phone
UNION ALL
SELECT t.customer_id, t.tag, t.source, t.pin, t.set_day, t.run_id FROM tags AS t
WHERE t.pin <> 'off' AND t.is_held = 1
  AND NOT EXISTS (SELECT 1 FROM by_phone AS b WHERE b.customer_id = t.customer_id AND b.tag = t.tag);

CREATE TABLE tag_truths (customer_id BIGINT NOT NULL, tag VARCHAR NOT NULL, last_true_day INTEGER NOT NULL);
CREATE TABLE tag_rules (digest VARCHAR NOT NULL, files VARCHAR NOT NULL, run_id BIGINT NOT NULL);
CREATE TABLE tag_runs (
    run_id BIGINT NOT NULL, as_of_sec BIGINT NOT NULL, digest VARCHAR NOT NULL, plan_id VARCHAR NOT NULL
);
CREATE TABLE tag_history (
    run_id BIGINT NOT NULL, customer_id BIGINT NOT NULL, tag VARCHAR NOT NULL,
    action VARCHAR NOT NULL CHECK (action IN ('add', 'remove', 'pin_on', 'pin_off', 'unpin')),
    day INTEGER NOT NULL, rule_hash VARCHAR NOT NULL, cause VARCHAR NOT NULL, reason VARCHAR NOT NULL
);
INSERT INTO tag_history SELECT run_id, customer_id, tag, action, day, rule_hash, '', '' FROM tag_log;
DROP TABLE tag_log;
ALTER TABLE tag_history RENAME TO tag_log;
"""


def tag_machine_step(con: DuckDBPyConnection) -> None:
    """Pins with a day, grace, the rules of each run, causes."""
    con.execute(_TAG_MACHINE)


# The tags that staff were told to set on a friend and not to take off since. A number of `contacts` that stands here
# is given to no other friendship, even where an import is taken back.
_TAG_EXPORTS = """
CREATE TABLE tag_exports (
    contact_no BIGINT NOT NULL, staff_key VARCHAR NOT NULL, external_userid VARCHAR, tag VARCHAR NOT NULL,
    run_id BIGINT NOT NULL
);
"""


def tag_exports_step(con: DuckDBPyConnection) -> None:
    """Make the table of exported tags."""
    con.execute(_TAG_EXPORTS)


# What lists of leads and friends say of people in columns of their own, by the headers such lists use. A list
# of words each, the first that holds something counts.
_TRAIT_HEADERS = {
    "gender": ("性别", "客户性别", "会员性别", "gender", "sex"),
    "birthday": ("生日", "客户生日", "会员生日", "出生日期", "出生年月日", "birthday"),
    "level": ("会员等级", "会员级别", "客户等级", "客户级别", "会员卡等级", "等级", "member_level"),
    "points": ("积分", "客户积分", "会员积分", "当前积分", "可用积分", "剩余积分", "积分余额", "points"),
}

# phone_traits: these columns as the lists of a run brought them, of leads and of people who make none (friends,
# customers). customer_traits: one row per customer with a trait; each is the newest that can be read, missing where none
# can. friendships: who was whose friend from when to when, days beside seconds for queries that do not divide.
_TRAITS = r"""
CREATE TABLE phone_traits (
    phone VARCHAR NOT NULL, attributes VARCHAR NOT NULL, batch VARCHAR NOT NULL, at_sec BIGINT NOT NULL,
    run_id BIGINT NOT NULL
);
INSERT INTO phone_traits
SELECT l.phone, l.attributes, coalesce((SELECT min(batch) FROM lead_sources AS s WHERE s.lead_id = l.lead_id), ''),
       l.imported_sec, l.run_id
FROM leads AS l SEMI JOIN lead_state AS s ON s.lead_id = l.lead_id WHERE l.attributes IS NOT NULL;

CREATE VIEW customer_traits AS
WITH told AS (
    SELECT k.customer_id, t.at_sec, 0 AS origin, t.run_id AS told_no, t.phone, t.attributes
    FROM phone_traits AS t JOIN customer_keys AS k ON k.kind = 'phone' AND k.value = t.phone
    UNION ALL
    SELECT customer_id, exported_sec, 1, contact_no, '', attributes
    FROM contacts WHERE customer_id IS NOT NULL AND attributes IS NOT NULL
),
listed AS (
    SELECT customer_id, {newness} AS newness, json_extract_string(attributes, [{paths}]) AS held
    FROM told
),
said AS (
    SELECT customer_id, newness, {words} FROM listed
),
meant AS (
    SELECT customer_id, newness, level,
           CASE WHEN lower(gender) IN ('男', '男性', '先生', 'm', 'male') THEN '男'
                WHEN lower(gender) IN ('女', '女性', '女士', '小姐', 'f', 'female') THEN '女' END AS gender,
           regexp_extract(birthday, '^(?:[0-9]{{4}}\s*[-/.年]\s*)?([0-9]{{1,2}})\s*[-/.月]\s*([0-9]{{1,2}})\s*[日号]?(?:[ T].*)?$',
                          ['m', 'd']) AS parted,
           regexp_extract(birthday, '^[0-9]{{4}}([0-9]{{2}})([0-9]{{2}})$', ['m', 'd']) AS packed,
           TRY_CAST(regexp_extract(replace(points, ',', ''), '^(-?[0-9]{{1,12}})(?:\.[0-9]*)?\s*分?$', 1) AS BIGINT) AS points
    FROM said
),
dated AS (
    SELECT *, TRY_CAST(coalesce(nullif(parted.m, ''), packed.m) AS INTEGER) AS month,
           TRY_CAST(coalesce(nullif(parted.d, ''), packed.d) AS INTEGER) AS day_of_month
    FROM meant
),
born AS (
    SELECT *, CASE WHEN month BETWEEN 1 AND 12 AND day_of_month BETWEEN 1 AND
              CASE WHEN month = 2 THEN 29 WHEN month IN (4, 6, 9, 11) THEN 30 ELSE 31 END
              THEN month * 100 + day_of_month END AS birthday
    FROM dated
),
newest AS (
    SELECT customer_id, arg_max(gender, newness) FILTER (gender IS NOT NULL) AS gender,
           arg_max(birthday, newness) FILTER (birthday IS NOT NULL) AS birthday,
           arg_max(level, newness) FILTER (level IS NOT NULL) AS level,
           arg_max(points, newness) FILTER (points IS NOT NULL) AS points
    FROM born GROUP BY customer_id
)
SELECT customer_id, gender, CAST(birthday // 100 AS INTEGER) AS birth_month, CAST(birthday % 100 AS INTEGER) AS birth_day,
       level, points
FROM newest WHERE gender IS NOT NULL OR birthday IS NOT NULL OR level IS NOT NULL OR points IS NOT NULL;

CREATE VIEW friendships AS
SELECT customer_id, contact_no, added_sec, CAST(floor(added_sec / 86400) AS INTEGER) AS added_day, lost_sec
FROM contacts WHERE customer_id IS NOT NULL;
"""


# When, friends before lists, in which order of coming, of which phone: one number, since structs compare slowly.
_NEWNESS = (
    "((at_sec * 2 + origin)::HUGEINT * 4294967296 + told_no) * 1000000000000000"
    " + coalesce(TRY_CAST(phone AS BIGINT), 0)"
)


def traits_step(con: DuckDBPyConnection) -> None:
    """Traits and friendships of customers as views."""
    headers = [header for known in _TRAIT_HEADERS.values() for header in known]
    paths = ", ".join(f"'$.\"{header}\"'" for header in headers)
    words = []
    for name, known in _TRAIT_HEADERS.items():
        held = (f"nullif(trim(held[{headers.index(header) + 1}]), '')" for header in known)
        words.append(f"coalesce({', '.join(held)}) AS {name}")
    con.execute(_TRAITS.format(paths=paths, words=", ".join(words), newness=_NEWNESS))


def behaviour_step(con: DuckDBPyConnection) -> None:
    """Pages as keys, members of pushes, risks."""
    import pyarrow as pa

    con.execute(_BEHAVIOUR)
    tables = ("events", "events_versions")
    known = " UNION ".join(f"SELECT page FROM {table} WHERE page IS NOT NULL" for table in tables)
    pages = [page for (page,) in con.execute(known).fetchall()]
    if not pages:
        return
    con.register("folded_pages", pa.table({"page": pages, "page_key": [fold(page) for page in pages]}))
    for table in tables:
        con.execute(
            f"UPDATE {table} SET page_key = f.page_key FROM folded_pages AS f WHERE f.page = {table}.page"
        )
    con.unregister("folded_pages")


# Until which day a hand on a tag counts, that day included; NULL where it counts until further notice.
_PIN_ENDS = "ALTER TABLE tags ADD COLUMN pin_until INTEGER"


def pin_ends_step(con: DuckDBPyConnection) -> None:
    """Hands on tags may have an end."""
    con.execute(_PIN_ENDS)


# The stages customers go through. stage_moves is their history, only ever added to; a row says how the customer
# stands after it: in which stage, since when, and who decides next (`mode`: 'rule' moves on, 'hand' stays until
# released, 'released' goes wherever a rule says). `start` is where a customer is first met: it gives way to
# everything else, also after a merge. `undoes` is the move an `undo` takes back. stage_lists is the list as it was
# last applied, stage_renames what its stages were called before; stage_waiting holds what staff said of phones that are nobody's yet.
_STAGES = """
CREATE TABLE stage_moves (
    move_no BIGINT NOT NULL, customer_id BIGINT NOT NULL, at_sec BIGINT NOT NULL,
    source VARCHAR NOT NULL CHECK (source IN (
        'start', 'rule', 'hand', 'waited', 'release', 'rename', 'merged', 'undo')),
    from_stage VARCHAR, to_stage VARCHAR NOT NULL, since_sec BIGINT NOT NULL, since_day INTEGER NOT NULL,
    mode VARCHAR NOT NULL CHECK (mode IN ('rule', 'hand', 'released')),
    undoes BIGINT, staff_id VARCHAR, reason VARCHAR NOT NULL, run_id BIGINT NOT NULL
);
CREATE VIEW stage_state AS
SELECT customer_id, to_stage AS stage, since_sec, since_day, mode, source, move_no, at_sec FROM stage_moves
QUALIFY row_number() OVER (PARTITION BY customer_id
    ORDER BY CASE WHEN source = 'start' THEN 1 ELSE 0 END, at_sec DESC, move_no DESC) = 1;
CREATE TABLE stage_lists (
    run_id BIGINT NOT NULL, position INTEGER NOT NULL, stage VARCHAR NOT NULL, remind_days INTEGER,
    is_lost INTEGER NOT NULL
);
CREATE TABLE stage_renames (run_id BIGINT NOT NULL, known_as VARCHAR NOT NULL, stage VARCHAR NOT NULL);
CREATE TABLE stage_waiting (
    phone VARCHAR NOT NULL, stage VARCHAR NOT NULL, at_sec BIGINT NOT NULL, staff_id VARCHAR,
    reason VARCHAR NOT NULL, run_id BIGINT NOT NULL, used_run_id BIGINT
);
CREATE TABLE stage_reminders (
    customer_id BIGINT NOT NULL, since_sec BIGINT NOT NULL, day INTEGER NOT NULL, staff_id VARCHAR NOT NULL,
    run_id BIGINT NOT NULL
);
"""


def stages_step(con: DuckDBPyConnection) -> None:
    """Make the tables of lifecycle stages."""
    con.execute(_STAGES)


# What a backtest adds to a score run: the cycle, the test and the risks as JSON, and per customer the probability
# the risk rests on, their rhythm and lateness in days, purchases and worth (fen) expected within 90 and 365 days.
_CHURN = """
ALTER TABLE score_runs ADD COLUMN churn VARCHAR;
ALTER TABLE scores ADD COLUMN p_buy DOUBLE;
ALTER TABLE scores ADD COLUMN rhythm_days BIGINT;
ALTER TABLE scores ADD COLUMN late_days BIGINT;
ALTER TABLE scores ADD COLUMN expected_90 DOUBLE;
ALTER TABLE scores ADD COLUMN expected_365 DOUBLE;
ALTER TABLE scores ADD COLUMN expected_365_low BIGINT;
ALTER TABLE scores ADD COLUMN expected_365_high BIGINT;
ALTER TABLE scores ADD COLUMN value_90_fen BIGINT;
ALTER TABLE scores ADD COLUMN value_365_fen BIGINT;
ALTER TABLE scores ADD COLUMN value_365_low_fen BIGINT;
ALTER TABLE scores ADD COLUMN value_365_high_fen BIGINT;
"""


def churn_step(con: DuckDBPyConnection) -> None:
    """Columns of churn beside the scores."""
    con.execute(_CHURN)
