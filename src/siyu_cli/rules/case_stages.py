"""Stages in rule tests: which one is meant, who is put into one by hand, and who goes back to the rules."""

from __future__ import annotations

from collections.abc import Sequence

from siyu_cli.language import tr
from siyu_cli.rules.cases import CaseCustomer
from siyu_cli.rules.problems import Report, suggestion
from siyu_cli.rules.shapes import Pairs, is_true, text_at, whole_number_of
from siyu_cli.words import fold
from siyu_cli.yamlfile import Mapping, Node

MAX_AGO = 36_500
"""Days before a test's day that anything may be said of."""


class CaseStages:
    """Reads what tests say of stages; knows whose stage a test has set by hand so far."""

    def __init__(self, report: Report, stages: Sequence[str]) -> None:
        self.report = report
        self.stages = {fold(stage): stage for stage in stages}
        self._by_hand: set[str] = set()

    def start_test(self) -> None:
        """Nobody's stage is set by hand yet."""
        self._by_hand = set()

    def find(self, node: Node) -> str | None:
        """A stage of the list, or None with an E307."""
        found = self.stages.get(fold(text_at(node)))
        if found is None:
            what = tr(f"没有叫「{text_at(node)}」的阶段", f"No stage “{text_at(node)}”")
            self.report.add("E307", node, what, suggestion(text_at(node), list(self.stages.values())))
        return found

    def set_stage(self, node: Node) -> tuple[str, int] | None:
        """`意向客户`, set by hand this day; `{意向客户: 7}`, seven days before."""
        if not isinstance(node, Mapping):
            stage = self.find(node)
            return None if stage is None else (stage, 0)
        if len(node.pairs) != 1:
            self.report.add("E107", node, tr("set_stage 只写一个阶段", "set_stage holds one stage"))
            return None
        name, days = node.pairs[0]
        stage, ago = self.find(name), whole_number_of(self.report, days, 0, MAX_AGO)
        return None if stage is None or ago is None else (stage, ago)

    def is_released(self, pairs: Pairs, customer: CaseCustomer, names: set[str]) -> bool:
        """Whether `release_stage: true` hands the customer of an entry (by all its names) back to the rules.

        E307 where no hand has set their stage in this test: the release would do nothing.
        """
        if "set_stage" in pairs:
            self._by_hand |= names
        if "release_stage" not in pairs:
            return False
        key, value = pairs["release_stage"]
        if not is_true(pairs, "release_stage"):
            self.report.add("E307", value, tr("release_stage 只写 true", "release_stage can only be true"))
        elif not names <= self._by_hand:
            what = tr(
                f"前面没有人定过「{customer.name}」的阶段,没有可还给规则的",
                f"No hand has set the stage of “{customer.name}” so far: there is nothing to release",
            )
            self.report.add("E307", key, what, tr("先写 set_stage", "Write set_stage first"))
        self._by_hand -= names
        return True
