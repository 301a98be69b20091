"""Questions of who is who: what is asked, in which words, and what answers lead to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from siyu_cli.clock import AsOf
from siyu_cli.customers.review import (
    DIFFERENT,
    LATER,
    SAME,
    Answer,
    follow_answers,
    new_conflicts,
    questions,
    read_answers,
    write_review,
)
from siyu_cli.errors import InputRefused, Where
from tests.people.claims_of import check_laws, import_rows, people
from tests.stores import new_store

PHONE = "13800138001"


@pytest.fixture
def con() -> Any:
    """Three buyers of one platform, all seen with one phone."""
    with new_store() as store:
        buyers = [("淘宝", buyer, PHONE, day * 86_400) for day, buyer in enumerate("甲乙丙", start=1)]
        import_rows(store, 1, buyers)
        store.execute("UPDATE order_lines SET receiver = '王小明' WHERE buyer_id = '乙'")
        yield store


def answers(con: Any, *texts: str) -> list[Answer]:
    """Answers to the questions in their order."""
    asked = questions(con, 1)
    return [
        Answer(Where(file="表", row=at), one.mark, text)
        for at, (one, text) in enumerate(zip(asked, texts, strict=False), 2)
    ]


def codes(done: Any) -> list[str]:
    return [one.code for one in done.refused]


def test_one_row_per_pair_with_both_sides_and_nothing_in_full(con: Any, tmp_path: Path) -> None:
    assert new_conflicts(con, 1) == 2
    assert new_conflicts(con, 2) == 0
    path = write_review(con, 1, tmp_path, AsOf(10**9))
    assert path is not None
    sheet = openpyxl.load_workbook(path).worksheets[0]
    head, *rows = [[cell.value for cell in row] for row in sheet]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["甲·客户"], row["乙·客户"]) for row in found] == [("1", "2"), ("1", "3")]
    assert found[0]["证据"] == "手机 138****8001 和 淘宝 买家 乙 同时出现 1970-01-03"
    assert (found[0]["乙·收货人"], found[0]["乙·订单"], found[0]["乙·净额"]) == ("王**", 1, 1.02)
    assert PHONE not in str(rows)
    assert sheet.data_validations.dataValidation[0].formula1 == f'"{SAME},{DIFFERENT},{LATER}"'
    # A workbook that is there may be filled in.
    assert write_review(con, 1, tmp_path, AsOf(10**9)) == tmp_path / "身份待查-2.xlsx"
    assert [one.text for one in read_answers(path)] == ["", ""]


def test_the_facts_of_a_few_leave_the_store_as_it_is(con: Any, tmp_path: Path) -> None:
    before = con.execute("SELECT count(*), sum(paid_fen) FROM order_lines").fetchall()
    write_review(con, 1, tmp_path, AsOf(10**9))
    assert con.execute("SELECT count(*), sum(paid_fen) FROM order_lines").fetchall() == before
    assert con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'order_lines'"
    ).fetchall() == [(1,)]


def test_answers_are_followed_once(con: Any) -> None:
    done = follow_answers(con, 2, answers(con, SAME, DIFFERENT))
    assert (done.read, done.merged, done.apart, done.refused) == (2, 1, 1, ())
    assert len(people(con)) == 2
    check_laws(con, by_hand=True)
    again = follow_answers(con, 3, answers(con, SAME, DIFFERENT))
    assert (again.merged, again.apart, again.unchanged, again.refused) == (0, 0, 2, ())
    assert new_conflicts(con, 1) == 0


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ((SAME,), (DIFFERENT,), ["already-one"]),
        ((DIFFERENT,), (SAME,), ["answered-otherwise"]),
        ((LATER,), ("也许",), ["bad-answer"]),
    ],
)
def test_answers_that_come_too_late_are_said(con: Any, first: Any, second: Any, refused: list[str]) -> None:
    assert codes(follow_answers(con, 2, answers(con, *first))) == []
    assert codes(follow_answers(con, 3, answers(con, *second))) == refused


def test_answers_that_contradict_each_other_are_not_followed(con: Any) -> None:
    twice = [*answers(con, SAME), *answers(con, DIFFERENT)]
    assert codes(follow_answers(con, 2, twice)) == ["two-answers", "two-answers"]
    # 1 = 2, 1 = 3 and 2 ≠ 3: one of the first two cannot be.
    import_rows(
        con,
        3,
        [
            ("有赞", "丁", "13800138009", 1),
            ("淘宝", "乙", "13800138009", 2),
            ("淘宝", "丙", "13800138009", 3),
        ],
    )
    done = follow_answers(con, 4, answers(con, SAME, SAME, DIFFERENT))
    assert (done.merged, done.apart, codes(done)) == (1, 1, ["contradiction"])
    check_laws(con, by_hand=True)


def test_rows_of_another_workspace_are_refused(con: Any) -> None:
    strange = [
        Answer(Where(file="表", row=2), "Q1-000000", SAME),
        Answer(Where(file="表", row=3), "", DIFFERENT),
    ]
    assert codes(follow_answers(con, 2, strange)) == ["unknown-question"] * 2
    assert len(people(con)) == 3


def test_a_table_without_questions_is_no_review(tmp_path: Path) -> None:
    path = tmp_path / "表.csv"
    path.write_text("行标识,备注\nQ1,好\n", encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read_answers(path)
    assert refused.value.code == "no-review-workbook"
    path.write_text(f"行标识,结论\nQ1-a,{SAME}\n,\n", encoding="utf-8")
    assert read_answers(path) == [Answer(Where(file="表.csv", row=2), "Q1-a", SAME)]


def test_a_phone_of_many_is_no_question(con: Any) -> None:
    import_rows(con, 2, [("京东", f"买家{n}", "13800138005", n) for n in range(8)])
    assert new_conflicts(con, 2) == 0
    assert len(people(con)) == 11
