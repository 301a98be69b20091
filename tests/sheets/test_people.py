"""Lead lists and staff sheets."""

from __future__ import annotations

import json

import pytest

from siyu_cli.errors import InputRefused
from siyu_cli.sheets.people import LEAD_SCHEMA, STAFF_SCHEMA, read_leads, read_staff
from tests.sheets.makers import TZ, codes, shipped, text, xlsx


def leads(path, **options):
    table = read_leads(path, shipped("leads"), tz=TZ, **options)
    assert table.read == table.rows.num_rows + len(table.rejects) + table.blank
    return table


def staff(path):
    return read_staff(path, shipped("staff"), tz=TZ)


def test_leads(tmp_path):
    content = (
        "姓名,手机号,来源,渠道,省份,城市,意向商品,标签,备注,微信昵称,预算\n"
        '张三[vip],+86 138-0013-8000,抖音,直播,浙江省,杭州市,苹果,"高,新",急,"小\\三""",￥9\n'
        "李四,１３９００１３９０００,抖音,,,,,,,,\n"
        "NA,138****8000,,,,,,,,,\n"
        ",,,,,,,,,,\n"
        "王五,,,,,,,,,,\n"
        "赵六,13800138000/13900139000,,,,,,,,,\n"
    )
    table = leads(text(tmp_path / "名单.csv", content, "gb18030"))
    first, second = table.rows.to_pylist()
    assert first["phone"] == "13800138000"
    assert (first["name"], first["source"], first["channel"]) == ("张三[vip]", "抖音", "直播")
    assert (first["province"], first["city"], first["product"], first["tags"]) == (
        "浙江",
        "杭州市",
        "苹果",
        "高,新",
    )
    assert json.loads(first["attributes"]) == {"微信昵称": '小\\三"', "预算": "￥9"}
    assert (second["phone"], second["attributes"]) == ("13900139000", None)
    assert codes(table) == [(4, "phone-masked"), (6, "phone-empty"), (7, "phone-several")]
    assert table.blank == 1
    assert table.rows.schema.equals(LEAD_SCHEMA)


def test_a_single_column_of_phones(tmp_path):
    table = leads(text(tmp_path / "a.txt", "手机号\n13800138000\n\n13900139000\n"))
    assert table.rows["phone"].to_pylist() == ["13800138000", "13900139000"]
    assert table.blank == 1


def test_phones_stored_as_numbers(tmp_path):
    rows = [["手机号", "姓名"], [13800138000, "甲"], [13900139000.0, "乙"], [1.38e10, "丙"]]
    assert leads(xlsx(tmp_path / "a.xlsx", rows)).rows["phone"].to_pylist() == [
        "13800138000",
        "13900139000",
        "13800000000",
    ]


def test_leads_without_a_phone_column(tmp_path):
    for content, platform, code in (
        ("姓名,来源\n张三,抖音\n", "线索", "missing-phone-column"),
        ("姓名,来源\n张三,抖音\n", "auto", "unknown-header"),
        ("甲,乙\n1,2\n", "线索", "unknown-header"),
    ):
        with pytest.raises(InputRefused) as caught:
            read_leads(text(tmp_path / "a.csv", content), shipped("leads", platform), tz=TZ)
        assert caught.value.code == code


def test_staff(tmp_path):
    rows = [
        ["员工账号", "姓名", "部门", "门店", "手机", "权重", "每日上限", "持有上限", "渠道", "地区", "状态"],
        ["zhangsan", "张三", "一部", "总店", "13800138000", 1.5, 20, 100, "抖音", "浙江", "在岗"],
        ["lisi", "李四", None, None, "138****8000", None, None, None, None, None, None],
        ["wangwu", "王五", None, None, None, None, None, None, None, None, "停用"],
        ["zhaoliu", "赵六", None, None, None, -1, None, None, None, None, "在岗"],
        ["sunqi", "孙七", None, None, None, None, 1.5, None, None, None, "在岗"],
        ["zhouba", "周八", None, None, None, None, None, None, None, None, "神游"],
        [None, "吴九"],
        ["zheng", None],
    ]
    table = staff(xlsx(tmp_path / "员工.xlsx", rows, title="员工"))
    assert table.rows["staff_id"].to_pylist() == ["zhangsan", "lisi", "wangwu"]
    assert table.rows["weight_milli"].to_pylist() == [1500, 1000, 1000]
    assert table.rows["daily_cap"].to_pylist() == [20, None, None]
    assert table.rows["holding_cap"].to_pylist() == [100, None, None]
    assert table.rows["is_active"].to_pylist() == [1, 1, 0]
    assert table.rows["phone"].to_pylist() == ["13800138000", None, None]
    assert table.notes == {"phone-masked": 1}
    assert codes(table) == [
        (5, "bad-number"),
        (6, "bad-number"),
        (7, "unknown-staff-status"),
        (8, "missing-staff-id"),
        (9, "missing-name"),
    ]
    assert table.rows.schema.equals(STAFF_SCHEMA)


def test_two_rows_of_one_account_refuse_the_sheet(tmp_path):
    path = text(tmp_path / "a.csv", "员工账号,姓名\na,甲\nb,乙\na,丙\n")
    with pytest.raises(InputRefused) as caught:
        staff(path)
    assert caught.value.code == "duplicate-staff"
    assert "第 2 行" in caught.value.message
    assert "第 4 行" in caught.value.message


def test_only_account_and_name_are_required(tmp_path):
    assert staff(text(tmp_path / "a.csv", "姓名,员工账号\n甲,a\n")).rows.num_rows == 1
    with pytest.raises(InputRefused):
        staff(text(tmp_path / "b.csv", "姓名,部门\n甲,一部\n"))
