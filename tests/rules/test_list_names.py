"""list-names and the editor schema: complete, true to the reader, and loadable as they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from siyu_cli.rules import (
    case_reader,
    definitions,
    did,
    grammar,
    groups,
    load,
    metrics,
    settings,
    shapes,
    stage_list,
)
from siyu_cli.rules.catalog import CUSTOMER_FIELDS, METRICS, OPERANDS, ROW_FIELDS
from siyu_cli.rules.load import check_rules
from siyu_cli.rules.problems import RulesRefused
from siyu_cli.rules.schema import schema_of, schema_text
from siyu_cli.rules.structure import PLACES, STRUCTURE, WINDOWS, WORDS
from siyu_cli.rules.vocabulary import Entry, built_in_names, own_names
from siyu_cli.windows import NAMED
from siyu_cli.workspace import configs_dir
from siyu_cli.yamlfile import parse_yaml, to_plain
from tests.conftest import Shop
from tests.rules.test_tag_commands import only_rule

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted((configs_dir() / "rules").rglob("*.yaml"))
PAGES = [
    ROOT / "docs" / "rules.md",
    ROOT / "docs" / "rule-tests.md",
    *sorted((ROOT / "docs" / "rules").glob("*.md")),
]
FENCED = [
    (page.name, block)
    for page in PAGES
    for block in re.findall(
        r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
]
OWN = """\
scopes:
  水果: {on: items, when: 品类 属于 水果}
  早 晚: {on: events, when: 事件 是 加购}
metrics:
  水果占比: {ratio: [消费额(水果), 消费额], unit: "%"}
manual_tags: [员工, 亲 友]
tag_groups:
  渠道来源: {map: {field: 渠道, values: {抖音: 抖音粉}, else: 其他}}
stages: [{name: 新 客}, {name: 老客, when: 订单数 >= 2}]
tags:
  爱水果: {when: 订单数(水果) >= 1}
"""
EVENTS = """tests:
  - name: 试
    as_of: 2025-03-15
    customers: [{id: 甲, events: [{event: 加购, ago: 1, times: 2}], sends: [{push: 三月车厘子, ago: 1}]}]
