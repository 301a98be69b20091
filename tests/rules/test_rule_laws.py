"""Random data, random rules: the SQL on two engines = the naive meaning; complements; De Morgan."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.clock import AsOf
from tests.conftest import examples
from tests.engines import both_engines
from tests.rules.naive_rules import naive_tags
from tests.rules.rule_facts import AS_OF, DAY, World, holders, rules_of, tags_of

NAMES = """
version: 1
scopes:
  水果:
    on: items
    when:
      - any: [品类 属于 水果, 商品名 包含 苹果、芒果]
      - 商品名 不含 手机壳
  大行: {on: items, when: {any: [净额 >= 50元, 数量 > 1.5件, 规格 为空]}}
  甲店: {on: orders, when: 店铺 是 甲}
  看水果: {on: events, when: [事件 是 浏览商品、加购, {any: [品类 属于 水果, 商品名 包含 苹果]}]}
  甲店行为: {on: events, when: [店铺 不是 乙, 群 不含 苹果]}
  三月推送: {on: sends, when: 推送 开头是 三月}
  大单: {on: orders, when: [净额 超过 99.99元, {not: 平台 开头是 淘}]}
metrics:
  笔均额: {from: orders, agg: avg, of: 净额}
  最大单: {from: orders, agg: max, of: 净额, unit: 元}
  最小单: {from: orders, agg: min, of: 净额}
  最小行: {from: items, agg: min, of: 净额}
  店数: {from: orders, agg: distinct, of: 店铺}
  商品种数: {from: items, agg: distinct, of: 商品名, unit: 种}
  行总数: {from: orders, agg: sum, of: 行数}
  甲店订单: {from: orders, agg: count, when: {none: [店铺 不属于 甲、乙, 下单渠道 结尾是 号]}}
  水果占比: {ratio: [消费额(水果), 消费额], unit: "%"}
  每件金额: {ratio: [消费额, 件数], unit: 元}
  近期比: {ratio: [订单数(近30天), 订单数]}
  看过几种: {from: events, agg: distinct, of: 商品, unit: 种}
  行为种数: {from: events, agg: distinct, of: 事件}
  活跃天数: {from: events, agg: days, when: {none: [事件 属于 签到、进群]}}
  首次行为: {from: events, agg: days_since_first, when: {any: [页面 有值, 渠道 是 甲]}}
  行为间隔: {from: events, agg: avg_gap_days}
  触达天数: {from: sends, agg: days, when: 推送 包含 三月}
  推送种数: {from: sends, agg: distinct, of: 推送}
  每次点击: {ratio: [加购次数, 点击次数]}
