"""Scheme files: the shipped ones load, a wrong one is refused at its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from siyu_cli.customers.scheme import EIGHT, LETTERS, SHORT
from siyu_cli.customers.scheme_file import find_scheme, parse_scheme, scheme_names
from siyu_cli.errors import ExitCode, InputRefused
from siyu_cli.workspace import configs_dir

SHIPPED = configs_dir() / "segments"
HEAD = """\
name: 试
recency: {of: 距上次购买天数, score: {quantiles: 3}}
frequency: {of: 订单数, score: {quantiles: 3}}
monetary: {of: 消费额}
"""
ONE = "segments: [{name: 甲}]\n"


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
    assert find_scheme("八分群", [tmp_path, SHIPPED]).window_days == 365
    assert find_scheme(str(own), [SHIPPED]).window == "近365天"


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
        (HEAD + "window: 上周\nsegments: [{name: 甲}]\n", "5:9", "上周"),
        (with_score("{cuts: [30, 15], scores: [3, 2, 1]}"), "2:43", "从小到大"),
        (with_score("{cuts: [15, 30], scores: [2, 1]}"), "2:56", "3 档"),
        (with_score("{cuts: [15, 30], scores: [1, 2, 3]}"), "2:60", "从大到小"),
        (with_score("{quantiles: 1}"), "2:43", "2 到 20"),
        (HEAD.replace("额}", "额, score: {cuts: [1.234], scores: [1, 2]}}") + ONE, "4:36", "两位小数"),
        (HEAD + "segments: [{name: 甲}]\nallow_unreachable: 是\n", "6:20", "true"),
    ],
)  # fmt: skip
def test_a_wrong_scheme_is_refused_at_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_scheme(text, "试.yaml")
    assert words in caught.value.message + caught.value.hint
    assert str(caught.value.where) == f"试.yaml:{place}"


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