"""


def tags_with(line: str) -> str:
    """A file that holds one line over customers."""
    return f"manual_tags: [甲, 乙]\n{OWN}  这个: {{when: ['{line}']}}\n".replace(
        "manual_tags: [员工, 亲 友]\n", "", 1
    ).replace("manual_tags: [甲, 乙]", "manual_tags: [员工, 亲 友, 甲, 乙]")


def example_file(entry: Entry) -> str:
    source = re.search(r"on: (\w+)", entry.where)
    if entry.kind == "events" or source:
        on = source[1] if source else "events"
        return f"scopes: {{这个: {{on: {on}, when: ['{entry.example}']}}}}"
    return tags_with(entry.example)


@pytest.mark.parametrize(
    "entry",
    [
        entry
        for entry in [*built_in_names(), *own_names(check_rules([("a", OWN.encode())]))]
        if entry.kind != "keys"
    ],
    ids=lambda entry: f"{entry.kind}-{entry.name}",
)
def test_every_example_loads(entry: Entry) -> None:
    check_rules([("a.yaml", example_file(entry).encode())])


def test_nothing_is_left_out() -> None:
    names = {(entry.kind, entry.name) for entry in built_in_names()}
    assert {("metrics", name) for name in METRICS} <= names
    assert {
        ("fields", name) for fields in (CUSTOMER_FIELDS, *ROW_FIELDS.values()) for name in fields
    } <= names
    assert {("fields", name) for name in OPERANDS} <= names
    assert set(NAMED) <= set(WINDOWS)
    wanted = {"到", "万", "今天", "本月", "上月", "下月"}
    for token in ("COMPARE", "BOUND", "TEXT_WORD", "SET_WORD", "STATE.2"):
        pattern = re.search(rf"^{re.escape(token)}: /(.*)/$", grammar._GRAMMAR, re.MULTILINE)
        assert pattern
        wanted |= set(re.sub(r"\(\?:|\)?\(\?=.*$|\)", "", pattern[1]).split("|"))
    assert set(WORDS) == wanted
    assert set(PLACES) == set(STRUCTURE)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_files_fit_the_schema_of_their_workspace(path: Path) -> None:
    rules = check_rules([(one.name, one.read_bytes()) for one in SHIPPED])
    fits(rules)(to_plain(parse_yaml(path.read_bytes(), path.name)))


@pytest.mark.parametrize(("page", "block"), FENCED)
def test_examples_of_the_docs_fit_the_schema(page: str, block: str) -> None:
    fits(check_rules([(page, block.encode())]))(to_plain(parse_yaml(block.encode(), page)))


def fits(rules: load.RuleSet | None = None) -> Callable[[Any], Any]:
    return fastjsonschema.compile(schema_of(rules))


FITS = fits()


@pytest.mark.parametrize(
    "text",
    [
        "tag: {}", "标签: {}", "version: 2", "tags: [甲]", "tags: {甲: 订单数 >= 1}", "tags: {甲: {note: 没有条件}}",
        "tags: {甲: {条件: 订单数 >= 1}}", "tags: {甲: {when: {全部: [订单数 >= 1]}}}", "tags: {甲: {when: {任一: [订单数 >= 1]}}}",
        "tags: {甲: {when: {at_least: {n: 1}}}}", "tags: {甲: {when: {at_least: {个数: 1, of: [订单数 >= 1]}}}}",
        "tags: {甲: {when: {all: [订单数 >= 1], any: [订单数 >= 1]}}}", "tags: {甲: {when: {not: [订单数 >= 1]}}}", "tags: {甲: {when: []}}",
        "tags: {甲: {when: 订单数 >= 1, keep: 三天}}", "tags: {甲: {when: 订单数 >= 1, guard: {max_remove_pct: 300}}}",
        "tags: {甲: {when: 订单数 >= 1, manual: no}}", "scopes: {甲: {on: 客户, when: 店铺 是 甲}}", "scopes: {甲: {when: 店铺 是 甲}}",
        "metrics: {甲: {from: orders}}", "metrics: {甲: {ratio: [消费额]}}", "metrics: {甲: {from: orders, agg: 合计}}",
        "tag_groups: {甲: {exclusive: false, map: {field: 渠道, values: {乙: 丙}}}}", "tag_groups: {甲: {map: {field: 省份, values: {乙: 丙}}}}",
        "tag_groups: {甲: {map: {field: 渠道, values: {乙: 丙}}, bands: {of: 订单数, cuts: [1], names: [丁, 戊]}}}", "manual_tags: 甲",
        "tags: {甲: {when: {did: {event: 加购, 次数: 3}}}}", "tags: {甲: {when: {did: {times: '>= 3'}}}}", "tags: {甲: {when: {did: {event: 摇一摇}}}}",
        "tests: [{as_of: 2025-03-15}]", "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 甲, 年龄: 3}]}]",
        "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 甲, orders: [{付款: 3}]}]}]",
        "tests: [{name: 试, as_of: 2025-03-15, customers: [{id: 甲, expect: {有: [乙]}}]}]",
    ],
)  # fmt: skip
def test_what_the_reader_refuses_for_its_shape_does_not_fit(text: str) -> None:
    with pytest.raises(RulesRefused):
        check_rules([("a.yaml", text.encode())])
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        FITS(to_plain(parse_yaml(text.encode(), "a")))


def test_the_reader_and_the_structure_know_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[tuple[str, ...]] = set()

    def noting(report: Any, node: Any, known: tuple[str, ...], what: str) -> shapes.Pairs:
        asked.add(known)
        return real(report, node, known, what)

    real = shapes.pairs_of
    for module in (shapes, case_reader, definitions, did, groups, load, metrics, settings, stage_list):
        monkeypatch.setattr(module, "pairs_of", noting)
    for name, block in [
        *((path.name, path.read_text(encoding="utf-8")) for path in SHIPPED),
        *FENCED,
        ("a", EVENTS),
    ]:
        check_rules([(name, block.encode())])
    fields = {
        *CUSTOMER_FIELDS,
        *OPERANDS,
        *(name for known in ROW_FIELDS.values() for name in known),
    }
    read = {frozenset(set(known) - fields) for known in asked}
    places = {frozenset(keys) for keys in STRUCTURE.values()}
    known = set().union(*places)
    # Some places read a part of their keys at a time: tests with and without steps, tags inside groups.
    assert [keys for keys in read if not any(keys <= place for place in places)] == []
    assert set(shapes.NESTING) == set(STRUCTURE["condition"])
    assert known - set().union(*read) - set(shapes.NESTING) == set()


def test_own_names_are_offered_in_the_schema() -> None:
    text = schema_text(schema_of(check_rules([("a.yaml", OWN.encode())])))
    for name in (
        "水果占比",
        "订单数(水果) >= 1",
        "浏览次数(「早 晚」) >= 1",
        "标签 有 爱水果",
        "标签 有 「亲 友」",
        "标签 有任一 抖音粉、其他",
    ):
        assert f'"{name}"' in text or f'"{name} >= 60%"' in text


def test_list_names_by_kind_and_with_mistakes(shop: Shop) -> None:
    names = shop.json("list-names").result["names"]
    assert {
        "kind": "metrics",
        "name": "消费额",
        "type": "数字",
        "unit": "元",
        "where": "内置",
        "example": "消费额 >= 100元",
    } in names
    assert {entry["kind"] for entry in shop.json("list-names", "scopes").result["names"]} == {"scopes"}
    assert any(entry["where"].startswith("rules/爱水果.yaml:") for entry in names)
    only_rule(shop, "tags: {甲: {when: 定单数 >= 1}}")
    done = shop.run("list-names", "metrics")
    assert "订单数" in done.stdout
    assert "规则里有 1 个错误" in done.stderr
    unknown = shop.json("list-names", "指表", expect=2).error
    assert (unknown["code"], "你是不是想写:指标" in unknown["hint"]) == ("unknown-kind", True)
    assert shop.json("list-names", "指标").result == shop.json("list-names", "metrics").result
    # The shop's stages come with the rules; here the rules have a mistake.
    assert shop.json("list-names", "阶段").result["names"] == []
    only_rule(shop, "stages: [{name: 新客户}, {name: 老客, when: 订单数 >= 1}]")
    stages = shop.json("list-names", "stages").result["names"]
    assert [(one["name"], one["example"]) for one in stages] == [
        ("新客户", "阶段 是 新客户"),
        ("老客", "阶段 是 老客"),
    ]
    assert "阶段  老客" in shop.run("list-names", "stages").stdout
    assert shop.json("list-names", "--out", "x.json", expect=2).error["code"] == "usage"


def test_the_schema_is_where_the_first_line_points_and_is_kept_up(shop: Shop, tmp_path: Path) -> None:
    for path in sorted((shop.root / "rules").rglob("*.yaml")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        target = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / target).resolve() == shop.root.resolve() / ".siyu" / "rules.schema.json"
    schema = shop.root / ".siyu" / "rules.schema.json"
    assert '"标签 有 爱水果"' in schema.read_text(encoding="utf-8")
    only_rule(shop, "tags: {新客: {when: 订单数 = 1}}")
    shop.run("check-rules")
    assert '"标签 有 新客"' in schema.read_text(encoding="utf-8")
    assert '"标签 有 爱水果"' not in schema.read_text(encoding="utf-8")
    before = schema.read_text(encoding="utf-8")
    only_rule(shop, "tags: {新客: {when: 定单数 = 1}}")
    shop.run("check-rules", expect=3)
    assert schema.read_text(encoding="utf-8") == before
    only_rule(shop, "tags: {回头客: {when: 订单数 >= 2}}")
    shop.run("apply-tags", "--dry-run")
    assert schema.read_text(encoding="utf-8") == before
    shop.run("apply-tags")
    assert '"标签 有 回头客"' in schema.read_text(encoding="utf-8")
    out = tmp_path / "s.json"
    shop.run("list-names", "--schema", "--out", out)
    assert (
        out.read_text(encoding="utf-8")
        == schema.read_text(encoding="utf-8")
        == shop.run("list-names", "--schema").stdout
    )
    assert shop.json("list-names", "--schema").result["schema"]["title"] == "siyu rules"


def test_units_are_words_of_the_language(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what stands in the line of a rule is Chinese whatever the language."""
    monkeypatch.setenv("SIYU_LANG", "en")
    units = {
        one["name"]: (one["unit"], one["example"])
        for one in shop.json("list-names", "metrics").result["names"]
    }
    assert units["消费额"] == ("yuan", "消费额 >= 100元")
    assert units["距上次购买天数"] == ("days", "距上次购买天数 >= 3天")
