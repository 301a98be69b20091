"""Short cuts over whole columns say what the look at each cell says."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_cli.sheets import clean, workbook
from siyu_cli.sheets.signs import CONTROL, odd_ends
from siyu_cli.sheets.sniff import FileKind
from siyu_cli.words import fold, fold_column
from tests.sheets.makers import xlsx

PIECES = st.one_of(
    st.none(), st.text("0123456789", max_size=14), st.sampled_from(["", "0", "1.5", "007", "12件", "٣", "-1"])
)


@given(st.lists(PIECES, max_size=8))
def test_plain_pieces_are_counted_as_on_the_careful_road(cells: list[str | None]) -> None:
    texts = clean.clean_codes(pa.array(cells, pa.string()))
    quick = clean._whole_numbers(texts)
    careful = clean._numbers(texts, clean._COUNT, 3, "bad-quantity")
    if quick is not None:
        assert [column.to_pylist() for column in quick] == [column.to_pylist() for column in careful]
    plain = all(
        cell is None or (cell.isascii() and cell.isdigit() and len(cell) <= 12) for cell in texts.to_pylist()
    )
    assert (quick is not None) == plain


@given(st.lists(st.text(st.characters(max_codepoint=0x2FF), max_size=6), max_size=6))
def test_a_control_character_is_seen_wherever_it_stands(cells: list[str]) -> None:
    found = odd_ends(pa.array([f"a{cell}a" for cell in cells], pa.string()))
    assert found.tolist() == [bool(re.search(CONTROL, cell)) for cell in cells]


@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["abc", "ABC", "芒果", "Ａ"])), max_size=8
    )
)
def test_a_column_is_folded_cell_by_cell(cells: list[str | None]) -> None:
    column = pa.array(cells, pa.string())
    folded = fold_column(column)
    assert folded.type == pa.string()
    assert folded.to_pylist() == [None if cell is None else fold(cell) for cell in cells]


@pytest.mark.parametrize(("head_rows", "sizes"), [(1, [1, 8]), (3, [3, 6]), (256, [9])])
def test_where_batches_of_a_workbook_end_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head_rows: int, sizes: list[int]
) -> None:
    rows = [
        ["订单编号", "金额", "数量"],
        *([f"a{at}", at / 4, at] for at in range(7)),
        ["合计", "10.5元", None],
    ]
    path = xlsx(tmp_path / "a.xlsx", rows)
    monkeypatch.setattr(workbook, "_HEAD_ROWS", head_rows)
    batches = list(workbook.read_workbook(path, FileKind.XLSX, None).batches)
    assert [len(columns[0]) for columns in batches] == sizes
    cells = [[cell for columns in batches for cell in columns[at].to_pylist()] for at in range(3)]
    assert cells == [[workbook.cell_text(row[at]) for row in rows] for at in range(3)]
