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
_FULL_MOBILE = re.compile(r"(?<![0-9])(1[3-9][0-9])[0-9]{4}([0-9]{4})(?![0-9])")
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
    is_plain = pc.match_substring_regex(texts, f"^{_MOBILE}$")
    if pc.all(is_plain, min_count=0).as_py():
        return texts, pa.nulls(len(texts), pa.string())
    # A leading quote or TAB keeps spreadsheets from making a number of it: the usual reason why one is not plain.
    texts = pc.if_else(is_plain, texts, pc.utf8_rtrim(pc.utf8_ltrim(texts, "'`\t "), "\t "))
    odd = pc.invert(pc.match_substring_regex(texts, f"^{_MOBILE}$"))
    nulls = pa.nulls(len(texts), pa.string())
    if not pc.any(odd).as_py():
        return texts, nulls
    fixed, codes = _clean_odd(pc.filter(texts, odd))
    return pc.replace_with_mask(texts, odd, fixed), pc.replace_with_mask(nulls, odd, codes)


def _clean_odd(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The slower road for values that are not plain mobiles already."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_normalize(texts, "NFKC")
    text = pc.replace_substring_regex(text, _INVISIBLE, "")
    text = pc.replace_substring_regex(text, f"""^{_SPACE}|{_SPACE}$""", "")
    text = pc.replace_substring_regex(text, """^(?:="?|['`]+)|["'`]+$""", "")
    text = pc.replace_substring_regex(text, "[‐‑‒–—−]", "-")
    text = pc.replace_substring_regex(text, f"{_SPACE}", " ")
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), "[.]0+$", "")
    exact = pc.replace_substring_regex(text, "^(1)[.]([0-9]{10})[eE][+]?10$", "\\1\\2")
    compact = pc.replace_substring_regex(exact, "[-() ._·]", "")
    mobile = pc.replace_substring_regex(compact, f"^{_COUNTRY}?0?({_MOBILE})$", "\\1")
    is_mobile = pc.match_substring_regex(mobile, f"^{_MOBILE}$")
    codes: pa.Array = pa.array(["phone-invalid"] * len(text), pa.string())
    for code, pattern in reversed(_COMPACT_REASONS):
        codes = pc.if_else(pc.match_substring_regex(compact, pattern), code, codes)
    for code, pattern in reversed(_REASONS):
        codes = pc.if_else(pc.match_substring_regex(exact, pattern), code, codes)
    missing = pa.scalar(None, pa.string())
    return pc.if_else(is_mobile, mobile, missing), pc.if_else(is_mobile, missing, codes)


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
