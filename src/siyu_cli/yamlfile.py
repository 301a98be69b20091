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

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
_INT = re.compile(r"[-+]?[0-9]+")


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
            tr(f"读不了文件 {name}:{error.strerror}", f"Cannot read {name}: {error.strerror}"),
        ) from None


def parse_yaml(raw: bytes, name: str) -> Node | None:
    """The nodes of YAML bytes; `name` is how messages call the file."""
    if len(raw) > MAX_BYTES:
        raise _problem("E101", name, 1, 1, tr("文件超过 1 MB", "The file is over 1 MB"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _problem(
            "E101",
            name,
            line,
            1,
            tr("不是 UTF-8 文本", "Not UTF-8 text"),
            tr("用编辑器另存为 UTF-8(记事本里选「UTF-8」)", "Save it as UTF-8 in your editor"),
        ) from None
    return _Reader(name, text).read()


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


def _problem(code: str, name: str, line: int, column: int, message: str, hint: str = "") -> YamlProblem:
    return YamlProblem(code, message, hint=hint, where=Where(file=name, line=line, column=column))


class _Reader:
    """Walks PyYAML's node graph, which carries places, and types the scalars itself."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def read(self) -> Node | None:
        import yaml

        self._refuse_tabs()
        try:
            self._refuse_anchors()
            documents = list(yaml.compose_all(self.text, Loader=yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            raise self._explain(error) from None
        except yaml.YAMLError as error:
            raise _problem("E103", self.name, 1, 1, _first_line(error)) from None
        except RecursionError:
            raise _problem("E103", self.name, 1, 1, tr("嵌套过深", "Nested too deeply")) from None
        documents = [document for document in documents if document is not None]
        if len(documents) > 1:
            mark = documents[1].start_mark
            raise _problem(
                "E103",
                self.name,
                mark.line + 1,
                1,
                tr(
                    "一个文件里只能有一份 YAML(多了一行 ---)",
                    "One YAML document per file (there is an extra ---)",
                ),
            )
        return self._node(documents[0], 0) if documents else None

    def _refuse_tabs(self) -> None:
        for number, line in enumerate(self.text.splitlines(), start=1):
            indent = line[: len(line) - len(line.lstrip(" \t\u3000\xa0"))]
            for column, char in enumerate(indent, start=1):
                if char in "\t\u3000\xa0" and line.strip():
                    kind = (
                        "Tab"
                        if char == "\t"
                        else tr("全角或不间断空格", "a full-width or non-breaking space")
                    )
                    message = tr(f"缩进里有{kind}", f"The indentation holds {kind}")
                    raise _problem(
                        "E102",
                        self.name,
                        number,
                        column,
                        message,
                        tr("缩进只用半角空格", "Indent with spaces"),
                    )

    def _refuse_anchors(self) -> None:
        import yaml

        if not any(sign in self.text for sign in "&*!"):
            return  # the usual file needs no second walk
        for event in yaml.parse(self.text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                message = tr("不支持锚点 & 和引用 *", "Anchors & and aliases * are not supported")
                hint = tr("文字以 & 或 * 开头时加上引号", "Quote text that starts with & or *")
            elif getattr(event, "tag", None):
                message = tr("不支持 ! 标记", "Tags with ! are not supported")
                hint = tr("文字以 ! 开头时加上引号", "Quote text that starts with !")
            else:
                continue
            mark = event.start_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise _problem("E105", self.name, line, column, message, hint)

    def _node(self, node: yaml.Node, depth: int) -> Node:
        import yaml

        mark = Mark(self.name, node.start_mark.line + 1, node.start_mark.column + 1)
        if depth > MAX_DEPTH:
            raise _problem("E103", self.name, mark.line, mark.column, tr("嵌套过深", "Nested too deeply"))
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, mark)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self._node(item, depth + 1) for item in node.value), mark)
        assert isinstance(node, yaml.MappingNode)
        return self._mapping(node, mark, depth)

    def _mapping(self, node: yaml.MappingNode, mark: Mark, depth: int) -> Mapping:
        pairs: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self._node(key_node, depth + 1)
            line, column = key.mark.line, key.mark.column
            if not isinstance(key, Scalar):
                raise _problem("E103", self.name, line, column, tr("键必须是文字", "A key must be text"))
            if key.text == "<<" and not key.is_quoted:
                raise _problem(
                    "E105", self.name, line, column, tr("不支持合并键 <<", "Merge keys << are not supported")
                )
            if key.text in seen:
                raise _problem(
                    "E104",
                    self.name,
                    line,
                    column,
                    tr(
                        f"「{key.text}」写了两次(第 {seen[key.text]} 行和第 {line} 行)",
                        f"“{key.text}” stands twice (lines {seen[key.text]} and {line})",
                    ),
                    tr("合并成一处,或改掉其中一个名字", "Merge them or rename one"),
                )
            seen[key.text] = line
            pairs.append((key, self._node(value_node, depth + 1)))
        return Mapping(tuple(pairs), mark)

    def _explain(self, error: yaml.MarkedYAMLError) -> YamlProblem:
        """PyYAML's complaint in the operator's words; the usual causes are looked for first."""
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        column = mark.column + 1 if mark else 1
        lines = self.text.splitlines()
        for near in (line, line - 1):
            content = lines[near - 1] if 0 < near <= len(lines) else ""
            wide = re.match(r"\s*(?:- )?[^\s:#'\"\uff1a]+(\uff1a)", content)
            if wide and ": " not in content and not content.rstrip().endswith(":"):
                return _problem(
                    "E102",
                    self.name,
                    near,
                    wide.start(1) + 1,
                    tr("这里是中文冒号「\uff1a」", "This is a full-width colon"),
                    tr("改成半角冒号加空格「: 」", "Write a plain colon and a space"),
                )
            tight = re.match(r"\s*(?:- )?[^\s:#'\"]+:(?=[^\s/])", content)
            if tight:
                return _problem(
                    "E103",
                    self.name,
                    near,
                    tight.end(),
                    tr("冒号后面少一个空格", "A space is missing after the colon"),
                )
        if mark and line <= len(lines) and re.search(r":\s+[>@%`!=]", lines[line - 1]):
            return _problem(
                "E103",
                self.name,
                line,
                column,
                tr("这个值的第一个符号要加引号", "The first sign of this value needs quotes"),
                tr('写成 "> 100" 这样', 'Write it like "> 100"'),
            )
        return _problem(
            "E103",
            self.name,
            line,
            column,
            tr(
                f"YAML 写法有误:{error.problem or error.context}",
                f"YAML is malformed: {error.problem or error.context}",
            ),
            tr("检查缩进、冒号后的空格和引号", "Check indentation, spaces after colons, and quotes"),
        )


def _scalar(node: yaml.ScalarNode, mark: Mark) -> Scalar:
    text = str(node.value)
    is_quoted = node.style in ("'", '"', "|", ">")
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
