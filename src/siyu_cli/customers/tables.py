"""The fact tables a query reads, built by name: nobody pays for facts that no condition speaks of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from siyu_cli.customers.behaviour import TEXTS_IN_EVENTS, build_events, build_sends
from siyu_cli.customers.facts import FACTS_OF_ORDERS, TEXTS_IN_ORDERS, build_facts
from siyu_cli.customers.profile import build_profiles
from siyu_cli.customers.tag_history import build_tag_spans
from siyu_cli.customers.traits import build_bindings, build_friends, build_traits

if TYPE_CHECKING:
    from siyu_cli.clock import AsOf
    from siyu_cli.customers.stages import StageNames
    from siyu_cli.store.engine import Engine

Builder = Callable[["Engine", "AsOf"], None]

BUILDERS: dict[Builder, tuple[str, ...]] = {
    build_facts: FACTS_OF_ORDERS,
    build_events: ("fact_events",),
    build_sends: ("fact_sends",),
    build_profiles: ("fact_customers",),
    build_tag_spans: ("fact_tag_spans",),
    build_traits: ("fact_traits",),
    build_friends: ("fact_friends",),
    build_bindings: ("fact_bindings",),
}
"""What makes which tables."""


def build_tables(
    engine: Engine,
    as_of: AsOf,
    tables: Collection[str],
    stages: StageNames | None = None,
    columns: Collection[str] | None = None,
) -> None:
    """Make those of the tables that are facts, as of a moment; other names are somebody else's.

    With `stages` customers stand where a run of these rules starts from (see build_profiles). With `columns` the
    tables of orders and events, which are long, have no texts but these, in the form the engine likes best.
    """
    texts = None if columns is None else _coded_texts(engine, tables, columns)
    for build, made in BUILDERS.items():
        if set(made).isdisjoint(tables):
            continue
        if build is build_profiles:
            build_profiles(engine, as_of, stages)
        elif build is build_facts:
            build_facts(engine, as_of, set(made).intersection(tables), texts)
        elif build is build_events:
            build_events(engine, as_of, texts)
        else:
            build(engine, as_of)


def _coded_texts(engine: Engine, tables: Collection[str], columns: Collection[str]) -> dict[str, str]:
    """The texts that are asked for, each in its form: one for orders and events, so that they join as they are."""
    sources: dict[str, list[str]] = {}
    for made, found_in in ((FACTS_OF_ORDERS, TEXTS_IN_ORDERS), (("fact_events",), TEXTS_IN_EVENTS)):
        for table, texts in found_in.items() if not set(made).isdisjoint(tables) else ():
            for name, column in texts.items():
                sources.setdefault(name, []).append(f"SELECT {column} FROM {table}")
    return {
        name: engine.coded(name, " UNION ".join(selects))
        for name, selects in sources.items()
        if name in columns
    }
