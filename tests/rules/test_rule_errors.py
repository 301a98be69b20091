"""Every error code, with the place of the word that is wrong."""

from __future__ import annotations

import pytest

from siyu_cli.rules.load import check_rules
from siyu_cli.rules.problems import RulesRefused

GOOD_SCOPES = "scopes:\n  水果: {on: items, when: 品类 属于 水果}\n"


def problems_of(*texts: str | bytes) -> list[tuple[str, str]]:
    """(code, the words under the caret) of each problem."""
    files = [
        (f"rules/{number}.yaml", t.encode() if isinstance(t, str) else t) for number, t in enumerate(texts)
    ]
    with pytest.raises(RulesRefused) as caught:
        check_rules(files)
    found = []
    for problem in caught.value.problems:
        start = problem.place.mark.column - 1
        found.append((problem.code, problem.source[start : start + problem.place.length]))
    return found


def tag(line: str) -> str:
    return f"{GOOD_SCOPES}tags:\n  这个:\n    when:\n      - {line}\n"


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("定单数 3次 以上", "E201", "定单数"),
        ("净额 >= 3", "E201", "净额"),
        ("订单数(苹果) >= 1", "E203", "苹果"),
        ("订单数(近30天内) >= 1", "E203", "近30天内"),
        ("标签 有 没有的", "E204", "没有的"),
        ("渠道 >= 3", "E301", "3"),
        ("订单数 是 甲", "E301", "是 甲"),
        ("已退订 有值", "E301", "有值"),
        ("标签 是 甲", "E301", "是 甲"),
        ("订单数 有 甲", "E301", "有 甲"),
        ("消费额 >= 3天", "E302", "3天"),
        ("消费额 >= 3千", "E302", "3千"),
        ("消费额 100 到 200万", "E302", "100 到 200万"),
        ("消费额 >= 1.234", "E303", "1.234"),
        ("距上次购买天数 60 到 30天", "E304", "60 到 30天"),
        ("订单数(60到30天前) >= 1", "E304", "60到30天前"),
        ("not: [订单数 >= 1]", "E305", "["),
        ("订单数(近30天、全部) >= 1", "E306", "全部"),
        ("渠道(近30天) 是 甲", "E306", "近30天"),
        ("订单数(下7天) >= 1", "E306", "下7天"),
        ("at_least: {n: 3, of: [订单数 >= 1]}", "E307", "3"),
        ("消费额 >= 99999999999", "E307", "99999999999"),
        ("[订单数(近90天, 水果) >= 2]", "E106", "订单数(近90天"),
        ("{not: 订单数(近90天, 水果) >= 2}", "E106", "订单数(近90天"),
        ("曾有标签(近45天) 有 没有的", "E204", "没有的"),
        ("曾有标签(近36小时) 有 甲", "E306", "近36小时"),
        ("曾有标签(水果) 有 甲", "E306", "水果"),
        ("曾有标签(近3天、近5天) 有 甲", "E306", "近3天"),
        ("曾有标签 是 甲", "E301", "是 甲"),
        ("曾有标签 >= 3", "E301", "3"),
        ("持有天数 >= 3", "E306", "持有天数"),
        ("持有天数(近3天) >= 3", "E306", "近3天"),
        ("持有天数(没有的) >= 3", "E204", "没有的"),
        ("持有天数(这个) >= 3次", "E302", "3次"),
        ("订单数 = 本月", "E301", "本月"),
        ("生日月 = 今天", "E301", "今天"),
        ("生日日 = 本月", "E301", "本月"),
        ("生日月 >= 本月", "E301", "本月"),
        ("生日月 = 13月", "E307", "13月"),
        ("生日日 <= 0", "E307", "0"),
        ("生日月 = 3天", "E302", "3天"),
        ("did: 加购", "E107", "加购"),
        ("did: {}", "E107", "did"),
        ("did: {times: '>= 2'}", "E107", "did"),
        ("did: {event: 加够}", "E307", "加够"),
        ("did: {event: 加购, same: 店铺}", "E307", "店铺"),
        ("did: {event: 加购, time: '>= 2'}", "E107", "time"),
        ("did: {event: 加购, times: 3}", "E108", "3"),
        ("did: {event: 加购, times: '>= 三'}", "E108", ">= 三"),
        ("did: {event: 加购, times: '>= 3天'}", "E302", "3天"),
        ("did: {event: 加购, days: '>= 3次'}", "E302", "3次"),
        ("did: {event: 加购, times: '3 到 2'}", "E304", "3 到 2"),
        ("did: {event: 加购, times: '= 0'}", "E307", "= 0"),
        ("did: {event: 加购, times: '< 1次'}", "E307", "< 1次"),
        ("did: {event: 加购, within: 近七天}", "E306", "近七天"),
        ("did: {event: 加购, within: 下7天}", "E306", "下7天"),
        ("did: {event: 加购, within: 72到24小时前}", "E304", "72到24小时前"),
        ("did: {event: 加购, within: 水果}", "E306", "水果"),
        ("did: {event: 点击, after: 三月}", "E107", "三月"),
        ("did: {event: 点击, after: {push: 三月}}", "E107", "after"),
        ("did: {event: 点击, after: {push: 三月, hours: 0}}", "E307", "0"),
        ("did: {event: 点击, after: {push: '', hours: 3}}", "E107", "'"),
        ("did: {event: 加购, where: 净额 >= 3}", "E202", "净额"),
        ("did: {event: 加购, where: 推送 是 三月}", "E202", "推送"),
        ("did: {event: 加购, where: {any: []}}", "E108", "["),
        ("did: {event: 加购, where: {did: {event: 浏览}}}", "E107", "did"),
        ("did: {event: 加购, where: [品类 属于 水果, 订单数 >= 1]}", "E202", "订单数"),
        ("did: {event: 加购, without: 订单}", "E107", "订单"),
        ("did: {event: 加购, without: {event: 订单}}", "E107", "without"),
        ("did: {event: 加购, without: {event: 下单, since: first}}", "E307", "下单"),
        ("did: {event: 加购, without: {event: 订单, since: 首次}}", "E307", "首次"),
        ("did: {event: 加购, without: {event: 加购, since: last}}", "E307", "加购"),
        ("did: {event: 加购, without: {event: 订单, same: true, since: last}}", "E107", "true"),
        ("did: {event: 加购, same: 商品, without: {event: 订单, same: 商品, since: last}}", "E307", "商品"),
        ("[did: {event: 加购}, did: {event: 加够}]", "E307", "加够"),
        ("{订单数 >= 2}", "E107", "订单数 >= 2"),
        ("RFM分 >= 3", "E201", "RFM分"),
        ("rfm分群 >= 3", "E301", "3"),
        ("订单数", "E108", "订单数"),
        ("订单数 3次", "E108", ""),
        ("消费额500元以上", "E108", "消费额500元以上"),
        ("订单数(近30天 >= 2", "E108", ">="),
        ("消费额 >= 1,000", "E108", ",000"),
        ("订单数 很多", "E108", "很多"),
        ("渠道 是抖音", "E108", "是抖音"),
        ("渠道 是 抖音 短信", "E108", "短信"),
        ("渠道 是", "E108", ""),
        ("true", "E108", "true"),
        ("any: []", "E108", "["),
        ("any\uff1a订单数 >= 1", "E102", "\uff1a"),
        ("any:[订单数 >= 1]", "E103", "any:"),
        ("-订单数 >= 1", "E103", "-"),
        ('"定单数 >= 1"', "E201", "定单数"),
        ("条件\uff1a订单数 >= 1", "E102", "\uff1a"),
        ("【订单数 >= 1】", "E102", "【"),
        ("\uff0d 订单数 >= 1", "E102", "\uff0d"),
    ],
)
def test_one_mistake_in_a_line(line: str, code: str, word: str) -> None:
    assert problems_of(tag(line)) == [(code, word)]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("订单数 大于 3", "写成 >"),
        ("订单数 大于等于 3", "写成 >="),
        ("订单数 不超过 3", "写成 <="),
        ("订单数 => 3", "写成 >="),
        ("订单数 == 3", "写成 ="),
        ("渠道 不包含 甲", "写成 不含"),
        ("渠道 不为空", "写成 有值"),
        ("订单数 >= 3 并且 消费额 > 5", "一行只写一个条件"),
        ("消费额 >= 3元 or 消费额 > 5", "一行只写一个条件"),
        ("渠道 是 甲 且 省 是 乙", "一行只写一个条件"),
        ("渠道 有值 且 省 有值", "一行只写一个条件"),
        ("订单数 三次 以上", "数字用 0 到 9 写"),
        ("订单数 >= 三", "数字用 0 到 9 写"),
    ],
)
def test_words_of_other_languages_are_translated(line: str, hint: str) -> None:
    with pytest.raises(RulesRefused) as caught:
        check_rules([("rules/甲.yaml", tag(line).encode())])
    (problem,) = caught.value.problems
    assert problem.code == "E108"
    # The whole of it, so that > is not taken for >=.
    assert problem.hint == hint or (problem.hint.startswith(hint) and not hint.startswith("写成"))


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("tag: {}", "E107", "tag"),
        ("tags: {甲: {when: 订单数 >= 1, kept: 3d}}", "E107", "kept"),
        ("tags: {甲: {note: 没有条件}}", "E107", "甲"),
        ("tags: [甲]", "E107", "["),
        ("version: 2", "E307", "2"),
        ("tags: {甲: {when: 订单数(近90天, 水果) >= 2}}", "E106", "订单数(近90天"),
        ("tags: {甲: {when: 消费额 >= 1,000元}}", "E106", "消费额 >= 1"),
        ("tags: {甲: {when: [消费额 >= 1,000元, 订单数 >= 1]}}", "E106", "消费额 >= 1"),
        ("tags: {甲: {when: {not: 消费额 >= 1,000元}}}", "E106", "消费额 >= 1"),
        ("scopes: {甲: {on: 客户, when: 店铺 是 甲}}", "E307", "客户"),
        ("scopes: {甲: {on: orders, when: 商品名 是 甲}}", "E202", "商品名"),
        ("scopes: {今天: {on: orders, when: 店铺 是 甲}}", "E206", "今天"),
        ("metrics: {甲: {from: orders, agg: median}}", "E307", "median"),
        ("metrics: {甲: {from: orders, agg: first}}", "E107", "甲"),
        ("metrics: {甲: {from: orders, agg: first, of: 商品}}", "E202", "商品"),
        ("metrics: {甲: {from: orders, agg: last, of: 店铺, unit: 元}}", "E302", "元"),
        ("metrics: {甲: {from: orders, agg: last, of: 店铺}, 乙: {ratio: [甲, 订单数]}}", "E301", "甲"),
        ("metrics: {甲: {from: orders, agg: first, of: 店铺}}\ntags: {乙: {when: 甲 >= 3}}", "E301", "3"),
        (
            "metrics: {甲: {from: orders, agg: first, of: 净额}}\ntags: {乙: {when: 甲 是 三}}",
            "E301",
            "是 三",
        ),
        ("metrics: {持有天数: {from: orders, agg: count}}", "E206", "持有天数"),
        ("scopes: {甲: {on: items, when: {did: {event: 加购}}}}", "E107", "did"),
        ("metrics: {甲: {from: orders, agg: sum}}", "E107", "甲"),
        ("metrics: {甲: {from: orders, agg: sum, of: 店铺}}", "E301", "店铺"),
        ("metrics: {甲: {from: orders, agg: sum, of: 商品名}}", "E202", "商品名"),
        ("metrics: {甲: {from: orders, agg: sum, of: 净额, unit: 天}}", "E302", "天"),
        ("metrics: {甲: {ratio: [客单价, 订单数]}}", "E301", "客单价"),
        ("metrics: {甲: {from: orders, agg: avg, of: 净额}, 乙: {ratio: [甲, 订单数]}}", "E301", "甲"),
        ("metrics: {甲: {ratio: [消费额, 平均复购间隔]}}", "E301", "平均复购间隔"),
        ("metrics: {甲: {ratio: [消费额]}}", "E107", "["),
        ("metrics: {甲: {ratio: [消费额, 订单数]}, 乙: {ratio: [甲, 订单数]}}", "E301", "甲"),
        ("metrics: {甲: {ratio: [消费额, 订单数], unit: '%'}}", "E302", "'"),
        ("metrics: {订单数: {from: items, agg: count}}", "E206", "订单数"),
        ("metrics: {渠道: {from: items, agg: count}}", "E206", "渠道"),
        ("tags: {甲: {when: 订单数 >= 1}}\nmanual_tags: [甲]", "E206", "甲"),
        ("tag_groups: {甲: {map: {field: R分, values: {1: 乙}}}}", "E301", "R分"),
        ("tag_groups: {甲: {map: {field: 省份, values: {1: 乙}}}}", "E202", "省份"),
        ("tag_groups: {甲: {bands: {}, map: {field: 渠道, values: {乙: 丙}}}}", "E107", "甲"),
        ("tags: {甲: {when: 订单数 >= 1, guard: {max_remove_pct: 300}}}", "E307", "300"),
        ("tags: {甲: {when: 标签 有 乙}, 乙: {when: 标签 没有 甲}}", "E401", "乙"),
        ("tags: {甲: {when: 标签 有 甲}}", "E401", "甲"),
        ("tags: {甲: {when: 订单数 >= 1, keep: 30}}", "E307", "30"),
        ("tags: {甲: {when: 订单数 >= 1, keep: 一个月}}", "E307", "一个月"),
        ("tags: {甲: {when: 订单数 >= 1, manual: 不许}}", "E307", "不许"),
        ("tags: {甲: {when: 订单数 >= 1, manual: forbid, manual_ttl: 9d}}", "E307", "manual_ttl"),
        ("tags: {甲: {when: 订单数 >= 1, was: 乙}, 乙: {when: 订单数 >= 2}}", "E206", "甲"),
        ("tags: {甲: {when: 订单数 >= 1, was: 丙}, 乙: {when: 订单数 >= 2, was: 丙}}", "E206", "甲"),
        ("tag_groups: {组: {exclusive: false, tags: [{甲: {when: 订单数 >= 1}}]}}", "E307", "false"),
        ("tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1, 乙: 1}}]}}", "E107", "乙"),
        ("tag_groups: {组: {tags: [甲]}}", "E107", "甲"),
        ("tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1}}], default: 甲}}", "E206", "甲"),
        ("tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1}}], was: {乙: 丙}}}", "E204", "乙"),
        (
            "tag_groups: {组: {bands: {of: 订单数, cuts: [1], names: [甲, 乙]}, default: 丙}}",
            "E107",
            "default",
        ),
        ("tag_groups: {组: {bands: {of: 订单数, cuts: [1, 2], names: [甲, 乙]}}}", "E107", "["),
        ("tag_groups: {组: {bands: {of: 订单数, cuts: [2, 2], names: [甲, 乙, 丙]}}}", "E304", "2"),
        ("tag_groups: {组: {bands: {of: 消费额, cuts: [2天], names: [甲, 乙]}}}", "E302", ""),
        ("tag_groups: {组: {bands: {of: 消费额, cuts: [0.001], names: [甲, 乙]}}}", "E303", ""),
        ("tag_groups: {组: {bands: {of: 消费, cuts: [1], names: [甲, 乙]}}}", "E201", "消费"),
        ("tag_groups: {组: {bands: {of: 渠道, cuts: [1], names: [甲, 乙]}}}", "E301", "渠道"),
        (
            "tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1}}, {乙: {when: 标签 没有 甲}}]}}",
            "E402",
            "乙",
        ),
        (
            "tags: {丙: {when: 标签 有 甲}}\n"
            "tag_groups: {组: {tags: [{甲: {when: 订单数 >= 1}}, {乙: {when: 标签 没有 丙}}]}}",
            "E401",
            "组",
        ),
        ("tags:\n  甲: {when: 订单数 >= 1}\n  甲: {when: 订单数 >= 2}", "E104", "甲"),
        ("tags: {甲: &a {when: 订单数 >= 1}}", "E105", ""),
        ("tags:\n\t甲: 1", "E102", "\t"),
        ("tags: {甲: {when\uff1a订单数 >= 1}}", "E102", "\uff1a"),
        ("tags\uff1a\n  甲\uff1a 1", "E102", "\uff1a"),
        ("tags:\n  甲:\n    when:订单数 >= 1", "E103", ":"),
        ("manual_tags: [甲\uff0c乙]", "E102", "\uff0c"),
        ("manual_tags: [甲、乙]", "E102", "、"),
        ("manual_tags: ［甲］", "E102", "［"),
    ],
)
def test_one_mistake_in_a_file(text: str, code: str, word: str) -> None:
    found = problems_of(text)
    assert found[0][0] == code, found
    assert word in found[0][1] or found[0][1] in word
    assert len(found) <= 2


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("标签: {}", "键用英文,写 tags"),
        ("指标: {}", "键用英文,写 metrics"),
        ("范围: {}", "键用英文,写 scopes"),
        ("tags: {甲: {条件: 订单数 >= 1}}", "键用英文,写 when"),
        ("tags: {甲: {when: {全部: [订单数 >= 1]}}}", "键用英文,写 all"),
        ("tags: {甲: {when: {任一: [订单数 >= 1]}}}", "键用英文,写 any"),
        ("tags: {甲: {when: {都不: [订单数 >= 1]}}}", "键用英文,写 none"),
        ("tags: {甲: {when: {非: 订单数 >= 1}}}", "键用英文,写 not"),
        ("tags: {甲: {when: {至少满足: {n: 1, of: [订单数 >= 1]}}}}", "键用英文,写 at_least"),
        ("tags: {甲: {when: {at_least: {个数: 1, of: [订单数 >= 1]}}}}", "键用英文,写 n"),
        ("tags: {甲: {when: {at_least: {n: 1, 其中: [订单数 >= 1]}}}}", "键用英文,写 of"),
        ("tags: {甲: {ＷＨＥＮ: 订单数 >= 1}}", "写成 when"),
        ("tags: {甲: {wehn: 订单数 >= 1}}", "你是不是想写:when ?"),
    ],
)
def test_a_chinese_key_is_told_its_english_name(text: str, hint: str) -> None:
    with pytest.raises(RulesRefused) as caught:
        check_rules([("a.yaml", text.encode())])
    assert ("E107", hint) in [(problem.code, problem.hint) for problem in caught.value.problems]


