"""Order exports and return lists as clean columns; what they mean for customers is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import (
    Cleaned,
    clean_codes,
    clean_ids,
    clean_money,
    clean_quantities,
    clean_text,
    price_times_quantity,
)
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.places import clean_cities, clean_provinces, places_of
from siyu_cli.sheets.rows import BatchRows, Cleaner, Work, read_table
from siyu_cli.sheets.table import CleanTable, Original, Reject
from siyu_cli.words import fold

__all__ = ["ORDER_SCHEMA", "CleanTable", "Original", "Reject", "read_orders"]

_TEXTS = (
    "order_id", "line_id", "buyer_id", "phone", "receiver", "province", "city", "shop", "channel", "platform",
    "status", "status_text", "refund_status", "product", "product_id", "sku", "category", "remark",
)  # fmt: skip
_MOMENTS = {
    "created_sec": "created_at",
    "paid_sec": "paid_at",
    "finished_sec": "finished_at",
    "refunded_sec": "refunded_at",
}
_AMOUNTS = {
    "amount_total_fen": "amount_total",
    "amount_paid_fen": "amount_paid",
    "refund_amount_fen": "refund_amount",
    "unit_price_fen": "unit_price",
}
ORDER_SCHEMA = pa.schema(
    [
        ("row_no", pa.int64()),
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.int64()) for name in (*_MOMENTS, *_AMOUNTS, "computed_fen", "quantity_milli")),
    ]
)
"""Columns of `CleanTable.rows` for kinds orders and returns. status is paid, unpaid, closed or refunded
(null in returns); refund_status full, partial, running, none or null; *_sec are local seconds."""

_MASKED = r"\*{2,}|^.\*.?$|^##|^\$\$"
_EMPTY_PHONE = frozenset({"phone-empty"})


def read_orders(
    path: Path,
    mappings: Sequence[PlatformMapping],
    *,
    tz: tzinfo,
    sheet: str | None = None,
    exported_sec: int | None = None,
    spool: Path | None = None,
    name: str | None = None,
) -> CleanTable:
    """The clean rows of an order export (kind orders) or a list of returned orders (kind returns).

    `mappings` come from `resolve_mappings`: one is taken as told, of several the best match. With
    `spool`, a folder, the rows live in a memory-mapped file there instead of in memory.
    """

    def make_cleaner(work: Work) -> Cleaner:
        _check_columns(work, name or path.name)
        return _OrderCleaner(work).clean

    return read_table(
        path,
        mappings,
        ORDER_SCHEMA,
        make_cleaner,
        tz=tz,
        sheet=sheet,
        exported_sec=exported_sec,
        spool=spool,
        name=name,
    )


def _check_columns(work: Work, file: str) -> None:
    """A file that cannot yield money or dates is refused; one without its order key counts rows as orders."""
    mapping, has = work.mapping, work.has
    has_key = any(has(name) for name in mapping.order_key)
    if mapping.kind == "returns":
        if not has_key:
            raise _missing_columns(
                work, file, "missing-order-column", tr("订单号", "order id"), mapping.order_key
            )
        work.order_key = tuple(name for name in mapping.order_key if has(name))
        return
    computable = has("unit_price") and has("quantity")
    if not computable and (mapping.amount == "computed" or not has("amount_paid")):
        wanted = ("unit_price", "quantity") if mapping.amount == "computed" else ("amount_paid",)
        raise _missing_columns(
            work,
            file,
            "missing-amount-column",
            tr("实付金额,也没有单价和数量", "paid amount, nor unit price and quantity"),
            wanted,
        )
    if not has("created_at") and not has("paid_at"):
        raise _missing_columns(
            work,
            file,
            "missing-date-column",
            tr("付款时间或下单时间", "pay or order time"),
            ("paid_at", "created_at"),
        )
    work.order_key = mapping.order_key if has_key else ()
    if mapping.order_key and not has_key:
        work.notes["order-key-missing"] = 1


def _missing_columns(work: Work, file: str, code: str, what: str, fields: Sequence[str]) -> InputRefused:
    names = [name for canonical in fields for name in work.mapping.columns.get(canonical, ())] or [*fields]
    platform = work.mapping.name
    return InputRefused(
        code,
        tr(
            f"{file} 没有{what}的列(按「{platform}」读)",
            f"{file} has no column of {what} (read as “{platform}”)",
        ),
        hint=tr(f"列名应是:{'、'.join(names)};", f"Expected one of: {', '.join(names)}; ")
        + tr(
            "叫别的名字时写进 --platform FILE.yaml 的 columns",
            "other names go into columns of --platform FILE.yaml",
        ),
        where=Where(file=file, row=work.header.row_no),
    )


class _OrderCleaner:
    """Cleans batches of one file; refusals come first, in the order of the columns' weight."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.mapping = work.mapping
        self.is_returns = work.mapping.kind == "returns"

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        columns: dict[str, pa.Array] = {}
        for name in ("order_id", "line_id", "buyer_id"):
            columns[name] = self._id(rows, name)
        if "order_id" in self.work.order_key and self.work.has("order_id"):
            rows.refuse_where("order_id", _nulls(columns["order_id"]), "missing-id")
        for target, name in _MOMENTS.items():
            columns[target] = self._moment(rows, name)
        mended = self._amounts(rows, columns)
        columns.update(self._status(rows, columns))
        if not self.is_returns:
            self._check_paid(rows, columns)
        columns.update(self._texts(rows))
        columns["phone"] = self._phone(rows)
        columns["buyer_id"] = self._unmasked(rows, columns["buyer_id"])
        for name in ("product_id", "sku"):
            columns[name] = self._side_code(rows, name)
        if self.mapping.amount != "net_of_refunds":
            is_partial = pc.equal(columns["refund_status"], "partial")
            mended.append(
                ("partial-without-amount", pc.and_(is_partial, pc.is_null(columns["refund_amount_fen"])))
            )
        for code, is_hit in mended:
            rows.note(code, is_hit)
        return columns

    def _id(self, rows: BatchRows, name: str) -> pa.Array:
        texts = rows.texts(name)
        if texts is None:
            return self._constant(rows, name)
        cleaned = clean_ids(texts)
        rows.refuse(name, cleaned.codes)
        return cleaned.values

    def _moment(self, rows: BatchRows, name: str) -> pa.Array:
        """Order and pay times refuse the row when unreadable; the lesser times are dropped and counted."""
        texts = rows.texts(name)
        if texts is None:
            return rows.nulls(pa.int64())
        cleaned: Cleaned = clean_moments(texts, self.mapping.dates, self.work.tz)
        if name in ("created_at", "paid_at") or (self.is_returns and name == "refunded_at"):
            rows.refuse(name, cleaned.codes)
        elif cleaned.codes.null_count < len(rows):
            rows.note("bad-side-date", pc.is_valid(cleaned.codes))
        return cleaned.values

    def _amounts(self, rows: BatchRows, columns: dict[str, pa.Array]) -> list[tuple[str, pa.Array]]:
        """Fen and thousandths into `columns`; what was mended on the way, as codes with the rows."""
        notes = []
        for target, name in _AMOUNTS.items():
            texts = rows.texts(name)
            if texts is None:
                columns[target] = rows.nulls(pa.int64())
                continue
            money = clean_money(texts)
            rows.refuse(name, money.codes)
            columns[target] = money.values
            if name == "refund_amount" and self.mapping.refund_rows == "none":
                # Some lists write what goes back with a minus; it goes back all the same.
                columns[target] = pc.abs(money.values)
                notes.append(("refund-with-minus", pc.less(money.values, 0)))
            notes.append(("more-than-two-decimals", money.is_rounded))
        quantities = rows.texts("quantity")
        columns["quantity_milli"] = columns["computed_fen"] = rows.nulls(pa.int64())
        if quantities is not None:
            counted = clean_quantities(quantities)
            rows.refuse("quantity", counted.codes)
            columns["quantity_milli"] = counted.values
            prices = rows.texts("unit_price")
            if prices is not None:
                columns["computed_fen"] = price_times_quantity(prices, quantities)
        return notes

    def _status(self, rows: BatchRows, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The order's state by its word, or by its pay time where the file has no status column."""
        none = rows.nulls(pa.string())
        found = {"status": none, "status_text": none, "refund_status": none}
        if self.is_returns:
            return found
        texts = rows.texts("refund_status")
        if texts is not None:
            words = clean_codes(texts)
            found["refund_status"], is_unknown = _meanings(words, self.mapping.refund_status)
            rows.refuse(
                "refund_status", pc.if_else(is_unknown, "unknown-refund-status", pa.scalar(None, pa.string()))
            )
        texts = rows.texts("status")
        if texts is None:
            found["status"] = pc.if_else(pc.is_valid(columns["paid_sec"]), "paid", "unpaid")
            if not self.work.has("paid_at"):
                # A list of sales without any word on payment: said aloud, because it is an assumption.
                found["status"] = pa.array(["paid"] * len(rows), pa.string())
                self.work.notes["assumed-paid"] = 1
            return found
        words = clean_text(texts)
        found["status_text"] = words
        found["status"], is_unknown = _meanings(words, self.mapping.status)
        is_unknown = pc.or_(is_unknown, pc.is_null(words))
        rows.refuse("status", pc.if_else(is_unknown, "unknown-status", pa.scalar(None, pa.string())))
        return found

    def _check_paid(self, rows: BatchRows, columns: Mapping[str, pa.Array]) -> None:
        """A paid row needs an amount and a day."""
        is_paid = pc.fill_null(pc.equal(columns["status"], "paid"), False).to_numpy(zero_copy_only=False)
        has_paid_column = self.mapping.amount != "computed" and self.work.has("amount_paid")
        amounts = columns["amount_paid_fen"] if has_paid_column else columns["computed_fen"]
        name = "amount_paid" if has_paid_column else "unit_price"
        rows.refuse_where(name, is_paid & _nulls(amounts), "missing-amount")
        has_no_day = _nulls(columns["paid_sec"]) & _nulls(columns["created_sec"])
        if self.work.has("status"):
            # An order that its own status calls unpaid or closed counts on no day.
            words = pa.array(["paid", "refunded"])
            has_no_day &= pc.is_in(columns["status"], value_set=words).to_numpy(zero_copy_only=False)
        day = "paid_at" if self.work.has("paid_at") else "created_at"
        rows.refuse_where(day, has_no_day, "missing-date")

    def _texts(self, rows: BatchRows) -> dict[str, pa.Array]:
        found = {
            name: self._text(rows, name)
            for name in ("receiver", "shop", "channel", "product", "category", "remark")
        }
        found["platform"] = pa.array([self.mapping.platform] * len(rows), pa.string())
        found["province"] = clean_provinces(self._text(rows, "province"))
        found["city"] = clean_cities(self._text(rows, "city"))
        addresses = rows.texts("address")
        if addresses is not None:
            provinces, cities = places_of(clean_text(addresses))
            found["province"] = pc.coalesce(found["province"], provinces)
            found["city"] = pc.coalesce(found["city"], cities)
        return found

    def _text(self, rows: BatchRows, name: str) -> pa.Array:
        texts = rows.texts(name)
        constant = self._constant(rows, name)
        return constant if texts is None else pc.coalesce(clean_text(texts), constant)

    def _constant(self, rows: BatchRows, name: str) -> pa.Array:
        value = self.mapping.constants.get(name)
        return rows.nulls(pa.string()) if value is None else pa.array([value] * len(rows), pa.string())

    def _phone(self, rows: BatchRows) -> pa.Array:
        """A bad phone is dropped and counted; the order stays."""
        texts = rows.texts("phone")
        if texts is None:
            return rows.nulls(pa.string())
        phones, codes = clean_phones(texts)
        rows.note_codes(codes, skip=_EMPTY_PHONE)
        return phones

    def _unmasked(self, rows: BatchRows, buyers: pa.Array) -> pa.Array:
        """A masked or encrypted buyer id would join strangers: it is dropped and counted."""
        is_masked = pc.match_substring_regex(buyers, _MASKED)
        rows.note("buyer-masked", is_masked)
        return pc.if_else(pc.fill_null(is_masked, False), pa.scalar(None, pa.string()), buyers)

    def _side_code(self, rows: BatchRows, name: str) -> pa.Array:
        """Product codes that lost digits are dropped and counted; they are no key."""
        texts = rows.texts(name)
        if texts is None:
            return self._constant(rows, name)
        cleaned = clean_ids(texts)
        rows.note("code-precision-lost", pc.is_valid(cleaned.codes))
        return cleaned.values


def _nulls(array: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask: np.ndarray[tuple[int], np.dtype[np.bool_]] = pc.is_null(array).to_numpy(zero_copy_only=False)
    return mask


def _meanings(words: pa.Array, known: Mapping[str, str]) -> tuple[pa.Array, pa.Array]:
    """(meaning, is an unknown word) of status words; each distinct word is looked up once."""
    encoded = pc.dictionary_encode(words)
    meanings = pa.array([known.get(fold(word)) for word in encoded.dictionary.to_pylist()], pa.string())
    found = pc.take(meanings, encoded.indices)
    return found, pc.and_(pc.is_valid(words), pc.is_null(found))
