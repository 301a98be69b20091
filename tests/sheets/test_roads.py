"""The quick roads and the careful ones agree cell by cell, whatever a table looks like."""

from __future__ import annotations

import csv
import io
import tempfile
import unicodedata
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siyu_cli.errors import InputRefused
from siyu_cli.sheets import clean, delimited, signs
from siyu_cli.sheets.clean import clean_codes, clean_ids, clean_money, clean_quantities, clean_text
from siyu_cli.sheets.dates import clean_moments
from siyu_cli.sheets.header import build_header
from siyu_cli.sheets.mapping import PlatformMapping
from siyu_cli.sheets.raw import open_source
from tests.conftest import examples
from tests.sheets.makers import TZ

WORDS = st.one_of(
    st.sampled_from(
        ["", "1", "买家甲", "4900123456789012345", "2025-03-15 10:02:07", "12.50", "𬭚㐂", "a b", "é|ñ"]
    ),
    st.text(st.sampled_from("a1买，, ;|\t'`-　\u200b\ufeff\xa0é\ufdd0\x01€"), max_size=5),
)
WRAPS = st.sampled_from(
    ["{}", '="{}"', "'{}", "`{}", "\t{}", "{}\t", " {} ", "　{}", "{}\n二", '说"{}"', "{}\r\n后", "{}\0"]
)
CELLS = st.builds(lambda wrap, word: wrap.format(word), WRAPS, WORDS)
LOOKS = st.tuples(
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from([",", "\t", ";", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
HARM = st.sampled_from([None, None, "tail", "short", "long", "byte", "quote", "blank", "return"])


def written(rows: list[list[str]], look: tuple[str, str, str, int], harm: str | None, at: int) -> bytes:
    """The table as a file in that look, one of its rows harmed."""
    encoding, delimiter, end, quoting = look
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(  # type: ignore[call-overload]
        [["订单编号", "买家", "备注"], *rows]
    )
    lines = out.getvalue().split(end)
    at = 1 + at % max(len(lines) - 2, 1)
    if harm == "tail":
        lines = [line + delimiter for line in lines]
    elif harm == "short":
        lines[at] = "独"
    elif harm == "long":
        lines[at] += delimiter + "多"
    elif harm == "quote":
        lines[at] = f'"x{delimiter}y'
    elif harm == "blank":
        lines.insert(at, "")
    elif harm == "return":
        lines[at] = lines[at][:1] + "\r" + lines[at][1:]
    data = end.join(lines).encode(encoding)
    if harm == "byte" and encoding != "utf-16":
        middle = len(data) // 2
        data = data[:middle] + b"\xff" + data[middle:]
    return data


def read(path: Path, delimiter: str) -> object:
    """Rows with their numbers, broken rows and notes; or the code and line of the refusal."""
    try:
        source = open_source(path, None)
        layout = next(one for one in source.layouts() if one.delimiter == delimiter)
        header = build_header(
            ["订单编号", "买家", "备注"], layout.row_nos[0], PlatformMapping("", "orders", {}), delimiter
        )
        rows: list[object] = []
        for batch in source.batches(header):
            cells = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            rows += zip(batch.row_nos.to_pylist(), cells, strict=True)
            rows += [(row.row_no, row.code, row.detail, row.cells) for row in batch.broken]
        return sorted(rows, key=lambda row: row[0]), dict(source.notes)  # type: ignore[index]
    except InputRefused as refusal:
        return refusal.code, refusal.where.line if refusal.where else None


@examples(150)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    LOOKS,
    HARM,
    st.integers(0, 99),
    st.sampled_from([16, 61, 4 << 20]),
)
# A cell at the start of a later piece begins with what looks like a byte order mark, in either encoding.
@example(
    [[""] * 3, [""] * 3, ["", "", '=""'], ["\ufeff", "", ""]],
    ("utf-8", ",", "\n", csv.QUOTE_MINIMAL),
    None,
    0,
    16,
)
@example(
    [["a", "b", "c"]] * 3 + [["锘縳", "", ""]] * 3, ("gb18030", ",", "\n", csv.QUOTE_MINIMAL), None, 0, 16
)
def test_pieces_split_by_columns_are_what_the_csv_module_reads(rows, look, harm, at, block):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "表.csv")
        path.write_bytes(written(rows, look, harm, at))
        with mock.patch.object(delimited, "_BLOCK", block):
            quick = read(path, look[1])
        with mock.patch.object(delimited._Pieces, "_columns", return_value=None):
            careful = read(path, look[1])
        assert quick == careful


def test_the_quick_road_is_taken(tmp_path):
    """A usual export with wrapped ids never meets the csv module."""
    rows = [[f'="{at}"', f"买家{at}", "备注,一"] for at in range(50)]
    path = tmp_path / "表.csv"
    path.write_bytes(written(rows, ("gb18030", ",", "\r\n", csv.QUOTE_MINIMAL), None, 0))
    with mock.patch.object(delimited._Pieces, "split_loosely", side_effect=AssertionError):
        found, _ = read(path, ",")  # type: ignore[misc]
    assert [list(cells) for _, cells in found] == rows


def test_a_very_long_cell_is_read(tmp_path):
    path = tmp_path / "表.csv"
    path.write_text(f'订单编号,买家,备注\n1,甲,"{"长" * 140_000}"\n2,乙\n', encoding="utf-8")
    rows, _ = read(path, ",")  # type: ignore[misc]
    assert len(rows[0][1][2]) == 140_000
    assert rows[1][1] == "row-too-short"


# --- cleaning ------------------------------------------------------------------------------------


def naive_odd(text: str) -> bool:
    """What odd_ends may never miss: ends that are trimmed, wrappers, control characters."""

    def is_space(sign: str) -> bool:
        return sign.isspace() or unicodedata.category(sign) in ("Zs", "Zl", "Zp", "Cf")

    control = any(
        (unicodedata.category(sign) == "Cc" and sign not in "\t\n\r") or sign == "\x7f" for sign in text
    )
    return control or (bool(text) and (is_space(text[0]) or is_space(text[-1]) or text[0] in "='`"))


@given(st.lists(st.one_of(st.none(), st.text(max_size=4), CELLS), max_size=12), st.integers(0, 3))
def test_no_odd_text_is_taken_for_plain(texts, skipped):
    column = pa.array(texts, pa.string())[skipped:]
    for text, is_odd in zip(texts[skipped:], signs.odd_ends(column).tolist(), strict=True):
        assert is_odd or not naive_odd(text or "")


@given(st.lists(st.one_of(st.none(), st.text(max_size=4), CELLS), max_size=12), st.integers(0, 3))
def test_looks_at_the_bytes_say_what_the_texts_say(texts, skipped):
    column = pa.array(texts, pa.string())[skipped:]
    shown = [text or "" for text in texts[skipped:]]
    assert signs.is_ascii(column) == all(text.isascii() for text in shown)
    assert signs.has_empty(column) == any(not text for text in shown)
    assert signs.holds(column, b"'") == any("'" in text for text in shown)
    assert signs.starts(column, b"=1").tolist() == [text[:1] in ("=", "1") and text != "" for text in shown]
    digits_only = all(not text.strip("0123456789") for text in shown)
    assert signs.made_of(column, signs.DIGITS) == digits_only


MONEY = st.sampled_from(
    ["0", "12.50", "-5", "￥1,299.00", "99元", "－5", "１２", "1.2万", ".5", "5.", "-.5", "1-2", "1.005", "999999999999.99",
     "1000000000000", "0000000000000.01", "12亿", "30%", "--", "N/A", "-0.00", "1.", ".", "-", "100.004999"]
)  # fmt: skip
DATES = st.sampled_from(
    ["2025-03-15", "2025-03-15 10:02", "2025-03-15T10:02:07", "2025-02-30", "0000-00-00 00:00:00", "1899-12-31", "2199-12-31",
     "2200-01-01", "45293", "1704412800000", "2024年1月5日 3时4分", "01/02/2024", "", "2025-03-15 24:00:00", "0001-01-01"]
)  # fmt: skip
CLEANERS = {
    "text": (clean_text, CELLS),
    "codes": (clean_codes, CELLS),
    "ids": (clean_ids, CELLS),
    "money": (clean_money, st.one_of(MONEY, CELLS)),
    "quantities": (clean_quantities, st.one_of(MONEY, CELLS)),
    "moments": (lambda texts: clean_moments(texts, (), TZ), st.one_of(DATES, CELLS)),
}


@pytest.mark.parametrize("name", CLEANERS)
@given(data=st.data(), repeated=st.booleans())
def test_a_column_means_what_its_cells_mean_one_by_one(name, data, repeated):
    """Alike cells take the quick road together, a mixed column the careful one; repeats are cleaned once."""
    cells = CLEANERS[name][1]
    check_column(name, data.draw(st.lists(st.one_of(st.none(), cells), min_size=1, max_size=6)), repeated)


@pytest.mark.parametrize("name", ["codes", "ids", "money", "quantities"])
def test_a_cell_is_unwrapped_once(name):
    """Inside `'` stands a second mark; a column with placeholders to drop must not take that one off, too."""
    check_column(name, ["-5", "'`"], True)


def check_column(name: str, texts: list[str | None], repeated: bool) -> None:
    """The cleaner gives each cell of the column what it gives the cell alone."""
    cleaner = CLEANERS[name][0]

    def all_of(column: list[str | None]) -> list[tuple[object, ...]]:
        found = cleaner(pa.array(column, pa.string()))
        arrays = [found] if isinstance(found, pa.Array) else list(found)
        return list(zip(*(array.to_pylist() for array in arrays), strict=True))

    times = 1 + (2 * clean._SAMPLE // len(texts) if repeated else 0)
    one_by_one = [all_of([text])[0] for text in texts]
    with_stranger = all_of([*texts, "\x01 奇怪 \u200b"])[:-1]
    assert all_of(texts * times) == one_by_one * times
    assert with_stranger == one_by_one
