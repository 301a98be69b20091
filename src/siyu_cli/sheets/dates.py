"""Text to local seconds: a mapping's own formats first, then the usual forms, checked day by day."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timezone, tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.clean import Cleaned, clean_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_DAY = 86_400
_EXCEL_EPOCH = 25_569
"""Excel's serial of 1970-01-01."""
_DAYS_TO_1904 = 1_462
"""What a serial day number of a workbook that counts from 1904 lacks."""
_TIME = (
    r"(?:[T ,]*(?P<p>上午|下午|早上|晚上|中午|(?i:AM|PM))? *(?P<H>[0-9]{1,2}) *[:时点] *(?P<M>[0-9]{1,2})?"
    r" *[分:]? *(?P<S>[0-9]{1,2})?(?:[.][0-9]+)? *秒? *(?P<q>(?i:AM|PM))?)?"
)
_USUAL = (
    r"^(?P<Y>[0-9]{4}) *[-/.年] *(?P<m>[0-9]{1,2}) *[-/.月] *(?P<d>[0-9]{1,2}) *[日号]?"
    rf"{_TIME}(?: *(?P<z>Z|[-+][0-9]{{2}}:?[0-9]{{2}}))?$"
)
_COMPACT = (
    r"^(?P<Y>(?:19|20)[0-9]{2})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"
    r"(?:[T ]?(?P<H>[0-9]{2}):?(?P<M>[0-9]{2})(?::?(?P<S>[0-9]{2}))?)?$"
)
_MISSING = r"^0{4}[-/.年]0?0[-/.月]0?0|^0{3}[01][-/.年]0?1[-/.月]0?1(?:\D|$)|^0+$"
_SERIAL = r"^(?P<n>[2-7][0-9]{4})(?:[.](?P<f>[0-9]+))?$"
_EPOCH = r"^(?P<n>[1-3][0-9]{9})(?:[0-9]{3})?(?:[.]0+)?$"
_AMBIGUOUS = r"^[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})(?:\D|$)"
_PARTS = {
    "Y": "(?P<Y>[0-9]{4})", "y": "(?P<y>[0-9]{2})", "m": "(?P<m>[0-9]{1,2})", "d": "(?P<d>[0-9]{1,2})",
    "H": "(?P<H>[0-9]{1,2})", "I": "(?P<H>[0-9]{1,2})", "M": "(?P<M>[0-9]{1,2})", "S": "(?P<S>[0-9]{1,2})",
    "p": "(?P<p>上午|下午|(?i:AM|PM))",
}  # fmt: skip
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_FIRST_SECOND, _LAST_SECOND = -2_208_988_800, 7_258_118_399
_USUAL_LENGTHS = pa.array([10, 16, 19], pa.int32())


def format_pattern(text: str) -> str:
    """The regular expression of a strptime-like format; digits need no padding where a sign divides them."""
    pattern, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "%" and at + 1 < len(text):
            letter = text[at + 1]
            part = _PARTS.get(letter, re.escape(letter))
            is_tight = text[at + 2 : at + 3] == "%" or (at >= 2 and text[at - 2] == "%")
            pattern += part.replace("{1,2}", "{2}") if is_tight else part
            at += 2
            continue
        pattern += r"\s+" if char.isspace() else re.escape(char)
        at += 1
    return f"^{pattern}$"


def clean_moments(texts: pa.Array, formats: Sequence[str], tz: tzinfo, is_1904: bool = False) -> Cleaned:
    """Local seconds of date texts. Codes: `bad-date` (no such day or form), `ambiguous-date` (01/02/2024).

    All-zero dates and 0001-01-01 are missing. Epoch seconds and milliseconds are converted into `tz`.
    With `is_1904`, serial day numbers count from 1904, as some workbooks have it.
    """
    texts = clean_codes(texts)
    # ISO texts mean one thing unless a format puts the day before the month.
    quick = None if any(text.startswith("%Y-%d") for text in formats) else _quick(texts)
    if quick is not None:
        return Cleaned(quick, pa.nulls(len(texts), pa.string()))
    return _Moments(texts, tz, is_1904).run(formats)


def _quick(texts: pa.Array) -> pa.Array | None:
    """Columns of `2025-03-15[ 10:02[:07]]` throughout; anything else takes the careful road."""
    lengths = pc.fill_null(pc.binary_length(texts), 10)
    if not pc.all(pc.is_in(lengths, value_set=_USUAL_LENGTHS), min_count=0).as_py():
        return None
    try:
        seconds = pc.cast(pc.cast(texts, pa.timestamp("s")), pa.int64())
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(seconds)
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    return seconds if first is None or (first >= _FIRST_SECOND and last <= _LAST_SECOND) else None