def test_carets_stand_under_the_word_in_wide_and_long_lines() -> None:
    """Emoji and Chinese take two columns, combining marks none; a long line is cut around the mistake."""
    line = "      - 标签 有 🍎苹果控e\u0301"
    with pytest.raises(RulesRefused) as caught:
        check_rules([("a.yaml", f"tags:\n  甲:\n    when:\n{line}\n".encode())])
    assert "\n      | " + " " * 16 + "^" * 9 in caught.value.message
    long = "、".join(f"关键词{number}" for number in range(3_000))
    with pytest.raises(RulesRefused) as caught:
        check_rules([("a.yaml", f"tags: {{甲: {{when: [渠道 属于 {long}, 定单数 >= 1]}}}}".encode())])
    shown = str(caught.value.problems[0])
    assert len(shown) < 600
    assert "…" in shown
    assert "定单数" in shown


def test_many_mistakes_take_seconds_not_hours() -> None:
    import time

    text = "tags:\n" + "".join(f"  标签{n}:\n    when: 定单数 >= {n}\n" for n in range(3_000))
    started = time.monotonic()
    with pytest.raises(RulesRefused) as caught:
        check_rules([("a.yaml", text.encode())])
    assert len(caught.value.problems) == 3_000
    assert time.monotonic() - started < 20


