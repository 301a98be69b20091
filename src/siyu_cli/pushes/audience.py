"""Who is in a push list: the holders of a tag or segment, what they bought, who looks after them.

The people are found by common-core SQL over `fact_customers` and `fact_orders`; what only a reader needs
(nicknames, platforms, phones) is joined in Python for the people on the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import date_of
from siyu_cli.customers.facts import build_facts
from siyu_cli.customers.profile import build_profiles
from siyu_cli.language import tr
from siyu_cli.store.orders import GLOBAL_NAMESPACE

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.pushes.names import Target
    from siyu_cli.store.engine import Engine

# Parameter: the tag.
_TAG_SQL = "SELECT customer_id FROM held_tags WHERE tag = ?"
# Parameters: score run, segment.
_SEGMENT_SQL = "SELECT customer_id FROM scores WHERE run_id = ? AND segment = ?"

_PEOPLE_SQL = """
WITH bought AS (
    SELECT customer_id AS buyer_customer_id, SUM(is_order) AS order_total, SUM(net_fen) AS net_total,
           MAX(CASE WHEN is_order = 1 THEN paid_day END) AS last_day
    FROM fact_orders WHERE customer_id IS NOT NULL
    GROUP BY customer_id
)
SELECT p.customer_id, p.owner_id, p.is_opted_out, c.province, c.city,
       CAST(COALESCE(b.order_total, 0) AS BIGINT) AS orders,
       CAST(COALESCE(b.net_total, 0) AS BIGINT) AS spent_fen, b.last_day
FROM push_audience AS a
JOIN fact_customers AS p ON p.customer_id = a.customer_id
JOIN customers AS c ON c.customer_id = a.customer_id
LEFT JOIN bought AS b ON b.buyer_customer_id = a.customer_id
ORDER BY spent_fen DESC, p.customer_id
"""

_KEYS_SQL = """
SELECT k.customer_id, k.kind, k.namespace, k.value FROM customer_keys AS k
JOIN push_audience AS a ON a.customer_id = k.customer_id
ORDER BY k.customer_id, k.kind, k.namespace, k.value
"""
_TAGS_SQL = """
SELECT t.customer_id, t.tag FROM held_tags AS t
JOIN push_audience AS a ON a.customer_id = t.customer_id
ORDER BY t.customer_id, t.tag
"""
# Parameter: score run.
_SEGMENTS_SQL = """
SELECT s.customer_id, s.segment_code, s.segment, s.r_score, s.f_score, s.m_score, s.risk FROM scores AS s
JOIN push_audience AS a ON a.customer_id = s.customer_id
WHERE s.run_id = ?
"""

# What to do with each of the eight, in the words operators use; other schemes have no advice.
ADVICE = {
    "111": "专人维护:新品、专属权益先给",
    "101": "买得贵但次数少:用关联品和会员权益带复购",
    "011": "老主顾变冷:本周主动联系,问近况再推",
    "001": "曾经花得多:一对一挽留,给回归礼",
    "110": "常来但客单低:推组合装、加价购",
    "100": "新近一两单:教用法,引导第二单",
    "010": "习惯还在:到期提醒、补货券",
    "000": "低打扰:只在大促触达",
}


@dataclass(frozen=True)
class Person:
    """One customer on a list; `phones` are canonical and full, the writer masks them."""

    customer_id: int
    owner_id: str
    phones: tuple[str, ...]
    buyers: tuple[str, ...]
    place: str
    orders: int
    last_bought: str
    net_fen: int
    tags: tuple[str, ...]
    segment: str
    scores: str
    risk: str
    advice: str


@dataclass(frozen=True)
class Audience:
    """Everyone a name means, those who may be written to, and how many have opted out."""

    total: int
    opted_out: int
    people: tuple[Person, ...]


def find_audience(engine: Engine, target: Target, as_of: AsOf, score_run_id: int) -> Audience:
    """The people of a target, the most valuable first; opted-out people are counted and left out."""
    build_facts(engine, as_of)
    build_profiles(engine, as_of)
    if target.kind == "tag":
        engine.write(_TAG_SQL, "push_audience", (target.name,))
    else:
        engine.write(_SEGMENT_SQL, "push_audience", (target.score_run_id, target.name))
    rows = engine.query(_PEOPLE_SQL).to_pylist()
    phones, buyers = _keys(engine)
    tags = _grouped(engine.query(_TAGS_SQL).to_pylist(), "tag")
    scored = {row["customer_id"]: row for row in engine.query(_SEGMENTS_SQL, (score_run_id,)).to_pylist()}
    people = []
    for row in rows:
        if row["is_opted_out"]:
            continue
        number = row["customer_id"]
        score = scored.get(number, {})
        segment = score.get("segment", "")
        people.append(
            Person(
                customer_id=number,
                owner_id=row["owner_id"],
                phones=tuple(phones.get(number, ())),
                buyers=tuple(buyers.get(number, ())),
                place=" ".join(filter(None, (row["province"], row["city"]))),
                orders=row["orders"],
                net_fen=row["spent_fen"],
                last_bought=date_of(row["last_day"]).isoformat() if row["last_day"] is not None else "",
                tags=tuple(tags.get(number, ())),
                segment=segment,
                scores=_score_words(score),
                risk=score.get("risk") or "",
                advice=ADVICE.get(score["segment_code"], "") if is_eight(segment) else "",
            )
        )
    return Audience(len(rows), len(rows) - len(people), tuple(people))


def _score_words(score: dict[str, Any]) -> str:
    """`R5 F4 M3`; letters that the scheme does not score are left out."""
    letters = {letter: score.get(f"{letter.lower()}_score") for letter in "RFM"}
    return " ".join(f"{letter}{value}" for letter, value in letters.items() if value is not None)


def is_eight(segment: str) -> bool:
    """Whether a segment's name is one of the eight (codes of other schemes are positions)."""
    from siyu_cli.customers.scheme import EIGHT_NAMES

    return segment in {name for _, name in EIGHT_NAMES}


def _keys(engine: Engine) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    phones: dict[int, list[str]] = {}
    buyers: dict[int, list[str]] = {}
    for row in engine.query(_KEYS_SQL).to_pylist():
        if row["kind"] == "phone":
            phones.setdefault(row["customer_id"], []).append(row["value"])
        else:
            platform = (
                ""
                if row["namespace"] == GLOBAL_NAMESPACE
                else tr(f"({row['namespace']})", f" ({row['namespace']})")
            )
            buyers.setdefault(row["customer_id"], []).append(f"{row['value']}{platform}")
    return phones, buyers


def _grouped(rows: list[dict[str, Any]], column: str) -> dict[int, list[str]]:
    grouped: dict[int, list[str]] = {}
    for row in rows:
        grouped.setdefault(row["customer_id"], []).append(row[column])
    return grouped
