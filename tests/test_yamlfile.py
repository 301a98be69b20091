"""The strict YAML reader: what it keeps as text, what it refuses, and that nothing else escapes."""

from __future__ import annotations

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
        ("a: 1\n---\nb: 2", "E103", 3),
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
