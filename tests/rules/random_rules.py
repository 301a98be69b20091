"""Random worlds and random conditions, for laws that must hold whatever they are."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.rules.rule_facts import DAY, World

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
  首单渠道: {from: orders, agg: first, of: 下单渠道}
  末单店铺: {from: orders, agg: last, of: 店铺}
  首行品类: {from: items, agg: first, of: 品类}
  末行商品: {from: items, agg: last, of: 商品名, when: 商品名 有值}
  末次页面: {from: events, agg: last, of: 页面}
  末次行为: {from: events, agg: last, of: 事件}
  首次推送: {from: sends, agg: first, of: 推送}
  首单额: {from: orders, agg: first, of: 净额}
  末单额: {from: orders, agg: last, of: 净额, unit: 元}
  末行件数: {from: items, agg: last, of: 数量}
  首单行数: {from: orders, agg: first, of: 行数}
  末单占比: {ratio: [末单额, 消费额], unit: "%"}
  间隔倍数: {ratio: [距上次购买天数, 平均复购间隔]}
  间隔变化: {ratio: [平均复购间隔, 首购距今天数], unit: "%"}
  行为间隔比: {ratio: [行为间隔, 首次行为]}
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
    "末行件数",
    "首单行数",
    "间隔倍数",
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
    "行为间隔比",
]
SENDS = ["触达次数", "距上次触达天数", "触达天数", "推送种数"]
FITTING = {"deed": ["看水果", "甲店行为"], "send": ["三月推送"]}
MONEY = ["消费额", "客单价", "笔均额", "最大单", "最小单", "最小行", "每件金额", "首单额", "末单额"]
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
OTHERS = ["share", "field", "score", "flag", "tag", "number", "choice", "group", "calendar"]
PAST = ["edge", "edge", "edge", "had", "had", "held"]
# Metrics that are texts, and whose scopes fit.
EDGES = {
    "首单渠道": "count", "末单店铺": "count", "首行品类": "count", "末行商品": "count", "末次页面": "deed", "首次推送": "send",
}  # fmt: skip
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
def operands(draw: Any, kind: str, name: str) -> str:
    """A metric with scopes that fit and perhaps a window."""
    arguments = draw(st.lists(st.sampled_from(FITTING.get(kind, SCOPES)), max_size=2, unique=True))
    arguments += draw(st.lists(st.sampled_from(WINDOWS), max_size=1))
    return f"{name}({'、'.join(arguments)})" if arguments else name


@st.composite
def text_tests(draw: Any) -> str:
    words = ["是", "不是", "属于", "不属于", "包含", "包含全部", "不含", "开头是", "结尾是"]
    texts = "、".join(draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True)))
    return draw(st.sampled_from([f"{draw(st.sampled_from(words))} {texts}", "有值", "为空"]))


@st.composite
def past_lines(draw: Any) -> str:
    """First and last texts, tags of earlier days."""
    kind = draw(st.sampled_from(PAST))
    if kind == "edge":
        if draw(st.integers(0, 5)) == 0:
            return f"末次行为 {draw(st.sampled_from(['是 浏览、加购', '不是 点击', '有值']))}"
        if draw(st.integers(0, 3)) == 0:
            return f"{draw(operands('money', draw(st.sampled_from(['首单额', '末单额']))))} {draw(predicates(False))}"
        name = draw(st.sampled_from(sorted(EDGES)))
        return f"{draw(operands(EDGES[name], name))} {draw(text_tests())}"
    tags = "、".join(
        draw(st.lists(st.sampled_from(["亲友", "售后", "底层"]), min_size=1, max_size=2, unique=True))
    )
    if kind == "held":
        return f"持有天数({tags.split('、')[0]}) {draw(predicates(True, '天'))}"
    days = [f"({window})" for window in WINDOWS if "小时" not in window]
    word = draw(st.sampled_from(["有", "没有", "有任一", "有全部"]))
    return f"曾有标签{draw(st.sampled_from(['', *days]))} {word} {tags}"


@st.composite
def dids(draw: Any) -> str:
    """A `did` with any of its keys."""
    events = ["浏览商品", "点击", "加购", "签到", "订单"]
    event = draw(st.sampled_from([*events, "订单", "浏览商品"]))
    wheres = ["品类 属于 水果", "商品 包含 苹果、袜子", "{none: [店铺 是 甲, 商品 为空]}"]
    wheres += ["[净额 >= 50元, 数量 > 0.5件]"] if event == "订单" else ["事件 是 浏览、加购"]
    pushes = st.sampled_from(["三月水果", "三月水果", "四月三月", "清明"])
    body = [f"event: {event}"]
    is_same = draw(st.booleans())
    optional = {
        "same": st.sampled_from(["商品", "品类"]) if is_same else st.nothing(),
        "times": st.sampled_from(['">= 2"', '"< 3"', '"= 1"', '"2 到 3"', '"!= 1"', '"3次 以上"']),
        "days": st.sampled_from(['">= 2"', '"= 1天"', '"< 3"']),
        "within": st.sampled_from(WINDOWS),
        "after": st.builds("{{push: {}, hours: {}}}".format, pushes, st.sampled_from([12, 12, 24, 72, 1000])),
        "where": st.sampled_from(wheres),
    }
    for key, values in optional.items():
        if (key == "same" and is_same) or (key != "same" and draw(st.integers(0, 2)) == 0):
            body.append(f"{key}: {draw(values)}")
    if draw(st.booleans()):
        other = draw(st.sampled_from([one for one in events if one != event]))
        since = draw(st.sampled_from(["first", "last"]))
        same = ", same: true" if is_same and draw(st.booleans()) else ""
        body.append(f"without: {{event: {other}, since: {since}{same}}}")
    return f"{{did: {{{', '.join(body)}}}}}"


@st.composite
def lines(draw: Any) -> str:
    kind = draw(st.sampled_from(["count", "deed"] * 4 + ["money"] * 3 + ["send"] * 2 + OTHERS + ["past"] * 3))
    names = {
        "count": COUNTS,
        "money": MONEY,
        "share": ["水果占比", "末单占比", "间隔变化"],
        "deed": DEEDS,
        "send": SENDS,
    }
    if kind == "past":
        return draw(past_lines())
    if kind in names:
        name = draw(st.sampled_from(names[kind]))
        operand = draw(operands(kind, name))
        if kind == "share":
            return f"{operand} {draw(st.sampled_from(['>= 50%', '< 33.33%', '= 100%', '0 到 99%', '为空']))}"
        unit = {"件数": "件", "消费额": "元"}.get(name, "")
        return f"{operand} {draw(predicates(kind != 'money', unit))}"
    if kind == "field":
        return f"{draw(st.sampled_from(FIELDS))} {draw(text_tests())}"
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
    if kind == "calendar":
        months = ["= 本月", "!= 本月", "= 上月", "= 下月"]
        return f"生日月 {draw(st.sampled_from(months))}" if draw(st.booleans()) else "生日日 = 今天"
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


def quoted(line: str) -> str:
    return f'"{line}"'


CONDITIONS = st.recursive(
    st.one_of(lines().map(quoted), lines().map(quoted), lines().map(quoted), dids()), nest, max_leaves=6
)
# What looks at deeds one by one, at first and last rows and at the past.
SINGLE = st.one_of(dids(), dids(), past_lines().map(quoted))


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
        for tag in draw(st.lists(st.sampled_from(["亲友", "售后", "底层"]), max_size=4)):
            ago = draw(st.sampled_from([0, 1, 2, 7, 15, 29, 30, 31, 60, 61, 400]))
            until = draw(st.one_of(st.none(), st.sampled_from([0, 1, 6, 14, 29, 30, 59])))
            world.held(customer, tag, ago, until if until is None or until < ago else None)
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


@st.composite
def busy_worlds(draw: Any) -> World:
    """Few people, days, hours and products: deeds, sends and orders often meet to the second."""
    world = World()
    ago, at = st.sampled_from([0, 1, 2, 3]), st.sampled_from([0, DAY // 2])
    product = st.sampled_from(["苹果", "苹果", "袜子", ""])
    categories = {"苹果": "水果", "袜子": "服饰", "": ""}
    for _ in range(draw(st.integers(2, 5))):
        customer = world.customer()
        kinds = st.sampled_from(["view", "view", "click", "add_to_cart"])
        for kind, days, second, name in draw(
            st.lists(st.tuples(kinds, ago, at, product), min_size=2, max_size=9)
        ):
            world.event(
                customer,
                kind,
                days,
                at=second,
                product_key=name,
                category_key=categories[name],
                shop_key="甲",
            )
        for days, second, names in draw(
            st.lists(st.tuples(ago, at, st.lists(product, min_size=1, max_size=2)), max_size=3)
        ):
            lines = [
                {"net_fen": 5000, "product_key": name, "category_key": categories[name]} for name in names
            ]
            world.order(
                customer, days, lines=lines, at=second, channel_key=draw(st.sampled_from(["甲", "乙"]))
            )
        for push, days, second in draw(
            st.lists(st.tuples(st.sampled_from(["三月水果", "清明"]), ago, at), max_size=2)
        ):
            world.send(customer, push, days, at=second)
        for tag, days, until in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["亲友", "底层"]),
                    st.sampled_from([1, 3, 30, 31]),
                    st.sampled_from([None, 0, 29]),
                ),
                max_size=3,
            )
        ):
            world.held(customer, tag, days, until if until is None or until < days else None)
    return world
