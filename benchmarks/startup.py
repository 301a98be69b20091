"""`siyu --help` beside the `--help` of a bare Typer program: at most 1.3 times its time."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import show, time_processes

BARE = '''
import typer
app = typer.Typer(rich_markup_mode="rich")

@app.command("one", rich_help_panel="a")
def one(name: str = typer.Option("x", help="a name")) -> None:
    """First command."""

@app.command("two", rich_help_panel="b")
def two(name: str = typer.Option("x", help="a name")) -> None:
    """Second command."""

app()
'''


def main() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE, encoding="utf-8")
        siyu = str(Path(sys.executable).with_name("siyu"))
        measured = time_processes(
            {"bare Typer program": [sys.executable, str(bare), "--help"], "siyu --help": [siyu, "--help"]},
            rounds=15,
        )
    show("start-up", measured, "bare Typer program")


if __name__ == "__main__":
    main()
