"""The structural keys of rule files: where each belongs and what it says. Lists, editor schema and docs rest on it."""

from __future__ import annotations

from siyu_cli.language import tr

Keys = dict[str, str]

_NOTE = tr("说明,随便写", "A note")
_GUARD = tr("一次变化太大就停下", "Stops a run that changes too much")
_WAS = tr("旧名:改名时标签跟着走", "The earlier name: holders keep the tag")
_WHEN = tr("条件;列表就是全部满足", "The condition; a list means all of it")
_AT = tr("几号几点:2025-03-15 10:00;只写日期是中午", "When: 2025-03-15 10:00; a date alone is noon")
_AGO = tr("截止日往前几天(中午)", "Days before the cut-off (noon)")

STRUCTURE: dict[str, Keys] = {
    "file": {
        "version": tr("写 1,可省略", "1, may be left out"),
        "scopes": tr("范围:哪些订单、商品行、行为算数", "Which orders, lines or events count"),
        "metrics": tr("自己的指标", "Metrics of your own"),
        "manual_tags": tr("只由人打的标签的名单", "Tags that only people set"),
        "tag_groups": tr("一组互斥标签", "Groups of exclusive tags"),
        "tags": tr("自动标签", "Automatic tags"),
        "stages": tr("客户阶段的名单,按先后", "The lifecycle stages in order"),
        "tests": tr("规则测试", "Tests of rules"),
    },
    "scope": {"on": tr("看什么行", "Rows of what"), "when": _WHEN, "note": _NOTE},
    "metric": {
        "from": tr("看什么行", "Rows of what"),
        "agg": tr("怎么算", "How to add up"),
        "of": tr("算哪个字段", "Of which field"),
        "when": tr("只算满足的行", "Only rows that fit"),
        "ratio": tr("两个指标,上 ÷ 下", "Two metrics, upper ÷ lower"),
        "unit": tr("单位,可省略", "The unit, may be left out"),
        "override": tr("改内置指标的定义时写 true", "true to redefine a built-in metric"),
        "note": _NOTE,
    },
    "tag": {
        "when": _WHEN,
        "keep": tr("条件不再成立后保留几天:30d、forever", "How long a tag outlives its condition: 30d, forever"),
        "guard": _GUARD,
        "was": _WAS,
        "manual": tr("forbid:不许人工改", "forbid: hands off"),
        "manual_ttl": tr("人工锁定几天后到期:180d", "Days until a pin runs out: 180d"),
        "note": _NOTE,
    },
    "group": {
        "exclusive": tr("总是 true", "Always true"),
        "tags": tr("标签,先到先得", "The tags by priority"),
        "bands": tr("按一个数字分段", "Bands of a number"),
        "map": tr("按一个字段的值", "By the values of a field"),
        "default": tr("一个也不满足时打什么(只用于 tags)", "The tag of whom none fits (with tags)"),
        "guard": _GUARD,
        "manual": tr("forbid:不许人工改", "forbid: hands off"),
        "manual_ttl": tr("人工锁定几天后到期:180d", "Days until a pin runs out: 180d"),
        "was": tr("改名:{新名: 旧名}", "Renames: {new: old}"),
        "note": _NOTE,
    },
    "stage": {
        "name": tr("阶段的名字", "The stage's name"),
        "when": tr("满足就往后移到这里;不写就只由人来定", "Moves customers on to it; without it only people do"),
        "remind_after": tr("停留几天提醒负责员工:7d", "Days of standing still until the owner is reminded: 7d"),
        "was": tr("旧名:站在那里的人移过来", "Earlier names: their customers come here"),
        "lost": tr("到了这里不算转化时写 true", "true where coming here is no success"),
        "guard": _GUARD,
        "note": _NOTE,
    },
    "bands": {
        "of": tr("哪个数字", "Which number"),
        "cuts": tr("分界,从小到大", "The cuts, ascending"),
        "names": tr("名称,比分界多一个", "The names, one more than cuts"),
        "missing": tr("没有值的打什么", "The tag of whom has no value"),
    },
    "map": {
        "field": tr("哪个客户字段", "Which customer field"),
        "values": tr("{字段值: 标签}", "{value: tag}"),
        "else": tr("有值但不在上面的打什么", "The tag of other values"),
        "missing": tr("没有值的打什么", "The tag of whom has no value"),
    },
    "guard": {
        "max_add": tr("一次最多新增几人", "At most so many new holders"),
        "max_remove_pct": tr("一次最多去掉现有的百分之几", "At most so many percent lost"),
    },
    "condition": {
        "all": tr("全部为真", "All are true"),
        "any": tr("至少一个为真", "At least one is true"),
        "none": tr("一个也不为真", "None is true"),
        "not": tr("那一个条件不为真", "The one condition is not true"),
        "at_least": tr("of 里至少 n 个为真", "At least n of `of` are true"),
        "did": tr("做过某件事", "Did something"),
    },
    "did": {
        "event": tr("哪种行为,或 订单", "Which event, or 订单"),
        "times": tr("几次,默认至少一次", "How often, at least once unless given"),
        "days": tr("在几天里", "On how many days"),
        "same": tr("同一个商品(或品类)才算一组", "Only of the same product (or category)"),
        "within": tr("时间窗口", "A time window"),
        "after": tr("某次推送之后", "After a push"),
        "where": tr("只算满足的行", "Only rows that fit"),
        "without": tr("其后没有做什么", "Without what following"),
    },
    "after": {"push": tr("哪个推送", "Which push"), "hours": tr("多少小时以内", "Within how many hours")},
    "without": {
        "event": tr("哪种行为,或 订单", "Which event, or 订单"),
        "same": tr("true:同一个商品(或品类)", "true: of the same product (or category)"),
        "since": tr("first 从第一次起,last 从最后一次起", "first or last: from then on"),
    },
    "at_least": {"n": tr("几个", "How many"), "of": tr("哪些条件", "Of which conditions")},
    "test": {
        "name": tr("测试叫什么", "The test's name"),
        "as_of": tr("截止哪天", "The cut-off"),
        "customers": tr("编的客户", "Made-up customers"),
        "steps": tr("几天连着测", "Several days in a row"),
        "note": _NOTE,
    },
    "step": {
        "as_of": tr("截止哪天", "The cut-off"),
        "customers": tr("这天新编的,或原来的又做了什么", "New customers, or what known ones did"),
        "expect": tr("{客户: {has: […]}}", "{customer: {has: […]}}"),
        "note": _NOTE,
    },
    "customer": {
        "id": tr("怎么叫这位客户", "The customer's name"),
        "orders": tr("订单", "Orders"),
        "events": tr("行为", "Events"),
        "sends": tr("推送", "Push lists"),
        "expect": tr("该有和不该有的标签", "Tags to have and to lack"),
        "note": _NOTE,
    },
    "order": {
        "ago": _AGO,
        "at": _AT,
        "paid": tr("付了多少元", "Paid, in yuan"),
        "refund": tr("退了多少元", "Sent back, in yuan"),
        "refund_ago": tr("退款在几天前", "Days since the refund"),
        "refund_at": tr("退款在什么时候", "When it was sent back"),
        "status": tr("paid、unpaid、closed、refunded", "paid, unpaid, closed, refunded"),
        "items": tr("商品行", "The lines"),
    },
    "event": {"event": tr("什么行为", "What was done"), "times": tr("几次", "How often"), "ago": _AGO, "at": _AT},
    "send": {"push": tr("哪个推送", "Which push"), "ago": _AGO, "at": _AT},
    "expect": {
        "has": tr("有这些标签", "Has these tags"),
        "lacks": tr("没有这些标签", "Lacks these tags"),
        "only": tr("自动标签正好是这些", "Exactly these automatic tags"),
    },
}  # fmt: skip
"""Place → its keys and what they say. In tests, fields of customers, orders, lines and events are keys, too."""

