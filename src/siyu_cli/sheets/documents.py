"""From the operator's arguments to the documents to read: folders, globs, archives, locked workbooks."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

from siyu_cli.errors import InputRefused
from siyu_cli.files import Skipped, expand_paths, nothing_to_read
from siyu_cli.sheets.archive import nested, unpack
from siyu_cli.sheets.sniff import FileKind, sniff
from siyu_cli.sheets.unlock import Passwords, unlock_workbook

_CONTAINERS = (b"PK", b"\xd0\xcf")


@dataclass(frozen=True)
class Document:
    """A file to read. `name` is what the operator calls it (`七月.zip/订单.csv`), `path` where its bytes lie.

    `given` is the file on her disk: the archive of a member, else the file itself.
    """

    path: Path
    name: str
    given: Path


def open_documents(
    given: Sequence[Path], folder: Path, passwords: Passwords, tz: tzinfo
) -> tuple[list[Document], list[Skipped]]:
    """The documents meant by files, folders, globs and archives, and what was left out.

    Archives are unpacked and locked workbooks decrypted into `folder`, which must be private and is the
    caller's to clear. InputRefused for what cannot be opened, and where nothing is left to read.
    """
    paths, skipped = expand_paths(given)
    found: list[Document] = []
    for number, path in enumerate(paths):
        own, document = folder / f"file-{number}", Document(path, path.name, path)
        kind = _container(document)
        if kind is FileKind.ZIP:
            members, left_out = unpack(path, path.name, own, passwords, tz)
            skipped += left_out
            for target, name in members:
                member = Document(target, name, path)
                inner = _container(member)
                if inner is FileKind.ZIP:
                    raise nested(name)
                found.append(_unlocked(member, inner, target.parent / "open", passwords))
        else:
            found.append(_unlocked(document, kind, own, passwords))
    if not found:
        raise nothing_to_read(skipped)
    return found, skipped


def named(error: InputRefused, document: Document) -> InputRefused:
    """A refusal by what the operator calls the document; below, it is known by the file its bytes lie in."""
    if error.where is not None and error.where.file == document.path.name:
        error.where = replace(error.where, file=document.name)
    return error


def _container(document: Document) -> FileKind | None:
    """What a zip or OLE file is; None for text and for what the reader must name (gone, in use)."""
    try:
        with document.path.open("rb") as file:
            if not file.read(2).startswith(_CONTAINERS):
                return None
    except OSError:
        return None
    try:
        return sniff(document.path).kind
    except InputRefused as error:
        raise named(error, document) from None


def _unlocked(document: Document, kind: FileKind | None, folder: Path, passwords: Passwords) -> Document:
    """The document itself, or what a password made readable, under the same name and time stamp."""
    if kind is not FileKind.ENCRYPTED:
        return document
    folder.mkdir(parents=True)
    target = folder / document.path.name
    unlock_workbook(document.path, document.name, target, passwords)
    shutil.copystat(document.path, target)
    target.chmod(0o600)
    return replace(document, path=target)
