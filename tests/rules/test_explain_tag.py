"""explain-tag: why a customer has a tag or not, from the rows to the history to the coming days."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_cli.clock import DAY_SECONDS
from siyu_cli.rules.replay import only_needed
from tests.conftest import Shop
from tests.rules.rule_facts import rules_of
from tests.rules.test_tag_commands import only_rule
from tests.shop_rows import customer, day, insert, key, order, writable

LEAVING = "重要客户·即将流失"
SHIPPED = ("--as-of", "2025-03-15")


@pytest.fixture
def leaver(shop: Shop) -> Shop:
    """A shop with 张三, who bought last on 2025-01-13, and somebody else."""
    with writable(shop) as con:
        insert(con, "customers", [customer(1, name="张三"), customer(2, name="李四")])
        insert(con, "customer_keys", [key(1, "13800000001"), key(2, "13900000002")])
        lines = [
            order(1, 1, "2025-01-13", 680.0, refund_fen=6750, refund_sec=0),
            order(2, 1, "2024-12-15", 100.0),
            order(3, 1, "2024-11-15", 50.0, product="智利车厘子", product_key="智利车厘子"),
            order(4, 1, "2024-10-15", 50.0),
            order(5, 2, "2025-03-01", 999.0),
        ]
        insert(con, "order_lines", lines)
    return shop


def explained(shop: Shop, who: str, tag: str, as_of: str = "2025-03-15", expect: int = 0) -> dict[str, Any]:
    return shop.json("explain-tag", who, tag, "--as-of", as_of, expect=expect).result


def test_the_lines_the_rows_behind_them_and_the_history(leaver: Shop) -> None:
    for moment in ("2025-02-12", "2025-03-15"):
        leaver.run("apply-tags", "--as-of", moment)
    result = explained(leaver, "138****0001", LEAVING)
    assert (result["is_wanted"], result["reason"], result["held"], result["pin"]) == (
        False,
        "none",
        None,
        "none",
    )
    assert (result["rule"]["file"], result["rule"]["line"]) == ("rules/流失.yaml", 7)
    assert [(one["is_true"], one["actual"], one["distance"]) for one in result["trace"]["members"]] == [
        (True, "4", ""), (False, "61", "超上限 1 天"), (True, "812.50", ""),
    ]  # fmt: skip
    orders = result["evidence"][0]["rows"]
    assert [row["at"][:10] for row in orders] == ["2025-01-13", "2024-12-15", "2024-11-15"]
    assert orders[0] == {
        "at": "2025-01-13 10:00:00", "order_id": "1", "platform": "淘宝", "net_fen": 61250, "paid_fen": 68000,
    }  # fmt: skip
    assert [row["at"][:10] for row in result["evidence"][1]["rows"]] == ["2025-01-13"]
    assert [(one["day"], one["action"], one["cause"], one["command"]) for one in result["log"]] == [
        ("2025-03-15", "remove", "time", "apply-tags"), ("2025-02-12", "add", "rule", "apply-tags"),
    ]  # fmt: skip
    assert all(one["is_todays_rule"] for one in result["log"])
    shown = leaver.run("explain-tag", "张三", LEAVING, *SHIPPED)
    assert "✗ 没有「重要客户·即将流失」  规则 rules/流失.yaml:7 版本" in shown.stdout
    assert "✗ 距上次购买天数 30 到 60天" in shown.stdout
    assert "淘宝 1 612.50(付 680.00,退 67.50)" in shown.stdout
    assert "人工锁定:无   若不再购买:90 天内不会打上" in shown.stderr


def test_without_a_tag_all_are_listed_with_their_last_changes(leaver: Shop) -> None:
    leaver.run("apply-tags", "--as-of", "2025-02-12")
    result = leaver.json("explain-tag", "13800000001").result
    assert [(one["tag"], one["source"], one["since"]) for one in result["held"]] == [
        ("爱水果", "auto", "2025-02-12"), (LEAVING, "auto", "2025-02-12"),
    ]  # fmt: skip
    assert [(one["tag"], one["action"], one["run_id"]) for one in result["log"]] == [
        ("爱水果", "add", 1), (LEAVING, "add", 1),
    ]  # fmt: skip
    shown = leaver.run("explain-tag", "1")
    assert "rules/爱水果.yaml:" in shown.stdout
    assert "最近的变化" in shown.stdout
    assert leaver.json("explain-tag", "李四").result["log"] == []


def test_the_coming_days_are_what_later_days_really_give(leaver: Shop) -> None:
    result = explained(leaver, "1", LEAVING, "2025-02-10")
    assert result["forecast"] == {
        "days": 90,
        "turns": [{"day": "2025-02-12", "is_wanted": True}, {"day": "2025-03-15", "is_wanted": False}],
    }
    for moment, wanted in (
        ("2025-02-11", False),
        ("2025-02-12", True),
        ("2025-03-14", True),
        ("2025-03-15", False),
    ):
        assert explained(leaver, "1", LEAVING, moment)["is_wanted"] is wanted
    assert explained(leaver, "1", "爱水果")["forecast"]["turns"] == []


KEPT = """\
tags:
  最近来过: {when: 订单数(近7天) >= 1, keep: 30d}
  来过: {when: 订单数 >= 1}
