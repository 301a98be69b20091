"""Steps of the store (see migrations) that give conditions more to speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu_cli.words import fold

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Pages and groups of events folded like everything conditions compare; who was on an exported push list
# (`day` of at_sec); the churn risk of a scored customer, missing where a scheme says nothing of it.
_BEHAVIOUR = """
ALTER TABLE events ADD COLUMN page_key VARCHAR;
ALTER TABLE events_versions ADD COLUMN page_key VARCHAR;
CREATE TABLE push_members (
    run_id BIGINT NOT NULL, push VARCHAR NOT NULL, push_key VARCHAR NOT NULL, customer_id BIGINT NOT NULL,
    at_sec BIGINT NOT NULL, day INTEGER NOT NULL
);
ALTER TABLE scores ADD COLUMN risk VARCHAR;
"""


def behaviour_step(con: DuckDBPyConnection) -> None:
    """Pages as keys, members of pushes, risks."""
    import pyarrow as pa

    con.execute(_BEHAVIOUR)
    tables = ("events", "events_versions")
    known = " UNION ".join(f"SELECT page FROM {table} WHERE page IS NOT NULL" for table in tables)
    pages = [page for (page,) in con.execute(known).fetchall()]
    if not pages:
        return
    con.register("folded_pages", pa.table({"page": pages, "page_key": [fold(page) for page in pages]}))
    for table in tables:
        con.execute(
            f"UPDATE {table} SET page_key = f.page_key FROM folded_pages AS f WHERE f.page = {table}.page"
        )
    con.unregister("folded_pages")
