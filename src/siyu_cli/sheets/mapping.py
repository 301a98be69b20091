"""Platform mappings: which header means which field, which word means which status, and the quirks.

`mapping_file` reads them; here is what one says and which of them fits a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

from siyu_cli.errors import InputRefused
from siyu_cli.language import tr
from siyu_cli.phone import mask_phones
from siyu_cli.words import did_you_mean, fold

RowsKind = Literal["line", "order"]
AmountKind = Literal["gross", "net_of_refunds", "computed"]
ZeroKind = Literal["gift", "purchase"]
RefundRows = Literal["none", "negative_quantity", "negative_amount"]
BuyerIdentity = Literal["platform", "global"]
Shape = Literal["text", "id", "phone", "moment", "money", "count", "word"]

_ORDER_FIELDS = (
    "order_id", "line_id", "created_at", "paid_at", "finished_at", "buyer_id", "phone", "receiver",
    "province", "city", "address", "amount_total", "amount_paid", "refund_amount", "refunded_at",
    "unit_price", "quantity", "status", "refund_status", "product", "product_id", "sku", "category",
    "shop", "channel", "remark",
)  # fmt: skip
FIELDS: dict[str, tuple[str, ...]] = {
    "orders": _ORDER_FIELDS,
    "returns": _ORDER_FIELDS,
    "details": _ORDER_FIELDS,
    "leads": ("phone", "name", "source", "channel", "remark", "province", "city", "product", "tags", "status"),
    "staff": (
        "staff_id", "name", "department", "store", "phone", "weight", "daily_cap", "holding_cap",
        "channels", "regions", "skills", "status",
    ),
    "assignments": ("phone", "staff_id", "name"),
    "stages": ("phone", "customer_id", "stage", "reason"),
    "tags": ("phone", "customer_id", "tag", "status", "reason", "until"),
    "leave": ("staff_id", "name", "from_day", "to_day", "reason", "status"),
    "contacts": (
        "external_userid", "unionid", "corp", "name", "remark", "description", "phone", "other_phone", "staff_id",
        "staff_name", "added_at", "lost_at", "status", "source", "tags",
    ),
    "events": (
        "event_id", "event", "at", "buyer_id", "phone", "external_userid", "unionid", "shop", "channel", "product",
        "product_id", "sku", "category", "page", "remark",
    ),
    "feedback": ("row_key", "phone", "status", "stage", "note", "verdict"),
}  # fmt: skip
REQUIRED: dict[str, tuple[str, ...]] = {
    "leads": ("phone",),
    "staff": ("staff_id", "name"),
    "stages": ("stage",),
    "tags": ("tag",),
    "events": ("event", "at"),
}
"""Fields without which no file of a kind is read; a kind that may do without either of two is not here."""
_SHAPES: dict[Shape, tuple[str, ...]] = {
    "id": ("order_id", "line_id", "buyer_id", "product_id", "sku", "staff_id", "external_userid", "unionid"),
    "phone": ("phone",),
    "moment": (
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
    "money": ("amount_total", "amount_paid", "refund_amount", "unit_price"),
    "count": ("quantity", "weight", "daily_cap", "holding_cap"),
    "word": ("status", "refund_status"),
}
SHAPE_OF = {name: shape for shape, names in _SHAPES.items() for name in names}
"""What the values of a field look like; a field that is not named here is text."""
KINDS = (
    "orders", "returns", "details", "leads", "staff", "leave", "assignments", "stages", "tags", "contacts", "events",
    "feedback", "results",
)  # fmt: skip
_ID_DATE_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2}
GIFT = "gift"
"""What `found_columns` calls the column that `gifts:` speaks of; it is no canonical field."""


@dataclass(frozen=True)
class PlatformMapping:
    """How one platform's export is read; docs/platforms.md explains every key.

    Words of `status`, `refund_status`, `gift_words` and `postage` are folded (words.fold); a status word
    may begin or end with `*` (see `meaning_of`). `repeated` are figures of the whole order that stand on
    each of its lines; `carried` are fields that only the first row of an order fills in. `tag_groups` is
    how the headers of tag columns begin (`标签组1(等级)`), `events` the words for what customers did.
    """

    name: str
    kind: str
    columns: Mapping[str, tuple[str, ...]]
    source: str = ""
    any_of: tuple[tuple[str, ...], ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    order_key: tuple[str, ...] = ()
    rows: RowsKind = "line"
    amount: AmountKind = "gross"
    zero_amount: ZeroKind = "gift"
    refund_rows: RefundRows = "none"
    refund_by_status: bool = False
    dates: tuple[str, ...] = ()
    status: Mapping[str, str] = field(default_factory=dict)
    refund_status: Mapping[str, str] = field(default_factory=dict)
    buyer_identity: BuyerIdentity = "platform"
    repeated: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    joined: str = ""
    gift_columns: tuple[str, ...] = ()
    gift_words: tuple[str, ...] = ()
    postage: tuple[str, ...] = ()
    date_in_order_id: str = ""
    private: tuple[str, ...] = ()
    tag_groups: str = ""
    events: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    @property
    def platform(self) -> str:
        """The platform name rows carry: the constant, else the mapping's own name."""
        return self.constants.get("platform", self.name)

    def known_headers(self) -> frozenset[str]:
        """Every header the mapping speaks of, in the form headers are compared (`header_key`)."""
        names = [name for names in self.columns.values() for name in names]
        names.extend(name for alternative in self.any_of for name in alternative)
        names.extend(self.gift_columns)
        return _keys(names)

    @cached_property
    def _sought(self) -> tuple[tuple[frozenset[str], ...], tuple[frozenset[str], ...]]:
        """The alternatives and the names of each column as `header_key`s: every row of a file's top is asked."""
        return tuple(_keys(names) for names in self.any_of), tuple(map(_keys, self.columns.values()))

    def score(self, keys: frozenset[str]) -> tuple[int, int]:
        """How well headers (as `header_key`s) fit: size of the largest complete alternative, mapped columns.

        (0, 0) means that `auto` does not recognise the file as this platform.
        """
        alternatives, columns = self._sought
        complete = max((len(names) for names in alternatives if names <= keys), default=0)
        return (complete, sum(not names.isdisjoint(keys) for names in columns)) if complete else (0, 0)

    def is_private(self, header: str) -> bool:
        """True for a column whose cells are never kept, shown or written to a rejects workbook."""
        return header_key(header) in _keys(self.private)

    def found_columns(self, headers: Iterable[str]) -> dict[str, str]:
        """Canonical field → the file's header that carries it; of alternatives the first found wins.

        The column of `gifts:` is found under the name GIFT.
        """
        present = {header_key(header): header for header in reversed(list(headers)) if header}
        found: dict[str, str] = {}
        for canonical, names in (*self.columns.items(), (GIFT, self.gift_columns)):
            for name in names:
                if header_key(name) in present:
                    found[canonical] = present[header_key(name)]
                    break
        return found


