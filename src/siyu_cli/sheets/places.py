"""Provinces in one short spelling, and province and city from the head of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_MUNICIPALITIES = ("北京", "天津", "上海", "重庆")
PROVINCES = (
    *_MUNICIPALITIES,
    "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北",
    "湖南", "广东", "海南", "四川", "贵州", "云南", "陕西", "甘肃", "青海", "台湾", "内蒙古", "广西", "西藏",
    "宁夏", "新疆", "香港", "澳门",
)  # fmt: skip
_ENDING = "(?:壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区|省|市)?"
_HEAD_SIGNS = 24
"""As much of an address as its province and city can take."""
_HEAD = f"^[^\\p{{Han}}]*(?:中国)?(?P<p>{'|'.join(PROVINCES)}){_ENDING}"
_CITY = r"^\s*(?P<c>\p{Han}{1,10}?(?:自治州|地区|盟|州市|市|州))"


def clean_provinces(texts: pa.Array) -> pa.Array:
    """上海市 → 上海, 广西壮族自治区 → 广西; masked cells become null, other words stay as they are."""
    import pyarrow.compute as pc

    if texts.null_count == len(texts):
        return texts
    encoded = pc.dictionary_encode(texts)
    words = encoded.dictionary
    found = pc.struct_field(pc.extract_regex(words, f"{_HEAD}$"), "p")
    shown = pc.if_else(pc.match_substring(words, "*"), None, words)
    return pc.take(pc.coalesce(found, shown), encoded.indices)


def clean_cities(texts: pa.Array, provinces: pa.Array) -> pa.Array:
    """City names as they stand; masked cells become null.

    Beside 北京, 天津, 上海 or 重庆 a filled cell names a district or the city in other words: it is that city.
    """
    import pyarrow.compute as pc

    if texts.null_count == len(texts):
        return texts
    cities = pc.if_else(pc.match_substring(texts, "*"), None, texts)
    is_own = pc.and_(pc.is_in(provinces, value_set=_strings(_MUNICIPALITIES)), pc.is_valid(cities))
    if not pc.any(is_own, min_count=0).as_py():
        return cities
    return pc.if_else(is_own, pc.binary_join_element_wise(provinces, "市", ""), cities)


def places_of(addresses: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(province, city) of addresses such as 「浙江省 杭州市 西湖区 …」; null where they do not say."""
    import pyarrow.compute as pc

    from siyu_cli.sheets.clean import repeats

    encoded = repeats(addresses)
    if encoded is None:
        encoded = pc.dictionary_encode(pc.utf8_slice_codeunits(addresses, 0, _HEAD_SIGNS))
    provinces, cities = places_in(encoded.dictionary)
    return pc.take(provinces, encoded.indices), pc.take(cities, encoded.indices)


def places_in(heads: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(province, city) of each text, the same text or not."""
    import pyarrow.compute as pc

    provinces = pc.struct_field(pc.extract_regex(heads, _HEAD), "p")
    rest = pc.replace_substring_regex(heads, _HEAD, "")
    cities = pc.struct_field(pc.extract_regex(rest, _CITY), "c")
    own = pc.binary_join_element_wise(provinces, "市", "")
    is_own = pc.is_in(provinces, value_set=_strings(_MUNICIPALITIES))
    has_rest = pc.not_equal(pc.utf8_trim_whitespace(rest), "")
    cities = pc.coalesce(pc.if_else(pc.and_(is_own, has_rest), own, None), cities)
    return provinces, pc.if_else(pc.is_valid(provinces), cities, None)


def _strings(words: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(words, pa.string())
