"""check-rules, plan-tags and apply-tags on a workspace."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Shop
from tests.shop_rows import customer, insert, order, writable

AS_OF = ("--as-of", "2025-03-15")


def only_rule(shop: Shop, text: str) -> None:
    """The workspace's rules are this one file."""
    for path in (shop.root / "rules").glob("*.yaml"):
        path.unlink()
    (shop.root / "rules" / "规则.yaml").write_text(text, encoding="utf-8")


def buyers(shop: Shop, count: int, first: int = 1) -> None:
    with writable(shop) as con:
        for number in range(first, first + count):
            insert(con, "customers", [customer(number)])
            insert(con, "order_lines", [order(number, number, "2025-03-01", 100.0)])


def state(shop: Shop) -> tuple[Any, ...]:
    """Everything about tags, to see that it did not change."""
    return tuple(shop.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in ("tags", "tag_log"))


def counts(result: dict[str, Any], tag: str) -> tuple[int, ...]:
    row = next(row for row in result["tags"] if row["tag"] == tag)
    return row["before"], row["added"], row["removed"], row["after"]


BOUGHT = "tags: {买过: {when: 订单数 >= 1}}"


def test_check_rules_counts_files_and_rules(shop: Shop) -> None:
    done = shop.run("check-rules")
    assert "4 个文件、3 条规则,没有错误" in done.stderr
    result = shop.json("check-rules").result
    assert result["rules"] == 3
    assert "爱水果" in result["tags"]


def test_a_typo_stops_everything_before_anything_is_written(shop: Shop) -> None:
    buyers(shop, 2)
    (shop.root / "rules" / "流失.yaml").write_text(
        "tags:\n  流失:\n    when:\n      - 定单数 3次 以上\n", encoding="utf-8"
    )
    before = state(shop)
    for command in ("check-rules", "plan-tags", "apply-tags"):
        done = shop.run(command, expect=3)
        assert "rules/流失.yaml:4:9  错误 E201" in done.stderr
        assert "你是不是想写:订单数" in done.stderr
        assert "规则里有 1 个错误(1 个文件),什么也没改" in done.stderr
    error = shop.json("check-rules", expect=3).error
    assert error["code"] == "rules-refused"
    assert error["problems"] == [
        {
            "code": "E201",
            "severity": "error",
            "message": "没有叫「定单数」的指标",
            "hint": "你是不是想写:订单数 ?",
            "where": {"file": "rules/流失.yaml", "line": 4, "column": 9},
            "source": "      - 定单数 3次 以上",
        }
    ]
    assert state(shop) == before


def test_plan_writes_nothing_and_apply_does_what_it_said(shop: Shop) -> None:
    buyers(shop, 3)
    only_rule(shop, BOUGHT)
    planned = shop.json("plan-tags", *AS_OF)
    assert planned.document["run_id"] is None
    assert counts(planned.result, "买过") == (0, 3, 0, 3)
    dry = shop.json("apply-tags", "--dry-run", *AS_OF)
    assert dry.result == planned.result
    assert state(shop) == ([], [])
    applied = shop.json("apply-tags", *AS_OF)
    assert applied.result == planned.result
    assert shop.rows("SELECT count(*), min(set_day), min(source), min(pin) FROM tags") == [
        (3, 20162, "auto", "none")
    ]
    assert shop.rows("SELECT run_id, count(*) FROM tag_log GROUP BY ALL") == [(applied.document["run_id"], 3)]


def test_applying_twice_changes_nothing(shop: Shop) -> None:
    buyers(shop, 3)
    only_rule(shop, BOUGHT)
    shop.run("apply-tags", *AS_OF)
    before = state(shop)
    again = shop.json("apply-tags", *AS_OF)
    assert counts(again.result, "买过") == (3, 0, 0, 3)
    assert state(shop) == before


