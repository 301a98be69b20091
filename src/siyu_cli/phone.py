"""Phones: a canonical 11-digit mainland mobile, or a reason why a value is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from siyu_cli.language import tr

if TYPE_CHECKING:
    import pyarrow as pa

_INVISIBLE = "[\\p{Cf}\\p{Cc}]+"
_SPACE = "[\\s\u00a0\u3000]+"
_MOBILE = "1[3-9][0-9]{9}"
# Also with a country code, in groups, in full width: whatever clean_phones would read as a mobile.
_FULL_MOBILE = re.compile(
    r"(?<![0-9０-９])(?:[+＋]?(?:00|００)?(?:86|８６)[-  .·]?)?([1１][3-9３-９][0-9０-９])"
    r"[-  .·]?[0-9０-９]{4}[-  .·]?([0-9０-９]{4})(?![0-9０-９])"
)
_SEPARATOR = "[/、;,|&\n\r或和]"
_SPACED_SEPARATOR = "[/、;,|&\n\r或和 \t]"
_COUNTRY = "(?:[+]?(?:00)?86)"

# Tried in this order on the normalised text (NFKC, nothing invisible, no white space at the ends).
_REASONS: tuple[tuple[str, str], ...] = (
    ("phone-empty", r"^(?i:|-+|—+|/|null|none|nan|\\n|无|空)$"),
    ("phone-masked", r"[*●•]|^(?:##|\$\$)|^1[0-9]{2}[xX]{3,}"),
    ("phone-precision", r"^[0-9](?:[.][0-9]+)?[eE][+]?[0-9]+$"),
    (
        "phone-virtual",
        f"^{_COUNTRY}?[- ]*1[0-9]{{10}} *(?:[-_#,转]|(?i:ext[.]?)|分机) *[0-9]{{1,6}}$",
    ),
    (
        "phone-several",
        f"{_MOBILE}[^0-9]+(?:[+]?[0-9]{{7,}}|{_COUNTRY}[- ]*{_MOBILE}|0[0-9]{{2,3}}-?[0-9]{{7,8}})"
        f"|[0-9]{{7,}}[^0-9]+{_MOBILE}|1[3-9][0-9]-[0-9]{{4}}-[0-9]{{4}}[^0-9]+1[3-9][0-9]",
    ),
)
_COMPACT_REASONS: tuple[tuple[str, str], ...] = (
    (
        "phone-landline",
        "^(?:86)?0?(?:[48]00[0-9]{7}|95[0-9]{3,6})$|^(?:86)?0[0-9]{9,11}(?:[0-9]{0,4})$|^[2-8][0-9]{6,7}$",
    ),
    ("phone-segment", f"^{_COUNTRY}?1[0-2][0-9]{{9}}$"),
)


def clean_phones(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """(canonical phones, reason codes) of a text column; in each row exactly one of the two is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.fill_null(texts, "")
    nulls = pa.nulls(len(texts), pa.string())
    is_plain = _are_mobiles(texts)
    if not pc.all(is_plain, min_count=0).as_py():
        # A leading quote or TAB keeps spreadsheets from making a number of it: the usual reason why one is not plain.
        texts = pc.if_else(is_plain, texts, pc.utf8_rtrim(pc.utf8_ltrim(texts, "'`\t "), "\t "))
        is_plain = _are_mobiles(texts)
    odd = pc.invert(is_plain)
    if not pc.any(odd, min_count=0).as_py():
        return texts, nulls
    fixed, codes = _clean_odd(pc.filter(texts, odd))
    return pc.replace_with_mask(texts, odd, fixed), pc.replace_with_mask(nulls, odd, codes)


