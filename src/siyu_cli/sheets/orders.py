"""Order exports and return lists as clean columns; what they mean for customers is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.phone import clean_phones
from siyu_cli.sheets.clean import (
    Cleaned,
    Distinct,
    clean_codes,
    clean_ids,
    clean_money,
    clean_quantities,
    clean_text,
    price_times_quantity,
)
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.mapping import GIFT, PlatformMapping, id_date_width
from siyu_cli.sheets.order_columns import check_columns
from siyu_cli.sheets.order_texts import FOLDED, followed, naming, place_columns, text_columns, word_columns
from siyu_cli.sheets.places import clean_cities
from siyu_cli.sheets.rows import BatchRows, Cleaner, Reading, Work, read_table
from siyu_cli.sheets.signs import holds
from siyu_cli.sheets.table import CleanTable, Original, Reject

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
        *(
            (name, pa.int64())
            for name in (*_MOMENTS, *_AMOUNTS, "computed_fen", "quantity_milli", "is_goods")
        ),
    ]
)
"""Columns of `CleanTable.rows` for kinds orders, returns and details. status is paid, unpaid, closed or
refunded (null in returns, and in details that do not say); refund_status full, partial, running, none or
null; *_sec are local seconds; is_goods is 0 for gifts and postage lines, else 1."""

_MASKED = r"\*{2,}|^.?\*.?$|^##|^\$\$"
_EMPTY_PHONE = frozenset({"phone-empty"})


def read_orders(path: Path, mappings: Sequence[PlatformMapping], **how: Unpack[Reading]) -> CleanTable:
    """The clean rows of an order export (kind orders), of what was in orders (details) or of returns (returns).

    `mappings` come from `resolve_mappings`: one is taken as told, of several the best match. With
    `spool`, a folder, the rows live in a file there instead of in memory.
    """

    def make_cleaner(work: Work) -> Cleaner:
        check_columns(work)
        return _OrderCleaner(work).clean

    return read_table(path, mappings, ORDER_SCHEMA, make_cleaner, folded=FOLDED, **how)


class _OrderCleaner:
    """Cleans batches of one file; refusals come first, in the order of the columns' weight."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.mapping = work.mapping
        self.is_returns = work.mapping.kind == "returns"
        carried = [name for name in self.mapping.carried if work.has(name)]
        self.carry = _Carry(carried) if carried and work.has("order_id") else None
        work.is_chained = self.carry is not None
        self.taken_over: dict[str, pa.Array] = {}
        self.distinct = Distinct()

    def clean(self, rows: BatchRows) -> dict[str, pa.Array]:
        if self.carry is not None:
            self.taken_over = self.carry.fill(rows)
        columns: dict[str, pa.Array] = {}
        for name in ("order_id", "line_id", "buyer_id"):
            columns[name] = self._id(rows, name)
        if "order_id" in self.work.order_key and self.work.has("order_id"):
            rows.refuse_where("order_id", _nulls(columns["order_id"]), "missing-id")
        for target, name in _MOMENTS.items():
            columns[target] = self._moment(rows, name)
        mended = self._date_by_id(columns)
        mended += self._amounts(rows, columns)
        columns.update(self._status(rows, columns))
        if self.mapping.kind == "orders":
            self._check_paid(rows, columns)
        columns.update(self._texts(rows))
        columns["is_goods"] = self._goods(rows, columns.pop("postage"))
        columns["phone"] = self._phone(rows)
        columns["buyer_id"] = self._unmasked(rows, columns["buyer_id"])
        for name in ("product_id", "sku"):
            columns[name] = self._side_code(rows, name)
        if self.mapping.kind == "orders":
            mended += self._negatives(columns)
        if self.mapping.amount != "net_of_refunds":
            is_partial = pc.equal(columns["refund_status"], "partial")
            mended.append(
                ("partial-without-amount", pc.and_(is_partial, pc.is_null(columns["refund_amount_fen"])))
            )
        for code, is_hit in mended:
            rows.note(code, is_hit)
        return columns

    def _cells(self, rows: BatchRows, name: str) -> pa.Array | None:
        """The texts of a field as they stand, or taken over from the first row of the order."""
        return self.taken_over[name] if name in self.taken_over else rows.texts(name)

    def _given(self, rows: BatchRows, name: str) -> pa.Array | None:
        """As _cells, but of few different texts perhaps a dictionary."""
        return self.taken_over[name] if name in self.taken_over else rows.given(name)

    def _id(self, rows: BatchRows, name: str) -> pa.Array:
        texts = self._cells(rows, name)
        if texts is None:
            return self._constant(rows, name)
        cleaned = clean_ids(texts)
        rows.refuse(name, cleaned.codes, texts)
        return cleaned.values

    def _moment(self, rows: BatchRows, name: str) -> pa.Array:
        """Order and pay times refuse the row when unreadable; the lesser times are dropped and counted."""
        texts = self._cells(rows, name)
        if texts is None:
            return rows.nulls(pa.int64())
        cleaned: Cleaned = clean_moments(texts, self.mapping.dates, self.work.tz, self.work.is_1904)
        if name in ("created_at", "paid_at") or (self.is_returns and name == "refunded_at"):
            rows.refuse(name, cleaned.codes, texts)
        elif cleaned.codes.null_count < len(rows):
            rows.note("bad-side-date", pc.is_valid(cleaned.codes))
        return cleaned.values

    def _date_by_id(self, columns: dict[str, pa.Array]) -> list[tuple[str, pa.Array]]:
        """Order time from the leading digits of the order id, in rows that name no time at all."""
        form = self.mapping.date_in_order_id
        has_no_time = pc.and_(pc.is_null(columns["created_sec"]), pc.is_null(columns["paid_sec"]))
        if not form or not pc.any(has_no_time, min_count=0).as_py():
            return []
        lead = pc.extract_regex(columns["order_id"], f"^(?P<day>[0-9]{{{id_date_width(form)}}})")
        days = clean_moments(pc.struct_field(lead, "day"), (form,), self.work.tz).values
        columns["created_sec"] = pc.if_else(has_no_time, days, columns["created_sec"])
        return [("date-from-order-id", pc.and_(has_no_time, pc.is_valid(days)))]

    def _amounts(self, rows: BatchRows, columns: dict[str, pa.Array]) -> list[tuple[str, pa.Array]]:
        """Fen and thousandths into `columns`; what was mended on the way, as codes with the rows."""
        notes: list[tuple[str, pa.Array]] = []
        is_joined = self._joined(rows)
        if is_joined is not None:
            notes.append(("joined-cells", is_joined))
        for target, name in _AMOUNTS.items():
            texts = self._cells(rows, name)
            if texts is None:
                columns[target] = rows.nulls(pa.int64())
                continue
            if is_joined is not None and name == "unit_price":
                texts = pc.if_else(is_joined, "", texts)
            money = clean_money(texts)
            rows.refuse(name, money.codes, texts)
            columns[target] = money.values
            if name == "refund_amount" and self.mapping.refund_rows == "none":
                # Some lists write what goes back with a minus; it goes back all the same.
                columns[target] = pc.abs(money.values)
                notes.append(("refund-with-minus", pc.less(money.values, 0)))
            notes.append(("more-than-two-decimals", money.is_rounded))
        quantities = self._cells(rows, "quantity")
        columns["quantity_milli"] = columns["computed_fen"] = rows.nulls(pa.int64())
        if quantities is not None:
            counted = clean_quantities(quantities)
            values, codes = counted.values, counted.codes
            if is_joined is not None:
                values, codes = _sum_joined(quantities, self.mapping.joined, values, codes)
            rows.refuse("quantity", codes, quantities)
            columns["quantity_milli"] = values
            prices = self._cells(rows, "unit_price")
            if prices is not None:
                if is_joined is not None:
                    prices = pc.if_else(is_joined, "", prices)
                columns["computed_fen"] = price_times_quantity(prices, quantities)
        return notes

    def _joined(self, rows: BatchRows) -> pa.Array | None:
        """The rows in which a cell lists several items; None where there are none."""
        if not self.mapping.joined:
            return None
        found = None
        for name in ("line_id", "product_id", "sku", "quantity", "unit_price"):
            texts = rows.texts(name)
            if texts is not None:
                hit = pc.match_substring(texts, self.mapping.joined)
                found = hit if found is None else pc.or_(found, hit)
        return found if found is not None and pc.any(found, min_count=0).as_py() else None

    def _status(self, rows: BatchRows, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The order's state by its word, or by its pay time where the file has no status column."""
        none = rows.nulls(pa.string())
        found = {"status": none, "status_text": none, "refund_status": none}
        if self.is_returns:
            return found
        texts = self._given(rows, "refund_status")
        if texts is not None:
            known = self.mapping.refund_status
            said = self.distinct.clean(
                "refund_status", texts, lambda cells: word_columns(clean_codes(cells), known)
            )
            found["refund_status"] = said["meaning"]
            self._refuse_words(rows, "refund_status", said["is_unknown"])
        texts = self._given(rows, "status")
        if texts is None and self.mapping.kind == "details":
            return found
        if texts is None:
            found["status"] = pc.if_else(pc.is_valid(columns["paid_sec"]), "paid", "unpaid")
            if not self.work.has("paid_at"):
                # A list of sales without any word on payment: said aloud, because it is an assumption.
                found["status"] = pa.array(["paid"] * len(rows), pa.string())
                self.work.notes["assumed-paid"] = 1
            return found
        said = self.distinct.clean(
            "status", texts, lambda cells: word_columns(clean_text(cells), self.mapping.status)
        )
        found["status_text"], found["status"] = said["word"], said["meaning"]
        self._refuse_words(rows, "status", pc.or_(said["is_unknown"], pc.is_null(said["word"])))
        return found

    def _refuse_words(self, rows: BatchRows, name: str, is_unknown: pa.Array) -> None:
        """Refuse the rows whose word of state nobody knows."""
        if pc.any(is_unknown, min_count=0).as_py():
            codes = pc.if_else(is_unknown, f"unknown-{name.replace('_', '-')}", pa.scalar(None, pa.string()))
            rows.refuse(name, codes, self._cells(rows, name))

    def _goods(self, rows: BatchRows, postage: pa.Array) -> pa.Array:
        """0 for gifts and for lines that only carry `postage`, 1 for goods."""
        is_goods = pa.array(np.ones(len(rows), dtype=np.int64))
        for named in (postage, self._gifts(rows)):
            if named is not None and named.null_count < len(rows):
                is_goods = pc.if_else(pc.is_valid(named), 0, is_goods)
        return is_goods

    def _gifts(self, rows: BatchRows) -> pa.Array | None:
        texts, words = rows.given(GIFT), self.mapping.gift_words
        if texts is None:
            return None
        return self.distinct.clean(GIFT, texts, lambda cells: {GIFT: naming(cells, words)})[GIFT]

    def _worth(self, columns: Mapping[str, pa.Array]) -> tuple[str, pa.Array]:
        """(which column says it, fen) of what the rows are worth before refunds."""
        if self.mapping.amount != "computed" and self.work.has("amount_paid"):
            return "amount_paid", columns["amount_paid_fen"]
        return "unit_price", columns["computed_fen"]

    def _negatives(self, columns: Mapping[str, pa.Array]) -> list[tuple[str, pa.Array]]:
        """The rows that are goods coming back, where the mapping says that such rows exist."""
        if self.mapping.refund_rows == "none":
            return []
        _, worth = self._worth(columns)
        found = [("negative-rows", pc.less(worth, 0))]
        if self.mapping.refund_rows == "negative_quantity":
            is_free = pc.and_(pc.less(columns["quantity_milli"], 0), pc.equal(worth, 0))
            found.append(("negative-rows-free", is_free))
        return found

    def _check_paid(self, rows: BatchRows, columns: Mapping[str, pa.Array]) -> None:
        """A paid row needs an amount and a day."""
        is_paid = pc.fill_null(pc.equal(columns["status"], "paid"), False).to_numpy(zero_copy_only=False)
        name, amounts = self._worth(columns)
        rows.refuse_where(name, is_paid & _nulls(amounts), "missing-amount")
        has_no_day = _nulls(columns["paid_sec"]) & _nulls(columns["created_sec"])
        if self.work.has("status"):
            # An order that its own status calls unpaid or closed counts on no day.
            words = pa.array(["paid", "refunded"])
            has_no_day &= pc.is_in(columns["status"], value_set=words).to_numpy(zero_copy_only=False)
        day = "paid_at" if self.work.has("paid_at") else "created_at"
        rows.refuse_where(day, has_no_day, "missing-date")

    def _texts(self, rows: BatchRows) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        for name in ("receiver", "shop", "channel", "product", "category", "remark", "province", "city"):
            texts = self._given(rows, name)
            if texts is not None:
                found |= self.distinct.clean(name, texts, partial(text_columns, name, mapping=self.mapping))
            else:
                found |= self._same(len(rows), name, self.mapping.constants.get(name))
        found |= self._same(len(rows), "platform", self.mapping.platform)
        found["city"] = clean_cities(found["city"], found["province"])
        addresses = self._given(rows, "address")
        if addresses is not None:
            for name, said in self.distinct.clean("address", addresses, place_columns(addresses)).items():
                is_silent = found[name].null_count == len(rows)
                found[name] = said if is_silent else pc.coalesce(found[name], said)
        return found

    def _same(self, count: int, name: str, text: str | None) -> dict[str, pa.Array]:
        """A text that all rows share, and what follows from it."""
        one = followed(name, pa.array([text], pa.string()), self.mapping)
        return {column: pa.repeat(made[0], count) for column, made in one.items()}

    def _constant(self, rows: BatchRows, name: str) -> pa.Array:
        value = self.mapping.constants.get(name)
        return pa.repeat(pa.scalar(value, pa.string()), len(rows))

    def _phone(self, rows: BatchRows) -> pa.Array:
        """A bad phone is dropped and counted; the order stays."""
        texts = self._cells(rows, "phone")
        if texts is None:
            return rows.nulls(pa.string())
        phones, codes = clean_phones(texts)
        rows.note_codes(codes, skip=_EMPTY_PHONE)
        return phones

    def _unmasked(self, rows: BatchRows, buyers: pa.Array) -> pa.Array:
        """A masked or encrypted buyer id would join strangers: it is dropped and counted."""
        if not any(holds(buyers, sign) for sign in (b"*", b"#", b"$")):
            return buyers
        is_masked = pc.match_substring_regex(buyers, _MASKED)
        rows.note("buyer-masked", is_masked)
        return pc.if_else(pc.fill_null(is_masked, False), pa.scalar(None, pa.string()), buyers)

    def _side_code(self, rows: BatchRows, name: str) -> pa.Array:
        """Product codes that lost digits are dropped and counted; they are no key."""
        texts = self._cells(rows, name)
        if texts is None:
            return self._constant(rows, name)
        cleaned = clean_ids(texts)
        rows.note("code-precision-lost", pc.is_valid(cleaned.codes))
        return cleaned.values


def _nulls(array: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask: np.ndarray[tuple[int], np.dtype[np.bool_]] = pc.is_null(array).to_numpy(zero_copy_only=False)
    return mask


class _Carry:
    """Order-level cells that only the first row of an order fills in; orders may go on in the next batch.

    A row belongs to the order above it when its order id is the same, or empty where `order_id` is itself
    carried. An order whose first row leaves a cell empty has it empty in all rows.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.last_id: str | None = None
        self.first: dict[str, str] = {}

    def fill(self, rows: BatchRows) -> dict[str, pa.Array]:
        """The texts of the carried fields with the first row's cell wherever a row's own is empty."""
        texts = rows.texts("order_id")
        assert texts is not None
        ids = pa.concat_arrays([pa.array([self.last_id], pa.string()), clean_ids(texts).values])
        if "order_id" in self.names:
            ids = pc.fill_null_forward(ids)
        is_same = pc.fill_null(pc.equal(ids[1:], ids[:-1]), False).to_numpy(zero_copy_only=False)
        # Places in "the first row so far, then this batch": each row's own order starts there.
        places = np.maximum.accumulate(np.where(is_same, 0, np.arange(1, len(rows) + 1)))
        filled = {}
        for name in self.names:
            own = rows.texts(name)
            assert own is not None
            start = pa.concat_arrays([pa.array([self.first.get(name, "")], pa.string()), own]).take(
                pa.array(places)
            )
            filled[name] = pc.if_else(pc.equal(pc.utf8_trim_whitespace(own), ""), start, own)
            self.first[name] = start[-1].as_py()
        self.last_id = ids[-1].as_py()
        return filled


def _sum_joined(
    texts: pa.Array, separator: str, values: pa.Array, codes: pa.Array
) -> tuple[pa.Array, pa.Array]:
    """Quantities of cells that list one per item (`1;2` → 3); one bad part makes the whole cell bad."""
    at = pc.match_substring(texts, separator)
    listed = pc.replace_substring_regex(texts.filter(at), f"[\\s{re.escape(separator)}]+$", "")
    parts = pc.split_pattern(listed, separator)
    counted = clean_quantities(pc.list_flatten(parts)).values
    owners = pc.list_parent_indices(parts).to_numpy(zero_copy_only=False)
    sums = np.zeros(len(listed), dtype=np.int64)
    np.add.at(sums, owners, pc.fill_null(counted, 0).to_numpy(zero_copy_only=False))
    is_bad = np.zeros(len(listed), dtype=bool)
    is_bad[owners[_nulls(counted)]] = True
    bad_codes = pc.if_else(pa.array(is_bad), "bad-quantity", pa.scalar(None, pa.string()))
    return (
        pc.replace_with_mask(values, at, pa.array(sums, mask=is_bad)),
        pc.replace_with_mask(codes, at, bad_codes),
    )
