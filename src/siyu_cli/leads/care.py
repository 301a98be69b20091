"""Looking after leads that somebody holds: until when they are theirs, and what goes back to the pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.leads.deadlines import Days, Terms, last_days
from siyu_cli.leads.reclaim import ReclaimPlan, plan_reclaim
from siyu_cli.store import ledger

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.settings import LeadSettings, Protection


@dataclass(frozen=True)
class Held:
    """The leads that are somebody's at a moment, by lead, with the last day of each one's protection.

    `later` counts those whose ledger goes on after the moment: they are not shown.
    """

    leads: pa.Table
    last_day: Days
    max_owners: Days
    later: int

    def days_left(self, as_of_day: int) -> Days:
        """Whole days after today; 0 on the last day, negative when it is over."""
        return self.last_day - as_of_day


def read_held(con: DuckDBPyConnection, as_of: AsOf, settings: LeadSettings) -> Held:
    """Everything held as of a moment."""
    leads = ledger.held_leads(con, as_of.seconds)
    found = protections(leads["channel_key"], settings)
    signs = ledger.signs_of_work(con)
    lead_ids = leads["lead_id"].to_numpy()
    at = np.searchsorted(lead_ids, signs["lead_id"].to_numpy())
    is_held = np.zeros(len(at), bool)
    is_inside = at < len(lead_ids)
    is_held[is_inside] = lead_ids[at[is_inside]] == signs["lead_id"].to_numpy()[is_inside]
    days = last_days(
        leads["assigned_sec"].to_numpy() // DAY_SECONDS,
        Terms.of(found),
        at[is_held],
        signs["day"].to_numpy()[is_held],
    )
    return Held(leads, days, _most(found), ledger.later_held(con, as_of.seconds))


def protections(channel_keys: pa.ChunkedArray, settings: LeadSettings) -> Sequence[Protection]:
    """The protection of each lead by its channel; a channel is looked up once."""
    channels = pc.fill_null(channel_keys.combine_chunks(), "").dictionary_encode()
    each = [settings.of(key) for key in channels.dictionary.to_pylist()]
    return [each[at] for at in channels.indices.to_pylist()]


def _most(found: Sequence[Protection]) -> Days:
    return np.array([one.max_owners for one in found], np.int64)


def tried_enough(con: DuckDBPyConnection, as_of_sec: int, settings: LeadSettings) -> pa.Array:
    """Leads in the pool that as many people have tried as may: only reclaim has still to say that they are dead."""
    tried = ledger.tried_leads(con, as_of_sec)
    is_enough = tried["tries"].to_numpy() >= _most(protections(tried["channel_key"], settings))
    return tried["lead_id"].combine_chunks().filter(pa.array(is_enough))


def reclaim(
    con: DuckDBPyConnection, run_id: int, as_of: AsOf, settings: LeadSettings
) -> tuple[ReclaimPlan, int]:
    """Take back whatever is over, inside the caller's transaction; with it the held leads that are too new to see."""
    held = read_held(con, as_of, settings)
    tried = ledger.tried_leads(con, as_of.seconds)
    tried_most = _most(protections(tried["channel_key"], settings))
    plan = plan_reclaim(held.leads, held.last_day, held.max_owners, tried, tried_most, as_of.day)
    if plan.reclaimed or plan.dead:
        con.register("reclaim_events", plan.events())
        ledger.append_events(con, "reclaim_events", run_id)
        con.unregister("reclaim_events")
    return plan, held.later
