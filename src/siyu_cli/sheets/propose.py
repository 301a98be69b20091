"""A proposal for a file that no mapping recognises, from how its headers sound and its values look.

It is never applied by itself: it is shown, written with `mapping_yaml`, and read back by choice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from difflib import SequenceMatcher
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import clean_codes, clean_money, clean_quantities
from siyu_cli.sheets.column_uses import LOOKED_AT, field_title, first_columns
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.header import SEARCH_ROWS, Layout, build_header, clean_header
from siyu_cli.sheets.mapping import FIELDS, SHAPE_OF, PlatformMapping, RefundRows, header_key, meaning_of
from siyu_cli.sheets.raw import Source

_LIKE_ENOUGH = 0.75
_NEAR_ENOUGH = 0.45
"""A column proposed with less confidence than this is left to the operator."""


# What a shape alone makes of a column whose name says nothing: the first field of these still free.
_BY_SHAPE = {"phone": ("phone",), "word": ("status",), "moment": ("paid_at", "created_at")}
_US_DATE, _EUROPEAN_DATE = ("%m/%d/%Y", "%m/%d/%y"), ("%d/%m/%Y", "%d/%m/%y")
_NEGATIVE: dict[str, RefundRows] = {"quantity": "negative_quantity", "amount_paid": "negative_amount"}
_OTHER_MOMENT = "发货|送货|出库|到货|签收|物流|预计|生日|出生|注册|到期|有效期|更新|导出|打印|ship|deliver|birth|regist|expir"
"""Words of a header that say which moment it is, and that it is not when somebody paid or ordered."""
_NUMBER = r"[\d.,:/\s-]+"
_TIMES = ("", " %H:%M", " %H:%M:%S")


@dataclass(frozen=True)
class Guess:
    """One proposed column: how sure (0 to 1) and why, in the operator's words."""

    canonical: str
    header: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Proposal:
    """A mapping for a file nothing recognises, with the reason of each column; `left` has no meaning yet."""

    mapping: PlatformMapping
    guesses: tuple[Guess, ...]
    left: tuple[str, ...]

    @property
    def remarks(self) -> dict[str, str]:
        """Comments for `mapping_yaml`: field → how sure and why."""
        return {
            guess.canonical: tr(
                f"把握 {guess.confidence:.0%}:{guess.reason}",
                f"confidence {guess.confidence:.0%}: {guess.reason}",
            )
            for guess in self.guesses
        }


def likely_table(source: Source, mappings: Sequence[PlatformMapping]) -> tuple[list[str], list[list[str]]]:
    """(headers, some cells of each column) of a source without a known header row; empty for an empty one.

    The header is taken to be the row among the first that holds most known names, else most texts that
    are no numbers.
    """
    known = frozenset().union(*(mapping.known_headers() for mapping in mappings))
    best: tuple[tuple[int, int, int], Layout, int] | None = None
    for layout in source.layouts():
        for at, row in enumerate(layout.rows[:SEARCH_ROWS]):
            names = {cell for cell in map(clean_header, row) if cell and not re.fullmatch(_NUMBER, cell)}
            score = (sum(header_key(name) in known for name in names), len(names), -at)
            if len(names) > 1 and (best is None or score > best[0]):
                best = (score, layout, at)
    if best is None:
        return [], []
    _, layout, at = best
    cells = [clean_header(cell) for cell in layout.rows[at]]
    header = build_header(cells, layout.row_nos[at], PlatformMapping("", "", {}), layout.delimiter)
    # A column without a name cannot be mapped: its made-up name stands in no file.
    named = [name if cell else "" for name, cell in zip(header.names, cells, strict=True)]
    return named, first_columns(source, header) or [[] for _ in named]


