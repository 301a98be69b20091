"""From the lists of an operator to tags that speak of behaviour, friends, traits and pushes."""

from __future__ import annotations

from tests.conftest import Shop
from tests.rules.test_tag_commands import AS_OF, counts, only_rule

RULES = """
scopes:
  芒果: {on: events, when: 商品 包含 芒果}
tags:
  想买芒果: {when: [加购次数(近7天、芒果) >= 1, 订单数 = 0]}
  会发言的群友: {when: [群 有 水果一群, 群发言次数 >= 2]}
  五月金卡: {when: [生日月 = 5, 会员等级 是 金卡, 积分 >= 1000, 性别 是 女]}
  加粉三天: {when: 加粉天数 = 3}
  删了我们: {when: 已流失 为真}
  没绑订单: {when: [订单已绑定 为假, 加粉天数 有值]}
  三天没打扰: {when: {not: 距上次触达天数 < 3}}
  刚推过: {when: 触达次数(今天) = 1}
"""


def held(shop: Shop) -> set[tuple[str, str]]:
    """(last sign of the phone, tag)"""
    return set(shop.rows(
        "SELECT right(k.value, 1), t.tag FROM tags AS t JOIN customer_keys AS k ON k.customer_id = t.customer_id"
        " WHERE k.kind = 'phone' AND t.source = 'auto'"
    ))  # fmt: skip


def test_lists_events_and_pushes_become_tags(shop: Shop) -> None:
    only_rule(shop, RULES)
    shop.run("import-staff", shop.file("员工.csv", "员工账号,姓名\nxl,小李\n"))
    shop.run("import-contacts", shop.file(
        "客户列表.csv",
        "客户名称,添加人,添加人账号,添加时间,手机,好友状态,流失时间,性别\n"
        "甲,小李,xl,2025-03-12 09:00:00,13800000001,好友,,女\n"
        "乙,小李,xl,2025-03-01 09:00:00,13800000002,流失,2025-03-10 09:00:00,\n",
    ))  # fmt: skip
    shop.run("import-events", shop.file(
        "行为.csv",
        "手机号,行为,时间,商品,群名称\n"
        "13800000001,加购,2025-03-09 00:00:00,大芒果,\n13800000002,加购,2025-03-08 23:59:59,芒果,\n"
        "13800000003,进群,2025-03-01 08:00:00,,水果一群\n13800000003,群消息,2025-03-02 08:00:00,,水果一群\n"
        "13800000003,群发言,2025-03-02 09:00:00,,水果一群\n13800000001,进群,2025-03-16 00:00:00,,水果一群\n",
    ))  # fmt: skip
    shop.run("import-leads", shop.file(
        "会员.csv", "手机号,生日,会员等级,积分\n13800000001,1990年5月6日,金卡,\"1,200\"\n13800000003,5-6,金卡,999\n"
    ), *AS_OF)  # fmt: skip
    shop.run("apply-tags", *AS_OF)
    first = {
        ("1", "想买芒果"), ("3", "会发言的群友"), ("1", "五月金卡"), ("1", "加粉三天"), ("2", "删了我们"),
        ("1", "没绑订单"), *((who, "三天没打扰") for who in "123"),
    }  # fmt: skip
    assert held(shop) == first
    shop.run("export-push", "想买芒果", "--reason", "芒果到货", *AS_OF)
    planned = shop.json("plan-tags", *AS_OF).result
    assert counts(planned, "刚推过") == (0, 1, 0, 1)
    assert counts(planned, "三天没打扰") == (3, 0, 1, 2)
    # The next day nothing was sent today, and the friendship is a day older.
    tomorrow = shop.json("plan-tags", "--as-of", "2025-03-16").result
    assert counts(tomorrow, "刚推过") == (0, 0, 0, 0)
    assert counts(tomorrow, "加粉三天") == (1, 0, 1, 0)
