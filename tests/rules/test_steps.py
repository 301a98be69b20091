"""A query in steps finds what it finds as one statement, and leaves nothing but its result."""

from __future__ import annotations

import duckdb
import pytest

from siyu_cli.rules.compile import compile_tags
from siyu_cli.rules.steps import write_flags
from siyu_cli.store.engine import DuckDbEngine, Engine
from tests.engines import SqliteEngine
from tests.rules.rule_facts import AS_OF, World, rules_of

RULES = rules_of("""
scopes:
  水果: {on: items, when: 品类 属于 水果}
  芒果: {on: items, when: 商品名 包含 芒果}
  直播: {on: orders, when: 下单渠道 是 直播}
tags:
  水果直播: {when: [消费额(水果、直播) >= 50元, 订单数(芒果) >= 2]}
  常客: {when: {any: [购买天数 >= 2, 浏览次数(近7天) >= 1]}}
  回头: {when: {did: {event: 订单, times: ">= 2"}}}
  都是: {when: [标签 有 常客, 标签 有 回头, 标签 没有 水果直播]}
""")


def shop() -> World:
    """Orders of one line and of several, inside and outside of the scopes."""
    world = World()
    mango = {"product_key": "海南芒果", "category_key": "水果"}
    for number in range(6):
        customer = world.customer()
        for ago in range(number):
            lines = [{**mango, "net_fen": 4000}, {"net_fen": 900, "product_key": "牙刷"}][: 1 + ago % 2]
            world.order(customer, ago, lines=lines, channel_key="直播" if number % 2 else "商城")
    world.event(1, "view", 2)
    return world


@pytest.mark.parametrize("engine", [DuckDbEngine(duckdb.connect()), SqliteEngine()], ids=["duckdb", "sqlite"])
def test_steps_find_what_one_statement_finds(engine: Engine) -> None:
    shop().load(engine)
    query = compile_tags(RULES, AS_OF)
    before = tables(engine)
    write_flags(engine, query, "flags")
    assert tables(engine) - before == {"flags"}
    stepped = sorted(engine.rows("SELECT * FROM flags"))
    assert stepped == sorted(engine.rows(query.text, query.params))
    names = [tag for _, tag in query.columns]
    held = {tag: sum(row[at] for row in stepped) for at, tag in enumerate(names, start=1)}
    assert held == {"水果直播": 2, "常客": 5, "回头": 4, "都是": 2}
    assert {"items_rows", "items_sums", "items_by_order_sums", "orders_by_day_sums", "deeds"} <= query.apart


def tables(engine: Engine) -> set[str]:
    if isinstance(engine, SqliteEngine):
        return {name for (name,) in engine.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {name for (name,) in engine.rows("SELECT table_name FROM duckdb_tables()")}
