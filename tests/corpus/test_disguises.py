"""Laws of importing, over random tables in random disguises."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.customers.import_orders import merge_orders
from siyu_cli.sheets.mapping_file import available_mappings, resolve_mappings
from siyu_cli.sheets.orders import read_orders
from siyu_cli.sheets.table import CleanTable
from tests.conftest import examples
from tests.corpus.disguises import Disguise, Sale, disguises, sales
from tests.stores import new_store

TZ = timezone(timedelta(hours=8))
MAPPINGS = resolve_mappings("通用订单", available_mappings(None), ["orders"])
FACTS = ("order_id", "buyer_id", "amount_paid_fen", "paid_sec", "phone", "product")


def read(path: Path, exported_sec: int = 1_800_000_000) -> CleanTable:
    table = read_orders(path, MAPPINGS, tz=TZ, exported_sec=exported_sec)
    assert table.read == table.rows.num_rows + len(table.rejects) + table.blank
    return table


def stored(tables: Sequence[Sequence[CleanTable]]) -> Counter[tuple[object, ...]]:
    """The lines in a store after these imports, one after the other."""
    with new_store() as con:
        for run_id, batch in enumerate(tables, start=1):
            merge_orders(con, run_id, batch)
        sql = "SELECT order_id, buyer_id, paid_fen, paid_sec, phone, product FROM order_lines"
        return Counter(con.execute(sql).fetchall())


@examples(100)
@given(st.lists(sales, min_size=1, max_size=12), disguises)
def test_a_table_says_the_same_in_every_disguise(rows: list[Sale], disguise: Disguise) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = read(disguise.write(Path(folder) / "订单", rows))
        assert table.rejects == ()
        assert table.blank == disguise.blank
        found = table.rows.select(list(FACTS)).to_pylist()
        assert [tuple(row[name] for name in FACTS) for row in found] == [
            (row.order_id, row.buyer, row.fen, row.paid_sec, row.phone, row.product) for row in rows
        ]


@examples(5)
@given(
    st.lists(sales, min_size=1, max_size=12),
    st.lists(disguises, min_size=4, max_size=4),
    st.randoms(use_true_random=False),
)
def test_shuffled_split_and_repeated_files_leave_the_same_lines(
    rows: list[Sale], looks: list[Disguise], dice: random.Random
) -> None:
    """Equal rows are purchases of their own and stay in one file; everything else may lie anywhere."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = stored([[read(looks[0].write(folder / "全部", rows))]])
        assert whole == Counter(
            (row.order_id, row.buyer, row.fen, row.paid_sec, row.phone, row.product) for row in rows
        )
        place = {row: dice.randrange(3) for row in rows}
        files = []
        for number in range(3):
            part = [row for row in rows if place[row] == number]
            dice.shuffle(part)
            if part:
                files.append(read(looks[number + 1].write(folder / f"第{number}份", part)))
        dice.shuffle(files)
        assert stored([files]) == whole
        assert stored([*([file] for file in files), files]) == whole


@examples(6)
@given(sales, st.lists(st.integers(1, 99_999), min_size=2, max_size=4, unique=True), st.lists(disguises, min_size=4, max_size=4), st.randoms(use_true_random=False))  # fmt: skip
def test_the_newest_export_wins_whatever_comes_last(
    sale: Sale, refunds: list[int], looks: list[Disguise], dice: random.Random
) -> None:
    """The pay time of one order differs from export to export: the latest export's stays."""
    with tempfile.TemporaryDirectory() as name:
        versions = []
        for number, phone_tail in enumerate(refunds):
            later = Sale(
                sale.order_id, sale.buyer, sale.fen, sale.paid_sec, f"138{phone_tail:08d}", sale.product
            )
            path = looks[number].write(Path(name) / f"第{number}次", [later])
            versions.append((later, read(path, 1_800_000_000 + number)))
        newest = versions[-1][0]
        dice.shuffle(versions)
        (kept,) = stored([[table] for _, table in versions])
        assert kept[4] == newest.phone
