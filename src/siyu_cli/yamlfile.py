"""The one strict YAML reader: settings, mappings, schemes and rules all come through here.

YAML is used as people think it works: only `true`, `false`, `null`, whole numbers and decimals are
typed, everything else is text (so `on`, `0571` and `21:30` stay what was typed). Duplicate keys,
anchors, tags, tabs, several documents, deep or large files are refused, each with its own sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from siyu_cli.errors import InputRefused, Where, system_words
from siyu_cli.language import tr
from siyu_cli.yamlcauses import anchors, cause_of, tags
from siyu_cli.yamltext import TextProblem, place_of, text_of

if TYPE_CHECKING:
    import yaml

MAX_DEPTH = 40
_INT = re.compile(r"[-+]?[0-9]+")
_QUOTES = "'\"|>"
_ODD_INDENT = re.compile("^ *([\t\u3000\xa0])", re.MULTILINE)


@dataclass(frozen=True)
class Mark:
    """Where a node stands: line and column count from 1."""

    file: str
    line: int
    column: int

    def where(self) -> Where:
        return Where(file=self.file, line=self.line, column=self.column)


@dataclass(frozen=True)
class Scalar:
    """One value. `text` is what was typed; `value` is typed only for unquoted true/false/null and numbers.

    A decimal keeps its text (`value` is the text): money never passes through a float.
    """

    text: str
    value: str | int | bool | None
    is_quoted: bool
    mark: Mark


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True)
class Mapping:
    """A mapping with text keys; `pairs` keeps order and the place of every key."""

    pairs: tuple[tuple[Scalar, Node], ...]
    mark: Mark

    def get(self, key: str) -> Node | None:
        """The value under `key`, or None."""
        return next((value for name, value in self.pairs if name.text == key), None)


Node = Scalar | Items | Mapping
Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]


class YamlProblem(InputRefused):
    """A YAML file that cannot be read; `code` is one of the E1 codes of docs/rules.md."""


def read_yaml(path: Path, shown_as: str | None = None) -> Node | None:
    """The nodes of a YAML file; None when it holds nothing. Raises YamlProblem or InputRefused."""
    name = shown_as or str(path)
    return parse_yaml(bytes_of(path, name), name)


def bytes_of(path: Path, name: str) -> bytes:
    """What stands in a file; InputRefused, calling it `name`, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputRefused(
            "unreadable-file",
            tr(f"读不了文件 {name}:{system_words(error)}", f"Cannot read {name}: {system_words(error)}"),
        ) from None


def parse_yaml(raw: bytes, name: str) -> Node | None:
    """The nodes of YAML bytes; `name` is how messages call the file."""
    try:
        return _Builder(name, text_of(raw)).read()
    except TextProblem as problem:
        where = Where(file=name, line=problem.line, column=problem.column)
        raise YamlProblem(problem.code, problem.message, hint=problem.hint, where=where) from None


def to_plain(node: Node | None) -> Plain:
    """Dicts, lists and values without places; numbers with a decimal point stay text."""
    match node:
        case None:
            return None
        case Scalar():
            return node.value
        case Items():
            return [to_plain(item) for item in node.items]
        case Mapping():
            return {key.text: to_plain(value) for key, value in node.pairs}


@dataclass
class _Open:
    """A list or mapping whose end has not been read; in a mapping keys and values take turns."""

    mark: Mark
    is_mapping: bool
    nodes: list[Node]
    keys: dict[str, int]


