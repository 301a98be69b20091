"""Which keys make one customer: links between keys, taken in order, unless they contradict each other.

A customer has at most one of each **mark**: one buyer id per namespace, one unionid, one external_userid
per corp, and one side of every pair that a person has said to be two people. A link whose ends already
have the same mark on both sides joins nothing: it is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Mark = tuple[str, str]
"""(kind, namespace) of a key of which a customer has one, or ('apart', number)."""


@dataclass(frozen=True)
class End:
    """One end of a link: a key of a known customer, or a new key (`customer_id` and `born_id` are None).

    `place` is the key's number in the order of all choices, `born_id` the customer id under which it came
    in. A phone has no mark.
    """

    place: int
    mark: Mark | None
    customer_id: int | None = None
    born_id: int | None = None

    @property
    def person(self) -> int:
        """The node of the customer: negative ids are known ones."""
        return self.place if self.customer_id is None else -self.customer_id

    @property
    def base(self) -> int:
        """The node of what came in together."""
        return self.place if self.born_id is None else -self.born_id


@dataclass(frozen=True)
class Link:
    """Two keys that were seen together; `is_phone` where one of them is a phone."""

    left: End
    right: End
    is_phone: bool


@dataclass(frozen=True)
class Joined:
    """`bases`: place of a new key → what it belongs to, the place of a new key or -born_id of a known one.

    `merges` are the links that made one of two people, `conflicts` those that did not, each with the mark
    that stood against it.
    """

    bases: dict[int, int]
    merges: list[Link] = field(default_factory=list)
    conflicts: list[tuple[Link, Mark]] = field(default_factory=list)


class Sets:
    """Disjoint sets of integers; the smallest member speaks for its set."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def find(self, node: int) -> int:
        """The smallest member of the node's set."""
        parent = self._parent
        root = node
        while (above := parent.get(root, root)) != root:
            root = above
        while (above := parent.get(node, node)) != root:
            parent[node], node = root, above
        return root

    def union(self, one: int, other: int) -> int:
        """Put two sets together; the member that speaks for both."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first
        return first


def join(links: Iterable[Link], marks: Mapping[int, frozenset[Mark]]) -> Joined:
    """Take links in the given order; `marks` are those of the known customers that stand in them.

    What has a mark or is known counts as a person. A phone that makes one of two people is a merge, and
    so is any link between two known customers; everything else only adds keys to a person.
    """
    people, bases = Sets(), Sets()
    has: dict[int, set[Mark]] = {}
    known: set[int] = set()
    new_keys: set[int] = set()
    joined = Joined({})
    for link in links:
        roots = []
        for end in (link.left, link.right):
            root = people.find(end.person)
            if root not in has:
                has[root] = set(marks.get(end.customer_id or 0, ())) | ({end.mark} if end.mark else set())
                if end.customer_id is not None:
                    known.add(root)
            if end.customer_id is None:
                new_keys.add(end.place)
            roots.append(root)
        one, other = roots
        if one == other:
            continue
        clash = has[one] & has[other]
        if clash:
            joined.conflicts.append((link, min(clash)))
            continue
        both_known = one in known and other in known
        both_people = (bool(has[one]) or one in known) and (bool(has[other]) or other in known)
        if both_known or (both_people and link.is_phone):
            joined.merges.append(link)
        else:
            bases.union(link.left.base, link.right.base)
        root = people.union(one, other)
        has[root] = has[one] | has[other]
        if one in known or other in known:
            known.add(root)
    joined.bases.update((key, bases.find(key)) for key in new_keys)
    return joined