PLACES: Keys = {
    "file": tr("文件最外层", "the top of a file"),
    "scope": "scopes.…",
    "metric": "metrics.…",
    "tag": "tags.…",
    "group": "tag_groups.…",
    "bands": "tag_groups.….bands",
    "map": "tag_groups.….map",
    "guard": "guard",
    "stage": "stages[]",
    "condition": tr("条件", "conditions"),
    "at_least": "at_least",
    "did": "did",
    "after": "did.after",
    "without": "did.without",
    "test": "tests[]",
    "step": "steps[]",
    "customer": "customers[]",
    "order": "orders[]",
    "event": "events[]",
    "send": "sends[]",
    "expect": "expect",
}
"""Place → where that is."""

WORDS: dict[str, tuple[str, str]] = {
    ">=": (tr("大于或等于", "at least"), "订单数 >= 3"),
    "≥": (tr("同 >=", "as >="), "订单数 ≥ 3"),
    "至少": (tr("同 >=", "as >="), "订单数 至少 3次"),
    "以上": (tr("含这个数和更大的", "this number or more"), "订单数 3次 以上"),
    "<=": (tr("小于或等于", "at most"), "订单数 <= 3"),
    "≤": (tr("同 <=", "as <="), "订单数 ≤ 3"),
    "至多": (tr("同 <=", "as <="), "订单数 至多 3次"),
    "以下": (tr("含这个数和更小的", "this number or less"), "消费额 100元 以下"),
    "以内": (tr("含这个数和更小的", "this number or less"), "距上次购买天数 30天 以内"),
    ">": (tr("大于,不含这个数", "more than"), "消费额 > 100元"),
    "超过": (tr("同 >", "as >"), "消费额 超过 100元"),
    "<": (tr("小于,不含这个数", "less than"), "消费额 < 100元"),
    "不满": (tr("同 <", "as <"), "消费额 不满 100元"),
    "不足": (tr("同 <", "as <"), "消费额 不足 100元"),
    "=": (tr("等于", "equal"), "订单数 = 1"),
    "!=": (tr("不等于;没有值时为真", "not equal; true where missing"), "订单数 != 1"),
    "≠": (tr("同 !=", "as !="), "订单数 ≠ 1"),
    "到": (tr("两头都含", "both ends included"), "距上次购买天数 30 到 60天"),
    "是": (tr("等于其中之一", "is one of"), "渠道 是 抖音"),
    "不是": (tr("是 的反面;没有值时为真", "the opposite of 是"), "渠道 不是 抖音"),
    "属于": (tr("等于其中之一;品类连下级", "is one of; a category with all below"), "省 属于 广东、广西"),
    "不属于": (tr("属于 的反面;没有值时为真", "the opposite of 属于"), "省 不属于 广东、广西"),
    "包含": (tr("含有任何一个", "holds any"), "渠道 包含 抖音、直播"),
    "包含全部": (tr("每一个都含有", "holds every"), "渠道 包含全部 抖音、直播"),
    "不含": (tr("一个也不含;没有值时为真", "holds none"), "渠道 不含 抖音、直播"),
    "开头是": (tr("以其中之一开头", "starts with one of"), "渠道 开头是 抖音"),
    "结尾是": (tr("以其中之一结尾", "ends with one of"), "渠道 结尾是 直播"),
    "有": (tr("有其中任何一个标签", "has any of the tags"), "标签 有 甲、乙"),
    "有任一": (tr("同 有", "as 有"), "标签 有任一 甲、乙"),
    "有全部": (tr("每一个标签都有", "has every tag"), "标签 有全部 甲、乙"),
    "没有": (tr("一个也没有", "has none of the tags"), "标签 没有 甲、乙"),
    "有值": (tr("有值", "has a value"), "距上次购买天数 有值"),
    "为空": (tr("没有值", "has no value"), "渠道 为空"),
    "为真": (tr("是", "yes"), "已退订 为真"),
    "为假": (tr("否", "no"), "已退订 为假"),
    "今天": (tr("= 后面的日子:D 那天", "after =: the day D"), "生日日 = 今天"),
    "本月": (tr("= 后面的月份:D 那个月", "after =: the month of D"), "生日月 = 本月"),
    "上月": (tr("= 后面的月份:前一个月", "after =: the month before"), "生日月 = 上月"),
    "下月": (tr("= 后面的月份:后一个月", "after =: the month to come"), "生日月 = 下月"),
    "万": (tr("乘一万", "times ten thousand"), "消费额 >= 0.5万"),
}  # fmt: skip
"""Word of a condition → what it means, and a line."""

