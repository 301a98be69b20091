"""The conservation equation of every import: each row read ends in exactly one count."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Counts:
    """read = new + updated + unchanged + duplicate + rejected + blank, in rows."""

    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    blank: int = 0

    def check(self) -> Counts:
        """Itself, when the equation holds; otherwise the program is wrong and says so."""
        parts = self.new + self.updated + self.unchanged + self.duplicate + self.rejected + self.blank
        if parts != self.read or min(self.as_dict().values()) < 0:
            raise AssertionError(f"row counts do not balance: {self}")
        return self

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    def __add__(self, other: Counts) -> Counts:
        theirs = other.as_dict()
        return Counts(**{name: value + theirs[name] for name, value in self.as_dict().items()})
