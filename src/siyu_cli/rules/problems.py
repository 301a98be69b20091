"""What is wrong in rule files: collected over all files, shown with the source line and a caret."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean, strip_control
from siyu_cli.yamlfile import Mark, Node, Scalar, YamlProblem


@dataclass(frozen=True)
class Place:
    """A stretch of one line: where it starts and how many characters it covers."""

    mark: Mark
    length: int = 1


@dataclass(frozen=True)
class Problem:
    """One mistake; `source` is the line it stands on."""

    code: str
    message: str
    hint: str
    place: Place
    source: str = ""

    def as_dict(self) -> dict[str, object]:
        """One entry of `problems` in `--format json`."""
        mark = self.place.mark
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": mark.where().as_dict(),
            "source": self.source,
        }

    def __str__(self) -> str:
        """The message, the line and a caret under the word; wide characters take two columns."""
        mark = self.place.mark
        lines = [f"{mark.where()}  {tr('错误', 'Error')} {self.code}  {self.message}"]
        if not self.source:
            return "\n".join([*lines, f"      → {self.hint}"] if self.hint else lines)
        start = mark.column - 1
        word = self.source[start : start + self.place.length]
        caret = " " * _width(self.source[:start]) + "^" * max(1, _width(word))
        lines.append(f"{mark.line:>5} | {strip_control(self.source)}")
        lines.append(f"      | {caret}" + (f" {self.hint}" if self.hint else ""))
        return "\n".join(lines)


class RulesRefused(InputRefused):
    """Rule files with mistakes, all of them at once; nothing was computed or written."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        files = len({problem.place.mark.file for problem in problems})
        head = tr(
            f"规则里有 {len(problems)} 个错误({files} 个文件),什么也没改",
            f"{len(problems)} mistakes in the rules ({files} files), nothing was changed",
        )
        first = problems[0].place.mark
        super().__init__("rules-refused", "\n".join([head, *map(str, problems)]))
        self.problems = problems
        self._first = first.where()

    def as_dict(self) -> dict[str, object]:
        return {
            **super().as_dict(),
            "where": self._first.as_dict(),
            "problems": [p.as_dict() for p in self.problems],
        }


class Report:
    """Collects problems while reading goes on; knows the files' lines to point into."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._lines: dict[str, list[str]] = {}

    def add_file(self, name: str, raw: bytes) -> None:
        """Remember the lines of a file, so that problems in it can be shown."""
        text = raw.decode("utf-8-sig", errors="replace")
        # YAML ends lines at these; str.splitlines would also split at form feeds and shift the count.
        self._lines[name] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def add(self, code: str, place: Place | Node, message: str, hint: str = "") -> None:
        """Note one problem; the same one twice counts once."""
        where = place if isinstance(place, Place) else place_of(place)
        problem = Problem(code, message, hint, where, self._line(where.mark))
        if problem not in self.problems:
            self.problems.append(problem)

    def has(self, code: str, node: Node) -> bool:
        """Whether this mistake of this node is noted already."""
        return any(problem.code == code and problem.place.mark == node.mark for problem in self.problems)

    def add_yaml(self, name: str, error: InputRefused) -> None:
        """A file that could not be read at all."""
        where = error.where or Where(file=name)
        column = where.column if isinstance(where.column, int) else 1
        mark = Mark(name, where.line or 1, column)
        code = error.code if isinstance(error, YamlProblem) else "E101"
        self.add(code, Place(mark), error.message, error.hint)

    def place_in(self, scalar: Scalar, start: int, end: int) -> Place:
        """Characters start…end of a one-line scalar; of a folded one the place where it begins."""
        column = scalar.mark.column + (1 if scalar.is_quoted else 0)
        if self._line(scalar.mark)[column - 1 :].startswith(scalar.text):
            mark = Mark(scalar.mark.file, scalar.mark.line, column + start)
            return Place(mark, max(1, end - start))
        return Place(scalar.mark)

    def finish(self) -> None:
        """Raise everything that was noted, in the order of the files."""
        if self.problems:
            raise RulesRefused(tuple(sorted(self.problems, key=_position)))

    def _line(self, mark: Mark) -> str:
        lines = self._lines.get(mark.file, [])
        return lines[mark.line - 1] if mark.line <= len(lines) else ""


def _position(problem: Problem) -> tuple[str, int, int, str]:
    mark = problem.place.mark
    return mark.file, mark.line, mark.column, problem.code


def place_of(node: Node) -> Place:
    """A whole scalar, or the start of a list or mapping."""
    return Place(node.mark, max(1, len(node.text)) if isinstance(node, Scalar) else 1)


def suggestion(word: str, known: list[str]) -> str:
    """`你是不是想写:订单数 ?`, or the known words where nothing is near."""
    near = did_you_mean(word, known)
    if near:
        return tr(f"你是不是想写:{near} ?", f"Did you mean: {near} ?")
    return tr("可用的:", "Known: ") + "、".join(known) if 0 < len(known) <= 24 else ""


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(ch) else 2 if unicodedata.east_asian_width(ch) in "WF" else 1
        for ch in strip_control(text)
    )