manual_tags: [亲友, 售后]
"""
COUNTS = [
    "订单数",
    "购买天数",
    "店数",
    "商品种数",
    "行总数",
    "甲店订单",
    "距上次购买天数",
    "首购距今天数",
    "平均复购间隔",
    "件数",
    "行数",
]
# Whose scopes are those of events and of sends.
DEEDS = [
    "浏览次数",
    "加购次数",
    "群发言次数",
    "看过几种",
    "行为种数",
    "活跃天数",
    "首次行为",
    "行为间隔",
    "每次点击",
]
SENDS = ["触达次数", "距上次触达天数", "触达天数", "推送种数"]
FITTING = {"deed": ["看水果", "甲店行为"], "send": ["三月推送"]}
MONEY = ["消费额", "客单价", "笔均额", "最大单", "最小单", "最小行", "每件金额"]
SCOPES = ["水果", "大行", "甲店", "大单"]
WINDOWS = [
    "近30天",
    "近1天",
    "今天",
    "昨天",
    "过去7个整天",
    "30 到 60天前",
    "本月",
    "上月",
    "近2月",
    "近36小时",
    "12到40小时前",
    "本周",
    "上周",
    "本季",
    "上季",
    "今年",
    "去年",
    "全部",
    "2025-01-10~2025-02-20",
]
TEXTS = ["甲", "乙", "淘宝", "抖音号", "水果", "苹果"]
OTHERS = ["share", "field", "score", "flag", "tag", "number", "choice", "group"]
FIELDS = ["渠道", "省", "市", "负责员工", "RFM分群", "渠道明细", "部门", "门店", "会员等级"]


@st.composite
def predicates(draw: Any, small: bool, unit: str = "") -> str:
    number = draw(
        st.integers(0, 8)
        if small
        else st.sampled_from(["0", "50", "99.99", "100", "100.5", "0.02万", "33.33"])
    )
    other = draw(st.integers(8, 90) if small else st.sampled_from(["200", "200.01", "1万"]))
    return draw(
        st.sampled_from(
            [
                f">= {number}{unit}",
                f"< {number}{unit}",
                f"{number}{unit} 以上",
                f"{number}{unit}以下",
                f"超过 {number}{unit}",
                f"!= {number}{unit}",
                f"= {number}{unit}",
                f"不满 {number}{unit}",
                f"{number} 到 {other}{unit}",
                "有值",
                "为空",
                f"至多 {other}{unit}",
                f"＞＝{number}{unit}",
            ]
        ).filter(lambda text: "0.02 到" not in text and not ("万" in text and "到" in text))
    )


@st.composite
def lines(draw: Any) -> str:
    kind = draw(st.sampled_from(["count", "deed"] * 4 + ["money"] * 3 + ["send"] * 2 + OTHERS))
    names = {"count": COUNTS, "money": MONEY, "share": ["水果占比"], "deed": DEEDS, "send": SENDS}
    if kind in names:
        name = draw(st.sampled_from(names[kind]))
        arguments = draw(st.lists(st.sampled_from(FITTING.get(kind, SCOPES)), max_size=2, unique=True))
        arguments += draw(st.lists(st.sampled_from(WINDOWS), max_size=1))
        operand = f"{name}({'、'.join(arguments)})" if arguments else name
        if kind == "share":
            return f"{operand} {draw(st.sampled_from(['>= 50%', '< 33.33%', '= 100%', '0 到 99%', '为空']))}"
        unit = {"件数": "件", "消费额": "元"}.get(name, "")
        return f"{operand} {draw(predicates(kind != 'money', unit))}"
    if kind == "field":
        word = draw(
            st.sampled_from(["是", "不是", "属于", "不属于", "包含", "包含全部", "不含", "开头是", "结尾是"])
        )
        texts = "、".join(draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True)))
        return f"{draw(st.sampled_from(FIELDS))} {draw(st.sampled_from([f'{word} {texts}', '有值', '为空']))}"
    if kind == "score":
        return f"{draw(st.sampled_from(['R分', 'F分', 'M分']))} {draw(predicates(True, '分'))}"
    if kind == "flag":
        return f"{draw(st.sampled_from(['已退订', '已流失', '订单已绑定']))} {draw(st.sampled_from(['为真', '为假']))}"
    if kind == "number":
        name, unit = draw(
            st.sampled_from([("生日月", "月"), ("生日日", ""), ("积分", "分"), ("加粉天数", "天")])
        )
        number = draw(st.integers(1, 12))
        return f"{name} {draw(st.sampled_from([f'>= {number}{unit}', f'!= {number}', f'1 到 {number}', '有值', '为空']))}"
    if kind == "choice":
        name, words = draw(st.sampled_from([("性别", "男"), ("性别", "男、女"), ("流失风险", "高、已流失")]))
        return f"{name} {draw(st.sampled_from([f'是 {words}', f'不属于 {words}', '有值', '为空']))}"
    word = draw(st.sampled_from(["有", "没有", "有任一", "有全部"]))
    if kind == "group":
        return f"群 {word} {draw(st.sampled_from(['苹果一群', '首页、苹果一群', '二群']))}"
    tags = st.lists(st.sampled_from(["亲友", "售后", "底层"]), min_size=1, max_size=2, unique=True)
    return f"标签 {word} {'、'.join(draw(tags))}"


def nest(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(st.sampled_from(["all", "any", "none"]), several).map(
            lambda t: f"{{{t[0]}: [{', '.join(t[1])}]}}"
        ),
        children.map(lambda item: f"{{not: {{all: {item}}}}}"),
        several.map(lambda items: f"{{at_least: {{n: {(len(items) + 1) // 2}, of: [{', '.join(items)}]}}}}"),
    )


CONDITIONS = st.recursive(lines().map(lambda line: f'"{line}"'), nest, max_leaves=6)


@st.composite
def worlds(draw: Any) -> World:
    world = World()
    text = st.sampled_from(["", *TEXTS])
    score = st.one_of(st.none(), st.integers(1, 5))
    for _ in range(draw(st.integers(1, 4))):
        keys = (
            "channel_key", "province_key", "city_key", "owner_key", "segment_key", "source_key", "department_key",
            "store_key", "level_key",
        )  # fmt: skip
        numbers = ("r_score", "f_score", "m_score", "birth_month", "birth_day", "points", "friend_days")
        values = {key: draw(text) for key in keys} | {key: draw(score) for key in numbers}
        values |= {key: draw(st.integers(0, 1)) for key in ("is_lost", "is_bound")}
        values["gender_key"] = draw(st.sampled_from(["", "男", "女"]))
        values["risk_key"] = draw(st.sampled_from(["", "低", "高", "已流失"]))
        customer = world.customer(**values, is_opted_out=draw(st.integers(0, 1)))
        for tag in draw(st.lists(st.sampled_from(["亲友", "售后"]), max_size=2, unique=True)):
            world.hand.append({"customer_id": customer, "tag": tag})
        for _ in range(draw(st.integers(0, 5))):
            line = st.fixed_dictionaries(
                {
                    "net_fen": st.sampled_from([0, 1, 3333, 4999, 5000, 9999, 10000, 20001]),
                    "quantity_milli": st.sampled_from([500, 1000, 1500, 3000]),
                    "product_key": st.sampled_from(["", "苹果", "红苹果手机壳", "芒果", "袜子"]),
                    "category_key": st.sampled_from(["", "水果", "水果/热带/芒果", "水果刀", "数码"]),
                    "sku_key": st.sampled_from(["", "大"]),
                }
            )
            ago = draw(st.sampled_from([0, 1, 2, 7, 14, 29, 30, 31, 60, 61, 75, 100, 400]))
            shop = {
                key: draw(st.sampled_from(["", "甲", "乙", "淘宝", "抖音号"]))
                for key in ("platform_key", "shop_key", "channel_key")
            }
            at = draw(st.sampled_from([0, DAY // 2, DAY - 1]))
            world.order(customer, ago, lines=draw(st.lists(line, min_size=1, max_size=3)), at=at, **shop)
        moment = st.tuples(
            st.sampled_from([0, 1, 2, 7, 29, 30, 60, 75, 400]), st.sampled_from([0, DAY // 2, DAY - 1])
        )
        for ago, at in draw(st.lists(moment, max_size=6)):
            kind = draw(
                st.sampled_from(["view", "click", "add_to_cart", "sign_in", "join_group", "group_message"])
            )
            keys = {
                "product_key": st.sampled_from(["", "苹果", "红苹果手机壳", "袜子"]),
                "category_key": st.sampled_from(["", "水果", "水果/热带", "水果刀"]),
                "shop_key": text, "channel_key": text, "page_key": st.sampled_from(["", "苹果一群", "首页"]),
            }  # fmt: skip
            world.event(customer, kind, ago, at=at, **draw(st.fixed_dictionaries(keys)))
        for ago, at in draw(st.lists(moment, max_size=3)):
            world.send(customer, draw(st.sampled_from(["三月水果", "四月三月", "清明"])), ago, at=at)
        if draw(st.booleans()):
            world.adjust(
                customer, draw(st.sampled_from([0, 30, 61])), draw(st.sampled_from([1, 5000, 30000]))
            )
    world.order(None, 3, 100)
    return world


# That the engines agree on such rules is what the first test shows; the laws then need only one of them.
CALM = examples(30)


@CALM
@given(
    worlds(),
    st.lists(CONDITIONS, min_size=1, max_size=4),
    st.sampled_from([AS_OF, AsOf(AS_OF.seconds - 40_000)]),
)
def test_sql_on_both_engines_equals_the_naive_meaning(
    world: World, conditions: list[str], as_of: AsOf
) -> None:
    # What is later than the moment never reaches the facts.
    world.orders = [row for row in world.orders if row["paid_sec"] <= as_of.seconds]
    world.items = [row for row in world.items if row["paid_sec"] <= as_of.seconds]
    world.events = [row for row in world.events if row["at_sec"] <= as_of.seconds]
    world.sends = [row for row in world.sends if row["sent_sec"] <= as_of.seconds]
    tags = "".join(f"  标签{number}: {{when: {text}}}\n" for number, text in enumerate(conditions))
    rules = rules_of(f"{NAMES}tags:\n  底层: {{when: 订单数(水果) >= 1}}\n{tags}")
    assert tags_of(world, rules, as_of) == naive_tags(world, rules, as_of)


@CALM
@given(worlds(), CONDITIONS, CONDITIONS)
def test_not_is_the_exact_complement_and_de_morgan_holds(world: World, one: str, two: str) -> None:
    rules = rules_of(
        f"{NAMES}tags:\n  底层: {{when: 订单数(水果) >= 1}}\n"
        f"  甲: {{when: {{all: [{one}]}}}}\n  非甲: {{when: {{not: {{all: [{one}]}}}}}}\n"
        f"  左: {{when: {{not: {{any: [{one}, {two}]}}}}}}\n  中: {{when: {{none: [{one}, {two}]}}}}\n"
        f"  右: {{when: {{all: [not: {{all: [{one}]}}, not: {{all: [{two}]}}]}}}}\n"
    )
    for tags in tags_of(world, rules, engines=both_engines()[1:]).values():
        assert ("甲" in tags) != ("非甲" in tags)
        assert ("左" in tags) == ("中" in tags) == ("右" in tags)


@CALM
@given(worlds(), st.integers(1, 100), st.sampled_from(["", "水果", "甲店", "水果、甲店"]))
def test_no_order_in_the_last_n_days_means_the_last_was_n_days_ago_or_never(
    world: World, n: int, scope: str
) -> None:
    within = "、".join(filter(None, [f"近{n}天", scope]))
    whole = f"({scope})" if scope else ""
    one = both_engines()[1:]
    left = holders(world, f"订单数({within}) = 0", NAMES, engines=one)
    right = holders(
        world, f'{{any: ["距上次购买天数{whole} >= {n}", "订单数{whole} = 0"]}}', NAMES, engines=one
    )
    assert left == right
