"""One SQL text, many engines: every fact and metric query gives the same rows on DuckDB and on SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from siyu_cli.clock import Clock
from siyu_cli.customers import facts
from siyu_cli.customers.facts import build_facts, future_rows
from siyu_cli.customers.profile import build_profiles
from siyu_cli.customers.rfm import score_customers
from siyu_cli.customers.scheme_file import load_scheme
from siyu_cli.customers.tables import build_tables
from siyu_cli.reports import metrics
from siyu_cli.reports.period import Period, months_shown
from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.load import load_rules
from siyu_cli.store.engine import DuckDbEngine, Engine
from siyu_cli.workspace import configs_dir
from tests.conftest import Shop
from tests.engines import SqliteEngine

TABLES = (
    "order_lines", "item_nets", "refunds", "customers", "customer_keys", "leads", "lead_state", "lead_events", "staff",
    "opt_outs", "score_runs", "scores", "tags", "events", "push_members", "customer_traits",
    "friendships", "stage_moves", "stage_lists",
)  # fmt: skip
AS_OF = Clock().as_of("2025-03-15")
EARLIER = Clock().as_of("2025-01-31 12:00")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> list[Engine]:
    """The sample shop's tables in both engines."""
    shop = Shop(tmp_path_factory.mktemp("conformance") / "店")
    day = ("--as-of", "2025-03-15")
    shop.run("demo", shop.root, "--customers", "120")
    inbox = shop.root / "inbox"
    shop.run("import-staff", inbox / "员工.xlsx")
    shop.run("import-leads", inbox / "抖音直播间.xlsx", *day, "--allow-rejects")
    shop.run("import-orders", *sorted(inbox.glob("Export*.csv")), inbox / "有赞订单.xlsx", "--allow-rejects")
    shop.run("import-contacts", inbox / "客户列表.xlsx", "--allow-rejects")
    shop.run("import-events", inbox / "行为.csv", "--allow-rejects")
    shop.run("distribute-leads", *day)
    shop.run("score-customers", *day)
    shop.run("apply-tags", "--as-of", "2025-02-15")
    shop.run("apply-tags", *day)
    shop.run("export-push", "爱水果", *day)
    phones = [
        phone for (phone,) in shop.rows("SELECT value FROM customer_keys WHERE kind = 'phone' ORDER BY value")
    ]
    did = [
        f"{phone},{word},2025-03-{at % 20 + 1:02} 10:00:00,{word}"
        for at, phone in enumerate(phones)
        for word in ("加购", "进群")
    ]
    shop.run("import-events", shop.file("行为.csv", "\n".join(["手机号,行为,时间,页面", *did])))
    friends = [
        f"友{at},小李,2025-03-{at % 20 + 1:02} 10:00:00,{phone},{at % 12 + 1}月{at % 28 + 1}日,{at}"
        for at, phone in enumerate(phones)
    ]
    shop.run(
        "import-contacts",
        shop.file("好友.csv", "\n".join(["客户名称,添加人,添加时间,手机,生日,积分", *friends])),
    )
    shop.run("set-stage", "3", "无意向客户", *day)
    with shop.connect() as con:
        # 128-bit keys are the store's own business; no fact or metric reads them.
        tables = {
            name: con.sql(f"SELECT {narrow_columns(con, name)} FROM {name}").to_arrow_table()
            for name in TABLES
        }
    made: list[Engine] = [DuckDbEngine(duckdb.connect()), SqliteEngine()]
    for engine in made:
        for name, table in tables.items():
            engine.register(name, table)
    return made


def narrow_columns(con: Any, table: str) -> str:
    return ", ".join(
        name for name, kind, *_ in con.execute(f"DESCRIBE {table}").fetchall() if kind != "UHUGEINT"
    )