tag_groups:
  层次:
    exclusive: true
    tags:
      - 大客: {when: 消费额 >= 100元}
      - 小客: {when: [标签 有 来过, 标签 没有 亲友]}
    default: 路人
manual_tags: [亲友]
"""


def test_grace_is_a_reason_and_runs_out_in_the_coming_days(leaver: Shop) -> None:
    only_rule(leaver, KEPT)
    leaver.run("apply-tags", "--as-of", "2025-01-15")
    result = explained(leaver, "1", "最近来过", "2025-02-01")
    assert (result["is_wanted"], result["reason"]) == (True, "grace")
    assert "保留 30 天" in result["reason_words"]
    # Bought on 01-13, seven days with it end on 01-19; but 01-15 is the last day that was evaluated.
    assert result["forecast"]["turns"] == [{"day": "2025-02-15", "is_wanted": False}]
    # From a day on which it is true the grace begins when it ends.
    fresh = explained(leaver, "1", "最近来过", "2025-01-16")
    assert fresh["forecast"]["turns"] == [{"day": "2025-02-19", "is_wanted": False}]


def test_groups_name_who_won_and_references_are_explained_too(leaver: Shop) -> None:
    only_rule(leaver, KEPT)
    result = explained(leaver, "1", "小客")
    assert (result["is_wanted"], result["reason"], result["winner"]) == (False, "outranked", "大客")
    assert "同组的「大客」在前" in result["reason_words"]
    assert [(one["tag"], one["is_wanted"]) for one in result["referred"]] == [("来过", True)]
    assert result["referred"][0]["trace"]["actual"] == "4"
    shown = leaver.run("explain-tag", "1", "小客", *SHIPPED)
    assert "✓ 来过" in shown.stdout
    assert "有「来过」" in shown.stdout
    assert "没有「亲友」" in shown.stdout


def test_hands_are_told_apart_from_rules(leaver: Shop) -> None:
    only_rule(leaver, KEPT)
    leaver.run("apply-tags", *SHIPPED)
    leaver.run("set-tag", "1", "来过", "--off", "--reason", "投诉过")
    leaver.run("set-tag", "1", "亲友")
    gone = explained(leaver, "1", "来过")
    assert (gone["is_wanted"], gone["reason"], gone["pin"], gone["held"]) == (False, "blocked", "off", None)
    assert "有人去掉了它" in gone["reason_words"]
    assert ("pin_off", "hand", "投诉过") in {
        (one["action"], one["cause"], one["reason"]) for one in gone["log"]
    }
    friend = explained(leaver, "1", "亲友")
    assert (friend["is_wanted"], friend["rule"], friend["trace"]) == (True, None, None)
    assert friend["held"]["source"] == "manual"
    assert "✓ 有「亲友」  没有规则,只由人打" in leaver.run("explain-tag", "1", "亲友").stdout


def test_a_tag_that_changed_since_the_last_run_is_announced(leaver: Shop) -> None:
    leaver.run("apply-tags", "--as-of", "2025-02-12")
    result = explained(leaver, "1", LEAVING)
    assert (result["is_wanted"], result["held"]["run_id"]) == (False, 1)
    assert "下次 apply-tags 会去掉" in leaver.run("explain-tag", "1", LEAVING, *SHIPPED).stderr


def test_a_deleted_rule_leaves_its_story(leaver: Shop) -> None:
    leaver.run("apply-tags", "--as-of", "2025-02-12")
    only_rule(leaver, "tags: {来过: {when: 订单数 >= 1}}")
    result = explained(leaver, "1", LEAVING)
    assert (result["rule"], result["is_wanted"]) == (None, True)
    leaver.run("apply-tags", "--as-of", "2025-02-13")
    result = explained(leaver, "1", LEAVING)
    assert [one["action"] for one in result["log"]] == ["remove", "add"]


def test_days_as_a_friend_grow_in_the_coming_days(leaver: Shop) -> None:
    only_rule(leaver, "tags: {新朋友: {when: 加粉天数 3 到 5}}")
    added = day("2025-03-14") * DAY_SECONDS
    with writable(leaver) as con:
        friend = {"contact_no": 1, "customer_id": 1, "staff_id": "li", "external_userid": "wm1", "is_phone_noted": 0,
                  "added_sec": added, "exported_sec": added, "first_run_id": 1, "run_id": 1}  # fmt: skip
        insert(con, "contacts", [friend])
    assert explained(leaver, "1", "新朋友")["forecast"]["turns"] == [
        {"day": "2025-03-17", "is_wanted": True},
        {"day": "2025-03-20", "is_wanted": False},
    ]


def test_unknown_tags_and_customers_are_refused(leaver: Shop) -> None:
    error = leaver.json("explain-tag", "1", "重要客户即将流失", expect=3).error
    assert (error["code"], error["hint"]) == ("unknown-tag", "你是不是想写:重要客户·即将流失 ?")
    assert leaver.json("explain-tag", "13700000000", expect=3).error["code"] == "unknown-customer"


def test_lines_events_and_sends_show_what_they_rest_on(leaver: Shop) -> None:
    only_rule(
        leaver,
        "scopes: {车厘子: {on: items, when: 商品名 包含 车厘子}}\n"
        "tags:\n  甲: {when: [消费额(车厘子) >= 1, 浏览次数 >= 1, 触达次数 >= 1, 首购距今天数 >= 1, 客单价 > 1]}\n",
    )
    moment = day("2025-03-01") * DAY_SECONDS
    with writable(leaver) as con:
        for number, who in enumerate((1, 1, 2), start=1):
            event = {"event_no": number, "event_hash": number, "customer_id": who, "kind": "view", "at_sec": moment + number,
                     "day": moment // DAY_SECONDS, "product_key": f"芒果{number}", "first_run_id": 1, "run_id": 1}  # fmt: skip
            insert(con, "events", [event])
        send = {
            "run_id": 1,
            "push": "三月",
            "push_key": "三月",
            "customer_id": 1,
            "at_sec": moment,
            "day": moment // DAY_SECONDS,
        }
        insert(con, "push_members", [send])
    evidence = explained(leaver, "1", "甲")["evidence"]
    assert [[(row["at"][:10], *list(row.values())[1:]) for row in one["rows"]] for one in evidence] == [
        [("2024-11-15", "3", "淘宝", 5000, "智利车厘子")],
        [("2025-03-01", "view", "芒果2"), ("2025-03-01", "view", "芒果1")],
        [("2025-03-01", "三月")],
        [("2024-10-15", "4", "淘宝", 5000, 5000)],
        [("2025-01-13", "1", "淘宝", 61250, 68000), ("2024-12-15", "2", "淘宝", 10000, 10000),
         ("2024-11-15", "3", "淘宝", 5000, 5000)],
    ]  # fmt: skip


def test_explaining_agrees_with_the_plan_for_everybody(leaver: Shop) -> None:
    only_rule(leaver, KEPT)
    leaver.run("apply-tags", *SHIPPED)
    for who in ("1", "2"):
        held = {one["tag"] for one in leaver.json("explain-tag", who).result["held"]}
        for tag in ("最近来过", "来过", "大客", "小客", "路人"):
            assert explained(leaver, who, tag)["is_wanted"] == (tag in held)


def test_only_what_a_tag_needs_is_evaluated() -> None:
    rules = rules_of(KEPT + "  # 完\n")
    assert {rule.name for rule in only_needed(rules, ["来过"]).tags} == {"来过"}
    assert {rule.name for rule in only_needed(rules, ["大客"]).tags} == {"来过", "大客", "小客", "路人"}
    assert [len(layer) for layer in only_needed(rules, ["大客"]).strata] == [1, 3]


WAVERING = """\
tags:
  犹豫没买:
    when:
      - did: {event: 浏览, same: 商品, times: 3 以上, days: 2 以上, within: 近7天, without: {event: 订单, same: true, since: first}}
  买过两样: {when: {did: {event: 订单, times: 2 以上}}}
  没退过: {when: {not: {did: {event: 浏览, times: 9 以上}}}}
