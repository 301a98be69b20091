"""Fifty believable tags of a food shop, for `plan_tags`: as a rule, and as a condition over columns of a customer.

The columns are those of the hand-written SQL and of the pandas program (`tag_sides`), the conditions are read by
both. `many_rules` has the same fifty and a hundred and fifty more: the windows and bounds people try next.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    """`when` as the rule files have it, `condition` over columns; `{name}` in it is another tag."""

    name: str
    when: str
    condition: str
    more: str = ""


SHARED = """\
version: 1
scopes:
  水果: {on: items, when: 品类 属于 水果}
  零食: {on: items, when: 品类 属于 零食}
  车厘子: {on: items, when: [商品名 包含 车厘子、樱桃, 商品名 不含 手机壳、香薰]}
  礼盒: {on: items, when: 商品名 包含 礼盒、礼包、伴手礼}
  儿童: {on: items, when: 商品名 包含 宝宝、儿童}
  大包装: {on: items, when: 规格 包含 5斤、10斤}
  直播: {on: orders, when: 下单渠道 是 直播}
  甲店: {on: orders, when: 店铺 是 甲店}
  看水果: {on: events, when: [事件 是 浏览、点击, 品类 属于 水果]}
  水果群: {on: events, when: 群 包含 水果}
metrics:
  大单数: {from: orders, agg: count, when: 净额 >= 500元, unit: 次}
  最大单: {from: orders, agg: max, of: 净额, unit: 元}
  首单渠道: {from: orders, agg: first, of: 下单渠道}
  商品种数: {from: items, agg: distinct, of: 商品名, unit: 种}
  看的天数: {from: events, agg: days, when: 事件 是 浏览, unit: 天}
  看水果次数: {from: events, agg: count, when: [事件 是 浏览、点击, 品类 属于 水果], unit: 次}
  距上次浏览: {from: events, agg: days_since_last, when: 事件 是 浏览, unit: 天}
  水果占比: {ratio: [消费额(水果), 消费额], unit: "%"}