WINDOWS: dict[str, str] = {
    "全部": tr("不限;不写就是它", "no limit, the default"),
    "今天": "D", "昨天": "D−1",
    "本周": tr("周一到 D", "Monday to D"), "上周": tr("上一个周一到周日", "the week before"),
    "本月": tr("1 日到 D", "the 1st to D"), "上月": tr("上一个自然月", "the month before"),
    "本季": tr("季初到 D", "start of the quarter to D"), "上季": tr("上一个自然季", "the quarter before"),
    "今年": tr("1 月 1 日到 D", "1 January to D"), "去年": tr("上一个自然年", "the year before"),
    "近30天": tr("D−29 … D,含今天", "D−29 … D"),
    "过去7个整天": tr("D−7 … D−1,不含今天", "D−7 … D−1"),
    "30到60天前": "D−60 … D−30",
    "近3月": tr("D 减 3 个月的次日 … D", "the day after D − 3 months … D"),
    "近24小时": tr("到秒;早的一端不含", "to the second; the early end excluded"),
    "24到72小时前": tr("到秒;早的一端不含", "to the second; the early end excluded"),
    "2025-01-01~2025-03-31": tr("两头都含", "both ends included"),
}  # fmt: skip
"""Window → the days it means; numbers and dates stand for any."""
