"""Text columns to values: trimmed text, ids, fen, thousandths. Each cleaner returns values and reason codes.

A code stands where a cell says something that cannot be taken at its word; a missing value has neither.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.signs import CONTROL, DIGITS, HAN, LETTERS, has_empty, made_of, odd_ends, starts

_SPACE_ENDS = "^[\\s\\p{Z}\ufeff\u200b-\u200f\u2060]+|[\\s\\p{Z}\ufeff\u200b-\u200f\u2060]+$"
_WRAPPERS = (('="', '"'), ("'", ""))
_SENTINEL = r"^(?i:[-—－/ ]+|null|\\n|none|nan|nat|n/a)$"
_SENTINEL_STARTS = "-—－/nN\\".encode()
_PLAIN_ID = DIGITS + LETTERS + b"_-" + HAN
_SAMPLE = 512
_SCIENTIFIC = r"^[+-]?[0-9]+(?:[.][0-9]+)?[eE][+][0-9]+$|^[0-9][.][0-9]+[eE][0-9]+$|^[0-9]{16,}[.]0+$"
_PLAIN_LIMIT = 12
_QUICK_LIMIT = 1e12
"""Yuan below this have their fen exactly in a float: sixteen digits are kept, fourteen are needed."""
_HUNDRED = pa.scalar(Decimal(100), pa.decimal128(3, 0))

_NUMBER = (
    r"^(?P<s>[-+−‐–]?)\s*(?:¥|\$?CN¥|(?i:RMB|CNY)|人民币)?\s*(?P<t>[-+−‐–]?)\s*"
    r"(?P<i>[0-9]*|[0-9]{1,3}(?:,[0-9]{3})+)(?:[.](?P<f>[0-9]*))?\s*(?P<w>万?)\s*(?P<u>UNITS)$"
)
_MONEY = _NUMBER.replace("UNITS", "元?")
_COUNT = _NUMBER.replace("UNITS", "[件个份套]?")


class Cleaned(NamedTuple):
    """Values and, where a value was refused, the reason code; both as long as the input."""

    values: pa.Array
    codes: pa.Array


def repeats(texts: pa.Array) -> pa.DictionaryArray | None:
    """A column of few distinct texts as a dictionary: cleaning these is enough. None for other columns."""
    if len(texts) < 2 * _SAMPLE or len(texts[:_SAMPLE].unique()) > _SAMPLE // 4:
        return None
    encoded = texts.dictionary_encode()
    return encoded if len(encoded.dictionary) <= len(texts) // 4 else None


def plain(column: pa.Array) -> pa.Array:
    """A column of texts as it is; one that came as a dictionary, written out."""
    return column.dictionary.take(column.indices) if isinstance(column, pa.DictionaryArray) else column


class Distinct:
    """Cleaning by text: of a column that comes as a dictionary only the different texts are cleaned.

    A file says the same few words from batch to batch: what was made of the last ones is kept, by `name`. What
    `clean` makes of a text must follow from that text alone. Several threads may use one of these.
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[pa.Array, dict[str, pa.Array]]] = {}

    def clean(
        self, name: str, texts: pa.Array, clean: Callable[[pa.Array], dict[str, pa.Array]]
    ) -> dict[str, pa.Array]:
        """What `clean` makes of texts, as columns of the same length."""
        if not isinstance(texts, pa.DictionaryArray):
            return clean(texts)
        words = texts.dictionary
        if name in self._made:
            known, made = self._made[name]
            places = pc.index_in(words, value_set=known)
            if not places.null_count:
                places = places.take(texts.indices)
                return {column: values.take(places) for column, values in made.items()}
        made = clean(words)
        self._made[name] = (words, made)
        return {column: values.take(texts.indices) for column, values in made.items()}


