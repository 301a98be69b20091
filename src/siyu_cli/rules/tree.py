"""The checked tree: every name resolved, every literal typed. Equal meaning, equal value, equal hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from siyu_cli.rules.cases import RuleTest
from siyu_cli.windows import Window
from siyu_cli.yamlfile import Mark

Source = Literal["orders", "items", "events", "sends"]
Aggregate = Literal[
    "count",
    "days",
    "distinct",
    "sum",
    "avg",
    "min",
    "max",
    "first",
    "last",
    "days_since_first",
    "days_since_last",
    "avg_gap_days",
]
Operator = Literal[">=", "<=", ">", "<", "="]


class Measure(StrEnum):
    """What a number counts; the value is its unit as shown."""

    MONEY = "元"
    TIMES = "次"
    DAYS = "天"
    MONTH = "月"
    MONTH_DAY = "日"
    PIECES = "件"
    KINDS = "种"
    SCORE = "分"
    PERCENT = "%"
    PLAIN = ""

    @property
    def scale(self) -> int:
        """How many stored units make one shown unit: fen, thousandths of a piece."""
        return {Measure.MONEY: 100, Measure.PIECES: 1000}.get(self, 1)


@dataclass(frozen=True)
class NumberColumn:
    """A number of a row or customer; NULL is missing."""

    column: str
    measure: Measure


@dataclass(frozen=True)
class TextColumn:
    """A folded text; '' is missing. In a path `水果/热带` 属于 takes in what lies below.

    With `choices` it is one of few values, each known by a folded word: (word, value); no other text is meant.
    """

    column: str
    is_path: bool = False
    choices: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class FlagColumn:
    """A yes or no that is never missing."""

    column: str


Column = NumberColumn | TextColumn | FlagColumn


@dataclass(frozen=True)
class Scope:
    """Rows of one source that count."""

    source: Source
    when: Condition


@dataclass(frozen=True)
class Metric:
    """An aggregate over a customer's rows of one source inside a window and scopes (sorted, each once)."""

    source: Source
    aggregate: Aggregate
    of: NumberColumn | TextColumn | None
    scopes: tuple[Scope, ...]
    window: Window
    measure: Measure

    @property
    def is_text(self) -> bool:
        """Whether its values are texts: the first or last of a text column."""
        return self.aggregate in ("first", "last") and isinstance(self.of, TextColumn)


@dataclass(frozen=True)
class Ratio:
    """Two metrics, either may be an average gap, compared without dividing; missing where the lower one is not above zero."""

    upper: Metric
    lower: Metric
    measure: Measure


@dataclass(frozen=True)
class HeldDays:
    """Days since the customer last got a tag that is still held, by what earlier runs and people did; missing
    where it is not held."""

    tag: str
    measure: Measure = Measure.DAYS


NumberValue = NumberColumn | Metric | Ratio | HeldDays
TextValue = TextColumn | Metric


@dataclass(frozen=True)
class Written:
    """What the operator typed and where: a line's text, or the key of a nesting (`all any none not at_least`)."""

    text: str
    mark: Mark
    is_line: bool = True


@dataclass(frozen=True)
class Told:
    """A node that may remember how it was written. Text and place are no part of the meaning: they change
    neither equality nor hash nor `repr`, and a node that stands for no words of its own has none.
    """

    written: Written | None = field(default=None, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True)
class NumberTest(Told):
    """A number against a bound in hundredths of the shown unit; a missing number fails."""

    value: NumberValue
    operator: Operator
    hundredths: int


@dataclass(frozen=True)
class TextTest(Told):
    """True where any of the folded texts fits."""

    value: TextValue
    how: Literal["is", "under", "holds", "starts", "ends"]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Present(Told):
    """The value is not missing."""

    value: NumberValue | TextValue


@dataclass(frozen=True)
class FlagTest(Told):
    """The flag is set."""

    column: FlagColumn


@dataclass(frozen=True)
class TagTest(Told):
    """The customer has the tag at the end of this run."""

    tag: str


@dataclass(frozen=True)
class CalendarTest(Told):
    """A month or day of the month that is D's, of a month `shift` months on: `生日月 = 下月`."""

    column: NumberColumn
    part: Literal["month", "day"]
    shift: int = 0


@dataclass(frozen=True)
class HadTag(Told):
    """The customer held the tag on some day of the window, by what earlier runs and people did."""

    tag: str
    window: Window


DeedSource = Literal["events", "items"]
Since = Literal["first", "last"]


@dataclass(frozen=True)
class Deed:
    """What was done: events of one kind, or (`items`, kind '') orders, line by line."""

    source: DeedSource
    kind: str = ""


@dataclass(frozen=True)
class After(Told):
    """Only deeds later than a send of a push to the customer, by so many hours at most."""

    push: str
    hours: int


@dataclass(frozen=True)
class Without:
    """No such deed at or after the first or last one that counts; `is_same`: with the same product or category."""

    deed: Deed
    since: Since
    is_same: bool = False


DEED_TIMES = NumberColumn("times", Measure.TIMES)
DEED_DAYS = NumberColumn("days", Measure.DAYS)
"""What `times` and `days` of a `did` are about."""


