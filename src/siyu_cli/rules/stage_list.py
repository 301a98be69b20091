"""Checking the list of lifecycle stages: its names in order, what moves customers on, what was renamed."""

from __future__ import annotations

from siyu_cli.language import tr
from siyu_cli.rules.definitions import Definition, report_twice
from siyu_cli.rules.problems import Report
from siyu_cli.rules.settings import days_of, read_guard
from siyu_cli.rules.shapes import Leaf, Pairs, is_true, needs, pairs_of, read_condition, text_of, texts_of
from siyu_cli.rules.tree import StageRule
from siyu_cli.words import fold
from siyu_cli.yamlfile import Items, Node, Scalar

KEYS = ("name", "when", "remind_after", "was", "lost", "guard", "note")
_MAX_DAYS = 3650


class StageReader:
    """Reads `stages:` in two steps: all names first, because a condition may speak of any stage."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.places: dict[str, Scalar] = {}

    def read_list(self, entry: Definition | None) -> list[tuple[Scalar, Pairs]]:
        """The stages in order, each with its name and keys; a name twice is E206."""
        if entry is None:
            return []
        if not isinstance(entry.body, Items) or not entry.body.items:
            message = tr("stages 要写成列表,每项以「- name: 阶段名」开头", "stages is a list of “- name: …”")
            self.report.add("E107", entry.body, message)
            return []
        found = []
        for item in entry.body.items:
            pairs = pairs_of(self.report, item, KEYS, tr("阶段", "a stage"))
            name = self._name(pairs, entry.name)
            if name is not None:
                found.append((name, pairs))
        for _, pairs in found:
            self._claim_old_names(pairs)
        if found and "when" in found[0][1]:
            self.report.add(
                "E107",
                found[0][1]["when"][0],
                tr(
                    "第一个阶段是每位新客户的起点,不写 when",
                    "Customers start in the first stage: it takes no when",
                ),
            )
        return found

    def read(self, name: Scalar, pairs: Pairs, leaf: Leaf) -> StageRule:
        """One stage; what is wrong in it is reported and left out."""
        return StageRule(
            name.text.strip(),
            name.mark,
            read_condition(self.report, pairs["when"][1], leaf) if "when" in pairs else None,
            days_of(self.report, pairs["remind_after"][1], "remind_after", "7d", 1, _MAX_DAYS)
            if "remind_after" in pairs
            else None,
            tuple(one.text.strip() for one in self._old_names(pairs)),
            self._is_lost(pairs),
            read_guard(self.report, pairs),
        )

    def _name(self, pairs: Pairs, stages: Scalar) -> Scalar | None:
        if not pairs or not needs(self.report, pairs, "name", stages):
            return None
        node = pairs["name"][1]
        if text_of(self.report, node) is None or not isinstance(node, Scalar):
            return None
        return node if self._claim(node) else None

    def _claim(self, node: Scalar) -> bool:
        key = fold(node.text)
        if key in self.places:
            report_twice(self.report, node, self.places[key])
            return False
        self.places[key] = node
        return True

    def _claim_old_names(self, pairs: Pairs) -> None:
        """An old name that is still a stage, or that two stages claim, would say two things of its customers."""
        for node in self._old_names(pairs):
            self._claim(node)

    def _old_names(self, pairs: Pairs) -> list[Scalar]:
        if "was" not in pairs:
            return []
        node: Node = pairs["was"][1]
        if isinstance(node, Scalar):
            return [node] if text_of(self.report, node) is not None else []
        return texts_of(self.report, node)

    def _is_lost(self, pairs: Pairs) -> bool:
        if "lost" in pairs and not is_true(pairs, "lost"):
            self.report.add(
                "E307", pairs["lost"][1], tr("lost 只写 true;不是就不写", "lost is true or left out")
            )
        return is_true(pairs, "lost")