def test_every_mistake_of_a_did_in_one_go() -> None:
    text = """
tags:
  这个:
    when:
      did:
        event: 浏揽
        times: ">= 三"
        days: 2天
        within: 近七天
        after: {push: 三月, hours: 很多}
        without: {event: 订单, since: 上次}
"""
    assert problems_of(text) == [
        ("E307", "浏揽"),
        ("E108", ">= 三"),
        ("E108", "2天"),
        ("E306", "近七天"),
        ("E307", "很多"),
        ("E307", "上次"),
    ]


def test_deep_nesting_and_foreign_bytes() -> None:
    assert problems_of(tag("not: {all: " * 15 + "订单数 >= 1" + "}" * 15))[0][0] in ("E403", "E103")
    assert problems_of("标签: 1".encode("gbk"))[0][0] == "E101"


def said_of(text: str | bytes) -> str:
    """Everything shown of the mistakes of a file."""
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(RulesRefused) as refused:
        check_rules([("a.yaml", raw)])
    return "\n".join(map(str, refused.value.problems))


def test_hints_say_what_to_write_instead() -> None:
    assert "数字里不写逗号:1000元" in said_of("tags: {甲: {when: 消费额 >= 1,000元}}")
    assert "先在 metrics 里写一个比值" in said_of("tags: {甲: {when: '消费额(近30天) > 消费额(近90天)'}}")
    assert "比值" not in said_of("tags: {甲: {when: 订单数 >= 三次}}")
    many = "tags: {甲: {when: {at_least: {n: 3, of: [订单数 >= 1, 消费额 >= 1]}}}}"
    assert "of 里有 2 条,n 应是 1 到 2 的整数" in said_of(many)
    one = "tags: {甲: {when: {at_least: {n: 2, of: [订单数 >= 1]}}}}"
    assert "of 里只有 1 条,n 只能是 1" in said_of(one)


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-16-le"])
def test_a_line_of_another_encoding_is_shown_as_it_reads(encoding: str) -> None:
    assert "    1 | tags: {老客: {when: 订单数 >= 2}}" in said_of(
        "tags: {老客: {when: 订单数 >= 2}}".encode(encoding)
    )


