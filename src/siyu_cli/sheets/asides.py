"""Rows that are no data: blank ones, totals and notes. They are counted as blank, never imported."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.sheets.clean import plain
from siyu_cli.sheets.signs import DIGITS, starts

_TOTAL_WORDS = (
    r"(?:本页|本月|本日|全部|订单)?(?:合 *计|总 *计|小 *计|共 *计|总合计|(?:grand +|sub-? ?)?totals?)"
)
_TOTAL = rf"^(?i:{_TOTAL_WORDS})\s*(?:[::((].*|(?:共|¥|¥|-)?\s*[0-9].*)?$"
_NOTE = (
    r"^[*※【\[(( ]*(?:注[::意]|(?:备注|说明|提示)[::]|以上|导出(?:时间|人|日期|说明)|制表|打印时间|数据来源"
    r"|统计(?:时间|口径)|共 *[0-9,]+ *(?:条|行|笔|单|件|个)|第 *[0-9]+ *页|-+ *(?:结束|END) *-+)"
)
_CAPTION = (
    r"[(（【\[](?!\d)[^)）】\]]*[)）】\]]|(?:单位|公式|口径|说明|计算方式?)\s*[:：].*|(?:元|分|件|个|单|笔|次|天|%|人民币|RMB|CNY|yuan)(?:/[件个单])?"
    r"|[①-⑳]|[A-Za-z①-⑳]{0,3}\s*[=＝]\s*[^\d\"'].*"
)
_DATA_STARTS = DIGITS + b"=+'`"
"""With these begins no total and no note: most rows of most files need no further look."""
_TOTAL_RE, _NOTE_RE, _CAPTION_RE = re.compile(_TOTAL), re.compile(_NOTE), re.compile(_CAPTION)


def is_aside(cells: Sequence[str]) -> bool:
    """True for a blank, totals or note row."""
    filled = [text for cell in cells if (text := cell.strip())]
    if not filled:
        return True
    return bool(_TOTAL_RE.match(filled[0])) or (len(filled) == 1 and bool(_NOTE_RE.match(filled[0])))


def is_caption(cells: Sequence[str]) -> bool:
    """True for a row under the header that names units or formulas (`(元)`, `③=①-②`) and holds no data."""
    filled = [text for cell in cells if (text := cell.strip())]
    return bool(filled) and all(_CAPTION_RE.fullmatch(text) for text in filled)


def aside_masks(columns: Sequence[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """(is blank, is a totals or note row) of rows in columns; only suspicious rows are looked at closely."""
    count = len(columns[0]) if columns else 0
    blank, aside = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    if not count:
        return blank, aside
    texts = plain(columns[0])
    rows = np.flatnonzero(~starts(texts, _DATA_STARTS))
    first = pc.utf8_trim_whitespace(texts.take(pa.array(rows)))
    suspicious = pc.or_(
        pc.equal(first, ""),
        pc.or_(pc.match_substring_regex(first, _TOTAL), pc.match_substring_regex(first, _NOTE)),
    )
    rows = rows[suspicious.to_numpy(zero_copy_only=False)]
    if not len(rows):
        return blank, aside
    taken = pa.array(rows)
    lead = first.filter(suspicious)
    filled = pc.cast(pc.not_equal(lead, ""), pa.int64())
    for column in columns[1:]:
        cell = pc.utf8_trim_whitespace(plain(column.take(taken)))
        lead = pc.if_else(pc.equal(lead, ""), cell, lead)
        filled = pc.add(filled, pc.cast(pc.not_equal(cell, ""), pa.int64()))
    is_note = pc.and_(pc.equal(filled, 1), pc.match_substring_regex(lead, _NOTE))
    is_other = pc.or_(is_note, pc.match_substring_regex(lead, _TOTAL))
    blank[rows] = pc.equal(filled, 0).to_numpy(zero_copy_only=False)
    aside[rows] = is_other.to_numpy(zero_copy_only=False)
    return blank, aside
