"""The examples of the specification: twelve rules, their tests, all through test-rules."""

from __future__ import annotations

from tests.conftest import Shop
from tests.rules.test_rule_tests import failed, run_suite

TWELVE = """\
version: 1
scopes:
  水果:
    on: items
    when:
      - any:
          - 品类 属于 水果
          - 商品名 包含 苹果、香蕉、车厘子、芒果
      - 商品名 不含 苹果手机、手机壳、水果刀、果干
metrics:
  水果消费占比: {ratio: [消费额(水果), 消费额], unit: "%"}
manual_tags: [员工亲友, 售后处理中]
tag_groups:
  价值等级:
    exclusive: true
    manual: forbid
    bands: {of: 消费额(近12月), cuts: [300, 2000], names: [低价值, 中价值, 高价值]}
  渠道来源:
    exclusive: true
    map: {field: 渠道, values: {抖音直播: 抖音粉, 包裹卡: 包裹卡粉, 短信: 短信粉, 裂变: 裂变粉}, else: 其他渠道, missing: 渠道待补}
tags:
  爱水果:
    when: 订单数(水果) >= 1
  重要客户·即将流失:
    guard: {max_add: 3000}
    when:
      - 订单数 3次 以上
      - 距上次购买天数 30 到 60天
      - 消费额 500元 以上
  反复看未下单:
    keep: 2d
    when:
      did: {event: 浏览商品, same: 商品, times: ">= 3", days: ">= 2", within: 近7天, without: {event: 订单, same: true, since: first}}
  加购超一天未付:
    when:
      did: {event: 加购, within: 24到72小时前, without: {event: 订单, since: last}}
  车厘子推送有兴趣:
    keep: 14d
    when: {any: [did: {event: 点击, after: {push: 三月车厘子, hours: 72}}, did: {event: 加购, after: {push: 三月车厘子, hours: 72}, where: 品类 属于 水果}]}
  本月生日会员:
    when: [生日月 = 本月, 会员等级 有值, 已退订 为假]
  待绑定订单:
    when:
      - 订单已绑定 为假
      - 加粉天数 3 到 30
      - 负责员工 有值
  华南热带水果家庭:
    when:
      all:
        - 省 属于 广东、广西、海南
        - any:
            - 水果消费占比(近180天) >= 60%
            - all: [订单数(水果) >= 5, 客单价(近180天) > 120]
        - not: 标签 有 低价值
  星推官候选:
    when:
      - 购买天数 >= 5
      - none: [标签 有 员工亲友, 已流失 为真]
      - at_least: {n: 2, of: [晒单次数(近180天) >= 2, 群发言次数(近30天) >= 10, 标签 有 裂变粉]}
  挽回成功:
    keep: 30d
    when:
      - 曾有标签(近45天) 有 重要客户·即将流失
      - 标签 没有 重要客户·即将流失
      - 订单数(近14天) >= 1
      - 流失风险 属于 低、中
tests:
  - name: 流失边界
    as_of: 2025-03-15
    customers:
      - id: 刚好30天
        orders: [{ago: 30, paid: 200}, {ago: 90, paid: 200}, {ago: 120, paid: 100}]
        expect: {has: [重要客户·即将流失]}
      - id: 29天还不算
        orders: [{at: 2025-02-14 00:00, paid: 300}, {ago: 90, paid: 200}, {ago: 120, paid: 100}]
        expect: {lacks: [重要客户·即将流失]}
      - id: 退款后不足500
        orders: [{ago: 40, paid: 300, refund: 0.01}, {ago: 90, paid: 100}, {ago: 120, paid: 100}]
        expect: {lacks: [重要客户·即将流失]}
      - id: 苹果手机壳不是水果
        orders: [{ago: 1, paid: 39, items: [{商品名: 苹果手机壳, 品类: 数码/配件}]}]
        expect: {lacks: [爱水果]}
  - name: 保留30天
    steps:
      - {as_of: 2025-03-01, customers: [{id: 丁, 曾有标签: [重要客户·即将流失], orders: [{ago: 0, paid: 50}], 流失风险: 低}], expect: {丁: {has: [挽回成功]}}}
      - {as_of: 2025-03-31, expect: {丁: {has: [挽回成功]}}}
      - {as_of: 2025-04-01, expect: {丁: {lacks: [挽回成功]}}}
  - name: 其余的
    as_of: 2025-03-15
    customers:
      - {id: 看了又看, events: [{event: 浏览商品, ago: 6, 商品: 芒果, times: 2}, {event: 浏览商品, ago: 0, 商品: 芒果}], expect: {only: [低价值, 渠道待补, 反复看未下单]}}
      - {id: 加购没付, events: [{event: 加购, at: 2025-03-13 12:00}], expect: {has: [加购超一天未付]}}
      - {id: 加购后付了, events: [{event: 加购, at: 2025-03-13 12:00}], orders: [{at: 2025-03-14 12:00, paid: 9}], expect: {lacks: [加购超一天未付]}}
      - {id: 点了推送, sends: [{push: 三月车厘子, at: 2025-03-10 10:00}], events: [{event: 点击, at: 2025-03-13 10:00}], expect: {has: [车厘子推送有兴趣]}}
      - {id: 寿星, 生日月: 3, 会员等级: 金卡, expect: {has: [本月生日会员]}}
      - {id: 没绑定, 订单已绑定: false, 加粉天数: 3, 负责员工: 小李, expect: {has: [待绑定订单]}}
      - {id: 广东人, 省: 广东, orders: [{ago: 3, paid: 300, items: [{品类: 水果/热带, 净额: 180}, {品类: 酒}]}], expect: {has: [华南热带水果家庭, 中价值]}}
      - {id: 裂变达人, 渠道: 裂变, orders: [{ago: 1, paid: 1}, {ago: 2, paid: 1}, {ago: 3, paid: 1}, {ago: 4, paid: 1}, {ago: 5, paid: 1}], events: [{event: 群发言, ago: 29, times: 10}], expect: {has: [星推官候选, 裂变粉]}}
      - {id: 亲友, 标签: [员工亲友], 渠道: 裂变, orders: [{ago: 1, paid: 1}, {ago: 2, paid: 1}, {ago: 3, paid: 1}, {ago: 4, paid: 1}, {ago: 5, paid: 1}], events: [{event: 群发言, ago: 29, times: 10}], expect: {lacks: [星推官候选]}}
"""


def test_the_twelve_examples_and_their_tests_run(shop: Shop) -> None:
    result = run_suite(shop, TWELVE)
    assert failed(result) == []
    assert result["cases"] == 16
    assert "全部通过" in shop.run("test-rules").stderr