def test_bytes_of_no_encoding_are_not_shown() -> None:
    said = said_of(b"tags: \xff\xff\xfe\x80 \x81")
    assert "E101" in said
    assert "\ufffd" not in said


def test_all_files_in_one_go_with_lines_and_carets() -> None:
    files = [
        ("rules/a.yaml", b"tags:\n  A:\n    when: [1 2"),
        ("rules/b.yaml", "tags:\n  流失:\n    when:\n      - 定单数 3次 以上\n".encode()),
    ]
    with pytest.raises(RulesRefused) as caught:
        check_rules(files)
    assert [problem.code for problem in caught.value.problems] == ["E103", "E201"]
    assert (
        "rules/b.yaml:4:9  错误 E201  没有叫「定单数」的指标\n"
        "    4 |       - 定单数 3次 以上\n"
        "      |         ^^^^^^ 你是不是想写:订单数 ?" in caught.value.message
    )
    body = caught.value.as_dict()
    assert body["code"] == "rules-refused"
    assert body["problems"][1]["where"] == {"file": "rules/b.yaml", "line": 4, "column": 9}  # type: ignore[index]


def test_a_circle_is_reported_beside_other_mistakes() -> None:
    text = "tags:\n  甲: {when: 标签 有 乙}\n  乙: {when: 标签 没有 甲}\n  丙: {when: 定单数 > 1}\n"
    assert sorted(problems_of(text)) == [("E201", "定单数"), ("E401", "乙")]