def test_a_changed_rule_keeps_who_still_fits_and_notes_the_new_rule(shop: Shop) -> None:
    buyers(shop, 3)
    only_rule(shop, BOUGHT)
    shop.run("apply-tags", "--as-of", "2025-03-10")
    old = shop.rows("SELECT DISTINCT rule_hash, run_id, set_day FROM tags")
    only_rule(shop, "tags: {买过: {when: 消费额 >= 1元}}")
    assert counts(shop.json("apply-tags", *AS_OF).result, "买过") == (3, 0, 0, 3)
    new = shop.rows("SELECT DISTINCT rule_hash, run_id, set_day FROM tags")
    assert new[0][0] != old[0][0]
    assert new[0][1:] == old[0][1:]


def test_a_deleted_rule_takes_its_tag_along_and_leaves_hands_alone(shop: Shop) -> None:
    buyers(shop, 30)
    only_rule(shop, BOUGHT)
    shop.run("apply-tags", *AS_OF)
    with writable(shop) as con:
        row = {
            "customer_id": 1,
            "tag": "买过",
            "source": "manual",
            "pin": "on",
            "set_day": 1,
            "rule_hash": "",
            "run_id": 1,
        }
        insert(con, "tags", [row])
    only_rule(shop, "tags: {新的: {when: 订单数 >= 2}}")
    done = shop.json("apply-tags", *AS_OF)
    assert counts(done.result, "买过") == (30, 0, 30, 0)
    assert shop.rows("SELECT customer_id, tag, source FROM tags") == [(1, "买过", "manual")]
    assert shop.rows("SELECT action, count(*) FROM tag_log GROUP BY ALL ORDER BY ALL") == [
        ("add", 30),
        ("remove", 30),
    ]
    assert [row["tag"] for row in shop.json("plan-tags", *AS_OF).result["tags"]] == ["新的"]


def test_rules_may_refer_to_tags_set_by_hand(shop: Shop) -> None:
    buyers(shop, 2)
    with writable(shop) as con:
        row = {"tag": "亲友", "source": "manual", "set_day": 1, "rule_hash": "", "run_id": 1}
        insert(con, "tags", [row | {"customer_id": 1, "pin": "on"}, row | {"customer_id": 2, "pin": "off"}])
    only_rule(shop, "manual_tags: [亲友]\ntags: {可推: {when: 标签 没有 亲友}}")
    shop.run("apply-tags", *AS_OF)
    assert shop.rows("SELECT customer_id FROM tags WHERE tag = '可推'") == [(2,)]


def test_guard_stops_a_loss_of_more_than_three_in_ten_of_twenty(shop: Shop) -> None:
    buyers(shop, 20)
    only_rule(shop, BOUGHT)
    shop.run("apply-tags", *AS_OF)
    with writable(shop) as con:
        con.execute("UPDATE order_lines SET status = 'closed' WHERE customer_id <= 7")
    before = state(shop)
    stopped = shop.json("apply-tags", *AS_OF, expect=7).error
    assert stopped["code"] == "tag-guard"
    assert "要去掉 7 人(原有 20),上限 30%" in stopped["message"]
    assert state(shop) == before
    assert "护栏会拦住" in shop.run("plan-tags", *AS_OF).stderr
    only_rule(shop, "tags: {买过: {when: 订单数 >= 1, guard: {max_remove_pct: 35}}}")
    assert counts(shop.json("apply-tags", *AS_OF).result, "买过") == (20, 0, 7, 13)
    with writable(shop) as con:
        con.execute("UPDATE order_lines SET status = 'closed' WHERE customer_id <= 18")
    only_rule(shop, BOUGHT)
    # Under twenty holders a third is a few people: no default guard.
    assert counts(shop.json("apply-tags", *AS_OF).result, "买过") == (13, 0, 11, 2)


