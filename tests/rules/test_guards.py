"""Guards: what stops a run, and how a person lets it pass this once, never a script by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from siyu_cli.errors import StoppedByGuard, UsageRefused
from siyu_cli.rules.guards import Stop, check_stops, how_to_pass
from tests.conftest import Shop
from tests.rules.test_tag_commands import AS_OF, BOUGHT, buyers, counts, only_rule, state
from tests.shop_rows import writable


@pytest.fixture
def stopped(shop: Shop, tmp_path: Path) -> tuple[Shop, Path]:
    """A shop of 40 buyers in which 15 orders were closed since the last run, and the plan of what would go."""
    buyers(shop, 40)
    only_rule(shop, BOUGHT.replace("}}", "}, 还有: {when: 订单数 >= 1}}"))
    shop.run("apply-tags", *AS_OF)
    with writable(shop) as con:
        con.execute("UPDATE order_lines SET status = 'closed' WHERE customer_id <= 15")
    plan = tmp_path / "计划.json"
    shop.run("plan-tags", *AS_OF, "--out", plan)
    return shop, plan


def test_a_plan_that_was_looked_at_passes_by_the_names_of_its_tags(stopped: tuple[Shop, Path]) -> None:
    shop, plan = stopped
    done = shop.json("apply-tags", plan, "--past-guard", "买过、还有").result
    assert counts(done, "买过") == counts(done, "还有") == (40, 0, 15, 25)
    assert [one["name"] for one in done["stopped"]] == ["买过", "还有"]
    assert "放过护栏 2" in shop.run("list-runs").stdout
    # Carried out once: a second time changes nothing, and the next change needs a plan of its own.
    assert "applied_by" in shop.json("apply-tags", plan, "--past-guard", "买过、还有").result
    with writable(shop) as con:
        con.execute("UPDATE order_lines SET status = 'closed' WHERE customer_id <= 30")
    before = state(shop)
    assert shop.json("apply-tags", *AS_OF, expect=7).error["code"] == "tag-guard"
    assert state(shop) == before


def test_the_way_past_is_said_where_a_guard_stops(stopped: tuple[Shop, Path]) -> None:
    shop, plan = stopped
    said = shop.run("plan-tags", *AS_OF, "--out", plan).stderr
    assert f"没有错、只放这一次:siyu apply-tags {plan} --past-guard 买过、还有" in said
    hint = shop.json("apply-tags", *AS_OF, expect=7).error["hint"]
    assert "siyu plan-tags --out 计划.json,看过再 siyu apply-tags 计划.json --past-guard 买过、还有" in hint
    listed = shop.json("plan-tags", *AS_OF).result["stopped"]
    assert listed[0] == {"name": "买过", "reason": "「买过」要去掉 15 人(原有 40),上限 30%"}


def test_what_is_not_named_still_stops_everything(stopped: tuple[Shop, Path]) -> None:
    shop, plan = stopped
    before = state(shop)
    error = shop.json("apply-tags", plan, "--past-guard", "还有", expect=7).error
    assert "「买过」" in error["message"]
    assert "「还有」" not in error["message"]
    assert state(shop) == before


def test_no_script_can_leave_the_option_standing(stopped: tuple[Shop, Path]) -> None:
    """Without a plan, with a plan that is stale, and with a tag that nothing stops, it is refused."""
    shop, plan = stopped
    before = state(shop)
    assert shop.json("apply-tags", "--past-guard", "买过", expect=2).error["code"] == "past-guard-of-plan"
    error = shop.json("apply-tags", plan, "--past-guard", "买过、还有、没拦的", expect=2).error
    assert error["message"] == "护栏没有拦「没拦的」,什么也没写"
    assert error["hint"] == "这一次被拦的是:买过、还有"
    with writable(shop) as con:
        con.execute("UPDATE order_lines SET status = 'closed' WHERE customer_id <= 30")
    stale = shop.json("apply-tags", plan, "--past-guard", "买过、还有", expect=7).error
    assert stale["code"] == "stale-plan"
    assert state(shop) == before


def test_names_are_read_as_they_are_written() -> None:
    stops = [Stop("甲、乙", "一"), Stop("常客 A", "二")]
    check_stops(stops, ["甲、乙", "常客 a"])
    check_stops(stops, ["常客 A", "甲、乙"])
    with pytest.raises(StoppedByGuard, match="一"):
        check_stops(stops, ["常客 A"])
    with pytest.raises(UsageRefused, match="没有拦「甲」「乙」,"):
        check_stops([stops[1]], ["甲、乙"])
    with pytest.raises(UsageRefused) as nothing:
        check_stops([], ["甲"])
    assert "去掉 --past-guard" in nothing.value.hint
    check_stops([], [])
    # A name with a space is quoted for the shell, and only then.
    assert how_to_pass(stops, "p.json").endswith('siyu apply-tags p.json --past-guard "甲、乙、常客 A"')
    assert how_to_pass(stops[:1], "p.json").endswith("--past-guard 甲、乙")
