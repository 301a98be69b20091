"""Chinese first, English with SIYU_LANG=en: both texts stand side by side where they are used."""

from __future__ import annotations

import os


def is_english() -> bool:
    """True when the operator asked for English with SIYU_LANG."""
    return os.environ.get("SIYU_LANG", "").lower().startswith("en")


def tr(chinese: str, english: str) -> str:
    """The text in the operator's language."""
    return english if is_english() else chinese