def test_guard_on_additions(shop: Shop) -> None:
    buyers(shop, 5)
    only_rule(shop, "tags: {买过: {when: 订单数 >= 1, guard: {max_add: 4}}}")
    assert "要新增 5 人,上限 4" in shop.json("apply-tags", *AS_OF, expect=7).error["message"]
    only_rule(shop, "tags: {买过: {when: 订单数 >= 1, guard: {max_add: 5}}}")
    shop.run("apply-tags", *AS_OF)


def test_a_lost_rules_folder_removes_nothing(shop: Shop) -> None:
    buyers(shop, 2)
    only_rule(shop, BOUGHT)
    shop.run("apply-tags", *AS_OF)
    (shop.root / "rules" / "规则.yaml").unlink()
    before = state(shop)
    assert shop.json("apply-tags", *AS_OF, expect=3).error["code"] == "no-rules"
    assert state(shop) == before
    only_rule(shop, "tags: {}")
    assert counts(shop.json("apply-tags", *AS_OF).result, "买过") == (2, 0, 2, 0)


def test_the_table_says_as_of_and_what_lies_in_the_future(shop: Shop) -> None:
    buyers(shop, 2)
    only_rule(shop, BOUGHT)
    done = shop.run("plan-tags", "--as-of", "2025-02-28")
    assert "依据:截止 2025-02-28 23:59:59" in done.stderr
    assert "2 行付款时间晚于统计截止" in done.stderr
    assert "买过" in done.stdout


def test_a_plan_is_carried_out_once_and_refused_when_it_is_stale(shop: Shop, tmp_path: Path) -> None:
    buyers(shop, 3)
    only_rule(shop, BOUGHT)
    plan = tmp_path / "计划.json"
    planned = shop.json("plan-tags", "--out", plan, *AS_OF)
    text = json.loads(plan.read_text(encoding="utf-8"))
    assert text["changes"] == [
        {"customer_id": number, "tag": "买过", "action": "add", "cause": "rule"} for number in (1, 2, 3)
    ]
    assert text["tags"] == planned.result["tags"]
    dry = shop.json("apply-tags", plan, "--dry-run")
    assert state(shop) == ([], [])
    done = shop.json("apply-tags", plan)
    assert done.document["as_of"] == "2025-03-15 23:59:59"
    assert dry.result["tags"] == done.result["tags"] == planned.result["tags"]
    before = state(shop)
    again = shop.json("apply-tags", plan)
    assert again.result == {"tags": [], "applied_by": done.document["run_id"]}
    assert state(shop) == before

    shop.run("plan-tags", "--out", plan, *AS_OF)
    buyers(shop, 1, first=4)
    stale = shop.json("apply-tags", plan, expect=7).error
    assert (stale["code"], "数据在计划之后变了" in stale["message"]) == ("stale-plan", True)
    shop.run("plan-tags", "--out", plan, *AS_OF)
    only_rule(shop, "tags: {买过: {when: 消费额 >= 1元}}")
    assert "规则在计划之后改过" in shop.json("apply-tags", plan, expect=7).error["message"]
    assert state(shop) == before
    assert shop.json("apply-tags", plan, "--as-of", "2025-03-16", expect=2).error["code"] == "as-of-of-plan"
    for broken in ("{}", "[]", "不是", '{"kind": "siyu-tag-plan", "version": 9}'):
        plan.write_text(broken, encoding="utf-8")
        assert shop.json("apply-tags", plan, expect=3).error["code"] == "not-a-plan"


def test_the_same_changes_planned_once_more_are_another_plan(shop: Shop, tmp_path: Path) -> None:
    """Put on, taken off, put on again: the second plan is not the first one that was carried out."""
    buyers(shop, 3)
    plan = tmp_path / "计划.json"
    for _ in range(2):
        only_rule(shop, BOUGHT)
        shop.run("plan-tags", "--out", plan, *AS_OF)
        shop.run("apply-tags", plan)
        assert shop.rows("SELECT count(*) FROM held_tags") == [(3,)]
        only_rule(shop, "version: 1")
        shop.run("apply-tags", *AS_OF)
        assert shop.rows("SELECT count(*) FROM held_tags") == [(0,)]


