"""What an order file must have to be read at all: money, a date, and its order key where one is spoken of."""

from __future__ import annotations

from collections.abc import Sequence

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.sheets.rows import Work


def check_columns(work: Work) -> None:
    """A file that cannot yield money or dates is refused; one without its order key counts rows as orders."""
    mapping, has = work.mapping, work.has
    has_key = any(has(name) for name in mapping.order_key)
    if mapping.kind in ("returns", "details"):
        if not has_key:
            raise _missing_columns(work, "missing-order-column", tr("订单号", "order id"), mapping.order_key)
        work.order_key = tuple(name for name in mapping.order_key if has(name))
        return
    computable = has("unit_price") and has("quantity")
    if not computable and (mapping.amount == "computed" or not has("amount_paid")):
        wanted = ("unit_price", "quantity") if mapping.amount == "computed" else ("amount_paid",)
        raise _missing_columns(
            work,
            "missing-amount-column",
            tr("实付金额,也没有单价和数量", "paid amount, nor unit price and quantity"),
            wanted,
        )
    is_dated_by_id = bool(mapping.date_in_order_id) and has("order_id")
    if not has("created_at") and not has("paid_at") and not is_dated_by_id:
        raise _missing_columns(
            work,
            "missing-date-column",
            tr("付款时间或下单时间", "pay or order time"),
            ("paid_at", "created_at"),
        )
    work.order_key = mapping.order_key if has_key else ()
    if mapping.order_key and not has_key:
        work.notes["order-key-missing"] = 1


def _missing_columns(work: Work, code: str, what: str, fields: Sequence[str]) -> InputRefused:
    names = [name for canonical in fields for name in work.mapping.columns.get(canonical, ())]
    platform, file = work.mapping.name, work.file
    return InputRefused(
        code,
        tr(
            f"{file} 没有{what}的列(按「{platform}」读)",
            f"{file} has no column of {what} (read as “{platform}”)",
        ),
        hint=(tr(f"列名应是:{'、'.join(names)};", f"Expected one of: {', '.join(names)}; ") if names else "")
        + tr(
            f"表里叫别的名字,就写进映射(--platform FILE.yaml)的 columns:{'、'.join(fields)}",
            f"a column of another name goes into columns of the mapping (--platform FILE.yaml): {', '.join(fields)}",
        ),
        where=Where(file=file, row=work.header.row_no),
    )
