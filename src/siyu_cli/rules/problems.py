"""What is wrong in rule files: collected over all files, shown with the source line and a caret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.words import did_you_mean, fold, strip_control
from siyu_cli.yamlcauses import slip_of, wide_signs
from siyu_cli.yamlfile import Mark, Node, Scalar, YamlProblem
from siyu_cli.yamltext import is_utf16, looks_like_gbk

Severity = Literal["error", "warning"]
# So much of a long line is shown around a mistake.
_SHOWN = 40
# A message that quotes a whole line of a megabyte helps nobody.
_LONGEST = 400
# So many problems are said; more than anybody reads, and less than fills a disk.
_SAID = 1000
# Mistakes that a slip of the keyboard can be behind; then the slip is what is said.
_SLIP_CODES = ("E103", "E107", "E108")


@dataclass(frozen=True)
class Place:
    """A stretch of one line: where it starts and how many characters it covers."""

    mark: Mark
    length: int = 1


@dataclass(frozen=True)
class Problem:
    """One mistake, or a lint as a warning; `source` is the line it stands on."""

    code: str
    message: str
    hint: str
    place: Place
    source: str = ""
    severity: Severity = "error"

    def as_dict(self) -> dict[str, object]:
        """One entry of `problems` in `--format json`."""
        mark = self.place.mark
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "where": mark.where().as_dict(),
            "source": self._window()[0],
        }

    def __str__(self) -> str:
        """The message, the line and a caret under the word; wide characters take two columns."""
        from rich.cells import cell_len

        mark = self.place.mark
        word = tr("错误", "Error") if self.severity == "error" else tr("警告", "Warning")
        lines = [f"{mark.where()}  {word} {self.code}  {self.message}"]
        if not self.source:
            return "\n".join([*lines, f"      → {self.hint}"] if self.hint else lines)
        source, start = self._window()
        caret = " " * cell_len(source[:start])
        caret += "^" * max(1, cell_len(source[start : start + self.place.length]))
        lines.append(f"{mark.line:>5} | {source}")
        lines.append(f"      | {caret}" + (f" {self.hint}" if self.hint else ""))
        return "\n".join(lines)

    def _window(self) -> tuple[str, int]:
        """The source line as it is shown, a long one only around the mistake, and where in it that begins."""
        start = min(self.place.mark.column - 1, len(self.source))
        first = 0 if len(self.source) <= 2 * _SHOWN else max(0, start - _SHOWN // 2)
        before, after = self.source[first:start], self.source[start : first + 2 * _SHOWN]
        mark = "…" if first else ""
        more = "…" if first + 2 * _SHOWN < len(self.source) else ""
        before, after = (strip_control(text.replace("\t", " ")) for text in (before, after))
        return f"{mark}{before}{after}{more}", len(mark) + len(before)


class RulesRefused(InputRefused):
    """Rule files with mistakes, all of them at once; nothing was computed or written."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        files = len({problem.place.mark.file for problem in problems})
        errors = sum(problem.severity == "error" for problem in problems)
        if errors:
            head = tr(
                f"规则里有 {errors} 个错误({files} 个文件),什么也没改",
                f"{errors} mistakes in the rules ({files} files), nothing was changed",
            )
        else:
            head = tr(
                f"规则里有 {len(problems)} 个警告({files} 个文件),--strict 不放过",
                f"{len(problems)} warnings in the rules ({files} files), which --strict refuses",
            )
        first = problems[0].place.mark
        shown = [*map(str, problems[:_SAID])]
        if len(problems) > _SAID:
            more = len(problems) - _SAID
            shown.append(
                tr(f"……还有 {more:,} 个,--format json 里有全部", f"… and {more:,} more: --format json")
            )
        super().__init__("rules-refused", "\n".join([head, *shown]))
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
        # A dict for its keys: a file can hold a hundred thousand mistakes.
        self._problems: dict[Problem, None] = {}
        self._noted: set[tuple[str, Mark]] = set()
        self._lines: dict[str, list[str]] = {}

    def add_file(self, name: str, raw: bytes) -> None:
        """Remember the lines of a file, so that problems in it can be shown."""
        text = _shown(raw)
        # YAML ends lines at these; str.splitlines would also split at form feeds and shift the count.
        self._lines[name] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def add(self, code: str, place: Place | Node, message: str, hint: str = "") -> None:
        """Note one problem; the same one twice counts once. A slip of the keyboard is named before it."""
        if isinstance(place, Scalar) and code in _SLIP_CODES and (slip := self._slip(place)):
            if slip[0] == "E102" and "\n" not in place.text and not self._is_one_line(place):
                self._add_wide_signs(place.mark.file)
            code, place, message, hint = slip
        self._note(code, place, message, hint, "error")

    def warn(self, code: str, place: Place | Node, message: str, hint: str = "") -> None:
        """Note a lint: nothing is refused for it."""
        self._note(code, place, message, hint, "warning")

    def _note(self, code: str, place: Place | Node, message: str, hint: str, severity: Severity) -> None:
        where = place if isinstance(place, Place) else place_of(place)
        message, hint = (text if len(text) <= _LONGEST else text[:_LONGEST] + "…" for text in (message, hint))
        self._problems[Problem(code, message, hint, where, self._line(where.mark), severity)] = None
        self._noted.add((code, where.mark))

    def _slip(self, scalar: Scalar) -> tuple[str, Place, str, str] | None:
        """A full-width sign or a missing space in an unquoted text that made no sense."""
        if scalar.is_quoted:
            return None
        mark = scalar.mark
        rest = self._line(mark)[mark.column - 1 :]
        # A folded text begins on this line, any other text is a part of it.
        slip = slip_of(scalar.text if rest.startswith(scalar.text) else rest)
        if slip is None:
            return None
        code, column, message, hint = slip
        return code, Place(Mark(mark.file, mark.line, mark.column + column)), message, hint

    def _is_one_line(self, scalar: Scalar) -> bool:
        """Whether all of a text stands on the line where it begins; a folded one goes on."""
        return self._line(scalar.mark)[scalar.mark.column - 1 :].startswith(scalar.text)

    def _add_wide_signs(self, name: str) -> None:
        """The other full-width signs of a file that one of them has made unreadable, all in one go."""
        for more in wide_signs(self._lines[name]):
            self.add(more.code, Place(Mark(name, more.line, more.column)), more.message, more.hint)

    @property
    def noted(self) -> int:
        """How many problems are noted so far."""
        return len(self._problems)

    def has(self, code: str, node: Node) -> bool:
        """Whether this mistake of this node is noted already."""
        return (code, node.mark) in self._noted

    def add_yaml(self, name: str, error: InputRefused) -> None:
        """A file that could not be read at all."""
        where = error.where or Where(file=name)
        column = where.column if isinstance(where.column, int) else 1
        mark = Mark(name, where.line or 1, column)
        code = error.code if isinstance(error, YamlProblem) else "E101"
        self.add(code, Place(mark), error.message, error.hint)
        if code == "E102" and "Tab" not in error.message:
            self._add_wide_signs(name)

    def place_in(self, scalar: Scalar, start: int, end: int) -> Place:
        """Characters start…end of a one-line scalar; of a folded one the place where it begins."""
        column = scalar.mark.column + (1 if scalar.is_quoted else 0)
        if self._line(scalar.mark)[column - 1 :].startswith(scalar.text):
            mark = Mark(scalar.mark.file, scalar.mark.line, column + start)
            return Place(mark, max(1, end - start))
        return Place(scalar.mark)

    def finish(self) -> None:
        """Raise every error that was noted, in the order of the files; warnings raise nothing."""
        errors = tuple(problem for problem in self.found() if problem.severity == "error")
        if errors:
            raise RulesRefused(errors)

    def found(self) -> tuple[Problem, ...]:
        """Everything that was noted, in the order of the files."""
        return in_order(self._problems)

    def _line(self, mark: Mark) -> str:
        lines = self._lines.get(mark.file, [])
        return lines[mark.line - 1] if mark.line <= len(lines) else ""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems by file, line, column and code."""
    return tuple(sorted(problems, key=_position))


def _position(problem: Problem) -> tuple[str, int, int, str]:
    mark = problem.place.mark
    return mark.file, mark.line, mark.column, problem.code


def place_of(node: Node) -> Place:
    """A whole scalar, or the start of a list or mapping."""
    return Place(node.mark, max(1, len(node.text)) if isinstance(node, Scalar) else 1)


def _shown(raw: bytes) -> str:
    """The text of a file as a person sees it, whatever its encoding; '' where nobody knows that."""
    for encoding, is_it in (("utf-8-sig", True), ("utf-16", is_utf16(raw)), ("gb18030", looks_like_gbk(raw))):
        try:
            if is_it:
                return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def tag_suggestion(
    word: str, tags: Sequence[str], groups: Mapping[str, Sequence[str]], stages: Sequence[str]
) -> str:
    """What to write where a tag belongs: the members of a group of that name, a near tag; a stage is named as one."""
    for group, members in groups.items():
        if fold(group) == fold(word):
            listed = "、".join(members)
            return tr(
                f"「{group}」是一组标签,写其中的:{listed}", f"“{group}” is a group, name of it: {listed}"
            )
    if fold(word) in map(fold, stages):
        return tr(f"「{word}」是阶段,不是标签", f"“{word}” is a stage, no tag")
    return suggestion(word, list(tags))


def suggestion(word: str, known: list[str]) -> str:
    """`你是不是想写:订单数 ?`, or the known words where nothing is near."""
    near = did_you_mean(word, known)
    if near:
        return tr(f"你是不是想写:{near} ?", f"Did you mean: {near} ?")
    if len(known) > 24:
        return tr("siyu list-names 可列出全部", "siyu list-names shows all of them")
    return tr("可用的:", "Known: ") + "、".join(known) if known else ""