def causes(shop: Shop, tag: str, as_of: str, command: str = "apply-tags") -> dict[str, dict[str, int]]:
    result = shop.json(command, "--as-of", as_of).result
    return next(row["causes"] for row in result["tags"] if row["tag"] == tag)


def test_causes_tell_rule_time_and_data_apart(shop: Shop) -> None:
    buyers(shop, 1)  # paid on 2025-03-01 by run 1
    only_rule(shop, "tags: {新近: {when: 订单数(近20天) >= 1}, 睡着: {when: 距上次购买天数 >= 15}}")
    assert causes(shop, "新近", "2025-03-10") == {"added": {"rule": 1}, "removed": {}}
    # Nothing but days went by.
    assert causes(shop, "睡着", "2025-03-16") == {"added": {"time": 1}, "removed": {}}
    assert causes(shop, "新近", "2025-03-25") == {"added": {}, "removed": {"time": 1}}
    # A new order, imported after the last run, with an older date: not time.
    with writable(shop) as con:
        run_id = con.execute("SELECT max(run_id) + 1 FROM runs").fetchall()[0][0]
        late = order(9, 1, "2025-03-20", 50.0, first_run_id=run_id, run_id=run_id)
        insert(con, "order_lines", [late])
    assert causes(shop, "新近", "2025-03-26") == {"added": {"data": 1}, "removed": {}}
    assert shop.rows("SELECT cause FROM tag_log WHERE tag = '睡着' AND action = 'remove'") == [("data",)]
    # The rule asks for more now; on today's data the old one would still give the tag.
    only_rule(shop, "tags: {新近: {when: 订单数(近3天) >= 1}, 睡着: {when: 距上次购买天数 >= 15}}")
    assert causes(shop, "新近", "2025-03-26") == {"added": {}, "removed": {"rule": 1}}
    assert "规则变了" not in shop.run("plan-tags", "--as-of", "2025-03-26").stdout
    only_rule(shop, "tags: {睡着: {when: 距上次购买天数 >= 15}}")
    assert "时间推移" in shop.run("plan-tags", "--as-of", "2025-04-20").stdout


def test_what_cannot_be_rebuilt_is_never_called_time(shop: Shop) -> None:
    """An order that is gone (its import was taken back) makes the old state unexplainable by facts that are left."""
    buyers(shop, 2)
    only_rule(shop, "tags: {新近: {when: 订单数(近20天) >= 1, guard: {max_remove_pct: 100}}}")
    shop.run("apply-tags", "--as-of", "2025-03-10")
    with writable(shop) as con:
        con.execute("DELETE FROM order_lines WHERE customer_id = 1")
    assert causes(shop, "新近", "2025-03-25") == {"added": {}, "removed": {"data": 1, "time": 1}}


def test_a_rename_is_no_remove_and_add(shop: Shop) -> None:
    buyers(shop, 2)
    only_rule(shop, "tags: {老名: {when: 订单数 >= 1, keep: 9d}}")
    shop.run("apply-tags", "--as-of", "2025-03-10")
    only_rule(shop, "tags: {新名: {when: 订单数 >= 1, keep: 9d, was: 老名}}")
    before = state(shop)
    planned = shop.json("plan-tags", *AS_OF)
    assert counts(planned.result, "新名") == (2, 0, 0, 2)
    assert planned.result["renamed"] == [{"from": "老名", "to": "新名", "customers": 2}]
    assert state(shop) == before
    assert shop.json("apply-tags", *AS_OF).result == planned.result
    assert shop.rows("SELECT DISTINCT tag, set_day FROM tags") == [("新名", 20157)]
    assert shop.rows("SELECT DISTINCT tag FROM tag_log UNION SELECT DISTINCT tag FROM tag_truths") == [
        ("新名",)
    ]
    assert shop.json("apply-tags", *AS_OF).result["renamed"] == []