@pytest.mark.parametrize("name", ["近30天", "全部", "30到60天前", "2025-01-01~2025-03-31", "近３０天"])
def test_a_scope_that_reads_as_a_window_is_refused(name: str) -> None:
    assert problems_of(f"scopes:\n  {name}: {{on: items, when: 商品名 是 甲}}\n") == [("E206", name)]


def test_a_definition_with_a_mistake_is_reported_once_not_wherever_it_is_used() -> None:
    scope = "scopes: {甲: {on: orders, when: 店 是 甲}}\n"
    text = f"{scope}tags:\n  一: {{when: 订单数(甲) >= 1}}\n  二: {{when: 消费额(甲) >= 1}}\n"
    assert [code for code, _ in problems_of(text)] == ["E202"]


def test_same_name_in_two_files_names_the_other_place() -> None:
    text = "tags: {甲: {when: 订单数 >= 1}}"
    with pytest.raises(RulesRefused) as caught:
        check_rules([("a.yaml", text.encode()), ("b.yaml", text.encode())])
    assert [(p.code, p.hint) for p in caught.value.problems] == [("E206", "另一处:a.yaml:1:8")]


def test_order_of_files_and_definitions_changes_nothing() -> None:
    one, two = (
        "scopes: {甲: {on: orders, when: 店铺 是 甲}}",
        "tags: {一: {when: 订单数(甲) >= 1}, 二: {when: 标签 有 一}}",
    )
    first = check_rules([("a.yaml", one.encode()), ("b.yaml", two.encode())])
    second = check_rules([("y.yaml", two.encode()), ("z.yaml", one.encode())])
    assert [(rule.name, rule.rule_hash) for rule in first.tags] == [
        (rule.name, rule.rule_hash) for rule in second.tags
    ]
