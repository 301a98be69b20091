"""What stood before: imports can be taken back, because rows they overwrite keep their earlier versions.

Every import that speaks of a row testifies to a version of it. The version that stands in the table is
the one of the newest export (of the latest run among equals); the others wait in `<table>_versions`,
which has the table's columns. A run that only says again what stands there leaves a narrow row in
`<table>_confirmed`: (key, of_run_id = the run whose version it confirms, run_id, exported_sec). A run has
one testimony per row, its last. Taking a run back removes its testimonies, and each row becomes what the
remaining ones say: the order in which runs come and go does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from siyu_cli.store.forgetting import Forgotten

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEPT_IMPORTS = 30
"""How many imports, counted from the newest, can be taken back."""


@dataclass(frozen=True)
class Versioned:
    """A table with first_run_id and run_id whose rows imports overwrite.

    `key` is the column that names a row for good; `moment` the column with the time of the export that
    brought the version, None where no file says it and the later run counts as the newer one.
    """

    table: str
    key: str
    moment: str | None = "exported_sec"

    @property
    def versions(self) -> str:
        return f"{self.table}_versions"

    @property
    def confirmed(self) -> str:
        return f"{self.table}_confirmed"


@dataclass(frozen=True)
class Undone:
    """What taking a run back did, in rows: gone, back to an earlier version, and by reason what stays.

    `forgotten` are the customers that only this run knew.
    """

    removed: int = 0
    restored: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    forgotten: Forgotten = field(default_factory=Forgotten)

    def __add__(self, other: Undone) -> Undone:
        kept = Counter(self.kept)
        kept.update(other.kept)
        return Undone(
            self.removed + other.removed,
            self.restored + other.restored,
            dict(kept),
            self.forgotten + other.forgotten,
        )


def oldest_undoable(con: DuckDBPyConnection) -> int:
    """The id of the oldest run that can still be taken back; 0 while all imports can."""
    rows = con.execute(
        "SELECT run_id FROM runs WHERE command LIKE 'import-%' AND outcome IN ('done', 'partial') "
        f"ORDER BY run_id DESC LIMIT {KEPT_IMPORTS}"
    ).fetchall()
    return int(rows[-1][0]) if len(rows) == KEPT_IMPORTS else 0


def standing_sql(versioned: Versioned, rows: str) -> str:
    """A SELECT of (key, moment_sec) where later exports said again what stands in `rows`.

    `rows` is a relation with the table's key, run_id and moment.
    """
    key = versioned.key
    return (
        f"SELECT t.{key}, max(c.exported_sec) AS moment_sec FROM {rows} AS t JOIN {versioned.confirmed} AS c "
        f"ON c.{key} = t.{key} AND c.of_run_id = t.run_id AND c.exported_sec > t.{versioned.moment} GROUP BY t.{key}"
    )


def keep(con: DuckDBPyConnection, versioned: Versioned, keys: str, run_id: int) -> None:
    """Call before a run overwrites the rows whose key stands in the relation `keys`."""
    _forget_testimony(con, versioned, keys, run_id)
    con.execute(
        f"INSERT INTO {versioned.versions} BY NAME "
        f"SELECT t.* FROM {versioned.table} AS t SEMI JOIN {keys} USING ({versioned.key}) WHERE t.run_id <> ?",
        [run_id],
    )


def keep_beaten(con: DuckDBPyConnection, versioned: Versioned, rows: str, run_id: int) -> None:
    """Versions of an older export than what stands: `rows` has the table's columns and this run's run_id."""
    _forget_testimony(con, versioned, rows, run_id)
    con.execute(f"INSERT INTO {versioned.versions} BY NAME SELECT * FROM {rows}")


def confirm(
    con: DuckDBPyConnection, versioned: Versioned, keys: str, run_id: int, exported_sec: int = 0
) -> None:
    """A run says again what stands in the rows whose key stands in the relation `keys`."""
    table, key, moment = versioned.table, versioned.key, versioned.moment
    _forget_testimony(con, versioned, keys, run_id)
    con.execute(
        f"INSERT INTO {versioned.confirmed} SELECT t.{key}, t.run_id, $run, $moment FROM {table} AS t "
        f"SEMI JOIN {keys} USING ({key}) WHERE t.run_id <> $run",
        {"run": run_id, "moment": exported_sec},
    )
    if moment is not None:
        con.execute(
            f"UPDATE {table} SET {moment} = $moment WHERE run_id = $run AND {moment} < $moment "
            f"AND {key} IN (SELECT {key} FROM {keys})",
            {"run": run_id, "moment": exported_sec},
        )


def _forget_testimony(con: DuckDBPyConnection, versioned: Versioned, keys: str, run_id: int) -> None:
    """What an earlier file of the same run said of these rows: its last word counts."""
    for table in (versioned.versions, versioned.confirmed):
        con.execute(
            f"DELETE FROM {table} WHERE run_id = ? AND {versioned.key} IN (SELECT {versioned.key} FROM {keys})",
            [run_id],
        )


def take_back(con: DuckDBPyConnection, versioned: Versioned, run_id: int) -> Undone:
    """Remove a run's testimonies; every row becomes what the others say, or goes where nobody else does.

    `kept` counts rows of the run that stay: `confirmed-since` (a later import says the same),
    `changed-since` (a later import changed them), `no-earlier-version` (what the run overwrote is no
    longer kept). Leaves the temporary table `taken_back(key)`: the rows that went or changed.
    """
    table, key, versions, confirmed = versioned.table, versioned.key, versioned.versions, versioned.confirmed
    run = {"run": run_id}
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE outvoted AS
        SELECT DISTINCT {key} FROM {confirmed} SEMI JOIN {versions} USING ({key}) WHERE run_id = $run
        """,
        run,
    )
    con.execute(f"DELETE FROM {confirmed} WHERE run_id = $run", run)
    # Most rows of a run are known by it alone: they go without being laid out.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE taken_back AS
        SELECT {key} FROM {table} ANTI JOIN {versions} USING ({key}) ANTI JOIN {confirmed} USING ({key})
        WHERE run_id = $run AND first_run_id = $run
        """,
        run,
    )
    con.execute(f"DELETE FROM {table} WHERE run_id = $run AND {key} IN (SELECT {key} FROM taken_back)", run)
    removed = _count(con, "taken_back")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE contested AS
        SELECT {key} FROM {table} WHERE run_id = $run
        UNION SELECT {key} FROM {versions} WHERE run_id = $run
        UNION SELECT {key} FROM outvoted
        """,
        run,
    )
    laid = _lay_out(con, versioned, run_id)
    con.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM contested)")
    con.execute(f"DELETE FROM {versions} WHERE {key} IN (SELECT {key} FROM contested)")
    columns = "* EXCLUDE (was_standing, was_confirmed, place, earliest_run_id) REPLACE (earliest_run_id AS first_run_id)"
    con.execute(f"INSERT INTO {table} BY NAME SELECT {columns} FROM laid WHERE place = 1")
    con.execute(f"INSERT INTO {versions} BY NAME SELECT {columns} FROM laid WHERE place > 1")
    con.execute(f"INSERT INTO taken_back SELECT {key} FROM laid WHERE place = 1 AND NOT was_standing")
    return laid + Undone(removed)