"""

TAGS = (
    Tag("新客", "首购距今天数 <= 30", "age <= 30"),
    Tag("老客", "订单数 >= 3", "orders >= 3"),
    Tag("只买过一次", "[订单数 = 1, 首购距今天数 > 30]", "orders == 1 and age > 30"),
    Tag("重要客户·即将流失", "[订单数 3次 以上, 距上次购买天数 30 到 60天, 消费额 500元 以上]",
        "orders >= 3 and r >= 30 and r <= 60 and spend >= 50000", "keep: 7d"),
    Tag("沉睡", "距上次购买天数 > 180", "r > 180"),
    Tag("近月活跃", "订单数(近30天) >= 1", "orders_30 >= 1", "keep: 3d"),
    Tag("季度常客", "订单数(近90天) >= 2", "orders_90 >= 2"),
    Tag("年度常客", "[订单数(近365天) >= 4, 购买天数 >= 4]", "orders_365 >= 4 and days >= 4"),
    Tag("近月大额", "消费额(近30天) >= 500元", "spend_30 >= 50000"),
    Tag("近季大额", "消费额(近90天) 1000 到 5000元", "spend_90 >= 100000 and spend_90 <= 500000"),
    Tag("高客单", "客单价(近365天) > 300", "orders_365 > 0 and spend_365 > 30000 * orders_365"),
    Tag("小额多单", "[订单数 >= 4, 客单价 不满 150元]", "orders >= 4 and spend < 15000 * orders"),
    Tag("复购快", "平均复购间隔 <= 45", "days >= 2 and last - first <= 45 * (days - 1)"),
    Tag("大手笔", "{any: [大单数 >= 3, 最大单 >= 0.1万]}", "big >= 3 or max_order >= 100000"),
    Tag("直播常客", "订单数(直播) >= 3", "live_orders >= 3"),
    Tag("甲店客", "订单数(甲店) >= 2", "shop_orders >= 2"),
    Tag("首单直播", "首单渠道 是 直播", "first_channel == '直播'"),
    Tag("首单私域转直播", "[首单渠道 是 私域, 订单数(直播) >= 1]", "first_channel == '私域' and live_orders >= 1"),
    Tag("去年买过今年没来", "[订单数(366到730天前) >= 1, 订单数(近365天) = 0]", "orders_before >= 1 and orders_365 == 0"),
    Tag("近期爱水果", "订单数(近90天、水果) >= 2", "fruit_orders_90 >= 2"),
    Tag("买过水果", "订单数(水果) >= 1", "fruit_orders >= 1"),
    Tag("水果为主", "[水果占比(近180天) >= 60%, 订单数(近180天) >= 1]",
        "spend_180 > 0 and fruit_spend_180 * 10000 >= 6000 * spend_180 and orders_180 >= 1"),
    Tag("水果大户", "消费额(水果) >= 800元", "fruit_spend >= 80000"),
    Tag("直播买水果", "消费额(水果、直播) >= 200元", "fruit_live_spend >= 20000"),
    Tag("车厘子客", "订单数(近365天、车厘子) >= 1", "cherry_orders_365 >= 1"),
    Tag("送礼客", "{any: [订单数(礼盒) >= 2, 消费额(近365天、礼盒) >= 300元]}", "gift_orders >= 2 or gift_spend_365 >= 30000"),
    Tag("有娃", "订单数(近180天、儿童) >= 1", "kids_orders_180 >= 1"),
    Tag("零食控", "消费额(零食) 超过 500元", "snack_spend > 50000"),
    Tag("囤货", "订单数(大包装) >= 3", "pack_orders >= 3"),
    Tag("尝鲜", "商品种数 >= 8", "products >= 8"),
    Tag("件数多", "{any: [件数 >= 25, 件数(近90天) >= 8]}", "pieces >= 25000 or pieces_90 >= 8000"),
    Tag("只看不买", "[浏览次数(近30天) >= 1, 订单数 = 0]", "views_30 >= 1 and orders == 0"),
    Tag("犹豫", "[浏览次数(近7天) >= 1, 看的天数(近7天) >= 1, 订单数(近7天) = 0]",
        "views_7 >= 1 and view_days_7 >= 1 and orders_7 == 0"),
    Tag("近期加购", "加购次数(近7天) >= 1", "carts_7 >= 1"),
    Tag("爱点击", "点击次数(近90天) >= 1", "clicks_90 >= 1"),
    Tag("签到客", "签到次数(近90天) 至少 2次", "signs_90 >= 2"),
    Tag("爱分享", "{any: [分享次数 >= 2, 晒单次数 >= 1]}", "shares >= 2 or reviews >= 1"),
    Tag("薅券", "[领券次数(近180天) >= 1, 客单价 <= 180]", "coupons_180 >= 1 and orders > 0 and spend <= 18000 * orders"),
    Tag("看水果", "看水果次数(近90天) >= 2", "fruit_seen_90 >= 2"),
    Tag("水果群活跃", "群发言次数(近90天、水果群) >= 1", "fruit_talk_90 >= 1"),
    Tag("好久没来看", "距上次浏览 > 200", "seen_r > 200"),
    Tag("反复看未下单", '{did: {event: 浏览商品, same: 商品, times: ">= 2", days: ">= 2", within: 近90天, '
        "without: {event: 订单, same: true, since: first}}}", "d_wavering == 1"),
    Tag("加购未付", "{did: {event: 加购, within: 24到72小时前, without: {event: 订单, since: last}}}", "d_left == 1"),
    Tag("推送有兴趣", "{did: {event: 点击, after: {push: 三月车厘子, hours: 72}}}", "d_after == 1"),
    Tag("领券未用", "{did: {event: 领券, within: 近90天, without: {event: 用券, since: last}}}", "d_coupon == 1"),
    Tag("同品复购", '{did: {event: 订单, same: 商品, times: ">= 2", within: 近365天}}', "d_again == 1"),
    Tag("广东老客", "[省 属于 广东、广西、海南, 标签 有 老客, {not: 距上次购买天数 > 180}]",
        "province in ('广东', '广西', '海南') and {老客} and not {沉睡}"),
    Tag("可推车厘子", "{all: [标签 有任一 车厘子客、看水果、推送有兴趣, 标签 没有 沉睡、薅券]}",
        "({车厘子客} or {看水果} or {推送有兴趣}) and not {沉睡} and not {薅券}"),
    Tag("低价值", "", "spend_365 < 30000"),
    Tag("高价值", "", "spend_365 >= 30000"),
)  # fmt: skip
_BANDED = ("低价值", "高价值")
_BANDS = """\
tag_groups:
  价值等级:
    bands: {of: 消费额(近365天), cuts: [300], names: [低价值, 高价值]}
