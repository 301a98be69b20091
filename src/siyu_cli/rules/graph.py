"""References between tags: no circles, and layers in which every reference comes earlier."""

from __future__ import annotations

from siyu_cli.language import tr
from siyu_cli.rules.problems import Place, Report
from siyu_cli.rules.tree import TagRule, tags_in


def arrange(report: Report, rules: list[TagRule]) -> tuple[tuple[TagRule, ...], ...]:
    """Rules in layers, each sorted by name; a circle is one E401 with its path."""
    by_name = {rule.name: rule for rule in rules}
    needs = {name: sorted(tags_in(rule.when) & by_name.keys()) for name, rule in by_name.items()}
    layer: dict[str, int] = {}
    waiting = set(by_name)
    while waiting:
        ready = {name for name in waiting if all(need in layer for need in needs[name])}
        if not ready:
            _report_circle(report, by_name, needs, waiting)
            return ()
        for name in ready:
            layer[name] = 1 + max((layer[need] for need in needs[name]), default=-1)
        waiting -= ready
    layers: list[list[TagRule]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sorted(layer):
        layers[layer[name]].append(by_name[name])
    return tuple(map(tuple, layers))


def _report_circle(
    report: Report, by_name: dict[str, TagRule], needs: dict[str, list[str]], waiting: set[str]
) -> None:
    """Everything left waits for something left, so following any need must come round."""
    path = [min(waiting)]
    while True:
        following = next(need for need in needs[path[-1]] if need in waiting)
        if following in path:
            circle = path[path.index(following) :]
            break
        path.append(following)
    first = circle.index(min(circle))
    circle = circle[first:] + circle[:first]
    shown = " → ".join(f"{name}({by_name[name].mark.file}:{by_name[name].mark.line})" for name in circle)
    rule = by_name[circle[0]]
    message = tr(
        f"标签互相引用成了一圈:{shown} → {rule.name}",
        f"Tags refer to each other in a circle: {shown} → {rule.name}",
    )
    report.add(
        "E401", Place(rule.mark, len(rule.name)), message, tr("去掉其中一个引用", "Take one reference out")
    )