"""


def test_the_deeds_behind_a_did_are_those_that_met_it(leaver: Shop) -> None:
    only_rule(leaver, WAVERING)
    looked = [
        *(f"13800000001,浏览,2025-03-{day:02} 10:00:00,芒果" for day in (10, 11, 12, 13)),
        "13800000001,浏览,2025-03-14 10:00:00,苹果",
        "13800000001,浏览,2025-03-01 10:00:00,芒果",  # too long ago
        "13900000002,浏览,2025-03-14 10:00:00,芒果",
        # Looked at as often, but bought since.
        *(f"13800000001,浏览,2025-03-{day:02} 09:00:00,梨" for day in (12, 13, 14)),
    ]
    leaver.run("import-events", leaver.file("行为.csv", "手机号,行为,时间,商品\n" + "\n".join(looked) + "\n"))
    with writable(leaver) as con:
        insert(con, "order_lines", [order(9, 1, "2025-03-15", 5.0, product="梨", product_key="梨")])
    result = explained(leaver, "1", "犹豫没买")
    assert result["is_wanted"]
    (found,) = result["evidence"]
    assert found["text"].startswith("did: {event: 浏览, same: 商品")
    assert [(row["at"][:10], row["event"], row["what"]) for row in found["rows"]] == [
        (f"2025-03-{day}", "view", "芒果") for day in (13, 12, 11)
    ]
    assert "浏览 芒果" in leaver.run("explain-tag", "1", "犹豫没买", *SHIPPED).stdout
    # Where none is enough, those that count are shown all the same.
    other = explained(leaver, "2", "犹豫没买")
    assert not other["is_wanted"]
    assert [row["at"][:10] for row in other["evidence"][0]["rows"]] == ["2025-03-14"]
    bought = explained(leaver, "1", "买过两样")["evidence"][0]["rows"]
    assert (bought[0]["order_id"], bought[0]["product"]) == ("9", "梨")
    assert len(bought) == 3
    assert len(explained(leaver, "1", "没退过")["evidence"][0]["rows"]) == 3
    assert explained(leaver, "2", "买过两样")["evidence"] != []


def test_a_group_and_a_stage_are_named_as_what_they_are(leaver: Shop) -> None:
    only_rule(
        leaver,
        "tag_groups: {档次: {bands: {of: 消费额, cuts: [100], names: [低, 高]}}}\n"
        "stages: [{name: 新人}, {name: 熟客, when: 订单数 >= 2}]\n"
        "tags: {高低: {when: 订单数 >= 1}}\n",
    )
    for command in (("explain-tag", "1"), ("set-tag", "1")):
        group = leaver.json(*command, "档次", expect=3).error
        assert group["code"] == "unknown-tag"
        assert group["hint"].startswith("「档次」是一组标签,写其中的:低、高")
        assert leaver.json(*command, "熟客", expect=3).error["hint"].startswith("「熟客」是阶段,不是标签")
    (leaver.root / "rules" / "再.yaml").write_text("tags: {丙: {when: 标签 有 档次}}", encoding="utf-8")
    (problem,) = leaver.json("check-rules", expect=3).error["problems"]
    assert (problem["code"], problem["hint"]) == ("E204", "「档次」是一组标签,写其中的:低、高")
