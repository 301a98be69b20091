"""References between tags: no circles, and layers in which every reference comes earlier.

An exclusive group is one node: who wins it is known only when all its members are.
"""

from __future__ import annotations

from collections.abc import Sequence

from siyu_cli.language import tr
from siyu_cli.rules.problems import Place, Report
from siyu_cli.rules.tree import TagGroup, TagRule, tags_in
from siyu_cli.yamlfile import Mark

Node = tuple[str, str]
"""('group', its name) or ('tag', its name)."""


def arrange(
    report: Report, rules: list[TagRule], groups: Sequence[TagGroup] = ()
) -> tuple[tuple[TagRule, ...], ...]:
    """Rules in layers, each sorted by name; a circle is one E401 with its path, a reference inside a group E402."""
    by_name = {rule.name: rule for rule in rules}
    node_of = {rule.name: ("group", rule.group) if rule.group else ("tag", rule.name) for rule in rules}
    _report_inside(report, rules, by_name, groups)
    needs: dict[Node, set[Node]] = {node: set() for node in node_of.values()}
    for rule in rules:
        node = node_of[rule.name]
        referred = {node_of[tag] for tag in tags_in(rule.when) if tag in by_name}
        needs[node] |= {other for other in referred if other != node or node[0] == "tag"}
    layer = _layers(needs)
    waiting = needs.keys() - layer.keys()
    if waiting:
        places = {node_of[rule.name]: rule.mark for rule in rules if not rule.group}
        places |= {("group", group.name): group.mark for group in groups}
        _report_circle(report, places, needs, set(waiting))
        return ()
    layers: list[list[TagRule]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sorted(by_name):
        layers[layer[node_of[name]]].append(by_name[name])
    return tuple(map(tuple, layers))


def _layers(needs: dict[Node, set[Node]]) -> dict[Node, int]:
    """The layer of every node: one above the highest it needs; nodes in or behind a circle have none."""
    users: dict[Node, list[Node]] = {node: [] for node in needs}
    for node, needed in needs.items():
        for need in needed:
            users[need].append(node)
    missing = {node: len(needed) for node, needed in needs.items()}
    ready = [node for node, count in missing.items() if not count]
    layer: dict[Node, int] = {}
    height: dict[Node, int] = dict.fromkeys(needs, 0)
    while ready:
        node = ready.pop()
        layer[node] = height[node]
        for user in users[node]:
            height[user] = max(height[user], height[node] + 1)
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    return layer


def _report_inside(
    report: Report, rules: list[TagRule], by_name: dict[str, TagRule], groups: Sequence[TagGroup]
) -> None:
    """A member that asks who else is in its group asks for what only the group decides."""
    for rule in rules:
        for tag in sorted(tags_in(rule.when)):
            other = by_name.get(tag)
            if not rule.group or other is None or other.group != rule.group:
                continue
            what = tr(
                f"「{rule.name}」引用了同一组「{rule.group}」里的「{tag}」",
                f"“{rule.name}” refers to “{tag}” of its own group “{rule.group}”",
            )
            hint = tr(
                "组里排在前面的本来就优先,去掉这个引用",
                "Earlier tags of a group win anyway: take the reference out",
            )
            report.add("E402", Place(rule.mark, len(rule.name)), what, hint)


def _report_circle(
    report: Report, places: dict[Node, Mark], needs: dict[Node, set[Node]], waiting: set[Node]
) -> None:
    """Everything left waits for something left, so following any need must come round."""
    path = [min(waiting)]
    while True:
        following = min(need for need in needs[path[-1]] if need in waiting)
        if following in path:
            circle = path[path.index(following) :]
            break
        path.append(following)
    first = circle.index(min(circle))
    circle = circle[first:] + circle[:first]
    shown = " → ".join(
        f"{name}({places[kind, name].file}:{places[kind, name].line})" for kind, name in circle
    )
    node = circle[0]
    message = tr(
        f"标签互相引用成了一圈:{shown} → {node[1]}",
        f"Tags refer to each other in a circle: {shown} → {node[1]}",
    )
    report.add(
        "E401", Place(places[node], len(node[1])), message, tr("去掉其中一个引用", "Take one reference out")
    )