def propose_mapping(
    headers: Sequence[str],
    samples: Sequence[Sequence[str]],
    kind: str,
    mappings: Sequence[PlatformMapping],
    name: str,
) -> Proposal:
    """A mapping of `kind` for a file nothing recognises, from how its headers sound and its values look.

    `samples` are some cells of each header's column; `mappings` the known ones, whose header names and
    status words are the dictionary; `name` is how the proposal is called.
    """
    known = [mapping for mapping in mappings if mapping.kind == kind]
    names = _dictionary(known)
    words = _known_words(known)
    columns = [
        _Column(header, [cell for cell in cells if cell.strip()][:LOOKED_AT])
        for header, cells in zip(headers, samples, strict=True)
        if header
    ]
    candidates = [guess for column in columns for guess in _candidates(column, names, words)]
    chosen: dict[str, Guess] = {}
    taken: set[str] = set()
    for guess in sorted(candidates, key=lambda guess: -guess.confidence):
        if guess.confidence >= _NEAR_ENOUGH and guess.canonical not in chosen and guess.header not in taken:
            chosen[guess.canonical] = guess
            taken.add(guess.header)
    guesses = tuple(chosen[field] for field in FIELDS[kind] if field in chosen)
    cells_of = {column.header: column.cells for column in columns}
    by_field = {guess.canonical: cells_of[guess.header] for guess in guesses}
    mapping = PlatformMapping(
        name=name,
        kind=kind,
        source=tr(f"siyu 对「{name}」的提议,请核对", f"proposed by siyu for “{name}”: check it"),
        columns={guess.canonical: (guess.header,) for guess in guesses},
        any_of=_recognition(guesses),
        status=words["status"] if "status" in by_field else {},
        refund_status=words["refund_status"] if "refund_status" in by_field else {},
        dates=_date_formats(by_field),
    )
    if kind in ("orders", "returns", "details"):
        mapping = _with_meaning(mapping, by_field)
    return Proposal(
        mapping, guesses, tuple(column.header for column in columns if column.header not in taken)
    )


class _Column:
    """A header with some of its cells, and the share of them that has each shape."""

    def __init__(self, header: str, cells: Sequence[str]) -> None:
        self.header = header
        self.cells = cells

    def share(self, shape: str, words: Mapping[str, Mapping[str, str]]) -> float:
        """How many of the cells are of a shape, 0 to 1; 0 without cells."""
        texts = clean_codes(pa.array(self.cells, pa.string())).drop_null()
        if not len(texts):
            return 0.0
        return self._hits(shape, texts, words) / len(texts)

    def _hits(self, shape: str, texts: pa.Array, words: Mapping[str, Mapping[str, str]]) -> int:
        if shape == "phone":
            phones, codes = clean_phones(texts)
            masked = pc.fill_null(pc.equal(codes, "phone-masked"), False)
            return _known(phones) + _count(masked)
        if shape == "moment":
            # A bare number may be a day of a spreadsheet, but nothing says so.
            is_written = pc.match_substring_regex(texts, "[-/.年:]")
            codes = clean_moments(texts, (), UTC).codes
            is_moment = pc.or_(pc.is_null(codes), pc.equal(codes, "ambiguous-date"))
            return _count(pc.and_(is_written, pc.fill_null(is_moment, True)))
        if shape == "money":
            return _known(clean_money(texts).values)
        if shape == "count":
            return _known(clean_quantities(texts).values)
        if shape == "word":
            known = {**words["status"], **words["refund_status"]}
            return sum(meaning_of(word, known) is not None for word in texts.to_pylist())
        return _count(pc.match_substring_regex(texts, r"^[0-9A-Za-z\p{Han}_#@.=\"' -]+$"))


def _count(is_hit: pa.Array) -> int:
    return int(pc.sum(is_hit).as_py() or 0)


def _known(values: pa.Array) -> int:
    return int(pc.count(values).as_py())


def _dictionary(mappings: Sequence[PlatformMapping]) -> dict[str, Counter[str]]:
    """Folded header → the canonical fields it is in the known mappings, with how many say so."""
    names: dict[str, Counter[str]] = {}
    for mapping in mappings:
        for canonical, headers in mapping.columns.items():
            for header in headers:
                names.setdefault(_sound(header), Counter())[canonical] += 1
    return names


def _sound(header: str) -> str:
    """A header as it is compared with others: `unit_price`, `Unit Price` and `UnitPrice` are one."""
    return re.sub(r"[_.-]", "", header_key(header))


def _known_words(mappings: Sequence[PlatformMapping]) -> dict[str, dict[str, str]]:
    """The status words on whose meaning all known mappings agree."""
    found: dict[str, dict[str, str]] = {}
    for key in ("status", "refund_status"):
        meanings: dict[str, set[str]] = {}
        for mapping in mappings:
            for word, meaning in getattr(mapping, key).items():
                meanings.setdefault(word, set()).add(meaning)
        found[key] = {word: next(iter(said)) for word, said in sorted(meanings.items()) if len(said) == 1}
    return found


