"""Scheme files: the shipped ones load, a wrong one is refused at its place."""

from __future__ import annotations

import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from siyu_cli.customers.scheme import EIGHT, LETTERS, SHORT, Area, blocked_segments
from siyu_cli.customers.scheme_file import find_scheme, parse_scheme, scheme_names
from siyu_cli.errors import ExitCode, InputRefused
from siyu_cli.windows import read_window
from siyu_cli.workspace import configs_dir

SHIPPED = configs_dir() / "segments"
HEAD = """\
name: 试
recency: {of: 距上次购买天数, score: {quantiles: 3}}
frequency: {of: 订单数, score: {quantiles: 3}}
monetary: {of: 消费额}
"""
ONE = "segments: [{name: 甲}]\n"


EIGHT_TEXT = HEAD + "segments: eight\nlevels: {by: raw_mean}\n"


def grid(axes: str, cells: str) -> str:
    """A scheme whose segments are a grid."""
    return HEAD + f"segments:\n  grid: {axes}\n  cells: {cells}\n"


def with_score(score: str) -> str:
    """The recency score replaced."""
    return HEAD.replace("{quantiles: 3}", score, 1) + ONE


def test_the_eight_names_by_truth_table() -> None:
    expected = {
        (1, 1, 1): "重要价值", (1, 0, 1): "重要发展", (0, 1, 1): "重要保持", (0, 0, 1): "重要挽留",
        (1, 1, 0): "一般价值", (1, 0, 0): "一般发展", (0, 1, 0): "一般保持", (0, 0, 0): "一般挽留",
    }  # fmt: skip
    for cell, name in expected.items():
        matching = [segment for segment in EIGHT if segment.matches(cell)]
        assert [segment.name for segment in matching] == [name]
        assert matching[0].code == "".join(map(str, cell))


def test_every_shipped_scheme_loads_under_its_file_name() -> None:
    names = scheme_names([SHIPPED])
    assert {"八分群", "八分群-中位数", "八分群-固定", "八分群-购买天数"} <= set(names)
    for name in names:
        assert find_scheme(name, [SHIPPED]).name == name


def test_the_workspace_goes_before_the_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "八分群.yaml"
    own.write_text(
        (SHIPPED / "八分群.yaml").read_text("utf-8").replace("window: 全部", "window: 近 365 天"), "utf-8"
    )
    assert find_scheme("八分群", [tmp_path, SHIPPED]).window == read_window("近365天")
    assert find_scheme(str(own), [SHIPPED]).window.words == "近365天"


