"""What people write that is none of the language's, and what they mean by it there. No names are known here."""

from __future__ import annotations

import re
from calendar import monthrange

from siyu_cli.language import tr
from siyu_cli.windows import WindowError, read_window

# Words of comparisons as they are spoken.
_PREDICATES = {
    "大于等于": ">=", "不小于": ">=", "不低于": ">=", "不少于": ">=", "大于或等于": ">=", "小于等于": "<=", "小于或等于": "<=",
    "不大于": "<=", "不超过": "<=", "不多于": "<=", "不高于": "<=", "大于": ">", "高于": ">", "多于": ">", "小于": "<",
    "低于": "<", "少于": "<", "==": "=", "=>": ">=", "=<": "<=", "<>": "!=", "不包含": "不含",
    "不包括": "不含", "包括": "包含", "含有": "包含", "无": "没有", "is": "是", "in": "属于", "位于": "属于", "不为空": "有值", "非空": "有值", "空": "为空",
}  # fmt: skip
# Equal is one sign for numbers and another word for texts; what follows says which.
_EQUAL = {"不等于": ("!=", "不是"), "等于": ("=", "是")}
_SPLIT_SIGNS = {"> =": ">=", "< =": "<=", "! =": "!="}
_JOINING = ("并且", "而且", "且", "和", "以及", "同时", "或者", "或", "and", "or", "&&", "||")
_TRUTHS = {
    "true": "为真",
    "yes": "为真",
    "是": "为真",
    "真": "为真",
    "false": "为假",
    "no": "为假",
    "否": "为假",
    "假": "为假",
}
_MONTHS = {
    "这个月": "本月",
    "这月": "本月",
    "当月": "本月",
    "上个月": "上月",
    "下个月": "下月",
    "今日": "今天",
    "当天": "今天",
}
_NUMERALS = {
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_NUMERAL_WORDS = frozenset((*_NUMERALS, "十", "百", "千", "万", "几"))
_RANGE = re.compile(r"(\d[\d.]*)\s*([^\W\d至到]?)\s*(?:-|~|—|–|至|到)+\s*(\d[\d.]*)\s*([^\W\d]?)")
_CALENDAR = {
    "本年": "今年", "这一年": "今年", "上年": "去年", "所有": "全部", "历史": "全部", "累计": "全部", "一直": "全部",
    "今日": "今天", "当天": "今天", "昨日": "昨天",
}  # fmt: skip
_SPANS = {
    "年": (12, "月"), "季": (3, "月"), "季度": (3, "月"), "月": (1, "月"), "周": (7, "天"), "星期": (7, "天"),
    "礼拜": (7, "天"), "天": (1, "天"), "日": (1, "天"), "小时": (1, "小时"),
}  # fmt: skip
# Ten years: older orders are in nobody's shop.
_LONG_AGO = 3650
# A name and then what a test begins with: another condition on the same line.
_CONDITION = re.compile(
    r"[^\W\d][^\s(]*(?:\([^)]*\))?\s+(?:[<>=!≥≤≠\d]|至[少多]|超过|不[满足是含]|是|属于|包含|有|没有|为[真假空])"
)
_DATE = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"


def write_instead(words: str) -> str:
    """The hint that says just this."""
    return tr(f"写成 {words}", f"Write {words}")


def one_per_line() -> str:
    """The hint for two conditions on one line."""
    return tr(
        "一行只写一个条件:都要满足就各写一行、每行前面加「- 」,满足一个就行用 any",
        "One condition per line: each on its own behind “- ” where all must hold, under any where one is enough",
    )


def test_hint(text: str, start: int) -> str:
    """What the words from `start` on, where a test belongs, were probably meant to say; '' where nobody knows."""
    rest, word = _rest(text, start)
    before = text[:start].strip()
    if before in ("没有", "有", "是", "不是", "包含", "属于", "不含"):
        return tr(f"名称写在前面:{word} {before} …", f"The name comes first: {word} {before} …")
    if re.search(_DATE, rest):
        return _dated()
    if between := _RANGE.search(rest):
        return write_instead(_between(between))
    for spoken, (number, words) in _EQUAL.items():
        if word.startswith(spoken):
            compared = rest.removeprefix(spoken).strip()
            return write_instead(number if re.match(r"[-+\d]", compared) else words)
    if re.match(r"在(?:\s|$)", rest):
        return write_instead("属于")
    return word_hint(text, start)


def word_hint(text: str, start: int) -> str:
    """What the word at `start`, where nothing more belongs, was probably meant to say."""
    rest, word = _rest(text, start)
    meant = next((one for one in sorted(_PREDICATES, key=len, reverse=True) if word.startswith(one)), "")
    if meant:
        return write_instead(_PREDICATES[meant])
    if word.casefold().startswith(_JOINING) or _CONDITION.match(rest):
        return one_per_line()
    if word[:1] in _NUMERAL_WORDS:
        return tr("数字用 0 到 9 写,例:3次 以上", "Numbers are written with digits, e.g. 3次 以上")
    return ""


def after_number_hint(text: str, start: int) -> str:
    """What was meant by the words from `start` on, behind a number: a span, a date, a second condition."""
    digits = re.search(r"\d[\d.]*\s*[^\W\d]?\s*$", text[:start])
    whole = text[digits.start() if digits else start :]
    if re.match(_DATE, whole):
        return _dated()
    if between := _RANGE.match(whole):
        return write_instead(_between(between))
    if _CONDITION.match(text[start:].lstrip(" ,;、")):
        return one_per_line()
    return word_hint(text, start)


def number_hint(text: str, start: int) -> str:
    """What was meant by the words from `start` on, behind a comparison sign, where a number belongs."""
    _, word = _rest(text, start)
    before = text[:start].rstrip()
    for spaced, whole in _SPLIT_SIGNS.items():
        if f"{before[-1:]} {word[:1]}" == spaced:
            return write_instead(whole)
    # `=>` and `==` were read as = before the rest.
    if word[:1] in ("=", "<", ">") and (sign := _PREDICATES.get(before[-1:] + word[:1])):
        return write_instead(sign)
    if re.match(r"[\d.]+\S?\s*[<>=≥≤]+$", before):
        return tr(f"名称写在前面:{word} 30 到 60", f"The name comes first: {word} 30 到 60")
    if word[:1] in _NUMERAL_WORDS:
        return word_hint(text, start)
    if word in _MONTHS:
        return write_instead(_MONTHS[word])
    if not re.match(r"[^\W\d]", word):
        return ""
    if truth := _TRUTHS.get(word.casefold()):
        return write_instead(truth)
    if before.endswith(("=", "≠")) and not before.endswith((">=", "<=")):
        is_not = before.endswith(("!=", "≠"))
        return tr(
            f"右边只能是数字;文字写成 {'不是' if is_not else '是'} {word}",
            f"Only a number fits here; of a text write {'不是' if is_not else '是'} {word}",
        )
    return tr(
        "右边只能是数字。两个指标相比,先在 metrics 里写一个比值:比: {ratio: [甲, 乙]},再写 比 >= 1",
        "Only a number fits here. To compare two metrics define a ratio: 比: {ratio: [甲, 乙]}, then write 比 >= 1",
    )


def _rest(text: str, start: int) -> tuple[str, str]:
    rest = text[start:].strip()
    return rest, rest.split(maxsplit=1)[0] if rest else ""


def _between(found: re.Match[str]) -> str:
    low, high, unit = found[1], found[3], found[4] or found[2]
    return f"{low} 到 {high}{'' if unit in '之以' else unit}"


def _dated() -> str:
    return tr(
        "日期写成时间窗口,放在指标的括号里:订单数(2024-11-01~2024-11-11) >= 1",
        "Dates are a window in the brackets of a metric: 订单数(2024-11-01~2024-11-11) >= 1",
    )


def days_meant(text: str) -> str:
    """`7`, `7天`, `30日`, `一周` as `keep` and the like write days; '' where it is nothing of the kind."""
    plain = re.sub(r"\s+", "", text)
    if match := re.fullmatch(r"(\d{1,5}|[一二两三四五六七八九十]{1,3})(天|日|周|个?星期|个?月|年)?", plain):
        number = _whole(match[1])
        each = {"周": 7, "星期": 7, "月": 30, "年": 365}.get((match[2] or "天").removeprefix("个"), 1)
        return f"{number * each}d" if number else ""
    return ""


def window_meant(text: str) -> str:
    """The window that words such as `近半年`, `最近30天`, `2024年11月` mean; '' where they mean none."""
    plain = re.sub(r"\s+", "", text)
    for window in (_dates_meant(plain), _CALENDAR.get(plain, ""), _calendar_meant(plain), _last_meant(plain)):
        if window and window != plain and _is_window(window):
            return window
    return ""


def _calendar_meant(plain: str) -> str:
    """`这个月`, `上季度`, `本星期` as 本月, 上季, 本周."""
    match = re.fullmatch(r"(这个?|当个?|本|上一?个?)(季|月|周|星期|礼拜)[度份]?", plain)
    if match is None:
        return ""
    unit = match[2].replace("星期", "周").replace("礼拜", "周")
    return ("上" if match[1].startswith("上") else "本") + unit


def _last_meant(plain: str) -> str:
    """`最近三个月`, `过去一年`, `近半年`, `30天内` as 近… with days, months or hours; `90天前` as all before it."""
    if match := re.fullmatch(r"(\d{1,4})天(?:之|以)?前", plain):
        return f"{match[1]}到{_LONG_AGO}天前"
    match = re.fullmatch(
        r"(最近的?|近的?|过去|前|这)?(半|\d{1,5}|[一二两三四五六七八九十]{1,3})个?"
        r"(年|季度?|月|周|星期|礼拜|天|日|小时)([以之]?内)?",
        plain,
    )
    if match is None or not (match[1] or match[4]):
        return ""
    if match[2] == "半":
        return {"年": "近6月", "月": "近15天"}.get(match[3], "")
    number = _whole(match[2])
    each, unit = _SPANS[match[3]]
    return f"近{number * each}{unit}"


def _dates_meant(plain: str) -> str:
    """Dates in other spellings, one side of a span left open, and whole months and years."""
    dates = [f"{year}-{int(month):02}-{int(day):02}" for year, month, day in re.findall(_DATE, plain)]
    left = re.sub(_DATE, "", plain)
    if len(dates) == 2 and re.fullmatch(r"(?:从|自)?(?:到|至|-|~|—|–|－)+", left):
        window = "~".join(dates)
    elif len(dates) == 1 and (left in ("前", "之前", "以前") or plain.startswith("~")):
        window = f"2000-01-01~{dates[0]}"
    elif len(dates) == 1 and left in ("后", "之后", "以后", "起", "~", "至今", "到今天"):
        window = f"{dates[0]}~2099-12-31"
    elif len(dates) == 1 and not left:
        window = "~".join(dates * 2)
    elif match := re.fullmatch(r"(\d{4})[-年](\d{1,2})月?", plain):
        year, month = int(match[1]), int(match[2])
        if not (1 <= month <= 12 and year):
            return ""
        window = f"{year}-{month:02}-01~{year}-{month:02}-{monthrange(year, month)[1]}"
    elif match := re.fullmatch(r"(\d{4})年?", plain):
        window = f"{match[1]}-01-01~{match[1]}-12-31"
    else:
        return ""
    return window


def _is_window(text: str) -> bool:
    try:
        read_window(text)
    except WindowError:
        return False
    return True


def _whole(text: str) -> int:
    """A number in digits or small Chinese numerals: 30, 三, 十二, 三十, 九十; 0 where it is neither."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _NUMERALS.get(text, 0)
    return (_NUMERALS.get(tens, 0) if tens else 1) * 10 + _NUMERALS.get(ones, 0)
