"""What a small mistake put into rules on purpose is, and those made in lists of words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from siyu_cli.language import tr
from siyu_cli.rules.tree import (
    AllOf,
    AnyOf,
    Condition,
    HadTag,
    InGroup,
    StageRule,
    TagGroup,
    TagRule,
    TagTest,
    TextTest,
)
from siyu_cli.yamlfile import Mark


@dataclass(frozen=True)
class Change:
    """One small mistake: where, in which words, what it says instead, and which test would notice it."""

    mark: Mark
    text: str
    change: str
    missing: str


@dataclass(frozen=True)
class Mutant:
    """A change with the rules, the stages or the one group it makes different.

    `of` is the tag, or what else its line belongs to.
    """

    of: str
    change: Change
    rules: tuple[TagRule, ...] = ()
    stages: tuple[StageRule, ...] = ()
    group: TagGroup | None = None


def without_words(condition: Condition, place: Change) -> Iterator[tuple[Condition, Change]]:
    """A list of words or tags in one line with each of them left out in turn.

    A word that another of the list finds too is not missed by anybody, and is left in.
    """
    match condition:
        case TextTest(how=how, texts=texts) if len(texts) > 1:
            for at, word in enumerate(texts):
                rest = (*texts[:at], *texts[at + 1 :])
                if not any(_finds(how, other, word) for other in rest):
                    yield replace(condition, texts=rest), _missed(place, word)
        case AllOf(members) | AnyOf(members) if len(members) > 1 and all(map(_word_of, members)):
            for at, member in enumerate(members):
                rest_of = (*members[:at], *members[at + 1 :])
                yield replace(condition, members=rest_of), _missed(place, _word_of(member))


def _missed(place: Change, word: str) -> Change:
    what = tr(f"去掉「{word}」", f"“{word}” left out")
    return replace(
        place, change=what, missing=tr(f"缺只靠「{word}」的用例", f"no case rests on “{word}” alone")
    )


def _finds(how: str, word: str, other: str) -> bool:
    """Whether every text that fits `other` fits `word`, too."""
    match how:
        case "holds":
            return word in other
        case "starts":
            return other.startswith(word)
        case "ends":
            return other.endswith(word)
        case "under":
            return other.startswith(f"{word}/")
        case _:
            return False


def _word_of(member: Condition) -> str:
    """The one word or tag of a member that stands for no line of its own, else ''."""
    if member.written is not None:
        return ""
    match member:
        case TextTest(texts=(text,)):
            return text
        case TagTest(tag) | HadTag(tag=tag):
            return tag
        case InGroup(group):
            return group
        case _:
            return ""
