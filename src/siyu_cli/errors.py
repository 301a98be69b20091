"""What can go wrong, in words for the operator, and the exit code that cron reads."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import IntEnum

from siyu_cli.language import tr


class ExitCode(IntEnum):
    """Exit codes of every command; docs/commands.md explains them to operators."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    PARTIAL = 4
    STATE = 5
    REMOTE = 6
    STOPPED = 7
    INTERRUPTED = 130


@dataclass(frozen=True)
class Where:
    """The place a message speaks of; every part is optional, rows, lines and columns count from 1."""

    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | int | None = None
    line: int | None = None

    def as_dict(self) -> dict[str, str | int]:
        return {key: value for key, value in vars(self).items() if value is not None}

    def __str__(self) -> str:
        """`file:line:column` for text files, `file 「工作表」 第 n 行「列」` for tables."""
        text = self.file or ""
        if self.line is not None:
            return f"{text}:{self.line}" + (f":{self.column}" if self.column is not None else "")
        if self.sheet:
            text += tr(f" 「{self.sheet}」", f" “{self.sheet}”")
        if self.row is not None:
            text += tr(f" 第 {self.row:,} 行", f" row {self.row:,}")
        if self.column is not None:
            text += tr(f"「{self.column}」", f" “{self.column}”")
        return text.strip()


def interrupted_words() -> str:
    """What Ctrl-C leaves, whenever it comes."""
    return tr(
        "已中断。没做完的没有写入;做完的都在 siyu list-runs 里",
        "Interrupted. What was not finished is not written; what was is in siyu list-runs",
    )


def system_words(error: OSError) -> str:
    """What the system says went wrong, in the operator's language where it is one of the usual things."""
    words = {
        errno.ENOENT: tr("没有这个文件或文件夹", "no such file or folder"),
        errno.EACCES: tr("没有权限", "permission denied"),
        errno.EPERM: tr("没有权限", "permission denied"),
        errno.EROFS: tr("那里只能读,不能写", "read-only there"),
        errno.ENOSPC: tr("磁盘满了", "the disk is full"),
        errno.EDQUOT: tr("磁盘配额用完了", "the disk quota is used up"),
        errno.EISDIR: tr("那是一个文件夹", "it is a folder"),
        errno.ENOTDIR: tr("路径里有一段不是文件夹", "part of the path is no folder"),
        errno.ENAMETOOLONG: tr("文件名太长", "the name is too long"),
        errno.EIO: tr("磁盘读写出错", "the disk failed"),
    }
    return words.get(error.errno or 0, error.strerror or str(error))


class SiyuError(Exception):
    """A failure with a sentence for people, a stable code word for scripts and a way out.

    `code` is lower-case-with-dashes and never changes; `message` says what and where,
    `hint` says what to do next.
    """

    exit_code: ExitCode = ExitCode.FAULT

    def __init__(self, code: str, message: str, *, hint: str = "", where: Where | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.where = where

    def as_dict(self) -> dict[str, object]:
        """The `error` object of `--format json`."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "where": self.where.as_dict() if self.where else {},
        }


class UsageRefused(SiyuError):
    """The command was called in a way that cannot work (exit 2)."""

    exit_code = ExitCode.USAGE


class InputRefused(SiyuError):
    """A file, rule or setting is not acceptable; nothing was written (exit 3)."""

    exit_code = ExitCode.REFUSED


class StateUnavailable(SiyuError):
    """The workspace's state is held by another process, damaged or newer than this program (exit 5)."""

    exit_code = ExitCode.STATE


class RemoteFailed(SiyuError):
    """A service outside did not do what it was asked (exit 6)."""

    exit_code = ExitCode.REMOTE


class StoppedByGuard(SiyuError):
    """A guard or a stale plan stopped the command before it wrote anything (exit 7)."""

    exit_code = ExitCode.STOPPED