def rows(engine: Engine, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Rows in a fixed order, whole numbers as Python ints whatever width the engine gives them."""
    table = engine.query(sql, params)
    found = [tuple(row.values()) for row in table.to_pylist()]
    return sorted(
        [
            tuple(int(v) if hasattr(v, "__int__") and not isinstance(v, str) else v for v in row)
            for row in found
        ],
        key=repr,
    )


@pytest.mark.parametrize("as_of", [AS_OF, EARLIER], ids=str)
@pytest.mark.parametrize("fact", ["fact_lines", "fact_items", "fact_orders"])
def test_facts(engines: list[Engine], fact: str, as_of: Any) -> None:
    answers = []
    for engine in engines:
        build_facts(engine, as_of)
        answers.append((rows(engine, f"SELECT * FROM {fact}"), future_rows(engine, as_of)))
    assert answers[0] == answers[1]
    assert answers[0][0]


@pytest.mark.parametrize("is_divided", [False, True])
def test_facts_with_the_columns_asked_for_are_the_same_rows(
    engines: list[Engine], monkeypatch: pytest.MonkeyPatch, is_divided: bool
) -> None:
    wanted = {"category_key", "shop_key"}
    for engine in engines:
        build_tables(engine, AS_OF, {"fact_orders", "fact_items", "fact_events"})
        whole = {
            name: engine.query(f"SELECT * FROM {name}")
            for name in ("fact_orders", "fact_items", "fact_events")
        }
        monkeypatch.setattr(facts, "has_divided_orders", lambda _: is_divided)
        build_tables(engine, AS_OF, set(whole), columns=wanted)
        for name, table in whole.items():
            spared = {column for column in table.column_names if column.endswith("_key")} - wanted
            kept = [column for column in table.column_names if column not in spared]
            narrow = engine.query(f"SELECT * FROM {name}")
            assert spared
            assert set(narrow.column_names) == set(kept)
            # Read back by name: the order of columns says nothing.
            engine.register("whole_table", table)
            listed = f"SELECT {', '.join(kept)} FROM"
            assert rows(engine, f"{listed} {name}") == rows(engine, f"{listed} whole_table")


def test_profiles(engines: list[Engine]) -> None:
    answers = []
    for engine in engines:
        build_profiles(engine, AS_OF)
        answers.append(rows(engine, "SELECT * FROM fact_customers"))
    assert answers[0] == answers[1]
    # 120 buyers, 7 friends who never bought, 2 who scanned the code on the card.
    assert len(answers[0]) == 120 + 7 + 2


@pytest.mark.parametrize(
    "fact", ["fact_events", "fact_sends", "fact_traits", "fact_friends", "fact_bindings"]
)
def test_further_facts(engines: list[Engine], fact: str) -> None:
    answers = []
    for engine in engines:
        build_tables(engine, AS_OF, {fact})
        answers.append(rows(engine, f"SELECT * FROM {fact}"))
    assert answers[0] == answers[1]
    assert answers[0]


@pytest.mark.parametrize(
    "path", sorted((configs_dir() / "segments").glob("*.yaml")), ids=lambda path: path.stem
)
def test_scores(engines: list[Engine], path: Path) -> None:
    answers = []
    for engine in engines:
        build_facts(engine, AS_OF)
        scored = score_customers(engine, load_scheme(path), AS_OF)
        answers.append((scored.thresholds, scored.segments))
    assert answers[0] == answers[1]


def test_shipped_rules(engines: list[Engine]) -> None:
    query = compile_tags(load_rules(configs_dir() / "rules"), AS_OF)
    answers = []
    for engine in engines:
        build_facts(engine, AS_OF)
        build_profiles(engine, AS_OF)
        answers.append(rows(engine, query.text, query.params))
    assert answers[0] == answers[1]
    assert any(any(row[1:]) for row in answers[0])


@pytest.mark.parametrize(
    "period", [Period(None, AS_OF.day, "all"), Period(AS_OF.day - 60, AS_OF.day, "two months")]
)
def test_report_metrics(engines: list[Engine], period: Period) -> None:
    answers = []
    for engine in engines:
        build_facts(engine, AS_OF)
        build_profiles(engine, AS_OF)
        answers.append(
            (
                metrics.read_overview(engine, period),
                metrics.read_platforms(engine, period),
                metrics.read_months(engine, months_shown(period, *metrics.order_days(engine, AS_OF))),
                metrics.read_leads(engine, period, 0, AS_OF.seconds),
                metrics.read_staff(engine, period),
            )
        )
    assert answers[0] == answers[1]
    assert answers[0][0].orders