def _lay_out(con: DuckDBPyConnection, versioned: Versioned, run_id: int) -> Undone:
    """Make `laid`: all versions of the `contested` rows but the run's own, the one that stands with place 1."""
    table, key, versions, confirmed = versioned.table, versioned.key, versioned.versions, versioned.confirmed
    moment, run = versioned.moment, {"run": run_id}
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE laid_all AS
        SELECT t.*, TRUE AS was_standing, FALSE AS was_confirmed FROM {table} AS t SEMI JOIN contested USING ({key})
        UNION ALL BY NAME
        SELECT v.*, FALSE AS was_standing, FALSE AS was_confirmed FROM {versions} AS v SEMI JOIN contested USING ({key})
    """)
    changed = con.execute(
        f"SELECT count(*) FROM laid_all AS v JOIN {table} AS t USING ({key}) "
        "WHERE v.run_id = $run AND NOT v.was_standing AND t.run_id > $run",
        run,
    ).fetchall()[0][0]
    # A version that another run confirms is that run's from now on.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE heirs AS
        SELECT {key}, min(run_id) AS heir_run_id, arg_min(exported_sec, run_id) AS heir_sec
        FROM {confirmed} WHERE of_run_id = $run GROUP BY {key}
        """,
        run,
    )
    newer = f", {moment} = h.heir_sec" if moment else ""
    con.execute(
        f"UPDATE laid_all SET run_id = h.heir_run_id, was_confirmed = TRUE{newer} FROM heirs AS h "
        f"WHERE laid_all.run_id = $run AND laid_all.{key} = h.{key}",
        run,
    )
    con.execute(
        f"DELETE FROM {confirmed} USING heirs AS h WHERE {confirmed}.{key} = h.{key} "
        f"AND {confirmed}.of_run_id = $run AND {confirmed}.run_id = h.heir_run_id",
        run,
    )
    con.execute(
        f"UPDATE {confirmed} SET of_run_id = h.heir_run_id FROM heirs AS h "
        f"WHERE {confirmed}.{key} = h.{key} AND {confirmed}.of_run_id = $run",
        run,
    )
    # Where the run overwrote a version that is no longer kept, nothing else is known of the row.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE only_known AS
        SELECT {key} FROM laid_all GROUP BY {key}
        HAVING bool_and(run_id = $run) AND bool_or(first_run_id <> $run)
        """,
        run,
    )
    own = con.execute(
        f"SELECT count(*) FILTER (was_standing AND {key} NOT IN (SELECT {key} FROM only_known)) "
        "FROM laid_all WHERE run_id = $run",
        run,
    ).fetchall()[0][0]
    con.execute(
        f"DELETE FROM laid_all WHERE run_id = $run AND {key} NOT IN (SELECT {key} FROM only_known)", run
    )
    testimony = f"greatest(coalesce(l.{moment}, 0), coalesce(c.exported_sec, 0))" if moment else "0"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE laid AS
        WITH said AS (
            SELECT {key}, of_run_id, max(exported_sec) AS exported_sec, min(run_id) AS run_id,
                   arg_max(run_id, (exported_sec, run_id)) AS newest_run_id
            FROM {confirmed} SEMI JOIN contested USING ({key}) GROUP BY {key}, of_run_id
        )
        SELECT l.*, least(min(l.run_id) OVER w, min(c.run_id) OVER w) AS earliest_run_id,
               row_number() OVER (PARTITION BY l.{key} ORDER BY {testimony} DESC,
                                  greatest(l.run_id, coalesce(c.newest_run_id, 0)) DESC) AS place
        FROM laid_all AS l LEFT JOIN said AS c ON c.{key} = l.{key} AND c.of_run_id = l.run_id
        WINDOW w AS (PARTITION BY l.{key})
    """)
    confirmed_rows, kept_rows = con.execute(
        f"SELECT count(*) FILTER (was_confirmed AND was_standing AND place = 1), "
        f"count(*) FILTER ({key} IN (SELECT {key} FROM only_known)) FROM laid"
    ).fetchall()[0]
    gone = _count(con, f"(SELECT DISTINCT {key} FROM contested ANTI JOIN laid USING ({key}))")
    con.execute(f"INSERT INTO taken_back SELECT {key} FROM contested ANTI JOIN laid USING ({key})")
    kept = {"changed-since": changed, "confirmed-since": confirmed_rows, "no-earlier-version": kept_rows}
    return Undone(gone, own - gone, {reason: rows for reason, rows in kept.items() if rows})