def test_unknown_name_says_what_is_near() -> None:
    with pytest.raises(InputRefused) as caught:
        find_scheme("八分裙", [SHIPPED])
    assert caught.value.exit_code is ExitCode.REFUSED
    assert "八分群" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "空的"),
        ("- a\n", "1:1", "键: 值"),
        (HEAD + "segment: eight\n", "5:1", "没有「segment」"),
        (HEAD.replace("订单数", "定单数") + "segments: eight\nlevels: {by: raw_mean}\n", "3:17", "定单数"),
        (HEAD + "segments: eight\n", "5:11", "要有 levels"),
        (HEAD + "segments: nine\n", "5:11", "nine"),
        (HEAD + "segments: eight\nlevels: {by: raw_mean}\nelse: 其他\n", "7:7", "else"),
        (HEAD + "segments: eight\nlevels: {by: mean}\n", "6:14", "mean"),
        (HEAD + "segments: eight\nlevels: {by: raw_mean, compare: '<'}\n", "6:33", "<"),
        (HEAD + "segments: eight\nlevels: {by: fixed}\n", "6:9", "values"),
        (HEAD + "segments: eight\nlevels: {by: score_mean}\n", "4:11", "monetary"),
        (HEAD + "segments: [{name: 甲, r: [3, 1]}]\n", "5:25", "反了"),
        (HEAD + "segments: [{name: 甲, r: [1, 3], m: [1, 3]}]\n", "4:11", "monetary"),
        (HEAD + "segments: [{name: 甲, r: [2, 3]}]\n", "5:11", "R 1 F 1"),
        (HEAD + "segments: [{name: 甲, r: [1, 3]}, {name: 乙, r: [2, 2]}]\n", "5:34", "乙"),
        (HEAD + "segments: [{name: 甲, r: [4, 5]}]\nelse: 乙\n", "5:12", "甲"),
        (HEAD + "segments: [{name: 甲, r: [2, 3]}, {name: 甲}]\n", "5:34", "两个"),
        (HEAD + "segments: [{name: 甲}]\nlevels: {by: raw_mean}\n", "6:9", "levels"),
        (HEAD + "window: 上上周\n" + ONE, "5:9", "上上周"),
        (HEAD + "window: 近0天\n" + ONE, "5:9", "至少是 1"),
        (HEAD + "window: 下7天\n" + ONE, "5:9", "到期日"),
        (with_score("{cuts: [30, 15], scores: [3, 2, 1]}"), "2:43", "从小到大"),
        (with_score("{cuts: [15, 30], scores: [2, 1]}"), "2:56", "3 档"),
        (with_score("{cuts: [15, 30], scores: [1, 2, 3]}"), "2:60", "从大到小"),
        (with_score("{quantiles: 1}"), "2:43", "2 到 20"),
        (HEAD.replace("额}", "额, score: {cuts: [1.234], scores: [1, 2]}}") + ONE, "4:36", "两位小数"),
        (HEAD + "segments: [{name: 甲}]\nallow_unreachable: 是\n", "6:20", "true"),
        (EIGHT_TEXT + "allow_unreachable: 是\n", "7:20", "true"),
        (HEAD + "segments: []\n", "5:11", "eight"),
        (HEAD + "segments: [{name: 甲, r: [1, 2]}, {name: 乙, r: [2, 3]}, {name: 丙, f: [2, 3]}]\n", "5:56",
         "R 1 F 2 已归前面的「甲」"),
        (HEAD + "segments: [{name: 甲, r: [5, 6]}]\nelse: 乙\n", "5:12", "没有这样的分数"),
        (HEAD + "segments: [{name: 甲, fm: [1, 3]}]\n", "4:11", "monetary"),
        (HEAD + "segments: [{name: 甲, r: [1]}]\n", "5:25", "[低, 高]"),
        (HEAD + "segments: [{name: 甲, r: [1, 2.5]}]\n", "5:29", "整数"),
        (grid("[r, f]", "{1: [甲, 甲, 甲], 2: [甲, 甲, 甲]}"), "7:10", "R 3 这一行"),
        (grid("[r, f]", "{1: [甲, 甲, 甲], 2: [甲, 甲, 甲], 3: [甲, 甲], 4: [甲, 甲, 甲]}"), "7:50", "没有「4」"),
        (grid("[r, f]", "{1: [甲, 甲, 甲], 2: [甲, 甲, 甲], 3: [甲, 甲]}"), "7:42", "要 3 个名字(F 1 2 3),写了 2 个"),
        (grid("[r, f]", "{1: [甲, 甲, 甲], 2: [甲, ~, 甲], 3: [甲, 甲, 甲]}"), "7:32", "R 2 F 2 不属于"),
        (grid("[r, m]", "{}"), "4:11", "monetary"),
        (grid("[r]", "{}"), "6:9", "两个分数"),
        (grid("[f, fm]", "{}"), "6:9", "各看各的"),
        (grid("[r, x]", "{}"), "6:13", "「x」"),
        (grid("[r, f]", "{1: 甲, 2: [甲, 甲, 甲], 3: [甲, 甲, 甲]}"), "7:14", "一列名字"),
        (grid("[r, f]", "{1: [~, ~, ~], 2: [~, ~, ~], 3: [~, ~, ~]}") + "else: 乙\n", "7:10", "没有一个分群"),
        (with_score("{cuts: [15, 15], scores: [3, 2, 1]}"), "2:43", "从小到大"),
        (with_score("{cuts: [-1], scores: [2, 1]}"), "2:39", "负数"),
        (with_score("{cuts: [1], scores: [2, 1], quantiles: 2}"), "2:31", "只能写一种"),
        (with_score(f"{{cuts: {list(range(1, 22))}, scores: {list(range(22, 0, -1))}}}"), "2:123", "最多 20 档"),
    ],
)  # fmt: skip
def test_a_wrong_scheme_is_refused_at_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_scheme(text, "试.yaml")
    assert words in caught.value.message + caught.value.hint
    assert str(caught.value.where) == f"试.yaml:{place}"


def test_the_grid_of_ten_covers_every_cell_exactly_once() -> None:
    scheme = find_scheme("RF十格", [SHIPPED])
    taken = {
        (r, f): [s.name for s in scheme.segments if s.matches((r, f, None))]
        for r, f in product(range(1, 6), repeat=2)
    }
    assert all(len(names) == 1 for names in taken.values())
    sizes = Counter(name for [name] in taken.values())
    assert len(taken) == 25
    assert sizes == {
        "休眠": 4, "有风险": 4, "不能失去": 2, "快要沉睡": 2, "需要关注": 1, "忠诚": 4, "有希望": 1, "新客": 1,
        "潜力忠诚": 4, "冠军": 2,
    }  # fmt: skip


def test_a_mean_of_two_scores_reaches_up_to_the_next_whole_number() -> None:
    area = Area(both=(2, 3))
    inside = [(f, m) for f, m in product(range(1, 6), repeat=2) if area.holds((1, f, m))]
    assert inside == [(f, m) for f, m in product(range(1, 6), repeat=2) if 2 <= (f + m) / 2 < 4]
    assert (3, 4) in inside
    assert not area.holds((1, 2, None))


@pytest.mark.parametrize(
    ("name", "never"),
    [
        ("R包v0.2", ["新客", "有希望", "不能失去"]),
        ("R包v0.3", []),
        ("Putler十一群", ["流失"]),
        ("Shopify十群", []),
    ],
)
def test_what_can_never_match_in_the_published_tables(name: str, never: list[str]) -> None:
    scheme = find_scheme(name, [SHIPPED])
    assert [scheme.segments[blocked.place].name for blocked in blocked_segments(scheme)] == never


def test_published_tables_may_hold_segments_that_never_match() -> None:
    text = HEAD + "segments: [{name: 甲, r: [1, 3]}, {name: 乙, r: [2, 2]}]\nallow_unreachable: true\n"
    assert [segment.code for segment in parse_scheme(text).segments] == ["1", "2"]


def test_the_readme_of_the_language_loads() -> None:
    """Every scheme in docs/scores.md is a scheme."""
    page = Path(__file__).resolve().parents[2] / "docs" / "scores.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        parse_scheme(block, "docs/scores.md")


def test_letters_have_one_short_name_each() -> None:
    assert [SHORT[letter] for letter in LETTERS] == ["r", "f", "m"]
