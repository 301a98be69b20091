"""Questions of who is who for a person to answer: a workbook out, the filled workbook back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siyu_cli.clock import format_seconds
from siyu_cli.customers.persons import against_text, build_facts_of, key_text, mask_name
from siyu_cli.errors import InputRefused, Where
from siyu_cli.language import tr
from siyu_cli.people import merging
from siyu_cli.people.joining import Sets

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from siyu_cli.clock import AsOf

SAME, DIFFERENT, LATER = "是同一人", "不是同一人", "再看看"
QUESTION, ANSWER = "行标识", "结论"
MOST_QUESTIONS = 2_000
"""Questions per workbook, those of this run first; the others stay and come with the next."""

_OWNERS = """
SELECT c.conflict_no, c.answer, c.run_id = $run AS is_new, least(l.customer_id, r.customer_id) AS one,
       greatest(l.customer_id, r.customer_id) AS other, c.seen_sec, c.kind, c.namespace, c.value, c.with_kind,
       c.with_namespace, c.with_value, c.against_kind, c.against_namespace
FROM identity_conflicts AS c
JOIN customer_keys AS l ON l.kind = c.kind AND l.namespace = c.namespace AND l.value = c.value
JOIN customer_keys AS r ON r.kind = c.with_kind AND r.namespace = c.with_namespace AND r.value = c.with_value
ORDER BY c.conflict_no
"""


@dataclass(frozen=True)
class Question:
    """A contradiction between the two customers that hold its keys now; `one` is the older."""

    number: int
    answer: str | None
    is_new: bool
    one: int
    other: int
    seen_sec: int | None
    key: tuple[str, str, str]
    with_key: tuple[str, str, str]
    against: tuple[str, str]

    @property
    def is_open(self) -> bool:
        return self.answer is None and self.one != self.other

    @property
    def mark(self) -> str:
        """`Q12-3fa9c1`: the number, and a proof that a row speaks of this workspace."""
        proof = hashlib.sha256("\x1f".join((*self.key, *self.with_key)).encode()).hexdigest()
        return f"Q{self.number}-{proof[:6]}"

    @property
    def evidence(self) -> str:
        moment = "" if self.seen_sec is None else f" {format_seconds(self.seen_sec)[:10]}"
        return tr(
            f"{key_text(*self.key)} 和 {key_text(*self.with_key)} 同时出现{moment}",
            f"{key_text(*self.key)} seen with {key_text(*self.with_key)}{moment}",
        )


def questions(con: DuckDBPyConnection, run_id: int) -> list[Question]:
    """All contradictions with their answers; those that `run_id` found are new."""
    return [
        Question(row[0], row[1], row[2], row[3], row[4], row[5], row[6:9], row[9:12], row[12:14])
        for row in con.execute(_OWNERS, {"run": run_id}).fetchall()
    ]


def new_conflicts(con: DuckDBPyConnection, run_id: int) -> int:
    """How many pairs of customers a run could tell neither apart nor together, and nobody has answered."""
    found = con.execute(
        f"SELECT count(DISTINCT (one, other)) FROM ({_OWNERS}) WHERE is_new AND answer IS NULL AND one <> other",
        {"run": run_id},
    )
    return int(found.fetchall()[0][0])


def write_review(con: DuckDBPyConnection, run_id: int, folder: Path, as_of: AsOf) -> Path | None:
    """Write all open questions to `folder/身份待查.xlsx`, one row per pair of customers; None where there are none.

    A workbook that is already there may be filled in and is never overwritten.
    """
    from siyu_cli.sheets.write import ListColumn, ListSheet, write_list_workbook

    pairs: dict[tuple[int, int], list[Question]] = {}
    for question in questions(con, run_id):
        if question.is_open:
            pairs.setdefault((question.one, question.other), []).append(question)
    if not pairs:
        return None
    asked = sorted(pairs.values(), key=lambda links: (not any(one.is_new for one in links), links[0].number))
    shown = asked[:MOST_QUESTIONS]
    people = _people(con, {customer for links in shown for customer in (links[0].one, links[0].other)}, as_of)
    rows = [
        [
            links[0].mark, None, None, "；".join(one.evidence for one in links[:5]), len(links),
            "；".join(dict.fromkeys(against_text(*one.against) for one in links)),
            *people[links[0].one], *people[links[0].other],
            tr("本次", "this run") if any(one.is_new for one in links) else tr("以前", "earlier"),
        ]
        for links in shown
    ]  # fmt: skip
    sides = [
        column
        for side in ("甲", "乙")
        for column in (
            ListColumn(f"{side}·客户"), ListColumn(f"{side}·键"), ListColumn(f"{side}·收货人"),
            ListColumn(f"{side}·订单", "count"), ListColumn(f"{side}·净额", "yuan"), ListColumn(f"{side}·最近付款"),
        )
    ]  # fmt: skip
    columns = [
        ListColumn(QUESTION), ListColumn(ANSWER, choices=(SAME, DIFFERENT, LATER)), ListColumn("备注", width=20),
        ListColumn("证据", width=50), ListColumn("证据条数", "count"), ListColumn("为什么没合并", width=30), *sides,
        ListColumn("哪次发现"),
    ]  # fmt: skip
    path = _free_path(folder)
    about = [
        (tr("这张表", "Sheet"), tr("同一个手机号(或其他键)出现在两个客户身上,程序不猜", "Keys that two customers share")),
        (tr("怎么填", "How to"), tr(
            f"「{ANSWER}」选 {SAME} 或 {DIFFERENT};选 {LATER} 或空着,以后再问。填好:siyu merge-customers {path.name}",
            f"Choose an answer, then: siyu merge-customers {path.name}")),
        (tr("题数", "Questions"), f"{len(shown):,}"
         + (tr(f",另有 {len(asked) - len(shown):,} 题以后再问", f", {len(asked) - len(shown):,} more later")
            if len(asked) > len(shown) else "")),
        (tr("统计截止", "As of"), str(as_of)),
        (tr("执行编号", "Run"), str(run_id)),
    ]  # fmt: skip
    write_list_workbook(path, [ListSheet("身份待查", columns, rows)], about, created=None)
    return path


def _free_path(folder: Path) -> Path:
    number, path = 1, folder / "身份待查.xlsx"
    while path.exists():
        number += 1
        path = folder / f"身份待查-{number}.xlsx"
    return path


def _people(con: DuckDBPyConnection, people: set[int], as_of: AsOf) -> dict[int, tuple[Any, ...]]:
    """Per customer: id, keys, receivers, orders, net, latest payment; phones and names masked."""
    build_facts_of(con, people, as_of)
    keys: dict[int, list[str]] = {}
    for customer_id, *key in con.execute(
        "SELECT customer_id, kind, namespace, value FROM customer_keys SEMI JOIN fact_people USING (customer_id) "
        "ORDER BY customer_id, kind, namespace, value"
    ).fetchall():
        keys.setdefault(customer_id, []).append(key_text(*key))
    receivers = dict(
        con.execute(
            "SELECT customer_id, list(DISTINCT receiver ORDER BY receiver) FROM order_lines "
            "SEMI JOIN fact_people USING (customer_id) WHERE receiver IS NOT NULL GROUP BY customer_id"
        ).fetchall()
    )
    bought = {
        row[0]: row[1:]
        for row in con.execute(
            "SELECT customer_id, CAST(sum(is_order) AS BIGINT), CAST(sum(net_fen) AS BIGINT), max(paid_sec) "
            "FROM fact_orders GROUP BY customer_id"
        ).fetchall()
    }
    found: dict[int, tuple[Any, ...]] = {}
    for one in people:
        orders, net_fen, last = bought.get(one, (0, 0, None))
        names = "、".join(mask_name(name) for name in receivers.get(one, [])[:3])
        shown = "；".join(keys[one][:6]) + ("…" if len(keys[one]) > 6 else "")
        found[one] = (
            str(one),
            shown,
            names,
            orders,
            net_fen,
            format_seconds(last) if last is not None else "",
        )
    return found


@dataclass(frozen=True)
class Answer:
    """One row of a filled review workbook."""

    where: Where
    mark: str
    text: str


_WHY = {
    "unknown-question": tr("不是这个工作区的题,或题已随导入撤回", "no question of this workspace, or undone with its import"),
    "bad-answer": tr(f"「{ANSWER}」只能选 {SAME}、{DIFFERENT}、{LATER}", f"{ANSWER} is none of the list"),
    "two-answers": tr("同一题填了两种结论", "answered in two ways"),
    "answered-otherwise": tr("以前已答「不是同一人」;确实是,用 merge-customers 甲 乙", "was answered otherwise before"),
    "already-one": tr("他们已经是同一个客户;要分开用 split-customer", "they are one customer already; use split-customer"),
    "contradiction": tr("和别的结论矛盾:照它合并,说好不是一人的两位也会变成一人", "contradicts another answer"),
}  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A row that was not followed."""

    where: Where
    mark: str
    code: str

    @property
    def why(self) -> str:
        """The code in words."""
        return _WHY[self.code]


