"""Dividing amounts exactly to the fen."""

from __future__ import annotations


def spread(total: int | None, nets: list[int | None]) -> list[int] | None:
    """Every item's net: what is left of the order goes in equal parts to those without one; None where it cannot."""
    known = sum(net for net in nets if net is not None)
    open_count = sum(net is None for net in nets)
    left = (known if total is None else total) - known
    if left < 0 or (left and not open_count):
        return None
    parts = iter(divide(left, [1] * open_count))
    return [next(parts) if net is None else net for net in nets]


def divide(amount: int, weights: list[int]) -> list[int]:
    """An amount over weights, exact to the fen: largest remainder, ties to the earlier one."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(amount * weights[at] % whole), at))
    for at in order[: amount - sum(parts)]:
        parts[at] += 1
    return parts
