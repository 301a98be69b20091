"""The strict YAML reader: what it keeps as text, what it refuses, and that nothing else escapes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused
from siyu_cli.yamlfile import Mapping, Scalar, parse_yaml, to_plain


def plain(text: str) -> object:
    return to_plain(parse_yaml(text.encode(), "x.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: NO", "NO"), ("a: on", "on"), ("a: 1:30", "1:30"), ("a: 0571", "0571"), ("a: 1.10", "1.10"),
        ("a: 1_000", "1_000"), ("a: 1e3", "1e3"), ("a: 2025-03-15", "2025-03-15"), ("a: 12", 12), ("a: -3", -3),
        ("a: true", True), ("a: null", None), ("a:", None), ("a: '12'", "12"), ("a: 1234567890123456789012", "1234567890123456789012"),
    ],
)  # fmt: skip
def test_scalars_are_what_people_typed(text: str, value: object) -> None:
    assert plain(text) == {"a": value}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\na: 2", "E104", 2),
        ("a: &x 1\nb: *x", "E105", 1),
        ("a: !!python/object:os.system 1", "E105", 1),
        ("a:\n\t- 1", "E102", 2),
        ("a:\n　- 1", "E102", 2),
        ("a: 1\n---\nb: 2", "E103", 2),
        ("标签\uff1a高价值\nb: 2", "E102", 1),
        ("a: [" + "[" * 600, "E103", 1),
        ("a: @x", "E103", 1),
        ("- a\nb: 1", "E103", 2),
        ("a: {b: 1", "E103", 1),
        ("<<: {a: 1}", "E105", 1),
    ],
)
def test_refusals_name_code_and_line(text: str, code: str, line: int) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_yaml(text.encode(), "x.yaml")
    assert (caught.value.code, caught.value.where.line if caught.value.where else 0) == (code, line)


# What was typed, its code, its place, and a word of the sentence that only this slip gets.
SLIPS = [
    ("a:\t1", "E102", "1:3", "Tab"), ("a: b\tc", "E102", "1:5", "Tab"), ("a: 1\n\t\nb: 2", "E102", "2:1", "缩进里有Tab"),
    ("a: 1\n　b: 2", "E102", "2:1", "全角或不间断空格"), ("a:\n\xa0 b: 2", "E102", "2:1", "不间断空格"),
    ("tags：\n  爱：1\nb: 2", "E102", "2:4", "中文冒号"), ("a: ［甲］\nb: x: y", "E102", "1:4", "全角的「［」"),
    ("a: ｛b: c｝", "E102", "1:4", "全角的「｛」"), ("a: 【b, c: d】", "E102", "1:4", "全角的「【」"), ("“a”: \n  a: b: c", "E102", "1:1", "中文引号"),
    ("- a\n-b: 1\nc", "E103", "2:1", "「-」后面"), ("a:\n  b:c\n  d: 1", "E103", "2:4", "冒号后面少一个空格"),
    ("甲:\n  乙\n    丙: x", "E103", "2:4", "这一行少了冒号"), ("a: 1\nb", "E103", "2:1", "这一行少了冒号"), (": b", "E103", "1:1", "冒号前面没有键"),
    ("a: b: c", "E103", "1:5", "第二个「: 」"), ("a: 1\n  b: 2", "E103", "2:3", "缩进多了"), ("a:\n  b: 1\n c: 2", "E103", "3:2", "和上面不齐"),
    ("a: 'x", "E103", "1:4", "引号没有收尾"), ("a: \"x\\q\"", "E103", "1:4", "反斜杠"), ("a: 'it's'", "E103", "1:8", "前面的值已经写完"),
    ("a: [1, 2", "E103", "1:4", "括号没有收尾"), ("a: {b: 1", "E103", "1:4", "括号没有收尾"), ("a: ]", "E103", "1:4", "多了「]」"),
    ("a: - b", "E103", "1:4", "另起一行"), ("a: >= 3", "E103", "1:5", "第一个符号"), ("a: @x", "E103", "1:4", "第一个符号"),
    ("%YAML 1.2\n%TAG\na: 1", "E103", "2:1", "% 开头"), ("a: 1\n... \nb: 2", "E103", "3:1", "已经写完,后面还有"), ("a: 1\n---\nb: 2", "E103", "2:1", "只能有一份"),
    ("? [a]\n: b", "E103", "1:3", "键必须是文字"), ("x" * 1100 + ": 1", "E103", "1:1", "键超过 1,024"), ("[" * 41 + "]" * 41, "E103", "1:41", "嵌套超过 40"),
    ("a: &x 1", "E105", "1:4", "锚点"), ("a: **重点**", "E105", "1:4", "锚点"), ("a: 1\nb: *a", "E105", "2:4", "锚点"), ("a: !!str x", "E105", "1:4", "! 标记"),
    ("<<: {a: 1}", "E105", "1:1", "合并键"), ("{a: 1, a: 2}", "E104", "1:8", "写了两次"),
    ("a: \0", "E101", "1:4", "空字节"), ("a: x\u200by", "E101", "1:5", "U+200B"), ("a: 1\nb: x\u2028y", "E101", "2:5", "U+2028"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "place", "words"), SLIPS)
def test_each_slip_has_its_own_sentence_at_its_place(text: str, code: str, place: str, words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_yaml(text.encode(), "x.yaml")
    assert (caught.value.code, str(caught.value.where)) == (code, f"x.yaml:{place}")
    assert words in caught.value.message


@pytest.mark.parametrize(("text", "code", "place", "words"), SLIPS)
def test_the_slower_parser_says_the_same_code(
    text: str, code: str, place: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import yaml

    monkeypatch.delattr(yaml, "CSafeLoader")
    with pytest.raises(InputRefused) as caught:
        parse_yaml(text.encode(), "x.yaml")
    assert (caught.value.code, str(caught.value.where)) == (code, f"x.yaml:{place}")


@pytest.mark.parametrize(
    "text",
    ["a: 'x\ty'", "a: 1 # \tc", "a: |\n  x\ty\nb: 2", "# 说明：\t甲\na: 商品：大", "a: 'x：【y】'", "a: \"'\t#\"", "a: 1\n...\n", "---\na: 1"],
)  # fmt: skip
def test_the_same_signs_inside_quotes_comments_and_texts_are_fine(text: str) -> None:
    assert parse_yaml(text.encode(), "x") is not None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("a: 标签，好".encode("gbk"), "像是 GBK 编码"), ("a: 標籤".encode("gb18030"), "像是 GBK 编码"), ("a: 1".encode("utf-16"), "UTF-16"),
        ("a: 标签的名称".encode("utf-16-le"), "UTF-16"), ("标签: a".encode("utf-16-be"), "UTF-16"), (b"a: caf\xe9", "这里有字节 E9"),
        (b"a: \xff", "这里有字节 FF"), (b"x" * 1_000_001, "最多 1 MB"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_utf8_are_named(raw: bytes, words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_yaml(raw, "x")
    assert caught.value.code == "E101"
    assert words in caught.value.message


def test_a_megabyte_is_read_within_seconds_and_deep_brackets_at_once() -> None:
    import time

    text = "tags:\n" + "".join(f"  标签{n}:\n    when:\n      - 订单数 >= {n}\n" for n in range(18_000))
    started = time.monotonic()
    assert parse_yaml(text.encode(), "x") is not None
    for sign in ("[", "{", "- ", "? ", "[{", "'", '"', "#", "&", "*", "a: ", "|"):
        with suppress(InputRefused):
            parse_yaml((sign * 900_000)[:900_000].encode(), "x")
    assert time.monotonic() - started < 30


def test_gbk_bytes_are_refused_with_their_line() -> None:
    with pytest.raises(InputRefused) as caught:
        parse_yaml("a: 1\nb: 标签".encode("gbk"), "x.yaml")
    assert caught.value.code == "E101"
    assert caught.value.where is not None
    assert caught.value.where.line == 2


def test_places_of_keys_and_values() -> None:
    node = parse_yaml("规则:\n  爱水果: 1".encode(), "x.yaml")
    assert isinstance(node, Mapping)
    inner = node.get("规则")
    assert isinstance(inner, Mapping)
    key, value = inner.pairs[0]
    assert (key.mark.line, key.mark.column) == (2, 3)
    assert isinstance(value, Scalar)
    assert (value.mark.line, value.mark.column) == (2, 8)


def test_bom_and_nothing() -> None:
    assert parse_yaml(b"\xef\xbb\xbf", "x") is None
    assert plain("\ufeffa: 1") == {"a": 1}


@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        parse_yaml(raw, "x.yaml")
    except InputRefused as error:
        assert error.code.startswith("E10")


@given(st.recursive(st.text(max_size=20) | st.integers(-(10**6), 10**6), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_what_a_yaml_library_writes_is_read_back(value: object) -> None:
    import yaml

    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=False)
    if any(ch in repr(text) for ch in ("\\x85", "\\xa0", "\\u2028", "\\u2029", "\\ufeff", "\\u3000", "\\t")):
        return
    assert to_plain(parse_yaml(text.encode(), "x.yaml")) == _typed_as_text(value)


def _typed_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {key: _typed_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed_as_text(inner) for inner in value]
    return value