HANDS = """
manual_tags: [亲友]
tags: {买过: {when: 订单数 >= 1}, 可推: {when: 标签 没有 亲友}}
tag_groups:
  等级: {bands: {of: 订单数, cuts: [1, 2], names: [零单, 一单, 多单]}}
  渠道: {manual: forbid, map: {field: 渠道, values: {短信: 短信粉}, missing: 没渠道}}
"""


def held(shop: Shop, number: int) -> set[str]:
    return {tag for (tag,) in shop.rows("SELECT tag FROM held_tags WHERE customer_id = ?", [number])}


def test_hands_are_never_undone_and_a_release_returns_to_the_rule(shop: Shop) -> None:
    buyers(shop, 2)
    only_rule(shop, HANDS)
    shop.run("apply-tags", *AS_OF)
    assert held(shop, 1) == {"买过", "可推", "一单", "没渠道"}
    done = shop.json("set-tag", "1", "2", "亲友", "--reason", "门店同事", *AS_OF)
    assert done.result["changed"] == 2
    assert shop.json("set-tag", "1", "亲友", *AS_OF).result["changed"] == 0
    shop.run("set-tag", "1", "买过", "--off", *AS_OF)
    shop.run("set-tag", "1", "多单", *AS_OF)
    assert held(shop, 1) == {"可推", "亲友", "多单", "没渠道"}
    applied = shop.json("apply-tags", *AS_OF).result
    row = next(row for row in applied["tags"] if row["tag"] == "买过")
    assert (row["before"], row["after"], row["blocked"]) == (1, 1, 1)
    assert held(shop, 1) == {"亲友", "多单", "没渠道"}
    assert held(shop, 2) == {"买过", "亲友", "一单", "没渠道"}
    for tag in ("买过", "多单", "亲友"):
        shop.run("set-tag", "1", tag, "--release", *AS_OF)
    shop.run("apply-tags", *AS_OF)
    assert held(shop, 1) == {"买过", "可推", "一单", "没渠道"}
    assert shop.rows("SELECT action, cause, reason FROM tag_log WHERE customer_id = 1 AND tag = '亲友'") == [
        ("pin_on", "hand", "门店同事"),
        ("add", "hand", "门店同事"),
        ("unpin", "hand", ""),
        ("remove", "hand", ""),
    ]


def test_set_tag_says_what_it_does_not_take(shop: Shop) -> None:
    buyers(shop, 1)
    only_rule(shop, HANDS)
    before = state(shop)
    unknown = shop.json("set-tag", "1", "亲朋", expect=3).error
    assert (unknown["code"], "你是不是想写:亲友" in unknown["hint"]) == ("unknown-tag", True)
    assert shop.json("set-tag", "1", "没渠道", expect=3).error["code"] == "tag-by-rule-only"
    assert shop.run("set-tag", "7", "亲友", expect=3)
    assert shop.json("set-tag", "1", "亲友", "--off", "--release", expect=2).error["code"] == "off-or-release"
    shop.run("set-tag", "1", "亲友", "--dry-run")
    assert state(shop) == before


def test_tags_are_listed_as_the_files_have_them(shop: Shop) -> None:
    buyers(shop, 2)
    only_rule(shop, "tags: {没了: {when: 订单数 >= 1}}")
    shop.run("apply-tags", *AS_OF)
    only_rule(shop, (
        "tags:\n  最后: {when: 订单数 >= 1}\n  丙: {when: 订单数 >= 1}\n"
        "tag_groups:\n  档:\n    tags:\n      - 高: {when: 消费额 >= 900元}\n      - 中: {when: 消费额 >= 50元}\n    default: 低\n"
    ))  # fmt: skip
    (shop.root / "rules" / "a.yaml").write_text("tags: {乙: {when: 订单数 >= 1}}", encoding="utf-8")
    planned = shop.json("plan-tags", *AS_OF).result["tags"]
    assert [row["tag"] for row in planned] == ["乙", "最后", "丙", "高", "中", "低", "没了"]
    assert [row["tag"] for row in shop.json("apply-tags", *AS_OF).result["tags"]] == [
        row["tag"] for row in planned
    ]


