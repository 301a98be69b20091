"""Money is integer fen; yuan exist only as text at the edge."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def yuan_to_fen(text: str) -> int:
    """Fen of a plain decimal text such as `1299.5`, rounded half up (away from zero) to the fen.

    Raises `decimal.InvalidOperation` when the text is not a number.
    """
    return int((Decimal(text) * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_yuan(fen: int, *, sign: str = "¥") -> str:
    """`¥1,299.50` of 129950; negative amounts as `-¥3.00`."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{sign}{yuan:,}.{rest:02d}"
