"""The twelve examples of the rule language: they load with all they stand on, and hold at their boundaries."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Shop
from tests.rules.test_rule_tests import failed, run_suite

TWELVE = Path(__file__).parent / "examples" / "twelve.yaml"


def test_the_twelve_examples_hold_at_their_boundaries(shop: Shop) -> None:
    result = run_suite(shop, TWELVE.read_text(encoding="utf-8"), "--coverage", "--mutate")
    assert failed(result) == []
    assert result["cases"] == 89
    assert result["coverage"]["percent"] == 100
    assert result["mutants"]["total"] > 100
    # Who has clicked after that push has done so for ever: the rule never ends, so neither does its grace begin.
    unseen = {(one["tag"], one["change"]) for one in result["mutants"]["survivors"]}
    assert unseen == {("车厘子推送有兴趣", "keep 改成 15d"), ("车厘子推送有兴趣", "keep 改成 13d")}
