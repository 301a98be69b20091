"""check-rules, plan-tags and apply-tags on a workspace."""

from __future__ import annotations

from typing import Any

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
