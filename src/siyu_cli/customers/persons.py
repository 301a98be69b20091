"""A few customers at a time: their orders as facts, and their keys as people may see them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from siyu_cli.customers.facts import build_facts
from siyu_cli.language import tr
from siyu_cli.phone import mask_phones
from siyu_cli.store.engine import DuckDbEngine

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf


# What facts are made of, and how the rows of a few customers are found in it.
_NARROWED = {
    "order_lines": "SEMI JOIN fact_people USING (customer_id)",
    "refunds": "SEMI JOIN fact_people USING (customer_id)",
    "item_nets": "SEMI JOIN order_lines USING (order_no)",
    "events": "SEMI JOIN fact_people USING (customer_id)",
    "push_members": "SEMI JOIN fact_people USING (customer_id)",
    "customers": "SEMI JOIN fact_people USING (customer_id)",
}
_OF_ORDERS = ("order_lines", "refunds", "item_nets")


@contextmanager
def only_people(
    con: DuckDBPyConnection, people: Collection[int], tables: Collection[str] = tuple(_NARROWED)
) -> Iterator[None]:
    """Inside, these tables of the store hold the rows of these customers only: facts of them are cheap,
    however large the store.
    """
    (store,) = con.execute("SELECT current_database()").fetchall()[0]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE fact_people AS SELECT unnest(?::BIGINT[]) AS customer_id",
        [list(people)],
    )
    chosen = [table for table in _NARROWED if table in tables]
    for table in chosen:
        con.execute(
            f'CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM "{store}".main.{table} {_NARROWED[table]}'
        )
    try:
        yield
    finally:
        for table in chosen:
            con.execute(f"DROP TABLE temp.{table}")


def build_facts_of(con: DuckDBPyConnection, people: Collection[int], as_of: AsOf) -> None:
    """Make the fact tables (see `facts`) of the orders of these customers only."""
    with only_people(con, people, _OF_ORDERS):
        build_facts(DuckDbEngine(con), as_of)


def key_text(kind: str, namespace: str, value: str, *, reveal: bool = False) -> str:
    """A key in the operator's words; phones masked, wherever they stand."""
    if kind == "phone":
        text = tr(f"手机 {value}", f"phone {value}")
    elif kind == "buyer":
        shop = tr("各店通用", "all shops") if namespace == "*" else namespace
        text = tr(f"{shop} 买家 {value}", f"{shop} buyer {value}")
    else:
        text = f"{kind} {value}" + (tr(f"(企业 {namespace})", f" (corp {namespace})") if namespace else "")
    return text if reveal else mask_phones(text)


def against_text(kind: str, namespace: str) -> str:
    """Why two customers were not made one."""
    if kind == "apart":
        return tr("已确认是两个人", "said to be two people")
    if kind == "buyer":
        shop = tr("各店通用的账号", "the shared accounts") if namespace == "*" else namespace
        return tr(f"{shop} 里各有一个买家账号", f"each has a buyer id of {shop}")
    return tr(f"各有一个 {kind}", f"each has an {kind}")


def mask_name(name: str) -> str:
    """The first sign of a person's name, the rest as stars."""
    return name[:1] + "*" * min(max(len(name) - 1, 0), 3)