class _Builder:
    """Puts nodes together from the parser's events, without recursion, and refuses what is not our YAML."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.documents = 0
        # Spans of quoted and block scalars (line, column from 0): TABs are text there.
        self.quoted: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def read(self) -> Node | None:
        import yaml

        self._refuse_odd_indents()
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is some 20 times faster
        try:
            for event in yaml.parse(self.text, Loader=loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise cause_of(error, self.text) from None
        except yaml.YAMLError as error:
            raise TextProblem("E103", 1, 1, _first_line(error)) from None
        self._refuse_tabs()
        return self.root

    def _take(self, event: yaml.Event) -> None:
        import yaml

        start = event.start_mark
        assert start is not None
        mark = Mark(self.name, start.line + 1, start.column + 1)
        match event:
            case yaml.AliasEvent():
                raise _at(mark, "E105", *anchors())
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise _at(
                        mark,
                        "E103",
                        tr(
                            "一个文件里只能有一份 YAML(多了一行 ---)",
                            "One YAML document per file (there is an extra ---)",
                        ),
                        tr("去掉 --- 或分成两个文件", "Leave the --- out or make two files"),
                    )
            case yaml.ScalarEvent():
                self._refuse_marked(event, mark)
                scalar = _scalar(event, mark)
                if (event.style or " ") in _QUOTES:
                    end = event.end_mark
                    assert end is not None
                    self.quoted.append(((mark.line - 1, mark.column - 1), (end.line, end.column)))
                self._add(scalar)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._refuse_marked(event, mark)
                if len(self.open) >= MAX_DEPTH:
                    raise _at(
                        mark,
                        "E103",
                        tr(f"嵌套超过 {MAX_DEPTH} 层", f"Nested over {MAX_DEPTH} deep"),
                        tr("拆成几段", "Split it up"),
                    )
                if self._is_key_next():
                    raise _at(mark, "E103", tr("键必须是文字", "A key must be text"))
                self.open.append(_Open(mark, isinstance(event, yaml.MappingStartEvent), [], {}))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self.open.pop()
                nodes = done.nodes
                if done.is_mapping:
                    keys = [node for node in nodes[::2] if isinstance(node, Scalar)]
                    self._add(Mapping(tuple(zip(keys, nodes[1::2], strict=True)), done.mark))
                else:
                    self._add(Items(tuple(nodes), done.mark))

    def _is_key_next(self) -> bool:
        return bool(self.open) and self.open[-1].is_mapping and len(self.open[-1].nodes) % 2 == 0

    def _add(self, node: Node) -> None:
        if not self.open:
            # An empty document (a lone ---) is none.
            if not (isinstance(node, Scalar) and node.text == "" and not node.is_quoted):
                self.root = node
            return
        if self._is_key_next():
            assert isinstance(node, Scalar)
            self._check_key(node, self.open[-1].keys)
        self.open[-1].nodes.append(node)

    def _check_key(self, key: Scalar, seen: dict[str, int]) -> None:
        if key.text == "<<" and not key.is_quoted:
            message = tr("不支持合并键 <<", "Merge keys << are not supported")
            raise _at(key.mark, "E105", message, tr("把内容写全", "Write the content out"))
        if key.text == "" and not key.is_quoted:
            raise _at(key.mark, "E103", tr("冒号前面没有键", "There is no key before the colon"))
        if key.text in seen:
            first, line = seen[key.text], key.mark.line
            shown = key.text if len(key.text) <= 60 else key.text[:60] + "…"
            raise _at(
                key.mark,
                "E104",
                tr(
                    f"「{shown}」写了两次(第 {first} 行和第 {line} 行)",
                    f"“{shown}” stands twice (lines {first} and {line})",
                ),
                tr("合并成一处,或改掉其中一个名字", "Merge them or rename one"),
            )
        seen[key.text] = key.mark.line

    def _refuse_marked(self, event: yaml.NodeEvent, mark: Mark) -> None:
        if event.anchor:
            raise _at(mark, "E105", *anchors())
        if getattr(event, "tag", None):
            raise _at(mark, "E105", *tags())

    def _refuse_odd_indents(self) -> None:
        """TABs and wide spaces before a line's text: parsers would count them in or stop somewhere else."""
        for found in _ODD_INDENT.finditer(self.text):
            is_tab = found[1] == "\t"
            kind = "Tab" if is_tab else tr("全角或不间断空格", "a full-width or non-breaking space")
            line, column = place_of(self.text, found.start(1))
            message = tr(f"缩进里有{kind}", f"The indentation holds {kind}")
            raise TextProblem("E102", line, column, message, tr("缩进只用半角空格", "Indent with spaces"))

    def _refuse_tabs(self) -> None:
        """libyaml takes TABs between words, other parsers and editors do not."""
        if "\t" not in self.text:
            return
        for number, line in enumerate(self.text.split("\n")):
            for column in (index for index, char in enumerate(line) if char == "\t"):
                place = (number, column)
                if any(start <= place < end for start, end in self.quoted):
                    continue
                if _comment_before(line[:column], number, self.quoted):
                    break
                raise TextProblem(
                    "E102",
                    number + 1,
                    column + 1,
                    tr("这里有 Tab", "Here is a TAB"),
                    tr("改成半角空格", "Write spaces"),
                )


def _comment_before(text: str, number: int, quoted: list[tuple[tuple[int, int], tuple[int, int]]]) -> bool:
    """Whether a comment begins in the text at the start of a line, outside quotes."""
    return any(
        not any(start <= (number, found.start()) < end for start, end in quoted)
        for found in re.finditer(r"(?:^|(?<=\s))#", text)
    )


def _at(mark: Mark, code: str, message: str, hint: str = "") -> TextProblem:
    return TextProblem(code, mark.line, mark.column, message, hint)


def _scalar(node: yaml.ScalarEvent, mark: Mark) -> Scalar:
    text = str(node.value)
    is_quoted = (node.style or " ") in _QUOTES
    value: str | int | bool | None = text
    if not is_quoted:
        if text in ("", "~", "null"):
            value = None
        elif text in ("true", "false"):
            value = text == "true"
        elif _INT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text) and len(text) <= 18:
            value = int(text)
    return Scalar(text, value, is_quoted, mark)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