def test_keep_counts_applied_days_only(shop: Shop) -> None:
    """The golden of section 5 through the commands: last true on 03-01, present to 03-31, gone on 04-01."""
    buyers(shop, 1)
    only_rule(shop, "tags: {常客: {when: 订单数(今天) >= 1, keep: 30d}}")
    assert counts(shop.json("apply-tags", "--as-of", "2025-03-01").result, "常客") == (0, 1, 0, 1)
    shop.run("apply-tags", "--as-of", "2025-03-31")
    kept = shop.json("plan-tags", "--as-of", "2025-03-31").result["tags"][0]
    assert (kept["after"], kept["kept"]) == (1, 1)
    assert causes(shop, "常客", "2025-04-01") == {"added": {}, "removed": {"time": 1}}
    # The order of 03-01 was never seen on an applied day here.
    only_rule(shop, "tags: {另外: {when: 订单数(今天) >= 1, keep: 30d}}")
    assert counts(shop.json("apply-tags", "--as-of", "2025-03-02").result, "另外") == (0, 0, 0, 0)


def test_an_earlier_day_knows_nothing_of_later_ones(shop: Shop) -> None:
    """Looking back, grace does not reach from days that were still to come, and time alone made the change."""
    buyers(shop, 1)
    only_rule(shop, "tags: {常客: {when: 订单数(近3天) >= 1, keep: 30d}, 买过: {when: 订单数 >= 1}}")
    shop.run("apply-tags", "--as-of", "2025-03-02")
    for tag in ("常客", "买过"):
        assert causes(shop, tag, "2025-02-25", "plan-tags") == {"added": {}, "removed": {"time": 1}}
    shop.run("apply-tags", "--as-of", "2025-02-25")
    assert held(shop, 1) == set()
    # The days that were applied stay known.
    assert counts(shop.json("apply-tags", "--as-of", "2025-03-20").result, "常客") == (0, 1, 0, 1)


def test_several_true_members_are_said(shop: Shop) -> None:
    buyers(shop, 2)
    only_rule(shop, "tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1}}, {乙: {when: 消费额 >= 1}}]}}")
    done = shop.run("plan-tags", *AS_OF)
    assert "「组」里有 2 人满足不止一个" in done.stderr
    assert shop.json("plan-tags", *AS_OF).result["several"] == {"组": 2}


def test_a_screen_puts_idle_tags_into_one_line_and_scripts_get_every_row(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyers(shop, 2)
    names = ["买过", "没人甲", "没人乙", "拦下"]
    only_rule(
        shop,
        "tags: {买过: {when: 订单数 >= 1}, 没人甲: {when: 订单数 >= 8}, 拦下: {when: 订单数 >= 1},"
        " 没人乙: {when: 订单数 >= 9}}",
    )
    shop.run("set-tag", "1", "2", "拦下", "--off", *AS_OF)
    piped = shop.run("plan-tags", *AS_OF)
    assert all(name in piped.stdout for name in names)
    assert "没有人" not in piped.stderr
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes a terminal of the test's screen
    for command in ("plan-tags", "apply-tags"):
        screen = shop.run(command, *AS_OF)
        assert [name in screen.stdout for name in names] == [True, False, False, True]
        assert "另有 2 个标签没有人:没人甲、没人乙" in re.sub("\x1b\\[[0-9;]*m", "", screen.stderr)
    # Whoever was tagged and loses it is shown, though nobody holds it afterwards.
    with writable(shop) as con:
        con.execute("DELETE FROM order_lines")
    assert "买过" in shop.run("plan-tags", *AS_OF).stdout
    for args in (("--format", "csv"), ("--format", "json")):
        assert all(name in shop.run("plan-tags", *AS_OF, *args).stdout for name in names)