def forget_old(con: DuckDBPyConnection, tables: Sequence[Versioned]) -> None:
    """Drop versions that only runs beyond the last KEPT_IMPORTS could bring back."""
    oldest = oldest_undoable(con)
    if not oldest:
        return
    for versioned in tables:
        table, key, versions, confirmed = (
            versioned.table,
            versioned.key,
            versioned.versions,
            versioned.confirmed,
        )
        for rows in (table, versions) if versioned.moment else ():
            con.execute(
                f"""
                UPDATE {rows} SET {versioned.moment} = greatest({rows}.{versioned.moment}, c.exported_sec)
                FROM (SELECT {key}, of_run_id, max(exported_sec) AS exported_sec FROM {confirmed}
                      WHERE run_id < $oldest GROUP BY {key}, of_run_id) AS c
                WHERE {rows}.{key} = c.{key} AND {rows}.run_id = c.of_run_id
                """,
                {"oldest": oldest},
            )
        con.execute(f"DELETE FROM {confirmed} WHERE run_id < ?", [oldest])
        # Below a version that can no longer be taken back nothing comes up again.
        newest_first = f"{versioned.moment} DESC, run_id DESC" if versioned.moment else "run_id DESC"
        con.execute(
            f"""
            DELETE FROM {versions} WHERE run_id < $oldest AND (
                {key} IN (SELECT {key} FROM {table} WHERE run_id < $oldest)
                OR rowid IN (SELECT rowid FROM {versions} WHERE run_id < $oldest
                             QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {newest_first}) > 1))
            """,
            {"oldest": oldest},
        )


def _count(con: DuckDBPyConnection, relation: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
