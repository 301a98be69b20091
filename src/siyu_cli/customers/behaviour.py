"""What customers did and what they were sent, as facts in common-core SQL (see `facts` for orders).

`fact_events`: one row per event of a known customer up to the moment:
    customer_id, event_no, kind (events.EVENT_KINDS), at_sec, day,
    product_key, category_key, sku_key, platform_key, shop_key, channel_key, page_key (a page or a group)

`fact_sends`: one row per customer, push and day on which the customer was on the push's exported list:
    customer_id, send_no, push_key, sent_sec (the first export of that day), sent_day

Text columns are folded (words.fold) and '' where missing; `texts` as in `facts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from siyu_cli.clock import AsOf
    from siyu_cli.store.engine import Engine

_EVENT_TEXTS = (
    "product_key", "category_key", "sku_key", "platform_key", "shop_key", "channel_key", "page_key",
)  # fmt: skip
TEXTS_IN_EVENTS: dict[str, Mapping[str, str]] = {"events": {name: name for name in ("kind", *_EVENT_TEXTS)}}
"""Where the texts of the facts come from, as facts.TEXTS_IN_ORDERS."""

# Parameter: as_of seconds; in braces: the kind, and the texts that are asked for.
_EVENTS_SQL = """
SELECT customer_id, event_no, {kind} AS kind, at_sec, day{texts}
FROM events
WHERE customer_id IS NOT NULL AND at_sec <= ?
"""

# Parameter: as_of seconds. Two lists of one push that two customers were on are one send of what they became.
FACT_SENDS_SQL = """
SELECT customer_id, MIN(run_id) AS send_no, push_key, MIN(at_sec) AS sent_sec, day AS sent_day
FROM push_members
WHERE at_sec <= ?
GROUP BY customer_id, push_key, day
"""


def build_events(engine: Engine, as_of: AsOf, texts: Mapping[str, str] | None = None) -> None:
    """Make `fact_events` as of a moment; with `texts` it has no texts but these and the kind."""
    forms = dict.fromkeys(_EVENT_TEXTS, "COALESCE({}, '')") if texts is None else texts
    listed = [f", {forms[name].format(name)} AS {name}" for name in _EVENT_TEXTS if name in forms]
    kind = forms.get("kind", "{}").format("kind")
    engine.write(_EVENTS_SQL.format(kind=kind, texts="".join(listed)), "fact_events", (as_of.seconds,))


def build_sends(engine: Engine, as_of: AsOf) -> None:
    """Make `fact_sends` as of a moment."""
    engine.write(FACT_SENDS_SQL, "fact_sends", (as_of.seconds,))
