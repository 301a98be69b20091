"""The store: waits and names its holder, migrates with a backup, survives kills, rolls back dry runs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from siyu_cli.store import connection, migrations
from siyu_cli.store.connection import open_store, schema_version, transaction
from siyu_cli.store.orders import as_written
from siyu_cli.store.tag_causes import rows_of_changed
from tests.conftest import Shop

HOLD = """
import sys, time
from pathlib import Path
from siyu_cli.store.connection import open_store
with open_store(Path(sys.argv[1]), wait=5, write=sys.argv[2] == "write", memory_limit="1GB"):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(state: Path, mode: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state), mode], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_taken_store_is_waited_for_and_its_holder_named(shop: Shop) -> None:
    holder = hold(shop.root / ".siyu", "write")
    try:
        called = shop.json("list-runs", "--wait", "0.2", expect=5)
        assert called.error["code"] == "store-busy"
        assert str(holder.pid) in called.error["message"]
    finally:
        holder.kill()
        holder.wait()
    shop.run("list-runs", "--wait", "5")


def test_readers_come_in_together_and_keep_writers_out(shop: Shop) -> None:
    reader = hold(shop.root / ".siyu", "read")
    try:
        shop.run("list-runs", "--wait", "1")
        shop.run("doctor", "--wait", "0.2", expect=5)
    finally:
        reader.kill()
        reader.wait()


def test_what_failed_is_what_is_told_and_nothing_is_kept(shop: Shop) -> None:
    """Whatever would be put back at the end of a block, a lost transaction answers nothing more."""
    with open_store(shop.root / ".siyu", wait=5, write=True, memory_limit="1GB") as con:
        con.execute("CREATE TEMP TABLE changed_people AS SELECT 1::BIGINT AS customer_id")
        for inside in (as_written, rows_of_changed):
            with pytest.raises(duckdb.Error, match="the disk is gone"), transaction(con), inside(con):
                con.execute("INSERT INTO customers VALUES (1, NULL, NULL, NULL, 1)")
                con.execute("SELECT error('the disk is gone')")
            assert con.execute("SELECT count(*) FROM customers").fetchall() == [(0,)]


def test_a_newer_store_is_refused_and_left_alone(shop: Shop) -> None:
    with open_store(shop.root / ".siyu", wait=1, write=True, memory_limit="1GB") as con:
        con.execute("INSERT INTO migrations VALUES (999, 'from the future')")
    for command in ("list-runs", "doctor"):
        assert shop.json(command, expect=5).error["code"] in ("store-newer", "store-old")
    assert shop.json("doctor", expect=5).error["code"] == "store-newer"


def test_an_old_store_is_backed_up_and_upgraded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def _m999_more(con: object) -> None:
        con.execute("CREATE TABLE more (x INTEGER)")  # type: ignore[attr-defined]

    state = shop.root / ".siyu"
    steps = (*migrations.MIGRATIONS, _m999_more)
    monkeypatch.setattr(connection, "MIGRATIONS", steps)
    assert shop.json("list-runs", expect=5).error["code"] == "store-old"
    shop.run("doctor")
    backup = state / "backups" / f"before-version-{len(steps)}.duckdb"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with open_store(state, wait=1, write=False, memory_limit="1GB") as con:
        assert schema_version(con) == len(steps)


def test_a_failing_migration_changes_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def _m999_breaks(con: object) -> None:
        con.execute("CREATE TABLE half (x INTEGER)")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(connection, "MIGRATIONS", (*migrations.MIGRATIONS, _m999_breaks))
    shop.run("doctor", expect=1)
    monkeypatch.undo()
    shop.run("doctor")
    assert shop.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'") == [(0,)]


def test_a_damaged_store_is_said_and_not_touched(shop: Shop) -> None:
    path = shop.root / ".siyu" / "siyu.duckdb"
    path.write_bytes(b"rubbish" * 1000)
    before = path.read_bytes()
    assert shop.json("status", expect=5).error["code"] == "store-damaged"
    assert shop.json("doctor", expect=5).error["code"] == "store-damaged"
    assert path.read_bytes() == before


def test_a_dry_transaction_leaves_nothing(shop: Shop) -> None:
    with open_store(shop.root / ".siyu", wait=1, write=True, memory_limit="1GB") as con:
        with transaction(con, keep=False):
            con.execute("INSERT INTO opt_outs VALUES ('13800138000', '', 1, 1)")
        assert con.execute("SELECT count(*) FROM opt_outs").fetchall() == [(0,)]


def test_the_store_is_private(shop: Shop) -> None:
    state = shop.root / ".siyu"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.iterdir())}
    assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}


WRITE = """
import sys
from pathlib import Path
from siyu_cli.store.connection import open_store, transaction
for number in range(1000):
    with open_store(Path(sys.argv[1]), wait=5, write=True, memory_limit="1GB") as con:
        with transaction(con):
            con.execute("INSERT INTO opt_outs SELECT '13800138000', '', ?, i FROM range(500) AS r(i)", [number])
    print(number, flush=True)
"""


def test_kills_lose_nothing_acknowledged_and_leave_nothing_half(shop: Shop) -> None:
    """R1: what was said to be done is there, and every batch is whole, after kill -9 at any moment."""
    state = shop.root / ".siyu"
    acknowledged: list[int] = []
    for attempt in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(state)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        done = [process.stdout.readline() for _ in range(3)]
        time.sleep(0.013 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        done += process.stdout.readlines()
        process.wait()
        acknowledged += [int(line) for line in done if line.strip()]
    with open_store(state, wait=5, write=False, memory_limit="1GB") as con:
        batches = con.execute("SELECT at_sec, count(*) FROM opt_outs GROUP BY at_sec").fetchall()
    assert all(count % 500 == 0 for _, count in batches)
    held = {number: count // 500 for number, count in batches}
    assert all(held.get(number, 0) >= acknowledged.count(number) for number in set(acknowledged))


def test_memory_is_spared_and_given_back_within_what_the_workspace_allows(shop: Shop) -> None:
    def limit() -> str:
        return str(con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])

    for allowed, expected in (("1GB", ["512.0 MiB", "768.0 MiB"]), ("300MiB", ["300.0 MiB", "300.0 MiB"])):
        with open_store(shop.root / ".siyu", wait=1, write=True, memory_limit=allowed) as con:
            memory = connection.Memory(con)
            found = []
            for mib in (512, 768):
                memory.take_at_most(mib)
                found.append(limit())
            assert found == expected