def _candidates(
    column: _Column, names: Mapping[str, Counter[str]], words: Mapping[str, Mapping[str, str]]
) -> list[Guess]:
    """What a column could be, by its name and by its values."""
    key = _sound(column.header)
    shares = cache(lambda shape: column.share(shape, words))
    guesses = []
    for known, fields in names.items():
        likeness = _likeness(known, key)
        if likeness < _LIKE_ENOUGH:
            continue
        total = sum(fields.values())
        for canonical, votes in fields.items():
            by_name = likeness * (0.6 + 0.4 * votes / total)
            guesses.append(
                _weighed(column, canonical, by_name, known, shares(SHAPE_OF.get(canonical, "text")))
            )
    for shape, fields_of_shape in _BY_SHAPE.items():
        if shape == "moment" and re.search(_OTHER_MOMENT, column.header.lower()):
            continue
        if shares(shape) >= 0.8:
            why = tr(f"{shares(shape):.0%} 的值像", f"{shares(shape):.0%} of the values look like a ")
            guesses.extend(
                Guess(canonical, column.header, 0.55 - 0.05 * turn, why + field_title(canonical))
                for turn, canonical in enumerate(fields_of_shape)
            )
    return guesses


def _likeness(known: str, key: str) -> float:
    """How alike two names are, 0 to 1; a name that holds a known one whole (`订单编号(系统)`) is like it."""
    if known == key:
        return 1.0
    is_held = len(known) >= 3 and known in key
    return max(SequenceMatcher(None, known, key).ratio(), 0.8 * is_held)


def _weighed(column: _Column, canonical: str, by_name: float, known: str, share: float) -> Guess:
    """The name's word for it, held against what the values look like."""
    is_same = known == _sound(column.header)
    reason = (
        tr(f"列名就是已知的「{known}」", f"the name is the known “{known}”")
        if is_same
        else tr(f"列名像「{known}」", f"the name is like “{known}”")
    )
    if canonical not in SHAPE_OF:
        return Guess(canonical, column.header, round(by_name * 0.9, 2), reason)
    if not column.cells:
        return Guess(canonical, column.header, round(by_name * 0.8, 2), reason)
    fits = tr(f"{share:.0%} 的值也像", f"{share:.0%} of the values fit")
    return Guess(
        canonical,
        column.header,
        round(by_name * (0.25 + 0.75 * share), 2),
        tr("{0},{1}", "{0}, {1}").format(reason, fits),
    )


def _recognition(guesses: Sequence[Guess]) -> tuple[tuple[str, ...], ...]:
    """The headers to recognise the file by: the four surest."""
    surest = sorted(guesses, key=lambda guess: -guess.confidence)[:4]
    return (tuple(guess.header for guess in surest),) if surest else ()


def _with_meaning(mapping: PlatformMapping, by_field: Mapping[str, Sequence[str]]) -> PlatformMapping:
    """The mapping with its order key, what a row is and how the money is told, as far as the columns say."""
    ids = by_field.get("order_id", ())
    is_line = mapping.kind == "details" or "line_id" in by_field or len(set(ids)) < len(ids)
    is_told = "amount_paid" in by_field or mapping.kind == "returns"
    return replace(
        mapping,
        order_key=("order_id",) if "order_id" in by_field else (),
        rows="line" if is_line else "order",
        amount="gross" if is_told else "computed",
        refund_rows=_refund_rows(by_field),
        refund_by_status="status" in by_field or "refund_status" in by_field,
    )


def _refund_rows(by_field: Mapping[str, Sequence[str]]) -> RefundRows:
    """What rows with a minus are told by; goods that come back are the likely meaning."""
    for name, rows in _NEGATIVE.items():
        if any(re.match(r"\s*[-−－]\s*[\d¥￥]", text) for text in by_field.get(name, ())):
            return rows
    return "none"


def _date_formats(by_field: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The form of dates such as 5/13/11 where only one reading is possible for all of them."""
    texts = [
        text
        for name in ("paid_at", "created_at", "refunded_at")
        for text in by_field.get(name, ())
        if re.match(r"\s*\d{1,2}/\d{1,2}/\d{2,4}", text)
    ]
    readable = [
        day + time
        for forms in (_US_DATE, _EUROPEAN_DATE)
        for day in forms
        for time in _TIMES
        if texts and _reads_all(texts, day + time)
    ]
    return tuple(readable) if len(readable) == 1 else ()


def _reads_all(texts: Sequence[str], form: str) -> bool:
    codes = clean_moments(pa.array(texts, pa.string()), (form,), UTC).codes
    return bool(codes.null_count == len(texts))