def split_phones(texts: pa.Array) -> pa.Array:
    """The mobiles of cells that hold several (`13800138000/13900139000`), each once, as a list column.

    A list stands only where every part of a cell is a mobile; a cell with one number, or with anything
    else beside the numbers, is null.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(pc.utf8_normalize(pc.fill_null(texts, ""), "NFKC"))
    has_several = pc.match_substring_regex(text, f"[0-9].*{_SPACED_SEPARATOR}.*[0-9]")
    cells = pc.filter(text, has_several)
    # A space parts numbers only where nothing else does: it also stands within one.
    found = _mobiles_between(cells, _SEPARATOR)
    found = pc.if_else(pc.is_valid(found), found, _mobiles_between(cells, _SPACED_SEPARATOR))
    mask = has_several.to_numpy(zero_copy_only=False)
    return found.take(pa.array(np.cumsum(mask) - 1, mask=~mask))


def _mobiles_between(cells: pa.Array, separator: str) -> pa.Array:
    """Lists of the mobiles between separators; null where there is no separator or a part is no mobile."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.split_pattern_regex(cells, f"{separator}+")
    phones = _bare_mobiles(_compact(_undisguised(parts.flatten())))
    lists = pa.ListArray.from_arrays(parts.offsets, phones).to_pylist()
    found = [
        list(dict.fromkeys(phones)) if len(phones) > 1 and None not in phones else None for phones in lists
    ]
    return pa.array(found, pa.list_(pa.string()))


def _are_mobiles(texts: pa.Array) -> pa.Array:
    """Which texts are `1[3-9]` and nine more digits: of eleven digits, the order of texts is that of numbers."""
    import pyarrow.compute as pc

    is_long = pc.and_(pc.ascii_is_decimal(texts), pc.equal(pc.binary_length(texts), 11))
    return pc.and_(is_long, pc.and_(pc.greater_equal(texts, "13"), pc.less(texts, "2")))


def _clean_odd(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The slower road for values that are not plain mobiles already."""
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = _undisguised(texts)
    compact = _compact(exact)
    mobiles = _bare_mobiles(compact)
    codes: pa.Array = pa.array(["phone-invalid"] * len(texts), pa.string())
    for code, pattern in reversed(_COMPACT_REASONS):
        codes = pc.if_else(pc.match_substring_regex(compact, pattern), code, codes)
    for code, pattern in reversed(_REASONS):
        codes = pc.if_else(pc.match_substring_regex(exact, pattern), code, codes)
    is_several = pc.and_(pc.equal(codes, "phone-invalid"), pc.is_valid(split_phones(texts)))
    codes = pc.if_else(is_several, "phone-several", codes)
    return mobiles, pc.if_else(pc.is_valid(mobiles), pa.scalar(None, pa.string()), codes)


def _undisguised(texts: pa.Array) -> pa.Array:
    """Normalised texts without wrappers, invisible signs and what a number cell adds to a number."""
    import pyarrow.compute as pc

    text = pc.utf8_normalize(texts, "NFKC")
    text = pc.replace_substring_regex(text, _INVISIBLE, "")
    text = pc.replace_substring_regex(text, f"""^{_SPACE}|{_SPACE}$""", "")
    text = pc.replace_substring_regex(text, """^(?:="?|['`]+)|["'`]+$""", "")
    text = pc.replace_substring_regex(text, "[‐‑‒–—−]", "-")
    text = pc.replace_substring_regex(text, f"{_SPACE}", " ")
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), "[.]0+$", "")
    return pc.replace_substring_regex(text, "^(1)[.]([0-9]{10})[eE][+]?10$", "\\1\\2")


def _compact(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(texts, "[-() ._·]", "")


def _bare_mobiles(compact: pa.Array) -> pa.Array:
    """The mobiles without country code; null where a text is none."""
    import pyarrow.compute as pc

    return pc.struct_field(pc.extract_regex(compact, f"^{_COUNTRY}?0?(?P<mobile>{_MOBILE})$"), "mobile")


def mask_phones(text: str) -> str:
    """A text with every full mobile number in it as `138****5678`."""
    return _FULL_MOBILE.sub(r"\1****\2", text)


def phone_reason(code: str) -> str:
    """The reason code in the operator's words."""
    words = {
        "phone-masked": tr("手机号被平台脱敏(有星号或密文)", "the phone is masked"),
        "phone-virtual": tr("是带分机的虚拟号,不是本人手机", "it is a virtual number with an extension"),
        "phone-precision": tr(
            "手机号成了科学计数,精度已丢失", "the phone lost digits to scientific notation"
        ),
        "phone-several": tr("一格里有多个号码", "the cell holds several numbers"),
        "phone-landline": tr("是座机或服务号,不是手机", "it is a landline"),
        "phone-segment": tr("号段不是手机号段", "no mobile number starts like this"),
        "phone-empty": tr("没有手机号", "the phone is empty"),
        "phone-invalid": tr("不是 11 位手机号", "it is no 11-digit mobile"),
    }
    return words.get(code, code)
