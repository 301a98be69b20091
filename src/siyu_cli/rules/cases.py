"""Rule tests as read: made-up customers on given days, and which tags they should hold."""

from __future__ import annotations

from dataclasses import dataclass

from siyu_cli.clock import AsOf
from siyu_cli.yamlfile import Mark

Values = tuple[tuple[str, int | str | None], ...]
"""(column, value) in stored form: folded text, fen, 0 or 1; None is missing."""


TagDays = tuple[tuple[str, int], ...]
"""(tag, days before D)."""


@dataclass(frozen=True)
class CaseLine:
    """One thing bought: its share of what was paid and sent back, and its texts as typed."""

    paid_fen: int
    refund_fen: int
    quantity_milli: int = 1000
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CaseOrder:
    """One order of a made-up customer."""

    paid_sec: int
    refund_sec: int | None
    status: str
    lines: tuple[CaseLine, ...]
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CaseEvent:
    """One thing a made-up customer did."""

    kind: str
    at_sec: int
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CaseSend:
    """One push list a made-up customer was on."""

    push: str
    at_sec: int


@dataclass(frozen=True)
class CaseCustomer:
    """What a step says of a customer: it is added to what earlier steps said. `given` values stand in for
    what would be computed; `hand_tags` are set by people, so many days before; `past_tags` were held on that one
    day before. `stage` is where people put them that day (a stage, so many days before); with
    `is_stage_released` they are handed back to the rules, after that.
    """

    name: str
    mark: Mark
    orders: tuple[CaseOrder, ...] = ()
    events: tuple[CaseEvent, ...] = ()
    sends: tuple[CaseSend, ...] = ()
    given: Values = ()
    hand_tags: TagDays = ()
    past_tags: TagDays = ()
    stage: tuple[str, int] | None = None
    is_stage_released: bool = False


@dataclass(frozen=True)
class Expectation:
    """Tags a customer should have and lack; with `only`, the automatic tags are exactly these. `stage` is where they
    should stand once the rules of the day have been applied.
    """

    customer: str
    mark: Mark
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    stage: str | None = None


@dataclass(frozen=True)
class CaseStep:
    """One day: what is new of the customers, and what should then hold."""

    as_of: AsOf
    customers: tuple[CaseCustomer, ...]
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class RuleTest:
    """One entry of `tests:`; the days of its steps ascend."""

    name: str
    mark: Mark
    steps: tuple[CaseStep, ...]

    @property
    def days(self) -> tuple[AsOf, ...]:
        return tuple(step.as_of for step in self.steps)

    @property
    def customers(self) -> tuple[str, ...]:
        """Every customer of any step, each once."""
        return tuple(dict.fromkeys(one.name for step in self.steps for one in step.customers))
