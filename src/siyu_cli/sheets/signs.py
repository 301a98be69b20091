"""A quick look at whole text columns by their UTF-8 bytes: most need no look at each sign."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Bytes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"
Mask: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"
Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int32]]"

DIGITS = b"0123456789"
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HAN = bytes(range(0xE4, 0xEA)) + bytes(range(0x80, 0xC0))
"""The bytes of U+4000 to U+9FFF, and of nothing else in sound UTF-8."""
CONTROL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]"

_IS_PLAIN_START = np.isin(np.arange(256), list(DIGITS + LETTERS + HAN[:6]))


def utf8(texts: pa.Array) -> bytes:
    """The bytes of all texts, one after the other."""
    return _parts(texts)[1].tobytes()


def made_of(texts: pa.Array, signs: bytes) -> bool:
    """True when the texts consist of these bytes only."""
    return not utf8(texts).translate(None, signs)


def is_ascii(texts: pa.Array) -> bool:
    """True when all texts are ASCII."""
    return utf8(texts).isascii()


def holds(texts: pa.Array, sign: bytes) -> bool:
    """True when this byte is in some text."""
    return sign in utf8(texts)


def has_empty(texts: pa.Array) -> bool:
    """True when some text is empty or null."""
    offsets, _ = _parts(texts)
    return bool((offsets[:-1] == offsets[1:]).any()) or bool(texts.null_count)


def starts(texts: pa.Array, signs: bytes) -> Mask:
    """Which texts begin with one of these bytes."""
    offsets, data = _parts(texts)
    is_wanted = np.zeros(257, dtype=bool)
    is_wanted[list(signs)] = True
    begins, ends = offsets[:-1], offsets[1:]
    found: Mask = is_wanted[np.append(data, np.uint8(0))[begins]] & (begins < ends)
    return found


def odd_ends(texts: pa.Array) -> Mask:
    """Which texts may have to be trimmed or unwrapped; all others are surely as they should be.

    Sure are texts that begin with an ASCII letter, a digit or a Chinese character and end with a visible
    sign, and have no control characters (TAB and line ends within a text are none).
    """
    offsets, data = _parts(texts)
    begins, ends = offsets[:-1], offsets[1:]
    is_odd: Mask = np.zeros(len(texts), dtype=bool)
    filled: Any = slice(None) if (begins < ends).all() else np.flatnonzero(begins < ends)
    if len(data):
        is_odd[filled] = ~(_IS_PLAIN_START[data[begins[filled]]] & _ends_visibly(data, ends[filled]))
    if _may_hold_control(data):
        is_odd |= pc.fill_null(pc.match_substring_regex(texts, CONTROL), False).to_numpy(zero_copy_only=False)
    return is_odd


def _ends_visibly(data: Bytes, ends: Places) -> Mask:
    """Texts whose last sign is visible ASCII, Chinese, or Chinese punctuation, full width forms included."""
    last = data[ends - 1]
    visible: Mask = (last > 0x20) & (last < 0x7F)
    if (last < 0x80).all():
        return visible
    lead, middle = data[np.maximum(ends - 3, 0)], data[np.maximum(ends - 2, 0)]
    is_han = (lead >= 0xE4) & (lead <= 0xE9)
    is_mark = (lead == 0xE3) & ((middle != 0x80) | (last != 0x80))  # all but the wide space
    is_wide = (lead == 0xEF) & (middle == 0xBC)
    visible |= (last >= 0x80) & (middle >= 0x80) & (is_han | is_mark | is_wide)
    return visible


def _may_hold_control(data: Bytes) -> bool:
    """True when a control character may be among the bytes."""
    if not len(data):
        return False
    lowest, highest = data.min(), data.max()
    if highest >= 0x7F and ((data == 0x7F).any() or (data == 0xC2).any()):
        return True
    if lowest >= 0x20:
        return False
    low = data[data < 0x20]
    return bool(np.isin(low, (0x09, 0x0A, 0x0D), invert=True).any())


def _parts(texts: pa.Array) -> tuple[Places, Bytes]:
    """Where each text begins and the last one ends, and the bytes they stand in."""
    _, places, signs = texts.buffers()
    if places is None or not len(texts):
        return np.zeros(len(texts) + 1, dtype=np.int32), np.zeros(0, dtype=np.uint8)
    offsets = np.frombuffer(places, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(signs, dtype=np.uint8) if signs is not None else np.zeros(0, dtype=np.uint8)
    first = offsets[0]
    return offsets - first, data[first : offsets[-1]]
