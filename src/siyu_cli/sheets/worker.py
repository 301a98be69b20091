"""The reading child: `python -m siyu_cli.sheets.worker`. It reads one table per request and may be killed at any time.

A request is a line of JSON on stdin. The answer is frames on stdout, each a tag, the length and the content:
HEAD (what the table is), BATCH (an Arrow message) …, END; or NAMES; or REFUSED; or FAULT, a traceback.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from siyu_cli.errors import InputRefused
from siyu_cli.sheets.frames import Tag, write_frame, write_json
from siyu_cli.sheets.sniff import FileKind, Sniffed
from siyu_cli.unneeded import leave_pandas_out


def read_here(path: Path, sniffed: Sniffed, sheet: str | None) -> Any:
    """The table of a file (a Grid), read in this very process."""
    if sniffed.kind in (FileKind.XLSX, FileKind.XLS):
        from siyu_cli.sheets.workbook import read_workbook

        return read_workbook(path, sniffed.kind, sheet)
    from siyu_cli.sheets.markup import read_markup

    return read_markup(path, sniffed, sheet)


def names_here(path: Path, sniffed: Sniffed) -> list[str]:
    """The visible sheets that hold something, read in this very process."""
    if sniffed.kind in (FileKind.XLSX, FileKind.XLS):
        from siyu_cli.sheets.workbook import filled_sheets

        return filled_sheets(path, sniffed.kind)
    from siyu_cli.sheets.markup import filled_tables

    return filled_tables(path, sniffed)


def answer(request: dict[str, Any], out: BinaryIO) -> None:
    """Read what is asked for and write the frames."""
    from siyu_cli.sheets.guards import too_large

    path = Path(request["path"])
    sniffed = Sniffed(FileKind(request["kind"]), request["size"], request["encoding"], request["skip"])
    try:
        _limit_memory(request["memory"])
        if request["names_only"]:
            write_json(out, Tag.NAMES, names_here(path, sniffed))
        else:
            _stream(path, sniffed, request["sheet"], out)
    except InputRefused as error:
        write_json(out, Tag.REFUSED, error.as_dict())
    except MemoryError:
        write_json(out, Tag.REFUSED, too_large(path.name, "").as_dict())
    except BrokenPipeError:
        raise
    except Exception:
        write_json(out, Tag.FAULT, traceback.format_exc())


def _stream(path: Path, sniffed: Sniffed, sheet: str | None, out: BinaryIO) -> None:
    import pyarrow as pa

    grid = read_here(path, sniffed, sheet)
    head = {
        "sheet": grid.sheet, "names": grid.names, "is_1904": grid.is_1904, "width": grid.width, "notes": grid.notes,
        "merges": grid.merges,
    }  # fmt: skip
    write_json(out, Tag.HEAD, head)
    for columns in grid.batches:
        batch = pa.RecordBatch.from_arrays(columns, [str(at) for at in range(len(columns))])
        write_frame(out, Tag.BATCH, batch.serialize())
    write_frame(out, Tag.END, b"")


def _limit_memory(most: int) -> None:
    """Let the system refuse memory beyond `most` bytes; where it cannot, the guards have looked before."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (ValueError, OSError):  # macOS has the call and refuses it
        return


def main() -> None:
    """Answer requests until stdin ends."""
    leave_pandas_out()
    gc.disable()  # millions of cells come and go; looking through them for cycles takes longer than reading
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library may print must not get between the frames
    import pyarrow  # noqa: F401 - the slow ones, while nothing is asked for yet
    import python_calamine  # noqa: F401

    for line in sys.stdin.buffer:
        answer(json.loads(line), out)
        out.flush()


if __name__ == "__main__":
    main()