@dataclass(frozen=True)
class Reviewed:
    """What became of the rows: read = merged + apart + unchanged + left_open + refused."""

    read: int
    merged: int
    apart: int
    unchanged: int
    left_open: int
    refused: tuple[Refused, ...]


def read_answers(path: Path) -> list[Answer]:
    """The rows of a filled workbook, also of one saved as CSV; InputRefused where it is none."""
    from siyu_cli.sheets.header import find_header
    from siyu_cli.sheets.mapping import PlatformMapping
    from siyu_cli.sheets.raw import open_source

    mapping = PlatformMapping("身份待查", "review", {QUESTION: (QUESTION,), ANSWER: (ANSWER,)})
    source = open_source(path, None)
    try:
        header = find_header(source.layouts(), [mapping], path.name, source.sheet)
        if not {QUESTION, ANSWER} <= set(header.columns):
            raise InputRefused(
                "no-review-workbook",
                tr(f"{path.name} 不是身份待查表:没有「{QUESTION}」或「{ANSWER}」列", f"{path.name} is no review workbook"),
                hint=tr("导入命令写在 outbox/<日期>/身份待查.xlsx", "Imports write it as outbox/<day>/身份待查.xlsx"),
                where=Where(file=path.name),
            )  # fmt: skip
        places = (header.columns[QUESTION][0], header.columns[ANSWER][0])
        answers = []
        for batch in source.batches(header):
            columns = [[text.strip() for text in batch.columns[at].to_pylist()] for at in places]
            for row_no, mark, text in zip(batch.row_nos.to_pylist(), *columns, strict=True):
                if mark or text:
                    where = Where(file=path.name, sheet=source.sheet, row=row_no)
                    answers.append(Answer(where, mark, text))
        return answers
    finally:
        source.close()


