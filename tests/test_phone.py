"""Phones: every disguise of a number gives the number, everything else its own reason."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.phone import clean_phones, mask_phones, phone_reason, split_phones

MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
DISGUISES = (
    lambda p: f" {p}\t",
    lambda p: f"+86{p}",
    lambda p: f"+86 {p[:3]}-{p[3:7]}-{p[7:]}",
    lambda p: f"0086{p}",
    lambda p: f"86-{p}",
    lambda p: f"(+86){p}",
    lambda p: f"{p[:3]} {p[3:7]} {p[7:]}",
    lambda p: f"{p}.0",
    lambda p: f"'{p}",
    lambda p: f'="{p}"',
    lambda p: f"\u200e{p}\u200b",
    lambda p: f"{p[0]}.{p[1:]}E+10",
    lambda p: "".join(chr(ord(digit) + 0xFEE0) for digit in p),
)


def one(text: str | None) -> tuple[str | None, str | None]:
    phones, codes = clean_phones(pa.array([text], pa.string()))
    return phones[0].as_py(), codes[0].as_py()


@given(MOBILES, st.sampled_from(DISGUISES))
def test_disguised_numbers_are_recovered(phone, disguise):
    assert one(disguise(phone)) == (phone, None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("138****8000", "phone-masked"),
        ("182********", "phone-masked"),
        ("1**********", "phone-masked"),
        ("$$MTM4AAAA", "phone-masked"),
        ("13800138000-1234", "phone-virtual"),
        ("13800138000转12", "phone-virtual"),
        ("1.38001E+10", "phone-precision"),
        ("1.38E+10", "phone-precision"),
        ("13800138000/13900139000", "phone-several"),
        ("13800138000 13900139000", "phone-several"),
        ("13800138000、13900139000", "phone-several"),
        ("13800138000\n13900139000", "phone-several"),
        ("138 0013 8000/139-0013-9000", "phone-several"),
        ("0571-88888888", "phone-landline"),
        ("400-123-4567", "phone-landline"),
        ("88888888", "phone-landline"),
        ("12345678901", "phone-segment"),
        ("", "phone-empty"),
        (None, "phone-empty"),
        (" ", "phone-empty"),
        ("-", "phone-empty"),
        ("null", "phone-empty"),
        ("138001380001", "phone-invalid"),
        ("1380013800", "phone-invalid"),
        ("微信号abc", "phone-invalid"),
    ],
)
def test_each_bad_value_has_its_reason(text, code):
    assert one(text) == (None, code)
    assert phone_reason(code) != code


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=16), MOBILES, st.from_regex(r"[0-9+*\-.E ]{1,16}")), max_size=20
    )
)
def test_each_row_has_either_a_phone_or_a_reason_whatever_stands_beside_it(texts):
    phones, codes = clean_phones(pa.array(texts, pa.string()))
    for text, phone, code in zip(texts, phones.to_pylist(), codes.to_pylist(), strict=True):
        assert (phone is None) != (code is None)
        assert (phone, code) == one(text)
        if phone is not None:
            digits = "".join(ch for ch in unicodedata.normalize("NFKC", text or "") if ch.isdigit())
            assert re.fullmatch(r"1[3-9][0-9]{9}", phone)
            assert phone[:10] in digits


@given(MOBILES)
def test_cleaning_twice_changes_nothing(phone):
    assert one(one(f"+86 {phone}")[0]) == (phone, None)


def test_mask():
    assert mask_phones("13800138000") == "138****8000"
    assert (
        mask_phones("找 13800138000、13900139000 和 138001380001")
        == "找 138****8000、139****9000 和 138001380001"
    )


@given(
    st.lists(st.tuples(MOBILES, st.sampled_from(DISGUISES[1:6])), min_size=2, max_size=4),
    st.sampled_from(["/", "、", ";", "；", ",", "，", "\n", " / ", "; "]),
)
def test_every_part_of_a_cell_that_is_a_mobile_is_found(parts, separator):
    cell = separator.join(disguise(phone) for phone, disguise in parts)
    assert split_phones(pa.array([cell])).to_pylist() == [list(dict.fromkeys(phone for phone, _ in parts))]


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("13800138000 13900139000", ["13800138000", "13900139000"]),
        ("13800138000/13800138000", ["13800138000"]),
        ("13800138000", None),
        ("138 0013 8000", None),
        ("13800138000/0571-88888888", None),
        ("13800138000/张三", None),
        ("13800138000-1234", None),
        ("138****8000/13900139000", None),
        ("", None),
        (None, None),
    ],
)
def test_cells_are_split_only_when_every_part_is_a_mobile(text, phones):
    column = pa.array([text, "13800138000/13900139000", text], pa.string())
    assert split_phones(column).to_pylist() == [phones, ["13800138000", "13900139000"], phones]


@pytest.mark.parametrize(
    "text",
    [
        "13900148142",
        "+86 139 0014 8142",
        "139-0014-8142",
        "008613900148142",
        "手机13900148142号",
        "１３９００１４８１４２",
    ],
)
def test_a_number_is_masked_however_it_is_written(text):
    masked = mask_phones(f"给 {text} 打过")
    assert "****" in masked
    assert not re.search("0014|００１４", masked)


@pytest.mark.parametrize(
    "text", ["20250315101530", "2025-03-15 10:15", "订单 4900000000000000001", "12345678901"]
)
def test_other_numbers_are_left_alone(text):
    assert mask_phones(text) == text