def clean_text(texts: pa.Array) -> pa.Array:
    """Text for people: wrappers (`="…"`, a leading ' or `) and white space at the ends go; empty is null."""
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    is_odd = odd_ends(texts)
    if is_odd.any():
        if (encoded := repeats(texts)) is not None:
            return clean_text(encoded.dictionary).take(encoded.indices)
        odd = pa.array(is_odd)
        texts = pc.replace_with_mask(texts, odd, _unwrapped(texts.filter(odd)))
    if not has_empty(texts):
        return texts
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _unwrapped(odd: pa.Array) -> pa.Array:
    """Texts without what platforms and spreadsheets put around them."""
    # A platform disguises the cells of a column alike: what is inside is mostly plain, and surely so.
    odd = pc.ascii_trim_whitespace(odd)
    if not odd_ends(odd).any():
        return odd
    for start, end in _WRAPPERS:
        if pc.all(pc.and_(pc.starts_with(odd, start), pc.ends_with(odd, end))).as_py():
            inner = pc.utf8_slice_codeunits(odd, len(start), -len(end) or None)
            if not odd_ends(inner).any() and pc.min(pc.binary_length(inner)).as_py():
                return inner
    odd = pc.replace_substring_regex(odd, CONTROL, "")
    odd = pc.replace_substring_regex(odd, _SPACE_ENDS, "")
    odd = pc.replace_substring_regex(odd, '^="(?s:(.*))"$', "\\1")
    odd = pc.replace_substring_regex(odd, "^['`]", "")
    return pc.replace_substring_regex(odd, _SPACE_ENDS, "")


def clean_codes(texts: pa.Array) -> pa.Array:
    """Text of ids, dates and numbers: as clean_text, and placeholders such as `-`, `/`, `null` are null."""
    return _without_sentinels(clean_text(texts))


def _without_sentinels(texts: pa.Array) -> pa.Array:
    if not starts(texts, _SENTINEL_STARTS).any():
        return texts
    if (encoded := repeats(texts)) is not None:
        return _without_sentinels(encoded.dictionary).take(encoded.indices)
    return pc.if_else(pc.match_substring_regex(texts, _SENTINEL), pa.scalar(None, pa.string()), texts)


def clean_ids(texts: pa.Array) -> Cleaned:
    """Ids: full-width signs folded, invisible ones gone, `123.0` → 123; rounded ones `id-precision-lost`."""
    texts = clean_codes(texts)
    if made_of(texts, _PLAIN_ID):
        return Cleaned(texts, pa.nulls(len(texts), pa.string()))
    texts = pc.replace_substring_regex(pc.utf8_normalize(texts, "NFKC"), "\\p{Cf}+", "")
    lost = pc.match_substring_regex(texts, _SCIENTIFIC)
    texts = pc.replace_substring_regex(texts, "^([0-9]+)[.]0+$", "\\1")
    codes = pc.if_else(lost, "id-precision-lost", pa.scalar(None, pa.string()))
    return Cleaned(pc.if_else(lost, pa.scalar(None, pa.string()), texts), codes)


class Numbers(NamedTuple):
    """Whole units, reason codes, and in which rows more decimals than the unit were rounded away."""

    values: pa.Array
    codes: pa.Array
    is_rounded: pa.Array


def clean_money(texts: pa.Array) -> Numbers:
    """Fen of yuan texts, rounded half up away from zero; anything that is no amount is `bad-money`."""
    texts = clean_codes(texts)
    fen = _quick_fen(texts)
    if fen is not None:
        return Numbers(fen, pa.nulls(len(texts), pa.string()), pa.array(np.zeros(len(texts), dtype=bool)))
    return _numbers(texts, _MONEY, 2, "bad-money")


def clean_quantities(texts: pa.Array) -> Numbers:
    """Thousandths of quantity texts; anything else is `bad-quantity`."""
    texts = pc.fill_null(texts, "")
    if (encoded := repeats(texts)) is not None:
        return Numbers(*(column.take(encoded.indices) for column in clean_quantities(encoded.dictionary)))
    texts = clean_codes(texts)
    return _whole_numbers(texts) or _numbers(texts, _COUNT, 3, "bad-quantity")


def _whole_numbers(texts: pa.Array) -> Numbers | None:
    """The usual column of pieces, plain digits and not too many, as thousandths; else None."""
    lengths = pc.binary_length(texts)
    if not made_of(texts, DIGITS) or (pc.max(lengths).as_py() or 0) > _PLAIN_LIMIT:
        return None
    thousandths = pc.multiply(pc.cast(texts, pa.int64()), 1000)
    return Numbers(thousandths, pa.nulls(len(texts), pa.string()), pa.array(np.zeros(len(texts), dtype=bool)))


def _quick_fen(texts: pa.Array) -> pa.Array | None:
    """The usual column, plain decimals with at most two places, without looking at each sign; else None."""
    if not made_of(texts, DIGITS + b".-"):
        return None
    point = pc.find_substring(texts, ".")
    places = pc.subtract(pc.subtract(pc.binary_length(texts), point), 1)
    if pc.any(pc.and_(pc.greater_equal(point, 0), pc.greater(places, 2)), min_count=0).as_py():
        return None
    try:
        yuan = pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return None
    numbers = pc.fill_null(yuan, 0).to_numpy(zero_copy_only=False)
    if len(numbers) and np.abs(numbers).max() >= _QUICK_LIMIT:
        return None
    fen = np.rint(numbers * 100).astype(np.int64)
    return pa.array(fen, mask=pc.is_null(texts).to_numpy(zero_copy_only=False))


