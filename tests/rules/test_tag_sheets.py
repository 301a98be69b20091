"""set-tag --file: tags set by hand from a sheet, row by row, like as many single commands."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from siyu_cli.store.pins import note_tags, set_pins, write_pins
from siyu_cli.store.tag_sheets import judge_tags, tag_verdicts, write_tags
from tests.conftest import Shop, examples
from tests.rules.test_tag_commands import AS_OF, held, only_rule, state
from tests.shop_rows import customer, day, insert, key, order, writable
from tests.stores import new_store

RULES = """
manual_tags: [亲友]
tags:
  买过: {when: 订单数 >= 1}
  不让改: {when: 订单数 >= 1, manual: forbid}
tag_groups:
  档次:
    tags:
      - 高: {when: 订单数 >= 9}
      - 中: {when: 订单数 >= 5}
    default: 低
"""


@pytest.fixture
def people(shop: Shop) -> Shop:
    """1 to 4 bought once, each with a phone; 4 was customer 5 once, 1 and 2 were customer 6 together."""
    with writable(shop) as con:
        for number in range(1, 5):
            insert(con, "customers", [customer(number)])
            insert(con, "customer_keys", [key(number, f"1380000000{number}")])
            insert(con, "order_lines", [order(number, number, "2025-03-01", 100.0)])
        insert(con, "customer_keys", [{**key(4, "13800000005"), "born_id": 5}])
        insert(con, "customer_keys", [{**key(who, f"1380000001{who}"), "born_id": 6} for who in (1, 2)])
    only_rule(shop, RULES)
    shop.run("apply-tags", *AS_OF)
    return shop


SHEET = (
    "手机号,客户编号,标签,操作,说明\n"
    "13800000001,,亲友,,门店同事\n"  # on
    "13800000001,,亲友,打上,又写一次\n"  # the same once more
    "13800000001,,亲友,去掉,\n"  # and its contrary
    ",2,买过,取消,投诉过\n"  # off by number
    ",5,高,加,\n"  # a number that was merged into 4
    ",4,中,加,\n"  # another tag of the same group
    ",3,高,去掉,退群\n"  # taken away, so it is in nobody's way
    "138****0003,3,中,,换档\n"  # the number says who, the phone need not
    "13800000001,2,亲友,,\n"  # two customers
    "13900000009,,亲友,,\n"  # no customer
    ",99,亲友,,\n"
    ",6,亲友,,\n"  # who of the two?
    ",小雨,亲友,,\n"
    ",,亲友,,\n"
    "13800000002,,亲朋,,\n"
    "13800000002,,不让改,,\n"
    "13800000002,,亲友,给他,\n"
    "13800000003,,,,\n"
)


def test_every_row_goes_its_way_and_the_rest_comes_back(people: Shop) -> None:
    sheet = people.file("打标签.csv", SHEET)
    before = state(people)
    dry = people.json("set-tag", "--file", sheet, "--dry-run", *AS_OF, expect=4).result
    assert state(people) == before
    done = people.json("set-tag", "--file", sheet, *AS_OF, expect=4).result
    assert {**dry, "files": 0} == {**done, "files": 0}
    assert done["totals"] == {
        "read": 18, "new": 0, "updated": 5, "unchanged": 0, "duplicate": 1, "rejected": 12, "blank": 0,
    }  # fmt: skip
    assert done["reasons"] == {
        "bad-customer-id": 1, "duplicate-phone": 1, "missing-tag": 1, "phone-empty": 1, "tag-by-rule-only": 1,
        "tag-differs": 1, "tag-group-differs": 1, "unknown-customer": 3, "unknown-tag": 1, "unknown-tag-act": 1,
        "who-differs": 1,
    }  # fmt: skip
    assert done["customers"] == 4
    assert done["tags"] == {
        "中": {"on": 1, "off": 0, "released": 0}, "买过": {"on": 0, "off": 1, "released": 0},
        "亲友": {"on": 1, "off": 0, "released": 0}, "高": {"on": 1, "off": 1, "released": 0},
    }  # fmt: skip
    assert held(people, 1) == {"买过", "不让改", "低", "亲友"}
    assert held(people, 2) == {"不让改", "低"}
    assert held(people, 3) == {"买过", "不让改", "中"}
    assert held(people, 4) == {"买过", "不让改", "高"}
    people.run("apply-tags", *AS_OF)
    assert (held(people, 2), held(people, 4)) == ({"不让改", "低"}, {"买过", "不让改", "高"})
    assert people.rows("SELECT tag, action, cause, reason FROM tag_log WHERE customer_id = 1 AND cause = 'hand'") == [
        ("亲友", "pin_on", "hand", "门店同事"), ("亲友", "add", "hand", "门店同事"),
    ]  # fmt: skip
    # 高 of customer 3 is both taken away itself and the rival of what is given: its own reason counts.
    assert people.rows("SELECT tag, action, reason FROM tag_log WHERE customer_id = 3 AND cause = 'hand' ORDER BY ALL") == [
        ("中", "add", "换档"), ("中", "pin_on", "换档"), ("低", "remove", "换档"), ("高", "pin_off", "退群"),
    ]  # fmt: skip
    again = state(people)
    counts = people.json("set-tag", "--file", sheet, *AS_OF, expect=4).result
    assert (counts["totals"]["updated"], counts["totals"]["unchanged"]) == (0, 5)
    assert state(people) == again


def test_the_rejects_say_why_and_import_once_mended(people: Shop) -> None:
    sheet = people.file("打标签.csv", "手机号,标签\n13800000002,亲朋\n13800000003,不让改\n13800000004,亲友\n")
    said = people.run("set-tag", "--file", sheet, *AS_OF, expect=4).stderr
    assert "规则里没有这个标签:亲朋 × 1(例:第 2 行「标签」) 你是不是想写:亲友 ?" in said
    assert "「不让改」写着 manual: forbid" in said
    assert "亲友:打上 1" in said
    (rejects,) = people.root.glob("outbox/*/打标签-拒收.xlsx")
    rows = CalamineWorkbook.from_path(rejects).get_sheet_by_index(0).to_python()
    assert "你是不是想写:亲友 ?" in rows[1][6]
    assert rows[1][:2] == ["13800000002", "亲朋"]
    only_rule(people, RULES.replace(", manual: forbid", "").replace("[亲友]", "[亲友, 亲朋]"))
    done = people.json("set-tag", "--file", rejects, *AS_OF).result
    assert done["totals"]["updated"] == 2
    # The reason of a reject is no reason of a hand.
    assert {reason for (reason,) in people.rows("SELECT reason FROM tag_log WHERE cause = 'hand'")} == {""}


def test_released_rows_go_back_to_the_rules(people: Shop) -> None:
    people.run("set-tag", "1", "2", "买过", "--off", *AS_OF)
    people.run("set-tag", "1", "亲友", *AS_OF)
    sheet = people.file("打标签.csv", "客户,标签,操作\n1,买过,还给规则\n1,亲友,交还\n2,亲友,release\n")
    done = people.json("set-tag", "--file", sheet, *AS_OF).result
    assert done["tags"]["买过"] == {"on": 0, "off": 0, "released": 1}
    assert done["totals"]["unchanged"] == 1  # 2 never had it
    assert held(people, 1) == {"不让改", "低"}
    people.run("apply-tags", *AS_OF)
    assert held(people, 1) == {"买过", "不让改", "低"}
    assert held(people, 2) == {"不让改", "低"}
    # A pin that lost its group has nothing to go back to.
    people.run("set-tag", "3", "高", *AS_OF)
    people.run("set-tag", "3", "中", *AS_OF)
    people.run("set-tag", "3", "高", "--release", *AS_OF)
    assert people.rows("SELECT tag FROM tags WHERE customer_id = 3 AND tag IN ('高', '中')") == [("中",)]


@pytest.mark.parametrize(
    ("args", "code"),
    [((), "usage"), (("1",), "usage"), (("1", "亲友", "--file", "x.csv"), "usage"), (("--file", "x.csv", "--off"), "usage")],
)  # fmt: skip
def test_usage_is_said(people: Shop, args: tuple[str, ...], code: str) -> None:
    assert people.json("set-tag", *args, expect=2).error["code"] == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("说明,标签", "missing-phone-column"),
        ("手机号,说明", "missing-tag-column"),
        ("甲,乙", "unknown-header"),
    ],
)
def test_a_sheet_without_its_columns_is_refused(people: Shop, header: str, code: str) -> None:
    sheet = people.file("打标签.csv", f"{header}\n13800000001,亲友\n")
    assert people.json("set-tag", "--file", sheet, expect=3).error["code"] == code


TAGS = ("独", "甲", "乙")
RIVALS = {"甲": ["乙"], "乙": ["甲"]}
ACTS = ("pin_on", "pin_off", "unpin")
HANDS = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.sampled_from(TAGS),
        # A release has no end.
        st.sampled_from(ACTS).flatmap(
            lambda act: st.tuples(
                st.just(act), st.none() if act == "unpin" else st.sampled_from([None, 20_003])
            )
        ),
    ).map(lambda one: (one[0], one[1], *one[2])),
    min_size=1,
    max_size=8,
)


def _tags(con: Any) -> list[tuple[Any, ...]]:
    return con.execute(
        "SELECT customer_id, tag, source, pin, pin_day, is_held, pin_until FROM tags ORDER BY ALL"
    ).fetchall()


@examples(12)
@given(HANDS, HANDS)
def test_a_sheet_does_what_its_rows_do_one_by_one(
    before: list[tuple[int, str, Any, int | None]], rows: list[tuple[int, str, Any, int | None]]
) -> None:
    with new_store() as whole, new_store() as single:
        for con in (whole, single):
            insert(con, "customers", [customer(1), customer(2)])
            for run_id, (who, tag, act, until_day) in enumerate(before, 1):
                set_pins(
                    con,
                    [who],
                    tag,
                    act,
                    day=20_000,
                    run_id=run_id,
                    group=RIVALS.get(tag, ()),
                    has_rule=tag != "独",
                    until_day=until_day,
                )
        note_tags(whole, RIVALS, ["甲", "乙"])
        whole.register("incoming", pa.table({
            "file_no": pa.array([0] * len(rows), pa.int64()), "row_no": pa.array(range(len(rows)), pa.int64()),
            "phone": pa.nulls(len(rows), pa.string()), "named_id": [who for who, *_ in rows],
            "tag": [tag for _, tag, *_ in rows], "word_code": pa.nulls(len(rows), pa.string()),
            "act": [act for _, _, act, _ in rows], "reason": pa.nulls(len(rows), pa.string()),
            "until_day": pa.array([until_day for *_, until_day in rows], pa.int32()),
        }))  # fmt: skip
        judge_tags(whole, "incoming", 20_001)
        verdicts = tag_verdicts(whole)
        write_tags(whole, 20_001, 99)
        assert len(verdicts) == len(rows)
        done = [rows[row_no] for _, row_no, verdict, _ in verdicts if verdict in ("updated", "unchanged")]
        # What a sheet says is meant at once: what is given last in a group is what it gives at all.
        for who, tag, act, until_day in sorted(done, key=lambda one: one[2] == "pin_on"):
            set_pins(
                single,
                [who],
                tag,
                act,
                day=20_001,
                run_id=99,
                group=RIVALS.get(tag, ()),
                has_rule=tag != "独",
                until_day=until_day,
            )
        assert _tags(whole) == _tags(single)
        on = whole.execute("SELECT customer_id FROM held_tags WHERE tag IN ('甲', '乙')").fetchall()
        assert len(on) == len(set(on))


def test_pins_of_the_same_day_say_nothing_new() -> None:
    with new_store() as con:
        insert(con, "customers", [customer(1)])
        note_tags(con, {}, [])
        con.execute(
            "CREATE TEMP TABLE hand_pins AS SELECT 1::BIGINT AS customer_id, '甲' AS tag, 'pin_on' AS act, '' AS reason,"
            " NULL::INTEGER AS until_day"
        )
        write_pins(con, day=1, run_id=1)
        log = con.execute("SELECT count(*) FROM tag_log").fetchall()
        write_pins(con, day=1, run_id=2)
        assert con.execute("SELECT count(*) FROM tag_log").fetchall() == log == [(2,)]


def test_an_older_mapping_is_told_which_columns_it_does_not_know(people: Shop) -> None:
    """A workspace's copy from before 「到期」: the tag would be set for good, and nobody would know."""
    copy = people.root / "platforms" / "打标签.yaml"
    shipped = copy.read_text(encoding="utf-8")
    copy.write_text(re.sub(r"  until: .*\n", "", shipped), encoding="utf-8")
    sheet = people.file("表.csv", "手机号,标签,到期\n13800000001,亲友,2030-01-01\n")
    said = people.run("set-tag", "--file", sheet).stderr
    assert "没有用到的列:到期" in said
    assert "platforms/打标签.yaml 是以前的一份,不认得「到期」,现在出厂的认得" in said
    copy.unlink()
    assert "以前的一份" not in people.run("set-tag", "--file", sheet).stderr
    assert people.rows("SELECT pin_until FROM tags WHERE tag = '亲友'") == [(day("2030-01-01"),)]
    copy.write_text(shipped, encoding="utf-8")
    assert "以前的一份" not in people.run("set-tag", "--file", sheet).stderr