@lru_cache(maxsize=8192)
def header_key(text: str) -> str:
    """The form in which headers are compared: folded, both widths equal, no inner white space."""
    return "".join(fold(text).split())


def _keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(header_key, names))


def meaning_of(word: str, words: Mapping[str, str]) -> str | None:
    """The meaning of a status word, None when it is unknown.

    Its own entry counts first, then the longest entry that covers it: `(删除)*` covers what begins so,
    `*退款完成*` what holds it. A `*` inside a word stands for itself.
    """
    folded = fold(word)
    if folded in words:
        return words[folded]
    covering = [entry for entry in words if _covers(entry, folded)]
    return words[max(covering, key=len)] if covering else None


def _covers(entry: str, word: str) -> bool:
    open_start, open_end = entry.startswith("*"), entry.endswith("*")
    core = entry.strip("*")
    if open_start and open_end:
        return core in word
    return (open_start and word.endswith(core)) or (open_end and word.startswith(core))


def choose_mapping(
    headers: Sequence[str], mappings: Sequence[PlatformMapping], kinds: Sequence[str]
) -> PlatformMapping:
    """The mapping `auto` picks for these headers: most specific alternative, then most columns, then name.

    InputRefused `unknown-header` when no mapping recognises them.
    """
    keys = _keys(filter(None, headers))
    scored = [(mapping.score(keys), mapping) for mapping in mappings if mapping.kind in kinds]
    fitting = [(score, mapping) for score, mapping in scored if score[0]]
    if not fitting:
        raise unknown_header(headers, mappings)
    return min(fitting, key=lambda pair: (-pair[0][0], -pair[0][1], pair[1].name))[1]


def unknown_header(headers: Sequence[str], mappings: Sequence[PlatformMapping]) -> InputRefused:
    """The refusal of a file without a known header row: what stands there, what is near, what to do."""
    seen = [mask_phones(header) for header in headers if header][:30]
    known = sorted({name for mapping in mappings for names in mapping.columns.values() for name in names})
    near = [
        f"{header}→{guess}" for header in seen if (guess := did_you_mean(header, known)) and guess != header
    ][:5]
    listed = "、".join(seen) or tr("(没有文字)", "(no text)")
    hint = (
        tr(f"最接近的已知列名:{'、'.join(near)}。", f"Nearest known names: {', '.join(near)}. ")
        if near
        else ""
    )
    said = tr(f"认不出表头:{listed}", f"The header is not recognised: {listed}")
    if any(is_data(header) for header in headers):
        kinds = {mapping.kind for mapping in mappings}
        example = (
            tr("订单号、付款时间、实付金额、手机号", "order id, pay time, paid amount, phone")
            if "orders" in kinds
            else tr("手机号、姓名", "phone, name")
        )
        return InputRefused(
            "unknown-header",
            said,
            hint=tr(
                f"这一行像是数据,不是列名:在最上面加一行列名(例:{example}),存好再导入",
                f"This row looks like data: put a row of column names on top (e.g. {example}), save, import again",
            ),
        )
    return InputRefused(
        "unknown-header",
        said,
        hint=hint
        + tr(
            "用 --platform FILE.yaml 说明哪一列是什么(格式见 platforms/ 里的样例)",
            "Say which column is what with --platform FILE.yaml (see the samples in platforms/)",
        ),
    )


def is_data(cell: str) -> bool:
    """Whether a cell is plainly a phone, a number or a day, which no column is called."""
    return bool(re.fullmatch(r"\+?[\d][\d\s.,:/年月日-]{3,}", cell.strip()))


def id_date_width(text: str) -> int:
    """How many leading digits of an order id a format such as `%y%m%d` takes; 0 when it is no such format."""
    parts = text.split("%")
    if parts[0] or any(part not in _ID_DATE_WIDTHS for part in parts[1:]):
        return 0
    return sum(_ID_DATE_WIDTHS[part] for part in parts[1:])
