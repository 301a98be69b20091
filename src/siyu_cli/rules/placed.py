"""Complaints about a text of a rule file, put at its characters; slips of YAML are named as such first."""

from __future__ import annotations

import re

from siyu_cli.rules.complaints import LineSyntaxError
from siyu_cli.rules.keys import TWINS
from siyu_cli.rules.predicates import LineTypeError
from siyu_cli.rules.problems import Place, Report
from siyu_cli.rules.shapes import NESTING
from siyu_cli.yamlcauses import WIDE_COLON, WIDE_SIGNS, tight_colon, tight_dash, wide_colon, wide_sign
from siyu_cli.yamlfile import Scalar


class SilentError(Exception):
    """A name whose definition was already reported: no second message."""


class Placed:
    """Catches a line's complaints and reports them at their characters."""

    def __init__(self, report: Report, scalar: Scalar) -> None:
        self.report, self.scalar = report, scalar

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, LineSyntaxError | LineTypeError):
            code = error.code if isinstance(error, LineTypeError) else "E108"
            found = (code, error.message, error.hint, error.start, error.end)
            code, message, hint, start, end = self._slip() or found
            place = self.report.place_in(self.scalar, start, end) if end > start else Place(self.scalar.mark)
            self.report.add(code, place, message, hint)
            return True
        return isinstance(error, SilentError)

    def _slip(self) -> tuple[str, str, str, int, int] | None:
        """Slips of YAML that became text are named as such before any other message."""
        text = self.scalar.text
        if self.scalar.is_quoted:
            return None
        colon = text.find(WIDE_COLON)
        if colon >= 0 and (text[:colon].strip(" -") in NESTING or text[:colon].strip(" -") in TWINS):
            return "E102", *wide_colon(), colon, colon + 1
        if tight := re.match(rf"(?:{'|'.join(NESTING)}):", text):
            return "E103", *tight_colon(), 0, tight.end()
        if text[0] in WIDE_SIGNS:
            return "E102", *wide_sign(text[0]), 0, 1
        if re.match(r"-[^\s\d]", text):
            return "E103", *tight_dash(), 0, 1
        return None