"""


def fifty_rules() -> str:
    """The rule file of TAGS."""
    return (
        SHARED + _BANDS + _tags([(tag.name, tag.when, tag.more) for tag in TAGS if tag.name not in _BANDED])
    )


def many_rules() -> str:
    """The rule file of TAGS and 150 more: other windows, scopes, words and bounds, some of them over tags."""
    more: list[tuple[str, str, str]] = []
    for days in (15, 45, 60, 120, 150, 270):
        more += [
            (f"近{days}天订单", f"订单数(近{days}天) >= 2", ""),
            (f"近{days}天消费", f"消费额(近{days}天) >= {days * 6}元", ""),
            (f"近{days}天水果", f"订单数(近{days}天、水果) >= 1", ""),
            (f"近{days}天零食额", f"消费额(近{days}天、零食) >= 100元", ""),
            (f"近{days}天浏览", f"浏览次数(近{days}天) >= 2", ""),
            (f"近{days}天水果占比", f"水果占比(近{days}天) >= 50%", "keep: 7d"),
            (f"近{days}天件数", f"件数(近{days}天) >= 5", ""),
            (f"近{days}天买的日子", f"购买天数(近{days}天) >= 2", ""),
            (f"近{days}天老客", f"[标签 有 近{days}天订单, 标签 没有 沉睡]", ""),
            (f"近{days}天均价", f"客单价(近{days}天) 100 到 {100 + days}元", ""),
        ]
    for province in ("浙江", "江苏", "四川", "北京", "上海"):
        more += [
            (f"{province}客", f"[省 是 {province}, 订单数 >= 1]", ""),
            (f"{province}活跃", f"[省 是 {province}, 标签 有 近月活跃]", ""),
            (f"{province}大额", f"[省 是 {province}, 消费额(近365天) >= 2000元]", ""),
        ]
    for bound in (1, 2, 4, 5, 6, 7, 8, 9, 10, 12):
        more += [
            (f"买过{bound}次", f"订单数 >= {bound}", ""),
            (f"歇了{bound * 20}天", f"距上次购买天数 >= {bound * 20}", ""),
            (f"水果{bound}次", f"订单数(水果) >= {bound}", ""),
            (f"满{bound}百", f"消费额(近365天) >= {bound * 100}元", ""),
            (f"单笔{bound}百", f"最大单 >= {bound * 100}元", ""),
        ]
    for word in ("山竹", "榴莲", "芒果", "坚果"):
        more += [
            (f"买过{word}", f"订单数(只要{word}) >= 1", ""),
            (f"{word}大户", f"消费额(只要{word}、水果) >= 200元", ""),
            (f"看过{word}", f"{{did: {{event: 浏览, where: 商品 包含 {word}, within: 近180天}}}}", ""),
            (
                f"回购{word}",
                f'{{did: {{event: 订单, times: ">= 2", where: 商品 包含 {word}, within: 近365天}}}}',
                "",
            ),
        ]
    more += [
        (
            f"{event}未买{days}",
            f"{{did: {{event: {event}, within: 近{days}天, without: {{event: 订单, since: last}}}}}}",
            "",
        )
        for event in ("浏览", "收藏", "咨询")
        for days in (7, 30, 60)
    ]
    assert len(more) == 200 - len(TAGS), len(more)
    scopes = "".join(
        f"  只要{word}: {{on: items, when: 商品名 包含 {word}}}\n"
        for word in ("山竹", "榴莲", "芒果", "坚果")
    )
    first = [(tag.name, tag.when, tag.more) for tag in TAGS if tag.name not in _BANDED]
    return SHARED.replace("metrics:\n", f"{scopes}metrics:\n", 1) + _BANDS + _tags([*first, *more])


def _tags(rules: list[tuple[str, str, str]]) -> str:
    lines = [f"  {name}: {{when: {when}{f', {more}' if more else ''}}}\n" for name, when, more in rules]
    return "tags:\n" + "".join(lines)
