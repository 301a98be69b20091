"""What the reading child and its parent say to each other: frames of a tag, a length and that many bytes."""

from __future__ import annotations

import json
import struct
from enum import IntEnum
from typing import IO, Any

_HEADER = struct.Struct("<BQ")


class Tag(IntEnum):
    """What a frame holds; see worker.py."""

    HEAD = 1
    BATCH = 2
    END = 3
    NAMES = 4
    REFUSED = 5
    FAULT = 6


def write_frame(out: IO[bytes], tag: Tag, content: Any) -> None:
    """One frame; `content` is bytes or an Arrow buffer."""
    view = memoryview(content)
    out.write(_HEADER.pack(tag, view.nbytes))
    out.write(view)
    if tag is not Tag.BATCH:
        out.flush()


def write_json(out: IO[bytes], tag: Tag, content: Any) -> None:
    write_frame(out, tag, json.dumps(content).encode())


def read_frame(source: IO[bytes]) -> tuple[Tag, bytes]:
    """The next frame; EOFError where the writer is gone."""
    tag, length = _HEADER.unpack(_exactly(source, _HEADER.size))
    return Tag(tag), _exactly(source, length)


def _exactly(source: IO[bytes], size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise EOFError
    return content