def follow_answers(con: DuckDBPyConnection, run_id: int, answers: Sequence[Answer]) -> Reviewed:
    """Carry out what a person answered, inside the caller's transaction.

    Denials come first: an answer that would make one of two who are said to be two people is not followed.
    """
    known = {question.mark: question for question in questions(con, run_id)}
    outcomes: list[tuple[str, Answer]] = []
    given: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer.mark not in known:
            outcomes.append(("unknown-question", answer))
        elif answer.text in ("", LATER):
            outcomes.append(("left_open", answer))
        elif answer.text not in (SAME, DIFFERENT):
            outcomes.append(("bad-answer", answer))
        else:
            given.setdefault(answer.mark, []).append(answer)
    plain = []
    for rows in given.values():
        if len({answer.text for answer in rows}) > 1:
            outcomes += [("two-answers", answer) for answer in rows]
        else:
            plain.append(rows[0])
            outcomes += [("unchanged", answer) for answer in rows[1:]]
    plain.sort(key=lambda answer: known[answer.mark].number)
    outcomes += _deny(con, run_id, [(known[one.mark], one) for one in plain if one.text == DIFFERENT])
    outcomes += _confirm(con, run_id, [(known[one.mark], one) for one in plain if one.text == SAME])
    counts = Counter(outcome for outcome, _ in outcomes)
    refused = [Refused(answer.where, answer.mark, code) for code, answer in outcomes if code in _WHY]
    refused.sort(key=lambda one: (one.where.file or "", one.where.row or 0))
    return Reviewed(
        len(answers),
        counts["merged"],
        counts["apart"],
        counts["unchanged"],
        counts["left_open"],
        tuple(refused),
    )


def _deny(
    con: DuckDBPyConnection, run_id: int, answers: Sequence[tuple[Question, Answer]]
) -> list[tuple[str, Answer]]:
    """The answers 不是同一人: apart, unchanged, or the code of why one is not followed."""
    outcomes = []
    for question, answer in answers:
        is_one = question.one == question.other
        outcomes.append(
            ("already-one" if is_one else "unchanged" if question.answer == "different" else "apart", answer)
        )
    new = [
        (one.one, one.other)
        for (one, _), (outcome, _) in zip(answers, outcomes, strict=True)
        if outcome == "apart"
    ]
    merging.keep_apart(con, run_id, new)
    return outcomes


def _confirm(
    con: DuckDBPyConnection, run_id: int, answers: Sequence[tuple[Question, Answer]]
) -> list[tuple[str, Answer]]:
    """The answers 是同一人: merged, unchanged, or the code of why one is not followed."""
    apart = merging.apart_pairs(con)
    people = Sets()
    outcomes, pairs = [], []
    for question, answer in answers:
        one, other = people.find(question.one), people.find(question.other)
        if one == other:
            outcome = "unchanged"
        elif question.answer == "different":
            outcome = "answered-otherwise"
        elif any({people.find(left), people.find(right)} == {one, other} for left, right in apart):
            outcome = "contradiction"
        else:
            outcome = "merged"
            people.union(one, other)
            pairs.append((question.one, question.other))
        outcomes.append((outcome, answer))
    merging.merge_pairs(con, run_id, pairs)
    return outcomes
