"""Money is integer fen; yuan exist only as text at the edge."""

from __future__ import annotations


def format_yuan(fen: int, *, sign: str = "¥") -> str:
    """`¥1,299.50` of 129950; negative amounts as `-¥3.00`."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{sign}{yuan:,}.{rest:02d}"
