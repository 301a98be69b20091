"""What a mapping reads from where, a proposal for an unknown file, and a mapping as an editable file.

A proposal is never applied by itself: it is shown, written with `mapping_yaml`, and read back by choice.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from difflib import SequenceMatcher
from functools import cache
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import format_seconds
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones, mask_phones, phone_reason
from siyu_cli.sheets.clean import clean_codes, clean_ids, clean_money, clean_quantities, clean_text
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.header import SEARCH_ROWS, Header, Layout, build_header, clean_header
from siyu_cli.sheets.mapping import FIELDS, GIFT, PlatformMapping, RefundRows, header_key, meaning_of
from siyu_cli.sheets.raw import Source

SAMPLES = 3
_LOOKED_AT = 2_000
_LIKE_ENOUGH = 0.75
_NEAR_ENOUGH = 0.45
"""A column proposed with less confidence than this is left to the operator."""

_TEXT, _ID, _PHONE, _MOMENT, _MONEY, _COUNT, _WORD = "text", "id", "phone", "moment", "money", "count", "word"
_SHAPES = {
    _ID: ("order_id", "line_id", "buyer_id", "product_id", "sku", "staff_id", "external_userid", "unionid"),
    _PHONE: ("phone",),
    _MOMENT: (
        "created_at",
        "paid_at",
        "finished_at",
        "refunded_at",
        "added_at",
        "lost_at",
        "at",
        "from_day",
        "to_day",
    ),
    _MONEY: ("amount_total", "amount_paid", "refund_amount", "unit_price"),
    _COUNT: ("quantity", "weight", "daily_cap", "holding_cap"),
    _WORD: ("status", "refund_status"),
}
_SHAPE_OF = {name: shape for shape, names in _SHAPES.items() for name in names}
# What a shape alone makes of a column whose name says nothing: the first field of these still free.
_BY_SHAPE = {_PHONE: ("phone",), _WORD: ("status",), _MOMENT: ("paid_at", "created_at")}
_US_DATE, _EUROPEAN_DATE = ("%m/%d/%Y", "%m/%d/%y"), ("%d/%m/%Y", "%d/%m/%y")
_NEGATIVE: dict[str, RefundRows] = {"quantity": "negative_quantity", "amount_paid": "negative_amount"}
_NUMBER = r"[\d.,:/\s-]+"
_TIMES = ("", " %H:%M", " %H:%M:%S")


@dataclass(frozen=True)
class ColumnUse:
    """One header of a file under a mapping: what it is, up to three of its values, and what they became.

    `canonical` is '' for a header nothing uses. Phones in `samples` and `understood` are masked; a
    private column shows no values.
    """

    canonical: str
    header: str
    samples: tuple[str, ...]
    understood: tuple[str, ...]


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


def field_title(canonical: str) -> str:
    """What a canonical field is called in messages."""
    titles = {
        "order_id": tr("订单号", "order id"), "line_id": tr("子订单号", "line id"),
        "created_at": tr("下单时间", "order time"), "paid_at": tr("付款时间", "pay time"),
        "finished_at": tr("完成时间", "finish time"), "buyer_id": tr("买家账号", "buyer id"),
        "phone": tr("手机号", "phone"), "receiver": tr("收货人", "receiver"), "province": tr("省", "province"),
        "city": tr("市", "city"), "stage": tr("阶段", "stage"), "address": tr("地址", "address"), "amount_total": tr("总金额", "total"),
        "amount_paid": tr("实付金额", "paid amount"), "refund_amount": tr("退款金额", "refund"),
        "refunded_at": tr("退款时间", "refund time"), "unit_price": tr("单价", "unit price"),
        "quantity": tr("数量", "quantity"), "status": tr("状态", "status"),
        "refund_status": tr("退款状态", "refund status"), "product": tr("商品", "product"),
        "product_id": tr("商品编号", "product id"), "sku": tr("规格编码", "sku"),
        "category": tr("类目", "category"), "shop": tr("店铺", "shop"), "channel": tr("渠道", "channel"),
        "remark": tr("备注", "remark"), "name": tr("姓名", "name"), "source": tr("来源", "source"),
        "tags": tr("标签", "tags"), "staff_id": tr("员工账号", "staff account"),
        "department": tr("部门", "department"), "store": tr("门店", "store"), "weight": tr("权重", "weight"),
        "daily_cap": tr("每日上限", "daily cap"), "holding_cap": tr("持有上限", "holding cap"),
        "channels": tr("渠道", "channels"), "regions": tr("地区", "regions"), GIFT: tr("赠品", "gift"),
        "external_userid": tr("外部联系人 ID", "external_userid"), "unionid": tr("微信 unionid", "unionid of 微信"), "corp": tr("企业", "corp"),
        "description": tr("描述", "description"), "other_phone": tr("另一个手机号", "other phone"),
        "staff_name": tr("添加人", "staff name"), "added_at": tr("添加时间", "added at"),
        "lost_at": tr("流失时间", "lost at"), "event_id": tr("事件编号", "event id"), "event": tr("行为", "event"),
        "at": tr("时间", "time"), "page": tr("页面", "page"), "row_key": tr("行标识", "row key"),
        "note": tr("反馈备注", "note"), "verdict": tr("核对", "answer"),
        "skills": tr("技能", "skills"), "from_day": tr("开始日", "first day"), "to_day": tr("结束日", "last day"),
        "reason": tr("原因", "reason"),
    }  # fmt: skip
    return titles.get(canonical, canonical)


def describe(source: Source, header: Header) -> list[ColumnUse]:
    """What a file's header under its mapping reads from where: used columns first, then the unused ones.

    Looks at the first rows only. `header` comes from `find_header(source.layouts(), …)`.
    """
    columns = _first_columns(source, header)
    mapping = header.mapping
    uses = []
    for canonical, title in header.used.items():
        texts = columns[header.columns[canonical][0]] if columns else []
        uses.append(_use(canonical, title, texts, mapping))
    for at, name in enumerate(header.names):
        if name in header.unknown:
            uses.append(_use("", name, columns[at] if columns else [], mapping))
    return uses


def _first_columns(source: Source, header: Header) -> list[list[str]]:
    """The first rows of a source, by column."""
    for batch in islice(source.batches(header), 1):
        return [column[:_LOOKED_AT].to_pylist() for column in batch.columns]
    return []


def _use(canonical: str, title: str, texts: Sequence[str], mapping: PlatformMapping) -> ColumnUse:
    if mapping.is_private(title):
        return ColumnUse(canonical, title, (), (tr("从不保存", "never kept"),))
    samples = [*dict.fromkeys(text for text in texts if text.strip())][:SAMPLES]
    understood = _understood(canonical, samples, mapping) if canonical else []
    return ColumnUse(
        canonical, title, tuple(_shown(text) for text in samples), tuple(_shown(text) for text in understood)
    )


def _shown(text: str) -> str:
    text = mask_phones(" ".join(text.split()))
    return text if len(text) <= 40 else text[:39] + "…"


def _understood(canonical: str, samples: Sequence[str], mapping: PlatformMapping) -> list[str]:
    """What the cleaners make of the samples, in words."""
    texts = pa.array(samples, pa.string())
    unclear = tr("看不懂", "not understood")
    match _SHAPE_OF.get(canonical, _TEXT):
        case "phone":
            phones, codes = clean_phones(texts)
            return [
                phone or phone_reason(code)
                for phone, code in zip(phones.to_pylist(), codes.to_pylist(), strict=True)
            ]
        case "moment":
            moments = clean_moments(texts, mapping.dates, UTC)
            return [
                format_seconds(value) if value is not None else (unclear if code else tr("空", "empty"))
                for value, code in zip(moments.values.to_pylist(), moments.codes.to_pylist(), strict=True)
            ]
        case "money":
            return [
                unclear if value is None else f"{'-' * (value < 0)}¥{abs(value) // 100}.{abs(value) % 100:02}"
                for value in clean_money(texts).values.to_pylist()
            ]
        case "count":
            return [
                unclear if value is None else f"{value / 1000:g}"
                for value in clean_quantities(texts).values.to_pylist()
            ]
        case "word":
            words = mapping.status if canonical == "status" else mapping.refund_status
            return [_word_shown(word, words) for word in samples]
        case "id":
            ids = clean_ids(texts)
            return [value or tr("精度已丢失", "digits lost") for value in ids.values.to_pylist()]
        case _:
            return [text or tr("空", "empty") for text in clean_text(texts).to_pylist()]


def _word_shown(word: str, words: Mapping[str, str]) -> str:
    meanings = {
        "paid": tr("已付款", "paid"), "unpaid": tr("未付款", "unpaid"), "closed": tr("已关闭", "closed"),
        "refunded": tr("已退款", "refunded"), "full": tr("全额退款", "refunded in full"),
        "partial": tr("部分退款", "refunded in part"), "running": tr("退款中", "refund running"),
        "none": tr("没有退款", "no refund"), "active": tr("在岗", "active"), "inactive": tr("停用", "inactive"),
    }  # fmt: skip
    meaning = meaning_of(word, words)
    return tr("不认识", "unknown") if meaning is None else meanings.get(meaning, meaning)


# --- proposals -------------------------------------------------------------------------------------


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
    return named, _first_columns(source, header) or [[] for _ in named]


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
        _Column(header, [cell for cell in cells if cell.strip()][:_LOOKED_AT])
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
        if shape == _PHONE:
            phones, codes = clean_phones(texts)
            masked = pc.fill_null(pc.equal(codes, "phone-masked"), False)
            return _known(phones) + _count(masked)
        if shape == _MOMENT:
            # A bare number may be a day of a spreadsheet, but nothing says so.
            is_written = pc.match_substring_regex(texts, "[-/.年:]")
            codes = clean_moments(texts, (), UTC).codes
            is_moment = pc.or_(pc.is_null(codes), pc.equal(codes, "ambiguous-date"))
            return _count(pc.and_(is_written, pc.fill_null(is_moment, True)))
        if shape == _MONEY:
            return _known(clean_money(texts).values)
        if shape == _COUNT:
            return _known(clean_quantities(texts).values)
        if shape == _WORD:
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
                _weighed(column, canonical, by_name, known, shares(_SHAPE_OF.get(canonical, _TEXT)))
            )
    for shape, fields_of_shape in _BY_SHAPE.items():
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
    if canonical not in _SHAPE_OF:
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


# --- mappings as files -----------------------------------------------------------------------------


def mapping_yaml(mapping: PlatformMapping, remarks: Mapping[str, str] | None = None) -> str:
    """A mapping as a commented file that loads back equal; `remarks` are comments on its columns."""
    remarks = remarks or {}
    is_orders = mapping.kind in ("orders", "returns", "details")
    lines = [
        tr(
            "# 平台映射:哪一列是什么,哪个词是什么意思。每一项的写法见 docs/platforms.md。",
            "# Which column is what and which word means what; docs/platforms.md explains every key.",
        ),
        f"name: {_scalar(mapping.name)}",
        f"kind: {mapping.kind}",
    ]
    if mapping.source:
        lines.append(f"source: {_scalar(mapping.source)}")
    if mapping.any_of:
        lines.append(tr("# 这些列都在时,自动认出这个文件", "# A file with all these columns is recognised"))
        lines += ["match:", "  any_of:", *(f"    - {_items(names)}" for names in mapping.any_of)]
    lines += _section("constants", {key: _scalar(value) for key, value in mapping.constants.items()})
    lines += _columns(mapping, remarks)
    if mapping.private:
        lines.append(f"private: {_items(mapping.private)}")
    if is_orders:
        lines += _order_lines(mapping)
    if mapping.tag_groups:
        lines.append(f"tag_groups: {_scalar(mapping.tag_groups)}")
    if mapping.dates:
        lines.append(f"dates: {_items(mapping.dates)}")
    lines += _word_lines("status", mapping.status)
    lines += _word_lines("refund_status", mapping.refund_status)
    lines += _word_lines("events", mapping.events)
    if mapping.buyer_identity != "platform":
        lines.append(f"identity: {{buyer_id: {mapping.buyer_identity}}}")
    return "\n".join(lines) + "\n"


def _columns(mapping: PlatformMapping, remarks: Mapping[str, str]) -> list[str]:
    if not mapping.columns:
        return ["columns: {}"]
    lines = ["columns:"]
    for canonical, names in mapping.columns.items():
        told = "  # " + " ".join(remarks[canonical].split()) if canonical in remarks else ""
        lines.append(f"  {canonical}: {_items(names)}{told}")
    return lines


def _order_lines(mapping: PlatformMapping) -> list[str]:
    lines = [
        f"order_key: {_items(mapping.order_key)}",
        tr("# line = 一行一个商品,order = 一行一单", "# line = a row per product, order = a row per order"),
        f"rows: {mapping.rows}",
        tr(
            "# gross = 实付金额没扣退款,net_of_refunds = 已扣,computed = 单价 × 数量",
            "# gross = refunds are not yet taken off, net_of_refunds = they are, computed = price × quantity",
        ),
        f"amount: {mapping.amount}",
        f"zero_amount: {mapping.zero_amount}",
    ]
    for key, names in (
        ("repeated", mapping.repeated),
        ("carried", mapping.carried),
        ("postage", mapping.postage),
    ):
        if names:
            lines.append(f"{key}: {_items(names)}")
    if mapping.joined:
        lines.append(f"joined: {json.dumps(mapping.joined, ensure_ascii=False)}")
    if mapping.gift_columns:
        lines.append(
            f"gifts: {{column: {_items(mapping.gift_columns)}, values: {_items(mapping.gift_words)}}}"
        )
    if mapping.date_in_order_id:
        lines.append(f"date_in_order_id: {_scalar(mapping.date_in_order_id)}")
    by_status = "true" if mapping.refund_by_status else "false"
    lines.append(f"refunds: {{rows: {mapping.refund_rows}, status: {by_status}}}")
    return lines


def _word_lines(key: str, words: Mapping[str, str]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for word, meaning in words.items():
        groups.setdefault(meaning, []).append(word)
    return _section(key, {meaning: _items(found) for meaning, found in groups.items()})


def _section(key: str, entries: Mapping[str, str]) -> list[str]:
    return [f"{key}:", *(f"  {name}: {text}" for name, text in entries.items())] if entries else []


def _items(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_scalar, texts))}]"


def _scalar(text: str) -> str:
    """A YAML scalar: bare where nothing in it can be misread, else in double quotes."""
    is_bare = re.fullmatch(r"[^\W\d_][\w ]*(?<! )", text) and not re.search(
        r"[^\x20-\x7e\u4e00-\u9fff]", text
    )
    if is_bare and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off"):
        return text
    import yaml

    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9)
    return dumped.strip()
