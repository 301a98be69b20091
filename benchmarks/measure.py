"""Timing whole processes and calls in turn, so that a drifting machine drifts for both sides."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """Medians of one side."""

    name: str
    seconds: float
    peak_mib: float | None = None
    cpu_seconds: float | None = None


def time_processes(
    commands: dict[str, Sequence[str]],
    *,
    rounds: int,
    env: dict[str, str] | None = None,
    before: dict[str, Sequence[str]] | None = None,
) -> list[Measured]:
    """Median wall and CPU seconds and peak memory of whole processes, run A B A B …, after one warm-up of each.

    `before` is run ahead of each run of the side with that name, and not timed.
    """
    # As installed programs run: their bytecode is kept from the warm-up on.
    surroundings = {**os.environ, **(env or {})}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[float]] = {name: [] for name in commands}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            if before and name in before:
                subprocess.run(before[name], check=True, stdout=subprocess.DEVNULL, env=surroundings)
            started = time.perf_counter()
            process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=surroundings,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if turn:
                seconds[name].append(time.perf_counter() - started)
                peaks[name].append(usage.ru_maxrss / 1024)
                cpu[name].append(usage.ru_utime + usage.ru_stime)
    return [
        Measured(name, *(statistics.median(found[name]) for found in (seconds, peaks, cpu)))
        for name in commands
    ]


def time_calls(calls: dict[str, Callable[[], object]], *, rounds: int) -> list[Measured]:
    """Median wall seconds of calls, in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    return [Measured(name, statistics.median(seconds[name])) for name in calls]


def show(title: str, measured: Sequence[Measured], against: str) -> None:
    """One table: seconds, CPU seconds, memory, and each side's ratios to `against`.

    On a busy machine the wall says what the neighbours did; the CPU seconds say what the side costs.
    """
    base = next(side for side in measured if side.name == against)
    print(f"\n## {title}\n\n| side | seconds | ratio | CPU s | CPU ratio | peak MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for side in measured:
        peak = f"{side.peak_mib:,.0f}" if side.peak_mib else "–"
        cpu = ratio = "–"
        if side.cpu_seconds and base.cpu_seconds:
            cpu, ratio = f"{side.cpu_seconds:.2f}", f"{side.cpu_seconds / base.cpu_seconds:.2f}"
        print(
            f"| {side.name} | {side.seconds:.3f} | {side.seconds / base.seconds:.2f} | {cpu} | {ratio} | {peak} |"
        )
