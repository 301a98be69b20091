"""The list of runs: what was done, when, with what, and how it ended."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf
    from siyu_cli.errors import ExitCode


def next_run_id(con: DuckDBPyConnection) -> int:
    """The id the next run gets; safe inside a write transaction, of which there is only one."""
    return int(con.execute("SELECT coalesce(max(run_id), 0) + 1 FROM runs").fetchall()[0][0])


def insert_run(
    con: DuckDBPyConnection,
    run_id: int,
    *,
    command: str,
    arguments: str,
    as_of: AsOf | None,
    started: int,
    finished: int,
    outcome: str,
    exit_code: ExitCode,
    inputs: list[dict[str, Any]],
    counts: dict[str, Any],
    message: str = "",
) -> None:
    """Append one run."""
    con.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run_id, command, arguments, as_of.seconds if as_of else None, started, finished, outcome,
            int(exit_code), json.dumps(inputs, ensure_ascii=False), json.dumps(counts, ensure_ascii=False),
            message, version("siyu-cli"),
        ],
    )  # fmt: skip


def latest_runs(con: DuckDBPyConnection, limit: int) -> list[dict[str, Any]]:
    """The newest runs first, counts and inputs decoded."""
    return _decoded(con.execute("SELECT * FROM runs ORDER BY run_id DESC LIMIT ?", [limit]))


def find_run(con: DuckDBPyConnection, run_id: int) -> dict[str, Any] | None:
    """One run, counts and inputs decoded."""
    return next(iter(_decoded(con.execute("SELECT * FROM runs WHERE run_id = ?", [run_id]))), None)


def undone_by(con: DuckDBPyConnection, run_id: int) -> int | None:
    """The run that took this one back."""
    undos = _decoded(
        con.execute(
            "SELECT * FROM runs WHERE command = 'undo-import' AND outcome = 'done' AND run_id > ?", [run_id]
        )
    )
    return next((undo["run_id"] for undo in undos if undo["counts"].get("undone_run") == run_id), None)


def _decoded(cursor: DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["inputs"], row["counts"] = json.loads(row["inputs"]), json.loads(row["counts"])
    return rows