class _Moments:
    """One pass per form over the rows no earlier form has read."""

    def __init__(self, texts: pa.Array, tz: tzinfo, is_1904: bool) -> None:
        self.texts = texts
        self.tz = tz
        self.first_day = _EXCEL_EPOCH - _DAYS_TO_1904 * is_1904
        self.seconds: Ints = np.zeros(len(texts), dtype=np.int64)
        self.is_read = np.zeros(len(texts), dtype=bool)
        self.codes: list[tuple[NDArray[np.int64], str]] = []
        self.left: Ints = np.flatnonzero(pc.is_valid(texts).to_numpy(zero_copy_only=False))

    def run(self, formats: Sequence[str]) -> Cleaned:
        if len(self.left):
            if not pc.all(pc.string_is_ascii(self.texts), min_count=0).as_py():
                self.texts = pc.utf8_normalize(self.texts, "NFKC")
                self.texts = pc.replace_substring_regex(self.texts, "\\p{Cf}+", "")
            if pc.any(pc.match_substring_regex(self.texts, "\\s\\s|[\\t\\n\\r\\f\\v]"), min_count=0).as_py():
                self.texts = pc.replace_substring_regex(self.texts, "\\s+", " ")
        self._drop(_MISSING)
        self._try_formats(formats)
        self._try(_USUAL, self._civil)
        self._try(_COMPACT, self._civil)
        self._try(_EPOCH, self._epoch)
        self._try(_SERIAL, self._serial)
        self._mark(_AMBIGUOUS, "ambiguous-date")
        if len(self.left):
            self.codes.append((self.left, "bad-date"))
        return self._result()

    def _try_formats(self, formats: Sequence[str]) -> None:
        """The mapping's formats in order. What has the form of one, but is no day by any, is no day at all."""
        is_misfit = np.zeros(len(self.texts), dtype=bool)
        for text in formats:
            if not len(self.left):
                break
            before = self.left
            parts, rows = self._matching(format_pattern(text))
            if len(rows):
                seconds, is_valid = self._civil(parts)
                self.seconds[rows[is_valid]] = seconds[is_valid]
                self.is_read[rows[is_valid]] = True
                is_misfit[rows[~is_valid]] = True
                self.left = before[~self.is_read[before]]
        misfits = self.left[is_misfit[self.left]]
        if len(misfits):
            self.codes.append((misfits, "bad-date"))
            self.left = self.left[~is_misfit[self.left]]

    def _matching(self, pattern: str) -> tuple[Any, Ints]:
        """The captures of the rows that match, and which rows these are; they are no longer left."""
        parts = pc.extract_regex(self.texts.take(pa.array(self.left)), pattern)
        is_match = pc.is_valid(parts).to_numpy(zero_copy_only=False)
        rows = self.left[is_match]
        self.left = self.left[~is_match]
        return pc.filter(parts, pa.array(is_match)), rows

    def _try(self, pattern: str, convert: Callable[[Any], tuple[Ints, Any]]) -> None:
        if not len(self.left):
            return
        parts, rows = self._matching(pattern)
        if len(rows):
            seconds, is_valid = convert(parts)
            self.seconds[rows] = np.where(is_valid, seconds, 0)
            self.is_read[rows] = is_valid
            if not is_valid.all():
                self.codes.append((rows[~is_valid], "bad-date"))

    def _where(self, pattern: str) -> Ints:
        subset = self.texts.take(pa.array(self.left))
        is_match = pc.match_substring_regex(subset, pattern).to_numpy(zero_copy_only=False).astype(bool)
        rows: Ints = self.left[is_match]
        self.left = self.left[~is_match]
        return rows

    def _drop(self, pattern: str) -> None:
        if len(self.left):
            self._where(pattern)

    def _mark(self, pattern: str, code: str) -> None:
        if len(self.left):
            rows = self._where(pattern)
            if len(rows):
                self.codes.append((rows, code))

    def _civil(self, parts: Any) -> tuple[Ints, Any]:
        """Seconds of year, month, day and time; impossible days and times are not valid."""
        names = {field.name for field in parts.type}
        if "Y" in names:
            year = _number(parts, "Y")
        else:
            short = _number(parts, "y")
            year = np.where(short < 69, short + 2000, short + 1900)
        month, day, hour, minute, second = (_number(parts, name) for name in "mdHMS")
        is_valid = (year >= _FIRST_YEAR) & (year <= _LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
        safe = np.where(is_valid, month, 1)
        is_valid &= day <= _month_days(year, safe)
        half = _half_of_day(parts, names)
        has_half = half >= 0
        is_valid &= np.where(has_half, (hour <= 12), hour <= 23)
        hour = np.where(has_half & (hour == 12), 0, hour) + np.where(half == 1, 12, 0)
        is_valid &= (hour <= 23) & (minute <= 59) & (second <= 59)
        seconds = _days_from_civil(year, safe, day) * _DAY + hour * 3600 + minute * 60 + second
        return (_from_offset(seconds, parts, self.tz) if "z" in names else seconds), is_valid

    def _serial(self, parts: Any) -> tuple[Ints, Any]:
        """Excel days with a fraction, rounded to the second."""
        days = _number(parts, "n")
        digits = pc.utf8_slice_codeunits(pc.utf8_rpad(_texts(parts, "f"), 12, "0"), 0, 12)
        fraction = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
        seconds = (fraction * _DAY + 5 * 10**11) // 10**12
        return (days - self.first_day) * _DAY + seconds, np.ones(len(days), dtype=bool)

    def _epoch(self, parts: Any) -> tuple[Ints, Any]:
        utc = _number(parts, "n")
        return to_local(utc, self.tz), np.ones(len(utc), dtype=bool)

    def _result(self) -> Cleaned:
        values = pa.array(self.seconds, mask=~self.is_read)
        codes = np.full(len(self.seconds), None, dtype=object)
        for rows, code in self.codes:
            codes[rows] = code
        return Cleaned(values, pa.array(codes, pa.string()))


def to_local(utc: Ints, tz: tzinfo) -> Ints:
    """Local seconds of UTC epoch seconds."""
    if isinstance(tz, timezone):
        return utc + int(tz.utcoffset(None).total_seconds())
    moments = pc.cast(pa.array(utc), pa.timestamp("s", tz="UTC"))
    local = pc.local_timestamp(pc.cast(moments, pa.timestamp("s", tz=str(tz))))
    result: Ints = pc.cast(local, pa.int64()).to_numpy(zero_copy_only=False)
    return result


def _from_offset(seconds: Ints, parts: Any, tz: tzinfo) -> Ints:
    """Local seconds of moments that name their distance from UTC (`+0800`, `-05:00`, `Z`); others stay."""
    zones = _texts(parts, "z")
    is_named = pc.not_equal(zones, "").to_numpy(zero_copy_only=False)
    if not is_named.any():
        return seconds
    digits = pc.replace_substring_regex(
        pc.if_else(pc.is_in(zones, pa.array(["", "Z"])), "+0000", zones), ":", ""
    )
    hours, minutes = (
        pc.cast(pc.utf8_slice_codeunits(digits, at, at + 2), pa.int64()).to_numpy(zero_copy_only=False)
        for at in (1, 3)
    )
    sign = np.where(pc.starts_with(digits, "-").to_numpy(zero_copy_only=False), -1, 1)
    utc = seconds - sign * (hours * 3600 + minutes * 60)
    return np.where(is_named, to_local(utc, tz), seconds)


def _texts(parts: Any, name: str) -> pa.Array:
    return pc.fill_null(pc.struct_field(parts, name), "")


def _number(parts: Any, name: str) -> Ints:
    """The numbers of a capture; zeros where the pattern has no such part."""
    if parts.type.get_field_index(name) < 0:
        return np.zeros(len(parts), dtype=np.int64)
    digits = _texts(parts, name)
    numbers: Ints = pc.cast(pc.if_else(pc.equal(digits, ""), "0", digits), pa.int64()).to_numpy(
        zero_copy_only=False
    )
    return numbers


def _half_of_day(parts: Any, names: set[str]) -> Ints:
    """1 after noon, 0 before it, -1 where the text does not say."""
    said: Ints = np.full(len(parts), -1, dtype=np.int64)
    for name in ("p", "q"):
        if name in names:
            text = pc.utf8_upper(_texts(parts, name))
            after = pc.is_in(text, value_set=pa.array(["下午", "晚上", "中午", "PM"]))
            before = pc.is_in(text, value_set=pa.array(["上午", "早上", "AM"]))
            said = np.where(after.to_numpy(zero_copy_only=False), 1, said)
            said = np.where(before.to_numpy(zero_copy_only=False), 0, said)
    return said


def _month_days(year: Ints, month: Ints) -> Ints:
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    result: Ints = lengths[month] + ((month == 2) & is_leap)
    return result


def _days_from_civil(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01 in the Gregorian calendar, counted from a March-based year."""
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    result: Ints = era * 146_097 + day_of_era - 719_468
    return result
