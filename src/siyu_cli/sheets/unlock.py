"""Passwords: from a file, the environment or a person at the terminal; and workbooks opened with them.

A password is never an argument and is never written anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from siyu_cli.errors import InputRefused, Where, system_words
from siyu_cli.language import tr

VARIABLE = "SIYU_FILE_PASSWORD"
_ASK_TIMES = 3
_DEFAULT = "VelvetSweatshop"
"""What Excel itself encrypts with where only the structure is protected: it opens without asking."""
_MOST_SPINS = 1_000_000
"""Hash rounds that a workbook may ask for; Excel writes 100,000, a hostile file 10,000,000."""


@dataclass
class Passwords:
    """The passwords to try, the one that last opened a file first; then a person is asked, if there is one.

    `ask` puts a question (the name of the file, and whether the password typed before was wrong) and returns what
    was typed, empty to give up.
    """

    known: tuple[str, ...] = ()
    ask: Callable[[str, bool], str] | None = None

    def find(self, file: str, opens: Callable[[str], bool]) -> None:
        """Call `opens` until it says that the file is open; InputRefused when no password does it."""
        tried = 0
        for password in self._candidates(file):
            if opens(password):
                self.known = (password, *(one for one in self.known if one != password))
                return
            tried += 1
        raise _password_refused(file, was_wrong=tried > 0)

    def _candidates(self, file: str) -> Iterator[str]:
        yield from self.known
        for turn in range(_ASK_TIMES if self.ask else 0):
            assert self.ask is not None
            password = self.ask(file, turn > 0)
            if not password:
                return
            yield password


def given_passwords(file: Path | None) -> tuple[str, ...]:
    """The lines of `--password-file`, else what SIYU_FILE_PASSWORD holds."""
    if file is None:
        password = os.environ.get(VARIABLE)
        return (password,) if password else ()
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InputRefused(
            "unreadable-password-file",
            tr(f"读不了密码文件 {file}:{system_words(error)}", f"Cannot read {file}: {system_words(error)}"),
            hint=tr("检查 --password-file 后面的路径", "Check the path after --password-file"),
        ) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    lines = tuple(dict.fromkeys(line for line in text.splitlines() if line))
    if not lines:
        raise InputRefused(
            "empty-password-file",
            tr(f"密码文件 {file} 是空的", f"The password file {file} is empty"),
            hint=tr("一行写一个密码", "Write one password per line"),
        )
    return lines


def is_open_to_others(file: Path) -> bool:
    """True where other users of this machine can read the password file."""
    return os.name == "posix" and bool(file.stat().st_mode & 0o077)


def _password_refused(file: str, *, was_wrong: bool) -> InputRefused:
    if was_wrong:
        return InputRefused(
            "wrong-password",
            tr(f"{file} 的密码不对", f"The password does not open {file}"),
            hint=tr("核对密码(大小写、全角半角)再导入一次", "Check the password and import again"),
            where=Where(file=file),
        )
    return InputRefused(
        "password-protected",
        tr(f"{file} 有打开密码", f"{file} needs a password to open"),
        hint=tr(
            f"把密码写进一个文件,加上 --password-file 文件;或设好环境变量 {VARIABLE}",
            f"Write the password into a file and add --password-file FILE; or set {VARIABLE}",
        ),
        where=Where(file=file),
    )


def unlock_workbook(path: Path, name: str, target: Path, passwords: Passwords) -> None:
    """Write a locked workbook to `target` without its password; InputRefused when no password opens it."""
    import msoffcrypto

    with path.open("rb") as file:
        try:
            office = msoffcrypto.OfficeFile(file)
            is_usable = getattr(office, "info", {}).get("spinValue", 0) <= _MOST_SPINS
        except Exception:  # a hostile file: its parser may fail in any way
            is_usable = False
        if not is_usable:
            raise InputRefused(
                "unusable-password-protection",
                tr(f"{name} 的加密方式不认识,打不开", f"{name} is encrypted in a way we cannot open"),
                hint=tr(
                    "用 Excel/WPS 打开,去掉密码后另存,再导入",
                    "Open it in Excel or WPS, save it without a password and import that",
                ),
                where=Where(file=name),
            )

        def opens(password: str) -> bool:
            try:
                office.load_key(password=password)
                with target.open("wb") as out:
                    office.decrypt(out)
            except Exception:  # a wrong key shows in any of the steps, as different errors
                return False
            return True

        if not opens(_DEFAULT):
            passwords.find(name, opens)
