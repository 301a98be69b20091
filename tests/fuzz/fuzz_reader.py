"""Coverage-guided fuzzing of the reader: any bytes are read or refused in a sentence, never anything else.

    python -m tests.fuzz tests/fuzz/seeds -max_total_time=1200 -timeout=5 -rss_limit_mb=1024

needs atheris, which is no dependency of the project (`pip install atheris`). Everything runs in this process,
without the reading child that guards commands, so that the guards before it have to hold. Workbooks are
mutated inside their package: a changed byte of a compressed part only ever meets its checksum.
"""

from __future__ import annotations

import io
import random
import sys
import tempfile
import zipfile
from pathlib import Path

from siyu_cli.errors import InputRefused
from siyu_cli.sheets.header import Header, Layout
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.raw import GridSource, Source
from siyu_cli.sheets.sniff import FileKind, sniff
from siyu_cli.sheets.worker import names_here, read_here

_MAPPING = PlatformMapping("测试", "leads", {"phone": ("h0",)})


def read_everything(path: Path) -> int:
    """Rows of a file read under the header that its first row would be; InputRefused is the only way out."""
    sniffed = sniff(path)
    if sniffed.kind in (FileKind.ZIP, FileKind.ENCRYPTED):
        return 0
    source: Source
    if sniffed.kind is FileKind.TEXT:
        from siyu_cli.sheets.delimited import DelimitedSource

        source = DelimitedSource(path, sniffed)
    else:
        names_here(path, sniffed)
        source = GridSource(path, sniffed.encoding, lambda: read_here(path, sniffed, None))
    layouts = [layout for layout in source.layouts() if layout.rows]
    rows = _walk(source, max(layouts, key=lambda layout: len(layout.rows[0]))) if layouts else 0
    source.close()
    return rows


def _walk(source: Source, layout: Layout) -> int:
    width = max(1, len(layout.rows[0]))
    header = Header(layout.row_nos[0], width, ("",) * width, _MAPPING, layout.delimiter)
    rows, last = 0, header.row_no
    for batch in source.batches(header):
        numbers = sorted([*batch.row_nos.to_pylist(), *(row.row_no for row in batch.broken)])
        assert len(set(numbers)) == len(numbers), "a row stands twice"
        assert not numbers or numbers[0] > last, "rows go backwards"
        assert {len(column) for column in batch.columns} <= {len(batch.row_nos)}, "columns differ in length"
        assert not any(column.null_count for column in batch.columns), "a cell is null"
        rows, last = rows + len(numbers), numbers[-1] if numbers else last
    return rows


def run_one(content: bytes, folder: Path) -> None:
    """Read bytes as a file; anything but rows or a refusal with a way out is a finding."""
    path = folder / "input"
    path.write_bytes(content)
    try:
        read_everything(path)
    except InputRefused as error:
        assert error.message, "a refusal says why"
        assert error.hint, "a refusal says what to do"


def mutate_package(content: bytes, limit: int, seed: int) -> bytes:
    """Change one part of a package and pack it again; other files change byte by byte."""
    import atheris

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {
                info.filename: archive.read(info) for info in archive.infolist() if info.file_size < limit
            }
    except Exception:  # whatever a broken package does to zipfile: it is no package to open
        return atheris.Mutate(content, limit)
    dice = random.Random(seed)
    if not parts or dice.random() < 0.1:
        return atheris.Mutate(content, limit)
    name = dice.choice(sorted(parts))
    parts[name] = atheris.Mutate(parts[name], max(len(parts[name]) * 2, 64))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return buffer.getvalue()[:limit]


def main() -> None:
    """Fuzz until libFuzzer's options say stop."""
    import atheris

    folder = Path(tempfile.mkdtemp(prefix="siyu-fuzz-"))
    atheris.Setup(sys.argv, lambda content: run_one(content, folder), custom_mutator=mutate_package)
    atheris.Fuzz()
