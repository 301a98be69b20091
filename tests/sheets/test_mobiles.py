"""Mobiles in free text: found where they stand alone, never inside a longer number."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.sheets.mobiles import mobiles_in


def found(*texts):
    return mobiles_in(pa.array(texts, pa.string())).to_pylist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("老公 +86 138-0013-8000,急", ["13800138000"]),
        ("阿强13900000002", ["13900000002"]),
        ("13800138000 / 13900139000", ["13800138000", "13900139000"]),
        ("13800138000,就是 138 0013 8000", ["13800138000"]),
        ("１３８００１３８０００", ["13800138000"]),
        ("8613800138000", ["13800138000"]),
        ("订单4900123456789012345", None),
        ("转 13800138000-1234", None),
        ("138****8000", None),
        ("0571-88888888", None),
        ("12800138000", None),
        ("", None),
        (None, None),
    ],
)
def test_what_counts_as_a_mobile(text, expected):
    assert found(text) == [expected]


def test_an_empty_column():
    assert found() == []


@given(st.lists(st.text("0139 ab,", max_size=30), max_size=8))
def test_rows_keep_their_own_mobiles(texts):
    alone = [found(text)[0] for text in texts]
    together = found(*texts)
    assert [set(one or ()) for one in together] == [set(one or ()) for one in alone]
    for text, phones in zip(texts, together, strict=True):
        for phone in phones or ():
            assert re.fullmatch("1[3-9][0-9]{9}", phone)
            assert phone in re.sub("[ -]", "", text)
