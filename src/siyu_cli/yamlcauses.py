"""Why a YAML parser stopped, in the operator's words. The usual slips are looked for before its own message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from siyu_cli.language import tr
from siyu_cli.yamltext import TextProblem

if TYPE_CHECKING:
    import yaml

WIDE_COLON = "\uff1a"
# Full-width twins of the signs YAML reads, and what to type instead.
WIDE_SIGNS = {
    "\uff3b": "[",
    "\uff3d": "]",
    "【": "[",
    "】": "]",
    "\uff5b": "{",
    "\uff5d": "}",
    "\uff03": "#",
    "\uff0d": "-",
    "—": "-",
}
# YAML looks no further for the colon of a key.
MAX_KEY = 1024
_WIDE_QUOTES = "“”‘’"
_KEY = rf"\s*(?:- +)*[^\s:#'\"{WIDE_COLON}\[\]{{}},][^\s:#'\"{WIDE_COLON}]*"
_WIDE_KEY = re.compile(rf"{_KEY}\s*({WIDE_COLON})")
_TIGHT_KEY = re.compile(rf"{_KEY}:(?=[^\s/])")
_TIGHT_DASH = re.compile(r"\s*-(?=[^\s\d\-])")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\"")


def cause_of(error: yaml.MarkedYAMLError, text: str) -> TextProblem:
    """A complaint of PyYAML or libyaml (they word and place some of them differently) as a documented problem."""
    at, began = error.problem_mark or error.context_mark, error.context_mark or error.problem_mark
    here = (at.line, at.column) if at else (0, 0)
    start = (began.line, began.column) if began else here
    lines = text.split("\n")
    line = lines[here[0]] if here[0] < len(lines) else ""
    if slip := slip_near(lines, here[0]):
        return slip
    found = f"{error.context or ''}; {error.problem or ''}"
    if "mapping values are not allowed" in found:
        return _stray_colon(lines, *here)
    if "found unexpected ':'" in found:
        return _problem("E103", *here, *tight_colon())
    if re.search(r"node content", found):
        char = line[here[1] : here[1] + 1] or tr("结尾", "the end")
        return _problem("E103", *here, tr(f"这里多了「{char}」", f"{char} does not belong here"))
    for pattern, at_start, code, message, hint in _causes():
        if re.search(pattern, found):
            return _problem(code, *(start if at_start else here), message, hint)
    if re.search(r"block end|expected key|'-' indicator|block (collection|mapping)", found):
        return _misplaced(lines, *here)
    return _problem(
        "E103",
        *here,
        tr("这里的 YAML 写法看不懂", f"YAML is malformed: {error.problem or error.context}"),
        tr("检查缩进、冒号后的空格和引号", "Check indentation, spaces after colons, and quotes"),
    )


def slip_near(lines: list[str], number: int) -> TextProblem | None:
    """A full-width sign, TAB or missing space on line `number` (from 0) or the one before it."""
    for near in (number, number - 1):
        if 0 <= near < len(lines) and (slip := slip_of(lines[near])):
            code, column, message, hint = slip
            return _problem(code, near, column, message, hint)
    return None


def wide_signs(lines: list[str]) -> list[TextProblem]:
    """Every full-width sign where a plain one belongs: who types one colon wide types them all.

    None where the text holds a block of free text, in which they may stand.
    """
    if any(re.search(r":\s*[|>][-+0-9]*\s*$", line) for line in lines):
        return []
    slips = ((number, slip_of(line)) for number, line in enumerate(lines))
    return [
        _problem(slip[0], number, slip[1], *slip[2:])
        for number, slip in slips
        if slip and slip[0] == "E102" and "\t" not in lines[number]
    ]


def slip_of(line: str) -> tuple[str, int, str, str] | None:
    """(code, column from 0, message, hint) of the first slip on a line; quoted text and comments aside."""
    plain = re.sub(r"(?:^|(?<=\s))#.*", "", _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), line))
    if (tab := plain.find("\t")) >= 0 and plain.strip():
        return "E102", tab, tr("这里有 Tab", "Here is a TAB"), tr("改成半角空格", "Write spaces")
    if wide := _WIDE_KEY.match(plain):
        return "E102", wide.start(1), *wide_colon()
    signs = {index: char for index, char in enumerate(plain) if char in WIDE_SIGNS}
    for index, char in signs.items():
        if not plain[:index].strip(" -") or re.search(r":\s*$", plain[:index]):
            return "E102", index, *wide_sign(char)
    if re.match(rf"\s*(?:- +)*[{_WIDE_QUOTES}][^{_WIDE_QUOTES}]*[{_WIDE_QUOTES}]\s*:", plain):
        column = len(plain) - len(plain.lstrip(" -"))
        return (
            "E102",
            column,
            tr(f"这里是中文引号「{plain[column]}」", f"Here is a full-width quote {plain[column]}"),
            tr("去掉引号,或改成半角引号", "Leave the quotes out, or write plain ones"),
        )
    if tight := _TIGHT_KEY.match(plain):
        return "E103", tight.end() - 1, *tight_colon()
    if dash := _TIGHT_DASH.match(plain):
        return "E103", dash.end() - 1, *tight_dash()
    return None


def wide_colon() -> tuple[str, str]:
    """Message and hint for a full-width colon."""
    return tr(f"这里是中文冒号「{WIDE_COLON}」", "This is a full-width colon"), tr(
        "改成半角冒号加空格「: 」", "Write a plain colon and a space"
    )


def tight_colon() -> tuple[str, str]:
    """Message and hint for a colon without a space after it."""
    return tr("冒号后面少一个空格", "A space is missing after the colon"), tr("写成「: 」", "Write “: ”")


def tight_dash() -> tuple[str, str]:
    """Message and hint for a dash without a space after it."""
    return tr("「-」后面少一个空格", "A space is missing after “-”"), tr("写成「- 」", "Write “- ”")


def wide_sign(char: str) -> tuple[str, str]:
    """Message and hint for a full-width bracket or number sign."""
    plain = WIDE_SIGNS[char]
    return tr(f"这里是全角的「{char}」", f"This is a full-width {char}"), tr(
        f"改成半角「{plain}」", f"Write {plain}"
    )


def _problem(code: str, line: int, column: int, message: str, hint: str = "") -> TextProblem:
    return TextProblem(code, line + 1, column + 1, message, hint)


def _stray_colon(lines: list[str], number: int, column: int) -> TextProblem:
    """A colon where no key can stand: a text with `: ` in it, a key without colon above, or too deep a line."""
    line = lines[number]
    if len(line) > MAX_KEY and column > MAX_KEY:
        message = tr(f"键超过 {MAX_KEY:,} 个字符", f"A key is over {MAX_KEY:,} characters long")
        return _problem("E103", number, 0, message, tr("缩短它", "Shorten it"))
    if re.search(r":\s", line[:column]):
        message = tr("一行里有第二个「: 」", "A second “: ” on this line")
        return _problem("E103", number, column, message, tr("文字里有「: 」时整段加引号", "Quote the text"))
    above = number - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    if above >= 0 and not re.search(r":(\s|$)", lines[above]) and not lines[above].lstrip().startswith("- "):
        end = len(lines[above].rstrip())
        return _problem("E103", above, end, *_no_colon())
    indent = len(line) - len(line.lstrip(" "))
    message = tr("这一行缩进多了,或上一行的值没有写完", "This line is indented too far")
    return _problem("E103", number, indent, message, _indents())


def _misplaced(lines: list[str], number: int, column: int) -> TextProblem:
    line = lines[number] if number < len(lines) else ""
    if line[:column].strip(" -"):
        message = tr("前面的值已经写完,这里多了内容", "The value before ended already, this is too much")
        hint = tr(
            "文字里有引号时,整段换用另一种引号", "Put text that holds quotes into the other kind of quotes"
        )
        return _problem("E103", number, column, message, hint)
    if line[column : column + 1] == ":":
        return _problem("E103", number, column, tr("冒号前面没有键", "There is no key before the colon"))
    above = lines[number - 1] if number else ""
    if line.lstrip().startswith("- ") and (begun := re.match(r"\s*(?:- +)*([^\s:]+):\s+[^\s#]", above)):
        message = tr(
            f"上一行「{begun[1]}:」后面已经有内容,不能再跟列表",
            f"“{begun[1]}:” above already has a value, no list can follow",
        )
        hint = tr(
            f"几条时,「{begun[1]}:」后面换行,每一条都写成一行「- …」",
            f"For several, break the line after “{begun[1]}:” and begin each with “- ”",
        )
        return _problem("E103", number, column, message, hint)
    message = tr("缩进和上面不齐", "The indentation does not line up with the lines above")
    return _problem("E103", number, column, message, _indents())


def _indents() -> str:
    return tr(
        "同一级的行从同一列开始,缩进用空格", "Lines of one level start in one column; indent with spaces"
    )


def _no_colon() -> tuple[str, str]:
    return tr("这一行少了冒号", "This line lacks a colon"), tr(
        "键后面写半角冒号加空格「: 」", "Write a plain colon and a space after the key"
    )


def _needs_quotes() -> tuple[str, str]:
    return tr("这个值的第一个符号要加引号", "The first sign of this value needs quotes"), tr(
        '写成 "> 100" 这样', 'Write it like "> 100"'
    )


def anchors() -> tuple[str, str]:
    """Message and hint for `&` and `*`."""
    return tr("不支持锚点 & 和引用 *", "Anchors & and aliases * are not supported"), tr(
        "文字以 & 或 * 开头时加上引号", "Quote text that starts with & or *"
    )


def tags() -> tuple[str, str]:
    """Message and hint for `!`."""
    return tr("不支持 ! 标记", "Tags with ! are not supported"), tr(
        "文字以 ! 开头时加上引号", "Quote text that starts with !"
    )


def _causes() -> Iterable[tuple[str, bool, str, str, str]]:
    """(what the parser says, whether its start is the place, code, message, hint); the first that fits."""
    yield (
        r"directive|YAML document.*%",
        True,
        "E103",
        tr("不支持 % 开头的指令行", "Lines that start with % are not supported"),
        tr("去掉这一行", "Leave the line out"),
    )
    yield r"scanning an (anchor|alias)", True, "E105", *anchors()
    yield r"(scanning|parsing) a (tag|node.*tag)", True, "E105", *tags()
    yield (
        r"mapping keys are not allowed|cannot start any token|expected chomping|comment or line break",
        False,
        "E103",
        *_needs_quotes(),
    )
    yield (
        r"quoted scalar.*(end of stream|document)",
        True,
        "E103",
        tr("引号没有收尾", "This quote is never closed"),
        tr("补上同样的引号", "Close it with the same quote"),
    )
    yield (
        r"escape",
        True,
        "E103",
        tr("双引号里的反斜杠有特殊意思", "A backslash means something inside double quotes"),
        tr("改用单引号", "Use single quotes"),
    )
    yield (
        r"flow (sequence|mapping)",
        True,
        "E103",
        tr("这个括号没有收尾,或两项之间少了逗号", "This bracket is never closed, or a comma is missing"),
        tr("成对写 [ ] 和 { },各项用半角逗号加空格分开", "Pair [ ] and { }, separate with comma and space"),
    )
    yield (
        r"could not find expected ':'",
        True,
        "E103",
        *_no_colon(),
    )
    yield (
        r"(sequence|block) entries are not allowed",
        False,
        "E103",
        tr("列表的「- 」要另起一行", "“- ” of a list belongs on a line of its own"),
        "",
    )
    yield (
        r"document start",
        False,
        "E103",
        tr("一份 YAML 已经写完,后面还有内容", "More content after the end of the YAML"),
        tr("去掉 ... 和多余的括号", "Leave out ... and stray brackets"),
    )
