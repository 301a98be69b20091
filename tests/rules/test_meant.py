"""What people write that is none of the language's: the message names what to write instead."""

from __future__ import annotations

import pytest

from siyu_cli.rules.load import check_rules
from siyu_cli.rules.problems import RulesRefused
from tests.rules.test_rule_errors import said_of, tag


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("订单数(近半年) >= 1", "写成 近6月"),
        ("订单数(最近30天) >= 1", "写成 近30天"),
        ("订单数(过去30天) >= 1", "写成 近30天"),
        ("订单数(近七天) >= 1", "写成 近7天"),
        ("订单数(最近三个月) >= 1", "写成 近3月"),
        ("订单数(近一年) >= 1", "写成 近12月"),
        ("订单数(近2周) >= 1", "写成 近14天"),
        ("订单数(三十天内) >= 1", "写成 近30天"),
        ("订单数(上个月) >= 1", "写成 上月"),
        ("订单数(本季度) >= 1", "写成 本季"),
        ("订单数(90天前) >= 1", "写成 90到3650天前"),
        ("订单数(2024年11月) >= 1", "写成 2024-11-01~2024-11-30"),
        ("订单数(2024-11-01到2024-11-11) >= 1", "写成 2024-11-01~2024-11-11"),
        ("订单数(2024/11/1-2024/11/11) >= 1", "写成 2024-11-01~2024-11-11"),
        ("订单数(~2024-10-31) = 0", "写成 2000-01-01~2024-10-31"),
        ("订单数(2024-11-01以后) >= 1", "写成 2024-11-01~2099-12-31"),
        ("订单数(水国) >= 1", "你是不是想写:水果 ?"),
        ("订单数(红茶) >= 1", "范围要先在 scopes 里写:红茶: {on: items, when: 商品名 包含 …};现有的:水果"),
        ("会员等级 = 金卡", "右边只能是数字;文字写成 是 金卡"),
        ("会员等级 != 金卡", "右边只能是数字;文字写成 不是 金卡"),
        ("省 等于 广东", "写成 是"),
        ("订单数 等于 3", "写成 ="),
        ("省 不等于 广东", "写成 不是"),
        ("省 在 广东、广西", "写成 属于"),
        ("已退订 = false", "写成 为假"),
        ("生日月 = 下个月", "写成 下月"),
        ("生日月 是 下月", "写成 = 下月"),
        ("订单数 不是 3", "写成 != 3"),
        ("标签 是 甲", "写成 有"),
        ("标签 不含 甲", "写成 没有"),
        ("没有 标签 甲", "名称写在前面:标签 没有 …"),
        ("30 <= 距上次购买天数 <= 60", "名称写在前面:距上次购买天数 30 到 60"),
        ("距上次购买天数 30-60天", "写成 30 到 60天"),
        ("距上次购买天数 30天~60天", "写成 30 到 60天"),
        ("距上次购买天数 在30到60天之间", "写成 30 到 60天"),
        ("订单数 > = 2", "写成 >="),
        ("首购距今天数 在 2024-11-01", "日期写成时间窗口,放在指标的括号里:订单数(2024-11-01~2024-11-11) >= 1"),
        ("首购距今天数 < 2024-11-01", "日期写成时间窗口,放在指标的括号里:订单数(2024-11-01~2024-11-11) >= 1"),
        ("消费额 >= 200块", "写成 元,或不写单位"),
        ("did: {event: 加购, times: 3}", '至少写成 ">= 3",正好写成 "= 3"'),
        ("did: {event: 加购, within: 近半年}", "写成 近6月"),
    ],
)  # fmt: skip
def test_what_people_write_is_named_in_the_words_of_the_language(line: str, hint: str) -> None:
    with pytest.raises(RulesRefused) as caught:
        check_rules([("rules/甲.yaml", tag(line).encode())])
    assert [problem.hint for problem in caught.value.problems] == [hint]


@pytest.mark.parametrize("rest", ["消费额 >= 100", "或 消费额 >= 100", "and 消费额 >= 100"])
def test_two_conditions_on_one_line_are_told_apart(rest: str) -> None:
    """Without dashes YAML folds them into one line; the word is not cut in two by a unit of one letter."""
    said = said_of(f"tags:\n  甲:\n    when:\n      any:\n        订单数 >= 2\n        {rest}\n")
    assert f"数字之后看不懂:「{rest.split()[0]}」" in said
    assert "一行只写一个条件:都要满足就各写一行、每行前面加「- 」,满足一个就行用 any" in said
    assert "一行只写一个条件" in said_of("tags: {甲: {when: '订单数 >= 2,消费额 >= 100'}}")


def test_a_share_without_a_percent_sign_of_its_own_is_a_decimal() -> None:
    said = said_of("metrics: {比: {ratio: [购买天数(近30天), 购买天数]}}\ntags: {甲: {when: 比 < 62.5%}}")
    assert '写成 0.625;要写百分号,就在这个指标里加 unit: "%"' in said


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tags: {甲: 订单数 >= 1}", "条件写在 when: 后面"),
        ("tags: {甲: [订单数 >= 1]}", "条件写在 when: 后面"),
        ("tags: [甲: {when: 订单数 >= 1}]", "名称前面不写「- 」"),
        ("甲: {when: 订单数 >= 1}", "标签写在 tags: 下面,缩进两格"),
        ("甲: {条件: 订单数 >= 1}", "标签写在 tags: 下面,缩进两格"),
        ("tags: {甲: {When: 订单数 >= 1}}", "写成 when"),
        ("tags: {甲: {when: 订单数 >= 1, keep: 7}}", "写成 7d"),
        ("tags: {甲: {when: 订单数 >= 1, keep: 两周}}", "写成 14d"),
        ("tags: {甲: {when: 订单数 >= 1, manual_ttl: 半天}}", "例:180d"),
        ("stages: [{name: 甲, remind_after: 7天}]", "写成 7d"),
        ("tags:\n  甲:\n    when: 订单数 >= 1\n    - 消费额 >= 9\n", "几条时,「when:」后面换行,每一条都写成一行「- …」"),
    ],
)  # fmt: skip
def test_shapes_people_write_are_named(text: str, hint: str) -> None:
    assert said_of(text).endswith(f" {hint}")


def test_every_full_width_colon_of_a_file_is_said_in_one_go() -> None:
    wide = "tags:\n  甲:\n    when\uff1a\n      - 订单数 >= 1\n  乙\uff1a\n    when: 消费额 >= 1\n"
    assert [line for line in said_of(wide).splitlines() if "E102" in line] == [
        "a.yaml:3:9  错误 E102  这里是中文冒号「\uff1a」",
        "a.yaml:5:4  错误 E102  这里是中文冒号「\uff1a」",
    ]
    folded = "tags\uff1a\n  甲\uff1a\n    when\uff1a订单数 >= 1\n"
    assert said_of(folded).count("E102") == 3
    # A block of free text may hold them.
    block = "tags:\n  甲:\n    note: |\n      注意\uff1a\n      看\n  乙\uff1a\n    when: 消费额 >= 1\n"
    assert said_of(block).count("E102") == 1
