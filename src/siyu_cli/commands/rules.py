"""Commands of one help panel."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add this panel's commands to the root."""
