"""Customer facts: owner, channel, region, opt-out, scores; alike on both engines."""

from __future__ import annotations

import pyarrow as pa

from siyu_cli.customers.profile import build_profiles
from siyu_cli.customers.stages import StageNames
from siyu_cli.store.engine import DuckDbEngine
from tests.engines import SqliteEngine
from tests.shop_rows import add_lead, close_of, customer, insert, key, staff
from tests.stores import make_store

TABLES = (
    "customers",
    "customer_keys",
    "leads",
    "lead_state",
    "staff",
    "opt_outs",
    "scores",
    "score_runs",
    "stage_moves",
    "stage_lists",
)


def filled() -> DuckDbEngine:
    con = make_store()
    insert(
        con,
        "customers",
        [
            customer(1, province=" 上海 ", city="ＡＢ区"),
            customer(2),
            customer(3, province="广东"),
            customer(4),
        ],
    )
    insert(con, "customer_keys", [
        key(1, "13800000002"), key(1, "13800000001"), key(2, "13800000003"), key(3, "n3", "buyer", "淘宝"),
        key(4, "13800000004"),
    ])  # fmt: skip
    insert(
        con,
        "staff",
        [staff("xl", "小李 "), staff("xw", "ＷANG") | {"department": "华东 Ａ组", "store": "一店"}],
    )
    add_lead(con, 1, "13800000002", channel="抖音 直播")
    add_lead(con, 2, "13800000001", held_by="xw", channel="快手")
    add_lead(con, 3, "13800000003", held_by="xl")
    insert(con, "opt_outs", [{"phone": "13800000003", "reason": "", "at_sec": 1, "run_id": 1}])
    for run_id, when, segment in (
        (3, "2025-03-01", "旧"),
        (5, "2025-03-10", "重要价值"),
        (6, "2025-03-20", "以后"),
    ):
        insert(con, "score_runs", [{
            "run_id": run_id, "scheme": "八分群", "as_of_sec": close_of(when).seconds, "thresholds": "{}",
            "scheme_text": "{}",
        }])  # fmt: skip
        insert(con, "scores", [{
            "run_id": run_id, "customer_id": 1, "recency_days": 1, "frequency": 1, "monetary_fen": 1,
            "monetary_per": 1, "net_fen": 1, "r_score": run_id, "segment_code": "111", "segment": segment, "risk": "高" if run_id == 5 else None,
        }])  # fmt: skip
    insert(con, "stage_lists", [
        {"run_id": 2, "position": at, "stage": stage, "is_lost": 0} for at, stage in enumerate(("新", "意向"), start=1)
    ])  # fmt: skip
    for move_no, (who, source, stage, when) in enumerate(
        [
            (1, "rule", "意向", "2025-03-10"),
            (2, "hand", "旧名", "2025-03-01"),
            (3, "rule", "意向", "2025-03-20"),
        ],
        start=1,
    ):
        at_sec = close_of(when).seconds
        insert(con, "stage_moves", [{
            "move_no": move_no, "customer_id": who, "at_sec": at_sec, "source": source, "to_stage": stage,
            "since_sec": at_sec, "since_day": at_sec // 86_400, "mode": "rule", "reason": "", "run_id": 2,
        }])  # fmt: skip
    return DuckDbEngine(con)


def test_profiles_are_alike_on_both_engines() -> None:
    duck, lite = filled(), SqliteEngine()
    for name in TABLES:
        lite.register(name, duck.query(f"SELECT * FROM {name}"))
    answers: list[pa.Table] = []
    for engine in (duck, lite):
        build_profiles(engine, close_of("2025-03-15"))
        answers.append(engine.query("SELECT * FROM fact_customers ORDER BY customer_id").to_pylist())
    assert answers[0] == answers[1]
    first, second, third, fourth = answers[0]
    assert first == {
        "customer_id": 1, "channel_key": "抖音 直播", "source_key": "抖音 直播", "province_key": "上海", "city_key": "ab区",
        "owner_key": "wang", "owner_id": "xw", "department_key": "华东 a组", "store_key": "一店", "is_opted_out": 0, "r_score": 5, "f_score": None,
        "m_score": None, "segment_key": "重要价值", "risk_key": "高", "stage_key": "意向", "stage_days": 5,
    }  # fmt: skip
    assert (second["owner_id"], second["owner_key"], second["is_opted_out"]) == ("xl", "小李", 1)
    assert (third["owner_id"], third["province_key"], third["segment_key"]) == ("", "广东", "")
    assert (second["department_key"], second["store_key"], second["risk_key"]) == ("", "", "")
    assert (fourth["channel_key"], fourth["is_opted_out"]) == ("", 0)
    assert [(one["stage_key"], one["stage_days"]) for one in answers[0]] == [
        ("意向", 5), ("旧名", 14), ("新", 0), ("新", 0),
    ]  # fmt: skip


def test_stages_before_a_run_leave_out_what_rules_did_that_day() -> None:
    names = StageNames(("起点", "意向"), (("旧名", "起点"),))
    answers = []
    duck, lite = filled(), SqliteEngine()
    for name in TABLES:
        lite.register(name, duck.query(f"SELECT * FROM {name}"))
    for engine in (duck, lite):
        build_profiles(engine, close_of("2025-03-10"), names)
        found = engine.query(
            "SELECT stage_key, stage_days FROM fact_customers ORDER BY customer_id"
        ).to_pylist()
        answers.append([(one["stage_key"], one["stage_days"]) for one in found])
    # 1 was moved by a rule on this very day: the rules start from before it.
    assert answers[0] == answers[1] == [("起点", 0), ("起点", 9), ("起点", 0), ("起点", 0)]


def test_an_empty_store_has_no_profiles() -> None:
    con = make_store()
    engine = DuckDbEngine(con)
    build_profiles(engine, close_of("2025-03-15"))
    assert engine.query("SELECT COUNT(*) AS n FROM fact_customers").to_pylist() == [{"n": 0}]