def split_numbers(texts: pa.Array, pattern: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """(sign is minus, integer digits, decimals) of number texts; all null where the text is no number.

    `1.2万` is shifted by four places here, so that callers see plain decimals only.
    """
    parts = pc.extract_regex(
        pc.replace_substring_regex(pc.utf8_normalize(texts, "NFKC"), "\\p{Cf}+", ""), pattern
    )
    whole, decimals, before, after, unit = (pc.struct_field(parts, name) for name in "ifstw")
    whole = pc.replace_substring(whole, ",", "")
    decimals = pc.fill_null(decimals, "")
    signs = pc.binary_join_element_wise(before, after, "")
    has_digits = pc.greater(pc.add(pc.binary_length(whole), pc.binary_length(decimals)), 0)
    is_number = pc.and_(has_digits, pc.less_equal(pc.binary_length(signs), 3))
    is_wan = pc.equal(unit, "万")
    if pc.any(is_wan, min_count=0).as_py():
        four = pc.utf8_slice_codeunits(pc.utf8_rpad(decimals, 4, "0"), 0, 4)
        whole = pc.if_else(is_wan, pc.binary_join_element_wise(whole, four, ""), whole)
        decimals = pc.if_else(is_wan, pc.utf8_slice_codeunits(decimals, 4), decimals)
    whole = pc.utf8_ltrim(whole, "0")
    is_number = pc.and_(is_number, pc.less_equal(pc.binary_length(whole), _PLAIN_LIMIT))
    is_number = pc.fill_null(is_number, False)
    none = pa.scalar(None, pa.string())
    is_minus = pc.match_substring_regex(signs, "[-−‐–]")
    return (
        pc.if_else(is_number, is_minus, pa.scalar(None, pa.bool_())),
        pc.if_else(is_number, pc.utf8_lpad(whole, 1, "0"), none),
        pc.if_else(is_number, decimals, none),
    )


def _numbers(texts: pa.Array, pattern: str, places: int, code: str) -> Numbers:
    """Integer arithmetic on digits: rounding half up only ever looks at the first digit dropped."""
    is_minus, whole, decimals = split_numbers(texts, pattern)
    kept = pc.utf8_slice_codeunits(pc.utf8_rpad(decimals, places + 1, "0"), 0, places)
    dropped = pc.utf8_slice_codeunits(decimals, places)
    is_up = pc.match_substring_regex(dropped, "^[5-9]")
    units = pc.cast(pc.binary_join_element_wise(whole, kept, ""), pa.int64())
    units = pc.add(units, pc.cast(is_up, pa.int64()))
    units = pc.if_else(is_minus, pc.negate(units), units)
    bad = pc.and_(pc.is_valid(texts), pc.is_null(whole))
    is_rounded = pc.fill_null(pc.match_substring_regex(dropped, "[1-9]"), False)
    return Numbers(units, pc.if_else(bad, code, pa.scalar(None, pa.string())), is_rounded)


def price_times_quantity(prices: pa.Array, quantities: pa.Array) -> pa.Array:
    """Fen of unit price × quantity with exact decimals, rounded half up once per line; null where one is."""
    price = _decimal(prices, _MONEY, pa.decimal128(22, 8))
    quantity = _decimal(quantities, _COUNT, pa.decimal128(15, 3))
    product = pc.round(pc.multiply(price, quantity), ndigits=2, round_mode="half_towards_infinity")
    yuan = pc.cast(product, pa.decimal128(34, 2))
    return pc.cast(pc.multiply(yuan, _HUNDRED), pa.int64())


def _decimal(texts: pa.Array, pattern: str, wanted: pa.DataType) -> pa.Array:
    is_minus, whole, decimals = split_numbers(clean_codes(texts), pattern)
    sign = pc.if_else(is_minus, "-", "")
    decimals = pc.utf8_slice_codeunits(pc.utf8_rpad(decimals, 1, "0"), 0, wanted.scale)
    return pc.cast(pc.binary_join_element_wise(sign, whole, ".", decimals, ""), wanted)