@dataclass(frozen=True)
class Did(Told):
    """A group of deeds that exists: of the customer, or with `same` of the customer and one product.

    `when` holds for its DEED_TIMES and DEED_DAYS. A group has at least one deed, whatever `when` says.
    """

    deed: Deed
    same: TextColumn | None
    window: Window
    after: After | None
    where: Condition | None
    when: Condition | None
    without: Without | None


@dataclass(frozen=True)
class InGroup(Told):
    """The customer has joined the group (folded name) by the moment."""

    group: str


@dataclass(frozen=True)
class AllOf(Told):
    members: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf(Told):
    members: tuple[Condition, ...]


@dataclass(frozen=True)
class Not(Told):
    member: Condition


@dataclass(frozen=True)
class AtLeast(Told):
    n: int
    members: tuple[Condition, ...]


Condition = (
    NumberTest
    | TextTest
    | Present
    | FlagTest
    | TagTest
    | CalendarTest
    | HadTag
    | InGroup
    | Did
    | AllOf
    | AnyOf
    | Not
    | AtLeast
)


@dataclass(frozen=True)
class Guard:
    """How much one run may change; None for no limit on additions."""

    max_add: int | None = None
    max_remove_pct: int | None = None


@dataclass(frozen=True)
class Keeping:
    """How long a tag outlives its condition: it is held while D − last true day <= days; None is for good."""

    days: int | None = 0

    def __bool__(self) -> bool:
        return self.days != 0


@dataclass(frozen=True)
class ByHand:
    """What people may do with a tag: nothing (`is_forbidden`), or pin it, for `ttl` days or for good."""

    is_forbidden: bool = False
    ttl: int | None = None


@dataclass(frozen=True)
class TagRule:
    """One automatic tag. `group` is set for the members of an exclusive group; `was` is its earlier name."""

    name: str
    when: Condition
    mark: Mark
    guard: Guard = Guard()
    group: str = ""
    keep: Keeping = Keeping()
    by_hand: ByHand = ByHand()
    was: str = ""
    note: str = ""

    @property
    def is_default(self) -> bool:
        """What a group gives to whom no member fits."""
        return self.when == AllOf(())

    @property
    def rule_hash(self) -> str:
        """Changes when the meaning does, not when the file is moved or reworded."""
        meaning = (self.when, self.keep.days) if self.keep else self.when
        return hashlib.sha256(repr(meaning).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class TagGroup:
    """An exclusive group: its tags by priority, each customer has at most one of them.

    `is_disjoint`: the conditions exclude each other by themselves (`map`, `bands`). The `default` of a
    plain group is its last member, whose condition is the empty AllOf: always true.
    """

    name: str
    members: tuple[str, ...]
    is_disjoint: bool
    mark: Mark


@dataclass(frozen=True)
class Defined:
    """A scope or metric of the files: where it stands, and whether any line or ratio refers to it."""

    name: str
    mark: Mark
    is_used: bool
    value: Scope | Metric | Ratio


@dataclass(frozen=True)
class StageRule:
    """One lifecycle stage. `when` moves customers on to it; `was` are names it goes by in the history.

    `remind_days`: after so many days of standing still its customers are brought up. `is_lost`: reaching it is
    no success. The guard limits how many one run may move in (max_add) and out (max_remove_pct).
    """

    name: str
    mark: Mark
    when: Condition | None = None
    remind_days: int | None = None
    was: tuple[str, ...] = ()
    is_lost: bool = False
    guard: Guard = Guard()


@dataclass(frozen=True)
class RuleSet:
    """All rule files together. `tags` and `groups` are sorted by name; `strata` so that references come earlier.

    The members of a group share a stratum; `stages` are in their order. `texts` are the files themselves, name and content; `defined` the
    scopes and metrics of the files, by name.
    """

    files: tuple[str, ...]
    rules: int
    tags: tuple[TagRule, ...]
    strata: tuple[tuple[TagRule, ...], ...]
    manual_tags: tuple[str, ...]
    groups: tuple[TagGroup, ...] = ()
    stages: tuple[StageRule, ...] = ()
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)
    tests: tuple[RuleTest, ...] = field(default=(), repr=False, compare=False)
    defined: tuple[Defined, ...] = field(default=(), repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Of everything that decides who has which tag; files, order and notes change nothing."""
        rules = [(rule.name, rule.rule_hash, rule.by_hand, rule.guard, rule.was) for rule in self.tags]
        groups = [(group.name, group.members, group.is_disjoint) for group in self.groups]
        stages = [(one.name, one.when, one.was, one.guard) for one in self.stages]
        meaning = repr((rules, groups, self.manual_tags, stages))
        return hashlib.sha256(meaning.encode()).hexdigest()[:16]


def members_of(condition: Condition) -> tuple[Condition, ...]:
    """The conditions directly inside one."""
    match condition:
        case AllOf(members) | AnyOf(members) | AtLeast(members=members):
            return members
        case Not(member):
            return (member,)
        case _:
            return ()


def tags_in(condition: Condition) -> set[str]:
    """Every tag a condition refers to."""
    if isinstance(condition, TagTest):
        return {condition.tag}
    return {tag for member in members_of(condition) for tag in tags_in(member)}
